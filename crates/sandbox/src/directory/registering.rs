//! What is done to an app registration, with the rules of each step: made, named, given
//! redirect URIs and secrets. Graph's handlers and the portal's pages both come here.
//!
//! Who may do it is `may_be_changed_by`; permissions of a token are Graph's business.

use jiff::{SignedDuration, Timestamp};

use super::{Application, Audience, PasswordCredential, Platform, RequiredAccess};
use crate::guid::Guid;
use crate::permissions::Resource;
use crate::users::{DirectoryRole, User};

/// A registration has at most this many redirect URIs.
const MOST_REDIRECTS: usize = 256;
/// Secrets live this long unless something else is said.
const SECRET_LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 730);

/// The text cannot be an app's name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotAName;

/// Why redirect URIs are not registered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RedirectFault {
    /// One of them cannot be registered.
    One {
        /// As it was given.
        uri: String,
        /// In words.
        why: &'static str,
    },
    /// One occurs twice, on whatever platform.
    NotDistinct,
    /// There are too many.
    TooMany,
}

/// A fresh secret: its record, and the Value that is told once.
#[derive(Clone, Debug)]
pub(crate) struct FreshSecret {
    pub(crate) credential: PasswordCredential,
    pub(crate) value: String,
}

impl Application {
    /// A registration with fresh ids and no name yet.
    pub(crate) fn begin(owner: Guid, now: Timestamp) -> Application {
        Application {
            id: Guid::random(),
            app_id: Guid::random(),
            display_name: String::new(),
            audience: Audience::AzureADMyOrg,
            web_redirects: Vec::new(),
            public_redirects: Vec::new(),
            identifier_uris: Vec::new(),
            required: Vec::new(),
            passwords: Vec::new(),
            certificates: Vec::new(),
            offers: Resource::default(),
            created: now,
            owner: Some(owner),
        }
    }

    /// Whether a person may change it: administrators may, and who registered it.
    pub(crate) fn may_be_changed_by(&self, user: &User) -> bool {
        user.role == DirectoryRole::GlobalAdministrator || self.owner == Some(user.id)
    }

    /// Names the app.
    pub(crate) fn set_name(&mut self, name: &str) -> Result<(), NotAName> {
        if name.is_empty() || name.len() > 256 {
            return Err(NotAName);
        }
        name.clone_into(&mut self.display_name);
        Ok(())
    }

    /// Replaces the redirect URIs of both platforms, or leaves them as they are.
    pub(crate) fn set_redirects(
        &mut self,
        web: &[String],
        public: &[String],
    ) -> Result<(), RedirectFault> {
        if web.len() + public.len() > MOST_REDIRECTS {
            return Err(RedirectFault::TooMany);
        }
        let checked = |uris: &[String], platform| {
            let one = |uri: &String| match redirect_uri_fault(uri, platform) {
                None => Ok(registered_redirect(uri)),
                Some(why) => Err(RedirectFault::One {
                    uri: uri.clone(),
                    why,
                }),
            };
            uris.iter().map(one).collect::<Result<Vec<_>, _>>()
        };
        let (web, public) = (
            checked(web, Platform::Web)?,
            checked(public, Platform::Public)?,
        );
        let mut all: Vec<&String> = web.iter().chain(&public).collect();
        all.sort_unstable();
        if all.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(RedirectFault::NotDistinct);
        }
        (self.web_redirects, self.public_redirects) = (web, public);
        Ok(())
    }

    /// Lists a permission, once.
    pub(crate) fn require(&mut self, access: RequiredAccess) {
        if !self.required.contains(&access) {
            self.required.push(access);
        }
    }

    /// Adds a secret; without an end it lives for two years.
    pub(crate) fn add_secret(
        &mut self,
        name: Option<String>,
        start: Timestamp,
        end: Option<Timestamp>,
    ) -> FreshSecret {
        let end =
            end.unwrap_or_else(|| start.checked_add(SECRET_LIFETIME).unwrap_or(Timestamp::MAX));
        let value = crate::keys::secret_value();
        let credential = PasswordCredential::new(&value, name, start, end);
        self.passwords.push(credential.clone());
        FreshSecret { credential, value }
    }

    /// Removes the secret of this Secret ID; false if there is none.
    pub(crate) fn remove_secret(&mut self, key_id: Guid) -> bool {
        let before = self.passwords.len();
        self.passwords.retain(|password| password.key_id != key_id);
        self.passwords.len() < before
    }
}

/// Why a redirect URI cannot be registered on a platform; `None` if it can.
fn redirect_uri_fault(uri: &str, platform: Platform) -> Option<&'static str> {
    const SCHEME: &str = "Must start with \"HTTPS\" or \"http://localhost\"";
    if uri.len() > 256 {
        return Some("Must not be longer than 256 characters");
    }
    if uri.contains(['!', '$', '\'', '(', ')', ',', ';', '*']) {
        return Some("Must not contain any of ! $ ' ( ) , ; *");
    }
    let Ok(url) = url::Url::parse(uri) else {
        return Some("Must be a valid URL");
    };
    if url.fragment().is_some() {
        return Some("Must not contain a fragment");
    }
    match (url.scheme(), url.host_str()) {
        ("https", _) | ("http", Some("localhost" | "127.0.0.1")) => None,
        ("http", _) => Some(SCHEME),
        _ if platform == Platform::Public => None,
        _ => Some(SCHEME),
    }
}

/// A redirect URI as it is kept: one without a path gets a trailing slash, unless it is the
/// bare loopback address of public clients, which matches either way.
fn registered_redirect(uri: &str) -> String {
    match url::Url::parse(uri) {
        Ok(url)
            if url.path() == "/"
                && url.query().is_none()
                && !uri.ends_with('/')
                && uri != "http://localhost" =>
        {
            format!("{uri}/")
        }
        _ => uri.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_rules() {
        for uri in [
            "https://app.example/cb?x=1",
            "http://localhost:3/cb",
            "http://127.0.0.1/cb",
        ] {
            assert_eq!(redirect_uri_fault(uri, Platform::Web), None, "{uri}");
        }
        for uri in [
            "http://app.example/cb",
            "https://app.example/#x",
            "https://app.example/a,b",
            "app://x",
            "x",
        ] {
            assert!(redirect_uri_fault(uri, Platform::Web).is_some(), "{uri}");
        }
        assert_eq!(redirect_uri_fault("app://x", Platform::Public), None);
        assert_eq!(
            registered_redirect("https://app.example"),
            "https://app.example/"
        );
        assert_eq!(
            registered_redirect("https://app.example/a"),
            "https://app.example/a"
        );
    }

    #[test]
    fn redirects_are_distinct_over_both_platforms_or_none_is_set() {
        let mut app = Application::begin(Guid::random(), Timestamp::UNIX_EPOCH);
        let uris = |uris: &[&str]| uris.iter().map(|uri| (*uri).to_owned()).collect::<Vec<_>>();
        let one = uris(&["https://app.example"]);
        assert_eq!(app.set_redirects(&one, &[]), Ok(()));
        let same = uris(&["https://app.example/"]);
        assert_eq!(
            app.set_redirects(&one, &same),
            Err(RedirectFault::NotDistinct)
        );
        let twice = uris(&["https://app.example/a", "https://app.example/a"]);
        assert_eq!(
            app.set_redirects(&twice, &[]),
            Err(RedirectFault::NotDistinct)
        );
        assert_eq!(app.web_redirects, same);
    }
}
