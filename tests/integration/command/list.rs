//! `list`: a table, or the response unchanged, and warnings about risky keys.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kalshi_api_keys::sandbox::Fault;
use kalshi_api_keys::types::ApiKeyScope;
use serde_json::Value;
use snapbox::str;

use super::{Ran, TestAccount, assert_transcript};
use crate::contract;

#[tokio::test]
async fn list_prints_a_table_and_flags_risky_keys() {
    let account = TestAccount::new().await;
    account.key(
        "report",
        vec![ApiKeyScope::Read, "read::tomorrow".into()],
        None,
    );
    account.key(
        "desk\u{1b}[31m\u{202e}",
        vec![ApiKeyScope::Read, ApiKeyScope::Write],
        Some(7),
    );
    account.key("none", vec![], None);
    assert_transcript(
        &account.transcript(&["list"]).await,
        str![[r#"
$ list
ID                                    NAME                        SCOPES                BINDING        REMARKS
[OLD]  root                        read, write           none           unrestricted write
report                                the report                  read, read::tomorrow  none           unknown scope read::tomorrow
desk\u{1b}[31m\u{202e}                the desk\u{1b}[31m\u{202e}  read, write           sub-account 7
none                                  the none                    none                  none
exit code 0
"#]],
    );
}

#[tokio::test]
async fn list_warns_of_an_attestation_that_has_lapsed_or_lapses_within_14_days() {
    let account = TestAccount::new().await;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let (lapsed, lapses, later) = (now - 5, now + 3 * 86_400 + 600, now + 15 * 86_400);
    for (placeholder, at) in [("[LAPSED]", lapsed), ("[LAPSES]", lapses)] {
        account.redact(
            placeholder,
            httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(at)),
        );
    }
    let mut transcripts = String::new();
    for (title, at) in [
        ("in 3 days", Some(lapses as i64)),
        ("in 15 days", Some(later as i64)),
        ("5 seconds ago", Some(lapsed as i64)),
        ("long ago", Some(i64::MIN)),
        ("never", None),
    ] {
        account.sandbox.set_region_expiration(at);
        let ran = account.run(&["list"]).await;
        transcripts += &account.describe(
            title,
            &Ran {
                out: String::new(),
                ..ran
            },
        );
    }
    assert_transcript(
        &transcripts,
        str![[r#"
$ in 3 days
2> warning: the location attestation lapses on [LAPSES], in 3 days; from then on, API keys may not trade Sports, Elections and Entertainment markets; renew it on the website
exit code 0

$ in 15 days
exit code 0

$ 5 seconds ago
2> warning: the location attestation lapsed on [LAPSED], so API keys may not trade Sports, Elections and Entertainment markets; renew it on the website
exit code 0

$ long ago
2> warning: the location attestation lapsed on Unix second -9223372036854775808, so API keys may not trade Sports, Elections and Entertainment markets; renew it on the website
exit code 0

$ never
exit code 0
"#]],
    );
}

#[tokio::test]
async fn list_json_prints_the_response_unchanged() {
    let account = TestAccount::new().await;
    let ran = account.run(&["list", "--json"]).await;
    let spec = contract::spec();
    let schema = contract::validator(&spec, &spec["components"]["schemas"]["GetApiKeysResponse"]);
    schema
        .validate(&serde_json::from_str::<Value>(&ran.out).unwrap())
        .unwrap();
    assert_eq!(
        ran.err,
        format!("warning: key {}: unrestricted write\n", account.old)
    );

    let body = br#"{ "later": 1.0, "api_keys": [{"api_key_id":"a","name":"b","scopes":["read::x"],"new":{}}] }"#;
    account.sandbox.fail_next(Fault::ReplaceBody(body.to_vec()));
    let ran = account.run(&["list", "--json"]).await;
    assert_eq!((ran.code, ran.out.as_bytes()), (0, &body[..]));
    let expected = "\
        warning: key a: unknown scope read::x\n\
        warning: the list has a member later that this version does not know, so keys may be missing from it\n";
    assert_eq!(ran.err, expected);
}

#[tokio::test]
async fn list_json_is_signed_corrected_and_limited_as_every_other_request() {
    let account = TestAccount::new().await;
    account.sandbox.set_clock_offset_secs(-120);
    assert_eq!(account.run(&["list", "--json"]).await.code, 0);
    account.sandbox.set_clock_offset_secs(0);
    let mut transcripts = String::new();
    for fault in [
        Fault::internal_error(),
        Fault::ReplaceBody(b"{}".to_vec()),
        Fault::TruncateResponse { after: 9 },
        Fault::ReplaceStatus(302),
        Fault::DropResponse,
    ] {
        account.sandbox.fail_next(fault.clone());
        transcripts += &account.describe(
            &format!("{fault:?}"),
            &account.run(&["list", "--json"]).await,
        );
    }
    assert_transcript(
        &transcripts,
        str![[r#"
$ Respond { status: 500, content_type: "application/json", .. }
2> error: the service returned 500: internal_server_error: internal server error; try again later
exit code 3

$ ReplaceBody(..)
2> error: the response 200 OK is not as documented; check the base URL
exit code 1

$ TruncateResponse { after: 9 }
2> error: the response 200 from [ORIGIN] was truncated: [..]; try again later
exit code 3

$ ReplaceStatus(302)
2> error: the response 302 from [ORIGIN] is a redirect, which is never followed; check the base URL
exit code 1

$ DropResponse
2> error: no response from [ORIGIN]: error sending request for url ([URL]/api_keys): [..]; check the network and the base URL; the base URL was [URL]
exit code 3
"#]],
    );
}
