//! The environment that a failed request was sent to, as its error names it.

use std::fmt;

use http::StatusCode;

use crate::input::Unread;
use crate::{Environment, Error};

/// The environment of a failed request, and what may have been meant to choose another one.
#[derive(Debug)]
pub(crate) struct Asked {
    environment: Environment,
    by_default: bool,
    /// Collected where the service does not know the key.
    unread: Unread,
}

impl Asked {
    pub(crate) fn new(environment: &Environment, by_default: bool, error: &Error) -> Self {
        let unread = if error.is_unknown_key() {
            Unread::variables()
        } else {
            Unread::default()
        };
        Self {
            environment: environment.clone(),
            by_default,
            unread,
        }
    }

    /// Writes what the environment has to do with an error, to be appended to its message: nothing
    /// for most, as another environment would not help.
    pub(crate) fn annotate(&self, error: &Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (error, error.status()) {
            (Error::CommunicationError(_), _) | (_, Some(StatusCode::UNAUTHORIZED)) => {
                self.write_base_url(f)?;
                write!(f, "{}", self.unread)
            }
            (_, Some(StatusCode::NOT_FOUND)) => match self.environment.with_service_path() {
                Some(url) => write!(
                    f,
                    "; the base URL was {}: the service's would be {url}",
                    self.environment.base_url()
                ),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn write_base_url(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "; the base URL was {}", self.environment.base_url())?;
        if self.by_default {
            f.write_str(", as demo is the default: KALSHI_ENV=production chooses production")?;
        }
        Ok(())
    }
}
