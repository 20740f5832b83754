//! Prints the headers that sign a request, to send it with another tool:
//!
//! ```console
//! $ cargo run --example sign -- a952bcbe-ec3b-4b5b-b8f9-11dae589608c kalshi.pem GET /trade-api/v2/api_keys
//! kalshi-access-key: a952bcbe-ec3b-4b5b-b8f9-11dae589608c
//! kalshi-access-timestamp: 1703123456789
//! kalshi-access-signature: …
//! ```
//!
//! They are valid only for this method and path, and for about ten seconds.

use std::error::Error;
use std::process::ExitCode;

use http::Method;
use kalshi_api_keys::text::with_causes;
use kalshi_api_keys::{Credentials, Signer};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [key_id, key_file, method, path] = &arguments[..] else {
        eprintln!("usage: cargo run --example sign -- KEY_ID KEY_FILE METHOD PATH");
        return ExitCode::from(2);
    };
    match headers(key_id, key_file, method, path) {
        Ok(lines) => {
            print!("{lines}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}", with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

fn headers(
    key_id: &str,
    key_file: &str,
    method: &str,
    path: &str,
) -> Result<String, Box<dyn Error>> {
    let signer = Signer::new(Credentials::from_pem_file(key_id, key_file)?);
    let mut lines = String::new();
    for (name, value) in signer.headers(&Method::from_bytes(method.as_bytes())?, path)? {
        lines += &format!("{name}: {}\n", value.to_str()?);
    }
    Ok(lines)
}
