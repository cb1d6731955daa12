//! Lists as lines of JSON: what is streamed, how it ends, and what stays out of the log.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use base64::Engine as _;
use serde_json::{Value, json};
use store::{Actor, CallFilter, Role};

use crate::house::{Answer, House, api};

/// An API with lists: `/list` has three pages, the others go wrong on their second.
async fn lists() -> String {
    api(async |request: Request| {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let second = query.contains("skip=1");
        let third = query.contains("skip=2");
        let next = |at: &str| Value::from(format!("{}?skip={at}", request.uri().path()));
        let (items, next) = match (request.uri().path(), second, third) {
            ("/list", false, false) => (json!([{"n": 1}, {"n": 2}]), next("1")),
            ("/list", true, _) => (json!([]), next("2")),
            ("/list", _, true) => (json!([{"n": 3}]), Value::Null),
            ("/endless", ..) => {
                let at = query
                    .trim_start_matches("skip=")
                    .parse::<u64>()
                    .unwrap_or(10);
                (json!([0]), next(&(at + 1).to_string()))
            }
            ("/foreign", ..) => (json!([1]), json!("https://evil.example/")),
            ("/fails", false, _) => (json!([1]), next("1")),
            _ => {
                return Response::builder()
                    .status(503)
                    .header("content-type", "application/json")
                    .body(Body::from(
                        r#"{"error":{"code":"Down","message":"for a while"}}"#,
                    ))
                    .unwrap();
            }
        };
        let page = json!({"value": items, "@odata.nextLink": next});
        Response::builder()
            .header("content-type", "application/json")
            .body(Body::from(format!("{page:#}")))
            .unwrap()
    })
    .await
}

async fn read(house: &House, key: &str, list: &Value) -> Answer {
    house
        .request("POST", "/api/v1/connections/api/pages")
        .key(key)
        .json(list)
        .send()
        .await
}

fn lines(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    assert!(answer.text.ends_with('\n'));
    answer
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

async fn connected() -> (House, String) {
    let house = House::new().await;
    let key = house.key(Role::Operator).await;
    house.plain_connection("api", &lists().await).await;
    (house, key)
}

#[tokio::test]
async fn items_then_marks_then_the_end() {
    let (house, key) = connected().await;
    let got = lines(&read(&house, &key, &json!({"path": "/list"})).await);
    let kinds: Vec<&str> = got
        .iter()
        .map(|line| line.as_object().unwrap().keys().next().unwrap().as_str())
        .collect();
    assert_eq!(kinds, ["item", "item", "page", "page", "item", "end"]);
    assert_eq!(
        got[1],
        json!({"item": {"n": 2}}),
        "one line, though the API wrote several"
    );
    assert_eq!(
        (&got[3]["page"]["pages"], &got[3]["page"]["items"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(
        got[5],
        json!({"end": {"pages": 3, "items": 3, "cursor": null}})
    );
    // the first mark's cursor leads to the rest of the list, counted on
    let from = got[2]["page"]["cursor"].clone();
    let rest = lines(&read(&house, &key, &json!({"path": "/list", "from": from})).await);
    assert_eq!(rest, got[3..], "as it would have gone on");
    let cut = lines(&read(&house, &key, &json!({"path": "/list", "max_items": 1})).await);
    assert_eq!(cut[0], json!({"item": {"n": 1}}));
    let from = cut[1]["end"]["cursor"].clone();
    let rest = lines(&read(&house, &key, &json!({"path": "/list", "from": from})).await);
    assert_eq!(rest[0], json!({"item": {"n": 2}}));
}

#[tokio::test]
async fn trouble_before_the_first_page_is_a_problem_and_later_a_line() {
    let (house, key) = connected().await;
    let answer = read(&house, &key, &json!({"path": "/nothing"})).await;
    assert_eq!(answer.refusal(), "502 pagination.refused");
    assert!(
        answer.text.contains("503: Down: for a while"),
        "{}",
        answer.text
    );
    let answer = read(&house, &key, &json!({"path": "/list", "items": "/nowhere"})).await;
    assert_eq!(answer.refusal(), "502 pagination.items");
    for (path, code) in [
        ("/fails", "pagination.refused"),
        ("/foreign", "pagination.origin"),
    ] {
        let got = lines(&read(&house, &key, &json!({"path": path})).await);
        let last = got.last().unwrap();
        assert_eq!(last["problem"]["code"], code, "{last}");
        assert_eq!(last["problem"]["trace_id"].as_str().unwrap().len(), 32);
        assert!(last["cursor"].is_string());
        assert_eq!(got[0], json!({"item": 1}));
    }
    let limited = json!({"path": "/list", "max_pages": 2});
    let got = lines(&read(&house, &key, &limited).await);
    assert_eq!(got.last().unwrap()["problem"]["code"], "pagination.limit");
}

#[tokio::test]
async fn what_can_not_be_meant_is_refused() {
    let (house, key) = connected().await;
    for (list, expected) in [
        (json!({}), "400 body.invalid"),
        (
            json!({"path": "/list", "size": 0}),
            "400 body.invalid /size",
        ),
        (
            json!({"path": "/list", "max_items": 0}),
            "400 body.invalid /max_items",
        ),
        (
            json!({"path": "/list", "max_pages": 0}),
            "400 body.invalid /max_pages",
        ),
        (
            json!({"path": "/list", "max_items": -1}),
            "400 body.invalid /max_items",
        ),
        (
            json!({"path": "/list", "size": 4_294_967_296_u64}),
            "400 body.invalid /size",
        ),
        (
            json!({"path": "/list", "size_parameter": "x"}),
            "400 body.invalid /size_parameter",
        ),
        (
            json!({"path": "/list", "style": "spiral"}),
            "400 body.invalid /style",
        ),
        (
            json!({"path": "/list", "style": "cursor"}),
            "400 body.invalid /next",
        ),
        (
            json!({"path": "/list", "next": "/a"}),
            "400 body.invalid /next",
        ),
        (
            json!({"path": "/list", "style": "odata", "total": "/a"}),
            "400 body.invalid /total",
        ),
        (
            json!({"path": "/list", "style": "page", "total": "/a", "more": "/b"}),
            "400 body.invalid /more",
        ),
        (
            json!({"path": "/list", "style": "offset", "first": 0}),
            "400 body.invalid /first",
        ),
        (
            json!({"path": "/list", "from": "forged"}),
            "400 body.invalid /from",
        ),
        (
            json!({"path": "/list", "from": ""}),
            "400 body.invalid /from",
        ),
        (
            json!({"path": "/list", "method": "POST"}),
            "400 body.invalid /method",
        ),
        (
            json!({"path": "https://evil.example/"}),
            "400 connection.origin_forbidden",
        ),
        (
            json!({"path": "/list", "headers": {"Authorization": "x"}}),
            "400 header.forbidden",
        ),
    ] {
        let answer = read(&house, &key, &list).await;
        assert_eq!(answer.refusal(), expected, "{list}: {}", answer.text);
    }
    // a cursor that was made elsewhere leads nowhere else
    let forged = json!({
        "at": {"url": "https://evil.example/steal"}, "pages": 1, "items": 0, "skip": 0,
        "trail": {"mark": 0, "power": 0, "steps": 0, "empty": 0},
    });
    let forged = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(forged.to_string());
    let answer = read(&house, &key, &json!({"path": "/list", "from": forged})).await;
    assert_eq!(answer.refusal(), "502 pagination.origin");
}

#[tokio::test]
async fn every_page_is_in_the_call_log() {
    let (house, key) = connected().await;
    lines(&read(&house, &key, &json!({"path": "/list?a=b"})).await);
    let store = house.close().await;
    let rows = store
        .calls()
        .list(&Actor::local(), &CallFilter::default())
        .await
        .unwrap();
    assert_eq!(rows.len(), 3);
    for row in rows {
        assert_eq!(
            (row.record.method.as_str(), row.record.path.as_str()),
            ("GET", "/list")
        );
        assert_eq!((row.record.status, row.record.attempts), (Some(200), 1));
    }
}

#[tokio::test]
async fn a_reader_that_leaves_ends_the_reading() {
    let (house, key) = connected().await;
    let mut answer = house
        .request("POST", "/api/v1/connections/api/pages")
        .key(&key)
        .json(&json!({"path": "/endless"}))
        .stream()
        .await;
    assert!(answer.chunk().await.unwrap().is_some());
    drop(answer);
    // waits for every task of the server: a list without end would keep it for ever
    house.close().await;
}
