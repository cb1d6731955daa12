//! One safe call that shows whether an API takes the credential: the test button.
//!
//! It changes nothing: one GET, with the token at hand, that is not noted among the failures of calls. What comes back is
//! told; of a credential that does not renew itself a 401 is also noted in the standing.

use http::{Method, StatusCode};
use oauth::{Finding, Scope, State};
use serde::Serialize;
use store::{Actor, Authentication, Connection, ConnectionName, PresetName, Settings};

use crate::error::{CallError, Error};
use crate::failure;
use crate::message::ApiRequest;
use crate::preset::entra;
use crate::retry::Retries;
use crate::{Connector, preset};

/// The code of a standing credential that the API refused.
const REFUSED: &str = "credential.refused";

/// What the API said to a safe call with the connection's credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tested {
    /// What was asked for: `GET` and a path below the base URL, or the whole URL.
    pub request: String,
    /// The status that came back, where one came.
    pub status: Option<u16>,
    /// What that says of the credential.
    pub verdict: Verdict,
    /// The same in a sentence.
    pub message: String,
}

/// What a test says of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The API takes it.
    Accepted,
    /// The API knows who calls, and does not permit this call.
    Forbidden,
    /// The API does not take it.
    Refused,
    /// The answer says nothing of it.
    Unknown,
}

impl Connector {
    /// Asks the API for something harmless; none where there is nothing to ask, or nobody to ask as.
    pub(crate) async fn probe(
        &self,
        actor: &Actor,
        name: &ConnectionName,
    ) -> Result<Option<Tested>, Error> {
        let connection = self.find(actor, name).await?;
        let standing = &connection.standing;
        if standing.state != State::Ok && !is_refused(standing) {
            return Ok(None);
        }
        let Some(target) = target(&connection) else {
            return Ok(None);
        };
        let mut request = ApiRequest::new(Method::GET, target.as_str());
        request.retries = Some(Retries::NONE);
        let asked = Box::pin(self.fetch_unnoted(actor, name, request)).await;
        let tested = match asked {
            Ok(fetched) => judged(&target, fetched.status),
            Err(CallError::Store(error)) => return Err(Error::Store(error)),
            Err(error) => Tested {
                request: format!("GET {target}"),
                status: None,
                verdict: Verdict::Unknown,
                message: format!("There was no answer: {error}."),
            },
        };
        self.note_probe(&connection, &tested).await?;
        Ok(Some(tested))
    }

    /// A token can be had again; whatever else an API refuses stays refused until somebody enters another.
    async fn note_probe(&self, connection: &Connection, tested: &Tested) -> Result<(), Error> {
        let renews = matches!(
            connection.settings.authentication,
            Authentication::OAuth(_) | Authentication::None
        );
        match tested.verdict {
            Verdict::Refused if !renews => {
                let rules = preset::rules(&connection.settings);
                let finding = Finding::CredentialRefused;
                let diagnosis = oauth::diagnose_finding(finding, rules, &Scope::default());
                self.stand(connection, |standing, now| {
                    failure::set(standing, diagnosis, now);
                })
                .await?;
            }
            Verdict::Accepted | Verdict::Forbidden => self.taken_again(connection).await?,
            Verdict::Refused | Verdict::Unknown => {}
        }
        Ok(())
    }

    /// Forgets that a credential was refused: the API takes it.
    pub(crate) async fn taken_again(&self, connection: &Connection) -> Result<(), store::Error> {
        if !is_refused(&connection.standing) {
            return Ok(());
        }
        self.stand(connection, |standing, now| {
            if is_refused(standing) {
                failure::ok(standing, now);
            }
        })
        .await
    }
}

/// Whether the API refused the credential when it was tested last.
pub(crate) fn is_refused(standing: &store::Standing) -> bool {
    let diagnosis = standing.diagnosis.as_ref();
    diagnosis.is_some_and(|diagnosis| diagnosis.code == REFUSED)
}

/// What is asked for: what the connection says, what every caller of Graph may read of itself, or the base URL.
fn target(connection: &Connection) -> Option<String> {
    let settings = &connection.settings;
    let base_url = settings.base_url.as_ref()?;
    let delegated = match &settings.authentication {
        Authentication::OAuth(oauth) if oauth.grant.is_per_call() => return None,
        Authentication::OAuth(oauth) => oauth.grant.is_delegated(),
        _ => false,
    };
    if let Some(path) = &settings.probe_path {
        return Some(path.clone());
    }
    let own = if delegated {
        "/me?$select=id"
    } else {
        "/organization?$select=id"
    };
    Some(if is_graph(settings) {
        own.to_owned()
    } else {
        base_url.to_string()
    })
}

/// Whether the base URL is Graph's own, of whichever cloud.
fn is_graph(settings: &Settings) -> bool {
    let path = settings.base_url.as_ref().map(|url| url.path().to_owned());
    settings.preset == PresetName::MicrosoftGraph
        && path.is_some_and(|path| entra::VERSIONS.contains(&path.trim_end_matches('/')))
}

fn judged(target: &str, status: StatusCode) -> Tested {
    let number = status.as_u16();
    let (verdict, says) = match number {
        200..=399 => (Verdict::Accepted, "the API takes the credential"),
        401 => (Verdict::Refused, "the API does not take the credential"),
        403 => (
            Verdict::Forbidden,
            "the credential works, but this call is not permitted",
        ),
        429 | 500..=599 => (
            Verdict::Unknown,
            "the API is busy or in trouble, which says nothing of the credential",
        ),
        _ => (
            Verdict::Unknown,
            "that says nothing of the credential; choose a path that answers with --probe-path",
        ),
    };
    Tested {
        message: format!("The answer was {number}: {says}."),
        request: format!("GET {target}"),
        status: Some(number),
        verdict,
    }
}
