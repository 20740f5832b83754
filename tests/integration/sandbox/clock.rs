//! The sandbox's clock can be anywhere, and `Date` says where.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, Method};

use super::{exchange, path, root, sandbox, send, send_with};

const YEAR: i64 = 31_556_952;

#[tokio::test]
async fn the_offset_moves_date_and_window() {
    let sandbox = sandbox().await;
    for years in [10, -10, 100, -50] {
        let offset = years * YEAR;
        sandbox.set_clock_offset_secs(offset);
        let there = move |time: SystemTime| {
            let distance = Duration::from_secs(offset.unsigned_abs());
            if offset < 0 { time - distance } else { time + distance }
        };
        let before = SystemTime::now();
        let refused = send(&sandbox, &root(&sandbox), Method::GET, "/api_keys", None).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (401, "header_timestamp_expired"), "{years}");
        let date = httpdate::parse_http_date(refused.headers["date"].to_str().expect("text")).expect("a date");
        // Whole seconds, so up to one before.
        assert!(date + Duration::from_secs(1) > there(before) && date <= there(SystemTime::now()), "{years}: {date:?}");

        let signer = root(&sandbox).with_clock(move || there(SystemTime::now()));
        assert_eq!(send(&sandbox, &signer, Method::GET, "/api_keys", None).await.status, 200, "{years}");
    }
    sandbox.set_clock_offset_secs(0);
    assert_eq!(send(&sandbox, &root(&sandbox), Method::GET, "/api_keys", None).await.status, 200);
}

#[tokio::test]
async fn date_stops_at_1970_and_9999() {
    let sandbox = sandbox().await;
    for (offset, date) in [
        (-100 * YEAR, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (i64::MIN, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (i64::MAX, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ] {
        sandbox.set_clock_offset_secs(offset);
        let answer = send(&sandbox, &root(&sandbox), Method::GET, "/api_keys", None).await;
        assert_eq!((answer.status.as_u16(), &answer.headers["date"]), (401, &date.parse().expect("text")));
    }
    sandbox.set_time_window(Duration::MAX);
    assert_eq!(send(&sandbox, &root(&sandbox), Method::GET, "/api_keys", None).await.status, 200);
}

#[tokio::test]
async fn every_answer_has_one_date() {
    let sandbox = sandbox().await;
    sandbox.set_clock_offset_secs(i64::MAX);
    let last = "Fri, 31 Dec 9999 23:59:59 GMT";
    for (method, rest) in [(Method::GET, "/nowhere"), (Method::PUT, "/api_keys"), (Method::DELETE, "/api_keys/x")] {
        let answer = send_with(&sandbox, HeaderMap::new(), method, rest, None).await;
        assert_eq!(answer.headers.get_all("date").iter().collect::<Vec<_>>(), [last], "{rest}");
    }
    sandbox.fail_next(kalshi_api_keys::sandbox::Fault::internal_error());
    let answer = exchange(&sandbox, "GET", &path(&sandbox, "/api_keys"), &HeaderMap::new()).await;
    assert_eq!(answer.matches(last).count(), 1, "{answer}");
}
