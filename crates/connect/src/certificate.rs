//! The certificate of a connection: judged when it is given, shown by its thumbprint, signed with when a token is asked for.
//!
//! What PEM and PKCS#12 hold and what an assertion is, `oauth` knows; here is which slot it is sealed in and what is said to
//! people. A PKCS#12 file becomes PEM on its way in; neither the file nor its password is stored.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use oauth::{
    AuthenticationMethod, Certificate, CertificateError, ClientAuthentication, ClientCertificate,
    MissingSecret, PKCS12_LARGEST, Secret,
};
use store::{Connection, OAuth};
use zeroize::Zeroizing;

use crate::ask::fill;
use crate::card::CertificateCard;
use crate::error::Error;
use crate::failure::TokenFailure;
use crate::form::{Form, FormSecret};

/// The slot of a certificate with its key.
pub(crate) const SLOT: &str = "certificate";
/// Where it stands in the form.
const FIELD: &str = "/certificate";
const PKCS12_FIELD: &str = "/certificate_pkcs12";
const PASSWORD_FIELD: &str = "/certificate_password";

/// A certificate with its private key in one of two forms.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given {
    /// In PEM.
    pub(crate) pem: Option<FormSecret>,
    /// A PKCS#12 file in base64.
    pub(crate) pkcs12: Option<FormSecret>,
    /// That file's password; left out: none.
    pub(crate) password: Option<FormSecret>,
}

impl Given {
    /// The certificate as PEM, opened beside the runtime's own threads: a file may ask for seconds of hashing.
    pub(crate) async fn unpacked(self) -> Result<Option<FormSecret>, Error> {
        let Some(file) = self.pkcs12 else {
            return match self.password {
                Some(_) => Err(Error::invalid(
                    "certificate.password_unused",
                    PASSWORD_FIELD,
                    "the password belongs to no PKCS#12 file",
                )
                .with_hint(
                    "send the file in base64 as certificate_pkcs12; a PEM has no password here",
                )),
                None => Ok(self.pem),
            };
        };
        if self.pem.is_some() {
            return Err(Error::invalid(
                "certificate.given_twice",
                PKCS12_FIELD,
                "a certificate is given twice, as PEM and as PKCS#12",
            )
            .with_hint("leave one of the two out"));
        }
        let password = self.password.unwrap_or_else(|| FormSecret::new(""));
        let opened = tokio::task::spawn_blocking(move || open(&file.0, &password.0)).await;
        // Whoever ends the runtime meanwhile wants no answer; a panic would be a defect in reading.
        let opened =
            opened.unwrap_or_else(|_| Err(refused(CertificateError::Unreadable("PKCS#12 file"))));
        opened.map(Some)
    }
}

fn open(file: &Secret, password: &Secret) -> Result<FormSecret, Error> {
    // Four characters for three bytes, and what line ends there may be.
    if file.expose().len() > PKCS12_LARGEST * 2 {
        return Err(refused(CertificateError::TooLarge));
    }
    let text: String = file.expose().split_ascii_whitespace().collect();
    let text = Secret::new(text);
    let bytes = STANDARD.decode(text.expose()).map_err(|_| {
        Error::invalid(
            "certificate.not_base64",
            PKCS12_FIELD,
            "the PKCS#12 file is not given in base64",
        )
        .with_hint("base64 -w0 app.pfx; keyway connection and the console do that themselves")
    })?;
    let read = ClientCertificate::from_pkcs12(&Zeroizing::new(bytes), password).map_err(refused)?;
    Ok(FormSecret(read.pem().clone()))
}

/// What is said of a PKCS#12 file, at the field that cures it.
fn refused(error: CertificateError) -> Error {
    let field = match error {
        CertificateError::PasswordWrong => PASSWORD_FIELD,
        _ => PKCS12_FIELD,
    };
    Error::invalid(error.code(), field, error.to_string()).with_hint(error.hint())
}

/// Takes the certificate of a form, sealed later as the pair alone; the rest of a chain is of no use.
pub(crate) fn keep(
    form: &Form,
    now: Timestamp,
    secrets: &mut Vec<(String, Secret)>,
) -> Result<(), Error> {
    let Some(given) = &form.certificate else {
        return Ok(());
    };
    let read = ClientCertificate::from_pem(&given.0).map_err(|error| {
        Error::invalid(error.code(), FIELD, error.to_string()).with_hint(error.hint())
    })?;
    let certificate = read.certificate();
    if certificate.not_after() <= now {
        return Err(Error::invalid(
            "certificate.expired",
            FIELD,
            format!("the certificate expired at {}", certificate.not_after()),
        )
        .with_hint("make a new one, upload it at the provider, then enter it here"));
    }
    if certificate.not_before() > now {
        return Err(Error::invalid(
            "certificate.not_yet_valid",
            FIELD,
            format!(
                "the certificate holds only from {} on",
                certificate.not_before()
            ),
        )
        .with_hint(
            "check this machine's clock; else wait until then, or make one that holds from now on",
        ));
    }
    secrets.push((SLOT.to_owned(), read.pem().clone()));
    Ok(())
}

/// When the certificate among these secrets expires.
pub(crate) fn expiry(secrets: &[(String, Secret)]) -> Option<Timestamp> {
    let (_, pem) = secrets.iter().find(|(slot, _)| slot == SLOT)?;
    let certificate = Certificate::from_pem(pem.expose()).ok()?;
    Some(certificate.not_after())
}

/// What the card shows of it.
pub(crate) fn shown(connection: &Connection) -> Option<CertificateCard> {
    let pem = connection.secrets.as_ref()?.get(SLOT)?;
    let certificate = Certificate::from_pem(pem.expose()).ok()?;
    Some(card_of(&certificate))
}

/// What may be shown of a certificate.
pub(crate) fn card_of(certificate: &Certificate) -> CertificateCard {
    CertificateCard {
        thumbprint: certificate.thumbprint(),
        thumbprint_sha256: certificate.thumbprint_sha256(),
        not_before: certificate.not_before(),
        expires_at: certificate.not_after(),
    }
}

/// How the client proves itself in one token request; an assertion is made anew for each.
pub(crate) fn proof(
    oauth: &OAuth,
    method: AuthenticationMethod,
    secret: Option<&Secret>,
    now: Timestamp,
) -> Result<ClientAuthentication, TokenFailure> {
    let Some(form) = method.assertion_form() else {
        return Ok(ClientAuthentication::new(method, secret)?);
    };
    let certificate = ClientCertificate::from_pem(secret.ok_or(MissingSecret { method })?)?;
    let mut entropy = [0; 16];
    fill(&mut entropy);
    let (id, endpoint) = (&oauth.client_id, &oauth.token_endpoint);
    let assertion = certificate.assertion(form, id, endpoint, now, entropy)?;
    Ok(ClientAuthentication::new(method, Some(&assertion))?)
}
