//! `whoami`: the key that signs, its environment, and the clock.

use std::time::SystemTime;

use http::{HeaderMap, StatusCode, header};
use kalshi_api_keys::text::{clock_skew, printable};
use kalshi_api_keys::{Client, Environment, Error, Unread};

use crate::connection::Connection;
use crate::failure::{Code, Failure};
use crate::list::{binding, name, now, scopes};
use crate::output::{print, print_to_stderr};
use crate::warnings::{format_attestation, incomplete, remarks};

pub async fn whoami(connection: &Connection) -> Result<(), Failure> {
    let client = connection.client().await?;
    let response = match client.get_api_keys().send().await {
        Ok(response) => response,
        Err(error) => return Err(not_permitted(connection, &client, error)),
    };
    let clock = compare_clock(response.headers(), SystemTime::now());
    let list = response.into_inner();
    let credentials = client.signer().credentials();
    let id = credentials.key_id();
    let Some(key) = list.api_keys.iter().find(|key| key.api_key_id == id) else {
        let id = printable(id);
        return Err(Failure::new(
            Code::Refused,
            format!("the list lacks the key {id}, which signed the request; try again"),
        ));
    };
    for warning in incomplete(&list) {
        print_to_stderr(&format!("warning: {warning}"));
    }
    let mut rows = vec![
        ("key", printable(id).into()),
        ("name", name(key)),
        ("scopes", scopes(key)),
        ("binding", binding(key)),
        ("environment", environment(connection, &client)),
        ("clock", clock),
        ("attestation", format_attestation(&list, now())),
    ];
    let remarks = remarks(key);
    if !remarks.is_empty() {
        rows.push(("remarks", remarks.join(", ")));
    }
    let unread = Unread::variables().variables;
    if !unread.is_empty() {
        rows.push(("not read", unread.join(", ")));
    }
    print_rows(&rows)
}

/// Shows what is known of a key that may not list keys. Permissions are checked after the
/// signature, so a 403 in the service's error format shows that the signature was accepted.
fn not_permitted(connection: &Connection, client: &Client, error: Error) -> Failure {
    let Error::ErrorResponse(response) = &error else {
        return error.into();
    };
    if response.status() != StatusCode::FORBIDDEN {
        return error.into();
    }
    let rows = [
        (
            "key",
            printable(client.signer().credentials().key_id()).into(),
        ),
        (
            "signature",
            "accepted: permissions are checked after it".to_owned(),
        ),
        ("environment", environment(connection, client)),
        (
            "clock",
            compare_clock(response.headers(), SystemTime::now()),
        ),
    ];
    print_rows(&rows).err().unwrap_or_else(|| error.into())
}

fn print_rows(rows: &[(&str, String)]) -> Result<(), Failure> {
    let lines = rows
        .iter()
        .map(|(name, value)| format!("{name:<13}{value}\n"));
    print(&lines.collect::<String>())
}

fn environment(connection: &Connection, client: &Client) -> String {
    let environment = client.environment();
    let name = match environment {
        Environment::Production => "production",
        Environment::Demo => "demo",
        _ => "custom",
    };
    let by_default = if connection.is_environment_default() {
        " (by default: nothing chose it)"
    } else {
        ""
    };
    format!("{name}, {}{by_default}", environment.base_url())
}

/// Compares the local clock with the `Date` header of a response.
fn compare_clock(headers: &HeaderMap, now: SystemTime) -> String {
    let date = headers
        .get(header::DATE)
        .and_then(|date| date.to_str().ok())
        .and_then(|date| httpdate::parse_http_date(date).ok());
    let Some(service) = date else {
        return "unknown: the response has no date".to_owned();
    };
    clock_skew(service, now).map_or("agrees with the service's".to_owned(), |skew| {
        format!("about {skew}; set it")
    })
}
