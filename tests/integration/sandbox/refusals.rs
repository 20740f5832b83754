//! Each status that the service documents, and the few that any server has.

use http::{Method, StatusCode};
use kalshi_api_keys::Error;
use kalshi_api_keys::sandbox::{Fault, Sandbox, Tier};
use kalshi_api_keys::types::{ApiKeyType, CreateApiKeyRequest, GenerateApiKeyRequest};
use serde_json::{Value, json};

use super::{Answer, client, key, path, public_key, registered, root, sandbox, send, send_with};

const SPEC: &str = include_str!("../../../openapi/api_keys.yaml");

async fn post(sandbox: &Sandbox, rest: &str, body: &str) -> Answer {
    send(sandbox, &root(sandbox), Method::POST, rest, Some(body)).await
}

/// The members that both ways to mint a key have, and what is wrong with each: 400.
fn common_faults() -> Vec<Value> {
    vec![
        json!({ "name": null }),
        json!({ "name": "" }),
        json!({ "name": 7 }),
        // Absent, each would be its default: for scopes, full access.
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

fn merged(whole: &Value, changed: &Value) -> String {
    let mut whole = whole.clone();
    for (name, value) in changed.as_object().expect("an object") {
        whole[name] = value.clone();
    }
    whole.to_string()
}

#[tokio::test]
async fn bad_input_is_400_and_mints_nothing() {
    let sandbox = sandbox().await;
    // So that nothing but the fault stands in the way.
    sandbox.set_fcm_member(true);
    for id in ["u_1", "desk7", "_desk7", "u_", "u_desk-7", "u_12345678901234567"] {
        sandbox.add_fcm_subtrader(id);
    }
    let create = json!({ "name": "n", "public_key": public_key() });
    let generate = json!({ "name": "n", "key_type": "ed25519" });
    let mut cases: Vec<(&str, String)> = Vec::new();
    for fault in common_faults() {
        cases.push(("/api_keys", merged(&create, &fault)));
        cases.push(("/api_keys/generate", merged(&generate, &fault)));
    }
    for key_type in [json!("dsa"), json!("RSA"), json!(""), json!(1), json!(null)] {
        cases.push(("/api_keys/generate", merged(&generate, &json!({ "key_type": key_type }))));
    }
    for rest in ["/api_keys", "/api_keys/generate"] {
        for body in ["", "{", "null", "[]", "\"name\"", "{\"name\":\"n\"} {}", "{}"] {
            cases.push((rest, body.to_owned()));
        }
    }
    for (rest, body) in cases {
        let answer = post(&sandbox, rest, &body).await;
        assert_eq!(answer.status, 400, "{rest} {body}: {}", answer.body);
        assert_eq!(answer.code(), "invalid_parameters", "{rest} {body}");
        assert!(!answer.json()["error"]["message"].as_str().unwrap_or_default().is_empty(), "{rest} {body}");
    }
    assert_eq!(sandbox.keys().len(), 1);

    for accepted in [json!({}), json!({ "subaccount": 0 }), json!({ "subaccount": 63 })] {
        assert_eq!(post(&sandbox, "/api_keys", &merged(&create, &accepted)).await.status, 201, "{accepted}");
        assert_eq!(post(&sandbox, "/api_keys/generate", &merged(&generate, &accepted)).await.status, 201, "{accepted}");
    }
    for id in ["u_1", "a b_c_1234567890123456"] {
        sandbox.add_fcm_subtrader(id);
        let body = merged(&create, &json!({ "fcm_subtrader_id": id }));
        assert_eq!(post(&sandbox, "/api_keys", &body).await.status, 201, "{id}");
    }
}

#[tokio::test]
async fn a_public_key_is_rsa_of_2048_bits_or_ed25519_in_a_public_key_section() {
    let sandbox = sandbox().await;
    let short = include_str!("../data/rsa_1024.pub.pem");
    let ec = include_str!("../data/p256.pub.pem");
    let pkcs1 = include_str!("../data/rsa_2048.pkcs1.pub.pem");
    let good = public_key();
    let private = sandbox.root_private_key();
    // The identity point: it confirms signatures that nobody made.
    let weak = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n-----END PUBLIC KEY-----\n";
    let cases = [
        ("null", json!(null)),
        ("empty", json!("")),
        ("a number", json!(1)),
        ("no PEM", json!("MCowBQYDK2VwAyEA")),
        ("RSA of 1024 bits", json!(short)),
        ("an elliptic-curve key", json!(ec)),
        ("PKCS#1", json!(pkcs1)),
        ("a private key", json!(private.expose_secret())),
        ("cut short", json!(good.replace("MCow", "MCo"))),
        ("another algorithm", json!(good.replace("MCowBQYDK2Vw", "MCowBQYDK2Vx"))),
        ("a weak key", json!(weak)),
    ];
    for (case, key) in cases {
        let answer = post(&sandbox, "/api_keys", &json!({ "name": "n", "public_key": key }).to_string()).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "invalid_parameters"), "{case}");
    }
    assert_eq!(sandbox.keys().len(), 1);

    let rsa_2048 = include_str!("../data/rsa_2048.pub.pem");
    let rsa_8192 = include_str!("../data/rsa_8192.pub.pem");
    for key in [good.replace('\n', "\r\n"), good, rsa_2048.to_owned(), rsa_8192.to_owned()] {
        let answer = post(&sandbox, "/api_keys", &json!({ "name": "n", "public_key": key }).to_string()).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
}

#[tokio::test]
async fn another_content_type_is_the_flat_400() {
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
            let mut headers: http::HeaderMap =
                root(&sandbox).headers(&Method::POST, &path(&sandbox, rest)).expect("headers").into_iter().collect();
            if let Some(content_type) = content_type {
                headers.insert("content-type", content_type.parse().expect("text"));
            }
            let body = merged(&serde_json::from_str(&body).expect("JSON"), &json!({ "public_key": public_key() }));
            let request = super::http().post(format!("{}{rest}", sandbox.base_url())).headers(headers).body(body);
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), status, "{content_type:?}");
            if status == 400 {
                let body = answer.text().await.expect("whole");
                assert!(body.starts_with(r#"{"code":"invalid_content_type","message":""#), "{body}");
            }
        }
    }
}

#[tokio::test]
async fn a_key_of_ones_own_needs_premier_or_market_maker() {
    let sandbox = Sandbox::builder().tier(Tier::Advanced).start().await.expect("a sandbox");
    let client = client(&sandbox);
    let create = || {
        client
            .create_api_key()
            .body(CreateApiKeyRequest::builder().name("n").scopes(vec!["read".into()]).public_key(public_key()))
    };
    let generate = GenerateApiKeyRequest::builder().name("n").scopes(vec!["read".into()]).key_type(ApiKeyType::Ed25519);
    assert_eq!(create().send().await.map(|_| ()).map_err(|e| e.status()), Err(Some(StatusCode::FORBIDDEN)));
    for (tier, allowed) in
        [(Tier::Premier, true), (Tier::Basic, false), (Tier::MarketMaker, true), (Tier::Advanced, false)]
    {
        sandbox.set_tier(tier);
        match create().send().await {
            Ok(_) => assert!(allowed, "{tier:?}"),
            Err(Error::ErrorResponse(refusal)) => {
                assert!(!allowed, "{tier:?}: {refusal:?}");
                assert_eq!(refusal.status(), StatusCode::FORBIDDEN);
                assert_eq!(refusal.code.as_deref(), Some("insufficient_usage_level"));
            }
            Err(other) => panic!("{tier:?}: {other:?}"),
        }
        client.generate_api_key().body(generate.clone()).send().await.expect("on every level");
    }
}

#[tokio::test]
async fn a_subtrader_is_403_for_others_and_409_until_it_is_visible() {
    let sandbox = sandbox().await;
    let body = json!({ "name": "n", "public_key": public_key(), "key_type": "ed25519", "fcm_subtrader_id": "u_1" });
    for rest in ["/api_keys", "/api_keys/generate"] {
        sandbox.set_fcm_member(false);
        let answer = post(&sandbox, rest, &body.to_string()).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "not_an_fcm_member"));
        sandbox.set_fcm_member(true);
        let fresh = merged(&body, &json!({ "fcm_subtrader_id": format!("u_{}", rest.len()) }));
        let answer = post(&sandbox, rest, &fresh).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (409, "fcm_subtrader_not_yet_visible"));
        sandbox.add_fcm_subtrader(&format!("u_{}", rest.len()));
        assert_eq!(post(&sandbox, rest, &fresh).await.status, 201);
    }
}

#[tokio::test]
async fn deleting_an_unknown_key_is_404_and_no_key_at_all_400() {
    let sandbox = sandbox().await;
    registered(&sandbox, key("a", &["read"]));
    let refused = client(&sandbox).delete_api_key().api_key("nobody").send().await.expect_err("no such key");
    assert_eq!(refused.status(), Some(StatusCode::NOT_FOUND));
    for (rest, status, code) in [
        ("/api_keys/nobody", 404, "api_key_not_found"),
        // Decoded once, so this is `%61`, not `a`.
        ("/api_keys/%2561", 404, "api_key_not_found"),
        ("/api_keys/", 400, "invalid_parameters"),
        ("/api_keys/%ff", 400, "invalid_parameters"),
    ] {
        let answer = send(&sandbox, &root(&sandbox), Method::DELETE, rest, None).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{rest}");
    }
}

#[tokio::test]
async fn a_list_of_what_is_no_subtrader_is_400() {
    let sandbox = sandbox().await;
    for query in ["fcm_subtrader_id", "fcm_subtrader_id=", "fcm_subtrader_id=desk7", "fcm_subtrader_id=u_%FF"] {
        let answer = send(&sandbox, &root(&sandbox), Method::GET, &format!("/api_keys?{query}"), None).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "invalid_parameters"), "{query}");
    }
}

#[tokio::test]
async fn a_large_body_is_413() {
    let sandbox = sandbox().await;
    for rest in ["/api_keys", "/api_keys/generate"] {
        let sized = |length: usize| {
            let start = json!({ "name": "n", "public_key": public_key(), "key_type": "ed25519" }).to_string();
            start.clone() + &" ".repeat(length - start.len())
        };
        assert_eq!(post(&sandbox, rest, &sized(64 * 1024)).await.status, 201);
        let answer = post(&sandbox, rest, &sized(64 * 1024 + 1)).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (413, "payload_too_large"));
    }
}

#[tokio::test]
async fn other_paths_are_404_and_other_methods_405_signed_or_not() {
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
        let answer = send_with(&sandbox, http::HeaderMap::new(), method.clone(), rest, None).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{case}");
        let answer = send(&sandbox, &root(&sandbox), method, rest, None).await;
        assert_eq!(answer.status, status, "{case}");
    }
}

#[tokio::test]
async fn every_operation_of_the_spec_fails_with_500_on_demand() {
    let sandbox = sandbox().await;
    let operations: Vec<_> = SPEC.lines().filter_map(|line| line.trim().strip_prefix("operationId: ")).collect();
    assert_eq!(operations.len(), 4);
    for operation in &operations {
        sandbox.fail_next_on(operation, Fault::internal_error()).expect("an operation of the spec");
    }
    let client = client(&sandbox);
    let create = CreateApiKeyRequest::builder().name("n").scopes(vec!["read".into()]).public_key(public_key());
    let generate = GenerateApiKeyRequest::builder().name("n").scopes(vec!["read".into()]).key_type(ApiKeyType::Ed25519);
    let refusals = [
        client.get_api_keys().send().await.map(|_| ()),
        client.create_api_key().body(create).send().await.map(|_| ()),
        client.generate_api_key().body(generate).send().await.map(|_| ()),
        client.delete_api_key().api_key("a").send().await.map(|_| ()),
    ];
    for (refusal, operation) in refusals.into_iter().zip(operations) {
        match refusal {
            Err(Error::ErrorResponse(refusal)) => {
                assert_eq!(refusal.status(), StatusCode::INTERNAL_SERVER_ERROR, "{operation}");
                assert_eq!(refusal.code.as_deref(), Some("internal_error"), "{operation}");
            }
            other => panic!("{operation}: {other:?}"),
        }
    }
    assert_eq!(sandbox.keys().len(), 1, "none was processed");
    client.get_api_keys().send().await.expect("only once each");
}
