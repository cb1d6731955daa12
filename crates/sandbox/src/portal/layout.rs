//! The frame of every page: banner, navigation, breadcrumb, heading, the last step's notice;
//! and the headers that go with it.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::visit::{Notice, Trouble, Visit};
use super::{Outcome, Reply};
use crate::directory::Application;
use crate::entra::forbid_caching;
use crate::guid::Guid;
use crate::users::TENANT_NAME;

const STYLE: &str = include_str!("style.css");
/// Nothing is inline, nothing comes from elsewhere, nothing goes elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The parts of the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    AppRegistrations,
    SignIns,
    Sessions,
    Controls,
    Requests,
}

/// The first is everybody's, the others are an administrator's.
const SECTIONS: &[(Section, &str, &str)] = &[
    (
        Section::AppRegistrations,
        "App registrations",
        "app-registrations",
    ),
    (Section::SignIns, "Sign-ins and tokens", "sign-ins"),
    (Section::Sessions, "Sessions", "sessions"),
    (Section::Controls, "Faults and clock", "faults-and-clock"),
    (Section::Requests, "Requests", "requests"),
];

/// The pages of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tab {
    Overview,
    Authentication,
    Secrets,
    Permissions,
}

const TABS: &[(Tab, &str, &str)] = &[
    (Tab::Overview, "Overview", ""),
    (Tab::Authentication, "Authentication", "/authentication"),
    (
        Tab::Secrets,
        "Certificates & secrets",
        "/certificates-and-secrets",
    ),
    (Tab::Permissions, "API permissions", "/api-permissions"),
];

/// A page of the portal.
pub(crate) struct Page {
    title: String,
    section: Option<Section>,
    app: Option<(Guid, String, Tab)>,
    /// Pages between the registration and this one: words and address.
    above: Vec<(&'static str, String)>,
    refused: Option<String>,
    status: StatusCode,
    content: Markup,
}

impl Page {
    /// A page of a part of the portal.
    pub(crate) fn new(section: Section, title: impl Into<String>, content: Markup) -> Page {
        Page {
            title: title.into(),
            section: Some(section),
            app: None,
            above: Vec::new(),
            refused: None,
            status: StatusCode::OK,
            content,
        }
    }

    /// A page of a registration.
    pub(crate) fn of(app: &Application, tab: Tab, title: &str, content: Markup) -> Page {
        Page {
            app: Some((app.app_id, app.display_name.clone(), tab)),
            ..Page::new(Section::AppRegistrations, title, content)
        }
    }

    /// Puts it under another page.
    pub(crate) fn under(mut self, words: &'static str, address: String) -> Page {
        self.above.push((words, address));
        self
    }

    /// Says what is wrong with the form that was sent, if anything is.
    pub(crate) fn refused(self, words: Option<&str>) -> Page {
        Page {
            status: match words {
                None => StatusCode::OK,
                Some(_) => StatusCode::BAD_REQUEST,
            },
            refused: words.map(str::to_owned),
            ..self
        }
    }

    /// A step that went wrong.
    fn trouble(trouble: Trouble) -> Page {
        Page {
            status: trouble.status,
            refused: Some(trouble.words),
            section: None,
            ..Page::new(
                Section::AppRegistrations,
                trouble.title,
                html! { p { a href="/portal" { "Back to the portal" } } },
            )
        }
    }
}

/// The answer to a request.
pub(crate) fn respond(visit: &Visit, reply: Reply) -> Response {
    let mut response = match reply {
        Ok(Outcome::Page(page)) => show(visit, &page),
        Err(trouble) => show(visit, &Page::trouble(trouble)),
        Ok(Outcome::Go(address, notice)) => {
            let mut response = StatusCode::SEE_OTHER.into_response();
            if let Ok(value) = HeaderValue::from_str(&address) {
                response.headers_mut().insert(LOCATION, value);
            }
            if let Some(notice) = notice {
                visit.leave(notice, &mut response);
            }
            response
        }
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    forbid_caching(headers);
    visit.exchange.add_headers(headers);
    response
}

fn show(visit: &Visit, page: &Page) -> Response {
    let notice = visit.notice();
    let html = frame(visit, page, notice.as_ref()).into_string();
    let kind = [(CONTENT_TYPE, "text/html; charset=utf-8")];
    let mut response = (page.status, kind, html).into_response();
    visit.forget_notice(&mut response);
    response
}

fn frame(visit: &Visit, page: &Page, notice: Option<&Notice>) -> Markup {
    let subject = page.app.as_ref().map(|(_, name, _)| name.as_str());
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title {
                    (page.title)
                    @if let Some(subject) = subject { " – " (subject) }
                    " – SANDBOX portal"
                }
                link rel="stylesheet" href="/portal/style.css";
            }
            body {
                a.skip href="#content" { "Skip to content" }
                p.banner { strong { "SANDBOX" } " – a stand-in for testing, not the real admin center. Never type a real password or secret here." }
                (head(visit))
                div.frame {
                    (navigation(visit, page))
                    main id="content" tabindex="-1" {
                        (breadcrumb(page))
                        @if let Some(subject) = subject { p.subject { (subject) } }
                        h1 { (page.title) }
                        @if let Some(words) = &page.refused { div.wrong role="alert" { p { (words) } } }
                        @if let Some(notice) = notice { div.done role="status" { p { (notice.text) } } }
                        (page.content)
                    }
                }
            }
        }
    }
}

fn head(visit: &Visit) -> Markup {
    let tenant = visit.exchange.world.tenant;
    html! {
        header {
            p.name { (TENANT_NAME) " portal" }
            p.account {
                span { (visit.user.principal_name) }
                " "
                a href=(format!("/{tenant}/oauth2/v2.0/logout")) { "Sign out" }
            }
        }
    }
}

fn navigation(visit: &Visit, page: &Page) -> Markup {
    let shown = if visit.is_administrator() {
        SECTIONS
    } else {
        &SECTIONS[..1]
    };
    html! {
        div.sides {
            nav aria-label="Portal" {
                ul {
                    @for (section, words, path) in shown {
                        li { a href=(format!("/portal/{path}")) aria-current=[(Some(*section) == page.section).then_some("true")] { (words) } }
                    }
                }
            }
            @if let Some((app_id, _, current)) = &page.app {
                nav aria-label="Manage" {
                    ul {
                        @for (tab, words, path) in TABS {
                            li { a href=(format!("/portal/app-registrations/{app_id}{path}")) aria-current=[(tab == current).then_some("page")] { (words) } }
                        }
                    }
                }
            }
        }
    }
}

fn breadcrumb(page: &Page) -> Markup {
    html! {
        nav.breadcrumb aria-label="Breadcrumb" {
            ol {
                li { a href="/portal" { "Home" } }
                @if let Some((app_id, name, _)) = &page.app {
                    li { a href=(format!("/portal/app-registrations/{app_id}")) { (name) } }
                }
                @for (words, address) in &page.above {
                    li { a href=(address) { (words) } }
                }
                li { span aria-current="page" { (page.title) } }
            }
        }
    }
}

/// `GET /portal/style.css`.
pub(crate) async fn style() -> impl IntoResponse {
    (
        [
            (CONTENT_TYPE, "text/css; charset=utf-8"),
            (CACHE_CONTROL, "no-cache"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ],
        STYLE,
    )
}
