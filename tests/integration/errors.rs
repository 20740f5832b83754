//! Where an error leaves the caller: what happened in one line, what may have taken effect, what may be sent again.

use std::time::Duration;

use http::Method;
use kalshi_api_keys::{Client, Effect, Environment, Error, ErrorExt as _, Signer, http_client_builder, types};

use crate::fixtures::credentials;
use crate::raw_server::{RawServer, Reply};

/// What `generateApiKey` ends in.
async fn generate(client: &Client) -> Error {
    let body = types::GenerateApiKeyRequest::builder().name("a").scopes(vec!["read".into()]);
    client.generate_api_key().body(body).send().await.unwrap_err()
}

async fn answered(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Error {
    let server = RawServer::start(move |_, _| reply()).await;
    generate(&server.client(credentials())).await
}

/// A base URL on which nothing listens.
async fn nobody() -> Environment {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap()).parse().unwrap()
}

#[tokio::test]
async fn each_error_says_what_happened_and_whether_to_send_it_again() {
    let refusal = |status: u16, body: &'static str| answered(move || Reply::json(status, body));
    let not_reached = generate(&Client::signed(&nobody().await, credentials()).unwrap()).await;
    let before_1970 = {
        let signer = Signer::new(credentials()).with_clock(|| std::time::UNIX_EPOCH - Duration::from_secs(1));
        let base = nobody().await.base_url().unwrap();
        generate(&Client::new_with_client(base.as_str(), http_client_builder().build().unwrap(), signer)).await
    };
    let bad_base = {
        let http = http_client_builder().build().unwrap();
        generate(&Client::new_with_client("demo", http, Signer::new(credentials()))).await
    };
    use Effect::{NotSent, Refused, Unknown};
    // The error, the effect, whether it passes, whether POST is safe, and words of the line.
    let table = [
        (not_reached, NotSent, true, true, "was not reached: Connection refused"),
        (before_1970, NotSent, false, true, "not sent: this machine's clock is before 1970; set it"),
        (bad_base, NotSent, false, true, "not sent: "),
        (answered(|| Reply::Reset).await, Unknown, true, false, "list the keys before sending it again"),
        (
            answered(|| Reply::Bytes(vec![])).await,
            Unknown,
            true,
            false,
            "it may have been done: list the keys before sending it again",
        ),
        (
            refusal(401, r#"{"error":{"code":"authentication_error","message":"authentication_error","details":"NOT_FOUND"}}"#).await,
            Refused,
            false,
            true,
            "the service answered 401: authentication_error: NOT_FOUND; check the API key ID, and the environment",
        ),
        (
            refusal(401, r#"{"error":{"code":"authentication_error","message":"authentication_error","details":"INCORRECT_API_KEY_SIGNATURE"}}"#).await,
            Refused,
            false,
            true,
            "INCORRECT_API_KEY_SIGNATURE; sign with the private key that belongs to the API key ID",
        ),
        (refusal(400, r#"{"msg":"a\n b"}"#).await, Refused, false, true, "the service answered 400: a b; correct the request"),
        (refusal(403, "").await, Refused, false, true, "403: Forbidden; sign with a key, of an account, that may do this"),
        (refusal(404, "{}").await, Refused, false, true, "404: {}; list the keys to see which exist"),
        (refusal(408, "").await, Unknown, true, false, "408"),
        (refusal(409, "").await, Refused, true, true, "409: Conflict; try again when the FCM subtrader has propagated"),
        (refusal(429, "").await, Refused, true, true, "429: Too Many Requests; wait before the next request"),
        (refusal(500, "").await, Unknown, true, false, "list the keys before sending it again"),
        (refusal(503, "<html>").await, Unknown, true, false, "503: <html>; it may have been done"),
        (
            refusal(201, r#"{"api_key_id":"a"}"#).await,
            Unknown,
            false,
            false,
            "is not as documented; it may have been done: read what arrived with bytes(), and list the keys",
        ),
        (refusal(302, "").await, Unknown, false, false, "is a redirect, and none is followed; check the base URL"),
        (
            answered(|| Reply::Bytes(b"HTTP/1.1 201 -\r\nContent-Length: 9\r\n\r\n{".to_vec())).await,
            Unknown,
            true,
            false,
            "broke off before it was whole",
        ),
        (
            answered(|| Reply::Bytes(b"HTTP/1.1 201 -\r\nContent-Length: 9\r\n\r\n".to_vec())).await,
            Unknown,
            true,
            false,
            "broke off",
        ),
    ];
    for (error, effect, transient, safe_post, words) in table {
        let line = error.explain();
        assert!(line.contains(words), "{line:?} lacks {words:?}");
        assert!(!line.contains('\n') && !line.to_ascii_lowercase().contains("content-length"), "{line}");
        assert_eq!((error.effect(), error.is_transient()), (effect, transient), "{line}");
        assert_eq!(error.is_safe_to_resend(&Method::POST), safe_post, "{line}");
        for method in [Method::GET, Method::DELETE] {
            assert!(error.is_safe_to_resend(&method), "{line}");
        }
    }
}

#[tokio::test]
async fn what_the_generator_calls_retryable_is_not_what_is_safe() {
    // The reasons for a trait of our own, held down: should the generator change its mind, the docs must.
    let broken = answered(|| Reply::Reset).await;
    assert!(broken.is_retryable() && !broken.is_safe_to_resend(&Method::POST));
    let http = http_client_builder().build().unwrap();
    let client = Client::new_with_client("demo", http, Signer::new(credentials()));
    let bad_base = client.get_api_keys().send().await.unwrap_err();
    assert!(bad_base.is_retryable() && !bad_base.is_transient());
}

#[tokio::test]
async fn retry_after_is_read_as_seconds_and_as_a_date() {
    let date = "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n";
    let table = [
        ("Retry-After: 3\r\n", Some(3)),
        ("Retry-After:  120 \r\n", Some(120)),
        ("Retry-After: 0\r\n", Some(0)),
        ("Retry-After: Tue, 14 Nov 2023 22:14:20 GMT\r\n", Some(60)),
        ("Retry-After: Tue, 14 Nov 2023 22:00:00 GMT\r\n", Some(0)),
        ("Retry-After: soon\r\n", None),
        ("Retry-After: -1\r\n", None),
        ("Retry-After: 1.5\r\n", None),
        ("", None),
    ];
    for (header, seconds) in table {
        for status in [429, 302] {
            let headers = format!("{date}{header}");
            let error = answered(move || Reply::new(status, &headers, "")).await;
            assert_eq!(error.retry_after(), seconds.map(Duration::from_secs), "{header}");
        }
    }
    // Without a date of its own, this machine's clock counts.
    let in_an_hour = std::time::SystemTime::now() + Duration::from_secs(3600);
    let header = format!("Retry-After: {}\r\n", httpdate::fmt_http_date(in_an_hour));
    let error = answered(move || Reply::new(503, &header, "")).await;
    assert!(error.retry_after().unwrap().as_secs().abs_diff(3600) <= 60);
    assert_eq!(Error::InvalidRequest(String::new()).retry_after(), None);
}
