//! `list`: a table, or the response of the service unchanged.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use comfy_table::{Table, presets};
use http::{StatusCode, header};
use kalshi_api_keys::rotation::Binding;
use kalshi_api_keys::text::printable;
use kalshi_api_keys::types::{ApiKey, GetApiKeysResponse};
use kalshi_api_keys::{Client, Error, ResponseValue};
use progenitor_client::{ClientHooks as _, ClientInfo as _, OperationInfo};
use reqwest::ResponseBuilderExt as _;

use crate::arguments::List;
use crate::failure::Failure;
use crate::output::{print, print_bytes, say, scopes};
use crate::warnings::{Warnings, warnings};

pub async fn list(client: &Client, arguments: &List) -> Result<(), Failure> {
    let attestation = if arguments.json { print_json(client).await? } else { print_table(client).await? };
    if let Some(warning) = attestation {
        say(&format!("warning: {warning}"));
    }
    Ok(())
}

/// Prints the response unchanged; returns the warning about the attestation.
async fn print_json(client: &Client) -> Result<Option<String>, Failure> {
    let (body, list) = get_unchanged(client).await?;
    let Warnings { keys, attestation } = warnings(&list, now());
    for (key, remarks) in list.api_keys.iter().zip(keys) {
        if !remarks.is_empty() {
            say(&format!("warning: key {}: {}", printable(&key.api_key_id), remarks.join(", ")));
        }
    }
    print_bytes(&body)?;
    Ok(attestation)
}

/// Prints the keys as a table; returns the warning about the attestation.
async fn print_table(client: &Client) -> Result<Option<String>, Failure> {
    let list = client.get_api_keys().send().await?.into_inner();
    let Warnings { keys, attestation } = warnings(&list, now());
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["ID", "NAME", "SCOPES", "BINDING", "REMARKS"]);
    for (key, remarks) in list.api_keys.iter().zip(keys) {
        let [id, name] = [&key.api_key_id, &key.name].map(|text| printable(text).into_owned());
        table.add_row([id, name, scopes(&key.scopes), binding(key), remarks.join(", ")]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    print(&format!("{}\n", table.trim_fmt()))?;
    Ok(attestation)
}

/// Formats what a key is bound to.
pub fn binding(key: &ApiKey) -> String {
    match Binding::of(key) {
        Binding::Subaccount(number) => format!("sub-account {number}"),
        Binding::FcmSubtrader(id) => format!("subtrader {}", printable(&id)),
        _ => "none".to_owned(),
    }
}

/// Returns this machine's time in Unix seconds.
pub fn now() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX)
}

/// Requests the list; returns the body as it came and what this version reads of it. The generated client drops fields
/// that it does not know, so only its hooks are used: they sign, correct the clock and limit the size of the response.
async fn get_unchanged(client: &Client) -> Result<(Bytes, GetApiKeysResponse), Error> {
    const LIST: OperationInfo = OperationInfo { operation_id: "get_api_keys" };
    let request = client.client().get(format!("{}/api_keys", client.baseurl()));
    let request = request.header(header::ACCEPT, "application/json").build();
    let mut request = request.map_err(Error::CommunicationError)?;
    client.pre(&mut request, &LIST).await?;
    let response = client.exec(request, &LIST).await.map_err(Error::CommunicationError)?;

    let (status, headers) = (response.status(), response.headers().clone());
    let head = http::Response::builder().status(status).url(response.url().clone());
    let extensions = response.extensions().clone();
    let body = response.bytes().await.map_err(Error::ResponseBodyError)?;
    match (status, serde_json::from_slice(&body)) {
        (StatusCode::OK, Ok(list)) => Ok((body, list)),
        (status, _) if status.is_client_error() || status.is_server_error() => {
            let reason = serde_json::from_slice(&body).unwrap_or_default();
            Err(Error::ErrorResponse(ResponseValue::new(reason, status, headers)))
        }
        _ => {
            let mut response = head.body(body).unwrap_or_default();
            response.extensions_mut().extend(extensions);
            Err(Error::UnexpectedResponse(response.into()))
        }
    }
}
