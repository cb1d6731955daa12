//! Stored settings as if they had just been typed: what a change is laid over, and what text in version control is made from.

use std::collections::BTreeMap;

use store::{Authentication, OAuth, OAuthGrant, OnBehalfOf, PresetName, Settings};

use super::{Change, Form, QueryKey};
use crate::check::Kept;
use crate::preset::provider::{self, Provider};

impl Form {
    /// Stored settings as if they had just been typed, prepared for a change.
    pub(crate) fn of(settings: &Settings, change: &Change) -> (Form, Kept) {
        let mut kept = Kept::default();
        let mut form = Form {
            base_url: settings.base_url.as_ref().map(ToString::to_string),
            origins: Some(settings.origins.iter().map(ToString::to_string).collect()),
            ca_certificate: settings.ca_certificate.clone(),
            // a new secret has a day of its own, or none that is known
            secret_expires_at: settings
                .secret_expires_at
                .filter(|_| !change.brings_secret())
                .map(|time| time.to_string()),
            concurrency: settings.concurrency,
            probe_path: settings.probe_path.clone(),
            ..Form::default()
        };
        let other_type = change
            .kind
            .as_deref()
            .is_some_and(|kind| kind != type_word(&settings.authentication));
        if other_type {
            return (form, kept);
        }
        form.kind = Some(type_word(&settings.authentication).to_owned());
        match &settings.authentication {
            Authentication::None | Authentication::Bearer => {}
            Authentication::Basic { username } => form.username = Some(username.clone()),
            // Values can't be read back: headers and keys are given whole, or not touched.
            Authentication::Headers { names } => kept.header_names.clone_from(names),
            Authentication::QueryKey { name } => {
                form.query_key = Some(QueryKey {
                    name: name.clone(),
                    value: None,
                });
            }
            Authentication::OAuth(oauth) => {
                form.put_oauth(settings, oauth, change);
                if form.preset.is_none() && form.token_endpoint.is_some() && !types_urls(change) {
                    kept.endpoints = Some((settings.preset, oauth.iss_required));
                }
            }
        }
        (form, kept)
    }

    fn put_oauth(&mut self, settings: &Settings, oauth: &OAuth, change: &Change) {
        self.client_id = Some(oauth.client_id.to_string());
        // Whoever brings a certificate, or a secret in its place, need not say how the client proves itself.
        let signs = oauth.client_authentication.assertion_form().is_some();
        let stays = if signs {
            change.client_secret.is_none()
        } else {
            change.certificate.is_none()
        };
        self.client_authentication = stays.then(|| oauth.client_authentication.as_str().to_owned());
        self.scope = Some(oauth.scope.to_string());
        self.issuer.clone_from(&oauth.issuer);
        self.token_parameters = Some(
            oauth
                .token_parameters
                .iter()
                .cloned()
                .collect::<BTreeMap<_, _>>(),
        );
        self.put_grant(&oauth.grant);
        self.put_endpoints(settings, oauth, change);
    }

    /// What belongs to the grant, but for its endpoint.
    fn put_grant(&mut self, grant: &OAuthGrant) {
        self.grant = Some(grant.as_str().to_owned());
        match grant {
            OAuthGrant::ClientCredentials | OAuthGrant::OnBehalfOf(OnBehalfOf::Assertion) => {}
            OAuthGrant::OnBehalfOf(OnBehalfOf::TokenExchange {
                subject_token_type,
                audience,
            }) => {
                self.subject_token_type = Some(subject_token_type.clone());
                self.audience.clone_from(audience);
            }
            OAuthGrant::JwtBearer(assertion) => {
                self.subject.clone_from(&assertion.subject);
                self.audience = Some(assertion.audience.clone());
                self.key_id.clone_from(&assertion.key_id);
            }
            OAuthGrant::AuthorizationCode { parameters, .. }
            | OAuthGrant::DeviceCode { parameters, .. } => {
                self.authorize_parameters = Some(parameters.iter().cloned().collect());
            }
        }
    }

    /// The preset that knows the endpoints, or else the endpoints, unless the change brings its own.
    fn put_endpoints(&mut self, settings: &Settings, oauth: &OAuth, change: &Change) {
        let types_urls = types_urls(change);
        let moves_cloud = change.cloud.is_some() || change.tenant.is_some();
        let entra = settings.preset == PresetName::MicrosoftGraph;
        if entra
            && !types_urls
            && change
                .preset
                .as_deref()
                .is_none_or(|preset| preset == "microsoft-graph")
        {
            self.preset = Some("microsoft-graph".to_owned());
            self.cloud.clone_from(&settings.cloud);
            self.tenant.clone_from(&settings.tenant);
            if change.cloud.is_some() {
                // The base URL belongs to the cloud, unless it was somebody's own choice.
                self.base_url = None;
            }
            return;
        }
        if entra {
            self.base_url = None;
        }
        if change.preset.is_some() {
            return;
        }
        let provider = provider::of(settings.preset);
        if provider.is_some_and(Provider::is_known) && !types_urls {
            self.preset = Some(settings.preset.as_str().to_owned());
            self.cloud.clone_from(&settings.cloud);
            if change.cloud.is_some() {
                self.base_url = None;
            }
            return;
        }
        self.confirm_foreign_token_endpoint = (!types_urls).then_some(true);
        let has_issuer = settings.preset == PresetName::Oidc || provider.is_some();
        if has_issuer && !types_urls && change.issuer.is_some() {
            self.preset = Some(settings.preset.as_str().to_owned());
            return;
        }
        if moves_cloud && !types_urls {
            return;
        }
        match &oauth.grant {
            OAuthGrant::AuthorizationCode {
                authorization_endpoint,
                ..
            } => self.authorization_endpoint = Some(authorization_endpoint.to_string()),
            OAuthGrant::DeviceCode {
                device_authorization_endpoint,
                ..
            } => {
                self.device_authorization_endpoint =
                    Some(device_authorization_endpoint.to_string());
            }
            _ => {}
        }
        self.token_endpoint = Some(oauth.token_endpoint.to_string());
    }
}

fn types_urls(change: &Change) -> bool {
    change.authorization_endpoint.is_some()
        || change.device_authorization_endpoint.is_some()
        || change.token_endpoint.is_some()
}

/// The word for an authentication type.
pub(crate) fn type_word(authentication: &Authentication) -> &'static str {
    match authentication {
        Authentication::None => "none",
        Authentication::Basic { .. } => "basic",
        Authentication::Bearer => "bearer",
        Authentication::Headers { .. } => "headers",
        Authentication::QueryKey { .. } => "query_key",
        Authentication::OAuth(_) => "oauth",
    }
}
