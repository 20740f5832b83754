//! Where the generated client and the signer meet: sign on the way out, make every error body canonical on the way in.

use std::time::UNIX_EPOCH;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use progenitor_client::{ClientHooks, ClientInfo as _, Error, OperationInfo};
use reqwest::{Request, Response, Url};

use crate::client::Signing;
use crate::response::{NotFromService, read_limited, with_body};
use crate::types::ErrorResponse;
use crate::{Client, Signer, error, error_body, spec};

/// The most that is read of a success, in bytes: tens of thousands of keys.
const MAX_SUCCESS: usize = 4 * 1024 * 1024;
/// The most that is read of an error, in bytes.
const MAX_ERROR: usize = 64 * 1024;

/// A `Date` header counts whole seconds.
const DATE_RESOLUTION_MS: i64 = 1000;

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("kalshi-api-keys/", env!("CARGO_PKG_VERSION")));

impl ClientHooks<Signing> for Client {
    async fn pre<E>(&self, request: &mut Request, _: &OperationInfo) -> Result<(), Error<E>> {
        let Signing { signer, base } = self.inner();
        let base = base.as_ref().map_err(|reason| Error::InvalidRequest(reason.to_string()))?;
        if !is_below(base, request.url()) {
            return Err(Error::InvalidRequest(
                "the request leaves the client's base URL, so it was not signed".to_owned(),
            ));
        }
        // The generator adds it; the service does not document it.
        request.headers_mut().remove("api-version");
        request.headers_mut().entry(header::USER_AGENT).or_insert(USER_AGENT);
        signer.sign(request).map_err(|e| Error::Custom(e.to_string()))
    }

    /// Sends the request; and once more with the right time when the service refused nothing but the timestamp. That is
    /// safe for every operation: the service looks at the timestamp before it does anything.
    async fn exec(&self, request: Request, _: &OperationInfo) -> reqwest::Result<Response> {
        let again = request.try_clone();
        let answer = send(self.client(), request).await?;
        match again.and_then(|again| resign_with_server_time(again, &answer, self.signer())) {
            Some(again) => send(self.client(), again).await.map(Answer::into_response),
            None => Ok(answer.into_response()),
        }
    }
}

/// An answer, read whole; when it is an error, with its canonical reason.
struct Answer {
    head: Response,
    body: Bytes,
    reason: Option<ErrorResponse>,
}

impl Answer {
    fn into_response(mut self) -> Response {
        let status = self.head.status();
        let body = match self.reason {
            Some(reason) => serde_json::to_vec(&reason).unwrap_or_default().into(),
            None => {
                if status.is_client_error() || status.is_server_error() {
                    self.head.extensions_mut().insert(NotFromService);
                }
                self.body
            }
        };
        with_body(self.head, body)
    }
}

async fn send(client: &reqwest::Client, request: Request) -> reqwest::Result<Answer> {
    let answer = client.execute(request).await?;
    let is_error = answer.status().is_client_error() || answer.status().is_server_error();
    let (head, body) = read_limited(answer, if is_error { MAX_ERROR } else { MAX_SUCCESS }).await;
    let reason = is_error.then(|| error_body::parse(&body)).flatten();
    Ok(Answer { head, body, reason })
}

/// The request signed anew, when the answer refused its timestamp and says what time it is.
fn resign_with_server_time(mut request: Request, answer: &Answer, signer: &Signer) -> Option<Request> {
    let code = answer.reason.as_ref()?.code.as_deref();
    let refused = answer.head.status() == StatusCode::UNAUTHORIZED && code == Some("header_timestamp_expired");
    let refused_ms = request.headers().get(spec::KALSHI_ACCESS_TIMESTAMP)?.to_str().ok()?.parse().ok()?;
    let date = error::date(answer.head.headers())?.duration_since(UNIX_EPOCH).ok()?;
    let date_ms = i64::try_from(date.as_millis()).ok()?;
    // A date is cut off to whole seconds: on average, half of one has passed since.
    let service_ms = date_ms + DATE_RESOLUTION_MS / 2;
    let retry = refused && signer.correct_clock(refused_ms, service_ms, DATE_RESOLUTION_MS);
    (retry && signer.sign(&mut request).is_ok()).then_some(request)
}

/// Whether a URL has the base's origin, and a path below the base's.
fn is_below(base: &Url, url: &Url) -> bool {
    let below = url.path().strip_prefix(base.path().trim_end_matches('/'));
    base.origin() == url.origin() && below.is_some_and(|rest| rest.starts_with('/'))
}
