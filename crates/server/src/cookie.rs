//! The two cookies: the session, and what ties a browser to the sign-in it began.
//!
//! Over https both are `__Host-` cookies: Secure, for this host alone, not to
//! be set by a neighbour. Over http, which is allowed on loopback only, a
//! browser would drop such a cookie, so the names are plain there.

use http::header::{COOKIE, HeaderMap, HeaderValue};
use oauth::Secret;

use crate::app::App;

/// Which cookie.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cookie {
    /// A signed-in person.
    Session,
    /// A browser that began to sign in at a provider.
    Browser,
}

impl Cookie {
    fn name(self, app: &App) -> &'static str {
        match (self, app.is_https()) {
            (Cookie::Session, true) => "__Host-keyway-session",
            (Cookie::Session, false) => "keyway-session",
            (Cookie::Browser, true) => "__Host-keyway-browser",
            (Cookie::Browser, false) => "keyway-browser",
        }
    }

    /// The cookie's value; two of one name are none, because one of them is not ours.
    pub(crate) fn read(self, app: &App, headers: &HeaderMap) -> Option<Secret> {
        read(self.name(app), headers)
    }

    /// The header that sets it: until the browser is closed, or for so many seconds.
    pub(crate) fn set(self, app: &App, value: &Secret, seconds: Option<u32>) -> HeaderValue {
        let age = seconds.map_or_else(String::new, |seconds| format!("; Max-Age={seconds}"));
        let secure = if app.is_https() { "; Secure" } else { "" };
        let name = self.name(app);
        let text = format!(
            "{name}={}; Path=/; HttpOnly; SameSite=Lax{secure}{age}",
            value.expose()
        );
        let mut header = HeaderValue::from_str(&text).expect("the value is base64url or base32");
        header.set_sensitive(true);
        header
    }

    /// The header that removes it.
    pub(crate) fn clear(self, app: &App) -> HeaderValue {
        self.set(app, &Secret::new(""), Some(0))
    }
}

fn read(name: &str, headers: &HeaderMap) -> Option<Secret> {
    let mut found = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(given, _)| *given == name)
        .map(|(_, value)| value);
    let value = found
        .next()
        .filter(|value| !value.is_empty() && value.len() <= 128)?;
    found.next().is_none().then(|| Secret::new(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_must_be_there_once() {
        for (headers, expected) in [
            (&["keyway-session=abc"][..], Some("abc")),
            (&["a=b; keyway-session=abc; c=d"], Some("abc")),
            (&["a=b", "keyway-session=abc"], Some("abc")),
            (&["keyway-session=abc; keyway-session=def"], None),
            (&["keyway-session=abc", "keyway-session=abc"], None),
            (&["xkeyway-session=abc"], None),
            (&["keyway-session="], None),
            (&[], None),
        ] {
            let map = headers
                .iter()
                .map(|value| (COOKIE, value.parse().unwrap()))
                .collect();
            assert_eq!(
                read("keyway-session", &map).as_ref().map(Secret::expose),
                expected,
                "{headers:?}"
            );
        }
    }
}
