//! Local generation of key pairs whose public key is registered with `createApiKey`.

use std::fmt;

use ed25519_dalek::pkcs8::{EncodePrivateKey as _, KeypairBytes, spki::der::pem::LineEnding};
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use zeroize::Zeroizing;

use crate::keys::backend;
use crate::keys::private::PrivateKey;
use crate::types::{ApiKeyType, PrivateKeyPem};

/// The algorithm of a key pair.
///
/// ```
/// use kalshi_api_keys::{KeyAlgorithm, KeyPairError, types::ApiKeyType};
///
/// assert_eq!(ApiKeyType::from(KeyAlgorithm::Ed25519), ApiKeyType::Ed25519);
/// assert_eq!(KeyAlgorithm::try_from(ApiKeyType::from("rsa")), Ok(KeyAlgorithm::Rsa));
/// assert_eq!(KeyAlgorithm::try_from(ApiKeyType::from("dsa")), Err(KeyPairError::UnknownType));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    /// RSA with a 2048-bit modulus, signing with RSASSA-PSS.
    Rsa,
    /// Ed25519.
    Ed25519,
}

impl From<KeyAlgorithm> for ApiKeyType {
    fn from(algorithm: KeyAlgorithm) -> Self {
        match algorithm {
            KeyAlgorithm::Rsa => Self::Rsa,
            KeyAlgorithm::Ed25519 => Self::Ed25519,
        }
    }
}

impl TryFrom<ApiKeyType> for KeyAlgorithm {
    type Error = KeyPairError;

    /// Returns [`KeyPairError::UnknownType`] for a key type that this version does not know.
    fn try_from(key_type: ApiKeyType) -> Result<Self, KeyPairError> {
        match key_type {
            ApiKeyType::Rsa => Ok(Self::Rsa),
            ApiKeyType::Ed25519 => Ok(Self::Ed25519),
            ApiKeyType::Unknown(_) => Err(KeyPairError::UnknownType),
        }
    }
}

/// A key pair generated on this machine.
///
/// ```
/// use kalshi_api_keys::{Credentials, KeyAlgorithm, KeyPair};
///
/// let pair = KeyPair::generate(KeyAlgorithm::Ed25519)?;
/// let public_key = pair.public_key_pem()?; // for `create_api_key`
/// let private_key = pair.private_key_pem()?; // store it before the key is created
/// # let api_key_id = "a952bcbe-ec3b-4b5b-b8f9-11dae589608c";
/// let credentials = Credentials::from_pem(api_key_id, private_key.expose_secret())?;
/// assert_eq!(credentials.fingerprint(), pair.fingerprint()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// `Debug` shows the algorithm only. The private key is zeroized on drop, except copies of a prime
/// that `rsa` computes with.
pub struct KeyPair(PrivateKey);

impl KeyPair {
    /// Generates a key pair with the system's random number generator. RSA takes about a tenth of a
    /// second, and about a second in an unoptimized build without the feature `aws-lc-rs`.
    ///
    /// # Errors
    ///
    /// [`KeyPairError::GenerationFailed`] if the random number generator fails.
    pub fn generate(algorithm: KeyAlgorithm) -> Result<Self, KeyPairError> {
        match algorithm {
            KeyAlgorithm::Rsa => {
                backend::generate_rsa().map(|key| Self(PrivateKey::Rsa(Box::new(key))))
            }
            KeyAlgorithm::Ed25519 => {
                let mut seed = Zeroizing::new([0; 32]);
                getrandom::fill(&mut *seed).map_err(|_| KeyPairError::GenerationFailed)?;
                Ok(Self(PrivateKey::Ed25519(Box::new(
                    ed25519_dalek::SigningKey::from_bytes(&seed),
                ))))
            }
        }
    }

    /// Returns the public key as PEM (`-----BEGIN PUBLIC KEY-----`), the format that `createApiKey`
    /// expects.
    ///
    /// # Errors
    ///
    /// [`KeyPairError::EncodingFailed`] if the key cannot be encoded.
    pub fn public_key_pem(&self) -> Result<String, KeyPairError> {
        self.0
            .public_key()
            .to_pem()
            .ok_or(KeyPairError::EncodingFailed)
    }

    /// Returns the SHA-256 fingerprint of the public key (DER, SubjectPublicKeyInfo) as `SHA256:`
    /// and unpadded base64, like [`Credentials::fingerprint`](crate::Credentials::fingerprint).
    ///
    /// # Errors
    ///
    /// [`KeyPairError::EncodingFailed`] if the key cannot be encoded.
    pub fn fingerprint(&self) -> Result<String, KeyPairError> {
        self.0
            .public_key()
            .fingerprint()
            .ok_or(KeyPairError::EncodingFailed)
    }

    /// Returns the private key as PEM: PKCS#1 for RSA and PKCS#8 for Ed25519, as the service does.
    ///
    /// # Errors
    ///
    /// [`KeyPairError::EncodingFailed`] if the key cannot be encoded.
    pub fn private_key_pem(&self) -> Result<PrivateKeyPem, KeyPairError> {
        let pem = match &self.0 {
            PrivateKey::Rsa(key) => key
                .to_pkcs1_pem(LineEnding::LF)
                .map_err(|_| KeyPairError::EncodingFailed),
            PrivateKey::Ed25519(key) => {
                // PKCS#8 v1 has no public key, and older OpenSSL rejects v2.
                let bytes = KeypairBytes {
                    secret_key: key.to_bytes(),
                    public_key: None,
                };
                bytes
                    .to_pkcs8_pem(LineEnding::LF)
                    .map_err(|_| KeyPairError::EncodingFailed)
            }
        };
        pem.map(|mut pem| std::mem::take(&mut *pem).into())
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            PrivateKey::Rsa(_) => "KeyPair(RSA)",
            PrivateKey::Ed25519(_) => "KeyPair(Ed25519)",
        })
    }
}

/// A key pair could not be generated or encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyPairError {
    /// The key type is unknown to this version of the crate.
    #[error("unknown key type; use rsa or ed25519, or let the service generate the key pair")]
    UnknownType,
    /// The key pair could not be generated.
    #[error("failed to generate a key pair; check that the system's random number generator works")]
    GenerationFailed,
    /// The key could not be encoded.
    #[error("failed to encode the key as PEM; generate another")]
    EncodingFailed,
}
