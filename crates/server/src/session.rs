//! People's sessions: signing in and out, and how often one may try.
//!
//! A session is an opaque random value in a cookie; the store keeps its hash
//! and its two deadlines (30 minutes idle, 12 hours in all). The per-account
//! limit is the store's too; here is the limit per address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use oauth::Secret;
use store::Actor;

use crate::app::App;
use crate::cookie::Cookie;
use crate::problem::Problem;

/// The time in which attempts are counted.
const WINDOW: SignedDuration = SignedDuration::from_secs(60);
/// So many addresses are remembered before those out of the window are swept out.
const CAPACITY: usize = 10_000;

/// The person whose session a cookie names.
pub(crate) async fn actor(app: &App, token: &Secret) -> Result<Actor, Problem> {
    let session = app.store().sessions().find(token).await?;
    session.map(|session| session.user.actor()).ok_or_else(|| {
        Problem::new("unauthenticated", "the session has ended").hint("sign in again")
    })
}

/// The person signed in to Keyway in this browser, if anybody is.
pub(crate) async fn visitor(app: &App, headers: &HeaderMap) -> Result<Option<Actor>, Problem> {
    let Some(token) = Cookie::Session.read(app, headers) else {
        return Ok(None);
    };
    Ok(app
        .store()
        .sessions()
        .find(&token)
        .await?
        .map(|session| session.user.actor()))
}

/// Counts attempts to sign in by address.
pub(crate) struct LoginLimit {
    per_minute: u32,
    attempts: Mutex<HashMap<IpAddr, Vec<Timestamp>>>,
}

impl LoginLimit {
    pub(crate) fn new(per_minute: u32) -> LoginLimit {
        LoginLimit {
            per_minute,
            attempts: Mutex::default(),
        }
    }

    /// Counts one attempt, or refuses it; a caller inside this process has no address and is not counted.
    pub(crate) fn admit(&self, address: Option<IpAddr>, now: Timestamp) -> Result<(), Problem> {
        let Some(address) = address.map(network) else {
            return Ok(());
        };
        let mut all = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = |at: &Timestamp| now.duration_since(*at).abs() < WINDOW;
        if all.len() >= CAPACITY {
            all.retain(|_, attempts| attempts.iter().any(recent));
        }
        let attempts = all.entry(address).or_default();
        attempts.retain(recent);
        if attempts.len() >= self.per_minute as usize {
            let wait = attempts
                .first()
                .map_or(WINDOW, |first| WINDOW - now.duration_since(*first).abs());
            let seconds = u64::try_from(wait.as_secs()).unwrap_or(0) + 1;
            return Err(Problem::new(
                "login.throttled",
                "too many attempts to sign in from this address",
            )
            .hint(format!("wait {seconds} seconds, then try again"))
            .retry_after(seconds));
        }
        attempts.push(now);
        Ok(())
    }
}

/// What counts as one address: an IPv6 client has a whole /64 to pick from.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & (u128::MAX << 64)).into()),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_attempts_in_a_minute() {
        let limit = LoginLimit::new(3);
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let admit = |address: &str, second| {
            limit
                .admit(Some(address.parse().unwrap()), at(second))
                .is_ok()
        };
        assert!(admit("192.0.2.1", 0) && admit("192.0.2.1", 1) && admit("192.0.2.1", 30));
        assert!(!admit("192.0.2.1", 59));
        assert!(admit("192.0.2.2", 59), "another address has its own count");
        assert!(
            admit("192.0.2.1", 60),
            "the first attempt has left the window"
        );
        assert!(!admit("192.0.2.1", 60));
        assert!(admit("2001:db8::1", 0) && admit("2001:db8::2", 0) && admit("::ffff:192.0.2.9", 0));
        assert!(
            admit("2001:db8::3", 0) && !admit("2001:db8::4", 0),
            "a /64 is one address"
        );
    }
}
