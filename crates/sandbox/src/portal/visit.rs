//! One request to the portal: who is there, what they may do, that a form is one of ours, and
//! what the next page shall say.

use std::collections::BTreeMap;

use axum::http::request::Parts;
use axum::http::{StatusCode, Uri, header};
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::directory::{Application, Tenant};
use crate::entra::{Exchange, Form, Session, cookies, set_cookie};
use crate::guid::Guid;
use crate::seal::Purpose;
use crate::users::{DirectoryRole, User, UserType};

const NOTICE_COOKIE: &str = "sandbox_portal_notice";
const NOTICE_LIFETIME: SignedDuration = SignedDuration::from_mins(5);

/// A request of somebody who is signed in.
pub(crate) struct Visit {
    pub(crate) exchange: Exchange,
    pub(crate) user: User,
    pub(crate) query: Form,
    session: Session,
    host: Option<String>,
    path: String,
}

/// Why a page or a change is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) status: StatusCode,
    pub(crate) title: &'static str,
    pub(crate) words: String,
}

/// What the next page says, once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Notice {
    pub(crate) text: String,
    /// A secret whose Value is shown beside its Secret ID.
    pub(crate) secret: Option<ShownSecret>,
}

/// A secret that was just made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ShownSecret {
    pub(crate) key_id: Guid,
    pub(crate) value: String,
}

#[derive(Serialize, Deserialize)]
struct SealedNotice {
    session: Guid,
    issued: Timestamp,
    notice: Notice,
}

impl Notice {
    /// Words alone.
    pub(crate) fn new(text: impl Into<String>) -> Notice {
        Notice {
            text: text.into(),
            secret: None,
        }
    }
}

impl Trouble {
    /// There is no such page.
    pub(crate) fn unknown_page() -> Trouble {
        Trouble {
            status: StatusCode::NOT_FOUND,
            title: "Page not found",
            words: "The portal has no page at this address.".to_owned(),
        }
    }

    /// The person may not do it.
    pub(crate) fn no_access(words: impl Into<String>) -> Trouble {
        Trouble {
            status: StatusCode::FORBIDDEN,
            title: "You do not have access",
            words: words.into(),
        }
    }

    fn no_registration(id: &str) -> Trouble {
        Trouble {
            status: StatusCode::NOT_FOUND,
            title: "Application not found",
            words: format!(
                "There is no app registration with the application (client) ID '{id}' in this directory. \
                 It may have been deleted."
            ),
        }
    }

    fn foreign_form() -> Trouble {
        Trouble {
            status: StatusCode::FORBIDDEN,
            title: "Nothing was changed",
            words:
                "This form was not sent by a page of this portal, or by one of an earlier sign-in. \
                    Open the page again and repeat the step."
                    .to_owned(),
        }
    }
}

impl Visit {
    /// A request of this session's user.
    pub(crate) fn new(exchange: Exchange, session: Session, user: User, uri: &Uri) -> Visit {
        Visit {
            host: host(uri, &exchange),
            path: uri.path().to_owned(),
            query: Form::parse(uri.query().unwrap_or_default().as_bytes()),
            exchange,
            user,
            session,
        }
    }

    /// The parts of the path after `/portal`, decoded.
    pub(crate) fn segments(&self) -> Vec<String> {
        self.path
            .split('/')
            .filter(|part| !part.is_empty())
            .skip(1)
            .map(|part| {
                percent_encoding::percent_decode_str(part)
                    .decode_utf8_lossy()
                    .into_owned()
            })
            .collect()
    }

    /// The sandbox's time.
    pub(crate) fn now(&self) -> Timestamp {
        self.exchange.now
    }

    /// Whether the person administers the tenant.
    pub(crate) fn is_administrator(&self) -> bool {
        self.user.role == DirectoryRole::GlobalAdministrator
    }

    /// Refuses guests.
    pub(crate) fn may_enter(&self) -> Result<(), Trouble> {
        match self.user.kind {
            UserType::Member => Ok(()),
            UserType::Guest => Err(Trouble::no_access(format!(
                "{} is a guest of this directory; guests can't register apps. Sign out, and sign in as a member.",
                self.user.principal_name
            ))),
        }
    }

    /// Refuses whoever is not an administrator.
    pub(crate) fn administrator(&self, what: &str) -> Result<(), Trouble> {
        if self.is_administrator() {
            return Ok(());
        }
        Err(Trouble::no_access(format!(
            "{what} needs a Global Administrator, and {} is none. Sign out, and sign in as an administrator \
             (sandbox.json names one).",
            self.user.principal_name
        )))
    }

    /// A registration that the person may see and change, by its client id.
    pub(crate) fn application(&self, id: &str) -> Result<Application, Trouble> {
        let tenant = self.exchange.world.directory.read();
        self.permitted(&tenant, id).cloned()
    }

    /// Changes a registration; the change decides by its result whether it took place.
    pub(crate) fn change_application<T>(
        &self,
        app_id: Guid,
        change: impl FnOnce(&mut Application) -> T,
    ) -> Result<T, Trouble> {
        let mut tenant = self.exchange.world.directory.write();
        // It may have been deleted, or have lost its owner, since the page was shown.
        self.permitted(&tenant, &app_id.to_string())?;
        let app = tenant.applications.get_mut(&app_id);
        app.map(change)
            .ok_or_else(|| Trouble::no_registration(&app_id.to_string()))
    }

    fn permitted<'a>(&self, tenant: &'a Tenant, id: &str) -> Result<&'a Application, Trouble> {
        let app = id
            .parse()
            .ok()
            .and_then(|app_id| tenant.application(app_id))
            .ok_or_else(|| Trouble::no_registration(id))?;
        if app.may_be_changed_by(&self.user) {
            return Ok(app);
        }
        Err(Trouble::no_access(format!(
            "{} neither owns the app registration '{id}' nor administers this directory. Sign out, and sign in as \
             its owner or as an administrator.",
            self.user.principal_name
        )))
    }

    /// The names of the registered apps, by client id.
    pub(crate) fn app_names(&self) -> BTreeMap<String, String> {
        let tenant = self.exchange.world.directory.read();
        let apps = tenant.applications.values();
        apps.map(|app| (app.app_id.to_string(), app.display_name.clone()))
            .collect()
    }

    /// The token that a form carries to be known as this session's.
    pub(crate) fn token(&self) -> String {
        let sealer = &self.exchange.world.keys.sealer;
        sealer.seal(Purpose::PortalForm, &self.session.id)
    }

    /// Refuses forms that do not carry this session's token.
    pub(crate) fn check_token(&self, form: &Form) -> Result<(), Trouble> {
        let sealer = &self.exchange.world.keys.sealer;
        let session: Option<Guid> = form
            .get("token")
            .and_then(|text| sealer.open(Purpose::PortalForm, text));
        if session == Some(self.session.id) {
            Ok(())
        } else {
            Err(Trouble::foreign_form())
        }
    }

    /// Refuses what a browser says to come from another origin: other ports of this host too,
    /// to which the session's cookie is sent as well.
    pub(crate) fn check_origin(&self, parts: &Parts) -> Result<(), Trouble> {
        let text = |name: &str| parts.headers.get(name).map(|value| value.to_str());
        let site = match text("sec-fetch-site") {
            None => true,
            Some(site) => site.is_ok_and(|site| site == "same-origin"),
        };
        let origin = match (text(header::ORIGIN.as_str()), &self.host) {
            (None, _) => true,
            (Some(Ok(origin)), Some(host)) => {
                origin.eq_ignore_ascii_case(&format!("https://{host}"))
            }
            _ => false,
        };
        if site && origin {
            Ok(())
        } else {
            Err(Trouble::foreign_form())
        }
    }

    /// What this page shall say, if the last step left something for it.
    pub(crate) fn notice(&self) -> Option<Notice> {
        let world = &self.exchange.world;
        cookies(&self.exchange.headers, NOTICE_COOKIE)
            .find_map(|text| {
                let sealer = &world.keys.sealer;
                sealer.open::<SealedNotice>(Purpose::PortalNotice, text)
            })
            .filter(|sealed| sealed.session == self.session.id)
            .filter(|sealed| world.clock.wall().duration_since(sealed.issued) < NOTICE_LIFETIME)
            .map(|sealed| sealed.notice)
    }

    /// Leaves something for the next page.
    pub(crate) fn leave(&self, notice: Notice, response: &mut Response) {
        let world = &self.exchange.world;
        let bound = SealedNotice {
            session: self.session.id,
            issued: world.clock.wall(),
            notice,
        };
        let value = world.keys.sealer.seal(Purpose::PortalNotice, &bound);
        let seconds = NOTICE_LIFETIME.as_secs();
        set_notice(response, &value, seconds);
    }

    /// Forgets what was left: it was said.
    pub(crate) fn forget_notice(&self, response: &mut Response) {
        if cookies(&self.exchange.headers, NOTICE_COOKIE).any(|value| !value.is_empty()) {
            set_notice(response, "", 0);
        }
    }
}

fn set_notice(response: &mut Response, value: &str, seconds: i64) {
    set_cookie(
        response,
        &format!(
            "{NOTICE_COOKIE}={value}; Path=/portal; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict"
        ),
    );
}

/// The host and port under which the browser reached us.
fn host(uri: &Uri, exchange: &Exchange) -> Option<String> {
    let authority = uri.authority().map(ToString::to_string);
    authority.or_else(|| {
        let host = exchange.headers.get(header::HOST)?;
        Some(host.to_str().ok()?.to_owned())
    })
}
