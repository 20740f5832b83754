//! The `rsa` and `ed25519-dalek` backend, which needs no C compiler. `rsa` 0.10 blinds each
//! signature and is meant to be constant-time, but RUSTSEC-2023-0071 names no fixed version.

use ed25519_dalek::Signer as _;
use getrandom::SysRng;
use sha2::Sha256;

use super::{Signature, SigningFailed};
use crate::keys::pair::KeyPairError;
use crate::keys::private::{KeyError, PrivateKey};

/// A private key ready to sign, zeroized as [`PrivateKey`] is.
pub(crate) enum SigningKey {
    Rsa(Box<rsa::PrivateKey>),
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

impl SigningKey {
    pub(crate) fn new(key: &PrivateKey) -> Result<Self, KeyError> {
        Ok(match key {
            PrivateKey::Rsa(key) => Self::Rsa(key.clone()),
            PrivateKey::Ed25519(key) => Self::Ed25519(key.clone()),
        })
    }

    /// Signs with RSASSA-PSS (SHA-256, MGF1 with SHA-256, a 32-byte salt) or Ed25519.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Signature, SigningFailed> {
        match self {
            Self::Rsa(key) => {
                let signature = key.pss_sign::<Sha256>(message).map_err(|_| SigningFailed)?;
                Ok(Signature::from_vec(signature))
            }
            Self::Ed25519(key) => Ok(Signature::from_slice(&key.sign(message).to_bytes())),
        }
    }
}

/// Generates a 2048-bit RSA key.
pub(crate) fn generate_rsa() -> Result<rsa::PrivateKey, KeyPairError> {
    rsa::PrivateKey::new(&mut SysRng, 2048).map_err(|_| KeyPairError::GenerationFailed)
}
