//! Spans of the operations, with the attribute names of OpenTelemetry's HTTP conventions. Bodies, headers and key
//! material are never recorded.

use std::future::Future;

use progenitor_client::OperationInfo;
use reqwest::{Request, Response};
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::response::Truncated;
use crate::{Environment, spec};

/// Returns the span of an operation, named as OpenTelemetry names the spans of HTTP clients: method and URL template.
pub(crate) fn span(environment: &Environment, request: &Request, operation: &OperationInfo) -> Span {
    let method = request.method();
    let url = environment.base_url();
    let (base, template) = (url.path().trim_end_matches('/'), spec::url_template(operation.operation_id));
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
    match &result {
        Ok(response) => {
            let status = response.status();
            span.record("http.response.status_code", status.as_u16());
            if response.extensions().get::<Truncated>().is_some() {
                span.record("error.type", "truncated_body");
            } else if status.is_client_error() || status.is_server_error() {
                span.record("error.type", status.as_str());
            }
        }
        Err(error) => {
            let kind = match error {
                error if error.is_timeout() => "timeout",
                error if error.is_connect() => "connection_failed",
                _ => "request_failed",
            };
            span.record("error.type", kind);
        }
    }
    result
}
