//! API permissions: what a registration lists, who consented, an administrator's consent.

use maud::{Markup, html};

use super::layout::{Page, Tab};
use super::registrations::address;
use super::visit::{Notice, Visit};
use super::{Outcome, Reply, fields};
use crate::directory::{AccessKind, Application, RequiredAccess, Tenant};
use crate::entra::Form;
use crate::guid::Guid;
use crate::permissions::{Consent, GRAPH};
use crate::users::TENANT_NAME;

const COLUMNS: &[&str] = &[
    "API / Permissions name",
    "Type",
    "Description",
    "Admin consent required",
    "Status",
    "",
];

/// The address of the page.
pub(crate) fn list(app: &Application) -> String {
    format!("{}/api-permissions", address(app))
}

/// The name of an API.
pub(crate) fn api_name(tenant: &Tenant, resource: Guid) -> String {
    if resource == GRAPH {
        return "Microsoft Graph".to_owned();
    }
    tenant
        .application(resource)
        .map_or_else(|| resource.to_string(), |api| api.display_name.clone())
}

/// A permission, for people.
struct Described {
    access: RequiredAccess,
    api: String,
    name: String,
    title: String,
    admin_only: bool,
    granted: bool,
}

/// What a registration lists.
fn configured(tenant: &Tenant, app: &Application) -> Vec<Described> {
    let granted = tenant.granted_for_everybody(app.app_id);
    describe(tenant, &app.required, &granted)
}

/// What is granted without being listed.
fn others(tenant: &Tenant, app: &Application) -> Vec<Described> {
    let mut granted = tenant.granted_for_everybody(app.app_id);
    granted.retain(|access| !app.required.contains(access));
    describe(tenant, &granted, &granted)
}

fn describe(
    tenant: &Tenant,
    accesses: &[RequiredAccess],
    granted: &[RequiredAccess],
) -> Vec<Described> {
    let one = |access: &RequiredAccess| {
        let offers = tenant.resource(access.resource);
        let known = match access.kind {
            AccessKind::Scope => offers
                .and_then(|offers| offers.scope_by_id(access.id))
                .map(|scope| (&scope.value, &scope.title, scope.consent == Consent::Admin)),
            AccessKind::Role => offers
                .and_then(|offers| offers.role(access.id))
                .map(|role| (&role.value, &role.title, true)),
        };
        let (name, title, admin_only) = match known {
            Some((name, title, admin_only)) => (name.clone(), title.clone(), admin_only),
            None => (
                access.id.to_string(),
                "This API does not offer it.".to_owned(),
                true,
            ),
        };
        Described {
            access: *access,
            api: api_name(tenant, access.resource),
            name,
            title,
            admin_only,
            granted: granted.contains(access),
        }
    };
    let mut all: Vec<Described> = accesses.iter().map(one).collect();
    all.sort_by(|left, right| (&left.api, &left.name).cmp(&(&right.api, &right.name)));
    all
}

/// `GET …/api-permissions`.
pub(crate) fn show(visit: &Visit, app: &Application) -> Outcome {
    let list = list(app);
    let (configured, others) = {
        let tenant = visit.exchange.world.directory.read();
        (configured(&tenant, app), others(&tenant, app))
    };
    let mut apis: Vec<&str> = configured.iter().map(|row| row.api.as_str()).collect();
    apis.dedup();
    let content = html! {
        p { "Applications are authorized to call APIs when they are granted permissions by users or administrators as part of the consent process. The list of configured permissions should include all the permissions the application needs." }
        div.commands {
            a.command.main href=(format!("{list}/add")) { "Add a permission" }
            form method="get" action=(format!("{list}/consent")) {
                button type="submit" disabled[!visit.is_administrator() || configured.is_empty()] { "Grant admin consent for " (TENANT_NAME) }
            }
        }
        @if !visit.is_administrator() {
            p.soft { "Only an administrator can grant admin consent." }
        }
        h2 { "Configured permissions" }
        @if configured.is_empty() { p { "No permissions added." } }
        @for api in apis {
            @let rows: Vec<_> = configured.iter().filter(|row| row.api == api)
                .map(|row| cells(row, removing(visit, row, &list))).collect();
            (fields::table(&format!("{api} ({})", rows.len()), COLUMNS, &rows))
        }
        @if !others.is_empty() {
            h2 { "Other permissions granted for " (TENANT_NAME) }
            p { "These permissions have been granted, but aren't in the configured permissions list." }
            @let rows: Vec<_> = others.iter().map(|row| cells(row, withdrawing(visit, row, &list))).collect();
            (fields::table("Granted, not configured", COLUMNS, &rows))
        }
    };
    Page::of(app, Tab::Permissions, "API permissions", content).into()
}

fn cells(row: &Described, actions: Markup) -> Vec<Markup> {
    let kind = match row.access.kind {
        AccessKind::Scope => "Delegated",
        AccessKind::Role => "Application",
    };
    vec![
        html! { strong { (row.name) } },
        html! { (kind) },
        html! { (row.title) },
        html! { (if row.admin_only { "Yes" } else { "No" }) },
        html! {
            @if row.granted { span.good { "Granted for " (TENANT_NAME) } }
            @else if row.admin_only { span.bad { "Not granted for " (TENANT_NAME) } }
        },
        actions,
    ]
}

fn removing(visit: &Visit, row: &Described, list: &str) -> Markup {
    let key = key(&row.access);
    let field = ("permission", key.as_str());
    html! {
        (fields::button_form(visit, &format!("{list}/remove"), field, "Remove permission", &row.name))
        @if row.granted { (withdrawing(visit, row, list)) }
    }
}

/// An administrator's button for a granted permission.
fn withdrawing(visit: &Visit, row: &Described, list: &str) -> Markup {
    let key = key(&row.access);
    let field = ("permission", key.as_str());
    let about = format!("for {}", row.name);
    html! {
        @if visit.is_administrator() {
            (fields::button_form(visit, &format!("{list}/withdraw"), field, "Revoke admin consent", &about))
        }
    }
}

/// A permission in a form's field.
fn key(access: &RequiredAccess) -> String {
    let kind = match access.kind {
        AccessKind::Scope => "delegated",
        AccessKind::Role => "application",
    };
    format!("{}/{kind}/{}", access.resource, access.id)
}

/// `POST …/api-permissions/remove`.
pub(crate) fn remove(visit: &Visit, app: &Application, form: &Form) -> Reply {
    let wanted = form.get("permission").unwrap_or_default();
    visit.change_application(app.app_id, |app| {
        app.required.retain(|access| key(access) != wanted);
    })?;
    let words = "Permissions have changed. What was consented to before stays granted.";
    Ok(Outcome::Go(list(app), Some(Notice::new(words))))
}

/// `POST …/api-permissions/withdraw`.
pub(crate) fn withdraw(visit: &Visit, app: &Application, form: &Form) -> Reply {
    visit.administrator("Revoking admin consent")?;
    let wanted = form.get("permission").unwrap_or_default();
    let mut tenant = visit.exchange.world.directory.write();
    let granted = tenant.granted_for_everybody(app.app_id);
    for access in granted.iter().filter(|access| key(access) == wanted) {
        tenant.withdraw(app.app_id, access);
    }
    let words = "Admin consent was revoked. What users consented to for themselves stays.";
    Ok(Outcome::Go(list(app), Some(Notice::new(words))))
}

/// `GET …/api-permissions/consent`.
pub(crate) fn confirm_consent(visit: &Visit, app: &Application) -> Reply {
    visit.administrator("Granting admin consent")?;
    let list = list(app);
    let listed = {
        let tenant = visit.exchange.world.directory.read();
        configured(&tenant, app)
    };
    let buttons = html! {
        div.buttons {
            button.main type="submit" { "Yes" }
            a.command href=(list) { "No" }
        }
    };
    let content = html! {
        div.typed {
            p { "Do you want to grant consent for the requested permissions for all accounts in " (TENANT_NAME) "? They are:" }
            ul { @for row in &listed { li { (row.api) ": " strong { (row.name) } " – " (row.title) } } }
            (fields::form(visit, &format!("{list}/consent"), &buttons))
        }
    };
    let page = Page::of(
        app,
        Tab::Permissions,
        "Grant admin consent confirmation",
        content,
    );
    Ok(page.under("API permissions", list).into())
}

/// `POST …/api-permissions/consent`.
pub(crate) fn consent(visit: &Visit, app: &Application) -> Reply {
    visit.administrator("Granting admin consent")?;
    let mut tenant = visit.exchange.world.directory.write();
    tenant.consent_to_registration(app.app_id, visit.now());
    let words = "Successfully granted admin consent for the requested permissions.";
    Ok(Outcome::Go(list(app), Some(Notice::new(words))))
}
