//! OpenID Connect discovery (and RFC 8414): from an issuer to its endpoints.
//!
//! Asked once, when a connection of the `oidc` preset is made or changed; the endpoints found are
//! stored like typed ones. Keys are not read: tokens are opaque here.

use http::{HeaderMap, HeaderValue, Method, header};
use serde::Deserialize;
use url::Url;

use crate::error::Error;
use crate::http::{Certificates, Http, Limits, Outgoing};

/// Largest metadata document.
const LIMIT: usize = 256 * 1024;

/// What a provider says about itself.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) issuer: String,
    #[serde(default)]
    pub(crate) authorization_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) device_authorization_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) token_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: bool,
}

/// Fetches the metadata of an issuer and checks that it speaks of itself.
pub(crate) async fn discover(
    http: &Http,
    trust: &Certificates,
    issuer: &Url,
) -> Result<Metadata, Error> {
    let mut url = issuer.clone();
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{path}/.well-known/openid-configuration"));
    let failed = |why: String| {
        Error::invalid(
            "issuer.discovery_failed",
            "/issuer",
            format!("the endpoints of issuer {issuer} could not be found: {why}"),
        )
        .with_hint("check the issuer, or give the authorization and token endpoints yourself")
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let outgoing = Outgoing {
        method: Method::GET,
        url: url.clone(),
        headers,
        body: bytes::Bytes::new(),
    };
    let limits = Limits {
        total: http.timeouts.token,
        body: LIMIT,
    };
    let answer = http
        .exchange(trust, outgoing, limits)
        .await
        .map_err(|error| failed(error.to_string()))?;
    if !answer.status.is_success() {
        return Err(failed(format!("{url} answered {}", answer.status.as_u16())));
    }
    let metadata: Metadata = serde_json::from_slice(&answer.body)
        .map_err(|error| failed(format!("{url} is not a metadata document ({error})")))?;
    // OpenID Connect Discovery §4.3: the issuer in the document is the one that was asked.
    if metadata.issuer.trim_end_matches('/') != issuer.as_str().trim_end_matches('/') {
        return Err(failed(format!(
            "the document speaks of another issuer, {:?}",
            metadata.issuer.chars().take(200).collect::<String>()
        )));
    }
    Ok(metadata)
}
