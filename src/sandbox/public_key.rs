//! Reading a public key and verifying with it, by `rsa` and `ed25519-dalek`: never by what signs.

use rsa::RsaPublicKey;
use rsa::pkcs8::spki::SubjectPublicKeyInfoRef;
use rsa::signature::Verifier as _;
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject as _;
use sha2::Sha256;

const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A public key that signatures are verified with.
pub(super) enum PublicKey {
    /// RSASSA-PSS, SHA-256, MGF1 with SHA-256, a salt of exactly 32 bytes.
    Rsa(rsa::pss::VerifyingKey<Sha256>),
    Ed25519(ed25519_dalek::VerifyingKey),
}

impl PublicKey {
    pub(super) fn from_pem(pem: &str) -> Result<Self, PublicKeyError> {
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).map_err(|_| PublicKeyError::NotPem)?;
        let info = SubjectPublicKeyInfoRef::try_from(der.as_ref()).map_err(|_| PublicKeyError::Damaged)?;
        match info.algorithm.oid {
            rsa::pkcs1::ALGORITHM_OID => Self::rsa(info.subject_public_key.raw_bytes()),
            ed25519_dalek::pkcs8::ALGORITHM_OID => match ed25519_dalek::VerifyingKey::try_from(info) {
                // A weak key confirms signatures that nobody made.
                Ok(key) if !key.is_weak() => Ok(Self::Ed25519(key)),
                Ok(_) | Err(_) => Err(PublicKeyError::Damaged),
            },
            _ => Err(PublicKeyError::Algorithm),
        }
    }

    fn rsa(pkcs1: &[u8]) -> Result<Self, PublicKeyError> {
        let key = rsa::pkcs1::RsaPublicKey::try_from(pkcs1).map_err(|_| PublicKeyError::Damaged)?;
        let number = |bytes: rsa::pkcs1::UintRef<'_>| rsa::BigUint::from_bytes_be(bytes.as_bytes());
        let (modulus, exponent) = (number(key.modulus), number(key.public_exponent));
        if !RSA_BITS.contains(&modulus.bits()) {
            return Err(PublicKeyError::RsaSize { bits: modulus.bits() });
        }
        // `new` would stop at 4096 bits.
        let key = RsaPublicKey::new_with_max_size(modulus, exponent, *RSA_BITS.end());
        key.map(|key| Self::Rsa(rsa::pss::VerifyingKey::new(key))).map_err(|_| PublicKeyError::Damaged)
    }

    pub(super) fn verify(&self, text: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rsa(key) => rsa::pss::Signature::try_from(signature).is_ok_and(|s| key.verify(text, &s).is_ok()),
            Self::Ed25519(key) => {
                ed25519_dalek::Signature::from_slice(signature).is_ok_and(|s| key.verify_strict(text, &s).is_ok())
            }
        }
    }
}

/// Why a text is no public key that an API key can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// No PEM section of a public key.
    #[error("public_key is not PEM with a `-----BEGIN PUBLIC KEY-----` line")]
    NotPem,
    /// The section holds no key.
    #[error("public_key is damaged")]
    Damaged,
    /// Another algorithm.
    #[error("public_key is neither RSA nor Ed25519")]
    Algorithm,
    /// An RSA key that is too short, or longer than any in use.
    #[error("public_key is RSA of {bits} bits, not {min} to {max}", min = RSA_BITS.start(), max = RSA_BITS.end())]
    RsaSize {
        /// The length of its modulus.
        bits: usize,
    },
}
