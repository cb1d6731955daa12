//! What the tests share: a sandbox, a store, a connector, and a person with a browser.

use std::collections::HashMap;
use std::time::Duration;

use connect::{
    ApiRequest, ApiResponse, CallError, CallbackError, Card, Cloud, Config, Connector,
    EgressPolicy, Explanation, Form, FormSecret, Proof,
};
use http::{Method, StatusCode, header};
use jiff::SignedDuration;
use oauth::{Callback, Secret};
use sandbox::{Facts, Sandbox, UserFacts};
use serde_json::{Value, json};
use store::testing::TestStore;
use store::{Actor, ConnectionName, Store};
use tokio_util::task::TaskTracker;
use url::Url;

pub(crate) const PUBLIC_URL: &str = "http://localhost:8800";

/// A sandbox, a store and a connector.
pub(crate) struct House {
    pub(crate) sandbox: Sandbox,
    pub(crate) store: TestStore,
    pub(crate) connector: Connector,
    pub(crate) actor: Actor,
    control: reqwest::Client,
}

pub(crate) fn name(text: &str) -> ConnectionName {
    ConnectionName::parse(text).unwrap()
}

/// A house on SQLite in memory.
pub(crate) async fn house() -> House {
    House::on(store::testing::sqlite_memory().await).await
}

impl House {
    pub(crate) async fn on(store: TestStore) -> House {
        House::beside(store, sandbox::Config::default()).await
    }

    pub(crate) async fn beside(store: TestStore, config: sandbox::Config) -> House {
        let sandbox = sandbox::spawn(config).await.unwrap();
        let connector = connector(&sandbox, store.store(), PUBLIC_URL);
        let control = client(&sandbox);
        House {
            sandbox,
            store,
            connector,
            actor: Actor::local(),
            control,
        }
    }

    pub(crate) fn facts(&self) -> &Facts {
        self.sandbox.facts()
    }

    pub(crate) fn user(&self, at: usize) -> UserFacts {
        self.facts().users[at].clone()
    }

    /// The seeded app, calling for itself.
    pub(crate) fn app_only(&self, name: &str) -> Form {
        let app = &self.facts().app;
        Form {
            name: Some(name.to_owned()),
            preset: Some("microsoft-graph".to_owned()),
            cloud: Some("sandbox".to_owned()),
            tenant: Some(self.facts().tenant_id.clone()),
            grant: Some("client_credentials".to_owned()),
            client_id: Some(app.client_id.clone()),
            client_secret: Some(FormSecret::new(app.client_secret.clone())),
            scope: Some("https://graph.microsoft.com/.default".to_owned()),
            ..Form::default()
        }
    }

    /// The seeded app, for a person.
    pub(crate) fn delegated(&self, name: &str) -> Form {
        Form {
            grant: Some("authorization_code".to_owned()),
            scope: Some("openid profile offline_access User.Read.All".to_owned()),
            ..self.app_only(name)
        }
    }

    pub(crate) async fn create(&self, form: Form) -> Card {
        self.connector
            .create(&self.actor, form, Proof::Now)
            .await
            .unwrap()
    }

    pub(crate) async fn change(&self, of: &str, change: Form) -> connect::Changed {
        self.connector
            .change(&self.actor, &name(of), None, change)
            .await
            .unwrap()
    }

    pub(crate) async fn get(&self, of: &str, target: &str) -> Result<ApiResponse, CallError> {
        self.connector
            .call(&self.actor, &name(of), ApiRequest::new(Method::GET, target))
            .await
    }

    pub(crate) async fn users(&self, of: &str) -> ApiResponse {
        let answer = self.get(of, "/v1.0/users?$top=5").await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        answer
    }

    pub(crate) async fn card(&self, of: &str) -> Card {
        self.connector.card(&self.actor, &name(of)).await.unwrap()
    }

    pub(crate) async fn explain(&self, of: &str) -> Explanation {
        self.connector
            .explain(&self.actor, &name(of))
            .await
            .unwrap()
    }

    /// Lets the stored token end.
    pub(crate) fn expire(&self) {
        self.store.clock.advance(SignedDuration::from_hours(29));
    }

    /// A person signs in, accepts what is asked, and comes back.
    pub(crate) async fn authorize(
        &self,
        of: &str,
        person: &UserFacts,
    ) -> Result<ConnectionName, CallbackError> {
        self.authorize_with(&self.connector, of, person, Decision::Accept)
            .await
    }

    pub(crate) async fn authorize_with(
        &self,
        connector: &Connector,
        of: &str,
        person: &UserFacts,
        decision: Decision,
    ) -> Result<ConnectionName, CallbackError> {
        let trip = self.trip(connector, of, person, decision).await;
        connector
            .callback(
                &trip.path,
                Some(&trip.browser),
                None,
                Callback::parse(&trip.query).unwrap(),
            )
            .await
    }

    /// A sign-in up to the callback, which is not sent.
    pub(crate) async fn trip(
        &self,
        connector: &Connector,
        of: &str,
        person: &UserFacts,
        decision: Decision,
    ) -> Trip {
        let started = connector.authorize(&self.actor, &name(of)).await.unwrap();
        let browser = Secret::new(format!("browser-nonce-of-{}", person.upn));
        let url = connector
            .start(&ticket(&started.url), &browser, None)
            .await
            .unwrap();
        let mut page = Browser::new(client(&self.sandbox));
        let back = page.walk(url, person, decision).await;
        Trip {
            path: back.path().rsplit('/').next().unwrap().to_owned(),
            query: back.query().unwrap_or_default().to_owned(),
            browser,
        }
    }

    /// The seeded public client, for a person who has a browser elsewhere.
    pub(crate) fn by_device(&self, name: &str) -> Form {
        Form {
            grant: Some("device_code".to_owned()),
            client_id: Some(self.facts().admin.client_id.clone()),
            client_secret: None,
            scope: Some("openid profile offline_access User.Read".to_owned()),
            ..self.app_only(name)
        }
    }

    /// A person opens the page, types the code, signs in and decides; answers the last page.
    pub(crate) async fn type_code(
        &self,
        page: &Url,
        code: &str,
        person: &UserFacts,
        decision: Decision,
    ) -> String {
        let mut browser = Browser::new(client(&self.sandbox));
        let typed = Step::Post((
            page.clone(),
            vec![("user_code".to_owned(), code.to_owned())],
        ));
        let mut next = typed;
        loop {
            let (url, answer) = browser.step(next).await;
            let text = answer.text().await.unwrap();
            if !text.contains("name=\"decision\"") && !text.contains("name=\"login\"") {
                return text;
            }
            next = Step::Post(fill_in(&url, &text, person, decision));
        }
    }

    /// An administrator opens a consent link and accepts; answers where the browser was sent.
    pub(crate) async fn consent(&self, link: &str) -> Url {
        self.decide(link, Decision::Accept).await
    }

    /// An administrator opens a consent link and refuses; answers where the browser was sent.
    pub(crate) async fn decline(&self, link: &str) -> Url {
        self.decide(link, Decision::Cancel).await
    }

    async fn decide(&self, link: &str, decision: Decision) -> Url {
        let admin = &self.facts().admin;
        let person = UserFacts {
            id: String::new(),
            upn: admin.upn.clone(),
            password: admin.password.clone(),
        };
        Browser::new(client(&self.sandbox))
            .walk(Url::parse(link).unwrap(), &person, decision)
            .await
    }

    /// A connection with which the administrator manages app registrations.
    pub(crate) async fn administration(&self) {
        let form = Form {
            client_id: Some(self.facts().admin.client_id.clone()),
            client_secret: None,
            client_authentication: Some("none".to_owned()),
            scope: Some("https://graph.microsoft.com/.default offline_access".to_owned()),
            ..self.delegated("administration")
        };
        self.create(form).await;
        let admin = &self.facts().admin;
        let person = UserFacts {
            id: String::new(),
            upn: admin.upn.clone(),
            password: admin.password.clone(),
        };
        self.authorize("administration", &person).await.unwrap();
    }

    /// Asks Graph as the administrator.
    pub(crate) async fn administer(&self, method: Method, target: &str, body: Value) -> Value {
        let mut request = ApiRequest::new(method, target);
        request.body = connect::Body::Json(body);
        let answer = self
            .connector
            .call(&self.actor, &name("administration"), request)
            .await
            .unwrap();
        assert!((200..300).contains(&answer.status), "{target}: {answer:?}");
        match answer.body {
            connect::ResponseBody::Json(value) => value,
            _ => Value::Null,
        }
    }

    /// Registers an app with a secret; answers object id, client id, secret and secret id.
    pub(crate) async fn register(&self, permissions: &[(&str, &str)]) -> Registered {
        let access: Vec<Value> = permissions
            .iter()
            .map(|(id, kind)| json!({ "id": id, "type": kind }))
            .collect();
        let app = self
            .administer(
                Method::POST,
                "/v1.0/applications",
                json!({
                    "displayName": "Contoso reports",
                    "web": { "redirectUris": ["http://localhost/oauth/callback/microsoft-graph"] },
                    "requiredResourceAccess": [{
                        "resourceAppId": "00000003-0000-0000-c000-000000000000",
                        "resourceAccess": access,
                    }],
                }),
            )
            .await;
        let id = text(&app, "id");
        let client_id = text(&app, "appId");
        let password = self
            .administer(
                Method::POST,
                &format!("/v1.0/applications/{id}/addPassword"),
                json!({ "passwordCredential": { "displayName": "test" } }),
            )
            .await;
        self.administer(
            Method::POST,
            "/v1.0/servicePrincipals",
            json!({ "appId": client_id }),
        )
        .await;
        Registered {
            id,
            client_id,
            secret: text(&password, "secretText"),
            secret_id: text(&password, "keyId"),
        }
    }

    /// Orders the sandbox about.
    pub(crate) async fn control(&self, what: &str, order: Value) {
        let url = format!("{}/sandbox/{what}", self.sandbox.origin());
        let answer = self
            .control
            .post(url)
            .bearer_auth(&self.facts().control_token)
            .header(header::CONTENT_TYPE, "application/json")
            .body(order.to_string())
            .send()
            .await
            .unwrap();
        assert!(
            answer.status().is_success(),
            "{what}: {}",
            answer.text().await.unwrap()
        );
    }

    /// Requests that the sandbox counted: those of this grant and client.
    pub(crate) async fn token_requests(&self, client_id: &str, grant_type: &str) -> usize {
        self.log()
            .await
            .iter()
            .filter(|line| line["grant_type"] == grant_type && line["client_id"] == client_id)
            .count()
    }

    pub(crate) async fn log(&self) -> Vec<Value> {
        let url = format!("{}/sandbox/log", self.sandbox.origin());
        let text = self
            .control
            .get(url)
            .bearer_auth(&self.facts().control_token)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// An app registration made by a test.
pub(crate) struct Registered {
    pub(crate) id: String,
    pub(crate) client_id: String,
    pub(crate) secret: String,
    pub(crate) secret_id: String,
}

impl Registered {
    pub(crate) fn used_by(&self, form: Form) -> Form {
        Form {
            client_id: Some(self.client_id.clone()),
            client_secret: Some(FormSecret::new(self.secret.clone())),
            ..form
        }
    }
}

/// A callback that has not been sent yet.
pub(crate) struct Trip {
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) browser: Secret,
}

pub(crate) fn connector(sandbox: &Sandbox, store: Store, public_url: &str) -> Connector {
    let mut config = Config::new(Url::parse(public_url).unwrap());
    config.egress = EgressPolicy::parse(&["loopback"]).unwrap();
    config.clouds = vec![Cloud {
        name: "sandbox".to_owned(),
        origin: Url::parse(sandbox.origin()).unwrap(),
        ca_certificate: Some(sandbox.ca_pem().to_owned()),
    }];
    Connector::new(store, config, TaskTracker::new()).unwrap()
}

pub(crate) fn ticket(start: &Url) -> Secret {
    Secret::new(start.path().rsplit('/').next().unwrap())
}

fn text(value: &Value, field: &str) -> String {
    value[field]
        .as_str()
        .unwrap_or_else(|| panic!("no {field} in {value}"))
        .to_owned()
}

fn client(sandbox: &Sandbox) -> reqwest::Client {
    let ca = reqwest::Certificate::from_pem(sandbox.ca_pem().as_bytes()).unwrap();
    reqwest::Client::builder()
        .tls_certs_merge([ca])
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap()
}

/// What a person does on the consent page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Accept,
    Cancel,
}

/// A browser that knows forms and cookies, nothing else.
struct Browser {
    client: reqwest::Client,
    cookies: HashMap<String, String>,
}

impl Browser {
    fn new(client: reqwest::Client) -> Browser {
        Browser {
            client,
            cookies: HashMap::new(),
        }
    }

    /// Follows pages and forms until the browser is sent to `http://localhost…/oauth/callback/…`.
    async fn walk(&mut self, start: Url, person: &UserFacts, decision: Decision) -> Url {
        let mut next = Step::Get(start);
        for _ in 0..12 {
            let (url, answer) = self.step(next).await;
            if let Some(to) = answer.headers().get(header::LOCATION) {
                let to = url.join(to.to_str().unwrap()).unwrap();
                if to.path().contains("/oauth/callback/") {
                    return to;
                }
                next = Step::Get(to);
                continue;
            }
            let status = answer.status();
            let page = answer.text().await.unwrap();
            assert_eq!(status, StatusCode::OK, "{page}");
            next = Step::Post(fill_in(&url, &page, person, decision));
        }
        panic!("the sign-in never came to an end");
    }

    async fn step(&mut self, step: Step) -> (Url, reqwest::Response) {
        let (url, builder) = match step {
            Step::Get(url) => (url.clone(), self.client.get(url)),
            Step::Post((url, fields)) => (url.clone(), self.client.post(url).form(&fields)),
        };
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let builder = if cookies.is_empty() {
            builder
        } else {
            builder.header(header::COOKIE, cookies.join("; "))
        };
        let answer = builder
            .header(header::ACCEPT, "text/html")
            .send()
            .await
            .unwrap();
        for cookie in answer.headers().get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        (url, answer)
    }
}

enum Step {
    Get(Url),
    Post((Url, Vec<(String, String)>)),
}

/// Fills the form of a page in as this person would.
fn fill_in(
    page_url: &Url,
    page: &str,
    person: &UserFacts,
    decision: Decision,
) -> (Url, Vec<(String, String)>) {
    let form = page
        .split("<form ")
        .skip(1)
        .find(|form| form.contains("name=\"decision\"") || form.contains("name=\"login\""))
        .unwrap_or_else(|| panic!("no form to fill in on {page}"));
    let form = form.split("</form>").next().unwrap();
    let action = attribute(form, "action").unwrap();
    let mut fields: Vec<(String, String)> = form
        .split("<input ")
        .skip(1)
        .filter(|input| input.contains("type=\"hidden\""))
        .map(|input| {
            (
                attribute(input, "name").unwrap(),
                attribute(input, "value").unwrap_or_default(),
            )
        })
        .collect();
    if form.contains("name=\"login\"") {
        fields.push(("login".to_owned(), person.upn.clone()));
        fields.push(("password".to_owned(), person.password.clone()));
    } else {
        let accepts = decision == Decision::Accept && form.contains("value=\"accept\"");
        let word = if accepts { "accept" } else { "cancel" };
        fields.push(("decision".to_owned(), word.to_owned()));
    }
    (page_url.join(&action).unwrap(), fields)
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let from = tag.find(&format!("{name}=\""))? + name.len() + 2;
    let value = &tag[from..];
    let value = &value[..value.find('"')?];
    Some(
        value
            .replace("&amp;", "&")
            .replace("&#39;", "'")
            .replace("&quot;", "\""),
    )
}
