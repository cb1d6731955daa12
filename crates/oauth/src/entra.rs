//! What Entra ID's error numbers (AADSTS) mean, and who can cure them.
//!
//! The rows are data, in `settings` and `people`; this file finds the row and fills in what depends on the connection.

mod people;
mod settings;

use crate::diagnosis::{Case, diagnose_oauth};
use crate::provider_error::{ProviderError, cleaned, code_in_text};
use crate::{Access, Action, Diagnosis, Scope, ScopeRule, State, corrected_scope};

/// "Too many requests", whatever the status and word it comes with.
pub(crate) const THROTTLED: u32 = 90_055;
/// "Invalid JWT": an assertion whose form is not taken.
pub(crate) const MALFORMED_JWT: u32 = 50_027;
/// No consent.
const CONSENT: u32 = 65_001;
/// A parameter is missing, often the scope.
const INCOMPLETE: [u32; 2] = [900_144, 90_014];
/// The most bytes of an error page's message that are looked at.
const MESSAGE_LIMIT: usize = 4096;

/// Tells whether a text has the shape of a GUID (8-4-4-4-12 hexadecimal digits), as tenants, applications and Secret IDs have.
pub fn is_guid(text: &str) -> bool {
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && text.split('-').all(digits)
}

/// Explains an error of Entra ID by its number; without a known one, by its RFC 6749 error word.
pub fn diagnose_entra(error: &ProviderError, access: Access, scope: &Scope) -> Diagnosis {
    let Some(case) = case_for(error, Some((access, scope))) else {
        return diagnose_oauth(error, access, scope);
    };
    let mut diagnosis = case.diagnosis().with_provider(error.clone());
    if let Action::ChangeScope { suggestion } = &mut diagnosis.action {
        *suggestion = corrected_scope(&scope.to_string(), ScopeRule::Entra, access);
    }
    diagnosis
}

/// The state that an error leads to, if Entra's table has its number.
pub(crate) fn state_of(error: &ProviderError) -> Option<State> {
    case_for(error, None).map(|case| case.state)
}

fn case_for(error: &ProviderError, connection: Option<(Access, &Scope)>) -> Option<&'static Case> {
    let codes = error.error_codes.iter().copied().chain(error.aadsts());
    codes.into_iter().find_map(|code| {
        let code = match connection {
            // an app can't consent for itself
            Some((Access::AppOnly, _)) if code == CONSENT => people::ADMIN_CONSENT,
            Some((_, scope)) if scope.is_empty() && INCOMPLETE.contains(&code) => {
                settings::SCOPE_EMPTY
            }
            _ => code,
        };
        rows()
            .find(|(codes, _)| codes.contains(&code))
            .map(|(_, case)| case)
    })
}

fn rows() -> impl Iterator<Item = &'static (&'static [u32], Case)> {
    settings::TABLE.iter().chain(people::TABLE)
}

/// Reads the error page that Entra shows on its own host instead of redirecting, if this is one.
///
/// Such a page has no error word, so [`ProviderError::error`] stays empty; the number is in `error_codes`.
pub fn error_page(html: &str) -> Option<ProviderError> {
    let (message, code) = html
        .match_indices("AADSTS")
        .find_map(|(at, _)| message_at(html.get(at..)?))?;
    let text = page_text(html);
    let mut error = ProviderError {
        error_codes: vec![code],
        error_description: Some(message),
        trace_id: after_label(&text, "request id").map(|id| cleaned(id, 64)),
        correlation_id: after_label(&text, "correlation id").map(|id| cleaned(id, 64)),
        timestamp: after_label(&text, "timestamp").map(|time| cleaned(time, 64)),
        ..ProviderError::default()
    };
    error.fill_from_description();
    Some(error)
}

/// "AADSTS50011: text" up to the end of its element or quoted text; none for a number without a message.
fn message_at(html: &str) -> Option<(String, u32)> {
    let code = code_in_text(html)?;
    let digits = html
        .trim_start_matches("AADSTS")
        .trim_start_matches(|letter: char| letter.is_ascii_digit());
    if !digits.starts_with(':') {
        return None;
    }
    let end = html.find(['<', '"']).unwrap_or(html.len());
    let text = html.get(..end)?;
    let text: String = text.chars().take(MESSAGE_LIMIT).collect();
    Some((cleaned(&unescaped(&text), 2048), code))
}

/// The page without its tags, so that a label and its value stand side by side.
fn page_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut in_tag = false;
    for character in html.chars() {
        match character {
            '<' => {
                in_tag = true;
                text.push(' ');
            }
            '>' => in_tag = false,
            _ if !in_tag => text.push(character),
            _ => {}
        }
    }
    unescaped(&text)
}

fn unescaped(text: &str) -> String {
    const ESCAPES: [(&str, &str); 11] = [
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&apos;", "'"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&nbsp;", " "),
        ("\\u0027", "'"),
        ("\\u0026", "&"),
        // last, so that an escaped escape stays one
        ("&amp;", "&"),
    ];
    ESCAPES
        .iter()
        .fold(text.to_owned(), |text, (escape, plain)| {
            text.replace(escape, plain)
        })
}

/// The value after a label: one word, or for a time that has a blank in it, two.
fn after_label<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    let at = text.to_ascii_lowercase().find(label)? + label.len();
    let rest = text
        .get(at..)?
        .trim_start_matches(|letter: char| letter == ':' || letter.is_whitespace());
    let word = rest.split_whitespace().next()?;
    let is_day = word.len() == 10 && word.matches('-').count() == 2;
    if !is_day {
        return Some(word);
    }
    let time = rest.get(word.len()..)?.split_whitespace().next()?;
    let end = rest.find(time)? + time.len();
    rest.get(..end)
}

#[cfg(test)]
mod tests;
