//! Whether an event is let through: equality, anchored regular expressions, jq on an attribute, correlation. Pure.

use std::sync::OnceLock;

use expression::{Class, Limits, Program};
use regex::Regex;
use serde_json::Value;

use super::listen::{AttributeTest, Filter};
use crate::CloudEvent;

/// The longest text that is tried as a regular expression, in bytes.
const PATTERN: usize = 1_024;

impl Filter {
    /// What of it can't be evaluated here, in words: expressions of event filters are evaluated for every event, so they must be light.
    pub fn unusable(&self) -> Option<String> {
        let sources = self
            .with
            .values()
            .filter_map(|test| match test {
                AttributeTest::Constant { .. } => None,
                AttributeTest::Expression { source } => Some(source),
            })
            .chain(self.correlate.values().map(|correlation| &correlation.from));
        sources
            .filter(|source| light(source).is_none())
            .map(|source| format!("the expression `{source}` of an event filter does not compile or may run for long; use paths and comparisons"))
            .next()
    }
}

/// A filter with its expressions compiled: made once, asked for every event.
#[derive(Debug)]
pub struct Matcher {
    tests: Vec<(String, Test)>,
    correlations: Vec<Correlated>,
}

#[derive(Debug)]
enum Test {
    Equal(Value),
    Text(String, OnceLock<Option<Regex>>),
    Program(Option<Program>),
}

/// A correlation with its expression compiled.
#[derive(Debug)]
struct Correlated {
    name: String,
    from: Option<Program>,
    expect: Option<Value>,
}

impl Correlated {
    fn value(&self, envelope: &Value) -> Option<Value> {
        self.from
            .as_ref()?
            .evaluate(envelope, &[], &Limits::default())
            .ok()
    }
}

impl Matcher {
    /// Compiles a filter. An expression that may run for long is never evaluated: its test lets nothing through.
    pub fn new(filter: &Filter) -> Matcher {
        let tests = filter
            .with
            .iter()
            .map(|(name, test)| {
                let test = match test {
                    AttributeTest::Constant {
                        value: Value::String(text),
                    } => Test::Text(text.clone(), OnceLock::new()),
                    AttributeTest::Constant { value } => Test::Equal(value.clone()),
                    AttributeTest::Expression { source } => Test::Program(light(source)),
                };
                (name.clone(), test)
            })
            .collect();
        let correlations = filter
            .correlate
            .iter()
            .map(|(name, correlation)| Correlated {
                name: name.clone(),
                from: light(&correlation.from),
                expect: correlation.expect.clone(),
            })
            .collect();
        Matcher {
            tests,
            correlations,
        }
    }

    /// Whether an event is let through as far as it can be told without other events. A test that can't be evaluated lets nothing through.
    pub fn matches(&self, event: &CloudEvent) -> bool {
        if !self.attributes_match(event) {
            return false;
        }
        let expected = |correlation: &&Correlated| correlation.expect.is_some();
        let mut expected = self.correlations.iter().filter(expected).peekable();
        if expected.peek().is_none() {
            return true;
        }
        let envelope = event.structured();
        expected.all(|correlation| {
            let value = correlation.value(&envelope);
            value.is_some_and(|value| {
                let expect = correlation.expect.as_ref();
                expect.is_some_and(|expect| same(&value, expect))
            })
        })
    }

    /// Whether an event is let through, and what its correlations are: each must be what is expected, or what an earlier event fixed,
    /// or anything but null.
    pub fn correlate<'a>(
        &self,
        event: &CloudEvent,
        fixed: impl Fn(&str) -> Option<&'a Value>,
    ) -> Option<Vec<(String, Value)>> {
        if !self.attributes_match(event) {
            return None;
        }
        if self.correlations.is_empty() {
            return Some(Vec::new());
        }
        let envelope = event.structured();
        self.correlations
            .iter()
            .map(|correlation| {
                let value = correlation.value(&envelope)?;
                let good = match correlation
                    .expect
                    .as_ref()
                    .or_else(|| fixed(&correlation.name))
                {
                    Some(expect) => same(&value, expect),
                    None => !value.is_null(),
                };
                good.then(|| (correlation.name.clone(), value))
            })
            .collect()
    }

    fn attributes_match(&self, event: &CloudEvent) -> bool {
        self.tests.iter().all(|(name, test)| {
            let attribute = event.attribute(name);
            match test {
                Test::Equal(expected) => {
                    attribute.is_some_and(|attribute| same(&attribute, expected))
                }
                Test::Text(expected, pattern) => attribute
                    .as_ref()
                    .and_then(Value::as_str)
                    .is_some_and(|text| text == expected || fits(text, expected, pattern)),
                Test::Program(None) => false,
                Test::Program(Some(program)) => {
                    let attribute = attribute.unwrap_or(Value::Null);
                    match program.evaluate(&attribute, &[], &Limits::default()) {
                        Ok(Value::Bool(verdict)) => verdict,
                        Ok(value) => same(&value, &attribute),
                        Err(_) => false,
                    }
                }
            }
        })
    }
}

/// A program that may be evaluated here.
fn light(source: &str) -> Option<Program> {
    expression::compile(source, &[])
        .ok()
        .filter(|program| program.class() == Class::Light)
}

/// Whether a whole text fits a regular expression. Compiled when equality was not enough; the engine is linear.
fn fits(text: &str, pattern: &str, compiled: &OnceLock<Option<Regex>>) -> bool {
    // Most constants are names such as `com.example.created`: no engine is needed for those.
    if !pattern.contains([
        '\\', '^', '$', '|', '?', '+', '*', '(', ')', '[', ']', '{', '}',
    ]) {
        let mut characters = text.chars();
        return pattern.chars().all(|expected| {
            characters
                .next()
                .is_some_and(|got| got == expected || (expected == '.' && got != '\n'))
        }) && characters.next().is_none();
    }
    if pattern.len() > PATTERN {
        return false;
    }
    compiled
        .get_or_init(|| {
            regex::RegexBuilder::new(&format!("^(?:{pattern})$"))
                .size_limit(1 << 20)
                .build()
                .ok()
        })
        .as_ref()
        .is_some_and(|regex| regex.is_match(text))
}

/// Equal as JSON: 1 and 1.0 are the same number.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Matcher;
    use crate::CloudEvent;
    use crate::definition::listen::Filter;

    fn event() -> CloudEvent {
        CloudEvent::from_structured(json!({
            "specversion": "1.0", "id": "1", "source": "https://contoso.example/a", "type": "com.contoso.pet.sold",
            "subject": "rex", "tenant": "t-1", "data": {"price": 41, "order": "o-9"},
        }))
        .unwrap()
    }

    fn check(filter: Value, expected: bool) {
        let filter: Filter = serde_json::from_value(filter).unwrap();
        let matches = Matcher::new(&filter).matches(&event());
        assert_eq!(matches, expected, "{filter:?}");
    }

    fn with(name: &str, test: &Value) -> Value {
        json!({"with": {name: test}, "correlate": {}})
    }

    fn constant(value: impl Into<Value>) -> Value {
        json!({"test": "constant", "value": value.into()})
    }

    fn program(source: &str) -> Value {
        json!({"test": "expression", "source": source})
    }

    #[test]
    fn constants_are_equal_or_anchored_regular_expressions() {
        check(with("type", &constant("com.contoso.pet.sold")), true);
        check(with("type", &constant("com.contoso.pet")), false);
        check(with("type", &constant("com.contoso.pet.....")), true);
        check(with("type", &constant(r"com\.contoso\..*")), true);
        check(with("type", &constant("contoso")), false);
        check(with("type", &constant("com|x")), false);
        check(with("type", &constant("com.contoso.(pet")), false);
        check(with("tenant", &constant("t-[0-9]+")), true);
        check(with("missing", &constant(".*")), false);
        check(
            with("data", &constant(json!({"price": 41, "order": "o-9"}))),
            true,
        );
        check(with("data", &constant(json!({"price": 41}))), false);
    }

    #[test]
    fn expressions_judge_their_own_attribute() {
        check(with("data", &program(".price > 40")), true);
        check(with("data", &program(".price > 41")), false);
        check(with("subject", &program("\"rex\"")), true);
        check(with("subject", &program("\"max\"")), false);
        check(with("missing", &program(". == null")), true);
        check(with("data", &program("error(\"no\")")), false);
    }

    #[test]
    fn what_may_run_for_long_lets_nothing_through() {
        let heavy = with("data", &program("[range(10)] | length > 1"));
        check(heavy.clone(), false);
        let filter: Filter = serde_json::from_value(heavy).unwrap();
        assert!(filter.unusable().unwrap().contains("range(10)"));
    }

    #[test]
    fn correlations_look_at_the_whole_envelope() {
        let correlate = |expect: Value| json!({"with": {"type": constant("com.contoso.pet.sold")}, "correlate": {"order": {"from": ".data.order", "expect": expect}}});
        check(correlate(json!("o-9")), true);
        check(correlate(json!("o-8")), false);
        check(correlate(Value::Null), true);
    }
}
