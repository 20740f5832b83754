//! Requests to a loopback environment bypass proxies, others honour them. Proxies are configured by
//! environment variables, so each test runs a process of its own.

use std::process::Stdio;

use kalshi_api_keys::{Client, Credentials, Environment, http_client_builder, reqwest};
use tokio::process::Command;

use crate::fixtures::{KEY_ID, ed25519};
use crate::raw_server::RawServer;

/// Set for the process that lists keys, to how its HTTP client is made.
const HTTP_CLIENT: &str = "TEST_HTTP_CLIENT";
/// The proxy that the process chooses itself.
const CHOSEN_PROXY: &str = "TEST_PROXY";

const EMPTY_LIST: &str = r#"{"api_keys":[]}"#;

/// In the process that lists keys, lists them; in the suite, does nothing.
#[tokio::test]
async fn list_in_process() {
    let Ok(kind) = std::env::var(HTTP_CLIENT) else {
        return;
    };
    let environment = Environment::from_env().unwrap();
    let builder = http_client_builder(&environment);
    let http = match kind.as_str() {
        "default" => None,
        "builder" => Some(builder.build().unwrap()),
        "proxy" => {
            let proxy = reqwest::Proxy::all(std::env::var(CHOSEN_PROXY).unwrap()).unwrap();
            Some(builder.proxy(proxy).build().unwrap())
        }
        other => panic!("{other}"),
    };
    let builder = Client::builder(environment, Credentials::from_env().unwrap());
    let builder = http
        .into_iter()
        .fold(builder, |builder, http| builder.http_client(http));
    let listed = builder.build().unwrap().get_api_keys().send().await;
    println!(
        "listed: {}",
        listed.map_or_else(|e| e.to_string(), |keys| keys.api_keys.len().to_string())
    );
}

#[tokio::test]
async fn loopback_bypasses_proxies() {
    for kind in ["default", "builder"] {
        let proxy = RawServer::always(502, "", "").await;
        let server = RawServer::always(200, "", EMPTY_LIST).await;
        let localhost = server.base_url().replace("127.0.0.1", "localhost");
        assert_eq!(list(server.base_url(), kind, &proxy, &proxy).await, "0");
        assert_eq!(list(&localhost, kind, &proxy, &proxy).await, "0");
        assert_eq!(
            (server.received().len(), proxy.received().len()),
            (2, 0),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn explicit_proxy_takes_precedence_over_variables() {
    let variables = RawServer::always(502, "", "").await;
    let chosen = RawServer::always(200, "", EMPTY_LIST).await;
    assert_eq!(
        list(
            "http://localhost:1/trade-api/v2",
            "proxy",
            &variables,
            &chosen
        )
        .await,
        "0"
    );
    assert_eq!(
        (chosen.received().len(), variables.received().len()),
        (1, 0)
    );
}

#[cfg(feature = "rustls")]
#[tokio::test]
async fn other_hosts_use_the_proxy_which_learns_only_the_host() {
    for kind in ["default", "builder"] {
        let proxy = RawServer::always(502, "", "").await;
        let line = list("https://kalshi.invalid/trade-api/v2", kind, &proxy, &proxy).await;
        assert!(
            line.starts_with("not sent: could not connect to https://kalshi.invalid"),
            "{line}"
        );
        let received = proxy.received();
        assert_eq!(received.len(), 1);
        assert_eq!(
            (received[0].method(), received[0].target()),
            ("CONNECT", "kalshi.invalid:443")
        );
        assert!(
            !received[0]
                .headers()
                .iter()
                .any(|(name, _)| name.to_ascii_lowercase().starts_with("kalshi"))
        );
    }
}

/// Lists the keys at a base URL in a process whose variables name one proxy, and returns what it
/// printed.
async fn list(base_url: &str, kind: &str, proxy: &RawServer, chosen: &RawServer) -> String {
    let origin = |server: &RawServer| {
        server
            .base_url()
            .strip_suffix("/trade-api/v2")
            .unwrap()
            .to_owned()
    };
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["proxies::list_in_process", "--exact", "--nocapture"]);
    for name in [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ] {
        command.env(name, origin(proxy));
    }
    for name in [
        "NO_PROXY",
        "no_proxy",
        "REQUEST_METHOD",
        "KALSHI_ENV",
        "KALSHI_PRIVATE_KEY_PATH",
    ] {
        command.env_remove(name);
    }
    command
        .env(HTTP_CLIENT, kind)
        .env(CHOSEN_PROXY, origin(chosen))
        .env("KALSHI_API_BASE_URL", base_url)
        .env("KALSHI_API_KEY_ID", KEY_ID)
        .env("KALSHI_PRIVATE_KEY", ed25519().private.expose_secret());
    let output = command.stdin(Stdio::null()).output().await.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let line = printed.lines().find_map(|line| line.split_once("listed: "));
    line.unwrap_or_else(|| panic!("{printed}{}", String::from_utf8_lossy(&output.stderr)))
        .1
        .to_owned()
}
