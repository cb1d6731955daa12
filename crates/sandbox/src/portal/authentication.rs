//! Authentication: the redirect URIs of a registration, and who can sign in to it.

use maud::{Markup, html};

use super::layout::{Page, Tab};
use super::registrations::{
    address, audience_field, audiences, parse_audience, parse_platform, redirects_refused,
};
use super::visit::{Notice, Trouble, Visit};
use super::{Outcome, Reply, fields};
use crate::directory::{Application, Platform, RedirectFault};
use crate::entra::Form;

/// `GET …/authentication`.
pub(crate) fn show(visit: &Visit, app: &Application) -> Outcome {
    page(visit, app, &Form::default(), None)
}

fn page(visit: &Visit, app: &Application, form: &Form, wrong: Option<&str>) -> Outcome {
    let action = format!("{}/authentication", address(app));
    let uri = fields::Line {
        label: "Redirect URI",
        name: "redirect_uri",
        value: form.get("redirect_uri").unwrap_or_default(),
        hint: "https, or http://localhost. It must match what the app sends exactly, up to the port of localhost.",
        kind: "text",
    };
    let adding = html! {
        (fields::select("Platform", "platform", form.get("platform").unwrap_or_default(), &[
            ("web", "Web"),
            ("public", "Mobile and desktop applications"),
        ]))
        (uri.field(wrong.is_some()))
        div.buttons { button.main type="submit" { "Add URI" } }
    };
    let chosen = audiences()
        .into_iter()
        .find(|(audience, _, _)| *audience == app.audience)
        .map_or("", |(_, value, _)| value);
    let types = html! {
        (audience_field(chosen))
        div.buttons { button type="submit" { "Save" } }
    };
    let content = html! {
        h2 { "Web" }
        (uris(visit, &action, "Redirect URIs of the web platform", &app.web_redirects))
        @if !app.public_redirects.is_empty() {
            h2 { "Mobile and desktop applications" }
            (uris(visit, &action, "Redirect URIs of public clients", &app.public_redirects))
        }
        h2 { "Add a redirect URI" }
        div.typed { (fields::form(visit, &format!("{action}/add"), &adding)) }
        h2 { "Who can use this application or access this API?" }
        div.typed { (fields::form(visit, &format!("{action}/account-types"), &types)) }
    };
    Page::of(app, Tab::Authentication, "Authentication", content)
        .refused(wrong)
        .into()
}

fn uris(visit: &Visit, action: &str, caption: &str, uris: &[String]) -> Markup {
    if uris.is_empty() {
        return html! { p { "No redirect URI is registered." } };
    }
    let rows: Vec<Vec<Markup>> = uris
        .iter()
        .map(|uri| {
            let remove = fields::button_form(
                visit,
                &format!("{action}/remove"),
                ("redirect_uri", uri),
                "Remove",
                uri,
            );
            vec![html! { code { (uri) } }, remove]
        })
        .collect();
    fields::table(caption, &["Redirect URIs", ""], &rows)
}

/// `POST …/authentication/add`.
pub(crate) fn add(visit: &Visit, app: &Application, form: &Form) -> Reply {
    let uri = form.get("redirect_uri").map(str::trim);
    let Some(uri) = uri.filter(|uri| !uri.is_empty()) else {
        return Ok(page(visit, app, form, Some("Enter a redirect URI.")));
    };
    let platform = parse_platform(form.get("platform"));
    let added = change(visit, app, |web, public| match platform {
        Platform::Web => web.push(uri.to_owned()),
        Platform::Public => public.push(uri.to_owned()),
    })?;
    match added {
        Ok(done) => Ok(done),
        Err(fault) => {
            let words = redirects_refused(&app.display_name, &fault);
            Ok(page(visit, app, form, Some(&words)))
        }
    }
}

/// `POST …/authentication/remove`.
pub(crate) fn remove(visit: &Visit, app: &Application, form: &Form) -> Reply {
    let uri = form.get("redirect_uri").unwrap_or_default();
    let removed = change(visit, app, |web, public| {
        web.retain(|known| known != uri);
        public.retain(|known| known != uri);
    })?;
    match removed {
        Ok(done) => Ok(done),
        Err(fault) => {
            let words = redirects_refused(&app.display_name, &fault);
            Ok(page(visit, app, &Form::default(), Some(&words)))
        }
    }
}

fn change(
    visit: &Visit,
    app: &Application,
    change: impl FnOnce(&mut Vec<String>, &mut Vec<String>),
) -> Result<Result<Outcome, RedirectFault>, Trouble> {
    let changed = visit.change_application(app.app_id, |app| {
        let (mut web, mut public) = (app.web_redirects.clone(), app.public_redirects.clone());
        change(&mut web, &mut public);
        app.set_redirects(&web, &public)
    })?;
    Ok(changed.map(|()| saved(app)))
}

/// `POST …/authentication/account-types`.
pub(crate) fn set_audience(visit: &Visit, app: &Application, form: &Form) -> Reply {
    let Some(audience) = parse_audience(form.get("audience")) else {
        let words = "Choose one of the supported account types.";
        return Ok(page(visit, app, form, Some(words)));
    };
    visit.change_application(app.app_id, |app| app.audience = audience)?;
    Ok(saved(app))
}

fn saved(app: &Application) -> Outcome {
    let words = format!("Successfully updated {} authentication.", app.display_name);
    let to = format!("{}/authentication", address(app));
    Outcome::Go(to, Some(Notice::new(words)))
}
