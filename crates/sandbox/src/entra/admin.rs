//! An administrator's consent: the v1 endpoint grants the whole registration, the v2 one what
//! `scope` says (application permissions only through `.default`).

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::authorize::check_client;
use super::errors::Refusal;
use super::pages::{ConsentKind, ConsentPage};
use super::redirect::{Destination, ResponseMode, refusal_parameters};
use super::scopes::{self, Names, Permission, Target, Wanted};
use super::session::Session;
use super::trip::{self, Context, Stage, Trip};
use super::{Exchange, Form, errors, pages};
use crate::directory::{AccessKind, Application, Tenant};
use crate::guid::Guid;
use crate::users::{DirectoryRole, User};

/// A request for an administrator's consent that passed every check.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AdminRequest {
    pub(crate) app_id: Guid,
    destination: Destination,
    what: What,
}

/// What is to be granted.
#[derive(Clone, Serialize, Deserialize)]
enum What {
    /// Everything that the registration lists.
    Registration,
    /// What the scope says.
    Scope(String, Wanted),
}

/// `GET /{tenant}/adminconsent`.
pub(crate) async fn first_version(
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    exchange: Exchange,
) -> Response {
    begin(&exchange, &tenant, &query.unwrap_or_default(), |_, _, _| {
        Ok(What::Registration)
    })
}

/// `GET /{tenant}/v2.0/adminconsent`.
pub(crate) async fn second_version(
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    exchange: Exchange,
) -> Response {
    let base = exchange.base.clone();
    begin(
        &exchange,
        &tenant,
        &query.unwrap_or_default(),
        |tenant, app, form| {
            let scope = form
                .get("scope")
                .ok_or_else(|| errors::parameter_missing("scope"))?;
            let wanted = scopes::parse(scope, tenant, &base, app)?;
            Ok(What::Scope(scope.to_owned(), wanted))
        },
    )
}

fn begin(
    exchange: &Exchange,
    authority: &str,
    query: &str,
    what: impl FnOnce(&Tenant, &Application, &Form) -> Result<What, Refusal>,
) -> Response {
    let form = Form::parse(query.as_bytes());
    if let Some(client_id) = form.get("client_id") {
        exchange.note_client(client_id);
    }
    let checked = {
        let tenant = exchange.world.directory.read();
        check_client(&tenant, authority, &form).and_then(|(app, redirect_uri, _)| {
            Ok(AdminRequest {
                app_id: app.app_id,
                destination: Destination {
                    redirect_uri,
                    mode: ResponseMode::Query,
                    state: form.get("state").map(str::to_owned),
                },
                what: what(&tenant, app, &form)?,
            })
        })
    };
    match checked {
        Err(refusal) => pages::error(exchange, &refusal),
        Ok(request) => {
            let trip = Trip::Admin(Box::new(request));
            match Session::of(exchange) {
                Some((session, user)) if user.role == DirectoryRole::GlobalAdministrator => {
                    trip::go_on(exchange, trip, session, &user)
                }
                _ => {
                    let context = Context::seal(exchange, trip, Stage::SignIn);
                    pages::sign_in(exchange, &context, "", None, None)
                }
            }
        }
    }
}

/// Shows the administrator what is asked for.
pub(crate) fn ask(
    exchange: &Exchange,
    request: AdminRequest,
    session: Session,
    user: &User,
) -> Response {
    if user.role != DirectoryRole::GlobalAdministrator {
        return pages::error(exchange, &errors::administrator_only());
    }
    let (name, permissions, roles) = {
        let tenant = exchange.world.directory.read();
        let Some(app) = tenant.application(request.app_id) else {
            let refusal =
                errors::unknown_application(&request.app_id.to_string(), &tenant.id.to_string());
            return pages::error(exchange, &refusal);
        };
        let wanted = wanted(app, &request.what);
        let roles = roles(&tenant, app, &wanted)
            .into_iter()
            .map(|(_, _, title)| title)
            .collect::<Vec<_>>();
        (
            app.display_name.clone(),
            permissions(&tenant, app, &request.what),
            roles,
        )
    };
    let context = Context::seal(
        exchange,
        Trip::Admin(Box::new(request)),
        Stage::Consent(session),
    );
    let page = ConsentPage {
        app_name: &name,
        user,
        permissions: &permissions,
        roles: &roles,
        kind: ConsentKind::Organization,
    };
    pages::consent(exchange, &context, &page)
}

/// Carries out what the administrator decided.
pub(crate) fn decide(
    exchange: &Exchange,
    request: AdminRequest,
    user: &User,
    accepted: bool,
) -> Response {
    exchange.note_client(&request.app_id.to_string());
    let confirmed = ("admin_consent", "True".to_owned());
    if !accepted {
        let mut parameters = refusal_parameters(exchange, &errors::consent_declined());
        parameters.push(confirmed);
        return request.destination.send(exchange, parameters);
    }
    if user.role != DirectoryRole::GlobalAdministrator {
        return pages::error(exchange, &errors::administrator_only());
    }
    record(exchange, &request);
    let tenant = ("tenant", exchange.world.tenant.to_string());
    let parameters = match request.what {
        What::Registration => vec![tenant, confirmed],
        What::Scope(scope, _) => vec![confirmed, tenant, ("scope", scope)],
    };
    request.destination.send(exchange, parameters)
}

fn record(exchange: &Exchange, request: &AdminRequest) {
    let now = exchange.now;
    let mut tenant = exchange.world.directory.write();
    let wanted = match &request.what {
        What::Registration => {
            tenant.consent_to_registration(request.app_id, now);
            return;
        }
        What::Scope(_, wanted) => wanted,
    };
    let Some(app) = tenant.application(request.app_id) else {
        return;
    };
    let names = scopes::requested(&tenant, app, wanted);
    let roles = roles(&tenant, app, wanted);
    tenant.ensure_principal(request.app_id);
    for permission in names {
        tenant.grant(
            request.app_id,
            permission.resource,
            None,
            [permission.scope.value],
        );
    }
    for (resource, role, _) in roles {
        tenant.assign(request.app_id, resource, role, now);
    }
}

/// The registration seen as one `.default` for each resource, or the scope as asked.
fn wanted(app: &Application, what: &What) -> Wanted {
    match what {
        What::Scope(_, wanted) => wanted.clone(),
        What::Registration => {
            let mut resources: Vec<Guid> =
                app.required.iter().map(|access| access.resource).collect();
            resources.sort_unstable();
            resources.dedup();
            let target = |resource: Guid| Target {
                resource,
                audience: resource.to_string(),
                names: Names::Default,
            };
            Wanted {
                oidc: Vec::new(),
                targets: resources.into_iter().map(target).collect(),
            }
        }
    }
}

fn permissions(tenant: &Tenant, app: &Application, what: &What) -> Vec<Permission> {
    scopes::requested(tenant, app, &wanted(app, what))
}

/// The application permissions that `.default` brings: resource, role, title.
fn roles(tenant: &Tenant, app: &Application, wanted: &Wanted) -> Vec<(Guid, Guid, String)> {
    app.required
        .iter()
        .filter(|access| access.kind == AccessKind::Role)
        .filter(|access| {
            wanted
                .targets
                .iter()
                .any(|target| target.resource == access.resource && target.names == Names::Default)
        })
        .filter_map(|access| {
            let role = tenant.resource(access.resource)?.role(access.id)?;
            Some((access.resource, role.id, role.title.clone()))
        })
        .collect()
}
