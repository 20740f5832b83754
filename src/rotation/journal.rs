//! The journal of a rotation, `FILE.rotation` beside the key file: what was asked for, and whether
//! a request that may have created a key is unaccounted for. It holds no key material. It is locked
//! as long as a process works on the rotation.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::JournalError;
use super::plan::Source;
use crate::key_file;
use crate::keys::reading::open_without_blocking;
use crate::types::{ApiKeyScope, Subaccount};

pub(super) const VERSION: u8 = 1;
/// The largest journal that is read, in bytes: thousands of attempts.
const MAX_JOURNAL: u64 = 256 * 1024;

/// What a rotation is to do, decided before its first request that changes something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Goal {
    pub(super) version: u8,
    pub(super) base_url: String,
    pub(super) old_key_id: String,
    /// The name of the new key, which ends in the token.
    pub(super) name: String,
    /// What makes the name unique, even if the service normalizes it.
    pub(super) token: String,
    pub(super) scopes: Vec<ApiKeyScope>,
    pub(super) subaccount: Option<Subaccount>,
    pub(super) source: Source,
}

/// What follows the goal, a line each.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    /// A request that may create a key is about to be sent, at a Unix time in seconds.
    CreateSent(u64),
    /// It is known what became of it.
    CreateSettled,
    /// A key pair with this fingerprint was generated, and its private key is about to be saved.
    Generated(String),
    /// The private key of the key with this ID is in the file.
    Saved(String),
}

#[derive(Debug)]
pub(super) struct Journal {
    file: Locked,
    pub(super) path: PathBuf,
    pub(super) goal: Goal,
    /// When an earlier run last sent a request that may have created a key and whose outcome is
    /// unknown.
    unsettled_before: Option<u64>,
    /// This run has sent such a request.
    pub(super) unsettled: bool,
    /// The fingerprint of the key pair that was generated here last, or is external.
    pub(super) generated: Option<String>,
    /// The IDs of the keys whose private keys were saved.
    pub(super) saved: Vec<String>,
    /// The last of them was saved after the key pair was generated.
    pub(super) registered: bool,
}

/// A locked file, unlocked when dropped. Closing it is not enough: a child process that is just
/// being started has it open as well.
#[derive(Debug)]
struct Locked(File);

impl Drop for Locked {
    fn drop(&mut self) {
        // If this fails, the lock ends with the last process that has the file open.
        let _ = self.0.unlock();
    }
}

/// Returns the path of the journal beside a key file, which exists while a rotation to this file is
/// unfinished.
///
/// ```
/// assert_eq!(kalshi_api_keys::rotation::journal_path("new.pem").as_os_str(), "new.pem.rotation");
/// ```
pub fn journal_path(key_file: impl AsRef<Path>) -> PathBuf {
    let mut path = key_file.as_ref().as_os_str().to_owned();
    path.push(".rotation");
    path.into()
}

impl Journal {
    /// Opens and locks the journal of an unfinished rotation, if there is one.
    pub(super) fn open(key_file: &Path, now: u64) -> Result<Option<Self>, JournalError> {
        let path = journal_path(key_file);
        let failed = |source| JournalError::Io {
            path: path.clone(),
            source,
        };
        let file = match key_file::open_private(
            OpenOptions::new().read(true).write(true),
            &path,
            MAX_JOURNAL,
        ) {
            Ok(Some(file)) => file,
            Ok(None) => return Err(JournalError::Untrusted { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if key_file::is_in_use(&error) => {
                return Err(JournalError::InProgress { path });
            }
            // A name that no file can have; whoever creates it will report that.
            Err(_) if path.symlink_metadata().is_err() => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        lock(&file, &path)?;
        let mut file = Locked(file);
        if !key_file::is_at(&file.0, &path) {
            // The process that held the lock has just finished.
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.0.read_to_end(&mut bytes).map_err(failed)?;
        let invalid = |source| JournalError::Invalid {
            path: path.clone(),
            source,
        };
        let text =
            String::from_utf8(bytes).map_err(|error| invalid(serde::de::Error::custom(error)))?;
        let mut lines = text.split_inclusive('\n');
        let goal: Goal = serde_json::from_str(lines.next().unwrap_or_default()).map_err(invalid)?;
        if goal.version != VERSION {
            return Err(invalid(serde::de::Error::custom(format!(
                "version {}",
                goal.version
            ))));
        }
        let mut journal = Self::new(file, path.clone(), goal);
        let mut pending = None;
        let mut length = text.lines().next().map_or(0, |line| line.len() as u64 + 1);
        // A line without its end was cut off by a crash, before what it announces happened.
        for line in lines.filter(|line| line.ends_with('\n')) {
            length += line.len() as u64;
            match serde_json::from_str(line).map_err(invalid)? {
                Event::CreateSent(at) => {
                    journal.unsettled_before = pending.replace(at).or(journal.unsettled_before)
                }
                Event::CreateSettled => pending = None,
                Event::Generated(fingerprint) => journal.set_generated(fingerprint),
                Event::Saved(key_id) => journal.add_saved(key_id),
            }
        }
        journal.unsettled_before = pending.or(journal.unsettled_before);
        journal
            .file
            .0
            .set_len(length)
            .and_then(|()| journal.file.0.seek(SeekFrom::End(0)))
            .map_err(failed)?;
        if journal.unsettled_before.is_some_and(|at| at > now) {
            // The clock was set back since. When it was sent is unknown: before now.
            journal.create_sent(now)?;
            journal.unsettled_before = Some(now);
        }
        Ok(Some(journal))
    }

    /// Creates, locks and syncs the journal of a new rotation.
    pub(super) fn create(key_file: &Path, goal: Goal) -> Result<Self, JournalError> {
        let path = journal_path(key_file);
        let failed = |source| JournalError::Io {
            path: path.clone(),
            source,
        };
        let folder = key_file::folder_of(&path);
        let temporary = key_file::temporary_path(&path);
        match temporary.symlink_metadata() {
            // Left by a run that was killed. Its content does not matter.
            Ok(metadata) if metadata.is_file() && key_file::is_mine(&metadata) => {
                let file =
                    open_without_blocking(&temporary).map_err(
                        |error| match key_file::is_in_use(&error) {
                            true => JournalError::InProgress { path: path.clone() },
                            false => failed(error),
                        },
                    )?;
                lock(&file, &path)?;
                let removed = std::fs::remove_file(&temporary);
                removed.map_err(|source| JournalError::Io {
                    path: temporary.clone(),
                    source,
                })?;
            }
            Ok(_) => return Err(JournalError::Untrusted { path: temporary }),
            Err(_) => {}
        }
        let mut temporary = key_file::create_temporary(&path).map_err(failed)?;
        lock(temporary.as_file(), &path)?;
        let line = serde_json::to_string(&goal).map_err(|error| failed(error.into()))?;
        writeln!(temporary, "{line}")
            .and_then(|()| temporary.as_file().sync_all())
            .map_err(failed)?;
        let file =
            temporary
                .persist_noclobber(&path)
                .map_err(|error| match error.error.kind() {
                    io::ErrorKind::AlreadyExists => JournalError::InProgress { path: path.clone() },
                    _ => failed(error.error),
                })?;
        if !key_file::is_at(&file, &path) {
            return Err(JournalError::InProgress { path });
        }
        key_file::sync_folder(folder).map_err(|error| {
            // The rotation does not begin. If this fails too, the next run begins it.
            let _ = std::fs::remove_file(&path);
            failed(error)
        })?;
        Ok(Self::new(Locked(file), path, goal))
    }

    /// Returns the journal of a rotation that has done nothing yet.
    fn new(file: Locked, path: PathBuf, goal: Goal) -> Self {
        Self {
            file,
            path,
            goal,
            unsettled_before: None,
            unsettled: false,
            generated: None,
            saved: Vec::new(),
            registered: false,
        }
    }

    /// Records that a request is about to be sent that may create a key.
    pub(super) fn create_sent(&mut self, unix_secs: u64) -> Result<(), JournalError> {
        self.append(Event::CreateSent(unix_secs))
    }

    /// Records that it is known what became of that request.
    pub(super) fn create_settled(&mut self) -> Result<(), JournalError> {
        self.append(Event::CreateSettled)
    }

    /// Records that a key pair was generated, or is external, before the file is written.
    pub(super) fn generated(&mut self, fingerprint: String) -> Result<(), JournalError> {
        self.append(Event::Generated(fingerprint.clone()))?;
        self.set_generated(fingerprint);
        Ok(())
    }

    fn set_generated(&mut self, fingerprint: String) {
        self.generated = Some(fingerprint);
        self.registered = false;
    }

    /// Records that the private key of a key is in the file.
    pub(super) fn saved(&mut self, key_id: &str) -> Result<(), JournalError> {
        if !self.has_saved(key_id) {
            self.append(Event::Saved(key_id.to_owned()))?;
            self.add_saved(key_id.to_owned());
        }
        Ok(())
    }

    fn add_saved(&mut self, key_id: String) {
        self.saved.push(key_id);
        self.registered = true;
    }

    /// Returns whether the private key of a key was in the file, and may be in use.
    pub(super) fn has_saved(&self, key_id: &str) -> bool {
        self.saved.iter().any(|saved| saved == key_id)
    }

    fn append(&mut self, event: Event) -> Result<(), JournalError> {
        let line = serde_json::to_string(&event).map_err(io::Error::from);
        let written = line.and_then(|line| self.file.0.write_all(format!("{line}\n").as_bytes()));
        let written = written.and_then(|()| self.file.0.sync_all());
        written.map_err(|source| self.io(source))
    }

    fn io(&self, source: io::Error) -> JournalError {
        JournalError::Io {
            path: self.path.clone(),
            source,
        }
    }

    /// Returns whether a request may have created a key after a list was requested: one of this
    /// run, or one that was sent less than the settle time before.
    pub(super) fn is_unsettled(&self, listed_at: u64, settle_time: Duration) -> bool {
        let settles = |sent: u64| sent.saturating_add(settle_time.as_secs());
        self.unsettled
            || self
                .unsettled_before
                .is_some_and(|sent| listed_at < settles(sent))
    }

    /// Removes the journal of a finished rotation.
    pub(super) fn remove(self) -> Result<(), JournalError> {
        std::fs::remove_file(&self.path).map_err(|source| self.io(source))?;
        // If it is back after a power failure, the next run continues from it.
        let _ = key_file::sync_folder(key_file::folder_of(&self.path));
        Ok(())
    }
}

fn lock(file: &File, path: &Path) -> Result<(), JournalError> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => JournalError::InProgress {
            path: path.to_owned(),
        },
        TryLockError::Error(source) => JournalError::Io {
            path: path.to_owned(),
            source,
        },
    })
}
