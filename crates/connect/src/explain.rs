//! Why a connection stands as it stands: the card's facts in the order a person asks for them.

use oauth::{Finding, State, Who};
use store::{Actor, Authentication, Connection, ConnectionName, PendingDevice, Waiting};

use crate::advice::Situation;
use crate::card::{Card, Explanation, PendingCard, Raw};
use crate::error::Error;
use crate::known::Trip;
use crate::show::with_offline_access;
use crate::{Connector, preset};

/// The sentences of an explanation.
struct Told {
    what: String,
    why: String,
    who: Who,
    next: String,
    command: Option<String>,
    link: Option<String>,
}

impl Connector {
    /// Explains a connection: what happened, why, who can cure it, and the one thing to do next.
    pub async fn explain(
        &self,
        actor: &Actor,
        name: &ConnectionName,
    ) -> Result<Explanation, Error> {
        let connection = self.find(actor, name).await?;
        let row = self.inner.store.tokens().read(&connection.id).await?;
        let card = self.fill_in(&connection, &row);
        let waiting = self
            .inner
            .store
            .authorizations()
            .pending_for(actor, &connection.id)
            .await?;
        let device = self
            .inner
            .store
            .devices()
            .pending_for(actor, &connection.id)
            .await?;
        let redirect_uri = self.callback_url(&self.callback_path(&connection));
        let admin_consent = self.admin_consent(&connection);
        let situation = Situation {
            connection: &connection,
            redirect_uri: Some(&redirect_uri),
            admin_consent: admin_consent.as_ref(),
            renewable: row
                .token
                .as_ref()
                .is_some_and(|token| token.refresh_token.is_some()),
            now: self.clock().now(),
        };
        let told = told(&card, &connection, &situation, waiting.as_ref());
        let trip = self.inner.known.last_trip(&connection.id);
        let pending = device
            .as_ref()
            .map(typed_elsewhere)
            .or_else(|| pending(waiting.as_ref(), trip.as_ref(), &situation));
        let provider = card
            .diagnosis
            .as_ref()
            .and_then(|diagnosis| diagnosis.provider.clone());
        Ok(Explanation {
            state: card.state,
            what: told.what,
            why: told.why,
            who: told.who.as_text().to_owned(),
            next: told.next,
            command: told.command,
            link: told.link,
            raw: Raw {
                aadsts: provider
                    .as_ref()
                    .and_then(oauth::ProviderError::aadsts)
                    .map(|code| format!("AADSTS{code}")),
                trace_id: provider.as_ref().and_then(|error| error.trace_id.clone()),
                correlation_id: provider
                    .as_ref()
                    .and_then(|error| error.correlation_id.clone()),
                provider,
                last_call_failure: connection.standing.last_failure.clone(),
                retry_at: connection.standing.retry_at,
            },
            pending_authorization: pending,
            last_authorization: match trip {
                Some(Trip::Ended(ended)) => Some(ended),
                Some(Trip::Finishing) | None => None,
            },
            connection: card,
        })
    }
}

fn pending(
    waiting: Option<&Waiting>,
    trip: Option<&Trip>,
    situation: &Situation<'_>,
) -> Option<PendingCard> {
    let redirect_uri = situation.redirect_uri.map(ToString::to_string);
    match (waiting, trip) {
        (Some(waiting), _) => Some(PendingCard {
            begun_at: waiting.begun_at,
            expires_at: waiting.expires_at,
            redirect_uri,
            verification_uri: None,
        }),
        // The row is gone as the code is exchanged, and still it is not over.
        (None, Some(Trip::Finishing)) => Some(PendingCard {
            begun_at: situation.now,
            expires_at: situation.now,
            redirect_uri,
            verification_uri: None,
        }),
        (None, _) => None,
    }
}

/// Without the code: it is for whoever began the sign-in.
fn typed_elsewhere(pending: &PendingDevice) -> PendingCard {
    PendingCard {
        begun_at: pending.device.begun_at,
        expires_at: pending.device.expires_at,
        redirect_uri: None,
        verification_uri: Some(pending.device.verification_uri.to_string()),
    }
}

fn told(
    card: &Card,
    connection: &Connection,
    situation: &Situation<'_>,
    waiting: Option<&Waiting>,
) -> Told {
    if card.state == State::Unreadable {
        return finding(Finding::Unreadable, connection, situation);
    }
    // Somebody went to the provider's page and has not come back: that page knows why.
    let gone = waiting.is_some_and(|waiting| waiting.started_at.is_some());
    let unexplained = card
        .diagnosis
        .as_ref()
        .is_none_or(|diagnosis| diagnosis.code == "authorization.never");
    if gone && unexplained && card.state == State::NeverAuthorized {
        return finding(Finding::AuthorizationAbandoned, connection, situation);
    }
    if let Some(diagnosis) = &card.diagnosis {
        return Told {
            what: diagnosis.what.clone(),
            why: diagnosis.why.clone(),
            who: diagnosis.who,
            next: diagnosis.next.clone(),
            command: diagnosis.command.clone(),
            link: diagnosis.link.clone(),
        };
    }
    if let Some(told) = refused_call(connection, situation) {
        return told;
    }
    if let Some(told) = no_refresh_token(card, connection, situation) {
        return told;
    }
    let (next, command) = situation.try_it();
    Told {
        what: "The connection works.".to_owned(),
        why: match &card.token {
            Some(token) => format!("It holds a token until {}.", token.expires_at),
            None => "Its credential is stored and is sent with each call.".to_owned(),
        },
        who: Who::Nobody,
        next,
        command,
        link: None,
    }
}

fn finding(finding: Finding, connection: &Connection, situation: &Situation<'_>) -> Told {
    let scope = match &connection.settings.authentication {
        Authentication::OAuth(oauth) => oauth.scope.clone(),
        _ => oauth::Scope::default(),
    };
    let rules = preset::rules(&connection.settings);
    let advice = situation.advise(&oauth::diagnose_finding(finding, rules, &scope));
    Told {
        what: advice.what,
        why: advice.why,
        who: advice.who,
        next: advice.next,
        command: advice.command,
        link: advice.link,
    }
}

/// The connection is fine, but the API refused the last call.
fn refused_call(connection: &Connection, situation: &Situation<'_>) -> Option<Told> {
    let failure = connection.standing.last_failure.as_ref()?;
    let code = failure.code.as_deref().unwrap_or("no code");
    let id = failure.request_id.as_deref().unwrap_or("none given");
    let what = format!(
        "The API refused {} {} with {} ({code}).",
        failure.method, failure.path, failure.status
    );
    let message = failure.message.as_deref().unwrap_or("no message");
    if failure.status == 403 {
        let (next, command, link) = situation.after_forbidden();
        return Some(Told {
            what,
            why: format!(
                "The token is valid but lacks a permission, or the person does: \"{message}\" (request id {id})."
            ),
            who: Who::Administrator,
            next,
            command,
            link,
        });
    }
    let command = format!("keyway connection test {}", connection.name);
    Some(Told {
        what,
        why: format!(
            "The API does not accept the credential, though it was renewed if it could be: \"{message}\" (request id {id})."
        ),
        who: Who::You,
        next: format!("check that scope and base URL belong to the same API; then run `{command}`"),
        command: Some(command),
        link: None,
    })
}

/// It works today, and will stop when the token ends.
fn no_refresh_token(
    card: &Card,
    connection: &Connection,
    situation: &Situation<'_>,
) -> Option<Told> {
    let Authentication::OAuth(oauth) = &connection.settings.authentication else {
        return None;
    };
    let token = card.token.as_ref().filter(|token| !token.refresh_token)?;
    if !oauth.grant.is_delegated() {
        return None;
    }
    let rules = preset::rules(&connection.settings);
    if situation.since_ended(token.expires_at) {
        return Some(finding(Finding::NoRefreshToken, connection, situation));
    }
    let scope = with_offline_access(&oauth.scope, rules)?;
    let (next, command) = situation.add_offline_access(&scope);
    Some(Told {
        what: format!(
            "The connection works until {}, then somebody must sign in again.",
            token.expires_at
        ),
        why: "The scope does not ask for offline_access, so no refresh token came.".to_owned(),
        who: Who::You,
        next,
        command,
        link: None,
    })
}
