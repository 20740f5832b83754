//! A rotation that is killed at any step, and what the next run says of it. What it says to do is done, by a shell, and
//! then nothing is left. And Ctrl-C where there is no next run.
//!
//! The command is held still where it is to be killed: by a pipe that takes no more when it says a step, or by an answer
//! that the sandbox holds back.
#![cfg(target_os = "linux")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kalshi_api_keys::key_file;
use kalshi_api_keys::sandbox::Fault;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;

use super::{Desk, LEFT_TO_DO, Ran, ran};
use crate::fixtures::ed25519;
use crate::raw_server::{RawServer, Reply};

/// Where the command is when it is killed.
enum At {
    /// Saying a step, by its number; the journal holds it.
    Saying(usize),
    /// Waiting for the answer to the n-th request of an operation, which the sandbox carried out.
    Waiting(&'static str, usize),
}
use At::{Saying, Waiting};

const GENERATED: [&str; 6] = ["minting", "minted", "saved", "signed in", "deleted", "confirmed"];
const LOCAL: [&str; 6] = ["minting", "saved", "minted", "signed in", "deleted", "confirmed"];

/// The least size of a pipe.
const PAGE: usize = 4096;

fn arguments(local: bool) -> Vec<&'static str> {
    let mut arguments = vec!["rotate", "--out", "new.pem", "--yes"];
    arguments.extend(local.then_some("--local"));
    arguments
}

/// The first lines that a rotation says; those of every rotation are as long.
async fn lines(local: bool) -> Vec<String> {
    let ran = Desk::new().await.run(&arguments(local)).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    ran.out.lines().map(str::to_owned).collect()
}

/// Waits for something that will be so.
async fn until(so: impl Fn() -> bool) {
    let soon = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), soon).await.expect("it never came to be");
}

fn steps(journal: &Path) -> usize {
    let Ok(text) = std::fs::read(journal) else { return 0 };
    let journal: serde_json::Value = serde_json::from_slice(&text).expect("whole at every moment");
    journal["steps"].as_array().unwrap().len()
}

/// Runs a rotation up to a place and kills it there.
async fn kill(desk: &Desk, local: bool, at: At) {
    let mut command = desk.command(&arguments(local));
    command.stderr(Stdio::null());
    let journal = desk.file("new.pem.rotation");
    match at {
        Saying(step) => {
            let lines = lines(local).await;
            let room = lines[..=step].iter().map(|line| line.len() + 1).sum::<usize>() - 1;
            let (reader, mut writer) = std::io::pipe().unwrap();
            assert_eq!(rustix::pipe::fcntl_setpipe_size(&writer, PAGE).unwrap(), PAGE);
            writer.write_all(&vec![b'x'; PAGE - room]).unwrap();
            let mut running = command.stdout(writer).spawn().unwrap();
            until(|| steps(&journal) == step + 1).await;
            running.kill().await.unwrap();
            drop(reader);
        }
        Waiting(operation, nth) => {
            for _ in 1..nth {
                desk.sandbox.fail_next_on(operation, Fault::Delay(Duration::ZERO)).unwrap();
            }
            desk.sandbox.fail_next_on(operation, Fault::Delay(Duration::from_secs(600))).unwrap();
            let mut running = command.stdout(Stdio::null()).spawn().unwrap();
            let before: usize = match (operation, nth) {
                ("getApiKeys", nth @ ..3) => nth,
                ("getApiKeys", _) => 4,
                ("deleteApiKey", _) => 5,
                _ => 3,
            };
            until(|| desk.sandbox.requests() as usize == before).await;
            match operation {
                "getApiKeys" => {}
                "deleteApiKey" => until(|| !desk.ids().contains(&desk.old)).await,
                _ => until(|| desk.ids().len() == 2).await,
            }
            running.kill().await.unwrap();
        }
    }
}

/// Does what the command said is left to do, as it was said; only that there is nobody to ask.
async fn obey(desk: &Desk, said: &str) {
    let commands = said.split_once("left to do:\n").map_or("", |(_, commands)| commands);
    for line in commands.lines() {
        let line = if line.contains(" delete ") { format!("{line} --yes") } else { line.to_owned() };
        let folder = Path::new(env!("CARGO_BIN_EXE_kalshi-api-keys")).parent().unwrap();
        let mut shell = desk.command(&[]);
        let variables: Vec<_> =
            shell.as_std().get_envs().map(|(n, v)| (n.to_owned(), v.map(ToOwned::to_owned))).collect();
        shell = Command::new("sh");
        shell.args(["-c", &line]).current_dir(desk.folder.path());
        for (name, value) in variables {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        let path = std::env::var("PATH").unwrap();
        shell.env("PATH", format!("{}:{path}", folder.display()));
        let output = shell.output().await.unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// One interruption: what the next run says, how it exits, and that obeying it leaves nothing to do.
async fn interrupted(local: bool, at: At, code: i32, expected: &str) {
    let desk = Desk::new().await;
    kill(&desk, local, at).await;
    let Ran { code: found, out, err } = desk.run(&arguments(local)).await;
    let said = desk.plain(&out);
    assert_eq!((found, said.as_str()), (code, expected), "{err}");
    if code == 0 {
        assert!(!desk.file("new.pem.rotation").exists());
        return in_service(&desk).await;
    }
    obey(&desk, &out).await;
    // With that done, the journal goes, and the next run rotates where the first did not.
    let after = desk.run(&arguments(local)).await;
    if after.code == LEFT_TO_DO {
        assert!(after.err.contains("no new key is left of it; run the same command again to rotate"), "{}", after.err);
    }
    assert!(!desk.file("new.pem.rotation").exists(), "{}{}", after.out, after.err);
    if after.code == LEFT_TO_DO {
        let again = desk.run(&arguments(local)).await;
        assert_eq!(again.code, 0, "{}", again.err);
    }
    in_service(&desk).await;
}

async fn in_service(desk: &Desk) {
    let ids = desk.ids();
    assert_eq!(ids.len(), 1);
    assert!(ids[0] != desk.old && desk.signs_in(&ids[0], "new.pem").await);
}

/// The steps done, the lines of the state, and the commands that are left.
fn left(done: &[&str], state: &[&str], commands: &[&str]) -> String {
    let done = if done.is_empty() { "nothing".to_owned() } else { done.join(", ") };
    let mut said = format!("a rotation was interrupted; done were: {done}\n");
    state.iter().for_each(|line| said.extend([line, "\n"]));
    said += "left to do:\n";
    commands.iter().for_each(|command| said.extend(["  ", command, "\n"]));
    said
}

const BOTH: [&str; 2] =
    ["the old key OLD is in force", "the new key NEW is in force, and \"new.pem\" holds its private key"];
const ORPHAN: [&str; 2] = [
    "the old key OLD is in force, and stays",
    "the key NEW (root) appeared since, an orphan unless somebody else made it",
];
const FILE_ALONE: [&str; 2] =
    ["the old key OLD is in force, and stays", "\"new.pem\" holds a private key that signs in with none of the keys"];
const DELETE_OLD: [&str; 1] = ["kalshi-api-keys delete OLD"];
const DELETE_NEW: [&str; 1] = ["kalshi-api-keys delete NEW"];
const IN_SERVICE: &str = "the old key OLD is gone and the new key NEW works\n\
    done; from now on set KALSHI_API_KEY_ID=NEW and KALSHI_PRIVATE_KEY_PATH=new.pem\n";

macro_rules! interruptions {
    ($($name:ident: $local:expr, $at:expr => $code:expr, $said:expr;)*) => {
        $(#[tokio::test]
        async fn $name() {
            interrupted($local, $at, $code, &$said).await;
        })*

        /// The table of the README has a row for each, and no other.
        #[test]
        fn the_readme_has_a_row_for_each() {
            let readme = include_str!("../../../README.md");
            let (_, table) = readme.split_once("| killed |").unwrap();
            let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
            let named: Vec<_> = rows.map(|row| row.trim_end_matches("` |").rsplit('`').next().unwrap()).collect();
            assert_eq!(named, [$(stringify!($name)),*]);
        }
    };
}

interruptions! {
    before_the_journal_knows_a_step: false, Waiting("getApiKeys", 2) => LEFT_TO_DO, "";
    before_the_mint: false, Saying(0) => LEFT_TO_DO, "";
    during_the_mint: false, Waiting("generateApiKey", 1) => LEFT_TO_DO, left(&GENERATED[..1], &ORPHAN, &DELETE_NEW);
    after_the_mint: false, Saying(1) => LEFT_TO_DO, left(&GENERATED[..2], &ORPHAN, &DELETE_NEW);
    after_saving: false, Saying(2) => LEFT_TO_DO, left(&GENERATED[..3], &BOTH, &DELETE_OLD);
    while_signing_in: false, Waiting("getApiKeys", 3) => LEFT_TO_DO, left(&GENERATED[..3], &BOTH, &DELETE_OLD);
    after_signing_in: false, Saying(3) => LEFT_TO_DO, left(&GENERATED[..4], &BOTH, &DELETE_OLD);
    during_the_deletion: false, Waiting("deleteApiKey", 1) => 0, IN_SERVICE;
    after_the_deletion: false, Saying(4) => 0, IN_SERVICE;
    after_the_confirmation: false, Saying(5) => 0, IN_SERVICE;
    local_before_saving: true, Saying(0) => LEFT_TO_DO, "";
    local_after_saving: true, Saying(1) => LEFT_TO_DO, left(&LOCAL[..2], &FILE_ALONE, &["rm new.pem"]);
    local_during_the_mint: true, Waiting("createApiKey", 1) => LEFT_TO_DO, left(&LOCAL[..2], &BOTH, &DELETE_OLD);
    local_after_the_mint: true, Saying(2) => LEFT_TO_DO, left(&LOCAL[..3], &BOTH, &DELETE_OLD);
}

/// The journal is for its owner, and shows no key.
#[tokio::test]
async fn the_journal_is_private_and_holds_no_key() {
    use std::os::unix::fs::PermissionsExt as _;
    let desk = Desk::new().await;
    kill(&desk, false, Saying(3)).await;
    let journal = desk.file("new.pem.rotation");
    let text = std::fs::read_to_string(&journal).unwrap();
    let key = kalshi_api_keys::key_file::load(desk.file("new.pem")).unwrap().key;
    assert!(!crate::fixtures::shows_key(&text, &key) && !text.contains("PRIVATE"));
    assert_eq!(std::fs::metadata(&journal).unwrap().permissions().mode() & 0o777, 0o600);
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    let expected = serde_json::json!({
        "base_url": desk.sandbox.base_url(),
        "old": desk.old,
        "before": [desk.old],
        "new": desk.ids()[1],
        "file": "new.pem",
        "steps": GENERATED[..4],
    });
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_journal_of_another_service_or_that_cannot_be_read_changes_nothing() {
    let desk = Desk::new().await;
    kill(&desk, false, Saying(3)).await;
    let other = Desk::new().await;
    let mut elsewhere = desk.command(&arguments(false));
    elsewhere.env("KALSHI_API_BASE_URL", other.sandbox.base_url());
    let ran = ran(elsewhere).await;
    assert!(ran.code == 2 && ran.err.contains("name that environment"), "{}", ran.err);

    // Flags come back in what is left to do.
    let mut flagged = arguments(false);
    let id = desk.old.clone();
    flagged.extend(["--api-key-id", &id, "--private-key-path", "old.pem", "--env", desk.sandbox.base_url()]);
    let said = desk.run(&flagged).await.out;
    let line = "  kalshi-api-keys --api-key-id OLD --private-key-path old.pem --env URL delete OLD\n";
    assert!(desk.plain(&said).ends_with(line), "{said}");

    std::fs::write(desk.file("new.pem.rotation"), "{").unwrap();
    let before = desk.sandbox.requests();
    let ran = desk.run(&arguments(false)).await;
    assert!(ran.code == LEFT_TO_DO && ran.err.contains("cannot be read"), "{}", ran.err);
    assert_eq!(desk.sandbox.requests(), before);
}

/// It is interrupted while the service writes its answer, and the answer comes after it has said why it goes on.
#[tokio::test(flavor = "multi_thread")]
async fn generate_waits_for_the_private_key_when_it_is_interrupted() {
    let desk = Desk::new().await;
    let running: Arc<Mutex<Option<Child>>> = Arc::default();
    let interrupted = running.clone();
    let server = RawServer::start(move |_, _| {
        let mut running = interrupted.lock().unwrap();
        let running = running.as_mut().unwrap();
        kill_process(Pid::from_child(running), Signal::INT).unwrap();
        let mut said = String::new();
        BufReader::new(running.stderr.as_mut().unwrap()).read_line(&mut said).unwrap();
        assert!(said.starts_with("warning: the private key is on its way"), "{said}");
        let key = ed25519().private.expose_secret();
        Reply::json(201, serde_json::json!({ "api_key_id": "new", "private_key": key }).to_string())
    })
    .await;
    {
        let mut running = running.lock().unwrap();
        let mut command = desk.command(&["generate", "--out", "new.pem", "--api-base-url", server.base_url()]);
        *running = Some(command.as_std_mut().stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
    }
    until(|| running.lock().unwrap().as_mut().unwrap().try_wait().unwrap().is_some()).await;
    let ended = running.lock().unwrap().as_mut().unwrap().wait().unwrap();
    assert_eq!(ended.code(), Some(0));
    let kept = key_file::load(desk.file("new.pem")).unwrap();
    assert_eq!(kept.key.expose_secret(), ed25519().private.expose_secret());
}
