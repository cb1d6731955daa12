//! Source text to syntax tree, with complaints that have a place and say what to write.

use jaq_core::load::lex::{self, Tok, Token};
use jaq_core::load::parse::{self, Parser, Term};
use jaq_core::load::{Lexer, span};

use crate::library::forbidden;
use crate::{Code, CompileError};

/// Parses a whole program.
pub(crate) fn program(source: &str) -> Result<Term<&str>, CompileError> {
    let tokens = Lexer::new(source)
        .lex()
        .map_err(|errors| complain_lex(source, errors.first()))?;
    if let Some(Token(word @ ("import" | "include" | "module"), Tok::Word)) = tokens.first() {
        let place = span(source, word);
        return Err(CompileError {
            code: Code::Forbidden,
            message: format!("{word} is not available in expressions"),
            offset: place.start,
            length: place.len(),
            hint: forbidden(word).map(ToOwned::to_owned),
        });
    }
    Parser::new(&tokens)
        .parse(Parser::term)
        .map_err(|errors| complain_parse(source, errors.first()))
}

fn syntax(offset: usize, length: usize, message: String, hint: Option<&str>) -> CompileError {
    CompileError {
        code: Code::Syntax,
        message,
        offset,
        length,
        hint: hint.map(ToOwned::to_owned),
    }
}

fn complain_lex(source: &str, error: Option<&lex::Error<&str>>) -> CompileError {
    let Some((expected, rest)) = error else {
        return syntax(0, source.len(), "not an expression".to_owned(), None);
    };
    let offset = span(source, rest).start;
    let length = rest.chars().next().map_or(0, char::len_utf8);
    match expected {
        lex::Expect::Token if rest.starts_with('\'') => {
            let hint = "jq knows double quotes only: write \"…\" instead of '…'";
            syntax(
                offset,
                1,
                "a string can't be in single quotes".to_owned(),
                Some(hint),
            )
        }
        lex::Expect::Token if rest.starts_with('&') => syntax(
            offset,
            1,
            "unexpected &".to_owned(),
            Some("write `and` for a logical and"),
        ),
        lex::Expect::Token => syntax(
            offset,
            length,
            format!("unexpected {}", first_word(rest)),
            None,
        ),
        lex::Expect::Delim(open) => {
            let message = format!("{open} is not closed");
            let place = span(source, open);
            if place.end <= source.len() && !open.is_empty() {
                return syntax(place.start, place.len(), message, None);
            }
            syntax(offset, length, message, None)
        }
        lex::Expect::Escape => syntax(
            offset,
            length,
            "unknown escape in a string".to_owned(),
            Some("write \\\\ for a backslash"),
        ),
        other => syntax(offset, length, format!("expected {}", other.as_str()), None),
    }
}

fn complain_parse(source: &str, error: Option<&parse::TError<'_, &str>>) -> CompileError {
    let Some((expected, found)) = error else {
        return syntax(0, source.len(), "not an expression".to_owned(), None);
    };
    let found = Token::opt_as_str(*found, source);
    let place = span(source, found);
    if found.is_empty() {
        let hint = source
            .trim()
            .is_empty()
            .then_some("write `.` for the whole input");
        return syntax(
            place.start,
            0,
            format!(
                "the expression ends where a {} is expected",
                expected.as_str()
            ),
            hint,
        );
    }
    let hint = match found {
        "=" if source[place.start..].starts_with('=')
            && matches!(expected, parse::Expect::Term) =>
        {
            Some("write `==` to compare")
        }
        "?" => Some("`?//` is not supported; use `try`"),
        _ => None,
    };
    let message = match expected {
        parse::Expect::Nothing => format!("unexpected {}", first_word(found)),
        other => format!("expected {}, found {}", other.as_str(), first_word(found)),
    };
    syntax(place.start, place.len(), message, hint)
}

/// Enough of the text to recognise it.
fn first_word(text: &str) -> &str {
    let end = text
        .char_indices()
        .nth(16)
        .map_or(text.len(), |(index, _)| index);
    text[..end].lines().next().unwrap_or_default()
}
