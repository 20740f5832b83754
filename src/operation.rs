//! An operation of the spec, as errors name it, and the one place through which every call of an operation passes.

use crate::types::ErrorResponse;
use crate::{Error, spec};

/// An operation, as the spec describes it.
///
/// ```
/// use kalshi_api_keys::Operation;
///
/// let delete = Operation::find("deleteApiKey").unwrap();
/// assert_eq!((delete.method, delete.path), ("DELETE", "/api_keys/{api_key}"));
/// assert_eq!(Operation::find("delete_api_key"), Some(delete));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Operation {
    /// The `operationId`, such as `deleteApiKey`.
    pub id: &'static str,
    /// The HTTP method, such as `DELETE`.
    pub method: &'static str,
    /// The path below the base URL, with its placeholders, such as `/api_keys/{api_key}`.
    pub path: &'static str,
}

impl Operation {
    /// Returns the operation of the spec with this `operationId`, or with this name of its generated method.
    pub fn find(id: &str) -> Option<Self> {
        let found = spec::OPERATIONS.iter().find(|(method, operation)| *method == id || operation.id == id);
        found.map(|(_, operation)| *operation)
    }

    pub(crate) fn is_read_only(&self) -> bool {
        matches!(self.method, "GET" | "HEAD")
    }
}

/// Runs the call of a generated method, whose errors then know their operation.
pub(crate) async fn call<T>(
    method: &str,
    response: impl Future<Output = Result<T, progenitor_client::Error<ErrorResponse>>>,
) -> Result<T, Error> {
    response.await.map_err(|error| Error::new(Operation::find(method), error))
}
