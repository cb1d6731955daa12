//! How many steps a second one machine makes, without a journal: prints a line of JSON for each kind of flow.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "it measures time and prints it"
)]

use std::sync::Arc;
use std::time::Instant;

use flow::machine::{Machine, Recording, Secrets, Status};
use flow::{Event, Flow, Recorded};
use serde_json::{Value, json};

const HEAD: &str = "document: {dsl: '1.0.3', namespace: bench, name: speed, version: '1.0.0'}\n";

fn main() {
    let flows = [
        ("literal", ten("set: {n: 1}")),
        ("expression", ten("set: {n: '${ .n + 1 }'}")),
        ("loop", "do: [{l: {for: {in: .list}, do: [{a: {set: {n: '${ $item }'}}}]}}]".to_owned()),
        ("export", ten("set: {n: '${ .n + 1 }'}, export: {as: '{n: .n}'}")),
        ("switch", "do: [{a: {set: {n: '${ .n + 1 }'}}}, {s: {switch: [{again: {when: .n < 10000, then: a}}]}}]".to_owned()),
        ("nested", "do: [{a: {do: [{b: {do: [{c: {do: [{d: {set: {n: 1}}}]}}]}}]}}]".to_owned()),
        ("identity", ten("set: '${ . }'")),
    ];
    for (name, rest) in flows {
        measure(name, &rest);
    }
}

/// A flow of ten tasks.
fn ten(task: &str) -> String {
    let tasks: Vec<String> = (0..10)
        .map(|number| format!("{{t{number}: {{{task}}}}}"))
        .collect();
    format!("do: [{}]", tasks.join(", "))
}

fn measure(name: &str, rest: &str) {
    let flow = Arc::new(Flow::parse(&format!("{HEAD}{rest}")).unwrap());
    let input = json!({"n": 0, "list": (0..1_000).collect::<Vec<u32>>()});
    let input = if name == "loop" {
        input
    } else {
        json!({"n": 0})
    };
    let steps = run(&flow, &input, Recording::Steps);
    let (mut rounds, began) = (0_u32, Instant::now());
    while began.elapsed().as_millis() < 1_000 {
        for _ in 0..10 {
            run(&flow, &input, Recording::Nothing);
        }
        rounds += 10;
    }
    let total = f64::from(rounds) * f64::from(u32::try_from(steps).unwrap());
    let line = json!({
        "flow": name,
        "steps_per_second": (total / began.elapsed().as_secs_f64()).round(),
        "runs_per_second": (f64::from(rounds) / began.elapsed().as_secs_f64()).round(),
    });
    println!("{line}");
}

fn run(flow: &Arc<Flow>, input: &Value, recording: Recording) -> usize {
    let mut machine = Machine::new(Arc::clone(flow), Secrets::default(), recording);
    machine.apply(&Recorded {
        at: jiff::Timestamp::UNIX_EPOCH,
        event: Event::Started {
            run: "run_1".to_owned(),
            input: input.clone(),
            entropy: 1,
        },
    });
    assert!(
        matches!(machine.status(), Status::Completed(_)),
        "{:?}",
        machine.status()
    );
    machine.steps().len()
}
