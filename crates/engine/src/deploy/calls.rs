//! Which calls a flow makes through a connection, as far as its text says it.

use connect::{CallStanding, GraphCall};
use flow::definition::{Authentication, Block, CallTask, Endpoint, Flow, Kind, Template, Uri};
use serde::Serialize;

/// A call that a flow may make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Need {
    /// The task's pointer.
    pub task: String,
    /// The method.
    pub method: String,
    /// Where, as it is written; of an expression that is one text, `{…}` stands for what is put into it. `None` where another
    /// expression says it.
    pub endpoint: Option<String>,
    /// How it stands against the permissions of its connection, where that is judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standing: Option<CallStanding>,
    /// The least permissions that it lacks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

impl Need {
    /// The call as the tables of Graph know it.
    pub(super) fn graph_call(&self) -> Option<GraphCall> {
        let path = self.endpoint.as_ref()?;
        (self.method != OPENAPI).then(|| GraphCall {
            method: self.method.clone(),
            path: path.clone(),
        })
    }
}

/// Stands for the method where an `OpenAPI` document says it.
const OPENAPI: &str = "openapi";

/// The calls of a flow through one of its connections.
pub(super) fn of(flow: &Flow, name: &str) -> Vec<Need> {
    let mut found = Vec::new();
    block(&flow.tasks, name, &mut found);
    found
}

fn block(tasks: &Block, name: &str, found: &mut Vec<Need>) {
    for task in &tasks.0 {
        match &task.kind {
            Kind::Do(inner) => block(inner, name, found),
            Kind::For(inner) => block(&inner.r#do, name, found),
            Kind::Fork(fork) => block(&fork.branches, name, found),
            Kind::Try(tried) => {
                block(&tried.r#try, name, found);
                if let Some(caught) = &tried.catch.r#do {
                    block(caught, name, found);
                }
            }
            Kind::Listen(listen) => {
                if let Some(each) = listen.foreach.as_ref().and_then(|each| each.r#do.as_ref()) {
                    block(each, name, found);
                }
            }
            Kind::Call(call) => {
                if let CallTask::Function(function) = call.as_ref() {
                    let inner = Block(vec![std::sync::Arc::clone(&function.task)]);
                    block(&inner, name, found);
                }
                found.extend(need(call, name).map(|(method, endpoint)| Need {
                    task: task.reference.to_string(),
                    method,
                    endpoint,
                    standing: None,
                    missing: Vec::new(),
                }));
            }
            Kind::Set(_)
            | Kind::Switch(_)
            | Kind::Raise(_)
            | Kind::Wait(_)
            | Kind::Emit(_)
            | Kind::Run(_) => {}
        }
    }
}

fn need(call: &CallTask, name: &str) -> Option<(String, Option<String>)> {
    match call {
        CallTask::Http(http) if uses(&http.endpoint.authentication, name) => {
            Some((http.method.to_string(), written(&http.endpoint)))
        }
        CallTask::OpenApi(openapi) if uses(&openapi.authentication, name) => {
            Some((OPENAPI.to_owned(), Some(openapi.operation.to_string())))
        }
        CallTask::Catalog(function) if uses(&function.authentication, name) => {
            let endpoint = match &function.arguments {
                Template::Literal(value) => value.get("endpoint")?.as_str().map(str::to_owned),
                Template::Object(members) => match members.get("endpoint") {
                    Some(Template::Literal(value)) => value.as_str().map(str::to_owned),
                    Some(Template::Expression(text)) => interpolated(text.program.source()),
                    _ => None,
                },
                _ => None,
            };
            Some(("GET".to_owned(), endpoint))
        }
        _ => None,
    }
}

fn uses(authentication: &Authentication, name: &str) -> bool {
    matches!(authentication, Authentication::Secret { name: used, .. } if used.as_ref() == name)
}

fn written(endpoint: &Endpoint) -> Option<String> {
    match &endpoint.uri {
        Uri::Template(text) => Some(text.to_string()),
        Uri::Expression(text) => interpolated(text.program.source()),
    }
}

/// An expression that is one text with values put into it (`"/users/\(.id)"`), as a template: `/users/{…}`.
fn interpolated(source: &str) -> Option<String> {
    let inner = source.trim().strip_prefix('"')?.strip_suffix('"')?;
    let mut template = String::new();
    let mut rest = inner;
    while let Some(at) = rest.find(['\\', '"']) {
        template.push_str(&rest[..at]);
        let value = rest[at..].strip_prefix("\\(")?;
        template.push_str("{…}");
        rest = &value[closing(value)? + 1..];
    }
    template.push_str(rest);
    Some(template)
}

/// Where the parenthesis closes that was open before; texts in between are not understood.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '"' => return None,
            '(' => depth += 1,
            ')' if depth == 0 => return Some(at),
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::interpolated;

    #[test]
    fn a_text_with_values_is_a_template() {
        for (source, template) in [
            (r#" "/users/\(.id)" "#, Some("/users/{…}")),
            (
                r#""/groups/\($context.target)/members/\((.a | .b))/$ref""#,
                Some("/groups/{…}/members/{…}/$ref"),
            ),
            (r#""/users""#, Some("/users")),
            (r#""/users/" + .id"#, None),
            (r#""/a\u0020b""#, None),
            (r#""/users/\(.a["x"])""#, None),
            (".path", None),
        ] {
            assert_eq!(interpolated(source).as_deref(), template, "{source}");
        }
    }
}
