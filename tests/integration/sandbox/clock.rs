//! The sandbox's clock: the timestamp window and `Date` follow it.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, Method};

use super::{exchange, path, root, sandbox, send, send_with};

const YEAR: i64 = 31_556_952;

#[tokio::test]
async fn the_clock_offset_shifts_date_and_the_timestamp_window() {
    let sandbox = sandbox().await;
    for years in [10, -10, 100, -50] {
        let offset = years * YEAR;
        sandbox.set_clock_offset_secs(offset);
        let shifted = move |time: SystemTime| {
            let distance = Duration::from_secs(offset.unsigned_abs());
            if offset < 0 {
                time - distance
            } else {
                time + distance
            }
        };
        let before = SystemTime::now();
        let error = send(&sandbox, &root(&sandbox), Method::GET, "/api_keys", None).await;
        assert_eq!(
            (error.status.as_u16(), error.code().as_str()),
            (401, "header_timestamp_expired"),
            "{years}"
        );
        let date = httpdate::parse_http_date(error.headers["date"].to_str().expect("text"))
            .expect("a date");
        // `Date` has whole seconds, so it may be up to one second early.
        assert!(
            date + Duration::from_secs(1) > shifted(before) && date <= shifted(SystemTime::now()),
            "{years}: {date:?}"
        );

        let signer = root(&sandbox).with_clock(move || shifted(SystemTime::now()));
        assert_eq!(
            send(&sandbox, &signer, Method::GET, "/api_keys", None)
                .await
                .status,
            200,
            "{years}"
        );
    }
    sandbox.set_clock_offset_secs(0);
    assert_eq!(
        send(&sandbox, &root(&sandbox), Method::GET, "/api_keys", None)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn date_is_limited_to_the_years_1970_to_9999() {
    let sandbox = sandbox().await;
    for (offset, date) in [
        (-100 * YEAR, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (i64::MIN, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (i64::MAX, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ] {
        sandbox.set_clock_offset_secs(offset);
        let response = send(&sandbox, &root(&sandbox), Method::GET, "/api_keys", None).await;
        assert_eq!(
            (response.status.as_u16(), &response.headers["date"]),
            (401, &date.parse().expect("text"))
        );
    }
    sandbox.set_time_window(Duration::MAX);
    assert_eq!(
        send(&sandbox, &root(&sandbox), Method::GET, "/api_keys", None)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn every_response_has_exactly_one_date() {
    let sandbox = sandbox().await;
    sandbox.set_clock_offset_secs(i64::MAX);
    let last = "Fri, 31 Dec 9999 23:59:59 GMT";
    for (method, rest) in [
        (Method::GET, "/nowhere"),
        (Method::PUT, "/api_keys"),
        (Method::DELETE, "/api_keys/x"),
    ] {
        let response = send_with(&sandbox, HeaderMap::new(), method, rest, None).await;
        assert_eq!(
            response.headers.get_all("date").iter().collect::<Vec<_>>(),
            [last],
            "{rest}"
        );
    }
    sandbox.fail_next(kalshi_api_keys::sandbox::Fault::internal_error());
    let response = exchange(
        &sandbox,
        "GET",
        &path(&sandbox, "/api_keys"),
        &HeaderMap::new(),
    )
    .await;
    assert_eq!(response.matches(last).count(), 1, "{response}");
}
