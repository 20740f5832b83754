//! Stdout and stderr. A pipe that was closed at its other end is no error.

use std::io::{self, Write as _};

use kalshi_api_keys::types::ApiKeyScope;

use crate::failed::Failed;

/// Prints on stdout, what was asked for.
pub fn print(text: &str) -> Result<(), Failed> {
    print_bytes(text.as_bytes())
}

pub fn print_bytes(text: &[u8]) -> Result<(), Failed> {
    match write(text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failed::usage(format!("stdout cannot be written to: {error}; redirect it elsewhere")))
        }
        _ => Ok(()),
    }
}

/// Writes on stdout what must arrive: here a closed pipe is an error.
pub fn write(text: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text)?;
    stdout.flush()
}

/// Whether what is written to stdout is lost: it is `/dev/null`, which also takes the place of a closed one.
#[cfg(unix)]
pub fn stdout_is_discarded() -> bool {
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
    let stdout = io::stdout().as_fd().try_clone_to_owned().and_then(|stdout| std::fs::File::from(stdout).metadata());
    let Ok(stdout) = stdout else { return true };
    let null = std::fs::metadata("/dev/null");
    stdout.file_type().is_char_device() && null.is_ok_and(|null| null.rdev() == stdout.rdev())
}

/// Whether what is written to stdout is lost: it is closed.
#[cfg(not(unix))]
pub fn stdout_is_discarded() -> bool {
    write(b"").is_err()
}

/// Says a line on stderr.
pub fn say(line: &str) {
    // There is nobody left to tell.
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// Text of others, such as a key's name, that cannot steer the terminal.
pub fn visible(text: &str) -> String {
    text.replace(|c: char| c.is_control(), "\u{fffd}")
}

pub fn scopes(scopes: &[ApiKeyScope]) -> String {
    let scopes: Vec<_> = scopes.iter().map(|scope| visible(scope.as_str())).collect();
    if scopes.is_empty() { "none".to_owned() } else { scopes.join(", ") }
}

/// A word of a shell's command line.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
