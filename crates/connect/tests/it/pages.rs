//! Lists in pages: four styles, each with an empty page in the middle, a loop and a foreign origin.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use connect::{
    ApiRequest, Form, FormSecret, More, Page, PageCursor, PageError, PageSize, PageStyle, Paging,
    QueryKey, Timeouts,
};
use http::Method;
use serde_json::{Value, json};
use store::Actor;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::calls::{Plain, bearer, plain};
use crate::house::{House, name};

/// An API with one list, and the requests that it got.
#[derive(Clone)]
struct Lists {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Lists {
    async fn start() -> Lists {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let lists = Lists {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
        };
        let router = Router::new().fallback(answer).with_state(lists.clone());
        TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
        lists
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    async fn connected() -> (Lists, Plain) {
        let lists = Lists::start().await;
        let plain = plain(&["loopback"], Timeouts::default()).await;
        plain.create(bearer("api", lists.address)).await;
        (lists, plain)
    }
}

/// Four pages: two items, none, two, one.
fn page(at: usize) -> Value {
    [json!([1, 2]), json!([]), json!([3, 4]), json!([5])]
        .get(at)
        .cloned()
        .unwrap_or(json!([]))
}

fn number(uri: &Uri, name: &str) -> Option<usize> {
    let pairs = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    pairs
        .into_iter()
        .find(|(found, _)| found == name)
        .map(|(_, value)| value.parse().unwrap())
}

async fn answer(State(lists): State<Lists>, request: Request) -> Response {
    let uri = request.uri();
    lists.seen.lock().unwrap().push(uri.to_string());
    assert!(
        request.headers().contains_key(header::AUTHORIZATION) || uri.path().starts_with("/key")
    );
    by_odata(&lists, uri)
        .or_else(|| by_header(&lists, uri))
        .or_else(|| by_count(uri))
        .unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}

fn by_odata(lists: &Lists, uri: &Uri) -> Option<Response> {
    let own = format!("http://{}", lists.address);
    let at = number(uri, "skip").unwrap_or(0);
    let odata = |at: usize, next: Option<String>| {
        axum::Json(json!({ "value": page(at), "@odata.nextLink": next })).into_response()
    };
    Some(match uri.path() {
        "/odata" => odata(at, (at < 3).then(|| format!("{own}/odata?skip={}", at + 1))),
        "/relative" => odata(at, (at < 3).then(|| format!("relative?skip={}", at + 1))),
        "/odata-itself" => odata(0, Some(format!("{own}{uri}"))),
        "/odata-loop" => odata(
            at,
            Some(format!(
                "{own}/odata-loop?skip={}",
                if at == 2 { 0 } else { at + 1 }
            )),
        ),
        "/odata-foreign" => odata(0, Some("https://evil.example/odata?skip=1".to_owned())),
        "/odata-scheme" => odata(0, Some(format!("https://{}/odata", lists.address))),
        "/endless" => odata(0, Some(format!("{own}/endless?skip={}", at + 1))),
        "/key" => {
            // writes the caller's key into its link, as some APIs do
            odata(
                at,
                (at < 3).then(|| format!("{own}/key?api_key=fake-query-key-0123&skip={}", at + 1)),
            )
        }
        _ => return None,
    })
}

fn by_header(lists: &Lists, uri: &Uri) -> Option<Response> {
    let own = format!("http://{}", lists.address);
    let at = number(uri, "page").unwrap_or(0);
    Some(match uri.path() {
        "/link" => {
            let link = format!(
                "<{own}/first>; rel=\"first\", </link?page={}>; rel=\"next\"",
                at + 1
            );
            let mut response = axum::Json(page(at)).into_response();
            if at < 3 {
                response
                    .headers_mut()
                    .insert(header::LINK, link.parse().unwrap());
            }
            response
        }
        "/link-loop" => (
            [(header::LINK, "</link-loop>; rel=next")],
            axum::Json(page(0)),
        )
            .into_response(),
        "/link-foreign" => (
            [(header::LINK, "<//evil.example/x>; rel=next")],
            axum::Json(page(0)),
        )
            .into_response(),
        _ => return None,
    })
}

fn by_count(uri: &Uri) -> Option<Response> {
    let number = |name: &str| number(uri, name);
    Some(match uri.path() {
        "/cursor" => {
            let at = number("after").unwrap_or(0);
            let next = (at < 3).then(|| (at + 1).to_string());
            axum::Json(json!({ "list": { "users": page(at) }, "meta": { "next": next } }))
                .into_response()
        }
        "/cursor-loop" => {
            axum::Json(json!({ "items": [1], "meta": { "next": "same" } })).into_response()
        }
        "/offset" => {
            let (from, size) = (number("offset").unwrap(), number("limit").unwrap());
            let items: Vec<usize> = (from..(from + size).min(8))
                .filter(|n| !(2..4).contains(n))
                .collect();
            axum::Json(json!({ "items": items, "total": 8, "more": from + size < 8 }))
                .into_response()
        }
        "/numbered" => {
            let at = number("page").unwrap() - 1;
            axum::Json(json!({ "items": page(at), "more": at < 3 })).into_response()
        }
        "/deaf" => axum::Json(json!({ "items": [1, 2], "total": 1000 })).into_response(),
        "/void" => axum::Json(json!({ "items": [], "more": true })).into_response(),
        "/html" => "<html>".into_response(),
        "/refuses" => (
            StatusCode::FORBIDDEN,
            axum::Json(json!({"error": {"code": "Denied", "message": "not you"}})),
        )
            .into_response(),
        _ => return None,
    })
}

fn styled(style: PageStyle) -> Paging {
    Paging {
        style: Some(style),
        ..Paging::default()
    }
}

/// Everything that a stream gives: items, and how it ended.
async fn read(plain: &Plain, target: &str, paging: Paging) -> (Vec<String>, Option<PageError>) {
    let mut pages = plain.connector.pages(
        &Actor::local(),
        &name("api"),
        ApiRequest::new(Method::GET, target),
        paging,
        None,
    );
    let mut items = Vec::new();
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => items.extend(texts(&page)),
            Err(error) => {
                assert!(
                    pages.next().await.is_none(),
                    "after an error there is nothing"
                );
                return (items, Some(error));
            }
        }
    }
    (items, None)
}

fn texts(page: &Page) -> Vec<String> {
    page.items
        .iter()
        .map(|item| item.get().to_owned())
        .collect()
}

/// A style, what its list is called, and how long it may take.
fn styles() -> Vec<(&'static str, Paging)> {
    let sized = |paging: Paging, parameter: &str| Paging {
        size: Some(PageSize {
            parameter: parameter.to_owned(),
            size: 2,
        }),
        ..paging
    };
    let offset = |more| {
        sized(
            styled(PageStyle::Offset {
                parameter: "offset".to_owned(),
                more: Some(more),
            }),
            "limit",
        )
    };
    vec![
        ("/odata", styled(PageStyle::OData)),
        ("/odata", styled(PageStyle::Links)),
        ("/relative", styled(PageStyle::OData)),
        ("/link", styled(PageStyle::Link)),
        ("/link", styled(PageStyle::Links)),
        (
            "/cursor",
            Paging {
                items: Some("/list/users".to_owned()),
                ..styled(PageStyle::Cursor {
                    parameter: "after".to_owned(),
                    next: "/meta/next".to_owned(),
                })
            },
        ),
        ("/offset", offset(More::Total("/total".to_owned()))),
        ("/offset", offset(More::Flag("/more".to_owned()))),
        (
            "/numbered",
            styled(PageStyle::Number {
                parameter: "page".to_owned(),
                first: 1,
                more: Some(More::Flag("/more".to_owned())),
            }),
        ),
    ]
}

#[tokio::test]
async fn each_style_reads_past_an_empty_page_in_the_middle() {
    for (target, paging) in styles() {
        let (lists, plain) = Lists::connected().await;
        let (items, error) = read(&plain, target, paging.clone()).await;
        assert!(error.is_none(), "{target} {paging:?}: {error:?}");
        let expected: &[&str] = if target == "/offset" {
            &["0", "1", "4", "5", "6", "7"]
        } else {
            &["1", "2", "3", "4", "5"]
        };
        assert_eq!(items, expected, "{target} {paging:?}");
        assert_eq!(lists.seen().len(), 4, "{target}: {:?}", lists.seen());
    }
}

#[tokio::test]
async fn one_page_per_request_with_a_cursor_that_was_stored() {
    for (target, paging) in styles() {
        let (_lists, plain) = Lists::connected().await;
        let request = ApiRequest::new(Method::GET, target);
        let mut stored: Option<String> = None;
        let (mut items, mut pages) = (Vec::new(), 0);
        loop {
            let cursor = stored
                .as_deref()
                .map(|text| PageCursor::parse(text).unwrap());
            let page = plain
                .connector
                .page(
                    &Actor::local(),
                    &name("api"),
                    &request,
                    &paging,
                    cursor.as_ref(),
                )
                .await
                .unwrap();
            items.extend(texts(&page));
            pages += 1;
            match page.next {
                Some(next) => stored = Some(next.to_string()),
                None => break,
            }
        }
        assert_eq!(
            (pages, items.len()),
            (4, if target == "/offset" { 6 } else { 5 }),
            "{target}"
        );
    }
}

#[tokio::test]
async fn a_loop_is_noticed_in_each_style() {
    let cursor = PageStyle::Cursor {
        parameter: "after".to_owned(),
        next: "/meta/next".to_owned(),
    };
    let offset = PageStyle::Offset {
        parameter: "offset".to_owned(),
        more: Some(More::Total("/total".to_owned())),
    };
    let number = |more| PageStyle::Number {
        parameter: "page".to_owned(),
        first: 0,
        more,
    };
    for (target, style, requests) in [
        ("/odata-itself", PageStyle::OData, 1),
        ("/odata-loop", PageStyle::OData, 4),
        ("/link-loop", PageStyle::Link, 1),
        ("/cursor-loop", cursor, 2),
        ("/deaf", offset, 2),
        ("/deaf", number(None), 2),
        ("/void", number(Some(More::Flag("/more".to_owned()))), 101),
    ] {
        let (lists, plain) = Lists::connected().await;
        let (_, error) = read(&plain, target, styled(style)).await;
        let error = error.unwrap();
        assert_eq!(error.code(), "pagination.loop", "{target}: {error}");
        assert_eq!(lists.seen().len(), requests, "{target}: {:?}", lists.seen());
    }
}

#[tokio::test]
async fn the_next_page_stays_on_the_allowed_origins() {
    for (target, style, host) in [
        ("/odata-foreign", PageStyle::OData, "https://evil.example"),
        ("/odata-scheme", PageStyle::OData, "https://127.0.0.1"),
        ("/link-foreign", PageStyle::Link, "http://evil.example"),
        ("/link-foreign", PageStyle::Links, "http://evil.example"),
    ] {
        let (lists, plain) = Lists::connected().await;
        let (items, error) = read(&plain, target, styled(style)).await;
        let error = error.unwrap();
        assert_eq!(error.code(), "pagination.origin", "{target}: {error}");
        assert!(error.to_string().contains(host), "{error}");
        assert_eq!(items, ["1", "2"], "what was read before is delivered");
        assert_eq!(lists.seen().len(), 1);
    }
}

#[tokio::test]
async fn limits_at_their_edges() {
    let (lists, plain) = Lists::connected().await;
    for (limit, fine) in [(3, false), (4, true), (5, true)] {
        let paging = Paging {
            max_pages: Some(limit),
            ..styled(PageStyle::OData)
        };
        let (items, error) = read(&plain, "/odata", paging).await;
        match error {
            None => assert!(fine && items.len() == 5, "{limit}"),
            Some(error) => {
                assert!(!fine, "{limit}: {error}");
                assert_eq!((error.code(), items.len()), ("pagination.limit", 4));
            }
        }
    }
    for (most, requests) in [(1, 1), (2, 1), (3, 3), (4, 3), (5, 4), (6, 4)] {
        lists.seen.lock().unwrap().clear();
        let paging = Paging {
            max_items: Some(most),
            ..styled(PageStyle::OData)
        };
        let (items, error) = read(&plain, "/odata", paging).await;
        assert!(error.is_none(), "{error:?}");
        assert_eq!(items.len() as u64, most.min(5));
        assert_eq!(lists.seen().len(), requests, "{most}: {:?}", lists.seen());
    }
    let paging = Paging {
        max_pages: Some(connect::PAGE_LIMIT),
        ..styled(PageStyle::OData)
    };
    lists.seen.lock().unwrap().clear();
    let (items, error) = read(&plain, "/endless", paging).await;
    assert_eq!(error.unwrap().code(), "pagination.limit");
    assert_eq!((items.len(), lists.seen().len()), (2_000, 1_000));
}

#[tokio::test]
async fn a_list_that_was_cut_goes_on_at_the_very_item() {
    let (_lists, plain) = Lists::connected().await;
    let request = ApiRequest::new(Method::GET, "/odata");
    let mut cursor = None;
    let mut items = Vec::new();
    for most in 1.. {
        let paging = Paging {
            max_items: Some(most),
            ..styled(PageStyle::OData)
        };
        let page = plain
            .connector
            .page(
                &Actor::local(),
                &name("api"),
                &request,
                &paging,
                cursor.as_ref(),
            )
            .await
            .unwrap();
        items.extend(texts(&page));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(items, ["1", "2", "3", "4", "5"]);
}

#[tokio::test]
async fn a_query_key_in_the_apis_link_is_neither_doubled_nor_kept() {
    let lists = Lists::start().await;
    let plain = plain(&["loopback"], Timeouts::default()).await;
    plain
        .create(Form {
            name: Some("api".to_owned()),
            kind: Some("query_key".to_owned()),
            query_key: Some(QueryKey {
                name: "api_key".to_owned(),
                value: Some(FormSecret::new("fake-query-key-0123")),
            }),
            base_url: Some(format!("http://{}", lists.address)),
            ..Form::default()
        })
        .await;
    let request = ApiRequest::new(Method::GET, "/key");
    let page = plain
        .connector
        .page(
            &Actor::local(),
            &name("api"),
            &request,
            &styled(PageStyle::OData),
            None,
        )
        .await
        .unwrap();
    let cursor = page.next.unwrap();
    let json = base64::Engine::decode(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
        cursor.to_string(),
    )
    .unwrap();
    let json = String::from_utf8(json).unwrap();
    assert!(json.contains("skip=1") && !json.contains("key="), "{json}");
    let (items, error) = read(&plain, "/key", styled(PageStyle::OData)).await;
    assert!(error.is_none() && items.len() == 5, "{error:?}");
    for seen in lists.seen() {
        assert_eq!(
            seen.matches("api_key=fake-query-key-0123").count(),
            1,
            "{seen}"
        );
    }
}

#[tokio::test]
async fn what_is_no_page_is_named() {
    let (lists, plain) = Lists::connected().await;
    let check = async |target: &str, code: &str, words: &str| {
        let (_, error) = read(&plain, target, styled(PageStyle::Links)).await;
        let error = error.unwrap();
        assert_eq!(error.code(), code, "{target}: {error}");
        assert!(error.to_string().contains(words), "{error}");
    };
    check("/html", "pagination.items", "page 1 holds no list").await;
    check("/refuses", "pagination.refused", "403: Denied: not you").await;
    check("/nothing", "pagination.refused", "404").await;
    check(
        "https://evil.example/",
        "connection.origin_forbidden",
        "evil.example",
    )
    .await;
    let before = lists.seen().len();
    let outcome = plain
        .connector
        .page(
            &Actor::local(),
            &name("api"),
            &ApiRequest::new(Method::POST, "/odata"),
            &Paging::default(),
            None,
        )
        .await;
    assert_eq!(outcome.unwrap_err().code(), "request.target_invalid");
    assert_eq!(lists.seen().len(), before, "nothing was sent");
}

#[tokio::test]
async fn graph_is_asked_for_as_many_as_it_gives() {
    let config = sandbox::Config {
        users: 2_100,
        ..sandbox::Config::default()
    };
    let house = House::beside(store::testing::sqlite_memory().await, config).await;
    house.create(house.app_only("graph")).await;
    let read = async |target: &str, max_items: Option<u64>| {
        let before = house.log().await.len();
        let mut pages = house.connector.pages(
            &house.actor,
            &name("graph"),
            ApiRequest::new(Method::GET, target),
            Paging {
                max_items,
                ..Paging::default()
            },
            None,
        );
        let mut sizes = Vec::new();
        while let Some(page) = pages.next().await {
            sizes.push(page.unwrap().items.len());
        }
        let log = house.log().await;
        let asked = log[before..]
            .iter()
            .filter(|line| line["path"] == "/v1.0/users");
        assert_eq!(asked.count(), sizes.len());
        sizes
    };
    assert_eq!(read("/users", None).await, [999, 999, 102]);
    assert_eq!(
        read("/users?$top=700&$select=id", None).await,
        [700, 700, 700]
    );
    assert_eq!(read("/users", Some(5)).await, [5]);
    assert_eq!(read("/users", Some(1_000)).await, [999, 1]);
    assert_eq!(
        read("/users?$filter=startswith(displayName,'zzz')", None).await,
        [0]
    );
}
