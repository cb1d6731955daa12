//! Functions of arrays, objects and numbers.

use std::sync::Arc;

use jaq_core::Exn;

use super::{Fault, Native, answer, items, native, take};
use crate::meter;
use crate::value::{Entries, Val, indices, not_indexable, not_iterable};

pub(super) fn natives() -> Vec<Native> {
    vec![
        native("nan", 0, |_| answer(Ok(Val::Float(f64::NAN)))),
        native("infinite", 0, |_| answer(Ok(Val::Float(f64::INFINITY)))),
        native("length", 0, |(_, input)| answer(length(&input))),
        native("type", 0, |(_, input)| {
            answer(Ok(Val::string(input.kind())))
        }),
        native("keys", 0, |(_, input)| answer(keys(&input, Order::Sorted))),
        native("keys_unsorted", 0, |(_, input)| {
            answer(keys(&input, Order::Kept))
        }),
        native("has", 1, |call| {
            let (input, [key]) = take(call);
            answer(has(&input, &key))
        }),
        native("contains", 1, |call| {
            let (input, [part]) = take(call);
            answer(contains(&input, &part).map(Val::Bool))
        }),
        native("indices", 1, |call| {
            let (input, [part]) = take(call);
            answer(find(&input, &part))
        }),
        native("add", 0, |(_, input)| answer(add(input))),
        native("_flatten", 1, |call| {
            let (input, [depth]) = take(call);
            answer(flatten(&input, &depth))
        }),
        native("sort", 0, |(_, input)| answer(sort(&input))),
        native("unique", 0, |(_, input)| answer(unique(&input))),
        native("reverse", 0, |(_, input)| answer(reverse(&input))),
        native("transpose", 0, |(_, input)| answer(transpose(&input))),
        native("to_entries", 0, |(_, input)| answer(to_entries(&input))),
        native("from_entries", 0, |(_, input)| answer(from_entries(&input))),
        native("bsearch", 1, |call| {
            let (input, [wanted]) = take(call);
            answer(bsearch(&input, &wanted))
        }),
        native("range", 3, |call| {
            let (_, [from, to, by]) = take(call);
            Box::new(range(from, to, by))
        }),
    ]
}

fn length(input: &Val) -> Result<Val, Fault> {
    Ok(match input {
        Val::Null => Val::Int(0),
        Val::Bool(_) => return Err(Fault::str(format_args!("{} has no length", input.named()))),
        Val::Int(value) => Val::integer(i128::from(*value).abs()),
        Val::Big(_) => input.clone(),
        Val::Float(value) => Val::Float(value.abs()),
        Val::Str(text) => {
            meter::spend(text.len() / 64);
            Val::count(text.chars().count())
        }
        Val::Arr(array) => Val::count(array.items.len()),
        Val::Obj(object) => Val::count(object.entries.len()),
    })
}

#[derive(Clone, Copy)]
enum Order {
    Kept,
    Sorted,
}

fn keys(input: &Val, order: Order) -> Result<Val, Fault> {
    match input {
        Val::Arr(array) => Ok((0..array.items.len()).map(Val::count).collect()),
        Val::Obj(object) => {
            let mut keys: Vec<_> = object.entries.keys().cloned().map(Val::Str).collect();
            if let Order::Sorted = order {
                keys.sort();
            }
            Ok(Val::array(keys))
        }
        other => Err(Fault::str(format_args!("{} has no keys", other.named()))),
    }
}

fn has(input: &Val, key: &Val) -> Result<Val, Fault> {
    match (input, key) {
        (Val::Null, Val::Str(_) | Val::Int(_) | Val::Float(_)) => Ok(Val::Bool(false)),
        (Val::Obj(object), Val::Str(key)) => Ok(Val::Bool(object.entries.contains_key(key))),
        (Val::Arr(array), Val::Int(_) | Val::Big(_) | Val::Float(_)) => {
            #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
            let inside = key
                .as_float()
                .is_some_and(|key| key >= 0.0 && key < array.items.len() as f64);
            Ok(Val::Bool(inside))
        }
        _ => Err(Fault::str(format_args!(
            "Cannot check whether {} has a {} key",
            input.kind(),
            key.kind()
        ))),
    }
}

fn contains(whole: &Val, part: &Val) -> Result<bool, Fault> {
    meter::tick();
    match (whole, part) {
        (Val::Obj(whole), Val::Obj(part)) => {
            for (key, part) in &part.entries {
                match whole.entries.get(key) {
                    Some(whole) if contains(whole, part)? => {}
                    _ => return Ok(false),
                }
            }
            Ok(true)
        }
        (Val::Arr(whole), Val::Arr(part)) => {
            for part in &part.items {
                let mut found = false;
                for whole in &whole.items {
                    found = found || (whole.kind() == part.kind() && contains(whole, part)?);
                }
                if !found {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Val::Str(whole), Val::Str(part)) => {
            meter::spend(whole.len() / 16);
            Ok(whole.contains(&**part))
        }
        _ if whole.kind() == part.kind() => Ok(whole == part),
        _ => Err(Fault::str(format_args!(
            "{} and {} cannot have their containment checked",
            whole.named(),
            part.named()
        ))),
    }
}

fn find(input: &Val, part: &Val) -> Result<Val, Fault> {
    match (input, part) {
        (Val::Null, _) => Ok(Val::Null),
        (Val::Str(text), Val::Str(part)) => {
            meter::spend(text.len() / 8);
            if part.is_empty() {
                return Ok(Val::array(Vec::new()));
            }
            let starts = text
                .char_indices()
                .enumerate()
                .filter(|(_, (byte, _))| text[*byte..].starts_with(&**part));
            Ok(starts.map(|(index, _)| Val::count(index)).collect())
        }
        (Val::Arr(array), Val::Arr(part)) => Ok(indices(&array.items, &part.items)),
        (Val::Arr(array), part) => {
            let found = array
                .items
                .iter()
                .enumerate()
                .filter(|(_, item)| *item == part);
            Ok(found.map(|(index, _)| Val::count(index)).collect())
        }
        _ => Err(not_indexable(input, part)),
    }
}

/// `add`; strings and arrays grow in place instead of being copied for each element.
fn add(input: Val) -> Result<Val, Fault> {
    let items = match input {
        Val::Arr(array) => Arc::unwrap_or_clone(array).items,
        Val::Obj(object) => Arc::unwrap_or_clone(object).entries.into_values().collect(),
        other => return Err(not_iterable(&other)),
    };
    meter::spend(items.len());
    if items.len() > 1 && items.iter().all(|item| item.as_str().is_some()) {
        let length = items
            .iter()
            .filter_map(Val::as_str)
            .map(str::len)
            .sum::<usize>();
        meter::allocate(length);
        return Ok(Val::string(
            &items.iter().filter_map(Val::as_str).collect::<String>(),
        ));
    }
    items
        .into_iter()
        .try_fold(Val::Null, |sum, item| sum + item)
}

fn flatten(input: &Val, depth: &Val) -> Result<Val, Fault> {
    let depth = depth
        .as_float()
        .ok_or_else(|| Fault::str("flatten depth must be a number"))?;
    if depth < 0.0 {
        return Err(Fault::str("flatten depth must not be negative"));
    }
    let mut flat = Vec::new();
    match input {
        Val::Arr(array) => array
            .items
            .iter()
            .for_each(|item| flatten_into(item, depth, &mut flat)),
        Val::Obj(object) => object
            .entries
            .values()
            .for_each(|item| flatten_into(item, depth, &mut flat)),
        other => return Err(not_iterable(other)),
    }
    Ok(Val::array(flat))
}

fn flatten_into(item: &Val, depth: f64, flat: &mut Vec<Val>) {
    meter::tick();
    match item {
        Val::Arr(array) if depth > 0.0 => array
            .items
            .iter()
            .for_each(|item| flatten_into(item, depth - 1.0, flat)),
        other => flat.push(other.clone()),
    }
}

fn sort(input: &Val) -> Result<Val, Fault> {
    let mut sorted = items(input, "sort")?.to_vec();
    sorted.sort();
    Ok(Val::array(sorted))
}

fn unique(input: &Val) -> Result<Val, Fault> {
    let mut sorted = items(input, "unique")?.to_vec();
    sorted.sort();
    sorted.dedup_by(|left, right| Ord::cmp(left, right).is_eq());
    Ok(Val::array(sorted))
}

fn reverse(input: &Val) -> Result<Val, Fault> {
    match input {
        Val::Null => Ok(Val::array(Vec::new())),
        Val::Obj(object) if object.entries.is_empty() => Ok(Val::array(Vec::new())),
        Val::Str(text) => {
            meter::spend(text.len() / 8);
            Ok(Val::string(&text.chars().rev().collect::<String>()))
        }
        other => Ok(Val::array(
            items(other, "reverse")?.iter().rev().cloned().collect(),
        )),
    }
}

fn transpose(input: &Val) -> Result<Val, Fault> {
    let rows = items(input, "transpose")?
        .iter()
        .map(|row| items(row, "transpose"))
        .collect::<Result<Vec<_>, _>>()?;
    let width = rows.iter().map(|row| row.len()).max().unwrap_or(0);
    meter::allocate(
        width
            .saturating_mul(rows.len())
            .saturating_mul(size_of::<Val>()),
    );
    let column = |index: usize| {
        Val::array(
            rows.iter()
                .map(|row| row.get(index).cloned().unwrap_or(Val::Null))
                .collect(),
        )
    };
    Ok(Val::array((0..width).map(column).collect()))
}

fn to_entries(input: &Val) -> Result<Val, Fault> {
    let object = match input {
        Val::Obj(object) => object,
        Val::Arr(array) => {
            let entry = |(index, value): (usize, &Val)| {
                Val::record([("key", Val::count(index)), ("value", value.clone())])
            };
            return Ok(Val::array(
                array.items.iter().enumerate().map(entry).collect(),
            ));
        }
        other => return Err(Fault::str(format_args!("{} has no keys", other.named()))),
    };
    let entry = |(key, value): (&Arc<str>, &Val)| {
        Val::record([("key", Val::Str(key.clone())), ("value", value.clone())])
    };
    Ok(Val::array(object.entries.iter().map(entry).collect()))
}

fn from_entries(input: &Val) -> Result<Val, Fault> {
    let list: Vec<Val> = match input {
        Val::Obj(object) => object.entries.values().cloned().collect(),
        other => items(other, "from_entries")?.to_vec(),
    };
    let mut entries = Entries::new();
    for entry in &list {
        meter::tick();
        let Val::Obj(entry) = entry else {
            return Err(Fault::str(format_args!(
                "Cannot index {} with string (\"key\")",
                entry.kind()
            )));
        };
        let first = |names: &[&str]| {
            names
                .iter()
                .find_map(|name| entry.entries.get(*name).filter(|value| value.is_true()))
        };
        let key = match entry.entries.get("key") {
            Some(Val::Null | Val::Bool(false)) | None => first(&["k", "name", "Name", "K", "Key"])
                .cloned()
                .unwrap_or(Val::Null),
            Some(key) => key.clone(),
        };
        let key: Arc<str> = match key {
            Val::Str(key) => key,
            Val::Bool(true) | Val::Int(_) | Val::Big(_) | Val::Float(_) => key.json().into(),

            other => {
                return Err(Fault::str(format_args!(
                    "Cannot use {} as object key",
                    other.named()
                )));
            }
        };
        let value = ["value", "v", "Value", "V"]
            .iter()
            .find_map(|name| entry.entries.get(*name));
        entries.insert(key, value.cloned().unwrap_or(Val::Null));
    }
    Ok(Val::object(entries))
}

fn bsearch(input: &Val, wanted: &Val) -> Result<Val, Fault> {
    Ok(match items(input, "bsearch")?.binary_search(wanted) {
        Ok(index) => Val::count(index),
        Err(index) => Val::integer(-1 - index as i128),
    })
}

/// Counts from `from` to before `to`; a step for each number, so that the meter sees it.
fn range<'a>(from: Val, to: Val, by: Val) -> impl Iterator<Item = Result<Val, Exn<'a, Val>>> {
    let (mut next, mut failed) = (from, false);
    let bad = [&next, &to, &by]
        .into_iter()
        .any(|bound| bound.as_float().is_none());
    std::iter::from_fn(move || {
        meter::tick();
        if failed {
            return None;
        }
        if bad {
            failed = true;
            return Some(Err(Fault::str("Range bounds must be numeric").into()));
        }
        let going = match by.as_float() {
            Some(by) if by > 0.0 => next < to,
            Some(by) if by < 0.0 => next > to,
            _ => next < to,
        };
        if !going {
            return None;
        }
        match next.clone() + by.clone() {
            Ok(following) => Some(Ok(std::mem::replace(&mut next, following))),
            Err(error) => {
                failed = true;
                Some(Err(error.into()))
            }
        }
    })
}
