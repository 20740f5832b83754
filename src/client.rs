//! Making a client: a hardened HTTP client, a base URL and a signer.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;

use crate::environment::{self, is_loopback};
use crate::{Client, Credentials, CredentialsError, Environment, EnvironmentError, Signer};

/// How long connecting may take, TLS included.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer may stand still while it is read.
pub const READ_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a request may take as a whole, from connecting to the end of the answer.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Our settings of the HTTP client, to start from when a proxy, other timeouts or another pool are wanted: no
/// redirects, nothing sent twice, and the timeouts [`CONNECT_TIMEOUT`], [`READ_TIMEOUT`] and [`REQUEST_TIMEOUT`].
///
/// ```
/// use std::time::Duration;
/// use kalshi_api_keys::{Client, Credentials, Environment, Signer, http_client_builder};
///
/// # fn client(credentials: Credentials) -> Result<Client, Box<dyn std::error::Error>> {
/// let http = http_client_builder().timeout(Duration::from_secs(5)).build()?;
/// let base_url = Environment::Demo.base_url()?;
/// Ok(Client::new_with_client(base_url.as_str(), http, Signer::new(credentials)))
/// # }
/// ```
pub fn http_client_builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
}

impl Client {
    /// A client for an environment that signs every request with these credentials, over an HTTP client with the
    /// settings of [`http_client_builder`]. To a loopback host it goes straight, past any proxy.
    ///
    /// # Errors
    ///
    /// When the environment's base URL cannot be used, or the HTTP client cannot be made.
    pub fn signed(environment: &Environment, credentials: Credentials) -> Result<Self, SetupError> {
        let base_url = environment.base_url()?;
        let http = http_client_builder();
        let http = if is_loopback(&base_url) { http.no_proxy() } else { http };
        Ok(Self::new_with_client(base_url.as_str(), http.build()?, Signer::new(credentials)))
    }

    /// A client from the environment variables of [`Environment::from_env`] and [`Credentials::from_env`].
    ///
    /// # Errors
    ///
    /// Those of the two, and of [`signed`](Self::signed).
    pub fn from_env() -> Result<Self, SetupError> {
        Self::signed(&Environment::from_env()?, Credentials::from_env()?)
    }

    /// A client over an HTTP client of the caller's. Start from [`http_client_builder`]: a client that follows
    /// redirects or repeats requests may mint a key twice.
    ///
    /// `base_url` is the URL that operations are appended to, such as [`Environment::base_url`].
    pub fn new_with_client(base_url: &str, client: reqwest::Client, signer: Signer) -> Self {
        let base_url = base_url.trim_end_matches('/');
        let base = environment::parse(base_url).map_err(|reason| reason.to_string().into());
        Self { baseurl: base_url.to_owned(), client, inner: Signing { signer, base } }
    }

    /// A client of the same service over the same HTTP client and clock, that signs with other credentials.
    #[must_use]
    pub fn with_credentials(&self, credentials: Credentials) -> Self {
        let mut other = self.clone();
        other.inner.signer = self.signer().with_credentials(credentials);
        other
    }

    /// What signs this client's requests; it signs for Kalshi's other endpoints as well.
    pub fn signer(&self) -> &Signer {
        &self.inner.signer
    }
}

/// What the generated client carries for the middleware. Nobody outside has to name it.
#[derive(Clone, Debug)]
pub struct Signing {
    pub(crate) signer: Signer,
    /// The base URL that requests are signed for, or why they are signed for none.
    pub(crate) base: Result<Url, Arc<str>>,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The environment cannot be used.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// There are no credentials.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The HTTP client could not be made, mostly for want of certificates.
    #[error("the HTTP client could not be made: {0}; check the system's certificates")]
    HttpClient(#[from] reqwest::Error),
}
