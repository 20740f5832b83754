//! Reads key files and journals: small regular files, and nothing that blocks or never ends.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

/// The largest file that is read, in bytes. The PEM text of an RSA key of 8192 bits takes a tenth
/// of it.
pub(crate) const MAX_FILE_SIZE: u64 = 64 * 1024;

/// Reads a regular file of at most 64 KiB, whole, into memory that is zeroized when dropped;
/// returns it with the metadata of the opened file.
///
/// # Errors
///
/// [`io::ErrorKind::InvalidInput`] for a directory, a FIFO, a socket or a device, at once and
/// without blocking; [`io::ErrorKind::FileTooLarge`] for a larger file.
///
/// ```
/// use kalshi_api_keys::key_file::read_small_file;
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("kalshi.pub");
/// std::fs::write(&path, "-----BEGIN PUBLIC KEY-----")?;
/// assert_eq!(&*read_small_file(&path)?.0, b"-----BEGIN PUBLIC KEY-----");
/// assert!(read_small_file(folder.path()).is_err(), "not a regular file");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read_small_file(path: impl AsRef<Path>) -> io::Result<(Zeroizing<Vec<u8>>, Metadata)> {
    let file = open_without_blocking(path.as_ref())?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ));
    }
    // Never reallocated while it is filled, which would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE_SIZE as usize + 1));
    file.take(MAX_FILE_SIZE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_SIZE {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "larger than 64 KiB",
        ));
    }
    Ok((bytes, metadata))
}

/// Opens a file for reading. Without `O_NONBLOCK`, opening a FIFO would wait for its writer.
#[cfg(unix)]
pub(crate) fn open_without_blocking(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
}

#[cfg(not(unix))]
pub(crate) fn open_without_blocking(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}
