//! The pages that a person sees: our own words and look, no script, SANDBOX on each.

use std::fmt::Write as _;

use axum::extract::RawQuery;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, PRAGMA, REFERRER_POLICY, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::errors::{Refusal, timestamp};
use super::scopes::Permission;
use super::{Exchange, Form};
use crate::users::{DirectoryRole, User};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f3f1ec;color:#1d1b16}\
header{background:#7a2e00;color:#fff;padding:.5rem 1rem;font-weight:700;letter-spacing:.04em}\
main{max-width:34rem;margin:2rem auto;padding:1.5rem 2rem;background:#fff;border:1px solid #d9d4c7;border-radius:.5rem}\
h1{font-size:1.35rem;margin-top:0}label{display:block;margin:.75rem 0 .25rem}\
input[type=text],input[type=password]{width:100%;box-sizing:border-box;padding:.5rem;font:inherit;border:1px solid #8a8475;border-radius:.25rem}\
button{font:inherit;padding:.5rem 1.25rem;margin:1rem .5rem 0 0;border-radius:.25rem;border:1px solid #5b5647;background:#fff}\
button[value=accept],button.main{background:#1d4f3f;border-color:#1d4f3f;color:#fff}\
ul{padding-left:1.25rem}.wrong{background:#fdecea;border-left:4px solid #a4262c;padding:.5rem 1rem;overflow-wrap:anywhere}small{color:#5b5647}";

/// Text as HTML.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Keeps an answer out of every cache.
pub(crate) fn forbid_caching(headers: &mut HeaderMap) {
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("no-store, no-cache"),
    );
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
}

/// A whole page around its content.
pub(crate) fn page(
    exchange: &Exchange,
    status: StatusCode,
    title: &str,
    content: &str,
) -> Response {
    let title = escape(title);
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title} – SANDBOX</title>\
         <style>{STYLE}</style></head>\n<body><header>SANDBOX – a stand-in for testing, not a real sign-in. \
         Never type a real password here.</header>\n<main><h1>{title}</h1>\n{content}\n</main></body></html>\n"
    );
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    // No form-action: browsers apply it to the redirect back to the client, too.
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"),
    );
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    forbid_caching(headers);
    exchange.add_headers(headers);
    response
}

/// What went wrong, with everything that support asks for.
pub(super) fn trouble(exchange: &Exchange, refusal: &Refusal) -> String {
    format!(
        "<div class=\"wrong\" role=\"alert\"><p>AADSTS{}: {}</p></div>\n<p><small>\
         Request Id: {}<br>\nCorrelation Id: {}<br>\nTimestamp: {}<br>\nMessage: AADSTS{}: {}</small></p>",
        refusal.code,
        escape(&refusal.message),
        exchange.trace_id,
        exchange.correlation_id,
        exchange.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        refusal.code,
        escape(&refusal.message),
    )
}

/// An error that is not sent to the client.
pub(crate) fn error(exchange: &Exchange, refusal: &Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
    let content = format!(
        "<p>Sorry, but we're having trouble signing you in.</p>\n{}",
        trouble(exchange, refusal)
    );
    page(exchange, status, "Trouble signing in", &content)
}

/// The sign-in page; `context` is posted back.
pub(crate) fn sign_in(
    exchange: &Exchange,
    sealed: &str,
    hint: &str,
    signed_in: Option<&User>,
    refusal: Option<&Refusal>,
) -> Response {
    let tenant = exchange.world.tenant;
    let mut content = String::new();
    if let Some(refusal) = refusal {
        content.push_str(&trouble(exchange, refusal));
    }
    // Writing to a String cannot fail.
    let _ = write!(
        content,
        "<form method=\"post\" action=\"/{tenant}/login\">\
         <input type=\"hidden\" name=\"context\" value=\"{sealed}\">\
         <label for=\"login\">User name (name@contoso.example)</label>\
         <input type=\"text\" id=\"login\" name=\"login\" value=\"{}\" autocomplete=\"username\" required>\
         <label for=\"password\">Password</label>\
         <input type=\"password\" id=\"password\" name=\"password\" autocomplete=\"off\" required>\
         <button type=\"submit\" class=\"main\">Sign in</button></form>\
         <p><small>The users and their passwords are in sandbox.json.</small></p>",
        escape(hint)
    );
    if let Some(user) = signed_in {
        let _ = write!(
            content,
            "<form method=\"post\" action=\"/{tenant}/login\">\
             <input type=\"hidden\" name=\"context\" value=\"{sealed}\">\
             <button type=\"submit\" name=\"account\" value=\"{}\">Continue as {}</button></form>",
            user.id,
            escape(&user.principal_name)
        );
    }
    let title = if signed_in.is_some() {
        "Pick an account"
    } else {
        "Sign in"
    };
    page(exchange, StatusCode::OK, title, &content)
}

/// What a consent page is about.
pub(crate) struct ConsentPage<'a> {
    pub(crate) app_name: &'a str,
    pub(crate) user: &'a User,
    pub(crate) permissions: &'a [Permission],
    /// Titles of application permissions; only for an administrator's consent.
    pub(crate) roles: &'a [String],
    pub(crate) kind: ConsentKind,
}

/// Whose consent is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConsentKind {
    /// The user's own.
    User,
    /// The organization's.
    Organization,
}

/// A page that asks for consent.
pub(crate) fn consent(exchange: &Exchange, sealed: &str, about: &ConsentPage<'_>) -> Response {
    let mut rows = String::new();
    for permission in about.permissions {
        let _ = write!(
            rows,
            "<li>{} <small>({})</small></li>",
            escape(&permission.scope.title),
            escape(&permission.scope.value)
        );
    }
    for role in about.roles {
        let _ = write!(
            rows,
            "<li>{} <small>(without a signed-in user)</small></li>",
            escape(role)
        );
    }
    let administrator = about.user.role == DirectoryRole::GlobalAdministrator;
    let (title, everybody) = match about.kind {
        ConsentKind::Organization => ("Permissions requested for your organization", ""),
        ConsentKind::User if administrator => (
            "Permissions requested",
            "<p><label><input type=\"checkbox\" name=\"organization\" value=\"true\"> \
             Consent on behalf of your organization</label></p>",
        ),
        ConsentKind::User => ("Permissions requested", ""),
    };
    let content = format!(
        "<p>{}</p><p><strong>{}</strong> <small>(unverified)</small> would like to:</p><ul>{rows}</ul>\
         <form method=\"post\" action=\"/{}/consent\"><input type=\"hidden\" name=\"context\" value=\"{sealed}\">\
         {everybody}<button type=\"submit\" name=\"decision\" value=\"accept\">Accept</button>\
         <button type=\"submit\" name=\"decision\" value=\"cancel\">Cancel</button></form>",
        escape(&about.user.principal_name),
        escape(about.app_name),
        exchange.world.tenant,
    );
    page(exchange, StatusCode::OK, title, &content)
}

/// The page of 90094: an administrator has to consent; the way back is a refusal.
pub(crate) fn approval_needed(
    exchange: &Exchange,
    sealed: &str,
    app_name: &str,
    user: &User,
    refusal: &Refusal,
) -> Response {
    let content = format!(
        "<p>{}</p><p><strong>{}</strong> needs permission to access resources in your organization that only \
         an administrator can grant. Ask an administrator to grant permission to this app before you can use it.</p>\
         <form method=\"post\" action=\"/{}/consent\"><input type=\"hidden\" name=\"context\" value=\"{sealed}\">\
         <button type=\"submit\" name=\"decision\" value=\"cancel\">Return to the application without granting \
         consent</button></form>\n{}",
        escape(&user.principal_name),
        escape(app_name),
        exchange.world.tenant,
        trouble(exchange, refusal),
    );
    page(exchange, StatusCode::OK, "Need admin approval", &content)
}

/// The page that carries an answer to the client with `response_mode=form_post`.
pub(crate) fn form_post(exchange: &Exchange, uri: &str, parameters: &[(&str, String)]) -> Response {
    let mut fields = String::new();
    for (name, value) in parameters {
        let _ = write!(
            fields,
            "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
            escape(name),
            escape(value)
        );
    }
    let content = format!(
        "<form method=\"post\" action=\"{}\">{fields}<button type=\"submit\" class=\"main\">Continue</button></form>",
        escape(uri)
    );
    page(
        exchange,
        StatusCode::OK,
        "Back to the application",
        &content,
    )
}

/// `GET /error?code=nnn`, where `error_uri` leads.
pub(crate) async fn about_code(exchange: Exchange, RawQuery(query): RawQuery) -> Response {
    let query = Form::parse(query.unwrap_or_default().as_bytes());
    let code: String = query
        .get("code")
        .unwrap_or_default()
        .chars()
        .filter(char::is_ascii_digit)
        .take(10)
        .collect();
    let content = format!(
        "<p>Code AADSTS{code}. The sandbox answers with the same codes as the real service; its documentation \
         explains each one. The time is {}.</p>",
        timestamp(exchange.now)
    );
    page(&exchange, StatusCode::OK, "About an error code", &content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text() {
        assert_eq!(
            escape("<a href=\"x\">'&"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;"
        );
    }
}
