//! What the tests share: a running sandbox, a client of its endpoints, JSON at hand.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Method, StatusCode};
use sandbox::{Config, Facts, Sandbox, UserFacts};
use serde_json::{Value, json};

pub(crate) const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
pub(crate) const GRAPH_DEFAULT: &str = "https://graph.microsoft.com/.default";
pub(crate) const USER_READ: &str = "e1fe6dd8-ba31-4d61-89e7-88639da4683d";
pub(crate) const USER_READ_ALL: &str = "a154be20-db9c-4678-8ab7-66f6cc099a59";
pub(crate) const USER_READ_ALL_ROLE: &str = "df021288-bdef-4463-88db-98f22de89214";
pub(crate) const OFFLINE_ACCESS: &str = "7427e0e9-2fba-42fe-b0c0-848c9e6a8182";
/// RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A sandbox and a client that trusts it.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) http: reqwest::Client,
}

/// A JSON answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) async fn of(response: reqwest::Response) -> Answer {
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        Answer {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or_default(),
            text,
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The body of a 2xx answer.
    pub(crate) fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.text);
        self.body
    }

    /// Status, error and first code of an identity platform refusal.
    pub(crate) fn refusal(&self) -> (u16, &str, i64) {
        let code = self.body["error_codes"][0].as_i64().unwrap_or_default();
        (
            self.status.as_u16(),
            self.body["error"].as_str().unwrap_or_default(),
            code,
        )
    }

    /// Status, code and message of a Graph refusal.
    pub(crate) fn graph_refusal(&self) -> (u16, &str, &str) {
        let error = &self.body["error"];
        let text = |name: &str| error[name].as_str().unwrap_or_default();
        (self.status.as_u16(), text("code"), text("message"))
    }
}

/// An app registration made in a test.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) object_id: String,
    pub(crate) client_id: String,
    pub(crate) secret: String,
    pub(crate) secret_id: String,
    pub(crate) principal_id: String,
}

pub(crate) const REDIRECT: &str = "http://localhost:8800/oauth/callback/microsoft-graph";

impl World {
    pub(crate) async fn start() -> World {
        World::start_with(Config::default()).await
    }

    pub(crate) async fn start_with(config: Config) -> World {
        let sandbox = sandbox::spawn(config).await.unwrap();
        let http = client(&sandbox);
        World { sandbox, http }
    }

    pub(crate) fn facts(&self) -> &Facts {
        self.sandbox.facts()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.origin())
    }

    pub(crate) fn tenant_url(&self, path: &str) -> String {
        self.url(&format!("/{}{path}", self.facts().tenant_id))
    }

    pub(crate) fn user(&self, index: usize) -> UserFacts {
        self.facts().users[index].clone()
    }

    /// Posts to the token endpoint of the tenant.
    pub(crate) async fn token(&self, form: &[(&str, &str)]) -> Answer {
        self.token_at(&self.facts().tenant_id, form).await
    }

    pub(crate) async fn token_at(&self, tenant: &str, form: &[(&str, &str)]) -> Answer {
        let url = self.url(&format!("/{tenant}/oauth2/v2.0/token"));
        Answer::of(self.http.post(url).form(form).send().await.unwrap()).await
    }

    /// Client credentials of the seeded app.
    pub(crate) async fn app_token(&self) -> String {
        let app = &self.facts().app;
        let answer = self
            .client_credentials(&app.client_id, &app.client_secret, GRAPH_DEFAULT)
            .await;
        text(&answer.ok()["access_token"])
    }

    pub(crate) async fn client_credentials(&self, id: &str, secret: &str, scope: &str) -> Answer {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", id),
            ("client_secret", secret),
            ("scope", scope),
        ];
        self.token(&form).await
    }

    pub(crate) async fn refresh(&self, refresh_token: &str) -> Answer {
        let app = self.facts().app.clone();
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", &app.client_id),
            ("client_secret", &app.client_secret),
            ("refresh_token", refresh_token),
        ];
        self.token(&form).await
    }

    /// Calls Graph; `path` begins after `/v1.0`.
    pub(crate) async fn graph(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let mut request = self
            .http
            .request(method, self.url(&format!("/v1.0{path}")))
            .bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        Answer::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        self.graph(token, Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, token: &str, path: &str, body: Value) -> Answer {
        self.graph(token, Method::POST, path, Some(body)).await
    }

    /// Uses a control.
    pub(crate) async fn control(&self, method: Method, path: &str, body: Value) -> Answer {
        let token = &self.facts().control_token;
        let request = self
            .http
            .request(method, self.url(&format!("/sandbox/{path}")))
            .bearer_auth(token);
        let answer = Answer::of(request.json(&body).send().await.unwrap()).await;
        assert!(
            answer.status.is_success(),
            "{path}: {} {}",
            answer.status,
            answer.text
        );
        answer
    }

    pub(crate) async fn fault(&self, order: Value) {
        self.control(Method::POST, "faults", order).await;
    }

    pub(crate) async fn clock(&self, offset_seconds: i64) {
        self.control(
            Method::POST,
            "clock",
            json!({"offset_seconds": offset_seconds}),
        )
        .await;
    }

    /// The request log so far.
    pub(crate) async fn log(&self) -> Vec<Value> {
        let text = self.control(Method::GET, "log", Value::Null).await.text;
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// A delegated token of the administrator, through the public client.
    pub(crate) async fn admin_token(&self) -> String {
        let admin = self.facts().admin.clone();
        let scope = "Application.ReadWrite.All AppRoleAssignment.ReadWrite.All DelegatedPermissionGrant.ReadWrite.All";
        let parameters = [
            ("client_id", admin.client_id.as_str()),
            ("response_type", "code"),
            ("redirect_uri", "http://localhost:4711"),
            ("scope", scope),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let mut browser = self.browser();
        let arrival = browser
            .sign_in_and_accept(
                &self.authorize_url(&parameters),
                &admin.upn,
                &admin.password,
            )
            .await;
        let answer = self
            .token(&[
                ("grant_type", "authorization_code"),
                ("client_id", &admin.client_id),
                ("code", &arrival.parameter("code")),
                ("redirect_uri", "http://localhost:4711"),
                ("code_verifier", VERIFIER),
            ])
            .await;
        text(&answer.ok()["access_token"])
    }

    pub(crate) fn authorize_url(&self, parameters: &[(&str, &str)]) -> String {
        let url = self.tenant_url("/oauth2/v2.0/authorize");
        url::Url::parse_with_params(&url, parameters)
            .unwrap()
            .to_string()
    }

    /// The usual authorization request of an app.
    pub(crate) fn authorization(&self, client_id: &str, scope: &str) -> String {
        self.authorize_url(&[
            ("client_id", client_id),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("scope", scope),
            ("state", "st/ate"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ])
    }

    pub(crate) async fn redeem(&self, client_id: &str, secret: &str, code: &str) -> Answer {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("client_id", client_id),
            ("client_secret", secret),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ])
        .await
    }

    /// A code for the seeded app and a user.
    pub(crate) async fn code(&self, user: &UserFacts, scope: &str) -> String {
        let url = self.authorization(&self.facts().app.client_id, scope);
        self.browser()
            .sign_in_and_accept(&url, &user.upn, &user.password)
            .await
            .parameter("code")
    }

    /// Tokens of the seeded app for a user.
    pub(crate) async fn delegated(&self, user: &UserFacts, scope: &str) -> Value {
        let app = self.facts().app.clone();
        let code = self.code(user, scope).await;
        self.redeem(&app.client_id, &app.client_secret, &code)
            .await
            .ok()
    }

    pub(crate) async fn delegated_token(&self, user: &UserFacts, scope: &str) -> String {
        text(&self.delegated(user, scope).await["access_token"])
    }

    /// Registers an app as an administrator would, with a secret and a service principal.
    pub(crate) async fn register(&self, admin: &str, scopes: &[&str], roles: &[&str]) -> App {
        let access: Vec<Value> = scopes
            .iter()
            .map(|id| json!({"id": id, "type": "Scope"}))
            .chain(roles.iter().map(|id| json!({"id": id, "type": "Role"})))
            .collect();
        let required = if access.is_empty() {
            json!([])
        } else {
            json!([{"resourceAppId": GRAPH, "resourceAccess": access}])
        };
        let body = json!({"displayName": "Test app", "web": {"redirectUris": [REDIRECT]}, "requiredResourceAccess": required});
        let made = self.post(admin, "/applications", body).await.ok();
        let object_id = text(&made["id"]);
        let client_id = text(&made["appId"]);
        let principal = self
            .post(admin, "/servicePrincipals", json!({"appId": client_id}))
            .await
            .ok();
        let secret = self
            .post(
                admin,
                &format!("/applications/{object_id}/addPassword"),
                json!({"passwordCredential": {"displayName": "test"}}),
            )
            .await
            .ok();
        App {
            object_id,
            client_id,
            secret: text(&secret["secretText"]),
            secret_id: text(&secret["keyId"]),
            principal_id: text(&principal["id"]),
        }
    }
}

/// A client that trusts a sandbox, speaks h2 and follows no redirect.
pub(crate) fn client(sandbox: &Sandbox) -> reqwest::Client {
    client_builder(sandbox).build().unwrap()
}

pub(crate) fn client_builder(sandbox: &Sandbox) -> reqwest::ClientBuilder {
    let authority = reqwest::Certificate::from_pem(sandbox.ca_pem().as_bytes()).unwrap();
    reqwest::Client::builder()
        .tls_certs_only([authority])
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
}

pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a text: {value}"))
        .to_owned()
}

/// The claims of a token, unverified.
pub(crate) fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
