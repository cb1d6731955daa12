//! Making a connection: check, save, then prove. It never fails because of what a provider answers.

use oauth::{Action, Diagnosis, Finding, State, Who};
use store::{
    Actor, Authentication, Connection, ConnectionName, NewConnection as NewRow, OAuthGrant,
    Standing,
};

use crate::ask::missing;
use crate::belongs;
use crate::card::Card;
use crate::check::Kept;
use crate::credential::Credential;
use crate::error::Error;
use crate::failure;
use crate::form::{Form, NewConnection, Proof};
use crate::refresh::{Held, Need};
use crate::{Connector, preset};

impl Connector {
    /// Saves a new connection, then proves it if asked.
    pub async fn create(
        &self,
        actor: &Actor,
        new: NewConnection,
        proof: Proof,
    ) -> Result<Card, Error> {
        let name = name(&new)?;
        if self
            .inner
            .store
            .connections()
            .find(actor, &name)
            .await?
            .is_some()
        {
            return Err(Error::NameTaken {
                name: name.to_string(),
            });
        }
        belongs::check(&new, None)?;
        let new = new.unpacked().await?;
        let checked = self
            .checked((actor, name.as_str()), new, Kept::default())
            .await?;
        let row = NewRow {
            name: name.clone(),
            settings: checked.settings,
            secrets: checked.secrets,
        };
        let connection = self
            .inner
            .store
            .connections()
            .add(actor, row)
            .await
            .map_err(|error| Error::of_store(error, &name))?;
        self.stand_first(&connection).await?;
        if proof == Proof::Now {
            Box::pin(self.prove(actor, &connection.name)).await?;
        }
        let mut card = self.card(actor, &connection.name).await?;
        checked.told.on(&mut card);
        Ok(card)
    }

    /// Notes how a new connection stands before anything was tried with it.
    pub(crate) async fn stand_first(&self, connection: &Connection) -> Result<(), store::Error> {
        self.stand(connection, |standing, now| {
            *standing = first_standing(connection, now);
        })
        .await
    }

    /// Proves a connection again: asks the API for something harmless with the credential or token at hand. A token is
    /// obtained only where there is no live one, where the connection does not stand well, or after a 401, once.
    pub async fn test(&self, actor: &Actor, name: &ConnectionName) -> Result<Card, Error> {
        let connection = self.find(actor, name).await?;
        if !self.is_live(&connection).await? {
            Box::pin(self.prove(actor, name)).await?;
        }
        let tested = Box::pin(self.probe(actor, name)).await?;
        let mut card = self.card(actor, name).await?;
        card.tested = tested;
        Ok(card)
    }

    /// Whether there is a token to try, and nothing that only a new one could cure or show: trouble, a permission that
    /// lacked, or which of two secrets works.
    async fn is_live(&self, connection: &Connection) -> Result<bool, Error> {
        let standing = &connection.standing;
        let doubted = standing.state != State::Ok
            || standing.last_failure.is_some()
            || connection.settings.older_secret.is_some();
        if doubted {
            return Ok(false);
        }
        let row = self.inner.store.tokens().read(&connection.id).await?;
        let held = row.token.as_ref().and_then(Held::of);
        let now = self.clock().now();
        Ok(held.is_some_and(|held| held.freshness(now) != oauth::Freshness::Expired))
    }

    /// Tries a connection out; what comes of it is in its standing.
    pub(crate) async fn prove(&self, actor: &Actor, name: &ConnectionName) -> Result<(), Error> {
        let connection = self.find(actor, name).await?;
        let Authentication::OAuth(oauth) = &connection.settings.authentication else {
            let secrets = connection.secrets.as_ref();
            match Credential::new(&connection.settings.authentication, secrets) {
                Ok(_) => self.note_readable(&connection).await?,
                Err(unusable) => drop(self.note_unusable(&connection, unusable).await?),
            }
            return Ok(());
        };
        if let Some(finding) = missing(&connection, oauth) {
            return self
                .stand(&connection, |standing, now| {
                    let finding = if connection.secrets.is_some() {
                        finding
                    } else {
                        Finding::Unreadable
                    };
                    let rules = preset::rules(&connection.settings);
                    failure::set(
                        standing,
                        oauth::diagnose_finding(finding, rules, &oauth.scope),
                        now,
                    );
                })
                .await
                .map_err(Error::Store);
        }
        let row = self.inner.store.tokens().read(&connection.id).await?;
        if oauth.grant.is_per_call() {
            // Without somebody's token there is nothing to try.
            return Ok(());
        }
        let renewable = !oauth.grant.is_delegated()
            || row.token.is_some_and(|token| token.refresh_token.is_some());
        if !renewable {
            if matches!(oauth.grant, OAuthGrant::AuthorizationCode { .. }) {
                self.preflight(&connection).await?;
            } else {
                self.wait_for_sign_in(&connection, oauth).await?;
            }
            return Ok(());
        }
        let loaded = match self.loaded(actor, name).await {
            Ok(loaded) => loaded,
            Err(crate::CallError::Store(error)) => return Err(Error::Store(error)),
            Err(_) => return Ok(()),
        };
        match self.token(&loaded, Need::Renewed).await {
            Err(crate::refresh::Failed::Store(error)) => Err(Error::Store(error)),
            // The standing holds the diagnosis.
            Ok(_) | Err(crate::refresh::Failed::Diagnosed(_)) => Ok(()),
        }
    }
}

/// The name that a form gives.
pub(crate) fn name(form: &Form) -> Result<ConnectionName, Error> {
    parse_name(form.name.as_deref().unwrap_or_default())
}

/// A name, by the rules for names.
pub(crate) fn parse_name(text: &str) -> Result<ConnectionName, Error> {
    let name = ConnectionName::parse(text).map_err(|_| {
        Error::invalid(
            "connection.name_invalid",
            "/name",
            "a name has 1 to 64 letters, digits, dots, underscores or hyphens, and begins with a letter or digit",
        )
    })?;
    not_reserved(&name)?;
    Ok(name)
}

/// The console has a page of this name among those of connections.
const RESERVED: &str = "new";

/// Refuses a name that no connection can be opened by.
pub(crate) fn not_reserved(name: &ConnectionName) -> Result<(), Error> {
    if !name.as_str().eq_ignore_ascii_case(RESERVED) {
        return Ok(());
    }
    Err(Error::invalid(
        "connection.name_reserved",
        "/name",
        format!(
            "the name \"{name}\" is reserved: the console has its page for new connections there; choose another"
        ),
    ))
}

/// How a connection stands before anything was tried with it.
pub(crate) fn first_standing(connection: &Connection, now: jiff::Timestamp) -> Standing {
    let mut standing = Standing::new(State::Ok, now);
    let settings = &connection.settings;
    let rules = preset::rules(settings);
    let lacks = |slot: &str| {
        connection
            .secrets
            .as_ref()
            .is_none_or(|secrets| secrets.get(slot).is_none())
    };
    let finding = match &settings.authentication {
        Authentication::OAuth(oauth) => missing(connection, oauth).or_else(|| {
            if oauth.grant.is_delegated() {
                return Some(Finding::NeverAuthorized);
            }
            if oauth.grant.is_per_call() {
                return None;
            }
            failure::set(&mut standing, never_tried(), now);
            None
        }),
        Authentication::None => None,
        Authentication::Basic { .. } => lacks("password").then_some(Finding::SecretMissing),
        Authentication::Bearer => lacks("token").then_some(Finding::SecretMissing),
        Authentication::QueryKey { .. } => lacks("query_key").then_some(Finding::SecretMissing),
        Authentication::Headers { names } => names
            .iter()
            .any(|name| lacks(&format!("header:{name}")))
            .then_some(Finding::SecretMissing),
    };
    if let Some(finding) = finding {
        let scope = match &settings.authentication {
            Authentication::OAuth(oauth) => oauth.scope.clone(),
            _ => oauth::Scope::default(),
        };
        failure::set(
            &mut standing,
            oauth::diagnose_finding(finding, rules, &scope),
            now,
        );
    }
    standing
}

/// An app-only connection that was saved without being proved.
fn never_tried() -> Diagnosis {
    Diagnosis::new(
        "token.never",
        State::NeverAuthorized,
        "No token has been obtained yet.",
        "The connection was saved without being tried out.",
        Who::You,
        Action::Retry,
    )
    .with_advice("try it out; the first call does so too")
}
