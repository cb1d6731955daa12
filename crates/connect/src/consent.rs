//! An administrator comes back from the provider's page for a whole tenant's consent: the connection goes on by itself.
//!
//! Nobody signs in here, and there is no code to redeem. The link names its connection by a signed `state`; whoever comes back by it,
//! in whatever browser, makes Keyway ask the provider again, and no more than that.

use jiff::SignedDuration;
use oauth::{Action, Callback, Diagnosis, ProviderError, State, Who, is_guid};
use store::{Actor, Connection, ConnectionName};

use crate::Connector;
use crate::error::{CallbackError, Error};

/// A connection that works is asked for again at most this often, however often somebody comes back.
const REST: SignedDuration = SignedDuration::from_mins(1);

impl Connector {
    /// Takes in what an administrator comes back with, proves the connection again, and answers which one it is.
    ///
    /// `None` if this is no administrator who followed a link of ours. Not cancel-safe: spawn it on the tracker.
    pub async fn consented(
        &self,
        path: &str,
        callback: &Callback,
    ) -> Result<Option<ConnectionName>, CallbackError> {
        let store = &self.inner.store;
        let Some(id) = callback
            .state()
            .and_then(|state| store.consents().connection(state))
        else {
            return Ok(None);
        };
        let connection = store
            .connections()
            .find_by_id(&Actor::system(), &id)
            .await?;
        let connection = connection.ok_or(CallbackError::ConnectionChanged)?;
        if self.callback_path(&connection) != path {
            return Err(CallbackError::ConnectionMismatch);
        }
        let tenant = callback.get("tenant");
        if let Some(error) = callback.error() {
            let refused = Some(error.error.as_str());
            store
                .consents()
                .returned(&connection, tenant, refused)
                .await?;
            return Err(self.consent_refused(&connection, error).await?);
        }
        let given = callback
            .get("admin_consent")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if !given {
            return Err(CallbackError::Refused {
                connection: connection.name,
                error: oauth::CallbackError::NoCode,
                diagnosis: None,
            });
        }
        same_tenant(&connection, tenant)?;
        store.consents().returned(&connection, tenant, None).await?;
        self.prove_consent(&connection).await?;
        Ok(Some(connection.name))
    }

    /// Keeps the refusal as the explanation of a connection that does not work.
    async fn consent_refused(
        &self,
        connection: &Connection,
        error: ProviderError,
    ) -> Result<CallbackError, store::Error> {
        let mut diagnosis = Diagnosis::new(
            "consent.refused_by_administrator",
            State::NeedsAdmin,
            "The administrator did not consent for the tenant.",
            "The provider's page for an administrator's consent came back with a refusal.",
            Who::Administrator,
            Action::AdminConsent,
        )
        .with_advice("ask the administrator why, or ask for fewer permissions");
        diagnosis.provider = Some(error);
        self.note_refusal(connection, diagnosis.clone()).await?;
        Ok(CallbackError::ConsentRefused {
            connection: connection.name.clone(),
            diagnosis: Box::new(diagnosis),
        })
    }

    async fn prove_consent(&self, connection: &Connection) -> Result<(), CallbackError> {
        let now = self.clock().now();
        let row = self.inner.store.tokens().read(&connection.id).await?;
        let fresh = row
            .token
            .is_some_and(|token| now.duration_since(token.received_at) < REST);
        if connection.standing.state == State::Ok && fresh {
            return Ok(());
        }
        // Whatever was refused before was refused without this consent.
        self.stand(connection, |standing, _| {
            standing.failing_fingerprint = None;
            standing.retry_at = None;
        })
        .await?;
        self.inner.known.forget(connection);
        match Box::pin(self.prove(&Actor::system(), &connection.name)).await {
            Ok(()) => Ok(()),
            Err(Error::Store(error)) => Err(error.into()),
            // Renamed or deleted at this moment.
            Err(_) => Err(CallbackError::ConnectionChanged),
        }
    }
}

/// Consent in another tenant than the connection's helps nobody; a domain can't be compared with the id that comes back.
fn same_tenant(connection: &Connection, received: Option<&str>) -> Result<(), CallbackError> {
    let expected = connection.settings.tenant.as_deref().unwrap_or_default();
    match received {
        Some(received) if is_guid(expected) && !received.eq_ignore_ascii_case(expected) => {
            Err(CallbackError::OtherTenant {
                connection: connection.name.clone(),
                expected: expected.to_owned(),
            })
        }
        _ => Ok(()),
    }
}
