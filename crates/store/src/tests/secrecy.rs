//! What was sealed or hashed is nowhere else.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use oauth::{Authorization, AuthorizationSetup, Entropy, State};

use super::*;
use crate::{PendingAuthorization, schema::hex};

const CLIENT_SECRET: &str = "canary-client-secret-5f1a";
const ACCESS: &str = "canary-access-token-77b2";
const REFRESH: [&str; 2] = ["canary-refresh-token-1-9c3d", "canary-refresh-token-2-0e4f"];
const PASSWORD: &str = "canary-password-aa55";
const NONCE: &str = "canary-browser-nonce-bb66";

/// Stores one of each secret; answers those that the store made itself.
async fn fill(db: &TestStore) -> Vec<String> {
    let local = Actor::local();
    let new = NewConnection {
        name: name("visible-name"),
        settings: graph_settings(),
        secrets: secrets(CLIENT_SECRET),
    };
    let id = db.connections().add(&local, new).await.unwrap().id;
    let first = token_set(db, ACCESS, Some(REFRESH[0]));
    db.tokens()
        .store_first(&local, &id, &first, None)
        .await
        .unwrap();
    db.tokens()
        .lease(&id, "me", jiff::SignedDuration::from_secs(40))
        .await
        .unwrap();
    let second = token_set(db, ACCESS, Some(REFRESH[1]));
    db.tokens()
        .save(&local, &id, "me", 1, &second, None)
        .await
        .unwrap();
    let setup_token = db.setup().issue().await.unwrap().unwrap();
    let user = db
        .users()
        .add(&local, "adele", &Secret::new(PASSWORD), Role::Viewer)
        .await
        .unwrap();
    db.users()
        .verify(PASSWORD, &Secret::new(PASSWORD))
        .await
        .unwrap();
    let (_, session) = db.sessions().create(&user).await.unwrap();
    let (_, key) = db
        .keys()
        .create(&local, "ci", Role::Viewer, None)
        .await
        .unwrap();
    let setup = AuthorizationSetup {
        authorization_endpoint: "https://login.contoso.example/authorize".parse().unwrap(),
        client_id: ClientId::parse("fake-client-id").unwrap(),
        redirect_uri: "http://localhost:8800/oauth/callback/generic"
            .parse()
            .unwrap(),
        scope: Scope::parse("openid").unwrap(),
        issuer: None,
        iss_required: false,
        parameters: Vec::new(),
    };
    let (authorization, url) =
        Authorization::begin(&setup, db.clock.now(), Entropy::new([0x5a; 96]));
    let state = authorization.state().expose().to_owned();
    let verifier = URL_SAFE_NO_PAD.encode([0x5a; 32]);
    let pending = PendingAuthorization {
        connection: id,
        connection_version: 1,
        actor: local.clone(),
        authorization,
        path: "generic".to_owned(),
        browser: None,
    };
    let device = super::devices::device(db);
    let codes = [
        device.device_code.expose().to_owned(),
        device.user_code.clone(),
    ];
    db.devices()
        .begin(&local, &pending.connection, 1, device)
        .await
        .unwrap();
    let ticket = db
        .authorizations()
        .begin(&local, pending, url)
        .await
        .unwrap();
    db.authorizations()
        .start(&ticket, &Secret::new(NONCE))
        .await
        .unwrap();
    let kek = std::fs::read_to_string(db.key_file())
        .unwrap()
        .trim()
        .to_owned();
    let made = [&setup_token, &session, &key, &ticket].map(|secret| secret.expose().to_owned());
    made.into_iter()
        .chain([state, verifier, kek])
        .chain(codes)
        .collect()
}

fn forms(secret: &str) -> Vec<Vec<u8>> {
    let bytes = secret.as_bytes();
    let mut forms = vec![
        bytes.to_vec(),
        hex(bytes).into_bytes(),
        hex(bytes).to_uppercase().into_bytes(),
    ];
    for shift in 0..3 {
        // The middle of the base64, whatever stands before it.
        let padded = [&b"xxx"[..shift], bytes].concat();
        let text = STANDARD.encode(padded);
        forms.push(text.as_bytes()[4..text.len() - 4].to_vec());
    }
    if let Ok(raw) = STANDARD.decode(secret) {
        forms.push(raw);
    }
    forms
}

fn occurs(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

fn check_nowhere(db: &TestStore, sinks: &[Vec<u8>], made: &[String]) {
    let given = [
        CLIENT_SECRET,
        ACCESS,
        REFRESH[0],
        REFRESH[1],
        PASSWORD,
        NONCE,
    ];
    let canaries: Vec<&str> = given
        .into_iter()
        .chain(made.iter().map(String::as_str))
        .collect();
    assert_eq!(canaries.len(), 15);
    // What is not secret is found, so the search can find.
    assert!(sinks.iter().any(|sink| occurs(sink, b"visible-name")));
    for canary in canaries {
        for form in forms(canary) {
            assert!(
                !sinks.iter().any(|sink| occurs(sink, &form)),
                "{canary} in {:?}",
                db.config.database
            );
        }
    }
}

#[tokio::test]
async fn no_secret_is_in_the_sqlite_file_its_log_or_its_free_pages() {
    let db = testing::sqlite_file().await;
    let made = fill(&db).await;
    let sinks = db.contents();
    assert!(sinks.len() >= 4, "database, log, index of the log, lock");
    check_nowhere(&db, &sinks, &made);
    let db = db.reopen().await.unwrap();
    check_nowhere(&db, &db.contents(), &made);
}

#[tokio::test]
async fn no_secret_is_in_the_postgresql_tables() {
    let db = testing::postgres().await;
    let made = fill(&db).await;
    // The same bytes as they are, apart from PostgreSQL's hexadecimal form for them, which is searched too.
    check_nowhere(&db, &db.contents(), &made);
}

#[tokio::test]
async fn secrets_of_a_deleted_connection_leave_no_trace() {
    let db = testing::sqlite_file().await;
    let id = add(&db, "graph").await.id;
    let sealed = peek(&db, "SELECT sealed FROM connections").await[0]
        .bytes(0)
        .unwrap()
        .to_vec();
    db.connections().remove(&Actor::local(), &id).await.unwrap();
    let db = db.reopen().await.unwrap();
    db.store().close().await;
    let path = db.directory().join("keyway.db");
    assert!(!occurs(&std::fs::read(path).unwrap(), &sealed));
}

#[tokio::test]
async fn moved_or_damaged_secrets_make_one_connection_unreadable_and_no_other() {
    for db in every_database().await {
        let (one, two, three) = (
            add(&db, "one").await,
            add(&db, "two").await,
            add(&db, "three").await,
        );
        tamper(
            &db,
            "UPDATE connections SET sealed = (SELECT b.sealed FROM connections b WHERE b.name = 'two') WHERE name = 'one'",
            Vec::new(),
        )
        .await;
        let listed = db.connections().list(&Actor::local()).await.unwrap();
        let states: Vec<_> = listed
            .iter()
            .map(|c| (c.name.as_str(), c.standing.state, c.secrets.is_some()))
            .collect();
        assert_eq!(
            states,
            [
                ("one", State::Unreadable, false),
                ("three", State::NeverAuthorized, true),
                ("two", State::NeverAuthorized, true)
            ]
        );
        assert_eq!(
            db.connections()
                .find(&Actor::local(), &name("three"))
                .await
                .unwrap(),
            Some(three)
        );
        assert_eq!(
            db.connections()
                .find(&Actor::local(), &name("two"))
                .await
                .unwrap(),
            Some(two)
        );
        // Stored by whoever notices, it is audited; new secrets cure it.
        let standing = crate::Standing::new(State::Unreadable, db.clock.now());
        db.connections()
            .standing(&Actor::system(), &one.id, standing)
            .await
            .unwrap();
        assert_eq!(last_action(&db).await.0, "connection.state_changed");
        let edit = crate::Edit {
            name: None,
            settings: graph_settings(),
            secrets: Some(secrets("fake-new")),
            standing: Some(crate::Standing::new(State::NeverAuthorized, db.clock.now())),
            tokens: crate::WipeTokens::Keep,
        };
        let saved = db
            .connections()
            .save(&Actor::local(), &one.id, 1, edit)
            .await
            .unwrap();
        assert_eq!(
            (saved.standing.state, saved.secrets),
            (State::NeverAuthorized, Some(secrets("fake-new")))
        );
    }
}
