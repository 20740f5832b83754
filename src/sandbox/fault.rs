//! What can go wrong between a client and the service, on demand.

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

use super::operations::Operation;
use super::refusal::Refusal;

/// How one request goes wrong: see [`Sandbox::fail_next`](super::Sandbox::fail_next).
///
/// *Processed* means handled as always: refused when it is not well signed, carried out when it is.
#[derive(Clone)]
#[non_exhaustive]
pub enum Fault {
    /// Not processed, but answered, as by a load balancer.
    Answer {
        /// The status; a number that is none answers 500.
        status: u16,
        /// The content type; none is sent when it is empty.
        content_type: String,
        /// The body.
        body: Vec<u8>,
    },
    /// Not processed: the connection is closed without an answer.
    LoseRequest,
    /// Processed, then the connection is closed before the first byte of the answer.
    LoseAnswer,
    /// Processed and answered, until the connection is closed in the middle of the body: the headers, with the full
    /// `Content-Length`, have arrived. An answer that is no longer arrives whole.
    CutAnswer {
        /// How many bytes of the body arrive.
        after: usize,
    },
    /// Processed, and answered with another status; a number that is none answers 500.
    ReplaceStatus(u16),
    /// Processed, and answered with another body.
    ReplaceBody(Vec<u8>),
    /// Processed, and answered that much later.
    Delay(Duration),
    /// Processed, and answered with one header more, other or less, such as no `Date`, or a `Retry-After`.
    Header {
        /// The header's name.
        name: HeaderName,
        /// Its value; `None` removes it.
        value: Option<HeaderValue>,
    },
}

impl Fault {
    /// The service's own failure: 500, not processed.
    pub fn internal_error() -> Self {
        Self::answer(500, "application/json", Refusal::internal().body())
    }

    /// An [`Answer`](Self::Answer).
    pub fn answer(status: u16, content_type: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self::Answer { status, content_type: content_type.into(), body: body.into() }
    }

    pub(super) fn precedes_processing(&self) -> bool {
        matches!(self, Self::Answer { .. } | Self::LoseRequest)
    }

    /// Carries it out on an answer.
    pub(super) async fn spoil(self, mut answer: Response) -> Result<Response, Lost> {
        match self {
            Self::LoseRequest | Self::LoseAnswer => return Err(Lost),
            Self::Answer { status, content_type, body } => {
                *answer.status_mut() = status_code(status);
                if let Some(value) = HeaderValue::try_from(content_type).ok().filter(|value| !value.is_empty()) {
                    answer.headers_mut().insert(CONTENT_TYPE, value);
                }
                replace_body(&mut answer, body.into());
            }
            Self::CutAnswer { after } => {
                let (head, body) = answer.into_parts();
                let mut body = axum::body::to_bytes(body, usize::MAX).await.map_err(|_| Lost)?;
                let length = body.len();
                answer = Response::from_parts(head, Body::empty());
                if after < length {
                    body.truncate(after);
                    replace_body(&mut answer, Body::new(Cut { arrives: body, flushed: false }));
                    answer.headers_mut().insert(CONTENT_LENGTH, length.into());
                } else {
                    replace_body(&mut answer, body.into());
                }
            }
            Self::ReplaceStatus(status) => *answer.status_mut() = status_code(status),
            Self::ReplaceBody(body) => replace_body(&mut answer, body.into()),
            Self::Delay(delay) => tokio::time::sleep(delay).await,
            Self::Header { name, value: Some(value) } => {
                answer.headers_mut().insert(name, value);
            }
            Self::Header { name, value: None } => {
                answer.headers_mut().remove(name);
            }
        }
        Ok(answer)
    }
}

/// Without the bodies, which may hold a private key.
impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer { status, content_type, .. } => {
                let mut shown = f.debug_struct("Answer");
                shown.field("status", status).field("content_type", content_type).finish_non_exhaustive()
            }
            Self::LoseRequest => f.write_str("LoseRequest"),
            Self::LoseAnswer => f.write_str("LoseAnswer"),
            Self::CutAnswer { after } => f.debug_struct("CutAnswer").field("after", after).finish(),
            Self::ReplaceStatus(status) => f.debug_tuple("ReplaceStatus").field(status).finish(),
            Self::ReplaceBody(_) => f.debug_tuple("ReplaceBody").finish_non_exhaustive(),
            Self::Delay(delay) => f.debug_tuple("Delay").field(delay).finish(),
            Self::Header { name, value } => f.debug_struct("Header").field("name", name).field("value", value).finish(),
        }
    }
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn replace_body(answer: &mut Response, body: Body) {
    // That of the old body.
    answer.headers_mut().remove(CONTENT_LENGTH);
    *answer.body_mut() = body;
}

/// The beginning of a body, and then the end of the connection.
struct Cut {
    arrives: Bytes,
    flushed: bool,
}

impl hyper::body::Body for Cut {
    type Data = Bytes;
    type Error = Lost;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Lost>>> {
        if !self.arrives.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.arrives)))));
        }
        if !self.flushed {
            // On an error hyper drops what it has not sent; it sends whenever a body keeps it waiting.
            self.flushed = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(Lost)))
    }
}

/// No answer: hyper closes the connection.
#[derive(Debug, thiserror::Error)]
#[error("the answer is lost on purpose")]
pub(super) struct Lost;

/// The faults that wait for a request.
#[derive(Default)]
pub(super) struct Faults(Vec<(Option<Operation>, Fault)>);

impl Faults {
    pub(super) fn push(&mut self, operation: Option<Operation>, fault: Fault) {
        self.0.push((operation, fault));
    }

    /// The first that is meant for this operation, or for any.
    pub(super) fn take(&mut self, operation: Operation) -> Option<Fault> {
        let at = self.0.iter().position(|(meant, _)| meant.is_none_or(|meant| meant == operation))?;
        Some(self.0.remove(at).1)
    }
}

/// The spec has no such operation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no operation; they are getApiKeys, createApiKey, generateApiKey and deleteApiKey")]
pub struct UnknownOperation(String);

impl UnknownOperation {
    pub(super) fn new(operation_id: &str) -> Self {
        Self(operation_id.to_owned())
    }
}
