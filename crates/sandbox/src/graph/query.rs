//! Query options of a Graph request, and the pages of a collection.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::errors::{self, GraphError};
use super::filter::{Filter, FilterFault, Operand};

/// The largest page.
const MOST: usize = 999;
/// The usual page.
const USUAL: usize = 100;

/// What a request wants of a collection or an object.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pub(crate) select: Option<Vec<String>>,
    pub(crate) top: Option<usize>,
    pub(crate) filter: Option<Filter>,
    pub(crate) order: Option<Order>,
    pub(crate) search: Option<String>,
    pub(crate) expand: Option<String>,
    pub(crate) skip_token: Option<String>,
    pub(crate) consistency: Consistency,
    /// The query as it came, without the skip token.
    rest: Vec<String>,
}

/// `$orderby`: one property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) property: String,
    pub(crate) direction: Direction,
}

/// Which way to sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Ascending,
    Descending,
}

/// How current the answer must be, and whether advanced queries are allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Consistency {
    /// No `ConsistencyLevel` header; `$count` is ignored.
    #[default]
    Session,
    /// The header alone.
    Eventual,
    /// The header and `$count=true`.
    EventualWithCount,
}

impl Query {
    /// Reads the query of a URL; the `$` of an option's name may be left out.
    pub(crate) fn parse(text: &str, eventual: bool) -> Result<Query, GraphError> {
        let mut query = Query::default();
        let mut count = false;
        for raw in text.split('&').filter(|raw| !raw.is_empty()) {
            let Some((name, value)) = url::form_urlencoded::parse(raw.as_bytes()).next() else {
                continue;
            };
            match name.strip_prefix('$').unwrap_or(&name) {
                "select" => query.select = Some(words(&value)),
                "top" => query.top = Some(parse_top(&value)?),
                "filter" => query.filter = Some(parse_filter(&value)?),
                "orderby" => query.order = Some(parse_order(&value)?),
                "search" => query.search = Some(value.to_string()),
                "expand" => query.expand = Some(value.to_string()),
                "count" => count = parse_count(&value)?,
                "skip" => return Err(errors::invalid("'$skip' is not supported by the service.")),
                "skiptoken" => {
                    query.skip_token = Some(value.to_string());
                    continue;
                }
                _ => {}
            }
            query.rest.push(raw.to_owned());
        }
        query.consistency = match (eventual, count) {
            (false, _) => Consistency::Session,
            (true, false) => Consistency::Eventual,
            (true, true) => Consistency::EventualWithCount,
        };
        Ok(query)
    }

    /// How many items a page holds.
    pub(crate) fn page_size(&self) -> usize {
        self.top.unwrap_or(USUAL)
    }

    /// The absolute URL of the next page.
    pub(crate) fn next_link<T: Serialize>(&self, url: &str, token: &T) -> String {
        let token = serde_json::to_vec(token).expect("page tokens are plain structs");
        let mut parts = self.rest.clone();
        parts.push(format!("$skiptoken={}", URL_SAFE_NO_PAD.encode(token)));
        format!("{url}?{}", parts.join("&"))
    }

    /// Where this page begins, if it is not the first one.
    pub(crate) fn page_token<T: DeserializeOwned>(&self) -> Result<Option<T>, GraphError> {
        let Some(text) = &self.skip_token else {
            return Ok(None);
        };
        URL_SAFE_NO_PAD
            .decode(text)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .map(Some)
            .ok_or_else(errors::page_token_expired)
    }

    /// An object with the selected properties only.
    pub(crate) fn narrowed(&self, object: Value) -> Value {
        match (&self.select, object) {
            (Some(names), Value::Object(map)) => {
                let wanted = |name: &String| names.iter().any(|known| known == name);
                Value::Object(map.into_iter().filter(|(name, _)| wanted(name)).collect())
            }
            (_, object) => object,
        }
    }

    /// Refuses what only lists of users understand.
    pub(crate) fn refuse_order_and_search(&self) -> Result<(), GraphError> {
        if self.order.is_some() || self.search.is_some() {
            return Err(errors::unsupported_query(
                "Sorting and searching are not supported for this resource.",
            ));
        }
        Ok(())
    }
}

/// A JSON value as a filter sees it.
pub(crate) fn operand_of(value: Value) -> Operand {
    match value {
        Value::String(text) => Operand::Text(text),
        Value::Bool(value) => Operand::Bool(value),
        Value::Number(number) => Operand::Text(number.to_string()),
        Value::Array(values) => {
            let texts = values.into_iter().filter_map(|value| match value {
                Value::String(text) => Some(text),
                _ => None,
            });
            Operand::List(texts.collect())
        }
        Value::Null | Value::Object(_) => Operand::Null,
    }
}

/// The objects of a small collection that pass the filter, with the properties selected, one
/// page of them, and the next page's URL.
pub(crate) fn page_of(
    query: &Query,
    url: &str,
    resource: &str,
    objects: Vec<Value>,
) -> Result<(Vec<Value>, Option<String>), GraphError> {
    query.refuse_order_and_search()?;
    let known = |name: &str, object: &Value| object.get(name).is_some();
    if let Some(object) = objects.first() {
        let names = query.filter.iter().flat_map(Filter::properties);
        if let Some(name) = names.into_iter().find(|name| !known(name, object)) {
            return Err(errors::bad_request(format!(
                "Invalid filter clause: Could not find a property named '{name}' on type 'microsoft.graph.{resource}'."
            )));
        }
        let selected = query.select.iter().flatten();
        if let Some(name) = selected.into_iter().find(|name| !known(name, object)) {
            return Err(errors::property_unknown(name, resource));
        }
    }
    let start: usize = query.page_token()?.unwrap_or(0);
    let mut passing = objects.into_iter().filter(|object| {
        let property = |name: &str| operand_of(object.get(name).cloned().unwrap_or_default());
        query
            .filter
            .as_ref()
            .is_none_or(|filter| filter.passes(&property))
    });
    let page: Vec<Value> = passing
        .by_ref()
        .skip(start)
        .take(query.page_size())
        .map(|object| query.narrowed(object))
        .collect();
    let next = passing
        .next()
        .map(|_| query.next_link(url, &(start + page.len())));
    Ok((page, next))
}

fn words(text: &str) -> Vec<String> {
    text.split(',')
        .map(|word| word.trim().to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

fn parse_top(text: &str) -> Result<usize, GraphError> {
    let top: usize = text.parse().map_err(|_| {
        errors::bad_request(format!(
            "Invalid value '{text}' for $top query option found."
        ))
    })?;
    if (1..=MOST).contains(&top) {
        return Ok(top);
    }
    Err(errors::unsupported_query(format!(
        "Invalid page size specified: '{top}'. Must be between 1 and 999 inclusive."
    )))
}

fn parse_filter(text: &str) -> Result<Filter, GraphError> {
    Filter::parse(text).map_err(|fault| match fault {
        FilterFault::Syntax(at) => errors::bad_request(format!(
            "Invalid filter clause: Syntax error at position {at} in '{text}'."
        )),
        FilterFault::Unsupported(what) => errors::unsupported_query(format!(
            "Unsupported Query: the filter operator or function '{what}' is not supported."
        )),
    })
}

fn parse_order(text: &str) -> Result<Order, GraphError> {
    let mut words = text.split_whitespace();
    let property = words.next().unwrap_or_default().to_owned();
    let direction = match words.next() {
        None | Some("asc") => Direction::Ascending,
        Some("desc") => Direction::Descending,
        Some(other) => {
            return Err(errors::bad_request(format!(
                "Syntax error in $orderby: '{other}' is neither asc nor desc."
            )));
        }
    };
    if property.is_empty() || property.contains(',') || words.next().is_some() {
        return Err(errors::unsupported_query(
            "Sorting is supported by one property only.",
        ));
    }
    Ok(Order {
        property,
        direction,
    })
}

fn parse_count(text: &str) -> Result<bool, GraphError> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(errors::bad_request(format!(
            "Invalid value '{text}' for $count query option found."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_with_and_without_dollar() {
        let query = Query::parse(
            "$select=id, displayName&top=5&%24filter=id%20eq%20%27x%27&x=y",
            false,
        )
        .unwrap();
        assert_eq!(query.select.as_deref().unwrap(), ["id", "displayName"]);
        assert_eq!(query.page_size(), 5);
        assert!(query.filter.is_some());
        let next = query.next_link("https://h/v1.0/users", &7);
        assert_eq!(
            next,
            "https://h/v1.0/users?$select=id, displayName&top=5&%24filter=id%20eq%20%27x%27&x=y&$skiptoken=Nw"
        );
        let next = Query::parse("$skiptoken=Nw", false).unwrap();
        assert_eq!(next.page_token::<u64>(), Ok(Some(7)));
    }

    #[test]
    fn limits_have_their_words() {
        let message = |text: &str| Query::parse(text, false).unwrap_err().message;
        assert_eq!(
            message("$top=1000"),
            "Invalid page size specified: '1000'. Must be between 1 and 999 inclusive."
        );
        assert_eq!(
            message("$top=0"),
            "Invalid page size specified: '0'. Must be between 1 and 999 inclusive."
        );
        assert!(message("$skip=1").contains("$skip"));
        assert!(
            Query::parse("$skiptoken=!!", false)
                .unwrap()
                .page_token::<u64>()
                .is_err()
        );
    }

    #[test]
    fn counting_needs_the_header() {
        assert_eq!(
            Query::parse("$count=true", false).unwrap().consistency,
            Consistency::Session
        );
        assert_eq!(
            Query::parse("$count=true", true).unwrap().consistency,
            Consistency::EventualWithCount
        );
        assert_eq!(
            Query::parse("", true).unwrap().consistency,
            Consistency::Eventual
        );
    }
}
