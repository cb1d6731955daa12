//! The source text before it is parsed: is it short enough, is it nested so little that the parser, which recurses, stays on its stack?

use crate::{Code, CompileError};

/// The longest source, in bytes.
pub const LONGEST_SOURCE: usize = 16 * 1024;

/// How many brackets and operators may lie inside each other.
pub const DEEPEST_NESTING: usize = 256;

/// Refuses what is too long or nested too deeply.
pub(crate) fn check(source: &str) -> Result<(), CompileError> {
    if source.len() > LONGEST_SOURCE {
        return Err(CompileError {
            code: Code::TooLong,
            message: format!(
                "the expression has {} bytes, at most {LONGEST_SOURCE} are allowed",
                source.len()
            ),
            offset: 0,
            length: source.len(),
            hint: Some("split it into several steps, or move its data into the input".to_owned()),
        });
    }
    let mut scan = Scan {
        levels: vec![Level {
            bracket: None,
            operators: 0,
        }],
        in_word: false,
    };
    let mut chars = source.char_indices();
    while let Some((offset, char)) = chars.next() {
        match (scan.inside_string(), char) {
            (true, '\\') => match chars.next() {
                Some((_, '(')) => scan.open('('),
                _ => continue,
            },
            (true, '"') | (false, ')' | ']' | '}') => scan.close(),
            (true, _) => continue,
            (false, '"' | '(' | '[' | '{') => scan.open(char),
            (false, '#') => {
                let rest = after_comment(chars.as_str()).len();
                while chars.as_str().len() > rest {
                    chars.next();
                }
            }
            (false, char) => scan.operator(char),
        }
        if scan.depth() > DEEPEST_NESTING {
            return Err(too_deep(offset, char));
        }
    }
    Ok(())
}

/// What follows a comment. It ends with its line, unless the line ends with an odd number of backslashes: exactly as jaq's lexer has it, for
/// brackets that one of the two takes for a comment must not hide from the other.
fn after_comment(mut rest: &str) -> &str {
    loop {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let line = line.strip_suffix('\r').unwrap_or(line);
        if after.is_empty() || line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 0
        {
            return after;
        }
        rest = after;
    }
}

fn too_deep(offset: usize, char: char) -> CompileError {
    CompileError {
        code: Code::Syntax,
        message: format!(
            "more than {DEEPEST_NESTING} brackets and operators lie inside each other"
        ),
        offset,
        length: char.len_utf8(),
        hint: Some("name parts of it with `def`, or split it into several steps".to_owned()),
    }
}

struct Level {
    bracket: Option<char>,
    operators: usize,
}

struct Scan {
    levels: Vec<Level>,
    in_word: bool,
}

impl Scan {
    fn inside_string(&self) -> bool {
        self.levels
            .last()
            .is_some_and(|level| level.bracket == Some('"'))
    }

    fn open(&mut self, bracket: char) {
        self.in_word = false;
        self.levels.push(Level {
            bracket: Some(bracket),
            operators: 0,
        });
    }

    fn close(&mut self) {
        self.in_word = false;
        if self.levels.len() > 1 {
            self.levels.pop();
        }
    }

    /// Counts what nests the rest of its level: operators, steps of a path, and words (`if`, `try`, `def`, …).
    fn operator(&mut self, char: char) {
        let word = char.is_ascii_alphanumeric() || matches!(char, '_' | '$' | '@');
        let starts_word = word && !self.in_word && char.is_ascii_lowercase();
        self.in_word = word || (char == '.' && self.in_word);
        let Some(level) = self.levels.last_mut() else {
            return;
        };
        match char {
            ';' => level.operators = 0,
            ',' if level.bracket == Some('{') => level.operators = 0,
            '|' | ',' | '+' | '-' | '*' | '/' | '%' | '<' | '>' | '=' | '.' | '?' => {
                level.operators += 1;
            }
            _ if starts_word => level.operators += 1,
            _ => {}
        }
    }

    fn depth(&self) -> usize {
        self.levels.iter().map(|level| level.operators + 1).sum()
    }
}
