//! A sandbox is there while it is held, and then it is gone.

use std::time::Duration;

use kalshi_api_keys::sandbox::Sandbox;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{client, connect, sandbox};

/// How long what happens at once may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn it_stops_when_it_is_dropped() {
    let sandbox = sandbox().await;
    client(&sandbox).get_api_keys().send().await.expect("an answer");
    let mut open = connect(&sandbox).await.expect("a connection");
    let address = open.peer_addr().expect("an address");
    drop(sandbox);

    let mut byte = [0];
    let read = timeout(PATIENCE, open.read(&mut byte)).await.expect("the open connection is closed");
    assert!(matches!(read, Ok(0) | Err(_)), "nothing more arrives: {read:?}");
    // The port closes in the same breath as the connection, which may be seen first.
    let refused = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, refused).await.expect("the port is closed");
}

#[tokio::test]
async fn sandboxes_do_not_know_each_other() {
    let (one, other) = (sandbox().await, sandbox().await);
    assert_ne!(one.base_url(), other.base_url());
    let stranger = kalshi_api_keys::Client::new(one.environment(), other.credentials()).expect("a client");
    let refused = stranger.get_api_keys().send().await.expect_err("another's key");
    assert_eq!(refused.status(), Some(http::StatusCode::UNAUTHORIZED));
    assert_eq!((one.requests(), other.requests()), (1, 0));
}

#[tokio::test]
async fn it_listens_on_loopback_only() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let error = Sandbox::builder().listen(address.parse().expect("an address")).start().await.expect_err("refused");
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{address}");
        assert!(error.to_string().contains("127.0.0.1"), "{error}");
    }
}

#[tokio::test]
async fn a_taken_port_and_a_strange_key_type_are_errors() {
    let sandbox = sandbox().await;
    let taken = connect(&sandbox).await.and_then(|stream| stream.peer_addr()).expect("an address");
    let error = Sandbox::builder().listen(taken).start().await.expect_err("the port is taken");
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    Sandbox::builder().root_key_type("dilithium".into()).start().await.expect_err("no such key type");
}

#[tokio::test]
async fn the_base_url_is_a_loopback_port_and_the_services_path() {
    let sandbox = sandbox().await;
    let port = sandbox.base_url().strip_prefix("http://127.0.0.1:").and_then(|rest| rest.strip_suffix("/trade-api/v2"));
    assert!(port.is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0)), "{}", sandbox.base_url());
    assert_eq!(sandbox.environment().base_url().as_str(), sandbox.base_url());
    assert!(!format!("{sandbox:?}").contains("PRIVATE KEY"));
}
