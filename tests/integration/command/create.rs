//! `generate` and `create`: a private key is never lost, never shown, and never removed while its API key may exist.

use kalshi_api_keys::sandbox::{Fault, Tier};
use kalshi_api_keys::types::ApiKeyScope;
use kalshi_api_keys::{Credentials, key_file};

use super::{LEFT_TO_DO, NETWORK, REFUSED, TestAccount, USAGE, closed, ran, ran_into};
use crate::fixtures::{rsa, shows_key};
use crate::raw_server::{RawServer, Reply};

#[tokio::test]
async fn the_key_file_holds_key_and_id_and_is_readable_by_its_owner_only() {
    let account = TestAccount::new().await;
    for (arguments, done, pem) in [
        (["generate", "--type", "ed25519"], "generated NEW; its private key is in \"0.pem\"\n", "-----BEGIN PRIVATE"),
        (["generate", "--type", "rsa"], "generated NEW; its private key is in \"1.pem\"\n", "-----BEGIN RSA"),
        (["create", "--type", "ed25519"], "created NEW; its private key is in \"2.pem\"\n", "-----BEGIN PRIVATE"),
        (["create", "--type", "rsa"], "created NEW; its private key is in \"3.pem\"\n", "-----BEGIN RSA"),
    ] {
        let file = format!("{}.pem", account.ids().len() - 1);
        let more =
            ["--out", &file, "--name", "desk", "--scope", "read", "--scope", "write::trade", "--subaccount", "7"];
        let ran = account.run(&[&arguments[..], &more].concat()).await;
        assert_eq!((ran.code, account.plain(&ran.out).as_str(), ran.err.as_str()), (0, done, ""));
        let loaded = key_file::load(account.file(&file)).unwrap();
        assert!(!loaded.readable_by_others && !ran.shows(&loaded.key));
        let key = account.last();
        let expected = format!("Kalshi-API-Key-ID: {}\n{pem}", key.api_key_id);
        assert!(loaded.key.expose_secret().starts_with(&expected));
        assert_eq!((key.name.as_str(), key.subaccount.unwrap().get()), ("desk", Some(7)));
        assert_eq!(key.scopes, [ApiKeyScope::Read, ApiKeyScope::WriteTrade]);
        let credentials = Credentials::from_key_file(account.file(&file)).unwrap();
        assert_eq!(credentials.key_id(), key.api_key_id);
        assert!(account.signs_in(&key.api_key_id, &file).await);
    }
    // Without a --scope, a new key may do the least.
    account.run(&["generate", "--out", "least.pem"]).await;
    assert_eq!((account.last().scopes, account.last().name.as_str()), (vec![ApiKeyScope::Read], "kalshi-api-keys"));
}

#[tokio::test]
async fn nothing_is_sent_when_the_file_cannot_be_saved() {
    let account = TestAccount::new().await;
    std::fs::write(account.file("there.pem"), "somebody's").unwrap();
    let long = "a".repeat(300);
    for file in ["there.pem", "no/such/folder.pem", &long, "slash.pem/", ".", ".."] {
        for arguments in [&["generate"][..], &["create"], &["rotate", "--yes"]] {
            let ran = account.run(&[arguments, &["--out", file]].concat()).await;
            assert_eq!((ran.code, ran.out.as_str()), (USAGE, ""), "{file}: {}", ran.err);
        }
    }
    assert_eq!((account.sandbox.requests(), account.ids().len()), (0, 1));
    assert_eq!(std::fs::read_to_string(account.file("there.pem")).unwrap(), "somebody's");
    assert_eq!(account.files(), ["old.pem", "there.pem"]);
}

#[tokio::test]
async fn the_temporary_file_of_a_killed_run_is_reported() {
    let account = TestAccount::new().await;
    std::fs::write(account.file(".new.pem.kalshi-tmp"), "perhaps a key").unwrap();
    for arguments in [&["generate"][..], &["create"], &["rotate", "--yes"]] {
        let ran = account.run(&[arguments, &["--out", "new.pem"]].concat()).await;
        assert!(ran.err.contains(".new.pem.kalshi-tmp\" was left by a run that was killed"), "{}", ran.err);
        assert_eq!((ran.code, account.sandbox.requests()), (LEFT_TO_DO, 0));
    }
    assert_eq!(account.files(), [".new.pem.kalshi-tmp", "old.pem"]);
}

#[tokio::test]
async fn stdout_gets_the_key_and_nothing_else() {
    let account = TestAccount::new().await;
    for (command, done) in [("generate", "generated NEW"), ("create", "created NEW")] {
        let ran = account.run(&[command, "--stdout"]).await;
        assert_eq!(account.plain(&ran.err), format!("{done}; its private key is on stdout\n"));
        assert!(ran.out.starts_with("-----BEGIN") && ran.out.ends_with("-----\n"));
        Credentials::from_pem(account.last().api_key_id, &ran.out).unwrap();
        std::fs::write(account.file("copy.pem"), &ran.out).unwrap();
        assert!(account.signs_in(&account.last().api_key_id, "copy.pem").await);
        assert!(!shows_key(&ran.err, &ran.out.into()));
    }
}

#[cfg(unix)] // Needs `sh`, which closes stdout.
#[tokio::test]
async fn nothing_is_sent_when_stdout_is_discarded() {
    let account = TestAccount::new().await;
    for redirect in [">/dev/null", ">&-"] {
        for command in ["generate", "create"] {
            let mut shell = account.command(&[]);
            let program = shell.as_std().get_program().to_owned();
            let variables: Vec<_> = shell
                .as_std()
                .get_envs()
                .map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned)))
                .collect();
            shell = tokio::process::Command::new("sh");
            shell.args(["-c", &format!("\"$0\" {command} --stdout {redirect}")]).arg(program);
            for (name, value) in variables {
                match value {
                    Some(value) => shell.env(name, value),
                    None => shell.env_remove(name),
                };
            }
            shell.current_dir(account.folder.path()).stdin(std::process::Stdio::null());
            let ran = ran(shell).await;
            assert!(ran.err.contains("stdout is closed or /dev/null"), "{}", ran.err);
            assert_eq!((ran.code, account.sandbox.requests()), (USAGE, 0), "{command} {redirect}");
        }
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_saved_is_deleted_again_or_named() {
    let account = TestAccount::new().await;
    let lost = ran_into(closed(), account.command(&["generate", "--stdout"])).await;
    assert_eq!((lost.code, account.ids().len()), (USAGE, 1), "{}", lost.err);
    assert!(lost.err.contains("cannot write the private key to stdout"), "{}", lost.err);
    assert!(lost.err.ends_with(" was deleted again\n"), "{}", lost.err);

    account.sandbox.fail_next_on("deleteApiKey", Fault::respond(403, "application/json", FORBIDDEN)).unwrap();
    let lost = ran_into(closed(), account.command(&["generate", "--stdout"])).await;
    assert_eq!((lost.code, account.ids().len()), (LEFT_TO_DO, 2));
    let err = account.plain(&lost.err);
    assert!(err.contains("the new key NEW has no private key any more and was not provably deleted"), "{err}");
}

const FORBIDDEN: &str = r#"{"error":{"code":"forbidden","message":"forbidden"}}"#;

/// Somebody else creates the file while the service creates the key, and the response to the deletion proves nothing.
#[tokio::test]
async fn a_deletion_that_no_list_proves_is_not_reported() {
    let account = TestAccount::new().await;
    let file = account.file("new.pem");
    let body = serde_json::json!({ "api_key_id": "created", "private_key": rsa().private.expose_secret() }).to_string();
    let taken = file.clone();
    let server = RawServer::start(move |_, request| match request.method() {
        "POST" => {
            std::fs::write(&taken, "somebody's").unwrap();
            Reply::json(201, &body)
        }
        "GET" => Reply::json(403, FORBIDDEN),
        _ => Reply::new(204, "", ""),
    })
    .await;
    let mut command = account.command(&["generate", "--out", "new.pem"]);
    command.env("KALSHI_API_BASE_URL", server.base_url());
    let ran = ran(command).await;
    assert!(ran.err.contains("exists already") && ran.err.contains("not provably deleted"), "{}", ran.err);
    assert_eq!(ran.code, LEFT_TO_DO);
    assert!(!ran.shows(&rsa().private));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "somebody's");
}

#[tokio::test]
async fn what_arrived_of_an_unusable_response_is_saved() {
    let account = TestAccount::new().await;
    for (file, fault) in [("a.pem", Fault::ReplaceStatus(200)), ("b.pem", Fault::TruncateResponse { after: 190 })] {
        account.sandbox.fail_next_on("generateApiKey", fault).unwrap();
        let ran = account.run(&["generate", "--out", file]).await;
        assert_eq!(ran.code, LEFT_TO_DO);
        assert!(ran.err.contains(&format!("what arrived was saved to {file:?}")), "{}", ran.err);
        let arrived = key_file::load(account.file(file)).unwrap();
        assert!(arrived.key.expose_secret().contains("-----BEGIN PRIVATE KEY-----") && !arrived.readable_by_others);
        let base64 = arrived.key.expose_secret().split_once("KEY-----\\n").unwrap().1;
        assert!(!ran.err.contains(&base64[24..40]) && !ran.out.contains(&base64[24..40]));
    }
}

/// The name of a generated key is the caller's, so another user's key may have it: nobody is told to delete one.
#[tokio::test]
async fn a_lost_response_to_generate_is_reported_without_advice_to_delete() {
    for fault in [
        Fault::DropResponse,
        Fault::DropRequest,
        Fault::internal_error(),
        Fault::respond(404, "text/html", "<html>"),
        Fault::respond(403, "text/plain", "no"),
        Fault::respond(401, "", ""),
        Fault::ReplaceStatus(502),
    ] {
        let account = TestAccount::new().await;
        account.sandbox.fail_next_on("generateApiKey", fault.clone()).unwrap();
        let ran = account.run(&["generate", "--out", "c.pem", "--name", "mine"]).await;
        assert_eq!(ran.code, LEFT_TO_DO, "{fault:?}: {}", ran.err);
        assert!(ran.err.contains("\"mine\"") && !ran.err.contains("delete"), "{fault:?}: {}", ran.err);
    }
}

#[tokio::test]
async fn a_private_key_file_is_removed_only_when_the_service_itself_refused() {
    for (fault, code, kept) in [
        (Fault::respond(403, "application/json", FORBIDDEN), REFUSED, false),
        (Fault::respond(403, "text/html", "<html>"), LEFT_TO_DO, true),
        (Fault::respond(404, "text/plain", ""), LEFT_TO_DO, true),
        (Fault::ReplaceStatus(403), LEFT_TO_DO, true),
        (Fault::DropResponse, LEFT_TO_DO, true),
        (Fault::DropRequest, LEFT_TO_DO, true),
    ] {
        let account = TestAccount::new().await;
        account.sandbox.fail_next_on("createApiKey", fault.clone()).unwrap();
        let ran = account.run(&["create", "--out", "new.pem"]).await;
        assert_eq!((ran.code, account.file("new.pem").exists()), (code, kept), "{fault:?}: {}", ran.err);
        let says = if kept { "\"new.pem\" holds the private key of the new key" } else { "\"new.pem\" was removed" };
        assert!(ran.err.contains(says), "{}", ran.err);
    }
    let account = TestAccount::new().await;
    account.sandbox.set_tier(Tier::Basic);
    assert_eq!(account.run(&["create", "--out", "new.pem"]).await.code, REFUSED);
    assert_eq!(account.files(), ["old.pem"]);
    let mut unreachable = account.command(&["create", "--out", "new.pem"]);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    unreachable.env("KALSHI_API_BASE_URL", format!("http://{}/", nobody.local_addr().unwrap()));
    drop(nobody);
    assert_eq!(ran(unreachable).await.code, NETWORK);
    assert_eq!(account.files(), ["old.pem"]);
}

#[tokio::test]
async fn create_registers_a_public_key_and_never_sends_a_private_one() {
    let account = TestAccount::new().await;
    std::fs::write(account.file("key.pub"), &rsa().public).unwrap();
    account.sandbox.set_creation_warning(Some("a risk control\nis missing".into()));
    let ran = account.run(&["create", "--public-key", "key.pub", "--name", "theirs"]).await;
    assert_eq!((ran.code, account.plain(&ran.out).as_str()), (0, "created NEW\n"));
    assert!(ran.err.starts_with("warning: the service says: a risk control"), "{}", ran.err);
    assert_eq!(ran.err.lines().count(), 1);

    let requests = account.sandbox.requests();
    let ran = account.run(&["create", "--public-key", "old.pem"]).await;
    assert_eq!((ran.code, account.sandbox.requests()), (USAGE, requests));
    assert!(ran.err.contains("\"old.pem\" holds a private key, and nothing was sent"), "{}", ran.err);
}

/// A signal while the service generates the key does not lose the private key in its response.
#[cfg(target_os = "linux")] // Sends signals.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_waits_for_the_private_key() {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;
    use std::sync::{Arc, Mutex};

    use rustix::process::{Pid, Signal, kill_process};

    for (signal, command) in [
        (Signal::INT, "generate"),
        (Signal::TERM, "generate"),
        (Signal::HUP, "generate"),
        (Signal::TERM, "create"),
        (Signal::HUP, "create"),
    ] {
        let account = TestAccount::new().await;
        let running: Arc<Mutex<Option<std::process::Child>>> = Arc::default();
        let signalled = running.clone();
        let server = RawServer::start(move |_, _| {
            let mut running = signalled.lock().unwrap();
            let running = running.as_mut().unwrap();
            kill_process(Pid::from_child(running), signal).unwrap();
            let mut said = String::new();
            // The signal has arrived once it is reported.
            BufReader::new(running.stderr.as_mut().unwrap()).read_line(&mut said).unwrap();
            assert!(said.starts_with("warning: waiting for the response"), "{said}");
            let key = rsa().private.expose_secret();
            Reply::json(201, serde_json::json!({ "api_key_id": "new", "private_key": key }).to_string())
        })
        .await;
        {
            let mut running = running.lock().unwrap();
            let mut command = account.command(&[command, "--out", "new.pem", "--api-base-url", server.base_url()]);
            *running = Some(command.as_std_mut().stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
        }
        let ended = tokio::task::spawn_blocking(move || {
            loop {
                if let Some(ended) = running.lock().unwrap().as_mut().unwrap().try_wait().unwrap() {
                    break ended;
                }
                std::thread::yield_now();
            }
        });
        assert_eq!(ended.await.unwrap().code(), Some(0), "{signal:?} {command}");
        assert_eq!(Credentials::from_key_file(account.file("new.pem")).unwrap().key_id(), "new");
    }
}
