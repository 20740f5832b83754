//! Captures the log records of all libraries and checks that none contains key material.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex, OnceLock};

use kalshi_api_keys::sandbox::Sandbox;
use kalshi_api_keys::types::{self, ApiKeyType, PrivateKeyPem};
use kalshi_api_keys::{Client, Credentials, http_client_builder};

use crate::fixtures::shows_key;

/// The output of `log` and `tracing` in this process, at the most verbose level.
#[derive(Clone, Default)]
struct Captured {
    log: Arc<Mutex<String>>,
    tracing: Arc<Mutex<Vec<u8>>>,
}

impl log::Log for Captured {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        writeln!(
            self.log.lock().unwrap(),
            "{}: {}",
            record.target(),
            record.args()
        )
        .unwrap();
    }

    fn flush(&self) {}
}

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tracing.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the captured output; the first call installs the loggers.
fn captured() -> &'static Captured {
    static CAPTURED: OnceLock<Captured> = OnceLock::new();
    CAPTURED.get_or_init(|| {
        let captured = Captured::default();
        let writer = captured.clone();
        tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_writer(move || writer.clone())
            .init();
        log::set_boxed_logger(Box::new(captured.clone())).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
        captured
    })
}

impl Captured {
    fn text(&self) -> String {
        self.log.lock().unwrap().clone() + &String::from_utf8_lossy(&self.tracing.lock().unwrap())
    }
}

/// Generates, uses and deletes a key of each type, and returns the private keys.
async fn quickstart(
    client: impl Fn(Credentials) -> Client,
    root: Credentials,
) -> Vec<PrivateKeyPem> {
    let root = client(root);
    let mut keys = Vec::new();
    for key_type in [ApiKeyType::Ed25519, ApiKeyType::Rsa] {
        let body = types::GenerateApiKeyRequest::builder()
            .name("a")
            .scopes(vec!["read".into()])
            .key_type(key_type);
        let generated = root.generate_api_key().body(body).send().await.unwrap();
        let pem = generated.private_key.expose_secret();
        let authenticated = client(Credentials::from_pem(&generated.api_key_id, pem).unwrap());
        authenticated.get_api_keys().send().await.unwrap();
        let wrong = client(Credentials::from_pem("unknown", pem).unwrap());
        log::debug!(
            "{:?} {:?} {:?}",
            generated,
            authenticated,
            wrong.get_api_keys().send().await.unwrap_err()
        );
        root.delete_api_key()
            .api_key(&generated.api_key_id)
            .send()
            .await
            .unwrap();
        log::debug!(
            "{:?}",
            authenticated.get_api_keys().send().await.unwrap_err()
        );
        keys.push(generated.into_inner().private_key);
    }
    keys
}

#[tokio::test]
async fn log_records_contain_no_key_material() {
    let captured = captured();
    let sandbox = Sandbox::start().await.unwrap();

    // Control: with an HTTP client that logs bodies, the keys are found.
    let verbose = |credentials| {
        let http = http_client_builder(&sandbox.environment())
            .connection_verbose(true)
            .build()
            .unwrap();
        Client::builder(sandbox.environment(), credentials)
            .http_client(http)
            .build()
            .unwrap()
    };
    let logged = quickstart(verbose, sandbox.credentials()).await;
    let text = captured.text();
    for key in &logged {
        assert!(shows_key(&text, key), "a logged key was not found");
    }
    for library in ["reqwest", "hyper_util"] {
        assert!(
            text.contains(library),
            "no record of {library} was captured"
        );
    }
    let lines = text.lines().count();

    let default = |credentials| Client::new(sandbox.environment(), credentials).unwrap();
    let not_logged = quickstart(default, sandbox.credentials()).await;
    let text = captured.text();
    assert!(
        text.lines().count() > lines + 20,
        "no record of the second run was captured"
    );
    for key in not_logged.iter().chain([&sandbox.root_private_key()]) {
        assert!(!shows_key(&text, key));
    }
}
