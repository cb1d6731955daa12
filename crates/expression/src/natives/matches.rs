//! Regular expressions: an engine whose time is linear in the text, patterns of at most 1 KiB and a bounded automaton.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use regex::{Regex, RegexBuilder};

use super::{Fault, Native, answer, native, take, text};
use crate::meter;
use crate::value::Val;

/// The longest pattern, in bytes.
pub(crate) const LONGEST_PATTERN: usize = 1024;

/// What a compiled pattern may take, in bytes.
const AUTOMATON: usize = 256 * 1024;

pub(super) fn natives() -> Vec<Native> {
    vec![
        native("_test", 2, |call| {
            let (input, [pattern, flags]) = take(call);
            answer(Pattern::find(&pattern, &flags).and_then(|pattern| pattern.test(&input)))
        }),
        native("_match", 2, |call| {
            let (input, [pattern, flags]) = take(call);
            answer(Pattern::find(&pattern, &flags).and_then(|pattern| pattern.matches(&input)))
        }),
        native("_pieces", 2, |call| {
            let (input, [pattern, flags]) = take(call);
            answer(Pattern::find(&pattern, &flags).and_then(|pattern| pattern.pieces(&input)))
        }),
    ]
}

/// How many compiled patterns one evaluation keeps.
const KEPT: usize = 8;

thread_local! {
    static PATTERNS: RefCell<VecDeque<Rc<Pattern>>> = const { RefCell::new(VecDeque::new()) };
}

/// Forgets the patterns of the evaluation before: what an evaluation costs must not depend on others.
pub(crate) fn forget() {
    PATTERNS.with_borrow_mut(VecDeque::clear);
}

struct Pattern {
    source: (Val, Val),
    regex: Regex,
    many: bool,
    skip_empty: bool,
}

impl Pattern {
    /// The compiled pattern: of old, or made now.
    fn find(pattern: &Val, flags: &Val) -> Result<Rc<Pattern>, Fault> {
        let known = |old: &&Rc<Pattern>| old.source.0 == *pattern && old.source.1 == *flags;
        if let Some(old) = PATTERNS.with_borrow(|patterns| patterns.iter().find(known).cloned()) {
            return Ok(old);
        }
        let new = Rc::new(Pattern::new(pattern, flags)?);
        PATTERNS.with_borrow_mut(|patterns| {
            patterns.push_front(new.clone());
            patterns.truncate(KEPT);
        });
        Ok(new)
    }

    fn new(pattern: &Val, flags: &Val) -> Result<Pattern, Fault> {
        let Val::Str(source) = pattern else {
            return Err(Fault::str(format_args!(
                "{} is not a string",
                pattern.named()
            )));
        };
        if source.len() > LONGEST_PATTERN {
            return Err(Fault::str(format_args!(
                "the pattern is longer than {LONGEST_PATTERN} bytes"
            )));
        }
        meter::spend(source.len() * 64);
        meter::allocate(source.len() * 256);
        let flags_given = flags.clone();
        let flags = match flags {
            Val::Null => "",
            Val::Str(flags) => flags,
            other => {
                return Err(Fault::str(format_args!(
                    "{} is not a string",
                    other.named()
                )));
            }
        };
        let (mut builder, mut many, mut skip_empty) = (RegexBuilder::new(source), false, false);
        builder.size_limit(AUTOMATON).dfa_size_limit(AUTOMATON);
        for flag in flags.chars() {
            match flag {
                'g' => many = true,
                'n' => skip_empty = true,
                'i' => _ = builder.case_insensitive(true),
                'x' => _ = builder.ignore_whitespace(true),
                's' => _ = builder.dot_matches_new_line(true),
                'p' => _ = builder.dot_matches_new_line(true).multi_line(true),
                'l' => {}
                _ => {
                    return Err(Fault::str(format_args!(
                        "{flags} is not a valid modifier string"
                    )));
                }
            }
        }
        let regex = builder.build().map_err(|error| {
            Fault::str(format_args!(
                "{} (at offset 0) is not a valid regex: {}",
                source,
                last_line(&error.to_string())
            ))
        })?;
        Ok(Pattern {
            source: (pattern.clone(), flags_given),
            regex,
            many,
            skip_empty,
        })
    }

    fn test(&self, input: &Val) -> Result<Val, Fault> {
        let text = subject(input)?;
        Ok(Val::Bool(self.regex.is_match(text)))
    }

    /// The ranges of all groups, of the first match or of all.
    fn found<'t>(&self, text: &'t str) -> Vec<regex::Captures<'t>> {
        let skip =
            |captures: &regex::Captures<'_>| self.skip_empty && captures.get_match().is_empty();
        let all = self.regex.captures_iter(text).inspect(|captures| {
            meter::tick();
            meter::allocate(captures.len() * 32);
        });
        let kept = all.filter(|captures| !skip(captures));
        if self.many {
            kept.collect()
        } else {
            kept.take(1).collect()
        }
    }

    fn matches(&self, input: &Val) -> Result<Val, Fault> {
        let text = subject(input)?;
        let mut characters = Characters {
            text,
            byte: 0,
            count: 0,
        };
        Ok(Val::array(
            self.found(text)
                .iter()
                .map(|captures| self.object(captures, &mut characters))
                .collect(),
        ))
    }

    fn object(&self, captures: &regex::Captures<'_>, characters: &mut Characters<'_>) -> Val {
        let whole = captures.get_match();
        let offset = characters.until(whole.start());
        let names = self.regex.capture_names().skip(1).enumerate();
        let groups = names.map(|(index, name)| {
            let group = captures.get(index + 1);
            let place = group.map_or(Val::Int(-1), |group| {
                let mut inside = Characters {
                    text: characters.text,
                    byte: whole.start(),
                    count: offset,
                };
                Val::count(inside.until(group.start()))
            });
            Val::record([
                ("offset", place),
                (
                    "length",
                    Val::count(group.map_or(0, |group| group.as_str().chars().count())),
                ),
                (
                    "string",
                    group.map_or(Val::Null, |group| Val::string(group.as_str())),
                ),
                ("name", name.map_or(Val::Null, Val::string)),
            ])
        });
        let groups = Val::array(groups.collect());
        Val::record([
            ("offset", Val::count(offset)),
            ("length", Val::count(whole.as_str().chars().count())),
            ("string", Val::string(whole.as_str())),
            ("captures", groups),
        ])
    }

    /// The text cut into what did not match (strings) and the named groups of what did (objects).
    fn pieces(&self, input: &Val) -> Result<Val, Fault> {
        let text = subject(input)?;
        let (mut pieces, mut end) = (Vec::new(), 0);
        for captures in self.found(text) {
            let whole = captures.get_match();
            pieces.push(Val::string(&text[end..whole.start()]));
            let named = self
                .regex
                .capture_names()
                .enumerate()
                .filter_map(|(index, name)| Some((index, name?)));
            let group = |index: usize| {
                captures
                    .get(index)
                    .map_or(Val::Null, |group| Val::string(group.as_str()))
            };
            pieces.push(Val::object(
                named
                    .map(|(index, name)| (name.into(), group(index)))
                    .collect(),
            ));
            end = whole.end();
        }
        pieces.push(Val::string(&text[end..]));
        Ok(Val::array(pieces))
    }
}

/// Counts characters up to byte offsets that only grow.
struct Characters<'t> {
    text: &'t str,
    byte: usize,
    count: usize,
}

impl Characters<'_> {
    fn until(&mut self, byte: usize) -> usize {
        if byte > self.byte {
            meter::spend((byte - self.byte) / 16);
            self.count += self.text[self.byte..byte].chars().count();
            self.byte = byte;
        }
        self.count
    }
}

/// The text to search, paid for: the engine looks at each byte.
fn subject(input: &Val) -> Result<&str, Fault> {
    let Val::Str(source) = input else {
        return Err(Fault::str(format_args!(
            "{} cannot be matched, as it is not a string",
            input.named()
        )));
    };
    meter::spend(source.len() / 4);
    text(input, "match")
}

fn last_line(message: &str) -> &str {
    message.lines().last().unwrap_or_default().trim()
}
