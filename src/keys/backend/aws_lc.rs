//! The `aws-lc-rs` backend: constant-time, with assembly for common processors.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{Ed25519KeyPair, RSA_PSS_SHA256, RsaKeyPair};
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::pkcs8::DecodePrivateKey as _;

use super::{Signature, SigningFailed};
use crate::keys::pair::KeyPairError;
use crate::keys::private::{KeyError, PrivateKey};

/// A private key ready to sign; aws-lc zeroizes its memory on drop.
pub(crate) enum SigningKey {
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    pub(crate) fn new(key: &PrivateKey) -> Result<Self, KeyError> {
        match key {
            PrivateKey::Rsa(key) => {
                let der = key.to_pkcs1_der().map_err(|_| KeyError::Unusable)?;
                RsaKeyPair::from_der(der.as_bytes())
                    .map(Self::Rsa)
                    .map_err(|_| KeyError::Unusable)
            }
            PrivateKey::Ed25519(key) => Ed25519KeyPair::from_seed_and_public_key(
                key.as_bytes(),
                key.verifying_key().as_bytes(),
            )
            .map(Self::Ed25519)
            .map_err(|_| KeyError::Unusable),
        }
    }

    /// Signs with RSASSA-PSS (SHA-256, MGF1 with SHA-256, a 32-byte salt) or Ed25519.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Signature, SigningFailed> {
        match self {
            Self::Rsa(key) => {
                let mut signature = Signature::from_elem(0, key.public_modulus_len());
                key.sign(
                    &RSA_PSS_SHA256,
                    &SystemRandom::new(),
                    message,
                    &mut signature,
                )
                .map_err(|_| SigningFailed)?;
                Ok(signature)
            }
            Self::Ed25519(key) => {
                let signature = key.try_sign(message).map_err(|_| SigningFailed)?;
                Ok(Signature::from_slice(signature.as_ref()))
            }
        }
    }
}

/// Generates a 2048-bit RSA key.
pub(crate) fn generate_rsa() -> Result<rsa::PrivateKey, KeyPairError> {
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyPairError::GenerationFailed)?;
    let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyPairError::GenerationFailed)?;
    rsa::PrivateKey::from_pkcs8_der(der.as_ref()).map_err(|_| KeyPairError::GenerationFailed)
}
