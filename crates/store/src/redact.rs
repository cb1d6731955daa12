//! Takes the values of plain secrets out of what is stored to be shown, or shown.
//!
//! A value is found as it is, and as it stands in a JSON text, in a URL and, alone, in base64. What a flow makes of it (a part,
//! a hash, a longer text in base64) is another value, which nobody can know again.

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::Value as Json;

/// What stands where a secret stood.
const MASK: &str = "[redacted]";
/// Shorter texts are too likely to be something else.
const SHORTEST: usize = 6;
/// Members of an authentication policy that are no secret: a secret that holds a policy must not take names and addresses out of
/// what others do.
const PUBLIC: [&str; 12] = [
    "audiences",
    "authentication",
    "authority",
    "encoding",
    "endpoints",
    "grant",
    "id",
    "issuers",
    "scopes",
    "type",
    "user",
    "username",
];

/// Secrets to take out.
#[derive(Clone, Default)]
pub struct Redactor(Vec<String>);

impl Redactor {
    /// Takes out every text of these values, those of objects and lists too.
    pub fn new<'v>(values: impl IntoIterator<Item = &'v Json>) -> Redactor {
        Redactor::of(values, &[])
    }

    /// As [`Redactor::new`], but for those who do not read these secrets: what is no secret in a policy stays.
    pub fn of_others<'v>(values: impl IntoIterator<Item = &'v Json>) -> Redactor {
        Redactor::of(values, &PUBLIC)
    }

    fn of<'v>(values: impl IntoIterator<Item = &'v Json>, but: &[&str]) -> Redactor {
        let mut texts = Vec::new();
        for value in values {
            collect(value, but, &mut texts);
        }
        texts.sort_unstable();
        texts.dedup();
        // The longest first: one may be a part of another.
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        Redactor(texts)
    }

    /// Whether something was taken out of a text, as far as can be seen.
    pub fn has_masked(value: &Json) -> bool {
        match value {
            Json::String(text) => text.contains(MASK),
            Json::Array(items) => items.iter().any(Redactor::has_masked),
            Json::Object(members) => members
                .iter()
                .any(|(key, value)| key.contains(MASK) || Redactor::has_masked(value)),
            _ => false,
        }
    }

    /// The same value without the secrets.
    #[must_use]
    pub fn value(&self, value: Json) -> Json {
        if self.0.is_empty() {
            return value;
        }
        match value {
            Json::String(text) => Json::String(self.text(text)),
            Json::Array(items) => {
                Json::Array(items.into_iter().map(|item| self.value(item)).collect())
            }
            Json::Object(members) => Json::Object(
                members
                    .into_iter()
                    .map(|(key, value)| (self.text(key), self.value(value)))
                    .collect(),
            ),
            other => other,
        }
    }

    /// The same text without the secrets.
    #[must_use]
    pub fn text(&self, mut text: String) -> String {
        for secret in &self.0 {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), MASK);
            }
        }
        text
    }
}

fn collect(value: &Json, but: &[&str], texts: &mut Vec<String>) {
    match value {
        Json::String(text) if text.len() >= SHORTEST => texts.extend(forms(text)),
        Json::Array(items) => items.iter().for_each(|item| collect(item, but, texts)),
        Json::Object(members) => members
            .iter()
            .filter(|(name, _)| !but.contains(&name.as_str()))
            .for_each(|(_, value)| collect(value, but, texts)),
        _ => {}
    }
}

/// A text, and how it looks where it is written into another one.
fn forms(text: &str) -> [String; 5] {
    let quoted = Json::from(text).to_string();
    [
        text.to_owned(),
        quoted[1..quoted.len() - 1].to_owned(),
        in_url(text).into_owned(),
        BASE64_STANDARD.encode(text),
        BASE64_URL_SAFE_NO_PAD.encode(text),
    ]
}

/// Percent-encoded, as `{name}` of a URI template and the console do it: all but what RFC 3986 calls unreserved.
fn in_url(text: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut encoded = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if plain(byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a text works");
        }
    }
    Cow::Owned(encoded)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_taken_out_wherever_they_stand() {
        let redactor = Redactor::new(&[
            json!({ "password": "fake-password", "user": "adele" }),
            json!("fake-password-longer"),
        ]);
        let value = json!({ "a fake-password": ["x fake-password-longer y", 1, { "b": "adele" }] });
        let shown = redactor.value(value);
        assert_eq!(
            shown,
            json!({ "a [redacted]": ["x [redacted] y", 1, { "b": "adele" }] })
        );
        assert!(Redactor::has_masked(&shown) && !Redactor::has_masked(&json!({ "a": ["b"] })));
    }

    #[test]
    fn a_secret_is_known_in_json_urls_and_base64() {
        let secret = "fake/\"secret\" Ü";
        let redactor = Redactor::new(&[json!(secret)]);
        for text in [
            format!("detail: {}", json!({ "k": secret })),
            "https://api.contoso.example/a/fake%2F%22secret%22%20%C3%9C?x".to_owned(),
            format!("Basic {}", BASE64_STANDARD.encode(secret)),
            BASE64_URL_SAFE_NO_PAD.encode(secret),
        ] {
            let shown = redactor.text(text.clone());
            assert!(shown.contains(MASK), "{text}: {shown}");
        }
    }

    #[test]
    fn names_and_addresses_of_a_policy_are_no_secret_to_others() {
        let policy = json!({
            "authority": "https://login.contoso.example", "grant": "client_credentials",
            "client": { "id": "fake-client-id", "secret": "fake-client-secret" },
        });
        let text = "client_credentials fake-client-id fake-client-secret".to_owned();
        let of_others = Redactor::of_others([&policy]).text(text.clone());
        assert_eq!(of_others, "client_credentials fake-client-id [redacted]");
        let own = Redactor::new([&policy]).text(text);
        assert_eq!(own, "[redacted] [redacted] [redacted]");
    }
}
