//! Each fault does what its name says, once, to the request that it is meant for.

use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use kalshi_api_keys::sandbox::{Fault, Sandbox};
use kalshi_api_keys::types::ApiKeyType;
use kalshi_api_keys::types::GenerateApiKeyRequest;

use super::{client, exchange, path, root, sandbox, send, send_with};

/// Lists with the root key, and answers the bytes on the connection until it closes.
async fn list_raw(sandbox: &Sandbox) -> String {
    let path = path(sandbox, "/api_keys");
    let headers = root(sandbox).headers(&Method::GET, &path).expect("headers").into_iter().collect();
    exchange(sandbox, "GET", &path, &headers).await
}

async fn list(sandbox: &Sandbox) -> super::Answer {
    send(sandbox, &root(sandbox), Method::GET, "/api_keys", None).await
}

/// Generates a key; whether it was answered.
async fn generate(sandbox: &Sandbox) -> bool {
    let request = GenerateApiKeyRequest::builder().name("n").scopes(vec!["read".into()]).key_type(ApiKeyType::Ed25519);
    client(sandbox).generate_api_key().body(request).send().await.is_ok()
}

#[tokio::test]
async fn an_answer_of_the_callers_own_spares_the_processing() {
    let sandbox = sandbox().await;
    let html = "<html>502 Bad Gateway</html>";
    sandbox.fail_next(Fault::answer(502, "text/html", html));
    let path = path(&sandbox, "/api_keys/generate");
    // Not even signed.
    let answer = send_with(&sandbox, HeaderMap::new(), Method::POST, "/api_keys/generate", Some("{}")).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (502, html));
    assert_eq!(answer.headers["content-type"], "text/html");
    assert_eq!(answer.headers["content-length"], html.len().to_string());

    sandbox.fail_next(Fault::answer(504, "", []));
    let answer = exchange(&sandbox, "POST", &path, &HeaderMap::new()).await;
    assert!(answer.starts_with("HTTP/1.1 504 ") && answer.ends_with("\r\n\r\n"), "{answer}");
    assert!(!answer.contains("content-type"), "{answer}");

    sandbox.fail_next(Fault::answer(99, "application/json", "{}"));
    assert_eq!(list(&sandbox).await.status, 500, "99 is no status");
    assert_eq!(sandbox.keys().len(), 1);
}

#[tokio::test]
async fn a_lost_request_is_not_processed_and_not_answered() {
    let sandbox = sandbox().await;
    sandbox.fail_next(Fault::LoseRequest);
    assert!(!generate(&sandbox).await);
    assert_eq!((sandbox.keys().len(), sandbox.requests()), (1, 1));
    sandbox.fail_next(Fault::LoseRequest);
    assert_eq!(list_raw(&sandbox).await, "");
    assert!(generate(&sandbox).await, "once");
}

#[tokio::test]
async fn a_lost_answer_is_processed_and_not_a_byte_arrives() {
    let sandbox = sandbox().await;
    sandbox.fail_next(Fault::LoseAnswer);
    assert!(!generate(&sandbox).await);
    assert_eq!((sandbox.keys().len(), sandbox.requests()), (2, 1));
    sandbox.fail_next(Fault::LoseAnswer);
    assert_eq!(list_raw(&sandbox).await, "");
    assert!(generate(&sandbox).await, "once");
}

#[tokio::test]
async fn a_cut_answer_breaks_off_after_exactly_so_many_bytes() {
    let sandbox = sandbox().await;
    let whole = list(&sandbox).await.body;
    for after in [0, 1, whole.len() - 1, whole.len(), usize::MAX] {
        sandbox.fail_next(Fault::CutAnswer { after });
        let answer = list_raw(&sandbox).await;
        let (head, body) = answer.split_once("\r\n\r\n").expect("headers");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert!(head.contains(&format!("content-length: {}", whole.len())), "{head}");
        assert_eq!(body, &whole[..after.min(whole.len())], "{after}");
    }
    sandbox.fail_next(Fault::CutAnswer { after: 20 });
    assert!(!generate(&sandbox).await);
    assert_eq!(sandbox.keys().len(), 2, "it was processed");
}

#[tokio::test]
async fn status_and_body_are_replaced_after_processing() {
    let sandbox = sandbox().await;
    let body = r#"{"name":"n","key_type":"ed25519"}"#;
    sandbox.fail_next(Fault::ReplaceStatus(202));
    let answer = send(&sandbox, &root(&sandbox), Method::POST, "/api_keys/generate", Some(body)).await;
    assert_eq!(answer.status, 202);
    assert!(answer.body.contains("PRIVATE KEY"));
    assert_eq!(sandbox.keys().len(), 2);

    sandbox.fail_next(Fault::ReplaceBody(b"not what you expect".to_vec()));
    let answer = send(&sandbox, &root(&sandbox), Method::POST, "/api_keys/generate", Some(body)).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (201, "not what you expect"));
    assert_eq!(sandbox.keys().len(), 3);
}

#[tokio::test]
async fn a_delay_comes_after_processing() {
    let sandbox = sandbox().await;
    let delay = Duration::from_millis(200);
    sandbox.fail_next(Fault::Delay(delay));
    let start = Instant::now();
    assert!(generate(&sandbox).await);
    assert!(start.elapsed() >= delay);

    // Whoever does not wait has the key all the same.
    sandbox.fail_next(Fault::Delay(Duration::MAX));
    let signed = root(&sandbox).headers(&Method::POST, &path(&sandbox, "/api_keys/generate")).expect("headers");
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
    tokio::time::timeout(Duration::from_secs(10), processed).await.expect("processed before the delay");
    assert!(!request.is_finished());
    request.abort();
}

#[tokio::test]
async fn a_header_is_added_replaced_or_removed() {
    let sandbox = sandbox().await;
    let header = |name, value: Option<&'static str>| Fault::Header {
        name: HeaderName::from_static(name),
        value: value.map(HeaderValue::from_static),
    };
    sandbox.fail_next(header("retry-after", Some("7")));
    let answer = list(&sandbox).await;
    assert_eq!((answer.status, &answer.headers["retry-after"]), (StatusCode::OK, &HeaderValue::from_static("7")));
    sandbox.fail_next(header("date", Some("yesterday")));
    let answer = list(&sandbox).await;
    assert_eq!(answer.headers.get_all("date").iter().collect::<Vec<_>>(), ["yesterday"]);
    sandbox.fail_next(header("date", None));
    assert!(!list(&sandbox).await.headers.contains_key("date"));
    assert!(list(&sandbox).await.headers.contains_key("date"), "once");
}

#[tokio::test]
async fn processed_means_refused_when_it_is_not_signed() {
    let sandbox = sandbox().await;
    sandbox.fail_next(Fault::ReplaceStatus(200));
    let body = Some(r#"{"name":"n","key_type":"ed25519"}"#);
    let answer = send_with(&sandbox, HeaderMap::new(), Method::POST, "/api_keys/generate", body).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (200, "token_authentication_failure"));
    assert_eq!(sandbox.keys().len(), 1, "nothing was made");
}

#[tokio::test]
async fn faults_queue_and_wait_for_their_operation() {
    let sandbox = sandbox().await;
    sandbox.fail_next_on("deleteApiKey", Fault::ReplaceStatus(501)).expect("an operation");
    sandbox.fail_next_on("getApiKeys", Fault::ReplaceStatus(502)).expect("an operation");
    sandbox.fail_next(Fault::ReplaceStatus(503));
    sandbox.fail_next(Fault::ReplaceStatus(504));
    let outside = send_with(&sandbox, HeaderMap::new(), Method::GET, "/markets", None).await;
    assert_eq!(outside.status, 404, "no operation, so no fault");
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(list(&sandbox).await.status.as_u16());
    }
    assert_eq!(seen, [502, 503, 504, 200]);
    assert_eq!(send(&sandbox, &root(&sandbox), Method::DELETE, "/api_keys/a", None).await.status, 501);

    let unknown = sandbox.fail_next_on("listApiKeys", Fault::LoseAnswer).expect_err("no such operation");
    assert!(unknown.to_string().contains("getApiKeys"), "{unknown}");
    assert_eq!(list(&sandbox).await.status, 200);
}

#[test]
fn debug_shows_no_body() {
    let secret = b"-----BEGIN PRIVATE KEY-----".to_vec();
    for fault in [Fault::ReplaceBody(secret.clone()), Fault::answer(200, "text/plain", secret)] {
        let shown = format!("{fault:?}");
        assert!(!shown.contains("45, 45") && !shown.contains("BEGIN"), "{shown}");
    }
}
