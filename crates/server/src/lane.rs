//! A lane: a thread with a runtime of its own that serves its share of the connections.
//!
//! What passes through is answered on the lane, connection to the API included, so that a request
//! meets one thread and wakes no other. Everything else is handed to the runtime that the server
//! was started on, where it may take its time without holding up the lane's other guests
//! ([decision 7](../../../docs/decisions/0007-a-runtime-per-core-for-what-passes-through.md)).

mod vigil;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinError;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tower::ServiceExt;

use crate::app::{App, Limits, router};
use crate::bare::Worded;
use crate::proxy;
use vigil::Vigil;

/// How long a client may take to send its headers, and a connection to be idle.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long TLS may take to be agreed upon.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// What all lanes share.
pub(crate) struct Counter {
    app: App,
    router: Router,
    main: Handle,
    tls: Option<TlsAcceptor>,
    http: auto::Builder<TokioExecutor>,
    drain: Duration,
    stop: CancellationToken,
}

/// One thread's end of the hand-over.
pub(crate) struct Lane {
    guests: UnboundedSender<Guest>,
    connections: TaskTracker,
}

/// An accepted connection on its way to its lane.
struct Guest {
    socket: std::net::TcpStream,
    peer: SocketAddr,
    /// Counts it as the lane's from the hand-over on.
    counted: TaskTrackerToken,
}

impl Counter {
    /// Must be made on the runtime that does everything but passing through.
    pub(crate) fn new(app: App, tls: Option<TlsAcceptor>, stop: CancellationToken) -> Counter {
        Counter {
            router: router(app.clone()),
            main: Handle::current(),
            tls,
            http: http(&app.config().limits),
            drain: Duration::from_secs(app.config().limits.drain_seconds),
            stop,
            app,
        }
    }

    /// Serves one connection to its end; after the stop it may finish what it is doing.
    async fn serve(
        self: Arc<Self>,
        socket: std::net::TcpStream,
        peer: SocketAddr,
        vigil: Arc<Vigil>,
    ) {
        let socket = TcpStream::from_std(socket).and_then(|socket| {
            socket.set_nodelay(true)?;
            Ok(socket)
        });
        let Ok(socket) = socket else { return };
        let Some(tls) = &self.tls else {
            return self.talk(socket, peer, vigil).await;
        };
        let agreed = timeout(HANDSHAKE_TIMEOUT, tls.accept(socket));
        if let Some(Ok(Ok(stream))) = self.stop.run_until_cancelled(agreed).await {
            self.talk(stream, peer, vigil).await;
        }
    }

    async fn talk<S>(self: &Arc<Self>, stream: S, peer: SocketAddr, vigil: Arc<Vigil>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let io = TokioIo::new(Worded::new(stream, self.app.clone()));
        let service =
            service_fn(|request| Arc::clone(self).answer(peer, Arc::clone(&vigil), request));
        let mut connection = std::pin::pin!(self.http.serve_connection(io, service));
        // How a connection ends is its client's affair.
        tokio::select! {
            _ = connection.as_mut() => return,
            () = self.stop.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        let _ = timeout(self.drain, connection).await;
    }

    async fn answer(
        self: Arc<Self>,
        peer: SocketAddr,
        vigil: Arc<Vigil>,
        request: http::Request<Incoming>,
    ) -> Result<Response, JoinError> {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        if request.uri().path().starts_with(proxy::PREFIX) {
            let _under_way = vigil.request();
            return Ok(proxy::answer(&self.app, request).await);
        }
        let answered = self.router.clone().oneshot(request);
        let running = self.app.tracker().spawn_on(answered, &self.main);
        let Ok(response) = AbortOnDropHandle::new(running).await?;
        Ok(response)
    }
}

impl Lane {
    /// Starts a thread. It ends when the lane is closed and all background work is done, for that
    /// may have begun there.
    pub(crate) fn start(counter: &Arc<Counter>) -> io::Result<Lane> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (guests, arriving) = unbounded_channel();
        let connections = TaskTracker::new();
        let (counter, tracked) = (Arc::clone(counter), connections.clone());
        std::thread::Builder::new()
            .name("lane".to_owned())
            .spawn(move || runtime.block_on(run(counter, arriving, tracked)))?;
        Ok(Lane {
            guests,
            connections,
        })
    }

    /// How many connections it has.
    pub(crate) fn load(&self) -> usize {
        self.connections.len()
    }

    /// Hands a connection over.
    pub(crate) fn take(&self, socket: TcpStream, peer: SocketAddr) -> io::Result<()> {
        let guest = Guest {
            socket: socket.into_std()?,
            peer,
            counted: self.connections.token(),
        };
        self.guests
            .send(guest)
            .map_err(|_| io::Error::other("the lane's thread is gone"))
    }

    /// Takes no more guests and waits until the last one has gone.
    pub(crate) async fn close(self) {
        drop(self.guests);
        self.connections.close();
        self.connections.wait().await;
    }
}

async fn run(
    counter: Arc<Counter>,
    mut arriving: UnboundedReceiver<Guest>,
    connections: TaskTracker,
) {
    let vigil = Arc::new(Vigil::new());
    let serving = async {
        while let Some(guest) = arriving.recv().await {
            let counter = Arc::clone(&counter);
            connections.spawn(counter.serve(guest.socket, guest.peer, Arc::clone(&vigil)));
            drop(guest.counted);
        }
        let tracker = counter.app.tracker().clone();
        drop(counter);
        tracker.wait().await;
    };
    tokio::select! {
        () = serving => {}
        never = vigil.keep() => match never {},
    }
}

/// Limits on connections; hyper answers what exceeds them before anybody else sees it (`bare.rs` gives it words).
fn http(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT);
    http.http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .max_concurrent_streams(256);
    http
}
