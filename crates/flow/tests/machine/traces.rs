//! Every flow of `tests/flows` with everything that goes in and out of its machine, as a snapshot. What the world answers stands in
//! the flow's own `metadata.test`: `input`, `answers` by command, `events`.

use std::fmt::Write as _;
use std::path::Path;

use flow::CloudEvent;
use flow::command::Command;
use flow::event::{Event, Recorded};
use serde_json::Value;

use crate::world::{Answer, World, parse};

#[test]
#[expect(clippy::disallowed_methods, reason = "a test reads its own flows")]
fn every_flow_does_what_its_trace_says() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flows");
    let mut files: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "yaml")
    });
    files.sort();
    assert!(files.len() >= 10, "{files:?}");
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let trace = trace(&std::fs::read_to_string(&file).unwrap());
        insta::with_settings!({prepend_module_to_snapshot => false, snapshot_path => "../flows", omit_expression => true}, {
            insta::assert_snapshot!(name, trace);
        });
    }
}

fn trace(source: &str) -> String {
    let flow = parse(source);
    let test = &flow.document.metadata["test"];
    let mut world = World::new(&flow);
    for (id, answer) in test["answers"].as_object().into_iter().flatten() {
        let answer = match answer["fault"].as_u64() {
            Some(status) => Answer::Fault(u16::try_from(status).unwrap()),
            None => Answer::Value(answer.clone()),
        };
        world.answers.insert(id.clone(), answer);
    }
    for event in test["events"].as_array().into_iter().flatten() {
        world
            .events
            .push(CloudEvent::from_structured(event.clone()).unwrap());
    }
    world.start(test["input"].clone());
    world.play();
    text(&world)
}

fn text(world: &World) -> String {
    let mut text = String::new();
    for (line, commands) in world.journal.iter().zip(&world.commands) {
        writeln!(text, "{}", happened(line)).unwrap();
        for command in commands {
            writeln!(text, "    -> {}", told(command)).unwrap();
        }
    }
    writeln!(text, "{:?}", world.machine.status()).unwrap();
    for step in world.machine.steps() {
        let result = step
            .error
            .as_ref()
            .or(step.output.as_ref())
            .map_or_else(String::new, Value::to_string);
        writeln!(text, "{:?} {} {result}", step.status, step.id).unwrap();
    }
    text
}

fn happened(line: &Recorded) -> String {
    let seconds = (line.at - crate::world::start()).get_seconds();
    let what = match &line.event {
        Event::Started { input, .. } => format!("started {input}"),
        Event::Completed { id, result, .. } => match result {
            Ok(value) => format!("completed {id} {value}"),
            Err(fault) => format!("failed {id} {}", fault.status),
        },
        Event::Arrived { id, event } => {
            let to = id.as_ref().map_or("the run", |id| id.0.as_str());
            format!("arrived {} for {to}", event.r#type)
        }
        other => format!("{other:?}"),
    };
    format!("{seconds:>4} s {what}")
}

fn told(command: &Command) -> String {
    let mut value = serde_json::to_value(command).unwrap();
    let object = value.as_object_mut().unwrap();
    let (kind, id) = (
        object.shift_remove("command").unwrap(),
        object.shift_remove("id").unwrap(),
    );
    format!(
        "{} {} {value}",
        kind.as_str().unwrap(),
        id.as_str().unwrap()
    )
}
