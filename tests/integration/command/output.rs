//! Output to a closed pipe.

use super::{REFUSED, TestAccount, closed, ran_into};
use crate::fixtures::KEY_ID;

#[tokio::test]
async fn a_closed_pipe_does_not_panic() {
    let account = TestAccount::new().await;
    for arguments in [
        &["list"][..],
        &["list", "--json"],
        &["whoami"],
        &["sign", "GET", "/trade-api/v2/a"],
        &["completions", "bash"],
        &["--help"],
        &["generate", "--out", "a.pem"],
        &["rotate", "--out", "b.pem", "--yes"],
    ] {
        let ran = ran_into(closed(), account.command(arguments)).await;
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.err);
        assert!(!ran.err.contains("panic"), "{}", ran.err);
    }
    let mut command = account.command(&["list", "--api-key-id", KEY_ID]);
    assert_eq!(
        command.stderr(closed()).status().await.unwrap().code(),
        Some(REFUSED)
    );
}
