//! `whoami`: the key that signs, its environment, and the clock.

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
exit code 0

$ whoami
key          [OLD]
name         root
scopes       read, write
binding      none
environment  custom, [URL]
clock        [ONE_HOUR] behind the service's; set it
attestation  lapsed on Sun, 09 Sep 2001 01:46:40 GMT
exit code 0

$ whoami
key          [OLD]
name         root
scopes       read, write
binding      none
environment  custom, [URL]
clock        [ONE_HOUR] ahead of the service's; set it
attestation  lapsed on Sun, 09 Sep 2001 01:46:40 GMT
exit code 0
"#]],
    );
}
