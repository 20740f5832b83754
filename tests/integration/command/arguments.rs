//! Arguments: usage errors, exit codes, and private keys in the wrong place.

use kalshi_api_keys::sandbox::Fault;
use snapbox::str;
use tokio::process::Command;

use super::{TestAccount, USAGE, assert_transcript, command, ran};
use crate::fixtures::{key_forms, rsa, unreachable_url};

#[tokio::test]
async fn usage_errors_name_the_argument() {
    let account = TestAccount::new().await;
    let mut transcripts = String::new();
    for arguments in [
        &["lst"][..],
        &["delete", "..", "--yes"],
        &["generate"],
        &["generate", "--out", "a", "--stdout"],
        &["generate", "--stdout", "--subaccount", "64"],
        &["generate", "--stdout", "--type", "dsa"],
        &["list", "--private-key-path", "no.pem"],
        &["list", "--env", "prodction"],
        &["list", "--env", "demo", "--api-base-url", "https://a"],
        &["list", "--api-base-url", "http://example.com"],
    ] {
        transcripts += &account.transcript(arguments).await;
    }
    transcripts += &account.describe("list, without variables", &ran(command(&["list"])).await);
    assert_transcript(
        &transcripts,
        str![[r#"
$ lst
2> error: unrecognized subcommand 'lst'
2>
2>   tip: a similar subcommand exists: 'list'
2>
2> Usage: kalshi-api-keys [OPTIONS] <COMMAND>
2>
2> For more information, try '--help'.
exit code 2

$ delete .. --yes
2> error: invalid value '..' for '<ID>': invalid API key ID: empty, `.` or `..`, contains `/` or `\`, or holds a private key; copy it from the list of API keys
2>
2> For more information, try '--help'.
exit code 2

$ generate
2> error: the following required arguments were not provided:
2>   <--out <FILE>|--stdout>
2>
2> Usage: kalshi-api-keys generate <--out <FILE>|--stdout>
2>
2> For more information, try '--help'.
exit code 2

$ generate --out a --stdout
2> error: the argument '--out <FILE>' cannot be used with '--stdout'
2>
2> Usage: kalshi-api-keys generate <--out <FILE>|--stdout>
2>
2> For more information, try '--help'.
exit code 2

$ generate --stdout --subaccount 64
2> error: invalid value '64' for '--subaccount <N>': sub-account 64 is out of range 0..=63
2>
2> For more information, try '--help'.
exit code 2

$ generate --stdout --type dsa
2> error: invalid value 'dsa' for '--type <TYPE>'
2>   [possible values: rsa, ed25519]
2>
2>   tip: a similar value exists: 'rsa'
2>
2> For more information, try '--help'.
exit code 2

$ list --private-key-path no.pem
2> error: cannot read the key file "no.pem": [..] (os error 2); check the path and its permissions
exit code 2

$ list --env prodction
2> error: unknown environment; use `demo`, `production` or a base URL
exit code 2

$ list --env demo --api-base-url https://a
2> error: the argument '--env <NAME>' cannot be used with '--api-base-url <URL>'
2>
2> Usage: kalshi-api-keys list --env <NAME>
2>
2> For more information, try '--help'.
exit code 2

$ list --api-base-url http://example.com
2> error: the base URL is http:// to another machine, which would send private keys unencrypted; use https://
exit code 2

$ list, without variables
2> error: neither KALSHI_PRIVATE_KEY nor KALSHI_PRIVATE_KEY_PATH is set; set one to the key or to its path
exit code 2
"#]],
    );
    assert_eq!(account.sandbox.requests(), 0);
}

#[tokio::test]
async fn each_class_of_failure_has_its_exit_code() {
    let account = TestAccount::new().await;
    assert_eq!(account.run(&["list"]).await.code, 0);
    let nobody = unreachable_url();
    account.redact("[NOBODY]", &nobody);
    let mut transcripts = account
        .transcript(&["list", "--api-key-id", "nobody"])
        .await;
    transcripts += &account
        .transcript(&["list", "--api-base-url", &nobody])
        .await;
    account.sandbox.fail_next(Fault::DropResponse);
    transcripts += &account.transcript(&["list"]).await;
    account.sandbox.fail_next(Fault::internal_error());
    transcripts += &account.transcript(&["list", "--json"]).await;
    account
        .sandbox
        .fail_next_on("generateApiKey", Fault::internal_error())
        .unwrap();
    transcripts += &account.transcript(&["generate", "--out", "b.pem"]).await;
    assert_transcript(
        &transcripts,
        str![[r#"
$ list --api-key-id nobody
2> error: the service returned 401: authentication_error: NOT_FOUND; check the API key ID and the environment: a key exists in one environment only; the base URL was [URL]
exit code 1

$ list --api-base-url [NOBODY]
2> error: not sent: could not connect to [NOBODY]: error sending request for url ([NOBODY]/api_keys): [..]; check the network and the base URL; the base URL was [NOBODY]/
exit code 3

$ list
2> error: no response from [ORIGIN]: error sending request for url ([URL]/api_keys): [..]; check the network and the base URL; the base URL was [URL]
exit code 3

$ list --json
2> error: the service returned 500: internal_server_error: internal server error; try again later
exit code 3

$ generate --out b.pem
2> error: the service returned 500: internal_server_error: internal server error; no new key is listed, but a key "kalshi-api-keys" may still appear: list the keys again later
exit code 4
"#]],
    );
}

#[tokio::test]
async fn a_private_key_is_not_an_argument() {
    let account = TestAccount::new().await;
    let pem = account.sandbox.root_private_key();
    for argument in [
        pem.expose_secret(),
        &format!("--private-key={}", pem.expose_secret()),
    ] {
        let ran = account.run(&["list", argument]).await;
        assert_transcript(
            &account.describe("list KEY", &ran),
            str![[r#"
$ list KEY
2> error: an argument is a private key, which all processes of this machine can read; give the path of its file instead, and replace the key
2>
2> Usage: kalshi-api-keys [OPTIONS] <COMMAND>
2>
2> For more information, try '--help'.
exit code 2
"#]],
        );
    }
}

#[tokio::test]
async fn a_key_in_the_wrong_argument_is_not_repeated() {
    let account = TestAccount::new().await;
    let places: &[&[&str]] = &[
        &["list", "--private-key-path", "KEY"],
        &["list", "--private-key-path=KEY"],
        &["list", "--ssh-agent", "KEY"],
        &["list", "--api-key-id", "KEY"],
        &["list", "--env", "KEY"],
        &["list", "--api-base-url", "KEY"],
        &["list", "--KEY"],
        &["list", "-KEY"],
        &["list", "--json=KEY"],
        &["list", "KEY"],
        &["KEY"],
        &["--KEY"],
        &["help", "KEY"],
        &["delete", "KEY"],
        &["delete", "KEY", "--yes"],
        &["generate", "--out", "KEY"],
        &["generate", "--stdout=KEY"],
        &["generate", "--stdout", "--name", "KEY"],
        &["generate", "--stdout", "--scope", "KEY"],
        &["generate", "--stdout", "--subaccount", "KEY"],
        &["generate", "--stdout", "--fcm-subtrader", "KEY"],
        &["generate", "--stdout", "--type", "KEY"],
        &["create", "--public-key", "KEY"],
        &["rotate", "--out", "KEY", "--yes"],
        &["rotate", "--out", "new.pem", "--yes", "--name", "KEY"],
        &["sign", "KEY", "/a"],
        &["sign", "GET", "KEY", "--curl"],
        &["sign", "GET", "/a", "KEY"],
        &["completions", "KEY"],
    ];
    let key = &rsa().private;
    let check = async |command: Command, what: &str| {
        let ran = ran(command).await;
        assert!(!ran.shows(key), "{what}: {}{}", ran.out, ran.err);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (USAGE, ""),
            "{what}: {}",
            ran.err
        );
    };
    for (form, text) in key_forms(key) {
        for place in places {
            let arguments: Vec<_> = place
                .iter()
                .map(|argument| argument.replace("KEY", &text))
                .collect();
            let command =
                account.command(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
            check(command, &format!("{form}, {place:?}")).await;
        }
        for variable in [
            "KALSHI_API_KEY_ID",
            "KALSHI_PRIVATE_KEY_PATH",
            "KALSHI_ENV",
            "KALSHI_API_BASE_URL",
        ] {
            let mut command = account.command(&["list"]);
            command.env(variable, &text);
            check(command, &format!("{form}, {variable}")).await;
        }
    }
    assert_eq!(
        (
            account.sandbox.requests(),
            std::fs::read_dir(account.folder.path()).unwrap().count()
        ),
        (0, 1)
    );
}
