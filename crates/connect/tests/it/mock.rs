//! An API that does what the sandbox never does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::serve::ListenerExt as _;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

/// The most requests that were under way at once.
#[derive(Clone, Default)]
pub(crate) struct Crowd {
    now: Arc<AtomicUsize>,
    pub(crate) most: Arc<AtomicUsize>,
}

/// Starts the API on a free loopback port; it ends with the test's runtime.
pub(crate) async fn api() -> SocketAddr {
    api_counting(Crowd::default()).await
}

/// Starts the API and counts the connections to it.
pub(crate) async fn api_counting_connections() -> (SocketAddr, Arc<AtomicUsize>) {
    let opened = Arc::new(AtomicUsize::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let counter = Arc::clone(&opened);
    let listener = listener.tap_io(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let router = router(address, Crowd::default());
    TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
    (address, opened)
}

/// The same, counting the requests to `/crowd`.
pub(crate) async fn api_counting(crowd: Crowd) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = router(address, crowd);
    TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
    address
}

fn router(address: SocketAddr, crowd: Crowd) -> Router {
    let issuer = format!("http://{address}");
    Router::new()
        .route("/echo", any(echo))
        .route("/echo/{*rest}", any(echo))
        .route("/to/{status}/{*target}", any(redirect))
        .route(
            "/loop",
            get(|| async { (StatusCode::FOUND, [(header::LOCATION, "/loop")]) }),
        )
        .route(
            "/cookie",
            get(|| async { ([(header::SET_COOKIE, "session=fake")], "fine") }),
        )
        .route("/big/{size}", get(big))
        .route("/endless", get(|| async { forever(Duration::ZERO) }))
        .route(
            "/drip",
            get(|| async { forever(Duration::from_millis(50)) }),
        )
        .route("/bomb/{encoding}", get(bomb))
        .route("/packed/{encoding}", get(packed))
        .route("/crowd", get(move || crowded(crowd)))
        .route(
            "/.well-known/openid-configuration",
            get(move || async move { metadata(&issuer) }),
        )
        .route(
            "/other/.well-known/openid-configuration",
            get(|| async { metadata("https://evil.example") }),
        )
        .route(
            "/after/{milliseconds}",
            get(|Path(milliseconds): Path<u64>| async move {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                "late"
            }),
        )
        .route("/never", get(std::future::pending::<String>))
        .route("/status/{status}", any(status))
}

fn metadata(issuer: &str) -> axum::Json<Value> {
    axum::Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn crowded(crowd: Crowd) -> &'static str {
    let now = crowd.now.fetch_add(1, Ordering::SeqCst) + 1;
    crowd.most.fetch_max(now, Ordering::SeqCst);
    // Long enough for everybody who is let in to come in.
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    crowd.now.fetch_sub(1, Ordering::SeqCst);
    "fine"
}

/// Answers every connection with these bytes and closes it.
pub(crate) async fn raw(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    TaskTracker::new().spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await.unwrap();
            stream.write_all(answer).await.unwrap();
        }
    });
    address
}

/// An address where nobody listens, nor anybody else will as long as the socket is kept.
pub(crate) fn nobody() -> (SocketAddr, tokio::net::TcpSocket) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    (socket.local_addr().unwrap(), socket)
}

/// Says what it was sent, secrets and all.
async fn echo(request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let headers: Map<String, Value> = parts
        .headers
        .iter()
        .map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into(),
            )
        })
        .collect();
    let mut answer = axum::Json(json!({
        "method": parts.method.as_str(),
        "uri": parts.uri.to_string(),
        "headers": headers,
        "body": String::from_utf8_lossy(&body),
    }))
    .into_response();
    if let Some(value) = parts.headers.get(header::AUTHORIZATION) {
        answer.headers_mut().insert("x-echo", value.clone());
    }
    answer
        .headers_mut()
        .insert("x-request-id", HeaderValue::from_static("mock-request-1"));
    answer
}

async fn redirect(Path((status, target)): Path<(u16, String)>) -> Response {
    let target = if target.starts_with("http") {
        target
    } else {
        format!("/{target}")
    };
    (
        StatusCode::from_u16(status).unwrap(),
        [(header::LOCATION, target)],
    )
        .into_response()
}

async fn status(Path(status): Path<u16>) -> Response {
    StatusCode::from_u16(status).unwrap().into_response()
}

async fn big(Path(size): Path<usize>) -> Response {
    let piece = Bytes::from(vec![b'x'; 65_536]);
    let pieces = (0..size.div_ceil(piece.len())).map(move |at| {
        let left = size - at * piece.len();
        Ok::<_, std::convert::Infallible>(piece.slice(..left.min(piece.len())))
    });
    Body::from_stream(futures_util::stream::iter(pieces)).into_response()
}

/// A body without an end, a piece each so often.
fn forever(every: Duration) -> Response {
    let pieces = futures_util::stream::unfold((), move |()| async move {
        tokio::time::sleep(every).await;
        Some((
            Ok::<_, std::convert::Infallible>(Bytes::from_static(&[b'x'; 4096])),
            (),
        ))
    });
    Body::from_stream(pieces).into_response()
}

fn packed_by(encoding: &str, plain: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    if encoding == "zstd" {
        return zstd::stream::encode_all(plain, 19).unwrap();
    }
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn encoded(encoding: String, plain: &[u8]) -> Response {
    let body = packed_by(&encoding, plain);
    let headers = [
        (header::CONTENT_ENCODING, encoding),
        (header::CONTENT_TYPE, "application/json".to_owned()),
    ];
    (headers, body).into_response()
}

async fn bomb(Path(encoding): Path<String>) -> Response {
    encoded(encoding, &vec![b'0'; 8 << 20])
}

async fn packed(Path(encoding): Path<String>, headers: HeaderMap) -> Response {
    assert!(
        headers[header::ACCEPT_ENCODING]
            .to_str()
            .unwrap()
            .contains(&encoding)
    );
    encoded(encoding, br#"{"packed":true}"#)
}
