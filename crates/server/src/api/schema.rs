//! The shapes of connections as they go over the wire, for the `OpenAPI` document.
//!
//! The values themselves are made in `connect` and `oauth`, which know nothing
//! of `OpenAPI`; a test reads every answer back into these types, so they can't
//! drift apart.

mod card;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use card::{
    Advice, Assertion, Card, Certificate, Explanation, Identity, LastAuthorization,
    PendingAuthorization, Raw, Token, Warning,
};

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

/// The fields that a new connection and a change have in common, below what is said of the name.
macro_rules! connection_fields {
    ($(#[$about:meta])* $shape:ident, $(#[$of_name:meta])* $name:ty) => {
        $(#[$about])*
        #[derive(Debug, Clone, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $shape {
            $(#[$of_name])*
            pub name: $name,
            /// `microsoft-graph`, `github`, `google`, `salesforce`, `okta`, `keycloak`, `oidc` or `generic`.
            pub preset: Option<String>,
            /// `oauth`, `basic`, `headers`, `query_key`, `bearer` or `none`; a preset implies `oauth`.
            #[serde(rename = "type")]
            pub kind: Option<String>,
            /// `authorization_code`, `client_credentials`, `device_code`, `jwt_bearer`, `on_behalf_of` or `token_exchange`.
            pub grant: Option<String>,
            /// `global`, `us-gov`, `china`, the name of a declared cloud, or an https origin; of other presets, the origin of an installation of one's own.
            pub cloud: Option<String>,
            /// Tenant of the Entra preset: its id or a domain of it.
            pub tenant: Option<String>,
            /// Authorization endpoint.
            pub authorization_endpoint: Option<String>,
            /// Device authorization endpoint (RFC 8628).
            pub device_authorization_endpoint: Option<String>,
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
            /// The same as a PKCS#12 file (.pfx, .p12) of at most 64 KiB, in base64; kept as PEM, sealed.
            #[schema(format = Password)]
            pub certificate_pkcs12: Option<String>,
            /// Password of the PKCS#12 file; left out: none. Not kept.
            #[schema(format = Password)]
            pub certificate_password: Option<String>,
            /// Private key that signs assertions of the grant `jwt_bearer` (RSA), in PEM, or the JSON file of a Google service account's key; never shown again.
            #[schema(format = Password)]
            pub private_key: Option<String>,
            /// For whom assertions ask; left out: for the client itself.
            pub subject: Option<String>,
            /// For which server assertions are meant, left out: the token endpoint; with `token_exchange` the service that the token is for.
            pub audience: Option<String>,
            /// What kind of token callers bring with `token_exchange`, as a URI; left out: an access token.
            pub subject_token_type: Option<String>,
            /// Which key signs assertions (`kid`).
            pub key_id: Option<String>,
            /// `automatic` (default), `client_secret_basic`, `client_secret_post`, `private_key_jwt`, `private_key_jwt_rs256` or `none`.
            pub client_authentication: Option<String>,
            /// Scope, separated by spaces.
            pub scope: Option<String>,
            /// Extra parameters of the authorization request, or of the device authorization request.
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
            /// How many calls may be under way at once in one process; the others wait for their turn. Left out in a new connection: 256.
            #[schema(minimum = 1, maximum = 1000)]
            pub concurrency: Option<u32>,
            /// Which path below the base URL a test asks for with `GET`; empty for the usual one.
            #[schema(max_length = 1024)]
            pub probe_path: Option<String>,
            /// Says that a token endpoint on another site than the authorization endpoint is meant.
            pub confirm_foreign_token_endpoint: Option<bool>,
            /// Whether to prove the connection after saving it; the default is yes.
            pub prove: Option<bool>,
        }
    };
}

connection_fields! {
    /// The fields of a new connection; which are needed depends on the type.
    NewConnection,
    /// Name of the connection: 1 to 64 of letters, digits, `.`, `_`, `-`.
    String
}

connection_fields! {
    /// The fields to change; what is left out stays. `null` is refused.
    Change,
    /// Name of the connection; in a change, its new name.
    Option<String>
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

/// What stands behind an address, in the words of a connection's settings.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Discovered {
    /// The preset that knows this provider, if one does.
    pub preset: Option<String>,
    /// The tenant, where the provider is Entra.
    pub tenant: Option<String>,
    /// The issuer; none where its metadata are those of many (Entra's `common`).
    pub issuer: Option<String>,
    /// Authorization endpoint.
    pub authorization_endpoint: Option<String>,
    /// Device authorization endpoint.
    pub device_authorization_endpoint: Option<String>,
    /// Token endpoint.
    pub token_endpoint: Option<String>,
    /// Whether callbacks must name the issuer (RFC 9207).
    pub iss_required: bool,
    /// The API, where an address of one was given.
    pub resource: Option<String>,
    /// Scopes that the API or the provider lists.
    pub scopes: Vec<String>,
    /// Grants that the provider lists.
    pub grants: Vec<String>,
    /// Client authentication methods that the provider lists.
    pub client_authentications: Vec<String>,
    /// The document that said so.
    pub found_at: String,
}
