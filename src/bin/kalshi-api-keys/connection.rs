//! The connection flags: which key signs, and for which environment. The variables stand in for missing flags.

use std::path::PathBuf;

use clap::Args;
use kalshi_api_keys::text::quoted_path;
use kalshi_api_keys::{Client, Credentials, CredentialsError, Environment, EnvironmentError, key_file};

use crate::failure::Failure;
use crate::output::{quoted, say};

#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub struct Connection {
    // Not clap's `env`: an empty variable counts as unset, and a flag overrides the variables of others as well.
    /// The ID of the API key that signs, unless its key file names it [env: KALSHI_API_KEY_ID]
    #[arg(long, global = true, value_name = "ID")]
    api_key_id: Option<String>,
    /// The file with its private key [env: KALSHI_PRIVATE_KEY_PATH]
    #[arg(long, global = true, value_name = "FILE")]
    private_key_path: Option<PathBuf>,
    /// demo (the default), production, or a base URL [env: KALSHI_ENV]
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "api_base_url")]
    env: Option<String>,
    /// The base URL [env: KALSHI_API_BASE_URL]
    #[arg(long, global = true, value_name = "URL")]
    api_base_url: Option<String>,
}

impl Connection {
    pub fn client(&self) -> Result<Client, Failure> {
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
            (None, Some(path)) => match std::env::var("KALSHI_API_KEY_ID") {
                Ok(id) if !id.trim().is_empty() => Credentials::from_pem_file(id.trim(), path),
                _ => Credentials::from_key_file(path),
            },
        }?;
        if let Some(file) = credentials.file()
            && key_file::load(file).is_ok_and(|stored| stored.readable_by_others)
        {
            let restrict = restriction(&file.to_string_lossy());
            let file = quoted_path(file);
            say(&format!("warning: others than its owner can read {file}; run `{restrict}`, or replace the key"));
        }
        Ok(credentials)
    }
}

/// The command that makes the owner of a file the only one with access.
fn restriction(file: &str) -> String {
    if cfg!(windows) {
        // Quoted for `cmd` and PowerShell; a file name contains no quotation mark. The SID is that of "owner rights".
        format!("icacls \"{file}\" /inheritance:r /grant:r *S-1-3-4:F")
    } else {
        format!("chmod 600 {}", quoted(file))
    }
}
