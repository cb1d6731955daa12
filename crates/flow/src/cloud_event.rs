//! A CloudEvent (version 1.0): a message from outside or between flows.

use std::fmt::Write as _;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One event, in the attributes' standard spelling. Structured JSON mode is its serde form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CloudEvent {
    /// `1.0`.
    pub specversion: String,
    /// Unique within its source.
    pub id: String,
    /// A URI reference.
    pub source: String,
    /// What happened.
    pub r#type: String,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// About what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The media type of `data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datacontenttype: Option<String>,
    /// A URI of the schema of `data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataschema: Option<String>,
    /// What is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// Extension attributes, and `data_base64`.
    #[serde(flatten)]
    pub extensions: IndexMap<String, Value>,
}

/// Why something is not a CloudEvent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// It is not a JSON object.
    #[error("an event must be a JSON object")]
    NotAnObject,
    /// A required attribute is missing or empty.
    #[error("the attribute {0} is missing or empty")]
    Missing(&'static str),
    /// Only version 1.0 is known.
    #[error("specversion \"{0}\" is not known; it must be 1.0")]
    Version(String),
    /// An attribute's name or value is not what CloudEvents allow.
    #[error(
        "the attribute {0} must be text, a number or a boolean, and its name of lower-case letters and digits"
    )]
    Attribute(String),
    /// In JSON this attribute is text.
    #[error("the attribute {0} must be text")]
    NotText(&'static str),
    /// `time` is none.
    #[error("the attribute time must be a time as RFC 3339 has it, such as 2026-01-31T12:00:00Z")]
    Time,
    /// `data_base64` is none.
    #[error("data_base64 must be text in base64")]
    Base64,
    /// There are two kinds of data.
    #[error("an event has data or data_base64, not both")]
    TwoData,
}

impl Invalid {
    /// The member of the event that is wrong; `None` where it is the whole.
    pub fn member(&self) -> Option<&str> {
        match self {
            Invalid::NotAnObject => None,
            Invalid::Missing(name) | Invalid::NotText(name) => Some(name),
            Invalid::Version(_) => Some("specversion"),
            Invalid::Attribute(name) => Some(name),
            Invalid::Time => Some("time"),
            Invalid::Base64 | Invalid::TwoData => Some("data_base64"),
        }
    }
}

/// The attributes that are text and not extensions.
const TEXTS: [&str; 8] = [
    "specversion",
    "id",
    "source",
    "type",
    "time",
    "subject",
    "datacontenttype",
    "dataschema",
];

impl CloudEvent {
    /// The event in structured mode: one JSON object.
    ///
    /// # Panics
    /// Never: JSON values are JSON.
    pub fn structured(&self) -> Value {
        serde_json::to_value(self).expect("an event of JSON values is JSON")
    }

    /// An event from structured mode. Scalars stand for their text where text is asked for; null attributes are left out.
    pub fn from_structured(value: Value) -> Result<CloudEvent, Invalid> {
        let Value::Object(mut object) = value else {
            return Err(Invalid::NotAnObject);
        };
        let specversion = text(&mut object, "specversion")?.unwrap_or_else(|| "1.0".to_owned());
        if specversion != "1.0" {
            return Err(Invalid::Version(specversion));
        }
        let required = |object: &mut Map<String, Value>, name: &'static str| {
            text(object, name)?
                .filter(|text| !text.is_empty())
                .ok_or(Invalid::Missing(name))
        };
        let event = CloudEvent {
            specversion,
            id: required(&mut object, "id")?,
            source: required(&mut object, "source")?,
            r#type: required(&mut object, "type")?,
            time: text(&mut object, "time")?,
            subject: text(&mut object, "subject")?,
            datacontenttype: text(&mut object, "datacontenttype")?,
            dataschema: text(&mut object, "dataschema")?,
            data: object.shift_remove("data"),
            extensions: object
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .collect(),
        };
        match event
            .extensions
            .iter()
            .find(|(name, value)| !is_extension(name, value))
        {
            Some((name, _)) => Err(Invalid::Attribute(name.clone())),
            None => Ok(event),
        }
    }

    /// An event that somebody sent in structured mode, by the letter of the JSON event format 1.0 (§2, §3): `specversion` is there,
    /// the attributes are text, `time` is a time, and there is `data` or `data_base64`.
    pub fn received(mut value: Value) -> Result<CloudEvent, Invalid> {
        let Value::Object(object) = &mut value else {
            return Err(Invalid::NotAnObject);
        };
        if object.get("specversion").is_none_or(Value::is_null) {
            return Err(Invalid::Missing("specversion"));
        }
        for name in TEXTS {
            if object
                .get(name)
                .is_some_and(|value| !value.is_null() && !value.is_string())
            {
                return Err(Invalid::NotText(name));
            }
        }
        if let Some(encoded) = object
            .get("data_base64")
            .filter(|encoded| !encoded.is_null())
        {
            let text = encoded.as_str().ok_or(Invalid::Base64)?;
            if !is_base64(text) {
                return Err(Invalid::Base64);
            }
            if object
                .shift_remove("data")
                .is_some_and(|data| !data.is_null())
            {
                return Err(Invalid::TwoData);
            }
        }
        let event = CloudEvent::from_structured(value)?;
        match &event.time {
            Some(time) if !is_time(time) => Err(Invalid::Time),
            _ => Ok(event),
        }
    }

    /// The header fields of binary mode (HTTP protocol binding 1.0), `content-type` included; the body is `data`.
    pub fn headers(&self) -> Vec<(String, String)> {
        let mut headers = vec![
            ("ce-specversion".to_owned(), self.specversion.clone()),
            ("ce-id".to_owned(), escape(&self.id)),
            ("ce-source".to_owned(), escape(&self.source)),
            ("ce-type".to_owned(), escape(&self.r#type)),
        ];
        let optional = [
            ("time", &self.time),
            ("subject", &self.subject),
            ("dataschema", &self.dataschema),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                headers.push((format!("ce-{name}"), escape(value)));
            }
        }
        for (name, value) in &self.extensions {
            if name != "data_base64" {
                let value = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                headers.push((format!("ce-{name}"), escape(&value)));
            }
        }
        if self.data.is_some() {
            let media_type = self
                .datacontenttype
                .as_deref()
                .unwrap_or("application/json");
            headers.push(("content-type".to_owned(), media_type.to_owned()));
        }
        headers
    }

    /// An event from binary mode: header fields in any case, and the body as a value.
    pub fn from_headers<'a>(
        headers: impl Iterator<Item = (&'a str, &'a str)>,
        data: Option<Value>,
    ) -> Result<CloudEvent, Invalid> {
        let mut object = Map::new();
        for (name, value) in headers {
            let name = name.to_ascii_lowercase();
            if let Some(attribute) = name.strip_prefix("ce-") {
                object.insert(attribute.to_owned(), unescape(value).into());
            } else if name == "content-type" {
                object.insert("datacontenttype".to_owned(), value.into());
            }
        }
        if !object.contains_key("specversion") {
            return Err(Invalid::Missing("specversion"));
        }
        if let Some(data) = data {
            object.insert("data".to_owned(), data);
        }
        CloudEvent::from_structured(Value::Object(object))
    }

    /// An attribute by its name; `data` too.
    pub fn attribute(&self, name: &str) -> Option<Value> {
        let text = |text: &Option<String>| text.clone().map(Value::String);
        match name {
            "specversion" => Some(self.specversion.clone().into()),
            "id" => Some(self.id.clone().into()),
            "source" => Some(self.source.clone().into()),
            "type" => Some(self.r#type.clone().into()),
            "time" => text(&self.time),
            "subject" => text(&self.subject),
            "datacontenttype" => text(&self.datacontenttype),
            "dataschema" => text(&self.dataschema),
            "data" => self.data.clone(),
            _ => self.extensions.get(name).cloned(),
        }
    }
}

fn text(object: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Invalid> {
    match object.shift_remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(value @ (Value::Bool(_) | Value::Number(_))) => Ok(Some(value.to_string())),
        Some(Value::Array(_) | Value::Object(_)) => Err(Invalid::Attribute(name.to_owned())),
    }
}

fn is_extension(name: &str, value: &Value) -> bool {
    let named = name == "data_base64"
        || (!name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
    named && !value.is_object() && !value.is_array()
}

/// Whether text is a time as RFC 3339 has it (§5.6): a whole date, a whole time and an offset.
fn is_time(text: &str) -> bool {
    let shape = "dddd-dd-ddTdd:dd:dd";
    let fits = |(got, expected): (char, char)| match expected {
        'd' => got.is_ascii_digit(),
        'T' => matches!(got, 'T' | 't'),
        other => got == other,
    };
    let begins = text.len() > shape.len() && text.chars().zip(shape.chars()).all(fits);
    let rest = text.get(shape.len()..).unwrap_or_default();
    let plain = rest.bytes().all(|byte| {
        byte.is_ascii_digit() || matches!(byte, b'.' | b'+' | b'-' | b':' | b'Z' | b'z')
    });
    begins && plain && text.parse::<jiff::Timestamp>().is_ok()
}

/// Whether text is base64 with its padding (RFC 4648, §4).
fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - digits.len() <= 2
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

/// Percent-encodes what a header field can't carry: everything but printable ASCII, and space, `"` and `%`.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_graphic() && !matches!(character, '"' | '%') {
            escaped.push(character);
        } else {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                write!(escaped, "%{byte:02X}").expect("a String takes all");
            }
        }
    }
    escaped
}

/// Undoes `escape`; what is not UTF-8 then is replaced.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after
            .get(..2)
            .and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{CloudEvent, Invalid};

    #[test]
    fn structured_mode_goes_both_ways() {
        let structured = json!({
            "specversion": "1.0", "id": "1", "source": "/s", "type": "t", "subject": "run_1", "data": {"a": [1]}, "tenant": "t-1",
        });
        let event = CloudEvent::from_structured(structured.clone()).unwrap();
        assert_eq!(event.structured(), structured);
        assert_eq!(event.attribute("tenant"), Some("t-1".into()));
    }

    #[test]
    fn binary_mode_goes_both_ways() {
        let event = CloudEvent::from_structured(json!({
            "id": "50 %", "source": "/zürich", "type": "t", "time": "2026-01-01T00:00:00Z", "datacontenttype": "application/json", "data": {"a": 1}, "tenant": "\"x\"",
        }))
        .unwrap();
        let headers = event.headers();
        assert!(
            headers.contains(&("ce-id".to_owned(), "50%20%25".to_owned())),
            "{headers:?}"
        );
        assert!(
            headers.contains(&("ce-source".to_owned(), "/z%C3%BCrich".to_owned())),
            "{headers:?}"
        );
        let pairs = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        assert_eq!(
            CloudEvent::from_headers(pairs, event.data.clone()).unwrap(),
            event
        );
    }

    #[test]
    fn what_is_received_is_taken_by_the_letter() {
        let with = |name: &str, value: serde_json::Value| {
            let mut event = json!({ "specversion": "1.0", "id": "1", "source": "/s", "type": "t" });
            event[name] = value;
            CloudEvent::received(event)
        };
        for (name, value) in [
            ("time", json!("2026-01-31T12:00:00Z")),
            ("time", json!("2026-01-31t12:00:00.125+01:00")),
            ("time", json!(null)),
            ("data_base64", json!("AAH/")),
            ("data", json!(null)),
            ("tenant", json!(7)),
        ] {
            assert!(with(name, value.clone()).is_ok(), "{name}: {value}");
        }
        for (name, value, why) in [
            ("time", json!("never"), Invalid::Time),
            ("time", json!("2026-01-31"), Invalid::Time),
            ("time", json!("2026-01-31 12:00:00Z"), Invalid::Time),
            ("time", json!("2026-01-31T12:00:00"), Invalid::Time),
            ("time", json!("2026-02-31T12:00:00Z"), Invalid::Time),
            ("time", json!("2026-01-31T12:00:00Z[UTC]"), Invalid::Time),
            ("time", json!(7), Invalid::NotText("time")),
            ("id", json!(7), Invalid::NotText("id")),
            ("specversion", json!(null), Invalid::Missing("specversion")),
            ("data_base64", json!("!!"), Invalid::Base64),
            ("data_base64", json!(7), Invalid::Base64),
            (
                "Tenant",
                json!("x"),
                Invalid::Attribute("Tenant".to_owned()),
            ),
            (
                "tenant",
                json!({ "a": 1 }),
                Invalid::Attribute("tenant".to_owned()),
            ),
        ] {
            assert_eq!(with(name, value.clone()), Err(why), "{name}: {value}");
        }
        let both = json!({ "specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": 1, "data_base64": "AAH/" });
        assert_eq!(CloudEvent::received(both), Err(Invalid::TwoData));
    }

    #[test]
    fn what_is_no_event_is_refused() {
        let parse = |value| CloudEvent::from_structured(value).unwrap_err();
        assert_eq!(parse(json!([])), Invalid::NotAnObject);
        assert_eq!(
            parse(json!({"id": "1", "source": "s"})),
            Invalid::Missing("type")
        );
        assert_eq!(
            parse(json!({"id": "", "source": "s", "type": "t"})),
            Invalid::Missing("id")
        );
        assert_eq!(
            parse(json!({"specversion": "0.3", "id": "1", "source": "s", "type": "t"})),
            Invalid::Version("0.3".to_owned())
        );
        assert_eq!(
            parse(json!({"id": "1", "source": "s", "type": {}})),
            Invalid::Attribute("type".to_owned())
        );
        assert_eq!(
            parse(json!({"id": "1", "source": "s", "type": "t", "Tenant": "x"})),
            Invalid::Attribute("Tenant".to_owned())
        );
        assert_eq!(
            CloudEvent::from_headers([("ce-id", "1")].into_iter(), None).unwrap_err(),
            Invalid::Missing("specversion")
        );
    }
}
