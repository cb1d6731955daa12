//! The tenant: people, app registrations, service principals and what was consented to.
//!
//! People come from `users` (computed) with an overlay of what was changed or created; the
//! rest is a handful of records. Everything that changed is saved as one file of the data
//! directory. It knows nothing of HTTP, tokens or permission checks.

mod certificates;
mod consents;
mod groups;
mod people;
mod registering;
mod registrations;
mod seeded;
mod storage;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

pub(crate) use certificates::{CertificateCredential, CertificateFault, SignatureAlgorithm, hex};
pub(crate) use groups::Group;
pub(crate) use people::{People, Position};
pub(crate) use registering::RedirectFault;
pub(crate) use registrations::{
    AccessKind, Application, Audience, PasswordCredential, PermissionGrant, Platform,
    RequiredAccess, RoleAssignment, ServicePrincipal,
};
pub(crate) use seeded::{REDIRECT_URI, Seeded};
pub(crate) use storage::{load, save};

use crate::guid::Guid;
use crate::permissions::{self, GRAPH, Resource};

/// The records of the tenant.
#[derive(Serialize, Deserialize)]
pub(crate) struct Tenant {
    /// The tenant's GUID.
    pub(crate) id: Guid,
    /// Users.
    pub(crate) people: People,
    /// App registrations by app id.
    pub(crate) applications: BTreeMap<Guid, Application>,
    /// Service principals by app id.
    pub(crate) principals: BTreeMap<Guid, ServicePrincipal>,
    /// Delegated consents by id.
    pub(crate) grants: BTreeMap<String, PermissionGrant>,
    /// Application permissions given, by id.
    pub(crate) assignments: BTreeMap<String, RoleAssignment>,
    /// Groups by id.
    #[serde(default)]
    pub(crate) groups: BTreeMap<Guid, Group>,
    /// Refresh tokens and sessions from before this moment (of the wall clock) are dead.
    pub(crate) valid_from: HashMap<Guid, Timestamp>,
}

impl Tenant {
    /// The registration with this app id.
    pub(crate) fn application(&self, app_id: Guid) -> Option<&Application> {
        self.applications.get(&app_id)
    }

    /// The app id of the registration with this object id.
    pub(crate) fn application_key(&self, object_id: Guid) -> Option<Guid> {
        self.applications
            .values()
            .find(|application| application.id == object_id)
            .map(|application| application.app_id)
    }

    /// The service principal with this object id.
    pub(crate) fn principal_by_object(&self, object_id: Guid) -> Option<&ServicePrincipal> {
        self.principals
            .values()
            .find(|principal| principal.id == object_id)
    }

    /// What the API with this app id offers.
    pub(crate) fn resource(&self, app_id: Guid) -> Option<&Resource> {
        if app_id == GRAPH {
            return Some(permissions::graph());
        }
        Some(&self.applications.get(&app_id)?.offers)
    }

    /// The object id of an app's service principal, which is made if there is none.
    pub(crate) fn ensure_principal(&mut self, app_id: Guid) -> Guid {
        let name = self
            .applications
            .get(&app_id)
            .map(|application| application.display_name.clone())
            .unwrap_or_default();
        self.principals
            .entry(app_id)
            .or_insert_with(|| ServicePrincipal {
                id: Guid::random(),
                app_id,
                display_name: name,
            })
            .id
    }

    /// Removes a service principal and what it was given or gave.
    pub(crate) fn remove_principal(&mut self, app_id: Guid) {
        if let Some(principal) = self.principals.remove(&app_id) {
            let id = principal.id;
            self.grants
                .retain(|_, grant| grant.client != id && grant.resource != id);
            self.assignments
                .retain(|_, given| given.principal != id && given.resource != id);
        }
    }

    /// Removes a registration with its service principal.
    pub(crate) fn remove_application(&mut self, app_id: Guid) {
        self.applications.remove(&app_id);
        self.remove_principal(app_id);
    }

    /// Ends a user's sessions and kills the refresh tokens from before this moment.
    pub(crate) fn revoke_sessions(&mut self, user: Guid, wall: Timestamp) {
        self.valid_from.insert(user, wall);
    }

    /// The names an app may use on a resource for a user: consented for everybody or by the user.
    pub(crate) fn granted(&self, app_id: Guid, resource: Guid, user: Guid) -> BTreeSet<String> {
        let (Some(client), Some(resource)) =
            (self.principals.get(&app_id), self.principals.get(&resource))
        else {
            return BTreeSet::new();
        };
        self.grants
            .values()
            .filter(|grant| grant.client == client.id && grant.resource == resource.id)
            .filter(|grant| grant.principal.is_none_or(|principal| principal == user))
            .flat_map(|grant| grant.scope.split_whitespace().map(str::to_owned))
            .collect()
    }

    /// Records a delegated consent; `principal` `None` means everybody in the tenant.
    pub(crate) fn grant(
        &mut self,
        app_id: Guid,
        resource: Guid,
        principal: Option<Guid>,
        names: impl IntoIterator<Item = String>,
    ) {
        let client = self.ensure_principal(app_id);
        let resource = self.ensure_principal(resource);
        let existing = self.grants.values_mut().find(|grant| {
            grant.client == client && grant.resource == resource && grant.principal == principal
        });
        if let Some(grant) = existing {
            for name in names {
                if !grant.scope.split_whitespace().any(|known| known == name) {
                    grant.scope.push(' ');
                    grant.scope.push_str(&name);
                }
            }
            return;
        }
        let scope: Vec<String> = names.into_iter().collect();
        if scope.is_empty() {
            return;
        }
        let grant = PermissionGrant::new(client, resource, principal, scope.join(" "));
        self.grants.insert(grant.id.clone(), grant);
    }

    /// Gives an application permission to an app, once.
    pub(crate) fn assign(&mut self, app_id: Guid, resource: Guid, role: Guid, now: Timestamp) {
        let principal = self.ensure_principal(app_id);
        let resource = self.ensure_principal(resource);
        let exists = self.assignments.values().any(|assignment| {
            assignment.principal == principal
                && assignment.resource == resource
                && assignment.role == role
        });
        if !exists {
            let assignment = RoleAssignment::new(principal, resource, role, now);
            self.assignments.insert(assignment.id.clone(), assignment);
        }
    }

    /// Records an administrator's consent to everything that a registration lists.
    pub(crate) fn consent_to_registration(&mut self, app_id: Guid, now: Timestamp) {
        let Some(application) = self.applications.get(&app_id) else {
            return;
        };
        let required = application.required.clone();
        self.ensure_principal(app_id);
        for access in required {
            let Some(resource) = self.resource(access.resource) else {
                continue;
            };
            match access.kind {
                AccessKind::Scope => {
                    if let Some(scope) = resource.scope_by_id(access.id) {
                        let name = scope.value.clone();
                        self.grant(app_id, access.resource, None, [name]);
                    }
                }
                AccessKind::Role => {
                    if resource.role(access.id).is_some() {
                        self.assign(app_id, access.resource, access.id, now);
                    }
                }
            }
        }
    }

    /// The names of the application permissions an app has on a resource.
    pub(crate) fn roles(&self, app_id: Guid, resource: Guid) -> Vec<String> {
        let (Some(client), Some(target), Some(offers)) = (
            self.principals.get(&app_id),
            self.principals.get(&resource),
            self.resource(resource),
        ) else {
            return Vec::new();
        };
        self.assignments
            .values()
            .filter(|given| given.principal == client.id && given.resource == target.id)
            .filter_map(|given| Some(offers.role(given.role)?.value.clone()))
            .collect()
    }
}

/// The tenant behind a lock; writing marks it for saving.
pub(crate) struct Directory {
    tenant: RwLock<Tenant>,
    changed: Arc<Notify>,
}

/// Leave to change the tenant; what was changed is saved after it is dropped.
pub(crate) struct Changing<'a> {
    tenant: RwLockWriteGuard<'a, Tenant>,
    changed: &'a Notify,
}

impl Directory {
    /// A directory around its records.
    pub(crate) fn new(tenant: Tenant) -> Directory {
        Directory {
            tenant: RwLock::new(tenant),
            changed: Arc::new(Notify::new()),
        }
    }

    /// Looks at the tenant. The guard must not be held across an await.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Tenant> {
        // Changes are made field by field from parsed values: a poisoned tenant is still whole.
        self.tenant.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the tenant. The guard must not be held across an await.
    pub(crate) fn write(&self) -> Changing<'_> {
        Changing {
            tenant: self.tenant.write().unwrap_or_else(PoisonError::into_inner),
            changed: &self.changed,
        }
    }

    /// Waits until something was changed since the last time.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}

impl Deref for Changing<'_> {
    type Target = Tenant;

    fn deref(&self) -> &Tenant {
        &self.tenant
    }
}

impl DerefMut for Changing<'_> {
    fn deref_mut(&mut self) -> &mut Tenant {
        &mut self.tenant
    }
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        self.changed.notify_one();
    }
}
