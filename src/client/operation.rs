//! An operation of the spec, as errors and spans name it.

use crate::spec;

/// An operation, as the spec describes it.
///
/// ```
/// use kalshi_api_keys::Operation;
///
/// let delete = Operation::find("deleteApiKey").unwrap();
/// assert_eq!((delete.method, delete.path), ("DELETE", "/api_keys/{api_key}"));
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
    /// Returns the operation of the spec with this `operationId`.
    pub fn find(id: &str) -> Option<Self> {
        spec::OPERATIONS
            .iter()
            .find(|operation| operation.id == id)
            .copied()
    }

    pub(crate) fn is_read_only(&self) -> bool {
        matches!(self.method, "GET" | "HEAD")
    }
}
