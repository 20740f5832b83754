//! One private-key operation, two implementations behind one name: `aws-lc-rs` (feature `aws-lc-rs`), or `rsa` and
//! `ed25519-dalek`. An engine knows bytes to sign and nothing of what they mean.

#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
#[cfg(feature = "aws-lc-rs")]
pub(crate) use aws_lc::{SigningKey, generate_rsa};

#[cfg(not(feature = "aws-lc-rs"))]
mod rust_crypto;
#[cfg(not(feature = "aws-lc-rs"))]
pub(crate) use rust_crypto::{SigningKey, generate_rsa};

/// The code that signs in this build: `aws-lc-rs`, or `rsa and ed25519-dalek` without the feature `aws-lc-rs`.
pub const CRYPTO_BACKEND: &str = if cfg!(feature = "aws-lc-rs") { "aws-lc-rs" } else { "rsa and ed25519-dalek" };

/// Room for a signature by the longest key that either engine takes, RSA of 8192 bits, in bytes.
pub(crate) type Room = [u8; 1024];

/// The signature at the beginning of its room, which is large enough.
fn filled<'a>(room: &'a mut Room, signature: &[u8]) -> &'a [u8] {
    let taken = &mut room[..signature.len()];
    taken.copy_from_slice(signature);
    taken
}

/// The engine did not sign, which says that the system gave no random numbers or no memory.
#[derive(Debug)]
pub(crate) struct Failed;
