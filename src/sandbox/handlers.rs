//! The router, and the handlers of the four operations.

use axum::Router;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, Uri};
use serde_json::json;
use url::form_urlencoded;

use super::api_error::{ApiError, json_response};
use super::authentication::{authenticate, authorize};
use super::generated_key::GeneratedKey;
use super::operation::Operation;
use super::request::{RequestFields, check_subtrader_id};
use super::state::SharedState;
use crate::types::{CreateApiKeyResponse, GetApiKeysResponse};

/// The largest request body accepted, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// Routes the operations below a base path such as `/trade-api/v2`.
pub(super) fn router(base: &str, state: &SharedState) -> Router {
    let operation = |operation: Operation, route: MethodRouter<SharedState>| {
        route.route_layer(from_fn_with_state((operation, state.clone()), handle))
    };
    let path = |rest: &str| format!("{base}{rest}");
    let list = operation(Operation::GetApiKeys, get(get_api_keys));
    let create = operation(Operation::CreateApiKey, post(create_api_key));
    Router::new()
        .route(&path("/api_keys"), list.merge(create))
        .route(
            &path("/api_keys/generate"),
            operation(Operation::GenerateApiKey, post(generate_api_key)),
        )
        .route(
            &path("/api_keys/{api_key}"),
            operation(Operation::DeleteApiKey, delete(delete_api_key)),
        )
        .route(
            &path("/api_keys/"),
            operation(Operation::DeleteApiKey, delete(missing_key_id)),
        )
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(state.clone())
}

/// Takes the next fault queued for the operation, and processes the request unless the fault
/// prevents that. The fault travels in the response's extensions to the connection, because only
/// the connection can be closed.
async fn handle(
    State((operation, state)): State<(Operation, SharedState)>,
    request: Request,
    next: Next,
) -> Response {
    let fault = state.lock().faults.take(operation);
    let mut response = match &fault {
        Some(fault) if fault.prevents_processing() => Response::default(),
        _ => process(operation, &state, request, next)
            .await
            .unwrap_or_else(ApiError::into_response),
    };
    if let Some(fault) = fault {
        response.extensions_mut().insert(fault);
    }
    response
}

async fn process(
    operation: Operation,
    state: &SharedState,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let key = authenticate(state, &parts)?;
    authorize(state, &key, operation)?;
    Ok(next.run(Request::from_parts(parts, body)).await)
}

async fn get_api_keys(State(state): State<SharedState>, uri: Uri) -> Result<Response, ApiError> {
    let query = uri.query().unwrap_or_default().as_bytes();
    let subtrader_id = form_urlencoded::parse(query)
        .find(|(name, _)| name == "fcm_subtrader_id")
        .map(|(_, id)| id);
    let subtrader_id = subtrader_id.as_deref();
    if let Some(id) = subtrader_id {
        check_subtrader_id(id)?;
    }
    let state = state.lock();
    let keys = state
        .account
        .keys()
        .filter(|key| subtrader_id.is_none() || key.fcm_subtrader_id.as_deref() == subtrader_id);
    let response = GetApiKeysResponse::builder()
        .api_keys(keys.cloned().collect::<Vec<_>>())
        .api_key_region_expiration_ts(state.account.region_expiration);
    let response = GetApiKeysResponse::try_from(response).map_err(|_| ApiError::internal())?;
    Ok(json_response(StatusCode::OK, &response))
}

type Body = Result<Bytes, BytesRejection>;

async fn create_api_key(
    State(state): State<SharedState>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let fields = RequestFields::parse(&headers, &accept_body(body)?)?;
    let key = fields.new_key()?;
    let public_key = fields.public_key()?;

    let mut state = state.lock();
    state.account.check_tier()?;
    state.account.check_subtrader(&key)?;
    let response = CreateApiKeyResponse::builder();
    let response = response
        .api_key_id(key.api_key_id.as_str())
        .warning(state.account.warning.clone());
    let response = CreateApiKeyResponse::try_from(response).map_err(|_| ApiError::internal())?;
    state.account.add(key, public_key);
    Ok(json_response(StatusCode::CREATED, &response))
}

async fn generate_api_key(
    State(state): State<SharedState>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let fields = RequestFields::parse(&headers, &accept_body(body)?)?;
    let key = fields.new_key()?;
    let key_type = fields.key_type()?;
    state.lock().account.check_subtrader(&key)?;
    let generated = GeneratedKey::new(key_type.clone())
        .await
        .map_err(|_| ApiError::internal())?;

    // Built by hand: the generated type does not implement `Serialize`, because it holds a private
    // key.
    let mut response = json!({
        "api_key_id": key.api_key_id,
        "private_key": generated.private_key.expose_secret(),
        "key_type": key_type,
    });
    let mut state = state.lock();
    if let Some(warning) = &state.account.warning {
        response["warning"] = warning.as_str().into();
    }
    state.account.add(key, generated.public_key);
    Ok(json_response(StatusCode::CREATED, &response))
}

async fn delete_api_key(
    State(state): State<SharedState>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    let Path(id) = id.map_err(|_| unacceptable_key_id())?;
    if state.lock().account.delete(&id) {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(ApiError::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "api key not found",
        ))
    }
}

async fn missing_key_id() -> ApiError {
    unacceptable_key_id()
}

/// The error for an ID that is missing, or not percent-encoded UTF-8.
fn unacceptable_key_id() -> ApiError {
    ApiError::bad_request("the API key ID is not acceptable")
}

async fn not_found() -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "no operation has this path",
    )
}

async fn method_not_allowed() -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "no operation of this path has this method",
    )
}

fn accept_body(body: Body) -> Result<Bytes, ApiError> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload_too_large",
            "the body is larger than 64 KiB",
        ),
        _ => ApiError::bad_request("the body is incomplete"),
    })
}
