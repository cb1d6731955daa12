//! What a failed token request means, and what it does to the connection's standing.
//!
//! The words for the provider's errors are in `oauth`; here are the ones for the wire between.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use oauth::{
    Access, Action, CertificateError, Diagnosis, Finding, MissingSecret, Scope, ScopeRule, Secret,
    State, TokenError, Who,
};
use store::{Authentication, Connection, OAuth, OAuthGrant, Standing, StoredToken};

use crate::ask::{Proved, Which, jittered, later, proof_missing};
use crate::http::SendError;

/// The same failing token request is sent at most this often.
const REST: SignedDuration = SignedDuration::from_secs(60);
/// How long a refused grant is not sent again: it stays refused until somebody signs in.
const GRANT_REST: SignedDuration = SignedDuration::from_hours(1);
/// The shortest wait after trouble that may pass by itself.
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(1);
/// A scope was changed and somebody must sign in again.
pub(crate) const SCOPE_CHANGED: &str = "scope.changed";

/// Why a token request brought no token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenFailure {
    #[error(transparent)]
    Send(#[from] SendError),
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Secret(#[from] MissingSecret),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error("there is no private key to sign with")]
    KeyMissing,
}

impl TokenFailure {
    /// Trouble that is often over in a second, with no word on how long it lasts.
    pub(crate) fn is_blip(&self) -> bool {
        match self {
            TokenFailure::Send(error) => matches!(
                error,
                SendError::Unreachable { .. } | SendError::Malformed { .. }
            ),
            TokenFailure::Token(TokenError::BadResponse { .. }) => true,
            TokenFailure::Token(TokenError::Unavailable {
                status,
                retry_after: None,
                ..
            }) => *status >= 500,
            TokenFailure::Token(_)
            | TokenFailure::Secret(_)
            | TokenFailure::Certificate(_)
            | TokenFailure::KeyMissing => false,
        }
    }
}

/// How a failure is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// It will fail again until somebody acts.
    Definitive,
    /// The provider asks to wait.
    Throttled,
    /// It may pass by itself.
    Transient,
}

impl Class {
    /// How such a failure is counted.
    pub(crate) fn outcome(self) -> &'static str {
        match self {
            Class::Definitive => "refused",
            Class::Throttled => "throttled",
            Class::Transient => "transient",
        }
    }
}

/// A failure, judged.
pub(crate) struct Verdict {
    pub(crate) class: Class,
    pub(crate) diagnosis: Diagnosis,
    /// The request may have been carried out although no usable answer came.
    pub(crate) outcome_unknown: bool,
    /// The provider refused the grant itself.
    pub(crate) refused_grant: bool,
    retry_at: Option<Timestamp>,
}

impl Verdict {
    pub(crate) fn of(
        failure: &TokenFailure,
        oauth: &OAuth,
        rules: ScopeRule,
        secrets: &[&Secret],
        now: Timestamp,
    ) -> Verdict {
        match failure {
            TokenFailure::Secret(error) => Verdict::definitive(oauth::diagnose_finding(
                proof_missing(error.method),
                rules,
                &oauth.scope,
            )),
            TokenFailure::Certificate(error) => {
                let finding = Finding::CertificateMissing;
                let mut diagnosis = oauth::diagnose_finding(finding, rules, &oauth.scope);
                diagnosis.why = format!("The stored one can't be used: {error}.");
                Verdict::definitive(diagnosis)
            }
            TokenFailure::KeyMissing => Verdict::definitive(oauth::diagnose_finding(
                Finding::PrivateKeyMissing,
                rules,
                &oauth.scope,
            )),
            TokenFailure::Send(error) => Verdict::of_send(error),
            TokenFailure::Token(error) => Verdict::of_token(error, oauth, rules, secrets, now),
        }
    }

    fn definitive(diagnosis: Diagnosis) -> Verdict {
        Verdict {
            class: Class::Definitive,
            diagnosis,
            outcome_unknown: false,
            refused_grant: false,
            retry_at: None,
        }
    }

    fn of_send(error: &SendError) -> Verdict {
        let mut verdict = Verdict::definitive(diagnose_send(error));
        if verdict.diagnosis.state == State::Degraded {
            verdict.class = Class::Transient;
        }
        verdict.outcome_unknown = matches!(
            error,
            SendError::Timeout {
                phase: "first byte" | "complete answer",
                ..
            } | SendError::Malformed { .. }
                | SendError::TooLarge { .. }
        );
        verdict
    }

    fn of_token(
        error: &TokenError,
        oauth: &OAuth,
        rules: ScopeRule,
        secrets: &[&Secret],
        now: Timestamp,
    ) -> Verdict {
        let mut diagnosis =
            oauth::diagnose_token_error(error, rules, access(oauth), &oauth.scope, now);
        diagnosis.provider = diagnosis
            .provider
            .map(|provider| provider.redacted(secrets));
        let class = match diagnosis.state {
            State::Waiting => Class::Throttled,
            State::Degraded => Class::Transient,
            _ => Class::Definitive,
        };
        // Secret ID pasted: Entra's text says so for every wrong secret, the shape of ours tells.
        let is_id = secrets.first().is_some_and(|secret| secret.looks_like_id());
        if diagnosis.state == State::NeedsSecret && is_id && diagnosis.code == "client_secret.wrong"
        {
            let provider = diagnosis.provider.take();
            diagnosis = oauth::diagnose_finding(Finding::SecretIsId, rules, &oauth.scope);
            diagnosis.provider = provider;
        }
        let retry_at = diagnosis.retry_at;
        Verdict {
            class,
            outcome_unknown: matches!(error, TokenError::BadResponse { .. })
                || matches!(error, TokenError::Unavailable { status, .. } if !matches!(status, 429 | 503)),
            refused_grant: error
                .provider()
                .is_some_and(|provider| provider.error == "invalid_grant"),
            retry_at,
            diagnosis,
        }
    }

    /// Puts a finding of ours in the place of the explanation; the provider's words stay.
    pub(crate) fn explained_by(
        mut self,
        finding: Finding,
        rules: ScopeRule,
        scope: &Scope,
    ) -> Verdict {
        let provider = self.diagnosis.provider.take();
        self.diagnosis = oauth::diagnose_finding(finding, rules, scope);
        self.diagnosis.provider = provider;
        self
    }
}

/// Explains trouble on the wire to the provider.
pub(crate) fn diagnose_send(error: &SendError) -> Diagnosis {
    match error {
        SendError::Refused(refused) => Diagnosis::new(
            refused.code(),
            State::NeedsSettings,
            "Keyway may not connect to the provider's address.",
            refused.to_string(),
            Who::You,
            Action::ChangeEndpoint,
        )
        .with_advice(refused.hint().unwrap_or_default()),
        SendError::Tls { code, .. } => Diagnosis::new(
            *code,
            State::NeedsSettings,
            "The provider's server is not trusted.",
            error.to_string(),
            Who::You,
            Action::ChangeEndpoint,
        )
        .with_advice("check the URL; give the CA file if the server has a private CA"),
        SendError::Certificates { .. } => Diagnosis::new(
            error.code(),
            State::NeedsSettings,
            "The connection's CA certificate can't be used.",
            error.to_string(),
            Who::You,
            Action::ChangeEndpoint,
        )
        .with_advice("give a PEM file with the certificate of the CA"),
        SendError::Unreachable { .. }
        | SendError::Timeout { .. }
        | SendError::Crowded { .. }
        | SendError::TooLarge { .. }
        | SendError::Malformed { .. } => Diagnosis::new(
            match error {
                SendError::Unreachable { .. } => "provider.unreachable",
                SendError::Timeout { .. } => "provider.timeout",
                _ => "idp.bad_response",
            },
            State::Degraded,
            "The provider could not be asked for a token.",
            error.to_string(),
            Who::Provider,
            Action::Retry,
        )
        .with_advice("Keyway goes on trying; check the network and the URL if it lasts"),
    }
}

/// Notes a failure in the standing; answers the diagnosis with the time of the next try.
pub(crate) fn note(
    standing: &mut Standing,
    verdict: &Verdict,
    fingerprint: String,
    now: Timestamp,
) -> Diagnosis {
    let mut diagnosis = verdict.diagnosis.clone();
    let retry_at = match verdict.class {
        Class::Definitive if verdict.refused_grant && diagnosis.state == State::NeedsUser => {
            add(now, GRANT_REST)
        }
        Class::Definitive => add(now, REST),
        Class::Throttled => add(now, throttled(standing, verdict.retry_at, now)),
        Class::Transient => {
            let wait = lasted(standing, State::Degraded, now);
            add(now, spread(wait, jittered))
        }
    };
    if verdict.class != Class::Definitive {
        diagnosis.retry_at = Some(retry_at);
    }
    set(standing, diagnosis.clone(), now);
    standing.retry_at = Some(retry_at);
    standing.failing_fingerprint = Some(fingerprint);
    diagnosis
}

/// As long as the provider asks, and at least as long as the trouble has lasted: a provider that says "at once", or names
/// a moment that is over, is not asked again at once. A little longer each time, never shorter than was asked.
fn throttled(standing: &Standing, asked: Option<Timestamp>, now: Timestamp) -> SignedDuration {
    let asked = asked.map_or(REST, |at| at.duration_since(now));
    let wait = asked.max(lasted(standing, State::Waiting, now));
    spread(wait, later)
}

/// Exponential: as long again as a state of trouble has lasted, between a second and a minute.
fn lasted(standing: &Standing, trouble: State, now: Timestamp) -> SignedDuration {
    let lasted = if standing.state == trouble {
        now.duration_since(standing.since)
    } else {
        SignedDuration::ZERO
    };
    lasted.clamp(FIRST_WAIT, REST)
}

/// A wait with jitter.
fn spread(wait: SignedDuration, jitter: fn(Duration) -> Duration) -> SignedDuration {
    let wait = Duration::try_from(wait).unwrap_or(Duration::from_secs(1));
    SignedDuration::try_from(jitter(wait)).unwrap_or(REST)
}

/// Why a token request is not sent now: the same one failed, and it is not time to try again.
pub(crate) fn resting(standing: &Standing, fingerprint: &str, now: Timestamp) -> Option<Diagnosis> {
    let same = standing.failing_fingerprint.as_deref() == Some(fingerprint);
    let at = standing.retry_at.filter(|_| same)?;
    standing.diagnosis.clone().filter(|_| now < at)
}

/// Puts a diagnosis into a standing; "since" moves only with the state.
pub(crate) fn set(standing: &mut Standing, diagnosis: Diagnosis, now: Timestamp) {
    // That secrets can't be unsealed is seen as they are read, before anybody has noted it.
    let noted = standing.diagnosis.as_ref().map(|known| known.state);
    let newly = diagnosis.state == State::Unreadable && noted != Some(State::Unreadable);
    if standing.state != diagnosis.state || newly {
        standing.state = diagnosis.state;
        standing.since = now;
    }
    standing.diagnosis = Some(diagnosis);
    standing.retry_at = None;
    standing.failing_fingerprint = None;
}

/// Settles a standing after a token came: `ok`, unless the token is good for nothing.
pub(crate) fn settle(
    standing: &mut Standing,
    connection: &Connection,
    rules: ScopeRule,
    token: Option<&StoredToken>,
    now: Timestamp,
) {
    standing.retry_at = None;
    standing.failing_fingerprint = None;
    // Whatever an API demanded of the token was part of the request that brought this one.
    standing.claims = None;
    let Authentication::OAuth(oauth) = &connection.settings.authentication else {
        return ok(standing, now);
    };
    let Some(token) = token else {
        return ok(standing, now);
    };
    let app_only = matches!(oauth.grant, OAuthGrant::ClientCredentials);
    let roleless = token
        .hints
        .as_ref()
        .is_some_and(|hints| hints.roles.is_empty());
    if app_only && rules == ScopeRule::Entra && roleless {
        let diagnosis = oauth::diagnose_finding(Finding::NoRoles, rules, &oauth.scope);
        return set(standing, diagnosis, now);
    }
    let waits_for_sign_in = standing
        .diagnosis
        .as_ref()
        .is_some_and(|diagnosis| diagnosis.code == SCOPE_CHANGED);
    if waits_for_sign_in {
        let compared = oauth::compare(
            rules,
            &oauth.scope,
            token.scope.as_ref(),
            token.refresh_token.is_some(),
        );
        if !compared.missing.is_empty() {
            return;
        }
    }
    ok(standing, now);
}

/// Nothing is wrong any more.
pub(crate) fn ok(standing: &mut Standing, now: Timestamp) {
    if standing.state != State::Ok {
        standing.state = State::Ok;
        standing.since = now;
    }
    standing.diagnosis = None;
}

/// Remembers which client authentication worked, where the choice was ours.
///
/// A method that worked with the older secret says nothing about the newest, but that one was refused.
pub(crate) fn learn(
    standing: &mut Standing,
    connection: &Connection,
    proved: Proved,
    now: Timestamp,
) {
    if proved.secret == Which::Older {
        standing.newest_refused_at.get_or_insert(now);
        return;
    }
    standing.newest_refused_at = None;
    if let Authentication::OAuth(oauth) = &connection.settings.authentication {
        let several = oauth.client_authentication.candidates(None).len() > 1;
        standing.learned_method = several.then_some(proved.method);
    }
}

pub(crate) fn access(oauth: &OAuth) -> Access {
    if oauth.grant.is_delegated() || oauth.grant.is_per_call() {
        Access::Delegated
    } else {
        Access::AppOnly
    }
}

/// A renewal took longer than callers wait.
pub(crate) fn renewal_slow() -> Diagnosis {
    Diagnosis::new(
        "token.renewal_slow",
        State::Degraded,
        "The renewal of the token takes too long.",
        "Another caller or process is renewing it and has not finished within 35 seconds.",
        Who::Nobody,
        Action::Retry,
    )
    .with_advice("try again; the renewal goes on by itself")
}

/// The connection went away or changed its type while it was being used.
pub(crate) fn gone() -> Diagnosis {
    Diagnosis::new(
        "connection.deleted",
        State::NeedsSettings,
        "The connection was deleted or changed while it was used.",
        "Somebody deleted it, or changed its authentication type.",
        Who::You,
        Action::ReplaceConnection,
    )
}

/// The token holds characters that no header can carry.
pub(crate) fn unusable_token() -> Diagnosis {
    Diagnosis::new(
        "idp.bad_response",
        State::Degraded,
        "The provider gave a token that can't be sent.",
        "The access token holds characters that an HTTP header can't carry.",
        Who::Provider,
        Action::Retry,
    )
}

fn add(now: Timestamp, duration: SignedDuration) -> Timestamp {
    now.saturating_add(duration).unwrap_or(Timestamp::MAX)
}
