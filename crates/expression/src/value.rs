//! The values that programs compute with: JSON and nothing else, immutable and shared. Integers of 64 bits are exact, keys keep their order,
//! every array and object knows how deep it is, and what is made is paid for (`meter`). Order and arithmetic live in `value/`.

mod access;
mod arithmetic;
mod order;
mod text;

pub(crate) use access::{indices, position};
pub(crate) use arithmetic::split;

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Number};

use crate::meter;

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
        meter::tick();
        match value {
            serde_json::Value::Null => Val::Null,
            serde_json::Value::Bool(value) => Val::Bool(*value),
            serde_json::Value::Number(number) => from_number(number),
            serde_json::Value::String(text) => Val::string(text),
            serde_json::Value::Array(items) => {
                Val::array(items.iter().map(Val::from_json).collect())
            }
            serde_json::Value::Object(entries) => Val::object(
                entries
                    .iter()
                    .map(|(key, value)| (Arc::from(key.as_str()), Val::from_json(value)))
                    .collect(),
            ),
        }
    }

    /// Hands a value out, counting the bytes of its JSON text against `room`.
    pub(crate) fn to_json(&self, room: &mut usize) -> Result<serde_json::Value, Unfit> {
        meter::spend(1);
        Ok(match self {
            Val::Null => taken(room, 4, serde_json::Value::Null)?,
            Val::Bool(value) => taken(room, 5, serde_json::Value::Bool(*value))?,
            Val::Int(value) => taken(
                room,
                1 + digits(value.unsigned_abs()),
                serde_json::Value::from(*value),
            )?,
            Val::Big(value) => taken(room, digits(*value), serde_json::Value::from(*value))?,
            Val::Float(value) => {
                let number = Number::from_f64(*value).ok_or(Unfit::NotFinite(*value))?;
                taken(room, 8, serde_json::Value::Number(number))?
            }
            Val::Str(text) => taken(room, text.len() + 2, ())
                .map(|()| serde_json::Value::String(text.as_ref().to_owned()))?,
            Val::Arr(array) => {
                taken(room, array.items.len() + 2, ())?;
                array
                    .items
                    .iter()
                    .map(|item| item.to_json(room))
                    .collect::<Result<_, _>>()?
            }
            Val::Obj(object) => {
                taken(room, 2, ())?;
                let mut entries = Map::with_capacity(object.entries.len());
                for (key, value) in &object.entries {
                    taken(room, key.len() + 4, ())?;
                    entries.insert(key.as_ref().to_owned(), value.to_json(room)?);
                }
                serde_json::Value::Object(entries)
            }
        })
    }
}

fn digits(value: u64) -> usize {
    value.checked_ilog10().map_or(1, |log| log as usize + 1)
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

fn taken<T>(room: &mut usize, bytes: usize, value: T) -> Result<T, Unfit> {
    *room = room.checked_sub(bytes).ok_or(Unfit::TooLarge)?;
    Ok(value)
}

/// Why a value can't be handed out.
pub(crate) enum Unfit {
    NotFinite(f64),
    TooLarge,
}
