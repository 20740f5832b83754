//! The command: what it prints, how it exits, what it keeps, and that it shows no key that was not asked for. The binary
//! itself is run, against the sandbox.

mod create;
mod delete;
mod rotate;

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use kalshi_api_keys::sandbox::{Fault, Sandbox};
use kalshi_api_keys::types::{ApiKey, ApiKeyScope, PrivateKeyPem, Subaccount};
use kalshi_api_keys::{Client, Credentials, key_file};
use serde_json::Value;
use tokio::process::Command;

use crate::contract;
use crate::fixtures::{KEY_ID, ed25519, is_installed, key_forms, rsa, shows_key};
use crate::raw_server::{RawServer, Reply};

const REFUSED: i32 = 1;
const USAGE: i32 = 2;
const NETWORK: i32 = 3;
const LEFT_TO_DO: i32 = 4;

/// A sandbox, its root key in a file, and a folder to work in.
pub struct TestAccount {
    pub sandbox: Arc<Sandbox>,
    pub folder: tempfile::TempDir,
    pub old: String,
}

impl TestAccount {
    pub async fn new() -> Self {
        let sandbox = Arc::new(Sandbox::start().await.unwrap());
        let folder = tempfile::tempdir().unwrap();
        key_file::save(folder.path().join("old.pem"), None, &sandbox.root_private_key()).unwrap();
        let old = sandbox.credentials().key_id().to_owned();
        Self { sandbox, folder, old }
    }

    /// The command in the folder, with the root key in its variables.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        command.current_dir(self.folder.path());
        command.env("KALSHI_API_KEY_ID", &self.old).env("KALSHI_PRIVATE_KEY_PATH", "old.pem");
        command.env("KALSHI_API_BASE_URL", self.sandbox.base_url());
        command
    }

    pub async fn run(&self, arguments: &[&str]) -> Ran {
        let ran = ran(self.command(arguments)).await;
        assert!(!ran.shows(&self.sandbox.root_private_key()), "{arguments:?}");
        ran
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The names of all files in the folder, sorted.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        files
    }

    pub fn ids(&self) -> Vec<String> {
        self.sandbox.keys().into_iter().map(|key| key.api_key_id).collect()
    }

    fn last(&self) -> ApiKey {
        self.sandbox.keys().pop().unwrap()
    }

    /// The text with the root key's ID as OLD, and the last one's as NEW.
    pub fn plain(&self, text: &str) -> String {
        let text = text.replace(&self.old, "OLD").replace(self.sandbox.base_url(), "URL");
        self.ids().last().map_or(text.clone(), |id| text.replace(id, "NEW"))
    }

    /// The key of a file signs in with an ID.
    pub async fn signs_in(&self, id: &str, file: &str) -> bool {
        let credentials = Credentials::from_pem_file(id, self.file(file)).unwrap();
        let client = Client::new(self.sandbox.environment(), credentials).unwrap();
        client.get_api_keys().send().await.is_ok()
    }

    fn key(&self, id: &str, scopes: Vec<ApiKeyScope>, subaccount: Option<u8>) {
        let subaccount = subaccount.map(|number| Subaccount::try_from(number).unwrap());
        let name = format!("the {id}");
        let key = ApiKey::builder().api_key_id(id).name(name).scopes(scopes).subaccount(subaccount);
        self.sandbox.register(key.try_into().unwrap(), &ed25519().public).unwrap();
    }
}

/// The command without variables of ours, terminal or not.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kalshi-api-keys"));
    for name in
        ["KALSHI_API_KEY_ID", "KALSHI_PRIVATE_KEY", "KALSHI_PRIVATE_KEY_PATH", "KALSHI_ENV", "KALSHI_API_BASE_URL"]
    {
        command.env_remove(name);
    }
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    command
}

pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    fn shows(&self, key: &PrivateKeyPem) -> bool {
        shows_key(&self.out, key) || shows_key(&self.err, key)
    }
}

/// Every failure is one line that says what to do next, or a usage error of clap.
pub async fn ran(mut command: Command) -> Ran {
    let output = command.output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let ran = Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) };
    let errors: Vec<_> = ran.err.lines().filter(|line| !line.starts_with("warning: ")).collect();
    let is_clap_error = ran.err.ends_with("For more information, try '--help'.\n") || ran.err.starts_with("Lists, ");
    if is_clap_error {
        assert_eq!((ran.code, ran.out.as_str()), (USAGE, ""));
    } else if ran.code != 0 {
        assert!(matches!(errors[..], [line] if line.starts_with("error: ") && line.contains("; ")), "{}", ran.err);
    }
    ran
}

#[tokio::test]
async fn list_prints_a_table_and_flags_risky_keys() {
    let account = TestAccount::new().await;
    account.key("report", vec![ApiKeyScope::Read, "read::tomorrow".into()], None);
    account.key("desk\u{1b}[31m\u{202e}", vec![ApiKeyScope::Read, ApiKeyScope::Write], Some(7));
    account.key("none", vec![], None);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    account.sandbox.set_region_expiration(Some(now + 3 * 86_400 + 600));
    let ran = account.run(&["list"]).await;
    let expected = "\
ID                                    NAME                        SCOPES                BINDING        REMARKS
ROOT  root                        read, write           none           unrestricted write
report                                the report                  read, read::tomorrow  none           unknown scope read::tomorrow
desk\\u{1b}[31m\\u{202e}                the desk\\u{1b}[31m\\u{202e}  read, write           sub-account 7
none                                  the none                    none                  none
";
    assert_eq!((ran.code, ran.out.replace(&account.old, "ROOT").as_str()), (0, expected));
    assert!(ran.err.starts_with("warning: the location attestation lapses on ") && ran.err.contains(", in 3 days; "));

    for (at, says) in [(Some(now - 5), "lapsed on "), (Some(i64::MIN), "lapsed on Unix second -92"), (None, "")] {
        account.sandbox.set_region_expiration(at);
        let ran = account.run(&["list"]).await;
        assert!(ran.err.contains(says) && ran.err.is_empty() == at.is_none(), "{}", ran.err);
    }
    account.sandbox.set_region_expiration(Some(now + 15 * 86_400));
    assert_eq!(account.run(&["list"]).await.err, "");
}

#[tokio::test]
async fn list_json_prints_the_response_unchanged() {
    let account = TestAccount::new().await;
    let ran = account.run(&["list", "--json"]).await;
    let spec = contract::spec();
    let schema = contract::validator(&spec, &spec["components"]["schemas"]["GetApiKeysResponse"]);
    schema.validate(&serde_json::from_str::<Value>(&ran.out).unwrap()).unwrap();
    assert_eq!(account.plain(&ran.err), "warning: key OLD: unrestricted write\n");

    let body = br#"{ "later": 1.0, "api_keys": [{"api_key_id":"a","name":"b","scopes":["read::x"],"new":{}}] }"#;
    account.sandbox.fail_next(Fault::ReplaceBody(body.to_vec()));
    let ran = account.run(&["list", "--json"]).await;
    assert_eq!((ran.code, ran.out.as_bytes()), (0, &body[..]));
    assert_eq!(ran.err, "warning: key a: unknown scope read::x\n");

    // Signed, corrected and limited as every other request.
    account.sandbox.set_clock_offset_secs(-120);
    assert_eq!(account.run(&["list", "--json"]).await.code, 0);
    account.sandbox.set_clock_offset_secs(0);
    for (fault, code, says) in [
        (Fault::internal_error(), REFUSED, "the service returned 500"),
        (Fault::ReplaceBody(b"{}".to_vec()), REFUSED, "is not as documented"),
        (Fault::TruncateResponse { after: 9 }, NETWORK, "was truncated"),
        (Fault::ReplaceStatus(302), REFUSED, "is a redirect, which is never followed"),
        (Fault::DropResponse, NETWORK, "no response from"),
    ] {
        account.sandbox.fail_next(fault);
        let ran = account.run(&["list", "--json"]).await;
        assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{}", ran.err);
        assert!(ran.err.contains(says) && !ran.err.contains("bytes()"), "{}", ran.err);
    }
}

/// A stdout whose reader is gone.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// The command with a stdout of its own.
async fn ran_into(stdout: Stdio, mut command: Command) -> Ran {
    let output = command.stdout(stdout).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

#[tokio::test]
async fn whoami_shows_key_environment_and_clock() {
    let account = TestAccount::new().await;
    let table = |clock: &str, attestation: &str| {
        format!(
            "key          NEW\nname         root\nscopes       read, write\nbinding      none\nenvironment  custom, URL\n\
             clock        {clock}\nattestation  {attestation}\n"
        )
    };
    let plain = |ran: Ran| ran.out.replace(&account.old, "NEW").replace(account.sandbox.base_url(), "URL");
    let ran = account.run(&["whoami"]).await;
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(plain(ran), table("agrees with the service's", "none"));

    account.sandbox.set_region_expiration(Some(1_000_000_000));
    let date = "Sun, 09 Sep 2001 01:46:40 GMT";
    for (offset, side) in [(3600, "behind"), (-3600, "ahead of")] {
        account.sandbox.set_clock_offset_secs(offset);
        let out = plain(account.run(&["whoami"]).await);
        // The header has whole seconds, and a request takes time.
        let near = (3598..=3602)
            .map(|s| table(&format!("about {s} s {side} the service's; set it"), &format!("lapsed on {date}")));
        assert!(near.into_iter().any(|table| table == out), "{out}");
    }
}

#[tokio::test]
async fn sign_prints_headers_that_the_service_accepts() {
    let account = TestAccount::new().await;
    let path = "/trade-api/v2/api_keys";
    let ran = account.run(&["sign", "get", &format!("{path}?fcm_subtrader_id=a_b")]).await;
    let names: Vec<_> = ran.out.lines().map(|line| line.split_once(": ").unwrap().0).collect();
    assert_eq!(names, ["KALSHI-ACCESS-KEY", "KALSHI-ACCESS-TIMESTAMP", "KALSHI-ACCESS-SIGNATURE"]);
    let http = kalshi_api_keys::http_client_builder(&account.sandbox.environment()).build().unwrap();
    let mut request = http.get(format!("{}/api_keys?fcm_subtrader_id=a_b", account.sandbox.base_url()));
    for line in ran.out.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    assert_eq!(request.send().await.unwrap().status(), 200);

    for (arguments, says) in [
        (["GET", "api_keys"], "does not begin with `/`"),
        (["GET", "/api_keys?a\nproxy = http://example.com"], "the path is not percent-encoded"),
        (["G T", "/api_keys"], "not an HTTP method"),
    ] {
        for curl in [&[][..], &["--curl"]] {
            let ran = account.run(&[&["sign"], &arguments[..], curl].concat()).await;
            assert!(ran.code == USAGE && ran.err.contains(says) && ran.out.is_empty(), "{}", ran.err);
        }
    }
}

/// Runs what `sign --curl` printed in a shell, with a `~/.curlrc` that follows redirects; returns curl's output.
#[cfg(unix)]
async fn run_curl(account: &TestAccount, printed: &str) -> String {
    std::fs::write(account.file(".curlrc"), "location\nlocation-trusted\ninclude\n").unwrap();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(printed).env("HOME", account.folder.path()).env("NO_PROXY", "127.0.0.1");
    let output = shell.env_remove("CURL_HOME").env_remove("XDG_CONFIG_HOME").output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[cfg(unix)]
#[tokio::test]
async fn sign_prints_a_curl_command_that_keeps_the_signature_private() {
    if !is_installed("curl") {
        return;
    }
    let account = TestAccount::new().await;
    let ran = account.run(&["sign", "GET", "/trade-api/v2/api_keys", "--curl"]).await;
    let (command_line, input) = ran.out.split_once('\n').unwrap();
    assert_eq!(command_line, "curl --disable --config - <<'END'");
    assert!(input.contains("KALSHI-ACCESS-SIGNATURE"));
    let list = run_curl(&account, &ran.out).await;
    assert!(list.starts_with("{\"api_keys\":") && list.contains(&account.old), "{list}");

    // The redirect is not followed, and the request arrives as it was signed.
    let server = RawServer::start(|_, _| Reply::new(302, "Location: /elsewhere\r\n", "")).await;
    let id = r#"it's"$HOME\n`"#;
    let path = r#"/a/../b\{c}[d]%2F?e="f'$(date)&g"#;
    let mut sign = account.command(&["sign", "DELETE", path, "--curl", "--api-key-id", id]);
    sign.env("KALSHI_API_BASE_URL", server.base_url());
    let ran = self::ran(sign).await;
    assert_eq!(run_curl(&account, &ran.out).await, "");
    let [request] = &server.received()[..] else { panic!("curl followed the redirect") };
    assert_eq!((request.target(), request.header("kalshi-access-key")), (path, id));
    assert_eq!(request.method(), "DELETE");
}

#[tokio::test]
async fn each_class_of_failure_has_its_exit_code() {
    let account = TestAccount::new().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody_at = format!("http://{}/", nobody.local_addr().unwrap());
    drop(nobody);
    for (arguments, code, says) in [
        (&["list"][..], 0, ""),
        (&["delete", "no-such-key", "--yes"], REFUSED, "the account has no key no-such-key"),
        (&["list", "--api-key-id", "nobody"], REFUSED, "check the API key ID and the environment"),
        (&[], USAGE, "Usage: kalshi-api-keys"),
        (&["lst"], USAGE, "unrecognized subcommand 'lst'"),
        (&["delete", "..", "--yes"], USAGE, "invalid API key ID"),
        (&["generate"], USAGE, "<--out <FILE>|--stdout>"),
        (&["generate", "--out", "a", "--stdout"], USAGE, "cannot be used with"),
        (&["generate", "--stdout", "--subaccount", "64"], USAGE, "out of range 0..=63"),
        (&["generate", "--stdout", "--type", "dsa"], USAGE, "rsa, ed25519"),
        (&["list", "--private-key-path", "no.pem"], USAGE, "cannot read the private key file \"no.pem\": No such file"),
        (&["list", "--env", "prodction"], USAGE, "unknown environment"),
        (&["list", "--env", "demo", "--api-base-url", "https://a"], USAGE, "cannot be used with"),
        (&["list", "--api-base-url", "http://example.com"], USAGE, "unencrypted"),
        (&["list", "--api-base-url", &nobody_at], NETWORK, "could not connect"),
    ] {
        let ran = account.run(arguments).await;
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(says), "{arguments:?}: {}", ran.err);
    }
    account.sandbox.fail_next(Fault::DropResponse);
    assert_eq!(account.run(&["list"]).await.code, NETWORK);
    account.sandbox.fail_next(Fault::internal_error());
    assert_eq!(account.run(&["generate", "--out", "b.pem"]).await.code, LEFT_TO_DO);
    let ran = ran(command(&["list"])).await;
    assert_eq!(
        (ran.code, ran.err.split(';').next()),
        (USAGE, Some("error: neither KALSHI_PRIVATE_KEY nor KALSHI_PRIVATE_KEY_PATH is set"))
    );
}

#[tokio::test]
async fn flags_override_variables_and_a_key_is_not_an_argument() {
    let account = TestAccount::new().await;
    let pem = account.sandbox.root_private_key();
    let run = |arguments: Vec<String>, variables: Vec<(&'static str, String)>| {
        let mut command = command(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        command.current_dir(account.folder.path()).envs(variables);
        async { ran(command).await }
    };
    let (id, url) = (account.old.clone(), account.sandbox.base_url().to_owned());
    let text = || ("KALSHI_PRIVATE_KEY", pem.expose_secret().to_owned());
    let flags = |flags: &[&str]| [&["list"], flags].concat().into_iter().map(str::to_owned).collect::<Vec<_>>();
    for (arguments, variables) in [
        (flags(&["--api-key-id", &id, "--private-key-path", "old.pem", "--api-base-url", &url]), vec![]),
        (
            flags(&["--api-key-id", &id, "--env", &url]),
            vec![text(), ("KALSHI_API_KEY_ID", "other".into()), ("KALSHI_ENV", "production".into())],
        ),
        (
            flags(&["--private-key-path", "old.pem", "--env", &url]),
            vec![("KALSHI_API_KEY_ID", id.clone()), ("KALSHI_PRIVATE_KEY", "x".into())],
        ),
        (flags(&[]), vec![text(), ("KALSHI_API_KEY_ID", id.clone()), ("KALSHI_API_BASE_URL", url.clone())]),
    ] {
        let ran = run(arguments.clone(), variables).await;
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.err);
        assert!(!ran.shows(&pem));
    }
    for arguments in [["list", pem.expose_secret()], ["list", &format!("--private-key={}", pem.expose_secret())]] {
        let ran = account.run(&arguments).await;
        assert!(ran.code == USAGE && ran.err.starts_with("error: an argument is a private key"), "{}", ran.err);
    }
}

#[tokio::test]
async fn a_key_in_the_wrong_argument_is_not_repeated() {
    let account = TestAccount::new().await;
    let places: &[&[&str]] = &[
        &["list", "--private-key-path", "KEY"],
        &["list", "--private-key-path=KEY"],
        &["list", "--ssh-agent", "KEY"],
        &["list", "--api-key-id", "KEY"],
        &["list", "--env", "KEY"],
        &["list", "--api-base-url", "KEY"],
        &["list", "--KEY"],
        &["list", "-KEY"],
        &["list", "--json=KEY"],
        &["list", "KEY"],
        &["KEY"],
        &["--KEY"],
        &["help", "KEY"],
        &["delete", "KEY"],
        &["delete", "KEY", "--yes"],
        &["generate", "--out", "KEY"],
        &["generate", "--stdout=KEY"],
        &["generate", "--stdout", "--name", "KEY"],
        &["generate", "--stdout", "--scope", "KEY"],
        &["generate", "--stdout", "--subaccount", "KEY"],
        &["generate", "--stdout", "--fcm-subtrader", "KEY"],
        &["generate", "--stdout", "--type", "KEY"],
        &["create", "--public-key", "KEY"],
        &["rotate", "--out", "KEY", "--yes"],
        &["rotate", "--out", "new.pem", "--yes", "--name", "KEY"],
        &["sign", "KEY", "/a"],
        &["sign", "GET", "KEY", "--curl"],
        &["sign", "GET", "/a", "KEY"],
        &["completions", "KEY"],
    ];
    let key = &rsa().private;
    let check = async |command: Command, what: &str| {
        let ran = ran(command).await;
        assert!(!ran.shows(key), "{what}: {}{}", ran.out, ran.err);
        assert_eq!((ran.code, ran.out.as_str()), (USAGE, ""), "{what}: {}", ran.err);
    };
    for (form, text) in key_forms(key) {
        for place in places {
            let arguments: Vec<_> = place.iter().map(|argument| argument.replace("KEY", &text)).collect();
            let command = account.command(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
            check(command, &format!("{form}, {place:?}")).await;
        }
        for variable in ["KALSHI_API_KEY_ID", "KALSHI_PRIVATE_KEY_PATH", "KALSHI_ENV", "KALSHI_API_BASE_URL"] {
            let mut command = account.command(&["list"]);
            command.env(variable, &text);
            check(command, &format!("{form}, {variable}")).await;
        }
    }
    assert_eq!((account.sandbox.requests(), std::fs::read_dir(account.folder.path()).unwrap().count()), (0, 1));
}

#[tokio::test]
async fn the_key_file_may_name_the_api_key() {
    let account = TestAccount::new().await;
    let text = format!("Kalshi-API-Key-ID: {}\n{}", account.old, account.sandbox.root_private_key().expose_secret());
    std::fs::write(account.file("named.pem"), text).unwrap();
    let with_id = |id: Option<&str>, arguments: &[&str]| {
        let mut command = account.command(arguments);
        match id {
            Some(id) => command.env("KALSHI_API_KEY_ID", id),
            None => command.env_remove("KALSHI_API_KEY_ID"),
        };
        command.env("KALSHI_PRIVATE_KEY_PATH", "named.pem");
        command
    };
    let flag = ["list", "--private-key-path", "named.pem"];
    for arguments in [&["list"][..], &flag] {
        for id in [None, Some(""), Some(account.old.as_str())] {
            assert_eq!(ran(with_id(id, arguments)).await.code, 0, "{arguments:?}, {id:?}");
        }
        let ran = ran(with_id(Some("another"), arguments)).await;
        assert!(
            ran.code == USAGE && ran.err.contains("names a different API key; correct the wrong ID"),
            "{}",
            ran.err
        );
    }
    let ran = ran(with_id(None, &["list", "--private-key-path", "old.pem"])).await;
    assert!(ran.code == USAGE && ran.err.contains("no `Kalshi-API-Key-ID` line; add"), "{}", ran.err);
}

#[cfg(unix)]
#[tokio::test]
async fn special_files_are_refused_without_blocking() {
    let account = TestAccount::new().await;
    assert!(std::process::Command::new("mkfifo").arg(account.file("fifo")).status().unwrap().success());
    for file in ["fifo", "/dev/zero", "."] {
        for arguments in [["list", "--private-key-path", file], ["create", "--public-key", file]] {
            let run = tokio::time::timeout(std::time::Duration::from_secs(20), account.run(&arguments));
            let ran = run.await.expect("the command blocks");
            assert!(ran.code == USAGE && ran.err.contains("not a regular file"), "{}", ran.err);
        }
    }
    assert_eq!(account.sandbox.requests(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_file_that_others_can_read_is_warned_about() {
    use std::os::unix::fs::PermissionsExt as _;
    let account = TestAccount::new().await;
    std::fs::set_permissions(account.file("old.pem"), std::fs::Permissions::from_mode(0o640)).unwrap();
    let ran = account.run(&["list"]).await;
    let says = "warning: others than its owner can read \"old.pem\"; run `chmod 600 old.pem`, or replace the key\n";
    assert_eq!((ran.code, ran.err.as_str()), (0, says));
    let mut at_home = account.command(&["list"]);
    at_home.env("HOME", account.folder.path()).env("KALSHI_PRIVATE_KEY_PATH", "~/old.pem");
    let output = at_home.output().await.unwrap();
    assert!(
        output.status.success() && String::from_utf8_lossy(&output.stderr).contains("others than its owner can read")
    );
}

#[tokio::test]
async fn a_closed_pipe_does_not_panic() {
    let account = TestAccount::new().await;
    for arguments in [
        &["list"][..],
        &["list", "--json"],
        &["whoami"],
        &["sign", "GET", "/a"],
        &["completions", "bash"],
        &["--help"],
        &["generate", "--out", "a.pem"],
        &["rotate", "--out", "b.pem", "--yes"],
    ] {
        let ran = ran_into(closed(), account.command(arguments)).await;
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.err);
        assert!(!ran.err.contains("panic"), "{}", ran.err);
    }
    let mut command = account.command(&["list", "--api-key-id", KEY_ID]);
    assert_eq!(command.stderr(closed()).status().await.unwrap().code(), Some(REFUSED));
}

#[tokio::test]
async fn help_and_completions_need_no_settings() {
    let text = |arguments: &'static [&'static str]| async move {
        let ran = ran(command(arguments)).await;
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{arguments:?}");
        ran.out
    };
    let help = text(&["--help"]).await;
    for line in
        ["Exit codes:\n  0  done\n  1  refused", "  4  something is or may be left to do", "KALSHI_PRIVATE_KEY_PATH"]
    {
        assert!(help.contains(line), "{help}");
    }
    let mut with_secret = command(&["--help"]);
    with_secret.env("KALSHI_API_KEY_ID", KEY_ID).env("KALSHI_PRIVATE_KEY_PATH", "old.pem");
    assert_eq!(ran(with_secret).await.out, help, "help shows no values");
    assert!(text(&["--version"]).await.starts_with("kalshi-api-keys "));
    for (command, arguments) in [
        ("list", &["list", "--help"][..]),
        ("generate", &["generate", "--help"]),
        ("create", &["create", "--help"]),
        ("delete", &["delete", "--help"]),
        ("rotate", &["rotate", "--help"]),
        ("sign", &["sign", "--help"]),
        ("whoami", &["whoami", "--help"]),
        ("completions", &["completions", "--help"]),
    ] {
        let help = text(arguments).await;
        assert!(help.contains("Example:\n  kalshi-api-keys ") && help.ends_with('\n'), "{command}: {help}");
        assert!(help.lines().all(|line| line.len() <= 120), "{help}");
    }
    for shell in [&["completions", "bash"][..], &["completions", "fish"], &["completions", "zsh"]] {
        assert!(text(shell).await.contains("whoami"));
    }
}
