//! The connection flags: which key signs, and for which environment. The variables stand in for
//! missing flags.

use std::path::PathBuf;

use clap::Args;
use kalshi_api_keys::text::quoted_path;
use kalshi_api_keys::{
    Client, Credentials, CredentialsError, Environment, EnvironmentError, key_file,
};

use crate::failure::Failure;
use crate::output::{print_to_stderr, quoted};
#[cfg(feature = "ssh-agent")]
use crate::ssh_agent::SshAgent;
use crate::values::not_a_key;

#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub struct Connection {
    // Not clap's `env`: an empty variable counts as unset, and a flag overrides the variables of
    // others as well.
    /// The ID of the API key that signs, unless its key file names it [env: KALSHI_API_KEY_ID]
    #[arg(long, global = true, value_name = "ID", value_parser = not_a_key)]
    api_key_id: Option<String>,
    /// The file with its private key [env: KALSHI_PRIVATE_KEY_PATH]
    #[arg(long, global = true, value_name = "FILE")]
    private_key_path: Option<PathBuf>,
    /// An Ed25519 key in the SSH agent: the fingerprint or comment that `ssh-add -l` prints
    #[cfg(feature = "ssh-agent")]
    #[arg(long, global = true, value_name = "KEY", conflicts_with = "private_key_path", value_parser = not_a_key)]
    ssh_agent: Option<String>,
    /// demo (the default), production, or a base URL [env: KALSHI_ENV]
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        conflicts_with = "api_base_url"
    )]
    env: Option<String>,
    /// The base URL [env: KALSHI_API_BASE_URL]
    #[arg(long, global = true, value_name = "URL")]
    api_base_url: Option<String>,
}

impl Connection {
    pub async fn client(&self) -> Result<Client, Failure> {
        Ok(Client::new(self.environment()?, self.credentials().await?)?)
    }

    pub fn environment(&self) -> Result<Environment, EnvironmentError> {
        match (&self.env, &self.api_base_url) {
            (None, None) => Environment::from_env(),
            (Some(name), _) => name.parse(),
            (None, Some(url)) => Environment::custom(url),
        }
    }

    pub async fn credentials(&self) -> Result<Credentials, Failure> {
        #[cfg(feature = "ssh-agent")]
        if let Some(name) = &self.ssh_agent {
            let id = self.key_id().ok_or_else(|| {
                Failure::usage("--ssh-agent needs the ID of the API key; give --api-key-id, or set KALSHI_API_KEY_ID")
            })?;
            let key = SshAgent::from_env()?.key(name).await?;
            return Ok(Credentials::external(id, &key.public_key_pem()?, key)?);
        }
        let credentials = self.local_credentials()?;
        if let Some(file) = credentials.file()
            && key_file::load(file).is_ok_and(|stored| stored.readable_by_others)
        {
            let restrict = restriction(&file.to_string_lossy());
            let file = quoted_path(file);
            print_to_stderr(&format!(
                "warning: {file} is readable by other users; run `{restrict}`, or replace the key"
            ));
        }
        Ok(credentials)
    }

    fn local_credentials(&self) -> Result<Credentials, CredentialsError> {
        match (&self.api_key_id, &self.private_key_path) {
            (None, None) => Credentials::from_env(),
            (Some(id), None) => Credentials::from_env_with_id(id),
            (_, Some(path)) => match self.key_id() {
                Some(id) => Credentials::from_pem_file(id, path),
                None => Credentials::from_key_file(path),
            },
        }
    }

    fn key_id(&self) -> Option<String> {
        self.api_key_id.clone().or_else(|| {
            let id = std::env::var("KALSHI_API_KEY_ID").ok()?.trim().to_owned();
            Some(id).filter(|id| !id.is_empty())
        })
    }
}

/// Returns the command that makes the owner of a file the only one with access.
fn restriction(file: &str) -> String {
    if cfg!(windows) {
        // Quoted for `cmd` and PowerShell; a file name contains no quotation mark. The SID is that
        // of "owner rights".
        format!("icacls \"{file}\" /inheritance:r /grant:r *S-1-3-4:F")
    } else {
        format!("chmod 600 {}", quoted(file))
    }
}
