//! `keyway flow run`: one run in the foreground, without a server. Its journal is in memory and ends with the process.
//!
//! The one document on stdout is a contract that other people's scripts rely on: it is always JSON, for a flow that is not
//! valid too. With a data directory of its own the connections of that installation are used.

mod given;
mod report;

use std::time::Duration;

use clap::Args;
use engine::{DryRun, Local, Outcome, Start};
use flow::CloudEvent;
use serde_json::Value;
use store::{Actor, Parked, RunId, RunStatus, Store, Trigger, Vault};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use super::file::{self, Judged};
use crate::Exit;
use crate::cli::Global;
use crate::config::{Config, Overrides};
use crate::failure::Failure;
use crate::ui::Ui;
use given::Given;

/// How long is waited at a time for what a run does next.
const LOOK: Duration = Duration::from_millis(20);

/// A run in the foreground.
#[derive(Args, Debug)]
#[command(
    after_help = "Prints one JSON document: status, output, error, tasks, events.\nExit code 0 completed, 1 faulted or cancelled, 5 the flow is not valid."
)]
pub(super) struct Arguments {
    /// The flow, in YAML or JSON; - for stdin
    file: String,
    /// The input, as JSON; - for stdin [default: {}]
    #[arg(long, value_name = "FILE|-")]
    input_file: Option<String>,
    /// How the answer is printed: it is always JSON
    #[arg(long, value_name = "FORMAT", default_value = "json", value_parser = ["json"])]
    output: String,
    /// Values by name: plain secrets, and policies that stand for connections (JSON)
    #[arg(long, value_name = "FILE")]
    secrets_file: Option<String>,
    /// Further flows that run.workflow may name
    #[arg(long, value_name = "DIR")]
    workflows_dir: Option<String>,
    /// `CloudEvents` (a JSON list), each delivered as soon as somebody listens for it
    #[arg(long, value_name = "FILE")]
    events_file: Option<String>,
}

pub(super) async fn run(ui: Ui, global: &Global, arguments: &Arguments) -> Result<Exit, Failure> {
    if global.server.is_some() {
        return Err(Failure::usage(
            "`flow run` runs a flow in this process, not on a server",
            "leave --server out, or deploy the flow there",
        ));
    }
    let judged = file::judge(&arguments.file);
    let Some(flow) = judged.flow() else {
        ui.document(&report::invalid(judged.findings()));
        return Ok(Exit::Invalid);
    };
    for warning in &flow.warnings {
        ui.warning(&format!(
            "{}:{}: {}",
            judged.name, warning.line, warning.message
        ));
    }
    let given = Given::read(ui, arguments)?;
    let (house, engine) = open(global, &given).await?;
    let others = given.flows.iter().chain(std::iter::once(&judged));
    let outcome = Box::pin(follow(&engine, others, &judged, &given)).await;
    house.close().await;
    let (document, exit) = outcome?;
    ui.document(&document);
    Ok(exit)
}

/// What has to be ended in the end.
struct House {
    tracker: TaskTracker,
    cancel: CancellationToken,
}

impl House {
    async fn close(self) {
        self.cancel.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

/// An engine over a store in memory; its calls go through the connections of an installation when one is named.
async fn open(global: &Global, given: &Given) -> Result<(House, Local), Failure> {
    let config = Config::load(global, Overrides::default())?;
    let address = config.public_url_at(config.listen.port());
    let memory = memory().await?;
    let tracker = TaskTracker::new();
    let connector = match &global.data_dir {
        Some(_) => {
            let house = crate::app::open(&config, &address, None, store::Sharing::Shared).await?;
            connector(&config, &address, house.store, &tracker)?
        }
        None => connector(&config, &address, memory.clone(), &tracker)?,
    };
    let cancel = CancellationToken::new();
    let settings = engine::Config {
        worker: Some(crate::commands::expression_worker::config()?),
        given: given.secrets.clone(),
        ..engine::Config::new(address)
    };
    let engine = Local::new(memory, connector, settings, tracker.clone(), cancel.clone());
    Ok((House { tracker, cancel }, engine))
}

async fn memory() -> Result<Store, Failure> {
    let settings = store::Config::new(store::Database::SqliteMemory);
    Store::open(&settings, Vault::ephemeral(), store::Clock::system())
        .await
        .map_err(|error| Failure::new(Exit::Storage, "storage_error", error.to_string()))
}

fn connector(
    config: &Config,
    address: &Url,
    store: Store,
    tracker: &TaskTracker,
) -> Result<connect::Connector, Failure> {
    let settings = connect::Config {
        egress: config.egress.clone(),
        clouds: config.clouds.clone(),
        ..connect::Config::new(address.clone())
    };
    connect::Connector::new(store, settings, tracker.clone())
        .map_err(|error| Failure::new(Exit::Invalid, error.code(), error.to_string()))
}

/// Deploys, starts, delivers and waits: the run from its beginning to its end.
async fn follow<'f>(
    engine: &Local,
    flows: impl Iterator<Item = &'f Judged>,
    main: &Judged,
    given: &Given,
) -> Result<(Value, Exit), Failure> {
    let actor = Actor::system();
    let mut deployed = None;
    for flow in flows {
        let source = flow.deployable(flow.name == main.name);
        deployed = engine
            .deploy(&actor, &source, DryRun::No)
            .await
            .map_err(refused)?
            .flow;
    }
    let document = &main.flow().ok_or_else(|| main.failure())?.document;
    let start = Start {
        namespace: document.namespace.clone(),
        name: document.name.clone(),
        version: None,
        input: given.input.clone(),
        trigger: Trigger::Manual,
        key: None,
    };
    let run = Box::pin(engine.start(&actor, start))
        .await
        .map_err(refused)?
        .run()
        .clone();
    if let Some(record) = deployed.filter(|_| main.starts_by_itself()) {
        // its schedules and hooks are not what was asked for
        engine.disable(&actor, &record.id).await.map_err(refused)?;
    }
    let deliveries = deliver(engine, &actor, &run, &given.events);
    tokio::pin!(deliveries);
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    let mut delivered = false;
    let outcome = loop {
        tokio::select! {
            ended = ended(engine, &actor, &run) => break ended?,
            all = &mut deliveries, if !delivered => { all?; delivered = true; }
            _ = &mut interrupted => {
                engine.cancel(&actor, &run).await.map_err(refused)?;
                break ended(engine, &actor, &run).await?;
            }
        }
    };
    let history = engine.history(&actor, &run).await.map_err(refused)?;
    Ok(report::ended(&outcome, &history))
}

/// Waits until the run has come to its end. One that waits for somebody to see to a connection is ended: nobody will.
async fn ended(engine: &Local, actor: &Actor, run: &RunId) -> Result<Ended, Failure> {
    loop {
        let outcome = engine
            .wait(actor, run, Duration::from_secs(1))
            .await
            .map_err(refused)?;
        match outcome {
            Outcome::Pending | Outcome::Replied(_) => {}
            outcome => return Ok(Ended::With(outcome)),
        }
        let found = engine.history(actor, run).await.map_err(refused)?.run;
        if found.status == RunStatus::Parked {
            engine.cancel(actor, run).await.map_err(refused)?;
            return Ok(Ended::Parked(found.parked));
        }
    }
}

/// How a run in the foreground comes to its end.
enum Ended {
    /// By itself, or interrupted.
    With(Outcome),
    /// It can't go on until somebody acts.
    Parked(Vec<Parked>),
}

/// Hands the events over in their order, each as soon as somebody waits for it.
async fn deliver(
    engine: &Local,
    actor: &Actor,
    run: &RunId,
    events: &[CloudEvent],
) -> Result<(), Failure> {
    for event in events {
        while Box::pin(engine.deliver(actor, event.clone()))
            .await
            .map_err(refused)?
            == 0
        {
            match engine.wait(actor, run, LOOK).await.map_err(refused)? {
                Outcome::Pending | Outcome::Replied(_) => {}
                _ => return Ok(()),
            }
        }
    }
    Ok(())
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what `map_err` hands over"
)]
fn refused(error: engine::Error) -> Failure {
    Failure::new(Exit::Bug, error.code(), error.to_string())
}
