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
use crate::json;
use crate::problem::Problem;

/// How many events one request may bring.
const BATCH: usize = 1_000;

/// What became of events.
#[derive(Serialize, ToSchema)]
pub(crate) struct Delivered {
    /// How many events were taken.
    events: usize,
    /// How many runs and flows they reached. An event that reaches nobody and that no flow gathers is gone.
    recipients: usize,
    /// How many flows keep them until other events have come that they wait for.
    gathered: usize,
}

impl Operator {
    async fn deliver(&self, events: Vec<CloudEvent>) -> Result<Delivered, Problem> {
        let mut delivered = Delivered {
            events: events.len(),
            recipients: 0,
            gathered: 0,
        };
        for event in events {
            let engine = self.app().engine();
            let reached = engine.deliver(self.actor(), event).await?;
            delivered.recipients += reached.recipients;
            delivered.gathered += reached.gathered;
        }
        Ok(delivered)
    }
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new("event.invalid", detail)
        .hint("CloudEvents 1.0 need `specversion`, `id`, `source` and `type`")
}

/// One event as JSON; `at` is the pointer to it.
fn structured(value: Value, at: &str) -> Result<CloudEvent, Problem> {
    CloudEvent::received(value).map_err(|why| {
        let field = match why.member() {
            Some(member) => format!("{at}/{member}"),
            None => at.to_owned(),
        };
        let detail = match at {
            "" => format!("the event is not valid: {why}"),
            at => format!("the event at `{at}` of the batch is not valid: {why}"),
        };
        invalid(detail).field(field)
    })
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
        if name == "data" || name == "data_base64" {
            return Err(invalid(format!(
                "header ce-{name} is no attribute: the body is the data"
            ))
            .field(format!("ce-{name}")));
        }
        if attributes
            .insert(name.to_owned(), text.into_owned().into())
            .is_some()
        {
            return Err(
                invalid(format!("header ce-{name} is given twice")).field(format!("ce-{name}"))
            );
        }
    }
    if !body.is_empty() {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let data = if essence == "application/json" || essence.ends_with("+json") {
            json::value(body)?
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
    match essence.as_str() {
        "application/cloudevents+json" => Ok(vec![structured(json::value(body)?, "")?]),
        "application/cloudevents-batch+json" => match json::value(body)? {
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

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","data":null}"#;

    fn refused(
        content_type: &str,
        headers: &[(&'static str, &str)],
        body: &str,
    ) -> (String, Option<String>) {
        let mut all = HeaderMap::from_iter([(CONTENT_TYPE, content_type.parse().unwrap())]);
        for (name, value) in headers {
            all.append(*name, value.parse().unwrap());
        }
        let problem = read(&all, body.as_bytes()).unwrap_err();
        let code = problem.code().to_owned();
        let response = problem.render(crate::frame::TraceId::next());
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20);
        let bytes = futures_util::FutureExt::now_or_never(bytes)
            .unwrap()
            .unwrap();
        let shown: Value = serde_json::from_slice(&bytes).unwrap();
        (code, shown["field"].as_str().map(str::to_owned))
    }

    fn check(body: &str, code: &str, field: &str) {
        let alone = refused("application/cloudevents+json", &[], body);
        assert_eq!(alone, (code.to_owned(), Some(field.to_owned())), "{body}");
        let batch = refused(
            "application/cloudevents-batch+json",
            &[],
            &format!("[{GOOD},{body}]"),
        );
        assert_eq!(
            batch,
            (code.to_owned(), Some(format!("/1{field}"))),
            "{body}"
        );
    }

    fn with(member: &str) -> String {
        format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t",{member}}}"#)
    }

    #[test]
    fn what_is_no_event_is_refused_with_its_place() {
        check(&with(r#""Tenant":{"a":1}"#), "event.invalid", "/Tenant");
        check(&with(r#""time":"never""#), "event.invalid", "/time");
        check(&with(r#""type":"u""#), "body.invalid", "/type");
        check(&with(r#""data":{"a":1,"a":2}"#), "body.invalid", "/data/a");
        check(
            &with(r#""data_base64":"!!""#),
            "event.invalid",
            "/data_base64",
        );
        check(
            &with(r#""data":1,"data_base64":"AAH/""#),
            "event.invalid",
            "/data_base64",
        );
        check(&GOOD.replace("1.0", "0.3"), "event.invalid", "/specversion");
        check(&GOOD.replace(r#""id":"1","#, ""), "event.invalid", "/id");
        check(
            &GOOD.replace(r#""id":"1""#, r#""id":7"#),
            "event.invalid",
            "/id",
        );
        let alone = refused("application/cloudevents+json", &[], "[]");
        assert_eq!(alone.0, "event.invalid");
    }

    #[test]
    fn headers_say_each_attribute_once() {
        let named = [
            ("ce-specversion", "1.0"),
            ("ce-id", "1"),
            ("ce-source", "/s"),
            ("ce-type", "t"),
        ];
        let with = |name: &'static str, value: &'static str| {
            let mut headers = named.to_vec();
            headers.push((name, value));
            refused("application/json", &headers, "{}")
        };
        let place = |field: &str| ("event.invalid".to_owned(), Some(field.to_owned()));
        assert_eq!(with("ce-type", "u"), place("ce-type"));
        assert_eq!(with("ce-data", "u"), place("ce-data"));
        assert_eq!(with("ce-time", "never"), place("/time"));
        assert_eq!(
            refused("application/json", &named, "{\"a\":1,\"a\":2}").0,
            "body.invalid"
        );
    }
}
