//! What a person fills in to make or change a connection, as it comes over the wire.
//!
//! One shape for both: to change is to fill in a few fields again. Meaning is given by `check.rs`.

mod stored;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::certificate::Given;
use crate::error::Error;

pub(crate) use stored::type_word;

/// The fields of a connection; everything may be left out, what is needed depends on the type.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Form {
    /// Name of the connection; in a change, its new name.
    pub name: Option<String>,
    /// `microsoft-graph`, `github`, `google`, `salesforce`, `okta`, `keycloak`, `oidc` or `generic`.
    pub preset: Option<String>,
    /// `oauth`, `basic`, `headers`, `query_key`, `bearer` or `none`.
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
    /// Client secret.
    pub client_secret: Option<FormSecret>,
    /// Certificate with its private key, in PEM; implies `private_key_jwt`.
    pub certificate: Option<FormSecret>,
    /// The same as a PKCS#12 file (.pfx, .p12), in base64.
    pub certificate_pkcs12: Option<FormSecret>,
    /// The password of that file; left out: none.
    pub certificate_password: Option<FormSecret>,
    /// Private key that signs assertions of the grant `jwt_bearer`, in PEM, or the JSON file of a Google service account's key.
    pub private_key: Option<FormSecret>,
    /// For whom assertions ask; left out: for the client itself.
    pub subject: Option<String>,
    /// For which server assertions are meant, left out: the token endpoint; with `token_exchange` the service that the token is for.
    pub audience: Option<String>,
    /// What kind of token callers bring with `token_exchange`, as a URI; left out: an access token.
    pub subject_token_type: Option<String>,
    /// Which key signs assertions (`kid`).
    pub key_id: Option<String>,
    /// `automatic`, `client_secret_basic`, `client_secret_post`, `private_key_jwt`, `private_key_jwt_rs256` or `none`.
    pub client_authentication: Option<String>,
    /// Scope, separated by spaces.
    pub scope: Option<String>,
    /// Extra parameters of the authorization request, or of the device authorization request.
    pub authorize_parameters: Option<BTreeMap<String, String>>,
    /// Extra parameters of every token request.
    pub token_parameters: Option<BTreeMap<String, String>>,
    /// Issuer (RFC 9207, RFC 8414).
    pub issuer: Option<String>,
    /// Base URL that paths are taken below.
    pub base_url: Option<String>,
    /// Origins that the credential may be sent to, beside that of the base URL.
    pub origins: Option<Vec<String>>,
    /// User name of type `basic`.
    pub username: Option<String>,
    /// Password of type `basic`.
    pub password: Option<FormSecret>,
    /// Token of type `bearer`.
    pub token: Option<FormSecret>,
    /// Headers of type `headers`, with their values.
    pub headers: Option<BTreeMap<String, FormSecret>>,
    /// Query parameter of type `query_key`.
    pub query_key: Option<QueryKey>,
    /// Certificates to trust beside those of the machine, in PEM.
    pub ca_certificate: Option<String>,
    /// When the secret expires: a date or an RFC 3339 time; empty for "not known".
    pub secret_expires_at: Option<String>,
    /// How many calls may be under way at once in one process.
    pub concurrency: Option<u32>,
    /// Which path below the base URL a test asks for; empty for the usual one.
    pub probe_path: Option<String>,
    /// Says that a token endpoint on another site than the authorization endpoint is meant.
    pub confirm_foreign_token_endpoint: Option<bool>,
    /// Whether to prove the connection after saving it; the default is yes.
    pub prove: Option<bool>,
}

/// The fields of a new connection.
pub type NewConnection = Form;
/// The fields to change.
pub type Change = Form;

/// A key that is sent as a query parameter.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryKey {
    /// Name of the parameter.
    pub name: String,
    /// Its value; left out in a change that keeps it.
    #[serde(default)]
    pub value: Option<FormSecret>,
}

/// A secret on its way in.
#[derive(Debug, Clone)]
pub struct FormSecret(pub oauth::Secret);

impl FormSecret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> FormSecret {
        FormSecret(oauth::Secret::new(text))
    }
}

impl<'de> Deserialize<'de> for FormSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FormSecret, D::Error> {
        String::deserialize(deserializer).map(FormSecret::new)
    }
}

/// Whether a new or changed connection is tried out at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Obtain a token (client credentials) or ask the authorization endpoint (authorization code).
    Now,
    /// Only save.
    Later,
}

impl Form {
    /// Opens a PKCS#12 file among the fields; its certificate stands there as PEM afterwards.
    pub(crate) async fn unpacked(mut self) -> Result<Form, Error> {
        let given = Given {
            pem: self.certificate.take(),
            pkcs12: self.certificate_pkcs12.take(),
            password: self.certificate_password.take(),
        };
        self.certificate = given.unpacked().await?;
        Ok(self)
    }

    /// Whether a secret of any type is among the fields.
    pub(crate) fn brings_secret(&self) -> bool {
        self.client_secret.is_some()
            || self.certificate.is_some()
            || self.private_key.is_some()
            || self.password.is_some()
            || self.token.is_some()
            || self.headers.is_some()
            || self.query_key.is_some()
    }

    /// Lays the fields of a change over those that are stored.
    pub(crate) fn overlay(mut self, change: Form) -> Form {
        fn lay<T>(under: &mut Option<T>, over: Option<T>) {
            if over.is_some() {
                *under = over;
            }
        }
        lay(&mut self.name, change.name);
        lay(&mut self.preset, change.preset);
        lay(&mut self.kind, change.kind);
        lay(&mut self.grant, change.grant);
        lay(&mut self.cloud, change.cloud);
        lay(&mut self.tenant, change.tenant);
        lay(
            &mut self.authorization_endpoint,
            change.authorization_endpoint,
        );
        lay(
            &mut self.device_authorization_endpoint,
            change.device_authorization_endpoint,
        );
        lay(&mut self.token_endpoint, change.token_endpoint);
        lay(&mut self.client_id, change.client_id);
        lay(&mut self.client_secret, change.client_secret);
        lay(&mut self.certificate, change.certificate);
        lay(&mut self.private_key, change.private_key);
        lay(&mut self.subject, change.subject);
        lay(&mut self.audience, change.audience);
        lay(&mut self.key_id, change.key_id);
        lay(&mut self.subject_token_type, change.subject_token_type);
        lay(
            &mut self.client_authentication,
            change.client_authentication,
        );
        lay(&mut self.scope, change.scope);
        lay(&mut self.authorize_parameters, change.authorize_parameters);
        lay(&mut self.token_parameters, change.token_parameters);
        lay(&mut self.issuer, change.issuer);
        lay(&mut self.base_url, change.base_url);
        lay(&mut self.origins, change.origins);
        lay(&mut self.username, change.username);
        lay(&mut self.password, change.password);
        lay(&mut self.token, change.token);
        lay(&mut self.headers, change.headers);
        lay(&mut self.query_key, change.query_key);
        lay(&mut self.ca_certificate, change.ca_certificate);
        lay(&mut self.secret_expires_at, change.secret_expires_at);
        lay(&mut self.concurrency, change.concurrency);
        lay(&mut self.probe_path, change.probe_path);
        lay(
            &mut self.confirm_foreign_token_endpoint,
            change.confirm_foreign_token_endpoint,
        );
        lay(&mut self.prove, change.prove);
        self
    }
}
