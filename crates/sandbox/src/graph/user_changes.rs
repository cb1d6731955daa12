//! `/users`: creating, changing, deleting, and revoking sessions.

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::access::Need;
use super::errors::{self, GraphError};
use super::properties::{self, Visibility};
use super::{Call, Outcome, Reply, entity};
use crate::guid::Guid;
use crate::users::{DOMAIN, DirectoryRole, User, UserType};

const WRITERS: [&str; 2] = ["User.ReadWrite.All", "Directory.ReadWrite.All"];
const DELETERS: [&str; 2] = ["User.DeleteRestore.All", "User.ReadWrite.All"];
const REVOKERS: [&str; 3] = [
    "User.RevokeSessions.All",
    "User.ReadWrite.All",
    "Directory.ReadWrite.All",
];
/// What users may change of themselves.
const OWN: [&str; 3] = ["businessPhones", "mobilePhone", "preferredLanguage"];

/// `POST /users`.
pub(crate) fn create(call: &Call) -> Reply {
    call.caller
        .require(Need::Administrator, &WRITERS, &WRITERS)?;
    let mut body = call.object()?;
    let profile = body.shift_remove("passwordProfile").unwrap_or_default();
    let password = profile["password"]
        .as_str()
        .filter(|password| !password.is_empty())
        .ok_or_else(|| errors::value_required("passwordProfile", "User"))?
        .to_owned();
    for name in [
        "accountEnabled",
        "displayName",
        "mailNickname",
        "userPrincipalName",
    ] {
        if body.get(name).is_none_or(Value::is_null) {
            return Err(errors::value_required(name, "User"));
        }
    }
    let mut user = User {
        id: Guid::random(),
        display_name: String::new(),
        given_name: None,
        surname: None,
        principal_name: String::new(),
        mail: None,
        mail_nickname: None,
        job_title: None,
        department: None,
        company_name: None,
        office_location: None,
        employee_id: None,
        mobile_phone: None,
        business_phones: Vec::new(),
        preferred_language: None,
        usage_location: None,
        account_enabled: true,
        kind: UserType::Member,
        role: DirectoryRole::Ordinary,
        created: call.now,
        manager: None,
    };
    apply(&mut user, body)?;
    let mut tenant = call.world.directory.write();
    let object = properties::object(&user, &properties::DEFAULT, Visibility::Full);
    let added = tenant.people.add(user, &password);
    added.map_err(|_| errors::name_taken())?;
    Ok(Outcome::Created(entity(
        &call.context("users/$entity"),
        object,
    )))
}

/// `PATCH /users/{key}` and `PATCH /me`.
pub(crate) fn change(call: &Call, key: &str, user: Option<User>) -> Reply {
    let body = call.object()?;
    let own = is_own(call, user.as_ref());
    let personal = body.keys().all(|name| OWN.contains(&name.as_str()));
    let allowed = own && personal && call.caller.has(&["User.ReadWrite"], &[]);
    if !allowed {
        call.caller
            .require(Need::Administrator, &WRITERS, &WRITERS)?;
    }
    let mut user = user.ok_or_else(|| errors::not_found(key))?;
    apply(&mut user, body)?;
    let mut tenant = call.world.directory.write();
    let saved = tenant.people.save(user);
    saved.map_err(|_| errors::name_taken())?;
    Ok(Outcome::Done)
}

/// `DELETE /users/{key}`.
pub(crate) fn delete(call: &Call, key: &str, user: Option<User>) -> Reply {
    call.caller
        .require(Need::Administrator, &DELETERS, &DELETERS)?;
    let user = user.ok_or_else(|| errors::not_found(key))?;
    call.world.directory.write().people.remove(user.id);
    Ok(Outcome::Done)
}

/// `POST /users/{key}/revokeSignInSessions` and the same of `/me`.
pub(crate) fn revoke_sessions(call: &Call, key: &str, user: Option<User>) -> Reply {
    debug_assert_eq!(call.method, Method::POST);
    let need = if is_own(call, user.as_ref()) {
        Need::Anybody
    } else {
        Need::Administrator
    };
    call.caller.require(need, &REVOKERS, &REVOKERS)?;
    let user = user.ok_or_else(|| errors::not_found(key))?;
    let now = call.world.clock.wall();
    call.world.directory.write().revoke_sessions(user.id, now);
    let context = call.context("Edm.Boolean");
    Ok(Outcome::Found(
        json!({"@odata.context": context, "value": true}),
    ))
}

fn is_own(call: &Call, user: Option<&User>) -> bool {
    matches!((call.caller.user(), user), (Some(own), Some(user)) if own.id == user.id)
}

/// Sets the properties of a body on a user.
fn apply(user: &mut User, body: Map<String, Value>) -> Result<(), GraphError> {
    for (name, value) in body {
        let invalid = || errors::value_invalid(&name, "User");
        let text = match &value {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text.clone())),
            _ => Err(invalid()),
        };
        match name.as_str() {
            "accountEnabled" => user.account_enabled = value.as_bool().ok_or_else(invalid)?,
            "displayName" => user.display_name = required(text?).ok_or_else(invalid)?,
            "userPrincipalName" => {
                user.principal_name = text?
                    .filter(|name| is_principal_name(name))
                    .ok_or_else(|| errors::invalid("Property userPrincipalName is invalid."))?;
            }
            "mailNickname" => user.mail_nickname = Some(required(text?).ok_or_else(invalid)?),
            "givenName" => user.given_name = text?,
            "surname" => user.surname = text?,
            "mail" => user.mail = text?,
            "jobTitle" => user.job_title = text?,
            "department" => user.department = text?,
            "companyName" => user.company_name = text?,
            "officeLocation" => user.office_location = text?,
            "employeeId" => user.employee_id = text?,
            "mobilePhone" => user.mobile_phone = text?,
            "preferredLanguage" => user.preferred_language = text?,
            "usageLocation" => user.usage_location = text?,
            "businessPhones" => {
                user.business_phones = serde_json::from_value(value).map_err(|_| invalid())?;
            }
            "userType" => user.kind = serde_json::from_value(value).map_err(|_| invalid())?,
            other => return Err(errors::bad_request(format!("Invalid property '{other}'."))),
        }
    }
    Ok(())
}

fn required(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// Whether a user principal name is in the verified domain and has allowed characters.
fn is_principal_name(name: &str) -> bool {
    name.split_once('@').is_some_and(|(local, domain)| {
        domain.eq_ignore_ascii_case(DOMAIN)
            && !local.is_empty()
            && local.len() <= 64
            && local
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "'.-_!#^~".contains(c))
    })
}
