//! Functions of Keyway's own catalog that need no other party: `respond`, `approve`, `table-…`.

use std::sync::Arc;

use flow::{CloudEvent, Command, CommandId, Event, Fault, FaultType, Recorded};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use store::{ApprovalId, Approvals, Line, NewApproval, TableAnswer, TableOperation};

use super::Reply;
use super::drive::Drive;
use super::plan::{Plan, TableCall};

/// The type of the event that tells of a question, with the link that answers it.
const REQUESTED: &str = "keyway.approval.requested";

impl Drive {
    pub(super) async fn catalog(
        &mut self,
        plan: &mut Plan,
        id: CommandId,
        name: &str,
        arguments: &Value,
    ) {
        match name {
            "respond" => match reply(arguments) {
                Ok(reply) => {
                    plan.replies.push(reply);
                    self.complete(plan, id, Ok(Value::Null)).await;
                }
                Err(why) => self.complete(plan, id, Err(invalid(name, why))).await,
            },
            "approve" => self.ask(plan, id, arguments).await,
            "table-get" | "table-put" | "table-delete" | "table-list" => {
                match operation(name, arguments) {
                    Ok(operation) => self.table(plan, id, name, operation),
                    Err(why) => self.complete(plan, id, Err(invalid(name, why))).await,
                }
            }
            _ => {
                let fault = Fault::new(
                    FaultType::Configuration,
                    format!("there is no function \"{name}\""),
                );
                self.complete(plan, id, Err(fault)).await;
            }
        }
    }

    fn table(&mut self, plan: &mut Plan, id: CommandId, name: &str, operation: TableOperation) {
        let call = TableCall {
            id,
            function: name.to_owned(),
            at: self.now(),
        };
        let (id, function, at) = (call.id.clone(), call.function.clone(), call.at);
        plan.table_lines.push(Line::Table {
            operation,
            line: Arc::new(move |answer| {
                let call = TableCall {
                    id: id.clone(),
                    function: function.clone(),
                    at,
                };
                serde_json::to_value(table_event(&call, answer)).expect("events are JSON")
            }),
        });
        plan.tables.push(call);
    }

    /// Asks a person, unless that was done before.
    async fn ask(&mut self, plan: &mut Plan, id: CommandId, arguments: &Value) {
        let Some(title) = arguments.get("title").and_then(Value::as_str) else {
            let why = "its title must be a text".to_owned();
            return self.complete(plan, id, Err(invalid("approve", why))).await;
        };
        if self.position > 0 {
            match self.engine.store.approvals().of_run(&self.run).await {
                Ok(asked) if asked.iter().any(|asked| asked.command == id.0) => return,
                Ok(_) => {}
                Err(error) => {
                    let fault = Fault::new(FaultType::Runtime, error.to_string());
                    return self.complete(plan, id, Err(fault)).await;
                }
            }
        }
        // The question is shown to whoever may answer it, and to whoever is told of it.
        let told = |name: &str| {
            arguments
                .get(name)
                .cloned()
                .map(|value| self.caller.to_show(value))
        };
        let (message, details) = (told("message"), told("details"));
        let title = self.caller.text_to_show(title.to_owned());
        let token = Approvals::new_token();
        let base = self.engine.config.public_url.as_str().trim_end_matches('/');
        let link = format!("{base}/approve/{}", token.expose());
        let asked = NewApproval {
            id: ApprovalId::random(),
            command: id.0.clone(),
            token,
            title: title.chars().take(300).collect(),
            detail: json!({
                "message": message,
                "details": details,
                "flow": self.definition.name(),
            }),
            expires_at: self.deadline(&id),
        };
        let event = CloudEvent {
            specversion: "1.0".to_owned(),
            id: asked.id.to_string(),
            source: format!("keyway:{}", self.definition.name()),
            r#type: REQUESTED.to_owned(),
            time: Some(self.now().to_string()),
            subject: Some(asked.id.to_string()),
            datacontenttype: Some("application/json".to_owned()),
            dataschema: None,
            data: Some(json!({
                "approval": asked.id,
                "run": self.run,
                "flow": self.definition.name(),
                "title": asked.title,
                "message": message,
                "details": details,
                "link": link,
            })),
            extensions: indexmap::IndexMap::new(),
        };
        plan.progress.approvals.push(asked);
        self.publish(plan, &event).await;
    }

    /// Until when a command can be answered: its own timeout, or one around it.
    fn deadline(&self, id: &CommandId) -> Option<Timestamp> {
        let timeouts = self.pending(|timer| {
            let around = timer.0.strip_suffix("#timeout");
            let rest = around.and_then(|around| id.0.strip_prefix(around));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '[', '~', '#']))
        });
        let until = timeouts.iter().filter_map(|timer| match timer {
            Command::Sleep { until, .. } => Some(*until),
            _ => None,
        });
        until.min()
    }
}

fn invalid(name: &str, why: impl std::fmt::Display) -> Fault {
    Fault::new(
        FaultType::Validation,
        format!("function \"{name}\" can't be called so: {why}"),
    )
    .code("function.invalid")
}

fn reply(arguments: &Value) -> Result<Reply, String> {
    let status = match arguments.get("status") {
        None | Some(Value::Null) => 200,
        Some(status) => status
            .as_u64()
            .and_then(|status| u16::try_from(status).ok())
            .filter(|status| (200..600).contains(status))
            .ok_or("its status must be a number from 200 to 599")?,
    };
    let headers = match arguments.get("headers") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Object(members)) => headers(members)?,
        Some(_) => return Err("its headers must be an object".to_owned()),
    };
    let body = arguments.get("body").cloned().unwrap_or_default();
    if flow::definition::catalog::BODILESS.contains(&status)
        && !flow::definition::catalog::is_no_body(&body)
    {
        return Err(format!(
            "an answer with status {status} has no body: leave `body` out, or answer with 200"
        ));
    }
    Ok(Reply {
        status,
        headers,
        body,
    })
}

fn headers(members: &Map<String, Value>) -> Result<Vec<(String, String)>, String> {
    members
        .iter()
        .map(|(name, value)| {
            let named = http::HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| format!("{name:?} is no header name"))?;
            let text = value
                .as_str()
                .filter(|text| http::HeaderValue::from_str(text).is_ok())
                .ok_or_else(|| format!("the value of header {name} is no header value"))?;
            Ok((named.to_string(), text.to_owned()))
        })
        .collect()
}

fn operation(name: &str, arguments: &Value) -> Result<TableOperation, String> {
    let text = |of: &str| {
        let found = arguments.get(of).and_then(Value::as_str);
        found
            .map(str::to_owned)
            .ok_or_else(|| format!("its {of} must be a text"))
    };
    let version = match arguments.get("version") {
        None | Some(Value::Null) => None,
        Some(version) => Some(
            version
                .as_i64()
                .filter(|version| *version >= 0)
                .ok_or("its version must be a number from 0")?,
        ),
    };
    let table = text("table")?;
    Ok(match name {
        "table-get" => TableOperation::Get {
            table,
            key: text("key")?,
        },
        "table-put" => TableOperation::Put {
            table,
            key: text("key")?,
            value: arguments
                .get("value")
                .cloned()
                .ok_or("its value is missing")?,
            version,
        },
        "table-delete" => TableOperation::Delete {
            table,
            key: text("key")?,
            version,
        },
        _ => TableOperation::List {
            table,
            prefix: arguments
                .get("prefix")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            after: arguments
                .get("after")
                .and_then(Value::as_str)
                .map(str::to_owned),
            limit: limit(arguments)?,
        },
    })
}

fn limit(arguments: &Value) -> Result<u32, String> {
    match arguments.get("limit") {
        None | Some(Value::Null) => Ok(100),
        Some(limit) => limit
            .as_u64()
            .and_then(|limit| u32::try_from(limit).ok())
            .filter(|limit| (1..=1_000).contains(limit))
            .ok_or_else(|| "its limit must be a number from 1 to 1,000".to_owned()),
    }
}

/// What a table's answer means to the run: the same whoever asks, so that a line and its replay agree.
pub(super) fn table_event(call: &TableCall, answer: &TableAnswer) -> Recorded {
    Recorded {
        at: call.at,
        event: Event::Completed {
            id: call.id.clone(),
            result: table_result(&call.function, answer),
            explanation: None,
        },
    }
}

fn table_result(function: &str, answer: &TableAnswer) -> Result<Value, Fault> {
    let row = |row: &store::TableRow| json!({ "key": row.key, "value": row.value, "version": row.version });
    match answer {
        TableAnswer::Row(found) => Ok(match function {
            "table-put" => json!({ "version": found.as_ref().map(|row| row.version) }),
            "table-delete" => json!({ "deleted": found.is_some() }),
            _ => found.as_ref().map_or(Value::Null, row),
        }),
        TableAnswer::Rows(rows) => Ok(json!({
            "items": rows.iter().map(row).collect::<Vec<_>>(),
            "next": rows.last().map(|row| &row.key),
        })),
        TableAnswer::Conflict { current } => Err(Fault::new(
            FaultType::Validation,
            format!("the row is at version {current}: read it again and repeat the change"),
        )
        .status(409)
        .code("table.conflict")),
        TableAnswer::Invalid(why) => Err(invalid(function, why)),
    }
}
