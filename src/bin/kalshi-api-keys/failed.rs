//! What a command ends in when it does not do what it was asked to: one line and an exit code.

use std::fmt;
use std::process::ExitCode;

use kalshi_api_keys::key_file::KeyFileError;
use kalshi_api_keys::{BuildError, CredentialsError, EnvironmentError, Error, KeyPairError, SignError};

use crate::output;

/// The exit codes; 0 is success.
#[derive(Clone, Copy)]
pub enum Code {
    /// The service refused, or answered otherwise than documented.
    Refused = 1,
    /// The arguments, the variables, the key or a file.
    Usage = 2,
    /// The service was not reached, or its answer was lost.
    Network = 3,
    /// Something is left to do.
    LeftToDo = 4,
}

/// What happened and what to do next, in one line.
pub struct Failed {
    code: Code,
    line: String,
}

impl Failed {
    pub fn new(code: Code, line: impl Into<String>) -> Self {
        Self { code, line: line.into() }
    }

    pub fn usage(line: impl Into<String>) -> Self {
        Self::new(Code::Usage, line)
    }

    pub fn left_to_do(line: impl Into<String>) -> Self {
        Self::new(Code::LeftToDo, line)
    }

    /// The same failure, with more to say.
    pub fn and(self, more: impl fmt::Display) -> Self {
        Self { line: format!("{}; {more}", self.line), ..self }
    }

    pub fn report(self) -> ExitCode {
        output::say(&format!("error: {self}"));
        ExitCode::from(self.code as u8)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.line.split_whitespace().collect();
        f.write_str(&output::visible(&words.join(" ")))
    }
}

/// The class of a request's failure.
pub fn code(error: &Error) -> Code {
    match error {
        Error::InvalidRequest(_) | Error::Custom(_) => Code::Usage,
        Error::CommunicationError(_) | Error::ResponseBodyError(_) => Code::Network,
        // It broke off.
        Error::UnexpectedResponse(_) if error.is_transient() => Code::Network,
        _ => Code::Refused,
    }
}

/// An error and its causes, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !line.contains(&text) {
            line += &format!(": {text}");
        }
        source = cause.source();
    }
    line
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::new(code(&error), chain(&error))
    }
}

macro_rules! local {
    ($($error:ty),*) => { $(impl From<$error> for Failed {
        fn from(error: $error) -> Self {
            Self::usage(chain(&error))
        }
    })* };
}

local!(CredentialsError, EnvironmentError, KeyPairError, BuildError, SignError);

impl From<KeyFileError> for Failed {
    fn from(error: KeyFileError) -> Self {
        let code = if matches!(error, KeyFileError::Leftover { .. }) { Code::LeftToDo } else { Code::Usage };
        Self::new(code, chain(&error))
    }
}
