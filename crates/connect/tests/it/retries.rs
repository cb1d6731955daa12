//! Calls that are sent again, and those that are not: counted at the API.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use connect::{
    ApiRequest, ApiResponse, Body, CallError, Paging, ProxyRequest, Retried, Retries, StreamBody,
    Timeouts, Why,
};
use http::{HeaderMap, Method};
use store::Actor;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::calls::{Plain, bearer, plain};
use crate::house::name;

/// A status and header fields.
type Prepared = (u16, Vec<(&'static str, String)>);
type Answers = Vec<Prepared>;

/// An API that answers from a list, then 200, and counts.
#[derive(Clone)]
struct Script {
    address: SocketAddr,
    answers: Arc<Mutex<VecDeque<Prepared>>>,
    seen: Arc<Mutex<Vec<(Method, Instant)>>>,
}

impl Script {
    async fn connected(answers: Answers) -> (Script, Plain) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let script = Script {
            address: listener.local_addr().unwrap(),
            answers: Arc::new(Mutex::new(answers.into())),
            seen: Arc::default(),
        };
        let router = Router::new().fallback(answer).with_state(script.clone());
        TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
        let plain = plain(&["loopback"], Timeouts::default()).await;
        plain.create(bearer("api", script.address)).await;
        (script, plain)
    }

    fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

async fn answer(State(script): State<Script>, request: Request) -> Response {
    let method = request.method().clone();
    script.seen.lock().unwrap().push((method, Instant::now()));
    let next = script.answers.lock().unwrap().pop_front();
    let (status, headers) = next.unwrap_or((200, Vec::new()));
    let mut response = Response::new(axum::body::Body::from("[]"));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        let value = HeaderValue::from_str(&value).unwrap();
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
    }
    response
}

fn plainly(status: u16) -> (u16, Vec<(&'static str, String)>) {
    (status, vec![("retry-after", "0".to_owned())])
}

fn waiting(status: u16, after: &str) -> (u16, Vec<(&'static str, String)>) {
    (status, vec![("retry-after", after.to_owned())])
}

async fn call(
    plain: &Plain,
    method: Method,
    retries: Option<Retries>,
) -> Result<ApiResponse, CallError> {
    let mut request = ApiRequest::new(method, "/x");
    request.retries = retries;
    if request.method == Method::POST {
        request.body = Body::Text {
            content_type: None,
            text: "again".to_owned(),
        };
    }
    plain
        .connector
        .call(&Actor::local(), &name("api"), request)
        .await
}

#[tokio::test]
async fn what_may_pass_by_itself_is_sent_again_as_often_as_chosen() {
    let all = |attempts| {
        Some(Retries {
            attempts,
            methods: Retried::All,
        })
    };
    for (answers, method, retries, status, requests) in [
        (vec![plainly(503)], Method::GET, None, 200, 2),
        (vec![plainly(429)], Method::GET, None, 200, 2),
        (vec![plainly(504), plainly(504)], Method::PUT, None, 200, 3),
        (
            vec![plainly(503), plainly(503), plainly(503)],
            Method::GET,
            None,
            503,
            3,
        ),
        (vec![plainly(503)], Method::GET, Some(Retries::NONE), 503, 1),
        (vec![plainly(503)], Method::POST, None, 503, 1),
        (vec![plainly(503)], Method::PATCH, None, 503, 1),
        (
            vec![plainly(503), plainly(429)],
            Method::POST,
            all(3),
            200,
            3,
        ),
        (vec![plainly(500)], Method::GET, None, 500, 1),
        (vec![plainly(502)], Method::GET, None, 502, 1),
        (vec![plainly(403)], Method::GET, None, 403, 1),
    ] {
        let (script, plain) = Script::connected(answers.clone()).await;
        let answer = call(&plain, method.clone(), retries).await.unwrap();
        let case = format!("{answers:?} {method} {retries:?}");
        assert_eq!(
            (answer.status, script.count()),
            (status, requests),
            "{case}"
        );
        assert_eq!(answer.attempts as usize, requests, "{case}");
    }
}

#[tokio::test]
async fn the_time_that_an_api_names_is_waited_for_in_all_three_forms() {
    for (after, at_least) in [("1", 1_000), ("0.3", 300), ("date", 1_000)] {
        let (script, plain) = Script::connected(Vec::new()).await;
        let date = plain.now() + jiff::SignedDuration::from_secs(2);
        let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let after = if after == "date" { &date } else { after };
        script
            .answers
            .lock()
            .unwrap()
            .push_back(waiting(429, after));
        let answer = call(&plain, Method::GET, None).await.unwrap();
        assert_eq!(answer.status, 200);
        let seen = script.seen.lock().unwrap().clone();
        let between = (seen[1].1 - seen[0].1).as_millis();
        assert!(between >= at_least, "{after}: {between} ms");
        let whys: Vec<Why> = answer.trail.iter().map(|attempt| attempt.why).collect();
        assert_eq!(whys, [Why::Called, Why::Throttled]);
        assert_eq!(answer.trail[0].status, Some(429));
        assert!(u128::from(answer.trail[1].begun_ms) >= at_least);
    }
}

#[tokio::test]
async fn what_would_take_too_long_is_the_callers_to_wait_for() {
    let (script, plain) = Script::connected(vec![waiting(429, "60")]).await;
    let answer = call(&plain, Method::GET, None).await.unwrap();
    assert_eq!(
        (answer.status, script.count()),
        (429, 1),
        "no sleeping task"
    );
    assert!(
        answer
            .headers
            .contains(&("retry-after".to_owned(), "60".to_owned()))
    );
    // nobody else calls before that either, in any way
    let refused = call(&plain, Method::GET, None).await.unwrap_err();
    assert_eq!(refused.code(), "upstream.throttled");
    assert!(refused.wait().unwrap() > Duration::from_secs(55));
    let passing = ProxyRequest {
        method: Method::GET,
        path_and_query: "/x".to_owned(),
        headers: HeaderMap::new(),
        body: StreamBody::empty(),
    };
    let passed = plain
        .connector
        .forward(&Actor::local(), &name("api"), passing)
        .await;
    assert_eq!(passed.err().unwrap().code(), "upstream.throttled");
    let mut pages = plain.connector.pages(
        &Actor::local(),
        &name("api"),
        ApiRequest::new(Method::GET, "/x"),
        Paging::default(),
        None,
    );
    let error = pages.next().await.unwrap().unwrap_err();
    assert_eq!(error.code(), "upstream.throttled");
    assert_eq!(script.count(), 1, "calling before the time makes it longer");
}

#[tokio::test]
async fn a_limit_that_is_used_up_holds_all_callers() {
    let spent = vec![
        ("ratelimit-remaining", "0".to_owned()),
        ("ratelimit-reset", "1".to_owned()),
    ];
    let (script, plain) = Script::connected(vec![(200, spent)]).await;
    assert_eq!(call(&plain, Method::GET, None).await.unwrap().status, 200);
    let (one, two) = tokio::join!(
        call(&plain, Method::GET, None),
        call(&plain, Method::POST, None)
    );
    assert_eq!((one.unwrap().status, two.unwrap().status), (200, 200));
    let seen = script.seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 3);
    assert!(
        seen[1..]
            .iter()
            .all(|(_, at)| *at - seen[0].1 >= Duration::from_millis(990))
    );
}

/// Accepts connections and closes the first so many of them without an answer.
async fn closing(times: usize) -> (SocketAddr, Arc<Mutex<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&seen);
    TaskTracker::new().spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await.unwrap();
            let at = {
                let mut counted = counted.lock().unwrap();
                *counted += 1;
                *counted
            };
            if at > times {
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]";
                tokio::io::AsyncWriteExt::write_all(&mut stream, answer)
                    .await
                    .unwrap();
            }
        }
    });
    (address, seen)
}

#[tokio::test]
async fn a_connection_that_breaks_is_made_again() {
    for (method, retries, code, requests) in [
        (Method::GET, None, None, 3),
        (Method::POST, None, Some("upstream.unreachable"), 1),
        (
            Method::GET,
            Some(Retries::NONE),
            Some("upstream.unreachable"),
            1,
        ),
    ] {
        let (address, seen) = closing(2).await;
        let plain = plain(&["loopback"], Timeouts::default()).await;
        plain.create(bearer("api", address)).await;
        let outcome = call(&plain, method.clone(), retries).await;
        match code {
            None => {
                let answer = outcome.unwrap();
                assert_eq!(answer.trail[0].code, Some("upstream.unreachable"));
                assert_eq!(answer.trail[2].why, Why::Network);
            }
            Some(code) => assert_eq!(outcome.unwrap_err().code(), code, "{method}"),
        }
        assert_eq!(*seen.lock().unwrap(), requests, "{method} {retries:?}");
    }
}
