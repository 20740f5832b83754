//! Methods of the generated [`ApiKey`].

use crate::types::{ApiKey, ApiKeyScope};

impl ApiKey {
    /// Returns whether the key may trade and transfer for the whole account, as far as the listing
    /// tells: it has the scope `write` itself, not only child scopes of it, and is restricted to
    /// neither a sub-account nor an FCM subtrader.
    ///
    /// A key whose scopes are not listed, or could not be read, may have it: for those as well.
    ///
    /// ```
    /// use kalshi_api_keys::types::{ApiKey, Subaccount};
    ///
    /// let scopes = vec!["read".into(), "write".into()];
    /// let key = ApiKey::builder().api_key_id("a952bcbe").scopes(scopes);
    /// assert!(ApiKey::try_from(key.clone())?.has_unrestricted_write());
    /// let restricted = key.subaccount(Subaccount::try_from(7)?);
    /// assert!(!ApiKey::try_from(restricted)?.has_unrestricted_write());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn has_unrestricted_write(&self) -> bool {
        let may_write = match &self.scopes {
            None => true,
            Some(scopes) => scopes.contains(&ApiKeyScope::Write) || self.has_unread_scopes(),
        };
        let is_bound = self
            .fcm_subtrader_id
            .as_ref()
            .is_some_and(|id| !id.is_empty());
        may_write && self.subaccount.is_none() && !is_bound
    }

    fn has_unread_scopes(&self) -> bool {
        self.unread().any(|member| member.starts_with("scopes"))
    }
}
