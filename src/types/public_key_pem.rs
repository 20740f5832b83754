//! A public key in a request, validated so that nothing else is sent in its place.

use std::fmt;
use std::str::FromStr;

use crate::PublicKeyError;
use crate::keys::public::PublicKey;

/// A PEM-encoded public key, RSA (2048 to 8192 bits) or Ed25519.
///
/// Text around its PEM section is dropped, and text with a private key is refused: what is sent is
/// a public key and nothing else.
///
/// ```
/// use kalshi_api_keys::types::PublicKeyPem;
/// use kalshi_api_keys::{KeyAlgorithm, KeyPair, PublicKeyError};
///
/// let pair = KeyPair::generate(KeyAlgorithm::Ed25519)?;
/// let public_key = PublicKeyPem::try_from(pair.public_key_pem()?)?;
/// assert!(public_key.as_str().starts_with("-----BEGIN PUBLIC KEY-----"));
/// let mistaken = PublicKeyPem::try_from(pair.private_key_pem()?.expose_secret());
/// assert_eq!(mistaken, Err(PublicKeyError::PrivateKey));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema), schemars(!try_from))]
pub struct PublicKeyPem(String);

impl PublicKeyPem {
    /// Returns the PEM section, whose lines end in LF.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for PublicKeyPem {
    type Error = PublicKeyError;

    fn try_from(pem: &str) -> Result<Self, PublicKeyError> {
        PublicKey::from_pem(pem)?
            .to_pem()
            .map(Self)
            .ok_or(PublicKeyError::Malformed)
    }
}

macro_rules! try_from {
    ($($text:ty),*) => {$(
        impl TryFrom<$text> for PublicKeyPem {
            type Error = PublicKeyError;

            fn try_from(pem: $text) -> Result<Self, PublicKeyError> {
                Self::try_from(pem.as_str())
            }
        }
    )*};
}

try_from!(String, &String);

impl FromStr for PublicKeyPem {
    type Err = PublicKeyError;

    fn from_str(pem: &str) -> Result<Self, PublicKeyError> {
        Self::try_from(pem)
    }
}

impl fmt::Display for PublicKeyPem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
