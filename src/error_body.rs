//! Parses the body of a 4xx or 5xx response, in the formats that the service itself writes.

use serde_json::Value;

use crate::types::ErrorResponse;

/// The longest text that is kept of one member, in bytes.
const MAX_TEXT: usize = 1024;

/// Reads an error body in one of the three shapes recorded from the service:
/// `{"error":{"code":…,"message":…}}`, the same object flat, or `{"msg":…}`. Returns `None` for
/// anything else: HTML, plain text, an empty body or other JSON comes from a gateway, and says
/// nothing about what the service did.
pub(crate) fn parse(body: &[u8]) -> Option<ErrorResponse> {
    let body: Value = serde_json::from_slice(body).ok()?;
    if let Some(message) = body.get("msg").and_then(text) {
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

fn text(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    // Errors are shown and logged.
    if text.contains("PRIVATE KEY-----") {
        return Some("[a private key, redacted]".to_owned());
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
