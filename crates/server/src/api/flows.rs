//! `/api/v1/flows`: definitions, from deploying a text to rolling back. A flow is named `namespace.name` here.

mod deployment;

use axum::Json as Answer;
use axum::extract::{FromRequestParts, RawQuery};
use axum::response::{IntoResponse, Response};
use engine::{Deployed, DryRun, Waiting};
use flow::definition::schedule::{Webhook, WebhookAuthentication};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, IF_MATCH};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{FlowRecord, FlowVersion};
use utoipa::{IntoParams, ToSchema};

use super::{Refusals, answer, expected_version, path};
use crate::access::{Admin, Viewer};
use crate::app::App;
use crate::json::{Json, RequestBody};
use crate::problem::Problem;
use crate::query::Query;
use deployment::DeploymentCard;

/// A text to deploy.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDefinition {
    /// The flow, in YAML or JSON.
    source: String,
    /// Only tell what would happen.
    #[serde(default)]
    dry_run: bool,
}

impl RequestBody for NewDefinition {}

/// Which version is to be the current one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RollBack {
    /// The number of the version.
    #[schema(minimum = 1)]
    number: i64,
}

impl RequestBody for RollBack {}

/// A flow.
#[derive(Serialize, ToSchema)]
pub(crate) struct FlowCard {
    /// `flow_…`.
    id: String,
    /// `namespace.name`, as addresses have it.
    key: String,
    namespace: String,
    name: String,
    title: Option<String>,
    /// The number of the version that new runs get.
    current: i64,
    /// Whether anything starts it.
    enabled: bool,
    /// How many days its finished runs are kept, where it says so.
    retention_days: Option<u32>,
    created_by: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// How many of its runs are not over.
    live_runs: i64,
}

impl FlowCard {
    fn new(record: FlowRecord, live_runs: i64) -> FlowCard {
        FlowCard {
            id: record.id.to_string(),
            key: format!("{}.{}", record.namespace, record.name),
            namespace: record.namespace,
            name: record.name,
            title: record.title,
            current: record.current,
            enabled: record.disabled_at.is_none(),
            retention_days: record.retention_days,
            created_by: record.created_by,
            created_at: record.created_at,
            updated_at: record.updated_at,
            live_runs,
        }
    }
}

/// All flows.
#[derive(Serialize, ToSchema)]
pub(crate) struct FlowList {
    items: Vec<FlowCard>,
}

/// One version of a flow.
#[derive(Serialize, ToSchema)]
pub(crate) struct VersionCard {
    /// Counts from 1.
    number: i64,
    /// `document.version`.
    version: String,
    /// The digest of the definition.
    digest: String,
    deployed_by: String,
    deployed_at: Timestamp,
    /// The text as it was deployed.
    source: String,
}

/// A flow with its versions, newest first, and what it needs.
#[derive(Serialize, ToSchema)]
pub(crate) struct FlowDetail {
    #[serde(flatten)]
    flow: FlowCard,
    versions: Vec<VersionCard>,
    /// The connections and secrets that the current version names, how they stand, and the calls through them.
    #[schema(value_type = Vec<Object>)]
    preflight: Vec<engine::Preflight>,
    /// When its triggers fire next.
    schedules: Vec<ScheduleCard>,
    /// What became of the last 20 times at which they were to fire, newest first.
    firings: Vec<FiringCard>,
    /// The hooks by which the current version is started.
    hooks: Vec<HookCard>,
    /// The JSON Schema of the current version's input, where it gives one.
    #[schema(value_type = Option<Object>)]
    input_schema: Option<serde_json::Value>,
}

/// An address that starts a flow.
#[derive(Serialize, ToSchema)]
pub(crate) struct HookCard {
    name: String,
    /// Where to send to.
    url: String,
    methods: Vec<String>,
    /// `application/json` unless the flow says otherwise.
    content_type: String,
    /// How a message proves where it comes from.
    authentication: HookAuthentication,
    /// The plain secrets that it proves it with.
    secrets: Vec<String>,
    /// How many seconds the caller waits for the answer at most, where it waits.
    wait_seconds: Option<i64>,
}

/// How a message to a hook proves where it comes from.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HookAuthentication {
    /// Standard Webhooks: HMAC-SHA256 with one of the secrets.
    Signature,
    /// A Keyway API key.
    ApiKey,
    /// Not at all.
    Public,
    /// As a change notification of Microsoft Graph: by its `clientState`.
    GraphNotification,
}

impl HookCard {
    fn of(app: &App, key: &FlowKey, hook: Webhook) -> HookCard {
        let base = app.public_url().as_str().trim_end_matches('/').to_owned();
        let FlowKey { namespace, name } = key;
        let (authentication, secrets) = match hook.authentication {
            WebhookAuthentication::Signature(names) => (HookAuthentication::Signature, names),
            WebhookAuthentication::ApiKey => (HookAuthentication::ApiKey, Vec::new()),
            WebhookAuthentication::Public => (HookAuthentication::Public, Vec::new()),
            WebhookAuthentication::GraphNotification(name) => {
                (HookAuthentication::GraphNotification, vec![name])
            }
        };
        HookCard {
            url: format!("{base}/hooks/{namespace}.{name}/{}", hook.name),
            name: hook.name,
            methods: hook.methods,
            content_type: hook.content_type,
            authentication,
            secrets,
            wait_seconds: hook.wait.map(|wait| wait.as_secs()),
        }
    }
}

/// A trigger that waits for a time.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScheduleCard {
    /// Which of the flow's triggers.
    trigger: String,
    /// When it fires next.
    next_at: Option<Timestamp>,
    /// How many events it has gathered that are not enough yet, where events fire it.
    #[serde(skip_serializing_if = "Option::is_none")]
    gathered: Option<usize>,
    /// Why what it has gathered starts nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<TroubleCard>,
}

/// Why a trigger does not start its flow.
#[derive(Serialize, ToSchema)]
pub(crate) struct TroubleCard {
    /// `expr.…` (its `until` can't be evaluated) or `event.queue_full` (it takes no further events).
    code: String,
    /// What is wrong, and what to do.
    detail: String,
    /// When it was met first.
    at: Timestamp,
}

impl ScheduleCard {
    fn new(trigger: String, next_at: Option<Timestamp>, waiting: Option<Waiting>) -> ScheduleCard {
        let gathered = waiting.as_ref().map(|waiting| waiting.events);
        let trouble = waiting.and_then(|waiting| waiting.trouble);
        ScheduleCard {
            trigger,
            next_at,
            gathered,
            trouble: trouble.map(|trouble| TroubleCard {
                code: trouble.code,
                detail: trouble.detail,
                at: trouble.at,
            }),
        }
    }
}

/// How many times a flow's detail tells what became of them.
const FIRINGS: u32 = 20;

/// A time at which a trigger was to fire.
#[derive(Serialize, ToSchema)]
pub(crate) struct FiringCard {
    trigger: String,
    /// The time that was meant.
    nominal: Timestamp,
    /// `started`, `skipped` (the last run still went) or `missed` (nobody was there, or the flow can not be read any more).
    outcome: &'static str,
    /// The run that was started.
    run: Option<String>,
}

impl From<store::Firing> for FiringCard {
    fn from(firing: store::Firing) -> FiringCard {
        FiringCard {
            trigger: firing.trigger,
            nominal: firing.nominal,
            outcome: firing.outcome.as_str(),
            run: firing.run.map(|run| run.to_string()),
        }
    }
}

impl From<FlowVersion> for VersionCard {
    fn from(version: FlowVersion) -> VersionCard {
        VersionCard {
            number: version.number,
            version: version.version,
            digest: version.digest,
            deployed_by: version.deployed_by,
            deployed_at: version.deployed_at,
            source: version.source,
        }
    }
}

/// `namespace.name` in a path; one that no flow can have is simply not found.
pub(crate) struct FlowKey {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl FlowKey {
    /// Reads `namespace.name`.
    pub(crate) fn parse(text: &str) -> Result<FlowKey, Problem> {
        match text.split_once('.') {
            Some((namespace, name)) => Ok(FlowKey {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            }),
            None => Err(Problem::not_found("flow", text)),
        }
    }
}

impl FromRequestParts<App> for FlowKey {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<FlowKey, Problem> {
        FlowKey::parse(&path(parts, app).await.unwrap_or_default())
    }
}

impl Viewer {
    async fn flows(&self) -> Result<Vec<FlowCard>, Problem> {
        let store = self.app().store();
        let records = store.flows().list(self.actor()).await?;
        let live = store.runs().live_by_flow().await?;
        let card = |record: FlowRecord| {
            let live_runs = live.get(&record.id).copied().unwrap_or_default();
            FlowCard::new(record, live_runs)
        };
        Ok(records.into_iter().map(card).collect())
    }

    async fn flow_card(&self, record: FlowRecord) -> Result<FlowCard, Problem> {
        let live_runs = self.app().store().runs().live(&record.id).await?;
        Ok(FlowCard::new(record, live_runs))
    }

    /// A flow by its key.
    pub(crate) async fn flow(&self, key: &FlowKey) -> Result<FlowRecord, Problem> {
        let flows = self.app().store().flows();
        let found = flows.find(self.actor(), &key.namespace, &key.name).await?;
        found.ok_or_else(|| Problem::not_found("flow", &format!("{}.{}", key.namespace, key.name)))
    }

    async fn flow_detail(&self, key: &FlowKey) -> Result<FlowDetail, Problem> {
        let record = self.flow(key).await?;
        let versions = self.versions(&record).await?;
        let triggers = self.app().store().schedules();
        let schedules = self.schedules(&record).await?;
        let firings = triggers.firings(self.actor(), &record.id, FIRINGS).await?;
        let preflight = self
            .app()
            .engine()
            .preflight_of(self.actor(), &record)
            .await?;
        let entrance = self.app().engine().entrance(&record).await?;
        let hooks = entrance.hooks.into_iter();
        Ok(FlowDetail {
            hooks: hooks
                .map(|hook| HookCard::of(self.app(), key, hook))
                .collect(),
            input_schema: entrance.input,
            flow: self.flow_card(record).await?,
            versions: versions.into_iter().map(VersionCard::from).collect(),
            preflight,
            schedules,
            firings: firings.into_iter().map(FiringCard::from).collect(),
        })
    }

    async fn schedules(&self, record: &FlowRecord) -> Result<Vec<ScheduleCard>, Problem> {
        let triggers = self.app().store().schedules();
        let mut cards = Vec::new();
        for (trigger, next_at) in triggers.of_flow(self.actor(), &record.id).await? {
            let engine = self.app().engine();
            let waiting = engine.waiting(self.actor(), &record.id, &trigger).await?;
            cards.push(ScheduleCard::new(trigger, next_at, waiting));
        }
        Ok(cards)
    }

    async fn versions(&self, record: &FlowRecord) -> Result<Vec<FlowVersion>, Problem> {
        let flows = self.app().store().flows();
        Ok(flows.versions(self.actor(), &record.id).await?)
    }

    async fn source(&self, key: &FlowKey, number: Option<i64>) -> Result<FlowVersion, Problem> {
        let record = self.flow(key).await?;
        let number = number.unwrap_or(record.current);
        let flows = self.app().store().flows();
        let found = flows.version(self.actor(), &record.id, number).await?;
        found.ok_or_else(|| {
            let name = format!("{}.{} version {number}", key.namespace, key.name);
            Problem::not_found("flow", &name)
        })
    }
}

impl Admin {
    async fn deploy(
        &self,
        new: &NewDefinition,
        based_on: Option<i64>,
    ) -> Result<Deployed, Problem> {
        let dry_run = if new.dry_run { DryRun::Yes } else { DryRun::No };
        let engine = self.app().engine();
        Ok(engine
            .deploy(self.actor(), &new.source, dry_run, based_on)
            .await?)
    }

    async fn enable_flow(&self, key: &FlowKey) -> Result<FlowCard, Problem> {
        let id = self.flow(key).await?.id;
        let record = self.app().engine().enable(self.actor(), &id).await?;
        self.flow_card(record).await
    }

    async fn disable_flow(&self, key: &FlowKey) -> Result<FlowCard, Problem> {
        let id = self.flow(key).await?.id;
        let record = self.app().engine().disable(self.actor(), &id).await?;
        self.flow_card(record).await
    }

    async fn roll_back(&self, key: &FlowKey, number: i64) -> Result<FlowCard, Problem> {
        let id = self.flow(key).await?.id;
        let engine = self.app().engine();
        let record = engine.roll_to(self.actor(), &id, number).await?;
        self.flow_card(record).await
    }

    async fn remove_flow(&self, key: &FlowKey) -> Result<(), Problem> {
        let id = self.flow(key).await?.id;
        Ok(self.app().engine().remove_flow(self.actor(), &id).await?)
    }
}

/// The flow's address.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(
    dead_code,
    reason = "documentation only; the value is read from the path"
)]
pub(crate) struct FlowParameter {
    /// `namespace.name`.
    #[param(pattern = "^[A-Za-z0-9-]+\\.[A-Za-z0-9-]+$")]
    flow: String,
}

/// Which version's text.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "documentation only; the values are read one by one"
)]
pub(crate) struct SourceQuery {
    /// The number of the version; the current one by default.
    #[param(minimum = 1)]
    number: Option<i64>,
}

/// Lists the flows.
#[utoipa::path(get, path = "/api/v1/flows", tag = "flows", operation_id = "list_flows", responses((status = 200, body = FlowList), Refusals))]
pub(crate) async fn list(viewer: Viewer) -> Result<Answer<FlowList>, Problem> {
    let items = viewer.flows().await?;
    Ok(Answer(FlowList { items }))
}

/// The version that a text was made from.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(
    dead_code,
    reason = "documentation only; the value is read from the header"
)]
pub(crate) struct BasedOn {
    /// The number of the version that has to be the current one still, such as `"3"`; `"0"` where there must be no such flow yet.
    /// Without it, or with `*`, the text replaces whatever there is.
    #[param(rename = "If-Match")]
    if_match: Option<String>,
}

/// Deploys a text: it becomes the current version of its flow. The same text again changes nothing.
#[utoipa::path(post, path = "/api/v1/flows", tag = "flows", operation_id = "deploy_flow", params(BasedOn), request_body = NewDefinition,
    responses((status = 200, description = "Unchanged, or only told what would happen.", body = DeploymentCard), (status = 201, body = DeploymentCard), Refusals))]
pub(crate) async fn deploy(
    admin: Admin,
    headers: HeaderMap,
    Json(new): Json<NewDefinition>,
) -> Result<Response, Problem> {
    let based_on = if headers.contains_key(IF_MATCH) {
        expected_version(&headers)?
    } else {
        None
    };
    let deployed = admin.deploy(&new, based_on).await?;
    let stored = !new.dry_run && deployed.deployment != engine::Deployment::Unchanged;
    let status = if stored {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(answer(status, (), DeploymentCard::from(deployed)))
}

/// Shows a flow with its versions, and what it needs against what is there.
#[utoipa::path(get, path = "/api/v1/flows/{flow}", tag = "flows", operation_id = "show_flow", params(FlowParameter),
    responses((status = 200, body = FlowDetail), Refusals))]
pub(crate) async fn show(viewer: Viewer, key: FlowKey) -> Result<Answer<FlowDetail>, Problem> {
    Ok(Answer(viewer.flow_detail(&key).await?))
}

/// Deletes a flow with its versions; refused while runs of it go on.
#[utoipa::path(delete, path = "/api/v1/flows/{flow}", tag = "flows", operation_id = "delete_flow", params(FlowParameter),
    responses((status = 204), Refusals))]
pub(crate) async fn delete(admin: Admin, key: FlowKey) -> Result<Response, Problem> {
    admin.remove_flow(&key).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Answers the text of a flow as it was deployed.
#[utoipa::path(get, path = "/api/v1/flows/{flow}/source", tag = "flows", operation_id = "export_flow", params(FlowParameter, SourceQuery),
    responses((status = 200, content_type = "application/yaml", body = String), Refusals))]
pub(crate) async fn source(
    viewer: Viewer,
    key: FlowKey,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let number = Query(query.as_deref()).get("number", "the number of a version")?;
    let version = viewer.source(&key, number).await?;
    let headers = [
        (CONTENT_TYPE, "application/yaml"),
        (CONTENT_DISPOSITION, "attachment"),
    ];
    Ok((headers, version.source).into_response())
}

/// Lets a flow start again.
#[utoipa::path(post, path = "/api/v1/flows/{flow}/enable", tag = "flows", operation_id = "enable_flow", params(FlowParameter),
    responses((status = 200, body = FlowCard), Refusals))]
pub(crate) async fn enable(admin: Admin, key: FlowKey) -> Result<Answer<FlowCard>, Problem> {
    Ok(Answer(admin.enable_flow(&key).await?))
}

/// Keeps a flow from starting; runs that are under way go on.
#[utoipa::path(post, path = "/api/v1/flows/{flow}/disable", tag = "flows", operation_id = "disable_flow", params(FlowParameter),
    responses((status = 200, body = FlowCard), Refusals))]
pub(crate) async fn disable(admin: Admin, key: FlowKey) -> Result<Answer<FlowCard>, Problem> {
    Ok(Answer(admin.disable_flow(&key).await?))
}

/// Makes another version the current one; runs that are under way stay on theirs.
#[utoipa::path(post, path = "/api/v1/flows/{flow}/rollback", tag = "flows", operation_id = "roll_back_flow", params(FlowParameter),
    request_body = RollBack, responses((status = 200, body = FlowCard), Refusals))]
pub(crate) async fn roll_back(
    admin: Admin,
    key: FlowKey,
    Json(body): Json<RollBack>,
) -> Result<Answer<FlowCard>, Problem> {
    Ok(Answer(admin.roll_back(&key, body.number).await?))
}
