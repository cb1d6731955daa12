//! Flows that are deployed: listed, shown, switched, rolled back, printed and deleted through the API.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::{confirm, done, items, text, when};
use crate::Exit;
use crate::cli::Global;
use crate::client::{self, Client, segment};
use crate::failure::Failure;
use crate::ui::{Table, Ui, moment, plain, wrap};

const FLOWS: &str = "/api/v1/flows";

/// The address of a flow that is named `namespace.name`, `namespace/name` or by its name alone.
pub(in crate::commands) async fn path_of(client: &Client, name: &str) -> Result<String, Failure> {
    Ok(format!(
        "{FLOWS}/{}",
        segment(&key_of(client, name).await?)?
    ))
}

/// `namespace.name` of a flow.
pub(in crate::commands) async fn key_of(client: &Client, name: &str) -> Result<String, Failure> {
    if name.contains(['.', '/']) {
        return Ok(name.replacen('/', ".", 1));
    }
    let flows = client.get(FLOWS).await?.body;
    let keys: Vec<String> = items(&flows)?
        .iter()
        .filter(|flow| flow["name"] == *name)
        .map(|flow| text(flow, "key"))
        .collect();
    match keys.as_slice() {
        [key] => Ok(key.clone()),
        [] => Err(Failure::new(
            Exit::NotFound,
            "flow.not_found",
            format!("there is no flow {name:?}"),
        )
        .hint("keyway flow list shows the flows")),
        several => Err(Failure::usage(
            format!("{name:?} names {} flows", several.len()),
            format!("give the namespace too: {}", several.join(" or ")),
        )),
    }
}

pub(super) async fn list(ui: Ui, global: &Global) -> Result<Exit, Failure> {
    let answer = client::with(ui, global, async |client| client.get(FLOWS).await).await?;
    if ui.json() {
        ui.document(&answer.body);
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["flow", "state", "version", "live runs", "changed"]);
    for flow in items(&answer.body)? {
        table.row([
            text(flow, "key"),
            state(flow).to_owned(),
            flow["current"].to_string(),
            flow["live_runs"].to_string(),
            when(flow, "updated_at"),
        ]);
    }
    ui.text(&table.text());
    Ok(Exit::Ok)
}

fn state(flow: &Value) -> &'static str {
    if flow["enabled"] == true {
        "enabled"
    } else {
        "disabled"
    }
}

pub(super) async fn show(ui: Ui, global: &Global, name: &str) -> Result<Exit, Failure> {
    let flow = client::with(ui, global, async |client| {
        client.get(&path_of(client, name).await?).await
    })
    .await?
    .body;
    if ui.json() {
        ui.document(&flow);
    } else {
        ui.text(&sheet(&flow));
    }
    Ok(Exit::Ok)
}

/// How many times that started nothing are told.
const NOT_STARTED: usize = 5;

fn sheet(flow: &Value) -> String {
    let now = store::Clock::system().now();
    let mut sheet = String::new();
    let mut line = |label: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(sheet, "{}", wrap(value, &format!("{label:12}"), 12));
        }
    };
    line("flow", &plain(&text(flow, "key")));
    line("title", &plain(&text(flow, "title")));
    line("state", state(flow));
    line("live runs", &flow["live_runs"].to_string());
    for schedule in flow["schedules"].as_array().into_iter().flatten() {
        let next = schedule["next_at"].as_str();
        let next = next.map_or_else(|| "when it is time".to_owned(), |at| moment(at, now));
        line(
            "starts",
            &format!("{}: {next}", plain(&text(schedule, "trigger"))),
        );
        gathers(&mut line, schedule, now);
    }
    let firings = flow["firings"].as_array().into_iter().flatten();
    for firing in firings
        .filter(|firing| firing["outcome"] != "started")
        .take(NOT_STARTED)
    {
        let trigger = plain(&text(firing, "trigger"));
        line(
            &text(firing, "outcome"),
            &format!("{trigger}: {}", when(firing, "nominal")),
        );
    }
    sheet += &needs(&flow["preflight"]);
    let mut versions = Table::new(&["number", "version", "deployed", "by", ""]);
    for version in flow["versions"].as_array().into_iter().flatten() {
        let current = version["number"] == flow["current"];
        versions.row([
            version["number"].to_string(),
            text(version, "version"),
            when(version, "deployed_at"),
            text(version, "deployed_by"),
            if current { "current" } else { "" }.to_owned(),
        ]);
    }
    sheet + "\n" + &versions.text()
}

/// What a trigger has gathered, and why that starts nothing.
fn gathers(line: &mut impl FnMut(&str, &str), schedule: &Value, now: Timestamp) {
    match schedule["gathered"].as_u64() {
        None | Some(0) => {}
        Some(1) => line("gathered", "1 event"),
        Some(events) => line("gathered", &format!("{events} events")),
    }
    let trouble = &schedule["trouble"];
    if let Some(at) = trouble["at"].as_str() {
        let said = format!(
            "{} ({}, since {})",
            plain(&text(trouble, "detail")),
            plain(&text(trouble, "code")),
            moment(at, now)
        );
        line("trouble", &said);
    }
}

/// What a flow needs, with the calls through it and what has to be done first.
pub(super) fn needs(preflight: &Value) -> String {
    let mut out = String::new();
    for need in preflight.as_array().into_iter().flatten() {
        let standing = match need["standing"]["kind"].as_str() {
            Some("connection") => format!(
                "connection, {}",
                text(&need["standing"], "state").replace('_', " ")
            ),
            Some("secret") => "secret".to_owned(),
            _ => "missing".to_owned(),
        };
        let said = format!("{}: {standing}", plain(&text(need, "name")));
        let _ = writeln!(out, "{}", wrap(&said, &format!("{:12}", "needs"), 12));
        for call in need["calls"].as_array().into_iter().flatten() {
            let said = called(call);
            let _ = writeln!(out, "{}", wrap(&said, &" ".repeat(14), 16));
        }
        let granted: Vec<String> = need["granted"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(plain)
            .collect();
        if !granted.is_empty() {
            let said = format!("granted: {}", granted.join(" "));
            let _ = writeln!(out, "{}", wrap(&said, &" ".repeat(14), 16));
        }
        for warning in need["permissions"]["warnings"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let said = format!("warning: {}", plain(warning.as_str().unwrap_or_default()));
            let _ = writeln!(out, "{}", wrap(&said, &" ".repeat(14), 16));
        }
        if let Some(next) = need["permissions"]["cure"]["next"].as_str() {
            let said = format!("do this: {}", plain(next));
            let _ = writeln!(out, "{}", wrap(&said, &" ".repeat(14), 16));
        }
        if let Some(problem) = need["problem"].as_str() {
            let said = format!("before it can run: {}", plain(problem));
            let _ = writeln!(out, "{}", wrap(&said, &" ".repeat(14), 16));
        }
    }
    out
}

/// A call as far as it is known before it is made.
fn called(call: &Value) -> String {
    let method = plain(&text(call, "method"));
    match (call["endpoint"].as_str(), method.as_str()) {
        (None, "batch") => {
            "calls of a batch: method and path are not known before it runs".to_owned()
        }
        (Some(path), "batch") => format!(
            "{} (in a batch: the method is not known before it runs)",
            plain(path)
        ),
        (None, _) => format!("{method} (an expression)"),
        (Some(path), _) => format!("{method} {}", plain(path)),
    }
}

/// Enables or disables.
pub(super) async fn switch(
    ui: Ui,
    global: &Global,
    name: &str,
    verb: &str,
) -> Result<Exit, Failure> {
    let flow = client::with(ui, global, async |client| {
        let path = path_of(client, name).await?;
        client.post(&format!("{path}/{verb}"), None).await
    })
    .await?
    .body;
    let line = format!("{} is {}", text(&flow, "key"), state(&flow));
    Ok(done(ui, &flow, &line))
}

pub(super) async fn roll_back(
    ui: Ui,
    global: &Global,
    name: &str,
    number: i64,
) -> Result<Exit, Failure> {
    let body = json!({ "number": number });
    let flow = client::with(ui, global, async |client| {
        let path = path_of(client, name).await?;
        client.post(&format!("{path}/rollback"), Some(&body)).await
    })
    .await?
    .body;
    let line = format!("{} starts with version {number} now", text(&flow, "key"));
    Ok(done(ui, &flow, &line))
}

pub(super) async fn export(
    ui: Ui,
    global: &Global,
    name: &str,
    number: Option<i64>,
) -> Result<Exit, Failure> {
    let flow = client::with(ui, global, async |client| {
        client.get(&path_of(client, name).await?).await
    })
    .await?
    .body;
    let number = number.map_or_else(|| flow["current"].clone(), |number| json!(number));
    let versions = flow["versions"].as_array().into_iter().flatten();
    let mut found = versions.filter(|version| version["number"] == number);
    let Some(source) = found.next().and_then(|version| version["source"].as_str()) else {
        let detail = format!("{} has no version {number}", text(&flow, "key"));
        return Err(Failure::new(Exit::NotFound, "flow.not_found", detail)
            .hint("keyway flow show lists the versions"));
    };
    if ui.json() {
        ui.document(&json!({ "flow": flow["key"], "number": number, "source": source }));
    } else {
        // As it was deployed, byte by byte: it is there to be deployed again.
        ui.bytes(source.as_bytes());
    }
    Ok(Exit::Ok)
}

pub(super) async fn delete(
    ui: Ui,
    global: &Global,
    name: &str,
    yes: bool,
) -> Result<Exit, Failure> {
    let what = format!("the flow {name}, its versions and the history of its runs");
    confirm(ui, &what, yes)?;
    let key = client::with(ui, global, async |client| {
        let key = key_of(client, name).await?;
        let path = format!("{FLOWS}/{}", segment(&key)?);
        client.delete(&path, None).await?;
        Ok(key)
    })
    .await?;
    Ok(done(
        ui,
        &json!({ "deleted": key }),
        &format!("deleted {key}"),
    ))
}
