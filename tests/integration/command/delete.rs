//! `delete`: only a list proves a deletion, and only what was confirmed is deleted.

use kalshi_api_keys::sandbox::Fault;
use kalshi_api_keys::types::ApiKeyScope;
use snapbox::str;

use super::{FORBIDDEN, REFUSED, TestAccount, assert_transcript, refusal};

#[tokio::test]
async fn a_key_is_reported_deleted_once_a_list_proves_it() {
    for (fault, requests) in [
        (None, 4),
        (Some(Fault::DropResponse), 4),
        (Some(Fault::DropRequest), 6),
        (Some(Fault::ReplaceStatus(504)), 4),
        (Some(Fault::respond(404, "text/html", "<html>")), 6),
        (
            Some(Fault::respond(
                404,
                "application/json",
                r#"{"error":{"code":"not_found","message":"x"}}"#,
            )),
            6,
        ),
        (Some(Fault::respond(204, "", "")), 6),
    ] {
        let account = TestAccount::new().await;
        account.key("report", vec![ApiKeyScope::Read], None);
        if let Some(fault) = fault.clone() {
            account.sandbox.fail_next_on("deleteApiKey", fault).unwrap();
        }
        let ran = account.run(&["delete", "report", "--yes"]).await;
        assert_eq!(
            (ran.code, ran.out.as_str(), ran.err.as_str()),
            (0, "deleted report\n", ""),
            "{fault:?}"
        );
        assert_eq!(
            (account.ids(), account.sandbox.requests()),
            (vec![account.old.clone()], requests),
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn a_refused_deletion_and_an_unknown_key_are_exit_1() {
    let account = TestAccount::new().await;
    account.key("report", vec![ApiKeyScope::Read], None);
    account
        .sandbox
        .fail_next_on("deleteApiKey", refusal())
        .unwrap();
    let refused = account.transcript(&["delete", "report", "--yes"]).await;
    assert_eq!(account.ids().len(), 2);
    let unknown = account
        .transcript(&["delete", "no-such-key", "--yes"])
        .await;
    assert_transcript(
        &(refused + &unknown),
        str![[r#"
$ delete report --yes
2> error: the service returned 403: forbidden; sign with an unrestricted key of the account's owner, bound to no sub-account or FCM subtrader, that has the scope `write`
exit code 1

$ delete no-such-key --yes
2> error: the account has no key no-such-key; list the keys to see which exist
exit code 1
"#]],
    );
}

/// A rejection may be a gateway's, written after the key was deleted, in whichever format.
#[tokio::test]
async fn rejected_deletion_is_judged_by_a_list() {
    use crate::gateway::{Fault, Gateway};

    struct Case {
        fault: Fault,
        code: i32,
    }
    let cases = [
        Case {
            fault: Fault::RespondAfter(403, "application/json", FORBIDDEN),
            code: 0,
        },
        Case {
            fault: Fault::RespondAfter(403, "text/html", "<html>"),
            code: 0,
        },
        Case {
            fault: Fault::Respond(403, "application/json", FORBIDDEN),
            code: REFUSED,
        },
    ];
    for Case { fault, code } in cases {
        let account = TestAccount::new().await;
        account.key("report", vec![ApiKeyScope::Read], None);
        // The command lists the keys twice before it deletes one.
        let gateway = Gateway::start(&account.sandbox, fault, 3, false).await;
        let url = gateway.base_url();
        let ran = account
            .run(&["delete", "report", "--yes", "--api-base-url", url])
            .await;
        assert_eq!(ran.code, code, "{fault:?}: {}", ran.err);
        assert_eq!(account.ids().len() == 1, code == 0, "{fault:?}");
    }
}

#[tokio::test]
async fn a_key_cannot_prove_its_own_deletion() {
    let account = TestAccount::new().await;
    assert_transcript(
        &account.transcript(&["delete", &account.old, "--yes"]).await,
        str![[r#"
$ delete [OLD] --yes
2> error: the deletion of the key could not be verified: the service returned 401: authentication_error: NOT_FOUND; check the API key ID and the environment: a key exists in one environment only; the base URL was [URL]; list the keys with another key
exit code 4
"#]],
    );
    assert!(account.ids().is_empty());
}

#[tokio::test]
async fn without_a_terminal_nothing_is_asked_and_nothing_sent() {
    let account = TestAccount::new().await;
    account.key("report", vec![ApiKeyScope::Read], None);
    let delete = account.transcript(&["delete", "report"]).await;
    let rotate = account.transcript(&["rotate", "--out", "new.pem"]).await;
    assert_transcript(
        &(delete + &rotate),
        str![[r#"
$ delete report
2> error: no terminal to ask for confirmation, and nothing was changed; add --yes
exit code 2

$ rotate --out new.pem
2> error: no terminal to ask for confirmation, and nothing was changed; add --yes
exit code 2
"#]],
    );
    assert_eq!(account.sandbox.requests(), 0);
}

#[cfg(target_os = "linux")] // Opens a pseudo-terminal.
#[tokio::test]
async fn on_a_terminal_nothing_is_deleted_unless_the_reply_is_yes() {
    use super::USAGE;

    for (typed, code) in [
        ("n\n", USAGE),
        ("\n", USAGE),
        ("yn\n", USAGE),
        ("\x04", USAGE),
        ("Yes\n", 0),
        ("y\n", 0),
    ] {
        let account = TestAccount::new().await;
        account.key("report", vec![ApiKeyScope::Read], None);
        let (shown, ended) =
            typed_at_a_terminal(account.command(&["delete", "report"]), typed).await;
        let question = format!(
            "Delete the key report (the report: read) of {}? [y/N] ",
            account.sandbox.base_url()
        );
        assert!(shown.contains(&question), "{shown}");
        assert_eq!(
            (ended, account.ids().contains(&"report".to_owned())),
            (code, code != 0),
            "{typed:?}: {shown}"
        );
        assert_eq!(shown.contains("error: not confirmed"), code != 0, "{shown}");
    }
}

/// Runs a command on a terminal where this is typed. Returns what the terminal shows in the end,
/// and the exit code.
#[cfg(target_os = "linux")] // Opens a pseudo-terminal.
async fn typed_at_a_terminal(mut command: tokio::process::Command, typed: &str) -> (String, i32) {
    use std::io::{Read as _, Write as _};
    use std::process::Stdio;

    use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};

    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let keyboard = openpt(flags).unwrap();
    grantpt(&keyboard).unwrap();
    unlockpt(&keyboard).unwrap();
    let terminal = ioctl_tiocgptpeer(&keyboard, flags).unwrap();
    let mut keyboard = std::fs::File::from(keyboard);
    keyboard.write_all(typed.as_bytes()).unwrap();
    command
        .stdin(terminal.try_clone().unwrap())
        .stderr(terminal)
        .stdout(Stdio::null());
    let ended = command.status().await.unwrap();
    drop(command);
    let mut shown = Vec::new();
    // Reading ends in an error once no process has the terminal open.
    let _ = keyboard.read_to_end(&mut shown);
    (String::from_utf8(shown).unwrap(), ended.code().unwrap())
}
