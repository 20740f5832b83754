//! What every request passes: it is signed, its response is read once and bounded, and it is sent
//! once more if nothing but its timestamp was rejected.
//!
//! Because a body may contain a private key, one that cannot be parsed is returned to the caller
//! and never printed.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use progenitor_client::{ClientHooks, ClientInfo as _, Error, OperationInfo, ResponseValue};
use reqwest::{Request, Response, ResponseBuilderExt as _, Url};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::asked::Asked;
use super::{Signing, error_body};
use crate::signer::refuses_timestamp;
use crate::text::printable;
use crate::types::ErrorResponse;
use crate::{Client, Environment, Operation, SignError, Signer};

/// The largest success body that is read, in bytes: tens of thousands of keys.
const MAX_SUCCESS: usize = 4 * 1024 * 1024;
/// The largest error body that is read, in bytes.
const MAX_ERROR: usize = 64 * 1024;

const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("kalshi-api-keys/", env!("CARGO_PKG_VERSION")));

impl ClientHooks<Signing> for Client {
    async fn pre<E>(&self, request: &mut Request, _: &OperationInfo) -> Result<(), Error<E>> {
        // Added by the generator, and not documented by the service.
        request.headers_mut().remove("api-version");
        self.prepare(request).await
    }

    async fn exec(&self, request: Request, _: &OperationInfo) -> reqwest::Result<Response> {
        Ok(normalize(self.send(request).await?).await)
    }
}

impl Client {
    /// Runs a call of `operation`.
    pub(crate) async fn call<T>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<ResponseValue<T>, Error<ErrorResponse>>>,
    ) -> Result<ResponseValue<T>, crate::Error> {
        let call = async {
            call.await
                .map_err(|error| self.name_asked(crate::Error::new(Some(operation), error)))
        };
        #[cfg(feature = "tracing")]
        let call = crate::client::telemetry::instrument(self.environment(), operation, call);
        call.await
    }

    /// Adds the environment of this client to an error.
    pub(crate) fn name_asked(&self, error: crate::Error) -> crate::Error {
        let by_default = self.inner().environment_by_default;
        let asked = Asked::new(self.environment(), by_default, &error);
        error.with_asked(asked)
    }

    /// Signs a request, unless it leaves the base URL: a signature covers no host, so it would be
    /// valid at the service.
    pub(crate) async fn prepare<E>(&self, request: &mut Request) -> Result<(), Error<E>> {
        check_url(self.environment(), request.url()).map_err(Error::InvalidRequest)?;
        request
            .headers_mut()
            .entry(header::USER_AGENT)
            .or_insert(USER_AGENT);
        sign(self.signer(), request).await.map_err(not_signed)
    }

    /// Sends a signed request, and once more with a corrected clock if nothing but its timestamp
    /// was refused. That is safe for every method, because the service checks the timestamp first.
    /// Both attempts share one deadline.
    pub(crate) async fn send(&self, mut request: Request) -> reqwest::Result<Response> {
        let started = Instant::now();
        let timeout = *request.timeout_mut().get_or_insert(self.inner().timeout);
        let retry = request.try_clone();
        let (first, refuses_timestamp) = attempt(self.client(), request).await?;
        let Some(mut retry) = retry.filter(|_| refuses_timestamp) else {
            return Ok(first);
        };
        let Some(corrected) = self.signer().corrected(retry.headers(), first.headers()) else {
            return Ok(first);
        };
        let remaining = || timeout.saturating_sub(started.elapsed());
        let signed = tokio::time::timeout(remaining(), sign(&corrected, &mut retry)).await;
        if !matches!(signed, Ok(Ok(()))) || remaining().is_zero() {
            return Ok(first);
        }
        *retry.timeout_mut() = Some(remaining());
        let (second, _) = attempt(self.client(), retry).await?;
        // Anything else may come from a gateway, and prove nothing.
        if second.status().is_success() {
            self.signer().adopt_clock(&corrected);
        }
        Ok(second)
    }
}

async fn sign(signer: &Signer, request: &mut Request) -> Result<(), SignError> {
    let unsigned = signer.prepare(request.method(), request.url().path())?;
    unsigned
        .sign_with_timeout()
        .await?
        .insert_into(request.headers_mut());
    Ok(())
}

/// Returns the response, whose body is unread unless its status is 401, and whether it refuses the
/// timestamp.
async fn attempt(client: &reqwest::Client, request: Request) -> reqwest::Result<(Response, bool)> {
    let response = client.execute(request).await?;
    if response.status() != StatusCode::UNAUTHORIZED {
        return Ok((response, false));
    }
    let (head, body) = read_limited(response, MAX_ERROR).await;
    let refuses_timestamp = refuses_timestamp(head.status(), &body);
    Ok((with_body(head, body), refuses_timestamp))
}

/// Reads a response whole. The body of an error that the service wrote becomes the JSON of an
/// [`ErrorResponse`](crate::types::ErrorResponse); any other is kept, and marked.
async fn normalize(response: Response) -> Response {
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    let (mut head, body) =
        read_limited(response, if is_error { MAX_ERROR } else { MAX_SUCCESS }).await;
    if !is_error {
        return with_body(head, body);
    }
    let Some(error) = error_body::parse(&body) else {
        head.extensions_mut().insert(NotFromService);
        return with_body(head, body);
    };
    // Strings always serialize.
    with_body(head, serde_json::to_vec(&error).unwrap_or_default().into())
}

/// Rejects a URL that is not below the base URL of the environment, and one whose path was not
/// relative to it. Returns the reason.
fn check_url(environment: &Environment, url: &Url) -> Result<(), String> {
    let base = environment.base_url();
    let base_path = base.path().trim_end_matches('/');
    let Some(given) = url
        .path()
        .strip_prefix(base_path)
        .filter(|_| base.origin() == url.origin())
    else {
        return Err("the URL is not below the client's base URL; correct the path".to_owned());
    };
    let meant = environment
        .corrected_path(given)
        .unwrap_or_else(|| given.to_owned());
    if meant == url.path() {
        return Ok(());
    }
    let relative = meant.strip_prefix(base_path).unwrap_or(&meant);
    let what = if given.starts_with('/') {
        "repeats that of"
    } else {
        "is not below"
    };
    Err(format!(
        "the path \"{}\" {what} the base URL {base}; it should be \"{}\"",
        printable(given),
        printable(relative)
    ))
}

// ---- reading a response ----

/// The reason that a response body is incomplete, stored in the extensions of the response.
#[derive(Clone, Debug)]
pub(crate) enum Truncated {
    /// The connection failed, or a timeout expired.
    Broken(Arc<reqwest::Error>),
    /// The body exceeds the size limit.
    TooLarge,
}

/// Marks an error response whose body is not in the service's error format.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotFromService;

/// Carries the reason that a request was not signed from the hooks to [`Error`](crate::Error). The
/// generator's errors have no variant with a cause, except around a response.
pub(crate) fn not_signed<E>(reason: SignError) -> Error<E> {
    let mut response = http::Response::new(Bytes::new());
    response.extensions_mut().insert(Arc::new(reason));
    Error::UnexpectedResponse(response.into())
}

/// Reads at most `limit` bytes of the body. Returns the response, whose body is consumed, and the
/// body, whose memory is zeroized when its last reference is dropped. If the body is incomplete,
/// the extensions of the response contain [`Truncated`].
pub(crate) async fn read_limited(mut response: Response, limit: usize) -> (Response, Bytes) {
    let mut body = Zeroizing::new(Vec::new());
    let truncated = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let remaining = limit - body.len();
                append(&mut body, &chunk[..chunk.len().min(remaining)]);
                if chunk.len() > remaining {
                    break Some(Truncated::TooLarge);
                }
            }
            Ok(None) => break None,
            Err(error) => break Some(Truncated::Broken(Arc::new(error))),
        }
    };
    if let Some(truncated) = truncated {
        response.extensions_mut().insert(truncated);
    }
    (response, Bytes::from_owner(body))
}

/// Appends `chunk` to `body` without leaving a copy in freed memory, as `Vec::extend` would when it
/// reallocates.
fn append(body: &mut Zeroizing<Vec<u8>>, chunk: &[u8]) {
    if body.capacity() - body.len() < chunk.len() {
        let mut larger = Zeroizing::new(Vec::with_capacity(
            (body.len() + chunk.len()).max(2 * body.capacity()),
        ));
        larger.extend_from_slice(body);
        *body = larger;
    }
    body.extend_from_slice(chunk);
}

/// Returns the response with its body replaced.
pub(crate) fn with_body(mut original: Response, body: Bytes) -> Response {
    let built = http::Response::builder()
        .url(original.url().clone())
        .body(body);
    // The builder only fails on invalid headers or statuses, and none are set.
    let mut response = built.expect("no header or status was set");
    *response.status_mut() = original.status();
    *response.version_mut() = original.version();
    *response.headers_mut() = std::mem::take(original.headers_mut());
    response
        .extensions_mut()
        .extend(std::mem::take(original.extensions_mut()));
    Response::from(response)
}

/// Parses the body of a response. Replaces [`ResponseValue::from_response`], whose error prints the
/// body and which discards a truncated body. A response that cannot be parsed is returned as
/// [`Error::UnexpectedResponse`], with the received part of its body.
pub(crate) async fn read<T: DeserializeOwned, E>(
    response: Response,
) -> Result<ResponseValue<T>, Error<E>> {
    // The body was already read, with a limit, and is in memory.
    let (mut head, body) = read_limited(response, usize::MAX).await;
    // The parser's error is discarded, because it may quote the body.
    if head.extensions().get::<NotFromService>().is_none()
        && let Ok(value) = serde_json::from_slice(&body)
    {
        return Ok(ResponseValue::new(
            value,
            head.status(),
            std::mem::take(head.headers_mut()),
        ));
    }
    if body.is_empty()
        && let Some(Truncated::Broken(error)) = head.extensions_mut().remove()
        && let Some(error) = Arc::into_inner(error)
    {
        return Err(Error::ResponseBodyError(error));
    }
    Err(Error::UnexpectedResponse(with_body(head, body)))
}
