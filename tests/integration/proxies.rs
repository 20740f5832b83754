//! A loopback base never goes through a proxy, other bases honour one. Proxies are named by environment variables, so a
//! process of its own is asked.

use std::process::Stdio;

use kalshi_api_keys::Client;
use tokio::process::Command;

use crate::fixtures::{KEY_ID, ed25519};
use crate::raw_server::RawServer;

/// Set for the process that is asked.
const ASKED: &str = "KALSHI_API_KEYS_TEST_LIST";

/// In the process that is asked, lists the keys; in the suite, has a server on loopback listed past a proxy.
#[tokio::test]
async fn a_loopback_base_goes_past_any_proxy() {
    if std::env::var_os(ASKED).is_some() {
        let listed = Client::from_env().unwrap().get_api_keys().send().await;
        println!("listed: {}", listed.map_or_else(|e| e.to_string(), |keys| keys.api_keys.len().to_string()));
        return;
    }
    let proxy = RawServer::always(502, "", "").await;
    let server = RawServer::always(200, "", r#"{"api_keys":[]}"#).await;
    assert_eq!(list(server.base_url(), &proxy).await, "0");
    assert_eq!((server.received().len(), proxy.received().len()), (1, 0));
}

#[cfg(feature = "rustls")]
#[tokio::test]
async fn another_base_goes_through_the_proxy_and_tells_it_no_more_than_the_host() {
    let proxy = RawServer::always(502, "", "").await;
    let said = list("https://kalshi.invalid/trade-api/v2", &proxy).await;
    assert!(said.starts_with("not sent: https://kalshi.invalid was not reached"), "{said}");
    let received = proxy.received();
    assert_eq!(received.len(), 1);
    assert_eq!((received[0].method(), received[0].target()), ("CONNECT", "kalshi.invalid:443"));
    assert!(!received[0].headers().iter().any(|(name, _)| name.to_ascii_lowercase().starts_with("kalshi")));
}

/// What a process prints that lists the keys at a base URL, with this proxy in its variables.
async fn list(base_url: &str, proxy: &RawServer) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["proxies::a_loopback_base_goes_past_any_proxy", "--exact", "--nocapture"]);
    let proxy = proxy.base_url().strip_suffix("/trade-api/v2").unwrap();
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(name, proxy);
    }
    for name in ["NO_PROXY", "no_proxy", "REQUEST_METHOD", "KALSHI_ENV", "KALSHI_PRIVATE_KEY_PATH"] {
        command.env_remove(name);
    }
    command
        .env(ASKED, "")
        .env("KALSHI_API_BASE_URL", base_url)
        .env("KALSHI_API_KEY_ID", KEY_ID)
        .env("KALSHI_PRIVATE_KEY", ed25519().private.expose_secret());
    let output = command.stdin(Stdio::null()).output().await.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let line = printed.lines().find_map(|line| line.split_once("listed: "));
    line.unwrap_or_else(|| panic!("{printed}{}", String::from_utf8_lossy(&output.stderr))).1.to_owned()
}
