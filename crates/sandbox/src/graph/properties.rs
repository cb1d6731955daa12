//! The properties of a user: what exists, what is answered by default, what can be filtered.

use serde_json::{Map, Value, json};

use super::errors::{self, GraphError};
use super::filter::Operand;
use crate::users::{User, UserType};

/// What `GET /users` answers unless asked otherwise, in the order of the wire.
pub(crate) const DEFAULT: [&str; 11] = [
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
];

/// What User.ReadBasic.All lets see.
const BASIC: [&str; 6] = [
    "displayName",
    "givenName",
    "id",
    "mail",
    "surname",
    "userPrincipalName",
];

/// Whether and how a property can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filtering {
    /// Always.
    Plain,
    /// With `ConsistencyLevel: eventual` and `$count=true`.
    Advanced,
    /// Never.
    No,
}

use Filtering::{Advanced, No, Plain};

/// Every property that can be selected. Those that the sandbox does not keep are null.
const ALL: &[(&str, Filtering)] = &[
    ("id", Plain),
    ("businessPhones", Plain),
    ("displayName", Plain),
    ("givenName", Plain),
    ("jobTitle", Plain),
    ("mail", Plain),
    ("mobilePhone", Advanced),
    ("officeLocation", Advanced),
    ("preferredLanguage", Advanced),
    ("surname", Plain),
    ("userPrincipalName", Plain),
    ("accountEnabled", Plain),
    ("ageGroup", Advanced),
    ("assignedLicenses", No),
    ("assignedPlans", No),
    ("city", Plain),
    ("companyName", Advanced),
    ("country", Plain),
    ("createdDateTime", Plain),
    ("creationType", Advanced),
    ("department", Plain),
    ("employeeHireDate", Advanced),
    ("employeeId", Plain),
    ("employeeType", Advanced),
    ("externalUserState", Plain),
    ("faxNumber", Advanced),
    ("identities", No),
    ("imAddresses", No),
    ("lastPasswordChangeDateTime", No),
    ("mailNickname", Plain),
    ("onPremisesSyncEnabled", Plain),
    ("otherMails", Plain),
    ("passwordPolicies", No),
    ("postalCode", Advanced),
    ("proxyAddresses", Plain),
    ("showInAddressList", No),
    ("signInSessionsValidFromDateTime", No),
    ("state", Plain),
    ("streetAddress", Advanced),
    ("usageLocation", Plain),
    ("userType", Plain),
];

/// Which properties a caller may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visibility {
    Full,
    Basic,
}

/// The canonical name of a property and how it can be filtered.
pub(crate) fn find(name: &str) -> Option<(&'static str, Filtering)> {
    ALL.iter()
        .copied()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
}

/// The properties that `$select` names, canonical.
pub(crate) fn selected(select: Option<&[String]>) -> Result<Vec<&'static str>, GraphError> {
    let Some(names) = select else {
        return Ok(DEFAULT.to_vec());
    };
    names
        .iter()
        .map(|name| {
            find(name)
                .map(|(name, _)| name)
                .ok_or_else(|| errors::property_unknown(name, "user"))
        })
        .collect()
}

/// A user as an object with some properties.
pub(crate) fn object(user: &User, names: &[&str], visibility: Visibility) -> Value {
    let mut map = Map::new();
    for name in names {
        let visible = visibility == Visibility::Full || BASIC.contains(name);
        let value = if visible {
            value(user, name)
        } else {
            Value::Null
        };
        map.insert((*name).to_owned(), value);
    }
    Value::Object(map)
}

/// One property of a user.
pub(crate) fn value(user: &User, name: &str) -> Value {
    match name {
        "id" => json!(user.id),
        "businessPhones" => json!(user.business_phones),
        "displayName" => json!(user.display_name),
        "givenName" => json!(user.given_name),
        "jobTitle" => json!(user.job_title),
        "mail" => json!(user.mail),
        "mobilePhone" => json!(user.mobile_phone),
        "officeLocation" => json!(user.office_location),
        "preferredLanguage" => json!(user.preferred_language),
        "surname" => json!(user.surname),
        "userPrincipalName" => json!(user.principal_name),
        "accountEnabled" => json!(user.account_enabled),
        "companyName" => json!(user.company_name),
        "createdDateTime" => json!(user.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        "creationType" | "externalUserState" if user.kind == UserType::Guest => {
            json!(if name == "creationType" {
                "Invitation"
            } else {
                "Accepted"
            })
        }
        "department" => json!(user.department),
        "employeeId" => json!(user.employee_id),
        "mailNickname" => json!(user.mail_nickname),
        "usageLocation" => json!(user.usage_location),
        "userType" => json!(user.kind),
        "assignedLicenses" | "assignedPlans" | "identities" | "imAddresses" | "otherMails" => {
            json!([])
        }
        "proxyAddresses" => match &user.mail {
            Some(mail) => json!([format!("SMTP:{mail}")]),
            None => json!([]),
        },
        _ => Value::Null,
    }
}

/// One property of a user for a filter; `name` is canonical.
pub(crate) fn operand(user: &User, name: &str) -> Operand {
    super::query::operand_of(value(user, name))
}
