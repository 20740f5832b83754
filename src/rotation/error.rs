//! Why a rotation did not finish, and what is known of the keys then.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::key_file::KeyFileError;
use crate::text::{printable, quoted_path, with_causes};
use crate::{CredentialsError, Effect, Error, KeyPairError, SignError};

/// What is known of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyState {
    /// A verified list contained it.
    Active,
    /// A verified list did not contain it.
    Deleted,
    /// No verified list has been received since something was sent that may have changed it.
    Unknown,
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "is active",
            Self::Deleted => "is deleted",
            Self::Unknown => "is in an unknown state",
        })
    }
}

/// What is known of the keys when a rotation did not finish: the `state` of a [`RotationError`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RotationState {
    /// The ID of the key to replace.
    pub old_key_id: String,
    /// What is known of it.
    pub old_key: KeyState,
    /// The ID of the new key, once it is in the file.
    pub new_key_id: Option<String>,
    /// The journal, if the rotation is unfinished. `None` when nothing is left to do.
    pub journal: Option<PathBuf>,
}

impl fmt::Display for RotationState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.journal, self.old_key) {
            (Some(_), _) => {}
            (None, KeyState::Unknown) => return f.write_str("nothing was created or deleted"),
            (None, state) => {
                return write!(
                    f,
                    "the old key {} {state}, and no new key exists",
                    printable(&self.old_key_id)
                );
            }
        }
        let old = printable(&self.old_key_id);
        write!(f, "the old key {old} {}", self.old_key)?;
        match &self.new_key_id {
            Some(id) => write!(f, ", the new key {} is saved", printable(id)),
            None => Ok(()),
        }
    }
}

/// Why a rotation did not finish, and what is known of the keys.
///
/// ```
/// use kalshi_api_keys::rotation::{self, Failure, KeyState, Plan};
/// use kalshi_api_keys::{Client, sandbox::{Fault, Sandbox}};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// # let sandbox = Sandbox::start().await?;
/// # let client = Client::new(sandbox.environment(), sandbox.credentials())?;
/// # let folder = tempfile::tempdir()?;
/// # let file = folder.path().join("kalshi-new.pem");
/// sandbox.fail_next_on("generateApiKey", Fault::DropResponse)?;
/// let error = rotation::rotate(&client, Plan::new(&file)).await.unwrap_err();
/// assert!(matches!(error.failure, Failure::Unsettled), "one more key may still appear");
/// assert_eq!(error.state.old_key, KeyState::Deleted);
/// assert!(error.state.journal.is_some(), "run it again, after `rotation::SETTLE_TIME`");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct RotationError {
    /// What failed.
    pub failure: Failure,
    /// What is known of the keys.
    pub state: Box<RotationState>,
}

impl fmt::Display for RotationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A journal that was not read names no keys.
        let is_unknown = self.state.old_key == KeyState::Unknown && self.state.new_key_id.is_none();
        if matches!(self.failure, Failure::Journal(_)) && self.state.journal.is_some() && is_unknown
        {
            return self.failure.fmt(f);
        }
        write!(f, "{}; {}", self.failure, self.state)?;
        if self.state.journal.is_none() || self.failure.is_permanent() {
            return Ok(());
        }
        // That the key was saved may not be recorded.
        let leave = matches!(self.failure, Failure::Journal(_)) && self.state.new_key_id.is_some();
        write!(
            f,
            "; {}run the same rotation again to finish it",
            if leave {
                "leave its file in place, and "
            } else {
                ""
            }
        )
    }
}

impl std::error::Error for RotationError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.failure.source()
    }
}

/// Why the keys could not be listed in a way that proves something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// The request failed.
    #[error(transparent)]
    Api(#[from] Error),
    /// The list does not contain the key that signed the request: something between here and the
    /// service, such as a cache, returned an old list.
    #[error(
        "the list of keys does not contain the key {} that signed the request; check for a cache on the way", printable(.0)
    )]
    SignerNotListed(String),
}

impl ListError {
    /// Returns whether listing again may help: not when the service itself refused to.
    pub(super) fn is_retryable(&self) -> bool {
        match self {
            Self::SignerNotListed(_) => true,
            Self::Api(error) => error.is_transient() || error.effect() == Effect::Unknown,
        }
    }
}

/// What failed: the `failure` of a [`RotationError`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The external key does not sign. Nothing was sent.
    #[error("the external key cannot be used")]
    ExternalKey(#[source] SignError),
    /// The keys could not be listed.
    #[error("cannot list the keys")]
    List(#[source] ListError),
    /// The account has no key with the ID to replace.
    #[error("the account has no key with the ID to replace; list the keys to see which exist")]
    OldKeyNotFound,
    /// A list signed by the new key could not prove that it works.
    #[error("cannot rotate this key: {0}; rotate it by hand")]
    CannotVerify(&'static str),
    /// The new private key was not saved.
    #[error("cannot save the new private key")]
    Save(#[source] KeyFileError),
    /// The file of the new key cannot be changed.
    #[error("cannot change the file of the new key")]
    KeyFile(#[from] KeyFileError),
    /// The file of the new key cannot be used.
    #[error("cannot use the file of the new key")]
    Credentials(#[from] CredentialsError),
    /// No key pair could be generated.
    #[error("cannot generate a key pair")]
    KeyPair(#[from] KeyPairError),
    /// The journal cannot be used.
    #[error("cannot use the journal of the rotation")]
    Journal(#[from] JournalError),
    /// The plan contradicts that of the unfinished rotation.
    #[error("the unfinished rotation to this file has a different {0}; run that one again first")]
    PlanMismatch(&'static str),
    /// The new key was not created, or the response was lost.
    #[error("creating the new key failed")]
    Create(#[source] Error),
    /// It is not verified that the new key works.
    #[error("could not verify that the new key works")]
    Verify(#[source] ListError),
    /// The key in the file is not in the list.
    #[error("the key {} is not in the list of keys; if it was deleted, move its file away", printable(.0))]
    NewKeyNotListed(String),
    /// The new key could not be saved, and was never listed: no list proves that it is deleted.
    #[error("the new key {}, whose private key is not saved, is not in the list of keys", printable(.0))]
    UnsavedKeyNotListed(String),
    /// The file of the new key holds something that this rotation did not write.
    #[error("the file of the new key holds something else, which was left alone; move it away")]
    ForeignFile,
    /// A new key was saved, and exists, but is not the one in the file: it may be in use.
    #[error(
        "the new key {} is no longer in its file, and may be in use; put its file back, or delete the key", printable(.0)
    )]
    NewKeyElsewhere(String),
    /// The service returned a private key that cannot be used.
    #[error("the service returned an unusable private key")]
    UnusableKey(#[source] CredentialsError),
    /// The file names a key that this rotation did not create.
    #[error(
        "the file belongs to the key {}, which this rotation did not create; move the file away", printable(.0)
    )]
    ForeignKey(String),
    /// The new key has other scopes or another sub-account than asked for.
    #[error(
        "the new key {} is not as asked for; to give up, delete it, its file and the journal of the rotation", printable(.0)
    )]
    KeyMismatch(String),
    /// A key was not deleted.
    #[error("cannot delete the key {}", printable(.key_id))]
    Delete {
        /// Its ID.
        key_id: String,
        /// What went wrong.
        #[source]
        source: Error,
    },
    /// A deleted key is still in the list.
    #[error("the key {} is still in the list of keys after its deletion", printable(.0))]
    StillListed(String),
    /// A request that may have created one more key was lost, and the service may still carry it
    /// out.
    #[error(
        "the response to a request that creates a key was lost, so one more key may still appear"
    )]
    Unsettled,
    /// The rotation was aborted, and it is not verified that it left no new key.
    #[error("{}, and it is not verified that no new key is left", without_advice(.reason))]
    CleanUp {
        /// Why it was aborted.
        reason: Box<Failure>,
        /// What went wrong then.
        source: Box<Failure>,
    },
    /// The plan's stop future was ready.
    #[error("stopped on request")]
    Stopped,
}

/// Returns whether a request to delete a key was refused, and will be again. That the key was not
/// found proves nothing: see whether a list contains it.
fn is_final(error: &Error) -> bool {
    let not_found = error.status() == Some(http::StatusCode::NOT_FOUND);
    error.effect() != Effect::Unknown && !error.is_transient() && !not_found
}

impl Failure {
    /// Returns whether trying again may help.
    pub(super) fn is_retryable(&self) -> bool {
        match self {
            Self::List(error) => error.is_retryable(),
            Self::Create(error) => error.is_transient() || error.effect() == Effect::Unknown,
            Self::Delete { source, .. } => !is_final(source),
            // Not retried: an external key may prompt a person each time.
            Self::Verify(ListError::Api(Error::NotSigned(_))) => false,
            Self::Verify(_)
            | Self::NewKeyNotListed(_)
            | Self::UnsavedKeyNotListed(_)
            | Self::StillListed(_) => true,
            _ => false,
        }
    }

    /// Returns whether another run would fail in the same way.
    fn is_permanent(&self) -> bool {
        matches!(self, Self::PlanMismatch(_) | Self::KeyMismatch(_))
    }

    /// Returns whether the private key is in the file, but perhaps not after a power failure.
    pub(super) fn is_not_synced(&self) -> bool {
        matches!(
            self,
            Self::Save(KeyFileError::NotSynced { .. })
                | Self::KeyFile(KeyFileError::NotSynced { .. })
        )
    }

    /// Returns whether no new key should be left: once a list proves that, nothing is left to do.
    pub(super) fn aborts(&self) -> bool {
        match self {
            Self::Save(error) => !matches!(error, KeyFileError::NotSynced { .. }),
            Self::Create(Error::NotSigned(_)) => false,
            Self::Create(_) | Self::KeyPair(_) | Self::UnusableKey(_) => true,
            _ => false,
        }
    }
}

/// Returns what happened, without what to do next.
fn without_advice(failure: &Failure) -> String {
    let line = with_causes(failure);
    line.split_once("; ")
        .map_or(&*line, |(happened, _)| happened)
        .to_owned()
}

const TO_DISCARD: &str =
    "if it is yours, list the keys before you move it away: a new key may exist";

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Another process has locked it.
    #[error("{} is locked: another process is performing this rotation; wait for it to finish", quoted_path(.path))]
    InProgress {
        /// The journal.
        path: PathBuf,
    },
    /// It is not a regular file of this user's, others have access to it, or it is too large. It
    /// was not read.
    #[error("{} is not a small regular file that only you own and can access, so it was not read; {TO_DISCARD}", quoted_path(.path))]
    Untrusted {
        /// The journal.
        path: PathBuf,
    },
    /// It is not JSON, or of another version.
    #[error("{} is not a journal of this version; {TO_DISCARD}", quoted_path(.path))]
    Invalid {
        /// The journal.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// It belongs to another environment.
    #[error("{} is the journal of a rotation at {base_url}; use that environment", quoted_path(.path))]
    EnvironmentMismatch {
        /// The journal.
        path: PathBuf,
        /// The base URL of its environment.
        base_url: String,
    },
    /// It cannot be created, read or written.
    #[error("cannot create, read or write {}; check the folder, its permissions and its space", quoted_path(.path))]
    Io {
        /// The journal.
        path: PathBuf,
        /// What the system reports.
        source: io::Error,
    },
}
