//! What a request ends in when it does not end well, and where that leaves the caller.

use std::error::Error as _;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, Method, StatusCode, header};

use crate::response::Truncated;
use crate::types::ErrorResponse;

/// What a request ends in when it does not end well.
///
/// | variant | when |
/// |---|---|
/// | `InvalidRequest` | an argument cannot be sent; nothing was |
/// | `Custom` | the request could not be signed; it was not sent |
/// | `CommunicationError` | the service was not reached, or did not answer |
/// | `ErrorResponse` | the service answered a 4xx or 5xx status; its reason is in the one shape of [`ErrorResponse`] |
/// | `ResponseBodyError` | a success of which only the head arrived |
/// | `UnexpectedResponse` | any other answer that is not as documented; `bytes()` gives what arrived of it |
///
/// [`ErrorExt`] says in one line what happened, and whether the request may be sent again. The error's own `Display` is
/// the generator's: it shows all headers of an answer. Neither shows the body of a success.
pub type Error = progenitor_client::Error<ErrorResponse>;

/// How far a request that failed has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It never reached the service.
    NotSent,
    /// The service refused it and changed nothing.
    Refused,
    /// It may have done its work: the answer was lost, came from something before the service, or cannot be used. After
    /// a `generateApiKey` or `createApiKey`, list the keys to know.
    Unknown,
}

/// Where an [`Error`] leaves the caller.
///
/// `progenitor_client::Error::is_retryable` answers another question, whether an error tends to pass, and not always
/// well: it says yes to a broken `POST`, which may have minted a key, and to a base URL that no request can be sent to.
///
/// ```
/// use http::Method;
/// use kalshi_api_keys::{Effect, Error, ErrorExt};
///
/// let error = Error::InvalidRequest("an API key ID is not empty".to_owned());
/// assert_eq!(error.effect(), Effect::NotSent);
/// assert!(error.is_safe_to_resend(&Method::POST) && !error.is_transient());
/// assert_eq!(error.explain(), "not sent: an API key ID is not empty");
/// ```
pub trait ErrorExt {
    /// One line that says what happened, to what, and what to do next. It shows no headers, and no key material.
    fn explain(&self) -> String;

    /// How far the request has come.
    fn effect(&self) -> Effect;

    /// Whether sending the same request again can do no harm: always for reads, for `DELETE` because a key is gone only
    /// once, and for other methods when the first did nothing.
    fn is_safe_to_resend(&self, method: &Method) -> bool {
        method.is_idempotent() || self.effect() != Effect::Unknown
    }

    /// Whether the same request may well succeed later: the service was not reached, broke off, was too slow, has had
    /// too many requests, or failed.
    fn is_transient(&self) -> bool;

    /// How long the service asks to wait before the next request (`Retry-After`, in seconds or as a date). A date counts
    /// from the answer's own `Date`, or this machine's clock when it has none.
    fn retry_after(&self) -> Option<Duration>;
}

impl ErrorExt for Error {
    fn explain(&self) -> String {
        match self {
            Error::InvalidRequest(reason) | Error::Custom(reason) => format!("not sent: {reason}"),
            Error::CommunicationError(error) | Error::InvalidUpgrade(error) => of_http(error, self.effect()),
            Error::ResponseBodyError(error) => {
                format!("{}; it may have been done: list the keys to know", of_http(error, Effect::Refused))
            }
            Error::ErrorResponse(answer) => of_refusal(answer.status(), answer.headers(), answer),
            Error::UnexpectedResponse(answer) => of_unexpected(answer),
            Error::InvalidResponsePayload(..) => "the answer is not as documented".to_owned(),
        }
    }

    fn effect(&self) -> Effect {
        match self {
            Error::InvalidRequest(_) | Error::Custom(_) => Effect::NotSent,
            Error::CommunicationError(error) if error.is_builder() || error.is_connect() => Effect::NotSent,
            Error::ErrorResponse(answer) if answer.status() == StatusCode::REQUEST_TIMEOUT => Effect::Unknown,
            Error::ErrorResponse(answer) if answer.status().is_client_error() => Effect::Refused,
            _ => Effect::Unknown,
        }
    }

    fn is_transient(&self) -> bool {
        match self {
            Error::InvalidRequest(_) | Error::Custom(_) => false,
            Error::CommunicationError(error) | Error::InvalidUpgrade(error) => !error.is_builder(),
            Error::ErrorResponse(answer) => {
                let status = answer.status();
                status.is_server_error()
                    || matches!(
                        status,
                        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS | StatusCode::CONFLICT
                    )
            }
            Error::ResponseBodyError(_) => true,
            Error::UnexpectedResponse(answer) => {
                matches!(answer.extensions().get(), Some(Truncated::Broken(_)))
            }
            Error::InvalidResponsePayload(..) => false,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        let headers = match self {
            Error::ErrorResponse(answer) => answer.headers(),
            Error::UnexpectedResponse(answer) => answer.headers(),
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
}

/// The `Date` of an answer, in whole seconds.
pub(crate) fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(header::DATE)?.to_str().ok()?).ok()
}

fn of_http(error: &reqwest::Error, effect: Effect) -> String {
    // The innermost source is the one that says something: "connection refused", "certificate expired".
    let mut innermost: Option<&dyn std::error::Error> = error.source();
    while let Some(source) = innermost.and_then(|e| e.source()) {
        innermost = Some(source);
    }
    let reason = innermost.map_or_else(|| error.to_string(), ToString::to_string);
    let whom = error.url().map_or_else(|| "the service".to_owned(), |url| url.origin().ascii_serialization());
    match effect {
        _ if error.is_builder() => format!("not sent: {error}: {reason}; check the base URL"),
        Effect::NotSent if error.is_timeout() => {
            format!("not sent: {whom} did not accept a connection in time; check the network and the base URL")
        }
        Effect::NotSent => format!("not sent: {whom} was not reached: {reason}; check the network and the base URL"),
        Effect::Refused if error.is_timeout() => format!("{whom} did not answer in time"),
        Effect::Refused => format!("the answer of {whom} broke off: {reason}"),
        Effect::Unknown => {
            let how = if error.is_timeout() { " in time".to_owned() } else { format!(": {reason}") };
            format!("{whom} did not answer{how}; it may have been done: list the keys before sending it again")
        }
    }
}

fn of_refusal(status: StatusCode, headers: &HeaderMap, reason: &ErrorResponse) -> String {
    let parts = [
        reason.code.as_deref(),
        reason.message.as_deref().filter(|m| reason.code.as_deref() != Some(m)),
        reason.details.as_deref(),
    ];
    let words = parts.into_iter().flatten().map(one_line).collect::<Vec<_>>().join(": ");
    let words =
        if words.is_empty() { status.canonical_reason().unwrap_or("no reason given").to_owned() } else { words };
    let next = match (status.as_u16(), reason.code.as_deref(), reason.details.as_deref()) {
        (401, Some("header_timestamp_expired"), _) => clock(headers),
        (401, _, Some("NOT_FOUND")) => {
            "check the API key ID, and the environment: a key works in the one it was made in".to_owned()
        }
        (401, _, Some("INCORRECT_API_KEY_SIGNATURE")) => {
            "sign with the private key that belongs to the API key ID".to_owned()
        }
        (401, ..) => "check the API key ID, its private key and the environment".to_owned(),
        (403, ..) => "sign with a key, of an account, that may do this".to_owned(),
        (404, ..) => "list the keys to see which exist".to_owned(),
        (409, ..) => "try again when the FCM subtrader has propagated".to_owned(),
        (429, ..) => "wait before the next request".to_owned(),
        (400..=499, ..) => "correct the request".to_owned(),
        _ => "it may have been done: list the keys before sending it again".to_owned(),
    };
    format!("the service answered {}: {words}; {next}", status.as_u16())
}

/// How far this machine's clock is off, as far as an answer shows it.
fn clock(headers: &HeaderMap) -> String {
    let Some(service) = date(headers) else { return "set this machine's clock".to_owned() };
    let now = SystemTime::now();
    let (off, side) = match service.duration_since(now) {
        Ok(behind) => (behind, "behind"),
        Err(ahead) => (ahead.duration(), "ahead of"),
    };
    match (off + Duration::from_millis(500)).as_secs() {
        0 | 1 => "this machine's clock agrees with the service's, so the request took too long on its way".to_owned(),
        seconds => format!("this machine's clock is {seconds} s {side} the service's; set it"),
    }
}

fn of_unexpected(answer: &reqwest::Response) -> String {
    let why = match answer.extensions().get() {
        Some(Truncated::Broken(error)) if error.is_timeout() => " stood still before it was whole",
        Some(Truncated::Broken(_)) => " broke off before it was whole",
        Some(Truncated::TooLarge) => " is larger than any documented one",
        None if answer.status().is_redirection() => " is a redirect, and none is followed",
        None => " is not as documented",
    };
    let next = if answer.status().is_success() {
        "it may have been done: read what arrived with bytes(), and list the keys"
    } else {
        "check the base URL"
    };
    format!("the answer {} of {}{why}; {next}", answer.status().as_u16(), answer.url().origin().ascii_serialization())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
