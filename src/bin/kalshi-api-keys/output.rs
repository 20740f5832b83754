//! Writing to stdout and stderr. A closed pipe is not an error, unless what is written must arrive.

#[cfg(unix)]
use std::fs::File;
use std::io::{self, Write as _};

use kalshi_api_keys::text::{escape, printable};
use kalshi_api_keys::types::ApiKeyScope;
#[cfg(unix)]
use rustix::fs::OFlags;

use crate::failure::Failure;

/// Prints a result on stdout.
pub fn print(text: &str) -> Result<(), Failure> {
    print_bytes(text.as_bytes())
}

/// Prints on stdout what was done, and cannot be done again.
pub fn print_done(done: &str) -> Result<(), Failure> {
    write_unless_closed(format!("{done}\n").as_bytes()).map_err(|error| {
        Failure::incomplete(format!(
            "{done}; but this could not be written to stdout: {error}"
        ))
    })
}

pub fn print_bytes(text: &[u8]) -> Result<(), Failure> {
    let written = write_unless_closed(text);
    written.map_err(|error| {
        Failure::usage(format!(
            "cannot write to stdout: {error}; redirect it elsewhere"
        ))
    })
}

fn write_unless_closed(text: &[u8]) -> io::Result<()> {
    match write(text) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Writes to stdout what must arrive: here, a closed pipe is an error.
pub fn write(text: &[u8]) -> io::Result<()> {
    let mut stdout = stdout()?;
    stdout.write_all(text)?;
    stdout.flush()
}

/// Not the standard library's: that reports success when stdout is open for reading only.
#[cfg(unix)]
fn stdout() -> io::Result<File> {
    use std::os::fd::AsFd as _;
    io::stdout().as_fd().try_clone_to_owned().map(File::from)
}

#[cfg(windows)]
fn stdout() -> io::Result<io::Stdout> {
    Ok(io::stdout())
}

/// Returns whether what is written to stdout is lost: it is `/dev/null`, which also takes the place
/// of a closed one, or open for reading only.
#[cfg(unix)]
pub fn stdout_is_discarded() -> bool {
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
    let Ok(stdout) = stdout() else { return true };
    let Ok(metadata) = stdout.metadata() else {
        return true;
    };
    let null = std::fs::metadata("/dev/null");
    let is_null = metadata.file_type().is_char_device()
        && null.is_ok_and(|null| null.rdev() == metadata.rdev());
    let is_writable = rustix::fs::fcntl_getfl(&stdout)
        .is_ok_and(|flags| flags & OFlags::RWMODE != OFlags::RDONLY);
    is_null || !is_writable
}

/// Returns whether what is written to stdout is lost: the process was given none, or it is a device
/// other than a console, such as `NUL`.
#[cfg(windows)]
pub fn stdout_is_discarded() -> bool {
    use std::io::IsTerminal as _;
    use std::os::windows::io::AsRawHandle as _;
    let stdout = io::stdout();
    let is_device = || {
        winapi_util::file::typ(winapi_util::HandleRef::stdout()).is_ok_and(|file| file.is_char())
    };
    stdout.as_raw_handle().is_null() || !stdout.is_terminal() && is_device()
}

/// Prints one line on stderr.
pub fn print_to_stderr(line: &str) {
    // If stderr is closed, there is no other place to report it.
    let _ = io::stderr().write_all(format!("{}\n", escape(line)).as_bytes());
}

/// Formats scopes as a list with commas.
pub fn scope_list(scopes: &[ApiKeyScope]) -> String {
    let scopes: Vec<_> = scopes
        .iter()
        .map(|scope| printable(scope.as_str()))
        .collect();
    if scopes.is_empty() {
        "none".to_owned()
    } else {
        scopes.join(", ")
    }
}

/// Quotes a word for a shell.
pub fn quoted(word: &str) -> String {
    // NUL is the one character that cannot be quoted, and neither arguments nor files can contain
    // it.
    shlex::try_quote(&word.replace('\0', ""))
        .map(Into::into)
        .unwrap_or_default()
}
