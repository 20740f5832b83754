//! Error responses: every documented status, and those of any HTTP server.

use http::{Method, StatusCode};
use kalshi_api_keys::Error;
use kalshi_api_keys::sandbox::{Fault, Sandbox, Tier};
use kalshi_api_keys::types::{ApiKeyType, CreateApiKeyRequest, GenerateApiKeyRequest};
use serde_json::{Value, json};

use super::{Response, client, key, path, public_key, register, root, sandbox, send, send_with};

const SPEC: &str = include_str!("../../../openapi/api_keys.yaml");

async fn post(sandbox: &Sandbox, rest: &str, body: &str) -> Response {
    send(sandbox, &root(sandbox), Method::POST, rest, Some(body)).await
}

/// Returns the spec's example of a response.
fn documented_error(response: &str) -> Value {
    let content = &crate::contract::spec()["components"]["responses"][response]["content"];
    let example = &content["application/json"]["example"];
    assert!(example.is_object(), "{response}");
    example.clone()
}

/// The error is the spec's example, and nothing besides: no `service` in particular.
pub(super) fn assert_documented(response: &Response, status: u16, name: &str) {
    assert_eq!(response.status, status, "{name}: {}", response.body);
    assert_eq!(
        response.json(),
        json!({ "error": documented_error(name) }),
        "{name}"
    );
}

/// Invalid values of the fields that `createApiKey` and `generateApiKey` share.
fn invalid_fields() -> Vec<Value> {
    vec![
        json!({ "name": null }),
        json!({ "name": "" }),
        json!({ "name": 7 }),
        // Must not be taken for absent: absent scopes mean full access.
        json!({ "scopes": null }),
        json!({ "subaccount": null }),
        json!({ "fcm_subtrader_id": null }),
        json!({ "scopes": [] }),
        json!({ "scopes": "read" }),
        json!({ "scopes": [null] }),
        json!({ "scopes": ["read", "of::tomorrow"] }),
        json!({ "scopes": ["Read"] }),
        json!({ "scopes": ["write"] }),
        json!({ "scopes": ["write", "read::portfolio_balance"] }),
        json!({ "subaccount": 64 }),
        json!({ "subaccount": 256 }),
        json!({ "subaccount": -1 }),
        json!({ "subaccount": 1.5 }),
        json!({ "subaccount": "7" }),
        json!({ "subaccount": true }),
        json!({ "fcm_subtrader_id": "" }),
        json!({ "fcm_subtrader_id": "desk7" }),
        json!({ "fcm_subtrader_id": "_desk7" }),
        json!({ "fcm_subtrader_id": "u_" }),
        json!({ "fcm_subtrader_id": "u_desk-7" }),
        json!({ "fcm_subtrader_id": "u_désk" }),
        json!({ "fcm_subtrader_id": "u_12345678901234567" }),
        json!({ "fcm_subtrader_id": "u\n_1" }),
        json!({ "fcm_subtrader_id": 7 }),
        json!({ "fcm_subtrader_id": "u_1", "subaccount": 7 }),
    ]
}

/// `body` with some of its fields replaced.
fn with_fields(body: &Value, fields: &Value) -> String {
    let mut body = body.clone();
    for (name, value) in fields.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body.to_string()
}

#[tokio::test]
async fn refuses_invalid_input_with_400_and_creates_no_key() {
    let sandbox = sandbox().await;
    // So that each case is refused for its invalid field alone.
    sandbox.set_fcm_member(true);
    for id in [
        "u_1",
        "desk7",
        "_desk7",
        "u_",
        "u_desk-7",
        "u_12345678901234567",
    ] {
        sandbox.add_fcm_subtrader(id);
    }
    let create = json!({ "name": "n", "public_key": public_key() });
    let generate = json!({ "name": "n", "key_type": "ed25519" });
    let mut cases: Vec<(&str, String)> = Vec::new();
    for invalid in invalid_fields() {
        cases.push(("/api_keys", with_fields(&create, &invalid)));
        cases.push(("/api_keys/generate", with_fields(&generate, &invalid)));
    }
    for key_type in [json!("dsa"), json!("RSA"), json!(""), json!(1), json!(null)] {
        cases.push((
            "/api_keys/generate",
            with_fields(&generate, &json!({ "key_type": key_type })),
        ));
    }
    for rest in ["/api_keys", "/api_keys/generate"] {
        for body in [
            "",
            "{",
            "null",
            "[]",
            "\"name\"",
            "{\"name\":\"n\"} {}",
            "{}",
        ] {
            cases.push((rest, body.to_owned()));
        }
    }
    for (rest, body) in cases {
        let response = post(&sandbox, rest, &body).await;
        assert_eq!(response.status, 400, "{rest} {body}: {}", response.body);
        assert_eq!(response.code(), "invalid_parameters", "{rest} {body}");
        assert!(
            !response.json()["error"]["message"]
                .as_str()
                .unwrap_or_default()
                .is_empty(),
            "{rest} {body}"
        );
    }
    assert_eq!(sandbox.keys().len(), 1);
    let without_name = with_fields(&generate, &json!({ "name": "" }));
    let response = post(&sandbox, "/api_keys/generate", &without_name).await;
    assert_documented(&response, 400, "InvalidInput");

    for accepted in [
        json!({}),
        // A child scope requires no parent.
        json!({ "scopes": ["write::trade"] }),
        json!({ "scopes": ["read::portfolio_balance", "write::transfer"] }),
        json!({ "subaccount": 0 }),
        json!({ "subaccount": 63 }),
    ] {
        assert_eq!(
            post(&sandbox, "/api_keys", &with_fields(&create, &accepted))
                .await
                .status,
            201,
            "{accepted}"
        );
        assert_eq!(
            post(
                &sandbox,
                "/api_keys/generate",
                &with_fields(&generate, &accepted)
            )
            .await
            .status,
            201,
            "{accepted}"
        );
    }
    for id in ["u_1", "a b_c_1234567890123456"] {
        sandbox.add_fcm_subtrader(id);
        let body = with_fields(&create, &json!({ "fcm_subtrader_id": id }));
        assert_eq!(post(&sandbox, "/api_keys", &body).await.status, 201, "{id}");
    }
}

#[tokio::test]
async fn refuses_public_keys_other_than_rsa_2048_to_8192_and_ed25519() {
    let sandbox = sandbox().await;
    let short = include_str!("../../data/public_keys/rsa_1024.pub.pem");
    let ec = include_str!("../../data/public_keys/p256.pub.pem");
    let pkcs1 = include_str!("../../data/public_keys/rsa_2048.pkcs1.pub.pem");
    let good = public_key();
    let private = sandbox.root_private_key();
    // The identity point: it verifies signatures made without a private key.
    let weak = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n-----END PUBLIC KEY-----\n";
    let cases = [
        ("null", json!(null)),
        ("empty", json!("")),
        ("a number", json!(1)),
        ("not PEM", json!("MCowBQYDK2VwAyEA")),
        ("RSA of 1024 bits", json!(short)),
        ("an elliptic-curve key", json!(ec)),
        ("PKCS#1", json!(pkcs1)),
        ("a private key", json!(private.expose_secret())),
        ("truncated", json!(good.replace("MCow", "MCo"))),
        (
            "another algorithm",
            json!(good.replace("MCowBQYDK2Vw", "MCowBQYDK2Vx")),
        ),
        ("a weak key", json!(weak)),
    ];
    for (case, key) in cases {
        let response = post(
            &sandbox,
            "/api_keys",
            &json!({ "name": "n", "public_key": key }).to_string(),
        )
        .await;
        assert_eq!(
            (response.status.as_u16(), response.code().as_str()),
            (400, "invalid_parameters"),
            "{case}"
        );
    }
    assert_eq!(sandbox.keys().len(), 1);

    let rsa_2048 = include_str!("../../data/public_keys/rsa_2048.pub.pem");
    let rsa_8192 = include_str!("../../data/public_keys/rsa_8192.pub.pem");
    for key in [
        good.replace('\n', "\r\n"),
        good,
        rsa_2048.to_owned(),
        rsa_8192.to_owned(),
    ] {
        let response = post(
            &sandbox,
            "/api_keys",
            &json!({ "name": "n", "public_key": key }).to_string(),
        )
        .await;
        assert_eq!(response.status, 201, "{}", response.body);
    }
}

#[tokio::test]
async fn refuses_other_content_types_with_the_flat_400() {
    let sandbox = sandbox().await;
    let body = json!({ "name": "n", "key_type": "ed25519" }).to_string();
    for rest in ["/api_keys", "/api_keys/generate"] {
        for (content_type, status) in [
            (None, 400),
            (Some("text/plain"), 400),
            (Some("application/x-www-form-urlencoded"), 400),
            (Some("application/jsonl"), 400),
            (Some("application/json"), 201),
            (Some("Application/JSON; charset=utf-8"), 201),
        ] {
            let mut headers: http::HeaderMap = root(&sandbox)
                .headers(&Method::POST, &path(&sandbox, rest))
                .expect("headers")
                .into_iter()
                .collect();
            if let Some(content_type) = content_type {
                headers.insert("content-type", content_type.parse().expect("text"));
            }
            let body = with_fields(
                &serde_json::from_str(&body).expect("JSON"),
                &json!({ "public_key": public_key() }),
            );
            let request = super::http()
                .post(format!("{}{rest}", sandbox.base_url()))
                .headers(headers)
                .body(body);
            let response = request.send().await.expect("a response");
            assert_eq!(response.status(), status, "{content_type:?}");
            if status == 400 {
                let body = response.text().await.expect("a complete body");
                assert!(
                    body.starts_with(r#"{"code":"invalid_content_type","message":""#),
                    "{body}"
                );
            }
        }
    }
}

#[tokio::test]
async fn create_requires_premier_or_above_or_market_maker() {
    let sandbox = Sandbox::builder()
        .tier(Tier::Expert)
        .start()
        .await
        .expect("a sandbox");
    let create = json!({ "name": "n", "public_key": public_key() }).to_string();
    let generate = r#"{"name":"n","key_type":"ed25519"}"#;
    let response = post(&sandbox, "/api_keys", &create).await;
    assert_documented(&response, 403, "MayNotCreateKey");
    for (tier, allowed) in [
        (Tier::Premier, true),
        (Tier::Basic, false),
        (Tier::Paragon, true),
        (Tier::Advanced, false),
        (Tier::Prime, true),
        (Tier::Expert, false),
        (Tier::Prestige, true),
        (Tier::Basic, false),
        (Tier::MarketMaker, true),
    ] {
        sandbox.set_tier(tier);
        let response = post(&sandbox, "/api_keys", &create).await;
        if allowed {
            assert_eq!(response.status, 201, "{tier:?}: {}", response.body);
        } else {
            assert_documented(&response, 403, "MayNotCreateKey");
        }
        let response = post(&sandbox, "/api_keys/generate", generate).await;
        assert_eq!(response.status, 201, "{tier:?}: {}", response.body);
    }
}

#[tokio::test]
async fn a_subtrader_id_is_403_for_non_members_and_409_until_visible() {
    let sandbox = sandbox().await;
    let body = json!({
        "name": "n", "public_key": public_key(), "key_type": "ed25519",
        "fcm_subtrader_id": "u_desk7",
    });
    let body = body.to_string();
    for rest in ["/api_keys", "/api_keys/generate"] {
        sandbox.set_fcm_member(false);
        let response = post(&sandbox, rest, &body).await;
        assert_documented(&response, 403, "MayNotGenerateKey");
    }
    sandbox.set_fcm_member(true);
    // Neither is the one that the key is to be bound to.
    sandbox.add_fcm_subtrader("u_DESK7");
    sandbox.add_fcm_subtrader("u_desk");
    for rest in ["/api_keys", "/api_keys/generate"] {
        let response = post(&sandbox, rest, &body).await;
        assert_documented(&response, 409, "SubtraderNotYetVisible");
    }
    assert_eq!(sandbox.keys().len(), 1);
    sandbox.add_fcm_subtrader("u_desk7");
    for rest in ["/api_keys", "/api_keys/generate"] {
        assert_eq!(post(&sandbox, rest, &body).await.status, 201, "{rest}");
    }
}

#[tokio::test]
async fn deleting_an_unknown_key_is_404_and_an_invalid_id_400() {
    let sandbox = sandbox().await;
    register(&sandbox, key("a", &["read"]));
    let error = client(&sandbox)
        .delete_api_key()
        .api_key("nobody")
        .send()
        .await
        .expect_err("no such key");
    assert_eq!(error.status(), Some(StatusCode::NOT_FOUND));
    for (rest, status, example) in [
        ("/api_keys/nobody", 404, "KeyNotFound"),
        // Decoded once: the ID is `%61`, not `a`.
        ("/api_keys/%2561", 404, "KeyNotFound"),
        ("/api_keys/", 400, "InvalidKeyId"),
        ("/api_keys/%ff", 400, "InvalidKeyId"),
    ] {
        let response = send(&sandbox, &root(&sandbox), Method::DELETE, rest, None).await;
        assert_documented(&response, status, example);
    }
}

#[tokio::test]
async fn refuses_an_invalid_subtrader_id_in_the_query_with_400() {
    let sandbox = sandbox().await;
    for query in [
        "fcm_subtrader_id",
        "fcm_subtrader_id=",
        "fcm_subtrader_id=desk7",
        "fcm_subtrader_id=u_%FF",
    ] {
        let response = send(
            &sandbox,
            &root(&sandbox),
            Method::GET,
            &format!("/api_keys?{query}"),
            None,
        )
        .await;
        assert_eq!(
            (response.status.as_u16(), response.code().as_str()),
            (400, "invalid_parameters"),
            "{query}"
        );
    }
}

#[tokio::test]
async fn refuses_a_body_above_64_kib_with_413() {
    let sandbox = sandbox().await;
    for rest in ["/api_keys", "/api_keys/generate"] {
        let body_of_length = |length: usize| {
            let body = json!({ "name": "n", "public_key": public_key(), "key_type": "ed25519" })
                .to_string();
            format!("{body}{}", " ".repeat(length - body.len()))
        };
        assert_eq!(
            post(&sandbox, rest, &body_of_length(64 * 1024))
                .await
                .status,
            201
        );
        let response = post(&sandbox, rest, &body_of_length(64 * 1024 + 1)).await;
        assert_eq!(
            (response.status.as_u16(), response.code().as_str()),
            (413, "payload_too_large")
        );
    }
}

#[tokio::test]
async fn unknown_paths_are_404_and_other_methods_405_signed_or_not() {
    let sandbox = sandbox().await;
    for (method, rest, status, code) in [
        (Method::GET, "", 404, "not_found"),
        (Method::GET, "/markets", 404, "not_found"),
        (Method::DELETE, "/api_keys/a/b", 404, "not_found"),
        (Method::PUT, "/api_keys", 405, "method_not_allowed"),
        (Method::DELETE, "/api_keys", 405, "method_not_allowed"),
        (Method::GET, "/api_keys/generate", 405, "method_not_allowed"),
        (Method::PATCH, "/api_keys/a", 405, "method_not_allowed"),
    ] {
        let case = format!("{method} {rest}");
        let response =
            send_with(&sandbox, http::HeaderMap::new(), method.clone(), rest, None).await;
        assert_eq!(
            (response.status.as_u16(), response.code().as_str()),
            (status, code),
            "{case}"
        );
        let response = send(&sandbox, &root(&sandbox), method, rest, None).await;
        assert_eq!(response.status, status, "{case}");
    }
}

#[tokio::test]
async fn every_operation_of_the_spec_can_be_made_to_return_500() {
    let sandbox = sandbox().await;
    let operations: Vec<_> = SPEC
        .lines()
        .filter_map(|line| line.trim().strip_prefix("operationId: "))
        .collect();
    assert_eq!(operations.len(), 4);
    for operation in &operations {
        sandbox
            .fail_next_on(operation, Fault::internal_error())
            .expect("an operation of the spec");
    }
    let client = client(&sandbox);
    let create = CreateApiKeyRequest::builder()
        .name("n")
        .scopes(vec!["read".into()])
        .public_key(public_key());
    let generate = GenerateApiKeyRequest::builder()
        .name("n")
        .scopes(vec!["read".into()])
        .key_type(ApiKeyType::Ed25519);
    let results = [
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
    ];
    for (result, operation) in results.into_iter().zip(operations) {
        match result {
            Err(Error::ErrorResponse(error)) => {
                assert_eq!(
                    error.status(),
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "{operation}"
                );
                let documented = documented_error("InternalError");
                assert_eq!(error.code.as_deref(), documented["code"].as_str());
                assert_eq!(error.message.as_deref(), documented["message"].as_str());
            }
            other => panic!("{operation}: {other:?}"),
        }
    }
    assert_eq!(sandbox.keys().len(), 1, "no request was processed");
    client
        .get_api_keys()
        .send()
        .await
        .expect("each fault applies once");
}
