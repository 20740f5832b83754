//! Makes foreign text fit to show, and recognizes key material in it.
//!
//! *Evidence* proves that a text holds a private key, in whichever encoding: a PEM marker, the
//! header of a private key in DER, or bytes of a key that has just been received. IDs, names and
//! everything else from the service are judged by evidence. A *guess* is for what people mistype:
//! an argument, an environment variable, or the prose of an error message.

use std::borrow::Cow;
use std::collections::HashSet;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use crate::text::{MAX_PRINTABLE_CHARS, escape};
use crate::types::PrivateKeyPem;

/// Stands in place of a text that holds key material.
pub(crate) const REDACTED: &str = "[REDACTED]";

/// The most characters that are shown of a message.
const MAX_MESSAGE_CHARS: usize = 500;

/// How many bytes of a value are searched for evidence. Several times what is shown of it.
const MAX_SEARCHED: usize = 8 * 1024;

/// The shortest run of base64 or hexadecimal digits that is taken for key material. An Ed25519 key
/// has 64 digits of base64, a line of PEM 64, an API key ID 36.
const MIN_KEY_RUN: usize = 60;

/// The shortest run of digits that is decoded.
const MIN_DECODED_RUN: usize = 10;

/// How many encodings around a key are removed, such as base64 of a PEM file, whose body is base64.
const MAX_NESTING: usize = 2;

/// How many consecutive bytes of a known private key are evidence.
const KEY_WINDOW: usize = 8;

/// The bytes at the beginning of a PKCS#8 Ed25519 key, which are the same in all of them. Those of
/// RSA keys are shorter.
const SHARED_HEADER: usize = 16;

/// Makes foreign text fit to show: on one line, visible, shortened, and without key material.
///
/// A text that holds a private key or the beginning of one becomes `[REDACTED]` as a whole. The
/// evidence is exact: a PEM marker, or the DER header of a private key in base64 or hexadecimal.
/// Other long IDs and names are shown. Given a private key that has just been received, texts that
/// contain eight consecutive bytes of it, in whichever encoding, are redacted as well.
///
/// ```
/// use kalshi_api_keys::{KeyAlgorithm, KeyPair, text::Redactor};
///
/// let received = KeyPair::generate(KeyAlgorithm::Ed25519)?.private_key_pem()?;
/// let part = &received.expose_secret()[60..80];
/// assert_eq!(Redactor::with_key(&received).printable(part), "[REDACTED]");
/// assert_eq!(Redactor::new().printable(received.expose_secret()), "[REDACTED]");
/// let id = "7f".repeat(32);
/// assert_eq!(Redactor::with_key(&received).printable(&id), id);
/// # Ok::<(), kalshi_api_keys::KeyPairError>(())
/// ```
#[derive(Default)]
pub struct Redactor {
    /// What the known key may stand for, decoded, without the header that other keys share.
    known: Vec<Zeroizing<Vec<u8>>>,
}

impl Redactor {
    /// Returns a redactor that knows no private key.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a redactor that also recognizes parts of `key`.
    pub fn with_key(key: &PrivateKeyPem) -> Self {
        let mut known = Vec::new();
        for_each_decoding(&pem_body(key.expose_secret()), &mut |der| {
            let secret = der.get(SHARED_HEADER..).unwrap_or_default();
            known.push(Zeroizing::new(secret.to_vec()));
        });
        Self { known }
    }

    /// Returns a value, such as an ID or a name, fit to be shown inside a line: without key
    /// material, escaped as by [`escape`], and shortened to its first [`MAX_PRINTABLE_CHARS`]
    /// characters and `…`.
    pub fn printable<'a>(&self, value: &'a str) -> Cow<'a, str> {
        if self.has_evidence(value) {
            return REDACTED.into();
        }
        shorten(value, MAX_PRINTABLE_CHARS)
    }

    /// Returns a message, such as a warning of the service, as [`printable`](Self::printable) does
    /// a value: with up to 500 characters, and redacted on a guess as well, because a message has
    /// no use for a long run of base64.
    pub fn message<'a>(&self, message: &'a str) -> Cow<'a, str> {
        if self.has_evidence(message) || has_random_run(message) {
            return REDACTED.into();
        }
        shorten(message, MAX_MESSAGE_CHARS)
    }

    fn has_evidence(&self, text: &str) -> bool {
        let windows = self.known.iter().flat_map(|key| key.windows(KEY_WINDOW));
        let windows: HashSet<&[u8]> = windows.collect();
        let is_known = |window: &[u8]| windows.contains(window);
        let searched = &text.as_bytes()[..text.len().min(MAX_SEARCHED)];
        any_reading(searched, MAX_NESTING, &|bytes| {
            is_private_key(bytes) || bytes.windows(KEY_WINDOW).any(is_known)
        })
    }
}

fn shorten(text: &str, max_chars: usize) -> Cow<'_, str> {
    match text.char_indices().nth(max_chars) {
        None => escape(text),
        Some((end, _)) => Cow::Owned(format!("{}…", escape(&text[..end]))),
    }
}

/// Returns whether `text` holds a private key or the beginning of one. This is evidence, not a
/// guess.
pub(crate) fn contains_private_key(text: &str) -> bool {
    any_reading(text.as_bytes(), MAX_NESTING, &is_private_key)
}

/// Returns whether `text` could be a private key or a part of one, by a guess.
pub(crate) fn could_be_key_material(text: &str) -> bool {
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/-_=".contains(c);
    let is_long = |run: &&str| run.len() >= MIN_KEY_RUN;
    text.contains("-----")
        || text
            .split(|c: char| !c.is_ascii_hexdigit())
            .filter(is_long)
            .any(|run| run.contains(|c: char| c.is_ascii_digit()))
        || text
            .split(|c| !is_base64(c))
            .filter(is_long)
            .any(has_digits_and_both_cases)
        || contains_private_key(text)
}

/// Returns whether a run of base64 digits is unlike words and paths, most of which are in one case.
fn has_digits_and_both_cases(run: &str) -> bool {
    let any = |is: fn(&u8) -> bool| run.as_bytes().iter().any(is);
    any(u8::is_ascii_digit) && any(u8::is_ascii_lowercase) && any(u8::is_ascii_uppercase)
}

/// Returns whether a text contains a long run of base64 digits in which lower case, upper case and
/// digits alternate as they do in random bytes, and not in words joined by underscores.
fn has_random_run(text: &str) -> bool {
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/-_".contains(c);
    text.split(|c| !is_base64(c))
        .filter(|run| run.len() >= MIN_KEY_RUN && has_digits_and_both_cases(run))
        .any(|run| {
            let class = |byte: u8| (byte.is_ascii_uppercase(), byte.is_ascii_digit());
            let bytes: Vec<u8> = run.bytes().filter(u8::is_ascii_alphanumeric).collect();
            let changes = bytes
                .windows(2)
                .filter(|pair| class(pair[0]) != class(pair[1]));
            // Two of three in random base64, one of ten in words.
            changes.count() * 3 > bytes.len()
        })
}

/// Returns whether `is_found` holds for a text as it stands, without white space and escapes, or
/// decoded from base64 or hexadecimal.
fn any_reading(text: &[u8], nesting: usize, is_found: &dyn Fn(&[u8]) -> bool) -> bool {
    let compact = compact(text);
    if is_found(text) || is_found(&compact) {
        return true;
    }
    let mut found = false;
    if nesting > 0 {
        for_each_decoding(&compact, &mut |decoded| {
            found = found || any_reading(decoded, nesting - 1, is_found);
        });
    }
    found
}

/// Removes white space, and backslashes with the letter of a line end or a tab.
fn compact(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut compact = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut is_escape = false;
    for &byte in text {
        if byte == b'\\' {
            is_escape = true;
            continue;
        }
        let is_escaped_space = is_escape && matches!(byte, b'n' | b'r' | b't');
        is_escape = false;
        if !byte.is_ascii_whitespace() && !is_escaped_space {
            compact.push(byte);
        }
    }
    compact
}

/// Calls `use_bytes` with what each run of base64 or hexadecimal digits may stand for. A run may
/// begin in the middle of what was encoded, or with letters that precede it.
fn for_each_decoding(compact: &[u8], use_bytes: &mut dyn FnMut(&[u8])) {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);

    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    for run in compact.split(|byte| !is_base64(byte)) {
        if run.len() < MIN_DECODED_RUN {
            continue;
        }
        let standard: Zeroizing<Vec<u8>> = Zeroizing::new(
            run.iter()
                .map(|byte| match byte {
                    b'-' => b'+',
                    b'_' => b'/',
                    byte => *byte,
                })
                .collect(),
        );
        for start in 0..4 {
            let digits = &standard[start..];
            // A single digit at the end stands for no whole byte.
            let whole = digits.len() - usize::from(digits.len() % 4 == 1);
            if let Ok(bytes) = BASE64.decode(&digits[..whole]) {
                use_bytes(&Zeroizing::new(bytes));
            }
        }
    }

    // `openssl` separates bytes by colons.
    let digits: Zeroizing<Vec<u8>> = Zeroizing::new(
        compact
            .iter()
            .copied()
            .filter(|byte| *byte != b':')
            .collect(),
    );
    for run in digits.split(|byte| !byte.is_ascii_hexdigit()) {
        if run.len() < MIN_DECODED_RUN {
            continue;
        }
        for start in 0..2 {
            use_bytes(&Zeroizing::new(
                run[start..]
                    .chunks_exact(2)
                    .map(hex_byte)
                    .collect::<Vec<_>>(),
            ));
        }
    }
}

/// Decodes two hexadecimal digits.
fn hex_byte(pair: &[u8]) -> u8 {
    let value = |digit: u8| char::from(digit).to_digit(16).unwrap_or_default() as u8;
    pair.iter().fold(0, |byte, digit| byte << 4 | value(*digit))
}

/// Returns whether bytes contain a PEM marker of a private key, or the header of one in DER.
fn is_private_key(bytes: &[u8]) -> bool {
    let contains = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    contains(b"PRIVATEKEY-----")
        || contains(b"-----BEGIN") && contains(b"PRIVATE")
        || (0..bytes.len()).any(|start| is_private_key_der(&bytes[start..]))
}

/// Returns whether bytes begin like PKCS#8, PKCS#1 or SEC 1: a sequence of a version and what only
/// follows it in a private key.
fn is_private_key_der(bytes: &[u8]) -> bool {
    const SEQUENCE: u8 = 0x30;
    const INTEGER_OF_ONE_BYTE: [u8; 2] = [0x02, 0x01];
    let Some(content) = bytes.strip_prefix(&[SEQUENCE]).and_then(skip_length) else {
        return false;
    };
    let Some([version, rest @ ..]) = content.strip_prefix(&INTEGER_OF_ONE_BYTE) else {
        return false;
    };
    match (version, rest) {
        // PKCS#8: the algorithm, a sequence that begins with an object identifier.
        (0 | 1, [SEQUENCE, algorithm @ ..]) => {
            skip_length(algorithm).is_some_and(|algorithm| algorithm.starts_with(&[0x06]))
        }
        // PKCS#1: the modulus, an integer of more than 127 bytes.
        (0, [0x02, 0x81 | 0x82, ..]) => true,
        // SEC 1: the key, an octet string of 16 to 127 bytes.
        (1, [0x04, 16..=127, ..]) => true,
        _ => false,
    }
}

/// Skips the length of a DER value, of up to 64 KiB.
fn skip_length(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [0..=0x7f, rest @ ..] | [0x81, _, rest @ ..] | [0x82, _, _, rest @ ..] => Some(rest),
        _ => None,
    }
}

/// Returns what stands between the BEGIN and END lines of PEM text, or else the whole text, without
/// white space.
fn pem_body(pem: &str) -> Zeroizing<Vec<u8>> {
    let body = pem
        .split_once("-----BEGIN")
        .and_then(|(_, rest)| rest.split_once("-----"))
        .map_or(pem, |(_, rest)| rest);
    let body = body.split("-----END").next().unwrap_or_default();
    compact(body.as_bytes())
}
