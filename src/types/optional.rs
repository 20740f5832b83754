//! The argument type of builder setters for optional properties.

/// The argument of a builder's setter for an optional property: a value, an [`Option`], or anything
/// that converts to one.
///
/// ```
/// use kalshi_api_keys::types::{GenerateApiKeyRequest, Optional, Subaccount};
///
/// let request = GenerateApiKeyRequest::builder();
/// let request = request.subaccount(7);
/// let request = request.subaccount(Subaccount::try_from(7)?);
/// let request = request.subaccount(None).fcm_subtrader_id("0c8a7d31_desk7");
/// assert_eq!(Optional::<Subaccount>::try_from(7)?.into_option(), Some(Subaccount::try_from(7)?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Optional<T>(Option<T>);

impl<T> Optional<T> {
    /// Returns the value, or `None` if the property is absent.
    pub fn into_option(self) -> Option<T> {
        self.0
    }
}

impl<T> From<T> for Optional<T> {
    fn from(value: T) -> Self {
        Self(Some(value))
    }
}

impl<T> From<Option<T>> for Optional<T> {
    fn from(value: Option<T>) -> Self {
        Self(value)
    }
}

impl From<&str> for Optional<String> {
    fn from(value: &str) -> Self {
        Self(Some(value.to_owned()))
    }
}
