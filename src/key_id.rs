//! The ID of an API key in signed headers, and the line of a key file that names it. The line
//! stands before the PEM text, where RFC 7468 allows explanatory text.

use http::HeaderValue;

use crate::key::{KeyError, lines};
use crate::redact::contains_private_key;

/// The name of that line: `Kalshi-API-Key-ID: a952bcbe-…`.
pub(crate) const KEY_ID_HEADER: &str = "Kalshi-API-Key-ID";

/// Returns an ID as it is sent. Returns `None` unless it is visible ASCII, and if it holds a private
/// key. The ID may be one that the service chose, so there is no guess.
pub(crate) fn to_header(id: &str) -> Option<HeaderValue> {
    let is_valid = !id.is_empty()
        && id.bytes().all(|byte| byte.is_ascii_graphic())
        && !contains_private_key(id);
    HeaderValue::from_str(id).ok().filter(|_| is_valid)
}

/// Finds the ID in the text of a key file; `None` when no line names one.
pub(crate) fn find_key_id(text: &str) -> Result<Option<HeaderValue>, KeyError> {
    let mut ids = lines(text).filter_map(|line| {
        let (name, id) = line.split_once(':')?;
        name.trim_end()
            .eq_ignore_ascii_case(KEY_ID_HEADER)
            .then(|| id.trim())
    });
    let Some(id) = ids.next() else {
        return Ok(None);
    };
    let header = to_header(id).ok_or(KeyError::InvalidApiKeyId)?;
    if ids.any(|other| other != id) {
        Err(KeyError::ConflictingApiKeyIds)
    } else {
        Ok(Some(header))
    }
}
