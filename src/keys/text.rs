//! Finds keys, and the IDs of API keys, in text as people have it.
//!
//! Secret stores, environment variables, chat programs and deployment tools change the white space
//! of PEM text, escape it, quote it, or encode it once more. One pipeline reads all of that:
//!
//! 1. [`decode`] turns the bytes of a file into text.
//! 2. [`read`] finds everything between a BEGIN and an END line, and base64 or hexadecimal digits
//!    elsewhere. Escapes are resolved, white space and quotes are skipped, and the decoded bytes
//!    are read again if they are text with a key in turn.
//! 3. [`identify`](crate::keys::format::identify) tells what the bytes are, whatever the label
//!    says.
//!
//! Each step is linear in the length of the text, and copies of a key are zeroized.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use crate::keys::format;
use crate::keys::id::KEY_ID_HEADER;
use crate::keys::private::KeyError;

/// The number of times that a key may be encoded as base64 or hexadecimal digits.
const MAX_DEPTH: usize = 4;
/// The longest label of a PEM section, without white space.
const MAX_LABEL: usize = 64;
/// The longest ID; nothing longer is read.
const MAX_ID: usize = 1024;
/// The fewest bytes that are taken for a damaged key although they do not begin like one.
const MIN_DAMAGED: usize = 200;
/// How far from the beginning of its line a key or an ID is recognized as commented out.
const MAX_COMMENT: usize = 256;
/// The shortest line of wrapped base64 other than the last. Words are shorter.
const MIN_LINE: usize = 24;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// A part of a text.
pub(crate) enum Part {
    ApiKeyId(NamedId),
    Block(Block),
}

/// The ID of an API key that a text names.
pub(crate) struct NamedId {
    pub(crate) id: String,
    pub(crate) is_commented_out: bool,
}

/// A PEM section, or bytes of a known format that are encoded without BEGIN and END lines.
pub(crate) struct Block {
    /// The label of the BEGIN line in capitals and digits, without white space. Empty without one.
    pub(crate) label: String,
    /// The decoded bytes, or why there are none.
    pub(crate) bytes: Result<Zeroizing<Vec<u8>>, KeyError>,
    pub(crate) is_commented_out: bool,
}

/// Decodes the bytes of a file: UTF-8, UTF-16, UTF-32, or an extension of ASCII. A key in a binary
/// format becomes PEM text.
pub(crate) fn decode(bytes: &[u8]) -> Result<Zeroizing<String>, KeyError> {
    if let Some(format) = format::identify(bytes) {
        return Ok(to_pem(format.label(), bytes));
    }
    if let Some(text) = decode_wide(bytes) {
        return Ok(text);
    }
    if let Ok(text) = str::from_utf8(bytes) {
        return Ok(Zeroizing::new(text.to_owned()));
    }
    if bytes.windows(5).any(|window| window == b"BEGIN") {
        // A comment in some code page; the key itself is ASCII.
        let mut text = Zeroizing::new(String::with_capacity(2 * bytes.len()));
        text.extend(bytes.iter().map(|byte| char::from(*byte)));
        return Ok(text);
    }
    match bytes {
        [0x30, 0x81..=0x83, ..] => Err(KeyError::Damaged),
        _ if bytes.len() == format::SEED_LENGTH => Err(KeyError::RawEd25519 { decoder: "cat KEY" }),
        _ => Err(KeyError::NotUtf8),
    }
}

/// Decodes UTF-16 and UTF-32. Without a byte order mark, and in UTF-32, only ASCII is recognized.
fn decode_wide(bytes: &[u8]) -> Option<Zeroizing<String>> {
    match bytes {
        [0xff, 0xfe, 0, 0, rest @ ..] | [0, 0, 0xfe, 0xff, rest @ ..] => decode_wide_ascii(rest),
        [0xff, 0xfe, rest @ ..] => Some(decode_utf16(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Some(decode_utf16(rest, u16::from_be_bytes)),
        _ => decode_wide_ascii(bytes),
    }
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Zeroizing<String> {
    let (pairs, _) = bytes.as_chunks();
    let chars = char::decode_utf16(pairs.iter().map(|pair| unit(*pair)));
    let mut text = Zeroizing::new(String::with_capacity(2 * bytes.len()));
    text.extend(chars.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
    text
}

/// Decodes ASCII characters of two or four bytes in either byte order.
fn decode_wide_ascii(bytes: &[u8]) -> Option<Zeroizing<String>> {
    for (width, position) in [(4, 0), (4, 3), (2, 0), (2, 1)] {
        let is_ascii = |(n, byte): (usize, &u8)| {
            if n % width == position {
                matches!(byte, 1..=0x7f)
            } else {
                *byte == 0
            }
        };
        let is_whole = !bytes.is_empty() && bytes.len().is_multiple_of(width);
        if is_whole && bytes.iter().enumerate().all(is_ascii) {
            let mut text = Zeroizing::new(String::with_capacity(bytes.len() / width));
            let ascii = bytes.iter().skip(position).step_by(width);
            text.extend(ascii.map(|byte| char::from(*byte)));
            return Some(text);
        }
    }
    None
}

fn to_pem(label: &str, bytes: &[u8]) -> Zeroizing<String> {
    let mut pem = Zeroizing::new(String::with_capacity(2 * bytes.len() + 128));
    pem.extend(["-----BEGIN ", label, "-----\n"]);
    // A multiple of three bytes, so that only the last line can be padded.
    for line in bytes.chunks(48) {
        STANDARD.encode_string(line, &mut pem);
        pem.push('\n');
    }
    pem.extend(["-----END ", label, "-----\n"]);
    pem
}

/// Returns the IDs and keys in a text, in the order in which they appear.
pub(crate) fn read(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    read_nested(text, 0, &mut parts);
    parts
}

fn read_nested(text: &str, depth: usize, parts: &mut Vec<Part>) {
    let mut found = Found {
        depth,
        parts: Vec::new(),
    };
    found.other_formats(text);
    let markers = markers(text);
    found.ids(text, &markers);
    let mut position = 0;
    let mut markers = markers.iter().peekable();
    while let Some(marker) = markers.next() {
        // Markers whose dashes run into each other overlap.
        if let Some(between) = text.get(position..marker.start) {
            found.encoded(text, position, between);
        }
        position = marker.end;
        if !marker.is_begin {
            continue;
        }
        let next = markers.peek();
        let end = next.map_or(text.len(), |next| next.start.max(position));
        let is_terminated = next.is_some_and(|next| !next.is_begin);
        found.section(text, marker, &text[position..end], is_terminated);
        position = end;
        if is_terminated && let Some(end) = markers.next() {
            position = position.max(end.end);
        }
    }
    found.encoded(text, position, &text[position..]);
    found.parts.sort_by_key(|(position, _)| *position);
    parts.extend(found.parts.into_iter().map(|(_, part)| part));
}

/// Returns whether the line with this position begins with a comment sign.
fn is_commented_out(text: &str, position: usize) -> bool {
    let start = char_boundary(text, position.saturating_sub(MAX_COMMENT));
    let line = text[start..position]
        .rsplit('\n')
        .next()
        .unwrap_or_default();
    let line = line.trim_start();
    line.starts_with('#') || line.starts_with("//")
}

/// Returns the boundary between characters at or before a position.
fn char_boundary(text: &str, position: usize) -> usize {
    let mut before = (0..=position).rev();
    before.find(|n| text.is_char_boundary(*n)).unwrap_or(0)
}

/// What was found in a text so far, with its position.
struct Found {
    depth: usize,
    parts: Vec<(usize, Part)>,
}

impl Found {
    /// Adds the formats of text that are not read.
    fn other_formats(&mut self, text: &str) {
        if text.contains("PuTTY-User-Key-File") {
            self.block(0, String::new(), Err(KeyError::Putty), false);
        }
        if text.contains(r#""kty""#) || text.contains(r#""kty\""#) {
            self.block(0, String::new(), Err(KeyError::JsonWebKey), false);
        }
    }

    /// Adds a section: what stands between a BEGIN line and an END line.
    fn section(&mut self, text: &str, begin: &Marker, body: &str, is_terminated: bool) {
        let digits = Digits::of_section(body);
        let bytes = from_base64(&digits.base64);
        if self.nested(begin.start, &bytes) {
            return;
        }
        let is_empty = bytes.is_empty();
        let is_other_text = digits.has_other_text || digits.are_words() || is_secret(&bytes);
        let bytes = if digits.is_encrypted {
            Err(KeyError::Encrypted)
        } else if digits.are_uuid() {
            Err(KeyError::ApiKeyId)
        } else if is_empty && !is_terminated && !digits.has_other_text {
            Err(KeyError::OnlyBeginLine)
        } else if is_empty || (is_other_text && format::identify(&bytes).is_none()) {
            Err(KeyError::Placeholder)
        } else if !is_terminated {
            Err(KeyError::EndMissing)
        } else {
            Ok(bytes)
        };
        let is_commented_out = is_commented_out(text, begin.start);
        self.block(begin.start, begin.label.clone(), bytes, is_commented_out);
    }

    fn block(
        &mut self,
        position: usize,
        label: String,
        bytes: Result<Zeroizing<Vec<u8>>, KeyError>,
        is_commented_out: bool,
    ) {
        let block = Block {
            label,
            bytes,
            is_commented_out,
        };
        self.parts.push((position, Part::Block(block)));
    }

    /// Reads decoded bytes again if they are text with a BEGIN line.
    fn nested(&mut self, position: usize, bytes: &[u8]) -> bool {
        if self.depth == MAX_DEPTH || format::identify(bytes).is_some() {
            return false;
        }
        let Ok(text) = decode(bytes) else {
            return false;
        };
        let mut parts = Vec::new();
        read_nested(&text, self.depth + 1, &mut parts);
        let has_block = parts.iter().any(|part| matches!(part, Part::Block(_)));
        if has_block {
            self.parts
                .extend(parts.into_iter().map(|part| (position, part)));
        }
        has_block
    }

    /// Adds what is encoded outside sections. Lines of base64 are joined until something else
    /// follows.
    fn encoded(&mut self, text: &str, offset: usize, between: &str) {
        let mut run = Run {
            digits: Zeroizing::new(Vec::with_capacity(between.len())),
            position: offset,
            word: 0,
            line: 0,
        };
        let mut is_in_word = false;
        let mut chars = unescape(between).peekable();
        while let Some((position, c)) = chars.next() {
            if is_base64(c) {
                if !is_in_word {
                    if run.digits.len() - run.word < MIN_LINE {
                        self.end_of_run(text, &mut run);
                    }
                    if run.digits.is_empty() {
                        run.position = offset + position;
                    }
                    run.word = run.digits.len();
                    is_in_word = true;
                }
                run.digits.push(c as u8);
                continue;
            }
            is_in_word = false;
            match c {
                '\n' => run.line = run.digits.len(),
                ':' => {
                    run.drop_line();
                    self.end_of_run(text, &mut run);
                }
                '=' => {
                    while chars
                        .next_if(|(_, c)| matches!(c, '=' | '"' | '\''))
                        .is_some()
                    {}
                    // Otherwise it is the padding.
                    if chars.peek().is_some_and(|(_, c)| is_base64(*c)) {
                        run.drop_line();
                    }
                    self.end_of_run(text, &mut run);
                }
                c if is_padding(c) => {}
                _ => self.end_of_run(text, &mut run),
            }
        }
        self.end_of_run(text, &mut run);
    }

    /// Adds a run of digits if it is something known, with or without a last word that may not
    /// belong to it.
    fn end_of_run(&mut self, text: &str, run: &mut Run) {
        let last_word = run.word;
        let is_known = self.run(text, run.position, &run.digits);
        if !is_known && (1..run.digits.len()).contains(&last_word) {
            self.run(text, run.position, &run.digits[..last_word]);
        }
        run.digits.clear();
        run.word = 0;
        run.line = 0;
    }

    fn run(&mut self, text: &str, position: usize, digits: &[u8]) -> bool {
        if digits.len() < MIN_LINE {
            return false;
        }
        let hexadecimal = from_hexadecimal(digits);
        for bytes in hexadecimal.into_iter().chain([from_base64(digits)]) {
            if self.nested(position, &bytes) {
                return true;
            }
            if format::identify(&bytes).is_some() {
                let is_commented_out = is_commented_out(text, position);
                self.block(position, String::new(), Ok(bytes), is_commented_out);
                return true;
            }
        }
        false
    }

    /// Adds the IDs that the text names: in the line of a key file, a JSON object, an assignment.
    fn ids(&mut self, text: &str, markers: &[Marker]) {
        let mut markers = markers.iter().peekable();
        let mut from = 0;
        while let Some(separator) = text[from..].find([':', '=']).map(|n| from + n) {
            let line = text[from..separator]
                .rsplit('\n')
                .next()
                .unwrap_or_default();
            let name = NameOfId::at_the_end_of(line);
            from = separator + 1;
            let Some(name) = name else {
                continue;
            };
            // A BEGIN line may follow on the same line.
            while markers.next_if(|marker| marker.start < from).is_some() {}
            let end = markers.peek().map_or(text.len(), |marker| marker.start);
            let value = first_line(&text[from..char_boundary(text, end.min(from + MAX_ID))]);
            from += value.len();
            let id = match name {
                NameOfId::Header => Some(value.trim_matches(is_padding).to_owned()),
                NameOfId::Other { uuid_only } => {
                    id_in_value(value).filter(|id| !uuid_only || is_uuid(id))
                }
            };
            if let Some(id) = id {
                let is_commented_out = is_commented_out(text, separator);
                let id = NamedId {
                    id,
                    is_commented_out,
                };
                self.parts.push((separator, Part::ApiKeyId(id)));
            }
        }
    }
}

/// Base64 or hexadecimal digits outside sections.
struct Run {
    digits: Zeroizing<Vec<u8>>,
    /// Where it begins in the text.
    position: usize,
    /// The index of the first digit of its last word.
    word: usize,
    /// The index of the first digit of its last line.
    line: usize,
}

impl Run {
    /// Removes the digits of the last line, which turned out to be a name.
    fn drop_line(&mut self) {
        self.digits.truncate(self.line);
        self.word = 0;
    }
}

/// The base64 digits of a section, in the standard alphabet and without padding.
struct Digits {
    base64: Zeroizing<Vec<u8>>,
    /// Set if there are characters that neither base64 nor any means of transport has.
    has_other_text: bool,
    is_encrypted: bool,
}

impl Digits {
    fn of_section(body: &str) -> Self {
        let mut digits = Self {
            base64: Zeroizing::new(Vec::with_capacity(body.len())),
            has_other_text: false,
            is_encrypted: body.contains("Proc-Type") && body.contains("ENCRYPTED"),
        };
        let mut line = 0;
        let mut is_header = false;
        // The BEGIN line may end in one.
        let mut after_quote = true;
        let mut is_padded = false;
        let mut chars = unescape(body).peekable();
        while let Some((_, c)) = chars.next() {
            let follows_quote = std::mem::replace(&mut after_quote, matches!(c, '"' | '\''));
            match c {
                '\n' => {
                    line = digits.base64.len();
                    is_header = false;
                    after_quote = follows_quote;
                }
                ':' => {
                    digits.base64.truncate(line);
                    is_header = true;
                }
                _ if is_header => {}
                '=' => is_padded = true,
                // Between the string literals of a program.
                '+' if follows_quote && chars.peek().is_none_or(|(_, next)| is_padding(*next)) => {}
                ' ' => after_quote = follows_quote,
                // Whatever follows the padding belongs to an encoding of it, such as `=3D`.
                c if is_base64(c) && !is_padded => digits.base64.push(match c {
                    '-' => b'+',
                    '_' => b'/',
                    c => c as u8,
                }),
                '.' | '…' | '<' | '{' | '}' | '*' | '•' => digits.has_other_text = true,
                _ => {}
            }
        }
        digits
    }

    fn are_uuid(&self) -> bool {
        let text = str::from_utf8(&self.base64).unwrap_or_default();
        text.len() < 40 && is_uuid(&text.replace('+', "-"))
    }

    /// Returns whether these are letters alone, as no key consists of.
    fn are_words(&self) -> bool {
        !self.base64.iter().any(u8::is_ascii_digit)
    }
}

/// A BEGIN or END line, wherever it stands.
struct Marker {
    is_begin: bool,
    label: String,
    /// Its position in the text, in bytes.
    start: usize,
    end: usize,
}

/// Finds BEGIN and END lines. White space, escapes and quotes do not count, and other dashes count
/// as hyphens.
fn markers(text: &str) -> Vec<Marker> {
    let mut compact = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut positions = Vec::with_capacity(text.len());
    for (position, c) in unescape(text) {
        if is_padding(c) {
            continue;
        }
        let bytes: &[u8] = match c {
            // Programs turn two hyphens into a dash.
            _ if is_dash(c) => b"--",
            _ if c.is_ascii() => &[c as u8],
            _ => b"?",
        };
        for byte in bytes {
            compact.push(*byte);
            positions.push(position);
        }
    }
    let position = |index: usize| positions.get(index).copied().unwrap_or(text.len());
    let hyphens = |bytes: &[u8]| bytes.iter().take_while(|byte| **byte == b'-').count();
    let is_label = |byte: &&u8| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'+' | b'_');

    let mut markers = Vec::new();
    let mut index = 0;
    while index < compact.len() {
        let rest = &compact[index..];
        let is_begin = rest.starts_with(b"BEGIN");
        if !is_begin && !rest.starts_with(b"END") {
            index += 1;
            continue;
        }
        let word = if is_begin { "BEGIN".len() } else { "END".len() };
        let before = compact[..index]
            .iter()
            .rev()
            .take(5)
            .take_while(|byte| **byte == b'-');
        let before = before.count();
        let rest = &rest[word..];
        let mut label = rest.iter().take(MAX_LABEL).take_while(is_label).count();
        let mut after = hyphens(&rest[label..]);
        if after == 0 {
            // Without hyphens, the label ends with its last word.
            let known = rest[..label].windows(3).position(|window| window == b"KEY");
            label = known.map_or(if before == 0 { 0 } else { label }, |start| start + 3);
            after = hyphens(&rest[label..]);
        }
        let is_key = rest[..label].ends_with(b"KEY");
        if before >= 2 || (is_key && after >= 2) {
            let letters = rest[..label]
                .iter()
                .filter(|byte| byte.is_ascii_alphanumeric());
            // The base64url digits after an END line are not part of it.
            let after = if is_begin { after } else { after.min(5) };
            let end = index + word + label + after;
            markers.push(Marker {
                is_begin,
                label: letters.map(|byte| char::from(*byte)).collect(),
                start: position(index - before),
                end: position(end),
            });
            index = end;
        } else {
            index += word;
        }
    }
    markers
}

/// Returns the characters of a text with their positions, and resolves escapes: of JSON, shells and
/// programs (`\n` after any number of backslashes), of URLs and of HTML.
fn unescape(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut position = 0;
    std::iter::from_fn(move || {
        loop {
            let start = position;
            let rest = &text[start..];
            let first = rest.chars().next()?;
            let escape = match first {
                '\\' | '`' => backslash_escape(rest),
                '%' => percent_escape(rest),
                '&' => html_escape(rest),
                '^' if rest.starts_with("^M") => Some((2, Some('\n'))),
                _ => None,
            };
            let (length, c) = escape.unwrap_or((first.len_utf8(), Some(first)));
            position += length;
            if let Some(c) = c {
                // A line that ends in CR alone, as in `\r`.
                return Some((start, if c == '\r' { '\n' } else { c }));
            }
        }
    })
}

/// Returns the length of an escape, and its character unless it is to be skipped.
type Escape = Option<(usize, Option<char>)>;

fn backslash_escape(text: &str) -> Escape {
    let escaped = text.trim_start_matches(['\\', '`']);
    let backslashes = text.len() - escaped.len();
    let hexadecimal = |digits: usize| -> Option<(usize, Option<char>)> {
        let digits = escaped.get(1..=digits)?;
        let c = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
        let length = backslashes + 1 + digits.len();
        Some((length, Some(c).filter(|c| *c != '\\')))
    };
    let escape = match escaped.chars().next() {
        Some('n' | 'r') => Some((backslashes + 1, Some('\n'))),
        Some('t') => Some((backslashes + 1, Some('\t'))),
        Some('u') => hexadecimal(4),
        Some('x') => hexadecimal(2),
        Some('0') if escaped.starts_with("012") || escaped.starts_with("015") => {
            Some((backslashes + 3, Some('\n')))
        }
        _ => None,
    };
    escape.or(Some((backslashes, None)))
}

fn percent_escape(text: &str) -> Escape {
    // `%25` is a percent sign that was escaped in turn.
    let escaped = text[1..].trim_start_matches("25");
    let byte = u8::from_str_radix(escaped.get(..2)?, 16).ok()?;
    let length = text.len() - escaped.len() + 2;
    byte.is_ascii().then_some((length, Some(char::from(byte))))
}

fn html_escape(text: &str) -> Escape {
    let escaped = text[1..].trim_start_matches("amp;");
    let before = text.len() - escaped.len();
    let end = escaped.bytes().take(8).position(|byte| byte == b';')?;
    let c = match &escaped[..end] {
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "gt" => '>',
        number => {
            let number = number.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)?
        }
    };
    Some((before + end + 1, Some(c)))
}

fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_')
}

fn is_dash(c: char) -> bool {
    matches!(
        c,
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}'
    )
}

/// Returns whether a character may stand around a value: white space, quotes, and what is
/// invisible.
pub(crate) fn is_padding(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(
            c,
            '"' | '\'' | '`' | '“' | '”' | '„' | '‘' | '’' | '«' | '»'
                | '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{2064}' | '\u{feff}'
        )
}

/// Decodes base64 digits of either alphabet.
fn from_base64(digits: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut standard = Zeroizing::new(Vec::with_capacity(digits.len()));
    standard.extend(digits.iter().map(|digit| match digit {
        b'-' => b'+',
        b'_' => b'/',
        digit => *digit,
    }));
    if standard.len() % 4 == 1 {
        standard.pop();
    }
    let mut bytes = Zeroizing::new(vec![0; standard.len()]);
    // Other characters decode to nothing.
    let length = BASE64.decode_slice(&*standard, &mut bytes).unwrap_or(0);
    bytes.truncate(length);
    bytes
}

fn from_hexadecimal(digits: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(digits.len() / 2));
    for pair in digits.chunks(2) {
        let [high, low] = pair else {
            return None;
        };
        let high = char::from(*high).to_digit(16)?;
        let low = char::from(*low).to_digit(16)?;
        bytes.push((high * 16 + low) as u8);
    }
    Some(bytes)
}

/// Returns whether bytes of no known format are rather another secret than a damaged key, which
/// begins like a key or is longer.
fn is_secret(bytes: &[u8]) -> bool {
    bytes.len() < MIN_DAMAGED
        && bytes.len() != format::SEED_LENGTH
        && !format::begins_like_a_key(bytes)
}

/// Returns the shell command that decodes a file with this text, if that consists of 32 bytes in
/// hexadecimal or base64 digits.
pub(crate) fn decoder_of_seed(text: &str) -> Option<&'static str> {
    let is_name = |text: &str| !text.contains(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let value = match text.split_once(['=', ':']) {
        Some((name, value)) if is_name(name.trim()) && !value.trim_matches('=').is_empty() => value,
        _ => text,
    };
    let value = value.trim_matches(is_padding).trim_end_matches('=');
    let has = |is: fn(&u8) -> bool| value.as_bytes().iter().any(is);
    let is_url_safe = value.contains(['-', '_']);
    match value.len() {
        64 if value.bytes().all(|byte| byte.is_ascii_hexdigit()) && has(u8::is_ascii_digit) => {
            Some("xxd -r -p KEY")
        }
        43 if !value.chars().all(is_base64) => None,
        // Words and paths have no digits, or are in one case.
        43 if !(has(u8::is_ascii_digit)
            && has(u8::is_ascii_lowercase)
            && has(u8::is_ascii_uppercase)) =>
        {
            None
        }
        43 if is_url_safe => Some("tr -- -_ +/ <KEY | base64 -d"),
        43 => Some("base64 -d KEY"),
        _ => None,
    }
}

/// Returns whether text has the form of a UUID, as IDs of API keys have.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(n, byte)| match n {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The name before the ID of an API key.
enum NameOfId {
    /// [`KEY_ID_HEADER`]: the line is ours.
    Header,
    /// A name of a JSON member, a variable or a label. `KALSHI_API_KEY` is also used for the key.
    Other { uuid_only: bool },
}

impl NameOfId {
    /// Reads the name in front of a `:` or `=`.
    fn at_the_end_of(line: &str) -> Option<Self> {
        // Long enough for every name.
        let start = line.char_indices().rev().map(|(n, _)| n).take(64).last()?;
        let is_joint = |c: char| is_padding(c) || c == '\\';
        let line = line[start..].trim_end_matches(is_joint);
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' ');
        let name = &line[line.trim_end_matches(is_name).len()..];
        let words: Vec<&str> = name.split_ascii_whitespace().collect();
        if words.last()?.eq_ignore_ascii_case(KEY_ID_HEADER) {
            return Some(Self::Header);
        }
        (1..=words.len().min(4)).find_map(|count| {
            let mut name = words[words.len() - count..].concat();
            name.retain(|c| c.is_ascii_alphanumeric());
            name.make_ascii_lowercase();
            let is_variable = name.starts_with("kalshi") && name.ends_with("keyid");
            match name.as_str() {
                "apikeyid" => Some(Self::Other { uuid_only: false }),
                "keyid" if count == 1 => Some(Self::Other { uuid_only: false }),
                "kalshiapikey" => Some(Self::Other { uuid_only: true }),
                _ if is_variable => Some(Self::Other { uuid_only: false }),
                _ => None,
            }
        })
    }
}

/// Returns a text up to its first line end, which may be escaped.
fn first_line(text: &str) -> &str {
    let line = text.split(['\n', '\r']).next().unwrap_or_default();
    let escaped = ["\\n", "\\r", "\\u000"];
    match escaped.iter().filter_map(|end| line.find(end)).min() {
        Some(end) => line[..end].trim_end_matches('\\'),
        None => line,
    }
}

/// Returns the ID in the value of a JSON member, an assignment or a line of YAML; `None` if it is
/// empty, null or prose.
fn id_in_value(value: &str) -> Option<String> {
    let value = value.trim_start_matches([' ', '\t', '\\']);
    let quoted = value.strip_prefix(['"', '\'']);
    let id = match quoted {
        Some(quoted) => quoted.split(['"', '\'', '\\']).next().unwrap_or_default(),
        None => {
            let uncommented = value.split(" #").next().unwrap_or_default();
            uncommented.trim_end_matches([',', ';', '}', ']', ' ', '\t'])
        }
    };
    let id = id.trim_matches(is_padding);
    if id.is_empty() || id == "null" || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    // Secrets of Kubernetes encode every value.
    let decoded = from_base64(id.trim_end_matches('=').as_bytes());
    match str::from_utf8(&decoded) {
        Ok(decoded) if is_uuid(decoded.trim()) => Some(decoded.trim().to_owned()),
        _ => Some(id.to_owned()),
    }
}
