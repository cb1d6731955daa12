//! URI templates (RFC 6570, level 1) over the top-level members of the input.

use std::fmt::Write as _;

use serde_json::Value;

use super::evaluate::Stop;
use crate::fault::{Fault, FaultType};

/// Expands `{name}`; a member that is missing or null is nothing. What is put in is percent-encoded, so that data cannot change the
/// path's shape; and it cannot choose the host.
pub(super) fn expand(template: &str, input: &Value) -> Result<String, Stop> {
    let mut uri = String::with_capacity(template.len() + 16);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        uri.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            return Err(refuse(template, "a `{` is not closed"));
        };
        if in_authority(&uri) {
            return Err(refuse(
                template,
                "a variable cannot stand in the host; write the host, or use one expression for the whole URI",
            ));
        }
        match input.get(name) {
            None | Some(Value::Null) => {}
            // Even encoded, these would climb: URLs are normalized on their way.
            Some(Value::String(text)) if text == "." || text == ".." => {
                return Err(refuse(
                    template,
                    &format!("`{name}` is \"{text}\", which would change the path"),
                ));
            }
            Some(Value::String(text)) => encode(&mut uri, text),
            Some(value @ (Value::Bool(_) | Value::Number(_))) => {
                encode(&mut uri, &value.to_string());
            }
            Some(Value::Array(_) | Value::Object(_)) => {
                return Err(refuse(
                    template,
                    &format!("`{name}` is an object or a list, not a text"),
                ));
            }
        }
        rest = after;
    }
    uri.push_str(rest);
    Ok(uri)
}

/// Whether what comes next would still be scheme, host or port.
fn in_authority(uri: &str) -> bool {
    match uri.split_once("://") {
        Some((_, rest)) => !rest.contains(['/', '?', '#']),
        None => uri.is_empty(),
    }
}

fn encode(uri: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            write!(uri, "%{byte:02X}").expect("a String takes all");
        }
    }
}

fn refuse(template: &str, why: &str) -> Stop {
    Fault::new(
        FaultType::Expression,
        format!("the URI template \"{template}\" cannot be filled in: {why}"),
    )
    .code("request.target_invalid")
    .into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Stop, expand};

    fn check(template: &str, expected: Result<&str, &str>) {
        let input = json!({"id": "a/b c", "n": 7, "a.b": "dotted", "o": {}, "nil": null, "dots": "..", "ü": "ü"});
        match (expand(template, &input), expected) {
            (Ok(uri), Ok(expected)) => assert_eq!(uri, expected, "{template}"),
            (Err(Stop::Fault(fault)), Err(part)) => {
                assert_eq!(fault.code.as_deref(), Some("request.target_invalid"));
                let detail = fault.detail.unwrap_or_default();
                assert!(detail.contains(part), "{template}: {detail}");
            }
            (got, _) => panic!("{template}: {got:?}"),
        }
    }

    #[test]
    fn members_are_put_in_encoded() {
        check(
            "https://h.example/u/{id}",
            Ok("https://h.example/u/a%2Fb%20c"),
        );
        check(
            "https://h.example/u?n={n}&x={missing}&y={nil}",
            Ok("https://h.example/u?n=7&x=&y="),
        );
        check(
            "https://h.example/{a.b}/{ü}",
            Ok("https://h.example/dotted/%C3%BC"),
        );
        check("/users/{n}", Ok("/users/7"));
        check("https://h.example", Ok("https://h.example"));
    }

    #[test]
    fn what_cannot_be_put_in_is_refused() {
        check("https://h.example/{o}", Err("an object or a list"));
        check("https://h.example/{id", Err("not closed"));
        check("https://h.example/u/{dots}", Err("would change the path"));
        check("https://{id}/x", Err("cannot stand in the host"));
        check("https://h.example:{n}/x", Err("cannot stand in the host"));
        check("{id}", Err("cannot stand in the host"));
    }
}
