//! What tests plant in a development build: places where the process ends as if it had been killed, and guards that are
//! left out, so that the check which watches a guard can be seen to fail. A release has none of it.
//!
//! `ENGINE_FAILPOINT=PLACE:N` ends the process when it meets a place for the Nth time (from 1). `ENGINE_FAULT=FAULT` leaves
//! a guard out. Both are read once.

/// A place where the process can be made to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A new run is stored, nobody knows of it yet.
    RunInserted,
    /// It is stored that a call is about to be sent.
    SentRecorded,
    /// A call is about to leave.
    RequestSent,
    /// The answer to a call is there, and not stored.
    AnswerRead,
    /// A step is stored, and nothing that follows from it is done.
    ResultCommitted,
    /// A step is stored and told, and nothing of the next one is begun.
    BeforeNextStep,
    /// A run's end is stored, and nobody who waits for it knows.
    RunEnded,
    /// A run was claimed.
    RunClaimed,
    /// A token is about to be renewed: no lease, no intent.
    RenewalDue,
    /// Lease and intent of a renewal are stored, and nothing is sent.
    RenewalIntended,
    /// The answer to a token request is there, and not stored.
    RenewalRead,
    /// The renewed token is stored, and nobody has it yet.
    RenewalStored,
    /// Flows were told of an event of the installation, and it is not noted that they were.
    EventTold,
}

/// A guard that can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// What a step wants done is done before the step is stored.
    ApplyBeforeAppend,
    /// A commit is answered before the disk has it.
    CommitWithoutFsync,
    /// A step is stored whoever owns its run by now.
    LeaseWithoutFence,
    /// A run is told of an event as often as it comes.
    EventHeardTwice,
}

#[cfg(debug_assertions)]
mod planted {
    use std::sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    };

    use super::{Fault, Place};

    struct Planted {
        place: Option<(Place, AtomicU64)>,
        fault: Option<Fault>,
    }

    impl Place {
        const ALL: [(&str, Place); 13] = [
            ("run-inserted", Place::RunInserted),
            ("sent-recorded", Place::SentRecorded),
            ("request-sent", Place::RequestSent),
            ("answer-read", Place::AnswerRead),
            ("result-committed", Place::ResultCommitted),
            ("before-next-step", Place::BeforeNextStep),
            ("run-ended", Place::RunEnded),
            ("run-claimed", Place::RunClaimed),
            ("renewal-due", Place::RenewalDue),
            ("renewal-intended", Place::RenewalIntended),
            ("renewal-read", Place::RenewalRead),
            ("renewal-stored", Place::RenewalStored),
            ("event-told", Place::EventTold),
        ];
    }

    impl Fault {
        const ALL: [(&str, Fault); 4] = [
            ("apply-before-append", Fault::ApplyBeforeAppend),
            ("commit-without-fsync", Fault::CommitWithoutFsync),
            ("lease-without-fence", Fault::LeaseWithoutFence),
            ("event-heard-twice", Fault::EventHeardTwice),
        ];
    }

    fn named<T: Copy>(all: &[(&str, T)], name: &str) -> T {
        let found = all.iter().find(|(other, _)| *other == name);
        found
            .unwrap_or_else(|| unreachable!("no such place or fault to plant: {name}"))
            .1
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "what is planted is no setting, and tests of every room plant it"
    )]
    fn planted() -> &'static Planted {
        static PLANTED: OnceLock<Planted> = OnceLock::new();
        PLANTED.get_or_init(|| Planted {
            place: std::env::var("ENGINE_FAILPOINT").ok().map(|text| {
                let (place, nth) = text.split_once(':').unwrap_or((&text, "1"));
                let nth = nth.parse().unwrap_or(1);
                (named(&Place::ALL, place), AtomicU64::new(nth))
            }),
            fault: std::env::var("ENGINE_FAULT")
                .ok()
                .map(|fault| named(&Fault::ALL, &fault)),
        })
    }

    /// Ends the process if this is where and when it was to end.
    pub fn reach(place: Place) {
        if let Some((armed, left)) = &planted().place
            && *armed == place
            && left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            std::process::abort();
        }
    }

    /// Whether a guard is left out.
    pub fn is_planted(fault: Fault) -> bool {
        planted().fault == Some(fault)
    }
}

#[cfg(debug_assertions)]
pub use planted::{is_planted, reach};

/// Nothing happens here.
#[cfg(not(debug_assertions))]
pub fn reach(_: Place) {}

/// All guards stand.
#[cfg(not(debug_assertions))]
pub fn is_planted(_: Fault) -> bool {
    false
}
