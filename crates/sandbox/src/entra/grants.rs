//! The grants: authorization code with PKCE, refresh token, client credentials, device code, on-behalf-of.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::errors::{self, Refusal};
use super::scopes::{self, Names, Target};
use super::token::{Credentials, Proven, user_of};
use super::tokens::{self, AccessToken, ClientInfo, Code, Granted, Refresh};
use super::{Exchange, Form, capability, device, on_behalf_of};
use crate::activity::Issued;
use crate::directory::{Application, Platform};
use crate::guid::Guid;
use crate::log::fingerprint;
use crate::permissions::{GRAPH, GRAPH_URI};
use crate::rotation::Use;
use crate::seal::Purpose;
use crate::world::CODE_LIFETIME;

/// Refresh tokens die when they are not used for this long.
const REFRESH_LIFETIME: SignedDuration = SignedDuration::from_hours(90 * 24);

/// `grant_type=authorization_code`.
pub(crate) fn authorization_code(
    exchange: &Exchange,
    app: &Application,
    form: &Form,
    credentials: &Credentials,
) -> Result<Value, Refusal> {
    let text = form
        .get("code")
        .ok_or_else(|| errors::parameter_missing("code"))?;
    let redirect_uri = form
        .get("redirect_uri")
        .ok_or_else(|| errors::parameter_missing("redirect_uri"))?;
    let code: Option<Code> = exchange.world.keys.sealer.open(Purpose::Code, text);
    // A client proves itself before it learns anything about a code.
    let platform = code.as_ref().map_or_else(
        || app.platform_of(redirect_uri).unwrap_or(Platform::Web),
        |code| code.grant.platform,
    );
    let client = prove(exchange, app, credentials, platform)?;
    let code = code.ok_or_else(errors::malformed_grant)?;
    check_code(exchange, app, form, redirect_uri, &code)?;
    let answer = answer(
        exchange,
        client,
        form,
        &code.grant,
        code.nonce.as_deref(),
        code.grant.session.wall,
    )?;
    if !exchange.world.codes.redeem(code.id, exchange.now) {
        return Err(errors::code_redeemed());
    }
    Ok(answer)
}

fn check_code(
    exchange: &Exchange,
    app: &Application,
    form: &Form,
    redirect_uri: &str,
    code: &Code,
) -> Result<(), Refusal> {
    if code.grant.app_id != app.app_id {
        return Err(errors::foreign_grant());
    }
    if exchange.world.codes.is_redeemed(code.id) {
        return Err(errors::code_redeemed());
    }
    let age = exchange.now.duration_since(code.issued);
    if age >= CODE_LIFETIME || code.mark != exchange.world.codes.mark {
        return Err(errors::code_expired());
    }
    if redirect_uri != code.redirect_uri {
        return Err(errors::reply_address_differs(
            redirect_uri,
            &code.redirect_uri,
        ));
    }
    match (&code.challenge, form.get("code_verifier")) {
        (None, None) => Ok(()),
        (Some(_), Some(verifier)) if !(43..=128).contains(&verifier.len()) => {
            Err(errors::verifier_size())
        }
        (Some(challenge), Some(verifier)) if challenge.answered_by(verifier) => Ok(()),
        _ => Err(errors::verifier_mismatch()),
    }
}

/// `grant_type=refresh_token`.
pub(crate) fn refresh_token(
    exchange: &Exchange,
    app: &Application,
    form: &Form,
    credentials: &Credentials,
) -> Result<Value, Refusal> {
    let text = form
        .get("refresh_token")
        .ok_or_else(|| errors::parameter_missing("refresh_token"))?;
    let refresh: Option<Refresh> = exchange.world.keys.sealer.open(Purpose::Refresh, text);
    let platform = refresh.as_ref().map_or(
        if app.web_redirects.is_empty() && app.passwords.is_empty() && app.certificates.is_empty() {
            Platform::Public
        } else {
            Platform::Web
        },
        |refresh| refresh.grant.platform,
    );
    let client = prove(exchange, app, credentials, platform)?;
    let refresh = refresh.ok_or_else(errors::malformed_grant)?;
    if refresh.grant.app_id != app.app_id {
        return Err(errors::foreign_grant());
    }
    if exchange.now.duration_since(refresh.issued) >= REFRESH_LIFETIME {
        return Err(errors::refresh_token_inactive());
    }
    let used = exchange
        .world
        .rotation
        .r#use(refresh.id, refresh.grant.id, exchange.now);
    if used == Use::Refused {
        return Err(errors::refresh_token_reused());
    }
    answer(exchange, client, form, &refresh.grant, None, refresh.wall)
}

/// `grant_type=urn:ietf:params:oauth:grant-type:device_code`.
pub(crate) fn device_code(
    exchange: &Exchange,
    app: &Application,
    form: &Form,
    credentials: &Credentials,
) -> Result<Value, Refusal> {
    let text = form
        .get("device_code")
        .or_else(|| form.get("code"))
        .ok_or_else(|| errors::parameter_missing("device_code"))?;
    // "Allow public client flows": here, to have redirect URIs of that platform.
    let platform = if credentials.is_empty() && !app.public_redirects.is_empty() {
        Platform::Public
    } else {
        Platform::Web
    };
    let client = prove(exchange, app, credentials, platform)?;
    let grant = Granted {
        platform,
        ..device::redeem(exchange, app, text)?
    };
    answer(exchange, client, form, &grant, None, grant.session.wall)
}

/// `grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer`, which here is on-behalf-of.
pub(crate) fn on_behalf_of(
    exchange: &Exchange,
    app: &Application,
    form: &Form,
    credentials: &Credentials,
) -> Result<Value, Refusal> {
    let client = prove(exchange, app, credentials, Platform::Web)?;
    let grant = on_behalf_of::granted(exchange, app, form)?;
    answer(exchange, client, form, &grant, None, grant.session.wall)
}

fn prove<'a>(
    exchange: &Exchange,
    app: &'a Application,
    credentials: &Credentials,
    platform: Platform,
) -> Result<Proven<'a>, Refusal> {
    match platform {
        Platform::Web => credentials.prove(exchange, app, errors::secret_missing),
        Platform::Public => credentials.prove_public(app),
    }
}

/// The answer of a delegated grant; `issued` is when the grant was made, for revocations.
fn answer(
    exchange: &Exchange,
    client: Proven<'_>,
    form: &Form,
    grant: &Granted,
    nonce: Option<&str>,
    issued: Timestamp,
) -> Result<Value, Refusal> {
    let app = client.app;
    let (user, target, names) = {
        let tenant = exchange.world.directory.read();
        let user = user_of(&tenant, grant.session.user, issued)?;
        exchange.note_user(&user.principal_name);
        let target = match form.get("scope") {
            None => grant.wanted.targets.first().cloned(),
            Some(scope) => {
                scopes::one_resource(scope, &exchange.base)?;
                let wanted = scopes::parse(scope, &tenant, &exchange.base, app)?;
                wanted.targets.into_iter().next()
            }
        };
        let target = target.unwrap_or_else(graph_without_names);
        let names = scopes::effective(&tenant, app.app_id, user.id, target.resource);
        let consented = match &target.names {
            Names::Default => !names.is_empty(),
            Names::Listed(listed) => listed.iter().all(|name| names.contains(name)),
        };
        if !consented {
            return Err(errors::consent_missing(app.app_id, &app.display_name));
        }
        (user, target, names)
    };
    let challenges = capability::announced(form);
    let access = tokens::delegated(
        exchange,
        client,
        (&user, grant),
        &target,
        &names,
        challenges,
    );
    note_token(exchange, app, &target, &names, &access);
    let mut answer = Map::new();
    answer.insert("token_type".to_owned(), json!("Bearer"));
    answer.insert("scope".to_owned(), json!(scopes::answered(&target, &names)));
    answer.insert("expires_in".to_owned(), json!(access.expires_in));
    answer.insert("ext_expires_in".to_owned(), json!(access.expires_in));
    answer.insert("access_token".to_owned(), json!(access.text));
    if grant.wanted.has("offline_access") {
        let refresh = Refresh {
            id: Guid::random(),
            issued: exchange.now,
            wall: exchange.world.clock.wall(),
            grant: grant.clone(),
        };
        let refresh = exchange.world.keys.sealer.seal(Purpose::Refresh, &refresh);
        answer.insert("refresh_token".to_owned(), json!(refresh));
    }
    if grant.wanted.has("openid") {
        let token = tokens::id_token(exchange, &user, grant, nonce, &access);
        answer.insert("id_token".to_owned(), json!(token));
    }
    if grant.client_info == ClientInfo::Wanted || form.get("client_info") == Some("1") {
        let info = tokens::client_info(user.id, exchange.world.tenant);
        answer.insert("client_info".to_owned(), json!(info));
    }
    Ok(Value::Object(answer))
}

/// What a request for OpenID Connect names alone is about.
fn graph_without_names() -> Target {
    Target {
        resource: GRAPH,
        audience: GRAPH_URI.to_owned(),
        names: Names::Listed(Vec::new()),
    }
}

/// `grant_type=client_credentials`.
pub(crate) fn client_credentials(
    exchange: &Exchange,
    app: &Application,
    form: &Form,
    credentials: &Credentials,
) -> Result<Value, Refusal> {
    let scope = form
        .get("scope")
        .ok_or_else(|| errors::field_missing("scope"))?;
    let missing = errors::secret_missing_for_client_credentials;
    let client = credentials.prove(exchange, app, missing)?;
    let (target, principal, roles) = {
        let tenant = exchange.world.directory.read();
        let target = scopes::parse_client_credentials(scope, &tenant, &exchange.base)?;
        let principal = tenant
            .principals
            .get(&app.app_id)
            .map(|principal| principal.id)
            .ok_or_else(|| errors::principal_missing(app.app_id, tenant.id))?;
        let roles = tenant.roles(app.app_id, target.resource);
        (target, principal, roles)
    };
    let access = tokens::app_only(exchange, client, principal, &target, &roles);
    note_token(exchange, app, &target, &roles, &access);
    Ok(json!({
        "token_type": "Bearer",
        "expires_in": access.expires_in,
        "ext_expires_in": access.expires_in,
        "access_token": access.text,
    }))
}

fn note_token(
    exchange: &Exchange,
    app: &Application,
    target: &Target,
    permissions: &[String],
    access: &AccessToken,
) {
    let fingerprint = fingerprint(&access.text);
    let known = exchange.learned.known();
    let lifetime = SignedDuration::from_secs(access.expires_in);
    exchange.world.activity.issued(Issued {
        time: exchange.now,
        expires: exchange.now.checked_add(lifetime).unwrap_or(Timestamp::MAX),
        client_id: app.app_id.to_string(),
        user: known.user,
        grant_type: known.grant_type.unwrap_or_default(),
        audience: target.audience.clone(),
        permissions: permissions.to_vec(),
        fingerprint,
    });
    exchange
        .learned
        .note(|note| note.token_fingerprint = Some(fingerprint));
}
