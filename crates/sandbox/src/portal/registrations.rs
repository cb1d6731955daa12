//! App registrations: the list, and registering an app.

use maud::html;

use super::layout::{Page, Section};
use super::visit::{Notice, Visit};
use super::{Outcome, fields};
use crate::directory::{
    AccessKind, Application, Audience, Platform, RedirectFault, RequiredAccess,
};
use crate::entra::Form;
use crate::permissions::{self, GRAPH};
use crate::users::TENANT_NAME;

/// The address of the list.
pub(crate) const LIST: &str = "/portal/app-registrations";

/// The address of a registration.
pub(crate) fn address(app: &Application) -> String {
    format!("{LIST}/{}", app.app_id)
}

/// `GET /portal/app-registrations`.
pub(crate) fn list(visit: &Visit) -> Outcome {
    let wanted = visit.query.get("search").unwrap_or_default();
    let owned_only = !visit.is_administrator() || visit.query.get("view") == Some("owned");
    let mut apps: Vec<Application> = {
        let tenant = visit.exchange.world.directory.read();
        let matches = |app: &&Application| {
            (!owned_only || app.owner == Some(visit.user.id))
                && (app
                    .display_name
                    .to_lowercase()
                    .contains(&wanted.to_lowercase())
                    || app.app_id.to_string() == wanted.to_lowercase())
        };
        tenant
            .applications
            .values()
            .filter(matches)
            .cloned()
            .collect()
    };
    apps.sort_by_key(|app| app.display_name.to_lowercase());
    let rows: Vec<_> = apps
        .iter()
        .map(|app| {
            vec![
                html! { a href=(address(app)) { (app.display_name) } },
                html! { code { (app.app_id) } },
                html! { (fields::day(app.created)) },
                html! { (secrets_state(app, visit)) },
            ]
        })
        .collect();
    let content = html! {
        div.commands { a.command.main href=(format!("{LIST}/new")) { "New registration" } }
        @if visit.is_administrator() {
            p {
                @if owned_only { a href=(LIST) { "All applications" } " · " strong { "Owned applications" } }
                @else { strong { "All applications" } " · " a href=(format!("{LIST}?view=owned")) { "Owned applications" } }
            }
        }
        (fields::search(LIST, "Search", "Display name or application (client) ID", wanted))
        @if rows.is_empty() {
            p { @if wanted.is_empty() { "You own no app registrations yet." } @else { "No app registration matches." } }
        } @else {
            (fields::table(
                if owned_only { "Owned applications" } else { "All applications" },
                &["Display name", "Application (client) ID", "Created on", "Certificates & secrets"],
                &rows,
            ))
        }
    };
    Page::new(Section::AppRegistrations, "App registrations", content).into()
}

fn secrets_state(app: &Application, visit: &Visit) -> &'static str {
    let secrets = app.passwords.iter().map(|secret| secret.end);
    let certificates = app.certificates.iter().map(|certificate| certificate.end);
    let mut ends = secrets.chain(certificates).peekable();
    if ends.peek().is_none() {
        return "–";
    }
    let current = ends.any(|end| visit.now() < end);
    if current { "Current" } else { "Expired" }
}

/// Names of the audiences on the wire and in words.
pub(crate) fn audiences() -> [(Audience, &'static str, String); 4] {
    [
        (
            Audience::AzureADMyOrg,
            "AzureADMyOrg",
            format!("Accounts in this organizational directory only ({TENANT_NAME} only - Single tenant)"),
        ),
        (
            Audience::AzureADMultipleOrgs,
            "AzureADMultipleOrgs",
            "Accounts in any organizational directory (Any Microsoft Entra ID tenant - Multitenant)"
                .to_owned(),
        ),
        (
            Audience::AzureADandPersonalMicrosoftAccount,
            "AzureADandPersonalMicrosoftAccount",
            "Accounts in any organizational directory (Any Microsoft Entra ID tenant - Multitenant) \
             and personal Microsoft accounts"
                .to_owned(),
        ),
        (
            Audience::PersonalMicrosoftAccount,
            "PersonalMicrosoftAccount",
            "Personal Microsoft accounts only".to_owned(),
        ),
    ]
}

/// The choice of who can sign in to an app.
pub(crate) fn audience_field(chosen: &str) -> maud::Markup {
    let audiences = audiences();
    let options: Vec<(&str, &str)> = audiences
        .iter()
        .map(|(_, value, words)| (*value, words.as_str()))
        .collect();
    fields::radios("Supported account types", "audience", chosen, &options)
}

/// The audience of a form.
pub(crate) fn parse_audience(text: Option<&str>) -> Option<Audience> {
    audiences()
        .into_iter()
        .find(|(_, value, _)| Some(*value) == text)
        .map(|(audience, _, _)| audience)
}

/// The platform of a form.
pub(crate) fn parse_platform(text: Option<&str>) -> Platform {
    match text {
        Some("public") => Platform::Public,
        _ => Platform::Web,
    }
}

/// What is wrong with redirect URIs, in the words of the admin center where they are known.
pub(crate) fn redirects_refused(name: &str, fault: &RedirectFault) -> String {
    match fault {
        RedirectFault::One { uri, why } => format!("The redirect URI '{uri}' is not valid: {why}."),
        RedirectFault::NotDistinct => format!(
            "Failed to update {name} application. Error detail: Redirect URIs must have distinct values."
        ),
        RedirectFault::TooMany => format!(
            "Failed to update {name} application. Error detail: The number of redirect URIs exceeds the limit of 256."
        ),
    }
}

/// `GET /portal/app-registrations/new`.
pub(crate) fn new(visit: &Visit) -> Outcome {
    registration_form(visit, &Form::default(), None)
}

fn registration_form(visit: &Visit, form: &Form, wrong: Option<&str>) -> Outcome {
    let value = |name: &'static str| form.get(name).unwrap_or_default();
    let name = fields::Line {
        label: "Name",
        name: "name",
        value: value("name"),
        hint: "The user-facing display name for this application (this can be changed later).",
        kind: "text",
    };
    let unnamed = wrong.is_some() && value("name").trim().is_empty();
    let platforms = [
        ("web", "Web"),
        ("public", "Public client/native (mobile & desktop)"),
    ];
    let content = html! {
        (name.field(unnamed))
        (audience_field(form.get("audience").unwrap_or("AzureADMyOrg")))
        fieldset {
            legend { "Redirect URI (optional)" }
            p.hint id="redirects-hint" {
                "The authentication response is returned to this URI after the user signed in. Most apps need one; it can be changed later. Several are possible, one per line."
            }
            (fields::select("Platform", "platform", value("platform"), &platforms))
            label for="redirects" { "Redirect URI" }
            textarea.code id="redirects" name="redirects" rows="3" aria-describedby="redirects-hint" placeholder="https://example.com/auth" spellcheck="false"
                aria-invalid=[(wrong.is_some() && !unnamed).then_some("true")] { (value("redirects")) }
        }
        div.buttons {
            button.main type="submit" { "Register" }
            a.command href=(LIST) { "Cancel" }
        }
    };
    let content = html! { div.typed { (fields::form(visit, &format!("{LIST}/new"), &content)) } };
    Page::new(
        Section::AppRegistrations,
        "Register an application",
        content,
    )
    .under("App registrations", LIST.to_owned())
    .refused(wrong)
    .into()
}

/// `POST /portal/app-registrations/new`.
pub(crate) fn register(visit: &Visit, form: &Form) -> Outcome {
    match made(visit, form) {
        Err(words) => registration_form(visit, form, Some(&words)),
        Ok(app) => {
            let to = address(&app);
            let words = format!("Successfully created application {}.", app.display_name);
            let mut tenant = visit.exchange.world.directory.write();
            let app_id = app.app_id;
            tenant.applications.insert(app_id, app);
            tenant.ensure_principal(app_id);
            Outcome::Go(to, Some(Notice::new(words)))
        }
    }
}

fn made(visit: &Visit, form: &Form) -> Result<Application, String> {
    let name = form.get("name").unwrap_or_default().trim();
    let mut app = Application::begin(visit.user.id, visit.now());
    app.set_name(name)
        .map_err(|_| "The Name must have 1 to 256 characters.".to_owned())?;
    app.audience = parse_audience(form.get("audience"))
        .ok_or_else(|| "Choose one of the supported account types.".to_owned())?;
    let uris: Vec<String> = form
        .get("redirects")
        .unwrap_or_default()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let (web, public) = match parse_platform(form.get("platform")) {
        Platform::Web => (uris, Vec::new()),
        Platform::Public => (Vec::new(), uris),
    };
    app.set_redirects(&web, &public)
        .map_err(|fault| redirects_refused(name, &fault))?;
    // As the admin center does; Graph does not.
    if let Some(scope) = permissions::graph().scope("User.Read") {
        app.require(RequiredAccess {
            resource: GRAPH,
            id: scope.id,
            kind: AccessKind::Scope,
        });
    }
    Ok(app)
}
