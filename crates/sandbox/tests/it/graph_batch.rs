//! Batches: what is one, what each part answers, and what refuses the whole.

use reqwest::Method;
use serde_json::{Value, json};

use super::client::World;

fn part(id: &str, url: &str) -> Value {
    json!({"id": id, "method": "GET", "url": url})
}

/// The answers by their ids.
fn by_id(answers: &Value) -> impl Fn(&str) -> Value + use<> {
    let list = answers["responses"].as_array().unwrap().clone();
    move |id| {
        let found = list.iter().find(|answer| answer["id"] == id);
        found.unwrap_or_else(|| panic!("no answer {id}")).clone()
    }
}

#[tokio::test]
async fn each_part_has_its_own_status_and_failed_parents_fail_their_children() {
    let world = World::start().await;
    let token = world.app_token().await;
    let id = &world.user(0).id;
    world
        .fault(
            json!({"route": "graph", "match": "/v1.0/groups", "status": 429, "retry_after": 2.128}),
        )
        .await;
    let mut child = part("child", "/users?$top=1");
    child["dependsOn"] = json!(["missing"]);
    let mut after = part("after", "/users?$top=1");
    after["dependsOn"] = json!(["one"]);
    let requests = [
        part("one", &format!("/users/{id}")),
        part("missing", "users/nobody"),
        child,
        after,
        part("throttled", "/groups"),
        part("inner", "/$batch"),
    ];
    let answer = world
        .post(&token, "/$batch", json!({ "requests": requests }))
        .await;
    let answers = answer.ok();
    let answer = by_id(&answers);
    let status = |id: &str| answer(id)["status"].as_u64().unwrap();
    assert_eq!(answer("one")["body"]["id"], json!(id));
    assert_eq!(
        (
            status("one"),
            status("missing"),
            status("child"),
            status("after")
        ),
        (200, 404, 424, 200)
    );
    assert_eq!(status("throttled"), 429);
    assert_eq!(answer("throttled")["headers"]["retry-after"], "2.128");
    assert_eq!(status("inner"), 405);
    let log = world.log().await;
    let count = |path: &str| log.iter().filter(|line| line["path"] == path).count();
    assert_eq!(count("/v1.0/$batch"), 2, "itself and its part");
    assert_eq!(
        count("/v1.0/users"),
        1,
        "what failed by its parent was not asked"
    );
}

#[tokio::test]
async fn what_is_no_batch_is_refused_as_a_whole() {
    let world = World::start().await;
    let token = world.app_token().await;
    let many = |count: usize| -> Vec<Value> {
        (0..count)
            .map(|at| part(&at.to_string(), "/users?$top=1"))
            .collect()
    };
    let write = json!({"id": "1", "method": "PATCH", "url": "/users/1", "body": {}});
    let mut early = part("1", "/users");
    early["dependsOn"] = json!(["2"]);
    for (requests, fine) in [
        (json!(many(20)), true),
        (json!(many(21)), false),
        (json!([part("1", "/users"), part("1", "/users")]), false),
        (json!([part("", "/users")]), false),
        (json!([early, part("2", "/users")]), false),
        (json!([write]), false),
        (
            json!([part("1", "https://graph.microsoft.com/v1.0/users")]),
            false,
        ),
        (json!("none"), false),
    ] {
        let answer = world
            .post(&token, "/$batch", json!({ "requests": requests }))
            .await;
        let expected = if fine { 200 } else { 400 };
        assert_eq!(
            answer.status.as_u16(),
            expected,
            "{requests}: {}",
            answer.text
        );
    }
    let wrong = world.graph(&token, Method::GET, "/$batch", None).await;
    assert_eq!(wrong.status.as_u16(), 405);
    let nobody = world.post("x", "/$batch", json!({ "requests": [] })).await;
    assert_eq!(nobody.status.as_u16(), 401);
}
