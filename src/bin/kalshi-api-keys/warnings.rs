//! Warnings about the keys of an account: risky keys, unknown scopes, an attestation that lapses.

use std::time::{Duration, UNIX_EPOCH};

use kalshi_api_keys::text::printable;
use kalshi_api_keys::types::{ApiKey, ApiKeyScope, GetApiKeysResponse};

const DAY_SECS: i64 = 24 * 60 * 60;
/// How long before the location attestation lapses the warnings start.
const NOTICE_SECS: i64 = 14 * DAY_SECS;
/// The first second of the year 10000, which an HTTP date cannot express.
const YEAR_10000: u64 = 253_402_300_800;

pub struct Warnings {
    /// The remarks on each key, in the order of the list.
    pub keys: Vec<Vec<String>>,
    /// The warning about the location attestation of the account.
    pub attestation: Option<String>,
}

/// Finds what a list of keys should warn of at a time in Unix seconds.
pub fn warnings(list: &GetApiKeysResponse, now: i64) -> Warnings {
    let attestation = list
        .api_key_region_expiration_ts
        .filter(|at| at.saturating_sub(now) <= NOTICE_SECS);
    Warnings {
        keys: list.api_keys.iter().map(remarks).collect(),
        attestation: attestation.map(|at| {
            format!(
                "the location attestation {}; renew it on the website",
                format_lapse(at, now)
            )
        }),
    }
}

fn remarks(key: &ApiKey) -> Vec<String> {
    let mut remarks = Vec::new();
    if key.has_unrestricted_write() {
        remarks.push("unrestricted write".to_owned());
    }
    for scope in key
        .scopes
        .iter()
        .filter(|scope| !ApiKeyScope::KNOWN.contains(scope))
    {
        remarks.push(format!("unknown scope {}", printable(scope.as_str())));
    }
    remarks
}

/// Formats when an attestation lapses or lapsed.
pub fn format_lapse(at: i64, now: i64) -> String {
    let date = match u64::try_from(at) {
        Ok(secs @ 0..YEAR_10000) => httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(secs)),
        _ => format!("Unix second {at}"),
    };
    match at.saturating_sub(now) {
        ..=0 => format!("lapsed on {date}"),
        left => format!("lapses on {date}, in {} days", left / DAY_SECS),
    }
}
