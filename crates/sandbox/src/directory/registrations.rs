//! App registrations, service principals, and the records of consent.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::CertificateCredential;
use crate::guid::Guid;
use crate::permissions::Resource;
use crate::seal;

/// An app registration (an RFC 6749 client).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Application {
    /// Object id.
    pub(crate) id: Guid,
    /// The client id.
    pub(crate) app_id: Guid,
    pub(crate) display_name: String,
    pub(crate) audience: Audience,
    /// Redirect URIs of the web platform: a secret is needed.
    pub(crate) web_redirects: Vec<String>,
    /// Redirect URIs of the public client platform: no secret is allowed.
    pub(crate) public_redirects: Vec<String>,
    pub(crate) identifier_uris: Vec<String>,
    pub(crate) required: Vec<RequiredAccess>,
    pub(crate) passwords: Vec<PasswordCredential>,
    #[serde(default)]
    pub(crate) certificates: Vec<CertificateCredential>,
    /// What this app offers as an API of its own.
    pub(crate) offers: Resource,
    pub(crate) created: Timestamp,
    /// The user who registered it.
    pub(crate) owner: Option<Guid>,
}

/// Who can sign in to an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Audience {
    /// This tenant only.
    AzureADMyOrg,
    /// Any tenant.
    AzureADMultipleOrgs,
    /// Any tenant and personal accounts.
    AzureADandPersonalMicrosoftAccount,
    /// Personal accounts only.
    PersonalMicrosoftAccount,
}

/// The platform that a redirect URI is registered under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Platform {
    /// A confidential client.
    Web,
    /// A public client.
    Public,
}

/// One permission that a registration lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RequiredAccess {
    /// The app id of the resource.
    pub(crate) resource: Guid,
    /// The id of the scope or role.
    pub(crate) id: Guid,
    pub(crate) kind: AccessKind,
}

/// Delegated or application permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum AccessKind {
    Scope,
    Role,
}

/// A client secret: its digest only, the Value is shown once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PasswordCredential {
    /// The Secret ID.
    pub(crate) key_id: Guid,
    pub(crate) display_name: Option<String>,
    pub(crate) hint: String,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    digest: String,
}

impl PasswordCredential {
    /// The record of a secret whose Value is `value`.
    pub(crate) fn new(
        value: &str,
        display_name: Option<String>,
        start: Timestamp,
        end: Timestamp,
    ) -> PasswordCredential {
        PasswordCredential {
            key_id: Guid::random(),
            display_name,
            hint: value.chars().take(3).collect(),
            start,
            end,
            digest: seal::sha256_text(value.as_bytes()),
        }
    }

    /// Whether `value` is this secret's Value.
    pub(crate) fn matches(&self, value: &str) -> bool {
        seal::equal(&self.digest, &seal::sha256_text(value.as_bytes()))
    }
}

impl Application {
    /// The platform under which this redirect URI is registered; `http://localhost` matches
    /// with any port.
    pub(crate) fn platform_of(&self, redirect_uri: &str) -> Option<Platform> {
        let given = without_port(redirect_uri);
        let matches =
            |registered: &String| registered == redirect_uri || without_port(registered) == given;
        if self.web_redirects.iter().any(matches) {
            Some(Platform::Web)
        } else if self.public_redirects.iter().any(matches) {
            Some(Platform::Public)
        } else {
            None
        }
    }

    /// The redirect URI used when a request names none.
    pub(crate) fn default_redirect(&self) -> Option<&str> {
        self.web_redirects
            .first()
            .or(self.public_redirects.first())
            .map(String::as_str)
    }

    /// Whether the registration lists a permission of this resource.
    pub(crate) fn requires(&self, resource: Guid) -> bool {
        self.required
            .iter()
            .any(|access| access.resource == resource)
    }
}

/// `http://localhost:1234/x` as `http://localhost/x`; everything else as it is.
fn without_port(uri: &str) -> String {
    const START: &str = "http://localhost";
    let Some(rest) = uri.strip_prefix(START) else {
        return uri.to_owned();
    };
    let path = rest.strip_prefix(':').map_or(rest, |rest| {
        rest.trim_start_matches(|c: char| c.is_ascii_digit())
    });
    match path.chars().next() {
        None => format!("{START}/"),
        Some('/') => format!("{START}{path}"),
        // Another host that only starts like this one, or user information.
        Some(_) => uri.to_owned(),
    }
}

/// The presence of an app in this tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ServicePrincipal {
    /// Object id.
    pub(crate) id: Guid,
    pub(crate) app_id: Guid,
    pub(crate) display_name: String,
}

/// A delegated consent (`oauth2PermissionGrant`).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PermissionGrant {
    pub(crate) id: String,
    /// Object id of the client's service principal.
    pub(crate) client: Guid,
    /// Object id of the resource's service principal.
    pub(crate) resource: Guid,
    /// The user; `None` for all principals.
    pub(crate) principal: Option<Guid>,
    /// Names, space separated.
    pub(crate) scope: String,
}

impl PermissionGrant {
    /// A grant with a fresh id.
    pub(crate) fn new(
        client: Guid,
        resource: Guid,
        principal: Option<Guid>,
        scope: String,
    ) -> Self {
        PermissionGrant {
            id: seal::random_text::<24>(),
            client,
            resource,
            principal,
            scope,
        }
    }
}

/// An application permission given to a service principal (`appRoleAssignment`).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RoleAssignment {
    pub(crate) id: String,
    pub(crate) principal: Guid,
    pub(crate) resource: Guid,
    pub(crate) role: Guid,
    pub(crate) created: Timestamp,
}

impl RoleAssignment {
    /// An assignment with a fresh id.
    pub(crate) fn new(principal: Guid, resource: Guid, role: Guid, created: Timestamp) -> Self {
        RoleAssignment {
            id: seal::random_text::<32>(),
            principal,
            resource,
            role,
            created,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(registered: &str, given: &str) -> bool {
        without_port(registered) == without_port(given)
    }

    #[test]
    fn localhost_matches_with_any_port() {
        assert!(check("http://localhost/cb", "http://localhost:8800/cb"));
        assert!(check("http://localhost:1/cb", "http://localhost:8800/cb"));
        assert!(check("http://localhost", "http://localhost:8800/"));
        assert!(!check("http://localhost/cb", "http://localhost:8800/CB"));
        assert!(!check(
            "http://localhost/cb",
            "http://localhost.evil.example/cb"
        ));
        assert!(!check(
            "http://localhost/@evil.example/cb",
            "http://localhost:1@evil.example/cb"
        ));
        assert!(!check(
            "http://localhost/.evil.example/cb",
            "http://localhost.evil.example/cb"
        ));
        assert!(!check("http://127.0.0.1:1/cb", "http://127.0.0.1:2/cb"));
        assert!(!check("https://localhost:1/cb", "https://localhost:2/cb"));
    }
}
