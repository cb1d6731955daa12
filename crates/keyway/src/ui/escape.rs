//! Text from outside made harmless for a terminal: control characters, escapes and direction marks become visible.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::Value;

/// One line: every character that could move the cursor, colour, or reorder text is written out.
pub(crate) fn plain(text: &str) -> String {
    escape(text, |_| false)
}

/// Several lines: as [`plain`], line ends stay.
pub(super) fn lines(text: &str) -> String {
    escape(text, |character| character == '\n')
}

fn escape(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if is_harmful(character) && !keep(character) {
            safe.extend(character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Pretty JSON whose text cannot steer a terminal. What serde leaves as it is (DEL, C1, direction marks) can only stand
/// inside strings, where `\uXXXX` means the same.
pub(crate) fn json_text(value: &Value) -> String {
    let text = format!("{value:#}");
    match json_escaped(&text, '\n') {
        Cow::Borrowed(_) => text,
        Cow::Owned(safe) => safe,
    }
}

/// A JSON document on one line as somebody else wrote it, made as harmless as [`json_text`]. A tab can only stand
/// between its parts.
pub(crate) fn json_line(text: &str) -> Cow<'_, str> {
    json_escaped(text, '\t')
}

fn json_escaped(text: &str, keep: char) -> Cow<'_, str> {
    // most lines hold nothing but printable ASCII, and there may be millions of them
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    if !text
        .chars()
        .any(|character| character != keep && is_harmful(character))
    {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if character != keep && is_harmful(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                write!(safe, "\\u{unit:04x}").expect("writing to a string cannot fail");
            }
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// Control characters, and characters that are invisible or reorder what stands around them.
fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_cannot_reach_the_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\u{7}"), "a\\u{1b}[31mb\\u{7}");
        assert_eq!(plain("gra\u{202e}hp\u{9b}2J"), "gra\\u{202e}hp\\u{9b}2J");
        assert_eq!(plain("one\ntwo\ttab"), "one\\u{a}two\\u{9}tab");
        assert_eq!(lines("one\ntwo\r"), "one\ntwo\\u{d}");
        assert_eq!(plain("Zoë 日本 👍"), "Zoë 日本 👍");
    }

    #[test]
    fn json_stays_the_same_document() {
        let value =
            serde_json::json!({ "name": "a\u{9b}31m\u{202e}\u{1b}[0m", "tag": "\u{e0001}" });
        let text = json_text(&value);
        assert!(
            text.chars()
                .all(|character| character == '\n' || !is_harmful(character)),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        let raw = "{\t\"name\": \"a\u{9b}31m\u{202e}\",\t\"n\": 1.0e400}";
        let line = json_line(raw);
        assert_eq!(
            line,
            "{\t\"name\": \"a\\u009b31m\\u202e\",\t\"n\": 1.0e400}"
        );
        assert!(matches!(
            json_line("{\"name\":\"Zoë 日本\"}"),
            Cow::Borrowed(_)
        ));
    }
}
