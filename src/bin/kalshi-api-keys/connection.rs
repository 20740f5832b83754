//! The connection flags: which key signs, and for which environment. The variables stand in for
//! missing flags.

use std::path::{Path, PathBuf};

use clap::Args;
use kalshi_api_keys::text::{quoted_path, unquoted};
use kalshi_api_keys::{
    Client, Credentials, CredentialsError, Environment, EnvironmentError, key_file,
};

use crate::failure::Failure;
use crate::output::{print_to_stderr, quoted};
use crate::values::not_a_key;
use crate::values::optional_path;
#[cfg(feature = "ssh-agent")]
use kalshi_api_keys::ssh_agent::SshAgent;

#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub struct Connection {
    // Not clap's `env`: an empty variable counts as unset, and a flag overrides the variables of
    // others as well.
    /// The ID of the API key that signs, unless its key file names it [env: KALSHI_API_KEY_ID]
    #[arg(long, global = true, value_name = "ID", value_parser = not_a_key)]
    api_key_id: Option<String>,
    /// The file with its private key, or `-` for standard input [env: KALSHI_PRIVATE_KEY_PATH]
    #[arg(long, global = true, value_name = "FILE", value_parser = optional_path())]
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

/// Silences the warning about the permissions of the key file.
const IGNORE_PERMISSIONS: &str = "KALSHI_IGNORE_KEY_PERMISSIONS";

impl Connection {
    pub async fn client(&self) -> Result<Client, Failure> {
        let chosen = self.chosen_environment()?;
        let by_default = chosen.is_none();
        let credentials = self.credentials().await?;
        let mut builder = Client::builder(chosen.unwrap_or(Environment::Demo), credentials);
        if by_default {
            builder = builder.environment_by_default();
        }
        Ok(builder.build()?)
    }

    pub fn environment(&self) -> Result<Environment, EnvironmentError> {
        Ok(self.chosen_environment()?.unwrap_or(Environment::Demo))
    }

    /// Returns whether neither a flag nor a variable chooses the environment.
    pub fn is_environment_default(&self) -> bool {
        matches!(self.chosen_environment(), Ok(None))
    }

    fn chosen_environment(&self) -> Result<Option<Environment>, EnvironmentError> {
        if let Some(name) = given(&self.env) {
            name.parse().map(Some)
        } else if let Some(url) = given(&self.api_base_url) {
            Environment::custom(url).map(Some)
        } else {
            Environment::chosen_by_env()
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
        if let Some(file) = credentials.file() {
            warn_if_exposed(file);
        }
        Ok(credentials)
    }

    fn local_credentials(&self) -> Result<Credentials, Failure> {
        let path = self
            .private_key_path
            .as_deref()
            .filter(|path| path.to_str().is_none_or(|path| !unquoted(path).is_empty()));
        let credentials = match (given(&self.api_key_id), path) {
            (None, None) => return Ok(Credentials::from_env()?),
            (None, Some(path)) => return Ok(Credentials::from_env_with_file(path)?),
            (Some(id), None) => Credentials::from_env_with_id(id),
            (Some(id), Some(path)) => Credentials::from_pem_file(id, path),
        };
        credentials.map_err(|error| match error {
            CredentialsError::AnotherApiKey { given, found, .. } => Failure::usage(format!(
                "--api-key-id is {given}, but the private key belongs to the API key {found}; omit --api-key-id, or \
                 give the private key of {given}"
            )),
            error => error.into(),
        })
    }

    #[cfg(feature = "ssh-agent")]
    fn key_id(&self) -> Option<String> {
        let id = given(&self.api_key_id).map(str::to_owned);
        id.or_else(|| std::env::var("KALSHI_API_KEY_ID").ok())
            .filter(|id| !unquoted(id).is_empty())
    }
}

/// Returns the value of a flag; a blank one counts as missing.
fn given(flag: &Option<String>) -> Option<&str> {
    flag.as_deref().filter(|value| !unquoted(value).is_empty())
}

/// Warns of a key file that others can read, if this user can change that.
fn warn_if_exposed(file: &Path) {
    let is_exposed =
        key_file::load(file).is_ok_and(|key| key.readable_by_others && key.can_be_restricted);
    if is_exposed && !ignores_permissions() {
        let restrict = restriction(&file.to_string_lossy());
        let file = quoted_path(file);
        print_to_stderr(&format!(
            "warning: {file} is readable by other users; run `{restrict}`, or replace the key ({IGNORE_PERMISSIONS}=1 \
             silences this)"
        ));
    }
}

fn ignores_permissions() -> bool {
    let value = std::env::var(IGNORE_PERMISSIONS).unwrap_or_default();
    !matches!(
        unquoted(&value).to_ascii_lowercase().as_str(),
        "" | "0" | "false" | "no"
    )
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
