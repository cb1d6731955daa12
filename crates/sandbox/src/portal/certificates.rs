//! The certificates of a registration: a part of its page of secrets, and uploading one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

use super::layout::{Page, Tab};
use super::registrations::address;
use super::visit::{Notice, Visit};
use super::{Outcome, Reply, fields};
use crate::directory::{Application, CertificateCredential, CertificateFault};
use crate::entra::Form;
use crate::guid::Guid;

fn list(app: &Application) -> String {
    format!("{}/certificates-and-secrets", address(app))
}

/// The part of the page of secrets.
pub(crate) fn section(visit: &Visit, app: &Application) -> Markup {
    let list = list(app);
    let rows: Vec<Vec<Markup>> = app
        .certificates
        .iter()
        .map(|certificate| row(visit, certificate, &format!("{list}/delete-certificate")))
        .collect();
    html! {
        h2 { "Certificates (" (app.certificates.len()) ")" }
        div.commands { a.command href=(format!("{list}/upload")) { "Upload certificate" } }
        @if rows.is_empty() {
            p { "No certificates have been added for this application." }
        } @else {
            (fields::table("Certificates with which the application signs its proof of identity (private_key_jwt). Also referred to as public keys.",
                &["Thumbprint", "Description", "Start date", "Expires", "Certificate ID", ""], &rows))
        }
    }
}

fn row(visit: &Visit, certificate: &CertificateCredential, action: &str) -> Vec<Markup> {
    let key_id = certificate.key_id.to_string();
    let thumbprint = certificate.thumbprint();
    let expired = certificate.end <= visit.now();
    vec![
        html! { code { (thumbprint) } },
        html! { (certificate.display_name.as_deref().unwrap_or_default()) },
        fields::unbroken(&fields::day(certificate.start)),
        html! {
            (fields::unbroken(&fields::day(certificate.end)))
            @if expired { " " strong.bad { "Expired" } }
        },
        html! { code { (key_id) } },
        fields::button_form(
            visit,
            action,
            ("key_id", &key_id),
            "Delete",
            &format!("certificate {thumbprint}"),
        ),
    ]
}

/// `GET …/certificates-and-secrets/upload`.
pub(crate) fn new(visit: &Visit, app: &Application) -> Outcome {
    upload_form(visit, app, None)
}

fn upload_form(visit: &Visit, app: &Application, wrong: Option<&str>) -> Outcome {
    let list = list(app);
    let description = fields::Line {
        label: "Description",
        name: "description",
        value: "",
        hint: "",
        kind: "text",
    };
    let content = html! {
        div.typed {
            form method="post" action=(format!("{list}/upload")) enctype="multipart/form-data" {
                input type="hidden" name="token" value=(visit.token());
                label for="file" { "Upload a certificate (public key) with one of the following file types: .cer, .pem, .crt" }
                input type="file" id="file" name="file" accept=".cer,.pem,.crt" aria-invalid=[wrong.map(|_| "true")];
                (description.field(false))
                div.buttons {
                    button.main type="submit" { "Add" }
                    a.command href=(list) { "Cancel" }
                }
            }
        }
    };
    Page::of(app, Tab::Secrets, "Upload certificate", content)
        .under("Certificates & secrets", list)
        .refused(wrong)
        .into()
}

/// `POST …/certificates-and-secrets/upload`.
pub(crate) fn add(visit: &Visit, app: &Application, form: &Form) -> Reply {
    let description = form.get("description").unwrap_or_default().trim();
    if description.len() > 256 {
        let words = "The Description must not be longer than 256 characters.";
        return Ok(upload_form(visit, app, Some(words)));
    }
    let name = (!description.is_empty()).then(|| description.to_owned());
    let file = form.get("file").and_then(|text| STANDARD.decode(text).ok());
    let read = CertificateCredential::read(&file.unwrap_or_default(), name);
    let certificate = match read {
        Ok(certificate) => certificate,
        Err(fault) => return Ok(upload_form(visit, app, Some(refused(fault)))),
    };
    visit.change_application(app.app_id, |app| app.certificates.push(certificate))?;
    let words = "The certificate was uploaded. Compare its Thumbprint with the application's.";
    Ok(Outcome::Go(list(app), Some(Notice::new(words))))
}

fn refused(fault: CertificateFault) -> &'static str {
    match fault {
        CertificateFault::Unreadable => {
            "The file is not a certificate: choose an X.509 certificate with an RSA key, as .cer, .pem or .crt."
        }
        CertificateFault::PrivateKey => {
            "The file contains a private key, which stays with the application: choose a file with the certificate alone."
        }
    }
}

/// `POST …/certificates-and-secrets/delete-certificate`.
pub(crate) fn delete(visit: &Visit, app: &Application, form: &Form) -> Reply {
    let key_id: Option<Guid> = form.get("key_id").and_then(|text| text.parse().ok());
    let removed = visit.change_application(app.app_id, |app| {
        key_id.is_some_and(|key_id| app.remove_certificate(key_id))
    })?;
    let words = if removed {
        "The certificate was deleted. Assertions that it signed are refused."
    } else {
        "That certificate was deleted before."
    };
    Ok(Outcome::Go(list(app), Some(Notice::new(words))))
}
