//! `+ - * / %` and negation, with jq's words when they fail.

use std::collections::BTreeSet;
use std::ops::{Add, Div, Mul, Neg, Rem, Sub};
use std::sync::Arc;

use jaq_core::ValR;

use super::{Array, ELEMENT, ENTRY, Object, Val};
use crate::{meter, natives::Fault};

fn refuse(left: &Val, right: &Val, what: &str) -> Fault {
    Fault::str(format_args!(
        "{} and {} cannot be {what}",
        left.named(),
        right.named()
    ))
}

/// Computes in integers as long as the answer is one of 64 bits, else in floating point.
fn calculate(
    left: &Val,
    right: &Val,
    exact: impl FnOnce(i128, i128) -> Option<i128>,
    float: impl FnOnce(f64, f64) -> f64,
) -> Option<Val> {
    if let (Some(left), Some(right)) = (left.as_integer(), right.as_integer())
        && let Some(answer) = exact(left, right)
    {
        return Some(Val::integer(answer));
    }
    Some(Val::number(float(left.as_float()?, right.as_float()?)))
}

impl Add for Val {
    type Output = ValR<Val>;
    fn add(self, other: Val) -> ValR<Val> {
        match (self, other) {
            (Val::Null, value) | (value, Val::Null) => Ok(value),
            (Val::Str(left), Val::Str(right)) => {
                meter::allocate(left.len() + right.len() + ELEMENT);
                Ok(Val::Str(format!("{left}{right}").into()))
            }
            (Val::Arr(left), Val::Arr(right)) => Ok(append(left, &right)),
            (Val::Obj(left), Val::Obj(right)) => Ok(merge(left, &right)),
            (left, right) => {
                calculate(&left, &right, i128::checked_add, |left, right| left + right)
                    .ok_or_else(|| refuse(&left, &right, "added"))
            }
        }
    }
}

fn append(mut left: Arc<Array>, right: &Array) -> Val {
    let copied = if Arc::strong_count(&left) > 1 {
        left.items.len()
    } else {
        0
    };
    meter::allocate((copied + right.items.len()) * ELEMENT);
    let array = Arc::make_mut(&mut left);
    array.items.extend(right.items.iter().cloned());
    array.depth = array.depth.max(right.depth);
    Val::Arr(left)
}

fn merge(mut left: Arc<Object>, right: &Object) -> Val {
    let copied = if Arc::strong_count(&left) > 1 {
        left.entries.len()
    } else {
        0
    };
    meter::allocate((copied + right.entries.len()) * ENTRY);
    let object = Arc::make_mut(&mut left);
    object.entries.extend(
        right
            .entries
            .iter()
            .map(|(key, value)| (key.clone(), value.clone())),
    );
    object.depth = object.depth.max(right.depth);
    Val::Obj(left)
}

impl Sub for Val {
    type Output = ValR<Val>;
    fn sub(self, other: Val) -> ValR<Val> {
        match (self, other) {
            (Val::Arr(left), Val::Arr(right)) => {
                let gone: BTreeSet<&Val> = right.items.iter().collect();
                Ok(Val::array(
                    left.items
                        .iter()
                        .filter(|item| !gone.contains(item))
                        .cloned()
                        .collect(),
                ))
            }
            (left, right) => {
                calculate(&left, &right, i128::checked_sub, |left, right| left - right)
                    .ok_or_else(|| refuse(&left, &right, "subtracted"))
            }
        }
    }
}

impl Mul for Val {
    type Output = ValR<Val>;
    fn mul(self, other: Val) -> ValR<Val> {
        match (self, other) {
            (Val::Str(text), number) | (number, Val::Str(text)) if number.as_float().is_some() => {
                Ok(repeat(&text, number.as_float().unwrap_or_default()))
            }
            (Val::Obj(left), Val::Obj(right)) => Ok(merge_deep(&left, &right)),
            (left, right) => {
                calculate(&left, &right, i128::checked_mul, |left, right| left * right)
                    .ok_or_else(|| refuse(&left, &right, "multiplied"))
            }
        }
    }
}

fn repeat(text: &str, times: f64) -> Val {
    if times.is_nan() || times < 0.0 {
        return Val::Null;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates; the memory limit refuses what is too much"
    )]
    let times = times as usize;
    meter::allocate(text.len().saturating_mul(times).saturating_add(ELEMENT));
    Val::Str(text.repeat(times).into())
}

fn merge_deep(left: &Object, right: &Object) -> Val {
    meter::spend(right.entries.len());
    let mut entries = left.entries.clone();
    for (key, value) in &right.entries {
        let merged = match (entries.get(key), value) {
            (Some(Val::Obj(left)), Val::Obj(right)) => merge_deep(left, right),
            _ => value.clone(),
        };
        entries.insert(key.clone(), merged);
    }
    Val::object(entries)
}

impl Div for Val {
    type Output = ValR<Val>;
    fn div(self, other: Val) -> ValR<Val> {
        match (self, other) {
            (Val::Str(text), Val::Str(separator)) => Ok(split(&text, &separator)),
            (left, right) if right.as_float() == Some(0.0) && left.as_float().is_some() => {
                Err(refuse(&left, &right, "divided because the divisor is zero"))
            }
            (left, right) => {
                let exact = |left: i128, right: i128| (left % right == 0).then(|| left / right);
                calculate(&left, &right, exact, |left, right| left / right)
                    .ok_or_else(|| refuse(&left, &right, "divided"))
            }
        }
    }
}

/// Cuts at each separator; without one, between characters. Nothing comes of nothing.
pub(crate) fn split(text: &str, separator: &str) -> Val {
    meter::spend(text.len() / 8);
    if text.is_empty() {
        return Val::array(Vec::new());
    }
    if separator.is_empty() {
        let mut buffer = [0; 4];
        return Val::array(
            text.chars()
                .map(|char| Val::string(char.encode_utf8(&mut buffer)))
                .collect(),
        );
    }
    Val::array(text.split(separator).map(Val::string).collect())
}

impl Rem for Val {
    type Output = ValR<Val>;
    /// Both sides lose their fraction first; the sign is that of the left side.
    fn rem(self, other: Val) -> ValR<Val> {
        let (Some(left), Some(right)) = (self.as_float(), other.as_float()) else {
            return Err(refuse(&self, &other, "divided (remainder)"));
        };
        if left.is_nan() || right.is_nan() {
            return Ok(Val::Float(f64::NAN));
        }
        let (dividend, divisor) = (self.truncated(), other.truncated());
        if divisor == 0 {
            return Err(refuse(
                &self,
                &other,
                "divided (remainder) because the divisor is zero",
            ));
        }
        Ok(Val::integer(dividend % divisor.abs()))
    }
}

impl Val {
    #[expect(clippy::cast_possible_truncation, reason = "saturates, as jq does")]
    fn truncated(&self) -> i128 {
        self.as_integer()
            .unwrap_or_else(|| i128::from(self.as_float().unwrap_or_default() as i64))
    }
}

impl Neg for Val {
    type Output = ValR<Val>;
    fn neg(self) -> ValR<Val> {
        match self {
            Val::Int(0) => Ok(Val::Float(-0.0)),
            Val::Int(_) | Val::Big(_) => Ok(Val::integer(-self.as_integer().unwrap_or_default())),
            Val::Float(value) => Ok(Val::number(-value)),
            other => Err(Fault::str(format_args!(
                "{} cannot be negated",
                other.named()
            ))),
        }
    }
}
