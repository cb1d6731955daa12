//! GitHub: OAuth apps, and GitHub Enterprise on an origin of one's own.
//!
//! Its tokens say nothing of an end and come without a refresh token, unless the app has them expire; errors come with status 200.

use store::{PresetName, ScopePlace};

use super::provider::{Audience, Known, Place, Provider};

pub(super) static PROVIDER: Provider = Provider {
    name: PresetName::GitHub,
    title: "GitHub",
    place: Place::Known(Known {
        authorization: "https://github.com/login/oauth/authorize",
        token: "https://github.com/login/oauth/access_token",
        device: Some("https://github.com/login/device/code"),
        api: Some("https://api.github.com"),
        own_api: Some("/api/v3"),
        audience: Audience::TokenEndpoint,
        // GitHub has a call of its own for that, and no endpoint of RFC 7009.
        revocation: None,
    }),
    authorize_parameters: &[],
    scope_place: ScopePlace::Parameter,
};
