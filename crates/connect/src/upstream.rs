//! The pass-through's own HTTP/1.1: connections to one origin, kept open between requests.
//!
//! A connection is driven by whoever uses it: no task, channel or timer of its own stands between
//! a caller and its API. Idle ones lie on the shelf of the thread that used them last, so that a
//! thread meets its own again and waits for nobody. Nothing is repeated once a byte of it was sent.
//! Origins and credentials are not known here, nor is what a request means.

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{Connection, SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use crate::forward::StreamBody;
use crate::http::{SendError, Timeouts, cause};
use crate::wire::{Dial, Wire};

/// How long a connection is kept without a request; most servers end theirs after a minute.
const IDLE: Duration = Duration::from_secs(50);
/// How many idle connections a thread keeps for one origin.
const IDLE_AT_MOST: usize = 256;
/// Threads beyond this number share shelves.
const SHELVES: usize = 32;

/// The connections to one origin under one set of trusted certificates.
pub(crate) struct Upstream {
    /// `Host` (RFC 9110 §7.2).
    pub(crate) authority: HeaderValue,
    host: String,
    dial: Dial,
    timeouts: Timeouts,
    shelves: [Mutex<Vec<Link>>; SHELVES],
}

impl Upstream {
    /// Sets it up; nothing is connected yet.
    pub(crate) fn new(dial: Dial, timeouts: Timeouts) -> Upstream {
        let host = dial.authority().to_owned();
        Upstream {
            authority: HeaderValue::from_str(&host).expect("a URL's host is ASCII without spaces"),
            host,
            dial,
            timeouts,
            shelves: std::array::from_fn(|_| Mutex::default()),
        }
    }

    /// Sends a request and waits for the head of the answer; the wait begins once the body is on its way.
    pub(crate) async fn send(
        self: &Arc<Self>,
        request: Request<StreamBody>,
    ) -> Result<Response<AnswerBody>, SendError> {
        let limit = self.timeouts.first_byte;
        let progress = request.body().progress();
        let mut exchange = pin!(self.exchange(request));
        let mut until = Instant::now() + limit;
        loop {
            if let Ok(outcome) = tokio::time::timeout_at(until, &mut exchange).await {
                return outcome;
            }
            let moved = progress.as_ref().and_then(|progress| progress.last());
            match moved.map(|moved| moved + limit) {
                Some(later) if later > until => until = later,
                _ => return Err(self.late("first byte", limit)),
            }
        }
    }

    async fn exchange(
        self: &Arc<Self>,
        mut request: Request<StreamBody>,
    ) -> Result<Response<AnswerBody>, SendError> {
        // The other side may have hung up on an idle connection: hyper then hands the request back unsent.
        while let Some(link) = self.take() {
            match link.exchange(request).await {
                Ok((link, answer)) => return Ok(self.answered(link, answer)),
                Err((_, Some(unsent))) => request = *unsent,
                Err((error, None)) => return Err(cause(&error, &self.host)),
            }
        }
        // Boxed, since every request carries this future and few run it.
        let link = Box::pin(self.connect()).await?;
        match link.exchange(request).await {
            Ok((link, answer)) => Ok(self.answered(link, answer)),
            Err((error, _)) => Err(cause(&error, &self.host)),
        }
    }

    async fn connect(&self) -> Result<Link, SendError> {
        let limit = self.timeouts.connect;
        let wire = match tokio::time::timeout(limit, self.dial.open()).await {
            Ok(opened) => opened.map_err(|error| cause(&*error, &self.host))?,
            Err(_) => return Err(self.late("connection", limit)),
        };
        let (sender, connection) = handshake(TokioIo::new(wire))
            .await
            .map_err(|error| cause(&error, &self.host))?;
        Ok(Link {
            sender,
            connection: Some(Box::new(connection)),
            idle_since: Instant::now(),
        })
    }

    fn answered(self: &Arc<Self>, link: Link, answer: Response<Incoming>) -> Response<AnswerBody> {
        answer.map(|incoming| {
            let mut body = AnswerBody {
                incoming,
                link: Some(link),
                upstream: Arc::clone(self),
            };
            if body.is_end_stream() {
                body.release();
            }
            body
        })
    }

    fn late(&self, phase: &'static str, limit: Duration) -> SendError {
        SendError::Timeout {
            host: self.host.clone(),
            phase,
            seconds: limit.as_secs(),
        }
    }

    fn shelf(&self) -> MutexGuard<'_, Vec<Link>> {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static SHELF: usize = THREADS.fetch_add(1, Ordering::Relaxed) % SHELVES;
        }
        let mine = SHELF.with(|number| *number);
        self.shelves[mine]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The idle connection that was used last.
    fn take(&self) -> Option<Link> {
        let link = self.shelf().pop()?;
        (link.idle_since.elapsed() < IDLE).then_some(link)
    }

    fn keep(&self, mut link: Link) {
        link.idle_since = Instant::now();
        let mut idle = self.shelf();
        if idle.len() < IDLE_AT_MOST {
            idle.push(link);
        }
    }

    /// Closes what was idle for too long or ended by the other side; answers how many are left.
    pub(crate) fn tidy(&self) -> usize {
        let left = |shelf: &Mutex<Vec<Link>>| {
            let mut idle = shelf.lock().unwrap_or_else(PoisonError::into_inner);
            idle.retain_mut(|link| link.idle_since.elapsed() < IDLE && link.is_open());
            idle.len()
        };
        self.shelves.iter().map(left).sum()
    }
}

/// HTTP/1.1 on an open wire.
type Spoken = Connection<TokioIo<Box<dyn Wire>>, StreamBody>;

/// One connection, in use by one request at a time.
struct Link {
    sender: SendRequest<StreamBody>,
    /// `None` once it has ended.
    connection: Option<Box<Spoken>>,
    idle_since: Instant,
}

/// What went wrong, and the request if nothing of it was sent.
type Unsent = (hyper::Error, Option<Box<Request<StreamBody>>>);

impl Link {
    /// Sends a request and waits for the head of the answer.
    async fn exchange(
        mut self,
        request: Request<StreamBody>,
    ) -> Result<(Link, Response<Incoming>), Unsent> {
        let mut answer = pin!(self.sender.try_send_request(request));
        let outcome = std::future::poll_fn(|context| {
            self.drive(context);
            answer.as_mut().poll(context)
        });
        match outcome.await {
            Ok(answer) => Ok((self, answer)),
            Err(mut failed) => {
                let unsent = failed.take_message().map(Box::new);
                Err((failed.into_error(), unsent))
            }
        }
    }

    /// Reads and writes what can be; how it ends is told to whoever waits for the answer.
    fn drive(&mut self, context: &mut Context<'_>) {
        if let Some(connection) = &mut self.connection
            && Pin::new(connection).poll(context).is_ready()
        {
            self.connection = None;
        }
    }

    /// Whether an idle connection still stands.
    fn is_open(&mut self) -> bool {
        self.drive(&mut Context::from_waker(std::task::Waker::noop()));
        self.connection.is_some()
    }
}

/// The body of an answer; at its end the connection is free again.
pub(crate) struct AnswerBody {
    incoming: Incoming,
    link: Option<Link>,
    upstream: Arc<Upstream>,
}

impl AnswerBody {
    /// Gives the connection back; one whose body is dropped before its end is closed.
    fn release(&mut self) {
        if let Some(link) = self.link.take_if(|link| link.sender.is_ready()) {
            self.upstream.keep(link);
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Some(link) = &mut self.link {
            link.drive(context);
        }
        let frame = ready!(Pin::new(&mut self.incoming).poll_frame(context));
        if frame.is_none() || self.is_end_stream() {
            self.release();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
