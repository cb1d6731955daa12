//! Where something stands in the text: bytes to lines and columns, and from inside a scalar's value back to the text.

use std::ops::Range;

use granit_parser::ScalarStyle;

/// Bytes of the text.
pub(super) type Span = Range<usize>;

/// The text with its lines.
pub(super) struct Source<'s> {
    text: &'s str,
    lines: Vec<usize>,
}

/// A place for people: counted from 1, columns and length in characters of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) length: usize,
}

impl<'s> Source<'s> {
    pub(super) fn new(text: &'s str) -> Source<'s> {
        let lines = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Source { text, lines }
    }

    /// The place of a span; what goes on over the end of the line is cut there.
    pub(super) fn position(&self, span: &Span) -> Position {
        let start = self.boundary(span.start);
        let line = self.lines.partition_point(|begin| *begin <= start);
        let begin = self.lines[line - 1];
        let rest = &self.text[start..];
        let on_line = rest.split(['\n', '\r']).next().unwrap_or_default();
        let end = self.boundary(span.end).saturating_sub(start);
        let length = if end >= on_line.len() {
            on_line.trim_end().chars().count()
        } else {
            self.text[start..start + end].chars().count()
        };
        Position {
            line,
            column: self.text[begin..start].chars().count() + 1,
            length: length.max(1),
        }
    }

    /// Bytes `inner` of a scalar's value, as bytes of the text.
    pub(super) fn inside(
        &self,
        scalar: &Span,
        style: ScalarStyle,
        inner: &Span,
        value: &str,
    ) -> Span {
        let start = self.boundary(scalar.start);
        let raw = &self.text[start..self.boundary(scalar.end).max(start)];
        let from = align(raw, style, value, inner.start);
        let to = align(raw, style, value, inner.end).max(from);
        start + from..start + to
    }

    fn boundary(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

/// How many bytes of the written scalar come before byte `target` of its value.
///
/// Both are walked side by side; where YAML folds lines or strips indentation, a run of white space stands for another.
fn align(raw: &str, style: ScalarStyle, value: &str, target: usize) -> usize {
    let mut at = match style {
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => 1,
        ScalarStyle::Literal | ScalarStyle::Folded if raw.starts_with(['|', '>']) => {
            raw.find('\n').map_or(raw.len(), |end| end + 1)
        }
        _ => 0,
    };
    let mut characters = value.char_indices().peekable();
    while let Some((offset, character)) = characters.next() {
        let rest = raw.get(at..).unwrap_or_default();
        let run = rest.len() - rest.trim_start().len();
        if !character.is_whitespace() {
            // indentation before the first character of a block's line
            at += run;
        } else if rest[..run].contains('\n') {
            // a fold, or a new line with its indentation: the runs stand for each other
            if offset >= target {
                return at;
            }
            while characters
                .next_if(|(next, c)| *next < target && c.is_whitespace())
                .is_some()
            {}
            at += run;
            continue;
        }
        if offset >= target {
            break;
        }
        at += written(raw.get(at..).unwrap_or_default(), style, character);
    }
    at.min(raw.len())
}

/// How many bytes a character of the value takes as it is written.
fn written(rest: &str, style: ScalarStyle, character: char) -> usize {
    match style {
        ScalarStyle::SingleQuoted if rest.starts_with("''") => 2,
        ScalarStyle::DoubleQuoted if rest.starts_with('\\') => match rest.as_bytes().get(1) {
            Some(b'x') => 4,
            Some(b'u') => 6,
            Some(b'U') => 10,
            _ => 2,
        },
        _ => character.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_in_characters() {
        let source = Source::new("a: ü\nbé: cc\n");
        let check = |span: Span, line, column, length| {
            assert_eq!(
                source.position(&span),
                Position {
                    line,
                    column,
                    length
                },
                "{span:?}"
            );
        };
        check(0..1, 1, 1, 1);
        check(3..5, 1, 4, 1);
        check(6..9, 2, 1, 2);
        check(11..99, 2, 5, 2);
        check(99..99, 3, 1, 1);
    }

    #[test]
    fn a_place_in_a_value_is_found_in_the_text() {
        let check = |raw: &str, style, value: &str, target: usize, expected: usize| {
            assert_eq!(
                align(raw, style, value, target),
                expected,
                "{raw:?} at {target}"
            );
        };
        check("${ .a }", ScalarStyle::Plain, "${ .a }", 3, 3);
        check("'it''s $x'", ScalarStyle::SingleQuoted, "it's $x", 5, 7);
        check(r#""a\"b $x""#, ScalarStyle::DoubleQuoted, "a\"b $x", 4, 6);
        check(r#""\u00e9 $x""#, ScalarStyle::DoubleQuoted, "é $x", 3, 8);
        check(
            "|\n    ${\n      $x }\n",
            ScalarStyle::Literal,
            "${\n  $x }\n",
            5,
            15,
        );
        check(
            "${ .a\n      + $x }",
            ScalarStyle::Plain,
            "${ .a + $x }",
            8,
            14,
        );
    }
}
