//! One renewal of one token: lease, request, save; `connections.md` §3 to the letter.
//!
//! Between processes the lease row lets one renew while the others wait for its result. The
//! intent is durable before the request leaves, the new refresh token before the access token
//! is handed out. The loser of a race reads again and never clears anything. No database
//! connection is held while the request is under way.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use oauth::{Finding, Freshness, Grant, Secret, TokenSet};
use store::failpoint::{self, Place};
use store::{Actor, Authentication, Connection, Leased, OAuth, OAuthGrant, Saved, TokenRow};
use tokio::time::Instant;

use crate::Connector;
use crate::ask::{Asking, Proved, count, diagnosed, hints, jittered, missing, stored};
use crate::assertion;
use crate::failure::{self, TokenFailure, Verdict};
use crate::http::SendError;
use crate::known::Loaded;
use crate::preset;
use crate::refresh::{Failed, Held, PATIENCE};

/// How long a process may be the only one to renew.
const LEASE: SignedDuration = SignedDuration::from_secs(40);
/// How often a waiting process looks whether the other one is done.
const LOOK: Duration = Duration::from_millis(50);

impl Connector {
    /// Renews a token that should be newer than a generation; runs on the tracker.
    #[tracing::instrument(name = "renewal", skip_all, fields(connection = %loaded.connection.id))]
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
            failpoint::reach(Place::RenewalDue);
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
        } else if let Some(finding) = missing(connection, oauth) {
            Some(finding)
        } else if oauth.grant.is_delegated() {
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
        let mark = fingerprint(connection, row.generation);
        match failure::resting(&connection.standing, &mark, self.clock().now()) {
            Some(diagnosis) => Err(diagnosed(diagnosis)),
            None => Ok(()),
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
        let signed;
        let grant = match (&oauth.grant, &refresh_token) {
            (OAuthGrant::ClientCredentials, _) => Grant::ClientCredentials,
            (OAuthGrant::JwtBearer(says), _) => {
                match assertion::sign(connection, oauth, says, self.clock().now()) {
                    Ok(assertion) => signed = assertion,
                    Err(failure) => {
                        let refused = Refusal {
                            failure,
                            crashed: false,
                        };
                        return self.refuse(loaded, connection, oauth, &row, refused).await;
                    }
                }
                Grant::JwtBearer(&signed)
            }
            (
                OAuthGrant::AuthorizationCode { .. }
                | OAuthGrant::DeviceCode { .. }
                | OAuthGrant::OnBehalfOf(_),
                Some(token),
            ) => Grant::RefreshToken(token),
            (
                OAuthGrant::AuthorizationCode { .. }
                | OAuthGrant::DeviceCode { .. }
                | OAuthGrant::OnBehalfOf(_),
                None,
            ) => {
                tokens.release(&connection.id, owner).await?;
                return Err(diagnosed(oauth::diagnose_finding(
                    Finding::NeverAuthorized,
                    loaded.rules,
                    &oauth.scope,
                )));
            }
        };
        match self.ask_in_time(loaded, connection, oauth, &grant).await {
            Ok((token_set, proved)) => self.keep(loaded, connection, row, token_set, proved).await,
            Err(failure) => {
                let refused = Refusal {
                    failure,
                    crashed: crashed && matches!(grant, Grant::RefreshToken(_)),
                };
                self.refuse(loaded, connection, oauth, &row, refused).await
            }
        }
    }

    /// The token request, ended by its deadline, which is shorter than the lease.
    async fn ask_in_time(
        &self,
        loaded: &Loaded,
        connection: &Connection,
        oauth: &OAuth,
        grant: &Grant<'_>,
    ) -> Result<(TokenSet, Proved), TokenFailure> {
        let asking = Asking::of(connection, oauth, &loaded.trust);
        let limit = self.inner.config.timeouts.token;
        failpoint::reach(Place::RenewalIntended);
        let asked = self.inner.ask_patiently(&asking, grant, self.clock());
        let outcome = tokio::time::timeout(limit, asked).await;
        failpoint::reach(Place::RenewalRead);
        outcome.unwrap_or_else(|_| {
            Err(TokenFailure::Send(SendError::Timeout {
                host: crate::http::host_of(&oauth.token_endpoint),
                phase: "complete answer",
                seconds: limit.as_secs(),
            }))
        })
    }

    /// Stores a renewed token, then hands it out.
    async fn keep(
        &self,
        loaded: &Arc<Loaded>,
        connection: &Connection,
        row: TokenRow,
        mut token_set: TokenSet,
        proved: Proved,
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
        failpoint::reach(Place::RenewalStored);
        count("ok");
        let refresh_token = token_set
            .refresh_token
            .clone()
            .or_else(|| before.and_then(|token| token.refresh_token.clone()));
        self.adopt_instance(connection, &token_set).await?;
        let stored = stored(generation, token_set, refresh_token, hints);
        self.stand(connection, |standing, now| {
            failure::settle(standing, connection, loaded.rules, Some(&stored), now);
            failure::learn(standing, connection, proved, now);
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
        let asking = Asking::of(connection, oauth, &loaded.trust);
        let refresh_token = row
            .token
            .as_ref()
            .and_then(|token| token.refresh_token.as_ref());
        let secrets: Vec<&Secret> = asking.secrets().chain(refresh_token).collect();
        let verdict = Verdict::of(&refusal.failure, oauth, loaded.rules, &secrets, now);
        let verdict = if refusal.crashed && verdict.refused_grant {
            verdict.explained_by(Finding::RenewalOutcomeUnknown, loaded.rules, &oauth.scope)
        } else {
            verdict
        };
        count(verdict.class.outcome());
        tracing::warn!(
            connection = %connection.id,
            code = verdict.diagnosis.code,
            "a token request failed"
        );
        let leave_open = verdict.outcome_unknown && oauth.grant.is_delegated();
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

/// What names a token request, without any secret in it: an edit or a new token changes it.
pub(crate) fn fingerprint(connection: &Connection, generation: i64) -> String {
    format!("v{}.g{generation}", connection.version)
}

/// The stored token, if it is newer than a generation and has not expired.
fn newer(row: &TokenRow, than: i64, now: jiff::Timestamp) -> Option<Arc<Held>> {
    let token = row.token.as_ref().filter(|token| token.generation > than)?;
    Held::of(token).filter(|held| held.freshness(now) != Freshness::Expired)
}
