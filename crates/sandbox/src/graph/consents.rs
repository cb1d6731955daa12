//! `/oauth2PermissionGrants`: delegated consents.

use axum::http::Method;
use serde_json::{Value, json};

use super::access::Need;
use super::errors;
use super::query::page_of;
use super::{Call, Outcome, Reply, collection, entity};
use crate::directory::{PermissionGrant, Tenant};
use crate::guid::Guid;

const READERS: [&str; 3] = [
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
];
const WRITERS: [&str; 1] = ["DelegatedPermissionGrant.ReadWrite.All"];

/// `/oauth2PermissionGrants…`.
pub(crate) fn grants(call: &Call, rest: &[&str]) -> Reply {
    if call.method == Method::GET {
        call.caller.require(Need::Member, &READERS, &READERS)?;
    } else {
        call.caller
            .require(Need::Administrator, &WRITERS, &WRITERS)?;
    }
    match (rest, call.method.clone()) {
        ([], Method::GET) => {
            let objects = {
                let tenant = call.world.directory.read();
                tenant.grants.values().map(object).collect()
            };
            let (page, next) = page_of(&call.query, &call.url(), "oAuth2PermissionGrant", objects)?;
            Ok(collection(
                &call.context("oauth2PermissionGrants"),
                None,
                next,
                page,
            ))
        }
        ([], Method::POST) => create(call),
        ([id], Method::GET) => {
            let tenant = call.world.directory.read();
            let grant = tenant
                .grants
                .get(*id)
                .ok_or_else(|| errors::not_found(id))?;
            let context = call.context("oauth2PermissionGrants/$entity");
            Ok(Outcome::Found(entity(&context, object(grant))))
        }
        ([id], Method::PATCH) => {
            let body = call.object()?;
            let scope = body
                .get("scope")
                .and_then(Value::as_str)
                .ok_or_else(|| errors::value_required("scope", "OAuth2PermissionGrant"))?;
            let mut tenant = call.world.directory.write();
            let grant = tenant
                .grants
                .get_mut(*id)
                .ok_or_else(|| errors::not_found(id))?;
            scope.clone_into(&mut grant.scope);
            Ok(Outcome::Done)
        }
        ([id], Method::DELETE) => {
            let removed = call.world.directory.write().grants.remove(*id);
            removed
                .map(|_| Outcome::Done)
                .ok_or_else(|| errors::not_found(id))
        }
        ([] | [_], _) => Err(errors::wrong_method()),
        ([_, other, ..], _) => Err(errors::unknown_segment(other)),
    }
}

fn create(call: &Call) -> Reply {
    const RESOURCE: &str = "OAuth2PermissionGrant";
    let body = call.object()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let guid = |name: &str| text(name).and_then(|text| text.parse::<Guid>().ok());
    let client = guid("clientId").ok_or_else(|| errors::value_required("clientId", RESOURCE))?;
    let resource =
        guid("resourceId").ok_or_else(|| errors::value_required("resourceId", RESOURCE))?;
    let scope = text("scope").ok_or_else(|| errors::value_required("scope", RESOURCE))?;
    let principal = match text("consentType") {
        Some("AllPrincipals") => None,
        Some("Principal") => Some(
            guid("principalId").ok_or_else(|| errors::value_required("principalId", RESOURCE))?,
        ),
        _ => return Err(errors::value_required("consentType", RESOURCE)),
    };
    let mut tenant = call.world.directory.write();
    for id in [client, resource] {
        if tenant.principal_by_object(id).is_none() {
            return Err(errors::not_found(&id.to_string()));
        }
    }
    if let Some(user) = principal.filter(|user| tenant.people.find(*user).is_none()) {
        return Err(errors::not_found(&user.to_string()));
    }
    if is_taken(&tenant, client, resource, principal) {
        return Err(errors::object_conflict("Permission entry already exists."));
    }
    let grant = PermissionGrant::new(client, resource, principal, scope.to_owned());
    let object = object(&grant);
    tenant.grants.insert(grant.id.clone(), grant);
    let context = call.context("oauth2PermissionGrants/$entity");
    Ok(Outcome::Created(entity(&context, object)))
}

fn is_taken(tenant: &Tenant, client: Guid, resource: Guid, principal: Option<Guid>) -> bool {
    tenant.grants.values().any(|grant| {
        grant.client == client && grant.resource == resource && grant.principal == principal
    })
}

fn object(grant: &PermissionGrant) -> Value {
    json!({
        "id": grant.id,
        "clientId": grant.client,
        "consentType": if grant.principal.is_some() { "Principal" } else { "AllPrincipals" },
        "principalId": grant.principal,
        "resourceId": grant.resource,
        "scope": grant.scope,
    })
}
