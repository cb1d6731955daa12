//! `keyway connection secret` and `keyway connection certificate`: the live secrets of a client, rotated in place.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::certificate::CertificateFile;
use super::fields::CLIENT_SECRET;
use super::{path_of, print_card, proved};
use crate::Exit;
use crate::client::Client;
use crate::commands::{text, when};
use crate::failure::Failure;
use crate::ui::{Table, Ui, plain};

/// What to do with a connection's secrets.
#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Enter a newer secret beside the one that is there, then prove the connection
    Add(Add),
    /// List the live secrets, without their values
    List {
        /// The connection
        name: String,
    },
    /// Take one of two secrets away, then prove the connection
    Remove {
        /// The connection
        name: String,
        /// Which
        which: Which,
    },
}

/// A newer secret.
#[derive(Args, Debug)]
pub(crate) struct Add {
    /// The connection
    name: String,
    /// A 0600 file with the client secret's value, or - for stdin [default: ask]
    #[arg(long, value_name = "FILE|-")]
    client_secret_file: Option<String>,
    #[command(flatten)]
    certificate: CertificateFile,
    /// When the client secret expires, as the provider shows it
    #[arg(long, value_name = "DATE", conflicts_with = "certificate_file")]
    secret_expires_at: Option<String>,
}

/// What to do with a connection's certificates.
#[derive(Debug, Subcommand)]
pub(crate) enum CertificateCommand {
    /// Make a key and a certificate inside Keyway; the key never leaves
    Generate {
        /// The connection
        name: String,
        /// How many days it holds
        #[arg(long, value_name = "N", default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..=3650))]
        days: u16,
        /// Its common name [default: the connection's name]
        #[arg(long, value_name = "TEXT")]
        common_name: Option<String>,
        /// Where the .cer goes, to be uploaded at the provider [default: stdout]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Write a certificate, without its key, to be uploaded at the provider
    Export {
        /// The connection
        name: String,
        /// Which
        #[arg(long, default_value = "newest")]
        which: Which,
        /// Where the .cer goes [default: stdout]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// Which of two secrets.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Which {
    Newest,
    Older,
}

impl Which {
    fn word(self) -> &'static str {
        match self {
            Which::Newest => "newest",
            Which::Older => "older",
        }
    }
}

pub(super) async fn secret(
    ui: Ui,
    client: &Client,
    command: SecretCommand,
) -> Result<Exit, Failure> {
    match command {
        SecretCommand::Add(add) => {
            let body = document(ui, &add)?;
            let path = format!("{}/secrets", path_of(&add.name)?);
            let card = client.post(&path, Some(&body)).await?.body;
            print_card(ui, &card);
            Ok(proved(&card))
        }
        SecretCommand::List { name } => {
            let card = client.get(&path_of(&name)?).await?.body;
            list(ui, &card);
            Ok(Exit::Ok)
        }
        SecretCommand::Remove { name, which } => {
            let path = format!("{}/secrets/{}", path_of(&name)?, which.word());
            let card = client.delete(&path, None).await?.body;
            print_card(ui, &card);
            Ok(proved(&card))
        }
    }
}

fn document(ui: Ui, add: &Add) -> Result<Value, Failure> {
    let mut body = Map::new();
    if let CertificateFile {
        certificate_file: Some(_),
        ..
    } = &add.certificate
    {
        add.certificate.read(ui, &mut body)?;
        return Ok(Value::Object(body));
    }
    let secret = CLIENT_SECRET.read_or_ask(ui, add.client_secret_file.as_deref())?;
    body.insert("client_secret".to_owned(), json!(secret.expose()));
    if let Some(date) = &add.secret_expires_at {
        body.insert("secret_expires_at".to_owned(), json!(date));
    }
    Ok(Value::Object(body))
}

fn list(ui: Ui, card: &Value) {
    if ui.json() {
        ui.document(&json!({ "items": card["secrets"] }));
        return;
    }
    let mut table = Table::new(&[
        "which",
        "kind",
        "entered",
        "expires",
        "thumbprint",
        "refused since",
    ]);
    for secret in card["secrets"].as_array().into_iter().flatten() {
        table.row([
            text(secret, "which"),
            text(secret, "kind").replace('_', " "),
            when(secret, "added_at"),
            when(secret, "expires_at"),
            text(&secret["certificate"], "thumbprint"),
            when(secret, "refused_at"),
        ]);
    }
    ui.text(&table.text());
}

pub(super) async fn certificate(
    ui: Ui,
    client: &Client,
    command: CertificateCommand,
) -> Result<Exit, Failure> {
    let (body, output) = match command {
        CertificateCommand::Generate {
            name,
            days,
            common_name,
            output,
        } => {
            let mut body = json!({ "days": days });
            if let Some(common_name) = common_name {
                body["common_name"] = json!(common_name);
            }
            let path = format!("{}/certificate", path_of(&name)?);
            (client.post(&path, Some(&body)).await?.body, output)
        }
        CertificateCommand::Export {
            name,
            which,
            output,
        } => {
            let path = format!("{}/secrets/{}/certificate", path_of(&name)?, which.word());
            (client.get(&path).await?.body, output)
        }
    };
    let pem = text(&body, "pem");
    if let Some(output) = &output {
        std::fs::write(output, &pem).map_err(|error| {
            let detail = format!("{} cannot be written: {error}", output.display());
            Failure::new(Exit::Invalid, "file.unwritable", detail)
        })?;
    }
    if ui.json() {
        ui.document(&body);
        return Ok(Exit::Ok);
    }
    ui.note(&format!(
        "certificate {}, until {}: upload it at the provider",
        plain(&text(&body, "thumbprint")),
        when(&body, "expires_at")
    ));
    if output.is_none() {
        ui.text(pem.trim_end());
    }
    Ok(Exit::Ok)
}
