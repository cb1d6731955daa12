//! `/users` and `/me`: reading. Pages are computed from where they begin; nothing is kept
//! between them, and a page looks at a bounded number of users only, so it may be short.

use std::collections::BinaryHeap;

use axum::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::access::{Caller, Need};
use super::errors::{self, GraphError};
use super::filter::Filter;
use super::properties::{self, Filtering, Visibility};
use super::query::{Consistency, Direction, Order, Query};
use super::{Call, Outcome, Reply, collection, entity, user_changes};
use crate::directory::{People, Position};
use crate::guid::Guid;
use crate::users::User;

pub(crate) const READERS: [&str; 4] = [
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const BASIC_READER: &str = "User.ReadBasic.All";
const SELF_READERS: [&str; 2] = ["User.Read", "User.ReadWrite"];

/// At most this many users are looked at for one page.
const SCANNED: usize = 100_000;

/// Where the next page begins.
#[derive(Serialize, Deserialize)]
struct PageToken {
    position: Position,
    /// The sort key of the last user, when sorting.
    key: Option<String>,
}

/// `/users`.
pub(crate) fn all(call: &Call) -> Reply {
    if call.method == Method::POST {
        return user_changes::create(call);
    }
    if call.method != Method::GET {
        return Err(errors::wrong_method());
    }
    let visibility = may_list(&call.caller)?;
    check_query(&call.query, call.query.consistency)?;
    let names = properties::selected(call.query.select.as_deref())?;
    let expand = expands_manager(&call.query)?;
    let tenant = call.world.directory.read();
    let token: Option<PageToken> = call.query.page_token()?;
    let count = (call.query.consistency == Consistency::EventualWithCount && token.is_none())
        .then(|| total(&tenant.people, &call.query));
    let (users, next) = match &call.query.order {
        None => in_own_order(&tenant.people, &call.query, token),
        Some(order) => sorted(&tenant.people, &call.query, order, token),
    };
    let value = users
        .iter()
        .map(|user| {
            let mut object = properties::object(user, &names, visibility);
            if expand == Expand::Manager
                && let Some(manager) = user.manager.and_then(|id| tenant.people.find(id))
            {
                object["manager"] = properties::object(&manager, &properties::DEFAULT, visibility);
            }
            object
        })
        .collect();
    let context = match &call.query.select {
        Some(_) => call.context(&format!("users({})", names.join(","))),
        None => call.context("users"),
    };
    let next = next.map(|token| call.query.next_link(&call.url(), &token));
    Ok(collection(context, count, next, value))
}

/// `/users/$count`.
pub(crate) fn count(call: &Call) -> Reply {
    if call.method != Method::GET {
        return Err(errors::wrong_method());
    }
    may_list(&call.caller)?;
    if call.query.consistency == Consistency::Session {
        return Err(errors::invalid("$count is not currently supported."));
    }
    check_query(&call.query, Consistency::EventualWithCount)?;
    let tenant = call.world.directory.read();
    Ok(Outcome::Text(
        total(&tenant.people, &call.query).to_string(),
    ))
}

/// `/users/{id or user principal name}` and what is under it.
pub(crate) fn one(call: &Call, key: &str, rest: &[&str]) -> Reply {
    let user = call.world.directory.read().people.find_by_key(key);
    // Whether somebody exists is told only to those who may read.
    match (rest, call.method.clone()) {
        ([], Method::GET) => {
            let visibility = may_read(&call.caller, user.as_ref())?;
            let user = user.ok_or_else(|| errors::not_found(key))?;
            show(call, &user, visibility)
        }
        ([], Method::PATCH) => user_changes::change(call, key, user),
        ([], Method::DELETE) => user_changes::delete(call, key, user),
        (["manager"], Method::GET) => {
            call.caller.require(Need::Member, &READERS, &READERS)?;
            let user = user.ok_or_else(|| errors::not_found(key))?;
            let manager = user
                .manager
                .and_then(|id| call.world.directory.read().people.find(id))
                .ok_or_else(|| errors::not_found("manager"))?;
            show_manager(call, &manager)
        }
        (["revokeSignInSessions"], Method::POST) => user_changes::revoke_sessions(call, key, user),
        ([] | ["manager" | "revokeSignInSessions"], _) => Err(errors::wrong_method()),
        (
            [
                "memberOf"
                | "transitiveMemberOf"
                | "directReports"
                | "photo"
                | "messages"
                | "sendMail"
                | "events"
                | "calendar"
                | "drive"
                | "appRoleAssignments"
                | "oauth2PermissionGrants",
                ..,
            ],
            _,
        ) => Err(errors::not_implemented()),
        ([other, ..], _) => Err(errors::unknown_segment(other)),
    }
}

fn show(call: &Call, user: &User, visibility: Visibility) -> Reply {
    let names = properties::selected(call.query.select.as_deref())?;
    let mut object = properties::object(user, &names, visibility);
    if expands_manager(&call.query)? == Expand::Manager {
        let manager = user
            .manager
            .and_then(|id| call.world.directory.read().people.find(id));
        object["manager"] = match manager {
            Some(manager) => properties::object(&manager, &properties::DEFAULT, visibility),
            None => Value::Null,
        };
    }
    let context = match &call.query.select {
        Some(_) => call.context(&format!("users({})/$entity", names.join(","))),
        None => call.context("users/$entity"),
    };
    Ok(Outcome::Found(entity(context, object)))
}

fn show_manager(call: &Call, manager: &User) -> Reply {
    let names = properties::selected(call.query.select.as_deref())?;
    let mut typed = json!({"@odata.type": "#microsoft.graph.user"});
    if let (Some(typed), Value::Object(object)) = (
        typed.as_object_mut(),
        properties::object(manager, &names, Visibility::Full),
    ) {
        typed.extend(object);
    }
    let context = call.context("directoryObjects/$entity");
    Ok(Outcome::Found(entity(context, typed)))
}

/// What a caller sees of the list of users.
fn may_list(caller: &Caller) -> Result<Visibility, GraphError> {
    if caller.may(Need::Member) {
        if caller.has(&READERS, &READERS) {
            return Ok(Visibility::Full);
        }
        if caller.has(&[BASIC_READER], &[BASIC_READER]) {
            return Ok(Visibility::Basic);
        }
    }
    Err(errors::denied())
}

/// What a caller sees of one user.
fn may_read(caller: &Caller, user: Option<&User>) -> Result<Visibility, GraphError> {
    let own = matches!((caller.user(), user), (Some(own), Some(user)) if own.id == user.id);
    if own && (caller.has(&SELF_READERS, &[]) || caller.has(&READERS, &[])) {
        return Ok(Visibility::Full);
    }
    may_list(caller)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expand {
    Nothing,
    Manager,
}

fn expands_manager(query: &Query) -> Result<Expand, GraphError> {
    match query.expand.as_deref() {
        None => Ok(Expand::Nothing),
        Some(text) if text == "manager" || text.starts_with("manager(") => Ok(Expand::Manager),
        Some(text) => Err(errors::property_unknown(text, "user")),
    }
}

/// Refuses filters, sorting and search that this consistency does not allow.
fn check_query(query: &Query, consistency: Consistency) -> Result<(), GraphError> {
    let advanced = consistency == Consistency::EventualWithCount;
    if let Some(filter) = &query.filter {
        let mut needs = filter.is_advanced();
        for name in filter.properties() {
            match properties::find(name) {
                None => {
                    return Err(errors::bad_request(format!(
                        "Invalid filter clause: Could not find a property named '{name}' on type 'microsoft.graph.user'."
                    )));
                }
                Some((name, Filtering::No)) => return Err(unsupported_filter(name)),
                Some((_, Filtering::Advanced)) => needs = true,
                Some((_, Filtering::Plain)) => {}
            }
        }
        if needs && !advanced {
            return Err(unsupported_filter(
                filter.properties().first().unwrap_or(&""),
            ));
        }
    }
    if let Some(order) = &query.order {
        let plain = ["displayName", "userPrincipalName"];
        let sortable = [
            "givenName",
            "surname",
            "mail",
            "jobTitle",
            "department",
            "createdDateTime",
        ];
        let name = properties::find(&order.property)
            .map(|(name, _)| name)
            .ok_or_else(|| errors::property_unknown(&order.property, "user"))?;
        let allowed = if advanced {
            plain.contains(&name) || sortable.contains(&name)
        } else {
            plain.contains(&name) && query.filter.is_none()
        };
        if !allowed {
            return Err(errors::unsupported_query(
                "Sorting not supported for current query.",
            ));
        }
    }
    if let Some(search) = &query.search {
        if consistency == Consistency::Session {
            return Err(errors::unsupported_query(
                "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'",
            ));
        }
        Search::parse(search)?;
    }
    Ok(())
}

fn unsupported_filter(name: &str) -> GraphError {
    errors::unsupported_query(format!(
        "Unsupported or invalid query filter clause specified for property '{name}' of resource 'User'."
    ))
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
struct Search(Vec<Vec<(&'static str, String)>>);

impl Search {
    fn parse(text: &str) -> Result<Search, GraphError> {
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

fn total(people: &People, query: &Query) -> usize {
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

fn in_own_order(
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

fn sorted(
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
