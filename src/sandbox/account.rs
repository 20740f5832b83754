//! The account: its keys, and what it may do.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::StatusCode;

use super::api_error::ApiError;
use crate::keys::public::{PublicKey, PublicKeyError};
use crate::types::ApiKey;

/// The API usage level of an account, as the service documents it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Tier {
    /// The level of a new account. `createApiKey` returns 403.
    Basic,
    /// The second level. `createApiKey` returns 403.
    Advanced,
    /// The third level. `createApiKey` returns 403.
    Expert,
    /// The lowest level that may call `createApiKey`.
    Premier,
    /// The level above Premier. That it may call `createApiKey` is a guess.
    Paragon,
    /// The level above Paragon. That it may call `createApiKey` is a guess.
    Prime,
    /// The highest level. That it may call `createApiKey` is a guess.
    Prestige,
    /// The level of market makers, who may call `createApiKey`.
    MarketMaker,
}

impl Tier {
    fn may_create_keys(self) -> bool {
        match self {
            Self::Basic | Self::Advanced | Self::Expert => false,
            Self::Premier | Self::Paragon | Self::Prime | Self::Prestige | Self::MarketMaker => {
                true
            }
        }
    }
}

pub(super) struct Account {
    /// Oldest first.
    keys: Vec<(ApiKey, Arc<PublicKey>)>,
    pub(super) tier: Tier,
    pub(super) restricted_keys_may_list: bool,
    pub(super) fcm_member: bool,
    pub(super) fcm_subtraders: BTreeSet<String>,
    pub(super) region_expiration: Option<i64>,
    pub(super) warning: Option<String>,
}

impl Account {
    pub(super) fn new(tier: Tier) -> Self {
        Self {
            keys: Vec::new(),
            tier,
            restricted_keys_may_list: false,
            fcm_member: false,
            fcm_subtraders: BTreeSet::new(),
            region_expiration: None,
            warning: None,
        }
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &ApiKey> {
        self.keys.iter().map(|(key, _)| key)
    }

    pub(super) fn find(&self, id: &str) -> Option<(ApiKey, Arc<PublicKey>)> {
        self.keys
            .iter()
            .find(|(key, _)| key.api_key_id == id)
            .cloned()
    }

    /// Checks that the account may call `createApiKey`.
    pub(super) fn check_tier(&self) -> Result<(), ApiError> {
        if !self.tier.may_create_keys() {
            return Err(ApiError::forbidden(
                "insufficient_api_usage_level",
                "creating a key for your own public key needs the Premier or Market Maker usage level",
            ));
        }
        Ok(())
    }

    /// Checks that the account may bind the key to the FCM subtrader that it names, if any.
    pub(super) fn check_subtrader(&self, key: &ApiKey) -> Result<(), ApiError> {
        match &key.fcm_subtrader_id {
            None => Ok(()),
            Some(_) if !self.fcm_member => Err(ApiError::forbidden(
                "not_an_fcm_member",
                "only FCM members may bind a key to a subtrader",
            )),
            Some(id) if !self.fcm_subtraders.contains(id) => Err(ApiError::new(
                StatusCode::CONFLICT,
                "fcm_subtrader_not_visible",
                "the subtrader is not yet visible to the credential registry",
            )),
            Some(_) => Ok(()),
        }
    }

    /// Adds a key whose ID is known to be new.
    pub(super) fn add(&mut self, key: ApiKey, public_key: PublicKey) {
        self.keys.push((key, Arc::new(public_key)));
    }

    /// Adds a key with an ID of the caller's choice.
    pub(super) fn register(
        &mut self,
        key: ApiKey,
        public_key: PublicKey,
    ) -> Result<(), RegisterError> {
        if self.find(&key.api_key_id).is_some() {
            return Err(RegisterError::DuplicateId);
        }
        self.add(key, public_key);
        Ok(())
    }

    /// Deletes a key, and returns whether it existed.
    pub(super) fn delete(&mut self, id: &str) -> bool {
        let before = self.keys.len();
        self.keys.retain(|(key, _)| key.api_key_id != id);
        self.keys.len() < before
    }
}

/// The error of [`Sandbox::register`](super::Sandbox::register).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The public key is invalid.
    #[error(transparent)]
    PublicKey(#[from] PublicKeyError),
    /// The account already has a key with this ID.
    #[error("the account already has a key with this ID; delete it first, or choose another ID")]
    DuplicateId,
}
