//! Construction of a client: a hardened HTTP client, an environment and a signer.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use http::{HeaderMap, Method};
use progenitor_client::{ClientHooks as _, OperationInfo, ResponseValue};
use reqwest::{Request, Response};

use crate::environment::is_loopback;
use crate::types::ErrorResponse;
use crate::{Client, Credentials, CredentialsError, Environment, EnvironmentError, Signer};

mod asked;
pub(crate) mod error;
pub(crate) mod error_body;
pub(crate) mod middleware;
pub(crate) mod operation;
#[cfg(feature = "tracing")]
mod telemetry;

use middleware::Truncated;

pub use error::{Cause, Effect, Error};
pub use operation::Operation;

/// The time limit for establishing a connection, including TLS.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The time limit for each read of a response.
pub const READ_TIMEOUT: Duration = Duration::from_secs(15);
/// The default time limit for an operation as a whole, from connecting to the end of the response.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Returns a [`reqwest::ClientBuilder`] with this crate's settings, as a starting point for a
/// proxy, other timeouts or another connection pool.
///
/// It follows no redirects, retries nothing, does not ask for compression even if another crate
/// enables `reqwest/gzip` or its like, and has the timeouts [`CONNECT_TIMEOUT`],
/// [`READ_TIMEOUT`] and [`REQUEST_TIMEOUT`]. Requests to a loopback environment bypass the proxies
/// that the system's variables name, and `localhost` is the loopback interface, whatever the
/// resolver says.
///
/// The time limit of an operation is [`ClientBuilder::timeout`], not the HTTP client's.
///
/// ```
/// use kalshi_api_keys::{Client, Credentials, Environment, http_client_builder, reqwest};
///
/// # fn client(credentials: Credentials) -> Result<Client, Box<dyn std::error::Error>> {
/// let environment = Environment::Demo;
/// let proxy = reqwest::Proxy::all("http://proxy.example:3128")?;
/// let http = http_client_builder(&environment).proxy(proxy).build()?;
/// Ok(Client::builder(environment, credentials).http_client(http).build()?)
/// # }
/// ```
pub fn http_client_builder(environment: &Environment) -> reqwest::ClientBuilder {
    // Port 0 stands for the port of the URL.
    let localhost = [
        (Ipv4Addr::LOCALHOST, 0).into(),
        (Ipv6Addr::LOCALHOST, 0).into(),
    ];
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .resolve_to_addrs("localhost", &localhost);
    if is_loopback(environment.base_url()) {
        builder.no_proxy()
    } else {
        builder
    }
}

impl Client {
    /// Returns a client that signs every request with these credentials, with the HTTP client of
    /// [`http_client_builder`].
    ///
    /// # Errors
    ///
    /// [`BuildError::HttpClient`] if no HTTP client can be built.
    ///
    /// ```no_run
    /// use kalshi_api_keys::{Client, Credentials, Environment};
    ///
    /// let credentials = Credentials::from_pem_file("a952bcbe-ec3b-4b5b-b8f9-11dae589608c", "kalshi.pem")?;
    /// let client = Client::new(Environment::Demo, credentials)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(environment: Environment, credentials: Credentials) -> Result<Self, BuildError> {
        Self::builder(environment, credentials).build()
    }

    /// Returns a client configured by the environment variables of [`Environment::from_env`] and
    /// [`Credentials::from_env`].
    ///
    /// ```no_run
    /// let client = kalshi_api_keys::Client::from_env()?;
    /// println!("sending requests to {}", client.environment().base_url());
    /// # Ok::<(), kalshi_api_keys::BuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the two, and of [`new`](Self::new).
    pub fn from_env() -> Result<Self, BuildError> {
        let chosen = Environment::chosen_by_env()?;
        let credentials = Credentials::from_env()?;
        match chosen {
            Some(environment) => Self::new(environment, credentials),
            None => Self::builder(Environment::Demo, credentials)
                .environment_by_default()
                .build(),
        }
    }

    /// Returns a builder for a client with another HTTP client, signer or time limit.
    ///
    /// ```
    /// # use kalshi_api_keys::{Client, Credentials, Environment};
    /// # fn example(credentials: Credentials) -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// let client = Client::builder(Environment::Demo, credentials).timeout(Duration::from_secs(5)).build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(environment: Environment, credentials: Credentials) -> ClientBuilder {
        let signing = Signing {
            signer: Signer::new(credentials),
            environment,
            environment_by_default: false,
            timeout: REQUEST_TIMEOUT,
        };
        ClientBuilder {
            signing,
            http_client: None,
        }
    }

    /// Returns a client with other credentials that shares this client's HTTP client and clock.
    ///
    /// ```
    /// # use kalshi_api_keys::{Client, Credentials, CredentialsError};
    /// # fn example(client: &Client) -> Result<(), CredentialsError> {
    /// let other = client.with_credentials(Credentials::from_key_file("other.pem")?);
    /// assert_eq!(other.environment(), client.environment());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_credentials(&self, credentials: Credentials) -> Self {
        let mut other = self.clone();
        other.inner.signer = self.signer().with_credentials(credentials);
        other
    }

    /// Returns the environment that requests are sent to.
    pub fn environment(&self) -> &Environment {
        &self.inner.environment
    }

    /// Returns the signer of this client's requests, which also signs for Kalshi's other endpoints.
    pub fn signer(&self) -> &Signer {
        &self.inner.signer
    }

    /// Returns a request to another endpoint, to be sent by [`execute`](Self::execute). `path` is
    /// appended to the base URL; it begins with `/` and may contain a query. `execute` rejects a
    /// path that contains the path of the base URL already, and a whole URL.
    ///
    /// ```no_run
    /// # use kalshi_api_keys::Client;
    /// use kalshi_api_keys::http::Method;
    ///
    /// # async fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let request = client.request(Method::GET, "/portfolio/orders?limit=10");
    /// let response = client.execute(request).await?.error_for_status()?;
    /// println!("{}", response.text().await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// For a body or further headers, continue with [`reqwest::RequestBuilder::from_parts`].
    pub fn request(&self, method: Method, path: &str) -> Request {
        let mut url = self.environment().base_url().clone();
        let (path, query) = path
            .split_once('?')
            .map_or((path, None), |(path, query)| (path, Some(query)));
        let path = format!("{}{path}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url.set_query(query);
        Request::new(method, url)
    }

    /// Signs and sends a request, and returns the response as received, whatever its status.
    ///
    /// As with an operation, a request whose timestamp alone is refused is sent once more with a
    /// corrected clock, unless its body is a stream. The time limit is the request's own, or
    /// [`ClientBuilder::timeout`]. The body of a 401 is read, and cut off at 64 KiB; all others are
    /// left to the caller to read and to limit.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`] if the URL is not below the base URL, or contains its path twice;
    /// [`Error::NotSigned`] if signing failed, [`Error::CommunicationError`] if no response was
    /// received, and [`Error::UnexpectedResponse`] if the body of a 401 broke off.
    pub async fn execute(&self, mut request: Request) -> Result<Response, Error> {
        let name_asked =
            |error: progenitor_client::Error<ErrorResponse>| self.name_asked(Error::from(error));
        self.prepare::<ErrorResponse>(&mut request).await?;
        let response = self
            .send(request)
            .await
            .map_err(progenitor_client::Error::CommunicationError)
            .map_err(name_asked)?;
        match response.extensions().get() {
            Some(Truncated::Broken(_)) => Err(name_asked(
                progenitor_client::Error::UnexpectedResponse(response),
            )),
            _ => Ok(response),
        }
    }

    /// Sends a request to a documented operation as its generated method does, with the same limits
    /// and errors, and returns the response with its body as it came, including what this version
    /// of the crate does not know.
    ///
    /// ```no_run
    /// # use kalshi_api_keys::Client;
    /// use kalshi_api_keys::{Operation, http::Method};
    ///
    /// # async fn example(client: Client, list: Operation) -> Result<(), Box<dyn std::error::Error>> {
    /// let list = Operation::find("getApiKeys").ok_or("unknown operation")?;
    /// let response = client.execute_operation(list, client.request(Method::GET, list.path)).await?;
    /// println!("{}", response.text().await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the generated methods, except that the body of a success is not parsed, and that
    /// any 2xx is one.
    pub async fn execute_operation(
        &self,
        operation: Operation,
        mut request: Request,
    ) -> Result<Response, Error> {
        let info = OperationInfo {
            operation_id: operation.id,
        };
        let call = async {
            self.pre(&mut request, &info).await?;
            let response = self.exec(request, &info).await?;
            let (status, truncated) = (
                response.status(),
                response.extensions().get::<Truncated>().is_some(),
            );
            if status.is_client_error() || status.is_server_error() {
                Err(progenitor_client::Error::ErrorResponse(
                    middleware::read(response).await?,
                ))
            } else if truncated || !status.is_success() {
                Err(progenitor_client::Error::UnexpectedResponse(response))
            } else {
                Ok(ResponseValue::new(response, status, HeaderMap::new()))
            }
        };
        Ok(self.call(operation, call).await?.into_inner())
    }
}

/// Builds a [`Client`]; see [`Client::builder`].
///
/// ```
/// # use kalshi_api_keys::{Client, Credentials, Environment, Signer, http_client_builder};
/// # fn example(credentials: Credentials) -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
///
/// // A signer that other clients share, and a pool of its own.
/// let signer = Signer::new(credentials.clone());
/// let http_client = http_client_builder(&Environment::Demo).pool_max_idle_per_host(1).build()?;
/// let client = Client::builder(Environment::Demo, credentials)
///     .signer(signer)
///     .http_client(http_client)
///     .timeout(Duration::from_secs(5))
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientBuilder {
    signing: Signing,
    http_client: Option<reqwest::Client>,
}

impl ClientBuilder {
    /// Sets the HTTP client. Start from [`http_client_builder`]: a client that follows redirects or
    /// retries requests may create a key twice.
    pub fn http_client(mut self, http_client: reqwest::Client) -> Self {
        self.http_client = Some(http_client);
        self
    }

    /// Sets the signer, whose credentials take the place of those passed to [`Client::builder`].
    pub fn signer(mut self, signer: Signer) -> Self {
        self.signing.signer = signer;
        self
    }

    /// States that the environment is a default that nothing chose: errors of authentication and of
    /// the connection say so. [`Client::from_env`] does it by itself.
    pub fn environment_by_default(mut self) -> Self {
        self.signing.environment_by_default = true;
        self
    }

    /// Sets the time limit for an operation as a whole, from connecting to the end of the response:
    /// [`REQUEST_TIMEOUT`] unless set. It includes a second attempt with a corrected clock, and
    /// overrides the total timeout of the HTTP client. The first signature of an external key comes
    /// before, with a [time limit](crate::ExternalKey::time_limit) of its own.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.signing.timeout = timeout;
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    ///
    /// [`BuildError::HttpClient`] if no HTTP client was set and none can be built.
    pub fn build(self) -> Result<Client, BuildError> {
        let environment = &self.signing.environment;
        let client = match self.http_client {
            Some(client) => client,
            None => http_client_builder(environment)
                .build()
                .map_err(BuildError::HttpClient)?,
        };
        let baseurl = environment
            .base_url()
            .as_str()
            .trim_end_matches('/')
            .to_owned();
        Ok(Client {
            baseurl,
            client,
            inner: self.signing,
        })
    }
}

/// What the generated client holds for the hooks.
#[derive(Clone, Debug)]
pub struct Signing {
    pub(crate) signer: Signer,
    pub(crate) environment: Environment,
    /// Nothing chose the environment.
    pub(crate) environment_by_default: bool,
    pub(crate) timeout: Duration,
}

/// Why a client was not built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The environment is invalid.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The credentials are missing or invalid.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The HTTP client could not be built.
    #[error("failed to build the HTTP client; check the system's TLS certificates")]
    HttpClient(#[source] reqwest::Error),
}
