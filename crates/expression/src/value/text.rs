//! Values as text: JSON, and short names for messages.

use std::fmt;

use super::Val;
use crate::meter;

impl Val {
    /// The JSON text, paid for by its length.
    pub(crate) fn json(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) {
        meter::tick();
        match self {
            Val::Null => text.push_str("null"),
            Val::Bool(true) => text.push_str("true"),
            Val::Bool(false) => text.push_str("false"),
            Val::Int(value) => text.push_str(&value.to_string()),
            Val::Big(value) => text.push_str(&value.to_string()),
            Val::Float(value) => write_float(*value, text),
            Val::Str(value) => write_string(value, text),
            Val::Arr(array) => {
                text.push('[');
                for (index, item) in array.items.iter().enumerate() {
                    if index > 0 {
                        text.push(',');
                    }
                    item.write(text);
                }
                text.push(']');
            }
            Val::Obj(object) => {
                text.push('{');
                for (index, (key, value)) in object.entries.iter().enumerate() {
                    if index > 0 {
                        text.push(',');
                    }
                    write_string(key, text);
                    text.push(':');
                    value.write(text);
                }
                text.push('}');
            }
        }
    }

    /// Type and beginning of the value, as jq's messages name it: `number (1)`.
    pub(crate) fn named(&self) -> String {
        format!("{} ({})", self.kind(), self.shown())
    }

    /// The first characters of the JSON text: whole values do not belong in messages.
    pub(crate) fn shown(&self) -> String {
        const LONGEST: usize = 24;
        let text = match self {
            Val::Str(value) => {
                let mut text = String::new();
                let cut = value
                    .char_indices()
                    .nth(LONGEST)
                    .map_or(value.len(), |(index, _)| index);
                write_string(&value[..cut], &mut text);
                if cut < value.len() {
                    text.pop();
                    text.push_str("...");
                }
                return text;
            }
            Val::Arr(array) if array.items.len() > 8 => return "[...]".to_owned(),
            Val::Obj(object) if object.entries.len() > 8 => return "{...}".to_owned(),
            _ => self.json(),
        };
        match text.char_indices().nth(LONGEST) {
            Some((index, _)) => format!("{}...", &text[..index]),
            None => text,
        }
    }
}

/// As jq: what JSON can't say becomes null or the largest number.
fn write_float(value: f64, text: &mut String) {
    let value = if value.is_infinite() {
        f64::MAX.copysign(value)
    } else {
        value
    };
    match serde_json::Number::from_f64(value) {
        Some(number) => text.push_str(&number.to_string()),
        None => text.push_str("null"),
    }
}

fn write_string(value: &str, text: &mut String) {
    meter::allocate(value.len() + 16);
    text.push('"');
    for char in value.chars() {
        match char {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\0'..='\u{1f}' | '\u{7f}' => {
                let code = u32::from(char);
                let digit = |value| char::from_digit(value, 16).unwrap_or_default();
                text.push_str("\\u00");
                text.extend([digit(code >> 4), digit(code & 15)]);
            }
            _ => text.push(char),
        }
    }
    text.push('"');
}

impl fmt::Display for Val {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.json())
    }
}
