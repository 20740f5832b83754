//! The ID of an API key in signed headers, and the line of a key file that names it. The line
//! stands before the PEM text, where RFC 7468 allows explanatory text.

use http::HeaderValue;

use crate::keys::private::KeyError;
use crate::keys::text::{self, Part};
use crate::redact::contains_private_key;

/// The name of that line: `Kalshi-API-Key-ID: a952bcbe-…`.
pub(crate) const KEY_ID_HEADER: &str = "Kalshi-API-Key-ID";

/// Returns an ID as it is sent. Returns `None` unless it is visible ASCII, and if it holds a
/// private key. The ID may be one that the service chose, so there is no guess.
pub(crate) fn to_header(id: &str) -> Option<HeaderValue> {
    let is_valid = !id.is_empty()
        && id.bytes().all(|byte| byte.is_ascii_graphic())
        && !contains_private_key(id);
    HeaderValue::from_str(id).ok().filter(|_| is_valid)
}

/// Finds the ID in the text of a key file; `None` when nothing names one.
pub(crate) fn find_key_id(text: &str) -> Result<Option<HeaderValue>, KeyError> {
    agreed_id(&text::read(text))
}

/// Returns the ID that parts of a text name; `None` when nothing names one. An ID that is commented
/// out counts only if there is no other.
pub(crate) fn agreed_id(parts: &[Part]) -> Result<Option<HeaderValue>, KeyError> {
    let ids = parts.iter().filter_map(|part| match part {
        Part::ApiKeyId(id) => Some(id),
        Part::Block(_) => None,
    });
    let all_commented_out = ids.clone().all(|id| id.is_commented_out);
    let mut ids = ids.filter(|id| !id.is_commented_out || all_commented_out);
    let Some(first) = ids.next() else {
        return Ok(None);
    };
    let header = to_header(&first.id).ok_or(KeyError::InvalidApiKeyId)?;
    if ids.any(|other| other.id != first.id) {
        Err(KeyError::ConflictingApiKeyIds)
    } else {
        Ok(Some(header))
    }
}
