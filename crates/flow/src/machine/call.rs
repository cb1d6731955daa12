//! `call`: HTTP, OpenAPI, functions of the flow, functions of Keyway's catalog. Arguments are evaluated here; the call is made elsewhere.

use std::sync::Arc;

use serde_json::Value;

use super::Machine;
use super::evaluate::{About, Stop, shortened, wrong_type};
use super::frame::{Body, Cursor, Frame, Phase};
use super::outbox::Part;
use super::uri::expand;
use super::walk::{Child, Turn};
use crate::Command;
use crate::command::{self, Call};
use crate::definition::{
    Authentication, CallTask, CatalogFunction, FunctionCall, HttpTask, OpenApiTask, Template, Uri,
};
use crate::fault::{Fault, FaultType};

impl Machine {
    pub(super) fn call(&mut self, frame: &mut Frame, task: &CallTask) -> Result<Turn, Stop> {
        match std::mem::take(&mut frame.body) {
            Body::Fresh => {}
            Body::Answered(output) => return Ok(Turn::Done(Arc::new(output))),
            other => {
                frame.body = other;
                return self.go_on_calling(frame, task);
            }
        }
        let call = match task {
            CallTask::Function(function) => return self.call_function(frame, function),
            CallTask::Catalog(function) if &*function.name == "page" => {
                return self.page(frame, function);
            }
            CallTask::Http(http) => Call::Http(self.http(frame, http)?),
            CallTask::OpenApi(openapi) => Call::OpenApi(self.openapi(frame, openapi)?),
            CallTask::Catalog(function) => self.catalog(frame, function)?,
        };
        let id = self.id(frame, "");
        frame.body = Body::Out;
        self.command(frame, Part::Body, Command::Call { id, call });
        Ok(Turn::Wait)
    }

    fn go_on_calling(&mut self, frame: &mut Frame, task: &CallTask) -> Result<Turn, Stop> {
        match (&mut frame.body, task) {
            (Body::Block(cursor), CallTask::Function(_)) => match cursor.phase {
                Phase::Under => Ok(Turn::Wait),
                Phase::End => {
                    let output = Arc::clone(&cursor.data);
                    frame.then = crate::definition::Then::End;
                    Ok(Turn::Done(output))
                }
                Phase::Ready | Phase::Over => Ok(Turn::Done(Arc::clone(&cursor.data))),
            },
            (Body::Collect(_), _) => self.collect(frame),
            _ => Ok(Turn::Wait),
        }
    }

    /// A function of the flow: its task, with `with` as the raw input. It sees no variable of the loops around the call.
    fn call_function(&mut self, frame: &mut Frame, function: &FunctionCall) -> Result<Turn, Stop> {
        let (input, scope) = (Arc::clone(&frame.input), frame.scope.clone());
        let mut about = About::new("with", &input, &scope);
        let mut asked = false;
        let mut arguments = serde_json::Map::with_capacity(function.arguments.len());
        for (name, template) in &function.arguments {
            match self.template(frame, &mut about, template) {
                Ok(value) => {
                    arguments.insert(name.clone(), value);
                }
                Err(Stop::Asked) => asked = true,
                Err(stop) => return Err(stop),
            }
        }
        if asked {
            return Err(Stop::Asked);
        }
        let raw = Arc::new(Value::Object(arguments));
        let mut cursor = Cursor::new(Arc::clone(&raw));
        cursor.phase = Phase::Under;
        frame.body = Body::Block(cursor);
        let child = Child {
            task: Arc::clone(&function.task),
            raw,
            scope: super::frame::Scope::default(),
            branch: frame.branch,
            slot: 0,
            turn: 1,
        };
        self.enter(frame, child);
        Ok(Turn::Wait)
    }

    fn http(&mut self, frame: &mut Frame, http: &HttpTask) -> Result<command::HttpCall, Stop> {
        let endpoint = self.address(frame, "endpoint", &http.endpoint.uri);
        let authentication =
            self.authentication(frame, "authentication", &http.endpoint.authentication);
        let headers = self.part(frame, "headers", http.headers.as_ref());
        let query = self.part(frame, "query", http.query.as_ref());
        let body = self.part(frame, "body", http.body.as_ref());
        let mut gate = Gate::default();
        let endpoint = gate.pass(endpoint)?;
        let authentication = gate.pass(authentication)?;
        let headers = gate.pass(headers)?;
        let query = gate.pass(query)?;
        let body = gate.pass(body)?;
        gate.open()?;
        Ok(command::HttpCall {
            method: http.method.to_string(),
            endpoint: endpoint.unwrap_or_default(),
            headers: fields("headers", headers.flatten())?,
            query: fields("query", query.flatten())?,
            body: body.flatten(),
            authentication: authentication.unwrap_or(command::Authentication::None),
            output: http.output,
            redirect: http.redirect,
            outcome_unknown: http.outcome_unknown,
        })
    }

    fn openapi(
        &mut self,
        frame: &mut Frame,
        openapi: &OpenApiTask,
    ) -> Result<command::OpenApiCall, Stop> {
        let document = self.address(frame, "document", &openapi.document.uri);
        let fetcher = self.authentication(
            frame,
            "document.authentication",
            &openapi.document.authentication,
        );
        let authentication = self.authentication(frame, "authentication", &openapi.authentication);
        let parameters = self.part(frame, "parameters", openapi.parameters.as_ref());
        let mut gate = Gate::default();
        let document = gate.pass(document)?;
        let fetcher = gate.pass(fetcher)?;
        let authentication = gate.pass(authentication)?;
        let parameters = gate.pass(parameters)?;
        gate.open()?;
        Ok(command::OpenApiCall {
            document: document.unwrap_or_default(),
            document_authentication: fetcher.unwrap_or(command::Authentication::None),
            operation: openapi.operation.to_string(),
            parameters: parameters
                .flatten()
                .unwrap_or_else(|| Value::Object(serde_json::Map::new())),
            authentication: authentication.unwrap_or(command::Authentication::None),
            output: openapi.output,
            redirect: openapi.redirect,
            outcome_unknown: openapi.outcome_unknown,
        })
    }

    fn catalog(&mut self, frame: &mut Frame, function: &CatalogFunction) -> Result<Call, Stop> {
        let (arguments, authentication) = self.catalog_arguments(frame, function)?;
        Ok(Call::Function {
            name: function.name.to_string(),
            arguments,
            authentication,
        })
    }

    pub(super) fn catalog_arguments(
        &mut self,
        frame: &mut Frame,
        function: &CatalogFunction,
    ) -> Result<(Value, command::Authentication), Stop> {
        let authentication = self.authentication(frame, "authentication", &function.authentication);
        let arguments = self.part(frame, "with", Some(&function.arguments));
        let mut gate = Gate::default();
        let authentication = gate.pass(authentication)?;
        let arguments = gate.pass(arguments)?;
        gate.open()?;
        Ok((
            arguments.flatten().unwrap_or(Value::Null),
            authentication.unwrap_or(command::Authentication::None),
        ))
    }

    /// One member of `with`, if it is there.
    fn part(
        &mut self,
        frame: &mut Frame,
        part: &str,
        template: Option<&Template>,
    ) -> Result<Option<Value>, Stop> {
        let Some(template) = template else {
            return Ok(None);
        };
        let (input, scope) = (Arc::clone(&frame.input), frame.scope.clone());
        self.template(frame, &mut About::new(part, &input, &scope), template)
            .map(Some)
    }

    fn address(&mut self, frame: &mut Frame, part: &str, uri: &Uri) -> Result<String, Stop> {
        let (input, scope) = (Arc::clone(&frame.input), frame.scope.clone());
        match uri {
            Uri::Template(template) => Ok(expand(template, &input)?),
            Uri::Expression(expression) => {
                match self.evaluate(frame, &mut About::new(part, &input, &scope), expression)? {
                    Value::String(text) => Ok(text),
                    other => Err(wrong_type(format!(
                        "{part} must be a URI; the expression yielded {}",
                        shortened(&other)
                    ))
                    .into()),
                }
            }
        }
    }

    fn authentication(
        &mut self,
        frame: &mut Frame,
        part: &str,
        authentication: &Authentication,
    ) -> Result<command::Authentication, Stop> {
        Ok(match authentication {
            Authentication::None => command::Authentication::None,
            Authentication::Secret { name, word } => command::Authentication::Connection {
                name: name.to_string(),
                word: word.to_string(),
            },
            Authentication::Inline { word, policy, .. } => command::Authentication::Inline {
                word: word.to_string(),
                policy: self.part(frame, part, Some(policy))?.unwrap_or(Value::Null),
            },
        })
    }
}

/// Lets the parts of a call through that are there, so that all heavy expressions of it are asked for at once.
#[derive(Default)]
struct Gate {
    asked: bool,
}

impl Gate {
    fn pass<T>(&mut self, part: Result<T, Stop>) -> Result<Option<T>, Stop> {
        match part {
            Ok(value) => Ok(Some(value)),
            Err(Stop::Asked) => {
                self.asked = true;
                Ok(None)
            }
            Err(stop) => Err(stop),
        }
    }

    fn open(self) -> Result<(), Stop> {
        if self.asked { Err(Stop::Asked) } else { Ok(()) }
    }
}

/// Header fields or query parameters: null is left out, a list repeats.
fn fields(what: &str, value: Option<Value>) -> Result<Vec<(String, String)>, Stop> {
    let code = match what {
        "headers" => "header.forbidden",
        _ => "request.target_invalid",
    };
    let refuse = |detail: String| Stop::from(Fault::new(FaultType::Expression, detail).code(code));
    let object = match value {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Object(object)) => object,
        Some(other) => {
            let got = shortened(&other);
            return Err(refuse(format!(
                "{what} must be an object; the expression yielded {got}"
            )));
        }
    };
    let mut fields = Vec::with_capacity(object.len());
    for (name, value) in object {
        let values = match value {
            Value::Array(values) => values,
            value => vec![value],
        };
        for value in values {
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text,
                value @ (Value::Bool(_) | Value::Number(_)) => value.to_string(),
                value @ (Value::Object(_) | Value::Array(_)) => {
                    let got = super::evaluate::shortened(&value);
                    return Err(refuse(format!(
                        "{what}.{name} must be text or a list of texts, not {got}"
                    )));
                }
            };
            if what == "headers" && text.contains(['\r', '\n', '\0']) {
                return Err(refuse(format!("headers.{name} must be one line of text")));
            }
            fields.push((name.clone(), text));
        }
    }
    Ok(fields)
}
