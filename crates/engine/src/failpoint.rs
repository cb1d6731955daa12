//! Places where a test makes the process end as if it had been killed, by name. They are in development
//! builds, and with the feature `failpoints`; a release has none.

/// The places, in the order in which a run with one call meets them.
pub const PLACES: [&str; 8] = [
    "run-inserted",
    "sent-recorded",
    "request-sent",
    "answer-read",
    "result-committed",
    "before-next-step",
    "run-ended",
    "run-claimed",
];

#[cfg(any(debug_assertions, feature = "failpoints"))]
mod armed {
    use std::sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    };

    static ARMED: OnceLock<(String, AtomicU64)> = OnceLock::new();

    /// Ends the process when the place is met for the `nth` time (from 1). Only the first call counts.
    pub fn arm(place: &str, nth: u64) {
        ARMED.get_or_init(|| (place.to_owned(), AtomicU64::new(nth.max(1))));
    }

    pub(crate) fn reach(place: &str) {
        if let Some((armed, left)) = ARMED.get()
            && armed == place
            && left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            std::process::abort();
        }
    }
}

#[cfg(any(debug_assertions, feature = "failpoints"))]
pub use armed::arm;
#[cfg(any(debug_assertions, feature = "failpoints"))]
pub(crate) use armed::reach;

/// Nothing happens here.
#[cfg(not(any(debug_assertions, feature = "failpoints")))]
pub(crate) fn reach(_: &str) {}
