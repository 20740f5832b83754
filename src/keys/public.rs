//! Public keys: parsed from PEM, identified by a fingerprint, and verified against. Uses `rsa` and
//! `ed25519-dalek` with either backend, so that what aws-lc-rs signs is verified by an independent
//! implementation.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ed25519_dalek::pkcs8::EncodePublicKey as _;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use rsa::pkcs8::spki::SubjectPublicKeyInfoRef;
use rsa::traits::PublicKeyParts as _;
use rsa::{Pkcs1v15Sign, Pss};
use sha2::{Digest as _, Sha256, Sha512};

use crate::keys::format::{self, Format, SshPublic};
use crate::keys::private::{KeyError, bit_length};
use crate::keys::text::{self, Block, Part};

const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
const SALT_LEN: usize = 32;

/// The public key of an API key.
#[derive(Debug)]
pub(crate) enum PublicKey {
    /// Verifies RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of exactly 32 bytes.
    Rsa(rsa::PublicKey),
    Ed25519(ed25519_dalek::VerifyingKey),
}

impl PublicKey {
    /// Finds the public key in a text: PEM, PKCS#1, or in the formats of OpenSSH. Its white space
    /// and what surrounds it do not matter, unless it may be a private key.
    pub(crate) fn from_pem(text: &str) -> Result<Self, PublicKeyError> {
        if text.contains("PRIVATE KEY") {
            return Err(PublicKeyError::PrivateKey);
        }
        let parts = text::read(text);
        let mut keys: Vec<Self> = Vec::new();
        let mut rejection = None;
        for part in &parts {
            let Part::Block(block) = part else {
                continue;
            };
            match Self::from_block(block) {
                Ok(key) => keys.push(key),
                Err(PublicKeyError::PrivateKey) => return Err(PublicKeyError::PrivateKey),
                Err(reason) => rejection = rejection.or(Some(reason)),
            }
        }
        let mut fingerprints = keys.iter().filter_map(Self::fingerprint);
        let first = fingerprints.next();
        if fingerprints.any(|fingerprint| Some(fingerprint) != first) {
            return Err(PublicKeyError::SeveralKeys);
        }
        let key = keys.into_iter().next();
        key.ok_or(rejection.unwrap_or(PublicKeyError::NotPem))
    }

    fn from_block(block: &Block) -> Result<Self, PublicKeyError> {
        let by_label = if block.label.contains("PRIVATE") {
            PublicKeyError::PrivateKey
        } else if block.label.ends_with("CERTIFICATE") {
            PublicKeyError::Certificate
        } else if block.label.ends_with("PUBLICKEY") {
            PublicKeyError::Malformed
        } else {
            PublicKeyError::NotPem
        };
        let bytes = match &block.bytes {
            Ok(bytes) => bytes,
            Err(KeyError::Putty | KeyError::Encrypted) => return Err(PublicKeyError::PrivateKey),
            Err(_) => return Err(by_label),
        };
        match format::identify(bytes) {
            Some(Format::SubjectPublicKeyInfo) => Self::from_spki(bytes),
            Some(Format::Pkcs1Public) => Self::from_pkcs1(bytes),
            Some(Format::SshPublic(key)) => Self::from_ssh(key),
            Some(Format::Certificate) => Err(PublicKeyError::Certificate),
            Some(Format::Pkcs1 | Format::Pkcs8 | Format::Ed25519Pair(_) | Format::Unusable(_)) => {
                Err(PublicKeyError::PrivateKey)
            }
            None => Err(by_label),
        }
    }

    fn from_spki(der: &[u8]) -> Result<Self, PublicKeyError> {
        let info = SubjectPublicKeyInfoRef::try_from(der).map_err(|_| PublicKeyError::Malformed)?;
        match info.algorithm.oid {
            rsa::pkcs1::ALGORITHM_OID => Self::from_pkcs1(info.subject_public_key.raw_bytes()),
            ed25519_dalek::pkcs8::ALGORITHM_OID => {
                Self::from_ed25519(info.subject_public_key.raw_bytes())
            }
            _ => Err(PublicKeyError::UnsupportedAlgorithm),
        }
    }

    fn from_ssh(key: SshPublic<'_>) -> Result<Self, PublicKeyError> {
        match key {
            SshPublic::Rsa { modulus, exponent } => {
                Self::from_pkcs1(&format::pkcs1_public(modulus, exponent))
            }
            SshPublic::Ed25519(bytes) => Self::from_ed25519(bytes),
            SshPublic::Other => Err(PublicKeyError::UnsupportedAlgorithm),
        }
    }

    fn from_ed25519(bytes: &[u8]) -> Result<Self, PublicKeyError> {
        match ed25519_dalek::VerifyingKey::try_from(bytes) {
            // A weak (small-order) key verifies signatures made without a private key.
            Ok(key) if !key.is_weak() => Ok(Self::Ed25519(key)),
            Ok(_) | Err(_) => Err(PublicKeyError::Malformed),
        }
    }

    fn from_pkcs1(der: &[u8]) -> Result<Self, PublicKeyError> {
        let key =
            rsa::pkcs1::RsaPublicKeyRef::try_from(der).map_err(|_| PublicKeyError::Malformed)?;
        let bits = bit_length(key.modulus.as_bytes());
        if !RSA_BITS.contains(&bits) {
            return Err(PublicKeyError::UnsupportedRsaSize { bits });
        }
        let key = rsa::PublicKey::try_from(key).map_err(|_| PublicKeyError::Malformed)?;
        Ok(Self::Rsa(key))
    }

    /// Returns the SHA-256 fingerprint of the key (DER, SubjectPublicKeyInfo), formatted like
    /// OpenSSH's: `SHA256:` and unpadded base64. `None` if the key cannot be encoded.
    pub(crate) fn fingerprint(&self) -> Option<String> {
        let der = match self {
            Self::Rsa(key) => key.to_public_key_der(),
            Self::Ed25519(key) => key.to_public_key_der(),
        };
        Some(format!(
            "SHA256:{}",
            STANDARD_NO_PAD.encode(Sha256::digest(der.ok()?))
        ))
    }

    /// Returns the key as PEM, as `createApiKey` takes it. `None` if it cannot be encoded.
    pub(crate) fn to_pem(&self) -> Option<String> {
        let pem = match self {
            Self::Rsa(key) => key.to_public_key_pem(LineEnding::LF),
            Self::Ed25519(key) => key.to_public_key_pem(LineEnding::LF),
        };
        pem.ok()
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rsa(key) => key.pss_verify::<Sha256>(message, signature).is_ok(),
            Self::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|s| key.verify_strict(message, &s).is_ok()),
        }
    }

    /// Verifies a signature, or finds out what is wrong with it.
    pub(crate) fn check(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        if self.verify(message, signature) {
            return Ok(());
        }
        let expected = match self {
            Self::Rsa(key) => key.size(),
            Self::Ed25519(_) => ed25519_dalek::SIGNATURE_LENGTH,
        };
        let is_text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
        if signature.len() > expected && signature.iter().all(is_text) {
            return Err(SignatureError::Text);
        }
        if signature.len() != expected {
            return Err(SignatureError::Length {
                actual: signature.len(),
                expected,
            });
        }
        let digest = Sha256::digest(message);
        if self.verify(&digest, signature) {
            return Err(SignatureError::DigestedTwice);
        }
        if let Self::Rsa(key) = self {
            if key
                .verify(Pkcs1v15Sign::new::<Sha256>(), &digest, signature)
                .is_ok()
            {
                return Err(SignatureError::Pkcs1v15);
            }
            // A mistaken salt is as long as some digest, or as the key allows, which is OpenSSL's
            // default.
            let longest = expected - Sha256::output_size() - 2;
            let uses = |salt: &usize| {
                key.verify(Pss::<Sha256>::new_with_salt(*salt), &digest, signature)
                    .is_ok()
            };
            if let Some(actual) = (0..=Sha512::output_size()).chain([longest]).find(uses) {
                return Err(SignatureError::SaltLength { actual });
            }
        }
        Err(SignatureError::Mismatch)
    }
}

/// Why a public key is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// The text contains a private key.
    #[error(
        "it contains a private key; provide its public half, as `openssl pkey -pubout` prints it"
    )]
    PrivateKey,
    /// There is no public key in the text.
    #[error("no PEM section `PUBLIC KEY`; provide it whole, as `openssl pkey -pubout` prints it")]
    NotPem,
    /// The text contains several public keys.
    #[error("several different public keys; keep the one to register")]
    SeveralKeys,
    /// The text contains a certificate.
    #[error("a certificate; extract its public key: `openssl x509 -in FILE -pubkey -noout`")]
    Certificate,
    /// The PEM section does not contain a valid key.
    #[error(
        "the public key is truncated or damaged; copy it again, from its BEGIN to its END line"
    )]
    Malformed,
    /// The algorithm is neither RSA nor Ed25519.
    #[error("the public key is neither RSA nor Ed25519; use a key of one of these")]
    UnsupportedAlgorithm,
    /// The RSA modulus is shorter than 2048 or longer than 8192 bits.
    #[error("an RSA key of {bits} bits; use {} to {} bits, or Ed25519", RSA_BITS.start(), RSA_BITS.end())]
    UnsupportedRsaSize {
        /// The length of the modulus in bits.
        bits: usize,
    },
}

/// What is wrong with a signature that does not verify. The service would refuse it without saying
/// why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// It is text, such as base64 or hexadecimal digits.
    #[error("the signature is text, not bytes; decode its base64 or hexadecimal digits")]
    Text,
    /// Its length is wrong for the public key.
    #[error(
        "the signature has {actual} bytes, not {expected}; check which key signs, and return it raw, unwrapped"
    )]
    Length {
        /// Its length in bytes.
        actual: usize,
        /// The length of every signature by this key.
        expected: usize,
    },
    /// It is RSASSA-PKCS1-v1_5.
    #[error("the signature is RSASSA-PKCS1-v1_5; sign with RSASSA-PSS")]
    Pkcs1v15,
    /// It is RSASSA-PSS with another salt length.
    #[error(
        "the salt of the signature has {actual} bytes, not {SALT_LEN}; set it to the length of the digest"
    )]
    SaltLength {
        /// The length of its salt in bytes.
        actual: usize,
    },
    /// The SHA-256 digest was signed as if it were the message.
    #[error(
        "the message was hashed twice; pass the message itself (or, for RSA, mark the input as a digest)"
    )]
    DigestedTwice,
    /// None of the above: it was made by another key, of another message, or with another hash.
    #[error(
        "the signature is by another key, of another message or with another hash; check which key signs"
    )]
    Mismatch,
}
