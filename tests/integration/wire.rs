//! Requests on the wire, and input that is rejected before sending.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use kalshi_api_keys::types::{self, ApiKeyId, ApiKeyScope, ApiKeyType, Subaccount};
use kalshi_api_keys::{Client, Environment, Error, Signer, http_client_builder};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fixtures::{KEY_ID, at_ms, credentials, ed25519, rsa, shows_key};
use crate::raw_server::{RawServer, Received, Reply};
use crate::signing::verifies_bytes;

/// Starts a server that responds to each operation like the service.
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
async fn operations_send_only_the_documented_method_path_and_headers() {
    let server = service().await;
    let client = server.client(credentials());
    client.get_api_keys().send().await.unwrap();
    client
        .get_api_keys()
        .fcm_subtrader_id("user_desk 7&")
        .send()
        .await
        .unwrap();
    let create = types::CreateApiKeyRequest::builder()
        .name("mine")
        .scopes(vec!["read".into()])
        .public_key(&ed25519().public);
    client.create_api_key().body(create).send().await.unwrap();
    let generate = types::GenerateApiKeyRequest::builder()
        .name("theirs")
        .scopes(vec!["read".into()]);
    client
        .generate_api_key()
        .body(generate)
        .send()
        .await
        .unwrap();
    client
        .delete_api_key()
        .api_key(KEY_ID)
        .send()
        .await
        .unwrap();

    let received = server.received();
    let requests: Vec<_> = received.iter().map(|r| (r.method(), r.target())).collect();
    assert_eq!(
        requests,
        [
            ("GET", "/trade-api/v2/api_keys"),
            (
                "GET",
                "/trade-api/v2/api_keys?fcm_subtrader_id=user_desk+7%26"
            ),
            ("POST", "/trade-api/v2/api_keys"),
            ("POST", "/trade-api/v2/api_keys/generate"),
            (
                "DELETE",
                "/trade-api/v2/api_keys/a952bcbe-ec3b-4b5b-b8f9-11dae589608c"
            ),
        ]
    );
    for request in &received {
        let mut names: Vec<_> = request
            .headers()
            .into_iter()
            .map(|(name, _)| name.to_ascii_lowercase())
            .collect();
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
        assert_eq!(
            request.header("user-agent"),
            concat!("kalshi-api-keys/", env!("CARGO_PKG_VERSION"))
        );
        assert_eq!(request.header("kalshi-access-key"), KEY_ID);
        assert!(is_signed(request));
    }
}

/// Returns whether the signature is valid for the received method and path.
fn is_signed(request: &Received) -> bool {
    let path = request.target().split('?').next().unwrap();
    let text = format!(
        "{}{}{path}",
        request.header("kalshi-access-timestamp"),
        request.method()
    );
    verifies_bytes(
        ed25519(),
        &text,
        &STANDARD
            .decode(request.header("kalshi-access-signature"))
            .unwrap(),
    )
}

#[tokio::test]
async fn bodies_contain_arguments_and_documented_defaults() {
    let server = service().await;
    let client = server.client(credentials());
    let generate = types::GenerateApiKeyRequest::builder;
    let bodies = [
        (
            generate().name("a").scopes(vec![ApiKeyScope::Read]),
            json!({"name": "a", "scopes": ["read"], "key_type": "rsa"}),
        ),
        (
            generate()
                .name("a")
                .scopes(vec![ApiKeyScope::Write])
                .key_type(ApiKeyType::Ed25519),
            json!({"name": "a", "scopes": ["write"], "key_type": "ed25519"}),
        ),
        (
            generate()
                .name("a")
                .scopes(vec![ApiKeyScope::Read, ApiKeyScope::from("read::future")])
                .subaccount(Subaccount::try_from(63).unwrap())
                .fcm_subtrader_id("user_1".to_owned()),
            json!({"name": "a", "scopes": ["read", "read::future"], "key_type": "rsa", "subaccount": 63, "fcm_subtrader_id": "user_1"}),
        ),
    ];
    for (body, _) in bodies.clone() {
        client.generate_api_key().body(body).send().await.unwrap();
    }
    for (request, (_, expected)) in server.received().iter().zip(bodies) {
        assert_eq!(
            serde_json::from_slice::<Value>(request.body()).unwrap(),
            expected
        );
    }
}

#[tokio::test]
async fn invalid_input_is_rejected_before_sending() {
    let server = service().await;
    let client = server.client(credentials());
    let client = &client;
    let generate = |body| async move {
        client
            .generate_api_key()
            .body(body)
            .send()
            .await
            .map(|_| ())
    };
    let delete = |id: &'static str| async move {
        client.delete_api_key().api_key(id).send().await.map(|_| ())
    };
    let builder = types::GenerateApiKeyRequest::builder;
    let named = |name: &str| builder().name(name).scopes(vec![ApiKeyScope::Read]);
    let create = types::CreateApiKeyRequest::builder()
        .public_key(&ed25519().public)
        .scopes(vec![])
        .name("");
    let created = client
        .create_api_key()
        .body(create)
        .send()
        .await
        .map(|_| ());
    // Half of all PEM texts have no slash, and would otherwise be a segment of a path.
    let private_key = ed25519().private.expose_secret().replace('/', "+");
    let both = format!("{}{private_key}", ed25519().public);
    let create = types::CreateApiKeyRequest::builder()
        .public_key(both)
        .scopes(vec![])
        .name("a");
    let registered = client
        .create_api_key()
        .body(create)
        .send()
        .await
        .map(|_| ());
    for (what, result, reason) in [
        (
            "no name",
            generate(builder()).await,
            "no value supplied for name",
        ),
        (
            "an empty name",
            generate(named("")).await,
            "supplied value for name: shorter than 1",
        ),
        (
            "no scopes",
            generate(builder().name("a")).await,
            "no value supplied for scopes",
        ),
        (
            "an empty list of scopes",
            generate(builder().name("a").scopes(vec![])).await,
            "a key needs at least one scope",
        ),
        (
            "an empty name with a public key",
            created,
            "supplied value for name: shorter than 1",
        ),
        (
            "no ID",
            client.delete_api_key().send().await.map(|_| ()),
            "api_key was not initialized",
        ),
        ("an empty ID", delete("").await, "api_key"),
        (
            "a private key for an ID",
            client
                .delete_api_key()
                .api_key(private_key)
                .send()
                .await
                .map(|_| ()),
            "or holds a private key",
        ),
        (
            "a private key for a public one",
            registered,
            "it contains a private key; provide its public half",
        ),
        ("a dot", delete(".").await, "api_key"),
        ("two dots", delete("..").await, "api_key"),
        ("a backslash", delete("a\\b").await, "api_key"),
        ("a slash", delete("a/b").await, "api_key"),
    ] {
        match result {
            Err(Error::InvalidRequest(message)) => {
                assert!(
                    message.contains(reason) && !shows_key(&message, &ed25519().private),
                    "{what}: {message}"
                );
            }
            other => panic!("{what}: {other:?}"),
        }
    }
    // The server counts requests, and has only received these.
    generate(named("a")).await.unwrap();
    delete("a").await.unwrap();
    assert_eq!(server.received().len(), 2);
}

#[test]
fn subaccount_above_63_is_rejected() {
    for number in 0..=u8::MAX {
        assert_eq!(
            Subaccount::try_from(number).ok().map(Subaccount::get),
            (number <= 63).then_some(number)
        );
    }
    let error = Subaccount::try_from(64u8).unwrap_err();
    assert_eq!(error.to_string(), "sub-account 64 is out of range 0..=63");
}

#[tokio::test]
async fn base_url_may_end_with_a_slash() {
    let server = service().await;
    let environment = Environment::custom(&format!("{}/", server.base_url())).unwrap();
    Client::new(environment, credentials())
        .unwrap()
        .get_api_keys()
        .send()
        .await
        .unwrap();
    let received = server.received();
    assert!(received[0].target() == "/trade-api/v2/api_keys" && is_signed(&received[0]));
}

#[tokio::test]
async fn requests_to_other_endpoints_are_signed() {
    let server = RawServer::start(|_, request| match request.method() {
        "GET" => Reply::new(401, "", "not JSON"),
        _ => Reply::new(201, "Location: /order\r\n", request.body()),
    })
    .await;
    let client = server.client(credentials());
    let request = client.request(Method::POST, "/portfolio/orders?a=b");
    let builder = reqwest::RequestBuilder::from_parts(reqwest::Client::new(), request);
    let request = builder
        .header("user-agent", "mine")
        .json(&json!({"side": "yes"}))
        .build()
        .unwrap();
    let response = client.execute(request).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["location"]),
        (201, &"/order".parse().unwrap())
    );
    assert_eq!(response.text().await.unwrap(), r#"{"side":"yes"}"#);

    // Error responses are returned unchanged.
    let response = client
        .execute(client.request(Method::GET, "/portfolio/balance"))
        .await
        .unwrap();
    assert_eq!(
        (response.status().as_u16(), response.text().await.unwrap()),
        (401, "not JSON".to_owned())
    );

    let received = server.received();
    assert_eq!(received[0].target(), "/trade-api/v2/portfolio/orders?a=b");
    assert_eq!(received[0].header("user-agent"), "mine");
    assert!(received.len() == 2 && received.iter().all(is_signed));
}

#[tokio::test]
async fn a_401_that_breaks_off_is_not_returned_as_a_whole_one() {
    let server = RawServer::start(|_, _| {
        Reply::Bytes(
            b"HTTP/1.1 401 -\r\nContent-Length: 99\r\nConnection: close\r\n\r\n{\"error".to_vec(),
        )
    })
    .await;
    let client = server.client(credentials());
    let error = client
        .execute(client.request(Method::GET, "/portfolio/balance"))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::UnexpectedResponse(response) if response.status() == 401),
        "{error}"
    );
}

#[tokio::test]
async fn requests_outside_the_base_url_are_not_signed() {
    let server = service().await;
    let other = service().await;
    let client = server.client(credentials());
    for path in [
        "",
        "x",
        "@example.com/",
        "/../api_keys",
        "/..",
        "/%2e%2e/ws/v2",
        "/a/../../v1/b",
        "?a=b",
        "/../v2x/b",
    ] {
        let request = client.request(Method::GET, path);
        let error = client.execute(request).await.unwrap_err();
        assert!(
            matches!(&error, Error::InvalidRequest(m) if m.contains("not below")),
            "{path}: {error:?}"
        );
    }
    for url in [
        other.base_url(),
        "http://127.0.0.1/trade-api/v2",
        &server.base_url().replace("127.0.0.1", "localhost"),
    ] {
        let request =
            reqwest::Request::new(Method::GET, format!("{url}/api_keys").parse().unwrap());
        let error = client.execute(request).await.unwrap_err();
        assert!(
            matches!(error, Error::InvalidRequest(_)),
            "{url}: {error:?}"
        );
    }
    assert!(server.received().is_empty() && other.received().is_empty());
    client
        .execute(client.request(Method::GET, "/a/../api_keys"))
        .await
        .unwrap();
    assert_eq!(server.received()[0].target(), "/trade-api/v2/api_keys");
}

#[tokio::test]
async fn requests_to_other_endpoints_correct_the_clock() {
    let server = RawServer::start(|n, _| match n {
        0 => {
            let date = httpdate::fmt_http_date(std::time::SystemTime::now() + std::time::Duration::from_secs(41));
            Reply::new(
                401,
                &format!("Date: {date}\r\n"),
                r#"{"error":{"code":"header_timestamp_expired","message":"header timestamp expired"}}"#,
            )
        }
        _ => Reply::json(200, "{}"),
    })
    .await;
    let client = server.client(credentials());
    let response = client
        .execute(client.request(Method::GET, "/portfolio/balance"))
        .await
        .unwrap();
    assert_eq!(
        (response.status().as_u16(), server.received().len()),
        (200, 2)
    );
    assert_ne!(client.signer().clock_offset_ms(), 0);
}

#[tokio::test]
async fn localhost_is_not_looked_up_in_dns() {
    struct NoResolver;
    impl reqwest::dns::Resolve for NoResolver {
        fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
            panic!("{} was looked up", name.as_str())
        }
    }
    let server = service().await;
    let environment =
        Environment::custom(&server.base_url().replace("127.0.0.1", "localhost")).unwrap();
    let http = http_client_builder(&environment)
        .dns_resolver(std::sync::Arc::new(NoResolver))
        .build()
        .unwrap();
    let client = Client::builder(environment, credentials())
        .http_client(http)
        .build()
        .unwrap();
    client.get_api_keys().send().await.unwrap();
}

#[tokio::test]
async fn client_clones_use_replaced_credentials() {
    let server = service().await;
    let client = server.client(credentials());
    let clone = client.clone();
    let new = kalshi_api_keys::Credentials::from_pem("new", rsa().private.expose_secret()).unwrap();
    client.signer().replace_credentials(new);
    clone.get_api_keys().send().await.unwrap();
    assert_eq!(server.received()[0].header("kalshi-access-key"), "new");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let target = service().await;
    for status in [301, 302, 303, 307, 308] {
        for location in [
            format!("{}/api_keys", target.base_url()),
            "/trade-api/v2/api_keys/".to_owned(),
        ] {
            let header = location.clone();
            let server = RawServer::start(move |_, _| {
                Reply::new(status, &format!("Location: {header}\r\n"), "")
            })
            .await;
            let result = server.client(credentials()).get_api_keys().send().await;
            let Err(Error::UnexpectedResponse(response)) = result else {
                panic!("{status} {location}: {result:?}")
            };
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()["location"], location.as_str());
            assert_eq!(server.received().len(), 1);
        }
    }
    assert!(target.received().is_empty());
}

#[tokio::test]
async fn connection_error_is_not_retried() {
    let server = RawServer::start(|_, _| Reply::Reset).await;
    let client = server.client(credentials());
    let generate = types::GenerateApiKeyRequest::builder()
        .name("a")
        .scopes(vec!["read".into()]);
    assert!(matches!(
        client.generate_api_key().body(generate).send().await,
        Err(Error::CommunicationError(_))
    ));
    assert_eq!(server.received().len(), 1, "a key may have been created");
    assert!(matches!(
        client.get_api_keys().send().await,
        Err(Error::CommunicationError(_))
    ));
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn connection_error_on_a_reused_connection_is_not_retried() {
    let server = RawServer::start(|n, _| match n {
        0 => Reply::Keep(b"HTTP/1.1 200 -\r\nContent-Length: 15\r\n\r\n{\"api_keys\":[]}".to_vec()),
        _ => Reply::Reset,
    })
    .await;
    let client = server.client(credentials());
    client.get_api_keys().send().await.unwrap();
    let generate = types::GenerateApiKeyRequest::builder()
        .name("a")
        .scopes(vec!["read".into()]);
    assert!(matches!(
        client.generate_api_key().body(generate).send().await,
        Err(Error::CommunicationError(_))
    ));
    assert_eq!(
        (server.received().len(), server.connections()),
        (2, 1),
        "a key may have been created"
    );
}

/// Key IDs that must be percent-encoded in a path.
const IDS: &[&str] = &[
    "a?b", "a#b", "a%b", "a%2Fb", "a b", "é", "日本", "a;b", "...", "a:b@c", "%2e%2e", "~", "+",
    "\t", "a\nb",
];

#[tokio::test]
async fn key_id_is_percent_encoded_once() {
    let server = service().await;
    let client = server.client(credentials());
    for id in IDS {
        client.delete_api_key().api_key(*id).send().await.unwrap();
    }
    let received = server.received();
    for (id, request) in IDS.iter().zip(&received) {
        assert_eq!(
            decoded_id(request).as_deref(),
            Some(*id),
            "{}",
            request.target()
        );
        assert!(is_signed(request), "{id}");
    }
    assert_eq!(received.len(), IDS.len());
}

fn decoded_id(request: &Received) -> Option<String> {
    let segment = request
        .target()
        .strip_prefix("/trade-api/v2/api_keys/")
        .filter(|rest| !rest.contains(['/', '?', '#']))?;
    Some(
        percent_encoding::percent_decode_str(segment)
            .decode_utf8()
            .ok()?
            .into_owned(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any ID is either sent in a single path segment with a valid signature, or rejected before
    /// sending because it is not a valid `ApiKeyId`.
    #[test]
    fn any_key_id_is_sent_or_rejected(ids in proptest::collection::vec(any::<String>(), 8)) {
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

    /// Any method and path yield an error or a valid signature.
    #[test]
    fn any_path_is_signed_or_rejected(method in "[A-Za-z]{1,10}", path in "\\PC*|/[!-~]*") {
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
