//! Revoking a deleted connection's token at its provider (RFC 7009), where the preset knows how or the provider's metadata offers that.
//!
//! Best effort: the connection is gone by then, and a provider that does not answer brings nothing back.

use std::time::Duration;

use oauth::Secret;
use serde::Serialize;
use store::{Authentication, Connection, OAuth, StoredToken};
use url::Url;

use crate::ask::Asking;
use crate::error::Error;
use crate::http::Certificates;
use crate::preset::generic;
use crate::preset::provider::{self, Place};
use crate::{Connector, discovery};

/// How long the provider has to answer all questions.
const LIMIT: Duration = Duration::from_secs(10);

/// What became of a deleted connection's token at its provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Revocation {
    /// There was no token.
    NoToken,
    /// The provider offers no revocation, so the token ends by itself.
    NotOffered,
    /// The provider says that it is of no use any more.
    Revoked,
    /// The provider was asked and did not do it.
    Failed {
        /// Why.
        why: String,
    },
}

impl Connector {
    /// Revokes a token of a connection that was deleted.
    pub(crate) async fn revoke(
        &self,
        connection: &Connection,
        token: Option<StoredToken>,
    ) -> Revocation {
        let (Authentication::OAuth(oauth), Some(token)) =
            (&connection.settings.authentication, token)
        else {
            return Revocation::NoToken;
        };
        let token = token.refresh_token.unwrap_or(token.access_token);
        let asked = self.revoke_unhurried(connection, oauth, &token);
        match tokio::time::timeout(LIMIT, asked).await {
            Ok(outcome) => outcome,
            Err(_) => Revocation::Failed {
                why: "the provider did not answer in time".to_owned(),
            },
        }
    }

    async fn revoke_unhurried(
        &self,
        connection: &Connection,
        oauth: &OAuth,
        token: &Secret,
    ) -> Revocation {
        let trust = self.inner.clouds.trust(&connection.settings);
        let failed = |why: String| Revocation::Failed { why };
        let endpoint = match self.revocation_endpoint(connection, oauth, &trust).await {
            Ok(Some(endpoint)) => endpoint,
            Ok(None) => return Revocation::NotOffered,
            Err(error) => return failed(error.to_string()),
        };
        // Secret and token go where tokens came from, whatever a document says by now.
        if !generic::same_site(&endpoint, &oauth.token_endpoint) {
            return failed("its revocation endpoint is on another site".to_owned());
        }
        let asking = Asking::of(connection, oauth, &trust);
        let asked = self
            .inner
            .ask_to_revoke(&asking, &endpoint, token, self.clock());
        match asked.await {
            Ok(()) => Revocation::Revoked,
            Err(error) => failed(error.to_string()),
        }
    }

    /// Where tokens are revoked: where the preset knows, else where the issuer's metadata say.
    async fn revocation_endpoint(
        &self,
        connection: &Connection,
        oauth: &OAuth,
        trust: &Certificates,
    ) -> Result<Option<Url>, Error> {
        let preset = provider::of(connection.settings.preset).map(|provider| &provider.place);
        if let Some(Place::Known(known)) = preset {
            return Ok(known.revocation(&oauth.token_endpoint));
        }
        let issuer = oauth.issuer.as_deref();
        let Some(issuer) = issuer.and_then(|text| Url::parse(text).ok()) else {
            return Ok(None);
        };
        let metadata = discovery::discover(&self.inner.http, trust, &issuer).await?;
        let offered = metadata.revocation_endpoint.as_deref();
        Ok(offered.and_then(|text| Url::parse(text).ok()))
    }
}
