//! How data flows through one task and from task to task (flows.md B2, B3, B4).

use flow::Event;
use flow::machine::Secrets;
use serde_json::json;

use crate::world::{Answer, World, check, check_fault, parse, run};

#[test]
fn set_replaces_and_never_merges() {
    check(
        "do: [{a: {set: {x: '${ .n + 1 }', y: .n, z: {w: ['${ .n }', 2]}}}}]",
        json!({"n": 1, "m": 2}),
        json!({"x": 2, "y": ".n", "z": {"w": [1, 2]}}),
    );
    check(
        "do: [{a: {set: '${ [.n, .m] }'}}]",
        json!({"n": 1, "m": 2}),
        json!([1, 2]),
    );
}

#[test]
fn the_order_of_one_task_is_if_input_body_output_export_then() {
    let flow = "
do:
  - first:
      if: .go
      input: {schema: {document: {required: [go]}}, from: '{n: .n}'}
      set: {m: '${ .n * 10 }', i: '${ $input.n }'}
      output: {as: '{r: .m, i: $input.n, raw: $task.output.m}', schema: {document: {required: [r]}}}
      export: {as: '{seen: $output.r, was: $context}', schema: {document: {required: [seen]}}}
  - second:
      set: {r: '${ .r }', raw: '${ .raw }', i: '${ .i }', context: '${ $context }'}
";
    check(
        flow,
        json!({"go": true, "n": 4}),
        json!({"r": 40, "raw": 40, "i": 4, "context": {"seen": 40, "was": {}}}),
    );
}

#[test]
fn a_task_whose_if_is_false_is_as_if_it_were_not_there() {
    let flow = "
do:
  - skipped: {if: .go, input: {from: error(\"no\")}, set: {x: 1}, export: {as: '{x: 1}'}, then: end}
  - after: {set: {was: '${ . }', context: '${ $context }'}}
";
    check(
        flow,
        json!({"go": false}),
        json!({"was": {"go": false}, "context": {}}),
    );
    check(
        flow,
        json!({"go": null}),
        json!({"was": {"go": null}, "context": {}}),
    );
    check_fault(flow, json!({"go": 0}), "expression 400 /do/0/skipped");
}

#[test]
fn schemas_are_met_or_the_task_faults() {
    let input =
        "do: [{a: {input: {schema: {document: {type: object, required: [x]}}}, set: {y: 1}}}]";
    check(input, json!({"x": 1}), json!({"y": 1}));
    check_fault(input, json!({}), "validation 400 /do/0/a");
    check_fault(
        "do: [{a: {set: {y: 1}, output: {schema: {document: {required: [x]}}}}}]",
        json!({}),
        "validation 400 /do/0/a",
    );
    check_fault(
        "do: [{a: {set: {y: 1}, export: {as: ., schema: {document: {required: [x]}}}}}]",
        json!({}),
        "validation 400 /do/0/a",
    );
    check_fault(
        "input: {schema: {document: {required: [x]}}}\ndo: [{a: {set: {y: 1}}}]",
        json!({}),
        "validation 400 /input/schema",
    );
    check_fault(
        "output: {schema: {document: {required: [x]}}}\ndo: [{a: {set: {y: 1}}}]",
        json!({}),
        "validation 400 /output/schema",
    );
}

#[test]
fn the_flow_transforms_its_input_and_output() {
    let flow = "
input: {from: .inner}
output: {as: '{out: ., raw: $workflow.input.inner.n, name: $workflow.definition.document.name, run: $workflow.id, at: $workflow.startedAt.epoch.seconds}'}
do: [{a: {set: {n: '${ .n + 1 }'}}}]
";
    let expected =
        json!({"out": {"n": 2}, "raw": 1, "name": "flow", "run": "run_1", "at": 1_767_225_600});
    check(flow, json!({"inner": {"n": 1}}), expected);
}

#[test]
fn a_task_knows_itself() {
    let flow = "do: [{a: {input: {from: .x}, set: {name: '${ $task.name }', where: '${ $task.reference }', raw: '${ $task.input }', kind: '${ $task.definition | keys }', at: '${ $task.startedAt.iso8601 }', by: '${ $runtime.name }', nobody: '${ $authorization }'}}}]";
    check(
        flow,
        json!({"x": 1}),
        json!({"name": "a", "where": "/do/0/a", "raw": {"x": 1}, "kind": ["input", "set"], "at": "2026-01-01T00:00:00Z", "by": "keyway", "nobody": null}),
    );
}

/// Names of tasks are labels: no part of a path, of a shell's line or of an expression.
#[test]
fn a_name_is_a_label() {
    for (name, reference) in [
        ("../../x", "/do/0/..~1..~1x"),
        ("$(id)", "/do/0/$(id)"),
        ("${ 1 + 1 }", "/do/0/${ 1 + 1 }"),
        ("a~b", "/do/0/a~0b"),
    ] {
        check(
            &format!(
                "do: [{{'{name}': {{set: {{name: '${{ $task.name }}', at: '${{ $task.reference }}'}}}}}}]"
            ),
            json!({}),
            json!({"name": name, "at": reference}),
        );
    }
}

#[test]
fn data_is_never_evaluated() {
    check(
        "do: [{a: {set: '${ .text }'}}, {b: {set: {again: '${ . }'}}}]",
        json!({"text": "${ 1 + 1 }"}),
        json!({"again": "${ 1 + 1 }"}),
    );
    // In the arguments of a call as well: neither expressions nor names in braces are looked for in what was put in.
    let world = run(
        "do: [{a: {call: http, with: {method: post, endpoint: 'https://contoso.example/{text}', headers: {h: '${ .text }'}, query: {q: '${ .text }'}, body: '${ .text }'}}}]",
        json!({"text": "{n}${ .n }", "n": 7}),
    );
    let call = json!(world.commands.concat())[0]["call"].clone();
    assert_eq!(
        json!([
            call["endpoint"],
            call["headers"],
            call["query"],
            call["body"]
        ]),
        json!([
            "https://contoso.example/%7Bn%7D%24%7B%20.n%20%7D",
            [["h", "{n}${ .n }"]],
            [["q", "{n}${ .n }"]],
            "{n}${ .n }"
        ])
    );
}

#[test]
fn no_result_is_null_and_several_are_a_list() {
    check(
        "do: [{a: {set: {none: '${ empty }', many: '${ .[] }'}}}]",
        json!([1, 2]),
        json!({"none": null, "many": [1, 2]}),
    );
}

#[test]
fn a_secret_is_read_where_it_is_there() {
    let flow = parse(
        "use: {secrets: [key, other]}\ndo: [{a: {input: {from: '{k: $secrets.key}'}, set: {k: '${ .k }'}}}]",
    );
    let secrets = [
        ("key".to_owned(), json!("visibly-fake")),
        ("undeclared".to_owned(), json!("x")),
    ];
    let mut world = World::with_secrets(&flow, secrets.into());
    world.start(json!({}));
    assert_eq!(world.output(), &json!({"k": "visibly-fake"}));

    let mut world = World::new(&flow);
    world.start(json!({}));
    let fault = world.fault();
    assert_eq!(
        (
            fault.status,
            fault.instance.as_deref(),
            fault.code.as_deref()
        ),
        (403, Some("/do/0/a"), Some("secret.missing"))
    );
    assert!(
        fault.detail.as_deref().unwrap().contains("\"key\""),
        "{fault:?}"
    );
}

#[test]
fn a_changed_secret_counts_from_its_line_on() {
    let flow = parse(
        "use: {secrets: [key]}\ndo:\n\
         - first: {input: {from: '{k: $secrets.key}'}, set: {first: '${ .k }'}}\n\
         - pause: {wait: PT1H}\n\
         - second: {input: {from: '. + {second: $secrets.key}'}, set: '${ . }'}\n",
    );
    let values = |value: &str| [("key".to_owned(), json!(value))].into();
    let mut world = World::with_secrets(&flow, values("fake-old"));
    world.start(json!({}));
    world.apply(Event::Secrets {
        values: Secrets(values("fake-new")),
    });
    world.play();
    let both = json!({"first": "fake-old", "second": "fake-new"});
    assert_eq!(world.output(), &both);
    let mut replay = World::with_secrets(&flow, values("fake-old"));
    for line in &world.journal {
        replay.machine.apply(line);
    }
    assert_eq!(replay.output(), &both);
    let line = serde_json::to_value(&world.journal[1]).unwrap();
    assert_eq!(
        line["event"],
        json!({"kind": "secrets", "values": {"key": "fake-new"}})
    );
    assert!(!format!("{:?}", world.journal[1]).contains("fake-new"));
}

#[test]
fn heavy_expressions_are_asked_for_wherever_they_stand() {
    let flow = "
do:
  - a:
      if: '[range(3)] | length == 3'
      input: {from: '{n: ([range(.n)] | add)}'}
      set: {x: '${ [range(.n)] | length }', y: '${ [range(2)] }', z: 1}
      output: {as: '{o: ([range(.x)] | length), y}'}
      export: {as: '{e: [range(2)], o: $output.o}'}
  - b: {switch: [{c: {when: '[range(2)] | length == 1', then: end}}, {d: {when: '[range(2)] | length == 2', then: c}}]}
  - never: {set: '${ . }'}
  - c: {for: {in: '[range(3)]'}, while: '[range($index)] | length < 2', do: [{d: {set: {s: '${ [.s, ([range($item)] | length)] }'}}}]}
  - e: {set: {was: '${ . }', context: '${ $context }'}}
";
    let flow = flow.replace("  - never: {set: '${ . }'}\n", "");
    let world = run(&flow, json!({"n": 4}));
    assert_eq!(
        world.output(),
        &json!({"was": {"s": [[null, 0], 1]}, "context": {"e": [0, 1], "o": 6}})
    );
    let asked: Vec<String> = world
        .commands
        .iter()
        .flatten()
        .map(|command| command.id().0.clone())
        .collect();
    assert_eq!(
        asked,
        [
            "/do/0/a#if",
            "/do/0/a#input.from",
            "/do/0/a#set",
            "/do/0/a#set.2",
            "/do/0/a#output.as",
            "/do/0/a#export.as",
            "/do/1/b#switch.c",
            "/do/1/b#switch.d",
            "/do/2/c#for.in",
            "/do/2/c#for.while[0]",
            "/do/2/c[0]/do/0/d#set",
            "/do/2/c#for.while[1]",
            "/do/2/c[1]/do/0/d#set",
            "/do/2/c#for.while[2]",
        ]
    );
}

#[test]
fn answers_of_heavy_expressions_may_come_in_any_order() {
    let flow = parse("do: [{a: {set: {x: '${ [range(1)] }', y: '${ [range(2)] }'}}}]");
    let mut world = World::new(&flow);
    assert_eq!(world.start(json!({})).len(), 2);
    assert!(
        world
            .complete("/do/0/a#set.2", Ok(json!([0, 1])))
            .is_empty()
    );
    world.complete("/do/0/a#set", Ok(json!([0])));
    assert_eq!(world.output(), &json!({"x": [0], "y": [0, 1]}));
}

#[test]
fn a_heavy_expression_that_fails_is_a_fault_of_its_task() {
    let flow = parse(
        "do: [{t: {try: [{a: {set: {x: '${ [range(1)] }'}}}], catch: {do: [{b: {set: '${ $error.instance }'}}]}}}]",
    );
    let mut world = World::new(&flow);
    world.start(json!({}));
    let fault = flow::Fault::new(flow::FaultType::Expression, "too much").code("expr.limit_cpu");
    world.complete("/do/0/t/try/0/a#set", Err(fault));
    assert_eq!(world.output(), &json!("/do/0/t/try/0/a"));
}

#[test]
fn every_fault_of_the_machine_has_a_code() {
    let raised = |part: &str| {
        format!(
            "do: [{{a: {{raise: {{error: {{type: 'https://contoso.example/e', status: 500, {part}}}}}}}}}]"
        )
    };
    for (rest, code) in [
        (raised("title: '${ 5 }'"), "expr.type"),
        (raised("detail: '${ {} }'"), "expr.type"),
        ("do: [{a: {wait: '${ 5 }'}}]".to_owned(), "expr.type"),
        ("do: [{a: {for: {in: '${ 5 }'}, do: [{b: {set: {x: 1}}}]}}]".to_owned(), "expr.type"),
        ("do: [{a: {call: http, with: {method: get, endpoint: '${ 5 }'}}}]".to_owned(), "expr.type"),
        ("do: [{a: {emit: {event: {with: {source: 'https://contoso.example/s', type: '${ [] }'}}}}}]".to_owned(), "expr.type"),
        ("do: [{a: {emit: {event: {with: {source: 'https://contoso.example/s', type: '${ \"\" }'}}}}}]".to_owned(), "event.invalid"),
        ("input: {schema: {document: {type: string}}}\ndo: [{a: {set: {x: 1}}}]".to_owned(), "data.invalid"),
        ("timeout: {after: PT1S}\ndo: [{a: {wait: PT2S}}]".to_owned(), "flow.timeout"),
        (
            "do: [{a: {try: [{b: {wait: PT2S}}], catch: {retry: {delay: PT1S, limit: {duration: PT1S}}}}}]".to_owned(),
            "flow.timeout",
        ),
    ] {
        let world = run(&rest, json!({}));
        assert_eq!(world.fault().code.as_deref(), Some(code), "{rest}");
    }
}

#[test]
fn http_arguments_take_their_form() {
    let flow = parse(
        "
do:
  - a:
      call: http
      with:
        method: post
        endpoint: {uri: 'https://contoso.example/u/{id}?x={n}'}
        headers: {one: '${ .n }', gone: '${ .nothing }', many: '${ .list }'}
        query: {q: '${ .list }'}
        body: {all: '${ . }'}
",
    );
    let mut world = World::new(&flow).answer("/do/0/a", Answer::Value(json!({"ok": true})));
    let commands = world.start(json!({"id": "a/b", "n": 7, "list": ["x", "y"]}));
    let expected = json!([{
        "command": "call",
        "id": "/do/0/a",
        "call": {
            "call": "http",
            "method": "POST",
            "endpoint": "https://contoso.example/u/a%2Fb?x=7",
            "headers": [["one", "7"], ["many", "x"], ["many", "y"]],
            "query": [["q", "x"], ["q", "y"]],
            "body": {"all": {"id": "a/b", "n": 7, "list": ["x", "y"]}},
            "authentication": {"kind": "none"},
            "output": "content",
            "redirect": false,
            "outcome_unknown": "park",
        },
    }]);
    assert_eq!(json!(commands), expected);
    world.play();
    assert_eq!(world.output(), &json!({"ok": true}));
}

#[test]
fn a_header_cannot_carry_a_line_break_and_an_endpoint_no_object() {
    let call = |with: &str| format!("do: [{{a: {{call: http, with: {{method: get, {with}}}}}}}]");
    check_fault(
        &call("endpoint: 'https://contoso.example', headers: {h: '${ .h }'}"),
        json!({"h": "a\r\nb: c"}),
        "expression 400 /do/0/a",
    );
    check_fault(
        &call("endpoint: 'https://contoso.example/{h}'"),
        json!({"h": {}}),
        "expression 400 /do/0/a",
    );
    check_fault(
        &call("endpoint: '${ .h }'"),
        json!({"h": 1}),
        "expression 400 /do/0/a",
    );
}

#[test]
fn a_function_of_the_flow_gets_its_arguments_as_raw_input() {
    let flow = "
use:
  functions:
    greet:
      input: {schema: {document: {required: [name]}}}
      set: {text: '${ \"hello \\(.name)\" }', where: '${ $task.reference }'}
      export: {as: '{greeted: true}'}
do:
  - a: {call: greet, with: {name: '${ .who }'}, output: {as: '. + {context: $context}'}}
  - b: {set: {was: '${ . }', context: '${ $context }'}}
";
    check(
        flow,
        json!({"who": "rex"}),
        json!({"was": {"text": "hello rex", "where": "/use/functions/greet", "context": {"greeted": true}}, "context": {"greeted": true}}),
    );
    check_fault(
        &flow.replace("name: '${ .who }'", "n: 1"),
        json!({}),
        "validation 400 /use/functions/greet",
    );
}

#[test]
fn raise_names_its_own_task() {
    let flow = "do: [{a: {raise: {error: {type: 'https://contoso.example/errors/late', status: 418, title: '${ .t }', detail: '${ [range(2)] | tostring }', instance: /elsewhere}}}}]";
    let world = run(flow, json!({"t": "Too late"}));
    let fault = world.fault();
    assert_eq!(
        fault.error(),
        json!({"type": "https://contoso.example/errors/late", "status": 418, "title": "Too late", "detail": "[0,1]", "instance": "/do/0/a"})
    );
}

#[test]
fn a_child_flow_is_run_by_name() {
    let flow = |more: &str| {
        format!(
            "do: [{{a: {{run: {{workflow: {{namespace: n, name: child, version: '1.0.0'{more}}}}}}}}}]"
        )
    };
    check(&flow(""), json!({"x": 1}), json!({"ran": {"x": 1}}));
    check(
        &flow(", input: {y: '${ .x }'}"),
        json!({"x": 1}),
        json!({"ran": {"y": 1}}),
    );
    let unawaited = flow("").replace("run: {", "run: {await: false, ");
    check(&unawaited, json!({"x": 1}), json!({"x": 1}));
    let silent = flow("").replace("run: {", "run: {return: none, ");
    check(&silent, json!({"x": 1}), json!(null));
}

#[test]
fn an_emitted_event_is_complete_and_the_same_in_each_replay() {
    let flow = "do: [{a: {emit: {event: {with: {source: 'https://contoso.example', type: sold, subject: '${ .n }', data: {n: '${ .n }'}}}}}}]";
    let (one, two) = (run(flow, json!({"n": 5})), run(flow, json!({"n": 5})));
    assert_eq!(one.output(), two.output());
    let expected = json!({
        "specversion": "1.0",
        "id": "8061312d-654f-46ed-b662-ad1f7542a171",
        "source": "https://contoso.example",
        "type": "sold",
        "time": "2026-01-01T00:00:00Z",
        "subject": "5",
        "data": {"n": 5},
    });
    assert_eq!(one.output(), &expected);
}

#[test]
fn waiting_for_nothing_goes_on_at_once() {
    let flow = parse("do: [{a: {wait: '${ .d }'}}]");
    for (duration, waits) in [("PT0S", false), ("PT1S", true), ("P1D", true)] {
        let mut world = World::new(&flow);
        let commands = world.start(json!({"d": duration}));
        assert_eq!(commands.len(), usize::from(waits), "{duration}");
        world.play();
        assert_eq!(world.output(), &json!({"d": duration}));
    }
    check_fault(
        "do: [{a: {wait: '${ .d }'}}]",
        json!({"d": "P1M"}),
        "expression 400 /do/0/a",
    );
}
