//! What to rotate, and how.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use super::Step;
use crate::types::{ApiKey, ApiKeyScope, ApiKeyType, Subaccount};
use crate::{Client, KeyPair};

/// What a key is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Binding {
    /// Nothing: every sub-account.
    None,
    /// One sub-account.
    Subaccount(Subaccount),
    /// An FCM subtrader, by its ID.
    FcmSubtrader(String),
}

impl Binding {
    /// What a listed key is bound to.
    pub fn of(key: &ApiKey) -> Self {
        match (&key.fcm_subtrader_id, &key.subaccount) {
            (Some(id), _) => Self::FcmSubtrader(id.clone()),
            (None, Some(number)) => Self::Subaccount(number.clone()),
            (None, None) => Self::None,
        }
    }

    pub(super) fn parts(&self) -> (Option<Subaccount>, Option<String>) {
        match self {
            Self::None => (None, None),
            Self::Subaccount(number) => (Some(number.clone()), None),
            Self::FcmSubtrader(id) => (None, Some(id.clone())),
        }
    }
}

/// What to rotate, and how.
pub struct Plan {
    pub(super) file: PathBuf,
    pub(super) replace: Option<String>,
    pub(super) name: Option<String>,
    pub(super) scopes: Option<Vec<ApiKeyScope>>,
    pub(super) binding: Option<Binding>,
    pub(super) source: Source,
    pub(super) attempts: usize,
    pub(super) first_pause: Duration,
    pub(super) probe: Option<Probe>,
    pub(super) report: Box<dyn FnMut(&Step) + Send>,
}

pub(super) enum Source {
    Generated(ApiKeyType),
    Local(KeyPair),
}

pub(super) type Probe = Box<dyn Fn(Client) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

impl Plan {
    /// To replace the key that signs by one with the same name, scopes and binding, an Ed25519 key that the service
    /// generates, saved to a file that does not exist yet.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            replace: None,
            name: None,
            scopes: None,
            binding: None,
            source: Source::Generated(ApiKeyType::Ed25519),
            attempts: 8,
            first_pause: Duration::from_millis(250),
            probe: None,
            report: Box::new(|_| {}),
        }
    }

    /// The ID of the key to replace, if it is not the one that signs.
    #[must_use]
    pub fn replace(self, key_id: impl Into<String>) -> Self {
        Self { replace: Some(key_id.into()), ..self }
    }

    /// The new key's name.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// What the new key may do.
    #[must_use]
    pub fn scopes(self, scopes: Vec<ApiKeyScope>) -> Self {
        Self { scopes: Some(scopes), ..self }
    }

    /// What the new key is bound to.
    #[must_use]
    pub fn binding(self, binding: Binding) -> Self {
        Self { binding: Some(binding), ..self }
    }

    /// Have the service generate a key pair of this type.
    #[must_use]
    pub fn generated(self, key_type: ApiKeyType) -> Self {
        Self { source: Source::Generated(key_type), ..self }
    }

    /// Create the new key from a pair made here. Needs the Premier or the Market Maker API usage level.
    #[must_use]
    pub fn from_pair(self, pair: KeyPair) -> Self {
        Self { source: Source::Local(pair), ..self }
    }

    /// How often to try to sign in with the new key, and the pause after the first attempt, which doubles each time up to
    /// five seconds. 8 times and 250 ms unless set: about twenty seconds.
    #[must_use]
    pub fn patience(self, attempts: usize, first_pause: Duration) -> Self {
        Self { attempts: attempts.max(1), first_pause, ..self }
    }

    /// How to see that the new key works, where a signed list cannot prove it: a key that is bound to an FCM subtrader, or
    /// has not the scope `read`. The probe is given a client that signs with the new key, and says what is wrong.
    #[must_use]
    pub fn probe<F>(self, probe: impl Fn(Client) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        Self { probe: Some(Box::new(move |client| Box::pin(probe(client)))), ..self }
    }

    /// Called as each step begins or is done.
    #[must_use]
    pub fn on_step(self, report: impl FnMut(&Step) + Send + 'static) -> Self {
        Self { report: Box::new(report), ..self }
    }
}
