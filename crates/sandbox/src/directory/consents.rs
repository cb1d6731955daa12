//! An administrator's consent, seen permission by permission: what is granted to an app for
//! everybody, and taking it back. Users' own consents are not touched.

use super::{AccessKind, RequiredAccess, Tenant};
use crate::guid::Guid;

impl Tenant {
    /// The permissions that an administrator granted to an app for everybody, listed by its
    /// registration or not.
    pub(crate) fn granted_for_everybody(&self, app_id: Guid) -> Vec<RequiredAccess> {
        let Some(client) = self.principals.get(&app_id) else {
            return Vec::new();
        };
        let app_of = |object: Guid| Some(self.principal_by_object(object)?.app_id);
        let mut all = Vec::new();
        for grant in self.grants.values() {
            if grant.client != client.id || grant.principal.is_some() {
                continue;
            }
            let resource = app_of(grant.resource);
            let offers = resource.and_then(|resource| self.resource(resource));
            let (Some(resource), Some(offers)) = (resource, offers) else {
                continue;
            };
            let scopes = grant.scope.split_whitespace();
            all.extend(
                scopes
                    .filter_map(|name| offers.scope(name))
                    .map(|scope| RequiredAccess {
                        resource,
                        id: scope.id,
                        kind: AccessKind::Scope,
                    }),
            );
        }
        let given = self.assignments.values();
        all.extend(
            given
                .filter(|given| given.principal == client.id)
                .filter_map(|given| {
                    Some(RequiredAccess {
                        resource: app_of(given.resource)?,
                        id: given.role,
                        kind: AccessKind::Role,
                    })
                }),
        );
        all
    }

    /// Takes back what an administrator granted to an app for everybody.
    pub(crate) fn withdraw(&mut self, app_id: Guid, access: &RequiredAccess) {
        let (Some(client), Some(target)) = (
            self.principals.get(&app_id).map(|principal| principal.id),
            self.principals
                .get(&access.resource)
                .map(|principal| principal.id),
        ) else {
            return;
        };
        if access.kind == AccessKind::Role {
            self.assignments.retain(|_, given| {
                (given.principal, given.resource, given.role) != (client, target, access.id)
            });
            return;
        }
        let offers = self.resource(access.resource);
        let Some(scope) = offers.and_then(|offers| offers.scope_by_id(access.id)) else {
            return;
        };
        let withdrawn = scope.value.clone();
        self.grants.retain(|_, grant| {
            if grant.client != client || grant.resource != target || grant.principal.is_some() {
                return true;
            }
            let left = grant.scope.split_whitespace();
            let left: Vec<&str> = left.filter(|name| *name != withdrawn).collect();
            grant.scope = left.join(" ");
            !grant.scope.is_empty()
        });
    }
}
