//! Ready-made providers as data, and which rules hold for a connection.

pub(crate) mod entra;
pub(crate) mod generic;
mod github;
pub(crate) mod google;
mod keycloak;
mod okta;
pub(crate) mod provider;
mod salesforce;

use std::sync::Arc;

use oauth::ScopeRule;
use store::{Authentication, Origin, PresetName, Settings};
use url::Url;

use crate::error::Error;
use crate::http::certificates;

/// A cloud that the operator declares: sign-in and Graph live at one origin.
#[derive(Debug, Clone)]
pub struct Cloud {
    /// The name to choose it by.
    pub name: String,
    /// Where it is.
    pub origin: Url,
    /// Certificates to trust there, in PEM.
    pub ca_certificate: Option<String>,
}

/// A cloud as shown to whoever chooses one.
#[derive(Debug, Clone, serde::Serialize)]
pub struct CloudCard {
    /// The name to choose it by.
    pub name: String,
    /// Where people and apps sign in.
    pub authority: String,
    /// Where Graph is.
    pub graph: String,
    /// Whether the operator declared it.
    pub declared: bool,
}

/// A ready-made provider as shown to whoever chooses one.
#[derive(Debug, Clone)]
pub struct PresetCard {
    /// The name to choose it by.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// The fields that say where it is.
    pub asks: &'static [&'static str],
    /// To be registered there, if all connections to it share one.
    pub redirect_uri: Option<String>,
}

/// One cloud of the Entra preset.
#[derive(Debug, Clone)]
pub(crate) struct EntraCloud {
    pub(crate) name: String,
    /// Sign-in host, without a trailing slash in the path.
    pub(crate) authority: Url,
    /// Graph host.
    pub(crate) graph: Url,
    /// Certificates to trust there.
    pub(crate) trust: Option<Arc<str>>,
    /// True if this program or its operator vouches for the endpoints.
    pub(crate) pinned: bool,
}

/// All clouds that are known by name.
pub(crate) struct Clouds {
    known: Vec<EntraCloud>,
}

impl Clouds {
    pub(crate) fn new(declared: &[Cloud]) -> Result<Clouds, Error> {
        let mut known = entra::built_in();
        for cloud in declared {
            let field = format!("/cloud/{}", cloud.name);
            if known
                .iter()
                .any(|other| other.name.eq_ignore_ascii_case(&cloud.name))
            {
                return Err(Error::invalid(
                    "cloud.name_taken",
                    field,
                    format!("a cloud \"{}\" is already known", cloud.name),
                ));
            }
            if Origin::of(&cloud.origin).is_none() {
                return Err(Error::invalid(
                    "cloud.origin_invalid",
                    field,
                    format!("the origin of cloud \"{}\" has no host", cloud.name),
                ));
            }
            if let Some(pem) = &cloud.ca_certificate {
                certificates(pem).map_err(|error| {
                    Error::invalid("connection.ca_invalid", field, error.to_string())
                })?;
            }
            known.push(EntraCloud {
                name: cloud.name.clone(),
                authority: cloud.origin.clone(),
                graph: cloud.origin.clone(),
                trust: cloud.ca_certificate.as_deref().map(Arc::from),
                pinned: true,
            });
        }
        Ok(Clouds { known })
    }

    pub(crate) fn cards(&self) -> Vec<CloudCard> {
        let built_in = entra::built_in().len();
        self.known
            .iter()
            .enumerate()
            .map(|(at, cloud)| CloudCard {
                name: cloud.name.clone(),
                authority: cloud.authority.to_string(),
                graph: cloud.graph.to_string(),
                declared: at >= built_in,
            })
            .collect()
    }

    /// Finds a cloud by name, or by its origin; an unknown https origin is a cloud nobody vouches for.
    pub(crate) fn find(&self, text: &str) -> Option<EntraCloud> {
        if let Some(known) = self
            .known
            .iter()
            .find(|cloud| cloud.name.eq_ignore_ascii_case(text))
        {
            return Some(known.clone());
        }
        let url = Url::parse(text).ok()?;
        let origin = Origin::of(&url)?;
        let same = |candidate: &Url| Origin::of(candidate).as_ref() == Some(&origin);
        if let Some(known) = self.known.iter().find(|cloud| same(&cloud.authority)) {
            return Some(known.clone());
        }
        let bare =
            matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        (bare && url.scheme() == "https").then(|| EntraCloud {
            name: origin.to_string(),
            authority: origin.url(),
            graph: origin.url(),
            trust: None,
            pinned: false,
        })
    }

    /// The known cloud whose sign-in host a URL is on.
    pub(crate) fn of_authority(&self, url: &Url) -> Option<&EntraCloud> {
        let origin = Origin::of(url)?;
        self.known
            .iter()
            .find(|cloud| Origin::of(&cloud.authority).as_ref() == Some(&origin))
    }

    /// The cloud of stored settings.
    pub(crate) fn of(&self, settings: &Settings) -> Option<EntraCloud> {
        match settings.preset {
            PresetName::MicrosoftGraph => self.find(settings.cloud.as_deref().unwrap_or("global")),
            _ => None,
        }
    }

    /// Whether the endpoints are vouched for by this program or its operator.
    pub(crate) fn pinned(&self, settings: &Settings) -> bool {
        let known = provider::of(settings.preset).is_some_and(provider::Provider::is_known);
        (known && settings.cloud.is_none()) || self.of(settings).is_some_and(|cloud| cloud.pinned)
    }

    /// Certificates to trust at an address, if it is on a known cloud.
    pub(crate) fn trust_at(&self, url: &Url) -> Option<Arc<str>> {
        self.of_authority(url).and_then(|cloud| cloud.trust.clone())
    }

    /// Certificates to trust for a connection: its cloud's and its own.
    pub(crate) fn trust(&self, settings: &Settings) -> Option<Arc<str>> {
        let cloud = self.of(settings).and_then(|cloud| cloud.trust);
        match (cloud, settings.ca_certificate.as_deref()) {
            (Some(cloud), Some(own)) => Some(Arc::from(format!("{cloud}\n{own}"))),
            (Some(cloud), None) => Some(cloud),
            (None, Some(own)) => Some(Arc::from(own)),
            (None, None) => None,
        }
    }
}

/// Whose rules for scopes and errors hold; Entra's are borrowed wherever the endpoint looks like Entra's.
pub(crate) fn rules(settings: &Settings) -> ScopeRule {
    match &settings.authentication {
        Authentication::OAuth(_) if settings.preset == PresetName::MicrosoftGraph => {
            ScopeRule::Entra
        }
        Authentication::OAuth(oauth) if entra::tenant_of(&oauth.token_endpoint).is_some() => {
            ScopeRule::Entra
        }
        _ => ScopeRule::Exact,
    }
}

impl EntraCloud {
    /// The cloud that a token endpoint of Entra's shape is on, whoever runs it.
    pub(crate) fn at(token_endpoint: &Url) -> EntraCloud {
        let mut origin = token_endpoint.clone();
        origin.set_path("/");
        origin.set_query(None);
        EntraCloud {
            name: origin.host_str().unwrap_or_default().to_owned(),
            authority: origin.clone(),
            graph: origin,
            trust: None,
            pinned: false,
        }
    }
}
