//! Values that people give: environment variables, flags, arguments of constructors. What is not
//! part of a value is trimmed where that is unambiguous, and named where it is not.

use std::env::VarError;
use std::fmt;

use zeroize::Zeroizing;

use crate::keys::reading::read_small_file;
use crate::text::{could_be_key_material, unquoted};

pub(crate) const KEY_ID_VARIABLE: &str = "KALSHI_API_KEY_ID";
pub(crate) const KEY_VARIABLE: &str = "KALSHI_PRIVATE_KEY";
pub(crate) const KEY_PATH_VARIABLE: &str = "KALSHI_PRIVATE_KEY_PATH";
pub(crate) const ENVIRONMENT_VARIABLE: &str = "KALSHI_ENV";
pub(crate) const BASE_URL_VARIABLE: &str = "KALSHI_API_BASE_URL";
/// Read by the CLI.
const IGNORE_PERMISSIONS_VARIABLE: &str = "KALSHI_IGNORE_KEY_PERMISSIONS";

/// The variables that this crate and its CLI read.
const VARIABLES: [&str; 6] = [
    KEY_ID_VARIABLE,
    KEY_VARIABLE,
    KEY_PATH_VARIABLE,
    ENVIRONMENT_VARIABLE,
    BASE_URL_VARIABLE,
    IGNORE_PERMISSIONS_VARIABLE,
];

/// Begins the names of the variables that people set for Kalshi.
const PREFIX: &str = "KALSHI_";

const QUOTES: [char; 8] = ['"', '\'', '“', '”', '„', '‘', '’', '‚'];

/// The value of a variable is not UTF-8.
pub(crate) struct NotUnicode;

/// Returns the value of an environment variable as it is. `None` if it is unset or blank.
pub(crate) fn variable(name: &str) -> Result<Option<Zeroizing<String>>, NotUnicode> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(Zeroizing::new(value)).filter(|value| !unquoted(value).is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(NotUnicode),
    }
}

/// Text around a value that does not belong to it, and is not removed by a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StrayText {
    /// `demo  # or production`.
    #[error("it contains a comment; remove the `#` and everything after it")]
    Comment,
    /// `demo,` or `demo;`.
    #[error("it ends in a comma or semicolon; remove that")]
    Separator,
    /// `${NAME}`, `$NAME`, `%NAME%`, `{{ name }}`, `{ID}` or `<your ID>`.
    #[error(
        "it contains braces or a variable that was not expanded; replace them with the value itself"
    )]
    Placeholder,
    /// `KALSHI_ENV=demo`.
    #[error("it begins with the name of a variable; give only what is after the `=`")]
    Assignment,
    /// `file:///home/me/kalshi.pem`.
    #[error("it begins with `file:`; give the path alone, without `file://`")]
    FileUrl,
    /// `"demo`, or a value in two pairs of quotation marks.
    #[error("it begins or ends with a quotation mark; remove the quotation marks")]
    Quote,
}

impl StrayText {
    /// Finds stray text in a value that is already [`unquoted`].
    pub(crate) fn find(value: &str) -> Option<Self> {
        let is_comment = |at| {
            let before: &str = &value[..at];
            before.is_empty() || before.ends_with(char::is_whitespace)
        };
        let is_placeholder = value.starts_with(['$', '{', '<', '%'])
            || ["${", "{{", "/$", "\\$"]
                .iter()
                .any(|part| value.contains(part));
        let is_assignment = value
            .trim_start_matches("export ")
            .split_once('=')
            .is_some_and(|(name, _)| VARIABLES.contains(&name.trim_end()));
        let is_file_url = value
            .get(..5)
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:"));
        if value.match_indices('#').any(|(at, _)| is_comment(at)) {
            Some(Self::Comment)
        } else if value.ends_with([',', ';']) {
            Some(Self::Separator)
        } else if is_placeholder {
            Some(Self::Placeholder)
        } else if is_assignment {
            Some(Self::Assignment)
        } else if is_file_url {
            Some(Self::FileUrl)
        } else if value.starts_with(QUOTES) || value.ends_with(QUOTES) {
            Some(Self::Quote)
        } else {
            None
        }
    }
}

/// What was found that looks like settings of this crate, and is not read: for errors about what is
/// missing or unknown. It holds names only, no values.
///
/// `Display` is empty if nothing was found, and otherwise begins with `; `, to be appended to a
/// message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unread {
    /// The names of other variables that begin with `KALSHI_` and are not blank, sorted.
    pub variables: Vec<String>,
    /// Whether a file `.env` in the current directory sets such variables.
    pub dotenv: bool,
    /// Whether a shell that loads that file does nothing but assign variables. It would run the
    /// lines of a private key that is not quoted, and show them.
    can_be_loaded: bool,
}

impl Unread {
    /// Looks at the environment variables.
    ///
    /// ```
    /// use kalshi_api_keys::Unread;
    ///
    /// let unread = Unread::variables();
    /// assert!(!unread.variables.iter().any(|name| name == "KALSHI_API_KEY_ID"), "it is read");
    /// ```
    pub fn variables() -> Self {
        let mut variables: Vec<String> = std::env::vars_os()
            .filter(|(_, value)| !unquoted(&value.to_string_lossy()).is_empty())
            .filter_map(|(name, _)| name.into_string().ok())
            .filter(|name| is_unread(name))
            .collect();
        variables.sort();
        Self {
            variables,
            ..Self::default()
        }
    }

    /// Looks at the environment variables, and for a file `.env` in the current directory, of which
    /// at most 64 KiB are read.
    pub(crate) fn variables_and_dotenv() -> Self {
        let sets_variables = |text: &str| {
            text.lines()
                .map(|line| line.trim_start().trim_start_matches("export ").trim_start())
                .any(|line| line.starts_with(PREFIX))
        };
        let bytes = read_small_file(".env").map(|(bytes, _)| bytes);
        let bytes = bytes.unwrap_or_default();
        let text = str::from_utf8(&bytes).unwrap_or_default();
        Self {
            dotenv: sets_variables(text),
            can_be_loaded: only_assigns(text),
            ..Self::variables()
        }
    }
}

/// Returns whether a shell script consists of assignments of fixed values and of comments.
fn only_assigns(script: &str) -> bool {
    let mut rest = script.trim_start();
    while !rest.is_empty() {
        rest = match rest.strip_prefix('#') {
            Some(comment) => comment.split_once('\n').map_or("", |(_, next)| next),
            None => match after_assignment(rest) {
                Some(next) => next,
                None => return false,
            },
        };
        rest = rest.trim_start();
    }
    true
}

/// Returns what follows the assignment that a shell script begins with, which ends its line or
/// precedes a comment.
fn after_assignment(script: &str) -> Option<&str> {
    let (name, value) = script.split_once('=')?;
    let name = name.strip_prefix("export ").unwrap_or(name);
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty()
        || name.starts_with(|c: char| c.is_ascii_digit())
        || !name.chars().all(is_name)
    {
        return None;
    }
    let rest = if let Some(quoted) = value.strip_prefix('\'') {
        quoted.split_once('\'')?.1
    } else if let Some(quoted) = value.strip_prefix('"') {
        let (fixed, rest) = quoted.split_once('"')?;
        if fixed.contains(['$', '`']) || fixed.ends_with('\\') {
            return None;
        }
        rest
    } else {
        value.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "_-./:@%+,=".contains(c))
    };
    let rest = rest.trim_start_matches([' ', '\t', '\r']);
    (rest.is_empty() || rest.starts_with(['\n', '#'])).then_some(rest)
}

/// Returns whether a variable is meant for Kalshi, is not read, and has a name that can be shown.
fn is_unread(name: &str) -> bool {
    name.starts_with(PREFIX)
        && !VARIABLES.contains(&name)
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !could_be_key_material(name)
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LOAD: &str = if cfg!(windows) {
            r"Get-Content .env | ForEach-Object { if ($_ -match '^(?:export )?(\w+)=(.*)$') { Set-Item env:$($Matches[1]) $Matches[2] } }"
        } else {
            "set -a; . ./.env; set +a"
        };
        if !self.variables.is_empty() {
            write!(f, "; set, but not read: {}", self.variables.join(", "))?;
        }
        match (self.dotenv, self.can_be_loaded) {
            (false, _) => Ok(()),
            (true, true) => write!(
                f,
                "; the file .env in this directory is not read: load it with `{LOAD}`"
            ),
            (true, false) => f.write_str(
                "; the file .env in this directory is not read, and a shell would run parts of it: put each value in single quotes",
            ),
        }
    }
}
