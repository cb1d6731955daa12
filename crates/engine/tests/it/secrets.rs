//! Plain secrets that are changed while runs go on: what a run read comes back the same, what it reads next is what holds then.

use std::fmt::Write as _;

use connect::{Form, FormSecret, Proof};
use engine::Outcome;
use serde_json::{Value, json};
use store::{Actor, ApprovalId, ConnectionName, RunFilter, RunId, RunStatus};

use crate::house::{House, houses, until};

/// Reads the secret, waits, and reads it again; the lengths tell which value it was.
const READS: &str = "use: {secrets: [key]}
do:
  - first:
      input: {from: '{n: ($secrets.key | length)}'}
      set: {first: '${ .n }'}
      export: {as: '${ . }'}
  - hear: {listen: {to: {one: {with: {type: contoso.go}}}}}
  - second:
      input: {from: '{n: ($secrets.key | length)}'}
      set: {first: '${ $context.first }', second: '${ .n }'}
  - call:
      call: http
      with:
        method: get
        endpoint: {uri: 'UPSTREAM/echo', authentication: {bearer: {token: '${ $secrets.key }'}}}
      output: {as: '$task.input'}
";
const OLD: &str = "fake-old-value";
const NEW: &str = "fake-newer-value-of-it";

async fn store_secret(house: &House, value: &str) {
    let name = ConnectionName::parse("key").unwrap();
    let secrets = house.store.secrets();
    secrets
        .save(&Actor::local(), &name, &json!(value))
        .await
        .unwrap();
}

async fn go(house: &House) {
    let event = json!({ "id": "1", "source": "test", "type": "contoso.go" });
    let event = flow::CloudEvent::from_structured(event).unwrap();
    let delivered = house
        .engine()
        .deliver(&Actor::local(), event)
        .await
        .unwrap();
    assert_eq!(delivered.recipients, 1);
}

#[tokio::test]
async fn a_secret_that_is_changed_does_not_change_what_a_run_did() {
    for mut house in houses().await {
        store_secret(&house, OLD).await;
        house.flow("reads", READS).await;
        let run = house.engine().start_run("reads", json!({})).await;
        house.stands(&run, RunStatus::Waiting).await;
        store_secret(&house, NEW).await;
        house.restart();
        let local = Actor::local();
        let history = house.engine().history(&local, &run).await.unwrap();
        assert_eq!(
            history.steps[0].output,
            Some(json!({ "first": OLD.len() })),
            "what it did before is told as it was"
        );
        go(&house).await;
        let output = match house.engine().ended(&run).await {
            engine::Outcome::Completed(output) => output,
            other => panic!("{other:?}"),
        };
        assert_eq!(output, json!({ "first": OLD.len(), "second": NEW.len() }));
        let seen = house.upstream.seen("/echo");
        let sent = format!("Bearer {NEW}");
        assert_eq!(seen[0].authorization.as_deref(), Some(sent.as_str()));
        // Played again after one more change, and after the secret is gone.
        store_secret(&house, "fake").await;
        let again = house.engine().history(&local, &run).await.unwrap();
        assert_eq!(again.steps[0].output, history.steps[0].output);
        assert_eq!(again.output, Some(output));
        let name = ConnectionName::parse("key").unwrap();
        house.store.secrets().remove(&local, &name).await.unwrap();
        let gone = house.engine().history(&local, &run).await.unwrap();
        assert_eq!(json!(gone.steps), json!(again.steps));
        let told = json!(gone.steps).to_string();
        assert!(!told.contains(OLD) && !told.contains(NEW), "{told}");
    }
}

#[tokio::test]
async fn what_was_read_is_sealed_and_not_searched() {
    for house in houses().await {
        store_secret(&house, OLD).await;
        house.flow("reads", READS).await;
        let run = house.engine().start_run("reads", json!({})).await;
        house.stands(&run, RunStatus::Waiting).await;
        let lines = house.store.runs().journal(&run).await.unwrap();
        let recorded = lines
            .iter()
            .filter(|line| line["event"]["kind"] == "secrets");
        let recorded: Vec<&Value> = recorded.map(|line| &line["event"]["values"]).collect();
        assert_eq!(recorded, [&json!({ "key": OLD })]);
        let filter = store::RunFilter {
            text: Some(OLD.to_owned()),
            ..store::RunFilter::default()
        };
        let found = house.store.runs().list(&Actor::local(), &filter).await;
        assert_eq!(found.unwrap().runs.len(), 0);
    }
}

/// A value that has to be written in other ways in URLs and JSON.
const EVERYWHERE: &str = "fake-S3cret \"Value\"-42";
/// How it begins, however it is written.
const BEGINS: &str = "fake-S3cret";

/// Puts the secret into everything that is kept of a run: events, a child's input, a question, the call log, its output.
const TELLS: &str = "use: {secrets: [key]}
do:
  - tell: {emit: {event: {with: {type: contoso.told, source: https://contoso.example, data: {v: '${ $secrets.key }'}}}}}
  - child:
      run: {workflow: {namespace: contoso, name: child, version: latest, input: {v: '${ $secrets.key }'}}}
  - ask: {call: approve, with: {title: '${ \"Use \" + $secrets.key }', message: '${ $secrets.key }', details: {v: '${ $secrets.key }'}}}
  - last: {set: {v: '${ $secrets.key }'}}
";
/// Is given the secret and declares none: it calls with it, hands it on, and ends with it.
const CHILD: &str = "use: {secrets: [api]}
do:
  - call:
      call: http
      with: {method: get, endpoint: {uri: '/things/{v}', authentication: {bearer: {use: api}}}}
      output: {as: '$task.input'}
  - grandchild: {run: {workflow: {namespace: contoso, name: faults, version: latest}, await: false}}
";
const FAULTS: &str = "do:
  - stop: {raise: {error: {type: https://contoso.example/no, status: 400, title: no, detail: '${ \"not \" + .v }'}}}
";
const HEARS: &str = "schedule: {on: {one: {with: {type: contoso.told}}}}
do:
  - take: {set: {heard: '${ .[0].data.v }'}}
";

async fn runs(house: &House, text: Option<&str>) -> Vec<store::Run> {
    let filter = RunFilter {
        text: text.map(str::to_owned),
        ..RunFilter::default()
    };
    let listed = house.store.runs().list(&Actor::local(), &filter).await;
    listed.unwrap().runs
}

async fn calls(house: &House) -> Vec<store::CallRow> {
    let filter = store::CallFilter::default();
    let listed = house.store.calls().list(&Actor::local(), &filter).await;
    listed.unwrap()
}

/// All that is shown of runs, questions and calls.
async fn shown(house: &House) -> String {
    let local = Actor::local();
    let mut text = String::new();
    for run in runs(house, None).await {
        let history = house.engine().history(&local, &run.id).await.unwrap();
        write!(text, "{history:?} {:?}", run.error).unwrap();
        text += &json!([history.steps, history.events, history.output]).to_string();
        for asked in house.store.approvals().of_run(&run.id).await.unwrap() {
            write!(text, "{asked:?}").unwrap();
        }
    }
    let filter = store::AuditFilter::default();
    let audit = house.store.audit().list(&local, &filter).await.unwrap();
    text + &format!("{audit:?} {:?}", calls(house).await)
}

fn shows_nothing(text: &str) {
    if let Some(at) = text.find(BEGINS) {
        panic!("{}", &text[at.saturating_sub(300)..at + 40]);
    }
}

async fn all_over(house: &House, count: usize) -> Vec<store::Run> {
    until("all runs are over", async || {
        let all = runs(house, None).await;
        all.len() == count && all.iter().all(|run| run.status.is_over())
    })
    .await;
    runs(house, None).await
}

/// Answers the question of the run, after a look at how it is asked.
async fn answer(house: &House, run: &RunId) {
    let all = async || house.store.approvals().list(&Actor::local()).await.unwrap();
    until("the question is asked", async || !all().await.is_empty()).await;
    house.stands(run, RunStatus::Waiting).await;
    let asked = all().await;
    let id: &ApprovalId = &asked[0].id;
    assert_eq!(asked[0].title, "Use [redacted]");
    assert_eq!(asked[0].detail["details"], json!({ "v": "[redacted]" }));
    let found = house.store.approvals().find(&Actor::local(), id).await;
    let decision = engine::Decision {
        approved: engine::Verdict::Approved,
        by: None,
        comment: None,
    };
    let asked = found.unwrap().unwrap();
    let engine = house.engine();
    engine
        .decide(&Actor::local(), &asked, decision)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_secret_works_everywhere_and_is_shown_nowhere() {
    for house in houses().await {
        store_secret(&house, EVERYWHERE).await;
        let form = Form {
            name: Some("api".to_owned()),
            preset: Some("generic".to_owned()),
            base_url: Some(house.upstream.url("/")),
            kind: Some("bearer".to_owned()),
            token: Some(FormSecret::new("fake-bearer-token".to_owned())),
            ..Form::default()
        };
        let connector = &house.engine().connector;
        let made = connector.create(&Actor::local(), form, Proof::Later).await;
        made.unwrap();
        for (name, body) in [
            ("faults", FAULTS),
            ("child", CHILD),
            ("hears", HEARS),
            ("tells", TELLS),
        ] {
            house.flow(name, body).await;
        }
        let run = house.engine().start_run("tells", json!({})).await;
        answer(&house, &run).await;
        // What goes on to others is whole.
        let whole = Outcome::Completed(json!({ "v": EVERYWHERE }));
        assert_eq!(house.engine().ended(&run).await, whole);
        let later = house.engine().outcome(&Actor::local(), &run).await.unwrap();
        assert_eq!(later, whole, "long after its end, too");
        let sent = "/things/fake-S3cret%20%22Value%22-42";
        assert_eq!(house.upstream.seen(sent).len(), 1);
        let all = all_over(&house, 4).await;
        let heard = all.iter().find(|run| run.flow_name.1 == "hears").unwrap();
        let heard = house.engine().outcome(&Actor::local(), &heard.id).await;
        let expected = json!({ "heard": EVERYWHERE });
        assert_eq!(heard.unwrap(), Outcome::Completed(expected));
        // What is shown is not.
        assert_eq!(
            house.engine().shown(later).await.unwrap(),
            Outcome::Completed(json!({ "v": "[redacted]" }))
        );
        until("the call is written", async || {
            !calls(&house).await.is_empty()
        })
        .await;
        shows_nothing(&shown(&house).await);
        for text in [EVERYWHERE, BEGINS] {
            assert_eq!(runs(&house, Some(text)).await.len(), 0);
        }
        // Once it is changed, what was read of it stays out of what that run and those below it did.
        store_secret(&house, NEW).await;
        let mut text = String::new();
        for run in all.iter().filter(|run| run.flow_name.1 != "hears") {
            let history = house.engine().history(&Actor::local(), &run.id).await;
            write!(text, "{:?}", history.unwrap()).unwrap();
        }
        shows_nothing(&text);
        let contents = house.store.contents();
        let has = |what: &str| {
            let found = |sink: &Vec<u8>| sink.windows(what.len()).any(|at| at == what.as_bytes());
            contents.iter().any(found)
        };
        assert!(has("/things/") && !has(BEGINS), "the database");
    }
}
