//! The request inspector: the newest lines of the request log, and one of them whole.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::layout::{Page, Section};
use super::visit::{Trouble, Visit};
use super::{Reply, fields};
use crate::log::Line;

const ADDRESS: &str = "/portal/requests";
const SHOWN: usize = 200;
const WHAT: &str = "Looking at requests";

/// `GET /portal/requests`.
pub(crate) fn show(visit: &Visit) -> Reply {
    visit.administrator(WHAT)?;
    let search = visit.query.get("search").unwrap_or_default();
    let failures = visit.query.get("failures") == Some("true");
    let names = visit.app_names();
    let rows = visit.exchange.world.log.newest(SHOWN, |line| {
        let name = line.client_id.and_then(|client_id| names.get(client_id));
        let text = described(line, name.map_or("", String::as_str));
        let wanted = (!failures || line.status >= 400) && text.contains(&search.to_lowercase());
        wanted.then(|| row(line, &names))
    });
    let content = html! {
        p { "What clients and browsers asked of Entra and Graph here, newest first, " (SHOWN) " at most. Queries, bodies and tokens are not kept; requests of this portal and of the controls are not in it." }
        form.search method="get" action=(ADDRESS) role="search" {
            label for="search" { "Search" }
            div.row {
                input type="search" id="search" name="search" value=(search) autocomplete="off" placeholder="Method, path, status, app, grant type or user";
                button type="submit" { "Search" }
            }
            label.choice { input type="checkbox" name="failures" value="true" checked[failures]; " Failures only" }
        }
        @if rows.is_empty() { p { "No request to show." } } @else {
            (fields::table("Requests", &["Number", "Time", "Request", "Status", "Client", "User", "Duration"], &rows))
        }
    };
    Ok(Page::new(Section::Requests, "Requests", content).into())
}

fn described(line: &Line<'_>, app_name: &str) -> String {
    let parts = [
        line.method,
        line.path,
        &line.status.to_string(),
        line.client_id.unwrap_or_default(),
        line.grant_type.unwrap_or_default(),
        line.user.unwrap_or_default(),
        app_name,
    ];
    parts.join(" ").to_lowercase()
}

fn status(line: &Line<'_>) -> Markup {
    match line.status {
        499 => html! { span.bad { "caller went away" } },
        400.. => html! { span.bad { (line.status) } },
        _ => html! { span.good { (line.status) } },
    }
}

fn milliseconds(line: &Line<'_>) -> String {
    format!(
        "{}.{:03} ms",
        line.duration_us / 1000,
        line.duration_us % 1000
    )
}

fn row(line: &Line<'_>, names: &BTreeMap<String, String>) -> Vec<Markup> {
    let client_id = line.client_id.unwrap_or("–");
    vec![
        html! { a href=(format!("{ADDRESS}/{}", line.seq)) { (line.seq) } },
        fields::unbroken(&fields::moment(line.time)),
        html! { code { (line.method) " " (line.path) } @if let Some(grant_type) = line.grant_type { p.hint { (grant_type) } } },
        status(line),
        html! { (names.get(client_id).map_or(client_id, String::as_str)) },
        html! { (line.user.unwrap_or("–")) },
        fields::unbroken(&milliseconds(line)),
    ]
}

/// `GET /portal/requests/{number}`.
pub(crate) fn one(visit: &Visit, number: &str) -> Reply {
    visit.administrator(WHAT)?;
    let told = |line: &Line<'_>| {
        let text = |text: Option<&str>| text.unwrap_or("–").to_owned();
        html! {
            dl {
                dt { "Request" } dd { code { (line.method) " " (line.path) } }
                dt { "Status" } dd { (status(line)) }
                dt { "Time (of the machine)" } dd { (fields::moment(line.time)) }
                dt { "Duration" } dd { (milliseconds(line)) }
                dt { "Client ID" } dd { code { (text(line.client_id)) } }
                dt { "Grant type" } dd { (text(line.grant_type)) }
                dt { "User" } dd { (text(line.user)) }
                dt { "Fingerprint of the access token" } dd { code { (text(line.token_fingerprint.as_deref())) } }
            }
            (fields::copyable("Request ID", &line.request_id.to_string()))
        }
    };
    let found = number
        .parse()
        .ok()
        .and_then(|number| visit.exchange.world.log.one(number, told));
    let content = found.ok_or_else(Trouble::unknown_page)?;
    let page = Page::new(Section::Requests, format!("Request {number}"), content);
    Ok(page.under("Requests", ADDRESS.to_owned()).into())
}
