//! Small pieces of text: wrapping, lengths of time, moments.

use std::io::IsTerminal as _;

use jiff::{SignedDuration, Timestamp};

/// Tables and paragraphs are no wider than this on a terminal.
pub(crate) const WIDTH: usize = 80;

/// How wide what is printed on stdout may be; `None`: no terminal shows it, so that lines are as long as what they say.
pub(crate) fn room() -> Option<usize> {
    // Where unit tests are run from makes no difference to what they see.
    (cfg!(test) || std::io::stdout().is_terminal()).then_some(WIDTH)
}

/// Breaks a paragraph at spaces if it goes to a terminal, every further line indented; a word longer than the line stays
/// whole, so that addresses can be copied, and so does a command in backticks.
pub(crate) fn wrap(text: &str, first: &str, indent: usize) -> String {
    wrap_within(text, (first, indent), room().unwrap_or(usize::MAX))
}

fn wrap_within(text: &str, (first, indent): (&str, usize), room: usize) -> String {
    let margin = " ".repeat(indent);
    let mut output = String::new();
    let mut line = first.to_owned();
    let mut is_empty = true;
    for paragraph in text.lines() {
        if !is_empty {
            output.push_str(&line);
            output.push('\n');
            line.clone_from(&margin);
            is_empty = true;
        }
        for word in words(paragraph) {
            if !is_empty && width(&line) + 1 + width(word) > room {
                output.push_str(&line);
                output.push('\n');
                line.clone_from(&margin);
                is_empty = true;
            }
            if !is_empty {
                line.push(' ');
            }
            line.push_str(word);
            is_empty = false;
        }
    }
    output.push_str(&line);
    output
}

/// Splits at spaces; what stands in backticks is never split, however long it is: a command is there to be copied.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let mut end = 0;
        let end = loop {
            let space = rest[end..].find(' ').map_or(rest.len(), |at| end + at);
            let tick = rest[end..space].find('`').map(|at| end + at + 1);
            let closed = tick.and_then(|open| rest[open..].find('`').map(|at| open + at + 1));
            let Some(closed) = closed else { break space };
            end = closed;
        };
        words.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    words
}

/// Columns a text takes, near enough for Latin, Greek, Cyrillic (one each) and East Asian (two each).
pub(crate) fn width(text: &str) -> usize {
    text.chars()
        .map(|character| {
            if ('\u{1100}'..='\u{115f}').contains(&character) || character >= '\u{2e80}' {
                2
            } else {
                1
            }
        })
        .sum()
}

/// A length of time in its two largest units: `59 min 10 s`, `2 h`, `3 d 4 h`.
pub(crate) fn duration(seconds: i64) -> String {
    const UNITS: [(i64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    if seconds <= 0 {
        return "0 s".to_owned();
    }
    let start = UNITS
        .iter()
        .position(|(size, _)| seconds >= *size)
        .unwrap_or(UNITS.len() - 1);
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (size, name) in UNITS.iter().skip(start).take(2) {
        if rest / size > 0 {
            parts.push(format!("{} {name}", rest / size));
        }
        rest %= size;
    }
    parts.join(" ")
}

/// A moment with its distance from now: `2026-11-23 10:00:00Z (in 59 min)`.
pub(crate) fn moment(text: &str, now: Timestamp) -> String {
    let Ok(at) = text.parse::<Timestamp>() else {
        return super::plain(text);
    };
    let distance = at.duration_since(now);
    let told = if distance > SignedDuration::ZERO {
        format!("in {}", duration(distance.as_secs()))
    } else {
        format!("{} ago", duration(-distance.as_secs()))
    };
    format!("{} ({told})", at.strftime("%Y-%m-%d %H:%M:%SZ"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_at_most_two_units() {
        for (seconds, expected) in [
            (-5, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3_599, "59 min 59 s"),
            (7_200, "2 h"),
            (90_061, "1 d 1 h"),
        ] {
            assert_eq!(duration(seconds), expected);
        }
    }

    #[test]
    fn commands_in_backticks_stay_whole() {
        let command = "`keyway connection change graph --client-secret-file FILE`,";
        let text = format!(
            "Copy the Value of a client secret. Then run {command} and `keyway connection test graph`"
        );
        let wrapped = wrap_within(&text, ("  ", 2), WIDTH);
        assert!(
            wrapped.contains(command) && wrapped.contains("`keyway connection test graph`"),
            "{wrapped}"
        );
        assert!(wrapped.lines().all(|line| line.len() <= WIDTH), "{wrapped}");
        let long = format!("`keyway {}end`", "word ".repeat(30));
        let text = format!("run ({long}), and so on {}", "and on ".repeat(20));
        let wrapped = wrap_within(&text, ("", 0), WIDTH);
        let lines: Vec<&str> = wrapped.lines().collect();
        assert_eq!(lines[..2], ["run", &format!("({long}),")]);
        assert!(lines[2..].iter().all(|line| line.len() <= WIDTH) && lines.len() > 3);
        assert_eq!(words("a `b c"), ["a", "`b", "c"]);
        assert_eq!(words("`a b`=`c d` e"), ["`a b`=`c d`", "e"]);
        assert_eq!(wrap_within(&text, ("", 0), usize::MAX), text.trim_end());
    }

    #[test]
    fn paragraphs_fit_and_addresses_stay_whole() {
        let address = format!("https://keyway.contoso.example/{}", "a".repeat(80));
        let text = format!("{} {address} end", "word ".repeat(30));
        let wrapped = wrap_within(&text, ("why   ", 6), WIDTH);
        assert!(
            wrapped
                .lines()
                .all(|line| line.len() <= WIDTH || line.trim() == address),
            "{wrapped}"
        );
        assert!(wrapped.contains(&address));
        assert!(
            wrapped
                .lines()
                .skip(1)
                .all(|line| line.starts_with("      "))
        );
    }
}
