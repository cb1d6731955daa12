//! Findings about a text for people: its line with what is meant underlined.

use std::fmt::Write as _;

use flow::diagnostics::Diagnostic;
use serde_json::Value;

use super::text;
use crate::ui::{plain, shown_width};

/// How much of a long line is shown around what is meant.
const AROUND: usize = 48;

/// What is wrong with a text, and where: line and column count from 1, columns and length in characters.
pub(super) struct Finding {
    /// `error` or `warning`.
    kind: &'static str,
    code: String,
    message: String,
    hint: Option<String>,
    line: usize,
    column: usize,
    length: usize,
}

impl From<&Diagnostic> for Finding {
    fn from(found: &Diagnostic) -> Finding {
        Finding {
            kind: if found.is_error() { "error" } else { "warning" },
            code: found.code.to_owned(),
            message: found.message.clone(),
            hint: found.hint.clone(),
            line: found.line,
            column: found.column,
            length: found.length,
        }
    }
}

impl Finding {
    /// An error as a problem document of the API has it.
    pub(super) fn of(found: &Value) -> Finding {
        Finding::read("error", found)
    }

    /// A warning as the API has it.
    pub(super) fn warning(found: &Value) -> Finding {
        Finding::read("warning", found)
    }

    fn read(kind: &'static str, found: &Value) -> Finding {
        let number = |name: &str| {
            found[name]
                .as_u64()
                .and_then(|number| usize::try_from(number).ok())
        };
        Finding {
            kind,
            code: text(found, "code"),
            message: text(found, "message"),
            hint: found["hint"].as_str().map(str::to_owned),
            line: number("line").unwrap_or(1).max(1),
            column: number("column").unwrap_or(1).max(1),
            length: number("length").unwrap_or(1),
        }
    }
}

/// Writes what is wrong with the text of this name.
pub(super) fn one(out: &mut String, name: &str, source: &str, finding: &Finding) {
    let (line, column) = (finding.line, finding.column);
    let _ = writeln!(
        out,
        "{}[{}]: {}",
        finding.kind,
        plain(&finding.code),
        plain(&finding.message)
    );
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let _ = writeln!(out, "{margin}--> {}:{line}:{column}", plain(name));
    if let Some(source) = source
        .split('\n')
        .nth(line - 1)
        .filter(|source| !source.is_empty())
    {
        let (before, meant, after) = cut(source.trim_end_matches('\r'), column, finding.length);
        let _ = writeln!(out, "{margin} |\n{number} | {before}{meant}{after}");
        let marks = "^".repeat(shown_width(&meant).max(1));
        let _ = writeln!(
            out,
            "{margin} | {}{marks}",
            " ".repeat(shown_width(&before))
        );
    }
    if let Some(hint) = &finding.hint {
        let _ = writeln!(out, "{margin} = hint: {}", plain(hint));
    }
    out.push('\n');
}

/// The line before, at and after what is meant, made harmless, and short where it is long.
fn cut(line: &str, column: usize, length: usize) -> (String, String, String) {
    let characters: Vec<char> = line.chars().collect();
    let start = (column - 1).min(characters.len());
    let end = (start + length).min(characters.len());
    let safe =
        |characters: &[char]| plain(&characters.iter().collect::<String>().replace('\t', " "));
    let from = start.saturating_sub(AROUND);
    let before = if from == 0 {
        String::new()
    } else {
        "…".to_owned()
    } + &safe(&characters[from..start]);
    let stop = end.min(start + 2 * AROUND);
    let until = (stop + AROUND).min(characters.len());
    let after = safe(&characters[stop..until]) + if until < characters.len() { "…" } else { "" };
    (before, safe(&characters[start..stop]), after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_around_what_is_meant() {
        let check = |line: &str, column, length, expected: (&str, &str, &str)| {
            let (before, meant, after) = cut(line, column, length);
            assert_eq!((before.as_str(), meant.as_str(), after.as_str()), expected);
        };
        check("a: bc", 4, 2, ("a: ", "bc", ""));
        check("a: bc", 6, 1, ("a: bc", "", ""));
        check("\ta\u{1b}[1m", 2, 1, (" ", "a", "\\u{1b}[1m"));
        let long = format!("{}here{}", "x".repeat(100), "y".repeat(100));
        let (before, after) = (
            format!("…{}", "x".repeat(48)),
            format!("{}…", "y".repeat(48)),
        );
        check(&long, 101, 4, (&before, "here", &after));
    }
}
