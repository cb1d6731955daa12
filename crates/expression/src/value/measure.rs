//! Measures values that go out: bytes of JSON text and levels of nesting, each against its limit.

use serde_json::Value;

use crate::Limits;

/// Why a value can't be handed out.
#[derive(Debug, PartialEq)]
pub(crate) enum Unfit {
    NotFinite(f64),
    TooLarge,
    TooDeep,
}

/// What is left of the limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measure {
    room: usize,
    depth: usize,
}

impl Measure {
    pub(crate) fn new(limits: &Limits) -> Measure {
        Measure {
            room: limits.output_bytes,
            depth: limits.depth,
        }
    }

    /// With room for so many bytes, and any depth.
    pub(crate) fn room(room: usize) -> Measure {
        Measure {
            room,
            depth: usize::MAX,
        }
    }

    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), Unfit> {
        self.room = self.room.checked_sub(bytes).ok_or(Unfit::TooLarge)?;
        Ok(())
    }

    /// The brackets and commas of an array that has `level` others around it.
    pub(crate) fn array(&mut self, length: usize, level: usize) -> Result<(), Unfit> {
        self.deeper(level)?;
        self.take(length + 2)
    }

    pub(crate) fn object(&mut self, level: usize) -> Result<(), Unfit> {
        self.deeper(level)?;
        self.take(2)
    }

    pub(crate) fn key(&mut self, key: &str) -> Result<(), Unfit> {
        self.take(key.len() + 4)
    }

    fn deeper(&self, level: usize) -> Result<(), Unfit> {
        if level >= self.depth {
            Err(Unfit::TooDeep)
        } else {
            Ok(())
        }
    }

    /// A value that is JSON already.
    pub(crate) fn value(&mut self, value: &Value, level: usize) -> Result<(), Unfit> {
        match value {
            Value::Null => self.take(4),
            Value::Bool(_) => self.take(5),
            Value::Number(_) => self.take(NUMBER),
            Value::String(text) => self.take(text.len() + 2),
            Value::Array(items) => {
                self.array(items.len(), level)?;
                items
                    .iter()
                    .try_for_each(|item| self.value(item, level + 1))
            }
            Value::Object(entries) => {
                self.object(level)?;
                entries.iter().try_for_each(|(key, value)| {
                    self.key(key)?;
                    self.value(value, level + 1)
                })
            }
        }
    }
}

/// What a number counts for, whatever its digits are.
pub(crate) const NUMBER: usize = 12;
