//! The command line: subcommands, flags and their help.

use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use kalshi_api_keys::text::{could_be_key_material, printable};
use kalshi_api_keys::types::{ApiKeyScope, ApiKeyType, Subaccount};

use crate::connection::Connection;
use crate::values::{file, key_type, listed_id, not_a_key, scope, subaccount};

const DOCUMENTATION: &str = "\
Environment variables (a flag overrides its variable; a blank one counts as unset):
  KALSHI_API_KEY_ID        ID of the API key that signs; not needed when the key file names it
  KALSHI_PRIVATE_KEY       its private key, PEM; there is no flag for it
  KALSHI_PRIVATE_KEY_PATH  or the path of its key file, a FIFO, or `-` for standard input; `~` is the home directory
  KALSHI_ENV               demo (the default), production, or a base URL
  KALSHI_API_BASE_URL      or a base URL
  KALSHI_IGNORE_KEY_PERMISSIONS=1  silences the warning that other users can read the key file
White space and one pair of quotation marks around a value are ignored. A file .env is not read.

Key files:
  A key file is PEM text: RSA (PKCS#1 or PKCS#8, 2048 to 8192 bits) or Ed25519 (PKCS#8). A line
  `Kalshi-API-Key-ID: <ID>` before the key names the API key it belongs to. New key files are readable by their owner
  only, and existing files are never overwritten. A private key is never an argument, and is printed by --stdout only.

Exit codes:
  0  done
  1  rejected (a 4xx), or the response is not as documented
  2  usage: arguments, variables, the key, a file, or no confirmation
  3  network: the service was not reached, failed (a 5xx), or its response was lost or truncated; try again
  4  incomplete, or a key may exist; the output says what is known and what remains to be done

Example:
  export KALSHI_API_KEY_ID=a952bcbe-ec3b-4b5b-b8f9-11dae589608c KALSHI_PRIVATE_KEY_PATH=~/kalshi.pem
  kalshi-api-keys --env production list";

/// Lists, generates, creates, deletes and rotates the API keys of a Kalshi account, and signs
/// requests.
#[derive(Parser)]
#[command(
    name = "kalshi-api-keys",
    bin_name = "kalshi-api-keys",
    version,
    arg_required_else_help = true
)]
#[command(after_help = "`kalshi-api-keys --help` explains variables, key files and exit codes.")]
#[command(after_long_help = DOCUMENTATION)]
pub struct Arguments {
    #[command(flatten)]
    pub connection: Connection,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// List the keys of the account and flag risky ones
    #[command(after_help = "\
Flags keys with unrestricted write access, scopes that this version does not know, and a location attestation that
has lapsed or lapses within 14 days.

Example:
  kalshi-api-keys list --json | jq -r '.api_keys[].api_key_id'")]
    List(List),
    /// Let the service generate a key pair, and save its private key
    #[command(
        after_help = "Example:\n  kalshi-api-keys generate --out dashboard.pem --name dashboard --scope read"
    )]
    Generate(Generate),
    /// Generate a key pair on this machine and register its public key (Premier or Market Maker
    /// usage level)
    #[command(after_help = "\
The private key never leaves this machine. With --public-key, an existing public key is registered instead.

Example:
  kalshi-api-keys create --out desk.pem --name desk --scope read --scope write --subaccount 7")]
    Create(Create),
    /// Delete a key permanently
    #[command(
        after_help = "Example:\n  kalshi-api-keys delete a952bcbe-ec3b-4b5b-b8f9-11dae589608c --yes"
    )]
    Delete(Delete),
    /// Replace the key that signs with a new one, then delete the old one
    #[command(after_help = "\
The old key is deleted last, once the new key is saved and works. If the rotation fails or is interrupted, run the same
command again: it continues, with the help of FILE.rotation, and exits with 0 once nothing is left to do.

The new private key is written to FILE, whatever holds the old one.

Example:
  kalshi-api-keys rotate --out kalshi-new.pem --yes")]
    Rotate(Rotate),
    /// Print the three headers that sign a request, valid for about ten seconds
    #[command(after_help = "\
The path begins with that of the base URL, /trade-api/v2, or is that of the WebSocket, /trade-api/ws/v2. No request is
sent, so a wrong local clock is not noticed: `whoami` compares it.

--curl prints a command that passes the headers to curl by standard input, not in its arguments, which other users of
the machine can read.

Example:
  kalshi-api-keys sign GET /trade-api/v2/portfolio/balance --curl | sh")]
    Sign(Sign),
    /// Show the key that signs, its environment, the clock skew and the location attestation
    #[command(after_help = "Example:\n  kalshi-api-keys --env production whoami")]
    Whoami,
    /// Print a shell completion script
    #[command(
        after_help = "Example:\n  kalshi-api-keys completions bash > ~/.local/share/bash-completion/completions/kalshi-api-keys"
    )]
    Completions {
        /// The shell to complete for
        shell: clap_complete::Shell,
    },
}

#[derive(Args)]
pub struct List {
    /// Print the response of the service unchanged
    #[arg(long)]
    pub json: bool,
}

/// The properties of a new key.
#[derive(Args)]
pub struct NewKey {
    /// The name of the new key
    #[arg(long, default_value = "kalshi-api-keys", value_parser = not_a_key)]
    pub name: String,
    /// A scope of the new key; can be repeated. `write` requires `read`
    #[arg(long = "scope", value_name = "SCOPE", default_value = "read", value_parser = scope)]
    pub scopes: Vec<ApiKeyScope>,
    /// The one sub-account it is restricted to, 0 to 63
    #[arg(long, value_name = "N", value_parser = subaccount, conflicts_with = "fcm_subtrader")]
    pub subaccount: Option<Subaccount>,
    /// The FCM subtrader it is bound to (FCM members only)
    #[arg(long, value_name = "ID", value_parser = not_a_key)]
    pub fcm_subtrader: Option<String>,
    /// The algorithm of its key pair
    #[arg(long = "type", value_name = "TYPE", default_value = "ed25519", value_parser = key_type())]
    pub key_type: ApiKeyType,
}

#[derive(Args)]
pub struct Generate {
    #[command(flatten)]
    pub to: KeyOutput,
    #[command(flatten)]
    pub key: NewKey,
}

/// Where the private key goes.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct KeyOutput {
    /// The file for the private key; must not exist
    #[arg(long, value_name = "FILE", value_parser = file())]
    pub out: Option<PathBuf>,
    /// Print the private key on stdout, and everything else on stderr
    #[arg(long)]
    pub stdout: bool,
}

#[derive(Args)]
pub struct Create {
    #[command(flatten)]
    pub to: KeyOutput,
    /// Generate no key pair: register the public key in this file (PEM, or a line of `ssh-add -L`)
    #[arg(long, value_name = "FILE", group = "KeyOutput", conflicts_with = "key_type", value_parser = file())]
    pub public_key: Option<PathBuf>,
    #[command(flatten)]
    pub key: NewKey,
}

#[derive(Args)]
pub struct Delete {
    /// The ID of the key
    #[arg(value_parser = listed_id)]
    pub id: String,
    /// Do not ask for confirmation
    #[arg(long)]
    pub yes: bool,
}

#[derive(Args)]
pub struct Rotate {
    /// The file for the new private key; must not exist
    #[arg(long, value_name = "FILE", value_parser = file())]
    pub out: PathBuf,
    /// The name of the new key, instead of the old key's
    #[arg(long, value_parser = not_a_key)]
    pub name: Option<String>,
    /// What the new key may do, instead of the old key's scopes; can be repeated
    #[arg(long = "scope", value_name = "SCOPE", value_parser = scope)]
    pub scopes: Vec<ApiKeyScope>,
    /// The algorithm of its key pair
    #[arg(long = "type", value_name = "TYPE", default_value = "ed25519", value_parser = key_type())]
    pub key_type: ApiKeyType,
    /// Generate the key pair on this machine (Premier or Market Maker usage level)
    #[arg(long)]
    pub local: bool,
    /// Stop at the N-th failed request; the next run continues
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub attempts: usize,
    /// How long after a lost response a key may still appear
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub settle: u64,
    /// Do not ask for confirmation
    #[arg(long)]
    pub yes: bool,
}

#[derive(Args)]
pub struct Sign {
    /// The HTTP method, such as GET
    #[arg(value_parser = not_a_key)]
    pub method: String,
    /// The path from the root, percent-encoded, with its query if it has one
    pub path: String,
    /// Print a `curl` command instead of the headers
    #[arg(long)]
    pub curl: bool,
}

/// Parses the arguments of the process. Prints help, or a usage error without any key material, and
/// exits.
pub fn parse() -> Arguments {
    if std::env::args_os().any(|argument| argument.to_string_lossy().contains("PRIVATE KEY-----")) {
        let message = "an argument is a private key, which all processes of this machine can read; give the path of its \
                       file instead, and replace the key";
        Arguments::command()
            .error(ErrorKind::ValueValidation, message)
            .exit();
    }
    Arguments::try_parse().unwrap_or_else(|error| redacted(error).exit())
}

/// Removes from a usage error what could be key material, and makes the rest printable.
fn redacted(mut error: clap::Error) -> clap::Error {
    let context: Vec<_> = error
        .context()
        .map(|(kind, value)| (kind, value.clone()))
        .collect();
    if context
        .iter()
        .any(|(_, value)| could_be_key_material(&value.to_string()))
    {
        // Its text repeats a value.
        error.remove(ContextKind::Suggested);
    }
    for (kind, value) in context {
        if let ContextValue::String(text) = value {
            let shown = if could_be_key_material(&text) {
                "[REDACTED]".into()
            } else {
                printable(&text)
            };
            error.insert(kind, ContextValue::String(shown.into()));
        }
    }
    error
}
