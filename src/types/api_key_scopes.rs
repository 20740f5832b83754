//! The scopes of a key to create: at least one.

use std::ops::Deref;

use super::ApiKeyScope;

/// The permissions of a new key: at least one, because nobody documents what the service makes of
/// an empty list, and an absent one means full access.
///
/// ```
/// use kalshi_api_keys::types::{ApiKeyScope, ApiKeyScopes};
///
/// let scopes = ApiKeyScopes::try_from(vec![ApiKeyScope::Read])?;
/// assert_eq!(*scopes, [ApiKeyScope::Read]);
/// assert!(ApiKeyScopes::try_from(vec![]).is_err());
/// # Ok::<(), kalshi_api_keys::types::NoScopes>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Vec<ApiKeyScope>")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema), schemars(!try_from))]
pub struct ApiKeyScopes(
    #[cfg_attr(feature = "schemars", schemars(length(min = 1)))] Vec<ApiKeyScope>,
);

impl Deref for ApiKeyScopes {
    type Target = [ApiKeyScope];

    fn deref(&self) -> &[ApiKeyScope] {
        &self.0
    }
}

impl TryFrom<Vec<ApiKeyScope>> for ApiKeyScopes {
    type Error = NoScopes;

    fn try_from(scopes: Vec<ApiKeyScope>) -> Result<Self, NoScopes> {
        if scopes.is_empty() {
            return Err(NoScopes);
        }
        Ok(Self(scopes))
    }
}

impl<const N: usize> TryFrom<[ApiKeyScope; N]> for ApiKeyScopes {
    type Error = NoScopes;

    fn try_from(scopes: [ApiKeyScope; N]) -> Result<Self, NoScopes> {
        Self::try_from(Vec::from(scopes))
    }
}

/// The list of scopes is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key needs at least one scope")]
pub struct NoScopes;
