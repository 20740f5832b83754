//! `whoami`: which key signs, where, at what time.

use std::time::{Duration, SystemTime};

use http::header;
use kalshi_api_keys::Environment;

use crate::alarms::lapse;
use crate::connection::Connection;
use crate::failed::{Code, Failed};
use crate::list::{binding, now};
use crate::output::{print, scopes, visible};

pub async fn whoami(connection: &Connection) -> Result<(), Failed> {
    let environment = connection.environment()?;
    let client = connection.client()?;
    let answer = client.get_api_keys().send().await?;
    let clock = clock(answer.headers().get(header::DATE).and_then(|date| date.to_str().ok()), SystemTime::now());
    let list = answer.into_inner();
    let credentials = client.signer().credentials();
    let id = credentials.key_id();
    let Some(key) = list.api_keys.iter().find(|key| key.api_key_id == id) else {
        return Err(Failed::new(
            Code::Refused,
            format!("the list does not hold the key {id} that signed it; try again"),
        ));
    };
    let place = match environment {
        Environment::Production => "production",
        Environment::Demo => "demo",
        _ => "custom",
    };
    let attestation = list.api_key_region_expiration_ts.map_or("none".to_owned(), |at| lapse(at, now()));
    let rows = [
        ("key", visible(id)),
        ("name", visible(&key.name)),
        ("scopes", scopes(&key.scopes)),
        ("binding", binding(key)),
        ("environment", format!("{place}, {}", environment.base_url())),
        ("clock", clock),
        ("attestation", attestation),
    ];
    print(&rows.map(|(name, value)| format!("{name:<13}{value}\n")).concat())
}

/// How far this machine's clock is off, as far as an answer's `Date` shows it.
fn clock(date: Option<&str>, now: SystemTime) -> String {
    let Some(service) = date.and_then(|date| httpdate::parse_http_date(date).ok()) else {
        return "unknown, the answer has no date".to_owned();
    };
    // A date is cut off to whole seconds: on average, half of one has passed since.
    let service = service + Duration::from_millis(500);
    let (off, side) = match service.duration_since(now) {
        Ok(behind) => (behind, "behind"),
        Err(ahead) => (ahead.duration(), "ahead of"),
    };
    match (off + Duration::from_millis(500)).as_secs() {
        0 | 1 => "agrees with the service's".to_owned(),
        seconds => format!("about {seconds} s {side} the service's; set it"),
    }
}
