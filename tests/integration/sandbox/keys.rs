//! The life of a key: minted, listed, used, deleted.

use http::{Method, StatusCode};
use kalshi_api_keys::sandbox::{PublicKeyError, RegisterError};
use kalshi_api_keys::types::{ApiKey, ApiKeyScope, ApiKeyType, CreateApiKeyRequest, GenerateApiKeyRequest, Subaccount};
use kalshi_api_keys::{Client, Credentials};

use super::{client, key, public_key, registered, root, sandbox, send};

#[tokio::test]
async fn a_key_is_created_listed_and_deleted() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let subaccount = Subaccount::try_from(7).expect("in range");
    let request = CreateApiKeyRequest::builder()
        .name("dashboard")
        .public_key(public_key())
        .scopes(vec![ApiKeyScope::Read, ApiKeyScope::WriteTrade])
        .subaccount(subaccount.clone());
    let created = client.create_api_key().body(request).send().await.expect("created");
    assert_eq!(created.status(), StatusCode::CREATED);
    assert_eq!(created.warning, None);

    let listed = client.get_api_keys().send().await.expect("listed");
    assert_eq!(listed.status(), StatusCode::OK);
    assert_eq!(listed.api_key_region_expiration_ts, None);
    let [root, dashboard] = listed.api_keys.as_slice() else { panic!("two keys: {listed:?}") };
    assert_eq!(root.api_key_id, sandbox.credentials().key_id());
    assert_eq!(root.scopes, [ApiKeyScope::Read, ApiKeyScope::Write]);
    assert_eq!((&dashboard.api_key_id, dashboard.name.as_str()), (&created.api_key_id, "dashboard"));
    assert_eq!(dashboard.scopes, [ApiKeyScope::Read, ApiKeyScope::WriteTrade]);
    assert_eq!((&dashboard.subaccount, &dashboard.fcm_subtrader_id), (&Some(subaccount), &None));
    assert_eq!(format!("{:?}", sandbox.keys()), format!("{:?}", listed.api_keys));

    let deleted = client.delete_api_key().api_key(&created.api_key_id).send().await.expect("deleted");
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
    assert_eq!(sandbox.keys().len(), 1);
}

#[tokio::test]
async fn a_generated_key_works_in_the_service_s_own_formats() {
    let sandbox = sandbox().await;
    for (key_type, begin) in
        [(ApiKeyType::Rsa, "-----BEGIN RSA PRIVATE KEY-----\n"), (ApiKeyType::Ed25519, "-----BEGIN PRIVATE KEY-----\n")]
    {
        let request =
            GenerateApiKeyRequest::builder().name("made there").scopes(vec!["read".into()]).key_type(key_type.clone());
        let generated = client(&sandbox).generate_api_key().body(request).send().await.expect("generated");
        assert_eq!(generated.status(), StatusCode::CREATED);
        assert_eq!(generated.key_type, Some(key_type));
        let pem = generated.private_key.expose_secret();
        assert!(pem.starts_with(begin));
        let credentials = Credentials::from_pem(&generated.api_key_id, pem).expect("a usable key");
        let own = Client::new(sandbox.environment(), credentials).expect("a client");
        own.get_api_keys().send().await.expect("listed by the new key");
    }
}

#[tokio::test]
async fn the_key_type_is_rsa_unless_named() {
    let sandbox = sandbox().await;
    let answer = send(&sandbox, &root(&sandbox), Method::POST, "/api_keys/generate", Some(r#"{"name":"n"}"#)).await;
    assert_eq!((answer.status.as_u16(), answer.json()["key_type"].as_str()), (201, Some("rsa")));
    assert_eq!(answer.json().as_object().map(|members| members.len()), Some(3), "no warning");
}

#[tokio::test]
async fn absent_members_have_their_defaults_and_unknown_ones_are_ignored() {
    let sandbox = sandbox().await;
    for body in
        [r#"{"name":"n","key_type":"ed25519"}"#, r#"{"name":"n","key_type":"ed25519","later":{"a":[1]},"other":null}"#]
    {
        let answer = send(&sandbox, &root(&sandbox), Method::POST, "/api_keys/generate", Some(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let made = sandbox.keys().pop().expect("a key");
        assert_eq!(made.scopes, [ApiKeyScope::Read, ApiKeyScope::Write]);
        assert_eq!((made.subaccount, made.fcm_subtrader_id), (None, None));
    }
}

#[tokio::test]
async fn ids_look_like_random_uuids() {
    let sandbox = sandbox().await;
    for _ in 0..20 {
        let body = Some(r#"{"name":"n","key_type":"ed25519"}"#);
        assert_eq!(send(&sandbox, &root(&sandbox), Method::POST, "/api_keys/generate", body).await.status, 201);
    }
    let ids: std::collections::BTreeSet<_> = sandbox.keys().into_iter().map(|key| key.api_key_id).collect();
    assert_eq!(ids.len(), 21, "all different");
    for id in ids {
        let lengths: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
        assert!(id.bytes().all(|b| b == b'-' || b.is_ascii_digit() || (b'a'..=b'f').contains(&b)), "{id}");
        assert!(id[14..].starts_with('4') && id[19..].starts_with(['8', '9', 'a', 'b']), "{id}");
    }
}

#[tokio::test]
async fn a_registered_key_is_listed_as_it_stands() {
    let sandbox = sandbox().await;
    let mut strange: ApiKey = serde_json::from_str(
        r#"{"api_key_id":"no UUID: ü%2f","name":"","scopes":["of::tomorrow"],"subaccount":1000000}"#,
    )
    .expect("a key");
    sandbox.register(strange.clone(), &public_key()).expect("a new key");
    let listed = client(&sandbox).get_api_keys().send().await.expect("listed").into_inner();
    assert_eq!(format!("{:?}", listed.api_keys[1]), format!("{strange:?}"));

    assert_eq!(sandbox.register(strange.clone(), &public_key()), Err(RegisterError::IdTaken));
    strange.api_key_id.push('2');
    assert_eq!(sandbox.register(strange, "no key"), Err(RegisterError::PublicKey(PublicKeyError::NotPem)));
    assert_eq!(sandbox.keys().len(), 2);

    client(&sandbox).delete_api_key().api_key("no UUID: ü%2f").send().await.expect("decoded once");
    assert_eq!(sandbox.keys().len(), 1);
}

#[tokio::test]
async fn the_list_can_be_of_one_subtraders_keys() {
    let sandbox = sandbox().await;
    for (id, subtrader) in [("a", "u_1"), ("b", "u_2"), ("c", "u_1")] {
        let mut bound = key(id, &["read"]);
        bound.fcm_subtrader_id = Some(subtrader.to_owned());
        registered(&sandbox, bound);
    }
    for (subtrader, ids) in [("u_1", &["a", "c"][..]), ("u_2", &["b"]), ("u_3", &[])] {
        let listed = client(&sandbox).get_api_keys().fcm_subtrader_id(subtrader).send().await.expect("listed");
        let found: Vec<_> = listed.api_keys.iter().map(|key| key.api_key_id.as_str()).collect();
        assert_eq!(found, ids, "{subtrader}");
    }
    assert_eq!(client(&sandbox).get_api_keys().send().await.expect("listed").api_keys.len(), 4);
}

#[tokio::test]
async fn a_member_binds_a_key_to_a_visible_subtrader() {
    let sandbox = sandbox().await;
    sandbox.set_fcm_member(true);
    sandbox.add_fcm_subtrader("u_desk7");
    let request = CreateApiKeyRequest::builder()
        .name("desk")
        .scopes(vec!["read".into()])
        .public_key(public_key())
        .fcm_subtrader_id("u_desk7".to_owned());
    client(&sandbox).create_api_key().body(request).send().await.expect("created");
    assert_eq!(sandbox.keys()[1].fcm_subtrader_id.as_deref(), Some("u_desk7"));
}

#[tokio::test]
async fn warning_and_region_expiration_appear_as_they_are_set() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    sandbox.warn_on_creation(Some("no risk control".to_owned()));
    let request = CreateApiKeyRequest::builder().name("n").scopes(vec!["read".into()]).public_key(public_key());
    let created = client.create_api_key().body(request).send().await.expect("created");
    assert_eq!(created.warning.as_deref(), Some("no risk control"));
    let request = GenerateApiKeyRequest::builder().name("n").scopes(vec!["read".into()]).key_type(ApiKeyType::Ed25519);
    let generated = client.generate_api_key().body(request.clone()).send().await.expect("generated");
    assert_eq!(generated.warning.as_deref(), Some("no risk control"));
    sandbox.warn_on_creation(None);
    let generated = client.generate_api_key().body(request).send().await.expect("generated");
    assert_eq!(generated.warning, None);

    for expiration in [Some(-1), Some(i64::MAX), None] {
        sandbox.set_region_expiration(expiration);
        let listed = client.get_api_keys().send().await.expect("listed");
        assert_eq!(listed.api_key_region_expiration_ts, expiration);
    }
}
