//! The sandbox's clock: the machine's time plus an offset that a test may set.
//!
//! Everything the directory says about time comes from `now`; `wall` is for what must
//! stay in order when the offset is moved back and forth (revocation, the request log).

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

use crate::misbehave::Senseless;

/// Tells the time of the stand-in.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    offset_seconds: AtomicI64,
}

impl Clock {
    /// The directory's time: the machine's, shifted by the offset.
    pub(crate) fn now(&self) -> Timestamp {
        let offset = SignedDuration::from_secs(self.offset_seconds());
        self.wall().checked_add(offset).unwrap_or(Timestamp::MAX)
    }

    /// The machine's time, untouched by the offset.
    #[expect(
        clippy::unused_self,
        clippy::disallowed_methods,
        reason = "the one place that reads the machine's time: callers need a clock in hand"
    )]
    pub(crate) fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    /// The offset in force.
    pub(crate) fn offset_seconds(&self) -> i64 {
        self.offset_seconds.load(Ordering::Relaxed)
    }

    /// Shifts the directory's time; seconds before or after the machine's.
    pub(crate) fn set_offset(&self, seconds: i64) -> Result<(), Senseless> {
        /// A century: far enough, and every sum of times stays in range.
        const MOST: u64 = 100 * 366 * 86_400;
        if seconds.unsigned_abs() > MOST {
            return Err(Senseless("offset_seconds is more than a century"));
        }
        self.offset_seconds.store(seconds, Ordering::Relaxed);
        Ok(())
    }
}
