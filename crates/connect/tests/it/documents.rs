//! Connections as text: every kind of them, there and back again, in one installation and in another.

use std::collections::BTreeMap;

use axum::Router;
use axum::routing::get;
use connect::{
    Application, Connector, Declared, Error, Form, FormSecret, Planned, Proof, QueryKey,
};
use oauth::State;
use serde_json::{Value, json};
use store::{ConnectionName, Role};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::house::{House, connector, house, name};

const SECRET: &str = "fake-secret-that-stands-in-no-text";

/// An issuer whose metadata are on a port of their own; answers it.
async fn issuer() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}/realms/contoso", listener.local_addr().unwrap());
    let metadata = json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"), "token_endpoint": format!("{issuer}/token"),
        "authorization_response_iss_parameter_supported": true,
    });
    let path = "/realms/contoso/.well-known/openid-configuration";
    let router = Router::new().route(path, get(move || async move { axum::Json(metadata) }));
    TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
    issuer
}

fn secret() -> FormSecret {
    FormSecret::new(SECRET)
}

/// One connection of each kind.
fn forms(house: &House, issuer: &str) -> Vec<Form> {
    let mut forms = fixed_forms(house);
    forms.extend(oauth_forms(issuer));
    forms
}

/// Those of the sandbox, and those whose credential does not change.
fn fixed_forms(house: &House) -> Vec<Form> {
    let named = |name: &str| Form {
        name: Some(name.to_owned()),
        base_url: Some("https://api.contoso.example/v1".to_owned()),
        ..Form::default()
    };
    vec![
        house.app_only("app"),
        Form {
            base_url: Some("https://127.0.0.1:1/beta".to_owned()),
            secret_expires_at: Some("2031-11-28".to_owned()),
            ..house.delegated("person")
        },
        house.by_device("device"),
        Form {
            username: Some("reader".to_owned()),
            password: Some(secret()),
            concurrency: Some(3),
            ..named("basic")
        },
        Form {
            kind: Some("bearer".to_owned()),
            token: Some(secret()),
            origins: Some(vec!["https://files.contoso.example".to_owned()]),
            ..named("bearer")
        },
        Form {
            headers: Some(BTreeMap::from([
                ("X-Key".to_owned(), FormSecret::new(SECRET)),
                ("X-App".to_owned(), FormSecret::new(SECRET)),
            ])),
            ca_certificate: Some(house.sandbox.ca_pem().to_owned()),
            ..named("headers")
        },
        Form {
            query_key: Some(QueryKey {
                name: "code".to_owned(),
                value: Some(secret()),
            }),
            ..named("query")
        },
        Form {
            kind: Some("none".to_owned()),
            ..named("none")
        },
    ]
}

/// Those that ask a provider that we are not.
fn oauth_forms(issuer: &str) -> Vec<Form> {
    let of = |name: &str, preset: &str, grant: &str| Form {
        name: Some(name.to_owned()),
        preset: Some(preset.to_owned()),
        grant: Some(grant.to_owned()),
        client_id: Some("fake-client".to_owned()),
        client_secret: Some(secret()),
        ..Form::default()
    };
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    vec![
        Form {
            base_url: Some("https://api.contoso.example".to_owned()),
            authorization_endpoint: Some("https://login.contoso.example/authorize".to_owned()),
            token_endpoint: Some("https://tokens.fabrikam.example/token".to_owned()),
            confirm_foreign_token_endpoint: Some(true),
            authorize_parameters: Some(BTreeMap::from([("audience".to_owned(), "a b".to_owned())])),
            token_parameters: Some(BTreeMap::from([("x".to_owned(), "1".to_owned())])),
            scope: Some("read write".to_owned()),
            ..of("generic", "generic", "authorization_code")
        },
        Form {
            issuer: Some(issuer.to_owned()),
            scope: Some("openid".to_owned()),
            base_url: Some("https://api.contoso.example".to_owned()),
            ..of("oidc", "oidc", "authorization_code")
        },
        Form {
            issuer: Some(issuer.to_owned()),
            ..of("keycloak", "keycloak", "client_credentials")
        },
        of("github", "github", "authorization_code"),
        Form {
            cloud: Some("https://git.contoso.example".to_owned()),
            ..of("own-github", "github", "authorization_code")
        },
        of("google", "google", "authorization_code"),
        of("salesforce", "salesforce", "client_credentials"),
        Form {
            token_endpoint: Some("https://tokens.contoso.example/token".to_owned()),
            base_url: Some("https://api.contoso.example".to_owned()),
            private_key: Some(FormSecret::new(key.serialize_pem())),
            client_secret: None,
            subject: Some("reader@contoso.example".to_owned()),
            key_id: Some("key-1".to_owned()),
            ..of("signed", "generic", "jwt_bearer")
        },
        Form {
            token_endpoint: Some("https://tokens.contoso.example/token".to_owned()),
            base_url: Some("https://api.contoso.example".to_owned()),
            audience: Some("backend".to_owned()),
            ..of("exchanged", "generic", "token_exchange")
        },
    ]
}

async fn exported(connector: &Connector, house: &House) -> Vec<(ConnectionName, Declared)> {
    connector.export(&house.actor, &[]).await.unwrap()
}

async fn plan(
    connector: &Connector,
    house: &House,
    all: &[(ConnectionName, Declared)],
) -> Vec<Planned> {
    let mut plans = Vec::new();
    for (name, declared) in all {
        let planned = connector.plan(&house.actor, name.as_str(), declared.clone());
        plans.push(
            planned
                .await
                .unwrap_or_else(|error| panic!("{name}: {error} {declared:?}")),
        );
    }
    plans
}

/// A text as another installation reads it: through JSON, as through YAML.
fn read(value: Value) -> Declared {
    serde_json::from_value(value).unwrap()
}

#[tokio::test]
async fn every_kind_of_connection_goes_into_text_and_comes_back() {
    let house = house().await;
    let issuer = issuer().await;
    let forms = forms(&house, &issuer);
    let count = forms.len();
    for form in forms {
        let name = form.name.clone().unwrap();
        let created = house
            .connector
            .create(&house.actor, form, Proof::Later)
            .await;
        created.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let texts = exported(&house.connector, &house).await;
    assert_eq!(texts.len(), count);
    let written = json!(texts.iter().map(|(_, text)| text).collect::<Vec<_>>()).to_string();
    for unwanted in [SECRET, "PRIVATE KEY", "con_", "localhost:8800", "2031"] {
        assert!(!written.contains(unwanted), "{unwanted}: {written}");
    }
    let again: Vec<_> = texts
        .iter()
        .map(|(name, text)| (name.clone(), read(json!(text))))
        .collect();
    assert_eq!(again, texts);
    for plan in plan(&house.connector, &house, &again).await {
        assert_eq!(plan.application, Application::Unchanged, "{}", plan.name);
    }

    // Another installation: nothing is there yet, and the text means the same.
    let other = store::testing::sqlite_memory().await;
    let elsewhere = connector(
        &house.sandbox,
        other.store(),
        "https://keyway.contoso.example",
    );
    let plans = plan(&elsewhere, &house, &again).await;
    assert!(
        plans
            .iter()
            .all(|plan| plan.application == Application::Created)
    );
    let applied = elsewhere.apply(&house.actor, plans).await.unwrap();
    for applied in &applied {
        let has = !matches!(applied.card.name.as_str(), "none" | "device");
        let code = applied
            .card
            .diagnosis
            .as_ref()
            .map(|advice| advice.code.clone());
        let missing = code
            .as_deref()
            .is_some_and(|code| code.ends_with(".missing"));
        assert_eq!(
            missing, has,
            "{}: {:?}",
            applied.card.name, applied.card.diagnosis
        );
    }
    assert_eq!(exported(&elsewhere, &house).await, texts);
    for plan in plan(&elsewhere, &house, &again).await {
        assert_eq!(plan.application, Application::Unchanged, "{}", plan.name);
    }
}

#[tokio::test]
async fn what_a_text_changes_is_changed_as_a_person_changes_it() {
    let house = house().await;
    house.create(house.app_only("graph")).await;
    house.users("graph").await;
    let (_, text) = exported(&house.connector, &house).await.remove(0);
    let apply = async |text: Declared| {
        let plan = house
            .connector
            .plan(&house.actor, "graph", text)
            .await
            .unwrap();
        let wiped = plan.wiped.clone();
        let applied = house
            .connector
            .apply(&house.actor, vec![plan])
            .await
            .unwrap();
        (wiped, applied.into_iter().next().unwrap().card)
    };
    // Nothing that decides where a secret goes: it stays.
    let calm = Declared {
        concurrency: Some(7),
        ..text.clone()
    };
    let (wiped, card) = apply(calm).await;
    assert_eq!(
        (wiped.len(), card.state, card.concurrency, card.version),
        (0, State::Ok, Some(7), 2)
    );
    house.users("graph").await;
    // Taken out of the text: taken away.
    let (_, card) = apply(text.clone()).await;
    assert_eq!((card.concurrency, card.version), (None, 3));
    // Another tenant: the secret is wiped, and the state says how it comes back.
    let moved = Declared {
        tenant: Some("fabrikam.example".to_owned()),
        ..text.clone()
    };
    let (wiped, card) = apply(moved).await;
    assert_eq!(wiped, ["client_secret", "access_token"]);
    assert_eq!(card.state, State::NeedsSecret);
    let next = card.diagnosis.unwrap().next;
    assert!(
        next.contains("keyway connection change graph --client-secret-file FILE"),
        "{next}"
    );
    // A plan that somebody overtook stores nothing of it.
    let plan = house
        .connector
        .plan(&house.actor, "graph", text.clone())
        .await
        .unwrap();
    let new = house
        .connector
        .plan(&house.actor, "another", text)
        .await
        .unwrap();
    house
        .change(
            "graph",
            Form {
                concurrency: Some(2),
                ..Form::default()
            },
        )
        .await;
    let overtaken = house.connector.apply(&house.actor, vec![new, plan]).await;
    assert_eq!(overtaken.err().unwrap().code(), "conflict.version");
    let left = house.connector.export(&house.actor, &[]).await.unwrap();
    assert_eq!(left.len(), 1, "all or nothing");
}

/// Texts that can't be meant: the connection's name, what stands in it, the code and the place of the refusal.
fn refused() -> Vec<(&'static str, Value, &'static str, &'static str)> {
    let base = "https://api.contoso.example";
    let many: Vec<String> = (0..21).map(|at| format!("X-{at}")).collect();
    let moon = json!({"preset": "microsoft-graph", "tenant": "contoso.example", "cloud": "moon"});
    let twice = json!({"header_names": ["X-Key", "x-key"]});
    let host = json!({"header_names": ["X-Key", "Host"]});
    let headless = json!({"type": "headers", "base_url": base});
    let file = json!({"type": "none", "base_url": "file:///etc"});
    let none = json!({"type": "none"});
    vec![
        ("a/b", none.clone(), "connection.name_invalid", "/name"),
        ("new", none, "connection.name_reserved", "/name"),
        ("a", json!({}), "connection.type_missing", "/type"),
        (
            "a",
            json!({"type": "wibble"}),
            "connection.type_unknown",
            "/type",
        ),
        ("a", headless, "connection.headers_missing", "/header_names"),
        ("a", host, "header.forbidden", "/header_names/1"),
        ("a", twice, "header.forbidden", "/header_names/1"),
        (
            "a",
            json!({"type": "query_key"}),
            "connection.query_key_missing",
            "/query_key_name",
        ),
        ("a", file, "connection.url_invalid", "/base_url"),
        ("a", moon, "connection.cloud_unknown", "/cloud"),
        (
            "a",
            json!({"header_names": many}),
            "connection.headers_missing",
            "/header_names",
        ),
    ]
}

#[tokio::test]
async fn a_text_that_can_not_be_meant_is_refused_with_its_own_words() {
    let house = house().await;
    for (name, value, code, field) in refused() {
        let planned = house
            .connector
            .plan(&house.actor, name, read(value.clone()))
            .await;
        let Err(error @ Error::Invalid { .. }) = planned else {
            panic!("{value} was taken");
        };
        assert_eq!(
            (error.code(), error.field()),
            (code, Some(field)),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_viewer_may_plan_and_not_apply() {
    let house = house().await;
    let base = "https://api.contoso.example";
    let viewer = store::Actor {
        role: Role::Viewer,
        ..house.actor.clone()
    };
    let plan = house
        .connector
        .plan(
            &viewer,
            "a",
            read(json!({"type": "none", "base_url": base})),
        )
        .await;
    let refused = house.connector.apply(&viewer, vec![plan.unwrap()]).await;
    assert_eq!(refused.err().unwrap().code(), "forbidden");
    assert!(
        house
            .connector
            .card(&house.actor, &name("a"))
            .await
            .is_err()
    );
}
