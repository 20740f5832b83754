//! Spans of the operations, with the attribute names of OpenTelemetry's HTTP conventions. Bodies,
//! headers and key material are never recorded.

use std::future::Future;

use progenitor_client::ResponseValue;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::client::middleware::Truncated;
use crate::{Environment, Error, Operation};

/// Runs the call of an operation in its span, and records how it ended. `otel.name` is what
/// OpenTelemetry calls an HTTP client's span: method and template.
pub(crate) async fn instrument<T>(
    environment: &Environment,
    Operation { method, path, .. }: Operation,
    call: impl Future<Output = Result<ResponseValue<T>, Error>>,
) -> Result<ResponseValue<T>, Error> {
    let url = environment.base_url();
    let base = url.path().trim_end_matches('/');
    let span = tracing::info_span!(
        "http_request",
        "otel.kind" = "client",
        "otel.name" = %format_args!("{method} {base}{path}"),
        "http.request.method" = method,
        "url.template" = %format_args!("{base}{path}"),
        "server.address" = url.host_str(),
        "server.port" = url.port_or_known_default(),
        "http.response.status_code" = Empty,
        "error.type" = Empty,
    );
    let result = call.instrument(span.clone()).await;
    record(&span, &result);
    result
}

fn record<T>(span: &Span, result: &Result<ResponseValue<T>, Error>) {
    let status = match result {
        Ok(response) => Some(response.status()),
        Err(error) => error.status(),
    };
    span.record(
        "http.response.status_code",
        status.map(|status| status.as_u16()),
    );
    let Err(error) = result else { return };
    let error_type = match error {
        Error::InvalidRequest(_) => "invalid_request",
        Error::NotSigned(_) => "not_signed",
        Error::CommunicationError(cause) if cause.is_timeout() => "timeout",
        Error::CommunicationError(cause) if cause.is_connect() => "connection_failed",
        Error::CommunicationError(_) => "request_failed",
        Error::ResponseBodyError(_) => "truncated_body",
        Error::UnexpectedResponse(response)
            if response.extensions().get::<Truncated>().is_some() =>
        {
            "truncated_body"
        }
        _ => match status
            .as_ref()
            .filter(|status| status.is_client_error() || status.is_server_error())
        {
            Some(status) => status.as_str(),
            None => "unexpected_response",
        },
    };
    span.record("error.type", error_type);
}
