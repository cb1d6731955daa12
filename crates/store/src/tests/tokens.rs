//! Lease, save, superseded: one renewal per expiry, none lost.

use jiff::SignedDuration;
use oauth::Hints;

use super::*;
use crate::{ConnectionId, Intent, Leased, Saved, Sharing, StoredToken};

const LEASE: SignedDuration = SignedDuration::from_secs(40);

async fn acquired(store: &Store, connection: &ConnectionId, owner: &str) -> crate::TokenRow {
    match store
        .tokens()
        .lease(connection, owner, LEASE)
        .await
        .unwrap()
    {
        Leased::Acquired(row) => row,
        Leased::Held(lease) => panic!("held by {lease:?}"),
    }
}

async fn stored_token(store: &Store, connection: &ConnectionId) -> StoredToken {
    store
        .tokens()
        .read(connection)
        .await
        .unwrap()
        .token
        .unwrap()
}

#[tokio::test]
async fn a_first_token_comes_back_as_it_was_stored() {
    for db in every_database().await {
        let id = add(&db, "graph").await.id;
        let none = db.tokens().read(&id).await.unwrap();
        assert_eq!(
            (none.generation, none.token, none.unreadable),
            (0, None, false)
        );
        let mut set = token_set(&db, "fake-access", Some("fake-refresh"));
        set.expires_in_assumed = true;
        let hints = Hints {
            username: Some("adele@contoso.example".to_owned()),
            ..Hints::default()
        };
        let local = Actor::local();
        assert_eq!(
            db.tokens()
                .store_first(&local, &id, &set, Some(hints.clone()))
                .await
                .unwrap(),
            1
        );
        let expected = StoredToken {
            generation: 1,
            access_token: set.access_token.clone(),
            refresh_token: set.refresh_token.clone(),
            previous_refresh_token: None,
            scope: set.scope.clone(),
            received_at: set.received_at,
            expires_at: set.expires_at,
            expires_in_assumed: true,
            hints: Some(hints),
        };
        assert_eq!(stored_token(&db, &id).await, expected);
        let gone = ConnectionId::random();
        let missing = db.tokens().store_first(&local, &gone, &set, None).await;
        assert!(matches!(missing, Err(Error::NotFound { .. })));
        let missing = db.tokens().lease(&gone, "me", LEASE).await;
        assert!(matches!(missing, Err(Error::NotFound { .. })));
    }
}

#[tokio::test]
async fn a_lease_is_held_until_it_is_given_back_or_lapses() {
    for db in every_database().await {
        let id = add(&db, "graph").await.id;
        let row = acquired(&db, &id, "one").await;
        assert_eq!(row.intent, None);
        let until = db.clock.now() + LEASE;
        for owner in ["two", "one"] {
            let held = db.tokens().lease(&id, owner, LEASE).await.unwrap();
            assert_eq!(
                held,
                Leased::Held(crate::Lease {
                    owner: "one".to_owned(),
                    until
                })
            );
        }
        // Nobody else can give it back.
        db.tokens().release(&id, "two").await.unwrap();
        assert!(matches!(
            db.tokens().lease(&id, "two", LEASE).await.unwrap(),
            Leased::Held(_)
        ));
        db.tokens().release(&id, "one").await.unwrap();
        assert_eq!(acquired(&db, &id, "two").await.intent, None);
        db.clock.advance(LEASE - SignedDuration::from_micros(1));
        assert!(matches!(
            db.tokens().lease(&id, "three", LEASE).await.unwrap(),
            Leased::Held(_)
        ));
        db.clock.advance(SignedDuration::from_micros(1));
        acquired(&db, &id, "three").await;
    }
}

#[tokio::test]
async fn a_renewal_keeps_the_previous_refresh_token_until_the_new_one_has_worked() {
    for db in every_database().await {
        let (id, local) = (add(&db, "graph").await.id, Actor::local());
        let first = token_set(&db, "fake-access-1", Some("fake-refresh-1"));
        db.tokens()
            .store_first(&local, &id, &first, None)
            .await
            .unwrap();
        let renew = async |access: &str, refresh: Option<&str>, generation: i64| {
            let row = acquired(&db, &id, "me").await;
            assert_eq!(row.generation, generation);
            let set = token_set(&db, access, refresh);
            let saved = db
                .tokens()
                .save(&Actor::system(), &id, "me", generation, &set, None)
                .await
                .unwrap();
            assert_eq!(saved, Saved::Saved(generation + 1));
            let row = db.tokens().read(&id).await.unwrap();
            assert_eq!((row.lease, row.intent), (None, None));
            let token = row.token.unwrap();
            assert_eq!(token.generation, generation + 1);
            let text = |secret: Option<Secret>| secret.map(|secret| secret.expose().to_owned());
            (
                text(token.refresh_token),
                text(token.previous_refresh_token),
            )
        };
        let some = |text: &str| Some(text.to_owned());
        // A new one came: the old one is kept beside it.
        assert_eq!(
            renew("fake-access-2", Some("fake-refresh-2"), 1).await,
            (some("fake-refresh-2"), some("fake-refresh-1"))
        );
        // Another one: the one before has worked.
        assert_eq!(
            renew("fake-access-3", Some("fake-refresh-3"), 2).await,
            (some("fake-refresh-3"), some("fake-refresh-2"))
        );
        // None came: the present one has worked and stays.
        assert_eq!(
            renew("fake-access-4", None, 3).await,
            (some("fake-refresh-3"), None)
        );
        // The same one came.
        assert_eq!(
            renew("fake-access-5", Some("fake-refresh-3"), 4).await,
            (some("fake-refresh-3"), None)
        );
    }
}

#[tokio::test]
async fn the_loser_of_a_race_changes_nothing() {
    for db in every_database().await {
        let (id, system) = (add(&db, "graph").await.id, Actor::system());
        acquired(&db, &id, "slow").await;
        db.clock.advance(LEASE);
        acquired(&db, &id, "fast").await;
        let (slow, fast) = (
            token_set(&db, "fake-slow", None),
            token_set(&db, "fake-fast", Some("fake-fast-r")),
        );
        // Wrong owner; right owner with a generation that is gone; a lease that ended with the save.
        assert_eq!(
            db.tokens()
                .save(&system, &id, "slow", 0, &slow, None)
                .await
                .unwrap(),
            Saved::Superseded
        );
        assert_eq!(
            db.tokens()
                .save(&system, &id, "fast", 0, &fast, None)
                .await
                .unwrap(),
            Saved::Saved(1)
        );
        let before = audit_count(&db).await;
        for (owner, generation) in [("slow", 0), ("fast", 0), ("fast", 1), ("slow", 1)] {
            let late = db
                .tokens()
                .save(&system, &id, owner, generation, &slow, None)
                .await
                .unwrap();
            assert_eq!(late, Saved::Superseded);
        }
        assert_eq!(audit_count(&db).await, before);
        assert_eq!(
            stored_token(&db, &id).await.access_token,
            Secret::new("fake-fast")
        );
        // A lease that lapsed but that nobody took over still saves: what the provider rotated must not be lost.
        acquired(&db, &id, "late").await;
        db.clock.advance(LEASE * 2);
        let late = token_set(&db, "fake-late", None);
        assert_eq!(
            db.tokens()
                .save(&system, &id, "late", 1, &late, None)
                .await
                .unwrap(),
            Saved::Saved(2)
        );
    }
}

#[tokio::test]
async fn a_renewal_under_way_can_not_undo_a_sign_in_or_a_wipe() {
    for db in every_database().await {
        let (id, local) = (add(&db, "graph").await.id, Actor::local());
        let token = token_set(&db, "fake-access", Some("fake-refresh"));
        acquired(&db, &id, "me").await;
        assert_eq!(
            db.tokens()
                .store_first(&local, &id, &token, None)
                .await
                .unwrap(),
            1
        );
        let renewed = token_set(&db, "fake-renewed", None);
        assert_eq!(
            db.tokens()
                .save(&local, &id, "me", 0, &renewed, None)
                .await
                .unwrap(),
            Saved::Superseded
        );
        acquired(&db, &id, "me").await;
        db.tokens().wipe(&local, &id).await.unwrap();
        assert_eq!(
            db.tokens()
                .save(&local, &id, "me", 1, &renewed, None)
                .await
                .unwrap(),
            Saved::Superseded
        );
        let row = db.tokens().read(&id).await.unwrap();
        assert_eq!((row.token, row.generation, row.lease), (None, 2, None));
        acquired(&db, &id, "me").await;
        db.connections().remove(&local, &id).await.unwrap();
        assert_eq!(
            db.tokens()
                .save(&local, &id, "me", 2, &renewed, None)
                .await
                .unwrap(),
            Saved::Superseded
        );
    }
}

#[tokio::test]
async fn after_a_crash_the_open_intent_is_shown_to_the_next_owner() {
    for db in [testing::sqlite_file().await, testing::postgres().await] {
        let id = add(&db, "graph").await.id;
        acquired(&db, &id, "crashed").await;
        let since = db.clock.now();
        let db = db.reopen().await.unwrap();
        assert!(matches!(
            db.tokens().lease(&id, "next", LEASE).await.unwrap(),
            Leased::Held(_)
        ));
        db.clock.advance(LEASE);
        let row = acquired(&db, &id, "next").await;
        assert_eq!(
            row.intent,
            Some(Intent {
                since,
                owner: "crashed".to_owned()
            })
        );
        assert_eq!(row.lease.unwrap().owner, "next");
        // A known failure closes the intent, an unknown one leaves it open.
        db.tokens().abandon(&id, "next").await.unwrap();
        assert_eq!(
            acquired(&db, &id, "third").await.intent.unwrap().owner,
            "next"
        );
        db.tokens().release(&id, "third").await.unwrap();
        assert_eq!(acquired(&db, &id, "fourth").await.intent, None);
    }
}

/// Many tasks of each store want to renew the token of one generation.
async fn race(stores: Vec<Store>, id: &ConnectionId, rounds: i64) {
    for round in 0..rounds {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..40 {
            let (store, id) = (stores[number % stores.len()].clone(), id.clone());
            let owner = format!("process-{}", number % stores.len());
            tasks.spawn(async move { renew_once(&store, &id, &owner, round).await });
        }
        let mut renewals = 0;
        while let Some(task) = tasks.join_next().await {
            renewals += task.unwrap();
        }
        assert_eq!(renewals, 1, "round {round}");
    }
    let token = stored_token(&stores[0], id).await;
    assert_eq!(token.generation, rounds);
    let count = format!("fake-refresh-{}", rounds - 1);
    assert_eq!(token.refresh_token, Some(Secret::new(count)));
}

/// As the token service does: read, lease, look again, ask, save; the loser looks again and clears nothing.
async fn renew_once(store: &Store, id: &ConnectionId, owner: &str, generation: i64) -> u32 {
    loop {
        if store.tokens().read(id).await.unwrap().generation > generation {
            return 0;
        }
        let Leased::Acquired(row) = store.tokens().lease(id, owner, LEASE).await.unwrap() else {
            tokio::task::yield_now().await;
            continue;
        };
        if row.generation > generation {
            store.tokens().release(id, owner).await.unwrap();
            return 0;
        }
        let set = token_set(
            store,
            "fake-access",
            Some(&format!("fake-refresh-{generation}")),
        );
        let saved = store
            .tokens()
            .save(&Actor::system(), id, owner, row.generation, &set, None)
            .await
            .unwrap();
        assert_eq!(saved, Saved::Saved(generation + 1));
        return 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_tasks_one_renews() {
    for db in every_database().await {
        let id = add(&db, "graph").await.id;
        race(vec![db.store()], &id, 5).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_tasks_of_two_processes_one_renews() {
    for db in [testing::sqlite_file().await, testing::postgres().await] {
        assert!(
            db.config.sharing == Sharing::Shared
                || matches!(db.config.database, crate::Database::Postgres(_))
        );
        let id = add(&db, "graph").await.id;
        let second = db.again().await.unwrap();
        race(vec![db.store(), second], &id, 5).await;
        let verified = db.audit().verify(&Actor::local(), None).await.unwrap();
        assert!(
            matches!(verified, crate::Verified::Intact(_)),
            "{verified:?}"
        );
    }
}

#[tokio::test]
async fn an_envelope_of_another_row_generation_or_day_is_unreadable() {
    for db in every_database().await {
        let (one, two) = (add(&db, "one").await.id, add(&db, "two").await.id);
        let local = Actor::local();
        for (id, access) in [(&one, "fake-one"), (&two, "fake-two")] {
            let token = token_set(&db, access, None);
            db.tokens()
                .store_first(&local, id, &token, None)
                .await
                .unwrap();
        }
        let sealed = peek(&db, "SELECT sealed FROM tokens ORDER BY connection").await;
        let old = sealed
            .iter()
            .map(|row| row.bytes(0).unwrap().to_vec())
            .collect::<Vec<_>>();
        // Swapped between two rows.
        tamper(
            &db,
            "UPDATE tokens SET sealed = $1 WHERE connection = (SELECT MAX(connection) FROM tokens)",
            vec![old[0].clone().into()],
        )
        .await;
        tamper(
            &db,
            "UPDATE tokens SET sealed = $1 WHERE connection = (SELECT MIN(connection) FROM tokens)",
            vec![old[1].clone().into()],
        )
        .await;
        for id in [&one, &two] {
            let row = db.tokens().read(id).await.unwrap();
            assert!(row.unreadable && row.token.is_none());
            assert_eq!(row.generation, 1);
        }
        // A new sign-in cures it.
        let token = token_set(&db, "fake-new", None);
        db.tokens()
            .store_first(&local, &one, &token, None)
            .await
            .unwrap();
        assert!(!db.tokens().read(&one).await.unwrap().unreadable);
        // From an older backup of the same row.
        let first = if one < two { &old[0] } else { &old[1] };
        tamper(
            &db,
            "UPDATE tokens SET sealed = $1 WHERE connection = $2",
            vec![first.clone().into(), one.as_str().into()],
        )
        .await;
        assert!(db.tokens().read(&one).await.unwrap().unreadable);
    }
}
