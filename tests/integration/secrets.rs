//! No log line of any library shows key material through a whole quickstart.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex, OnceLock};

use kalshi_api_keys::sandbox::Sandbox;
use kalshi_api_keys::types::{self, ApiKeyType, PrivateKeyPem};
use kalshi_api_keys::{Client, Credentials, http_client_builder};

use crate::fixtures::shows_key;

/// Everything that was logged in this process, by `log` and by `tracing`, at the level that shows most.
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
        writeln!(self.log.lock().unwrap(), "{}: {}", record.target(), record.args()).unwrap();
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

/// Captures from the first call on.
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

/// Every operation once, signing with a key that was just generated: the private keys that were in it.
async fn quickstart(client: impl Fn(Credentials) -> Client, root: Credentials) -> Vec<PrivateKeyPem> {
    let root = client(root);
    let mut keys = Vec::new();
    for key_type in [ApiKeyType::Ed25519, ApiKeyType::Rsa] {
        let body = types::GenerateApiKeyRequest::builder().name("a").scopes(vec!["read".into()]).key_type(key_type);
        let made = root.generate_api_key().body(body).send().await.unwrap();
        let pem = made.private_key.expose_secret();
        let signed_in = client(Credentials::from_pem(&made.api_key_id, pem).unwrap());
        signed_in.get_api_keys().send().await.unwrap();
        let wrong = client(Credentials::from_pem("unknown", pem).unwrap());
        log::debug!("{:?} {:?} {:?}", made, signed_in, wrong.get_api_keys().send().await.unwrap_err());
        root.delete_api_key().api_key(&made.api_key_id).send().await.unwrap();
        log::debug!("{:?}", signed_in.get_api_keys().send().await.unwrap_err());
        keys.push(made.into_inner().private_key);
    }
    keys
}

#[tokio::test]
async fn no_log_line_shows_key_material() {
    let captured = captured();
    let sandbox = Sandbox::start().await.unwrap();

    // The net catches something: an HTTP client that is told to show bodies does, and this finds the keys in them.
    let verbose = |credentials| {
        let http = http_client_builder(&sandbox.environment()).connection_verbose(true).build().unwrap();
        Client::builder(sandbox.environment(), credentials).http_client(http).build().unwrap()
    };
    let shown = quickstart(verbose, sandbox.credentials()).await;
    let text = captured.text();
    for key in &shown {
        assert!(shows_key(&text, key), "the net has a hole");
    }
    for library in ["reqwest", "hyper_util"] {
        assert!(text.contains(library), "no line of {library} was captured");
    }
    let lines = text.lines().count();

    let ours = |credentials| Client::new(sandbox.environment(), credentials).unwrap();
    let hidden = quickstart(ours, sandbox.credentials()).await;
    let text = captured.text();
    assert!(text.lines().count() > lines + 20, "nothing was captured of the quickstart itself");
    for key in hidden.iter().chain([&sandbox.root_private_key()]) {
        assert!(!shows_key(&text, key));
    }
}
