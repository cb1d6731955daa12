//! What a fresh tenant holds besides its users: Microsoft Graph's service principal, the
//! confidential app of `sandbox.json`, the administrator's public client, and one custom API.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::{
    AccessKind, Application, Audience, PasswordCredential, People, RequiredAccess,
    ServicePrincipal, Tenant,
};
use crate::guid::Guid;
use crate::permissions::{self, AppRole, Consent, DelegatedScope, GRAPH, Resource};
use crate::users::Generator;

/// The seeded redirect URI of the confidential app; any port matches.
pub(crate) const REDIRECT_URI: &str = "http://localhost/oauth/callback/microsoft-graph";

/// The ids that depend on the seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seeded {
    /// The tenant.
    pub(crate) tenant: Guid,
    /// Client id of the confidential app.
    pub(crate) app: Guid,
    /// Client id of the administrator's public client.
    pub(crate) admin_client: Guid,
    /// App id of the custom API.
    pub(crate) api: Guid,
}

impl Seeded {
    /// The ids of a seed.
    pub(crate) fn new(users: &Generator) -> Seeded {
        Seeded {
            tenant: users.named_guid("tenant"),
            app: users.named_guid("app"),
            admin_client: users.named_guid("admin client"),
            api: users.named_guid("api"),
        }
    }

    /// A fresh tenant.
    pub(crate) fn tenant(self, users: Generator, client_secret: &str, now: Timestamp) -> Tenant {
        let mut tenant = Tenant {
            id: self.tenant,
            people: People::new(users),
            applications: BTreeMap::new(),
            principals: BTreeMap::new(),
            grants: BTreeMap::new(),
            assignments: BTreeMap::new(),
            groups: BTreeMap::new(),
            valid_from: HashMap::new(),
        };
        let graph = ServicePrincipal {
            id: users.named_guid("graph principal"),
            app_id: GRAPH,
            display_name: "Microsoft Graph".to_owned(),
        };
        tenant.principals.insert(GRAPH, graph);
        for application in [
            self.app(&users, client_secret, now),
            self.admin_client(&users, now),
            self.api(&users, now),
        ] {
            tenant.principals.insert(
                application.app_id,
                ServicePrincipal {
                    id: users.named_guid(&format!("principal of {}", application.app_id)),
                    app_id: application.app_id,
                    display_name: application.display_name.clone(),
                },
            );
            tenant.applications.insert(application.app_id, application);
        }
        for app_id in [self.app, self.admin_client] {
            tenant.consent_to_registration(app_id, now);
        }
        tenant
    }

    fn app(self, users: &Generator, client_secret: &str, now: Timestamp) -> Application {
        let mut required = scopes(&[
            "User.Read",
            "User.Read.All",
            "offline_access",
            "openid",
            "profile",
        ]);
        required.extend(role("User.Read.All"));
        let end = now
            .checked_add(SignedDuration::from_hours(24 * 730))
            .unwrap_or(Timestamp::MAX);
        Application {
            web_redirects: vec![REDIRECT_URI.to_owned()],
            required,
            passwords: vec![PasswordCredential::new(
                client_secret,
                Some("seeded".to_owned()),
                now,
                end,
            )],
            ..registration(users, self.app, "Keyway (sandbox)", now)
        }
    }

    fn admin_client(self, users: &Generator, now: Timestamp) -> Application {
        Application {
            public_redirects: vec!["http://localhost".to_owned(), REDIRECT_URI.to_owned()],
            required: scopes(&[
                "User.Read",
                "Application.ReadWrite.All",
                "AppRoleAssignment.ReadWrite.All",
                "DelegatedPermissionGrant.ReadWrite.All",
                "offline_access",
                "openid",
                "profile",
            ]),
            ..registration(users, self.admin_client, "Sandbox administration", now)
        }
    }

    fn api(self, users: &Generator, now: Timestamp) -> Application {
        let scope = |value: &str, consent, title: &str| DelegatedScope {
            id: users.named_guid(value),
            value: value.to_owned(),
            consent,
            title: title.to_owned(),
        };
        Application {
            identifier_uris: vec![format!("api://{}", self.api)],
            offers: Resource {
                scopes: vec![
                    scope("Ledger.Read", Consent::User, "Read the ledger"),
                    scope("Ledger.Write", Consent::Admin, "Write to the ledger"),
                ],
                roles: vec![AppRole {
                    id: users.named_guid("Ledger.Read.All"),
                    value: "Ledger.Read.All".to_owned(),
                    title: "Read every ledger".to_owned(),
                }],
            },
            ..registration(users, self.api, "Contoso Ledger API", now)
        }
    }
}

fn registration(users: &Generator, app_id: Guid, name: &str, now: Timestamp) -> Application {
    Application {
        id: users.named_guid(&format!("object {app_id}")),
        app_id,
        display_name: name.to_owned(),
        audience: Audience::AzureADMyOrg,
        web_redirects: Vec::new(),
        public_redirects: Vec::new(),
        identifier_uris: Vec::new(),
        required: Vec::new(),
        passwords: Vec::new(),
        certificates: Vec::new(),
        offers: Resource::default(),
        created: now,
        owner: None,
    }
}

fn scopes(names: &[&str]) -> Vec<RequiredAccess> {
    names
        .iter()
        .filter_map(|name| permissions::graph().scope(name))
        .map(|scope| RequiredAccess {
            resource: GRAPH,
            id: scope.id,
            kind: AccessKind::Scope,
        })
        .collect()
}

fn role(name: &str) -> Option<RequiredAccess> {
    let role = permissions::graph()
        .roles
        .iter()
        .find(|role| role.value == name)?;
    Some(RequiredAccess {
        resource: GRAPH,
        id: role.id,
        kind: AccessKind::Role,
    })
}
