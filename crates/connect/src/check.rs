//! From what was typed to what is stored: every field judged, the first complaint named.
//!
//! Nothing is sent here, except for the discovery of an issuer (`endpoints.rs`).

use std::time::Duration;

use store::{Actor, Authentication, Origin, PresetName, Secrets, Settings};
use url::Url;

use crate::Connector;
use crate::assertion;
use crate::card::{Card, Warning};
use crate::certificate;
use crate::error::Error;
use crate::fields;
use crate::form::Form;
use crate::guard::Refused;
use crate::http::certificates;
use crate::preset::{entra, generic, google};

/// How long a typed name may take to resolve before it is simply saved.
const RESOLVE: Duration = Duration::from_secs(3);
/// A form that made sense.
pub(crate) struct Checked {
    pub(crate) settings: Settings,
    pub(crate) secrets: Secrets,
    pub(crate) told: Told,
}

/// What is said once, to whoever typed it: nothing of it is stored.
#[derive(Default)]
pub(crate) struct Told {
    recognised: bool,
    repeated: Option<Warning>,
}

impl Told {
    /// Says it on the card that answers the form.
    pub(crate) fn on(self, card: &mut Card) {
        card.recognised = self.recognised.then_some(true);
        card.warnings.extend(self.repeated);
    }
}

/// What a change leaves as it is although a form can't say it.
#[derive(Default)]
pub(crate) struct Kept {
    /// The preset and discovery's promise of `iss`, while the endpoints stay the same.
    pub(crate) endpoints: Option<(PresetName, bool)>,
    /// Names of the headers whose values stay.
    pub(crate) header_names: Vec<String>,
}

impl Kept {
    /// The name of the preset that stays.
    pub(crate) fn preset(&self) -> Option<&'static str> {
        self.endpoints.map(|(preset, _)| preset.as_str())
    }
}

impl Connector {
    /// Judges a form as a whole; an address that is refused is audited, as about a connection's id or name.
    pub(crate) async fn checked(
        &self,
        (actor, subject): (&Actor, &str),
        form: Form,
        kept: Kept,
    ) -> Result<Checked, Error> {
        let checked = Box::pin(self.check(form, kept)).await;
        if let Err(error) = &checked {
            self.audit_form(actor, subject, error).await;
        }
        checked
    }

    async fn check(&self, form: Form, kept: Kept) -> Result<Checked, Error> {
        let form = google::unfold(form)?;
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
                assertion::keep(&form, &mut secrets)?;
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
        let repeated = match &authentication {
            Authentication::OAuth(oauth) => fields::repeated(form.scope.as_deref(), &oauth.scope),
            _ => None,
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
                secret_added_at: (!secrets.is_empty()).then(|| self.clock().now()),
                older_secret: None,
                concurrency: fields::concurrency(form.concurrency)?,
                probe_path: fields::probe_path(form.probe_path.as_deref())?,
            },
            secrets: secrets.into_iter().collect(),
            told: Told {
                recognised,
                repeated,
            },
        })
    }

    /// Reads a URL and, if its name resolves, judges where it points.
    pub(crate) async fn url(&self, field: &str, text: &str) -> Result<Url, Error> {
        let policy = self.inner.http.policy();
        let url = generic::parse_url(policy, field, text)?;
        self.resolved(field, &url).await?;
        Ok(url)
    }

    pub(crate) async fn resolved(&self, field: &str, url: &Url) -> Result<(), Error> {
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
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    OAuth,
    Basic,
    Bearer,
    Headers,
    QueryKey,
    None,
}

impl Kind {
    /// The word for it, as it is typed.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::OAuth => "oauth",
            Kind::Basic => "basic",
            Kind::Bearer => "bearer",
            Kind::Headers => "headers",
            Kind::QueryKey => "query_key",
            Kind::None => "none",
        }
    }
}

pub(crate) fn kind(form: &Form) -> Result<Kind, Error> {
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
