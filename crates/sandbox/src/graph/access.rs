//! Who calls Graph, and what they may do: the token's permissions and, for a delegated call,
//! the user's own role (`entra-and-graph.md` §11).

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use jiff::Timestamp;
use serde_json::Value;

use super::errors::{self, GraphError};
use crate::directory::Tenant;
use crate::entra::capability;
use crate::guid::Guid;
use crate::log::fingerprint;
use crate::permissions::{GRAPH, GRAPH_URI};
use crate::server::Learned;
use crate::users::{DirectoryRole, User, UserType};
use crate::world::World;

/// A caller whose token is good.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    /// An app on behalf of a user.
    Delegated {
        app_id: Guid,
        scopes: Vec<String>,
        user: Box<User>,
    },
    /// An app as itself.
    App { app_id: Guid, roles: Vec<String> },
}

/// What a delegated caller's user may do to the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Any user of the tenant.
    Anybody,
    /// A member: guests see themselves only.
    Member,
    /// A global administrator.
    Administrator,
}

impl Caller {
    /// Reads the bearer token of a request.
    pub(crate) fn of(
        world: &World,
        base: &str,
        headers: &HeaderMap,
        now: Timestamp,
        learned: &Learned,
    ) -> Result<Caller, GraphError> {
        let token = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| {
                let (scheme, token) = value.split_once(' ')?;
                scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
            })
            .filter(|token| !token.is_empty())
            .ok_or_else(errors::token_empty)?;
        let fingerprint = fingerprint(token);
        learned.note(|note| note.token_fingerprint = Some(fingerprint));
        if token.split('.').count() != 3 {
            return Err(errors::token_malformed());
        }
        let claims = world.keys.verify(token).ok_or_else(errors::token_invalid)?;
        // Noted before anything is refused: the log shall say whose expired token it was.
        for (claim, set) in [
            (
                "appid",
                (|note, text| note.client_id = Some(text)) as fn(&mut crate::log::Note, String),
            ),
            ("upn", |note, text| note.user = Some(text)),
        ] {
            if let Some(text) = claims[claim].as_str() {
                learned.note(|note| set(note, text.to_owned()));
            }
        }
        check_claims(&claims, base, now)?;
        let tenant = world.directory.read();
        let caller = Caller::from_claims(&claims, &tenant).ok_or_else(errors::token_invalid)?;
        let valid_from = caller
            .user()
            .and_then(|user| tenant.valid_from.get(&user.id));
        match valid_from {
            Some(valid_from) if capability::is_older(&claims, *valid_from) => {
                Err(errors::token_revoked(*valid_from))
            }
            _ => Ok(caller),
        }
    }

    fn from_claims(claims: &Value, tenant: &Tenant) -> Option<Caller> {
        let guid = |name: &str| claims[name].as_str()?.parse::<Guid>().ok();
        let app_id = guid("appid")?;
        if claims["idtyp"] == "app" {
            let roles = claims["roles"].as_array().cloned().unwrap_or_default();
            let roles = roles.iter().filter_map(Value::as_str).map(str::to_owned);
            return Some(Caller::App {
                app_id,
                roles: roles.collect(),
            });
        }
        Some(Caller::Delegated {
            app_id,
            scopes: claims["scp"]
                .as_str()?
                .split(' ')
                .map(str::to_owned)
                .collect(),
            user: Box::new(tenant.people.find(guid("oid")?)?),
        })
    }

    /// The app that calls.
    pub(crate) fn app_id(&self) -> Guid {
        match self {
            Caller::Delegated { app_id, .. } | Caller::App { app_id, .. } => *app_id,
        }
    }

    /// The user for whom the app calls.
    pub(crate) fn user(&self) -> Option<&User> {
        match self {
            Caller::Delegated { user, .. } => Some(user),
            Caller::App { .. } => None,
        }
    }

    /// Whether the token carries one of these permissions.
    pub(crate) fn has(&self, delegated: &[&str], application: &[&str]) -> bool {
        let (held, wanted) = match self {
            Caller::Delegated { scopes, .. } => (scopes, delegated),
            Caller::App { roles, .. } => (roles, application),
        };
        held.iter().any(|name| wanted.contains(&name.as_str()))
    }

    /// Whether the user, if there is one, may do what is needed himself.
    pub(crate) fn may(&self, need: Need) -> bool {
        let Some(user) = self.user() else {
            return true;
        };
        match need {
            Need::Anybody => true,
            Need::Member => user.kind == UserType::Member,
            Need::Administrator => user.role == DirectoryRole::GlobalAdministrator,
        }
    }

    /// Refuses unless the token carries one of the permissions and the user may do it himself.
    pub(crate) fn require(
        &self,
        need: Need,
        delegated: &[&str],
        application: &[&str],
    ) -> Result<(), GraphError> {
        if self.has(delegated, application) && self.may(need) {
            Ok(())
        } else {
            Err(errors::denied())
        }
    }
}

fn check_claims(claims: &Value, base: &str, now: Timestamp) -> Result<(), GraphError> {
    let audience = claims["aud"].as_str().unwrap_or_default();
    let audience = audience.trim_end_matches('/');
    let ours = audience.eq_ignore_ascii_case(GRAPH_URI)
        || audience.eq_ignore_ascii_case(base)
        || audience.parse() == Ok(GRAPH)
        || is_loopback_origin(audience);
    if !ours {
        return Err(errors::wrong_audience());
    }
    match claims["exp"].as_i64() {
        Some(expires) if now.as_second() < expires => Ok(()),
        Some(_) => Err(errors::token_expired()),
        None => Err(errors::token_invalid()),
    }
}

/// The own origin under another of its names: the signature already says who issued it.
fn is_loopback_origin(audience: &str) -> bool {
    ["https://localhost:", "https://127.0.0.1:", "https://[::1]:"]
        .iter()
        .any(|start| audience.starts_with(start))
}
