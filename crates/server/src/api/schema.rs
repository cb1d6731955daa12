//! The shapes of connections as they go over the wire, for the `OpenAPI` document.
//!
//! The values themselves are made in `connect` and `oauth`, which know nothing
//! of `OpenAPI`; a test reads every answer back into these types, so they can't
//! drift apart.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// What an actor may do; each role may do what the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Calls, tests and authorizes.
    Operator,
    /// Manages connections, API keys and users, and reads the audit log.
    Admin,
}

impl From<store::Role> for Role {
    fn from(role: store::Role) -> Role {
        match role {
            store::Role::Viewer => Role::Viewer,
            store::Role::Operator => Role::Operator,
            store::Role::Admin => Role::Admin,
        }
    }
}

impl From<Role> for store::Role {
    fn from(role: Role) -> store::Role {
        match role {
            Role::Viewer => store::Role::Viewer,
            Role::Operator => store::Role::Operator,
            Role::Admin => store::Role::Admin,
        }
    }
}

/// The connection's name in a path.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct NameParameter {
    /// The connection's name.
    #[param(
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9][A-Za-z0-9._-]*$"
    )]
    pub name: String,
}

/// The version that a change is based on.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IfMatch {
    /// The `ETag` of the connection that was read, or `*` for whatever there is.
    #[param(rename = "If-Match")]
    pub if_match: String,
}

/// How a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It works.
    Ok,
    /// A new token is being obtained.
    Renewing,
    /// Nobody has signed in yet.
    NeverAuthorized,
    /// A person must sign in again.
    NeedsUser,
    /// An administrator of the tenant must consent or change a policy.
    NeedsAdmin,
    /// The client secret is missing, wrong or expired.
    NeedsSecret,
    /// Scope, tenant, client id or a URL must be changed.
    NeedsSettings,
    /// Throttled until a known time.
    Waiting,
    /// The provider is in trouble; still trying.
    Degraded,
    /// The stored secret can't be unsealed.
    Unreadable,
}

/// Who can cure a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Nobody has to do anything.
    Nobody,
    /// Whoever manages the connection in Keyway.
    You,
    /// The person whose account the connection uses.
    SignedInPerson,
    /// An administrator of the tenant.
    Administrator,
    /// Whoever owns the app registration (the OAuth client).
    AppOwner,
    /// The provider itself.
    Provider,
}

/// A key that is sent as a query parameter.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryKey {
    /// Name of the parameter.
    pub name: String,
    /// Its value; left out in a change that keeps it.
    #[schema(format = Password)]
    pub value: Option<String>,
}

/// The fields of a new connection; which are needed depends on the type.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConnection {
    /// Name of the connection: 1 to 64 of letters, digits, `.`, `_`, `-`.
    pub name: String,
    /// `microsoft-graph`, `oidc` or `generic`.
    pub preset: Option<String>,
    /// `oauth`, `basic`, `headers`, `query_key`, `bearer` or `none`; a preset implies `oauth`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `authorization_code` or `client_credentials`.
    pub grant: Option<String>,
    /// `global`, `us-gov`, `china`, the name of a declared cloud, or an https origin.
    pub cloud: Option<String>,
    /// Tenant of the Entra preset: its id or a domain of it.
    pub tenant: Option<String>,
    /// Authorization endpoint.
    pub authorization_endpoint: Option<String>,
    /// Token endpoint.
    pub token_endpoint: Option<String>,
    /// Client id.
    pub client_id: Option<String>,
    /// Client secret; never shown again.
    #[schema(format = Password)]
    pub client_secret: Option<String>,
    /// Certificate with its private key (RSA, 2048 bits or more), in PEM; implies `private_key_jwt`; the key is never shown again.
    #[schema(format = Password)]
    pub certificate: Option<String>,
    /// `automatic` (default), `client_secret_basic`, `client_secret_post`, `private_key_jwt`, `private_key_jwt_rs256` or `none`.
    pub client_authentication: Option<String>,
    /// Scope, separated by spaces.
    pub scope: Option<String>,
    /// Extra parameters of the authorization request.
    pub authorize_parameters: Option<BTreeMap<String, String>>,
    /// Extra parameters of every token request.
    pub token_parameters: Option<BTreeMap<String, String>>,
    /// Issuer (RFC 9207, RFC 8414); `oidc` discovers the rest from it.
    pub issuer: Option<String>,
    /// Base URL that paths are taken below.
    pub base_url: Option<String>,
    /// Origins that the credential may be sent to, beside that of the base URL.
    pub origins: Option<Vec<String>>,
    /// User name of type `basic`.
    pub username: Option<String>,
    /// Password of type `basic`.
    #[schema(format = Password)]
    pub password: Option<String>,
    /// Token of type `bearer`.
    #[schema(format = Password)]
    pub token: Option<String>,
    /// Headers of type `headers`, with their values.
    pub headers: Option<BTreeMap<String, String>>,
    /// Query parameter of type `query_key`.
    pub query_key: Option<QueryKey>,
    /// Certificates to trust beside those of the machine, in PEM.
    pub ca_certificate: Option<String>,
    /// When the secret expires: a date (`2027-11-28`) or an RFC 3339 time; empty for "not known".
    pub secret_expires_at: Option<String>,
    /// Says that a token endpoint on another site than the authorization endpoint is meant.
    pub confirm_foreign_token_endpoint: Option<bool>,
    /// Whether to prove the connection after saving it; the default is yes.
    pub prove: Option<bool>,
}

/// The fields to change; what is left out stays. `null` is refused.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Name of the connection; in a change, its new name.
    pub name: Option<String>,
    /// `microsoft-graph`, `oidc` or `generic`.
    pub preset: Option<String>,
    /// `oauth`, `basic`, `headers`, `query_key`, `bearer` or `none`; a preset implies `oauth`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `authorization_code` or `client_credentials`.
    pub grant: Option<String>,
    /// `global`, `us-gov`, `china`, the name of a declared cloud, or an https origin.
    pub cloud: Option<String>,
    /// Tenant of the Entra preset: its id or a domain of it.
    pub tenant: Option<String>,
    /// Authorization endpoint.
    pub authorization_endpoint: Option<String>,
    /// Token endpoint.
    pub token_endpoint: Option<String>,
    /// Client id.
    pub client_id: Option<String>,
    /// Client secret; never shown again.
    #[schema(format = Password)]
    pub client_secret: Option<String>,
    /// Certificate with its private key (RSA, 2048 bits or more), in PEM; implies `private_key_jwt`; the key is never shown again.
    #[schema(format = Password)]
    pub certificate: Option<String>,
    /// `automatic` (default), `client_secret_basic`, `client_secret_post`, `private_key_jwt`, `private_key_jwt_rs256` or `none`.
    pub client_authentication: Option<String>,
    /// Scope, separated by spaces.
    pub scope: Option<String>,
    /// Extra parameters of the authorization request.
    pub authorize_parameters: Option<BTreeMap<String, String>>,
    /// Extra parameters of every token request.
    pub token_parameters: Option<BTreeMap<String, String>>,
    /// Issuer (RFC 9207, RFC 8414); `oidc` discovers the rest from it.
    pub issuer: Option<String>,
    /// Base URL that paths are taken below.
    pub base_url: Option<String>,
    /// Origins that the credential may be sent to, beside that of the base URL.
    pub origins: Option<Vec<String>>,
    /// User name of type `basic`.
    pub username: Option<String>,
    /// Password of type `basic`.
    #[schema(format = Password)]
    pub password: Option<String>,
    /// Token of type `bearer`.
    #[schema(format = Password)]
    pub token: Option<String>,
    /// Headers of type `headers`, with their values.
    pub headers: Option<BTreeMap<String, String>>,
    /// Query parameter of type `query_key`.
    pub query_key: Option<QueryKey>,
    /// Certificates to trust beside those of the machine, in PEM.
    pub ca_certificate: Option<String>,
    /// When the secret expires: a date (`2027-11-28`) or an RFC 3339 time; empty for "not known".
    pub secret_expires_at: Option<String>,
    /// Says that a token endpoint on another site than the authorization endpoint is meant.
    pub confirm_foreign_token_endpoint: Option<bool>,
    /// Whether to prove the connection after saving it; the default is yes.
    pub prove: Option<bool>,
}

/// A certificate as providers list it; never its key.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// SHA-1 of the certificate in hexadecimal, as Entra's portal shows it.
    pub thumbprint: String,
    /// SHA-256 of the certificate in hexadecimal.
    pub thumbprint_sha256: String,
    /// From when on it holds.
    pub not_before: Timestamp,
    /// Until when it holds.
    pub expires_at: Timestamp,
}

/// Something that should be looked at.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Warning {
    /// Stable code, such as `scope.no_refresh`.
    pub code: String,
    /// What is unusual.
    pub message: String,
    /// The corrected value, where it can be told.
    pub fix: Option<String>,
}

/// Whom a token speaks for: a hint from its claims, never used for decisions.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// `user` or `app`.
    pub kind: String,
    /// Name of the person or app.
    pub name: Option<String>,
    /// Sign-in name.
    pub username: Option<String>,
    /// Id of the person or app.
    pub id: Option<String>,
    /// Tenant.
    pub tenant: Option<String>,
    /// Which API the token is for.
    pub audience: Option<String>,
    /// Always true: claims are hints.
    pub hint: bool,
}

/// About the stored token, never the token.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Counts the tokens of this connection.
    pub generation: i64,
    /// When it came.
    pub received_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Seconds until then; negative when past.
    pub expires_in: i64,
    /// True if the provider did not say how long it lives.
    pub expires_in_assumed: bool,
    /// From when on a call renews it behind the scenes.
    pub next_renewal: Option<Timestamp>,
    /// Whether it can be renewed without a person.
    pub refresh_token: bool,
    /// Scope as asked for.
    pub requested: Vec<String>,
    /// Scope as granted.
    pub granted: Vec<String>,
    /// Asked for and not granted.
    pub missing: Vec<String>,
    /// True if `granted` is read from the token's claims.
    pub granted_is_hint: bool,
}

/// A diagnosis with the exact next step for this connection.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Advice {
    /// Stable code, such as `client_secret.wrong`.
    pub code: String,
    /// The state that follows from it.
    pub state: State,
    /// What happened.
    pub what: String,
    /// Why.
    pub why: String,
    /// Who can cure it.
    pub who: Who,
    /// The same as a phrase.
    pub who_text: String,
    /// One sentence with the exact command or place.
    pub next: String,
    /// The command alone.
    pub command: Option<String>,
    /// The page to open, for instance for admin consent.
    pub link: Option<String>,
    /// The kind of the next step, such as `replace_secret`.
    pub action: String,
    /// With `change_scope`: the scope that would work.
    #[serde(default)]
    pub suggestion: Option<String>,
    /// The provider's own words: `error`, `error_codes`, `error_description`, `trace_id`, …
    pub provider: Option<Value>,
    /// When it makes sense to try again.
    pub retry_at: Option<Timestamp>,
}

/// A connection: everything about it that may be seen, and what to do next.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// `con_…`.
    pub id: String,
    /// The name that people and flows use.
    pub name: String,
    /// Counts the changes; the `ETag`.
    pub version: i64,
    /// `microsoft-graph`, `oidc` or `generic`.
    pub preset: String,
    /// True if the endpoints were typed and turned out to be the preset's.
    #[serde(default)]
    pub recognised: Option<bool>,
    /// `oauth`, `basic`, `headers`, `query_key`, `bearer` or `none`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `authorization_code` or `client_credentials`.
    pub grant: Option<String>,
    /// Cloud of the Entra preset.
    pub cloud: Option<String>,
    /// Tenant of the Entra preset.
    pub tenant: Option<String>,
    /// Client id.
    pub client_id: Option<String>,
    /// As chosen.
    pub client_authentication: Option<String>,
    /// What worked, with `automatic`.
    pub client_authentication_used: Option<String>,
    /// Authorization endpoint.
    pub authorization_endpoint: Option<String>,
    /// Token endpoint.
    pub token_endpoint: Option<String>,
    /// Scope as stored.
    pub scope: Option<String>,
    /// Issuer, if one is known.
    pub issuer: Option<String>,
    /// Base URL that paths are taken below.
    pub base_url: Option<String>,
    /// All origins that the credential may be sent to.
    pub origins: Vec<String>,
    /// User name of type `basic`.
    pub username: Option<String>,
    /// Names of the headers of type `headers`.
    pub header_names: Vec<String>,
    /// Name of the parameter of type `query_key`.
    pub query_key_name: Option<String>,
    /// To be registered at the provider.
    pub redirect_uri: Option<String>,
    /// Where an administrator consents for the whole tenant.
    pub admin_consent_url: Option<String>,
    /// How it stands.
    pub state: State,
    /// Since when.
    pub state_since: Timestamp,
    /// What is wrong, if something is.
    pub diagnosis: Option<Advice>,
    /// Whom the token speaks for.
    pub identity: Option<Identity>,
    /// Who signed in.
    pub authorized_by: Option<String>,
    /// About the stored token.
    pub token: Option<Token>,
    /// What may be shown of the certificate.
    pub certificate: Option<Certificate>,
    /// When the secret or certificate expires, if that is known.
    pub secret_expires_at: Option<Timestamp>,
    /// What should be looked at, though it may work.
    pub warnings: Vec<Warning>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its settings last changed.
    pub updated_at: Timestamp,
}

/// Details for a support request, as they came.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Raw {
    /// The provider's error, verbatim but cleaned.
    pub provider: Option<Value>,
    /// Entra's error number, such as `AADSTS7000215`.
    pub aadsts: Option<String>,
    /// The provider's trace id.
    pub trace_id: Option<String>,
    /// The provider's correlation id.
    pub correlation_id: Option<String>,
    /// The last call that the API answered with 401 or 403.
    pub last_call_failure: Option<Value>,
    /// When the same request may be tried again.
    pub retry_at: Option<Timestamp>,
}

/// A sign-in that was begun and has not come back.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PendingAuthorization {
    /// When it was begun.
    pub begun_at: Timestamp,
    /// Until when it can be finished.
    pub expires_at: Timestamp,
    /// Where the provider is told to send the browser.
    pub redirect_uri: String,
}

/// How a sign-in ended.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LastAuthorization {
    /// When.
    pub ended_at: Timestamp,
    /// `authorized` or `failed`.
    pub result: String,
    /// Why it failed: a stable code.
    pub code: Option<String>,
    /// Why it failed, in words.
    pub detail: Option<String>,
}

/// Why a connection stands as it stands, and what to do.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    /// The whole card.
    pub connection: Card,
    /// How it stands.
    pub state: State,
    /// What happened.
    pub what: String,
    /// Why.
    pub why: String,
    /// Who can cure it.
    pub who: String,
    /// One sentence with the exact command or place.
    pub next: String,
    /// The command alone.
    pub command: Option<String>,
    /// The page to open.
    pub link: Option<String>,
    /// Details for a support request.
    pub raw: Raw,
    /// A sign-in that was begun and has not come back.
    pub pending_authorization: Option<PendingAuthorization>,
    /// How the newest sign-in ended, as far as this process knows.
    pub last_authorization: Option<LastAuthorization>,
}

/// The redirect URI of a connection, or of one still to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedirectUri {
    /// `con_…`.
    pub id: String,
    /// The name.
    pub name: String,
    /// What to register at the provider.
    pub redirect_uri: String,
}
