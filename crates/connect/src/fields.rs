//! The fields of each authentication type: what may stand in them, and which of it is secret.

use std::collections::BTreeMap;

use http::HeaderName;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use oauth::{
    Access, AuthenticationMethod, ClientId, Scope, ScopeRule, Secret, Severity,
    is_reserved_authorization_parameter, is_reserved_token_parameter,
};
use store::{Authentication, JwtBearer, OAuth, OAuthGrant, OnBehalfOf, PresetName, ScopePlace};

use crate::card::Warning;
use crate::credential::forbidden_on_connection;
use crate::endpoints::Endpoints;
use crate::error::Error;
use crate::form::{Form, FormSecret};
use crate::preset::entra;
use crate::preset::provider::Place;

/// Most headers of type `headers`.
pub(crate) const HEADER_LIMIT: usize = 20;
/// The most calls at once that a connection may be given.
const CONCURRENCY_LIMIT: u32 = 1_000;
/// Scope complaints that are refused at once; all others are warnings on the card.
const SCOPE_ERRORS: [&str; 4] = [
    "scope.separator",
    "scope.non_ascii",
    "scope.default_mixed",
    "scope.empty",
];

pub(crate) fn oauth(
    form: &Form,
    endpoints: Endpoints,
    secrets: &mut Vec<(String, Secret)>,
) -> Result<OAuth, Error> {
    let word = word(form, &endpoints)?;
    let access = match word {
        Word::AuthorizationCode | Word::DeviceCode | Word::OnBehalfOf | Word::TokenExchange => {
            Access::Delegated
        }
        Word::ClientCredentials | Word::JwtBearer => Access::AppOnly,
    };
    let rules = if endpoints.preset == PresetName::MicrosoftGraph
        || entra::tenant_of(&endpoints.token).is_some()
    {
        ScopeRule::Entra
    } else {
        ScopeRule::Exact
    };
    let client_id = form.client_id.as_deref().ok_or_else(|| {
        Error::invalid(
            "connection.client_id_missing",
            "/client_id",
            "the client id is missing",
        )
    })?;
    let client_id = ClientId::parse(client_id).map_err(|error| {
        Error::invalid(
            "connection.client_id_invalid",
            "/client_id",
            error.to_string(),
        )
    })?;
    let method = method(form, word)?;
    one_proof(method, form)?;
    keep(
        secrets,
        "client_secret",
        "/client_secret",
        form.client_secret.as_ref(),
    )?;
    let scope = scope(form.scope.as_deref().unwrap_or_default(), rules, access)?;
    Ok(OAuth {
        grant: grant(form, word, &endpoints)?,
        token_endpoint: endpoints.token,
        client_id,
        client_authentication: method,
        scope,
        token_parameters: parameters(
            "/token_parameters",
            form.token_parameters.as_ref(),
            is_reserved_token_parameter,
        )?,
        issuer: endpoints.issuer,
        iss_required: endpoints.iss_required,
    })
}

/// The grant, with what only it needs.
fn grant(form: &Form, word: Word, endpoints: &Endpoints) -> Result<OAuthGrant, Error> {
    let missing = |code, field: &'static str, what| {
        move || Error::invalid(code, field, format!("the {what} is missing"))
    };
    match word {
        Word::ClientCredentials => Ok(OAuthGrant::ClientCredentials),
        Word::AuthorizationCode => Ok(OAuthGrant::AuthorizationCode {
            authorization_endpoint: endpoints.authorization.clone().ok_or_else(missing(
                "connection.authorization_endpoint_missing",
                "/authorization_endpoint",
                "authorization endpoint (Authorize Path)",
            ))?,
            parameters: authorize_parameters(form, endpoints)?,
        }),
        Word::DeviceCode => Ok(OAuthGrant::DeviceCode {
            device_authorization_endpoint: endpoints.device.clone().ok_or_else(missing(
                "connection.device_authorization_endpoint_missing",
                "/device_authorization_endpoint",
                "device authorization endpoint",
            ))?,
            // What a provider wants of a browser's request has no meaning here.
            parameters: typed_authorize_parameters(form)?,
        }),
        Word::JwtBearer => Ok(OAuthGrant::JwtBearer(jwt_bearer(form, endpoints))),
        Word::OnBehalfOf => Ok(OAuthGrant::OnBehalfOf(OnBehalfOf::Assertion)),
        Word::TokenExchange => Ok(OAuthGrant::OnBehalfOf(OnBehalfOf::TokenExchange {
            subject_token_type: form
                .subject_token_type
                .clone()
                .unwrap_or_else(|| "urn:ietf:params:oauth:token-type:access_token".to_owned()),
            audience: form.audience.clone().filter(|text| !text.is_empty()),
        })),
    }
}

fn jwt_bearer(form: &Form, endpoints: &Endpoints) -> JwtBearer {
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let audience = || match endpoints.provider.map(|provider| &provider.place) {
        Some(Place::Known(known)) => known.audience(&endpoints.token),
        Some(Place::Issuer(_)) | None => endpoints.token.to_string(),
    };
    JwtBearer {
        subject: filled(&form.subject),
        audience: filled(&form.audience).unwrap_or_else(audience),
        key_id: filled(&form.key_id),
        scope_place: endpoints
            .provider
            .map_or(ScopePlace::Parameter, |provider| provider.scope_place),
    }
}

fn typed_authorize_parameters(form: &Form) -> Result<Vec<(String, String)>, Error> {
    parameters(
        "/authorize_parameters",
        form.authorize_parameters.as_ref(),
        is_reserved_authorization_parameter,
    )
}

/// What was typed, and what the provider needs beside it.
fn authorize_parameters(
    form: &Form,
    endpoints: &Endpoints,
) -> Result<Vec<(String, String)>, Error> {
    let mut parameters = typed_authorize_parameters(form)?;
    let needed = endpoints
        .provider
        .map_or(&[][..], |provider| provider.authorize_parameters);
    for (name, value) in needed {
        if !parameters.iter().any(|(known, _)| known == name) {
            parameters.push(((*name).to_owned(), (*value).to_owned()));
        }
    }
    Ok(parameters)
}

/// The grant that a form names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    AuthorizationCode,
    ClientCredentials,
    DeviceCode,
    JwtBearer,
    OnBehalfOf,
    TokenExchange,
}

impl Word {
    /// The word itself, as it is typed.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Word::AuthorizationCode => "authorization_code",
            Word::ClientCredentials => "client_credentials",
            Word::DeviceCode => "device_code",
            Word::JwtBearer => "jwt_bearer",
            Word::OnBehalfOf => "on_behalf_of",
            Word::TokenExchange => "token_exchange",
        }
    }
}

/// The grant that a form names, or that its fields are for.
pub(crate) fn named(form: &Form) -> Option<Word> {
    match form.grant.as_deref() {
        Some("authorization_code" | "authorization-code") => Some(Word::AuthorizationCode),
        Some("client_credentials" | "client-credentials") => Some(Word::ClientCredentials),
        Some("device_code" | "device-code") => Some(Word::DeviceCode),
        Some("jwt_bearer" | "jwt-bearer") => Some(Word::JwtBearer),
        Some("on_behalf_of" | "on-behalf-of") => Some(Word::OnBehalfOf),
        Some("token_exchange" | "token-exchange") => Some(Word::TokenExchange),
        None if form.authorization_endpoint.is_some() => Some(Word::AuthorizationCode),
        None if form.device_authorization_endpoint.is_some() => Some(Word::DeviceCode),
        None if form.private_key.is_some() => Some(Word::JwtBearer),
        Some(_) | None => None,
    }
}

fn word(form: &Form, endpoints: &Endpoints) -> Result<Word, Error> {
    if let Some(word) = named(form) {
        return Ok(word);
    }
    match form.grant.as_deref() {
        None if endpoints.recognised || endpoints.preset == PresetName::Generic => {
            Ok(Word::ClientCredentials)
        }
        other => Err(Error::invalid(
            "connection.grant_invalid",
            "/grant",
            match other {
                Some(other) => format!("there is no grant {other:?} here"),
                None => "it is not said whether a person or the app itself is calling".to_owned(),
            },
        )
        .with_hint(
            "grants: authorization_code (a person signs in), device_code (a person types a code elsewhere), client_credentials (the app itself), jwt_bearer (the app signs for whom it asks), on_behalf_of or token_exchange (whoever calls brings a token)",
        )),
    }
}

fn method(form: &Form, grant: Word) -> Result<AuthenticationMethod, Error> {
    match form.client_authentication.as_deref() {
        None if form.certificate.is_some() => Ok(AuthenticationMethod::PrivateKeyJwt),
        // What has no browser can rarely keep a secret: the usual client of this grant is public.
        // An assertion of the grant's own says who the client is.
        None if matches!(grant, Word::DeviceCode | Word::JwtBearer)
            && form.client_secret.is_none() =>
        {
            Ok(AuthenticationMethod::None)
        }
        None => Ok(entra::AUTHENTICATION),
        Some("automatic") => Ok(AuthenticationMethod::Automatic),
        Some("client_secret_basic" | "basic") => Ok(AuthenticationMethod::ClientSecretBasic),
        Some("client_secret_post" | "post") => Ok(AuthenticationMethod::ClientSecretPost),
        Some("private_key_jwt") => Ok(AuthenticationMethod::PrivateKeyJwt),
        Some("private_key_jwt_rs256") => Ok(AuthenticationMethod::PrivateKeyJwtRs256),
        Some("none") => Ok(AuthenticationMethod::None),
        Some(other) => Err(Error::invalid(
            "connection.client_authentication_unknown",
            "/client_authentication",
            format!("there is no client authentication {other:?}"),
        )
        .with_hint("automatic, client_secret_basic, client_secret_post, private_key_jwt, private_key_jwt_rs256, none")),
    }
}

/// A client proves itself in one way: what that way does not send is not taken.
fn one_proof(method: AuthenticationMethod, form: &Form) -> Result<(), Error> {
    let signs = method.assertion_form().is_some();
    if form.client_secret.is_some() && (signs || method == AuthenticationMethod::None) {
        return Err(Error::invalid(
            "secret.unused",
            "/client_secret",
            format!(
                "client authentication \"{method}\" sends no secret: leave the secret out, or choose automatic"
            ),
        ));
    }
    if form.certificate.is_some() && !signs {
        return Err(Error::invalid(
            "certificate.unused",
            "/certificate",
            format!(
                "client authentication \"{method}\" signs nothing: leave the certificate out, or choose private_key_jwt"
            ),
        ));
    }
    Ok(())
}

fn scope(text: &str, rules: ScopeRule, access: Access) -> Result<Scope, Error> {
    let empty_is_fine = rules == ScopeRule::Exact;
    let refused = oauth::lint(text, rules, access).into_iter().find(|lint| {
        lint.severity == Severity::Error
            && SCOPE_ERRORS.contains(&lint.code)
            && !(empty_is_fine && lint.code == "scope.empty")
    });
    if let Some(lint) = refused {
        let error = Error::invalid(lint.code, "/scope", lint.message);
        return Err(match lint.fix {
            Some(fix) => error.with_hint(format!("use: {fix}")),
            None => error,
        });
    }
    Scope::parse(text).map_err(|error| {
        let separator = matches!(error.character, '\n' | '\r' | '\t' | ',');
        let code = if separator {
            "scope.separator"
        } else {
            "scope.non_ascii"
        };
        Error::invalid(code, "/scope", error.to_string())
    })
}

/// A name that was typed twice to the letter is stored once, which whoever typed it is told. What only means the same
/// is stored as it was typed, and warned of for as long as it is.
pub(crate) fn repeated(typed: Option<&str>, stored: &Scope) -> Option<Warning> {
    let names = typed?.split(' ').filter(|name| !name.is_empty());
    let mut once = Vec::new();
    let mut again = Vec::new();
    for name in names {
        if !once.contains(&name) {
            once.push(name);
        } else if !again.contains(&name) {
            again.push(name);
        }
    }
    (!again.is_empty()).then(|| Warning {
        code: "scope.duplicate".to_owned(),
        message: format!(
            "The scope names {} more than once: it is stored as \"{stored}\".",
            again.join(", ")
        ),
        fix: None,
    })
}

fn why_reserved(name: &str) -> &'static str {
    match name.trim().to_ascii_lowercase().as_str() {
        "" => "it has no name",
        "resource" => "which resource is meant stands in the scope alone, and Entra refuses both",
        "request" | "request_uri" => "it could replace all the others (RFC 9101)",
        "response_mode" => "the code comes back in the query, nowhere else",
        _ => "Keyway sets it itself",
    }
}

fn parameters(
    field: &str,
    given: Option<&BTreeMap<String, String>>,
    reserved: fn(&str) -> bool,
) -> Result<Vec<(String, String)>, Error> {
    let mut parameters = Vec::new();
    for (name, value) in given.into_iter().flatten() {
        if name.is_empty() || reserved(name) {
            return Err(Error::invalid(
                "parameter.reserved",
                format!("{field}/{name}"),
                format!(
                    "{name:?} can't be an extra parameter: {}",
                    why_reserved(name)
                ),
            ));
        }
        parameters.push((name.clone(), value.clone()));
    }
    Ok(parameters)
}

pub(crate) fn basic(
    form: &Form,
    secrets: &mut Vec<(String, Secret)>,
) -> Result<Authentication, Error> {
    let username = form.username.clone().unwrap_or_default();
    if username.is_empty() || username.contains(':') || username.chars().any(char::is_control) {
        return Err(Error::invalid(
            "connection.username_invalid",
            "/username",
            "the user name must not be empty and must not hold a colon or control characters (RFC 7617)",
        ));
    }
    keep(secrets, "password", "/password", form.password.as_ref())?;
    Ok(Authentication::Basic { username })
}

pub(crate) fn headers(
    form: &Form,
    secrets: &mut Vec<(String, Secret)>,
) -> Result<Authentication, Error> {
    let given = form.headers.clone().unwrap_or_default();
    if given.is_empty() || given.len() > HEADER_LIMIT {
        return Err(headers_missing("/headers"));
    }
    let mut names = Vec::new();
    for (name, secret) in given {
        let field = format!("/headers/{name}");
        header_name(&field, &name)?;
        let line_break = secret.0.expose().contains(['\r', '\n', '\0']);
        if line_break || !secret.0.expose().is_ascii() {
            return Err(Error::invalid(
                "header.forbidden",
                field,
                format!(
                    "the value of header {name} holds line breaks or characters that headers can't carry"
                ),
            ));
        }
        keep(secrets, &format!("header:{name}"), &field, Some(&secret))?;
        names.push(name);
    }
    Ok(Authentication::Headers { names })
}

/// No headers at all, or too many of them.
pub(crate) fn headers_missing(field: &str) -> Error {
    Error::invalid(
        "connection.headers_missing",
        field,
        format!("type headers needs between 1 and {HEADER_LIMIT} headers"),
    )
}

/// A header that a connection may set.
pub(crate) fn header_name(field: &str, name: &str) -> Result<(), Error> {
    let refused = |why| Err(Error::invalid("header.forbidden", field, why));
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        return refused(format!("{name:?} is no header name"));
    }
    match forbidden_on_connection(name) {
        Some(why) => refused(format!("header {name} can't be used: {why}")),
        None => Ok(()),
    }
}

pub(crate) fn query_key(
    form: &Form,
    secrets: &mut Vec<(String, Secret)>,
) -> Result<Authentication, Error> {
    let Some(key) = &form.query_key else {
        return Err(Error::invalid(
            "connection.query_key_missing",
            "/query_key",
            "the query parameter is missing",
        ));
    };
    if key.name.is_empty() || key.name.chars().any(char::is_control) {
        return Err(Error::invalid(
            "connection.query_key_missing",
            "/query_key/name",
            "the parameter's name is empty",
        ));
    }
    keep(secrets, "query_key", "/query_key/value", key.value.as_ref())?;
    Ok(Authentication::QueryKey {
        name: key.name.clone(),
    })
}

/// How many calls may be under way at once.
pub(crate) fn concurrency(given: Option<u32>) -> Result<Option<u32>, Error> {
    if given.is_none_or(|number| (1..=CONCURRENCY_LIMIT).contains(&number)) {
        return Ok(given);
    }
    Err(Error::invalid(
        "connection.concurrency_invalid",
        "/concurrency",
        format!("the number of calls at once must be from 1 to {CONCURRENCY_LIMIT}"),
    ))
}

/// Which path a test asks for: one below the base URL, never another origin.
pub(crate) fn probe_path(given: Option<&str>) -> Result<Option<String>, Error> {
    let Some(path) = given.filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    let fine = path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= 1024
        && path.bytes().all(|byte| byte.is_ascii_graphic())
        && !path.contains(['\\', '#']);
    if fine {
        return Ok(Some(path.to_owned()));
    }
    Err(Error::invalid(
        "connection.probe_path_invalid",
        "/probe_path",
        "the path that a test asks for begins with one slash, has no blanks, and is taken below the base URL",
    )
    .with_hint("for example /status, or /users?limit=1"))
}

/// Providers show a day, so a day is enough; it counts from its beginning, to be early rather than late.
pub(crate) fn expiry(given: Option<&str>) -> Result<Option<Timestamp>, Error> {
    let Some(text) = given.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let day = || {
        let day: Date = text.parse().ok()?;
        day.to_zoned(TimeZone::UTC).ok().map(|day| day.timestamp())
    };
    let time = if text.len() == "2027-11-28".len() {
        day()
    } else {
        text.parse().ok()
    };
    time.map(Some).ok_or_else(|| {
        Error::invalid(
            "secret.expiry_invalid",
            "/secret_expires_at",
            format!("{text:?} is neither a date nor a time"),
        )
        .with_hint("as the provider shows it: 2027-11-28, or 2027-11-28T09:30:00Z")
    })
}

/// Takes a secret as it is, or refuses it; nothing is ever trimmed silently.
pub(crate) fn keep(
    secrets: &mut Vec<(String, Secret)>,
    slot: &str,
    field: &str,
    given: Option<&FormSecret>,
) -> Result<(), Error> {
    let Some(FormSecret(secret)) = given else {
        return Ok(());
    };
    let text = secret.expose();
    if text.is_empty() {
        return Err(Error::invalid("secret.empty", field, "the secret is empty"));
    }
    let zero_width = |c: char| {
        matches!(
            c,
            '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}'
        )
    };
    if text.trim() != text || text.chars().any(|c| c.is_control() || zero_width(c)) {
        return Err(Error::invalid(
            "secret.whitespace",
            field,
            "the secret has white space around it, or line breaks or invisible characters in it: it was probably copied with them",
        )
        .with_hint("copy the value again, without what stands around it"));
    }
    secrets.push((slot.to_owned(), secret.clone()));
    Ok(())
}
