//! Starting and ending: data directory, listener, router, the request log around every answer.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use axum_server::tls_rustls::RustlsConfig;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::compression::CompressionLayer;

use crate::activity::Activity;
use crate::clock::Clock;
use crate::directory::{self, Directory, Seeded};
use crate::entra::Devices;
use crate::guid::Guid;
use crate::keys::Keys;
use crate::log::{Finished, Log, Note};
use crate::misbehave::Faults;
use crate::rotation::Rotation;
use crate::users::{DOMAIN, Generator, MOST_USERS};
use crate::world::{Codes, Lifetimes, Shared, World};
use crate::{AdminFacts, AppFacts, Config, Error, Exposure, Facts, UserFacts, files, tls};

/// How many connections may wait to be accepted: tests throw ten thousand at once.
const BACKLOG: u32 = 16_384;
/// How long answers under way may take when the sandbox ends.
const GRACE: Duration = Duration::from_millis(500);
/// How many users `sandbox.json` tells.
const LISTED_USERS: u32 = 25;

/// A running sandbox; dropping it ends it.
#[derive(Debug)]
pub struct Sandbox {
    facts: Facts,
    ca_pem: String,
    shutdown: CancellationToken,
    tracker: TaskTracker,
    /// Removed last, when nobody writes to it any more.
    _directory: DataDirectory,
}

impl Sandbox {
    /// The https origin, e.g. `https://127.0.0.1:8443`.
    pub fn origin(&self) -> &str {
        &self.facts.origin
    }

    /// What `sandbox.json` says.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The certificate authority to trust, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Ends the sandbox: answers under way get a moment, the directory is saved.
    pub async fn shutdown(self) {
        self.shutdown.cancel();
        self.tracker.wait().await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Where the files are.
#[derive(Debug)]
enum DataDirectory {
    Given(PathBuf),
    Temporary(PathBuf),
}

impl DataDirectory {
    fn open(given: Option<PathBuf>) -> Result<DataDirectory, Error> {
        let kind = match given {
            Some(_) => DataDirectory::Given,
            None => DataDirectory::Temporary,
        };
        let path = given.unwrap_or_else(|| {
            std::env::temp_dir().join(format!("keyway-sandbox-{}", Guid::random()))
        });
        files::create_private_directory(&path).map_err(|source| Error::file(&path, source))?;
        let absolute = std::path::absolute(&path).map_err(|source| Error::file(&path, source))?;
        Ok(kind(absolute))
    }

    fn path(&self) -> &Path {
        match self {
            DataDirectory::Given(path) | DataDirectory::Temporary(path) => path,
        }
    }
}

impl Drop for DataDirectory {
    fn drop(&mut self) {
        if let DataDirectory::Temporary(path) = self {
            // Best effort: the system cleans its temporary directory too.
            let _ = std::fs::remove_dir_all(path);
        }
    }
}

/// Starts a sandbox.
pub(crate) async fn start(config: Config) -> Result<Sandbox, Error> {
    if config.exposure == Exposure::Loopback && !config.listen.ip().is_loopback() {
        return Err(Error::NotLoopback(config.listen));
    }
    if config.users == 0 || config.users > MOST_USERS {
        return Err(Error::Users(config.users));
    }
    let listen_error = |source| Error::Listen {
        address: config.listen,
        source,
    };
    let listener = listen(config.listen).map_err(listen_error)?;
    let address = listener.local_addr().map_err(listen_error)?;
    let directory = DataDirectory::open(config.data_dir.clone())?;
    let path = directory.path().to_owned();
    let prepared = tokio::task::spawn_blocking({
        let (path, config) = (path.clone(), config.clone());
        move || prepare(&path, &config, address)
    });
    let (world, tls, facts) = prepared
        .await
        .map_err(|error| Error::Key(error.to_string()))??;

    let shutdown = CancellationToken::new();
    let tracker = TaskTracker::new();
    let world = Arc::new(world);
    let config = RustlsConfig::from_config(Arc::clone(&tls.server));
    let mut server =
        axum_server::from_tcp_rustls(listener, config).map_err(listen_error_at(address))?;
    server.http_builder().http2().max_concurrent_streams(1024);
    let handle = axum_server::Handle::new();
    let serving = server
        .handle(handle.clone())
        .serve(router(Arc::clone(&world)).into_make_service());
    tracker.spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "the sandbox stopped serving");
        }
    });
    tracker.spawn({
        let shutdown = shutdown.clone();
        async move {
            shutdown.cancelled().await;
            handle.graceful_shutdown(Some(GRACE));
        }
    });
    tracker.spawn(keep_saved(path.clone(), world, shutdown.clone()));
    tracker.close();
    let sandbox = Sandbox {
        facts,
        ca_pem: tls.ca_pem,
        shutdown,
        tracker,
        _directory: directory,
    };
    announce(&path, &sandbox, address).await?;
    Ok(sandbox)
}

fn listen_error_at(address: SocketAddr) -> impl Fn(std::io::Error) -> Error {
    move |source| Error::Listen { address, source }
}

fn listen(address: SocketAddr) -> std::io::Result<std::net::TcpListener> {
    let socket = if address.is_ipv4() {
        tokio::net::TcpSocket::new_v4()?
    } else {
        tokio::net::TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?.into_std()?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Keys, certificates and the tenant: everything that blocks.
fn prepare(
    path: &Path,
    config: &Config,
    address: SocketAddr,
) -> Result<(World, tls::Tls, Facts), Error> {
    let clock = Clock::default();
    let users = Generator::new(config.seed, config.users);
    let seeded = Seeded::new(&users);
    let keys = Keys::open_or_create(path)?;
    let tls = tls::open_or_create(path, address.ip(), clock.wall())?;
    let tenant = match directory::load(path, users)? {
        Some(tenant) => tenant,
        None => seeded.tenant(users, &keys.client_secret, clock.now()),
    };
    let user = |index: u32| UserFacts {
        id: users.id(index).to_string(),
        upn: users.principal_name(index),
        password: users.password(index),
    };
    let facts = Facts {
        origin: format!("https://{address}"),
        tenant_id: seeded.tenant.to_string(),
        domain: DOMAIN.to_owned(),
        ca_file: path.join("ca.pem"),
        control_token: keys.control_token.clone(),
        admin: AdminFacts {
            upn: users.principal_name(0),
            password: users.password(0),
            client_id: seeded.admin_client.to_string(),
        },
        users: (0..LISTED_USERS.min(users.count())).map(user).collect(),
        app: AppFacts {
            client_id: seeded.app.to_string(),
            client_secret: keys.client_secret.clone(),
            redirect_uris: vec![directory::REDIRECT_URI.to_owned()],
        },
    };
    let world = World {
        origin: facts.origin.clone(),
        tenant: seeded.tenant,
        directory: Directory::new(tenant),
        keys,
        clock,
        log: Log::default(),
        activity: Activity::default(),
        faults: Faults::default(),
        lifetimes: Lifetimes::default(),
        codes: Codes::new(),
        devices: Devices::default(),
        rotation: Rotation::default(),
    };
    Ok((world, tls, facts))
}

/// Puts `sandbox.json` in place once a TLS handshake with the port succeeded.
async fn announce(path: &Path, sandbox: &Sandbox, address: SocketAddr) -> Result<(), Error> {
    let file = path.join("sandbox.json");
    let text = serde_json::to_vec_pretty(&sandbox.facts).expect("facts are plain structs");
    let ca_pem = sandbox.ca_pem.clone();
    let written = tokio::task::spawn_blocking(move || {
        tls::handshake(address, &ca_pem).map_err(|source| Error::Listen { address, source })?;
        files::write(&file, &text, files::Readers::Owner)
            .map_err(|source| Error::file(&file, source))
    });
    written
        .await
        .map_err(|error| Error::Key(error.to_string()))?
}

/// Saves the directory after every change, and once more at the end.
async fn keep_saved(path: PathBuf, world: Shared, shutdown: CancellationToken) {
    loop {
        let ending = tokio::select! {
            () = world.directory.changed() => false,
            () = shutdown.cancelled() => true,
        };
        let (path, world) = (path.clone(), Arc::clone(&world));
        let saved = tokio::task::spawn_blocking(move || directory::save(&path, &world.directory));
        if let Ok(Err(error)) = saved.await {
            tracing::warn!(%error, "the sandbox's directory was not saved");
        }
        if ending {
            return;
        }
    }
}

fn router(world: Shared) -> Router {
    let logged = Router::new()
        .merge(crate::entra::router())
        .merge(crate::graph::router().layer(CompressionLayer::new()))
        .layer(axum::middleware::from_fn_with_state(
            Arc::clone(&world),
            record,
        ));
    let controls = crate::control::router().layer(axum::middleware::from_fn_with_state(
        Arc::clone(&world),
        crate::control::guard,
    ));
    logged
        .merge(controls)
        .merge(crate::portal::router())
        .with_state(world)
}

/// What handlers learn about the request they answer, for the log.
#[derive(Clone)]
pub(crate) struct Learned {
    /// The id of the request, Entra's trace id and Graph's request-id.
    pub(crate) request_id: Guid,
    note: Arc<Mutex<Note>>,
}

impl Learned {
    /// Of a request that begins.
    pub(crate) fn begin() -> Learned {
        Learned {
            request_id: Guid::random(),
            note: Arc::default(),
        }
    }

    /// Adds to what is known.
    pub(crate) fn note(&self, add: impl FnOnce(&mut Note)) {
        add(&mut self.note.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What is known so far.
    pub(crate) fn known(&self) -> Note {
        self.note
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Appends to the log when dropped, so that a request whose caller went away is in it too.
struct Recording {
    world: Shared,
    learned: Learned,
    time: Timestamp,
    started: Instant,
    method: http::Method,
    path: String,
    status: u16,
}

/// The status of a request that nobody waited for any more.
const CALLER_WENT_AWAY: u16 = 499;

impl Drop for Recording {
    fn drop(&mut self) {
        let elapsed = self.started.elapsed().as_micros();
        self.world.log.append(Finished {
            time: self.time,
            method: self.method.clone(),
            path: std::mem::take(&mut self.path),
            status: self.status,
            request_id: self.learned.request_id,
            duration_us: u64::try_from(elapsed).unwrap_or(u64::MAX),
            note: self.learned.known(),
        });
    }
}

async fn record(State(world): State<Shared>, mut request: Request, next: Next) -> Response {
    let learned = Learned::begin();
    request.extensions_mut().insert(learned.clone());
    let mut recording = Recording {
        time: world.clock.wall(),
        started: Instant::now(),
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
        status: CALLER_WENT_AWAY,
        learned,
        world,
    };
    let response = next.run(request).await;
    recording.status = response.status().as_u16();
    response
}
