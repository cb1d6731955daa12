//! What can only be seen from inside: what a machine holds.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Machine, Recording, Secrets, Status};
use crate::{Command, CommandId, Event, Flow, Recorded};

const HEAD: &str = "document: {dsl: '1.0.3', namespace: test, name: flow, version: '1.0.0'}\n";

fn started(rest: &str, input: Value) -> Machine {
    let flow = Flow::parse(&format!("{HEAD}{rest}")).unwrap();
    let mut machine = Machine::new(Arc::new(flow), Secrets::default(), Recording::Nothing);
    apply(
        &mut machine,
        Event::Started {
            run: "run_1".to_owned(),
            input,
            entropy: 1,
        },
    );
    machine
}

fn apply(machine: &mut Machine, event: Event) -> Vec<Command> {
    machine.apply(&Recorded {
        at: Timestamp::UNIX_EPOCH,
        event,
    })
}

/// Answers the only command that is out.
fn answer(machine: &mut Machine, value: Value) {
    let ids: Vec<CommandId> = machine
        .pending()
        .map(|pending| pending.command.id().clone())
        .collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let event = Event::Completed {
        id: ids[0].clone(),
        result: Ok(value),
        explanation: None,
    };
    apply(machine, event);
}

#[test]
fn a_machine_may_go_from_thread_to_thread() {
    fn may<T: Send + Sync>() {}
    may::<Machine>();
}

#[test]
fn a_long_loop_holds_one_round() {
    let flow = "do: [{l: {for: {in: .list}, while: '[range(1)] | length == 1', do: [{f: {fork: {branches: [{w: {wait: PT1S}}]}}}]}}]";
    let mut machine = started(flow, json!({"list": vec![0; 500]}));
    for _ in 0..500 {
        answer(&mut machine, json!(true));
        assert!(machine.frames.capacity() <= 4 && machine.branches.capacity() <= 2);
        assert!(
            machine.fresh.is_empty() && machine.abandoned.is_empty() && machine.steps.is_empty()
        );
        answer(&mut machine, Value::Null);
    }
    assert!(
        matches!(machine.status(), Status::Completed(_)),
        "{:?}",
        machine.status()
    );
    assert_eq!((machine.frames.len(), machine.branches.len()), (0, 1));
}

#[test]
fn a_loop_over_pages_holds_one_page() {
    let flow = "do: [{list: {call: page, with: {endpoint: 'https://contoso.example/', style: auto}}}, {l: {for: {in: .}, do: [{w: {wait: PT1S}}]}}]";
    let mut machine = started(flow, json!({}));
    for page in 0..50 {
        answer(
            &mut machine,
            json!({"items": [1, 2], "next": if page == 49 { Value::Null } else { json!(page) }}),
        );
        answer(&mut machine, Value::Null);
        answer(&mut machine, Value::Null);
    }
    assert!(
        matches!(machine.status(), Status::Completed(_)),
        "{:?}",
        machine.status()
    );
    assert_eq!(machine.frames.len(), 0);
}

#[test]
fn a_run_that_ends_in_the_middle_holds_nothing() {
    let flow = "do: [{f: {fork: {branches: [{a: {fork: {branches: [{b: {wait: PT1H}}, {c: {listen: {to: {any: []}}}}]}}}, {d: {call: http, with: {method: get, endpoint: 'https://contoso.example/'}}}]}}}]";
    let ends = [
        Event::Cancelled,
        Event::Completed {
            id: CommandId("/do/0/f/fork/branches/1/d".to_owned()),
            result: Err(crate::Fault::new(crate::FaultType::Communication, "no")),
            explanation: None,
        },
    ];
    for end in ends {
        let mut machine = started(flow, json!({}));
        assert_eq!(
            (
                machine.pending.len(),
                machine.frames.len(),
                machine.branches.len()
            ),
            (3, 6, 5)
        );
        assert_eq!(
            apply(&mut machine, end).len(),
            if machine.status() == &Status::Cancelled {
                3
            } else {
                2
            }
        );
        assert_eq!(
            (
                machine.pending.len(),
                machine.frames.len(),
                machine.branches.len()
            ),
            (0, 0, 1)
        );
    }
}
