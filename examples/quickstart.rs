//! Every operation once, in plain words, against the embedded sandbox: no account, no configuration.
//!
//! ```sh
//! cargo run --example quickstart
//! ```
//!
//! With `-- --live` it uses the account that the `KALSHI_*` variables name instead. Every key it makes is deleted at the
//! end, also when a step fails.

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use kalshi_api_keys::sandbox::Sandbox;
use kalshi_api_keys::types::{ApiKeyScope, ApiKeyType, CreateApiKeyRequest, GenerateApiKeyRequest};
use kalshi_api_keys::{Client, Credentials, Environment, KeyAlgorithm, KeyPair};

/// Prints a line. A reader that went away must not end the walk before its keys are deleted.
macro_rules! say {
    ($($line:tt)*) => {{
        let _ = writeln!(std::io::stdout(), $($line)*);
    }};
}

const VARIABLES: [&str; 5] =
    ["KALSHI_API_KEY_ID", "KALSHI_PRIVATE_KEY", "KALSHI_PRIVATE_KEY_PATH", "KALSHI_ENV", "KALSHI_API_BASE_URL"];

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => in_the_sandbox().await,
        ["--live"] => on_a_real_account().await,
        _ => {
            eprintln!("usage: quickstart [--live]");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stopped: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn in_the_sandbox() -> Result<(), Box<dyn Error>> {
    if let Some(set) = VARIABLES.iter().find(|name| std::env::var_os(name).is_some()) {
        say!("{set} is set. This run leaves that account alone; to use it, add `-- --live`.\n");
    }
    let sandbox = Sandbox::start().await?;
    say!("Started the sandbox at {}", sandbox.base_url());
    walk(&sandbox.environment(), sandbox.credentials()).await
}

async fn on_a_real_account() -> Result<(), Box<dyn Error>> {
    let environment = Environment::from_env()?;
    say!("Using the account at {}", environment.base_url());
    walk(&environment, Credentials::from_env()?).await
}

async fn walk(environment: &Environment, credentials: Credentials) -> Result<(), Box<dyn Error>> {
    let client = Client::new(environment.clone(), credentials)?;
    let mut made = Vec::new();
    let walked = steps(environment, &client, &mut made).await;

    say!("\nDeleting what was made");
    for id in &made {
        match client.delete_api_key().api_key(id).send().await {
            Ok(_) => say!("  deleted {id}"),
            Err(error) => say!("  {id} is still there: {}", error.to_string()),
        }
    }
    walked?;
    list(&client).await
}

async fn steps(environment: &Environment, client: &Client, made: &mut Vec<String>) -> Result<(), Box<dyn Error>> {
    say!("\nListing the keys of the account");
    list(client).await?;

    for key_type in [ApiKeyType::Ed25519, ApiKeyType::Rsa] {
        say!("\nHaving the service generate a key pair: {key_type}, scope read");
        let request = GenerateApiKeyRequest::builder()
            .name(format!("quickstart {key_type}"))
            .scopes(vec![ApiKeyScope::Read])
            .key_type(key_type);
        let key = client.generate_api_key().body(request).send().await.map_err(|error| error.to_string())?;
        made.push(key.api_key_id.clone());
        let lines = key.private_key.expose_secret().lines().count();
        say!("  {}, and its private key of {lines} lines, shown this once: a program stores it now", key.api_key_id);

        let signed_in = Credentials::from_pem(&key.api_key_id, key.private_key.expose_secret())?;
        say!("  signing in with it");
        list(&Client::new(environment.clone(), signed_in)?).await?;
    }

    say!("\nCreating a key from a pair made here, whose private half stays here");
    let pair = KeyPair::generate(KeyAlgorithm::Ed25519)?;
    let request = CreateApiKeyRequest::builder()
        .name("quickstart, made here")
        .public_key(pair.public_key_pem()?)
        .scopes(vec![ApiKeyScope::Read]);
    match client.create_api_key().body(request).send().await {
        Ok(key) => {
            made.push(key.api_key_id.clone());
            let signed_in = Credentials::from_pem(&key.api_key_id, pair.private_key_pem()?.expose_secret())?;
            say!("  {}; signing in with it", key.api_key_id);
            list(&Client::new(environment.clone(), signed_in)?).await?;
        }
        // Below the Premier usage level.
        Err(error) => say!("  {}", error.to_string()),
    }

    say!("\nDeleting a key that does not exist");
    match client.delete_api_key().api_key("no-such-key").send().await {
        Ok(_) => say!("  deleted"),
        Err(error) => say!("  {}", error.to_string()),
    }

    say!("\nSigning with a private key that belongs to another key ID");
    let signer = client.signer().credentials();
    let wrong = Credentials::from_pem(signer.key_id(), pair.private_key_pem()?.expose_secret())?;
    match Client::new(environment.clone(), wrong)?.get_api_keys().send().await {
        Ok(_) => say!("  accepted"),
        Err(error) => say!("  {}", error.to_string()),
    }
    Ok(())
}

async fn list(client: &Client) -> Result<(), Box<dyn Error>> {
    let answer = client.get_api_keys().send().await.map_err(|error| error.to_string())?;
    for key in &answer.api_keys {
        let scopes: Vec<_> = key.scopes.iter().map(ApiKeyScope::as_str).collect();
        say!("  {}  {}  [{}]", key.api_key_id, key.name, scopes.join(", "));
    }
    Ok(())
}
