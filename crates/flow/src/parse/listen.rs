//! `listen`, and the filters of events that schedules use too.

use ::expression::Class;

use super::Reader;
use super::data::flat;
use super::expression::strict;
use super::fields::{At, Fields};
use super::findings::{HEAVY, SCHEMA};
use super::scope::{Place, Scope};
use super::tree::Data;
use crate::definition::listen::{
    AttributeTest, Consume, CorrelationTemplate, FilterTemplate, Iterator, ListenTask, Read, Until,
};
use crate::definition::{Expression, Template};

impl<'t> Reader<'_, 't> {
    pub(super) fn listen(&mut self, task: &Fields<'t>, scope: &Scope) -> Option<ListenTask> {
        let at = task.get("listen")?;
        let fields = self.fields(&at, &["to", "read"]);
        let foreach = task.get("foreach").map(|at| self.foreach(&at, scope));
        let fields = fields?;
        let to = self
            .required(&fields, "to")
            .and_then(|to| self.consume(&to, scope));
        let read = self.read_as(&fields);
        Some(ListenTask {
            to: to?,
            read: read?,
            foreach: flat(foreach)?,
        })
    }

    pub(super) fn read_as(&mut self, fields: &Fields<'t>) -> Option<Read> {
        let words = [
            ("data", Read::Data),
            ("envelope", Read::Envelope),
            ("raw", Read::Raw),
        ];
        match fields.get("read") {
            Some(at) => self.word(&at, &words),
            None => Some(Read::Data),
        }
    }

    /// `all`, `any` or `one`.
    pub(super) fn consume(&mut self, at: &At<'t>, scope: &Scope) -> Option<Consume> {
        let fields = self.fields(at, &["all", "any", "one", "until"])?;
        let mut kinds = ["all", "any", "one"]
            .into_iter()
            .filter(|kind| fields.has(kind));
        let (Some(kind), None) = (kinds.next(), kinds.next()) else {
            self.error(
                at,
                SCHEMA,
                "exactly one of all, any, one says which events are consumed",
            );
            return None;
        };
        let until = fields.get("until");
        if let Some(until) = until.as_ref().filter(|_| kind != "any") {
            self.error(until, SCHEMA, "`until` belongs to `any`");
            return None;
        }
        let inner = fields.get(kind)?;
        if kind == "one" {
            return self.filter(&inner, scope).map(Consume::One);
        }
        let items = self.list(&inner)?;
        if kind == "all" && items.is_empty() {
            self.error(
                &inner,
                SCHEMA,
                "`all` of nothing would not wait for anything",
            )
            .hint("any: [] waits for any event");
            return None;
        }
        let filters: Vec<_> = items.iter().map(|item| self.filter(item, scope)).collect();
        let until = until.map(|until| self.until(&until, scope));
        let filters = filters.into_iter().collect::<Option<_>>()?;
        let until = flat(until)?;
        Some(match kind {
            "all" => Consume::All(filters),
            _ => Consume::Any { filters, until },
        })
    }

    fn until(&mut self, at: &At<'t>, scope: &Scope) -> Option<Until> {
        if !at.is_map() {
            let condition = self.expression(at, scope)?;
            if scope.place == Place::Event {
                self.light(at, &condition, "the `until` of a schedule");
            }
            return Some(Until::Condition(condition));
        }
        if let Some((_, _, nested)) = at.members().find(|(key, ..)| *key == "until") {
            self.error(&nested, SCHEMA, "an `until` has no `until` of its own");
            return None;
        }
        self.consume(at, scope)
            .map(|consume| Until::Consumed(Box::new(consume)))
    }

    fn filter(&mut self, at: &At<'t>, scope: &Scope) -> Option<FilterTemplate> {
        let fields = self.fields(at, &["with", "correlate"])?;
        let with = self.required(&fields, "with").and_then(|with| {
            if with.members().next().is_none() && with.is_map() {
                self.error(&with, SCHEMA, "a filter tests at least one attribute");
                return None;
            }
            self.each(&with, Reader::attribute)
        });
        let correlate = match fields.get("correlate") {
            Some(at) => self.each(&at, |reader, _, member| reader.correlation(member, scope)),
            None => Some(Vec::new()),
        };
        Some(FilterTemplate {
            with: with?.into_iter().collect(),
            correlate: correlate?.into_iter().collect(),
        })
    }

    fn attribute(&mut self, key: &str, at: &At<'t>) -> Option<AttributeTest> {
        let text = at.as_text().map(|text| text.value.as_str());
        if let Some((_, source)) = text.and_then(strict) {
            let judge = self.expression(at, &Scope::new(Place::Event))?;
            self.light(at, &judge, "a filter of events");
            return Some(AttributeTest::Expression {
                source: source.to_owned(),
            });
        }
        if key != "data"
            && text.is_none()
            && matches!(at.node.data, Data::Map(_) | Data::List(_) | Data::Null)
        {
            self.error(at, SCHEMA, "an attribute is text, a number or a boolean");
            return None;
        }
        if matches!(key, "source" | "dataschema") && !text.is_some_and(is_uri) {
            self.error(at, SCHEMA, format!("`{key}` is a URI, a pattern that begins like one (https://.*), or an expression"));
            return None;
        }
        if matches!(key, "id" | "type" | "subject" | "datacontenttype" | "time") {
            self.text(at)?;
        }
        if holds_expression(&at.node.data) {
            self.error(
                at,
                SCHEMA,
                "an expression in a filter stands for the whole attribute",
            )
            .hint("data: ${ .temperature > 38 }");
            return None;
        }
        Some(AttributeTest::Constant {
            value: at.node.data.to_json(),
        })
    }

    fn correlation(&mut self, at: &At<'t>, scope: &Scope) -> Option<CorrelationTemplate> {
        let fields = self.fields(at, &["from", "expect"])?;
        let from = self.required(&fields, "from").and_then(|at| {
            let from = self.expression(&at, &Scope::new(Place::Event))?;
            self.light(&at, &from, "a filter of events");
            Some(from)
        });
        let expect = fields.get("expect").map(|at| self.expect(&at, scope));
        Some(CorrelationTemplate {
            from: from?,
            expect: flat(expect)?,
        })
    }

    /// What a correlation must be: of a schedule a constant, for there is no input yet that it could be found in.
    fn expect(&mut self, at: &At<'t>, scope: &Scope) -> Option<Template> {
        let expect = self.text_template(at, scope)?;
        if scope.place == Place::Event && !matches!(expect, Template::Literal(_)) {
            self.refuse(
                at,
                SCHEMA,
                "the `expect` of a schedule is a constant: it has no input that an expression could be evaluated on",
            )
            .hint("write the value itself, or leave `expect` out: then the first event says what the others must have");
        }
        Some(expect)
    }

    /// What is evaluated for every event that comes, in the server itself, must not run for long.
    fn light(&mut self, at: &At<'t>, expression: &Expression, what: &str) {
        if expression.program.class() == Class::Heavy {
            self.refuse(
                at,
                HEAVY,
                format!("this expression may run for long, and {what} is evaluated for every event"),
            )
            .hint("use paths, comparisons, `length`, `any`, `all`, `map`, `select`: no `def` that calls itself, `reduce`, `foreach`, `range`, `limit`, `recurse`");
        }
    }

    fn foreach(&mut self, at: &At<'t>, scope: &Scope) -> Option<Iterator> {
        let fields = self.fields(at, &["item", "at", "do", "output", "export"])?;
        let item = fields
            .get("item")
            .map_or(Some("item".into()), |at| self.variable(&at));
        let position = fields
            .get("at")
            .map_or(Some("index".into()), |at| self.variable(&at));
        let names = [item.clone(), position.clone()];
        if names[0].is_some() && names[0] == names[1] {
            self.error(at, SCHEMA, "`item` and `at` have the same name");
            return None;
        }
        let inner = scope.with(names.into_iter().flatten());
        let r#do = fields.get("do").map(|at| self.block(&at, &inner));
        let output = fields
            .get("output")
            .map(|at| self.output(&at, &inner.at(Place::Output)));
        let export = fields
            .get("export")
            .map(|at| self.export(&at, &inner.at(Place::Export)));
        Some(Iterator {
            item: item?,
            at: position?,
            r#do: flat(r#do)?,
            output: flat(output)?.unwrap_or_default(),
            export: flat(export)?.unwrap_or_default(),
        })
    }

    /// `emit.event.with`.
    pub(super) fn emit(
        &mut self,
        at: &At<'t>,
        scope: &Scope,
    ) -> Option<indexmap::IndexMap<String, crate::definition::Template>> {
        let fields = self.fields(at, &["event"])?;
        let event = self.required(&fields, "event")?;
        let event = self.fields(&event, &["with"])?;
        let with = self.required(&event, "with")?;
        let fields = self.open_fields(&with)?;
        let needed = [
            self.required(&fields, "source").is_some(),
            self.required(&fields, "type").is_some(),
        ];
        let members = self.each(&with, |reader, key, member| {
            reader.emitted(key, member)?;
            reader.template(member, scope)
        });
        (needed == [true, true]).then_some(members?.into_iter().collect())
    }

    fn emitted(&mut self, key: &str, at: &At<'t>) -> Option<()> {
        let text = at.as_text().map(|text| text.value.as_str());
        let expression = text.and_then(strict).is_some();
        let problem = match key {
            "data" => return Some(()),
            _ if expression => return Some(()),
            "specversion" if text == Some("1.0") => return Some(()),
            "specversion" => "events have version 1.0",
            "source" | "dataschema" if !text.is_some_and(is_uri) => {
                "this has to be a URI with its scheme, or an expression"
            }
            "time" if text.is_none_or(|text| text.parse::<jiff::Timestamp>().is_err()) => {
                "this has to be a time such as 2026-01-31T12:00:00Z, or an expression"
            }
            "id" | "type" | "subject" | "datacontenttype"
                if text.is_none_or(|text| text.trim().is_empty()) =>
            {
                "this has to be text, or an expression"
            }
            _ if key.is_empty()
                || key.len() > 20
                || !key
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) =>
            {
                "the name of an attribute has lower-case letters and digits only, at most 20"
            }
            _ if matches!(at.node.data, Data::Map(_) | Data::List(_) | Data::Null) => {
                "an attribute is text, a number or a boolean"
            }
            _ => return Some(()),
        };
        self.error(at, SCHEMA, problem);
        None
    }
}

/// Whether text begins as the specification's URIs do.
pub(super) fn is_uri(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    })
}

fn holds_expression(data: &Data) -> bool {
    match data {
        Data::Text(text) => strict(&text.value).is_some(),
        Data::List(items) => items.iter().any(|item| holds_expression(&item.data)),
        Data::Map(entries) => entries
            .iter()
            .any(|entry| holds_expression(&entry.value.data)),
        _ => false,
    }
}
