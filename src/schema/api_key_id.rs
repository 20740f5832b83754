//! The ID of an API key on its way out: part of a URL path.

use std::fmt;
use std::str::FromStr;

/// The ID of an API key that a request is about: never empty, and one that a URL path can carry unchanged.
///
/// Answers hold IDs as plain strings, for an ID that this version does not expect must not fail a whole answer. One
/// becomes an `ApiKeyId` where it is sent:
///
/// ```
/// use kalshi_api_keys::types::ApiKeyId;
///
/// assert!(ApiKeyId::try_from("a952bcbe-ec3b-4b5b-b8f9-11dae589608c").is_ok());
/// assert!(ApiKeyId::try_from("..").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
pub struct ApiKeyId(#[schemars(length(min = 1))] String);

impl ApiKeyId {
    /// The ID as it is, not percent-encoded.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ApiKeyId {
    type Error = InvalidApiKeyId;

    fn try_from(id: String) -> Result<Self, InvalidApiKeyId> {
        // URL parsers read `\` as `/`, and drop or follow dots, even percent-encoded ones.
        match id.as_str() {
            "" | "." | ".." => Err(InvalidApiKeyId),
            other if other.contains('\\') => Err(InvalidApiKeyId),
            _ => Ok(Self(id)),
        }
    }
}

impl TryFrom<&str> for ApiKeyId {
    type Error = InvalidApiKeyId;

    fn try_from(id: &str) -> Result<Self, InvalidApiKeyId> {
        Self::try_from(id.to_owned())
    }
}

impl TryFrom<&String> for ApiKeyId {
    type Error = InvalidApiKeyId;

    fn try_from(id: &String) -> Result<Self, InvalidApiKeyId> {
        Self::try_from(id.clone())
    }
}

impl FromStr for ApiKeyId {
    type Err = InvalidApiKeyId;

    fn from_str(id: &str) -> Result<Self, InvalidApiKeyId> {
        Self::try_from(id)
    }
}

impl fmt::Display for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for ApiKeyId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// The text is no ID that a URL path can carry: it is empty, `.` or `..`, or holds `\`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an API key ID is not empty, not `.` or `..`, and holds no `\\`; copy it from the list of API keys")]
pub struct InvalidApiKeyId;
