//! The certificate of a connection: judged when it is given, shown by its thumbprint, signed with when a token is asked for.
//!
//! What PEM holds and what an assertion is, `oauth` knows; here is which slot it is sealed in and what is said to people.

use jiff::Timestamp;
use oauth::{
    AuthenticationMethod, Certificate, ClientAuthentication, ClientCertificate, MissingSecret,
    Secret,
};
use store::{Connection, OAuth};

use crate::ask::fill;
use crate::card::CertificateCard;
use crate::error::Error;
use crate::failure::TokenFailure;
use crate::form::Form;

/// The slot of a certificate with its key.
pub(crate) const SLOT: &str = "certificate";
/// Where it stands in the form.
const FIELD: &str = "/certificate";

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
