//! Takes the values of live secrets out of what is to be stored.

use flow::machine::Secrets;
use serde_json::Value;

/// What stands where a secret stood.
const MASK: &str = "[redacted]";
/// Shorter texts are too likely to be something else.
const SHORTEST: usize = 6;

/// The secrets of a run.
#[derive(Clone, Default)]
pub(crate) struct Redactor(Vec<String>);

impl Redactor {
    pub(crate) fn new<'s>(secrets: impl IntoIterator<Item = &'s Secrets>) -> Redactor {
        let mut texts = Vec::new();
        for value in secrets.into_iter().flat_map(|secrets| secrets.0.values()) {
            collect(value, &mut texts);
        }
        texts.sort_unstable();
        texts.dedup();
        // The longest first: one may be a part of another.
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        Redactor(texts)
    }

    /// The same value without the secrets.
    pub(crate) fn value(&self, value: Value) -> Value {
        if self.0.is_empty() {
            return value;
        }
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => {
                Value::Array(items.into_iter().map(|item| self.value(item)).collect())
            }
            Value::Object(members) => Value::Object(
                members
                    .into_iter()
                    .map(|(key, value)| (self.text(key), self.value(value)))
                    .collect(),
            ),
            other => other,
        }
    }

    /// The same text without the secrets.
    pub(crate) fn text(&self, mut text: String) -> String {
        for secret in &self.0 {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), MASK);
            }
        }
        text
    }
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) if text.len() >= SHORTEST => texts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(members) => members.values().for_each(|value| collect(value, texts)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_taken_out_wherever_they_stand() {
        let mut secrets = Secrets::default();
        secrets.0.insert(
            "smtp".to_owned(),
            json!({ "password": "fake-password", "user": "adele" }),
        );
        secrets
            .0
            .insert("key".to_owned(), json!("fake-password-longer"));
        let redactor = Redactor::new([&secrets]);
        let value = json!({ "a fake-password": ["x fake-password-longer y", 1, { "b": "adele" }] });
        assert_eq!(
            redactor.value(value),
            json!({ "a [redacted]": ["x [redacted] y", 1, { "b": "adele" }] })
        );
    }
}
