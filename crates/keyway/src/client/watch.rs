//! Watching a run by the server's event stream, whatever becomes of the connection meanwhile.
//!
//! A stream that breaks off is opened anew, at a server that was started again too; it begins with all that the run did, so
//! nothing is missed. Whoever watches may be told the same twice.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::events::{Event, Events, Said};
use super::{Client, segment};
use crate::Exit;
use crate::failure::Failure;
use crate::ui::Ui;

/// A server that is silent for so long is gone: it says something every 15 seconds.
const SILENCE: Duration = Duration::from_secs(45);
/// How long it may take until a server is there again.
const PATIENCE: Duration = Duration::from_mins(2);
/// What lies between two attempts to reach it.
const PAUSE: Duration = Duration::from_millis(500);

/// What there is to tell of a run.
pub(crate) enum Told {
    /// How it stands now.
    Stands(Value),
    /// A step that is new or has changed.
    Step(Value),
    /// It is over.
    Over,
}

/// A run that is watched.
pub(crate) struct Watch<'c> {
    ui: Ui,
    first: &'c Client,
    /// The way to a server that was started again.
    anew: Option<Client>,
    path: String,
    events: Option<Events>,
    opened: Opened,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Opened {
    Never,
    Before,
}

impl<'c> Watch<'c> {
    /// Begins to watch a run.
    pub(crate) fn new(ui: Ui, client: &'c Client, run: &str) -> Result<Watch<'c>, Failure> {
        Ok(Watch {
            ui,
            first: client,
            anew: None,
            path: format!("/api/v1/runs/{}/watch", segment(run)?),
            events: None,
            opened: Opened::Never,
        })
    }

    /// The client that reaches the server now.
    pub(crate) fn client(&self) -> &Client {
        self.anew.as_ref().unwrap_or(self.first)
    }

    /// What there is to tell next. May be dropped and called again.
    pub(crate) async fn next(&mut self) -> Result<Told, Failure> {
        loop {
            if self.events.is_none() {
                self.events = Some(self.open().await?);
                self.opened = Opened::Before;
            }
            let Some(events) = &mut self.events else {
                continue;
            };
            match tokio::time::timeout(SILENCE, events.next()).await {
                Ok(Ok(Some(Said::Comment))) => {}
                Ok(Ok(Some(Said::Event(event)))) => {
                    if let Some(told) = told(event)? {
                        return Ok(told);
                    }
                }
                // ended before the run did, broken off, or silent
                Ok(Ok(None) | Err(_)) | Err(_) => self.events = None,
            }
        }
    }

    async fn open(&mut self) -> Result<Events, Failure> {
        if self.opened == Opened::Never {
            return self.client().events(&self.path).await;
        }
        let since = Instant::now();
        loop {
            tokio::time::sleep(PAUSE).await;
            if let Some(client) = self.first.anew(self.ui).await? {
                self.anew = Some(client);
            }
            match self.client().events(&self.path).await {
                Err(failure) if is_away(&failure) && since.elapsed() < PATIENCE => {}
                outcome => return outcome,
            }
        }
    }
}

/// Whether a server may be there again in a while: it is being stopped, or started.
fn is_away(failure: &Failure) -> bool {
    matches!(failure.code(), "client.unreachable" | "client.answer")
        || failure.exit() == Exit::Storage
}

fn told(event: Event) -> Result<Option<Told>, Failure> {
    let Event { name, mut data } = event;
    Ok(match name.as_str() {
        "run" => Some(Told::Stands(data)),
        "step" => Some(Told::Step(data["step"].take())),
        "end" => Some(Told::Over),
        "problem" => {
            let said = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
            return Err(Failure::new(Exit::Upstream, &said("code"), said("detail")));
        }
        // what a newer server also tells
        _ => None,
    })
}
