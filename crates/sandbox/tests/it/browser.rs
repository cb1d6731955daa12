//! A browser without script: keeps cookies, reads forms, presses buttons.

use std::collections::BTreeMap;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use url::Url;

use super::client::World;

pub(crate) struct Browser {
    http: reqwest::Client,
    cookies: BTreeMap<String, String>,
    /// The headers that a browser sends with a form of this page.
    pub(crate) form_headers: Vec<(&'static str, String)>,
}

/// A page, or an address that is not the sandbox's.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) status: u16,
    pub(crate) html: String,
    pub(crate) location: Option<String>,
    pub(crate) headers: reqwest::header::HeaderMap,
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
            form_headers: Vec::new(),
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
        let headers = response.headers().clone();
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
            headers,
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
        self.post(url.as_str(), &inputs).await
    }

    /// Posts fields as they are.
    pub(crate) async fn post(&mut self, url: &str, inputs: &[(String, String)]) -> Page {
        let mut request = self.http.post(url).form(&inputs);
        for (name, value) in &self.form_headers {
            request = request.header(*name, value);
        }
        self.send(url, request).await
    }

    /// Posts a form with a file.
    pub(crate) async fn post_file(&mut self, url: &str, form: reqwest::multipart::Form) -> Page {
        let request = self.http.post(url).multipart(form);
        self.send(url, request).await
    }

    /// Goes where a page of the sandbox redirects to.
    pub(crate) async fn follow(&mut self, mut page: Page) -> Page {
        while let Some(location) = page.location.take() {
            let url = page.url.join(&location).unwrap();
            page = self.open(url.as_str()).await;
        }
        page
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

    /// The form of a button, by the button's visible text.
    pub(crate) fn form_of(&self, button: &str) -> Form {
        let text = format!(">{}</button>", button.replace('&', "&amp;"));
        let parts = self.html.split("<form ").skip(1);
        let place = parts
            .map(|part| part.split("</form>").next().unwrap())
            .position(|part| part.contains(&text));
        let place = place.unwrap_or_else(|| panic!("no button {button:?}: {}", self.html));
        self.forms().swap_remove(place)
    }

    /// The value of a field, by its label.
    pub(crate) fn find_value(&self, label: &str) -> Option<String> {
        let label = label.replace('&', "&amp;");
        let named = format!("aria-label=\"{label}\"");
        let tags: Vec<&str> = self.html.split("<input ").skip(1).collect();
        let tags = || tags.iter().map(|tag| tag.split('>').next().unwrap());
        if let Some(tag) = tags().find(|tag| tag.contains(&named)) {
            return attribute(tag, "value");
        }
        let before = self.html.split(&format!(">{label}</label>")).next()?;
        let id = attribute(before.rsplit("<label ").next()?, "for")?;
        let tag = tags().find(|tag| attribute(tag, "id").as_deref() == Some(&id))?;
        attribute(tag, "value")
    }

    /// The value of a field that is there.
    pub(crate) fn value(&self, label: &str) -> String {
        self.find_value(label)
            .unwrap_or_else(|| panic!("no field {label:?}: {}", self.html))
    }

    /// The address of a link, by its visible text.
    pub(crate) fn find_link(&self, text: &str) -> Option<String> {
        let text = text.replace('&', "&amp;");
        let part = self.html.split("<a ").skip(1).find(|part| {
            part.split_once('>')
                .is_some_and(|(_, rest)| rest.split("</a>").next() == Some(&text))
        })?;
        let address = attribute(part, "href")?;
        Some(self.url.join(&address).unwrap().to_string())
    }

    /// The address of a link that is there.
    pub(crate) fn link(&self, text: &str) -> String {
        self.find_link(text)
            .unwrap_or_else(|| panic!("no link {text:?}: {}", self.html))
    }

    /// The rows of the page's tables: the text of each cell, by its column.
    pub(crate) fn rows(&self) -> Vec<BTreeMap<String, String>> {
        let rows = self.html.split("<tr role=\"row\"").skip(1);
        rows.filter(|row| row.contains("<td"))
            .map(|row| {
                row.split("<td ")
                    .skip(1)
                    .map(|cell| {
                        let column = attribute(cell, "data-label").unwrap();
                        let cell = cell.split("</td>").next().unwrap();
                        let text = cell
                            .split('>')
                            .skip(1)
                            .map(|part| part.split('<').next().unwrap());
                        (column, text.collect::<Vec<_>>().join("").trim().to_owned())
                    })
                    .collect()
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
