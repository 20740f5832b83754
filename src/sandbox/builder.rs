//! Starts a server from its settings.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;
use uuid::Uuid;

use super::account::{Account, Tier};
use super::generated_key::GeneratedKey;
use super::state::SharedState;
use super::{Sandbox, handlers, server};
use crate::types::{ApiKey, ApiKeyScope, ApiKeyType};
use crate::{Credentials, Environment};

/// The settings that a [`Sandbox`] starts with.
///
/// ```
/// use kalshi_api_keys::sandbox::{Sandbox, Tier};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let sandbox = Sandbox::builder().tier(Tier::Basic).root_key_type("ed25519".into()).start().await?;
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SandboxBuilder {
    root_key_type: ApiKeyType,
    listen: SocketAddr,
    tier: Tier,
}

impl Default for SandboxBuilder {
    fn default() -> Self {
        Self {
            root_key_type: ApiKeyType::Ed25519,
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            tier: Tier::Premier,
        }
    }
}

impl SandboxBuilder {
    /// Sets the type of the root key. The default is Ed25519, because generating an RSA key
    /// takes longer.
    #[must_use]
    pub fn root_key_type(self, root_key_type: ApiKeyType) -> Self {
        Self {
            root_key_type,
            ..self
        }
    }

    /// Sets the address to listen on, which must be a loopback address. The default is a free port
    /// of 127.0.0.1.
    #[must_use]
    pub fn listen(self, listen: SocketAddr) -> Self {
        Self { listen, ..self }
    }

    /// Sets the API usage level of the account. The default is [`Tier::Premier`].
    #[must_use]
    pub fn tier(self, tier: Tier) -> Self {
        Self { tier, ..self }
    }

    /// Starts the server on the current Tokio runtime.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if the address is not a loopback address; the
    /// error of the system if it cannot be bound; [`Other`](io::ErrorKind::Other) if the root key
    /// cannot be generated.
    ///
    /// # Panics
    ///
    /// If called outside a Tokio runtime with I/O and time enabled, or if the system provides no
    /// random numbers.
    pub async fn start(self) -> io::Result<Sandbox> {
        if !self.listen.ip().is_loopback() {
            let address = self.listen.ip();
            let message = format!(
                "cannot listen on {address}: the sandbox sends private keys unencrypted; use a loopback address such as \
                 127.0.0.1"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let listener = TcpListener::bind(self.listen).await?;
        // The base path of the spec's servers.
        let path = Environment::Production.base_url().path().to_owned();
        let base_url = format!("http://{}{path}", listener.local_addr()?);
        let environment = Environment::custom(&base_url).map_err(io::Error::other)?;

        let root_key: ApiKey = ApiKey::builder()
            .api_key_id(Uuid::new_v4().to_string())
            .name("root".to_owned())
            .scopes(vec![ApiKeyScope::Read, ApiKeyScope::Write])
            .try_into()
            .map_err(io::Error::other)?;
        let GeneratedKey {
            public_key,
            private_key,
        } = GeneratedKey::new(self.root_key_type).await?;
        let credentials = Credentials::from_pem(&root_key.api_key_id, private_key.expose_secret())
            .map_err(io::Error::other)?;
        let mut account = Account::new(self.tier);
        account.add(root_key, public_key);

        let state = SharedState::new(account);
        let app = handlers::router(&path, &state);
        let server = tokio::spawn(server::serve(listener, app, state.clone())).abort_handle();
        Ok(Sandbox {
            state,
            server,
            base_url,
            environment,
            credentials,
            root_private_key: private_key,
        })
    }
}
