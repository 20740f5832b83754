//! What to rotate, and how.

use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Step;
use crate::types::{ApiKeyScope, ApiKeyType, Subaccount};
use crate::{Credentials, CredentialsError, ExternalKey, KeyAlgorithm};

/// Where the new key pair comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Source {
    /// The service generates it and returns the private key.
    Service(ApiKeyType),
    /// This machine generates it; the private key never travels.
    Local(ApiKeyType),
    /// It exists, and its private key is not in this process. Its fingerprint.
    External(String),
}

/// The longest delay before a request is repeated.
const MAX_DELAY: Duration = Duration::from_secs(5);

/// How often failed requests are repeated.
///
/// ```
/// use std::time::Duration;
///
/// use kalshi_api_keys::rotation::{Plan, RetryPolicy};
///
/// let retry_policy = RetryPolicy::new(20, Duration::from_secs(1));
/// assert!(retry_policy.attempts > RetryPolicy::default().attempts);
/// let plan = Plan::new("kalshi-new.pem").retry_policy(retry_policy);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// The number of failures after which to give up, at least 1.
    pub attempts: usize,
    /// The delay after the first failure. It doubles with each further one, and is at most five
    /// seconds.
    pub first_delay: Duration,
}

impl RetryPolicy {
    /// Returns a policy that gives up after this many failures, and waits this long after the
    /// first.
    pub fn new(attempts: usize, first_delay: Duration) -> Self {
        Self {
            attempts: attempts.max(1),
            first_delay,
        }
    }

    /// Returns the delay after each failure but the last.
    pub(super) fn delays(self) -> impl Iterator<Item = Duration> + Send {
        use backon::BackoffBuilder as _;
        let delays = backon::ExponentialBuilder::default()
            .with_min_delay(self.first_delay.min(MAX_DELAY))
            .with_max_delay(MAX_DELAY)
            .with_max_times(self.attempts.max(1) - 1);
        delays.build()
    }
}

/// Gives up at the eighth failure; the delays, from 250 ms on, add up to 18 seconds.
impl Default for RetryPolicy {
    fn default() -> Self {
        Self::new(8, Duration::from_millis(250))
    }
}

/// What to rotate, and how.
///
/// ```
/// use kalshi_api_keys::KeyAlgorithm;
/// use kalshi_api_keys::rotation::Plan;
/// use kalshi_api_keys::types::ApiKeyScope;
///
/// let plan = Plan::new("kalshi-new.pem")
///     .name("dashboard")
///     .scopes(vec![ApiKeyScope::Read])
///     .generate_locally(KeyAlgorithm::Ed25519)
///     .switch_signer()
///     .stop_on(async { drop(tokio::signal::ctrl_c().await) });
/// ```
pub struct Plan {
    pub(super) file: PathBuf,
    pub(super) replace: Option<String>,
    pub(super) name: Option<String>,
    pub(super) scopes: Option<Vec<ApiKeyScope>>,
    pub(super) subaccount: Option<Option<Subaccount>>,
    pub(super) source: Source,
    /// The new key, under a placeholder ID, if it is external.
    pub(super) external: Option<Credentials>,
    pub(super) retry_policy: RetryPolicy,
    pub(super) settle_time: Duration,
    pub(super) switch_signer: bool,
    pub(super) on_step: Box<dyn FnMut(&Step) + Send>,
    pub(super) stop: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Plan {
    /// Returns a plan that replaces the key that signs with one of the same scopes and sub-account:
    /// an Ed25519 key that the service generates, saved to a file that does not exist yet.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            replace: None,
            name: None,
            scopes: None,
            subaccount: None,
            source: Source::Service(ApiKeyType::Ed25519),
            external: None,
            retry_policy: RetryPolicy::default(),
            settle_time: super::SETTLE_TIME,
            switch_signer: false,
            on_step: Box::new(|_| {}),
            stop: Box::pin(std::future::pending()),
        }
    }

    /// Replaces the key with this ID instead of the one that signs.
    #[must_use]
    pub fn replace(self, key_id: impl Into<String>) -> Self {
        Self {
            replace: Some(key_id.into()),
            ..self
        }
    }

    /// Sets the new key's name, to which a date and a random token are added. Default: the old
    /// key's name, without the date and token of an earlier rotation.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            ..self
        }
    }

    /// Sets the new key's scopes. Default: those of the old key.
    #[must_use]
    pub fn scopes(self, scopes: Vec<ApiKeyScope>) -> Self {
        Self {
            scopes: Some(scopes),
            ..self
        }
    }

    /// Sets the sub-account that the new key is restricted to; `None` leaves it unrestricted.
    /// Default: that of the old key. A restricted key may not list keys (a guess; that it may not
    /// manage them is documented), so it cannot be verified, and the rotation ends with
    /// [`Failure::CannotVerify`](super::Failure::CannotVerify) before anything is created.
    #[must_use]
    pub fn subaccount(self, subaccount: Option<Subaccount>) -> Self {
        Self {
            subaccount: Some(subaccount),
            ..self
        }
    }

    /// Lets the service generate a key pair of this type.
    #[must_use]
    pub fn generate_at_service(self, key_type: ApiKeyType) -> Self {
        Self {
            source: Source::Service(key_type),
            external: None,
            ..self
        }
    }

    /// Generates the key pair on this machine, so that its private key never travels. Needs the
    /// Premier or Market Maker API usage level.
    #[must_use]
    pub fn generate_locally(self, algorithm: KeyAlgorithm) -> Self {
        Self {
            source: Source::Local(algorithm.into()),
            external: None,
            ..self
        }
    }

    /// Registers the public key of a private key that is not in this process, instead of generating
    /// a key pair. The file holds the public key and, before the old key is deleted, the ID of the
    /// new one: see [`Credentials::external_from_file`](crate::Credentials::external_from_file).
    /// Needs the Premier or Market Maker API usage level.
    ///
    /// Each run first has the key sign a test message, so that a key that does not work is found
    /// before anything changes. Then it signs each list of keys that proves something of the new
    /// key, and the deletion of the old key.
    ///
    /// ```no_run
    /// # use std::error::Error;
    /// use kalshi_api_keys::{Client, ExternalKey, rotation::{Plan, rotate}};
    ///
    /// # async fn example(client: Client, public_key_pem: &str, token: impl ExternalKey + 'static) -> Result<(), Box<dyn Error>> {
    /// let rotated = rotate(&client, Plan::new("kalshi-token.pub").external_key(public_key_pem, token)?).await?;
    /// println!("the token signs as {}", rotated.key_id);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`CredentialsError::PublicKey`] for an unusable public key.
    pub fn external_key(
        self,
        public_key_pem: &str,
        key: impl ExternalKey + 'static,
    ) -> Result<Self, CredentialsError> {
        let external = Credentials::external("new", public_key_pem, key)?;
        Ok(Self {
            source: Source::External(external.fingerprint().to_owned()),
            external: Some(external),
            ..self
        })
    }

    /// Sets at how many failed requests a run gives up; the next one continues.
    #[must_use]
    pub fn retry_policy(self, retry_policy: RetryPolicy) -> Self {
        Self {
            retry_policy,
            ..self
        }
    }

    /// Sets how long after a request whose response was lost the service may still create a key.
    /// Default: [`SETTLE_TIME`](super::SETTLE_TIME).
    #[must_use]
    pub fn settle_time(self, settle_time: Duration) -> Self {
        Self {
            settle_time,
            ..self
        }
    }

    /// Lets the client that is passed to [`rotate`](super::rotate), and every clone of it, sign
    /// with the new key as soon as it is verified, before the old key is deleted: see
    /// [`Signer::replace_credentials`](crate::Signer::replace_credentials).
    ///
    /// A new key without the scope `write` cannot delete the old one. If its deletion fails after
    /// the switch, continue with a client that signs with the old key.
    #[must_use]
    pub fn switch_signer(self) -> Self {
        Self {
            switch_signer: true,
            ..self
        }
    }

    /// Calls a function at each step.
    #[must_use]
    pub fn on_step(self, on_step: impl FnMut(&Step) + Send + 'static) -> Self {
        Self {
            on_step: Box::new(on_step),
            ..self
        }
    }

    /// Stops the rotation once a future is ready, such as a signal. The request in flight is
    /// finished and its private key saved; the next run continues from there.
    #[must_use]
    pub fn stop_on(self, stop: impl Future<Output = ()> + Send + 'static) -> Self {
        Self {
            stop: Box::pin(stop),
            ..self
        }
    }
}
