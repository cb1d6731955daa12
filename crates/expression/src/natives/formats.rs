//! `@csv`, `@html` and the like: each turns a value into text of one format.

use super::{Fault, Native, answer, items, native, text};
use crate::meter;
use crate::value::Val;

pub(super) fn natives() -> Vec<Native> {
    vec![
        native("_csv", 0, |(_, input)| {
            answer(row(&input, "csv", ",", csv_cell))
        }),
        native("_tsv", 0, |(_, input)| {
            answer(row(&input, "tsv", "\t", tsv_cell))
        }),
        native("_sh", 0, |(_, input)| answer(shell(&input))),
        native("_html", 0, |(_, input)| answer(Ok(mapped(&input, html)))),
        native("_uri", 0, |(_, input)| answer(Ok(mapped(&input, uri)))),
        native("_urid", 0, |(_, input)| answer(uri_decoded(&input))),
        native("_base64", 0, |(_, input)| {
            answer(Ok(mapped(&input, |text| {
                encode(text.as_bytes(), BASE64, 6, 4)
            })))
        }),
        native("_base32", 0, |(_, input)| {
            answer(Ok(mapped(&input, |text| {
                encode(text.as_bytes(), BASE32, 5, 8)
            })))
        }),
        native("_base64d", 0, |(_, input)| {
            answer(decoded(&input, BASE64, 6, "base64"))
        }),
        native("_base32d", 0, |(_, input)| {
            answer(decoded(&input, BASE32, 5, "base32"))
        }),
    ]
}

const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The text of any value: strings as they are, everything else as JSON.
fn plain(input: &Val) -> String {
    input
        .as_str()
        .map_or_else(|| input.json(), ToOwned::to_owned)
}

fn mapped(input: &Val, format: fn(&str) -> String) -> Val {
    let text = plain(input);
    meter::allocate(text.len().saturating_mul(6));
    Val::string(&format(&text))
}

fn row(input: &Val, format: &str, separator: &str, cell: fn(&str) -> String) -> Result<Val, Fault> {
    let Val::Arr(array) = input else {
        return Err(Fault::str(format_args!(
            "{} cannot be {format}-formatted, only array",
            input.named()
        )));
    };
    let mut cells = Vec::with_capacity(array.items.len());
    for item in &array.items {
        meter::tick();
        cells.push(match item {
            Val::Null => String::new(),
            Val::Str(text) => {
                meter::allocate(text.len() * 2);
                cell(text)
            }
            Val::Arr(_) | Val::Obj(_) => {
                return Err(Fault::str(format_args!(
                    "{} is not valid in a {format} row",
                    item.named()
                )));
            }
            other => other.json(),
        });
    }
    Ok(Val::string(&cells.join(separator)))
}

fn csv_cell(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn tsv_cell(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('\t', "\\t")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
}

fn shell(input: &Val) -> Result<Val, Fault> {
    let word = |value: &Val| match value {
        Val::Str(text) => {
            meter::allocate(text.len() * 4);
            Ok(format!("'{}'", text.replace('\'', "'\\''")))
        }
        Val::Arr(_) | Val::Obj(_) => Err(Fault::str(format_args!(
            "{} can not be escaped for shell",
            value.named()
        ))),
        other => Ok(other.json()),
    };
    let words = match input {
        Val::Arr(_) => items(input, "@sh")?
            .iter()
            .map(word)
            .collect::<Result<Vec<_>, _>>()?,
        other => vec![word(other)?],
    };
    Ok(Val::string(&words.join(" ")))
}

fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\'' => escaped.push_str("&apos;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

fn uri(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => {
                const DIGITS: &[u8] = b"0123456789ABCDEF";
                let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
                encoded.extend(['%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
    encoded
}

fn uri_decoded(input: &Val) -> Result<Val, Fault> {
    let source = plain(input);
    meter::allocate(source.len());
    let refused = || {
        Fault::str(format_args!(
            "{} is not a valid uri encoding",
            input.named()
        ))
    };
    let (mut bytes, mut rest) = (Vec::with_capacity(source.len()), source.as_bytes());
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            let digits = tail
                .get(..2)
                .and_then(|digits| std::str::from_utf8(digits).ok())
                .ok_or_else(refused)?;
            bytes.push(u8::from_str_radix(digits, 16).map_err(|_| refused())?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    Ok(Val::string(&String::from_utf8_lossy(&bytes)))
}

/// Writes groups of `width` bits, filled up with `=` to whole groups of `group` characters.
fn encode(bytes: &[u8], alphabet: &[u8], width: u32, group: usize) -> String {
    let mask = (1_u32 << width) - 1;
    let mut encoded = String::with_capacity(bytes.len() * 2);
    let (mut buffer, mut bits) = (0_u32, 0);
    let mut put = |value: u32| encoded.push(char::from(alphabet[(value & mask) as usize]));
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= width {
            bits -= width;
            put(buffer >> bits);
        }
        buffer &= (1 << bits) - 1;
    }
    if bits > 0 {
        put(buffer << (width - bits));
    }
    while !encoded.len().is_multiple_of(group) {
        encoded.push('=');
    }
    encoded
}

fn decoded(input: &Val, alphabet: &[u8], width: u32, format: &str) -> Result<Val, Fault> {
    let source = plain(input);
    let source = text(&Val::string(&source), format)?
        .trim_end_matches('=')
        .to_owned();
    meter::allocate(source.len());
    let refused = || Fault::str(format_args!("{} is not valid {format} data", input.named()));
    let (mut bytes, mut buffer, mut bits) = (Vec::new(), 0_u32, 0);
    for byte in source.bytes() {
        let digit = alphabet
            .iter()
            .position(|letter| *letter == byte)
            .ok_or_else(refused)?;
        buffer = (buffer << width) | u32::try_from(digit).unwrap_or_default();
        bits += width;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((buffer >> bits) & 0xff).unwrap_or_default());
            buffer &= (1 << bits) - 1;
        }
    }
    if bytes.is_empty() && !source.is_empty() {
        return Err(refused());
    }
    Ok(Val::string(&String::from_utf8_lossy(&bytes)))
}
