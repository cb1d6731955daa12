//! The sign-in form comes back.

use axum::body::Bytes;
use axum::response::Response;

use super::errors::{self, Refusal};
use super::session::Session;
use super::trip::{self, Context, Stage};
use super::{Exchange, Form, pages};
use crate::users::User;

/// `POST /{tenant}/login`.
pub(crate) async fn submit(exchange: Exchange, body: Bytes) -> Response {
    let form = Form::parse(&body);
    let context = match Context::open(&exchange, &form) {
        Ok(context) if matches!(context.stage, Stage::SignIn) => context,
        Ok(_) => return pages::error(&exchange, &errors::form_expired()),
        Err(refusal) => return pages::error(&exchange, &refusal),
    };
    if let Some(client_id) = context.trip.client_id() {
        exchange.note_client(&client_id);
    }
    // "Continue as …" on the account page: whoever the cookie names, if still the one shown.
    let chosen = form.get("account").and_then(|account| {
        Session::of(&exchange).filter(|(_, user)| user.id.to_string() == account)
    });
    if let Some((session, user)) = chosen {
        return trip::go_on(&exchange, context.trip, session, &user);
    }
    match check(&exchange, &form) {
        Ok(user) => {
            let session = Session::begin(&exchange, user.id);
            let mut response = trip::go_on(&exchange, context.trip, session, &user);
            session.remember(&exchange, &mut response);
            response
        }
        Err(refusal) => {
            let login = form.get("login").unwrap_or_default();
            trip::note_sign_in(&exchange, &context.trip, login, Some(&refusal));
            let again = Context::seal(&exchange, context.trip, Stage::SignIn);
            pages::sign_in(&exchange, &again, login, None, Some(&refusal))
        }
    }
}

fn check(exchange: &Exchange, form: &Form) -> Result<User, Refusal> {
    let login = form.get("login").unwrap_or_default().trim();
    exchange.note_user(login);
    let tenant = exchange.world.directory.read();
    let user = tenant
        .people
        .find_by_name(login)
        .ok_or_else(|| errors::unknown_user(login, tenant.id))?;
    let password = form.get("password").unwrap_or_default();
    if !tenant.people.password_matches(user.id, password) {
        return Err(errors::wrong_password());
    }
    if !user.account_enabled {
        return Err(errors::disabled_user());
    }
    Ok(user)
}
