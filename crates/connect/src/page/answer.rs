//! The body of a page: its items as they were written, and the few values that say how it goes on.
//!
//! Items are found but not taken apart: whoever wants them as values parses them. That keeps what an
//! API wrote (numbers of any length, the order of fields) and costs one pass.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::PageStyle;

/// Where APIs have their items.
const USUAL: [&str; 6] = ["value", "items", "data", "results", "records", "entries"];

/// Deeper JSON is refused, as it is for values that are taken apart.
const DEPTH_LIMIT: usize = 128;

type Fields<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

/// A page that was read.
pub(super) struct Answer<'a> {
    root: Option<&'a RawValue>,
    fields: Fields<'a>,
    pub(super) items: Vec<&'a RawValue>,
}

impl<'a> Answer<'a> {
    /// Finds the items; no body at all is a page without items.
    pub(super) fn parse(
        body: &'a [u8],
        items: Option<&str>,
        style: &PageStyle,
    ) -> Result<Answer<'a>, String> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Answer {
                root: None,
                fields: Fields::new(),
                items: Vec::new(),
            });
        }
        if is_deeper_than(body, DEPTH_LIMIT) {
            return Err(format!("it is nested more than {DEPTH_LIMIT} levels deep"));
        }
        let root: &RawValue =
            serde_json::from_slice(body).map_err(|error| format!("it is not JSON ({error})"))?;
        let fields = fields(root);
        let list = match (items, style) {
            (Some(pointer), _) => at(root, pointer)
                .ok_or_else(|| format!("there is nothing at {pointer:?}"))
                .and_then(|raw| list(raw).ok_or_else(|| format!("{pointer:?} is not a list")))?,
            (None, PageStyle::OData) => fields
                .get("value")
                .copied()
                .and_then(list)
                .ok_or("there is no list in \"value\"")?,
            (None, _) => list(root)
                .or_else(|| USUAL.iter().find_map(|name| list(fields.get(*name)?)))
                .ok_or_else(|| format!("it is not a list and has none in {}", USUAL.join(", ")))?,
        };
        Ok(Answer {
            root: Some(root),
            fields,
            items: list,
        })
    }

    /// The address of the next page, as `OData` writes it.
    pub(super) fn next_link(&self) -> Option<String> {
        let raw = ["@odata.nextLink", "odata.nextLink"]
            .iter()
            .find_map(|name| self.fields.get(*name))?;
        serde_json::from_str::<String>(raw.get())
            .ok()
            .filter(|link| !link.is_empty())
    }

    /// A text or number as text; neither `null` nor an empty text.
    pub(super) fn scalar(&self, pointer: &str) -> Option<String> {
        let raw = at(self.root?, pointer)?.get();
        if let Ok(text) = serde_json::from_str::<String>(raw) {
            return Some(text).filter(|text| !text.is_empty());
        }
        serde_json::from_str::<serde_json::Number>(raw)
            .ok()
            .map(|number| number.to_string())
    }

    pub(super) fn number(&self, pointer: &str) -> Option<u64> {
        self.scalar(pointer)?.parse().ok()
    }

    /// A flag; anything but `true` is not.
    pub(super) fn flag(&self, pointer: &str) -> bool {
        self.root
            .and_then(|root| at(root, pointer))
            .is_some_and(|raw| raw.get() == "true")
    }
}

/// Whether JSON is nested deeper than a limit; skipping over a value sets no limit of its own.
fn is_deeper_than(json: &[u8], limit: usize) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'[' | b'{' => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

fn fields(raw: &RawValue) -> Fields<'_> {
    if raw.get().starts_with('{') {
        serde_json::from_str(raw.get()).unwrap_or_default()
    } else {
        Fields::new()
    }
}

fn list(raw: &RawValue) -> Option<Vec<&RawValue>> {
    raw.get()
        .starts_with('[')
        .then(|| serde_json::from_str(raw.get()).ok())
        .flatten()
}

/// RFC 6901, on text that was not taken apart.
fn at<'a>(root: &'a RawValue, pointer: &str) -> Option<&'a RawValue> {
    if pointer.is_empty() {
        return Some(root);
    }
    pointer
        .strip_prefix('/')?
        .split('/')
        .try_fold(root, |raw, step| {
            let step = step.replace("~1", "/").replace("~0", "~");
            if let Some(items) = list(raw) {
                return items.get(step.parse::<usize>().ok()?).copied();
            }
            fields(raw).get(step.as_str()).copied()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(body: &str, pointer: Option<&str>, style: &PageStyle) -> Result<Vec<String>, String> {
        Answer::parse(body.as_bytes(), pointer, style).map(|answer| {
            answer
                .items
                .iter()
                .map(|item| item.get().to_owned())
                .collect()
        })
    }

    #[test]
    fn items_where_apis_have_them() {
        let found = |body: &str| items(body, None, &PageStyle::Links).map(|items| items.join(" "));
        assert_eq!(found("[1, {\"a\": [2]}]").unwrap(), "1 {\"a\": [2]}");
        assert_eq!(found("{\"data\":[3],\"n\":4}").unwrap(), "3");
        assert_eq!(found("{\"data\":{},\"results\":[5]}").unwrap(), "5");
        assert_eq!(found("").unwrap(), "");
        assert_eq!(found(" \n").unwrap(), "");
        for body in ["{}", "7", "\"text\"", "{\"list\":[1]}", "{", "<html>"] {
            assert!(found(body).is_err(), "{body}");
        }
        assert!(items("[1]", None, &PageStyle::OData).is_err());
        assert!(items("{\"items\":[1]}", None, &PageStyle::OData).is_err());
    }

    #[test]
    fn items_where_the_caller_says() {
        let body = "{\"a/b\":{\"~\":[0,[1,2]]}}";
        let found = |pointer: &str| items(body, Some(pointer), &PageStyle::Links);
        assert_eq!(found("/a~1b/~0/1").unwrap(), ["1", "2"]);
        for pointer in ["/a~1b", "/a~1b/~0/2", "/x", "a", "/a~1b/~0/1/0"] {
            assert!(found(pointer).is_err(), "{pointer}");
        }
    }

    #[test]
    fn numbers_and_order_stay_as_they_were_written() {
        let long = "9".repeat(1_000_000);
        let body = format!("{{\"value\":[{long},{{\"b\":1.0e400,\"a\":1,\"a\":2}}]}}");
        let found = items(&body, None, &PageStyle::OData).unwrap();
        assert_eq!(found[0], long);
        assert_eq!(found[1], "{\"b\":1.0e400,\"a\":1,\"a\":2}");
    }

    #[test]
    fn depth_has_a_limit() {
        // the page and its list are two levels
        let nested =
            |depth: usize| format!("{{\"value\":[{}{}]}}", "[".repeat(depth), "]".repeat(depth));
        let fine = |depth: usize| items(&nested(depth), None, &PageStyle::OData).is_ok();
        for (depth, expected) in [(125, true), (126, true), (127, false), (100_000, false)] {
            assert_eq!(fine(depth), expected, "{depth}");
        }
        let text = format!("{{\"value\":[\"\\\"{}\"]}}", "[".repeat(1_000));
        assert!(
            items(&text, None, &PageStyle::OData).is_ok(),
            "brackets in texts are no levels"
        );
    }

    #[test]
    fn values_that_say_how_it_goes_on() {
        let body = b"{\"value\":[],\"@odata.nextLink\":\"/2\",\"c\":\"x\",\"n\":12,\"t\":true,\"z\":null,\"e\":\"\",\"@odata.nextLink\":\"/3\"}";
        let answer = Answer::parse(body, None, &PageStyle::OData).unwrap();
        assert_eq!(
            answer.next_link().as_deref(),
            Some("/3"),
            "the last of two counts"
        );
        assert_eq!(answer.scalar("/c").as_deref(), Some("x"));
        assert_eq!(answer.scalar("/n").as_deref(), Some("12"));
        assert_eq!(answer.number("/n"), Some(12));
        assert_eq!(
            (
                answer.scalar("/z"),
                answer.scalar("/e"),
                answer.scalar("/v")
            ),
            (None, None, None)
        );
        assert!(answer.flag("/t") && !answer.flag("/n") && !answer.flag("/v"));
    }
}
