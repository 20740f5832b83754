//! Signs with an Ed25519 key in a running SSH agent, OpenSSH's or that of a password manager. The
//! private key is never in this process.
//!
//! A key of the agent is registered with the embedded sandbox, and lists the keys there:
//!
//! ```sh
//! eval $(ssh-agent) && ssh-keygen -t ed25519 -f kalshi -C kalshi && ssh-add kalshi    # choose a passphrase
//! cargo run --example ssh_agent -- kalshi    # the comment of a key, or its fingerprint; if omitted, any Ed25519 key
//! ```
//!
//! It prints the public key, to create an API key with. With `--live` it then lists the keys of the
//! account in the variables `KALSHI_API_KEY_ID` and `KALSHI_ENV`, instead of the sandbox.
//!

use std::error::Error;
use std::process::ExitCode;

use kalshi_api_keys::sandbox::Sandbox;
use kalshi_api_keys::text::with_causes;
use kalshi_api_keys::types::CreateApiKeyRequest;
use kalshi_api_keys::{Client, Credentials, Environment};

use kalshi_api_keys::ssh_agent::{AgentKey, SshAgent};

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let live = arguments.pop_if(|last| last == "--live").is_some();
    match run(arguments.first().map(String::as_str), live).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run(name: Option<&str>, live: bool) -> Result<(), Box<dyn Error>> {
    let key = find(&SshAgent::from_env()?, name).await?;
    print!("{}", key.public_key_pem()?);
    if live {
        list_live(key).await
    } else {
        list_in_sandbox(key).await
    }
}

/// Returns the key with a fingerprint or comment, or else the first Ed25519 key.
pub async fn find(agent: &SshAgent, name: Option<&str>) -> Result<AgentKey, Box<dyn Error>> {
    if let Some(name) = name {
        return Ok(agent.key(name).await?);
    }
    let usable = agent
        .keys()
        .await?
        .into_iter()
        .find(|key| key.public_key_pem().is_ok());
    Ok(usable.ok_or(
        "the SSH agent lists no Ed25519 key: it is locked, or has none; add one with `ssh-add`",
    )?)
}

async fn list_live(key: AgentKey) -> Result<(), Box<dyn Error>> {
    let key_id = std::env::var("KALSHI_API_KEY_ID")
        .map_err(|_| "set KALSHI_API_KEY_ID to the ID of the API key")?;
    list(Environment::from_env()?, &key_id, key).await
}

pub async fn list_in_sandbox(key: AgentKey) -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start().await?;
    let root = Client::new(sandbox.environment(), sandbox.credentials())?;
    let request = CreateApiKeyRequest::builder()
        .name(format!("in the SSH agent: {}", key.fingerprint()))
        .public_key(key.public_key_pem()?)
        .scopes(vec!["read".into()]);
    let created = root.create_api_key().body(request).send().await?;
    list(sandbox.environment(), &created.api_key_id, key).await
}

/// Lists the keys of an account, signing with a key in the agent.
async fn list(environment: Environment, key_id: &str, key: AgentKey) -> Result<(), Box<dyn Error>> {
    let credentials = Credentials::external(key_id, &key.public_key_pem()?, key)?;
    let client = Client::new(environment, credentials)?;
    for key in &client.get_api_keys().send().await?.api_keys {
        println!(
            "{}  {}",
            key.api_key_id,
            key.name.as_deref().unwrap_or("(no name)")
        );
    }
    Ok(())
}
