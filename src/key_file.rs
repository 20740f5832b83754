//! Private keys on disk: a file that only its owner reads, never written over, and there for good before anyone relies on
//! it.
//!
//! [`save`] writes to a temporary name in the same folder, syncs, renames without replacing and syncs the folder. Whatever
//! interrupts it, the name holds the whole key or does not exist. [`load`] tells when others can read the file.
//!
//! On Unix the file is created with mode 0600, and a folder that everyone may write to (without the sticky bit) is refused.
//! Windows has no modes: there the file inherits the access rules of its folder, so choose one that only you can read.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::CredentialsError;
use crate::credentials::read_file;
use crate::types::PrivateKeyPem;

pub use crate::small_file::read_small_file;

/// Saves a private key to a file that does not exist yet.
///
/// ```
/// use kalshi_api_keys::{KeyPair, key_file, types::ApiKeyType};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("kalshi.pem");
/// let private_key = KeyPair::generate(&ApiKeyType::Ed25519)?.private_key_pem()?;
/// key_file::save(&path, &private_key)?;
/// assert!(key_file::save(&path, &private_key).is_err(), "nothing is written over");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// On any error but [`KeyFileError::NotSynced`] there is no file of this name that was not there before.
pub fn save(path: impl AsRef<Path>, key: &PrivateKeyPem) -> Result<(), KeyFileError> {
    let path = path.as_ref();
    let failed = |source| KeyFileError::NotSaved { path: path.to_owned(), source };
    let folder = usable_folder(path)?;
    // Mode 0600 from its creation on; deleted when dropped.
    let mut file = tempfile::Builder::new().prefix(".kalshi-").suffix(".tmp").tempfile_in(folder).map_err(failed)?;
    file.write_all(key.expose_secret().as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist_noclobber(path).map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => KeyFileError::Exists { path: path.to_owned() },
        _ => failed(error.error),
    })?;
    sync_folder(folder).map_err(|source| KeyFileError::NotSynced { path: path.to_owned(), source })
}

/// Whether a key can be saved to this name, as far as that can be told before: the name is free, and a file can be made in
/// its folder. Ask before a key is minted.
///
/// # Errors
///
/// Those of [`save`].
pub fn check(path: impl AsRef<Path>) -> Result<(), KeyFileError> {
    let path = path.as_ref();
    let trial = tempfile::Builder::new().prefix(".kalshi-").suffix(".tmp").tempfile_in(usable_folder(path)?);
    trial.map(|_| ()).map_err(|source| KeyFileError::NotSaved { path: path.to_owned(), source })
}

/// The folder of a name that is free.
fn usable_folder(path: &Path) -> Result<&Path, KeyFileError> {
    let failed = |source| KeyFileError::NotSaved { path: path.to_owned(), source };
    let folder = match path.parent() {
        Some(folder) if folder == Path::new("") => Path::new("."),
        Some(folder) => folder,
        None => return Err(failed(io::ErrorKind::InvalidInput.into())),
    };
    if is_open_to_everyone(folder).map_err(failed)? {
        return Err(KeyFileError::SharedFolder { folder: folder.to_owned() });
    }
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(folder),
        // Such as a name that is too long.
        Err(error) => Err(failed(error)),
        Ok(_) => Err(KeyFileError::Exists { path: path.to_owned() }),
    }
}

/// A private key that was loaded from a file.
#[derive(Debug)]
pub struct Stored {
    /// The key's text.
    pub key: PrivateKeyPem,
    /// Whether the file can be read by others than its owner: then `chmod 600` it, or replace the key.
    pub readable_by_others: bool,
}

/// Loads a private key from a file of at most 64 KiB.
///
/// # Errors
///
/// [`CredentialsError::File`] when the file cannot be read, [`CredentialsError::KeyFile`] when it is no text. Whether the
/// text is a private key says [`Credentials::from_pem`](crate::Credentials::from_pem).
pub fn load(path: impl AsRef<Path>) -> Result<Stored, CredentialsError> {
    let (mut text, metadata) = read_file(path.as_ref())?;
    Ok(Stored { key: std::mem::take(&mut *text).into(), readable_by_others: is_readable_by_others(&metadata) })
}

#[cfg(unix)]
fn is_open_to_everyone(folder: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    const WRITABLE_BY_OTHERS: u32 = 0o002;
    const STICKY: u32 = 0o1000;
    let mode = folder.metadata()?.mode();
    Ok(mode & WRITABLE_BY_OTHERS != 0 && mode & STICKY == 0)
}

#[cfg(not(unix))]
fn is_open_to_everyone(folder: &Path) -> io::Result<bool> {
    folder.metadata().map(|_| false)
}

#[cfg(unix)]
fn is_readable_by_others(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    metadata.mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_readable_by_others(_: &std::fs::Metadata) -> bool {
    false
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

/// Windows keeps the names of a folder in its journal, and opens no folder for syncing.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Why a private key is not on disk, or not there for good.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// Something of this name exists; it was not touched.
    #[error("{path:?} exists already and was not touched; choose another name")]
    Exists {
        /// The name.
        path: PathBuf,
    },
    /// Everyone may write to the folder, so anyone could put another file in the key's place.
    #[error(
        "the folder {folder:?} can be written to by everyone, so no key was saved in it; choose a folder of your own"
    )]
    SharedFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// The file could not be written; there is none.
    #[error(
        "the private key could not be saved to {path:?}: {source}; check the folder, its permissions and its space"
    )]
    NotSaved {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The whole file is there, but the system did not confirm that it survives a power cut.
    #[error("{path:?} was saved whole, but its folder was not synced: {source}; copy the key elsewhere as well")]
    NotSynced {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}
