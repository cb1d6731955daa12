//! Digest authentication of a call without a connection: how often what is sent, and what is never seen again.
//! Whether the answers are right is judged by the RFC's examples (`digest/tests.rs`) and by a server of others (`tests/flows`).

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use connect::{
    ApiRequest, Body, Policy, Redirects, ResponseBody, Timeouts, Unnamed, UnnamedError,
    UnnamedResponse,
};
use http::Method;
use oauth::Secret;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::calls::plain;

const PASSWORD: &str = "fake-digest-password";

/// What the server got: the target, the proof, and the body.
type Seen = Arc<Mutex<Vec<(String, Option<String>, String)>>>;

async fn server() -> (String, Seen) {
    let seen = Seen::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new()
        .fallback(any(answer))
        .with_state(Arc::clone(&seen));
    TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
    (origin, seen)
}

async fn answer(State(seen): State<Seen>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let proof = headers.get(header::AUTHORIZATION);
    let proof = proof.map(|value| value.to_str().unwrap().to_owned());
    let body = String::from_utf8(body.to_vec()).unwrap();
    let noted = (uri.to_string(), proof.clone(), body);
    seen.lock().unwrap().push(noted);
    let refuse = |challenges: &[String]| {
        let mut answer = (StatusCode::UNAUTHORIZED, "who are you?").into_response();
        for challenge in challenges {
            let value = challenge.parse().unwrap();
            answer.headers_mut().append(header::WWW_AUTHENTICATE, value);
        }
        answer
    };
    let digest = |nonce: &str, more: &str| {
        format!("Digest realm=\"all\", nonce=\"{nonce}\", qop=\"auth\", algorithm=MD5{more}")
    };
    let has = |nonce: &str| {
        let nonce = format!("nonce=\"{nonce}\"");
        proof.as_ref().is_some_and(|proof| proof.contains(&nonce))
    };
    let to = |status: StatusCode, place: &str| {
        (status, [(header::LOCATION, place.to_owned())]).into_response()
    };
    match uri.path() {
        "/open" => "open".into_response(),
        "/basic" => refuse(&["Basic realm=\"all\"".to_owned()]),
        "/stale" if has("two") => "fresh".into_response(),
        "/stale" if has("one") => refuse(&[digest("two", ", stale=true")]),
        "/wrong" | "/stale" => refuse(&[digest("one", "")]),
        "/never" => refuse(&[digest("one", ", stale=true")]),
        "/moved" => to(StatusCode::TEMPORARY_REDIRECT, "/"),
        "/away" => to(StatusCode::FOUND, "http://localhost:9/"),
        _ => match proof {
            None => refuse(&[
                digest("md5", ""),
                digest("sha", "").replace("MD5", "SHA-256"),
            ]),
            Some(proof) => ([("x-echo", proof.clone())], proof).into_response(),
        },
    }
}

async fn call(request: ApiRequest) -> Result<UnnamedResponse, UnnamedError> {
    let plain = plain(&["loopback"], Timeouts::default()).await;
    let unnamed = Unnamed::new(Policy::Digest {
        username: "ada".to_owned(),
        password: Secret::new(PASSWORD),
    });
    assert_eq!(format!("{unnamed:?}"), "Unnamed { policy: \"digest\", .. }");
    plain.connector.call_unnamed(&unnamed, request).await
}

fn text(answer: &UnnamedResponse) -> &str {
    match &answer.body {
        ResponseBody::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_request_goes_out_bare_and_again_whole_with_the_answer() {
    let (origin, seen) = server().await;
    let mut request = ApiRequest::new(Method::POST, format!("{origin}/a b?q=\"1\""));
    request.body = Body::Json(json!({ "n": 1 }));
    let answer = call(request).await.unwrap();
    assert_eq!(answer.status, 200);
    let seen = seen.lock().unwrap();
    let [bare, proven] = &seen[..] else {
        panic!("{seen:?}")
    };
    assert_eq!(
        bare,
        &("/a%20b?q=%221%22".to_owned(), None, "{\"n\":1}".to_owned())
    );
    assert_eq!((&proven.0, &proven.2), (&bare.0, &bare.2));
    let proof = proven.1.as_ref().unwrap();
    for part in [
        "username=\"ada\"",
        "uri=\"/a%20b?q=%221%22\"",
        "nonce=\"sha\"",
        "algorithm=SHA-256",
        "qop=auth",
        "nc=00000001",
    ] {
        assert!(proof.contains(part), "{part} is not in {proof}");
    }
    assert!(!proof.contains(PASSWORD));
    // The server echoed its proof; passwords could be tried against it.
    let response = proof.split("response=\"").nth(1).unwrap();
    let response = response.split('"').next().unwrap();
    assert_eq!(response.len(), 64);
    let headers = format!("{:?}", answer.headers);
    for shown in [text(&answer), &headers] {
        assert!(
            shown.contains("response=") && shown.contains("[redacted]"),
            "{shown}"
        );
        assert!(!shown.contains(response), "{shown}");
    }
}

#[tokio::test]
async fn what_servers_say_and_how_often_they_are_asked() {
    for (path, status, requests, said) in [
        ("/open", 200, 1, "open"),
        ("/wrong", 401, 2, "who are you?"),
        ("/stale", 200, 3, "fresh"),
        // Too old for ever is no reason to ask for ever.
        ("/never", 401, 3, "who are you?"),
    ] {
        let (origin, seen) = server().await;
        let request = ApiRequest::new(Method::POST, format!("{origin}{path}"));
        let answer = call(request).await.unwrap();
        assert_eq!((answer.status, text(&answer)), (status, said), "{path}");
        assert_eq!(seen.lock().unwrap().len(), requests, "{path}");
    }
}

#[tokio::test]
async fn a_server_that_takes_no_digest_is_told_nothing() {
    let (origin, seen) = server().await;
    let error = call(ApiRequest::new(Method::GET, format!("{origin}/basic"))).await;
    let error = error.unwrap_err();
    assert_eq!(error.code(), "digest.unanswerable");
    let host = origin.trim_start_matches("http://");
    assert_eq!(
        error.to_string(),
        format!("{host} can't be answered with digest authentication: it takes Basic, not Digest")
    );
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_redirect_is_answered_for_where_it_leads_and_never_elsewhere() {
    let (origin, seen) = server().await;
    let follow = |path: &str| {
        let mut request = ApiRequest::new(Method::PUT, format!("{origin}{path}"));
        request.redirects = Redirects::Follow;
        request.body = Body::Json(json!(1));
        request
    };
    assert_eq!(call(follow("/moved")).await.unwrap().status, 200);
    let proven = seen.lock().unwrap().pop().unwrap();
    assert_eq!((proven.0.as_str(), proven.2.as_str()), ("/", "1"));
    assert!(proven.1.unwrap().contains("uri=\"/\""));
    let error = call(follow("/away")).await.unwrap_err();
    assert_eq!(error.code(), "upstream.redirect_blocked");
}
