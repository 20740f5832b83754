//! Parses the body of a 4xx or 5xx response, in the formats that the service itself writes.

use serde_json::Value;

use crate::redact::{REDACTED, contains_private_key};
use crate::types::ErrorResponse;

/// The longest text that is kept of one member, in bytes.
const MAX_TEXT: usize = 1024;

/// Reads an error body in one of the four shapes known of the service:
/// `{"error":{"code":…,"message":…}}`, the same object flat, `{"msg":…}`, and `{"error":"…"}`,
/// which is documented for 429. Returns `None` for anything else: HTML, plain text, an empty body
/// and other JSON come from a gateway, and say nothing about what the service did.
///
/// A gateway may write the same shapes, so they prove nothing about the sender.
pub(crate) fn parse(body: &[u8]) -> Option<ErrorResponse> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let bare = body.get("msg").or_else(|| sole_error(&body));
    if let Some(message) = bare.and_then(text) {
        return Some(ErrorResponse {
            code: None,
            message: Some(message),
            details: None,
        });
    }
    let reason = body.get("error").unwrap_or(&body);
    Some(ErrorResponse {
        code: Some(reason.get("code").and_then(text)?),
        message: Some(reason.get("message").and_then(text)?),
        details: reason.get("details").and_then(text),
    })
}

/// Returns the member `error` of a body that has no other. Frameworks of gateways write it beside
/// members such as `status` and `path`.
fn sole_error(body: &Value) -> Option<&Value> {
    let members = body.as_object()?;
    members.get("error").filter(|_| members.len() == 1)
}

fn text(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    // Errors are shown and logged.
    if contains_private_key(text) {
        return Some(REDACTED.to_owned());
    }
    let ends = text
        .char_indices()
        .map(|(start, char)| start + char.len_utf8());
    let end = ends
        .take_while(|end| *end <= MAX_TEXT)
        .last()
        .unwrap_or_default();
    Some(text[..end].to_owned())
}
