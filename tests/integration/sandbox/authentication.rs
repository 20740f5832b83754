//! Authentication and authorization.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use curve25519_dalek::Scalar;
use ed25519_dalek::Verifier as _;
use ed25519_dalek::pkcs8::DecodePrivateKey as _;
use http::{HeaderMap, Method};
use kalshi_api_keys::KeyAlgorithm;
use kalshi_api_keys::sandbox::Sandbox;
use kalshi_api_keys::{Credentials, KeyPair, Signer};
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::signature::{SignatureEncoding as _, Signer as _};
use sha2::Digest as _;

use super::errors::assert_documented;
use super::{
    KEY, OPERATIONS, Response, SIGNATURE, TIMESTAMP, TestKey, bound_key, client, exchange, key,
    path, public_key, register, restricted_key, root, sandbox, send, send_with, text,
};

pub(super) const NO_KEY: &str =
    r#"{"error":{"code":"token_authentication_failure","message":"token authentication failure"}}"#;
pub(super) const NO_SIGNATURE: &str = r#"{"error":{"code":"signature_is_missing_from_headers","message":"signature is missing from headers"}}"#;
pub(super) const EXPIRED: &str =
    r#"{"error":{"code":"header_timestamp_expired","message":"header timestamp expired"}}"#;
pub(super) const WRONG_SIGNATURE: &str = r#"{"error":{"code":"authentication_error","message":"authentication_error","details":"INCORRECT_API_KEY_SIGNATURE"}}"#;
pub(super) const UNKNOWN_KEY: &str = r#"{"error":{"code":"authentication_error","message":"authentication_error","details":"NOT_FOUND"}}"#;

/// The headers of a correctly signed `getApiKeys`.
fn signed(sandbox: &Sandbox) -> HeaderMap {
    root(sandbox)
        .headers(&Method::GET, &path(sandbox, "/api_keys"))
        .expect("headers")
        .into_iter()
        .collect()
}

async fn list(sandbox: &Sandbox, headers: HeaderMap) -> Response {
    send_with(sandbox, headers, Method::GET, "/api_keys", None).await
}

fn assert_refused(response: &Response, body: &str, case: &str) {
    assert_eq!(
        (response.status.as_u16(), response.body.as_str()),
        (401, body),
        "{case}"
    );
    assert_eq!(
        response.headers["content-type"], "application/json",
        "{case}"
    );
    assert!(response.headers.contains_key("date"), "{case}");
}

#[tokio::test]
async fn refuses_a_missing_header_with_the_recorded_body() {
    let sandbox = sandbox().await;
    assert_eq!(list(&sandbox, signed(&sandbox)).await.status, 200);
    for (missing, body) in [
        (KEY, NO_KEY),
        (SIGNATURE, NO_SIGNATURE),
        (TIMESTAMP, EXPIRED),
    ] {
        let mut headers = signed(&sandbox);
        headers.remove(missing);
        assert_refused(&list(&sandbox, headers).await, body, missing);
    }
    assert_refused(&list(&sandbox, HeaderMap::new()).await, NO_KEY, "nothing");
}

#[tokio::test]
async fn every_operation_requires_a_signature() {
    let sandbox = sandbox().await;
    let without_id = (Method::DELETE, "/api_keys/");
    for (method, rest) in OPERATIONS.into_iter().chain([without_id]) {
        let response =
            send_with(&sandbox, HeaderMap::new(), method.clone(), rest, Some("{}")).await;
        assert_refused(&response, NO_KEY, &format!("{method} {rest}"));
    }
}

#[tokio::test]
async fn refuses_an_unknown_key_with_the_recorded_body() {
    let sandbox = sandbox().await;
    let mut headers = signed(&sandbox);
    headers.insert(KEY, text("a952bcbe-ec3b-4b5b-b8f9-11dae589608c"));
    assert_refused(&list(&sandbox, headers).await, UNKNOWN_KEY, "another ID");
}

#[tokio::test]
async fn refuses_the_signature_of_another_key_with_the_recorded_body() {
    let sandbox = sandbox().await;
    let other = register(&sandbox, key("other", &["read"]));
    let mut headers: HeaderMap = other
        .headers(&Method::GET, &path(&sandbox, "/api_keys"))
        .expect("headers")
        .into_iter()
        .collect();
    headers.insert(KEY, text(sandbox.credentials().key_id()));
    assert_refused(
        &list(&sandbox, headers).await,
        WRONG_SIGNATURE,
        "another key's",
    );
}

#[tokio::test]
async fn refuses_a_timestamp_outside_the_window() {
    let sandbox = sandbox().await;
    // A request ages on its way, so no case is just inside the lower bound.
    for (seconds, accepted) in [
        (0, true),
        (9, true),
        (-4, true),
        (-11, false),
        (-30, false),
        (60, false),
        (-60, false),
    ] {
        let signer = root(&sandbox).with_clock(move || now_plus(seconds));
        let response = send(&sandbox, &signer, Method::GET, "/api_keys", None).await;
        if accepted {
            assert_eq!(response.status, 200, "{seconds} s");
        } else {
            assert_refused(&response, EXPIRED, &format!("{seconds} s"));
        }
    }
}

#[tokio::test]
async fn the_time_window_is_configurable() {
    let sandbox = sandbox().await;
    sandbox.set_time_window(Duration::from_secs(3600));
    for (seconds, status) in [(3500, 200), (-3500, 200), (3700, 401), (-3700, 401)] {
        let signer = root(&sandbox).with_clock(move || now_plus(seconds));
        assert_eq!(
            send(&sandbox, &signer, Method::GET, "/api_keys", None)
                .await
                .status,
            status,
            "{seconds} s"
        );
    }
}

/// This machine's time plus a number of seconds, which may be negative.
fn now_plus(seconds: i64) -> SystemTime {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 {
        SystemTime::now() - distance
    } else {
        SystemTime::now() + distance
    }
}

#[tokio::test]
async fn refuses_a_timestamp_that_is_not_decimal_milliseconds() {
    let sandbox = sandbox().await;
    let millis = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970")
        .as_millis();
    let cases = [
        String::new(),
        "now".to_owned(),
        format!("+{millis}"),
        format!("-{millis}"),
        format!("{millis}.0"),
        format!("0x{millis:x}"),
        (millis / 1000).to_string(),
        (millis * 1000).to_string(),
        format!("{millis}00000000000000000000"),
    ];
    for timestamp in cases {
        // The signature is correct, so only the timestamp can be refused.
        let response = list(&sandbox, sign_manually(&sandbox, &timestamp, "GET")).await;
        assert_refused(&response, EXPIRED, &timestamp);
    }
    assert_eq!(
        list(
            &sandbox,
            sign_manually(&sandbox, &millis.to_string(), "GET")
        )
        .await
        .status,
        200
    );
    let response = list(
        &sandbox,
        sign_manually(&sandbox, &millis.to_string(), "get"),
    )
    .await;
    assert_refused(&response, WRONG_SIGNATURE, "the method in lower case");
}

/// Headers signed with the root key, without the crate's signer.
fn sign_manually(sandbox: &Sandbox, timestamp: &str, method: &str) -> HeaderMap {
    TestKey::root(sandbox).sign(timestamp, method, &path(sandbox, "/api_keys"))
}

#[tokio::test]
async fn refuses_a_signature_that_is_not_padded_standard_base64() {
    let sandbox = sandbox().await;
    let headers = signed(&sandbox);
    let good = headers[SIGNATURE].to_str().expect("text");
    let bytes = STANDARD.decode(good).expect("base64");
    let mut changed = bytes.clone();
    changed[40] ^= 1;
    let cases = [
        ("not base64", "***".to_owned()),
        ("unpadded", STANDARD_NO_PAD.encode(&bytes)),
        ("too short", STANDARD.encode(&bytes[..63])),
        (
            "too long",
            STANDARD.encode([bytes.as_slice(), &[0]].concat()),
        ),
        ("one bit flipped", STANDARD.encode(changed)),
    ];
    for (case, signature) in cases {
        let mut headers = headers.clone();
        headers.insert(SIGNATURE, text(&signature));
        assert_refused(&list(&sandbox, headers).await, WRONG_SIGNATURE, case);
    }
}

#[tokio::test]
async fn the_signature_covers_timestamp_method_and_path_but_not_the_query() {
    let sandbox = sandbox().await;
    let headers = signed(&sandbox);
    let response = send_with(
        &sandbox,
        headers.clone(),
        Method::GET,
        "/api_keys?fcm_subtrader_id=a_b",
        None,
    )
    .await;
    assert_eq!(response.status, 200, "a query is not signed");

    let mut later = headers.clone();
    let timestamp: u64 = headers[TIMESTAMP]
        .to_str()
        .expect("text")
        .parse()
        .expect("a number");
    later.insert(TIMESTAMP, (timestamp + 1).into());
    assert_refused(
        &list(&sandbox, later).await,
        WRONG_SIGNATURE,
        "another time",
    );

    let response = send_with(
        &sandbox,
        headers.clone(),
        Method::POST,
        "/api_keys",
        Some("{}"),
    )
    .await;
    assert_refused(&response, WRONG_SIGNATURE, "another method");
    let response = send_with(
        &sandbox,
        headers,
        Method::POST,
        "/api_keys/generate",
        Some("{}"),
    )
    .await;
    assert_refused(&response, WRONG_SIGNATURE, "another path");
}

#[tokio::test]
async fn the_signature_covers_the_path_as_sent() {
    let sandbox = sandbox().await;
    sandbox
        .register(key("a/b c", &["read"]), &public_key())
        .expect("a new key");
    for (sent, signed, status) in [
        ("/api_keys/%61%2fb%20c", "/api_keys/a%2Fb%20c", "401"),
        ("/api_keys/%61%2fb%20c", "/api_keys/a%2fb%20c", "401"),
        ("/api_keys/%61%2fb%20c", "/api_keys/%61%2fb%20c", "204"),
    ] {
        let headers = root(&sandbox)
            .headers(&Method::DELETE, &path(&sandbox, signed))
            .expect("headers");
        let response = exchange(
            &sandbox,
            "DELETE",
            &path(&sandbox, sent),
            &headers.into_iter().collect(),
        )
        .await;
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status} ")),
            "{sent} signed as {signed}: {response}"
        );
    }
}

#[tokio::test]
async fn refuses_an_rsa_signature_without_a_32_byte_salt() {
    let sandbox = Sandbox::builder()
        .root_key_type("rsa".into())
        .start()
        .await
        .expect("a sandbox");
    let root_key = sandbox.root_private_key();
    assert!(
        root_key
            .expose_secret()
            .starts_with("-----BEGIN RSA PRIVATE KEY-----")
    );
    client(&sandbox)
        .get_api_keys()
        .send()
        .await
        .expect("the client's own signature");

    let private_key = rsa::PrivateKey::from_pkcs1_pem(root_key.expose_secret()).expect("PKCS#1");
    for salt in [0, 20, 31, 32, 33, 64] {
        let mut headers = signed(&sandbox);
        let timestamp = headers[TIMESTAMP].to_str().expect("text");
        let message = format!("{timestamp}GET{}", path(&sandbox, "/api_keys"));
        let signing =
            rsa::pss::SigningKey::<sha2::Sha256>::new_with_salt_len(private_key.clone(), salt);
        let signature = signing.sign(message.as_bytes()).to_vec();
        headers.insert(SIGNATURE, text(&STANDARD.encode(signature)));
        let response = list(&sandbox, headers).await;
        if salt == 32 {
            assert_eq!(response.status, 200);
        } else {
            assert_refused(
                &response,
                WRONG_SIGNATURE,
                &format!("a salt of {salt} bytes"),
            );
        }
    }
}

/// `R` is the identity and `s = k·a`: the verification equation holds, so only strict verification
/// refuses it.
#[tokio::test]
async fn verifies_ed25519_signatures_strictly() {
    let sandbox = sandbox().await;
    let pem = sandbox.root_private_key();
    let signing = ed25519_dalek::SigningKey::from_pkcs8_pem(pem.expose_secret()).expect("Ed25519");
    let mut headers = signed(&sandbox);
    let message = format!(
        "{}GET{}",
        headers[TIMESTAMP].to_str().expect("text"),
        path(&sandbox, "/api_keys")
    );

    let mut identity = [0; 32];
    identity[0] = 1;
    let public = signing.verifying_key();
    let hash = sha2::Sha512::new()
        .chain_update(identity)
        .chain_update(public)
        .chain_update(&message)
        .finalize();
    let s = Scalar::from_bytes_mod_order_wide(&hash.into()) * signing.to_scalar();
    let forged = [identity, s.to_bytes()].concat();

    let signature = ed25519_dalek::Signature::from_slice(&forged).expect("64 bytes");
    public
        .verify(message.as_bytes(), &signature)
        .expect("a lenient verifier accepts it");
    headers.insert(SIGNATURE, text(&STANDARD.encode(forged)));
    assert_refused(
        &list(&sandbox, headers).await,
        WRONG_SIGNATURE,
        "small-order R",
    );
}

#[tokio::test]
async fn a_deleted_key_stops_working_at_once() {
    let sandbox = sandbox().await;
    let other = register(&sandbox, key("other", &["read", "write"]));
    assert_eq!(
        send(&sandbox, &other, Method::DELETE, "/api_keys/other", None)
            .await
            .status,
        204,
        "a key may delete itself"
    );
    assert_refused(
        &send(&sandbox, &other, Method::GET, "/api_keys", None).await,
        UNKNOWN_KEY,
        "deleted",
    );
}

#[tokio::test]
async fn listing_requires_read_and_every_other_operation_write() {
    let sandbox = sandbox().await;
    let all_except = |missing: &'static str| {
        let all = [
            "read",
            "write",
            "read::portfolio_balance",
            "read::block_trade_accept",
            "write::trade",
        ];
        let more = [
            "write::transfer",
            "write::fcm_risk",
            "write::block_trade_accept",
            "of::tomorrow",
        ];
        all.into_iter()
            .chain(more)
            .filter(|scope| *scope != missing)
            .collect::<Vec<_>>()
    };
    let without_read = register(&sandbox, key("without-read", &all_except("read")));
    let without_write = register(&sandbox, key("without-write", &all_except("write")));
    let generate = r#"{"name":"n","key_type":"ed25519"}"#;
    let create = serde_json::json!({ "name": "n", "public_key": public_key() }).to_string();
    for (signer, list, rest) in [
        (&without_read, 403, [201, 201, 404]),
        (&without_write, 200, [403, 403, 403]),
    ] {
        let response = send(&sandbox, signer, Method::GET, "/api_keys", None).await;
        assert_eq!(response.status, list);
        let others = [
            send(&sandbox, signer, Method::POST, "/api_keys", Some(&create)).await,
            send(
                &sandbox,
                signer,
                Method::POST,
                "/api_keys/generate",
                Some(generate),
            )
            .await,
            send(&sandbox, signer, Method::DELETE, "/api_keys/nobody", None).await,
        ];
        for (response, status) in others.iter().zip(rest) {
            assert_eq!(response.status, status, "{response:?}");
            if status == 403 {
                assert_eq!(response.code(), "insufficient_scope");
            }
        }
    }
}

#[tokio::test]
async fn rejects_a_key_bound_to_a_subtrader_on_every_operation() {
    let sandbox = sandbox().await;
    // The setting is for keys of a sub-account.
    sandbox.set_restricted_keys_may_list(true);
    let bound = register(&sandbox, bound_key("x"));
    for (method, rest) in OPERATIONS {
        let response = send(&sandbox, &bound, method.clone(), rest, Some("{}")).await;
        assert_eq!(response.status, 403, "{method} {rest}");
        assert_eq!(response.code(), "fcm_subtrader_key", "{method} {rest}");
    }
    assert_eq!(sandbox.keys().len(), 2);
}

#[tokio::test]
async fn restricted_key_may_not_manage_keys() {
    let sandbox = sandbox().await;
    // Sub-account 0 is a restriction too, and so is one that the service does not have yet.
    for (subaccount, id) in [(0, "primary"), (7, "seven"), (64, "tomorrow")] {
        let restricted = register(&sandbox, restricted_key(id, subaccount));
        let keys = sandbox.keys();
        let create = serde_json::json!({ "name": "n", "public_key": public_key() }).to_string();
        let generate = r#"{"name":"n","key_type":"ed25519"}"#;
        // Not even itself.
        let itself = format!("/api_keys/{id}");
        for may_list in [false, true] {
            sandbox.set_restricted_keys_may_list(may_list);
            for (method, rest, body) in [
                (Method::POST, "/api_keys", Some(create.as_str())),
                (Method::POST, "/api_keys/generate", Some(generate)),
                (Method::DELETE, itself.as_str(), None),
            ] {
                let case = format!("{method} {rest}, may list: {may_list}");
                let response = send(&sandbox, &restricted, method, rest, body).await;
                assert_eq!(response.status, 403, "{case}");
                assert_documented(&response, 403, "RestrictedKey");
            }
            let listed = send(&sandbox, &restricted, Method::GET, "/api_keys", None).await;
            if may_list {
                assert_eq!(listed.status, 200, "{id}");
            } else {
                assert_eq!(listed.status, 403, "{id}");
                assert_eq!(listed.code(), "api_key_restricted", "{id}");
            }
        }
        assert_eq!(sandbox.keys(), keys, "{id}");
    }
}

#[tokio::test]
async fn restricted_key_that_may_list_needs_the_scope_read() {
    let sandbox = sandbox().await;
    sandbox.set_restricted_keys_may_list(true);
    let mut trader = restricted_key("trader", 7);
    trader.scopes = key("trader", &["write::trade"]).scopes;
    let trader = register(&sandbox, trader);
    let response = send(&sandbox, &trader, Method::GET, "/api_keys", None).await;
    assert_eq!(response.status, 403);
    assert_eq!(response.code(), "insufficient_scope");
}

#[tokio::test]
async fn authentication_comes_before_permission() {
    let sandbox = sandbox().await;
    for key in [
        restricted_key("restricted", 7),
        bound_key("bound"),
        key("without-scopes", &[]),
    ] {
        let case = key.api_key_id.clone();
        let key = register(&sandbox, key);
        for (method, rest) in OPERATIONS {
            let response = send(&sandbox, &key, method.clone(), rest, Some("{}")).await;
            assert_eq!(response.status, 403, "{case}: {method} {rest}");
            // Signed for another path.
            let headers = key.headers(&method, "/").expect("headers");
            let headers = headers.into_iter().collect();
            let response = send_with(&sandbox, headers, method.clone(), rest, Some("{}")).await;
            assert_refused(
                &response,
                WRONG_SIGNATURE,
                &format!("{case}: {method} {rest}"),
            );
        }
    }
}

#[tokio::test]
async fn accepts_signatures_of_created_keys_of_both_types() {
    let sandbox = sandbox().await;
    for key_type in [KeyAlgorithm::Rsa, KeyAlgorithm::Ed25519] {
        let pair = KeyPair::generate(key_type).expect("a key pair");
        let body = serde_json::json!({ "name": "mine", "public_key": pair.public_key_pem().expect("PEM") });
        let created = send(
            &sandbox,
            &root(&sandbox),
            Method::POST,
            "/api_keys",
            Some(&body.to_string()),
        )
        .await;
        assert_eq!(created.status, 201, "{}", created.body);
        let id = created.json()["api_key_id"]
            .as_str()
            .expect("an ID")
            .to_owned();
        let pem = pair.private_key_pem().expect("PEM");
        let signer =
            Signer::new(Credentials::from_pem(id, pem.expose_secret()).expect("credentials"));
        assert_eq!(
            send(&sandbox, &signer, Method::GET, "/api_keys", None)
                .await
                .status,
            200,
            "{key_type:?}"
        );
    }
}
