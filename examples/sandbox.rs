//! Runs the sandbox as a standalone server, for clients in any language:
//!
//! ```console
//! $ cargo run --example sandbox -- --listen 127.0.0.1:8080 --dir /tmp/kalshi
//! {"api_key_id":"…","base_url":"http://127.0.0.1:8080/trade-api/v2","private_key_path":"/tmp/kalshi/….pem"}
//! ```
//!
//! It runs until it is killed. It prints the base URL, the ID of the root key and the path of its
//! private key, as JSON.

use std::error::Error;
use std::fs::DirBuilder;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kalshi_api_keys::key_file;
use kalshi_api_keys::sandbox::{Fault, Sandbox, Tier};
use kalshi_api_keys::types::ApiKeyType;
use serde_json::json;

const USAGE: &str = "\
usage: cargo run --example sandbox -- --dir DIR [OPTION]...

  --dir DIR             save the root key here as KEY_ID.pem (created if missing)
  --listen ADDRESS      loopback address and port [default: 127.0.0.1:0, a free port]
  --root-key-type TYPE  rsa or ed25519 [default: ed25519]
  --tier TIER           basic, advanced, expert, premier, paragon, prime, prestige or market-maker
                        [default: premier]
  --fcm-subtrader ID    make the account an FCM member with this subtrader; repeatable
  --fail-next FAULT     respond to one of the next requests with this fault, in the order given:
                        rate-limited, attestation-lapsed or internal-error; repeatable
  --help                print this help";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<(), String> {
    let Some(options) = Options::parse(std::env::args().skip(1))? else {
        println!("{USAGE}");
        return Ok(());
    };
    let builder = Sandbox::builder()
        .listen(options.listen)
        .root_key_type(options.root_key_type)
        .tier(options.tier);
    let sandbox = builder.start().await.map_err(|e| {
        format!(
            "cannot start the sandbox on {}: {e}; choose another --listen",
            options.listen
        )
    })?;
    for id in &options.fcm_subtraders {
        sandbox.set_fcm_member(true);
        sandbox.add_fcm_subtrader(id);
    }
    for fault in options.faults {
        sandbox.fail_next(fault);
    }
    let path = save(&options.dir, &sandbox).map_err(|e| {
        format!(
            "cannot save the root key in {:?}: {e}; choose another --dir",
            options.dir
        )
    })?;

    let api_key_id = sandbox.credentials().key_id().to_owned();
    let line = json!({ "base_url": sandbox.base_url(), "api_key_id": api_key_id, "private_key_path": path.display().to_string() });
    let mut out = io::stdout();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|e| format!("cannot write to standard output: {e}"))?;
    std::future::pending().await
}

/// Saves the root key to a new file in `dir`, which is created, if missing, with access for its
/// owner only.
fn save(dir: &Path, sandbox: &Sandbox) -> Result<PathBuf, Box<dyn Error>> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(dir)?;
    let path = std::path::absolute(dir)?.join(format!("{}.pem", sandbox.credentials().key_id()));
    key_file::save(
        &path,
        Some(sandbox.credentials().key_id()),
        &sandbox.root_private_key(),
    )?;
    Ok(path)
}

struct Options {
    dir: PathBuf,
    listen: SocketAddr,
    root_key_type: ApiKeyType,
    tier: Tier,
    fcm_subtraders: Vec<String>,
    faults: Vec<Fault>,
}

impl Options {
    /// Parses the arguments; returns `None` for `--help`.
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut dir = None;
        let mut options = Self {
            dir: PathBuf::new(),
            listen: ([127, 0, 0, 1], 0).into(),
            root_key_type: ApiKeyType::Ed25519,
            tier: Tier::Premier,
            fcm_subtraders: Vec::new(),
            faults: Vec::new(),
        };
        while let Some(name) = arguments.next() {
            if name == "--help" {
                return Ok(None);
            }
            let mut value = || {
                arguments
                    .next()
                    .ok_or_else(|| format!("{name} requires a value; see --help"))
            };
            match name.as_str() {
                "--dir" => dir = Some(PathBuf::from(value()?)),
                "--listen" => {
                    options.listen = value()?
                        .parse()
                        .map_err(|_| "invalid --listen; expected an address such as 127.0.0.1:0")?;
                }
                "--root-key-type" => {
                    options.root_key_type = match value()?.as_str() {
                        "rsa" => ApiKeyType::Rsa,
                        "ed25519" => ApiKeyType::Ed25519,
                        _ => {
                            return Err(
                                "invalid --root-key-type; expected rsa or ed25519".to_owned()
                            );
                        }
                    };
                }
                "--tier" => {
                    options.tier = match value()?.as_str() {
                        "basic" => Tier::Basic,
                        "advanced" => Tier::Advanced,
                        "expert" => Tier::Expert,
                        "premier" => Tier::Premier,
                        "paragon" => Tier::Paragon,
                        "prime" => Tier::Prime,
                        "prestige" => Tier::Prestige,
                        "market-maker" => Tier::MarketMaker,
                        _ => return Err("invalid --tier; see --help".to_owned()),
                    };
                }
                "--fcm-subtrader" => options.fcm_subtraders.push(value()?),
                "--fail-next" => options.faults.push(match value()?.as_str() {
                    "rate-limited" => Fault::rate_limited(),
                    "attestation-lapsed" => Fault::attestation_lapsed(),
                    "internal-error" => Fault::internal_error(),
                    _ => return Err("invalid --fail-next; see --help".to_owned()),
                }),
                _ => return Err(format!("unknown option {name:?}; see --help")),
            }
        }
        options.dir = dir.ok_or("--dir is required; see --help")?;
        Ok(Some(options))
    }
}
