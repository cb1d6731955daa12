//! A registration's overview, its endpoints, and deleting it.

use maud::html;

use super::layout::{Page, Tab};
use super::registrations::{LIST, address, audiences};
use super::visit::{Notice, Visit};
use super::{Outcome, fields};
use crate::directory::Application;

/// `GET /portal/app-registrations/{client id}`.
pub(crate) fn show(visit: &Visit, app: &Application) -> Outcome {
    let address = address(app);
    let audience = audiences()
        .into_iter()
        .find(|(audience, _, _)| *audience == app.audience)
        .map(|(_, _, words)| words)
        .unwrap_or_default();
    let content = html! {
        div.commands {
            a.command href=(format!("{address}/endpoints")) { "Endpoints" }
            a.command href=(format!("{address}/delete")) { "Delete" }
        }
        h2 { "Essentials" }
        div.facts {
            (fields::copyable("Display name", &app.display_name))
            (fields::copyable("Application (client) ID", &app.app_id.to_string()))
            (fields::copyable("Object ID", &app.id.to_string()))
            (fields::copyable("Directory (tenant) ID", &visit.exchange.world.tenant.to_string()))
        }
        dl {
            dt { "Supported account types" } dd { (audience) }
            dt { "Client credentials" }
            dd { a href=(format!("{address}/certificates-and-secrets")) { (count(app.certificates.len(), "certificate")) ", " (count(app.passwords.len(), "secret")) } }
            dt { "Redirect URIs" }
            dd { a href=(format!("{address}/authentication")) {
                (app.web_redirects.len()) " web, 0 spa, " (app.public_redirects.len()) " public client"
            } }
            @if !app.identifier_uris.is_empty() {
                dt { "Application ID URI" } dd { code { (app.identifier_uris.join(" ")) } }
            }
            dt { "Created on" } dd { (fields::moment(app.created)) }
        }
    };
    Page::of(app, Tab::Overview, "Overview", content).into()
}

fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// `GET …/endpoints`.
pub(crate) fn endpoints(visit: &Visit, app: &Application) -> Outcome {
    let base = &visit.exchange.base;
    let tenant = visit.exchange.world.tenant;
    let content = html! {
        p { "The sandbox answers at the addresses of version 2. Those of version 1 are shown as the admin center shows them; nothing answers there." }
        (fields::copyable("OAuth 2.0 authorization endpoint (v2)", &format!("{base}/{tenant}/oauth2/v2.0/authorize")))
        (fields::copyable("OAuth 2.0 token endpoint (v2)", &format!("{base}/{tenant}/oauth2/v2.0/token")))
        (fields::copyable("OAuth 2.0 authorization endpoint (v1)", &format!("{base}/{tenant}/oauth2/authorize")))
        (fields::copyable("OAuth 2.0 token endpoint (v1)", &format!("{base}/{tenant}/oauth2/token")))
        (fields::copyable("OpenID Connect metadata document", &format!("{base}/{tenant}/v2.0/.well-known/openid-configuration")))
        (fields::copyable("Microsoft Graph API endpoint", base))
    };
    let page = Page::of(app, Tab::Overview, "Endpoints", content);
    page.into()
}

/// `GET …/delete`.
pub(crate) fn confirm_deletion(visit: &Visit, app: &Application) -> Outcome {
    let address = address(app);
    let buttons = html! {
        div.buttons {
            button.main type="submit" { "Delete" }
            a.command href=(address) { "Cancel" }
        }
    };
    let content = html! {
        div.typed {
            p { "Do you want to delete the app registration " strong { (app.display_name) } "? Its users can't sign in to it any more, its secrets stop working at once, and what was consented to is forgotten." }
            (fields::form(visit, &format!("{address}/delete"), &buttons))
        }
    };
    Page::of(app, Tab::Overview, "Delete app registration", content).into()
}

/// `POST …/delete`.
pub(crate) fn delete(visit: &Visit, app: &Application) -> Outcome {
    let mut tenant = visit.exchange.world.directory.write();
    tenant.remove_application(app.app_id);
    let words = format!("Successfully deleted application {}.", app.display_name);
    Outcome::Go(LIST.to_owned(), Some(Notice::new(words)))
}
