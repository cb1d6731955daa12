//! `call`: HTTP, OpenAPI, functions of the flow and of Keyway's catalog.

use std::sync::Arc;

use super::Reader;
use super::data::flat;
use super::expression::strict;
use super::fields::{At, Fields, shown};
use super::findings::{HEADER, SCHEMA, SECRET_LITERAL};
use super::scope::{Place, Scope};
use super::tree::Data;
use crate::command::{OutcomeUnknown, OutputForm};
use crate::definition::call::{CallTask, FunctionCall, HttpTask, OpenApiTask};
use crate::definition::{Authentication, Template, catalog};

/// Kinds of calls that the language itself has.
pub(super) const PROTOCOLS: [&str; 6] = ["http", "openapi", "grpc", "asyncapi", "a2a", "mcp"];

/// Header fields that belong to the connection, not to a flow.
const FORBIDDEN_HEADERS: [&str; 9] = [
    "authorization",
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "trailer",
    "cookie",
];

impl<'t> Reader<'_, 't> {
    pub(super) fn call(
        &mut self,
        task: &Fields<'t>,
        scope: &Scope,
        outcome_unknown: OutcomeUnknown,
    ) -> Option<CallTask> {
        let scope = &scope.at(Place::Call);
        let at = task.get("call")?;
        let name = self.name(&at)?;
        match name {
            "http" => {
                let with = self.required(task, "with")?;
                self.http(&with, scope, outcome_unknown).map(CallTask::Http)
            }
            "openapi" => {
                let with = self.required(task, "with")?;
                self.openapi(&with, scope, outcome_unknown)
                    .map(CallTask::OpenApi)
            }
            "grpc" | "asyncapi" | "a2a" | "mcp" => {
                self.disabled(
                    &at,
                    &format!("call: {name}"),
                    "call its HTTP interface with call: http or openapi",
                );
                None
            }
            _ => self.function(&at, name, task, scope),
        }
    }

    fn http(
        &mut self,
        at: &At<'t>,
        scope: &Scope,
        outcome_unknown: OutcomeUnknown,
    ) -> Option<HttpTask> {
        let fields = self.fields(
            at,
            &[
                "method", "endpoint", "headers", "body", "query", "output", "redirect",
            ],
        )?;
        let method = self
            .required(&fields, "method")
            .and_then(|at| self.method(&at));
        let endpoint = self
            .required(&fields, "endpoint")
            .and_then(|at| self.endpoint(&at, scope));
        let headers = fields.get("headers").map(|at| {
            self.judge_headers(&at);
            self.pairs(&at, scope)
        });
        let query = fields.get("query").map(|at| self.pairs(&at, scope));
        let body = fields.get("body").map(|at| self.template(&at, scope));
        let (output, redirect) = (self.output_form(&fields), self.redirect(&fields));
        Some(HttpTask {
            method: method?,
            endpoint: endpoint?,
            headers: flat(headers)?,
            query: flat(query)?,
            body: flat(body)?,
            output: output?,
            redirect: redirect?,
            outcome_unknown,
        })
    }

    fn openapi(
        &mut self,
        at: &At<'t>,
        scope: &Scope,
        outcome_unknown: OutcomeUnknown,
    ) -> Option<OpenApiTask> {
        let fields = self.fields(
            at,
            &[
                "document",
                "operationId",
                "parameters",
                "authentication",
                "output",
                "redirect",
            ],
        )?;
        let document = self.required(&fields, "document").and_then(|at| {
            let resource = self.fields(&at, &["name", "endpoint"])?;
            if let Some(name) = resource.get("name") {
                self.text(&name)?;
            }
            let endpoint = self.required(&resource, "endpoint")?;
            self.endpoint(&endpoint, scope)
        });
        let operation = self
            .required(&fields, "operationId")
            .and_then(|at| self.name(&at));
        let parameters = fields
            .get("parameters")
            .map(|at| self.object_template(&at, scope));
        let authentication = match fields.get("authentication") {
            Some(at) => self.authentication(&at, scope),
            None => Some(Authentication::None),
        };
        let (output, redirect) = (self.output_form(&fields), self.redirect(&fields));
        Some(OpenApiTask {
            document: document?,
            operation: operation?.into(),
            parameters: flat(parameters)?,
            authentication: authentication?,
            output: output?,
            redirect: redirect?,
            outcome_unknown,
        })
    }

    fn method(&mut self, at: &At<'t>) -> Option<Arc<str>> {
        let text = self.name(at)?;
        if text.len() > 20 || !text.chars().all(|c| c.is_ascii_alphabetic() || c == '-') {
            self.error(at, SCHEMA, format!("`{}` is no HTTP method", shown(text)))
                .hint("get, post, put, patch, delete, head or options");
            return None;
        }
        if text.eq_ignore_ascii_case("connect") || text.eq_ignore_ascii_case("trace") {
            self.error(
                at,
                SCHEMA,
                format!("the method {} can't be used in a flow", text.to_uppercase()),
            );
            return None;
        }
        Some(text.to_uppercase().into())
    }

    fn output_form(&mut self, fields: &Fields<'t>) -> Option<OutputForm> {
        let forms = [
            ("content", OutputForm::Content),
            ("raw", OutputForm::Raw),
            ("response", OutputForm::Response),
        ];
        match fields.get("output") {
            Some(at) => self.word(&at, &forms),
            None => Some(OutputForm::Content),
        }
    }

    fn redirect(&mut self, fields: &Fields<'t>) -> Option<bool> {
        fields
            .get("redirect")
            .map_or(Some(false), |at| self.boolean(&at))
    }

    /// Headers and query parameters: plain values, a list for several of a name, or one expression for all.
    fn pairs(&mut self, at: &At<'t>, scope: &Scope) -> Option<Template> {
        let template = self.object_template(at, scope)?;
        let mut plain = true;
        for (key, _, member) in at.members() {
            if matches!(member.node.data, Data::Map(_))
                || member
                    .items()
                    .any(|item| matches!(item.node.data, Data::Map(_) | Data::List(_)))
            {
                self.error(
                    &member,
                    SCHEMA,
                    "a header or query parameter is text, a number, a boolean or a list of these",
                );
                plain = false;
            }
            let key = key.to_ascii_lowercase();
            let named_secret = [
                "api-key",
                "apikey",
                "api_key",
                "access_token",
                "subscription-key",
                "x-functions-key",
            ]
            .iter()
            .any(|name| key.contains(name));
            if named_secret
                && let Some(text) = member.as_text()
                && strict(&text.value).is_none()
                && !text.value.is_empty()
            {
                self.warn(&member, SECRET_LITERAL, "a key stands in the text of the flow")
                    .hint("use a connection, or declare it in use.secrets and read it as ${ $secrets.name }");
            }
        }
        plain.then_some(template)
    }

    fn judge_headers(&mut self, at: &At<'t>) {
        for (key, span, member) in at.members() {
            let name = key.to_ascii_lowercase();
            let token = !key.is_empty()
                && key
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
            if !token {
                self.findings.at(
                    HEADER,
                    &member.pointer,
                    span,
                    format!("`{}` is no name of a header", shown(key)),
                );
            } else if name == "authorization" {
                self.findings
                    .at(
                        HEADER,
                        &member.pointer,
                        span,
                        "a flow does not set `Authorization` itself",
                    )
                    .hint("use endpoint: {uri: …, authentication: …}");
            } else if FORBIDDEN_HEADERS.contains(&name.as_str()) || name.starts_with("proxy-") {
                self.findings.at(
                    HEADER,
                    &member.pointer,
                    span,
                    format!("a flow can't set the header `{}`", shown(key)),
                );
            }
            if member.as_text().is_some_and(|text| {
                strict(&text.value).is_none() && text.value.contains(['\r', '\n', '\0'])
            }) {
                self.error(&member, HEADER, "a header's value is one line");
            }
        }
    }

    fn function(
        &mut self,
        at: &At<'t>,
        name: &str,
        task: &Fields<'t>,
        scope: &Scope,
    ) -> Option<CallTask> {
        if name.contains("://") {
            self.disabled(at, "a function by URL", "define it in use.functions");
            return None;
        }
        let (plain, catalog) = name
            .split_once('@')
            .map_or((name, None), |(function, catalog)| {
                (function, Some(catalog))
            });
        if let Some(catalog) = catalog.filter(|catalog| *catalog != "default") {
            let feature = format!("the catalog `{}` (use.catalogs)", shown(catalog));
            self.disabled(at, &feature, "only Keyway's own catalog can be called: its functions are in docs/reference/functions.md");
            return None;
        }
        let plain = plain
            .split_once(':')
            .map_or(plain, |(function, _)| function);
        if let Some(function) = catalog::find(plain) {
            return self.catalog_call(function, task, scope);
        }
        if catalog.is_none() && self.uses.functions.contains_key(name) {
            let arguments = match task.get("with") {
                Some(with) => {
                    self.each(&with, |reader, _, member| reader.template(member, scope))?
                }
                None => Vec::new(),
            };
            return Some(CallTask::Function(FunctionCall {
                name: name.into(),
                task: self.use_function(at, name)?,
                arguments: arguments.into_iter().collect(),
            }));
        }
        let own: Vec<String> = self
            .uses
            .functions
            .keys()
            .map(|name| (*name).to_owned())
            .collect();
        let known = own
            .iter()
            .map(String::as_str)
            .chain(PROTOCOLS)
            .chain(catalog::FUNCTIONS.iter().map(|f| f.name));
        let message = format!("there is no function `{}`", shown(name));
        self.unresolved(at, message, name, known);
        None
    }
}
