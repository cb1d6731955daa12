//! One look at the provider's sign-in page before a person is sent there.
//!
//! Entra shows some refusals (wrong redirect URI, unknown client or tenant) as a page of its own
//! and never redirects, so a callback would be waited for in vain. One GET, no cookies, no
//! credential, no redirect followed.

use http::{HeaderMap, HeaderValue, Method, header};
use oauth::{Callback, Diagnosis, Finding, ProviderError, ScopeRule, State};
use store::{Authentication, Connection, OAuth};
use url::Url;

use crate::error::Error;
use crate::failure::{self, access};
use crate::http::{Limits, Outgoing, PAGE_LIMIT, SendError};
use crate::{Connector, preset};

/// What the page says.
enum Page {
    /// Nothing against it.
    Fine,
    /// The provider refuses.
    Refused(ProviderError),
    /// It could not be seen.
    Unseen(SendError),
}

impl Connector {
    /// Looks at the page and notes in the standing what it says, unless the connection works anyway.
    pub(crate) async fn preflight(
        &self,
        connection: &Connection,
    ) -> Result<Option<Diagnosis>, Error> {
        let Authentication::OAuth(oauth) = &connection.settings.authentication else {
            return Ok(None);
        };
        let (_, url) = self.begin(connection, oauth)?;
        let rules = preset::rules(&connection.settings);
        let redirect_uri = self.callback_url(&self.callback_path(connection));
        let diagnosis = match self.look(connection, url, &redirect_uri).await {
            Page::Fine => None,
            Page::Refused(error) => Some(diagnose(&error, rules, oauth)),
            Page::Unseen(error) => Some(failure::diagnose_send(&error)),
        };
        let works = connection.standing.state == State::Ok;
        if works {
            return Ok(diagnosis);
        }
        match diagnosis.clone() {
            Some(diagnosis) => {
                self.stand(connection, |standing, now| {
                    failure::set(standing, diagnosis, now);
                })
                .await?;
            }
            None => self.wait_for_sign_in(connection, oauth).await?,
        }
        Ok(diagnosis)
    }

    /// Notes that a sign-in is what is missing: whatever else was wrong is cured.
    pub(crate) async fn wait_for_sign_in(
        &self,
        connection: &Connection,
        oauth: &OAuth,
    ) -> Result<(), store::Error> {
        let rules = preset::rules(&connection.settings);
        self.stand(connection, |standing, now| {
            if !matches!(standing.state, State::Ok | State::NeedsUser) {
                let finding = Finding::NeverAuthorized;
                let diagnosis = oauth::diagnose_finding(finding, rules, &oauth.scope);
                failure::set(standing, diagnosis, now);
            }
        })
        .await
    }

    async fn look(&self, connection: &Connection, url: Url, redirect_uri: &Url) -> Page {
        let trust = self.inner.clouds.trust(&connection.settings);
        let mut headers = HeaderMap::new();
        headers.insert(
            header::ACCEPT,
            HeaderValue::from_static("text/html, */*;q=0.1"),
        );
        let outgoing = Outgoing {
            method: Method::GET,
            url,
            headers,
            body: bytes::Bytes::new(),
        };
        let limits = Limits {
            total: self.inner.http.timeouts.token,
            first_byte: None,
            body: PAGE_LIMIT,
        };
        let answer = match self.inner.http.exchange(&trust, outgoing, limits).await {
            Ok(answer) => answer,
            // A page too large to read is a page: sign-in pages are.
            Err(SendError::TooLarge { .. }) => return Page::Fine,
            Err(error) => return Page::Unseen(error),
        };
        let location = answer
            .headers
            .get(header::LOCATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|to| Url::parse(to).ok());
        if let Some(to) = location.filter(|_| answer.status.is_redirection()) {
            return match error_in_redirect(&to, redirect_uri) {
                Some(error) => Page::Refused(error),
                None => Page::Fine,
            };
        }
        let text = String::from_utf8_lossy(&answer.body);
        match oauth::error_page(&text) {
            Some(error) => Page::Refused(error),
            None => Page::Fine,
        }
    }
}

/// An error that the provider sends straight back to us.
fn error_in_redirect(to: &Url, redirect_uri: &Url) -> Option<ProviderError> {
    let ours = to.host() == redirect_uri.host()
        && to.port_or_known_default() == redirect_uri.port_or_known_default()
        && to.path() == redirect_uri.path();
    if !ours {
        return None;
    }
    Callback::parse(to.query().unwrap_or_default())
        .ok()?
        .error()
}

fn diagnose(error: &ProviderError, rules: ScopeRule, oauth: &OAuth) -> Diagnosis {
    match rules {
        ScopeRule::Entra => oauth::diagnose_entra(error, access(oauth), &oauth.scope),
        ScopeRule::Exact => oauth::diagnose_oauth(error, access(oauth), &oauth.scope),
    }
}
