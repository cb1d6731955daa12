//! A user's consent (`entra-and-graph.md` §6): who is asked what, and the form's way back.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::response::Response;

use super::authorize::{self, AuthorizeRequest, Prompt};
use super::pages::{ConsentKind, ConsentPage};
use super::session::Session;
use super::trip::{Context, Stage, Trip};
use super::{Exchange, Form, admin, errors, pages, scopes};
use crate::guid::Guid;
use crate::users::{DirectoryRole, User};

/// Asks for what is missing, or sends the code.
pub(crate) fn ask_if_needed(
    exchange: &Exchange,
    request: AuthorizeRequest,
    session: Session,
    user: &User,
) -> Response {
    let (name, permissions, missing) = {
        let tenant = exchange.world.directory.read();
        let Some(app) = tenant.application(request.app_id) else {
            let refusal =
                errors::unknown_application(&request.app_id.to_string(), &tenant.id.to_string());
            return pages::error(exchange, &refusal);
        };
        let missing = scopes::missing(&tenant, app, user.id, &request.wanted);
        let permissions = match request.prompt {
            Prompt::Consent => scopes::requested(&tenant, app, &request.wanted),
            _ => missing.clone(),
        };
        (app.display_name.clone(), permissions, missing)
    };
    if missing.is_empty() && request.prompt != Prompt::Consent {
        return authorize::send_code(exchange, request, session);
    }
    if request.prompt == Prompt::None {
        let refusal = errors::consent_required(request.app_id, &name);
        return request.recipient.refuse(exchange, &refusal);
    }
    if !may_consent(user, &missing) {
        let refusal = errors::admin_approval_needed(&name);
        let trip = Trip::Authorize(Box::new(request));
        let context = Context::seal(exchange, trip, Stage::ApprovalNeeded(session));
        return pages::approval_needed(exchange, &context, &name, user, &refusal);
    }
    let trip = Trip::Authorize(Box::new(request));
    let context = Context::seal(exchange, trip, Stage::Consent(session));
    let page = ConsentPage {
        app_name: &name,
        user,
        permissions: &permissions,
        roles: &[],
        kind: ConsentKind::User,
    };
    pages::consent(exchange, &context, &page)
}

fn may_consent(user: &User, permissions: &[scopes::Permission]) -> bool {
    user.role == DirectoryRole::GlobalAdministrator || !scopes::needs_administrator(permissions)
}

/// `POST /{tenant}/consent`: the decision of a consent page, a user's or an administrator's.
pub(crate) async fn submit(exchange: Exchange, body: Bytes) -> Response {
    let form = Form::parse(&body);
    let context = match Context::open(&exchange, &form) {
        Ok(context) => context,
        Err(refusal) => return pages::error(&exchange, &refusal),
    };
    let (session, approval_needed) = match context.stage {
        Stage::SignIn => return pages::error(&exchange, &errors::form_expired()),
        Stage::Consent(session) => (session, false),
        Stage::ApprovalNeeded(session) => (session, true),
    };
    let Some(user) = session.user(&exchange) else {
        return pages::error(&exchange, &errors::form_expired());
    };
    exchange.note_user(&user.principal_name);
    let accepted = form.get("decision") == Some("accept") && !approval_needed;
    let request = match context.trip {
        Trip::Authorize(request) => *request,
        Trip::Admin(request) => return admin::decide(&exchange, *request, &user, accepted),
        // The portal has no consent page of this kind.
        Trip::Portal(_) => return pages::error(&exchange, &errors::form_expired()),
    };
    exchange.note_client(&request.app_id.to_string());
    if approval_needed {
        let name = app_name(&exchange, request.app_id);
        let refusal = errors::admin_approval_needed(&name);
        return request.recipient.refuse(&exchange, &refusal);
    }
    if !accepted {
        return request
            .recipient
            .refuse(&exchange, &errors::consent_declined());
    }
    let everybody =
        form.get("organization") == Some("true") && user.role == DirectoryRole::GlobalAdministrator;
    if !record(
        &exchange,
        &request,
        &user,
        if everybody { None } else { Some(user.id) },
    ) {
        return pages::error(&exchange, &errors::administrator_only());
    }
    authorize::send_code(&exchange, request, session)
}

/// Records what was consented to; false if the user may not consent to it.
fn record(
    exchange: &Exchange,
    request: &AuthorizeRequest,
    user: &User,
    principal: Option<Guid>,
) -> bool {
    let mut tenant = exchange.world.directory.write();
    let Some(app) = tenant.application(request.app_id) else {
        return false;
    };
    // Registration or role may have changed while the page was open.
    if !may_consent(
        user,
        &scopes::missing(&tenant, app, user.id, &request.wanted),
    ) {
        return false;
    }
    let mut by_resource: BTreeMap<Guid, Vec<String>> = BTreeMap::new();
    for permission in scopes::requested(&tenant, app, &request.wanted) {
        let names = by_resource.entry(permission.resource).or_default();
        names.push(permission.scope.value);
    }
    for (resource, names) in by_resource {
        tenant.grant(request.app_id, resource, principal, names);
    }
    true
}

fn app_name(exchange: &Exchange, app_id: Guid) -> String {
    let tenant = exchange.world.directory.read();
    tenant
        .application(app_id)
        .map(|app| app.display_name.clone())
        .unwrap_or_default()
}
