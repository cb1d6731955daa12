//! Request bodies: JSON, read strictly (`security.md` §3.1).
//!
//! On top of what serde checks: duplicate keys are refused in maps too, `null`
//! is refused where no JSON value of somebody else is passed through, and each
//! refusal carries the JSON pointer of the place. Values never appear in the
//! text of a refusal, since any of them may be a secret.

use std::cell::RefCell;

use axum::body::{HttpBody, to_bytes};
use axum::extract::{FromRequest, Request};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Value};

use crate::app::App;
use crate::problem::Problem;

/// A type that a request body is read into.
pub(crate) trait RequestBody: DeserializeOwned {
    /// A field whose content is passed through as it is, `null` included.
    const FREE: Option<&'static str> = None;
    /// Fields that are objects; serde would take a list for one, in the order of its fields.
    const OBJECTS: &'static [&'static str] = &[];
}

/// The strictly read body of a request.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: RequestBody> FromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Json<T>, Problem> {
        media_type(request.headers())?;
        let limit = app.config().limits.body_bytes;
        let too_large = || {
            Problem::new(
                "body.too_large",
                format!("the request body is larger than the limit of {limit} bytes"),
            )
        };
        if HttpBody::size_hint(request.body()).lower() > limit as u64 {
            return Err(too_large());
        }
        let body = to_bytes(request.into_body(), limit)
            .await
            .map_err(|error| {
                let error = error.into_inner();
                if error.is::<http_body_util::LengthLimitError>() {
                    too_large()
                } else {
                    Problem::new("request.invalid", "the request body broke off")
                }
            })?;
        parse(&body).map(Json)
    }
}

/// Only JSON in UTF-8 is read; what a client calls it decides nothing else.
fn media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut parts = given.split(';').map(str::trim);
    let json = parts
        .next()
        .is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    let utf8 = parts.all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    });
    if json && utf8 {
        return Ok(());
    }
    Err(Problem::new(
        "body.media_type",
        "the request body is not declared as JSON in UTF-8",
    )
    .field("Content-Type"))
}

/// Reads a body that is no document of this API: any JSON value, `null` included, without a key given twice.
pub(crate) fn value(body: &[u8]) -> Result<Value, Problem> {
    strict(body, Free::All)
}

fn strict(body: &[u8], free: Free) -> Result<Value, Problem> {
    let place = RefCell::new(Vec::new());
    let mut reader = serde_json::Deserializer::from_slice(body);
    let seed = Strict {
        place: &place,
        free,
    };
    let read = seed
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value));
    read.map_err(|error| {
        let problem = Problem::new(
            "body.invalid",
            format!(
                "the request body is not acceptable JSON: {}",
                wording(&error.to_string())
            ),
        );
        problem.field(pointer(&place.borrow()))
    })
}

/// Reads a body into its type, or says where it is wrong.
pub(crate) fn parse<T: RequestBody>(body: &[u8]) -> Result<T, Problem> {
    let value = strict(body, T::FREE.map_or(Free::Nothing, Free::Field))?;
    let not_object = |field: &str| {
        let at = if field.is_empty() {
            String::new()
        } else {
            format!("/{field}")
        };
        Problem::new(
            "body.invalid",
            "the request body is not valid: an object is expected here",
        )
        .field(at)
    };
    if !value.is_object() {
        return Err(not_object(""));
    }
    if let Some(field) = T::OBJECTS
        .iter()
        .find(|field| value.get(**field).is_some_and(|value| !value.is_object()))
    {
        return Err(not_object(field));
    }
    typed(value).map_err(|misread| {
        let Misread { pointer, text, .. } = misread;
        let detail = match pointer.as_str() {
            "" => format!("the request body is not valid: {text}"),
            _ => format!("the request body is not valid at `{pointer}`: {text}"),
        };
        Problem::new("body.invalid", detail).field(pointer)
    })
}

/// Why a JSON value is not one of a type.
pub(crate) struct Misread {
    /// Where, as an RFC 6901 pointer.
    pub(crate) pointer: String,
    /// What is wrong there, without the value.
    pub(crate) text: String,
    /// The keys that are known there, where one is not.
    pub(crate) known: Option<Vec<String>>,
}

/// Reads a JSON value into a type, or says where it is not one.
pub(crate) fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Misread> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let at: Vec<String> = error
            .path()
            .iter()
            .filter_map(|segment| match segment {
                serde_path_to_error::Segment::Seq { index } => Some(index.to_string()),
                serde_path_to_error::Segment::Map { key } => Some(key.clone()),
                serde_path_to_error::Segment::Enum { variant } => Some(variant.clone()),
                serde_path_to_error::Segment::Unknown => None,
            })
            .collect();
        let message = error.inner().to_string();
        Misread {
            pointer: pointer(&at),
            text: wording(&message),
            known: known_keys(&message),
        }
    })
}

/// The keys that serde's message about an unknown one lists.
fn known_keys(message: &str) -> Option<Vec<String>> {
    let listed = message.strip_prefix("unknown field ")?;
    let (_, listed) = listed.rsplit_once("`, expected ")?;
    let words = listed.split('`').skip(1).step_by(2);
    Some(words.map(str::to_owned).collect())
}

/// RFC 6901.
pub(crate) fn pointer(place: &[String]) -> String {
    place.iter().fold(String::new(), |text, name| {
        text + "/" + &name.replace('~', "~0").replace('/', "~1")
    })
}

/// serde's message without the offending value: it may be a secret.
fn wording(message: &str) -> String {
    for prefix in ["invalid type: ", "invalid value: "] {
        if let Some(rest) = message.strip_prefix(prefix) {
            let kind = rest.split([' ', ',']).next().unwrap_or_default();
            let expected = rest
                .rsplit_once(", expected ")
                .map_or("something else", |(_, expected)| expected);
            return format!("{prefix}{kind}, expected {expected}");
        }
    }
    if message.starts_with("unknown variant ") {
        let expected = message
            .rsplit_once("`, expected ")
            .map_or("something else", |(_, expected)| expected);
        return format!("unknown value, expected {expected}");
    }
    message
        .chars()
        .filter(|c| !c.is_control())
        .take(400)
        .collect()
}

/// Where JSON of somebody else is passed through as it is.
#[derive(Clone, Copy)]
enum Free {
    Nothing,
    /// In this field.
    Field(&'static str),
    All,
}

/// Reads any JSON value and keeps track of the place.
#[derive(Clone, Copy)]
struct Strict<'a> {
    place: &'a RefCell<Vec<String>>,
    free: Free,
}

impl Strict<'_> {
    /// Whether the place is inside what is passed through.
    fn is_free(&self) -> bool {
        match self.free {
            Free::Nothing => false,
            Free::Field(free) => self
                .place
                .borrow()
                .first()
                .is_some_and(|first| first == free),
            Free::All => true,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a JSON value")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }
    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }
    fn visit_unit<E: serde::de::Error>(self) -> Result<Value, E> {
        if self.is_free() {
            return Ok(Value::Null);
        }
        Err(E::custom("null is not a value here: leave the field out"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            self.place.borrow_mut().push(list.len().to_string());
            let Some(item) = items.next_element_seed(self)? else {
                break;
            };
            self.place.borrow_mut().pop();
            list.push(item);
        }
        self.place.borrow_mut().pop();
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            self.place.borrow_mut().push(key.clone());
            if object.contains_key(&key) {
                return Err(A::Error::custom("this key is given twice"));
            }
            let value = entries.next_value_seed(self)?;
            self.place.borrow_mut().pop();
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the reading is looked at")]
    struct Example {
        name: String,
        #[serde(default)]
        headers: BTreeMap<String, String>,
        #[serde(default)]
        body: Value,
        #[serde(default)]
        list: Vec<u8>,
    }

    impl RequestBody for Example {
        const FREE: Option<&'static str> = Some("body");
    }

    fn check(body: &str, field: &str) {
        let problem = parse::<Example>(body.as_bytes()).unwrap_err();
        let shown = serde_json::to_value(problem_json(&problem)).unwrap();
        assert_eq!(
            (shown["code"].as_str(), shown["field"].as_str()),
            (Some("body.invalid"), Some(field)),
            "{body}: {shown}"
        );
        assert!(!shown.to_string().contains("hunter2"), "{shown}");
    }

    fn problem_json(problem: &Problem) -> Value {
        let response = problem.render(crate::frame::TraceId::next());
        let bytes = futures_util::FutureExt::now_or_never(to_bytes(response.into_body(), 1 << 20))
            .unwrap()
            .unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn wrong_bodies_are_refused_with_their_place() {
        check("", "");
        check("[]", "");
        check("{", "");
        check(r#"{"name":"a"} x"#, "");
        check(r#"{"name":"a","nmae":"b"}"#, "/nmae");
        check(r#"{"name":["hunter2"]}"#, "/name");
        check(r#"{"name":"a","headers":"hunter2"}"#, "/headers");
        check(
            r#"{"name":"a","headers":{"X-Key":{"a":"hunter2"}}}"#,
            "/headers/X-Key",
        );
        check(
            r#"{"name":"a","headers":{"a/b":"x","a/b":"y"}}"#,
            "/headers/a~1b",
        );
        check(r#"{"name":"a","name":"b"}"#, "/name");
        check(r#"{"name":null}"#, "/name");
        check(r#"{"name":"a","list":[1,2,null]}"#, "/list/2");
        check(r#"{"name":"a","list":[1,300]}"#, "/list/1");
        check(r#"{"name":"a","list":[1e400]}"#, "/list/0");
        check(r#"{"headers":{}}"#, "");
    }

    #[test]
    fn deep_nesting_ends_before_the_stack_does() {
        let deep = format!(
            r#"{{"name":"a","body":{}{}}}"#,
            "[".repeat(200),
            "]".repeat(200)
        );
        let problem = parse::<Example>(deep.as_bytes()).unwrap_err();
        assert!(
            problem.detail().contains("recursion limit"),
            "{}",
            problem.detail()
        );
    }

    #[test]
    fn what_is_passed_through_may_be_anything() {
        let read =
            parse::<Example>(br#"{"name":"a","body":{"x":[null,1.5,true,"t",null]}}"#).unwrap();
        assert_eq!(read.body.to_string(), r#"{"x":[null,1.5,true,"t",null]}"#);
    }

    #[test]
    fn only_json_in_utf8() {
        for (given, good) in [
            ("application/json", true),
            ("Application/JSON; charset=UTF-8", true),
            ("application/json; charset=latin1", false),
            ("text/plain", false),
            ("application/jsonp", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, given.parse().unwrap())]);
            assert_eq!(media_type(&headers).is_ok(), good, "{given}");
        }
    }
}
