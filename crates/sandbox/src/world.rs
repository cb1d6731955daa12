//! Everything the handlers share: the tenant, the keys, the clock, the controls, the log.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderMap;
use axum::http::header::HOST;
use jiff::{SignedDuration, Timestamp};

use crate::activity::Activity;
use crate::clock::Clock;
use crate::directory::Directory;
use crate::entra::Devices;
use crate::guid::Guid;
use crate::keys::Keys;
use crate::log::Log;
use crate::misbehave::{Faults, Senseless};
use crate::rotation::Rotation;
use crate::seal;

/// Authorization codes live this long.
pub(crate) const CODE_LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// The state of a running sandbox.
pub(crate) struct World {
    pub(crate) origin: String,
    pub(crate) tenant: Guid,
    pub(crate) directory: Directory,
    pub(crate) keys: Keys,
    pub(crate) clock: Clock,
    pub(crate) log: Log,
    pub(crate) activity: Activity,
    pub(crate) faults: Faults,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) codes: Codes,
    pub(crate) devices: Devices,
    pub(crate) rotation: Rotation,
}

/// The world as handlers hold it.
pub(crate) type Shared = Arc<World>;

impl World {
    /// The https origin under which a client reached us: any loopback name and port (a
    /// recording proxy may stand between), else the listen address.
    pub(crate) fn base(&self, uri: &axum::http::Uri, headers: &HeaderMap) -> String {
        let host = uri
            .authority()
            .map(axum::http::uri::Authority::as_str)
            .or_else(|| headers.get(HOST)?.to_str().ok());
        match host {
            Some(host) if is_loopback(host) => format!("https://{}", host.to_ascii_lowercase()),
            _ => self.origin.clone(),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let is_port = |port: &str| port.parse::<u16>().is_ok();
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| {
        host.get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
            && match &host[name.len()..] {
                "" => true,
                rest => rest.strip_prefix(':').is_some_and(is_port),
            }
    })
}

/// How long access tokens live.
#[derive(Default)]
pub(crate) struct Lifetimes {
    /// Zero stands for the usual lifetimes.
    access_seconds: AtomicI64,
}

impl Lifetimes {
    /// Sets one lifetime for every access token; `None` goes back to the usual ones.
    pub(crate) fn set(&self, seconds: Option<i64>) -> Result<(), Senseless> {
        const YEAR: i64 = 366 * 86_400;
        if seconds.is_some_and(|seconds| !(1..=YEAR).contains(&seconds)) {
            return Err(Senseless("access_seconds must be from 1 to a year"));
        }
        self.access_seconds
            .store(seconds.unwrap_or(0), Ordering::Relaxed);
        Ok(())
    }

    /// The lifetime that was set, in seconds.
    pub(crate) fn set_seconds(&self) -> Option<i64> {
        match self.access_seconds.load(Ordering::Relaxed) {
            0 => None,
            seconds => Some(seconds),
        }
    }

    /// The lifetime of the next delegated token, in seconds.
    pub(crate) fn delegated(&self) -> i64 {
        match self.access_seconds.load(Ordering::Relaxed) {
            0 => seal::random_between(3600, 5400),
            seconds => seconds,
        }
    }

    /// The lifetime of the next delegated token whose client understands challenges, in seconds: 20 to 28 hours.
    pub(crate) fn challengeable(&self) -> i64 {
        match self.access_seconds.load(Ordering::Relaxed) {
            0 => seal::random_between(20 * 3600, 28 * 3600),
            seconds => seconds,
        }
    }

    /// The lifetime of the next app-only token, in seconds.
    pub(crate) fn app_only(&self) -> i64 {
        match self.access_seconds.load(Ordering::Relaxed) {
            0 => 3599,
            seconds => seconds,
        }
    }
}

/// The authorization codes that were redeemed and have not expired yet.
///
/// Codes carry the process's own mark, so that one from before a restart is not redeemed twice.
pub(crate) struct Codes {
    /// What codes of this process must carry.
    pub(crate) mark: Guid,
    redeemed: Mutex<HashMap<Guid, Timestamp>>,
}

impl Codes {
    /// Nothing was redeemed yet.
    pub(crate) fn new() -> Codes {
        Codes {
            mark: Guid::random(),
            redeemed: Mutex::new(HashMap::new()),
        }
    }

    /// Marks a code as redeemed; false if it already was.
    pub(crate) fn redeem(&self, code: Guid, now: Timestamp) -> bool {
        let mut redeemed = self.redeemed.lock().unwrap_or_else(PoisonError::into_inner);
        if redeemed.len() > 10_000 {
            redeemed.retain(|_, at| now.duration_since(*at) < CODE_LIFETIME);
        }
        redeemed.insert(code, now).is_none()
    }

    /// Whether a code was redeemed.
    pub(crate) fn is_redeemed(&self, code: Guid) -> bool {
        let redeemed = self.redeemed.lock().unwrap_or_else(PoisonError::into_inner);
        redeemed.contains_key(&code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_hosts_are_believed() {
        for host in [
            "localhost:8443",
            "LOCALHOST:1",
            "127.0.0.1:65535",
            "[::1]:8443",
            "localhost",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "localhost.evil.example:1",
            "127.0.0.1:x",
            "127.0.0.1:1/x",
            "127.0.0.2:1",
            "evil.example",
            "",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
