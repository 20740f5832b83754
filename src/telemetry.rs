//! Spans of the operations, with the attribute names of OpenTelemetry's HTTP conventions. Bodies, headers and key
//! material are never recorded.

use std::future::Future;

use progenitor_client::OperationInfo;
use reqwest::{Request, Response};
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::response::Truncated;
use crate::{Environment, Operation};

/// Returns the span of an operation. `otel.name` is what OpenTelemetry calls an HTTP client's span: method and template.
pub(crate) fn span(environment: &Environment, request: &Request, operation: &OperationInfo) -> Span {
    let (method, url) = (request.method(), environment.base_url());
    let template = Operation::find(operation.operation_id).map_or("", |operation| operation.path);
    let base = url.path().trim_end_matches('/');
    tracing::info_span!(
        "http_request",
        "otel.kind" = "client",
        "otel.name" = %format_args!("{method} {base}{template}"),
        "http.request.method" = %method,
        "url.template" = %format_args!("{base}{template}"),
        "server.address" = url.host_str(),
        "server.port" = url.port_or_known_default(),
        "http.response.status_code" = Empty,
        "error.type" = Empty,
    )
}

/// Runs `exchange` in the span, and records how it ended.
pub(crate) async fn instrument(
    span: Span,
    exchange: impl Future<Output = reqwest::Result<Response>>,
) -> reqwest::Result<Response> {
    let result = exchange.instrument(span.clone()).await;
    let status = result.as_ref().ok().map(Response::status);
    span.record("http.response.status_code", status.map(|status| status.as_u16()));
    let error_type = match &result {
        Err(error) if error.is_timeout() => Some("timeout"),
        Err(error) if error.is_connect() => Some("connection_failed"),
        Err(_) => Some("request_failed"),
        Ok(response) if response.extensions().get::<Truncated>().is_some() => Some("truncated_body"),
        Ok(_) => status.as_ref().filter(|s| s.is_client_error() || s.is_server_error()).map(|s| s.as_str()),
    };
    span.record("error.type", error_type);
    result
}
