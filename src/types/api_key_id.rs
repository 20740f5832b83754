//! API key IDs in requests, validated as a URL path segment.

use std::fmt;
use std::str::FromStr;

use crate::redact::contains_private_key;

/// The ID of an API key in a request: not empty, safe as a URL path segment, and not
/// [a private key](crate::text::contains_private_key), which would be logged with the URL. Nothing
/// else is expected of an ID, because the service chooses it.
///
/// Responses contain IDs as plain strings, so that an unexpected ID does not make a whole response
/// fail to parse. IDs are validated when they are sent:
///
/// ```
/// use kalshi_api_keys::types::ApiKeyId;
///
/// let id = ApiKeyId::try_from("a952bcbe-ec3b-4b5b-b8f9-11dae589608c")?;
/// assert_eq!(id.as_str(), "a952bcbe-ec3b-4b5b-b8f9-11dae589608c");
/// assert!(ApiKeyId::try_from("..").is_err());
/// # Ok::<(), kalshi_api_keys::types::InvalidApiKeyId>(())
/// ```
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "String")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema), schemars(!try_from))]
pub struct ApiKeyId(#[cfg_attr(feature = "schemars", schemars(length(min = 1)))] String);

impl ApiKeyId {
    /// Returns the ID, not percent-encoded.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ApiKeyId {
    type Error = InvalidApiKeyId;

    fn try_from(id: String) -> Result<Self, InvalidApiKeyId> {
        // URL parsers treat `\` as `/` and resolve dot segments, even percent-encoded ones; some
        // gateways decode `%2F` before routing.
        match id.as_str() {
            "" | "." | ".." => Err(InvalidApiKeyId),
            _ if id.contains(['/', '\\']) || contains_private_key(&id) => Err(InvalidApiKeyId),
            _ => Ok(Self(id)),
        }
    }
}

macro_rules! try_from {
    ($($text:ty),*) => {$(
        impl TryFrom<$text> for ApiKeyId {
            type Error = InvalidApiKeyId;

            fn try_from(id: $text) -> Result<Self, InvalidApiKeyId> {
                Self::try_from(String::from(id))
            }
        }
    )*};
}

try_from!(&str, &String);

impl FromStr for ApiKeyId {
    type Err = InvalidApiKeyId;

    fn from_str(id: &str) -> Result<Self, InvalidApiKeyId> {
        Self::try_from(id)
    }
}

impl From<ApiKeyId> for String {
    fn from(id: ApiKeyId) -> Self {
        id.0
    }
}

impl fmt::Display for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The text is not a valid API key ID: it is empty, `.` or `..`, contains `/` or `\`, or holds a
/// private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid API key ID: empty, `.` or `..`, contains `/` or `\\`, or holds a private key; copy it from the list of API keys"
)]
pub struct InvalidApiKeyId;
