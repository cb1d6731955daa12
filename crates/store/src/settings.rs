//! What a connection is made of: the settings that a person typed, the secrets beside them, and how it stands.
//!
//! Settings and standing are stored as JSON and hold no secrets; secrets are stored sealed. No rules of any provider here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oauth::{AuthenticationMethod, ClientId, Diagnosis, Scope, Secret, State};
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use crate::{Error, Origin};

/// Whose rules apply to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PresetName {
    /// Microsoft Entra ID and Graph.
    MicrosoftGraph,
    /// An OpenID Connect issuer, its endpoints found by discovery.
    Oidc,
    /// GitHub, or an installation of GitHub Enterprise.
    #[serde(rename = "github")]
    GitHub,
    /// Google, for a person or a service account.
    Google,
    /// Salesforce.
    Salesforce,
    /// An Okta organization.
    Okta,
    /// A realm of Keycloak.
    Keycloak,
    /// Any API, everything typed by hand.
    Generic,
}

impl PresetName {
    /// The preset's word, as it is stored, shown and used in callback paths.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MicrosoftGraph => "microsoft-graph",
            Self::Oidc => "oidc",
            Self::GitHub => "github",
            Self::Google => "google",
            Self::Salesforce => "salesforce",
            Self::Okta => "okta",
            Self::Keycloak => "keycloak",
            Self::Generic => "generic",
        }
    }
}

/// What a person typed, without the secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Whose rules apply.
    pub preset: PresetName,
    /// `global`, `us-gov`, `china`, a declared cloud's name, or an https origin.
    pub cloud: Option<String>,
    /// Entra's tenant: a domain or a GUID.
    pub tenant: Option<String>,
    /// What a path is relative to.
    pub base_url: Option<Url>,
    /// The only origins that the secret is ever sent to.
    pub origins: Vec<Origin>,
    /// How the connection proves who is calling.
    pub authentication: Authentication,
    /// A certificate authority of the connection's own, as PEM.
    pub ca_certificate: Option<String>,
    /// When the provider will stop taking the secret, as a person was told there.
    #[serde(default)]
    pub secret_expires_at: Option<Timestamp>,
    /// When the secret was entered here.
    #[serde(default)]
    pub secret_added_at: Option<Timestamp>,
    /// The client's secret before that, while both are live at the provider.
    #[serde(default)]
    pub older_secret: Option<OlderSecret>,
    /// How many calls may be under way at once; `None`: as usual.
    #[serde(default)]
    pub concurrency: Option<u32>,
    /// What a test asks the API for, below the base URL; `None`: as usual for the preset.
    #[serde(default)]
    pub probe_path: Option<String>,
}

/// A client's secret or certificate that is tried when the newest is refused; it is in the slot `older_secret`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OlderSecret {
    /// How the client proves itself with it.
    pub method: AuthenticationMethod,
    /// When it was entered here.
    pub added_at: Option<Timestamp>,
    /// When the provider will stop taking it.
    pub expires_at: Option<Timestamp>,
}

/// How a connection proves who is calling; the secrets are in [`Secrets`].
#[expect(
    clippy::large_enum_variant,
    reason = "there is one per connection, and nearly all are the large one"
)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Authentication {
    /// Not at all.
    None,
    /// RFC 7617; the password is in the slot `password`.
    Basic {
        /// The user name.
        username: String,
    },
    /// A fixed bearer token (RFC 6750), in the slot `token`.
    Bearer,
    /// Headers of the API's own; their values are in the slots `header:NAME`.
    Headers {
        /// The headers' names.
        names: Vec<String>,
    },
    /// A query parameter; its value is in the slot `query_key`.
    QueryKey {
        /// The parameter's name.
        name: String,
    },
    /// OAuth 2.0 (RFC 6749); the client secret is in the slot `client_secret`.
    #[serde(rename = "oauth")]
    OAuth(OAuth),
}

/// The settings of an OAuth 2.0 client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OAuth {
    /// How a token is obtained.
    pub grant: OAuthGrant,
    /// Where tokens come from.
    pub token_endpoint: Url,
    /// The client's name at the authorization server.
    pub client_id: ClientId,
    /// How the client proves itself there.
    pub client_authentication: AuthenticationMethod,
    /// What is asked for; may be empty.
    pub scope: Scope,
    /// Further parameters of token requests.
    pub token_parameters: Vec<(String, String)>,
    /// The issuer that callbacks must name, if it is known (RFC 9207).
    pub issuer: Option<String>,
    /// Whether the issuer promises to name itself in each callback.
    #[serde(default)]
    pub iss_required: bool,
}

/// The grants that obtain a first token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "grant_type", rename_all = "snake_case")]
pub enum OAuthGrant {
    /// A person signs in (RFC 6749 §4.1).
    AuthorizationCode {
        /// Where the person is sent.
        authorization_endpoint: Url,
        /// Further parameters of authorization requests.
        parameters: Vec<(String, String)>,
    },
    /// The client asks for itself (RFC 6749 §4.4).
    ClientCredentials,
    /// The client signs for whom it asks (RFC 7523 §2.1); the key is in the slot `private_key`.
    JwtBearer(JwtBearer),
    /// Whoever calls brings a token of their own, for which one is given to call further in their name; nothing is stored.
    OnBehalfOf(OnBehalfOf),
    /// A person types a code on a page of the provider's (RFC 8628).
    DeviceCode {
        /// Where codes come from.
        device_authorization_endpoint: Url,
        /// Further parameters of device authorization requests.
        parameters: Vec<(String, String)>,
    },
}

impl OAuthGrant {
    /// The grant's word, as it is stored and shown.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::AuthorizationCode { .. } => "authorization_code",
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode { .. } => "device_code",
            Self::JwtBearer(_) => "jwt_bearer",
            Self::OnBehalfOf(OnBehalfOf::Assertion) => "on_behalf_of",
            Self::OnBehalfOf(OnBehalfOf::TokenExchange { .. }) => "token_exchange",
        }
    }

    /// Whether a person signs in, whom a refresh token stands for afterwards.
    pub fn is_delegated(&self) -> bool {
        match self {
            Self::AuthorizationCode { .. } | Self::DeviceCode { .. } => true,
            Self::ClientCredentials | Self::JwtBearer(_) | Self::OnBehalfOf(_) => false,
        }
    }

    /// Whether each call brings a token, so that the connection has none of its own.
    pub fn is_per_call(&self) -> bool {
        matches!(self, Self::OnBehalfOf(_))
    }
}

/// How a token that somebody called with is exchanged for one to call further.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum OnBehalfOf {
    /// RFC 7523 §2.1 as Entra extends it: `requested_token_use=on_behalf_of`.
    Assertion,
    /// RFC 8693.
    TokenExchange {
        /// What kind of token callers bring, as a URI.
        subject_token_type: String,
        /// The name of the service that the new token is for.
        audience: Option<String>,
    },
}

/// What assertions say, beside the client's own id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JwtBearer {
    /// For whom tokens are asked; the client itself if there is none.
    pub subject: Option<String>,
    /// For which server assertions are meant.
    pub audience: String,
    /// Which of the client's keys signs.
    pub key_id: Option<String>,
    /// Where the scope is written.
    pub scope_place: ScopePlace,
}

/// Where a token request with an assertion writes its scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopePlace {
    /// In the request's own parameter (RFC 7521 §4.1).
    Parameter,
    /// In the assertion, as Google reads it.
    Assertion,
}

/// A connection's secrets by slot: `client_secret`, `certificate`, `private_key`, `password`, `token`, `header:NAME`, `query_key`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Secrets(BTreeMap<String, Secret>);

impl Secrets {
    /// No secrets at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds or replaces one secret.
    #[must_use]
    pub fn with(mut self, slot: impl Into<String>, secret: Secret) -> Self {
        self.0.insert(slot.into(), secret);
        self
    }

    /// The secret in a slot.
    pub fn get(&self, slot: &str) -> Option<&Secret> {
        self.0.get(slot)
    }

    /// The slots that hold something.
    pub fn slots(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// All slots with their secrets.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.0.iter().map(|(slot, secret)| (slot.as_str(), secret))
    }

    /// Tells whether there is no secret.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn to_sealable(&self) -> Zeroizing<String> {
        let exposed: BTreeMap<&str, &str> = self
            .0
            .iter()
            .map(|(slot, secret)| (slot.as_str(), secret.expose()))
            .collect();
        Zeroizing::new(serde_json::to_string(&exposed).expect("a map of texts is JSON"))
    }

    pub(crate) fn from_sealed(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text).map(Self)
    }
}

impl FromIterator<(String, Secret)> for Secrets {
    fn from_iter<I: IntoIterator<Item = (String, Secret)>>(slots: I) -> Self {
        Self(slots.into_iter().collect())
    }
}

/// How a connection stands; not part of its version, since nobody edits it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The state.
    pub state: State,
    /// Since when.
    pub since: Timestamp,
    /// Why, and who can cure it.
    pub diagnosis: Option<Diagnosis>,
    /// The client authentication that *automatic* found to work.
    pub learned_method: Option<AuthenticationMethod>,
    /// Who signed in.
    pub authorized_by: Option<String>,
    /// When trying again makes sense.
    pub retry_at: Option<Timestamp>,
    /// What the token request looked like that must not be repeated yet.
    pub failing_fingerprint: Option<String>,
    /// Since when the provider refuses the newest secret and takes the older one.
    #[serde(default)]
    pub newest_refused_at: Option<Timestamp>,
    /// What an API demands of the next token: the `claims` parameter of the next token and authorization requests.
    #[serde(default)]
    pub claims: Option<String>,
    /// The last call that the API refused.
    #[serde(default)]
    pub last_failure: Option<CallFailure>,
}

impl Standing {
    /// Whether a call is worth a try: it works, or time alone may cure it.
    pub fn is_usable(&self) -> bool {
        matches!(
            self.state,
            State::Ok | State::Renewing | State::Waiting | State::Degraded
        )
    }

    /// A state without anything learned yet.
    pub fn new(state: State, since: Timestamp) -> Self {
        Self {
            state,
            since,
            diagnosis: None,
            learned_method: None,
            authorized_by: None,
            retry_at: None,
            failing_fingerprint: None,
            newest_refused_at: None,
            claims: None,
            last_failure: None,
        }
    }
}

/// A call that the API refused, kept so that it can still be explained after a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallFailure {
    /// When.
    pub at: Timestamp,
    /// The method.
    pub method: String,
    /// The host.
    pub host: String,
    /// The path, without the query.
    pub path: String,
    /// The HTTP status.
    pub status: u16,
    /// The API's error code.
    pub code: Option<String>,
    /// The API's message.
    pub message: Option<String>,
    /// The API's request id.
    pub request_id: Option<String>,
}

/// Writes a value of this module as the JSON of its column.
pub(crate) fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("records are JSON")
}

/// Reads a value of this module from the JSON of its column.
pub(crate) fn from_json<'a, T: Deserialize<'a>>(what: &str, text: &'a str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::stored(what, error))
}
