//! A private key as the service shows it, once.

use std::fmt;

use zeroize::{Zeroize as _, ZeroizeOnDrop};

/// The text of a private key, PEM.
///
/// It is seen through [`expose_secret`](Self::expose_secret) and in no other way: `Debug` shows nothing of it, there
/// is no `Display`, and it cannot be serialised, nor can what holds it:
///
/// ```compile_fail
/// fn print(answer: &kalshi_api_keys::types::GenerateApiKeyResponse) {
///     println!("{}", serde_json::to_string(answer).unwrap());
/// }
/// ```
///
/// Its memory is wiped when it is dropped, and so is the buffer in which this crate gathered the answer. What cannot be
/// wiped belongs to others: the read buffers of `hyper` and of the TLS library, `serde_json`'s scratch space, and the
/// kernel's.
#[derive(Clone)]
pub struct PrivateKeyPem(String);

impl PrivateKeyPem {
    /// The text, to be stored where only its owner reads it, or given to
    /// [`Credentials::from_pem`](crate::Credentials::from_pem).
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
        f.write_str("PrivateKeyPem(not shown)")
    }
}

impl<'de> serde::Deserialize<'de> for PrivateKeyPem {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

impl schemars::JsonSchema for PrivateKeyPem {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PrivateKeyPem".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}
