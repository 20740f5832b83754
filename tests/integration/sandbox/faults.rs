//! Fault injection: each fault is applied once, to the request it was queued for.

use std::time::{Duration, Instant};

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use kalshi_api_keys::sandbox::{Fault, Sandbox};
use kalshi_api_keys::types::ApiKeyType;
use kalshi_api_keys::types::GenerateApiKeyRequest;

use super::{client, exchange, path, root, sandbox, send, send_with};

/// Lists the keys, and returns every byte received until the connection closes.
async fn list_raw(sandbox: &Sandbox) -> String {
    let path = path(sandbox, "/api_keys");
    let headers = root(sandbox)
        .headers(&Method::GET, &path)
        .expect("headers")
        .into_iter()
        .collect();
    exchange(sandbox, "GET", &path, &headers).await
}

async fn list(sandbox: &Sandbox) -> super::Response {
    send(sandbox, &root(sandbox), Method::GET, "/api_keys", None).await
}

/// Generates a key, and returns whether the client succeeded.
async fn generate(sandbox: &Sandbox) -> bool {
    let request = GenerateApiKeyRequest::builder()
        .name("n")
        .scopes(vec!["read".into()])
        .key_type(ApiKeyType::Ed25519);
    client(sandbox)
        .generate_api_key()
        .body(request)
        .send()
        .await
        .is_ok()
}

#[tokio::test]
async fn respond_replaces_processing() {
    let sandbox = sandbox().await;
    let html = "<html>502 Bad Gateway</html>";
    sandbox.fail_next(Fault::respond(502, "text/html", html));
    let path = path(&sandbox, "/api_keys/generate");
    // Unsigned: authentication is skipped, too.
    let response = send_with(
        &sandbox,
        HeaderMap::new(),
        Method::POST,
        "/api_keys/generate",
        Some("{}"),
    )
    .await;
    assert_eq!(
        (response.status.as_u16(), response.body.as_str()),
        (502, html)
    );
    assert_eq!(response.headers["content-type"], "text/html");
    assert_eq!(response.headers["content-length"], html.len().to_string());

    sandbox.fail_next(Fault::respond(504, "", []));
    let response = exchange(&sandbox, "POST", &path, &HeaderMap::new()).await;
    assert!(
        response.starts_with("HTTP/1.1 504 ") && response.ends_with("\r\n\r\n"),
        "{response}"
    );
    assert!(!response.contains("content-type"), "{response}");

    sandbox.fail_next(Fault::respond(99, "application/json", "{}"));
    assert_eq!(
        list(&sandbox).await.status,
        500,
        "99 is not a valid status code"
    );
    assert_eq!(sandbox.keys().len(), 1);
}

#[tokio::test]
async fn a_dropped_request_is_not_processed() {
    let sandbox = sandbox().await;
    sandbox.fail_next(Fault::DropRequest);
    assert!(!generate(&sandbox).await);
    assert_eq!((sandbox.keys().len(), sandbox.requests()), (1, 1));
    sandbox.fail_next(Fault::DropRequest);
    assert_eq!(list_raw(&sandbox).await, "");
    assert!(generate(&sandbox).await, "once");
}

#[tokio::test]
async fn a_dropped_response_follows_processing() {
    let sandbox = sandbox().await;
    sandbox.fail_next(Fault::DropResponse);
    assert!(!generate(&sandbox).await);
    assert_eq!((sandbox.keys().len(), sandbox.requests()), (2, 1));
    sandbox.fail_next(Fault::DropResponse);
    assert_eq!(list_raw(&sandbox).await, "");
    assert!(generate(&sandbox).await, "once");
}

#[tokio::test]
async fn a_truncated_response_ends_after_exactly_the_given_number_of_bytes() {
    let sandbox = sandbox().await;
    let whole = list(&sandbox).await.body;
    for after in [0, 1, whole.len() - 1, whole.len(), usize::MAX] {
        sandbox.fail_next(Fault::TruncateResponse { after });
        let response = list_raw(&sandbox).await;
        let (head, body) = response.split_once("\r\n\r\n").expect("headers");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert!(
            head.contains(&format!("content-length: {}", whole.len())),
            "{head}"
        );
        assert_eq!(body, &whole[..after.min(whole.len())], "{after}");
    }
    sandbox.fail_next(Fault::TruncateResponse { after: 20 });
    assert!(!generate(&sandbox).await);
    assert_eq!(sandbox.keys().len(), 2, "the request was processed");
}

#[tokio::test]
async fn replaces_status_and_body_after_processing() {
    let sandbox = sandbox().await;
    let body = r#"{"name":"n","key_type":"ed25519"}"#;
    sandbox.fail_next(Fault::ReplaceStatus(202));
    let response = send(
        &sandbox,
        &root(&sandbox),
        Method::POST,
        "/api_keys/generate",
        Some(body),
    )
    .await;
    assert_eq!(response.status, 202);
    assert!(response.body.contains("PRIVATE KEY"));
    assert_eq!(sandbox.keys().len(), 2);

    sandbox.fail_next(Fault::ReplaceBody(b"unexpected body".to_vec()));
    let response = send(
        &sandbox,
        &root(&sandbox),
        Method::POST,
        "/api_keys/generate",
        Some(body),
    )
    .await;
    assert_eq!(
        (response.status.as_u16(), response.body.as_str()),
        (201, "unexpected body")
    );
    assert_eq!(sandbox.keys().len(), 3);
}

#[tokio::test]
async fn delays_the_response_after_processing() {
    let sandbox = sandbox().await;
    let delay = Duration::from_millis(200);
    sandbox.fail_next(Fault::Delay(delay));
    let start = Instant::now();
    assert!(generate(&sandbox).await);
    assert!(start.elapsed() >= delay);

    // A client that stops waiting has created a key nonetheless.
    sandbox.fail_next(Fault::Delay(Duration::MAX));
    let signed = root(&sandbox)
        .headers(&Method::POST, &path(&sandbox, "/api_keys/generate"))
        .expect("headers");
    let request = super::http()
        .post(format!("{}/api_keys/generate", sandbox.base_url()))
        .headers(signed.into_iter().collect())
        .header("content-type", "application/json")
        .body(r#"{"name":"n","key_type":"ed25519"}"#);
    let request = tokio::spawn(request.send());
    let processed = async {
        while sandbox.keys().len() < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), processed)
        .await
        .expect("processed before the delay");
    assert!(!request.is_finished());
    request.abort();
}

#[tokio::test]
async fn sets_and_removes_response_headers() {
    let sandbox = sandbox().await;
    let set = |name: HeaderName, value| Fault::SetHeader {
        name,
        value: HeaderValue::from_static(value),
    };
    sandbox.fail_next(set(RETRY_AFTER, "7"));
    let response = list(&sandbox).await;
    assert_eq!(
        (response.status, &response.headers["retry-after"]),
        (StatusCode::OK, &HeaderValue::from_static("7"))
    );
    sandbox.fail_next(set(DATE, "yesterday"));
    let response = list(&sandbox).await;
    assert_eq!(
        response.headers.get_all("date").iter().collect::<Vec<_>>(),
        ["yesterday"]
    );
    sandbox.fail_next(Fault::RemoveHeader(DATE));
    assert!(!list(&sandbox).await.headers.contains_key("date"));
    assert!(list(&sandbox).await.headers.contains_key("date"), "once");
}

#[tokio::test]
async fn authenticates_a_request_before_replacing_its_response() {
    let sandbox = sandbox().await;
    sandbox.fail_next(Fault::ReplaceStatus(200));
    let body = Some(r#"{"name":"n","key_type":"ed25519"}"#);
    let response = send_with(
        &sandbox,
        HeaderMap::new(),
        Method::POST,
        "/api_keys/generate",
        body,
    )
    .await;
    assert_eq!(
        (response.status.as_u16(), response.code().as_str()),
        (200, "token_authentication_failure")
    );
    assert_eq!(sandbox.keys().len(), 1, "no key was created");
}

#[tokio::test]
async fn queues_faults_for_any_or_one_operation() {
    let sandbox = sandbox().await;
    sandbox
        .fail_next_on("deleteApiKey", Fault::ReplaceStatus(501))
        .expect("an operation");
    sandbox
        .fail_next_on("getApiKeys", Fault::ReplaceStatus(502))
        .expect("an operation");
    sandbox.fail_next(Fault::ReplaceStatus(503));
    sandbox.fail_next(Fault::ReplaceStatus(504));
    let outside = send_with(&sandbox, HeaderMap::new(), Method::GET, "/markets", None).await;
    assert_eq!(outside.status, 404, "not an operation, so no fault");
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(list(&sandbox).await.status.as_u16());
    }
    assert_eq!(seen, [502, 503, 504, 200]);
    assert_eq!(
        send(
            &sandbox,
            &root(&sandbox),
            Method::DELETE,
            "/api_keys/a",
            None
        )
        .await
        .status,
        501
    );

    let unknown = sandbox
        .fail_next_on("listApiKeys", Fault::DropResponse)
        .expect_err("no such operation");
    assert!(unknown.to_string().contains("getApiKeys"), "{unknown}");
    assert_eq!(list(&sandbox).await.status, 200);
}

#[test]
fn debug_omits_bodies() {
    let secret = b"-----BEGIN PRIVATE KEY-----".to_vec();
    for fault in [
        Fault::ReplaceBody(secret.clone()),
        Fault::respond(200, "text/plain", secret),
    ] {
        let shown = format!("{fault:?}");
        assert!(
            !shown.contains("45, 45") && !shown.contains("BEGIN"),
            "{shown}"
        );
    }
}
