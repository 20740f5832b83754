//! Nothing a server does fills the memory or hangs: bodies are capped, every wait ends.

use std::time::Duration;

use kalshi_api_keys::{Client, Error, ErrorExt as _, Signer, http_client_builder, types};

use crate::fixtures::credentials;
use crate::raw_server::{RawServer, Reply};

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n\r\n";

/// A chunk of 64 KiB.
fn chunk() -> Vec<u8> {
    format!("10000\r\n{}\r\n", "a".repeat(0x10000)).into()
}

#[tokio::test]
async fn a_success_without_end_is_cut_at_4_mib() {
    for head in [
        format!("HTTP/1.1 200 -\r\n{CHUNKED}"),
        "HTTP/1.1 200 -\r\nContent-Length: 1000000000000\r\n\r\n".to_owned(),
        "HTTP/1.1 200 -\r\nConnection: close\r\n\r\n".to_owned(),
    ] {
        let first = head.clone();
        let server = RawServer::start(move |_, _| Reply::Endless(first.clone().into(), chunk())).await;
        let error = server.client(credentials()).get_api_keys().send().await.unwrap_err();
        assert!(error.explain().contains("larger than any documented one"), "{}", error.explain());
        let Error::UnexpectedResponse(answer) = error else { panic!("{head}: {error:?}") };
        assert_eq!(answer.bytes().await.unwrap().len(), 4 * 1024 * 1024, "{head}");
    }
}

#[tokio::test]
async fn an_error_without_end_is_cut_and_still_an_error() {
    for head in [
        format!("HTTP/1.1 503 -\r\n{CHUNKED}"),
        "HTTP/1.1 503 -\r\nContent-Length: 1000000000000\r\n\r\n".to_owned(),
        "HTTP/1.1 503 -\r\n\r\n".to_owned(),
    ] {
        let server = RawServer::start(move |_, _| Reply::Endless(head.clone().into(), chunk())).await;
        let result = server.client(credentials()).get_api_keys().send().await;
        let Err(Error::ErrorResponse(answer)) = result else { panic!("{result:?}") };
        assert_eq!(answer.message.as_ref().map(String::len), Some(1024));
    }
}

#[tokio::test]
async fn the_largest_answers_are_read_whole() {
    let padding = |n: usize| "x".repeat(n);
    let list = |n| format!(r#"{{"api_keys":[],"padding":"{}"}}"#, padding(n));
    let overhead = list(0).len();
    for (size, whole) in [(4 * 1024 * 1024, true), (4 * 1024 * 1024 + 1, false)] {
        let server = RawServer::always(200, "", list(size - overhead)).await;
        assert_eq!(server.client(credentials()).get_api_keys().send().await.is_ok(), whole, "{size} bytes");
    }
    let error = |n| format!(r#"{{"padding":"{}","code":"c"}}"#, padding(n));
    let overhead = error(0).len();
    for (size, code) in [(64 * 1024, Some("c")), (64 * 1024 + 1, None)] {
        let server = RawServer::always(500, "", error(size - overhead)).await;
        let result = server.client(credentials()).get_api_keys().send().await;
        let Err(Error::ErrorResponse(answer)) = result else { panic!("{result:?}") };
        assert_eq!(answer.code.as_deref(), code, "{size} bytes");
    }
}

#[tokio::test]
async fn a_compressed_answer_is_not_inflated() {
    // `gzip` of a megabyte of zeros would do; not asked for, it is data as any other.
    let server = RawServer::always(200, "Content-Encoding: gzip\r\n", b"\x1f\x8b\x08\x00".to_vec()).await;
    let result = server.client(credentials()).get_api_keys().send().await;
    let Err(Error::UnexpectedResponse(answer)) = result else { panic!("{result:?}") };
    assert_eq!(answer.bytes().await.unwrap().as_ref(), b"\x1f\x8b\x08\x00");
    assert!(!server.received()[0].has("accept-encoding"));
}

#[tokio::test]
async fn a_server_that_stands_still_ends_in_a_timeout() {
    let heads: [&[u8]; 3] = [b"", b"HTTP/1.1 201 -\r\nContent-Len", b"HTTP/1.1 201 -\r\nContent-Length: 10\r\n\r\n"];
    for head in heads {
        let server = RawServer::start(move |_, _| Reply::Stall(head.to_vec())).await;
        let http = http_client_builder().no_proxy().read_timeout(Duration::from_millis(100)).build().unwrap();
        let client = Client::new_with_client(server.base_url(), http, Signer::new(credentials()));
        let body = types::GenerateApiKeyRequest::builder().name("a").scopes(vec!["read".into()]);
        match client.generate_api_key().body(body).send().await {
            Err(error @ (Error::CommunicationError(_) | Error::ResponseBodyError(_))) => {
                assert!(error.explain().contains("did not answer in time"), "{}", error.explain());
                assert!(error.is_transient() && !error.is_safe_to_resend(&http::Method::POST));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(server.received().len(), 1);
    }
}

#[tokio::test]
async fn a_body_that_stands_still_is_kept_as_far_as_it_came() {
    let server =
        RawServer::start(|_, _| Reply::Stall(b"HTTP/1.1 201 -\r\nContent-Length: 99\r\n\r\n{\"api_key".to_vec())).await;
    let http = http_client_builder().no_proxy().timeout(Duration::from_millis(200)).build().unwrap();
    let client = Client::new_with_client(server.base_url(), http, Signer::new(credentials()));
    let body = types::GenerateApiKeyRequest::builder().name("a").scopes(vec!["read".into()]);
    let error = client.generate_api_key().body(body).send().await.unwrap_err();
    assert!(error.explain().contains("stood still before it was whole"), "{}", error.explain());
    let Error::UnexpectedResponse(answer) = error else { panic!("{error:?}") };
    assert_eq!(answer.bytes().await.unwrap().as_ref(), b"{\"api_key");
}
