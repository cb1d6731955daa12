//! As much of DER (X.690) as it takes to find a certificate's key and dates (RFC 5280) and a key's kind (RFC 5958), and to walk
//! through a PKCS#12 file (RFC 7292).

use jiff::Timestamp;

pub(super) const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
/// 1.2.840.113549.1.1.1, `rsaEncryption`.
const RSA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// What is looked at in a certificate.
pub(super) struct Parts<'a> {
    /// `RSAPublicKey`; `None` for a key of another kind.
    pub(super) rsa_key: Option<&'a [u8]>,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
}

/// Reads a certificate.
pub(super) fn certificate(der: &[u8]) -> Option<Parts<'_>> {
    let (whole, rest) = expect(der, SEQUENCE)?;
    if !rest.is_empty() {
        return None;
    }
    let (signed, _) = expect(whole, SEQUENCE)?;
    let fields = expect(signed, VERSION).map_or(signed, |(_, rest)| rest);
    let (_serial, fields) = expect(fields, INTEGER)?;
    let (_algorithm, fields) = expect(fields, SEQUENCE)?;
    let (_issuer, fields) = expect(fields, SEQUENCE)?;
    let (validity, fields) = expect(fields, SEQUENCE)?;
    let (_subject, fields) = expect(fields, SEQUENCE)?;
    let (key, _) = expect(fields, SEQUENCE)?;
    let (not_before, rest) = moment(validity)?;
    let (not_after, _) = moment(rest)?;
    let (algorithm, key) = expect(key, SEQUENCE)?;
    let (bits, _) = expect(key, BIT_STRING)?;
    // A bit string begins with the number of bits that are left over: none here.
    let key = bits.strip_prefix(&[0])?;
    Some(Parts {
        rsa_key: is_rsa(algorithm).then_some(key),
        not_before,
        not_after,
    })
}

/// Whether a PKCS#8 key is an RSA key.
pub(super) fn is_rsa_pkcs8(der: &[u8]) -> Option<bool> {
    let (whole, _) = expect(der, SEQUENCE)?;
    let (_version, fields) = expect(whole, INTEGER)?;
    let (algorithm, _) = expect(fields, SEQUENCE)?;
    Some(is_rsa(algorithm))
}

/// Length of the modulus in bytes, of a key in PKCS#1 or PKCS#8.
pub(super) fn rsa_modulus_length(der: &[u8]) -> Option<usize> {
    let (whole, _) = expect(der, SEQUENCE)?;
    let (_version, fields) = expect(whole, INTEGER)?;
    if let Some((_algorithm, fields)) = expect(fields, SEQUENCE) {
        let (key, _) = expect(fields, OCTET_STRING)?;
        return rsa_modulus_length(key);
    }
    let (modulus, _) = expect(fields, INTEGER)?;
    Some(modulus.strip_prefix(&[0]).unwrap_or(modulus).len())
}

fn is_rsa(algorithm: &[u8]) -> bool {
    expect(algorithm, OBJECT_IDENTIFIER).is_some_and(|(id, _)| id == RSA)
}

/// The content of the first element, which must have this tag, and what follows it.
pub(super) fn expect(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = element(bytes)?;
    (found == tag).then_some((content, rest))
}

/// Tag, content and rest.
pub(super) fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, bytes) = bytes.split_first()?;
    let (&first, bytes) = bytes.split_first()?;
    let (length, bytes) = if first < 0x80 {
        (usize::from(first), bytes)
    } else {
        let count = usize::from(first & 0x7f);
        // No certificate takes more than three bytes of length; none is the indefinite form, which DER forbids.
        if !(1..=3).contains(&count) {
            return None;
        }
        let (length, bytes) = bytes.split_at_checked(count)?;
        let length = length
            .iter()
            .fold(0, |all, byte| all << 8 | usize::from(*byte));
        (length, bytes)
    };
    let (content, rest) = bytes.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// An `INTEGER` from 0 to 2³² − 1, and what follows.
pub(super) fn positive_integer(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (content, rest) = expect(bytes, INTEGER)?;
    if content.first().is_none_or(|first| *first >= 0x80) {
        return None;
    }
    let number = content.iter().try_fold(0_u32, |all, byte| {
        all.checked_mul(256)?.checked_add(u32::from(*byte))
    })?;
    Some((number, rest))
}

/// `UTCTime` or `GeneralizedTime` as RFC 5280 §4.1.2.5 wants them, and what follows.
fn moment(bytes: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (tag, content, rest) = element(bytes)?;
    let text = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
    let text = match tag {
        UTC_TIME if text.len() == 12 => {
            let century = if text < "50" { "20" } else { "19" };
            format!("{century}{text}")
        }
        GENERALIZED_TIME if text.len() == 14 => text.to_owned(),
        _ => return None,
    };
    let date: jiff::civil::DateTime = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", text).ok()?;
    let time = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some((time, rest))
}
