//! Tests a program against the sandbox of the crate.

use kalshi_api_keys::{Client, sandbox::Sandbox};

#[tokio::test]
async fn lists_key_names() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = Client::new(sandbox.environment(), sandbox.credentials()).unwrap();
    assert_eq!(consumer::names(&client).await.unwrap(), ["root"]);
    println!("crypto backend: {}", kalshi_api_keys::CRYPTO_BACKEND);
}
