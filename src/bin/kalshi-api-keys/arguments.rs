//! What can be asked for, and the help that says so.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use kalshi_api_keys::types::{ApiKeyScope, ApiKeyType, Subaccount};

use crate::connection::Connection;
use crate::failed::Failed;
use crate::output;

const VARIABLES_AND_EXIT_CODES: &str = "\
Variables (a flag of the same name overrides it; an empty one counts as unset):
  KALSHI_API_KEY_ID        the ID of the API key
  KALSHI_PRIVATE_KEY       its private key, PEM; there is no flag for it
  KALSHI_PRIVATE_KEY_PATH  or the path of a file with it
  KALSHI_ENV               demo (the default), production, or a base URL
  KALSHI_API_BASE_URL      or a base URL

Exit codes:
  0  done
  1  refused by the service, or answered otherwise than documented
  2  usage: the arguments, the variables, the key, a file, or a question not answered with yes
  3  network: the service was not reached, or its answer was lost
  4  something is left to do; the output says what

Example:
  export KALSHI_API_KEY_ID=a952bcbe-ec3b-4b5b-b8f9-11dae589608c KALSHI_PRIVATE_KEY_PATH=~/kalshi.pem
  kalshi-api-keys --env production list";

/// The API keys of a Kalshi account: list, generate, create, delete and rotate them, and sign requests.
#[derive(Parser)]
#[command(name = "kalshi-api-keys", version, after_help = VARIABLES_AND_EXIT_CODES, arg_required_else_help = true)]
pub struct Arguments {
    #[command(flatten)]
    pub connection: Connection,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// List the keys of the account, and what about them is worth an alarm.
    #[command(after_help = "Example:\n  kalshi-api-keys list --json | jq -r '.api_keys[].api_key_id'")]
    List(List),
    /// Have the service generate a key pair, and keep its private key.
    #[command(after_help = "Example:\n  kalshi-api-keys generate --out dashboard.pem --name dashboard --scope read")]
    Generate(Generate),
    /// Make a key pair here and register its public key, or one that is given. Needs the Premier usage level.
    #[command(
        after_help = "Example:\n  kalshi-api-keys create --out desk.pem --name desk --scope read --scope write --subaccount 7"
    )]
    Create(Create),
    /// Delete a key for good.
    #[command(after_help = "Example:\n  kalshi-api-keys delete a952bcbe-ec3b-4b5b-b8f9-11dae589608c --yes")]
    Delete(Delete),
    /// Replace the key that signs by a new one: mint, save, sign in, delete the old key, confirm.
    #[command(after_help = "\
The new key is saved and seen to work before the old one is deleted. After any failure or interruption, run the same
command again: it continues where it stopped, with the help of FILE.rotation, and exits with 0 once nothing is left to do.

Example:
  kalshi-api-keys rotate --out kalshi-new.pem --yes")]
    Rotate(Rotate),
    /// Print the three headers that sign a request; good for about ten seconds.
    #[command(after_help = "Example:\n  kalshi-api-keys sign GET /trade-api/v2/portfolio/balance --curl | sh")]
    Sign(Sign),
    /// Say which key signs, where, whether this machine's clock is off, and when the location attestation lapses.
    #[command(after_help = "Example:\n  kalshi-api-keys --env production whoami")]
    Whoami,
    /// Print a completion script.
    #[command(
        after_help = "Example:\n  kalshi-api-keys completions bash > ~/.local/share/bash-completion/completions/kalshi-api-keys"
    )]
    Completions {
        /// The shell it is for.
        shell: clap_complete::Shell,
    },
}

#[derive(Args)]
pub struct List {
    /// Print the service's answer as it is.
    #[arg(long)]
    pub json: bool,
}

/// What a new key is to be.
#[derive(Args)]
pub struct NewKey {
    /// Its name.
    #[arg(long, default_value = "kalshi-api-keys")]
    pub name: String,
    /// What it may do; may be repeated. `write` needs `read` beside it.
    #[arg(long = "scope", value_name = "SCOPE", default_value = "read")]
    pub scopes: Vec<ApiKeyScope>,
    /// The one sub-account it is restricted to, 0 to 63.
    #[arg(long, value_name = "N", value_parser = subaccount, conflicts_with = "fcm_subtrader")]
    pub subaccount: Option<Subaccount>,
    /// The FCM subtrader it is bound to. For FCM members.
    #[arg(long, value_name = "ID")]
    pub fcm_subtrader: Option<String>,
    /// The algorithm of its key pair.
    #[arg(long = "type", value_name = "TYPE", default_value = "ed25519", value_parser = key_type())]
    pub key_type: ApiKeyType,
}

#[derive(Args)]
pub struct Generate {
    #[command(flatten)]
    pub to: To,
    #[command(flatten)]
    pub key: NewKey,
}

/// Where the private key goes.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct To {
    /// The file for the private key. It must not exist yet.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print the private key on stdout, and everything else on stderr.
    #[arg(long)]
    pub stdout: bool,
}

#[derive(Args)]
pub struct Create {
    #[command(flatten)]
    pub to: To,
    /// Make no pair: register the public key in this file, PEM.
    #[arg(long, value_name = "FILE", group = "To", conflicts_with = "key_type")]
    pub public_key: Option<PathBuf>,
    #[command(flatten)]
    pub key: NewKey,
}

#[derive(Args)]
pub struct Delete {
    /// The ID of the key.
    pub id: String,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

#[derive(Args)]
pub struct Rotate {
    /// The file for the new private key. It must not exist yet.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// The new key's name, if not that of the old one.
    #[arg(long)]
    pub name: Option<String>,
    /// What the new key may do, if not what the old one may; may be repeated.
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<ApiKeyScope>,
    /// The algorithm of its key pair.
    #[arg(long = "type", value_name = "TYPE", default_value = "ed25519", value_parser = key_type())]
    pub key_type: ApiKeyType,
    /// Generate the key pair on this machine: its private key never travels. Needs the Premier usage level.
    #[arg(long)]
    pub local: bool,
    /// How many failed requests to tolerate before stopping; running the command again continues.
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub attempts: usize,
    /// How long after a lost response the service may still create a key.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub settle: u64,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

#[derive(Args)]
pub struct Sign {
    /// The method, such as GET.
    pub method: String,
    /// The path from the root, percent-encoded, with its query if it has one.
    pub path: String,
    /// Print a command line of `curl` with them.
    #[arg(long)]
    pub curl: bool,
}

/// The arguments; `None` when they asked for help, which was given.
pub fn read() -> Result<Option<Arguments>, Failed> {
    // Before anything else looks at them: messages repeat arguments.
    if std::env::args_os().any(|argument| argument.to_string_lossy().contains("PRIVATE KEY-----")) {
        return Err(Failed::usage(
            "an argument is a private key, which every process of this machine could read; give the path of its file, \
             and replace the key",
        ));
    }
    Arguments::try_parse().map(Some).or_else(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            output::print(&format!("{}\n", error.to_string().trim_end()))?;
            Ok(None)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Err(Failed::usage("nothing to do; see `kalshi-api-keys --help`"))
        }
        _ => {
            let message = error.to_string();
            let said = message.split("\nUsage:").next().unwrap_or_default();
            let said = said.trim_start_matches("error: ").split("\nFor more").next().unwrap_or_default();
            Err(Failed::usage(format!("{}; see `kalshi-api-keys --help`", said.trim())))
        }
    })
}

fn key_type() -> impl TypedValueParser<Value = ApiKeyType> {
    PossibleValuesParser::new(ApiKeyType::KNOWN.iter().map(ApiKeyType::as_str)).map(ApiKeyType::from)
}

fn subaccount(number: &str) -> Result<Subaccount, String> {
    let number: u8 = number.parse().map_err(|_| "sub-accounts are numbered 0 to 63".to_owned())?;
    Subaccount::try_from(number).map_err(|error| error.to_string())
}
