//! `keyway key`: API keys, by which programs prove who they are.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::{items, text, when};
use crate::Exit;
use crate::cli::Global;
use crate::client;
use crate::failure::Failure;
use crate::ui::{Table, Ui, plain};

/// What to do with API keys.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key; it is shown once
    Create {
        /// What the key is for
        name: String,
        /// What the key may do
        #[arg(long, default_value = "viewer")]
        role: RoleName,
        /// Days until it stops working
        #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
        expires_in_days: u32,
    },
    /// List the keys, without their values
    List,
    /// Make a key useless, at once
    Revoke {
        /// The key's id (key_…) or name
        key: String,
        /// Accepted for scripts: revoking is not asked back
        #[arg(long)]
        yes: bool,
    },
}

/// What somebody may do; each role may do what the ones before it may.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum RoleName {
    Viewer,
    Operator,
    Admin,
}

impl RoleName {
    pub(super) fn word(self) -> &'static str {
        match self {
            RoleName::Viewer => "viewer",
            RoleName::Operator => "operator",
            RoleName::Admin => "admin",
        }
    }
}

pub(crate) async fn run(ui: Ui, global: &Global, arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Create {
            name,
            role,
            expires_in_days,
        } => create(ui, global, &name, role, expires_in_days).await,
        Command::List => list(ui, global).await,
        Command::Revoke { key, yes: _ } => revoke(ui, global, &key).await,
    }
}

async fn create(
    ui: Ui,
    global: &Global,
    name: &str,
    role: RoleName,
    days: u32,
) -> Result<Exit, Failure> {
    let body = json!({ "name": name, "role": role.word(), "expires_in_days": days });
    let answer = client::with(ui, global, async |client| {
        client.post("/api/v1/keys", Some(&body)).await
    })
    .await?;
    if ui.json() {
        ui.document(&answer.body);
    } else {
        ui.note(&format!(
            "API key {} ({}), role {}, until {}; shown once:",
            plain(name),
            plain(&text(&answer.body, "id")),
            role.word(),
            when(&answer.body, "expires_at")
        ));
        ui.text(&plain(&text(&answer.body, "token")));
    }
    Ok(Exit::Ok)
}

async fn list(ui: Ui, global: &Global) -> Result<Exit, Failure> {
    let answer = client::with(ui, global, async |client| client.get("/api/v1/keys").await).await?;
    if ui.json() {
        ui.document(&answer.body);
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["id", "name", "role", "expires", "state"]);
    for key in items(&answer.body)? {
        let state = if key["revoked_at"].is_string() {
            "revoked"
        } else {
            ""
        };
        table.row([
            text(key, "id"),
            text(key, "name"),
            text(key, "role"),
            when(key, "expires_at"),
            state.to_owned(),
        ]);
    }
    ui.text(&table.text());
    Ok(Exit::Ok)
}

async fn revoke(ui: Ui, global: &Global, key: &str) -> Result<Exit, Failure> {
    let id = client::with(ui, global, async |client| {
        let id = super::id_of(client, "/api/v1/keys", key, "key_", "name").await?;
        client
            .delete(&format!("/api/v1/keys/{}", client::segment(&id)?), None)
            .await?;
        Ok(id)
    })
    .await?;
    if ui.json() {
        ui.document(&json!({ "revoked": id }));
    } else {
        ui.text(&format!("revoked {}", plain(&id)));
    }
    Ok(Exit::Ok)
}
