//! Finding users for a page: filter, search and order. Pages are computed from where they
//! begin; nothing is kept between them, and a page looks at a bounded number of users only,
//! so it may be short.

use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::errors::{self, GraphError};
use super::filter::Filter;
use super::properties;
use super::query::{Direction, Order, Query};
use crate::directory::{People, Position};
use crate::guid::Guid;
use crate::users::User;

/// At most this many users are looked at for one page.
const SCANNED: usize = 100_000;

/// Where the next page begins.
#[derive(Serialize, Deserialize)]
pub(crate) struct PageToken {
    position: Position,
    /// The sort key of the last user, when sorting.
    key: Option<String>,
}

/// Tells who belongs to the answer.
struct Matcher<'a> {
    filter: Option<&'a Filter>,
    search: Option<Search>,
}

impl<'a> Matcher<'a> {
    fn new(query: &'a Query) -> Matcher<'a> {
        let search = query.search.as_deref();
        Matcher {
            filter: query.filter.as_ref(),
            search: search.and_then(|text| Search::parse(text).ok()),
        }
    }

    fn is_everybody(&self) -> bool {
        self.filter.is_none() && self.search.is_none()
    }

    fn matches(&self, user: &User) -> bool {
        let property = |name: &str| {
            let name = properties::find(name).map_or("", |(name, _)| name);
            properties::operand(user, name)
        };
        self.filter.is_none_or(|filter| filter.passes(&property))
            && self
                .search
                .as_ref()
                .is_none_or(|search| search.matches(user))
    }

    /// The one user it can only be, if the filter says so: no need to look at others.
    fn only(&self, people: &People) -> Option<Vec<User>> {
        let filter = self.filter?;
        let user = if let Some(id) = filter.required_text("id") {
            id.parse::<Guid>().ok().and_then(|id| people.find(id))
        } else {
            people.find_by_name(filter.required_text("userPrincipalName")?)
        };
        Some(user.into_iter().filter(|user| self.matches(user)).collect())
    }
}

/// `$search`: quoted clauses joined with AND or OR; a clause looks for the beginning of a word.
pub(crate) struct Search(Vec<Vec<(&'static str, String)>>);

impl Search {
    /// Reads a search.
    pub(crate) fn parse(text: &str) -> Result<Search, GraphError> {
        let fault =
            || errors::invalid("Syntax error in $search: write \"property:value\", quoted.");
        let mut any = Vec::new();
        for side in text.split(" OR ") {
            let mut all = Vec::new();
            for clause in side.split(" AND ") {
                let clause = clause
                    .trim()
                    .strip_prefix('"')
                    .and_then(|rest| rest.strip_suffix('"'));
                let (name, value) = clause
                    .and_then(|clause| clause.split_once(':'))
                    .ok_or_else(fault)?;
                let (name, _) = properties::find(name).ok_or_else(fault)?;
                all.push((name, value.to_lowercase()));
            }
            any.push(all);
        }
        Ok(Search(any))
    }

    fn matches(&self, user: &User) -> bool {
        let clause = |(name, value): &(&str, String)| match properties::value(user, name) {
            Value::String(text) => {
                let text = text.to_lowercase();
                text.starts_with(value.as_str())
                    || text
                        .split(|c: char| !c.is_alphanumeric())
                        .any(|word| word.starts_with(value.as_str()))
            }
            _ => false,
        };
        self.0.iter().any(|all| all.iter().all(clause))
    }
}

/// How many users belong to the answer.
pub(crate) fn total(people: &People, query: &Query) -> usize {
    let matcher = Matcher::new(query);
    if matcher.is_everybody() {
        return people.count();
    }
    if let Some(users) = matcher.only(people) {
        return users.len();
    }
    people
        .positions(Position(0))
        .filter_map(|position| people.at(position))
        .filter(|user| matcher.matches(user))
        .count()
}

/// A page in the tenant's own order.
pub(crate) fn in_own_order(
    people: &People,
    query: &Query,
    token: Option<PageToken>,
) -> (Vec<User>, Option<PageToken>) {
    let matcher = Matcher::new(query);
    if token.is_none()
        && let Some(users) = matcher.only(people)
    {
        return (users, None);
    }
    let start = token.map_or(Position(0), |token| token.position);
    let mut page = Vec::new();
    for (looked_at, position) in people.positions(start).enumerate() {
        let next = Some(PageToken {
            position,
            key: None,
        });
        if looked_at == SCANNED {
            return (page, next);
        }
        let Some(user) = people.at(position) else {
            continue;
        };
        if !matcher.matches(&user) {
            continue;
        }
        if page.len() == query.page_size() {
            return (page, next);
        }
        page.push(user);
    }
    (page, None)
}

/// A page in the order of a property.
pub(crate) fn sorted(
    people: &People,
    query: &Query,
    order: &Order,
    token: Option<PageToken>,
) -> (Vec<User>, Option<PageToken>) {
    let matcher = Matcher::new(query);
    let name = properties::find(&order.property).map_or("displayName", |(name, _)| name);
    let after = token.map(|token| (token.key.unwrap_or_default(), token.position));
    // The smallest keys after the last one seen; one more than the page tells of a next page.
    let size = query.page_size() + 1;
    let mut kept: BinaryHeap<SortKey> = BinaryHeap::new();
    for position in people.positions(Position(0)) {
        let Some(text) = sort_text(people, position, name, &matcher) else {
            continue;
        };
        let key = SortKey::new(text, position, order.direction);
        let seen = after.as_ref().is_some_and(|(text, position)| {
            key <= SortKey::new(text.clone(), *position, order.direction)
        });
        if seen {
            continue;
        }
        if kept.len() < size {
            kept.push(key);
        } else if kept.peek().is_some_and(|largest| key < *largest) {
            kept.pop();
            kept.push(key);
        }
    }
    let mut keys = kept.into_sorted_vec();
    let more = keys.len() == size;
    keys.truncate(query.page_size());
    let next = keys.last().filter(|_| more).map(|last| PageToken {
        position: last.position,
        key: Some(last.text.clone()),
    });
    let users = keys.iter().filter_map(|key| people.at(key.position));
    (users.collect(), next)
}

fn sort_text(
    people: &People,
    position: Position,
    name: &str,
    matcher: &Matcher<'_>,
) -> Option<String> {
    if matcher.is_everybody()
        && let Some(index) = people.is_computed(position)
    {
        // The quick way: a million users are looked at for one page.
        match name {
            "displayName" => return Some(people.generator().display_name(index).to_lowercase()),
            "userPrincipalName" => {
                return Some(people.generator().principal_name(index).to_lowercase());
            }
            _ => {}
        }
    }
    let user = people.at(position)?;
    matcher.matches(&user).then(|| {
        properties::value(&user, name)
            .as_str()
            .map(str::to_lowercase)
            .unwrap_or_default()
    })
}

#[derive(PartialEq, Eq)]
struct SortKey {
    text: String,
    position: Position,
    direction: Direction,
}

impl SortKey {
    fn new(text: String, position: Position, direction: Direction) -> SortKey {
        SortKey {
            text,
            position,
            direction,
        }
    }
}

impl Ord for SortKey {
    fn cmp(&self, other: &SortKey) -> std::cmp::Ordering {
        let texts = match self.direction {
            Direction::Ascending => self.text.cmp(&other.text),
            Direction::Descending => other.text.cmp(&self.text),
        };
        texts.then(self.position.cmp(&other.position))
    }
}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &SortKey) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
