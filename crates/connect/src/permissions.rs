//! Which of Graph's permissions calls through a connection need, against what its token was granted, and who cures what lacks.
//!
//! Made from the stored rows and the tables of `oauth` alone; nothing is asked of anybody.

use oauth::{
    CallStanding, GraphCall, GraphJudgement, JudgedCall, PermissionKind, Who, judge_graph_calls,
};
use serde::Serialize;
use store::{Actor, Authentication, Connection, ConnectionName, OAuth, OAuthGrant, PresetName};

use crate::Connector;
use crate::card::Card;
use crate::error::Error;

/// Calls through a connection, judged by the permissions that it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Permissions {
    /// The connection.
    pub connection: String,
    /// The calls, what they need and what is held.
    #[serde(flatten)]
    pub judgement: GraphJudgement,
    /// True if what is held is read from the token's claims.
    pub held_is_hint: bool,
    /// What stands in the way of single calls, in whole sentences.
    pub warnings: Vec<String>,
    /// What to do about all of it.
    pub cure: Option<Cure>,
}

/// How lacking permissions are obtained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cure {
    /// Who can do it.
    pub who: Who,
    /// The same as a phrase.
    pub who_text: &'static str,
    /// What is to be done, in one sentence.
    pub next: String,
    /// The page to open.
    pub link: Option<String>,
}

impl Connector {
    /// Judges calls by what a connection holds; `None` where no table knows its API: it does not speak to Graph.
    pub async fn permissions(
        &self,
        actor: &Actor,
        name: &ConnectionName,
        calls: Vec<GraphCall>,
    ) -> Result<Option<Permissions>, Error> {
        let connection = self.find(actor, name).await?;
        let Some(oauth) = of_graph(&connection) else {
            return Ok(None);
        };
        let card = self.show(&connection).await?;
        let kind = if matches!(oauth.grant, OAuthGrant::ClientCredentials) {
            PermissionKind::Application
        } else {
            PermissionKind::Delegated
        };
        let held = card.token.as_ref().map(|token| token.granted.clone());
        let judgement = judge_graph_calls(kind, calls, held);
        Ok(Some(Permissions {
            warnings: warnings(&judgement, &card.name),
            cure: cure(&judgement, &card),
            connection: card.name,
            held_is_hint: card.token.is_some_and(|token| token.granted_is_hint),
            judgement,
        }))
    }
}

/// The settings of a connection to Graph.
fn of_graph(connection: &Connection) -> Option<&OAuth> {
    match &connection.settings.authentication {
        Authentication::OAuth(oauth)
            if connection.settings.preset == PresetName::MicrosoftGraph =>
        {
            Some(oauth)
        }
        _ => None,
    }
}

fn warnings(judgement: &GraphJudgement, connection: &str) -> Vec<String> {
    let said = |judged: &JudgedCall| {
        let call = format!("{} {}", judged.call.method.to_uppercase(), judged.call.path);
        match judged.standing {
            CallStanding::Missing => Some(format!(
                "{call} needs {}, which connection \"{connection}\" does not hold",
                listed(judged.missing.iter().copied())
            )),
            CallStanding::Impossible => Some(format!(
                "{call} is not for apps: connection \"{connection}\" acts as the app itself, and nobody has signed in; name \
                 the user, /users/{{id}}"
            )),
            CallStanding::Allowed | CallStanding::Unknown => None,
        }
    };
    judgement.calls.iter().filter_map(said).collect()
}

fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.collect::<Vec<_>>().join(" and ")
}

fn cure(judgement: &GraphJudgement, card: &Card) -> Option<Cure> {
    let missing = &judgement.missing;
    if missing.is_empty() {
        return None;
    }
    let names = listed(missing.iter().map(|permission| permission.name));
    let link = card.admin_consent_url.clone();
    let consents = link.as_ref().map_or_else(
        || "grants admin consent in the Entra admin center".to_owned(),
        |link| format!("grants admin consent ({link})"),
    );
    let name = &card.name;
    let needs_admin = missing
        .iter()
        .any(|permission| permission.needs_admin(judgement.kind));
    let (who, next) = match judgement.kind {
        PermissionKind::Application => (
            Who::Administrator,
            format!(
                "an administrator adds the application permission {names} to the app registration and {consents}; then run \
                 `keyway connection test {name}`"
            ),
        ),
        PermissionKind::Delegated => {
            let asked = card.scope.as_deref().unwrap_or_default();
            let scope = [asked, &names.replace(" and ", " ")].join(" ");
            let ask = format!(
                "`keyway connection change {name} --scope \"{}\"`",
                scope.trim()
            );
            let sign_in = format!("`keyway connection authorize {name}`");
            if needs_admin {
                let next = format!("run {ask}; an administrator {consents}; then run {sign_in}");
                (Who::Administrator, next)
            } else {
                (Who::SignedInPerson, format!("run {ask}, then {sign_in}"))
            }
        }
    };
    Some(Cure {
        who,
        who_text: who.as_text(),
        next,
        link: link.filter(|_| needs_admin),
    })
}
