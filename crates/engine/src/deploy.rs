//! Deploying: a text becomes the current version of its flow, or it is said what would change and what is missing.

mod calls;
mod diff;

use connect::Permissions;
use flow::definition::Flow;
use flow::{Diagnostic, FaultType};
use serde::Serialize;
use store::{Actor, Connection, ConnectionName, FlowId, FlowRecord, FlowVersion, NewVersion, Role};

use crate::Error;
use crate::local::Local;
use crate::schedule::{self, Coming};

/// How many of its next times are told of each trigger.
const COMING: usize = 3;

pub use calls::Need;
pub use diff::lines as difference;

/// What became of a deployment, or would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Deployment {
    /// The flow is new.
    Created,
    /// It is a new version of a flow that was there.
    Added,
    /// The current version is this very text.
    Unchanged,
}

/// A deployment.
#[derive(Debug, Clone)]
pub struct Deployed {
    /// What became of it, or would.
    pub deployment: Deployment,
    /// The flow's namespace and name.
    pub name: String,
    /// `document.version`.
    pub version: String,
    /// The flow; none yet where nothing was stored.
    pub flow: Option<FlowRecord>,
    /// How the text differs from the current version's, as lines that begin with ` `, `-` or `+`.
    pub diff: Vec<String>,
    /// What somebody should look at, though the flow runs.
    pub warnings: Vec<Diagnostic>,
    /// The connections and secrets that it names, and how they stand.
    pub preflight: Vec<Preflight>,
    /// When its schedule starts it next.
    pub starts: Vec<Coming>,
}

/// A connection or secret that a flow names, and what it needs of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preflight {
    /// Its name.
    pub name: String,
    /// What it is and how it stands.
    pub standing: Standing,
    /// The calls through it, as far as they can be read from the text.
    pub calls: Vec<Need>,
    /// The permissions that its token was granted, where that is known.
    pub granted: Vec<String>,
    /// Which permissions those calls need, which of them lack and who adds them; where it is known which there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Permissions>,
    /// What has to be done before the flow can run.
    pub problem: Option<String>,
}

/// What a name of `use.secrets` stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Standing {
    /// A connection, in this state.
    Connection {
        /// Its state's word.
        state: String,
    },
    /// A plain secret.
    Secret,
    /// Nothing yet.
    Missing,
}

impl Local {
    /// Deploys a text: the flow's current version is this one from now. With [`DryRun::Yes`] nothing is stored.
    /// `based_on` is the number that has to be the current one still, 0 for a flow that is not there yet.
    pub async fn deploy(
        &self,
        actor: &Actor,
        source: &str,
        dry_run: DryRun,
        based_on: Option<i64>,
    ) -> Result<Deployed, Error> {
        actor.require(Role::Admin)?;
        let (store, definitions) = self.parts();
        let flow = crate::definitions::parse(source).await?;
        let document = &flow.document;
        let old = store
            .flows()
            .find(actor, &document.namespace, &document.name)
            .await;
        let old = old?;
        let old_source = match &old {
            Some(record) => {
                let version = store
                    .flows()
                    .version(actor, &record.id, record.current)
                    .await?;
                version.map(|version| version.source)
            }
            None => None,
        };
        let mut deployed = Deployed {
            deployment: match &old_source {
                None => Deployment::Created,
                Some(text) if text == source => Deployment::Unchanged,
                Some(_) => Deployment::Added,
            },
            name: format!("{}/{}", document.namespace, document.name),
            version: document.version.clone(),
            flow: old,
            diff: diff::lines(old_source.as_deref().unwrap_or_default(), source),
            warnings: flow.warnings.clone(),
            preflight: self.preflight(actor, &flow).await?,
            starts: flow.schedule.as_ref().map_or_else(Vec::new, |plan| {
                schedule::coming(plan, store.clock().now(), COMING)
            }),
        };
        if let Some(record) = deployed
            .flow
            .as_ref()
            .filter(|_| deployed.deployment == Deployment::Added)
        {
            let versions = store.flows().versions(actor, &record.id).await?;
            deployed.warnings.extend(reused(&flow, source, &versions));
        }
        if dry_run == DryRun::Yes {
            return Ok(deployed);
        }
        let new = NewVersion {
            based_on,
            ..new_version(&flow, source)
        };
        let (record, deployment) = store.flows().deploy(actor, new).await?;
        deployed.deployment = match deployment {
            store::Deployment::Created => Deployment::Created,
            store::Deployment::Added => Deployment::Added,
            store::Deployment::Unchanged => Deployment::Unchanged,
        };
        definitions.forget();
        self.rearm(&record).await?;
        deployed.flow = Some(record);
        Ok(deployed)
    }

    /// Lets a flow start again.
    pub async fn enable(&self, actor: &Actor, id: &FlowId) -> Result<FlowRecord, Error> {
        let record = self.parts().0.flows().enable(actor, id).await?;
        self.rearm(&record).await?;
        Ok(record)
    }

    /// Keeps a flow from starting; runs that are under way go on.
    pub async fn disable(&self, actor: &Actor, id: &FlowId) -> Result<FlowRecord, Error> {
        let record = self.parts().0.flows().disable(actor, id).await?;
        self.rearm(&record).await?;
        Ok(record)
    }

    /// Makes another version of a flow the current one; runs that are under way stay on theirs.
    pub async fn roll_to(
        &self,
        actor: &Actor,
        id: &FlowId,
        number: i64,
    ) -> Result<FlowRecord, Error> {
        let record = self.parts().0.flows().roll_to(actor, id, number).await?;
        self.rearm(&record).await?;
        Ok(record)
    }

    /// Deletes a flow with its versions and finished runs; refused while runs of it go on.
    pub async fn remove_flow(&self, actor: &Actor, id: &FlowId) -> Result<(), Error> {
        let (store, definitions) = self.parts();
        store.flows().remove(actor, id).await?;
        definitions.forget();
        Ok(())
    }

    /// What the current version of a flow names, and how that stands now.
    pub async fn preflight_of(
        &self,
        actor: &Actor,
        record: &FlowRecord,
    ) -> Result<Vec<Preflight>, Error> {
        let definition = self.parts().1.load(&record.id, record.current).await?;
        self.preflight(actor, &definition.flow).await
    }

    /// The flows whose current version names a connection or secret, as `namespace.name`.
    pub async fn flows_with(&self, actor: &Actor, name: &str) -> Result<Vec<String>, Error> {
        let (store, definitions) = self.parts();
        let mut found = Vec::new();
        for record in store.flows().list(actor).await? {
            let definition = definitions.load(&record.id, record.current).await?;
            let mut named = definition.flow.secrets.iter();
            if named.any(|named| named.eq_ignore_ascii_case(name)) {
                found.push(format!("{}.{}", record.namespace, record.name));
            }
        }
        Ok(found)
    }

    async fn preflight(&self, actor: &Actor, flow: &Flow) -> Result<Vec<Preflight>, Error> {
        let (store, definitions) = self.parts();
        let mut found = Vec::new();
        for name in &flow.secrets {
            let mut entry = Preflight {
                name: name.clone(),
                standing: Standing::Missing,
                calls: calls::of(flow, name),
                granted: Vec::new(),
                permissions: None,
                problem: None,
            };
            let connection = match ConnectionName::parse(name) {
                Ok(parsed) => store.connections().find(actor, &parsed).await?,
                Err(_) => None,
            };
            if let Some(connection) = connection {
                self.judge(actor, &connection, &mut entry).await?;
            } else if definitions.secret(name).await?.is_some() {
                entry.standing = Standing::Secret;
            } else {
                entry.problem = Some(format!(
                    "there is neither a connection nor a secret \"{name}\": calls through it end with a fault {}",
                    FaultType::Authorization.name()
                ));
            }
            found.push(entry);
        }
        Ok(found)
    }

    /// How a connection stands, and whether what it holds suffices for the calls through it.
    async fn judge(
        &self,
        actor: &Actor,
        connection: &Connection,
        entry: &mut Preflight,
    ) -> Result<(), Error> {
        let name = &connection.name;
        let state = connection.standing.state.as_str().to_owned();
        if !connection.standing.is_usable() {
            entry.problem = Some(format!(
                "connection \"{name}\" is {state}: `keyway connection explain {name}` says what to do"
            ));
        }
        let row = self.parts().0.tokens().read(&connection.id).await?;
        let scope = row.token.and_then(|token| token.scope);
        entry.granted = scope
            .map(|scope| scope.to_string().split(' ').map(str::to_owned).collect())
            .unwrap_or_default();
        entry.standing = Standing::Connection { state };
        let calls = entry.calls.iter().filter_map(calls::Need::graph_call);
        let judged = self.judge_calls(actor, name, calls.collect()).await?;
        if let Some(permissions) = &judged {
            let judgements = permissions.judgement.calls.iter();
            let asked = entry.calls.iter_mut();
            let asked = asked.filter(|need| need.graph_call().is_some());
            for (need, judged) in asked.zip(judgements) {
                need.standing = Some(judged.standing);
                need.missing = judged.missing.iter().map(ToString::to_string).collect();
            }
        }
        entry.permissions = judged;
        Ok(())
    }
}

/// Says that a `document.version` stands for another text from now on: `run.workflow` that names it means that.
fn reused(flow: &Flow, source: &str, versions: &[FlowVersion]) -> Option<Diagnostic> {
    let version = &flow.document.version;
    let other = versions
        .iter()
        .find(|old| old.version == *version && old.digest != flow.digest)?;
    let message = format!(
        "version {version} was deployed with another definition before (number {}): flows that run version {version} of this one get the new one from now on",
        other.number
    );
    Some(Flow::warning(
        source,
        "/document/version",
        "flow.version_reused",
        message,
        "raise `document.version` with every change that matters to others",
    ))
}

/// The record of a text that was read.
pub(crate) fn new_version(flow: &Flow, source: &str) -> NewVersion {
    let document = &flow.document;
    NewVersion {
        namespace: document.namespace.clone(),
        name: document.name.clone(),
        version: document.version.clone(),
        title: document.title.clone(),
        retention_days: flow.settings.retention_days,
        digest: flow.digest.clone(),
        source: source.to_owned(),
        based_on: None,
    }
}

/// Whether a deployment is only looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DryRun {
    /// It is stored.
    No,
    /// It is only looked at.
    Yes,
}
