//! Signing by `aws-lc-rs`: constant time, in assembly where the machine has it.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{Ed25519KeyPair, RSA_PSS_SHA256, RsaKeyPair};
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::pkcs8::DecodePrivateKey as _;

use super::{Failed, Room, filled};
use crate::key::{KeyError, PrivateKey};
use crate::key_pair::KeyPairError;

/// A private key in aws-lc's memory, which it wipes when it is freed.
pub(crate) enum SigningKey {
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    pub(crate) fn new(key: &PrivateKey) -> Result<Self, KeyError> {
        match key {
            PrivateKey::Rsa(key) => {
                let der = key.to_pkcs1_der().map_err(|_| KeyError::Unusable)?;
                RsaKeyPair::from_der(der.as_bytes()).map(Self::Rsa).map_err(|_| KeyError::Unusable)
            }
            PrivateKey::Ed25519(key) => {
                Ed25519KeyPair::from_seed_and_public_key(key.as_bytes(), key.verifying_key().as_bytes())
                    .map(Self::Ed25519)
                    .map_err(|_| KeyError::Unusable)
            }
        }
    }

    /// RSASSA-PSS (SHA-256, MGF1 with SHA-256, a salt as long as the digest: 32 bytes), or Ed25519.
    pub(crate) fn sign<'a>(&self, message: &[u8], room: &'a mut Room) -> Result<&'a [u8], Failed> {
        match self {
            Self::Rsa(key) => {
                let signature = room.get_mut(..key.public_modulus_len()).ok_or(Failed)?;
                key.sign(&RSA_PSS_SHA256, &SystemRandom::new(), message, signature).map_err(|_| Failed)?;
                Ok(signature)
            }
            Self::Ed25519(key) => {
                let signature = key.try_sign(message).map_err(|_| Failed)?;
                Ok(filled(room, signature.as_ref()))
            }
        }
    }
}

/// An RSA key of 2048 bits.
pub(crate) fn generate_rsa() -> Result<rsa::RsaPrivateKey, KeyPairError> {
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyPairError::NotMade)?;
    let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyPairError::NotMade)?;
    rsa::RsaPrivateKey::from_pkcs8_der(der.as_ref()).map_err(|_| KeyPairError::NotMade)
}
