//! The only HTTP clients of the room, all behind the egress guard.
//!
//! They never follow a redirect, use no proxy, send no referer, repeat nothing and
//! decompress only through `decode.rs`. One client per set of trusted certificates
//! and guard lane, so that a pooled connection never serves a request of another lane.
//! Origins and credentials are not known here.

mod cause;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tokio_rustls::TlsConnector;
use url::{Position, Url};

use crate::decode::{self, DecodeError, Decoder};
use crate::guard::{EgressPolicy, Lane, Refused};
use crate::upstream::Upstream;
use crate::wire::{self, Dial};

use cause::innermost;
pub(crate) use cause::{cause, classify};

/// Largest answer of an API that is taken into memory.
pub(crate) const CALL_BODY_LIMIT: usize = 16 * 1024 * 1024;
/// Largest page that the preflight of an authorization reads.
pub(crate) const PAGE_LIMIT: usize = 256 * 1024;

/// The longest that anybody may choose to wait for an answer.
pub const TIMEOUT_LIMIT: Duration = Duration::from_hours(1);

/// Who says it is calling, unless the caller says otherwise.
pub(crate) const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("keyway/", env!("CARGO_PKG_VERSION")));

/// How long the room waits for other people's servers.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Until a connection stands, TLS included.
    pub connect: Duration,
    /// Until the answer's head has arrived.
    pub first_byte: Duration,
    /// Until an API's answer is complete.
    pub total: Duration,
    /// Until a token endpoint's answer is complete.
    pub token: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(30),
            total: Duration::from_mins(2),
            token: Duration::from_secs(30),
        }
    }
}

impl Timeouts {
    /// How long a call may take, with the limit that its caller may have chosen.
    pub(crate) fn of_call(&self, chosen: Option<Duration>) -> Duration {
        chosen.map_or(self.total, |chosen| chosen.min(TIMEOUT_LIMIT))
    }
}

/// Trusted certificates beside those of the machine, in PEM; compared by content.
pub(crate) type Certificates = Option<Arc<str>>;

/// A request that is ready to leave.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// An answer that was taken in whole, decoded.
pub(crate) struct Incoming {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What one exchange may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) total: Duration,
    /// Until the answer's head has arrived; `None`: as the room is told.
    pub(crate) first_byte: Option<Duration>,
    pub(crate) body: usize,
}

/// Why no usable answer came.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SendError {
    /// The egress guard refused.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The server's TLS is not acceptable.
    #[error("TLS with {host} failed: {detail}")]
    Tls {
        /// A code that begins with `tls.`.
        code: &'static str,
        /// The server.
        host: String,
        /// What is wrong with its certificate or protocol.
        detail: String,
    },
    /// No connection, or it broke before an answer came.
    #[error("{host} could not be reached: {detail}")]
    Unreachable {
        /// The server.
        host: String,
        /// The operating system's words.
        detail: String,
    },
    /// No answer in time.
    #[error("{host} gave no {phase} within {seconds} s")]
    Timeout {
        /// The server.
        host: String,
        /// `connection`, `first byte` or `complete answer`.
        phase: &'static str,
        /// The limit that passed.
        seconds: u64,
    },
    /// Too many calls of the same connection were under way for too long.
    #[error("too many calls to {host} are under way, and none of them ended in time")]
    Crowded {
        /// The server.
        host: String,
    },
    /// The answer is larger than the limit.
    #[error(
        "the answer of {host} is larger than {limit} bytes, or unpacks more than 100 times its size"
    )]
    TooLarge {
        /// The server.
        host: String,
        /// The limit.
        limit: usize,
    },
    /// The answer is not valid HTTP, ends early or is damaged.
    #[error("the answer of {host} is malformed: {detail}")]
    Malformed {
        /// The server.
        host: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The certificates given for the connection are not usable.
    #[error("the CA certificate is not usable: {detail}")]
    Certificates {
        /// What is wrong with them.
        detail: String,
    },
}

impl SendError {
    /// What happened and, where there is something, what to do: for where both go into one text.
    pub fn told(&self) -> String {
        let hint = match self {
            SendError::Refused(refused) => refused.hint(),
            _ => None,
        };
        match hint {
            Some(hint) => format!("{self}; {hint}"),
            None => self.to_string(),
        }
    }

    /// The stable code of this failure.
    pub fn code(&self) -> &'static str {
        match self {
            SendError::Refused(refused) => refused.code(),
            SendError::Tls { code, .. } => code,
            SendError::Unreachable { .. } => "upstream.unreachable",
            SendError::Timeout { .. } | SendError::Crowded { .. } => "upstream.timeout",
            SendError::TooLarge { .. } => "upstream.too_large",
            SendError::Malformed { .. } => "upstream.malformed",
            SendError::Certificates { .. } => "connection.ca_invalid",
        }
    }
}

/// The clients, made when first needed and kept.
pub(crate) struct Http {
    policy: EgressPolicy,
    pub(crate) timeouts: Timeouts,
    clients: RwLock<HashMap<(Certificates, Lane), reqwest::Client>>,
    upstreams: RwLock<HashMap<(Certificates, String), Arc<Upstream>>>,
    /// Reading the machine's certificates takes a while, so it is done once for each set of further ones.
    tls: Mutex<HashMap<Certificates, TlsConnector>>,
}

impl Http {
    pub(crate) fn new(policy: EgressPolicy, timeouts: Timeouts) -> Http {
        Http {
            policy,
            timeouts,
            clients: RwLock::default(),
            upstreams: RwLock::default(),
            tls: Mutex::default(),
        }
    }

    pub(crate) fn policy(&self) -> &EgressPolicy {
        &self.policy
    }

    /// The client for a URL, after the guard has judged what can be judged by now.
    pub(crate) fn client(
        &self,
        trust: &Certificates,
        url: &Url,
    ) -> Result<reqwest::Client, SendError> {
        self.policy.check(url)?;
        let key = (trust.clone(), self.policy.lane(url));
        let known = self.clients.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = known.get(&key) {
            return Ok(client.clone());
        }
        drop(known);
        let client = self.build(trust.as_deref(), key.1)?;
        let mut known = self.clients.write().unwrap_or_else(PoisonError::into_inner);
        Ok(known.entry(key).or_insert(client).clone())
    }

    /// The pass-through's connections to a URL's origin, after the guard has judged what can be judged by now.
    pub(crate) fn upstream(
        &self,
        trust: &Certificates,
        url: &Url,
    ) -> Result<Arc<Upstream>, SendError> {
        self.policy.check(url)?;
        let origin = url[..Position::BeforePath].to_owned();
        let key = (trust.clone(), origin);
        let known = self
            .upstreams
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(upstream) = known.get(&key) {
            return Ok(Arc::clone(upstream));
        }
        drop(known);
        let secure = url.scheme() == "https";
        let tls = secure.then(|| self.tls(trust)).transpose()?;
        let dial = Dial::new(self.policy.clone(), url, tls)?;
        let upstream = Arc::new(Upstream::new(dial, self.timeouts));
        let mut known = self
            .upstreams
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(known.entry(key).or_insert(upstream)))
    }

    fn tls(&self, trust: &Certificates) -> Result<TlsConnector, SendError> {
        let mut known = self.tls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tls) = known.get(trust) {
            return Ok(tls.clone());
        }
        let tls = wire::tls(trust.as_deref())?;
        known.insert(trust.clone(), tls.clone());
        Ok(tls)
    }

    /// Closes connections that nobody uses any more.
    pub(crate) fn tidy(&self) {
        let mut known = self
            .upstreams
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, upstream| upstream.tidy() > 0 || Arc::strong_count(upstream) > 1);
    }

    fn build(&self, trust: Option<&str>, lane: Lane) -> Result<reqwest::Client, SendError> {
        let mut builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .retry(reqwest::retry::never())
            .no_gzip()
            .no_brotli()
            .connect_timeout(self.timeouts.connect)
            .dns_resolver(self.policy.resolver(lane));
        if let Some(pem) = trust {
            builder = builder.tls_certs_merge(certificates(pem)?);
        }
        builder.build().map_err(|error| SendError::Certificates {
            detail: innermost(&error),
        })
    }

    /// Sends a request and takes the whole answer in.
    pub(crate) async fn exchange(
        &self,
        trust: &Certificates,
        outgoing: Outgoing,
        limits: Limits,
    ) -> Result<Incoming, SendError> {
        let host = host_of(&outgoing.url);
        let seconds = whole_seconds(limits.total);
        match tokio::time::timeout(
            limits.total,
            self.exchange_unhurried(trust, outgoing, limits),
        )
        .await
        {
            Ok(outcome) => outcome,
            Err(_) => Err(SendError::Timeout {
                host,
                phase: "complete answer",
                seconds,
            }),
        }
    }

    async fn exchange_unhurried(
        &self,
        trust: &Certificates,
        outgoing: Outgoing,
        limits: Limits,
    ) -> Result<Incoming, SendError> {
        let host = host_of(&outgoing.url);
        let client = self.client(trust, &outgoing.url)?;
        let mut request = reqwest::Request::new(outgoing.method, outgoing.url);
        *request.headers_mut() = outgoing.headers;
        if !outgoing.body.is_empty() {
            *request.body_mut() = Some(outgoing.body.into());
        }
        let first_byte = limits.first_byte.unwrap_or(self.timeouts.first_byte);
        let mut answer = self.head(&client, request, (&host, first_byte)).await?;
        let too_large = || SendError::TooLarge {
            host: host.clone(),
            limit: limits.body,
        };
        let failed = |error| match error {
            DecodeError::TooLarge => too_large(),
            DecodeError::Malformed(detail) => SendError::Malformed {
                host: host.clone(),
                detail: detail.to_owned(),
            },
        };
        if answer
            .content_length()
            .is_some_and(|length| length > limits.body as u64)
        {
            return Err(too_large());
        }
        let encoding = answer
            .headers()
            .get(header::CONTENT_ENCODING)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let mut decoder = Decoder::new(encoding.as_deref(), limits.body).map_err(failed)?;
        while let Some(piece) = answer
            .chunk()
            .await
            .map_err(|error| classify(&error, &host, self.timeouts))?
        {
            decoder.push(&piece).map_err(failed)?;
        }
        let status = answer.status();
        let mut headers = std::mem::take(answer.headers_mut());
        if encoding.is_some() {
            headers.remove(header::CONTENT_ENCODING);
            headers.remove(header::CONTENT_LENGTH);
        }
        let body = decoder.finish().map_err(failed)?;
        Ok(Incoming {
            status,
            headers,
            body,
        })
    }

    /// Sends a request and waits for the head of the answer.
    pub(crate) async fn head(
        &self,
        client: &reqwest::Client,
        request: reqwest::Request,
        (host, first_byte): (&str, Duration),
    ) -> Result<reqwest::Response, SendError> {
        match tokio::time::timeout(first_byte, client.execute(request)).await {
            Ok(outcome) => outcome.map_err(|error| classify(&error, host, self.timeouts)),
            Err(_) => Err(SendError::Timeout {
                host: host.to_owned(),
                phase: "first byte",
                seconds: whole_seconds(first_byte),
            }),
        }
    }
}

/// A limit as messages tell it: of what is left of a second a whole one.
fn whole_seconds(limit: Duration) -> u64 {
    u64::try_from(limit.as_millis().div_ceil(1000)).unwrap_or(u64::MAX)
}

/// Announces the encodings that `decode.rs` undoes, whatever the caller asked for.
pub(crate) fn accept_encodings(headers: &mut HeaderMap) {
    headers.insert(
        header::ACCEPT_ENCODING,
        HeaderValue::from_static(decode::ACCEPTED),
    );
}

/// Reads a PEM bundle as certificates; an empty one is refused.
pub(crate) fn certificates(pem: &str) -> Result<Vec<reqwest::Certificate>, SendError> {
    match reqwest::Certificate::from_pem_bundle(pem.as_bytes()) {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(SendError::Certificates {
            detail: "it holds no PEM certificate".to_owned(),
        }),
        Err(error) => Err(SendError::Certificates {
            detail: innermost(&error),
        }),
    }
}

/// Host and port of a URL, for messages.
pub(crate) fn host_of(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => "(no host)".to_owned(),
    }
}
