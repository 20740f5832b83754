//! What goes out: the bytes of each request, and the requests that never leave.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use kalshi_api_keys::types::{self, ApiKeyId, ApiKeyScope, ApiKeyType, Subaccount};
use kalshi_api_keys::{Client, Environment, Error, Signer, http_client_builder};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fixtures::{KEY_ID, at_ms, credentials, ed25519, rsa};
use crate::raw_server::{RawServer, Received, Reply};
use crate::signing::verifies_bytes;

/// Answers each operation as the service would.
async fn service() -> RawServer {
    RawServer::start(|_, request| match request.method() {
        "GET" => Reply::json(200, r#"{"api_keys":[]}"#),
        "POST" if request.target().ends_with("/generate") => {
            Reply::json(201, r#"{"api_key_id":"new","private_key":"secret"}"#)
        }
        "POST" => Reply::json(201, r#"{"api_key_id":"new"}"#),
        _ => Reply::Bytes(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".to_vec()),
    })
    .await
}

#[tokio::test]
async fn each_operation_sends_its_method_path_and_headers_and_nothing_else() {
    let server = service().await;
    let client = server.client(credentials());
    client.get_api_keys().send().await.unwrap();
    client.get_api_keys().fcm_subtrader_id("user_desk 7&").send().await.unwrap();
    let create = types::CreateApiKeyRequest::builder().name("mine").scopes(vec!["read".into()]).public_key("PEM");
    client.create_api_key().body(create).send().await.unwrap();
    let generate = types::GenerateApiKeyRequest::builder().name("theirs").scopes(vec!["read".into()]);
    client.generate_api_key().body(generate).send().await.unwrap();
    client.delete_api_key().api_key(KEY_ID).send().await.unwrap();

    let received = server.received();
    let requests: Vec<_> = received.iter().map(|r| (r.method(), r.target())).collect();
    assert_eq!(
        requests,
        [
            ("GET", "/trade-api/v2/api_keys"),
            ("GET", "/trade-api/v2/api_keys?fcm_subtrader_id=user_desk+7%26"),
            ("POST", "/trade-api/v2/api_keys"),
            ("POST", "/trade-api/v2/api_keys/generate"),
            ("DELETE", "/trade-api/v2/api_keys/a952bcbe-ec3b-4b5b-b8f9-11dae589608c"),
        ]
    );
    for request in &received {
        let mut names: Vec<_> = request.headers().into_iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        names.sort();
        let mut expected = vec![
            "accept",
            "host",
            "kalshi-access-key",
            "kalshi-access-signature",
            "kalshi-access-timestamp",
            "user-agent",
        ];
        if request.method() == "POST" {
            expected.splice(1..1, ["content-length", "content-type"]);
            assert_eq!(request.header("content-type"), "application/json");
        }
        assert_eq!(names, expected);
        assert_eq!(request.header("accept"), "application/json");
        assert_eq!(request.header("user-agent"), concat!("kalshi-api-keys/", env!("CARGO_PKG_VERSION")));
        assert_eq!(request.header("kalshi-access-key"), KEY_ID);
        assert!(is_signed(request));
    }
}

/// Whether the signature fits the bytes that were received.
fn is_signed(request: &Received) -> bool {
    let path = request.target().split('?').next().unwrap();
    let text = format!("{}{}{path}", request.header("kalshi-access-timestamp"), request.method());
    verifies_bytes(ed25519(), &text, &STANDARD.decode(request.header("kalshi-access-signature")).unwrap())
}

#[tokio::test]
async fn bodies_hold_what_was_said_and_the_documented_defaults() {
    let server = service().await;
    let client = server.client(credentials());
    let generate = types::GenerateApiKeyRequest::builder;
    let bodies = [
        (
            generate().name("a").scopes(vec![ApiKeyScope::Read]),
            json!({"name": "a", "scopes": ["read"], "key_type": "rsa"}),
        ),
        (
            generate().name("a").scopes(vec![]).key_type(ApiKeyType::Ed25519),
            json!({"name": "a", "scopes": [], "key_type": "ed25519"}),
        ),
        (
            generate()
                .name("a")
                .scopes(vec![ApiKeyScope::Read, ApiKeyScope::from("read::future")])
                .subaccount(63)
                .fcm_subtrader_id("user_1"),
            json!({"name": "a", "scopes": ["read", "read::future"], "key_type": "rsa", "subaccount": 63, "fcm_subtrader_id": "user_1"}),
        ),
    ];
    for (body, _) in bodies.clone() {
        client.generate_api_key().body(body).send().await.unwrap();
    }
    for (request, (_, expected)) in server.received().iter().zip(bodies) {
        assert_eq!(serde_json::from_slice::<Value>(request.body()).unwrap(), expected);
    }
}

#[tokio::test]
async fn bad_input_is_an_invalid_request_and_nothing_is_sent() {
    let server = service().await;
    let client = server.client(credentials());
    let client = &client;
    let generate = |body| async move { client.generate_api_key().body(body).send().await.map(|_| ()) };
    let delete = |id: &'static str| async move { client.delete_api_key().api_key(id).send().await.map(|_| ()) };
    let builder = types::GenerateApiKeyRequest::builder;
    let named = |name: &str| builder().name(name).scopes(vec![ApiKeyScope::Read]);
    let create = types::CreateApiKeyRequest::builder().public_key("a").scopes(vec![]).name("");
    let created = client.create_api_key().body(create).send().await.map(|_| ());
    for (what, result, reason) in [
        ("no name", generate(builder()).await, "no value supplied for name"),
        ("an empty name", generate(named("")).await, "supplied value for name: shorter than 1"),
        ("no scopes", generate(builder().name("a")).await, "no value supplied for scopes"),
        ("a sub-account", generate(named("a").subaccount(64)).await, "invalid subaccount: sub-account out of range"),
        ("an empty name for one's own key", created, "supplied value for name: shorter than 1"),
        ("no ID", client.delete_api_key().send().await.map(|_| ()), "api_key was not initialized"),
        ("an empty ID", delete("").await, "api_key"),
        ("a dot", delete(".").await, "api_key"),
        ("two dots", delete("..").await, "api_key"),
        ("a backslash", delete("a\\b").await, "api_key"),
        ("a slash", delete("a/b").await, "api_key"),
    ] {
        match result {
            Err(Error::InvalidRequest(said)) => assert!(said.contains(reason), "{what}: {said}"),
            other => panic!("{what}: {other:?}"),
        }
    }
    // What was sent is what shows that the server counts at all.
    generate(named("a")).await.unwrap();
    delete("a").await.unwrap();
    assert_eq!(server.received().len(), 2);
}

#[test]
fn a_subaccount_above_63_cannot_be_named() {
    for number in 0..=u8::MAX {
        assert_eq!(Subaccount::try_from(number).ok().and_then(|s| s.get()), (number <= 63).then_some(number.into()));
    }
    let error = Subaccount::try_from(64u8).unwrap_err();
    assert_eq!(error.to_string(), "sub-account out of range 0..=63");
}

#[tokio::test]
async fn a_base_url_that_cannot_be_signed_for_sends_nothing() {
    let server = service().await;
    let base = server.base_url();
    for (base, reason) in [
        (format!("{base}?a="), "query"),
        (format!("{base}#a"), "fragment"),
        (base.replace("http://", "http://me:pw@"), "user name"),
        (base.replace("127.0.0.1", "0.0.0.0"), "in the clear"),
        ("http://example.com/trade-api/v2".to_owned(), "in the clear"),
    ] {
        let http = http_client_builder().no_proxy().build().unwrap();
        let client = Client::new_with_client(&base, http, Signer::new(credentials()));
        match client.get_api_keys().send().await {
            Err(Error::InvalidRequest(said)) => assert!(said.contains(reason), "{base}: {said}"),
            other => panic!("{base}: {other:?}"),
        }
    }
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn a_base_url_may_end_in_a_slash() {
    let server = service().await;
    let http = http_client_builder().no_proxy().build().unwrap();
    let base = format!("{}/", server.base_url());
    let client = Client::new_with_client(&base, http, Signer::new(credentials()));
    client.get_api_keys().send().await.unwrap();
    let environment: Environment = base.parse().unwrap();
    Client::signed(&environment, credentials()).unwrap().get_api_keys().send().await.unwrap();
    assert!(server.received().iter().all(|r| r.target() == "/trade-api/v2/api_keys" && is_signed(r)));
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let target = service().await;
    for status in [301, 302, 303, 307, 308] {
        for location in [format!("{}/api_keys", target.base_url()), "/trade-api/v2/api_keys/".to_owned()] {
            let answer = location.clone();
            let server = RawServer::start(move |_, _| Reply::new(status, &format!("Location: {answer}\r\n"), "")).await;
            let result = server.client(credentials()).get_api_keys().send().await;
            let Err(Error::UnexpectedResponse(answer)) = result else { panic!("{status} {location}: {result:?}") };
            assert_eq!(answer.status(), status);
            assert_eq!(answer.headers()["location"], location.as_str());
            assert_eq!(server.received().len(), 1);
        }
    }
    assert!(target.received().is_empty());
}

#[tokio::test]
async fn nothing_is_sent_twice_when_the_connection_breaks() {
    let server = RawServer::start(|_, _| Reply::Reset).await;
    let client = server.client(credentials());
    let generate = types::GenerateApiKeyRequest::builder().name("a").scopes(vec!["read".into()]);
    assert!(matches!(client.generate_api_key().body(generate).send().await, Err(Error::CommunicationError(_))));
    assert_eq!(server.received().len(), 1, "a key may have been minted");
    assert!(matches!(client.get_api_keys().send().await, Err(Error::CommunicationError(_))));
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn nothing_is_sent_twice_when_a_connection_that_was_used_before_breaks() {
    let server = RawServer::start(|n, _| match n {
        0 => Reply::Keep(b"HTTP/1.1 200 -\r\nContent-Length: 15\r\n\r\n{\"api_keys\":[]}".to_vec()),
        _ => Reply::Reset,
    })
    .await;
    let client = server.client(credentials());
    client.get_api_keys().send().await.unwrap();
    let generate = types::GenerateApiKeyRequest::builder().name("a").scopes(vec!["read".into()]);
    assert!(matches!(client.generate_api_key().body(generate).send().await, Err(Error::CommunicationError(_))));
    assert_eq!((server.received().len(), server.connections()), (2, 1), "a key may have been minted");
}

/// Key IDs that are hard to carry in a path.
const IDS: &[&str] =
    &["a?b", "a#b", "a%b", "a%2Fb", "a b", "é", "日本", "a;b", "...", "a:b@c", "%2e%2e", "~", "+", "\t", "a\nb"];

#[tokio::test]
async fn a_key_id_is_encoded_once_and_decodes_to_itself() {
    let server = service().await;
    let client = server.client(credentials());
    for id in IDS {
        client.delete_api_key().api_key(*id).send().await.unwrap();
    }
    let received = server.received();
    for (id, request) in IDS.iter().zip(&received) {
        assert_eq!(decoded_id(request).as_deref(), Some(*id), "{}", request.target());
        assert!(is_signed(request), "{id}");
    }
    assert_eq!(received.len(), IDS.len());
}

fn decoded_id(request: &Received) -> Option<String> {
    let segment =
        request.target().strip_prefix("/trade-api/v2/api_keys/").filter(|rest| !rest.contains(['/', '?', '#']))?;
    Some(percent_encoding::percent_decode_str(segment).decode_utf8().ok()?.into_owned())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any ID: what is signed is what is on the wire, no request leaves `/api_keys`, and what no path can carry is
    /// refused before it is sent.
    #[test]
    fn any_key_id_is_carried_or_refused(ids in proptest::collection::vec(any::<String>(), 8)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = service().await;
            let client = server.client(credentials());
            let mut sent = Vec::new();
            for id in ids {
                match client.delete_api_key().api_key(id.as_str()).send().await {
                    Ok(_) => sent.push(id),
                    Err(Error::InvalidRequest(_)) => assert!(ApiKeyId::try_from(id.as_str()).is_err(), "{id:?}"),
                    Err(other) => panic!("{id:?}: {other}"),
                }
            }
            let received = server.received();
            assert_eq!(received.len(), sent.len());
            for (id, request) in sent.iter().zip(&received) {
                assert_eq!(decoded_id(request).as_ref(), Some(id));
                assert!(is_signed(request), "{id:?}");
            }
        });
    }

    /// Any method and any path: headers or an error, and the headers fit the text.
    #[test]
    fn any_path_is_signed_or_refused(method in "[A-Za-z]{1,10}", path in "\\PC*|/[!-~]*") {
        let name = Method::from_bytes(method.as_bytes()).unwrap();
        for pair in [ed25519(), rsa()] {
            let signer = Signer::new(pair.credentials()).with_clock(at_ms(7));
            let Ok(signed) = signer.headers(&name, &path) else { continue };
            let signed_path = path.split('?').next().unwrap();
            prop_assert!(signed_path.starts_with('/') && signed_path.bytes().all(|b| b.is_ascii_graphic()));
            let (_, signature) = signed.into_iter().last().unwrap();
            let text = format!("7{}{signed_path}", method.to_ascii_uppercase());
            prop_assert!(verifies_bytes(pair, &text, &STANDARD.decode(signature).unwrap()));
        }
    }
}
