//! Starting and stopping the server.

use std::time::Duration;

use kalshi_api_keys::sandbox::Sandbox;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{client, connect, sandbox};

/// Generous, for busy machines: what is awaited normally happens at once.
const TIMEOUT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn dropping_it_closes_the_port_and_connections() {
    let sandbox = sandbox().await;
    client(&sandbox)
        .get_api_keys()
        .send()
        .await
        .expect("a response");
    let mut open = connect(&sandbox).await.expect("a connection");
    let address = open.peer_addr().expect("an address");
    drop(sandbox);

    let mut byte = [0];
    let read = timeout(TIMEOUT, open.read(&mut byte))
        .await
        .expect("the open connection is closed");
    assert!(matches!(read, Ok(0) | Err(_)), "no more bytes: {read:?}");
    // The port is closed at about the same time as the connection, possibly after it.
    let refused = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(TIMEOUT, refused).await.expect("the port is closed");
}

#[tokio::test]
async fn sandboxes_are_independent() {
    let (one, other) = (sandbox().await, sandbox().await);
    assert_ne!(one.base_url(), other.base_url());
    let client =
        kalshi_api_keys::Client::new(one.environment(), other.credentials()).expect("a client");
    let refused = client
        .get_api_keys()
        .send()
        .await
        .expect_err("the other sandbox's key");
    assert_eq!(refused.status(), Some(http::StatusCode::UNAUTHORIZED));
    assert_eq!((one.requests(), other.requests()), (1, 0));
}

#[tokio::test]
async fn refuses_to_listen_beyond_loopback() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let error = Sandbox::builder()
            .listen(address.parse().expect("an address"))
            .start()
            .await
            .expect_err("refused");
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{address}");
        assert!(error.to_string().contains("127.0.0.1"), "{error}");
    }
}

#[tokio::test]
async fn refuses_a_port_in_use_and_an_unknown_key_type() {
    let sandbox = sandbox().await;
    let taken = connect(&sandbox)
        .await
        .and_then(|stream| stream.peer_addr())
        .expect("an address");
    let error = Sandbox::builder()
        .listen(taken)
        .start()
        .await
        .expect_err("the port is in use");
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    Sandbox::builder()
        .root_key_type("dilithium".into())
        .start()
        .await
        .expect_err("unknown key type");
}

#[tokio::test]
async fn the_base_url_has_a_loopback_port_and_the_service_s_path() {
    let sandbox = sandbox().await;
    let port = sandbox
        .base_url()
        .strip_prefix("http://127.0.0.1:")
        .and_then(|rest| rest.strip_suffix("/trade-api/v2"));
    assert!(
        port.is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0)),
        "{}",
        sandbox.base_url()
    );
    assert_eq!(
        sandbox.environment().base_url().as_str(),
        sandbox.base_url()
    );
    assert!(!format!("{sandbox:?}").contains("PRIVATE KEY"));
}
