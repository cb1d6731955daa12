//! `use`: named components. Places that name one read it where it stands, so that what is wrong with it is reported there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Reader;
use super::call::PROTOCOLS;
use super::fields::{At, below, shown};
use super::findings::{DUPLICATE, REFERENCE, SCHEMA};
use super::scope::{Place, Scope};
use crate::definition::{Task, catalog};
use crate::limits;

/// Named components by kind and name.
#[derive(Debug, Default)]
pub(super) struct Uses<'t> {
    pub(super) authentications: BTreeMap<&'t str, At<'t>>,
    pub(super) errors: BTreeMap<&'t str, At<'t>>,
    pub(super) functions: BTreeMap<&'t str, At<'t>>,
    pub(super) retries: BTreeMap<&'t str, At<'t>>,
    pub(super) timeouts: BTreeMap<&'t str, At<'t>>,
    pub(super) secrets: Vec<String>,
    read: BTreeMap<&'t str, Function>,
}

/// How far reading a function has come.
#[derive(Debug, Clone)]
enum Function {
    /// It is being read: who calls it now calls itself.
    Open,
    Read(Option<Arc<Task>>),
}

impl<'t> Reader<'_, 't> {
    /// Collects the names, so that everything after can resolve them.
    pub(super) fn collect_uses(&mut self, at: &At<'t>) {
        let known = [
            "authentications",
            "catalogs",
            "errors",
            "extensions",
            "functions",
            "retries",
            "secrets",
            "timeouts",
        ];
        let Some(fields) = self.fields(at, &known) else {
            return;
        };
        if let Some(catalogs) = fields.get("catalogs") {
            self.disabled(&catalogs, "use.catalogs", "only Keyway's own catalog can be called: its functions are in docs/reference/functions.md");
        }
        if let Some(extensions) = fields.get("extensions") {
            self.disabled(
                &extensions,
                "use.extensions",
                "write the tasks where they are needed, or in use.functions",
            );
        }
        if let Some(secrets) = fields.get("secrets") {
            self.secrets(&secrets);
        }
        self.uses.authentications = self.collect(fields.get("authentications"));
        self.uses.errors = self.collect(fields.get("errors"));
        self.uses.functions = self.collect(fields.get("functions"));
        self.uses.retries = self.collect(fields.get("retries"));
        self.uses.timeouts = self.collect(fields.get("timeouts"));
    }

    fn collect(&mut self, at: Option<At<'t>>) -> BTreeMap<&'t str, At<'t>> {
        let Some(at) = at else { return BTreeMap::new() };
        self.open_fields(&at);
        let mut named = BTreeMap::new();
        for (name, span, member) in at.members() {
            if name.trim().is_empty() {
                self.findings
                    .at(SCHEMA, &member.pointer, span, "a name must not be empty");
            }
            named.insert(name, member);
        }
        named
    }

    fn secrets(&mut self, at: &At<'t>) {
        let mut seen = BTreeSet::new();
        for item in self.list(at).unwrap_or_default() {
            let Some(name) = self.name(&item) else {
                continue;
            };
            if name.chars().count() > limits::NAME || name.chars().any(char::is_control) {
                self.error(
                    &item,
                    SCHEMA,
                    format!("`{}` can't be the name of a secret", shown(name)),
                );
            } else if !seen.insert(name) {
                self.error(
                    &item,
                    DUPLICATE,
                    format!("`{}` is declared already", shown(name)),
                );
            } else {
                self.uses.secrets.push(name.to_owned());
            }
        }
    }

    /// Reads all components once, whether something uses them or not.
    pub(super) fn judge_uses(&mut self) {
        let scope = Scope::new(Place::Body);
        let call = Scope::new(Place::Call);
        for at in self.uses.authentications.clone().into_values() {
            self.policy(&at, &call);
        }
        for at in self.uses.errors.clone().into_values() {
            self.raised(&at, &scope);
        }
        // the variable of a retry's conditions is the catch's, so they are read where they are used
        let used = self.used_retries.clone();
        for (name, at) in self.uses.retries.clone() {
            if !used.contains(name) {
                self.retry_policy(&at, &scope.with(["error".into()]));
            }
        }
        for at in self.uses.timeouts.clone().into_values() {
            self.timeout_definition(&at, &scope);
        }
        for (name, at) in self.uses.functions.clone() {
            if PROTOCOLS.contains(&name) || catalog::find(name).is_some() {
                self.error(
                    &at,
                    SCHEMA,
                    format!("`{name}` is a function of the language or of Keyway's catalog"),
                )
                .hint("choose another name");
            }
            self.read_function(name);
        }
    }

    /// A function of the flow, for a task that calls it.
    pub(super) fn use_function(&mut self, at: &At<'t>, name: &str) -> Option<Arc<Task>> {
        let (name, _) = self.uses.functions.get_key_value(name)?;
        if let Some(Function::Open) = self.uses.read.get(name) {
            self.error(
                at,
                REFERENCE,
                format!("the function `{}` calls itself", shown(name)),
            )
            .hint("repeat with `for`, or with a `then` that leads back");
            return None;
        }
        self.read_function(name)
    }

    fn read_function(&mut self, name: &'t str) -> Option<Arc<Task>> {
        if let Some(Function::Read(task)) = self.uses.read.get(name) {
            return task.clone();
        }
        let at = self.uses.functions.get(name)?.clone();
        self.uses.read.insert(name, Function::Open);
        let task = self
            .task(name, &at, &Scope::new(Place::Body), &Vec::new())
            .map(Arc::new);
        self.uses.read.insert(name, Function::Read(task.clone()));
        debug_assert_eq!(at.pointer, below("/use/functions", name));
        task
    }
}
