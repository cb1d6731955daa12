//! `/api/v1/events`: `CloudEvents` 1.0 for runs that listen and flows that they start, over HTTP in structured, batched and
//! binary mode (the `CloudEvents` HTTP protocol binding, §3).

use axum::Json as Answer;
use axum::body::Bytes;
use flow::CloudEvent;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Refusals;
use crate::access::Operator;
use crate::app::App;
use crate::problem::Problem;

/// How many events one request may bring.
const BATCH: usize = 1_000;

/// What became of events.
#[derive(Serialize, ToSchema)]
pub(crate) struct Delivered {
    /// How many events were taken.
    events: usize,
    /// How many runs and flows they reached. An event that reaches nobody is gone.
    recipients: usize,
}

impl Operator {
    async fn deliver(&self, events: Vec<CloudEvent>) -> Result<Delivered, Problem> {
        let mut delivered = Delivered {
            events: events.len(),
            recipients: 0,
        };
        for event in events {
            let engine = self.app().engine();
            delivered.recipients += engine.deliver(self.actor(), event).await?;
        }
        Ok(delivered)
    }
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new("event.invalid", detail)
        .hint("CloudEvents 1.0 need `specversion`, `id`, `source` and `type`")
}

/// One event as JSON.
fn structured(value: Value, at: &str) -> Result<CloudEvent, Problem> {
    let event: CloudEvent = serde_json::from_value(value)
        .map_err(|error| invalid(format!("the event is not valid: {error}")).field(at))?;
    checked(event, at)
}

fn checked(event: CloudEvent, at: &str) -> Result<CloudEvent, Problem> {
    if event.specversion != "1.0" {
        let detail = format!(
            "specversion {:?} is not known: this is 1.0",
            event.specversion
        );
        return Err(invalid(detail).field(format!("{at}/specversion")));
    }
    for (name, value) in [
        ("id", &event.id),
        ("source", &event.source),
        ("type", &event.r#type),
    ] {
        if value.is_empty() {
            return Err(invalid(format!("`{name}` is empty")).field(format!("{at}/{name}")));
        }
    }
    Ok(event)
}

/// One event whose attributes are header fields.
fn binary(headers: &HeaderMap, content_type: &str, body: &[u8]) -> Result<CloudEvent, Problem> {
    let mut attributes = serde_json::Map::new();
    for (name, value) in headers {
        let Some(name) = name.as_str().strip_prefix("ce-") else {
            continue;
        };
        let text = value
            .to_str()
            .ok()
            .map(|text| percent_encoding::percent_decode_str(text).decode_utf8());
        let Some(Ok(text)) = text else {
            return Err(
                invalid(format!("header ce-{name} is not text")).field(format!("ce-{name}"))
            );
        };
        attributes.insert(name.to_owned(), text.into_owned().into());
    }
    if !body.is_empty() {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let data = if essence == "application/json" || essence.ends_with("+json") {
            serde_json::from_slice(body)
                .map_err(|error| invalid(format!("the data is not JSON: {error}")))?
        } else {
            match std::str::from_utf8(body) {
                Ok(text) => Value::from(text),
                Err(_) => return Err(invalid("the data is neither JSON nor text in UTF-8")),
            }
        };
        attributes.insert("datacontenttype".to_owned(), content_type.into());
        attributes.insert("data".to_owned(), data);
    }
    structured(Value::Object(attributes), "")
}

/// The events of a request.
fn read(headers: &HeaderMap, body: &[u8]) -> Result<Vec<CloudEvent>, Problem> {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let json = || {
        serde_json::from_slice(body)
            .map_err(|error| Problem::new("body.invalid", format!("the body is not JSON: {error}")))
    };
    match essence.as_str() {
        "application/cloudevents+json" => Ok(vec![structured(json()?, "")?]),
        "application/cloudevents-batch+json" => match json()? {
            Value::Array(events) if events.len() <= BATCH => events
                .into_iter()
                .enumerate()
                .map(|(at, event)| structured(event, &format!("/{at}")))
                .collect(),
            Value::Array(_) => Err(invalid(format!("a batch has at most {BATCH} events"))),
            _ => Err(invalid("a batch is a list of events")),
        },
        _ if headers.contains_key("ce-specversion") => {
            Ok(vec![binary(headers, content_type, body)?])
        }
        _ => Err(Problem::new(
            "body.media_type",
            "this is no CloudEvent: neither its media type nor its headers say so",
        )
        .hint("send `application/cloudevents+json`, or `ce-` headers")),
    }
}

/// Hands events over to the runs that listen for them and the flows that they start; durable when this answers.
#[utoipa::path(post, path = "/api/v1/events", tag = "events", operation_id = "send_events",
    request_body(content_type = "application/cloudevents+json", content = Object, description = "One event; a list as `application/cloudevents-batch+json`; or any body with `ce-` headers."),
    responses((status = 202, body = Delivered), Refusals))]
pub(crate) async fn deliver(
    operator: Operator,
    axum::extract::State(app): axum::extract::State<App>,
    headers: HeaderMap,
    body: axum::body::Body,
) -> Result<(http::StatusCode, Answer<Delivered>), Problem> {
    let limit = app.config().limits.body_bytes;
    let body: Bytes = axum::body::to_bytes(body, limit).await.map_err(|_| {
        let detail =
            format!("the request body is larger than the limit of {limit} bytes, or broke off");
        Problem::new("body.too_large", detail)
    })?;
    let events = read(&headers, &body)?;
    let delivered = operator.deliver(events).await?;
    Ok((http::StatusCode::ACCEPTED, Answer(delivered)))
}
