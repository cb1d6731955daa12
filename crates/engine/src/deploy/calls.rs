//! Which calls a flow makes through a connection, as far as its text says it.

use flow::definition::{Authentication, Block, CallTask, Endpoint, Flow, Kind, Template, Uri};
use serde::Serialize;

/// A call that a flow may make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Need {
    /// The task's pointer.
    pub task: String,
    /// The method.
    pub method: String,
    /// Where, as it is written; `None` where an expression says it.
    pub endpoint: Option<String>,
}

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
            Some(("openapi".to_owned(), Some(openapi.operation.to_string())))
        }
        CallTask::Catalog(function) if uses(&function.authentication, name) => {
            let endpoint = match &function.arguments {
                Template::Literal(value) => value.get("endpoint")?.as_str().map(str::to_owned),
                Template::Object(members) => match members.get("endpoint") {
                    Some(Template::Literal(value)) => value.as_str().map(str::to_owned),
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
        Uri::Expression(_) => None,
    }
}
