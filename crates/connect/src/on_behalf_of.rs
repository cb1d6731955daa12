//! Calls in the name of whoever calls us (Entra's on-behalf-of, RFC 8693): their token is exchanged for one to call further.
//!
//! A connection of this kind has no token of its own. What was exchanged is kept in memory, by the hash of the token it was given for,
//! and never stored: two people's tokens can't be mixed up, and a restart forgets them all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use oauth::{Diagnosis, Exchange, Freshness, Grant, Secret, State, TokenError};
use store::{Actor, Authentication, Connection, OAuth, OAuthGrant, OnBehalfOf};
use tokio::time::{Duration, Instant};

use crate::Connector;
use crate::ask::{Asking, count, stored};
use crate::error::CallError;
use crate::failure::{self, Class, TokenFailure, Verdict};
use crate::known::Loaded;
use crate::refresh::{Failed, Held};
use crate::renewal::fingerprint;

/// Most people whose tokens are kept for one connection.
const KEPT: usize = 1_000;
/// How long the same refused token is not tried again.
const REST: Duration = Duration::from_mins(1);
/// No token is stored, so none has a generation.
const NO_GENERATION: i64 = 0;

/// What was exchanged for one person's token.
enum Exchanged {
    Token(Arc<Held>),
    Refused(Refused),
}

/// A person's token that brought none.
struct Refused {
    diagnosis: Box<Diagnosis>,
    since: Instant,
    /// It is their token that is not good; else what is said is about the connection.
    theirs: bool,
}

impl Refused {
    fn tell(&self, loaded: &Loaded) -> CallError {
        let diagnosis = self.diagnosis.clone();
        if self.theirs {
            return CallError::AssertionRefused {
                connection: loaded.named.clone(),
                diagnosis,
            };
        }
        Failed::Diagnosed(diagnosis).into_call_error(loaded)
    }
}

/// One at a time asks for one person's token; the others wait for what comes.
type Place = Arc<tokio::sync::Mutex<Option<Exchanged>>>;

/// The people who call through one connection.
#[derive(Default)]
pub(crate) struct People {
    places: Mutex<HashMap<Vec<u8>, Place>>,
    /// While the provider is in trouble or refuses the client, one person's request is tried for all of them.
    trial: tokio::sync::Mutex<()>,
}

impl People {
    fn place(&self, assertion: &Secret) -> Place {
        let key = digest(&SHA256, assertion.expose().as_bytes())
            .as_ref()
            .to_vec();
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= KEPT && !places.contains_key(&key) {
            // Whoever is asking keeps a hold of their place; the rest asks again.
            places.retain(|_, place| Arc::strong_count(place) > 1);
        }
        Arc::clone(places.entry(key).or_default())
    }

    /// Forgets everybody, after a change of the connection.
    pub(crate) fn forget(&self) {
        self.places
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

impl Connector {
    /// The token for a call in somebody's name; `refused` is one that the API does not take any more.
    pub(crate) async fn token_on_behalf(
        &self,
        loaded: &Arc<Loaded>,
        assertion: Option<&Secret>,
        refused: Option<&Held>,
    ) -> Result<Arc<Held>, CallError> {
        let connection = || loaded.named.clone();
        let assertion = assertion.ok_or_else(|| CallError::AssertionMissing {
            connection: connection(),
        })?;
        let place = loaded.slot.people.place(assertion);
        let mut place = place.lock().await;
        match &*place {
            Some(Exchanged::Token(held))
                if held.freshness(self.clock().now()) != Freshness::Expired
                    && refused.is_none_or(|refused| refused.token != held.token) =>
            {
                return Ok(Arc::clone(held));
            }
            Some(Exchanged::Refused(refused)) if refused.since.elapsed() < REST => {
                return Err(refused.tell(loaded));
            }
            _ => {}
        }
        let connection = self.rested(loaded).await?;
        let _trial = if connection.standing.retry_at.is_some() {
            let trial = loaded.slot.people.trial.lock().await;
            // Whoever was first has found out meanwhile.
            self.rested(loaded).await?;
            Some(trial)
        } else {
            None
        };
        let (outcome, kept) = self.exchange_for(loaded, &connection, assertion).await?;
        *place = kept;
        outcome
    }

    /// The connection as it stands; refused while a request that would fail for everybody must not be repeated.
    async fn rested(&self, loaded: &Loaded) -> Result<Connection, CallError> {
        let connections = self.inner.store.connections();
        let id = &loaded.connection.id;
        let Some(connection) = connections.find_by_id(&Actor::system(), id).await? else {
            return Err(loaded.needs(failure::gone()));
        };
        let mark = fingerprint(&connection, NO_GENERATION);
        match failure::resting(&connection.standing, &mark, self.clock().now()) {
            Some(diagnosis) => Err(Failed::Diagnosed(Box::new(diagnosis)).into_call_error(loaded)),
            None => Ok(connection),
        }
    }

    /// Asks once; answers what to say and what to remember.
    async fn exchange_for(
        &self,
        loaded: &Arc<Loaded>,
        connection: &Connection,
        assertion: &Secret,
    ) -> Result<(Result<Arc<Held>, CallError>, Option<Exchanged>), CallError> {
        let Authentication::OAuth(oauth) = &connection.settings.authentication else {
            return Err(loaded.needs(failure::gone()));
        };
        let asking = Asking::of(connection, oauth, &loaded.trust);
        let asked = match grant(oauth, assertion) {
            Some(Means::Assertion) => {
                let grant = Grant::OnBehalfOf(assertion);
                self.inner
                    .ask_patiently(&asking, &grant, self.clock())
                    .await
            }
            Some(Means::Exchange(exchange)) => {
                let grant = Grant::TokenExchange(&exchange);
                self.inner
                    .ask_patiently(&asking, &grant, self.clock())
                    .await
            }
            None => return Err(loaded.needs(failure::gone())),
        };
        let failure = match asked {
            Ok((token_set, proved)) => {
                count("ok");
                self.stand(connection, |standing, now| {
                    failure::settle(standing, connection, loaded.rules, None, now);
                    failure::learn(standing, connection, proved, now);
                })
                .await?;
                let held = Held::of(&stored(0, token_set, None, None))
                    .ok_or_else(|| loaded.needs(failure::unusable_token()))?;
                return Ok((Ok(Arc::clone(&held)), Some(Exchanged::Token(held))));
            }
            Err(failure) => failure,
        };
        let secrets: Vec<&Secret> = asking.secrets().chain([assertion]).collect();
        let verdict = Verdict::of(&failure, oauth, loaded.rules, &secrets, self.clock().now());
        count(verdict.class.outcome());
        let told = self.note_exchange(connection, &verdict, &failure).await?;
        let refused = Refused {
            diagnosis: Box::new(told),
            since: Instant::now(),
            theirs: is_theirs(&verdict),
        };
        let kept = !concerns_all(&verdict, &failure);
        Ok((
            Err(refused.tell(loaded)),
            kept.then_some(Exchanged::Refused(refused)),
        ))
    }

    /// Notes what a failed exchange says about the connection; answers the diagnosis as it is told.
    ///
    /// What a person's token lacks is that person's affair: the connection stands as it stood.
    async fn note_exchange(
        &self,
        connection: &Connection,
        verdict: &Verdict,
        failure: &TokenFailure,
    ) -> Result<Diagnosis, store::Error> {
        let mut told = verdict.diagnosis.clone();
        if is_theirs(verdict) {
            return Ok(told);
        }
        let all = concerns_all(verdict, failure);
        let mark = fingerprint(connection, NO_GENERATION);
        self.stand(connection, |standing, now| {
            if all {
                told = failure::note(standing, verdict, mark, now);
            } else {
                failure::set(standing, verdict.diagnosis.clone(), now);
            }
        })
        .await?;
        Ok(told)
    }
}

/// Whether it is the person's token that was refused.
fn is_theirs(verdict: &Verdict) -> bool {
    verdict.refused_grant || verdict.diagnosis.state == State::NeedsUser
}

/// Whether everybody's request would fail the same way: the client was refused, or the provider is in trouble.
///
/// `invalid_request` is also what a server says of one person's token (RFC 8693 §2.2.2), and a policy may be against one
/// person alone: such a refusal is remembered for them only.
fn concerns_all(verdict: &Verdict, failure: &TokenFailure) -> bool {
    let invalid_request = matches!(
        failure,
        TokenFailure::Token(TokenError::Refused(error)) if error.error == "invalid_request"
    );
    match verdict.class {
        Class::Throttled | Class::Transient => true,
        Class::Definitive => {
            !is_theirs(verdict) && verdict.diagnosis.state != State::NeedsAdmin && !invalid_request
        }
    }
}

/// How a token is exchanged here.
enum Means<'a> {
    Assertion,
    Exchange(Exchange<'a>),
}

fn grant<'a>(oauth: &'a OAuth, assertion: &'a Secret) -> Option<Means<'a>> {
    match &oauth.grant {
        OAuthGrant::OnBehalfOf(OnBehalfOf::Assertion) => Some(Means::Assertion),
        OAuthGrant::OnBehalfOf(OnBehalfOf::TokenExchange {
            subject_token_type,
            audience,
        }) => Some(Means::Exchange(Exchange {
            subject_token: assertion,
            subject_token_type,
            requested_token_type: Some("urn:ietf:params:oauth:token-type:access_token"),
            audience: audience.as_deref(),
        })),
        _ => None,
    }
}

impl Loaded {
    fn needs(&self, diagnosis: Diagnosis) -> CallError {
        CallError::Needs {
            connection: self.named.clone(),
            diagnosis: Box::new(diagnosis),
        }
    }

    /// Whether each call brings a token.
    pub(crate) fn is_per_call(&self) -> bool {
        matches!(&self.connection.settings.authentication, Authentication::OAuth(oauth) if oauth.grant.is_per_call())
    }
}
