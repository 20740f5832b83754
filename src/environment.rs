//! Base URLs of the service, validated when an [`Environment`] is constructed.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::LazyLock;

use reqwest::Url;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::Zeroizing;

use crate::input::{BASE_URL_VARIABLE, ENVIRONMENT_VARIABLE, StrayText, variable};
use crate::spec;
use crate::text::{unquoted, with_causes};

/// An environment of the service, identified by its base URL.
///
/// API keys belong to one environment: a demo key is unknown in production and the other way round.
///
/// Its text form, for [`FromStr`], [`Display`](fmt::Display) and serde alike, is `production` (or
/// `prod`), `demo`, or a base URL.
///
/// ```
/// use kalshi_api_keys::Environment;
///
/// let environment: Environment = "demo".parse()?;
/// assert_eq!(environment, Environment::Demo);
/// assert_eq!(environment.base_url().as_str(), "https://external-api.demo.kalshi.co/trade-api/v2");
///
/// let environment = Environment::custom("https://gateway.example/trade-api/v2/")?;
/// assert!(matches!(environment, Environment::Custom(_)));
/// assert_eq!(environment.to_string(), "https://gateway.example/trade-api/v2");
/// # Ok::<(), kalshi_api_keys::EnvironmentError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Environment {
    /// The production exchange, where orders trade real money: the first `production` server of the
    /// spec.
    Production,
    /// The demo exchange, where orders trade play money: the first `demo` server of the spec.
    Demo,
    /// Another base URL, such as a shared host of the service, a gateway, or the sandbox.
    /// Constructed by [`custom`](Self::custom).
    Custom(BaseUrl),
}

/// A validated base URL, which only [`Environment::custom`] constructs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BaseUrl(Url);

impl Environment {
    /// Returns the environment with this base URL: [`Production`](Self::Production) or
    /// [`Demo`](Self::Demo) if it is theirs. Slashes at its end are removed, and so is what
    /// [`unquoted`] removes.
    ///
    /// # Errors
    ///
    /// If the URL contains user info, a query or a fragment, or is neither `https://` nor `http://`
    /// to a loopback host (`localhost`, `127.0.0.0/8` or `::1`); if its host is one of the spec's
    /// servers and its path is not; for [`StrayText`]. The error does not repeat the URL, which may
    /// contain a password.
    ///
    /// ```
    /// use kalshi_api_keys::{Environment, EnvironmentError};
    ///
    /// assert_eq!(Environment::custom("https://external-api.demo.kalshi.co/trade-api/v2/")?, Environment::Demo);
    /// let unencrypted = Environment::custom("http://gateway.example/trade-api/v2");
    /// assert!(matches!(unencrypted, Err(EnvironmentError::Unencrypted)));
    /// # Ok::<(), EnvironmentError>(())
    /// ```
    pub fn custom(base_url: &str) -> Result<Self, EnvironmentError> {
        let base_url = validate(base_url)?;
        let named = [Self::Production, Self::Demo]
            .into_iter()
            .find(|named| *named.base_url() == base_url);
        Ok(named.unwrap_or(Self::Custom(BaseUrl(base_url))))
    }

    /// Reads the environment from `KALSHI_ENV` (`production`, `prod`, `demo` or a base URL) or
    /// `KALSHI_API_BASE_URL` (a base URL). [`Demo`](Self::Demo) if neither is set; a blank variable
    /// counts as unset.
    ///
    /// # Errors
    ///
    /// If both variables are set, or one is invalid. The error names the variable and does not
    /// repeat its value.
    ///
    /// ```no_run
    /// use kalshi_api_keys::Environment;
    ///
    /// println!("sending requests to {}", Environment::from_env()?.base_url());
    /// # Ok::<(), kalshi_api_keys::EnvironmentError>(())
    /// ```
    pub fn from_env() -> Result<Self, EnvironmentError> {
        Ok(Self::chosen_by_env()?.unwrap_or(Self::Demo))
    }

    /// Reads the environment as [`from_env`](Self::from_env) does, without a default: `None` if
    /// neither variable is set.
    ///
    /// # Errors
    ///
    /// Those of [`from_env`](Self::from_env).
    pub fn chosen_by_env() -> Result<Option<Self>, EnvironmentError> {
        let name = read_variable(ENVIRONMENT_VARIABLE)?;
        let url = read_variable(BASE_URL_VARIABLE)?;
        match (name, url) {
            (None, None) => Ok(None),
            (Some(name), None) => name
                .parse()
                .map(Some)
                .map_err(in_variable(ENVIRONMENT_VARIABLE)),
            (None, Some(url)) => Self::custom(&url)
                .map(Some)
                .map_err(in_variable(BASE_URL_VARIABLE)),
            (Some(_), Some(_)) => Err(EnvironmentError::BothSet),
        }
    }

    /// Returns the URL that the paths of operations are appended to. It does not end with a slash,
    /// unless it has no path.
    pub fn base_url(&self) -> &Url {
        // Constants of the spec, which are valid: a test constructs both.
        static PRODUCTION: LazyLock<Url> =
            LazyLock::new(|| validate(spec::PRODUCTION).expect("a valid base URL"));
        static DEMO: LazyLock<Url> =
            LazyLock::new(|| validate(spec::DEMO).expect("a valid base URL"));
        match self {
            Self::Production => &PRODUCTION,
            Self::Demo => &DEMO,
            Self::Custom(BaseUrl(url)) => url,
        }
    }

    /// Returns the URL of the service's WebSocket API, such as
    /// `wss://external-api-ws.kalshi.com/trade-api/ws/v2`.
    ///
    /// Derived from the base URL as <https://docs.kalshi.com/websockets> documents it: scheme `wss`
    /// (`ws` for `http`), `ws` before the last path segment, and `external-api-ws` for hosts that
    /// begin with `external-api`.
    ///
    /// ```
    /// use kalshi_api_keys::Environment;
    ///
    /// let url = Environment::Demo.websocket_url();
    /// assert_eq!(url.as_str(), "wss://external-api-ws.demo.kalshi.co/trade-api/ws/v2");
    /// ```
    pub fn websocket_url(&self) -> Url {
        let mut url = self.base_url().clone();
        let (parent, version) = url.path().rsplit_once('/').unwrap_or_default();
        let path = format!("{parent}/ws/{version}");
        url.set_path(path.trim_end_matches('/'));
        // Neither can fail: a label was added to a valid host, and both schemes are for hosts with
        // ports.
        if let Some(domain) = url
            .host_str()
            .and_then(|host| host.strip_prefix("external-api."))
        {
            let host = format!("external-api-ws.{domain}");
            let _ = url.set_host(Some(&host));
        }
        let scheme = if url.scheme() == "http" { "ws" } else { "wss" };
        let _ = url.set_scheme(scheme);
        url
    }

    /// Returns the path to sign that was probably meant by `path`: from the root, below the path of
    /// the base URL, which it contains once, or that of the [WebSocket](Self::websocket_url).
    /// `None` if `path` is one already. A query stays as it is.
    ///
    /// A path that lacks the path of the base URL can be signed, too, but the service rejects the
    /// signature as incorrect.
    ///
    /// ```
    /// use kalshi_api_keys::Environment;
    ///
    /// let corrected = |path| Environment::Demo.corrected_path(path);
    /// assert_eq!(corrected("/trade-api/v2/portfolio/balance"), None);
    /// assert_eq!(corrected("/trade-api/ws/v2"), None);
    /// let balance = Some("/trade-api/v2/portfolio/balance".to_owned());
    /// assert_eq!(corrected("/portfolio/balance"), balance);
    /// assert_eq!(corrected("/trade-api/v1/portfolio/balance"), balance);
    /// assert_eq!(corrected("/trade-api/v2/trade-api/v2/portfolio/balance"), balance);
    /// assert_eq!(corrected("https://demo-api.kalshi.co/trade-api/v2/portfolio/balance"), balance);
    /// ```
    pub fn corrected_path(&self, path: &str) -> Option<String> {
        let base = self.base_url().path().trim_end_matches('/');
        let (given, query) = match path.find('?') {
            Some(at) => path.split_at(at),
            None => (path, ""),
        };
        let mut rest = match given.split_once("://") {
            Some((_, url)) => url.find('/').map_or("", |at| &url[at..]),
            None => given,
        };
        if rest == self.websocket_url().path() {
            return (rest != given).then(|| format!("{rest}{query}"));
        }
        // As often as it is there, and without its first slash, too.
        while let Some(below) = strip_base(rest, base) {
            rest = below;
        }
        rest = strip_other_version(rest, base).unwrap_or(rest);
        let corrected = format!("{base}/{}{query}", rest.strip_prefix('/').unwrap_or(rest));
        (corrected != path).then_some(corrected)
    }

    /// Returns the base URL with the path of the service, if it has another one.
    pub(crate) fn with_service_path(&self) -> Option<Url> {
        let mut url = self.base_url().clone();
        url.set_path(Self::Production.base_url().path());
        (url != *self.base_url()).then_some(url)
    }
}

/// Removes the path of the base URL from the beginning of a path that has another version there, or
/// none.
fn strip_other_version<'a>(path: &'a str, base: &str) -> Option<&'a str> {
    let (name, _version) = base.strip_prefix('/')?.split_once('/')?;
    let path = path.strip_prefix('/').unwrap_or(path);
    let rest = path.strip_prefix(name)?.strip_prefix('/')?;
    let (segment, below) = rest.split_once('/').unwrap_or((rest, ""));
    let is_version = segment
        .strip_prefix('v')
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
    Some(if is_version { below } else { rest })
}

/// Removes the path of the base URL from the beginning of a path.
fn strip_base<'a>(path: &'a str, base: &str) -> Option<&'a str> {
    let base = base.strip_prefix('/')?;
    let below = path.strip_prefix('/').unwrap_or(path).strip_prefix(base)?;
    (below.is_empty() || below.starts_with('/')).then_some(below)
}

impl FromStr for Environment {
    type Err = EnvironmentError;

    fn from_str(text: &str) -> Result<Self, EnvironmentError> {
        let text = unquoted(text);
        match text.to_ascii_lowercase().as_str() {
            "prod" | "production" => Ok(Self::Production),
            "demo" => Ok(Self::Demo),
            url if url.contains("://") => Self::custom(text),
            _ => Err(StrayText::find(text)
                .map_or(EnvironmentError::Unknown, EnvironmentError::StrayText)),
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Production => "production",
            Self::Demo => "demo",
            Self::Custom(BaseUrl(url)) => url.as_str(),
        })
    }
}

impl Serialize for Environment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Environment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(|error| de::Error::custom(with_causes(&error)))
    }
}

fn validate(url: &str) -> Result<Url, EnvironmentError> {
    let url = unquoted(url);
    if let Some(stray) = StrayText::find(url) {
        return Err(EnvironmentError::StrayText(stray));
    }
    let mut url = Url::parse(url).map_err(EnvironmentError::Url)?;
    match (url.scheme(), url.query(), url.fragment()) {
        _ if !url.username().is_empty() || url.password().is_some() => {
            return Err(EnvironmentError::UserInfo);
        }
        (_, Some(_), _) => return Err(EnvironmentError::Query),
        (_, _, Some(_)) => return Err(EnvironmentError::Fragment),
        ("https", ..) => {}
        ("http", ..) if is_loopback(&url) => {}
        ("http", ..) => return Err(EnvironmentError::Unencrypted),
        _ => return Err(EnvironmentError::Scheme),
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    match server_of(&url) {
        Some((server, expected)) if expected.path() != url.path() => {
            Err(EnvironmentError::Path { server })
        }
        _ => Ok(url),
    }
}

/// Returns the server of the spec that has the host of a URL.
fn server_of(url: &Url) -> Option<(&'static str, Url)> {
    let servers = spec::SERVERS.iter().rev();
    servers
        .filter_map(|server| Some((*server, Url::parse(server).ok()?)))
        .find(|(_, parsed)| parsed.host() == url.host())
}

/// Returns whether requests to a URL stay on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else {
        return false;
    };
    let address = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    address.map_or(host == "localhost", |address| address.is_loopback())
}

fn read_variable(name: &'static str) -> Result<Option<Zeroizing<String>>, EnvironmentError> {
    variable(name).map_err(|_| in_variable(name)(EnvironmentError::Unknown))
}

fn in_variable(variable: &'static str) -> impl Fn(EnvironmentError) -> EnvironmentError {
    move |source| EnvironmentError::Variable {
        variable,
        source: Box::new(source),
    }
}

/// Why an environment or its base URL is invalid. No message repeats the value, which may contain a
/// password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// Neither a known name nor a URL.
    #[error("unknown environment; use `demo`, `production` or a base URL")]
    Unknown,
    /// Text around the name or the URL that does not belong to it.
    #[error("invalid environment or base URL")]
    StrayText(#[source] StrayText),
    /// One of the service's own hosts, with a path that is not the service's.
    #[error("the path of the base URL is not the service's; use {server}")]
    Path {
        /// The base URL of the spec with this host.
        server: &'static str,
    },
    /// Not a URL.
    #[error("invalid base URL; write it like {}", spec::DEMO)]
    Url(#[source] url::ParseError),
    /// A user name or a password in the base URL.
    #[error(
        "the base URL contains a user name or password; remove it, requests are signed instead"
    )]
    UserInfo,
    /// A query in the base URL.
    #[error("the base URL contains a query; remove the `?` and everything after it")]
    Query,
    /// A fragment in the base URL.
    #[error("the base URL contains a fragment; remove the `#` and everything after it")]
    Fragment,
    /// Neither `http` nor `https`.
    #[error(
        "the base URL is neither https:// nor http://; write it like {}",
        spec::DEMO
    )]
    Scheme,
    /// `http://` to another machine, which would send a generated private key unencrypted.
    #[error(
        "the base URL is http:// to another machine, which would send private keys unencrypted; use https://"
    )]
    Unencrypted,
    /// Two variables that exclude each other.
    #[error("KALSHI_ENV and KALSHI_API_BASE_URL are both set; unset one of them")]
    BothSet,
    /// A variable whose value is invalid.
    #[error("invalid value of the variable {variable}")]
    Variable {
        /// The variable's name.
        variable: &'static str,
        /// What is wrong with its value.
        source: Box<EnvironmentError>,
    },
}
