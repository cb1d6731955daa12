//! Device codes (RFC 8628, `entra-and-graph.md` §4): an app asks for a code, a person types it on `/devicelogin`, the app polls.
//!
//! What waits is in memory: after a restart the codes from before it are unknown.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::authorize::{self, AuthorizeRequest};
use super::errors::{self, Refusal};
use super::scopes::{self, Wanted};
use super::tokens::{ClientInfo, Granted};
use super::{Authority, Exchange, Form, find_application, pages};
use crate::directory::{Application, Audience};
use crate::guid::Guid;
use crate::seal;

/// User codes live this long.
const LIFETIME: SignedDuration = SignedDuration::from_mins(15);
/// Between two polls, in seconds.
const INTERVAL: i64 = 5;
/// Without vowels, so that no words come out, and without what looks alike.
const ALPHABET: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ23456789";
const CODE_LENGTH: usize = 9;

/// The codes that wait for a person or for their app.
#[derive(Default)]
pub(crate) struct Devices(Mutex<HashMap<String, Waiting>>);

struct Waiting {
    device_code: String,
    app_id: Guid,
    wanted: Wanted,
    client_info: ClientInfo,
    expires: Timestamp,
    state: State,
}

enum State {
    /// Nobody has decided yet.
    Waits,
    Granted(Box<Granted>),
    Declined,
}

impl Devices {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `POST /{tenant}/oauth2/v2.0/devicecode`.
pub(crate) async fn begin(
    Path(tenant): Path<String>,
    method: Method,
    exchange: Exchange,
    body: Bytes,
) -> Response {
    if method != Method::POST {
        return errors::wrong_method(&method).json(&exchange);
    }
    let form = Form::parse(&body);
    if let Some(client_id) = form.get("client_id") {
        exchange.note_client(client_id);
    }
    match ask(&exchange, &tenant, &form) {
        Ok(answer) => errors::json_response(&exchange, 200, &answer),
        Err(refusal) => refusal.json(&exchange),
    }
}

fn ask(exchange: &Exchange, authority: &str, form: &Form) -> Result<Value, Refusal> {
    let tenant = exchange.world.directory.read();
    let authority = Authority::parse(authority, tenant.id)?;
    let client_id = form
        .get("client_id")
        .ok_or_else(|| errors::parameter_missing("client_id"))?;
    let app = find_application(&tenant, client_id)?;
    if authority == Authority::Any && app.audience == Audience::AzureADMyOrg {
        return Err(errors::single_tenant(app.app_id, &app.display_name));
    }
    let scope = form
        .get("scope")
        .ok_or_else(|| errors::parameter_missing("scope"))?;
    let wanted = scopes::parse(scope, &tenant, &exchange.base, app)?;
    let user_code = new_code();
    let waiting = Waiting {
        device_code: seal::random_text::<64>(),
        app_id: app.app_id,
        wanted,
        client_info: ClientInfo::parse(form.get("client_info")),
        expires: exchange.now.checked_add(LIFETIME).unwrap_or(Timestamp::MAX),
        state: State::Waits,
    };
    let page = format!("{}/devicelogin", exchange.base);
    let answer = json!({
        "user_code": user_code,
        "device_code": waiting.device_code,
        "verification_uri": page,
        "expires_in": LIFETIME.as_secs(),
        "interval": INTERVAL,
        "message": format!("To sign in, use a web browser to open the page {page} and enter the code {user_code} to authenticate."),
    });
    let mut devices = exchange.world.devices.lock();
    devices.retain(|_, waiting| exchange.now.duration_since(waiting.expires) < LIFETIME);
    devices.insert(user_code, waiting);
    Ok(answer)
}

fn new_code() -> String {
    let last = i64::try_from(ALPHABET.len()).unwrap_or(1) - 1;
    let letter = |_| {
        let at = usize::try_from(seal::random_between(0, last)).unwrap_or(0);
        char::from(ALPHABET[at])
    };
    (0..CODE_LENGTH).map(letter).collect()
}

/// `GET /devicelogin`: where a person types the code.
pub(crate) async fn page(exchange: Exchange) -> Response {
    ask_for_code(&exchange, None)
}

fn ask_for_code(exchange: &Exchange, refusal: Option<&Refusal>) -> Response {
    let mut content = refusal
        .map(|refusal| pages::trouble(exchange, refusal))
        .unwrap_or_default();
    // Writing to a String cannot fail.
    let _ = write!(
        content,
        "<p>An app on another device shows a code.</p><form method=\"post\" action=\"/devicelogin\">\
         <label for=\"user_code\">Code</label>\
         <input type=\"text\" id=\"user_code\" name=\"user_code\" autocomplete=\"off\" required>\
         <button type=\"submit\" class=\"main\">Next</button></form>"
    );
    pages::page(exchange, StatusCode::OK, "Enter code", &content)
}

/// `POST /devicelogin`: the code was typed; the person signs in next.
pub(crate) async fn typed(exchange: Exchange, body: Bytes) -> Response {
    let form = Form::parse(&body);
    let typed = form.get("user_code").unwrap_or_default();
    match request_of(&exchange, &normalised(typed)) {
        Ok(request) => authorize::begin(&exchange, request),
        Err(refusal) => ask_for_code(&exchange, Some(&refusal)),
    }
}

/// People type codes in small letters and with dashes.
fn normalised(typed: &str) -> String {
    typed
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(CODE_LENGTH + 1)
        .collect::<String>()
        .to_ascii_uppercase()
}

fn request_of(exchange: &Exchange, user_code: &str) -> Result<AuthorizeRequest, Refusal> {
    let devices = exchange.world.devices.lock();
    let waiting = devices
        .get(user_code)
        .filter(|waiting| matches!(waiting.state, State::Waits))
        .ok_or_else(errors::user_code_unknown)?;
    if exchange.now >= waiting.expires {
        return Err(errors::user_code_expired());
    }
    exchange.note_client(&waiting.app_id.to_string());
    Ok(AuthorizeRequest::for_device(
        user_code.to_owned(),
        waiting.app_id,
        waiting.wanted.clone(),
        waiting.client_info,
    ))
}

/// Whoever typed the code signed in and agreed.
pub(crate) fn grant(exchange: &Exchange, user_code: &str, granted: Granted) -> Response {
    decide(exchange, user_code, State::Granted(Box::new(granted)));
    pages::page(
        exchange,
        StatusCode::OK,
        "Signed in",
        "<p>You have signed in on your device. You may now close this window.</p>",
    )
}

/// Whoever typed the code may not or will not agree.
pub(crate) fn decline(exchange: &Exchange, user_code: &str, refusal: &Refusal) -> Response {
    decide(exchange, user_code, State::Declined);
    pages::error(exchange, refusal)
}

fn decide(exchange: &Exchange, user_code: &str, state: State) {
    if let Some(waiting) = exchange.world.devices.lock().get_mut(user_code) {
        waiting.state = state;
    }
}

/// What was granted to a device code; a poll that succeeds or fails for good ends it.
pub(crate) fn redeem(
    exchange: &Exchange,
    app: &Application,
    device_code: &str,
) -> Result<Granted, Refusal> {
    let mut devices = exchange.world.devices.lock();
    let user_code = devices
        .iter()
        .find(|(_, waiting)| seal::equal(&waiting.device_code, device_code))
        .map(|(user_code, _)| user_code.clone())
        .ok_or_else(errors::device_code_unknown)?;
    let waiting = &devices[&user_code];
    if waiting.app_id != app.app_id {
        return Err(errors::device_code_unknown());
    }
    if exchange.now >= waiting.expires {
        devices.remove(&user_code);
        return Err(errors::device_code_expired());
    }
    match &waiting.state {
        State::Waits => Err(errors::authorization_pending()),
        State::Declined => {
            devices.remove(&user_code);
            Err(errors::authorization_declined())
        }
        State::Granted(granted) => {
            let granted = (**granted).clone();
            devices.remove(&user_code);
            Ok(granted)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_can_be_typed() {
        let code = new_code();
        assert_eq!(code.len(), CODE_LENGTH);
        let sloppy = format!(" {}-{} ", &code[..4].to_lowercase(), &code[4..]);
        assert_eq!(normalised(&sloppy), code);
    }
}
