//! The two live secrets of a client: add a newer one beside the old, take one away; certificates made in here.
//!
//! Rotation in place: the newest is tried first, the older one when the provider refuses it, so that nothing stops
//! between the moment a secret is made at the provider and the moment the old one is deleted there. A private key that is
//! made here never leaves.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use oauth::{AuthenticationMethod, Certificate, ClientCertificate, Secret};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize,
    date_time_ymd,
};
use serde::{Deserialize, Serialize};
use store::{
    Actor, Authentication, Connection, ConnectionName, Edit, OAuth, OlderSecret, Secrets, Settings,
    Standing, WipeTokens,
};

use crate::ask::{Which, client_secret};
use crate::card::{Card, CertificateCard};
use crate::certificate::{self, card_of};
use crate::create::first_standing;
use crate::error::Error;
use crate::form::{Form, FormSecret};
use crate::{Connector, fields};

/// The slot of the older secret, whatever it is.
pub(crate) const OLDER: &str = "older_secret";
/// The slot of a client secret.
const CLIENT_SECRET: &str = "client_secret";
/// How long a generated certificate holds unless somebody says otherwise.
const DAYS: u16 = 365;

/// A further secret of a connection's client; exactly one of the first three.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewSecret {
    /// A client secret.
    pub client_secret: Option<FormSecret>,
    /// A certificate with its private key, in PEM.
    pub certificate: Option<FormSecret>,
    /// The same as a PKCS#12 file (.pfx, .p12), in base64.
    pub certificate_pkcs12: Option<FormSecret>,
    /// The password of that file; left out: none.
    pub certificate_password: Option<FormSecret>,
    /// When the client secret expires: a date or an RFC 3339 time.
    pub secret_expires_at: Option<String>,
}

/// A certificate that is to be made.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewCertificate {
    /// How many days it holds.
    pub days: Option<u16>,
    /// Its common name; the connection's name, if nothing is said.
    pub common_name: Option<String>,
}

/// One of a connection's secrets, as it may be shown.
#[derive(Debug, Clone, Serialize)]
pub struct SecretCard {
    /// `newest` is tried first, `older` when it is refused.
    pub which: Which,
    /// `client_secret` or `certificate`.
    pub kind: &'static str,
    /// When it was entered here.
    pub added_at: Option<Timestamp>,
    /// When the provider will stop taking it.
    pub expires_at: Option<Timestamp>,
    /// Since when the provider refuses it.
    pub refused_at: Option<Timestamp>,
    /// What may be shown of the certificate.
    pub certificate: Option<CertificateCard>,
}

/// A certificate to be registered at the provider; not its key.
#[derive(Debug, Clone, Serialize)]
pub struct PublicCertificate {
    /// Which of the connection's secrets it is.
    pub which: Which,
    /// The certificate as PEM.
    pub pem: String,
    /// What may be shown of it.
    #[serde(flatten)]
    pub card: CertificateCard,
}

/// A secret on its way into a connection.
struct Incoming {
    method: AuthenticationMethod,
    slot: &'static str,
    secret: Secret,
    expires_at: Option<Timestamp>,
}

impl Connector {
    /// Adds a newer secret beside the one that is there, then proves the connection.
    pub async fn add_secret(
        &self,
        actor: &Actor,
        name: &ConnectionName,
        new: NewSecret,
    ) -> Result<Card, Error> {
        let connection = self.find(actor, name).await?;
        let oauth = client_of(&connection)?;
        let now = self.clock().now();
        let mut given = Vec::new();
        let form = Form {
            certificate: new.certificate.clone(),
            certificate_pkcs12: new.certificate_pkcs12.clone(),
            certificate_password: new.certificate_password.clone(),
            ..Form::default()
        };
        let form = form.unpacked().await?;
        certificate::keep(&form, now, &mut given)?;
        let secret = new.client_secret.as_ref();
        fields::keep(&mut given, CLIENT_SECRET, "/client_secret", secret)?;
        let expiry = match certificate::expiry(&given) {
            Some(expiry) => Some(expiry),
            None => fields::expiry(new.secret_expires_at.as_deref())?,
        };
        let mut given = given.into_iter();
        let (Some((slot, secret)), None) = (given.next(), given.next()) else {
            return Err(Error::invalid(
                "secret.one_of_two",
                "/client_secret",
                "give either a client secret or a certificate",
            ));
        };
        let incoming = Incoming {
            method: method_for(oauth.client_authentication, &slot),
            slot: slot_of(&slot),
            secret,
            expires_at: expiry,
        };
        self.put_secret(actor, &connection, incoming).await?;
        self.prove(actor, &connection.name).await?;
        self.card(actor, &connection.name).await
    }

    /// Makes a key and a certificate in here; the card has what is to be registered at the provider. Until it is, the
    /// older secret goes on being used.
    pub async fn generate_certificate(
        &self,
        actor: &Actor,
        name: &ConnectionName,
        new: NewCertificate,
    ) -> Result<PublicCertificate, Error> {
        let connection = self.find(actor, name).await?;
        let oauth = client_of(&connection)?;
        room_for_another(&connection)?;
        let common_name = new.common_name.unwrap_or_else(|| name.to_string());
        let days = new.days.unwrap_or(DAYS);
        let pem = generate(&common_name, days, self.clock().now())?;
        let read = ClientCertificate::from_pem(&pem)
            .map_err(|error| Error::invalid(error.code(), "/days", error.to_string()))?;
        let certificate = read.certificate();
        let shown = PublicCertificate {
            which: Which::Newest,
            pem: certificate.to_pem(),
            card: card_of(certificate),
        };
        let incoming = Incoming {
            method: method_for(oauth.client_authentication, certificate::SLOT),
            slot: certificate::SLOT,
            secret: read.pem().clone(),
            expires_at: Some(certificate.not_after()),
        };
        self.put_secret(actor, &connection, incoming).await?;
        Ok(shown)
    }

    /// Takes one of two secrets away; what stays is the newest then.
    pub async fn remove_secret(
        &self,
        actor: &Actor,
        name: &ConnectionName,
        which: Which,
    ) -> Result<Card, Error> {
        let connection = self.find(actor, name).await?;
        client_of(&connection)?;
        let (Some(older), Some(secrets)) = (connection.settings.older_secret, &connection.secrets)
        else {
            return Err(Error::SecretAlone {
                name: name.to_string(),
            });
        };
        let mut settings = connection.settings.clone();
        settings.older_secret = None;
        let kept = match which {
            Which::Older => without(secrets, &[OLDER]),
            Which::Newest => {
                let slot = slot_for(older.method);
                let secret = secrets
                    .get(OLDER)
                    .cloned()
                    .unwrap_or_else(|| Secret::new(""));
                settings.secret_added_at = older.added_at;
                settings.secret_expires_at = older.expires_at;
                set_method(&mut settings, older.method);
                without(secrets, &[OLDER, CLIENT_SECRET, certificate::SLOT]).with(slot, secret)
            }
        };
        let standing = Standing {
            newest_refused_at: None,
            learned_method: None,
            ..connection.standing.clone()
        };
        self.save_secrets(actor, &connection, settings, kept, Some(standing))
            .await?;
        self.prove(actor, &connection.name).await?;
        self.card(actor, &connection.name).await
    }

    /// A certificate of the connection, to be registered at the provider.
    pub async fn certificate(
        &self,
        actor: &Actor,
        name: &ConnectionName,
        which: Which,
    ) -> Result<PublicCertificate, Error> {
        let connection = self.find(actor, name).await?;
        let slot = match which {
            Which::Newest => certificate::SLOT,
            Which::Older => OLDER,
        };
        let pem = connection.secrets.as_ref().and_then(|all| all.get(slot));
        let read = pem.and_then(|pem| Certificate::from_pem(pem.expose()).ok());
        let certificate = read.ok_or_else(|| Error::NoCertificate {
            name: name.to_string(),
        })?;
        Ok(PublicCertificate {
            which,
            pem: certificate.to_pem(),
            card: card_of(&certificate),
        })
    }

    /// Makes a secret the newest one; what was the newest is the older one then.
    async fn put_secret(
        &self,
        actor: &Actor,
        connection: &Connection,
        incoming: Incoming,
    ) -> Result<(), Error> {
        room_for_another(connection)?;
        let oauth = client_of(connection)?;
        let before = client_secret(connection).filter(|secret| !secret.is_empty());
        let mut settings = connection.settings.clone();
        let kept = connection
            .secrets
            .as_ref()
            .map_or_else(Secrets::none, |all| {
                without(all, &[CLIENT_SECRET, certificate::SLOT])
            });
        let mut secrets = kept.with(incoming.slot, incoming.secret);
        if let Some(before) = before {
            secrets = secrets.with(OLDER, before.clone());
            settings.older_secret = Some(OlderSecret {
                method: oauth.client_authentication,
                added_at: settings.secret_added_at,
                expires_at: settings.secret_expires_at,
            });
        }
        settings.secret_added_at = Some(self.clock().now());
        settings.secret_expires_at = incoming.expires_at;
        set_method(&mut settings, incoming.method);
        let first = before.is_none().then(|| {
            let after = Connection {
                settings: settings.clone(),
                secrets: Some(secrets.clone()),
                ..connection.clone()
            };
            first_standing(&after, self.clock().now())
        });
        self.save_secrets(actor, connection, settings, secrets, first)
            .await
    }

    async fn save_secrets(
        &self,
        actor: &Actor,
        connection: &Connection,
        settings: Settings,
        secrets: Secrets,
        standing: Option<Standing>,
    ) -> Result<(), Error> {
        let edit = Edit {
            name: None,
            settings,
            secrets: Some(secrets),
            standing,
            tokens: WipeTokens::Keep,
        };
        let connections = self.inner.store.connections();
        let saved = connections
            .save(actor, &connection.id, connection.version, edit)
            .await;
        self.inner.known.forget(connection);
        saved
            .map(drop)
            .map_err(|error| Error::of_store(error, &connection.name))
    }
}

/// What may be shown of a connection's secrets, the newest first.
pub(crate) fn shown(connection: &Connection) -> Vec<SecretCard> {
    let Ok(oauth) = client_of(connection) else {
        return Vec::new();
    };
    let settings = &connection.settings;
    let card = |which, method: AuthenticationMethod, secret: &Secret| {
        let read = Certificate::from_pem(secret.expose()).ok();
        let signs = method.assertion_form().is_some();
        SecretCard {
            which,
            kind: slot_for(method),
            added_at: settings.secret_added_at,
            expires_at: settings.secret_expires_at,
            refused_at: connection.standing.newest_refused_at,
            certificate: read.filter(|_| signs).map(|read| card_of(&read)),
        }
    };
    let newest = client_secret(connection)
        .map(|secret| card(Which::Newest, oauth.client_authentication, secret));
    let older = settings.older_secret.and_then(|older| {
        let secret = connection.secrets.as_ref()?.get(OLDER)?;
        Some(SecretCard {
            added_at: older.added_at,
            expires_at: older.expires_at,
            refused_at: None,
            ..card(Which::Older, older.method, secret)
        })
    });
    newest.into_iter().chain(older).collect()
}

fn client_of(connection: &Connection) -> Result<&OAuth, Error> {
    match &connection.settings.authentication {
        Authentication::OAuth(oauth) => Ok(oauth),
        _ => Err(Error::invalid(
            "secret.no_client",
            "",
            format!(
                "connection \"{}\" is no OAuth client: it has one secret, which `keyway connection change` replaces",
                connection.name
            ),
        )),
    }
}

fn room_for_another(connection: &Connection) -> Result<(), Error> {
    match connection.settings.older_secret {
        None => Ok(()),
        Some(_) => Err(Error::SecretsFull {
            name: connection.name.to_string(),
        }),
    }
}

/// How the client proves itself with a secret of this slot: as before, if that goes.
fn method_for(before: AuthenticationMethod, slot: &str) -> AuthenticationMethod {
    let signs = slot == certificate::SLOT;
    match before {
        method
            if method != AuthenticationMethod::None
                && method.assertion_form().is_some() == signs =>
        {
            method
        }
        _ if signs => AuthenticationMethod::PrivateKeyJwt,
        _ => AuthenticationMethod::Automatic,
    }
}

fn slot_for(method: AuthenticationMethod) -> &'static str {
    match method.assertion_form() {
        Some(_) => certificate::SLOT,
        None => CLIENT_SECRET,
    }
}

fn slot_of(slot: &str) -> &'static str {
    if slot == certificate::SLOT {
        certificate::SLOT
    } else {
        CLIENT_SECRET
    }
}

fn set_method(settings: &mut Settings, method: AuthenticationMethod) {
    if let Authentication::OAuth(oauth) = &mut settings.authentication {
        oauth.client_authentication = method;
    }
}

fn without(secrets: &Secrets, slots: &[&str]) -> Secrets {
    let kept = secrets.iter().filter(|(slot, _)| !slots.contains(slot));
    kept.map(|(slot, secret)| (slot.to_owned(), secret.clone()))
        .collect()
}

/// A certificate that signs itself, with its key, as PEM.
fn generate(common_name: &str, days: u16, now: Timestamp) -> Result<Secret, Error> {
    let invalid = |field: &str, why: String| Err(Error::invalid("certificate.invalid", field, why));
    if !(1..=3650).contains(&days) {
        return invalid("/days", "a certificate holds 1 to 3650 days".to_owned());
    }
    let printable = |c: char| c.is_ascii_graphic() || c == ' ';
    if common_name.is_empty() || common_name.len() > 64 || !common_name.chars().all(printable) {
        return invalid(
            "/common_name",
            "a common name has 1 to 64 printable ASCII characters".to_owned(),
        );
    }
    let moment = |at: Timestamp| {
        let seconds = u64::try_from(at.as_second()).unwrap_or_default();
        date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds)
    };
    let made = || -> Result<String, rcgen::Error> {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
        let mut parameters = CertificateParams::default();
        let mut subject = DistinguishedName::new();
        subject.push(DnType::CommonName, common_name);
        parameters.distinguished_name = subject;
        let end = now.saturating_add(SignedDuration::from_hours(24 * i64::from(days)));
        // An hour back: the provider's clock may be behind.
        let begin = now.saturating_sub(SignedDuration::from_hours(1));
        parameters.not_before = moment(begin.unwrap_or(now));
        parameters.not_after = moment(end.unwrap_or(now));
        let certificate = parameters.self_signed(&key)?;
        Ok(format!("{}{}", certificate.pem(), key.serialize_pem()))
    };
    made()
        .map(Secret::new)
        .or_else(|error| invalid("", format!("the certificate could not be made: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_certificate_is_one_that_signs() {
        let now: Timestamp = "2026-11-29T12:00:00Z".parse().unwrap();
        let pem = generate("graph", 30, now).unwrap();
        let read = ClientCertificate::from_pem(&pem).unwrap();
        let end = now + SignedDuration::from_hours(24 * 30);
        assert_eq!(read.certificate().not_after(), end);
        let public = Certificate::from_pem(&read.certificate().to_pem()).unwrap();
        assert_eq!(&public, read.certificate());
        assert!(!read.certificate().to_pem().contains("PRIVATE"));
        for (name, days) in [("", 30), ("a\nb", 30), ("graph", 0), ("graph", 3651)] {
            assert!(generate(name, days, now).is_err(), "{name:?} {days}");
        }
    }
}
