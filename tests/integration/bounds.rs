//! No server makes a client run out of memory or hang: bodies are limited, every wait ends.

use std::time::{Duration, Instant, SystemTime};

use kalshi_api_keys::{Client, Error, Operation, http_client_builder, types};

use crate::fixtures::credentials;
use crate::raw_server::{RawServer, Reply};

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n\r\n";

/// A chunk of 64 KiB.
fn chunk() -> Vec<u8> {
    format!("10000\r\n{}\r\n", "a".repeat(0x10000)).into()
}

#[tokio::test]
async fn endless_success_body_is_cut_off_at_4_mib() {
    for head in [
        format!("HTTP/1.1 200 -\r\n{CHUNKED}"),
        "HTTP/1.1 200 -\r\nContent-Length: 1000000000000\r\n\r\n".to_owned(),
        "HTTP/1.1 200 -\r\nConnection: close\r\n\r\n".to_owned(),
    ] {
        let first = head.clone();
        let server =
            RawServer::start(move |_, _| Reply::Endless(first.clone().into(), chunk())).await;
        let error = server
            .client(credentials())
            .get_api_keys()
            .send()
            .await
            .unwrap_err();
        assert!(
            error.to_string().contains("larger than any documented one"),
            "{}",
            error.to_string()
        );
        let Error::UnexpectedResponse(response) = error else {
            panic!("{head}: {error:?}")
        };
        assert_eq!(
            response.into_inner().bytes().await.unwrap().len(),
            4 * 1024 * 1024,
            "{head}"
        );
    }
}

#[tokio::test]
async fn endless_error_body_is_cut_off_and_reported_as_error() {
    for head in [
        format!("HTTP/1.1 503 -\r\n{CHUNKED}"),
        "HTTP/1.1 503 -\r\nContent-Length: 1000000000000\r\n\r\n".to_owned(),
        "HTTP/1.1 503 -\r\n\r\n".to_owned(),
    ] {
        let server =
            RawServer::start(move |_, _| Reply::Endless(head.clone().into(), chunk())).await;
        let result = server.client(credentials()).get_api_keys().send().await;
        let Err(Error::UnexpectedResponse(response)) = result else {
            panic!("{result:?}")
        };
        assert_eq!(
            response.into_inner().bytes().await.unwrap().len(),
            64 * 1024
        );
    }
}

#[tokio::test]
async fn largest_allowed_bodies_are_read_whole() {
    let padding = |n: usize| "x".repeat(n);
    let list = |n| format!(r#"{{"api_keys":[],"padding":"{}"}}"#, padding(n));
    let overhead = list(0).len();
    for (size, whole) in [(4 * 1024 * 1024, true), (4 * 1024 * 1024 + 1, false)] {
        let server = RawServer::always(200, "", list(size - overhead)).await;
        let client = server.client(credentials());
        assert_eq!(
            client.get_api_keys().send().await.is_ok(),
            whole,
            "{size} bytes"
        );
        let operation = Operation::find("getApiKeys").unwrap();
        let response = client
            .execute_operation(operation, client.request(http::Method::GET, operation.path))
            .await;
        assert_eq!(response.is_ok(), whole, "{size} bytes, not parsed");
    }
    let error = |n| format!(r#"{{"padding":"{}","code":"c","message":"m"}}"#, padding(n));
    let overhead = error(0).len();
    for (size, whole) in [(64 * 1024, true), (64 * 1024 + 1, false)] {
        let server = RawServer::always(500, "", error(size - overhead)).await;
        let error = server
            .client(credentials())
            .get_api_keys()
            .send()
            .await
            .unwrap_err();
        assert_eq!(
            matches!(error, Error::ErrorResponse(_)),
            whole,
            "{size} bytes: {error}"
        );
    }
}

#[tokio::test]
async fn compressed_body_is_not_decompressed() {
    // The client does not ask for compression, although the tests enable `reqwest/gzip`, so a gzip
    // header is data like any other.
    let server = RawServer::always(
        200,
        "Content-Encoding: gzip\r\n",
        b"\x1f\x8b\x08\x00".to_vec(),
    )
    .await;
    let result = server.client(credentials()).get_api_keys().send().await;
    let Err(Error::UnexpectedResponse(response)) = result else {
        panic!("{result:?}")
    };
    assert_eq!(
        response.into_inner().bytes().await.unwrap().as_ref(),
        b"\x1f\x8b\x08\x00"
    );
    assert!(!server.received()[0].has("accept-encoding"));
}

#[tokio::test]
async fn stalled_server_ends_in_timeout() {
    let heads: [&[u8]; 3] = [
        b"",
        b"HTTP/1.1 201 -\r\nContent-Len",
        b"HTTP/1.1 201 -\r\nContent-Length: 10\r\n\r\n",
    ];
    for head in heads {
        let server = RawServer::start(move |_, _| Reply::Stall(head.to_vec())).await;
        let http = http_client_builder(&server.environment())
            .read_timeout(Duration::from_millis(100))
            .build()
            .unwrap();
        let client = Client::builder(server.environment(), credentials())
            .http_client(http)
            .build()
            .unwrap();
        let body = types::GenerateApiKeyRequest::builder()
            .name("a")
            .scopes(vec!["read".into()]);
        match client.generate_api_key().body(body).send().await {
            Err(error @ (Error::CommunicationError(_) | Error::ResponseBodyError(_))) => {
                assert!(
                    error.to_string().contains("in time"),
                    "{}",
                    error.to_string()
                );
                assert!(error.is_transient() && !error.is_safe_to_resend(&http::Method::POST));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(server.received().len(), 1);
    }
}

#[tokio::test]
async fn partial_body_survives_timeout() {
    let server = RawServer::start(|_, _| {
        Reply::Stall(b"HTTP/1.1 201 -\r\nContent-Length: 99\r\n\r\n{\"api_key".to_vec())
    })
    .await;
    let client = client_with_timeout(&server, Duration::from_millis(200));
    let body = types::GenerateApiKeyRequest::builder()
        .name("a")
        .scopes(vec!["read".into()]);
    let error = client
        .generate_api_key()
        .body(body)
        .send()
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("timed out before its end"),
        "{}",
        error.to_string()
    );
    let Error::UnexpectedResponse(response) = error else {
        panic!("{error:?}")
    };
    assert_eq!(
        response.into_inner().bytes().await.unwrap().as_ref(),
        b"{\"api_key"
    );
}

#[tokio::test]
async fn second_attempt_shares_the_deadline_of_the_first() {
    // The first request is refused after 60 % of the time limit, the second gets no response.
    const LIMIT: Duration = Duration::from_millis(1500);
    let server = RawServer::start(|n, _| match n {
        0 => {
            let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(41));
            let body = r#"{"error":{"code":"header_timestamp_expired","message":"header timestamp expired"}}"#;
            Reply::new(401, &format!("Date: {date}\r\n"), body).after(LIMIT * 6 / 10)
        }
        _ => Reply::Stall(vec![]),
    })
    .await;
    let started = Instant::now();
    let error = client_with_timeout(&server, LIMIT)
        .get_api_keys()
        .send()
        .await
        .unwrap_err();
    let elapsed = started.elapsed();
    assert!(
        matches!(&error, Error::CommunicationError(e) if e.is_timeout()),
        "{error:?}"
    );
    assert_eq!(server.received().len(), 2);
    assert!(LIMIT <= elapsed && elapsed < LIMIT * 3 / 2, "{elapsed:?}");
}

#[tokio::test]
async fn own_http_client_has_the_same_deadline() {
    let server = RawServer::start(|_, _| Reply::Stall(vec![])).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let builder = Client::builder(server.environment(), credentials()).http_client(http);
    let client = builder.timeout(Duration::from_millis(100)).build().unwrap();
    let error = client.get_api_keys().send().await.unwrap_err();
    assert!(
        matches!(&error, Error::CommunicationError(e) if e.is_timeout()),
        "{error:?}"
    );
    // The request's own time limit takes precedence.
    let client = server.client(credentials());
    let mut request = client.request(http::Method::GET, "/portfolio/balance");
    *request.timeout_mut() = Some(Duration::from_millis(100));
    let error = client.execute(request).await.unwrap_err();
    assert!(
        matches!(&error, Error::CommunicationError(e) if e.is_timeout()),
        "{error:?}"
    );
}

fn client_with_timeout(server: &RawServer, timeout: Duration) -> Client {
    Client::builder(server.environment(), credentials())
        .timeout(timeout)
        .build()
        .unwrap()
}
