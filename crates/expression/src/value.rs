//! The values that programs compute with: JSON and nothing else, immutable and shared. Integers of 64 bits are exact, keys keep their order,
//! every array and object knows how deep it is, and what is made is paid for (`meter`). Order and arithmetic live in `value/`.

mod access;
mod arithmetic;
mod measure;
mod order;
mod text;

pub(crate) use access::{indices, not_indexable, not_iterable, position};
pub(crate) use arithmetic::split;
use measure::NUMBER;
pub(crate) use measure::{Measure, Unfit};

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Number};

use crate::meter;
use crate::needs::Need;

/// Any JSON value; inside a computation also infinite numbers and NaN.
#[derive(Clone, Debug)]
pub(crate) enum Val {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer above `i64::MAX`.
    Big(u64),
    Float(f64),
    Str(Arc<str>),
    Arr(Arc<Array>),
    Obj(Arc<Object>),
}

#[derive(Clone, Debug)]
pub(crate) struct Array {
    pub(crate) items: Vec<Val>,
    depth: usize,
}

pub(crate) type Entries = IndexMap<Arc<str>, Val>;

#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) entries: Entries,
    depth: usize,
}

/// What an element of an array, an entry of an object costs.
const ELEMENT: usize = size_of::<Val>();
const ENTRY: usize = 2 * size_of::<Val>() + 32;

impl Val {
    pub(crate) fn string(text: &str) -> Val {
        meter::allocate(text.len() + ELEMENT);
        Val::Str(text.into())
    }

    pub(crate) fn array(items: Vec<Val>) -> Val {
        meter::allocate((items.len() + 2) * ELEMENT);
        let depth = 1 + items.iter().map(Val::depth).max().unwrap_or(0);
        meter::nest(depth);
        Val::Arr(Arc::new(Array { items, depth }))
    }

    pub(crate) fn object(entries: Entries) -> Val {
        meter::allocate((entries.len() + 2) * ENTRY);
        let depth = 1 + entries.values().map(Val::depth).max().unwrap_or(0);
        meter::nest(depth);
        Val::Obj(Arc::new(Object { entries, depth }))
    }

    /// An object of fixed keys.
    pub(crate) fn record<const N: usize>(entries: [(&str, Val); N]) -> Val {
        Val::object(
            entries
                .into_iter()
                .map(|(key, value)| (Arc::from(key), value))
                .collect(),
        )
    }

    /// A number that was computed: whole numbers that are exact in 53 bits are integers again, as jq prints them.
    pub(crate) fn number(value: f64) -> Val {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if value.fract() == 0.0
            && value.abs() <= EXACT
            && !(value == 0.0 && value.is_sign_negative())
        {
            #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
            return Val::Int(value as i64);
        }
        Val::Float(value)
    }

    /// An integer that was computed.
    pub(crate) fn integer(value: i128) -> Val {
        if let Ok(small) = i64::try_from(value) {
            return Val::Int(small);
        }
        if let Ok(big) = u64::try_from(value) {
            return Val::Big(big);
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "beyond 64 bits numbers are floating-point, as in jq"
        )]
        Val::Float(value as f64)
    }

    pub(crate) fn count(value: usize) -> Val {
        Val::integer(value as i128)
    }

    pub(crate) fn depth(&self) -> usize {
        match self {
            Val::Arr(array) => array.depth,
            Val::Obj(object) => object.depth,
            _ => 0,
        }
    }

    pub(crate) fn is_true(&self) -> bool {
        !matches!(self, Val::Null | Val::Bool(false))
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Val::Str(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_float(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "asked for")]
        match self {
            Val::Int(value) => Some(*value as f64),
            Val::Big(value) => Some(*value as f64),
            Val::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// The exact integer, if it is one of the integer kinds.
    pub(crate) fn as_integer(&self) -> Option<i128> {
        match self {
            Val::Int(value) => Some(i128::from(*value)),
            Val::Big(value) => Some(i128::from(*value)),
            _ => None,
        }
    }

    /// The name of the type, as jq's `type` says it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Val::Null => "null",
            Val::Bool(_) => "boolean",
            Val::Int(_) | Val::Big(_) | Val::Float(_) => "number",
            Val::Str(_) => "string",
            Val::Arr(_) => "array",
            Val::Obj(_) => "object",
        }
    }

    /// Reads a value that came from outside.
    pub(crate) fn from_json(value: &serde_json::Value) -> Val {
        Val::read(value, &Need::Whole, 0)
    }

    /// Reads what is needed of a value that came from outside.
    pub(crate) fn from_json_as_needed(value: &serde_json::Value, need: &Need) -> Val {
        Val::read(value, need, 0)
    }

    /// `level`: how many arrays and objects are around it. Looked at on the way in, for the value may be deeper than the stack is.
    fn read(value: &serde_json::Value, need: &Need, level: usize) -> Val {
        meter::tick();
        match value {
            serde_json::Value::Null => Val::Null,
            serde_json::Value::Bool(value) => Val::Bool(*value),
            serde_json::Value::Number(number) => from_number(number),
            serde_json::Value::String(text) => Val::string(text),
            serde_json::Value::Array(items) => {
                meter::nest(level + 1);
                Val::array(
                    items
                        .iter()
                        .map(|item| Val::read(item, &Need::Whole, level + 1))
                        .collect(),
                )
            }
            serde_json::Value::Object(entries) => {
                meter::nest(level + 1);
                let entry =
                    |key: &str, value, need| (Arc::from(key), Val::read(value, need, level + 1));
                Val::object(match need {
                    Need::Whole => entries
                        .iter()
                        .map(|(key, value)| entry(key, value, need))
                        .collect(),
                    Need::Fields(fields) => fields
                        .iter()
                        .filter_map(|(key, need)| {
                            entries.get(key).map(|value| entry(key, value, need))
                        })
                        .collect(),
                })
            }
        }
    }

    /// Hands a value out, within the limits of answers.
    pub(crate) fn to_json(&self, measure: &mut Measure) -> Result<serde_json::Value, Unfit> {
        self.write_out(measure, 0)
    }

    fn write_out(&self, measure: &mut Measure, level: usize) -> Result<serde_json::Value, Unfit> {
        meter::spend(1);
        Ok(match self {
            Val::Null => {
                measure.take(4)?;
                serde_json::Value::Null
            }
            Val::Bool(value) => {
                measure.take(5)?;
                serde_json::Value::Bool(*value)
            }
            Val::Int(_) | Val::Big(_) | Val::Float(_) => {
                measure.take(NUMBER)?;
                serde_json::Value::Number(self.to_number()?)
            }
            Val::Str(text) => {
                measure.take(text.len() + 2)?;
                serde_json::Value::String(text.as_ref().to_owned())
            }
            Val::Arr(array) => {
                measure.array(array.items.len(), level)?;
                let items = array
                    .items
                    .iter()
                    .map(|item| item.write_out(measure, level + 1));
                serde_json::Value::Array(items.collect::<Result<_, _>>()?)
            }
            Val::Obj(object) => {
                measure.object(level)?;
                let mut entries = Map::with_capacity(object.entries.len());
                for (key, value) in &object.entries {
                    measure.key(key)?;
                    entries.insert(
                        key.as_ref().to_owned(),
                        value.write_out(measure, level + 1)?,
                    );
                }
                serde_json::Value::Object(entries)
            }
        })
    }

    fn to_number(&self) -> Result<Number, Unfit> {
        match self {
            Val::Int(value) => Ok(Number::from(*value)),
            Val::Big(value) => Ok(Number::from(*value)),
            other => {
                let value = other.as_float().unwrap_or(f64::NAN);
                Number::from_f64(value).ok_or(Unfit::NotFinite(value))
            }
        }
    }
}

fn from_number(number: &Number) -> Val {
    if let Some(value) = number.as_i64() {
        Val::Int(value)
    } else if let Some(value) = number.as_u64() {
        Val::Big(value)
    } else {
        Val::Float(number.as_f64().unwrap_or(f64::NAN))
    }
}
