//! The authorization endpoint (`entra-and-graph.md` §3): checks a request, then signs the
//! person in, asks for consent, or sends a code.

use axum::body::Bytes;
use axum::extract::{Path, RawQuery};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::errors::{self, Refusal};
use super::redirect::{Destination, ResponseMode};
use super::scopes::{self, Wanted};
use super::session::Session;
use super::tokens::{Challenge, ClientInfo, Code, Granted};
use super::trip::{self, Context, Stage, Trip};
use super::{Authority, Exchange, Form, device, find_application, pages, tokens};
use crate::directory::{Application, Audience, Platform, Tenant};
use crate::guid::Guid;
use crate::seal::Purpose;
use crate::users::User;

/// A request that passed every check.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AuthorizeRequest {
    pub(crate) app_id: Guid,
    pub(crate) recipient: Recipient,
    pub(crate) wanted: Wanted,
    pub(crate) prompt: Prompt,
    login_hint: Option<String>,
    nonce: Option<String>,
    challenge: Option<Challenge>,
    client_info: ClientInfo,
}

/// Who gets the answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Recipient {
    /// A client that sent the browser here.
    Client(Destination, Platform),
    /// A client that polls, by the code that the person typed.
    Device(String),
}

impl Recipient {
    /// Sends a refusal to the client.
    pub(crate) fn refuse(&self, exchange: &Exchange, refusal: &Refusal) -> Response {
        match self {
            Recipient::Client(destination, _) => destination.refuse(exchange, refusal),
            Recipient::Device(user_code) => device::decline(exchange, user_code, refusal),
        }
    }
}

impl AuthorizeRequest {
    /// The request behind a device code.
    pub(crate) fn for_device(
        user_code: String,
        app_id: Guid,
        wanted: Wanted,
        client_info: ClientInfo,
    ) -> AuthorizeRequest {
        AuthorizeRequest {
            app_id,
            recipient: Recipient::Device(user_code),
            wanted,
            prompt: Prompt::Needed,
            login_hint: None,
            nonce: None,
            challenge: None,
            client_info,
        }
    }
}

/// What the client wants the person to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Prompt {
    /// What is needed.
    Needed,
    /// The password.
    Login,
    /// Nothing: fail instead.
    None,
    /// Consent.
    Consent,
    /// Which account.
    SelectAccount,
}

/// A request that failed a check.
enum Failed {
    /// Told to the person only: the client is not known well enough.
    Page(Refusal),
    /// Told to the client.
    Redirect(Box<Destination>, Refusal),
}

/// `GET /{tenant}/oauth2/v2.0/authorize` (POST tolerated).
pub(crate) async fn authorize(
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    exchange: Exchange,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body).and(Form::parse(query.unwrap_or_default().as_bytes()));
    if let Some(client_id) = form.get("client_id") {
        exchange.note_client(client_id);
    }
    let checked = {
        let directory = exchange.world.directory.read();
        check(&exchange, &directory, &tenant, &form)
    };
    match checked {
        Ok(request) => begin(&exchange, request),
        Err(Failed::Page(refusal)) => pages::error(&exchange, &refusal),
        Err(Failed::Redirect(destination, refusal)) => destination.refuse(&exchange, &refusal),
    }
}

/// The app of a request, where and on which platform its answer goes: what must be right
/// before anything is sent to a redirect URI.
pub(crate) fn check_client<'a>(
    tenant: &'a Tenant,
    authority: &str,
    form: &Form,
) -> Result<(&'a Application, String, Platform), Refusal> {
    let authority = Authority::parse(authority, tenant.id)?;
    let client_id = form
        .get("client_id")
        .ok_or_else(|| errors::parameter_missing("client_id"))?;
    let app = find_application(tenant, client_id)?;
    if authority == Authority::Any && app.audience == Audience::AzureADMyOrg {
        return Err(errors::single_tenant(app.app_id, &app.display_name));
    }
    let default = app
        .default_redirect()
        .ok_or_else(|| errors::no_reply_address(app.app_id))?;
    let redirect_uri = form.get("redirect_uri").unwrap_or(default);
    let platform = app
        .platform_of(redirect_uri)
        .ok_or_else(|| errors::redirect_mismatch(redirect_uri, app.app_id))?;
    Ok((app, redirect_uri.to_owned(), platform))
}

fn check(
    exchange: &Exchange,
    tenant: &Tenant,
    authority: &str,
    form: &Form,
) -> Result<AuthorizeRequest, Failed> {
    let (app, redirect_uri, platform) =
        check_client(tenant, authority, form).map_err(Failed::Page)?;
    let required = |name: &'static str| {
        form.get(name)
            .ok_or_else(|| Failed::Page(errors::parameter_missing(name)))
    };
    let response_type = required("response_type")?;
    let scope = required("scope")?;
    let mode = ResponseMode::parse(form.get("response_mode"));
    let destination = Destination {
        redirect_uri,
        mode: mode.unwrap_or(ResponseMode::Query),
        state: form.get("state").map(str::to_owned),
    };
    let parsed = parse_rest(form, response_type, mode.is_some()).and_then(|rest| {
        let wanted = scopes::parse(scope, tenant, &exchange.base, app)?;
        Ok((rest, wanted))
    });
    match parsed {
        Err(refusal) => Err(Failed::Redirect(Box::new(destination), refusal)),
        Ok(((prompt, challenge), wanted)) => Ok(AuthorizeRequest {
            app_id: app.app_id,
            recipient: Recipient::Client(destination, platform),
            wanted,
            prompt,
            challenge,
            login_hint: form.get("login_hint").map(str::to_owned),
            nonce: form.get("nonce").map(str::to_owned),
            client_info: ClientInfo::parse(form.get("client_info")),
        }),
    }
}

fn parse_rest(
    form: &Form,
    response_type: &str,
    mode_known: bool,
) -> Result<(Prompt, Option<Challenge>), Refusal> {
    match response_type {
        "code" => {}
        "id_token" | "code id_token" | "id_token token" | "id_token code" => {
            return Err(errors::id_token_not_enabled());
        }
        other => return Err(errors::unsupported_response_type(other)),
    }
    if !mode_known {
        return Err(errors::unsupported_response_mode(
            form.get("response_mode").unwrap_or_default(),
        ));
    }
    let prompt = match form.get("prompt") {
        None => Prompt::Needed,
        Some("login") => Prompt::Login,
        Some("none") => Prompt::None,
        Some("consent") => Prompt::Consent,
        Some("select_account") => Prompt::SelectAccount,
        Some(other) => return Err(errors::unsupported_prompt(other)),
    };
    Ok((prompt, parse_challenge(form)?))
}

fn parse_challenge(form: &Form) -> Result<Option<Challenge>, Refusal> {
    let Some(challenge) = form.get("code_challenge") else {
        return Ok(None);
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    if !(43..=128).contains(&challenge.len()) || !challenge.chars().all(allowed) {
        return Err(errors::challenge_size());
    }
    match form.get("code_challenge_method") {
        None | Some("plain") => Ok(Some(Challenge::Plain(challenge.to_owned()))),
        Some("S256") => Ok(Some(Challenge::S256(challenge.to_owned()))),
        Some(other) => Err(errors::challenge_method(other)),
    }
}

/// Signs the person in, unless somebody fitting is signed in already.
pub(crate) fn begin(exchange: &Exchange, request: AuthorizeRequest) -> Response {
    let signed_in = Session::of(exchange);
    let hint = match request.prompt {
        Prompt::SelectAccount => "",
        _ => request.login_hint.as_deref().unwrap_or_default(),
    };
    let fits = |user: &User| hint.is_empty() || user.principal_name.eq_ignore_ascii_case(hint);
    match (request.prompt, signed_in) {
        (Prompt::Needed | Prompt::None | Prompt::Consent, Some((session, user))) if fits(&user) => {
            trip::go_on(exchange, Trip::Authorize(Box::new(request)), session, &user)
        }
        (Prompt::None, _) => request
            .recipient
            .refuse(exchange, &errors::nobody_signed_in()),
        (Prompt::SelectAccount, Some((_, user))) => {
            let trip = Trip::Authorize(Box::new(request));
            let context = Context::seal(exchange, trip, Stage::SignIn);
            pages::sign_in(exchange, &context, "", Some(&user), None)
        }
        _ => {
            let hint = hint.to_owned();
            let trip = Trip::Authorize(Box::new(request));
            let context = Context::seal(exchange, trip, Stage::SignIn);
            pages::sign_in(exchange, &context, &hint, None, None)
        }
    }
}

/// Sends a code to the client, or lets it have a token at its next poll.
pub(crate) fn send_code(
    exchange: &Exchange,
    request: AuthorizeRequest,
    session: Session,
) -> Response {
    let granted = |platform| Granted {
        id: Guid::random(),
        app_id: request.app_id,
        platform,
        session,
        wanted: request.wanted,
        client_info: request.client_info,
    };
    let (destination, platform) = match request.recipient {
        Recipient::Client(destination, platform) => (destination, platform),
        // How the app proves itself is seen when it polls.
        Recipient::Device(user_code) => {
            return device::grant(exchange, &user_code, granted(Platform::Public));
        }
    };
    let code = Code {
        id: Guid::random(),
        mark: exchange.world.codes.mark,
        issued: exchange.now,
        redirect_uri: destination.redirect_uri.clone(),
        challenge: request.challenge,
        nonce: request.nonce,
        grant: granted(platform),
    };
    let code = exchange.world.keys.sealer.seal(Purpose::Code, &code);
    let mut parameters = vec![("code", code)];
    if request.client_info == ClientInfo::Wanted {
        let info = tokens::client_info(session.user, exchange.world.tenant);
        parameters.push(("client_info", info));
    }
    parameters.push(("session_state", session.id.to_string()));
    destination.send(exchange, parameters)
}
