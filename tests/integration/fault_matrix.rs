//! Every request of a rotation meets every fault, once and from then on: whatever happens, no key
//! is lost, none that is somebody else's is touched, nothing untrue is reported, and running the
//! same command again finishes the rotation.
//!
//! The command is run against a gateway in front of the sandbox; the state of the sandbox is the
//! judge. For a new key that is external, which the command does not offer, it is the library.

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kalshi_api_keys::rotation::{self, Failure, Plan, RetryPolicy};
use kalshi_api_keys::types::{ApiKey, ApiKeyScope};
use kalshi_api_keys::{Client, Credentials, Environment};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};

use crate::command::TestAccount;
use crate::external_keys::sign_ed25519;
use crate::fixtures::{chain, ed25519, shows_key};
use crate::gateway::{Fault, Gateway};

const HTML: &str = "text/html";
const NOT_FOUND: &str = "<html>404 Not Found</html>";
const FORBIDDEN: &str = "Access denied.";

/// More than a rotation has requests.
const REQUESTS: std::ops::RangeInclusive<usize> = 1..=7;

const FAULTS: [(Fault, Option<Signal>); 21] = [
    (Fault::DropBefore, None),
    (Fault::DropAfter, None),
    (
        Fault::Respond(502, HTML, "<html>502 Bad Gateway</html>"),
        None,
    ),
    (
        Fault::RespondAfter(504, HTML, "<html>504 Gateway Timeout</html>"),
        None,
    ),
    (Fault::Respond(404, HTML, NOT_FOUND), None),
    (Fault::RespondAfter(404, HTML, NOT_FOUND), None),
    (Fault::Respond(403, "text/plain", FORBIDDEN), None),
    (Fault::RespondAfter(403, "text/plain", FORBIDDEN), None),
    (Fault::Respond(429, "text/plain", ""), None),
    (Fault::RespondAfter(429, "text/plain", ""), None),
    (Fault::Respond(401, HTML, "<html>401</html>"), None),
    (Fault::ForwardLate, None),
    (Fault::Truncate, None),
    (
        Fault::Respond(200, "application/json", "{\"garbage\":"),
        None,
    ),
    (Fault::Respond(204, "text/plain", ""), None),
    (Fault::RespondAfter(204, "text/plain", ""), None),
    (Fault::StaleList, None),
    (Fault::SignalBefore, Some(Signal::Term)),
    (Fault::SignalBefore, Some(Signal::Hup)),
    (Fault::SignalBefore, Some(Signal::Int)),
    (Fault::SignalAfter, Some(Signal::Kill)),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    Term,
    Hup,
    Int,
    Kill,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    fault: Fault,
    signal: Option<Signal>,
    at: usize,
    lasting: bool,
    new_key: NewKey,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NewKey {
    Service,
    Local,
    External,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_at_every_request_leaves_a_rotation_that_can_be_finished() {
    let mut cases = Vec::new();
    for (fault, signal) in FAULTS {
        // Windows has no signals, but processes are killed there as well.
        if cfg!(windows) && signal.is_some_and(|signal| signal != Signal::Kill) {
            continue;
        }
        for at in REQUESTS {
            for lasting in [false, true] {
                let new_keys = [NewKey::Service, NewKey::Local, NewKey::External];
                cases.extend(new_keys.map(|new_key| Case {
                    fault,
                    signal,
                    at,
                    lasting,
                    new_key,
                }));
            }
        }
    }
    // Wine and qemu take long to start a process: the requests that create and delete a key
    // suffice.
    if std::env::var_os("EMULATED").is_some() {
        cases.retain(|case| {
            matches!(
                case,
                Case {
                    at: 3 | 5,
                    lasting: false,
                    new_key: NewKey::Service | NewKey::External,
                    ..
                }
            )
        });
    }
    let mut cases = cases.into_iter();
    let mut running: JoinSet<Result<(), String>> = cases.by_ref().take(24).map(run).collect();
    let mut failures = Vec::new();
    let mut count = 0;
    while let Some(ended) = running.join_next().await {
        count += 1;
        failures.extend(ended.unwrap().err());
        if let Some(case) = cases.next() {
            running.spawn(run(case));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {count} cases:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// How a run ended.
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

async fn run(case: Case) -> Result<(), String> {
    let account = TestAccount::new().await;
    let gateway = Gateway::start(&account.sandbox, case.fault, case.at, case.lasting).await;
    let target: Arc<Mutex<Option<Target>>> = Arc::default();
    gateway.on_signal({
        let target = target.clone();
        move || {
            while target.lock().unwrap().is_none() {
                std::thread::yield_now();
            }
            target
                .lock()
                .unwrap()
                .as_ref()
                .unwrap()
                .signal(case.signal.expect("a signal"));
        }
    });
    // Somebody else creates a key at the worst moment.
    gateway.on_fault({
        let sandbox = account.sandbox.clone();
        move || sandbox.register(theirs(), &ed25519().public).unwrap()
    });

    let mut first = rotate(&account, &gateway, case.new_key, |started| {
        *target.lock().unwrap() = Some(started)
    })
    .await;
    let reached = gateway.stop_failing() >= case.at;
    if cfg!(windows) && case.signal.is_some() && reached {
        // Not the command but `taskkill` chose the exit code.
        first.code = None;
    }
    let context = |what: &str| {
        let files = account.files();
        format!(
            "{case:?}: {what}; exit {:?}, keys {:?}, files {files:?}\n{}{}",
            first.code,
            account.ids(),
            first.out,
            first.err
        )
    };
    holds(&account, &case, &first, reached)
        .await
        .map_err(|what| context(&what))?;

    gateway.forward_late().await;
    for run in 2.. {
        let again = rotate(&account, &gateway, case.new_key, drop).await;
        holds(&account, &case, &again, reached)
            .await
            .map_err(|what| context(&format!("run {run}: {what}: {}{}", again.out, again.err)))?;
        // A rotation that was finished before leaves a file, which is not overwritten.
        let finished_before = again.code == Some(2) && again.err.contains("already exists");
        if again.code == Some(0) || finished_before {
            break;
        }
        if run > 5 {
            return Err(context(&format!(
                "not finished by run {run}: {}{}",
                again.out, again.err
            )));
        }
    }
    is_finished(&account, case.new_key, reached)
        .await
        .map_err(|what| context(&what))
}

fn theirs() -> ApiKey {
    let (name, scopes) = (
        "root".to_owned(),
        vec![ApiKeyScope::Read, ApiKeyScope::Write],
    );
    serde_json::from_value(
        serde_json::json!({ "api_key_id": "theirs", "name": name, "scopes": scopes }),
    )
    .unwrap()
}

/// What runs a rotation, and gets a signal.
enum Target {
    Process(u32),
    /// What stops it as a caught signal does, and what ends it as SIGKILL does.
    Task(Arc<Notify>, AbortHandle),
}

impl Target {
    fn signal(&self, signal: Signal) {
        match self {
            Self::Process(pid) => send(signal, *pid),
            Self::Task(_, task) if signal == Signal::Kill => task.abort(),
            Self::Task(stop, _) => stop.notify_one(),
        }
    }
}

async fn rotate(
    account: &TestAccount,
    gateway: &Gateway,
    new_key: NewKey,
    started: impl FnOnce(Target),
) -> Ran {
    if new_key == NewKey::External {
        return rotate_to_external_key(account, gateway, started).await;
    }
    let mut arguments = vec![
        "rotate",
        "--out",
        "new.pem",
        "--yes",
        "--attempts",
        "3",
        "--settle",
        "0",
    ];
    arguments.extend((new_key == NewKey::Local).then_some("--local"));
    let mut command = account.command(&arguments);
    command
        .env("KALSHI_API_BASE_URL", gateway.base_url())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    started(Target::Process(child.id().unwrap()));
    let output = child.wait_with_output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = if was_killed(output.status) {
        None
    } else {
        output.status.code()
    };
    Ran {
        code,
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// Sends a signal to a process, which may have ended by an earlier one.
#[cfg(unix)]
fn send(signal: Signal, pid: u32) {
    let signal = match signal {
        Signal::Term => rustix::process::Signal::TERM,
        Signal::Hup => rustix::process::Signal::HUP,
        Signal::Int => rustix::process::Signal::INT,
        Signal::Kill => rustix::process::Signal::KILL,
    };
    let _ = rustix::process::kill_process(
        rustix::process::Pid::from_raw(pid.cast_signed()).unwrap(),
        signal,
    );
}

#[cfg(unix)]
fn was_killed(status: std::process::ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    assert!(
        status.signal().is_none_or(|signal| signal == 9),
        "{status:?}"
    );
    status.signal().is_some()
}

/// Ends a process, which may have ended before.
#[cfg(windows)]
fn send(_: Signal, pid: u32) {
    let _ = std::process::Command::new("taskkill")
        .args(["/f", "/pid", &pid.to_string()])
        .output();
}

/// The exit status does not tell.
#[cfg(windows)]
fn was_killed(_: std::process::ExitStatus) -> bool {
    false
}

/// Rotates in a task, and reports what came of it as the command does.
async fn rotate_to_external_key(
    account: &TestAccount,
    gateway: &Gateway,
    started: impl FnOnce(Target),
) -> Ran {
    let environment = Environment::custom(gateway.base_url()).unwrap();
    let client = Client::new(environment, account.sandbox.credentials()).unwrap();
    let (stop, steps) = (Arc::new(Notify::new()), Arc::new(Mutex::new(String::new())));
    let (stopped, log) = (stop.clone(), steps.clone());
    let plan = Plan::new(account.file("new.pem"))
        .external_key(&ed25519().public, external_key)
        .unwrap()
        .retry_policy(RetryPolicy::new(3, Duration::from_millis(1)))
        .settle_time(Duration::ZERO)
        .stop_on(async move { stopped.notified().await })
        .on_step(move |step| log.lock().unwrap().push_str(&format!("{step}\n")));
    let task = tokio::spawn(async move { rotation::rotate(&client, plan).await });
    started(Target::Task(stop, task.abort_handle()));
    let (code, err) = match task.await {
        Err(aborted) => (None, aborted.to_string()),
        Ok(Ok(_)) => (Some(0), String::new()),
        Ok(Err(error)) => {
            let code = match &error.failure {
                _ if error.state.journal.is_some() => 4,
                Failure::Save(_) => 2,
                _ => 1,
            };
            (Some(code), chain(&error))
        }
    };
    Ran {
        code,
        out: std::mem::take(&mut steps.lock().unwrap()),
        err,
    }
}

async fn external_key(
    message: Vec<u8>,
) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    Ok(sign_ed25519(ed25519())(&message))
}

/// What signs for the new key, if there is one.
fn new_credentials(account: &TestAccount, new_key: NewKey) -> Option<Credentials> {
    let file = account.file("new.pem");
    match new_key {
        NewKey::External => Credentials::external_from_file(file, external_key).ok(),
        NewKey::Service | NewKey::Local => Credentials::from_key_file(file).ok(),
    }
}

/// The five invariants, judged by the state of the service.
async fn holds(account: &TestAccount, case: &Case, ran: &Ran, reached: bool) -> Result<(), String> {
    let keys = account.sandbox.keys();
    let exists = |id: &str| keys.iter().any(|key| key.api_key_id == id);
    let check = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };

    // A key is reported deleted only when it is.
    for id in ran
        .out
        .lines()
        .filter_map(|line| line.strip_prefix("deleted "))
    {
        check(!exists(id), "reported deleted, and exists")?;
    }
    // Only our own keys.
    check(
        exists("theirs") == reached,
        "somebody else's key was deleted",
    )?;
    check(
        !ran.out.contains("theirs") && !ran.err.contains("theirs"),
        "somebody else's key was mentioned",
    )?;
    // The old key goes last: at any time one of the two works.
    let new = new_credentials(account, case.new_key);
    let new_works = match &new {
        Some(new) => works(account, new.clone()).await,
        None => false,
    };
    check(
        exists(&account.old) || new_works,
        "neither the old nor the new key works",
    )?;
    // Exit 0 means done, and any other than 4 that nothing is left.
    let journal = account
        .files()
        .iter()
        .any(|file| file.ends_with(".rotation"));
    let left =
        keys.len() > 1 + usize::from(reached) || new.is_some() && exists(&account.old) || journal;
    match ran.code {
        Some(0) => check(
            !left && new_works && !exists(&account.old),
            "exit 0, and something is left",
        )?,
        Some(4) => check(journal, "exit 4 without a journal")?,
        Some(code @ 1..=3) => check(!left, &format!("exit {code}, and something is left"))?,
        None => check(case.signal == Some(Signal::Kill), "killed")?,
        Some(code) => return Err(format!("exit {code}")),
    }
    for file in account
        .files()
        .into_iter()
        .filter(|file| file.ends_with(".pem"))
    {
        let text = std::fs::read_to_string(account.file(&file)).unwrap();
        let shown = shows_key(&ran.out, &text.clone().into()) || shows_key(&ran.err, &text.into());
        check(!shown, "key material was shown")?;
    }
    Ok(())
}

async fn works(account: &TestAccount, credentials: Credentials) -> bool {
    let id = credentials.key_id().to_owned();
    let listed = Client::new(account.sandbox.environment(), credentials)
        .unwrap()
        .get_api_keys()
        .send()
        .await;
    listed.is_ok_and(|listed| {
        let key = listed.api_keys.iter().find(|key| key.api_key_id == id);
        key.is_some_and(|key| {
            key.scopes == Some(vec![ApiKeyScope::Read, ApiKeyScope::Write])
                && key
                    .name
                    .as_ref()
                    .is_some_and(|name| name.starts_with("root (rotated "))
        })
    })
}

/// Exactly the new key, its file, no journal and no stray file.
async fn is_finished(account: &TestAccount, new_key: NewKey, reached: bool) -> Result<(), String> {
    let new = new_credentials(account, new_key).ok_or("in the end there is no new key")?;
    let mut expected = vec![new.key_id().to_owned()];
    expected.extend(reached.then(|| "theirs".to_owned()));
    let mut ids = account.ids();
    ids.sort();
    expected.sort();
    if ids != expected || !works(account, new).await {
        return Err(format!(
            "in the end there are the keys {ids:?}, not {expected:?}"
        ));
    }
    let files = account.files();
    if files == ["new.pem", "old.pem"] {
        Ok(())
    } else {
        Err(format!("in the end there are the files {files:?}"))
    }
}
