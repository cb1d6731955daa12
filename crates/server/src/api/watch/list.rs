//! `GET /api/v1/runs/watch`: a list of runs as it changes, as server-sent events.
//!
//! The list is asked for as often as its length allows; only what has changed since is told. A stream ends after five
//! minutes, so that whoever may not see runs any more does not see them for longer; its reader asks anew.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::RawQuery;
use axum::response::Response;
use serde_json::{Value, json};
use store::RunFilter;

use super::{LIFE, Listener, Refusals, Speaker, again, event, trouble};
use crate::access::Viewer;
use crate::api::runs::{RunQuery, filter};
use crate::problem::Problem;
use crate::query::Query;

/// How often a list is looked at, and for how much longer it is let be for each of its rows.
const LOOK: Duration = Duration::from_millis(500);
const LOOK_ROW: Duration = Duration::from_millis(10);
/// The same for a search, which reads what runs began with.
const SEARCH: Duration = Duration::from_secs(5);

/// Somebody who watches a list.
struct Watcher {
    viewer: Viewer,
    filter: RunFilter,
    /// The runs as they were last told, by their id.
    told: BTreeMap<String, Value>,
    /// Their order; none before the first look.
    ids: Option<Vec<String>>,
}

impl Watcher {
    /// What there is to tell now.
    async fn look(&mut self) -> Result<String, Problem> {
        let (cards, next) = self.viewer.runs(&self.filter).await?.parts();
        let (mut text, mut ids, mut told) = (String::new(), Vec::new(), BTreeMap::new());
        for card in cards {
            let id = card.id().to_owned();
            let card = serde_json::to_value(card).unwrap_or_default();
            if self.told.get(&id) != Some(&card) {
                event(&mut text, "run", &card);
            }
            told.insert(id.clone(), card);
            ids.push(id);
        }
        self.told = told;
        if self.ids.as_ref() != Some(&ids) {
            event(&mut text, "list", &json!({ "ids": ids, "next": next }));
            self.ids = Some(ids);
        }
        Ok(text)
    }

    fn pause(&self) -> Duration {
        let rows = self.ids.as_ref().map_or(0, Vec::len);
        let rows = LOOK_ROW * u32::try_from(rows).unwrap_or(u32::MAX);
        let look = if self.filter.text.is_some() {
            SEARCH
        } else {
            LOOK
        };
        look + rows
    }

    /// Tells until its time is over, the reader gone or the server stopping.
    async fn run(mut self, mut text: String, mut speaker: Speaker) {
        let app = self.viewer.app().clone();
        let end = app.clock().now() + LIFE;
        while speaker.say(text).await == Listener::There {
            tokio::select! {
                () = tokio::time::sleep(self.pause()) => {}
                () = speaker.lines.closed() => return,
                () = app.closing().cancelled() => return,
            }
            if app.clock().now() >= end {
                speaker.say(again()).await;
                return;
            }
            text = match self.look().await {
                Ok(text) => text,
                Err(problem) => {
                    speaker.say(trouble(&problem)).await;
                    return;
                }
            };
        }
    }
}

/// Watches a list of runs: `run` for each that is new or has changed, `list` with their order when it is another one,
/// `again` after five minutes, when the stream ends and may be asked for anew.
#[utoipa::path(get, path = "/api/v1/runs/watch", tag = "runs", operation_id = "watch_runs", params(RunQuery),
    responses((status = 200, description = "Server-sent events: `run` (a run as it is listed), `list` (`ids`, newest first, and `next`), `again`, `problem`.", content_type = "text/event-stream", body = String), Refusals))]
pub(crate) async fn watch(viewer: Viewer, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let filter = filter(&viewer, &Query(query.as_deref())).await?;
    let app = viewer.app().clone();
    let mut watcher = Watcher {
        viewer,
        filter,
        told: BTreeMap::new(),
        ids: None,
    };
    let first = watcher.look().await?;
    let (speaker, response) = Speaker::new();
    app.tracker().spawn(watcher.run(first, speaker));
    Ok(response)
}
