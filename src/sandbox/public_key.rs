//! Parsing of public keys, and verification of signatures with `rsa` and `ed25519-dalek`, independently of aws-lc-rs,
//! which signs RSA by default.

use rsa::RsaPublicKey;
use rsa::pkcs8::spki::SubjectPublicKeyInfoRef;
use rsa::signature::Verifier as _;
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject as _;
use sha2::Sha256;

const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The public key of an API key.
pub(super) enum PublicKey {
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of exactly 32 bytes.
    Rsa(rsa::pss::VerifyingKey<Sha256>),
    Ed25519(ed25519_dalek::VerifyingKey),
}

impl PublicKey {
    pub(super) fn from_pem(pem: &str) -> Result<Self, PublicKeyError> {
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).map_err(|_| PublicKeyError::NotPem)?;
        let info = SubjectPublicKeyInfoRef::try_from(der.as_ref()).map_err(|_| PublicKeyError::Malformed)?;
        match info.algorithm.oid {
            rsa::pkcs1::ALGORITHM_OID => Self::from_pkcs1(info.subject_public_key.raw_bytes()),
            ed25519_dalek::pkcs8::ALGORITHM_OID => match ed25519_dalek::VerifyingKey::try_from(info) {
                // A weak (small-order) key verifies signatures made without a private key.
                Ok(key) if !key.is_weak() => Ok(Self::Ed25519(key)),
                Ok(_) | Err(_) => Err(PublicKeyError::Malformed),
            },
            _ => Err(PublicKeyError::UnsupportedAlgorithm),
        }
    }

    fn from_pkcs1(der: &[u8]) -> Result<Self, PublicKeyError> {
        let key = rsa::pkcs1::RsaPublicKey::try_from(der).map_err(|_| PublicKeyError::Malformed)?;
        let integer = |bytes: rsa::pkcs1::UintRef<'_>| rsa::BigUint::from_bytes_be(bytes.as_bytes());
        let (modulus, exponent) = (integer(key.modulus), integer(key.public_exponent));
        if !RSA_BITS.contains(&modulus.bits()) {
            return Err(PublicKeyError::UnsupportedRsaSize { bits: modulus.bits() });
        }
        // `RsaPublicKey::new` rejects more than 4096 bits.
        let key = RsaPublicKey::new_with_max_size(modulus, exponent, *RSA_BITS.end());
        key.map(|key| Self::Rsa(rsa::pss::VerifyingKey::new(key))).map_err(|_| PublicKeyError::Malformed)
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rsa(key) => rsa::pss::Signature::try_from(signature).is_ok_and(|s| key.verify(message, &s).is_ok()),
            Self::Ed25519(key) => {
                ed25519_dalek::Signature::from_slice(signature).is_ok_and(|s| key.verify_strict(message, &s).is_ok())
            }
        }
    }
}

/// Why a public key is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// There is no PEM section `PUBLIC KEY`.
    #[error("public_key is not PEM with a `-----BEGIN PUBLIC KEY-----` line")]
    NotPem,
    /// The PEM section does not contain a valid key.
    #[error("public_key is damaged")]
    Malformed,
    /// The algorithm is neither RSA nor Ed25519.
    #[error("public_key is neither RSA nor Ed25519")]
    UnsupportedAlgorithm,
    /// The RSA modulus is shorter than 2048 or longer than 8192 bits.
    #[error("public_key is RSA of {bits} bits, not {min} to {max}", min = RSA_BITS.start(), max = RSA_BITS.end())]
    UnsupportedRsaSize {
        /// The length of the modulus in bits.
        bits: usize,
    },
}
