//! Request API permissions: which API, delegated or application, then which ones.
//!
//! Searching keeps what is ticked: search and choice are one form, whose first button looks up
//! (GET) and whose second adds (POST). The token sits on the second, so that no address has it.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::api_permissions::{api_name, list};
use super::layout::{Page, Tab};
use super::visit::{Notice, Trouble, Visit};
use super::{Outcome, Reply};
use crate::directory::{AccessKind, Application, RequiredAccess};
use crate::entra::Form;
use crate::guid::Guid;
use crate::permissions::{Consent, GRAPH, Resource};

const TITLE: &str = "Request API permissions";

/// A permission that an API offers.
struct Offered {
    id: Guid,
    name: String,
    title: String,
    admin_only: bool,
}

/// `GET …/api-permissions/add…`.
pub(crate) fn show(visit: &Visit, app: &Application, choice: &[&str]) -> Reply {
    match choice {
        [] => Ok(page(app, which_api(visit, app)).into()),
        [resource] => {
            let (resource, name, _) = api(visit, resource)?;
            Ok(page(app, which_kind(app, resource, &name)).into())
        }
        [resource, kind] => {
            let (resource, name, offers) = api(visit, resource)?;
            let kind = parse_kind(kind)?;
            let content = which_ones(visit, app, &name, (resource, kind), &offers);
            let back = format!("{}/add/{resource}", list(app));
            Ok(page(app, content).under("Type of permissions", back).into())
        }
        _ => Err(Trouble::unknown_page()),
    }
}

fn page(app: &Application, content: Markup) -> Page {
    Page::of(app, Tab::Permissions, TITLE, content).under("API permissions", list(app))
}

fn parse_kind(text: &str) -> Result<AccessKind, Trouble> {
    match text {
        "delegated" => Ok(AccessKind::Scope),
        "application" => Ok(AccessKind::Role),
        _ => Err(Trouble::unknown_page()),
    }
}

/// An API by its app id, its name and what it offers.
fn api(visit: &Visit, text: &str) -> Result<(Guid, String, Resource), Trouble> {
    let tenant = visit.exchange.world.directory.read();
    text.parse()
        .ok()
        .and_then(|id: Guid| Some((id, api_name(&tenant, id), tenant.resource(id)?.clone())))
        .ok_or_else(Trouble::unknown_page)
}

fn which_api(visit: &Visit, app: &Application) -> Markup {
    let mut apis: Vec<(String, Guid)> = {
        let tenant = visit.exchange.world.directory.read();
        let offering = tenant
            .applications
            .values()
            .filter(|api| !(api.offers.scopes.is_empty() && api.offers.roles.is_empty()));
        offering
            .map(|api| (api.display_name.clone(), api.app_id))
            .collect()
    };
    apis.sort();
    let list = list(app);
    html! {
        h2 { "Select an API" }
        h3 { "Microsoft APIs" }
        ul.cards {
            li {
                a href=(format!("{list}/add/{GRAPH}")) { "Microsoft Graph" }
                p { "Users, groups, app registrations and the rest of the directory." }
            }
        }
        @if !apis.is_empty() {
            h3 { "APIs my organization uses" }
            ul.cards {
                @for (name, id) in &apis {
                    li { a href=(format!("{list}/add/{id}")) { (name) } p { code { (id) } } }
                }
            }
        }
    }
}

fn which_kind(app: &Application, resource: Guid, name: &str) -> Markup {
    let address = format!("{}/add/{resource}", list(app));
    html! {
        h2 { (name) }
        p { "What type of permissions does your application require?" }
        ul.cards {
            li {
                a href=(format!("{address}/delegated")) { "Delegated permissions" }
                p { "Your application needs to access the API as the signed-in user." }
            }
            li {
                a href=(format!("{address}/application")) { "Application permissions" }
                p { "Your application runs as a background service or daemon without a signed-in user." }
            }
        }
    }
}

fn offered(offers: &Resource, kind: AccessKind) -> Vec<Offered> {
    let scope = |scope: &crate::permissions::DelegatedScope| Offered {
        id: scope.id,
        name: scope.value.clone(),
        title: scope.title.clone(),
        admin_only: scope.consent == Consent::Admin,
    };
    let role = |role: &crate::permissions::AppRole| Offered {
        id: role.id,
        name: role.value.clone(),
        title: role.title.clone(),
        admin_only: true,
    };
    match kind {
        AccessKind::Scope => offers.scopes.iter().map(scope).collect(),
        AccessKind::Role => offers.roles.iter().map(role).collect(),
    }
}

/// The heading under which a permission is found.
fn group(name: &str) -> String {
    match name.split_once('.') {
        Some((group, _)) => group.to_owned(),
        None => "OpenId permissions".to_owned(),
    }
}

fn which_ones(
    visit: &Visit,
    app: &Application,
    api: &str,
    (resource, kind): (Guid, AccessKind),
    offers: &Resource,
) -> Markup {
    let (words, path) = match kind {
        AccessKind::Scope => ("Delegated permissions", "delegated"),
        AccessKind::Role => ("Application permissions", "application"),
    };
    let action = format!("{}/add/{resource}/{path}", list(app));
    let wanted = visit.query.get("search").unwrap_or_default();
    let ticked: Vec<Guid> = visit
        .query
        .all("permission")
        .filter_map(|text| text.parse().ok())
        .collect();
    let mut groups: BTreeMap<String, Vec<Offered>> = BTreeMap::new();
    for permission in offered(offers, kind) {
        let found = permission
            .name
            .to_lowercase()
            .contains(&wanted.to_lowercase());
        if found || ticked.contains(&permission.id) {
            let group = groups.entry(group(&permission.name)).or_default();
            group.push(permission);
        }
    }
    let is_listed = |id: Guid| {
        app.required
            .contains(&RequiredAccess { resource, id, kind })
    };
    html! {
        h2 { (api) " – " (words) }
        form method="post" action=(action) {
            div.search role="search" {
                label for="search" { "Search" }
                div.row {
                    input type="search" id="search" name="search" value=(wanted) autocomplete="off" placeholder="Start typing a permission to filter these results";
                    button type="submit" formmethod="get" formaction=(action) { "Search" }
                }
            }
            @if groups.is_empty() { p { "No permission matches." } }
            @for (group, permissions) in &groups {
                fieldset {
                    legend { (group) " (" (permissions.len()) ")" }
                    @for permission in permissions {
                        (checkbox(permission, ticked.contains(&permission.id), is_listed(permission.id)))
                    }
                }
            }
            div.buttons {
                button.main type="submit" name="token" value=(visit.token()) { "Add permissions" }
                " "
                a.command href=(list(app)) { "Discard" }
            }
        }
    }
}

fn checkbox(permission: &Offered, ticked: bool, listed: bool) -> Markup {
    let hint = format!("about-{}", permission.id);
    html! {
        div.permission {
            label.choice {
                input type="checkbox" name="permission" value=(permission.id) checked[ticked || listed] disabled[listed] aria-describedby=(hint);
                " " (permission.name)
            }
            p id=(hint) {
                (permission.title) "."
                @if permission.admin_only { " Admin consent required: Yes." } @else { " Admin consent required: No." }
                @if listed { " Already added." }
            }
        }
    }
}

/// `POST …/api-permissions/add/{api}/{delegated|application}`.
pub(crate) fn add(visit: &Visit, app: &Application, choice: &[&str; 2], form: &Form) -> Reply {
    let (resource, name, offers) = api(visit, choice[0])?;
    let kind = parse_kind(choice[1])?;
    let offered = offered(&offers, kind);
    let chosen: Vec<Guid> = form
        .all("permission")
        .filter_map(|text| text.parse().ok())
        .filter(|id| offered.iter().any(|permission| permission.id == *id))
        .collect();
    if chosen.is_empty() {
        let content = which_ones(visit, app, &name, (resource, kind), &offers);
        let words = "Select at least one permission.";
        return Ok(page(app, content).refused(Some(words)).into());
    }
    visit.change_application(app.app_id, |app| {
        for id in chosen {
            app.require(RequiredAccess { resource, id, kind });
        }
    })?;
    let words = "Permissions have changed. Users and/or admins will have to consent even if they have already done so previously.";
    Ok(Outcome::Go(list(app), Some(Notice::new(words))))
}
