//! Private keys in a running SSH agent, such as OpenSSH's or that of a password manager. They never
//! enter this process.
//!
//! [`SshAgent::from_env`] finds the agent, [`SshAgent::key`] a key in it by fingerprint or comment.
//! An [`AgentKey`] is an [`ExternalKey`] for
//! [`Credentials::external`](crate::Credentials::external):
//!
//! ```no_run
//! use kalshi_api_keys::Credentials;
//! use kalshi_api_keys::ssh_agent::SshAgent;
//!
//! # async fn example(id: &str) -> Result<Credentials, Box<dyn std::error::Error>> {
//! let key = SshAgent::from_env()?.key("kalshi").await?;
//! let credentials = Credentials::external(id, &key.public_key_pem()?, key)?;
//! # Ok(credentials)
//! # }
//! ```

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::text::quoted_path;
use crate::{EXTERNAL_KEY_TIME_LIMIT, ExternalKey, ExternalSignature};
use ed25519_dalek::VerifyingKey;
use ed25519_dalek::pkcs8::EncodePublicKey as _;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ssh_agent_client_rs::{Client, Identity};
use ssh_key::public::KeyData;
use ssh_key::{HashAlg, PublicKey};
use tokio::sync::oneshot;

/// The SSH agent that listens on a socket.
#[derive(Clone, Debug)]
pub struct SshAgent {
    /// The path of the socket; on Windows, the name of a pipe.
    pub socket: PathBuf,
}

impl SshAgent {
    /// Returns the agent that `SSH_AUTH_SOCK` names; on Windows, where it is usually not set, that
    /// of OpenSSH.
    pub fn from_env() -> Result<Self, SshAgentError> {
        let default = cfg!(windows).then(|| r"\\.\pipe\openssh-ssh-agent".into());
        let socket = std::env::var_os("SSH_AUTH_SOCK")
            .filter(|path| !path.is_empty())
            .or(default);
        Ok(Self {
            socket: socket.ok_or(SshAgentError::NotRunning)?.into(),
        })
    }

    /// Returns the keys in the agent, of any algorithm.
    pub async fn keys(&self) -> Result<Vec<AgentKey>, SshAgentError> {
        let socket = self.socket.clone();
        let keys = on_a_thread(move || list(&mut connect(&socket)?));
        let keys = tokio::time::timeout(EXTERNAL_KEY_TIME_LIMIT, keys).await;
        let keys = keys.map_err(|_| SshAgentError::NoReply(EXTERNAL_KEY_TIME_LIMIT))??;
        Ok(keys
            .into_iter()
            .map(|key| AgentKey {
                agent: self.clone(),
                key: Arc::new(key),
            })
            .collect())
    }

    /// Returns the key with this SHA-256 fingerprint, as `ssh-add -l` prints it, or with this
    /// comment.
    pub async fn key(&self, name: &str) -> Result<AgentKey, SshAgentError> {
        let keys = self.keys().await?;
        if keys.is_empty() {
            return Err(SshAgentError::NoKeys);
        }
        let found: Vec<_> = keys.into_iter().filter(|key| key.has_name(name)).collect();
        match <[AgentKey; 1]>::try_from(found) {
            Ok([key]) => Ok(key),
            Err(found) if found.is_empty() => Err(SshAgentError::NotFound {
                name: name.to_owned(),
            }),
            Err(found) => Err(SshAgentError::Ambiguous {
                name: name.to_owned(),
                count: found.len(),
            }),
        }
    }
}

/// A key in an SSH agent. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct AgentKey {
    agent: SshAgent,
    key: Arc<PublicKey>,
}

impl AgentKey {
    /// Returns the SHA-256 fingerprint, as `ssh-add -l` prints it.
    pub fn fingerprint(&self) -> String {
        self.key.fingerprint(HashAlg::Sha256).to_string()
    }

    /// Returns the public key as PEM, as
    /// [`Credentials::external`](crate::Credentials::external) takes it. Fails for a key
    /// with which an agent cannot sign requests.
    pub fn public_key_pem(&self) -> Result<String, SshAgentError> {
        to_pem(&self.key)
    }

    fn has_name(&self, name: &str) -> bool {
        self.key.comment() == name || self.fingerprint() == name
    }

    fn sign_blocking(&self, message: &[u8]) -> Result<Vec<u8>, SshAgentError> {
        let mut client = connect(&self.agent.socket)?;
        match client.sign(&*self.key, message) {
            Ok(signature) => Ok(signature.as_bytes().to_vec()),
            Err(ssh_agent_client_rs::Error::RemoteFailure) => Err(self.why_refused(&mut client)),
            Err(error) => Err(SshAgentError::Response(error)),
        }
    }

    /// Finds out why the agent refused to sign, which it does not say: what it lists shows whether
    /// it still has the key.
    fn why_refused(&self, client: &mut Client) -> SshAgentError {
        let fingerprint = self.fingerprint();
        match list(client) {
            Ok(keys) if keys.is_empty() => SshAgentError::NoKeys,
            Ok(keys) if keys.iter().all(|key| key.key_data() != self.key.key_data()) => {
                SshAgentError::NotFound { name: fingerprint }
            }
            _ => SshAgentError::Refused { fingerprint },
        }
    }
}

/// Converts the public key of a key with which an agent can sign requests.
fn to_pem(key: &PublicKey) -> Result<String, SshAgentError> {
    let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
    let key = match key.key_data() {
        KeyData::Ed25519(key) => VerifyingKey::from_bytes(&key.0),
        KeyData::Rsa(_) => return Err(SshAgentError::Rsa { fingerprint }),
        _ => {
            return Err(SshAgentError::UnsupportedAlgorithm {
                fingerprint,
                algorithm: key.algorithm().to_string(),
            });
        }
    };
    let pem = key.map(|key| key.to_public_key_pem(LineEnding::LF));
    pem.ok()
        .and_then(Result::ok)
        .ok_or(SshAgentError::Damaged { fingerprint })
}

impl ExternalKey for AgentKey {
    fn sign<'a>(&'a self, message: &'a [u8]) -> ExternalSignature<'a> {
        let (key, message) = (self.clone(), message.to_vec());
        Box::pin(async { Ok(on_a_thread(move || key.sign_blocking(&message)).await?) })
    }
}

/// Runs blocking code on a thread of its own. An agent that never replies would keep a runtime from
/// shutting down if it were called with `spawn_blocking`.
async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SshAgentError> + Send + 'static,
) -> Result<T, SshAgentError> {
    let (sender, receiver) = oneshot::channel();
    let work = move || {
        // The receiver is gone if the request was cancelled.
        let _ = sender.send(work());
    };
    thread::Builder::new()
        .name("ssh-agent".to_owned())
        .spawn(work)
        .map_err(SshAgentError::Thread)?;
    let panicked = |_| SshAgentError::Thread(io::Error::other("it panicked"));
    receiver.await.map_err(panicked)?
}

#[cfg(unix)]
fn connect(socket: &Path) -> Result<Client, SshAgentError> {
    // The thread ends soon after the caller has timed out.
    let timeout = Some(EXTERNAL_KEY_TIME_LIMIT + Duration::from_secs(1));
    let stream = std::os::unix::net::UnixStream::connect(socket).and_then(|stream| {
        stream.set_read_timeout(timeout)?;
        stream.set_write_timeout(timeout)?;
        Ok(stream)
    });
    let stream = stream.map_err(|source| SshAgentError::Unreachable {
        socket: socket.to_owned(),
        source,
    })?;
    Ok(Client::with_read_write(Box::new(stream)))
}

#[cfg(windows)]
fn connect(pipe: &Path) -> Result<Client, SshAgentError> {
    Client::connect(pipe).map_err(|error| match error {
        ssh_agent_client_rs::Error::AgentCommunicationError(source) => SshAgentError::Unreachable {
            socket: pipe.to_owned(),
            source,
        },
        error => SshAgentError::Response(error),
    })
}

/// Lists the keys in the agent, without certificates: `ssh-add` adds those next to their keys, with
/// the same comment.
fn list(client: &mut Client) -> Result<Vec<PublicKey>, SshAgentError> {
    use ssh_agent_client_rs::Error::{SSHEncoding, SSHKey};
    let identities = client.list_all_identities().map_err(|error| match error {
        SSHKey(_) | SSHEncoding(_) => SshAgentError::Unreadable(error),
        error => SshAgentError::Response(error),
    })?;
    let keys = identities
        .into_iter()
        .filter_map(|identity| match identity {
            Identity::PublicKey(key) => Some(key.into_owned()),
            Identity::Certificate(_) => None,
        });
    Ok(keys.collect())
}

/// Why a key in an SSH agent cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SshAgentError {
    /// No variable names the socket.
    #[error(
        "no SSH agent: the variable SSH_AUTH_SOCK is not set; start one with `eval $(ssh-agent)`, and add the key with `ssh-add`"
    )]
    NotRunning,
    /// Nobody listens on the socket.
    #[error("cannot connect to the SSH agent at {}; start it, or correct the variable SSH_AUTH_SOCK", quoted_path(.socket))]
    Unreachable {
        /// The socket.
        socket: PathBuf,
        /// Why it cannot be connected to.
        source: io::Error,
    },
    /// The agent has no keys, or is locked: OpenSSH's then lists none.
    #[error(
        "the SSH agent lists no keys: it is locked, or empty; unlock it with `ssh-add -X`, or add the key with `ssh-add`"
    )]
    NoKeys,
    /// The agent has keys, but not this one.
    #[error(
        "the SSH agent has no key {name:?}; add it with `ssh-add`, or choose one that `ssh-add -l` lists"
    )]
    NotFound {
        /// The fingerprint or comment.
        name: String,
    },
    /// Several keys have this comment.
    #[error(
        "the SSH agent has {count} keys {name:?}; give the fingerprint of one, as `ssh-add -l` prints it"
    )]
    Ambiguous {
        /// The comment.
        name: String,
        /// How many keys have it.
        count: usize,
    },
    /// The key is RSA, which the service verifies by RSASSA-PSS.
    #[error(
        "the key {fingerprint} is RSA, and SSH agents sign RSA with PKCS#1 v1.5 only, not PSS; use an Ed25519 key"
    )]
    Rsa {
        /// The fingerprint of the key.
        fingerprint: String,
    },
    /// The public key is not a point on the curve.
    #[error("the public key {fingerprint} is damaged; use another key")]
    Damaged {
        /// The fingerprint of the key.
        fingerprint: String,
    },
    /// The key is of an algorithm that the service does not support.
    #[error("the key {fingerprint} is {algorithm}, which cannot sign requests; use an Ed25519 key")]
    UnsupportedAlgorithm {
        /// The fingerprint of the key.
        fingerprint: String,
        /// Its algorithm, as SSH calls it.
        algorithm: String,
    },
    /// The agent has the key, but did not sign with it.
    #[error(
        "the SSH agent refused to sign with the key {fingerprint}: it was declined, or its token is gone; try again and confirm it"
    )]
    Refused {
        /// The fingerprint of the key.
        fingerprint: String,
    },
    /// The agent accepted the connection, and sent nothing.
    #[error(
        "the SSH agent did not reply within {0:?}; check whether it waits for you, or restart it"
    )]
    NoReply(Duration),
    /// A key or certificate in the agent cannot be parsed, and no other can be used then. `ssh-key`
    /// 0.6 cannot parse certificates that never expire:
    /// <https://github.com/RustCrypto/SSH/issues/503>.
    #[error(
        "a key or certificate in the SSH agent cannot be read; remove it with `ssh-add -d`, or use an agent without it"
    )]
    Unreadable(#[source] ssh_agent_client_rs::Error),
    /// The agent closed the connection, or sent a malformed response.
    #[error(
        "the response of the SSH agent cannot be used; check that SSH_AUTH_SOCK is the socket of an SSH agent"
    )]
    Response(#[source] ssh_agent_client_rs::Error),
    /// The thread that talks to the agent failed.
    #[error("the thread for the SSH agent failed; try again")]
    Thread(#[source] io::Error),
}
