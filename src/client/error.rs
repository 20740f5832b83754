//! API errors: what happened, whether it may have taken effect, and what to do next.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, Method, StatusCode, header};
use progenitor_client::ResponseValue;

use crate::SignError;
use crate::client::asked::Asked;
use crate::client::middleware::Truncated;
use crate::client::operation::Operation;
use crate::signer::date;
use crate::text::{Redactor, clock_skew, with_causes};
use crate::types::ErrorResponse;

/// Why a call failed.
///
/// `Display` is one line that says what happened, to what, and what to do next, without headers or
/// key material; [`source`](StdError::source) returns the cause.
///
/// ```
/// # use kalshi_api_keys::{Client, Error};
/// # async fn delete(client: &Client, id: &str) {
/// match client.delete_api_key().api_key(id).send().await {
///     Ok(_) => {}
///     Err(Error::ErrorResponse(e)) => eprintln!("{} {:?} {:?}", e.status(), e.code, e.details),
///     Err(e) => eprintln!("{e}"),
/// }
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// An argument is not valid. Nothing was sent.
    InvalidRequest(String),
    /// The request could not be signed. Nothing was sent.
    NotSigned(SignError),
    /// Another error of the generated client, which this crate never produces. The request may have
    /// taken effect.
    Custom(String),
    /// No response was received: the connection failed, broke or timed out.
    CommunicationError(Cause<reqwest::Error>),
    /// The request was rejected, or the service failed, with a body in the service's error format.
    ErrorResponse(Cause<ResponseValue<ErrorResponse>>),
    /// The head of a response arrived, and nothing of its body.
    ResponseBodyError(Cause<reqwest::Error>),
    /// Any other response: a gateway's error page, a redirect, a truncated or undocumented body.
    /// What arrived of the body can be read; after `generateApiKey` it may hold a private key.
    UnexpectedResponse(Cause<reqwest::Response>),
}

/// What failed, and in which operation.
///
/// ```
/// use kalshi_api_keys::{Client, Error, sandbox::Sandbox};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// # let sandbox = Sandbox::start().await?;
/// # let client = Client::new(sandbox.environment(), sandbox.credentials())?;
/// let error = client.delete_api_key().api_key("no-such-key").send().await.unwrap_err();
/// let Error::ErrorResponse(cause) = error else { panic!("{error}") };
/// assert_eq!((cause.operation().unwrap().id, cause.status().as_u16()), ("deleteApiKey", 404));
/// assert!(cause.into_inner().headers().contains_key("date"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Cause<T> {
    operation: Option<Operation>,
    asked: Option<Arc<Asked>>,
    cause: Box<T>,
}

impl<T> Cause<T> {
    fn new(operation: Option<Operation>, cause: T) -> Self {
        Self {
            operation,
            asked: None,
            cause: Box::new(cause),
        }
    }

    /// Returns the operation that failed, if it was one of the spec's.
    pub fn operation(&self) -> Option<Operation> {
        self.operation
    }

    /// Returns what failed, such as the [`reqwest::Response`] whose body is to be read.
    pub fn into_inner(self) -> T {
        *self.cause
    }

    fn is_read_only(&self) -> bool {
        self.operation
            .is_some_and(|operation| operation.is_read_only())
    }

    fn creates_key(&self) -> bool {
        self.operation
            .is_some_and(|operation| matches!(operation.id, "createApiKey" | "generateApiKey"))
    }

    /// Returns what to do next: `advice` if the operation changes nothing, and otherwise to find
    /// out whether it did.
    fn next_step(&self, advice: &'static str) -> &'static str {
        match self.operation {
            Some(operation) if operation.is_read_only() => advice,
            Some(_) => "it may have taken effect: list the keys to find out",
            None => {
                "unless it only reads, find out whether it took effect before you send it again"
            }
        }
    }
}

impl<T> Deref for Cause<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.cause
    }
}

/// Whether a failed request may have taken effect.
///
/// ```
/// use kalshi_api_keys::{Client, Effect, sandbox::{Fault, Sandbox}};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// # let sandbox = Sandbox::start().await?;
/// # let client = Client::new(sandbox.environment(), sandbox.credentials())?;
/// let refused = client.delete_api_key().api_key("no-such-key").send().await.unwrap_err();
/// assert_eq!(refused.effect(), Effect::Refused);
///
/// sandbox.fail_next(Fault::DropResponse);
/// let lost = client.delete_api_key().api_key("no-such-key").send().await.unwrap_err();
/// assert_eq!((lost.effect(), lost.status()), (Effect::Unknown, None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Effect {
    /// It was not sent.
    NotSent,
    /// It was rejected: the response is a 4xx other than 408, whose body is in an error format of
    /// the service. The service rejects a request before it changes anything, but a gateway may
    /// write the same format, even after the service has processed the request. Do nothing
    /// irreversible on the strength of this alone, such as discarding the private key of a key that
    /// was to be created: list the keys first.
    Refused,
    /// It may have taken effect: the response was lost, cannot be read, or is not the service's.
    /// After `createApiKey` or `generateApiKey`, list the keys to find out.
    Unknown,
}

impl Error {
    /// Wraps the error of the generated code.
    pub(crate) fn new(
        operation: Option<Operation>,
        error: progenitor_client::Error<ErrorResponse>,
    ) -> Self {
        use progenitor_client::Error as Generated;
        match error {
            Generated::InvalidRequest(reason) => Self::InvalidRequest(reason),
            Generated::Custom(reason) => Self::Custom(reason),
            Generated::CommunicationError(cause) | Generated::InvalidUpgrade(cause) => {
                Self::CommunicationError(Cause::new(operation, cause))
            }
            Generated::ErrorResponse(cause) => Self::ErrorResponse(Cause::new(operation, cause)),
            Generated::ResponseBodyError(cause) => {
                Self::ResponseBodyError(Cause::new(operation, cause))
            }
            Generated::UnexpectedResponse(mut cause) => {
                let not_signed = cause
                    .extensions_mut()
                    .remove::<Arc<SignError>>()
                    .and_then(Arc::into_inner);
                match not_signed {
                    Some(reason) => Self::NotSigned(reason),
                    None => Self::UnexpectedResponse(Cause::new(operation, cause)),
                }
            }
            // Not made by this crate: `middleware::read` takes the place of what makes it.
            Generated::InvalidResponsePayload(body, _) => {
                Self::UnexpectedResponse(Cause::new(operation, http::Response::new(body).into()))
            }
        }
    }

    /// Adds the environment that was asked.
    pub(crate) fn with_asked(mut self, asked: Asked) -> Self {
        let field = match &mut self {
            Self::CommunicationError(cause) | Self::ResponseBodyError(cause) => &mut cause.asked,
            Self::ErrorResponse(cause) => &mut cause.asked,
            Self::UnexpectedResponse(cause) => &mut cause.asked,
            Self::InvalidRequest(_) | Self::NotSigned(_) | Self::Custom(_) => return self,
        };
        *field = Some(Arc::new(asked));
        self
    }

    fn asked(&self) -> Option<&Asked> {
        match self {
            Self::CommunicationError(cause) | Self::ResponseBodyError(cause) => {
                cause.asked.as_deref()
            }
            Self::ErrorResponse(cause) => cause.asked.as_deref(),
            Self::UnexpectedResponse(cause) => cause.asked.as_deref(),
            Self::InvalidRequest(_) | Self::NotSigned(_) | Self::Custom(_) => None,
        }
    }

    /// Returns the status of the response, if one arrived.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::ErrorResponse(response) => Some(response.status()),
            Self::UnexpectedResponse(response) => Some(response.status()),
            Self::ResponseBodyError(error) => error.status(),
            _ => None,
        }
    }

    /// Returns whether the request may have taken effect.
    pub fn effect(&self) -> Effect {
        match self {
            Self::InvalidRequest(_) | Self::NotSigned(_) => Effect::NotSent,
            Self::CommunicationError(error) if error.is_builder() || error.is_connect() => {
                Effect::NotSent
            }
            Self::ErrorResponse(e) if e.status().is_client_error() && e.status() != 408 => {
                Effect::Refused
            }
            _ => Effect::Unknown,
        }
    }

    /// Returns whether sending the same request again is harmless: always for idempotent methods,
    /// and for others when the first one had no effect.
    ///
    /// ```
    /// use kalshi_api_keys::{Client, http::Method, sandbox::{Fault, Sandbox}};
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// # let sandbox = Sandbox::start().await?;
    /// # let client = Client::new(sandbox.environment(), sandbox.credentials())?;
    /// sandbox.fail_next(Fault::internal_error());
    /// let error = client.get_api_keys().send().await.unwrap_err();
    /// assert!(error.is_transient() && error.is_safe_to_resend(&Method::GET));
    /// assert!(!error.is_safe_to_resend(&Method::POST), "it may have created a key");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_safe_to_resend(&self, method: &Method) -> bool {
        method.is_idempotent() || self.effect() != Effect::Unknown
    }

    /// Returns whether the same request may succeed later: the service was not reached, was too
    /// slow, is limiting the rate, or failed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::CommunicationError(error) => !error.is_builder(),
            Self::ResponseBodyError(_) => true,
            Self::UnexpectedResponse(response)
                if matches!(response.extensions().get(), Some(Truncated::Broken(_))) =>
            {
                true
            }
            _ => self
                .status()
                .is_some_and(|s| s.is_server_error() || matches!(s.as_u16(), 408 | 409 | 429)),
        }
    }

    /// Returns how long the service asks to wait before the next request (`Retry-After`, in seconds
    /// or as a date). A date is compared with the response's own `Date`, or this machine's clock
    /// when it has none.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use kalshi_api_keys::http::{HeaderValue, header::RETRY_AFTER};
    /// use kalshi_api_keys::{Client, sandbox::{Fault, Sandbox}};
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// # let sandbox = Sandbox::start().await?;
    /// # let client = Client::new(sandbox.environment(), sandbox.credentials())?;
    /// sandbox.fail_next(Fault::SetHeader { name: RETRY_AFTER, value: HeaderValue::from_static("7") });
    /// let error = client.delete_api_key().api_key("no-such-key").send().await.unwrap_err();
    /// assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retry_after(&self) -> Option<Duration> {
        let headers = match self {
            Self::ErrorResponse(response) => response.headers(),
            Self::UnexpectedResponse(response) => response.headers(),
            _ => return None,
        };
        let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = value.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let now = date(headers).unwrap_or_else(SystemTime::now);
        let until = httpdate::parse_http_date(value).ok()?;
        Some(until.duration_since(now).unwrap_or_default())
    }

    /// Returns whether the service knows the key that signed, but not the signature: another
    /// private key belongs to it.
    #[cfg(feature = "rotation")]
    pub(crate) fn is_wrong_signature(&self) -> bool {
        self.is_unauthorized_for(WRONG_SIGNATURE)
    }

    /// Returns whether the service does not know the ID of the key.
    pub(crate) fn is_unknown_key(&self) -> bool {
        self.is_unauthorized_for(UNKNOWN_KEY)
    }

    fn is_unauthorized_for(&self, details: &str) -> bool {
        matches!(self, Self::ErrorResponse(response)
            if response.status() == StatusCode::UNAUTHORIZED
                && response.details.as_deref() == Some(details))
    }
}

impl From<progenitor_client::Error<ErrorResponse>> for Error {
    fn from(error: progenitor_client::Error<ErrorResponse>) -> Self {
        Self::new(None, error)
    }
}

impl From<Error> for progenitor_client::Error<ErrorResponse> {
    fn from(error: Error) -> Self {
        match error {
            Error::InvalidRequest(reason) => Self::InvalidRequest(reason),
            Error::NotSigned(reason) => Self::InvalidRequest(with_causes(&reason)),
            Error::Custom(reason) => Self::Custom(reason),
            Error::CommunicationError(error) => Self::CommunicationError(error.into_inner()),
            Error::ErrorResponse(response) => Self::ErrorResponse(response.into_inner()),
            Error::ResponseBodyError(error) => Self::ResponseBodyError(error.into_inner()),
            Error::UnexpectedResponse(response) => Self::UnexpectedResponse(response.into_inner()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::CommunicationError(error) | Self::ResponseBodyError(error) => Some(&**error),
            Self::UnexpectedResponse(response) => match response.extensions().get() {
                Some(Truncated::Broken(error)) => Some(&**error),
                _ => None,
            },
            Self::NotSigned(reason) => reason.source(),
            Self::InvalidRequest(_) | Self::Custom(_) | Self::ErrorResponse(_) => None,
        }
    }
}

/// The service's `details` for a signature that does not fit the key.
const WRONG_SIGNATURE: &str = "INCORRECT_API_KEY_SIGNATURE";

/// The service's `details` for an ID that it does not know.
const UNKNOWN_KEY: &str = "NOT_FOUND";

const CHECK_CONNECTION: &str = "check the network and the base URL";

const TRY_AGAIN: &str = "try again later";

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.describe(f)?;
        self.asked().map_or(Ok(()), |asked| asked.annotate(self, f))
    }
}

impl Error {
    /// Writes what happened and what to do next.
    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidRequest(reason) => write!(f, "not sent: {reason}"),
            Self::Custom(reason) => f.write_str(reason),
            Self::NotSigned(reason) => write!(f, "not sent: {reason}"),
            Self::CommunicationError(error) => {
                let origin = error.url().map_or_else(|| "the service".to_owned(), origin);
                let in_time = if error.is_timeout() { " in time" } else { "" };
                match self.effect() {
                    _ if error.is_builder() => {
                        f.write_str("not sent: invalid request; check the base URL")
                    }
                    Effect::NotSent => {
                        write!(
                            f,
                            "not sent: could not connect to {origin}{in_time}; {CHECK_CONNECTION}"
                        )
                    }
                    _ => write!(
                        f,
                        "no response from {origin}{in_time}; {}",
                        error.next_step(CHECK_CONNECTION)
                    ),
                }
            }
            Self::ResponseBodyError(error) => {
                let how = if error.is_timeout() {
                    "did not arrive in time"
                } else {
                    "was truncated"
                };
                write!(f, "the response {how}; {}", error.next_step("try again"))
            }
            Self::ErrorResponse(response) => {
                let status = response.status();
                write!(
                    f,
                    "the service returned {}: {}; {}",
                    status.as_u16(),
                    reason(response),
                    self.after_waiting(advice(response))
                )
            }
            Self::UnexpectedResponse(response) => {
                let (status, origin) = (response.status(), origin(response.url()));
                let what = match response.extensions().get() {
                    Some(Truncated::Broken(error)) if error.is_timeout() => {
                        "timed out before its end"
                    }
                    Some(Truncated::Broken(_)) => "was truncated",
                    Some(Truncated::TooLarge) => "is larger than any documented one",
                    None if status.is_redirection() => "is a redirect, which is never followed",
                    None if status.is_success() => "is not as documented",
                    None => "is not in the service's error format, and may come from a gateway",
                };
                let next = response.next_step(if self.is_transient() {
                    TRY_AGAIN
                } else {
                    "check the base URL"
                });
                write!(
                    f,
                    "the response {} from {origin} {what}; {}",
                    status.as_u16(),
                    self.after_waiting(next.into())
                )
            }
        }
    }

    /// Adds to what to do next how long the response asks to wait.
    fn after_waiting(&self, advice: Cow<'static, str>) -> Cow<'static, str> {
        let wait = self.retry_after().unwrap_or_default();
        // Rounded up: a date may be a fraction of a second away.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        match &*advice {
            _ if seconds == 0 => advice,
            TRY_AGAIN => format!("wait {seconds} s, then try again").into(),
            advice => format!("{advice}, and wait {seconds} s before the next request").into(),
        }
    }
}

fn origin(url: &reqwest::Url) -> String {
    url.origin().ascii_serialization()
}

/// The longest code that is shown as it is. Longer ones are sentences with underscores.
const MAX_CODE: usize = 64;

/// The service's reason in one line.
fn reason(response: &ErrorResponse) -> String {
    let code = response.code.as_deref().map(|code| {
        if code.len() > MAX_CODE && !code.contains(' ') {
            code.replace('_', " ")
        } else {
            code.to_owned()
        }
    });
    let message = response
        .message
        .as_deref()
        .filter(|message| code.as_deref() != Some(message))
        .filter(|message| response.code.as_deref() != Some(message));
    let parts = [code.as_deref(), message, response.details.as_deref()];
    let parts = parts.into_iter().flatten().map(|part| {
        let line = part.split_whitespace().collect::<Vec<_>>().join(" ");
        Redactor::new().message(&line).into_owned()
    });
    parts.collect::<Vec<_>>().join(": ")
}

/// Returns what to do after an error response.
fn advice(response: &Cause<ResponseValue<ErrorResponse>>) -> Cow<'static, str> {
    let next = match (
        response.status().as_u16(),
        response.code.as_deref(),
        response.details.as_deref(),
    ) {
        (401, Some("header_timestamp_expired"), _) => {
            return clock_advice(response.headers()).into();
        }
        (401, _, Some(UNKNOWN_KEY)) => {
            "check the API key ID and the environment: a key exists in one environment only"
        }
        (401, _, Some(WRONG_SIGNATURE)) => {
            "sign with the private key that belongs to the API key ID"
        }
        (401, ..) => "check the API key ID, its private key and the environment",
        (403, ..) => return permission_advice(response),
        (404, ..) if response.is_read_only() => "check the base URL",
        (404, ..) => "list the keys to see which exist",
        (409, ..) if response.creates_key() => "try again once the FCM subtrader has propagated",
        (409 | 429, ..) => TRY_AGAIN,
        (408 | 500.., ..) => response.next_step(TRY_AGAIN),
        _ => "correct the request",
    };
    next.into()
}

/// Returns what to do after a 403. Permissions are checked after the signature, which was therefore
/// accepted.
fn permission_advice(response: &Cause<ResponseValue<ErrorResponse>>) -> Cow<'static, str> {
    // Some reasons are documented as texts, and a code may be a text with underscores.
    let members = [&response.code, &response.message, &response.details];
    let text = members.map(|member| member.as_deref().unwrap_or_default());
    let text = text.join(" ").replace('_', " ").to_ascii_lowercase();
    let names_subtrader = text.contains("fcm") || text.contains("subtrader");

    if text.contains("attestation") {
        return "renew the location attestation on the website".into();
    }
    let scope = match response.operation {
        Some(operation) if operation.is_read_only() => "the scope `read`",
        Some(_) => "the scope `write`",
        None => "the scope for this",
    };
    let unrestricted = format!(
        "sign with an unrestricted key of the account's owner, bound to no sub-account or FCM subtrader, that has {scope}"
    );
    if response.creates_key() && names_subtrader {
        return format!("{unrestricted}, and bind keys to a subtrader as an FCM member only")
            .into();
    }
    let is_create = response
        .operation
        .is_some_and(|operation| operation.id == "createApiKey");
    if is_create && !text.contains("restricted to a single") {
        return format!(
            "below the Premier and Market Maker usage levels, let the service generate the key pair (`generate`) or paste the public key on the website, and otherwise {unrestricted}"
        )
        .into();
    }
    unrestricted.into()
}

/// How far this machine's clock is off, as far as a response shows it, and what to do.
fn clock_advice(headers: &HeaderMap) -> String {
    let Some(service) = date(headers) else {
        return "set this machine's clock".to_owned();
    };
    match clock_skew(service, SystemTime::now()) {
        Some(skew) => format!("this machine's clock is {skew}: set it"),
        None => {
            "this machine's clock agrees with the service's: the request was delayed, try again"
                .to_owned()
        }
    }
}
