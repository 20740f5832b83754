//! Makes text from elsewhere safe to show: names, scopes, IDs, file names, messages of the service.
//!
//! [`printable`] is for a value inside a line, [`quoted_path`] for a path, [`escape`] for a whole
//! line. [`Redactor`] is for what arrives with a private key. [`contains_private_key`] proves that
//! a text must not be shown at all, and [`could_be_key_material`] guesses it of an argument.
//! [`unquoted`] trims what people give, [`with_causes`] formats an error, and [`clock_skew`] the
//! difference of two clocks.

use std::borrow::Cow;
use std::error::Error;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::redact;
pub use crate::redact::Redactor;

/// The most characters that [`printable`] shows of a value.
pub const MAX_PRINTABLE_CHARS: usize = 200;

/// Returns `text` on one line, with every character visible: control and format characters
/// (bidirectional overrides, zero-width characters, tags), separators other than the space, private
/// and unassigned code points become escapes.
///
/// ```
/// use kalshi_api_keys::text::escape;
///
/// assert_eq!(escape("desk\u{1b}[31m\n"), r"desk\u{1b}[31m\n");
/// assert_eq!(escape("nimda\u{202e}"), r"nimda\u{202e}");
/// assert_eq!(escape("Zoë's “desk”"), "Zoë's “desk”");
/// ```
///
/// Text that was escaped before stays as it is: a backslash is visible and is not escaped.
pub fn escape(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_visible) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_visible(c) {
            escaped.push(c)
        } else {
            escaped.extend(c.escape_default())
        }
    }
    Cow::Owned(escaped)
}

/// Returns a value from elsewhere, such as an ID or a name, fit to be shown inside a line: as
/// [`Redactor::printable`] does without a key.
///
/// ```
/// use kalshi_api_keys::text::printable;
///
/// assert_eq!(printable(&"a".repeat(201)), "a".repeat(200) + "…");
/// assert_eq!(printable("-----BEGIN PRIVATE KEY-----"), "[REDACTED]");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    Redactor::new().printable(text)
}

/// Returns a path in quotation marks, escaped as by [`escape`]: unlike `Debug`, with single
/// backslashes on Windows.
///
/// ```
/// use kalshi_api_keys::text::quoted_path;
///
/// assert_eq!(quoted_path(r"C:\Users\me\kalshi.pem"), r#""C:\Users\me\kalshi.pem""#);
/// ```
pub fn quoted_path(path: impl AsRef<Path>) -> String {
    format!("\"{}\"", escape(&path.as_ref().to_string_lossy()))
}

/// Returns a value without white space around it, and without one pair of quotation marks, straight
/// or typographic, as `.env` files, panels and shells of other systems leave them.
///
/// ```
/// use kalshi_api_keys::text::unquoted;
///
/// assert_eq!(unquoted(" 'demo'\r\n"), "demo");
/// assert_eq!(unquoted("“ demo ”"), "demo");
/// assert_eq!(unquoted("\"demo"), "\"demo", "not a pair");
/// assert_eq!(unquoted("\" \""), "");
/// ```
pub fn unquoted(text: &str) -> &str {
    /// Characters that make a pair: which one begins a quotation depends on the language.
    const PAIRS: [&str; 4] = ["\"", "'", "“”„‟«»", "‘’‚‛‹›"];
    // A byte order mark and a zero-width space are not white space of Unicode.
    let is_blank = |c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}');
    let text = text.trim_matches(is_blank);
    PAIRS
        .iter()
        .find_map(|marks| {
            let rest = text.strip_prefix(|c| marks.contains(c))?;
            rest.strip_suffix(|c| marks.contains(c))
        })
        .map_or(text, |inner| inner.trim_matches(is_blank))
}

/// Returns whether `text` could be a private key or a part of one, in any common encoding: PEM with
/// or without its `BEGIN` line, or DER in base64, base64url or hexadecimal. Such text does not
/// belong in an error message.
///
/// It errs on the side of caution: a long path in mixed case is taken for a key, too.
///
/// ```
/// use kalshi_api_keys::text::could_be_key_material;
///
/// assert!(could_be_key_material("-----BEGIN PRIVATE KEY-----"));
/// assert!(!could_be_key_material("a952bcbe-ec3b-4b5b-b8f9-11dae589608c"));
/// assert!(!could_be_key_material("/home/me/.config/kalshi/production.pem"));
/// ```
pub fn could_be_key_material(text: &str) -> bool {
    redact::could_be_key_material(text)
}

/// Returns whether `text` holds a private key or the beginning of one: a PEM marker, or the DER
/// header of a private key (PKCS#8, PKCS#1 or SEC 1) in base64, base64url or hexadecimal.
///
/// Unlike [`could_be_key_material`], this is no guess, and never true of an ID:
///
/// ```
/// use kalshi_api_keys::text::{contains_private_key, could_be_key_material};
///
/// assert!(contains_private_key("-----BEGIN PRIVATE KEY-----"));
/// let id = "7f".repeat(32);
/// assert!(could_be_key_material(&id) && !contains_private_key(&id));
/// ```
pub fn contains_private_key(text: &str) -> bool {
    redact::contains_private_key(text)
}

/// Returns an error and its causes in one line: `what happened: cause; what to do next`.
///
/// ```
/// use kalshi_api_keys::{Credentials, text::with_causes};
///
/// let error = Credentials::from_pem("an-id", "-----BEGIN CERTIFICATE-----").unwrap_err();
/// assert!(with_causes(&error).starts_with("cannot use the private key: a certificate; provide the private key"));
/// ```
pub fn with_causes(error: &dyn Error) -> String {
    let message = error.to_string();
    let Some(source) = error.source() else {
        return message;
    };
    match message.split_once("; ") {
        Some((what, advice)) => format!("{what}: {}; {advice}", with_causes(source)),
        None => format!("{message}: {}", with_causes(source)),
    }
}

/// What is added to a `Date` header, which is truncated to whole seconds: on average, half of one
/// has passed since.
pub(crate) const DATE_TRUNCATION: Duration = Duration::from_millis(500);

/// Returns how far a clock that shows `now` is from the service's, by the `Date` of a response that
/// has just arrived, such as `41 s behind the service's`. `None` if they agree, as far as a date in
/// whole seconds shows it.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use kalshi_api_keys::text::clock_skew;
///
/// let now = SystemTime::now();
/// assert_eq!(clock_skew(now - Duration::from_secs(60), now).unwrap(), "60 s ahead of the service's");
/// assert_eq!(clock_skew(now, now), None);
/// ```
pub fn clock_skew(date: SystemTime, now: SystemTime) -> Option<String> {
    let (skew, side) = match (date + DATE_TRUNCATION).duration_since(now) {
        Ok(behind) => (behind, "behind"),
        Err(ahead) => (ahead.duration(), "ahead of"),
    };
    // Rounded.
    match (skew + Duration::from_millis(500)).as_secs() {
        0 | 1 => None,
        seconds => Some(format!("{seconds} s {side} the service's")),
    }
}

/// Returns whether a character is printable. For characters other than ASCII, the standard library
/// knows.
fn is_visible(c: char) -> bool {
    if c.is_ascii() {
        return c == ' ' || c.is_ascii_graphic();
    }
    // At its beginning, a text has combining characters escaped as well.
    let text = String::from_iter(['.', c]);
    text.escape_debug().eq(text.chars())
}
