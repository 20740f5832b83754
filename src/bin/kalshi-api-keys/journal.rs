//! How far a rotation came, beside the file of the new key: what a run after an interruption explains it from. It holds no
//! key material.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use kalshi_api_keys::rotation::Step;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::failure::Failure;

#[derive(Serialize, Deserialize)]
pub struct Journal {
    #[serde(skip)]
    path: PathBuf,
    /// The service; keys belong to one environment.
    pub base_url: String,
    /// The ID of the key to replace.
    pub old: String,
    /// The IDs of all keys there were before.
    pub before: Vec<String>,
    /// The ID of the new key, once it is known.
    pub new: Option<String>,
    /// The file of the new private key.
    pub file: PathBuf,
    /// The steps that were reported.
    pub steps: Vec<String>,
}

impl Journal {
    /// Writes the journal of a rotation that begins; never over another.
    pub fn begin(file: &Path, base_url: String, old: String, before: Vec<String>) -> Result<Self, Failure> {
        let path = beside(file);
        let journal = Self { path, base_url, old, before, new: None, file: file.to_owned(), steps: Vec::new() };
        let written = journal.written().and_then(|new| new.persist_noclobber(&journal.path).map_err(|e| e.error));
        written.and_then(|_| sync(folder(&journal.path))).map_err(|error| {
            Failure::usage(format!(
                "{:?} cannot be written: {error}; nothing was minted, check the folder",
                journal.path
            ))
        })?;
        Ok(journal)
    }

    /// The journal of a rotation that did not come to its end, if there is one.
    pub fn of(file: &Path) -> Result<Option<Self>, Failure> {
        let path = beside(file);
        let read = match std::fs::read(&path) {
            // Or a name that no file can have, as the store will say.
            Err(_) if path.symlink_metadata().is_err() => return Ok(None),
            read => read.and_then(|bytes| Ok(serde_json::from_slice::<Self>(&bytes)?)),
        };
        match read {
            Ok(journal) => Ok(Some(Self { path, ..journal })),
            Err(error) => Err(Failure::left_to_do(format!(
                "a rotation was interrupted, and its journal {path:?} cannot be read: {error}; list the keys, delete those \
                 without a private key, and remove the journal"
            ))),
        }
    }

    /// Adds a step, for good before anything follows it.
    pub fn add(&mut self, step: &Step) -> io::Result<()> {
        let name = match step {
            Step::Minting { before, .. } => {
                self.before.clone_from(before);
                "minting"
            }
            Step::Minted { id } => {
                self.new = Some(id.clone());
                "minted"
            }
            Step::Saved { .. } => "saved",
            Step::SignedIn { .. } => "signed in",
            Step::Deleted { .. } => "deleted",
            Step::Confirmed => "confirmed",
            _ => "another",
        };
        self.steps.push(name.to_owned());
        self.rewrite()
    }

    /// Keeps the ID of the new key that was found later: once the old key is gone, nothing else signs in.
    pub fn learn(&mut self, id: &str) -> io::Result<()> {
        self.new = Some(id.to_owned());
        self.rewrite()
    }

    fn rewrite(&self) -> io::Result<()> {
        self.written()?.persist(&self.path).map_err(|error| error.error)?;
        sync(folder(&self.path))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole journal under a temporary name, mode 0600.
    fn written(&self) -> io::Result<NamedTempFile> {
        let mut file = tempfile::Builder::new().prefix(".kalshi-").suffix(".tmp").tempfile_in(folder(&self.path))?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        Ok(file)
    }
}

/// `FILE.rotation`.
fn beside(file: &Path) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(".rotation");
    path.into()
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

#[cfg(unix)]
fn sync(folder: &Path) -> io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync(_: &Path) -> io::Result<()> {
    Ok(())
}
