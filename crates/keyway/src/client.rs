//! One client of the REST API with two ways to reach it: over HTTP, or the same router in this process.
//!
//! Which one is decided once per command: a named server, a server that runs on the data directory, else in-process.

mod events;
pub(crate) mod find;
mod http;
mod local;
pub(crate) mod stream;
mod transfer;
pub(crate) mod wait;
pub(crate) mod watch;

use std::path::{Path, PathBuf};

use ::http::Method;
use ::http::header::VIA;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::cli::Global;
use crate::config::{Config, Overrides, Remote};
use crate::failure::Failure;
use crate::telemetry::{self, Verbosity};
use crate::ui::Ui;

pub(crate) use find::Announcement;
pub(crate) use local::Local;
pub(crate) use transfer::{Content, Transfer, Transferred, Upload};

/// A way to the REST API.
pub(crate) struct Client {
    way: Way,
}

enum Way {
    /// A server that somebody named.
    Named(http::Http),
    /// The server of a data directory.
    Announced(http::Http, PathBuf),
    Local(Box<Local>),
}

/// One request, without saying how it travels.
struct Message<'a> {
    method: Method,
    path: &'a str,
    if_match: Option<String>,
    body: Option<&'a Value>,
    /// What the body is.
    media: &'static str,
}

/// What the bodies of the API are, but for events.
const JSON: &str = "application/json";

/// A successful answer.
pub(crate) struct Answer {
    pub(crate) body: Value,
}

/// An answer as it came.
struct Raw {
    status: u16,
    body: Value,
}

impl Client {
    /// Finds the way for a command.
    pub(crate) async fn open(ui: Ui, global: &Global) -> Result<Client, Failure> {
        if let Some(remote) = Remote::find(global)? {
            return Ok(Client {
                way: Way::Named(http::Http::remote(ui, remote)?),
            });
        }
        let config = Config::load(global, Overrides::default())?;
        telemetry::start(&config.log, Verbosity::Command);
        if let Some(client) = Client::announced(ui, &config.data_dir).await? {
            return Ok(client);
        }
        for warning in config.warnings.iter().chain(&config.egress.warnings()) {
            ui.warning(warning);
        }
        Ok(Client {
            way: Way::Local(Box::new(Local::open(config).await?)),
        })
    }

    /// The router of this process over a store in memory, with these values for its secrets and connections.
    pub(crate) async fn in_memory(
        global: &Global,
        given: Map<String, Value>,
    ) -> Result<Client, Failure> {
        let config = Config::load(global, Overrides::default())?;
        Ok(Client {
            way: Way::Local(Box::new(Local::in_memory(config, given).await?)),
        })
    }

    /// The server that runs on a data directory, if one does.
    async fn announced(ui: Ui, data_dir: &Path) -> Result<Option<Client>, Failure> {
        let Some(running) = find::running(data_dir).await else {
            return Ok(None);
        };
        let http = http::Http::announced(ui, &running)?;
        Ok(Some(Client {
            way: Way::Announced(http, data_dir.to_owned()),
        }))
    }

    /// The server of the data directory as it is announced now: one that was started again has another address and
    /// token. `None` where there is no other way than this one.
    async fn anew(&self, ui: Ui) -> Result<Option<Client>, Failure> {
        match &self.way {
            Way::Announced(_, data_dir) => Client::announced(ui, data_dir).await,
            Way::Named(_) | Way::Local(_) => Ok(None),
        }
    }

    /// The router of this process, when there is no server.
    pub(crate) fn local(&self) -> Option<&Local> {
        match &self.way {
            Way::Named(_) | Way::Announced(..) => None,
            Way::Local(local) => Some(local),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.send(Message {
            method: Method::GET,
            path,
            if_match: None,
            body: None,
            media: JSON,
        })
        .await
    }

    pub(crate) async fn post(&self, path: &str, body: Option<&Value>) -> Result<Answer, Failure> {
        self.send(Message {
            method: Method::POST,
            path,
            if_match: None,
            body,
            media: JSON,
        })
        .await
    }

    /// Changes what is still at `version`.
    pub(crate) async fn patch(
        &self,
        path: &str,
        version: i64,
        body: &Value,
    ) -> Result<Answer, Failure> {
        self.send(Message {
            method: Method::PATCH,
            path,
            if_match: Some(format!("\"{version}\"")),
            body: Some(body),
            media: JSON,
        })
        .await
    }

    /// Removes; with a version only what is still at it.
    pub(crate) async fn delete(&self, path: &str, version: Option<i64>) -> Result<Answer, Failure> {
        let if_match = version.map(|version| format!("\"{version}\""));
        self.send(Message {
            method: Method::DELETE,
            path,
            if_match,
            body: None,
            media: JSON,
        })
        .await
    }

    /// Posts a document that is more than JSON.
    pub(crate) async fn post_as(
        &self,
        path: &str,
        media: &'static str,
        body: &Value,
    ) -> Result<Answer, Failure> {
        self.send(Message {
            method: Method::POST,
            path,
            if_match: None,
            body: Some(body),
            media,
        })
        .await
    }

    /// Stores under a name of the caller's, where that needs it only if what is there matches.
    pub(crate) async fn put(
        &self,
        path: &str,
        if_match: Option<String>,
        body: &Value,
    ) -> Result<Answer, Failure> {
        self.send(Message {
            method: Method::PUT,
            path,
            if_match,
            body: Some(body),
            media: JSON,
        })
        .await
    }

    /// Removes whatever version is there, or only what matches.
    pub(crate) async fn delete_if(&self, path: &str, if_match: String) -> Result<Answer, Failure> {
        self.send(Message {
            method: Method::DELETE,
            path,
            if_match: Some(if_match),
            body: None,
            media: JSON,
        })
        .await
    }

    /// Posts and reads the answer line by line, as it comes.
    pub(crate) async fn lines(&self, path: &str, body: &Value) -> Result<stream::Lines, Failure> {
        let message = Message {
            method: Method::POST,
            path,
            if_match: None,
            body: Some(body),
            media: JSON,
        };
        self.read_lines(message).await
    }

    /// Reads server-sent events as they come.
    async fn events(&self, path: &str) -> Result<events::Events, Failure> {
        let message = Message {
            method: Method::GET,
            path,
            if_match: None,
            body: None,
            media: JSON,
        };
        Ok(events::Events::new(self.read_lines(message).await?))
    }

    async fn read_lines(&self, message: Message<'_>) -> Result<stream::Lines, Failure> {
        match &self.way {
            Way::Named(http) | Way::Announced(http, _) => http.lines(message).await,
            Way::Local(local) => local.lines(message).await,
        }
    }

    /// Passes a request through and gives out the API's answer; Keyway's own refusal is a failure.
    pub(crate) async fn transfer(&self, transfer: Transfer) -> Result<Transferred, Failure> {
        let mut answer = match &self.way {
            Way::Named(http) | Way::Announced(http, _) => http.transfer(transfer).await?,
            Way::Local(local) => local.transfer(transfer).await?,
        };
        if answer.headers.contains_key(VIA) {
            return Ok(answer);
        }
        let mut body = Vec::new();
        while let Some(piece) = answer.body.piece().await? {
            body.extend_from_slice(&piece);
        }
        Err(stream::refused(answer.status, &body))
    }

    async fn send(&self, message: Message<'_>) -> Result<Answer, Failure> {
        let raw = match &self.way {
            Way::Named(http) | Way::Announced(http, _) => http.send(message).await?,
            Way::Local(local) => local.send(message).await?,
        };
        if (200..300).contains(&raw.status) {
            Ok(Answer { body: raw.body })
        } else {
            Err(Failure::from_answer(raw.status, raw.body))
        }
    }

    /// Lets background work finish (in-process only).
    pub(crate) async fn close(self) {
        if let Way::Local(local) = self.way {
            local.close().await;
        }
    }
}

/// What may stand unescaped in one segment of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A name as one segment of a path. `.` and `..` would be taken for directories; no name begins with a dot.
pub(crate) fn segment(name: &str) -> Result<String, Failure> {
    if name.is_empty() || name.starts_with('.') {
        return Err(Failure::new(
            crate::Exit::NotFound,
            "not_found",
            format!("there is nothing called {name:?}"),
        )
        .hint("keyway connection list shows the names"));
    }
    Ok(utf8_percent_encode(name, SEGMENT).to_string())
}

/// A value in a query.
pub(crate) fn query_value(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Opens the client, runs the command with it and closes it, whatever came out.
pub(crate) async fn with<T>(
    ui: Ui,
    global: &Global,
    command: impl AsyncFnOnce(&Client) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let client = Client::open(ui, global).await?;
    let outcome = command(&client).await;
    client.close().await;
    outcome
}
