//! What becomes of used refresh tokens, and answers that are held back.

use reqwest::Method;
use serde_json::json;

use super::client::{World, text};

#[tokio::test]
async fn a_used_refresh_token_is_good_for_what_the_mode_says() {
    let world = World::start().await;
    let user = world.user(1);
    let signed_in = async || {
        let tokens = world.delegated(&user, "offline_access User.Read").await;
        text(&tokens["refresh_token"])
    };
    let reused = (400, "invalid_grant", 70_000);
    // Strict: a second use ends the whole family, and no other.
    let set = json!({"mode": "strict"});
    world.control(Method::POST, "rotation", set).await;
    let (other, old) = (signed_in().await, signed_in().await);
    let new = text(&world.refresh(&old).await.ok()["refresh_token"]);
    assert_eq!(world.refresh(&old).await.refusal(), reused);
    assert_eq!(world.refresh(&new).await.refusal(), reused);
    world.refresh(&other).await.ok();
    let state = world.control(Method::GET, "rotation", json!({})).await;
    let expected = json!({"rotation": {"mode": "strict"}, "families_revoked": 1});
    assert_eq!(state.body, expected);
    // Grace: for a while it does no harm.
    let set = json!({"mode": "grace", "grace_seconds": 60});
    world.control(Method::POST, "rotation", set).await;
    let old = signed_in().await;
    world.refresh(&old).await.ok();
    let new = text(&world.refresh(&old).await.ok()["refresh_token"]);
    world.clock(61).await;
    world.refresh(&new).await.ok();
    assert_eq!(world.refresh(&old).await.refusal(), reused);
    // As Entra does, which is what a new sandbox does.
    let set = json!({"mode": "entra-like"});
    world.control(Method::POST, "rotation", set).await;
    world.refresh(&old).await.ok();
    world.refresh(&old).await.ok();
}

#[tokio::test]
async fn a_held_answer_leaves_the_work_done() {
    let world = World::start().await;
    let strict = json!({"mode": "strict"});
    world.control(Method::POST, "rotation", strict).await;
    let tokens = world
        .delegated(&world.user(1), "offline_access User.Read")
        .await;
    let old = text(&tokens["refresh_token"]);
    let held = json!({"route": "token", "match": "refresh_token", "hold_ms": 60_000});
    world.fault(held.clone()).await;
    let listed = world.control(Method::GET, "faults", json!({})).await;
    let expected = json!({"faults": [{"route": "token", "match": "refresh_token", "left": 1}]});
    assert_eq!(listed.body, expected);
    let taken = async {
        while !world.control(Method::GET, "faults", json!({})).await.body["faults"]
            .as_array()
            .is_some_and(Vec::is_empty)
        {}
    };
    tokio::select! {
        _ = world.refresh(&old) => panic!("it answers before its time"),
        () = taken => {}
    }
    // The caller went away without an answer; the token is used all the same.
    assert_eq!(
        world.refresh(&old).await.refusal(),
        (400, "invalid_grant", 70_000)
    );
}
