//! Calls of Keyway's own functions: what can be checked of their arguments before a run.

use super::Reader;
use super::fields::{At, Fields};
use super::findings::SCHEMA;
use super::scope::Scope;
use crate::definition::call::{CallTask, CatalogFunction, Uri};
use crate::definition::catalog::{self, Function};
use crate::definition::{Authentication, Template};

impl<'t> Reader<'_, 't> {
    pub(super) fn catalog_call(
        &mut self,
        function: &'static Function,
        task: &Fields<'t>,
        scope: &Scope,
    ) -> Option<CallTask> {
        let schema = (function.input)();
        let properties = schema["properties"].as_object()?;
        let known: Vec<&str> = properties.keys().map(String::as_str).collect();
        let needed: Vec<&str> = schema["required"]
            .as_array()?
            .iter()
            .filter_map(|name| name.as_str())
            .collect();
        let mut arguments = indexmap::IndexMap::new();
        let mut authentication = Authentication::None;
        let mut complete = true;
        if let Some(with) = task.get("with") {
            let fields = self.fields(&with, &known)?;
            for name in &needed {
                complete &= self.required(&fields, name).is_some();
            }
            for (key, _, member) in with.members() {
                let Some(schema) = properties.get(key) else {
                    continue;
                };
                let argument = match key {
                    "authentication" => {
                        complete &= self
                            .authentication(&member, scope)
                            .map(|found| authentication = found)
                            .is_some();
                        continue;
                    }
                    "endpoint" => {
                        self.page_endpoint(&member, &fields, scope)
                            .map(|(uri, found)| {
                                if let Some(found) = found {
                                    authentication = found;
                                }
                                uri
                            })
                    }
                    _ => self.argument(&member, schema, scope),
                };
                complete &= argument
                    .map(|argument| arguments.insert(key.to_owned(), argument))
                    .is_some();
            }
        } else if !needed.is_empty() {
            self.required(task, "with")?;
        }
        if function.name == "respond" {
            self.bodiless(task, &arguments);
        }
        complete.then(|| {
            CallTask::Catalog(CatalogFunction {
                name: function.name.into(),
                arguments: Template::Object(arguments),
                authentication,
            })
        })
    }

    /// A status that has no content (RFC 9110, section 6.4.1) is not answered with a body, as far as both are written.
    fn bodiless(&mut self, task: &Fields<'t>, arguments: &indexmap::IndexMap<String, Template>) {
        let Some(Template::Literal(status)) = arguments.get("status") else {
            return;
        };
        let status = status.as_u64().unwrap_or_default();
        let nothing = match arguments.get("body") {
            // what it comes to is known when it is called
            None | Some(Template::Expression(_)) => true,
            Some(Template::Literal(body)) => catalog::is_no_body(body),
            Some(Template::List(_) | Template::Object(_)) => false,
        };
        if catalog::BODILESS
            .iter()
            .any(|bodiless| u64::from(*bodiless) == status)
            && !nothing
            && let Some(body) = task.get("with").and_then(|with| with.find("/body"))
        {
            self.refuse(
                &body,
                SCHEMA,
                format!("an answer with status {status} has no body"),
            )
            .hint("leave `body` out, or answer with 200");
        }
    }

    /// An argument: checked against its schema when it has no expressions.
    fn argument(
        &mut self,
        at: &At<'t>,
        schema: &serde_json::Value,
        scope: &Scope,
    ) -> Option<Template> {
        let template = self.template(at, scope)?;
        if let Template::Literal(value) = &template
            && let Ok(validator) = jsonschema::validator_for(schema)
            && let Err(error) = validator.validate(value)
        {
            self.error(at, SCHEMA, super::fields::shown(&error.to_string()));
            return None;
        }
        Some(template)
    }

    /// Where the first page is, and who asks for it when it is written there.
    fn page_endpoint(
        &mut self,
        at: &At<'t>,
        fields: &Fields<'t>,
        scope: &Scope,
    ) -> Option<(Template, Option<Authentication>)> {
        let named = fields.get("authentication").filter(|_| !at.is_map());
        let endpoint = match named {
            Some(policy) => self.endpoint_with(at, &policy, scope)?,
            None => self.endpoint(at, scope)?,
        };
        let uri = match endpoint.uri {
            Uri::Expression(expression) => Template::Expression(expression),
            Uri::Template(text) if text.contains('{') => {
                self.error(at, SCHEMA, "the address of a page has no {names}")
                    .hint("write an expression: ${ \"/users/\\(.id)/memberOf\" }");
                return None;
            }
            Uri::Template(text) => Template::Literal(text.as_ref().into()),
        };
        Some((uri, at.is_map().then_some(endpoint.authentication)))
    }
}
