//! From an operation and its parameters to a request.

use flow::command::{HttpCall, OpenApiCall};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};
use url::Url;

const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];
/// RFC 3986 §2.3: what a path segment may hold unencoded.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// How many references may lead to each other.
const DEEPEST: usize = 32;

/// An operation, where it was found.
struct Operation<'a> {
    path: &'a str,
    item: &'a Value,
    method: &'static str,
    described: &'a Value,
}

/// Where parameters have been put.
struct Request {
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    cookies: Vec<String>,
    form: Map<String, Value>,
    body: Option<Value>,
}

pub(super) fn of(document: &Value, call: &OpenApiCall) -> Result<HttpCall, String> {
    let found = find(document, &call.operation)?;
    let Value::Object(given) = &call.parameters else {
        return match &call.parameters {
            Value::Null => build(document, call, &found, &Map::new()),
            _ => Err("its parameters must be an object".to_owned()),
        };
    };
    build(document, call, &found, given)
}

fn build(
    document: &Value,
    call: &OpenApiCall,
    found: &Operation<'_>,
    given: &Map<String, Value>,
) -> Result<HttpCall, String> {
    let mut left = given.clone();
    left.retain(|_, value| !value.is_null());
    let mut request = Request {
        path: found.path.to_owned(),
        query: Vec::new(),
        headers: Vec::new(),
        cookies: Vec::new(),
        form: Map::new(),
        body: None,
    };
    for parameter in parameters(document, found)? {
        put(&mut request, parameter, &mut left)?;
    }
    if let Some(kind) = body(document, found, &mut request, &mut left)? {
        request.headers.push(("Content-Type".to_owned(), kind));
    }
    if let Some(name) = left.keys().next() {
        return Err(format!("it has no parameter \"{name}\""));
    }
    if !request.cookies.is_empty() {
        let cookies = request.cookies.join("; ");
        request.headers.push(("Cookie".to_owned(), cookies));
    }
    Ok(HttpCall {
        method: found.method.to_ascii_uppercase(),
        endpoint: endpoint(document, call, found, &request.path)?,
        headers: request.headers,
        query: request.query,
        body: request.body,
        authentication: call.authentication.clone(),
        output: call.output,
        redirect: call.redirect,
        outcome_unknown: call.outcome_unknown,
    })
}

fn find<'a>(document: &'a Value, id: &str) -> Result<Operation<'a>, String> {
    let paths = document
        .get("paths")
        .and_then(Value::as_object)
        .ok_or("the description has no paths")?;
    for (path, item) in paths {
        let item = resolve(document, item)?;
        for method in METHODS {
            let Some(operation) = item.get(method) else {
                continue;
            };
            if operation.get("operationId").and_then(Value::as_str) == Some(id) {
                return Ok(Operation {
                    path,
                    item,
                    method,
                    described: operation,
                });
            }
        }
    }
    Err("the description has no operation of this id".to_owned())
}

/// Follows references inside the document.
fn resolve<'a>(document: &'a Value, value: &'a Value) -> Result<&'a Value, String> {
    let mut value = value;
    for _ in 0..DEEPEST {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
            return Ok(value);
        };
        let pointer = reference
            .strip_prefix('#')
            .ok_or_else(|| format!("reference {reference} leads out of the description"))?;
        value = document
            .pointer(pointer)
            .ok_or_else(|| format!("reference {reference} leads nowhere"))?;
    }
    Err("its references lead in a circle".to_owned())
}

/// The parameters of the path, overridden by those of the operation.
fn parameters<'a>(document: &'a Value, found: &Operation<'a>) -> Result<Vec<&'a Value>, String> {
    let key = |parameter: &Value| {
        let text = |name: &str| {
            parameter
                .get(name)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        (text("name"), text("in"))
    };
    let mut all: Vec<&Value> = Vec::new();
    for of in [found.item, found.described] {
        let list = of.get("parameters").and_then(Value::as_array);
        for parameter in list.into_iter().flatten() {
            let parameter = resolve(document, parameter)?;
            all.retain(|other| key(other) != key(parameter));
            all.push(parameter);
        }
    }
    Ok(all)
}

fn put(
    request: &mut Request,
    parameter: &Value,
    left: &mut Map<String, Value>,
) -> Result<(), String> {
    let text = |name: &str| {
        parameter
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (name, place) = (text("name"), text("in"));
    let value = left
        .shift_remove(name)
        .or_else(|| parameter.pointer("/schema/default").cloned())
        .or_else(|| parameter.get("default").cloned());
    let Some(value) = value else {
        let required = parameter.get("required") == Some(&Value::Bool(true)) || place == "path";
        return if required {
            Err(format!("its parameter \"{name}\" ({place}) is missing"))
        } else {
            Ok(())
        };
    };
    match place {
        "path" => {
            let text = joined(name, &value, ",")?;
            let encoded = utf8_percent_encode(&text, SEGMENT).to_string();
            request.path = request.path.replace(&format!("{{{name}}}"), &encoded);
        }
        "query" => query(request, parameter, name, &value)?,
        "header" => request
            .headers
            .push((name.to_owned(), joined(name, &value, ",")?)),
        "cookie" => {
            let text = joined(name, &value, ",")?;
            let encoded = utf8_percent_encode(&text, SEGMENT);
            request.cookies.push(format!("{name}={encoded}"));
        }
        "body" => request.body = Some(value),
        "formData" => drop(request.form.insert(name.to_owned(), value)),
        other => {
            return Err(format!(
                "its parameter \"{name}\" is in \"{other}\", which is unknown"
            ));
        }
    }
    Ok(())
}

/// A value as text; lists joined.
fn joined(name: &str, value: &Value, separator: &str) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Array(items) => {
            let items: Result<Vec<String>, String> = items
                .iter()
                .map(|item| joined(name, item, separator))
                .collect();
            Ok(items?.join(separator))
        }
        Value::Object(_) => Err(format!("its parameter \"{name}\" must not be an object")),
        other => Ok(other.to_string()),
    }
}

fn query(
    request: &mut Request,
    parameter: &Value,
    name: &str,
    value: &Value,
) -> Result<(), String> {
    let text = |name: &str| parameter.get(name).and_then(Value::as_str);
    let swagger = parameter.get("schema").is_none() && parameter.get("content").is_none();
    if parameter.get("content").is_some() {
        request.query.push((name.to_owned(), value.to_string()));
        return Ok(());
    }
    let style = text("style").unwrap_or("form");
    if let (Value::Object(members), "deepObject") = (value, style) {
        for (member, value) in members {
            let text = joined(member, value, ",")?;
            request.query.push((format!("{name}[{member}]"), text));
        }
        return Ok(());
    }
    let repeat = if swagger {
        text("collectionFormat") == Some("multi")
    } else {
        parameter
            .get("explode")
            .and_then(Value::as_bool)
            .unwrap_or(style == "form")
    };
    match value {
        Value::Array(items) if repeat => {
            for item in items {
                request
                    .query
                    .push((name.to_owned(), joined(name, item, ",")?));
            }
        }
        Value::Object(members) if repeat => {
            for (member, value) in members {
                request
                    .query
                    .push((member.clone(), joined(member, value, ",")?));
            }
        }
        other => {
            let separator = match (style, text("collectionFormat")) {
                ("spaceDelimited", _) | (_, Some("ssv")) => " ",
                ("pipeDelimited", _) | (_, Some("pipes")) => "|",
                (_, Some("tsv")) => "\t",
                _ => ",",
            };
            request
                .query
                .push((name.to_owned(), joined(name, other, separator)?));
        }
    }
    Ok(())
}

/// Puts a body together; answers its type where that is not JSON.
fn body(
    document: &Value,
    found: &Operation<'_>,
    request: &mut Request,
    left: &mut Map<String, Value>,
) -> Result<Option<String>, String> {
    const FORM: &str = "application/x-www-form-urlencoded";
    if !request.form.is_empty() {
        request.body = Some(Value::Object(std::mem::take(&mut request.form)));
        return Ok(Some(FORM.to_owned()));
    }
    let Some(described) = found.described.get("requestBody") else {
        return Ok(None);
    };
    let described = resolve(document, described)?;
    // Its name where the description gives one, `body`, or whatever parameters are left.
    let name = described
        .get("x-bodyName")
        .or_else(|| found.described.get("x-bodyName"))
        .and_then(Value::as_str)
        .unwrap_or("body");
    let value = match left.shift_remove(name) {
        Some(value) => value,
        None if !left.is_empty() => Value::Object(std::mem::take(left)),
        None if described.get("required") == Some(&Value::Bool(true)) => {
            return Err(format!("its body is missing: give it as \"{name}\""));
        }
        None => return Ok(None),
    };
    request.body = Some(value);
    let kinds = described.get("content").and_then(Value::as_object);
    let is_json = |kind: &&String| kind.starts_with("application/json") || kind.ends_with("+json");
    let chosen = kinds.and_then(|kinds| kinds.keys().find(is_json).or_else(|| kinds.keys().next()));
    match chosen.map(String::as_str) {
        None | Some("application/json" | "*/*") => Ok(None),
        Some(kind) if kind.starts_with("multipart/") && kind != "multipart/form-data" => {
            Err(format!("its body is {kind}, which can't be sent"))
        }
        Some(kind) => Ok(Some(kind.to_owned())),
    }
}

/// The server's address and the path below it.
fn endpoint(
    document: &Value,
    call: &OpenApiCall,
    found: &Operation<'_>,
    path: &str,
) -> Result<String, String> {
    let server = if document.get("swagger").is_some() {
        swagger_server(document, &call.document)
    } else {
        let first = [found.described, found.item, document]
            .into_iter()
            .find_map(|of| of.pointer("/servers/0"));
        first.map_or_else(|| Ok("/".to_owned()), server)?
    };
    let server = match Url::parse(&call.document) {
        // Relative to where the description is (OpenAPI 3 §4.8.5).
        Ok(base) => base
            .join(&server)
            .map_err(|error| error.to_string())?
            .to_string(),
        Err(_) => server,
    };
    Ok(format!("{}{path}", server.trim_end_matches('/')))
}

fn swagger_server(document: &Value, from: &str) -> String {
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    let base = text("basePath").unwrap_or("/");
    let Some(host) = text("host") else {
        return base.to_owned();
    };
    let schemes = document.get("schemes").and_then(Value::as_array);
    let offered: Vec<&str> = schemes
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let own = from.split("://").next().unwrap_or("https");
    let scheme = if offered.is_empty() || offered.contains(&own) {
        own
    } else if offered.contains(&"https") {
        "https"
    } else {
        offered[0]
    };
    format!("{scheme}://{host}{base}")
}

fn server(described: &Value) -> Result<String, String> {
    let url = described
        .get("url")
        .and_then(Value::as_str)
        .ok_or("its server has no url")?;
    let mut url = url.to_owned();
    let variables = described.get("variables").and_then(Value::as_object);
    for (name, variable) in variables.into_iter().flatten() {
        let usual = variable
            .get("default")
            .and_then(Value::as_str)
            .unwrap_or_default();
        url = url.replace(&format!("{{{name}}}"), usual);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use flow::command::{Authentication, OutcomeUnknown, OutputForm};
    use serde_json::json;

    use super::*;

    fn call(operation: &str, parameters: Value) -> OpenApiCall {
        OpenApiCall {
            document: "https://pets.contoso.example/docs/v2.json".to_owned(),
            document_authentication: Authentication::None,
            operation: operation.to_owned(),
            parameters,
            authentication: Authentication::None,
            output: OutputForm::Content,
            redirect: false,
            outcome_unknown: OutcomeUnknown::Park,
        }
    }

    fn swagger() -> Value {
        json!({
            "swagger": "2.0",
            "host": "api.contoso.example", "basePath": "/v2", "schemes": ["http", "https"],
            "parameters": { "id": { "name": "petId", "in": "path", "required": true, "type": "integer" } },
            "paths": {
                "/pet/{petId}": {
                    "parameters": [{ "$ref": "#/parameters/id" }],
                    "get": { "operationId": "getPet" },
                    "put": { "operationId": "putPet", "parameters": [{ "name": "pet", "in": "body" }] },
                    "post": { "operationId": "formPet", "parameters": [{ "name": "name", "in": "formData" }] },
                },
                "/pet/find": { "get": { "operationId": "findPets", "parameters": [
                    { "name": "status", "in": "query", "type": "array", "collectionFormat": "multi", "required": true },
                    { "name": "tags", "in": "query", "type": "array" },
                    { "name": "X-Trace", "in": "header" },
                ] } },
                "/loop": { "$ref": "#/paths/~1loop" },
            },
        })
    }

    fn open() -> Value {
        json!({
            "openapi": "3.1.0",
            "servers": [{ "url": "/{base}", "variables": { "base": { "default": "v3" } } }],
            "paths": {
                "/users/{id}": { "patch": {
                    "operationId": "change",
                    "parameters": [
                        { "name": "id", "in": "path", "schema": {} },
                        { "name": "fields", "in": "query", "explode": false, "schema": { "type": "array" } },
                        { "name": "ids", "in": "query", "schema": { "type": "array" } },
                        { "name": "filter", "in": "query", "style": "deepObject", "schema": { "type": "object" } },
                        { "name": "session", "in": "cookie", "schema": {} },
                    ],
                    "requestBody": { "$ref": "#/components/requestBodies/user" },
                } },
            },
            "components": { "requestBodies": { "user": {
                "required": true, "content": { "text/plain": {}, "application/merge-patch+json": {} },
            } } },
        })
    }

    #[test]
    fn swagger_2_is_understood() {
        let mut document = swagger();
        document["paths"].as_object_mut().unwrap().remove("/loop");
        let get = of(&document, &call("getPet", json!({ "petId": "a/../b" }))).unwrap();
        assert_eq!(get.method, "GET");
        assert_eq!(
            get.endpoint,
            "https://api.contoso.example/v2/pet/a%2F..%2Fb"
        );
        let parameters = json!({ "status": ["a", "b"], "tags": [1, 2], "X-Trace": "t" });
        let find = of(&document, &call("findPets", parameters)).unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            find.query,
            [
                pair("status", "a"),
                pair("status", "b"),
                pair("tags", "1,2")
            ]
        );
        assert_eq!(find.headers, [pair("X-Trace", "t")]);
        let put = of(
            &document,
            &call("putPet", json!({ "petId": 1, "pet": { "n": 1 } })),
        )
        .unwrap();
        assert_eq!(put.body, Some(json!({ "n": 1 })));
        let form = of(
            &document,
            &call("formPet", json!({ "petId": 1, "name": "Rex" })),
        )
        .unwrap();
        assert_eq!(form.body, Some(json!({ "name": "Rex" })));
        assert_eq!(form.headers[0].1, "application/x-www-form-urlencoded");
    }

    #[test]
    fn openapi_3_is_understood() {
        let parameters = json!({
            "id": 7, "fields": ["a", "b"], "ids": [1, 2], "filter": { "a": "x" }, "session": "s",
            "displayName": "Adele",
        });
        let made = of(&open(), &call("change", parameters)).unwrap();
        assert_eq!(made.method, "PATCH");
        assert_eq!(made.endpoint, "https://pets.contoso.example/v3/users/7");
        let query: Vec<String> = made
            .query
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(query, ["fields=a,b", "ids=1", "ids=2", "filter[a]=x"]);
        assert_eq!(made.body, Some(json!({ "displayName": "Adele" })));
        let headers: Vec<&str> = made
            .headers
            .iter()
            .map(|(_, value)| value.as_str())
            .collect();
        assert_eq!(headers, ["application/merge-patch+json", "session=s"]);
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let document = swagger();
        for (document, operation, parameters, says) in [
            (&document, "nothing", json!({}), "circle"),
            (&open(), "nothing", json!({}), "no operation"),
            (&open(), "change", json!({}), "\"id\" (path) is missing"),
            (&open(), "change", json!({ "id": 1 }), "body is missing"),
            (&open(), "change", json!([1]), "must be an object"),
            (
                &open(),
                "change",
                json!({ "id": { "a": 1 }, "body": 1 }),
                "not be an object",
            ),
            (
                &open(),
                "change",
                json!({ "id": 1, "body": 1, "other": 1 }),
                "no parameter \"other\"",
            ),
            (&json!({}), "x", json!({}), "no paths"),
        ] {
            let why = of(document, &call(operation, parameters)).unwrap_err();
            assert!(why.contains(says), "{why}");
        }
    }
}
