//! What a client shows at the token endpoint to be given a token (RFC 6749 §1.3).

use url::Url;

use crate::Secret;

/// One grant, ready to be put into a token request.
#[derive(Debug, Clone, Copy)]
pub enum Grant<'a> {
    /// A code that came to the redirect URI (RFC 6749 §4.1.3), with its `code_verifier` (RFC 7636).
    AuthorizationCode(&'a AuthorizationCode),
    /// The client itself (RFC 6749 §4.4).
    ClientCredentials,
    /// A refresh token (RFC 6749 §6).
    RefreshToken(&'a Secret),
    /// A device code whose user code somebody types elsewhere (RFC 8628 §3.4).
    DeviceCode(&'a Secret),
    /// An assertion of the client's own making (RFC 7523 §2.1).
    JwtBearer(&'a Secret),
    /// A token that somebody called with, for one that calls further in that person's name: RFC 7523 §2.1 as Entra extends it.
    OnBehalfOf(&'a Secret),
    /// The same by the standard's own grant (RFC 8693).
    TokenExchange(&'a Exchange<'a>),
}

/// What is exchanged for what (RFC 8693 §2.1).
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    /// The token that speaks for somebody.
    pub subject_token: &'a Secret,
    /// What kind of token it is, as a URI.
    pub subject_token_type: &'a str,
    /// What kind is wanted, as a URI, if the server is to be told.
    pub requested_token_type: Option<&'a str>,
    /// The name of the service that the new token is for.
    pub audience: Option<&'a str>,
}

impl Grant<'_> {
    /// The value of `grant_type` on the wire.
    pub fn grant_type(&self) -> &'static str {
        match self {
            Self::AuthorizationCode(_) => "authorization_code",
            Self::ClientCredentials => "client_credentials",
            Self::RefreshToken(_) => "refresh_token",
            Self::DeviceCode(_) => "urn:ietf:params:oauth:grant-type:device_code",
            Self::JwtBearer(_) | Self::OnBehalfOf(_) => {
                "urn:ietf:params:oauth:grant-type:jwt-bearer"
            }
            Self::TokenExchange(_) => "urn:ietf:params:oauth:grant-type:token-exchange",
        }
    }
}

/// An accepted authorization code and what must accompany it. It works once: never send it twice.
#[derive(Debug, Clone)]
pub struct AuthorizationCode {
    /// The code from the callback.
    pub code: Secret,
    /// The secret whose hash went to the authorization endpoint as `code_challenge`.
    pub code_verifier: Secret,
    /// The redirect URI of the authorization request, repeated to the letter.
    pub redirect_uri: Url,
}
