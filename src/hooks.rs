//! What every call of an operation passes: its request is signed, its response read whole and
//! bounded, its error body normalized; its span and its errors name it.

use std::time::Instant;

use http::{HeaderValue, StatusCode, header};
use progenitor_client::{ClientHooks, ClientInfo as _, Error, OperationInfo, ResponseValue};
use reqwest::{Request, Response, Url};

use crate::asked::Asked;
use crate::client::Signing;
use crate::response::{NotFromService, not_signed, read_limited, with_body};
use crate::signer::refuses_timestamp;
use crate::text::printable;
use crate::types::ErrorResponse;
use crate::{Client, Environment, Operation, SignError, Signer, error_body};

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
        let call = crate::telemetry::instrument(self.environment(), operation, call);
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
