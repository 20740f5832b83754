//! Authentication and authorization: the three headers, the timestamp, the signature, the scope.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderName, StatusCode};

use super::api_error::ApiError;
use super::operation::Operation;
use super::state::SharedState;
use crate::spec;
use crate::types::ApiKey;

/// Returns the key that signed the request. The error bodies are those recorded from the service,
/// byte for byte.
pub(super) fn authenticate(state: &SharedState, request: &Parts) -> Result<ApiKey, ApiError> {
    let key_id = header(request, &spec::KALSHI_ACCESS_KEY).ok_or_else(|| {
        unauthorized(
            "token_authentication_failure",
            "token authentication failure",
        )
    })?;
    let signature = header(request, &spec::KALSHI_ACCESS_SIGNATURE).ok_or_else(|| {
        unauthorized(
            "signature_is_missing_from_headers",
            "signature is missing from headers",
        )
    })?;
    let expired = || unauthorized("header_timestamp_expired", "header timestamp expired");
    let timestamp = header(request, &spec::KALSHI_ACCESS_TIMESTAMP).ok_or_else(expired)?;
    let millis = parse_timestamp(timestamp).ok_or_else(expired)?;
    let (key, public_key) = {
        let state = state.lock();
        if !state.clock.accepts(millis) {
            return Err(expired());
        }
        state
            .account
            .find(key_id)
            .ok_or_else(|| authentication_error("NOT_FOUND"))?
    };

    // `Uri` keeps the path as it was sent, percent-encoding included.
    let message = [timestamp, request.method.as_str(), request.uri.path()].concat();
    // Undecodable base64 becomes an empty signature, which never verifies.
    let signature = STANDARD.decode(signature).unwrap_or_default();
    if !public_key.verify(message.as_bytes(), &signature) {
        return Err(authentication_error("INCORRECT_API_KEY_SIGNATURE"));
    }
    Ok(key)
}

/// Checks that the key may call the operation. Child scopes such as `write::trade` allow none of
/// the four.
pub(super) fn authorize(
    state: &SharedState,
    key: &ApiKey,
    operation: Operation,
) -> Result<(), ApiError> {
    if key.fcm_subtrader_id.is_some() {
        return Err(ApiError::forbidden(
            "fcm_subtrader_key",
            "a key bound to an FCM subtrader has no REST access",
        ));
    }
    // A sub-account that this version does not know is a restriction, too.
    let has_odd_subaccount = key.unread().any(|member| member == "subaccount");
    if key.subaccount.is_some() || has_odd_subaccount {
        let may_list = state.lock().account.restricted_keys_may_list;
        if operation != Operation::GetApiKeys || !may_list {
            return Err(ApiError::forbidden(
                "api_key_restricted",
                "this API key is restricted to a single sub-account and cannot access this endpoint",
            ));
        }
    }
    let scope = operation.required_scope();
    if !key
        .scopes
        .as_ref()
        .is_some_and(|scopes| scopes.contains(&scope))
    {
        return Err(ApiError::forbidden(
            "insufficient_scope",
            format!("the key lacks the scope {scope}"),
        ));
    }
    Ok(())
}

/// The value of a header. An empty value, or one that is not visible ASCII, counts as missing.
fn header<'a>(request: &'a Parts, name: &HeaderName) -> Option<&'a str> {
    request
        .headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .filter(|value| !value.is_empty())
}

/// Parses Unix milliseconds. Digits only: `u64::from_str` alone would accept a leading `+`.
fn parse_timestamp(timestamp: &str) -> Option<u64> {
    timestamp
        .parse()
        .ok()
        .filter(|_| timestamp.bytes().all(|b| b.is_ascii_digit()))
}

fn unauthorized(code: &'static str, message: &str) -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, code, message)
}

fn authentication_error(details: &'static str) -> ApiError {
    unauthorized("authentication_error", "authentication_error").with_details(details)
}
