//! The `Retry-After` header (RFC 9110 §10.2.3), with the decimal seconds that Graph sends.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The longest wait that a provider may ask for; more is cut.
pub const RETRY_AFTER_LIMIT: SignedDuration = SignedDuration::from_hours(1);

/// The three date forms of RFC 9110 §5.6.7, the current one first.
const DATE_FORMS: [&str; 3] = [
    "%a, %d %b %Y %H:%M:%S GMT",
    "%A, %d-%b-%y %H:%M:%S GMT",
    "%a %b %e %H:%M:%S %Y",
];

/// Reads seconds, decimal seconds or an HTTP date as the time to wait from `now`: never negative, at most an hour.
pub fn retry_after(value: &str, now: Timestamp) -> Option<SignedDuration> {
    let value = value.trim();
    let wait = seconds(value).or_else(|| date(value, now))?;
    Some(wait.clamp(SignedDuration::ZERO, RETRY_AFTER_LIMIT))
}

fn seconds(value: &str) -> Option<SignedDuration> {
    // `f64` would also take "inf", "nan" and "1e9", which no server means
    let plain = value
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
    if !plain {
        return None;
    }
    let seconds: f64 = value.parse().ok()?;
    let limit = RETRY_AFTER_LIMIT.as_secs_f64();
    Some(SignedDuration::from_secs_f64(seconds.clamp(0.0, limit)))
}

fn date(value: &str, now: Timestamp) -> Option<SignedDuration> {
    let at = DATE_FORMS
        .iter()
        .find_map(|form| DateTime::strptime(form, value).ok())?;
    // compared as civil times, because the very last day that can be written is no timestamp any more
    Some(at.duration_since(now.to_zoned(TimeZone::UTC).datetime()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let check = |value: &str, expected: Option<i64>| {
            let millis = retry_after(value, now).map(|wait| wait.as_millis());
            assert_eq!(millis, expected.map(i128::from), "{value:?}");
        };
        check("60", Some(60_000));
        check(" 2.128 ", Some(2_128));
        check("0", Some(0));
        check("-5", Some(0));
        check("3600", Some(3_600_000));
        check("3601", Some(3_600_000));
        check("99999999999999999999999999999999", Some(3_600_000));
        check("Sun, 01 Mar 2026 12:00:30 GMT", Some(30_000));
        check("Sun, 01 Mar 2026 11:00:00 GMT", Some(0));
        check("Fri, 31 Dec 9999 23:59:59 GMT", Some(3_600_000));
        check("Sunday, 01-Mar-26 12:00:30 GMT", Some(30_000));
        check("Sun Mar  1 12:00:30 2026", Some(30_000));
        check("", None);
        check("soon", None);
        check("inf", None);
        check("nan", None);
        check("1e9", None);
        check("1.2.3", None);
        check("Sun, 99 Mar 2026 12:00:30 GMT", None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(value in ".*", second in -377_705_116_000_i64..253_402_207_000) {
            let now = Timestamp::from_second(second).unwrap();
            if let Some(wait) = retry_after(&value, now) {
                assert!(wait >= SignedDuration::ZERO && wait <= RETRY_AFTER_LIMIT);
            }
        }
    }
}
