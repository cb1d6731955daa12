//! `GET /api/v1/runs/{run}/watch`: what a run does as it does it, as server-sent events.
//!
//! The journal's length is asked for twice a second, at once when the run ends here; only when it has grown is the
//! journal read. A stream ends with the run, with its reader, or when the server is being stopped; and after five minutes,
//! so that whoever may not see runs any more does not see them for longer: its reader asks anew.

pub(crate) mod list;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::unfold;
use http::header::{CONTENT_TYPE, HeaderValue};
use jiff::SignedDuration;
use serde::Serialize;
use serde_json::{Value, json};
use store::RunId;
use tokio::sync::mpsc::{Sender, channel};

use super::Refusals;
use super::runs::{Id, RunDetail, RunParameter};
use crate::access::Viewer;
use crate::problem::Problem;

/// How often a run is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How long a stream is silent at most, so that nobody in between takes it for dead.
const SILENCE: Duration = Duration::from_secs(15);
/// How long a stream lasts.
const LIFE: SignedDuration = SignedDuration::from_mins(5);

/// Where a run stands: by these it is known whether it has moved.
#[derive(PartialEq)]
struct Mark {
    lines: i64,
    status: store::RunStatus,
}

/// Somebody who watches a run.
struct Watcher {
    viewer: Viewer,
    id: RunId,
    mark: Option<Mark>,
    /// The steps as they were last told, by their place in the run.
    told: BTreeMap<usize, Value>,
}

impl Watcher {
    /// What there is to tell now, and whether that is all.
    async fn look(&mut self) -> Result<(String, bool), Problem> {
        let app = self.viewer.app().clone();
        let runs = app.store().runs();
        let found = runs.find(self.viewer.actor(), &self.id).await?;
        let run = found.ok_or_else(|| Problem::not_found("run", self.id.as_str()))?;
        let mark = Mark {
            lines: runs.length(&self.id).await?,
            status: run.status,
        };
        if self.mark.as_ref() == Some(&mark) {
            return Ok((String::new(), false));
        }
        let over = run.status.is_over();
        let detail = self.viewer.history(&self.id).await?;
        self.mark = Some(mark);
        Ok((self.events(detail, over), over))
    }

    fn events(&mut self, detail: RunDetail, over: bool) -> String {
        let mut text = String::new();
        let (run, steps, output) = detail.parts();
        event(&mut text, "run", &run);
        for (place, step) in steps.iter().enumerate() {
            let step = serde_json::to_value(step).unwrap_or_default();
            if self.told.get(&place) != Some(&step) {
                event(&mut text, "step", &json!({ "index": place, "step": step }));
                self.told.insert(place, step);
            }
        }
        if over {
            event(&mut text, "end", &json!({ "run": run, "output": output }));
        }
        text
    }

    /// Tells until the run is over, its time is over, the reader gone or the server stopping.
    async fn run(
        mut self,
        first: (String, bool),
        ended: impl Future<Output = ()> + Send,
        mut speaker: Speaker,
    ) {
        let (mut text, mut over) = first;
        let app = self.viewer.app().clone();
        let end = app.clock().now() + LIFE;
        let mut ended: Pin<Box<dyn Future<Output = ()> + Send + '_>> = Box::pin(ended);
        loop {
            if speaker.say(text).await == Listener::Gone || over {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                // asked for anew before the next look: an answer to a hook's caller is no end
                () = &mut ended => ended = Box::pin(app.engine().ended(&self.id)),
                () = speaker.lines.closed() => return,
                () = app.closing().cancelled() => return,
            }
            if app.clock().now() >= end {
                speaker.say(again()).await;
                return;
            }
            (text, over) = match self.look().await {
                Ok(told) => told,
                Err(problem) => (trouble(&problem), true),
            };
        }
    }
}

/// Whether somebody still reads a stream.
#[derive(PartialEq, Eq)]
enum Listener {
    There,
    Gone,
}

/// The side of a stream that tells.
struct Speaker {
    lines: Sender<Bytes>,
    spoken: Instant,
}

impl Speaker {
    /// A stream's telling side, and the answer that passes it on.
    fn new() -> (Speaker, Response) {
        let (lines, receiver) = channel(1);
        let body = unfold(receiver, async |mut receiver| {
            let piece = receiver.recv().await?;
            Some((Ok::<Bytes, Infallible>(piece), receiver))
        });
        let mut response = Response::new(Body::from_stream(body));
        let kind = HeaderValue::from_static("text/event-stream");
        response.headers_mut().insert(CONTENT_TYPE, kind);
        let spoken = Instant::now();
        (Speaker { lines, spoken }, response)
    }

    /// Tells this; where there was nothing to tell for long, that all is well.
    async fn say(&mut self, mut text: String) -> Listener {
        if text.is_empty() && self.spoken.elapsed() >= SILENCE {
            text.push_str(":\n\n");
        }
        if text.is_empty() {
            return Listener::There;
        }
        self.spoken = Instant::now();
        match self.lines.send(text.into()).await {
            Ok(()) => Listener::There,
            Err(_) => Listener::Gone,
        }
    }
}

/// The event that says why a stream ends.
fn trouble(problem: &Problem) -> String {
    let mut text = String::new();
    let said = json!({ "code": problem.code(), "detail": problem.detail() });
    event(&mut text, "problem", &said);
    text
}

/// The event that says that a stream has lasted long enough and may be asked for anew.
fn again() -> String {
    let mut text = String::new();
    event(&mut text, "again", &json!({}));
    text
}

/// One event; JSON has no line breaks of its own.
fn event(text: &mut String, name: &str, data: &impl Serialize) {
    let data = serde_json::to_string(data).unwrap_or_default();
    for part in ["event: ", name, "\ndata: ", &data, "\n\n"] {
        text.push_str(part);
    }
}

/// Watches a run: `run` with how it stands, `step` for each step that is new or has changed, at last `end`; or `again`
/// after five minutes, when the stream ends and may be asked for anew.
#[utoipa::path(get, path = "/api/v1/runs/{run}/watch", tag = "runs", operation_id = "watch_run", params(RunParameter),
    responses((status = 200, description = "Server-sent events: `run` (a run as it is listed, and what it `waits_for`), `step` (`index`, `step`), `end` (`run`, `output`), `again`, `problem`.", content_type = "text/event-stream", body = String), Refusals))]
pub(crate) async fn watch(viewer: Viewer, Id(id): Id) -> Result<Response, Problem> {
    let app = viewer.app().clone();
    let mut watcher = Watcher {
        viewer,
        id,
        mark: None,
        told: BTreeMap::new(),
    };
    // before the first look, or an end right after it would go unnoticed for a while
    let ended = app.engine().ended(&watcher.id);
    let first = watcher.look().await?;
    let (speaker, response) = Speaker::new();
    app.tracker().spawn(watcher.run(first, ended, speaker));
    Ok(response)
}
