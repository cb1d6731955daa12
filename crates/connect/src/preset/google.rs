//! Google: a person (authorization code, device code), or a service account (JWT bearer).
//!
//! A refresh token comes only with `access_type=offline`, and a second time only if consent is asked again.

use oauth::Secret;
use serde::Deserialize;
use store::{PresetName, ScopePlace};

use super::provider::{Audience, Known, Place, Provider};
use crate::error::Error;
use crate::form::{Form, FormSecret};

pub(super) static PROVIDER: Provider = Provider {
    name: PresetName::Google,
    title: "Google",
    place: Place::Known(Known {
        authorization: "https://accounts.google.com/o/oauth2/v2/auth",
        token: "https://oauth2.googleapis.com/token",
        device: Some("https://oauth2.googleapis.com/device/code"),
        api: Some("https://www.googleapis.com"),
        own_api: Some("/"),
        audience: Audience::TokenEndpoint,
        revocation: Some("/revoke"),
    }),
    authorize_parameters: &[("access_type", "offline"), ("prompt", "consent")],
    scope_place: ScopePlace::Assertion,
};

/// What is of use in the JSON file of a service account's key.
#[derive(Deserialize)]
struct ServiceAccount {
    client_email: String,
    private_key: Secret,
    private_key_id: String,
}

/// Takes the key out of a service account's file, if that is what was given in the key's place; what was typed beside it stays.
pub(crate) fn unfold(mut form: Form) -> Result<Form, Error> {
    let Some(given) = form
        .private_key
        .as_ref()
        .filter(|key| key.0.expose().trim_start().starts_with('{'))
    else {
        return Ok(form);
    };
    let account: ServiceAccount = serde_json::from_str(given.0.expose()).map_err(|_| {
        Error::invalid(
            "certificate.key_missing",
            "/private_key",
            "the JSON is no key of a service account: it has client_email, private_key and private_key_id",
        )
        .with_hint("in the Google Cloud console: IAM & Admin → Service Accounts → Keys → Add key, type JSON")
    })?;
    form.private_key = Some(FormSecret(account.private_key));
    form.client_id.get_or_insert(account.client_email);
    form.key_id.get_or_insert(account.private_key_id);
    Ok(form)
}
