//! Links by which an administrator consents at the provider: made for one connection, recognised when a browser comes back.
//!
//! Such a link stands on the connection's card and is sent to somebody else, so it works for days, in any browser, and more than
//! once. Nothing is stored for it: its `state` is signed with a key of the installation's. What coming back means is the caller's
//! business.

use oauth::Secret;
use serde_json::json;

use crate::{Actor, Connection, ConnectionId, Entry, Error, Outcome, Shared, Store, Tx};

/// What a state of this kind begins with; those of sign-ins are random and never do.
const PREFIX: &str = "consent.";

/// Administrators' consents at the provider.
pub struct Consents<'a>(pub(crate) &'a Store);

impl Consents<'_> {
    /// The `state` (RFC 6749 §4.1.1) of the link for a connection; always the same until the installation's key is rotated.
    pub fn state(&self, connection: &ConnectionId) -> Secret {
        let signature = self.0.inner.shared.vault.sign_link(&signed(connection));
        Secret::new(format!("{PREFIX}{connection}.{signature}"))
    }

    /// The connection whose link a `state` is of; `None` if it is no such state, or none that was made here.
    pub fn connection(&self, state: &str) -> Option<ConnectionId> {
        let (id, signature) = state.strip_prefix(PREFIX)?.rsplit_once('.')?;
        let id = ConnectionId::parse(id).ok()?;
        let vault = &self.0.inner.shared.vault;
        vault.is_link(&signed(&id), signature).then_some(id)
    }

    /// Records that an administrator came back with the provider's word on a connection: consent was given, or it was not.
    pub async fn returned(
        &self,
        connection: &Connection,
        tenant: Option<&str>,
        error: Option<&str>,
    ) -> Result<(), Error> {
        let detail = json!({ "name": connection.name, "tenant": tenant, "error": error });
        let action = match error {
            None => "connection.admin_consented",
            Some(_) => "connection.admin_consent_refused",
        };
        let entry = Entry::new(&Actor::system(), action, &connection.id, detail);
        let work = move |_: &mut Tx<'_>, _: &Shared| Ok(Outcome::audited((), entry.clone()));
        self.0.change(work).await
    }
}

fn signed(connection: &ConnectionId) -> String {
    format!("admin consent v1 {connection}")
}
