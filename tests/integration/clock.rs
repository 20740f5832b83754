//! A wrong clock is corrected by one refused request, within limits; nothing else is ever sent
//! again.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, Method};
use kalshi_api_keys::{Client, Error, MAX_CLOCK_CORRECTION, Signer, types};

use crate::fixtures::{at_ms, credentials};
use crate::raw_server::{RawServer, Received, Reply};

const EXPIRED: &str =
    r#"{"error":{"code":"header_timestamp_expired","message":"header timestamp expired"}}"#;
const EMPTY_LIST: &str = r#"{"api_keys":[]}"#;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// This machine's time, shifted by some seconds.
fn shifted(seconds: i64) -> SystemTime {
    let by = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 {
        SystemTime::now() - by
    } else {
        SystemTime::now() + by
    }
}

fn date(time: SystemTime) -> String {
    format!("Date: {}\r\n", httpdate::fmt_http_date(time))
}

/// Responds as the service does: a timestamp more than ten seconds from its own clock is refused.
fn respond(request: &Received, now: SystemTime) -> Reply {
    let ms: u64 = request.header("kalshi-access-timestamp").parse().unwrap();
    let signed_at = UNIX_EPOCH + Duration::from_millis(ms);
    let off = now
        .duration_since(signed_at)
        .unwrap_or_else(|ahead| ahead.duration());
    let (status, body) = match (off > Duration::from_secs(10), request.method()) {
        (true, _) => (401, EXPIRED),
        (false, "POST") => (201, r#"{"api_key_id":"new","private_key":"secret"}"#),
        (false, _) => (200, EMPTY_LIST),
    };
    Reply::new(status, &date(now), body)
}

/// A service whose clock is this many seconds ahead of this machine's.
async fn service_ahead_by(seconds: i64) -> RawServer {
    RawServer::start(move |_, request| respond(request, shifted(seconds))).await
}

#[tokio::test]
async fn wrong_clock_costs_one_request_and_is_corrected_from_then_on() {
    // A minute short of the limit, because the test takes time.
    for seconds in [41, -41, HOUR, -HOUR, DAY - MINUTE, MINUTE - DAY] {
        let server = service_ahead_by(seconds).await;
        let client = server.client(credentials());
        assert_eq!(client.signer().clock_offset_ms(), 0);
        client
            .get_api_keys()
            .send()
            .await
            .unwrap_or_else(|e| panic!("{seconds} s: {e}"));
        assert_eq!(server.received().len(), 2, "{seconds} s");
        let offset = client.signer().clock_offset_ms();
        assert!(
            offset.abs_diff(seconds * 1000) <= 1500,
            "{seconds} s: corrected by {offset} ms"
        );

        let generate = types::GenerateApiKeyRequest::builder()
            .name("a")
            .scopes(vec!["read".into()]);
        client
            .generate_api_key()
            .body(generate)
            .send()
            .await
            .unwrap();
        client.clone().get_api_keys().send().await.unwrap();
        assert_eq!(
            server.received().len(),
            4,
            "{seconds} s: the first attempt uses the correction"
        );

        client.signer().reset_clock();
        assert_eq!(client.signer().clock_offset_ms(), 0);
        client.get_api_keys().send().await.unwrap();
        assert_eq!(
            server.received().len(),
            6,
            "{seconds} s: the correction is gone"
        );
    }
}

#[tokio::test]
async fn second_attempt_repeats_the_body() {
    let server = service_ahead_by(-41).await;
    let generate = types::GenerateApiKeyRequest::builder()
        .name("a")
        .scopes(vec!["read".into()]);
    server
        .client(credentials())
        .generate_api_key()
        .body(generate)
        .send()
        .await
        .unwrap();
    let received = server.received();
    assert_eq!(received.len(), 2);
    assert!(!received[0].body().is_empty());
    assert_eq!(received[0].body(), received[1].body());
    assert_ne!(
        received[0].header("kalshi-access-signature"),
        received[1].header("kalshi-access-signature")
    );
}

/// When the clocks below stand still: 700 ms after the whole second that a `Date` shows.
const NOW_S: u64 = 1_700_000_000;
const NOW_MS: u64 = NOW_S * 1000 + 700;

/// A client whose clock stands still.
fn client_at_now(server: &RawServer) -> Client {
    let signer = Signer::new(credentials()).with_clock(at_ms(NOW_MS));
    Client::builder(server.environment(), credentials())
        .signer(signer)
        .build()
        .unwrap()
}

/// The `Date` header of a time some seconds after the one that the clocks show.
fn date_in(seconds: i64) -> String {
    date(UNIX_EPOCH + Duration::from_secs(NOW_S.checked_add_signed(seconds).unwrap()))
}

#[tokio::test]
async fn correction_of_more_than_24_hours_is_not_applied() {
    assert_eq!(MAX_CLOCK_CORRECTION.as_secs(), DAY as u64);
    // A date counts half a second later than it says, and the clocks show 700 ms.
    for (seconds, requests) in [
        (DAY, 2),
        (DAY + 1, 1),
        (1 - DAY, 2),
        (-DAY, 1),
        (10 * 365 * DAY, 1),
        (-1_699_999_999, 1),
    ] {
        let server = RawServer::start(move |n, _| match n {
            0 => Reply::new(401, &date_in(seconds), EXPIRED),
            _ => Reply::new(200, "", EMPTY_LIST),
        })
        .await;
        let client = client_at_now(&server);
        let result = client.get_api_keys().send().await;
        assert_eq!(server.received().len(), requests, "{seconds} s");
        assert_eq!(result.is_ok(), requests == 2, "{seconds} s");
        let offset = client.signer().clock_offset_ms();
        assert_eq!(
            offset,
            if requests == 2 {
                seconds * 1000 - 200
            } else {
                0
            },
            "{seconds} s"
        );
    }
}

#[tokio::test]
async fn small_steps_do_not_exceed_the_limit() {
    let hours = Arc::new(AtomicI64::new(0));
    let service_hours = hours.clone();
    let server = RawServer::start(move |_, request| {
        let now = UNIX_EPOCH
            + Duration::from_secs(NOW_S)
            + Duration::from_secs(3600) * service_hours.load(Ordering::Relaxed) as u32;
        respond(request, now)
    })
    .await;
    let client = client_at_now(&server);
    for step in [12, 24, 36] {
        hours.store(step, Ordering::Relaxed);
        assert_eq!(
            client.get_api_keys().send().await.is_ok(),
            step <= 24,
            "{step} h"
        );
    }
    assert_eq!(client.signer().clock_offset_ms(), DAY * 1000 - 200);
}

#[tokio::test]
async fn refused_correction_is_not_kept() {
    // The first date is the truth. Each further one names another time, and is refused again.
    let server = RawServer::start(|n, _| Reply::new(401, &date_in(100 * n as i64), EXPIRED)).await;
    let client = client_at_now(&server);
    for requests in [1, 3, 5] {
        let result = client.get_api_keys().send().await;
        assert!(
            matches!(&result, Err(Error::ErrorResponse(e)) if e.status() == 401),
            "{result:?}"
        );
        assert_eq!(server.received().len(), requests);
        assert_eq!(client.signer().clock_offset_ms(), 0);
    }
}

#[tokio::test]
async fn refused_correction_leaves_the_previous_one() {
    let server = RawServer::start(|n, _| match n {
        0 => Reply::new(401, &date_in(41), EXPIRED),
        1 => Reply::new(200, "", EMPTY_LIST),
        _ => Reply::new(401, &date_in(HOUR), EXPIRED),
    })
    .await;
    let client = client_at_now(&server);
    client.get_api_keys().send().await.unwrap();
    client.get_api_keys().send().await.unwrap_err();
    assert_eq!(
        (server.received().len(), client.signer().clock_offset_ms()),
        (4, 40_800)
    );
}

#[tokio::test]
async fn a_correction_that_no_success_confirms_is_not_kept() {
    let server = RawServer::start(|n, _| match n {
        0 => Reply::new(401, &date_in(HOUR), EXPIRED),
        _ => Reply::new(503, "", "<html>"),
    })
    .await;
    let client = client_at_now(&server);
    client.get_api_keys().send().await.unwrap_err();
    assert_eq!(
        (server.received().len(), client.signer().clock_offset_ms()),
        (2, 0)
    );
}

#[tokio::test]
async fn nothing_is_sent_again_without_a_reason() {
    let off = date_in(41);
    let table: &[(&str, u16, String, &str)] = &[
        ("the clocks agree", 401, date_in(0), EXPIRED),
        ("within the resolution of a date", 401, date_in(1), EXPIRED),
        ("no date", 401, String::new(), EXPIRED),
        (
            "an invalid date",
            401,
            "Date: yesterday\r\n".into(),
            EXPIRED,
        ),
        (
            "a date before 1970",
            401,
            "Date: Wed, 01 Jan 1969 00:00:00 GMT\r\n".into(),
            EXPIRED,
        ),
        (
            "another 401",
            401,
            off.clone(),
            r#"{"error":{"code":"authentication_error"}}"#,
        ),
        ("another status", 400, off.clone(), EXPIRED),
        ("a success", 200, off.clone(), EMPTY_LIST),
        ("429", 429, off.clone(), ""),
        ("500", 500, off.clone(), EXPIRED),
        ("503", 503, format!("{off}Retry-After: 0\r\n"), ""),
    ];
    for (what, status, headers, body) in table.iter().map(|(w, s, h, b)| (w, *s, h.clone(), *b)) {
        let server = RawServer::start(move |_, _| Reply::new(status, &headers, body)).await;
        let client = client_at_now(&server);
        let _ = client.get_api_keys().send().await;
        assert_eq!(server.received().len(), 1, "{what}");
        assert_eq!(client.signer().clock_offset_ms(), 0, "{what}");
    }
    // The smallest difference that is corrected.
    let server = RawServer::start(move |_, _| Reply::new(401, &date_in(2), EXPIRED)).await;
    let _ = client_at_now(&server).get_api_keys().send().await;
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn caller_receives_the_second_response() {
    let server = RawServer::start(|n, _| match n {
        0 => Reply::new(401, &date(shifted(41)), EXPIRED),
        _ => Reply::new(
            404,
            &date(shifted(41)),
            r#"{"code":"not_found","message":"not found"}"#,
        ),
    })
    .await;
    match server
        .client(credentials())
        .delete_api_key()
        .api_key("a")
        .send()
        .await
    {
        Err(Error::ErrorResponse(e)) => assert_eq!(
            (e.status().as_u16(), e.code.as_deref()),
            (404, Some("not_found"))
        ),
        other => panic!("{other:?}"),
    }
    assert_eq!(server.received().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_are_corrected_together() {
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
async fn error_says_how_far_the_clock_is_off() {
    for (seconds, skew) in [
        (41, "41 s behind"),
        (-3600, "3600 s ahead of"),
        (2 * DAY, "172800 s behind"),
    ] {
        // It stays refused, whatever the timestamp.
        let server =
            RawServer::start(move |_, _| Reply::new(401, &date(shifted(seconds)), EXPIRED)).await;
        let error = server
            .client(credentials())
            .get_api_keys()
            .send()
            .await
            .unwrap_err();
        let explained = error.to_string();
        let about =
            |n: i64| skew.replace(&seconds.abs().to_string(), &(seconds.abs() + n).to_string());
        assert!(
            [-1, 0, 1].iter().any(|n| explained.contains(&about(*n))),
            "{explained}"
        );
    }
}

#[tokio::test]
async fn correction_is_shared_by_clones_and_not_by_another_clock() {
    let server = service_ahead_by(HOUR).await;
    let client = server.client(credentials());
    let clone = client.signer().clone();
    client.get_api_keys().send().await.unwrap();
    assert_ne!(clone.clock_offset_ms(), 0);
    assert_ne!(clone.with_credentials(credentials()).clock_offset_ms(), 0);
    assert_eq!(clone.with_clock(SystemTime::now).clock_offset_ms(), 0);
}

#[test]
fn signer_is_corrected_by_a_response_without_the_client() {
    let signer = Signer::new(credentials()).with_clock(at_ms(NOW_MS));
    let sent: HeaderMap = signer
        .headers(&Method::GET, "/trade-api/ws/v2")
        .unwrap()
        .into_iter()
        .collect();
    let response = |seconds: u64, body| {
        let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(NOW_S + seconds));
        http::Response::builder()
            .status(401)
            .header("date", date)
            .body(body)
            .unwrap()
    };
    assert!(
        signer.corrected_by(&sent, &response(41, "{}")).is_none(),
        "refused for another reason"
    );
    assert!(
        signer.corrected_by(&sent, &response(0, EXPIRED)).is_none(),
        "the same timestamp again"
    );
    assert!(
        signer
            .corrected_by(&sent, &response(25 * 3600, EXPIRED))
            .is_none(),
        "beyond the limit"
    );
    assert!(
        signer
            .corrected_by(&HeaderMap::new(), &response(41, EXPIRED))
            .is_none(),
        "an unsigned request"
    );

    let corrected = signer.corrected_by(&sent, &response(41, EXPIRED)).unwrap();
    assert_eq!(
        (signer.clock_offset_ms(), corrected.clock_offset_ms()),
        (0, 40_800),
        "on trial"
    );
    let clone = signer.clone();
    signer.adopt_clock(&corrected);
    assert_eq!(clone.clock_offset_ms(), 40_800);
    // The request was signed before the correction was adopted: it is worth sending again.
    assert!(signer.corrected_by(&sent, &response(41, EXPIRED)).is_some());
}

#[test]
fn difference_of_one_second_is_within_the_resolution_of_a_date() {
    // A date counts half a second later than it says.
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(NOW_S + 1));
    let response = http::Response::builder()
        .status(401)
        .header("date", date)
        .body(EXPIRED)
        .unwrap();
    for (ms, corrected) in [(500, false), (499, true)] {
        let signer = Signer::new(credentials()).with_clock(at_ms(NOW_S * 1000 + ms));
        let sent: HeaderMap = signer
            .headers(&Method::GET, "/trade-api/ws/v2")
            .unwrap()
            .into_iter()
            .collect();
        assert_eq!(
            signer.corrected_by(&sent, &response).is_some(),
            corrected,
            "{ms} ms"
        );
    }
}
