//! Warns before a connection's secret or certificate ends, so that it is replaced while it still works.

use jiff::{SignedDuration, Timestamp};
use store::{Actor, Authentication, Connection, ExpiryWarning};

use crate::Connector;
use crate::error::Error;

/// So many days before the end somebody is warned, and once more when it has come.
const DAYS: [u32; 5] = [0, 1, 7, 14, 30];

impl Connector {
    /// Raises the warnings that are due; each is raised once, whichever process looks. Answers how many.
    pub async fn warn_of_expiry(&self) -> Result<u32, Error> {
        let now = self.clock().now();
        let connections = self
            .inner
            .store
            .connections()
            .list(&Actor::system())
            .await?;
        let mut raised = 0;
        for connection in &connections {
            for warning in warnings(connection, now) {
                let events = self.inner.store.events();
                raised += u32::from(events.warn_of_expiry(&connection.id, warning).await?);
            }
        }
        Ok(raised)
    }
}

fn warnings(connection: &Connection, now: Timestamp) -> Vec<ExpiryWarning> {
    let signs = matches!(&connection.settings.authentication, Authentication::OAuth(oauth)
        if oauth.client_authentication.assertion_form().is_some());
    let word = |signs| if signs { "certificate" } else { "secret" };
    let newest = connection.settings.secret_expires_at;
    let newest = newest.map(|expires_at| (word(signs), expires_at));
    let older = connection.settings.older_secret.and_then(|older| {
        let signs = older.method.assertion_form().is_some();
        Some((word(signs), older.expires_at?))
    });
    let warning = |(kind, expires_at)| {
        Some(ExpiryWarning {
            kind,
            expires_at,
            days: due(expires_at, now)?,
        })
    };
    newest
        .into_iter()
        .chain(older)
        .filter_map(warning)
        .collect()
}

/// The narrowest warning that is due: one that was missed is not made up for.
fn due(expires_at: Timestamp, now: Timestamp) -> Option<u32> {
    let left = expires_at.duration_since(now);
    DAYS.into_iter()
        .find(|days| left <= SignedDuration::from_hours(24 * i64::from(*days)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_days_count_down() {
        let now = Timestamp::UNIX_EPOCH;
        let hours = |hours| now + SignedDuration::from_hours(hours);
        for (left, expected) in [
            (24 * 30 + 1, None),
            (24 * 30, Some(30)),
            (24 * 14 + 1, Some(30)),
            (24 * 14, Some(14)),
            (24 * 7, Some(7)),
            (25, Some(7)),
            (24, Some(1)),
            (1, Some(1)),
            (0, Some(0)),
            (-1000, Some(0)),
        ] {
            assert_eq!(due(hours(left), now), expected, "{left} hours left");
        }
    }
}
