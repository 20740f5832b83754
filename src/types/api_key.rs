//! Methods of the generated [`ApiKey`].

use crate::types::{ApiKey, ApiKeyScope};

impl ApiKey {
    /// Returns whether the key may trade and transfer for the whole account: it has the scope
    /// `write` itself, not only child scopes of it, and is restricted to neither a sub-account nor
    /// an FCM subtrader.
    ///
    /// ```
    /// use kalshi_api_keys::types::ApiKey;
    ///
    /// let key = ApiKey::builder().api_key_id("a952bcbe").name("desk").scopes(vec!["read".into(), "write".into()]);
    /// assert!(ApiKey::try_from(key.clone())?.has_unrestricted_write());
    /// assert!(!ApiKey::try_from(key.subaccount(7))?.has_unrestricted_write());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn has_unrestricted_write(&self) -> bool {
        self.subaccount.is_none()
            && self.fcm_subtrader_id.is_none()
            && self.scopes.contains(&ApiKeyScope::Write)
    }
}
