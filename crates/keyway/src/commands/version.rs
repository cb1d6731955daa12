//! `keyway version`: this program, and the server it would talk to.

use clap::Args;
use serde_json::{Value, json};

use crate::Exit;
use crate::cli::Global;
use crate::client::find;
use crate::config::{Config, Overrides, Remote};
use crate::failure::Failure;
use crate::ui::Ui;

/// `version` has no options of its own.
#[derive(Args, Debug)]
pub(crate) struct Arguments {}

pub(crate) async fn run(ui: Ui, global: &Global) -> Result<Exit, Failure> {
    let server = match Remote::find(global)? {
        Some(remote) => Some(remote.url.to_string()),
        None => match Config::load(global, Overrides::default()) {
            Ok(config) => find::running(&config.data_dir)
                .await
                .map(|running| running.url.to_string()),
            // The version is what one asks for when nothing else works.
            Err(_) => None,
        },
    };
    let version = env!("CARGO_PKG_VERSION");
    if ui.json() {
        ui.document(
            &json!({ "name": "keyway", "version": version, "api": "v1", "server": server }),
        );
    } else {
        ui.text(&format!("keyway {version}"));
        if let Some(server) = server.map(Value::String) {
            ui.text(&format!(
                "server {}",
                crate::ui::plain(server.as_str().unwrap_or_default())
            ));
        }
    }
    Ok(Exit::Ok)
}
