//! `/applications`: app registrations and their secrets.

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::access::{Caller, Need};
use super::errors::{self, GraphError};
use super::query::page_of;
use super::{Call, Outcome, Reply, collection, entity};
use crate::directory::{
    AccessKind, Application, CertificateCredential, RedirectFault, RequiredAccess, Tenant,
};
use crate::guid::Guid;
use crate::permissions::{AppRole, Consent, DelegatedScope, Resource};

const READERS: [&str; 4] = [
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const WRITERS: [&str; 1] = ["Application.ReadWrite.All"];
const OWNED_WRITERS: [&str; 2] = ["Application.ReadWrite.All", "Application.ReadWrite.OwnedBy"];

/// Refuses callers who may not read registrations and service principals.
pub(crate) fn may_read(caller: &Caller) -> Result<(), GraphError> {
    let application: Vec<&str> = READERS
        .into_iter()
        .chain(["Application.ReadWrite.OwnedBy"])
        .collect();
    caller.require(Need::Member, &READERS, &application)
}

/// Refuses callers who may not change this registration: administrators may, and owners.
pub(crate) fn may_write(caller: &Caller, application: &Application) -> Result<(), GraphError> {
    caller.require(Need::Member, &WRITERS, &OWNED_WRITERS)?;
    match caller.user() {
        Some(user) if application.may_be_changed_by(user) => Ok(()),
        None if caller.has(&[], &WRITERS) => Ok(()),
        // OwnedBy: the app's own creations, which are marked with the app id.
        None if application.owner == Some(caller.app_id()) => Ok(()),
        _ => Err(errors::denied()),
    }
}

/// `/applications…`.
pub(crate) fn dispatch(call: &Call, rest: &[&str]) -> Reply {
    match (rest, call.method.clone()) {
        ([], Method::GET) => list(call),
        ([], Method::POST) => create(call),
        ([key], Method::GET) => {
            may_read(&call.caller)?;
            let tenant = call.world.directory.read();
            let app_id = find(&tenant, key)?;
            let object = tenant.application(app_id).map(object).unwrap_or_default();
            let object = call.query.narrowed(object);
            Ok(Outcome::Found(entity(
                &call.context("applications/$entity"),
                object,
            )))
        }
        ([key], Method::PATCH) => change(call, key),
        ([key], Method::DELETE) => delete(call, key),
        ([key, "addPassword"], Method::POST) => add_password(call, key),
        ([key, "removePassword"], Method::POST) => remove_password(call, key),
        ([] | [_] | [_, "addPassword" | "removePassword"], _) => Err(errors::wrong_method()),
        (
            [
                _,
                "owners" | "addKey" | "removeKey" | "federatedIdentityCredentials",
                ..,
            ],
            _,
        ) => Err(errors::not_implemented()),
        ([_, other, ..], _) => Err(errors::unknown_segment(other)),
    }
}

fn list(call: &Call) -> Reply {
    may_read(&call.caller)?;
    let objects = {
        let tenant = call.world.directory.read();
        tenant.applications.values().map(object).collect()
    };
    let (page, next) = page_of(&call.query, &call.url(), "application", objects)?;
    Ok(collection(&call.context("applications"), None, next, page))
}

/// The app id of `key`: an object id or `appId='…'`.
pub(crate) fn find(tenant: &Tenant, key: &str) -> Result<Guid, GraphError> {
    let by_app_id = key
        .strip_prefix("appId='")
        .and_then(|key| key.strip_suffix('\''))
        .and_then(|key| key.parse().ok())
        .filter(|app_id| tenant.applications.contains_key(app_id));
    by_app_id
        .or_else(|| tenant.application_key(key.parse().ok()?))
        .ok_or_else(|| errors::not_found(key))
}

fn create(call: &Call) -> Reply {
    call.caller
        .require(Need::Member, &WRITERS, &OWNED_WRITERS)?;
    let body = call.object()?;
    if body.get("displayName").is_none_or(Value::is_null) {
        return Err(errors::value_required("displayName", "Application"));
    }
    let user = call.caller.user().map(|user| user.id);
    let owner = user.unwrap_or(call.caller.app_id());
    let mut application = Application::begin(owner, call.now);
    apply(&mut application, body)?;
    let object = object(&application);
    let mut tenant = call.world.directory.write();
    tenant.applications.insert(application.app_id, application);
    Ok(Outcome::Created(entity(
        &call.context("applications/$entity"),
        object,
    )))
}

fn change(call: &Call, key: &str) -> Reply {
    let body = call.object()?;
    with_application(call, key, |application| {
        let mut changed = application.clone();
        apply(&mut changed, body)?;
        *application = changed;
        Ok(Outcome::Done)
    })
}

fn delete(call: &Call, key: &str) -> Reply {
    let mut tenant = call.world.directory.write();
    let app_id = find(&tenant, key)?;
    if let Some(application) = tenant.application(app_id) {
        may_write(&call.caller, application)?;
    }
    tenant.remove_application(app_id);
    Ok(Outcome::Done)
}

/// Runs a change on a registration that the caller may change.
fn with_application(
    call: &Call,
    key: &str,
    change: impl FnOnce(&mut Application) -> Reply,
) -> Reply {
    let mut tenant = call.world.directory.write();
    let app_id = find(&tenant, key)?;
    let application = tenant
        .applications
        .get_mut(&app_id)
        .ok_or_else(|| errors::not_found(key))?;
    may_write(&call.caller, application)?;
    change(application)
}

fn add_password(call: &Call, key: &str) -> Reply {
    let body = if call.body.is_empty() {
        Map::new()
    } else {
        call.object()?
    };
    let wanted = body.get("passwordCredential").cloned().unwrap_or_default();
    let moment = |name: &str| match wanted.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_str()
            .and_then(|text| text.parse::<Timestamp>().ok())
            .map(Some)
            .ok_or_else(|| errors::value_invalid(name, "PasswordCredential")),
    };
    let start = moment("startDateTime")?.unwrap_or(call.now);
    let end = moment("endDateTime")?;
    let name = wanted.get("displayName").and_then(Value::as_str);
    let name = name.map(str::to_owned);
    with_application(call, key, |application| {
        let fresh = application.add_secret(name, start, end);
        Ok(Outcome::Found(json!({
            "@odata.context": call.context("microsoft.graph.passwordCredential"),
            "keyId": fresh.credential.key_id,
            "displayName": fresh.credential.display_name,
            "startDateTime": fresh.credential.start,
            "endDateTime": fresh.credential.end,
            "hint": fresh.credential.hint,
            "secretText": fresh.value,
            "customKeyIdentifier": null,
        })))
    })
}

fn remove_password(call: &Call, key: &str) -> Reply {
    let body = call.object()?;
    let key_id: Guid = body
        .get("keyId")
        .and_then(Value::as_str)
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| errors::value_required("keyId", "PasswordCredential"))?;
    with_application(call, key, |application| {
        if application.remove_secret(key_id) {
            return Ok(Outcome::Done);
        }
        Err(errors::invalid(format!(
            "No password credential found with keyId '{key_id}'."
        )))
    })
}

/// Sets the properties of a body on a registration.
fn apply(application: &mut Application, body: Map<String, Value>) -> Result<(), GraphError> {
    let mut web = application.web_redirects.clone();
    let mut public = application.public_redirects.clone();
    for (name, value) in body {
        let invalid = || errors::value_invalid(&name, "Application");
        match name.as_str() {
            "displayName" => {
                let named = value.as_str().map(|text| application.set_name(text));
                named.and_then(Result::ok).ok_or_else(invalid)?;
            }
            "signInAudience" => {
                application.audience = serde_json::from_value(value).map_err(|_| invalid())?;
            }
            "identifierUris" => {
                application.identifier_uris =
                    serde_json::from_value(value).map_err(|_| invalid())?;
            }
            "web" => web = redirects(&value)?,
            "publicClient" => public = redirects(&value)?,
            "requiredResourceAccess" => {
                application.required = required(&value).ok_or_else(invalid)?;
            }
            "keyCredentials" => {
                application.certificates = certificates(application, &value).ok_or_else(invalid)?;
            }
            "api" => application.offers.scopes = offered_scopes(&value).ok_or_else(invalid)?,
            "appRoles" => application.offers.roles = offered_roles(&value).ok_or_else(invalid)?,
            other => return Err(errors::bad_request(format!("Invalid property '{other}'."))),
        }
    }
    application
        .set_redirects(&web, &public)
        .map_err(|fault| redirects_refused(&fault))
}

fn redirects(platform: &Value) -> Result<Vec<String>, GraphError> {
    match platform.get("redirectUris") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(uris) => serde_json::from_value(uris.clone())
            .map_err(|_| errors::value_invalid("redirectUris", "Application")),
    }
}

fn redirects_refused(fault: &RedirectFault) -> GraphError {
    match fault {
        RedirectFault::One { uri, why } => errors::invalid(format!(
            "Invalid value specified for property 'redirectUris' of resource 'Application': '{uri}': {why}."
        )),
        RedirectFault::NotDistinct => errors::invalid("Redirect URIs must have distinct values."),
        RedirectFault::TooMany => {
            errors::invalid("The number of redirect URIs exceeds the limit of 256.")
        }
    }
}

fn guid(value: &Value) -> Option<Guid> {
    value.as_str()?.parse().ok()
}

fn required(value: &Value) -> Option<Vec<RequiredAccess>> {
    let mut all = Vec::new();
    for resource in value.as_array()? {
        let app_id = guid(&resource["resourceAppId"])?;
        for access in resource["resourceAccess"].as_array()? {
            all.push(RequiredAccess {
                resource: app_id,
                id: guid(&access["id"])?,
                kind: match access["type"].as_str()? {
                    "Scope" => AccessKind::Scope,
                    "Role" => AccessKind::Role,
                    _ => return None,
                },
            });
        }
    }
    Some(all)
}

fn offered_scopes(value: &Value) -> Option<Vec<DelegatedScope>> {
    let Some(scopes) = value.get("oauth2PermissionScopes") else {
        return Some(Vec::new());
    };
    let scope = |scope: &Value| {
        Some(DelegatedScope {
            id: guid(&scope["id"])?,
            value: scope["value"].as_str()?.to_owned(),
            consent: match scope["type"].as_str() {
                Some("Admin") => Consent::Admin,
                _ => Consent::User,
            },
            title: scope["adminConsentDisplayName"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        })
    };
    scopes.as_array()?.iter().map(scope).collect()
}

fn offered_roles(value: &Value) -> Option<Vec<AppRole>> {
    let role = |role: &Value| {
        Some(AppRole {
            id: guid(&role["id"])?,
            value: role["value"].as_str()?.to_owned(),
            title: role["displayName"].as_str().unwrap_or_default().to_owned(),
        })
    };
    value.as_array()?.iter().map(role).collect()
}

/// The certificates of a body: new ones bring their key, known ones are kept by their id.
fn certificates(application: &Application, value: &Value) -> Option<Vec<CertificateCredential>> {
    let one = |given: &Value| {
        let Some(key) = given["key"].as_str() else {
            let id = guid(&given["keyId"])?;
            let mut known = application.certificates.iter();
            return known.find(|known| known.key_id == id).cloned();
        };
        let is = |name: &str, expected: &str| given[name].is_null() || given[name] == expected;
        if !is("type", "AsymmetricX509Cert") || !is("usage", "Verify") {
            return None;
        }
        let name = given["displayName"].as_str().map(str::to_owned);
        CertificateCredential::read(key.as_bytes(), name).ok()
    };
    value.as_array()?.iter().map(one).collect()
}

fn certificate_on_the_wire(certificate: &CertificateCredential) -> Value {
    json!({
        "customKeyIdentifier": STANDARD.encode(certificate.sha1()),
        "displayName": certificate.display_name,
        "endDateTime": certificate.end,
        "key": null,
        "keyId": certificate.key_id,
        "startDateTime": certificate.start,
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    })
}

/// A registration on the wire.
fn object(application: &Application) -> Value {
    let mut resources: Vec<Guid> = application
        .required
        .iter()
        .map(|access| access.resource)
        .collect();
    resources.dedup();
    let required: Vec<Value> = resources
        .into_iter()
        .map(|resource| {
            let listed = application
                .required
                .iter()
                .filter(|access| access.resource == resource);
            let access: Vec<Value> = listed
                .map(|access| json!({"id": access.id, "type": access.kind}))
                .collect();
            json!({"resourceAppId": resource, "resourceAccess": access})
        })
        .collect();
    let passwords: Vec<Value> = application
        .passwords
        .iter()
        .map(|password| {
            json!({
                "customKeyIdentifier": null,
                "displayName": password.display_name,
                "endDateTime": password.end,
                "hint": password.hint,
                "keyId": password.key_id,
                "secretText": null,
                "startDateTime": password.start,
            })
        })
        .collect();
    json!({
        "id": application.id,
        "deletedDateTime": null,
        "appId": application.app_id,
        "createdDateTime": application.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "displayName": application.display_name,
        "description": null,
        "identifierUris": application.identifier_uris,
        "signInAudience": application.audience,
        "tags": [],
        "api": {"oauth2PermissionScopes": scopes_on_the_wire(&application.offers), "preAuthorizedApplications": []},
        "appRoles": roles_on_the_wire(&application.offers),
        "keyCredentials": application.certificates.iter().map(certificate_on_the_wire).collect::<Vec<_>>(),
        "passwordCredentials": passwords,
        "publicClient": {"redirectUris": application.public_redirects},
        "requiredResourceAccess": required,
        "web": {"redirectUris": application.web_redirects, "implicitGrantSettings": {"enableAccessTokenIssuance": false, "enableIdTokenIssuance": false}},
        "spa": {"redirectUris": []},
    })
}

/// Delegated permissions that a resource offers.
pub(crate) fn scopes_on_the_wire(offers: &Resource) -> Vec<Value> {
    let scopes = offers.scopes.iter();
    scopes
        .map(|scope| {
            json!({
                "adminConsentDescription": scope.title,
                "adminConsentDisplayName": scope.title,
                "id": scope.id,
                "isEnabled": true,
                "type": match scope.consent { Consent::User => "User", Consent::Admin => "Admin" },
                "userConsentDescription": scope.title,
                "userConsentDisplayName": scope.title,
                "value": scope.value,
            })
        })
        .collect()
}

/// Application permissions that a resource offers.
pub(crate) fn roles_on_the_wire(offers: &Resource) -> Vec<Value> {
    let roles = offers.roles.iter();
    roles
        .map(|role| {
            json!({
                "allowedMemberTypes": ["Application"],
                "description": role.title,
                "displayName": role.title,
                "id": role.id,
                "isEnabled": true,
                "origin": "Application",
                "value": role.value,
            })
        })
        .collect()
}
