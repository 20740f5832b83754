//! `rotate`: its lines and its exit codes. What it does under faults is in `fault_matrix`.

use std::sync::Mutex;

use kalshi_api_keys::key_file;
use kalshi_api_keys::sandbox::Fault;
use serde_json::{Value, json};
use snapbox::str;

use super::{INCOMPLETE, REFUSED, Ran, TestAccount, assert_transcript, ran, refusal};
use crate::raw_server::{RawServer, Reply};

#[tokio::test]
async fn each_step_is_a_line_and_the_new_key_is_what_is_left() {
    let mut transcripts = String::new();
    for more in [&["--name", "desk"][..], &["--local", "--type", "rsa"]] {
        let account = TestAccount::new().await;
        let ran = account
            .run(
                &[
                    &["rotate", "--out", "new.pem", "--yes", "--scope", "read"],
                    more,
                ]
                .concat(),
            )
            .await;
        transcripts += &account.describe(&more.join(" "), &ran);
        assert!(
            account
                .signs_in(&account.last().api_key_id, "new.pem")
                .await
        );
        let loaded = key_file::load(account.file("new.pem")).unwrap();
        assert!(!ran.shows(&loaded.key) && !loaded.readable_by_others);
        assert_eq!(account.files(), ["new.pem", "old.pem"]);
    }
    assert_transcript(
        &transcripts,
        str![[r#"
$ --name desk
creating the key "desk (rotated [DATE_AND_TOKEN])"
saved the key [NEW] to "new.pem"
verified that [NEW] works
deleting [OLD]
deleted [OLD]
done; from now on use KALSHI_API_KEY_ID=[NEW] and KALSHI_PRIVATE_KEY_PATH=new.pem
exit code 0

$ --local --type rsa
creating the key "root (rotated [DATE_AND_TOKEN])"
saved the key [NEW] to "new.pem"
verified that [NEW] works
deleting [OLD]
deleted [OLD]
done; from now on use KALSHI_API_KEY_ID=[NEW] and KALSHI_PRIVATE_KEY_PATH=new.pem
exit code 0
"#]],
    );
}

#[tokio::test]
async fn a_refusal_leaves_nothing_and_a_lost_response_a_journal() {
    let mut transcripts = String::new();
    for (operation, fault, left) in [
        ("getApiKeys", refusal(), false),
        ("generateApiKey", refusal(), false),
        ("generateApiKey", Fault::DropRequest, true),
        ("generateApiKey", Fault::DropResponse, true),
        ("deleteApiKey", refusal(), true),
    ] {
        let account = TestAccount::new().await;
        account
            .sandbox
            .fail_next_on(operation, fault.clone())
            .unwrap();
        let ran = account.run(&["rotate", "--out", "new.pem", "--yes"]).await;
        let exist = ["new.pem", "new.pem.rotation"].map(|file| account.file(file).exists());
        assert_eq!(exist, [left, left], "{fault:?}: {}", ran.err);
        transcripts += &account.describe(
            &format!("{operation}: {fault:?}"),
            &Ran {
                out: String::new(),
                ..ran
            },
        );
    }
    let account = TestAccount::new().await;
    transcripts += &account
        .transcript(&[
            "rotate",
            "--out",
            "new.pem",
            "--yes",
            "--scope",
            "write::trade",
        ])
        .await;
    assert_eq!(account.files(), ["old.pem"]);
    assert_transcript(
        &transcripts,
        str![[r#"
$ getApiKeys: Respond { status: 403, content_type: "application/json", .. }
2> error: cannot list the keys: the service returned 403: forbidden; sign with an unrestricted key of the account's owner, bound to no sub-account or FCM subtrader, that has the scope `read`; nothing was created or deleted
exit code 1

$ generateApiKey: Respond { status: 403, content_type: "application/json", .. }
2> error: creating the new key failed: the service returned 403: forbidden; sign with an unrestricted key of the account's owner, bound to no sub-account or FCM subtrader, that has the scope `write`; the old key [OLD] is active, and no new key exists
exit code 1

$ generateApiKey: DropRequest
2> error: the response to a request that creates a key was lost, so one more key may still appear; the old key [OLD] is deleted, the new key [NEW] is saved; run the same rotation again to finish it
exit code 4

$ generateApiKey: DropResponse
2> error: the response to a request that creates a key was lost, so one more key may still appear; the old key [OLD] is deleted, the new key [NEW] is saved; run the same rotation again to finish it
exit code 4

$ deleteApiKey: Respond { status: 403, content_type: "application/json", .. }
2> error: cannot delete the key [OLD]: the service returned 403: forbidden; sign with an unrestricted key of the account's owner, bound to no sub-account or FCM subtrader, that has the scope `write`; the old key [OLD] is in an unknown state, the new key [NEW] is saved; run the same rotation again to finish it
exit code 4

$ rotate --out new.pem --yes --scope write::trade
2> error: cannot rotate this key: the new key would lack the scope read; rotate it by hand; nothing was created or deleted
exit code 2
"#]],
    );
}

/// The service accepts a timestamp for some time, and so does a gateway that holds the request
/// back.
#[tokio::test]
async fn a_lost_response_settles_after_a_minute() {
    let account = TestAccount::new().await;
    account
        .sandbox
        .fail_next_on("generateApiKey", Fault::DropResponse)
        .unwrap();
    let rotate = ["rotate", "--out", "new.pem", "--yes"];
    for _ in 0..2 {
        let ran = account.run(&rotate).await;
        assert_eq!(ran.code, INCOMPLETE, "{}", ran.err);
        assert!(
            ran.err.contains("one more key may still appear"),
            "{}",
            ran.err
        );
    }
    assert_eq!(account.files(), ["new.pem", "new.pem.rotation", "old.pem"]);
    // As if it had been sent a minute ago.
    let journal = std::fs::read_to_string(account.file("new.pem.rotation")).unwrap();
    let (before, sent) = journal.split_once("create_sent\":").unwrap();
    let (at, after) = sent.split_once('}').unwrap();
    let earlier = at.parse::<u64>().unwrap() - 61;
    let moved = format!("{before}create_sent\":{earlier}}}{after}");
    std::fs::write(account.file("new.pem.rotation"), moved).unwrap();
    assert_eq!(account.run(&rotate).await.code, 0);
    assert_eq!(
        (account.ids().len(), account.files()),
        (1, vec!["new.pem".to_owned(), "old.pem".to_owned()])
    );
}

#[tokio::test]
async fn a_journal_of_another_environment_or_plan_changes_nothing() {
    let account = TestAccount::new().await;
    account
        .sandbox
        .fail_next_on("generateApiKey", Fault::DropResponse)
        .unwrap();
    let rotate = ["rotate", "--out", "new.pem", "--yes"];
    account.run(&rotate).await;
    let (keys, files) = (account.ids(), account.files());

    let other = TestAccount::new().await;
    let mut elsewhere = account.command(&rotate);
    elsewhere.env("KALSHI_API_BASE_URL", other.sandbox.base_url());
    let mut transcripts = account.describe("another environment", &ran(elsewhere).await);
    assert_eq!(other.sandbox.requests(), 0);

    let requests = account.sandbox.requests();
    for more in [&["--name", "other"][..], &["--scope", "read"], &["--local"]] {
        transcripts += &account.transcript(&[&rotate[..], more].concat()).await;
    }
    assert_transcript(
        &transcripts,
        str![[r#"
$ another environment
2> error: cannot use the journal of the rotation: "new.pem.rotation" is the journal of a rotation at [URL]; use that environment
exit code 4

$ rotate --out new.pem --yes --name other
2> error: the unfinished rotation to this file has a different name; run that one again first; the old key [OLD] is in an unknown state
exit code 4

$ rotate --out new.pem --yes --scope read
2> error: the unfinished rotation to this file has a different set of scopes; run that one again first; the old key [OLD] is in an unknown state
exit code 4

$ rotate --out new.pem --yes --local
2> error: the unfinished rotation to this file has a different source of its key pair; run that one again first; the old key [OLD] is in an unknown state
exit code 4
"#]],
    );
    assert_eq!(account.sandbox.requests(), requests);
    assert_eq!((account.ids(), account.files()), (keys, files));
}

#[tokio::test]
async fn unusable_private_key_is_no_usage_error() {
    let account = TestAccount::new().await;
    let old = json!({ "api_key_id": account.old, "name": "root", "scopes": ["read", "write"] });
    let keys = Mutex::new(vec![old]);
    let server = RawServer::start(move |_, request| {
        let mut keys = keys.lock().unwrap();
        match request.method() {
            "GET" => Reply::json(200, json!({ "api_keys": *keys }).to_string()),
            "POST" => {
                let mut key: Value = serde_json::from_slice(request.body()).unwrap();
                key["api_key_id"] = "new".into();
                keys.push(key);
                let damaged = "-----BEGIN PRIVATE KEY-----";
                let response = json!({ "api_key_id": "new", "private_key": damaged });
                Reply::json(201, response.to_string())
            }
            _ => {
                keys.pop();
                Reply::new(204, "", "")
            }
        }
    })
    .await;
    let ran = account
        .run(&[
            "rotate",
            "--out",
            "new.pem",
            "--yes",
            "--api-base-url",
            server.base_url(),
        ])
        .await;
    assert_eq!(ran.code, REFUSED, "{}", ran.err);
    assert_eq!(account.files(), ["old.pem"]);
}
