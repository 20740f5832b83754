//! Signing requests: timestamp, method and path in, the three headers that the service requires
//! out.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header, request,
};
use smallvec::SmallVec;

use crate::client::error_body;
use crate::credentials::{Credentials, Key};
use crate::keys::public::SignatureError;
use crate::spec;
use crate::text::DATE_TRUNCATION;

/// The largest clock correction that is applied, in either direction: 24 hours.
///
/// A signature covers neither host nor body, so whoever can forge a response could otherwise obtain
/// signatures that become valid at a time of their choice. Over HTTPS, a clock further off fails
/// certificate validation anyway.
pub const MAX_CLOCK_CORRECTION: Duration = Duration::from_secs(24 * 60 * 60);

/// A `Date` header counts whole seconds.
const DATE_RESOLUTION_MS: u64 = 1000;

/// Signs requests with [`Credentials`].
///
/// Cloning is cheap; clones share their credentials, their clock and its correction. One signer
/// serves this crate's client, Kalshi's other REST endpoints and its WebSocket handshake.
///
/// The signed message is `timestamp + METHOD + path` without separators; the timestamp is Unix time
/// in milliseconds, the path excludes the query. Host, query and body are not signed. RSA keys sign
/// with RSASSA-PSS (SHA-256, MGF1 with SHA-256, a salt of 32 bytes), Ed25519 keys with plain
/// Ed25519. The rule comes from the service's documentation; the spec's `kalshiAccessSignature`
/// states it.
///
/// ```no_run
/// use kalshi_api_keys::{Credentials, Environment, Signer};
///
/// let signer = Signer::new(Credentials::from_env()?);
/// let url = Environment::Demo.websocket_url();
/// let mut handshake = http::Request::get(url.as_str()).body(())?;
/// signer.sign(&mut handshake)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Signer {
    /// Replaced as a whole. Reading takes no lock, so a replacement never delays a signature.
    credentials: Arc<ArcSwap<Credentials>>,
    now: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    /// Milliseconds to add to the clock.
    offset: Arc<AtomicI64>,
}

impl Signer {
    /// Returns a signer that reads the system's clock.
    pub fn new(credentials: Credentials) -> Self {
        Self {
            credentials: Arc::new(ArcSwap::from_pointee(credentials)),
            now: Arc::new(SystemTime::now),
            offset: Arc::default(),
        }
    }

    /// Replaces the clock, for example by one that stands still in a test. It starts uncorrected.
    ///
    /// ```
    /// # use kalshi_api_keys::{Credentials, KeyAlgorithm, KeyPair, Signer};
    /// # let pem = KeyPair::generate(KeyAlgorithm::Ed25519)?.private_key_pem()?;
    /// # let credentials = Credentials::from_pem("an-id", pem.expose_secret())?;
    /// use std::time::{Duration, UNIX_EPOCH};
    ///
    /// let signer = Signer::new(credentials).with_clock(|| UNIX_EPOCH + Duration::from_secs(1_703_123_456));
    /// let headers = http::HeaderMap::from_iter(signer.headers(&http::Method::GET, "/trade-api/v2/api_keys")?);
    /// assert_eq!(headers["kalshi-access-timestamp"], "1703123456000");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self {
            now: Arc::new(clock),
            offset: Arc::default(),
            ..self
        }
    }

    /// Returns a signer with other credentials that shares this signer's clock and its correction.
    #[must_use]
    pub fn with_credentials(&self, credentials: Credentials) -> Self {
        Self {
            credentials: Arc::new(ArcSwap::from_pointee(credentials)),
            ..self.clone()
        }
    }

    /// Replaces the credentials of this signer, its clones, and the clients that sign with them,
    /// from the next signature on. A signature in progress completes with the credentials that it
    /// started with.
    ///
    /// ```
    /// # use kalshi_api_keys::{Credentials, KeyAlgorithm, KeyPair, Signer};
    /// # let pem = KeyPair::generate(KeyAlgorithm::Ed25519)?.private_key_pem()?;
    /// # let old = Credentials::from_pem("old", pem.expose_secret())?;
    /// # let new = Credentials::from_pem("new", pem.expose_secret())?;
    /// let signer = Signer::new(old);
    /// let clone = signer.clone();
    /// signer.replace_credentials(new);
    /// assert_eq!(clone.credentials().key_id(), "new");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn replace_credentials(&self, credentials: Credentials) {
        self.credentials.store(Arc::new(credentials));
    }

    /// Returns the credentials that the next request is signed with.
    pub fn credentials(&self) -> Credentials {
        Credentials::clone(&self.credentials.load())
    }

    /// Adds the three headers to a request, replacing earlier ones.
    ///
    /// The URL must be final: its path is signed as it is, with its percent-encoding. On an error
    /// the request is unchanged.
    ///
    /// # Errors
    ///
    /// Those of [`headers`](Self::headers).
    pub fn sign(&self, request: &mut impl SignableRequest) -> Result<(), SignError> {
        let (method, path) = request.method_and_path();
        self.headers(method, path)?
            .insert_into(request.headers_mut());
        Ok(())
    }

    /// Returns the three headers for a method and a path, signed with a private key that is in this
    /// process.
    ///
    /// # Errors
    ///
    /// Those of [`prepare`](Self::prepare), [`SignError::SigningFailed`], and
    /// [`SignError::NotLocal`] for an external key.
    pub fn headers(&self, method: &Method, path: &str) -> Result<SignedHeaders, SignError> {
        self.prepare(method, path)?.sign_locally()
    }

    /// Returns the headers of a request that is yet to be signed, with the message to sign.
    ///
    /// The path is the one in the request line: from the root (`/trade-api/v2/api_keys`),
    /// percent-encoded as sent. A query, from `?` on, is cut off.
    ///
    /// [`UnsignedHeaders::sign`] has the message signed by the key of the credentials, wherever
    /// that is. Or sign it yourself, without any async runtime:
    ///
    /// ```
    /// # fn example(signer: &kalshi_api_keys::Signer, token: impl Fn(&[u8]) -> Vec<u8>) -> Result<(), kalshi_api_keys::SignError> {
    /// let unsigned = signer.prepare(&http::Method::GET, "/trade-api/v2/api_keys")?;
    /// let signature = token(unsigned.message());
    /// let headers = unsigned.with_signature(signature)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SignError::RelativePath`] or [`SignError::UnencodedPath`] if no request line can carry the
    /// path, [`SignError::ClockBefore1970`] if the clock is that wrong.
    pub fn prepare(&self, method: &Method, path: &str) -> Result<UnsignedHeaders, SignError> {
        let path = path.split_once('?').map_or(path, |(path, _query)| path);
        if !path.starts_with('/') {
            return Err(SignError::RelativePath);
        }
        if let Some(at) = path
            .bytes()
            .position(|b| !b.is_ascii_graphic() || b == b'#')
        {
            return Err(SignError::UnencodedPath { at });
        }
        let now = unix_ms((self.now)())?.saturating_add(self.clock_offset_ms());
        let timestamp = u64::try_from(now)
            .map_err(|_| SignError::ClockBefore1970)?
            .to_string();
        let mut message = SmallVec::new();
        message.extend_from_slice(timestamp.as_bytes());
        message.extend(method.as_str().bytes().map(|b| b.to_ascii_uppercase()));
        message.extend_from_slice(path.as_bytes());
        Ok(UnsignedHeaders {
            credentials: self.credentials.load_full(),
            timestamp,
            message,
        })
    }

    /// Returns what is added to the clock, in milliseconds: 0 unless a correction was adopted,
    /// never more than [`MAX_CLOCK_CORRECTION`]. Positive if the clock is behind the service's.
    pub fn clock_offset_ms(&self) -> i64 {
        self.offset.load(Ordering::Relaxed)
    }

    /// Discards the clock correction of this signer and its clones, for example after this
    /// machine's clock was set.
    pub fn reset_clock(&self) {
        self.offset.store(0, Ordering::Relaxed);
    }

    /// Returns a signer with a corrected clock if it is worth sending a refused request again:
    /// `response` refused its timestamp, has a `Date` header that implies another timestamp, and
    /// the correction does not exceed [`MAX_CLOCK_CORRECTION`]. Works with any endpoint of the
    /// service; this crate's client does it by itself.
    ///
    /// The correction is provisional: sign the second request with the returned signer, and pass it
    /// to [`adopt_clock`](Self::adopt_clock) if that request succeeds. `sent` are the headers of
    /// the refused request. Sending again is safe: the service checks the timestamp before it acts
    /// on a request.
    ///
    /// ```
    /// # use kalshi_api_keys::{Signer, SignError};
    /// # fn connect(_: &http::Request<()>) -> Result<(), http::Response<Vec<u8>>> { Ok(()) }
    /// # fn example(signer: &Signer, mut request: http::Request<()>) -> Result<(), SignError> {
    /// signer.sign(&mut request)?;
    /// if let Err(refused) = connect(&request)
    ///     && let Some(corrected) = signer.corrected_by(request.headers(), &refused)
    /// {
    ///     corrected.sign(&mut request)?;
    ///     if connect(&request).is_ok() {
    ///         signer.adopt_clock(&corrected);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn corrected_by<B: AsRef<[u8]>>(
        &self,
        sent: &HeaderMap,
        response: &Response<B>,
    ) -> Option<Self> {
        if !refuses_timestamp(response.status(), response.body().as_ref()) {
            return None;
        }
        self.corrected(sent, response.headers())
    }

    /// [`corrected_by`](Self::corrected_by) a response that is known to refuse the timestamp.
    pub(crate) fn corrected(&self, sent: &HeaderMap, response: &HeaderMap) -> Option<Self> {
        let service_ms = unix_ms(date(response)? + DATE_TRUNCATION).ok()?;
        let offset = service_ms.saturating_sub(unix_ms((self.now)()).ok()?);
        let sent_ms: i64 = sent
            .get(spec::KALSHI_ACCESS_TIMESTAMP)?
            .to_str()
            .ok()?
            .parse()
            .ok()?;
        let is_other = service_ms.abs_diff(sent_ms) > DATE_RESOLUTION_MS;
        let is_plausible = Duration::from_millis(offset.unsigned_abs()) <= MAX_CLOCK_CORRECTION;
        (is_other && is_plausible).then(|| Self {
            offset: Arc::new(AtomicI64::new(offset)),
            ..self.clone()
        })
    }

    /// Adopts the clock correction of another signer, for this signer and its clones.
    pub fn adopt_clock(&self, corrected: &Self) {
        let offset_ms = corrected.clock_offset_ms();
        self.offset.store(offset_ms, Ordering::Relaxed);
        #[cfg(feature = "tracing")]
        tracing::warn!(offset_ms, "corrected the clock by the service's `Date`");
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("credentials", &self.credentials())
            .finish_non_exhaustive()
    }
}

/// Returns whether a response refuses a request for nothing but its timestamp.
pub(crate) fn refuses_timestamp(status: StatusCode, body: &[u8]) -> bool {
    status == StatusCode::UNAUTHORIZED
        && error_body::parse(body)
            .is_some_and(|error| error.code.as_deref() == Some("header_timestamp_expired"))
}

/// The `Date` of a response, in whole seconds.
pub(crate) fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(header::DATE)?.to_str().ok()?).ok()
}

fn unix_ms(time: SystemTime) -> Result<i64, SignError> {
    let since_1970 = time
        .duration_since(UNIX_EPOCH)
        .map_err(|_| SignError::ClockBefore1970)?;
    i64::try_from(since_1970.as_millis()).map_err(|_| SignError::ClockBefore1970)
}

/// A request that [`Signer::sign`] can sign: one of reqwest, one of `http` (with any body), or its
/// `Parts`.
///
/// ```
/// # fn example(signer: &kalshi_api_keys::Signer) -> Result<(), Box<dyn std::error::Error>> {
/// let (mut parts, body) = http::Request::get("/trade-api/v2/portfolio/balance").body(())?.into_parts();
/// signer.sign(&mut parts)?;
/// # Ok(())
/// # }
/// ```
pub trait SignableRequest {
    /// Returns the method, and the path as it will be sent: from the root, percent-encoded.
    fn method_and_path(&self) -> (&Method, &str);
    /// Returns the headers.
    fn headers_mut(&mut self) -> &mut HeaderMap;
}

impl SignableRequest for reqwest::Request {
    fn method_and_path(&self) -> (&Method, &str) {
        (self.method(), self.url().path())
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        self.headers_mut()
    }
}

impl<B> SignableRequest for Request<B> {
    fn method_and_path(&self) -> (&Method, &str) {
        (self.method(), self.uri().path())
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        self.headers_mut()
    }
}

impl SignableRequest for request::Parts {
    fn method_and_path(&self) -> (&Method, &str) {
        (&self.method, self.uri.path())
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }
}

/// The headers of a request that is yet to be signed, from [`Signer::prepare`].
#[derive(Clone, Debug)]
pub struct UnsignedHeaders {
    /// Loaded once per request: its key ID and private key belong together.
    credentials: Arc<Credentials>,
    timestamp: String,
    /// On the stack for all but very long paths, to keep signing at three allocations.
    message: SmallVec<[u8; 256]>,
}

impl UnsignedHeaders {
    /// Returns the message to sign: `timestamp + METHOD + path`.
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// Signs the message with the key of the credentials, and awaits it if it is external.
    ///
    /// No time limit applies, because that would need a particular runtime: see
    /// [`sign_with_timeout`](Self::sign_with_timeout).
    ///
    /// ```
    /// # use kalshi_api_keys::{SignError, SignedHeaders, Signer, http::Method};
    /// async fn headers(signer: &Signer) -> Result<SignedHeaders, SignError> {
    ///     signer.prepare(&Method::GET, "/trade-api/v2/portfolio/balance")?.sign().await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SignError::SigningFailed`] for a local key; [`SignError::ExternalKey`] and
    /// [`SignError::InvalidSignature`] for an external one.
    pub async fn sign(self) -> Result<SignedHeaders, SignError> {
        let Key::External(key) = &self.credentials.key else {
            return self.sign_locally();
        };
        let signature = key
            .sign(&self.message)
            .await
            .map_err(SignError::ExternalKey)?;
        self.with_signature(signature)
    }

    /// Signs as [`sign`](Self::sign) does, with the [time limit](crate::ExternalKey::time_limit) of
    /// an external key. Needs a tokio runtime with its timer.
    ///
    /// # Errors
    ///
    /// Those of [`sign`](Self::sign), and [`SignError::TimedOut`].
    pub async fn sign_with_timeout(self) -> Result<SignedHeaders, SignError> {
        let Key::External(key) = &self.credentials.key else {
            return self.sign_locally();
        };
        let limit = key.time_limit();
        tokio::time::timeout(limit, self.sign())
            .await
            .unwrap_or(Err(SignError::TimedOut(limit)))
    }

    fn sign_locally(self) -> Result<SignedHeaders, SignError> {
        let Key::Local(key) = &self.credentials.key else {
            return Err(SignError::NotLocal);
        };
        let signature = key
            .sign(&self.message)
            .map_err(|_| SignError::SigningFailed)?;
        Ok(self.into_headers(&signature))
    }

    /// Returns the headers with a signature of [`message`](Self::message): its raw bytes, not
    /// base64.
    ///
    /// The signature is RSASSA-PSS (SHA-256, MGF1 with SHA-256, a salt of 32 bytes) or Ed25519, by
    /// the private key that belongs to the key ID.
    ///
    /// # Errors
    ///
    /// [`SignError::InvalidSignature`], which says what is wrong, for a signature that the public
    /// key does not verify.
    pub fn with_signature(self, signature: impl AsRef<[u8]>) -> Result<SignedHeaders, SignError> {
        let checked = self
            .credentials
            .public_key
            .check(&self.message, signature.as_ref());
        checked.map_err(SignError::InvalidSignature)?;
        Ok(self.into_headers(signature.as_ref()))
    }

    fn into_headers(self, signature: &[u8]) -> SignedHeaders {
        // Cannot fail: digits and base64 are visible ASCII.
        let timestamp =
            HeaderValue::try_from(self.timestamp).expect("digits are a valid header value");
        let signature = STANDARD.encode(signature);
        let mut signature =
            HeaderValue::try_from(signature).expect("base64 is a valid header value");
        signature.set_sensitive(true);
        SignedHeaders([
            (spec::KALSHI_ACCESS_KEY, self.credentials.key_id.clone()),
            (spec::KALSHI_ACCESS_TIMESTAMP, timestamp),
            (spec::KALSHI_ACCESS_SIGNATURE, signature),
        ])
    }
}

/// The three headers of a signed request: `KALSHI-ACCESS-KEY`, `KALSHI-ACCESS-TIMESTAMP` and
/// `KALSHI-ACCESS-SIGNATURE`.
///
/// They are valid for one method and path, and for about ten seconds. The signature is marked
/// sensitive, which hides it from `Debug`. They extend a [`HeaderMap`] and collect into one; to
/// replace earlier ones in a request, use [`Signer::sign`].
///
/// ```no_run
/// # use kalshi_api_keys::Signer;
/// # fn example(signer: &Signer, headers: &mut http::HeaderMap) -> Result<(), kalshi_api_keys::SignError> {
/// headers.extend(signer.headers(&http::Method::GET, "/trade-api/v2/portfolio/balance")?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SignedHeaders([(HeaderName, HeaderValue); 3]);

impl SignedHeaders {
    /// Adds the headers, replacing earlier ones.
    pub(crate) fn insert_into(self, headers: &mut HeaderMap) {
        for (name, value) in self {
            headers.insert(name, value);
        }
    }
}

impl IntoIterator for SignedHeaders {
    type Item = (HeaderName, HeaderValue);
    type IntoIter = std::array::IntoIter<Self::Item, 3>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Why a request was not signed, and not sent either.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The path does not begin with `/`.
    #[error(
        "the path to sign does not begin with `/`; pass it from the root, without scheme and host"
    )]
    RelativePath,
    /// The path contains a fragment, or a character that must be percent-encoded.
    #[error(
        "byte {at} of the path must be percent-encoded, or begins a fragment; pass the path as it will be sent"
    )]
    UnencodedPath {
        /// The offset of the first such byte.
        at: usize,
    },
    /// The clock is before 1970, or millions of years ahead.
    #[error(
        "this machine's clock is before 1970; set it: the service accepts a difference of ten seconds"
    )]
    ClockBefore1970,
    /// The cryptography library failed.
    #[error(
        "signing with {} failed; check the system's random number generator",
        crate::CRYPTO_BACKEND
    )]
    SigningFailed,
    /// The private key is not in this process, so a signature has to be awaited.
    #[error(
        "the private key is not in this process; use `Signer::prepare`, and await the signature"
    )]
    NotLocal,
    /// The external key returned an error, which is the source.
    #[error("the external key did not sign")]
    ExternalKey(#[source] Box<dyn StdError + Send + Sync>),
    /// The external key did not sign in time.
    #[error(
        "the external key did not sign within {0:?}; check that it is reachable and does not wait for a touch or a PIN"
    )]
    TimedOut(Duration),
    /// The external key returned something other than a signature of the message by the private key
    /// of its public key.
    #[error("the external key returned an invalid signature")]
    InvalidSignature(#[source] SignatureError),
}
