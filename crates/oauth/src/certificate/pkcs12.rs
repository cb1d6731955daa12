//! PKCS#12 files (RFC 7292), as Windows, Azure Key Vault, Java and OpenSSL export them: which certificates and keys one holds.
//!
//! Only DER is read, only integrity by password, and no bags but those of keys and certificates. What belongs together is not
//! judged here: what is found goes the way of a PEM text.

mod protection;

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::CertificateError;
use super::der::{
    INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, element, expect, positive_integer,
};
use protection::{Budget, Password, Recipe, digest_of};

/// So large a file may be, in bytes: one with a key and a chain of five has 10 KiB.
pub const PKCS12_LARGEST: usize = 64 * 1024;

/// `[0]`, constructed: what a type stands for that another field names.
const EXPLICIT: u8 = 0xa0;
/// `[0]`, primitive: an octet string that an encrypted content is.
const IMPLICIT: u8 = 0x80;
/// 1.2.840.113549.1.7.1, `data` (RFC 5652).
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
/// 1.2.840.113549.1.7.6, `encryptedData` (RFC 5652).
const ENCRYPTED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x06];
/// 1.2.840.113549.1.12.10.1, `bagtypes`; the last number says which.
const BAGS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01];
const KEY_BAG: u8 = 1;
const SHROUDED_KEY_BAG: u8 = 2;
const CERTIFICATE_BAG: u8 = 3;
/// 1.2.840.113549.1.9.22.1, `x509Certificate`.
const X509: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x16, 0x01];

/// What a file cannot be when its outer shape is not that of RFC 7292.
const UNREADABLE: CertificateError = CertificateError::Unreadable("PKCS#12 file");

/// What a file holds.
#[derive(Default)]
pub(super) struct Contents {
    /// Certificates (DER).
    pub(super) certificates: Vec<Zeroizing<Vec<u8>>>,
    /// Private keys in PKCS#8 (DER).
    pub(super) keys: Vec<Zeroizing<Vec<u8>>>,
}

/// Opens a file. The work that it may ask for is bounded, by its size and by a budget for all its derived keys together.
pub(super) fn open(file: &[u8], password: &str) -> Result<Contents, CertificateError> {
    if file.len() > PKCS12_LARGEST {
        return Err(CertificateError::TooLarge);
    }
    let mut budget = Budget::default();
    let mut refused = CertificateError::PasswordWrong;
    for password in Password::readings(password) {
        match open_with(file, &password, &mut budget) {
            Err(CertificateError::PasswordWrong) => {}
            Err(error) => {
                refused = error;
                break;
            }
            opened => return opened,
        }
    }
    Err(refused)
}

fn open_with(
    file: &[u8],
    password: &Password<'_>,
    budget: &mut Budget,
) -> Result<Contents, CertificateError> {
    let (pfx, _) = expect(file, SEQUENCE).ok_or(UNREADABLE)?;
    let (_version, fields) = expect(pfx, INTEGER).ok_or(UNREADABLE)?;
    let (safe, fields) = expect(fields, SEQUENCE).ok_or(UNREADABLE)?;
    let (kind, content) = content_of(safe).ok_or(UNREADABLE)?;
    if kind != DATA {
        // `signedData`: integrity by a public key (RFC 7292 §3.1), which nobody exports.
        return Err(CertificateError::Unsupported);
    }
    let (safe, _) = expect(content, OCTET_STRING).ok_or(UNREADABLE)?;
    if !fields.is_empty() {
        verify(fields, safe, password, budget)?;
    }
    let mut contents = Contents::default();
    let (mut parts, _) = expect(safe, SEQUENCE).ok_or(UNREADABLE)?;
    while !parts.is_empty() {
        let (part, rest) = expect(parts, SEQUENCE).ok_or(UNREADABLE)?;
        parts = rest;
        let (kind, content) = content_of(part).ok_or(UNREADABLE)?;
        if kind == DATA {
            let (bags, _) = expect(content, OCTET_STRING).ok_or(UNREADABLE)?;
            read_bags(bags, password, budget, &mut contents)?;
        } else if kind == ENCRYPTED_DATA {
            let (algorithm, sealed) = encrypted_content(content).ok_or(UNREADABLE)?;
            let bags = protection::decrypt(algorithm, sealed, password, budget)?;
            read_bags(&bags, password, budget, &mut contents)?;
        } else {
            return Err(CertificateError::Unsupported);
        }
    }
    Ok(contents)
}

/// The type of a `ContentInfo` and what stands in its `[0]`.
fn content_of(info: &[u8]) -> Option<(&[u8], &[u8])> {
    let (kind, rest) = expect(info, OBJECT_IDENTIFIER)?;
    let (content, _) = expect(rest, EXPLICIT)?;
    Some((kind, content))
}

/// How an `EncryptedData` is encrypted, and what.
fn encrypted_content(content: &[u8]) -> Option<(&[u8], &[u8])> {
    let (data, _) = expect(content, SEQUENCE)?;
    let (_version, rest) = expect(data, INTEGER)?;
    let (info, _) = expect(rest, SEQUENCE)?;
    let (_kind, rest) = expect(info, OBJECT_IDENTIFIER)?;
    let (algorithm, rest) = expect(rest, SEQUENCE)?;
    let (sealed, _) = expect(rest, IMPLICIT)?;
    Some((algorithm, sealed))
}

/// Holds the file against its `MacData`: a wrong password shows here.
fn verify(
    mac: &[u8],
    safe: &[u8],
    password: &Password<'_>,
    budget: &mut Budget,
) -> Result<(), CertificateError> {
    let read = || {
        let (mac, _) = expect(mac, SEQUENCE)?;
        let (info, rest) = expect(mac, SEQUENCE)?;
        let (algorithm, info) = expect(info, SEQUENCE)?;
        let (digest, _) = expect(info, OCTET_STRING)?;
        let (salt, rest) = expect(rest, OCTET_STRING)?;
        let iterations = match rest {
            [] => Some(1),
            rest => positive_integer(rest).map(|(number, _)| number),
        };
        let (algorithm, _) = expect(algorithm, OBJECT_IDENTIFIER)?;
        Some((algorithm, digest, salt, iterations))
    };
    let (algorithm, digest, salt, iterations) = read().ok_or(UNREADABLE)?;
    let iterations = iterations.ok_or(CertificateError::TooCostly)?;
    let kind = digest_of(algorithm).ok_or(CertificateError::Unsupported)?;
    let mut key = Zeroizing::new(vec![0; kind.digest.output_len()]);
    let recipe = Recipe {
        kind,
        salt,
        iterations,
    };
    protection::derive(recipe, protection::MAC, password, budget, &mut key)?;
    hmac::verify(&hmac::Key::new(kind.hmac, &key), safe, digest)
        .map_err(|_| CertificateError::PasswordWrong)
}

/// Reads a `SafeContents`.
fn read_bags(
    bags: &[u8],
    password: &Password<'_>,
    budget: &mut Budget,
    contents: &mut Contents,
) -> Result<(), CertificateError> {
    let (mut bags, _) = expect(bags, SEQUENCE).ok_or(UNREADABLE)?;
    while !bags.is_empty() {
        let (bag, rest) = expect(bags, SEQUENCE).ok_or(UNREADABLE)?;
        bags = rest;
        let (kind, value) = content_of(bag).ok_or(UNREADABLE)?;
        match kind.strip_prefix(BAGS) {
            Some([KEY_BAG]) => {
                // The whole element, head and all, is the PKCS#8 key.
                let (_, _, rest) = element(value).ok_or(UNREADABLE)?;
                let key = &value[..value.len() - rest.len()];
                contents.keys.push(Zeroizing::new(key.to_vec()));
            }
            Some([SHROUDED_KEY_BAG]) => {
                let (info, _) = expect(value, SEQUENCE).ok_or(UNREADABLE)?;
                let (algorithm, rest) = expect(info, SEQUENCE).ok_or(UNREADABLE)?;
                let (sealed, _) = expect(rest, OCTET_STRING).ok_or(UNREADABLE)?;
                let key = protection::decrypt(algorithm, sealed, password, budget)?;
                contents.keys.push(key);
            }
            Some([CERTIFICATE_BAG]) => {
                let (certificate, _) = expect(value, SEQUENCE).ok_or(UNREADABLE)?;
                let (kind, content) = content_of(certificate).ok_or(UNREADABLE)?;
                if kind == X509 {
                    let (der, _) = expect(content, OCTET_STRING).ok_or(UNREADABLE)?;
                    contents.certificates.push(Zeroizing::new(der.to_vec()));
                }
            }
            // Revocation lists, other secrets: nothing that a client signs with.
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
