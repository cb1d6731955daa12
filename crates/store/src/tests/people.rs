//! Users, sessions, API keys, setup.

use jiff::SignedDuration;

use super::*;
use crate::{SessionId, User, UserId};

const PASSWORD: &str = "not-a-real-password";

async fn add_user(store: &Store, name: &str, role: Role) -> User {
    store
        .users()
        .add(&Actor::local(), name, &Secret::new(PASSWORD), role)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_user_signs_in_under_every_spelling_of_the_name() {
    for db in every_database().await {
        assert!(!db.users().any().await.unwrap());
        let adele = add_user(&db, "Adele.Vance@contoso.example", Role::Operator).await;
        assert!(db.users().any().await.unwrap());
        assert_eq!(adele.name, "Adele.Vance@contoso.example");
        for spelling in [
            "Adele.Vance@contoso.example",
            " adele.vance@CONTOSO.example\n",
            "ＡＤＥＬＥ.vance@contoso.example",
            "ad\u{200b}ele.vance@contoso.example",
        ] {
            let found = db
                .users()
                .verify(spelling, &Secret::new(PASSWORD))
                .await
                .unwrap();
            assert_eq!(found.as_ref(), Some(&adele), "{spelling}");
            let found = db
                .users()
                .find_by_name(&Actor::local(), spelling)
                .await
                .unwrap();
            assert_eq!(found.as_ref(), Some(&adele));
        }
        for (name, password) in [
            ("adele.vance@contoso.example", "wrong-password"),
            ("nobody", PASSWORD),
            ("", PASSWORD),
            ("adele.vance@contoso.example", ""),
        ] {
            assert_eq!(
                db.users()
                    .verify(name, &Secret::new(password))
                    .await
                    .unwrap(),
                None
            );
        }
        let again = db
            .users()
            .add(
                &Actor::local(),
                "ADELE.vance@contoso.example",
                &Secret::new(PASSWORD),
                Role::Admin,
            )
            .await;
        assert!(matches!(again, Err(Error::Conflict { .. })));
        assert_eq!(
            db.users().list(&Actor::local()).await.unwrap(),
            std::slice::from_ref(&adele)
        );
        assert_eq!(
            db.users().find(&Actor::local(), &adele.id).await.unwrap(),
            Some(adele)
        );
    }
}

#[tokio::test]
async fn names_and_passwords_that_can_not_be_used_are_refused() {
    let db = testing::sqlite_memory().await;
    let add = async |name: &str, password: &str| {
        db.users()
            .add(&Actor::local(), name, &Secret::new(password), Role::Viewer)
            .await
    };
    for bad in [
        "",
        " ",
        "a b",
        "é",
        "-x",
        "a\u{202e}b",
        "<b>",
        &"a".repeat(65),
    ] {
        assert!(
            matches!(
                add(bad, PASSWORD).await,
                Err(Error::Invalid {
                    what: "user name",
                    ..
                })
            ),
            "{bad}"
        );
    }
    for bad in ["", "1234567", &"x".repeat(1025)] {
        assert!(matches!(
            add("adele", bad).await,
            Err(Error::Invalid {
                what: "password",
                ..
            })
        ));
    }
    let longest = "é".repeat(1024);
    add("adele", &longest).await.unwrap();
    assert!(
        db.users()
            .verify("adele", &Secret::new(longest.clone()))
            .await
            .unwrap()
            .is_some()
    );
    // One more is refused without a look at it, and without counting.
    for _ in 0..150 {
        assert_eq!(
            db.users()
                .verify("adele", &Secret::new(format!("{longest}é")))
                .await
                .unwrap(),
            None
        );
    }
    assert!(
        db.users()
            .verify("adele", &Secret::new(longest))
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn a_password_is_stored_as_argon2id_of_the_configured_cost() {
    let db = testing::sqlite_memory().await;
    add_user(&db, "adele", Role::Viewer).await;
    let rows = peek(&db, "SELECT password FROM users").await;
    assert!(
        rows[0]
            .text(0)
            .unwrap()
            .starts_with("$argon2id$v=19$m=8,t=1,p=1$"),
        "{rows:?}"
    );
    let usual = crate::PasswordCost::default();
    assert_eq!(
        (usual.memory_kib, usual.iterations, usual.parallelism),
        (19 * 1024, 2, 1)
    );
    assert!(
        crate::users::Hasher::new(crate::PasswordCost {
            memory_kib: 1,
            ..usual
        })
        .is_err()
    );
}

#[tokio::test]
async fn a_hundred_attempts_a_day_are_evaluated_whatever_the_spelling() {
    for db in every_database().await {
        add_user(&db, "adele", Role::Viewer).await;
        let spellings = ["adele", "ADELE", " Adele ", "ａdele", "adele\u{200b}"];
        for known in [true, false] {
            let mut evaluated = 0;
            for number in 0..120 {
                let spelling = spellings[number % spellings.len()];
                let name = if known {
                    spelling.to_owned()
                } else {
                    format!("un{}", spelling.trim())
                };
                match db
                    .users()
                    .verify(&name, &Secret::new("wrong-password"))
                    .await
                {
                    Ok(None) => evaluated += 1,
                    Err(Error::TooManyAttempts { until }) => {
                        assert_eq!(
                            until.duration_since(db.clock.now()),
                            SignedDuration::from_hours(12)
                        );
                    }
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(evaluated, 100, "known: {known}");
        }
        // The right password does not help before the day has ended, nor does a restart.
        let locked = db.users().verify("adele", &Secret::new(PASSWORD)).await;
        assert!(matches!(locked, Err(Error::TooManyAttempts { .. })));
        db.clock.advance(SignedDuration::from_hours(12));
        assert!(
            db.users()
                .verify("adele", &Secret::new(PASSWORD))
                .await
                .unwrap()
                .is_some()
        );
        let days = peek(&db, "SELECT DISTINCT day FROM attempts").await;
        assert_eq!(days.len(), 1);
    }
}

#[tokio::test]
async fn a_locked_account_costs_a_hash_like_any_other() {
    let db = testing::sqlite_memory().await;
    add_user(&db, "adele", Role::Viewer).await;
    let hashed = || {
        let hasher = &db.inner.shared.hasher;
        hasher.hashed.load(std::sync::atomic::Ordering::SeqCst)
    };
    let wrong = Secret::new("wrong-password");
    for name in ["adele", "nobody"] {
        for attempt in 1..=102 {
            let before = hashed();
            let outcome = db.users().verify(name, &wrong).await;
            let locked = matches!(outcome, Err(Error::TooManyAttempts { .. }));
            assert_eq!(locked, attempt > 100, "{name}, attempt {attempt}");
            assert_eq!(hashed() - before, 1, "{name}, attempt {attempt}");
        }
    }
}

#[tokio::test]
async fn the_count_survives_a_caller_that_goes_away_and_a_restart() {
    for db in [testing::sqlite_file().await, testing::postgres().await] {
        add_user(&db, "adele", Role::Viewer).await;
        for _ in 0..99 {
            db.users()
                .verify("adele", &Secret::new("wrong-password"))
                .await
                .unwrap();
        }
        // Polled once, that is sent, and dropped.
        {
            let wrong = Secret::new("wrong-password");
            let users = db.users();
            let mut abandoned = std::pin::pin!(users.verify("adele", &wrong));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            let _ = abandoned.as_mut().poll(&mut context);
        }
        let db = db.reopen().await.unwrap();
        let locked = db.users().verify("adele", &Secret::new(PASSWORD)).await;
        assert!(matches!(locked, Err(Error::TooManyAttempts { .. })));
    }
}

#[tokio::test]
async fn a_disabled_user_is_out_at_once() {
    for db in every_database().await {
        let adele = add_user(&db, "adele", Role::Viewer).await;
        let (_, token) = db.sessions().create(&adele).await.unwrap();
        assert!(db.sessions().find(&token).await.unwrap().is_some());
        let disabled = db
            .users()
            .disable(&Actor::local(), &adele.id)
            .await
            .unwrap();
        assert_eq!(disabled.disabled_at, Some(db.clock.now()));
        assert_eq!(db.sessions().find(&token).await.unwrap(), None);
        assert_eq!(
            db.users()
                .verify("adele", &Secret::new(PASSWORD))
                .await
                .unwrap(),
            None
        );
        assert!(matches!(
            db.sessions().create(&adele).await,
            Err(Error::NotFound { .. })
        ));
        let again = db.users().disable(&Actor::local(), &UserId::random()).await;
        assert!(matches!(again, Err(Error::NotFound { .. })));
    }
}

#[tokio::test]
async fn sign_ins_are_recorded_but_never_a_name_that_nobody_has() {
    for db in every_database().await {
        let adele = add_user(&db, "adele", Role::Viewer).await;
        db.users()
            .verify("adele", &Secret::new(PASSWORD))
            .await
            .unwrap();
        assert_eq!(
            last_action(&db).await,
            ("user.signed_in".to_owned(), adele.id.to_string())
        );
        db.users()
            .verify("adele", &Secret::new("wrong-password"))
            .await
            .unwrap();
        assert_eq!(
            last_action(&db).await,
            ("user.sign_in_failed".to_owned(), adele.id.to_string())
        );
        db.users()
            .verify("fake-password-in-the-wrong-field", &Secret::new("x"))
            .await
            .unwrap();
        assert_eq!(
            last_action(&db).await,
            ("user.sign_in_failed".to_owned(), "unknown".to_owned())
        );
    }
}

#[tokio::test]
async fn a_session_ends_after_silence_and_after_twelve_hours() {
    for db in every_database().await {
        let adele = add_user(&db, "adele", Role::Operator).await;
        let (session, token) = db.sessions().create(&adele).await.unwrap();
        assert_eq!(
            db.sessions().find(&token).await.unwrap(),
            Some(session.clone())
        );
        assert_eq!(
            db.sessions().find(&Secret::new("kws_wrong")).await.unwrap(),
            None
        );
        let stored = peek(&db, "SELECT token_hash FROM sessions").await;
        assert_eq!(
            stored[0].bytes(0).unwrap(),
            crate::authorizations::hash(token.expose())
        );
        // Busy: every twenty minutes.
        for _ in 0..35 {
            db.clock.advance(SignedDuration::from_mins(20));
            assert!(db.sessions().find(&token).await.unwrap().is_some());
            // The time last seen is written behind; one more write waits for it.
            db.sessions().sweep().await.unwrap();
        }
        db.clock.advance(SignedDuration::from_mins(20));
        assert_eq!(db.clock.now(), session.expires_at);
        assert_eq!(db.sessions().find(&token).await.unwrap(), None);
        assert_eq!(db.sessions().sweep().await.unwrap(), 1);
        // Silent.
        let (_, token) = db.sessions().create(&adele).await.unwrap();
        db.clock
            .advance(SignedDuration::from_mins(30) - SignedDuration::from_micros(1));
        let (_, other) = db.sessions().create(&adele).await.unwrap();
        db.clock.advance(SignedDuration::from_micros(1));
        assert_eq!(db.sessions().find(&token).await.unwrap(), None);
        assert!(db.sessions().find(&other).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn sessions_are_ended_by_their_owner_or_an_administrator() {
    for db in every_database().await {
        let adele = add_user(&db, "adele", Role::Viewer).await;
        let (one, token) = db.sessions().create(&adele).await.unwrap();
        let refused = db.sessions().remove(&actor(Role::Operator), &one.id).await;
        assert!(is_forbidden(refused, Role::Admin));
        assert!(db.sessions().find(&token).await.unwrap().is_some());
        db.sessions().remove(&adele.actor(), &one.id).await.unwrap();
        assert_eq!(db.sessions().find(&token).await.unwrap(), None);
        db.sessions()
            .remove(&adele.actor(), &SessionId::random())
            .await
            .unwrap();
        db.sessions().create(&adele).await.unwrap();
        db.sessions().create(&adele).await.unwrap();
        let refused = db
            .sessions()
            .remove_for_user(&actor(Role::Operator), &adele.id)
            .await;
        assert!(is_forbidden(refused, Role::Admin));
        assert_eq!(
            db.sessions()
                .remove_for_user(&adele.actor(), &adele.id)
                .await
                .unwrap(),
            2
        );
    }
}

#[tokio::test]
async fn a_key_works_until_it_expires_or_is_revoked() {
    for db in every_database().await {
        let local = Actor::local();
        let (key, token) = db
            .keys()
            .create(&local, "ci deploy", Role::Operator, None)
            .await
            .unwrap();
        assert!(token.expose().starts_with("kw_") && token.expose().len() == 46);
        assert_eq!(
            key.expires_at.duration_since(key.created_at),
            SignedDuration::from_hours(90 * 24)
        );
        assert_eq!(
            db.keys().find_by_token(token.expose()).await.unwrap(),
            Some(key.clone())
        );
        for wrong in ["", "kw_", "kw_wrong", &token.expose()[3..]] {
            assert_eq!(db.keys().find_by_token(wrong).await.unwrap(), None);
        }
        assert_eq!(key.actor().role, Role::Operator);
        // The use is written behind; the next change waits for it.
        let soon = db.clock.now() + SignedDuration::from_secs(1);
        let (short, short_token) = db
            .keys()
            .create(&local, "short", Role::Viewer, Some(soon))
            .await
            .unwrap();
        let used = db.keys().find(&local, &key.id).await.unwrap().unwrap();
        assert_eq!(used.last_used_at, Some(db.clock.now()));
        let listed = db.keys().list(&local).await.unwrap();
        assert_eq!(listed.len(), 2);
        db.clock.advance(SignedDuration::from_secs(1));
        assert_eq!(
            db.keys().find_by_token(short_token.expose()).await.unwrap(),
            None
        );
        assert!(db.keys().find(&local, &short.id).await.unwrap().is_some());
        let revoked = db.keys().revoke(&local, &key.id).await.unwrap();
        assert_eq!(revoked.revoked_at, Some(db.clock.now()));
        assert_eq!(db.keys().find_by_token(token.expose()).await.unwrap(), None);
        let unknown = db.keys().revoke(&local, &crate::ApiKeyId::random()).await;
        assert!(matches!(unknown, Err(Error::NotFound { .. })));
        let past = db
            .keys()
            .create(&local, "past", Role::Viewer, Some(db.clock.now()))
            .await;
        assert!(matches!(past, Err(Error::Invalid { what: "expiry", .. })));
        for bad in ["", " x", "a\nb", "a\u{202e}b", &"x".repeat(65)] {
            let refused = db.keys().create(&local, bad, Role::Viewer, None).await;
            assert!(
                matches!(refused, Err(Error::Invalid { what: "name", .. })),
                "{bad}"
            );
        }
    }
}

#[tokio::test]
async fn setup_makes_one_administrator_once() {
    for db in every_database().await {
        let first = db.setup().issue().await.unwrap().unwrap();
        let token = db.setup().issue().await.unwrap().unwrap();
        let password = Secret::new(PASSWORD);
        assert_eq!(
            db.setup().redeem(&first, "adele", &password).await.unwrap(),
            None
        );
        assert_eq!(
            db.setup()
                .redeem(&Secret::new("kwsetup_wrong"), "adele", &password)
                .await
                .unwrap(),
            None
        );
        assert!(matches!(
            db.setup().redeem(&token, "a b", &password).await,
            Err(Error::Invalid { .. })
        ));
        let adele = db
            .setup()
            .redeem(&token, "adele", &password)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(adele.role, Role::Admin);
        assert_eq!(
            last_action(&db).await,
            ("user.added".to_owned(), adele.id.to_string())
        );
        assert_eq!(
            db.setup().redeem(&token, "other", &password).await.unwrap(),
            None
        );
        assert_eq!(db.setup().issue().await.unwrap(), None);
    }
}
