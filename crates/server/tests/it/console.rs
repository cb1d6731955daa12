//! The console as a browser gets it: its page at every address that is not the server's, its files, their headers.

use serde_json::json;
use store::Role;

use crate::browser::Browser;
use crate::house::{Answer, House};
use crate::walk::{authorize, consent, create, graph, sign_in};

const POLICY: [&str; 8] = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
];

/// What the file is, not how it travels.
async fn ask(house: &House, method: &str, path: &str) -> Answer {
    house
        .request(method, path)
        .header("accept-encoding", "identity")
        .send()
        .await
}

async fn get(house: &House, path: &str) -> Answer {
    ask(house, "GET", path).await
}

#[track_caller]
fn guarded(answer: &Answer) {
    let policy: Vec<&str> = answer
        .header("content-security-policy")
        .split("; ")
        .collect();
    for part in POLICY {
        assert!(policy.contains(&part), "{part}: {policy:?}");
    }
    assert!(!policy.iter().any(|part| part.contains("unsafe")));
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert_eq!(answer.header("x-frame-options"), "DENY");
    assert_eq!(answer.header("set-cookie"), "");
}

#[tokio::test]
async fn every_other_address_is_a_page() {
    let house = House::new().await;
    let index = get(&house, "/").await;
    assert_eq!(index.status, 200);
    assert_eq!(index.header("content-type"), "text/html; charset=utf-8");
    for path in [
        "/index.html",
        "/connections",
        "/connections/with.dots.js",
        "/connections/graph?problem=oauth.refused",
        "/flows/some/day",
        "/%00",
        "/%2e%2e/etc/passwd",
        "/connections/%3Cscript%3E",
    ] {
        let page = get(&house, path).await;
        assert_eq!(
            (page.status, &page.text),
            (index.status, &index.text),
            "{path}"
        );
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        guarded(&page);
    }
    for path in [
        "/assets/no.js",
        "/favicon.ico",
        "/.git/config",
        "/oauthx.html",
        "/api",
        "/oauth/none",
    ] {
        assert_eq!(
            get(&house, path).await.refusal(),
            "404 route.not_found",
            "{path}"
        );
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let answer = house.request(method, "/connections").send().await;
        assert_eq!(answer.refusal(), "404 route.not_found", "{method}");
    }
}

#[tokio::test]
async fn a_look_is_without_a_body() {
    let house = House::new().await;
    let page = get(&house, "/").await;
    let look = ask(&house, "HEAD", "/").await;
    assert_eq!((look.status, look.text.as_str()), (page.status, ""));
    assert_eq!(look.header("content-length"), page.text.len().to_string());
    for name in ["etag", "content-type", "cache-control"] {
        assert_eq!(look.header(name), page.header(name), "{name}");
    }
    guarded(&look);
}

#[tokio::test]
async fn what_a_browser_has_is_not_sent_again() {
    let house = House::new().await;
    let page = get(&house, "/").await;
    let tag = page.header("etag").to_owned();
    assert!(
        tag.starts_with('"') && tag.ends_with('"') && tag.len() == 24,
        "{tag}"
    );
    for (given, status) in [
        (tag.clone(), 304),
        (format!("\"other\", {tag}"), 304),
        ("\"other\"".to_owned(), 200),
        (tag.replace('"', ""), 200),
        (tag.replacen('"', "\"x", 1), 200),
    ] {
        let again = house
            .request("GET", "/")
            .header("accept-encoding", "identity")
            .header("if-none-match", &given)
            .send()
            .await;
        assert_eq!(again.status, status, "{given}");
        assert_eq!(again.header("etag"), tag);
        guarded(&again);
    }
}

#[tokio::test]
async fn the_page_names_files_that_are_there() {
    let house = House::new().await;
    let page = get(&house, "/").await;
    // without Node there is only the placeholder, which loads nothing
    for path in page
        .text
        .split('"')
        .filter(|word| word.starts_with('/') && word.contains('.'))
    {
        let plain = get(&house, path).await;
        assert_eq!(plain.status, 200, "{path}");
        guarded(&plain);
        let kept = plain.header("cache-control");
        let hashed = path.starts_with("/assets/");
        assert_eq!(kept.contains("immutable"), hashed, "{path}: {kept}");
        // this client unpacks what it gets and then hides that it was packed
        let packed = house
            .request("GET", path)
            .header("accept-encoding", "gzip")
            .send()
            .await;
        assert_eq!(packed.text, plain.text, "{path}");
        assert_eq!(packed.header("vary"), "accept-encoding", "{path}");
        if path.starts_with("/assets/") {
            let tag = plain.header("etag").trim_end_matches('"');
            assert_eq!(packed.header("etag"), format!("{tag}-gzip\""), "{path}");
            assert!(!packed.headers.contains_key("content-length"), "{path}");
        }
    }
}

#[tokio::test]
async fn a_sign_in_ends_in_the_console_where_somebody_is_signed_in() {
    let house = House::with_sandbox().await;
    let key = house.key(Role::Admin).await;
    create(&house, &key, &graph(&house, "graph", &json!({}))).await;
    let ada = house.user("ada", Role::Operator).await;
    let mut browser = Browser::new(&house);
    browser.keep(&house.url, &house.session(&ada).await);

    let url = authorize(&house, &key, "graph").await;
    let page = sign_in(&house, &mut browser, &url, 1).await;
    let page = consent(&mut browser, page, "accept").await;
    assert_eq!((page.status, page.url.path()), (200, "/connections/graph"));
    assert_eq!(page.url.query(), None);
    let card = house
        .request("GET", "/api/v1/connections/graph")
        .key(&key)
        .send()
        .await
        .json();
    assert_eq!(card["state"], "ok", "{card}");

    // the same provider's refusal, and what cannot be told to belong to a connection
    let url = authorize(&house, &key, "graph").await;
    let provider = browser.open_once(&url).await.headers["location"]
        .to_str()
        .unwrap()
        .to_owned();
    let provider = url::Url::parse(&provider).unwrap();
    let state = provider
        .query_pairs()
        .find(|(name, _)| name == "state")
        .unwrap()
        .1;
    let back = format!(
        "{}/oauth/callback/microsoft-graph?error=access_denied&state={state}",
        house.url
    );
    let refused = browser.open_once(&back).await;
    assert_eq!(refused.status, 303, "{}", refused.text());
    assert_eq!(
        refused.headers["location"],
        "/connections/graph?problem=oauth.refused"
    );
    let spent = browser.open_once(&back).await;
    assert_eq!(spent.status, 400);
    assert!(spent.text().contains("oauth.state_invalid"));
}
