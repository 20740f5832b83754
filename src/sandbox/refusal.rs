//! Answers in JSON, and the one shape of those that refuse.

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Why a request is refused: `{"error":{"code":…,"message":…}}`, as recorded from the service.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Refusal {
    #[serde(skip)]
    status: StatusCode,
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'static str>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), details: None }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_parameters", message)
    }

    pub(super) fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    pub(super) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "internal error")
    }

    pub(super) fn with_details(self, details: &'static str) -> Self {
        Self { details: Some(details), ..self }
    }

    /// The body alone.
    pub(super) fn body(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Nested<'a> {
            error: &'a Refusal,
        }
        #[derive(Serialize)]
        struct Flat<'a> {
            code: &'a str,
            message: &'a str,
        }
        match self.code {
            // The one code that was recorded flat.
            "invalid_content_type" => bytes(&Flat { code: self.code, message: &self.message }),
            _ => bytes(&Nested { error: self }),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, [(CONTENT_TYPE, JSON)], self.body()).into_response()
    }
}

pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    (status, [(CONTENT_TYPE, JSON)], bytes(body)).into_response()
}

fn bytes(body: &impl Serialize) -> Vec<u8> {
    // Strings, numbers and lists of them always serialise.
    serde_json::to_vec(body).unwrap_or_default()
}
