//! The tenant itself: its organization, its domains, and the licences that it bought.

use axum::http::Method;
use serde_json::json;

use super::access::Need;
use super::{Call, Outcome, Reply, collection, errors, query};
use crate::users::{DOMAIN, TENANT_NAME};

pub(super) fn organization(call: &Call, rest: &[&str]) -> Reply {
    let readers = [
        "Organization.Read.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ];
    let delegated: Vec<&str> = ["User.Read"].into_iter().chain(readers).collect();
    if call.method != Method::GET {
        return Err(errors::wrong_method());
    }
    call.caller.require(Need::Anybody, &delegated, &readers)?;
    let tenant = call.world.tenant;
    let mut organization = json!({
        "id": tenant,
        "deletedDateTime": null,
        "countryLetterCode": "US",
        "displayName": TENANT_NAME,
        "tenantType": "AAD",
        "verifiedDomains": [{"capabilities": "Email, OfficeCommunicationsOnline", "isDefault": true, "isInitial": true, "name": DOMAIN, "type": "Managed"}],
    });
    match rest {
        [] => Ok(collection(
            &call.context("organization"),
            None,
            None,
            vec![organization],
        )),
        [id] if id.parse() == Ok(tenant) => {
            let context = json!(call.context("organization/$entity"));
            if let Some(map) = organization.as_object_mut() {
                map.shift_insert(0, "@odata.context".to_owned(), context);
            }
            Ok(Outcome::Found(organization))
        }
        [id, ..] => Err(errors::not_found(id)),
    }
}

pub(super) fn domains(call: &Call) -> Reply {
    if call.method != Method::GET {
        return Err(errors::wrong_method());
    }
    let readers = [
        "Domain.Read.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ];
    call.caller.require(Need::Member, &readers, &readers)?;
    let domain = json!({"id": DOMAIN, "authenticationType": "Managed", "isDefault": true, "isInitial": true, "isRoot": true, "isVerified": true, "supportedServices": ["Email"]});
    Ok(collection(
        &call.context("domains"),
        None,
        None,
        vec![domain],
    ))
}

/// What the tenant bought, and how much of it is used: every member has one licence of the first.
pub(super) fn licences(call: &Call) -> Reply {
    if call.method != Method::GET {
        return Err(errors::wrong_method());
    }
    let readers = [
        "Organization.Read.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ];
    call.caller.require(Need::Member, &readers, &readers)?;
    let tenant = call.world.tenant;
    let people = call.world.directory.read().people.count();
    let licence = |id: &str, name: &str, bought: usize, used: usize| {
        json!({
            "capabilityStatus": "Enabled",
            "consumedUnits": used,
            "id": format!("{tenant}_{id}"),
            "skuId": id,
            "skuPartNumber": name,
            "appliesTo": "User",
            "prepaidUnits": {"enabled": bought, "suspended": 0, "warning": 0, "lockedOut": 0},
            "servicePlans": [],
        })
    };
    let bought = people.div_ceil(10) * 10;
    let value = vec![
        licence(
            "05e9a617-0261-4cee-bb44-138d3ef5d965",
            "SPE_E3",
            bought,
            people,
        ),
        licence(
            "078d2b04-f1bd-4111-bbd4-b4b1b354cef4",
            "AAD_PREMIUM",
            20,
            20,
        ),
    ];
    let (page, next) = query::page_of(&call.query, &call.url(), "subscribedSku", value)?;
    Ok(collection(
        &call.context("subscribedSkus"),
        None,
        next,
        page,
    ))
}
