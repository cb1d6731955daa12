//! `keyway webhook`: where events of the installation are sent, and what became of them.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::{confirm, done, items, text, when, with_query};
use crate::Exit;
use crate::cli::Global;
use crate::client::{self, Client, segment};
use crate::failure::Failure;
use crate::ui::{Table, Ui, plain};

/// What to do with webhooks.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a webhook; its signing secret is shown once
    Create {
        /// What to call it
        name: String,
        /// Where events are posted
        #[arg(long, value_name = "URL")]
        url: String,
        /// Only events of this type; may be repeated [default: all]
        #[arg(long = "event", value_name = "TYPE")]
        types: Vec<String>,
    },
    /// List the webhooks and the types of events that there are
    List,
    /// Show a webhook
    Show {
        /// The webhook
        name: String,
    },
    /// Change a webhook; what is not named stays
    Change {
        /// The webhook
        name: String,
        /// A new name
        #[arg(long, value_name = "NAME")]
        rename: Option<String>,
        /// Where events are posted
        #[arg(long, value_name = "URL")]
        url: Option<String>,
        /// Only events of this type; may be repeated
        #[arg(long = "event", value_name = "TYPE")]
        types: Vec<String>,
        /// Events of all types
        #[arg(long, conflicts_with = "types")]
        all_events: bool,
        /// Send nothing; what is on its way is given up
        #[arg(long)]
        disable: bool,
        /// Send again
        #[arg(long, conflicts_with = "disable")]
        enable: bool,
    },
    /// Make a new signing secret, shown once; the old one signs too for a day
    RotateSecret {
        /// The webhook
        name: String,
    },
    /// Delete a webhook
    Delete {
        /// The webhook
        name: String,
        /// Do not ask back
        #[arg(long)]
        yes: bool,
    },
    /// List what was sent to a webhook, newest first
    Deliveries {
        /// The webhook
        name: String,
        /// Only those that are so far
        #[arg(long)]
        status: Option<Status>,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Send a test event now and say what came of it
    Test {
        /// The webhook
        name: String,
    },
    /// Send an event again, now, and say what came of it
    Redeliver {
        /// The webhook
        name: String,
        /// The delivery (dlv_…)
        delivery: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    Pending,
    Delivered,
    Failed,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Delivered => "delivered",
            Status::Failed => "failed",
        }
    }
}

pub(crate) async fn run(ui: Ui, global: &Global, arguments: Arguments) -> Result<Exit, Failure> {
    if let Command::Delete { name, yes } = &arguments.command {
        confirm(ui, &format!("the webhook {name}"), *yes)?;
    }
    client::with(ui, global, async |client| {
        act(ui, client, arguments.command).await
    })
    .await
}

async fn act(ui: Ui, client: &Client, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Create { name, url, types } => {
            let body = json!({ "name": name, "url": url, "types": types });
            let answer = client.post("/api/v1/webhooks", Some(&body)).await?;
            Ok(secret_shown(ui, &answer.body))
        }
        Command::List => list(ui, client).await,
        Command::Show { name } => {
            let answer = client.get(&path_of(&name)?).await?;
            Ok(show(ui, &answer.body))
        }
        Command::Change { .. } => change(ui, client, command).await,
        Command::RotateSecret { name } => {
            let path = format!("{}/secret", path_of(&name)?);
            let answer = client.post(&path, None).await?;
            Ok(secret_shown(ui, &answer.body))
        }
        Command::Delete { name, yes: _ } => {
            client.delete(&path_of(&name)?, None).await?;
            let line = format!("deleted {name}");
            Ok(done(ui, &json!({ "deleted": name }), &line))
        }
        Command::Deliveries {
            name,
            status,
            limit,
        } => deliveries(ui, client, &name, status, limit).await,
        Command::Test { name } => {
            let path = format!("{}/test", path_of(&name)?);
            let answer = client.post(&path, None).await?;
            Ok(outcome(ui, &answer.body))
        }
        Command::Redeliver { name, delivery } => {
            let delivery = segment(&delivery)?;
            let path = format!("{}/deliveries/{delivery}/redeliver", path_of(&name)?);
            let answer = client.post(&path, None).await?;
            Ok(outcome(ui, &answer.body))
        }
    }
}

fn path_of(name: &str) -> Result<String, Failure> {
    Ok(format!("/api/v1/webhooks/{}", segment(name)?))
}

/// A webhook whose secret was made just now.
fn secret_shown(ui: Ui, body: &Value) -> Exit {
    if ui.json() {
        ui.document(body);
        return Exit::Ok;
    }
    ui.note(&format!(
        "webhook {} posts to {}; its signing secret (Standard Webhooks), shown once:",
        plain(&text(body, "name")),
        plain(&text(body, "url"))
    ));
    if body["previous_secret_until"].is_string() {
        ui.note(&format!(
            "the secret before signs too until {}",
            when(body, "previous_secret_until")
        ));
    }
    ui.text(&plain(&text(body, "secret")));
    Exit::Ok
}

async fn list(ui: Ui, client: &Client) -> Result<Exit, Failure> {
    let answer = client.get("/api/v1/webhooks").await?;
    if ui.json() {
        ui.document(&answer.body);
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["name", "url", "events", "state"]);
    for webhook in items(&answer.body)? {
        table.row([
            text(webhook, "name"),
            text(webhook, "url"),
            events(webhook),
            text(webhook, "disabled_why"),
        ]);
    }
    ui.text(&table.text());
    let types = answer.body["event_types"].as_array();
    let types = types.into_iter().flatten().filter_map(Value::as_str);
    let types: Vec<&str> = types.collect();
    ui.note(&format!("types of events: {}", plain(&types.join(", "))));
    Ok(Exit::Ok)
}

fn events(webhook: &Value) -> String {
    let types = webhook["types"].as_array();
    let types = types.into_iter().flatten().filter_map(Value::as_str);
    let types: Vec<&str> = types.collect();
    if types.is_empty() {
        "all".to_owned()
    } else {
        types.join(", ")
    }
}

fn show(ui: Ui, webhook: &Value) -> Exit {
    if ui.json() {
        ui.document(webhook);
        return Exit::Ok;
    }
    let state = if webhook["enabled"] == true {
        "enabled".to_owned()
    } else {
        let why = text(webhook, "disabled_why");
        format!("disabled since {}: {why}", when(webhook, "disabled_at"))
    };
    for (label, value) in [
        ("name", text(webhook, "name")),
        ("url", text(webhook, "url")),
        ("events", events(webhook)),
        ("state", state),
    ] {
        ui.text(&plain(&format!("{label:<8}{value}")));
    }
    Exit::Ok
}

async fn change(ui: Ui, client: &Client, command: Command) -> Result<Exit, Failure> {
    let Command::Change {
        name,
        rename,
        url,
        types,
        all_events,
        disable,
        enable,
    } = command
    else {
        return Err(Failure::bug("another command was taken for `change`"));
    };
    let mut body = Map::new();
    let mut put = |field: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(field.to_owned(), value);
        }
    };
    put("name", rename.map(Value::from));
    put("url", url.map(Value::from));
    put(
        "types",
        (all_events || !types.is_empty()).then(|| json!(types)),
    );
    put("enabled", (enable || disable).then(|| json!(enable)));
    if body.is_empty() {
        return Err(Failure::usage(
            "nothing is to be changed",
            "name what shall be different: --url, --event, --disable …",
        ));
    }
    let path = path_of(&name)?;
    let current = client.get(&path).await?;
    let version = current.body["version"].as_i64().unwrap_or_default();
    let answer = client.patch(&path, version, &Value::Object(body)).await?;
    Ok(show(ui, &answer.body))
}

async fn deliveries(
    ui: Ui,
    client: &Client,
    name: &str,
    status: Option<Status>,
    limit: u32,
) -> Result<Exit, Failure> {
    let path = format!("{}/deliveries", path_of(name)?);
    let status = status.map(|status| status.word().to_owned());
    let path = with_query(
        &path,
        [("status", status), ("limit", Some(limit.to_string()))],
    );
    let answer = client.get(&path).await?;
    if ui.json() {
        ui.document(&answer.body);
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["id", "since", "event", "about", "status", "last answer"]);
    for delivery in items(&answer.body)? {
        table.row([
            text(delivery, "id"),
            when(delivery, "created_at"),
            text(delivery, "type"),
            text(delivery, "subject"),
            text(delivery, "status"),
            last_answer(delivery),
        ]);
    }
    ui.text(&table.text());
    Ok(Exit::Ok)
}

/// The receiver's status, or why there was none.
fn last_answer(delivery: &Value) -> String {
    let attempts = delivery["attempts"].as_array();
    let Some(last) = attempts.and_then(|attempts| attempts.last()) else {
        return String::new();
    };
    match last["status"].as_u64() {
        Some(status) => status.to_string(),
        None => text(last, "detail"),
    }
}

/// What came of an attempt that a person asked for.
fn outcome(ui: Ui, delivery: &Value) -> Exit {
    let delivered = delivery["status"] == "delivered";
    let line = format!(
        "{} {}: {} ({})",
        text(delivery, "type"),
        text(delivery, "id"),
        text(delivery, "status"),
        last_answer(delivery)
    );
    done(ui, delivery, &line);
    if delivered { Exit::Ok } else { Exit::Upstream }
}
