//! The line of a key file that names its API key. It stands before the PEM text, where RFC 7468 allows explanatory text.

use crate::key::{KeyError, lines};
use crate::text::could_be_key_material;

/// The name of that line: `Kalshi-API-Key-ID: a952bcbe-…`.
pub(crate) const KEY_ID_HEADER: &str = "Kalshi-API-Key-ID";

/// Returns whether an ID can be sent and shown: visible ASCII, and nothing that could be a private key.
pub(crate) fn is_valid_key_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_graphic()) && !could_be_key_material(id)
}

/// Formats the line for an ID, with its line end; `None` for an ID that [`find_key_id`] would not read back.
#[cfg(feature = "rotation")]
pub(crate) fn format_key_id(id: &str) -> Option<String> {
    let line = format!("{KEY_ID_HEADER}: {id}\n");
    (find_key_id(&line) == Ok(Some(id))).then_some(line)
}

/// Finds the ID in the text of a key file; `None` when no line names one.
pub(crate) fn find_key_id(text: &str) -> Result<Option<&str>, KeyError> {
    let mut ids = lines(text).filter_map(|line| {
        let (name, id) = line.split_once(':')?;
        name.trim_end().eq_ignore_ascii_case(KEY_ID_HEADER).then(|| id.trim())
    });
    let Some(id) = ids.next() else { return Ok(None) };
    if !is_valid_key_id(id) {
        return Err(KeyError::InvalidApiKeyId);
    }
    if ids.any(|other| other != id) {
        return Err(KeyError::ConflictingApiKeyIds);
    }
    Ok(Some(id))
}

#[cfg(all(test, feature = "rotation"))]
mod tests {
    use super::{find_key_id, format_key_id};

    #[test]
    fn an_id_is_formatted_only_if_it_reads_back() {
        for id in ["a952bcbe-ec3b-4b5b-b8f9-11dae589608c", "a", "a:b", "it's"] {
            let line = format_key_id(id).unwrap();
            assert_eq!(find_key_id(&format!("{line}-----BEGIN PRIVATE KEY-----\n")), Ok(Some(id)));
        }
        for id in ["", "a b", "a\n", "a\\nb", "\"a\"", "é"] {
            assert_eq!(format_key_id(id), None, "{id:?}");
        }
    }
}
