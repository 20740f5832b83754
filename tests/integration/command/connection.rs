//! The key that signs and the environment: flags, variables and key files.

use snapbox::str;
use tokio::process::Command;

use super::{TestAccount, assert_transcript, command, ran};

#[tokio::test]
async fn flags_override_variables() {
    let account = TestAccount::new().await;
    let pem = account.sandbox.root_private_key();
    let (id, url, pem_text) = (
        account.old.as_str(),
        account.sandbox.base_url(),
        pem.expose_secret(),
    );
    for (flags, variables) in [
        (
            &[
                "--api-key-id",
                id,
                "--private-key-path",
                "old.pem",
                "--api-base-url",
                url,
            ][..],
            &[][..],
        ),
        (
            &["--api-key-id", id, "--env", url],
            &[
                ("KALSHI_PRIVATE_KEY", pem_text),
                ("KALSHI_API_KEY_ID", "other"),
                ("KALSHI_ENV", "production"),
            ],
        ),
        (
            &["--private-key-path", "old.pem", "--env", url],
            &[("KALSHI_API_KEY_ID", id), ("KALSHI_PRIVATE_KEY", "x")],
        ),
        (
            &[],
            &[
                ("KALSHI_PRIVATE_KEY", pem_text),
                ("KALSHI_API_KEY_ID", id),
                ("KALSHI_API_BASE_URL", url),
            ],
        ),
    ] {
        let mut command = command(&[&["list"], flags].concat());
        command
            .current_dir(account.folder.path())
            .envs(variables.iter().copied());
        let ran = ran(command).await;
        assert_eq!(ran.code, 0, "{flags:?}: {}", ran.err);
        assert!(!ran.shows(&pem));
    }
}

#[tokio::test]
async fn the_key_file_may_name_the_api_key() {
    let account = TestAccount::new().await;
    let text = format!(
        "Kalshi-API-Key-ID: {}\n{}",
        account.old,
        account.sandbox.root_private_key().expose_secret()
    );
    std::fs::write(account.file("named.pem"), text).unwrap();
    let with_id = |id: Option<&str>, arguments: &[&str]| -> Command {
        let mut command = account.command(arguments);
        match id {
            Some(id) => command.env("KALSHI_API_KEY_ID", id),
            None => command.env_remove("KALSHI_API_KEY_ID"),
        };
        command.env("KALSHI_PRIVATE_KEY_PATH", "named.pem");
        command
    };
    let mut transcripts = String::new();
    for arguments in [&["list"][..], &["list", "--private-key-path", "named.pem"]] {
        for id in [None, Some(""), Some(account.old.as_str())] {
            assert_eq!(
                ran(with_id(id, arguments)).await.code,
                0,
                "{arguments:?}, {id:?}"
            );
        }
        transcripts += &account.describe(
            "another ID",
            &ran(with_id(Some("another"), arguments)).await,
        );
    }
    transcripts += &account.describe(
        "no ID",
        &ran(with_id(None, &["list", "--private-key-path", "old.pem"])).await,
    );
    assert_transcript(
        &transcripts,
        str![[r#"
$ another ID
2> error: KALSHI_API_KEY_ID is another, but the private key in "named.pem" belongs to the API key [OLD]; unset KALSHI_API_KEY_ID, or give the private key of another
exit code 2

$ another ID
2> error: KALSHI_API_KEY_ID is another, but the private key in "named.pem" belongs to the API key [OLD]; unset KALSHI_API_KEY_ID, or give the private key of another
exit code 2

$ no ID
2> error: cannot use the key in "old.pem": no `Kalshi-API-Key-ID` line; add `Kalshi-API-Key-ID: <ID>` before the key, or pass the ID separately
exit code 2
"#]],
    );
}

#[cfg(unix)] // Windows has no FIFOs in folders; for its devices see `key_files`.
#[tokio::test]
async fn special_files_are_refused_without_blocking() {
    let account = TestAccount::new().await;
    crate::fixtures::create_fifo(&account.file("fifo"));
    for file in ["fifo", "/dev/zero", "."] {
        for arguments in [
            ["list", "--private-key-path", file],
            ["create", "--public-key", file],
        ] {
            let expected = match (arguments[0], file) {
                ("list", "fifo") => "its writer did not finish within 10 s",
                _ => "not a regular file",
            };
            let run =
                tokio::time::timeout(std::time::Duration::from_secs(20), account.run(&arguments));
            let ran = run.await.expect("the command blocks");
            assert!(
                ran.code == super::USAGE && ran.err.contains(expected),
                "{}",
                ran.err
            );
        }
    }
    assert_eq!(account.sandbox.requests(), 0);
}

#[cfg(unix)] // Sets a mode; for Windows see the next test.
#[tokio::test]
async fn a_key_file_that_others_can_read_is_warned_about() {
    use std::os::unix::fs::PermissionsExt as _;
    let account = TestAccount::new().await;
    std::fs::set_permissions(
        account.file("old.pem"),
        std::fs::Permissions::from_mode(0o640),
    )
    .unwrap();
    account.redact("[HOME]", account.folder.path().to_str().unwrap());
    let mut transcripts = account.transcript(&["list"]).await;
    let mut at_home = account.command(&["list"]);
    at_home
        .env("HOME", account.folder.path())
        .env("KALSHI_PRIVATE_KEY_PATH", "~/old.pem");
    transcripts += &account.describe("list, with ~/old.pem", &ran(at_home).await);
    assert_transcript(
        &transcripts,
        str![[r#"
$ list
ID                                    NAME  SCOPES       BINDING  REMARKS
[OLD]  root  read, write  none     unrestricted write
2> warning: "old.pem" is readable by other users; run `chmod 600 old.pem`, or replace the key (KALSHI_IGNORE_KEY_PERMISSIONS=1 silences this)
exit code 0

$ list, with ~/old.pem
ID                                    NAME  SCOPES       BINDING  REMARKS
[OLD]  root  read, write  none     unrestricted write
2> warning: "[HOME]/old.pem" is readable by other users; run `chmod 600 [HOME]/old.pem`, or replace the key (KALSHI_IGNORE_KEY_PERMISSIONS=1 silences this)
exit code 0
"#]],
    );
}

#[cfg(windows)] // Sets an access control list; for Unix see the previous test.
#[tokio::test]
async fn a_key_file_that_everyone_can_read_is_warned_about() {
    let account = TestAccount::new().await;
    crate::key_files::windows::allow_everyone(&account.file("old.pem"));
    let ran = account.run(&["list"]).await;
    let advice = "warning: \"old.pem\" is readable by other users; run `icacls \"old.pem\" /inheritance:r \
                  /grant:r *S-1-3-4:F`, or replace the key (KALSHI_IGNORE_KEY_PERMISSIONS=1 silences this)\n";
    assert_eq!((ran.code, ran.err.as_str()), (0, advice));
}
