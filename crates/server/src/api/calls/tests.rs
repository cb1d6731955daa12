use super::*;
use crate::json::parse;

fn read(body: &str) -> Result<ApiRequest, String> {
    parse::<Call>(body.as_bytes())
        .and_then(Call::into_request)
        .map_err(|problem| format!("{} {}", problem.code(), problem.detail()))
}

#[test]
fn queries_in_both_shapes() {
    let expected = [("a", "1"), ("b", "2"), ("b", "3")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    for query in [
        r#"{"a":"1","b":["2","3"]}"#,
        r#"[["a","1"],["b","2"],["b","3"]]"#,
    ] {
        let request = read(&format!(
            r#"{{"method":"GET","path":"/users","query":{query}}}"#
        ))
        .unwrap();
        assert_eq!(request.query, expected);
    }
    for query in [
        r#"{"a":1}"#,
        r#""a=1""#,
        r#"[["a"]]"#,
        r#"[["a","b","c"]]"#,
        r#"{"a":{"b":"c"}}"#,
    ] {
        let refused = read(&format!(
            r#"{{"method":"GET","path":"/users","query":{query}}}"#
        ))
        .unwrap_err();
        assert!(refused.starts_with("body.invalid"), "{query}: {refused}");
    }
}

#[test]
fn one_body_of_five_kinds() {
    let with = |fields: &str| read(&format!(r#"{{"method":"POST","path":"/x",{fields}}}"#));
    assert!(matches!(
        with(r#""body":null"#).unwrap().body,
        Body::Json(Value::Null)
    ));
    assert!(matches!(
        with(r#""body":[1,null]"#).unwrap().body,
        Body::Json(Value::Array(_))
    ));
    assert!(
        matches!(with(r#""form":{"a":"b"}"#).unwrap().body, Body::Form(pairs) if pairs.len() == 1)
    );
    let request =
        with(r#""text":"<a/>","headers":{"content-type":"application/xml","X-A":"b"}"#).unwrap();
    assert!(
        matches!(&request.body, Body::Text { content_type, .. } if content_type.as_deref() == Some("application/xml"))
    );
    assert_eq!(
        request.headers.len(),
        1,
        "the content type moved to the body"
    );
    assert!(
        matches!(with(r#""bytes":"AAEC""#).unwrap().body, Body::Bytes { bytes, .. } if bytes[..] == [0, 1, 2])
    );
    assert!(with(r#""bytes":"%%""#).is_err());
    let parts = r#""multipart":[{"name":"a","text":"1"},{"name":"f","filename":"x","content_type":"text/csv","bytes":"AAEC"}]"#;
    assert!(
        matches!(with(parts).unwrap().body, Body::Multipart(parts) if parts[0].content == "1" && parts[1].content[..] == [0, 1, 2] && parts[1].filename.as_deref() == Some("x"))
    );
    for wrong in [
        r#"[{"name":"a"}]"#,
        r#"[{"name":"a","text":"1","bytes":"AAEC"}]"#,
        r#"[{"name":"a","bytes":"%%"}]"#,
        r#"[{"name":"a","text":"1","x":1}]"#,
        r#"[{"text":"1"}]"#,
        r#"{"a":"1"}"#,
    ] {
        assert!(with(&format!(r#""multipart":{wrong}"#)).is_err(), "{wrong}");
    }
    assert!(with(r#""text":"a","body":1"#).is_err());
    assert!(with(r#""follow":null"#).is_err());
}

#[test]
fn how_often_at_its_edges() {
    let with = |retry: &str| {
        read(&format!(
            r#"{{"method":"POST","path":"/x","retry":{retry}}}"#
        ))
    };
    for (attempts, fine) in [
        (0, false),
        (1, true),
        (2, true),
        (9, true),
        (10, true),
        (11, false),
    ] {
        let request = with(&format!(r#"{{"attempts":{attempts}}}"#));
        assert_eq!(request.is_ok(), fine, "{attempts}");
    }
    assert_eq!(
        with(r#"{"attempts":2,"methods":"all"}"#).unwrap().retries,
        Some(Retries {
            attempts: 2,
            methods: Retried::All
        })
    );
    for wrong in [
        "3",
        "[3]",
        "{}",
        r#"{"attempts":-1}"#,
        r#"{"attempts":2,"methods":"some"}"#,
        r#"{"attempts":2,"x":1}"#,
    ] {
        assert!(with(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn methods() {
    for (method, good) in [
        ("GET", true),
        ("PURGE", true),
        ("CONNECT", false),
        ("connect", false),
        ("GE T", false),
        ("", false),
        ("GET\\r\\n", false),
    ] {
        assert_eq!(
            read(&format!(r#"{{"method":"{method}","path":"/x"}}"#)).is_ok(),
            good,
            "{method}"
        );
    }
    for (given, sent) in [
        ("get", "GET"),
        ("Patch", "PATCH"),
        ("DELETE", "DELETE"),
        // RFC 9110 §9.1: methods are case-sensitive; what this one means only the API knows
        ("purge", "purge"),
    ] {
        let request = read(&format!(r#"{{"method":"{given}","path":"/x"}}"#)).unwrap();
        assert_eq!(request.method, sent);
    }
}
