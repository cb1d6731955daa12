//! What comes after what (flows.md B3, B8, B9): lists, switches, loops, forks, timeouts, the end.

use flow::event::Event;
use flow::machine::{Status, StepStatus};
use serde_json::json;

use crate::world::{Answer, World, check, check_fault, parse, run};

const ADD: &str = "set: '${ . + [$task.name] }'";

#[test]
fn directives_go_where_they_say() {
    let flow = |one: &str, two: &str| {
        format!("do: [{{a: {{{ADD}{one}}}}}, {{b: {{{ADD}{two}}}}}, {{c: {{{ADD}}}}}]")
    };
    check(&flow("", ""), json!([]), json!(["a", "b", "c"]));
    check(
        &flow(", then: continue", ""),
        json!([]),
        json!(["a", "b", "c"]),
    );
    check(&flow(", then: c", ""), json!([]), json!(["a", "c"]));
    check(&flow(", then: exit", ""), json!([]), json!(["a"]));
    check(&flow("", ", then: end"), json!([]), json!(["a", "b"]));
}

#[test]
fn exit_leaves_its_own_list_and_end_leaves_all() {
    let flow = |then: &str| {
        format!(
            "do: [{{outer: {{do: [{{a: {{{ADD}, then: {then}}}}}, {{b: {{{ADD}}}}}], output: {{as: '. + [\"out\"]'}}, export: {{as: '{{x: 1}}'}}}}}}, {{c: {{{ADD}}}}}]"
        )
    };
    check(&flow("exit"), json!([]), json!(["a", "out", "c"]));
    // The output and export of the tasks around are still formed.
    check(&flow("end"), json!([]), json!(["a", "out"]));
}

#[test]
fn a_switch_takes_the_first_case_that_holds() {
    let flow = |cases: &str| {
        format!(
            "do: [{{s: {{switch: [{cases}], then: c}}}}, {{a: {{{ADD}, then: end}}}}, {{b: {{{ADD}, then: end}}}}, {{c: {{{ADD}}}}}]"
        )
    };
    let both = flow("{x: {when: '.[0]', then: a}}, {y: {when: '.[1]', then: b}}");
    check(&both, json!([true, true]), json!([true, true, "a"]));
    check(&both, json!([null, 0]), json!([null, 0, "b"]));
    check(&both, json!([false, null]), json!([false, null, "c"]));
    check(
        &flow("{d: {then: b}}, {x: {when: '.[0]', then: a}}"),
        json!([1]),
        json!([1, "a"]),
    );
    check(
        &flow("{d: {then: b}}, {x: {when: '.[0]', then: a}}"),
        json!([null]),
        json!([null, "b"]),
    );
}

#[test]
fn a_loop_hands_each_round_the_output_of_the_last() {
    let flow = "do: [{l: {for: {each: x, in: .xs}, do: [{a: {set: {xs: '${ .xs }', sum: '${ (.sum // 0) + $x * ($index + 1) }'}}}], output: {as: .sum}}}]";
    check(flow, json!({"xs": [5, 6, 7]}), json!(38));
    check(
        "do: [{l: {for: {in: '.xs'}, do: [{a: {set: {n: '${ $item }'}}}]}}]",
        json!({"xs": []}),
        json!({"xs": []}),
    );
    for not_a_list in [
        json!(null),
        json!({}),
        json!("abc"),
        json!({"pages": "/do/0/l"}),
    ] {
        check_fault(
            "do: [{l: {for: {in: '.xs'}, do: [{a: {set: {n: 1}}}]}}]",
            json!({"xs": not_a_list}),
            "expression 400 /do/0/l",
        );
    }
}

#[test]
fn while_is_tested_before_each_round() {
    let flow = "do: [{l: {for: {in: '[1, 2, 3]'}, while: '. | length < 2', do: [{a: {set: '${ . + [$item] }'}}]}}]";
    check(flow, json!([]), json!([1, 2]));
    check(flow, json!([0, 0]), json!([0, 0]));
}

#[test]
fn exit_ends_a_round_and_end_the_run() {
    let flow = |then: &str| {
        format!(
            "do: [{{l: {{for: {{in: '[1, 2]'}}, do: [{{a: {{set: '${{ . + [$item] }}', then: {then}}}}}, {{b: {{{ADD}}}}}]}}}}, {{c: {{{ADD}}}}}]"
        )
    };
    check(&flow("exit"), json!([]), json!([1, 2, "c"]));
    check(&flow("end"), json!([]), json!([1]));
}

#[test]
fn variables_of_a_loop_end_with_it() {
    let inner = "do: [{l: {for: {each: x, in: '[1]'}, do: [{m: {for: {each: x, at: i, in: '[5, 6]'}, do: [{a: {set: '${ . + [$x, $i, $index] }'}}]}}, {b: {set: '${ . + [$x] }'}}]}}]";
    check(inner, json!([]), json!([5, 0, 0, 6, 1, 0, 1]));
}

#[test]
fn a_jump_back_is_a_loop_with_a_budget() {
    let flow =
        "do: [{a: {set: '${ . + 1 }'}}, {s: {switch: [{again: {when: '. < LIMIT', then: a}}]}}]";
    check(&flow.replace("LIMIT", "1000"), json!(0), json!(1000));
    let world = run(&flow.replace("LIMIT", "1e9"), json!(0));
    let fault = world.fault();
    assert_eq!(
        (fault.code.as_deref(), fault.instance.as_deref()),
        (Some("flow.limit"), Some("/do/1/s"))
    );
}

#[test]
fn nothing_catches_the_budget() {
    let flow = "do: [{t: {try: [{a: {set: '${ . + 1 }', then: a}}], catch: {retry: {limit: {attempt: {count: 5}}}, do: [{b: {set: '${ 1 }'}}]}}}]";
    let world = run(flow, json!(0));
    assert_eq!(world.fault().code.as_deref(), Some("flow.limit"));
}

#[test]
fn a_fork_joins_in_the_order_of_declaration() {
    let flow = parse(
        "do: [{f: {fork: {branches: [{a: {call: http, with: {method: get, endpoint: 'https://contoso.example/a'}}}, {b: {call: http, with: {method: get, endpoint: 'https://contoso.example/b'}}}]}}}]",
    );
    for order in [["a", "b"], ["b", "a"]] {
        let mut world = World::new(&flow);
        assert_eq!(world.start(json!({})).len(), 2);
        for name in order {
            let index = usize::from(name == "b");
            world.complete(
                &format!("/do/0/f/fork/branches/{index}/{name}"),
                Ok(json!(name)),
            );
        }
        assert_eq!(world.output(), &json!(["a", "b"]));
    }
}

#[test]
fn branches_work_on_copies_of_the_context() {
    let flow = "
do:
  - x: {set: '${ . }', export: {as: '{seen: [\"x\"]}'}}
  - f:
      fork:
        branches:
          - a: {do: [{a1: {set: '${ . }', export: {as: '{seen: ($context.seen + [\"a\"])}'}}}, {a2: {wait: PT5S}}, {a3: {set: '${ $context }'}}]}
          - b: {do: [{b1: {set: '${ . }', export: {as: '{seen: ($context.seen + [\"b\"])}'}}}, {b2: {set: '${ $context }'}}]}
          - c: {set: {c: '${ $context }'}}
  - y: {set: {branches: '${ . }', context: '${ $context }'}}
";
    check(
        flow,
        json!({}),
        json!({"branches": [{"seen": ["x", "a"]}, {"seen": ["x", "b"]}, {"c": {"seen": ["x"]}}], "context": {"seen": ["x", "b"]}}),
    );
}

#[test]
fn a_branch_that_fails_ends_the_others() {
    let flow = parse(
        "do: [{f: {fork: {branches: [{a: {wait: PT1H}}, {b: {call: http, with: {method: get, endpoint: 'https://contoso.example/'}}}]}}}]",
    );
    let mut world = World::new(&flow).answer("/do/0/f/fork/branches/1/b", Answer::Fault(500));
    world.start(json!({}));
    world.play();
    assert_eq!(
        world.fault().instance.as_deref(),
        Some("/do/0/f/fork/branches/1/b")
    );
    assert_eq!(
        json!(world.commands.last()),
        json!([{"command": "abandon", "id": "/do/0/f/fork/branches/0/a"}])
    );
    let statuses: Vec<StepStatus> = world
        .machine
        .steps()
        .iter()
        .map(|step| step.status)
        .collect();
    assert_eq!(
        statuses,
        [
            StepStatus::Faulted,
            StepStatus::Cancelled,
            StepStatus::Faulted
        ]
    );
}

#[test]
fn a_race_is_won_by_the_first_success() {
    let flow = parse(
        "
do:
  - f:
      fork:
        compete: true
        branches:
          - a: {call: http, with: {method: get, endpoint: 'https://contoso.example/a'}, export: {as: '{by: \"a\"}'}}
          - b: {call: http, with: {method: get, endpoint: 'https://contoso.example/b'}, export: {as: '{by: \"b\"}'}}
          - c: {do: [{c1: {set: '${ 1 }', export: {as: '{by: \"c\"}'}}}, {c2: {wait: PT1H}}]}
  - y: {set: {won: '${ . }', context: '${ $context }'}}
",
    );
    let mut world = World::new(&flow)
        .answer("/do/0/f/fork/branches/0/a", Answer::Fault(500))
        .answer("/do/0/f/fork/branches/1/b", Answer::Value(json!("b")));
    world.start(json!({}));
    world.play();
    assert_eq!(world.output(), &json!({"won": "b", "context": {"by": "b"}}));
    assert_eq!(
        json!(world.commands.last()),
        json!([{"command": "abandon", "id": "/do/0/f/fork/branches/2/c/do/1/c2"}])
    );
}

#[test]
fn a_race_that_nobody_wins_fails_with_the_last_fault() {
    let call = |name: &str| {
        format!(
            "{{{name}: {{call: http, with: {{method: get, endpoint: 'https://contoso.example/'}}}}}}"
        )
    };
    let flow = parse(&format!(
        "do: [{{f: {{fork: {{compete: true, branches: [{}, {}]}}}}}}]",
        call("a"),
        call("b")
    ));
    let mut world = World::new(&flow);
    world.start(json!({}));
    world.complete("/do/0/f/fork/branches/1/b", Err(crate::world::fault(503)));
    assert_eq!(world.machine.status(), &Status::Running);
    world.complete("/do/0/f/fork/branches/0/a", Err(crate::world::fault(500)));
    assert_eq!(
        (world.fault().status, world.fault().instance.as_deref()),
        (500, Some("/do/0/f/fork/branches/0/a"))
    );
}

#[test]
fn a_branch_that_never_began_leaves_no_trace() {
    let world = run(
        "do: [{f: {fork: {compete: true, branches: [{a: {set: '${ 1 }'}}, {b: {wait: PT1H}}]}}}]",
        json!({}),
    );
    assert_eq!(world.output(), &json!(1));
    assert!(
        world.commands.iter().all(Vec::is_empty),
        "{:?}",
        world.commands
    );
}

#[test]
fn end_in_a_branch_waits_for_its_siblings() {
    let flow = "do: [{f: {fork: {branches: [{a: {set: '${ 1 }', then: end}}, {b: {do: [{b1: {wait: PT1S}}, {b2: {set: '${ 2 }'}}]}}]}}}, {c: {set: '${ \"never\" }'}}]";
    check(flow, json!({}), json!([1, 2]));
}

#[test]
fn a_timeout_ends_what_is_inside_and_names_its_owner() {
    let flow = "do: [{t: {try: [{d: {timeout: {after: PT5S}, do: [{a: {wait: PT3S}}, {b: {wait: PT3S}}]}}], catch: {do: [{c: {set: '${ [$error.type, $error.status, $error.instance] }'}}]}}}]";
    let world = run(flow, json!({}));
    assert_eq!(
        world.output(),
        &json!([
            "https://serverlessworkflow.io/spec/1.0.0/errors/timeout",
            408,
            "/do/0/t/try/0/d"
        ])
    );
    let told: Vec<String> = world
        .commands
        .iter()
        .flatten()
        .map(|command| {
            format!(
                "{} {}",
                json!(command)["command"].as_str().unwrap(),
                command.id()
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "sleep /do/0/t/try/0/d#timeout",
            "sleep /do/0/t/try/0/d/do/0/a",
            "sleep /do/0/t/try/0/d/do/1/b",
            "abandon /do/0/t/try/0/d/do/1/b"
        ]
    );
}

#[test]
fn a_timeout_is_no_matter_once_the_body_is_done() {
    let world = run(
        "do: [{a: {timeout: {after: PT5S}, wait: PT3S}}, {b: {wait: PT10S}}]",
        json!({}),
    );
    assert_eq!(world.output(), &json!({}));
    assert!(world.commands.iter().flatten().any(|command| json!(command) == json!({"command": "abandon", "id": "/do/0/a#timeout"})));
}

#[test]
fn the_own_catch_of_a_timed_task_does_not_see_its_timeout() {
    let flow = "do: [{t: {timeout: {after: PT1S}, try: [{a: {wait: PT5S}}], catch: {do: [{b: {set: '${ \"caught\" }'}}]}}}]";
    check_fault(flow, json!({}), "timeout 408 /do/0/t");
}

#[test]
fn nothing_inside_catches_the_timeout_of_the_run() {
    let flow = "timeout: {after: {seconds: 2}}\ndo: [{t: {try: [{a: {wait: PT5S}}], catch: {do: [{b: {set: '${ \"caught\" }'}}]}}}]";
    check_fault(flow, json!({}), "timeout 408 /timeout");
}

#[test]
fn while_a_run_is_suspended_nothing_is_told() {
    let flow = parse(
        "do: [{f: {fork: {compete: true, branches: [{a: {do: [{a1: {call: http, with: {method: get, endpoint: 'https://contoso.example/'}}}, {a2: {wait: PT1S}}]}}, {b: {do: [{b1: {wait: PT5S}}, {b2: {wait: PT9S}}]}}]}}}]",
    );
    let mut world = World::new(&flow);
    world.start(json!({}));
    assert!(world.apply(Event::Suspended).is_empty());
    assert_eq!(
        (world.machine.status(), world.pending().len()),
        (&Status::Suspended, 0)
    );
    assert!(
        world
            .complete("/do/0/f/fork/branches/0/a/do/0/a1", Ok(json!(1)))
            .is_empty()
    );
    let commands = world.apply(Event::Resumed);
    let names: Vec<String> = commands
        .iter()
        .map(|command| command.id().to_string())
        .collect();
    assert_eq!(
        names,
        [
            "/do/0/f/fork/branches/0/a/do/1/a2",
            "/do/0/f/fork/branches/1/b/do/0/b1"
        ]
    );
    assert_eq!(world.machine.status(), &Status::Waiting);
    world.apply(Event::Suspended);
    world.complete("/do/0/f/fork/branches/0/a/do/1/a2", Ok(json!(null)));
    assert_eq!(world.output(), &json!(1));
}

#[test]
fn a_cancelled_run_forgets_all_and_stays_so() {
    let flow = parse("do: [{a: {wait: PT1H}}]");
    let mut world = World::new(&flow);
    world.start(json!({}));
    let commands = world.apply(Event::Cancelled);
    assert_eq!(
        json!(commands),
        json!([{"command": "abandon", "id": "/do/0/a"}])
    );
    assert!(world.complete("/do/0/a", Ok(json!(null))).is_empty());
    assert_eq!(
        (world.machine.status(), world.pending().len()),
        (&Status::Cancelled, 0)
    );
    assert_eq!(world.machine.steps()[0].status, StepStatus::Cancelled);
}

#[test]
fn steps_say_rounds_and_attempts_in_the_order_in_which_they_began() {
    let flow = "do: [{l: {for: {in: '[1, 2]'}, do: [{t: {try: [{a: {call: http, with: {method: get, endpoint: 'https://contoso.example/'}}}], catch: {retry: {limit: {attempt: {count: 1}}}}}}]}}]";
    let mut world =
        World::new(&parse(flow)).answer("/do/0/l[1]/do/0/t/try/0/a", Answer::Fault(500));
    world.start(json!({}));
    world.play();
    let steps: Vec<String> = world
        .machine
        .steps()
        .iter()
        .map(|step| {
            format!(
                "{} {:?} {} {:?}",
                step.id, step.rounds, step.attempt, step.status
            )
        })
        .collect();
    assert_eq!(
        steps,
        [
            "/do/0/l [] 1 Completed",
            "/do/0/l[0]/do/0/t [0] 1 Completed",
            "/do/0/l[0]/do/0/t/try/0/a [0] 1 Completed",
            "/do/0/l[1]/do/0/t [1] 1 Completed",
            "/do/0/l[1]/do/0/t/try/0/a [1] 1 Faulted",
            "/do/0/l[1]/do/0/t/try~2/0/a [1] 2 Completed",
        ]
    );
}

#[test]
fn a_task_that_is_come_by_again_has_another_name() {
    let flow = "do: [{a: {wait: PT1S}}, {n: {set: '${ . + 1 }'}}, {s: {switch: [{again: {when: '. < 3', then: a}}]}}]";
    let world = run(flow, json!(0));
    let names: Vec<String> = world
        .commands
        .iter()
        .flatten()
        .map(|command| command.id().to_string())
        .collect();
    assert_eq!(names, ["/do/0/a", "/do/0/a~2", "/do/0/a~3"]);
}

#[test]
fn the_same_answer_twice_is_one_answer() {
    let flow = parse("do: [{l: {for: {in: '[1, 2]'}, do: [{a: {wait: PT1S}}]}}]");
    let mut world = World::new(&flow);
    world.start(json!({}));
    world.complete("/do/0/l[0]/do/0/a", Ok(json!(null)));
    assert!(
        world
            .complete("/do/0/l[0]/do/0/a", Ok(json!(null)))
            .is_empty()
    );
    assert_eq!(world.pending(), ["/do/0/l[1]/do/0/a"]);
}
