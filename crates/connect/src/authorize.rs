//! Beginning a sign-in: a one-time ticket for the browser, the provider's page behind it.
//!
//! The ticket carries whoever began it. A person who began it in the console finishes it in a browser where that person
//! is signed in to Keyway; what began by the command line or an API key needs no session there.

use jiff::Timestamp;
use oauth::{Authorization, AuthorizationSetup, Diagnosis, Entropy, Secret};
use serde::Serialize;
use store::{
    Actor, Authentication, Connection, ConnectionName, OAuth, OAuthGrant, PendingAuthorization,
    UserId,
};
use url::Url;

use crate::ask::{demand, fill, missing};
use crate::device::UserCode;
use crate::error::{CallbackError, Error};
use crate::{Connector, preset};

/// A sign-in that was begun.
#[derive(Debug, Clone, Serialize)]
pub struct Started {
    /// The page to open: `{public_url}/oauth/start/{ticket}`, or the provider's page for codes.
    pub url: Url,
    /// Until when.
    pub expires_at: Timestamp,
    /// What the provider's page already says against it.
    pub diagnosis: Option<Diagnosis>,
    /// What to type on that page, where that is how the sign-in works.
    pub device: Option<UserCode>,
}

impl Connector {
    /// Begins a sign-in; asks the provider's page first, because some refusals never come back.
    pub async fn authorize(&self, actor: &Actor, name: &ConnectionName) -> Result<Started, Error> {
        let connection = self.find(actor, name).await?;
        let Authentication::OAuth(oauth) = &connection.settings.authentication else {
            return Err(Error::NotAuthorizable {
                name: name.to_string(),
                why: "its authentication type has no sign-in",
            });
        };
        if !oauth.grant.is_delegated() {
            return Err(nobody_signs_in(name));
        }
        if connection.secrets.is_none() {
            return Err(Error::Unreadable {
                name: name.to_string(),
            });
        }
        if missing(&connection, oauth).is_some() {
            let signs = oauth.client_authentication.assertion_form().is_some();
            let (field, what, option) = if signs {
                ("/certificate", "certificate", "--certificate-file")
            } else {
                ("/client_secret", "client secret", "--client-secret-file")
            };
            return Err(Error::Invalid {
                code: "connection.needs_secret",
                field: field.to_owned(),
                message: format!(
                    "connection \"{name}\" has no {what}, without which a sign-in can't be finished"
                ),
                hint: Some(format!("`keyway connection change {name} {option} FILE`")),
            });
        }
        if let OAuthGrant::DeviceCode {
            device_authorization_endpoint: endpoint,
            parameters,
        } = &oauth.grant
        {
            return self
                .authorize_by_device(actor, &connection, oauth, endpoint, parameters)
                .await;
        }
        self.authorize_in_browser(actor, &connection, oauth).await
    }

    async fn authorize_in_browser(
        &self,
        actor: &Actor,
        connection: &Connection,
        oauth: &OAuth,
    ) -> Result<Started, Error> {
        let diagnosis = self.preflight(connection).await?;
        let (authorization, url) = self.begin(connection, oauth)?;
        let expires_at = authorization.expires_at();
        let pending = PendingAuthorization {
            connection: connection.id.clone(),
            connection_version: connection.version,
            actor: actor.clone(),
            authorization,
            path: self.callback_path(connection),
            browser: None,
        };
        self.inner.known.trip_begun(&connection.id);
        let ticket = self
            .inner
            .store
            .authorizations()
            .begin(actor, pending, url)
            .await?;
        Ok(Started {
            url: self.start_url(&ticket),
            expires_at,
            diagnosis,
            device: None,
        })
    }

    /// Spends a ticket: binds the browser and answers the provider's page.
    ///
    /// `visitor` is whoever is signed in to Keyway in that browser, if anybody is. The link of a person who is not is
    /// refused and stays as it is.
    pub async fn start(
        &self,
        ticket: &Secret,
        browser: &Secret,
        visitor: Option<&Actor>,
    ) -> Result<Url, CallbackError> {
        let authorizations = self.inner.store.authorizations();
        let began = authorizations
            .begun_by(ticket)
            .await?
            .ok_or(CallbackError::TicketInvalid)?;
        // Told before the ticket is spent, so that the link still works once that person is signed in (COSF).
        if !may_finish(&began, visitor) {
            return Err(CallbackError::SessionMissing { person: began.name });
        }
        authorizations
            .start(ticket, browser)
            .await?
            .ok_or(CallbackError::TicketInvalid)
    }

    /// An authorization with its URL; nothing is stored.
    pub(crate) fn begin(
        &self,
        connection: &Connection,
        oauth: &OAuth,
    ) -> Result<(Authorization, Url), Error> {
        let OAuthGrant::AuthorizationCode {
            authorization_endpoint,
            parameters,
        } = &oauth.grant
        else {
            return Err(nobody_signs_in(&connection.name));
        };
        let mut parameters = parameters.clone();
        // A claims challenge (multi-factor, conditional access) is answered where a person is.
        let claims = connection
            .standing
            .diagnosis
            .as_ref()
            .and_then(|diagnosis| diagnosis.provider.as_ref()?.claims.clone())
            .or_else(|| connection.standing.claims.clone());
        let announces = preset::entra::announces(&connection.settings);
        demand(&mut parameters, claims.as_deref(), announces);
        let setup = AuthorizationSetup {
            authorization_endpoint: authorization_endpoint.clone(),
            client_id: oauth.client_id.clone(),
            redirect_uri: self.callback_url(&self.callback_path(connection)),
            scope: oauth.scope.clone(),
            issuer: oauth.issuer.clone(),
            iss_required: oauth.iss_required,
            parameters,
        };
        let mut bytes = [0; 96];
        fill(&mut bytes);
        Ok(Authorization::begin(
            &setup,
            self.clock().now(),
            Entropy::new(bytes),
        ))
    }

    fn start_url(&self, ticket: &Secret) -> Url {
        let mut url = self.inner.config.public_url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/oauth/start/{}", ticket.expose()));
        url.set_query(None);
        url.set_fragment(None);
        url
    }

    /// The page where an administrator consents for the whole tenant, where there is one.
    pub(crate) fn admin_consent(&self, connection: &Connection) -> Option<Url> {
        let settings = &connection.settings;
        let Authentication::OAuth(oauth) = &settings.authentication else {
            return None;
        };
        if preset::rules(settings) != oauth::ScopeRule::Entra {
            return None;
        }
        let redirect_uri = self.callback_url(&self.callback_path(connection));
        let cloud = match self.inner.clouds.of(settings) {
            Some(cloud) => cloud,
            None => preset::EntraCloud::at(&oauth.token_endpoint),
        };
        let (tenant, _) = preset::entra::tenant_of(&oauth.token_endpoint)?;
        let state = self.inner.store.consents().state(&connection.id);
        Some(cloud.admin_consent(
            &tenant,
            oauth.client_id.as_str(),
            &redirect_uri,
            state.expose(),
        ))
    }
}

/// Whether this visitor may go on with what `began` asked for: a person's sign-in is that person's alone.
pub(crate) fn may_finish(began: &Actor, visitor: Option<&Actor>) -> bool {
    !began.id.starts_with(UserId::PREFIX) || visitor.is_some_and(|visitor| visitor.id == began.id)
}

fn nobody_signs_in(name: &ConnectionName) -> Error {
    Error::NotAuthorizable {
        name: name.to_string(),
        why: "the app itself calls, nobody signs in",
    }
}
