//! Which key signs, and where to: flags first, then variables.

use std::path::PathBuf;

use clap::Args;
use kalshi_api_keys::{Client, Credentials, CredentialsError, Environment, EnvironmentError, key_file};

use crate::failed::Failed;
use crate::output::{quoted, say};

#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub struct Connection {
    /// The ID of the API key that signs [variable: KALSHI_API_KEY_ID]
    #[arg(long, global = true, value_name = "ID")]
    api_key_id: Option<String>,
    /// The file with its private key [variable: KALSHI_PRIVATE_KEY_PATH]
    #[arg(long, global = true, value_name = "FILE")]
    private_key_path: Option<PathBuf>,
    /// demo (the default), production, or a base URL [variable: KALSHI_ENV]
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "api_base_url")]
    env: Option<String>,
    /// The base URL [variable: KALSHI_API_BASE_URL]
    #[arg(long, global = true, value_name = "URL")]
    api_base_url: Option<String>,
}

impl Connection {
    pub fn client(&self) -> Result<Client, Failed> {
        Ok(Client::new(self.environment()?, self.credentials()?)?)
    }

    pub fn environment(&self) -> Result<Environment, EnvironmentError> {
        match (&self.env, &self.api_base_url) {
            (None, None) => Environment::from_env(),
            (Some(name), _) => name.parse(),
            (None, Some(url)) => Environment::custom(url),
        }
    }

    pub fn credentials(&self) -> Result<Credentials, CredentialsError> {
        let credentials = match (&self.api_key_id, &self.private_key_path) {
            (None, None) => Credentials::from_env(),
            (Some(id), None) => Credentials::from_env_with_id(id),
            (Some(id), Some(path)) => Credentials::from_pem_file(id, path),
            (None, Some(path)) => {
                let id = variable("KALSHI_API_KEY_ID").ok_or(CredentialsError::MissingApiKeyId)?;
                Credentials::from_pem_file(id.trim(), path)
            }
        }?;
        if let Some(file) = credentials.file()
            && key_file::load(file).is_ok_and(|stored| stored.readable_by_others)
        {
            say(&format!(
                "warning: {file:?} can be read by others than its owner; run `chmod 600 {}`, or replace the key",
                quoted(&file.to_string_lossy())
            ));
        }
        Ok(credentials)
    }
}

/// A variable that is not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}
