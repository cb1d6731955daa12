//! Reading and changing parts of values, with jq's null rules: a missing part reads as null, and writing to it makes it.

use std::sync::Arc;

use jaq_core::box_iter::{BoxIter, box_once};
use jaq_core::path::Opt;
use jaq_core::{ValR, ValX};

use super::{ELEMENT, Entries, Val};
use crate::meter;
use crate::natives::Fault;

type Range<T> = std::ops::Range<Option<T>>;

impl jaq_core::ValT for Val {
    fn from_num(text: &str) -> ValR<Val> {
        if let Ok(value) = text.parse::<u64>() {
            return Ok(Val::integer(i128::from(value)));
        }
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Val::Float(value)),
            _ => Err(Fault::str(format_args!("the number {text} is too large"))),
        }
    }

    fn from_map<I: IntoIterator<Item = (Val, Val)>>(entries: I) -> ValR<Val> {
        let mut object = Entries::new();
        for (key, value) in entries {
            match key {
                Val::Str(key) => object.insert(key, value),
                other => {
                    return Err(Fault::str(format_args!(
                        "Cannot use {} as object key",
                        other.named()
                    )));
                }
            };
        }
        Ok(Val::object(object))
    }

    fn key_values(self) -> BoxIter<'static, ValR<(Val, Val), Val>> {
        self.pay_for_parts();
        match self {
            Val::Arr(array) => {
                meter::allocate(array.items.len() * ELEMENT);
                let items = Arc::unwrap_or_clone(array).items.into_iter().enumerate();
                Box::new(items.map(|(index, item)| Ok((Val::count(index), item))))
            }
            Val::Obj(object) => {
                meter::allocate(object.entries.len() * ELEMENT);
                let entries = Arc::unwrap_or_clone(object).entries.into_iter();
                Box::new(entries.map(|(key, value)| Ok((Val::Str(key), value))))
            }
            other => box_once(Err(not_iterable(&other))),
        }
    }

    fn values(self) -> Box<dyn Iterator<Item = ValR<Val>>> {
        self.pay_for_parts();
        match self {
            Val::Arr(array) => {
                meter::allocate(array.items.len() * ELEMENT);
                Box::new(Arc::unwrap_or_clone(array).items.into_iter().map(Ok))
            }
            Val::Obj(object) => {
                meter::allocate(object.entries.len() * ELEMENT);
                Box::new(Arc::unwrap_or_clone(object).entries.into_values().map(Ok))
            }
            other => box_once(Err(not_iterable(&other))),
        }
    }

    fn index(self, index: &Val) -> ValR<Val> {
        match (&self, index) {
            (Val::Obj(object), Val::Str(key)) => {
                Ok(object.entries.get(key).cloned().unwrap_or(Val::Null))
            }
            (Val::Null, Val::Str(_) | Val::Int(_) | Val::Big(_) | Val::Float(_) | Val::Null) => {
                Ok(Val::Null)
            }
            (Val::Arr(array), Val::Int(_) | Val::Big(_) | Val::Float(_)) => {
                Ok(position(index, array.items.len())
                    .map_or(Val::Null, |position| array.items[position].clone()))
            }
            (Val::Arr(array), Val::Arr(part)) => Ok(indices(&array.items, &part.items)),
            (Val::Null | Val::Arr(_) | Val::Str(_), Val::Obj(slice)) => {
                let (start, end) = (
                    slice.entries.get("start").cloned(),
                    slice.entries.get("end").cloned(),
                );
                self.range(start.as_ref()..end.as_ref())
            }
            _ => Err(not_indexable(&self, index)),
        }
    }

    fn range(self, range: Range<&Val>) -> ValR<Val> {
        match &self {
            Val::Null => Ok(Val::Null),
            Val::Arr(array) => {
                let (from, to) = bounds(&range, array.items.len())?;
                Ok(Val::array(array.items[from..to].to_vec()))
            }
            Val::Str(text) => {
                meter::spend(text.len() / 8);
                let (from, to) = bounds(&range, text.chars().count())?;
                let byte = |nth| {
                    text.char_indices()
                        .nth(nth)
                        .map_or(text.len(), |(index, _)| index)
                };
                Ok(Val::string(&text[byte(from)..byte(to)]))
            }
            other => {
                let bound = |bound: Option<&Val>| bound.cloned().unwrap_or(Val::Null);
                let slice = Val::record([("start", bound(range.start)), ("end", bound(range.end))]);
                Err(not_indexable(other, &slice))
            }
        }
    }

    fn map_values<'a, I: Iterator<Item = ValX<'a, Val>>>(
        self,
        opt: Opt,
        f: impl Fn(Val) -> I,
    ) -> ValX<'a, Val> {
        meter::tick();
        match self {
            Val::Arr(array) => {
                let items = Arc::unwrap_or_clone(array).items.into_iter();
                Ok(Val::array(
                    items
                        .filter_map(|item| f(item).next())
                        .collect::<Result<_, _>>()?,
                ))
            }
            Val::Obj(object) => {
                let entries = Arc::unwrap_or_clone(object).entries.into_iter();
                let kept = entries
                    .filter_map(|(key, value)| f(value).next().map(|value| Ok((key, value?))));
                Ok(Val::object(kept.collect::<Result<_, jaq_core::Exn<_>>>()?))
            }
            other => opt.fail(other, |other| not_iterable(&other).into()),
        }
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Val>>>(
        self,
        index: &Val,
        opt: Opt,
        f: impl Fn(Val) -> I,
    ) -> ValX<'a, Val> {
        meter::tick();
        match (self, index) {
            (Val::Null, Val::Str(key)) => match f(Val::Null).next().transpose()? {
                Some(value) => Ok(Val::object([(key.clone(), value)].into_iter().collect())),
                None => Ok(Val::Null),
            },
            (Val::Obj(object), Val::Str(key)) => {
                let mut entries = taken_entries(object);
                let old = entries
                    .get_mut(key)
                    .map_or(Val::Null, |slot| std::mem::replace(slot, Val::Null));
                match f(old).next().transpose()? {
                    Some(value) => entries.insert(key.clone(), value),
                    None => entries.shift_remove(key),
                };
                Ok(Val::object(entries))
            }
            (value @ (Val::Null | Val::Arr(_)), Val::Int(_) | Val::Big(_) | Val::Float(_)) => {
                let items = if let Val::Arr(array) = value {
                    taken_items(array)
                } else {
                    Vec::new()
                };
                map_item(items, index, f)
            }
            (value @ (Val::Null | Val::Arr(_)), Val::Obj(slice)) => {
                let (start, end) = (
                    slice.entries.get("start").cloned(),
                    slice.entries.get("end").cloned(),
                );
                value.map_range(start.as_ref()..end.as_ref(), opt, f)
            }
            (other, _) => opt.fail(other, |other| not_indexable(&other, index).into()),
        }
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a, Val>>>(
        self,
        range: Range<&Val>,
        opt: Opt,
        f: impl Fn(Val) -> I,
    ) -> ValX<'a, Val> {
        meter::tick();
        let mut items = match self {
            Val::Null => Vec::new(),
            Val::Arr(array) => taken_items(array),
            other => {
                return opt.fail(other, |other| {
                    Fault::str(format_args!("Cannot update {} slices", other.kind())).into()
                });
            }
        };
        let (from, to) = bounds(&range, items.len())?;
        let part = Val::array(items[from..to].to_vec());
        match f(part).next().transpose()? {
            Some(Val::Arr(new)) => {
                meter::allocate(new.items.len() * ELEMENT);
                items.splice(from..to, new.items.iter().cloned());
            }
            None => {
                items.drain(from..to);
            }
            Some(_) => {
                return Err(
                    Fault::str("A slice of an array can only be assigned another array").into(),
                );
            }
        }
        Ok(Val::array(items))
    }

    fn as_bool(&self) -> bool {
        self.is_true()
    }

    fn into_string(self) -> Val {
        match self {
            Val::Str(_) => self,
            other => Val::string(&other.json()),
        }
    }
}

impl Val {
    /// Each part is a step; and `..` hands every part through all levels above it.
    fn pay_for_parts(&self) {
        meter::tick();
        let parts = match self {
            Val::Arr(array) => array.items.len(),
            Val::Obj(object) => object.entries.len(),
            _ => 0,
        };
        meter::spend(parts + self.depth());
    }
}

fn map_item<'a, I: Iterator<Item = ValX<'a, Val>>>(
    mut items: Vec<Val>,
    index: &Val,
    f: impl Fn(Val) -> I,
) -> ValX<'a, Val> {
    let at = match (position(index, items.len()), whole(index)) {
        (Some(position), _) => position,
        (None, Some(wanted)) if wanted >= 0 => usize::try_from(wanted).unwrap_or(usize::MAX),
        _ => return Err(Fault::str("Out of bounds negative array index").into()),
    };
    let old = items
        .get_mut(at)
        .map_or(Val::Null, |slot| std::mem::replace(slot, Val::Null));
    match f(old).next().transpose()? {
        Some(value) => {
            if at >= items.len() {
                meter::allocate(at.saturating_add(1).saturating_mul(ELEMENT));
                items.resize(at + 1, Val::Null);
            }
            items[at] = value;
        }
        None if at < items.len() => {
            items.remove(at);
        }
        None => {}
    }
    Ok(Val::array(items))
}

fn taken_items(array: Arc<super::Array>) -> Vec<Val> {
    meter::allocate(array.items.len());
    Arc::unwrap_or_clone(array).items
}

fn taken_entries(object: Arc<super::Object>) -> Entries {
    meter::allocate(object.entries.len());
    Arc::unwrap_or_clone(object).entries
}

pub(crate) fn not_iterable(value: &Val) -> Fault {
    Fault::str(format_args!("Cannot iterate over {}", value.named()))
}

pub(crate) fn not_indexable(value: &Val, index: &Val) -> Fault {
    Fault::str(format_args!(
        "Cannot index {} with {}",
        value.kind(),
        index.named()
    ))
}

/// The integer that an index means: fractions are cut off downwards.
fn whole(index: &Val) -> Option<i128> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "saturates, and is out of bounds then"
    )]
    index.as_integer().or_else(|| {
        index
            .as_float()
            .filter(|float| !float.is_nan())
            .map(|float| float.floor() as i128)
    })
}

/// The place that an index means in `length` elements, counting from the end if negative.
pub(crate) fn position(index: &Val, length: usize) -> Option<usize> {
    let wanted = whole(index)?;
    let wanted = if wanted < 0 {
        wanted + length as i128
    } else {
        wanted
    };
    usize::try_from(wanted)
        .ok()
        .filter(|wanted| *wanted < length)
}

fn bounds(range: &Range<&Val>, length: usize) -> Result<(usize, usize), Fault> {
    let bound = |value: Option<&Val>, default: usize, round: fn(f64) -> f64| match value {
        None | Some(Val::Null) => Ok(default),
        Some(value) => {
            let float = value.as_float().ok_or_else(|| {
                Fault::str("Start and end indices of an array slice must be numbers")
            })?;
            #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
            let float = if float < 0.0 {
                float + length as f64
            } else {
                float
            };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "clamped by saturation"
            )]
            Ok((round(float.max(0.0)) as usize).min(length))
        }
    };
    let from = bound(range.start, 0, f64::floor)?;
    let to = bound(range.end, length, f64::ceil)?;
    Ok((from.min(to.max(from)), to.max(from)))
}

/// Where `part` begins in `items`.
pub(crate) fn indices(items: &[Val], part: &[Val]) -> Val {
    if part.is_empty() {
        return Val::array(Vec::new());
    }
    let found = items
        .windows(part.len())
        .enumerate()
        .filter(|(_, window)| *window == part);
    Val::array(found.map(|(index, _)| Val::count(index)).collect())
}

impl jaq_std::ValT for Val {
    fn into_seq<S: FromIterator<Val>>(self) -> Result<S, Val> {
        match self {
            Val::Arr(array) => {
                meter::allocate(array.items.len() * ELEMENT);
                Ok(Arc::unwrap_or_clone(array).items.into_iter().collect())
            }
            other => Err(other),
        }
    }

    fn is_int(&self) -> bool {
        matches!(self, Val::Int(_) | Val::Big(_))
    }

    fn as_isize(&self) -> Option<isize> {
        self.as_integer()
            .and_then(|value| isize::try_from(value).ok())
    }

    fn as_f64(&self) -> Option<f64> {
        self.as_float()
    }

    fn is_utf8_str(&self) -> bool {
        matches!(self, Val::Str(_))
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        self.as_str().map(str::as_bytes)
    }

    fn as_sub_str(&self, sub: &[u8]) -> Val {
        Val::string(&String::from_utf8_lossy(sub))
    }

    fn from_utf8_bytes(bytes: impl AsRef<[u8]> + Send + 'static) -> Val {
        Val::string(&String::from_utf8_lossy(bytes.as_ref()))
    }
}

impl From<bool> for Val {
    fn from(value: bool) -> Val {
        Val::Bool(value)
    }
}

impl From<isize> for Val {
    fn from(value: isize) -> Val {
        Val::integer(value as i128)
    }
}

impl From<usize> for Val {
    fn from(value: usize) -> Val {
        Val::count(value)
    }
}

impl From<f64> for Val {
    fn from(value: f64) -> Val {
        Val::number(value)
    }
}

impl From<String> for Val {
    fn from(value: String) -> Val {
        Val::string(&value)
    }
}

impl From<Range<Val>> for Val {
    fn from(range: Range<Val>) -> Val {
        let bound = |value: Option<Val>| value.unwrap_or(Val::Null);
        Val::record([("start", bound(range.start)), ("end", bound(range.end))])
    }
}

impl FromIterator<Val> for Val {
    fn from_iter<I: IntoIterator<Item = Val>>(items: I) -> Val {
        Val::array(items.into_iter().inspect(|_| meter::spend(1)).collect())
    }
}
