//! The frame around every answer: limits of the request line and headers,
//! the trace id, panics, problem documents and the security headers.
//!
//! It is the outermost layer and knows nothing of what is asked. The limits on
//! bodies are in `json`, those on who may ask in `access`.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, Uri};
use tracing::Instrument;

use crate::app::{App, Limits};
use crate::problem::Problem;
use crate::{csrf, query};

/// Names one request in answers and in the log: 64 bits of the process, 64 of a counter.
///
/// It is a name, not a secret, so it costs no randomness per request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TraceId(u64, u64);

impl TraceId {
    /// The next one.
    pub(crate) fn next() -> TraceId {
        static PROCESS: LazyLock<u64> = LazyLock::new(|| u64::from_be_bytes(crate::random()));
        static COUNTER: AtomicU64 = AtomicU64::new(1);
        TraceId(*PROCESS, COUNTER.fetch_add(1, Ordering::Relaxed))
    }

    /// That of a request.
    pub(crate) fn of(request: &Request) -> TraceId {
        request
            .extensions()
            .get()
            .copied()
            .unwrap_or_else(TraceId::next)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.0, self.1)
    }
}

/// The version header on every answer, by which a CLI of another age notices.
const VERSION: HeaderName = HeaderName::from_static("keyway-version");
/// Nothing of ours is ever meant for another site's page.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The layer around every route but the pass-through's, which brings the frame itself.
pub(crate) async fn frame(State(app): State<App>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    around(&app, route, request, |request| next.run(request)).await
}

/// Checks the outside of a request, runs it, finishes the answer.
pub(crate) async fn around<F, R>(app: &App, route: &str, mut request: Request, run: F) -> Response
where
    F: FnOnce(Request) -> R,
    R: Future<Output = Response>,
{
    let begun = Instant::now();
    let trace_id = TraceId::next();
    let method = request.method();
    // what passes through is not worth a span unless somebody looks for it
    let span = if route.starts_with("/proxy/") {
        tracing::debug_span!("request", http.request.method = %method, http.route = route, %trace_id)
    } else {
        tracing::info_span!("request", http.request.method = %method, http.route = route, %trace_id)
    };
    let checked = check(app, route, &request);
    request.extensions_mut().insert(trace_id);
    let mut response = match checked {
        Err(problem) => problem.into_response(),
        Ok(()) => AssertUnwindSafe(run(request))
            .catch_unwind()
            .instrument(span)
            .await
            .unwrap_or_else(|_| {
                let detail = "an unexpected error stopped this request";
                Problem::new("internal", detail).into_response()
            }),
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        tracing::debug!(%trace_id, code = problem.code(), "refused");
        let allow = response.headers_mut().remove(ALLOW);
        response = problem.render(trace_id);
        response
            .headers_mut()
            .extend(allow.map(|allow| (ALLOW, allow)));
    }
    secure(app, response.headers_mut());
    crate::health::count(route, response.status(), begun);
    response
}

/// Everything that can be said about a request before anybody looks at who sent it.
fn check(app: &App, route: &str, request: &Request) -> Result<(), Problem> {
    let limits = &app.config().limits;
    // a provider's answer has limits of its own, and a page to be refused on
    if route != "/oauth/callback/{path}" {
        within_url_limit(limits, request.uri())?;
    }
    within_header_limits(limits, request.headers())?;
    query::check(route, request.uri().query())?;
    if !route.starts_with("/proxy/") {
        // the pass-through takes no cookies, so pages of other sites have nothing to ride on there
        csrf::refuse_foreign(app, request.method(), request.headers())?;
    }
    Ok(())
}

fn within_url_limit(limits: &Limits, uri: &Uri) -> Result<(), Problem> {
    let length = uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if length > limits.url_bytes {
        return Err(Problem::new(
            "request.uri_too_long",
            format!(
                "the path and query are {length} bytes long, the limit is {}",
                limits.url_bytes
            ),
        ));
    }
    Ok(())
}

fn within_header_limits(limits: &Limits, headers: &HeaderMap) -> Result<(), Problem> {
    let bytes: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    if headers.len() > limits.headers || bytes > limits.header_bytes {
        return Err(Problem::new(
            "request.headers_too_large",
            format!(
                "the request has {} headers of {bytes} bytes, the limits are {} and {}",
                headers.len(),
                limits.headers,
                limits.header_bytes
            ),
        ));
    }
    Ok(())
}

/// Puts the security headers on an answer; what a handler set itself stays.
pub(crate) fn secure(app: &App, headers: &mut HeaderMap) {
    let defaults = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (X_FRAME_OPTIONS, "DENY"),
        (RESOURCE_POLICY, "same-origin"),
        (VERSION, env!("CARGO_PKG_VERSION")),
    ];
    // one growth instead of three
    headers.reserve(defaults.len() + 1);
    for (name, value) in defaults {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    if app.is_https() {
        headers
            .entry(STRICT_TRANSPORT_SECURITY)
            .or_insert(HeaderValue::from_static("max-age=31536000"));
    }
}
