//! Pages that people meet outside the console: plain HTML, no script, everything from outside escaped as text.
//!
//! Here are the frame of all pages and the result of a sign-in; `page/question.rs` asks whether a run may go on.
//! This is the only HTML that this room writes; the console's is embedded.

pub(crate) mod question;

use std::fmt::{self, Display, Write as _};
use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Body;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use connect::Card;
use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use store::ConnectionName;

use crate::frame::TraceId;
use crate::problem::Problem;

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:12vh auto 4rem;padding:0 1.25rem}\
h1{font-size:1.5rem;margin:0 0 1rem}\
.mark{font-size:.85rem;font-weight:600;letter-spacing:.04em;text-transform:uppercase;opacity:.7;margin:0 0 .5rem}\
.ok{color:#1a7f37}.bad{color:#b3261e}\
@media(prefers-color-scheme:dark){.ok{color:#4ac26b}.bad{color:#ff8a80}}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.4rem 1.25rem;margin:1.25rem 0}\
dt{opacity:.7}dd{margin:0;overflow-wrap:anywhere}\
code{font:.9em ui-monospace,monospace;background:rgba(127,127,127,.15);padding:.1em .35em;border-radius:.25em;overflow-wrap:anywhere}\
pre{font:.9em ui-monospace,monospace;background:rgba(127,127,127,.15);padding:.6em .8em;border-radius:.25em;overflow-wrap:anywhere;white-space:pre-wrap;margin:0}\
label{display:block;margin:1rem 0 .25rem}\
textarea,input{font:inherit;width:100%;box-sizing:border-box;padding:.4rem}\
button{font:inherit;font-weight:600;padding:.5rem 1.25rem;margin:1.25rem .75rem 0 0;cursor:pointer}\
footer{margin-top:2rem;font-size:.85rem;opacity:.7}";

/// The style by its hash; nothing else may be loaded, run, submitted or framed.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| policy("'none'"));

fn policy(form_action: &str) -> HeaderValue {
    let hash = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action {form_action}; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).expect("base64 in a header")
}

/// The line above a title, and its class: `ok`, `bad` or none.
struct Mark {
    text: &'static str,
    class: &'static str,
}

/// A whole page around markup of ours.
fn framed(mark: &Mark, title: &str, body: &str, trace_id: TraceId) -> String {
    let Mark { text, class } = mark;
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{title} · Keyway</title><style>{STYLE}</style></head>\n<body><main>\n<p class=\"mark {class}\">{text}</p>\n<h1>{title}</h1>\n{body}\
         </main>\n<footer>Keyway · request <code>{trace_id}</code></footer>\n</body>\n</html>\n",
        title = Escaped(title),
    )
}

/// A page as an answer.
fn answer(status: StatusCode, html: String, policy: HeaderValue) -> Response {
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    response
}

/// Text that is shown as text, whatever it holds.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // right-to-left overrides and their kin could turn the words around
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => f.write_char('\u{fffd}')?,
                c if c.is_control() && c != '\n' => f.write_char('\u{fffd}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A page about to be shown.
pub(crate) struct Page {
    status: StatusCode,
    verdict: Verdict,
    title: String,
    lead: String,
    facts: Vec<(&'static str, String)>,
    problem: Option<Problem>,
}

/// What a person may see of a connection: who, what was granted, what is missing, and notes.
fn facts(name: &ConnectionName, card: &Card) -> Vec<(&'static str, String)> {
    let mut facts = vec![("Connection", name.to_string())];
    if let Some(identity) = &card.identity
        && let Some(who) = identity.username.as_ref().or(identity.name.as_ref())
    {
        let label = if identity.kind == "app" {
            "App"
        } else {
            "Signed in as"
        };
        facts.push((label, who.clone()));
    }
    if let Some(token) = &card.token {
        let list = |scopes: &[String]| {
            if scopes.is_empty() {
                "nothing".to_owned()
            } else {
                scopes.join(" ")
            }
        };
        facts.push(("Granted", list(&token.granted)));
        facts.push(("Missing", list(&token.missing)));
        facts.push((
            "Renewed by itself",
            if token.next_renewal.is_some() {
                "yes"
            } else {
                "no: there is no refresh token"
            }
            .to_owned(),
        ));
    }
    facts.extend(
        card.warnings
            .iter()
            .map(|warning| ("Note", warning.message.clone())),
    );
    facts
}

#[derive(Clone, Copy)]
enum Verdict {
    Good,
    Consented,
    NotConsented,
    Bad,
}

impl Page {
    /// A sign-in that worked: what was granted, what is missing, what is next.
    pub(crate) fn success(name: &ConnectionName, card: &Card) -> Page {
        let mut facts = facts(name, card);
        let lead = match &card.diagnosis {
            Some(advice) => format!("Signed in, but not ready yet: {}", advice.what),
            None => "Signed in. You can close this tab.".to_owned(),
        };
        let next = card.diagnosis.as_ref().map_or_else(
            || format!("keyway call {name} PATH"),
            |advice| advice.next.clone(),
        );
        facts.push(("Next", next));
        Page {
            status: StatusCode::OK,
            verdict: Verdict::Good,
            title: format!("{name} is connected"),
            lead,
            facts,
            problem: None,
        }
    }

    /// An administrator gave consent for the whole tenant, and the connection was tried out again: how it stands now.
    pub(crate) fn consented(name: &ConnectionName, card: &Card) -> Page {
        let mut facts = facts(name, card);
        let lead = match &card.diagnosis {
            None => "The provider says that an administrator consented for the whole tenant, and the connection works. You can close this tab.".to_owned(),
            Some(advice) if advice.state == oauth::State::NeedsAdmin => format!("The provider says that an administrator consented, but its new answer does not show it yet; that may take some minutes. {}", advice.what),
            Some(advice) => format!("The provider says that an administrator consented for the whole tenant. What is left: {}", advice.what),
        };
        facts.push(("State", card.state.as_str().replace('_', " ")));
        let next = card.diagnosis.as_ref().map_or_else(
            || format!("`keyway call {name} PATH`"),
            |advice| match (advice.state, &advice.command) {
                (oauth::State::NeedsAdmin, _) => format!("`keyway connection test {name}`"),
                (_, Some(command)) => format!("`{command}`"),
                (_, None) => advice.next.clone(),
            },
        );
        facts.push(("Next", next));
        Page {
            status: StatusCode::OK,
            verdict: Verdict::Consented,
            title: format!("Consent was given for {name}"),
            lead,
            facts,
            problem: None,
        }
    }

    /// An administrator gave consent for the whole tenant; nobody knows for which connection.
    pub(crate) fn admin_consented() -> Page {
        let next = "`keyway connection test NAME` (app-only) or `keyway connection authorize NAME` (delegated)";
        Page {
            status: StatusCode::OK,
            verdict: Verdict::Consented,
            title: "Consent was given".to_owned(),
            lead: "The provider says that an administrator consented for the whole tenant. You can close this tab.".to_owned(),
            facts: vec![("Next", next.to_owned())],
            problem: None,
        }
    }

    /// A sign-in that did not work: what, why, who can cure it, what to do, and the provider's own words.
    pub(crate) fn refusal(problem: &Problem) -> Page {
        let consent = matches!(
            problem.code(),
            "oauth.consent_refused" | "oauth.other_tenant"
        );
        let (verdict, title) = if consent {
            (Verdict::NotConsented, "Consent was not given")
        } else {
            (Verdict::Bad, "The sign-in did not succeed")
        };
        let mut facts = Vec::new();
        let name = problem.connection_name();
        if let Some(name) = name {
            facts.push(("Connection", name.to_owned()));
        }
        let mut lead = problem.detail().to_owned();
        if let Some(diagnosis) = problem.diagnosis_ref() {
            lead.clone_from(&diagnosis.what);
            facts.push(("Why", diagnosis.why.clone()));
            facts.push(("Who can cure it", diagnosis.who.as_text().to_owned()));
            if !diagnosis.advice.is_empty() {
                facts.push(("What to do", diagnosis.advice.clone()));
            }
        }
        match (problem.hint_text(), name) {
            (Some(hint), _) => facts.push(("Next", hint.to_owned())),
            (None, Some(name)) => facts.push(("Next", format!("keyway connection explain {name}"))),
            (None, None) => facts.push((
                "Next",
                "begin again: keyway connection authorize NAME".to_owned(),
            )),
        }
        if let Some(provider) = problem
            .diagnosis_ref()
            .and_then(|diagnosis| diagnosis.provider.as_ref())
        {
            facts.push(("Provider's code", provider_code(provider)));
            let said = [
                ("Provider's words", &provider.error_description),
                ("Trace id", &provider.trace_id),
                ("Correlation id", &provider.correlation_id),
            ];
            facts.extend(
                said.into_iter()
                    .filter_map(|(label, value)| Some((label, value.clone()?))),
            );
        }
        facts.push(("Code", problem.code().to_owned()));
        Page {
            status: problem.status(),
            verdict,
            title: title.to_owned(),
            lead,
            facts,
            problem: Some(problem.clone()),
        }
    }

    /// Writes the page.
    pub(crate) fn render(&self, trace_id: TraceId) -> Response {
        let (class, text) = match self.verdict {
            Verdict::Good => ("ok", "Signed in"),
            Verdict::Consented => ("ok", "Consented"),
            Verdict::NotConsented => ("bad", "Not consented"),
            Verdict::Bad => ("bad", "Not signed in"),
        };
        let mut body = format!("<p>{}</p>\n<dl>\n", Escaped(&self.lead));
        for (label, value) in &self.facts {
            let _ = writeln!(body, "<dt>{}</dt><dd>{}</dd>", Escaped(label), Words(value));
        }
        body.push_str("</dl>\n");
        // The way back: the connection's page in the console, with the button that begins the sign-in again.
        if let Some(name) = self.problem.as_ref().and_then(Problem::connection_name) {
            let name = Escaped(name);
            let _ = writeln!(
                body,
                "<p><a href=\"/connections/{name}\">Open {name} in Keyway, and try again there</a></p>"
            );
        }
        let html = framed(&Mark { text, class }, &self.title, &body, trace_id);
        let mut response = answer(self.status, html, POLICY.clone());
        if let Some(problem) = &self.problem {
            problem.own_headers(response.headers_mut());
        }
        response
    }
}

/// Escaped text in which what stands in backticks is set as code.
struct Words<'a>(&'a str);

impl Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // an odd number of backticks is not markup of ours
        if !self.0.matches('`').count().is_multiple_of(2) {
            return Escaped(self.0).fmt(f);
        }
        for (index, part) in self.0.split('`').enumerate() {
            if index % 2 == 1 {
                write!(f, "<code>{}</code>", Escaped(part))?;
            } else {
                Escaped(part).fmt(f)?;
            }
        }
        Ok(())
    }
}

/// The provider's code as its own documentation names it.
fn provider_code(provider: &oauth::ProviderError) -> String {
    let mut code = provider.error.clone();
    if let Some(number) = provider.aadsts() {
        let _ = write!(code, " (AADSTS{number})");
    }
    if let Some(suberror) = &provider.suberror {
        let _ = write!(code, ", {suberror}");
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let hostile = "<script>alert(1)</script>\"'&\u{202e}\u{0}`<b>`";
        assert_eq!(
            Words(hostile).to_string(),
            "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;\u{fffd}\u{fffd}<code>&lt;b&gt;</code>"
        );
        assert_eq!(Words("a ` b").to_string(), "a ` b");
    }

    #[test]
    fn the_style_has_nothing_that_would_end_it() {
        assert!(!STYLE.contains('<') && !STYLE.contains("url("));
    }
}
