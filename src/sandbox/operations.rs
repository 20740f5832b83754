//! The four operations, on axum, and what every request of them passes first.

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

use super::authentication::{authenticate, authorize};
use super::new_key::{Members, NewKey, subtrader_id};
use super::public_key::PublicKey;
use super::refusal::{Refusal, json};
use super::state::Shared;
use crate::KeyPair;
use crate::types::{ApiKeyScope, ApiKeyType, CreateApiKeyResponse, GetApiKeysResponse};

/// The most that is read of a request, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// An operation of the spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    GetApiKeys,
    CreateApiKey,
    GenerateApiKey,
    DeleteApiKey,
}

impl Operation {
    pub(super) fn from_id(operation_id: &str) -> Option<Self> {
        match operation_id {
            "getApiKeys" => Some(Self::GetApiKeys),
            "createApiKey" => Some(Self::CreateApiKey),
            "generateApiKey" => Some(Self::GenerateApiKey),
            "deleteApiKey" => Some(Self::DeleteApiKey),
            _ => None,
        }
    }

    /// The scope that a key needs for it.
    pub(super) fn scope(self) -> ApiKeyScope {
        match self {
            Self::GetApiKeys => ApiKeyScope::Read,
            Self::CreateApiKey | Self::GenerateApiKey | Self::DeleteApiKey => ApiKeyScope::Write,
        }
    }
}

/// The operations below a path such as `/trade-api/v2`.
pub(super) fn router(base: &str, state: &Shared) -> Router {
    let operation = |operation: Operation, route: MethodRouter<Shared>| {
        route.route_layer(from_fn_with_state((operation, state.clone()), pass))
    };
    let path = |rest: &str| format!("{base}{rest}");
    let list = operation(Operation::GetApiKeys, get(list));
    let create = operation(Operation::CreateApiKey, post(create));
    Router::new()
        .route(&path("/api_keys"), list.merge(create))
        .route(&path("/api_keys/generate"), operation(Operation::GenerateApiKey, post(generate)))
        .route(&path("/api_keys/{api_key}"), operation(Operation::DeleteApiKey, delete(delete_key)))
        .route(&path("/api_keys/"), operation(Operation::DeleteApiKey, delete(delete_nothing)))
        .method_not_allowed_fallback(no_such_method)
        .fallback(no_such_path)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(state.clone())
}

/// Takes the fault that waits for this operation, then asks who is there. The fault travels on in the answer, to be
/// carried out on the connection.
async fn pass(State((operation, state)): State<(Operation, Shared)>, request: Request, next: Next) -> Response {
    let fault = state.lock().faults.take(operation);
    let mut answer = match &fault {
        Some(fault) if fault.precedes_processing() => Response::default(),
        _ => process(operation, &state, request, next).await.unwrap_or_else(Refusal::into_response),
    };
    if let Some(fault) = fault {
        answer.extensions_mut().insert(fault);
    }
    answer
}

async fn process(operation: Operation, state: &Shared, request: Request, next: Next) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let key = authenticate(state, &parts)?;
    authorize(&key, operation)?;
    Ok(next.run(Request::from_parts(parts, body)).await)
}

async fn list(State(state): State<Shared>, uri: Uri) -> Result<Response, Refusal> {
    let query = uri.query().unwrap_or_default().as_bytes();
    let wanted = form_urlencoded::parse(query).find(|(name, _)| name == "fcm_subtrader_id").map(|(_, id)| id);
    let wanted = wanted.as_deref().map(subtrader_id).transpose()?;
    let state = state.lock();
    let keys = state.account.keys().filter(|key| wanted.is_none() || key.fcm_subtrader_id.as_deref() == wanted);
    let response = GetApiKeysResponse::builder()
        .api_keys(keys.cloned().collect::<Vec<_>>())
        .api_key_region_expiration_ts(state.account.region_expiration);
    let response = GetApiKeysResponse::try_from(response).map_err(|_| Refusal::internal())?;
    Ok(json(StatusCode::OK, &response))
}

type Body = Result<Bytes, BytesRejection>;

async fn create(State(state): State<Shared>, headers: HeaderMap, body: Body) -> Result<Response, Refusal> {
    let members = Members::read(&headers, &whole(body)?)?;
    let key = NewKey::read(&members)?;
    let public_key = members.public_key()?;

    let mut state = state.lock();
    state.account.check_tier()?;
    state.account.check_subtrader(&key)?;
    let api_key_id = state.account.add(key, public_key)?;
    let response = CreateApiKeyResponse::builder().api_key_id(api_key_id).warning(state.account.warning.clone());
    let response = CreateApiKeyResponse::try_from(response).map_err(|_| Refusal::internal())?;
    Ok(json(StatusCode::CREATED, &response))
}

async fn generate(State(state): State<Shared>, headers: HeaderMap, body: Body) -> Result<Response, Refusal> {
    let members = Members::read(&headers, &whole(body)?)?;
    let key = NewKey::read(&members)?;
    let key_type = members.key_type()?;
    state.lock().account.check_subtrader(&key)?;

    let pair = tokio::task::spawn_blocking(move || KeyPair::generate(key_type)).await;
    let pair = pair.ok().and_then(Result::ok).ok_or_else(Refusal::internal)?;
    let public_key = pair.public_key_pem().map_err(|_| Refusal::internal())?;
    let public_key = PublicKey::from_pem(&public_key).map_err(|_| Refusal::internal())?;
    let private_key = pair.private_key_pem().map_err(|_| Refusal::internal())?;

    let mut state = state.lock();
    let api_key_id = state.account.add(key, public_key)?;
    // By hand: what holds a private key is no `Serialize`, and this is the one place that sends one.
    let mut answer = json!({ "api_key_id": api_key_id, "private_key": private_key.expose_secret(), "key_type": ApiKeyType::from(key_type) });
    if let Some(warning) = &state.account.warning {
        answer["warning"] = warning.as_str().into();
    }
    Ok(json(StatusCode::CREATED, &answer))
}

async fn delete_key(State(state): State<Shared>, id: Result<Path<String>, PathRejection>) -> Result<Response, Refusal> {
    let Path(id) = id.map_err(|_| Refusal::invalid("the API key ID is not percent-encoded UTF-8"))?;
    if state.lock().account.delete(&id) {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(Refusal::new(StatusCode::NOT_FOUND, "api_key_not_found", "the account has no such API key"))
    }
}

async fn delete_nothing() -> Refusal {
    Refusal::invalid("the path holds no API key ID")
}

async fn no_such_path() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "not_found", "no operation has this path")
}

async fn no_such_method() -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "no operation of this path has this method")
}

fn whole(body: Body) -> Result<Bytes, Refusal> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "the body is larger than 64 KiB")
        }
        _ => Refusal::invalid("the body did not arrive whole"),
    })
}
