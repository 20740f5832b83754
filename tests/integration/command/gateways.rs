//! Gateways that rewrite responses, services that return odd ones, and files that cannot be
//! written: `create` and `generate` believe listings only, lose no private key and show none.

use kalshi_api_keys::types::ApiKeyScope;
use kalshi_api_keys::{Credentials, key_file};
use serde_json::{Value, json};
use snapbox::str;

use super::{
    FORBIDDEN, INCOMPLETE, NETWORK, REFUSED, TestAccount, USAGE, assert_transcript, key_list, ran,
    refusal,
};
use crate::fixtures::{ed25519, key_forms, rsa};
use crate::gateway::{Fault, Gateway};
use crate::raw_server::{RawServer, Reply};

/// What gateways respond with after they forwarded a request.
const REWRITTEN: [Fault; 9] = [
    Fault::RespondAfter(
        403,
        "application/json",
        r#"{"error":{"code":"content_blocked","message":"The response was blocked by policy DLP-7."}}"#,
    ),
    Fault::RespondAfter(
        429,
        "application/json",
        r#"{"error":{"code":"RequestTimeout","message":"a; b"}}"#,
    ),
    Fault::RespondAfter(429, "application/json", r#"{"error": "too many requests"}"#),
    Fault::RespondAfter(
        400,
        "application/json",
        r#"{"msg":"upstream request limit"}"#,
    ),
    Fault::RespondAfter(
        499,
        "application/json",
        r#"{"code":"499","message":"closed"}"#,
    ),
    Fault::RespondAfter(403, "text/html", "<html>"),
    Fault::RespondAfter(502, "text/html", "<html>"),
    Fault::RespondAfter(204, "", ""),
    Fault::DropAfter,
];

/// The request that creates a key follows the list of keys.
const CREATION: usize = 2;

#[tokio::test]
async fn rewritten_response_to_create_keeps_and_completes_the_key_file() {
    for fault in REWRITTEN {
        let account = TestAccount::new().await;
        let gateway = Gateway::start(&account.sandbox, fault, CREATION, false).await;
        let ran = account
            .run(&[
                "create",
                "--out",
                "x.pem",
                "--api-base-url",
                gateway.base_url(),
            ])
            .await;
        let id = account.last().api_key_id;
        assert_eq!(ran.code, INCOMPLETE, "{fault:?}: {}", ran.err);
        let expected = format!("the key {id} was created nevertheless, and its private key is in");
        assert!(ran.err.contains(&expected), "{fault:?}: {}", ran.err);
        let credentials = Credentials::from_key_file(account.file("x.pem")).unwrap();
        assert_eq!(credentials.key_id(), id, "{fault:?}");
        assert!(account.signs_in(&id, "x.pem").await, "{fault:?}");
    }
}

#[tokio::test]
async fn rewritten_response_to_generate_names_the_new_key() {
    for fault in REWRITTEN {
        let account = TestAccount::new().await;
        let gateway = Gateway::start(&account.sandbox, fault, CREATION, false).await;
        let ran = account
            .run(&[
                "generate",
                "--out",
                "x.pem",
                "--api-base-url",
                gateway.base_url(),
            ])
            .await;
        let id = account.last().api_key_id;
        assert_eq!(ran.code, INCOMPLETE, "{fault:?}: {}", ran.err);
        let expected = format!("delete it with `kalshi-api-keys delete {id}`");
        assert!(ran.err.contains(&expected), "{fault:?}: {}", ran.err);
        assert_eq!(account.files(), ["old.pem"], "{fault:?}");
    }
}

#[tokio::test]
async fn private_key_on_stdout_is_not_given_up() {
    let account = TestAccount::new().await;
    let gateway = Gateway::start(&account.sandbox, REWRITTEN[0], CREATION, false).await;
    let ran = account
        .run(&["create", "--stdout", "--api-base-url", gateway.base_url()])
        .await;
    assert_eq!(ran.code, INCOMPLETE, "{}", ran.err);
    let id = account.last().api_key_id;
    assert!(ran.err.contains(&id), "{}", ran.err);
    std::fs::write(account.file("copy.pem"), &ran.out).unwrap();
    assert!(account.signs_in(&id, "copy.pem").await);
}

/// Others create keys at the same time, one with the same name.
#[tokio::test]
async fn keys_of_others_are_not_taken_for_the_new_one() {
    for create in ["create", "generate"] {
        for name in ["kalshi-api-keys", "another"] {
            let account = TestAccount::new().await;
            let respond = Fault::Respond(403, "application/json", FORBIDDEN);
            let gateway = Gateway::start(&account.sandbox, respond, CREATION, false).await;
            let sandbox = account.sandbox.clone();
            gateway.on_fault(move || {
                let theirs = json!({ "api_key_id": "theirs", "name": name, "scopes": ["read"] });
                let theirs = serde_json::from_value(theirs).unwrap();
                sandbox.register(theirs, &ed25519().public).unwrap();
            });
            let ran = account
                .run(&[
                    create,
                    "--out",
                    "x.pem",
                    "--api-base-url",
                    gateway.base_url(),
                ])
                .await;
            assert_eq!(ran.code, INCOMPLETE, "{}", ran.err);
            let new = format!("new on the account since: theirs (\"{name}\")");
            assert!(ran.err.contains(&new), "{}", ran.err);
            assert!(!ran.err.contains("was created nevertheless"), "{}", ran.err);
            let advises_deletion = ran
                .err
                .contains("unless another program created the key, delete");
            assert_eq!(
                advises_deletion,
                create == "generate" && name == "kalshi-api-keys",
                "{}",
                ran.err
            );
            if create == "create" {
                assert!(Credentials::from_key_file(account.file("x.pem")).is_err());
                key_file::load(account.file("x.pem")).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn creation_without_listings_leaves_the_key_in_doubt() {
    let mut transcripts = String::new();
    for create in ["create", "generate"] {
        let account = TestAccount::new().await;
        account
            .sandbox
            .fail_next_on("getApiKeys", refusal())
            .unwrap();
        let operation = format!("{create}ApiKey");
        account.sandbox.fail_next_on(&operation, refusal()).unwrap();
        transcripts += &account.transcript(&[create, "--out", "x.pem"]).await;
        assert_eq!(account.file("x.pem").exists(), create == "create");
    }
    assert_transcript(
        &transcripts,
        str![[r#"
$ create --out x.pem
2> error: the service returned 403: forbidden; below the Premier and Market Maker usage levels, let the service generate the key pair (`generate`) or paste the public key on the website, and otherwise sign with an unrestricted key of the account's owner, bound to no sub-account or FCM subtrader, that has the scope `write`; it is unknown whether a key "kalshi-api-keys" was created, because the keys could not be listed: list them with a key that has the scope `read`; keep the private key that is in "x.pem": it belongs to the new key, if that exists
exit code 4

$ generate --out x.pem
2> error: the service returned 403: forbidden; sign with an unrestricted key of the account's owner, bound to no sub-account or FCM subtrader, that has the scope `write`; it is unknown whether a key "kalshi-api-keys" was created, because the keys could not be listed: list them with a key that has the scope `read`
exit code 4
"#]],
    );
}

#[tokio::test]
async fn nothing_is_created_after_a_listing_that_fails_as_well() {
    struct Case {
        status: u16,
        body: &'static str,
        code: i32,
    }
    let cases = [
        Case {
            status: 401,
            body: r#"{"error":{"code":"authentication_error","message":"authentication_error","details":"NOT_FOUND"}}"#,
            code: REFUSED,
        },
        Case {
            status: 403,
            body: r#"{"error": "this API key is restricted to a single sub-account and cannot access this endpoint"}"#,
            code: REFUSED,
        },
        Case {
            status: 429,
            body: r#"{"error": "too many requests"}"#,
            code: REFUSED,
        },
        Case {
            status: 503,
            body: "<html>",
            code: NETWORK,
        },
    ];
    for case in cases {
        let account = TestAccount::new().await;
        let server = RawServer::always(case.status, "", case.body).await;
        for create in ["create", "generate"] {
            let ran = account
                .run(&[
                    create,
                    "--out",
                    "x.pem",
                    "--api-base-url",
                    server.base_url(),
                ])
                .await;
            assert_eq!(ran.code, case.code, "{}", ran.err);
        }
        assert_eq!(account.files(), ["old.pem"]);
        assert!(
            server
                .received()
                .iter()
                .all(|request| request.method() == "GET")
        );
    }
}

/// The exit code of every command depends on the status, and not on the format of the body.
#[tokio::test]
async fn exit_code_depends_on_the_status_alone() {
    let account = TestAccount::new().await;
    let bodies = [
        "",
        "<html>",
        FORBIDDEN,
        r#"{"error": "no"}"#,
        r#"{"message":"no"}"#,
    ];
    for (statuses, code) in [
        (&[400, 401, 403, 404, 408, 409, 429][..], REFUSED),
        (&[500, 502, 503, 504], NETWORK),
        (&[201, 204, 302], REFUSED),
    ] {
        for (status, body) in statuses
            .iter()
            .flat_map(|status| bodies.map(|body| (*status, body)))
        {
            let server = RawServer::always(status, "", body).await;
            for command in [
                &["list"][..],
                &["list", "--json"],
                &["whoami"],
                &["delete", "a", "--yes"],
            ] {
                if command == ["delete", "a", "--yes"] && (status == 204 || code == NETWORK) {
                    // Repeats the list.
                    continue;
                }
                let ran = account
                    .run(&[command, &["--api-base-url", server.base_url()]].concat())
                    .await;
                assert_eq!(ran.code, code, "{command:?} {status} {body}: {}", ran.err);
            }
        }
    }
    let truncated =
        |_: usize, _: &_| Reply::Bytes(b"HTTP/1.1 200 -\r\nContent-Length: 9\r\n\r\n{".to_vec());
    let server = RawServer::start(truncated).await;
    let ran = account
        .run(&["list", "--api-base-url", server.base_url()])
        .await;
    assert_eq!(ran.code, NETWORK, "{}", ran.err);
}

/// A service that creates a key, and responds with these members.
async fn creator(account: &TestAccount, response: Value) -> RawServer {
    let listed = key_list(&account.old);
    RawServer::start(move |_, request| match request.method() {
        "GET" => Reply::json(200, &listed),
        _ => Reply::json(201, response.to_string()),
    })
    .await
}

#[tokio::test]
async fn parts_of_the_received_key_are_not_shown() {
    for key in [&rsa().private, &ed25519().private] {
        let pem = key.expose_secret();
        let body: String = pem.lines().filter(|line| !line.contains("-----")).collect();
        let middle = body[body.len() / 2 - 12..body.len() / 2 + 12].to_owned();
        let mut parts: Vec<String> = key_forms(key).into_iter().map(|(_, text)| text).collect();
        parts.extend([
            middle.clone(),
            format!("it ends in {}", &body[body.len() - 20..]),
        ]);
        for part in parts {
            let account = TestAccount::new().await;
            let warning = format!("a risk control is missing for {part}");
            let response = json!({ "api_key_id": "new", "private_key": pem, "warning": warning });
            let server = creator(&account, response).await;
            let ran = account
                .run(&[
                    "generate",
                    "--out",
                    "x.pem",
                    "--api-base-url",
                    server.base_url(),
                ])
                .await;
            assert_eq!(ran.code, 0, "{}", ran.err);
            assert!(!ran.shows(key) && !ran.err.contains(&middle), "{}", ran.err);
            assert_eq!(ran.err, "warning: the service says: [REDACTED]\n");
        }
    }
}

#[tokio::test]
async fn unusable_private_key_is_kept_and_not_called_a_success() {
    let pem = rsa().private.expose_secret();
    let cases = [
        (
            "damaged",
            json!({ "api_key_id": "new", "private_key": &pem[..900] }),
        ),
        (
            "swapped",
            json!({ "api_key_id": pem, "private_key": "new" }),
        ),
        ("empty", json!({ "api_key_id": "new", "private_key": "" })),
        (
            "of another key",
            json!({ "api_key_id": "new", "private_key": format!("Kalshi-API-Key-ID: other\n{pem}") }),
        ),
        (
            "with an unusable ID",
            json!({ "api_key_id": "a b", "private_key": pem }),
        ),
    ];
    for (what, response) in cases {
        let account = TestAccount::new().await;
        let server = creator(&account, response.clone()).await;
        let ran = account
            .run(&[
                "generate",
                "--out",
                "x.pem",
                "--api-base-url",
                server.base_url(),
            ])
            .await;
        assert_eq!(ran.code, INCOMPLETE, "{what}: {}", ran.err);
        assert!(!ran.shows(&rsa().private), "{what}: {}", ran.err);
        assert!(
            ran.err.contains("what arrived is in \"x.pem\""),
            "{what}: {}",
            ran.err
        );
        let kept = key_file::load(account.file("x.pem")).unwrap();
        assert!(!kept.readable_by_others);
        let kept: Value = serde_json::from_str(kept.key.expose_secret()).unwrap();
        assert_eq!(kept, response, "{what}");
    }
}

/// Truncated in the middle of a character, or compressed.
#[tokio::test]
async fn unusable_response_is_kept_byte_for_byte() {
    let account = TestAccount::new().await;
    let body = b"\x1f\x8b\x08{\"private_key\":\"\xff\xc3".to_vec();
    let listed = key_list(&account.old);
    let sent = body.clone();
    let server = RawServer::start(move |_, request| match request.method() {
        "GET" => Reply::json(200, &listed),
        _ => Reply::json(201, &sent),
    })
    .await;
    let ran = account
        .run(&[
            "generate",
            "--out",
            "x.pem",
            "--api-base-url",
            server.base_url(),
        ])
        .await;
    assert_eq!(ran.code, INCOMPLETE, "{}", ran.err);
    assert!(
        ran.err.contains("--private-key-path x.pem whoami`"),
        "{}",
        ran.err
    );
    assert_eq!(std::fs::read(account.file("x.pem")).unwrap(), body);
    assert!(!key_file::load(account.file("x.pem")).is_ok_and(|kept| kept.readable_by_others));
}

#[tokio::test]
async fn hexadecimal_id_is_saved_shown_and_deleted() {
    let id = "c49b7f12".repeat(8);
    let account = TestAccount::new().await;
    let key = ed25519().private.expose_secret();
    let server = creator(&account, json!({ "api_key_id": id, "private_key": key })).await;
    let ran = account
        .run(&[
            "generate",
            "--out",
            "x.pem",
            "--api-base-url",
            server.base_url(),
        ])
        .await;
    assert_eq!(
        ran.out,
        format!("generated {id}; its private key is in \"x.pem\"\n")
    );
    account.key(&id, vec![ApiKeyScope::Read], None);
    assert!(account.signs_in(&id, "x.pem").await);
    assert!(account.run(&["list"]).await.out.contains(&id));

    let deleted = account.run(&["delete", &id, "--yes"]).await;
    assert_eq!(deleted.out, format!("deleted {id}\n"), "{}", deleted.err);
    // What is not listed could be the key itself.
    let unknown = account.run(&["delete", &id, "--yes"]).await;
    assert_eq!(unknown.code, USAGE);
    assert!(!unknown.err.contains(&id), "{}", unknown.err);
}

#[tokio::test]
async fn names_and_ids_that_hold_a_key_are_not_listed() {
    let account = TestAccount::new().await;
    for (form, text) in key_forms(&ed25519().private) {
        let keys = json!([
            { "api_key_id": account.old, "name": "root", "scopes": [text] },
            { "api_key_id": text, "name": text, "scopes": ["read"], "fcm_subtrader_id": text },
        ]);
        let list = json!({ "api_keys": keys }).to_string();
        let server = RawServer::always(200, "", list).await;
        for command in ["list", "whoami"] {
            let ran = account
                .run(&[command, "--api-base-url", server.base_url()])
                .await;
            assert_eq!(ran.code, 0, "{}", ran.err);
            assert!(!ran.shows(&ed25519().private), "{form}: {}", ran.out);
            assert!(ran.out.contains("[REDACTED]"), "{form}: {}", ran.out);
        }
    }
}

/// A write beyond the limit raises SIGXFSZ, which ends a process unless it is caught. Not on ARM64:
/// there the signal would end the emulator.
#[cfg(all(unix, not(target_arch = "aarch64")))]
#[tokio::test]
async fn file_size_limit_is_found_before_a_key_is_created() {
    let account = TestAccount::new().await;
    for arguments in [
        "generate --out x.pem",
        "create --out x.pem",
        "rotate --yes --out x.pem",
    ] {
        for limit in [0, 1] {
            let script = format!("ulimit -f {limit}; exec \"$0\" {arguments}");
            let ran = ran(account.program("sh", &["-c", &script, super::BINARY])).await;
            assert_eq!(ran.code, USAGE, "{arguments}: {}", ran.err);
            assert!(ran.err.contains("cannot save a private key"), "{}", ran.err);
            assert_eq!(account.files(), ["old.pem"]);
        }
    }
    assert_eq!(account.sandbox.requests(), 0);

    let script = "ulimit -f 0; exec \"$0\" generate --stdout >lost.pem";
    let ran = ran(account.program("sh", &["-c", script, super::BINARY])).await;
    assert_eq!(ran.code, USAGE, "{}", ran.err);
    assert!(ran.err.contains("was deleted again"), "{}", ran.err);
    assert_eq!(account.ids().len(), 1);
}

/// Needs the right to mount a file system; skipped without it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn full_disk_is_found_before_a_key_is_created() {
    let account = TestAccount::new().await;
    let script = "mkdir small && mount -t tmpfs -o size=4k,mode=0700 tmpfs small || exit 99; \
                  \"$0\" generate --out small/x.pem; code=$?; ls -A small; exit $code";
    let command = account.program("unshare", &["-m", "sh", "-c", script, super::BINARY]);
    let Ok(output) = { command }.output().await else {
        eprintln!("skipped: unshare is not installed");
        return;
    };
    if output.status.code() == Some(99) || output.stderr.starts_with(b"unshare: ") {
        eprintln!("skipped: file systems cannot be mounted");
        return;
    }
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(USAGE), "{err}");
    assert!(err.contains("cannot save a private key"), "{err}");
    assert_eq!(output.stdout, b"", "files are left");
    assert_eq!(account.sandbox.requests(), 0);
}
