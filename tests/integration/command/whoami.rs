//! `whoami`: the key that signs, its environment, and the clock.

use kalshi_api_keys::sandbox::Fault;
use snapbox::str;

use super::{TestAccount, assert_transcript};

#[tokio::test]
async fn whoami_shows_key_environment_and_clock() {
    let account = TestAccount::new().await;
    let mut transcripts = account.transcript(&["whoami"]).await;
    // The header has whole seconds, and a request takes time.
    for seconds in 3598..=3602 {
        account.redact("[ONE_HOUR]", format!("about {seconds} s"));
    }
    account.sandbox.set_region_expiration(Some(1_000_000_000));
    for offset in [3600, -3600] {
        account.sandbox.set_clock_offset_secs(offset);
        transcripts += &account.transcript(&["whoami"]).await;
    }
    assert_transcript(
        &transcripts,
        str![[r#"
$ whoami
key          [OLD]
name         root
scopes       read, write
binding      none
environment  custom, [URL]
clock        agrees with the service's
attestation  none
remarks      unrestricted write
exit code 0

$ whoami
key          [OLD]
name         root
scopes       read, write
binding      none
environment  custom, [URL]
clock        [ONE_HOUR] behind the service's; set it
attestation  lapsed on Sun, 09 Sep 2001 01:46:40 GMT, so API keys may not trade Sports, Elections and Entertainment markets
remarks      unrestricted write
exit code 0

$ whoami
key          [OLD]
name         root
scopes       read, write
binding      none
environment  custom, [URL]
clock        [ONE_HOUR] ahead of the service's; set it
attestation  lapsed on Sun, 09 Sep 2001 01:46:40 GMT, so API keys may not trade Sports, Elections and Entertainment markets
remarks      unrestricted write
exit code 0
"#]],
    );
}

/// A restricted key may not list keys, and its owner still learns which key it is.
#[tokio::test]
async fn whoami_shows_what_is_known_of_a_restricted_key() {
    let account = TestAccount::new().await;
    let body = r#"{"error":{"code":"forbidden","message":"this API key is restricted to a single sub-account and cannot access this endpoint"}}"#;
    account
        .sandbox
        .fail_next(Fault::respond(403, "application/json", body));
    let restricted = account.transcript(&["whoami"]).await;
    account
        .sandbox
        .fail_next(Fault::respond(403, "text/html", "<html>"));
    let gateway = account.transcript(&["whoami"]).await;
    assert_transcript(
        &(restricted + &gateway),
        str![[r#"
$ whoami
key          [OLD]
signature    accepted: permissions are checked after it
environment  custom, [URL]
clock        agrees with the service's
2> error: the service returned 403: forbidden: this API key is restricted to a single sub-account and cannot access this endpoint; sign with an unrestricted key of the account's owner, bound to no sub-account or FCM subtrader, that has the scope `read`
exit code 1

$ whoami
2> error: the response 403 from [ORIGIN] is not in the service's error format, and may come from a gateway; check the base URL
exit code 1
"#]],
    );
}
