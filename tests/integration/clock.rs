//! A wrong clock heals itself, and nothing else is ever sent again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kalshi_api_keys::{Client, Error, ErrorExt as _, Signer, http_client_builder, types};

use crate::fixtures::{at_ms, credentials};
use crate::raw_server::{RawServer, Received, Reply};

const EXPIRED: &str = r#"{"error":{"code":"header_timestamp_expired","message":"header timestamp expired"}}"#;
const EMPTY_LIST: &str = r#"{"api_keys":[]}"#;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const YEAR: i64 = 365 * 24 * HOUR;

/// This machine's time, moved by some seconds.
fn moved(seconds: i64) -> SystemTime {
    let by = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { SystemTime::now() - by } else { SystemTime::now() + by }
}

fn date(time: SystemTime) -> String {
    format!("Date: {}\r\n", httpdate::fmt_http_date(time))
}

/// As the service does: refuses a timestamp more than ten seconds from its own clock.
fn judge(request: &Received, now: SystemTime) -> Reply {
    let ms: u64 = request.header("kalshi-access-timestamp").parse().unwrap();
    let signed_at = UNIX_EPOCH + Duration::from_millis(ms);
    let off = now.duration_since(signed_at).unwrap_or_else(|ahead| ahead.duration());
    let (status, body) = match (off > Duration::from_secs(10), request.method()) {
        (true, _) => (401, EXPIRED),
        (false, "POST") => (201, r#"{"api_key_id":"new","private_key":"secret"}"#),
        (false, _) => (200, EMPTY_LIST),
    };
    Reply::new(status, &date(now), body)
}

/// A service whose clock is this much ahead of this machine's.
async fn service_ahead_by(seconds: i64) -> RawServer {
    RawServer::start(move |_, request| judge(request, moved(seconds))).await
}

#[tokio::test]
async fn a_wrong_clock_costs_one_request_and_is_right_from_then_on() {
    for seconds in [41, -41, HOUR, -HOUR, 10 * YEAR, -10 * YEAR] {
        let server = service_ahead_by(seconds).await;
        let client = server.client(credentials());
        assert_eq!(client.signer().clock_offset_ms(), 0);
        client.get_api_keys().send().await.unwrap_or_else(|e| panic!("{seconds} s: {e}"));
        assert_eq!(server.received().len(), 2, "{seconds} s");
        let learned = client.signer().clock_offset_ms();
        assert!(learned.abs_diff(seconds * 1000) <= 1500, "{seconds} s: learned {learned} ms");

        let generate = types::GenerateApiKeyRequest::builder().name("a").scopes(vec!["read".into()]);
        client.generate_api_key().body(generate).send().await.unwrap();
        client.clone().get_api_keys().send().await.unwrap();
        assert_eq!(server.received().len(), 4, "{seconds} s: the offset is used from the start");
    }
}

#[tokio::test]
async fn a_mint_is_healed_as_well_and_its_body_is_sent_again_whole() {
    let server = service_ahead_by(-41).await;
    let generate = types::GenerateApiKeyRequest::builder().name("a").scopes(vec!["read".into()]);
    server.client(credentials()).generate_api_key().body(generate).send().await.unwrap();
    let received = server.received();
    assert_eq!(received.len(), 2);
    assert!(!received[0].body().is_empty());
    assert_eq!(received[0].body(), received[1].body());
    assert_ne!(received[0].header("kalshi-access-signature"), received[1].header("kalshi-access-signature"));
}

/// A client whose clock stands still.
fn client_at(server: &RawServer, unix_ms: u64) -> Client {
    let http = http_client_builder().no_proxy().build().unwrap();
    let signer = Signer::new(credentials()).with_clock(at_ms(unix_ms));
    Client::new_with_client(server.base_url(), http, signer)
}

#[tokio::test]
async fn a_clock_that_stands_at_1970_heals() {
    let server = service_ahead_by(0).await;
    client_at(&server, 0).get_api_keys().send().await.unwrap();
    assert_eq!(server.received().len(), 2);
}

/// When the clocks below stand still: 700 ms after the whole second that a `Date` shows.
const NOW_S: u64 = 1_700_000_000;
const NOW_MS: u64 = NOW_S * 1000 + 700;

fn date_at(seconds: u64) -> String {
    date(UNIX_EPOCH + Duration::from_secs(seconds))
}

#[tokio::test]
async fn a_server_that_lies_on_every_answer_gets_one_more_request_each_time() {
    let server = RawServer::start(|n, _| Reply::new(401, &date_at(NOW_S + 100 * n as u64), EXPIRED)).await;
    let client = client_at(&server, NOW_MS);
    // The first lie of all is the truth: nothing to correct.
    for requests in [1, 3, 5] {
        let result = client.get_api_keys().send().await;
        assert!(matches!(&result, Err(Error::ErrorResponse(e)) if e.status() == 401), "{result:?}");
        assert_eq!(server.received().len(), requests);
    }
}

#[tokio::test]
async fn nothing_is_sent_again_when_there_is_nothing_to_learn() {
    let off = date_at(NOW_S + 41);
    let table: &[(&str, u16, String, &str)] = &[
        ("the clocks agree", 401, date_at(NOW_S), EXPIRED),
        ("no more than a date leaves open", 401, date_at(NOW_S + 1), EXPIRED),
        ("no date", 401, String::new(), EXPIRED),
        ("a date that is none", 401, "Date: yesterday\r\n".into(), EXPIRED),
        ("a date before 1970", 401, "Date: Wed, 01 Jan 1969 00:00:00 GMT\r\n".into(), EXPIRED),
        ("another 401", 401, off.clone(), r#"{"error":{"code":"authentication_error"}}"#),
        ("another status", 400, off.clone(), EXPIRED),
        ("a success", 200, off.clone(), EMPTY_LIST),
        ("429", 429, off.clone(), ""),
        ("500", 500, off.clone(), EXPIRED),
        ("503", 503, format!("{off}Retry-After: 0\r\n"), ""),
    ];
    for (what, status, headers, body) in table.iter().map(|(w, s, h, b)| (w, *s, h.clone(), *b)) {
        let server = RawServer::start(move |_, _| Reply::new(status, &headers, body)).await;
        let client = client_at(&server, NOW_MS);
        let _ = client.get_api_keys().send().await;
        assert_eq!(server.received().len(), 1, "{what}");
        assert_eq!(client.signer().clock_offset_ms(), 0, "{what}");
    }
    // The same with something to learn.
    let server = RawServer::start(move |_, _| Reply::new(401, &date_at(NOW_S + 2), EXPIRED)).await;
    let client = client_at(&server, NOW_MS);
    let _ = client.get_api_keys().send().await;
    assert_eq!((server.received().len(), client.signer().clock_offset_ms()), (2, 1800));
}

#[tokio::test]
async fn what_the_second_answer_says_is_what_the_caller_gets() {
    let server = RawServer::start(|n, _| match n {
        0 => Reply::new(401, &date(moved(41)), EXPIRED),
        _ => Reply::new(404, &date(moved(41)), r#"{"code":"not_found"}"#),
    })
    .await;
    match server.client(credentials()).delete_api_key().api_key("a").send().await {
        Err(Error::ErrorResponse(e)) => assert_eq!((e.status().as_u16(), e.code.as_deref()), (404, Some("not_found"))),
        other => panic!("{other:?}"),
    }
    assert_eq!(server.received().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_heal_together() {
    let server = service_ahead_by(41).await;
    let client = server.client(credentials());
    let requests = (0..64).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.get_api_keys().send().await.map(|_| ()) })
    });
    for request in requests.collect::<Vec<_>>() {
        request.await.unwrap().unwrap();
    }
    assert!(server.received().len() <= 128, "at most one more each");
    let before = server.received().len();
    client.get_api_keys().send().await.unwrap();
    assert_eq!(server.received().len(), before + 1);
}

#[tokio::test]
async fn a_refused_clock_is_explained_by_how_far_it_is_off() {
    for (seconds, words) in [(41, "41 s behind"), (-3600, "3600 s ahead of")] {
        // It stays refused, whatever the timestamp.
        let server = RawServer::start(move |_, _| Reply::new(401, &date(moved(seconds)), EXPIRED)).await;
        let error = server.client(credentials()).get_api_keys().send().await.unwrap_err();
        let explained = error.explain();
        let about = |n: i64| words.replace(&seconds.abs().to_string(), &(seconds.abs() + n).to_string());
        assert!([-1, 0, 1].iter().any(|n| explained.contains(&about(*n))), "{explained}");
    }
}

#[tokio::test]
async fn the_offset_is_shared_by_clones_and_not_by_another_clock() {
    let server = service_ahead_by(HOUR).await;
    let client = server.client(credentials());
    let clone = client.signer().clone();
    client.get_api_keys().send().await.unwrap();
    assert_ne!(clone.clock_offset_ms(), 0);
    assert_eq!(clone.with_clock(SystemTime::now).clock_offset_ms(), 0);
}
