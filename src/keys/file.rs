//! Private keys on disk: files that only their owner can read, never overwritten, and synced before
//! anyone relies on them.
//!
//! [`save`] writes a key with its ID,
//! [`Credentials::from_key_file`](crate::Credentials::from_key_file) reads both back. A file is PEM
//! with one line before it (explanatory text, which RFC 7468 allows and PEM parsers skip):
//!
//! ```text
//! Kalshi-API-Key-ID: a952bcbe-ec3b-4b5b-b8f9-11dae589608c
//! -----BEGIN PRIVATE KEY----- …
//! ```
//!
//! [`save`] writes to a temporary name in the same folder, syncs, renames without replacing and
//! syncs the folder: whatever interrupts it, the name holds the whole key or does not exist. Only a
//! crash can leave the temporary file, `.NAME.kalshi-tmp`; it may hold a private key, and the next
//! call for the same name reports it.
//!
//! On Unix the file is created with mode 0600, and a folder that everyone may write to (without the
//! sticky bit) is refused, as is a file system without modes, such as FAT. On Windows `icacls`
//! replaces the permissions that the folder passes on with full access for the owner (`OWNER
//! RIGHTS`) while the file is empty and open for no other process; where that fails, as on a FAT
//! volume, nothing is saved. The owner of a file is whoever Windows makes it: for a process that
//! runs as administrator, that may be all administrators.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::CredentialsError;
use crate::credentials::read_file;
use crate::keys::id::{KEY_ID_HEADER, find_key_id};
pub use crate::keys::reading::read_small_file;
use crate::text::quoted_path;
use crate::types::PrivateKeyPem;

/// The largest size of a key file, in bytes: an RSA key of 8192 bits as PEM takes 6.4 KiB.
const MAX_KEY_SIZE: usize = 8 * 1024;

/// Saves a private key, and the ID of its API key if there is one already, to a file that does not
/// exist yet.
///
/// ```
/// use kalshi_api_keys::{Credentials, KeyAlgorithm, KeyPair, key_file};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("kalshi.pem");
/// let private_key = KeyPair::generate(KeyAlgorithm::Ed25519)?.private_key_pem()?;
/// key_file::save(&path, Some("a952bcbe-ec3b-4b5b-b8f9-11dae589608c"), &private_key)?;
/// assert_eq!(Credentials::from_key_file(&path)?.key_id(), "a952bcbe-ec3b-4b5b-b8f9-11dae589608c");
/// assert!(key_file::save(&path, None, &private_key).is_err(), "never overwritten");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// On any error but [`KeyFileError::NotSynced`] no file of this name was created.
pub fn save(
    path: impl AsRef<Path>,
    key_id: Option<&str>,
    key: &PrivateKeyPem,
) -> Result<(), KeyFileError> {
    save_text(path.as_ref(), key_id, key.expose_secret())
}

/// Saves the body of a response that cannot be used, unmodified, because it may hold a private key
/// that is shown only once.
///
/// The file is written as by [`save`]. Once the body is known to be text with a private key in it,
/// the file is a key file.
///
/// ```
/// use kalshi_api_keys::key_file;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("kalshi.pem");
/// let body = br#"{"api_key_id":"a952bcbe-ec3b-4b5b-b8f9-11dae589608c","private_key":"-----BEG"#;
/// key_file::save_response(&path, body)?;
/// assert_eq!(std::fs::read(&path)?, body);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Those of [`save`].
pub fn save_response(path: impl AsRef<Path>, body: &[u8]) -> Result<(), KeyFileError> {
    save_bytes(path.as_ref(), None, body)
}

/// [`save`] for PEM text of any kind.
pub(crate) fn save_text(path: &Path, key_id: Option<&str>, pem: &str) -> Result<(), KeyFileError> {
    save_bytes(path, key_id, pem.as_bytes())
}

fn save_bytes(path: &Path, key_id: Option<&str>, content: &[u8]) -> Result<(), KeyFileError> {
    check_folder(path)?;
    if path.symlink_metadata().is_ok() {
        return Err(KeyFileError::Exists {
            path: path.to_owned(),
        });
    }
    let file = write_temporary(path, key_id, content)?;
    file.persist_noclobber(path)
        .map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => KeyFileError::Exists {
                path: path.to_owned(),
            },
            _ => not_saved(path)(error.error),
        })?;
    sync(path)
}

/// Adds the ID of the API key to a file that [`save`] wrote without one. A file that names it
/// already is synced.
///
/// # Errors
///
/// [`KeyFileError::NamesAnotherKey`], and when the file cannot be read or written. It then holds
/// what it held before, unless [`KeyFileError::NotSynced`].
///
/// ```
/// use kalshi_api_keys::{Credentials, KeyAlgorithm, KeyPair, key_file};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("kalshi.pem");
/// # let private_key = KeyPair::generate(KeyAlgorithm::Ed25519)?.private_key_pem()?;
/// key_file::save(&path, None, &private_key)?; // before `create_api_key`, which returns the ID
/// key_file::add_key_id(&path, "a952bcbe-ec3b-4b5b-b8f9-11dae589608c")?;
/// assert_eq!(Credentials::from_key_file(&path)?.key_id(), "a952bcbe-ec3b-4b5b-b8f9-11dae589608c");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn add_key_id(path: impl AsRef<Path>, key_id: &str) -> Result<(), KeyFileError> {
    let path = path.as_ref();
    let text = read_file(path)
        .map_err(|error| not_saved(path)(io::Error::other(error)))?
        .0;
    match find_key_id(&text) {
        Ok(None) => {}
        Ok(Some(found)) if found == key_id => return sync(path),
        _ => {
            return Err(KeyFileError::NamesAnotherKey {
                path: path.to_owned(),
            });
        }
    }
    let file = write_temporary(path, Some(key_id), text.as_bytes())?;
    file.persist(path)
        .map_err(|error| not_saved(path)(error.error))?;
    sync(path)
}

/// Checks that a key can be saved under this name, as far as that can be known before: the name is
/// free and possible, and a file with as many bytes as a key has can be created, written and synced
/// in its folder. To be called before a key is created.
///
/// # Errors
///
/// Those of [`save`].
///
/// ```
/// use kalshi_api_keys::key_file::{self, KeyFileError};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("kalshi.pem");
/// key_file::check(&path)?; // leaves nothing behind
/// std::fs::write(&path, "taken")?;
/// assert!(matches!(key_file::check(&path), Err(KeyFileError::Exists { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn check(path: impl AsRef<Path>) -> Result<(), KeyFileError> {
    let path = path.as_ref();
    check_folder(path)?;
    for (path, taken) in [
        (
            path.to_owned(),
            KeyFileError::Exists {
                path: path.to_owned(),
            },
        ),
        (
            temporary_path(path),
            KeyFileError::StaleTemporaryFile {
                path: temporary_path(path),
            },
        ),
    ] {
        match path.symlink_metadata() {
            Ok(_) => return Err(taken),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(not_saved(&path)(error)),
        }
    }
    // Only a rehearsal shows whether the system accepts both names and as many bytes, and renames
    // without replacing. In a folder of its own, so that a crash leaves nothing that the next call
    // would take for a key.
    let folder = tempfile::Builder::new()
        .prefix(".kalshi-check-")
        .tempdir_in(folder_of(path))
        .map_err(not_saved(path))?;
    let rehearsed = folder.path().join(path.file_name().unwrap_or_default());
    let mut temporary = create_temporary(&rehearsed).map_err(not_saved(path))?;
    temporary
        .write_all(&[b'-'; MAX_KEY_SIZE])
        .and_then(|()| temporary.as_file().sync_all())
        .map_err(not_saved(path))?;
    let created = temporary
        .persist_noclobber(&rehearsed)
        .map_err(|error| not_saved(path)(error.error))?;
    // Some names of Windows open a device.
    if !created.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err(not_saved(path)(io::ErrorKind::InvalidFilename.into()));
    }
    drop(created);
    folder.close().map_err(not_saved(path))
}

/// A private key that [`load`] read from a file.
#[derive(Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// The text of the file.
    pub key: PrivateKeyPem,
    /// Whether other users of this machine can read the file: then `chmod 600` it, or replace the
    /// key. On Windows, whether a group such as Users or Everyone can, or `icacls` does not tell; a
    /// single user who was given access is not noticed.
    pub readable_by_others: bool,
    /// Whether this user can restrict the file. Not on a read-only file system, nor if another user
    /// owns it, nor for one of a Kubernetes volume, which a link through `..data` leads to and the
    /// kubelet replaces.
    pub can_be_restricted: bool,
}

/// Loads a key file of at most 64 KiB.
///
/// # Errors
///
/// [`CredentialsError::File`] when the file cannot be read, [`CredentialsError::KeyFile`] when it
/// is not text. Whether the text is a private key is checked by
/// [`Credentials`](crate::Credentials).
///
/// ```
/// use kalshi_api_keys::{KeyAlgorithm, KeyPair, key_file};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("kalshi.pem");
/// let private_key = KeyPair::generate(KeyAlgorithm::Ed25519)?.private_key_pem()?;
/// key_file::save(&path, None, &private_key)?;
/// let loaded = key_file::load(&path)?;
/// assert_eq!(loaded.key.expose_secret(), private_key.expose_secret());
/// assert!(!loaded.readable_by_others);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn load(path: impl AsRef<Path>) -> Result<Loaded, CredentialsError> {
    let path = path.as_ref();
    let (mut text, metadata) = read_file(path)?;
    Ok(Loaded {
        key: std::mem::take(&mut *text).into(),
        readable_by_others: is_open_to_others(path, &metadata),
        can_be_restricted: can_be_restricted(path, &metadata),
    })
}

/// Syncs a file and its folder.
pub(crate) fn sync(path: &Path) -> Result<(), KeyFileError> {
    // Windows syncs only what is open for writing; elsewhere the file may be read-only.
    let file = OpenOptions::new()
        .append(true)
        .open(path)
        .or_else(|_| File::open(path));
    let synced = file.and_then(|file| file.sync_all());
    let synced = synced.and_then(|()| sync_folder(folder_of(path)));
    synced.map_err(|source| KeyFileError::NotSynced {
        path: path.to_owned(),
        source,
    })
}

/// Removes a file that [`save`] wrote.
pub(crate) fn remove(path: &Path) -> Result<(), KeyFileError> {
    std::fs::remove_file(path).map_err(|source| KeyFileError::NotRemoved {
        path: path.to_owned(),
        source,
    })
}

/// Removes the temporary file that a crash left, if there is one.
pub(crate) fn remove_temporary(path: &Path) -> Result<(), KeyFileError> {
    let temporary = temporary_path(path);
    if temporary.symlink_metadata().is_ok() {
        remove(&temporary)
    } else {
        Ok(())
    }
}

/// Writes and syncs the temporary file of a key file.
fn write_temporary(
    path: &Path,
    key_id: Option<&str>,
    content: &[u8],
) -> Result<NamedTempFile, KeyFileError> {
    let mut file = create_temporary(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => KeyFileError::StaleTemporaryFile {
            path: temporary_path(path),
        },
        _ => not_saved(path)(error),
    })?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(content.len() + 512));
    if let Some(key_id) = key_id {
        let line = format!("{KEY_ID_HEADER}: {key_id}\n");
        if !matches!(find_key_id(&line), Ok(Some(read_back)) if read_back == key_id) {
            return Err(not_saved(path)(io::Error::other(
                "the ID of its API key is unusable",
            )));
        }
        bytes.extend_from_slice(line.as_bytes());
    }
    bytes.extend_from_slice(content);
    file.write_all(&bytes)
        .and_then(|()| file.as_file().sync_all())
        .map_err(not_saved(path))?;
    Ok(file)
}

/// Creates the temporary file of a file: for its owner alone, with a name of its own instead of a
/// random one, removed when dropped.
pub(crate) fn create_temporary(path: &Path) -> io::Result<NamedTempFile> {
    let name = temporary_path(path);
    let name = name.file_name().unwrap_or_default();
    tempfile::Builder::new()
        .prefix(name)
        .rand_bytes(0)
        .make_in(folder_of(path), create_new)
}

/// The name that a file has until it is complete.
pub(crate) fn temporary_path(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".kalshi-tmp");
    folder_of(path).join(name)
}

pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| *folder != Path::new(""))
        .unwrap_or(Path::new("."))
}

fn check_folder(path: &Path) -> Result<(), KeyFileError> {
    if path.file_name().is_none() || !is_plain_name(path) {
        return Err(not_saved(path)(io::ErrorKind::InvalidFilename.into()));
    }
    let folder = folder_of(path);
    if is_writable_by_everyone(&folder.metadata().map_err(not_saved(path))?) {
        return Err(KeyFileError::SharedFolder {
            folder: folder.to_owned(),
        });
    }
    Ok(())
}

/// Returns whether the name stands for the file that it spells: not with a slash at its end, nor on
/// Windows with what it drops, takes for the name of a stream or of a device.
fn is_plain_name(path: &Path) -> bool {
    let text = path.as_os_str().to_string_lossy();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let dropped_or_stream = name.ends_with(['.', ' ']) || name.contains(':');
    text.ends_with(&*name) && !(cfg!(windows) && (dropped_or_stream || is_device_name(&name)))
}

/// Returns whether Windows takes a name for one of a device, such as `NUL` or `com1.pem`.
fn is_device_name(name: &str) -> bool {
    let stem = name
        .split('.')
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_ascii_uppercase();
    let port = stem
        .strip_prefix("COM")
        .or_else(|| stem.strip_prefix("LPT"));
    let is_port = port.is_some_and(|number| {
        let mut number = number.chars();
        matches!(
            (number.next(), number.next()),
            (Some('0'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}'), None)
        )
    });
    is_port || matches!(&*stem, "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$")
}

fn not_saved(path: &Path) -> impl Fn(io::Error) -> KeyFileError {
    move |source| KeyFileError::NotSaved {
        path: path.to_owned(),
        source,
    }
}

#[cfg(windows)]
mod acl;
#[cfg_attr(unix, path = "file/unix.rs")]
#[cfg_attr(windows, path = "file/windows.rs")]
mod platform;

use platform::{can_be_restricted, create_new, is_open_to_others, is_writable_by_everyone};
pub(crate) use platform::{is_in_use, is_mine, sync_folder};

/// Opens a file that only this user has access to. Returns `None` for a link, a file that is not a
/// regular one, that belongs to somebody else, that others have access to, or that is larger than
/// `limit` bytes.
pub(crate) fn open_private(
    options: &mut OpenOptions,
    path: &Path,
    limit: u64,
) -> io::Result<Option<File>> {
    if path.symlink_metadata()?.is_symlink() {
        return Ok(None);
    }
    let file = platform::open_in_place(options, path)?;
    let metadata = file.metadata()?;
    let trusted = metadata.is_file() && is_mine(&metadata) && !is_open_to_others(path, &metadata);
    Ok((trusted && metadata.len() <= limit).then_some(file))
}

/// Returns whether an open file is still the one of this name.
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    let named = path.symlink_metadata();
    matches!((file.metadata(), named), (Ok(open), Ok(named)) if platform::is_same(&open, &named))
}

/// Why a private key was not saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The name is taken; what has it was not touched.
    #[error("{} already exists; choose another name", quoted_path(.path))]
    Exists {
        /// The name.
        path: PathBuf,
    },
    /// The file names another API key, or cannot be read for one; it was not touched.
    #[error("{} names another API key, so no ID was added to it; choose another file", quoted_path(.path))]
    NamesAnotherKey {
        /// The file.
        path: PathBuf,
    },
    /// An earlier call for the same name crashed. The file may hold a private key.
    #[error(
        "{} was left by a run that was killed (or is still running) and may hold a private key; move it away, and keep it until you have listed the keys",
        quoted_path(.path)
    )]
    StaleTemporaryFile {
        /// The temporary file.
        path: PathBuf,
    },
    /// Everyone may write to the folder, so that anyone could replace the file.
    #[error("everyone may write to the folder {}, so no key was saved in it; choose a folder of your own", quoted_path(.folder))]
    SharedFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// The file was not written; what had the name before is unchanged.
    #[error("cannot save a private key to {}; check the name, the folder, its permissions and its space", quoted_path(.path))]
    NotSaved {
        /// The file.
        path: PathBuf,
        /// What the system reports.
        source: io::Error,
    },
    /// A file that is no longer needed could not be removed.
    #[error("cannot remove {}, which belongs to no API key; remove it", quoted_path(.path))]
    NotRemoved {
        /// The file.
        path: PathBuf,
        /// What the system reports.
        source: io::Error,
    },
    /// The whole file exists, but the system did not confirm that it survives a power failure.
    #[error("{} was saved, but may not survive a power failure; check the disk, and do not rely on it before", quoted_path(.path))]
    NotSynced {
        /// The file.
        path: PathBuf,
        /// What the system reports.
        source: io::Error,
    },
}
