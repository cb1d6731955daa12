//! The identity platform: endpoints of `entra-and-graph.md` §1 to §8.
//!
//! `authorize`, `sign_in`, `consent` and `admin` are one trip of a browser; `token` is what
//! clients post to; `discovery` what they read first; `device` is for those
//! without a browser, `on_behalf_of` for APIs that call further.

mod admin;
mod assertion;
mod authorize;
pub(crate) mod capability;
mod consent;
mod device;
mod discovery;
mod errors;
mod grants;
mod on_behalf_of;
mod pages;
mod redirect;
mod scopes;
mod session;
mod sign_in;
mod token;
mod tokens;
mod trip;
mod userinfo;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::routing::{any, get, post};
use jiff::Timestamp;

use crate::directory::Tenant;
use crate::guid::Guid;
use crate::server::Learned;
use crate::users::DOMAIN;
use crate::world::Shared;
pub(crate) use device::Devices;
use errors::Refusal;
pub(crate) use pages::forbid_caching;
pub(crate) use session::{Session, cookies, set_cookie};
pub(crate) use trip::sign_in_to_portal;

/// The tenant GUID of personal accounts.
const CONSUMERS: Guid = Guid::well_known(0x9188_040d_6c67_4c5b_b112_36a3_04b6_6dad);

/// The routes of the identity platform.
pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route(
            "/{tenant}/v2.0/.well-known/openid-configuration",
            get(discovery::configuration),
        )
        .route(
            "/{tenant}/.well-known/openid-configuration",
            get(discovery::configuration),
        )
        .route("/{tenant}/discovery/v2.0/keys", get(discovery::keys))
        .route("/common/discovery/instance", get(discovery::instance))
        .route("/{tenant}/oauth2/v2.0/authorize", any(authorize::authorize))
        .route("/{tenant}/oauth2/v2.0/token", any(token::token))
        .route("/{tenant}/oauth2/v2.0/devicecode", any(device::begin))
        .route("/devicelogin", get(device::page).post(device::typed))
        .route("/{tenant}/oauth2/v2.0/logout", get(session::logout))
        .route("/{tenant}/adminconsent", get(admin::first_version))
        .route("/{tenant}/v2.0/adminconsent", get(admin::second_version))
        .route("/{tenant}/login", post(sign_in::submit))
        .route("/{tenant}/consent", post(consent::submit))
        .route(
            "/oidc/userinfo",
            get(userinfo::userinfo).post(userinfo::userinfo),
        )
        .route("/error", get(pages::about_code))
}

/// One request to the identity platform: its ids, its time, and whom it reached.
pub(crate) struct Exchange {
    pub(crate) world: Shared,
    pub(crate) base: String,
    pub(crate) trace_id: Guid,
    pub(crate) correlation_id: Guid,
    pub(crate) now: Timestamp,
    pub(crate) learned: Learned,
    pub(crate) headers: HeaderMap,
}

impl FromRequestParts<Shared> for Exchange {
    type Rejection = http::StatusCode;

    async fn from_request_parts(
        parts: &mut Parts,
        world: &Shared,
    ) -> Result<Self, Self::Rejection> {
        let learned = parts
            .extensions
            .get::<Learned>()
            .cloned()
            .ok_or(http::StatusCode::INTERNAL_SERVER_ERROR)?;
        let from_header = parts
            .headers
            .get("client-request-id")
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let from_query = || {
            Form::parse(parts.uri.query().unwrap_or_default().as_bytes())
                .get("client-request-id")?
                .parse()
                .ok()
        };
        Ok(Exchange {
            base: world.base(&parts.uri, &parts.headers),
            trace_id: learned.request_id,
            correlation_id: from_header.or_else(from_query).unwrap_or_else(Guid::random),
            now: world.clock.now(),
            world: world.clone(),
            learned,
            headers: parts.headers.clone(),
        })
    }
}

impl Exchange {
    /// The headers of every answer of the identity platform.
    pub(crate) fn add_headers(&self, headers: &mut HeaderMap) {
        let fixed = [
            (
                "strict-transport-security",
                "max-age=31536000; includeSubDomains",
            ),
            ("x-content-type-options", "nosniff"),
            ("x-ms-ests-server", "SANDBOX - keyway"),
        ];
        for (name, value) in fixed {
            headers.insert(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        if let Ok(value) = HeaderValue::from_str(&self.trace_id.to_string()) {
            headers.insert(HeaderName::from_static("x-ms-request-id"), value);
        }
    }

    /// Notes the client for the request log.
    pub(crate) fn note_client(&self, client_id: &str) {
        self.learned
            .note(|note| note.client_id = Some(client_id.chars().take(64).collect()));
    }

    /// Notes the user for the request log.
    pub(crate) fn note_user(&self, user_principal_name: &str) {
        self.learned
            .note(|note| note.user = Some(user_principal_name.to_owned()));
    }
}

/// What the tenant's place in a path says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Authority {
    /// The sandbox's tenant, by GUID or domain.
    Tenant,
    /// `common`, `organizations` or `consumers`.
    Any,
}

impl Authority {
    /// Reads the tenant of a path.
    pub(crate) fn parse(text: &str, tenant: Guid) -> Result<Authority, Refusal> {
        let lower = text.to_ascii_lowercase();
        if matches!(lower.as_str(), "common" | "organizations" | "consumers") {
            return Ok(Authority::Any);
        }
        match lower.parse::<Guid>() {
            Ok(guid) if guid == tenant => Ok(Authority::Tenant),
            Ok(CONSUMERS) => Ok(Authority::Any),
            Ok(_) => Err(errors::unknown_tenant(text)),
            Err(_) if lower == DOMAIN => Ok(Authority::Tenant),
            Err(_) if is_domain(&lower) => Err(errors::unknown_tenant(text)),
            Err(_) => Err(errors::malformed_tenant(text)),
        }
    }
}

/// Whether text has the form of a DNS name with at least two labels.
fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}

/// The parameters of a form or a query; the first one of a name counts.
#[derive(Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads `application/x-www-form-urlencoded` text.
    pub(crate) fn parse(text: &[u8]) -> Form {
        Form(url::form_urlencoded::parse(text).into_owned().collect())
    }

    /// A form of these names and values.
    pub(crate) fn of(fields: Vec<(String, String)>) -> Form {
        Form(fields)
    }

    /// Adds what another form says; what is here already counts first.
    pub(crate) fn and(mut self, other: Form) -> Form {
        self.0.extend(other.0);
        self
    }

    /// Every value of a parameter that may occur several times.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.0
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// A parameter that is present and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }
}

/// Finds the app that a request names.
pub(crate) fn find_application<'a>(
    tenant: &'a Tenant,
    client_id: &str,
) -> Result<&'a crate::directory::Application, Refusal> {
    client_id
        .parse()
        .ok()
        .and_then(|app_id| tenant.application(app_id))
        .ok_or_else(|| errors::unknown_application(client_id, &tenant.id.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_by_guid_and_domain() {
        let own = Guid::well_known(7);
        let check = |text: &str| Authority::parse(text, own).map_err(|refusal| refusal.code);
        assert_eq!(check(&own.to_string()), Ok(Authority::Tenant));
        assert_eq!(check("Contoso.Example"), Ok(Authority::Tenant));
        assert_eq!(check("common"), Ok(Authority::Any));
        assert_eq!(
            check("9188040d-6c67-4c5b-b112-36a304b66dad"),
            Ok(Authority::Any)
        );
        assert_eq!(check("fabrikam.example"), Err(90_002));
        assert_eq!(check("9188040d-6c67-4c5b-b112-36a304b66dae"), Err(90_002));
        for text in ["contoso", "a b", "-.example", "", "a..b", "x.example/"] {
            assert_eq!(check(text), Err(900_023), "{text}");
        }
    }
}
