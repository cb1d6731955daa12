//! One renewal of one token: lease, request, save; `connections.md` §3 to the letter.
//!
//! Between processes the lease row lets one renew while the others wait for its result. The
//! intent is durable before the request leaves, the new refresh token before the access token
//! is handed out. The loser of a race reads again and never clears anything. No database
//! connection is held while the request is under way.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand;
use bytes::Bytes;
use jiff::SignedDuration;
use oauth::{
    AuthenticationMethod, Client, ClientAuthentication, Finding, Freshness, Grant, Hints,
    MissingSecret, Scope, Secret, TokenError, TokenSet,
};
use store::{
    Actor, Authentication, Connection, Leased, OAuth, OAuthGrant, Saved, StoredToken, TokenRow,
};
use tokio::time::Instant;

use crate::failure::{self, Class, TokenFailure, Verdict};
use crate::http::{Certificates, Limits, Outgoing, SendError};
use crate::known::Loaded;
use crate::preset;
use crate::refresh::{Failed, Held, PATIENCE};
use crate::{Connector, Inner};

/// How long a process may be the only one to renew.
const LEASE: SignedDuration = SignedDuration::from_secs(40);
/// How often a waiting process looks whether the other one is done.
const LOOK: Duration = Duration::from_millis(50);
/// How often one renewal tries a provider in trouble.
const TRIES: u32 = 3;

/// Names a process among those that share a store.
pub(crate) fn random_owner() -> String {
    let mut bytes = [0; 16];
    fill(&mut bytes);
    format!("{:032x}", u128::from_be_bytes(bytes))
}

/// Random bytes of the operating system's quality.
pub(crate) fn fill(bytes: &mut [u8]) {
    rand::fill(bytes).expect("the system has randomness");
}

/// A duration between 75 % and 125 % of the given one, so that processes do not march in step.
pub(crate) fn jittered(duration: Duration) -> Duration {
    let mut byte = [0; 1];
    fill(&mut byte);
    duration.mul_f64(0.75 + f64::from(byte[0]) / 510.0)
}

/// What asking a token endpoint needs to know.
pub(crate) struct Asking<'a> {
    pub(crate) oauth: &'a OAuth,
    pub(crate) secret: Option<&'a Secret>,
    pub(crate) learned: Option<AuthenticationMethod>,
    pub(crate) trust: &'a Certificates,
}

impl Connector {
    /// Renews a token that should be newer than a generation; runs on the tracker.
    pub(crate) async fn renew(&self, loaded: &Arc<Loaded>, than: i64) -> Result<Arc<Held>, Failed> {
        let inner = &self.inner;
        let id = &loaded.connection.id;
        // The standing may be newer than what the first caller had read.
        let Some(connection) = inner
            .store
            .connections()
            .find_by_id(&Actor::system(), id)
            .await?
        else {
            return Err(diagnosed(failure::gone()));
        };
        let Authentication::OAuth(oauth) = &connection.settings.authentication else {
            return Err(diagnosed(failure::gone()));
        };
        let deadline = Instant::now() + PATIENCE;
        loop {
            let row = inner.store.tokens().read(id).await?;
            if let Some(held) = newer(&row, than, self.clock().now()) {
                return Ok(held);
            }
            self.before_request(&connection, oauth, &row).await?;
            match inner
                .store
                .tokens()
                .lease(id, &inner.config.owner, LEASE)
                .await?
            {
                Leased::Acquired(row) => {
                    return self
                        .renew_leased(loaded, &connection, oauth, row, than)
                        .await;
                }
                Leased::Held(_) if Instant::now() >= deadline => {
                    return Err(diagnosed(failure::renewal_slow()));
                }
                Leased::Held(_) => self.wait_for_other(loaded, than, deadline).await?,
            }
        }
    }

    /// Waits while another process renews; ends when its lease is gone or its token is there.
    async fn wait_for_other(
        &self,
        loaded: &Loaded,
        than: i64,
        deadline: Instant,
    ) -> Result<(), Failed> {
        let id = &loaded.connection.id;
        while Instant::now() < deadline {
            tokio::time::sleep(jittered(LOOK)).await;
            let row = self.inner.store.tokens().read(id).await?;
            let now = self.clock().now();
            if row.generation > than || row.lease.is_none_or(|lease| lease.until <= now) {
                break;
            }
        }
        // If the other one failed, it left its verdict in the standing: do not repeat its request.
        if let Some(connection) = self
            .inner
            .store
            .connections()
            .find_by_id(&Actor::system(), id)
            .await?
        {
            let row = self.inner.store.tokens().read(id).await?;
            if row.generation <= than {
                self.check_rest(&connection, &row)?;
            }
        }
        Ok(())
    }

    /// Refuses what can't succeed, before a lease is taken or anything is sent.
    async fn before_request(
        &self,
        connection: &Connection,
        oauth: &OAuth,
        row: &TokenRow,
    ) -> Result<(), Failed> {
        self.check_rest(connection, row)?;
        let rules = preset::rules(&connection.settings);
        let finding = if connection.secrets.is_none() || row.unreadable {
            Some(Finding::Unreadable)
        } else if secret_missing(connection, oauth) {
            Some(Finding::SecretMissing)
        } else if matches!(oauth.grant, OAuthGrant::AuthorizationCode { .. }) {
            match &row.token {
                None => Some(Finding::NeverAuthorized),
                Some(token) if token.refresh_token.is_none() => Some(Finding::NoRefreshToken),
                Some(_) => None,
            }
        } else {
            None
        };
        let Some(finding) = finding else {
            return Ok(());
        };
        // A sign-in that was refused is a better explanation than "nobody has signed in".
        if finding == Finding::NeverAuthorized
            && let Some(known) = connection.standing.diagnosis.clone()
        {
            return Err(diagnosed(known));
        }
        let diagnosis = oauth::diagnose_finding(finding, rules, &oauth.scope);
        self.stand(connection, |standing, now| {
            failure::set(standing, diagnosis.clone(), now);
        })
        .await?;
        Err(diagnosed(diagnosis))
    }

    /// The same failing token request is not sent again before its time.
    fn check_rest(&self, connection: &Connection, row: &TokenRow) -> Result<(), Failed> {
        let standing = &connection.standing;
        let same = standing.failing_fingerprint.as_deref()
            == Some(fingerprint(connection, row.generation).as_str());
        match (&standing.diagnosis, standing.retry_at) {
            (Some(diagnosis), Some(at)) if same && self.clock().now() < at => {
                Err(diagnosed(diagnosis.clone()))
            }
            _ => Ok(()),
        }
    }

    async fn renew_leased(
        &self,
        loaded: &Arc<Loaded>,
        connection: &Connection,
        oauth: &OAuth,
        row: TokenRow,
        than: i64,
    ) -> Result<Arc<Held>, Failed> {
        let inner = &self.inner;
        let tokens = inner.store.tokens();
        let owner = &inner.config.owner;
        if let Some(held) = newer(&row, than, self.clock().now()) {
            tokens.release(&connection.id, owner).await?;
            return Ok(held);
        }
        let crashed = row.intent.is_some();
        let refresh_token = row
            .token
            .as_ref()
            .and_then(|token| token.refresh_token.clone());
        let grant = match (&oauth.grant, &refresh_token) {
            (OAuthGrant::ClientCredentials, _) => Grant::ClientCredentials,
            (OAuthGrant::AuthorizationCode { .. }, Some(token)) => Grant::RefreshToken(token),
            (OAuthGrant::AuthorizationCode { .. }, None) => {
                tokens.release(&connection.id, owner).await?;
                return Err(diagnosed(oauth::diagnose_finding(
                    Finding::NeverAuthorized,
                    loaded.rules,
                    &oauth.scope,
                )));
            }
        };
        let asking = Asking {
            oauth,
            secret: client_secret(connection),
            learned: connection.standing.learned_method,
            trust: &loaded.trust,
        };
        let limit = inner.config.timeouts.token;
        let outcome =
            match tokio::time::timeout(limit, inner.ask_patiently(&asking, &grant, self.clock()))
                .await
            {
                Ok(outcome) => outcome,
                Err(_) => Err(TokenFailure::Send(SendError::Timeout {
                    host: crate::http::host_of(&oauth.token_endpoint),
                    phase: "complete answer",
                    seconds: limit.as_secs(),
                })),
            };
        match outcome {
            Ok((token_set, method)) => self.keep(loaded, connection, row, token_set, method).await,
            Err(failure) => {
                let refused = Refusal {
                    failure,
                    crashed: crashed && matches!(grant, Grant::RefreshToken(_)),
                };
                self.refuse(loaded, connection, oauth, &row, refused).await
            }
        }
    }

    /// Stores a renewed token, then hands it out.
    async fn keep(
        &self,
        loaded: &Arc<Loaded>,
        connection: &Connection,
        row: TokenRow,
        mut token_set: TokenSet,
        method: AuthenticationMethod,
    ) -> Result<Arc<Held>, Failed> {
        let inner = &self.inner;
        let before = row.token.as_ref();
        if token_set.scope.is_none() {
            // RFC 6749 §6: no scope in the answer to a refresh means the same as before.
            token_set.scope = before
                .filter(|token| token.refresh_token.is_some())
                .and_then(|token| token.scope.clone());
        }
        let hints = hints(&token_set).or_else(|| before.and_then(|token| token.hints.clone()));
        let saved = inner
            .store
            .tokens()
            .save(
                &Actor::system(),
                &connection.id,
                &inner.config.owner,
                row.generation,
                &token_set,
                hints.clone(),
            )
            .await?;
        let generation = match saved {
            Saved::Saved(generation) => generation,
            Saved::Superseded => return self.after_losing(connection, row.generation).await,
        };
        count("ok");
        let refresh_token = token_set
            .refresh_token
            .clone()
            .or_else(|| before.and_then(|token| token.refresh_token.clone()));
        let stored = stored(generation, token_set, refresh_token, hints);
        self.stand(connection, |standing, now| {
            failure::settle(standing, connection, loaded.rules, Some(&stored), now);
            failure::learn(standing, connection, method);
        })
        .await?;
        Held::of(&stored).ok_or_else(|| diagnosed(failure::unusable_token()))
    }

    /// The loser of a race reads again; it never clears anything.
    async fn after_losing(&self, connection: &Connection, than: i64) -> Result<Arc<Held>, Failed> {
        let row = self.inner.store.tokens().read(&connection.id).await?;
        newer(&row, than, self.clock().now()).ok_or_else(|| diagnosed(failure::renewal_slow()))
    }

    /// Judges a failed request: what it means, whether its outcome is known, when to try again.
    async fn refuse(
        &self,
        loaded: &Loaded,
        connection: &Connection,
        oauth: &OAuth,
        row: &TokenRow,
        refusal: Refusal,
    ) -> Result<Arc<Held>, Failed> {
        let tokens = self.inner.store.tokens();
        let owner = &self.inner.config.owner;
        let now = self.clock().now();
        // Success beats a racing failure: somebody may have renewed or signed in meanwhile.
        let current = tokens.read(&connection.id).await?;
        if let Some(held) = newer(&current, row.generation, now) {
            tokens.release(&connection.id, owner).await?;
            return Ok(held);
        }
        let secret = client_secret(connection);
        let refresh_token = row
            .token
            .as_ref()
            .and_then(|token| token.refresh_token.as_ref());
        let secrets: Vec<&Secret> = secret.into_iter().chain(refresh_token).collect();
        let verdict = Verdict::of(&refusal.failure, oauth, loaded.rules, &secrets, now);
        let verdict = if refusal.crashed && verdict.refused_grant {
            verdict.explained_by(Finding::RenewalOutcomeUnknown, loaded.rules, &oauth.scope)
        } else {
            verdict
        };
        count(match verdict.class {
            Class::Definitive => "refused",
            Class::Throttled => "throttled",
            Class::Transient => "transient",
        });
        tracing::warn!(
            connection = %connection.id,
            code = verdict.diagnosis.code,
            "a token request failed"
        );
        let leave_open =
            verdict.outcome_unknown && matches!(oauth.grant, OAuthGrant::AuthorizationCode { .. });
        if leave_open {
            tokens.abandon(&connection.id, owner).await?;
        } else {
            tokens.release(&connection.id, owner).await?;
        }
        let mark = fingerprint(connection, row.generation);
        let mut told = verdict.diagnosis.clone();
        self.stand(connection, |standing, now| {
            told = failure::note(standing, &verdict, mark.clone(), now);
        })
        .await?;
        Err(diagnosed(told))
    }

    /// Changes a connection's standing, if that changes anything.
    pub(crate) async fn stand(
        &self,
        connection: &Connection,
        change: impl FnOnce(&mut store::Standing, jiff::Timestamp),
    ) -> Result<(), store::Error> {
        let connections = self.inner.store.connections();
        // Read again: a call may have noted its failure meanwhile.
        let Some(current) = connections
            .find_by_id(&Actor::system(), &connection.id)
            .await?
        else {
            return Ok(());
        };
        let mut standing = current.standing.clone();
        change(&mut standing, self.clock().now());
        if standing == current.standing {
            return Ok(());
        }
        connections
            .standing(&Actor::system(), &connection.id, standing)
            .await
    }
}

struct Refusal {
    failure: TokenFailure,
    /// A predecessor crashed with its request under way.
    crashed: bool,
}

impl Inner {
    /// Asks a token endpoint, a few times if it is in trouble and does not say for how long.
    async fn ask_patiently(
        &self,
        asking: &Asking<'_>,
        grant: &Grant<'_>,
        clock: &store::Clock,
    ) -> Result<(TokenSet, AuthenticationMethod), TokenFailure> {
        let mut pause = Duration::from_millis(300);
        let mut tried = 1;
        loop {
            match self.ask(asking, grant, clock).await {
                Err(failure) if tried < TRIES && failure.is_blip() => {
                    tracing::debug!(tried, "token endpoint in trouble, trying again");
                    tokio::time::sleep(jittered(pause)).await;
                    pause *= 3;
                    tried += 1;
                }
                outcome => return outcome,
            }
        }
    }

    /// Sends one token request; with automatic client authentication the body after the header was refused.
    pub(crate) async fn ask(
        &self,
        asking: &Asking<'_>,
        grant: &Grant<'_>,
        clock: &store::Clock,
    ) -> Result<(TokenSet, AuthenticationMethod), TokenFailure> {
        let oauth = asking.oauth;
        let candidates = oauth.client_authentication.candidates(asking.learned);
        let mut refused = None;
        for method in candidates {
            let client = Client {
                id: oauth.client_id.clone(),
                authentication: ClientAuthentication::new(*method, asking.secret)?,
                token_endpoint: oauth.token_endpoint.clone(),
            };
            let scope = scope_for(oauth, grant);
            let request = client.token_request(grant, scope, &oauth.token_parameters);
            let response = self.send_token_request(asking.trust, request).await?;
            match oauth::token_response(&response, clock.now()) {
                Ok(token_set) => return Ok((token_set, *method)),
                Err(TokenError::Refused(error)) if error.error == "invalid_client" => {
                    refused = Some(TokenError::Refused(error));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(refused.map_or_else(
            || {
                MissingSecret {
                    method: oauth.client_authentication,
                }
                .into()
            },
            TokenFailure::Token,
        ))
    }

    async fn send_token_request(
        &self,
        trust: &Certificates,
        request: ::http::Request<Bytes>,
    ) -> Result<::http::Response<Bytes>, SendError> {
        let (parts, body) = request.into_parts();
        let url =
            url::Url::parse(&parts.uri.to_string()).map_err(|error| SendError::Malformed {
                host: parts.uri.host().unwrap_or_default().to_owned(),
                detail: error.to_string(),
            })?;
        let outgoing = Outgoing {
            method: parts.method,
            url,
            headers: parts.headers,
            body,
        };
        let limits = Limits {
            total: self.config.timeouts.token,
            body: oauth::TOKEN_RESPONSE_LIMIT,
        };
        let incoming = self.http.exchange(trust, outgoing, limits).await?;
        let mut response = ::http::Response::new(incoming.body);
        *response.status_mut() = incoming.status;
        *response.headers_mut() = incoming.headers;
        Ok(response)
    }
}

/// Which scope a token request names: Entra wants it repeated on refresh, others do not.
fn scope_for<'a>(oauth: &'a OAuth, grant: &Grant<'_>) -> Option<&'a Scope> {
    let named = match grant {
        Grant::ClientCredentials => true,
        Grant::RefreshToken(_) => preset::entra::tenant_of(&oauth.token_endpoint).is_some(),
        Grant::AuthorizationCode(_) => false,
    };
    (named && !oauth.scope.is_empty()).then_some(&oauth.scope)
}

/// What names a token request, without any secret in it: an edit or a new token changes it.
pub(crate) fn fingerprint(connection: &Connection, generation: i64) -> String {
    format!("v{}.g{generation}", connection.version)
}

/// The stored token, if it is newer than a generation and has not expired.
fn newer(row: &TokenRow, than: i64, now: jiff::Timestamp) -> Option<Arc<Held>> {
    let token = row.token.as_ref().filter(|token| token.generation > than)?;
    Held::of(token).filter(|held| held.freshness(now) != Freshness::Expired)
}

pub(crate) fn client_secret(connection: &Connection) -> Option<&Secret> {
    connection.secrets.as_ref()?.get("client_secret")
}

/// Whether the way the client proves itself needs a secret that is not there.
pub(crate) fn secret_missing(connection: &Connection, oauth: &OAuth) -> bool {
    oauth.client_authentication != AuthenticationMethod::None
        && client_secret(connection).is_none_or(Secret::is_empty)
}

/// What a token says about itself; the access token first, the person's name from the ID token.
pub(crate) fn hints(token_set: &TokenSet) -> Option<Hints> {
    let access = Hints::from_jwt(&token_set.access_token);
    let identity = token_set.id_token.as_ref().and_then(Hints::from_jwt);
    match (access, identity) {
        (Some(mut access), Some(identity)) => {
            access.name = access.name.or(identity.name);
            access.username = access.username.or(identity.username);
            access.object_id = access.object_id.or(identity.object_id);
            access.tenant = access.tenant.or(identity.tenant);
            Some(access)
        }
        (access, identity) => access.or(identity),
    }
}

pub(crate) fn stored(
    generation: i64,
    token_set: TokenSet,
    refresh_token: Option<Secret>,
    hints: Option<Hints>,
) -> StoredToken {
    StoredToken {
        generation,
        access_token: token_set.access_token,
        refresh_token,
        previous_refresh_token: None,
        scope: token_set.scope,
        received_at: token_set.received_at,
        expires_at: token_set.expires_at,
        expires_in_assumed: token_set.expires_in_assumed,
        hints,
    }
}

pub(crate) fn diagnosed(diagnosis: oauth::Diagnosis) -> Failed {
    Failed::Diagnosed(Box::new(diagnosis))
}

/// Counts a token request by its outcome.
pub(crate) fn count(outcome: &'static str) {
    metrics::counter!("keyway_token_requests_total", "outcome" => outcome).increment(1);
}
