//! The walk itself: register, connect both ways, list users, expire, renew once.

use std::time::Duration;

use serde_json::{Value, json};

use super::browser::{self, Browser, Person, Visit};
use super::registration::{Administrator, Registered, Sandbox};
use super::stage::Stage;
use super::{Narrator, unexpected};
use crate::failure::Failure;
use crate::ui::{self, plain};

/// The connection that acts as a person.
pub(super) const DELEGATED: &str = "graph-delegated";

/// The connection that acts as the app itself.
const APP_ONLY: &str = "graph";

/// How many rows of a list are shown.
const ROWS: usize = 8;

/// What the walk found out.
#[derive(Default)]
pub(super) struct Facts {
    origin: Option<String>,
    server: Option<String>,
    connections: Vec<Connected>,
}

/// What is known about one connection at the end.
struct Connected {
    name: &'static str,
    grant: &'static str,
    identity: String,
    requested: Value,
    granted: Value,
    missing: Value,
    expires_in: i64,
    users: usize,
    token_requests: usize,
    /// Token requests of the one call after the expiry.
    renewals: usize,
}

impl Facts {
    /// Whether everything the walk is for came true.
    pub(super) fn passed(&self) -> bool {
        self.connections.len() == 2
            && self.connections.iter().all(|connected| {
                connected.users > 0
                    && connected.renewals == 1
                    && connected.missing.as_array().is_some_and(Vec::is_empty)
                    && connected.expires_in > 0
            })
    }

    /// The facts as one document.
    pub(super) fn document(&self) -> Value {
        let connections: Vec<Value> = self
            .connections
            .iter()
            .map(|connected| {
                json!({
                    "name": connected.name,
                    "grant": connected.grant,
                    "identity": connected.identity,
                    "requested": connected.requested,
                    "granted": connected.granted,
                    "missing": connected.missing,
                    "expires_in": connected.expires_in,
                    "users": connected.users,
                    "token_requests": connected.token_requests,
                })
            })
            .collect();
        json!({ "passed": self.passed(), "sandbox": { "origin": self.origin }, "server": { "url": self.server }, "connections": connections })
    }
}

/// Walks from an empty folder to two connections that list users and renew themselves.
pub(super) async fn walk(
    narrator: Narrator,
    stage: &mut Stage,
    facts: &mut Facts,
) -> Result<(), Failure> {
    narrator.heading("A sandbox tenant and a server, on free ports of this machine");
    let description = stage.start_sandbox().await?;
    let sandbox = Sandbox {
        facts: &description,
    };
    let origin = sandbox.text("/origin")?;
    facts.origin = Some(origin.to_owned());
    let configuration = configuration(&sandbox)?;
    let file = stage.write("keyway.toml", &configuration)?;
    narrator.say(&format!("# {}:", file.display()));
    configuration
        .lines()
        .for_each(|line| narrator.say(&format!("    {line}")));
    narrator.say(&format!(
        "$ export KEYWAY_DATA_DIR={}",
        stage.data_dir().display()
    ));
    let announced = stage.start_server().await?;
    let server = announced["url"]
        .as_str()
        .ok_or_else(|| unexpected("server.json has no url"))?
        .to_owned();
    facts.server = Some(server.clone());
    narrator.say(&format!("# sandbox {origin}, server {server}"));

    let ca_file = sandbox.text("/ca_file")?;
    let ca_pem = std::fs::read(ca_file)
        .map_err(|error| Failure::io(&format!("cannot read {ca_file}"), &error))?;
    let http = browser::client(&ca_pem)?;
    narrator.heading("The administrator registers an app (any Graph client can do this)");
    let mut admins_browser = Browser::new(narrator, &ca_pem)?;
    let administrator =
        Administrator::sign_in(narrator, &http, &sandbox, &mut admins_browser).await?;
    let redirect_uri = format!("{server}/oauth/callback/microsoft-graph");
    let app = administrator.register("Keyway demo", &redirect_uri).await?;
    narrator.say(&format!(
        "# client id {}, redirect URI {redirect_uri}",
        app.client_id
    ));

    let walk = Walk {
        narrator,
        stage,
        sandbox: &sandbox,
        http: &http,
        app: &app,
    };
    narrator.heading("A connection that acts as a person (authorization code)");
    walk.connect_delegated(&mut Browser::new(narrator, &ca_pem)?)
        .await?;
    let delegated = walk.use_connection(DELEGATED, "authorization_code").await?;
    narrator.heading("A connection that acts as the app itself (client credentials)");
    walk.connect_app_only().await?;
    let app_only = walk.use_connection(APP_ONLY, "client_credentials").await?;
    facts.connections = vec![delegated, app_only];

    narrator.heading("Thirty hours later, as the sandbox's clock says: both tokens have expired");
    walk.advance_clock(108_000).await?;
    for connected in &mut facts.connections {
        walk.call_after_expiry(connected).await?;
    }
    narrator.say(if facts.passed() {
        "\nAll of it worked."
    } else {
        "\nSomething is not as it should be: see above."
    });
    Ok(())
}

/// The server's configuration: the sandbox is a cloud the operator vouches for, on an address that may be reached.
fn configuration(sandbox: &Sandbox<'_>) -> Result<String, Failure> {
    let origin = sandbox.text("/origin")?;
    let address = origin
        .strip_prefix("https://")
        .ok_or_else(|| unexpected("the sandbox's origin is not https"))?;
    let ca_file = toml::Value::String(sandbox.text("/ca_file")?.to_owned());
    Ok(format!(
        "[egress]\nallow = [\"{address}\"]\n\n[[cloud]]\nname = \"sandbox\"\norigin = \"{origin}\"\nca_file = {ca_file}\n"
    ))
}

/// What every step needs.
struct Walk<'a> {
    narrator: Narrator,
    stage: &'a Stage,
    sandbox: &'a Sandbox<'a>,
    http: &'a reqwest::Client,
    app: &'a Registered,
}

impl Walk<'_> {
    async fn connect_delegated(&self, browser: &mut Browser) -> Result<(), Failure> {
        let scope = "offline_access User.Read User.Read.All";
        let arguments = self.create_arguments(DELEGATED, "authorization-code", scope)?;
        let mut creating = self
            .stage
            .begin(
                &arguments.each_ref().map(String::as_str),
                Some(&self.app.client_secret),
            )
            .await?;
        let address = creating.line("http").await?;
        let index = self.ordinary_user()?;
        let person = Person {
            name: self.sandbox.text(&format!("/users/{index}/upn"))?,
            password: self.sandbox.text(&format!("/users/{index}/password"))?,
        };
        self.narrator.say(&format!(
            "# {} opens {} , signs in and accepts",
            person.name,
            plain(&address)
        ));
        let home = address
            .split("/oauth/")
            .next()
            .unwrap_or_default()
            .to_owned();
        browser
            .sign_in(
                &address,
                &person,
                &format!("{home}/oauth/callback/"),
                Visit::Yes,
            )
            .await?;
        self.tell_grants(&creating.finish().await?.document("connection create")?);
        Ok(())
    }

    /// The first user who is not the administrator.
    fn ordinary_user(&self) -> Result<usize, Failure> {
        let admin = self.sandbox.text("/admin/upn")?;
        let users = self.sandbox.facts["users"].as_array();
        users
            .and_then(|users| users.iter().position(|user| user["upn"] != *admin))
            .ok_or_else(|| unexpected("the sandbox has no ordinary user"))
    }

    async fn connect_app_only(&self) -> Result<(), Failure> {
        let arguments = self.create_arguments(
            APP_ONLY,
            "client-credentials",
            "https://graph.microsoft.com/.default",
        )?;
        let created = self
            .stage
            .run(
                &arguments.each_ref().map(String::as_str),
                Some(&self.app.client_secret),
            )
            .await?;
        self.tell_grants(&created.document("connection create")?);
        Ok(())
    }

    fn create_arguments(
        &self,
        name: &str,
        grant: &str,
        scope: &str,
    ) -> Result<[String; 18], Failure> {
        let tenant = self.sandbox.text("/domain")?;
        Ok([
            "connection",
            "create",
            name,
            "--preset",
            "microsoft-graph",
            "--cloud",
            "sandbox",
            "--tenant",
            tenant,
            "--grant",
            grant,
            "--client-id",
            &self.app.client_id,
            "--client-secret-file",
            "-",
            "--scope",
            scope,
            "--json",
        ]
        .map(str::to_owned))
    }

    fn tell_grants(&self, card: &Value) {
        self.narrator.say(ui::grants(&card["token"]).trim_end());
    }

    /// Lists users and collects what the card says.
    async fn use_connection(
        &self,
        name: &'static str,
        grant: &'static str,
    ) -> Result<Connected, Failure> {
        let answer = self
            .stage
            .run(&["call", name, "/v1.0/users", "--json"], None)
            .await?
            .document("call")?;
        let users = answer["body"]["value"]
            .as_array()
            .ok_or_else(|| unexpected("the list of users is not a list"))?;
        let (table, _) = ui::items_table(&users[..users.len().min(ROWS)]);
        self.narrator.say(table.trim_end());
        if users.len() > ROWS {
            self.narrator
                .say(&format!("… and {} more", users.len() - ROWS));
        }
        let card = self
            .stage
            .run(&["connection", "show", name, "--json"], None)
            .await?
            .document("connection show")?;
        let token = &card["token"];
        Ok(Connected {
            name,
            grant,
            identity: identity(&card),
            requested: token["requested"].clone(),
            granted: token["granted"].clone(),
            missing: token["missing"].clone(),
            expires_in: token["expires_in"].as_i64().unwrap_or_default(),
            users: users.len(),
            token_requests: self.token_requests(grant).await?.len(),
            renewals: 0,
        })
    }

    /// Calls once more and counts the token requests that the sandbox saw for it.
    async fn call_after_expiry(&self, connected: &mut Connected) -> Result<(), Failure> {
        let before = self.token_requests(connected.grant).await?.len();
        self.stage
            .run(
                &[
                    "call",
                    connected.name,
                    "/v1.0/users",
                    "-q",
                    "$top=1",
                    "--json",
                ],
                None,
            )
            .await?
            .document("call")?;
        let after = self.token_requests(connected.grant).await?;
        connected.renewals = after.len() - before;
        connected.token_requests = after.len();
        self.narrator.say(&format!(
            "# the sandbox saw {} token request(s) for this call:",
            connected.renewals
        ));
        after[before..].iter().for_each(|line| {
            self.narrator
                .say(&format!("    {}", plain(&line.to_string())));
        });
        Ok(())
    }

    /// The token requests of the app in the sandbox's own log, of the kind a connection makes.
    async fn token_requests(&self, grant: &str) -> Result<Vec<Value>, Failure> {
        let origin = self.sandbox.text("/origin")?;
        let response = self
            .http
            .get(format!("{origin}/sandbox/log"))
            .bearer_auth(self.sandbox.text("/control_token")?)
            .send()
            .await;
        let text = response
            .map_err(|error| unexpected(error.to_string()))?
            .text()
            .await
            .map_err(|error| unexpected(error.to_string()))?;
        let is_ours = |line: &Value| {
            let kind = line["grant_type"].as_str().unwrap_or_default();
            let of_grant = if grant == "client_credentials" {
                kind == grant
            } else {
                matches!(kind, "authorization_code" | "refresh_token")
            };
            of_grant
                && line["client_id"] == self.app.client_id.as_str()
                && line["path"]
                    .as_str()
                    .is_some_and(|path| path.ends_with("/token"))
        };
        Ok(text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(is_ours)
            .collect())
    }

    async fn advance_clock(&self, seconds: u32) -> Result<(), Failure> {
        let origin = self.sandbox.text("/origin")?;
        let body = json!({ "offset_seconds": seconds });
        self.narrator
            .say(&format!("POST {origin}/sandbox/clock {body}"));
        let request = self
            .http
            .post(format!("{origin}/sandbox/clock"))
            .bearer_auth(self.sandbox.text("/control_token")?)
            .json(&body);
        let response = request
            .timeout(Duration::from_secs(10))
            .send()
            .await
            .map_err(|error| unexpected(error.to_string()))?;
        if response.status().is_success() {
            Ok(())
        } else {
            Err(unexpected(format!(
                "the sandbox's clock answered {}",
                response.status()
            )))
        }
    }
}

/// Who a connection acts as, in one line.
fn identity(card: &Value) -> String {
    let identity = &card["identity"];
    ["username", "name", "id"]
        .iter()
        .find_map(|key| identity[*key].as_str())
        .unwrap_or_default()
        .to_owned()
}
