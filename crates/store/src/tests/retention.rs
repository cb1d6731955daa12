//! What is kept how long, as an installation says it.

use super::*;
use crate::Retention;

#[tokio::test]
async fn it_is_what_was_said_last_and_nothing_beyond_reason() {
    for db in every_database().await {
        let local = Actor::local();
        let found = async || db.retention().find(&actor(Role::Viewer)).await.unwrap();
        assert_eq!(found().await, Retention::default());
        let kept = Retention {
            run_days: 90,
            call_days: 7,
        };
        db.retention().save(&local, kept).await.unwrap();
        assert_eq!(found().await, kept);
        for (run_days, call_days) in [(0, 1), (1, 0), (Retention::MOST + 1, 1)] {
            let beyond = Retention {
                run_days,
                call_days,
            };
            let refused = db.retention().save(&local, beyond).await;
            assert!(matches!(refused, Err(Error::Invalid { .. })), "{beyond:?}");
        }
        let refused = db.retention().save(&actor(Role::Operator), kept).await;
        assert!(
            matches!(refused, Err(Error::Forbidden { .. })),
            "{refused:?}"
        );
        assert_eq!(found().await, kept);
    }
}
