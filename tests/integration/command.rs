//! The command: what it prints, how it exits, what it keeps, and that it shows no key that was not
//! asked for. The binary itself is run, against the sandbox. `SNAPSHOTS=overwrite cargo test --test
//! integration command::` accepts a change of what it prints.

mod arguments;
mod connection;
mod create;
mod delete;
mod gateways;
mod help;
mod inputs;
mod list;
mod output;
mod rotate;
mod sign;
mod whoami;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use kalshi_api_keys::sandbox::{Fault, Sandbox};
use kalshi_api_keys::types::{ApiKey, ApiKeyScope, PrivateKeyPem, Subaccount};
use kalshi_api_keys::{Client, Credentials, key_file};
use snapbox::assert::DEFAULT_ACTION_ENV;
use snapbox::{Assert, IntoData, Redactions};
use tokio::process::Command;

use crate::fixtures::{ed25519, shows_key};

pub const BINARY: &str = env!("CARGO_BIN_EXE_kalshi-api-keys");

const REFUSED: i32 = 1;
const USAGE: i32 = 2;
const NETWORK: i32 = 3;
const INCOMPLETE: i32 = 4;

/// A sandbox, its root key in a file, and a folder to work in.
pub struct TestAccount {
    pub sandbox: Arc<Sandbox>,
    pub folder: tempfile::TempDir,
    pub old: String,
    redacted: Mutex<Vec<(&'static str, String)>>,
}

impl TestAccount {
    pub async fn new() -> Self {
        let sandbox = Arc::new(Sandbox::start().await.unwrap());
        let folder = tempfile::tempdir().unwrap();
        key_file::save(
            folder.path().join("old.pem"),
            None,
            &sandbox.root_private_key(),
        )
        .unwrap();
        let old = sandbox.credentials().key_id().to_owned();
        Self {
            sandbox,
            folder,
            old,
            redacted: Mutex::default(),
        }
    }

    /// The command in the folder, with the root key in its variables.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.program(BINARY, arguments)
    }

    /// Another program, as [`command`](Self::command).
    pub fn program(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = program_without_variables(program, arguments);
        command.current_dir(self.folder.path());
        command
            .env("KALSHI_API_KEY_ID", &self.old)
            .env("KALSHI_PRIVATE_KEY_PATH", "old.pem");
        command.env("KALSHI_API_BASE_URL", self.sandbox.base_url());
        command
    }

    pub async fn run(&self, arguments: &[&str]) -> Ran {
        let ran = ran(self.command(arguments)).await;
        assert!(
            !ran.shows(&self.sandbox.root_private_key()),
            "{arguments:?}"
        );
        ran
    }

    /// Runs the command and returns a transcript for [`assert_transcript`].
    async fn transcript(&self, arguments: &[&str]) -> String {
        self.describe(
            &arguments.join(" ").replace('\n', "\\n"),
            &self.run(arguments).await,
        )
    }

    /// Returns what a run printed and how it exited, with placeholders for what differs between
    /// runs.
    fn describe(&self, title: &str, ran: &Ran) -> String {
        let err: String = ran
            .err
            .lines()
            .map(|line| format!("2> {line}").trim_end().to_owned() + "\n")
            .collect();
        self.redactions().redact(&format!(
            "$ {title}\n{}{err}exit code {}\n\n",
            ran.out, ran.code
        ))
    }

    /// What differs between runs: the URLs, the IDs of the root key and of the last one that the
    /// service created, the suffix of a rotated key's name, and what a test adds.
    fn redactions(&self) -> Redactions {
        let origin = self
            .sandbox
            .environment()
            .base_url()
            .origin()
            .ascii_serialization();
        let mut redactions = Redactions::new();
        redactions
            .extend([
                ("[OLD]", &self.old),
                ("[URL]", &self.sandbox.base_url().to_owned()),
            ])
            .unwrap();
        redactions.insert("[ORIGIN]", origin).unwrap();
        redactions
            .extend(self.redacted.lock().unwrap().iter().cloned())
            .unwrap();
        // Other IDs are not UUIDs.
        if let Some(new) = self
            .sandbox
            .keys()
            .pop()
            .filter(|key| key.api_key_id.len() == 36 && key.api_key_id != self.old)
        {
            redactions.insert("[NEW]", new.api_key_id).unwrap();
            if let Some((_, rotated)) = new
                .name
                .as_deref()
                .unwrap_or_default()
                .split_once(" (rotated ")
            {
                redactions
                    .insert("[DATE_AND_TOKEN]", rotated.trim_end_matches(')').to_owned())
                    .unwrap();
            }
        }
        redactions
    }

    /// Shows a value as a placeholder in transcripts from now on.
    fn redact(&self, placeholder: &'static str, value: impl Into<String>) {
        self.redacted
            .lock()
            .unwrap()
            .push((placeholder, value.into()));
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The names of all files in the folder, sorted.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut files: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        files
    }

    pub fn ids(&self) -> Vec<String> {
        self.sandbox
            .keys()
            .into_iter()
            .map(|key| key.api_key_id)
            .collect()
    }

    fn last(&self) -> ApiKey {
        self.sandbox.keys().pop().unwrap()
    }

    /// The key of a file signs in with an ID.
    pub async fn signs_in(&self, id: &str, file: &str) -> bool {
        let credentials = Credentials::from_pem_file(id, self.file(file)).unwrap();
        let client = Client::new(self.sandbox.environment(), credentials).unwrap();
        client.get_api_keys().send().await.is_ok()
    }

    /// A private key in a file either signs in with the only other key of the account, whose ID the
    /// file names, or there is no such key.
    async fn signs_in_or_is_alone(&self, file: &str) -> bool {
        let key_file = key_file::load(self.file(file)).unwrap();
        assert!(key_file.key.expose_secret().contains("PRIVATE KEY-----"));
        let ids = self.ids();
        match &ids[..] {
            [_] => true,
            [_, id] => {
                let credentials = Credentials::from_key_file(self.file(file)).unwrap();
                credentials.key_id() == id && self.signs_in(id, file).await
            }
            _ => false,
        }
    }

    fn key(&self, id: &str, scopes: Vec<ApiKeyScope>, subaccount: Option<u8>) {
        let subaccount = subaccount.map(|number| Subaccount::try_from(number).unwrap());
        let name = format!("the {id}");
        let key = ApiKey::builder()
            .api_key_id(id)
            .name(name)
            .scopes(scopes)
            .subaccount(subaccount);
        self.sandbox
            .register(key.try_into().unwrap(), &ed25519().public)
            .unwrap();
    }
}

/// The command without variables of ours.
fn command(arguments: &[&str]) -> Command {
    program_without_variables(BINARY, arguments)
}

fn program_without_variables(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    for name in [
        "KALSHI_API_KEY_ID",
        "KALSHI_PRIVATE_KEY",
        "KALSHI_PRIVATE_KEY_PATH",
        "KALSHI_ENV",
        "KALSHI_API_BASE_URL",
    ] {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    fn new(output: std::process::Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    fn shows(&self, key: &PrivateKeyPem) -> bool {
        shows_key(&self.out, key) || shows_key(&self.err, key)
    }
}

/// Every failure is one line that says what to do next, or a usage error of clap.
pub async fn ran(mut command: Command) -> Ran {
    let ran = Ran::new(command.output().await.unwrap());
    let errors: Vec<_> = ran
        .err
        .lines()
        .filter(|line| !line.starts_with("warning: "))
        .collect();
    let is_clap_error = ran.err.ends_with("For more information, try '--help'.\n")
        || ran.err.starts_with("Lists, ");
    if is_clap_error {
        assert_eq!((ran.code, ran.out.as_str()), (USAGE, ""));
    } else if ran.code != 0 {
        assert!(
            matches!(errors[..], [line] if line.starts_with("error: ") && line.contains("; ")),
            "{}",
            ran.err
        );
    }
    ran
}

/// Runs the command with a stdout of its own.
async fn ran_into(stdout: Stdio, mut command: Command) -> Ran {
    let child = command
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    Ran::new(child.wait_with_output().await.unwrap())
}

/// Compares transcripts with a snapshot.
fn assert_transcript(transcripts: &str, expected: impl IntoData) {
    let assert = Assert::new()
        .action_env(DEFAULT_ACTION_ENV)
        .normalize_paths(false);
    assert.eq(transcripts.trim_end(), expected);
}

/// A stdout whose reader is gone.
fn closed() -> Stdio {
    let (reader, mut writer) = std::io::pipe().unwrap();
    drop(reader);
    // A child that another test is just starting still has it open.
    while writer.write_all(b"x").is_ok() {}
    writer.into()
}

/// The body of a list that contains this key alone.
fn key_list(id: &str) -> String {
    let key = serde_json::json!({ "api_key_id": id, "name": "root", "scopes": ["read", "write"] });
    serde_json::json!({ "api_keys": [key] }).to_string()
}

/// The service's own refusal of a request.
pub fn refusal() -> Fault {
    Fault::respond(403, "application/json", FORBIDDEN)
}

const FORBIDDEN: &str = r#"{"error":{"code":"forbidden","message":"forbidden"}}"#;
