//! Connections as text says them: everything but their secrets and what belongs to one installation alone.
//!
//! Ids, redirect URIs, states, tokens and the days on which secrets expire are not in it, so that the same text holds in several
//! installations. YAML and its places are the caller's business; so are names.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use store::{Authentication, OAuthGrant, PresetName, Settings};
use url::Url;

use crate::Connector;
use crate::check::Kept;
use crate::error::Error;
use crate::fields;
use crate::form::{Change, Form, QueryKey, type_word};
use crate::preset::generic::same_site;
use crate::preset::provider::{self, Place};

/// Words of a connection's form that hold secrets, and so never stand in a text.
pub const SECRET_WORDS: [&str; 9] = [
    "client_secret",
    "certificate",
    "certificate_pkcs12",
    "certificate_password",
    "private_key",
    "password",
    "token",
    "headers",
    "query_key",
];

/// A connection as text says it, its name aside. What is left out is as in a new connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Declared {
    /// `oauth`, `basic`, `headers`, `query_key`, `bearer` or `none`; a preset implies `oauth`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// `microsoft-graph`, `github`, `google`, `salesforce`, `okta`, `keycloak`, `oidc` or `generic`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// `authorization_code`, `client_credentials`, `device_code`, `jwt_bearer`, `on_behalf_of` or `token_exchange`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// `global`, `us-gov`, `china`, the name of a declared cloud, or an https origin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud: Option<String>,
    /// Tenant of the Entra preset: its id or a domain of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Issuer (RFC 9207, RFC 8414).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Authorization endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_endpoint: Option<String>,
    /// Device authorization endpoint (RFC 8628).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_authorization_endpoint: Option<String>,
    /// Token endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<String>,
    /// Says that a token endpoint on another site than the authorization endpoint is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm_foreign_token_endpoint: Option<bool>,
    /// Client id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// `automatic`, `client_secret_basic`, `client_secret_post`, `private_key_jwt`, `private_key_jwt_rs256` or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_authentication: Option<String>,
    /// Scope, separated by spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// For whom assertions ask; left out: for the client itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// For which server assertions are meant; with `token_exchange` the service that the token is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// What kind of token callers bring with `token_exchange`, as a URI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_token_type: Option<String>,
    /// Which key signs assertions (`kid`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// Extra parameters of the authorization request, or of the device authorization request.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub authorize_parameters: BTreeMap<String, String>,
    /// Extra parameters of every token request.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub token_parameters: BTreeMap<String, String>,
    /// Base URL that paths are taken below; left out where it is the preset's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// Origins that the credential may be sent to, beside that of the base URL.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<String>,
    /// User name of type `basic`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Names of the headers of type `headers`; their values are secrets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub header_names: Vec<String>,
    /// Name of the parameter of type `query_key`; its value is a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_key_name: Option<String>,
    /// How many calls may be under way at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// Which path a test asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe_path: Option<String>,
    /// Certificates to trust beside those of the machine, in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_certificate: Option<String>,
}

impl Declared {
    /// Stored settings as text says them; `usual` is the base URL that their preset has by itself.
    fn of(settings: &Settings, usual: Option<&Url>) -> Declared {
        let (form, kept) = Form::of(settings, &Change::default());
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        let mut declared = Declared {
            grant: form.grant,
            cloud: form.cloud,
            tenant: form.tenant,
            issuer: form.issuer,
            authorization_endpoint: form.authorization_endpoint,
            device_authorization_endpoint: form.device_authorization_endpoint,
            token_endpoint: form.token_endpoint,
            client_id: form.client_id,
            client_authentication: form.client_authentication,
            scope: filled(form.scope),
            subject: form.subject,
            audience: form.audience,
            subject_token_type: form.subject_token_type,
            key_id: form.key_id,
            authorize_parameters: form.authorize_parameters.unwrap_or_default(),
            token_parameters: form.token_parameters.unwrap_or_default(),
            base_url: form
                .base_url
                .filter(|url| Some(url.as_str()) != usual.map(Url::as_str)),
            origins: form.origins.unwrap_or_default(),
            username: form.username,
            header_names: kept.header_names,
            query_key_name: form.query_key.map(|key| key.name),
            concurrency: form.concurrency,
            probe_path: form.probe_path,
            ca_certificate: form.ca_certificate,
            ..Declared::default()
        };
        match &settings.authentication {
            Authentication::OAuth(oauth) => {
                // An issuer that does not name itself can't be discovered again.
                let lost = at_issuer(settings.preset) && declared.issuer.is_none();
                let preset = if lost {
                    PresetName::Generic
                } else {
                    settings.preset
                };
                declared.preset = Some(preset.as_str().to_owned());
                let authorization = match &oauth.grant {
                    OAuthGrant::AuthorizationCode {
                        authorization_endpoint: url,
                        ..
                    }
                    | OAuthGrant::DeviceCode {
                        device_authorization_endpoint: url,
                        ..
                    } => Some(url),
                    _ => None,
                };
                let foreign =
                    authorization.is_some_and(|url| !same_site(url, &oauth.token_endpoint));
                declared.confirm_foreign_token_endpoint =
                    (foreign && preset == PresetName::Generic).then_some(true);
            }
            other => declared.kind = Some(type_word(other).to_owned()),
        }
        declared
    }

    /// The form that says the same, and what it leaves to be kept; `stored` are the settings that it is laid over.
    pub(crate) fn to_form(
        &self,
        stored: Option<(&Settings, &Declared)>,
    ) -> Result<(Form, Kept), Error> {
        self.check_header_names()?;
        let mut kept = Kept {
            header_names: self.header_names.clone(),
            ..Kept::default()
        };
        let some = |map: &BTreeMap<String, String>| (!map.is_empty()).then(|| map.clone());
        let kind = self.kind.clone();
        let mut form = Form {
            kind: kind.or_else(|| (!self.header_names.is_empty()).then(|| "headers".to_owned())),
            preset: self.preset.clone(),
            grant: self.grant.clone(),
            cloud: self.cloud.clone(),
            tenant: self.tenant.clone(),
            issuer: self.issuer.clone(),
            authorization_endpoint: self.authorization_endpoint.clone(),
            device_authorization_endpoint: self.device_authorization_endpoint.clone(),
            token_endpoint: self.token_endpoint.clone(),
            confirm_foreign_token_endpoint: self.confirm_foreign_token_endpoint,
            client_id: self.client_id.clone(),
            client_authentication: self.client_authentication.clone(),
            scope: self.scope.clone(),
            subject: self.subject.clone(),
            audience: self.audience.clone(),
            subject_token_type: self.subject_token_type.clone(),
            key_id: self.key_id.clone(),
            authorize_parameters: some(&self.authorize_parameters),
            token_parameters: some(&self.token_parameters),
            base_url: self.base_url.clone(),
            origins: Some(self.origins.clone()),
            username: self.username.clone(),
            query_key: self
                .query_key_name
                .clone()
                .map(|name| QueryKey { name, value: None }),
            concurrency: self.concurrency,
            probe_path: self.probe_path.clone(),
            ca_certificate: self.ca_certificate.clone(),
            ..Form::default()
        };
        if let Some((settings, before)) = stored {
            self.keep(settings, before, &mut form, &mut kept);
        }
        Ok((form, kept))
    }

    /// What a text can't say, and a change of the text does not touch.
    fn keep(&self, settings: &Settings, before: &Declared, form: &mut Form, kept: &mut Kept) {
        form.secret_expires_at = settings.secret_expires_at.map(|time| time.to_string());
        if settings.preset == PresetName::Salesforce && self.preset == before.preset {
            // learned from a token
            form.base_url = form.base_url.take().or_else(|| before.base_url.clone());
        }
        let Authentication::OAuth(oauth) = &settings.authentication else {
            return;
        };
        let same_place = at_issuer(settings.preset)
            && (&self.preset, &self.issuer, &self.token_endpoint)
                == (&before.preset, &before.issuer, &before.token_endpoint)
            && (
                &self.authorization_endpoint,
                &self.device_authorization_endpoint,
            ) == (
                &before.authorization_endpoint,
                &before.device_authorization_endpoint,
            )
            && (self.base_url.is_some() || before.base_url.is_none());
        if same_place {
            // The issuer was asked before: nothing of it is asked again.
            form.preset = None;
            form.confirm_foreign_token_endpoint = Some(true);
            kept.endpoints = Some((settings.preset, oauth.iss_required));
        }
    }

    fn check_header_names(&self) -> Result<(), Error> {
        let mut seen = BTreeSet::new();
        for (at, name) in self.header_names.iter().enumerate() {
            let field = format!("/header_names/{at}");
            fields::header_name(&field, name)?;
            if !seen.insert(name.to_ascii_lowercase()) {
                return Err(Error::invalid(
                    "header.forbidden",
                    field,
                    format!("header {name} is named twice"),
                ));
            }
        }
        if self.header_names.len() > fields::HEADER_LIMIT {
            return Err(fields::headers_missing("/header_names"));
        }
        Ok(())
    }
}

/// Whether a preset finds its endpoints at an issuer.
fn at_issuer(preset: PresetName) -> bool {
    preset == PresetName::Oidc || provider::of(preset).is_some_and(|provider| !provider.is_known())
}

/// The place of a form's complaint in a text: where the words differ, the text's word.
pub(crate) fn in_text(error: Error) -> Error {
    match error {
        Error::Invalid {
            code,
            field,
            message,
            hint,
        } => {
            let field = match field.as_str() {
                "/headers" => "/header_names".to_owned(),
                "/query_key" | "/query_key/name" => "/query_key_name".to_owned(),
                _ => field,
            };
            Error::Invalid {
                code,
                field,
                message,
                hint,
            }
        }
        other => other,
    }
}

impl Connector {
    /// Stored settings as text says them.
    pub(crate) fn declared(&self, settings: &Settings) -> Declared {
        Declared::of(settings, self.usual_base_url(settings).as_ref())
    }

    /// The base URL that a preset has where nobody gives another.
    fn usual_base_url(&self, settings: &Settings) -> Option<Url> {
        if let Some(cloud) = self.inner.clouds.of(settings) {
            return Some(cloud.base_url());
        }
        match &provider::of(settings.preset)?.place {
            Place::Known(known) => {
                let origin = settings
                    .cloud
                    .as_deref()
                    .and_then(|text| Url::parse(text).ok());
                known.at(origin.as_ref()).api
            }
            Place::Issuer(_) => None,
        }
    }
}
