//! The sandbox's clock: decides which timestamps are accepted, and sets `Date`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderValue;

/// The latest Unix second that `Date` can express, in the year 9999.
const MAX_DATE: i128 = 253_402_300_799;

pub(super) struct Clock {
    pub(super) offset_secs: i64,
    pub(super) window: Duration,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            offset_secs: 0,
            window: Duration::from_secs(10),
        }
    }
}

impl Clock {
    /// Returns whether a timestamp in Unix milliseconds is within the window, bounds included.
    pub(super) fn accepts(&self, timestamp: u64) -> bool {
        self.unix_millis().abs_diff(timestamp.into()) <= self.window.as_millis()
    }

    /// The time as the value of a `Date` header, in whole seconds.
    pub(super) fn date(&self) -> Option<HeaderValue> {
        let seconds = self.unix_millis().div_euclid(1000).clamp(0, MAX_DATE);
        let seconds = Duration::from_secs(u64::try_from(seconds).ok()?);
        HeaderValue::try_from(httpdate::fmt_http_date(UNIX_EPOCH + seconds)).ok()
    }

    /// The time in Unix milliseconds; cannot overflow, whatever the machine's clock and the offset.
    fn unix_millis(&self) -> i128 {
        let machine = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => since.as_millis().cast_signed(),
            Err(before) => -before.duration().as_millis().cast_signed(),
        };
        machine + i128::from(self.offset_secs) * 1000
    }
}
