//! Keycloak: the realm is the issuer, `https://host/realms/NAME`; the API is the realm's own administration.

use store::{PresetName, ScopePlace};
use url::Url;

use super::provider::{Issuer, Place, Provider};

pub(super) static PROVIDER: Provider = Provider {
    name: PresetName::Keycloak,
    title: "Keycloak",
    place: Place::Issuer(Issuer {
        path: "/realms/master",
        api,
    }),
    authorize_parameters: &[],
    scope_place: ScopePlace::Parameter,
};

/// `…/realms/NAME` has its administration at `…/admin/realms/NAME`, also below `/auth`, where it was once.
fn api(issuer: &Url) -> Option<Url> {
    let (before, realm) = issuer
        .path()
        .trim_end_matches('/')
        .rsplit_once("/realms/")?;
    issuer.join(&format!("{before}/admin/realms/{realm}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_administration_of_a_realm() {
        for (issuer, expected) in [
            (
                "https://id.contoso.example/realms/people",
                Some("https://id.contoso.example/admin/realms/people"),
            ),
            (
                "https://id.contoso.example/auth/realms/people/",
                Some("https://id.contoso.example/auth/admin/realms/people"),
            ),
            ("https://id.contoso.example/people", None),
        ] {
            let seen = api(&Url::parse(issuer).unwrap());
            assert_eq!(seen.as_ref().map(Url::as_str), expected, "{issuer}");
        }
    }
}
