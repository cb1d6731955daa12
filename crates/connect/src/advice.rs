//! The one next step, complete: commands to run as they stand, in order, in backticks.
//!
//! Placeholders in capitals stand only where a person must supply something (FILE, TENANT …).

use jiff::Timestamp;
use oauth::{Action, AuthenticationMethod, Diagnosis};
use store::{Authentication, Connection, OAuth, OAuthGrant, PresetName};
use url::Url;

use crate::card::Advice;
use crate::preset;

/// What the words need to know about the connection.
pub(crate) struct Situation<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) redirect_uri: Option<&'a Url>,
    pub(crate) admin_consent: Option<&'a Url>,
    /// Whether there is a refresh token, so that no person is needed for the next try.
    pub(crate) renewable: bool,
    pub(crate) now: Timestamp,
}

struct Next {
    sentence: String,
    command: Option<String>,
    link: Option<String>,
}

impl Situation<'_> {
    /// Completes a diagnosis with the next step for this connection.
    pub(crate) fn advise(&self, diagnosis: &Diagnosis) -> Advice {
        let next = self.next(diagnosis);
        Advice {
            code: diagnosis.code.clone(),
            state: diagnosis.state,
            what: diagnosis.what.clone(),
            why: diagnosis.why.clone(),
            who: diagnosis.who,
            who_text: diagnosis.who.as_text().to_owned(),
            next: next.sentence,
            command: next.command,
            link: next.link,
            action: diagnosis.action.clone(),
            provider: diagnosis.provider.clone(),
            retry_at: diagnosis.retry_at,
        }
    }

    fn name(&self) -> &str {
        self.connection.name.as_str()
    }

    fn oauth(&self) -> Option<&OAuth> {
        match &self.connection.settings.authentication {
            Authentication::OAuth(oauth) => Some(oauth),
            _ => None,
        }
    }

    fn delegated(&self) -> bool {
        self.oauth().is_some_and(|oauth| oauth.grant.is_delegated())
    }

    fn test(&self) -> String {
        format!("keyway connection test {}", self.name())
    }

    fn authorize(&self) -> String {
        format!("keyway connection authorize {}", self.name())
    }

    /// What proves the connection once settings or consent are right.
    fn prove(&self) -> String {
        if self.delegated() {
            self.authorize()
        } else {
            self.test()
        }
    }

    fn change(&self, options: &str) -> String {
        format!("keyway connection change {} {options}", self.name())
    }

    /// The option that gives the secret again, after a change that wipes it.
    fn secret_option(&self) -> &'static str {
        match &self.connection.settings.authentication {
            Authentication::OAuth(oauth) if matches!(oauth.grant, OAuthGrant::JwtBearer(_)) => {
                " --private-key-file FILE"
            }
            Authentication::OAuth(oauth)
                if oauth.client_authentication == AuthenticationMethod::None =>
            {
                ""
            }
            Authentication::OAuth(oauth)
                if oauth.client_authentication.assertion_form().is_some() =>
            {
                " --certificate-file FILE"
            }
            Authentication::OAuth(_) => " --client-secret-file FILE",
            Authentication::Basic { .. } => " --password-file FILE",
            Authentication::Bearer => " --token-file FILE",
            Authentication::Headers { .. }
            | Authentication::QueryKey { .. }
            | Authentication::None => "",
        }
    }

    fn next(&self, diagnosis: &Diagnosis) -> Next {
        let advice = sentence_start(&diagnosis.advice);
        match &diagnosis.action {
            Action::None => Next::words(if advice.is_empty() {
                "nothing has to be done".to_owned()
            } else {
                advice
            }),
            Action::Reauthorize => Self::run(&advice, &[self.authorize()]),
            Action::AdminConsent => self.admin_consent(&advice),
            Action::ReplaceSecret => self.replace_secret(&advice),
            Action::ChangeScope { suggestion } => {
                let scope = preset::entra::in_cloud(
                    suggestion.as_deref().unwrap_or("SCOPE"),
                    self.connection.settings.cloud.as_deref(),
                );
                Self::run(
                    &advice,
                    &[self.change(&format!("--scope \"{scope}\"")), self.prove()],
                )
            }
            Action::ChangeTenant => {
                let options = if self.connection.settings.preset == PresetName::MicrosoftGraph {
                    "--tenant TENANT".to_owned()
                } else {
                    self.url_options()
                };
                Self::run(
                    &advice,
                    &[
                        self.change(&format!("{options}{}", self.secret_option())),
                        self.prove(),
                    ],
                )
            }
            Action::ChangeClientId => {
                let options = format!("--client-id CLIENT_ID{}", self.secret_option());
                Self::run(&advice, &[self.change(&options), self.prove()])
            }
            Action::ChangeEndpoint => self.change_endpoint(diagnosis, &advice),
            Action::RegisterRedirectUri => self.register_redirect_uri(&advice),
            Action::AddPermission => self.add_permission(&advice),
            Action::AssignUser => Self::then_run(
                &or(
                    &advice,
                    "an administrator assigns the person or app to the application",
                ),
                &[self.prove()],
            ),
            Action::FixClock => Self::then_run(
                &or(&advice, "set the clock of this machine"),
                &[self.test()],
            ),
            Action::Wait => self.wait(diagnosis),
            // It has a time for the next try: the command is for whoever can't wait.
            Action::Retry if diagnosis.retry_at.is_some() => {
                Next::with(&advice, "; whoever can't wait runs ", &[self.again()])
            }
            Action::Retry => Self::run(&advice, &[self.again()]),
            Action::ReportBug => Next::words(or(
                &advice,
                "report this with the raw details: it is a fault of Keyway",
            )),
            Action::ReplaceConnection => {
                let command = format!("keyway connection delete {}", self.name());
                Self::run(
                    &or(&advice, "delete the connection and make it again"),
                    &[command],
                )
            }
        }
    }

    fn wait(&self, diagnosis: &Diagnosis) -> Next {
        let until = diagnosis.retry_at.map_or_else(
            || "a minute has passed".to_owned(),
            |at| format!("it is {}", at.strftime("%Y-%m-%d %H:%M:%S UTC")),
        );
        Next::with(
            &format!("nothing has to be done: Keyway asks again by itself when {until}"),
            "; how it stands then is told by ",
            &[self.again()],
        )
    }

    /// The next try, by a person only if there is no other way.
    fn again(&self) -> String {
        if self.renewable || !self.delegated() {
            self.test()
        } else {
            self.authorize()
        }
    }

    /// Commands that do what the advice says.
    fn run(advice: &str, commands: &[String]) -> Next {
        Next::with(advice, ": run ", commands)
    }

    /// Commands for after what the advice says was done elsewhere.
    fn then_run(before: &str, commands: &[String]) -> Next {
        Next::with(before, "; then run ", commands)
    }

    fn admin_consent(&self, advice: &str) -> Next {
        let command = self.prove();
        match self.admin_consent {
            Some(link) => Next {
                sentence: format!(
                    "an administrator opens {link} and accepts; then run `{command}`"
                ),
                command: Some(command),
                link: Some(link.to_string()),
            },
            None => Self::then_run(
                &or(advice, "an administrator consents for the whole tenant"),
                &[command],
            ),
        }
    }

    fn replace_secret(&self, advice: &str) -> Next {
        let option = match self.secret_option() {
            "" => " --client-secret-file FILE",
            option => option,
        };
        let after = self.again();
        Self::run(advice, &[self.change(option.trim_start()), after])
    }

    fn url_options(&self) -> String {
        match self.oauth().map(|oauth| &oauth.grant) {
            Some(OAuthGrant::AuthorizationCode { .. }) => "--authorize-url URL --token-url URL",
            Some(OAuthGrant::DeviceCode { .. }) => "--device-url URL --token-url URL",
            Some(
                OAuthGrant::ClientCredentials
                | OAuthGrant::JwtBearer(_)
                | OAuthGrant::OnBehalfOf(_),
            )
            | None => "--token-url URL",
        }
        .to_owned()
    }

    fn change_endpoint(&self, diagnosis: &Diagnosis, advice: &str) -> Next {
        if diagnosis.code.starts_with("egress.") {
            return Self::then_run(advice, &[self.again()]);
        }
        let options = match diagnosis.code.as_str() {
            "tls.unknown_issuer" | "connection.ca_invalid" => "--ca-file FILE".to_owned(),
            _ if self.connection.settings.preset == PresetName::MicrosoftGraph => {
                "--cloud CLOUD".to_owned()
            }
            _ => self.url_options(),
        };
        Self::run(
            advice,
            &[
                self.change(&format!("{options}{}", self.secret_option())),
                self.prove(),
            ],
        )
    }

    fn register_redirect_uri(&self, advice: &str) -> Next {
        let command = self.authorize();
        match self.redirect_uri {
            Some(uri) => Next {
                sentence: format!(
                    "add exactly `{uri}` to the app registration under Authentication → Web → Redirect URIs; then run `{command}`"
                ),
                command: Some(command),
                link: None,
            },
            None => Self::then_run(advice, &[command]),
        }
    }

    fn add_permission(&self, advice: &str) -> Next {
        let before = or(
            advice,
            "add the missing API permission to the app registration",
        );
        let command = self.prove();
        match self.admin_consent {
            Some(link) => Next {
                sentence: format!(
                    "{before}; then an administrator opens {link} and accepts; then run `{command}`"
                ),
                command: Some(command),
                link: Some(link.to_string()),
            },
            None => Self::then_run(&before, &[command]),
        }
    }

    /// The next step of a connection that works.
    pub(crate) fn try_it(&self) -> (String, Option<String>) {
        let command = format!("keyway call {} GET PATH", self.name());
        (
            format!("nothing has to be done; call it with `{command}`"),
            Some(command),
        )
    }

    /// The next step for a delegated connection that has no refresh token.
    pub(crate) fn add_offline_access(&self, scope: &str) -> (String, Option<String>) {
        let next = Self::run(
            "",
            &[
                self.change(&format!("--scope \"{scope}\"")),
                self.authorize(),
            ],
        );
        (next.sentence, next.command)
    }

    /// The next step after an API refused a call for lack of permission.
    pub(crate) fn after_forbidden(&self) -> (String, Option<String>, Option<String>) {
        let next = self.add_permission("");
        (next.sentence, next.command, next.link)
    }

    pub(crate) fn since_ended(&self, expires_at: Timestamp) -> bool {
        expires_at <= self.now
    }
}

impl Next {
    fn with(before: &str, joint: &str, commands: &[String]) -> Next {
        let list = commands
            .iter()
            .map(|command| format!("`{command}`"))
            .collect::<Vec<_>>()
            .join(", then ");
        let sentence = if before.is_empty() {
            format!("run {list}")
        } else {
            format!("{before}{joint}{list}")
        };
        Next {
            sentence,
            command: commands.first().cloned(),
            link: None,
        }
    }

    fn words(sentence: String) -> Next {
        Next {
            sentence,
            command: None,
            link: None,
        }
    }
}

fn or(advice: &str, instead: &str) -> String {
    if advice.is_empty() {
        instead.to_owned()
    } else {
        advice.to_owned()
    }
}

/// The provider-neutral advice as the beginning of a sentence that goes on.
fn sentence_start(advice: &str) -> String {
    advice.trim().trim_end_matches(['.', ';', ':']).to_owned()
}
