//! Keys in an SSH agent, used by the command and by the example `ssh_agent`: OpenSSH's own agent
//! signs, and agents made for the test misbehave. Whether anything was sent is judged by the
//! sandbox.

use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::pkcs8::DecodePublicKey as _;
use kalshi_api_keys::types::{ApiKey, ApiKeyScope};
use kalshi_api_keys::{Client, Credentials};

use crate::command::{Ran, TestAccount, ran};
use crate::fixtures::{chain, ed25519, is_installed};

#[allow(dead_code)]
#[path = "../../examples/ssh_agent.rs"]
mod example;

use example::{find, list_in_sandbox};
use kalshi_api_keys::ssh_agent::SshAgent;

/// What the user replies when a key needs confirmation: programs, by their exit code.
const REFUSES: &str = "false";
const CONFIRMS: &str = "true";

/// OpenSSH's agent, in a folder of its own. It ends when dropped.
struct Agent {
    folder: tempfile::TempDir,
    process: Child,
}

impl Agent {
    /// Starts an agent, or returns `None` if OpenSSH is not installed. When a key needs
    /// confirmation, the program `askpass` replies.
    fn start(askpass: &str) -> Option<Self> {
        if !is_installed("ssh-agent") {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let mut agent = Command::new("ssh-agent");
        agent.arg("-D").arg("-a").arg(folder.path().join("socket"));
        agent
            .env("SSH_ASKPASS", askpass)
            .env("SSH_ASKPASS_REQUIRE", "force");
        let process = agent
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let agent = Self { folder, process };
        while UnixStream::connect(agent.socket()).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(agent)
    }

    fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// Generates a key and adds it to the agent.
    fn add(&self, file: &str, algorithm: &str, comment: &str) {
        self.generate(file, algorithm, comment);
        self.ssh_add(&[file]);
    }

    fn generate(&self, file: &str, algorithm: &str, comment: &str) {
        self.run(
            "ssh-keygen",
            &["-q", "-t", algorithm, "-N", "", "-C", comment, "-f", file],
        );
    }

    fn ssh_add(&self, arguments: &[&str]) {
        self.run("ssh-add", arguments);
    }

    fn lock(&self) {
        self.ssh_add(&["-x"]);
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("SSH_AUTH_SOCK", self.socket());
        // Prints the password that locks the agent; any text will do.
        command.env("SSH_ASKPASS", "pwd");
        let output = command
            .env("SSH_ASKPASS_REQUIRE", "force")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let says = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{program} {arguments:?}: {says}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn fingerprint(&self, file: &str) -> String {
        let line = self.run("ssh-keygen", &["-l", "-f", file]);
        line.split(' ').nth(1).unwrap().to_owned()
    }

    /// The public key of an Ed25519 key as PEM. `ssh-keygen` of 2022 cannot convert it.
    fn pem(&self, file: &str) -> String {
        let text = std::fs::read_to_string(self.folder.path().join(file)).unwrap();
        let blob = STANDARD.decode(text.split(' ').nth(1).unwrap()).unwrap();
        let (_, key) = blob.split_last_chunk::<32>().unwrap();
        // SubjectPublicKeyInfo: the object identifier of Ed25519, and a bit string.
        let der = [
            b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00",
            &key[..],
        ]
        .concat();
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            STANDARD.encode(der)
        )
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What an agent made for the test does with a request.
enum Reply {
    Send(Vec<u8>),
    Close,
    Nothing,
}

const FAILURE: u8 = 5;
const IDENTITIES: u8 = 12;
const SIGNATURE: u8 = 14;
const SIGN_REQUEST: u8 = 13;

/// Starts an agent that lists the key of [`ed25519`], unless told to list something else, and
/// replies to a request to sign.
fn fake_agent(list: fn() -> Reply, sign: fn(&[u8]) -> Reply) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || serve(stream.unwrap(), list, sign));
        }
    });
    (folder, socket)
}

fn serve(mut stream: UnixStream, list: fn() -> Reply, sign: fn(&[u8]) -> Reply) {
    let mut length = [0; 4];
    while stream.read_exact(&mut length).is_ok() {
        let mut request = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut request).unwrap();
        let reply = if request[0] == SIGN_REQUEST {
            sign(&request[1..])
        } else {
            list()
        };
        match reply {
            Reply::Send(reply) => stream.write_all(&string(&reply)).unwrap(),
            Reply::Close => return,
            // Until the client gives up.
            Reply::Nothing => drop(stream.read_exact(&mut length)),
        }
    }
}

/// A string as SSH encodes it, which is also how messages are framed.
fn string(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

fn list_one() -> Reply {
    let key = ed25519_dalek::VerifyingKey::from_public_key_pem(&ed25519().public).unwrap();
    let key = [string(b"ssh-ed25519"), string(key.as_bytes())].concat();
    Reply::Send(
        [
            &[IDENTITIES, 0, 0, 0, 1],
            &string(&key)[..],
            &string(b"kalshi"),
        ]
        .concat(),
    )
}

fn signature(algorithm: &[u8], signature: &[u8]) -> Reply {
    Reply::Send(
        [
            &[SIGNATURE],
            &string(&[string(algorithm), string(signature)].concat())[..],
        ]
        .concat(),
    )
}

/// The command with a socket, and the ID of a key that is registered with the sandbox.
async fn run(account: &TestAccount, socket: impl AsRef<OsStr>, arguments: &[&str]) -> Ran {
    let mut command = account.command(arguments);
    command
        .env("SSH_AUTH_SOCK", socket)
        .env("KALSHI_API_KEY_ID", "in-agent")
        .env_remove("KALSHI_PRIVATE_KEY_PATH");
    ran(command).await
}

fn register(account: &TestAccount, public_key: &str) {
    let scopes = vec![ApiKeyScope::Read, ApiKeyScope::Write];
    let key = ApiKey::builder()
        .api_key_id("in-agent")
        .name("agent".to_owned())
        .scopes(scopes);
    account
        .sandbox
        .register(key.try_into().unwrap(), public_key)
        .unwrap();
}

/// A sandbox, and OpenSSH's agent with a key registered there.
async fn account() -> Option<(TestAccount, Agent)> {
    let agent = Agent::start(CONFIRMS)?;
    agent.add("key", "ed25519", "kalshi");
    let account = TestAccount::new().await;
    register(&account, &agent.pem("key.pub"));
    Some((account, agent))
}

/// The command exits with an error, and nothing is sent.
async fn assert_refused(account: &TestAccount, socket: impl AsRef<OsStr>, name: &str, error: &str) {
    let ran = run(account, socket, &["list", "--ssh-agent", name]).await;
    assert_eq!(
        (ran.err.as_str(), ran.out.as_str(), ran.code),
        (format!("error: {error}\n").as_str(), "", 2)
    );
    assert_eq!(account.sandbox.requests(), 0);
}

#[tokio::test]
async fn the_example_lists_keys_with_a_key_in_the_agent() {
    let Some(agent) = Agent::start(CONFIRMS) else {
        return;
    };
    agent.add("rsa", "rsa", "the first");
    agent.add("key", "ed25519", "kalshi");
    let ssh_agent = SshAgent {
        socket: agent.socket(),
    };
    for name in [None, Some("kalshi"), Some(&*agent.fingerprint("key"))] {
        let key = find(&ssh_agent, name).await.unwrap();
        assert_eq!(key.fingerprint(), agent.fingerprint("key"));
        list_in_sandbox(key).await.unwrap();
    }
    agent.ssh_add(&["-d", "key"]);
    let expected =
        "the SSH agent lists no Ed25519 key: it is locked, or has none; add one with `ssh-add`";
    assert_eq!(
        find(&ssh_agent, None).await.unwrap_err().to_string(),
        expected
    );
}

#[tokio::test]
async fn the_public_key_and_fingerprint_are_those_of_ssh_keygen() {
    let Some(agent) = Agent::start(CONFIRMS) else {
        return;
    };
    agent.add("key", "ed25519", "kalshi");
    let key = SshAgent {
        socket: agent.socket(),
    }
    .key("kalshi")
    .await
    .unwrap();
    assert_eq!(key.public_key_pem().unwrap(), agent.pem("key.pub"));
    assert_eq!(key.fingerprint(), agent.fingerprint("key"));
}

#[tokio::test]
async fn every_subcommand_signs_with_the_agent() {
    let Some((account, agent)) = account().await else {
        return;
    };
    let fingerprint = agent.fingerprint("key");
    let with_agent = async |arguments: &[&str]| {
        let ran = run(
            &account,
            agent.socket(),
            &[arguments, &["--ssh-agent", &fingerprint]].concat(),
        )
        .await;
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.err);
        ran.out
    };
    assert!(with_agent(&["list"]).await.contains("in-agent"));
    assert!(
        with_agent(&["whoami"])
            .await
            .starts_with("key          in-agent\n")
    );
    with_agent(&["generate", "--out", "generated.pem", "--name", "g"]).await;
    with_agent(&["create", "--out", "created.pem", "--name", "c"]).await;
    let created = account.ids().pop().unwrap();
    with_agent(&["delete", &created, "--yes"]).await;
    assert!(!account.ids().contains(&created));

    let headers = with_agent(&["sign", "GET", "/trade-api/v2/api_keys"]).await;
    let http = kalshi_api_keys::http_client_builder(&account.sandbox.environment())
        .build()
        .unwrap();
    let mut request = http.get(format!("{}/api_keys", account.sandbox.base_url()));
    for line in headers.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    assert_eq!(request.send().await.unwrap().status(), 200);

    // The old key is in the agent, the new one in a file.
    with_agent(&["rotate", "--out", "new.pem", "--yes"]).await;
    assert!(!account.ids().contains(&"in-agent".to_owned()));
    assert!(
        account
            .signs_in(&account.ids().pop().unwrap(), "new.pem")
            .await
    );
}

#[tokio::test]
async fn a_key_in_the_agent_becomes_an_api_key() {
    let Some(agent) = Agent::start(CONFIRMS) else {
        return;
    };
    let account = TestAccount::new().await;
    agent.add("key", "ed25519", "kalshi");
    std::fs::write(account.file("kalshi.pub"), agent.run("ssh-add", &["-L"])).unwrap();
    assert_eq!(
        account
            .run(&["create", "--public-key", "kalshi.pub"])
            .await
            .code,
        0
    );
    let id = account.ids().pop().unwrap();
    let ran = run(
        &account,
        agent.socket(),
        &["whoami", "--ssh-agent", "kalshi", "--api-key-id", &id],
    )
    .await;
    assert_eq!(ran.code, 0, "{}", ran.err);

    agent.generate("rsa", "rsa", "an RSA key");
    std::fs::copy(agent.folder.path().join("rsa.pub"), account.file("rsa.pub")).unwrap();
    // An agent cannot sign with an RSA key, but this command uses none.
    let ran = account.run(&["create", "--public-key", "rsa.pub"]).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
}

#[tokio::test]
async fn a_flag_takes_the_place_of_the_variables() {
    let Some((account, agent)) = account().await else {
        return;
    };
    let with_key = |arguments: &[&str]| {
        let mut command = account.command(arguments);
        command
            .env("SSH_AUTH_SOCK", agent.socket())
            .env("KALSHI_PRIVATE_KEY", "x");
        command
    };
    let flags = [
        "whoami",
        "--ssh-agent",
        "kalshi",
        "--api-key-id",
        "in-agent",
    ];
    let ran = self::ran(with_key(&flags)).await;
    assert!(ran.code == 0 && ran.out.contains("in-agent"), "{}", ran.err);

    let ran = self::ran(with_key(&[
        "list",
        "--ssh-agent",
        "kalshi",
        "--private-key-path",
        "old.pem",
    ]))
    .await;
    assert!(
        ran.code == 2
            && ran
                .err
                .contains("cannot be used with '--private-key-path <FILE>'"),
        "{}",
        ran.err
    );

    let mut without_id = with_key(&["list", "--ssh-agent", "kalshi"]);
    without_id.env("KALSHI_API_KEY_ID", " ");
    let ran = self::ran(without_id).await;
    let says = "error: --ssh-agent needs the ID of the API key; give --api-key-id, or set KALSHI_API_KEY_ID\n";
    assert_eq!((ran.code, ran.err.as_str()), (2, says));
}

#[tokio::test]
async fn no_agent_runs() {
    let Some((account, mut agent)) = account().await else {
        return;
    };
    let unset = "no SSH agent: the variable SSH_AUTH_SOCK is not set; start one with `eval $(ssh-agent)`, and add the key \
                 with `ssh-add`";
    assert_refused(&account, "", "kalshi", unset).await;
    let missing = "cannot connect to the SSH agent at \"/no/socket\": No such file or directory (os error 2); start it, or \
                   correct the variable SSH_AUTH_SOCK";
    assert_refused(&account, "/no/socket", "kalshi", missing).await;

    // The socket of an agent that was killed stays.
    let socket = agent.socket();
    agent.kill();
    let cause = UnixStream::connect(&socket).unwrap_err();
    assert_eq!(cause.kind(), std::io::ErrorKind::ConnectionRefused);
    let refused = format!(
        "cannot connect to the SSH agent at {socket:?}: {cause}; start it, or correct the variable SSH_AUTH_SOCK"
    );
    assert_refused(&account, &socket, "kalshi", &refused).await;
}

#[tokio::test]
async fn the_key_is_not_in_the_agent() {
    let Some((account, agent)) = account().await else {
        return;
    };
    agent.generate("other", "ed25519", "kalshi");
    for name in ["other", "Kalshi", "", &agent.fingerprint("other")] {
        let error = format!(
            "the SSH agent has no key {name:?}; add it with `ssh-add`, or choose one that `ssh-add -l` lists"
        );
        assert_refused(&account, agent.socket(), name, &error).await;
    }
}

#[tokio::test]
async fn several_keys_have_the_comment() {
    let Some((account, agent)) = account().await else {
        return;
    };
    agent.add("second", "ed25519", "kalshi");
    let error = "the SSH agent has 2 keys \"kalshi\"; give the fingerprint of one, as `ssh-add -l` prints it";
    assert_refused(&account, agent.socket(), "kalshi", error).await;
}

/// Adds a certificate of the key, which OpenSSH then lists next to it, with the same comment.
fn add_certificate(agent: &Agent, flags: &[&str]) {
    agent.generate("authority", "ed25519", "authority");
    agent.run(
        "ssh-keygen",
        &[&["-q", "-s", "authority", "-I", "id"], flags, &["key.pub"]].concat(),
    );
    agent.ssh_add(&["key"]);
    assert_eq!(agent.run("ssh-add", &["-l"]).lines().count(), 2);
}

#[tokio::test]
async fn a_certificate_of_the_key_is_not_a_second_key() {
    let Some((account, agent)) = account().await else {
        return;
    };
    add_certificate(&agent, &["-V", "+1d"]);
    let ran = run(&account, agent.socket(), &["list", "--ssh-agent", "kalshi"]).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
}

#[tokio::test]
async fn a_certificate_cannot_be_read() {
    let Some((account, agent)) = account().await else {
        return;
    };
    // One that never expires: https://github.com/RustCrypto/SSH/issues/503.
    add_certificate(&agent, &[]);
    let error = "a key or certificate in the SSH agent cannot be read: An ssh key operation failed: invalid time; remove it \
                 with `ssh-add -d`, or use an agent without it";
    assert_refused(&account, agent.socket(), "kalshi", error).await;
}

#[tokio::test]
async fn a_key_of_another_algorithm() {
    let Some((account, agent)) = account().await else {
        return;
    };
    agent.add("rsa", "rsa", "an RSA key");
    agent.add("ecdsa", "ecdsa", "an ECDSA key");
    let rsa = format!(
        "the key {} is RSA, and SSH agents sign RSA with PKCS#1 v1.5 only, not PSS; use an Ed25519 key",
        agent.fingerprint("rsa")
    );
    assert_refused(&account, agent.socket(), "an RSA key", &rsa).await;
    let ecdsa = format!(
        "the key {} is ecdsa-sha2-nistp256, which cannot sign requests; use an Ed25519 key",
        agent.fingerprint("ecdsa")
    );
    assert_refused(&account, agent.socket(), "an ECDSA key", &ecdsa).await;
}

const NO_KEYS: &str = "the SSH agent lists no keys: it is locked, or empty; unlock it with `ssh-add -X`, or add the key \
                       with `ssh-add`";

#[tokio::test]
async fn the_agent_is_locked() {
    let Some((account, agent)) = account().await else {
        return;
    };
    agent.lock();
    assert_refused(&account, agent.socket(), "kalshi", NO_KEYS).await;
    agent.ssh_add(&["-X"]);
    assert_eq!(
        run(&account, agent.socket(), &["list", "--ssh-agent", "kalshi"])
            .await
            .code,
        0
    );
}

/// A client that found its key in the agent.
async fn client(account: &TestAccount, agent: &Agent) -> Client {
    let key = SshAgent {
        socket: agent.socket(),
    }
    .key("kalshi")
    .await
    .unwrap();
    let credentials =
        Credentials::external("in-agent", &key.public_key_pem().unwrap(), key).unwrap();
    Client::new(account.sandbox.environment(), credentials).unwrap()
}

#[tokio::test]
async fn the_agent_is_locked_while_a_client_runs() {
    let Some((account, agent)) = account().await else {
        return;
    };
    let client = client(&account, &agent).await;
    client.get_api_keys().send().await.unwrap();
    agent.lock();
    let error = client.get_api_keys().send().await.unwrap_err();
    assert_eq!(
        chain(&error),
        format!("not sent: the external key did not sign: {NO_KEYS}")
    );
    agent.ssh_add(&["-X"]);
    client.get_api_keys().send().await.unwrap();
    assert_eq!(account.sandbox.requests(), 2);
}

#[tokio::test]
async fn the_key_is_removed_while_a_client_runs() {
    let Some((account, agent)) = account().await else {
        return;
    };
    agent.add("other", "ed25519", "other");
    let client = client(&account, &agent).await;
    agent.ssh_add(&["-d", "key"]);
    let error = client.get_api_keys().send().await.unwrap_err();
    let expected = format!(
        "not sent: the external key did not sign: the SSH agent has no key {:?}; add it with `ssh-add`, or choose one that \
         `ssh-add -l` lists",
        agent.fingerprint("key")
    );
    assert_eq!((chain(&error), account.sandbox.requests()), (expected, 0));
}

#[tokio::test]
async fn the_agent_ends_while_a_client_runs() {
    let Some((account, mut agent)) = account().await else {
        return;
    };
    let client = client(&account, &agent).await;
    agent.kill();
    let error = client.get_api_keys().send().await.unwrap_err();
    let expected = "not sent: the external key did not sign: cannot connect to the SSH agent at ";
    assert!(chain(&error).starts_with(expected), "{}", chain(&error));
    assert_eq!(account.sandbox.requests(), 0);
}

#[tokio::test]
async fn the_person_declines_or_confirms() {
    for (reply, code, requests) in [(REFUSES, 2, 0), (CONFIRMS, 0, 1)] {
        let Some(agent) = Agent::start(reply) else {
            return;
        };
        agent.generate("key", "ed25519", "kalshi");
        agent.ssh_add(&["-c", "key"]);
        let account = TestAccount::new().await;
        register(&account, &agent.pem("key.pub"));
        let ran = run(&account, agent.socket(), &["list", "--ssh-agent", "kalshi"]).await;
        let refused = format!(
            "error: not sent: the external key did not sign: the SSH agent refused to sign with the key {}: it was declined, \
             or its token is gone; try again and confirm it\n",
            agent.fingerprint("key")
        );
        let expected = if code == 0 { "" } else { &refused };
        assert_eq!(
            (
                ran.err
                    .replace("warning: key in-agent: unrestricted write\n", "")
                    .as_str(),
                ran.code
            ),
            (expected, code)
        );
        assert_eq!(account.sandbox.requests(), requests);
    }
}

#[tokio::test]
async fn the_agent_signs_with_another_key() {
    let account = TestAccount::new().await;
    let (_folder, socket) = fake_agent(list_one, |_| {
        use rsa::signature::Signer as _;
        let other = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
        signature(b"ssh-ed25519", &other.sign(b"another message").to_bytes())
    });
    let error = "not sent: the external key returned an invalid signature: the signature is by another key, of another \
        message or with another hash; check which key signs";
    assert_refused(&account, &socket, "kalshi", error).await;
    let ran = run(
        &account,
        &socket,
        &["sign", "GET", "/trade-api/v2/a", "--ssh-agent", "kalshi"],
    )
    .await;
    assert!(
        ran.code == 2 && ran.out.is_empty() && ran.err.contains("an invalid signature"),
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn the_agent_never_replies() {
    let account = TestAccount::new().await;
    let (_folder, never_lists) = fake_agent(|| Reply::Nothing, |_| Reply::Nothing);
    let (_other_folder, never_signs) = fake_agent(list_one, |_| Reply::Nothing);
    let list =
        "the SSH agent did not reply within 10s; check whether it waits for you, or restart it";
    let sign = "the external key did not sign within 10s; check that it is reachable and does not wait for a touch or a PIN";
    let not_sent = format!("not sent: {sign}");
    let started = std::time::Instant::now();
    tokio::join!(
        assert_refused(&account, never_lists, "kalshi", list),
        assert_refused(&account, &never_signs, "kalshi", &not_sent),
        async {
            let ran = run(
                &account,
                &never_signs,
                &["sign", "GET", "/trade-api/v2/a", "--ssh-agent", "kalshi"],
            )
            .await;
            assert_eq!(
                (ran.err, ran.out, ran.code),
                (format!("error: {sign}\n"), String::new(), 2)
            );
        }
    );
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn the_response_of_the_agent_is_unusable() {
    let account = TestAccount::new().await;
    let unusable = |prefix: &str, cause: &str| {
        format!(
            "{prefix}the response of the SSH agent cannot be used: {cause}; check that SSH_AUTH_SOCK is the socket of an SSH \
             agent"
        )
    };
    let (_folder, closes) = fake_agent(|| Reply::Close, |_| Reply::Close);
    let closed = "An invalid message was received: message is too short";
    assert_refused(&account, closes, "kalshi", &unusable("", closed)).await;
    let (_folder, talks_http) = fake_agent(|| Reply::Send(b"HTTP/1.1".to_vec()), |_| Reply::Close);
    assert_refused(
        &account,
        talks_http,
        "kalshi",
        &unusable("", "Received an unknown message type: 72"),
    )
    .await;
    let (_folder, closes_later) = fake_agent(list_one, |_| Reply::Close);
    let not_sent = "not sent: the external key did not sign: ";
    assert_refused(
        &account,
        closes_later,
        "kalshi",
        &unusable(not_sent, closed),
    )
    .await;
    // A failure is a refusal as long as the agent lists the key.
    let (_folder, refuses) = fake_agent(list_one, |_| Reply::Send(vec![FAILURE]));
    let ran = run(&account, refuses, &["list", "--ssh-agent", "kalshi"]).await;
    assert!(
        ran.code == 2 && ran.err.contains("refused to sign with the key SHA256:"),
        "{}",
        ran.err
    );
    assert_eq!(account.sandbox.requests(), 0);
}

#[test]
fn an_agent_that_never_replies_does_not_keep_the_runtime() {
    let (_folder, socket) = fake_agent(list_one, |_| Reply::Nothing);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let key = runtime.block_on(SshAgent { socket }.key("kalshi")).unwrap();
    let started = std::time::Instant::now();
    let signing = async {
        tokio::time::timeout(
            Duration::from_millis(50),
            kalshi_api_keys::ExternalKey::sign(&key, b"message"),
        )
        .await
    };
    runtime.block_on(signing).unwrap_err();
    drop(runtime);
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
}

/// Whether bytes are in the memory of a process.
#[cfg(target_os = "linux")]
fn memory_contains(process: u32, secret: &[u8]) -> bool {
    use std::os::unix::fs::FileExt as _;
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let memory = std::fs::File::open(format!("/proc/{process}/mem")).unwrap();
    let mut scanned = 0;
    let found = maps
        .lines()
        .filter(|line| line.split(' ').nth(1).unwrap().starts_with('r'))
        .any(|line| {
            let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
            let address = |text| u64::from_str_radix(text, 16).unwrap();
            let mut region = vec![0; usize::try_from(address(end) - address(start)).unwrap()];
            // The kernel's own pages cannot be read.
            let Ok(()) = memory.read_exact_at(&mut region, address(start)) else {
                return false;
            };
            scanned += region.len();
            region.windows(secret.len()).any(|window| window == secret)
        });
    assert!(
        found || scanned > 1_000_000,
        "only {scanned} bytes could be read"
    );
    found
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_private_key_is_never_in_the_memory_of_the_command() {
    use ed25519_dalek::pkcs8::EncodePrivateKey as _;
    use kalshi_api_keys::sandbox::Fault;
    if std::env::var_os("EMULATED").is_some() {
        eprintln!("skipped: the memory of an emulated process is the emulator's");
        return;
    }
    let Some((account, agent)) = account().await else {
        return;
    };
    let text = std::fs::read_to_string(agent.folder.path().join("key")).unwrap();
    let key = ssh_key::PrivateKey::from_openssh(text).unwrap();
    let seed = key.key_data().ed25519().unwrap().private.to_bytes();
    let pem = ed25519_dalek::SigningKey::from_bytes(&seed)
        .to_pkcs8_pem(Default::default())
        .unwrap();
    std::fs::write(account.file("key.pem"), &*pem).unwrap();

    let public_key = key.public_key().key_data().ed25519().unwrap().0;
    for (flags, holds_key) in [
        (["--private-key-path", "key.pem"], true),
        (["--ssh-agent", "kalshi"], false),
    ] {
        account
            .sandbox
            .fail_next(Fault::Delay(Duration::from_secs(60)));
        let before = account.sandbox.requests();
        let mut command = account.command(&[&["list"], &flags[..]].concat());
        command
            .env("SSH_AUTH_SOCK", agent.socket())
            .env("KALSHI_API_KEY_ID", "in-agent");
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The request was signed, and is in flight.
        while account.sandbox.requests() == before {
            assert!(child.try_wait().unwrap().is_none(), "the command ended");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let process = child.id().unwrap();
        assert_eq!(memory_contains(process, &seed), holds_key, "{flags:?}");
        assert!(memory_contains(process, &public_key), "{flags:?}");
        child.kill().await.unwrap();
    }
}
