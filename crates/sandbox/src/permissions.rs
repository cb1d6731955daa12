//! What Microsoft Graph offers to apps: delegated scopes and application roles with their
//! well-known GUIDs, who may consent to them, and words for the consent page (our own).
//!
//! The part of the catalogue that the stand-in's own paths need, and a few names that people
//! ask for often. A custom API describes itself with the same types.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::guid::Guid;

/// The app id of Microsoft Graph.
pub(crate) const GRAPH: Guid = Guid::well_known(0x0000_0003_0000_0000_c000_0000_0000_0000);
/// The resource identifier of Microsoft Graph.
pub(crate) const GRAPH_URI: &str = "https://graph.microsoft.com";

/// An API that apps ask tokens for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Resource {
    pub(crate) scopes: Vec<DelegatedScope>,
    pub(crate) roles: Vec<AppRole>,
}

/// A delegated permission.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DelegatedScope {
    pub(crate) id: Guid,
    pub(crate) value: String,
    pub(crate) consent: Consent,
    pub(crate) title: String,
}

/// An application permission.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AppRole {
    pub(crate) id: Guid,
    pub(crate) value: String,
    pub(crate) title: String,
}

/// Who may consent to a delegated permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Consent {
    User,
    Admin,
}

impl Resource {
    /// The scope of this name, whatever its case.
    pub(crate) fn scope(&self, value: &str) -> Option<&DelegatedScope> {
        self.scopes
            .iter()
            .find(|scope| scope.value.eq_ignore_ascii_case(value))
    }

    /// The scope with this id.
    pub(crate) fn scope_by_id(&self, id: Guid) -> Option<&DelegatedScope> {
        self.scopes.iter().find(|scope| scope.id == id)
    }

    /// The role with this id.
    pub(crate) fn role(&self, id: Guid) -> Option<&AppRole> {
        self.roles.iter().find(|role| role.id == id)
    }
}

/// Microsoft Graph as a resource.
pub(crate) fn graph() -> &'static Resource {
    static GRAPH_RESOURCE: OnceLock<Resource> = OnceLock::new();
    GRAPH_RESOURCE.get_or_init(|| {
        let mut resource = Resource::default();
        for &(value, scope, role, consent, title) in CATALOGUE {
            let guid = |text: &str| text.parse().ok();
            resource.scopes.extend(guid(scope).map(|id| DelegatedScope {
                id,
                value: value.to_owned(),
                consent,
                title: title.to_owned(),
            }));
            resource.roles.extend(guid(role).map(|id| AppRole {
                id,
                value: value.to_owned(),
                title: title.to_owned(),
            }));
        }
        resource
    })
}

/// Name, delegated GUID, application GUID (empty: there is none), who may consent to the
/// delegated one, words.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    Consent,
    &'static str,
);

const CATALOGUE: &[Row] = &[
    (
        "openid",
        "37f7f235-527c-4136-accd-4a02d197296e",
        "",
        Consent::User,
        "Sign you in",
    ),
    (
        "profile",
        "14dad69e-099b-42c9-810b-d002981feec1",
        "",
        Consent::User,
        "See your basic profile",
    ),
    (
        "email",
        "64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0",
        "",
        Consent::User,
        "See your email address",
    ),
    (
        "offline_access",
        "7427e0e9-2fba-42fe-b0c0-848c9e6a8182",
        "",
        Consent::User,
        "Maintain access to data you have given it access to",
    ),
    (
        "User.Read",
        "e1fe6dd8-ba31-4d61-89e7-88639da4683d",
        "",
        Consent::User,
        "Sign you in and read your profile",
    ),
    (
        "User.ReadWrite",
        "b4e74841-8e56-480b-be8b-910348b18b4c",
        "",
        Consent::User,
        "Read and update your profile",
    ),
    (
        "User.ReadBasic.All",
        "b340eb25-3456-403f-be2f-af7a0d370277",
        "97235f07-e226-4f63-ace3-39588e11d3a1",
        Consent::User,
        "Read the basic profiles of all users",
    ),
    (
        "User.Read.All",
        "a154be20-db9c-4678-8ab7-66f6cc099a59",
        "df021288-bdef-4463-88db-98f22de89214",
        Consent::Admin,
        "Read the full profiles of all users",
    ),
    (
        "User.ReadWrite.All",
        "204e0828-b5ca-4ad8-b9f3-f32a958e7cc4",
        "741f803b-c850-494e-b5df-cde7c675a1ca",
        Consent::Admin,
        "Read and update the full profiles of all users",
    ),
    (
        "User.RevokeSessions.All",
        "fc30e98b-8810-4501-81f5-c20a3196387b",
        "77f3a031-c388-4f99-b373-dc68676a979e",
        Consent::Admin,
        "Revoke the sign-in sessions of users",
    ),
    (
        "User.DeleteRestore.All",
        "4bb440cd-2cf2-4f90-8004-aa2acd2537c5",
        "eccc023d-eccf-4e7b-9683-8813ab36cecc",
        Consent::Admin,
        "Delete and restore users",
    ),
    (
        "GroupMember.Read.All",
        "bc024368-1153-4739-b217-4326f2e966d0",
        "98830695-27a2-44f7-8c18-0c3ebc9698f6",
        Consent::Admin,
        "Read the memberships of groups",
    ),
    (
        "Group.Read.All",
        "5f8c59db-677d-491f-a6b8-5f174b11ec1d",
        "5b567255-7703-4780-807c-7be8301ae99b",
        Consent::Admin,
        "Read all groups",
    ),
    (
        "Group.ReadWrite.All",
        "4e46008b-f24c-477d-8fff-7bb4ec7aafe0",
        "62a82d76-70ea-41e2-9197-370581804d09",
        Consent::Admin,
        "Read and change all groups",
    ),
    (
        "Group.Create",
        "",
        "bf7b1a76-6e77-406b-b258-bf5c7720e98f",
        Consent::Admin,
        "Create groups",
    ),
    (
        "Directory.Read.All",
        "06da0dbc-49e2-44d2-8312-53f166ab848a",
        "7ab1d382-f21e-4acd-a863-ba3e13f7da61",
        Consent::Admin,
        "Read the directory",
    ),
    (
        "Directory.ReadWrite.All",
        "c5366453-9fb0-48a5-a156-24f0c49a4b84",
        "19dbc75e-c2e2-444c-a770-ec69d8559fc7",
        Consent::Admin,
        "Read and change the directory",
    ),
    (
        "Application.Read.All",
        "c79f8feb-a9db-4090-85f9-90d820caa0eb",
        "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
        Consent::Admin,
        "Read app registrations and service principals",
    ),
    (
        "Application.ReadWrite.All",
        "bdfbf15f-ee85-4955-8675-146e8e5296b5",
        "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9",
        Consent::Admin,
        "Read and change app registrations and service principals",
    ),
    (
        "Application.ReadWrite.OwnedBy",
        "",
        "18a4783c-866b-4cc7-a460-3d5e5662c884",
        Consent::Admin,
        "Manage the apps that this app creates",
    ),
    (
        "AppRoleAssignment.ReadWrite.All",
        "84bccea3-f856-4a8a-967b-dbe0a3d53a64",
        "06b708a9-e830-4db3-a914-8e69da51d44f",
        Consent::Admin,
        "Grant application permissions to any app",
    ),
    (
        "DelegatedPermissionGrant.ReadWrite.All",
        "41ce6ca6-6826-4807-84f1-1c82854f7ee5",
        "8e8e4742-1d95-4f68-9d56-6ee75648c72a",
        Consent::Admin,
        "Manage delegated permission grants",
    ),
    (
        "Organization.Read.All",
        "4908d5b9-3fb2-4b1e-9336-1888b7937185",
        "498476ce-e0fe-48b0-b801-37ba7e2685c6",
        Consent::Admin,
        "Read information about the organization",
    ),
    (
        "Domain.Read.All",
        "2f9ee017-59c1-4f1d-9472-bd5529a7b311",
        "dbb9058a-0e50-45d7-ae91-66909b5d4664",
        Consent::Admin,
        "Read the domains of the organization",
    ),
    (
        "Mail.Read",
        "570282fd-fa5c-430d-a7fd-fc8dc98a9dca",
        "810c84a8-4a9e-49e6-bf7d-12d183f40d01",
        Consent::User,
        "Read your mail",
    ),
    (
        "Mail.Send",
        "e383f46e-2787-4529-855e-0e479a3ffac0",
        "b633e1c5-b582-4048-a93e-9f11b44c7e96",
        Consent::User,
        "Send mail as you",
    ),
    (
        "Calendars.Read",
        "465a38f9-76ea-45b9-9f34-9e8b0d4b0b42",
        "798ee544-9d2d-430c-a058-570e29e34338",
        Consent::User,
        "Read your calendars",
    ),
    (
        "Files.Read",
        "10465720-29dd-4523-a11a-6a75c743c9d9",
        "",
        Consent::User,
        "Read your files",
    ),
    (
        "Sites.Read.All",
        "205e70e5-aba6-4c52-a976-6d2d46c48043",
        "332a536c-c7ef-4017-ab91-336970924f0d",
        Consent::User,
        "Read items in all site collections",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_guid_of_the_catalogue_is_one() {
        let expected = CATALOGUE.iter().filter(|row| !row.1.is_empty()).count();
        assert_eq!(graph().scopes.len(), expected);
        let expected = CATALOGUE.iter().filter(|row| !row.2.is_empty()).count();
        assert_eq!(graph().roles.len(), expected);
    }

    #[test]
    fn names_ignore_case() {
        assert_eq!(
            graph().scope("user.read.all").unwrap().value,
            "User.Read.All"
        );
        assert!(graph().scope("user.real.all").is_none());
    }
}
