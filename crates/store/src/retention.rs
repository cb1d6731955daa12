//! How long an installation keeps what is over: the history of runs, and the call log.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Actor, Entry, Error, Outcome, Role, Shared, Store, Tx,
    meta::{self, BY_NAME},
    settings::{from_json, to_json},
};

/// The name of the fact.
const NAME: &str = "retention";

/// How many days things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// Finished runs with their journals, where their flow says nothing.
    pub run_days: u32,
    /// Rows of the call log.
    pub call_days: u32,
}

impl Retention {
    /// More days than this are refused.
    pub const MOST: u32 = 3_650;
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            run_days: 14,
            call_days: 30,
        }
    }
}

/// What an installation says about it.
pub struct RetentionSetting<'a>(pub(crate) &'a Store);

impl RetentionSetting<'_> {
    /// What holds now.
    pub async fn find(&self, actor: &Actor) -> Result<Retention, Error> {
        actor.require(Role::Viewer)?;
        let rows = self.0.read(BY_NAME, [NAME.into()]).await?;
        let text = rows.first().map(|row| row.opt_text(0)).transpose()?;
        let found = text.flatten().map(|text| from_json("retention", text));
        Ok(found.transpose()?.unwrap_or_default())
    }

    /// Changes it; each number is 1 to [`Retention::MOST`].
    pub async fn save(&self, actor: &Actor, kept: Retention) -> Result<(), Error> {
        actor.require(Role::Admin)?;
        let fine = 1..=Retention::MOST;
        if !fine.contains(&kept.run_days) || !fine.contains(&kept.call_days) {
            return Err(Error::Invalid {
                what: "retention",
                why: format!("things are kept for 1 to {} days", Retention::MOST),
            });
        }
        let actor = actor.clone();
        let work = move |tx: &mut Tx<'_>, _: &Shared| {
            meta::put(tx, NAME, &to_json(&kept))?;
            let detail = json!({ "run_days": kept.run_days, "call_days": kept.call_days });
            let entry = Entry::new(&actor, "retention.changed", NAME, detail);
            Ok(Outcome::audited((), entry))
        };
        self.0.change(work).await
    }
}
