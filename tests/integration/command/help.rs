//! Help texts, which are `tests/data/help.txt`, and shell completions.

use std::fmt::Write as _;
use std::path::Path;

use snapbox::Data;

use super::{USAGE, assert_transcript, command, ran};
use crate::fixtures::KEY_ID;

/// Runs a command that needs no settings.
async fn text(arguments: &[&str]) -> String {
    let ran = ran(command(arguments)).await;
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{arguments:?}");
    ran.out
}

#[tokio::test]
async fn help_matches_the_snapshot() {
    let mut texts = String::new();
    for arguments in [
        "-h",
        "--help",
        "list --help",
        "generate --help",
        "create --help",
        "delete --help",
        "rotate --help",
        "sign --help",
        "whoami --help",
        "completions --help",
    ] {
        let help = text(&arguments.split(' ').collect::<Vec<_>>()).await;
        assert!(help.lines().all(|line| line.len() <= 120), "{help}");
        writeln!(texts, "$ kalshi-api-keys {arguments}\n{help}").unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/help.txt");
    assert_transcript(&texts, Data::read_from(&path, None));
}

#[tokio::test]
async fn help_is_what_a_command_without_arguments_prints() {
    let ran = ran(command(&[])).await;
    assert_eq!(
        (ran.code, ran.out.as_str(), ran.err),
        (USAGE, "", text(&["-h"]).await)
    );
}

#[tokio::test]
async fn help_shows_no_values_of_variables() {
    let mut with_values = command(&["--help"]);
    with_values
        .env("KALSHI_API_KEY_ID", KEY_ID)
        .env("KALSHI_PRIVATE_KEY_PATH", "old.pem");
    assert_eq!(ran(with_values).await.out, text(&["--help"]).await);
}

#[tokio::test]
async fn version_and_completions_need_no_settings() {
    assert_eq!(
        text(&["--version"]).await,
        concat!("kalshi-api-keys ", env!("CARGO_PKG_VERSION"), "\n")
    );
    for shell in ["bash", "fish", "zsh"] {
        assert!(
            text(&["completions", shell]).await.contains("whoami"),
            "{shell}"
        );
    }
}
