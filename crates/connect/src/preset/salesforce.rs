//! Salesforce: at its login host, at `https://test.salesforce.com` for sandboxes, or at an organization's My Domain.
//!
//! Which host has the account's data comes with each token (`instance_url`); `instance.rs` takes it over where it may.

use store::{PresetName, ScopePlace};

use super::provider::{Audience, Known, Place, Provider};

pub(super) static PROVIDER: Provider = Provider {
    name: PresetName::Salesforce,
    title: "Salesforce",
    place: Place::Known(Known {
        authorization: "https://login.salesforce.com/services/oauth2/authorize",
        token: "https://login.salesforce.com/services/oauth2/token",
        device: None,
        api: None,
        own_api: None,
        audience: Audience::Origin,
        revocation: Some("/services/oauth2/revoke"),
    }),
    authorize_parameters: &[],
    scope_place: ScopePlace::Parameter,
};
