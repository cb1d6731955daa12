//! Who is signed in to the login pages: a sealed cookie, and signing out.

use axum::extract::RawQuery;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Exchange, Form, pages, redirect};
use crate::guid::Guid;
use crate::seal::Purpose;
use crate::users::User;

const COOKIE_NAME: &str = "sandbox_session";

/// A signed-in user.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Session {
    /// The session's own id.
    pub(crate) id: Guid,
    /// The user.
    pub(crate) user: Guid,
    /// When, by the sandbox's clock.
    pub(crate) signed_in: Timestamp,
    /// When, by the wall clock: compared with revocations.
    pub(crate) wall: Timestamp,
}

impl Session {
    /// A session that begins now.
    pub(crate) fn begin(exchange: &Exchange, user: Guid) -> Session {
        Session {
            id: Guid::random(),
            user,
            signed_in: exchange.now,
            wall: exchange.world.clock.wall(),
        }
    }

    /// The session that the request's cookie names, if it is still good, and its user.
    pub(crate) fn of(exchange: &Exchange) -> Option<(Session, User)> {
        let session: Session = cookies(&exchange.headers, COOKIE_NAME)
            .find_map(|value| exchange.world.keys.sealer.open(Purpose::Session, value))?;
        let user = session.user(exchange)?;
        Some((session, user))
    }

    /// The session's user, unless the session was revoked or the user is gone.
    pub(crate) fn user(&self, exchange: &Exchange) -> Option<User> {
        let tenant = exchange.world.directory.read();
        let revoked = tenant
            .valid_from
            .get(&self.user)
            .is_some_and(|valid_from| self.wall < *valid_from);
        if revoked {
            return None;
        }
        tenant
            .people
            .find(self.user)
            .filter(|user| user.account_enabled)
    }

    /// Puts the cookie on an answer.
    pub(crate) fn remember(&self, exchange: &Exchange, response: &mut Response) {
        let value = exchange.world.keys.sealer.seal(Purpose::Session, self);
        set_cookie(
            response,
            &format!("{COOKIE_NAME}={value}; Path=/; Secure; HttpOnly; SameSite=Lax"),
        );
    }
}

/// The values of a cookie.
pub(crate) fn cookies<'a>(
    headers: &'a HeaderMap,
    name: &'a str,
) -> impl Iterator<Item = &'a str> + 'a {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(move |(known, _)| *known == name)
        .map(|(_, value)| value)
}

/// Adds a cookie to an answer.
pub(crate) fn set_cookie(response: &mut Response, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}

/// `GET /{tenant}/oauth2/v2.0/logout`.
pub(crate) async fn logout(exchange: Exchange, RawQuery(query): RawQuery) -> Response {
    let query = Form::parse(query.unwrap_or_default().as_bytes());
    let known = query.get("post_logout_redirect_uri").filter(|uri| {
        let tenant = exchange.world.directory.read();
        tenant
            .applications
            .values()
            .any(|app| app.platform_of(uri).is_some())
    });
    let mut response = match known {
        Some(uri) => redirect::found(&exchange, uri),
        None => pages::page(
            &exchange,
            StatusCode::OK,
            "Signed out",
            "<p>You signed out of your account.</p>",
        ),
    };
    set_cookie(
        &mut response,
        &format!("{COOKIE_NAME}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"),
    );
    response
}
