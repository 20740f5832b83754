//! `generate` and `create`: a private key is never lost, never shown, and never removed while its
//! API key may exist.

use std::process::Stdio;

use kalshi_api_keys::sandbox::{Fault, Tier};
use kalshi_api_keys::types::ApiKeyScope;
use kalshi_api_keys::{Credentials, key_file};
use snapbox::str;

use super::{
    FORBIDDEN, INCOMPLETE, NETWORK, REFUSED, TestAccount, USAGE, assert_transcript, closed,
    key_list, ran, ran_into, refusal,
};
use crate::fixtures::{rsa, shows_key, unreachable_url};
use crate::raw_server::{RawServer, Reply};

#[tokio::test]
async fn the_key_file_holds_key_and_id_and_is_readable_by_its_owner_only() {
    let account = TestAccount::new().await;
    // The new keys are those of one sub-account, and sign in by listing.
    account.sandbox.set_restricted_keys_may_list(true);
    let mut transcripts = String::new();
    for (arguments, pem) in [
        (["generate", "--type", "ed25519"], "-----BEGIN PRIVATE"),
        (["generate", "--type", "rsa"], "-----BEGIN RSA"),
        (["create", "--type", "ed25519"], "-----BEGIN PRIVATE"),
        (["create", "--type", "rsa"], "-----BEGIN RSA"),
    ] {
        let file = format!("{}.pem", account.ids().len() - 1);
        let more = [
            "--out",
            &file,
            "--name",
            "desk",
            "--scope",
            "read",
            "--scope",
            "write::trade",
            "--subaccount",
            "7",
        ];
        let ran = account.run(&[&arguments[..], &more].concat()).await;
        transcripts += &account.describe(&arguments.join(" "), &ran);
        let loaded = key_file::load(account.file(&file)).unwrap();
        assert!(!loaded.readable_by_others && !ran.shows(&loaded.key));
        let key = account.last();
        let expected = format!("Kalshi-API-Key-ID: {}\n{pem}", key.api_key_id);
        assert!(loaded.key.expose_secret().starts_with(&expected));
        assert_eq!(
            (
                key.name.as_deref(),
                key.subaccount.map(|number| number.get())
            ),
            (Some("desk"), Some(7))
        );
        assert_eq!(
            key.scopes,
            Some(vec![ApiKeyScope::Read, ApiKeyScope::WriteTrade])
        );
        let credentials = Credentials::from_key_file(account.file(&file)).unwrap();
        assert_eq!(credentials.key_id(), key.api_key_id);
        assert!(account.signs_in(&key.api_key_id, &file).await);
    }
    assert_transcript(
        &transcripts,
        str![[r#"
$ generate --type ed25519
generated [NEW]; its private key is in "0.pem"
exit code 0

$ generate --type rsa
generated [NEW]; its private key is in "1.pem"
exit code 0

$ create --type ed25519
created [NEW]; its private key is in "2.pem"
exit code 0

$ create --type rsa
created [NEW]; its private key is in "3.pem"
exit code 0
"#]],
    );
    // Without a --scope, a new key may do the least.
    account.run(&["generate", "--out", "least.pem"]).await;
    assert_eq!(
        (account.last().scopes, account.last().name.as_deref()),
        (Some(vec![ApiKeyScope::Read]), Some("kalshi-api-keys"))
    );
}

#[tokio::test]
async fn nothing_is_sent_when_the_file_cannot_be_saved() {
    let account = TestAccount::new().await;
    std::fs::write(account.file("there.pem"), "somebody's").unwrap();
    let long = "a".repeat(300);
    for file in [
        "there.pem",
        "no/such/folder.pem",
        &long,
        "slash.pem/",
        ".",
        "..",
    ] {
        for arguments in [&["generate"][..], &["create"], &["rotate", "--yes"]] {
            let ran = account.run(&[arguments, &["--out", file]].concat()).await;
            assert_eq!(
                (ran.code, ran.out.as_str()),
                (USAGE, ""),
                "{file}: {}",
                ran.err
            );
        }
    }
    assert_eq!((account.sandbox.requests(), account.ids().len()), (0, 1));
    assert_eq!(
        std::fs::read_to_string(account.file("there.pem")).unwrap(),
        "somebody's"
    );
    assert_eq!(account.files(), ["old.pem", "there.pem"]);
}

#[tokio::test]
async fn the_temporary_file_of_a_killed_run_is_reported() {
    let account = TestAccount::new().await;
    std::fs::write(account.file(".new.pem.kalshi-tmp"), "perhaps a key").unwrap();
    let mut transcripts = String::new();
    for arguments in [&["generate"][..], &["create"], &["rotate", "--yes"]] {
        transcripts += &account
            .transcript(&[arguments, &["--out", "new.pem"]].concat())
            .await;
    }
    assert_transcript(
        &transcripts,
        str![[r#"
$ generate --out new.pem
2> error: "[..].new.pem.kalshi-tmp" was left by a run that was killed (or is still running) and may hold a private key; move it away, and keep it until you have listed the keys
exit code 4

$ create --out new.pem
2> error: "[..].new.pem.kalshi-tmp" was left by a run that was killed (or is still running) and may hold a private key; move it away, and keep it until you have listed the keys
exit code 4

$ rotate --yes --out new.pem
2> error: cannot save the new private key: "[..].new.pem.kalshi-tmp" was left by a run that was killed (or is still running) and may hold a private key; move it away, and keep it until you have listed the keys; nothing was created or deleted
exit code 4
"#]],
    );
    assert_eq!(account.sandbox.requests(), 0);
    assert_eq!(account.files(), [".new.pem.kalshi-tmp", "old.pem"]);
}

#[tokio::test]
async fn stdout_gets_the_key_and_nothing_else() {
    let account = TestAccount::new().await;
    let mut transcripts = String::new();
    for command in ["generate", "create"] {
        let ran = account.run(&[command, "--stdout"]).await;
        account.redact("[PRIVATE_KEY]", ran.out.trim_end());
        transcripts += &account.describe(command, &ran);
        assert!(ran.out.starts_with("-----BEGIN") && ran.out.ends_with("-----\n"));
        Credentials::from_pem(account.last().api_key_id, &ran.out).unwrap();
        std::fs::write(account.file("copy.pem"), &ran.out).unwrap();
        assert!(
            account
                .signs_in(&account.last().api_key_id, "copy.pem")
                .await
        );
        assert!(!shows_key(&ran.err, &ran.out.into()));
    }
    assert_transcript(
        &transcripts,
        str![[r#"
$ generate
[PRIVATE_KEY]
2> generated [NEW]; its private key is on stdout
exit code 0

$ create
[PRIVATE_KEY]
2> created [NEW]; its private key is on stdout
exit code 0
"#]],
    );
}

#[tokio::test]
async fn nothing_is_sent_when_stdout_is_discarded() {
    let account = TestAccount::new().await;
    for command in ["generate", "create"] {
        let null = ran_into(Stdio::null(), account.command(&[command, "--stdout"])).await;
        let mut runs = vec![null];
        // On Windows, there is no `sh` that closes stdout.
        if cfg!(unix) {
            for redirect in [">/dev/null", ">&-", "1<old.pem"] {
                let script = format!("\"$0\" {command} --stdout {redirect}");
                runs.push(ran(account.program("sh", &["-c", &script, super::BINARY])).await);
            }
        }
        for ran in runs {
            assert_transcript(
                &account.describe("--stdout", &ran),
                str![[r#"
$ --stdout
2> error: stdout is closed, a null device or open for reading only, so the private key would be lost; redirect it, or use --out
exit code 2
"#]],
            );
        }
    }
    assert_eq!(account.sandbox.requests(), 0);
}

#[tokio::test]
async fn a_key_that_cannot_be_saved_is_deleted_again_or_named() {
    let account = TestAccount::new().await;
    let lost = ran_into(closed(), account.command(&["generate", "--stdout"])).await;
    let mut transcripts = account.describe("generate, and the key is deleted", &lost);
    assert_eq!(account.ids().len(), 1);

    account
        .sandbox
        .fail_next_on("deleteApiKey", refusal())
        .unwrap();
    let lost = ran_into(closed(), account.command(&["generate", "--stdout"])).await;
    transcripts += &account.describe("generate, and the key cannot be deleted", &lost);
    assert_eq!(account.ids().len(), 2);
    assert_transcript(
        &transcripts,
        str![[r#"
$ generate, and the key is deleted
2> error: cannot write the private key to stdout: [..]; the new key [..] was deleted again
exit code 2

$ generate, and the key cannot be deleted
2> error: cannot write the private key to stdout: [..]; the private key of the new key [NEW] is lost, and the key may still exist: the key was not deleted: the service returned 403: forbidden; sign with an unrestricted key of the account's owner, bound to no sub-account or FCM subtrader, that has the scope `write`
exit code 4
"#]],
    );
}

/// A full disk is found only when something is written.
#[cfg(target_os = "linux")] // Has `/dev/full`.
#[tokio::test]
async fn what_was_done_is_reported_even_if_stdout_is_full() {
    let mut transcripts = String::new();
    for (arguments, keys) in [
        (&["generate", "--out", "generated.pem"][..], 3),
        (&["create", "--public-key", "key.pub"], 3),
        (&["create", "--stdout"], 2),
        (&["delete", "--yes", "doomed"], 1),
        (&["list"], 2),
    ] {
        let account = TestAccount::new().await;
        account.key("doomed", vec![], None);
        std::fs::write(account.file("key.pub"), &rsa().public).unwrap();
        let full = std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let ran = ran_into(full.into(), account.command(arguments)).await;
        transcripts += &account.describe(&arguments.join(" "), &ran);
        assert_eq!(account.ids().len(), keys, "{arguments:?}: {}", ran.err);
    }
    assert_transcript(
        &transcripts,
        str![[r#"
$ generate --out generated.pem
2> error: generated [NEW]; its private key is in "generated.pem"; but this could not be written to stdout: No space left on device (os error 28)
exit code 4

$ create --public-key key.pub
2> error: created [NEW]; but this could not be written to stdout: No space left on device (os error 28)
exit code 4

$ create --stdout
2> error: cannot write the private key to stdout: No space left on device (os error 28); the new key [..] was deleted again
exit code 2

$ delete --yes doomed
2> error: deleted doomed; but this could not be written to stdout: No space left on device (os error 28)
exit code 4

$ list
2> error: cannot write to stdout: No space left on device (os error 28); redirect it elsewhere
exit code 2
"#]],
    );
}

/// Somebody else creates the file while the service creates the key, and the response to the
/// deletion proves nothing.
#[tokio::test]
async fn a_deletion_that_no_list_proves_is_not_reported() {
    let account = TestAccount::new().await;
    let file = account.file("new.pem");
    let body = serde_json::json!({ "api_key_id": "created", "private_key": rsa().private.expose_secret() }).to_string();
    let taken = file.clone();
    let listed = key_list(&account.old);
    let server = RawServer::start(move |n, request| match request.method() {
        "POST" => {
            std::fs::write(&taken, "somebody's").unwrap();
            Reply::json(201, &body)
        }
        "GET" if n == 0 => Reply::json(200, &listed),
        "GET" => Reply::json(403, FORBIDDEN),
        _ => Reply::new(204, "", ""),
    })
    .await;
    let mut command = account.command(&["generate", "--out", "new.pem"]);
    command.env("KALSHI_API_BASE_URL", server.base_url());
    let ran = ran(command).await;
    assert_transcript(
        &account.describe("generate", &ran),
        str![[r#"
$ generate
2> error: "new.pem" already exists; choose another name; the private key of the new key created is lost, and the key may still exist: the key was not deleted: the service returned 403: forbidden; sign with an unrestricted key of the account's owner, bound to no sub-account or FCM subtrader, that has the scope `read`
exit code 4
"#]],
    );
    assert!(!ran.shows(&rsa().private));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "somebody's");
}

#[tokio::test]
async fn the_body_of_an_unusable_response_is_saved() {
    let account = TestAccount::new().await;
    let mut transcripts = String::new();
    for (file, fault) in [
        ("a.pem", Fault::ReplaceStatus(200)),
        ("b.pem", Fault::TruncateResponse { after: 190 }),
    ] {
        account
            .sandbox
            .fail_next_on("generateApiKey", fault)
            .unwrap();
        let ran = account.run(&["generate", "--out", file]).await;
        transcripts += &account.describe(file, &ran);
        let arrived = key_file::load(account.file(file)).unwrap();
        assert!(
            arrived
                .key
                .expose_secret()
                .contains("-----BEGIN PRIVATE KEY-----")
                && !arrived.readable_by_others
        );
        let base64 = arrived
            .key
            .expose_secret()
            .split_once("KEY-----\\n")
            .unwrap()
            .1;
        assert!(!ran.err.contains(&base64[24..40]) && !ran.out.contains(&base64[24..40]));
    }
    assert_transcript(
        &transcripts,
        str![[r#"
$ a.pem
2> error: the response 200 from [ORIGIN] is not as documented; new on the account since: [NEW] ("kalshi-api-keys"); what arrived is in "a.pem", and may hold the private key of the new key: try it with `kalshi-api-keys --api-key-id [NEW] --private-key-path a.pem whoami`
exit code 4

$ b.pem
2> error: the response 201 from [ORIGIN] was truncated: [..]; new on the account since: [NEW] ("kalshi-api-keys"); what arrived is in "b.pem", and may hold the private key of the new key: try it with `kalshi-api-keys --api-key-id [NEW] --private-key-path b.pem whoami`
exit code 4
"#]],
    );
}

/// A request that is only answered by a gateway may still be carried out.
#[tokio::test]
async fn lost_response_to_generate_leaves_the_key_in_doubt() {
    for fault in [
        Fault::DropRequest,
        Fault::internal_error(),
        Fault::respond(502, "text/html", "<html>"),
        Fault::respond(408, "text/plain", ""),
        Fault::respond(302, "", ""),
        Fault::respond(201, "", ""),
    ] {
        let account = TestAccount::new().await;
        account
            .sandbox
            .fail_next_on("generateApiKey", fault.clone())
            .unwrap();
        let ran = account
            .run(&["generate", "--out", "c.pem", "--name", "mine"])
            .await;
        assert_eq!(ran.code, INCOMPLETE, "{fault:?}: {}", ran.err);
        assert!(
            ran.err.contains("a key \"mine\" may still appear") && !ran.err.contains("delete"),
            "{fault:?}: {}",
            ran.err
        );
    }
}

#[tokio::test]
async fn rejected_create_keeps_private_key() {
    let mut transcripts = String::new();
    for fault in [
        refusal(),
        Fault::respond(429, "application/json", r#"{"error": "too many requests"}"#),
        Fault::respond(403, "text/html", "<html>"),
        Fault::respond(404, "text/plain", ""),
        Fault::ReplaceStatus(403),
        Fault::DropResponse,
        Fault::DropRequest,
    ] {
        let account = TestAccount::new().await;
        account
            .sandbox
            .fail_next_on("createApiKey", fault.clone())
            .unwrap();
        transcripts += &account.describe(
            &format!("{fault:?}"),
            &account.run(&["create", "--out", "new.pem"]).await,
        );
        assert!(account.signs_in_or_is_alone("new.pem").await, "{fault:?}");
    }
    assert_transcript(
        &transcripts,
        str![[r#"
$ Respond { status: 403, content_type: "application/json", .. }
2> error: the service returned 403: forbidden; below the Premier and Market Maker usage levels, let the service generate the key pair (`generate`) or paste the public key on the website, and otherwise sign with an unrestricted key of the account's owner, bound to no sub-account or FCM subtrader, that has the scope `write`; no new key is listed; the private key that is in "new.pem" belongs to no listed API key: keep it until a later list confirms that, or paste its public key (`openssl pkey -in new.pem -pubout`) on the website
exit code 1

$ Respond { status: 429, content_type: "application/json", .. }
2> error: the service returned 429: too many requests; try again later; no new key is listed; the private key that is in "new.pem" belongs to no listed API key: keep it until a later list confirms that, or paste its public key (`openssl pkey -in new.pem -pubout`) on the website
exit code 1

$ Respond { status: 403, content_type: "text/html", .. }
2> error: the response 403 from [ORIGIN] is not in the service's error format, and may come from a gateway; no new key is listed; the private key that is in "new.pem" belongs to no listed API key: keep it until a later list confirms that, or paste its public key (`openssl pkey -in new.pem -pubout`) on the website
exit code 1

$ Respond { status: 404, content_type: "text/plain", .. }
2> error: the response 404 from [ORIGIN] is not in the service's error format, and may come from a gateway; no new key is listed; the private key that is in "new.pem" belongs to no listed API key: keep it until a later list confirms that, or paste its public key (`openssl pkey -in new.pem -pubout`) on the website
exit code 1

$ ReplaceStatus(403)
2> error: the response 403 from [ORIGIN] is not in the service's error format, and may come from a gateway; new on the account since: [NEW] ("kalshi-api-keys"); the key [NEW] was created nevertheless, and its private key is in "new.pem"
exit code 4

$ DropResponse
2> error: no response from [ORIGIN]: error sending request for url ([URL]/api_keys): [..]; new on the account since: [NEW] ("kalshi-api-keys"); the key [NEW] was created nevertheless, and its private key is in "new.pem"
exit code 4

$ DropRequest
2> error: no response from [ORIGIN]: error sending request for url ([URL]/api_keys): [..]; no new key is listed, but a key "kalshi-api-keys" may still appear: list the keys again later; keep the private key that is in "new.pem": it belongs to the new key, if that exists
exit code 4
"#]],
    );

    let account = TestAccount::new().await;
    account.sandbox.set_tier(Tier::Basic);
    let ran = account.run(&["create", "--out", "new.pem"]).await;
    assert_eq!(ran.code, REFUSED);
    assert!(ran.err.contains("`generate`") && ran.err.contains("on the website"));
    assert_eq!(account.files(), ["new.pem", "old.pem"]);
    let unreachable = account
        .run(&[
            "create",
            "--out",
            "unreachable.pem",
            "--api-base-url",
            &unreachable_url(),
        ])
        .await;
    assert_eq!(unreachable.code, NETWORK, "{}", unreachable.err);
    assert_eq!(account.files(), ["new.pem", "old.pem"]);
}

#[tokio::test]
async fn create_registers_a_public_key_and_never_sends_a_private_one() {
    let account = TestAccount::new().await;
    std::fs::write(account.file("key.pub"), &rsa().public).unwrap();
    account
        .sandbox
        .set_creation_warning(Some("a risk control\nis missing".into()));
    let registered = account
        .transcript(&["create", "--public-key", "key.pub", "--name", "theirs"])
        .await;

    // No word of these tells that they are private.
    std::fs::write(
        account.file("key.ppk"),
        "PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\nAAAAIA==\n",
    )
    .unwrap();
    std::fs::write(
        account.file("key.jwk"),
        r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxA"}"#,
    )
    .unwrap();
    std::fs::write(
        account.file("key.der"),
        [0x30, 0x2e, 0x02, 0x01, 0x00, 0xff],
    )
    .unwrap();
    let requests = account.sandbox.requests();
    let mut refused = String::new();
    for file in ["old.pem", "key.ppk", "key.jwk", "key.der"] {
        refused += &account.transcript(&["create", "--public-key", file]).await;
    }
    assert_eq!(account.sandbox.requests(), requests);
    assert_transcript(
        &(registered + &refused),
        str![[r#"
$ create --public-key key.pub --name theirs
created [NEW]
2> warning: the service says: a risk control\nis missing
exit code 0

$ create --public-key old.pem
2> error: nothing was sent: "old.pem": it contains a private key; provide its public half, as `openssl pkey -pubout` prints it
exit code 2

$ create --public-key key.ppk
2> error: nothing was sent: "key.ppk": it contains a private key; provide its public half, as `openssl pkey -pubout` prints it
exit code 2

$ create --public-key key.jwk
2> error: nothing was sent: "key.jwk": no PEM section `PUBLIC KEY`; provide it whole, as `openssl pkey -pubout` prints it
exit code 2

$ create --public-key key.der
2> error: nothing was sent: cannot use the key in "key.der": neither text nor a key in a known format; provide the key as PEM, such as the file that Kalshi lets you download
exit code 2
"#]],
    );
}

/// `openssl rsa -text -pubout` prints the private key beside the public one, and no word for
/// "private key" that PEM knows.
#[tokio::test]
async fn of_a_public_key_file_only_the_public_key_is_sent() {
    let account = TestAccount::new().await;
    let text = format!(
        "Private-Key: (2048 bit)\nprivateExponent:\n    5a:4d\n{}\nprime1: 7\n",
        rsa().public
    );
    // As in a YAML file, behind a section that is cut off.
    let indented = format!(
        "-----BEGIN CERTIFICATE-----\nMIIB\n\nkey: |\n  {}",
        rsa().public.replace('\n', "\r\n  ")
    );
    let listed = key_list(&account.old);
    let server = RawServer::start(move |_, request| {
        if request.method() == "GET" {
            return Reply::json(200, &listed);
        }
        let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
        let is_public_key = body["public_key"].as_str().unwrap().trim() == rsa().public.trim();
        let id = if is_public_key { "public" } else { "more" };
        Reply::json(201, serde_json::json!({ "api_key_id": id }).to_string())
    })
    .await;
    let arguments = [
        "create",
        "--public-key",
        "key.pub",
        "--api-base-url",
        server.base_url(),
    ];
    for text in [text, indented] {
        std::fs::write(account.file("key.pub"), text).unwrap();
        assert_eq!(account.run(&arguments).await.out, "created public\n");
    }
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
        (Signal::QUIT, "generate"),
        (Signal::TERM, "create"),
        (Signal::HUP, "create"),
    ] {
        let account = TestAccount::new().await;
        let running: Arc<Mutex<Option<std::process::Child>>> = Arc::default();
        let signalled = running.clone();
        let listed = key_list(&account.old);
        let server = RawServer::start(move |_, request| {
            if request.method() == "GET" {
                return Reply::json(200, &listed);
            }
            let mut running = signalled.lock().unwrap();
            let running = running.as_mut().unwrap();
            kill_process(Pid::from_child(running), signal).unwrap();
            let mut said = String::new();
            // The signal has arrived once it is reported.
            BufReader::new(running.stderr.as_mut().unwrap())
                .read_line(&mut said)
                .unwrap();
            assert!(
                said.starts_with("warning: finishing the request first"),
                "{said}"
            );
            let key = rsa().private.expose_secret();
            Reply::json(
                201,
                serde_json::json!({ "api_key_id": "new", "private_key": key }).to_string(),
            )
        })
        .await;
        {
            let mut running = running.lock().unwrap();
            let mut command = account.command(&[
                command,
                "--out",
                "new.pem",
                "--api-base-url",
                server.base_url(),
            ]);
            *running = Some(
                command
                    .as_std_mut()
                    .stdout(Stdio::null())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap(),
            );
        }
        let ended = tokio::task::spawn_blocking(move || {
            loop {
                if let Some(ended) = running
                    .lock()
                    .unwrap()
                    .as_mut()
                    .unwrap()
                    .try_wait()
                    .unwrap()
                {
                    break ended;
                }
                std::thread::yield_now();
            }
        });
        assert_eq!(ended.await.unwrap().code(), Some(0), "{signal:?} {command}");
        assert_eq!(
            Credentials::from_key_file(account.file("new.pem"))
                .unwrap()
                .key_id(),
            "new"
        );
    }
}
