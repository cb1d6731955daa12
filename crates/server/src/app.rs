//! What the server is made of: its settings, its state, its router.
//!
//! `App` is handed to every handler. It reads no file, no environment and no
//! clock of its own: `keyway` wires it.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use connect::Connector;
use oauth::Secret;
use store::{Actor, Clock, Store};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::access::InProcess;
use crate::hooks::HookLimit;
use crate::key_cache::KeyCache;
use crate::problem::Problem;
use crate::session::LoginLimit;
use crate::{api, approve, callback, console, frame, health, hooks, proxy};

/// Settings of the server.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where people reach this server; links, cookies and origin checks follow it, never the Host header.
    pub public_url: Url,
    /// Reverse proxies whose `X-Forwarded-For` is believed; `/metrics` takes no request from them for local.
    pub trusted_proxies: Vec<IpAddr>,
    /// Whether TLS ends in front of this server.
    pub tls_proxy: TlsProxy,
    /// The token of the data directory's owner: from a loopback peer it acts as the built-in admin `local`.
    pub local_token: Option<Secret>,
    /// Limits on requests.
    pub limits: Limits,
}

/// Whether a proxy in front of the server speaks TLS for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsProxy {
    /// None: a public address then needs a certificate.
    #[default]
    Absent,
    /// There is one; `trusted_proxies` says where.
    Present,
}

/// Limits on what a client may send (`security.md` §4.3).
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of a request body of the API.
    pub body_bytes: usize,
    /// Bytes of a message to a hook.
    pub hook_body_bytes: usize,
    /// Messages that one hook takes in a second.
    pub hook_messages_per_second: u32,
    /// The same where anybody may send.
    pub public_hook_messages_per_second: u32,
    /// Number of request headers.
    pub headers: usize,
    /// Bytes of all request headers together.
    pub header_bytes: usize,
    /// Bytes of path and query.
    pub url_bytes: usize,
    /// Sign-ins and set-ups that one address may try in a minute.
    pub logins_per_minute: u32,
    /// Seconds that running requests get to end after a signal.
    pub drain_seconds: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            body_bytes: 1024 * 1024,
            hook_body_bytes: 1024 * 1024,
            hook_messages_per_second: 10_000,
            public_hook_messages_per_second: 100,
            headers: 100,
            header_bytes: 32 * 1024,
            url_bytes: 8 * 1024,
            logins_per_minute: 3,
            drain_seconds: 30,
        }
    }
}

impl Config {
    /// The settings of a server that is reached at this URL, all else as documented.
    pub fn new(public_url: Url) -> Config {
        Config {
            public_url,
            trusted_proxies: Vec::new(),
            tls_proxy: TlsProxy::Absent,
            local_token: None,
            limits: Limits::default(),
        }
    }
}

/// The server: cheap to clone, handed to every handler.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    store: Store,
    connector: Connector,
    engine: engine::Local,
    config: Config,
    tracker: TaskTracker,
    closing: CancellationToken,
    keys: KeyCache,
    logins: LoginLimit,
    hooks: HookLimit,
}

impl App {
    /// Wires the server; nothing is listened to yet.
    pub fn new(
        store: Store,
        connector: Connector,
        engine: engine::Local,
        config: Config,
        tracker: TaskTracker,
    ) -> App {
        App(Arc::new(Parts {
            keys: KeyCache::new(config.local_token.as_ref()),
            logins: LoginLimit::new(config.limits.logins_per_minute),
            hooks: HookLimit::default(),
            store,
            connector,
            engine,
            config,
            tracker,
            closing: CancellationToken::new(),
        }))
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn connector(&self) -> &Connector {
        &self.0.connector
    }

    pub(crate) fn engine(&self) -> &engine::Local {
        &self.0.engine
    }

    pub(crate) fn clock(&self) -> &Clock {
        self.0.store.clock()
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn public_url(&self) -> &Url {
        &self.0.config.public_url
    }

    pub(crate) fn is_https(&self) -> bool {
        self.0.config.public_url.scheme() == "https"
    }

    pub(crate) fn tracker(&self) -> &TaskTracker {
        &self.0.tracker
    }

    /// Cancelled when the server takes no more connections: streams that would go on end then.
    pub(crate) fn closing(&self) -> &CancellationToken {
        &self.0.closing
    }

    pub(crate) fn keys(&self) -> &KeyCache {
        &self.0.keys
    }

    pub(crate) fn logins(&self) -> &LoginLimit {
        &self.0.logins
    }

    pub(crate) fn hook_limit(&self) -> &HookLimit {
        &self.0.hooks
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}

/// The router for requests from the network: every caller must prove who it is.
pub fn router(app: App) -> Router {
    let (api, openapi) = api::router().split_for_parts();
    Router::new()
        .merge(api)
        .merge(api::document_router(&openapi))
        .merge(callback::router())
        .merge(approve::router())
        .merge(health::router())
        .fallback(console::serve)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(app.clone(), frame::frame))
        .merge(proxy::router())
        .merge(hooks::router())
        .with_state(app)
}

/// The same router for one caller inside this process, who needs no credential.
///
/// The caller travels as an extension of a type that only this room can make,
/// so nothing that comes over the wire can be one.
pub fn router_as(app: App, actor: Actor) -> Router {
    router(app).layer(axum::Extension(InProcess(Arc::new(actor))))
}

async fn method_not_allowed(method: http::Method) -> Problem {
    Problem::new(
        "route.method_not_allowed",
        format!("this address does not know {method}"),
    )
}
