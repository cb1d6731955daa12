//! An API on a free port of this machine that tells what it was asked.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use serde_json::{Value, json};

/// What came in.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// The API; it ends with the test's process.
pub(crate) struct Upstream {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    gate: Arc<(Mutex<bool>, Condvar)>,
}

impl Upstream {
    pub(crate) fn start() -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let gate = Arc::new((Mutex::new(false), Condvar::new()));
        let upstream = Upstream {
            url,
            seen: seen.clone(),
            gate: gate.clone(),
        };
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (seen, gate) = (seen.clone(), gate.clone());
                std::thread::spawn(move || answer(stream, &seen, &gate));
            }
        });
        upstream
    }

    /// What came in so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn last(&self) -> Seen {
        self.seen().pop().expect("a request came in")
    }

    /// Lets requests to `/gate` go on.
    pub(crate) fn open_gate(&self) {
        *self.gate.0.lock().unwrap() = true;
        self.gate.1.notify_all();
    }
}

/// Answers one request and closes.
fn answer(stream: TcpStream, seen: &Mutex<Vec<Seen>>, gate: &(Mutex<bool>, Condvar)) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line).is_err() || line.is_empty() {
        return;
    }
    let mut words = line.split(' ');
    let (method, target) = (
        words.next().unwrap().to_owned(),
        words.next().unwrap_or_default().to_owned(),
    );
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let Some((name, value)) = header.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let request = Seen {
        method,
        target,
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    seen.lock().unwrap().push(request.clone());
    let path = request
        .target
        .split('?')
        .next()
        .unwrap_or_default()
        .to_owned();
    if path == "/gate" {
        let mut open = gate.0.lock().unwrap();
        while !*open {
            open = gate.1.wait(open).unwrap();
        }
    }
    let (status, kind, text) = content(&path, &request);
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nrequest-id: fake-request-1\r\nConnection: close\r\n\r\n",
        text.len() + usize::from(path == "/short")
    );
    let mut stream = reader.into_inner();
    stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(&text))
        .unwrap();
}

fn content(path: &str, request: &Seen) -> (u16, &'static str, Vec<u8>) {
    let json = |value: Value| value.to_string().into_bytes();
    match path {
        "/text" => (200, "text/plain", b"plain \x1b[31mtext".to_vec()),
        "/bytes" => (200, "application/octet-stream", vec![0, 255, 1]),
        "/large" => (200, "application/octet-stream", vec![b'x'; 17 << 20]),
        "/empty" => (204, "text/plain", Vec::new()),
        "/people" => (200, "application/json", json(people())),
        "/list" => (200, "application/json", json(list(&request.target))),
        "/missing" => (
            404,
            "application/json",
            json(json!({ "error": { "code": "NotThere" } })),
        ),
        "/broken" => (500, "text/html", b"<h1>broken</h1>".to_vec()),
        _ => (
            200,
            "application/json",
            json(
                json!({ "method": request.method, "target": request.target, "body": request.body }),
            ),
        ),
    }
}

/// A list of three pages, the second one empty; with `none` of no items, with `foreign` going on elsewhere.
fn list(target: &str) -> Value {
    let person = |n: u32| json!({ "displayName": format!("Person {n}\u{9b}31m"), "id": n });
    let (items, next) = if target.contains("none=1") {
        (vec![], None)
    } else if target.contains("foreign=1") {
        (
            vec![person(0), person(1)],
            Some("https://evil.example/list"),
        )
    } else if target.contains("skip=2") {
        (vec![], Some("list?skip=3"))
    } else if target.contains("skip=3") {
        ((2..5).map(person).collect(), None)
    } else {
        (vec![person(0), person(1)], Some("list?skip=2"))
    };
    json!({ "value": items, "@odata.nextLink": next })
}

/// A list like Graph's, with text that would steer a terminal.
fn people() -> Value {
    let people: Vec<Value> = (0..3)
        .map(|n| json!({ "displayName": format!("Person {n}\u{1b}[31m"), "userPrincipalName": format!("person{n}@contoso.example"), "id": format!("{n:036}"), "phones": [] }))
        .collect();
    json!({ "@odata.context": "x", "value": people })
}
