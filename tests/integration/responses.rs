//! Error formats of the service, unexpected responses, unknown values, and private keys in unusable
//! responses.

use std::error::Error as _;

use kalshi_api_keys::types::{self, ApiKeyScope, ApiKeyType};
use kalshi_api_keys::{Client, Effect, Error};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fixtures::{credentials, ed25519, rsa, shows_key};
use crate::raw_server::{RawServer, Reply};

/// The members of an error: code, message, details, service.
type Reason = [Option<&'static str>; 3];

/// The error bodies recorded from the service.
const RECORDED: &[(&str, Reason)] = &[
    (
        r#"{"error":{"code":"header_timestamp_expired","message":"header timestamp expired"}}"#,
        [
            Some("header_timestamp_expired"),
            Some("header timestamp expired"),
            None,
        ],
    ),
    (
        r#"{"error":{"code":"authentication_error","message":"authentication_error","details":"NOT_FOUND"}}"#,
        [
            Some("authentication_error"),
            Some("authentication_error"),
            Some("NOT_FOUND"),
        ],
    ),
    (
        r#"{"error":{"code":"user_not_found:_f50604b8","message":"gone","service":"exchange"}}"#,
        [Some("user_not_found:_f50604b8"), Some("gone"), None],
    ),
    (
        r#"{"code":"invalid_content_type","message":"no"}"#,
        [Some("invalid_content_type"), Some("no"), None],
    ),
    (
        r#"{"msg":"start_date is required"}"#,
        [None, Some("start_date is required"), None],
    ),
    // Documented for 429.
    (
        r#"{"error": "too many requests"}"#,
        [None, Some("too many requests"), None],
    ),
    // Members of other types and further members are ignored.
    (
        r#"{"code":"a","message":"b","details":{"c":1},"more":[]}"#,
        [Some("a"), Some("b"), None],
    ),
];

/// Error bodies of gateways, and others that the service has not been observed to send.
const OTHERS: &[&[u8]] = &[
    b"",
    b" \r\n ",
    b"<html><h1>502 Bad Gateway</h1></html>\n",
    b"upstream connect error",
    b"{\"error\":{\"code\":\"cut",
    b"{\"msg\":\"\xff\"}",
    b"null",
    b"42",
    b"[1,2]",
    br#""a string""#,
    b"{}",
    br#"{"message":"Forbidden"}"#,
    br#"{"code":"a"}"#,
    br#"{"code":403,"message":"a"}"#,
    br#"{"msg":null}"#,
    br#"{"status":404,"error":"Not Found","path":"/api_keys"}"#,
    br#"{"error":"invalid_request","error_description":"no"}"#,
    br#"{"error":404}"#,
    br#"{"error":["too many requests"]}"#,
    br#"{"error":null,"code":"a","message":"b"}"#,
    br#"{"error":{}}"#,
    br#"{"error":{"code":404,"message":"not found","status":"NOT_FOUND"}}"#,
];

fn reason(error: &types::ErrorResponse) -> [Option<&str>; 3] {
    [&error.code, &error.message, &error.details].map(Option::as_deref)
}

/// Calls each operation.
async fn outcomes(client: &Client) -> [Result<(), Error>; 4] {
    let create = types::CreateApiKeyRequest::builder()
        .name("a")
        .scopes(vec!["read".into()])
        .public_key(&ed25519().public);
    let generate = types::GenerateApiKeyRequest::builder()
        .name("a")
        .scopes(vec!["read".into()]);
    [
        client.get_api_keys().send().await.map(|_| ()),
        client
            .create_api_key()
            .body(create)
            .send()
            .await
            .map(|_| ()),
        client
            .generate_api_key()
            .body(generate)
            .send()
            .await
            .map(|_| ()),
        client
            .delete_api_key()
            .api_key("a")
            .send()
            .await
            .map(|_| ()),
    ]
}

#[tokio::test]
async fn every_operation_parses_every_error_format_of_the_service() {
    for (body, expected) in RECORDED {
        for status in [
            400, 401, 402, 403, 404, 405, 408, 409, 418, 422, 425, 429, 451, 499, 500, 501, 503,
            520, 599,
        ] {
            let server = RawServer::always(status, "X-Request-Id: 7\r\n", *body).await;
            for outcome in outcomes(&server.client(credentials())).await {
                let Err(Error::ErrorResponse(error)) = outcome else {
                    panic!("{status} {body}: {outcome:?}")
                };
                assert_eq!(
                    (error.status().as_u16(), reason(&error)),
                    (status, *expected)
                );
                assert_eq!(error.headers()["x-request-id"], "7");
                let effect = if status < 500 && status != 408 {
                    Effect::Refused
                } else {
                    Effect::Unknown
                };
                assert_eq!(Error::ErrorResponse(error).effect(), effect, "{status}");
            }
            assert_eq!(
                server.received().len(),
                4,
                "{status}: one request per operation"
            );
        }
    }
}

/// An error of a gateway does not show whether the service processed the request.
#[tokio::test]
async fn effect_of_an_error_in_another_format_is_unknown() {
    for body in OTHERS {
        for status in [400, 401, 403, 404, 408, 429, 500, 502, 504] {
            let server = RawServer::always(status, "Retry-After: 3\r\n", *body).await;
            for outcome in outcomes(&server.client(credentials())).await {
                let error = outcome.unwrap_err();
                let shown = String::from_utf8_lossy(body);
                assert!(
                    matches!(error, Error::UnexpectedResponse(_)),
                    "{status} {shown}: {error:?}"
                );
                assert_eq!(
                    (error.effect(), error.status().unwrap().as_u16()),
                    (Effect::Unknown, status),
                    "{shown}"
                );
                assert_eq!(error.retry_after(), Some(std::time::Duration::from_secs(3)));
                assert!(
                    shown.trim().len() < 3 || !error.to_string().contains(shown.trim()),
                    "{error}"
                );
                let Error::UnexpectedResponse(response) = error else {
                    unreachable!()
                };
                assert_eq!(
                    response.into_inner().bytes().await.unwrap(),
                    *body,
                    "the body is returned unchanged"
                );
            }
        }
    }
}

#[tokio::test]
async fn any_other_status_is_an_unexpected_response() {
    for status in [
        200, 201, 202, 203, 204, 206, 208, 299, 300, 302, 304, 399, 600, 999,
    ] {
        let server = RawServer::always(status, "X-Request-Id: 7\r\n", "").await;
        let documented = [200, 201, 201, 204];
        for (outcome, documented) in outcomes(&server.client(credentials()))
            .await
            .into_iter()
            .zip(documented)
        {
            match outcome {
                Ok(()) => assert_eq!((status, documented), (204, 204)),
                Err(Error::UnexpectedResponse(response)) => {
                    assert_eq!(response.status(), status);
                    assert_eq!(response.headers()["x-request-id"], "7");
                    assert!(response.url().as_str().starts_with(server.base_url()));
                }
                other => panic!("{status}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn long_messages_are_truncated_to_a_kibibyte_at_a_character_boundary() {
    for body in [
        json!({"msg": "é".repeat(2000)}),
        json!({"error": {"code": "a", "message": "é".repeat(2000)}}),
    ] {
        let server = RawServer::always(503, "", body.to_string()).await;
        let result = server.client(credentials()).get_api_keys().send().await;
        let Err(Error::ErrorResponse(error)) = result else {
            panic!("{result:?}")
        };
        assert_eq!(error.message.as_deref(), Some("é".repeat(512).as_str()));
    }
}

/// Each case is a list in which one field has an unexpected value.
#[tokio::test]
async fn unexpected_values_do_not_fail_a_list() {
    let key = json!({"api_key_id": "id", "name": "n", "scopes": ["read"]});
    let with = |field: &str, value: Value| {
        let mut key = key.clone();
        key[field] = value;
        key
    };
    for (field, value) in [
        ("scopes", json!(["read", "write::future", "", "READ"])),
        ("scopes", json!([])),
        ("subaccount", json!(64)),
        ("subaccount", json!(u64::MAX)),
        ("subaccount", json!(-1)),
        ("subaccount", json!(1.5)),
        ("subaccount", json!(null)),
        ("api_key_id", json!("")),
        ("api_key_id", json!("../not a UUID\\")),
        ("name", json!("")),
        ("name", json!("日".repeat(1000))),
        ("fcm_subtrader_id", json!("no suffix")),
        ("fcm_subtrader_id", json!(null)),
        ("future_field", json!({"a": [1]})),
    ] {
        let response =
            json!({"api_keys": [with(field, value.clone()), key.clone()], "future": 1}).to_string();
        let server = RawServer::always(200, "", response).await;
        let keys = server
            .client(credentials())
            .get_api_keys()
            .send()
            .await
            .unwrap_or_else(|e| panic!("{field} {value}: {e}"));
        let read = serde_json::to_value(&keys.api_keys[0]).unwrap();
        match field {
            _ if value.is_null() => assert_eq!(read, key),
            _ => assert_eq!(read[field], value, "the value does not round-trip"),
        }
        assert_eq!(keys.api_keys.len(), 2);
    }
    for (value, expected) in [
        (json!(null), None),
        (json!(-5), Some(-5)),
        (json!(i64::MAX), Some(i64::MAX)),
    ] {
        let response = json!({"api_keys": [], "api_key_region_expiration_ts": value}).to_string();
        let server = RawServer::always(200, "", response).await;
        let keys = server
            .client(credentials())
            .get_api_keys()
            .send()
            .await
            .unwrap();
        assert_eq!(keys.api_key_region_expiration_ts, expected);
    }
}

#[tokio::test]
async fn unexpected_values_do_not_fail_a_response_with_a_new_key() {
    for (field, value) in [
        ("api_key_id", json!("")),
        ("api_key_id", json!("..")),
        ("warning", json!(null)),
        ("warning", json!("no risk control")),
        ("key_type", json!("ml-dsa-65")),
        ("future", json!([])),
    ] {
        let mut response = json!({"api_key_id": "id", "private_key": "PEM", "key_type": "rsa"});
        response[field] = value.clone();
        let server = RawServer::always(201, "", response.to_string()).await;
        let client = server.client(credentials());
        let body = types::GenerateApiKeyRequest::builder()
            .name("a")
            .scopes(vec!["read".into()]);
        let generated = client
            .generate_api_key()
            .body(body)
            .send()
            .await
            .unwrap_or_else(|e| panic!("{field} {value}: {e}"));
        assert_eq!(generated.private_key.expose_secret(), "PEM");
        let body = types::CreateApiKeyRequest::builder()
            .name("a")
            .scopes(vec!["read".into()])
            .public_key(&ed25519().public);
        let created = client
            .create_api_key()
            .body(body)
            .send()
            .await
            .unwrap_or_else(|e| panic!("{field} {value}: {e}"));
        match field {
            "api_key_id" => {
                assert_eq!(
                    (json!(generated.api_key_id), json!(created.api_key_id)),
                    (value.clone(), value)
                )
            }
            "warning" => assert_eq!(
                (json!(generated.warning), json!(created.warning)),
                (value.clone(), value)
            ),
            "key_type" => assert_eq!(generated.key_type, Some(ApiKeyType::from("ml-dsa-65"))),
            _ => {}
        }
    }
}

#[test]
fn unknown_scopes_are_preserved_and_known_ones_recognized() {
    let scopes: Vec<ApiKeyScope> =
        serde_json::from_str(r#"["read::portfolio_balance","write::future"]"#).unwrap();
    assert_eq!(
        scopes,
        [
            ApiKeyScope::ReadPortfolioBalance,
            ApiKeyScope::from("write::future")
        ]
    );
    assert_eq!(
        serde_json::to_string(&scopes).unwrap(),
        r#"["read::portfolio_balance","write::future"]"#
    );
    for scope in ApiKeyScope::KNOWN {
        assert_eq!(&scope.to_string().parse::<ApiKeyScope>().unwrap(), scope);
        assert!(!matches!(scope, ApiKeyScope::Unknown(_)));
    }
}

/// Returns unusable responses to `generateApiKey` that contain the private key.
fn unusable_responses(pem: &str) -> Vec<(&'static str, Reply)> {
    let whole = json!({"api_key_id": "id", "private_key": pem, "key_type": "rsa"}).to_string();
    let without_id = json!({"private_key": pem}).to_string();
    let cut = &whole[..whole.len() - 10];
    let wrong_type = json!({"api_key_id": pem, "private_key": [pem]}).to_string();
    let truncated = format!(
        "HTTP/1.1 201 -\r\nContent-Length: {}\r\n\r\n{cut}",
        whole.len()
    );
    let half_chunk = format!(
        "HTTP/1.1 201 -\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{cut}",
        whole.len()
    );
    vec![
        ("a missing field", Reply::json(201, without_id)),
        ("a wrong type", Reply::json(201, wrong_type)),
        ("incomplete JSON", Reply::json(201, cut)),
        (
            "not JSON",
            Reply::new(201, "Content-Type: text/plain\r\n", pem),
        ),
        ("a truncated body", Reply::Bytes(truncated.into())),
        ("a truncated chunk", Reply::Bytes(half_chunk.into())),
        ("status 200", Reply::json(200, whole.clone())),
        ("status 202", Reply::json(202, whole.clone())),
        ("a redirect", Reply::json(302, whole)),
    ]
}

#[tokio::test]
async fn private_key_in_an_unusable_response_is_returned_but_not_printed() {
    let key = &rsa().private;
    for n in 0..unusable_responses("").len() {
        let server = RawServer::start(move |_, _| {
            unusable_responses(rsa().private.expose_secret())
                .swap_remove(n)
                .1
        })
        .await;
        let what = unusable_responses("")[n].0;
        let body = types::GenerateApiKeyRequest::builder()
            .name("a")
            .scopes(vec!["read".into()]);
        let result = server
            .client(credentials())
            .generate_api_key()
            .body(body)
            .send()
            .await;
        let error = result.unwrap_err();
        let mut shown = format!("{error} {error:?} {error:#}");
        let mut source = error.source();
        while let Some(inner) = source {
            shown += &format!("{inner} {inner:?}");
            source = inner.source();
        }
        assert!(!shows_key(&shown, key), "{what}: {shown}");
        let Error::UnexpectedResponse(response) = error else {
            panic!("{what}: {error:?}")
        };
        assert_eq!(response.url().path(), "/trade-api/v2/api_keys/generate");
        let body = response.into_inner().bytes().await.unwrap();
        assert!(
            shows_key(&String::from_utf8_lossy(&body), key),
            "{what}: the body does not contain the key"
        );
    }
}

#[tokio::test]
async fn private_key_in_an_error_response_is_not_printed() {
    let pem = rsa().private.expose_secret();
    for body in [
        pem.to_owned(),
        json!({"api_key_id": "id", "private_key": pem}).to_string(),
        json!({"code": "a", "message": pem, "details": pem}).to_string(),
        json!({"msg": pem}).to_string(),
        json!({"error": pem}).to_string(),
        json!({"private_key": pem}).to_string()[..900].to_owned(),
    ] {
        let server = RawServer::always(500, "", body).await;
        let error = server
            .client(credentials())
            .get_api_keys()
            .send()
            .await
            .unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shows_key(&shown, &rsa().private), "{shown}");
    }
}

#[tokio::test]
async fn truncated_response_with_complete_json_is_accepted() {
    let server = RawServer::start(|_, _| {
        let body = r#"{"api_key_id":"id","private_key":"PEM"}"#;
        Reply::Bytes(format!("HTTP/1.1 201 -\r\nContent-Length: 1000\r\n\r\n{body}").into())
    })
    .await;
    let body = types::GenerateApiKeyRequest::builder()
        .name("a")
        .scopes(vec!["read".into()]);
    let generated = server
        .client(credentials())
        .generate_api_key()
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(generated.private_key.expose_secret(), "PEM");
}

#[test]
fn private_key_type_is_zeroized_and_redacted() {
    use static_assertions::{assert_impl_all, assert_not_impl_any};
    assert_impl_all!(types::PrivateKeyPem: zeroize::ZeroizeOnDrop, Send, Sync);
    assert_not_impl_any!(types::PrivateKeyPem: std::fmt::Display, serde::Serialize, AsRef<str>, PartialEq);
    assert_not_impl_any!(types::GenerateApiKeyResponse: serde::Serialize);
    assert_impl_all!(types::ApiKey: serde::Serialize);

    let generated: types::GenerateApiKeyResponse = serde_json::from_value(
        json!({"api_key_id": "id", "private_key": rsa().private.expose_secret()}),
    )
    .unwrap();
    let shown = format!(
        "{generated:?} {generated:#?} {:?}",
        types::builder::GenerateApiKeyResponse::from(generated.clone())
    );
    assert!(!shows_key(&shown, &rsa().private), "{shown}");
    assert!(shown.contains("PrivateKeyPem([REDACTED])"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any body of an error response yields an error with a short message, and is either parsed or
    /// returned unchanged.
    #[test]
    fn any_error_body_yields_an_error(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let expected = body.clone();
            let server = RawServer::always(500, "", body).await;
            let error = server.client(credentials()).get_api_keys().send().await.unwrap_err();
            assert!(error.to_string().len() < 5000);
            match error {
                Error::ErrorResponse(error) => {
                    assert!(reason(&error).iter().flatten().all(|text| text.len() <= 1024));
                }
                Error::UnexpectedResponse(response) => {
                    assert_eq!(response.into_inner().bytes().await.unwrap(), expected);
                }
                other => panic!("{other:?}"),
            }
        });
    }
}
