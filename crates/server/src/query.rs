//! Query strings of our own addresses: which names are known where, and their
//! values.
//!
//! Default deny: an address that is not listed takes no query at all. Queries
//! of `/proxy/…` belong to the API behind it and are passed on untouched,
//! except that an API key of ours is refused everywhere.

use std::str::FromStr;

use url::form_urlencoded;

use crate::problem::Problem;

/// The query names of our addresses.
const KNOWN: &[(&str, &[&str])] = &[
    (
        "/api/v1/audit",
        &[
            "limit", "before", "since", "until", "action", "actor", "subject",
        ],
    ),
    ("/api/v1/calls", &["limit", "before", "connection", "run"]),
    ("/api/v1/connection-documents", &["names"]),
    ("/api/v1/connections/{name}", &["force"]),
    ("/api/v1/flows/{flow}/source", &["number"]),
    (
        "/api/v1/runs",
        &[
            "flow", "status", "since", "until", "parent", "text", "limit", "before",
        ],
    ),
    (
        "/api/v1/runs/watch",
        &[
            "flow", "status", "since", "until", "parent", "text", "limit", "before",
        ],
    ),
    ("/api/v1/tables/{table}", &["prefix", "after", "limit"]),
    ("/api/v1/webhooks/{name}/deliveries", &["status", "limit"]),
];

/// Routes whose query is somebody else's business.
const FOREIGN: &[&str] = &[
    "/proxy/{name}",
    "/proxy/{name}/",
    "/proxy/{name}/{*path}",
    "/oauth/callback/{path}",
    "/hooks/{flow}/{hook}",
    "none",
];

/// Refuses API keys in URLs, unknown or repeated names, and values that are not text.
pub(crate) fn check(route: &str, query: Option<&str>) -> Result<(), Problem> {
    let Some(query) = query else { return Ok(()) };
    refuse_key(query)?;
    if FOREIGN.contains(&route) {
        return Ok(());
    }
    let known = KNOWN
        .iter()
        .find(|(path, _)| *path == route)
        .map_or(&[][..], |(_, names)| names);
    let mut seen = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if !known.contains(&&*name) {
            let expected = if known.is_empty() {
                "none is".to_owned()
            } else {
                known.join(", ") + " are"
            };
            return Err(Problem::new(
                "query.unknown",
                format!(
                    "`{}` is not a query field of this address: {expected} known",
                    printable(&name)
                ),
            )
            .field(printable(&name)));
        }
        if seen.contains(&name) {
            return Err(
                Problem::new("query.invalid", format!("`{name}` is given twice")).field(name),
            );
        }
        if value
            .chars()
            .any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER)
        {
            return Err(
                Problem::new("query.invalid", format!("`{name}` is not plain UTF-8 text"))
                    .field(name),
            );
        }
        seen.push(name);
    }
    Ok(())
}

/// An API key in a URL ends up in histories and logs; it is refused wherever it stands.
pub(crate) fn refuse_key(query: &str) -> Result<(), Problem> {
    let is_key = |value: &str| {
        value.strip_prefix("kw_").is_some_and(|rest| {
            rest.len() >= 32
                && rest
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        })
    };
    // the cheap look first: this is on the way of every proxied request
    if query.contains("kw_") && query.split(['&', '=', ';', '+']).any(is_key) {
        return Err(Problem::new(
            "key.in_query",
            "the query string holds an API key",
        ));
    }
    Ok(())
}

/// A checked query string.
pub(crate) struct Query<'a>(pub(crate) Option<&'a str>);

impl Query<'_> {
    /// The value of one field, parsed.
    pub(crate) fn get<T: FromStr>(
        &self,
        name: &'static str,
        expected: &str,
    ) -> Result<Option<T>, Problem> {
        let found = self.0.and_then(|query| {
            form_urlencoded::parse(query.as_bytes()).find(|(found, _)| *found == name)
        });
        found
            .map(|(_, value)| {
                value.parse().map_err(|_| {
                    Problem::new("query.invalid", format!("`{name}` must be {expected}"))
                        .field(name)
                })
            })
            .transpose()
    }
}

/// A name as it may stand in an answer: short, without control characters.
fn printable(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(route: &str, query: &str) -> Option<String> {
        check(route, Some(query))
            .err()
            .map(|problem| problem.code().to_owned())
    }

    #[test]
    fn only_listed_names_pass() {
        assert_eq!(code("/api/v1/audit", "limit=3&before=x"), None);
        assert_eq!(
            code("/api/v1/audit", "limt=3").as_deref(),
            Some("query.unknown")
        );
        assert_eq!(code("/api/v1/me", "x=1").as_deref(), Some("query.unknown"));
        assert_eq!(
            code("/api/v1/audit", "limit=3&limit=4").as_deref(),
            Some("query.invalid")
        );
        assert_eq!(
            code("/api/v1/audit", "actor=%00").as_deref(),
            Some("query.invalid")
        );
        assert_eq!(
            code("/api/v1/audit", "actor=%ff").as_deref(),
            Some("query.invalid")
        );
        assert_eq!(code("/proxy/{name}/{*path}", "%24select=id&a=b"), None);
    }

    #[test]
    fn a_key_in_a_url_is_refused_everywhere() {
        let key = format!("kw_{}", "a".repeat(43));
        for route in [
            "/api/v1/me",
            "/proxy/{name}/{*path}",
            "/oauth/callback/{path}",
            "none",
        ] {
            assert_eq!(
                code(route, &format!("k={key}")).as_deref(),
                Some("key.in_query")
            );
        }
        assert_eq!(code("/proxy/{name}/{*path}", "id=kw_short"), None);
    }

    #[test]
    fn values_are_parsed_or_named() {
        let query = Query(Some("limit=-1&before=7"));
        assert_eq!(query.get::<u64>("before", "a number").unwrap(), Some(7));
        assert_eq!(query.get::<u64>("since", "a number").unwrap(), None);
        assert_eq!(
            query.get::<u64>("limit", "a number").unwrap_err().code(),
            "query.invalid"
        );
    }
}
