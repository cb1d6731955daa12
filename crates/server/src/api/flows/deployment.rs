//! What deploying a text did, or would do.

use engine::Deployed;
use serde::Serialize;
use utoipa::ToSchema;

/// What a deployment did, or would do.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeploymentCard {
    /// `created`, `added` or `unchanged`.
    #[schema(value_type = String)]
    deployment: engine::Deployment,
    /// `namespace.name`.
    key: String,
    /// `document.version`.
    version: String,
    /// The number of the version that new runs get; none yet of a flow that is not stored.
    current: Option<i64>,
    /// The text against the current one, as lines that begin with ` `, `-` or `+`.
    diff: Vec<String>,
    /// What somebody should look at, though the flow runs.
    #[schema(value_type = Vec<Object>)]
    warnings: Vec<flow::Diagnostic>,
    /// The connections and secrets that it names.
    #[schema(value_type = Vec<Object>)]
    preflight: Vec<engine::Preflight>,
    /// When its schedule starts it next: each `trigger` with its next three `times`.
    #[schema(value_type = Vec<Object>)]
    starts: Vec<engine::schedule::Coming>,
}

impl From<Deployed> for DeploymentCard {
    fn from(deployed: Deployed) -> DeploymentCard {
        DeploymentCard {
            deployment: deployed.deployment,
            key: deployed.name.replace('/', "."),
            version: deployed.version,
            current: deployed.flow.map(|flow| flow.current),
            diff: deployed.diff,
            warnings: deployed.warnings,
            preflight: deployed.preflight,
            starts: deployed.starts,
        }
    }
}
