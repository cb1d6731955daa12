//! A person's browser: follows redirects, keeps cookies, fills in forms.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use url::Url;

use super::page::{self, Form};
use super::{Narrator, unexpected};
use crate::failure::Failure;
use crate::ui::plain;

/// Pages and redirects until a sign-in must be over.
const PATIENCE: usize = 20;

/// A browser with its cookies.
pub(super) struct Browser {
    narrator: Narrator,
    client: reqwest::Client,
    /// By host and port, then by name.
    cookies: BTreeMap<String, BTreeMap<String, String>>,
}

/// Who sits in front of the browser.
pub(super) struct Person<'a> {
    pub(super) name: &'a str,
    pub(super) password: &'a str,
}

/// A page that was loaded.
struct Page {
    url: Url,
    status: u16,
    html: String,
}

impl Browser {
    /// A browser that trusts one more authority.
    pub(super) fn new(narrator: Narrator, ca_pem: &[u8]) -> Result<Browser, Failure> {
        Ok(Browser {
            narrator,
            client: client(ca_pem)?,
            cookies: BTreeMap::new(),
        })
    }

    /// Follows an address through sign-in and consent, until it comes back to an address that begins with `home`.
    /// Nothing is requested from there if it is not somebody else's page: the address itself is the answer.
    pub(super) async fn sign_in(
        &mut self,
        start: &str,
        person: &Person<'_>,
        home: &str,
        visit: Visit,
    ) -> Result<Url, Failure> {
        let mut next = Step::Get(parse(start)?);
        for _ in 0..PATIENCE {
            if let Step::Get(url) = &next
                && url.as_str().starts_with(home)
            {
                if visit == Visit::Yes {
                    self.finish(url.clone()).await?;
                }
                return Ok(url.clone());
            }
            next = match self.step(next).await? {
                Arrived::Redirected(url) => Step::Get(url),
                Arrived::Page(page) => {
                    let title = plain(&title(&page.html));
                    self.narrator.say(&format!("# page: {title}"));
                    fill(&page, person)?
                }
            };
        }
        Err(unexpected(format!(
            "the sign-in of {} did not come to an end",
            person.name
        )))
    }

    /// Loads the page a person ends on.
    async fn finish(&mut self, url: Url) -> Result<(), Failure> {
        let mut next = url;
        for _ in 0..PATIENCE {
            match self.step(Step::Get(next)).await? {
                Arrived::Redirected(url) => next = url,
                Arrived::Page(page) if page.status < 400 => {
                    let title = plain(&title(&page.html));
                    self.narrator.say(&format!("# page: {title}"));
                    return Ok(());
                }
                Arrived::Page(page) => {
                    return Err(unexpected(format!(
                        "the page after the sign-in answered {}: {}",
                        page.status,
                        title(&page.html)
                    )));
                }
            }
        }
        Err(unexpected(
            "the page after the sign-in redirects without end",
        ))
    }

    async fn step(&mut self, step: Step) -> Result<Arrived, Failure> {
        let (url, form) = match step {
            Step::Get(url) => (url, None),
            Step::Post(url, form) => (url, Some(form)),
        };
        let host = url.authority().to_owned();
        let mut request = match form {
            None => self.client.get(url.clone()),
            Some(form) => self
                .client
                .post(url.clone())
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form),
        };
        if let Some(jar) = self.cookies.get(&host).filter(|jar| !jar.is_empty()) {
            let text: Vec<String> = jar
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            request = request.header(COOKIE, text.join("; "));
        }
        let response = request.send().await.map_err(|error| {
            unexpected(format!("{} cannot be reached: {error}", url.authority()))
        })?;
        for cookie in response.headers().get_all(SET_COOKIE) {
            let pair = cookie
                .to_str()
                .unwrap_or_default()
                .split(';')
                .next()
                .unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies
                    .entry(host.clone())
                    .or_default()
                    .insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
        let status = response.status().as_u16();
        if (300..400).contains(&status) {
            let target = response
                .headers()
                .get(LOCATION)
                .and_then(|value| value.to_str().ok())
                .and_then(|target| url.join(target).ok());
            return target
                .map(Arrived::Redirected)
                .ok_or_else(|| unexpected(format!("{} redirects to nowhere", url.authority())));
        }
        let html = response.text().await.map_err(|error| {
            unexpected(format!("a page of {} broke off: {error}", url.authority()))
        })?;
        Ok(Arrived::Page(Page { url, status, html }))
    }
}

/// Whether the last address is loaded, or only read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Visit {
    Yes,
    No,
}

enum Step {
    Get(Url),
    Post(Url, String),
}

enum Arrived {
    Redirected(Url),
    Page(Page),
}

/// Fills in the form of a page as the person would, and presses the first button that agrees.
fn fill(page: &Page, person: &Person<'_>) -> Result<Step, Failure> {
    let form = page::forms(&page.html)
        .into_iter()
        .find(|form| !form.fields.is_empty())
        .ok_or_else(|| {
            unexpected(format!(
                "{} shows a page without a form ({}): {}",
                page.url.authority(),
                page.status,
                title(&page.html)
            ))
        })?;
    let target = if form.action.is_empty() {
        page.url.clone()
    } else {
        page.url
            .join(&form.action)
            .map_err(|_| unexpected("a form leads nowhere"))?
    };
    let body = filled(&form, person);
    Ok(if form.is_post {
        Step::Post(target, body)
    } else {
        let mut target = target;
        target.set_query(Some(&body));
        Step::Get(target)
    })
}

fn filled(form: &Form, person: &Person<'_>) -> String {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    let mut pressed = false;
    for field in &form.fields {
        match field.kind.as_str() {
            "password" => drop(pairs.append_pair(&field.name, person.password)),
            "text" | "email" => drop(pairs.append_pair(
                &field.name,
                if field.value.is_empty() {
                    person.name
                } else {
                    &field.value
                },
            )),
            "submit" => {
                let word = field.value.to_ascii_lowercase();
                let refuses = ["cancel", "no", "deny", "decline", "back"]
                    .iter()
                    .any(|no| word.contains(no));
                if !pressed && !refuses {
                    pressed = true;
                    pairs.append_pair(&field.name, &field.value);
                }
            }
            // An unticked box is not sent.
            "checkbox" | "radio" => {}
            _ => drop(pairs.append_pair(&field.name, &field.value)),
        }
    }
    pairs.finish()
}

/// What a page says in its title, for error messages.
fn title(html: &str) -> String {
    let inside = html
        .split_once("<title>")
        .and_then(|(_, rest)| rest.split_once("</title>"))
        .map_or("", |(title, _)| title);
    page::unescape(inside.trim())
}

fn parse(address: &str) -> Result<Url, Failure> {
    Url::parse(address)
        .map_err(|error| unexpected(format!("{address:?} is not an address: {error}")))
}

/// An HTTP client that trusts the sandbox's authority, and decides itself about redirects.
pub(super) fn client(ca_pem: &[u8]) -> Result<reqwest::Client, Failure> {
    let authority = reqwest::Certificate::from_pem(ca_pem).map_err(|error| {
        unexpected(format!("the sandbox's certificate cannot be read: {error}"))
    })?;
    reqwest::Client::builder()
        .tls_certs_only([authority])
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(20))
        .build()
        .map_err(|error| Failure::bug(format!("the HTTP client cannot be built: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_agreeing_button_is_pressed() {
        let html = r#"<form method="post"><input name="login"><input type="password" name="passwd"><input type="checkbox" name="all" value="1">
            <input type="hidden" name="c" value="x y"><button name="answer" value="cancel">No</button><button name="answer" value="accept">Yes</button></form>"#;
        let form = page::forms(html).remove(0);
        let body = filled(
            &form,
            &Person {
                name: "ada@contoso.example",
                password: "p&q",
            },
        );
        assert_eq!(
            body,
            "login=ada%40contoso.example&passwd=p%26q&c=x+y&answer=accept"
        );
    }
}
