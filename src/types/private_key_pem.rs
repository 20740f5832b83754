//! A private key as returned by `generateApiKey`.

use std::fmt;

use zeroize::{Zeroize as _, ZeroizeOnDrop};

/// A PEM-encoded private key.
///
/// ```
/// use kalshi_api_keys::types::PrivateKeyPem;
///
/// let key = PrivateKeyPem::from("-----BEGIN PRIVATE KEY-----".to_owned());
/// assert_eq!(key.expose_secret(), "-----BEGIN PRIVATE KEY-----");
/// assert_eq!(format!("{key:?}"), "PrivateKeyPem([REDACTED])");
/// ```
///
/// Only [`expose_secret`](Self::expose_secret) reveals it: `Debug` is redacted, there is no
/// `Display`, and neither it nor a type that contains it can be serialized or compared:
///
/// ```compile_fail
/// fn print(response: &kalshi_api_keys::types::GenerateApiKeyResponse) {
///     println!("{}", serde_json::to_string(response).unwrap());
/// }
/// ```
///
/// Its memory is zeroized on drop, and so is the buffer into which this crate reads the response.
/// The read buffers of `hyper`, the TLS library and the kernel, and `serde_json`'s scratch space,
/// are not.
#[derive(Clone, serde::Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct PrivateKeyPem(String);

impl PrivateKeyPem {
    /// Returns the PEM text, for example for
    /// [`Credentials::from_pem`](crate::Credentials::from_pem). Store it where only its owner can
    /// read it.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl Drop for PrivateKeyPem {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for PrivateKeyPem {}

impl From<String> for PrivateKeyPem {
    fn from(pem: String) -> Self {
        Self(pem)
    }
}

impl fmt::Debug for PrivateKeyPem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKeyPem([REDACTED])")
    }
}
