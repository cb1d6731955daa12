//! From what was typed to what is stored: every field judged, the first complaint named.
//!
//! Nothing is sent here, except for the discovery of an `oidc` issuer.

use std::time::Duration;

use store::{Authentication, Origin, PresetName, Secrets, Settings};
use url::Url;

use crate::Connector;
use crate::certificate;
use crate::discovery;
use crate::error::Error;
use crate::fields;
use crate::form::Form;
use crate::guard::Refused;
use crate::http::certificates;
use crate::preset::{EntraCloud, entra, generic};

/// How long a typed name may take to resolve before it is simply saved.
const RESOLVE: Duration = Duration::from_secs(3);
/// A form that made sense.
pub(crate) struct Checked {
    pub(crate) settings: Settings,
    pub(crate) secrets: Secrets,
    pub(crate) recognised: bool,
}

/// Where OAuth happens, however it was named.
pub(crate) struct Endpoints {
    pub(crate) preset: PresetName,
    pub(crate) cloud: Option<String>,
    pub(crate) tenant: Option<String>,
    pub(crate) authorization: Option<Url>,
    pub(crate) device: Option<Url>,
    pub(crate) token: Url,
    pub(crate) base_url: Option<Url>,
    pub(crate) issuer: Option<String>,
    pub(crate) iss_required: bool,
    pub(crate) recognised: bool,
}

/// What a change leaves as it is although a form can't say it.
#[derive(Default)]
pub(crate) struct Kept {
    /// The preset and discovery's promise of `iss`, while the endpoints stay the same.
    pub(crate) endpoints: Option<(PresetName, bool)>,
    /// Names of the headers whose values stay.
    pub(crate) header_names: Vec<String>,
}

impl Connector {
    /// Judges a form as a whole.
    pub(crate) async fn check(&self, form: Form, kept: Kept) -> Result<Checked, Error> {
        if let Some(pem) = &form.ca_certificate {
            certificates(pem).map_err(|error| {
                Error::invalid(error.code(), "/ca_certificate", error.to_string())
            })?;
        }
        let kind = kind(&form)?;
        let mut secrets = Vec::new();
        let mut recognised = false;
        let (mut preset, mut cloud, mut tenant) = (PresetName::Generic, None, None);
        let mut base_url = match &form.base_url {
            Some(text) => Some(self.url("/base_url", text).await?),
            None => None,
        };
        let authentication = match kind {
            Kind::OAuth => {
                let mut endpoints = self.endpoints(&form).await?;
                if let (Some((preset, iss_required)), PresetName::Generic) =
                    (kept.endpoints, endpoints.preset)
                {
                    (endpoints.preset, endpoints.iss_required) = (preset, iss_required);
                }
                (preset, cloud, tenant) = (
                    endpoints.preset,
                    endpoints.cloud.clone(),
                    endpoints.tenant.clone(),
                );
                recognised = endpoints.recognised;
                base_url = base_url.or_else(|| endpoints.base_url.clone());
                certificate::keep(&form, self.clock().now(), &mut secrets)?;
                Authentication::OAuth(fields::oauth(&form, endpoints, &mut secrets)?)
            }
            Kind::Basic => fields::basic(&form, &mut secrets)?,
            Kind::Bearer => {
                fields::keep(&mut secrets, "token", "/token", form.token.as_ref())?;
                Authentication::Bearer
            }
            Kind::Headers if form.headers.is_none() && !kept.header_names.is_empty() => {
                Authentication::Headers {
                    names: kept.header_names,
                }
            }
            Kind::Headers => fields::headers(&form, &mut secrets)?,
            Kind::QueryKey => fields::query_key(&form, &mut secrets)?,
            Kind::None => Authentication::None,
        };
        Ok(Checked {
            settings: Settings {
                preset,
                cloud,
                tenant,
                base_url,
                origins: self
                    .origins(form.origins.as_deref().unwrap_or_default())
                    .await?,
                authentication,
                ca_certificate: form.ca_certificate.clone(),
                // A certificate says itself when it ends.
                secret_expires_at: match certificate::expiry(&secrets) {
                    Some(expiry) => Some(expiry),
                    None => fields::expiry(form.secret_expires_at.as_deref())?,
                },
            },
            secrets: secrets.into_iter().collect(),
            recognised,
        })
    }

    /// Reads a URL and, if its name resolves, judges where it points.
    pub(crate) async fn url(&self, field: &str, text: &str) -> Result<Url, Error> {
        let policy = self.inner.http.policy();
        let url = generic::parse_url(policy, field, text)?;
        self.resolved(field, &url).await?;
        Ok(url)
    }

    async fn resolved(&self, field: &str, url: &Url) -> Result<(), Error> {
        if self.inner.clouds.of_authority(url).is_some() || entra::is_graph(url) {
            return Ok(());
        }
        match tokio::time::timeout(RESOLVE, self.inner.http.policy().check_resolved(url)).await {
            // A name without an address today is no reason not to save it; connects are checked anyway.
            Ok(Err(Refused::NoAddress { .. }) | Ok(())) | Err(_) => Ok(()),
            Ok(Err(refused)) => Err(Error::refused(field, &refused)),
        }
    }

    async fn origins(&self, texts: &[String]) -> Result<Vec<Origin>, Error> {
        let mut origins: Vec<Origin> = Vec::new();
        for (at, text) in texts.iter().enumerate() {
            let field = format!("/origins/{at}");
            if text.contains('*') {
                return Err(Error::invalid(
                    "connection.url_invalid",
                    field,
                    "origins are exact; there are no wildcards",
                ));
            }
            let url = self.url(&field, text).await?;
            if url.path() != "/" || url.query().is_some() {
                return Err(Error::invalid(
                    "connection.url_invalid",
                    field,
                    "an origin is scheme, host and port alone, such as https://api.contoso.example",
                ));
            }
            match Origin::of(&url) {
                Some(origin) if !origins.contains(&origin) => origins.push(origin),
                _ => {}
            }
        }
        Ok(origins)
    }

    async fn endpoints(&self, form: &Form) -> Result<Endpoints, Error> {
        match form.preset.as_deref() {
            Some("microsoft-graph") => self.entra(form),
            Some("oidc") => self.oidc(form).await,
            Some("generic") | None => self.typed(form).await,
            Some(other) => Err(Error::invalid(
                "connection.preset_unknown",
                "/preset",
                format!("there is no preset {other:?}"),
            )
            .with_hint("presets: microsoft-graph, oidc, generic")),
        }
    }

    fn entra(&self, form: &Form) -> Result<Endpoints, Error> {
        let text = form.cloud.as_deref().unwrap_or("global");
        let cloud = self.inner.clouds.find(text).ok_or_else(|| {
            Error::invalid(
                "connection.cloud_unknown",
                "/cloud",
                format!("there is no cloud {text:?}"),
            )
            .with_hint("clouds: global, us-gov, china, one declared in the configuration, or an https origin")
        })?;
        let tenant = form.tenant.as_deref().ok_or_else(|| {
            Error::invalid(
                "connection.tenant_missing",
                "/tenant",
                "the Microsoft Graph preset needs the tenant: its directory id or one of its domains",
            )
        })?;
        entra::check_tenant(tenant)?;
        self.entra_endpoints(&cloud, tenant, "/cloud")
    }

    fn entra_endpoints(
        &self,
        cloud: &EntraCloud,
        tenant: &str,
        field: &str,
    ) -> Result<Endpoints, Error> {
        let policy = self.inner.http.policy();
        for url in [&cloud.authority, &cloud.graph] {
            policy
                .check(url)
                .map_err(|refused| Error::refused(field, &refused))?;
        }
        Ok(Endpoints {
            preset: PresetName::MicrosoftGraph,
            cloud: Some(cloud.name.clone()),
            tenant: Some(tenant.to_owned()),
            authorization: Some(cloud.authorization_endpoint(tenant)),
            device: Some(cloud.device_authorization_endpoint(tenant)),
            token: cloud.token_endpoint(tenant),
            base_url: Some(cloud.base_url()),
            issuer: None,
            iss_required: false,
            recognised: false,
        })
    }

    async fn oidc(&self, form: &Form) -> Result<Endpoints, Error> {
        let text = form.issuer.as_deref().ok_or_else(|| {
            Error::invalid(
                "connection.issuer_missing",
                "/issuer",
                "the oidc preset needs the issuer",
            )
        })?;
        let issuer = self.url("/issuer", text).await?;
        let trust = form.ca_certificate.as_deref().map(std::sync::Arc::from);
        let found = discovery::discover(&self.inner.http, &trust, &issuer).await?;
        let token = form
            .token_endpoint
            .clone()
            .or(found.token_endpoint)
            .ok_or_else(|| {
                Error::invalid(
                    "connection.url_invalid",
                    "/token_endpoint",
                    "the issuer names no token endpoint",
                )
            })?;
        let mut read = Vec::with_capacity(2);
        for (field, typed, found) in [
            (
                "/authorization_endpoint",
                &form.authorization_endpoint,
                found.authorization_endpoint,
            ),
            (
                "/device_authorization_endpoint",
                &form.device_authorization_endpoint,
                found.device_authorization_endpoint,
            ),
        ] {
            read.push(match typed.clone().or(found) {
                Some(text) => Some(self.url(field, &text).await?),
                None => None,
            });
        }
        let (device, authorization) = (read.pop().flatten(), read.pop().flatten());
        let token = self.url("/token_endpoint", &token).await?;
        Ok(Endpoints {
            preset: PresetName::Oidc,
            cloud: None,
            tenant: None,
            authorization,
            device,
            token,
            base_url: None,
            issuer: Some(found.issuer),
            iss_required: found.authorization_response_iss_parameter_supported,
            recognised: false,
        })
    }

    /// Endpoints typed by hand; Entra's on a known cloud become the preset.
    async fn typed(&self, form: &Form) -> Result<Endpoints, Error> {
        let policy = self.inner.http.policy();
        let read = |field: &'static str, text: &Option<String>| match text {
            Some(text) => generic::parse_url(policy, field, text).map(Some),
            None => Ok(None),
        };
        let authorization = read("/authorization_endpoint", &form.authorization_endpoint)?;
        let device = read(
            "/device_authorization_endpoint",
            &form.device_authorization_endpoint,
        )?;
        let token = read("/token_endpoint", &form.token_endpoint)?;
        entra::lint_endpoints(authorization.as_ref(), token.as_ref())?;
        if let Some(found) = self.recognise(authorization.as_ref(), token.as_ref()) {
            let mut endpoints =
                self.entra_endpoints(&found.cloud, &found.tenant, "/token_endpoint")?;
            endpoints.recognised = true;
            return Ok(endpoints);
        }
        let token = token.ok_or_else(|| {
            Error::invalid(
                "connection.token_endpoint_missing",
                "/token_endpoint",
                "the token endpoint (Access Token Path) is missing",
            )
        })?;
        self.resolved("/token_endpoint", &token).await?;
        for (field, endpoint) in [
            ("/authorization_endpoint", &authorization),
            ("/device_authorization_endpoint", &device),
        ] {
            let Some(endpoint) = endpoint else { continue };
            self.resolved(field, endpoint).await?;
            let confirmed = form.confirm_foreign_token_endpoint == Some(true);
            if !generic::same_site(endpoint, &token) && !confirmed {
                return Err(Error::invalid(
                    "connection.token_endpoint_foreign",
                    "/token_endpoint",
                    format!("people would sign in at {endpoint}, but the code and secret would go to {token}, on another site"),
                )
                .with_hint("if both belong to the same provider, confirm it: confirm_foreign_token_endpoint"));
            }
        }
        Ok(Endpoints {
            preset: PresetName::Generic,
            cloud: None,
            tenant: None,
            authorization,
            device,
            token,
            base_url: None,
            issuer: form.issuer.clone(),
            iss_required: false,
            recognised: false,
        })
    }

    fn recognise(
        &self,
        authorization: Option<&Url>,
        token: Option<&Url>,
    ) -> Option<entra::Recognised> {
        let first = authorization.or(token)?;
        let cloud = self.inner.clouds.of_authority(first)?;
        let (tenant, _) = entra::tenant_of(first)?;
        for url in [authorization, token].into_iter().flatten() {
            let here = self.inner.clouds.of_authority(url)?;
            if here.name != cloud.name || entra::tenant_of(url).is_none() || url.query().is_some() {
                return None;
            }
        }
        Some(entra::Recognised {
            cloud: cloud.clone(),
            tenant,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    OAuth,
    Basic,
    Bearer,
    Headers,
    QueryKey,
    None,
}

fn kind(form: &Form) -> Result<Kind, Error> {
    let explicit = match form.kind.as_deref() {
        Some("oauth") => Some(Kind::OAuth),
        Some("basic") => Some(Kind::Basic),
        Some("bearer") => Some(Kind::Bearer),
        Some("headers" | "header") => Some(Kind::Headers),
        Some("query_key") => Some(Kind::QueryKey),
        Some("none") => Some(Kind::None),
        Some(other) => {
            return Err(Error::invalid(
                "connection.type_unknown",
                "/type",
                format!("there is no authentication type {other:?}"),
            )
            .with_hint("types: oauth, basic, headers, query_key, bearer, none"));
        }
        None => None,
    };
    let oauth = form.preset.is_some()
        || form.grant.is_some()
        || form.client_id.is_some()
        || form.token_endpoint.is_some()
        || form.authorization_endpoint.is_some()
        || form.device_authorization_endpoint.is_some();
    let guessed = if oauth {
        Some(Kind::OAuth)
    } else if form.username.is_some() {
        Some(Kind::Basic)
    } else if form.headers.is_some() {
        Some(Kind::Headers)
    } else if form.query_key.is_some() {
        Some(Kind::QueryKey)
    } else if form.token.is_some() {
        Some(Kind::Bearer)
    } else {
        None
    };
    explicit.or(guessed).ok_or_else(|| {
        Error::invalid(
            "connection.type_missing",
            "/type",
            "it is not clear how this connection proves who is calling",
        )
        .with_hint(
            "give a preset, or one of the types oauth, basic, headers, query_key, bearer, none",
        )
    })
}
