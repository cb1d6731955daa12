//! `keyway serve`: opens the house, announces itself, serves until a signal, drains, goes.
//!
//! The first signal stops intake and lets running requests end; the second ends the process at once, which is as safe
//! as a power cut.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use serde_json::json;
use store::{Secret, Sharing};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::Exit;
use crate::app;
use crate::cli::Global;
use crate::client::Announcement;
use crate::config::{Config, Overrides, TlsFiles};
use crate::failure::Failure;
use crate::telemetry::{self, Verbosity};
use crate::ui::Ui;
use crate::ui::secret::Question;

/// Options of `serve`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Address and port to listen on [default: 127.0.0.1:8800]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// The address people reach the server at [default: http://localhost:PORT]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
}

/// Runs the server to its end.
pub(crate) async fn run(ui: Ui, global: &Global, arguments: Arguments) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let config = Config::load(
        global,
        Overrides {
            listen: arguments.listen,
            public_url: arguments.public_url,
        },
    )?;
    telemetry::start(&config.log, Verbosity::Server);
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let tls = config.tls.as_ref().map(read_tls).transpose()?;
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|error| busy(&config, &error))?;
    let address = listener
        .local_addr()
        .map_err(|error| Failure::io("the listener has no address", &error))?;
    let public_url = config.public_url_at(address.port());
    let token = new_token()?;
    let house = app::open(&config, &public_url, Some(token.clone()), Sharing::Sole).await?;
    let setup = server::setup_token(&house.store).await;
    let shown = match setup {
        Ok(setup) => setup,
        Err(error) => {
            house.close().await;
            return Err(Failure::new(Exit::Storage, error.code(), error.to_string()));
        }
    };
    let stop = CancellationToken::new();
    // Before anybody can know of the server, and end it.
    let watch = watch(Signals::listen()?, stop.clone());
    // Known to commands only once the database is open and before the first request is answered.
    let announcement = Announcement::leave(
        &config.data_dir,
        &public_url,
        address,
        config.tls.as_ref().map(|files| files.certificate.as_path()),
        &token,
    )?;
    let address_text = public_url.as_str().trim_end_matches('/');
    if let Some(token) = &shown {
        ui.note(&format!("first start: set up the first administrator at {address_text} with this one-time token: {}", token.expose()));
    }
    let took = begun.elapsed().as_millis();
    tracing::info!(%address, public_url = address_text, milliseconds = %took, "ready");
    if ui.json() {
        ui.document(&json!({ "ready": true, "url": address_text, "listen": address.to_string(), "pid": std::process::id() }));
    } else {
        ui.text(&format!(
            "keyway is ready at {address_text} (listening on {address}, data in {})",
            config.data_dir.display()
        ));
    }
    let work = async {
        let served = server::serve(house.app.clone(), listener, tls, stop).await;
        drop(announcement);
        house.close().await;
        served
    };
    let served = tokio::select! {
        served = work => served,
        () = watch => Ok(()),
    };
    served.map_err(|error| Failure::new(Exit::Bug, "serve.failed", error.to_string()))?;
    tracing::info!("stopped");
    Ok(Exit::Ok)
}

/// A fresh credential for commands on this data directory, as good as the directory itself.
fn new_token() -> Result<Secret, Failure> {
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(random::<32>()?)))
}

/// Randomness of the one crypto library.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    let provider = rustls::crypto::CryptoProvider::get_default()
        .ok_or_else(|| Failure::bug("the TLS library is not set up"))?;
    provider.secure_random.fill(&mut bytes).map_err(|_| {
        Failure::new(
            Exit::Storage,
            "storage_error",
            "the system gives no randomness",
        )
    })?;
    Ok(bytes)
}

fn read_tls(files: &TlsFiles) -> Result<server::Tls, Failure> {
    let question = Question {
        what: "private key of the listener",
        option: "tls.key_file",
    };
    let key = question.read(&files.key.to_string_lossy())?;
    let certificate_pem = std::fs::read(&files.certificate).map_err(|error| {
        Failure::new(
            Exit::Invalid,
            "config.invalid",
            format!(
                "tls.certificate_file {} cannot be read: {error}",
                files.certificate.display()
            ),
        )
    })?;
    Ok(server::Tls {
        certificate_pem,
        key_pem: Secret::new(key.expose().to_owned()),
    })
}

fn busy(config: &Config, error: &std::io::Error) -> Failure {
    let address = config.listen;
    if error.kind() == std::io::ErrorKind::AddrInUse {
        return Failure::new(
            Exit::Conflict,
            "listen.busy",
            format!(
                "port {} on {} is already in use",
                address.port(),
                address.ip()
            ),
        )
        .hint("stop the other program, or choose another address with --listen");
    }
    Failure::new(
        Exit::Invalid,
        "listen.refused",
        format!("cannot listen on {address}: {error}"),
    )
    .hint("choose another address with --listen")
}

/// The signals that end a server.
#[cfg(unix)]
pub(crate) struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(crate) fn listen() -> Result<Signals, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let open =
            |kind| signal(kind).map_err(|error| Failure::io("cannot watch for signals", &error));
        Ok(Signals {
            terminate: open(SignalKind::terminate())?,
            interrupt: open(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next signal.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// The signal that ends a server.
#[cfg(not(unix))]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn listen() -> Result<Signals, Failure> {
        Ok(Signals)
    }

    /// Waits for the next signal.
    pub(crate) async fn next(&mut self) {
        drop(tokio::signal::ctrl_c().await);
    }
}

/// Starts the drain at the first signal and returns at the second.
async fn watch(mut signals: Signals, stop: CancellationToken) {
    signals.next().await;
    tracing::info!("stopping: running requests are finished; a second signal ends at once");
    stop.cancel();
    signals.next().await;
    tracing::warn!("stopped by a second signal");
}
