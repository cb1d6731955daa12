//! How fast a connection may call, learned from what its API says: one budget for all callers of a process.
//!
//! Nothing is limited until an API complains (429, or 503 with `Retry-After`) or says that its limit is
//! reached. Then nobody calls until the time it names; after that the rate begins low, doubles every second
//! up to half of what was too much, and goes on carefully. Pure but for the lock: it is told the time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use oauth::Timestamp;
use tokio::time::Instant;

use crate::retry::retry_after;

/// Calls per second after a complaint, where nothing better is known.
const START: f64 = 10.0;
/// A rate beyond this is no limit any more.
const FREE: f64 = 5_000.0;
/// The lowest rate: one call in two seconds.
const LOWEST: f64 = 0.5;
/// How long a complaint without a time counts.
const UNNAMED: Duration = Duration::from_secs(1);
/// Complaints within this time are about the same excess.
const SAME: Duration = Duration::from_secs(1);
/// The most that an API may ask for.
const LONGEST: Duration = Duration::from_hours(1);

/// What the callers of one connection share.
#[derive(Default)]
pub(crate) struct Budget {
    /// Whether there is any limit; the usual case costs one look.
    limited: AtomicBool,
    limit: Mutex<Option<Limit>>,
}

#[derive(Clone, Copy)]
struct Limit {
    /// Nobody calls before.
    closed_until: Instant,
    /// Calls per second.
    rate: f64,
    /// Up to here the rate doubles; beyond it grows by a tenth.
    careful: f64,
    /// When the rate was last changed.
    changed: Instant,
    /// When the rate was last lowered; `None`: nobody knows yet what is too much.
    lowered: Option<Instant>,
    /// When the next call would go if all went evenly.
    next: Instant,
}

impl Budget {
    fn lock(&self) -> MutexGuard<'_, Option<Limit>> {
        self.limit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins anew, after a change of the connection.
    pub(crate) fn forget(&self) {
        *self.lock() = None;
        self.limited.store(false, Ordering::Relaxed);
    }

    /// Takes a place in line: when the call may go, or `Err` with that time if it would wait too long.
    pub(crate) fn reserve(&self, now: Instant, patience: Duration) -> Result<Instant, Instant> {
        if !self.limited.load(Ordering::Relaxed) {
            return Ok(now);
        }
        let mut guard = self.lock();
        let Some(limit) = guard.as_mut() else {
            return Ok(now);
        };
        limit.grow(now);
        if limit.rate >= FREE && limit.closed_until <= now {
            *guard = None;
            self.limited.store(false, Ordering::Relaxed);
            return Ok(now);
        }
        let at = limit.place(now);
        if at.saturating_duration_since(now) > patience {
            return Err(at);
        }
        limit.take(at);
        Ok(at)
    }

    /// Learns from what an API complained about.
    pub(crate) fn learn(&self, now: Instant, complaint: Complaint) {
        let mut guard = self.lock();
        let limit = guard.get_or_insert_with(|| Limit::new(now));
        limit.grow(now);
        match complaint {
            Complaint::Full(wait) => {
                limit.lower(now);
                limit.close(now + wait);
            }
            Complaint::Spent(wait) => limit.close(now + wait),
            Complaint::Near => limit.lower(now),
        }
        self.limited.store(true, Ordering::Relaxed);
    }
}

impl Limit {
    fn new(now: Instant) -> Limit {
        Limit {
            closed_until: now,
            rate: START,
            careful: FREE,
            changed: now,
            lowered: None,
            next: now,
        }
    }

    /// A rate that nobody complained about for a while grows.
    fn grow(&mut self, now: Instant) {
        let since = self.changed.max(self.closed_until);
        let seconds = now.saturating_duration_since(since).as_secs().min(600);
        for _ in 0..seconds {
            let factor = if self.rate < self.careful { 2.0 } else { 1.1 };
            self.rate = (self.rate * factor).min(FREE);
        }
        if seconds > 0 {
            self.changed = since + Duration::from_secs(seconds);
        }
    }

    fn lower(&mut self, now: Instant) {
        match self.lowered {
            Some(lowered) if now.saturating_duration_since(lowered) < SAME => return,
            Some(_) => {
                self.rate = (self.rate / 2.0).max(LOWEST);
                self.careful = self.rate;
            }
            None => {}
        }
        self.changed = now;
        self.lowered = Some(now);
    }

    fn close(&mut self, until: Instant) {
        self.closed_until = self.closed_until.max(until);
        self.next = self.next.max(self.closed_until);
    }

    /// When the next caller's turn is: a second's worth of calls may go at once.
    fn place(&self, now: Instant) -> Instant {
        let credit = Duration::from_secs(1).min(self.step() * 10);
        let turn = self.next.checked_sub(credit).unwrap_or(now);
        turn.max(self.closed_until).max(now)
    }

    fn take(&mut self, at: Instant) {
        self.next = self.next.max(at) + self.step();
    }

    fn step(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.rate)
    }
}

/// What an API says about the rate at which it is called.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Complaint {
    /// Refused: wait so long.
    Full(Duration),
    /// Answered, but it was the last call for so long.
    Spent(Duration),
    /// Answered, but the limit is reached.
    Near,
}

/// Reads the headers by which APIs tell their limits; most answers hold none of them.
pub(crate) fn complaint(
    status: StatusCode,
    headers: &HeaderMap,
    wall: impl FnOnce() -> Timestamp,
) -> Option<Complaint> {
    if matches!(status.as_u16(), 429 | 503) {
        return match (status.as_u16(), retry_after(headers, wall())) {
            (429, asked) => Some(Complaint::Full(asked.unwrap_or(UNNAMED))),
            (_, asked) => asked.map(Complaint::Full),
        };
    }
    let number = |name: &str| -> Option<f64> {
        let text = headers.get(name)?.to_str().ok()?;
        // A list such as "100, 100;w=60" begins with the number.
        text.split([',', ';']).next()?.trim().parse().ok()
    };
    let either = |first: &str, second: &str| number(first).or_else(|| number(second));
    if either("ratelimit-remaining", "x-ratelimit-remaining").is_some_and(|left| left <= 0.0)
        && let Some(reset) = either("ratelimit-reset", "x-ratelimit-reset")
    {
        // Some count seconds from now, others write the time itself.
        let seconds = if reset > 1e9 {
            reset - wall().as_duration().as_secs_f64()
        } else {
            reset
        };
        let seconds = seconds.clamp(0.0, LONGEST.as_secs_f64());
        let wait = Duration::try_from_secs_f64(seconds).unwrap_or(UNNAMED);
        return Some(Complaint::Spent(wait));
    }
    number("x-ms-throttle-limit-percentage")
        .is_some_and(|used| used >= 1.0)
        .then_some(Complaint::Near)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALL: &str = "2026-03-01T12:00:00Z";
    const PATIENT: Duration = Duration::from_secs(10_000);

    fn says(budget: &Budget, now: Instant, status: u16, headers: &[(&'static str, &'static str)]) {
        let headers = headers
            .iter()
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    http::HeaderValue::from_static(value),
                )
            })
            .collect();
        let status = StatusCode::from_u16(status).unwrap();
        if let Some(complaint) = complaint(status, &headers, || WALL.parse().unwrap()) {
            budget.learn(now, complaint);
        }
    }

    fn wait(budget: &Budget, now: Instant) -> u128 {
        budget
            .reserve(now, PATIENT)
            .unwrap()
            .duration_since(now)
            .as_millis()
    }

    #[test]
    fn nothing_is_limited_until_somebody_complains() {
        let (budget, now) = (Budget::default(), Instant::now());
        for (status, headers) in [
            (200, &[][..]),
            (503, &[]),
            (200, &[("retry-after", "60")]),
            (
                200,
                &[("x-ratelimit-remaining", "1"), ("x-ratelimit-reset", "60")],
            ),
            (200, &[("ratelimit-remaining", "0")]),
            (200, &[("x-ms-throttle-limit-percentage", "0.99")]),
        ] {
            says(&budget, now, status, headers);
        }
        assert!((0..100_000).all(|_| wait(&budget, now) == 0));
    }

    #[test]
    fn nobody_calls_before_the_time_an_api_names() {
        for (status, headers, millis) in [
            (429, &[("retry-after", "7")][..], 7_000),
            (429, &[("retry-after", "2.128")], 2_128),
            (
                429,
                &[("retry-after", "Sun, 01 Mar 2026 12:00:09 GMT")],
                9_000,
            ),
            (429, &[("retry-after", "99999")], 3_600_000),
            (429, &[("retry-after", "-1")], 0),
            (429, &[], 1_000),
            (503, &[("retry-after", "3")], 3_000),
            (
                200,
                &[("ratelimit-remaining", "0"), ("ratelimit-reset", "4")],
                4_000,
            ),
            (
                200,
                &[
                    ("x-ratelimit-remaining", "0"),
                    ("x-ratelimit-reset", "1772366405"),
                ],
                5_000,
            ),
            (
                403,
                &[
                    ("x-ratelimit-remaining", "0"),
                    ("x-ratelimit-reset", "1e300"),
                ],
                3_600_000,
            ),
        ] {
            let (budget, now) = (Budget::default(), Instant::now());
            says(&budget, now, status, headers);
            assert_eq!(wait(&budget, now), millis, "{status} {headers:?}");
        }
    }

    #[test]
    fn who_would_wait_too_long_takes_no_place() {
        let (budget, now) = (Budget::default(), Instant::now());
        says(&budget, now, 429, &[("retry-after", "30")]);
        let ask = |millis| budget.reserve(now, Duration::from_millis(millis));
        assert_eq!(ask(29_999), Err(now + Duration::from_secs(30)));
        assert_eq!(ask(30_000), Ok(now + Duration::from_secs(30)));
        assert!(ask(31_000).is_ok());
    }

    /// How many calls get through in each of the next seconds if everybody calls as soon as they may.
    fn per_second(budget: &Budget, from: Instant, seconds: u64) -> Vec<usize> {
        let mut counts = vec![0; usize::try_from(seconds).unwrap()];
        let end = from + Duration::from_secs(seconds);
        let mut now = from;
        loop {
            now = budget.reserve(now, PATIENT).unwrap();
            if now >= end {
                return counts;
            }
            counts[usize::try_from((now - from).as_secs()).unwrap()] += 1;
        }
    }

    #[test]
    fn after_a_complaint_the_rate_begins_low_and_grows_until_it_is_none() {
        let (budget, now) = (Budget::default(), Instant::now());
        says(&budget, now, 429, &[("retry-after", "1")]);
        let open = now + Duration::from_secs(1);
        let counts = per_second(&budget, open, 4);
        assert!((10..=25).contains(&counts[0]), "{counts:?}");
        assert!(
            counts[1..].windows(2).all(|two| two[0] < two[1]),
            "{counts:?}"
        );
        assert_eq!(wait(&budget, open + Duration::from_mins(5)), 0);
        assert!(
            !budget.limited.load(Ordering::Relaxed),
            "and then it is forgotten"
        );
    }

    #[test]
    fn many_complaints_about_one_excess_count_once_and_later_ones_again() {
        let (budget, now) = (Budget::default(), Instant::now());
        for _ in 0..1_000 {
            says(&budget, now, 429, &[("retry-after", "0")]);
        }
        let rate = || budget.lock().unwrap().rate;
        assert!((rate() - START).abs() < 0.01, "{}", rate());
        for second in 1..30 {
            says(
                &budget,
                now + Duration::from_secs(second),
                429,
                &[("retry-after", "0")],
            );
        }
        assert!(rate() >= LOWEST && rate() <= START * 2.0, "{}", rate());
    }

    #[test]
    fn a_limit_that_is_reached_slows_without_closing() {
        let (budget, now) = (Budget::default(), Instant::now());
        says(
            &budget,
            now,
            200,
            &[("x-ms-throttle-limit-percentage", "1.2")],
        );
        assert_eq!(wait(&budget, now), 0);
        let counts = per_second(&budget, now, 1);
        assert!(counts[0] < 30, "{counts:?}");
    }
}
