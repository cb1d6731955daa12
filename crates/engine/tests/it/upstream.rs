//! An API that keeps count of what it is asked.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

/// A request that it got.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) key: Option<String>,
    pub(crate) authorization: Option<String>,
    pub(crate) body: Value,
}

/// The API.
#[derive(Clone)]
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// Answers to `/held` are given one per permit.
    pub(crate) held: Arc<Semaphore>,
    /// How often `/flaky` still fails.
    pub(crate) failures: Arc<Mutex<u32>>,
    /// Whether `/token` gives no token and `/guarded` takes none.
    pub(crate) locked: Arc<AtomicBool>,
}

impl Upstream {
    pub(crate) async fn start() -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Upstream {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            held: Arc::new(Semaphore::new(0)),
            failures: Arc::default(),
            locked: Arc::default(),
        };
        let router = Router::new()
            .route("/{*path}", any(answer))
            .with_state(upstream.clone());
        // A runtime of its own: it outlives the engine that a test kills.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let listener = listener.into_std().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                TaskTracker::new()
                    .spawn(async move { axum::serve(listener, router).await })
                    .await
            })
        });
        upstream
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn seen(&self, path: &str) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .filter(|seen| seen.path == path)
            .cloned()
            .collect()
    }
}

async fn answer(
    State(upstream): State<Upstream>,
    Path(path): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text = |name: &str| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    let body: Value = match serde_json::from_slice(&body) {
        Ok(json) => json,
        Err(_) if body.is_empty() => Value::Null,
        Err(_) => json!(String::from_utf8_lossy(&body)),
    };
    upstream.seen.lock().unwrap().push(Seen {
        method: method.to_string(),
        path: uri.path().to_owned(),
        key: text("idempotency-key"),
        authorization: text("authorization"),
        body: body.clone(),
    });
    match path.as_str() {
        "held" => {
            upstream.held.acquire().await.unwrap().forget();
            axum::Json(json!({ "held": true })).into_response()
        }
        "slow" => {
            tokio::time::sleep(std::time::Duration::from_millis(800)).await;
            axum::Json(json!({ "value": [1] })).into_response()
        }
        "flaky" => {
            let mut failures = upstream.failures.lock().unwrap();
            if *failures > 0 {
                *failures -= 1;
                let headers = [(header::RETRY_AFTER, "1")];
                return (StatusCode::SERVICE_UNAVAILABLE, headers, "busy").into_response();
            }
            axum::Json(json!({ "fine": true })).into_response()
        }
        "token" if upstream.locked.load(Ordering::SeqCst) => (
            StatusCode::BAD_REQUEST,
            axum::Json(json!({ "error": "invalid_client" })),
        )
            .into_response(),
        "token" => axum::Json(json!({
            "access_token": "fake-access-token", "token_type": "Bearer", "expires_in": 3600,
        }))
        .into_response(),
        "guarded" if upstream.locked.load(Ordering::SeqCst) => {
            StatusCode::UNAUTHORIZED.into_response()
        }
        "echo" => axum::Json(json!({
            "method": method.as_str(), "query": uri.query(), "body": body, "authorization": text("authorization"),
        }))
        .into_response(),
        "openapi.json" => axum::Json(json!({
            "openapi": "3.0.3",
            "servers": [{ "url": "/api" }],
            "paths": { "/pets/{id}": { "post": {
                "operationId": "addPet",
                "parameters": [{ "name": "id", "in": "path", "required": true, "schema": {} }],
                "requestBody": { "content": { "application/json": {} } },
            } } },
        }))
        .into_response(),
        // Two pages of two items, and one of one.
        "list" => {
            let page = uri.query().and_then(|query| query.strip_prefix("page="));
            let page: u32 = page.map_or(1, |page| page.parse().unwrap());
            let ids = (page * 2 - 1)..(page * 2 + 1).min(6);
            let items: Vec<Value> = ids.map(|id| json!({ "id": id })).collect();
            let mut answer = json!({ "value": items });
            if page < 3 {
                answer["@odata.nextLink"] = upstream.url(&format!("/list?page={}", page + 1)).into();
            }
            axum::Json(answer).into_response()
        }
        path if path.starts_with("status/") => {
            let status = path["status/".len()..].parse().unwrap();
            (StatusCode::from_u16(status).unwrap(), "as you wish").into_response()
        }
        _ => axum::Json(json!({ "path": uri.path() })).into_response(),
    }
}
