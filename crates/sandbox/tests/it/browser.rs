//! A browser without script: keeps cookies, reads forms, presses buttons.

use std::collections::BTreeMap;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use url::Url;

use super::client::World;

pub(crate) struct Browser {
    http: reqwest::Client,
    cookies: BTreeMap<String, String>,
}

/// A page, or an address that is not the sandbox's.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) status: u16,
    pub(crate) html: String,
    pub(crate) location: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) action: String,
    /// Name and value of the inputs that would be sent.
    pub(crate) inputs: Vec<(String, String)>,
    /// Name and value of the buttons.
    pub(crate) buttons: Vec<(String, String)>,
}

impl World {
    pub(crate) fn browser(&self) -> Browser {
        Browser {
            http: self.http.clone(),
            cookies: BTreeMap::new(),
        }
    }
}

impl Browser {
    pub(crate) async fn open(&mut self, url: &str) -> Page {
        let request = self.http.get(url);
        self.send(url, request).await
    }

    async fn send(&mut self, url: &str, request: reqwest::RequestBuilder) -> Page {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let response = request
            .header(COOKIE, cookies.join("; "))
            .send()
            .await
            .unwrap();
        for cookie in response.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            assert!(
                cookie.contains("Secure") && cookie.contains("HttpOnly"),
                "{cookie}"
            );
            let (name, rest) = cookie.split_once('=').unwrap();
            self.cookies
                .insert(name.to_owned(), rest.split(';').next().unwrap().to_owned());
        }
        let location = response
            .headers()
            .get(LOCATION)
            .map(|value| value.to_str().unwrap().to_owned());
        let status = response.status().as_u16();
        let html = response.text().await.unwrap();
        if location.is_none() {
            assert!(html.contains("SANDBOX"), "every page says so: {html}");
            assert!(!html.contains("<script"), "no page needs script");
        }
        Page {
            url: url.parse().unwrap(),
            status,
            html,
            location,
        }
    }

    /// Sends a form as it stands, with some fields filled in and one button pressed.
    pub(crate) async fn submit(
        &mut self,
        page: &Page,
        form: &Form,
        fields: &[(&str, &str)],
        button: Option<(&str, &str)>,
    ) -> Page {
        let mut inputs = form.inputs.clone();
        for (name, value) in fields {
            inputs.retain(|(known, _)| known != name);
            inputs.push(((*name).to_owned(), (*value).to_owned()));
        }
        if let Some((name, value)) = button {
            assert!(
                form.buttons.iter().any(|(n, v)| n == name && v == value),
                "no such button: {form:?}"
            );
            inputs.push((name.to_owned(), value.to_owned()));
        }
        let url = page.url.join(&form.action).unwrap();
        let request = self.http.post(url.clone()).form(&inputs);
        self.send(url.as_str(), request).await
    }

    /// Opens a sign-in page and signs in.
    pub(crate) async fn sign_in(&mut self, url: &str, login: &str, password: &str) -> Page {
        let page = self.open(url).await;
        assert_eq!(page.status, 200, "{}", page.html);
        let form = page.form();
        self.submit(
            &page,
            &form,
            &[("login", login), ("password", password)],
            None,
        )
        .await
    }

    /// Presses a button of a consent page.
    pub(crate) async fn decide(&mut self, page: &Page, decision: &str) -> Page {
        self.submit(page, &page.form(), &[], Some(("decision", decision)))
            .await
    }

    /// The whole trip: signs in, accepts if asked, arrives at the client.
    pub(crate) async fn sign_in_and_accept(
        &mut self,
        url: &str,
        login: &str,
        password: &str,
    ) -> Page {
        let mut page = self.sign_in(url, login, password).await;
        if page.location.is_none() {
            page = self.decide(&page, "accept").await;
        }
        assert!(page.location.is_some(), "{}", page.html);
        page
    }
}

impl Page {
    /// The only form, or the first.
    pub(crate) fn form(&self) -> Form {
        self.forms()
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("no form: {}", self.html))
    }

    pub(crate) fn forms(&self) -> Vec<Form> {
        let parts = self.html.split("<form ").skip(1);
        parts
            .map(|part| {
                let part = part.split("</form>").next().unwrap();
                let tags = |name: &str| {
                    let start = format!("<{name} ");
                    part.split(&start)
                        .skip(1)
                        .map(|tag| tag.split('>').next().unwrap().to_owned())
                        .collect::<Vec<_>>()
                };
                let pair = |tag: &String| {
                    Some((
                        attribute(tag, "name")?,
                        attribute(tag, "value").unwrap_or_default(),
                    ))
                };
                Form {
                    action: attribute(part, "action").unwrap(),
                    inputs: tags("input")
                        .iter()
                        .filter(|tag| attribute(tag, "type").as_deref() != Some("checkbox"))
                        .filter_map(pair)
                        .collect(),
                    buttons: tags("button").iter().filter_map(pair).collect(),
                }
            })
            .collect()
    }

    /// A parameter of the address that the page redirects to.
    pub(crate) fn parameter(&self, name: &str) -> String {
        self.find_parameter(name)
            .unwrap_or_else(|| panic!("no {name} in {:?} {}", self.location, self.html))
    }

    pub(crate) fn find_parameter(&self, name: &str) -> Option<String> {
        let url: Url = self.location.as_deref()?.parse().unwrap();
        let value = url.query_pairs().find(|(known, _)| known == name);
        value.map(|(_, value)| value.into_owned())
    }

    /// The code that a page of ours shows, with everything that goes with it.
    pub(crate) fn aadsts(&self) -> u32 {
        for label in [
            "Request Id: ",
            "Correlation Id: ",
            "Timestamp: ",
            "Message: AADSTS",
        ] {
            assert!(
                self.html.contains(label),
                "{label} is missing: {}",
                self.html
            );
        }
        let rest = self.html.split("Message: AADSTS").nth(1).unwrap();
        rest.split(':').next().unwrap().parse().unwrap()
    }

    /// The code in `error_description` of a redirect, and its error.
    pub(crate) fn redirected_refusal(&self) -> (String, u32) {
        let description = self.parameter("error_description");
        for label in ["Trace ID: ", "Correlation ID: ", "Timestamp: "] {
            assert!(description.contains(label), "{description}");
        }
        let code: u32 = description
            .strip_prefix("AADSTS")
            .unwrap()
            .split(':')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        assert!(
            self.parameter("error_uri")
                .ends_with(&format!("/error?code={code}"))
        );
        (self.parameter("error"), code)
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let rest = tag.split(&format!("{name}=\"")).nth(1)?;
    let value = rest.split('"').next()?;
    Some(
        value
            .replace("&#39;", "'")
            .replace("&quot;", "\"")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&"),
    )
}
