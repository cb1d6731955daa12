//! Refusals in the audit log: who asked for what they may not have, at most one row a minute of each kind for each actor.
//!
//! A refusal changes nothing, so that nothing bounds how many there are. The first is written at once; how many came in the
//! minute after it is told by the next row. What was counted is in memory: it is lost when the process ends.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{Actor, Entry, Error, Outcome, Shared, Store, Tx};

/// After a row, the next one of its kind and actor is so far away.
const QUIET: SignedDuration = SignedDuration::from_mins(1);
/// How many actors and kinds are remembered; more than installations have people and keys.
const REMEMBERED: usize = 10_000;

/// When the last row was written, by actor and kind.
#[derive(Default)]
pub(crate) struct Recent(Mutex<HashMap<(String, &'static str), Last>>);

struct Last {
    at: Timestamp,
    /// How many came since without a row.
    further: u64,
}

impl Recent {
    /// Whether a refusal gets a row, which then tells of so many others; else it is counted.
    fn admit(&self, actor: &str, kind: &'static str, now: Timestamp) -> Option<u64> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back must not silence anybody.
        let is_recent = |at: Timestamp| now.duration_since(at).abs() < QUIET;
        if known.len() >= REMEMBERED {
            known.retain(|_, last| is_recent(last.at));
        }
        let is_full = known.len() >= REMEMBERED;
        let key = (actor.to_owned(), kind);
        match known.get_mut(&key) {
            Some(last) if is_recent(last.at) => {
                last.further = last.further.saturating_add(1);
                return None;
            }
            None if is_full => return None,
            _ => {}
        }
        let fresh = Last {
            at: now,
            further: 0,
        };
        Some(known.insert(key, fresh).map_or(0, |last| last.further))
    }

    /// The row could not be written: the next refusal tries again, and tells of this one.
    fn forget(&self, actor: &str, kind: &'static str, further: u64) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = known.get_mut(&(actor.to_owned(), kind)) {
            last.at = Timestamp::MIN;
            last.further = last.further.saturating_add(further).saturating_add(1);
        }
    }
}

/// Refusals.
pub struct Refusals<'a>(pub(crate) &'a Store);

impl Refusals<'_> {
    /// Writes down that an actor was refused, under the refusal's stable code; durable when this returns.
    ///
    /// `subject` is the id or path that it was about, `detail` holds further facts, never secrets. The actor was refused
    /// already, so that no role is asked for here.
    pub async fn record(
        &self,
        actor: &Actor,
        code: &'static str,
        subject: &str,
        mut detail: Value,
    ) -> Result<(), Error> {
        let shared = &self.0.inner.shared;
        let Some(further) = shared.refusals.admit(&actor.id, code, shared.clock.now()) else {
            return Ok(());
        };
        if let (1.., Some(members)) = (further, detail.as_object_mut()) {
            members.insert("further_refusals_before".to_owned(), json!(further));
        }
        let entry = Entry::new(actor, code, subject, detail);
        let work = move |_: &mut Tx<'_>, _: &Shared| Ok(Outcome::audited((), entry.clone()));
        let written = self.0.change(work).await;
        if written.is_err() {
            shared.refusals.forget(&actor.id, code, further);
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_a_minute_for_each_actor_and_kind() {
        let recent = Recent::default();
        let at = |seconds: i64| Timestamp::from_second(1_800_000_000 + seconds).unwrap();
        assert_eq!(recent.admit("key_a", "forbidden", at(0)), Some(0));
        for second in [0, 1, 59] {
            assert_eq!(recent.admit("key_a", "forbidden", at(second)), None);
        }
        assert_eq!(recent.admit("key_b", "forbidden", at(1)), Some(0));
        let other = "connection.origin_forbidden";
        assert_eq!(recent.admit("key_a", other, at(1)), Some(0));
        assert_eq!(recent.admit("key_a", "forbidden", at(60)), Some(3));
        assert_eq!(recent.admit("key_a", "forbidden", at(61)), None);
        // The clock was set back.
        assert_eq!(recent.admit("key_a", "forbidden", at(-600)), Some(1));
        recent.forget("key_a", "forbidden", 1);
        assert_eq!(recent.admit("key_a", "forbidden", at(-599)), Some(2));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let recent = Recent::default();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        for n in 0..REMEMBERED {
            assert_eq!(recent.admit(&n.to_string(), "forbidden", now), Some(0));
        }
        assert_eq!(recent.admit("more", "forbidden", now), None);
        let later = now + QUIET;
        assert_eq!(recent.admit("more", "forbidden", later), Some(0));
    }
}
