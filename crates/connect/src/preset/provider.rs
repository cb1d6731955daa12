//! What a ready-made provider is: where it is, and what it wants otherwise than the standard has it. One file each holds the data.

use store::{PresetName, ScopePlace};
use url::Url;

use super::{github, google, keycloak, okta, salesforce};

/// A ready-made provider.
pub(crate) struct Provider {
    pub(crate) name: PresetName,
    /// What people call it.
    pub(crate) title: &'static str,
    pub(crate) place: Place,
    /// What each authorization request there needs beside the protocol's own.
    pub(crate) authorize_parameters: &'static [(&'static str, &'static str)],
    /// Where a request with an assertion writes its scope.
    pub(crate) scope_place: ScopePlace,
}

/// Where a provider is.
pub(crate) enum Place {
    /// At addresses that this program vouches for, or with the same paths on an origin of somebody's own.
    Known(Known),
    /// At an issuer that a person names; its metadata say the rest.
    Issuer(Issuer),
}

/// A provider's own addresses.
pub(crate) struct Known {
    pub(crate) authorization: &'static str,
    pub(crate) token: &'static str,
    pub(crate) device: Option<&'static str>,
    /// Where its API is; without one, the token says so.
    pub(crate) api: Option<&'static str>,
    /// The API's path on an origin of somebody's own.
    pub(crate) own_api: Option<&'static str>,
    /// Whom assertions are meant for.
    pub(crate) audience: Audience,
    /// Where tokens are revoked (RFC 7009): a path on the token endpoint's origin.
    pub(crate) revocation: Option<&'static str>,
}

/// Whom assertions are meant for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    TokenEndpoint,
    /// The token endpoint's origin, without a slash behind it.
    Origin,
}

/// How a provider with issuers lays out its addresses.
pub(crate) struct Issuer {
    /// What is added where a person gives an origin alone.
    pub(crate) path: &'static str,
    /// The API's base URL, from the issuer.
    pub(crate) api: fn(&Url) -> Option<Url>,
}

static ALL: [&Provider; 5] = [
    &github::PROVIDER,
    &google::PROVIDER,
    &keycloak::PROVIDER,
    &okta::PROVIDER,
    &salesforce::PROVIDER,
];

/// All ready-made providers but Microsoft's, which has clouds.
pub(crate) fn all() -> impl Iterator<Item = &'static Provider> {
    ALL.into_iter()
}

/// The provider of a name.
pub(crate) fn find(name: &str) -> Option<&'static Provider> {
    all().find(|provider| provider.name.as_str() == name)
}

/// The provider that stored settings are of.
pub(crate) fn of(name: PresetName) -> Option<&'static Provider> {
    all().find(|provider| provider.name == name)
}

impl Provider {
    /// Whether its addresses are known beforehand.
    pub(crate) fn is_known(&self) -> bool {
        matches!(self.place, Place::Known(_))
    }
}

/// A provider's addresses, for one connection.
pub(crate) struct Addresses {
    pub(crate) authorization: Url,
    pub(crate) token: Url,
    pub(crate) device: Option<Url>,
    pub(crate) api: Option<Url>,
}

impl Known {
    /// The provider's own addresses, or those on somebody's own origin.
    pub(crate) fn at(&self, origin: Option<&Url>) -> Addresses {
        let api = match origin {
            Some(origin) => self.own_api.map(|path| below(origin, path)),
            None => self.api.map(constant),
        };
        let moved = |text: &str| {
            let url = constant(text);
            origin.map_or(url.clone(), |origin| below(origin, url.path()))
        };
        Addresses {
            authorization: moved(self.authorization),
            token: moved(self.token),
            device: self.device.map(moved),
            api,
        }
    }

    /// Where tokens of this token endpoint are revoked.
    pub(crate) fn revocation(&self, token_endpoint: &Url) -> Option<Url> {
        self.revocation.map(|path| below(token_endpoint, path))
    }

    /// Whom assertions for this token endpoint are meant for.
    pub(crate) fn audience(&self, token_endpoint: &Url) -> String {
        match self.audience {
            Audience::TokenEndpoint => token_endpoint.to_string(),
            Audience::Origin => token_endpoint.origin().ascii_serialization(),
        }
    }
}

fn constant(text: &str) -> Url {
    Url::parse(text).expect("a constant URL")
}

fn below(origin: &Url, path: &str) -> Url {
    let mut url = origin.clone();
    url.set_path(path);
    url.set_query(None);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_addresses_are_safe_and_move_together() {
        let own = Url::parse("https://own.contoso.example:8443").unwrap();
        for provider in all() {
            assert_eq!(find(provider.name.as_str()).unwrap().title, provider.title);
            let Place::Known(known) = &provider.place else {
                continue;
            };
            let (usual, moved) = (known.at(None), known.at(Some(&own)));
            for url in [&usual.authorization, &usual.token] {
                assert_eq!(url.scheme(), "https");
            }
            assert_eq!(usual.token.path(), moved.token.path());
            for url in [&moved.authorization, &moved.token] {
                assert_eq!(url.origin(), own.origin());
            }
        }
        assert!(find("microsoft-graph").is_none());
    }
}
