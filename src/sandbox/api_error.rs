//! JSON responses, and the body shared by all error responses.

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

const APPLICATION_JSON: HeaderValue = HeaderValue::from_static("application/json");

/// An error response: `{"error":{"code":…,"message":…}}`, as recorded from the service.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ApiError {
    #[serde(skip)]
    status: StatusCode,
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'static str>,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            details: None,
        }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_parameters", message)
    }

    pub(super) fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    pub(super) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_server_error",
            "internal server error",
        )
    }

    pub(super) fn with_details(self, details: &'static str) -> Self {
        Self {
            details: Some(details),
            ..self
        }
    }

    /// Serializes the body.
    pub(super) fn body(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Nested<'a> {
            error: &'a ApiError,
        }
        match self.code {
            // The only code recorded without the enclosing `error` object.
            "invalid_content_type" => to_json(self),
            _ => to_json(&Nested { error: self }),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, [(CONTENT_TYPE, APPLICATION_JSON)], self.body()).into_response()
    }
}

pub(super) fn json_response(status: StatusCode, body: &impl Serialize) -> Response {
    (status, [(CONTENT_TYPE, APPLICATION_JSON)], to_json(body)).into_response()
}

fn to_json(body: &impl Serialize) -> Vec<u8> {
    // Cannot fail: the bodies consist of strings, numbers and lists of them.
    serde_json::to_vec(body).unwrap_or_default()
}
