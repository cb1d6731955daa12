//! Fills in a connection's card from its stored rows.

use jiff::{SignedDuration, Timestamp};
use oauth::{Access, AuthenticationMethod, Scope, ScopeRule, Secret, State};
use store::{Authentication, Connection, OAuth, OAuthGrant, StoredToken, TokenRow};
use url::Url;

use crate::advice::Situation;
use crate::card::{AssertionCard, Card, Identity, TokenCard, Warning};
use crate::certificate;
use crate::error::Error;
use crate::failure::access;
use crate::form::type_word;
use crate::load::origins;
use crate::preset::generic;
use crate::{Connector, preset, secrets};

/// So long before a secret expires the card begins to say so.
const SECRET_WARNING: SignedDuration = SignedDuration::from_hours(30 * 24);

impl Connector {
    /// The card of a connection.
    pub(crate) async fn show(&self, connection: &Connection) -> Result<Card, Error> {
        let row = self.inner.store.tokens().read(&connection.id).await?;
        Ok(self.fill_in(connection, &row))
    }

    /// The card of a connection whose token row is at hand.
    pub(crate) fn fill_in(&self, connection: &Connection, row: &TokenRow) -> Card {
        let now = self.clock().now();
        let settings = &connection.settings;
        let rules = preset::rules(settings);
        let token = row.token.as_ref();
        let oauth = match &settings.authentication {
            Authentication::OAuth(oauth) => Some(oauth),
            _ => None,
        };
        let (authorization_endpoint, device_authorization_endpoint) =
            oauth.map_or((None, None), endpoints);
        let (username, header_names, query_key_name) = names(&settings.authentication);
        let redirect_uri =
            authorization_endpoint.map(|_| self.callback_url(&self.callback_path(connection)));
        let admin_consent = self.admin_consent(connection);
        let situation = Situation {
            connection,
            redirect_uri: redirect_uri.as_ref(),
            admin_consent: admin_consent.as_ref(),
            renewable: token.is_some_and(|token| token.refresh_token.is_some()),
            now,
        };
        let token_card = oauth
            .zip(token)
            .map(|(oauth, token)| token_card(oauth, token, rules, now));
        Card {
            id: connection.id.to_string(),
            name: connection.name.to_string(),
            version: connection.version,
            preset: settings.preset.as_str().to_owned(),
            recognised: None,
            kind: type_word(&settings.authentication).to_owned(),
            grant: oauth.map(|oauth| oauth.grant.as_str().to_owned()),
            cloud: settings.cloud.clone(),
            tenant: settings.tenant.clone(),
            client_id: oauth.map(|oauth| oauth.client_id.to_string()),
            client_authentication: oauth
                .map(|oauth| oauth.client_authentication.as_str().to_owned()),
            client_authentication_used: oauth.and_then(|oauth| used(connection, oauth, token)),
            authorization_endpoint: authorization_endpoint.map(Url::to_string),
            device_authorization_endpoint: device_authorization_endpoint.map(Url::to_string),
            assertion: oauth.and_then(assertion),
            token_endpoint: oauth.map(|oauth| oauth.token_endpoint.to_string()),
            scope: oauth.map(|oauth| oauth.scope.to_string()),
            issuer: oauth.and_then(|oauth| oauth.issuer.clone()),
            base_url: settings.base_url.as_ref().map(Url::to_string),
            origins: origins(settings).iter().map(ToString::to_string).collect(),
            username,
            header_names,
            query_key_name,
            redirect_uri: redirect_uri.as_ref().map(Url::to_string),
            admin_consent_url: admin_consent.as_ref().map(Url::to_string),
            state: state(connection, row, now),
            state_since: connection.standing.since,
            diagnosis: connection
                .standing
                .diagnosis
                .as_ref()
                .map(|diagnosis| situation.advise(diagnosis)),
            identity: token.and_then(|token| oauth.and_then(|oauth| identity(oauth, token))),
            authorized_by: connection.standing.authorized_by.clone(),
            warnings: warnings(connection, rules, token, token_card.as_ref(), now),
            token: token_card,
            certificate: certificate::shown(connection),
            secrets: secrets::shown(connection),
            secret_expires_at: settings.secret_expires_at,
            concurrency: settings.concurrency,
            probe_path: settings.probe_path.clone(),
            tested: None,
            created_by: connection.created_by.clone(),
            created_at: connection.created_at,
            updated_at: connection.updated_at,
        }
    }
}

/// Where people are sent, and where a device asks for its code: the grant has one of them, or none.
fn endpoints(oauth: &OAuth) -> (Option<&Url>, Option<&Url>) {
    match &oauth.grant {
        OAuthGrant::AuthorizationCode {
            authorization_endpoint,
            ..
        } => (Some(authorization_endpoint), None),
        OAuthGrant::DeviceCode {
            device_authorization_endpoint,
            ..
        } => (None, Some(device_authorization_endpoint)),
        _ => (None, None),
    }
}

/// What is no secret of a fixed credential: a username, the names of headers, the name of a query parameter.
fn names(authentication: &Authentication) -> (Option<String>, Vec<String>, Option<String>) {
    match authentication {
        Authentication::Basic { username } => (Some(username.clone()), Vec::new(), None),
        Authentication::Headers { names } => (None, names.clone(), None),
        Authentication::QueryKey { name } => (None, Vec::new(), Some(name.clone())),
        _ => (None, Vec::new(), None),
    }
}

/// The stored state; `unreadable` and `renewing` are seen from the rows.
fn state(connection: &Connection, row: &TokenRow, now: Timestamp) -> State {
    let needs_secrets = !matches!(connection.settings.authentication, Authentication::None);
    if (connection.secrets.is_none() && needs_secrets) || row.unreadable {
        return State::Unreadable;
    }
    let renewing = row.lease.as_ref().is_some_and(|lease| lease.until > now);
    if connection.standing.state == State::Ok && renewing {
        return State::Renewing;
    }
    connection.standing.state
}

fn assertion(oauth: &OAuth) -> Option<AssertionCard> {
    let OAuthGrant::JwtBearer(says) = &oauth.grant else {
        return None;
    };
    Some(AssertionCard {
        issuer: oauth.client_id.to_string(),
        subject: says.subject.clone(),
        audience: says.audience.clone(),
        key_id: says.key_id.clone(),
    })
}

fn used(connection: &Connection, oauth: &OAuth, token: Option<&StoredToken>) -> Option<String> {
    match oauth.client_authentication {
        AuthenticationMethod::Automatic | AuthenticationMethod::PrivateKeyJwt => connection
            .standing
            .learned_method
            .map(|method| method.as_str().to_owned()),
        method => token.map(|_| method.as_str().to_owned()),
    }
}

fn identity(oauth: &OAuth, token: &StoredToken) -> Option<Identity> {
    let hints = token.hints.as_ref()?;
    let app = !oauth.grant.is_delegated();
    Some(Identity {
        kind: if app { "app" } else { "user" }.to_owned(),
        name: hints.name.clone(),
        username: hints.username.clone(),
        id: hints.object_id.clone().or_else(|| hints.subject.clone()),
        tenant: hints.tenant.clone(),
        audience: hints.audience.clone(),
        hint: true,
    })
}

fn token_card(oauth: &OAuth, token: &StoredToken, rules: ScopeRule, now: Timestamp) -> TokenCard {
    let app = !oauth.grant.is_delegated();
    let permissions = token
        .hints
        .as_ref()
        .map(|hints| hints.roles.clone())
        .unwrap_or_default();
    // RFC 6749 §5.1: an answer without a scope grants what was asked; Entra's app-only answers never have one.
    let hinted = app && token.scope.is_none() && rules == ScopeRule::Entra;
    let compared = oauth::compare(
        rules,
        &oauth.scope,
        token.scope.as_ref(),
        token.refresh_token.is_some(),
    );
    let renewable = app || token.refresh_token.is_some();
    let margin =
        (token.expires_at.duration_since(token.received_at) / 10).min(SignedDuration::from_mins(5));
    TokenCard {
        generation: token.generation,
        received_at: token.received_at,
        expires_at: token.expires_at,
        expires_in: token.expires_at.duration_since(now).as_secs(),
        expires_in_assumed: token.expires_in_assumed,
        next_renewal: renewable
            .then(|| token.expires_at.saturating_sub(margin).ok())
            .flatten(),
        refresh_token: token.refresh_token.is_some(),
        requested: compared.requested,
        granted: if hinted {
            permissions
        } else {
            compared.granted
        },
        missing: if hinted { Vec::new() } else { compared.missing },
        granted_is_hint: hinted,
    }
}

fn warnings(
    connection: &Connection,
    rules: ScopeRule,
    token: Option<&StoredToken>,
    card: Option<&TokenCard>,
    now: Timestamp,
) -> Vec<Warning> {
    let signs = matches!(&connection.settings.authentication, Authentication::OAuth(oauth)
        if oauth.client_authentication.assertion_form().is_some());
    let what = if signs { "certificate" } else { "secret" };
    let expiry = connection
        .settings
        .secret_expires_at
        .and_then(|expiry| expiry_warning(what, expiry, now));
    let mut warnings: Vec<Warning> = expiry.into_iter().collect();
    if let Authentication::OAuth(oauth) = &connection.settings.authentication {
        warnings.extend(settings_warnings(connection, oauth, rules));
        warnings.extend(token_warnings(connection, oauth, rules, token, card));
    }
    warnings
}

/// What is odd about what was entered, whatever a provider says of it.
fn settings_warnings(connection: &Connection, oauth: &OAuth, rules: ScopeRule) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if connection.standing.newest_refused_at.is_some() {
        warnings.push(warning(
            "secret.newest_refused",
            "the provider refuses the newest secret, the older one is in use: register the newest at the provider, or remove it here",
        ));
    }
    warnings.extend(scope_warnings(connection, oauth, rules));
    let secret = connection
        .secrets
        .as_ref()
        .and_then(|secrets| secrets.get("client_secret"));
    if secret.is_some_and(Secret::looks_like_id) {
        warnings.push(warning(
            "secret.looks_like_id",
            "the client secret is a GUID: that is probably the Secret ID; what is needed is the Value",
        ));
    }
    let tenant = connection.settings.tenant.as_deref().unwrap_or_default();
    let shared = ["common", "organizations", "consumers"]
        .iter()
        .any(|word| word.eq_ignore_ascii_case(tenant));
    if shared && access(oauth) == Access::AppOnly {
        warnings.push(warning(
            "tenant.shared",
            format!("an app can't sign in at \"{tenant}\": app-only needs the tenant itself"),
        ));
    }
    if let OAuthGrant::AuthorizationCode {
        authorization_endpoint,
        ..
    } = &oauth.grant
    {
        let vouched = preset::provider::of(connection.settings.preset)
            .is_some_and(preset::provider::Provider::is_known);
        if !vouched && !generic::same_site(authorization_endpoint, &oauth.token_endpoint) {
            let from = authorization_endpoint.host_str().unwrap_or_default();
            let to = oauth.token_endpoint.host_str().unwrap_or_default();
            warnings.push(warning(
                "endpoint.foreign",
                format!("people sign in at {from}, the code and secret go to {to}"),
            ));
        }
    }
    warnings
}

/// What is odd about the token that came.
fn token_warnings(
    connection: &Connection,
    oauth: &OAuth,
    rules: ScopeRule,
    token: Option<&StoredToken>,
    card: Option<&TokenCard>,
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if oauth.grant.is_delegated() {
        // Where the scope does not ask for it, `scope.no_refresh` has said so above.
        let asked = with_offline_access(&oauth.scope, rules).is_none();
        let ends = |token: &StoredToken| token.refresh_token.is_none() && !token.expires_in_assumed;
        if asked && token.is_some_and(ends) {
            warnings.push(warning(
                "token.no_refresh",
                "no refresh token came: somebody must sign in again whenever the token ends",
            ));
        }
    }
    if let Some(card) = card.filter(|card| !card.missing.is_empty()) {
        let missing = card.missing.join(" ");
        warnings.push(warning(
            "scope.reduced",
            format!("asked for and not granted: {missing}"),
        ));
    }
    if crate::instance::wants_one(&connection.settings) && token.is_some() {
        warnings.push(warning(
            "instance.unknown",
            "the token came without an address of the API that this connection may call: give the base URL, or list its origin",
        ));
    }
    if let Some(card) = card.filter(|card| card.expires_in_assumed) {
        warnings.push(if oauth.grant.is_delegated() && !card.refresh_token {
            warning(
                "token.no_expiry",
                "the provider did not say how long the token lives, and gave nothing to renew it with: it is used until the API refuses it",
            )
        } else {
            warning(
                "token.lifetime_assumed",
                "the provider did not say how long the token lives; five minutes are assumed",
            )
        });
    }
    warnings
}

/// Counts the days down, from the thirtieth on.
fn expiry_warning(what: &str, expiry: Timestamp, now: Timestamp) -> Option<Warning> {
    let left = expiry.duration_since(now);
    if left <= SignedDuration::ZERO {
        return Some(warning(
            "secret.expired",
            format!(
                "the {what}'s expiry date has passed: make a new one at the provider and enter it here"
            ),
        ));
    }
    let days = left.as_hours() / 24;
    (left <= SECRET_WARNING).then(|| {
        let left = match days {
            0 => "in less than a day".to_owned(),
            1 => "in 1 day".to_owned(),
            days => format!("in {days} days"),
        };
        warning(
            "secret.expires_soon",
            format!("the {what} expires {left}: make a new one at the provider and enter it here"),
        )
    })
}

fn scope_warnings(connection: &Connection, oauth: &OAuth, rules: ScopeRule) -> Vec<Warning> {
    let cloud = connection.settings.cloud.as_deref();
    oauth::lint(&oauth.scope.to_string(), rules, access(oauth))
        .into_iter()
        // A generic provider may well know no scope at all.
        .filter(|lint| lint.code != "scope.empty" || rules == ScopeRule::Entra)
        // Nothing is renewed where each call brings a token.
        .filter(|lint| lint.code != "scope.no_refresh" || !oauth.grant.is_per_call())
        .map(|lint| Warning {
            code: lint.code.to_owned(),
            message: lint.message,
            fix: lint.fix.map(|fix| preset::entra::in_cloud(&fix, cloud)),
        })
        .collect()
}

fn warning(code: &str, message: impl Into<String>) -> Warning {
    Warning {
        code: code.to_owned(),
        message: message.into(),
        fix: None,
    }
}

/// The scope with `offline_access`, where that is what a refresh token takes.
pub(crate) fn with_offline_access(scope: &Scope, rules: ScopeRule) -> Option<String> {
    let asked = scope
        .iter()
        .any(|name| name.eq_ignore_ascii_case("offline_access"));
    if asked || rules != ScopeRule::Entra {
        return None;
    }
    oauth::corrected_scope(&scope.to_string(), rules, Access::Delegated)
}
