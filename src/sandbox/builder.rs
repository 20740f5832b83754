//! From settings to a running server with a root key.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

use super::account::Account;
use super::new_key::NewKey;
use super::public_key::PublicKey;
use super::state::Shared;
use super::{Sandbox, Tier, operations, server};
use crate::types::{ApiKeyScope, ApiKeyType};
use crate::{Credentials, Environment, KeyAlgorithm, KeyPair};

/// The settings that a [`Sandbox`] starts with.
#[derive(Clone, Debug)]
pub struct SandboxBuilder {
    root_key_type: ApiKeyType,
    listen: SocketAddr,
    tier: Tier,
}

impl Default for SandboxBuilder {
    fn default() -> Self {
        Self { root_key_type: ApiKeyType::Ed25519, listen: (Ipv4Addr::LOCALHOST, 0).into(), tier: Tier::Premier }
    }
}

impl SandboxBuilder {
    /// The type of the root key: Ed25519 unless set, for an RSA key may take seconds to make.
    #[must_use]
    pub fn root_key_type(self, root_key_type: ApiKeyType) -> Self {
        Self { root_key_type, ..self }
    }

    /// The address to listen on, a loopback one: a free port of 127.0.0.1 unless set.
    #[must_use]
    pub fn listen(self, listen: SocketAddr) -> Self {
        Self { listen, ..self }
    }

    /// The API usage level of the account: [`Tier::Premier`] unless set.
    #[must_use]
    pub fn tier(self, tier: Tier) -> Self {
        Self { tier, ..self }
    }

    /// Starts the server, on the runtime that this is awaited in.
    ///
    /// # Errors
    ///
    /// When the address is no loopback address or cannot be had, or the root key cannot be made.
    pub async fn start(self) -> io::Result<Sandbox> {
        if !self.listen.ip().is_loopback() {
            let address = self.listen.ip();
            let message = format!("the sandbox hands out private keys unencrypted, so not on {address}; use 127.0.0.1");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let listener = TcpListener::bind(self.listen).await?;
        // The path stands once, in the spec's servers.
        let path = Environment::Production.base_url().path().to_owned();
        let base_url = format!("http://{}{path}", listener.local_addr()?);
        let environment = Environment::custom(&base_url).map_err(io::Error::other)?;

        let algorithm = KeyAlgorithm::try_from(self.root_key_type).map_err(io::Error::other)?;
        let pair =
            tokio::task::spawn_blocking(move || KeyPair::generate(algorithm)).await?.map_err(io::Error::other)?;
        let public_key = pair.public_key_pem().map_err(io::Error::other)?;
        let public_key = PublicKey::from_pem(&public_key).map_err(io::Error::other)?;
        let root_private_key = pair.private_key_pem().map_err(io::Error::other)?;

        let mut account = Account::new(self.tier);
        let root = NewKey {
            name: "root".to_owned(),
            scopes: vec![ApiKeyScope::Read, ApiKeyScope::Write],
            subaccount: None,
            fcm_subtrader_id: None,
        };
        let key_id =
            account.add(root, public_key).map_err(|_| io::Error::other("the system gave no random numbers"))?;
        let credentials = Credentials::from_pem(key_id, root_private_key.expose_secret()).map_err(io::Error::other)?;

        let state = Shared::new(account);
        let app = operations::router(&path, &state);
        let server = tokio::spawn(server::serve(listener, app, state.clone())).abort_handle();
        Ok(Sandbox { state, server, base_url, environment, credentials, root_private_key })
    }
}
