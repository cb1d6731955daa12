//! What the tests share: a store, an upstream, an engine that can be killed, and flows as text.

use std::ops::Deref;
use std::time::{Duration, Instant};

use connect::{Connector, EgressPolicy};
use engine::{Answer, Company, Config, DryRun, Local, Outcome, Start, Started, Subject};
use jiff::SignedDuration;
use serde_json::Value;
use store::testing::TestStore;
use store::{Actor, Run, RunId, RunStatus, Store, Trigger};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::upstream::Upstream;

/// How long a condition may take to come true before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A store, an upstream, and an engine.
pub(crate) struct House {
    pub(crate) store: TestStore,
    pub(crate) upstream: Upstream,
    engine: Option<Engine>,
}

/// An engine on a runtime of its own, so that it can be killed.
pub(crate) struct Engine {
    local: Local,
    pub(crate) connector: Connector,
    cancel: CancellationToken,
    tracker: TaskTracker,
    runtime: Option<Runtime>,
}

impl Deref for Engine {
    type Target = Local;

    fn deref(&self) -> &Local {
        &self.local
    }
}

impl Engine {
    pub(crate) fn start(store: Store, change: impl FnOnce(&mut Config)) -> Engine {
        Engine::start_with(store, connect::Timeouts::default(), change)
    }

    pub(crate) fn start_with(
        store: Store,
        timeouts: connect::Timeouts,
        change: impl FnOnce(&mut Config),
    ) -> Engine {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let mut config = Config::new(Url::parse("http://localhost:8800").unwrap());
        config.poll = Duration::from_millis(20);
        change(&mut config);
        let (cancel, tracker) = (CancellationToken::new(), TaskTracker::new());
        let entered = runtime.enter();
        let mut connect = connect::Config::new(Url::parse("http://localhost:8800").unwrap());
        connect.egress = EgressPolicy::parse(&["loopback"]).unwrap();
        connect.timeouts = timeouts;
        let connector = Connector::new(store.clone(), connect, tracker.clone()).unwrap();
        let local = Local::new(
            store,
            connector.clone(),
            config,
            tracker.clone(),
            cancel.clone(),
        );
        drop(entered);
        Engine {
            local,
            connector,
            cancel,
            tracker,
            runtime: Some(runtime),
        }
    }

    /// As `kill -9`: nothing is finished, nothing is let go of.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    /// Ends the runtime with all that is under way on it. A connection to PostgreSQL that was opened there dies with it; whoever
    /// asks the same store next must find it dead, not dying.
    fn end(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            let ended =
                std::thread::spawn(move || runtime.shutdown_timeout(Duration::from_secs(2)));
            ended.join().unwrap();
        }
    }

    /// As a first signal: what is under way comes to its end.
    pub(crate) async fn stop(mut self) {
        self.cancel.cancel();
        self.tracker.close();
        tokio::time::timeout(PATIENCE, self.tracker.wait())
            .await
            .unwrap();
        self.end();
    }

    /// Runs on the engine's own runtime, as a server's handlers do.
    async fn on<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        let runtime = self.runtime.as_ref().unwrap();
        runtime.spawn(work).await.unwrap()
    }

    pub(crate) async fn deploy(&self, source: &str) -> engine::Deployed {
        let (local, source) = (self.local.clone(), source.to_owned());
        self.on(async move {
            local
                .deploy(&Actor::local(), &source, DryRun::No, None)
                .await
        })
        .await
        .unwrap()
    }

    pub(crate) async fn begin(&self, start: Start) -> Started {
        let local = self.local.clone();
        self.on(async move { local.start(&Actor::local(), start).await })
            .await
            .unwrap()
    }

    pub(crate) async fn start_run(&self, name: &str, input: Value) -> RunId {
        self.begin(start(name, input)).await.run().clone()
    }

    /// Starts a run and waits for its answer.
    pub(crate) async fn run(&self, name: &str, input: Value) -> Answer {
        let (local, start) = (self.local.clone(), start(name, input));
        self.on(async move { local.start_and_wait(&Actor::local(), start, PATIENCE).await })
            .await
            .unwrap()
            .1
    }

    pub(crate) async fn output(&self, name: &str, input: Value) -> Value {
        match self.run(name, input).await.outcome {
            Outcome::Completed(output) => output,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn ended(&self, run: &RunId) -> Outcome {
        let (local, run) = (self.local.clone(), run.clone());
        self.on(async move { local.wait(&Actor::local(), &run, PATIENCE).await })
            .await
            .unwrap()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A start by hand.
pub(crate) fn start(name: &str, input: Value) -> Start {
    Start {
        subject: Subject::Deployed {
            namespace: "contoso".to_owned(),
            name: name.to_owned(),
            version: None,
        },
        input,
        trigger: Trigger::Manual,
        key: None,
    }
}

/// A house on SQLite in memory.
pub(crate) async fn house() -> House {
    House::on(store::testing::sqlite_memory().await).await
}

/// One house on each database.
pub(crate) async fn houses() -> Vec<House> {
    vec![
        House::on(store::testing::sqlite_file().await).await,
        House::on(store::testing::postgres().await).await,
    ]
}

impl House {
    pub(crate) async fn on(store: TestStore) -> House {
        let engine = Engine::start(store.store(), |_| {});
        House {
            store,
            upstream: Upstream::start().await,
            engine: Some(engine),
        }
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    /// Kills the engine and starts another one on the same store.
    pub(crate) fn restart(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.kill();
        }
        self.engine = Some(Engine::start(self.store.store(), |_| {}));
    }

    pub(crate) fn take_engine(&mut self) -> Engine {
        self.engine.take().unwrap()
    }

    pub(crate) fn start_engine(&mut self, change: impl FnOnce(&mut Config)) {
        self.engine = Some(Engine::start(self.store.store(), change));
    }

    /// Starts an engine that waits for other people's servers so long.
    pub(crate) fn start_hasty(&mut self, timeouts: connect::Timeouts) {
        self.engine = Some(Engine::start_with(self.store.store(), timeouts, |_| {}));
    }

    /// Another process beside it, on the same store.
    pub(crate) fn other(&self) -> Engine {
        Engine::start(self.store.store(), |config| {
            config.company = Company::Others;
        })
    }

    pub(crate) async fn record(&self, run: &RunId) -> Run {
        let found = self.store.runs().find(&Actor::local(), run).await.unwrap();
        found.unwrap()
    }

    /// Waits until a run has a status and nobody works on it.
    pub(crate) async fn stands(&self, run: &RunId, status: RunStatus) {
        let what = format!("{run} is {status:?}");
        until(&what, async || {
            let run = self.record(run).await;
            run.status == status && run.owner.is_none()
        })
        .await;
    }

    /// Lets time pass and the engine notice.
    pub(crate) fn pass(&self, time: SignedDuration) {
        self.store.clock.advance(time);
        self.engine().look();
    }

    /// Deploys a flow whose `do` is this text, with `UPSTREAM` for the upstream's address.
    pub(crate) async fn flow(&self, name: &str, body: &str) -> engine::Deployed {
        self.engine().deploy(&self.text(name, body)).await
    }

    pub(crate) fn text(&self, name: &str, body: &str) -> String {
        let body = body.replace("UPSTREAM", &self.upstream.url(""));
        format!(
            "document: {{dsl: '1.0.3', namespace: contoso, name: {name}, version: '1.0.0'}}\n{body}"
        )
    }
}

/// Waits for a condition.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < PATIENCE, "it never came true that {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
