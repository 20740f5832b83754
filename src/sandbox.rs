//! A local server of the same four operations, for this crate's tests and for yours. Everything is in memory, on a
//! loopback port of its own, and gone when the [`Sandbox`] is dropped.
//!
//! It really verifies: every request needs its three headers, a timestamp in the window and a signature that the
//! registered public key confirms, and the key's scopes must allow the operation. Refusals look like those recorded
//! from the service, and those it documents; the order in which two faults of one request are noticed is a guess.
//!
//! ```
//! use kalshi_api_keys::{Client, sandbox::Sandbox, types::GenerateApiKeyRequest};
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let sandbox = Sandbox::start().await?;
//! let client = Client::new(sandbox.environment(), sandbox.credentials())?;
//!
//! let request = GenerateApiKeyRequest::builder().name("dashboard").scopes(vec!["read".into()]).key_type("ed25519");
//! let generated = client.generate_api_key().body(request).send().await?.into_inner();
//! let listed = client.get_api_keys().send().await?.into_inner();
//! assert!(listed.api_keys.iter().any(|key| key.api_key_id == generated.api_key_id));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The rest is there to be made worse: [`Sandbox::fail_next`] breaks an answer in one of the ways of [`Fault`],
//! [`Sandbox::set_clock_offset_secs`] moves its clock, [`Sandbox::set_tier`] takes a permission away.

mod account;
mod authentication;
mod builder;
mod clock;
mod fault;
mod new_key;
mod operations;
mod public_key;
mod refusal;
mod server;
mod state;

use std::fmt;
use std::time::Duration;

use tokio::task::AbortHandle;

pub use account::{RegisterError, Tier};
pub use builder::SandboxBuilder;
pub use fault::{Fault, UnknownOperation};
pub use public_key::PublicKeyError;

use crate::types::{ApiKey, PrivateKeyPem};
use crate::{Credentials, Environment};
use operations::Operation;
use public_key::PublicKey;
use state::Shared;

/// A running server. Dropping it closes its port and every open connection.
///
/// Its settings hold from the next request on.
pub struct Sandbox {
    state: Shared,
    server: AbortHandle,
    base_url: String,
    environment: Environment,
    credentials: Credentials,
    root_private_key: PrivateKeyPem,
}

impl Sandbox {
    /// Starts a sandbox with a Premier account and a root key, Ed25519, of full access.
    ///
    /// # Errors
    ///
    /// When no port can be had, or the system gives no random numbers.
    pub async fn start() -> std::io::Result<Self> {
        Self::builder().start().await
    }

    /// Starts from other settings.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::default()
    }

    /// The base URL, such as `http://127.0.0.1:49152/trade-api/v2`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The base URL, as [`Client::new`](crate::Client::new) takes it.
    pub fn environment(&self) -> Environment {
        self.environment.clone()
    }

    /// The root key: `read` and `write`, bound to nothing. It can be deleted like any other.
    pub fn credentials(&self) -> Credentials {
        self.credentials.clone()
    }

    /// The private key of the [credentials](Self::credentials), to be written where another process reads it. The
    /// sandbox keeps no other private key, neither does the service.
    pub fn root_private_key(&self) -> PrivateKeyPem {
        self.root_private_key.clone()
    }

    /// The API usage level of the account: below [`Tier::Premier`], `createApiKey` answers 403.
    pub fn set_tier(&self, tier: Tier) {
        self.state.lock().account.tier = tier;
    }

    /// How far the sandbox's clock is ahead of this machine's, in seconds; behind it when negative. It decides which
    /// timestamps are accepted, and shows in every answer's `Date`, which stops at the years 1970 and 9999.
    pub fn set_clock_offset_secs(&self, seconds: i64) {
        self.state.lock().clock.offset_secs = seconds;
    }

    /// How far a timestamp may be off, either way: ten seconds unless set.
    pub fn set_time_window(&self, window: Duration) {
        self.state.lock().clock.window = window;
    }

    /// Whether the account is an FCM member. It is none unless set, and naming an `fcm_subtrader_id` answers 403.
    pub fn set_fcm_member(&self, member: bool) {
        self.state.lock().account.fcm_member = member;
    }

    /// Makes an FCM subtrader visible. Until then, binding a key to it answers 409.
    pub fn add_fcm_subtrader(&self, id: &str) {
        self.state.lock().account.fcm_subtraders.insert(id.to_owned());
    }

    /// What the list says of the account's location attestation, in Unix seconds; absent unless set.
    pub fn set_region_expiration(&self, unix_secs: Option<i64>) {
        self.state.lock().account.region_expiration = unix_secs;
    }

    /// The `warning` beside every key that is created or generated from now on.
    pub fn warn_on_creation(&self, warning: Option<String>) {
        self.state.lock().account.warning = warning;
    }

    /// Adds a key as it stands, unchecked but for its public key: with scopes that nobody knows yet, a sub-account
    /// beyond 63, or an ID that is no UUID.
    ///
    /// # Errors
    ///
    /// When the public key is not one that `createApiKey` takes, or the account has a key of this ID.
    pub fn register(&self, key: ApiKey, public_key_pem: &str) -> Result<(), RegisterError> {
        let public_key = PublicKey::from_pem(public_key_pem)?;
        self.state.lock().account.register(key, public_key)
    }

    /// The keys of the account, oldest first: what a signed list would answer.
    pub fn keys(&self) -> Vec<ApiKey> {
        self.state.lock().account.keys().cloned().collect()
    }

    /// How many requests have arrived, of any kind.
    pub fn requests(&self) -> u64 {
        self.state.lock().requests
    }

    /// Spoils the next request of any of the four operations. Faults queue: each request takes the first that is
    /// meant for it, signed or not, just as a broken network would.
    pub fn fail_next(&self, fault: Fault) {
        self.state.lock().faults.push(None, fault);
    }

    /// Spoils the next request of one operation, in the queue of [`fail_next`](Self::fail_next).
    ///
    /// ```
    /// # use kalshi_api_keys::sandbox::{Fault, Sandbox};
    /// # fn spoil(sandbox: &Sandbox) -> Result<(), Box<dyn std::error::Error>> {
    /// sandbox.fail_next_on("generateApiKey", Fault::LoseAnswer)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When the spec has no operation of this `operationId`.
    pub fn fail_next_on(&self, operation_id: &str, fault: Fault) -> Result<(), UnknownOperation> {
        let operation = Operation::from_id(operation_id).ok_or_else(|| UnknownOperation::new(operation_id))?;
        self.state.lock().faults.push(Some(operation), fault);
        Ok(())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}
