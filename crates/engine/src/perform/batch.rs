//! Independent calls in few requests (`call: batch`), through a connection to Graph.

use ::http::Method;
use connect::{ApiRequest, ApiResponse, Begun, Body, CallError, Retries};
use flow::command::Authentication;
use flow::{CommandId, Fault, FaultType};
use serde_json::{Value, json};

use super::answer::{content, headers};
use super::page::pairs;
use super::{Caller, Done, Performer, connection_of, failure};

impl Performer {
    pub(super) async fn batch(
        &self,
        caller: &Caller,
        id: &CommandId,
        arguments: &Value,
        authentication: &Authentication,
    ) -> Done {
        let invalid =
            |what: String| Fault::new(FaultType::Configuration, what).code("batch.invalid");
        let connection = match connection_of("batch", authentication) {
            Ok(connection) => connection,
            Err(why) => return invalid(why).into(),
        };
        let given = arguments.get("requests").and_then(Value::as_array);
        let requests: Result<Vec<ApiRequest>, String> =
            given.into_iter().flatten().map(request).collect();
        let requests = match requests {
            Ok(requests) => requests,
            Err(why) => return invalid(why).into(),
        };
        let count = requests.len();
        let noted =
            |request: &ApiRequest| self.begun(caller, id, (&request.method, &request.target));
        let begun: Vec<Begun> = requests.iter().map(noted).collect();
        let answered = self
            .connector
            .batch(&caller.actor, &connection, requests)
            .await;
        let answers = match answered {
            Ok(answers) => answers,
            Err(error) => return failure::of_call(caller, &error, self.now()),
        };
        for (begun, answer) in begun.into_iter().zip(&answers) {
            self.report(caller, begun, answer.as_ref());
        }
        if let Some(Err(error)) = answers.first()
            && answers.iter().all(Result::is_err)
        {
            // Nothing was done: the task's own retries, or somebody who cures the connection, may help.
            return failure::of_call(caller, error, self.now());
        }
        let list: Vec<Value> = answers.into_iter().map(told).collect();
        Done::Result {
            result: Ok(Value::Array(list)),
            explanation: Some(json!({
                "connection": connection.to_string(),
                "calls": count,
            })),
        }
    }
}

/// What became of one call.
fn told(answer: Result<ApiResponse, CallError>) -> Value {
    match answer {
        Ok(answer) => json!({
            "status": answer.status,
            "headers": headers(&answer.headers),
            "body": content(answer.body),
        }),
        Err(error) => json!({
            "status": null,
            "headers": {},
            "body": null,
            "error": { "code": error.code(), "detail": failure::with_hint(error.to_string(), error.hint()) },
        }),
    }
}

/// Whether all calls of a batch may be made twice.
pub(crate) fn is_repeatable(arguments: &Value) -> bool {
    let requests = arguments.get("requests").and_then(Value::as_array);
    let method = |request: &Value| Method::from_bytes(method_of(request).as_bytes());
    requests
        .into_iter()
        .flatten()
        .all(|request| method(request).is_ok_and(|method| method.is_idempotent()))
}

fn method_of(request: &Value) -> String {
    let method = request.get("method").and_then(Value::as_str);
    method.unwrap_or("GET").to_ascii_uppercase()
}

fn request(given: &Value) -> Result<ApiRequest, String> {
    let method = Method::from_bytes(method_of(given).as_bytes())
        .map_err(|_| format!("{:?} is no HTTP method", method_of(given)))?;
    let path = given
        .get("path")
        .and_then(Value::as_str)
        .ok_or("a request needs its path")?;
    let mut request = ApiRequest::new(method, path);
    request.retries = Some(Retries::default());
    request.query = pairs(given, "query")?;
    request.headers = pairs(given, "headers")?;
    if let Some(body) = given.get("body") {
        request.body = Body::Json(body.clone());
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_may_be_repeated_if_each_of_its_calls_may() {
        let batch = |methods: &[&str]| {
            let requests: Vec<Value> = methods
                .iter()
                .map(|method| json!({ "method": method, "path": "/x" }))
                .collect();
            json!({ "requests": requests })
        };
        assert!(is_repeatable(&batch(&["GET", "put", "DELETE"])));
        assert!(is_repeatable(&json!({ "requests": [{ "path": "/x" }] })));
        assert!(!is_repeatable(&batch(&["GET", "POST"])));
        assert!(!is_repeatable(&batch(&["PATCH"])));
    }

    #[test]
    fn requests_are_read_with_all_they_have() {
        let given = json!({ "method": "patch", "path": "/users/1", "query": { "a": 1 }, "headers": { "If-Match": "*" }, "body": { "x": null } });
        let read = request(&given).unwrap();
        assert_eq!(
            (read.method.as_str(), read.target.as_str()),
            ("PATCH", "/users/1")
        );
        assert_eq!(read.query, [("a".to_owned(), "1".to_owned())]);
        assert!(matches!(read.body, Body::Json(body) if body == json!({ "x": null })));
        assert!(request(&json!({ "method": "GET" })).is_err());
        assert!(request(&json!({ "method": "G T", "path": "/" })).is_err());
    }
}
