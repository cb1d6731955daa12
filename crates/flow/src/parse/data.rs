//! `input`, `output`, `export` and their schemas.

use std::sync::Arc;

use jsonschema::PatternOptions;

use super::Reader;
use super::fields::At;
use super::findings::{LIMIT, SCHEMA};
use super::schema_cost::{self, Refusal};
use super::scope::Scope;
use crate::definition::{Export, Input, Output, Schema};

impl<'t> Reader<'_, 't> {
    pub(super) fn input(&mut self, at: &At<'t>, scope: &Scope) -> Option<Input> {
        let fields = self.fields(at, &["schema", "from"])?;
        let schema = fields.get("schema").map(|at| self.schema(&at));
        let from = fields.get("from").map(|at| self.shaping(&at, scope));
        Some(Input {
            schema: flat(schema)?,
            from: flat(from)?,
        })
    }

    pub(super) fn output(&mut self, at: &At<'t>, scope: &Scope) -> Option<Output> {
        let (r#as, schema) = self.transformed(at, scope)?;
        Some(Output { r#as, schema })
    }

    pub(super) fn export(&mut self, at: &At<'t>, scope: &Scope) -> Option<Export> {
        let (r#as, schema) = self.transformed(at, scope)?;
        Some(Export { r#as, schema })
    }

    fn transformed(
        &mut self,
        at: &At<'t>,
        scope: &Scope,
    ) -> Option<(Option<crate::definition::Template>, Option<Schema>)> {
        let fields = self.fields(at, &["schema", "as"])?;
        let r#as = fields.get("as").map(|at| self.shaping(&at, scope));
        let schema = fields.get("schema").map(|at| self.schema(&at));
        Some((flat(r#as)?, flat(schema)?))
    }

    fn schema(&mut self, at: &At<'t>) -> Option<Schema> {
        let fields = self.fields(at, &["format", "document", "resource"])?;
        if let Some(format) = fields.get("format") {
            let text = self.text(&format)?;
            if text != "json" && !text.starts_with("json:") {
                let feature = format!("a schema of format `{}`", super::fields::shown(text));
                self.disabled(&format, &feature, "write a JSON Schema");
                return None;
            }
        }
        match (fields.get("document"), fields.get("resource")) {
            (Some(document), None) => self.json_schema(&document),
            (None, Some(resource)) => {
                self.disabled(
                    &resource,
                    "an external schema (schema.resource)",
                    "write the schema into `document`",
                );
                None
            }
            (Some(_), Some(resource)) => {
                self.error(
                    &resource,
                    SCHEMA,
                    "a schema has a `document` or a `resource`, not both",
                );
                None
            }
            (None, None) => {
                self.error(at, SCHEMA, "`document` is missing");
                None
            }
        }
    }

    fn json_schema(&mut self, at: &At<'t>) -> Option<Schema> {
        let document = at.node.data.to_json();
        match schema_cost::bound(&document) {
            Ok(()) => {}
            Err(Refusal::TooMuch(why)) => {
                self.error(at, LIMIT, format!("this JSON Schema would take too long: {why}"))
                    .hint("let each schema be named once for a value: where schemas name others twice, again and again, the time doubles with each");
                return None;
            }
            Err(Refusal::Elsewhere(why)) => {
                let message = super::fields::shown(&why);
                return self.no_schema(at, &message);
            }
        }
        // patterns run in linear time: lookarounds and back references are refused with the schema
        let built = jsonschema::options()
            .with_pattern_options(PatternOptions::regex())
            .build(&document);
        match built {
            Ok(validator) => Some(Schema {
                validator: Arc::new(validator),
                pointer: at.pointer.as_str().into(),
            }),
            Err(error) => self.no_schema(at, &super::fields::shown(&error.to_string())),
        }
    }

    fn no_schema(&mut self, at: &At<'t>, why: &str) -> Option<Schema> {
        let message = format!("this is no JSON Schema that can be used: {why}");
        self.error(at, SCHEMA, message)
            .hint("references outside the schema are not followed");
        None
    }
}

/// A member that is absent, read, or wrong.
#[expect(
    clippy::option_option,
    reason = "absent, wrong and read are three things"
)]
pub(super) fn flat<T>(member: Option<Option<T>>) -> Option<Option<T>> {
    match member {
        None => Some(None),
        Some(None) => None,
        Some(read) => Some(read),
    }
}
