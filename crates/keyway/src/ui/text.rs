//! Small pieces of text: wrapping, lengths of time, moments.

use jiff::{SignedDuration, Timestamp};

/// Tables and paragraphs are no wider than this.
pub(crate) const WIDTH: usize = 80;

/// Breaks a paragraph at spaces, every further line indented; a word longer than the line stays whole, so that
/// addresses can be copied.
pub(crate) fn wrap(text: &str, first: &str, indent: usize) -> String {
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
        for word in words(paragraph, WIDTH.saturating_sub(indent)) {
            if !is_empty && width(&line) + 1 + width(word) > WIDTH {
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

/// Splits at spaces; a command in backticks stays one word, so that it can be copied, unless it is longer than a line.
fn words(text: &str, room: usize) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let space = rest.find(' ').unwrap_or(rest.len());
        let command = rest
            .strip_prefix('`')
            .and_then(|inside| inside.find('`'))
            .map(|end| {
                let closed = end + 2;
                closed + rest[closed..].find(' ').unwrap_or(rest.len() - closed)
            });
        let end = command
            .filter(|end| width(&rest[..*end]) <= room)
            .unwrap_or(space);
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
        let wrapped = wrap(&text, "  ", 2);
        assert!(
            wrapped.contains(command) && wrapped.contains("`keyway connection test graph`"),
            "{wrapped}"
        );
        assert!(wrapped.lines().all(|line| line.len() <= WIDTH), "{wrapped}");
        let long = format!("run `keyway {}` now", "word ".repeat(30));
        assert!(wrap(&long, "", 0).lines().all(|line| line.len() <= WIDTH));
        assert_eq!(words("a `b c", 80), ["a", "`b", "c"]);
    }

    #[test]
    fn paragraphs_fit_and_addresses_stay_whole() {
        let address = format!("https://keyway.contoso.example/{}", "a".repeat(80));
        let text = format!("{} {address} end", "word ".repeat(30));
        let wrapped = wrap(&text, "why   ", 6);
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
