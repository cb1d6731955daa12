//! A running server for one test, and a client that says exactly what is sent.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use connect::{Cloud, Connector, EgressPolicy};
use http::{HeaderMap, Method, StatusCode};
use oauth::Secret;
use serde_json::Value;
use server::{App, Config};
use store::testing::TestStore;
use store::{Actor, Clock, Database, Role};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use url::Url;

/// How long something may take that comes by itself.
const PATIENCE: Duration = Duration::from_mins(1);

/// A password that nobody uses.
pub(crate) const PASSWORD: &str = "not-a-real-password";

/// A server on a free loopback port; it stops when the test is over.
pub(crate) struct House {
    pub(crate) url: String,
    pub(crate) address: SocketAddr,
    pub(crate) store: TestStore,
    pub(crate) clock: Clock,
    pub(crate) app: App,
    pub(crate) engine: engine::Local,
    pub(crate) sandbox: Option<sandbox::Sandbox>,
    stop: DropGuard,
    tracker: TaskTracker,
    client: reqwest::Client,
}

/// What a test wants different.
#[derive(Default)]
pub(crate) struct Wishes {
    pub(crate) sandbox: Sandbox,
    pub(crate) config: Option<ConfigChange>,
    pub(crate) engine: Option<EngineChange>,
}

/// A change of the server's settings.
pub(crate) type ConfigChange = Box<dyn FnOnce(&mut Config)>;

/// A change of the engine's settings.
pub(crate) type EngineChange = Box<dyn FnOnce(&mut engine::Config)>;

/// Whether a test needs the stand-in of Entra and Graph.
#[derive(Default, PartialEq)]
pub(crate) enum Sandbox {
    #[default]
    Absent,
    Running,
}

impl House {
    /// The usual server: no sandbox, every setting as documented.
    pub(crate) async fn new() -> House {
        House::with(Wishes::default()).await
    }

    /// A server with some settings changed.
    pub(crate) async fn configured(change: impl FnOnce(&mut Config) + 'static) -> House {
        House::with(Wishes {
            config: Some(Box::new(change)),
            ..Wishes::default()
        })
        .await
    }

    /// A server and a sandbox, declared as the cloud `sandbox`.
    pub(crate) async fn with_sandbox() -> House {
        House::with(Wishes {
            sandbox: Sandbox::Running,
            ..Wishes::default()
        })
        .await
    }

    pub(crate) async fn with(wishes: Wishes) -> House {
        let sandbox = match wishes.sandbox {
            Sandbox::Absent => None,
            Sandbox::Running => Some(sandbox::spawn(sandbox::Config::default()).await.unwrap()),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://localhost:{}", address.port());
        let public_url = Url::parse(&url).unwrap();
        // the sandbox lives in real time; a clock that starts there and is moved by hand serves both
        let clock = Clock::manual(Clock::system().now());
        let store = TestStore::open(Database::SqliteMemory, clock.clone())
            .await
            .unwrap();
        let tracker = TaskTracker::new();
        let mut connect = connect::Config::new(public_url.clone());
        connect.egress = EgressPolicy::parse(&["loopback"]).unwrap();
        connect.clouds.extend(sandbox.iter().map(|sandbox| Cloud {
            name: "sandbox".to_owned(),
            origin: Url::parse(sandbox.origin()).unwrap(),
            ca_certificate: Some(sandbox.ca_pem().to_owned()),
        }));
        let connector = Connector::new(store.store(), connect, tracker.clone()).unwrap();
        let mut config = Config::new(public_url);
        if let Some(change) = wishes.config {
            change(&mut config);
        }
        let mut runs = engine::Config::new(config.public_url.clone());
        runs.poll = Duration::from_millis(20);
        if let Some(change) = wishes.engine {
            change(&mut runs);
        }
        let stop = CancellationToken::new();
        let engine = engine::Local::new(
            store.store(),
            connector.clone(),
            runs,
            tracker.clone(),
            stop.clone(),
        );
        let app = App::new(
            store.store(),
            connector,
            engine.clone(),
            config,
            tracker.clone(),
        );
        tracker.spawn({
            let (app, stop) = (app.clone(), stop.clone());
            async move { server::serve(app, listener, None, stop).await.unwrap() }
        });
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        House {
            url,
            address,
            store,
            clock,
            app,
            engine,
            sandbox,
            stop: stop.drop_guard(),
            tracker,
            client,
        }
    }

    /// Tells the server to end; answers what waits until it has, and then gives the store.
    pub(crate) fn close(self) -> impl Future<Output = TestStore> {
        self.stop.disarm().cancel();
        drop((self.app, self.engine));
        self.tracker.close();
        async move {
            self.tracker.wait().await;
            self.store
        }
    }

    /// A new API key of this role.
    pub(crate) async fn key(&self, role: Role) -> String {
        let name = format!(
            "key-{role}-{}",
            self.store.keys().list(&Actor::local()).await.unwrap().len()
        );
        let (_, token) = self
            .store
            .keys()
            .create(&Actor::local(), &name, role, None)
            .await
            .unwrap();
        token.expose().to_owned()
    }

    /// A new user of this role with [`PASSWORD`].
    pub(crate) async fn user(&self, name: &str, role: Role) -> store::User {
        self.store
            .users()
            .add(&Actor::local(), name, &Secret::new(PASSWORD), role)
            .await
            .unwrap()
    }

    /// A session cookie for a user, as `Cookie` header.
    pub(crate) async fn session(&self, user: &store::User) -> String {
        let (_, token) = self.store.sessions().create(user).await.unwrap();
        format!("keyway-session={}", token.expose())
    }

    /// A request to this server.
    pub(crate) fn request(&self, method: &str, path: &str) -> Outgoing {
        let url = format!("http://{}{path}", self.address);
        Outgoing(
            self.client
                .request(Method::from_bytes(method.as_bytes()).unwrap(), url),
        )
    }

    /// A connection without a credential to an address on this machine.
    pub(crate) async fn plain_connection(&self, name: &str, base_url: &str) {
        let key = self.key(Role::Admin).await;
        let body = serde_json::json!({"name": name, "type": "none", "base_url": base_url});
        let answer = self
            .request("POST", "/api/v1/connections")
            .key(&key)
            .json(&body)
            .send()
            .await;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
}

/// A request on its way out.
pub(crate) struct Outgoing(reqwest::RequestBuilder);

impl Outgoing {
    pub(crate) fn key(self, key: &str) -> Outgoing {
        self.header("authorization", &format!("Bearer {key}"))
    }

    pub(crate) fn cookie(self, cookie: &str) -> Outgoing {
        self.header("cookie", cookie)
    }

    /// As a browser marks what a page of ours sends.
    pub(crate) fn own_page(self) -> Outgoing {
        self.header("sec-fetch-site", "same-origin")
    }

    pub(crate) fn header(self, name: &str, value: &str) -> Outgoing {
        Outgoing(self.0.header(name, value))
    }

    pub(crate) fn json(self, body: &Value) -> Outgoing {
        self.body("application/json", body.to_string())
    }

    pub(crate) fn body(self, content_type: &str, body: impl Into<reqwest::Body>) -> Outgoing {
        Outgoing(self.0.header("content-type", content_type).body(body))
    }

    pub(crate) async fn send(self) -> Answer {
        let response = self.0.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Answer {
            status,
            headers,
            text: response.text().await.unwrap(),
        }
    }

    pub(crate) async fn stream(self) -> reqwest::Response {
        self.0.send().await.unwrap()
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The code of a problem, after a look at its shape.
    pub(crate) fn code(&self) -> String {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{}",
            self.text
        );
        let problem = self.json();
        let code = problem["code"].as_str().unwrap().to_owned();
        assert_eq!(
            problem["type"],
            format!("https://keyway.example/problems/{code}")
        );
        assert_eq!(problem["status"], self.status.as_u16());
        assert_eq!(problem["trace_id"].as_str().unwrap().len(), 32);
        assert!(
            !problem["title"].as_str().unwrap().is_empty()
                && !problem["detail"].as_str().unwrap().is_empty()
        );
        code
    }

    /// Status, code and field of a problem, as one text.
    pub(crate) fn refusal(&self) -> String {
        let field = match self.json()["field"].as_str() {
            None | Some("") => String::new(),
            Some(field) => format!(" {field}"),
        };
        format!("{} {}{field}", self.status.as_u16(), self.code())
    }
}

/// An API on this machine, made of one handler for every path.
pub(crate) async fn api<F, R>(handler: F) -> String
where
    F: Fn(Request) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().fallback(handler);
    TaskTracker::new().spawn(async move { axum::serve(listener, app).await.unwrap() });
    format!("http://{address}")
}

/// An API that answers what it was sent, as JSON.
pub(crate) async fn echo() -> String {
    api(async |request: Request| {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 64 << 20).await.unwrap();
        let headers: Vec<(String, String)> = parts
            .headers
            .iter()
            .map(|(name, value)| {
                (
                    name.to_string(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect();
        let echo = serde_json::json!({
            "method": parts.method.as_str(),
            "target": parts.uri.to_string(),
            "headers": headers,
            "body": String::from_utf8_lossy(&body),
        });
        Response::builder()
            .header("content-type", "application/json")
            .header("set-cookie", "upstream=1")
            .header("request-id", "echo-1")
            .body(Body::from(echo.to_string()))
            .unwrap()
    })
    .await
}

/// Looks again and again until there is something to see.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(begun.elapsed() < PATIENCE, "it never came true that {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
