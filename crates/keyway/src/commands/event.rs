//! `keyway event`: `CloudEvents` for the runs that listen and the flows that they start.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::{done, json_argument, pair};
use crate::Exit;
use crate::cli::Global;
use crate::client;
use crate::failure::Failure;
use crate::ui::Ui;

/// What to do with events.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send an event; whoever does not listen yet never gets it
    Send(Send),
}

#[derive(Args, Debug)]
struct Send {
    /// What happened, such as com.contoso.example.joiner
    #[arg(long = "type", value_name = "TYPE")]
    kind: String,
    /// Where it happened
    #[arg(long, value_name = "URI", default_value = "urn:keyway:cli")]
    source: String,
    /// To what; a run's id reaches that run alone
    #[arg(long)]
    subject: Option<String>,
    /// The event's id; who gets the same one twice may drop it [default: made from the time]
    #[arg(long)]
    id: Option<String>,
    /// More about it, as JSON; @FILE or @- reads it
    #[arg(long, value_name = "JSON|@FILE|@-")]
    data: Option<String>,
    /// A further attribute; may be repeated
    #[arg(long = "attribute", value_name = "NAME=TEXT", value_parser = pair)]
    attributes: Vec<(String, String)>,
}

pub(crate) async fn run(ui: Ui, global: &Global, arguments: Arguments) -> Result<Exit, Failure> {
    let Command::Send(send) = arguments.command;
    let event = event(send)?;
    let answer = client::with(ui, global, async |client| {
        let media = "application/cloudevents+json";
        client.post_as("/api/v1/events", media, &event).await
    })
    .await?;
    let count = |name: &str| answer.body[name].as_u64().unwrap_or(0);
    let line = said(count("recipients"), count("gathered"));
    Ok(done(ui, &answer.body, &line))
}

/// Whom an event reached: so many runs and flows, and flows that keep it.
fn said(recipients: u64, gathered: u64) -> String {
    let reached = match recipients {
        1 => "it reached one run or flow".to_owned(),
        more => format!("it reached {more} runs and flows"),
    };
    let kept = match gathered {
        1 => "one flow keeps it until it has all the events that it waits for".to_owned(),
        more => format!("{more} flows keep it until they have all the events that they wait for"),
    };
    match (recipients, gathered) {
        (0, 0) => "nobody listens for it: the event is gone".to_owned(),
        (0, _) => kept,
        (_, 0) => reached,
        _ => format!("{reached}; {kept}"),
    }
}

fn event(send: Send) -> Result<Value, Failure> {
    let now = store::Clock::system().now();
    let id = send
        .id
        .unwrap_or_else(|| format!("cli-{}-{}", now.as_nanosecond(), std::process::id()));
    let mut event = Map::new();
    for (name, value) in send.attributes {
        event.insert(name, json!(value));
    }
    event.insert("specversion".to_owned(), json!("1.0"));
    event.insert("id".to_owned(), json!(id));
    event.insert("source".to_owned(), json!(send.source));
    event.insert("type".to_owned(), json!(send.kind));
    event.insert("time".to_owned(), json!(now));
    if let Some(subject) = send.subject {
        event.insert("subject".to_owned(), json!(subject));
    }
    if let Some(data) = send.data {
        event.insert("data".to_owned(), json_argument("data", &data)?);
    }
    Ok(Value::Object(event))
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    fn an_event_that_is_kept_is_not_gone() {
        for (recipients, gathered, expected) in [
            (0, 0, "nobody listens for it: the event is gone"),
            (1, 0, "it reached one run or flow"),
            (
                0,
                1,
                "one flow keeps it until it has all the events that it waits for",
            ),
            (
                2,
                2,
                "it reached 2 runs and flows; 2 flows keep it until they have all the events that they wait for",
            ),
        ] {
            assert_eq!(said(recipients, gathered), expected);
        }
    }
}
