//! Tasks that hold or choose others: `for`, `fork`, `switch`, `run`; and `set`.

use std::collections::BTreeSet;

use super::Reader;
use super::block::Siblings;
use super::data::flat;
use super::expression::strict;
use super::fields::{At, Fields, shown};
use super::findings::{DUPLICATE, SCHEMA};
use super::scope::Scope;
use crate::command::{Await, FlowReference};
use crate::definition::Template;
use crate::definition::task::{Case, Compete, Discard, ForTask, ForkTask, RunTask};

impl<'t> Reader<'_, 't> {
    pub(super) fn set(&mut self, at: &At<'t>, scope: &Scope) -> Option<Template> {
        if at.is_map() && at.members().next().is_none() {
            self.error(at, SCHEMA, "`set` of nothing");
            return None;
        }
        if let Some(text) = at.as_text()
            && strict(&text.value).is_none()
        {
            self.error(at, SCHEMA, "`set` is an object or one expression")
                .hint(format!("set: ${{ {} }}", shown(&text.value)));
            return None;
        }
        self.object_template(at, scope)
    }

    pub(super) fn r#for(&mut self, task: &Fields<'t>, scope: &Scope) -> Option<ForTask> {
        let at = task.get("for")?;
        let fields = self.fields(&at, &["each", "in", "at"]);
        let (mut each, mut position, mut within) = (None, None, None);
        if let Some(fields) = &fields {
            each = fields
                .get("each")
                .map_or(Some("item".into()), |at| self.variable(&at));
            position = fields
                .get("at")
                .map_or(Some("index".into()), |at| self.variable(&at));
            within = self
                .required(fields, "in")
                .and_then(|at| self.expression(&at, scope));
            if each.is_some() && each == position {
                self.error(&at, SCHEMA, "`each` and `at` have the same name");
                position = None;
            }
        }
        let inner = scope.with([each.clone(), position.clone()].into_iter().flatten());
        let r#while = task.get("while").map(|at| self.expression(&at, &inner));
        let block = self
            .required(task, "do")
            .and_then(|at| self.block(&at, &inner));
        Some(ForTask {
            each: each?,
            at: position?,
            r#in: within?,
            r#while: flat(r#while)?,
            r#do: block?,
        })
    }

    pub(super) fn fork(&mut self, at: &At<'t>, scope: &Scope) -> Option<ForkTask> {
        let fields = self.fields(at, &["branches", "compete"])?;
        let branches = self
            .required(&fields, "branches")
            .and_then(|at| self.branches(&at, scope));
        let compete = match fields.get("compete").map(|at| self.boolean(&at)) {
            None | Some(Some(false)) => Some(Compete::All),
            Some(Some(true)) => Some(Compete::First),
            Some(None) => None,
        };
        Some(ForkTask {
            branches: branches?,
            compete: compete?,
        })
    }

    pub(super) fn switch(
        &mut self,
        at: &At<'t>,
        scope: &Scope,
        siblings: &Siblings<'t>,
    ) -> Option<Vec<Case>> {
        let items = self.list(at)?;
        if items.is_empty() {
            self.error(at, SCHEMA, "a `switch` has at least one case");
            return None;
        }
        let (mut names, mut default) = (BTreeSet::new(), None);
        let mut cases = Vec::new();
        for item in &items {
            let Some((name, case)) = self.named(item) else {
                cases.push(None);
                continue;
            };
            if !names.insert(name) {
                self.error(
                    &case,
                    DUPLICATE,
                    format!("a case `{}` is in this list already", shown(name)),
                );
            }
            let default_case = case.is_map() && !case.members().any(|(key, ..)| key == "when");
            if default_case && let Some(first) = default.replace(name) {
                self.error(
                    &case,
                    DUPLICATE,
                    format!(
                        "a second case without `when`: `{}` is the default already",
                        shown(first)
                    ),
                )
                .hint("give one of them a `when`");
            }
            cases.push(self.case(name, &case, scope, siblings));
        }
        cases.into_iter().collect()
    }

    fn case(
        &mut self,
        name: &str,
        at: &At<'t>,
        scope: &Scope,
        siblings: &Siblings<'t>,
    ) -> Option<Case> {
        let fields = self.fields(at, &["when", "then"])?;
        let when = fields.get("when").map(|at| self.expression(&at, scope));
        let then = self
            .required(&fields, "then")
            .and_then(|at| self.then(&at, siblings));
        Some(Case {
            name: name.into(),
            when: flat(when)?,
            then: then?,
        })
    }

    pub(super) fn run(&mut self, at: &At<'t>, scope: &Scope) -> Option<RunTask> {
        let fields = self.fields(
            at,
            &[
                "container",
                "script",
                "shell",
                "workflow",
                "await",
                "return",
            ],
        )?;
        let mut kinds = ["container", "script", "shell", "workflow"]
            .into_iter()
            .filter(|kind| fields.has(kind));
        let (Some(kind), None) = (kinds.next(), kinds.next()) else {
            self.error(
                at,
                SCHEMA,
                "`run` has exactly one of container, script, shell, workflow",
            );
            return None;
        };
        let inner = fields.get(kind)?;
        if kind != "workflow" {
            self.disabled(
                &inner,
                &format!("run.{kind}"),
                "call a service that does it, or run another flow: run: {workflow: …}",
            );
            return None;
        }
        let wait = match fields.get("await").map(|at| self.boolean(&at)) {
            None | Some(Some(true)) => Some(Await::Output),
            Some(Some(false)) => Some(Await::Nothing),
            Some(None) => None,
        };
        let discard = fields
            .get("return")
            .map_or(Some(Discard::Keep), |at| self.returned(&at));
        let workflow = self.fields(&inner, &["namespace", "name", "version", "input"])?;
        let namespace = self
            .required(&workflow, "namespace")
            .and_then(|at| self.label(&at));
        let name = self
            .required(&workflow, "name")
            .and_then(|at| self.label(&at));
        let version = self.required(&workflow, "version").and_then(|at| {
            let text = self.name(&at)?;
            if text != "latest" {
                self.semantic_version(&at)?;
            }
            Some(text.to_owned())
        });
        let input = workflow
            .get("input")
            .map(|at| self.object_template(&at, scope));
        let flow = FlowReference {
            namespace: namespace?.to_owned(),
            name: name?.to_owned(),
            version: Some(version?),
        };
        Some(RunTask {
            flow,
            input: flat(input)?,
            wait: wait?,
            discard: discard?,
        })
    }

    fn returned(&mut self, at: &At<'t>) -> Option<Discard> {
        let words = [
            ("stdout", Some(Discard::Keep)),
            ("none", Some(Discard::Drop)),
            ("stderr", None),
            ("code", None),
            ("all", None),
        ];
        let found = self.word(at, &words)?;
        if found.is_none() {
            self.error(
                at,
                SCHEMA,
                "a flow has an output and nothing else: `return` is stdout (its output) or none",
            );
        }
        found
    }
}
