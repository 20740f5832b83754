//! Answers, read whole and bounded before anyone looks at them. What has arrived is never lost, and never printed: it
//! may be a private key.

use std::sync::Arc;

use bytes::Bytes;
use progenitor_client::{Error, ResponseValue};
use reqwest::{Response, ResponseBuilderExt as _};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// How the body of an answer ended before it was whole. It stands in the extensions of the answer.
#[derive(Clone, Debug)]
pub(crate) enum Truncated {
    /// The connection broke, or a timeout passed.
    Broken(Arc<reqwest::Error>),
    /// The body is larger than any answer of the service.
    TooLarge,
}

/// Marks an error response whose body is not the service's own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotFromService;

/// Reads the body, at most `limit` bytes of it: the answer, whose body is used up, and the body. One that breaks off is kept
/// as far as it came; [`Truncated`] then says why. Its memory is wiped when the last reference is dropped.
pub(crate) async fn read_limited(mut response: Response, limit: usize) -> (Response, Bytes) {
    let mut body = Zeroizing::new(Vec::new());
    let truncated = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let room = limit - body.len();
                append(&mut body, &chunk[..chunk.len().min(room)]);
                if chunk.len() > room {
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

/// `Vec::extend` would leave a copy behind in the memory that it outgrows.
fn append(body: &mut Zeroizing<Vec<u8>>, more: &[u8]) {
    if body.capacity() - body.len() < more.len() {
        let mut larger = Zeroizing::new(Vec::with_capacity((body.len() + more.len()).max(2 * body.capacity())));
        larger.extend_from_slice(body);
        *body = larger;
    }
    body.extend_from_slice(more);
}

/// An answer with another body.
pub(crate) fn with_body(mut answer: Response, body: Bytes) -> Response {
    let built = http::Response::builder().url(answer.url().clone()).body(body);
    // A builder fails on a header or a status that does not convert, and was given neither.
    let mut other = built.expect("a response without headers");
    *other.status_mut() = answer.status();
    *other.version_mut() = answer.version();
    *other.headers_mut() = std::mem::take(answer.headers_mut());
    other.extensions_mut().extend(std::mem::take(answer.extensions_mut()));
    Response::from(other)
}

/// Takes the place of [`ResponseValue::from_response`], whose error prints the body, and which drops a body that broke
/// off. An answer that cannot be used comes back as [`Error::UnexpectedResponse`]: its status, its headers, and with
/// `bytes()` what arrived.
pub(crate) async fn read<T: DeserializeOwned, E>(answer: Response) -> Result<ResponseValue<T>, Error<E>> {
    // It was gathered already, and is in memory.
    let (mut head, body) = read_limited(answer, usize::MAX).await;
    // The parser's own error may quote the body, so it ends here.
    if head.extensions().get::<NotFromService>().is_none()
        && let Ok(value) = serde_json::from_slice(&body)
    {
        return Ok(ResponseValue::new(value, head.status(), std::mem::take(head.headers_mut())));
    }
    if body.is_empty()
        && let Some(Truncated::Broken(error)) = head.extensions_mut().remove()
        && let Some(error) = Arc::into_inner(error)
    {
        return Err(Error::ResponseBodyError(error));
    }
    Err(Error::UnexpectedResponse(with_body(head, body)))
}
