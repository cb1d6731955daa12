//! A browser as far as a sign-in needs one: cookies by origin, redirects, plain forms.

use std::collections::HashMap;

use http::header::{COOKIE, LOCATION, SET_COOKIE};
use url::Url;

use crate::house::House;

/// A person's browser.
pub(crate) struct Browser {
    client: reqwest::Client,
    cookies: HashMap<String, HashMap<String, String>>,
}

/// What it shows.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) html: String,
}

impl Page {
    /// The page as a person reads it: without markup.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let mut inside = false;
        for c in self.html.chars() {
            match c {
                '<' => inside = true,
                '>' => {
                    inside = false;
                    text.push(' ');
                }
                c if !inside => text.push(c),
                _ => {}
            }
        }
        let text = [
            ("&lt;", "<"),
            ("&gt;", ">"),
            ("&quot;", "\""),
            ("&#39;", "'"),
            ("&amp;", "&"),
        ]
        .iter()
        .fold(text, |text, (escaped, plain)| text.replace(escaped, plain));
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl Browser {
    pub(crate) fn new(house: &House) -> Browser {
        let mut client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        if let Some(sandbox) = &house.sandbox {
            let authority = reqwest::Certificate::from_pem(sandbox.ca_pem().as_bytes()).unwrap();
            client = client.tls_certs_only([authority]);
        }
        Browser {
            client: client.build().unwrap(),
            cookies: HashMap::new(),
        }
    }

    /// Opens an address and follows its redirects.
    pub(crate) async fn open(&mut self, url: &str) -> Page {
        let url = Url::parse(url).unwrap();
        self.follow(url, None).await
    }

    /// Opens an address and stays there.
    pub(crate) async fn open_once(&mut self, url: &str) -> Page {
        let url = Url::parse(url).unwrap();
        self.load(&url, None).await
    }

    /// Fills in the page's first form that has these fields or buttons, and follows where it leads.
    pub(crate) async fn submit(&mut self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let (url, body) = filled(page, fields);
        self.follow(url, Some(body)).await
    }

    /// Fills a form in and stays at the answer.
    pub(crate) async fn submit_once(&mut self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let (url, body) = filled(page, fields);
        self.load(&url, Some(body)).await
    }

    /// A second window of the same browser.
    pub(crate) fn twin(&self) -> Browser {
        Browser {
            client: self.client.clone(),
            cookies: self.cookies.clone(),
        }
    }

    async fn follow(&mut self, mut url: Url, mut form: Option<String>) -> Page {
        for _ in 0..10 {
            let page = self.load(&url, form.take()).await;
            match page.headers.get(LOCATION) {
                Some(location) if (300..400).contains(&page.status) => {
                    url = url.join(location.to_str().unwrap()).unwrap();
                }
                _ => return page,
            }
        }
        panic!("too many redirects, last to {url}");
    }

    async fn load(&mut self, url: &Url, form: Option<String>) -> Page {
        let origin = url.origin().ascii_serialization();
        let jar = self.cookies.entry(origin).or_default();
        let cookies: Vec<String> = jar
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut request = match form {
            Some(body) => self
                .client
                .post(url.clone())
                .header("content-type", "application/x-www-form-urlencoded")
                .body(body),
            None => self.client.get(url.clone()),
        };
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        let response = request.send().await.unwrap();
        for set in response.headers().get_all(SET_COOKIE) {
            let (name, value) = set
                .to_str()
                .unwrap()
                .split(';')
                .next()
                .unwrap()
                .split_once('=')
                .unwrap();
            jar.insert(name.to_owned(), value.to_owned());
        }
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Page {
            url: url.clone(),
            status,
            headers,
            html: response.text().await.unwrap(),
        }
    }

    /// Gives the browser a cookie, as if it had been signed in.
    pub(crate) fn keep(&mut self, url: &str, cookie: &str) {
        let (name, value) = cookie.split_once('=').unwrap();
        let origin = Url::parse(url).unwrap().origin().ascii_serialization();
        self.cookies
            .entry(origin)
            .or_default()
            .insert(name.to_owned(), value.to_owned());
    }
}

/// A form's address and body, its hidden fields included.
fn filled(page: &Page, fields: &[(&str, &str)]) -> (Url, String) {
    let form = page
        .html
        .split("<form")
        .skip(1)
        .map(|form| form.split("</form>").next().unwrap())
        .find(|form| {
            fields
                .iter()
                .all(|(name, _)| form.contains(&format!("name=\"{name}\"")))
        })
        .unwrap_or_else(|| panic!("no form with {fields:?}: {}", page.text()));
    let action = attribute(form.split('>').next().unwrap(), "action").unwrap_or_default();
    let mut values: Vec<(String, String)> = form
        .split("<input")
        .skip(1)
        .map(|input| input.split('>').next().unwrap())
        .filter(|input| attribute(input, "type").as_deref() == Some("hidden"))
        .filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?)))
        .collect();
    values.extend(
        fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(values)
        .finish();
    (page.url.join(&action).unwrap(), body)
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag
        .split(&format!(" {name}=\""))
        .nth(1)?
        .split('"')
        .next()?;
    Some(
        value
            .replace("&amp;", "&")
            .replace("&#39;", "'")
            .replace("&quot;", "\""),
    )
}
