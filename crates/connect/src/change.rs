//! Changing a connection: what decides where or how a secret is sent wipes secrets and tokens.

use jiff::Timestamp;
use oauth::{Action, Diagnosis, State, Who};
use serde::Serialize;
use store::{
    Actor, Authentication, Connection, ConnectionName, Edit, OAuthGrant, Secrets, Settings,
    Standing, StoredToken, WipeTokens,
};

use crate::Connector;
use crate::belongs;
use crate::card::Card;
use crate::certificate;
use crate::check::Checked;
use crate::create::{first_standing, name};
use crate::error::Error;
use crate::failure::{self, SCOPE_CHANGED};
use crate::form::{Change, Form};

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
        let (stored, kept) = Form::of(&connection.settings, &change);
        belongs::check(&change, Some((stored, &kept)))?;
        let change = change.unpacked().await?;
        let new_name = match &change.name {
            Some(_) => Some(name(&change)?),
            None => None,
        };
        let proves = change.prove != Some(false);
        let confirms = change.confirm_foreign_token_endpoint;
        let dated = if change.secret_expires_at.is_some() || change.certificate.is_some() {
            Expiry::OfNew
        } else {
            Expiry::OfOld
        };
        let (mut stored, kept) = Form::of(&connection.settings, &change);
        stored.confirm_foreign_token_endpoint = confirms.or(stored.confirm_foreign_token_endpoint);
        let about = (actor, connection.id.as_str());
        let mut checked = Box::pin(self.checked(about, stored.overlay(change), kept)).await?;
        let told = std::mem::take(&mut checked.told);
        let prepared = self.prepare(&connection, checked, new_name, dated).await?;
        let name = prepared
            .edit
            .name
            .as_ref()
            .unwrap_or(&connection.name)
            .clone();
        let saved = self
            .inner
            .store
            .connections()
            .save(actor, &connection.id, connection.version, prepared.edit)
            .await
            .map_err(|error| Error::of_store(error, &name));
        self.inner.known.forget(&connection);
        let saved = saved?;
        if proves && prepared.worth_a_try {
            Box::pin(self.prove(actor, &saved.name)).await?;
        }
        let mut card = self.card(actor, &saved.name).await?;
        told.on(&mut card);
        Ok(Changed {
            card,
            wiped: prepared.wiped,
        })
    }

    /// What the checked new settings of a connection come to; nothing is stored yet.
    pub(crate) async fn prepare(
        &self,
        connection: &Connection,
        mut checked: Checked,
        name: Option<ConnectionName>,
        expiry: Expiry,
    ) -> Result<Prepared, Error> {
        let decided = decide(connection, &mut checked.settings, &checked.secrets);
        let token = self.inner.store.tokens().read(&connection.id).await?.token;
        let mut wiped = decided.wiped;
        if !wiped.is_empty() && expiry == Expiry::OfOld {
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
        let standing = standing_after(decided.effect, connection, &after, token.as_ref(), now);
        Ok(Prepared {
            edit: Edit {
                name,
                settings: checked.settings,
                secrets: decided.secrets,
                standing,
                tokens: decided.tokens,
            },
            wiped,
            worth_a_try: decided.effect != Effect::Nothing,
        })
    }
}

/// A change that was thought through and is not stored yet.
pub(crate) struct Prepared {
    pub(crate) edit: Edit,
    /// What it wipes: secret slots, `access_token`, `refresh_token`.
    pub(crate) wiped: Vec<String>,
    /// Whether a proof could tell something new afterwards.
    pub(crate) worth_a_try: bool,
}

/// Whose the day is on which the secret expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// That of the secret which was there before.
    OfOld,
    /// It came with the change.
    OfNew,
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

/// Whether nothing changed that a proof could tell: a date, a limit and a path to test are only remembered.
fn same(before: &Settings, after: &Settings) -> bool {
    let dated = Settings {
        secret_expires_at: before.secret_expires_at,
        secret_added_at: before.secret_added_at,
        older_secret: before.older_secret,
        concurrency: before.concurrency,
        probe_path: before.probe_path.clone(),
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
