//! What a browser's trip through the pages is about, sealed into a hidden field of each form:
//! a form that this sandbox did not make for this purpose, or made too long ago, is refused.

use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::admin::AdminRequest;
use super::authorize::AuthorizeRequest;
use super::errors::{self, Refusal};
use super::session::Session;
use super::{Exchange, Form, admin, consent, pages, redirect};
use crate::activity::{SignIn, SignInKind};
use crate::seal::Purpose;
use crate::users::User;

const FORM_LIFETIME: SignedDuration = SignedDuration::from_hours(1);

/// What the person came for.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Trip {
    /// An authorization request.
    Authorize(Box<AuthorizeRequest>),
    /// An administrator's consent.
    Admin(Box<AdminRequest>),
    /// A page of the portal, by its address on this origin.
    Portal(String),
}

impl Trip {
    /// The app that sent the person here.
    pub(crate) fn client_id(&self) -> Option<String> {
        match self {
            Trip::Authorize(request) => Some(request.app_id.to_string()),
            Trip::Admin(request) => Some(request.app_id.to_string()),
            Trip::Portal(_) => None,
        }
    }
}

/// Which page a form is on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// The sign-in page.
    SignIn,
    /// A consent page, of this session's user.
    Consent(Session),
    /// The page of 90094, of this session's user.
    ApprovalNeeded(Session),
}

/// The content of a form's hidden field.
#[derive(Serialize, Deserialize)]
pub(crate) struct Context {
    pub(crate) trip: Trip,
    pub(crate) stage: Stage,
    issued: Timestamp,
}

impl Context {
    /// Seals what a form is about.
    pub(crate) fn seal(exchange: &Exchange, trip: Trip, stage: Stage) -> String {
        let context = Context {
            trip,
            stage,
            issued: exchange.world.clock.wall(),
        };
        exchange.world.keys.sealer.seal(Purpose::Form, &context)
    }

    /// Opens the hidden field of a posted form.
    pub(crate) fn open(exchange: &Exchange, form: &Form) -> Result<Context, Refusal> {
        let foreign = exchange
            .headers
            .get("sec-fetch-site")
            .is_some_and(|site| site == "cross-site");
        if foreign {
            return Err(errors::foreign_form());
        }
        let sealer = &exchange.world.keys.sealer;
        let context: Option<Context> = form
            .get("context")
            .and_then(|text| sealer.open(Purpose::Form, text));
        let now = exchange.world.clock.wall();
        context
            .filter(|context| now.duration_since(context.issued) < FORM_LIFETIME)
            .ok_or_else(errors::form_expired)
    }
}

/// Goes on after somebody signed in.
pub(crate) fn go_on(exchange: &Exchange, trip: Trip, session: Session, user: &User) -> Response {
    exchange.note_user(&user.principal_name);
    note_sign_in(exchange, &trip, &user.principal_name, None);
    match trip {
        Trip::Authorize(request) => consent::ask_if_needed(exchange, *request, session, user),
        Trip::Admin(request) => admin::ask(exchange, *request, session, user),
        Trip::Portal(address) => redirect::found(exchange, &address),
    }
}

/// Notes for the portal who signed in, or why not.
pub(crate) fn note_sign_in(
    exchange: &Exchange,
    trip: &Trip,
    user: &str,
    refusal: Option<&Refusal>,
) {
    exchange.world.activity.signed_in(SignIn {
        time: exchange.now,
        kind: SignInKind::Interactive,
        user: Some(user.chars().take(256).collect()),
        client_id: trip.client_id(),
        failure: refusal.map(Refusal::failure),
    });
}

/// The sign-in page in front of a page of the portal.
pub(crate) fn sign_in_to_portal(exchange: &Exchange, address: String) -> Response {
    let context = Context::seal(exchange, Trip::Portal(address), Stage::SignIn);
    pages::sign_in(exchange, &context, "", None, None)
}
