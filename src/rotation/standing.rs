//! How things stand when a rotation did not come to its end, and why it did not.

use std::fmt;
use std::path::PathBuf;

use crate::types::PrivateKeyPem;
use crate::{CredentialsError, Error, ErrorExt as _, KeyPairError, key_file};

/// What is known of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyState {
    /// It exists, and signs.
    InForce,
    /// It is gone.
    Deleted,
    /// It could not be learned whether it is still there.
    Unknown,
}

/// Which keys exist, and which file holds what.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// The ID of the key to replace, and its state.
    pub old: (String, KeyState),
    /// The ID of the new key, if it was minted, and its state.
    pub new: Option<(String, KeyState)>,
    /// The file that holds the new private key, if there is one.
    pub file: Option<PathBuf>,
    /// Keys of the new one's name that appeared while an answer was lost, with the private half of what was minted. Delete
    /// them, unless somebody else made one meanwhile.
    pub orphans: Vec<String>,
    /// An answer was lost and the keys could not be listed since: one more of the new one's name may have appeared.
    pub unlisted: bool,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = |state| match state {
            KeyState::InForce => "is in force",
            KeyState::Deleted => "was deleted",
            KeyState::Unknown => "may be there or not",
        };
        write!(f, "the old key {} {}", self.old.0, state(self.old.1))?;
        match &self.new {
            Some((id, new)) => write!(f, ", the new key {id} {}", state(*new))?,
            None => write!(f, ", there is no new key that could be used")?,
        }
        match &self.file {
            Some(file) => write!(f, ", {file:?} holds the new private key")?,
            None => write!(f, ", no file was left")?,
        }
        match self.orphans.as_slice() {
            [] => {}
            orphans => write!(
                f,
                "; {} appeared without a private key: delete it, unless somebody else made it",
                orphans.join(", ")
            )?,
        }
        if self.unlisted {
            f.write_str("; the keys could not be listed since, and one more may have appeared: list them")?;
        }
        Ok(())
    }
}

/// Why a rotation did not come to its end, and how things stand.
#[derive(Debug, thiserror::Error)]
#[error("{failure}; {standing}")]
pub struct RotationError {
    /// What failed.
    #[source]
    pub failure: Failure,
    /// Which keys exist now, and which file holds what.
    pub standing: Standing,
}

/// The step of a rotation that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The keys could not be listed; nothing was changed.
    #[error("the keys could not be listed: {}", .0.explain())]
    List(#[source] Box<Error>),
    /// The account has no key with the ID to replace.
    #[error("the account has no key of the ID to replace")]
    NoSuchKey,
    /// A signed list cannot prove that such a key works.
    #[error("the new key {0}, so a signed list cannot prove that it works; give the plan a probe")]
    Unprovable(&'static str),
    /// Nothing can be saved to the file; nothing was changed.
    #[error(transparent)]
    Store(key_file::KeyFileError),
    /// The pair could not be written.
    #[error(transparent)]
    Pair(KeyPairError),
    /// The new key was not minted, or its answer was lost.
    #[error("no new key could be had: {}", .0.explain())]
    Mint(#[source] Box<Error>),
    /// The new private key was not saved.
    #[error("{source}")]
    Save {
        /// What the store says.
        source: key_file::KeyFileError,
        /// The key, for when its API key could not be deleted either.
        private_key: PrivateKeyPem,
    },
    /// The new private key cannot sign.
    #[error(transparent)]
    Credentials(CredentialsError),
    /// The new key did not work in time.
    #[error("the new key does not work: {}", .0.explain())]
    SignIn(#[source] Box<Error>),
    /// The plan's probe did not see the new key work.
    #[error("the new key does not work: {0}")]
    Probe(String),
    /// The old key was not deleted.
    #[error("the old key was not deleted: {}", .0.explain())]
    Delete(#[source] Box<Error>),
    /// The list that confirms could not be had.
    #[error("the rotation could not be confirmed: {}", .0.explain())]
    Confirm(#[source] Box<Error>),
    /// The old key is still listed after it was deleted.
    #[error("the old key is still listed")]
    StillListed,
    /// The new key is not listed.
    #[error("the new key works but is not listed")]
    NotListed,
}
