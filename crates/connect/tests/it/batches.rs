//! Independent calls in few requests: counted, and throttled one by one, at the sandbox.

use connect::{ApiRequest, ApiResponse, Body, CallError, Redirects, ResponseBody, Timeouts, Why};
use http::Method;
use serde_json::{Value, json};
use store::Actor;

use crate::calls::{bearer, plain};
use crate::house::{House, house, name};
use crate::mock;

async fn batch(house: &House, requests: Vec<ApiRequest>) -> Vec<Result<ApiResponse, CallError>> {
    house
        .connector
        .batch(&house.actor, &name("graph"), requests)
        .await
        .unwrap()
}

fn get(path: &str) -> ApiRequest {
    ApiRequest::new(Method::GET, path)
}

async fn connected() -> House {
    let house = house().await;
    house.create(house.app_only("graph")).await;
    house
}

/// How often something was asked of Graph, batches and their parts alike.
async fn asked(house: &House, path: &str) -> usize {
    let log = house.log().await;
    log.iter().filter(|line| line["path"] == path).count()
}

fn body(answer: &Result<ApiResponse, CallError>) -> &Value {
    match &answer.as_ref().unwrap().body {
        ResponseBody::Json(value) => value,
        other => panic!("no JSON: {other:?}"),
    }
}

#[tokio::test]
async fn twenty_go_in_one_request_and_each_has_its_answer_in_its_place() {
    let house = connected().await;
    let listed = house.get("graph", "/users?$top=41&$select=id").await;
    let list = body(&listed)["value"].as_array().unwrap().clone();
    let ids: Vec<&str> = list
        .iter()
        .map(|user| user["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 41);
    let requests = ids
        .iter()
        .map(|id| get(&format!("/users/{id}?$select=id")))
        .collect();
    let answers = batch(&house, requests).await;
    let answered: Vec<&str> = answers
        .iter()
        .map(|answer| body(answer)["id"].as_str().unwrap())
        .collect();
    assert_eq!(answered, ids);
    assert_eq!(asked(&house, "/v1.0/$batch").await, 3);
    let first = answers[0].as_ref().unwrap();
    assert_eq!((first.status, first.attempts), (200, 1));
    assert_eq!(first.path, format!("/v1.0/users/{}", ids[0]));
    assert!(first.request_id.is_some() && first.token_generation.is_some());
    assert!(batch(&house, Vec::new()).await.is_empty());
}

#[tokio::test]
async fn each_has_a_status_of_its_own() {
    let house = connected().await;
    let mut patch = ApiRequest::new(Method::PATCH, format!("/users/{}", house.user(1).id));
    patch.body = Body::Json(json!({ "jobTitle": null }));
    let mut follow = get("/users");
    follow.redirects = Redirects::Follow;
    let mut form = ApiRequest::new(Method::POST, "/users");
    form.body = Body::Form(Vec::new());
    let mut header = get("/users");
    header.headers = vec![("Authorization".to_owned(), "Bearer x".to_owned())];
    let answers = batch(
        &house,
        vec![
            get("/users?$top=1"),
            get("/users/nobody"),
            patch,
            follow,
            form,
            header,
            get("https://evil.example/x"),
        ],
    )
    .await;
    let told: Vec<String> = answers
        .iter()
        .map(|answer| match answer {
            Ok(answer) => answer.status.to_string(),
            Err(error) => error.code().to_owned(),
        })
        .collect();
    assert_eq!(
        told,
        [
            "200",
            "404",
            // The app may read alone.
            "403",
            "request.target_invalid",
            "request.target_invalid",
            "header.forbidden",
            "connection.origin_forbidden",
        ]
    );
    assert_eq!(
        body(&answers[1])["error"]["code"],
        "Request_ResourceNotFound"
    );
    assert_eq!(asked(&house, "/v1.0/$batch").await, 1);
}

#[tokio::test]
async fn what_is_throttled_is_sent_again_alone_after_its_own_time() {
    let house = connected().await;
    let throttled = house.user(2).id.clone();
    house
        .control(
            "faults",
            json!({ "route": "graph", "match": throttled, "status": 429, "retry_after": 0.2 }),
        )
        .await;
    let requests = (0..5)
        .map(|at| get(&format!("/users/{}", house.user(at).id)))
        .collect();
    let answers = batch(&house, requests).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.as_ref().unwrap().status == 200)
    );
    let attempts: Vec<u32> = answers
        .iter()
        .map(|answer| answer.as_ref().unwrap().attempts)
        .collect();
    assert_eq!(attempts, [1, 1, 2, 1, 1]);
    let trail = &answers[2].as_ref().unwrap().trail;
    assert_eq!((trail[0].status, trail[1].why), (Some(429), Why::Throttled));
    assert!(trail[1].begun_ms >= 200, "{trail:?}");
    assert_eq!(asked(&house, "/v1.0/$batch").await, 2);
    assert_eq!(
        asked(&house, &format!("/v1.0/users/{}", house.user(0).id)).await,
        1
    );
}

#[tokio::test]
async fn a_batch_that_is_refused_or_unknown_says_so() {
    let house = connected().await;
    house
        .control(
            "faults",
            json!({ "route": "graph", "match": "$batch", "status": 403 }),
        )
        .await;
    let answers = batch(&house, vec![get("/users"), get("/users/nobody")]).await;
    for answer in &answers {
        assert_eq!(answer.as_ref().unwrap().status, 403);
    }
    house
        .control("faults", json!({ "route": "graph", "match": "$batch", "status": 200, "body": { "responses": [] } }))
        .await;
    let answers = batch(&house, vec![get("/users")]).await;
    assert_eq!(
        answers[0].as_ref().unwrap_err().code(),
        "upstream.malformed"
    );
    let other = plain(&["loopback"], Timeouts::default()).await;
    other.create(bearer("api", mock::api().await)).await;
    let refused = other
        .connector
        .batch(&Actor::local(), &name("api"), vec![get("/x")])
        .await;
    assert_eq!(refused.unwrap_err().code(), "call.batch_unsupported");
}
