//! `/oauth/start/{ticket}` and `/oauth/callback/{path}`: a person's browser on its way through a sign-in.
//!
//! Start ties the browser to the sign-in by a cookie and sends it to the
//! provider; callback takes what comes back and ends at the connection's page of
//! the console, or without a session there at a page of its own. What a callback
//! means is judged in `connect`; here it is only taken in and put in words.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use connect::CallbackError;
use http::StatusCode;
use http::header::{HeaderValue, LOCATION, SET_COOKIE};
use oauth::{Callback, Secret};
use store::Actor;

use crate::app::App;
use crate::cookie::Cookie;
use crate::frame::TraceId;
use crate::page::Page;
use crate::problem::Problem;
use crate::session::visitor;

/// A sign-in takes at most this long, and so lives the cookie.
const BROWSER_SECONDS: u32 = 600;

pub(crate) fn router() -> Router<App> {
    // GET alone: a HEAD by a link preview must not spend a ticket or a state
    let get = MethodFilter::GET;
    Router::new()
        .route("/oauth/start/{ticket}", on(get, start).head(no_head))
        .route(
            "/oauth/callback/{path}",
            on(get, callback).head(no_head).post(no_post),
        )
}

async fn no_head() -> Problem {
    Problem::new(
        "route.method_not_allowed",
        "this address is for browsers: it knows GET alone",
    )
}

/// `response_mode=form_post` and fragments are never asked for, so never taken.
async fn no_post(request: Request) -> Response {
    let trace_id = TraceId::of(&request);
    let problem = Problem::new(
        "oauth.callback_invalid",
        "a callback comes by GET, with its parameters in the query",
    );
    Page::refusal(&problem).render(trace_id)
}

/// Sends a browser to the provider, and remembers which browser it was.
async fn start(State(app): State<App>, ticket: Option<Path<String>>, request: Request) -> Response {
    let trace_id = TraceId::of(&request);
    let ticket = Secret::new(ticket.map(|Path(ticket)| ticket).unwrap_or_default());
    // a browser keeps its mark, so that two sign-ins in two tabs both come home
    let browser = Cookie::Browser
        .read(&app, request.headers())
        .filter(is_mark)
        .unwrap_or_else(mark);
    let visitor = match visitor(&app, request.headers()).await {
        Ok(visitor) => visitor,
        Err(problem) => return Page::refusal(&problem).render(trace_id),
    };
    match app
        .connector()
        .start(&ticket, &browser, visitor.as_ref())
        .await
    {
        Ok(url) => match HeaderValue::from_str(url.as_str()) {
            Ok(location) => {
                let cookie = Cookie::Browser.set(&app, &browser, Some(BROWSER_SECONDS));
                (
                    StatusCode::FOUND,
                    [(LOCATION, location), (SET_COOKIE, cookie)],
                )
                    .into_response()
            }
            Err(error) => Page::refusal(&Problem::internal(&error)).render(trace_id),
        },
        Err(error) => Page::refusal(&Problem::from(&error)).render(trace_id),
    }
}

/// Takes in what the provider sent along with the browser.
///
/// A code can be redeemed once, so the work is done on the tracker: a closed
/// tab does not cancel it.
async fn callback(
    State(app): State<App>,
    path: Option<Path<String>>,
    request: Request,
) -> Response {
    let trace_id = TraceId::of(&request);
    let path = path.map(|Path(path)| path).unwrap_or_default();
    let (parts, _) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let headers = parts.headers;
    let task = app
        .tracker()
        .spawn(finish(app.clone(), path, query, headers));
    match task.await {
        Ok(Ok(End::Page(page))) => page.render(trace_id),
        Ok(Ok(End::Console(path))) => (StatusCode::SEE_OTHER, [(LOCATION, path)]).into_response(),
        Ok(Err(problem)) => Page::refusal(&problem).render(trace_id),
        Err(error) => Page::refusal(&Problem::internal(&error)).render(trace_id),
    }
}

/// Where a browser ends.
enum End {
    /// Nobody is signed in to Keyway there, or there is no connection to show.
    Page(Page),
    /// The console's page of the connection.
    Console(HeaderValue),
}

impl End {
    fn console(name: &str, problem: Option<&Problem>) -> Result<End, Problem> {
        let problem = problem.map_or_else(String::new, |problem| {
            format!("?problem={}", problem.code())
        });
        HeaderValue::try_from(format!("/connections/{name}{problem}"))
            .map(End::Console)
            .map_err(|error| Problem::internal(&error))
    }

    /// The console says why, or without a session there a page of ours.
    fn refused(error: &CallbackError, visitor: Option<&Actor>) -> Result<End, Problem> {
        let problem = Problem::from(error);
        match problem.connection_name().filter(|_| visitor.is_some()) {
            Some(name) => End::console(name, Some(&problem)),
            None => Err(problem),
        }
    }
}

async fn finish(app: App, path: String, query: String, headers: HeaderMap) -> Result<End, Problem> {
    let callback =
        Callback::parse(&query).map_err(|error| Problem::new(error.code(), error.to_string()))?;
    let visitor = visitor(&app, &headers).await?;
    let browser = Cookie::Browser.read(&app, &headers);
    let connector = app.connector();
    match connector.consented(&path, &callback).await {
        Ok(None) => {}
        Ok(Some(name)) if visitor.is_some() => return End::console(name.as_str(), None),
        Ok(Some(name)) => {
            let card = connector.card(&Actor::system(), &name).await?;
            return Ok(End::Page(Page::consented(&name, &card)));
        }
        Err(error) => return End::refused(&error, visitor.as_ref()),
    }
    match connector
        .callback(&path, browser.as_ref(), visitor.as_ref(), callback)
        .await
    {
        Ok(name) if visitor.is_some() => End::console(name.as_str(), None),
        Ok(name) => {
            let card = connector.card(&Actor::system(), &name).await?;
            Ok(End::Page(Page::success(&name, &card)))
        }
        // not a sign-in at all: an administrator comes back by a link that says nothing of a connection
        Err(CallbackError::AdminConsented) => Ok(End::Page(Page::admin_consented())),
        Err(error) => End::refused(&error, visitor.as_ref()),
    }
}

/// A new mark for a browser: 256 random bits.
fn mark() -> Secret {
    Secret::new(URL_SAFE_NO_PAD.encode(crate::random::<32>()))
}

fn is_mark(value: &Secret) -> bool {
    URL_SAFE_NO_PAD
        .decode(value.expose())
        .is_ok_and(|bytes| bytes.len() == 32)
}
