//! Whatever stands in an error answer -> the one shape of the spec's `ErrorResponse`.

use serde_json::Value;

use crate::types::ErrorResponse;

/// The most that is kept of a member, in bytes.
const MAX_TEXT: usize = 1024;

/// The reason that an error answer gives. The service was seen to answer `{"error": {…}}`, the same object flat, and
/// `{"msg": …}`; what stands before it answers HTML or nothing. Whatever is none of these becomes the `message`.
pub(crate) fn canonical(body: &[u8]) -> ErrorResponse {
    let body =
        serde_json::from_slice(body).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).trim().to_owned()));
    let reason = body.get("error").filter(|error| !error.is_null()).unwrap_or(&body);
    let member = |name| reason.get(name).and_then(text);
    if ["code", "message", "msg", "details", "service"].iter().any(|name| reason.get(name).is_some()) {
        ErrorResponse {
            code: member("code"),
            message: member("message").or_else(|| member("msg")),
            details: member("details"),
            service: member("service"),
        }
    } else {
        ErrorResponse { code: None, message: text(reason), details: None, service: None }
    }
}

/// A string as it is, another value as JSON, nothing where there is nothing to say.
fn text(value: &Value) -> Option<String> {
    let mut text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    // An error is shown and logged, and a key in it is of no use.
    if text.contains("PRIVATE KEY-----") {
        text = "(a private key, not shown)".to_owned();
    }
    text.truncate(text.floor_char_boundary(MAX_TEXT));
    Some(text).filter(|text| !text.is_empty())
}
