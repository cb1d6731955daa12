//! `document` with Keyway's own settings in it, and the members of the whole.

use serde_json::{Map, Value};

use super::Reader;
use super::data::flat;
use super::fields::{At, Fields, shown};
use super::findings::SCHEMA;
use super::schedule::Timing;
use super::scope::{Place, Scope};
use super::tree::Data;
use crate::definition::{Document, Flow, OnConnectionNeeds, Settings};

impl<'t> Reader<'_, 't> {
    /// The whole. What is wrong is in the findings.
    pub(super) fn flow(&mut self, at: &At<'t>) -> Option<Flow> {
        let known = [
            "document", "input", "use", "do", "timeout", "output", "schedule", "evaluate",
        ];
        let fields = self.fields(at, &known)?;
        if let Some(uses) = fields.get("use") {
            self.collect_uses(&uses);
        }
        if let Some(evaluate) = fields.get("evaluate") {
            self.evaluate(&evaluate);
        }
        let document = self
            .required(&fields, "document")
            .and_then(|at| self.document(&at));
        let input = fields
            .get("input")
            .map(|at| self.input(&at, &Scope::new(Place::FlowInput)));
        let timeout = fields
            .get("timeout")
            .map(|at| self.timeout(&at, &Scope::new(Place::FlowInput)));
        let tasks = self
            .required(&fields, "do")
            .and_then(|at| self.block(&at, &Scope::new(Place::Body)));
        let output = fields
            .get("output")
            .map(|at| self.output(&at, &Scope::new(Place::FlowOutput)));
        self.judge_uses();
        let timing = document
            .as_ref()
            .map(|(_, _, timing)| timing.clone())
            .unwrap_or_default();
        let schedule = fields.get("schedule").map(|at| self.schedule(&at, timing));
        let (document, settings, _) = document?;
        let definition = at.node.data.to_json();
        Some(Flow {
            document,
            input: flat(input)?.unwrap_or_default(),
            output: flat(output)?.unwrap_or_default(),
            timeout: flat(timeout)?,
            schedule: flat(schedule)?,
            secrets: self.uses.secrets.clone(),
            settings,
            tasks: tasks?,
            digest: super::digest(&definition),
            definition: definition.into(),
            warnings: Vec::new(),
        })
    }

    fn evaluate(&mut self, at: &At<'t>) {
        let Some(fields) = self.fields(at, &["language", "mode"]) else {
            return;
        };
        if let Some(language) = fields.get("language")
            && let Some(text) = self.text(&language)
            && text != "jq"
        {
            self.disabled(
                &language,
                &format!("evaluate.language `{}`", shown(text)),
                "expressions are jq",
            );
        }
        if let Some(mode) = fields.get("mode")
            && let Some(text) = self.text(&mode)
            && text != "strict"
        {
            self.disabled(
                &mode,
                &format!("evaluate.mode `{}`", shown(text)),
                "expressions stand in ${ … }",
            );
        }
    }

    fn document(&mut self, at: &At<'t>) -> Option<(Document, Settings, Timing)> {
        let fields = self.fields(
            at,
            &[
                "dsl",
                "namespace",
                "name",
                "version",
                "title",
                "summary",
                "tags",
                "metadata",
            ],
        )?;
        let dsl = self.required(&fields, "dsl").and_then(|at| self.dsl(&at));
        let namespace = self
            .required(&fields, "namespace")
            .and_then(|at| self.label(&at));
        let name = self
            .required(&fields, "name")
            .and_then(|at| self.label(&at));
        let version = self
            .required(&fields, "version")
            .and_then(|at| self.semantic_version(&at));
        let title = fields
            .get("title")
            .map(|at| self.text(&at).map(str::to_owned));
        let summary = fields
            .get("summary")
            .map(|at| self.text(&at).map(str::to_owned));
        let tags = self.free(&fields, "tags");
        let metadata = self.free(&fields, "metadata");
        let ours = fields.get("metadata").and_then(|at| {
            at.members()
                .find(|(key, ..)| *key == "keyway")
                .map(|(.., at)| at)
        });
        let settings = match ours {
            Some(at) => self.settings(&at),
            None => Some((Settings::default(), Timing::default())),
        };
        let document = Document {
            dsl: dsl?.to_owned(),
            namespace: namespace?.to_owned(),
            name: name?.to_owned(),
            version: version?.to_owned(),
            title: flat(title)?,
            summary: flat(summary)?,
            tags: tags?,
            metadata: metadata?,
        };
        let (settings, timing) = settings?;
        Some((document, settings, timing))
    }

    fn free(&mut self, fields: &Fields<'t>, key: &str) -> Option<Map<String, Value>> {
        let Some(at) = fields.get(key) else {
            return Some(Map::new());
        };
        self.open_fields(&at)?;
        match at.node.data.to_json() {
            Value::Object(map) => Some(map),
            _ => None,
        }
    }

    fn dsl(&mut self, at: &At<'t>) -> Option<&'t str> {
        let version = self.semantic_version(at)?;
        let patch = version.strip_prefix("1.0.").unwrap_or_default();
        if patch.is_empty() || !patch.bytes().all(|b| b.is_ascii_digit()) {
            self.error(
                at,
                SCHEMA,
                format!(
                    "version {} of the language is not known here",
                    shown(version)
                ),
            )
            .hint("write '1.0.3'");
            return None;
        }
        Some(version)
    }

    /// Semantic Versioning 2.0.0.
    pub(super) fn semantic_version(&mut self, at: &At<'t>) -> Option<&'t str> {
        if let Data::Number(number) = &at.node.data {
            self.error(
                at,
                SCHEMA,
                format!("a version is text of three parts: {number} is a number"),
            )
            .hint(format!("write '{}'", completed(&number.to_string())));
            return None;
        }
        let text = self.text(at)?;
        if !is_semantic_version(text) {
            self.error(
                at,
                SCHEMA,
                format!("`{}` is no semantic version", shown(text)),
            )
            .hint("three numbers, such as 1.0.0");
            return None;
        }
        Some(text)
    }

    /// A DNS label; the specification's schema also allows capitals.
    pub(super) fn label(&mut self, at: &At<'t>) -> Option<&'t str> {
        let text = self.text(at)?;
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let valid = text.len() <= 63
            && ends(text.chars().next())
            && ends(text.chars().last())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !valid {
            self.error(
                at,
                SCHEMA,
                format!("`{}` is no name of a flow", shown(text)),
            )
            .hint("letters, digits and `-` between them, at most 63");
            return None;
        }
        Some(text)
    }

    /// `document.metadata.keyway`.
    fn settings(&mut self, at: &At<'t>) -> Option<(Settings, Timing)> {
        let fields = self.fields(
            at,
            &[
                "onConnectionNeeds",
                "retentionDays",
                "timeZone",
                "overlap",
                "catchUp",
                "webhooks",
            ],
        )?;
        let needs = [
            ("park", OnConnectionNeeds::Park),
            ("fail", OnConnectionNeeds::Fail),
        ];
        let on_connection_needs = fields
            .get("onConnectionNeeds")
            .map(|at| self.word(&at, &needs));
        let retention_days = fields.get("retentionDays").map(|at| {
            let days = self.integer(&at)?;
            let valid = u32::try_from(days)
                .ok()
                .filter(|days| (1..=3_650).contains(days));
            if valid.is_none() {
                self.error(&at, SCHEMA, "runs are kept for 1 to 3650 days");
            }
            valid
        });
        let timing = self.timing(&fields);
        let webhooks = match fields.get("webhooks") {
            Some(at) => self.webhooks(&at),
            None => Some(Vec::new()),
        };
        let settings = Settings {
            on_connection_needs: flat(on_connection_needs)?.unwrap_or_default(),
            retention_days: flat(retention_days)?,
            webhooks: webhooks?,
        };
        Some((settings, timing?))
    }
}

/// `1` and `1.0` with what is missing.
fn completed(number: &str) -> String {
    let mut parts: Vec<&str> = number.split('.').take(3).collect();
    parts.resize(3, "0");
    parts.join(".")
}

fn is_semantic_version(text: &str) -> bool {
    let number = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
    };
    let identifiers = |text: &str, numbers_plain: bool| {
        text.split('.').all(|part| {
            let word =
                !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            word && (!numbers_plain || !part.bytes().all(|b| b.is_ascii_digit()) || number(part))
        })
    };
    let (text, build) = text
        .split_once('+')
        .map_or((text, None), |(text, build)| (text, Some(build)));
    let (text, before) = text
        .split_once('-')
        .map_or((text, None), |(text, before)| (text, Some(before)));
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 3
        && parts.into_iter().all(number)
        && before.is_none_or(|before| identifiers(before, true))
        && build.is_none_or(|build| identifiers(build, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semantic_versions() {
        for text in [
            "0.1.0",
            "1.0.0",
            "1.0.0-alpha.1",
            "1.0.0+build.007",
            "1.0.0-x-y+z",
        ] {
            assert!(is_semantic_version(text), "{text}");
        }
        for text in [
            "1", "1.0", "1.0.0.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0+", "v1.0.0", "",
        ] {
            assert!(!is_semantic_version(text), "{text}");
        }
    }
}
