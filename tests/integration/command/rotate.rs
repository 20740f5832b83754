//! `rotate`: its lines and its exit codes. What it does under faults is in `fault_matrix`.

use kalshi_api_keys::key_file;
use kalshi_api_keys::sandbox::Fault;

use super::{LEFT_TO_DO, REFUSED, TestAccount, USAGE, ran};

#[tokio::test]
async fn each_step_is_a_line_and_the_new_key_is_what_is_left() {
    for (local, more) in [(false, &["--name", "desk"][..]), (true, &["--local", "--type", "rsa"])] {
        let account = TestAccount::new().await;
        let ran = account.run(&[&["rotate", "--out", "new.pem", "--yes", "--scope", "read"], more].concat()).await;
        let name = account.last().name;
        let expected = format!(
            "creating the key {name:?}\nsaved the private key of NEW to \"new.pem\"\nverified that NEW works\n\
             deleting OLD\ndeleted OLD\n\
             done; from now on use KALSHI_API_KEY_ID=NEW and KALSHI_PRIVATE_KEY_PATH=new.pem\n"
        );
        assert_eq!((ran.code, account.plain(&ran.out), ran.err.as_str()), (0, expected, ""));
        assert!(account.signs_in(&account.last().api_key_id, "new.pem").await);
        assert!(name.starts_with(if local { "root (rotated " } else { "desk (rotated " }), "{name}");
        let loaded = key_file::load(account.file("new.pem")).unwrap();
        assert!(!ran.shows(&loaded.key) && !loaded.readable_by_others);
        assert_eq!(account.files(), ["new.pem", "old.pem"]);
    }
}

#[tokio::test]
async fn a_refusal_leaves_nothing_and_a_lost_response_a_journal() {
    let refusal = || Fault::respond(403, "application/json", r#"{"error":{"code":"no","message":"no"}}"#);
    for (operation, fault, code, left) in [
        ("getApiKeys", refusal(), REFUSED, false),
        ("generateApiKey", refusal(), REFUSED, false),
        ("generateApiKey", Fault::DropRequest, LEFT_TO_DO, true),
        ("generateApiKey", Fault::DropResponse, LEFT_TO_DO, true),
        ("deleteApiKey", refusal(), LEFT_TO_DO, true),
    ] {
        let account = TestAccount::new().await;
        account.sandbox.fail_next_on(operation, fault.clone()).unwrap();
        let ran = account.run(&["rotate", "--out", "new.pem", "--yes"]).await;
        assert_eq!((ran.code, account.file("new.pem.rotation").exists()), (code, left), "{fault:?}: {}", ran.err);
        let says = if left {
            "; run the same rotation again to finish it"
        } else {
            if operation == "getApiKeys" { "nothing was created or deleted" } else { "no new key exists" }
        };
        assert!(ran.err.contains(says), "{}", ran.err);
        assert_eq!(account.file("new.pem").exists(), left, "{}", ran.err);
    }
    let account = TestAccount::new().await;
    let ran = account.run(&["rotate", "--out", "new.pem", "--yes", "--scope", "write::trade"]).await;
    assert_eq!((ran.code, account.files()), (USAGE, vec!["old.pem".to_owned()]));
    assert!(ran.err.contains("lacks the scope read"), "{}", ran.err);
}

/// The service accepts a timestamp for some time, and so does a gateway that holds the request back.
#[tokio::test]
async fn a_lost_response_settles_after_a_minute() {
    let account = TestAccount::new().await;
    account.sandbox.fail_next_on("generateApiKey", Fault::DropResponse).unwrap();
    let rotate = ["rotate", "--out", "new.pem", "--yes"];
    for _ in 0..2 {
        let ran = account.run(&rotate).await;
        assert_eq!(ran.code, LEFT_TO_DO, "{}", ran.err);
        assert!(ran.err.contains("one more key may still appear"), "{}", ran.err);
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
    assert_eq!((account.ids().len(), account.files()), (1, vec!["new.pem".to_owned(), "old.pem".to_owned()]));
}

#[tokio::test]
async fn a_journal_of_another_environment_or_plan_changes_nothing() {
    let account = TestAccount::new().await;
    account.sandbox.fail_next_on("generateApiKey", Fault::DropResponse).unwrap();
    let rotate = ["rotate", "--out", "new.pem", "--yes"];
    account.run(&rotate).await;
    let (keys, files) = (account.ids(), account.files());

    let other = TestAccount::new().await;
    let mut elsewhere = account.command(&rotate);
    elsewhere.env("KALSHI_API_BASE_URL", other.sandbox.base_url());
    let elsewhere = ran(elsewhere).await;
    assert!(elsewhere.err.contains("use that environment"), "{}", elsewhere.err);
    assert_eq!((elsewhere.code, other.sandbox.requests()), (LEFT_TO_DO, 0));

    let requests = account.sandbox.requests();
    for (more, what) in [
        (&["--name", "other"][..], "name"),
        (&["--scope", "read"], "set of scopes"),
        (&["--local"], "source of its key pair"),
    ] {
        let ran = account.run(&[&rotate[..], more].concat()).await;
        assert!(ran.err.contains(&format!("an unfinished rotation has another {what}")), "{}", ran.err);
        assert_eq!((ran.code, account.sandbox.requests()), (LEFT_TO_DO, requests));
    }
    assert_eq!((account.ids(), account.files()), (keys, files));
}
