//! A call without a connection: open, or with a policy that the caller holds itself, as flows may write it.
//!
//! The same egress guard, deadlines and caps as for connections. A token lives in memory, as long as the [`Unnamed`] does;
//! nothing is stored. Whoever has a connection uses that instead: its origins are bound, its token is shared and renewed ahead.

use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, header};
use oauth::{AuthenticationMethod, ClientId, Exchange, Freshness, Grant, Scope, Secret, TokenSet};
use store::{OAuth, OAuthGrant};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use crate::credential::{Credential, bearer, redact_bytes, redact_text};
use crate::digest::Login;
use crate::failure::TokenFailure;
use crate::follow::{Bounds, Stopped, Way};
use crate::http::{Incoming, Outgoing, accept_encodings};
use crate::message::{ApiRequest, Redirects, ResponseBody, parse_body, plain_headers_and_body};
use crate::{Connector, SendError, ask::Asking, discovery};

/// How a call without a connection proves who is calling.
pub enum Policy {
    /// Not at all.
    None,
    /// RFC 7617.
    Basic {
        /// The name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// RFC 7616: the server's challenge is answered. Each call begins anew, without what servers said before.
    Digest {
        /// The name.
        username: String,
        /// The password, which is never sent.
        password: Secret,
    },
    /// RFC 6750.
    Bearer(Secret),
    /// A token of the client credentials grant (RFC 6749 §4.4) or of token exchange (RFC 8693).
    ClientCredentials(Box<ClientCredentials>),
}

/// A client that asks for a token of its own, or for one in exchange for another.
pub struct ClientCredentials {
    /// Where to ask.
    pub endpoint: TokenEndpoint,
    /// The client's id.
    pub client_id: ClientId,
    /// Its secret, if it has one.
    pub secret: Option<Secret>,
    /// How it proves itself.
    pub authentication: AuthenticationMethod,
    /// What it asks for.
    pub scope: Scope,
    /// Further parameters, such as `audience`.
    pub parameters: Vec<(String, String)>,
    /// The token that it gives for the one it gets (RFC 8693), and of what type that is, as a URI; without it the client
    /// asks for itself.
    pub subject: Option<(Secret, String)>,
}

/// Where a token endpoint is to be found.
pub enum TokenEndpoint {
    /// Here.
    At(Url),
    /// Where this issuer's metadata says.
    Of(Url),
}

/// A policy and what it has obtained so far.
pub struct Unnamed {
    policy: Policy,
    token: Mutex<Option<TokenSet>>,
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct UnnamedResponse {
    /// The status.
    pub status: u16,
    /// The headers, without `Set-Cookie` and without the policy's secrets.
    pub headers: Vec<(String, String)>,
    /// The body, without the policy's secrets.
    pub body: ResponseBody,
}

/// Why there was no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum UnnamedError {
    /// The request can't be sent as it is.
    #[error("the request can't be sent: {why}")]
    Invalid {
        /// What is wrong.
        why: String,
    },
    /// The server did not answer properly, or may not be reached.
    #[error(transparent)]
    Upstream(SendError),
    /// A redirect that would carry the credential elsewhere, or one too many.
    #[error("the redirect to {host} was not followed: {why}")]
    RedirectBlocked {
        /// Where it pointed.
        host: String,
        /// Why it was not followed.
        why: &'static str,
    },
    /// The server takes no digest authentication, or none that Keyway knows.
    #[error("{host} can't be answered with digest authentication: {why}")]
    Unanswerable {
        /// The server.
        host: String,
        /// What it asks for instead.
        why: String,
    },
    /// The token endpoint gave no token.
    #[error("no token: {what}")]
    Token {
        /// What happened, with the provider's words.
        what: String,
        /// Whether the client was refused, as opposed to an endpoint in trouble.
        refused: bool,
    },
}

impl UnnamedError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            UnnamedError::Invalid { .. } => "request.target_invalid",
            UnnamedError::Upstream(error) => error.code(),
            UnnamedError::RedirectBlocked { .. } => "upstream.redirect_blocked",
            UnnamedError::Unanswerable { .. } => "digest.unanswerable",
            UnnamedError::Token { refused: true, .. } => "token.refused",
            UnnamedError::Token { refused: false, .. } => "idp.unavailable",
        }
    }
}

impl Unnamed {
    /// Keeps a policy; nothing is sent.
    pub fn new(policy: Policy) -> Unnamed {
        Unnamed {
            policy,
            token: Mutex::new(None),
        }
    }
}

impl Connector {
    /// Calls a whole URL without a connection; every answer with a status is `Ok`.
    #[tracing::instrument(name = "call", skip_all)]
    pub async fn call_unnamed(
        &self,
        unnamed: &Unnamed,
        request: ApiRequest,
    ) -> Result<UnnamedResponse, UnnamedError> {
        let url = absolute(&request)?;
        let (mut headers, body) =
            plain_headers_and_body(&request).map_err(|refused| UnnamedError::Invalid {
                why: refused.to_string(),
            })?;
        accept_encodings(&mut headers);
        let deadline = Instant::now() + self.inner.http.timeouts.of_call(request.timeout);
        let limits = (deadline, request.timeout);
        let bare = Outgoing {
            method: request.method.clone(),
            url,
            headers,
            body,
        };
        let (credential, token) = self.policy_credential(unnamed, None).await?;
        let mut answer = self
            .send_unnamed(
                &credential,
                token.as_ref(),
                bare.clone(),
                request.redirects,
                limits,
            )
            .await?;
        let mut used = (credential, token);
        if answer.status == StatusCode::UNAUTHORIZED && used.1.is_some() {
            // The token may have been revoked: one new one, one more try.
            used = self.policy_credential(unnamed, used.1.as_ref()).await?;
            answer = self
                .send_unnamed(&used.0, used.1.as_ref(), bare, request.redirects, limits)
                .await?;
        }
        Ok(response(answer, &used.0.echoes(used.1.as_ref())))
    }

    /// The credential of a policy; `refused` is a token that was just refused.
    async fn policy_credential(
        &self,
        unnamed: &Unnamed,
        refused: Option<&Secret>,
    ) -> Result<(Credential, Option<Secret>), UnnamedError> {
        let invalid = |_| UnnamedError::Invalid {
            why: "a credential holds characters that no header may hold".to_owned(),
        };
        match &unnamed.policy {
            Policy::None => Ok((Credential::None, None)),
            Policy::Basic { username, password } => Credential::basic(username, password)
                .map(|made| (made, None))
                .map_err(invalid),
            Policy::Digest { username, password } => {
                let login = Login {
                    username: username.clone(),
                    password: password.clone(),
                };
                Ok((Credential::Digest(login), None))
            }
            Policy::Bearer(token) => Credential::bearer(token)
                .map(|made| (made, None))
                .map_err(invalid),
            Policy::ClientCredentials(client) => {
                let mut held = unnamed.token.lock().await;
                if let Some(token_set) = held.as_ref()
                    && token_set.freshness(self.clock().now()) != Freshness::Expired
                    && refused != Some(&token_set.access_token)
                {
                    return Ok((Credential::Token, Some(token_set.access_token.clone())));
                }
                let fresh = self.ask_for(client).await?;
                let token = fresh.access_token.clone();
                *held = Some(fresh);
                Ok((Credential::Token, Some(token)))
            }
        }
    }

    async fn ask_for(&self, client: &ClientCredentials) -> Result<TokenSet, UnnamedError> {
        let refused = |what: String| UnnamedError::Token {
            what,
            refused: true,
        };
        let token_endpoint = match &client.endpoint {
            TokenEndpoint::At(url) => url.clone(),
            TokenEndpoint::Of(issuer) => {
                let metadata = discovery::discover(&self.inner.http, &None, issuer)
                    .await
                    .map_err(|error| refused(error.to_string()))?;
                metadata
                    .token_endpoint
                    .as_deref()
                    .and_then(|url| Url::parse(url).ok())
                    .ok_or_else(|| refused(format!("issuer {issuer} names no token endpoint")))?
            }
        };
        let settings = OAuth {
            grant: OAuthGrant::ClientCredentials,
            token_endpoint,
            client_id: client.client_id.clone(),
            client_authentication: client.authentication,
            scope: client.scope.clone(),
            token_parameters: client.parameters.clone(),
            issuer: None,
            iss_required: false,
        };
        let asking = Asking {
            oauth: &settings,
            secret: client.secret.as_ref(),
            older: None,
            claims: None,
            announces: false,
            learned: None,
            trust: &None,
        };
        let exchange = client.subject.as_ref().map(|(token, kind)| Exchange {
            subject_token: token,
            subject_token_type: kind,
            requested_token_type: None,
            audience: None,
        });
        let grant = exchange
            .as_ref()
            .map_or(Grant::ClientCredentials, Grant::TokenExchange);
        let asked = self.inner.ask_patiently(&asking, &grant, self.clock());
        match asked.await {
            Ok((token_set, _)) => Ok(token_set),
            Err(failure) => Err(UnnamedError::Token {
                refused: !failure.is_blip(),
                what: match failure {
                    TokenFailure::Send(error) => error.told(),
                    other => other.to_string(),
                },
            }),
        }
    }

    async fn send_unnamed(
        &self,
        credential: &Credential,
        token: Option<&Secret>,
        bare: Outgoing,
        redirects: Redirects,
        (deadline, first_byte): (Instant, Option<Duration>),
    ) -> Result<Incoming, UnnamedError> {
        let header = token
            .map(bearer)
            .transpose()
            .map_err(|_| UnnamedError::Token {
                what: "the token holds characters that no header may hold".to_owned(),
                refused: true,
            })?;
        let way = Way {
            credential,
            token: header.as_ref(),
            trust: &None,
            redirects,
            bounds: Bounds::Anywhere,
            deadline,
            first_byte,
        };
        match self.inner.http.follow(&way, bare).await {
            Ok(answer) => Ok(answer.incoming),
            Err(Stopped::Failed(error)) => Err(UnnamedError::Upstream(error)),
            Err(Stopped::Blocked { host, why }) => Err(UnnamedError::RedirectBlocked { host, why }),
            Err(Stopped::Unanswerable { host, why }) => {
                Err(UnnamedError::Unanswerable { host, why })
            }
        }
    }
}

/// The URL of a request with its query.
fn absolute(request: &ApiRequest) -> Result<Url, UnnamedError> {
    let invalid = |why: String| UnnamedError::Invalid { why };
    let mut url = Url::parse(&request.target).map_err(|error| {
        invalid(format!(
            "the URL {:?} is not valid: {error}",
            request.target
        ))
    })?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid(
            "a URL must not hold a user name or password: use basic authentication".to_owned(),
        ));
    }
    url.set_fragment(None);
    if !request.query.is_empty() {
        url.query_pairs_mut().extend_pairs(&request.query);
    }
    Ok(url)
}

fn response(incoming: Incoming, echoes: &[&Secret]) -> UnnamedResponse {
    let content_type = incoming
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value: &HeaderValue| value.to_str().ok())
        .unwrap_or_default()
        .to_ascii_lowercase();
    UnnamedResponse {
        status: incoming.status.as_u16(),
        headers: incoming
            .headers
            .iter()
            .filter(|(name, _)| **name != header::SET_COOKIE)
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.to_string(), redact_text(value, echoes))
            })
            .collect(),
        body: parse_body(&content_type, redact_bytes(incoming.body, echoes)),
    }
}

/// A request for a document, such as an API's description.
pub fn get(url: &Url) -> ApiRequest {
    let mut request = ApiRequest::new(Method::GET, url.as_str());
    request.redirects = Redirects::Follow;
    request
}

impl std::fmt::Debug for Unnamed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let policy = match &self.policy {
            Policy::None => "none",
            Policy::Basic { .. } => "basic",
            Policy::Digest { .. } => "digest",
            Policy::Bearer(_) => "bearer",
            Policy::ClientCredentials(_) => "client_credentials",
        };
        f.debug_struct("Unnamed")
            .field("policy", &policy)
            .finish_non_exhaustive()
    }
}
