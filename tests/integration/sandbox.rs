//! The sandbox does what its documentation says: it verifies signatures, returns the service's
//! errors and injects faults.

mod authentication;
mod bodies;
mod clock;
mod errors;
mod faults;
mod keys;
mod lifetime;

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use ed25519_dalek::pkcs8::DecodePrivateKey as _;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use kalshi_api_keys::sandbox::Sandbox;
use kalshi_api_keys::types::{ApiKey, ApiKeyScope, PrivateKeyPem};
use kalshi_api_keys::{Client, Credentials, KeyAlgorithm, KeyPair, Signer};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A response with its body.
#[derive(Debug)]
struct Response {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Response {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// The code of an error response.
    fn code(&self) -> String {
        self.json()["error"]["code"]
            .as_str()
            .expect("a code")
            .to_owned()
    }
}

async fn sandbox() -> Sandbox {
    Sandbox::start().await.expect("a sandbox")
}

fn client(sandbox: &Sandbox) -> Client {
    Client::new(sandbox.environment(), sandbox.credentials()).expect("a client")
}

/// A signer with the root key.
fn root(sandbox: &Sandbox) -> Signer {
    Signer::new(sandbox.credentials())
}

/// Sends a signed request that the generated client could not: `rest` follows the base URL, the
/// body is sent as JSON.
async fn send(
    sandbox: &Sandbox,
    signer: &Signer,
    method: Method,
    rest: &str,
    body: Option<&str>,
) -> Response {
    let signed = signer
        .headers(&method, &path(sandbox, rest))
        .expect("headers");
    send_with(sandbox, signed.into_iter().collect(), method, rest, body).await
}

/// Like [`send`], with the given headers in place of a signature.
async fn send_with(
    sandbox: &Sandbox,
    headers: HeaderMap,
    method: Method,
    rest: &str,
    body: Option<&str>,
) -> Response {
    let url = format!("{}{rest}", sandbox.base_url());
    let mut request = http().request(method, url).headers(headers);
    if let Some(body) = body {
        request = request
            .header("content-type", "application/json")
            .body(body.to_owned());
    }
    let response = request.send().await.expect("a response");
    Response {
        status: response.status(),
        headers: response.headers().clone(),
        body: response.text().await.expect("a complete body"),
    }
}

/// Shared by all tests, because building a client loads the system's certificates. Connections are
/// not reused: the runtime that drives them ends with its test.
fn http() -> &'static reqwest::Client {
    static HTTP: LazyLock<reqwest::Client> = LazyLock::new(|| {
        let builder = reqwest::Client::builder()
            .no_proxy()
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(0);
        builder.build().expect("an HTTP client")
    });
    &HTTP
}

/// The path to sign: that of the base URL, followed by `rest`.
fn path(sandbox: &Sandbox, rest: &str) -> String {
    let url = reqwest::Url::parse(sandbox.base_url()).expect("a URL");
    format!("{}{rest}", url.path())
}

async fn connect(sandbox: &Sandbox) -> std::io::Result<TcpStream> {
    let url = reqwest::Url::parse(sandbox.base_url()).expect("a URL");
    TcpStream::connect((url.host_str().expect("a host"), url.port().expect("a port"))).await
}

/// Sends a request line and headers unchanged, and returns every byte received until the connection
/// closes.
async fn exchange(sandbox: &Sandbox, method: &str, path: &str, headers: &HeaderMap) -> String {
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {}\r\n", value.to_str().expect("text")));
    }
    request.push_str("\r\n");
    let mut stream = connect(sandbox).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut response = Vec::new();
    stream
        .read_to_end(&mut response)
        .await
        .expect("closed without an error");
    String::from_utf8(response).expect("text")
}

const KEY: &str = "kalshi-access-key";
const TIMESTAMP: &str = "kalshi-access-timestamp";
const SIGNATURE: &str = "kalshi-access-signature";

/// An Ed25519 key that signs without this crate.
struct TestKey {
    id: String,
    private_key: PrivateKeyPem,
}

impl TestKey {
    fn root(sandbox: &Sandbox) -> Self {
        Self {
            id: sandbox.credentials().key_id().to_owned(),
            private_key: sandbox.root_private_key(),
        }
    }

    /// Registers a new key pair under the given key.
    fn register(sandbox: &Sandbox, key: ApiKey) -> Self {
        let pair = KeyPair::generate(KeyAlgorithm::Ed25519).expect("a key pair");
        let id = key.api_key_id.clone();
        let public_key = pair.public_key_pem().expect("PEM");
        sandbox.register(key, &public_key).expect("a new key");
        Self {
            id,
            private_key: pair.private_key_pem().expect("PEM"),
        }
    }

    /// The three headers of a request, whose path excludes the query.
    fn sign(&self, timestamp: &str, method: &str, path: &str) -> HeaderMap {
        let pem = self.private_key.expose_secret();
        let signing = ed25519_dalek::SigningKey::from_pkcs8_pem(pem).expect("Ed25519");
        let message = format!("{timestamp}{method}{path}");
        let signature = STANDARD.encode(signing.sign(message.as_bytes()).to_bytes());
        let mut headers = HeaderMap::new();
        headers.insert(KEY, text(&self.id));
        headers.insert(TIMESTAMP, text(timestamp));
        headers.insert(SIGNATURE, text(&signature));
        headers
    }

    fn signer(&self) -> Signer {
        let pem = self.private_key.expose_secret();
        Signer::new(Credentials::from_pem(&self.id, pem).expect("credentials"))
    }
}

fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).expect("a header value")
}

/// Registers a new key pair under the given key, and returns a signer for it.
fn register(sandbox: &Sandbox, key: ApiKey) -> Signer {
    TestKey::register(sandbox, key).signer()
}

/// A request of each operation, in the order of the spec.
const OPERATIONS: [(Method, &str); 4] = [
    (Method::GET, "/api_keys"),
    (Method::POST, "/api_keys"),
    (Method::POST, "/api_keys/generate"),
    (Method::DELETE, "/api_keys/x"),
];

/// A key with the given ID and scopes.
fn key(id: &str, scopes: &[&str]) -> ApiKey {
    let scopes: Vec<_> = scopes
        .iter()
        .map(|scope| ApiKeyScope::from(*scope))
        .collect();
    ApiKey::builder()
        .api_key_id(id)
        .name(id.to_owned())
        .scopes(scopes)
        .try_into()
        .expect("a key")
}

/// A key with the scopes `read` and `write`, restricted to a sub-account, which may be out of
/// range.
fn restricted_key(id: &str, subaccount: u64) -> ApiKey {
    let key = serde_json::json!({
        "api_key_id": id, "name": id, "scopes": ["read", "write"], "subaccount": subaccount,
    });
    serde_json::from_value(key).expect("a key")
}

/// A key with the scopes `read` and `write`, bound to an FCM subtrader.
fn bound_key(id: &str) -> ApiKey {
    let mut bound = key(id, &["read", "write"]);
    bound.fcm_subtrader_id = Some("u_1".to_owned());
    bound
}

/// A new Ed25519 public key.
fn public_key() -> String {
    KeyPair::generate(KeyAlgorithm::Ed25519)
        .and_then(|pair| pair.public_key_pem())
        .expect("a public key")
}
