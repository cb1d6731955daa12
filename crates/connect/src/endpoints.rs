//! Where OAuth happens, however it was said: a preset, an issuer, or URLs typed by hand.
//!
//! Nothing is sent here, except for the metadata of an issuer.

use store::PresetName;
use url::Url;

use crate::Connector;
use crate::discovery;
use crate::error::Error;
use crate::form::Form;
use crate::preset::provider::{self, Issuer, Known, Place, Provider};
use crate::preset::{EntraCloud, entra, generic};

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
    /// The ready-made provider that these are of.
    pub(crate) provider: Option<&'static Provider>,
}

impl Connector {
    pub(crate) async fn endpoints(&self, form: &Form) -> Result<Endpoints, Error> {
        match form.preset.as_deref() {
            Some("microsoft-graph") => self.entra(form),
            Some("oidc") => self.oidc(form).await,
            Some("generic") | None => self.typed(form).await,
            Some(other) => {
                let Some(provider) = provider::find(other) else {
                    let names = provider::all().map(|provider| provider.name.as_str());
                    let names = names.collect::<Vec<_>>().join(", ");
                    return Err(Error::invalid(
                        "connection.preset_unknown",
                        "/preset",
                        format!("there is no preset {other:?}"),
                    )
                    .with_hint(format!("presets: microsoft-graph, {names}, oidc, generic")));
                };
                match &provider.place {
                    Place::Known(known) => self.known(form, provider, known).await,
                    Place::Issuer(layout) => self.issuer(form, provider, layout).await,
                }
            }
        }
    }

    /// A provider at its own addresses, or at an origin of somebody's own.
    async fn known(
        &self,
        form: &Form,
        provider: &'static Provider,
        known: &Known,
    ) -> Result<Endpoints, Error> {
        let origin = match &form.cloud {
            Some(text) => Some(self.url("/cloud", text).await?),
            None => None,
        };
        if origin
            .as_ref()
            .is_some_and(|url| url.path() != "/" || url.query().is_some())
        {
            return Err(Error::invalid(
                "connection.cloud_unknown",
                "/cloud",
                format!(
                    "for {} this is the origin of an installation of your own, such as https://contoso.example",
                    provider.title
                ),
            ));
        }
        let addresses = known.at(origin.as_ref());
        Ok(Endpoints {
            preset: provider.name,
            cloud: form.cloud.clone(),
            tenant: None,
            authorization: Some(addresses.authorization),
            device: addresses.device,
            token: addresses.token,
            base_url: addresses.api,
            issuer: None,
            iss_required: false,
            recognised: false,
            provider: Some(provider),
        })
    }

    /// A provider at the issuer that the form names.
    async fn issuer(
        &self,
        form: &Form,
        provider: &'static Provider,
        layout: &Issuer,
    ) -> Result<Endpoints, Error> {
        let mut issuer = self.named_issuer(form, provider.name).await?;
        if issuer.path() == "/" {
            issuer.set_path(layout.path);
        }
        let endpoints = self.discovered(form, &issuer).await?;
        Ok(Endpoints {
            preset: provider.name,
            base_url: (layout.api)(&issuer),
            provider: Some(provider),
            ..endpoints
        })
    }

    async fn named_issuer(&self, form: &Form, preset: PresetName) -> Result<Url, Error> {
        let text = form.issuer.as_deref().ok_or_else(|| {
            Error::invalid(
                "connection.issuer_missing",
                "/issuer",
                format!("the {} preset needs the issuer", preset.as_str()),
            )
        })?;
        self.url("/issuer", text).await
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
            provider: None,
        })
    }

    async fn oidc(&self, form: &Form) -> Result<Endpoints, Error> {
        let issuer = self.named_issuer(form, PresetName::Oidc).await?;
        self.discovered(form, &issuer).await
    }

    /// The endpoints that an issuer's metadata name; what was typed wins.
    async fn discovered(&self, form: &Form, issuer: &Url) -> Result<Endpoints, Error> {
        let trust = form.ca_certificate.as_deref().map(std::sync::Arc::from);
        let found = discovery::discover(&self.inner.http, &trust, issuer).await?;
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
            issuer: found.issuer,
            iss_required: found.iss_required,
            recognised: false,
            provider: None,
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
                .with_hint("if both belong to the same provider, confirm it: `\"confirm_foreign_token_endpoint\": true`, in commands `--confirm-foreign-token-endpoint`"));
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
            provider: None,
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
