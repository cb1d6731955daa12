//! JSON batching (`$batch`, `entra-and-graph.md` §10): up to twenty requests in one, each answered on its own.
//!
//! Faults are for parts as for any request: each may be throttled with a `Retry-After` of its own. Every part is in the
//! request log beside the batch. Answers come in the reverse order, since nothing promises theirs.

use std::collections::BTreeMap;
use std::time::Instant;

use axum::body::{Bytes, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::errors::{self, GraphError};
use super::{Outcome, Received, Reply, one};
use crate::log::Finished;
use crate::server::Learned;
use crate::world::Shared;

/// The most that one batch holds.
const LIMIT: usize = 20;
/// The largest answer of a part.
const BODY_LIMIT: usize = 4 * 1024 * 1024;

#[derive(Deserialize)]
struct Batch {
    requests: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    id: String,
    method: String,
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<Value>,
    #[serde(default)]
    depends_on: Vec<String>,
}

/// Answers a batch whose token is good.
pub(super) async fn answer(world: &Shared, base: &str, headers: &HeaderMap, body: &[u8]) -> Reply {
    let batch: Batch = serde_json::from_slice(body)
        .map_err(|_| errors::bad_request("Invalid batch payload format."))?;
    let parts = checked(batch.requests)?;
    let mut failed: BTreeMap<String, bool> = BTreeMap::new();
    let mut responses = Vec::with_capacity(parts.len());
    for (part, request) in parts {
        let blocked = part
            .depends_on
            .iter()
            .any(|id| failed.get(id) == Some(&true));
        let response = if blocked {
            json!({"id": part.id, "status": 424, "headers": {}, "body": {"error": {"code": "FailedDependency", "message": "Failed Dependency"}}})
        } else {
            answer_part(world, base, headers, &part, request).await
        };
        let is_bad = response["status"]
            .as_u64()
            .is_none_or(|status| status >= 400);
        failed.insert(part.id, is_bad);
        responses.push(response);
    }
    responses.reverse();
    Ok(Outcome::Found(json!({ "responses": responses })))
}

/// Parts with what they ask for, or why the whole batch is refused.
fn checked(parts: Vec<Part>) -> Result<Vec<(Part, Received)>, GraphError> {
    if parts.len() > LIMIT {
        return Err(errors::bad_request(format!(
            "Number of batch request steps exceeds the maximum value of {LIMIT}."
        )));
    }
    let mut checked: Vec<(Part, Received)> = Vec::with_capacity(parts.len());
    for part in parts {
        let known = |id: &String| checked.iter().any(|(earlier, _)| earlier.id == *id);
        if part.id.is_empty() || known(&part.id) {
            return Err(errors::bad_request(format!(
                "Request Id : {} is empty or not unique.",
                part.id
            )));
        }
        if !part.depends_on.iter().all(known) {
            return Err(errors::bad_request(format!(
                "Request Id : {} depends on an unknown or later request.",
                part.id
            )));
        }
        let request = part.request()?;
        checked.push((part, request));
    }
    Ok(checked)
}

impl Part {
    fn request(&self) -> Result<Received, GraphError> {
        let refused = |what: &str| errors::bad_request(format!("Request Id : {}: {what}", self.id));
        if self.url.contains("://") {
            return Err(refused("the url must be relative."));
        }
        let method = Method::from_bytes(self.method.as_bytes())
            .map_err(|_| refused("the method is not valid."))?;
        let uri: Uri = format!("/v1.0/{}", self.url.trim_start_matches('/'))
            .parse()
            .map_err(|_| refused("the url is not valid."))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
                headers.insert(name, value);
            }
        }
        if self.body.is_some() && !headers.contains_key(CONTENT_TYPE) {
            return Err(refused("a body needs a Content-Type header."));
        }
        Ok(Received {
            method,
            uri,
            headers,
            body: self
                .body
                .as_ref()
                .map_or_else(Bytes::new, |body| body.to_string().into()),
        })
    }
}

/// Answers one part as if it had come alone, and writes it to the log.
async fn answer_part(
    world: &Shared,
    base: &str,
    headers: &HeaderMap,
    part: &Part,
    mut request: Received,
) -> Value {
    // A part is called with the token of its batch.
    if let Some(token) = headers.get(AUTHORIZATION) {
        request.headers.insert(AUTHORIZATION, token.clone());
    }
    let (started, learned) = (Instant::now(), Learned::begin());
    let (method, path) = (request.method.clone(), request.uri.path().to_owned());
    let response = one(world, base, &learned, request).await;
    world.log.append(Finished {
        time: world.clock.now(),
        method,
        path,
        status: response.status().as_u16(),
        request_id: learned.request_id,
        duration_us: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        note: learned.known(),
    });
    let (parts, body) = response.into_parts();
    let headers: Map<String, Value> = parts
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.into())))
        .collect();
    let body = to_bytes(body, BODY_LIMIT).await.unwrap_or_default();
    let mut answer = json!({"id": part.id, "status": parts.status.as_u16(), "headers": headers});
    if !body.is_empty() {
        let text = || String::from_utf8_lossy(&body).into_owned().into();
        answer["body"] = serde_json::from_slice(&body).unwrap_or_else(|_| text());
    }
    answer
}
