//! Timestamp + method + path -> the three headers that the service asks for on every call.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, Method};
use smallvec::SmallVec;

use crate::credentials::Credentials;
use crate::spec;

/// Signs requests with [`Credentials`].
///
/// Cloning is cheap; clones share their credentials, their clock and what was learned of it. One signer serves this
/// crate's client, Kalshi's other REST endpoints and its WebSocket handshake (`GET /trade-api/ws/v2`).
///
/// ```no_run
/// use kalshi_api_keys::{Credentials, Signer};
///
/// let signer = Signer::new(Credentials::from_env()?);
/// for (name, value) in signer.headers(&http::Method::GET, "/trade-api/ws/v2")? {
///     // … into the handshake's request
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The signed text is `timestamp + METHOD + path` without separators; the body is not part of it. RSA keys sign with
/// RSASSA-PSS (SHA-256, MGF1 with SHA-256, a salt of 32 bytes), Ed25519 keys with plain Ed25519. The rule comes from
/// the service's documentation; the spec's `kalshiAccessSignature` states it.
#[derive(Clone)]
pub struct Signer {
    credentials: Credentials,
    clock: Arc<Clock>,
    /// Milliseconds to add to the clock.
    offset: Arc<AtomicI64>,
}

type Clock = dyn Fn() -> SystemTime + Send + Sync;

impl Signer {
    /// A signer that reads the system's clock.
    pub fn new(credentials: Credentials) -> Self {
        Self { credentials, clock: Arc::new(SystemTime::now), offset: Arc::default() }
    }

    /// The same signer on another clock, such as one that is kept by NTP, or stands still in a test.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { clock: Arc::new(clock), offset: Arc::default(), ..self }
    }

    /// A signer with other credentials, on the same clock and with what was learned of it.
    #[must_use]
    pub fn with_credentials(&self, credentials: Credentials) -> Self {
        Self { credentials, ..self.clone() }
    }

    /// What it signs with.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// What is added to the clock, in milliseconds: 0 until the service refused a timestamp and its answer showed how far
    /// the clock is off. Positive when the clock is behind the service's.
    pub fn clock_offset_ms(&self) -> i64 {
        self.offset.load(Ordering::Relaxed)
    }

    /// Learns from an answer that refused a timestamp what time it is at the service. `false` when signing again would
    /// give the same timestamp, but for what `service_ms` leaves open: it is known to `resolution_ms`.
    pub(crate) fn correct_clock(&self, refused_ms: i64, service_ms: i64, resolution_ms: i64) -> bool {
        let Ok(clock_ms) = unix_ms((self.clock)()) else { return false };
        let offset = service_ms.saturating_sub(clock_ms);
        if offset.abs_diff(self.clock_offset_ms()) > resolution_ms.unsigned_abs() {
            self.offset.store(offset, Ordering::Relaxed);
        }
        service_ms.abs_diff(refused_ms) > resolution_ms.unsigned_abs()
    }

    /// Adds the three headers to a request, or puts them in place of older ones.
    ///
    /// The URL must be final: its path is signed as it stands, percent-encoding and all. Signing is atomic: on an error
    /// the request is untouched.
    ///
    /// # Errors
    ///
    /// Those of [`headers`](Self::headers).
    pub fn sign(&self, request: &mut reqwest::Request) -> Result<(), SignError> {
        let signed = self.headers(request.method(), request.url().path())?;
        for (name, value) in signed {
            request.headers_mut().insert(name, value);
        }
        Ok(())
    }

    /// The three headers for a method and a path.
    ///
    /// The path is the one in the request line: from the root (`/trade-api/v2/api_keys`), percent-encoded as sent. A
    /// query, from `?` on, is cut off, for it is not signed.
    ///
    /// # Errors
    ///
    /// When the path is not one that can stand in a request line, the clock is before 1970, or the engine fails.
    pub fn headers(&self, method: &Method, path: &str) -> Result<SignedHeaders, SignError> {
        let path = path.split_once('?').map_or(path, |(path, _query)| path);
        if !path.starts_with('/') {
            return Err(SignError::NotFromRoot);
        }
        if let Some(at) = path.bytes().position(|b| !b.is_ascii_graphic() || b == b'#') {
            return Err(SignError::NotEncoded { at });
        }
        let now = unix_ms((self.clock)())?.saturating_add(self.clock_offset_ms());
        let timestamp = u64::try_from(now).map_err(|_| SignError::ClockBefore1970)?.to_string();

        // Both on the stack: what is allocated is what is returned.
        let mut text = SmallVec::<[u8; 256]>::new();
        text.extend_from_slice(timestamp.as_bytes());
        text.extend(method.as_str().bytes().map(|b| b.to_ascii_uppercase()));
        text.extend_from_slice(path.as_bytes());
        let mut room = [0; _];
        let signature = self.credentials.key().sign(&text, &mut room).map_err(|_| SignError::Engine)?;

        // Digits and base64 are visible ASCII: neither conversion can fail.
        let timestamp = HeaderValue::try_from(timestamp).map_err(|_| SignError::Engine)?;
        let mut signature = HeaderValue::try_from(STANDARD.encode(signature)).map_err(|_| SignError::Engine)?;
        signature.set_sensitive(true);
        Ok(SignedHeaders([
            (spec::KALSHI_ACCESS_KEY, self.credentials.header()),
            (spec::KALSHI_ACCESS_TIMESTAMP, timestamp),
            (spec::KALSHI_ACCESS_SIGNATURE, signature),
        ]))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("credentials", &self.credentials).finish_non_exhaustive()
    }
}

fn unix_ms(time: SystemTime) -> Result<i64, SignError> {
    let since_1970 = time.duration_since(UNIX_EPOCH).map_err(|_| SignError::ClockBefore1970)?;
    i64::try_from(since_1970.as_millis()).map_err(|_| SignError::ClockBefore1970)
}

/// The three headers of one signed request: `KALSHI-ACCESS-KEY`, `KALSHI-ACCESS-TIMESTAMP` and
/// `KALSHI-ACCESS-SIGNATURE`, the last one marked sensitive so that `Debug` hides it.
///
/// Good for one method and path, and for about ten seconds.
#[derive(Clone, Debug)]
pub struct SignedHeaders([(HeaderName, HeaderValue); 3]);

impl IntoIterator for SignedHeaders {
    type Item = (HeaderName, HeaderValue);
    type IntoIter = std::array::IntoIter<Self::Item, 3>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a SignedHeaders {
    type Item = &'a (HeaderName, HeaderValue);
    type IntoIter = std::slice::Iter<'a, (HeaderName, HeaderValue)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// Why a request was not signed. It was not sent either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The path does not begin with `/`.
    #[error("the path to sign does not begin with `/`; give it from the root, without scheme and host")]
    NotFromRoot,
    /// The path holds a character that no request line can carry, or a fragment.
    #[error("the path to sign is not percent-encoded (at byte {at}); encode it as it will be sent")]
    NotEncoded {
        /// The offset of the first such byte.
        at: usize,
    },
    /// The clock is before 1970, or millions of years ahead.
    #[error("this machine's clock is before 1970; set it, the service accepts ten seconds of difference")]
    ClockBefore1970,
    /// The engine failed: no randomness, or no memory.
    #[error("{} did not sign; the system may be out of memory or of random numbers", crate::CRYPTO_BACKEND)]
    Engine,
}
