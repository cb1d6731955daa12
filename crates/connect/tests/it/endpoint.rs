//! A provider and its API on one port that answer byte for byte what a test says, and remember what was asked.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connect::{
    ApiRequest, ApiResponse, CallError, CallbackError, Card, Config, Connector, EgressPolicy,
    Explanation, Form, FormSecret, Proof, Timeouts,
};
use http::Method;
use jiff::SignedDuration;
use oauth::{Callback, Secret};
use serde_json::{Value, json};
use store::testing::TestStore;
use store::{Actor, ConnectionId, TokenRow};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;
use url::Url;

use crate::house::{name, ticket};

/// The client secret of all connections here.
pub(crate) const SECRET: &str = "visibly-fake-client-secret";
/// The first refresh token.
pub(crate) const REFRESH: &str = "fake-refresh-1";

/// What becomes of a token request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// An answer of these bytes, head included.
    Bytes(Vec<u8>),
    /// These bytes, then nothing more, and the line stays open.
    Stalled(Vec<u8>),
    /// One byte of this every so often.
    Dripping(Vec<u8>, Duration),
    /// These bytes, then the line breaks.
    Broken(Vec<u8>),
}

/// An answer with a status, further header lines and a body.
pub(crate) fn reply(status: &str, lines: &str, body: impl AsRef<[u8]>) -> Reply {
    let body = body.as_ref();
    let length = body.len();
    let mut bytes = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\n{lines}content-length: {length}\r\n\r\n"
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    Reply::Bytes(bytes)
}

/// A JSON answer.
pub(crate) fn json_reply(status: &str, lines: &str, body: &Value) -> Reply {
    reply(
        status,
        &format!("content-type: application/json\r\n{lines}"),
        body.to_string(),
    )
}

/// A token as providers give it; the members given are added, and those that are null left out.
pub(crate) fn token(members: &Value) -> Reply {
    let mut body =
        json!({ "access_token": "fake-access-token", "token_type": "Bearer", "expires_in": 3600 });
    let object = body.as_object_mut().unwrap();
    for (member, value) in members.as_object().unwrap() {
        object.insert(member.clone(), value.clone());
    }
    object.retain(|_, value| !value.is_null());
    json_reply("200 OK", "", &body)
}

#[derive(Default)]
struct Told {
    replies: VecDeque<Reply>,
    /// What the API answers, 200 when there is nothing.
    statuses: VecDeque<u16>,
    forms: Vec<BTreeMap<String, String>>,
    others: Vec<String>,
}

/// A connector, a provider on its own port, and a connection `graph` between them.
pub(crate) struct Endpoint {
    pub(crate) connector: Connector,
    pub(crate) store: TestStore,
    pub(crate) address: SocketAddr,
    told: Arc<Mutex<Told>>,
}

impl Endpoint {
    /// An app that asks for its token itself; nothing has been asked yet.
    pub(crate) async fn app_only(timeouts: Timeouts) -> Endpoint {
        let endpoint = Endpoint::start(timeouts).await;
        endpoint.create(endpoint.form("client_credentials")).await;
        endpoint
    }

    /// A connection to which somebody has signed in: one token request was sent, and `REFRESH` is stored.
    pub(crate) async fn signed_in() -> Endpoint {
        Endpoint::signed_in_waiting(Timeouts::default()).await
    }

    pub(crate) async fn signed_in_waiting(timeouts: Timeouts) -> Endpoint {
        let endpoint = Endpoint::start(timeouts).await;
        let form = Form {
            authorization_endpoint: Some(format!("{}/authorize", endpoint.origin())),
            ..endpoint.form("authorization_code")
        };
        endpoint.create(form).await;
        endpoint.says(token(&json!({ "refresh_token": REFRESH })));
        endpoint.sign_in().await;
        assert_eq!(endpoint.asked().len(), 1);
        endpoint
    }

    async fn start(timeouts: Timeouts) -> Endpoint {
        let told = Arc::new(Mutex::new(Told::default()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let known = Arc::clone(&told);
        TaskTracker::new().spawn(async move {
            let tracker = TaskTracker::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tracker.spawn(serve(stream, Arc::clone(&known)));
            }
        });
        let store = store::testing::sqlite_memory().await;
        let mut config = Config::new(Url::parse("http://localhost:8800").unwrap());
        config.egress = EgressPolicy::parse(&["loopback"]).unwrap();
        config.timeouts = timeouts;
        let connector = Connector::new(store.store(), config, TaskTracker::new()).unwrap();
        Endpoint {
            connector,
            store,
            address,
            told,
        }
    }

    fn form(&self, grant: &str) -> Form {
        let origin = self.origin();
        Form {
            name: Some("graph".to_owned()),
            grant: Some(grant.to_owned()),
            token_endpoint: Some(format!("{origin}/token")),
            base_url: Some(origin),
            client_id: Some("fake-client-id".to_owned()),
            client_secret: Some(FormSecret::new(SECRET)),
            client_authentication: Some("client_secret_post".to_owned()),
            scope: Some("read write offline_access".to_owned()),
            ..Form::default()
        }
    }

    async fn create(&self, form: Form) {
        let made = self
            .connector
            .create(&Actor::local(), form, Proof::Later)
            .await;
        made.unwrap();
    }

    /// A connection to an issuer whose metadata promises `iss` (RFC 9207).
    pub(crate) async fn promising_its_issuer() -> Endpoint {
        let endpoint = Endpoint::start(Timeouts::default()).await;
        let form = Form {
            preset: Some("oidc".to_owned()),
            issuer: Some(endpoint.origin()),
            token_endpoint: None,
            scope: Some("openid offline_access".to_owned()),
            ..endpoint.form("authorization_code")
        };
        endpoint.create(form).await;
        endpoint
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Signs in; answers the authorization request's parameters.
    pub(crate) async fn sign_in(&self) -> BTreeMap<String, String> {
        let (asked, ended) = self.comes_back_with("").await;
        ended.unwrap();
        asked
    }

    /// Begins a sign-in and comes back with a code and more; answers what was asked and how it ended.
    pub(crate) async fn comes_back_with(
        &self,
        more: &str,
    ) -> (BTreeMap<String, String>, Result<(), CallbackError>) {
        let actor = Actor::local();
        let started = self.connector.authorize(&actor, &name("graph")).await;
        let browser = Secret::new("browser-nonce");
        let ticket = ticket(&started.unwrap().url);
        let sent = self.connector.start(&ticket, &browser, None).await.unwrap();
        let asked: BTreeMap<String, String> = sent.query_pairs().into_owned().collect();
        let callback = Url::parse(&asked["redirect_uri"]).unwrap();
        let query = format!("code=fake-code&state={}{more}", asked["state"]);
        let path = callback.path().rsplit('/').next().unwrap();
        let callback = Callback::parse(&query).unwrap();
        let ended = self
            .connector
            .callback(path, Some(&browser), None, callback);
        (asked, ended.await.map(|_| ()))
    }

    /// Says what the next token requests are answered with; after that each gets a good token.
    pub(crate) fn says(&self, reply: Reply) -> &Endpoint {
        self.told.lock().unwrap().replies.push_back(reply);
        self
    }

    /// Says with which status the API answers next.
    pub(crate) fn api_says(&self, status: u16) {
        self.told.lock().unwrap().statuses.push_back(status);
    }

    /// The token requests so far.
    pub(crate) fn asked(&self) -> Vec<BTreeMap<String, String>> {
        self.told.lock().unwrap().forms.clone()
    }

    /// All other requests so far: method, path and query.
    pub(crate) fn others(&self) -> Vec<String> {
        self.told.lock().unwrap().others.clone()
    }

    /// Lets the stored token end.
    pub(crate) fn expire(&self) {
        self.store.clock.advance(SignedDuration::from_hours(25));
    }

    pub(crate) async fn call(&self) -> Result<ApiResponse, CallError> {
        let request = ApiRequest::new(Method::GET, "/things");
        self.connector
            .call(&Actor::local(), &name("graph"), request)
            .await
    }

    /// Calls after the token's end, and answers which code the refused renewal left and what Keyway says.
    pub(crate) async fn refused(&self) -> (CallError, Explanation) {
        self.expire();
        let error = self.call().await.unwrap_err();
        (error, self.explain().await)
    }

    pub(crate) async fn card(&self) -> Card {
        let card = self.connector.card(&Actor::local(), &name("graph")).await;
        card.unwrap()
    }

    pub(crate) async fn explain(&self) -> Explanation {
        let told = self
            .connector
            .explain(&Actor::local(), &name("graph"))
            .await;
        told.unwrap()
    }

    async fn row(&self) -> TokenRow {
        let id = ConnectionId::parse(&self.card().await.id).unwrap();
        self.store.tokens().read(&id).await.unwrap()
    }

    /// The refresh token that is stored, and its generation.
    pub(crate) async fn stored(&self) -> (Option<Secret>, i64) {
        let row = self.row().await;
        let token = row.token.and_then(|token| token.refresh_token);
        (token, row.generation)
    }

    /// Whether a renewal was begun whose outcome is not known.
    pub(crate) async fn intent_is_open(&self) -> bool {
        self.row().await.intent.is_some()
    }
}

fn metadata_of(address: SocketAddr) -> Value {
    let issuer = format!("http://{address}");
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "authorization_response_iss_parameter_supported": true,
    })
}

/// One request: a token request gets the next reply, a page of sign-in is a page, everything else is the API.
async fn serve(mut stream: TcpStream, told: Arc<Mutex<Told>>) {
    let Some((line, body)) = request(&mut stream).await else {
        return;
    };
    if !line.starts_with("POST /token") {
        let metadata = line.contains("/.well-known/");
        let status = {
            let mut told = told.lock().unwrap();
            told.others.push(line);
            told.statuses.pop_front().unwrap_or(200)
        };
        let body = if metadata {
            metadata_of(stream.local_addr().unwrap())
        } else {
            json!({ "fine": true })
        };
        if let Reply::Bytes(answer) = json_reply(&format!("{status} So"), "", &body) {
            let _ = stream.write_all(&answer).await;
        }
        return;
    }
    let reply = {
        let mut told = told.lock().unwrap();
        let form = url::form_urlencoded::parse(&body).into_owned().collect();
        told.forms.push(form);
        told.replies
            .pop_front()
            .unwrap_or_else(|| token(&json!({})))
    };
    match reply {
        Reply::Bytes(bytes) | Reply::Broken(bytes) => {
            let _ = stream.write_all(&bytes).await;
        }
        Reply::Stalled(bytes) => {
            let _ = stream.write_all(&bytes).await;
            // until whoever asks has lost patience
            let _ = stream.read(&mut [0]).await;
        }
        Reply::Dripping(bytes, pause) => {
            for byte in bytes {
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(pause).await;
            }
        }
    }
}

/// Reads a request whole: its first line up to the version, and its body.
async fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let (head, length) = loop {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await.ok()?;
        if read == 0 {
            return None;
        }
        bytes.extend_from_slice(&piece[..read]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        break (end + 4, length.unwrap_or(0));
    };
    while bytes.len() < head + length {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await.ok()?;
        if read == 0 {
            return None;
        }
        bytes.extend_from_slice(&piece[..read]);
    }
    let line = String::from_utf8_lossy(&bytes).lines().next()?.to_owned();
    let line = line.trim_end_matches(" HTTP/1.1").to_owned();
    Some((line, bytes[head..head + length].to_vec()))
}
