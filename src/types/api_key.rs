//! Methods of the generated [`ApiKey`].

use crate::types::{ApiKey, ApiKeyScope};

impl ApiKey {
    /// Returns whether the key may trade and transfer for the whole account: it has the scope `write` and is restricted to
    /// neither a sub-account nor an FCM subtrader.
    pub fn has_unrestricted_write(&self) -> bool {
        self.subaccount.is_none() && self.fcm_subtrader_id.is_none() && self.scopes.contains(&ApiKeyScope::Write)
    }
}
