//! One question to a token endpoint, and what the answer holds. When to ask is `renewal.rs`.

use std::time::Duration;

use aws_lc_rs::rand;
use bytes::Bytes;
use oauth::{
    AuthenticationMethod, Client, DeviceAuthorization, Finding, Grant, Hints, MissingSecret, Scope,
    Secret, Timestamp, TokenError, TokenSet,
};
use store::{Authentication, Connection, OAuth, OAuthGrant, ScopePlace, StoredToken};
use url::Url;

use crate::assertion;
use crate::certificate;
use crate::failure::TokenFailure;
use crate::http::{Certificates, Limits, Outgoing, SendError};
use crate::refresh::Failed;
use crate::{Inner, preset};

/// How often one renewal tries a provider in trouble.
const TRIES: u32 = 3;

/// What a wait beyond is no longer spread in proportion to.
const LATER_OF: Duration = Duration::from_secs(20);

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

/// The given duration and up to a quarter more, at most five seconds: for a wait that somebody else asked for.
pub(crate) fn later(duration: Duration) -> Duration {
    let mut byte = [0; 1];
    fill(&mut byte);
    let most = duration.min(LATER_OF) / 4;
    duration + most.mul_f64(f64::from(byte[0]) / 255.0)
}

/// What asking a token endpoint needs to know.
pub(crate) struct Asking<'a> {
    pub(crate) oauth: &'a OAuth,
    pub(crate) secret: Option<&'a Secret>,
    /// What is tried when the secret is refused.
    pub(crate) older: Option<(AuthenticationMethod, &'a Secret)>,
    /// What an API demands of the token (OpenID Connect §5.5).
    pub(crate) claims: Option<&'a str>,
    /// Whether the provider is told that challenges of APIs are understood.
    pub(crate) announces: bool,
    pub(crate) learned: Option<AuthenticationMethod>,
    pub(crate) trust: &'a Certificates,
}

impl<'a> Asking<'a> {
    /// What a stored connection proves itself with.
    pub(crate) fn of(
        connection: &'a Connection,
        oauth: &'a OAuth,
        trust: &'a Certificates,
    ) -> Asking<'a> {
        Asking {
            oauth,
            secret: client_secret(connection),
            older: older_secret(connection),
            claims: connection.standing.claims.as_deref(),
            announces: preset::entra::announces(&connection.settings),
            learned: connection.standing.learned_method,
            trust,
        }
    }

    /// Every secret, so that none is repeated from what a provider says.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &'a Secret> {
        let older = self.older.map(|(_, secret)| secret);
        self.secret.into_iter().chain(older)
    }

    /// The ways in which the client may prove itself, in the order in which they are tried.
    fn proofs(&self) -> Vec<(Proved, Option<&'a Secret>)> {
        let newest = self.oauth.client_authentication.candidates(self.learned);
        let newest = newest.iter().map(|method| {
            let proved = Proved {
                method: *method,
                secret: Which::Newest,
            };
            (proved, self.secret)
        });
        let older = self.older.into_iter().flat_map(|(method, secret)| {
            method.candidates(None).iter().map(move |method| {
                let proved = Proved {
                    method: *method,
                    secret: Which::Older,
                };
                (proved, Some(secret))
            })
        });
        newest.chain(older).collect()
    }

    fn parameters(&self) -> Vec<(String, String)> {
        let mut parameters = self.oauth.token_parameters.clone();
        demand(&mut parameters, self.claims, self.announces);
        parameters
    }
}

/// Puts what is demanded of the token into a request, in the place of what its settings ask for; adds to it, where the
/// client announces that, that challenges are understood.
pub(crate) fn demand(
    parameters: &mut Vec<(String, String)>,
    claims: Option<&str>,
    announces: bool,
) {
    let typed = parameters.iter().find(|(name, _)| name == "claims");
    let asked = claims.or(typed.map(|(_, value)| value.as_str()));
    let claims = match asked {
        asked if announces => oauth::understanding_challenges(asked),
        Some(asked) => asked.to_owned(),
        None => return,
    };
    parameters.retain(|(name, _)| name != "claims");
    parameters.push(("claims".to_owned(), claims));
}

/// How the client has proved itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Proved {
    pub(crate) method: AuthenticationMethod,
    pub(crate) secret: Which,
}

/// Which of a connection's secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Which {
    /// The one that was entered last, which is tried first.
    Newest,
    /// The one before.
    Older,
}

impl Inner {
    /// Asks a token endpoint, a few times if it is in trouble and does not say for how long.
    pub(crate) async fn ask_patiently(
        &self,
        asking: &Asking<'_>,
        grant: &Grant<'_>,
        clock: &store::Clock,
    ) -> Result<(TokenSet, Proved), TokenFailure> {
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

    /// Sends one token request; after a refusal that may be for its form, the next way to prove the client.
    pub(crate) async fn ask(
        &self,
        asking: &Asking<'_>,
        grant: &Grant<'_>,
        clock: &store::Clock,
    ) -> Result<(TokenSet, Proved), TokenFailure> {
        let scope = scope_for(asking.oauth, grant);
        let extra = asking.parameters();
        let request = |client: &Client| client.token_request(grant, scope, &extra);
        self.prove(asking, request, oauth::token_response, clock)
            .await
    }

    /// Asks for a code that a person types elsewhere, in the same way.
    pub(crate) async fn ask_for_device(
        &self,
        asking: &Asking<'_>,
        endpoint: &Url,
        parameters: &[(String, String)],
        clock: &store::Clock,
    ) -> Result<(DeviceAuthorization, Proved), TokenFailure> {
        let scope = Some(&asking.oauth.scope);
        let request =
            |client: &Client| client.device_authorization_request(endpoint, scope, parameters);
        self.prove(asking, request, oauth::device_authorization, clock)
            .await
    }

    /// Asks that a token be of no use any more (RFC 7009), in the same way.
    pub(crate) async fn ask_to_revoke(
        &self,
        asking: &Asking<'_>,
        endpoint: &Url,
        token: &Secret,
        clock: &store::Clock,
    ) -> Result<(), TokenFailure> {
        let request = |client: &Client| client.revocation_request(endpoint, token);
        self.prove(asking, request, oauth::revocation_response, clock)
            .await
            .map(|((), _)| ())
    }

    /// Sends a request of the client's, proved in each way that may be right until one is taken.
    async fn prove<T>(
        &self,
        asking: &Asking<'_>,
        request: impl Fn(&Client) -> ::http::Request<Bytes>,
        read: impl Fn(&::http::Response<Bytes>, Timestamp) -> Result<T, TokenError>,
        clock: &store::Clock,
    ) -> Result<(T, Proved), TokenFailure> {
        let oauth = asking.oauth;
        let mut refused = None;
        let mut spent = None;
        for (proved, secret) in asking.proofs() {
            if spent == Some(proved.secret) {
                continue;
            }
            let client = Client {
                id: oauth.client_id.clone(),
                authentication: certificate::proof(oauth, proved.method, secret, clock.now())?,
                token_endpoint: oauth.token_endpoint.clone(),
            };
            let response = self
                .send_token_request(asking.trust, request(&client))
                .await?;
            match read(&response, clock.now()) {
                Ok(answer) => return Ok((answer, proved)),
                Err(TokenError::Refused(error)) if error.error == "invalid_client" => {
                    if !proved.method.may_go_on(&error) {
                        spent = Some(proved.secret);
                    }
                    // What is told in the end is about the newest secret: it is the one that shall work.
                    if proved.secret == Which::Newest || refused.is_none() {
                        refused = Some(error);
                    }
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
            |error| TokenFailure::Token(TokenError::Refused(error)),
        ))
    }

    async fn send_token_request(
        &self,
        trust: &Certificates,
        request: ::http::Request<Bytes>,
    ) -> Result<::http::Response<Bytes>, SendError> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string()).map_err(|error| SendError::Malformed {
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
            first_byte: None,
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
        Grant::ClientCredentials | Grant::OnBehalfOf(_) | Grant::TokenExchange(_) => true,
        Grant::RefreshToken(_) => preset::entra::tenant_of(&oauth.token_endpoint).is_some(),
        Grant::JwtBearer(_) => !matches!(
            &oauth.grant,
            OAuthGrant::JwtBearer(says) if says.scope_place == ScopePlace::Assertion
        ),
        Grant::AuthorizationCode(_) | Grant::DeviceCode(_) => false,
    };
    (named && !oauth.scope.is_empty()).then_some(&oauth.scope)
}

/// What the client proves itself with: its secret, or its certificate with the key.
pub(crate) fn client_secret(connection: &Connection) -> Option<&Secret> {
    let slot = match &connection.settings.authentication {
        Authentication::OAuth(oauth) if oauth.client_authentication.assertion_form().is_some() => {
            certificate::SLOT
        }
        _ => "client_secret",
    };
    connection.secrets.as_ref()?.get(slot)
}

/// What the client proved itself with before, as long as that is live too.
fn older_secret(connection: &Connection) -> Option<(AuthenticationMethod, &Secret)> {
    let older = connection.settings.older_secret?;
    let secret = connection.secrets.as_ref()?.get(crate::secrets::OLDER)?;
    Some((older.method, secret))
}

/// What is missing where a method has nothing to prove the client with.
pub(crate) fn proof_missing(method: AuthenticationMethod) -> Finding {
    match method.assertion_form() {
        Some(_) => Finding::CertificateMissing,
        None => Finding::SecretMissing,
    }
}

/// What a token request would need and the connection does not have.
pub(crate) fn missing(connection: &Connection, oauth: &OAuth) -> Option<Finding> {
    let unproved = oauth.client_authentication != AuthenticationMethod::None
        && client_secret(connection).is_none_or(Secret::is_empty);
    if unproved {
        return Some(proof_missing(oauth.client_authentication));
    }
    let signs = matches!(oauth.grant, OAuthGrant::JwtBearer(_));
    (signs && assertion::key(connection).is_none()).then_some(Finding::PrivateKeyMissing)
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
