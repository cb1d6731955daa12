//! What a run in the foreground is given in files: input, secrets, further flows, events.

use std::io::Read as _;
use std::path::Path;

use flow::CloudEvent;
use serde_json::{Map, Value, json};

use super::Arguments;
use crate::commands::flow::file::{self, Judged};
use crate::failure::Failure;
use crate::ui::Ui;

/// How large each file may be.
const LIMIT: u64 = 16 * 1024 * 1024;

/// All of it.
pub(super) struct Given {
    pub(super) input: Value,
    pub(super) secrets: Map<String, Value>,
    pub(super) flows: Vec<Judged>,
    pub(super) events: Vec<CloudEvent>,
}

impl Given {
    pub(super) fn read(ui: Ui, arguments: &Arguments) -> Result<Given, Failure> {
        let input = match &arguments.input_file {
            Some(place) => value("input", place)?,
            None => json!({}),
        };
        let secrets = match &arguments.secrets_file {
            Some(place) => secrets(ui, place)?,
            None => Map::new(),
        };
        let flows = match &arguments.workflows_dir {
            Some(folder) => flows(folder)?,
            None => Vec::new(),
        };
        let events = match &arguments.events_file {
            Some(place) => events(place)?,
            None => Vec::new(),
        };
        Ok(Given {
            input,
            secrets,
            flows,
            events,
        })
    }
}

fn wrong(what: &str, place: &str, why: impl std::fmt::Display) -> Failure {
    Failure::usage(format!("the {what} in {place} can't be used: {why}"), "")
}

fn value(what: &str, place: &str) -> Result<Value, Failure> {
    let mut bytes = Vec::new();
    let read = if place == "-" {
        std::io::stdin().lock().take(LIMIT).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(place).and_then(|file| file.take(LIMIT).read_to_end(&mut bytes))
    };
    read.map_err(|error| wrong(what, place, error))?;
    serde_json::from_slice(&bytes).map_err(|error| wrong(what, place, error))
}

/// Values by name. They are a test's input: a file that others may read is warned of, not refused.
fn secrets(ui: Ui, place: &str) -> Result<Map<String, Value>, Failure> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(place).map(|found| found.permissions().mode());
        if mode.is_ok_and(|mode| mode & 0o077 != 0) {
            ui.warning(&format!("others may read {place}: chmod 600 {place}"));
        }
    }
    match value("secrets", place)? {
        Value::Object(secrets) => Ok(secrets),
        _ => Err(wrong(
            "secrets",
            place,
            "they have to be an object of names and values",
        )),
    }
}

/// The flows of a folder, in the order of their names.
fn flows(folder: &str) -> Result<Vec<Judged>, Failure> {
    let unreadable = |error: std::io::Error| wrong("flows", folder, error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if is_flow(&path) {
            files.push(path.to_string_lossy().into_owned());
        }
    }
    files.sort();
    let flows: Vec<Judged> = files.iter().map(|file| file::judge(file)).collect();
    match flows.iter().find(|judged| !judged.is_valid()) {
        Some(invalid) => Err(invalid.failure()),
        None => Ok(flows),
    }
}

fn is_flow(path: &Path) -> bool {
    path.extension().is_some_and(|extension| {
        ["yaml", "yml", "json"]
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
    })
}

fn events(place: &str) -> Result<Vec<CloudEvent>, Failure> {
    let Value::Array(events) = value("events", place)? else {
        return Err(wrong("events", place, "they have to be a list"));
    };
    events
        .into_iter()
        .map(|event| {
            CloudEvent::from_structured(event).map_err(|error| wrong("events", place, error))
        })
        .collect()
}

impl Judged {
    /// The text without what starts the flow by itself: only the run that was asked for shall begin.
    pub(super) fn without_starts(&self) -> String {
        let starts =
            |flow: &&flow::Flow| flow.schedule.is_some() || !flow.settings.webhooks.is_empty();
        match self.flow().filter(starts) {
            Some(flow) => {
                let mut definition = flow.definition.as_ref().clone();
                remove_starts(&mut definition);
                definition.to_string()
            }
            None => self.text.clone(),
        }
    }
}

fn remove_starts(definition: &mut Value) {
    if let Some(members) = definition.as_object_mut() {
        members.shift_remove("schedule");
    }
    if let Some(settings) = definition
        .pointer_mut("/document/metadata/keyway")
        .and_then(Value::as_object_mut)
    {
        settings.shift_remove("webhooks");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_starts_a_flow_is_left_out() {
        let mut definition = json!({
            "document": { "metadata": { "keyway": { "webhooks": {}, "retentionDays": 1 }, "a": 1 } },
            "schedule": { "cron": "0 0 * * *" }, "do": []
        });
        remove_starts(&mut definition);
        let expected = json!({ "document": { "metadata": { "keyway": { "retentionDays": 1 }, "a": 1 } }, "do": [] });
        assert_eq!(definition, expected);
    }
}
