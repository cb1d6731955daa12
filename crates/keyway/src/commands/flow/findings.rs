//! Findings for people: the line of the text with what is meant underlined.

use std::fmt::Write as _;

use flow::diagnostics::Diagnostic;

use super::file::Judged;
use crate::ui::{plain, shown_width};

/// How much of a long line is shown around what is meant.
const AROUND: usize = 48;

/// All that is to be said of a file, and a last line that says it in short.
pub(super) fn text(judged: &Judged) -> String {
    let mut out = String::new();
    for finding in judged.findings() {
        one(&mut out, judged, finding);
    }
    let errors = judged
        .findings()
        .iter()
        .filter(|finding| finding.is_error())
        .count();
    let warnings = judged.findings().len() - errors;
    let mut short = vec![if judged.is_valid() {
        "valid".to_owned()
    } else {
        counted(errors, "error")
    }];
    if warnings > 0 {
        short.push(counted(warnings, "warning"));
    }
    let _ = writeln!(out, "{}: {}", plain(&judged.name), short.join(", "));
    out
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn one(out: &mut String, judged: &Judged, finding: &Diagnostic) {
    let kind = if finding.is_error() {
        "error"
    } else {
        "warning"
    };
    let (line, column) = (finding.line, finding.column);
    let _ = writeln!(out, "{kind}[{}]: {}", finding.code, plain(&finding.message));
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let _ = writeln!(out, "{margin}--> {}:{line}:{column}", plain(&judged.name));
    if let Some(source) = judged
        .text
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
