//! One page of a list (`call: page`), through a connection.

use std::time::Duration;

use ::http::Method;
use connect::{ApiRequest, More, Page, PageCursor, PageError, PageSize, PageStyle, Paging};
use flow::command::Authentication;
use flow::{CommandId, Fault, FaultType};
use jiff::Timestamp;
use serde_json::{Value, json};
use store::ConnectionName;

use super::{Caller, Done, Performer, connection_of, failure};

impl Performer {
    pub(super) async fn page(
        &self,
        caller: &Caller,
        (id, patience): (&CommandId, Option<Duration>),
        arguments: &Value,
        authentication: &Authentication,
    ) -> Done {
        let invalid =
            |what: String| Fault::new(FaultType::Configuration, what).code("page.invalid");
        let connection = match connection_of("page", authentication) {
            Ok(connection) => connection,
            Err(why) => return invalid(why).into(),
        };
        let request = match request(arguments) {
            Ok(request) => ApiRequest {
                timeout: patience,
                ..request
            },
            Err(why) => return invalid(why).into(),
        };
        let cursor = match arguments.get("cursor").filter(|cursor| !cursor.is_null()) {
            None => None,
            Some(cursor) => match serde_json::from_value::<PageCursor>(cursor.clone()) {
                Ok(cursor) => Some(cursor),
                Err(error) => return invalid(format!("the cursor can't be used: {error}")).into(),
            },
        };
        let paging = paging(arguments);
        let begun = self.begun(caller, id, (&request.method, &request.target));
        let page = self
            .connector
            .page(
                &caller.actor,
                &connection,
                &request,
                &paging,
                cursor.as_ref(),
            )
            .await;
        match &page {
            Ok(page) => self.report(caller, begun, Ok(&page.head)),
            Err(PageError::Refused { head, .. }) => self.report(caller, begun, Ok(head)),
            Err(PageError::Call(error)) => self.report(caller, begun, Err(error)),
            // what was answered was no page, or none was asked for
            Err(_) => {}
        }
        match page {
            Ok(page) => read(&connection, &page),
            Err(PageError::Call(error)) => failure::of_call(caller, &error, self.now()),
            Err(error) => {
                if let PageError::Refused { head, .. } = &error
                    && let Some(done) = self.turned_away(caller, &connection, head.status).await
                {
                    return done;
                }
                fault(&error, self.now()).into()
            }
        }
    }
}

/// What a flow gets of a page, and what its call is explained by.
fn read(connection: &ConnectionName, page: &Page) -> Done {
    let items: Result<Vec<Value>, _> = page
        .items
        .iter()
        .map(|item| serde_json::from_str(item.get()))
        .collect();
    let result = match items {
        Ok(items) => Ok(json!({ "items": items, "next": page.next })),
        Err(error) => Err(Fault::new(
            FaultType::Communication,
            format!("an item of the page is no JSON: {error}"),
        )),
    };
    Done::Result {
        result,
        explanation: Some(json!({
            "method": "GET",
            "connection": connection.to_string(),
            "host": page.head.host,
            "path": page.head.path,
            "status": page.head.status,
            "requestId": page.head.request_id,
            "items": page.items.len(),
        })),
    }
}

fn fault(error: &PageError, now: Timestamp) -> Fault {
    let detail = match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    };
    let mut fault = Fault::new(FaultType::Communication, detail).code(error.code());
    if let PageError::Refused { head, .. } = error {
        fault.status = head.status;
        fault.retry_after = head
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))
            .and_then(|(_, value)| connect::retry_after(value, now))
            .and_then(|wait| u64::try_from(wait.as_millis()).ok());
    }
    fault
}

fn request(arguments: &Value) -> Result<ApiRequest, String> {
    let endpoint = match arguments.get("endpoint") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Object(members)) => match members.get("uri") {
            Some(Value::String(text)) => text.clone(),
            _ => return Err("endpoint.uri must be a text".to_owned()),
        },
        _ => return Err("endpoint must be a text".to_owned()),
    };
    let mut request = ApiRequest::new(Method::GET, endpoint);
    request.query = pairs(arguments, "query")?;
    request.headers = pairs(arguments, "headers")?;
    Ok(request)
}

pub(super) fn pairs(arguments: &Value, of: &str) -> Result<Vec<(String, String)>, String> {
    match arguments.get(of) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Object(members)) => Ok(members
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| match value {
                Value::String(text) => (name.clone(), text.clone()),
                other => (name.clone(), other.to_string()),
            })
            .collect()),
        Some(_) => Err(format!("{of} must be an object")),
    }
}

fn paging(arguments: &Value) -> Paging {
    let style = match arguments.get("style").and_then(Value::as_str) {
        Some("odata") => Some(PageStyle::OData),
        Some("link") => Some(PageStyle::Link),
        Some("cursor") => Some(PageStyle::Cursor {
            parameter: "cursor".to_owned(),
            next: "/next_cursor".to_owned(),
        }),
        Some("offset") => Some(PageStyle::Offset {
            parameter: "offset".to_owned(),
            more: None::<More>,
        }),
        _ => None,
    };
    let parameter = match style {
        Some(PageStyle::Cursor { .. } | PageStyle::Offset { .. }) => "limit",
        Some(PageStyle::Link) => "per_page",
        _ => "$top",
    };
    let size = arguments
        .get("pageSize")
        .and_then(Value::as_u64)
        .and_then(|size| u32::try_from(size).ok());
    Paging {
        style,
        items: None,
        size: size.map(|size| PageSize {
            parameter: parameter.to_owned(),
            size,
        }),
        // The machine counts pages and items: it knows what it has asked for.
        max_pages: None,
        max_items: None,
    }
}
