//! Carries out what a run wants done by another party, and makes a value or a fault of what came back.
//!
//! The only part of the room that knows `connect`. It records nothing: whoever drives the run does that, and passes the
//! same command again when nothing was recorded.

mod answer;
mod batch;
mod failure;
mod http;
mod log;
mod openapi;
mod page;
mod policy;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use connect::{Connector, GraphCall, Permissions, Unnamed};
use flow::command::{Authentication, Call, HttpCall};
use flow::definition::OnConnectionNeeds;
use flow::{CommandId, Fault};
use serde_json::Value;
use store::{Actor, ConnectionId, ConnectionName, Redactor, RunId};
use tokio::sync::Mutex;

use crate::definitions::Definitions;

pub(crate) use http::must_not_repeat;

/// Whether a function of the catalog asks another party; the others are the engine's own.
pub(crate) fn is_call_of_another(function: &str) -> bool {
    matches!(function, "page" | "batch")
}

/// The connection that a function of the catalogue goes through: it has no other way to say who is calling.
fn connection_of(
    function: &str,
    authentication: &Authentication,
) -> Result<ConnectionName, String> {
    let Authentication::Connection { name, .. } = authentication else {
        return Err(format!(
            "call: {function} goes through a connection: name one with authentication: {{oauth2: {{use: NAME}}}}"
        ));
    };
    ConnectionName::parse(name).map_err(|_| format!("{name:?} can't be the name of a connection"))
}

/// On whose behalf something is done.
pub(crate) struct Caller {
    pub(crate) run: RunId,
    pub(crate) actor: Actor,
    pub(crate) needs: OnConnectionNeeds,
    /// What the run reads of secrets: no result may tell it to the run.
    pub(crate) redactor: Redactor,
    /// All secrets there are: what others told the run may hold them, and they must not be shown.
    pub(crate) shown: Arc<Redactor>,
    /// Policies of the flow's own, and the tokens they obtained; they live as long as the run is in memory.
    unnamed: Mutex<HashMap<String, Arc<Unnamed>>>,
}

impl Caller {
    pub(crate) fn new(
        run: RunId,
        actor: Actor,
        needs: OnConnectionNeeds,
        (redactor, shown): (Redactor, Arc<Redactor>),
    ) -> Caller {
        Caller {
            run,
            actor,
            needs,
            redactor,
            shown,
            unnamed: Mutex::default(),
        }
    }

    /// A value for people to read.
    pub(crate) fn to_show(&self, value: Value) -> Value {
        self.shown.value(self.redactor.value(value))
    }

    /// A text for people to read.
    pub(crate) fn text_to_show(&self, text: String) -> String {
        self.shown.text(self.redactor.text(text))
    }
}

/// What became of a command.
#[derive(Debug)]
pub(crate) enum Done {
    /// It came to its end.
    Result {
        result: Result<Value, Fault>,
        explanation: Option<Value>,
    },
    /// It was not made: a connection needs somebody, which the API may have been the first to say.
    Needs {
        name: String,
        id: ConnectionId,
        code: String,
    },
    /// It is known now which request it is; nothing was sent yet.
    Ready(Box<HttpCall>),
}

impl Done {
    fn of(result: Result<Value, Fault>) -> Done {
        Done::Result {
            result,
            explanation: None,
        }
    }
}

impl From<Fault> for Done {
    fn from(fault: Fault) -> Done {
        Done::of(Err(fault))
    }
}

/// Carries out calls.
#[derive(Clone)]
pub(crate) struct Performer {
    connector: Connector,
    definitions: Arc<Definitions>,
    documents: Arc<openapi::Documents>,
}

impl Performer {
    pub(crate) fn new(connector: Connector, definitions: Arc<Definitions>) -> Performer {
        Performer {
            connector,
            definitions,
            documents: Arc::default(),
        }
    }

    /// What a 401 means to a run that waits for connections: its token did not count any more and none could be had in
    /// its place, so the API did nothing, and the call is made once somebody has cured the connection.
    async fn turned_away(
        &self,
        caller: &Caller,
        name: &ConnectionName,
        status: u16,
    ) -> Option<Done> {
        if status != 401 || caller.needs != OnConnectionNeeds::Park {
            return None;
        }
        match self.definitions.needy(name).await {
            Ok(needy) => needy.map(|(id, code)| Done::Needs {
                name: name.to_string(),
                id,
                code,
            }),
            Err(error) => Some(Fault::new(flow::FaultType::Runtime, error.to_string()).into()),
        }
    }

    /// What calls through a connection need against what it holds; `None` where that is not known, or no connection is there.
    pub(crate) async fn permissions(
        &self,
        actor: &Actor,
        name: &ConnectionName,
        calls: Vec<GraphCall>,
    ) -> Result<Option<Permissions>, store::Error> {
        match self.connector.permissions(actor, name, calls).await {
            Ok(judged) => Ok(judged),
            Err(connect::Error::Store(error)) => Err(error),
            // deleted this moment
            Err(_) => Ok(None),
        }
    }

    /// Carries out a call. Can be dropped at any time; the other party may have got the request then.
    /// `patience` is how long the task may take, where it says that itself.
    pub(crate) async fn call(
        &self,
        caller: &Caller,
        (id, patience): (&CommandId, Option<Duration>),
        call: &Call,
    ) -> Done {
        match call {
            Call::Http(call) => self.http(caller, (id, patience), call).await,
            Call::OpenApi(call) => self.openapi(caller, id, call).await,
            Call::Function {
                name,
                arguments,
                authentication,
            } if name == "page" => {
                self.page(caller, (id, patience), arguments, authentication)
                    .await
            }
            Call::Function {
                name,
                arguments,
                authentication,
            } if name == "batch" => self.batch(caller, id, arguments, authentication).await,
            Call::Function { name, .. } => Fault::new(
                flow::FaultType::Configuration,
                format!("there is no function \"{name}\""),
            )
            .into(),
        }
    }
}
