//! A lane's vigil: for a moment after each step of a request it looks for the next one before it sleeps.
//!
//! Waking a thread whose core has gone to sleep costs more than passing a small request on, and with one client that
//! happens twice per request: when the API has answered, and when the client asks again
//! ([decision 19](../../../../docs/decisions/0019-a-lane-looks-again-before-it-sleeps.md)). Watching costs processor time, so
//! it stops where it is in vain: APIs that are further away than [`WINDOW`], clients that take their time, and lanes
//! with several requests under way, which meet the next event without sleeping anyway.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// How long it looks.
const WINDOW: Duration = Duration::from_micros(100);
/// So many windows in a row may pass in vain.
const PATIENCE: i32 = 8;
/// So many waits are slept through before it is tried again.
const REST: i32 = 64;

/// What a lane waits for in the course of a request.
#[derive(Debug, Clone, Copy)]
enum Wait {
    /// That the API answers.
    Answer,
    /// That a client asks.
    Request,
}

/// Whether a lane looks, and for what. Its lane's thread alone uses it; it is shared because tasks may move.
#[derive(Debug)]
pub(super) struct Vigil {
    born: Instant,
    /// When the wait began, in nanoseconds since `born`.
    since: AtomicU64,
    watching: AtomicBool,
    begun: Notify,
    under_way: AtomicUsize,
    answer: Patience,
    request: Patience,
    /// Whether the wait is one for an answer.
    for_answer: AtomicBool,
}

/// How long watching for one kind of event is worth it: above zero the windows that may still pass in vain, below zero
/// the waits that are still slept through.
#[derive(Debug)]
struct Patience(AtomicI32);

/// A request under way; dropped when the head of its answer is there.
pub(super) struct UnderWay<'a>(&'a Vigil);

impl Vigil {
    pub(super) fn new() -> Vigil {
        Vigil {
            born: Instant::now(),
            since: AtomicU64::new(0),
            watching: AtomicBool::new(false),
            begun: Notify::new(),
            under_way: AtomicUsize::new(0),
            answer: Patience::new(),
            request: Patience::new(),
            for_answer: AtomicBool::new(false),
        }
    }

    /// A request has come, and its API will be asked.
    pub(super) fn request(&self) -> UnderWay<'_> {
        self.under_way.fetch_add(1, Relaxed);
        self.turn(Wait::Answer);
        UnderWay(self)
    }

    /// Watches whenever a wait begins that is worth it; never ends.
    pub(super) async fn keep(&self) -> Infallible {
        loop {
            self.begun.notified().await;
            while self.watching.load(Relaxed) && self.waited() < WINDOW {
                // Whoever is to answer or to ask may need this very core.
                std::thread::yield_now();
                tokio::task::yield_now().await;
            }
            if self.watching.swap(false, Relaxed) {
                self.awaited().in_vain();
            }
        }
    }

    /// One wait is over, the next begins.
    fn turn(&self, next: Wait) {
        let watched = self.watching.load(Relaxed);
        if watched {
            self.awaited().met();
        }
        self.for_answer.store(matches!(next, Wait::Answer), Relaxed);
        let alone = self.under_way.load(Relaxed) <= 1;
        let pays = alone && self.awaited().lasts();
        self.since.store(self.age(), Relaxed);
        self.watching.store(pays, Relaxed);
        if pays && !watched {
            self.begun.notify_one();
        }
    }

    fn awaited(&self) -> &Patience {
        if self.for_answer.load(Relaxed) {
            &self.answer
        } else {
            &self.request
        }
    }

    fn waited(&self) -> Duration {
        Duration::from_nanos(self.age().saturating_sub(self.since.load(Relaxed)))
    }

    fn age(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Relaxed);
        self.0.turn(Wait::Request);
    }
}

impl Patience {
    fn new() -> Patience {
        Patience(AtomicI32::new(PATIENCE))
    }

    /// Whether to watch now; each time it is not, the rest gets shorter, and after it comes one more try.
    fn lasts(&self) -> bool {
        match self.0.load(Relaxed) {
            -1 => self.0.store(1, Relaxed),
            resting if resting < 0 => self.0.store(resting + 1, Relaxed),
            _ => return true,
        }
        false
    }

    fn met(&self) {
        self.0.store(PATIENCE, Relaxed);
    }

    fn in_vain(&self) {
        let left = self.0.load(Relaxed) - 1;
        self.0.store(if left > 0 { left } else { -REST }, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_vain_is_given_up_and_tried_again() {
        let patience = Patience::new();
        for _ in 0..PATIENCE {
            assert!(patience.lasts());
            patience.in_vain();
        }
        for wait in 0..REST {
            assert!(!patience.lasts(), "wait {wait}");
        }
        assert!(patience.lasts(), "one more try");
        patience.in_vain();
        assert!(!patience.lasts(), "which was in vain");
        for _ in 0..REST {
            patience.lasts();
        }
        patience.met();
        for _ in 1..PATIENCE {
            patience.in_vain();
            assert!(patience.lasts(), "which was not");
        }
    }

    /// Runs a vigil until it sleeps again.
    async fn slept(vigil: &Vigil) {
        let sleeping = async {
            while vigil.watching.load(Relaxed) {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            never = vigil.keep() => match never {},
            () = sleeping => {}
        }
    }

    #[tokio::test]
    async fn an_api_that_is_far_away_is_slept_for_and_a_quick_client_watched_for() {
        let vigil = Vigil::new();
        for _ in 0..PATIENCE {
            let request = vigil.request();
            assert!(vigil.watching.load(Relaxed));
            slept(&vigil).await;
            drop(request);
            assert!(vigil.watching.load(Relaxed), "the client may be quick");
        }
        for _ in 0..REST {
            let request = vigil.request();
            assert!(!vigil.watching.load(Relaxed), "the API is far away");
            drop(request);
            assert!(vigil.watching.load(Relaxed), "the client was quick");
        }
        let _request = vigil.request();
        assert!(vigil.watching.load(Relaxed), "one more try");
    }

    #[tokio::test]
    async fn a_client_that_takes_its_time_is_slept_for() {
        let vigil = Vigil::new();
        for _ in 0..PATIENCE {
            drop(vigil.request());
            slept(&vigil).await;
        }
        drop(vigil.request());
        assert!(!vigil.watching.load(Relaxed));
    }

    #[tokio::test]
    async fn a_lane_with_several_requests_does_not_watch() {
        let vigil = Vigil::new();
        let first = vigil.request();
        slept(&vigil).await;
        let second = vigil.request();
        assert!(!vigil.watching.load(Relaxed));
        drop((first, second));
        assert!(vigil.watching.load(Relaxed), "one that has none does");
    }
}
