//! Signs messages and generates RSA keys with one of two backends: `aws-lc-rs` (feature
//! `aws-lc-rs`), or `rsa` and `ed25519-dalek`.

use smallvec::SmallVec;

#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
#[cfg(feature = "aws-lc-rs")]
pub(crate) use aws_lc::{SigningKey, generate_rsa};

#[cfg(not(feature = "aws-lc-rs"))]
mod rust_crypto;
#[cfg(not(feature = "aws-lc-rs"))]
pub(crate) use rust_crypto::{SigningKey, generate_rsa};

/// The cryptography backend selected at compile time: `aws-lc-rs`, or `rsa and ed25519-dalek`
/// without the feature `aws-lc-rs`.
pub const CRYPTO_BACKEND: &str = if cfg!(feature = "aws-lc-rs") {
    "aws-lc-rs"
} else {
    "rsa and ed25519-dalek"
};

/// A signature; stored inline for RSA keys of up to 4096 bits.
pub(crate) type Signature = SmallVec<[u8; 512]>;

/// The backend failed to sign, for example because the random number generator failed.
#[derive(Debug)]
pub(crate) struct SigningFailed;
