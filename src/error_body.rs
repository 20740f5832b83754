//! Whatever stands in an error answer -> the one shape of the spec's `ErrorResponse`.

use serde_json::Value;

use crate::types::ErrorResponse;

/// The most that is kept of a member, in bytes.
const MAX_TEXT: usize = 1024;

/// The reason that an error answer gives. The service was seen to answer `{"error": {…}}`, the same object flat, and
/// `{"msg": …}`; what stands before it answers HTML or nothing. Whatever is none of these becomes the `message`.
pub(crate) fn canonical(body: &[u8]) -> ErrorResponse {
    let parsed = serde_json::from_slice(body);
    let reason = match &parsed {
        Ok(Value::Object(members)) => members.get("error").filter(|error| !error.is_null()),
        _ => None,
    };
    match reason.or(parsed.as_ref().ok()) {
        Some(Value::Object(members))
            if ["code", "message", "msg", "details", "service"].iter().any(|m| members.contains_key(*m)) =>
        {
            let member = |name| members.get(name).and_then(text);
            ErrorResponse {
                code: member("code"),
                message: member("message").or_else(|| member("msg")),
                details: member("details"),
                service: member("service"),
            }
        }
        Some(other) => of_message(text(other)),
        None => {
            of_message(Some(String::from_utf8_lossy(body).trim().to_owned()).map(shortened).filter(|t| !t.is_empty()))
        }
    }
}

fn of_message(message: Option<String>) -> ErrorResponse {
    ErrorResponse { code: None, message, details: None, service: None }
}

/// A string as it is, another value as JSON, `null` as nothing.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(shortened(text.clone())),
        other => Some(shortened(other.to_string())),
    }
}

fn shortened(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_TEXT));
    text
}
