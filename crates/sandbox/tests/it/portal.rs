//! The portal's pages of app registrations: the walk of a how-to, and each page's own rules.

use super::browser::{Browser, Page};
use super::client::{
    GRAPH, GRAPH_DEFAULT, OFFLINE_ACCESS, REDIRECT, USER_READ_ALL, USER_READ_ALL_ROLE, World,
    claims, text,
};

pub(crate) const CONSENT: &str = "Grant admin consent for Contoso (SANDBOX)";
const GRANTED: &str = "Granted for Contoso (SANDBOX)";
const NOT_GRANTED: &str = "Not granted for Contoso (SANDBOX)";

impl World {
    /// A browser of the administrator, and the portal's first page.
    pub(crate) async fn portal(&self) -> (Browser, Page) {
        let admin = self.facts().admin.clone();
        self.portal_of(&admin.upn, &admin.password).await
    }

    pub(crate) async fn portal_of(&self, upn: &str, password: &str) -> (Browser, Page) {
        let mut browser = self.browser();
        let page = browser.sign_in(&self.url("/portal"), upn, password).await;
        let page = browser.follow(page).await;
        (browser, page)
    }
}

impl Browser {
    /// Follows a link of a page.
    pub(crate) async fn click(&mut self, page: &Page, link: &str) -> Page {
        self.open(&page.link(link)).await
    }

    /// Fills in the form of a button and presses it.
    pub(crate) async fn press(
        &mut self,
        page: &Page,
        button: &str,
        fields: &[(&str, &str)],
    ) -> Page {
        let form = page.form_of(button);
        let answer = self.submit(page, &form, fields, None).await;
        self.follow(answer).await
    }

    /// Registers an app and arrives at its overview.
    pub(crate) async fn register(&mut self, list: &Page, name: &str, redirects: &str) -> Page {
        let page = self.click(list, "New registration").await;
        let fields = [
            ("name", name),
            ("audience", "AzureADMyOrg"),
            ("platform", "web"),
            ("redirects", redirects),
        ];
        self.press(&page, "Register", &fields).await
    }

    /// Adds permissions of Graph, from the page of permissions.
    pub(crate) async fn add_permissions(
        &mut self,
        permissions: &Page,
        kind: &str,
        ids: &[&str],
    ) -> Page {
        let page = self.click(permissions, "Add a permission").await;
        let page = self.click(&page, "Microsoft Graph").await;
        let page = self.click(&page, kind).await;
        let form = page.form_of("Add permissions");
        let mut inputs = form.buttons.clone();
        inputs.extend(
            ids.iter()
                .map(|id| ("permission".to_owned(), (*id).to_owned())),
        );
        let url = page.url.join(&form.action).unwrap();
        let answer = self.post(url.as_str(), &inputs).await;
        self.follow(answer).await
    }
}

/// Name, type and status of each permission.
fn permissions(page: &Page) -> Vec<(String, String, String)> {
    let row = |row: &std::collections::BTreeMap<String, String>| {
        (
            row["API / Permissions name"].clone(),
            row["Type"].clone(),
            row["Status"].clone(),
        )
    };
    page.rows().iter().map(row).collect()
}

fn permission(name: &str, kind: &str, status: &str) -> (String, String, String) {
    (name.to_owned(), kind.to_owned(), status.to_owned())
}

impl Browser {
    /// Makes a secret, from any page of the app; arrives where its Value is shown.
    async fn add_secret(&mut self, app: &Page, description: &str) -> Page {
        let secrets = self.click(app, "Certificates & secrets").await;
        let adding = self.click(&secrets, "New client secret").await;
        let fields = [("description", description), ("expires", "365")];
        self.press(&adding, "Add", &fields).await
    }

    /// Grants admin consent, from the page of permissions.
    async fn grant_consent(&mut self, permissions: &Page) -> Page {
        let address = permissions.form_of(CONSENT).action;
        let confirmation = self
            .open(permissions.url.join(&address).unwrap().as_str())
            .await;
        self.press(&confirmation, "Yes", &[]).await
    }
}

#[tokio::test]
async fn the_whole_walk_of_a_how_to() {
    let world = World::start().await;
    let (mut browser, list) = world.portal().await;
    assert!(list.html.contains("<h1>App registrations</h1>"));
    let uris = format!("https://app.example/cb\n{REDIRECT}");
    let overview = browser.register(&list, "My connector", &uris).await;
    let client_id = overview.value("Application (client) ID");
    let value = browser.add_secret(&overview, "first").await.value("Value");

    // Before any consent: a token without roles.
    let token = world
        .client_credentials(&client_id, &value, GRAPH_DEFAULT)
        .await
        .ok();
    let roles = &claims(&text(&token["access_token"]))["roles"];
    assert_eq!(*roles, serde_json::Value::Null);

    let page = browser.click(&overview, "API permissions").await;
    assert_eq!(
        permissions(&page),
        [permission("User.Read", "Delegated", "")]
    );
    let ids = [USER_READ_ALL, OFFLINE_ACCESS];
    browser
        .add_permissions(&page, "Delegated permissions", &ids)
        .await;
    let page = browser
        .add_permissions(&page, "Application permissions", &[USER_READ_ALL_ROLE])
        .await;
    let mut listed = permissions(&page);
    listed.sort();
    let expected = [
        permission("User.Read", "Delegated", ""),
        permission("User.Read.All", "Application", NOT_GRANTED),
        permission("User.Read.All", "Delegated", NOT_GRANTED),
        permission("offline_access", "Delegated", ""),
    ];
    assert_eq!(listed, expected);
    let page = browser.grant_consent(&page).await;
    let granted = permissions(&page);
    assert_eq!(granted.len(), 4);
    assert!(granted.iter().all(|(_, _, status)| status == GRANTED));

    // The app as itself may read everybody, and a person is not asked again.
    let token = world
        .client_credentials(&client_id, &value, GRAPH_DEFAULT)
        .await
        .ok();
    let token = text(&token["access_token"]);
    assert_eq!(
        claims(&token)["roles"],
        serde_json::json!(["User.Read.All"])
    );
    world.get(&token, "/users").await.ok();
    let user = world.user(3);
    let url = world.authorization(&client_id, "User.Read.All offline_access");
    let arrival = world
        .browser()
        .sign_in(&url, &user.upn, &user.password)
        .await;
    let code = arrival.parameter("code");
    let answer = world.redeem(&client_id, &value, &code).await.ok();
    assert!(answer["refresh_token"].is_string());
}

#[tokio::test]
async fn admin_consent_is_revoked_permission_by_permission() {
    let world = World::start().await;
    let (mut browser, list) = world.portal().await;
    let overview = browser.register(&list, "App", REDIRECT).await;
    let client_id = overview.value("Application (client) ID");
    let value = browser.add_secret(&overview, "one").await.value("Value");
    let page = browser.click(&overview, "API permissions").await;
    let roles = [USER_READ_ALL_ROLE];
    let page = browser
        .add_permissions(&page, "Application permissions", &roles)
        .await;
    let page = browser.grant_consent(&page).await;
    assert_eq!(
        permissions(&page),
        [
            permission("User.Read", "Delegated", GRANTED),
            permission("User.Read.All", "Application", GRANTED),
        ]
    );
    let granted_roles = async || {
        let token = world
            .client_credentials(&client_id, &value, GRAPH_DEFAULT)
            .await;
        claims(&text(&token.ok()["access_token"]))["roles"].clone()
    };
    assert_eq!(granted_roles().await, serde_json::json!(["User.Read.All"]));

    // A permission that is no longer listed stays granted, and is shown apart.
    let form = |page: &Page, button: &str, place: usize| {
        let forms = page.forms();
        let mut wanted = forms
            .into_iter()
            .filter(|form| form.action.ends_with(button));
        wanted.nth(place).unwrap()
    };
    let answer = browser
        .submit(&page, &form(&page, "/remove", 1), &[], None)
        .await;
    let page = browser.follow(answer).await;
    assert!(
        page.html
            .contains("Other permissions granted for Contoso (SANDBOX)")
    );
    assert_eq!(permissions(&page)[1].0, "User.Read.All");
    assert_eq!(granted_roles().await, serde_json::json!(["User.Read.All"]));

    let member = world.user(3);
    let url = world.authorization(&client_id, "User.Read");
    let arrival = world
        .browser()
        .sign_in(&url, &member.upn, &member.password)
        .await;
    assert!(arrival.location.is_some(), "an administrator consented");
    for place in [1, 0] {
        let withdraw = form(&page, "/withdraw", place);
        browser.submit(&page, &withdraw, &[], None).await;
    }
    let page = browser.open(page.url.as_str()).await;
    let expected = [permission("User.Read", "Delegated", "")];
    assert_eq!(permissions(&page), expected);
    assert_eq!(granted_roles().await, serde_json::Value::Null);
    let asked = world
        .browser()
        .sign_in(&url, &member.upn, &member.password)
        .await;
    assert!(asked.html.contains("Permissions requested"));
    // What others were granted stays.
    world.app_token().await;
    let seeded = world.facts().app.client_id.clone();
    let url = world.authorization(&seeded, "User.Read.All");
    let arrival = world
        .browser()
        .sign_in(&url, &member.upn, &member.password)
        .await;
    assert!(arrival.location.is_some(), "{}", arrival.html);
}

#[tokio::test]
async fn the_overview_and_the_endpoints_show_what_a_client_needs() {
    let world = World::start().await;
    let (mut browser, list) = world.portal().await;
    let overview = browser
        .register(&list, "App", "https://a.example\nhttp://localhost/cb")
        .await;
    let done = "Successfully created application App.";
    assert!(overview.html.contains(done));
    assert!(overview.html.contains("2 web, 0 spa, 0 public client"));
    let tenant = overview.value("Directory (tenant) ID");
    assert_eq!(tenant, world.facts().tenant_id);
    let again = browser.open(overview.url.as_str()).await;
    assert!(!again.html.contains(done), "said once");
    let endpoints = browser.click(&overview, "Endpoints").await;
    for (label, path) in [
        (
            "OAuth 2.0 authorization endpoint (v2)",
            "/oauth2/v2.0/authorize",
        ),
        ("OAuth 2.0 token endpoint (v2)", "/oauth2/v2.0/token"),
        ("OAuth 2.0 authorization endpoint (v1)", "/oauth2/authorize"),
        ("OAuth 2.0 token endpoint (v1)", "/oauth2/token"),
        (
            "OpenID Connect metadata document",
            "/v2.0/.well-known/openid-configuration",
        ),
    ] {
        assert_eq!(endpoints.value(label), world.tenant_url(path));
    }
}

#[tokio::test]
async fn a_secret_shows_its_value_once_and_ends_with_its_deletion() {
    let world = World::start().await;
    let (mut browser, list) = world.portal().await;
    let overview = browser.register(&list, "App", "").await;
    browser.add_secret(&overview, "first").await;
    let secrets = browser.add_secret(&overview, "second").await;
    let (value, secret_id) = (secrets.value("Value"), secrets.value("Secret ID"));
    assert_ne!(value, secret_id);
    assert_eq!(secrets.rows()[0]["Description"], "second");
    let again = browser.open(secrets.url.as_str()).await;
    assert_eq!(again.find_value("Value"), None, "shown once");
    assert!(!again.html.contains(&value));
    assert_eq!(again.rows().len(), 2);

    let client_id = overview.value("Application (client) ID");
    let token = async || {
        let answer = world
            .client_credentials(&client_id, &value, GRAPH_DEFAULT)
            .await;
        let (status, error, code) = answer.refusal();
        (status, error.to_owned(), code)
    };
    assert_eq!(token().await.0, 200);
    let form = again
        .forms()
        .into_iter()
        .find(|form| form.inputs.iter().any(|(_, value)| *value == secret_id))
        .unwrap();
    browser.submit(&again, &form, &[], None).await;
    assert_eq!(token().await, (401, "invalid_client".to_owned(), 7_000_215));
    let confirmation = browser.click(&overview, "Delete").await;
    let list = browser.press(&confirmation, "Delete", &[]).await;
    assert!(list.html.contains("Successfully deleted application App."));
    assert_eq!(list.find_link("App"), None);
    let gone = (400, "unauthorized_client".to_owned(), 700_016);
    assert_eq!(token().await, gone);
}

#[tokio::test]
async fn redirect_uris_are_added_removed_and_refused_in_known_words() {
    let world = World::start().await;
    let (mut browser, list) = world.portal().await;
    let http = "Must start with &quot;HTTPS&quot; or &quot;http://localhost&quot;";
    let distinct = "Error detail: Redirect URIs must have distinct values.";
    for (name, redirects, words) in [
        ("", "", "The Name must have 1 to 256 characters."),
        ("x", "http://app.example/cb", http),
        ("x", "https://a.example/cb\nhttps://a.example/cb", distinct),
        ("x", "nowhere", "Must be a valid URL"),
    ] {
        let page = browser.register(&list, name, redirects).await;
        assert_eq!(page.status, 400);
        assert!(
            page.html.contains("role=\"alert\"") && page.html.contains(words),
            "{}",
            page.html
        );
        assert!(
            page.html.contains(&format!(">{redirects}</textarea>")),
            "what was typed stays"
        );
    }
    let overview = browser.register(&list, "App", "https://a.example/cb").await;
    let page = browser.click(&overview, "Authentication").await;
    for (platform, uri, words) in [
        (
            "web",
            "https://a.example/cb",
            "Failed to update App application. Error detail: Redirect URIs must have distinct values.",
        ),
        (
            "public",
            "https://a.example/cb",
            "Redirect URIs must have distinct values.",
        ),
        ("web", "http://a.example/cb", http),
        ("web", " ", "Enter a redirect URI."),
    ] {
        let fields = [("platform", platform), ("redirect_uri", uri)];
        let refused = browser.press(&page, "Add URI", &fields).await;
        assert_eq!(refused.status, 400, "{uri}");
        assert!(refused.html.contains(words), "{words}: {}", refused.html);
    }
    let fields = [
        ("platform", "web"),
        ("redirect_uri", "http://localhost:3000/cb"),
    ];
    let page = browser.press(&page, "Add URI", &fields).await;
    let fields = [
        ("platform", "public"),
        ("redirect_uri", "app.example://auth"),
    ];
    let page = browser.press(&page, "Add URI", &fields).await;
    let uris = |page: &Page| {
        page.rows()
            .iter()
            .map(|row| row["Redirect URIs"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        uris(&page),
        [
            "https://a.example/cb",
            "http://localhost:3000/cb",
            "app.example://auth"
        ]
    );
    let page = browser.press(&page, "Remove", &[]).await;
    assert_eq!(
        uris(&page),
        ["http://localhost:3000/cb", "app.example://auth"]
    );
    browser
        .press(&page, "Save", &[("audience", "AzureADMultipleOrgs")])
        .await;
    let admin = world.admin_token().await;
    let id = overview.value("Application (client) ID");
    let app = world
        .get(&admin, &format!("/applications(appId='{id}')"))
        .await
        .ok();
    assert_eq!(app["signInAudience"], "AzureADMultipleOrgs");
    assert_eq!(
        app["web"]["redirectUris"],
        serde_json::json!(["http://localhost:3000/cb"])
    );
    assert_eq!(
        app["publicClient"]["redirectUris"],
        serde_json::json!(["app.example://auth"])
    );
}

#[tokio::test]
async fn custom_lifetimes_are_checked_and_expired_secrets_are_marked() {
    let world = World::start().await;
    let (mut browser, list) = world.portal().await;
    let overview = browser.register(&list, "App", "").await;
    let secrets = browser.click(&overview, "Certificates & secrets").await;
    let adding = browser.click(&secrets, "New client secret").await;
    let custom = [("expires", "custom"), ("start", "2020-01-01")];
    for end in ["", "2019-01-01", "2023-01-01"] {
        let fields = [custom[0], custom[1], ("end", end)];
        let refused = browser.press(&adding, "Add", &fields).await;
        assert_eq!(refused.status, 400, "{end}");
    }
    let fields = [custom[0], custom[1], ("end", "2020-06-01")];
    let secrets = browser.press(&adding, "Add", &fields).await;
    assert_eq!(secrets.rows()[0]["Expires"], "2020-06-01 Expired");
    let id = overview.value("Application (client) ID");
    let answer = world
        .client_credentials(&id, &secrets.value("Value"), GRAPH_DEFAULT)
        .await;
    assert_eq!(answer.refusal(), (401, "invalid_client", 7_000_222));
}

#[tokio::test]
async fn lists_are_searched_without_script() {
    let world = World::start().await;
    let (mut browser, list) = world.portal().await;
    let overview = browser.register(&list, "Ünlike any other", "").await;
    let search = |text: &str| {
        url::Url::parse_with_params(list.url.as_str(), [("search", text)])
            .unwrap()
            .to_string()
    };
    let found = browser.open(&search("üNLIKE")).await;
    assert_eq!(found.rows().len(), 1);
    assert_eq!(found.value("Search"), "üNLIKE");
    let id = overview.value("Application (client) ID");
    assert_eq!(browser.open(&search(&id)).await.rows().len(), 1);
    let none = browser.open(&search("nothing of this name")).await;
    assert!(none.rows().is_empty() && none.html.contains("No app registration matches."));

    let permissions = browser.click(&overview, "API permissions").await;
    let choice = format!("{}/add/{GRAPH}/delegated", permissions.url);
    let ticked = format!("{choice}?search=group&permission={USER_READ_ALL}");
    let page = browser.open(&ticked).await;
    let boxes: Vec<&str> = page.html.split("type=\"checkbox\"").skip(1).collect();
    assert!(
        page.html.contains("> Group.Read.All</label>"),
        "{}",
        page.html
    );
    assert!(!page.html.contains("> Mail.Read</label>"));
    let kept = boxes
        .iter()
        .find(|tag| tag.contains(USER_READ_ALL))
        .unwrap();
    assert!(
        kept.split('>').next().unwrap().contains(" checked"),
        "ticks survive a search"
    );
    let everything = browser.open(&choice).await;
    assert!(everything.html.contains("> Mail.Read</label>"));
    let refused = browser.press(&everything, "Add permissions", &[]).await;
    assert_eq!(refused.status, 403, "the token sits on the button");
}
