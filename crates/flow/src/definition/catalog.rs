//! Keyway's own functions, which a flow calls by name: what each is for, what it takes and what it answers.
//!
//! The one table of them: the parser checks calls with it and `docs/reference/functions.md` is printed from it. How they are carried
//! out is the engine's.

use serde_json::{Value, json};

/// A function of the catalog.
pub struct Function {
    /// What it is called by.
    pub name: &'static str,
    /// What it does, in Markdown.
    pub description: &'static str,
    /// JSON Schema of `with`, before expressions are evaluated.
    pub input: fn() -> Value,
    /// JSON Schema of its raw output.
    pub output: fn() -> Value,
}

/// Statuses of an answer that has no content (RFC 9110, section 6.4.1).
pub const BODILESS: &[u16] = &[204, 205, 304];

/// Whether a `body` of `respond` is none: nothing, or text without a character.
pub fn is_no_body(body: &Value) -> bool {
    body.is_null() || body.as_str() == Some("")
}

/// All of them, in the order in which they are documented.
pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "page",
        description: "Goes through all pages of a list. Its output is a handle that a `for` takes as `in`: the items are fetched one page at a time, and only one page is held. With `collect: true` the output is the list itself, of at most 10,000 items.",
        input: page,
        output: || {
            json!({
                "oneOf": [
                    { "description": "A handle on the pages; only the run that made it can go through them.",
                      "type": "object", "properties": { "pages": { "type": "string" } }, "required": ["pages"], "additionalProperties": false },
                    { "description": "The items, with `collect: true`.", "type": "array", "maxItems": 10_000 }
                ]
            })
        },
    },
    Function {
        name: "batch",
        description: "Makes independent calls of Microsoft Graph, twenty in one request (`$batch`). What is throttled is sent again after the time that its own answer names. Each call has its own status: none of them makes the task fault, unless no call was answered at all. Calls that may not be made twice, such as POST, make the whole batch one.",
        input: batch,
        output: || {
            json!({
                "type": "array",
                "description": "What became of each call, in the order of the calls: its status, headers and body; or `status: null` and an `error` with `code` and `detail` where there was no answer.",
                "items": object(
                    &["status", "headers", "body"],
                    json!({
                        "status": { "type": ["integer", "null"] },
                        "headers": { "type": "object" },
                        "body": {},
                        "error": { "type": "object" }
                    }),
                )
            })
        },
    },
    Function {
        name: "respond",
        description: "Answers the caller of the webhook that started the run, and goes on. Does nothing when nobody waits for an answer.",
        input: || {
            object(
                &[],
                json!({
                    "status": { "description": "The HTTP status.", "type": "integer", "minimum": 200, "maximum": 599, "default": 200 },
                    "headers": { "description": "Header fields: those that describe the answer (`content-type`, `location`, `etag`, `link`, `retry-after` and the like) and `x-…`; cookies and what protects browsers are not passed on.", "type": "object", "additionalProperties": { "type": "string" } },
                    "body": { "description": "The body: text as it is, anything else as JSON; null is none, and none is what an answer with status 204, 205 or 304 has." }
                }),
            )
        },
        output: || json!({ "type": "null" }),
    },
    Function {
        name: "approve",
        description: "Asks a person. Makes a link with a page that shows title, message and details, and waits until somebody decides there. A `timeout` of the task says how long.",
        input: || {
            object(
                &["title"],
                json!({
                    "title": { "description": "What is asked, in one line.", "type": "string", "minLength": 1 },
                    "message": { "description": "More about it.", "type": "string" },
                    "details": { "description": "Data to be shown." }
                }),
            )
        },
        output: || {
            object(
                &["approved", "by", "comment", "at"],
                json!({
                    "approved": { "description": "What was decided.", "type": "boolean" },
                    "by": { "description": "Who decided.", "type": ["string", "null"] },
                    "comment": { "description": "What they said.", "type": ["string", "null"] },
                    "at": { "description": "When.", "type": "string", "format": "date-time" }
                }),
            )
        },
    },
    Function {
        name: "table-get",
        description: "Reads a row of a table.",
        input: || object(&["table", "key"], keyed(json!({}))),
        output: || {
            let mut row = row();
            row["type"] = json!(["object", "null"]);
            row["description"] = "The row; null when there is none.".into();
            row
        },
    },
    Function {
        name: "table-put",
        description: "Writes a row of a table. With `version`, only when the row still has that version (0: only when there is no row); otherwise it faults with status 409.",
        input: || {
            object(
                &["table", "key", "value"],
                keyed(
                    json!({ "value": { "description": "What the row holds." }, "version": version() }),
                ),
            )
        },
        output: || {
            object(
                &["version"],
                json!({ "version": { "description": "The row's version now.", "type": "integer" } }),
            )
        },
    },
    Function {
        name: "table-delete",
        description: "Deletes a row of a table. With `version`, only when the row still has that version; otherwise it faults with status 409.",
        input: || object(&["table", "key"], keyed(json!({ "version": version() }))),
        output: || {
            object(
                &["deleted"],
                json!({ "deleted": { "description": "Whether there was a row.", "type": "boolean" } }),
            )
        },
    },
    Function {
        name: "table-list",
        description: "Reads rows of a table in the order of their keys.",
        input: || {
            object(
                &["table"],
                json!({
                    "table": table(),
                    "prefix": { "description": "Only keys that begin so.", "type": "string" },
                    "after": { "description": "Only keys after this one: `next` of the last answer.", "type": "string" },
                    "limit": { "description": "How many rows at most.", "type": "integer", "minimum": 1, "maximum": 1000, "default": 100 }
                }),
            )
        },
        output: || {
            object(
                &["items", "next"],
                json!({
                    "items": { "type": "array", "items": row() },
                    "next": { "description": "The last key, when there are more rows.", "type": ["string", "null"] }
                }),
            )
        },
    },
];

/// A function by its name.
pub fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

fn object(required: &[&str], properties: Value) -> Value {
    let mut schema =
        json!({ "type": "object", "required": required, "additionalProperties": false });
    schema["properties"] = properties;
    schema
}

fn table() -> Value {
    json!({ "description": "The table's name.", "type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,62}$" })
}

fn version() -> Value {
    json!({ "description": "The version that the row has to have.", "type": "integer", "minimum": 0 })
}

/// `table` and `key`, and what else a function takes.
fn keyed(more: Value) -> Value {
    let key = json!({ "description": "The row's key.", "type": "string", "minLength": 1, "maxLength": 512 });
    let mut properties = json!({ "table": table(), "key": key });
    if let (Some(properties), Value::Object(more)) = (properties.as_object_mut(), more) {
        properties.extend(more);
    }
    properties
}

fn row() -> Value {
    object(
        &["key", "value", "version"],
        json!({
            "key": { "type": "string" },
            "value": { "description": "What the row holds." },
            "version": { "description": "Grows with each change.", "type": "integer" }
        }),
    )
}

fn page() -> Value {
    object(
        &["endpoint"],
        json!({
            "endpoint": {
                "description": "The first page: an address, a path below the connection's base URL, or an expression; or an object with `uri` and `authentication`.",
                "type": ["string", "object"]
            },
            "authentication": { "description": "Who is calling, when `endpoint` does not say it.", "type": "object" },
            "query": { "description": "Query parameters of the first page.", "type": ["object", "string"] },
            "headers": { "description": "Header fields of every request.", "type": ["object", "string"] },
            "style": {
                "description": "How the next page is found: `@odata.nextLink`, a `Link` header, a cursor, or a growing offset. `auto` looks at the first answer.",
                "enum": ["auto", "odata", "link", "cursor", "offset"], "default": "auto"
            },
            "pageSize": { "description": "How many items a page shall have.", "type": "integer", "minimum": 1, "maximum": 10_000 },
            "maxItems": { "description": "How many items are gone through at most.", "type": "integer", "minimum": 1 },
            "collect": { "description": "Whether the output is the list instead of a handle.", "type": "boolean", "default": false }
        }),
    )
}

fn batch() -> Value {
    object(
        &["requests"],
        json!({
            "requests": {
                "description": "The calls, in any order: none may rely on another. Each has `path`, and may have `method` (GET), `query`, `headers` and `body` (JSON).",
                "type": ["array", "string"], "maxItems": 500,
                "items": object(
                    &["path"],
                    json!({
                        "method": { "type": "string" },
                        "path": { "type": "string" },
                        "query": { "type": "object" },
                        "headers": { "type": "object" },
                        "body": {}
                    }),
                )
            },
            "authentication": { "description": "The connection: `{oauth2: {use: NAME}}`.", "type": "object" }
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_compiles() {
        for function in FUNCTIONS {
            for schema in [(function.input)(), (function.output)()] {
                jsonschema::validator_for(&schema)
                    .unwrap_or_else(|error| panic!("{}: {error}", function.name));
            }
        }
    }
}
