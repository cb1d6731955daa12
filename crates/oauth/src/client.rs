//! The client and how it proves itself at the token endpoint (RFC 6749 §2.3, names of RFC 7591 §2).
//!
//! Builds the token request; does not send it, and does not choose the grant.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Uri};
use serde::{Deserialize, Serialize};
use url::Url;
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::{AssertionForm, Exchange, Grant, ProviderError, Scope, Secret, entra};

/// The most characters that a client id may have; Entra's have 36.
const CLIENT_ID_LIMIT: usize = 512;

/// The body of a request as it is put together.
type Form = form_urlencoded::Serializer<'static, String>;

/// RFC 7523 §2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The identifier that the authorization server gave to the client (Entra: Application (client) ID).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientId(String);

/// Why a text is no client id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientIdError {
    /// There is no text.
    #[error("the client id is empty")]
    Empty,
    /// A blank at an end is always a slip of the clipboard.
    #[error("the client id begins or ends with white space")]
    WhiteSpace,
    /// RFC 6749 appendix A.1 allows printable ASCII only.
    #[error("the client id has a character that is not printable ASCII")]
    Character,
    /// It can't be right.
    #[error("the client id is longer than {CLIENT_ID_LIMIT} characters")]
    TooLong,
}

impl ClientId {
    /// Takes a client id as somebody typed it.
    pub fn parse(text: &str) -> Result<Self, ClientIdError> {
        if text.is_empty() {
            return Err(ClientIdError::Empty);
        }
        if text.trim() != text {
            return Err(ClientIdError::WhiteSpace);
        }
        if !text.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) {
            return Err(ClientIdError::Character);
        }
        if text.len() > CLIENT_ID_LIMIT {
            return Err(ClientIdError::TooLong);
        }
        Ok(Self(text.to_owned()))
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for ClientId {
    type Error = ClientIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<ClientId> for String {
    fn from(id: ClientId) -> Self {
        id.0
    }
}

/// How the client is set to prove itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthenticationMethod {
    /// Header first; on `invalid_client` the body; what worked is remembered by the caller.
    #[default]
    Automatic,
    /// HTTP Basic with form-encoded id and secret.
    ClientSecretBasic,
    /// `client_id` and `client_secret` in the body.
    ClientSecretPost,
    /// A signed assertion (RFC 7523) as Entra recommends it: PS256, certificate named by `x5t#S256`.
    PrivateKeyJwt,
    /// The same as older servers want it: RS256, certificate named by `x5t`.
    PrivateKeyJwtRs256,
    /// A public client: `client_id` only.
    None,
}

impl AuthenticationMethod {
    /// The methods to try, in this order; the next one only after `invalid_client`.
    pub fn candidates(self, learned: Option<Self>) -> &'static [Self] {
        match (self, learned) {
            (Self::Automatic, Some(Self::ClientSecretPost)) => {
                &[Self::ClientSecretPost, Self::ClientSecretBasic]
            }
            (Self::Automatic, Some(Self::None)) | (Self::None, _) => &[Self::None],
            (Self::Automatic, _) => &[Self::ClientSecretBasic, Self::ClientSecretPost],
            (Self::ClientSecretBasic, _) => &[Self::ClientSecretBasic],
            (Self::ClientSecretPost, _) => &[Self::ClientSecretPost],
            (Self::PrivateKeyJwt, Some(Self::PrivateKeyJwtRs256)) => {
                &[Self::PrivateKeyJwtRs256, Self::PrivateKeyJwt]
            }
            (Self::PrivateKeyJwt, _) => &[Self::PrivateKeyJwt, Self::PrivateKeyJwtRs256],
            (Self::PrivateKeyJwtRs256, _) => &[Self::PrivateKeyJwtRs256],
        }
    }

    /// How the method signs, if it proves with a certificate.
    pub fn assertion_form(self) -> Option<AssertionForm> {
        match self {
            Self::PrivateKeyJwt => Some(AssertionForm::Ps256),
            Self::PrivateKeyJwtRs256 => Some(AssertionForm::Rs256),
            Self::Automatic | Self::ClientSecretBasic | Self::ClientSecretPost | Self::None => None,
        }
    }

    /// Whether the next candidate may be tried after this refusal.
    ///
    /// A secret that came in the header may be wanted in the body. An assertion whose fault has a number is not
    /// refused for its form, except where the number says just that.
    pub fn may_go_on(self, refusal: &ProviderError) -> bool {
        let in_form = |code: &u32| *code == entra::MALFORMED_JWT;
        refusal.error == "invalid_client"
            && (self.assertion_form().is_none() || refusal.error_codes.iter().all(in_form))
    }

    /// The method's word, as RFC 7591 spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::PrivateKeyJwtRs256 => "private_key_jwt_rs256",
            Self::None => "none",
        }
    }
}

impl fmt::Display for AuthenticationMethod {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A method that proves with a secret was chosen, and there is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("client authentication {method} needs {}, and the connection has none", self.wanted())]
pub struct MissingSecret {
    /// The method that was chosen.
    pub method: AuthenticationMethod,
}

impl MissingSecret {
    fn wanted(&self) -> &'static str {
        match self.method.assertion_form() {
            Some(_) => "a certificate",
            None => "a client secret",
        }
    }
}

/// How the client proves itself in one request, with exactly the data that this needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// A public client.
    None,
    /// HTTP Basic (RFC 6749 §2.3.1).
    ClientSecretBasic(Secret),
    /// In the body (RFC 6749 §2.3.1).
    ClientSecretPost(Secret),
    /// A signed assertion in the body (RFC 7523 §2.2), made for this request by [`crate::ClientCertificate::assertion`].
    PrivateKeyJwt(Secret),
}

impl ClientAuthentication {
    /// Joins a method and its proof: the stored secret, or the assertion that was made for this request.
    ///
    /// [`AuthenticationMethod::Automatic`] means its first candidate.
    pub fn new(
        method: AuthenticationMethod,
        secret: Option<&Secret>,
    ) -> Result<Self, MissingSecret> {
        let secret = secret.filter(|secret| !secret.is_empty());
        match (method, secret) {
            (AuthenticationMethod::None, _) => Ok(Self::None),
            (_, None) => Err(MissingSecret { method }),
            (
                AuthenticationMethod::Automatic | AuthenticationMethod::ClientSecretBasic,
                Some(secret),
            ) => Ok(Self::ClientSecretBasic(secret.clone())),
            (AuthenticationMethod::ClientSecretPost, Some(secret)) => {
                Ok(Self::ClientSecretPost(secret.clone()))
            }
            (
                AuthenticationMethod::PrivateKeyJwt | AuthenticationMethod::PrivateKeyJwtRs256,
                Some(assertion),
            ) => Ok(Self::PrivateKeyJwt(assertion.clone())),
        }
    }
}

/// Tells whether Keyway sets this token request parameter itself, so that an extra one of that name is left out.
///
/// `resource` is among them because Entra's v2.0 endpoint refuses it: there the resource is part of the scope.
pub fn is_reserved_token_parameter(name: &str) -> bool {
    const RESERVED: [&str; 16] = [
        "grant_type",
        "assertion",
        "requested_token_use",
        "subject_token",
        "subject_token_type",
        "device_code",
        "client_id",
        "client_secret",
        "client_assertion",
        "client_assertion_type",
        "code",
        "code_verifier",
        "redirect_uri",
        "refresh_token",
        "scope",
        "resource",
    ];
    RESERVED
        .iter()
        .any(|reserved| name.trim().eq_ignore_ascii_case(reserved))
}

/// A client as the token endpoint sees it.
#[derive(Debug, Clone)]
pub struct Client {
    /// Who it is.
    pub id: ClientId,
    /// How it proves that.
    pub authentication: ClientAuthentication,
    /// Where tokens come from.
    pub token_endpoint: Url,
}

impl Client {
    /// Builds the token request. The caller sends it once, over TLS, and follows no redirect.
    ///
    /// Parameters of `extra` never replace one of the protocol's own ([`is_reserved_token_parameter`]).
    pub fn token_request(
        &self,
        grant: &Grant<'_>,
        scope: Option<&Scope>,
        extra: &[(String, String)],
    ) -> Request<Bytes> {
        let mut form = Form::new(String::new());
        form.append_pair("grant_type", grant.grant_type());
        match grant {
            Grant::AuthorizationCode(code) => {
                form.append_pair("code", code.code.expose());
                form.append_pair("redirect_uri", code.redirect_uri.as_str());
                form.append_pair("code_verifier", code.code_verifier.expose());
            }
            Grant::RefreshToken(token) => {
                form.append_pair("refresh_token", token.expose());
            }
            Grant::DeviceCode(code) => {
                form.append_pair("device_code", code.expose());
            }
            Grant::JwtBearer(assertion) => {
                form.append_pair("assertion", assertion.expose());
            }
            Grant::OnBehalfOf(assertion) => {
                form.append_pair("assertion", assertion.expose());
                form.append_pair("requested_token_use", "on_behalf_of");
            }
            Grant::TokenExchange(exchange) => append_exchange(&mut form, exchange),
            Grant::ClientCredentials => {}
        }
        // An assertion of its own says who the client is (RFC 7521 §4.1).
        let says_it_twice = matches!(
            (grant, &self.authentication),
            (Grant::JwtBearer(_), ClientAuthentication::None)
        );
        if !says_it_twice {
            self.prove(&mut form);
        }
        self.request(&self.token_endpoint, form, scope, extra)
    }

    /// Builds the device authorization request (RFC 8628 §3.1), under the same rules.
    pub fn device_authorization_request(
        &self,
        endpoint: &Url,
        scope: Option<&Scope>,
        extra: &[(String, String)],
    ) -> Request<Bytes> {
        let mut form = Form::new(String::new());
        // Entra reads the client's id from the body alone.
        if let ClientAuthentication::ClientSecretBasic(_) = &self.authentication {
            form.append_pair("client_id", self.id.as_str());
        }
        self.prove(&mut form);
        self.request(endpoint, form, scope, extra)
    }

    /// Builds the revocation request (RFC 7009 §2.1): a refresh token takes its access tokens along.
    pub fn revocation_request(&self, endpoint: &Url, token: &Secret) -> Request<Bytes> {
        let mut form = Form::new(String::new());
        form.append_pair("token", token.expose());
        form.append_pair("token_type_hint", "refresh_token");
        self.prove(&mut form);
        self.request(endpoint, form, None, &[])
    }

    /// Adds what the body says of who the client is.
    fn prove(&self, form: &mut Form) {
        match &self.authentication {
            // one way of proving per request (RFC 6749 §2.3), so the id is in the header alone
            ClientAuthentication::ClientSecretBasic(_) => {}
            ClientAuthentication::None => {
                form.append_pair("client_id", self.id.as_str());
            }
            ClientAuthentication::ClientSecretPost(secret) => {
                form.append_pair("client_id", self.id.as_str());
                form.append_pair("client_secret", secret.expose());
            }
            ClientAuthentication::PrivateKeyJwt(assertion) => {
                form.append_pair("client_id", self.id.as_str());
                form.append_pair("client_assertion_type", ASSERTION_TYPE);
                form.append_pair("client_assertion", assertion.expose());
            }
        }
    }

    /// Completes a form with scope and extra parameters, and the header that proves the client.
    fn request(
        &self,
        endpoint: &Url,
        mut form: Form,
        scope: Option<&Scope>,
        extra: &[(String, String)],
    ) -> Request<Bytes> {
        if let Some(scope) = scope.filter(|scope| !scope.is_empty()) {
            form.append_pair("scope", &scope.to_string());
        }
        for (name, value) in extra {
            if !is_reserved_token_parameter(name) {
                form.append_pair(name, value);
            }
        }

        let mut request = Request::new(Bytes::from(form.finish()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri(endpoint);
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        if let ClientAuthentication::ClientSecretBasic(secret) = &self.authentication {
            headers.insert(AUTHORIZATION, basic(&self.id, secret));
        }
        request
    }
}

fn append_exchange(form: &mut Form, exchange: &Exchange<'_>) {
    form.append_pair("subject_token", exchange.subject_token.expose());
    form.append_pair("subject_token_type", exchange.subject_token_type);
    for (name, value) in [
        ("requested_token_type", exchange.requested_token_type),
        ("audience", exchange.audience),
    ] {
        if let Some(value) = value {
            form.append_pair(name, value);
        }
    }
}

/// A URL that HTTP can't express (none that the connection form accepts) gives "/", which nobody can send anywhere.
fn uri(url: &Url) -> Uri {
    let mut url = url.clone();
    url.set_fragment(None);
    url.as_str().parse().unwrap_or_default()
}

/// Form-encodes id and secret before base64 (RFC 6749 §2.3.1): a colon or a plus sign in either survives.
fn basic(id: &ClientId, secret: &Secret) -> HeaderValue {
    let mut pair = Zeroizing::new(form_encoded(id.as_str()));
    pair.push(':');
    pair.push_str(&Zeroizing::new(form_encoded(secret.expose())));
    let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    let mut header = HeaderValue::from_str(&value).expect("base64 is visible ASCII");
    header.set_sensitive(true);
    header
}

fn form_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests;
