//! Paths as arrays: reading, writing and removing what they lead to.

use std::sync::Arc;

use jaq_core::ValT;
use jaq_core::box_iter::box_once;
use jaq_core::path::Opt;
use jaq_core::{Bind, Exn, ValX};

use super::{Fault, Native, answer, items, native, take};
use crate::meter;
use crate::value::{Entries, Val, position};

pub(super) fn natives() -> Vec<Native> {
    vec![
        native("_setpath", 2, |call| {
            let (input, [path, value]) = take(call);
            answer(items(&path, "setpath").and_then(|path| set(input, path, value)))
        }),
        ("walk", [Bind::Fun(())].into(), |(mut context, input)| {
            let (filter, inside) = context.pop_fun();
            match walk(input, &|value| {
                filter.run((inside.clone(), value)).collect()
            }) {
                Ok(values) => Box::new(values.into_iter().map(Ok)),
                Err(exception) => box_once(Err(exception)),
            }
        }),
        native("delpaths", 1, |call| {
            let (input, [paths]) = take(call);
            answer(remove_all(input, &paths))
        }),
    ]
}

/// `f` for every value, parts before wholes. In Rust because it is the one recursion that many flows use: this one needs little stack.
fn walk<'a>(input: Val, f: &impl Fn(Val) -> ValX<'a, Vec<Val>, Val>) -> ValX<'a, Vec<Val>, Val> {
    meter::tick();
    let whole = match input {
        Val::Arr(array) => {
            let mut items = Vec::new();
            for item in &array.items {
                items.extend(walk(item.clone(), f)?);
            }
            Val::array(items)
        }
        Val::Obj(object) => {
            let mut entries = Entries::new();
            for (key, value) in &object.entries {
                if let Some(value) = walk(value.clone(), f)?.into_iter().next() {
                    entries.insert(key.clone(), value);
                }
            }
            Val::object(entries)
        }
        other => other,
    };
    f(whole)
}

fn set(input: Val, path: &[Val], value: Val) -> Result<Val, Fault> {
    meter::tick();
    let Some((first, rest)) = path.split_first() else {
        return Ok(value);
    };
    let old = input.clone().index(first)?;
    let mut new = Some(set(old, rest, value)?);
    let new = std::cell::Cell::new(new.take());
    let changed = input.map_index(first, Opt::Essential, |_| new.take().map(Ok).into_iter());
    changed.map_err(fault)
}

/// The error inside; there is nothing else inside without a filter.
fn fault(exception: Exn<'_, Val>) -> Fault {
    exception
        .get_err()
        .unwrap_or_else(|_| Fault::str("the path cannot be changed"))
}

/// Removes from the last path to the first, so that indices stay true.
fn remove_all(input: Val, paths: &Val) -> Result<Val, Fault> {
    let mut paths: Vec<Val> = match paths {
        Val::Arr(array) => array.items.clone(),
        _ => return Err(Fault::str("Paths must be specified as an array")),
    };
    paths.sort();
    paths.dedup();
    paths
        .into_iter()
        .rev()
        .try_fold(input, |value, path| match &path {
            Val::Arr(path) => remove(value, &path.items),
            _ => Err(Fault::str("Path must be specified as an array")),
        })
}

fn remove(input: Val, path: &[Val]) -> Result<Val, Fault> {
    meter::tick();
    let Some((first, rest)) = path.split_first() else {
        return Ok(Val::Null);
    };
    if matches!(input, Val::Null) {
        return Ok(Val::Null);
    }
    if rest.is_empty() {
        return remove_here(input, first);
    }
    let part = input.clone().index(first)?;
    if matches!(part, Val::Null) {
        return Ok(input);
    }
    let rest = remove(part, rest)?;
    set(input, std::slice::from_ref(first), rest)
}

fn remove_here(input: Val, key: &Val) -> Result<Val, Fault> {
    match (input, key) {
        (Val::Obj(object), Val::Str(key)) => {
            let mut entries = Arc::unwrap_or_clone(object).entries;
            entries.shift_remove(key);
            Ok(Val::object(entries))
        }
        (Val::Arr(array), Val::Int(_) | Val::Big(_) | Val::Float(_)) => {
            let mut items = Arc::unwrap_or_clone(array).items;
            if let Some(position) = position(key, items.len()) {
                items.remove(position);
            }
            Ok(Val::array(items))
        }
        (input @ Val::Arr(_), Val::Obj(_)) => input
            .map_index(key, Opt::Essential, |_| std::iter::empty())
            .map_err(fault),
        (input, key) => Err(Fault::str(format_args!(
            "Cannot delete field at {} of {}",
            key.kind(),
            input.kind()
        ))),
    }
}
