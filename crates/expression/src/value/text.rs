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
        const LONGEST: usize = 25;
        let text = match self {
            Val::Str(value) => {
                let mut text = String::new();
                let cut = value
                    .char_indices()
                    .nth(LONGEST)
                    .map_or(value.len(), |(index, _)| index);
                write_string(&value[..cut], &mut text);
                text
            }
            Val::Arr(array) if array.items.len() > 8 => {
                Val::array(array.items[..8].to_vec()).json()
            }
            Val::Obj(object) if object.entries.len() > 8 => {
                let some = object.entries.iter().take(8);
                Val::object(
                    some.map(|(key, value)| (key.clone(), value.clone()))
                        .collect(),
                )
                .json()
            }
            other => other.json(),
        };
        match text.char_indices().nth(LONGEST) {
            Some((index, _)) => {
                let end = match self {
                    Val::Str(_) => "\"",
                    Val::Arr(_) => "]",
                    Val::Obj(_) => "}",
                    _ => "",
                };
                format!("{}...{end}", &text[..index])
            }
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
    meter::spend(value.len() / 16);
    text.push('"');
    let mut clean = 0;
    for (index, byte) in value.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' && byte != 0x7f {
            continue;
        }
        text.push_str(&value[clean..index]);
        clean = index + 1;
        match byte {
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            0x08 => text.push_str("\\b"),
            0x0c => text.push_str("\\f"),
            _ => {
                let digit = |value| char::from_digit(value, 16).unwrap_or_default();
                text.push_str("\\u00");
                text.extend([digit(u32::from(byte) >> 4), digit(u32::from(byte) & 15)]);
            }
        }
    }
    text.push_str(&value[clean..]);
    text.push('"');
}

impl fmt::Display for Val {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.json())
    }
}
