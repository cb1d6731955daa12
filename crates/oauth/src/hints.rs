//! What a token says about itself, shown to people as a hint and never used for a decision.
//!
//! Nothing here verifies a signature: the tokens come over TLS from the token endpoint, and Graph's can't be verified anyway.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{CallbackError, ClientId, Secret, provider_error::cleaned};

/// The most bytes kept of a claim.
const CLAIM_LIMIT: usize = 256;
/// The most roles kept.
const ROLES_LIMIT: usize = 200;

/// Claims of a token, unverified.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hints {
    /// Display name of the person or app.
    pub name: Option<String>,
    /// `sub`.
    pub subject: Option<String>,
    /// `oid`: the person's or service principal's id in the directory.
    pub object_id: Option<String>,
    /// The name to sign in with.
    pub username: Option<String>,
    /// `tid`: the tenant.
    pub tenant: Option<String>,
    /// `aud`: whom the token is for.
    pub audience: Option<String>,
    /// The client that the token was given to.
    pub app_id: Option<String>,
    /// `roles`: the application permissions.
    pub roles: Vec<String>,
    /// Whether the token speaks for an app, not for a person.
    pub is_app: bool,
}

impl Hints {
    /// Looks into a token, if it is a JWT.
    pub fn from_jwt(token: &Secret) -> Option<Self> {
        let claims = claims(token)?;
        let text = |names: &[&str]| {
            names
                .iter()
                .find_map(|name| claims.get(*name)?.as_str())
                .map(|value| cleaned(value, CLAIM_LIMIT))
                .filter(|value| !value.is_empty())
        };
        let is_app = match claims.get("idtyp").and_then(Value::as_str) {
            Some(kind) => kind.eq_ignore_ascii_case("app"),
            // without `idtyp`: an app's token has no person's claims, and subject and object are one
            None => {
                claims.contains_key("oid")
                    && claims.get("oid") == claims.get("sub")
                    && !["scp", "upn", "preferred_username", "nonce"]
                        .iter()
                        .any(|name| claims.contains_key(*name))
            }
        };
        let names: &[&str] = if is_app {
            &["app_displayname", "name"]
        } else {
            &["name"]
        };
        Some(Self {
            name: text(names),
            subject: text(&["sub"]),
            object_id: text(&["oid"]),
            username: text(&["preferred_username", "upn", "unique_name", "email"]),
            tenant: text(&["tid"]),
            audience: audiences(&claims)
                .next()
                .map(|audience| cleaned(audience, CLAIM_LIMIT)),
            app_id: text(&["appid", "azp"]),
            roles: strings(claims.get("roles"))
                .take(ROLES_LIMIT)
                .map(|role| cleaned(role, CLAIM_LIMIT))
                .collect(),
            is_app,
        })
    }
}

/// Checks that an ID token answers this sign-in: its `aud` is the client, its `nonce` the one that was sent.
pub fn check_id_token(
    id_token: &Secret,
    nonce: Option<&str>,
    client_id: &ClientId,
) -> Result<(), CallbackError> {
    let wrong = |detail| CallbackError::IdToken { detail };
    let claims = claims(id_token).ok_or_else(|| wrong("it can't be read"))?;
    if !audiences(&claims).any(|audience| audience == client_id.as_str()) {
        return Err(wrong("it is meant for another client (aud)"));
    }
    let Some(sent) = nonce else { return Ok(()) };
    match claims.get("nonce").and_then(Value::as_str) {
        Some(received) if Secret::new(received) == Secret::new(sent) => Ok(()),
        Some(_) => Err(wrong("its nonce is another one")),
        None => Err(wrong("it has no nonce")),
    }
}

fn claims(token: &Secret) -> Option<Map<String, Value>> {
    let mut parts = token.expose().split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn audiences(claims: &Map<String, Value>) -> impl Iterator<Item = &str> {
    strings(claims.get("aud"))
}

/// The texts of a claim that is one text or an array of them.
fn strings(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let (one, many) = match value {
        Some(Value::Array(values)) => (None, values.as_slice()),
        other => (other, [].as_slice()),
    };
    one.into_iter().chain(many).filter_map(Value::as_str)
}

#[cfg(test)]
mod tests;
