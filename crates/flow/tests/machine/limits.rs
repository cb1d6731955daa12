//! Each limit, on both sides of it (security.md §4.3).

use std::sync::Arc;

use flow::limits;
use flow::machine::{Machine, Recording, SEMANTICS, Secrets};
use serde_json::{Value, json};

use crate::world::{Answer, World, parse, run};

#[test]
fn rounds_of_a_run() {
    let flow = "do: [{l: {for: {in: .list}, do: [{a: {set: {n: 1}}}]}}]";
    let list = |extra: usize| json!({"list": vec![""; limits::ROUNDS as usize + extra]});
    assert_eq!(run(flow, list(0)).output(), &json!({"n": 1}));
    let world = run(flow, list(1));
    assert_eq!(
        (
            world.fault().code.as_deref(),
            world.fault().instance.as_deref()
        ),
        (Some("flow.limit"), Some("/do/0/l"))
    );
}

#[test]
fn pages_of_a_list() {
    let flow = |more: &str| {
        parse(&format!(
            "do: [{{list: {{call: page, with: {{endpoint: 'https://contoso.example/', collect: true{more}}}}}}}]"
        ))
    };
    let ask = |more: &str, pages: u64| {
        let mut world = World::new(&flow(more));
        for page in 0..pages {
            let next = if page + 1 == pages {
                Value::Null
            } else {
                json!(page + 1)
            };
            world = world.answer(
                &format!("/do/0/list#page[{page}]"),
                Answer::Value(json!({"items": [page], "next": next})),
            );
        }
        world.start(json!({}));
        world.play();
        world
    };
    assert_eq!(
        ask("", limits::PAGES).output().as_array().unwrap().len(),
        1_000
    );
    assert_eq!(
        ask("", limits::PAGES + 1).fault().code.as_deref(),
        Some("pagination.limit")
    );
    assert_eq!(
        ask(", maxItems: 5000", limits::PAGES + 1)
            .output()
            .as_array()
            .unwrap()
            .len(),
        1_001
    );
}

#[test]
fn items_that_are_collected() {
    let flow = parse(
        "do: [{list: {call: page, with: {endpoint: 'https://contoso.example/', collect: true}}}]",
    );
    let collect = |items: usize| {
        let mut world = World::new(&flow).answer(
            "/do/0/list#page[0]",
            Answer::Value(json!({"items": vec![0; items], "next": null})),
        );
        world.start(json!({}));
        world.play();
        world
    };
    assert_eq!(
        collect(limits::COLLECTED_ITEMS)
            .output()
            .as_array()
            .unwrap()
            .len(),
        limits::COLLECTED_ITEMS
    );
    assert_eq!(
        collect(limits::COLLECTED_ITEMS + 1).fault().code.as_deref(),
        Some("pagination.limit")
    );
}

#[test]
fn the_detail_of_a_fault() {
    let flow = "do: [{a: {raise: {error: {type: 'https://contoso.example/e', status: 500, title: t, detail: '${ .text }'}}}}]";
    let detail = |length: usize| {
        run(flow, json!({"text": "ä".repeat(length / 2)}))
            .fault()
            .detail
            .clone()
            .unwrap()
    };
    assert_eq!(detail(limits::DETAIL).len(), limits::DETAIL);
    let cut = detail(limits::DETAIL + 2);
    assert!(cut.len() <= limits::DETAIL && cut.ends_with('…'), "{cut}");
}

#[test]
fn the_deepest_definition_needs_no_deep_stack() {
    // Each level is a list, a map and a map of the text; the limit counts those.
    let depth = (limits::DEPTH - 8) / 3;
    let nest = |inner: &str| {
        let flow = (0..depth).fold(inner.to_owned(), |inner, level| {
            format!("[{{d{level}: {{do: {inner}}}}}]")
        });
        parse(&format!("do: {flow}"))
    };
    let completes = nest("[{a: {set: {n: 1}}}]");
    let fails = nest("[{a: {raise: {error: {type: 'https://contoso.example/e', status: 500}}}}]");
    let small = std::thread::Builder::new().stack_size(64 * 1024);
    let ends = move || {
        let mut worlds = [World::new(&completes), World::new(&fails)];
        for world in &mut worlds {
            world.start(json!({}));
        }
        (worlds[0].output().clone(), worlds[1].fault().status)
    };
    assert_eq!(
        small.spawn(ends).unwrap().join().unwrap(),
        (json!({"n": 1}), 500)
    );
}

/// Events that nobody takes are not kept for ever, and not dropped unsaid.
#[test]
fn events_that_wait() {
    let event = || json!({"specversion": "1.0", "id": "1", "source": "https://contoso.example", "type": "a"});
    let most = limits::EVENTS;
    let slow = "listen: {to: {any: [{with: {type: a}}], until: '${ false }'}}, foreach: {do: [{nap: {wait: PT1H}}]}";
    let mut world = World::new(&parse(&format!(
        "do: [{{t: {{try: [{{l: {{{slow}}}}}], catch: {{as: e, do: [{{said: {{set: '${{ $e }}'}}}}]}}}}}}]"
    )));
    world.start(json!({}));
    // The first is under way, so many wait.
    for _ in 0..=most {
        world.arrive(Some("/do/0/t/try/0/l"), event());
    }
    assert_eq!(world.machine.overflows(), 0);
    world.arrive(Some("/do/0/t/try/0/l"), event());
    assert_eq!(world.machine.overflows(), 1);
    assert_eq!(world.output()["instance"], "/do/0/t/try/0/l");
    let mut world = World::new(&parse("do: [{nap: {wait: PT1H}}]"));
    world.start(json!({}));
    for _ in 0..most {
        world.arrive(None, event());
    }
    assert_eq!(world.machine.overflows(), 0);
    world.arrive(None, event());
    assert_eq!(world.fault().code.as_deref(), Some("event.queue_full"));
}

/// A run goes on under the meaning that it began with: under the first one all events wait.
#[test]
fn a_journal_means_what_it_meant_when_it_began() {
    let flow = parse("do: [{nap: {wait: PT1H}}, {said: {set: '${ $runtime.version }'}}]");
    let machine = || Machine::new(Arc::clone(&flow), Secrets::default(), Recording::Nothing);
    let waited = |semantics: u32| {
        let mut world = World::new(&flow);
        world.machine = machine().meaning(semantics).unwrap();
        world.start(json!({}));
        for at in 0..=limits::EVENTS {
            let id = at.to_string();
            let event = json!({"specversion": "1.0", "id": id, "source": "https://contoso.example", "type": "a"});
            world.arrive(None, event);
        }
        world
    };
    let mut first = waited(1);
    assert_eq!(first.machine.overflows(), 0);
    first.complete("/do/0/nap", Ok(json!(null)));
    assert_eq!(first.output(), &json!("1"));
    for bounded in 2..=SEMANTICS {
        let world = waited(bounded);
        assert_eq!(world.fault().code.as_deref(), Some("event.queue_full"));
    }
    assert_eq!(machine().meaning(0).map(|_| ()), None);
    assert_eq!(machine().meaning(SEMANTICS + 1).map(|_| ()), None);
}
