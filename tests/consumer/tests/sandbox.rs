//! The crate's sandbox in the tests of another program.

use kalshi_api_keys::{Client, sandbox::Sandbox};

#[tokio::test]
async fn the_keys_are_listed() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = Client::new(sandbox.environment(), sandbox.credentials()).unwrap();
    assert_eq!(consumer::names(&client).await.unwrap(), ["root"]);
    println!("signed by {}", kalshi_api_keys::CRYPTO_BACKEND);
}
