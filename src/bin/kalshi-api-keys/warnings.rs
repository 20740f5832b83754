//! Warnings about the keys of an account: risky keys, unknown scopes, an attestation that lapses.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use kalshi_api_keys::text::printable;
use kalshi_api_keys::types::{ApiKey, ApiKeyScope, GetApiKeysResponse, UndocumentedValue};
use serde_json::Value;

const DAY_SECS: i64 = 24 * 60 * 60;
/// How long before the location attestation lapses the warnings start.
const NOTICE_SECS: i64 = 14 * DAY_SECS;
/// The first second of the year 10000, which an HTTP date cannot express.
const YEAR_10000: u64 = 253_402_300_800;

/// What an account may not do through its keys while the attestation is lapsed.
const CLOSED_MARKETS: &str = "API keys may not trade Sports, Elections and Entertainment markets";

/// What a listing should warn of.
pub struct Warnings {
    /// The remarks on each key, in the order of the list.
    pub keys: Vec<Vec<String>>,
    /// The warnings about the account and the list as a whole.
    pub list: Vec<String>,
}

/// Finds what a list of keys should warn of at a time in Unix seconds.
pub fn warnings(list: &GetApiKeysResponse, now: i64) -> Warnings {
    Warnings {
        keys: list.api_keys.iter().map(remarks).collect(),
        list: attestation(list, now)
            .into_iter()
            .chain(incomplete(list))
            .collect(),
    }
}

fn attestation(list: &GetApiKeysResponse, now: i64) -> Option<String> {
    let at = list.api_key_region_expiration_ts?;
    (at.saturating_sub(now) <= NOTICE_SECS).then(|| {
        let state = format_attestation(list, now);
        format!("the location attestation {state}; renew it on the website")
    })
}

/// Formats whether the location attestation holds, and which markets are closed otherwise.
pub fn format_attestation(list: &GetApiKeysResponse, now: i64) -> String {
    let Some(at) = list.api_key_region_expiration_ts else {
        let is_unread = list
            .unread()
            .any(|member| member == "api_key_region_expiration_ts");
        return if is_unread { "unknown" } else { "none" }.to_owned();
    };
    let lapse = format_lapse(at, now);
    match at.saturating_sub(now) {
        ..=0 => format!("{lapse}, so {CLOSED_MARKETS}"),
        1..=NOTICE_SECS => format!("{lapse}; from then on, {CLOSED_MARKETS}"),
        _ => lapse,
    }
}

/// Warns of what a list holds beyond what this version can read: it may hide keys.
pub fn incomplete(list: &GetApiKeysResponse) -> impl Iterator<Item = String> {
    let unknown = list.unknown().map(|member| {
        let member = printable(member);
        format!("the list has a member {member} that this version does not know, so keys may be missing from it")
    });
    let unread = list.unread().map(|member| {
        let value = unread_value(&list.extra, member);
        let member = printable(member);
        if member.starts_with("api_keys") {
            format!(
                "this version cannot read {member}, which may be a key with full access: {value}"
            )
        } else {
            format!("this version cannot read {member}: {value}")
        }
    });
    unknown.chain(unread)
}

/// Returns what to remark on a key.
pub fn remarks(key: &ApiKey) -> Vec<String> {
    let mut remarks = Vec::new();
    if key.scopes.is_none() {
        remarks.push("scopes not listed: may have full access".to_owned());
    } else if key.has_unrestricted_write() {
        remarks.push("unrestricted write".to_owned());
    }
    let scopes = key.scopes.iter().flatten();
    for scope in scopes.filter(|scope| !ApiKeyScope::KNOWN.contains(scope)) {
        remarks.push(format!("unknown scope {}", printable(scope.as_str())));
    }
    for member in key.unread() {
        let value = unread_value(&key.extra, member);
        remarks.push(format!("unreadable {}: {value}", printable(member)));
    }
    remarks
}

/// Formats the value of a member that could not be read.
fn unread_value(extra: &BTreeMap<String, UndocumentedValue>, member: &str) -> String {
    let value = extra.get(member).map(UndocumentedValue::as_json);
    printable(&value.map(Value::to_string).unwrap_or_default()).into_owned()
}

/// Formats when an attestation lapses or lapsed.
fn format_lapse(at: i64, now: i64) -> String {
    let date = match u64::try_from(at) {
        Ok(secs @ 0..YEAR_10000) => httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(secs)),
        _ => format!("Unix second {at}"),
    };
    match at.saturating_sub(now) {
        ..=0 => format!("lapsed on {date}"),
        left => format!("lapses on {date}, in {} days", left / DAY_SECS),
    }
}
