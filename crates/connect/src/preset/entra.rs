//! Microsoft Entra ID and Graph: clouds, endpoints, and the lints for typed endpoint URLs.

use oauth::AuthenticationMethod;
use store::{PresetName, Settings};
use url::Url;

use crate::error::Error;
use crate::preset::EntraCloud;

/// Where the preset's paths are taken below.
const VERSION: &str = "/v1.0";
/// Path prefixes of Graph that are taken from the origin.
pub(crate) const VERSIONS: [&str; 2] = ["/v1.0", "/beta"];

/// The clouds of the service itself: name, sign-in host, Graph host.
const BUILT_IN: [(&str, &str, &str); 3] = [
    (
        "global",
        "https://login.microsoftonline.com",
        "https://graph.microsoft.com",
    ),
    (
        "us-gov",
        "https://login.microsoftonline.us",
        "https://graph.microsoft.us",
    ),
    (
        "china",
        "https://login.partner.microsoftonline.cn",
        "https://microsoftgraph.chinacloudapi.cn",
    ),
];

pub(crate) fn built_in() -> Vec<EntraCloud> {
    BUILT_IN
        .iter()
        .map(|(name, authority, graph)| EntraCloud {
            name: (*name).to_owned(),
            authority: Url::parse(authority).expect("a constant URL"),
            graph: Url::parse(graph).expect("a constant URL"),
            trust: None,
            pinned: true,
        })
        .collect()
}

/// True for the Graph hosts of the service itself, which people type from habit.
pub(crate) fn is_graph(url: &Url) -> bool {
    BUILT_IN
        .iter()
        .any(|(_, _, graph)| Url::parse(graph).is_ok_and(|graph| graph.host() == url.host()))
}

/// A scope with Graph's origin of a national cloud in the place of the global one.
pub(crate) fn in_cloud(scope: &str, cloud: Option<&str>) -> String {
    let (_, _, global) = BUILT_IN[0];
    match BUILT_IN.iter().find(|(name, _, _)| Some(*name) == cloud) {
        Some((_, _, graph)) => scope.replace(global, graph),
        None => scope.to_owned(),
    }
}

/// Whether token requests say that Keyway understands claims challenges (`cp1`): Entra sends them to nobody else.
pub(crate) fn announces(settings: &Settings) -> bool {
    settings.preset == PresetName::MicrosoftGraph
}

/// Reads the tenant out of `/{tenant}/oauth2/v2.0/{authorize|token}`.
pub(crate) fn tenant_of(url: &Url) -> Option<(String, Endpoint)> {
    let mut parts = url.path_segments()?;
    let tenant = parts.next().filter(|tenant| !tenant.is_empty())?;
    let rest: Vec<&str> = parts.collect();
    let endpoint = match rest.as_slice() {
        ["oauth2", "v2.0", "authorize"] => Endpoint::Authorize,
        ["oauth2", "v2.0", "token"] => Endpoint::Token,
        // This shape is not Entra's alone: Salesforce has `/services/oauth2/token`.
        ["oauth2", "authorize"] if is_directory(tenant) => Endpoint::AuthorizeV1,
        ["oauth2", "token"] if is_directory(tenant) => Endpoint::TokenV1,
        _ => return None,
    };
    Some((tenant.to_owned(), endpoint))
}

/// Whether a name is one that directories have: a domain, a GUID, or a word for several.
fn is_directory(name: &str) -> bool {
    let words = ["common", "organizations", "consumers"];
    name.contains('.') || name.split('-').count() == 5 || words.contains(&name)
}

/// Which endpoint of Entra a URL is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Authorize,
    Token,
    AuthorizeV1,
    TokenV1,
}

impl EntraCloud {
    pub(crate) fn authorization_endpoint(&self, tenant: &str) -> Url {
        below(&self.authority, &format!("/{tenant}/oauth2/v2.0/authorize"))
    }

    pub(crate) fn device_authorization_endpoint(&self, tenant: &str) -> Url {
        below(
            &self.authority,
            &format!("/{tenant}/oauth2/v2.0/devicecode"),
        )
    }

    pub(crate) fn token_endpoint(&self, tenant: &str) -> Url {
        below(&self.authority, &format!("/{tenant}/oauth2/v2.0/token"))
    }

    pub(crate) fn base_url(&self) -> Url {
        below(&self.graph, VERSION)
    }

    /// The page where an administrator consents for the whole tenant.
    pub(crate) fn admin_consent(
        &self,
        tenant: &str,
        client_id: &str,
        redirect_uri: &Url,
        state: &str,
    ) -> Url {
        let mut url = below(&self.authority, &format!("/{tenant}/adminconsent"));
        url.query_pairs_mut()
            .append_pair("client_id", client_id)
            .append_pair("redirect_uri", redirect_uri.as_str())
            .append_pair("state", state);
        url
    }
}

fn below(origin: &Url, path: &str) -> Url {
    let mut url = origin.clone();
    url.set_path(path);
    url.set_query(None);
    url.set_fragment(None);
    url
}

/// A tenant as it may stand in a URL: an id, a domain, or one of the shared words.
pub(crate) fn check_tenant(tenant: &str) -> Result<(), Error> {
    let fine = !tenant.is_empty()
        && tenant.len() <= 255
        && tenant
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        && tenant.chars().any(|c| c != '.');
    if fine {
        return Ok(());
    }
    Err(Error::invalid(
        "connection.tenant_invalid",
        "/tenant",
        "the tenant is its directory id (a GUID) or one of its domains",
    )
    .with_hint("for example contoso.example; it stands on the app registration's overview page"))
}

/// What was typed by hand, if it is Entra's: the cloud's authority decides who vouches for it.
pub(crate) struct Recognised {
    pub(crate) cloud: EntraCloud,
    pub(crate) tenant: String,
}

/// Lints typed endpoints of Entra's shape and names the corrected form in the hint.
pub(crate) fn lint_endpoints(
    authorization: Option<&Url>,
    token: Option<&Url>,
) -> Result<(), Error> {
    let authorize_at = authorization.and_then(tenant_of);
    let token_at = token.and_then(tenant_of);
    if let (Some((_, Endpoint::Token | Endpoint::TokenV1)), Some(url)) =
        (&authorize_at, authorization)
    {
        return Err(swapped(
            "/authorization_endpoint",
            "authorization",
            url,
            "authorize",
        ));
    }
    if let (Some((_, Endpoint::Authorize | Endpoint::AuthorizeV1)), Some(url)) = (&token_at, token)
    {
        return Err(swapped("/token_endpoint", "token", url, "token"));
    }
    for (field, url, at, path) in [
        (
            "/authorization_endpoint",
            authorization,
            &authorize_at,
            "authorize",
        ),
        ("/token_endpoint", token, &token_at, "token"),
    ] {
        let (Some(url), Some((tenant, Endpoint::AuthorizeV1 | Endpoint::TokenV1))) = (url, at)
        else {
            continue;
        };
        let fixed = below(url, &format!("/{tenant}/oauth2/v2.0/{path}"));
        return Err(Error::invalid(
            "endpoint.v1",
            field,
            format!(
                "{url} is the v1 endpoint, which the portal lists beside v2; Keyway speaks v2.0"
            ),
        )
        .with_hint(format!("use {fixed}")));
    }
    if let (Some((first, _)), Some((second, _))) = (&authorize_at, &token_at)
        && !first.eq_ignore_ascii_case(second)
    {
        return Err(Error::invalid(
                "endpoint.two_tenants",
                "/token_endpoint",
                format!("the authorization endpoint names tenant {first}, the token endpoint tenant {second}; a code of one is no good at the other"),
            )
            .with_hint(format!("use {first} in both, or {second} in both")));
    }
    Ok(())
}

fn swapped(field: &'static str, name: &str, url: &Url, path: &str) -> Error {
    let tenant = tenant_of(url).map(|(tenant, _)| tenant).unwrap_or_default();
    let fixed = below(url, &format!("/{tenant}/oauth2/v2.0/{path}"));
    Error::invalid(
        "endpoint.swapped",
        field,
        format!("the {name} endpoint holds the URL of the other one: the two fields are swapped"),
    )
    .with_hint(format!("use {fixed}"))
}

/// Which client authentication the preset tries.
pub(crate) const AUTHENTICATION: AuthenticationMethod = AuthenticationMethod::Automatic;
