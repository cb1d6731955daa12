//! A clock that is before this program can have been built is wrong, and Keyway does not start by it.
//!
//! Expiry of sign-ins, sessions, keys and certificates is judged by that clock, and the audit list is dated by it: on a
//! machine whose clock fell back to 1970, what has ended would count as good again. How far a clock is ahead or some
//! hours behind is not known here; providers tell of that (`clock.skew`).

use jiff::{SignedDuration, Timestamp};

use crate::Exit;
use crate::failure::Failure;

/// The day before which this version can't have been built: for now that of the oldest toolchain that builds it
/// (`rust-version` in `Cargo.toml`), from the first release on the day of the release.
///
/// Written down rather than taken from the build or the commit: builds stay reproducible, and a commit rebuilds nothing.
const EARLIEST_BUILD: &str = "2026-04-16T00:00:00Z";

/// Time zones set wrong, and clocks that are set only after the start.
const TOLERANCE: SignedDuration = SignedDuration::from_hours(24);

/// Refuses a clock that is more than a day before [`EARLIEST_BUILD`].
pub(crate) fn check(now: Timestamp) -> Result<(), Failure> {
    let earliest: Timestamp = EARLIEST_BUILD.parse().expect("a constant moment");
    if earliest.duration_since(now) <= TOLERANCE {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Invalid,
        "clock.before_build",
        format!(
            "this machine's clock says {}, before this version of Keyway was built: sign-ins, keys and certificates can't be judged by it",
            now.strftime("%Y-%m-%d %H:%M UTC")
        ),
    )
    .hint("set the clock, by NTP at best, and start again"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::Clock;

    #[test]
    fn a_clock_before_the_build_is_refused() {
        let earliest: Timestamp = EARLIEST_BUILD.parse().unwrap();
        for (seconds, good) in [(0, true), (-86_400, true), (-86_401, false)] {
            let now = earliest + SignedDuration::from_secs(seconds);
            assert_eq!(check(now).is_ok(), good, "{seconds}");
        }
        let refused = check(Timestamp::UNIX_EPOCH).unwrap_err();
        assert_eq!(refused.exit(), Exit::Invalid);
        assert_eq!(refused.code(), "clock.before_build");
        assert!(
            refused.document()["detail"]
                .as_str()
                .unwrap()
                .contains("1970-01-01")
        );
    }

    #[test]
    fn the_day_of_the_build_is_not_in_the_future() {
        let earliest: Timestamp = EARLIEST_BUILD.parse().unwrap();
        assert!(earliest <= Clock::system().now());
        assert!(
            env!("CARGO_PKG_RUST_VERSION") == "1.95",
            "another toolchain is the oldest: set the day of its release"
        );
    }
}
