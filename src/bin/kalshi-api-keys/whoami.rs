//! `whoami`: the key that signs, its environment, and the clock.

use std::time::SystemTime;

use http::header;
use kalshi_api_keys::Environment;
use kalshi_api_keys::text::{clock_skew, printable};

use crate::connection::Connection;
use crate::failure::{Code, Failure};
use crate::list::{binding, name, now, scopes};
use crate::output::{print, print_to_stderr};
use crate::warnings::{format_attestation, incomplete, remarks};

pub async fn whoami(connection: &Connection) -> Result<(), Failure> {
    let client = connection.client().await?;
    let response = client.get_api_keys().send().await?;
    let date = response
        .headers()
        .get(header::DATE)
        .and_then(|date| date.to_str().ok());
    let clock = compare_clock(date, SystemTime::now());
    let list = response.into_inner();
    let (environment, credentials) = (client.environment(), client.signer().credentials());
    let id = credentials.key_id();
    let Some(key) = list.api_keys.iter().find(|key| key.api_key_id == id) else {
        let id = printable(id);
        return Err(Failure::new(
            Code::Refused,
            format!("the list lacks the key {id}, which signed the request; try again"),
        ));
    };
    let environment_name = match environment {
        Environment::Production => "production",
        Environment::Demo => "demo",
        _ => "custom",
    };
    for warning in incomplete(&list) {
        print_to_stderr(&format!("warning: {warning}"));
    }
    let mut rows = vec![
        ("key", printable(id).into()),
        ("name", name(key)),
        ("scopes", scopes(key)),
        ("binding", binding(key)),
        (
            "environment",
            format!("{environment_name}, {}", environment.base_url()),
        ),
        ("clock", clock),
        ("attestation", format_attestation(&list, now())),
    ];
    let remarks = remarks(key);
    if !remarks.is_empty() {
        rows.push(("remarks", remarks.join(", ")));
    }
    let lines = rows
        .iter()
        .map(|(name, value)| format!("{name:<13}{value}\n"));
    print(&lines.collect::<String>())
}

/// Compares this machine's clock with the `Date` header of a response.
fn compare_clock(date: Option<&str>, now: SystemTime) -> String {
    let Some(service) = date.and_then(|date| httpdate::parse_http_date(date).ok()) else {
        return "unknown: the response has no date".to_owned();
    };
    clock_skew(service, now).map_or("agrees with the service's".to_owned(), |skew| {
        format!("about {skew}; set it")
    })
}
