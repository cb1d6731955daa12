//! Changing a connection: what decides where or how a secret is sent wipes secrets and tokens.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oauth::{Action, Diagnosis, State, Who};
use serde::Serialize;
use store::{
    Actor, Authentication, Connection, ConnectionName, Edit, OAuth, OAuthGrant, OnBehalfOf,
    PresetName, Secrets, Settings, Standing, StoredToken, WipeTokens,
};

use crate::Connector;
use crate::card::Card;
use crate::certificate;
use crate::check::Kept;
use crate::create::{first_standing, name};
use crate::error::Error;
use crate::failure::{self, SCOPE_CHANGED};
use crate::form::{Change, Form, QueryKey};
use crate::preset::provider::{self, Provider};

/// What a change came to.
#[derive(Debug, Clone, Serialize)]
pub struct Changed {
    /// The connection as it is now.
    #[serde(rename = "connection")]
    pub card: Card,
    /// What was wiped: secret slots, `access_token`, `refresh_token`.
    pub wiped: Vec<String>,
}

impl Connector {
    /// Changes some fields of a connection.
    pub async fn change(
        &self,
        actor: &Actor,
        current_name: &ConnectionName,
        expected_version: Option<i64>,
        change: Change,
    ) -> Result<Changed, Error> {
        let connection = self.find(actor, current_name).await?;
        if expected_version.is_some_and(|expected| expected != connection.version) {
            return Err(Error::Version {
                name: connection.name.to_string(),
                current: connection.version,
            });
        }
        let new_name = match &change.name {
            Some(_) => Some(name(&change)?),
            None => None,
        };
        let proves = change.prove != Some(false);
        let confirms = change.confirm_foreign_token_endpoint;
        let dated = change.secret_expires_at.is_some() || change.certificate.is_some();
        let (mut stored, kept) = Form::of(&connection.settings, &change);
        stored.confirm_foreign_token_endpoint = confirms.or(stored.confirm_foreign_token_endpoint);
        let mut checked = Box::pin(self.check(stored.overlay(change), kept)).await?;
        let decided = decide(&connection, &mut checked.settings, &checked.secrets);
        let token = self.inner.store.tokens().read(&connection.id).await?.token;
        let mut wiped = decided.wiped;
        if !wiped.is_empty() && !dated {
            checked.settings.secret_expires_at = None;
        }
        if let (WipeTokens::Wipe, Some(token)) = (decided.tokens, &token)
            && decided.moved
        {
            wiped.push("access_token".to_owned());
            wiped.extend(
                token
                    .refresh_token
                    .as_ref()
                    .map(|_| "refresh_token".to_owned()),
            );
        }
        let after = Connection {
            settings: checked.settings.clone(),
            secrets: decided
                .secrets
                .clone()
                .or_else(|| connection.secrets.clone()),
            ..connection.clone()
        };
        let now = self.clock().now();
        let standing = standing_after(decided.effect, &connection, &after, token.as_ref(), now);
        let edit = Edit {
            name: new_name.clone(),
            settings: checked.settings,
            secrets: decided.secrets,
            standing,
            tokens: decided.tokens,
        };
        let name = new_name.unwrap_or_else(|| connection.name.clone());
        let saved = self
            .inner
            .store
            .connections()
            .save(actor, &connection.id, connection.version, edit)
            .await
            .map_err(|error| Error::of_store(error, &name));
        self.inner.known.forget(&connection);
        let saved = saved?;
        if proves && decided.effect != Effect::Nothing {
            Box::pin(self.prove(actor, &saved.name)).await?;
        }
        let mut card = self.card(actor, &saved.name).await?;
        card.recognised = checked.recognised.then_some(true);
        Ok(Changed { card, wiped })
    }
}

/// What follows from a change.
struct Decided {
    /// `None` keeps them.
    secrets: Option<Secrets>,
    tokens: WipeTokens,
    /// Where or how secrets are sent has changed.
    moved: bool,
    wiped: Vec<String>,
    effect: Effect,
}

/// What a change means for the standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// As if it were new.
    Anew,
    /// A person may have to consent to the new scope.
    Scope,
    /// Worth a try.
    Prove,
    /// None.
    Nothing,
}

fn decide(connection: &Connection, settings: &mut Settings, given: &Secrets) -> Decided {
    let before = &connection.settings;
    let moved = moved(before, settings);
    if !moved && !brings_proof(given) {
        settings.secret_added_at = before.secret_added_at;
        settings.older_secret = before.older_secret;
    }
    if moved {
        // What the same change brings is all there is; the rest must be entered again.
        let wiped = connection
            .secrets
            .iter()
            .flat_map(Secrets::slots)
            .filter(|slot| given.get(slot).is_none())
            .map(str::to_owned)
            .collect();
        return Decided {
            secrets: Some(given.clone()),
            tokens: WipeTokens::Wipe,
            moved,
            wiped,
            effect: Effect::Anew,
        };
    }
    let secrets = (!given.is_empty()).then(|| {
        let kept = connection.secrets.iter().flat_map(Secrets::iter);
        let kept: Secrets = kept
            .filter(|(slot, _)| !replaced(slot, given))
            .map(|(slot, secret)| (slot.to_owned(), secret.clone()))
            .collect();
        given
            .iter()
            .fold(kept, |all, (slot, secret)| all.with(slot, secret.clone()))
    });
    let (scope, app_only) = match (&before.authentication, &settings.authentication) {
        (Authentication::OAuth(before), Authentication::OAuth(after)) => {
            (before.scope != after.scope, !after.grant.is_delegated())
        }
        _ => (false, false),
    };
    let oauth = matches!(settings.authentication, Authentication::OAuth(_));
    let effect = match (scope, app_only) {
        // An app's token is had again for the asking, with the new scope.
        (true, true) => Effect::Anew,
        (true, false) => Effect::Scope,
        (false, _) if secrets.is_some() && !oauth => Effect::Anew,
        (false, _) if secrets.is_some() || !same(before, settings) => Effect::Prove,
        (false, _) => Effect::Nothing,
    };
    Decided {
        secrets,
        tokens: if scope && app_only {
            WipeTokens::Wipe
        } else {
            WipeTokens::Keep
        },
        moved,
        wiped: Vec::new(),
        effect,
    }
}

/// A client proves itself in one way: a certificate takes the place of the secret, and the other way round.
fn replaced(slot: &str, given: &Secrets) -> bool {
    match slot {
        "client_secret" => given.get(certificate::SLOT).is_some(),
        certificate::SLOT => given.get("client_secret").is_some(),
        // What is entered by a change is the only one there is.
        crate::secrets::OLDER => brings_proof(given),
        _ => false,
    }
}

fn brings_proof(given: &Secrets) -> bool {
    given.get("client_secret").is_some() || given.get(certificate::SLOT).is_some()
}

/// Whether nothing changed that a proof could tell: a date and a limit are only remembered.
fn same(before: &Settings, after: &Settings) -> bool {
    let dated = Settings {
        secret_expires_at: before.secret_expires_at,
        secret_added_at: before.secret_added_at,
        older_secret: before.older_secret,
        concurrency: before.concurrency,
        ..after.clone()
    };
    *before == dated
}

/// Whether anything changed that decides where, to whom or as whom a secret is sent.
fn moved(before: &Settings, after: &Settings) -> bool {
    let elsewhere = before.base_url != after.base_url
        || before.origins != after.origins
        || before.tenant != after.tenant
        || before.cloud != after.cloud
        || before.ca_certificate != after.ca_certificate;
    elsewhere || credentials_moved(&before.authentication, &after.authentication)
}

fn credentials_moved(before: &Authentication, after: &Authentication) -> bool {
    match (before, after) {
        (Authentication::OAuth(before), Authentication::OAuth(after)) => {
            let grant = match (&before.grant, &after.grant) {
                (
                    OAuthGrant::AuthorizationCode {
                        authorization_endpoint: before,
                        ..
                    },
                    OAuthGrant::AuthorizationCode {
                        authorization_endpoint: after,
                        ..
                    },
                )
                | (
                    OAuthGrant::DeviceCode {
                        device_authorization_endpoint: before,
                        ..
                    },
                    OAuthGrant::DeviceCode {
                        device_authorization_endpoint: after,
                        ..
                    },
                ) => before != after,
                (OAuthGrant::JwtBearer(before), OAuthGrant::JwtBearer(after)) => before != after,
                (OAuthGrant::OnBehalfOf(before), OAuthGrant::OnBehalfOf(after)) => before != after,
                (OAuthGrant::ClientCredentials, OAuthGrant::ClientCredentials) => false,
                _ => true,
            };
            grant
                || before.token_endpoint != after.token_endpoint
                || before.client_id != after.client_id
        }
        (before, after) => before != after,
    }
}

/// The standing that a change leads to before anything is asked of the provider; `None` keeps it.
fn standing_after(
    effect: Effect,
    before: &Connection,
    after: &Connection,
    token: Option<&StoredToken>,
    now: Timestamp,
) -> Option<Standing> {
    match effect {
        Effect::Anew => Some(first_standing(after, now)),
        Effect::Scope => token.map(|_| {
            let mut standing = before.standing.clone();
            failure::set(&mut standing, scope_changed(), now);
            standing
        }),
        Effect::Prove | Effect::Nothing => None,
    }
}

fn scope_changed() -> Diagnosis {
    Diagnosis::new(
        SCOPE_CHANGED,
        State::NeedsUser,
        "The scope was changed.",
        "The stored token was given for the old scope; a person must agree to the new one.",
        Who::SignedInPerson,
        Action::Reauthorize,
    )
    .with_advice("sign in again; until then the old token is used while it lives")
}

impl Form {
    /// Stored settings as if they had just been typed, prepared for a change.
    fn of(settings: &Settings, change: &Change) -> (Form, Kept) {
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
