//! Functions of strings, and reading and writing JSON text.

use super::{Fault, Native, answer, items, native, take, text};
use crate::meter;
use crate::value::{Val, not_iterable, split};

pub(super) fn natives() -> Vec<Native> {
    vec![
        native("utf8bytelength", 0, |(_, input)| {
            answer(byte_length(&input))
        }),
        native("tojson", 0, |(_, input)| {
            answer(Ok(Val::string(&input.json())))
        }),
        native("fromjson", 0, |(_, input)| answer(from_json(&input))),
        native("tonumber", 0, |(_, input)| answer(to_number(&input))),
        native("toboolean", 0, |(_, input)| answer(to_boolean(&input))),
        native("explode", 0, |(_, input)| answer(explode(&input))),
        native("implode", 0, |(_, input)| answer(implode(&input))),
        native("ascii_downcase", 0, |(_, input)| {
            answer(
                text(&input, "ascii_downcase").map(|text| Val::string(&text.to_ascii_lowercase())),
            )
        }),
        native("ascii_upcase", 0, |(_, input)| {
            answer(text(&input, "ascii_upcase").map(|text| Val::string(&text.to_ascii_uppercase())))
        }),
        native("trim", 0, |(_, input)| answer(trimmed(&input, str::trim))),
        native("ltrim", 0, |(_, input)| {
            answer(trimmed(&input, str::trim_start))
        }),
        native("rtrim", 0, |(_, input)| {
            answer(trimmed(&input, str::trim_end))
        }),
        native("startswith", 1, |call| {
            let (input, [part]) = take(call);
            answer(tested(&input, &part, "startswith", |text, part| {
                text.starts_with(part)
            }))
        }),
        native("endswith", 1, |call| {
            let (input, [part]) = take(call);
            answer(tested(&input, &part, "endswith", |text, part| {
                text.ends_with(part)
            }))
        }),
        native("ltrimstr", 1, |call| {
            let (input, [part]) = take(call);
            answer(without(input, &part, "startswith", |text, part| {
                text.strip_prefix(part)
            }))
        }),
        native("rtrimstr", 1, |call| {
            let (input, [part]) = take(call);
            answer(without(input, &part, "endswith", |text, part| {
                text.strip_suffix(part)
            }))
        }),
        native("split", 1, |call| {
            let (input, [separator]) = take(call);
            answer(match (&input, &separator) {
                (Val::Str(text), Val::Str(separator)) => Ok(split(text, separator)),
                _ => Err(Fault::str("split input and separator must be strings")),
            })
        }),
        native("join", 1, |call| {
            let (input, [separator]) = take(call);
            answer(join(&input, &separator))
        }),
    ]
}

fn byte_length(input: &Val) -> Result<Val, Fault> {
    match input {
        Val::Str(text) => Ok(Val::count(text.len())),
        other => Err(Fault::str(format_args!(
            "{} only strings have UTF-8 byte length",
            other.named()
        ))),
    }
}

/// Reads one JSON value; the reader itself refuses what is nested too deeply.
fn from_json(input: &Val) -> Result<Val, Fault> {
    let source = text(input, "fromjson")?;
    meter::allocate(source.len() * 2);
    serde_json::from_str(source)
        .map(|value| Val::from_json(&value))
        .map_err(|error| Fault::str(format_args!("{error} (while parsing {})", input.shown())))
}

fn to_number(input: &Val) -> Result<Val, Fault> {
    let refused = || {
        Fault::str(format_args!(
            "{} cannot be parsed as a number",
            input.named()
        ))
    };
    match input {
        Val::Int(_) | Val::Big(_) | Val::Float(_) => Ok(input.clone()),
        Val::Str(text) => {
            let unsigned = text.strip_prefix('-').unwrap_or(text);
            let plain = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
                && unsigned.chars().all(|char| {
                    char.is_ascii_digit() || matches!(char, '.' | 'e' | 'E' | '+' | '-')
                });
            if !plain {
                return Err(refused());
            }
            match text.parse::<i128>() {
                Ok(integer) => Ok(Val::integer(integer)),
                Err(_) => text
                    .parse::<f64>()
                    .ok()
                    .filter(|value| value.is_finite())
                    .map(Val::Float)
                    .ok_or_else(refused),
            }
        }
        _ => Err(refused()),
    }
}

fn to_boolean(input: &Val) -> Result<Val, Fault> {
    match input {
        Val::Bool(_) => Ok(input.clone()),
        Val::Str(text) if &**text == "true" => Ok(Val::Bool(true)),
        Val::Str(text) if &**text == "false" => Ok(Val::Bool(false)),
        other => Err(Fault::str(format_args!(
            "{} cannot be parsed as a boolean",
            other.named()
        ))),
    }
}

fn explode(input: &Val) -> Result<Val, Fault> {
    let text = input
        .as_str()
        .ok_or_else(|| Fault::str("explode input must be a string"))?;
    Ok(text
        .chars()
        .map(|char| Val::Int(i64::from(u32::from(char))))
        .collect())
}

fn implode(input: &Val) -> Result<Val, Fault> {
    let char = |item: &Val| {
        let code = item.as_float().ok_or_else(|| {
            Fault::str(format_args!(
                "{} can't be imploded, unicode codepoint needs to be numeric",
                item.named()
            ))
        })?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates; what is no character is replaced"
        )]
        Ok(char::from_u32(code as u32)
            .filter(|_| code >= 0.0)
            .unwrap_or(char::REPLACEMENT_CHARACTER))
    };
    let text = items(input, "implode")?
        .iter()
        .map(char)
        .collect::<Result<String, Fault>>()?;
    Ok(Val::string(&text))
}

fn trimmed(input: &Val, trim: fn(&str) -> &str) -> Result<Val, Fault> {
    match input {
        Val::Str(text) => Ok(Val::string(trim(text))),
        _ => Err(Fault::str("trim input must be a string")),
    }
}

fn tested(
    input: &Val,
    part: &Val,
    function: &str,
    test: fn(&str, &str) -> bool,
) -> Result<Val, Fault> {
    match (input, part) {
        (Val::Str(whole), Val::Str(part)) => Ok(Val::Bool(test(whole, part))),
        _ => Err(Fault::str(format_args!(
            "{function}() requires string inputs"
        ))),
    }
}

fn without(
    input: Val,
    part: &Val,
    function: &str,
    strip: for<'a> fn(&'a str, &str) -> Option<&'a str>,
) -> Result<Val, Fault> {
    match (&input, part) {
        (Val::Str(text), Val::Str(part)) => Ok(strip(text, part).map(Val::string).unwrap_or(input)),
        _ => Err(Fault::str(format_args!(
            "{function}() requires string inputs"
        ))),
    }
}

/// Numbers and booleans are written out, null is nothing; arrays and objects are refused.
fn join(input: &Val, separator: &Val) -> Result<Val, Fault> {
    let parts: Vec<Val> = match input {
        Val::Obj(object) => object.entries.values().cloned().collect(),
        Val::Arr(array) => array.items.clone(),
        other => return Err(not_iterable(other)),
    };
    if parts.is_empty() {
        return Ok(Val::string(""));
    }
    let separator = match separator {
        Val::Null => "",
        other => text(other, "join")?,
    };
    let mut joined = String::new();
    for (index, part) in parts.iter().enumerate() {
        meter::allocate(separator.len() + 8);
        if index > 0 {
            joined.push_str(separator);
        }
        match part {
            Val::Null => {}
            Val::Str(text) => {
                meter::allocate(text.len());
                joined.push_str(text);
            }
            Val::Arr(_) | Val::Obj(_) => {
                let so_far = Val::string(&joined);
                return Err(Fault::str(format_args!(
                    "{} and {} cannot be added",
                    so_far.named(),
                    part.named()
                )));
            }
            other => joined.push_str(&other.json()),
        }
    }
    Ok(Val::string(&joined))
}
