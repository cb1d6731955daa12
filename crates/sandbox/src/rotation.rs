//! What becomes of a refresh token once it was used. Entra lets it live (`entra-and-graph.md` §7); other providers let it live
//! for a while, or take a second use for theft and revoke everything that came of the same sign-in (RFC 9700 §4.14.2).

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::guid::Guid;

/// What a used refresh token is still good for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Mode {
    /// It stays valid.
    #[default]
    EntraLike,
    /// It stays valid for so long after its first use.
    Grace { grace_seconds: u32 },
    /// Nothing: a second use revokes the family.
    Strict,
}

impl Mode {
    fn grace(self) -> Option<SignedDuration> {
        match self {
            Mode::EntraLike => None,
            Mode::Grace { grace_seconds } => Some(SignedDuration::from_secs(grace_seconds.into())),
            Mode::Strict => Some(SignedDuration::ZERO),
        }
    }
}

/// What a use of a refresh token leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Allowed,
    Refused,
}

/// The mode, and the refresh tokens that were used since it was set.
#[derive(Debug, Default)]
pub(crate) struct Rotation {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    mode: Mode,
    used: HashMap<Guid, Timestamp>,
    revoked: HashSet<Guid>,
}

impl Rotation {
    /// Sets the mode; what was used or revoked before is forgotten.
    pub(crate) fn set(&self, mode: Mode) {
        *self.lock() = Inner {
            mode,
            ..Inner::default()
        };
    }

    /// The mode, and how many families were revoked since it was set.
    pub(crate) fn state(&self) -> (Mode, usize) {
        let inner = self.lock();
        (inner.mode, inner.revoked.len())
    }

    /// Uses a refresh token of a family.
    pub(crate) fn r#use(&self, token: Guid, family: Guid, now: Timestamp) -> Use {
        let mut inner = self.lock();
        let Some(grace) = inner.mode.grace() else {
            return Use::Allowed;
        };
        if inner.revoked.contains(&family) {
            return Use::Refused;
        }
        match inner.used.entry(token) {
            Entry::Vacant(unused) => {
                unused.insert(now);
                Use::Allowed
            }
            Entry::Occupied(first) if now.duration_since(*first.get()) < grace => Use::Allowed,
            Entry::Occupied(_) => {
                inner.revoked.insert(family);
                Use::Refused
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
