//! The card of a connection: everything about it that may be seen, and what to do next.
//!
//! Made from the stored rows alone; nothing is asked of anybody. Secrets are not in it.

use jiff::Timestamp;
use oauth::{Action, ProviderError, State, Who};
use serde::Serialize;
use store::CallFailure;

use crate::probe::Tested;
use crate::secrets::SecretCard;

/// A connection as shown to people and programs.
#[derive(Debug, Clone, Serialize)]
pub struct Card {
    /// `con_…`.
    pub id: String,
    /// The name that people and flows use.
    pub name: String,
    /// Counts the changes; the `ETag`.
    pub version: i64,
    /// `microsoft-graph`, `github`, `google`, `salesforce`, `okta`, `keycloak`, `oidc` or `generic`.
    pub preset: String,
    /// True if the endpoints were typed and turned out to be the preset's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recognised: Option<bool>,
    /// `oauth`, `basic`, `headers`, `query_key`, `bearer` or `none`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `authorization_code`, `client_credentials`, `device_code`, `jwt_bearer`, `on_behalf_of` or `token_exchange`.
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
    /// Device authorization endpoint.
    pub device_authorization_endpoint: Option<String>,
    /// What assertions say, with `jwt_bearer`.
    pub assertion: Option<AssertionCard>,
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
    /// Where an administrator consents for the whole tenant, if there is such a page.
    pub admin_consent_url: Option<String>,
    /// How it stands.
    pub state: State,
    /// Since when.
    pub state_since: Timestamp,
    /// What is wrong, if something is.
    pub diagnosis: Option<Advice>,
    /// Whom the token speaks for, as its own claims hint.
    pub identity: Option<Identity>,
    /// Who signed in.
    pub authorized_by: Option<String>,
    /// About the stored token, never the token.
    pub token: Option<TokenCard>,
    /// What may be shown of the certificate.
    pub certificate: Option<CertificateCard>,
    /// The client's live secrets and certificates, the newest first; at most two.
    pub secrets: Vec<SecretCard>,
    /// When the secret or certificate expires, if that is known.
    pub secret_expires_at: Option<Timestamp>,
    /// How many calls may be under way at once, if that was set.
    pub concurrency: Option<u32>,
    /// Which path a test asks for, if that was set.
    pub probe_path: Option<String>,
    /// What the API said to the test just made; only in the answer to a test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tested: Option<Tested>,
    /// What should be looked at, though it may work.
    pub warnings: Vec<Warning>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its settings last changed.
    pub updated_at: Timestamp,
}

/// What the assertions of a connection say (RFC 7523 §3).
#[derive(Debug, Clone, Serialize)]
pub struct AssertionCard {
    /// Who signs.
    pub issuer: String,
    /// For whom a token is asked.
    pub subject: Option<String>,
    /// For which server they are meant.
    pub audience: String,
    /// Which key signs.
    pub key_id: Option<String>,
}

/// A certificate as providers list it; never its key.
#[derive(Debug, Clone, Serialize)]
pub struct CertificateCard {
    /// SHA-1 of the certificate in hexadecimal, as Entra's portal shows it.
    pub thumbprint: String,
    /// SHA-256 of the certificate in hexadecimal.
    pub thumbprint_sha256: String,
    /// From when on it holds.
    pub not_before: Timestamp,
    /// Until when it holds.
    pub expires_at: Timestamp,
}

/// A diagnosis with the exact next step for this connection.
#[derive(Debug, Clone, Serialize)]
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
    /// The kind of the next step.
    #[serde(flatten)]
    pub action: Action,
    /// The provider's own words.
    pub provider: Option<ProviderError>,
    /// When it makes sense to try again.
    pub retry_at: Option<Timestamp>,
}

/// Whom a token speaks for; a hint from its claims, never used for decisions.
#[derive(Debug, Clone, Serialize)]
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

/// About a token.
#[derive(Debug, Clone, Serialize)]
pub struct TokenCard {
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

/// Something that should be looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Warning {
    /// Stable code, such as `scope.no_refresh`.
    pub code: String,
    /// What is unusual.
    pub message: String,
    /// The corrected value, where it can be told.
    pub fix: Option<String>,
}

/// Why a connection stands as it stands, and what to do.
#[derive(Debug, Clone, Serialize)]
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
    /// A sign-in that was begun and is not over.
    pub pending_authorization: Option<PendingCard>,
    /// How the newest sign-in ended, as far as this process knows.
    pub last_authorization: Option<LastAuthorization>,
}

/// A sign-in that is over.
#[derive(Debug, Clone, Serialize)]
pub struct LastAuthorization {
    /// When.
    pub ended_at: Timestamp,
    /// `authorized` or `failed`.
    pub result: &'static str,
    /// Why it failed: a stable code.
    pub code: Option<String>,
    /// Why it failed, in words.
    pub detail: Option<String>,
}

/// Details as they came.
#[derive(Debug, Clone, Serialize)]
pub struct Raw {
    /// The provider's error, verbatim but cleaned.
    pub provider: Option<ProviderError>,
    /// Entra's error number, such as `AADSTS7000215`.
    pub aadsts: Option<String>,
    /// The provider's trace id.
    pub trace_id: Option<String>,
    /// The provider's correlation id.
    pub correlation_id: Option<String>,
    /// The last call that the API answered with 401 or 403.
    pub last_call_failure: Option<CallFailure>,
    /// When the same request may be tried again.
    pub retry_at: Option<Timestamp>,
}

/// A sign-in under way.
#[derive(Debug, Clone, Serialize)]
pub struct PendingCard {
    /// When it was begun.
    pub begun_at: Timestamp,
    /// Until when it can be finished.
    pub expires_at: Timestamp,
    /// Where the provider is told to send the browser.
    pub redirect_uri: Option<String>,
    /// Where a code is to be typed instead.
    pub verification_uri: Option<String>,
}
