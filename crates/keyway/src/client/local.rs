//! The way inside this process: the server's own router, asked as the built-in admin `local`.
//!
//! Whoever can read the data directory owns it, so no credential is asked; the audit log says `local`.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use http_body_util::{BodyExt as _, Full};
use serde_json::{Map, Value, json};
use store::{Actor, Sharing};
use tokio::net::TcpListener;
use tokio_util::bytes::Bytes;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use url::Url;

use super::stream::{Lines, Source, broken, refused};
use super::transfer::{Transfer, Transferred};
use super::{Message, Raw};
use crate::Exit;
use crate::app::{self, House};
use crate::config::{self, Config};
use crate::failure::Failure;

/// The body of an answer of this process.
type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, Failure>;

/// The house, open for one command.
pub(crate) struct Local {
    house: House,
    public_url: Url,
    data_dir: std::path::PathBuf,
    /// As the command line names it.
    config_file: Option<std::path::PathBuf>,
}

impl Local {
    /// Opens store, connector and router; the first command on a data directory creates them.
    pub(super) async fn open(config: Config) -> Result<Local, Failure> {
        let public_url = config.public_url_at(config.listen.port());
        let house = app::open(&config, &public_url, None, Sharing::Shared).await?;
        Ok(Local {
            house,
            public_url,
            data_dir: config.data_dir,
            config_file: config.file,
        })
    }

    /// Opens a house of which nothing is left, with these values for its secrets and connections.
    pub(super) async fn in_memory(
        config: Config,
        given: Map<String, Value>,
    ) -> Result<Local, Failure> {
        let public_url = config.public_url_at(config.listen.port());
        let house = app::in_memory(&config, &public_url, given).await?;
        Ok(Local {
            house,
            public_url,
            data_dir: config.data_dir,
            config_file: config.file,
        })
    }

    pub(super) async fn send(&self, message: Message<'_>) -> Result<Raw, Failure> {
        let (status, body) = self.ask(message).await?;
        let bytes = body.collect().await?.to_bytes();
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes)))
        };
        Ok(Raw { status, body })
    }

    /// Sends a request whose answer comes line by line.
    pub(super) async fn lines(&self, message: Message<'_>) -> Result<Lines, Failure> {
        let (status, body) = self.ask(message).await?;
        if (200..300).contains(&status) {
            return Ok(Lines::new(Source::Local(body)));
        }
        Err(refused(status, &body.collect().await?.to_bytes()))
    }

    async fn ask(&self, message: Message<'_>) -> Result<(u16, Body), Failure> {
        let mut request = http::Request::builder()
            .method(message.method)
            .uri(message.path);
        if let Some(tag) = message.if_match {
            request = request.header(http::header::IF_MATCH, tag);
        }
        if message.body.is_some() {
            request = request.header(http::header::CONTENT_TYPE, message.media);
        }
        let body = message.body.map(Value::to_string).unwrap_or_default();
        let request = request.body(Full::<Bytes>::from(body)).map_err(|error| {
            Failure::bug(format!(
                "a request of this command cannot be built: {error}"
            ))
        })?;
        let response = self.routed(request).await;
        let status = response.status().as_u16();
        Ok((status, readable(response.into_body())))
    }

    /// Passes a request through.
    pub(super) async fn transfer(&self, transfer: Transfer) -> Result<Transferred, Failure> {
        let mut request = http::Request::new(transfer.body);
        *request.method_mut() = transfer.method;
        *request.uri_mut() = transfer
            .path
            .parse()
            .map_err(|error| Failure::usage(format!("the path is not valid: {error}"), ""))?;
        *request.headers_mut() = transfer.headers;
        let (parts, body) = self.routed(request).await.into_parts();
        Ok(Transferred {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: Source::Local(readable(body)),
        })
    }

    async fn routed<B>(
        &self,
        request: http::Request<B>,
    ) -> http::Response<
        impl http_body::Body<Data = Bytes, Error: std::fmt::Display> + Send + 'static + use<B>,
    >
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let router = server::router_as(self.house.app.clone(), Actor::local());
        match router.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    /// Listens on the port of the public URL, so that a browser can come back to it.
    pub(super) async fn listen(&self) -> Result<Visitors, Failure> {
        let port = self.public_url.port_or_known_default().unwrap_or_default();
        let not_here = |why: String| {
            Failure::new(
                Exit::Conflict,
                "authorize.no_listener",
                format!(
                    "nobody would be there when the browser comes back to {}: {why}",
                    self.public_url
                ),
            )
            .hint(format!(
                "start `keyway serve{} --data-dir {}` and repeat the command",
                self.config_file
                    .as_ref()
                    .map_or_else(String::new, |file| format!(" --config {}", file.display())),
                self.data_dir.display()
            ))
        };
        if !config::is_loopback(&self.public_url) || self.public_url.scheme() != "http" {
            return Err(not_here("that address is not one of this machine's own, and no server runs on the data directory".to_owned()));
        }
        let stop = CancellationToken::new();
        let mut listening = 0;
        let mut reason = String::new();
        // A browser may take localhost for either family.
        for address in [
            SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
        ] {
            match TcpListener::bind(address).await {
                Ok(listener) => {
                    listening += 1;
                    let app = self.house.app.clone();
                    let stop = stop.clone();
                    self.house.tracker.spawn(async move {
                        if let Err(error) = server::serve(app, listener, None, stop).await {
                            tracing::error!(%error, "the listener for the sign-in stopped");
                        }
                    });
                }
                Err(error) if address.is_ipv4() => {
                    reason = format!(
                        "port {port} cannot be opened ({error}); is another program using it?"
                    );
                    break;
                }
                // Without IPv6 on this machine nobody will come that way.
                Err(_) => {}
            }
        }
        if listening == 0 {
            Err(not_here(reason))
        } else {
            Ok(Visitors { stop })
        }
    }

    /// Polls for sign-ins by device code, as a server does.
    pub(super) fn watch_devices(&self) -> Visitors {
        let stop = CancellationToken::new();
        let watch = self.house.connector.clone().watch_devices(stop.clone());
        self.house.tracker.spawn(watch);
        Visitors { stop }
    }

    pub(super) async fn close(self) {
        self.house.close().await;
    }
}

/// A body of this process as commands read it.
fn readable<B>(body: B) -> Body
where
    B: http_body::Body<Data = Bytes, Error: std::fmt::Display> + Send + 'static,
{
    body.map_err(|error| broken(&error.to_string()))
        .boxed_unsync()
}

/// Whoever waits for the provider's answer, for the length of a sign-in.
pub(crate) struct Visitors {
    stop: CancellationToken,
}

impl Drop for Visitors {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
