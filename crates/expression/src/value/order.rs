//! jq's total order of values: null, false, true, numbers, strings, arrays, objects. Whoever compares pays for each pair it looks at.

use std::cmp::Ordering;

use super::Val;
use crate::meter;

impl Val {
    fn rank(&self) -> u8 {
        match self {
            Val::Null => 0,
            Val::Bool(false) => 1,
            Val::Bool(true) => 2,
            Val::Int(_) | Val::Big(_) | Val::Float(_) => 3,
            Val::Str(_) => 4,
            Val::Arr(_) => 5,
            Val::Obj(_) => 6,
        }
    }
}

impl Ord for Val {
    fn cmp(&self, other: &Self) -> Ordering {
        meter::spend(1);
        match (self, other) {
            (Val::Str(left), Val::Str(right)) => {
                meter::spend(left.len().min(right.len()) / 64);
                left.as_bytes().cmp(right.as_bytes())
            }
            (Val::Arr(left), Val::Arr(right)) => left.items.cmp(&right.items),
            (Val::Obj(left), Val::Obj(right)) => compare_objects(&left.entries, &right.entries),
            _ if self.rank() == 3 && other.rank() == 3 => compare_numbers(self, other),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

fn compare_objects(left: &super::Entries, right: &super::Entries) -> Ordering {
    meter::spend(left.len() + right.len());
    let sorted = |entries: &super::Entries| {
        let mut keys: Vec<_> = entries.keys().cloned().collect();
        keys.sort();
        keys
    };
    let (keys, others) = (sorted(left), sorted(right));
    keys.cmp(&others).then_with(|| {
        keys.iter()
            .map(|key| left[key].cmp(&right[key]))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    })
}

/// NaN comes before every number and, so that sorting ends, equals itself here.
fn compare_numbers(left: &Val, right: &Val) -> Ordering {
    match (left, right) {
        (Val::Float(left), Val::Float(right)) => left
            .partial_cmp(right)
            .unwrap_or_else(|| right.is_nan().cmp(&left.is_nan())),
        (Val::Float(float), integer) => compare_exactly(integer, *float).reverse(),
        (integer, Val::Float(float)) => compare_exactly(integer, *float),
        _ => left.as_integer().cmp(&right.as_integer()),
    }
}

/// Compares without rounding the integer: order must be transitive.
fn compare_exactly(integer: &Val, float: f64) -> Ordering {
    if float.is_nan() {
        return Ordering::Greater;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "saturates, and every integer lies far inside"
    )]
    let whole = float.floor() as i128;
    let integer = integer.as_integer().unwrap_or_default();
    integer.cmp(&whole).then(if float.fract() == 0.0 {
        Ordering::Equal
    } else {
        Ordering::Less
    })
}

#[expect(
    clippy::non_canonical_partial_ord_impl,
    reason = "jq's `<` and jq's `sort` differ for NaN"
)]
impl PartialOrd for Val {
    /// As `cmp`, but NaN is also less than itself: jq says so.
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Val::Float(left), Val::Float(_)) if left.is_nan() => Some(Ordering::Less),
            _ => Some(self.cmp(other)),
        }
    }
}

impl PartialEq for Val {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Val::Obj(left), Val::Obj(right)) => {
                meter::spend(1 + left.entries.len());
                left.entries.len() == right.entries.len()
                    && left
                        .entries
                        .iter()
                        .all(|(key, value)| right.entries.get(key) == Some(value))
            }
            (Val::Arr(left), Val::Arr(right)) => {
                meter::spend(1);
                left.items == right.items
            }
            (Val::Float(left), Val::Float(right)) => left == right,
            _ => self.cmp(other).is_eq(),
        }
    }
}

impl Eq for Val {}
