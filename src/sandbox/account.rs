//! The account: its keys, and what its owner is allowed.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::StatusCode;
use rsa::rand_core::{OsRng, RngCore as _};

use super::new_key::NewKey;
use super::public_key::{PublicKey, PublicKeyError};
use super::refusal::Refusal;
use crate::types::ApiKey;

/// An API usage level of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Tier {
    /// The level of every new account: no `createApiKey`.
    Basic,
    /// No `createApiKey` either.
    Advanced,
    /// The first level with `createApiKey`.
    Premier,
    /// The market makers' level.
    MarketMaker,
}

pub(super) struct Account {
    /// In the order in which they were made.
    keys: Vec<(ApiKey, Arc<PublicKey>)>,
    pub(super) tier: Tier,
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
            fcm_member: false,
            fcm_subtraders: BTreeSet::new(),
            region_expiration: None,
            warning: None,
        }
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &ApiKey> {
        self.keys.iter().map(|(key, _)| key)
    }

    pub(super) fn key(&self, id: &str) -> Option<(ApiKey, Arc<PublicKey>)> {
        self.keys.iter().find(|(key, _)| key.api_key_id == id).cloned()
    }

    /// Whether a key for a public key of the caller's own may be created.
    pub(super) fn check_tier(&self) -> Result<(), Refusal> {
        match self.tier {
            Tier::Premier | Tier::MarketMaker => Ok(()),
            Tier::Basic | Tier::Advanced => Err(Refusal::forbidden(
                "insufficient_usage_level",
                "a key of your own needs the Premier or Market Maker API usage level",
            )),
        }
    }

    /// Whether a key may be bound to the FCM subtrader that it names, if any.
    pub(super) fn check_subtrader(&self, key: &NewKey) -> Result<(), Refusal> {
        match &key.fcm_subtrader_id {
            None => Ok(()),
            Some(_) if !self.fcm_member => {
                Err(Refusal::forbidden("not_an_fcm_member", "fcm_subtrader_id is for FCM members"))
            }
            Some(id) if !self.fcm_subtraders.contains(id) => Err(Refusal::new(
                StatusCode::CONFLICT,
                "fcm_subtrader_not_yet_visible",
                "the FCM subtrader is not yet visible; retry once its creation has propagated",
            )),
            Some(_) => Ok(()),
        }
    }

    /// Adds a key under a new ID, and answers the ID.
    pub(super) fn add(&mut self, key: NewKey, public_key: PublicKey) -> Result<String, Refusal> {
        let id = uuid()?;
        let NewKey { name, scopes, subaccount, fcm_subtrader_id } = key;
        let key = ApiKey::builder().api_key_id(&id).name(name).scopes(scopes);
        let key = key.subaccount(subaccount).fcm_subtrader_id(fcm_subtrader_id).try_into();
        self.keys.push((key.map_err(|_| Refusal::internal())?, Arc::new(public_key)));
        Ok(id)
    }

    pub(super) fn register(&mut self, key: ApiKey, public_key: PublicKey) -> Result<(), RegisterError> {
        if self.key(&key.api_key_id).is_some() {
            return Err(RegisterError::IdTaken);
        }
        self.keys.push((key, Arc::new(public_key)));
        Ok(())
    }

    /// Whether there was such a key. There is none now.
    pub(super) fn delete(&mut self, id: &str) -> bool {
        let before = self.keys.len();
        self.keys.retain(|(key, _)| key.api_key_id != id);
        self.keys.len() < before
    }
}

/// A random UUID, version 4.
fn uuid() -> Result<String, Refusal> {
    let mut bytes = [0; 16];
    OsRng.try_fill_bytes(&mut bytes).map_err(|_| Refusal::internal())?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    Ok([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
}

/// Why a key was not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// Its public key cannot be used.
    #[error(transparent)]
    PublicKey(#[from] PublicKeyError),
    /// The account has a key of this ID.
    #[error("the account has a key of this ID; delete it first, or choose another ID")]
    IdTaken,
}
