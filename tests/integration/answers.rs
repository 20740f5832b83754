//! What comes in: every error in one shape, every unexpected answer kept, every unknown value read.

use std::error::Error as _;

use kalshi_api_keys::types::{self, ApiKeyScope, ApiKeyType};
use kalshi_api_keys::{Client, Error};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fixtures::{credentials, rsa, shows_key};
use crate::raw_server::{RawServer, Reply};

/// The reason in an error: code, message, details, service.
type Reason = [Option<&'static str>; 4];

const fn message(text: &'static str) -> Reason {
    [None, Some(text), None, None]
}

const NOTHING: Reason = [None; 4];

/// What was recorded of the service, and what else may stand in an error answer.
const BODIES: &[(&[u8], Reason)] = &[
    // The recorded shapes.
    (
        br#"{"error":{"code":"header_timestamp_expired","message":"header timestamp expired"}}"#,
        [Some("header_timestamp_expired"), Some("header timestamp expired"), None, None],
    ),
    (
        br#"{"error":{"code":"authentication_error","message":"authentication_error","details":"NOT_FOUND"}}"#,
        [Some("authentication_error"), Some("authentication_error"), Some("NOT_FOUND"), None],
    ),
    (
        br#"{"error":{"code":"user_not_found:_f50604b8","message":"gone","service":"exchange"}}"#,
        [Some("user_not_found:_f50604b8"), Some("gone"), None, Some("exchange")],
    ),
    (br#"{"code":"invalid_content_type","message":"no"}"#, [Some("invalid_content_type"), Some("no"), None, None]),
    (br#"{"msg":"start_date is required"}"#, message("start_date is required")),
    // Errors that are no object, and members that are no strings.
    (br#"{"error":"not found"}"#, message("not found")),
    (br#"{"error":"not found","code":"x"}"#, message("not found")),
    (br#"{"error":404}"#, message("404")),
    (br#"{"error":null,"code":"x"}"#, [Some("x"), None, None, None]),
    (br#"{"error":["a",1]}"#, message(r#"["a",1]"#)),
    (
        br#"{"code":429,"message":true,"details":{"a":[1]},"service":null}"#,
        [Some("429"), Some("true"), Some(r#"{"a":[1]}"#), None],
    ),
    (br#"{"message":null,"msg":"b"}"#, message("b")),
    (br#"{"reason":"other members"}"#, message(r#"{"reason":"other members"}"#)),
    (br#"{"error":{}}"#, message("{}")),
    (br#""a string""#, message("a string")),
    (br#"[1,2]"#, message("[1,2]")),
    (b"null", NOTHING),
    (b"42", message("42")),
    // No JSON.
    (b"", NOTHING),
    (b" \r\n ", NOTHING),
    (b"<html><h1>502 Bad Gateway</h1></html>\n", message("<html><h1>502 Bad Gateway</h1></html>")),
    (b"upstream connect error", message("upstream connect error")),
    (b"{\"error\":{\"code\":\"cut", message("{\"error\":{\"code\":\"cut")),
    (b"caf\xe9 \xff", message("caf\u{fffd} \u{fffd}")),
    (b"{\"msg\":\"\xff\"}", message("{\"msg\":\"\u{fffd}\"}")),
];

fn reason(error: &types::ErrorResponse) -> [Option<&str>; 4] {
    [&error.code, &error.message, &error.details, &error.service].map(Option::as_deref)
}

/// What each operation ends in, for any answer.
async fn outcomes(client: &Client) -> [Result<(), Error>; 4] {
    let create = types::CreateApiKeyRequest::builder().name("a").scopes(vec!["read".into()]).public_key("PEM");
    let generate = types::GenerateApiKeyRequest::builder().name("a").scopes(vec!["read".into()]);
    [
        client.get_api_keys().send().await.map(|_| ()),
        client.create_api_key().body(create).send().await.map(|_| ()),
        client.generate_api_key().body(generate).send().await.map(|_| ()),
        client.delete_api_key().api_key("a").send().await.map(|_| ()),
    ]
}

#[tokio::test]
async fn every_error_body_becomes_the_one_shape() {
    for (body, expected) in BODIES {
        let server = RawServer::always(400, "X-Request-Id: 7\r\n", *body).await;
        match server.client(credentials()).get_api_keys().send().await {
            Err(Error::ErrorResponse(answer)) => {
                assert_eq!(reason(&answer), *expected, "{}", String::from_utf8_lossy(body));
                assert_eq!((answer.status().as_u16(), &answer.headers()["x-request-id"]), (400, &"7".parse().unwrap()));
            }
            other => panic!("{}: {other:?}", String::from_utf8_lossy(body)),
        }
    }
}

#[tokio::test]
async fn every_error_status_is_an_error_response_on_every_operation() {
    for status in
        [400, 401, 402, 403, 404, 405, 408, 409, 418, 422, 425, 429, 451, 499, 500, 501, 502, 503, 504, 520, 599]
    {
        let server = RawServer::always(status, "Retry-After: 3\r\n", "<html>").await;
        for outcome in outcomes(&server.client(credentials())).await {
            let Err(Error::ErrorResponse(answer)) = outcome else { panic!("{status}: {outcome:?}") };
            assert_eq!((answer.status().as_u16(), reason(&answer)), (status, message("<html>")));
            assert_eq!(answer.headers()["retry-after"], "3");
        }
        assert_eq!(server.received().len(), 4, "{status}: one request an operation");
    }
}

#[tokio::test]
async fn any_other_status_is_an_unexpected_response() {
    for status in [200, 201, 202, 203, 204, 206, 208, 299, 300, 302, 304, 399, 600, 999] {
        let server = RawServer::always(status, "X-Request-Id: 7\r\n", "").await;
        let documented = [200, 201, 201, 204];
        for (outcome, documented) in outcomes(&server.client(credentials())).await.into_iter().zip(documented) {
            match outcome {
                Ok(()) => assert_eq!((status, documented), (204, 204)),
                Err(Error::UnexpectedResponse(answer)) => {
                    assert_eq!(answer.status(), status);
                    assert_eq!(answer.headers()["x-request-id"], "7");
                    assert!(answer.url().as_str().starts_with(server.base_url()));
                }
                other => panic!("{status}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn what_arrived_of_an_error_that_broke_off_is_its_message() {
    let server = RawServer::start(|_, _| {
        Reply::Bytes(b"HTTP/1.1 500 -\r\nContent-Length: 100\r\n\r\n{\"code\":\"internal".to_vec())
    })
    .await;
    let result = server.client(credentials()).get_api_keys().send().await;
    let Err(Error::ErrorResponse(answer)) = result else { panic!("{result:?}") };
    assert_eq!((answer.status().as_u16(), reason(&answer)), (500, message("{\"code\":\"internal")));
}

#[tokio::test]
async fn a_long_error_is_cut_to_a_kibibyte_between_characters() {
    for body in [
        "é".repeat(2000),
        json!({"message": "é".repeat(2000)}).to_string(),
        json!({"error": "é".repeat(2000)}).to_string(),
    ] {
        let server = RawServer::always(503, "", body).await;
        let result = server.client(credentials()).get_api_keys().send().await;
        let Err(Error::ErrorResponse(answer)) = result else { panic!("{result:?}") };
        assert_eq!(answer.message.as_deref(), Some("é".repeat(512).as_str()));
    }
}

/// For each response, the same answer with one field as this version does not expect it, and how that is read.
#[tokio::test]
async fn no_unknown_value_fails_a_list() {
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
        let answer = json!({"api_keys": [with(field, value.clone()), key.clone()], "future": 1}).to_string();
        let server = RawServer::always(200, "", answer).await;
        let keys =
            server.client(credentials()).get_api_keys().send().await.unwrap_or_else(|e| panic!("{field} {value}: {e}"));
        let read = serde_json::to_value(&keys.api_keys[0]).unwrap();
        match field {
            "future_field" => assert_eq!(read, key),
            _ if value.is_null() => assert_eq!(read, key),
            _ => assert_eq!(read[field], value, "read, and sent back unchanged"),
        }
        assert_eq!(keys.api_keys.len(), 2);
    }
    for (value, expected) in [(json!(null), None), (json!(-5), Some(-5)), (json!(i64::MAX), Some(i64::MAX))] {
        let answer = json!({"api_keys": [], "api_key_region_expiration_ts": value}).to_string();
        let server = RawServer::always(200, "", answer).await;
        let keys = server.client(credentials()).get_api_keys().send().await.unwrap();
        assert_eq!(keys.api_key_region_expiration_ts, expected);
    }
}

#[tokio::test]
async fn no_unknown_value_fails_the_answer_to_a_new_key() {
    for (field, value) in [
        ("api_key_id", json!("")),
        ("api_key_id", json!("..")),
        ("warning", json!(null)),
        ("warning", json!("no risk control")),
        ("key_type", json!("ml-dsa-65")),
        ("future", json!([])),
    ] {
        let mut answer = json!({"api_key_id": "id", "private_key": "PEM", "key_type": "rsa"});
        answer[field] = value.clone();
        let server = RawServer::always(201, "", answer.to_string()).await;
        let client = server.client(credentials());
        let body = types::GenerateApiKeyRequest::builder().name("a").scopes(vec!["read".into()]);
        let made = client.generate_api_key().body(body).send().await.unwrap_or_else(|e| panic!("{field} {value}: {e}"));
        assert_eq!(made.private_key.expose_secret(), "PEM");
        let body = types::CreateApiKeyRequest::builder().name("a").scopes(vec!["read".into()]).public_key("PEM");
        let created =
            client.create_api_key().body(body).send().await.unwrap_or_else(|e| panic!("{field} {value}: {e}"));
        match field {
            "api_key_id" => assert_eq!((json!(made.api_key_id), json!(created.api_key_id)), (value.clone(), value)),
            "warning" => assert_eq!((json!(made.warning), json!(created.warning)), (value.clone(), value)),
            "key_type" => assert_eq!(made.key_type, Some(ApiKeyType::from("ml-dsa-65"))),
            _ => {}
        }
    }
}

#[test]
fn an_unknown_scope_is_kept_and_a_known_one_is_recognised() {
    let scopes: Vec<ApiKeyScope> = serde_json::from_str(r#"["read::portfolio_balance","write::future"]"#).unwrap();
    assert_eq!(scopes, [ApiKeyScope::ReadPortfolioBalance, ApiKeyScope::from("write::future")]);
    assert_eq!(serde_json::to_string(&scopes).unwrap(), r#"["read::portfolio_balance","write::future"]"#);
    for scope in ApiKeyScope::KNOWN {
        assert_eq!(&scope.to_string().parse::<ApiKeyScope>().unwrap(), scope);
        assert!(!matches!(scope, ApiKeyScope::Unknown(_)));
    }
}

/// An answer to `generateApiKey` that cannot be used, made of one that can.
fn unusable(pem: &str) -> Vec<(&'static str, Reply)> {
    let whole = json!({"api_key_id": "id", "private_key": pem, "key_type": "rsa"}).to_string();
    let without_id = json!({"private_key": pem}).to_string();
    let cut = &whole[..whole.len() - 10];
    let wrong_type = json!({"api_key_id": pem, "private_key": [pem]}).to_string();
    let broken = format!("HTTP/1.1 201 -\r\nContent-Length: {}\r\n\r\n{cut}", whole.len());
    let half_chunk = format!("HTTP/1.1 201 -\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{cut}", whole.len());
    vec![
        ("a field is missing", Reply::json(201, without_id)),
        ("another type", Reply::json(201, wrong_type)),
        ("JSON cut after the key", Reply::json(201, cut)),
        ("no JSON", Reply::new(201, "Content-Type: text/plain\r\n", pem)),
        ("broken off", Reply::Bytes(broken.into())),
        ("broken off in a chunk", Reply::Bytes(half_chunk.into())),
        ("status 200", Reply::json(200, whole.clone())),
        ("status 202", Reply::json(202, whole.clone())),
        ("a redirect", Reply::json(302, whole)),
    ]
}

#[tokio::test]
async fn a_private_key_in_an_unusable_answer_can_still_be_had_and_is_not_shown() {
    let key = &rsa().private;
    for n in 0..unusable("").len() {
        let server = RawServer::start(move |_, _| unusable(rsa().private.expose_secret()).swap_remove(n).1).await;
        let what = unusable("")[n].0;
        let body = types::GenerateApiKeyRequest::builder().name("a").scopes(vec!["read".into()]);
        let result = server.client(credentials()).generate_api_key().body(body).send().await;
        let error = result.unwrap_err();
        let mut shown = format!("{error} {error:?} {error:#}");
        let mut source = error.source();
        while let Some(inner) = source {
            shown += &format!("{inner} {inner:?}");
            source = inner.source();
        }
        assert!(!shows_key(&shown, key), "{what}: {shown}");
        let Error::UnexpectedResponse(answer) = error else { panic!("{what}: {error:?}") };
        assert_eq!(answer.url().path(), "/trade-api/v2/api_keys/generate");
        let arrived = answer.bytes().await.unwrap();
        assert!(shows_key(&String::from_utf8_lossy(&arrived), key), "{what}: the key is lost");
    }
}

#[tokio::test]
async fn a_private_key_in_an_error_answer_is_not_shown() {
    let pem = rsa().private.expose_secret();
    for body in [
        pem.to_owned(),
        json!({"api_key_id": "id", "private_key": pem}).to_string(),
        json!({"message": pem, "details": {"private_key": pem}}).to_string(),
        json!({"error": pem}).to_string(),
        json!({"private_key": pem}).to_string()[..900].to_owned(),
    ] {
        let server = RawServer::always(500, "", body).await;
        let error = server.client(credentials()).get_api_keys().send().await.unwrap_err();
        let shown = format!("{error} {error:?} {}", kalshi_api_keys::ErrorExt::explain(&error));
        assert!(!shows_key(&shown, &rsa().private), "{shown}");
        assert!(shown.contains("(a private key, not shown)"), "{shown}");
    }
}

#[tokio::test]
async fn an_answer_that_broke_off_after_its_last_brace_is_whole_enough() {
    let server = RawServer::start(|_, _| {
        let body = r#"{"api_key_id":"id","private_key":"PEM"}"#;
        Reply::Bytes(format!("HTTP/1.1 201 -\r\nContent-Length: 1000\r\n\r\n{body}").into())
    })
    .await;
    let body = types::GenerateApiKeyRequest::builder().name("a").scopes(vec!["read".into()]);
    let made = server.client(credentials()).generate_api_key().body(body).send().await.unwrap();
    assert_eq!(made.private_key.expose_secret(), "PEM");
}

#[test]
fn the_private_key_type_is_wiped_and_shows_nothing() {
    use static_assertions::{assert_impl_all, assert_not_impl_any};
    assert_impl_all!(types::PrivateKeyPem: zeroize::ZeroizeOnDrop, Send, Sync);
    assert_not_impl_any!(types::PrivateKeyPem: std::fmt::Display, serde::Serialize, AsRef<str>, PartialEq);
    assert_not_impl_any!(types::GenerateApiKeyResponse: serde::Serialize);
    assert_impl_all!(types::ApiKey: serde::Serialize);

    let made: types::GenerateApiKeyResponse =
        serde_json::from_value(json!({"api_key_id": "id", "private_key": rsa().private.expose_secret()})).unwrap();
    let shown = format!("{made:?} {made:#?} {:?}", types::builder::GenerateApiKeyResponse::from(made.clone()));
    assert!(!shows_key(&shown, &rsa().private), "{shown}");
    assert!(shown.contains("PrivateKeyPem([REDACTED])"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any bytes in an error answer: an error response, its members short.
    #[test]
    fn any_error_body_is_read(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = RawServer::always(500, "", body).await;
            match server.client(credentials()).get_api_keys().send().await {
                Err(Error::ErrorResponse(answer)) => {
                    assert!(reason(&answer).iter().flatten().all(|text| text.len() <= 1024));
                }
                other => panic!("{other:?}"),
            }
        });
    }
}
