//! Calls in the name of whoever calls us (Entra's on-behalf-of, RFC 8693): their token is exchanged for one to call further.
//!
//! A connection of this kind has no token of its own. What was exchanged is kept in memory, by the hash of the token it was given for,
//! and never stored: two people's tokens can't be mixed up, and a restart forgets them all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use oauth::{Diagnosis, Exchange, Freshness, Grant, Secret, State};
use store::{Authentication, OAuth, OAuthGrant, OnBehalfOf};
use tokio::time::{Duration, Instant};

use crate::Connector;
use crate::ask::{Asking, count, stored};
use crate::error::CallError;
use crate::failure::{self, Class, Verdict};
use crate::known::Loaded;
use crate::refresh::Held;

/// Most people whose tokens are kept for one connection.
const KEPT: usize = 1_000;
/// How long the same refused token is not tried again.
const REST: Duration = Duration::from_mins(1);

/// What was exchanged for one person's token.
enum Exchanged {
    Token(Arc<Held>),
    Refused(Box<Diagnosis>, Instant),
}

/// One at a time asks for one person's token; the others wait for what comes.
type Place = Arc<tokio::sync::Mutex<Option<Exchanged>>>;

/// The people who call through one connection.
#[derive(Default)]
pub(crate) struct People(Mutex<HashMap<Vec<u8>, Place>>);

impl People {
    fn place(&self, assertion: &Secret) -> Place {
        let key = digest(&SHA256, assertion.expose().as_bytes())
            .as_ref()
            .to_vec();
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= KEPT && !places.contains_key(&key) {
            // Whoever is asking keeps a hold of their place; the rest asks again.
            places.retain(|_, place| Arc::strong_count(place) > 1);
        }
        Arc::clone(places.entry(key).or_default())
    }

    /// Forgets everybody, after a change of the connection.
    pub(crate) fn forget(&self) {
        self.0
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
            Some(Exchanged::Refused(diagnosis, since)) if since.elapsed() < REST => {
                return Err(CallError::AssertionRefused {
                    connection: connection(),
                    diagnosis: diagnosis.clone(),
                });
            }
            _ => {}
        }
        let (outcome, kept) = self.exchange_for(loaded, assertion).await?;
        *place = kept;
        outcome
    }

    /// Asks once; answers what to say and what to remember.
    async fn exchange_for(
        &self,
        loaded: &Arc<Loaded>,
        assertion: &Secret,
    ) -> Result<(Result<Arc<Held>, CallError>, Option<Exchanged>), CallError> {
        let connection = &loaded.connection;
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
        count("refused");
        let secrets: Vec<&Secret> = asking.secrets().chain([assertion]).collect();
        let now = self.clock().now();
        let verdict = Verdict::of(&failure, oauth, loaded.rules, &secrets, now);
        let diagnosis = Box::new(verdict.diagnosis.clone());
        // What a person's token lacks is that person's affair; the connection stands as it stood.
        if verdict.refused_grant || diagnosis.state == State::NeedsUser {
            let refused = CallError::AssertionRefused {
                connection: loaded.named.clone(),
                diagnosis: diagnosis.clone(),
            };
            return Ok((
                Err(refused),
                Some(Exchanged::Refused(diagnosis, Instant::now())),
            ));
        }
        if verdict.class == Class::Definitive {
            self.stand(connection, |standing, now| {
                failure::set(standing, verdict.diagnosis.clone(), now);
            })
            .await?;
        }
        let failed = crate::refresh::Failed::Diagnosed(diagnosis);
        Ok((Err(failed.into_call_error(loaded)), None))
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
