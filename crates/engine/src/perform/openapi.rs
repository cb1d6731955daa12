//! `call: openapi`: finds the operation in a description (Swagger 2 or OpenAPI 3.x, as JSON) and makes a request of it.
//!
//! The description is fetched as any other document, and kept for a while. References inside it are followed, others
//! refused. Which parameter goes where is the description's to say; the request itself is `http.rs`'s.

mod request;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use flow::command::{Authentication, HttpCall, OpenApiCall, OutcomeUnknown, OutputForm};
use flow::{CommandId, Fault, FaultType};
use serde_json::Value;

use super::{Caller, Done, Performer};

/// How long a description is used before it is fetched again.
const FRESH: Duration = Duration::from_mins(5);
/// How many descriptions are kept.
const KEPT: usize = 32;

/// Descriptions that were fetched.
#[derive(Default)]
pub(super) struct Documents(Mutex<HashMap<String, (Instant, Arc<Value>)>>);

impl Documents {
    fn find(&self, key: &str) -> Option<Arc<Value>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(key)
            .filter(|(since, _)| since.elapsed() < FRESH)
            .map(|(_, document)| Arc::clone(document))
    }

    fn keep(&self, key: String, document: &Arc<Value>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(key, (Instant::now(), Arc::clone(document)));
    }
}

impl Performer {
    pub(super) async fn openapi(
        &self,
        caller: &Caller,
        id: &CommandId,
        call: &OpenApiCall,
    ) -> Done {
        let key = format!("{:?} {}", call.document_authentication, call.document);
        let document = match self.documents.find(&key) {
            Some(document) => document,
            None => match self.fetch(caller, id, call).await {
                Ok(document) => {
                    self.documents.keep(key, &document);
                    document
                }
                Err(done) => return done,
            },
        };
        match request::of(&document, call) {
            Ok(call) => Done::Ready(Box::new(call)),
            Err(why) => refused(&call.operation, why).into(),
        }
    }

    async fn fetch(
        &self,
        caller: &Caller,
        id: &CommandId,
        call: &OpenApiCall,
    ) -> Result<Arc<Value>, Done> {
        let get = HttpCall {
            method: "GET".to_owned(),
            endpoint: call.document.clone(),
            headers: Vec::new(),
            query: Vec::new(),
            body: None,
            authentication: match &call.document_authentication {
                Authentication::None => Authentication::None,
                other => other.clone(),
            },
            output: OutputForm::Content,
            redirect: true,
            outcome_unknown: OutcomeUnknown::Retry,
        };
        match self.http(caller, (id, None), &get).await {
            Done::Result {
                result: Ok(document),
                ..
            } => parsed(document)
                .map(Arc::new)
                .map_err(|why| refused(&call.operation, why).into()),
            other => Err(other),
        }
    }
}

/// Some servers send descriptions as text.
fn parsed(document: Value) -> Result<Value, String> {
    match document {
        Value::Object(_) => Ok(document),
        Value::String(text) => serde_json::from_str(&text).map_err(|error| {
            format!("the description is no JSON: {error}; give the address of its JSON form")
        }),
        _ => Err("the description is no JSON object".to_owned()),
    }
}

fn refused(operation: &str, why: impl std::fmt::Display) -> Fault {
    Fault::new(
        FaultType::Configuration,
        format!("operation \"{operation}\" can't be called: {why}"),
    )
    .code("openapi.invalid")
}
