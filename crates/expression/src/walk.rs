//! Walks a syntax tree: every term once, outside before inside.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::path::Part;

/// Is told of each term.
pub(crate) trait Visit<'s> {
    fn enter(&mut self, term: &Term<&'s str>);
}

/// Walks `term` and everything in it.
pub(crate) fn term<'s>(root: &Term<&'s str>, visit: &mut impl Visit<'s>) {
    visit.enter(root);
    children(root, &mut |child| term(child, visit));
}

/// Calls `each` for the direct parts of a term, including the keys of patterns and the bodies of definitions.
pub(crate) fn children<'s>(term: &Term<&'s str>, each: &mut impl FnMut(&Term<&'s str>)) {
    match term {
        Term::Id
        | Term::Recurse
        | Term::Num(_)
        | Term::Break(_)
        | Term::Var(_)
        | Term::Arr(None) => {}
        Term::Str(_, parts) => {
            for part in parts {
                if let StrPart::Term(term) = part {
                    each(term);
                }
            }
        }
        Term::Arr(Some(inner)) | Term::Neg(inner) | Term::Label(_, inner) => each(inner),
        Term::Obj(entries) => {
            for (key, value) in entries {
                each(key);
                value.iter().for_each(&mut *each);
            }
        }
        Term::BinOp(left, operator, right) => {
            each(left);
            if let BinaryOp::Pipe(Some(pattern)) = operator {
                keys(pattern, each);
            }
            each(right);
        }
        Term::Fold(_, source, pattern, arguments) => {
            each(source);
            keys(pattern, each);
            arguments.iter().for_each(each);
        }
        Term::TryCatch(body, handler) => {
            each(body);
            if let Some(handler) = handler {
                each(handler);
            }
        }
        Term::IfThenElse(branches, otherwise) => {
            for (condition, consequence) in branches {
                each(condition);
                each(consequence);
            }
            if let Some(otherwise) = otherwise {
                each(otherwise);
            }
        }
        Term::Def(definitions, rest) => {
            for definition in definitions {
                each(&definition.body);
            }
            each(rest);
        }
        Term::Call(_, arguments) => arguments.iter().for_each(each),
        Term::Path(head, path) => {
            each(head);
            for (part, _) in &path.0 {
                match part {
                    Part::Index(index) => each(index),
                    Part::Range(from, to) => from.iter().chain(to).for_each(&mut *each),
                }
            }
        }
    }
}

/// The computed keys of a pattern.
pub(crate) fn keys<'s>(pattern: &Pattern<&'s str>, each: &mut impl FnMut(&Term<&'s str>)) {
    match pattern {
        Pattern::Var(_) => {}
        Pattern::Arr(parts) => parts.iter().for_each(|part| keys(part, each)),
        Pattern::Obj(entries) => {
            for (key, part) in entries {
                each(key);
                keys(part, each);
            }
        }
    }
}

/// The variables that a pattern binds.
pub(crate) fn bound<'s>(pattern: &Pattern<&'s str>, names: &mut Vec<&'s str>) {
    match pattern {
        Pattern::Var(name) => names.push(name),
        Pattern::Arr(parts) => parts.iter().for_each(|part| bound(part, names)),
        Pattern::Obj(entries) => entries.iter().for_each(|(_, part)| bound(part, names)),
    }
}
