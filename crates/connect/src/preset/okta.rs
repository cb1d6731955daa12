//! Okta: an organization's authorization server; the one called `default`, if only the organization's address is given.

use store::{PresetName, ScopePlace};
use url::Url;

use super::provider::{Issuer, Place, Provider};

pub(super) static PROVIDER: Provider = Provider {
    name: PresetName::Okta,
    title: "Okta",
    place: Place::Issuer(Issuer {
        path: "/oauth2/default",
        api,
    }),
    authorize_parameters: &[],
    scope_place: ScopePlace::Parameter,
};

/// Okta's own API, beside the authorization servers.
fn api(issuer: &Url) -> Option<Url> {
    issuer.join("/api/v1").ok()
}
