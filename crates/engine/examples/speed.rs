//! How fast the engine is here: `cargo run --release -p engine --example speed`.
//!
//! Durable runs on an SQLite file: one call through a connection per run with 64 clients and with one, steps without I/O, and
//! what a sleeping run costs.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use connect::{Connector, EgressPolicy, Form, FormSecret, Proof};
use engine::{Config, DryRun, Local, Outcome, Start, Subject};
use serde_json::{Value, json};
use store::testing::TestStore;
use store::{Actor, Clock, Database, Trigger};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example shows what it finds")]
async fn main() {
    let tracker = TaskTracker::new();
    let base = upstream(&tracker).await;
    let store = TestStore::open(Database::Sqlite(PathBuf::new()), Clock::system())
        .await
        .expect("a store opens");
    let public = Url::parse("http://localhost:8800").expect("it is a URL");
    let mut connect = connect::Config::new(public.clone());
    connect.egress = EgressPolicy::parse(&["loopback"]).expect("it is a policy");
    let connector =
        Connector::new(store.store(), connect, tracker.clone()).expect("a connector is set up");
    let form = Form {
        name: Some("api".to_owned()),
        preset: Some("generic".to_owned()),
        base_url: Some(base),
        kind: Some("bearer".to_owned()),
        token: Some(FormSecret::new("fake-token")),
        ..Form::default()
    };
    let made = connector.create(&Actor::local(), form, Proof::Later).await;
    made.expect("a connection is made");
    let cancel = CancellationToken::new();
    let local = Local::new(
        store.store(),
        connector,
        Config::new(public),
        tracker,
        cancel,
    );
    deploy(&local, "call", "use: {secrets: [api]}\ndo:\n  - ask: {call: http, with: {method: post, endpoint: {uri: /x, authentication: {bearer: {use: api}}}, body: {n: 1}}}\n").await;
    let steps: Vec<String> = (0..10)
        .map(|step| format!("  - s{step}: {{set: {{n: '${{ (.n // 0) + 1 }}'}}}}\n"))
        .collect();
    deploy(&local, "steps", &format!("do:\n{}", steps.concat())).await;
    deploy(&local, "nap", "do:\n  - nap: {wait: {hours: 1}}\n").await;

    for (name, clients, runs) in [
        ("call", 64, 20_000),
        ("call", 1, 300),
        ("steps", 64, 10_000),
    ] {
        let (rate, middle, late) = load(&local, name, clients, runs).await;
        println!("{name}, {clients} clients: {rate:.0} runs/s, p50 {middle:?}, p99 {late:?}");
    }
    let before = resident();
    let begun = Instant::now();
    for _ in 0..100 {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..200 {
            let local = local.clone();
            tasks.spawn(async move { local.start(&Actor::local(), start("nap")).await.map(drop) });
        }
        while let Some(started) = tasks.join_next().await {
            started
                .expect("no start fails")
                .expect("no start is refused");
        }
    }
    println!(
        "20,000 sleeping runs: {:?}, {} KiB more in memory, {} live",
        begun.elapsed(),
        resident().saturating_sub(before),
        local.live()
    );
}

async fn upstream(tracker: &TaskTracker) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    let base = format!(
        "http://{}/",
        listener.local_addr().expect("a bound port is known")
    );
    let answer = || async { axum::Json(json!({ "fine": true })) };
    let router = axum::Router::new().route("/x", axum::routing::post(answer));
    tracker.spawn(async move { axum::serve(listener, router).await });
    base
}

async fn deploy(local: &Local, name: &str, body: &str) {
    let text = format!(
        "document: {{dsl: '1.0.3', namespace: contoso, name: {name}, version: '1.0.0'}}\n{body}"
    );
    let deployed = local.deploy(&Actor::local(), &text, DryRun::No, None).await;
    deployed.expect("the flow checks out");
}

fn start(name: &str) -> Start {
    Start {
        subject: Subject::Deployed {
            namespace: "contoso".to_owned(),
            name: name.to_owned(),
            version: None,
        },
        input: Value::Null,
        trigger: Trigger::Manual,
        key: None,
    }
}

/// Runs per second, and how long the middle one and the slowest of a hundred took.
async fn load(
    local: &Local,
    name: &'static str,
    clients: usize,
    runs: usize,
) -> (f64, Duration, Duration) {
    let left = Arc::new(AtomicUsize::new(runs));
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..clients {
        let (local, left) = (local.clone(), Arc::clone(&left));
        tasks.spawn(async move {
            let mut taken = Vec::new();
            let take = |left: usize| left.checked_sub(1);
            while left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take)
                .is_ok()
            {
                let before = Instant::now();
                let answer = local
                    .start_and_wait(&Actor::local(), start(name), PATIENCE)
                    .await;
                let (_, answer) = answer.expect("a run starts");
                assert!(
                    matches!(answer.outcome, Outcome::Completed(_)),
                    "{answer:?}"
                );
                taken.push(before.elapsed());
            }
            taken
        });
    }
    let mut taken = tasks.join_all().await.concat();
    let rate = f64::from(u32::try_from(runs).unwrap_or(u32::MAX)) / begun.elapsed().as_secs_f64();
    taken.sort_unstable();
    (rate, taken[taken.len() / 2], taken[taken.len() * 99 / 100])
}

/// How much memory the process has, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or_default()
}
