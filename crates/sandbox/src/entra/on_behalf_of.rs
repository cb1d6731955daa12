//! On-behalf-of (`entra-and-graph.md` §4): an API that was called with a user's token asks for one of its own, to call
//! further as that user. The token must be ours, alive, a user's, and meant for the very app that asks.

use jiff::Timestamp;
use serde_json::Value;

use super::errors::{self, Refusal};
use super::scopes;
use super::session::Session;
use super::tokens::{ClientInfo, Granted};
use super::{Exchange, Form};
use crate::directory::{Application, Platform};
use crate::guid::Guid;

/// What the assertion of a form grants to this app.
pub(crate) fn granted(
    exchange: &Exchange,
    app: &Application,
    form: &Form,
) -> Result<Granted, Refusal> {
    let assertion = form
        .get("assertion")
        .ok_or_else(|| errors::parameter_missing("assertion"))?;
    if form.get("requested_token_use") != Some("on_behalf_of") {
        return Err(errors::parameter_missing("requested_token_use"));
    }
    let scope = form
        .get("scope")
        .ok_or_else(|| errors::field_missing("scope"))?;
    let claims = exchange
        .world
        .keys
        .verify(assertion)
        .ok_or_else(errors::assertion_signature)?;
    check_time(exchange.now, &claims)?;
    check_audience(app, &claims)?;
    let guid = |name: &str| claims[name].as_str().and_then(|text| text.parse().ok());
    let user = guid("oid").filter(|_| claims["idtyp"] == "user");
    let user = user.ok_or_else(|| errors::assertion_without_user(app.app_id))?;
    let issued = moment(&claims["iat"]);
    let tenant = exchange.world.directory.read();
    let wanted = scopes::parse(scope, &tenant, &exchange.base, app)?;
    Ok(Granted {
        id: Guid::random(),
        app_id: app.app_id,
        platform: Platform::Web,
        session: Session {
            id: guid("sid").unwrap_or_else(Guid::random),
            user,
            signed_in: issued,
            wall: exchange.world.clock.wall(),
        },
        wanted,
        client_info: ClientInfo::parse(form.get("client_info")),
    })
}

fn check_time(now: Timestamp, claims: &Value) -> Result<(), Refusal> {
    let (from, until) = (moment(&claims["nbf"]), moment(&claims["exp"]));
    if from <= now && now < until {
        Ok(())
    } else {
        Err(errors::user_assertion_time(now, from, until))
    }
}

/// By app id or by one of its identifier URIs.
fn check_audience(app: &Application, claims: &Value) -> Result<(), Refusal> {
    let audience = claims["aud"].as_str().unwrap_or_default();
    let own = audience.eq_ignore_ascii_case(&app.app_id.to_string())
        || app
            .identifier_uris
            .iter()
            .any(|uri| uri.eq_ignore_ascii_case(audience));
    if own {
        Ok(())
    } else {
        Err(errors::assertion_for_another(audience, app.app_id))
    }
}

fn moment(claim: &Value) -> Timestamp {
    claim
        .as_i64()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .unwrap_or(Timestamp::UNIX_EPOCH)
}
