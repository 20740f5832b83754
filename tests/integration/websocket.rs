//! Tests the example `websocket` against a server that verifies the signature of the handshake.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kalshi_api_keys::{Environment, Signer};
use tokio::net::TcpListener;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

use crate::fixtures::{credentials, ed25519};
use crate::signing::verifies_bytes;

#[allow(dead_code)]
#[path = "../../examples/websocket.rs"]
mod example;

#[tokio::test]
async fn example_signs_the_handshake_and_corrects_the_clock() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let environment = Environment::custom(&format!(
        "http://{}/trade-api/v2",
        listener.local_addr().unwrap()
    ))
    .unwrap();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        accept_hdr_async(stream, reject_timestamp)
            .await
            .unwrap_err();
        let (stream, _) = listener.accept().await.unwrap();
        accept_hdr_async(stream, verify).await.unwrap();
    });
    let signer = Signer::new(credentials());
    example::connect(&signer, environment.websocket_url().as_str())
        .await
        .unwrap();
    server.await.unwrap();
    assert!(signer.clock_offset_ms() > 39_000);
}

#[allow(clippy::result_large_err)] // The signature is tungstenite's.
fn reject_timestamp(_: &Request, _: Response) -> Result<Response, ErrorResponse> {
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(41));
    let body =
        r#"{"error":{"code":"header_timestamp_expired","message":"header timestamp expired"}}"#
            .to_owned();
    Err(http::Response::builder()
        .status(401)
        .header("date", date)
        .body(Some(body))
        .unwrap())
}

#[allow(clippy::result_large_err)]
fn verify(request: &Request, response: Response) -> Result<Response, ErrorResponse> {
    let header = |name: &str| request.headers()[name].to_str().unwrap();
    let message = format!("{}GET/trade-api/ws/v2", header("kalshi-access-timestamp"));
    let signature = STANDARD.decode(header("kalshi-access-signature")).unwrap();
    assert!(verifies_bytes(ed25519(), &message, &signature));
    Ok(response)
}
