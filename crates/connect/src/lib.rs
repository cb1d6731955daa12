//! The API Connector: calls through named connections, with tokens that are always fresh.
//!
//! This room talks to other people's HTTP servers and to nobody else. It knows which secret may
//! go where (`target`, `credential`), which addresses may be reached (`guard`), how a token is
//! renewed once for all callers (`refresh`, `renewal`), and how a failure is told to a person
//! (`advice`, `card`). It knows nothing of flows, of our REST API, or of SQL.

mod advice;
mod apply;
mod ask;
mod assertion;
mod attempt;
mod authorize;
mod batch;
mod belongs;
mod budget;
mod call;
mod call_log;
mod callback;
mod card;
mod certificate;
mod change;
mod check;
mod consent;
mod create;
mod credential;
mod declared;
mod decode;
mod device;
mod digest;
mod discovery;
mod endpoints;
mod error;
mod expiry;
mod explain;
mod failure;
mod fetched;
mod fields;
mod follow;
mod form;
mod forward;
mod guard;
mod http;
mod instance;
mod known;
mod load;
mod message;
mod multipart;
mod on_behalf_of;
mod page;
mod permissions;
mod preflight;
mod preset;
mod probe;
mod recover;
mod redact;
mod refresh;
mod refusal;
mod renewal;
mod retry;
mod revoke;
mod room;
mod secrets;
mod settle;
mod show;
mod target;
mod unnamed;
mod upstream;
mod webhook;
mod wire;

use std::sync::{Arc, OnceLock};

use store::{Actor, Clock, Connection, ConnectionName, Store};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use url::Url;

pub use apply::{Application, Applied, Planned};
pub use attempt::{Attempt, Why};
pub use authorize::Started;
pub use batch::BATCH_SIZE;
pub use call_log::{Begun, CallLog};
pub use card::{
    Advice, AssertionCard, Card, CertificateCard, Explanation, Identity, LastAuthorization,
    PendingCard, Raw, TokenCard, Warning,
};
pub use change::Changed;
pub use credential::forbidden_on_call;
pub use declared::{Declared, SECRET_WORDS};
pub use device::UserCode;
pub use discovery::Discovered;
pub use error::{CallError, CallbackError, Error, Named};
pub use form::{Change, Form, FormSecret, NewConnection, Proof, QueryKey};
pub use forward::{ProxyRequest, ProxyResponse, StreamBody};
pub use guard::{EgressPolicy, PolicyError, Refused};
pub use http::{SendError, TIMEOUT_LIMIT, Timeouts};
// What whoever writes a policy of its own, or waits as an answer says, must name.
pub use ask::Which;
pub use message::{ApiRequest, ApiResponse, Body, Redirects, ResponseBody};
pub use multipart::{FormData, Part, Piece};
pub use oauth::{AuthenticationMethod, CallStanding, ClientId, GraphCall, Scope, retry_after};
// The tables of Graph, for whoever asks without a connection.
pub use oauth::{
    GraphPermission, JudgedCall, PermissionKind, graph_permissions, judge_graph_calls,
};
pub use page::{
    CursorInvalid, More, PAGE_LIMIT, Page, PageCursor, PageError, PageSize, PageStyle, Pages,
    Paging,
};
pub use permissions::{Cure, Permissions};
pub use preset::{Cloud, CloudCard, PresetCard};
pub use probe::{Tested, Verdict};
pub use retry::{ATTEMPTS_LIMIT, Retried, Retries};
pub use revoke::Revocation;
pub use secrets::{NewCertificate, NewSecret, PublicCertificate, SecretCard};
pub use unnamed::{
    ClientCredentials, Policy, TokenEndpoint, Unnamed, UnnamedError, UnnamedResponse, get,
};
pub use webhook::{WebhookAnswer, WebhookMessage};

/// What this room is told at start.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where people's browsers reach this installation; the base of every redirect URI.
    pub public_url: Url,
    /// Which addresses may be reached beside the public internet.
    pub egress: EgressPolicy,
    /// Clouds that the operator declares, for instance a sandbox.
    pub clouds: Vec<Cloud>,
    /// How long to wait for other people's servers.
    pub timeouts: Timeouts,
    /// Names this process among those that share the store; never the same twice.
    pub owner: String,
}

impl Config {
    /// The usual limits, nothing opened, no clouds of one's own, a random owner.
    pub fn new(public_url: Url) -> Config {
        Config {
            public_url,
            egress: EgressPolicy::default(),
            clouds: Vec::new(),
            timeouts: Timeouts::default(),
            owner: ask::random_owner(),
        }
    }
}

/// The id and redirect URI reserved for a connection that is still to be made.
#[derive(Debug, Clone, serde::Serialize)]
pub struct RedirectUri {
    /// `con_…`.
    pub id: String,
    /// The name.
    pub name: String,
    /// What to register at the provider.
    pub redirect_uri: String,
}

/// The room's one handle; clones share everything.
#[derive(Clone)]
pub struct Connector {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    config: Config,
    clouds: preset::Clouds,
    http: http::Http,
    tracker: TaskTracker,
    calls: CallLog,
    known: known::Known,
    /// Counts the requests that passed through well.
    passed: OnceLock<metrics::Counter>,
}

impl Connector {
    /// Sets the room up; nothing is sent. Within a runtime, on which the call log is written.
    pub fn new(store: Store, config: Config, tracker: TaskTracker) -> Result<Connector, Error> {
        let clouds = preset::Clouds::new(&config.clouds)?;
        for warning in config.egress.warnings() {
            tracing::warn!("{warning}");
        }
        let http = http::Http::new(config.egress.clone(), config.timeouts);
        Ok(Connector {
            inner: Arc::new(Inner {
                calls: CallLog::new(store.clone(), tracker.clone(), Handle::current()),
                store,
                config,
                clouds,
                http,
                tracker,
                known: known::Known::default(),
                passed: OnceLock::new(),
            }),
        })
    }

    /// Where whoever calls notes each call.
    pub fn calls(&self) -> &CallLog {
        &self.inner.calls
    }

    /// Every connection, as cards.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<Card>, Error> {
        let mut cards = Vec::new();
        for connection in self.inner.store.connections().list(actor).await? {
            cards.push(self.show(&connection).await?);
        }
        Ok(cards)
    }

    /// One connection's card.
    pub async fn card(&self, actor: &Actor, name: &ConnectionName) -> Result<Card, Error> {
        let connection = self.find(actor, name).await?;
        self.show(&connection).await
    }

    /// Deletes a connection and its secrets, then has its token revoked where the provider offers that.
    pub async fn remove(
        &self,
        actor: &Actor,
        name: &ConnectionName,
        expected_version: Option<i64>,
    ) -> Result<Revocation, Error> {
        let connection = self.find(actor, name).await?;
        if let Some(expected) = expected_version.filter(|expected| *expected != connection.version)
        {
            tracing::debug!(expected, current = connection.version, "stale delete");
            return Err(Error::Version {
                name: name.to_string(),
                current: connection.version,
            });
        }
        let token = self.inner.store.tokens().read(&connection.id).await?.token;
        let removed = self
            .inner
            .store
            .connections()
            .remove(actor, &connection.id)
            .await;
        self.inner.known.forget(&connection);
        removed.map_err(|error| Error::of_store(error, name))?;
        Ok(self.revoke(&connection, token).await)
    }

    /// Reserves a name, so that its redirect URI can be registered before the rest is known.
    pub async fn reserve(
        &self,
        actor: &Actor,
        name: &ConnectionName,
    ) -> Result<RedirectUri, Error> {
        create::not_reserved(name)?;
        let id = self
            .inner
            .store
            .connections()
            .reserve(actor, name)
            .await
            .map_err(|error| Error::of_store(error, name))?;
        Ok(RedirectUri {
            redirect_uri: self.callback_url(id.as_str()).to_string(),
            id: id.to_string(),
            name: name.to_string(),
        })
    }

    /// The redirect URI of a connection, or of the draft of that name.
    pub async fn redirect_uri(
        &self,
        actor: &Actor,
        name: &ConnectionName,
    ) -> Result<RedirectUri, Error> {
        let connections = self.inner.store.connections();
        if let Some(connection) = connections.find(actor, name).await? {
            let path = self.callback_path(&connection);
            return Ok(RedirectUri {
                redirect_uri: self.callback_url(&path).to_string(),
                id: connection.id.to_string(),
                name: connection.name.to_string(),
            });
        }
        match connections.draft(actor, name).await? {
            Some(id) => Ok(RedirectUri {
                redirect_uri: self.callback_url(id.as_str()).to_string(),
                id: id.to_string(),
                name: name.to_string(),
            }),
            None => Err(Error::NotFound {
                name: name.to_string(),
            }),
        }
    }

    /// The clouds that can be chosen by name.
    pub fn clouds(&self) -> Vec<CloudCard> {
        self.inner.clouds.cards()
    }

    /// The ready-made providers beside Microsoft's, which has clouds.
    pub fn presets(&self) -> Vec<PresetCard> {
        preset::provider::all()
            .map(|provider| PresetCard {
                name: provider.name.as_str(),
                title: provider.title,
                asks: if provider.is_known() {
                    &[]
                } else {
                    &["issuer"]
                },
                redirect_uri: provider
                    .is_known()
                    .then(|| self.callback_url(provider.name.as_str()).to_string()),
            })
            .collect()
    }

    /// Closes the pass-through's connections that nobody uses any more; to be called every few seconds.
    pub fn tidy(&self) {
        self.inner.http.tidy();
    }

    /// The current time, as this room reads it.
    pub fn now(&self) -> jiff::Timestamp {
        self.clock().now()
    }

    fn clock(&self) -> &Clock {
        self.inner.store.clock()
    }

    async fn find(&self, actor: &Actor, name: &ConnectionName) -> Result<Connection, Error> {
        self.inner
            .store
            .connections()
            .find(actor, name)
            .await?
            .ok_or_else(|| Error::NotFound {
                name: name.to_string(),
            })
    }

    /// The last part of the callback's path: pinned clouds share the preset's, all others have their own.
    fn callback_path(&self, connection: &Connection) -> String {
        if self.inner.clouds.pinned(&connection.settings) {
            connection.settings.preset.as_str().to_owned()
        } else {
            connection.id.to_string()
        }
    }

    fn callback_url(&self, path: &str) -> Url {
        let mut url = self.inner.config.public_url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/oauth/callback/{path}"));
        url.set_query(None);
        url.set_fragment(None);
        url
    }
}
