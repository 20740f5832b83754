//! Fault injection: failures between a client and the service, on demand.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};
use hyper::body::Frame;

use super::api_error::ApiError;
use super::operation::Operation;

/// The body of a rate limit, as documented: `error` is a string, unlike in every other error.
const RATE_LIMITED: &str = r#"{"error": "too many requests"}"#;

/// The body of a lapsed attestation, as recorded: the code is the message with underscores.
const ATTESTATION_LAPSED: &str = concat!(
    r#"{"error":{"code":"Your_location_attestation_for_API_trading_is_missing_or_expired._"#,
    r#"Please_verify_your_location_in_the_Kalshi_app_or_website,_and_then_retry.","#,
    r#""message":"Your location attestation for API trading is missing or expired. "#,
    r#"Please verify your location in the Kalshi app or website, and then retry."}}"#,
);

/// A fault to inject into one request, with [`Sandbox::fail_next`](super::Sandbox::fail_next).
///
/// *Processed* means handled as usual: carried out if the request is authenticated and valid,
/// refused otherwise.
///
/// ```
/// use kalshi_api_keys::sandbox::{Fault, Sandbox};
/// use kalshi_api_keys::{Client, types::GenerateApiKeyRequest};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let sandbox = Sandbox::start().await?;
/// let client = Client::new(sandbox.environment(), sandbox.credentials())?;
///
/// sandbox.fail_next(Fault::DropResponse);
/// let request = GenerateApiKeyRequest::builder().name("dashboard").scopes(vec!["read".into()]).key_type("ed25519");
/// assert!(client.generate_api_key().body(request).send().await.is_err());
/// assert_eq!(sandbox.keys().len(), 2, "the root key, and one whose private key is lost");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum Fault {
    /// Does not process the request, but responds to it, as a load balancer would.
    Respond {
        /// The status code, 100 to 999; any other number becomes 500.
        status: u16,
        /// The value of `Content-Type`; if empty or not a valid header value, the header is
        /// omitted.
        content_type: String,
        /// The body.
        body: Vec<u8>,
    },
    /// Closes the connection without processing the request.
    DropRequest,
    /// Processes the request, then closes the connection before the first byte of the response.
    DropResponse,
    /// Processes the request, then closes the connection in the middle of the response body. The
    /// headers arrive, with the `Content-Length` of the whole body.
    TruncateResponse {
        /// How many bytes of the body are sent. A body that is not longer is sent in full.
        after: usize,
    },
    /// Processes the request, and responds with this status code, 100 to 999; any other number
    /// becomes 500.
    ReplaceStatus(u16),
    /// Processes the request, and responds with this body.
    ReplaceBody(Vec<u8>),
    /// Processes the request, and delays the response.
    Delay(Duration),
    /// Processes the request, and sets a header of the response, such as `Retry-After`, in place of
    /// any value it had.
    SetHeader {
        /// The name of the header.
        name: HeaderName,
        /// The value of the header.
        value: HeaderValue,
    },
    /// Processes the request, and removes a header of the response, such as `Date`.
    RemoveHeader(HeaderName),
}

impl Fault {
    /// A failure of the service itself: responds with status 500 and a JSON error, without
    /// processing the request. The body is a guess; none has been recorded.
    pub fn internal_error() -> Self {
        Self::respond(500, "application/json", ApiError::internal().body())
    }

    /// A rate limit: responds with status 429 and the documented body, without `Retry-After`,
    /// without processing the request.
    ///
    /// ```
    /// use kalshi_api_keys::{Client, sandbox::{Fault, Sandbox}};
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// # let sandbox = Sandbox::start().await?;
    /// # let client = Client::new(sandbox.environment(), sandbox.credentials())?;
    /// sandbox.fail_next(Fault::rate_limited());
    /// let error = client.get_api_keys().send().await.unwrap_err();
    /// assert_eq!(error.status().unwrap().as_u16(), 429);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rate_limited() -> Self {
        Self::respond(429, "application/json", RATE_LIMITED)
    }

    /// A lapsed location attestation: responds with status 403 and the recorded body, whose code is
    /// a whole sentence, without processing the request. It was recorded for an order: a lapsed
    /// attestation closes some markets, and is not known to prevent managing keys.
    pub fn attestation_lapsed() -> Self {
        Self::respond(403, "application/json", ATTESTATION_LAPSED)
    }

    /// Creates a [`Fault::Respond`].
    ///
    /// ```
    /// use kalshi_api_keys::{Client, sandbox::{Fault, Sandbox}};
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// # let sandbox = Sandbox::start().await?;
    /// # let client = Client::new(sandbox.environment(), sandbox.credentials())?;
    /// sandbox.fail_next(Fault::respond(503, "text/html", "<h1>Service Unavailable</h1>"));
    /// let error = client.get_api_keys().send().await.unwrap_err();
    /// assert_eq!(error.status().unwrap().as_u16(), 503);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn respond(status: u16, content_type: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self::Respond {
            status,
            content_type: content_type.into(),
            body: body.into(),
        }
    }

    pub(super) fn prevents_processing(&self) -> bool {
        matches!(self, Self::Respond { .. } | Self::DropRequest)
    }

    /// Applies the fault to a response; it starts from an empty one if the fault prevents
    /// processing.
    pub(super) async fn apply(self, mut response: Response) -> Result<Response, ConnectionClosed> {
        match self {
            Self::DropRequest | Self::DropResponse => return Err(ConnectionClosed),
            Self::Respond {
                status,
                content_type,
                body,
            } => {
                *response.status_mut() = status_code(status);
                if let Some(value) = HeaderValue::try_from(content_type)
                    .ok()
                    .filter(|value| !value.is_empty())
                {
                    response.headers_mut().insert(CONTENT_TYPE, value);
                }
                replace_body(&mut response, body.into());
            }
            Self::TruncateResponse { after } => return truncate(response, after).await,
            Self::ReplaceStatus(status) => *response.status_mut() = status_code(status),
            Self::ReplaceBody(body) => replace_body(&mut response, body.into()),
            Self::Delay(delay) => tokio::time::sleep(delay).await,
            Self::SetHeader { name, value } => {
                response.headers_mut().insert(name, value);
            }
            Self::RemoveHeader(name) => {
                response.headers_mut().remove(name);
            }
        }
        Ok(response)
    }
}

/// Omits the bodies, which may contain a private key.
impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Respond {
                status,
                content_type,
                ..
            } => {
                let mut debug = f.debug_struct("Respond");
                debug
                    .field("status", status)
                    .field("content_type", content_type)
                    .finish_non_exhaustive()
            }
            Self::DropRequest => f.write_str("DropRequest"),
            Self::DropResponse => f.write_str("DropResponse"),
            Self::TruncateResponse { after } => f
                .debug_struct("TruncateResponse")
                .field("after", after)
                .finish(),
            Self::ReplaceStatus(status) => f.debug_tuple("ReplaceStatus").field(status).finish(),
            Self::ReplaceBody(_) => f.debug_tuple("ReplaceBody").finish_non_exhaustive(),
            Self::Delay(delay) => f.debug_tuple("Delay").field(delay).finish(),
            Self::SetHeader { name, value } => f
                .debug_struct("SetHeader")
                .field("name", name)
                .field("value", value)
                .finish(),
            Self::RemoveHeader(name) => f.debug_tuple("RemoveHeader").field(name).finish(),
        }
    }
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn replace_body(response: &mut Response, body: Body) {
    // hyper computes the new one.
    response.headers_mut().remove(CONTENT_LENGTH);
    *response.body_mut() = body;
}

async fn truncate(mut response: Response, after: usize) -> Result<Response, ConnectionClosed> {
    let body = std::mem::take(response.body_mut());
    let mut body = axum::body::to_bytes(body, usize::MAX)
        .await
        .map_err(|_| ConnectionClosed)?;
    let length = body.len();
    if after < length {
        body.truncate(after);
        *response.body_mut() = Body::new(TruncatedBody {
            remaining: body,
            flushed: false,
        });
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    } else {
        replace_body(&mut response, body.into());
    }
    Ok(response)
}

/// A body that ends in an error, upon which hyper closes the connection.
struct TruncatedBody {
    remaining: Bytes,
    flushed: bool,
}

impl hyper::body::Body for TruncatedBody {
    type Data = Bytes;
    type Error = ConnectionClosed;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ConnectionClosed>>> {
        if !self.remaining.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.remaining)))));
        }
        if !self.flushed {
            // hyper discards its write buffer on an error, but flushes it whenever a body is
            // pending.
            self.flushed = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(ConnectionClosed)))
    }
}

/// The error that makes hyper close the connection.
#[derive(Debug, thiserror::Error)]
#[error("connection closed by fault injection")]
pub(super) struct ConnectionClosed;

/// The faults waiting for a request, oldest first.
#[derive(Default)]
pub(super) struct FaultQueue(Vec<(Option<Operation>, Fault)>);

impl FaultQueue {
    /// Adds a fault for one operation, or for any if `None`.
    pub(super) fn push(&mut self, operation: Option<Operation>, fault: Fault) {
        self.0.push((operation, fault));
    }

    /// Removes and returns the oldest fault that applies to the operation.
    pub(super) fn take(&mut self, operation: Operation) -> Option<Fault> {
        let index = self
            .0
            .iter()
            .position(|(target, _)| target.is_none_or(|target| target == operation))?;
        Some(self.0.remove(index).1)
    }
}
