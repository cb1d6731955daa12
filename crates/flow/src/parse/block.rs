//! Lists of tasks: their names, and where `then` leads.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Reader;
use super::fields::{At, shown};
use super::findings::{DUPLICATE, LIMIT, SCHEMA};
use super::scope::Scope;
use crate::definition::{Block, Then};
use crate::limits;

/// Names of the tasks of one list, in order.
pub(super) type Siblings<'t> = Vec<&'t str>;

impl<'t> Reader<'_, 't> {
    /// A list of named tasks.
    pub(super) fn block(&mut self, at: &At<'t>, scope: &Scope) -> Option<Block> {
        let (block, places) = self.named_tasks(at, scope)?;
        self.judge_ways(&block.0, &places);
        Some(block)
    }

    /// The branches of a `fork`, none of which leads to another.
    pub(super) fn branches(&mut self, at: &At<'t>, scope: &Scope) -> Option<Block> {
        let (block, places) = self.named_tasks(at, scope)?;
        let mut apart = true;
        for (task, place) in block.0.iter().zip(&places) {
            if matches!(task.then, Then::Task(_)) {
                let message = "branches run side by side: none of them leads to another";
                self.error(place, SCHEMA, message);
                apart = false;
            }
        }
        apart.then_some(block)
    }

    fn named_tasks(&mut self, at: &At<'t>, scope: &Scope) -> Option<(Block, Vec<At<'t>>)> {
        let items = self.list(at)?;
        if items.is_empty() {
            self.error(at, SCHEMA, "a list of tasks has at least one")
                .hint("- nameOfTheTask: {set: {done: true}}");
            return None;
        }
        let named: Vec<_> = items.iter().map(|item| self.named(item)).collect();
        let siblings: Siblings<'t> = named
            .iter()
            .map(|named| named.as_ref().map_or("", |(name, _)| *name))
            .collect();
        self.refuse_same_names(&named);
        let tasks: Vec<_> = named
            .iter()
            .map(|named| {
                let (name, at) = named.as_ref()?;
                self.task(name, at, scope, &siblings).map(Arc::new)
            })
            .collect();
        let tasks: Vec<_> = tasks.into_iter().collect::<Option<_>>()?;
        let places = named.into_iter().flatten().map(|(_, at)| at).collect();
        Some((Block(tasks), places))
    }

    /// An object of one key: a name and what it names.
    pub(super) fn named(&mut self, at: &At<'t>) -> Option<(&'t str, At<'t>)> {
        self.open_fields(at)?;
        let mut members = at.members();
        let (Some((name, span, member)), None) = (members.next(), members.next()) else {
            self.error(
                at,
                SCHEMA,
                "an item of this list is a name and what it names, nothing else",
            )
            .hint("indent what belongs to the item below its name");
            return None;
        };
        if let Some(problem) = bad_name(name) {
            self.findings.at(SCHEMA, &member.pointer, span, problem);
            return None;
        }
        Some((name, member))
    }

    fn refuse_same_names(&mut self, named: &[Option<(&'t str, At<'t>)>]) {
        let mut seen = BTreeSet::new();
        for (name, at) in named.iter().flatten() {
            if !seen.insert(*name) {
                self.error(
                    at,
                    DUPLICATE,
                    format!("a task `{}` is in this list already", shown(name)),
                )
                .hint("names are unique within their list");
            }
        }
    }

    /// One more task.
    pub(super) fn count_task(&mut self, at: &At<'_>) -> Option<()> {
        self.tasks += 1;
        if self.tasks == limits::TASKS + 1 {
            self.error(
                at,
                LIMIT,
                format!("a flow has at most {} tasks", limits::TASKS),
            );
        }
        (self.tasks <= limits::TASKS).then_some(())
    }

    /// `then`: a word, or the name of a task of the same list.
    pub(super) fn then(&mut self, at: &At<'t>, siblings: &Siblings<'t>) -> Option<Then> {
        let name = self.name(at)?;
        match name {
            "continue" => return Some(Then::Continue),
            "exit" => return Some(Then::Exit),
            "end" => return Some(Then::End),
            _ => {}
        }
        let found = siblings.iter().position(|sibling| *sibling == name);
        if found.is_none() {
            let known = siblings.iter().copied().chain(["continue", "exit", "end"]);
            let message = format!(
                "there is no task `{}` in this list to go on with",
                shown(name)
            );
            self.unresolved(at, message, name, known);
        }
        found.map(Then::Task)
    }
}

/// What is wrong with a name; names are labels, never parts of paths.
fn bad_name(name: &str) -> Option<String> {
    if name.trim().is_empty() {
        return Some("a name must not be empty".to_owned());
    }
    if name.chars().any(char::is_control) {
        return Some(format!(
            "the name `{}` has characters that can't be printed",
            shown(name)
        ));
    }
    if name.chars().count() > limits::NAME {
        return Some(format!(
            "the name `{}` is longer than {} characters",
            shown(name),
            limits::NAME
        ));
    }
    matches!(name, "continue" | "exit" | "end")
        .then(|| format!("`{name}` is a word of `then`: nothing could lead to a task of this name"))
}
