//! Listening and paging (flows.md B11, decisions 4 and 9).

use flow::machine::Status;
use serde_json::{Value, json};

use crate::world::{Answer, World, check_fault, parse};

fn event(r#type: &str, data: impl Into<Value>) -> Value {
    let data = data.into();
    json!({"specversion": "1.0", "id": "1", "source": "https://contoso.example", "type": r#type, "data": data})
}

/// Starts a flow whose first task, `l`, listens.
fn listening(listen: &str, input: Value) -> World {
    let mut world = World::new(&parse(&format!("do: [{{l: {{listen: {{{listen}}}}}}}]")));
    world.start(input);
    world
}

fn hear(world: &mut World, events: &[(&str, Value)]) -> Value {
    for (r#type, data) in events {
        world.arrive(Some("/do/0/l"), event(r#type, data.clone()));
    }
    match world.machine.status() {
        Status::Completed(output) => output.clone(),
        _ => Value::String("listening".to_owned()),
    }
}

#[test]
fn one_takes_the_first_that_fits() {
    let mut world = listening("to: {one: {with: {type: a}}}", json!({}));
    assert_eq!(world.machine.status(), &Status::Waiting);
    assert_eq!(
        hear(
            &mut world,
            &[("b", json!(1)), ("a", json!(2)), ("a", json!(3))]
        ),
        json!([2])
    );
    assert_eq!(
        json!(world.commands[2]),
        json!([{"command": "abandon", "id": "/do/0/l"}])
    );
}

#[test]
fn any_without_until_takes_the_first_too() {
    let mut world = listening(
        "to: {any: [{with: {type: a}}, {with: {type: b}}]}",
        json!({}),
    );
    assert_eq!(
        hear(&mut world, &[("c", json!(1)), ("b", json!(2))]),
        json!([2])
    );
    let mut world = listening("to: {any: []}", json!({}));
    assert_eq!(json!(world.commands[0])[0]["filters"], json!([]));
    assert_eq!(hear(&mut world, &[("c", json!(1))]), json!([1]));
}

#[test]
fn all_takes_one_event_for_each_filter() {
    let mut world = listening(
        "to: {all: [{with: {type: a}}, {with: {type: b}}]}",
        json!({}),
    );
    assert_eq!(
        hear(
            &mut world,
            &[
                ("b", json!(1)),
                ("b", json!(2)),
                ("c", json!(3)),
                ("a", json!(4))
            ]
        ),
        json!([1, 4])
    );
}

#[test]
fn until_is_tested_after_each_event_on_what_was_consumed() {
    for until in ["'. | length >= 2'", "'([range(.[-1])] | length) >= 7'"] {
        let mut world = listening(
            &format!("to: {{any: [{{with: {{type: a}}}}], until: {until}}}"),
            json!({}),
        );
        for n in [5, 7] {
            world.arrive(Some("/do/0/l"), event("a", json!(n)));
            world.play();
        }
        assert_eq!(world.output(), &json!([5, 7]), "{until}");
    }
}

#[test]
fn the_events_of_until_are_not_in_the_output() {
    let mut world = listening(
        "to: {any: [{with: {type: a}}], until: {one: {with: {type: stop}}}}",
        json!({}),
    );
    assert_eq!(
        hear(
            &mut world,
            &[
                ("a", json!(1)),
                ("a", json!(2)),
                ("stop", json!(3)),
                ("a", json!(4))
            ]
        ),
        json!([1, 2])
    );
    let filters = json!(world.commands[0])[0]["filters"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(filters, 2);
}

#[test]
fn read_says_what_an_event_looks_like() {
    let raw = |read: &str| {
        hear(
            &mut listening(
                &format!("to: {{one: {{with: {{type: a}}}}}}, read: {read}"),
                json!({}),
            ),
            &[("a", json!({"n": 1}))],
        )
    };
    assert_eq!(raw("data"), json!([{"n": 1}]));
    assert_eq!(raw("envelope"), json!([event("a", json!({"n": 1}))]));
    assert_eq!(raw("raw"), json!(["{\"n\":1}"]));
}

#[test]
fn a_correlation_is_what_is_expected_or_what_the_first_event_fixed() {
    let expected = "to: {all: [{with: {type: a}, correlate: {order: {from: .data.order, expect: '${ .order }'}}}]}";
    let mut world = listening(expected, json!({"order": 2}));
    assert_eq!(
        hear(
            &mut world,
            &[
                ("a", json!({"order": 1})),
                ("a", json!({})),
                ("a", json!({"order": 2, "x": 1}))
            ]
        ),
        json!([{"order": 2, "x": 1}])
    );

    let fixed = "to: {all: [{with: {type: a}, correlate: {order: {from: .data.order}}}, {with: {type: b}, correlate: {order: {from: .data.order}}}]}";
    let mut world = listening(fixed, json!({}));
    let output = hear(
        &mut world,
        &[
            ("a", json!({})),
            ("a", json!({"order": 1})),
            ("b", json!({"order": 2})),
            ("b", json!({"order": 1, "y": 1})),
        ],
    );
    assert_eq!(output, json!([{"order": 1}, {"order": 1, "y": 1}]));
}

#[test]
fn each_item_is_worked_on_in_turn() {
    let listen = "
do:
  - l:
      listen: {to: {any: [{with: {type: a}}], until: '. | length >= 2'}}
      foreach:
        item: it
        at: n
        do: [{w: {wait: PT1S}}, {x: {set: {it: '${ $it }', n: '${ $n }', was: '${ . }'}}}]
        output: {as: '[.it, .n, .was]'}
        export: {as: '{items: (($context.items // []) + [$output[0]])}'}
  - z: {set: '${ [., $context] }'}
";
    let mut world = World::new(&parse(listen));
    world.start(json!({"in": 1}));
    for n in [5, 6, 7] {
        world.arrive(Some("/do/0/l"), event("a", json!(n)));
    }
    assert_eq!(world.pending(), ["/do/0/l", "/do/0/l[0]/foreach/do/0/w"]);
    world.play();
    assert_eq!(
        world.output(),
        &json!([[[5, 0, {"in": 1}], [6, 1, {"in": 1}]], {"items": [5, 6]}])
    );
}

#[test]
fn events_for_the_run_wait_until_something_listens() {
    let flow = parse(
        "do: [{w: {wait: PT1S}}, {a: {listen: {to: {one: {with: {type: a}}}}}}, {b: {listen: {to: {one: {with: {type: b}}}}}}]",
    );
    let mut world = World::new(&flow);
    world.start(json!({}));
    for (r#type, data) in [("b", 1), ("a", 2), ("a", 3)] {
        world.arrive(None, event(r#type, json!(data)));
    }
    assert_eq!(world.pending(), ["/do/0/w"]);
    world.play();
    assert_eq!(world.output(), &json!([1]));
    // What is heard at once is never asked for outside.
    assert_eq!(world.commands.iter().flatten().count(), 1);
}

#[test]
fn an_event_for_the_run_is_heard_once() {
    let flow = parse(
        "do: [{f: {fork: {branches: [{a: {listen: {to: {any: []}}}}, {b: {listen: {to: {any: []}}}}]}}}]",
    );
    let mut world = World::new(&flow);
    world.start(json!({}));
    world.arrive(None, event("x", json!(1)));
    assert_eq!(world.pending(), ["/do/0/f/fork/branches/1/b"]);
    world.arrive(None, event("x", json!(2)));
    assert_eq!(world.output(), &json!([[1], [2]]));
}

#[test]
fn a_listener_can_time_out() {
    check_fault(
        "do: [{l: {timeout: {after: PT5S}, listen: {to: {one: {with: {type: a}}}}}}]",
        json!({}),
        "timeout 408 /do/0/l",
    );
}

const PAGED: &str = r#"
do:
  - list: {call: page, with: {endpoint: '${ "https://contoso.example/\(.kind)" }', style: odata MORE}}
  - each: {for: {each: user, in: .}, do: [{w: {set: '${ [., $user] }'}}]}
"#;

fn paged(more: &str) -> World {
    let mut world = World::new(&parse(&PAGED.replace("MORE", more)))
        .answer(
            "/do/1/each#page[0]",
            Answer::Value(json!({"items": [1, 2], "next": "p2"})),
        )
        .answer(
            "/do/1/each#page[1]",
            Answer::Value(json!({"items": [], "next": "p3"})),
        )
        .answer(
            "/do/1/each#page[2]",
            Answer::Value(json!({"items": [3], "next": null})),
        );
    world.start(json!({"kind": "users"}));
    world.play();
    world
}

#[test]
fn a_loop_over_pages_asks_for_one_at_a_time() {
    let world = paged("");
    assert_eq!(
        world.output(),
        &json!([[[{"pages": "/do/0/list"}, 1], 2], 3])
    );
    let calls: Vec<Value> = world
        .commands
        .iter()
        .flatten()
        .map(|command| json!(command)["call"]["arguments"].clone())
        .collect();
    let call = |cursor: Value| json!({"endpoint": "https://contoso.example/users", "style": "odata", "cursor": cursor});
    assert_eq!(
        calls,
        [call(json!(null)), call(json!("p2")), call(json!("p3"))]
    );
}

#[test]
fn a_loop_over_pages_stops_at_its_most() {
    let world = paged(", maxItems: 1");
    assert_eq!(world.output(), &json!([{"pages": "/do/0/list"}, 1]));
    assert_eq!(world.commands.iter().flatten().count(), 1);
}

#[test]
fn pages_can_be_collected() {
    let flow =
        "do: [{list: {call: page, with: {endpoint: 'https://contoso.example/', collect: true}}}]";
    let mut world = World::new(&parse(flow))
        .answer(
            "/do/0/list#page[0]",
            Answer::Value(json!({"items": [1, 2], "next": "p2"})),
        )
        .answer("/do/0/list#page[1]", Answer::Value(json!({"items": [3]})));
    world.start(json!({}));
    world.play();
    assert_eq!(world.output(), &json!([1, 2, 3]));

    let many: Vec<u32> = (0..=10_000).collect();
    let mut world = World::new(&parse(flow)).answer(
        "/do/0/list#page[0]",
        Answer::Value(json!({"items": many, "next": null})),
    );
    world.start(json!({}));
    world.play();
    assert_eq!(world.fault().code.as_deref(), Some("pagination.limit"));
}

#[test]
fn a_page_must_be_one() {
    let flow =
        "do: [{list: {call: page, with: {endpoint: 'https://contoso.example/', collect: true}}}]";
    let mut world =
        World::new(&parse(flow)).answer("/do/0/list#page[0]", Answer::Value(json!([1])));
    world.start(json!({}));
    world.play();
    assert_eq!(
        (world.fault().status, world.fault().instance.as_deref()),
        (500, Some("/do/0/list"))
    );
}

#[test]
fn a_handle_of_another_run_is_plain_data() {
    check_fault(
        "do: [{l: {for: {in: '{pages: \"/do/7/list\"}'}, do: [{a: {set: '${ 1 }'}}]}}]",
        json!({}),
        "expression 400 /do/0/l",
    );
}
