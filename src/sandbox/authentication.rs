//! Who sends a request, and whether it may: the three headers, the time, the signature, the scope.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderName, StatusCode};

use super::operations::Operation;
use super::refusal::Refusal;
use super::state::Shared;
use crate::spec;
use crate::types::ApiKey;

/// The key that signed the request. The refusals are those recorded from the service, word for word.
pub(super) fn authenticate(state: &Shared, request: &Parts) -> Result<ApiKey, Refusal> {
    let key_id = header(request, &spec::KALSHI_ACCESS_KEY)
        .ok_or_else(|| unauthorized("token_authentication_failure", "token authentication failure"))?;
    let signature = header(request, &spec::KALSHI_ACCESS_SIGNATURE)
        .ok_or_else(|| unauthorized("signature_is_missing_from_headers", "signature is missing from headers"))?;
    let expired = || unauthorized("header_timestamp_expired", "header timestamp expired");
    let timestamp = header(request, &spec::KALSHI_ACCESS_TIMESTAMP).ok_or_else(expired)?;
    let millis = unix_millis(timestamp).ok_or_else(expired)?;
    let (key, public_key) = {
        let state = state.lock();
        if !state.clock.accepts(millis) {
            return Err(expired());
        }
        state.account.key(key_id).ok_or_else(|| authentication_error("NOT_FOUND"))?
    };

    // The path as it came; the URI holds no other.
    let text = [timestamp, request.method.as_str(), request.uri.path()].concat();
    let signature = STANDARD.decode(signature).unwrap_or_default();
    if !public_key.verify(text.as_bytes(), &signature) {
        return Err(authentication_error("INCORRECT_API_KEY_SIGNATURE"));
    }
    Ok(key)
}

/// Whether a key may do this. A child scope such as `write::trade` grants none of the four operations.
pub(super) fn authorize(key: &ApiKey, operation: Operation) -> Result<(), Refusal> {
    if key.fcm_subtrader_id.is_some() {
        return Err(Refusal::forbidden("fcm_subtrader_key", "a key bound to an FCM subtrader has no REST access"));
    }
    let scope = operation.scope();
    if !key.scopes.contains(&scope) {
        return Err(Refusal::forbidden("insufficient_scope", format!("the key lacks the scope {scope}")));
    }
    Ok(())
}

/// A header's value. One that is empty, or no text, counts as absent.
fn header<'a>(request: &'a Parts, name: &HeaderName) -> Option<&'a str> {
    request.headers.get(name).and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty())
}

/// Digits and nothing else; parsing alone would take a `+`.
fn unix_millis(timestamp: &str) -> Option<u64> {
    timestamp.parse().ok().filter(|_| timestamp.bytes().all(|b| b.is_ascii_digit()))
}

fn unauthorized(code: &'static str, message: &str) -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, code, message)
}

fn authentication_error(details: &'static str) -> Refusal {
    unauthorized("authentication_error", "authentication_error").with_details(details)
}
