//! The way back from the provider's page (`security.md` §3.2): who may finish, then one exchange.
//!
//! Whatever goes wrong, the state is spent and the connection keeps the tokens that it has.

use oauth::{Callback, Diagnosis, Grant, Secret, State, TokenSet, check_id_token};
use store::{
    Actor, ApiKeyId, Authentication, Connection, ConnectionName, OAuth, PendingAuthorization, Role,
    UserId,
};

use crate::ask::{Asking, Proved, count, hints, stored};
use crate::authorize::may_finish;
use crate::error::CallbackError;
use crate::failure::{self, Verdict, access};
use crate::known::Trip;
use crate::{Connector, preset};

impl Connector {
    /// Finishes a sign-in. Not cancel-safe once the code is on its way: spawn it on the tracker.
    ///
    /// `visitor` is whoever is signed in to Keyway in that browser, if anybody is.
    pub async fn callback(
        &self,
        path: &str,
        browser: Option<&Secret>,
        visitor: Option<&Actor>,
        callback: Callback,
    ) -> Result<ConnectionName, CallbackError> {
        let consented = callback
            .get("admin_consent")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let Some(state) = callback.state() else {
            return Err(if consented && callback.error().is_none() {
                CallbackError::AdminConsented
            } else {
                CallbackError::StateInvalid
            });
        };
        let pending = self
            .inner
            .store
            .authorizations()
            .take(state)
            .await?
            .ok_or(CallbackError::StateInvalid)?;
        let id = pending.connection.clone();
        self.inner.known.trip(&id, Trip::Finishing);
        let outcome = self.finish(path, browser, visitor, callback, pending).await;
        let ended = self.clock().now();
        let trip = match &outcome {
            Ok(_) => Trip::authorized(ended),
            Err(error) => Trip::failed(ended, error.code(), error.to_string()),
        };
        self.inner.known.trip(&id, trip);
        outcome
    }

    async fn finish(
        &self,
        path: &str,
        browser: Option<&Secret>,
        visitor: Option<&Actor>,
        callback: Callback,
        pending: PendingAuthorization,
    ) -> Result<ConnectionName, CallbackError> {
        same_browser(browser, &pending)?;
        if pending.path != path {
            return Err(CallbackError::ConnectionMismatch);
        }
        self.still_allowed(&pending.actor).await?;
        // Whoever began it is signed in here, where that was a person (COSF).
        if !may_finish(&pending.actor, visitor) {
            return Err(CallbackError::SessionMismatch);
        }
        let connection = self
            .inner
            .store
            .connections()
            .find_by_id(&Actor::system(), &pending.connection)
            .await?
            .filter(|connection| connection.version == pending.connection_version)
            .ok_or(CallbackError::ConnectionChanged)?;
        let Authentication::OAuth(oauth) = &connection.settings.authentication else {
            return Err(CallbackError::ConnectionChanged);
        };
        let rules = preset::rules(&connection.settings);
        let nonce = pending.authorization.nonce().map(str::to_owned);
        let actor = pending.actor;
        let accepted = pending.authorization.accept(callback, self.clock().now());
        let code = match accepted {
            Ok(code) => code,
            Err(error) => {
                let diagnosis = matches!(error, oauth::CallbackError::Provider(_))
                    .then(|| oauth::diagnose_callback(&error, rules, access(oauth), &oauth.scope));
                if let Some(diagnosis) = &diagnosis {
                    self.note_refusal(&connection, diagnosis.clone()).await?;
                }
                return Err(CallbackError::Refused {
                    connection: connection.name.clone(),
                    error,
                    diagnosis: diagnosis.map(Box::new),
                });
            }
        };
        let answer = self.exchange(&connection, oauth, &code).await?;
        self.keep_sign_in(&actor, &connection, oauth, answer, nonce.as_deref())
            .await?;
        Ok(connection.name)
    }

    /// The role is asked for now, not when the sign-in was begun.
    pub(crate) async fn still_allowed(&self, actor: &Actor) -> Result<(), CallbackError> {
        let store = &self.inner.store;
        let role = if let Ok(id) = UserId::parse(&actor.id) {
            store
                .users()
                .find(&Actor::system(), &id)
                .await?
                .filter(|user| user.disabled_at.is_none())
                .map(|user| user.role)
        } else if let Ok(id) = ApiKeyId::parse(&actor.id) {
            let now = self.clock().now();
            let key = store.keys().find(&Actor::system(), &id).await?;
            key.filter(|key| key.revoked_at.is_none() && key.expires_at > now)
                .map(|key| key.role)
        } else {
            Some(actor.role)
        };
        match role {
            Some(role) if role >= Role::Operator => Ok(()),
            _ => Err(CallbackError::Forbidden {
                actor: actor.name.clone(),
                needs: Role::Operator,
            }),
        }
    }

    /// Redeems the code, once; a code is never sent a second time after an answer.
    async fn exchange(
        &self,
        connection: &Connection,
        oauth: &OAuth,
        code: &oauth::AuthorizationCode,
    ) -> Result<(TokenSet, Proved), CallbackError> {
        let rules = preset::rules(&connection.settings);
        let trust = self.inner.clouds.trust(&connection.settings);
        let asking = Asking::of(connection, oauth, &trust);
        let asked = self
            .inner
            .ask(&asking, &Grant::AuthorizationCode(code), self.clock())
            .await;
        match asked {
            Ok(answer) => {
                count("ok");
                Ok(answer)
            }
            Err(error) => {
                count("refused");
                let secrets: Vec<&Secret> = asking
                    .secrets()
                    .chain([&code.code, &code.code_verifier])
                    .collect();
                let verdict = Verdict::of(&error, oauth, rules, &secrets, self.clock().now());
                self.note_refusal(connection, verdict.diagnosis.clone())
                    .await?;
                Err(CallbackError::Exchange {
                    connection: connection.name.clone(),
                    diagnosis: Box::new(verdict.diagnosis),
                })
            }
        }
    }

    /// Keeps what a finished sign-in brought, if the ID token belongs to it.
    pub(crate) async fn keep_sign_in(
        &self,
        actor: &Actor,
        connection: &Connection,
        oauth: &OAuth,
        (token_set, proved): (TokenSet, Proved),
        nonce: Option<&str>,
    ) -> Result<(), CallbackError> {
        if let Some(id_token) = &token_set.id_token {
            check_id_token(id_token, nonce, &oauth.client_id).map_err(|error| {
                CallbackError::Refused {
                    connection: connection.name.clone(),
                    error,
                    diagnosis: None,
                }
            })?;
        }
        self.stand(connection, |standing, now| {
            failure::learn(standing, connection, proved, now);
        })
        .await?;
        self.keep_first(actor, connection, token_set).await
    }

    async fn keep_first(
        &self,
        actor: &Actor,
        connection: &Connection,
        token_set: TokenSet,
    ) -> Result<(), CallbackError> {
        let token_set = match token_set {
            token if token.expires_in_assumed && token.refresh_token.is_none() => token.unending(),
            token => token,
        };
        let hints = hints(&token_set);
        let person = hints
            .as_ref()
            .and_then(|hints| hints.username.clone().or_else(|| hints.name.clone()));
        let generation = self
            .inner
            .store
            .tokens()
            .store_first(actor, &connection.id, &token_set, hints.clone())
            .await?;
        self.adopt_instance(connection, &token_set).await?;
        let refresh_token = token_set.refresh_token.clone();
        let token = stored(generation, token_set, refresh_token, hints);
        let rules = preset::rules(&connection.settings);
        self.stand(connection, |standing, now| {
            // Somebody has just agreed: whatever was said about scopes before is over.
            standing.diagnosis = None;
            failure::settle(standing, connection, rules, Some(&token), now);
            standing.authorized_by = person.or_else(|| Some(actor.name.clone()));
            standing.last_failure = None;
        })
        .await?;
        self.inner.known.forget(connection);
        Ok(())
    }

    /// A refused sign-in explains a connection that does not work; one that works stays as it is.
    pub(crate) async fn note_refusal(
        &self,
        connection: &Connection,
        diagnosis: Diagnosis,
    ) -> Result<(), store::Error> {
        if connection.standing.state == State::Ok {
            return Ok(());
        }
        self.stand(connection, |standing, now| {
            failure::set(standing, diagnosis, now);
        })
        .await
    }
}

/// The browser that opened the link.
fn same_browser(
    browser: Option<&Secret>,
    pending: &PendingAuthorization,
) -> Result<(), CallbackError> {
    match (&pending.browser, browser) {
        (Some(hash), Some(nonce)) if hash.matches(nonce) => Ok(()),
        _ => Err(CallbackError::SessionMismatch),
    }
}
