//! `ANY /hooks/{flow}/{hook}`: messages from outside that start a flow.
//!
//! In this order: is there such a hook, does it know the method, is the message small and plain, does it prove where it
//! comes from, is it one too many; only then is it read. What is acknowledged is stored. What a flow answers is data:
//! no browser runs it, and it sets no cookie here.

mod limit;
mod message;
mod proof;
mod reply;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{HttpBody, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use bytes::Bytes;
use engine::{Hook, Start, Started};
use flow::definition::schedule::{Webhook, WebhookAuthentication};
use http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use store::{Actor, Role, Trigger};

use crate::app::App;
use crate::frame::around;
use crate::problem::Problem;

pub(crate) use limit::HookLimit;
use proof::Proof;

/// The prefix of every address here.
pub(crate) const PREFIX: &str = "/hooks/";
/// The route's name in metrics.
const ROUTE: &str = "/hooks/{flow}/{hook}";

/// For the router; the listener comes to [`answer`] without it.
pub(crate) fn router() -> Router<App> {
    Router::new().route("/hooks/{*path}", any(hook))
}

async fn hook(State(app): State<App>, request: Request) -> Response {
    answer(&app, request).await
}

/// Answers a request below [`PREFIX`], frame included.
pub(crate) async fn answer(app: &App, request: Request) -> Response {
    around(app, ROUTE, request, async |request| {
        let answered = take(app, request).await;
        let outcome = match &answered {
            Ok(response) if response.status().is_success() => "accepted",
            Ok(_) => "answered",
            Err(Refused(response)) => response
                .extensions()
                .get::<Problem>()
                .map_or("refused", |problem| label(problem.code())),
        };
        metrics::counter!("keyway_hook_messages_total", "outcome" => outcome).increment(1);
        answered.unwrap_or_else(|Refused(response)| *response)
    })
    .await
}

/// A refusal on its way out.
struct Refused(Box<Response>);

impl<P: Into<Problem>> From<P> for Refused {
    fn from(problem: P) -> Refused {
        Refused(Box::new(problem.into().into_response()))
    }
}

/// Codes that are counted by name.
fn label(code: &str) -> &'static str {
    match code {
        "webhook.signature" => "webhook.signature",
        "webhook.too_many" => "webhook.too_many",
        "webhook.not_found" => "webhook.not_found",
        "run.crowded" => "run.crowded",
        _ => "refused",
    }
}

async fn take(app: &App, request: Request) -> Result<Response, Refused> {
    let (parts, body) = request.into_parts();
    let (address, hook) = find(app, parts.uri.path()).await?;
    let webhook = hook.webhook();
    let method = parts.method.as_str();
    if !webhook.methods.iter().any(|known| known == method) {
        return Err(method_not_allowed(webhook, method));
    }
    if let WebhookAuthentication::GraphNotification(_) = webhook.authentication
        && let Some(echo) = message::validation(parts.uri.query())?
    {
        return Ok(echo);
    }
    plain(webhook, &parts)?;
    let body = read(app, body).await?;
    let proof = proof::prove(app, webhook, &parts, &body).await?;
    app.hook_limit()
        .take(app, &address, webhook)
        .map_err(|seconds| {
            Problem::new(
                "webhook.too_many",
                format!("hook {address} gets more messages than it may"),
            )
            .retry_after(seconds)
        })?;
    start(app, &address, &hook, &parts, (proof, body)).await
}

/// `{namespace}.{name}/{hook}`, as it stands in the address.
struct Address {
    namespace: String,
    name: String,
    hook: String,
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}/{}", self.namespace, self.name, self.hook)
    }
}

/// The same words for what never was, what is disabled and what has another name by now.
async fn find(app: &App, path: &str) -> Result<(Address, Hook), Problem> {
    let parts = path
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split_once('/'))
        .and_then(|(flow, hook)| Some((flow.split_once('.')?, hook)));
    if let Some(((namespace, name), hook)) = parts
        && let Some(found) = app.engine().hook(namespace, name, hook).await?
    {
        let address = Address {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            hook: hook.to_owned(),
        };
        return Ok((address, found));
    }
    Err(Problem::new(
        "webhook.not_found",
        "there is no hook at this address, or its flow is disabled",
    ))
}

fn method_not_allowed(webhook: &Webhook, method: &str) -> Refused {
    let known = webhook.methods.join(", ");
    let problem = Problem::new(
        "route.method_not_allowed",
        format!("this hook does not know {method}: it knows {known}"),
    );
    let mut response = problem.into_response();
    if let Ok(allow) = HeaderValue::from_str(&known) {
        response.headers_mut().insert(ALLOW, allow);
    }
    Refused(Box::new(response))
}

/// Refuses what is compressed or declared as something else: the flow says how a message is read, never its sender.
fn plain(webhook: &Webhook, parts: &Parts) -> Result<(), Problem> {
    if parts.headers.contains_key(CONTENT_ENCODING) {
        return Err(Problem::new(
            "webhook.encoding",
            "the message is compressed: this hook takes plain messages only",
        )
        .field("Content-Encoding"));
    }
    let mut declared = parts.headers.get_all(CONTENT_TYPE).iter();
    let good = match (declared.next(), declared.next()) {
        (Some(declared), None) => message::is_of_type(declared, &webhook.content_type),
        // a message without a body has no type
        (None, _) => matches!(parts.method.as_str(), "GET" | "DELETE"),
        (Some(_), Some(_)) => false,
    };
    if good {
        return Ok(());
    }
    let wanted = &webhook.content_type;
    Err(Problem::new(
        "webhook.media_type",
        format!("this hook takes {wanted} in UTF-8 and nothing else"),
    )
    .field("Content-Type"))
}

async fn read(app: &App, body: axum::body::Body) -> Result<Bytes, Problem> {
    let limit = app.config().limits.hook_body_bytes;
    let too_large = || {
        Problem::new(
            "body.too_large",
            format!("the message is larger than the limit of {limit} bytes"),
        )
    };
    if HttpBody::size_hint(&body).lower() > limit as u64 {
        return Err(too_large());
    }
    to_bytes(body, limit).await.map_err(|error| {
        if error.into_inner().is::<http_body_util::LengthLimitError>() {
            too_large()
        } else {
            Problem::new("request.invalid", "the message broke off")
        }
    })
}

/// Starts the run, and waits for it where the flow says that the caller does.
async fn start(
    app: &App,
    address: &Address,
    hook: &Hook,
    parts: &Parts,
    (proof, body): (Proof, Bytes),
) -> Result<Response, Refused> {
    let webhook = hook.webhook();
    let input = message::input(webhook, parts, proof.message.as_deref(), &body)?;
    if app.engine().is_crowded() {
        return Err(engine::Error::Crowded.into());
    }
    let actor = proof.caller.unwrap_or_else(|| anybody(address));
    let start = Start {
        subject: engine::Subject::Deployed {
            namespace: address.namespace.clone(),
            name: address.name.clone(),
            version: None,
        },
        input,
        key: proof
            .message
            .as_ref()
            .map(|message| format!("hook:{}:{message}", address.hook)),
        trigger: Trigger::Webhook {
            hook: address.hook.clone(),
            message: proof.message,
        },
    };
    let Some(wait) = webhook.wait else {
        let started = app.engine().start(&actor, start).await?;
        return Ok(reply::accepted(&started));
    };
    let wait = Duration::try_from(wait).unwrap_or_default();
    let (started, answer) = app.engine().start_and_wait(&actor, start, wait).await?;
    match started {
        Started::Now(_) => Ok(reply::of(&started, answer.outcome)?),
        Started::Before(_) => Ok(reply::accepted(&started)),
    }
}

/// Who a run is started by when nobody has a name.
fn anybody(address: &Address) -> Arc<Actor> {
    Arc::new(Actor {
        id: "webhook".to_owned(),
        name: format!("hook {address}"),
        role: Role::Operator,
    })
}
