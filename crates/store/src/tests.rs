//! The same tests on SQLite in memory, on an SQLite file and on PostgreSQL.

mod audited;
mod chain;
mod devices;
mod encryption;
mod events;
mod flows;
mod grown;
mod letters;
mod opening;
mod overview;
mod people;
mod pool;
mod records;
mod retention;
mod runs;
mod secrecy;
mod tls;
mod tokens;
mod trips;

use oauth::{AuthenticationMethod, ClientId, Scope, Secret, TokenSet};

use crate::{
    Actor, Authentication, Connection, ConnectionName, Error, NewConnection, OAuth, OAuthGrant,
    Origin, PresetName, Role, Row, Secrets, Settings, Store, Value,
    testing::{self, TestStore},
};

/// One fresh store on each database; says which one is under test, for whoever reads a failure.
async fn every_database() -> Vec<TestStore> {
    vec![
        testing::sqlite_memory().await,
        testing::sqlite_file().await,
        testing::postgres().await,
    ]
}

fn actor(role: Role) -> Actor {
    Actor {
        id: format!("usr_{role}"),
        name: format!("the {role}"),
        role,
    }
}

fn name(text: &str) -> ConnectionName {
    ConnectionName::parse(text).unwrap()
}

fn graph_settings() -> Settings {
    Settings {
        preset: PresetName::MicrosoftGraph,
        cloud: Some("global".to_owned()),
        tenant: Some("contoso.example".to_owned()),
        base_url: Some("https://graph.microsoft.com/v1.0".parse().unwrap()),
        origins: vec![Origin::parse("https://graph.microsoft.com").unwrap()],
        authentication: Authentication::OAuth(OAuth {
            grant: OAuthGrant::AuthorizationCode {
                authorization_endpoint: "https://login.contoso.example/authorize".parse().unwrap(),
                parameters: vec![("prompt".to_owned(), "consent".to_owned())],
            },
            token_endpoint: "https://login.contoso.example/token".parse().unwrap(),
            client_id: ClientId::parse("fake-client-id").unwrap(),
            client_authentication: AuthenticationMethod::Automatic,
            scope: Scope::parse("offline_access User.Read").unwrap(),
            token_parameters: Vec::new(),
            issuer: None,
            iss_required: false,
        }),
        ca_certificate: None,
        secret_expires_at: Some("2027-11-28T00:00:00Z".parse().unwrap()),
        secret_added_at: None,
        older_secret: None,
        concurrency: Some(4),
        probe_path: Some("/status".to_owned()),
    }
}

fn secrets(text: &str) -> Secrets {
    Secrets::none().with("client_secret", Secret::new(text))
}

async fn add(store: &Store, text: &str) -> Connection {
    let new = NewConnection {
        name: name(text),
        settings: graph_settings(),
        secrets: secrets("fake-client-secret"),
    };
    store.connections().add(&Actor::local(), new).await.unwrap()
}

fn token_set(store: &Store, access: &str, refresh: Option<&str>) -> TokenSet {
    let now = store.clock().now();
    TokenSet {
        access_token: Secret::new(access),
        refresh_token: refresh.map(Secret::new),
        id_token: None,
        instance_url: None,
        scope: Some(Scope::parse("User.Read").unwrap()),
        received_at: now,
        expires_at: now + jiff::SignedDuration::from_hours(1),
        expires_in_assumed: false,
    }
}

/// Does to the database what somebody with its password could do.
async fn tamper(store: &Store, sql: &'static str, values: Vec<Value>) -> u64 {
    let work = move |tx: &mut crate::Tx<'_>| tx.execute(sql, values.clone());
    store.inner.db.write(work, |_| ()).await.unwrap()
}

async fn peek(store: &Store, sql: &'static str) -> Vec<Row> {
    store.read(sql, []).await.unwrap()
}

async fn audit_count(store: &Store) -> i64 {
    peek(store, "SELECT COUNT(*) FROM audit").await[0]
        .int(0)
        .unwrap()
}

async fn last_action(store: &Store) -> (String, String) {
    let rows = store
        .audit()
        .list(&Actor::local(), &crate::AuditFilter::default())
        .await
        .unwrap();
    (rows[0].action.clone(), rows[0].subject.clone())
}

fn is_forbidden<T>(result: Result<T, Error>, needs: Role) -> bool {
    result.err() == Some(Error::Forbidden { needs })
}
