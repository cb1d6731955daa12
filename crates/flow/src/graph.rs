//! A flow as a picture: Mermaid text, made from the definition alone.
//!
//! A task is a node, a task that holds others a subgraph. Edges say what comes next; those of a `switch`, of a `then` and of a
//! `catch` say why. Nothing of a run is in it.

use std::fmt::Write as _;

use crate::definition::task::{Case, Compete};
use crate::definition::{
    Block, CallTask, Consume, Duration, Endpoint, Expression, Flow, Kind, Task, Template, Then,
    Trigger, Uri,
};

/// The flow as a Mermaid flowchart.
pub fn mermaid(flow: &Flow) -> String {
    let mut graph = Graph::default();
    graph.line("flowchart TD");
    graph.depth = 1;
    let start = graph.node(("([", "])"), &starts(flow));
    let first = graph.block(&flow.tasks, Some("finish"));
    graph.line(&format!("{start} --> {first}"));
    graph.line("finish([\"end\"])");
    for edge in std::mem::take(&mut graph.edges) {
        graph.line(&edge);
    }
    graph.text
}

/// Text, the edges that follow when all nodes are placed, and the numbers given so far.
#[derive(Default)]
struct Graph {
    text: String,
    edges: Vec<String>,
    depth: usize,
    nodes: usize,
}

impl Graph {
    fn line(&mut self, line: &str) {
        let _ = writeln!(self.text, "{}{line}", "  ".repeat(self.depth));
    }

    fn name(&mut self) -> String {
        self.nodes += 1;
        format!("n{}", self.nodes)
    }

    fn node(&mut self, (open, close): (&str, &str), label: &str) -> String {
        let name = self.name();
        self.line(&format!("{name}{open}\"{label}\"{close}"));
        name
    }

    fn edge(&mut self, from: &str, to: &str, why: Option<&str>) {
        let edge = match why {
            Some(why) => format!("{from} -->|\"{why}\"| {to}"),
            None => format!("{from} --> {to}"),
        };
        self.edges.push(edge);
    }

    /// A frame around what `inside` draws; its name.
    fn frame(&mut self, label: &str, inside: impl FnOnce(&mut Graph)) -> String {
        let name = self.name();
        self.line(&format!("subgraph {name}[\"{label}\"]"));
        self.depth += 1;
        inside(self);
        self.depth -= 1;
        self.line("end");
        name
    }

    /// Tasks of a list with the ways between them; where it begins. `after` is what the end of the list leads to.
    fn block(&mut self, block: &Block, after: Option<&str>) -> String {
        let names: Vec<String> = block.0.iter().map(|task| self.task(task)).collect();
        let exits = block.0.iter().any(|task| leaves(task)) && after.is_none();
        let out = match after {
            Some(after) => after.to_owned(),
            None if exits => self.node(("((", "))"), "exit"),
            None => String::new(),
        };
        for (position, task) in block.0.iter().enumerate() {
            let name = &names[position];
            let next = names.get(position + 1).or(after.is_some().then_some(&out));
            if let Kind::Switch(cases) = &task.kind {
                for case in cases {
                    let label = case_label(case);
                    self.way(name, case.then, &names, next, &out, Some(&label));
                }
                if cases.iter().all(|case| case.when.is_some()) {
                    self.way(name, task.then, &names, next, &out, Some("otherwise"));
                }
            } else if !matches!(task.kind, Kind::Raise(_)) {
                self.way(name, task.then, &names, next, &out, None);
            }
            if task.condition.is_some()
                && task.then != Then::Continue
                && let Some(next) = next
            {
                self.edges.push(format!("{name} -.->|\"skipped\"| {next}"));
            }
        }
        names.into_iter().next().unwrap_or_default()
    }

    /// One way on from a task.
    fn way(
        &mut self,
        from: &str,
        then: Then,
        names: &[String],
        next: Option<&String>,
        out: &str,
        why: Option<&str>,
    ) {
        match then {
            Then::Continue => {
                if let Some(next) = next {
                    self.edge(from, next, why);
                }
            }
            Then::Task(target) => {
                if let Some(target) = names.get(target) {
                    self.edge(from, target, why.or(Some("then")));
                }
            }
            Then::Exit => self.edge(from, out, why),
            Then::End => self.edge(from, "finish", why.or(Some("end"))),
        }
    }

    fn task(&mut self, task: &Task) -> String {
        let title = title(task);
        match &task.kind {
            Kind::Do(block) => self.frame(&title, |graph| {
                graph.block(block, None);
            }),
            Kind::For(each) => {
                let mut label = format!(
                    "{title}: each {} in {}",
                    escape(&each.each),
                    source(&each.r#in)
                );
                if let Some(condition) = &each.r#while {
                    let _ = write!(label, ", while {}", source(condition));
                }
                self.frame(&label, |graph| {
                    graph.block(&each.r#do, None);
                })
            }
            Kind::Fork(fork) => {
                let label = match fork.compete {
                    Compete::All => title,
                    Compete::First => format!("{title}: the first that succeeds"),
                };
                self.frame(&label, |graph| {
                    for branch in &fork.branches.0 {
                        let name = graph.task(branch);
                        if branch.then == Then::End {
                            graph.edge(&name, "finish", Some("end"));
                        }
                    }
                })
            }
            Kind::Try(attempt) => self.frame(&title, |graph| {
                let tried = graph.frame("try", |graph| {
                    graph.block(&attempt.r#try, None);
                });
                let caught = catch_label(attempt);
                let handled = match &attempt.catch.r#do {
                    Some(block) => graph.frame(&caught, |graph| {
                        graph.block(block, None);
                    }),
                    None => graph.node(("[", "]"), &caught),
                };
                graph
                    .edges
                    .push(format!("{tried} -.->|\"error\"| {handled}"));
            }),
            Kind::Listen(listen)
                if listen
                    .foreach
                    .as_ref()
                    .is_some_and(|each| each.r#do.is_some()) =>
            {
                let label = format!("{title}: {}", consumed(&listen.to));
                self.frame(&label, |graph| {
                    if let Some(block) = listen.foreach.as_ref().and_then(|each| each.r#do.as_ref())
                    {
                        graph.block(block, None);
                    }
                })
            }
            Kind::Switch(_) => self.node(("{", "}"), &title),
            kind => {
                let label = match what(kind) {
                    Some(what) => format!("{title}<br/>{what}"),
                    None => title,
                };
                self.node(("[", "]"), &label)
            }
        }
    }
}

/// Whether a task leaves its list by `exit`.
fn leaves(task: &Task) -> bool {
    let cases = match &task.kind {
        Kind::Switch(cases) => cases.iter().any(|case| case.then == Then::Exit),
        _ => false,
    };
    cases || task.then == Then::Exit
}

/// Name and kind, and on what it depends.
fn title(task: &Task) -> String {
    let kind = match &task.kind {
        Kind::Set(_) => "set",
        Kind::Do(_) => "do",
        Kind::Switch(_) => "switch",
        Kind::For(_) => "for",
        Kind::Fork(_) => "fork",
        Kind::Try(_) => "try",
        Kind::Raise(_) => "raise",
        Kind::Wait(_) => "wait",
        Kind::Emit(_) => "emit",
        Kind::Listen(_) => "listen",
        Kind::Run(_) => "run",
        Kind::Call(_) => "call",
    };
    let condition = task
        .condition
        .as_ref()
        .map(|condition| format!(" if {}", source(condition)))
        .unwrap_or_default();
    format!("{} · {kind}{condition}", escape(&task.name))
}

/// What a task does, in a few words.
fn what(kind: &Kind) -> Option<String> {
    Some(match kind {
        Kind::Call(call) => match call.as_ref() {
            CallTask::Http(http) => {
                format!("{} {}", escape(&http.method), endpoint(&http.endpoint))
            }
            CallTask::OpenApi(openapi) => escape(&openapi.operation),
            CallTask::Function(function) => escape(&function.name),
            CallTask::Catalog(function) => escape(&function.name),
        },
        Kind::Wait(Duration::Fixed(duration)) => escape(&duration.to_string()),
        Kind::Wait(Duration::Expression(expression)) => source(expression),
        Kind::Emit(event) => template(event.get("type")?),
        Kind::Raise(error) => format!("{} {}", error.status, template(&error.r#type)),
        Kind::Listen(listen) => consumed(&listen.to),
        Kind::Run(run) => escape(&format!("{}/{}", run.flow.namespace, run.flow.name)),
        _ => return None,
    })
}

/// What starts the flow.
fn starts(flow: &Flow) -> String {
    let mut all: Vec<String> = flow
        .schedule
        .iter()
        .flat_map(|schedule| &schedule.triggers)
        .map(trigger)
        .collect();
    all.extend(
        flow.settings
            .webhooks
            .iter()
            .map(|hook| format!("hook {}", escape(&hook.name))),
    );
    if all.is_empty() {
        return "start".to_owned();
    }
    format!("start<br/>{}", all.join("<br/>"))
}

fn trigger(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Cron(pattern) => format!("cron {}", escape(pattern)),
        Trigger::Every(duration) => format!("every {}", escape(&duration.to_string())),
        Trigger::After(duration) => format!("after {}", escape(&duration.to_string())),
        Trigger::On { to, .. } => format!("on {}", consumed(to)),
    }
}

fn consumed(consume: &Consume) -> String {
    let (word, filters) = match consume {
        Consume::All(filters) => ("all of", filters.as_slice()),
        Consume::Any { filters, .. } => ("any of", filters.as_slice()),
        Consume::One(filter) => ("", std::slice::from_ref(filter)),
    };
    let types: Vec<String> = filters
        .iter()
        .map(|filter| match filter.with.get("type") {
            Some(crate::definition::listen::AttributeTest::Constant { value }) => {
                value.as_str().map_or_else(|| "an event".to_owned(), escape)
            }
            _ => "an event".to_owned(),
        })
        .collect();
    match types.as_slice() {
        [] => "any event".to_owned(),
        [one] => one.clone(),
        several => format!("{word} {}", several.join(", ")),
    }
}

fn catch_label(attempt: &crate::definition::task::TryTask) -> String {
    let filter = &attempt.catch.errors;
    let mut parts = vec!["catch".to_owned()];
    parts.extend(filter.status.map(|status| status.to_string()));
    parts.extend(
        filter
            .r#type
            .as_deref()
            .map(|text| escape(text.rsplit('/').next().unwrap_or(text))),
    );
    if let Some(retry) = &attempt.catch.retry {
        parts.push(match retry.count {
            Some(count) => format!("· retry up to {count} times"),
            None => "· retry".to_owned(),
        });
    }
    parts.join(" ")
}

fn case_label(case: &Case) -> String {
    match &case.when {
        Some(when) => format!("{}: {}", escape(&case.name), source(when)),
        None => escape(&case.name),
    }
}

fn endpoint(endpoint: &Endpoint) -> String {
    match &endpoint.uri {
        Uri::Template(text) => escape(text),
        Uri::Expression(expression) => source(expression),
    }
}

fn template(template: &Template) -> String {
    match template {
        Template::Expression(expression) => source(expression),
        Template::Literal(serde_json::Value::String(text)) => escape(text),
        _ => String::new(),
    }
}

fn source(expression: &Expression) -> String {
    escape(expression.program.source().trim())
}

/// Text that is a label and nothing else: short, on one line, none of Mermaid's or HTML's signs.
fn escape(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut out = String::new();
    for (position, character) in text.chars().enumerate() {
        if position == LONGEST {
            out.push('…');
            break;
        }
        match character {
            '"' => out.push_str("#quot;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '&' => out.push_str("#amp;"),
            '#' => out.push_str("#35;"),
            '`' => out.push_str("#96;"),
            character if character.is_control() => out.push(' '),
            character => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(text: &str) -> String {
        mermaid(&Flow::parse(text).unwrap_or_else(|findings| panic!("{findings:#?}")))
    }

    #[test]
    fn every_construct_is_drawn() {
        insta::assert_snapshot!(drawn(include_str!("parse/tests/rich.yaml")));
    }

    #[test]
    fn ways_are_drawn() {
        insta::assert_snapshot!(drawn(
            "document: {dsl: '1.0.3', namespace: a, name: b, version: '1.0.0'}\n\
             do:\n\
             - choose: {switch: [{small: {when: .n < 10, then: little}}, {big: {when: '.x == \"a|b\"', then: exit}}]}\n\
             - stop: {if: .stop, set: {x: 1}, then: end}\n\
             - little: {do: [{a: {set: {x: 1}, then: exit}}, {b: {set: {x: 1}}}]}\n\
             - '\"] --> evil': {set: {x: 1}, then: choose}\n"
        ));
    }
}
