//! Keys and helpers shared by the tests. Keys are generated on every run; none is committed.

use std::collections::HashSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use kalshi_api_keys::types::PrivateKeyPem;
use kalshi_api_keys::{Credentials, KeyAlgorithm, KeyPair};
use tokio::net::TcpSocket;

pub const KEY_ID: &str = "a952bcbe-ec3b-4b5b-b8f9-11dae589608c";

/// A private key and its public key.
pub struct Pair {
    pub private: PrivateKeyPem,
    pub public: String,
}

impl Pair {
    fn new(algorithm: KeyAlgorithm) -> Self {
        let pair = KeyPair::generate(algorithm).unwrap();
        Self {
            private: pair.private_key_pem().unwrap(),
            public: pair.public_key_pem().unwrap(),
        }
    }

    pub fn generate_ed25519() -> Self {
        Self::new(KeyAlgorithm::Ed25519)
    }

    pub fn credentials(&self) -> Credentials {
        Credentials::from_pem(KEY_ID, self.private.expose_secret()).unwrap()
    }
}

/// Returns the 2048-bit RSA key shared by all tests.
pub fn rsa() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(|| Pair::new(KeyAlgorithm::Rsa))
}

/// Returns the Ed25519 key shared by all tests.
pub fn ed25519() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(|| Pair::new(KeyAlgorithm::Ed25519))
}

pub fn credentials() -> Credentials {
    ed25519().credentials()
}

/// Returns a clock that always returns the same time.
pub fn at_ms(unix_ms: u64) -> impl Fn() -> SystemTime + Send + Sync + 'static {
    move || UNIX_EPOCH + Duration::from_millis(unix_ms)
}

/// Returns a base URL where nothing listens. Its port stays bound, so that no other socket can get
/// it.
pub fn unreachable_url() -> String {
    static SOCKET: OnceLock<TcpSocket> = OnceLock::new();
    let socket = SOCKET.get_or_init(|| {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        socket
    });
    format!("http://{}", socket.local_addr().unwrap())
}

/// Returns whether a program is installed; in CI, panics if it is not. Tests are skipped without
/// it.
pub fn is_installed(program: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output();
    match found {
        Ok(_) => true,
        Err(error) if std::env::var_os("CI").is_some() => {
            panic!("{program} is required in CI: {error}")
        }
        Err(_) => {
            eprintln!("skipped: {program} is not installed");
            false
        }
    }
}

/// Runs `openssl` in a directory and returns its output, or `None` if it is not installed.
pub fn openssl(directory: &Path, arguments: &[&str]) -> Option<Vec<u8>> {
    if !is_installed("openssl") {
        return None;
    }
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "openssl {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(output.stdout)
}

/// Returns the key in every form in which it is commonly stored or mistakenly passed.
pub fn key_forms(key: &PrivateKeyPem) -> Vec<(&'static str, String)> {
    let pem = key.expose_secret();
    let body = body_lines(pem);
    let der = STANDARD.decode(body.concat()).unwrap();
    vec![
        ("PEM", pem.to_owned()),
        ("PEM on one line", pem.replace('\n', "\\n")),
        ("PEM without line breaks", pem.replace('\n', "")),
        ("PEM body", body.join("\n")),
        ("PEM body on one line", body.join("\\n")),
        ("PEM body without line breaks", body.concat()),
        ("a line of the PEM body", body[0].to_owned()),
        ("base64 of the file", STANDARD.encode(pem)),
        ("base64url of the file", URL_SAFE_NO_PAD.encode(pem)),
        ("base64url of DER", URL_SAFE_NO_PAD.encode(&der)),
        ("hex of DER", hex(&der)),
        ("uppercase hex of DER", hex(&der).to_uppercase()),
        ("an assignment", format!("KEY={}", body.concat())),
    ]
}

/// Returns whether `text` contains 12 consecutive bytes of the key (DER or PEM) in base64 or
/// base64url, or 8 in hexadecimal, even across line breaks. The first bytes and the PEM header,
/// which all keys of an algorithm share, do not count.
pub fn shows_key(text: &str, key: &PrivateKeyPem) -> bool {
    const RUN: usize = 16;
    let pem = key.expose_secret();
    let der = STANDARD.decode(body_lines(pem).concat()).unwrap();
    let file = STANDARD.encode(pem);
    let secrets = [
        STANDARD.encode(&der)[24..].to_owned(),
        hex(&der[18..]),
        file[80..file.len() - 44].to_owned(),
    ];
    let runs: HashSet<&[u8]> = secrets
        .iter()
        .flat_map(|secret| secret.as_bytes().windows(RUN))
        .collect();
    let text: String = text.replace("\\n", "").split_whitespace().collect();
    let standard = text.replace('-', "+").replace('_', "/");
    let contains_run = |text: &str| text.as_bytes().windows(RUN).any(|run| runs.contains(run));
    contains_run(&text) || contains_run(&standard) || contains_run(&text.to_lowercase())
}

/// Returns the base64 lines of PEM text, without the BEGIN and END lines and headers.
fn body_lines(pem: &str) -> Vec<&str> {
    pem.lines()
        .filter(|line| !line.contains("-----") && !line.contains(": "))
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Formats an error with its causes, as the command prints them.
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Creates a FIFO that only its owner can open.
#[cfg(unix)]
pub fn create_fifo(path: &Path) {
    assert!(
        Command::new("mkfifo")
            .args(["-m", "600"])
            .arg(path)
            .status()
            .unwrap()
            .success()
    );
}
