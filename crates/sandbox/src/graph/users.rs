//! `/users` and `/me`: reading. Who may see whom, what can be asked; who is found is the
//! business of `search`.

use axum::http::Method;
use serde_json::{Value, json};

use super::access::{Caller, Need};
use super::errors::{self, GraphError};
use super::properties::{self, Filtering, Visibility};
use super::query::{Consistency, Query};
use super::search::{self, PageToken, Search};
use super::{Call, Outcome, Reply, collection, entity, user_changes};
use crate::users::User;

pub(crate) const READERS: [&str; 4] = [
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const BASIC_READER: &str = "User.ReadBasic.All";
const SELF_READERS: [&str; 2] = ["User.Read", "User.ReadWrite"];

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
        .then(|| search::total(&tenant.people, &call.query));
    let (users, next) = match &call.query.order {
        None => search::in_own_order(&tenant.people, &call.query, token),
        Some(order) => search::sorted(&tenant.people, &call.query, order, token),
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
    Ok(collection(&context, count, next, value))
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
        search::total(&tenant.people, &call.query).to_string(),
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
    Ok(Outcome::Found(entity(&context, object)))
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
    Ok(Outcome::Found(entity(&context, typed)))
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
