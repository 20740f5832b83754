//! Calls every operation against the embedded sandbox; needs no account and no configuration.
//!
//! ```sh
//! cargo run --example quickstart
//! ```
//!
//! With `-- --live` it uses the account configured in the `KALSHI_*` environment variables instead.
//! It deletes every key whose creation was confirmed, even if a later step fails.

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use kalshi_api_keys::sandbox::Sandbox;
use kalshi_api_keys::text::with_causes;
use kalshi_api_keys::types::{ApiKeyScope, ApiKeyType, CreateApiKeyRequest, GenerateApiKeyRequest};
use kalshi_api_keys::{Client, Credentials, Environment, KeyAlgorithm, KeyPair};

/// Prints a line and ignores errors, so that the keys are deleted even if standard output is
/// closed.
macro_rules! print_line {
    ($($line:tt)*) => {{
        let _ = writeln!(std::io::stdout(), $($line)*);
    }};
}

const VARIABLES: [&str; 5] = [
    "KALSHI_API_KEY_ID",
    "KALSHI_PRIVATE_KEY",
    "KALSHI_PRIVATE_KEY_PATH",
    "KALSHI_ENV",
    "KALSHI_API_BASE_URL",
];

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => run_in_sandbox().await,
        ["--live"] => run_live().await,
        _ => {
            eprintln!("usage: quickstart [--live]");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run_in_sandbox() -> Result<(), Box<dyn Error>> {
    if let Some(set) = VARIABLES
        .iter()
        .find(|name| std::env::var_os(name).is_some())
    {
        print_line!("{set} is set but not used; to run against that account, add `-- --live`.\n");
    }
    let sandbox = Sandbox::start().await?;
    print_line!("Started the sandbox at {}", sandbox.base_url());
    run(&sandbox.environment(), sandbox.credentials()).await
}

async fn run_live() -> Result<(), Box<dyn Error>> {
    let environment = Environment::from_env()?;
    print_line!("Using the account at {}", environment.base_url());
    run(&environment, Credentials::from_env()?).await
}

async fn run(environment: &Environment, credentials: Credentials) -> Result<(), Box<dyn Error>> {
    let client = Client::new(environment.clone(), credentials)?;
    let mut created = Vec::new();
    let result = steps(environment, &client, &mut created).await;

    print_line!("\nDeleting the created keys");
    for id in &created {
        match client.delete_api_key().api_key(id).send().await {
            Ok(_) => print_line!("  deleted {id}"),
            Err(error) => print_line!("  failed to delete {id}: {}", error.to_string()),
        }
    }
    result?;
    list(&client).await
}

async fn steps(
    environment: &Environment,
    client: &Client,
    created: &mut Vec<String>,
) -> Result<(), Box<dyn Error>> {
    print_line!("\nListing the keys of the account");
    list(client).await?;

    for key_type in [ApiKeyType::Ed25519, ApiKeyType::Rsa] {
        print_line!("\nGenerating a key pair on the service: {key_type}, scope read");
        let request = GenerateApiKeyRequest::builder()
            .name(format!("quickstart {key_type}"))
            .scopes(vec![ApiKeyScope::Read])
            .key_type(key_type);
        let key = client
            .generate_api_key()
            .body(request)
            .send()
            .await
            .map_err(|error| error.to_string())?;
        created.push(key.api_key_id.clone());
        let lines = key.private_key.expose_secret().lines().count();
        print_line!(
            "  {}, with a private key of {lines} lines, which is returned only once: save it now",
            key.api_key_id
        );

        let credentials = Credentials::from_pem(&key.api_key_id, key.private_key.expose_secret())?;
        print_line!("  listing the keys with it");
        list(&Client::new(environment.clone(), credentials)?).await?;
    }

    print_line!("\nCreating a key from a local key pair, whose private key is never sent");
    let pair = KeyPair::generate(KeyAlgorithm::Ed25519)?;
    let request = CreateApiKeyRequest::builder()
        .name("quickstart local")
        .public_key(pair.public_key_pem()?)
        .scopes(vec![ApiKeyScope::Read]);
    match client.create_api_key().body(request).send().await {
        Ok(key) => {
            created.push(key.api_key_id.clone());
            let credentials =
                Credentials::from_pem(&key.api_key_id, pair.private_key_pem()?.expose_secret())?;
            print_line!("  {}; listing the keys with it", key.api_key_id);
            list(&Client::new(environment.clone(), credentials)?).await?;
        }
        // Fails below the Premier usage level.
        Err(error) => print_line!("  {}", error.to_string()),
    }

    print_line!("\nDeleting a key that does not exist");
    match client.delete_api_key().api_key("no-such-key").send().await {
        Ok(_) => print_line!("  deleted"),
        Err(error) => print_line!("  {}", error.to_string()),
    }

    print_line!("\nSigning with a private key that belongs to another key ID");
    let signer = client.signer().credentials();
    let wrong = Credentials::from_pem(signer.key_id(), pair.private_key_pem()?.expose_secret())?;
    match Client::new(environment.clone(), wrong)?
        .get_api_keys()
        .send()
        .await
    {
        Ok(_) => print_line!("  accepted"),
        Err(error) => print_line!("  {}", error.to_string()),
    }
    Ok(())
}

async fn list(client: &Client) -> Result<(), Box<dyn Error>> {
    let response = client
        .get_api_keys()
        .send()
        .await
        .map_err(|error| error.to_string())?;
    for key in &response.api_keys {
        let scopes: Vec<_> = key
            .scopes
            .iter()
            .flatten()
            .map(ApiKeyScope::as_str)
            .collect();
        print_line!(
            "  {}  {}  [{}]",
            key.api_key_id,
            key.name.as_deref().unwrap_or("(no name)"),
            scopes.join(", ")
        );
    }
    Ok(())
}
