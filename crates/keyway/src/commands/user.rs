//! `keyway user`: people who may sign in.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::key::RoleName;
use super::{items, text, when};
use crate::Exit;
use crate::cli::Global;
use crate::client;
use crate::failure::Failure;
use crate::ui::secret::Question;
use crate::ui::{Table, Ui, plain};

const PASSWORD: Question<'static> = Question {
    what: "password",
    option: "--password-file",
};

/// What to do with users.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add a person
    Create {
        /// The name to sign in with
        username: String,
        /// What the person may do
        #[arg(long, default_value = "viewer")]
        role: RoleName,
        /// A 0600 file with the password, or - for stdin [default: ask]
        #[arg(long, value_name = "FILE|-")]
        password_file: Option<String>,
        #[arg(long, hide = true, value_name = "REFUSED")]
        password: Option<String>,
    },
    /// List the people
    List,
    /// Keep a person out and end the person's sessions
    Disable {
        /// The person's id (usr_…) or name
        user: String,
        /// Accepted for scripts: disabling is not asked back
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) async fn run(ui: Ui, global: &Global, arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Create {
            password: Some(_), ..
        } => Err(PASSWORD.refuse_argument()),
        Command::Create {
            username,
            role,
            password_file,
            password: None,
        } => create(ui, global, &username, role, password_file.as_deref()).await,
        Command::List => list(ui, global).await,
        Command::Disable { user, yes: _ } => disable(ui, global, &user).await,
    }
}

async fn create(
    ui: Ui,
    global: &Global,
    username: &str,
    role: RoleName,
    password_file: Option<&str>,
) -> Result<Exit, Failure> {
    let password = PASSWORD.read_or_ask(ui, password_file)?;
    let body = json!({ "username": username, "password": password.expose(), "role": role.word() });
    let answer = client::with(ui, global, async |client| {
        client.post("/api/v1/users", Some(&body)).await
    })
    .await?;
    if ui.json() {
        ui.document(&answer.body);
    } else {
        ui.text(&format!(
            "user {} ({}), role {}",
            plain(username),
            plain(&text(&answer.body, "id")),
            role.word()
        ));
    }
    Ok(Exit::Ok)
}

async fn list(ui: Ui, global: &Global) -> Result<Exit, Failure> {
    let answer = client::with(ui, global, async |client| client.get("/api/v1/users").await).await?;
    if ui.json() {
        ui.document(&answer.body);
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["id", "username", "role", "created", "state"]);
    for user in items(&answer.body)? {
        let disabled = user["disabled"] == true || user["disabled_at"].is_string();
        table.row([
            text(user, "id"),
            text(user, "username"),
            text(user, "role"),
            when(user, "created_at"),
            if disabled {
                "disabled".to_owned()
            } else {
                String::new()
            },
        ]);
    }
    ui.text(&table.text());
    Ok(Exit::Ok)
}

async fn disable(ui: Ui, global: &Global, user: &str) -> Result<Exit, Failure> {
    let (id, body) = client::with(ui, global, async |client| {
        let id = super::id_of(client, "/api/v1/users", user, "usr_", "username").await?;
        let answer = client
            .post(
                &format!("/api/v1/users/{}/disable", client::segment(&id)?),
                None,
            )
            .await?;
        Ok((id, answer.body))
    })
    .await?;
    if ui.json() {
        ui.document(&if body.is_object() {
            body
        } else {
            json!({ "disabled": Value::from(id) })
        });
    } else {
        ui.text(&format!("disabled {}", plain(&id)));
    }
    Ok(Exit::Ok)
}
