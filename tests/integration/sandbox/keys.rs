//! Creating, listing, using and deleting keys.

use http::{Method, StatusCode};
use kalshi_api_keys::PublicKeyError;
use kalshi_api_keys::sandbox::RegisterError;
use kalshi_api_keys::types::{
    ApiKey, ApiKeyScope, ApiKeyType, CreateApiKeyRequest, GenerateApiKeyRequest, Subaccount,
};
use kalshi_api_keys::{Client, Credentials};

use super::{client, key, public_key, register, root, sandbox, send};

#[tokio::test]
async fn creates_lists_and_deletes_a_key() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let subaccount = Subaccount::try_from(7).expect("in range");
    let request = CreateApiKeyRequest::builder()
        .name("dashboard")
        .public_key(public_key())
        .scopes(vec![ApiKeyScope::Read, ApiKeyScope::WriteTrade])
        .subaccount(subaccount);
    let created = client
        .create_api_key()
        .body(request)
        .send()
        .await
        .expect("created");
    assert_eq!(created.status(), StatusCode::CREATED);
    assert_eq!(created.warning, None);

    let listed = client.get_api_keys().send().await.expect("listed");
    assert_eq!(listed.status(), StatusCode::OK);
    assert_eq!(listed.api_key_region_expiration_ts, None);
    let [root, dashboard] = listed.api_keys.as_slice() else {
        panic!("two keys: {listed:?}")
    };
    assert_eq!(root.api_key_id, sandbox.credentials().key_id());
    assert_eq!(
        root.scopes,
        Some(vec![ApiKeyScope::Read, ApiKeyScope::Write])
    );
    assert_eq!(
        (&dashboard.api_key_id, dashboard.name.as_deref()),
        (&created.api_key_id, Some("dashboard"))
    );
    assert_eq!(
        dashboard.scopes,
        Some(vec![ApiKeyScope::Read, ApiKeyScope::WriteTrade])
    );
    assert_eq!(
        (&dashboard.subaccount, &dashboard.fcm_subtrader_id),
        (&Some(subaccount), &None)
    );
    assert_eq!(
        format!("{:?}", sandbox.keys()),
        format!("{:?}", listed.api_keys)
    );

    let deleted = client
        .delete_api_key()
        .api_key(&created.api_key_id)
        .send()
        .await
        .expect("deleted");
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
    assert_eq!(sandbox.keys().len(), 1);
}

#[tokio::test]
async fn generates_keys_in_the_service_s_formats() {
    let sandbox = sandbox().await;
    for (key_type, begin) in [
        (ApiKeyType::Rsa, "-----BEGIN RSA PRIVATE KEY-----\n"),
        (ApiKeyType::Ed25519, "-----BEGIN PRIVATE KEY-----\n"),
    ] {
        let request = GenerateApiKeyRequest::builder()
            .name("generated")
            .scopes(vec!["read".into()])
            .key_type(key_type.clone());
        let generated = client(&sandbox)
            .generate_api_key()
            .body(request)
            .send()
            .await
            .expect("generated");
        assert_eq!(generated.status(), StatusCode::CREATED);
        assert_eq!(generated.key_type, Some(key_type));
        let pem = generated.private_key.expose_secret();
        assert!(pem.starts_with(begin));
        let credentials = Credentials::from_pem(&generated.api_key_id, pem).expect("a usable key");
        let client = Client::new(sandbox.environment(), credentials).expect("a client");
        client
            .get_api_keys()
            .send()
            .await
            .expect("listed by the new key");
    }
}

#[tokio::test]
async fn the_key_type_defaults_to_rsa() {
    let sandbox = sandbox().await;
    let response = send(
        &sandbox,
        &root(&sandbox),
        Method::POST,
        "/api_keys/generate",
        Some(r#"{"name":"n"}"#),
    )
    .await;
    assert_eq!(
        (
            response.status.as_u16(),
            response.json()["key_type"].as_str()
        ),
        (201, Some("rsa"))
    );
    assert_eq!(
        response.json().as_object().map(|fields| fields.len()),
        Some(3),
        "no warning"
    );
}

#[tokio::test]
async fn applies_defaults_to_absent_fields_and_ignores_unknown_ones() {
    let sandbox = sandbox().await;
    for body in [
        r#"{"name":"n","key_type":"ed25519"}"#,
        r#"{"name":"n","key_type":"ed25519","later":{"a":[1]},"other":null}"#,
    ] {
        let response = send(
            &sandbox,
            &root(&sandbox),
            Method::POST,
            "/api_keys/generate",
            Some(body),
        )
        .await;
        assert_eq!(response.status, 201, "{}", response.body);
        let created = sandbox.keys().pop().expect("a key");
        assert_eq!(
            created.scopes,
            Some(vec![ApiKeyScope::Read, ApiKeyScope::Write])
        );
        assert_eq!((created.subaccount, created.fcm_subtrader_id), (None, None));
    }
}

#[tokio::test]
async fn key_ids_are_random_uuids() {
    let sandbox = sandbox().await;
    for _ in 0..20 {
        let body = Some(r#"{"name":"n","key_type":"ed25519"}"#);
        assert_eq!(
            send(
                &sandbox,
                &root(&sandbox),
                Method::POST,
                "/api_keys/generate",
                body
            )
            .await
            .status,
            201
        );
    }
    let ids: std::collections::BTreeSet<_> = sandbox
        .keys()
        .into_iter()
        .map(|key| key.api_key_id)
        .collect();
    assert_eq!(ids.len(), 21, "all different");
    for id in ids {
        let lengths: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
        assert!(
            id.bytes()
                .all(|b| b == b'-' || b.is_ascii_digit() || (b'a'..=b'f').contains(&b)),
            "{id}"
        );
        assert!(
            id[14..].starts_with('4') && id[19..].starts_with(['8', '9', 'a', 'b']),
            "{id}"
        );
    }
}

#[tokio::test]
async fn lists_a_registered_key_unchanged() {
    let sandbox = sandbox().await;
    let mut unusual: ApiKey = serde_json::from_str(
        r#"{"api_key_id":"not a UUID: ü%2f","name":"","scopes":["of::tomorrow"],"subaccount":1000000}"#,
    )
    .expect("a key");
    sandbox
        .register(unusual.clone(), &public_key())
        .expect("a new key");
    let listed = client(&sandbox)
        .get_api_keys()
        .send()
        .await
        .expect("listed")
        .into_inner();
    assert_eq!(format!("{:?}", listed.api_keys[1]), format!("{unusual:?}"));

    assert_eq!(
        sandbox.register(unusual.clone(), &public_key()),
        Err(RegisterError::DuplicateId)
    );
    unusual.api_key_id.push('2');
    assert_eq!(
        sandbox.register(unusual, "not a key"),
        Err(RegisterError::PublicKey(PublicKeyError::NotPem))
    );
    assert_eq!(sandbox.keys().len(), 2);

    client(&sandbox)
        .delete_api_key()
        .api_key("not a UUID: ü%2f")
        .send()
        .await
        .expect("decoded once");
    assert_eq!(sandbox.keys().len(), 1);
}

#[tokio::test]
async fn lists_the_keys_of_one_subtrader() {
    let sandbox = sandbox().await;
    for (id, subtrader) in [("a", "u_1"), ("b", "u_2"), ("c", "u_1")] {
        let mut bound = key(id, &["read"]);
        bound.fcm_subtrader_id = Some(subtrader.to_owned());
        register(&sandbox, bound);
    }
    for (subtrader, ids) in [
        ("u_1", &["a", "c"][..]),
        ("u_2", &["b"]),
        ("u_3", &[]),
        ("U_1", &[]),
    ] {
        let listed = client(&sandbox)
            .get_api_keys()
            .fcm_subtrader_id(subtrader)
            .send()
            .await
            .expect("listed");
        let found: Vec<_> = listed
            .api_keys
            .iter()
            .map(|key| key.api_key_id.as_str())
            .collect();
        assert_eq!(found, ids, "{subtrader}");
    }
    assert_eq!(
        client(&sandbox)
            .get_api_keys()
            .send()
            .await
            .expect("listed")
            .api_keys
            .len(),
        4
    );
}

#[tokio::test]
async fn an_fcm_member_binds_a_key_to_a_visible_subtrader() {
    let sandbox = sandbox().await;
    sandbox.set_fcm_member(true);
    sandbox.add_fcm_subtrader("u_desk7");
    let request = CreateApiKeyRequest::builder()
        .name("desk")
        .scopes(vec!["read".into()])
        .public_key(public_key())
        .fcm_subtrader_id("u_desk7".to_owned());
    client(&sandbox)
        .create_api_key()
        .body(request)
        .send()
        .await
        .expect("created");
    assert_eq!(
        sandbox.keys()[1].fcm_subtrader_id.as_deref(),
        Some("u_desk7")
    );
}

#[tokio::test]
async fn returns_the_configured_warning_and_region_expiration() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    sandbox.set_creation_warning(Some("no risk control".to_owned()));
    let request = CreateApiKeyRequest::builder()
        .name("n")
        .scopes(vec!["read".into()])
        .public_key(public_key());
    let created = client
        .create_api_key()
        .body(request)
        .send()
        .await
        .expect("created");
    assert_eq!(created.warning.as_deref(), Some("no risk control"));
    let request = GenerateApiKeyRequest::builder()
        .name("n")
        .scopes(vec!["read".into()])
        .key_type(ApiKeyType::Ed25519);
    let generated = client
        .generate_api_key()
        .body(request.clone())
        .send()
        .await
        .expect("generated");
    assert_eq!(generated.warning.as_deref(), Some("no risk control"));
    sandbox.set_creation_warning(None);
    let generated = client
        .generate_api_key()
        .body(request)
        .send()
        .await
        .expect("generated");
    assert_eq!(generated.warning, None);

    for expiration in [Some(-1), Some(i64::MAX), None] {
        sandbox.set_region_expiration(expiration);
        let listed = client.get_api_keys().send().await.expect("listed");
        assert_eq!(listed.api_key_region_expiration_ts, expiration);
    }
}
