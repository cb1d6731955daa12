//! Sign-ins and issued tokens: the newest ones.

use maud::{Markup, html};

use super::layout::{Page, Section};
use super::visit::Visit;
use super::{Reply, fields};
use crate::activity::{Issued, SignIn, SignInKind};

const ADDRESS: &str = "/portal/sign-ins";
const SHOWN: usize = 100;

/// `GET /portal/sign-ins`.
pub(crate) fn show(visit: &Visit) -> Reply {
    visit.administrator("Looking at sign-ins and tokens")?;
    let search = visit.query.get("search").unwrap_or_default();
    let names = visit.app_names();
    let app_name = |client_id: &str| match names.get(client_id) {
        Some(name) => name.clone(),
        None => client_id.to_owned(),
    };
    let wanted = |texts: &[&str]| {
        let search = search.to_lowercase();
        texts
            .iter()
            .any(|text| text.to_lowercase().contains(&search))
    };
    let activity = &visit.exchange.world.activity;
    let sign_ins = activity.sign_ins(SHOWN, |sign_in| {
        let user = sign_in.user.as_deref().unwrap_or_default();
        wanted(&[user, &application(sign_in, &app_name), &status(sign_in)])
    });
    let tokens = activity.tokens(SHOWN, |token| {
        let user = token.user.as_deref().unwrap_or_default();
        wanted(&[user, &app_name(&token.client_id), &token.grant_type])
    });
    let sign_in_rows: Vec<_> = sign_ins
        .iter()
        .map(|sign_in| sign_in_row(sign_in, &application(sign_in, &app_name)))
        .collect();
    let token_rows: Vec<_> = tokens
        .iter()
        .map(|token| token_row(token, &app_name(&token.client_id)))
        .collect();
    let content = html! {
        p { "The newest " (SHOWN) " of each, newest first, by the sandbox's clock. They are kept in memory only; the request log has everything." }
        (fields::search(ADDRESS, "Search", "User, application, error code or grant type", search))
        h2 { "Sign-ins" }
        @if sign_in_rows.is_empty() { p { "No sign-in to show." } } @else {
            (fields::table("Sign-ins, and token requests that failed", &["Date", "User", "Application", "Type", "Status"], &sign_in_rows))
        }
        h2 { "Issued tokens" }
        @if token_rows.is_empty() { p { "No token to show." } } @else {
            (fields::table("Access tokens", &["Date", "Application", "User", "Grant type", "Audience", "Permissions", "Expires", "Fingerprint"], &token_rows))
        }
    };
    Ok(Page::new(Section::SignIns, "Sign-ins and tokens", content).into())
}

fn application(sign_in: &SignIn, app_name: &impl Fn(&str) -> String) -> String {
    match &sign_in.client_id {
        None => "Portal".to_owned(),
        Some(client_id) => app_name(client_id),
    }
}

fn status(sign_in: &SignIn) -> String {
    match &sign_in.failure {
        None => "Success".to_owned(),
        Some(failure) => format!("Failure: AADSTS{}", failure.code),
    }
}

fn sign_in_row(sign_in: &SignIn, application: &str) -> Vec<Markup> {
    vec![
        fields::unbroken(&fields::moment(sign_in.time)),
        html! { (sign_in.user.as_deref().unwrap_or("–")) },
        html! { (application) },
        html! {
            (match sign_in.kind {
                SignInKind::Interactive => "Interactive",
                SignInKind::TokenRequest => "Token request",
            })
        },
        html! {
            @match &sign_in.failure {
                None => span.good { (status(sign_in)) },
                Some(failure) => { span.bad { (status(sign_in)) } p.hint { (failure.message) } },
            }
        },
    ]
}

fn token_row(token: &Issued, application: &str) -> Vec<Markup> {
    vec![
        html! { (fields::moment(token.time)) },
        html! { (application) },
        html! { (token.user.as_deref().unwrap_or("– (the app itself)")) },
        html! { code { (token.grant_type) } },
        html! { code { (token.audience) } },
        html! { (if token.permissions.is_empty() { "none".to_owned() } else { token.permissions.join(" ") }) },
        html! { (fields::moment(token.expires)) },
        html! { code { (format!("{:016x}", token.fingerprint)) } },
    ]
}
