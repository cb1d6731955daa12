//! Pages of other sites change nothing and read nothing (G22).

use serde_json::{Value, json};
use store::{Actor, Role};

use crate::house::{Answer, House};

/// An administrator's browser, and how often it has tried.
struct Page {
    house: House,
    cookie: String,
    tries: usize,
}

impl Page {
    async fn new() -> Page {
        let house = House::new().await;
        let admin = house.user("admin", Role::Admin).await;
        let cookie = house.session(&admin).await;
        Page {
            house,
            cookie,
            tries: 0,
        }
    }

    /// Tries to make an API key.
    async fn attempt(&mut self, headers: &[(&str, &str)], content_type: &str) -> Answer {
        self.tries += 1;
        let body = json!({"name": format!("k{}", self.tries), "role": "admin"}).to_string();
        let mut request = self
            .house
            .request("POST", "/api/v1/keys")
            .cookie(&self.cookie)
            .body(content_type, body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.send().await
    }
}

#[tokio::test]
async fn only_our_own_pages_change_anything() {
    let mut page = Page::new().await;
    let own = page.house.url.clone();
    let loopback = own.replace("localhost", "127.0.0.1");
    let foreign: [&[(&str, &str)]; 12] = [
        &[],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site"), ("origin", &own)],
        &[
            ("sec-fetch-site", "same-origin"),
            ("origin", "https://attacker.example"),
        ],
        &[("origin", "https://attacker.example")],
        &[("origin", "null")],
        &[("origin", "http://localhost:1")],
        &[("origin", "https://localhost")],
        &[("origin", "http://localhost.attacker.example")],
        &[("referer", &own)],
        &[("origin", &own), ("origin", "https://attacker.example")],
    ];
    for headers in foreign {
        for content_type in [
            "application/json",
            "text/plain",
            "application/x-www-form-urlencoded",
        ] {
            let answer = page.attempt(headers, content_type).await;
            assert_eq!(answer.refusal(), "403 csrf", "{headers:?} {content_type}");
        }
    }
    assert!(
        page.house
            .store
            .keys()
            .list(&Actor::local())
            .await
            .unwrap()
            .is_empty()
    );
    for headers in [
        &[("sec-fetch-site", "same-origin")][..],
        &[("origin", &own)],
        &[("origin", &loopback)],
        &[("sec-fetch-site", "same-origin"), ("origin", &own)],
    ] {
        assert_eq!(
            page.attempt(headers, "application/json").await.status,
            201,
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn every_unsafe_route_asks_whose_page_it_is() {
    let page = Page::new().await;
    let openapi: Value = serde_json::from_str(&server::openapi()).unwrap();
    let mut routes = 0;
    for (path, item) in openapi["paths"].as_object().unwrap() {
        for method in item
            .as_object()
            .unwrap()
            .keys()
            .filter(|method| *method != "get")
        {
            let path = path.replace("{name}", "echo").replace("{id}", "key_x");
            let request = page
                .house
                .request(&method.to_uppercase(), &path)
                .cookie(&page.cookie)
                .json(&json!({}));
            let answer = request.header("sec-fetch-site", "cross-site").send().await;
            assert_eq!(answer.refusal(), "403 csrf", "{method} {path}");
            routes += 1;
        }
    }
    assert!(routes >= 14, "{routes}");
}

#[tokio::test]
async fn no_page_of_another_site_reads_an_answer() {
    let page = Page::new().await;
    for method in ["GET", "OPTIONS"] {
        let request = page
            .house
            .request(method, "/api/v1/me")
            .cookie(&page.cookie);
        let answer = request
            .header("origin", "https://attacker.example")
            .send()
            .await;
        let allowed = answer
            .headers
            .keys()
            .find(|name| name.as_str().starts_with("access-control-"));
        assert!(allowed.is_none(), "{allowed:?}");
    }
}
