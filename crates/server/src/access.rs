//! Who is asking, and what they may do.
//!
//! A credential becomes a `Caller`, a caller with enough of a role becomes a
//! handle: [`Viewer`], [`Operator`] or [`Admin`]. A handle's methods are what
//! its role allows; a handler that was not given one has nothing to call
//! (G15). There is no fallback identity: a credential that is sent and not
//! good is refused, even if another one came along.
//!
//! | may | viewer | operator | admin |
//! | --- | --- | --- | --- |
//! | see connections, their cards, their text without secrets, `explain`, which permissions calls need, redirect URIs; `/me`, metrics, the call log, `openapi.json` | yes | yes | yes |
//! | call, proxy, test, authorize | | yes | yes |
//! | create, change, delete connections; apply their text; reserve redirect URIs | | | yes |
//! | see flows, runs and their steps, questions, tables, names of secrets | yes | yes | yes |
//! | start, cancel, suspend, resume, retry, resolve runs; run a text once that names no plain secret; answer questions; send events; write tables | | yes | yes |
//! | deploy, enable, disable, roll back, delete flows; run any text once; delete runs; flow secrets | | | yes |
//! | API keys, users, webhooks, encryption keys, retention, the audit list | | | yes |
//!
//! The audit list is for admins alone: it tells who did what.

use std::net::{IpAddr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use http::header::{AUTHORIZATION, HeaderMap};
use http::request::Parts;
use http::{Extensions, HeaderName};
use serde::Serialize;
use serde_json::json;
use store::{Actor, Role};

use crate::app::App;
use crate::cookie::Cookie;
use crate::key_cache::Holder;
use crate::problem::Problem;
use crate::{csrf, session};

/// So much of a refused request's path is audited.
const PATH_TOLD: usize = 200;

/// Where a trusted proxy says its request came from.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What reverse proxies put into the requests that they pass on (RFC 7239, and the customary ones before it).
const PASSED_ON: [HeaderName; 5] = [
    FORWARDED_FOR,
    http::header::FORWARDED,
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-real-ip"),
];

/// Marks a request of this very process; only [`crate::router_as`] makes it.
#[derive(Debug, Clone)]
pub(crate) struct InProcess(pub(crate) Arc<Actor>);

/// How the caller proved who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A person, by session.
    User,
    /// A program, by API key.
    Key,
    /// The owner of the data directory, on this machine.
    Local,
}

/// Somebody whose credential was good.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) actor: Arc<Actor>,
    pub(crate) kind: Kind,
}

impl Caller {
    /// Finds out who sent a request.
    pub(crate) async fn of(
        app: &App,
        method: &http::Method,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Result<Caller, Problem> {
        if let Some(InProcess(actor)) = extensions.get() {
            return Ok(Caller {
                actor: Arc::clone(actor),
                kind: Kind::Local,
            });
        }
        if let Some(token) = bearer(headers)? {
            return Caller::of_key(app, token, headers, extensions).await;
        }
        let Some(token) = Cookie::Session.read(app, headers) else {
            return Err(Problem::new(
                "unauthenticated",
                "this address needs a session or an API key",
            ));
        };
        csrf::require_own(app, method, headers)?;
        let actor = Arc::new(session::actor(app, &token).await?);
        Ok(Caller {
            actor,
            kind: Kind::User,
        })
    }

    /// The holder of an API key, or of the local token.
    pub(crate) async fn of_key(
        app: &App,
        token: &str,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Result<Caller, Problem> {
        match app.keys().find(app, token).await? {
            Some(Holder::Key(actor)) => Ok(Caller {
                actor,
                kind: Kind::Key,
            }),
            Some(Holder::Local) if is_beside(headers, extensions) => Ok(Caller {
                actor: Arc::new(Actor::local()),
                kind: Kind::Local,
            }),
            Some(Holder::Local) | None => Err(bad_key()),
        }
    }

    /// Refuses a caller whose role is not enough, and has that audited.
    pub(crate) async fn at_least(
        self,
        role: Role,
        app: &App,
        parts: &Parts,
    ) -> Result<Caller, Problem> {
        if self.actor.role >= role {
            return Ok(self);
        }
        let detail = json!({
            "method": parts.method.as_str(),
            "needs": role,
            "has": self.actor.role,
        });
        let path: String = parts.uri.path().chars().take(PATH_TOLD).collect();
        let refusals = app.store().refusals();
        let written = refusals
            .record(&self.actor, "forbidden", &path, detail)
            .await;
        if let Err(error) = written {
            tracing::warn!(%error, "a refusal could not be audited");
        }
        let Actor {
            name, role: has, ..
        } = &*self.actor;
        Err(Problem::new(
            "forbidden",
            format!("this needs the role {role}, `{name}` has the role {has}"),
        )
        .hint(format!(
            "ask an administrator for a user or an API key with the role {role}"
        )))
    }
}

/// The same words whether a key never was, was revoked or has expired.
fn bad_key() -> Problem {
    Problem::new(
        "unauthenticated",
        "the API key is unknown, revoked or expired",
    )
    .hint("an administrator makes a new one: `keyway key create NAME --role ROLE`")
}

/// The bearer token of a request: none, or exactly one.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let token = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    match token {
        Some(token) if !token.is_empty() && values.next().is_none() => Ok(Some(token)),
        _ => Err(Problem::new(
            "unauthenticated",
            "the Authorization header is not a single `Bearer` token",
        )),
    }
}

/// The address of the one who asks; a proxy that we trust is believed about it.
pub(crate) fn client_address(
    app: &App,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Option<IpAddr> {
    let peer = extensions
        .get::<ConnectInfo<SocketAddr>>()?
        .0
        .ip()
        .to_canonical();
    let trusted = &app.config().trusted_proxies;
    if !trusted.contains(&peer) {
        return Some(peer);
    }
    // the nearest entry that is not one of our proxies; what stands left of it anybody may have written
    let entries: Vec<IpAddr> = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map_while(|entry| entry.trim().parse().ok())
        .collect();
    Some(
        entries
            .into_iter()
            .rev()
            .find(|address| !trusted.contains(address))
            .unwrap_or(peer),
    )
}

/// Whether a request comes from this machine itself and not through a proxy: neither from one that is trusted, nor
/// with the mark that proxies leave. A proxy that leaves none is known by `trusted_proxies` alone.
pub(crate) fn is_local(app: &App, headers: &HeaderMap, extensions: &Extensions) -> bool {
    is_beside(headers, extensions)
        && extensions
            .get::<ConnectInfo<SocketAddr>>()
            .is_none_or(|ConnectInfo(peer)| {
                let peer = peer.ip().to_canonical();
                !app.config().trusted_proxies.contains(&peer)
            })
}

/// Whether a request comes from this machine and no proxy says that it passed it on. Enough for whoever has the local
/// token, which only this machine's files hold: commands work where a trusted proxy runs on the same machine, too.
fn is_beside(headers: &HeaderMap, extensions: &Extensions) -> bool {
    if extensions.get::<InProcess>().is_some() {
        return true;
    }
    let passed_on = PASSED_ON.iter().any(|name| headers.contains_key(name));
    !passed_on
        && extensions
            .get::<ConnectInfo<SocketAddr>>()
            .is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback())
}

/// May look.
pub(crate) struct Viewer {
    app: App,
    caller: Caller,
}

/// May look, call, test and authorize.
pub(crate) struct Operator(Viewer);

/// May do everything.
pub(crate) struct Admin(Operator);

impl Viewer {
    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    pub(crate) fn actor(&self) -> &Actor {
        &self.caller.actor
    }

    pub(crate) fn kind(&self) -> Kind {
        self.caller.kind
    }
}

impl Deref for Operator {
    type Target = Viewer;
    fn deref(&self) -> &Viewer {
        &self.0
    }
}

impl Deref for Admin {
    type Target = Operator;
    fn deref(&self) -> &Operator {
        &self.0
    }
}

async fn handle(parts: &Parts, app: &App, role: Role) -> Result<Viewer, Problem> {
    let caller = Caller::of(app, &parts.method, &parts.headers, &parts.extensions)
        .await?
        .at_least(role, app, parts)
        .await?;
    Ok(Viewer {
        app: app.clone(),
        caller,
    })
}

impl FromRequestParts<App> for Viewer {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Viewer, Problem> {
        handle(parts, app, Role::Viewer).await
    }
}

impl FromRequestParts<App> for Operator {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Operator, Problem> {
        handle(parts, app, Role::Operator).await.map(Operator)
    }
}

impl FromRequestParts<App> for Admin {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Admin, Problem> {
        Ok(Admin(Operator(handle(parts, app, Role::Admin).await?)))
    }
}
