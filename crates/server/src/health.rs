//! `/healthz`, `/readyz` and `/metrics`: how the server is doing.
//!
//! The first two tell anybody no more than yes or no. Metrics need a viewer's
//! key, or a peer on this machine that is not a proxy.

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use connect::Connector;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use metrics::{Counter, Histogram, counter, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

use crate::access::{Viewer, is_local};
use crate::app::App;
use crate::problem::Problem;

/// How often the recorder folds its samples together, and idle connections are looked after.
const UPKEEP: Duration = Duration::from_secs(5);
const BUCKETS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
const DURATION: &str = "keyway_http_request_duration_seconds";

/// The process's one recorder, once it is installed.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(scrape))
}

async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    app.store().ping().await?;
    let health = app.engine().health();
    if health.is_alarming() {
        let detail = "runs can't go on as they should";
        return Err(Problem::new("engine.unwell", detail).retry_after(5));
    }
    Ok("ready\n")
}

/// Takes the engine's pulse for a scrape.
async fn gauge_runs(app: &App) -> Result<(), Problem> {
    if RECORDER.get().is_none() {
        return Ok(());
    }
    let engine = app.engine();
    let live = u32::try_from(engine.live()).unwrap_or(u32::MAX);
    gauge!("keyway_runs_live").set(live);
    let age = engine.health().oldest_due;
    gauge!("keyway_runs_queue_age_seconds").set(age.as_secs_f64());
    let counts = app.store().runs().counts().await?;
    for status in ["pending", "running", "waiting", "suspended", "parked"] {
        let count = counts.iter().find(|(found, _)| found.as_str() == status);
        let count = count.map_or(0, |(_, count)| u32::try_from(*count).unwrap_or(u32::MAX));
        gauge!("keyway_runs", "status" => status).set(count);
    }
    Ok(())
}

async fn scrape(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    if !is_local(&app, &parts.headers, &parts.extensions) {
        <Viewer as axum::extract::FromRequestParts<App>>::from_request_parts(&mut parts, &app)
            .await?;
    }
    gauge_runs(&app).await?;
    let text = RECORDER
        .get()
        .map(PrometheusHandle::render)
        .unwrap_or_default();
    Ok((
        StatusCode::OK,
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text,
    )
        .into_response())
}

/// Installs the recorder, once per process; until then everything counted is dropped at no cost.
pub(crate) fn install() {
    RECORDER.get_or_init(|| {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), BUCKETS)
            .expect("there are buckets")
            .build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("metrics are recorded elsewhere: /metrics stays empty");
        }
        handle
    });
}

/// Keeps the recorder small, and idle connections few, until the server stops.
pub(crate) async fn upkeep(connector: Connector, stop: CancellationToken) {
    let mut tick = tokio::time::interval(UPKEEP);
    while stop.run_until_cancelled(tick.tick()).await.is_some() {
        if let Some(handle) = RECORDER.get() {
            handle.run_upkeep();
        }
        connector.tidy();
    }
}

/// The two instruments of one route and status.
type Instruments = (Counter, Histogram);

type ByRoute = HashMap<Box<str>, Instruments>;

/// They are looked up by name once: a registry lookup costs more than a request may.
static INSTRUMENTS: LazyLock<RwLock<HashMap<StatusCode, ByRoute>>> = LazyLock::new(RwLock::default);

/// Counts one answered request.
pub(crate) fn count(route: &str, status: StatusCode, begun: Instant) {
    if RECORDER.get().is_none() {
        return;
    }
    let seconds = begun.elapsed();
    let note = |(counter, histogram): &Instruments| {
        counter.increment(1);
        histogram.record(seconds);
    };
    let known = INSTRUMENTS.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(instruments) = known.get(&status).and_then(|routes| routes.get(route)) {
        return note(instruments);
    }
    drop(known);
    let (name, code) = (route.to_owned(), status.as_str().to_owned());
    let instruments = (
        counter!("keyway_http_requests_total", "route" => name.clone(), "status" => code),
        histogram!(DURATION, "route" => name),
    );
    note(&instruments);
    let mut known = INSTRUMENTS.write().unwrap_or_else(PoisonError::into_inner);
    known
        .entry(status)
        .or_default()
        .insert(route.into(), instruments);
}
