//! Questions of runs: the page behind a link, and the inbox of those who are signed in.

use std::time::Duration;

use engine::Outcome;
use serde_json::{Value, json};
use store::{Actor, Role, RunId, Trigger};

use crate::house::{Answer, House, Outgoing};

const ASKS: &str = "document: {dsl: 1.0.3, namespace: people, name: leaver, version: 1.0.0}
do:
  - ask:
      call: approve
      timeout: {after: PT1H}
      with:
        title: Block <b>Ada</b>?
        message: She leaves today.
        details: {user: ada@contoso.example, note: '<script>alert(1)</script>'}
";

/// Catches the link: the only place where it is to be had is the event.
const LISTENS: &str = "document: {dsl: 1.0.3, namespace: people, name: inbox, version: 1.0.0}
schedule: {on: {one: {with: {type: keyway.approval.requested}}}}
do:
  - keep: {set: '${ .[0].data // .[0] }'}
";

async fn deploy(house: &House, source: &str) {
    let engine = &house.engine;
    let actor = Actor::local();
    let deployed = engine
        .deploy(&actor, source, engine::DryRun::No, None)
        .await;
    deployed.unwrap();
}

/// A run that asks, and the path of its link.
async fn asked(house: &House) -> (RunId, String) {
    deploy(house, ASKS).await;
    deploy(house, LISTENS).await;
    let start = engine::Start {
        subject: engine::Subject::Deployed {
            namespace: "people".to_owned(),
            name: "leaver".to_owned(),
            version: None,
        },
        input: Value::Null,
        trigger: Trigger::Manual,
        key: None,
    };
    let started = house.engine.start(&Actor::local(), start).await.unwrap();
    let run = started.run().clone();
    loop {
        let filter = store::RunFilter {
            limit: 10,
            ..store::RunFilter::default()
        };
        let runs = house
            .store
            .runs()
            .list(&Actor::local(), &filter)
            .await
            .unwrap()
            .runs;
        for other in runs.iter().filter(|other| other.id != run) {
            let output = house
                .store
                .runs()
                .output(&Actor::local(), &other.id)
                .await
                .unwrap();
            if let Some(output) = output {
                let link = output["link"]
                    .as_str()
                    .unwrap_or_else(|| panic!("{output}"));
                return (run, link.strip_prefix(&house.url).unwrap().to_owned());
            }
        }
        tokio::task::yield_now().await;
    }
}

/// The form as a browser sends it from our page.
fn form(house: &House, path: &str, body: &str) -> Outgoing {
    house
        .request("POST", path)
        .own_page()
        .header("origin", &house.url)
        .body("application/x-www-form-urlencoded", body.to_owned())
}

async fn outcome(house: &House, run: &RunId) -> Value {
    let actor = Actor::local();
    let waited = house.engine.wait(&actor, run, Duration::from_secs(20));
    match waited.await.unwrap() {
        Outcome::Completed(output) => output,
        other => panic!("{other:?}"),
    }
}

fn is_page(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    let policy = answer.header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("script-src"),
        "{policy}"
    );
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(!answer.text.contains("<script"), "{}", answer.text);
}

#[tokio::test]
async fn the_page_shows_what_is_asked_as_text() {
    let house = House::new().await;
    let (run, path) = asked(&house).await;
    let page = house.request("GET", &path).send().await;
    is_page(&page, 200);
    assert!(
        page.header("content-security-policy")
            .contains("form-action 'self'")
    );
    // else a browser would say `Origin: null` when it sends the form
    assert_eq!(page.header("referrer-policy"), "same-origin");
    for shown in [
        "Block &lt;b&gt;Ada&lt;/b&gt;?",
        "She leaves today.",
        "people.leaver",
        run.as_str(),
        "ada@contoso.example",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "Answer by",
    ] {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
    // looking changes nothing
    is_page(&house.request("GET", &path).send().await, 200);
    assert_eq!(house.request("HEAD", &path).send().await.status, 200);
}

#[tokio::test]
async fn an_answer_counts_once() {
    let house = House::new().await;
    let (run, path) = asked(&house).await;
    let body = "decision=approve&comment=+bye+&name=Grace";
    is_page(&form(&house, &path, body).send().await, 200);
    let output = outcome(&house, &run).await;
    assert_eq!(output["approved"], true);
    assert_eq!(output["comment"], "bye");
    assert_eq!(output["by"], "Grace");
    let again = form(&house, &path, "decision=reject").send().await;
    is_page(&again, 410);
    is_page(&house.request("GET", &path).send().await, 410);
}

#[tokio::test]
async fn whoever_is_signed_in_decides_in_their_own_name() {
    let house = House::new().await;
    let (run, path) = asked(&house).await;
    let user = house.user("ada", Role::Viewer).await;
    let session = house.session(&user).await;
    let page = house.request("GET", &path).cookie(&session).send().await;
    assert!(
        page.text.contains("You decide as <code>ada</code>"),
        "{}",
        page.text
    );
    let body = "decision=reject&name=somebody+else";
    is_page(
        &form(&house, &path, body).cookie(&session).send().await,
        200,
    );
    let output = outcome(&house, &run).await;
    assert_eq!(output["approved"], false);
    assert_eq!(
        (&output["by"], &output["comment"]),
        (&json!("ada"), &Value::Null)
    );
}

#[tokio::test]
async fn what_is_no_answer_of_our_page_is_refused() {
    let house = House::new().await;
    let (run, path) = asked(&house).await;
    let bare = house
        .request("POST", &path)
        .body("application/x-www-form-urlencoded", "decision=approve");
    is_page(&bare.send().await, 403);
    let foreign = house
        .request("POST", &path)
        .header("origin", "https://attacker.example")
        .body("application/x-www-form-urlencoded", "decision=approve");
    assert_eq!(foreign.send().await.refusal(), "403 csrf");
    for body in [
        "",
        "decision=maybe",
        "decision=approve&decision=reject",
        "comment=x",
        "decision=approve&x=1",
    ] {
        is_page(&form(&house, &path, body).send().await, 400);
    }
    let long = format!("decision=approve&comment={}", "a".repeat(2001));
    is_page(&form(&house, &path, &long).send().await, 400);
    let longer = format!("decision=approve&comment={}", "a".repeat(20_000));
    is_page(&form(&house, &path, &longer).send().await, 413);
    let json = house
        .request("POST", &path)
        .own_page()
        .json(&json!({ "decision": "approve" }));
    is_page(&json.send().await, 415);
    for wrong in [
        "/approve/x",
        "/approve/kwa_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "/approve/%00",
        "/approve/%ff",
    ] {
        is_page(&house.request("GET", wrong).send().await, 404);
        is_page(&form(&house, wrong, "decision=approve").send().await, 404);
    }
    let waiting = house
        .store
        .runs()
        .find(&Actor::local(), &run)
        .await
        .unwrap()
        .unwrap();
    assert!(!waiting.status.is_over());
}

#[tokio::test]
async fn the_time_to_answer_is_that_of_the_task() {
    let house = House::new().await;
    let (run, path) = asked(&house).await;
    house.clock.advance(jiff::SignedDuration::from_secs(3_601));
    let late = form(&house, &path, "decision=approve").send().await;
    // over as soon as the clock says so, gone as soon as the run has seen it
    assert!([404, 410].contains(&late.status.as_u16()), "{}", late.text);
    house.engine.look();
    let actor = Actor::local();
    let waited = house.engine.wait(&actor, &run, Duration::from_secs(20));
    assert!(matches!(waited.await.unwrap(), Outcome::Faulted(_)));
    is_page(&house.request("GET", &path).send().await, 404);
}

#[tokio::test]
async fn the_inbox_lists_and_answers() {
    let house = House::new().await;
    let (run, path) = asked(&house).await;
    let viewer = house.key(Role::Viewer).await;
    let list = house
        .request("GET", "/api/v1/approvals")
        .key(&viewer)
        .send()
        .await;
    let item = list.json()["items"][0].clone();
    assert_eq!(item["run"], run.to_string());
    assert_eq!(item["flow"], "people.leaver");
    assert_eq!(item["title"], "Block <b>Ada</b>?");
    assert_eq!(item["details"]["user"], "ada@contoso.example");
    assert!(item["expires_at"].is_string());
    assert!(!list.text.contains("kwa_"), "{}", list.text);
    let address = format!("/api/v1/approvals/{}", item["id"].as_str().unwrap());
    let answer = json!({ "decision": "approve", "comment": "fine" });
    let refused = house
        .request("POST", &address)
        .key(&viewer)
        .json(&answer)
        .send()
        .await;
    assert_eq!(refused.refusal(), "403 forbidden");
    let operator = house.key(Role::Operator).await;
    let decided = house
        .request("POST", &address)
        .key(&operator)
        .json(&answer)
        .send()
        .await;
    assert_eq!(decided.status, 204, "{}", decided.text);
    let output = outcome(&house, &run).await;
    assert_eq!(
        (&output["approved"], &output["comment"]),
        (&json!(true), &json!("fine"))
    );
    let again = house
        .request("POST", &address)
        .key(&operator)
        .json(&answer)
        .send()
        .await;
    assert_eq!(again.refusal(), "410 approval.closed");
    is_page(&house.request("GET", &path).send().await, 410);
    let list = house
        .request("GET", "/api/v1/approvals")
        .key(&viewer)
        .send()
        .await;
    assert_eq!(list.json()["items"], json!([]));
    let unknown = house
        .request("POST", "/api/v1/approvals/app_x")
        .key(&operator)
        .json(&answer);
    assert_eq!(unknown.send().await.refusal(), "404 approval.not_found");
}
