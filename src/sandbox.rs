//! A local server for tests that implements the same four operations. It keeps everything in
//! memory, listens on a loopback port, and stops when the [`Sandbox`] is dropped.
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
//! [`Sandbox::fail_next`] injects a [`Fault`], [`Sandbox::set_clock_offset_secs`] moves the
//! server's clock, and [`Sandbox::set_tier`] changes what the account may do.
//!
//! # Fidelity
//!
//! Each rule comes from the service's documentation, from responses recorded from the live service,
//! or is a guess where neither says anything. Do not rely on a guess.
//!
//! | rule | source |
//! |---|---|
//! | the operations, and their statuses 200, 201, 204, 400, 401, 403, 404, 409 and 500 | documented |
//! | the signed message, the algorithms, and the headers that carry the signature | documented |
//! | a timestamp is accepted within ±10 s of the server's clock | recorded |
//! | the bodies of 401, and the flat `invalid_content_type` | recorded |
//! | all other errors have the shape `{"error":{"code":…,"message":…}}` | recorded, as one of several |
//! | the codes and messages of all errors but 401, unless stated below | guess |
//! | errors have no `service` | documented |
//! | authentication comes first: 403 means that the signature was accepted | documented |
//! | `read` allows listing, `write` every other operation; child scopes allow none of the four | documented; the status, 403, is a guess |
//! | a key restricted to one sub-account may not create, generate or delete keys (403) | documented, with the message; the code and the JSON around it are a guess |
//! | it may not [list](Sandbox::set_restricted_keys_may_list) them either | guess |
//! | a key bound to an FCM subtrader is rejected by every operation | documented; the status, 403, is a guess |
//! | team members may not manage keys | documented; not modelled: every key belongs to the owner of the account |
//! | scopes default to `read` and `write`; `write` requires `read`; child scopes require no parent | documented |
//! | sub-accounts range from 0 to 63, and exclude an `fcm_subtrader_id` | documented |
//! | `createApiKey` requires [`Tier::Premier`] or [`Tier::MarketMaker`] (403) | documented |
//! | the levels above [`Tier::Premier`] may call it too | guess |
//! | `fcm_subtrader_id` requires an FCM member (403) and a visible subtrader (409); its suffix is case-sensitive | documented |
//! | its user ID is not checked, and any account may filter a list by it | guess |
//! | new keys may come with a [`warning`](Sandbox::set_creation_warning) | documented |
//! | [`Fault::rate_limited`]: the body of 429, and no header for it | documented |
//! | requests are never limited otherwise | documented budgets; not modelled |
//! | [`Fault::attestation_lapsed`]: the body of 403 | recorded for an order; not known for the four operations |
//! | an unknown scope, an empty list of scopes, an empty name or a `null` field is rejected with 400 | guess |
//! | RSA public keys have 2048 to 8192 bits; weak Ed25519 keys are rejected | guess |
//! | bodies are limited to 64 KiB (413); unknown paths return 404, other methods 405, signed or not | guess |
//! | the order in which an authenticated request is checked, when several things are wrong with it | guess |

mod account;
mod api_error;
mod authentication;
mod builder;
mod clock;
mod fault;
mod generated_key;
mod handlers;
mod operation;
mod request;
mod server;
mod state;

use std::fmt;
use std::time::Duration;

use tokio::task::AbortHandle;

pub use account::{RegisterError, Tier};
pub use builder::SandboxBuilder;
pub use fault::Fault;
pub use operation::UnknownOperation;

use crate::keys::public::PublicKey;
use crate::types::{ApiKey, PrivateKeyPem};
use crate::{Credentials, Environment};
use state::SharedState;

/// A running server. Dropping it closes its port and all of its connections.
///
/// Settings may be changed at any time and apply from the next request on.
///
/// ```
/// use kalshi_api_keys::sandbox::{Sandbox, Tier};
/// use kalshi_api_keys::types::CreateApiKeyRequest;
/// use kalshi_api_keys::{Client, KeyAlgorithm, KeyPair};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let sandbox = Sandbox::start().await?;
/// let client = Client::new(sandbox.environment(), sandbox.credentials())?;
/// sandbox.set_tier(Tier::Basic);
/// let public_key = KeyPair::generate(KeyAlgorithm::Ed25519)?.public_key_pem()?;
/// let request = CreateApiKeyRequest::builder().name("desk").public_key(public_key).scopes(vec!["read".into()]);
/// let refused = client.create_api_key().body(request).send().await.unwrap_err();
/// assert_eq!((refused.status().unwrap().as_u16(), sandbox.requests(), sandbox.keys().len()), (403, 1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Sandbox {
    state: SharedState,
    server: AbortHandle,
    base_url: String,
    environment: Environment,
    credentials: Credentials,
    root_private_key: PrivateKeyPem,
}

impl Sandbox {
    /// Starts a server with the default settings: a free port of 127.0.0.1, a [`Tier::Premier`]
    /// account, and an Ed25519 root key with the scopes `read` and `write`.
    ///
    /// # Errors
    ///
    /// If no port can be bound, or the root key cannot be generated; see [`SandboxBuilder::start`].
    ///
    /// # Panics
    ///
    /// As [`SandboxBuilder::start`] does.
    pub async fn start() -> std::io::Result<Self> {
        Self::builder().start().await
    }

    /// Returns a builder for a server with other settings.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::default()
    }

    /// Returns the base URL, such as `http://127.0.0.1:49152/trade-api/v2`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Returns the base URL in the form that [`Client::new`](crate::Client::new) takes.
    pub fn environment(&self) -> Environment {
        self.environment.clone()
    }

    /// Returns the credentials of the root key, which has the scopes `read` and `write` and no
    /// sub-account or subtrader. It can be deleted like any other key.
    pub fn credentials(&self) -> Credentials {
        self.credentials.clone()
    }

    /// Returns the private key of the [credentials](Self::credentials), for use by another process.
    /// Like the service, the sandbox keeps no other private key.
    ///
    /// ```
    /// use kalshi_api_keys::{key_file, sandbox::Sandbox};
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// # let (sandbox, folder) = (Sandbox::start().await?, tempfile::tempdir()?);
    /// let key_id = sandbox.credentials().key_id().to_owned();
    /// key_file::save(folder.path().join("root.pem"), Some(&key_id), &sandbox.root_private_key())?;
    /// println!("KALSHI_API_BASE_URL={} KALSHI_PRIVATE_KEY_PATH=root.pem", sandbox.base_url());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn root_private_key(&self) -> PrivateKeyPem {
        self.root_private_key.clone()
    }

    /// Sets the API usage level of the account. Below [`Tier::Premier`], `createApiKey` returns 403
    /// (documented), and `generateApiKey` does not.
    pub fn set_tier(&self, tier: Tier) {
        self.state.lock().account.tier = tier;
    }

    /// Sets how many seconds the server's clock is ahead of this machine's, or behind it if
    /// negative; the default is 0. The clock decides which timestamps are accepted, and appears in
    /// the `Date` of every response, where it is limited to the years 1970 to 9999.
    ///
    /// ```
    /// use kalshi_api_keys::{Client, sandbox::Sandbox};
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// # let sandbox = Sandbox::start().await?;
    /// # let client = Client::new(sandbox.environment(), sandbox.credentials())?;
    /// sandbox.set_clock_offset_secs(120);
    /// client.get_api_keys().send().await?;
    /// assert_eq!(sandbox.requests(), 2, "refused for its timestamp, and sent again");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_clock_offset_secs(&self, seconds: i64) {
        self.state.lock().clock.offset_secs = seconds;
    }

    /// Sets how far a timestamp may deviate from the server's clock in either direction. The
    /// default is 10 seconds (recorded).
    pub fn set_time_window(&self, window: Duration) {
        self.state.lock().clock.window = window;
    }

    /// Sets whether the account is an FCM member. By default it is not, and naming an
    /// `fcm_subtrader_id` returns 403 (documented).
    pub fn set_fcm_member(&self, member: bool) {
        self.state.lock().account.fcm_member = member;
    }

    /// Sets whether a key that is restricted to one sub-account may list the keys of the account.
    /// By default it may not. That it may not manage keys is documented; whether that includes
    /// listing is not, so test with both. Such a key may never create, generate or delete keys.
    ///
    /// ```
    /// use kalshi_api_keys::sandbox::Sandbox;
    /// use kalshi_api_keys::types::{GenerateApiKeyRequest, Subaccount};
    /// use kalshi_api_keys::{Client, Credentials};
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// # let sandbox = Sandbox::start().await?;
    /// # let client = Client::new(sandbox.environment(), sandbox.credentials())?;
    /// let request = GenerateApiKeyRequest::builder()
    ///     .name("bot")
    ///     .scopes(vec!["read".into(), "write".into()])
    ///     .subaccount(Subaccount::try_from(7)?)
    ///     .key_type("ed25519");
    /// let bot = client.generate_api_key().body(request).send().await?;
    /// let credentials = Credentials::from_pem(&bot.api_key_id, bot.private_key.expose_secret())?;
    /// let client = Client::new(sandbox.environment(), credentials)?;
    /// assert!(client.get_api_keys().send().await.is_err());
    /// sandbox.set_restricted_keys_may_list(true);
    /// client.get_api_keys().send().await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_restricted_keys_may_list(&self, allowed: bool) {
        self.state.lock().account.restricted_keys_may_list = allowed;
    }

    /// Makes an FCM subtrader visible. Binding a key to one that is not visible returns 409
    /// (documented). IDs are compared exactly: their suffixes are case-sensitive (documented).
    pub fn add_fcm_subtrader(&self, id: &str) {
        self.state
            .lock()
            .account
            .fcm_subtraders
            .insert(id.to_owned());
    }

    /// Sets `api_key_region_expiration_ts`, in Unix seconds: when the account's location
    /// attestation lapses. The default is `None`, which omits the field.
    pub fn set_region_expiration(&self, unix_secs: Option<i64>) {
        self.state.lock().account.region_expiration = unix_secs;
    }

    /// Sets the `warning` that is returned with every key created or generated. The default is
    /// `None`, which omits the field.
    pub fn set_creation_warning(&self, warning: Option<String>) {
        self.state.lock().account.warning = warning;
    }

    /// Adds a key without the checks of `createApiKey`, except those of the public key. It may have
    /// unknown scopes, a sub-account above 63, or an ID that is not a UUID.
    ///
    /// # Errors
    ///
    /// [`RegisterError::PublicKey`] if `createApiKey` would refuse the public key;
    /// [`RegisterError::DuplicateId`] if the account already has a key with this ID.
    ///
    /// ```
    /// use kalshi_api_keys::sandbox::{RegisterError, Sandbox};
    /// use kalshi_api_keys::{KeyAlgorithm, KeyPair, types::ApiKey};
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// # let sandbox = Sandbox::start().await?;
    /// let public_key = KeyPair::generate(KeyAlgorithm::Ed25519)?.public_key_pem()?;
    /// let key = ApiKey::builder().api_key_id("desk").scopes(vec!["newer".into()]);
    /// let key = ApiKey::try_from(key)?;
    /// sandbox.register(key.clone(), &public_key)?;
    /// assert_eq!(sandbox.keys().pop().as_ref(), Some(&key));
    /// assert_eq!(sandbox.register(key, &public_key), Err(RegisterError::DuplicateId));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn register(&self, key: ApiKey, public_key_pem: &str) -> Result<(), RegisterError> {
        let public_key = PublicKey::from_pem(public_key_pem)?;
        self.state.lock().account.register(key, public_key)
    }

    /// Returns the keys of the account, oldest first, as `getApiKeys` lists them.
    pub fn keys(&self) -> Vec<ApiKey> {
        self.state.lock().account.keys().cloned().collect()
    }

    /// Returns how many requests have arrived, valid or not.
    pub fn requests(&self) -> u64 {
        self.state.lock().requests
    }

    /// Injects a fault into the next request of any of the four operations. Faults queue up: each
    /// request, signed or not, takes the oldest that applies to its operation.
    pub fn fail_next(&self, fault: Fault) {
        self.state.lock().faults.push(None, fault);
    }

    /// Injects a fault into the next request of one operation, through the same queue as
    /// [`fail_next`](Self::fail_next).
    ///
    /// ```
    /// # use kalshi_api_keys::sandbox::{Fault, Sandbox, UnknownOperation};
    /// # fn inject(sandbox: &Sandbox) -> Result<(), UnknownOperation> {
    /// sandbox.fail_next_on("generateApiKey", Fault::DropResponse)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`UnknownOperation`] if the spec has no operation with this `operationId`.
    pub fn fail_next_on(&self, operation_id: &str, fault: Fault) -> Result<(), UnknownOperation> {
        let operation = operation_id.parse()?;
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
        f.debug_struct("Sandbox")
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}
