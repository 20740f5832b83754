//! Reads response bodies, up to a size limit, before they are parsed. Because a body may contain a
//! private key, a body that cannot be parsed is returned to the caller and never printed.

use std::sync::Arc;

use bytes::Bytes;
use progenitor_client::{Error, ResponseValue};
use reqwest::{Response, ResponseBuilderExt as _};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::SignError;

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
