//! `keyway connection discover`: which endpoints are behind an address.

use std::path::Path;

use serde_json::{Value, json};

use super::fields;
use crate::Exit;
use crate::client::Client;
use crate::failure::Failure;
use crate::ui::{Table, Ui};

/// What is asked of the server: the address, and the authority to be trusted if a file is given.
pub(super) fn question(url: &str, ca_file: Option<&Path>) -> Result<Value, Failure> {
    let mut body = json!({ "url": url });
    if let Some(path) = ca_file {
        body["ca_certificate"] = fields::certificate(path)?.into();
    }
    Ok(body)
}

pub(super) async fn run(ui: Ui, client: &Client, body: &Value) -> Result<Exit, Failure> {
    let asked = client.post("/api/v1/discovery", Some(body));
    let found = ui.wait("asking", asked).await?.body;
    if ui.json() {
        ui.document(&found);
        return Ok(Exit::Ok);
    }
    let words = |value: &Value| {
        let words = value.as_array().into_iter().flatten();
        words
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let mut table = Table::new(&["setting", "value"]);
    for (label, field) in [
        ("preset", "preset"),
        ("tenant", "tenant"),
        ("issuer", "issuer"),
        ("authorize URL", "authorization_endpoint"),
        ("device URL", "device_authorization_endpoint"),
        ("token URL", "token_endpoint"),
        ("API", "resource"),
        ("scopes", "scopes"),
        ("grants", "grants"),
        ("authentication", "client_authentications"),
        ("found at", "found_at"),
    ] {
        let value = match &found[field] {
            Value::String(text) => text.clone(),
            other => words(other),
        };
        if !value.is_empty() {
            table.row([label.to_owned(), value]);
        }
    }
    ui.text(&table.text());
    Ok(Exit::Ok)
}
