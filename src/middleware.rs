//! Where the generated client and the signer meet: sign on the way out, make every error body canonical on the way in.

use http::{HeaderValue, header};
use progenitor_client::{ClientHooks, ClientInfo as _, Error, OperationInfo};
use reqwest::{Request, Response, Url};

use crate::response::{gather, with_body};
use crate::{Client, Signer, error_body};

/// The most that is read of a success, in bytes: tens of thousands of keys.
const MAX_SUCCESS: usize = 4 * 1024 * 1024;
/// The most that is read of an error, in bytes.
const MAX_ERROR: usize = 64 * 1024;

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("kalshi-api-keys/", env!("CARGO_PKG_VERSION")));

impl ClientHooks<Signer> for Client {
    async fn pre<E>(&self, request: &mut Request, _: &OperationInfo) -> Result<(), Error<E>> {
        let base =
            Url::parse(self.baseurl()).map_err(|e| Error::InvalidRequest(format!("the base URL is no URL: {e}")))?;
        if !is_below(&base, request.url()) {
            return Err(Error::InvalidRequest(
                "the request leaves the client's base URL, so it was not signed".to_owned(),
            ));
        }
        // The generator adds it; the service does not document it.
        request.headers_mut().remove("api-version");
        request.headers_mut().entry(header::USER_AGENT).or_insert(USER_AGENT);
        self.inner().sign(request).map_err(|e| Error::Custom(e.to_string()))
    }

    async fn exec(&self, request: Request, _: &OperationInfo) -> reqwest::Result<Response> {
        let response = self.client().execute(request).await?;
        if response.status().is_client_error() || response.status().is_server_error() {
            let (response, body) = gather(response, MAX_ERROR).await;
            let canonical = serde_json::to_vec(&error_body::canonical(&body)).unwrap_or_default();
            Ok(with_body(&response, canonical.into()))
        } else {
            let (response, body) = gather(response, MAX_SUCCESS).await;
            Ok(with_body(&response, body))
        }
    }
}

/// Whether a URL has the base's origin, and a path below the base's.
fn is_below(base: &Url, url: &Url) -> bool {
    let below = url.path().strip_prefix(base.path().trim_end_matches('/'));
    base.origin() == url.origin() && below.is_some_and(|rest| rest.starts_with('/'))
}
