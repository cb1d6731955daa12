//! `call: http`: through a connection by name, or with a policy of the flow's own.

use std::time::{Duration, Instant};

use ::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use connect::{ApiRequest, Body, Part, Redirects, Retries};
use flow::command::{Authentication, Call, HttpCall, OutcomeUnknown};
use flow::{CommandId, Fault, FaultType};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};
use store::failpoint::{self, Place};
use store::{ConnectionName, RunId};

use super::answer::Answer;
use super::{Caller, Done, Performer, batch, failure};

/// What a header's value may not hold, and what would be hard to read in one.
const KEY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%').add(b',').add(b';');

/// Whether a call may have been made must be known before it is made again.
pub(crate) fn must_not_repeat(call: &Call) -> bool {
    match call {
        Call::Http(call) => {
            call.outcome_unknown != OutcomeUnknown::Retry && !is_idempotent(&call.method)
        }
        Call::Function {
            name, arguments, ..
        } => name == "batch" && !batch::is_repeatable(arguments),
        // Which method it is turns out later: it comes back as `Call::Http`.
        Call::OpenApi(_) => false,
    }
}

/// RFC 9110 §9.2.2.
fn is_idempotent(method: &str) -> bool {
    matches!(
        method,
        "GET" | "HEAD" | "OPTIONS" | "TRACE" | "PUT" | "DELETE"
    )
}

fn is_safe(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE")
}

/// The same for every time that a command is carried out, and for no other command.
fn idempotency_key(run: &RunId, id: &CommandId) -> String {
    format!("{run}:{}", utf8_percent_encode(&id.0, KEY))
}

impl Performer {
    pub(super) async fn http(
        &self,
        caller: &Caller,
        (id, patience): (&CommandId, Option<Duration>),
        call: &HttpCall,
    ) -> Done {
        let request = match request_of(&caller.run, id, call) {
            Ok(request) => ApiRequest {
                timeout: patience,
                ..request
            },
            Err(fault) => return fault.into(),
        };
        match &call.authentication {
            Authentication::Connection { name, word } => {
                self.through_connection((caller, id), call, request, (name, word))
                    .await
            }
            Authentication::None => self.unnamed(caller, call, request, None).await,
            Authentication::Inline { word, policy } => {
                self.unnamed(caller, call, request, Some((word, policy)))
                    .await
            }
        }
    }

    async fn through_connection(
        &self,
        (caller, id): (&Caller, &CommandId),
        call: &HttpCall,
        request: ApiRequest,
        (name, word): (&str, &str),
    ) -> Done {
        if let Some(policy) = self.definitions.given(name).cloned() {
            return self
                .unnamed(caller, call, request, Some((word, &policy)))
                .await;
        }
        let Ok(connection) = ConnectionName::parse(name) else {
            return no_connection(name).into();
        };
        let noted = self.begun(caller, id, (&request.method, &request.target));
        let timeout = request.timeout;
        let begun = Instant::now();
        failpoint::reach(Place::RequestSent);
        let answered = self
            .connector
            .call(&caller.actor, &connection, request)
            .await;
        self.report(caller, noted, answered.as_ref());
        let now = self.now();
        match answered {
            Ok(answer) => {
                if let Some(done) = self.turned_away(caller, &connection, answer.status).await {
                    return done;
                }
                let explanation = json!({
                    "method": call.method,
                    "connection": name,
                    "host": answer.host,
                    "path": answer.path,
                    "status": answer.status,
                    "requestId": answer.request_id,
                    "attempts": answer.attempts,
                    "tokenGeneration": answer.token_generation,
                    "milliseconds": milliseconds(begun),
                });
                let answer = Answer {
                    status: answer.status,
                    uri: format!("https://{}{}", answer.host, answer.path),
                    headers: answer.headers,
                    body: answer.body,
                };
                Done::Result {
                    result: answer.output(call, now),
                    explanation: Some(explanation),
                }
            }
            // A name that is no connection's may be a plain secret's that holds a policy.
            Err(connect::CallError::NotFound { .. }) => match self.definitions.secret(name).await {
                Ok(Some(policy)) if policy.is_object() => match request_of(&caller.run, id, call) {
                    Ok(mut again) => {
                        again.timeout = timeout;
                        self.unnamed(caller, call, again, Some((word, &policy)))
                            .await
                    }
                    Err(fault) => fault.into(),
                },
                Ok(_) => no_connection(name).into(),
                Err(error) => Fault::new(FaultType::Runtime, error.to_string()).into(),
            },
            Err(error) => {
                let explanation = json!({
                    "method": call.method,
                    "path": call.endpoint,
                    "connection": name,
                    "code": error.code(),
                    "hint": error.hint(),
                    "milliseconds": milliseconds(begun),
                });
                explained(failure::of_call(caller, &error, now), explanation)
            }
        }
    }

    async fn unnamed(
        &self,
        caller: &Caller,
        call: &HttpCall,
        request: ApiRequest,
        policy: Option<(&str, &Value)>,
    ) -> Done {
        let unnamed = match self.policy(caller, policy).await {
            Ok(unnamed) => unnamed,
            Err(fault) => return fault.into(),
        };
        let uri = request.target.clone();
        let begun = Instant::now();
        failpoint::reach(Place::RequestSent);
        match self.connector.call_unnamed(&unnamed, request).await {
            Ok(answer) => {
                let explanation = json!({
                    "method": call.method,
                    "path": uri,
                    "status": answer.status,
                    "milliseconds": milliseconds(begun),
                });
                let answer = Answer {
                    status: answer.status,
                    headers: answer.headers,
                    body: answer.body,
                    uri,
                };
                Done::Result {
                    result: answer.output(call, self.now()),
                    explanation: Some(explanation),
                }
            }
            Err(error) => {
                let (actor, run) = (&caller.actor, caller.run.to_string());
                self.connector.audit_unnamed(actor, &run, &error).await;
                failure::of_unnamed(&error).into()
            }
        }
    }
}

/// The same with an explanation, where it is a result.
fn explained(done: Done, explanation: Value) -> Done {
    match done {
        Done::Result { result, .. } => Done::Result {
            result,
            explanation: Some(explanation),
        },
        other => other,
    }
}

fn no_connection(name: &str) -> Fault {
    Fault::new(
        FaultType::Authorization,
        format!(
            "there is no connection \"{name}\": `keyway connection list` shows all of them, `keyway connection create {name}` makes one"
        ),
    )
    .code("connection.not_found")
}

fn milliseconds(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// What a command sends, with a key by which an API that knows keys does it once, unless the flow has one of its own.
fn request_of(run: &RunId, id: &CommandId, call: &HttpCall) -> Result<ApiRequest, Fault> {
    let method = Method::from_bytes(call.method.as_bytes()).map_err(|_| {
        Fault::new(
            FaultType::Configuration,
            format!("{:?} is no HTTP method", call.method),
        )
    })?;
    let mut request = ApiRequest::new(method, call.endpoint.clone());
    // The flow says what is tried again, and the journal knows of every try.
    request.retries = Some(Retries::NONE);
    request.query.clone_from(&call.query);
    request.headers.clone_from(&call.headers);
    if call.redirect {
        request.redirects = Redirects::Follow;
    }
    if let Some(body) = &call.body {
        request.body = body_of(body, content_type(&call.headers).as_deref())?;
    }
    if matches!(request.body, Body::Multipart(_)) {
        // Its boundary is made as it is sent.
        let is_type = |name: &str| name.eq_ignore_ascii_case("content-type");
        request.headers.retain(|(name, _)| !is_type(name));
    }
    let is_key = |name: &str| name.eq_ignore_ascii_case("idempotency-key");
    if !is_safe(&call.method) && !request.headers.iter().any(|(name, _)| is_key(name)) {
        let key = idempotency_key(run, id);
        request.headers.push(("Idempotency-Key".to_owned(), key));
    }
    Ok(request)
}

fn content_type(headers: &[(String, String)]) -> Option<String> {
    headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        .map(|(_, value)| value.to_ascii_lowercase())
}

/// JSON, unless the author's own content type says that a text is a text or an object a form.
fn body_of(body: &Value, content_type: Option<&str>) -> Result<Body, Fault> {
    let essence = content_type.map(|text| text.split(';').next().unwrap_or_default().trim());
    let json = essence.is_none_or(|kind| kind == "application/json" || kind.ends_with("+json"));
    Ok(match body {
        Value::String(text) if !json => Body::Text {
            content_type: content_type.map(str::to_owned),
            text: text.clone(),
        },
        Value::Object(members) if essence == Some("application/x-www-form-urlencoded") => {
            let pairs = members.iter().map(|(name, value)| match value {
                Value::String(text) => (name.clone(), text.clone()),
                other => (name.clone(), other.to_string()),
            });
            Body::Form(pairs.collect())
        }
        Value::Object(members) if essence == Some("multipart/form-data") => {
            let parts = members.iter().flat_map(|(name, value)| match value {
                Value::Array(values) => values.iter().map(|value| part(name, value)).collect(),
                value => vec![part(name, value)],
            });
            Body::Multipart(parts.collect::<Result<_, _>>()?)
        }
        other => Body::Json(other.clone()),
    })
}

/// A field, or a file: an object with `filename` and its `text` or `base64`.
fn part(name: &str, value: &Value) -> Result<Part<Bytes>, Fault> {
    let member = |of: &str| value.get(of).and_then(Value::as_str).map(str::to_owned);
    let Some(filename) = member("filename") else {
        let content = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        return Ok(Part {
            name: name.to_owned(),
            filename: None,
            content_type: None,
            content: content.into(),
        });
    };
    let content = match (member("text"), member("base64")) {
        (Some(text), None) => Some(Bytes::from(text)),
        (None, Some(text)) => STANDARD.decode(text).ok().map(Bytes::from),
        _ => None,
    };
    let content = content.ok_or_else(|| {
        Fault::new(
            FaultType::Configuration,
            format!("the file \"{name}\" needs its content as \"text\" or as \"base64\""),
        )
        .code("body.file_invalid")
    })?;
    Ok(Part {
        name: name.to_owned(),
        filename: Some(filename),
        content_type: member("contentType"),
        content,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_command_is_a_header_value() {
        let run = RunId::random();
        let id = CommandId("/do/1/l ö[3]/do/0/call~2".to_owned());
        assert_eq!(
            idempotency_key(&run, &id),
            format!("{run}:/do/1/l%20%C3%B6[3]/do/0/call~2")
        );
    }

    #[test]
    fn a_body_is_json_unless_its_type_says_otherwise() {
        for (body, content_type, expected) in [
            (json!({ "a": 1 }), None, "Json"),
            (json!("text"), None, "Json"),
            (json!("text"), Some("text/plain"), "Text"),
            (json!("text"), Some("application/problem+json"), "Json"),
            (
                json!({ "a": 1 }),
                Some("application/x-www-form-urlencoded"),
                "Form",
            ),
            (json!({ "a": 1 }), Some("text/plain"), "Json"),
            (json!(null), None, "Json"),
            (json!("<a/>"), Some("application/xml"), "Text"),
            (json!({ "a": 1 }), Some("multipart/form-data"), "Multipart"),
        ] {
            let made = format!("{:?}", body_of(&body, content_type).unwrap());
            assert!(
                made.starts_with(expected),
                "{body} {content_type:?}: {made}"
            );
        }
    }

    #[test]
    fn fields_and_files_of_a_form() {
        let form = json!({
            "note": "hello", "count": [1, 2],
            "file": { "filename": "a.txt", "contentType": "text/plain", "base64": "aGk=" },
        });
        let Body::Multipart(parts) = body_of(&form, Some("multipart/form-data")).unwrap() else {
            unreachable!("a form")
        };
        let contents: Vec<&[u8]> = parts.iter().map(|part| &part.content[..]).collect();
        assert_eq!(contents, [&b"hello"[..], b"1", b"2", b"hi"]);
        assert_eq!(parts[3].filename.as_deref(), Some("a.txt"));
        assert_eq!(parts[3].content_type.as_deref(), Some("text/plain"));
        for wrong in [
            json!({ "filename": "a" }),
            json!({ "filename": "a", "base64": "%" }),
            json!({ "filename": "a", "text": "a", "base64": "" }),
        ] {
            let fault = part("file", &wrong).unwrap_err();
            assert!(fault.detail.unwrap().contains("\"file\""));
        }
    }
}
