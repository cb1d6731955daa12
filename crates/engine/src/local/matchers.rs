//! Filters of events with their expressions compiled, as far as they were asked for lately: an event is held against every
//! filter of its type, and compiling costs more than asking.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use flow::definition::{Filter, Matcher};
use serde_json::Value;

/// How many compiled filters are kept.
const KEPT: usize = 1_024;

/// Compiled filters by their JSON.
#[derive(Default)]
pub(super) struct Matchers(Mutex<HashMap<String, Arc<Matcher>>>);

impl Matchers {
    /// A filter, compiled.
    pub(super) fn of(&self, filter: &Filter) -> Arc<Matcher> {
        let key = serde_json::to_string(filter).expect("a filter is JSON");
        self.get(key, || Some(filter.clone()))
            .expect("a filter was given")
    }

    /// A filter as it is stored, compiled; `None` if it can't be understood.
    pub(super) fn of_stored(&self, filter: &Value) -> Option<Arc<Matcher>> {
        self.get(filter.to_string(), || {
            serde_json::from_value(filter.clone()).ok()
        })
    }

    fn get(&self, key: String, filter: impl FnOnce() -> Option<Filter>) -> Option<Arc<Matcher>> {
        let known = self.lock().get(&key).map(Arc::clone);
        if known.is_some() {
            return known;
        }
        let matcher = Arc::new(Matcher::new(&filter()?));
        let mut known = self.lock();
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(key, Arc::clone(&matcher));
        Some(matcher)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Matcher>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_filter_is_compiled_once_and_not_all_are_kept() {
        let matchers = Matchers::default();
        let stored = |kind: usize| json!({ "with": { "type": { "test": "constant", "value": format!("com.contoso.{kind}") } }, "correlate": {} });
        let first = matchers.of_stored(&stored(0)).unwrap();
        let filter: Filter = serde_json::from_value(stored(0)).unwrap();
        assert!(Arc::ptr_eq(&first, &matchers.of(&filter)));
        assert!(matchers.of_stored(&json!({ "with": 1 })).is_none());
        for kind in 0..3 * KEPT {
            matchers.of_stored(&stored(kind)).unwrap();
            assert!(matchers.lock().len() <= KEPT);
        }
    }
}
