//! What a provider says when it refuses (RFC 6749 §4.1.2.1 and §5.2, with Entra's additions).
//!
//! Kept verbatim for the person who must cure it, but cleaned: no control characters, no terminal sequences, bounded length.
//! The text never decides anything; `error`, `suberror` and `error_codes` do.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Secret;

/// The most bytes kept of a description.
const DESCRIPTION_LIMIT: usize = 2048;
/// The most bytes kept of a word, an id or a time.
const WORD_LIMIT: usize = 256;
/// The most bytes kept of a claims challenge, which must stay valid JSON to be of use.
const CLAIMS_LIMIT: usize = 8192;
/// The most error codes kept.
const CODES_LIMIT: usize = 16;

/// An error as the provider worded it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProviderError {
    /// HTTP status of the answer; none when the error came by redirect.
    pub status: Option<u16>,
    /// The standard's error word, such as `invalid_grant`.
    pub error: String,
    /// Entra's finer word, such as `bad_token`.
    pub suberror: Option<String>,
    /// Entra's numbers, the first being the cause.
    pub error_codes: Vec<u32>,
    /// The provider's own sentence.
    pub error_description: Option<String>,
    /// A page about the error.
    pub error_uri: Option<String>,
    /// When the provider saw it.
    pub timestamp: Option<String>,
    /// Entra's number of the request, wanted by its support.
    pub trace_id: Option<String>,
    /// The number shared by all requests of one sign-in.
    pub correlation_id: Option<String>,
    /// A claims challenge, to be carried into the next authorization request.
    pub claims: Option<String>,
}

impl ProviderError {
    /// Reads a token endpoint's JSON error; none when there is no `error` word in it.
    pub fn from_json(status: Option<u16>, value: &Value) -> Option<Self> {
        Self::from_object(status, value.as_object()?)
    }

    pub(crate) fn from_object(status: Option<u16>, object: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| object.get(name).and_then(Value::as_str);
        let mut error = Self::from_texts(status, text)?;
        if let Some(codes) = object.get("error_codes").and_then(Value::as_array) {
            error.error_codes = codes.iter().filter_map(number).take(CODES_LIMIT).collect();
        }
        Some(error)
    }

    /// Reads an error that came as `name=value` pairs: by redirect, or form-encoded from the token endpoint.
    pub(crate) fn from_pairs(status: Option<u16>, pairs: &[(String, String)]) -> Option<Self> {
        let text = |name: &str| {
            pairs
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        let mut error = Self::from_texts(status, text)?;
        error.fill_from_description();
        Some(error)
    }

    fn from_texts<'a>(status: Option<u16>, text: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let word = |name: &str| {
            text(name)
                .map(|value| cleaned(value, WORD_LIMIT))
                .filter(|value| !value.is_empty())
        };
        Some(Self {
            status,
            error: word("error")?,
            suberror: word("suberror"),
            error_codes: Vec::new(),
            error_description: text("error_description")
                .map(|value| cleaned(value, DESCRIPTION_LIMIT))
                .filter(|value| !value.is_empty()),
            error_uri: word("error_uri"),
            timestamp: word("timestamp"),
            trace_id: word("trace_id"),
            correlation_id: word("correlation_id"),
            claims: text("claims")
                .filter(|value| value.len() <= CLAIMS_LIMIT)
                .map(|value| cleaned(value, CLAIMS_LIMIT)),
        })
    }

    /// Entra's number of the cause: the first of `error_codes`, else from `error_uri`, else from the description's prefix.
    pub fn aadsts(&self) -> Option<u32> {
        self.error_codes
            .first()
            .copied()
            .or_else(|| self.error_uri.as_deref().and_then(code_in_uri))
            .or_else(|| self.error_description.as_deref().and_then(code_in_text))
    }

    /// Takes the ids out of a description, for errors that come without fields of their own for them.
    pub(crate) fn fill_from_description(&mut self) {
        let Some(text) = self.error_description.clone() else {
            return;
        };
        let found = |label: &str| labelled(&text, label);
        self.trace_id = self.trace_id.take().or_else(|| found("Trace ID:"));
        self.correlation_id = self
            .correlation_id
            .take()
            .or_else(|| found("Correlation ID:"));
        self.timestamp = self.timestamp.take().or_else(|| {
            let at = text.find("Timestamp:")? + "Timestamp:".len();
            let mut words = text.get(at..)?.split_whitespace();
            let (day, time) = (words.next()?, words.next());
            Some(match time {
                Some(time) if !day.contains('T') => format!("{day} {time}"),
                _ => day.to_owned(),
            })
        });
    }

    /// Replaces every occurrence of the given secrets, which a provider may have echoed into its text.
    #[must_use]
    pub fn redacted(mut self, secrets: &[&Secret]) -> Self {
        for text in self.texts() {
            for secret in secrets {
                // a shorter one would hollow out ordinary words
                if secret.expose().len() >= 4 && text.contains(secret.expose()) {
                    *text = text.replace(secret.expose(), "(redacted)");
                }
            }
        }
        self
    }

    /// Cleans an error that was put together elsewhere, as those that are read here already are.
    #[must_use]
    pub fn sanitized(mut self) -> Self {
        // a challenge that is cut is no JSON any more: too long a one goes altogether, as when it is read
        let claims = self.claims.take().filter(|text| text.len() <= CLAIMS_LIMIT);
        for text in self.texts() {
            *text = cleaned(text, DESCRIPTION_LIMIT);
        }
        self.claims = claims.map(|text| cleaned(&text, CLAIMS_LIMIT));
        self
    }

    fn texts(&mut self) -> impl Iterator<Item = &mut String> {
        [
            Some(&mut self.error),
            self.suberror.as_mut(),
            self.error_description.as_mut(),
            self.error_uri.as_mut(),
            self.timestamp.as_mut(),
            self.trace_id.as_mut(),
            self.correlation_id.as_mut(),
            self.claims.as_mut(),
        ]
        .into_iter()
        .flatten()
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.aadsts().map(|code| format!("AADSTS{code}"));
        let parts = [
            Some(self.error.as_str()).filter(|word| !word.is_empty()),
            self.error_description.as_deref().or(code.as_deref()),
        ];
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        formatter.write_str(&parts.join(": "))
    }
}

/// The word after a label, such as a trace id.
pub(crate) fn labelled(text: &str, label: &str) -> Option<String> {
    let at = text.find(label)? + label.len();
    let word = text.get(at..)?.split_whitespace().next()?;
    Some(cleaned(word, WORD_LIMIT))
}

/// The number in `AADSTS7000215`, wherever that stands in the text.
pub(crate) fn code_in_text(text: &str) -> Option<u32> {
    let at = text.find("AADSTS")? + "AADSTS".len();
    leading_number(text.get(at..)?)
}

fn code_in_uri(uri: &str) -> Option<u32> {
    let (_, query) = uri.split_once('?')?;
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix("code="))
        .and_then(leading_number)
}

fn leading_number(text: &str) -> Option<u32> {
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

fn number(value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) => number.as_u64().and_then(|number| number.try_into().ok()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Takes out terminal sequences, control and direction characters, joins lines, and cuts at a character's edge.
pub(crate) fn cleaned(text: &str, limit: usize) -> String {
    let mut kept = String::with_capacity(text.len().min(limit));
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' | '\u{9b}' => skip_sequence(character, &mut characters),
            '\r' if characters.peek() == Some(&'\n') => {}
            '\r' | '\n' | '\t' => kept.push(' '),
            _ if character.is_control() || is_invisible(character) => {}
            _ => kept.push(character),
        }
        if kept.len() > limit {
            break;
        }
    }
    if kept.len() > limit {
        let ellipsis = '…';
        let mut end = limit.saturating_sub(ellipsis.len_utf8());
        while !kept.is_char_boundary(end) {
            end -= 1;
        }
        kept.truncate(end);
        kept.truncate(kept.trim_end().len());
        kept.push(ellipsis);
    }
    kept.trim().to_owned()
}

fn skip_sequence(start: char, rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match (start, rest.peek()) {
        ('\u{9b}', _) => {}
        (_, Some('[')) => {
            rest.next();
        }
        // an operating system command: to the bell or the next escape
        (_, Some(']')) => {
            while let Some(character) = rest.peek() {
                match character {
                    '\u{7}' => {
                        rest.next();
                        return;
                    }
                    '\u{1b}' => return,
                    _ => {
                        rest.next();
                    }
                }
            }
            return;
        }
        (_, Some(_)) => {
            rest.next();
            return;
        }
        (_, None) => return,
    }
    // a control sequence: parameters, then one final character
    while let Some(character) = rest.next_if(|character| matches!(character, '\u{20}'..='\u{7e}')) {
        if matches!(character, '\u{40}'..='\u{7e}') {
            return;
        }
    }
}

/// Zero-width characters and those that turn the direction of text around.
pub(crate) fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests;
