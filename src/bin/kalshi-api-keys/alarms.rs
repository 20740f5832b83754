//! What about the keys of an account is worth an alarm.

use std::time::{Duration, UNIX_EPOCH};

use kalshi_api_keys::types::{ApiKey, ApiKeyScope, GetApiKeysResponse};

use crate::output::visible;

/// How long before the location attestation lapses it is said.
const NOTICE_SECS: i64 = 14 * DAY;
const DAY: i64 = 24 * 60 * 60;

pub struct Alarms {
    /// For each key of the list, in its order.
    pub keys: Vec<Vec<String>>,
    /// Of the account's location attestation.
    pub attestation: Option<String>,
}

/// The alarms of a list, at a time in Unix seconds.
pub fn alarms(list: &GetApiKeysResponse, now: i64) -> Alarms {
    let attestation = list.api_key_region_expiration_ts.filter(|lapses| lapses.saturating_sub(now) <= NOTICE_SECS);
    Alarms {
        keys: list.api_keys.iter().map(of_key).collect(),
        attestation: attestation
            .map(|at| format!("the location attestation {}; attest again on the web site", lapse(at, now))),
    }
}

fn of_key(key: &ApiKey) -> Vec<String> {
    let unknown = key.scopes.iter().filter_map(|scope| match scope {
        ApiKeyScope::Unknown(scope) => Some(format!("unknown scope {}", visible(scope.as_str()))),
        _ => None,
    });
    key.has_unrestricted_write().then(|| "unrestricted write".to_owned()).into_iter().chain(unknown).collect()
}

/// When an attestation lapses, or has lapsed.
pub fn lapse(at: i64, now: i64) -> String {
    // The years that a date can be written for.
    let date = match u64::try_from(at) {
        Ok(secs @ 0..253_402_300_800) => httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(secs)),
        _ => format!("Unix second {at}"),
    };
    match at.saturating_sub(now) {
        ..=0 => format!("lapsed on {date}"),
        left => format!("lapses on {date}, in {} days", left / DAY),
    }
}
