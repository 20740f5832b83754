//! Which Kalshi a client talks to. Keys belong to one environment: a demo key is unknown in production, and the
//! other way round.

use std::env::VarError;
use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;

use crate::spec;

/// An environment of the service: its base URL.
///
/// Parsed from `prod` or `production`, `demo`, or a base URL.
///
/// ```
/// use kalshi_api_keys::Environment;
///
/// let demo: Environment = "demo".parse()?;
/// assert_eq!(demo.base_url()?.as_str(), "https://external-api.demo.kalshi.co/trade-api/v2");
///
/// let local: Environment = "http://127.0.0.1:8080/trade-api/v2/".parse()?;
/// assert_eq!(local.base_url()?.as_str(), "http://127.0.0.1:8080/trade-api/v2");
/// # Ok::<(), kalshi_api_keys::EnvironmentError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Real money. The first `production` server of the spec.
    Production,
    /// Play money. The first `demo` server of the spec.
    Demo,
    /// Another base URL, such as a shared host of the service, a gateway of your own, or the sandbox.
    Custom(Url),
}

impl Environment {
    /// The environment that `KALSHI_ENV` names (`prod`, `production`, `demo` or a URL), or the base URL in
    /// `KALSHI_API_BASE_URL`. [`Demo`](Self::Demo) when neither is set; an empty variable counts as unset.
    ///
    /// # Errors
    ///
    /// When both variables are set, or the one that is set cannot be used. The error names the variable.
    pub fn from_env() -> Result<Self, EnvironmentError> {
        const ENVIRONMENT: &str = "KALSHI_ENV";
        const BASE_URL: &str = "KALSHI_API_BASE_URL";
        let read = |variable| match std::env::var(variable) {
            Ok(value) if !value.is_empty() => Ok(Some(value)),
            Ok(_) | Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => Err(in_variable(variable)(EnvironmentError::Unknown)),
        };
        match (read(ENVIRONMENT)?, read(BASE_URL)?) {
            (None, None) => Ok(Self::Demo),
            (Some(name), None) => name.parse().map_err(in_variable(ENVIRONMENT)),
            (None, Some(url)) => parse(&url).map(Self::Custom).map_err(in_variable(BASE_URL)),
            (Some(_), Some(_)) => Err(EnvironmentError::BothSet),
        }
    }

    /// The base URL that requests are sent to, without a slash at its end.
    ///
    /// # Errors
    ///
    /// When a [`Custom`](Self::Custom) URL carries user info, a query or a fragment, or is not `https://`, nor
    /// `http://` to a loopback host.
    pub fn base_url(&self) -> Result<Url, EnvironmentError> {
        match self {
            Self::Production => parse(spec::PRODUCTION),
            Self::Demo => parse(spec::DEMO),
            Self::Custom(url) => usable(url.clone()),
        }
    }
}

impl FromStr for Environment {
    type Err = EnvironmentError;

    fn from_str(name: &str) -> Result<Self, EnvironmentError> {
        match name.trim().to_ascii_lowercase().as_str() {
            "prod" | "production" => Ok(Self::Production),
            "demo" => Ok(Self::Demo),
            url if url.contains("://") => parse(name).map(Self::Custom),
            _ => Err(EnvironmentError::Unknown),
        }
    }
}

/// A base URL, checked.
pub(crate) fn parse(url: &str) -> Result<Url, EnvironmentError> {
    usable(Url::parse(url.trim())?)
}

fn usable(mut url: Url) -> Result<Url, EnvironmentError> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(EnvironmentError::UserInfo);
    }
    if url.query().is_some() {
        return Err(EnvironmentError::Query);
    }
    if url.fragment().is_some() {
        return Err(EnvironmentError::Fragment);
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err(EnvironmentError::Unencrypted),
        _ => return Err(EnvironmentError::Scheme),
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// Whether requests to this URL stay on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.map_or(host == "localhost", |address| address.is_loopback())
}

fn in_variable(variable: &'static str) -> impl Fn(EnvironmentError) -> EnvironmentError {
    move |reason| EnvironmentError::Variable { variable, reason: Box::new(reason) }
}

/// Why an environment or its base URL cannot be used. No message repeats the value: it may hold a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// Neither a known name nor a URL.
    #[error("the environment is not known; name `demo`, `production` or a base URL")]
    Unknown,
    /// Not a URL.
    #[error("the base URL is no URL; write it like {}", spec::DEMO)]
    Url(#[from] url::ParseError),
    /// A user name or a password in the base URL.
    #[error("the base URL holds a user name or a password; remove it, requests are signed instead")]
    UserInfo,
    /// A query in the base URL.
    #[error("the base URL holds a query; remove the `?` and what follows")]
    Query,
    /// A fragment in the base URL.
    #[error("the base URL holds a fragment; remove the `#` and what follows")]
    Fragment,
    /// Neither `http` nor `https`.
    #[error("the base URL is neither https:// nor http://; write it like {}", spec::DEMO)]
    Scheme,
    /// `http://` to another machine: a generated private key would travel in the clear.
    #[error("the base URL is http:// to another machine, where a private key would travel in the clear; use https://")]
    Unencrypted,
    /// Two variables that exclude each other.
    #[error("KALSHI_ENV and KALSHI_API_BASE_URL are both set; unset one of them")]
    BothSet,
    /// A variable whose value cannot be used.
    #[error("the variable {variable} cannot be used: {reason}")]
    Variable {
        /// The variable's name.
        variable: &'static str,
        /// What is wrong with its value.
        reason: Box<EnvironmentError>,
    },
}
