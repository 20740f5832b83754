//! `sign`: headers that the service accepts, and a curl command that keeps them private.

use snapbox::str;

use super::{TestAccount, assert_transcript};

/// Shows the timestamp and the signature of what `sign` printed as placeholders.
fn redact_signature(account: &TestAccount, printed: &str) {
    for (placeholder, name) in [
        ("[TIMESTAMP]", "TIMESTAMP: "),
        ("[SIGNATURE]", "SIGNATURE: "),
    ] {
        let (_, rest) = printed.split_once(name).unwrap();
        account.redact(placeholder, rest.split(['\n', '"']).next().unwrap());
    }
}

#[tokio::test]
async fn sign_prints_headers_that_the_service_accepts() {
    let account = TestAccount::new().await;
    let ran = account
        .run(&["sign", "get", "/trade-api/v2/api_keys?fcm_subtrader_id=a_b"])
        .await;
    redact_signature(&account, &ran.out);
    assert_transcript(
        &account.describe("sign get", &ran),
        str![[r#"
$ sign get
KALSHI-ACCESS-KEY: [OLD]
KALSHI-ACCESS-TIMESTAMP: [TIMESTAMP]
KALSHI-ACCESS-SIGNATURE: [SIGNATURE]
exit code 0
"#]],
    );

    let http = kalshi_api_keys::http_client_builder(&account.sandbox.environment())
        .build()
        .unwrap();
    let mut request = http.get(format!(
        "{}/api_keys?fcm_subtrader_id=a_b",
        account.sandbox.base_url()
    ));
    for line in ran.out.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn sign_refuses_what_no_request_line_can_carry() {
    let account = TestAccount::new().await;
    let mut transcripts = String::new();
    for [method, path] in [
        ["GET", "api_keys"],
        ["GET", "/portfolio/balance?limit=1"],
        ["GET", "trade-api/v2/portfolio/balance"],
        ["GET", "/trade-api/v2/trade-api/v2/portfolio/balance"],
        [
            "GET",
            "https://demo-api.kalshi.co/trade-api/v2/portfolio/balance",
        ],
        ["GET", "wss://demo-api.kalshi.co/trade-api/ws/v2"],
        ["GET", "/trade-api/v20/portfolio"],
        ["GET", "/api_keys?a\nproxy = http://example.com"],
        ["G T", "/api_keys"],
    ] {
        let sign = account.transcript(&["sign", method, path]).await;
        let curl = account.transcript(&["sign", method, path, "--curl"]).await;
        assert_eq!(curl.replace(" --curl", ""), sign);
        transcripts += &sign;
    }
    assert_transcript(
        &transcripts,
        str![[r#"
$ sign GET api_keys
2> error: the path is not that of a request to [URL], so the service would reject the signature; sign /trade-api/v2/api_keys
exit code 2

$ sign GET /portfolio/balance?limit=1
2> error: the path is not that of a request to [URL], so the service would reject the signature; sign /trade-api/v2/portfolio/balance?limit=1
exit code 2

$ sign GET trade-api/v2/portfolio/balance
2> error: the path is not that of a request to [URL], so the service would reject the signature; sign /trade-api/v2/portfolio/balance
exit code 2

$ sign GET /trade-api/v2/trade-api/v2/portfolio/balance
2> error: the path is not that of a request to [URL], so the service would reject the signature; sign /trade-api/v2/portfolio/balance
exit code 2

$ sign GET https://demo-api.kalshi.co/trade-api/v2/portfolio/balance
2> error: the path is not that of a request to [URL], so the service would reject the signature; sign /trade-api/v2/portfolio/balance
exit code 2

$ sign GET wss://demo-api.kalshi.co/trade-api/ws/v2
2> error: the path is not that of a request to [URL], so the service would reject the signature; sign /trade-api/ws/v2
exit code 2

$ sign GET /trade-api/v20/portfolio
2> error: the path is not that of a request to [URL], so the service would reject the signature; sign /trade-api/v2/portfolio
exit code 2

$ sign GET /api_keys?a\nproxy = http://example.com
2> error: the path is not percent-encoded; encode it as it will be sent
exit code 2

$ sign G T /api_keys
2> error: the method is not an HTTP method; give one such as GET
exit code 2
"#]],
    );
}

#[tokio::test]
async fn websocket_path_is_signed() {
    let account = TestAccount::new().await;
    let ran = account.run(&["sign", "GET", "/trade-api/ws/v2"]).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
}

/// curl reads the signature from its input, ignores `~/.curlrc`, and sends the request as it was
/// signed.
#[cfg(unix)] // Needs `sh`.
mod curl {
    use snapbox::str;
    use tokio::process::Command;

    use super::redact_signature;
    use crate::command::{TestAccount, assert_transcript};
    use crate::fixtures::is_installed;
    use crate::raw_server::{RawServer, Reply};

    /// Runs what `sign --curl` printed in a shell, with a `~/.curlrc` that follows redirects;
    /// returns curl's output.
    async fn run(account: &TestAccount, printed: &str) -> String {
        std::fs::write(
            account.file(".curlrc"),
            "location\nlocation-trusted\ninclude\n",
        )
        .unwrap();
        let mut shell = Command::new("sh");
        shell
            .arg("-c")
            .arg(printed)
            .env("HOME", account.folder.path())
            .env("NO_PROXY", "127.0.0.1");
        let output = shell
            .env_remove("CURL_HOME")
            .env_remove("XDG_CONFIG_HOME")
            .output()
            .await
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    #[tokio::test]
    async fn the_signature_is_not_an_argument() {
        if !is_installed("curl") {
            return;
        }
        let account = TestAccount::new().await;
        let ran = account
            .run(&["sign", "GET", "/trade-api/v2/api_keys", "--curl"])
            .await;
        redact_signature(&account, &ran.out);
        assert_transcript(
            &account.describe("sign GET --curl", &ran),
            str![[r#"
$ sign GET --curl
curl --disable --config - <<'END'
globoff
path-as-is
request = "GET"
url = "[URL]/api_keys"
header = "KALSHI-ACCESS-KEY: [OLD]"
header = "KALSHI-ACCESS-TIMESTAMP: [TIMESTAMP]"
header = "KALSHI-ACCESS-SIGNATURE: [SIGNATURE]"
END
exit code 0
"#]],
        );
        let list = run(&account, &ran.out).await;
        assert!(
            list.starts_with("{\"api_keys\":") && list.contains(&account.old),
            "{list}"
        );
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed_and_the_request_arrives_as_signed() {
        if !is_installed("curl") {
            return;
        }
        let account = TestAccount::new().await;
        let server = RawServer::start(|_, _| Reply::new(302, "Location: /elsewhere\r\n", "")).await;
        let id = r#"it's"$HOME\n`"#;
        let path = r#"/trade-api/v2/a/../b\{c}[d]%2F?e="f'$(date)&g"#;
        let arguments = [
            "sign",
            "DELETE",
            path,
            "--curl",
            "--api-key-id",
            id,
            "--api-base-url",
            server.base_url(),
        ];
        let ran = account.run(&arguments).await;
        assert_eq!(run(&account, &ran.out).await, "");
        let [request] = &server.received()[..] else {
            panic!("curl followed the redirect")
        };
        assert_eq!((request.method(), request.target()), ("DELETE", path));
        assert_eq!(request.header("kalshi-access-key"), id);
    }
}
