//! `list`: a table, or the service's answer as it is.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use comfy_table::{Table, presets};
use http::{StatusCode, header};
use kalshi_api_keys::types::ErrorResponse;
use kalshi_api_keys::types::{ApiKey, GetApiKeysResponse};
use kalshi_api_keys::{Client, Error, ResponseValue};
use progenitor_client::{ClientHooks as _, ClientInfo as _, OperationInfo};
use reqwest::ResponseBuilderExt as _;

type Generated = progenitor_client::Error<ErrorResponse>;

use crate::alarms::alarms;
use crate::arguments::List;
use crate::failed::Failed;
use crate::output::{print, print_bytes, say, scopes, visible};

pub async fn list(client: &Client, what: &List) -> Result<(), Failed> {
    if what.json {
        let (body, list) = as_answered(client).await?;
        let alarms = alarms(&list, now());
        for (key, remarks) in list.api_keys.iter().zip(alarms.keys).filter(|(_, remarks)| !remarks.is_empty()) {
            say(&format!("warning: key {}: {}", visible(&key.api_key_id), remarks.join(", ")));
        }
        warn(alarms.attestation);
        return print_bytes(&body);
    }
    let list = client.get_api_keys().send().await?.into_inner();
    let alarms = alarms(&list, now());
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["ID", "NAME", "SCOPES", "BINDING", "REMARKS"]);
    for (key, remarks) in list.api_keys.iter().zip(&alarms.keys) {
        let (id, name) = (visible(&key.api_key_id), visible(&key.name));
        table.add_row([id, name, scopes(&key.scopes), binding(key), remarks.join(", ")]);
    }
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    print(&format!("{}\n", table.trim_fmt()))?;
    warn(alarms.attestation);
    Ok(())
}

fn warn(attestation: Option<String>) {
    if let Some(alarm) = attestation {
        say(&format!("warning: {alarm}"));
    }
}

/// What a key is bound to, in words.
pub fn binding(key: &ApiKey) -> String {
    match (&key.fcm_subtrader_id, &key.subaccount) {
        (Some(id), _) => format!("subtrader {}", visible(id)),
        (None, Some(number)) => format!("sub-account {number}"),
        (None, None) => "none".to_owned(),
    }
}

/// This machine's time, in Unix seconds.
pub fn now() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX)
}

/// The response as it came, beside what this version reads of it. The generated client drops what it does not know, so the
/// request goes through its hooks alone: they sign it, correct a wrong clock, and bound the response.
async fn as_answered(client: &Client) -> Result<(Bytes, GetApiKeysResponse), Error> {
    const LIST: OperationInfo = OperationInfo { operation_id: "get_api_keys" };
    let request = client.client().get(format!("{}/api_keys", client.baseurl()));
    let request = request.header(header::ACCEPT, "application/json").build();
    let mut request = request.map_err(Generated::CommunicationError)?;
    client.pre(&mut request, &LIST).await?;
    let answer = client.exec(request, &LIST).await.map_err(Generated::CommunicationError)?;

    let (status, headers) = (answer.status(), answer.headers().clone());
    let head = http::Response::builder().status(status).url(answer.url().clone());
    let extensions = answer.extensions().clone();
    let body = answer.bytes().await.map_err(Generated::ResponseBodyError)?;
    match (status, serde_json::from_slice(&body)) {
        (StatusCode::OK, Ok(list)) => Ok((body, list)),
        (status, _) if status.is_client_error() || status.is_server_error() => {
            let reason = serde_json::from_slice(&body).unwrap_or_default();
            Err(Generated::ErrorResponse(ResponseValue::new(reason, status, headers)).into())
        }
        _ => {
            let mut rest = head.body(body).unwrap_or_default();
            rest.extensions_mut().extend(extensions);
            Err(Generated::UnexpectedResponse(rest.into()).into())
        }
    }
}
