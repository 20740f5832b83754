//! Attacks on `rotate` and key files: files that are moved or planted between steps, lists that
//! lag, clocks that are set back, processes that race, responses that are made up.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kalshi_api_keys::rotation::{self, Failure, ListError, Plan, RetryPolicy, Step, rotate};
use kalshi_api_keys::sandbox::{Fault, Sandbox, Tier};
use kalshi_api_keys::types::{ApiKey, ApiKeyScope, PrivateKeyPem};
use kalshi_api_keys::{Client, Credentials, KeyAlgorithm};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::command::{BINARY, TestAccount, ran, refusal};
use crate::fixtures::{ed25519, rsa};
use crate::gateway::forward;
use crate::raw_server::{Received, read_request};

/// What a proxy is to do with a request: the response, or `None` to forward it.
type Rule = dyn Fn(usize, &Received) -> Option<Vec<u8>> + Send + Sync;
/// Called with the number of a request (from 1), its response, which it may change, after it was
/// forwarded.
type After = dyn Fn(usize, &Received, Vec<u8>) -> Vec<u8> + Send + Sync;

struct Proxy {
    base_url: String,
    requests: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    async fn start(
        sandbox: &Sandbox,
        rule: impl Fn(usize, &Received) -> Option<Vec<u8>> + Send + Sync + 'static,
        after: impl Fn(usize, &Received, Vec<u8>) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/trade-api/v2", listener.local_addr().unwrap());
        let upstream = sandbox.base_url().split('/').nth(2).unwrap().to_owned();
        let requests = Arc::new(AtomicUsize::new(0));
        let (count, rule, after): (_, Arc<Rule>, Arc<After>) =
            (requests.clone(), Arc::new(rule), Arc::new(after));
        let task = tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let (count, rule, after, upstream) =
                    (count.clone(), rule.clone(), after.clone(), upstream.clone());
                tokio::spawn(async move {
                    let Some(request) = read_request(&mut client).await else {
                        return;
                    };
                    let n = count.fetch_add(1, Ordering::SeqCst) + 1;
                    let response = match rule(n, &request) {
                        Some(response) => response,
                        None => {
                            let response = forward(&request, &upstream).await;
                            tokio::task::block_in_place(|| after(n, &request, response))
                        }
                    };
                    let _ = client.write_all(&response).await;
                    let _ = client.shutdown().await;
                });
            }
        });
        Self {
            base_url,
            requests,
            task,
        }
    }

    /// Forwards every request, and creates a file before the response to the `nth` one.
    async fn planting(sandbox: &Sandbox, nth: usize, file: &Path, content: &'static str) -> Self {
        let file = file.to_owned();
        let plant = move |n, _: &Received, response| {
            if n == nth {
                std::fs::write(&file, content).unwrap();
            }
            response
        };
        Self::start(sandbox, |_, _| None, plant).await
    }

    /// Forwards every request, but lists the keys as at the beginning where `is_stale` says so of
    /// the n-th request.
    async fn with_stale_lists(
        sandbox: &Sandbox,
        is_stale: impl Fn(usize) -> bool + Send + Sync + 'static,
    ) -> Self {
        let first_list: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
        let kept = first_list.clone();
        Self::start(
            sandbox,
            move |n, request| {
                (request.method() == "GET" && is_stale(n))
                    .then(|| first_list.lock().unwrap().clone())
                    .flatten()
            },
            move |_, _, response| {
                kept.lock().unwrap().get_or_insert_with(|| response.clone());
                response
            },
        )
        .await
    }

    /// The command of an account, which this proxy stands in front of.
    fn command(&self, account: &TestAccount, arguments: &[&str]) -> Command {
        let mut command = account.command(arguments);
        command.env("KALSHI_API_BASE_URL", &self.base_url);
        command
    }

    fn client(&self, credentials: Credentials) -> Client {
        Client::new(self.base_url.parse().unwrap(), credentials).unwrap()
    }
}

fn respond(status: u16, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into()
}

fn plan(file: &Path) -> Plan {
    Plan::new(file)
        .retry_policy(RetryPolicy::new(3, Duration::from_millis(1)))
        .settle_time(Duration::ZERO)
}

/// Removes the ID from a key file, as a program that converts keys does.
fn remove_id(file: &Path) {
    let text = std::fs::read_to_string(file).unwrap();
    std::fs::write(file, &text[text.find("-----BEGIN").unwrap()..]).unwrap();
}

fn ids(sandbox: &Sandbox) -> Vec<String> {
    sandbox
        .keys()
        .into_iter()
        .map(|key| key.api_key_id)
        .collect()
}

fn api_key(id: &str, name: &str, scopes: &[ApiKeyScope]) -> ApiKey {
    serde_json::from_value(json!({ "api_key_id": id, "name": name, "scopes": scopes })).unwrap()
}

async fn works(sandbox: &Sandbox, id: &str, key: &PrivateKeyPem) -> bool {
    let credentials = Credentials::from_pem(id, key.expose_secret()).unwrap();
    Client::new(sandbox.environment(), credentials)
        .unwrap()
        .get_api_keys()
        .send()
        .await
        .is_ok()
}

const ROTATE: [&str; 4] = ["rotate", "--out", "new.pem", "--yes"];

/// The user puts the finished key into use (moves the file, switches the variables) and, as told,
/// runs it again.
#[tokio::test(flavor = "multi_thread")]
async fn a_saved_key_that_is_in_use_is_not_deleted_because_its_file_was_moved() {
    let account = TestAccount::new().await;
    account
        .sandbox
        .fail_next_on("generateApiKey", Fault::DropRequest)
        .unwrap();
    let first = account
        .run(&[&ROTATE[..], &["--settle", "0"]].concat())
        .await;
    assert_eq!(first.code, 4);
    assert!(first.err.contains("the new key "), "{}", first.err);
    let new = account.ids().remove(0);
    std::fs::rename(account.file("new.pem"), account.file("live.pem")).unwrap();
    let mut again = account.command(&[&ROTATE[..], &["--settle", "0", "--attempts", "2"]].concat());
    again
        .env("KALSHI_API_KEY_ID", &new)
        .env("KALSHI_PRIVATE_KEY_PATH", "live.pem");
    let again = ran(again).await;
    assert!(
        account.ids().contains(&new),
        "the only key was deleted; keys {:?}\n{}{}",
        account.ids(),
        again.out,
        again.err
    );
}

/// The same, signed by an administrator's key.
#[tokio::test(flavor = "multi_thread")]
async fn a_saved_key_is_not_deleted_by_another_key_because_its_file_was_moved() {
    let account = TestAccount::new().await;
    account
        .sandbox
        .register(
            api_key("bot", "bot", &[ApiKeyScope::Read]),
            &ed25519().public,
        )
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new.pem");
    let client = Client::new(account.sandbox.environment(), account.sandbox.credentials()).unwrap();
    account
        .sandbox
        .fail_next_on("generateApiKey", Fault::DropRequest)
        .unwrap();
    let error = rotate(&client, plan(&file).replace("bot"))
        .await
        .unwrap_err();
    let new = error.state.new_key_id.clone().unwrap();
    let moved = folder.path().join("live.pem");
    std::fs::rename(&file, &moved).unwrap();
    let again = rotate(&client, plan(&file).replace("bot")).await;
    assert!(
        account.ids().contains(&new),
        "{new} is in use and was deleted: {again:?}"
    );
}

/// Whoever can write to a (sticky) folder chooses the private key of the new API key.
#[tokio::test(flavor = "multi_thread")]
async fn a_planted_private_key_is_not_registered() {
    let sandbox = Sandbox::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new.pem");
    // While the first list is under way, after the name was checked.
    let proxy = Proxy::planting(&sandbox, 1, &file, rsa().private.expose_secret()).await;
    let client = proxy.client(sandbox.credentials());
    let result = rotate(&client, plan(&file).generate_locally(KeyAlgorithm::Ed25519)).await;
    for id in ids(&sandbox) {
        assert!(
            !works(&sandbox, &id, &rsa().private).await,
            "a planted private key signs for {id}: {result:?}"
        );
    }
}

/// The error says that the file was not touched.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_somebody_else_created_is_not_removed() {
    let sandbox = Sandbox::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new.pem");
    // During the second list: after the file was observed, before the key is saved.
    let proxy = Proxy::planting(&sandbox, 2, &file, "somebody else's").await;
    let client = proxy.client(sandbox.credentials());
    let error = rotate(&client, plan(&file).generate_locally(KeyAlgorithm::Ed25519))
        .await
        .unwrap_err();
    assert!(file.exists(), "removed after: {error}: {:?}", error.failure);
}

/// A private key without an ID, put there between two runs, of a key that exists; the service
/// refuses.
#[tokio::test(flavor = "multi_thread")]
async fn the_file_of_another_existing_key_is_not_removed_after_a_refusal() {
    let sandbox = Sandbox::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new.pem");
    let client = Client::new(sandbox.environment(), sandbox.credentials()).unwrap();
    // Stopped after the journal was written.
    sandbox
        .fail_next_on("getApiKeys", Fault::Delay(Duration::ZERO))
        .unwrap();
    for _ in 0..3 {
        sandbox
            .fail_next_on("getApiKeys", Fault::DropRequest)
            .unwrap();
    }
    let plan = || plan(&file).generate_locally(KeyAlgorithm::Ed25519);
    rotate(&client, plan()).await.unwrap_err();
    assert!(folder.path().join("new.pem.rotation").exists() && !file.exists());
    sandbox
        .register(
            api_key("web", "from the web page", &[ApiKeyScope::Read]),
            &ed25519().public,
        )
        .unwrap();
    std::fs::write(&file, ed25519().private.expose_secret()).unwrap();
    sandbox.set_tier(Tier::Basic);
    let error = rotate(&client, plan()).await.unwrap_err();
    assert!(
        file.exists(),
        "the private key of an existing key was removed: {error}"
    );
}

/// A service, or a gateway, that says 204 and deletes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_ends_when_a_deletion_is_acknowledged_and_not_done() {
    let sandbox = Sandbox::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new.pem");
    let proxy = Proxy::start(
        &sandbox,
        |_, request| {
            (request.method() == "DELETE")
                .then(|| b"HTTP/1.1 204 -\r\nConnection: close\r\n\r\n".to_vec())
        },
        |_, _, response| response,
    )
    .await;
    let client = proxy.client(sandbox.credentials());
    let ended = tokio::time::timeout(Duration::from_secs(30), rotate(&client, plan(&file))).await;
    let requests = proxy.requests.load(Ordering::SeqCst);
    assert!(
        ended.is_ok(),
        "still running, after {requests} requests, with 3 attempts"
    );
}

/// A journal whose last line a crash cut off, and then a second run that does not finish.
#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_journal_survives_more_than_one_run() {
    for cut in ["{\"create_se", "{\"create_sent\":1700000000}"] {
        let account = TestAccount::new().await;
        account
            .sandbox
            .fail_next_on("generateApiKey", Fault::DropResponse)
            .unwrap();
        let arguments = [&ROTATE[..], &["--settle", "0", "--attempts", "1"]].concat();
        assert_eq!(account.run(&arguments).await.code, 4);
        let journal = account.file("new.pem.rotation");
        let text = std::fs::read_to_string(&journal).unwrap();
        // What is left when the process is killed, or the disk is full, between the two writes of
        // the second attempt.
        std::fs::write(&journal, format!("{text}{cut}")).unwrap();
        account
            .sandbox
            .fail_next_on("generateApiKey", Fault::DropResponse)
            .unwrap();
        assert_eq!(account.run(&arguments).await.code, 4);
        let third = account.run(&arguments).await;
        assert_eq!(
            (third.code, account.ids().len()),
            (0, 1),
            "{cut}: {}{}",
            third.out,
            third.err
        );
    }
}

/// The service lists a new key some moments later, or a cache does; and the key could not be saved.
#[tokio::test(flavor = "multi_thread")]
async fn a_created_key_that_was_not_saved_is_not_forgotten_when_a_list_lags() {
    let account = TestAccount::new().await;
    let first_list: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
    let (kept, stale) = (first_list.clone(), first_list);
    let taken = account.file("new.pem");
    let proxy = Proxy::start(
        &account.sandbox,
        move |_, request| {
            (request.method() == "GET")
                .then(|| stale.lock().unwrap().clone())
                .flatten()
        },
        move |_, request, response| {
            match request.method() {
                "GET" => drop(kept.lock().unwrap().get_or_insert_with(|| response.clone())),
                _ => std::fs::write(&taken, "somebody's").unwrap(),
            }
            response
        },
    )
    .await;
    let ran = ran(proxy.command(&account, &ROTATE)).await;
    assert_eq!(
        account.ids().len() > 1,
        ran.code == 4,
        "keys {:?}, exit {}: {}{}",
        account.ids(),
        ran.code,
        ran.out,
        ran.err
    );
}

/// Two runs begin at once; one finishes while the other still waits for its first list.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_began_before_another_finished_leaves_no_journal_behind() {
    let account = TestAccount::new().await;
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let (seen, saw) = tokio::sync::oneshot::channel::<()>();
    let seen = Mutex::new(Some(seen));
    let proxy = Proxy::start(
        &account.sandbox,
        |_, _| None,
        move |n, _, response| {
            if n == 1 {
                seen.lock().unwrap().take().unwrap().send(()).unwrap();
                wait.lock().unwrap().recv().unwrap();
            }
            response
        },
    )
    .await;
    let mut slow = proxy.command(&account, &[&ROTATE[..], &["--attempts", "2"]].concat());
    let slow = slow
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    saw.await.unwrap();
    assert_eq!(account.run(&ROTATE).await.code, 0);
    go.send(()).unwrap();
    let slow = slow.wait_with_output().await.unwrap();
    let err = String::from_utf8(slow.stderr).unwrap();
    let journal = account.file("new.pem.rotation").exists();
    let untrue = err.contains("is active") && !account.ids().contains(&account.old);
    assert!(
        !journal && !untrue,
        "journal {journal}, exit {:?}: {err}",
        slow.status.code()
    );
}

/// What is asked about and what is done: the variables name another key than the one of the
/// journal.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_of_one_key_does_not_report_that_of_another() {
    let account = TestAccount::new().await;
    account
        .sandbox
        .register(
            api_key("second", "second", &[ApiKeyScope::Read, ApiKeyScope::Write]),
            &ed25519().public,
        )
        .unwrap();
    std::fs::write(
        account.file("second.pem"),
        ed25519().private.expose_secret(),
    )
    .unwrap();
    let arguments = [&ROTATE[..], &["--settle", "0", "--attempts", "1"]].concat();
    account
        .sandbox
        .fail_next_on("generateApiKey", Fault::DropRequest)
        .unwrap();
    assert_eq!(account.run(&arguments).await.code, 4);
    let mut second = account.command(&arguments);
    second
        .env("KALSHI_API_KEY_ID", "second")
        .env("KALSHI_PRIVATE_KEY_PATH", "second.pem");
    let second = ran(second).await;
    let replaced = !account.ids().contains(&"second".to_owned());
    assert_eq!(
        second.code == 0,
        replaced,
        "asked to replace `second`, which is {:?}: {}",
        account.ids(),
        second.out
    );
}

/// The new key may not write, and the lost request of the old one appears once the old one is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_key_can_be_deleted_when_the_new_key_may_not_write() {
    let sandbox = Arc::new(Sandbox::start().await.unwrap());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new.pem");
    let client = Client::new(sandbox.environment(), sandbox.credentials()).unwrap();
    sandbox
        .fail_next_on("generateApiKey", Fault::respond(504, "text/html", "<html>"))
        .unwrap();
    let (late, mut name) = (sandbox.clone(), String::new());
    let old = ids(&sandbox).remove(0);
    // The gateway forwards the lost request just before the old key is deleted.
    let first = plan(&file)
        .scopes(vec![ApiKeyScope::Read])
        .on_step(move |step| match step {
            Step::Creating { name: creating } => name.clone_from(creating),
            Step::Deleting { key_id } if *key_id == old => {
                late.register(api_key("late", &name, &[ApiKeyScope::Read]), &rsa().public)
                    .unwrap();
            }
            _ => {}
        });
    rotate(&client, first).await.unwrap_err();
    for _ in 0..3 {
        if rotate(&client, plan(&file)).await.is_ok() {
            return;
        }
    }
    let error = rotate(&client, plan(&file)).await.unwrap_err();
    panic!(
        "never finished, keys {:?}: {error}: {:?}",
        ids(&sandbox),
        error.failure
    );
}

/// The clock was set back between two runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_sent_in_the_future_is_not_settled() {
    let account = TestAccount::new().await;
    account
        .sandbox
        .fail_next_on("generateApiKey", Fault::DropRequest)
        .unwrap();
    assert_eq!(account.run(&ROTATE).await.code, 4);
    let journal = account.file("new.pem.rotation");
    let text = std::fs::read_to_string(&journal).unwrap();
    let (before, sent) = text.split_once("create_sent\":").unwrap();
    let (at, after) = sent.split_once('}').unwrap();
    let ahead = at.parse::<u64>().unwrap() + 3600;
    std::fs::write(&journal, format!("{before}create_sent\":{ahead}}}{after}")).unwrap();
    let again = account.run(&ROTATE).await;
    assert_eq!(again.code, 4, "settled at once: {}", again.out);
}

/// The list was taken before the request settled, and judged after.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_from_before_the_settle_time_proves_nothing_after_it() {
    let account = TestAccount::new().await;
    let late = account.sandbox.clone();
    let name: Arc<Mutex<String>> = Arc::default();
    let created = name.clone();
    let slow = Arc::new(AtomicUsize::new(0));
    let hold = slow.clone();
    let proxy = Proxy::start(
        &account.sandbox,
        move |_, request| {
            let first = request.method() == "POST" && created.lock().unwrap().is_empty();
            first.then(|| {
                let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
                *created.lock().unwrap() = body["name"].as_str().unwrap().to_owned();
                respond(504, "")
            })
        },
        move |_, request, response| {
            if request.method() == "GET" && hold.load(Ordering::SeqCst) == 1 {
                hold.store(2, Ordering::SeqCst);
                // The list is on its way for some seconds; the late request arrives meanwhile, and
                // in time.
                late.register(
                    api_key("late", &name.lock().unwrap(), &[ApiKeyScope::Read]),
                    &rsa().public,
                )
                .unwrap();
                std::thread::sleep(Duration::from_millis(8500));
            }
            response
        },
    )
    .await;
    // Longer than a run takes under emulation.
    let arguments = [&ROTATE[..], &["--settle", "8"]].concat();
    let command = || proxy.command(&account, &arguments);
    assert_eq!(ran(command()).await.code, 4);
    slow.store(1, Ordering::SeqCst);
    let again = ran(command()).await;
    assert!(
        again.code != 0 || account.ids().len() == 1,
        "exit 0 with {:?}",
        account.ids()
    );
}

/// The user deleted the new key on the web page, or the response named another: the file has a key
/// that is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_whose_new_key_was_deleted_can_be_finished() {
    let account = TestAccount::new().await;
    account
        .sandbox
        .fail_next_on("deleteApiKey", refusal())
        .unwrap();
    let arguments = [&ROTATE[..], &["--settle", "0", "--attempts", "2"]].concat();
    assert_eq!(account.run(&arguments).await.code, 4);
    let new = account.ids().pop().unwrap();
    let client = Client::new(account.sandbox.environment(), account.sandbox.credentials()).unwrap();
    client
        .delete_api_key()
        .api_key(new.as_str())
        .send()
        .await
        .unwrap();
    let again = account.run(&arguments).await;
    assert!(
        again.code == 4 && again.err.contains("if it was deleted, move its file away"),
        "{}",
        again.err
    );
    std::fs::remove_file(account.file("new.pem")).unwrap();
    assert_eq!(account.run(&arguments).await.code, 0);
    assert_eq!(
        (account.ids().len(), account.files()),
        (1, vec!["new.pem".to_owned(), "old.pem".to_owned()])
    );
}

/// The response to `generate` held a private key that cannot be used.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_with_an_unusable_private_key_can_be_finished() {
    let account = TestAccount::new().await;
    let bad = json!({ "api_key_id": "x", "private_key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" });
    account
        .sandbox
        .fail_next_on("generateApiKey", Fault::ReplaceBody(bad.to_string().into()))
        .unwrap();
    let arguments = [&ROTATE[..], &["--settle", "0", "--attempts", "2"]].concat();
    let mut last = String::new();
    for _ in 0..4 {
        let again = account.run(&arguments).await;
        if again.code == 0 {
            return;
        }
        last = again.err;
    }
    panic!(
        "never finished, keys {:?}, files {:?}: {last}",
        account.ids(),
        account.files()
    );
}

/// The service trims names, as many do, or puts them into a normal form.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_the_service_normalizes_does_not_hide_the_key() {
    let account = TestAccount::new().await;
    let proxy = Proxy::start(
        &account.sandbox,
        |_, _| None,
        |_, request, response| {
            // Two spaces become one in what is listed.
            let text = String::from_utf8(response).unwrap();
            if request.method() != "GET" {
                return text.into();
            }
            let (_, body) = text.split_once("\r\n\r\n").unwrap();
            respond(200, &body.replace("my  desk", "my desk"))
        },
    )
    .await;
    let arguments = [
        &ROTATE[..],
        &["--settle", "0", "--attempts", "2", "--name", "my  desk"],
    ]
    .concat();
    account
        .sandbox
        .fail_next_on("generateApiKey", Fault::DropResponse)
        .unwrap();
    let mut last = None;
    for _ in 0..4 {
        let again = ran(proxy.command(&account, &arguments)).await;
        if again.code == 0 {
            assert_eq!(account.ids().len(), 1);
            return;
        }
        last = Some(again);
    }
    panic!(
        "never finished, keys {:?}: {}",
        account.ids(),
        last.unwrap().err
    );
}

/// Killed while `check` tries the name.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_check_left_does_not_block_the_next_run() {
    for probe in [".kalshi-check-AbCdEf", "new.pem.kalshi-tmp"] {
        let account = TestAccount::new().await;
        std::fs::write(account.file(probe), "").unwrap();
        let again = account.run(&ROTATE).await;
        assert_eq!(again.code, 0, "{probe}: {}", again.err);
    }
}

/// A key file of a rotation that is not finished, made read-only by its owner. Root, whom no mode
/// stops, runs the command as another user.
#[cfg(unix)] // Windows does not replace read-only files.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_key_file_does_not_block_the_next_run() {
    use std::os::unix::fs::{PermissionsExt as _, chown};
    const NOBODY: u32 = 65534;
    let account = TestAccount::new().await;
    let rotate = async || {
        if !rustix::process::geteuid().is_root() {
            return account.run(&ROTATE).await;
        }
        // That user may not be allowed to enter the folder of the program.
        let program = account.file("program");
        assert!(
            std::process::Command::new("cp")
                .args([BINARY.as_ref(), program.as_os_str()])
                .status()
                .unwrap()
                .success()
        );
        for path in [account.folder.path(), &program, &account.file("old.pem")] {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let mut command = account.program(program.to_str().unwrap(), &ROTATE);
        command.uid(NOBODY).gid(NOBODY);
        ran(command).await
    };
    account
        .sandbox
        .fail_next_on("deleteApiKey", refusal())
        .unwrap();
    assert_eq!(rotate().await.code, 4);
    std::fs::set_permissions(
        account.file("new.pem"),
        std::fs::Permissions::from_mode(0o400),
    )
    .unwrap();
    let again = rotate().await;
    assert_eq!(again.code, 0, "{}", again.err);
}

/// An unreadable file is not a file without the key.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_now_does_not_lead_to_the_deletion_of_its_key() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox
        .register(
            api_key("bot", "bot", &[ApiKeyScope::Read]),
            &ed25519().public,
        )
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new.pem");
    let client = Client::new(sandbox.environment(), sandbox.credentials()).unwrap();
    sandbox
        .fail_next_on("generateApiKey", Fault::DropRequest)
        .unwrap();
    let new = rotate(&client, plan(&file).replace("bot"))
        .await
        .unwrap_err()
        .state
        .new_key_id
        .clone()
        .unwrap();
    // What an unmounted volume, a permission or an I/O error is: opening fails.
    let away: PathBuf = folder.path().join("away.pem");
    std::fs::rename(&file, &away).unwrap();
    // On Windows, links take a privilege.
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path().join("not mounted/new.pem"), &file).unwrap();
    #[cfg(windows)]
    std::fs::create_dir(&file).unwrap();
    let again = rotate(&client, plan(&file).replace("bot")).await;
    assert!(ids(&sandbox).contains(&new), "deleted: {again:?}");
}

/// What was deleted in this run, and the line that says that nothing was.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_line_does_not_contradict_the_steps() {
    let sandbox = Sandbox::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new.pem");
    let client = Client::new(sandbox.environment(), sandbox.credentials()).unwrap();
    let (taken, steps) = (file.clone(), Arc::new(Mutex::new(Vec::new())));
    let log = steps.clone();
    let plan = plan(&file).on_step(move |step| {
        if matches!(step, Step::Creating { .. }) {
            std::fs::write(&taken, "somebody else's").unwrap();
        }
        log.lock().unwrap().push(step.to_string());
    });
    let error = rotate(&client, plan).await.unwrap_err().to_string();
    assert!(
        !error.contains("nothing was created or deleted"),
        "{:?}, then: {error}",
        steps.lock().unwrap()
    );
}

/// The public key file is a pipe, or endless.
#[cfg(unix)] // Windows has no FIFOs in folders.
#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_as_public_key_file_is_refused_at_once() {
    let account = TestAccount::new().await;
    let pipe = account.file("key.pub");
    crate::fixtures::create_fifo(&pipe);
    let ran = tokio::time::timeout(
        Duration::from_secs(20),
        account.run(&["create", "--public-key", "key.pub"]),
    )
    .await;
    assert!(ran.is_ok(), "blocked");
}

/// Somebody else takes the name of the journal's temporary file, in a folder that others may write
/// to.
#[cfg(unix)] // Windows has no FIFOs in folders.
#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_as_temporary_file_of_the_journal_is_refused_at_once() {
    let account = TestAccount::new().await;
    let pipe = account.file(".new.pem.rotation.kalshi-tmp");
    crate::fixtures::create_fifo(&pipe);
    let ran = tokio::time::timeout(Duration::from_secs(20), account.run(&ROTATE))
        .await
        .expect("blocked");
    assert!(
        ran.code == 4 && ran.err.contains("is not a small regular file"),
        "{}",
        ran.err
    );
    assert_eq!((account.ids().len(), pipe.exists()), (1, true));
}

/// Killed between creating the temporary file of the journal and giving it its name.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_killed_while_the_journal_is_created_leaves_nothing() {
    let account = TestAccount::new().await;
    let temporary = account.file(".new.pem.rotation.kalshi-tmp");
    std::fs::write(temporary, "{}\n").unwrap();
    assert_eq!(account.run(&ROTATE).await.code, 0);
    assert_eq!(account.files(), ["new.pem", "old.pem"]);
}

/// A list that does not contain the key that signed the request proves nothing: it is from a cache.
#[tokio::test]
async fn a_list_without_its_signer_proves_nothing() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = Client::new(sandbox.environment(), sandbox.credentials()).unwrap();
    let body = json!({ "api_keys": [{ "api_key_id": "other", "name": "other", "scopes": [] }] })
        .to_string();
    sandbox.fail_next(Fault::ReplaceBody(body.into()));
    let error = rotation::list(&client).await.unwrap_err();
    assert!(
        matches!(&error, ListError::SignerNotListed(id) if id == client.signer().credentials().key_id()),
        "{error}"
    );
}

/// The file of a key pair that was generated here stays as long as its key may exist.
#[tokio::test]
async fn the_file_of_a_lost_request_is_not_removed_by_a_later_refusal() {
    let sandbox = Sandbox::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new.pem");
    let client = Client::new(sandbox.environment(), sandbox.credentials()).unwrap();
    sandbox
        .fail_next_on("createApiKey", Fault::DropRequest)
        .unwrap();
    sandbox.fail_next_on("createApiKey", refusal()).unwrap();
    let error = rotate(&client, plan(&file).generate_locally(KeyAlgorithm::Ed25519))
        .await
        .unwrap_err();
    assert!(file.exists() && error.state.journal.is_some(), "{error}");
}

/// A key of this rotation that the private key in the file does not belong to is deleted, and no
/// other.
#[tokio::test]
async fn the_key_of_the_private_key_in_the_file_is_found_among_several() {
    let sandbox = Arc::new(Sandbox::start().await.unwrap());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new.pem");
    let client = Client::new(sandbox.environment(), sandbox.credentials()).unwrap();
    sandbox
        .fail_next_on("createApiKey", Fault::DropResponse)
        .unwrap();
    let other = sandbox.clone();
    let plan = plan(&file)
        .generate_locally(KeyAlgorithm::Ed25519)
        .on_step(move |step| {
            if let Step::Creating { name } = step {
                // Listed before the key that the lost request creates.
                let _ = other.register(
                    api_key("other", name, &[ApiKeyScope::Read]),
                    &ed25519().public,
                );
            }
        });
    let error = rotate(&client, plan).await.unwrap_err();
    assert!(matches!(error.failure, Failure::Unsettled), "{error}");
    let new = Credentials::from_key_file(&file).unwrap();
    assert_eq!(ids(&sandbox), [new.key_id()]);
}

/// The file of a rotation that is not finished was converted by another program, which drops the
/// line with the ID. Whatever the tier allows by then, its key is not replaced, and the only copy
/// of the private key stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_saved_key_whose_file_lost_the_id_gets_it_back() {
    for options in [&["--local"][..], &[]] {
        let account = TestAccount::new().await;
        let rotate = [&ROTATE[..], options].concat();
        account
            .sandbox
            .fail_next_on("deleteApiKey", refusal())
            .unwrap();
        assert_eq!(account.run(&rotate).await.code, 4);
        let new = account.ids().pop().unwrap();
        let file = account.file("new.pem");
        remove_id(&file);
        account.sandbox.set_tier(Tier::Basic);
        let again = account.run(&rotate).await;
        assert_eq!(
            (again.code, account.ids()),
            (0, vec![new.clone()]),
            "{options:?}: {}{}",
            again.out,
            again.err
        );
        assert_eq!(Credentials::from_key_file(&file).unwrap().key_id(), new);
    }
}

/// As above, and a list that is older than the key: nothing shows that it exists.
#[tokio::test(flavor = "multi_thread")]
async fn a_private_key_that_was_registered_is_not_removed_because_a_list_lags() {
    let account = TestAccount::new().await;
    let rotate = [&ROTATE[..], &["--local", "--attempts", "2"]].concat();
    let proxy = Proxy::with_stale_lists(&account.sandbox, |n| n > 3).await;
    let run = || ran(proxy.command(&account, &rotate));
    account
        .sandbox
        .fail_next_on("deleteApiKey", refusal())
        .unwrap();
    assert_eq!(run().await.code, 4);
    let file = account.file("new.pem");
    remove_id(&file);
    account
        .sandbox
        .fail_next_on("createApiKey", refusal())
        .unwrap();
    let again = run().await;
    assert!(
        file.exists() && again.code == 4 && again.err.contains("is not in the list of keys"),
        "{}",
        again.err
    );
    assert_eq!(account.ids().len(), 2);
}

/// The file was moved into use, and a list that lacks its key had a second one created: neither is
/// deleted.
#[tokio::test(flavor = "multi_thread")]
async fn a_saved_key_is_not_deleted_because_another_one_was_saved_after_it() {
    let sandbox = Sandbox::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new.pem");
    let lags = Arc::new(AtomicBool::new(false));
    let lagging = lags.clone();
    let proxy =
        Proxy::with_stale_lists(&sandbox, move |_| lagging.swap(false, Ordering::SeqCst)).await;
    let client = proxy.client(sandbox.credentials());
    sandbox.fail_next_on("deleteApiKey", refusal()).unwrap();
    let live = rotate(&client, plan(&file))
        .await
        .unwrap_err()
        .state
        .new_key_id
        .clone()
        .unwrap();
    std::fs::rename(&file, folder.path().join("live.pem")).unwrap();
    lags.store(true, Ordering::SeqCst);
    let again = rotate(&client, plan(&file)).await.unwrap_err();
    assert!(
        matches!(&again.failure, Failure::NewKeyElsewhere(id) if *id == live),
        "{again}"
    );
    assert_eq!(ids(&sandbox).len(), 3, "{again}");
    // As the error says: one of the two is deleted, and the rotation is finished with the other.
    let deleting = Client::new(sandbox.environment(), sandbox.credentials()).unwrap();
    deleting
        .delete_api_key()
        .api_key(&live)
        .send()
        .await
        .unwrap();
    let rotated = rotate(&client, plan(&file)).await.unwrap();
    assert_eq!(ids(&sandbox), [rotated.key_id]);
}

/// The same, and a list that lacks the key in use has a second one created, which is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_use_is_not_forgotten_because_the_creation_of_another_one_was_refused() {
    let account = TestAccount::new().await;
    let lags = Arc::new(AtomicBool::new(false));
    let lagging = lags.clone();
    let proxy = Proxy::with_stale_lists(&account.sandbox, move |_| {
        lagging.swap(false, Ordering::SeqCst)
    })
    .await;
    let run = || ran(proxy.command(&account, &ROTATE));
    account
        .sandbox
        .fail_next_on("deleteApiKey", refusal())
        .unwrap();
    assert_eq!(run().await.code, 4);
    std::fs::rename(account.file("new.pem"), account.file("live.pem")).unwrap();
    lags.store(true, Ordering::SeqCst);
    account
        .sandbox
        .fail_next_on("generateApiKey", refusal())
        .unwrap();
    let again = run().await;
    assert!(
        again.code == 4 && again.err.contains("is no longer in its file"),
        "{}",
        again.err
    );
    assert_eq!(
        (
            account.ids().len(),
            account.file("new.pem.rotation").exists()
        ),
        (2, true),
        "{}",
        again.err
    );
}

/// The user deletes the new key and moves its file away, and no other one may be created: nothing
/// is left to do.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_ends_a_rotation_whose_earlier_key_was_deleted() {
    let account = TestAccount::new().await;
    let rotate = [&ROTATE[..], &["--local"]].concat();
    account
        .sandbox
        .fail_next_on("deleteApiKey", refusal())
        .unwrap();
    assert_eq!(account.run(&rotate).await.code, 4);
    let new = account.ids().pop().unwrap();
    let client = Client::new(account.sandbox.environment(), account.sandbox.credentials()).unwrap();
    client.delete_api_key().api_key(&new).send().await.unwrap();
    std::fs::rename(account.file("new.pem"), account.file("deleted.pem")).unwrap();
    account.sandbox.set_tier(Tier::Basic);
    let again = account.run(&rotate).await;
    assert_eq!(
        (again.code, account.ids()),
        (1, vec![account.old.clone()]),
        "{}",
        again.err
    );
    assert_eq!(account.files(), ["deleted.pem", "old.pem"]);
}

/// The temporary file of a killed run is removed when its rotation continues: its key is deleted.
#[tokio::test]
async fn a_temporary_file_is_removed_by_the_run_that_continues() {
    let account = TestAccount::new().await;
    account
        .sandbox
        .fail_next_on("generateApiKey", Fault::DropResponse)
        .unwrap();
    let arguments = [&ROTATE[..], &["--settle", "0", "--attempts", "1"]].concat();
    assert_eq!(account.run(&arguments).await.code, 4);
    std::fs::write(account.file(".new.pem.kalshi-tmp"), "half a key").unwrap();
    let again = account.run(&arguments).await;
    assert_eq!(
        (again.code, account.files()),
        (0, vec!["new.pem".to_owned(), "old.pem".to_owned()]),
        "{}",
        again.err
    );
}
