//! An operation of the spec, as errors name it, and the one place through which every call of an operation passes.

use crate::Error;
use crate::types::ErrorResponse;

/// An operation, as the spec describes it.
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
    pub(crate) fn is_read_only(&self) -> bool {
        matches!(self.method, "GET" | "HEAD")
    }
}

/// Runs a call of a generated method; an error of it knows its operation.
pub(crate) async fn call<T>(
    operation: Operation,
    response: impl Future<Output = Result<T, progenitor_client::Error<ErrorResponse>>>,
) -> Result<T, Error> {
    response.await.map_err(|error| Error::new(Some(operation), error))
}
