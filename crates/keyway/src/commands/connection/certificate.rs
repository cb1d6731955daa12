//! A certificate with its private key as options: a PEM file, or a PKCS#12 file with its password.
//!
//! Which of the two a file is shows in its first byte. It is opened by the server, which says what is wrong with it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::ui::Ui;
use crate::ui::secret::{Question, Typed};

const CERTIFICATE: Question<'static> = Question {
    what: "certificate with its private key (PEM or PKCS#12)",
    option: "--certificate-file",
};
const PASSWORD: Question<'static> = Question {
    what: "password of the PKCS#12 file",
    option: "--certificate-password-file",
};
/// How every PKCS#12 file begins, and no text: the tag of a `SEQUENCE`, then a length of more than one byte.
const PKCS12: [u8; 2] = [0x30, 0x80];

/// The options.
#[derive(Args, Debug, Default)]
pub(super) struct CertificateFile {
    /// A 0600 file with a certificate and its private key (PEM, or PKCS#12: .pfx, .p12), instead of a client secret; or - for stdin
    #[arg(long, value_name = "FILE|-", conflicts_with = "client_secret_file")]
    pub(super) certificate_file: Option<String>,
    /// A 0600 file with the password of the PKCS#12 file [default: ask; without a terminal, none]
    #[arg(long, value_name = "FILE|-", requires = "certificate_file")]
    pub(super) certificate_password_file: Option<String>,
}

impl CertificateFile {
    /// Reads what is given into the members of the API's document.
    pub(super) fn read(&self, ui: Ui, document: &mut Map<String, Value>) -> Result<(), Failure> {
        let Some(place) = &self.certificate_file else {
            return Ok(());
        };
        if place == "-" && self.certificate_password_file.as_deref() == Some("-") {
            return Err(Failure::usage(
                "stdin can hold one secret only",
                "give the password as a file of mode 0600",
            ));
        }
        let bytes = CERTIFICATE.read_bytes(place)?;
        let given = self.certificate_password_file.as_deref();
        let mut password = given.map(|place| PASSWORD.read(place)).transpose()?;
        if is_pkcs12(&bytes) {
            let text = Typed::new(STANDARD.encode(&bytes));
            document.insert("certificate_pkcs12".to_owned(), json!(text.expose()));
            if password.is_none() {
                password = PASSWORD.ask_for_any(ui)?;
            }
        } else {
            let text = CERTIFICATE.parse(bytes)?;
            document.insert("certificate".to_owned(), json!(text.expose()));
        }
        if let Some(password) = password {
            document.insert("certificate_password".to_owned(), json!(password.expose()));
        }
        Ok(())
    }
}

fn is_pkcs12(bytes: &[u8]) -> bool {
    matches!(bytes, [tag, length, ..] if *tag == PKCS12[0] && *length >= PKCS12[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pkcs12_file_shows_in_how_it_begins() {
        for (bytes, expected) in [
            (&b"\x30\x82\x09\xcf\x02\x01\x03"[..], true),
            (b"\x30\x80\x02\x01\x03", true),
            (b"-----BEGIN CERTIFICATE-----\n", false),
            (b"0 is no file of that kind", false),
            (b"Bag Attributes\n", false),
            (b"0", false),
            (b"", false),
        ] {
            assert_eq!(is_pkcs12(bytes), expected, "{bytes:?}");
        }
    }
}
