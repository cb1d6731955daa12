//! What an HTTP answer becomes: one of the three output forms, or a fault with the answer's status.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use connect::ResponseBody;
use flow::command::{HttpCall, OutputForm};
use flow::{Fault, FaultType};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// How much of a refusal's body is told.
const EXCERPT: usize = 2_000;
/// Request headers that hold credentials, whoever wrote them.
const MASKED: [&str; 6] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "x-api-key",
    "api-key",
    "ocp-apim-subscription-key",
];

/// An answer, whoever got it.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: ResponseBody,
    /// Where it came from, for people.
    pub(super) uri: String,
}

impl Answer {
    /// The value that a call's task gets, or the fault.
    pub(super) fn output(self, call: &HttpCall, now: Timestamp) -> Result<Value, Fault> {
        let fine = 200..if call.redirect { 400 } else { 300 };
        if !fine.contains(&self.status) {
            return Err(self.fault(&call.method, now));
        }
        Ok(match call.output {
            OutputForm::Content => content(self.body),
            OutputForm::Raw => Value::String(STANDARD.encode(bytes(&self.body))),
            OutputForm::Response => json!({
                "request": {
                    "method": call.method,
                    "uri": self.uri,
                    "headers": masked(&call.headers),
                },
                "statusCode": self.status,
                "headers": headers(&self.headers),
                "content": content(self.body),
            }),
        })
    }

    fn fault(&self, method: &str, now: Timestamp) -> Fault {
        let said = match &self.body {
            ResponseBody::Empty => String::new(),
            ResponseBody::Bytes(bytes) => format!(": {} bytes", bytes.len()),
            ResponseBody::Json(value) => format!(": {}", shortened(&value.to_string())),
            ResponseBody::Text(text) => format!(": {}", shortened(text)),
        };
        let detail = format!(
            "{method} {} was answered with {}{said}",
            self.uri, self.status
        );
        let mut fault = Fault::new(FaultType::Communication, detail)
            .status(self.status)
            .code("upstream.status");
        fault.retry_after = self
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))
            .and_then(|(_, value)| connect::retry_after(value, now))
            .and_then(|wait| u64::try_from(wait.as_millis()).ok());
        fault
    }
}

/// The body as a value: JSON and text as they are, anything else in base64, nothing as null.
pub(super) fn content(body: ResponseBody) -> Value {
    match body {
        ResponseBody::Json(value) => value,
        ResponseBody::Text(text) => Value::String(text),
        ResponseBody::Bytes(bytes) => Value::String(STANDARD.encode(bytes)),
        ResponseBody::Empty => Value::Null,
    }
}

fn bytes(body: &ResponseBody) -> Bytes {
    match body {
        ResponseBody::Json(value) => Bytes::from(value.to_string()),
        ResponseBody::Text(text) => Bytes::from(text.clone()),
        ResponseBody::Bytes(bytes) => bytes.clone(),
        ResponseBody::Empty => Bytes::new(),
    }
}

/// Header fields by name in lower case; several of one name are joined as RFC 9110 §5.3 has it.
pub(super) fn headers(fields: &[(String, String)]) -> Value {
    let mut object = Map::new();
    for (name, value) in fields {
        match object.get_mut(&name.to_ascii_lowercase()) {
            Some(Value::String(joined)) => {
                joined.push_str(", ");
                joined.push_str(value);
            }
            _ => drop(object.insert(name.to_ascii_lowercase(), value.clone().into())),
        }
    }
    Value::Object(object)
}

fn masked(fields: &[(String, String)]) -> Value {
    let shown: Vec<(String, String)> = fields
        .iter()
        .map(|(name, value)| {
            let secret = MASKED.contains(&name.to_ascii_lowercase().as_str());
            let value = if secret { "[redacted]" } else { value };
            (name.clone(), value.to_owned())
        })
        .collect();
    headers(&shown)
}

pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use flow::command::{Authentication, OutcomeUnknown};

    use super::*;

    fn call(output: OutputForm, redirect: bool) -> HttpCall {
        HttpCall {
            method: "GET".to_owned(),
            endpoint: "https://api.contoso.example/x".to_owned(),
            headers: vec![("X-Api-Key".to_owned(), "fake-key".to_owned())],
            query: Vec::new(),
            body: None,
            authentication: Authentication::None,
            output,
            redirect,
            outcome_unknown: OutcomeUnknown::Park,
        }
    }

    fn answer(status: u16, body: ResponseBody) -> Answer {
        Answer {
            status,
            headers: vec![
                ("Link".to_owned(), "a".to_owned()),
                ("link".to_owned(), "b".to_owned()),
                ("retry-after".to_owned(), "3".to_owned()),
            ],
            body,
            uri: "https://api.contoso.example/x".to_owned(),
        }
    }

    fn output(output: OutputForm, body: ResponseBody) -> Value {
        answer(200, body)
            .output(&call(output, false), Timestamp::UNIX_EPOCH)
            .unwrap()
    }

    #[test]
    fn a_body_is_what_its_type_says() {
        let content = OutputForm::Content;
        assert_eq!(output(content, ResponseBody::Json(json!([1]))), json!([1]));
        assert_eq!(output(content, ResponseBody::Text("a".into())), json!("a"));
        assert_eq!(output(content, ResponseBody::Empty), Value::Null);
        let bytes = ResponseBody::Bytes(Bytes::from_static(&[0, 255]));
        assert_eq!(output(content, bytes.clone()), json!("AP8="));
        assert_eq!(output(OutputForm::Raw, bytes), json!("AP8="));
    }

    #[test]
    fn a_response_shows_no_credential() {
        let shown = output(OutputForm::Response, ResponseBody::Text("a".into()));
        assert_eq!(shown["request"]["headers"]["x-api-key"], "[redacted]");
        assert_eq!(shown["headers"]["link"], "a, b");
        assert_eq!(shown["statusCode"], 200);
        assert_eq!(shown["content"], "a");
    }

    #[test]
    fn a_refusal_is_a_fault_with_its_status_and_its_wish() {
        for (status, redirect, fine) in [(302, true, true), (302, false, false), (404, true, false)]
        {
            let call = call(OutputForm::Content, redirect);
            let answer = answer(status, ResponseBody::Json(json!({ "error": "gone" })));
            let output = answer.output(&call, Timestamp::UNIX_EPOCH);
            assert_eq!(output.is_ok(), fine, "{status} {redirect}");
            if let Err(fault) = output {
                assert_eq!((fault.status, fault.retry_after), (status, Some(3_000)));
                assert!(fault.r#type.ends_with("/communication"));
                assert!(fault.detail.unwrap().contains("gone"));
            }
        }
    }
}
