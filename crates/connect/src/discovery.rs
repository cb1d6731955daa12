//! Discovery: from an issuer, or from any address of an API, to the endpoints of its authorization server.
//!
//! `OpenID` Connect Discovery and RFC 8414 for an issuer, RFC 9728 (`resource_metadata`) for an API, and Entra's own `authorization_uri`.
//! Asked once, when a connection is made; what was found is stored like what is typed. Keys are not read: tokens are opaque here.

use http::{HeaderMap, HeaderValue, Method, header};
use serde::{Deserialize, Serialize};
use store::{Actor, Role};
use url::Url;

use crate::Connector;
use crate::error::Error;
use crate::http::{Certificates, Http, Incoming, Limits, Outgoing, certificates};
use crate::preset::entra;

/// Largest metadata document.
const LIMIT: usize = 256 * 1024;
/// Most texts of a list that are shown.
const LIST: usize = 200;

/// What a provider says about itself.
#[derive(Debug, Deserialize)]
struct Metadata {
    issuer: String,
    #[serde(default)]
    authorization_endpoint: Option<String>,
    #[serde(default)]
    device_authorization_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint: Option<String>,
    #[serde(default)]
    revocation_endpoint: Option<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    scopes_supported: Vec<String>,
    #[serde(default)]
    grant_types_supported: Vec<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

/// What an API says about itself (RFC 9728).
#[derive(Debug, Deserialize)]
struct ApiMetadata {
    resource: String,
    #[serde(default)]
    authorization_servers: Vec<String>,
    #[serde(default)]
    scopes_supported: Vec<String>,
}

/// What was found, for the settings of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Discovered {
    /// The preset that knows this provider, if one does.
    pub preset: Option<&'static str>,
    /// The tenant, where the provider is Entra.
    pub tenant: Option<String>,
    /// The issuer; none where its metadata are those of many (Entra's `common`).
    pub issuer: Option<String>,
    /// Authorization endpoint.
    pub authorization_endpoint: Option<String>,
    /// Device authorization endpoint.
    pub device_authorization_endpoint: Option<String>,
    /// Token endpoint.
    pub token_endpoint: Option<String>,
    /// Revocation endpoint (RFC 7009); asked for when a connection is deleted, never stored.
    #[serde(skip)]
    pub(crate) revocation_endpoint: Option<String>,
    /// Whether callbacks must name the issuer (RFC 9207).
    pub iss_required: bool,
    /// The API, where an address of one was given.
    pub resource: Option<String>,
    /// Scopes that the API or the provider lists.
    pub scopes: Vec<String>,
    /// Grants that the provider lists.
    pub grants: Vec<String>,
    /// Client authentication methods that the provider lists.
    pub client_authentications: Vec<String>,
    /// The document that said so.
    pub found_at: String,
}

/// Why nothing was found at one place.
struct Missed(String);

impl Connector {
    /// Finds out what stands behind an address: an issuer's, or any address of an API.
    pub async fn discover(
        &self,
        actor: &Actor,
        address: &str,
        ca_certificate: Option<&str>,
    ) -> Result<Discovered, Error> {
        actor.require(Role::Admin)?;
        if let Some(pem) = ca_certificate {
            certificates(pem).map_err(|error| {
                Error::invalid(error.code(), "/ca_certificate", error.to_string())
            })?;
        }
        let url = match self.url("/url", address).await {
            Ok(url) => url,
            Err(error) => {
                self.audit_form(actor, "discovery", &error).await;
                return Err(error);
            }
        };
        let asking = Asking {
            http: &self.inner.http,
            trust: &self
                .inner
                .clouds
                .trust_at(&url)
                .or_else(|| ca_certificate.map(std::sync::Arc::from)),
        };
        let mut missed = match asking.issuer(&url).await {
            Ok(found) => return Ok(self.named(found)),
            Err(missed) => missed,
        };
        match asking.api(&url).await {
            Ok(found) => return Ok(self.named(found)),
            Err(Missed(why)) => missed.0 = format!("{}; {why}", missed.0),
        }
        Err(not_found(&url, "/url", &missed))
    }

    /// Adds which preset knows the provider.
    fn named(&self, mut found: Discovered) -> Discovered {
        let endpoint = found
            .token_endpoint
            .as_deref()
            .and_then(|text| Url::parse(text).ok());
        let cloud = endpoint
            .as_ref()
            .and_then(|url| self.inner.clouds.of_authority(url));
        if let (Some(_), Some((tenant, _))) = (cloud, endpoint.as_ref().and_then(entra::tenant_of))
        {
            found.preset = Some("microsoft-graph");
            let own = !["common", "organizations", "consumers"].contains(&tenant.as_str());
            found.tenant = own.then_some(tenant);
        }
        found
    }
}

/// Fetches the metadata of an issuer and checks that it speaks of itself.
pub(crate) async fn discover(
    http: &Http,
    trust: &Certificates,
    issuer: &Url,
) -> Result<Discovered, Error> {
    Asking { http, trust }
        .issuer(issuer)
        .await
        .map_err(|missed| not_found(issuer, "/issuer", &missed))
}

fn not_found(url: &Url, field: &str, missed: &Missed) -> Error {
    Error::invalid(
        "issuer.discovery_failed",
        field,
        format!(
            "the endpoints behind {url} could not be found: {}",
            missed.0
        ),
    )
    .with_hint("check the address, or give the authorization and token endpoints yourself")
}

struct Asking<'a> {
    http: &'a Http,
    trust: &'a Certificates,
}

impl Asking<'_> {
    /// The metadata of an issuer, at the place of `OpenID` Connect, then at those of RFC 8414 §3.
    async fn issuer(&self, issuer: &Url) -> Result<Discovered, Missed> {
        let mut first = None;
        for place in places(issuer) {
            match self.metadata(issuer, &place).await {
                Ok(found) => return Ok(found),
                Err(missed) => drop(first.get_or_insert(missed)),
            }
        }
        Err(first.unwrap_or_else(|| Missed("there is no place to look at".to_owned())))
    }

    async fn metadata(&self, issuer: &Url, place: &Url) -> Result<Discovered, Missed> {
        let metadata: Metadata = self.document(place).await?;
        let many = says_many(&metadata.issuer, issuer);
        let own = metadata.issuer.trim_end_matches('/') == issuer.as_str().trim_end_matches('/');
        // OpenID Connect Discovery §4.3, RFC 8414 §3.3: the issuer in the document is the one that was asked.
        if !own && !many {
            return Err(Missed(format!(
                "the document speaks of another issuer, {:?}",
                shown(&metadata.issuer)
            )));
        }
        Ok(Discovered {
            preset: None,
            tenant: None,
            issuer: (!many).then_some(metadata.issuer),
            authorization_endpoint: metadata.authorization_endpoint,
            device_authorization_endpoint: metadata.device_authorization_endpoint,
            revocation_endpoint: metadata.revocation_endpoint,
            token_endpoint: metadata.token_endpoint,
            iss_required: metadata.authorization_response_iss_parameter_supported,
            resource: None,
            scopes: listed(metadata.scopes_supported),
            grants: listed(metadata.grant_types_supported),
            client_authentications: listed(metadata.token_endpoint_auth_methods_supported),
            found_at: place.to_string(),
        })
    }

    /// An API: asked without a credential, it says who gives one.
    async fn api(&self, url: &Url) -> Result<Discovered, Missed> {
        let answer = self.get(url).await?;
        let challenges = challenges(&answer.headers);
        let document = challenges
            .iter()
            .find_map(|challenge| parameter(challenge, "resource_metadata"))
            .and_then(|text| same_host(&text, url));
        if let Some(document) = document {
            return self.resource(url, &document).await;
        }
        // Entra's APIs name the page of sign-in instead; its directory has the metadata.
        let entra = challenges
            .iter()
            .find_map(|challenge| parameter(challenge, "authorization_uri"))
            .and_then(|text| Url::parse(&text).ok());
        if let Some((uri, (tenant, _))) =
            entra.and_then(|uri| entra::tenant_of(&uri).map(|tenant| (uri, tenant)))
        {
            let mut issuer = uri;
            issuer.set_path(&format!("/{tenant}/v2.0"));
            let found = self.issuer(&issuer).await?;
            return Ok(Discovered {
                resource: Some(url.origin().ascii_serialization()),
                ..found
            });
        }
        let place = inserted(url, "oauth-protected-resource");
        self.resource(url, &place).await.map_err(|_| {
            Missed(format!(
                "{url} answered {} and names no authorization server",
                answer.status.as_u16()
            ))
        })
    }

    /// RFC 9728: the API's document, then the metadata of the first server in it.
    async fn resource(&self, url: &Url, place: &Url) -> Result<Discovered, Missed> {
        let resource: ApiMetadata = self.document(place).await?;
        // §3.3: it must speak of what was asked, or of something that this is a part of.
        let speaks_of_it = Url::parse(&resource.resource).is_ok_and(|of| {
            of.origin() == url.origin() && url.path().starts_with(of.path().trim_end_matches('/'))
        });
        if !speaks_of_it {
            return Err(Missed(format!(
                "{place} speaks of another API, {:?}",
                shown(&resource.resource)
            )));
        }
        let mut last = Missed(format!("{place} names no authorization server"));
        for server in resource.authorization_servers.iter().take(3) {
            let Some(issuer) = Url::parse(server)
                .ok()
                .filter(|url| url.scheme() == "https" || url.host() == place.host())
            else {
                continue;
            };
            match self.issuer(&issuer).await {
                Ok(found) => {
                    let scopes = listed(resource.scopes_supported);
                    return Ok(Discovered {
                        resource: Some(resource.resource),
                        scopes: if scopes.is_empty() {
                            found.scopes
                        } else {
                            scopes
                        },
                        ..found
                    });
                }
                Err(missed) => last = missed,
            }
        }
        Err(last)
    }

    async fn document<T: for<'de> Deserialize<'de>>(&self, url: &Url) -> Result<T, Missed> {
        let answer = self.get(url).await?;
        if !answer.status.is_success() {
            return Err(Missed(format!("{url} answered {}", answer.status.as_u16())));
        }
        serde_json::from_slice(&answer.body)
            .map_err(|error| Missed(format!("{url} is not a metadata document ({error})")))
    }

    async fn get(&self, url: &Url) -> Result<Incoming, Missed> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let outgoing = Outgoing {
            method: Method::GET,
            url: url.clone(),
            headers,
            body: bytes::Bytes::new(),
        };
        let limits = Limits {
            total: self.http.timeouts.token,
            first_byte: None,
            body: LIMIT,
        };
        self.http
            .exchange(self.trust, outgoing, limits)
            .await
            .map_err(|error| Missed(error.told()))
    }
}

/// Where an issuer's metadata may be: appended (`OpenID` Connect), then inserted (RFC 8414 §3.1).
fn places(issuer: &Url) -> Vec<Url> {
    let mut appended = issuer.clone();
    let path = issuer.path().trim_end_matches('/').to_owned();
    appended.set_path(&format!("{path}/.well-known/openid-configuration"));
    appended.set_query(None);
    vec![appended, inserted(issuer, "oauth-authorization-server")]
}

fn inserted(url: &Url, name: &str) -> Url {
    let mut place = url.clone();
    let path = url.path().trim_end_matches('/').to_owned();
    place.set_path(&format!("/.well-known/{name}{path}"));
    place.set_query(None);
    place
}

/// Entra's shared directories speak of every tenant: `https://host/{tenantid}/v2.0`, with the braces.
fn says_many(told: &str, asked: &Url) -> bool {
    const PLACE: &str = "{tenantid}";
    ["common", "organizations"].iter().any(|word| {
        told.contains(PLACE)
            && told.replace(PLACE, word).trim_end_matches('/')
                == asked.as_str().trim_end_matches('/')
    })
}

fn challenges(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(header::WWW_AUTHENTICATE)
        .iter()
        .filter_map(|value| value.to_str().ok().map(str::to_owned))
        .collect()
}

/// The value of a parameter of a challenge (RFC 9110 §11.2), quoted or not.
fn parameter(challenge: &str, name: &str) -> Option<String> {
    let at = challenge.to_ascii_lowercase().find(&format!("{name}="))?;
    let rest = &challenge[at + name.len() + 1..];
    let value = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => rest.split([',', ' ']).next()?,
    };
    (!value.is_empty()).then(|| value.to_owned())
}

/// A document of an API lies on the API's own host (RFC 9728 §7.3 warns of others).
fn same_host(text: &str, api: &Url) -> Option<Url> {
    Url::parse(text)
        .ok()
        .filter(|document| document.origin() == api.origin())
}

fn listed(mut texts: Vec<String>) -> Vec<String> {
    texts.truncate(LIST);
    texts.iter().map(|text| shown(text)).collect()
}

/// As much of a text of theirs as is shown.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn where_metadata_may_be() {
        let seen: Vec<String> = places(&url("https://id.contoso.example/a/b/?x=1"))
            .iter()
            .map(Url::to_string)
            .collect();
        assert_eq!(
            seen,
            [
                "https://id.contoso.example/a/b/.well-known/openid-configuration",
                "https://id.contoso.example/.well-known/oauth-authorization-server/a/b",
            ]
        );
    }

    #[test]
    fn parameters_of_challenges() {
        for (challenge, expected) in [
            (
                r#"Bearer resource_metadata="https://a.example/x""#,
                Some("https://a.example/x"),
            ),
            (
                r#"Bearer realm="", Resource_Metadata=https://a.example/x, error="y""#,
                Some("https://a.example/x"),
            ),
            (r#"Bearer realm="resource_metadata""#, None),
            (r#"Bearer resource_metadata="""#, None),
            ("Basic", None),
        ] {
            let seen = parameter(challenge, "resource_metadata");
            assert_eq!(seen.as_deref(), expected, "{challenge}");
        }
    }

    #[test]
    fn issuers_of_many_tenants() {
        let common = url("https://login.contoso.example/common/v2.0");
        assert!(says_many(
            "https://login.contoso.example/{tenantid}/v2.0",
            &common
        ));
        assert!(!says_many("https://evil.example/{tenantid}/v2.0", &common));
        assert!(!says_many(
            "https://login.contoso.example/common/v2.0",
            &common
        ));
        let own = url("https://login.contoso.example/11111111-2222-3333-4444-555555555555/v2.0");
        assert!(!says_many(
            "https://login.contoso.example/{tenantid}/v2.0",
            &own
        ));
    }
}
