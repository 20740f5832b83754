//! `rotation::rotate` as a program uses it. What it does under faults is in `fault_matrix`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kalshi_api_keys::rotation::{
    self, Failure, JournalError, KeyState, Plan, RetryPolicy, RotationError, Step, rotate,
};
use kalshi_api_keys::sandbox::{Fault, Sandbox, Tier};
use kalshi_api_keys::types::{ApiKey, ApiKeyScope, ApiKeyType, Subaccount};
use kalshi_api_keys::{Client, Credentials, KeyAlgorithm, Operation, key_file};

use crate::fixtures::{KEY_ID, credentials, ed25519, unreachable_url};
use crate::raw_server::{RawServer, Reply};

/// A sandbox, a client that signs with its root key, and a folder for the new key.
pub struct TestAccount {
    pub sandbox: Arc<Sandbox>,
    pub client: Client,
    pub old: String,
    folder: tempfile::TempDir,
}

impl TestAccount {
    pub async fn new() -> Self {
        let sandbox = Arc::new(Sandbox::start().await.unwrap());
        let credentials = sandbox.credentials();
        let old = credentials.key_id().to_owned();
        let client = Client::new(sandbox.environment(), credentials).unwrap();
        Self {
            sandbox,
            client,
            old,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("new.pem")
    }

    /// A plan that hardly waits.
    pub fn plan(&self) -> Plan {
        Plan::new(self.file())
            .retry_policy(RetryPolicy::new(3, Duration::from_millis(1)))
            .settle_time(Duration::ZERO)
    }

    pub fn ids(&self) -> Vec<String> {
        self.sandbox
            .keys()
            .into_iter()
            .map(|key| key.api_key_id)
            .collect()
    }

    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut files: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        files
    }

    fn register(
        &self,
        id: &str,
        scopes: Vec<ApiKeyScope>,
        subaccount: Option<u8>,
        fcm_subtrader_id: Option<&str>,
    ) {
        let key = serde_json::json!({
            "api_key_id": id, "name": format!("the {id}"), "scopes": scopes, "subaccount": subaccount,
            "fcm_subtrader_id": fcm_subtrader_id,
        });
        self.sandbox
            .register(serde_json::from_value(key).unwrap(), &ed25519().public)
            .unwrap();
    }

    fn key(&self, id: &str) -> ApiKey {
        self.sandbox
            .keys()
            .into_iter()
            .find(|key| key.api_key_id == id)
            .unwrap()
    }

    pub async fn fails(&self, plan: Plan) -> RotationError {
        rotate(&self.client, plan).await.unwrap_err()
    }
}

fn refusal() -> Fault {
    Fault::respond(
        403,
        "application/json",
        r#"{"error":{"code":"no","message":"no"}}"#,
    )
}

#[test]
fn every_future_can_be_spawned() {
    fn is_send<T: Send>(_: impl FnOnce(&'static Client, Plan) -> T) {}
    is_send(rotate);
    is_send(|client, _| rotation::delete(client, "a", RetryPolicy::default()));
    is_send(|client, _| rotation::list(client));
    is_send(|client, _| client.get_api_keys().send());
    is_send(|client, _| client.delete_api_key().send());
    is_send(|client, _| client.create_api_key().send());
    is_send(|client, _| client.generate_api_key().send());
    is_send(|client, _| client.execute(client.request(http::Method::GET, "/portfolio/balance")));
    is_send(|client, _| {
        let list = Operation::find("getApiKeys").unwrap();
        client.execute_operation(list, client.request(http::Method::GET, list.path))
    });
}

#[tokio::test]
async fn the_new_key_takes_over_and_each_step_is_reported() {
    for local in [false, true] {
        let account = TestAccount::new().await;
        let steps = Arc::new(Mutex::new(Vec::new()));
        let log = steps.clone();
        let plan = account
            .plan()
            .on_step(move |step| log.lock().unwrap().push(step.clone()));
        let plan = if local {
            plan.generate_locally(KeyAlgorithm::Rsa)
        } else {
            plan
        };
        let rotated = rotate(&account.client, plan).await.unwrap();

        let new = account.sandbox.keys().remove(0);
        assert_eq!(
            (account.ids(), &new.api_key_id),
            (vec![rotated.key_id.clone()], &rotated.key_id)
        );
        let new_name = new.name.unwrap();
        assert!(new_name.starts_with("root (rotated "), "{new_name}");
        assert_eq!(
            new.scopes,
            Some(vec![ApiKeyScope::Read, ApiKeyScope::Write])
        );
        assert_eq!(
            Credentials::from_key_file(account.file()).unwrap().key_id(),
            new.api_key_id
        );
        rotated.client.get_api_keys().send().await.unwrap();
        account.client.get_api_keys().send().await.unwrap_err();
        assert_eq!(account.files(), ["new.pem"]);

        let (key_id, old) = (new.api_key_id, account.old.clone());
        let expected = [
            Step::Creating { name: new_name },
            Step::Saved {
                key_id: key_id.clone(),
                file: account.file(),
            },
            Step::Verified { key_id },
            Step::Deleting {
                key_id: old.clone(),
            },
            Step::Deleted {
                key_id: old.clone(),
            },
        ];
        let steps = steps.lock().unwrap();
        assert_eq!(*steps, expected);
        assert_eq!(steps[4].to_string(), format!("deleted {old}"));
        assert_eq!(
            serde_json::to_value(&steps[4]).unwrap(),
            serde_json::json!({ "step": "deleted", "key_id": old })
        );
    }
}

#[tokio::test]
async fn the_new_key_is_as_planned_or_as_the_old_one() {
    let account = TestAccount::new().await;
    account.register("other", vec![ApiKeyScope::Read], None, None);

    // Not the key that signs, and one that may not write.
    let rotated = rotate(&account.client, account.plan().replace("other"))
        .await
        .unwrap();
    let key = account.key(&rotated.key_id);
    assert_eq!(key.scopes, Some(vec![ApiKeyScope::Read]));
    assert_eq!(key.subaccount, None);
    let first_name = key.name.unwrap();
    assert!(first_name.starts_with("the other (rotated "));
    assert_eq!(account.ids(), [account.old.clone(), rotated.key_id.clone()]);

    // The mark of the earlier rotation is replaced, not added to.
    std::fs::remove_file(account.file()).unwrap();
    let again = rotate(&account.client, account.plan().replace(&rotated.key_id))
        .await
        .unwrap();
    let name = account.key(&again.key_id).name.unwrap();
    assert!(name.starts_with("the other (rotated "), "{name}");
    assert_eq!(name.len(), first_name.len());
    assert_ne!(name, first_name);

    std::fs::remove_file(account.file()).unwrap();
    account.register("restricted", vec![ApiKeyScope::Read], Some(7), None);
    let plan = account.plan().replace("restricted").name("report");
    let plan = plan
        .scopes(vec![ApiKeyScope::Read, ApiKeyScope::WriteTrade])
        .subaccount(None);
    let third = rotate(&account.client, plan.generate_at_service(ApiKeyType::Rsa))
        .await
        .unwrap();
    let key = account.key(&third.key_id);
    assert!(key.name.unwrap().starts_with("report (rotated "));
    assert_eq!(key.subaccount, None);
    assert_eq!(
        key.scopes,
        Some(vec![ApiKeyScope::Read, ApiKeyScope::WriteTrade])
    );
    assert!(
        std::fs::read_to_string(third.file)
            .unwrap()
            .contains("\n-----BEGIN RSA")
    );
}

/// Dropped at any request, which is what a crash is to the service, and run again.
#[tokio::test]
async fn a_rotation_that_was_dropped_anywhere_is_finished_by_the_next() {
    for (operation, nth) in [
        ("getApiKeys", 1),
        ("getApiKeys", 2),
        ("generateApiKey", 1),
        ("getApiKeys", 3),
        ("deleteApiKey", 1),
        ("getApiKeys", 4),
    ] {
        let account = TestAccount::new().await;
        for _ in 1..nth {
            account
                .sandbox
                .fail_next_on(operation, Fault::Delay(Duration::ZERO))
                .unwrap();
        }
        account
            .sandbox
            .fail_next_on(operation, Fault::Delay(Duration::from_secs(600)))
            .unwrap();
        let steps = Arc::new(Mutex::new(Vec::new()));
        let log = steps.clone();
        let plan = account
            .plan()
            .on_step(move |step| log.lock().unwrap().push(step.clone()));
        let running = tokio::spawn({
            let client = account.client.clone();
            async move { rotate(&client, plan).await }
        });
        let expected = match (operation, nth) {
            ("getApiKeys", nth @ ..3) => nth,
            ("getApiKeys", 3) => 4,
            ("getApiKeys", _) => 6,
            ("deleteApiKey", _) => 5,
            _ => 3,
        };
        while account.sandbox.requests() < expected {
            tokio::task::yield_now().await;
        }
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());

        let rotated = rotate(&account.client, account.plan()).await.unwrap();
        assert_eq!(
            (account.ids(), account.files()),
            (vec![rotated.key_id], vec!["new.pem".to_owned()]),
            "{operation} {nth}"
        );
    }
}

#[tokio::test]
async fn a_stop_lets_the_request_in_flight_finish_and_saves_its_key() {
    let account = TestAccount::new().await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let mut stop = Some(stop);
    let plan = account
        .plan()
        .stop_on(async { drop(stopped.await) })
        .on_step(move |step| {
            if matches!(step, Step::Creating { .. }) {
                stop.take();
            }
        });
    let error = account.fails(plan).await;
    assert!(matches!(error.failure, Failure::Stopped), "{error}");
    assert_eq!(
        (account.ids().len(), account.files()),
        (2, vec!["new.pem".to_owned(), "new.pem.rotation".to_owned()])
    );
    assert!(
        error
            .state
            .new_key_id
            .is_some_and(|id| account.ids().contains(&id))
    );
    let rotated = rotate(&account.client, account.plan()).await.unwrap();
    assert_eq!(account.ids(), [rotated.key_id]);
}

#[tokio::test]
async fn a_second_run_at_once_sends_nothing() {
    let account = TestAccount::new().await;
    account
        .sandbox
        .fail_next_on("generateApiKey", Fault::Delay(Duration::from_secs(600)))
        .unwrap();
    let first = tokio::spawn({
        let (client, plan) = (account.client.clone(), account.plan());
        async move { rotate(&client, plan).await }
    });
    while account.ids().len() < 2 {
        tokio::task::yield_now().await;
    }
    let requests = account.sandbox.requests();
    let error = account.fails(account.plan()).await;
    assert!(
        matches!(
            error.failure,
            Failure::Journal(JournalError::InProgress { .. })
        ),
        "{error}"
    );
    assert_eq!(account.sandbox.requests(), requests);
    first.abort();
    assert!(first.await.is_err());
    rotate(&account.client, account.plan()).await.unwrap();
    assert_eq!(account.ids().len(), 1);
}

#[tokio::test]
async fn a_failure_reports_the_state_of_the_keys() {
    let cases = [
        ("getApiKeys", refusal(), KeyState::Unknown, false, 1),
        ("generateApiKey", refusal(), KeyState::Active, false, 1),
        ("deleteApiKey", refusal(), KeyState::Unknown, true, 2),
    ];
    for (operation, fault, old_key, unfinished, keys) in cases {
        let account = TestAccount::new().await;
        account.sandbox.fail_next_on(operation, fault).unwrap();
        let error = account.fails(account.plan()).await;
        let state = &error.state;
        assert_eq!(
            (state.old_key, state.journal.is_some()),
            (old_key, unfinished),
            "{operation}: {error}"
        );
        assert_eq!(
            (account.ids().len(), state.new_key_id.is_some()),
            (keys, unfinished),
            "{operation}: {error}"
        );
        assert_eq!(account.files().is_empty(), !unfinished);
        let line = error.to_string();
        assert!(
            !line.contains('\n') && line.contains("run the same rotation again") == unfinished,
            "{line}"
        );
    }
}

#[tokio::test]
async fn restricted_key_does_not_rotate_itself() {
    let account = TestAccount::new().await;
    let scopes = vec![ApiKeyScope::Read, ApiKeyScope::Write];
    account.register("restricted", scopes, Some(7), None);
    let credentials =
        Credentials::from_pem("restricted", ed25519().private.expose_secret()).unwrap();
    let client = Client::new(account.sandbox.environment(), credentials).unwrap();
    let keys = account.ids();

    let cannot_list = rotate(&client, account.plan()).await.unwrap_err();
    assert!(
        matches!(cannot_list.failure, Failure::List(_)),
        "{cannot_list}"
    );
    account.sandbox.set_restricted_keys_may_list(true);
    let still_restricted = rotate(&client, account.plan()).await.unwrap_err();
    assert!(
        matches!(still_restricted.failure, Failure::CannotVerify(_)),
        "{still_restricted}"
    );
    let plan = account.plan().subaccount(None);
    let cannot_create = rotate(&client, plan).await.unwrap_err();
    assert!(
        matches!(cannot_create.failure, Failure::Create(_)),
        "{cannot_create}"
    );
    for error in [cannot_list, still_restricted, cannot_create] {
        assert_eq!(error.state.journal, None, "{error}");
    }
    assert_eq!(account.ids(), keys);
    assert!(account.files().is_empty());
}

#[tokio::test]
async fn an_impossible_plan_is_refused_before_anything_is_created() {
    let account = TestAccount::new().await;
    let error = account.fails(account.plan().replace("no such key")).await;
    assert!(matches!(error.failure, Failure::OldKeyNotFound), "{error}");
    account.register("fcm", vec![ApiKeyScope::Read], None, Some("user_1"));
    account.register("restricted", vec![ApiKeyScope::Read], Some(7), None);
    let keys = account.ids();
    for plan in [
        account
            .plan()
            .scopes(vec![ApiKeyScope::ReadPortfolioBalance]),
        account.plan().scopes(vec![]),
        account.plan().replace("fcm"),
        account.plan().replace("restricted"),
        account
            .plan()
            .subaccount(Some(Subaccount::try_from(0).unwrap())),
    ] {
        let error = account.fails(plan).await;
        assert!(matches!(error.failure, Failure::CannotVerify(_)), "{error}");
        assert_eq!(account.ids(), keys);
        assert!(account.files().is_empty());
    }
    for path in ["no/such/folder", "slash.pem/", &"a".repeat(300)] {
        let error = account
            .fails(Plan::new(account.folder.path().join(path)))
            .await;
        assert!(
            matches!(
                error.failure,
                Failure::Save(key_file::KeyFileError::NotSaved { .. })
            ),
            "{error}"
        );
    }
    std::fs::write(account.file(), "there already").unwrap();
    let error = account.fails(account.plan()).await;
    assert!(
        matches!(
            error.failure,
            Failure::Save(key_file::KeyFileError::Exists { .. })
        ),
        "{error}"
    );
    assert_eq!(account.ids(), keys);
    assert_eq!(account.files(), ["new.pem"]);
}

/// Nothing says any more that the private key was lost, if only the last failure is reported.
#[tokio::test]
async fn a_key_that_cannot_be_saved_is_reported_even_if_it_cannot_be_deleted_either() {
    let account = TestAccount::new().await;
    let file = account.file();
    let plan = account
        .plan()
        .retry_policy(RetryPolicy::new(1, Duration::ZERO))
        .on_step(move |step| {
            if matches!(step, Step::Creating { .. }) {
                std::fs::write(&file, "somebody else's").unwrap();
            }
        });
    for fault in [
        Fault::Delay(Duration::ZERO),
        Fault::Delay(Duration::ZERO),
        Fault::DropResponse,
    ] {
        account.sandbox.fail_next_on("getApiKeys", fault).unwrap();
    }
    let error = account.fails(plan).await;
    let Failure::CleanUp { reason, source } = &error.failure else {
        panic!("{error}")
    };
    assert!(
        matches!(
            **reason,
            Failure::Save(key_file::KeyFileError::Exists { .. })
        ),
        "{error}"
    );
    assert!(matches!(**source, Failure::List(_)), "{error}");
    let line = error.to_string();
    assert!(
        line.contains("already exists, and") && !line.contains("choose another name"),
        "{line}"
    );
    assert!(line.contains("run the same rotation again"), "{line}");
    assert_eq!(account.ids().len(), 2);
}

/// Somebody else takes the name while the key is created.
#[tokio::test]
async fn a_key_that_cannot_be_saved_is_deleted_and_the_file_is_left_alone() {
    let account = TestAccount::new().await;
    let file = account.file();
    let plan = account.plan().on_step(move |step| {
        if matches!(step, Step::Creating { .. }) {
            std::fs::write(&file, "somebody else's").unwrap();
        }
    });
    let error = account.fails(plan).await;
    assert!(
        matches!(
            error.failure,
            Failure::Save(key_file::KeyFileError::Exists { .. })
        ),
        "{error}"
    );
    assert!(error.state.journal.is_none());
    assert_eq!(
        (account.ids(), account.files()),
        (vec![account.old.clone()], vec!["new.pem".to_owned()])
    );
    assert_eq!(
        std::fs::read_to_string(account.file()).unwrap(),
        "somebody else's"
    );
}

/// Neither says what the other does: that no further attempt is made, and that one more key may
/// appear.
#[tokio::test]
async fn a_refusal_after_a_lost_response_is_reported_with_it() {
    let account = TestAccount::new().await;
    for fault in [Fault::DropResponse, refusal()] {
        account
            .sandbox
            .fail_next_on("generateApiKey", fault)
            .unwrap();
    }
    let error = account.fails(account.plan()).await;
    let Failure::CleanUp { reason, source } = &error.failure else {
        panic!("{error}")
    };
    assert!(
        matches!(**reason, Failure::Create(_)) && matches!(**source, Failure::Unsettled),
        "{error}"
    );
    assert_eq!(account.ids(), [account.old.as_str()]);
}

/// The service, or a proxy that rewrites requests, creates the key with fewer scopes.
#[tokio::test]
async fn a_new_key_that_is_not_as_asked_for_is_not_used() {
    let account = TestAccount::new().await;
    let sandbox = account.sandbox.clone();
    let file = account.file();
    let plan = account.plan().on_step(move |step| {
        let Step::Creating { name } = step else {
            return;
        };
        let key = ApiKey::builder()
            .api_key_id("weak")
            .name(name.clone())
            .scopes(vec![ApiKeyScope::Read]);
        sandbox
            .register(key.try_into().unwrap(), &ed25519().public)
            .unwrap();
        key_file::save(&file, Some("weak"), &ed25519().private).unwrap();
        sandbox
            .fail_next_on("generateApiKey", Fault::DropRequest)
            .unwrap();
    });
    let error = account.fails(plan).await;
    assert!(
        matches!(&error.failure, Failure::KeyMismatch(id) if id == "weak"),
        "{error}"
    );
    let line = error.to_string();
    assert!(
        line.contains("to give up") && !line.contains("run the same rotation again"),
        "{line}"
    );
    assert_eq!(account.ids(), [account.old.as_str(), "weak"]);
}

/// A planted file that names the old key, or another user's, does not lead to the deletion of
/// either.
#[tokio::test]
async fn a_planted_key_file_deletes_nothing() {
    for id in ["old", "other"] {
        let account = TestAccount::new().await;
        account.register("other", vec![ApiKeyScope::Read], None, None);
        account
            .sandbox
            .fail_next_on("generateApiKey", Fault::DropRequest)
            .unwrap();
        for _ in 0..3 {
            account
                .sandbox
                .fail_next_on("generateApiKey", Fault::DropRequest)
                .unwrap();
        }
        account.fails(account.plan()).await;
        let (id, key) = match id {
            "old" => (account.old.clone(), account.sandbox.root_private_key()),
            _ => (id.to_owned(), ed25519().private.clone()),
        };
        key_file::save(account.file(), Some(&id), &key).unwrap();
        let error = account.fails(account.plan()).await;
        assert!(
            matches!(&error.failure, Failure::ForeignKey(other) if *other == id),
            "{error}"
        );
        assert_eq!(error.state.new_key_id, None);
        let line = error.to_string();
        assert!(
            line.contains("move the file away") && !line.contains("delete"),
            "{line}"
        );
        assert_eq!(account.ids(), [account.old.as_str(), "other"]);
    }
}

#[cfg(unix)] // Modes, owners, links and FIFOs; for Windows see the next test.
#[tokio::test]
async fn an_untrusted_or_invalid_journal_is_not_read() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

    let account = TestAccount::new().await;
    for _ in 0..3 {
        account
            .sandbox
            .fail_next_on("generateApiKey", Fault::DropRequest)
            .unwrap();
    }
    account.fails(account.plan()).await;
    let journal = account.folder.path().join("new.pem.rotation");
    let text = std::fs::read_to_string(&journal).unwrap();
    assert!(
        !crate::fixtures::shows_key(&text, &account.sandbox.root_private_key())
            && !text.contains("PRIVATE")
    );
    assert_eq!(
        std::fs::metadata(&journal).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let requests = account.sandbox.requests();

    let untrusted =
        |failure: &Failure| matches!(failure, Failure::Journal(JournalError::Untrusted { .. }));
    for mode in [0o640, 0o604, 0o620] {
        set_permissions(&journal, Permissions::from_mode(mode)).unwrap();
        let error = account.fails(account.plan()).await;
        assert!(untrusted(&error.failure), "{mode:o}: {error}");
    }
    // Only root can give a file away.
    set_permissions(&journal, Permissions::from_mode(0o600)).unwrap();
    if chown(&journal, Some(1), None).is_ok() {
        assert!(untrusted(&account.fails(account.plan()).await.failure));
    }
    std::fs::remove_file(&journal).unwrap();
    let elsewhere = account.folder.path().join("elsewhere");
    std::fs::write(&elsewhere, &text).unwrap();
    set_permissions(&elsewhere, Permissions::from_mode(0o600)).unwrap();
    symlink(&elsewhere, &journal).unwrap();
    assert!(untrusted(&account.fails(account.plan()).await.failure));

    std::fs::remove_file(&journal).unwrap();
    std::fs::create_dir(&journal).unwrap();
    account.fails(account.plan()).await;
    std::fs::remove_dir(&journal).unwrap();
    crate::fixtures::create_fifo(&journal);
    assert!(untrusted(&account.fails(account.plan()).await.failure));

    std::fs::remove_file(&journal).unwrap();
    let (newer, longer) = (
        text.replace("\"version\":1", "\"version\":2"),
        format!("{text}x\n"),
    );
    for text in [
        b"".as_slice(),
        b"{",
        b"{\"version\":2}",
        newer.as_bytes(),
        longer.as_bytes(),
        b"\xff\n",
    ] {
        std::fs::write(&journal, text).unwrap();
        set_permissions(&journal, Permissions::from_mode(0o600)).unwrap();
        let error = account.fails(account.plan()).await;
        assert!(
            matches!(
                error.failure,
                Failure::Journal(JournalError::Invalid { .. })
            ),
            "{text:?}: {error}"
        );
    }
    assert_eq!(account.sandbox.requests(), requests);
    // An event that a crash cut off is as if it had not been written. A larger file is not a
    // journal.
    let cut_off =
        |size: usize| format!("{text}{{\"create_se{}", "x".repeat(size - text.len() - 11));
    std::fs::write(&journal, cut_off(256 * 1024 + 1)).unwrap();
    assert!(untrusted(&account.fails(account.plan()).await.failure));
    std::fs::write(&journal, cut_off(256 * 1024)).unwrap();
    rotate(&account.client, account.plan()).await.unwrap();
    assert_eq!(account.ids().len(), 1);
}

/// A child that is just being started has the file open as well, and with it the lock.
#[cfg(unix)] // Windows has no `true`.
#[tokio::test]
async fn a_refused_journal_is_unlocked_while_processes_are_started() {
    let account = TestAccount::new().await;
    let journal = account.folder.path().join("new.pem.rotation");
    std::fs::write(&journal, "{").unwrap();
    std::fs::set_permissions(
        &journal,
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    let started = std::thread::spawn(|| {
        for _ in 0..200 {
            std::process::Command::new("true").status().unwrap();
        }
    });
    while !started.is_finished() {
        let error = account.fails(account.plan()).await;
        assert!(
            matches!(
                error.failure,
                Failure::Journal(JournalError::Invalid { .. })
            ),
            "{error}"
        );
    }
    started.join().unwrap();
}

#[cfg(windows)] // Access control lists; for Unix see the previous tests.
#[tokio::test]
async fn a_journal_that_everyone_can_open_is_not_read() {
    use crate::key_files::windows::{allow_everyone, restrict_to_owner};

    let account = TestAccount::new().await;
    for _ in 0..3 {
        account
            .sandbox
            .fail_next_on("generateApiKey", Fault::DropRequest)
            .unwrap();
    }
    account.fails(account.plan()).await;
    let journal = account.folder.path().join("new.pem.rotation");
    let requests = account.sandbox.requests();
    let untrusted =
        |failure: &Failure| matches!(failure, Failure::Journal(JournalError::Untrusted { .. }));
    allow_everyone(&journal);
    assert!(untrusted(&account.fails(account.plan()).await.failure));
    restrict_to_owner(&journal);
    let text = std::fs::read_to_string(&journal).unwrap();
    for text in [
        "",
        "{",
        &text.replace("\"version\":1", "\"version\":2"),
        &format!("{text}x\n"),
    ] {
        std::fs::write(&journal, text).unwrap();
        let error = account.fails(account.plan()).await;
        assert!(
            matches!(
                error.failure,
                Failure::Journal(JournalError::Invalid { .. })
            ),
            "{text}: {error}"
        );
    }
    assert_eq!(account.sandbox.requests(), requests);
    std::fs::write(&journal, text).unwrap();
    rotate(&account.client, account.plan()).await.unwrap();
    assert_eq!(account.ids().len(), 1);
}

/// Running programs share a client, and never sign with a deleted key.
#[tokio::test]
async fn a_switched_client_never_signs_with_a_deleted_key() {
    let account = TestAccount::new().await;
    let (sandbox, client) = (account.sandbox.clone(), account.client.clone());
    let plan = account.plan().switch_signer().on_step(move |step| {
        let signing = client.signer().credentials();
        let signs = sandbox
            .keys()
            .iter()
            .any(|key| key.api_key_id == signing.key_id());
        assert!(signs, "{step:?}: {signing:?} signs and does not exist");
    });
    let rotated = rotate(&account.client, plan).await.unwrap();
    assert_eq!(
        account.client.signer().credentials().key_id(),
        rotated.key_id
    );
    account.client.clone().get_api_keys().send().await.unwrap();
}

/// The old key deletes itself, because the new one may not.
#[tokio::test]
async fn a_client_is_switched_to_a_key_that_cannot_delete_the_old_one() {
    let account = TestAccount::new().await;
    let rotated = rotate(
        &account.client,
        account
            .plan()
            .scopes(vec![ApiKeyScope::Read])
            .switch_signer(),
    )
    .await
    .unwrap();
    assert_eq!(account.ids(), [rotated.key_id.as_str()]);
    assert_eq!(
        account.client.signer().credentials().key_id(),
        rotated.key_id
    );
}

/// The program that owns the client gives it other credentials meanwhile.
#[tokio::test]
async fn a_client_that_was_given_other_credentials_does_not_disturb_the_rotation() {
    let account = TestAccount::new().await;
    let signer = account.client.signer().clone();
    let plan = account.plan().on_step(move |_| {
        let unknown = Credentials::from_pem("unknown", ed25519().private.expose_secret()).unwrap();
        signer.replace_credentials(unknown);
    });
    let rotated = rotate(&account.client, plan).await.unwrap();
    assert_eq!(account.ids(), [rotated.key_id]);
}

#[tokio::test]
async fn a_refused_local_key_pair_leaves_nothing_behind() {
    let account = TestAccount::new().await;
    account.sandbox.set_tier(Tier::Basic);
    let error = account
        .fails(account.plan().generate_locally(KeyAlgorithm::Ed25519))
        .await;
    assert!(
        matches!(&error.failure, Failure::Create(error) if error.status() == Some(http::StatusCode::FORBIDDEN))
    );
    assert_eq!(
        (account.files().is_empty(), error.state.journal),
        (true, None)
    );
    rotate(&account.client, account.plan()).await.unwrap();
}

/// An account whose rotation created a key that the response did not name; its private key is in
/// the file, without its ID.
async fn after_a_lost_response() -> (TestAccount, String) {
    let account = TestAccount::new().await;
    account
        .sandbox
        .fail_next_on("createApiKey", Fault::DropResponse)
        .unwrap();
    let plan = account
        .plan()
        .retry_policy(RetryPolicy::new(1, Duration::ZERO));
    account
        .fails(plan.generate_locally(KeyAlgorithm::Ed25519))
        .await;
    let [old, created] = account.ids().try_into().unwrap();
    assert_eq!(old, account.old);
    (account, created)
}

#[tokio::test]
async fn a_private_key_that_this_rotation_did_not_generate_is_not_registered() {
    let (account, _) = after_a_lost_response().await;
    std::fs::remove_file(account.file()).unwrap();
    key_file::save(account.file(), None, &ed25519().private).unwrap();
    let error = account
        .fails(account.plan().generate_locally(KeyAlgorithm::Ed25519))
        .await;
    assert!(matches!(error.failure, Failure::ForeignFile), "{error}");
    // The key whose private key is gone was deleted.
    assert_eq!(account.ids(), [account.old.as_str()]);
    let kept = key_file::load(account.file()).unwrap().key;
    assert_eq!(kept.expose_secret(), ed25519().private.expose_secret());
}

/// Only a wrong signature proves that the private key in the file belongs to another key.
#[tokio::test]
async fn a_key_that_may_be_in_the_file_is_not_deleted() {
    let (account, created) = after_a_lost_response().await;
    let plan = || {
        account
            .plan()
            .retry_policy(RetryPolicy::new(1, Duration::ZERO))
            .generate_locally(KeyAlgorithm::Ed25519)
    };
    let not_found =
        r#"{"error":{"code":"authentication_error","message":"a","details":"NOT_FOUND"}}"#;
    for fault in [
        refusal(),
        Fault::respond(401, "application/json", not_found),
    ] {
        account
            .sandbox
            .fail_next_on("getApiKeys", Fault::Delay(Duration::ZERO))
            .unwrap();
        account.sandbox.fail_next_on("getApiKeys", fault).unwrap();
        let error = account.fails(plan()).await;
        assert!(matches!(error.failure, Failure::Verify(_)), "{error}");
        assert_eq!(account.ids(), [account.old.as_str(), &created]);
    }
    let rotated = rotate(&account.client, plan()).await.unwrap();
    assert_eq!(
        (account.ids(), rotated.key_id),
        (vec![created.clone()], created)
    );
}

#[tokio::test]
async fn the_temporary_file_of_a_killed_run_is_removed() {
    let account = TestAccount::new().await;
    account
        .sandbox
        .fail_next_on("generateApiKey", Fault::DropRequest)
        .unwrap();
    account
        .fails(
            account
                .plan()
                .retry_policy(RetryPolicy::new(1, Duration::ZERO)),
        )
        .await;
    std::fs::write(
        account.folder.path().join(".new.pem.kalshi-tmp"),
        "perhaps a key",
    )
    .unwrap();
    rotate(&account.client, account.plan()).await.unwrap();
    assert_eq!(account.files(), ["new.pem"]);
}

#[tokio::test]
async fn a_lost_response_keeps_the_journal_until_it_is_settled() {
    let account = TestAccount::new().await;
    account
        .sandbox
        .fail_next_on("generateApiKey", Fault::DropResponse)
        .unwrap();
    let (at_once, later) = (Duration::ZERO, Duration::from_secs(3600));
    // The second attempt of the first run succeeds, and yet the first request may still create its
    // key.
    for settle_time in [at_once, later] {
        let error = account.fails(account.plan().settle_time(settle_time)).await;
        assert!(matches!(error.failure, Failure::Unsettled), "{error}");
        assert_eq!(account.files(), ["new.pem", "new.pem.rotation"]);
    }
    // The first request creates its key after all. Only the new key can delete it: the old one is
    // gone.
    let mut late = account.sandbox.keys().remove(0);
    late.api_key_id = "late".to_owned();
    account.sandbox.register(late, &ed25519().public).unwrap();
    // An hour later.
    let journal = account.folder.path().join("new.pem.rotation");
    let text = std::fs::read_to_string(&journal).unwrap();
    let event: serde_json::Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    let sent = event["create_sent"].as_u64().unwrap();
    std::fs::write(
        &journal,
        text.replace(&sent.to_string(), &(sent - 3600).to_string()),
    )
    .unwrap();
    let rotated = rotate(
        &account.client,
        account.plan().settle_time(Duration::from_secs(60)),
    )
    .await
    .unwrap();
    assert_eq!(
        (account.ids(), account.files()),
        (vec![rotated.key_id], vec!["new.pem".to_owned()])
    );
}

#[tokio::test]
async fn a_journal_of_another_plan_or_environment_changes_nothing() {
    let account = TestAccount::new().await;
    let plan = || {
        let plan = account
            .plan()
            .replace(&account.old)
            .name("report")
            .subaccount(None);
        plan.scopes(vec![ApiKeyScope::Read, ApiKeyScope::Write])
    };
    account
        .sandbox
        .fail_next_on("generateApiKey", Fault::DropRequest)
        .unwrap();
    account
        .fails(plan().retry_policy(RetryPolicy::new(1, Duration::ZERO)))
        .await;
    let requests = account.sandbox.requests();
    for other in [
        plan().replace("other"),
        plan().name("other"),
        plan().scopes(vec![ApiKeyScope::Read]),
        plan().subaccount(Some(Subaccount::try_from(7).unwrap())),
        plan().generate_locally(KeyAlgorithm::Ed25519),
    ] {
        let error = account.fails(other).await;
        assert!(matches!(error.failure, Failure::PlanMismatch(_)), "{error}");
    }
    let elsewhere = TestAccount::new().await;
    let error = rotate(&elsewhere.client, plan()).await.unwrap_err();
    assert!(
        matches!(
            error.failure,
            Failure::Journal(JournalError::EnvironmentMismatch { .. })
        ),
        "{error}"
    );
    assert_eq!(
        (account.sandbox.requests(), elsewhere.sandbox.requests()),
        (requests, 0)
    );
    rotate(&account.client, plan()).await.unwrap();
}

#[tokio::test]
async fn a_name_in_parentheses_is_kept() {
    let account = TestAccount::new().await;
    let mut key = account.sandbox.keys().remove(0);
    key.api_key_id = "other".to_owned();
    key.name = Some("report (rotated by hand)".to_owned());
    account.sandbox.register(key, &ed25519().public).unwrap();
    let rotated = rotate(&account.client, account.plan().replace("other"))
        .await
        .unwrap();
    let name = account.key(&rotated.key_id).name.unwrap();
    assert!(
        name.starts_with("report (rotated by hand) (rotated "),
        "{name}"
    );
}

#[tokio::test]
async fn a_creation_with_a_response_is_settled() {
    let account = TestAccount::new().await;
    account
        .sandbox
        .fail_next_on("deleteApiKey", refusal())
        .unwrap();
    account.fails(account.plan()).await;
    rotate(
        &account.client,
        account.plan().settle_time(Duration::from_secs(3600)),
    )
    .await
    .unwrap();
}

/// Another run starts between the first look at the journal and its creation.
#[tokio::test]
async fn of_two_runs_that_start_at_once_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new.pem");
    let journal = folder.path().join("new.pem.rotation");
    let list = format!(
        r#"{{"api_keys":[{{"api_key_id":"{KEY_ID}","name":"a","scopes":["read","write"]}}]}}"#
    );
    let server = RawServer::start(move |_, _| {
        std::fs::write(&journal, "").unwrap();
        Reply::json(200, &list)
    })
    .await;
    let error = rotate(&server.client(credentials()), Plan::new(file))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error.failure,
            Failure::Journal(JournalError::InProgress { .. })
        ),
        "{error}"
    );
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_file_without_a_key_is_not_replaced() {
    let account = TestAccount::new().await;
    account
        .sandbox
        .fail_next_on("generateApiKey", Fault::DropRequest)
        .unwrap();
    account
        .fails(
            account
                .plan()
                .retry_policy(RetryPolicy::new(1, Duration::ZERO)),
        )
        .await;
    for text in ["not a key", ed25519().private.expose_secret()] {
        std::fs::write(account.file(), text).unwrap();
        let error = account.fails(account.plan()).await;
        assert!(
            matches!(
                error.failure,
                Failure::Credentials(_) | Failure::ForeignFile
            ),
            "{error}"
        );
        assert_eq!(
            (
                account.ids().len(),
                std::fs::read_to_string(account.file()).unwrap().as_str()
            ),
            (1, text)
        );
    }
}

mod deletion {
    use kalshi_api_keys::rotation::{DeleteError, delete};

    use super::*;

    fn own_error(status: u16) -> Fault {
        Fault::respond(
            status,
            "application/json",
            r#"{"error":{"code":"a","message":"b"}}"#,
        )
    }

    /// Deletes a key of an account in three attempts, while the service has these faults.
    async fn delete_with(
        faults: impl IntoIterator<Item = (&'static str, Fault)>,
    ) -> (TestAccount, Result<(), DeleteError>) {
        let account = TestAccount::new().await;
        account.register("other", vec![ApiKeyScope::Read], None, None);
        for (operation, fault) in faults {
            account.sandbox.fail_next_on(operation, fault).unwrap();
        }
        let deleted = delete(
            &account.client,
            "other",
            RetryPolicy::new(3, Duration::ZERO),
        )
        .await;
        (account, deleted)
    }

    #[tokio::test]
    async fn is_retried_until_a_list_proves_it() {
        let none = Fault::Delay(Duration::ZERO);
        let html = Fault::respond(403, "text/html", "<html>");
        for fault in [
            none,
            Fault::DropRequest,
            Fault::DropResponse,
            own_error(404),
            own_error(429),
            html,
        ] {
            let (account, deleted) = delete_with([("deleteApiKey", fault.clone())]).await;
            deleted.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
            assert_eq!(account.ids(), [account.old.as_str()], "{fault:?}");
        }
    }

    #[tokio::test]
    async fn is_not_reported_without_proof() {
        let (account, refused) = delete_with([("deleteApiKey", own_error(403))]).await;
        assert!(
            matches!(refused, Err(DeleteError::NotDeleted(_))),
            "{refused:?}"
        );
        assert_eq!((account.ids().len(), account.sandbox.requests()), (2, 3));

        let html = Fault::respond(403, "text/html", "<html>");
        let (account, rejected) = delete_with((0..3).map(|_| ("deleteApiKey", html.clone()))).await;
        assert!(
            matches!(rejected, Err(DeleteError::NotDeleted(_))),
            "{rejected:?}"
        );
        assert_eq!((account.ids().len(), account.sandbox.requests()), (2, 7));

        let (account, still_listed) =
            delete_with((0..3).map(|_| ("deleteApiKey", Fault::DropRequest))).await;
        assert!(
            matches!(still_listed, Err(DeleteError::StillListed)),
            "{still_listed:?}"
        );
        assert_eq!((account.ids().len(), account.sandbox.requests()), (2, 7));

        let (account, not_sent) = delete_with([("getApiKeys", own_error(403))]).await;
        assert!(
            matches!(not_sent, Err(DeleteError::NotDeleted(_))),
            "{not_sent:?}"
        );
        assert_eq!((account.ids().len(), account.sandbox.requests()), (2, 1));

        let lists = [
            ("getApiKeys", Fault::Delay(Duration::ZERO)),
            ("getApiKeys", own_error(403)),
        ];
        let (account, unverified) = delete_with(lists).await;
        assert!(
            matches!(unverified, Err(DeleteError::Unverified(_))),
            "{unverified:?}"
        );
        assert_eq!(account.sandbox.requests(), 3);
    }

    #[tokio::test]
    async fn that_was_not_sent_is_not_in_doubt() {
        let client = Client::new(unreachable_url().parse().unwrap(), credentials()).unwrap();
        for attempts in [1, 3] {
            let result = delete(&client, "other", RetryPolicy::new(attempts, Duration::ZERO)).await;
            assert!(
                matches!(result, Err(DeleteError::NotDeleted(_))),
                "{result:?}"
            );
        }
    }
}
