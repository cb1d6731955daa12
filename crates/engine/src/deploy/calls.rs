//! Which calls a flow makes through a connection, as far as its text says it.

use connect::{CallStanding, GraphCall};
use flow::definition::{Authentication, Block, CallTask, Endpoint, Flow, Kind, Template, Uri};
use serde::Serialize;
use serde_json::Value;

/// A call that a flow may make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Need {
    /// The task's pointer.
    pub task: String,
    /// The method; `openapi` where a document says it, `batch` where it is one of a batch that says it only when it is made.
    pub method: String,
    /// Where, as it is written; of an expression that is one text, `{…}` stands for what is put into it. `None` where another
    /// expression says it.
    pub endpoint: Option<String>,
    /// The query that stands beside the address, as far as it is written.
    #[serde(skip)]
    pub query: Vec<(String, String)>,
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
        let mut path = self.endpoint.clone()?;
        for (name, value) in &self.query {
            path.push(if path.contains('?') { '&' } else { '?' });
            path.push_str(name);
            path.push('=');
            path.push_str(value);
        }
        (![OPENAPI, UNKNOWN].contains(&self.method.as_str())).then(|| GraphCall {
            method: self.method.clone(),
            path,
        })
    }
}

/// Stands for the method where an `OpenAPI` document says it.
const OPENAPI: &str = "openapi";
/// Stands for the method where it is not known before the call is made; without an endpoint, for all calls of a batch.
const UNKNOWN: &str = "batch";

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
                found.extend(
                    needs(call, name)
                        .into_iter()
                        .map(|(method, endpoint)| Need {
                            task: task.reference.to_string(),
                            method,
                            endpoint,
                            query: query(call),
                            standing: None,
                            missing: Vec::new(),
                        }),
                );
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

/// A method and an endpoint, as far as they are written.
type Written = (String, Option<String>);

fn needs(call: &CallTask, name: &str) -> Vec<Written> {
    match call {
        CallTask::Catalog(function)
            if function.name.as_ref() == "batch" && uses(&function.authentication, name) =>
        {
            batched(&function.arguments)
        }
        other => need(other, name).into_iter().collect(),
    }
}

/// The calls of a batch. What an expression makes is known when it runs.
fn batched(arguments: &Template) -> Vec<Written> {
    let unknown = || vec![(UNKNOWN.to_owned(), None)];
    match member(arguments, "requests") {
        Some(Member::Value(Value::Array(requests))) => requests
            .iter()
            .map(|request| one(|name| request.get(name).map(Member::Value)))
            .collect(),
        Some(Member::Template(Template::List(requests))) => requests
            .iter()
            .map(|request| match request {
                Template::Expression(_) => (UNKNOWN.to_owned(), None),
                request => one(|name| member(request, name)),
            })
            .collect(),
        _ => unknown(),
    }
}

/// One call of a batch, by its members.
fn one<'t>(member: impl Fn(&str) -> Option<Member<'t>>) -> Written {
    let method = match member("method") {
        None => Some("GET".to_owned()),
        Some(method) => method.text().map(|method| method.to_ascii_uppercase()),
    };
    let endpoint = member("path").and_then(|path| path.text());
    (method.unwrap_or_else(|| UNKNOWN.to_owned()), endpoint)
}

/// A member of an object that is written, or partly.
enum Member<'t> {
    Value(&'t Value),
    Template(&'t Template),
}

impl Member<'_> {
    /// Its text, where it is one; `{…}` stands for what is put into it.
    fn text(&self) -> Option<String> {
        match self {
            Member::Value(value) => value.as_str().map(str::to_owned),
            Member::Template(Template::Expression(text)) => interpolated(text.program.source()),
            Member::Template(_) => None,
        }
    }
}

fn member<'t>(of: &'t Template, name: &str) -> Option<Member<'t>> {
    match of {
        Template::Literal(value) => value.get(name).map(Member::Value),
        Template::Object(members) => members.get(name).map(|member| match member {
            Template::Literal(value) => Member::Value(value),
            other => Member::Template(other),
        }),
        Template::Expression(_) | Template::List(_) => None,
    }
}

fn need(call: &CallTask, name: &str) -> Option<Written> {
    match call {
        CallTask::Http(http) if uses(&http.endpoint.authentication, name) => {
            Some((http.method.to_string(), written(&http.endpoint)))
        }
        CallTask::OpenApi(openapi) if uses(&openapi.authentication, name) => {
            Some((OPENAPI.to_owned(), Some(openapi.operation.to_string())))
        }
        CallTask::Catalog(function) if uses(&function.authentication, name) => {
            let endpoint = member(&function.arguments, "endpoint");
            let endpoint = endpoint.and_then(|endpoint| endpoint.text());
            Some(("GET".to_owned(), endpoint))
        }
        _ => None,
    }
}

/// The texts of a call's query.
fn query(call: &CallTask) -> Vec<(String, String)> {
    let given = match call {
        CallTask::Http(http) => http.query.as_ref(),
        CallTask::Catalog(function) => match &function.arguments {
            Template::Literal(value) => return texts(value.get("query")),
            Template::Object(members) => members.get("query"),
            _ => None,
        },
        _ => None,
    };
    match given {
        Some(Template::Literal(value)) => texts(Some(value)),
        Some(Template::Object(members)) => members
            .iter()
            .filter_map(|(name, value)| match value {
                Template::Literal(Value::String(text)) => Some((name.clone(), text.clone())),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn texts(query: Option<&Value>) -> Vec<(String, String)> {
    let members = query.and_then(Value::as_object).into_iter().flatten();
    members
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
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
    use flow::definition::Flow;

    use super::{interpolated, of};

    #[test]
    fn the_calls_of_a_batch_are_read() {
        let calls = |with: &str| {
            let text = format!(
                "document: {{dsl: '1.0.3', namespace: a, name: b, version: '1.0.0'}}\nuse: {{secrets: [graph]}}\ndo:\n  - many: {{call: batch, with: {{requests: {with}, authentication: {{oauth2: {{use: graph}}}}}}}}\n"
            );
            let found = of(&Flow::parse(&text).unwrap(), "graph").into_iter();
            let found = found.map(|need| (need.method, need.endpoint.unwrap_or("?".to_owned())));
            found.collect::<Vec<_>>()
        };
        let written = |calls: &[(&str, &str)]| {
            let calls = calls.iter();
            let calls =
                calls.map(|(method, endpoint)| ((*method).to_owned(), (*endpoint).to_owned()));
            calls.collect::<Vec<_>>()
        };
        assert_eq!(
            calls(
                "[{method: post, path: /groups, body: {}}, {method: DELETE, path: /users/1}, {path: /me}]"
            ),
            written(&[("POST", "/groups"), ("DELETE", "/users/1"), ("GET", "/me")])
        );
        assert_eq!(
            calls(
                "[{method: POST, path: /groups, body: '${ .group }'}, {path: '${ \"/users/\\(.id)\" }'}, {method: '${ .how }', path: '${ .where }'}, '${ .it }']"
            ),
            written(&[
                ("POST", "/groups"),
                ("GET", "/users/{…}"),
                ("batch", "?"),
                ("batch", "?")
            ])
        );
        assert_eq!(calls("'${ .all }'"), written(&[("batch", "?")]));
    }

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
