//! One call through a connection, answered in whole.
//!
//! Resolve the target, judge it, get a token, attach the credential, send with its redirects (`follow.rs`),
//! renew once on 401, send again what may pass by itself (`retry.rs`). Streaming is `forward.rs`.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use oauth::{Diagnosis, Finding, Secret, State};
use store::{Actor, CallFailure, Clock, Connection, ConnectionName};
use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

use crate::ask::fill;
use crate::attempt::{Trail, Why};
use crate::budget::complaint;
use crate::credential::Credential;
use crate::error::CallError;
use crate::failure;
use crate::fetched::{Answer, Fetched};
use crate::follow::{Bounds, Stopped, Way};
use crate::http::{Incoming, Outgoing, SendError, accept_encodings, host_of};
use crate::known::{Loaded, Unusable};
use crate::message::{ApiRequest, ApiResponse, Redirects, class_of, error_of, headers_and_body};
use crate::probe::is_refused;
use crate::refresh::{Held, Need};
use crate::retry::{Ended, PATIENCE, Retries};
use crate::room::Full;
use crate::target::Reach;
use crate::{Connector, preset};

/// How often the same refusal of an API is noted in the standing.
const NOTE_AGAIN: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

/// A token that an API refused.
#[derive(Clone, Copy)]
pub(crate) struct Refusal<'a> {
    /// Whose token the call was made for, where each call brings its own.
    pub(crate) person: Option<&'a Secret>,
    /// What the API said, where it said something.
    pub(crate) headers: Option<&'a HeaderMap>,
}

impl Connector {
    /// Calls an API through a connection; every answer with a status is `Ok`.
    #[tracing::instrument(name = "call", skip_all, fields(connection = %name, actor = actor.id))]
    pub async fn call(
        &self,
        actor: &Actor,
        name: &ConnectionName,
        request: ApiRequest,
    ) -> Result<ApiResponse, CallError> {
        let fetched = self.fetch(actor, name, request).await?;
        Ok(fetched.into_response())
    }

    /// Sends a request, renews once on 401, takes the whole answer in, and counts it.
    pub(crate) async fn fetch(
        &self,
        actor: &Actor,
        name: &ConnectionName,
        request: ApiRequest,
    ) -> Result<Fetched, CallError> {
        let outcome = self.fetch_uncounted(actor, name, request).await;
        let label = match &outcome {
            Ok(fetched) => class_of(fetched.status.as_u16()),
            Err(error) => {
                self.audit_call(actor, error).await;
                error.code()
            }
        };
        metrics::counter!("keyway_calls_total", "outcome" => label).increment(1);
        outcome
    }

    async fn fetch_uncounted(
        &self,
        actor: &Actor,
        name: &ConnectionName,
        request: ApiRequest,
    ) -> Result<Fetched, CallError> {
        let method = request.method.clone();
        let fetched = self.fetch_unnoted(actor, name, request).await?;
        self.note_call(&method, &fetched).await;
        Ok(fetched)
    }

    /// The same, with nothing noted of what the API says.
    pub(crate) async fn fetch_unnoted(
        &self,
        actor: &Actor,
        name: &ConnectionName,
        request: ApiRequest,
    ) -> Result<Fetched, CallError> {
        let loaded = self.loaded(actor, name).await?;
        let reach = loaded.reach();
        let url = reach.resolve(&request.target, &request.query)?;
        self.inner
            .http
            .policy()
            .check(&url)
            .map_err(|refused| loaded.upstream(refused.into()))?;
        let (mut headers, body) = headers_and_body(&loaded.named, &request)?;
        accept_encodings(&mut headers);
        let bare = Outgoing {
            method: request.method.clone(),
            url,
            headers,
            body,
        };
        let call = Call {
            bare,
            on_behalf_of: request.on_behalf_of,
            redirects: request.redirects,
            retries: request.retries.unwrap_or_default(),
            begun: Instant::now(),
            timeout: request.timeout,
            deadline: Instant::now() + self.inner.http.timeouts.of_call(request.timeout),
        };
        self.answer(loaded, &call).await
    }

    /// Sends a call until there is an answer to give back.
    async fn answer(&self, loaded: Arc<Loaded>, call: &Call) -> Result<Fetched, CallError> {
        let person = call.on_behalf_of.as_ref();
        let mut held = self.token_for_call(&loaded, Need::Valid, person).await?;
        let mut trail = Trail::new(call.begun);
        let mut kept = None;
        let answer = loop {
            let outcome = self
                .attempt(&loaded, held.as_deref(), call, &mut trail)
                .await;
            let refused = matches!(&outcome, Ok(answer) if answer.incoming.status == StatusCode::UNAUTHORIZED);
            if refused && trail.renewed() {
                trail.refused_again();
                loaded.slot.rest();
            } else if refused
                && let Some(newer) = self
                    .after_refusal(
                        &loaded,
                        held.as_deref(),
                        Refusal {
                            person,
                            headers: outcome.as_ref().ok().map(|answer| &answer.incoming.headers),
                        },
                    )
                    .await
            {
                held = Some(newer);
                trail.next(Why::TokenRefused);
                continue;
            }
            if matches!(outcome, Err(CallError::Throttled { .. }))
                && let Some(earlier) = kept
            {
                // The line for another try has become too long: what the API said last is the answer.
                break earlier;
            }
            let Some((pause, why)) = self.pause(call, &trail, &outcome) else {
                match outcome {
                    Ok(answer) => break answer,
                    Err(error) => return Err(error.after(trail.into_attempts())),
                }
            };
            tracing::debug!(?pause, ?why, "the call is sent again");
            tokio::time::sleep(pause).await;
            trail.next(why);
            kept = outcome.ok();
        };
        Ok(Fetched::new(answer, loaded, held, trail.into_attempts()))
    }

    /// How long to pause before the next try, and why there is one.
    fn pause(
        &self,
        call: &Call,
        trail: &Trail,
        outcome: &Result<Answer, CallError>,
    ) -> Option<(Duration, Why)> {
        let (ended, why) = match outcome {
            Ok(answer) => {
                let Incoming {
                    status, headers, ..
                } = &answer.incoming;
                let why = if *status == StatusCode::TOO_MANY_REQUESTS {
                    Why::Throttled
                } else {
                    Why::Unavailable
                };
                (Ended::Answered(*status, headers), why)
            }
            Err(CallError::Upstream { error, .. }) => (Ended::Failed(error), Why::Network),
            Err(_) => return None,
        };
        let left = call.deadline.saturating_duration_since(Instant::now());
        let pause = call.retries.pause(
            &call.bare.method,
            trail.tries(),
            ended,
            (left, self.clock().now()),
            chance(),
        )?;
        Some((pause, why))
    }

    /// Sends once and takes note of how that went.
    async fn attempt(
        &self,
        loaded: &Loaded,
        held: Option<&Held>,
        call: &Call,
        trail: &mut Trail,
    ) -> Result<Answer, CallError> {
        trail.begin(held, self.clock().now());
        let outcome = self
            .send(
                loaded,
                held,
                call.bare.clone(),
                call.redirects,
                (call.deadline, call.timeout),
            )
            .await;
        match &outcome {
            Ok(answer) => trail.answered(&answer.incoming),
            Err(error) => trail.failed(error.code()),
        }
        outcome
    }

    /// The token for a connection that needs one.
    pub(crate) async fn token_for_call(
        &self,
        loaded: &Arc<Loaded>,
        need: Need,
        person: Option<&Secret>,
    ) -> Result<Option<Arc<Held>>, CallError> {
        if person.is_some() && !loaded.is_per_call() {
            return Err(CallError::AssertionUnused {
                connection: loaded.named.clone(),
            });
        }
        match &loaded.credential {
            Ok(Credential::Token) if loaded.is_per_call() => {
                self.token_on_behalf(loaded, person, None).await.map(Some)
            }
            Ok(Credential::Token) => self
                .token(loaded, need)
                .await
                .map(Some)
                .map_err(|failed| failed.into_call_error(loaded)),
            Ok(_) => {
                self.note_readable(&loaded.connection).await?;
                Ok(None)
            }
            Err(unusable) => {
                let diagnosis = self.note_unusable(&loaded.connection, *unusable).await?;
                Err(CallError::Needs {
                    connection: loaded.named.clone(),
                    diagnosis: Box::new(diagnosis),
                })
            }
        }
    }

    /// Notes that a credential which does not renew itself can't be used; answers what to say.
    pub(crate) async fn note_unusable(
        &self,
        connection: &Connection,
        unusable: Unusable,
    ) -> Result<Diagnosis, store::Error> {
        let finding = match unusable {
            Unusable::Unreadable => Finding::Unreadable,
            Unusable::Missing => Finding::SecretMissing,
        };
        let rules = preset::rules(&connection.settings);
        let diagnosis = oauth::diagnose_finding(finding, rules, &oauth::Scope::default());
        if connection.standing.diagnosis.as_ref() != Some(&diagnosis) {
            self.stand(connection, |standing, now| {
                failure::set(standing, diagnosis.clone(), now);
            })
            .await?;
        }
        Ok(diagnosis)
    }

    /// Notes that a credential can be unsealed again, as after a backup was put back.
    pub(crate) async fn note_readable(&self, connection: &Connection) -> Result<(), store::Error> {
        if connection.standing.state != State::Unreadable {
            return Ok(());
        }
        self.stand(connection, failure::ok).await
    }

    /// After a 401 for a token thought fresh: one renewal, unless that did not help a moment ago.
    pub(crate) async fn after_refusal(
        &self,
        loaded: &Arc<Loaded>,
        held: Option<&Held>,
        refusal: Refusal<'_>,
    ) -> Option<Arc<Held>> {
        let held = held?;
        if loaded.is_per_call() {
            return self
                .token_on_behalf(loaded, refusal.person, Some(held))
                .await
                .ok();
        }
        if !loaded.slot.may_renew_after_refusal() {
            return None;
        }
        if let Some(claims) = refusal.headers.and_then(oauth::claims_challenge) {
            // Written down, since whoever renews may be another process, and a person may have to answer it.
            self.stand(&loaded.connection, |standing, _| {
                standing.claims = Some(claims);
            })
            .await
            .ok()?;
        }
        // A failed renewal leaves its diagnosis in the standing; the caller sees the API's own 401.
        self.token(loaded, Need::NewerThan(held.generation))
            .await
            .ok()
    }

    async fn send(
        &self,
        loaded: &Loaded,
        held: Option<&Held>,
        bare: Outgoing,
        redirects: Redirects,
        (deadline, first_byte): (Instant, Option<Duration>),
    ) -> Result<Answer, CallError> {
        let credential = loaded.credential.as_ref().map_err(|_| {
            loaded.upstream(SendError::Malformed {
                host: host_of(&bare.url),
                detail: "no credential".to_owned(),
            })
        })?;
        loaded.reach().check_origin(&bare.url)?;
        let _room = loaded.turn(deadline).await?;
        let way = Way {
            credential,
            token: held.map(|held| &held.header),
            trust: &loaded.trust,
            redirects,
            bounds: Bounds::Origins(&loaded.origins),
            deadline,
            first_byte,
        };
        let answer = self
            .inner
            .http
            .follow(&way, bare)
            .await
            .map_err(|stopped| match stopped {
                Stopped::Failed(error) => loaded.upstream(error),
                // Only policies answer challenges; a connection has none that it could fail to answer.
                Stopped::Unanswerable { host, why } => {
                    loaded.upstream(SendError::Malformed { host, detail: why })
                }
                Stopped::Blocked { host, why } => CallError::RedirectBlocked {
                    connection: loaded.named.clone(),
                    host,
                    why,
                },
            })?;
        loaded.heed(
            answer.incoming.status,
            &answer.incoming.headers,
            self.clock(),
        );
        Ok(answer)
    }

    /// Keeps what an API refused, so that it can be explained; forgets it once calls succeed.
    async fn note_call(&self, method: &Method, fetched: &Fetched) {
        let loaded = &fetched.loaded;
        let known = loaded.connection.standing.last_failure.as_ref();
        let status = fetched.status.as_u16();
        let failure = match status {
            401 | 403 => {
                let (code, message) = error_of(&fetched.parsed());
                Some(CallFailure {
                    at: self.clock().now(),
                    method: method.to_string(),
                    host: host_of(&fetched.url),
                    path: fetched.url.path().to_owned(),
                    status,
                    code,
                    message,
                    request_id: fetched.request_id(),
                })
            }
            200..=399 if known.is_some() || is_refused(&loaded.connection.standing) => None,
            _ => return,
        };
        if let (Some(new), Some(known)) = (&failure, known) {
            let same =
                new.status == known.status && new.code == known.code && new.path == known.path;
            if same && new.at.duration_since(known.at) < NOTE_AGAIN {
                return;
            }
        }
        let noted = self
            .stand(&loaded.connection, |standing, now| {
                if failure.is_none() && is_refused(standing) {
                    failure::ok(standing, now);
                }
                standing.last_failure = failure;
            })
            .await;
        if let Err(error) = noted {
            tracing::warn!(%error, "a refused call could not be noted");
        }
    }
}

impl Loaded {
    /// Waits for the connection's turn and for room among its calls, until a deadline.
    pub(crate) async fn turn(&self, deadline: Instant) -> Result<SemaphorePermit<'_>, CallError> {
        let now = Instant::now();
        let patience = deadline.saturating_duration_since(now).min(PATIENCE);
        match self.slot.budget.reserve(now, patience) {
            Ok(at) if at <= now => {}
            Ok(at) => tokio::time::sleep_until(at).await,
            Err(at) => {
                return Err(CallError::Throttled {
                    connection: self.named.clone(),
                    wait: at.saturating_duration_since(now),
                });
            }
        }
        self.room.enter(deadline).await.map_err(|full| match full {
            Full::Late => self.upstream(SendError::Crowded {
                host: self.host.to_string(),
            }),
            Full::Crowded => CallError::Crowded {
                connection: self.named.clone(),
            },
        })
    }

    /// Learns from an answer how fast the API wants to be called.
    pub(crate) fn heed(&self, status: StatusCode, headers: &HeaderMap, clock: &Clock) {
        if let Some(complaint) = complaint(status, headers, || clock.now()) {
            self.slot.budget.learn(Instant::now(), complaint);
        }
    }

    pub(crate) fn reach(&self) -> Reach<'_> {
        Reach {
            connection: &self.named,
            settings: &self.connection.settings,
            origins: &self.origins,
        }
    }

    pub(crate) fn upstream(&self, error: SendError) -> CallError {
        CallError::Upstream {
            connection: self.named.clone(),
            error: Box::new(error),
            trail: Box::default(),
        }
    }
}

/// A call, ready to be sent as often as it takes.
struct Call {
    bare: Outgoing,
    redirects: Redirects,
    retries: Retries,
    begun: Instant,
    deadline: Instant,
    /// The limit that the caller chose.
    timeout: Option<Duration>,
    on_behalf_of: Option<Secret>,
}

/// A number from 0 to 1.
pub(crate) fn chance() -> f64 {
    let mut bytes = [0; 4];
    fill(&mut bytes);
    f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX)
}
