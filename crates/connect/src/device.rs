//! Signing in by device code (RFC 8628): a code for the person, then polls until it was typed, declined or has ended.
//!
//! What waits is in the store, so that a restart goes on with it; whoever serves polls, one process at a time for each sign-in.

use std::time::Duration;

use futures_util::future::join_all;
use jiff::SignedDuration;
use oauth::{Diagnosis, Finding, Grant, TokenSet};
use serde::Serialize;
use store::{Actor, Authentication, Connection, OAuth, PendingDevice};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::ask::{Asking, Proved, count};
use crate::authorize::Started;
use crate::error::{CallbackError, Error};
use crate::failure::{self, Class, TokenFailure, Verdict};
use crate::known::Trip;
use crate::{Connector, preset};

/// How often it is looked for polls that are due.
const LOOK: Duration = Duration::from_secs(1);
/// How long a process may be the only one to poll; longer than a token request takes.
const LEASE: SignedDuration = SignedDuration::from_secs(40);

/// What a person needs to sign in wherever there is a browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserCode {
    /// What to type.
    pub user_code: String,
    /// Where.
    pub verification_uri: Url,
    /// The same place with the code filled in, if the provider has one.
    pub verification_uri_complete: Option<Url>,
    /// Seconds until the code ends.
    pub expires_in: i64,
    /// Seconds between two polls; Keyway polls, whoever shows the code need not.
    pub interval: i64,
}

/// How a poll ended.
enum Polled {
    /// Nobody has typed the code yet.
    Waits(PendingDevice),
    /// Somebody signed in.
    Token((TokenSet, Proved)),
    /// It is over.
    Over(Box<Diagnosis>),
}

impl Connector {
    /// Begins a sign-in by device code.
    pub(crate) async fn authorize_by_device(
        &self,
        actor: &Actor,
        connection: &Connection,
        oauth: &OAuth,
        endpoint: &Url,
        parameters: &[(String, String)],
    ) -> Result<Started, Error> {
        let trust = self.inner.clouds.trust(&connection.settings);
        let asking = Asking::of(connection, oauth, &trust);
        let asked = self
            .inner
            .ask_for_device(&asking, endpoint, parameters, self.clock())
            .await;
        let (device, proved) = match asked {
            Ok(answer) => answer,
            Err(failure) => {
                let diagnosis = self.judge(connection, oauth, &failure).diagnosis;
                self.note_refusal(connection, diagnosis.clone()).await?;
                return Err(Error::Refused {
                    name: connection.name.to_string(),
                    diagnosis: Box::new(diagnosis),
                });
            }
        };
        self.stand(connection, |standing, now| {
            failure::learn(standing, connection, proved, now);
        })
        .await?;
        self.inner.known.trip_begun(&connection.id);
        let shown = UserCode {
            user_code: device.user_code.clone(),
            verification_uri: device.verification_uri.clone(),
            verification_uri_complete: device.verification_uri_complete.clone(),
            expires_in: device.expires_at.duration_since(device.begun_at).as_secs(),
            interval: device.interval.as_secs(),
        };
        let started = Started {
            url: device.page().clone(),
            expires_at: device.expires_at,
            diagnosis: None,
            device: Some(shown),
        };
        self.inner
            .store
            .devices()
            .begin(actor, &connection.id, connection.version, device)
            .await?;
        Ok(started)
    }

    /// Polls for sign-ins by device code as they become due, until it is stopped.
    pub async fn watch_devices(self, stop: CancellationToken) {
        let mut tick = tokio::time::interval(LOOK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            // The polls go on by themselves: a slow provider holds nobody else up.
            if let Err(error) = self.begin_polls().await {
                tracing::warn!(%error, "it can't be told which sign-ins by device code are due");
            }
        }
    }

    /// Polls for the sign-ins that are due now, and waits for all of them.
    pub async fn poll_devices(&self) -> Result<(), store::Error> {
        join_all(self.begin_polls().await?).await;
        Ok(())
    }

    async fn begin_polls(&self) -> Result<Vec<JoinHandle<()>>, store::Error> {
        let due = self.inner.store.devices().due(LEASE).await?;
        let begin = |pending| {
            let connector = self.clone();
            self.inner.tracker.spawn(async move {
                if let Err(error) = connector.poll(pending).await {
                    tracing::warn!(%error, "a sign-in by device code could not be polled for");
                }
            })
        };
        Ok(due.into_iter().map(begin).collect())
    }

    async fn poll(&self, pending: PendingDevice) -> Result<(), store::Error> {
        let connection = self
            .inner
            .store
            .connections()
            .find_by_id(&Actor::system(), &pending.connection)
            .await?
            .filter(|connection| connection.version == pending.connection_version);
        let outcome = match &connection {
            Some(connection) => self.poll_once(connection, &pending).await?,
            None => Some(Err(CallbackError::ConnectionChanged)),
        };
        let Some(outcome) = outcome else {
            return Ok(());
        };
        let ended = self.clock().now();
        let trip = match &outcome {
            Ok(()) => Trip::authorized(ended),
            Err(error) => {
                let code = error.diagnosis().map(|diagnosis| diagnosis.code.as_str());
                Trip::failed(ended, code.unwrap_or(error.code()), error.to_string())
            }
        };
        // Told before the row goes, so that nobody sees a sign-in that neither waits nor has ended.
        self.inner.known.trip(&pending.connection, trip);
        self.inner.store.devices().end(&pending).await?;
        Ok(())
    }

    /// One poll; `None` if the sign-in still waits.
    async fn poll_once(
        &self,
        connection: &Connection,
        pending: &PendingDevice,
    ) -> Result<Option<Result<(), CallbackError>>, store::Error> {
        let Authentication::OAuth(oauth) = &connection.settings.authentication else {
            return Ok(Some(Err(CallbackError::ConnectionChanged)));
        };
        match self.ask_for_token(connection, oauth, pending).await {
            Polled::Waits(pending) => {
                let poll_at = pending.device.next_poll(self.clock().now());
                self.inner.store.devices().wait(&pending, poll_at).await?;
                Ok(None)
            }
            Polled::Token(answer) => {
                count("ok");
                let kept = match self.still_allowed(&pending.actor).await {
                    Ok(()) => {
                        self.keep_sign_in(&pending.actor, connection, oauth, answer, None)
                            .await
                    }
                    Err(error) => Err(error),
                };
                Ok(Some(kept))
            }
            Polled::Over(diagnosis) => {
                count("refused");
                self.note_refusal(connection, (*diagnosis).clone()).await?;
                Ok(Some(Err(CallbackError::Exchange {
                    connection: connection.name.clone(),
                    diagnosis,
                })))
            }
        }
    }

    async fn ask_for_token(
        &self,
        connection: &Connection,
        oauth: &OAuth,
        pending: &PendingDevice,
    ) -> Polled {
        let device = &pending.device;
        if device.is_expired(self.clock().now()) {
            let rules = preset::rules(&connection.settings);
            let finding = Finding::DeviceCodeExpired;
            let diagnosis = oauth::diagnose_finding(finding, rules, &oauth.scope);
            return Polled::Over(Box::new(diagnosis));
        }
        let trust = self.inner.clouds.trust(&connection.settings);
        let asking = Asking::of(connection, oauth, &trust);
        let grant = Grant::DeviceCode(&device.device_code);
        let waits = |device| {
            Polled::Waits(PendingDevice {
                device,
                ..pending.clone()
            })
        };
        let failure = match self.inner.ask(&asking, &grant, self.clock()).await {
            Ok(answer) => return Polled::Token(answer),
            Err(TokenFailure::Token(error)) => match device.clone().after(error) {
                Ok(device) => return waits(device),
                Err(error) => TokenFailure::Token(error),
            },
            Err(failure) => failure,
        };
        let verdict = self.judge(connection, oauth, &failure);
        match verdict.class {
            Class::Transient => waits(device.clone().after_silence()),
            Class::Definitive | Class::Throttled => Polled::Over(Box::new(verdict.diagnosis)),
        }
    }

    fn judge(&self, connection: &Connection, oauth: &OAuth, failure: &TokenFailure) -> Verdict {
        let rules = preset::rules(&connection.settings);
        let secrets: Vec<_> = Asking::of(connection, oauth, &None).secrets().collect();
        Verdict::of(failure, oauth, rules, &secrets, self.clock().now())
    }
}
