//! Assertions of a connection's own (RFC 7523 §2.1): the key judged when it is given, an assertion signed for each token request.

use jiff::Timestamp;
use oauth::{AssertionClaims, Secret, SigningKey};
use store::{Connection, JwtBearer, OAuth, ScopePlace};

use crate::ask::fill;
use crate::error::Error;
use crate::failure::TokenFailure;
use crate::form::Form;

/// The slot of the key.
pub(crate) const SLOT: &str = "private_key";

/// Takes the key of a form, sealed later as the key alone.
pub(crate) fn keep(form: &Form, secrets: &mut Vec<(String, Secret)>) -> Result<(), Error> {
    let Some(given) = &form.private_key else {
        return Ok(());
    };
    let key = SigningKey::from_pem(&given.0).map_err(|error| {
        Error::invalid(error.code(), "/private_key", error.to_string()).with_hint(error.hint())
    })?;
    secrets.push((SLOT.to_owned(), key.pem().clone()));
    Ok(())
}

/// The connection's key, as it is stored.
pub(crate) fn key(connection: &Connection) -> Option<&Secret> {
    connection.secrets.as_ref()?.get(SLOT)
}

/// Signs for one token request.
pub(crate) fn sign(
    connection: &Connection,
    oauth: &OAuth,
    says: &JwtBearer,
    now: Timestamp,
) -> Result<Secret, TokenFailure> {
    let pem = key(connection).ok_or(TokenFailure::KeyMissing)?;
    let key = SigningKey::from_pem(pem)?;
    let claims = AssertionClaims {
        issuer: oauth.client_id.as_str(),
        subject: says.subject.as_deref(),
        audience: &says.audience,
        scope: (says.scope_place == ScopePlace::Assertion).then_some(&oauth.scope),
        key_id: says.key_id.as_deref(),
    };
    let mut entropy = [0; 16];
    fill(&mut entropy);
    Ok(key.assertion(&claims, now, entropy)?)
}
