//! The `OpenAPI` document: valid in itself, complete, and true of real answers.

use std::collections::BTreeSet;

use serde_json::Value;
use store::Role;

use crate::house::{House, echo};

fn document() -> Value {
    serde_json::from_str(&server::openapi()).unwrap()
}

/// Calls `see` with every object in a document.
fn walk<'a>(value: &'a Value, see: &mut dyn FnMut(&'a serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            see(object);
            object.values().for_each(|value| walk(value, see));
        }
        Value::Array(items) => items.iter().for_each(|value| walk(value, see)),
        _ => {}
    }
}

#[test]
fn the_document_holds_together() {
    let text = server::openapi();
    assert!(
        text.ends_with("}\n") && text == server::openapi(),
        "pretty, and the same every time"
    );
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut references = BTreeSet::new();
    walk(&document, &mut |object| {
        if let Some(Value::String(reference)) = object.get("$ref") {
            references.insert(reference.clone());
        }
    });
    assert!(references.len() > 10);
    for reference in &references {
        let name = reference
            .strip_prefix("#/components/schemas/")
            .expect("a local reference");
        assert!(schemas.contains_key(name), "{reference}");
    }
    let used: BTreeSet<&str> = references
        .iter()
        .filter_map(|reference| reference.rsplit('/').next())
        .collect();
    for name in schemas.keys() {
        assert!(
            used.contains(name.as_str()),
            "{name} is described and never used"
        );
    }
    let mut operations = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let at = format!("{method} {path}");
            assert!(
                operations.insert(operation["operationId"].as_str().unwrap().to_owned()),
                "{at}: the operation id is taken"
            );
            assert!(!operation["summary"].as_str().unwrap().is_empty(), "{at}");
            let answers = operation["responses"].as_object().unwrap();
            assert!(answers.keys().any(|status| status.starts_with('2')), "{at}");
            let refusal = &answers["default"]["content"]["application/problem+json"]["schema"];
            assert!(
                refusal["$ref"].as_str().unwrap().ends_with("/Problem"),
                "{at}: {refusal}"
            );
            let named: BTreeSet<&str> = path
                .split('/')
                .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
                .collect();
            let parameters = operation["parameters"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let described = parameters
                .iter()
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| parameter["name"].as_str().unwrap())
                .collect();
            assert_eq!(named, described, "{at}");
        }
    }
}

#[test]
fn the_lowest_of_secrets_is_never_in_an_answer() {
    let document = document();
    for shape in ["Card", "KeyCard", "UserCard", "Explanation", "Token"] {
        let properties = document["components"]["schemas"][shape]["properties"]
            .as_object()
            .unwrap();
        for secret in [
            "client_secret",
            "password",
            "access_token",
            "refresh_token_value",
            "token",
            "headers",
        ] {
            let about = properties.get(secret);
            let harmless = about.is_none() || (shape, secret) == ("Card", "token");
            assert!(harmless, "{shape}.{secret}");
        }
    }
}

#[tokio::test]
async fn real_answers_have_the_described_shape() {
    let house = House::new().await;
    let key = house.key(Role::Admin).await;
    house.plain_connection("echo", &echo().await).await;
    let get = |path: &str| {
        let request = house.request("GET", path).key(&key);
        async { request.send().await.json() }
    };
    let card: server::schema::Card =
        serde_json::from_value(get("/api/v1/connections/echo").await).unwrap();
    assert_eq!(
        (card.name.as_str(), card.kind.as_str(), card.state),
        ("echo", "none", server::schema::State::Ok)
    );
    let explained = get("/api/v1/connections/echo/explain").await;
    serde_json::from_value::<server::schema::Explanation>(explained.clone())
        .unwrap_or_else(|error| panic!("{error}: {explained}"));
    serde_json::from_value::<server::schema::RedirectUri>(
        get("/api/v1/connections/echo/redirect-uri").await,
    )
    .unwrap();
    let document = document();
    for (path, shape) in [
        ("/api/v1/connections", "ConnectionList"),
        ("/api/v1/keys", "KeyList"),
        ("/api/v1/users", "UserList"),
        ("/api/v1/audit", "AuditList"),
        ("/api/v1/calls", "CallList"),
        ("/api/v1/me", "Me"),
        ("/api/v1/presets", "PresetList"),
        ("/api/v1/setup", "SetupNeeded"),
    ] {
        let answer = get(path).await;
        conforms(
            &document,
            &document["components"]["schemas"][shape],
            &answer,
            path,
        );
    }
    assert_eq!(get("/api/v1/openapi.json").await, document);
}

/// As much of JSON Schema as our own document uses: references, objects with exactly their properties, arrays, types.
fn conforms(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return conforms(
            document,
            &document["components"]["schemas"][name],
            value,
            at,
        );
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        if value.is_null() {
            assert!(
                choices.iter().any(|choice| choice["type"] == "null"),
                "{at} may not be null"
            );
            return;
        }
        let choice = choices
            .iter()
            .find(|choice| choice["type"] != "null")
            .unwrap();
        return conforms(document, choice, value, at);
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    let actual = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(
        types.contains(&actual),
        "{at} is {actual}, described as {types:?}"
    );
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        conforms(document, &schema["items"], item, &format!("{at}/{index}"));
    }
    if let (Some(properties), Some(object)) = (schema["properties"].as_object(), value.as_object())
    {
        for (name, value) in object {
            let described = properties
                .get(name)
                .unwrap_or_else(|| panic!("{at}/{name} is not described"));
            conforms(document, described, value, &format!("{at}/{name}"));
        }
        for required in schema["required"].as_array().into_iter().flatten() {
            assert!(
                object.contains_key(required.as_str().unwrap()),
                "{at} lacks {required}"
            );
        }
    }
}
