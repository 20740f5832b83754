//! Keys for tests, made anew in every run: none is ever committed.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kalshi_api_keys::types::PrivateKeyPem;
use kalshi_api_keys::{Credentials, KeyAlgorithm, KeyPair};

pub const KEY_ID: &str = "a952bcbe-ec3b-4b5b-b8f9-11dae589608c";

/// A private key and its public half.
pub struct Pair {
    pub private: PrivateKeyPem,
    pub public: String,
}

impl Pair {
    fn new(algorithm: KeyAlgorithm) -> Self {
        let pair = KeyPair::generate(algorithm).unwrap();
        Self { private: pair.private_key_pem().unwrap(), public: pair.public_key_pem().unwrap() }
    }

    pub fn generate_ed25519() -> Self {
        Self::new(KeyAlgorithm::Ed25519)
    }

    pub fn credentials(&self) -> Credentials {
        Credentials::from_pem(KEY_ID, self.private.expose_secret()).unwrap()
    }
}

/// One RSA key of 2048 bits for the whole run.
pub fn rsa() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(|| Pair::new(KeyAlgorithm::Rsa))
}

/// One Ed25519 key for the whole run.
pub fn ed25519() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(|| Pair::new(KeyAlgorithm::Ed25519))
}

pub fn credentials() -> Credentials {
    ed25519().credentials()
}

/// A clock that stands still.
pub fn at_ms(unix_ms: u64) -> impl Fn() -> SystemTime + Send + Sync + 'static {
    move || UNIX_EPOCH + Duration::from_millis(unix_ms)
}

/// Runs `openssl` in a folder and gives what it printed; `None` when the machine has none, which CI does not forgive.
pub fn openssl(folder: &Path, arguments: &[&str]) -> Option<Vec<u8>> {
    let output = match Command::new("openssl").args(arguments).current_dir(folder).stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) if std::env::var_os("CI").is_some() => panic!("CI needs the openssl command: {error}"),
        Err(_) => {
            eprintln!("skipped: no openssl command on this machine");
            return None;
        }
    };
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

/// Whether `text` shows any run of twelve bytes of the key, sixteen characters of base64. Shorter runs, and the header, are
/// the same in every key of a kind.
pub fn shows_key(text: &str, key: &PrivateKeyPem) -> bool {
    let base64: String =
        key.expose_secret().lines().filter(|line| !line.contains("-----") && !line.contains(": ")).collect();
    base64.as_bytes()[24..].windows(16).any(|run| text.contains(std::str::from_utf8(run).unwrap()))
}
