//! Where an account's API is, if the provider says so with the token (Salesforce: `instance_url`).
//!
//! It becomes the base URL once, and only where the connection's secret may go anyway: an origin that somebody listed, or the site
//! that tokens come from. A provider can't send a connection elsewhere afterwards.

use oauth::TokenSet;
use store::{Actor, Connection, Edit, Origin, PresetName, Settings, WipeTokens};
use url::Url;

use crate::Connector;
use crate::preset::generic::{parse_url, same_site};

impl Connector {
    /// Takes over what a token answer says of the API's address.
    pub(crate) async fn adopt_instance(
        &self,
        connection: &Connection,
        token_set: &TokenSet,
    ) -> Result<(), store::Error> {
        let settings = &connection.settings;
        let Some(told) = token_set
            .instance_url
            .as_ref()
            .filter(|_| wants_one(settings))
        else {
            return Ok(());
        };
        let allowed = parse_url(self.inner.http.policy(), "/base_url", told.as_str()).is_ok()
            && may_be_called(settings, told);
        if !allowed {
            tracing::warn!(connection = %connection.id, "the provider named an address that the connection may not call");
            return Ok(());
        }
        let edit = Edit {
            name: None,
            settings: Settings {
                base_url: Some(told.clone()),
                ..settings.clone()
            },
            secrets: None,
            standing: None,
            tokens: WipeTokens::Keep,
        };
        let saved = self
            .inner
            .store
            .connections()
            .save(&Actor::system(), &connection.id, connection.version, edit)
            .await;
        match saved {
            // Somebody changes it at this moment: the next token says it again.
            Err(store::Error::Version { .. }) => Ok(()),
            other => other.map(drop),
        }
    }
}

/// Whether the address of the API is still to be learned.
pub(crate) fn wants_one(settings: &Settings) -> bool {
    settings.preset == PresetName::Salesforce && settings.base_url.is_none()
}

fn may_be_called(settings: &Settings, told: &Url) -> bool {
    let listed = Origin::of(told).is_some_and(|origin| settings.origins.contains(&origin));
    let store::Authentication::OAuth(oauth) = &settings.authentication else {
        return false;
    };
    listed || same_site(&oauth.token_endpoint, told)
}
