//! `private_key_jwt`: a client proves itself by a JSON Web Token that it signed with the key of
//! a registered certificate (RFC 7523, `entra-and-graph.md` §4, §13).
//!
//! An assertion may be used again until it expires, as the real service lets it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::errors::{self, Refusal};
use super::{Exchange, Form};
use crate::directory::{Application, CertificateCredential, SignatureAlgorithm, hex};
use crate::users::DOMAIN;

/// The only type of assertion there is.
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Clocks may differ by this much.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// The assertion of a form, if it carries one of the known type.
pub(crate) fn of(form: &Form) -> Option<Result<String, Refusal>> {
    let text = form.get("client_assertion")?;
    Some(match form.get("client_assertion_type") {
        Some(TYPE) => Ok(text.to_owned()),
        _ => Err(errors::parameter_missing("client_assertion_type")),
    })
}

/// Checks that an assertion was made by this app, for this endpoint, for now.
pub(crate) fn check(exchange: &Exchange, app: &Application, text: &str) -> Result<(), Refusal> {
    let assertion = Assertion::parse(text)
        .ok_or_else(|| errors::assertion_malformed("JWT token is invalid or malformed."))?;
    let certificate = assertion.certificate(exchange, app)?;
    let message = assertion.message.as_bytes();
    if !certificate.verifies(assertion.algorithm()?, message, &assertion.signature) {
        let reason = "The provided signature value did not match the expected signature value.";
        return Err(key_refused(
            app,
            reason,
            &certificate.sha1(),
            Some(certificate),
        ));
    }
    assertion.check_claims(exchange, app)
}

/// A token, taken apart.
struct Assertion<'a> {
    message: &'a str,
    header: Value,
    claims: Value,
    signature: Vec<u8>,
}

impl Assertion<'_> {
    fn parse(text: &str) -> Option<Assertion<'_>> {
        let (message, signature) = text.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let object = |text: &str| {
            let value: Value = serde_json::from_slice(&decode(text)?).ok()?;
            value.is_object().then_some(value)
        };
        Some(Assertion {
            message,
            header: object(header)?,
            claims: object(claims)?,
            signature: decode(signature)?,
        })
    }

    fn algorithm(&self) -> Result<SignatureAlgorithm, Refusal> {
        match self.header["alg"].as_str() {
            Some("RS256") => Ok(SignatureAlgorithm::Rs256),
            Some("PS256") => Ok(SignatureAlgorithm::Ps256),
            other => Err(errors::assertion_malformed(&format!(
                "Invalid JWT token. '{}' is not a supported signature algorithm.",
                other.unwrap_or_default()
            ))),
        }
    }

    /// The registered certificate that the header names, if it is in force.
    fn certificate<'a>(
        &self,
        exchange: &Exchange,
        app: &'a Application,
    ) -> Result<&'a CertificateCredential, Refusal> {
        let named = |name: &str| decode(self.header[name].as_str()?);
        let (sha256, sha1) = (named("x5t#S256"), named("x5t"));
        let Some(thumbprint) = sha256.clone().or_else(|| sha1.clone()) else {
            return Err(errors::assertion_malformed(
                "Invalid JWT token. No certificate thumbprint specified in token header.",
            ));
        };
        let found = app
            .certificates
            .iter()
            .find(|known| match (&sha256, &sha1) {
                (Some(sha256), _) => known.sha256() == *sha256,
                (None, sha1) => Some(known.sha1()) == *sha1,
            });
        let found =
            found.ok_or_else(|| key_refused(app, "The key was not found.", &thumbprint, None))?;
        if exchange.now < found.start || found.end <= exchange.now {
            let reason = "The key used is expired.";
            return Err(key_refused(app, reason, &thumbprint, Some(found)));
        }
        Ok(found)
    }

    fn check_claims(&self, exchange: &Exchange, app: &Application) -> Result<(), Refusal> {
        let claims = &self.claims;
        let app_id = app.app_id.to_string();
        let own = |name: &str| {
            claims[name]
                .as_str()
                .is_some_and(|text| text.eq_ignore_ascii_case(&app_id))
        };
        if !own("iss") || !own("sub") {
            return Err(errors::assertion_of_another());
        }
        let audiences = match &claims["aud"] {
            Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
            one => one.as_str().into_iter().collect::<Vec<_>>(),
        };
        if !audiences.iter().any(|audience| is_ours(exchange, audience)) {
            return Err(errors::assertion_audience());
        }
        let from = moment(&claims["nbf"]).unwrap_or(Timestamp::UNIX_EPOCH);
        let until = moment(&claims["exp"]).unwrap_or(Timestamp::UNIX_EPOCH);
        if exchange.now.duration_since(until) >= SKEW || from.duration_since(exchange.now) > SKEW {
            return Err(errors::assertion_time(exchange.now, from, until));
        }
        match claims["jti"].as_str() {
            Some(id) if !id.is_empty() => Ok(()),
            _ => Err(errors::assertion_malformed(
                "Invalid JWT token. The 'jti' claim is missing.",
            )),
        }
    }
}

/// Base64url, padded or not; standard base64 is understood too.
fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text
        .trim_end_matches('=')
        .replace('+', "-")
        .replace('/', "_");
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// A `NumericDate`, which may have a fraction.
fn moment(value: &Value) -> Option<Timestamp> {
    let seconds = value.as_f64()?;
    Timestamp::UNIX_EPOCH
        .checked_add(SignedDuration::try_from_secs_f64(seconds).ok()?)
        .ok()
}

/// Whether an audience is this token endpoint or its issuer, by GUID or domain.
fn is_ours(exchange: &Exchange, audience: &str) -> bool {
    let tenant = exchange.world.tenant.to_string();
    [&exchange.base, &exchange.world.origin]
        .into_iter()
        .filter_map(|origin| audience.strip_prefix(origin.as_str())?.strip_prefix('/'))
        .filter_map(|path| path.split_once('/'))
        .filter(|(name, _)| name.eq_ignore_ascii_case(&tenant) || name.eq_ignore_ascii_case(DOMAIN))
        .any(|(_, path)| matches!(path, "oauth2/v2.0/token" | "oauth2/token" | "v2.0"))
}

fn key_refused(
    app: &Application,
    reason: &str,
    thumbprint: &[u8],
    found: Option<&CertificateCredential>,
) -> Refusal {
    let found = found.map(|key| {
        let day = |at: Timestamp| at.strftime("%m/%d/%Y %H:%M:%S").to_string();
        format!(
            ", Found key 'Start={}, End={}'",
            day(key.start),
            day(key.end)
        )
    });
    errors::assertion_key(
        app.app_id,
        &format!(
            "Reason - {reason}, Thumbprint of key used by client: '{}'{}",
            hex(thumbprint),
            found.unwrap_or_default()
        ),
    )
}
