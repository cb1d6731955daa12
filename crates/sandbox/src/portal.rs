//! `/portal`: the screens on which people register apps and watch the sandbox, after those of
//! the Microsoft Entra admin center. Server-rendered forms without script, our own look.
//!
//! Who may do what: everybody signs in on the sandbox's own sign-in page. Members see and change
//! the registrations they own; consent for everybody and what is not a registration need a global
//! administrator; guests see nothing. The pages call the functions of `directory` that Graph's
//! handlers call. Portal requests are not in the request log (the sign-in they begin with is).
//!
//! **Labels are a contract**: people follow public how-tos word for word, tests find things by
//! them. Links lead to another page, buttons do something.
//!
//! | page | links and fields | buttons |
//! | --- | --- | --- |
//! | App registrations | New registration, Search, the apps by name | Search |
//! | Register an application | Name, Supported account types, Platform, Redirect URI (optional; one per line) | Register |
//! | Overview | Application (client) ID, Object ID, Directory (tenant) ID (read-only fields); Endpoints, Delete | |
//! | Endpoints | OAuth 2.0 authorization endpoint (v2), OAuth 2.0 token endpoint (v2), … (read-only fields) | |
//! | Authentication | Platform, Redirect URI, Supported account types | Add URI, Remove, Save |
//! | Certificates & secrets | New client secret; columns Description, Expires, Value, Secret ID (Value and Secret ID are read-only fields; Value is there once) | Delete |
//! | Add a client secret | Description, Expires (Start and End for a custom one) | Add |
//! | Upload certificate (from Certificates & secrets, whose columns are Thumbprint, Description, Start date, Expires, Certificate ID) | Upload a certificate (public key) with one of the following file types: .cer, .pem, .crt; Description | Add |
//! | API permissions | Add a permission; columns API / Permissions name, Type, Description, Admin consent required, Status | Grant admin consent for Contoso (SANDBOX) – then Yes; Remove permission, Revoke admin consent |
//! | Request API permissions | Microsoft Graph, then Delegated permissions or Application permissions, then a checkbox for each permission, by its name; Search | Search, Add permissions |
//! | Sign-ins and tokens | Search; tables *Sign-ins* (Date, User, Application, Type, Status) and *Issued tokens* | Search |
//! | Sessions | Search; columns Name, User principal name, Sessions revoked | Search, Revoke sessions |
//! | Faults and clock | Route, Match, Status, Retry-After, Delay in milliseconds, Body, Times; Offset in seconds; Access token lifetime in seconds | Add fault, Remove all faults, Set clock, Reset clock, Set lifetime |
//! | Requests | Search, Failures only; a request's number leads to it | Search |
//!
//! Landmarks: the navigation *Portal* on every page, *Breadcrumb* above the heading, *Manage*
//! on the pages of a registration (Overview, Authentication, Certificates & secrets, API
//! permissions). What was done is told in a `status`, what is wrong in an `alert`.

mod api_permissions;
mod authentication;
mod certificates;
mod controls;
mod fields;
mod layout;
mod multipart;
mod overview;
mod permission_choice;
mod registrations;
mod requests;
mod secrets;
mod sessions;
mod sign_ins;
mod visit;

use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};

use crate::entra::{self, Exchange, Form, Session};
use crate::server::Learned;
use crate::world::Shared;
use layout::Page;
use visit::{Notice, Trouble, Visit};

/// Forms are small: 256 redirect URIs of 256 characters, percent-encoded.
const LARGEST_FORM: usize = 256 * 1024;

/// The routes of the portal.
pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route("/portal", any(handle))
        .route("/portal/", any(handle))
        .route("/portal/style.css", get(layout::style))
        .route("/portal/{*path}", any(handle))
}

/// What a request to the portal leads to.
pub(crate) enum Outcome {
    /// A page.
    Page(Box<Page>),
    /// Another page of the portal, which first says something.
    Go(String, Option<Notice>),
}

/// The result of a request.
pub(crate) type Reply = Result<Outcome, Trouble>;

impl From<Page> for Outcome {
    fn from(page: Page) -> Outcome {
        Outcome::Page(Box::new(page))
    }
}

async fn handle(State(world): State<Shared>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(Learned::begin());
    let exchange = match Exchange::from_request_parts(&mut parts, &world).await {
        Ok(exchange) => exchange,
        Err(status) => return status.into_response(),
    };
    let reading = matches!(parts.method, Method::GET | Method::HEAD);
    let Some((session, user)) = Session::of(&exchange) else {
        let address = match parts.uri.path_and_query() {
            Some(address) if reading => address.to_string(),
            // What was typed is lost with the session: begin again.
            _ => "/portal".to_owned(),
        };
        return entra::sign_in_to_portal(&exchange, address);
    };
    let visit = Visit::new(exchange, session, user, &parts.uri);
    if let Err(trouble) = visit.may_enter() {
        return layout::respond(&visit, Err(trouble));
    }
    let reply = if reading {
        show(&visit)
    } else if parts.method == Method::POST {
        let form = axum::body::to_bytes(body, LARGEST_FORM)
            .await
            .map_or_else(|_| Form::default(), |bytes| read_form(&parts, &bytes));
        visit
            .check_origin(&parts)
            .and_then(|()| visit.check_token(&form))
            .and_then(|()| change(&visit, &form))
    } else {
        Err(Trouble::unknown_page())
    };
    layout::respond(&visit, reply)
}

fn read_form(parts: &Parts, body: &[u8]) -> Form {
    let kind = parts.headers.get(CONTENT_TYPE);
    kind.and_then(|kind| multipart::parse(kind.to_str().ok()?, body))
        .unwrap_or_else(|| Form::parse(body))
}

/// Looking at a page.
fn show(visit: &Visit) -> Reply {
    let parts = visit.segments();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        [] => Ok(Outcome::Go(registrations::LIST.to_owned(), None)),
        ["app-registrations"] => Ok(registrations::list(visit)),
        ["app-registrations", "new"] => Ok(registrations::new(visit)),
        ["app-registrations", id, rest @ ..] => {
            let app = visit.application(id)?;
            match rest {
                [] => Ok(overview::show(visit, &app)),
                ["endpoints"] => Ok(overview::endpoints(visit, &app)),
                ["delete"] => Ok(overview::confirm_deletion(visit, &app)),
                ["authentication"] => Ok(authentication::show(visit, &app)),
                ["certificates-and-secrets"] => Ok(secrets::show(visit, &app)),
                ["certificates-and-secrets", "new"] => Ok(secrets::new(visit, &app)),
                ["certificates-and-secrets", "upload"] => Ok(certificates::new(visit, &app)),
                ["api-permissions"] => Ok(api_permissions::show(visit, &app)),
                ["api-permissions", "consent"] => api_permissions::confirm_consent(visit, &app),
                ["api-permissions", "add", choice @ ..] => {
                    permission_choice::show(visit, &app, choice)
                }
                _ => Err(Trouble::unknown_page()),
            }
        }
        ["sign-ins"] => sign_ins::show(visit),
        ["sessions"] => sessions::show(visit),
        ["faults-and-clock"] => controls::show(visit),
        ["requests"] => requests::show(visit),
        ["requests", number] => requests::one(visit, number),
        _ => Err(Trouble::unknown_page()),
    }
}

/// Sending a form.
fn change(visit: &Visit, form: &Form) -> Reply {
    let parts = visit.segments();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["app-registrations", "new"] => Ok(registrations::register(visit, form)),
        ["app-registrations", id, rest @ ..] => {
            let app = visit.application(id)?;
            match rest {
                ["delete"] => Ok(overview::delete(visit, &app)),
                ["authentication", "add"] => authentication::add(visit, &app, form),
                ["authentication", "remove"] => authentication::remove(visit, &app, form),
                ["authentication", "account-types"] => {
                    authentication::set_audience(visit, &app, form)
                }
                ["certificates-and-secrets", "new"] => secrets::add(visit, &app, form),
                ["certificates-and-secrets", "delete"] => secrets::delete(visit, &app, form),
                ["certificates-and-secrets", "upload"] => certificates::add(visit, &app, form),
                ["certificates-and-secrets", "delete-certificate"] => {
                    certificates::delete(visit, &app, form)
                }
                ["api-permissions", "remove"] => api_permissions::remove(visit, &app, form),
                ["api-permissions", "withdraw"] => api_permissions::withdraw(visit, &app, form),
                ["api-permissions", "consent"] => api_permissions::consent(visit, &app),
                ["api-permissions", "add", resource, kind] => {
                    permission_choice::add(visit, &app, &[resource, kind], form)
                }
                _ => Err(Trouble::unknown_page()),
            }
        }
        ["sessions", "revoke"] => sessions::revoke(visit, form),
        ["faults-and-clock", step] => controls::change(visit, step, form),
        _ => Err(Trouble::unknown_page()),
    }
}
