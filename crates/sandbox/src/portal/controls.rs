//! Faults and clock: what `/sandbox/faults`, `/sandbox/clock` and `/sandbox/lifetimes` do, by form.

use maud::{Markup, html};
use serde_json::Value;

use super::layout::{Page, Section};
use super::visit::{Notice, Trouble, Visit};
use super::{Outcome, Reply, fields};
use crate::entra::Form;
use crate::misbehave::{Active, Order, Route};

const ADDRESS: &str = "/portal/faults-and-clock";
const WHAT: &str = "Changing faults and clock";

/// `GET /portal/faults-and-clock`.
pub(crate) fn show(visit: &Visit) -> Reply {
    visit.administrator(WHAT)?;
    Ok(page(visit, &Form::default(), None))
}

fn page(visit: &Visit, form: &Form, wrong: Option<&str>) -> Outcome {
    let content = html! {
        h2 { "Faults" }
        (faults(visit))
        h3 { "Add a fault" }
        div.typed { (fault_form(visit, form)) }
        h2 { "Clock" }
        div.typed { (clock(visit, form)) }
        h2 { "Access tokens" }
        div.typed { (lifetime(visit, form)) }
    };
    Page::new(Section::Controls, "Faults and clock", content)
        .refused(wrong)
        .into()
}

fn faults(visit: &Visit) -> Markup {
    let active = visit.exchange.world.faults.list();
    if active.is_empty() {
        return html! { p { "No fault is in force: everything is answered as usual." } };
    }
    let rows: Vec<Vec<Markup>> = active.iter().map(fault_row).collect();
    let clear = html! { button type="submit" { "Remove all faults" } };
    html! {
        (fields::table("Faults in force, the first one that matches is taken", &["Route", "Match", "What happens", "Times left"], &rows))
        div.commands { (fields::form(visit, &format!("{ADDRESS}/clear"), &clear)) }
    }
}

fn route_name(route: Route) -> &'static str {
    match route {
        Route::Token => "Token endpoint",
        Route::Graph => "Microsoft Graph",
    }
}

fn fault_row(fault: &Active) -> Vec<Markup> {
    let mut happens = Vec::new();
    if let Some(delay) = fault.misbehaviour.delay {
        happens.push(format!("waits {} ms", delay.as_millis()));
    }
    match &fault.misbehaviour.answer {
        None => happens.push("answers as usual".to_owned()),
        Some(answer) => {
            happens.push(format!("answers {}", answer.status));
            happens.extend(
                answer
                    .retry_after
                    .iter()
                    .map(|text| format!("Retry-After: {text}")),
            );
            happens.extend(answer.body.iter().map(|body| format!("body {body}")));
        }
    }
    vec![
        html! { (route_name(fault.route)) },
        html! { code { (fault.matching.as_deref().unwrap_or("everything")) } },
        html! { (happens.join(", ")) },
        html! { (fault.left) },
    ]
}

fn fault_form(visit: &Visit, form: &Form) -> Markup {
    let line = |label, name: &'static str, kind, hint| {
        fields::Line {
            label,
            name,
            value: form.get(name).unwrap_or_default(),
            hint,
            kind,
        }
        .field(false)
    };
    let routes = [
        ("token", route_name(Route::Token)),
        ("graph", route_name(Route::Graph)),
    ];
    let content = html! {
        (fields::select("Route", "route", form.get("route").unwrap_or_default(), &routes))
        (line("Match", "match", "text", "Text that must occur in “METHOD path?query client_id=… grant_type=… user=…”; empty: every request."))
        (line("Status", "status", "number", "From 200 to 599; 429 if only Retry-After or a body is given."))
        (line("Retry-After", "retry_after", "text", "Seconds, whole or decimal, or an HTTP date."))
        (line("Delay in milliseconds", "delay_ms", "number", "Before the answer; alone, the request is answered as usual after it."))
        label for="body" { "Body" }
        textarea.code id="body" name="body" rows="3" aria-describedby="body-hint" spellcheck="false" { (form.get("body").unwrap_or_default()) }
        p.hint id="body-hint" { "JSON, or text that is sent as it stands; empty: the route's own words for the status." }
        (line("Times", "times", "number", "How many requests it is for; empty: one."))
        div.buttons { button.main type="submit" { "Add fault" } }
    };
    fields::form(visit, &format!("{ADDRESS}/add"), &content)
}

fn clock(visit: &Visit, form: &Form) -> Markup {
    let world = &visit.exchange.world;
    let offset = world.clock.offset_seconds().to_string();
    let line = fields::Line {
        label: "Offset in seconds",
        name: "offset_seconds",
        value: form.get("offset_seconds").unwrap_or(&offset),
        hint: "Forward or, with a minus, back from the machine's time. Tokens, codes and secrets age by it.",
        kind: "number",
    };
    let setting = html! {
        (line.field(false))
        div.buttons { button.main type="submit" { "Set clock" } }
    };
    let reset = html! { button type="submit" { "Reset clock" } };
    html! {
        p { "The sandbox's time is " strong { (fields::moment(world.clock.now())) } ", " (offset) " seconds off the machine's." }
        (fields::form(visit, &format!("{ADDRESS}/clock"), &setting))
        (fields::form(visit, &format!("{ADDRESS}/reset-clock"), &reset))
    }
}

fn lifetime(visit: &Visit, form: &Form) -> Markup {
    let set = visit.exchange.world.lifetimes.set_seconds();
    let set = set.map(|seconds| seconds.to_string()).unwrap_or_default();
    let line = fields::Line {
        label: "Access token lifetime in seconds",
        name: "access_seconds",
        value: form.get("access_seconds").unwrap_or(&set),
        hint: "Of every access token from now on; empty: the usual 60 to 90 minutes.",
        kind: "number",
    };
    let content = html! {
        (line.field(false))
        div.buttons { button.main type="submit" { "Set lifetime" } }
    };
    fields::form(visit, &format!("{ADDRESS}/lifetime"), &content)
}

/// `POST /portal/faults-and-clock/{step}`.
pub(crate) fn change(visit: &Visit, step: &str, form: &Form) -> Reply {
    visit.administrator(WHAT)?;
    let world = &visit.exchange.world;
    let done = match step {
        "add" => order(form)
            .and_then(|order| {
                world
                    .faults
                    .add(order)
                    .map_err(|senseless| senseless.0.to_owned())
            })
            .map(|_| "The fault is in force."),
        "clear" => {
            world.faults.clear();
            Ok("All faults were removed.")
        }
        "clock" => number::<i64>(form, "offset_seconds", "Offset in seconds")
            .and_then(|offset| offset.ok_or_else(|| "Offset in seconds is missing.".to_owned()))
            .and_then(|offset| {
                world
                    .clock
                    .set_offset(offset)
                    .map_err(|senseless| senseless.0.to_owned())
            })
            .map(|()| "The clock was set."),
        "reset-clock" => world
            .clock
            .set_offset(0)
            .map_err(|senseless| senseless.0.to_owned())
            .map(|()| "The sandbox's time is the machine's again."),
        "lifetime" => number(form, "access_seconds", "Access token lifetime in seconds")
            .and_then(|seconds| {
                world
                    .lifetimes
                    .set(seconds)
                    .map_err(|senseless| senseless.0.to_owned())
            })
            .map(|()| "The lifetime of access tokens was set."),
        _ => return Err(Trouble::unknown_page()),
    };
    match done {
        Ok(words) => Ok(Outcome::Go(ADDRESS.to_owned(), Some(Notice::new(words)))),
        Err(words) => Ok(page(visit, form, Some(&words))),
    }
}

fn order(form: &Form) -> Result<Order, String> {
    let text = |name: &str| form.get(name).map(str::to_owned);
    Ok(Order {
        hold_ms: None,
        challenge: None,
        route: match form.get("route") {
            Some("graph") => Route::Graph,
            Some("token") => Route::Token,
            _ => return Err("Choose a Route.".to_owned()),
        },
        matching: text("match"),
        status: number(form, "status", "Status")?,
        retry_after: text("retry_after").map(Value::String),
        delay_ms: number(form, "delay_ms", "Delay in milliseconds")?,
        body: text("body").map(|body| match serde_json::from_str(&body) {
            Ok(value) => value,
            Err(_) => Value::String(body),
        }),
        times: number(form, "times", "Times")?.unwrap_or(1),
    })
}

fn number<T: std::str::FromStr>(form: &Form, name: &str, label: &str) -> Result<Option<T>, String> {
    match form.get(name).map(str::trim) {
        None | Some("") => Ok(None),
        Some(text) => text
            .parse()
            .map(Some)
            .map_err(|_| format!("{label}: '{text}' is not a whole number in range.")),
    }
}
