//! One task: what all kinds have, and which kind it is.

use super::Reader;
use super::block::Siblings;
use super::call::PROTOCOLS;
use super::data::flat;
use super::fields::{At, Fields};
use super::findings::SCHEMA;
use super::nearest::nearest;
use super::scope::{Place, Scope};
use crate::command::OutcomeUnknown;
use crate::definition::{Kind, Task, Then};

const BASE: [&str; 7] = [
    "if", "input", "output", "export", "timeout", "then", "metadata",
];

/// Each kind's word, and the keys that belong to it alone.
const KINDS: [(&str, &[&str]); 12] = [
    ("call", &["with"]),
    ("do", &[]),
    ("emit", &[]),
    ("for", &["while", "do"]),
    ("fork", &[]),
    ("listen", &["foreach"]),
    ("raise", &[]),
    ("run", &[]),
    ("set", &[]),
    ("switch", &[]),
    ("try", &["catch"]),
    ("wait", &[]),
];

impl<'t> Reader<'_, 't> {
    pub(super) fn task(
        &mut self,
        name: &str,
        at: &At<'t>,
        scope: &Scope,
        siblings: &Siblings<'t>,
    ) -> Option<Task> {
        self.count_task(at)?;
        let fields = self.open_fields(at)?;
        let kind = self.kind_word(&fields)?;
        let outcome_unknown = fields
            .get("metadata")
            .map_or(Some(OutcomeUnknown::Park), |at| {
                self.task_metadata(&at, &fields)
            });
        let condition = fields
            .get("if")
            .map(|at| self.expression(&at, &scope.at(Place::Condition)));
        let input = fields
            .get("input")
            .map(|at| self.input(&at, &scope.at(Place::Input)));
        let body = scope.at(Place::Body);
        let kind = self.kind(
            kind,
            &fields,
            &body,
            siblings,
            outcome_unknown.unwrap_or_default(),
        );
        let output = fields
            .get("output")
            .map(|at| self.output(&at, &scope.at(Place::Output)));
        let export = fields
            .get("export")
            .map(|at| self.export(&at, &scope.at(Place::Export)));
        let timeout = fields.get("timeout").map(|at| self.timeout(&at, &body));
        let then = fields
            .get("then")
            .map_or(Some(Then::Continue), |at| self.then(&at, siblings));
        outcome_unknown?;
        Some(Task {
            name: name.into(),
            reference: at.pointer.as_str().into(),
            definition: at.node.data.to_json().into(),
            condition: flat(condition)?,
            input: flat(input)?.unwrap_or_default(),
            output: flat(output)?.unwrap_or_default(),
            export: flat(export)?.unwrap_or_default(),
            timeout: flat(timeout)?,
            then: then?,
            kind: kind?,
        })
    }

    /// The one word that says what a task does. Its keys are judged here, so that a misspelt word is reported as one.
    fn kind_word(&mut self, fields: &Fields<'t>) -> Option<&'static str> {
        let written: Vec<_> = KINDS.iter().filter(|(word, _)| fields.has(word)).collect();
        let does_for = fields.has("for");
        let kinds: Vec<_> = written
            .into_iter()
            .filter(|(word, _)| !(does_for && *word == "do"))
            .collect();
        match kinds.as_slice() {
            [(word, own)] => {
                let known: Vec<&str> = std::iter::once(*word)
                    .chain(own.iter().copied())
                    .chain(BASE)
                    .collect();
                self.refuse_unknown(fields, &known);
                Some(word)
            }
            [] => {
                let all = KINDS.map(|(word, _)| word);
                let unknown = fields
                    .at
                    .members()
                    .map(|(key, ..)| key)
                    .find(|key| !BASE.contains(key));
                let near = unknown.and_then(|key| nearest(key, all));
                let message = match unknown {
                    Some(key) => format!(
                        "no kind of task: unknown key `{}`",
                        super::fields::shown(key)
                    ),
                    None => "a task says what it does".to_owned(),
                };
                self.error(&fields.at, SCHEMA, message).hint(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("one of {}", all.join(", ")),
                });
                None
            }
            [(first, _), (second, _), ..] => {
                self.error(
                    &fields.at,
                    SCHEMA,
                    format!("a task does one thing: here are `{first}` and `{second}`"),
                )
                .hint("make two tasks of it");
                None
            }
        }
    }

    fn kind(
        &mut self,
        word: &str,
        fields: &Fields<'t>,
        scope: &Scope,
        siblings: &Siblings<'t>,
        outcome: OutcomeUnknown,
    ) -> Option<Kind> {
        let at = fields.get(word)?;
        Some(match word {
            "call" => Kind::Call(Box::new(self.call(fields, scope, outcome)?)),
            "do" => Kind::Do(self.block(&at, scope)?),
            "emit" => Kind::Emit(self.emit(&at, scope)?),
            "for" => Kind::For(Box::new(self.r#for(fields, scope)?)),
            "fork" => Kind::Fork(self.fork(&at, scope)?),
            "listen" => Kind::Listen(Box::new(self.listen(fields, scope)?)),
            "raise" => Kind::Raise(self.raise(&at, scope)?),
            "run" => Kind::Run(self.run(&at, scope)?),
            "set" => Kind::Set(self.set(&at, scope)?),
            "switch" => Kind::Switch(self.switch(&at, scope, siblings)?),
            "try" => Kind::Try(Box::new(self.r#try(fields, scope)?)),
            _ => Kind::Wait(self.duration(&at, scope)?),
        })
    }

    /// `metadata` is free, but for what is Keyway's.
    fn task_metadata(&mut self, at: &At<'t>, task: &Fields<'t>) -> Option<OutcomeUnknown> {
        self.open_fields(at)?;
        let Some((_, _, ours)) = at.members().find(|(key, ..)| *key == "keyway") else {
            return Some(OutcomeUnknown::Park);
        };
        let fields = self.fields(&ours, &["onOutcomeUnknown"])?;
        let Some(member) = fields.get("onOutcomeUnknown") else {
            return Some(OutcomeUnknown::Park);
        };
        let calls = task.get("call").is_some_and(|at| {
            at.as_text()
                .is_some_and(|text| PROTOCOLS.contains(&text.value.as_str()))
        });
        if !calls {
            self.error(
                &member,
                SCHEMA,
                "`onOutcomeUnknown` belongs to a task with call: http or call: openapi",
            );
            return None;
        }
        let words = [
            ("park", OutcomeUnknown::Park),
            ("retry", OutcomeUnknown::Retry),
            ("fail", OutcomeUnknown::Fail),
        ];
        self.word(&member, &words)
    }
}
