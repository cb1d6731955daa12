//! Which fields belong to which type, grant and preset: one table. What is typed and belongs to none of those that are meant is refused,
//! since leaving it out in silence would let somebody think that it counts.

use crate::check::{Kept, Kind, kind};
use crate::error::Error;
use crate::fields::{Word, named};
use crate::form::Form;
use crate::preset::provider::{self, Place};

/// Where a preset says that OAuth happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Site {
    /// Microsoft's clouds, by tenant.
    Entra,
    /// A provider's own addresses.
    Known,
    /// An issuer, whose metadata are read.
    Issuer,
    /// Addresses typed by hand.
    Typed,
}

/// A field, and with what it may stand; an empty list means with all.
struct Field {
    name: &'static str,
    is_given: fn(&Form) -> bool,
    types: &'static [Kind],
    grants: &'static [Word],
    sites: &'static [Site],
}

const OAUTH: &[Kind] = &[Kind::OAuth];
const SECRET: &[Kind] = &[
    Kind::OAuth,
    Kind::Basic,
    Kind::Bearer,
    Kind::Headers,
    Kind::QueryKey,
];
const PERSON: &[Word] = &[Word::AuthorizationCode, Word::DeviceCode];
const TYPED: &[Site] = &[Site::Issuer, Site::Typed];

/// A field of OAuth, whichever the grant and the preset.
const fn oauth(name: &'static str, is_given: fn(&Form) -> bool) -> Field {
    of(name, is_given, OAUTH)
}

/// A field of types.
const fn of(name: &'static str, is_given: fn(&Form) -> bool, types: &'static [Kind]) -> Field {
    Field {
        name,
        is_given,
        types,
        grants: &[],
        sites: &[],
    }
}

impl Field {
    const fn for_grants(mut self, grants: &'static [Word]) -> Field {
        self.grants = grants;
        self
    }

    const fn at(mut self, sites: &'static [Site]) -> Field {
        self.sites = sites;
        self
    }
}

fn filled(text: Option<&String>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

/// Every field but those that belong to all: name, type, base URL, origins, trusted certificates, calls at once, proof.
const FIELDS: &[Field] = &[
    oauth("preset", |form| {
        form.preset.as_deref().is_some_and(|name| name != "generic")
    }),
    oauth("grant", |form| filled(form.grant.as_ref())),
    oauth("cloud", |form| filled(form.cloud.as_ref())).at(&[Site::Entra, Site::Known]),
    oauth("tenant", |form| filled(form.tenant.as_ref())).at(&[Site::Entra]),
    oauth("issuer", |form| filled(form.issuer.as_ref())).at(TYPED),
    oauth("authorization_endpoint", |form| {
        filled(form.authorization_endpoint.as_ref())
    })
    .at(TYPED)
    .for_grants(&[Word::AuthorizationCode]),
    oauth("device_authorization_endpoint", |form| {
        filled(form.device_authorization_endpoint.as_ref())
    })
    .at(TYPED)
    .for_grants(&[Word::DeviceCode]),
    oauth("token_endpoint", |form| {
        filled(form.token_endpoint.as_ref())
    })
    .at(TYPED),
    oauth("confirm_foreign_token_endpoint", |form| {
        form.confirm_foreign_token_endpoint == Some(true)
    })
    .at(TYPED)
    .for_grants(PERSON),
    oauth("client_id", |form| filled(form.client_id.as_ref())),
    oauth("client_secret", |form| form.client_secret.is_some()),
    oauth("certificate", |form| form.certificate.is_some()),
    oauth("certificate_pkcs12", |form| {
        form.certificate_pkcs12.is_some()
    }),
    oauth("certificate_password", |form| {
        form.certificate_password.is_some()
    }),
    oauth("client_authentication", |form| {
        filled(form.client_authentication.as_ref())
    }),
    oauth("scope", |form| filled(form.scope.as_ref())),
    oauth("private_key", |form| form.private_key.is_some()).for_grants(&[Word::JwtBearer]),
    oauth("subject", |form| filled(form.subject.as_ref())).for_grants(&[Word::JwtBearer]),
    oauth("key_id", |form| filled(form.key_id.as_ref())).for_grants(&[Word::JwtBearer]),
    oauth("audience", |form| filled(form.audience.as_ref()))
        .for_grants(&[Word::JwtBearer, Word::TokenExchange]),
    oauth("subject_token_type", |form| {
        filled(form.subject_token_type.as_ref())
    })
    .for_grants(&[Word::TokenExchange]),
    oauth("authorize_parameters", |form| {
        form.authorize_parameters
            .as_ref()
            .is_some_and(|all| !all.is_empty())
    })
    .for_grants(PERSON),
    oauth("token_parameters", |form| {
        form.token_parameters
            .as_ref()
            .is_some_and(|all| !all.is_empty())
    }),
    of(
        "username",
        |form| filled(form.username.as_ref()),
        &[Kind::Basic],
    ),
    of("password", |form| form.password.is_some(), &[Kind::Basic]),
    of("token", |form| form.token.is_some(), &[Kind::Bearer]),
    of("headers", |form| form.headers.is_some(), &[Kind::Headers]),
    of(
        "query_key",
        |form| form.query_key.is_some(),
        &[Kind::QueryKey],
    ),
    of(
        "secret_expires_at",
        |form| filled(form.secret_expires_at.as_ref()),
        SECRET,
    ),
];

/// Refuses the first typed field that belongs elsewhere; `stored` is what a change is laid over.
pub(crate) fn check(typed: &Form, stored: Option<(Form, &Kept)>) -> Result<(), Error> {
    let (meant, kept) = match stored {
        Some((stored, kept)) => (stored.overlay(typed.clone()), kept.preset()),
        None => (typed.clone(), None),
    };
    let kind = kind(&meant)?;
    let preset = meant.preset.as_deref().or(kept);
    let site = site(preset);
    // Without a word for it the grant follows from the fields; presets ask for one, and say so later.
    let grant = named(&meant).or_else(|| {
        let is_typed = meant.grant.is_none() && site == Some(Site::Typed);
        is_typed.then_some(Word::ClientCredentials)
    });
    for field in FIELDS.iter().filter(|field| (field.is_given)(typed)) {
        if !field.types.contains(&kind) {
            return Err(elsewhere(
                field.name,
                &format!("type {}", kind.word()),
                "type",
            ));
        }
        if let Some(site) = site
            && !field.sites.is_empty()
            && !field.sites.contains(&site)
        {
            let preset = format!("preset {}", preset.unwrap_or("generic"));
            return Err(elsewhere(field.name, &preset, "preset"));
        }
        if let Some(grant) = grant
            && !field.grants.is_empty()
            && !field.grants.contains(&grant)
        {
            return Err(elsewhere(
                field.name,
                &format!("grant {}", grant.word()),
                "grant",
            ));
        }
    }
    Ok(())
}

fn elsewhere(field: &str, what: &str, other: &str) -> Error {
    Error::invalid(
        "body.invalid",
        format!("/{field}"),
        format!("`{field}` does not belong to {what}"),
    )
    .with_hint(format!("leave it out, or choose another {other}"))
}

/// Where a preset says that OAuth happens; `None` if there is no such preset.
fn site(preset: Option<&str>) -> Option<Site> {
    match preset {
        Some("microsoft-graph") => Some(Site::Entra),
        Some("oidc") => Some(Site::Issuer),
        Some("generic") | None => Some(Site::Typed),
        Some(other) => provider::find(other).map(|provider| match &provider.place {
            Place::Known(_) => Site::Known,
            Place::Issuer(_) => Site::Issuer,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Form {
        serde_json::from_str(text).unwrap()
    }

    fn refusal(typed: &str, stored: Option<&str>) -> Option<String> {
        let kept = Kept::default();
        let stored = stored.map(|stored| (form(stored), &kept));
        let error = check(&form(typed), stored).err()?;
        assert_eq!(error.code(), "body.invalid", "{error}");
        Some(format!("{} {error}", error.field().unwrap()))
    }

    #[test]
    fn what_belongs_elsewhere_is_refused() {
        for (typed, expected) in [
            (
                r#"{"type":"none","token":"x"}"#,
                "/token `token` does not belong to type none",
            ),
            (
                r#"{"type":"none","secret_expires_at":"2030-01-01"}"#,
                "/secret_expires_at",
            ),
            (
                r#"{"type":"bearer","token":"x","client_secret":"y"}"#,
                "/client_secret",
            ),
            (
                r#"{"type":"bearer","token":"x","grant":"client_credentials"}"#,
                "/grant",
            ),
            (
                r#"{"type":"bearer","token":"x","preset":"github"}"#,
                "/preset",
            ),
            (
                r#"{"username":"a","password":"b","headers":{}}"#,
                "/headers",
            ),
            (
                r#"{"preset":"microsoft-graph","grant":"client_credentials","tenant":"t","token_endpoint":"https://a.example/t"}"#,
                "/token_endpoint `token_endpoint` does not belong to preset microsoft-graph",
            ),
            (
                r#"{"preset":"microsoft-graph","tenant":"t","issuer":"https://a.example"}"#,
                "/issuer",
            ),
            (r#"{"preset":"github","tenant":"t"}"#, "/tenant"),
            (
                r#"{"preset":"oidc","issuer":"https://a.example","cloud":"global"}"#,
                "/cloud",
            ),
            (
                r#"{"token_endpoint":"https://a.example/t","tenant":"t"}"#,
                "/tenant `tenant` does not belong to preset generic",
            ),
            (
                r#"{"token_endpoint":"https://a.example/t","authorize_parameters":{"a":"b"}}"#,
                "/authorize_parameters `authorize_parameters` does not belong to grant client_credentials",
            ),
            (
                r#"{"grant":"client_credentials","token_endpoint":"https://a.example/t","subject":"ada"}"#,
                "/subject",
            ),
            (
                r#"{"preset":"google","grant":"authorization_code","private_key":"k"}"#,
                "/private_key",
            ),
        ] {
            let refused = refusal(typed, None).unwrap_or_else(|| panic!("{typed}"));
            assert!(refused.starts_with(expected), "{refused}");
        }
    }

    #[test]
    fn what_belongs_passes_and_a_change_is_judged_by_what_comes_of_it() {
        for typed in [
            r#"{"type":"none","base_url":"https://a.example","concurrency":3,"prove":false}"#,
            r#"{"type":"bearer","preset":"generic","token":"x","secret_expires_at":"2030-01-01"}"#,
            r#"{"preset":"microsoft-graph","grant":"authorization_code","tenant":"t","cloud":"global","authorize_parameters":{"a":"b"}}"#,
            r#"{"preset":"oidc","issuer":"https://a.example","token_endpoint":"https://a.example/t","grant":"client_credentials"}"#,
            r#"{"authorization_endpoint":"https://a.example/a","token_endpoint":"https://b.example/t","confirm_foreign_token_endpoint":true,"issuer":"i"}"#,
            r#"{"grant":"token_exchange","token_endpoint":"https://a.example/t","audience":"a","subject_token_type":"t"}"#,
            r#"{"preset":"google","private_key":"k","key_id":"i","subject":"s"}"#,
            r#"{"token_endpoint":"https://a.example/t","scope":"","authorize_parameters":{},"tenant":""}"#,
        ] {
            assert_eq!(refusal(typed, None), None, "{typed}");
        }
        let graph = r#"{"type":"oauth","preset":"microsoft-graph","grant":"authorization_code","tenant":"t","authorize_parameters":{"a":"b"}}"#;
        // What is stored and belongs no more goes without a word: nobody typed it.
        assert_eq!(
            refusal(r#"{"grant":"client_credentials"}"#, Some(graph)),
            None
        );
        assert_eq!(
            refusal(r#"{"type":"bearer","token":"x"}"#, Some("{}")),
            None
        );
        let refused = refusal(r#"{"token":"x"}"#, Some(graph)).unwrap();
        assert!(refused.starts_with("/token "), "{refused}");
    }
}
