//! `list`: a table, or the response of the service unchanged.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use comfy_table::{Table, presets};
use http::{HeaderValue, Method, StatusCode, header};
use kalshi_api_keys::text::{printable, with_causes};
use kalshi_api_keys::types::{ApiKey, GetApiKeysResponse};
use kalshi_api_keys::{Client, Operation};

use crate::arguments::List;
use crate::failure::{Code, Failure};
use crate::output::{print, print_bytes, print_to_stderr, scope_list};
use crate::warnings::warnings;

pub async fn list(client: &Client, arguments: &List) -> Result<(), Failure> {
    let warnings = if arguments.json {
        print_json(client).await?
    } else {
        print_table(client).await?
    };
    for warning in warnings {
        print_to_stderr(&format!("warning: {warning}"));
    }
    Ok(())
}

/// Prints the response unchanged; returns the warnings about the list as a whole.
async fn print_json(client: &Client) -> Result<Vec<String>, Failure> {
    let (body, list) = get_unchanged(client).await?;
    let warnings = warnings(&list, now());
    for (key, remarks) in list.api_keys.iter().zip(warnings.keys) {
        if !remarks.is_empty() {
            print_to_stderr(&format!(
                "warning: key {}: {}",
                printable(&key.api_key_id),
                remarks.join(", ")
            ));
        }
    }
    print_bytes(&body)?;
    Ok(warnings.list)
}

/// Prints the keys as a table; returns the warnings about the list as a whole.
async fn print_table(client: &Client) -> Result<Vec<String>, Failure> {
    let list = client.get_api_keys().send().await?.into_inner();
    let warnings = warnings(&list, now());
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(["ID", "NAME", "SCOPES", "BINDING", "REMARKS"]);
    for (key, remarks) in list.api_keys.iter().zip(warnings.keys) {
        table.add_row([
            printable(&key.api_key_id).into_owned(),
            name(key),
            scopes(key),
            binding(key),
            remarks.join(", "),
        ]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    print(&format!("{}\n", table.trim_fmt()))?;
    Ok(warnings.list)
}

/// Formats the name of a key.
pub fn name(key: &ApiKey) -> String {
    match &key.name {
        Some(name) => printable(name).into_owned(),
        None => "(no name)".to_owned(),
    }
}

/// Formats the scopes of a key.
pub fn scopes(key: &ApiKey) -> String {
    match &key.scopes {
        Some(scopes) => scope_list(scopes),
        None => "unknown".to_owned(),
    }
}

/// Formats what a key is bound to.
pub fn binding(key: &ApiKey) -> String {
    match (&key.fcm_subtrader_id, &key.subaccount) {
        (Some(id), _) => format!("subtrader {}", printable(id)),
        (None, Some(number)) => format!("sub-account {number}"),
        (None, None) if key.unread().any(is_binding) => "unknown".to_owned(),
        (None, None) => "none".to_owned(),
    }
}

fn is_binding(member: &str) -> bool {
    matches!(member, "subaccount" | "fcm_subtrader_id")
}

/// Returns the local time in Unix seconds.
pub fn now() -> i64 {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX)
}

/// Requests the list; returns the body as it came and what this version reads of it.
async fn get_unchanged(client: &Client) -> Result<(Bytes, GetApiKeysResponse), Failure> {
    let list = Operation::find("getApiKeys")
        .ok_or_else(|| Failure::usage("this version cannot list keys"))?;
    let mut request = client.request(Method::GET, list.path);
    request
        .headers_mut()
        .insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let response = client.execute_operation(list, request).await?;
    let status = response.status();
    let body = response
        .bytes()
        .await
        .map_err(|error| Failure::new(Code::Network, with_causes(&error)))?;
    match serde_json::from_slice(&body) {
        Ok(list) if status == StatusCode::OK => Ok((body, list)),
        _ => Err(Failure::new(
            Code::Refused,
            format!("the response {status} is not as documented; check the base URL"),
        )),
    }
}
