//! Reads key files and journals: small, and nothing that blocks for ever or never ends.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, IsTerminal as _, Read as _};
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

/// The largest file that is read, in bytes. The PEM text of an RSA key of 8192 bits takes a tenth
/// of it.
pub(crate) const MAX_FILE_SIZE: u64 = 64 * 1024;

/// How long a pipe or standard input may take, from opening it to its end.
pub(crate) const PIPE_TIME_LIMIT: Duration = Duration::from_secs(10);
/// How long to wait before a pipe that is empty is read again.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

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
        return Err(not_regular());
    }
    Ok((read_to_end(file, false)?, metadata))
}

/// Reads a regular file as [`read_small_file`] does, or a pipe, as process substitution makes one,
/// or standard input (`-`). Returns whether it is a regular file that can be read again.
///
/// # Errors
///
/// Those of [`read_small_file`], except for pipes; [`io::ErrorKind::TimedOut`] when a pipe does not
/// end within [`PIPE_TIME_LIMIT`]; [`io::ErrorKind::InvalidInput`] when standard input is a
/// terminal.
pub(crate) fn read_file_or_pipe(path: &Path) -> io::Result<(Zeroizing<Vec<u8>>, bool)> {
    if is_stdin(path) {
        return Ok((read_stdin()?, false));
    }
    let file = open_without_blocking(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() {
        Ok((read_to_end(file, false)?, true))
    } else if is_pipe(&metadata) {
        // Nobody can open an anonymous pipe later: it has no path that leads to itself.
        let may_get_writer = path.canonicalize().is_ok();
        Ok((read_to_end(file, may_get_writer)?, false))
    } else {
        Err(not_regular())
    }
}

fn not_regular() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")
}

/// Returns whether a path stands for standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    const NAMES: [&str; 3] = ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];
    path == "-" || cfg!(unix) && NAMES.iter().any(|name| path == *name)
}

/// Reads standard input in a thread, because it may block: its mode is shared with other processes
/// and stays as it is. A thread that is still waiting when the time is up is left behind.
fn read_stdin() -> io::Result<Zeroizing<Vec<u8>>> {
    if io::stdin().is_terminal() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "standard input is a terminal, so the key would be shown",
        ));
    }
    let stdin = duplicate_stdin()?;
    let (sender, receiver) = mpsc::channel();
    std::thread::Builder::new()
        .name("kalshi-stdin".to_owned())
        .spawn(move || {
            // The receiver is gone when the time is up.
            let _ = sender.send(read_to_end(stdin, false));
        })?;
    receiver
        .recv_timeout(PIPE_TIME_LIMIT)
        .unwrap_or_else(|_| Err(too_slow()))
}

fn too_slow() -> io::Error {
    let seconds = PIPE_TIME_LIMIT.as_secs();
    let message = format!("its writer did not finish within {seconds} s");
    io::Error::new(io::ErrorKind::TimedOut, message)
}

/// Reads an open file to its end, at most [`MAX_FILE_SIZE`] bytes in at most [`PIPE_TIME_LIMIT`],
/// as long as no read blocks. The end that a pipe has before its first writer does not count if it
/// may get one.
fn read_to_end(file: File, may_get_writer: bool) -> io::Result<Zeroizing<Vec<u8>>> {
    let deadline = Instant::now() + PIPE_TIME_LIMIT;
    // Never reallocated while it is filled, which would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE_SIZE as usize + 1));
    let mut limited = file.take(MAX_FILE_SIZE + 1);
    loop {
        let waits = match limited.read_to_end(&mut bytes) {
            Ok(_) => may_get_writer && bytes.is_empty(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => true,
            Err(error) => return Err(error),
        };
        if bytes.len() as u64 > MAX_FILE_SIZE {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "larger than 64 KiB",
            ));
        }
        if !waits {
            return Ok(bytes);
        }
        if Instant::now() >= deadline {
            return Err(too_slow());
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

#[cfg(unix)]
fn duplicate_stdin() -> io::Result<File> {
    use std::os::fd::AsFd as _;
    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

#[cfg(windows)]
fn duplicate_stdin() -> io::Result<File> {
    use std::os::windows::io::AsHandle as _;
    io::stdin().as_handle().try_clone_to_owned().map(File::from)
}

#[cfg(unix)]
fn is_pipe(metadata: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    metadata.file_type().is_fifo()
}

#[cfg(windows)]
fn is_pipe(_: &Metadata) -> bool {
    false
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

#[cfg(windows)]
pub(crate) fn open_without_blocking(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}
