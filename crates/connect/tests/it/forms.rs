//! `security.md` §3.1: what is typed, what is refused, what is wiped.

use std::collections::BTreeMap;

use connect::{Card, Config, Connector, EgressPolicy, Form, FormSecret, Proof};
use jiff::SignedDuration;
use oauth::State;
use store::Actor;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::house::{House, house, name};
use crate::mock;

#[expect(clippy::unnecessary_wraps, reason = "the fields are optional")]
fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[expect(clippy::unnecessary_wraps, reason = "the fields are optional")]
fn secret(text: &str) -> Option<FormSecret> {
    Some(FormSecret::new(text))
}

async fn refused(house: &House, form: Form) -> (&'static str, String) {
    let error = house
        .connector
        .create(&house.actor, form, Proof::Later)
        .await
        .unwrap_err();
    (error.code(), error.field().unwrap_or_default().to_owned())
}

fn generic() -> Form {
    Form {
        name: some("api"),
        grant: some("authorization_code"),
        authorization_endpoint: some("https://login.contoso.example/authorize"),
        token_endpoint: some("https://login.contoso.example/token"),
        client_id: some("client"),
        client_secret: secret("fake-secret-value"),
        base_url: some("https://api.contoso.example/v1"),
        scope: some("read"),
        ..Form::default()
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn what_is_refused_and_where() {
    let house = house().await;
    let headers =
        |name: &str, value: &str| Some(BTreeMap::from([(name.to_owned(), FormSecret::new(value))]));
    let keyed = Form {
        name: some("keyed"),
        base_url: some("https://api.contoso.example"),
        ..Form::default()
    };
    let cases: Vec<(Form, &str, &str)> = vec![
        (
            Form {
                name: some(""),
                ..generic()
            },
            "connection.name_invalid",
            "/name",
        ),
        (
            Form {
                name: some("../x"),
                ..generic()
            },
            "connection.name_invalid",
            "/name",
        ),
        (
            Form {
                name: some("a\u{202e}b"),
                ..generic()
            },
            "connection.name_invalid",
            "/name",
        ),
        (
            Form {
                name: some("<img onerror=x>"),
                ..generic()
            },
            "connection.name_invalid",
            "/name",
        ),
        (
            Form {
                name: Some("x".repeat(300)),
                ..generic()
            },
            "connection.name_invalid",
            "/name",
        ),
        (
            Form {
                base_url: some("http://api.contoso.example"),
                ..generic()
            },
            "connection.url_invalid",
            "/base_url",
        ),
        (
            Form {
                base_url: some("https://10.0.0.1"),
                ..generic()
            },
            "egress.address_forbidden",
            "/base_url",
        ),
        (
            Form {
                token_endpoint: some("javascript:alert(1)"),
                ..generic()
            },
            "connection.url_invalid",
            "/token_endpoint",
        ),
        (
            Form {
                token_endpoint: some("https://169.254.169.254/token"),
                ..generic()
            },
            "egress.address_forbidden",
            "/token_endpoint",
        ),
        (
            Form {
                authorization_endpoint: some("https://user@login.contoso.example/"),
                ..generic()
            },
            "connection.url_invalid",
            "/authorization_endpoint",
        ),
        (
            Form {
                origins: Some(vec!["https://*.contoso.example".to_owned()]),
                ..generic()
            },
            "connection.url_invalid",
            "/origins/0",
        ),
        (
            Form {
                origins: Some(vec!["https://api.contoso.example/path".to_owned()]),
                ..generic()
            },
            "connection.url_invalid",
            "/origins/0",
        ),
        (
            Form {
                token_endpoint: some("https://token.evil.example/token"),
                ..generic()
            },
            "connection.token_endpoint_foreign",
            "/token_endpoint",
        ),
        (
            Form {
                client_secret: secret(" fake-secret"),
                ..generic()
            },
            "secret.whitespace",
            "/client_secret",
        ),
        (
            Form {
                client_secret: secret("fake-secret\n"),
                ..generic()
            },
            "secret.whitespace",
            "/client_secret",
        ),
        (
            Form {
                client_secret: secret("fake\r\nsecret"),
                ..generic()
            },
            "secret.whitespace",
            "/client_secret",
        ),
        (
            Form {
                client_secret: secret("fake\u{200b}secret"),
                ..generic()
            },
            "secret.whitespace",
            "/client_secret",
        ),
        (
            Form {
                client_secret: secret(""),
                ..generic()
            },
            "secret.empty",
            "/client_secret",
        ),
        (
            Form {
                client_id: None,
                ..generic()
            },
            "connection.client_id_missing",
            "/client_id",
        ),
        (
            Form {
                client_authentication: some("magic"),
                ..generic()
            },
            "connection.client_authentication_unknown",
            "/client_authentication",
        ),
        (
            Form {
                client_authentication: some("none"),
                ..generic()
            },
            "secret.unused",
            "/client_secret",
        ),
        (
            Form {
                scope: some("read\nwrite"),
                ..generic()
            },
            "scope.separator",
            "/scope",
        ),
        (
            Form {
                scope: some("User.Read.All,Group.Read.All"),
                ..house.delegated("x")
            },
            "scope.separator",
            "/scope",
        ),
        (
            Form {
                grant: some("password"),
                ..generic()
            },
            "connection.grant_invalid",
            "/grant",
        ),
        (
            Form {
                kind: some("magic"),
                ..generic()
            },
            "connection.type_unknown",
            "/type",
        ),
        (
            Form {
                preset: some("magic"),
                ..generic()
            },
            "connection.preset_unknown",
            "/preset",
        ),
        (
            Form {
                token_parameters: Some(BTreeMap::from([(
                    "client_secret".to_owned(),
                    "x".to_owned(),
                )])),
                ..generic()
            },
            "parameter.reserved",
            "/token_parameters/client_secret",
        ),
        (
            Form {
                authorize_parameters: Some(BTreeMap::from([("state".to_owned(), "x".to_owned())])),
                ..generic()
            },
            "parameter.reserved",
            "/authorize_parameters/state",
        ),
        (
            Form {
                ca_certificate: some("no certificate"),
                ..generic()
            },
            "connection.ca_invalid",
            "/ca_certificate",
        ),
        (
            Form {
                headers: headers("Host", "x"),
                ..keyed.clone()
            },
            "header.forbidden",
            "/headers/Host",
        ),
        (
            Form {
                headers: headers("Transfer-Encoding", "x"),
                ..keyed.clone()
            },
            "header.forbidden",
            "/headers/Transfer-Encoding",
        ),
        (
            Form {
                headers: headers("X-Key", "a\r\nHost: b"),
                ..keyed.clone()
            },
            "header.forbidden",
            "/headers/X-Key",
        ),
        (
            Form {
                headers: headers("X Key", "a"),
                ..keyed.clone()
            },
            "header.forbidden",
            "/headers/X Key",
        ),
        (
            Form {
                secret_expires_at: some("next year"),
                ..generic()
            },
            "secret.expiry_invalid",
            "/secret_expires_at",
        ),
        (
            Form {
                secret_expires_at: some("2027-02-30"),
                ..generic()
            },
            "secret.expiry_invalid",
            "/secret_expires_at",
        ),
        (keyed.clone(), "connection.type_missing", "/type"),
        (
            Form {
                username: some("a:b"),
                password: secret("fake-pass"),
                ..keyed
            },
            "connection.username_invalid",
            "/username",
        ),
        (
            Form {
                tenant: None,
                ..house.app_only("x")
            },
            "connection.tenant_missing",
            "/tenant",
        ),
        (
            Form {
                tenant: some("a/b"),
                ..house.app_only("x")
            },
            "connection.tenant_invalid",
            "/tenant",
        ),
        (
            Form {
                tenant: some(".."),
                ..house.app_only("x")
            },
            "connection.tenant_invalid",
            "/tenant",
        ),
        (
            Form {
                cloud: some("mars"),
                ..house.app_only("x")
            },
            "connection.cloud_unknown",
            "/cloud",
        ),
        (
            Form {
                scope: some("https://graph.microsoft.com/.default User.Read"),
                ..house.app_only("x")
            },
            "scope.default_mixed",
            "/scope",
        ),
    ];
    for (form, code, field) in cases {
        let shown = format!("{form:?}");
        assert_eq!(
            refused(&house, form).await,
            (code, field.to_owned()),
            "{shown}"
        );
    }
    assert!(house.connector.list(&house.actor).await.unwrap().is_empty());
}

#[tokio::test]
async fn refusals_name_what_there_is() {
    let house = house().await;
    let told = async |form: Form| {
        let outcome = house.connector.create(&house.actor, form, Proof::Later);
        let error = outcome.await.unwrap_err();
        (error.to_string(), error.hint().unwrap_or_default())
    };
    let parameters = |name: &str| Some(BTreeMap::from([(name.to_owned(), "x".to_owned())]));
    for (name, why) in [
        ("scope", "Keyway sets it itself"),
        (
            "Resource",
            "which resource is meant stands in the scope alone",
        ),
        ("request_uri", "it could replace all the others"),
        ("response_mode", "the code comes back in the query"),
        ("", "it has no name"),
    ] {
        let form = Form {
            authorize_parameters: parameters(name),
            ..generic()
        };
        let (what, _) = told(form).await;
        assert!(what.contains(why), "{name}: {what}");
    }
    let foreign = Form {
        token_endpoint: some("https://token.fabrikam.example/token"),
        ..generic()
    };
    let (_, hint) = told(foreign).await;
    assert!(
        hint.contains("\"confirm_foreign_token_endpoint\": true")
            && hint.contains("`--confirm-foreign-token-endpoint`"),
        "{hint}"
    );
}

#[tokio::test]
async fn typed_microsoft_urls_become_the_preset_or_are_corrected() {
    let house = house().await;
    let origin = house.sandbox.origin();
    let tenant = &house.facts().tenant_id;
    let typed = |name: &str, authorize: String, token: String| Form {
        name: some(name),
        preset: None,
        cloud: None,
        tenant: None,
        authorization_endpoint: Some(authorize),
        token_endpoint: Some(token),
        ..house.delegated(name)
    };
    let authorize = format!("{origin}/{tenant}/oauth2/v2.0/authorize");
    let token = format!("{origin}/{tenant}/oauth2/v2.0/token");
    let card = house
        .create(typed("typed", authorize.clone(), token.clone()))
        .await;
    assert_eq!(
        (card.preset.as_str(), card.recognised),
        ("microsoft-graph", Some(true))
    );
    assert_eq!(
        (card.cloud.as_deref(), card.tenant.as_deref()),
        (Some("sandbox"), Some(tenant.as_str()))
    );
    assert!(card.base_url.unwrap().ends_with("/v1.0"));
    assert!(
        card.redirect_uri
            .unwrap()
            .ends_with("/oauth/callback/microsoft-graph")
    );
    house.authorize("typed", &house.user(1)).await.unwrap();
    house.users("typed").await;

    for (authorize, token, code, hint) in [
        (
            token.clone(),
            authorize.clone(),
            "endpoint.swapped",
            "/oauth2/v2.0/authorize",
        ),
        (
            authorize.clone(),
            format!("{origin}/{tenant}/oauth2/token"),
            "endpoint.v1",
            "/oauth2/v2.0/token",
        ),
        (
            authorize.clone(),
            format!("{origin}/other.example/oauth2/v2.0/token"),
            "endpoint.two_tenants",
            "in both",
        ),
    ] {
        let form = typed("wrong", authorize, token);
        let error = house
            .connector
            .create(&house.actor, form, Proof::Later)
            .await
            .unwrap_err();
        assert_eq!(error.code(), code);
        assert!(error.hint().unwrap().contains(hint), "{:?}", error.hint());
    }

    // The same shape on a host nobody vouches for: Entra's rules, a callback of its own.
    let form = Form {
        base_url: some("https://api.contoso.example"),
        ..typed(
            "borrowed",
            "https://login.contoso.example/t/oauth2/v2.0/authorize".to_owned(),
            "https://login.contoso.example/t/oauth2/v2.0/token".to_owned(),
        )
    };
    let card = house
        .connector
        .create(&house.actor, form, Proof::Later)
        .await
        .unwrap();
    assert_eq!((card.preset.as_str(), card.recognised), ("generic", None));
    assert!(
        card.redirect_uri
            .unwrap()
            .ends_with(&format!("/oauth/callback/{}", card.id))
    );

    // A declared cloud by its address is that cloud.
    let by_address = Form {
        cloud: some(origin),
        ..house.app_only("address")
    };
    assert_eq!(
        house.create(by_address).await.cloud.as_deref(),
        Some("sandbox")
    );
}

#[tokio::test]
async fn an_undeclared_sandbox_has_a_callback_of_its_own() {
    let house = house().await;
    let mut config = Config::new(Url::parse("http://localhost:8800").unwrap());
    config.egress = EgressPolicy::parse(&["loopback"]).unwrap();
    let connector = Connector::new(house.store.store(), config, TaskTracker::new()).unwrap();
    let form = Form {
        cloud: some(house.sandbox.origin()),
        ca_certificate: some(house.sandbox.ca_pem()),
        ..house.delegated("graph")
    };
    let draft = connector
        .reserve(&house.actor, &name("graph"))
        .await
        .unwrap();
    assert_eq!(
        connector
            .reserve(&house.actor, &name("graph"))
            .await
            .unwrap()
            .id,
        draft.id
    );
    let card = connector
        .create(&house.actor, form, Proof::Now)
        .await
        .unwrap();
    assert_eq!(card.id, draft.id);
    assert_eq!(card.redirect_uri, Some(draft.redirect_uri));
    // That URI is not registered, and the preflight says so at once.
    assert_eq!(card.diagnosis.unwrap().code, "redirect_uri.mismatch");
}

#[tokio::test]
async fn moving_a_secret_wipes_it_and_says_so() {
    let house = house().await;
    house.create(house.delegated("graph")).await;
    house.authorize("graph", &house.user(1)).await.unwrap();
    for change in [
        Form {
            base_url: some("https://api.contoso.example"),
            ..Form::default()
        },
        Form {
            client_id: some("other-client"),
            ..Form::default()
        },
        Form {
            tenant: some("fabrikam.example"),
            ..Form::default()
        },
        Form {
            origins: Some(vec!["https://files.contoso.example".to_owned()]),
            ..Form::default()
        },
        Form {
            cloud: some("global"),
            ..Form::default()
        },
        Form {
            grant: some("client_credentials"),
            scope: some("https://graph.microsoft.com/.default"),
            ..Form::default()
        },
        Form {
            token_endpoint: some("https://login.contoso.example/token"),
            authorization_endpoint: some("https://login.contoso.example/authorize"),
            base_url: some("https://api.contoso.example"),
            ..Form::default()
        },
    ] {
        let shown = format!("{change:?}");
        let form = Form {
            name: some("victim"),
            ..house.delegated("victim")
        };
        house.create(form).await;
        house.authorize("victim", &house.user(1)).await.unwrap();
        let changed = house
            .change(
                "victim",
                Form {
                    prove: Some(false),
                    ..change
                },
            )
            .await;
        assert_eq!(
            changed.wiped,
            ["client_secret", "access_token", "refresh_token"],
            "{shown}"
        );
        assert_eq!(changed.card.state, State::NeedsSecret, "{shown}");
        assert!(changed.card.token.is_none());
        let error = house.get("victim", "/users").await.unwrap_err();
        assert_eq!(error.code(), "connection.needs_secret", "{shown}");
        house
            .connector
            .remove(&house.actor, &name("victim"), None)
            .await
            .unwrap();
    }
    // A rename and a client authentication move nothing.
    let kept = Form {
        name: some("renamed"),
        client_authentication: some("basic"),
        ..Form::default()
    };
    let changed = house.change("graph", kept).await;
    assert!(changed.wiped.is_empty());
    assert_eq!(
        (changed.card.name.as_str(), changed.card.state),
        ("renamed", State::Ok)
    );
    house.users("renamed").await;
    // The same change may bring the new secret along.
    let moved = Form {
        tenant: Some(house.facts().domain.clone()),
        client_secret: house.app_only("x").client_secret,
        ..Form::default()
    };
    let changed = house.change("renamed", moved).await;
    assert_eq!(changed.wiped, ["access_token", "refresh_token"]);
    assert_eq!(changed.card.state, State::NeverAuthorized);
}

#[tokio::test]
async fn a_secrets_last_day_is_counted_down() {
    let house = house().await;
    let now = house.store.clock.now();
    let last = now + SignedDuration::from_hours(20 * 24 + 1);
    house
        .create(Form {
            secret_expires_at: Some(last.to_string()),
            ..house.app_only("graph")
        })
        .await;
    let warned = |card: &Card| -> Vec<String> {
        let expiry = |warning: &&connect::Warning| warning.code.starts_with("secret.expire");
        let found = card.warnings.iter().filter(expiry);
        found.map(|warning| warning.message.clone()).collect()
    };
    let card = house.card("graph").await;
    assert_eq!(card.secret_expires_at, Some(last));
    assert!(warned(&card)[0].contains("in 20 days"), "{card:?}");
    // Far ahead there is nothing to say, nor does the day alone ask for a proof.
    let before = card.token.unwrap().generation;
    let later = Form {
        secret_expires_at: some("2999-11-28"),
        ..Form::default()
    };
    let card = house.change("graph", later).await.card;
    assert_eq!(
        card.secret_expires_at.unwrap().to_string(),
        "2999-11-28T00:00:00Z"
    );
    assert!(warned(&card).is_empty());
    assert_eq!(card.token.unwrap().generation, before);
    let past = Form {
        secret_expires_at: some("2001-01-01"),
        ..Form::default()
    };
    let card = house.change("graph", past).await.card;
    assert!(warned(&card)[0].contains("has passed"), "{card:?}");
    // A rename keeps the day; a new secret without one has none that is known, and so has a wiped one.
    let kept = Form {
        name: some("renamed"),
        ..Form::default()
    };
    let card = house.change("graph", kept).await.card;
    assert!(card.secret_expires_at.is_some());
    let replaced = Form {
        client_secret: house.app_only("x").client_secret,
        ..Form::default()
    };
    let card = house.change("renamed", replaced).await.card;
    assert_eq!((card.secret_expires_at, card.state), (None, State::Ok));
    for (day, expected) in [("2999-11-28", true), ("", false)] {
        let dated = Form {
            secret_expires_at: some(day),
            ..Form::default()
        };
        let card = house.change("renamed", dated).await.card;
        assert_eq!(card.secret_expires_at.is_some(), expected);
    }
    let wiping = Form {
        client_id: some("another"),
        secret_expires_at: None,
        ..Form::default()
    };
    house
        .change(
            "renamed",
            Form {
                secret_expires_at: some("2999-11-28"),
                ..Form::default()
            },
        )
        .await;
    let card = house.change("renamed", wiping).await.card;
    assert_eq!(card.secret_expires_at, None);
}

#[tokio::test]
async fn a_new_scope_keeps_secrets_and_asks_for_a_sign_in() {
    let house = house().await;
    house.create(house.delegated("graph")).await;
    house.authorize("graph", &house.user(1)).await.unwrap();
    let change = Form {
        scope: some("openid profile offline_access User.Read.All Group.Read.All"),
        ..Form::default()
    };
    let changed = house.change("graph", change).await;
    assert!(changed.wiped.is_empty());
    assert_ne!(changed.card.state, State::Ok);
    assert!(changed.card.token.is_some());
    // Meanwhile the old token serves.
    house.users("graph").await;
}

#[tokio::test]
async fn editors_names_and_types() {
    let house = house().await;
    let card = house.create(house.app_only("graph")).await;
    let taken = house
        .connector
        .create(&house.actor, house.app_only("GRAPH"), Proof::Later)
        .await;
    assert_eq!(taken.unwrap_err().code(), "connection.name_taken");
    let stale = house
        .connector
        .change(
            &house.actor,
            &name("graph"),
            Some(card.version + 1),
            Form::default(),
        )
        .await;
    assert_eq!(stale.unwrap_err().code(), "conflict.version");
    assert_eq!(
        house
            .connector
            .card(&house.actor, &name("nobody"))
            .await
            .unwrap_err()
            .code(),
        "connection.not_found"
    );
    // From one type to another and back: nothing is left over.
    let basic = Form {
        kind: some("basic"),
        username: some("ann"),
        password: secret("fake-password"),
        prove: Some(false),
        ..Form::default()
    };
    let changed = house.change("graph", basic).await;
    assert_eq!(
        (changed.card.kind.as_str(), changed.card.state),
        ("basic", State::Ok)
    );
    assert_eq!(changed.wiped, ["client_secret", "access_token"]);
    let headers = Form {
        kind: some("headers"),
        headers: Some(BTreeMap::from([(
            "X-Key".to_owned(),
            FormSecret::new("fake-key-value"),
        )])),
        ..Form::default()
    };
    let changed = house.change("graph", headers).await;
    assert_eq!(changed.card.header_names, ["X-Key"]);
    let renamed = Form {
        name: some("api"),
        ..Form::default()
    };
    let changed = house.change("graph", renamed).await;
    assert!(changed.wiped.is_empty());
    assert_eq!(changed.card.header_names, ["X-Key"]);
    let viewer = Actor {
        role: store::Role::Viewer,
        ..Actor::local()
    };
    let forbidden = house
        .connector
        .remove(&viewer, &name("api"), None)
        .await
        .unwrap_err();
    assert_eq!(forbidden.code(), "forbidden");
}

#[tokio::test]
async fn a_card_never_holds_a_secret() {
    let house = house().await;
    let card = house.create(house.delegated("graph")).await;
    house.authorize("graph", &house.user(1)).await.unwrap();
    let told = house.explain("graph").await;
    let secret = &house.facts().app.client_secret;
    for text in [
        serde_json::to_string(&card).unwrap(),
        serde_json::to_string(&told).unwrap(),
        format!("{card:?}{told:?}"),
    ] {
        assert!(!text.contains(secret));
        assert!(!text.contains("eyJ"), "no token in {text}");
    }
}

#[tokio::test]
async fn an_issuer_names_its_endpoints() {
    let house = house().await;
    let api = mock::api().await;
    let form = |issuer: String| Form {
        preset: some("oidc"),
        issuer: Some(issuer),
        authorization_endpoint: None,
        token_endpoint: None,
        ..generic()
    };
    let issuer = format!("http://{api}");
    let card = house
        .connector
        .create(&house.actor, form(issuer.clone()), Proof::Later)
        .await
        .unwrap();
    assert_eq!(card.preset, "oidc");
    assert_eq!(
        card.authorization_endpoint,
        Some(format!("{issuer}/authorize"))
    );
    assert_eq!(card.token_endpoint, Some(format!("{issuer}/token")));
    assert!(card.redirect_uri.unwrap().ends_with(&card.id));
    // A change of something else keeps what was discovered, without asking again.
    let changed = house
        .change(
            "api",
            Form {
                scope: some("write"),
                prove: Some(false),
                ..Form::default()
            },
        )
        .await;
    assert_eq!(
        (changed.card.preset.as_str(), changed.card.issuer),
        ("oidc", Some(issuer.clone()))
    );
    assert!(changed.wiped.is_empty());
    let wrong = form(format!("{issuer}/other"));
    let error = house
        .connector
        .create(
            &house.actor,
            Form {
                name: some("x"),
                ..wrong
            },
            Proof::Later,
        )
        .await;
    assert_eq!(error.unwrap_err().code(), "issuer.discovery_failed");
}
