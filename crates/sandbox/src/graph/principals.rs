//! `/servicePrincipals` and the application permissions they were given.

use axum::http::Method;
use serde_json::{Value, json};

use super::access::{Caller, Need};
use super::applications::{may_read, roles_on_the_wire, scopes_on_the_wire};
use super::errors::{self, GraphError};
use super::query::page_of;
use super::{Call, Outcome, Reply, collection, entity};
use crate::directory::{RoleAssignment, ServicePrincipal, Tenant};
use crate::guid::Guid;

const ASSIGN: [&str; 1] = ["AppRoleAssignment.ReadWrite.All"];
const ALSO: [&str; 4] = [
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

/// `/servicePrincipals…`.
pub(crate) fn dispatch(call: &Call, rest: &[&str]) -> Reply {
    match (rest, call.method.clone()) {
        ([], Method::GET) => list(call),
        ([], Method::POST) => create(call),
        ([key], Method::GET) => {
            may_read(&call.caller)?;
            let tenant = call.world.directory.read();
            let object = call.query.narrowed(object(&tenant, find(&tenant, key)?));
            Ok(Outcome::Found(entity(
                &call.context("servicePrincipals/$entity"),
                object,
            )))
        }
        ([key], Method::DELETE) => delete(call, key),
        ([key, side @ ("appRoleAssignments" | "appRoleAssignedTo")], Method::GET) => {
            list_assignments(call, key, side)
        }
        ([key, side @ ("appRoleAssignments" | "appRoleAssignedTo")], Method::POST) => {
            assign(call, key, side)
        }
        ([key, "appRoleAssignments" | "appRoleAssignedTo", id], Method::DELETE) => {
            unassign(call, key, id)
        }
        ([] | [_] | [_, "appRoleAssignments" | "appRoleAssignedTo", ..], _) => {
            Err(errors::wrong_method())
        }
        (
            [
                _,
                "oauth2PermissionGrants" | "owners" | "memberOf" | "addPassword",
                ..,
            ],
            _,
        ) => Err(errors::not_implemented()),
        ([_, other, ..], _) => Err(errors::unknown_segment(other)),
    }
}

fn find<'a>(tenant: &'a Tenant, key: &str) -> Result<&'a ServicePrincipal, GraphError> {
    let by_app_id = key
        .strip_prefix("appId='")
        .and_then(|key| key.strip_suffix('\''))
        .and_then(|key| tenant.principals.get(&key.parse().ok()?));
    by_app_id
        .or_else(|| tenant.principal_by_object(key.parse().ok()?))
        .ok_or_else(|| errors::not_found(key))
}

fn list(call: &Call) -> Reply {
    may_read(&call.caller)?;
    let objects = {
        let tenant = call.world.directory.read();
        let principals = tenant.principals.values();
        principals
            .map(|principal| object(&tenant, principal))
            .collect()
    };
    let (page, next) = page_of(&call.query, &call.url(), "servicePrincipal", objects)?;
    Ok(collection(
        &call.context("servicePrincipals"),
        None,
        next,
        page,
    ))
}

fn create(call: &Call) -> Reply {
    let app_id: Guid = call
        .object()?
        .get("appId")
        .and_then(Value::as_str)
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| errors::value_required("appId", "ServicePrincipal"))?;
    let mut tenant = call.world.directory.write();
    let Some(application) = tenant.application(app_id) else {
        // Only those who may write at all learn which apps exist.
        let writers = ["Application.ReadWrite.All", "Application.ReadWrite.OwnedBy"];
        call.caller.require(Need::Member, &writers, &writers)?;
        return Err(errors::invalid(format!(
            "The appId '{app_id}' of the service principal does not reference a valid application object."
        )));
    };
    super::applications::may_write(&call.caller, application)?;
    if tenant.principals.contains_key(&app_id) {
        return Err(errors::object_conflict(format!(
            "The service principal cannot be created, updated, or restored because the service principal name {app_id} is already in use."
        )));
    }
    tenant.ensure_principal(app_id);
    let created = tenant
        .principals
        .get(&app_id)
        .map(|principal| object(&tenant, principal));
    let context = call.context("servicePrincipals/$entity");
    Ok(Outcome::Created(entity(
        &context,
        created.unwrap_or_default(),
    )))
}

fn delete(call: &Call, key: &str) -> Reply {
    let mut tenant = call.world.directory.write();
    let app_id = find(&tenant, key)?.app_id;
    match tenant.application(app_id) {
        Some(application) => super::applications::may_write(&call.caller, application)?,
        None => return Err(errors::denied()),
    }
    tenant.remove_principal(app_id);
    Ok(Outcome::Done)
}

fn may_assign(caller: &Caller) -> Result<(), GraphError> {
    caller.require(Need::Administrator, &ASSIGN, &ASSIGN)?;
    caller.require(Need::Administrator, &ALSO, &ALSO)
}

fn list_assignments(call: &Call, key: &str, side: &str) -> Reply {
    may_read(&call.caller)?;
    let objects = {
        let tenant = call.world.directory.read();
        let id = find(&tenant, key)?.id;
        let assignments = tenant.assignments.values().filter(|given| match side {
            "appRoleAssignments" => given.principal == id,
            _ => given.resource == id,
        });
        assignments
            .map(|given| assignment_object(&tenant, given))
            .collect()
    };
    let (page, next) = page_of(&call.query, &call.url(), "appRoleAssignment", objects)?;
    Ok(collection(
        &call.context("appRoleAssignments"),
        None,
        next,
        page,
    ))
}

fn assign(call: &Call, key: &str, side: &str) -> Reply {
    may_assign(&call.caller)?;
    let body = call.object()?;
    let guid = |name: &str| -> Result<Guid, GraphError> {
        body.get(name)
            .and_then(Value::as_str)
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| errors::value_required(name, "AppRoleAssignment"))
    };
    let (principal_id, resource_id, role) = (
        guid("principalId")?,
        guid("resourceId")?,
        guid("appRoleId")?,
    );
    let mut tenant = call.world.directory.write();
    let addressed = find(&tenant, key)?.id;
    let own = if side == "appRoleAssignments" {
        principal_id
    } else {
        resource_id
    };
    if addressed != own {
        return Err(errors::invalid(
            "The id in the URL is neither the principal nor the resource of the body.",
        ));
    }
    let resource = tenant
        .principal_by_object(resource_id)
        .ok_or_else(|| errors::not_found(&resource_id.to_string()))?
        .app_id;
    if tenant.principal_by_object(principal_id).is_none() {
        return Err(errors::not_found(&principal_id.to_string()));
    }
    if tenant
        .resource(resource)
        .and_then(|offers| offers.role(role))
        .is_none()
    {
        return Err(errors::invalid(format!(
            "Permission being assigned was not found on application '{resource}'."
        )));
    }
    let taken = tenant.assignments.values().any(|given| {
        given.principal == principal_id && given.resource == resource_id && given.role == role
    });
    if taken {
        return Err(errors::invalid(
            "Permission being assigned already exists on the object.",
        ));
    }
    let assignment = RoleAssignment::new(principal_id, resource_id, role, call.now);
    let object = assignment_object(&tenant, &assignment);
    tenant.assignments.insert(assignment.id.clone(), assignment);
    Ok(Outcome::Created(entity(
        &call.context("appRoleAssignments/$entity"),
        object,
    )))
}

fn unassign(call: &Call, key: &str, id: &str) -> Reply {
    may_assign(&call.caller)?;
    let mut tenant = call.world.directory.write();
    find(&tenant, key)?;
    match tenant.assignments.remove(id) {
        Some(_) => Ok(Outcome::Done),
        None => Err(errors::not_found(id)),
    }
}

fn object(tenant: &Tenant, principal: &ServicePrincipal) -> Value {
    let application = tenant.application(principal.app_id);
    let offers = tenant
        .resource(principal.app_id)
        .cloned()
        .unwrap_or_default();
    let mut names = vec![principal.app_id.to_string()];
    names.extend(
        application
            .iter()
            .flat_map(|app| app.identifier_uris.clone()),
    );
    json!({
        "id": principal.id,
        "deletedDateTime": null,
        "accountEnabled": true,
        "appDisplayName": principal.display_name,
        "appId": principal.app_id,
        "appOwnerOrganizationId": application.map(|_| tenant.id),
        "appRoleAssignmentRequired": false,
        "displayName": principal.display_name,
        "servicePrincipalNames": names,
        "servicePrincipalType": "Application",
        "signInAudience": application.map(|app| app.audience),
        "tags": [],
        "appRoles": roles_on_the_wire(&offers),
        "oauth2PermissionScopes": scopes_on_the_wire(&offers),
    })
}

fn assignment_object(tenant: &Tenant, given: &RoleAssignment) -> Value {
    let name = |id: Guid| {
        tenant
            .principal_by_object(id)
            .map(|principal| principal.display_name.clone())
    };
    json!({
        "id": given.id,
        "deletedDateTime": null,
        "appRoleId": given.role,
        "createdDateTime": given.created,
        "principalDisplayName": name(given.principal),
        "principalId": given.principal,
        "principalType": "ServicePrincipal",
        "resourceDisplayName": name(given.resource),
        "resourceId": given.resource,
    })
}
