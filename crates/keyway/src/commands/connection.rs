//! `keyway connection`: make, prove, explain and remove connections.

mod certificate;
mod discover;
mod documents;
mod fields;
mod permissions;
mod secrets;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use self::fields::{Fields, Missing};
use super::{confirm, items, text, when};
use crate::Exit;
use crate::cli::Global;
use crate::client::wait::{Ended, for_sign_in};
use crate::client::{self, Client, segment};
use crate::failure::Failure;
use crate::ui::{self, Table, Ui, plain};

/// What to do with connections.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Store a connection, then prove it
    Create(Box<Create>),
    /// List the connections with their states
    List,
    /// Show a connection's card
    Show {
        /// The connection
        name: String,
    },
    /// Change a connection; changing where a secret is sent wipes it
    Change(Box<Change>),
    /// Sign in and consent, in a browser here or with a code in one elsewhere
    Authorize {
        /// The connection
        name: String,
    },
    /// Prove a connection again
    Test {
        /// The connection
        name: String,
    },
    /// Say what is wrong, why, who can cure it, and how
    Explain {
        /// The connection
        name: String,
    },
    /// Tell which permissions calls need, and which of them the connection holds (Microsoft Graph)
    Permissions(permissions::Arguments),
    /// Print the redirect URI to register at the provider
    RedirectUri(RedirectUri),
    /// Find the endpoints behind an issuer, or behind any address of an API
    Discover {
        /// The issuer, or an address of the API
        url: String,
        /// Certificates to trust beside those of the machine (PEM)
        #[arg(long, value_name = "FILE")]
        ca_file: Option<std::path::PathBuf>,
    },
    /// The live secrets of a connection's client: enter a newer one beside the old, take one away
    #[command(subcommand)]
    Secret(secrets::SecretCommand),
    /// Certificates made inside Keyway, or entered here: what to upload at the provider
    #[command(subcommand)]
    Certificate(secrets::CertificateCommand),
    /// Print connections as text without their secrets, to keep in version control
    Export(documents::Export),
    /// Make and change connections as texts say them; the same texts again change nothing
    Apply(documents::Apply),
    /// Delete a connection, its secrets and its tokens
    Delete {
        /// The connection
        name: String,
        /// Do not ask back
        #[arg(long)]
        yes: bool,
        /// Delete it although flows name it: their calls fail then
        #[arg(long)]
        force: bool,
    },
}

#[derive(Args, Debug)]
struct Create {
    /// The name calls will use
    name: String,
    #[command(flatten)]
    fields: Fields,
    /// Stop after saving: no token request, no sign-in
    #[arg(long)]
    no_authorize: bool,
}

#[derive(Args, Debug)]
struct Change {
    /// The connection
    name: String,
    /// A new name
    #[arg(long, value_name = "NAME")]
    rename: Option<String>,
    /// Refuse if the connection is not at this version any more
    #[arg(long, value_name = "N")]
    if_version: Option<i64>,
    #[command(flatten)]
    fields: Fields,
}

#[derive(Args, Debug)]
#[command(group(clap::ArgGroup::new("which").required(true).args(["name", "new"])))]
struct RedirectUri {
    /// The connection
    name: Option<String>,
    /// Reserve a name, so that its URI can be registered before the rest is known
    #[arg(long, value_name = "NAME")]
    new: Option<String>,
}

pub(crate) async fn run(ui: Ui, global: &Global, arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Create(asked) => create(ui, global, &asked).await,
        Command::List => client::with(ui, global, async |client| list(ui, client).await).await,
        Command::Show { name } => {
            client::with(ui, global, async |client| show(ui, client, &name).await).await
        }
        Command::Change(asked) => change(ui, global, &asked).await,
        Command::Authorize { name } => {
            client::with(ui, global, async |client| {
                authorize(ui, client, &name).await
            })
            .await
        }
        Command::Test { name } => {
            client::with(ui, global, async |client| test(ui, client, &name).await).await
        }
        Command::Explain { name } => {
            client::with(ui, global, async |client| explain(ui, client, &name).await).await
        }
        Command::Permissions(asked) => match asked.question()? {
            permissions::Question::Calls(calls) => Ok(permissions::least(ui, &calls)),
            permissions::Question::Search(words) => Ok(permissions::search(ui, &words)),
            permissions::Question::Connection(name, calls) => {
                client::with(ui, global, async |client| {
                    permissions::run(ui, client, (&name, calls.clone())).await
                })
                .await
            }
        },
        Command::RedirectUri(which) => {
            client::with(ui, global, async |client| {
                redirect_uri(ui, client, &which).await
            })
            .await
        }
        Command::Discover { url, ca_file } => {
            let body = discover::question(&url, ca_file.as_deref())?;
            client::with(ui, global, async |client| {
                discover::run(ui, client, &body).await
            })
            .await
        }
        Command::Secret(command) => {
            client::with(ui, global, async |client| {
                secrets::secret(ui, client, command).await
            })
            .await
        }
        Command::Certificate(command) => {
            client::with(ui, global, async |client| {
                secrets::certificate(ui, client, command).await
            })
            .await
        }
        Command::Export(export) => {
            client::with(ui, global, async |client| {
                documents::export(ui, client, &export).await
            })
            .await
        }
        Command::Apply(apply) => {
            let texts = documents::documents(&apply)?;
            client::with(ui, global, async |client| {
                documents::apply(ui, client, &apply, texts).await
            })
            .await
        }
        Command::Delete { name, yes, force } => {
            let what = format!("the connection {name}, its secrets and its tokens");
            confirm(ui, &what, yes)?;
            client::with(ui, global, async |client| {
                delete(ui, client, &name, force).await
            })
            .await
        }
    }
}

fn path_of(name: &str) -> Result<String, Failure> {
    Ok(format!("/api/v1/connections/{}", segment(name)?))
}

fn creation(ui: Ui, create: &Create) -> Result<Value, Failure> {
    let mut body = create.fields.document(ui, Missing::Ask)?;
    body.insert("name".to_owned(), json!(create.name));
    if create.no_authorize {
        body.insert("prove".to_owned(), json!(false));
    }
    Ok(Value::Object(body))
}

async fn create(ui: Ui, global: &Global, create: &Create) -> Result<Exit, Failure> {
    // What is wrong with what was typed is said before a server is looked for.
    let body = creation(ui, create)?;
    client::with(ui, global, async |client| {
        created(ui, client, create, &body).await
    })
    .await
}

async fn created(ui: Ui, client: &Client, create: &Create, body: &Value) -> Result<Exit, Failure> {
    let label = format!("creating {}", create.name);
    let mut card = ui
        .wait(&label, client.post("/api/v1/connections", Some(body)))
        .await?
        .body;
    if create.no_authorize {
        print_card(ui, &card);
        if !ui.json() && signs_in(&card) {
            ui.note(&format!(
                "next: keyway connection authorize {}",
                plain(&create.name)
            ));
        }
        return Ok(Exit::Ok);
    }
    // A person is sent to the provider only if the way there is not known to be closed.
    if signs_in(&card) && card["state"] == "never_authorized" {
        card = sign_in(ui, client, &create.name).await?;
    }
    print_card(ui, &card);
    Ok(proved(&card))
}

/// Whether a person signs in to a connection.
fn signs_in(card: &Value) -> bool {
    matches!(
        card["grant"].as_str(),
        Some("authorization_code" | "device_code")
    )
}

/// Sends the person to the provider, waits, and returns the card as it is then.
async fn sign_in(ui: Ui, client: &Client, name: &str) -> Result<Value, Failure> {
    match for_sign_in(ui, client, name).await? {
        Ended::Authorized => {}
        Ended::Failed(reason) => ui.warning(&format!("the sign-in for {name} failed: {reason}")),
        Ended::TimedOut => ui.warning(&format!("nobody finished the sign-in for {name} in time; repeat it with: keyway connection authorize {name}")),
    }
    Ok(client.get(&path_of(name)?).await?.body)
}

async fn authorize(ui: Ui, client: &Client, name: &str) -> Result<Exit, Failure> {
    let outcome = for_sign_in(ui, client, name).await?;
    let card = client.get(&path_of(name)?).await?.body;
    print_card(ui, &card);
    match outcome {
        Ended::Authorized => Ok(proved(&card)),
        Ended::Failed(reason) => {
            ui.warning(&format!("the sign-in for {name} failed: {reason}"));
            Ok(Exit::Upstream)
        }
        Ended::TimedOut => {
            ui.warning(&format!("nobody finished the sign-in for {name} in time"));
            Ok(Exit::Upstream)
        }
    }
}

/// Whether a connection can be used; the exit code of everything that proves one.
fn proved(card: &Value) -> Exit {
    if card["tested"]["verdict"] == "refused" && card["state"] == "ok" {
        return Exit::Upstream;
    }
    Exit::of_state(card["state"].as_str().unwrap_or_default())
}

fn print_card(ui: Ui, card: &Value) {
    if ui.json() {
        ui.document(card);
    } else {
        ui.text(&ui::card(card, store::Clock::system().now()));
    }
}

async fn list(ui: Ui, client: &Client) -> Result<Exit, Failure> {
    let answer = client.get("/api/v1/connections").await?;
    if ui.json() {
        ui.document(&answer.body);
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["name", "state", "type", "to", "since"]);
    for card in items(&answer.body)? {
        let kind = card["grant"]
            .as_str()
            .or_else(|| card["type"].as_str())
            .unwrap_or_default()
            .replace('_', " ");
        let to = card["base_url"]
            .as_str()
            .and_then(|url| url::Url::parse(url).ok())
            .map_or_else(|| text(card, "preset"), |url| url.authority().to_owned());
        table.row([
            text(card, "name"),
            text(card, "state").replace('_', " "),
            kind,
            to,
            when(card, "state_since"),
        ]);
    }
    ui.text(&table.text());
    Ok(Exit::Ok)
}

async fn show(ui: Ui, client: &Client, name: &str) -> Result<Exit, Failure> {
    print_card(ui, &client.get(&path_of(name)?).await?.body);
    Ok(Exit::Ok)
}

fn changes(ui: Ui, change: &Change) -> Result<Value, Failure> {
    let mut body = change.fields.document(ui, Missing::Keep)?;
    if let Some(name) = &change.rename {
        body.insert("name".to_owned(), json!(name));
    }
    if body.is_empty() {
        return Err(Failure::usage(
            "nothing to change was given",
            "keyway connection change --help lists what can be changed",
        ));
    }
    Ok(Value::Object(body))
}

async fn change(ui: Ui, global: &Global, change: &Change) -> Result<Exit, Failure> {
    let body = changes(ui, change)?;
    client::with(ui, global, async |client| {
        changed(ui, client, change, &body).await
    })
    .await
}

async fn changed(ui: Ui, client: &Client, change: &Change, body: &Value) -> Result<Exit, Failure> {
    let path = path_of(&change.name)?;
    let version = match change.if_version {
        Some(version) => version,
        None => version_of(&client.get(&path).await?.body)?,
    };
    let answer = client.patch(&path, version, body).await?.body;
    let exit = left_by(&answer);
    if ui.json() {
        ui.document(&answer);
        return Ok(exit);
    }
    let wiped: Vec<String> = answer["wiped"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(plain)
        .collect();
    if !wiped.is_empty() {
        ui.warning(&format!(
            "wiped, because where or as whom it is sent changed: {}",
            wiped.join(", ")
        ));
    }
    ui.text(&ui::card(
        &answer["connection"],
        store::Clock::system().now(),
    ));
    Ok(exit)
}

/// A stored change did what it was asked to, though somebody has yet to sign in or to enter what it wiped. Where
/// what was entered was tried and refused, it ends as a test does.
fn left_by(answer: &Value) -> Exit {
    let card = &answer["connection"];
    let wiped = answer["wiped"]
        .as_array()
        .is_some_and(|wiped| !wiped.is_empty());
    match card["state"].as_str() {
        Some("never_authorized" | "needs_user") => Exit::Ok,
        Some("needs_secret") if wiped => Exit::Ok,
        _ => proved(card),
    }
}

fn version_of(card: &Value) -> Result<i64, Failure> {
    card["version"]
        .as_i64()
        .ok_or_else(|| Failure::bug("the server answered a connection without a version"))
}

async fn test(ui: Ui, client: &Client, name: &str) -> Result<Exit, Failure> {
    let path = format!("{}/test", path_of(name)?);
    let label = format!("proving {name}");
    let card = ui.wait(&label, client.post(&path, None)).await?.body;
    print_card(ui, &card);
    Ok(proved(&card))
}

async fn explain(ui: Ui, client: &Client, name: &str) -> Result<Exit, Failure> {
    let explanation = client
        .get(&format!("{}/explain", path_of(name)?))
        .await?
        .body;
    if ui.json() {
        ui.document(&explanation);
    } else {
        ui.text(&ui::explanation(&explanation, store::Clock::system().now()));
    }
    Ok(Exit::Ok)
}

async fn redirect_uri(ui: Ui, client: &Client, which: &RedirectUri) -> Result<Exit, Failure> {
    let answer = match (&which.name, &which.new) {
        (_, Some(new)) => {
            client
                .post("/api/v1/redirect-uris", Some(&json!({ "name": new })))
                .await?
        }
        (Some(name), None) => {
            client
                .get(&format!("{}/redirect-uri", path_of(name)?))
                .await?
        }
        (None, None) => {
            return Err(Failure::usage(
                "the connection is missing",
                "write: keyway connection redirect-uri NAME",
            ));
        }
    };
    if ui.json() {
        ui.document(&answer.body);
    } else {
        // Alone on its line, whole: it is there to be copied.
        ui.text(&plain(&text(&answer.body, "redirect_uri")));
    }
    Ok(Exit::Ok)
}

async fn delete(ui: Ui, client: &Client, name: &str, force: bool) -> Result<Exit, Failure> {
    let path = path_of(name)?;
    let version = version_of(&client.get(&path).await?.body)?;
    let query = if force { "?force=true" } else { "" };
    let answer = client
        .delete(&format!("{path}{query}"), Some(version))
        .await?
        .body;
    if ui.json() {
        ui.document(&answer);
        return Ok(Exit::Ok);
    }
    let revocation = &answer["revocation"];
    let told = match revocation["result"].as_str() {
        Some("revoked") => "; its token was revoked at the provider".to_owned(),
        Some("failed") => format!(
            "; its token could not be revoked at the provider: {}",
            text(revocation, "why")
        ),
        Some("not_offered") => "; the provider offers no revocation, so its tokens there end by themselves: remove the app's access at the provider if they must not be used any more".to_owned(),
        _ => String::new(),
    };
    ui.text(&plain(&format!("deleted {name}{told}")));
    Ok(Exit::Ok)
}
