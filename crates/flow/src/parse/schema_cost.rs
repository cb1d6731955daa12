//! How often and how deep a JSON Schema looks at one value, bounded when a text is read.
//!
//! A validator goes through a schema again for each `$ref` that leads to it. A few lines in which each schema names the one before
//! it twice take time that doubles with each line, and nothing could stop them: schemas are checked inside the machine, and again at
//! each replay. So the schema is gone through here as it would be with the worst of values, counted, not done: a state is how often
//! each schema looks at a value, and each member or item of that leads to another state. A schema without `$ref` can't be worse
//! than its size.

mod graph;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use self::graph::{Graph, Part};
use crate::limits;

/// Why a schema is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It looks at a value too often or too deep.
    TooMuch(String),
    /// It refers to what is not in it, or can't be found without doubt.
    Elsewhere(String),
}

/// How much is counted at most before a schema counts as too much.
const WORK: usize = 2_000_000;

/// Bounds a schema: an error says what it does too often or too deep.
pub(super) fn bound(schema: &Value) -> Result<(), Refusal> {
    let mut graph = Graph::default();
    let root = graph.read(schema)?;
    Walk {
        graph: &graph,
        closures: BTreeMap::new(),
        work: 0,
    }
    .all(root)
}

/// How often each schema looks at a value.
type Looks = BTreeMap<usize, u64>;

/// All schemas that look at a value because one does, and how deep they are nested.
#[derive(Clone, Default)]
struct Closure {
    looks: Looks,
    depth: usize,
}

struct Walk<'g> {
    graph: &'g Graph,
    closures: BTreeMap<usize, Closure>,
    work: usize,
}

impl Walk<'_> {
    /// Goes through all states.
    fn all(&mut self, root: usize) -> Result<(), Refusal> {
        let mut seen: BTreeSet<Vec<(usize, u64)>> = BTreeSet::new();
        let mut left = vec![Looks::from([(root, 1)])];
        while let Some(entered) = left.pop() {
            if !seen.insert(entered.iter().map(|(at, times)| (*at, *times)).collect()) {
                continue;
            }
            let looks = self.whole(&entered)?;
            left.extend(self.below(&looks)?);
        }
        Ok(())
    }

    fn spend(&mut self, work: usize) -> Result<(), Refusal> {
        self.work += work;
        if self.work > WORK {
            return Err(too_much("its references are too entangled to be followed"));
        }
        Ok(())
    }

    /// All that look at a value, those that others lead to included.
    fn whole(&mut self, entered: &Looks) -> Result<Looks, Refusal> {
        let mut all = Looks::new();
        for (at, times) in entered {
            let closure = self.closure(*at)?;
            self.spend(closure.looks.len())?;
            for (other, often) in closure.looks {
                look(&mut all, other, often.saturating_mul(*times));
            }
        }
        let total = all
            .values()
            .fold(0_u64, |sum, times| sum.saturating_add(*times));
        if total > limits::NODES as u64 {
            return Err(too_much(&format!(
                "its references lead to the same value more than {} times",
                limits::NODES
            )));
        }
        Ok(all)
    }

    /// What one schema leads to for the same value. Not recursive: a chain of references is as long as the text lets it be.
    fn closure(&mut self, root: usize) -> Result<Closure, Refusal> {
        let mut path = vec![root];
        while let Some(at) = path.last().copied() {
            let same = &self.graph.schemas[at].same;
            let next = same.iter().find(|next| !self.closures.contains_key(*next));
            if self.closures.contains_key(&at) {
                path.pop();
            } else if let Some(next) = next {
                if path.contains(next) {
                    return Err(too_much(
                        "a `$ref` leads back to its own schema for the same value",
                    ));
                }
                if path.len() > limits::SCHEMA_DEPTH {
                    return Err(too_deep());
                }
                path.push(*next);
            } else {
                let closure = self.join(at)?;
                self.closures.insert(at, closure);
                path.pop();
            }
        }
        Ok(self.closures.get(&root).cloned().unwrap_or_default())
    }

    fn join(&mut self, at: usize) -> Result<Closure, Refusal> {
        let mut joined = Closure {
            looks: Looks::from([(at, 1)]),
            depth: 1,
        };
        for next in &self.graph.schemas[at].same {
            let Some(below) = self.closures.get(next) else {
                continue;
            };
            joined.depth = joined.depth.max(below.depth + 1);
            self.work += below.looks.len();
            for (other, often) in &below.looks {
                look(&mut joined.looks, *other, *often);
            }
        }
        if joined.depth > limits::SCHEMA_DEPTH {
            return Err(too_deep());
        }
        self.spend(1)?;
        Ok(joined)
    }

    /// The states of the parts of a value: of each member and item that is named, and of any other.
    fn below(&mut self, looks: &Looks) -> Result<Vec<Looks>, Refusal> {
        let graph = self.graph;
        let mut parts = Parts::default();
        for (at, times) in looks {
            let below = &graph.schemas[*at].parts;
            self.spend(below.len())?;
            for (part, target) in below {
                parts.add(part, *target, *times);
            }
        }
        let states = parts.members.len() + parts.items.len() + 2;
        self.spend(states * (parts.other_members.len() + parts.further_items.len() + 1))?;
        Ok(parts.states())
    }
}

/// What looks at the parts of a value.
#[derive(Default)]
struct Parts<'g> {
    members: BTreeMap<&'g str, Looks>,
    other_members: Vec<(&'g BTreeSet<String>, usize, u64)>,
    items: BTreeMap<usize, Looks>,
    further_items: Vec<(usize, usize, u64)>,
    names: Looks,
}

impl<'g> Parts<'g> {
    fn add(&mut self, part: &'g Part, target: usize, times: u64) {
        match part {
            Part::Member(name) => look(self.members.entry(name).or_default(), target, times),
            Part::OtherMember(but) => self.other_members.push((but, target, times)),
            Part::Item(number) => look(self.items.entry(*number).or_default(), target, times),
            Part::ItemFrom(from) => {
                // The first that it looks at; those after it are the same or more of it.
                self.items.entry(*from).or_default();
                self.further_items.push((*from, target, times));
            }
            Part::Name => look(&mut self.names, target, times),
        }
    }

    fn states(self) -> Vec<Looks> {
        let Parts {
            members,
            other_members,
            items,
            further_items,
            names,
        } = self;
        let mut states = vec![names];
        let mut any = Looks::new();
        for (_, target, times) in &other_members {
            look(&mut any, *target, *times);
        }
        states.push(any);
        for (name, mut state) in members {
            for (but, target, times) in &other_members {
                if !but.contains(name) {
                    look(&mut state, *target, *times);
                }
            }
            states.push(state);
        }
        let mut last = Looks::new();
        for (item, mut state) in items {
            last = Looks::new();
            for (from, target, times) in &further_items {
                if *from <= item {
                    look(&mut state, *target, *times);
                }
                look(&mut last, *target, *times);
            }
            states.push(state);
        }
        states.push(last);
        states.retain(|state| !state.is_empty());
        states
    }
}

fn look(looks: &mut Looks, target: usize, times: u64) {
    let count = looks.entry(target).or_default();
    *count = count.saturating_add(times);
}

fn too_deep() -> Refusal {
    too_much(&format!(
        "for one value its schemas and references are nested more than {} deep",
        limits::SCHEMA_DEPTH
    ))
}

fn too_much(why: &str) -> Refusal {
    Refusal::TooMuch(why.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(schema: &Value) -> String {
        match bound(schema).expect_err("it is refused") {
            Refusal::TooMuch(why) => why,
            Refusal::Elsewhere(why) => panic!("{why}"),
        }
    }

    #[test]
    fn what_doubles_with_each_line_is_refused() {
        let doubling = |lines: usize, twice: &dyn Fn(String) -> Value| {
            let mut defs = serde_json::Map::new();
            defs.insert("a0".to_owned(), json!({ "type": "string" }));
            for line in 1..=lines {
                let before = format!("#/$defs/a{}", line - 1);
                defs.insert(format!("a{line}"), twice(before));
            }
            json!({ "$defs": defs, "$ref": format!("#/$defs/a{lines}") })
        };
        let twice = |r: String| json!({ "allOf": [{ "$ref": r }, { "$ref": r }] });
        let told = refused(&doubling(20, &twice));
        assert!(
            told.contains("more than 50000 times") || told.contains("deep"),
            "{told}"
        );
        bound(&doubling(5, &twice)).unwrap();
        // Not for one value, but for the only member of a member of a member.
        let member = |r: String| {
            let one = json!({ "properties": { "x": { "$ref": r } } });
            json!({ "allOf": [one, one] })
        };
        let told = refused(&doubling(40, &member));
        assert!(told.contains("more than 50000 times"), "{told}");
        let patterns =
            |r: String| json!({ "patternProperties": { "a": { "$ref": r }, "b": { "$ref": r } } });
        assert!(refused(&doubling(40, &patterns)).contains("times"));
    }

    #[test]
    fn a_schema_that_leads_back_to_itself_may_do_so_once_for_each_value() {
        let tree = json!({
            "$defs": { "node": { "type": "object", "properties": {
                "and": { "type": "array", "items": { "$ref": "#/$defs/node" } },
                "or": { "type": "array", "items": { "$ref": "#/$defs/node" } },
                "not": { "$ref": "#/$defs/node" },
            }, "additionalProperties": { "type": "string" } } },
            "$ref": "#/$defs/node",
        });
        bound(&tree).unwrap();
        bound(&json!({ "$id": "https://contoso.example/tree", "$dynamicAnchor": "node", "items": { "$dynamicRef": "#node" } })).unwrap();
        let twice = json!({ "anyOf": [
            { "properties": { "next": { "$ref": "#" } } }, { "additionalProperties": { "$ref": "#" } },
        ] });
        assert!(refused(&twice).contains("times"));
        assert!(refused(&json!({ "$ref": "#" })).contains("back to its own"));
    }

    #[test]
    fn what_cannot_be_followed_is_refused() {
        for schema in [
            json!({ "$ref": "#/$defs/absent" }),
            json!({ "$ref": "other.json#/a" }),
            json!({ "$defs": { "a": { "$id": "https://contoso.example/a", "items": { "$ref": "#" } } } }),
        ] {
            assert!(
                matches!(bound(&schema), Err(Refusal::Elsewhere(_))),
                "{schema}"
            );
        }
        bound(&json!({ "$ref": "https://json-schema.org/draft/2020-12/schema" })).unwrap();
        bound(&json!({ "$ref": "#/$defs/a%25b", "$defs": { "a%b": { "enum": [{ "$ref": 1 }] } } }))
            .unwrap();
    }

    #[test]
    fn a_large_schema_without_references_is_read() {
        let many: serde_json::Map<String, Value> = (0..10_000)
            .map(|n| (format!("k{n}"), json!({ "type": "string" })))
            .collect();
        bound(&json!({ "properties": many, "additionalProperties": false })).unwrap();
        let deep = (0..20).fold(json!(true), |below, _| json!({ "allOf": [below] }));
        bound(&deep).unwrap();
    }
}
