//! Errors, `catch` and `retry` (flows.md B5, B6, B7).

use flow::command::Command;
use serde_json::{Value, json};

use crate::world::{Answer, World, check, check_fault, parse, run, start};

/// A `try` around one call of `/do/0/t/try/0/a`.
fn trying(catch: &str) -> String {
    format!(
        "do: [{{t: {{try: [{{x: {{set: {{x: 1}}, export: {{as: '{{x: 1}}'}}}}}}, {{a: {{call: http, with: {{method: get, endpoint: 'https://contoso.example/'}}}}}}], catch: {catch}}}}}, {{z: {{set: '${{ [., $context] }}'}}}}]"
    )
}

/// The same with the call failing every time, or only the first `failures` times.
fn failing(catch: &str, failures: u32) -> World {
    let mut world = World::new(&parse(&trying(catch)));
    for attempt in 1..=failures {
        let suffix = if attempt == 1 {
            String::new()
        } else {
            format!("~{attempt}")
        };
        world = world.answer(&format!("/do/0/t/try{suffix}/1/a"), Answer::Fault(503));
    }
    world.start(json!({"in": 1}));
    world.play();
    world
}

#[test]
fn a_caught_error_without_more_is_swallowed() {
    let world = failing("{}", 1);
    // The output is the input of the try; what was exported stays.
    assert_eq!(world.output(), &json!([{"in": 1}, {"x": 1}]));
}

#[test]
fn a_filter_compares_every_member() {
    let caught = |with: &str| {
        failing(
            &format!("{{errors: {{with: {{{with}}}}}, do: [{{c: {{set: '${{ \"caught\" }}'}}}}]}}"),
            1,
        )
    };
    let yes = [
        "type: 'https://serverlessworkflow.io/spec/1.0.0/errors/communication'",
        "type: 'https://open-workflow-specification.org/spec/1.0.0/errors/communication'",
        "status: 503",
        "status: 503, title: Communication error",
        "instance: /do/0/t/try/1/a",
        "detail: the server answered 503",
    ];
    for with in yes {
        assert_eq!(
            caught(with).output(),
            &json!(["caught", {"x": 1}]),
            "{with}"
        );
    }
    for with in [
        "status: 500",
        "status: 503, title: Other",
        "type: communication",
        "instance: /do/0/t",
        "detail: the server",
    ] {
        let world = caught(with);
        assert_eq!(
            (world.fault().status, world.fault().instance.as_deref()),
            (503, Some("/do/0/t/try/1/a")),
            "{with}"
        );
    }
}

#[test]
fn when_and_except_when_see_the_error_and_its_variable() {
    let handled = json!(["caught", {"x": 1}]);
    for (catch, caught) in [
        ("when: '.status == 503'", true),
        ("when: '$error.status == 503'", true),
        ("as: e, when: '$e.status == 503'", true),
        ("when: '.status == 500'", false),
        ("exceptWhen: '.status == 503'", false),
        ("exceptWhen: '.status == 500'", true),
        (
            "when: '[range(2)] | length == 2', exceptWhen: '[range(2)] | length == 3'",
            true,
        ),
    ] {
        let world = failing(
            &format!("{{{catch}, do: [{{c: {{set: '${{ \"caught\" }}'}}}}]}}"),
            1,
        );
        if caught {
            assert_eq!(world.output(), &handled, "{catch}");
        } else {
            assert_eq!(world.fault().status, 503, "{catch}");
        }
    }
}

#[test]
fn the_handler_gets_the_input_of_the_try_and_the_error() {
    let world = failing(
        "{as: e, do: [{c: {set: {was: '${ . }', status: '${ $e.status }', where: '${ $e.instance }'}}}]}",
        1,
    );
    assert_eq!(
        world.output()[0],
        json!({"was": {"in": 1}, "status": 503, "where": "/do/0/t/try/1/a"})
    );
}

#[test]
fn an_error_in_the_handler_goes_outward() {
    let flow = "do: [{t: {try: [{a: {raise: {error: {type: 'https://contoso.example/errors/y', status: 500}}}}], catch: {do: [{b: {raise: {error: {type: 'https://contoso.example/errors/z', status: 501}}}}]}}}]";
    let world = run(flow, json!({}));
    assert_eq!(
        (world.fault().status, world.fault().instance.as_deref()),
        (501, Some("/do/0/t/catch/do/0/b"))
    );
}

#[test]
fn count_is_the_number_of_retries() {
    let attempts = |world: &World| {
        world
            .commands
            .iter()
            .flatten()
            .filter(|command| matches!(command, Command::Call { .. }))
            .count()
    };
    let retry = "{retry: {delay: PT1S, limit: {attempt: {count: 2}}}}";
    let world = failing(retry, 2);
    assert_eq!(
        (attempts(&world), world.output()),
        (
            3,
            &json!([{"called": "https://contoso.example/"}, {"x": 1}])
        )
    );
    let world = failing(retry, 9);
    assert_eq!((attempts(&world), world.fault().status), (3, 503));
    assert_eq!(world.fault().instance.as_deref(), Some("/do/0/t/try/1/a"));
    let world = failing(
        "{retry: {limit: {attempt: {count: 2}}}, do: [{c: {set: '${ \"caught\" }'}}]}",
        9,
    );
    assert_eq!(
        (attempts(&world), world.output()),
        (3, &json!(["caught", {"x": 1}]))
    );
}

/// When each attempt began, in milliseconds after the start, less the second that each call takes.
fn delays(retry: &str, answer: &Answer) -> Vec<i64> {
    let mut world = World::new(&parse(&trying(&format!("{{retry: {{{retry}}}}}"))));
    for attempt in 1..=20 {
        let suffix = if attempt == 1 {
            String::new()
        } else {
            format!("~{attempt}")
        };
        world = world.answer(&format!("/do/0/t/try{suffix}/1/a"), answer.clone());
    }
    world.start(json!({}));
    world.play();
    let mut asked_at = Vec::new();
    for (line, commands) in world.journal.iter().zip(&world.commands) {
        for command in commands {
            if let Command::Sleep { id, until } = command
                && id.0.contains("#delay")
            {
                asked_at.push(until.as_millisecond() - line.at.as_millisecond());
            }
        }
    }
    asked_at
}

#[test]
fn delays_grow_as_they_should() {
    let failing = Answer::Fault(503);
    let delays = |retry: &str| delays(retry, &failing);
    assert_eq!(
        delays("delay: PT2S, limit: {attempt: {count: 3}}"),
        [2000, 2000, 2000]
    );
    assert_eq!(
        delays("delay: PT2S, backoff: {linear: {}}, limit: {attempt: {count: 3}}"),
        [2000, 4000, 6000]
    );
    assert_eq!(
        delays(
            "delay: {milliseconds: 500}, backoff: {exponential: {}}, limit: {attempt: {count: 4}}"
        ),
        [500, 1000, 2000, 4000]
    );
    assert_eq!(
        delays("delay: PT10H, backoff: {exponential: {}}, limit: {attempt: {count: 3}}"),
        [36_000_000, 72_000_000, 86_400_000]
    );
    assert_eq!(
        delays("delay: P2D, backoff: {linear: {}}, limit: {attempt: {count: 2}}"),
        [172_800_000, 172_800_000]
    );
    assert_eq!(delays("limit: {attempt: {count: 3}}"), [0; 0]);
    let jitter = delays(
        "delay: PT1S, jitter: {from: {milliseconds: 100}, to: {milliseconds: 200}}, limit: {attempt: {count: 5}}",
    );
    assert!(
        jitter.iter().all(|delay| (1100..=1200).contains(delay)),
        "{jitter:?}"
    );
    assert!(jitter.iter().any(|delay| *delay != jitter[0]), "{jitter:?}");
}

#[test]
fn the_other_party_may_ask_for_a_longer_delay_within_reason() {
    let retry = "delay: PT2S, limit: {attempt: {count: 1}}";
    assert_eq!(delays(retry, &Answer::FaultAfter(429, 30_000)), [30_000]);
    assert_eq!(delays(retry, &Answer::FaultAfter(429, 1_000)), [2_000]);
    assert_eq!(
        delays(retry, &Answer::FaultAfter(429, 1_000_000_000)),
        [3_600_000]
    );
}

#[test]
fn no_attempt_begins_beyond_the_limit() {
    // 1 s for each call: attempts begin at 0, 4 and 8 s; the next would at 12 s.
    let world = failing("{retry: {delay: PT3S, limit: {duration: PT11S}}}", 20);
    let calls = world
        .commands
        .iter()
        .flatten()
        .filter(|command| matches!(command, Command::Call { .. }))
        .count();
    assert_eq!((calls, world.fault().status), (3, 503));
}

#[test]
fn no_attempt_runs_beyond_the_limit() {
    let flow = "do: [{t: {try: [{a: {wait: PT8S}}, {b: {raise: {error: {type: 'https://contoso.example/errors/y', status: 500}}}}], catch: {retry: {limit: {duration: PT10S, attempt: {count: 9}}}, do: [{c: {set: '${ [$error.status, $error.instance] }'}}]}}}]";
    let world = run(flow, json!({}));
    assert_eq!(world.output(), &json!([408, "/do/0/t"]));
    assert_eq!((world.at - start()).get_seconds(), 10);
}

#[test]
fn an_attempt_that_takes_too_long_is_a_timeout_and_tried_again() {
    let flow = "do: [{t: {try: [{a: {wait: PT8S}}], catch: {errors: {with: {status: 408}}, retry: {limit: {attempt: {count: 2, duration: PT3S}}}}}}]";
    let world = run(flow, json!({}));
    assert_eq!(
        (world.fault().status, world.fault().instance.as_deref()),
        (408, Some("/do/0/t"))
    );
    assert_eq!((world.at - start()).get_seconds(), 9);
}

#[test]
fn whether_to_retry_may_depend_on_the_error() {
    let retries = |condition: &str| {
        let world = failing(
            &format!(
                "{{retry: {{{condition}, limit: {{attempt: {{count: 2}}}}}}, do: [{{c: {{set: '${{ \"caught\" }}'}}}}]}}"
            ),
            9,
        );
        assert_eq!(world.output()[0], json!("caught"));
        world
            .commands
            .iter()
            .flatten()
            .filter(|command| matches!(command, Command::Call { .. }))
            .count()
            - 1
    };
    assert_eq!(retries("when: '.status == 503'"), 2);
    assert_eq!(retries("when: '.status == 500'"), 0);
    assert_eq!(retries("exceptWhen: '.status == 503'"), 0);
}

#[test]
fn expression_and_validation_errors_are_caught_too() {
    let flow = |task: &str| {
        format!(
            "do: [{{t: {{try: [{{a: {task}}}], catch: {{do: [{{c: {{set: '${{ $error.type | split(\"/\") | last }}'}}}}]}}}}}}]"
        )
    };
    check(
        &flow("{set: '${ .x.y }'}"),
        json!({"x": 1}),
        json!("expression"),
    );
    check(
        &flow("{set: '${ 1 }', output: {schema: {document: {type: string}}}}"),
        json!({}),
        json!("validation"),
    );
    check_fault(
        "do: [{a: {set: '${ error(\"no\") }'}}]",
        json!({}),
        "expression 400 /do/0/a",
    );
    // A limit too: twice this text is more than an expression may answer.
    let twice = "{set: '${ [.x, .x] }'}";
    let long = json!({"x": "a".repeat(600_000)});
    check(&flow(twice), long.clone(), json!("expression"));
    let uncaught = run(&format!("do: [{{a: {twice}}}]"), long);
    assert_eq!(uncaught.fault().code.as_deref(), Some("expr.limit_output"));
}

#[test]
fn a_try_inside_a_try_catches_what_is_its_own() {
    let flow = "
do:
  - outer:
      try:
        - inner:
            try: [{a: {raise: {error: {type: 'https://contoso.example/errors/y', status: 500}}}}]
            catch: {errors: {with: {status: 400}}, do: [{b: {set: '${ \"inner\" }'}}]}
      catch: {errors: {with: {status: 500}}, do: [{c: {set: '${ [\"outer\", $error.instance] }'}}]}
";
    check(
        flow,
        json!({}),
        json!(["outer", "/do/0/outer/try/0/inner/try/0/a"]),
    );
}

#[test]
fn end_inside_a_try_ends_the_run() {
    let flow =
        "do: [{t: {try: [{a: {set: '${ 1 }', then: end}}], catch: {}}}, {b: {set: '${ 2 }'}}]";
    check(flow, json!({}), json!(1));
    let handler = "do: [{t: {try: [{a: {raise: {error: {type: 'https://contoso.example/errors/y', status: 500}}}}], catch: {do: [{c: {set: '${ 1 }', then: end}}]}}}, {b: {set: '${ 2 }'}}]";
    check(handler, json!({}), Value::from(1));
}
