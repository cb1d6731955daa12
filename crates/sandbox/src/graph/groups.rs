//! `/groups`: groups and their members (`entra-and-graph.md` §11), users only.

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::access::Need;
use super::errors::{self, GraphError};
use super::properties::{self, Visibility};
use super::query::page_of;
use super::{Call, Outcome, Reply, collection, entity};
use crate::directory::{Group, Tenant};
use crate::guid::Guid;

const READERS: [&str; 5] = [
    "GroupMember.Read.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const WRITERS: [&str; 2] = ["Group.ReadWrite.All", "Directory.ReadWrite.All"];
const MAKERS: [&str; 3] = [
    "Group.Create",
    "Group.ReadWrite.All",
    "Directory.ReadWrite.All",
];
const DELETERS: [&str; 1] = ["Group.ReadWrite.All"];
const MEMBER_WRITERS: [&str; 3] = [
    "GroupMember.ReadWrite.All",
    "Group.ReadWrite.All",
    "Directory.ReadWrite.All",
];
/// So many members a new group may have.
const MOST_BOUND: usize = 20;

/// `/groups…`.
pub(crate) fn dispatch(call: &Call, rest: &[&str]) -> Reply {
    match (rest, call.method.clone()) {
        ([], Method::GET) => all(call),
        ([], Method::POST) => create(call),
        ([id], Method::GET) => {
            call.caller.require(Need::Member, &READERS, &READERS)?;
            let tenant = call.world.directory.read();
            let group = call.query.narrowed(object(find(&tenant, id)?));
            Ok(Outcome::Found(entity(
                &call.context("groups/$entity"),
                group,
            )))
        }
        ([id], Method::PATCH) => {
            call.caller
                .require(Need::Administrator, &WRITERS, &WRITERS)?;
            let mut tenant = call.world.directory.write();
            apply(find_mut(&mut tenant, id)?, &call.object()?)?;
            Ok(Outcome::Done)
        }
        ([id], Method::DELETE) => {
            call.caller
                .require(Need::Administrator, &DELETERS, &DELETERS)?;
            let mut tenant = call.world.directory.write();
            let id = find(&tenant, id)?.id;
            tenant.groups.remove(&id);
            Ok(Outcome::Done)
        }
        ([id, "members"], Method::GET) => members(call, id),
        ([id, "members", "$ref"], Method::POST) => add(call, id),
        ([id, "members", member, "$ref"], Method::DELETE) => remove(call, id, member),
        ([] | [_] | [_, "members"] | [_, "members", "$ref"] | [_, "members", _, "$ref"], _) => {
            Err(errors::wrong_method())
        }
        (
            [
                _,
                "owners" | "transitiveMembers" | "memberOf" | "members",
                ..,
            ],
            _,
        ) => Err(errors::not_implemented()),
        ([_, other, ..], _) => Err(errors::unknown_segment(other)),
    }
}

fn find<'a>(tenant: &'a Tenant, id: &str) -> Result<&'a Group, GraphError> {
    let group = id
        .parse::<Guid>()
        .ok()
        .and_then(|key| tenant.groups.get(&key));
    group.ok_or_else(|| errors::not_found(id))
}

fn find_mut<'a>(tenant: &'a mut Tenant, id: &str) -> Result<&'a mut Group, GraphError> {
    let key = id.parse::<Guid>().ok();
    let group = key.and_then(|key| tenant.groups.get_mut(&key));
    group.ok_or_else(|| errors::not_found(id))
}

fn all(call: &Call) -> Reply {
    call.caller.require(Need::Member, &READERS, &READERS)?;
    let objects = {
        let tenant = call.world.directory.read();
        tenant.groups.values().map(object).collect()
    };
    let (page, next) = page_of(&call.query, &call.url(), "group", objects)?;
    Ok(collection(&call.context("groups"), None, next, page))
}

fn create(call: &Call) -> Reply {
    call.caller
        .require(Need::Administrator, &WRITERS, &MAKERS)?;
    let mut body = call.object()?;
    let bound = body.shift_remove("members@odata.bind").unwrap_or_default();
    for name in [
        "displayName",
        "mailEnabled",
        "mailNickname",
        "securityEnabled",
    ] {
        if body.get(name).is_none_or(Value::is_null) {
            return Err(errors::value_required(name, "Group"));
        }
    }
    let mut group = Group {
        id: Guid::random(),
        display_name: String::new(),
        mail_nickname: String::new(),
        description: None,
        mail_enabled: false,
        security_enabled: true,
        types: Vec::new(),
        created: call.now,
        members: std::collections::BTreeSet::new(),
    };
    apply(&mut group, &body)?;
    let bound: Vec<&str> = bound
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if bound.len() > MOST_BOUND {
        return Err(errors::bad_request(
            "The number of members to bind exceeds the limit of 20.",
        ));
    }
    let mut tenant = call.world.directory.write();
    for reference in bound {
        group.members.insert(referred(&tenant, reference)?);
    }
    let made = object(&group);
    tenant.groups.insert(group.id, group);
    Ok(Outcome::Created(entity(
        &call.context("groups/$entity"),
        made,
    )))
}

fn apply(group: &mut Group, body: &Map<String, Value>) -> Result<(), GraphError> {
    for (name, value) in body {
        let invalid = || errors::value_invalid(name, "Group");
        let text = || {
            let text = value.as_str().filter(|text| !text.is_empty());
            text.map(str::to_owned).ok_or_else(invalid)
        };
        match name.as_str() {
            "displayName" => group.display_name = text()?,
            "mailNickname" => {
                group.mail_nickname = text()?;
                if group.mail_nickname.len() > 64 {
                    return Err(invalid());
                }
            }
            "description" if value.is_null() => group.description = None,
            "description" => group.description = Some(text()?),
            "mailEnabled" => group.mail_enabled = value.as_bool().ok_or_else(invalid)?,
            "securityEnabled" => group.security_enabled = value.as_bool().ok_or_else(invalid)?,
            "groupTypes" => {
                group.types = serde_json::from_value(value.clone()).map_err(|_| invalid())?;
            }
            other => return Err(errors::bad_request(format!("Invalid property '{other}'."))),
        }
    }
    Ok(())
}

fn members(call: &Call, id: &str) -> Reply {
    call.caller.require(Need::Member, &READERS, &READERS)?;
    let objects = {
        let tenant = call.world.directory.read();
        let found = find(&tenant, id)?
            .members
            .iter()
            .filter_map(|id| tenant.people.find(*id));
        found
            .map(|user| {
                let user = properties::object(&user, &properties::DEFAULT, Visibility::Full);
                let mut typed = Map::new();
                typed.insert("@odata.type".to_owned(), json!("#microsoft.graph.user"));
                if let Value::Object(user) = user {
                    typed.extend(user);
                }
                Value::Object(typed)
            })
            .collect()
    };
    let (page, next) = page_of(&call.query, &call.url(), "directoryObject", objects)?;
    Ok(collection(
        &call.context("directoryObjects"),
        None,
        next,
        page,
    ))
}

fn add(call: &Call, id: &str) -> Reply {
    call.caller
        .require(Need::Administrator, &MEMBER_WRITERS, &MEMBER_WRITERS)?;
    let body = call.object()?;
    let reference = body
        .get("@odata.id")
        .and_then(Value::as_str)
        .ok_or_else(|| errors::value_required("@odata.id", "DirectoryObject"))?;
    let mut tenant = call.world.directory.write();
    let user = referred(&tenant, reference)?;
    if find_mut(&mut tenant, id)?.members.insert(user) {
        Ok(Outcome::Done)
    } else {
        Err(errors::invalid(
            "One or more added object references already exist for the following modified properties: 'members'.",
        ))
    }
}

fn remove(call: &Call, id: &str, member: &str) -> Reply {
    call.caller
        .require(Need::Administrator, &MEMBER_WRITERS, &MEMBER_WRITERS)?;
    let mut tenant = call.world.directory.write();
    let group = find_mut(&mut tenant, id)?;
    let removed = member
        .parse::<Guid>()
        .is_ok_and(|member| group.members.remove(&member));
    removed
        .then_some(Outcome::Done)
        .ok_or_else(|| errors::not_found(member))
}

/// The user whom a reference such as `…/v1.0/users/{id}` names.
fn referred(tenant: &Tenant, reference: &str) -> Result<Guid, GraphError> {
    let key = reference.rsplit('/').next().unwrap_or_default();
    let user = tenant.people.find_by_key(key);
    user.map(|user| user.id)
        .ok_or_else(|| errors::not_found(key))
}

fn object(group: &Group) -> Value {
    json!({
        "id": group.id,
        "createdDateTime": group.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "description": group.description,
        "displayName": group.display_name,
        "groupTypes": group.types,
        "mailEnabled": group.mail_enabled,
        "mailNickname": group.mail_nickname,
        "securityEnabled": group.security_enabled,
    })
}
