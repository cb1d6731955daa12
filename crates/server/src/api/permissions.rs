//! Permissions of Microsoft Graph: the catalogue, and what calls through a connection need against what it holds.

use axum::Json as Answer;
use connect::{GraphCall, Permissions};
use oauth::{CallStanding, GraphPermission, PermissionKind, Who};
use serde::{Deserialize, Serialize};
use store::ConnectionName;
use utoipa::ToSchema;

use super::{Name, Refusals, schema};
use crate::access::Viewer;
use crate::json::{Json, RequestBody};
use crate::problem::Problem;

/// How many calls one question may name.
const MOST_CALLS: usize = 200;

/// Calls that are asked about.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallsInQuestion {
    #[schema(max_items = 200)]
    calls: Vec<CallInQuestion>,
}

impl RequestBody for CallsInQuestion {}

/// A call.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CallInQuestion {
    /// The method.
    method: String,
    /// A path below the connection's base URL, or an address; `{name}` stands for any segment. Of the query `$select` and `$expand` are looked at.
    path: String,
}

/// A permission of Microsoft Graph.
#[derive(Serialize, ToSchema)]
pub(crate) struct PermissionCard {
    /// Such as `User.Read.All`.
    name: &'static str,
    /// The id of the delegated form; none if there is no such form.
    delegated_id: Option<&'static str>,
    /// The id of the application form; none if there is no such form.
    application_id: Option<&'static str>,
    /// Whether only an administrator may consent to the delegated form; to the application form always.
    delegated_needs_admin: bool,
    /// What it allows, in plain words.
    allows: &'static str,
}

/// The permissions of Microsoft Graph that are described here; others exist.
#[derive(Serialize, ToSchema)]
pub(crate) struct PermissionList {
    items: Vec<PermissionCard>,
}

/// A call, and how it stands.
#[derive(Serialize, ToSchema)]
struct JudgedCallCard {
    method: String,
    path: String,
    /// `allowed`, `missing`, `unknown` or `impossible`.
    #[schema(value_type = String)]
    standing: CallStanding,
    /// One permission of each list is needed, the least first.
    any_of: Vec<Vec<&'static str>>,
    /// The least permissions that it lacks.
    missing: Vec<&'static str>,
}

/// How lacking permissions are obtained.
#[derive(Serialize, ToSchema)]
struct CureCard {
    /// Who can do it: `administrator` or `signed_in_person`.
    #[schema(value_type = String)]
    who: Who,
    /// The same as a phrase.
    who_text: &'static str,
    /// What is to be done, in one sentence.
    next: String,
    /// The page to open.
    link: Option<String>,
}

/// Calls through a connection, judged by the permissions that it holds.
#[derive(Serialize, ToSchema)]
pub(crate) struct PermissionReport {
    connection: String,
    /// `delegated` or `application`.
    #[schema(value_type = String)]
    kind: PermissionKind,
    /// Each call in the order of the question.
    calls: Vec<JudgedCallCard>,
    /// The least permissions that suffice for all of them.
    least: Vec<PermissionCard>,
    /// What the token was granted; none while there is no token.
    held: Option<Vec<String>>,
    /// True if what is held is read from the token's claims.
    held_is_hint: bool,
    /// The least permissions that have to be added.
    missing: Vec<PermissionCard>,
    /// Held, and not needed for any of the calls beside the rest of what is held.
    unused: Vec<String>,
    /// What stands in the way of single calls, in whole sentences.
    warnings: Vec<String>,
    /// What to do about it.
    cure: Option<CureCard>,
}

impl From<GraphPermission> for PermissionCard {
    fn from(permission: GraphPermission) -> PermissionCard {
        PermissionCard {
            name: permission.name,
            delegated_id: permission.delegated_id,
            application_id: permission.application_id,
            delegated_needs_admin: permission.delegated_needs_admin,
            allows: permission.allows,
        }
    }
}

impl From<Permissions> for PermissionReport {
    fn from(judged: Permissions) -> PermissionReport {
        let found = judged.judgement;
        let cards = |permissions: Vec<GraphPermission>| {
            permissions.into_iter().map(PermissionCard::from).collect()
        };
        PermissionReport {
            connection: judged.connection,
            kind: found.kind,
            calls: found
                .calls
                .into_iter()
                .map(|judged| JudgedCallCard {
                    method: judged.call.method,
                    path: judged.call.path,
                    standing: judged.standing,
                    any_of: judged.any_of,
                    missing: judged.missing,
                })
                .collect(),
            least: cards(found.least),
            held: found.held,
            held_is_hint: judged.held_is_hint,
            missing: cards(found.missing),
            unused: found.unused,
            warnings: judged.warnings,
            cure: judged.cure.map(|cure| CureCard {
                who: cure.who,
                who_text: cure.who_text,
                next: cure.next,
                link: cure.link,
            }),
        }
    }
}

impl Viewer {
    async fn permissions(
        &self,
        name: &ConnectionName,
        question: CallsInQuestion,
    ) -> Result<Permissions, Problem> {
        if question.calls.len() > MOST_CALLS {
            let detail = format!("at most {MOST_CALLS} calls are judged at once");
            return Err(Problem::new("body.invalid", detail).field("/calls"));
        }
        let calls = question.calls.into_iter().map(|call| GraphCall {
            method: call.method,
            path: call.path,
        });
        let connector = self.app().connector();
        let judged = connector
            .permissions(self.actor(), name, calls.collect())
            .await?;
        judged.ok_or_else(|| {
            let detail = format!(
                "connection `{name}` does not speak to Microsoft Graph: which permissions its API knows is not known"
            );
            Problem::new("connection.no_catalogue", detail)
                .hint("`keyway connection show` lists what its token was granted")
        })
    }
}

/// Judges calls through a connection to Microsoft Graph: the least permissions they need, what is held, what lacks, who adds it.
#[utoipa::path(post, path = "/api/v1/connections/{name}/permissions", tag = "connections", operation_id = "judge_calls", params(schema::NameParameter),
    request_body = CallsInQuestion, responses((status = 200, body = PermissionReport), Refusals))]
pub(crate) async fn judge(
    viewer: Viewer,
    Name(name): Name,
    Json(question): Json<CallsInQuestion>,
) -> Result<Answer<PermissionReport>, Problem> {
    Ok(Answer(viewer.permissions(&name, question).await?.into()))
}

/// Lists permissions of Microsoft Graph with their ids, who may consent, and what they allow.
#[utoipa::path(get, path = "/api/v1/presets/microsoft-graph/permissions", tag = "connections", operation_id = "list_graph_permissions",
    responses((status = 200, body = PermissionList), Refusals))]
pub(crate) async fn list(_: Viewer) -> Answer<PermissionList> {
    let items = oauth::graph_permissions().map(PermissionCard::from);
    Answer(PermissionList {
        items: items.collect(),
    })
}
