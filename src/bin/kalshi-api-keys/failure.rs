//! How a command fails: one line on stderr and an exit code.

use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;

use kalshi_api_keys::key_file::KeyFileError;
use kalshi_api_keys::text::{escape, with_causes};
use kalshi_api_keys::{
    BuildError, CredentialsError, EnvironmentError, Error, KeyPairError, PublicKeyError, SignError,
};

/// The exit codes other than 0.
#[derive(Clone, Copy)]
pub enum Code {
    /// The request was rejected with a 4xx, or its response is not as documented.
    Refused = 1,
    /// The arguments, the variables, the key or a file cannot be used.
    Usage = 2,
    /// The service was not reached, failed with a 5xx, or its response was lost or truncated.
    Network = 3,
    /// Incomplete, or it is unknown whether something exists: the message says what remains to be
    /// done.
    Incomplete = 4,
}

/// A failed command: what happened and what to do next, in one line, and the exit code.
pub struct Failure {
    code: Code,
    message: String,
}

impl Failure {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Code::Usage, message)
    }

    pub fn incomplete(message: impl Into<String>) -> Self {
        Self::new(Code::Incomplete, message)
    }

    pub fn is_incomplete(&self) -> bool {
        matches!(self.code, Code::Incomplete)
    }

    /// Adds a sentence to the message.
    pub fn and(self, more: impl fmt::Display) -> Self {
        Self {
            message: format!("{}; {more}", self.message),
            ..self
        }
    }

    /// Prints the message on stderr and returns the exit code.
    pub fn report(self) -> ExitCode {
        // If stderr is closed, the exit code is all there is.
        let _ = writeln!(io::stderr(), "error: {self}");
        ExitCode::from(self.code as u8)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.message.split_whitespace().collect();
        f.write_str(&escape(&words.join(" ")))
    }
}

/// Returns the exit code for a failed request. It depends on the status of the response, and not on
/// the format of the body.
pub fn code(error: &Error) -> Code {
    let Some(status) = error.status() else {
        return match error {
            Error::InvalidRequest(_) | Error::NotSigned(_) | Error::Custom(_) => Code::Usage,
            _ => Code::Network,
        };
    };
    let is_truncated = !status.is_client_error() && error.is_transient();
    if status.is_server_error() || is_truncated {
        Code::Network
    } else {
        Code::Refused
    }
}

/// Returns what happened, without what to do next.
pub fn without_advice(error: &dyn std::error::Error) -> String {
    let line = with_causes(error);
    line.rsplit_once("; ")
        .map_or(&*line, |(happened, _)| happened)
        .to_owned()
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(code(&error), with_causes(&error))
    }
}

macro_rules! usage_failure_from {
    ($($error:ty),*) => { $(impl From<$error> for Failure {
        fn from(error: $error) -> Self {
            Self::usage(with_causes(&error))
        }
    })* };
}

usage_failure_from!(
    BuildError,
    CredentialsError,
    EnvironmentError,
    KeyPairError,
    PublicKeyError,
    SignError
);
#[cfg(feature = "ssh-agent")]
usage_failure_from!(kalshi_api_keys::ssh_agent::SshAgentError);

impl From<KeyFileError> for Failure {
    fn from(error: KeyFileError) -> Self {
        let code = if matches!(error, KeyFileError::StaleTemporaryFile { .. }) {
            Code::Incomplete
        } else {
            Code::Usage
        };
        Self::new(code, with_causes(&error))
    }
}
