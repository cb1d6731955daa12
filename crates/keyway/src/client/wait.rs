//! Waiting for somebody to finish a sign-in in a browser.
//!
//! The command opens or prints the address and asks the API until the trip is over; it never sees code or token.

use std::io::IsTerminal as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Client, segment};
use crate::config;
use crate::failure::Failure;
use crate::ui::{Ui, plain};

/// How often the API is asked.
const INTERVAL: Duration = Duration::from_millis(300);

/// How long a process that this command does not ask may take to exchange the code that came back to it: its token
/// request has 30 seconds.
const EXCHANGE: Duration = Duration::from_secs(35);

/// How a trip to the provider ended.
pub(crate) enum Ended {
    /// Consent was given and a token is there.
    Authorized,
    /// It failed or was declined, for this reason.
    Failed(String),
    /// Nobody came back in time.
    TimedOut,
}

/// Sends the person to the provider and waits for the return.
pub(crate) async fn for_sign_in(ui: Ui, client: &Client, name: &str) -> Result<Ended, Failure> {
    let path = format!("/api/v1/connections/{}", segment(name)?);
    // Somebody must be there for the browser to come back to, or to poll; known before anybody is sent away.
    let visitors = match client.local() {
        Some(local) if client.get(&path).await?.body["grant"] == "device_code" => {
            Some(local.watch_devices())
        }
        Some(local) => Some(local.listen().await?),
        None => None,
    };
    let begun = store::Clock::system().now();
    let started = client
        .post(&format!("{path}/authorize"), Some(&json!({})))
        .await?
        .body;
    let url = started["url"]
        .as_str()
        .ok_or_else(|| Failure::bug("the server answered an authorization without an address"))?;
    let deadline = started["expires_at"]
        .as_str()
        .and_then(|at| at.parse::<Timestamp>().ok());
    let label = if let Some(code) = started["device"]["user_code"].as_str() {
        show_code(ui, name, &started["device"], code);
        "waiting for the code to be typed"
    } else {
        show(ui, name, url);
        "waiting for the sign-in in the browser"
    };
    let trip = watch(client, &path, begun, deadline);
    let ended = ui.wait(label, trip).await;
    drop(visitors);
    ended
}

/// Prints page and code; no browser is opened, since there may be none here.
fn show_code(ui: Ui, name: &str, device: &Value, code: &str) {
    let text = |field: &str| device[field].as_str().map(plain);
    ui.note(&format!(
        "to authorize {}, open this page in any browser:",
        plain(name)
    ));
    ui.note(&text("verification_uri").unwrap_or_default());
    ui.note("and enter the code:");
    ui.note(&plain(code));
    if let Some(complete) = text("verification_uri_complete") {
        ui.note("or open this page, which has the code in it:");
        ui.note(&complete);
    }
}

/// Prints the address, and opens it where a person and a browser are.
fn show(ui: Ui, name: &str, url: &str) {
    ui.note(&format!("to authorize {}, sign in at:", plain(name)));
    ui.note(&plain(url));
    let browser = config::variable("BROWSER");
    let somebody = std::io::stderr().is_terminal() && std::io::stdout().is_terminal();
    let display = config::variable("DISPLAY").or_else(|| config::variable("WAYLAND_DISPLAY"));
    let program = match (&browser, display) {
        (Some(program), _) => program.as_str(),
        (None, Some(_)) if somebody => "xdg-open",
        _ => return,
    };
    // Output of a browser must not mix with ours; whether it opens is told by the wait itself.
    let started = Command::new(program)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Err(error) = started {
        ui.warning(&format!(
            "{program} cannot be started ({error}): open the address yourself"
        ));
    }
}

/// Asks until the trip is over.
async fn watch(
    client: &Client,
    path: &str,
    begun: Timestamp,
    deadline: Option<Timestamp>,
) -> Result<Ended, Failure> {
    let clock = store::Clock::system();
    let mut gone: Option<Instant> = None;
    loop {
        tokio::time::sleep(INTERVAL).await;
        let explanation = client.get(&format!("{path}/explain")).await?.body;
        if let Some(ended) = ended(&explanation, begun) {
            return Ok(ended);
        }
        if explanation["pending_authorization"].is_null() {
            // Another process has the code: how that goes nobody here can tell, but its token will be there.
            if is_there(&explanation, begun) {
                return Ok(Ended::Authorized);
            }
            if gone.get_or_insert_with(Instant::now).elapsed() >= EXCHANGE {
                return Ok(Ended::TimedOut);
            }
        } else if deadline.is_some_and(|deadline| clock.now() > deadline) {
            return Ok(Ended::TimedOut);
        }
    }
}

/// Whether the token is one that came after `begun`.
fn is_there(explanation: &Value, begun: Timestamp) -> bool {
    let received = explanation["connection"]["token"]["received_at"].as_str();
    let received = received.and_then(|at| at.parse::<Timestamp>().ok());
    received.is_some_and(|at| at >= begun)
}

/// What the explanation says about a trip that ended after `begun`.
fn ended(explanation: &Value, begun: Timestamp) -> Option<Ended> {
    let last = &explanation["last_authorization"];
    let at: Timestamp = last["ended_at"].as_str()?.parse().ok()?;
    if at < begun {
        return None;
    }
    Some(match last["result"].as_str() {
        Some("authorized") => Ended::Authorized,
        _ => Ended::Failed(
            last["detail"]
                .as_str()
                .or_else(|| last["code"].as_str())
                .unwrap_or("the sign-in failed")
                .to_owned(),
        ),
    })
}
