//! What is issued: authorization codes, refresh tokens, access tokens and id tokens
//! (`entra-and-graph.md` §7).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::scopes::{Target, Wanted};
use super::session::Session;
use super::token::{Proof, Proven};
use super::{Exchange, capability};
use crate::directory::{Application, Platform};
use crate::guid::Guid;
use crate::permissions::GRAPH;
use crate::seal;
use crate::users::{DirectoryRole, User};

const MEMBER: &str = "b79fbf4d-3ef9-4689-8143-76b194e85509";
const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
/// `iat` and `nbf` lie this many seconds back.
const BACK_DATED: i64 = 300;

/// What an authorization code stands for.
#[derive(Serialize, Deserialize)]
pub(crate) struct Code {
    pub(crate) id: Guid,
    /// The process that issued it.
    pub(crate) mark: Guid,
    pub(crate) issued: Timestamp,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) nonce: Option<String>,
    pub(crate) grant: Granted,
}

/// What a refresh token stands for.
#[derive(Serialize, Deserialize)]
pub(crate) struct Refresh {
    pub(crate) id: Guid,
    pub(crate) issued: Timestamp,
    /// The wall clock's time: compared with revocations.
    pub(crate) wall: Timestamp,
    pub(crate) grant: Granted,
}

/// A user's grant to an app.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Granted {
    /// The family of all refresh tokens that come of it.
    #[serde(default = "Guid::random")]
    pub(crate) id: Guid,
    pub(crate) app_id: Guid,
    pub(crate) platform: Platform,
    pub(crate) session: Session,
    pub(crate) wanted: Wanted,
    pub(crate) client_info: ClientInfo,
}

/// Whether answers carry `client_info`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ClientInfo {
    Wanted,
    Unwanted,
}

impl ClientInfo {
    /// Reads the parameter `client_info`.
    pub(crate) fn parse(text: Option<&str>) -> ClientInfo {
        match text {
            Some("1") => ClientInfo::Wanted,
            _ => ClientInfo::Unwanted,
        }
    }
}

/// The PKCE challenge of a code (RFC 7636).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Challenge {
    Plain(String),
    S256(String),
}

impl Challenge {
    /// Whether a verifier answers the challenge.
    pub(crate) fn answered_by(&self, verifier: &str) -> bool {
        match self {
            Challenge::Plain(challenge) => seal::equal(challenge, verifier),
            Challenge::S256(challenge) => {
                seal::equal(challenge, &seal::sha256_text(verifier.as_bytes()))
            }
        }
    }
}

/// `client_info`: base64url of the user's and the tenant's id.
pub(crate) fn client_info(user: Guid, tenant: Guid) -> String {
    URL_SAFE_NO_PAD.encode(json!({"uid": user, "utid": tenant}).to_string())
}

/// An access token and how long it lives.
pub(crate) struct AccessToken {
    pub(crate) text: String,
    pub(crate) expires_in: i64,
}

/// Issues an access token for a user; `challenges` says whether the client understands them.
pub(crate) fn delegated(
    exchange: &Exchange,
    client: Proven<'_>,
    (user, grant): (&User, &Granted),
    target: &Target,
    names: &[String],
    challenges: bool,
) -> AccessToken {
    let challengeable = challenges && target.resource == GRAPH;
    let expires_in = if challengeable {
        exchange.world.lifetimes.challengeable()
    } else {
        exchange.world.lifetimes.delegated()
    };
    let app = client.app;
    let mut claims = common(exchange, target, app, expires_in);
    let scp = if target.resource == GRAPH {
        let oidc = ["openid", "profile", "email"].map(str::to_owned);
        let mut all: Vec<String> = oidc.into_iter().chain(names.iter().cloned()).collect();
        all.sort_unstable();
        all.join(" ")
    } else {
        names.join(" ")
    };
    let wids: &[&str] = match user.role {
        DirectoryRole::GlobalAdministrator => &[GLOBAL_ADMINISTRATOR, MEMBER],
        DirectoryRole::Ordinary => &[MEMBER],
    };
    claims.extend(object(json!({
        "acct": match user.kind { crate::users::UserType::Member => 0, crate::users::UserType::Guest => 1 },
        "acr": "1",
        "amr": ["pwd"],
        "family_name": user.surname,
        "given_name": user.given_name,
        "idtyp": "user",
        "ipaddr": "127.0.0.1",
        "name": user.display_name,
        "oid": user.id,
        "platf": "14",
        "puid": puid(user.id),
        "scp": scp,
        "sid": grant.session.id,
        "sub": pairwise(user.id, app.app_id),
        "unique_name": user.principal_name,
        "upn": user.principal_name,
        "wids": wids,
    })));
    if challengeable {
        capability::mark(&mut claims, exchange.world.clock.wall());
    }
    set_client(&mut claims, target, client);
    claims.retain(|_, value| !value.is_null());
    AccessToken {
        text: exchange.world.keys.sign(&Value::Object(claims)),
        expires_in,
    }
}

/// Issues an access token for an app itself.
pub(crate) fn app_only(
    exchange: &Exchange,
    client: Proven<'_>,
    principal: Guid,
    target: &Target,
    roles: &[String],
) -> AccessToken {
    let expires_in = exchange.world.lifetimes.app_only();
    let mut claims = common(exchange, target, client.app, expires_in);
    let issuer = claims.get("iss").cloned().unwrap_or_default();
    claims.extend(object(json!({
        "idp": issuer,
        "idtyp": "app",
        "oid": principal,
        "sub": principal,
        "wids": ["0997a1d0-0d1d-4acb-b408-d5ca73121e90"],
    })));
    if !roles.is_empty() {
        claims.insert("roles".to_owned(), json!(roles));
    }
    set_client(&mut claims, target, client);
    AccessToken {
        text: exchange.world.keys.sign(&Value::Object(claims)),
        expires_in,
    }
}

/// Issues an id token.
pub(crate) fn id_token(
    exchange: &Exchange,
    user: &User,
    grant: &Granted,
    nonce: Option<&str>,
    access_token: &AccessToken,
) -> String {
    let now = exchange.now.as_second();
    let tenant = exchange.world.tenant;
    let mut claims = object(json!({
        "aud": grant.app_id,
        "iss": format!("{}/{tenant}/v2.0", exchange.base),
        "iat": now - BACK_DATED,
        "nbf": now - BACK_DATED,
        "exp": now + access_token.expires_in.max(3600),
    }));
    if grant.wanted.has("email") {
        claims.insert("email".to_owned(), json!(user.mail));
    }
    if grant.wanted.has("profile") {
        claims.insert("name".to_owned(), json!(user.display_name));
        claims.insert("preferred_username".to_owned(), json!(user.principal_name));
    }
    claims.extend(object(json!({
        "nonce": nonce,
        "oid": user.id,
        "rh": random_claim(),
        "sid": grant.session.id,
        "sub": pairwise(user.id, grant.app_id),
        "tid": tenant,
        "uti": seal::random_text::<16>(),
        "ver": "2.0",
    })));
    claims.retain(|_, value| !value.is_null());
    exchange.world.keys.sign(&Value::Object(claims))
}

/// A subject that differs from app to app.
pub(crate) fn pairwise(user: Guid, app_id: Guid) -> String {
    seal::sha256_text(format!("{user}/{app_id}").as_bytes())
}

fn common(
    exchange: &Exchange,
    target: &Target,
    app: &Application,
    expires_in: i64,
) -> Map<String, Value> {
    let now = exchange.now.as_second();
    let tenant = exchange.world.tenant;
    let (issuer, version) = if target.resource == GRAPH {
        (format!("{}/{tenant}/", exchange.base), "1.0")
    } else {
        (format!("{}/{tenant}/v2.0", exchange.base), "2.0")
    };
    object(json!({
        "aud": target.audience,
        "iss": issuer,
        "iat": now - BACK_DATED,
        "nbf": now - BACK_DATED,
        "exp": now + expires_in,
        "aio": random_claim(),
        "app_displayname": app.display_name,
        "rh": random_claim(),
        "tid": tenant,
        "uti": seal::random_text::<16>(),
        "ver": version,
    }))
}

/// Names the client as the token's version has it.
fn set_client(claims: &mut Map<String, Value>, target: &Target, client: Proven<'_>) {
    let method = match client.proof {
        Proof::Nothing => "0",
        Proof::Secret => "1",
        Proof::Certificate => "2",
    };
    let (id, authentication) = if target.resource == GRAPH {
        ("appid", "appidacr")
    } else {
        ("azp", "azpacr")
    };
    claims.insert(id.to_owned(), json!(client.app.app_id));
    claims.insert(authentication.to_owned(), json!(method));
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn random_claim() -> String {
    format!("1.{}.", seal::random_text::<24>())
}

fn puid(user: Guid) -> String {
    format!("1003{:012X}", user.bits() & 0xffff_ffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_of_rfc_7636() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let s256 = Challenge::S256("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned());
        assert!(s256.answered_by(verifier));
        assert!(!s256.answered_by("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
        assert!(Challenge::Plain(verifier.to_owned()).answered_by(verifier));
    }
}
