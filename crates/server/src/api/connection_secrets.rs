//! `/api/v1/connections/{name}/secrets`: the two live secrets or certificates of a client, rotated in place. Values go in and
//! never come out; of a certificate the public half does.

use axum::Json as Answer;
use axum::extract::Path;
use axum::response::Response;
use connect::{Card, NewCertificate, NewSecret, PublicCertificate, Which};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::ConnectionName;
use utoipa::{IntoParams, ToSchema};

use super::{Name, Refusals, answer, etag, schema};
use crate::access::{Admin, Viewer};
use crate::json::{Json, RequestBody};
use crate::problem::Problem;

impl RequestBody for NewSecret {}

impl RequestBody for NewCertificate {}

/// A further secret: a client secret or a certificate, in PEM or PKCS#12; not both.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documentation only; `connect` reads the body")]
pub(crate) struct NewConnectionSecret {
    /// Client secret (its value, not its id).
    client_secret: Option<String>,
    /// Certificate with its private key (RSA, 2048 bits or more), in PEM.
    certificate: Option<String>,
    /// The same as a PKCS#12 file (.pfx, .p12) of at most 64 KiB, in base64.
    certificate_pkcs12: Option<String>,
    /// Password of the PKCS#12 file; left out: none. Not kept.
    certificate_password: Option<String>,
    /// When the client secret expires: a date or an RFC 3339 time.
    secret_expires_at: Option<String>,
}

/// A certificate that is to be made.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documentation only; `connect` reads the body")]
pub(crate) struct NewConnectionCertificate {
    /// How many days it holds.
    #[schema(minimum = 1, maximum = 3650, default = 365)]
    days: Option<u16>,
    /// Its common name; by itself the connection's name.
    common_name: Option<String>,
}

/// A certificate to be registered at the provider; its key never leaves.
#[derive(Serialize, ToSchema)]
pub(crate) struct RegistrableCertificate {
    /// `newest` or `older`.
    #[schema(value_type = String)]
    which: Which,
    /// The certificate as PEM: the content of a `.cer` file.
    pem: String,
    /// SHA-1 in hexadecimal, as Entra's portal shows it.
    thumbprint: String,
    /// SHA-256 in hexadecimal.
    thumbprint_sha256: String,
    not_before: Timestamp,
    expires_at: Timestamp,
}

impl From<PublicCertificate> for RegistrableCertificate {
    fn from(certificate: PublicCertificate) -> RegistrableCertificate {
        RegistrableCertificate {
            which: certificate.which,
            pem: certificate.pem,
            thumbprint: certificate.card.thumbprint,
            thumbprint_sha256: certificate.card.thumbprint_sha256,
            not_before: certificate.card.not_before,
            expires_at: certificate.card.expires_at,
        }
    }
}

/// A secret of a connection.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct SecretPlace {
    /// The connection's name.
    name: String,
    /// `newest` or `older`.
    which: String,
}

impl SecretPlace {
    fn read(&self) -> Result<(ConnectionName, Which), Problem> {
        let name = ConnectionName::parse(&self.name)
            .map_err(|_| Problem::not_found("connection", &self.name))?;
        match self.which.as_str() {
            "newest" => Ok((name, Which::Newest)),
            "older" => Ok((name, Which::Older)),
            other => Err(Problem::not_found("secret", other)),
        }
    }
}

impl Admin {
    async fn add_connection_secret(
        &self,
        name: &ConnectionName,
        new: NewSecret,
    ) -> Result<Card, Problem> {
        let connector = self.app().connector();
        Ok(connector.add_secret(self.actor(), name, new).await?)
    }

    async fn remove_connection_secret(
        &self,
        name: &ConnectionName,
        which: Which,
    ) -> Result<Card, Problem> {
        let connector = self.app().connector();
        Ok(connector.remove_secret(self.actor(), name, which).await?)
    }

    async fn generate_certificate(
        &self,
        name: &ConnectionName,
        new: NewCertificate,
    ) -> Result<PublicCertificate, Problem> {
        let connector = self.app().connector();
        let made = connector.generate_certificate(self.actor(), name, new);
        Ok(made.await?)
    }
}

impl Viewer {
    async fn connection_certificate(
        &self,
        name: &ConnectionName,
        which: Which,
    ) -> Result<PublicCertificate, Problem> {
        let connector = self.app().connector();
        Ok(connector.certificate(self.actor(), name, which).await?)
    }
}

/// Adds a newer secret beside the one that is there: it is tried first, the other one when it is refused.
#[utoipa::path(post, path = "/api/v1/connections/{name}/secrets", tag = "connections", operation_id = "add_connection_secret", params(schema::NameParameter),
    request_body = NewConnectionSecret, responses((status = 200, body = schema::Card), Refusals))]
pub(crate) async fn add(
    admin: Admin,
    Name(name): Name,
    Json(new): Json<NewSecret>,
) -> Result<Response, Problem> {
    let card = admin.add_connection_secret(&name, new).await?;
    Ok(answer(StatusCode::OK, etag(card.version), card))
}

/// Takes one of two secrets away.
#[utoipa::path(delete, path = "/api/v1/connections/{name}/secrets/{which}", tag = "connections", operation_id = "remove_connection_secret", params(SecretPlace),
    responses((status = 200, body = schema::Card), Refusals))]
pub(crate) async fn remove(
    admin: Admin,
    Path(place): Path<SecretPlace>,
) -> Result<Response, Problem> {
    let (name, which) = place.read()?;
    let card = admin.remove_connection_secret(&name, which).await?;
    Ok(answer(StatusCode::OK, etag(card.version), card))
}

/// Makes a key and a certificate inside Keyway; what is to be registered at the provider is in the answer, the key stays here.
#[utoipa::path(post, path = "/api/v1/connections/{name}/certificate", tag = "connections", operation_id = "generate_connection_certificate", params(schema::NameParameter),
    request_body = NewConnectionCertificate, responses((status = 201, body = RegistrableCertificate), Refusals))]
pub(crate) async fn generate(
    admin: Admin,
    Name(name): Name,
    Json(new): Json<NewCertificate>,
) -> Result<Response, Problem> {
    let made = admin.generate_certificate(&name, new).await?;
    let shown = RegistrableCertificate::from(made);
    Ok(answer(StatusCode::CREATED, (), shown))
}

/// Shows a certificate of a connection, to be registered at the provider.
#[utoipa::path(get, path = "/api/v1/connections/{name}/secrets/{which}/certificate", tag = "connections", operation_id = "show_connection_certificate", params(SecretPlace),
    responses((status = 200, body = RegistrableCertificate), Refusals))]
pub(crate) async fn certificate(
    viewer: Viewer,
    Path(place): Path<SecretPlace>,
) -> Result<Answer<RegistrableCertificate>, Problem> {
    let (name, which) = place.read()?;
    let found = viewer.connection_certificate(&name, which).await?;
    Ok(Answer(found.into()))
}
