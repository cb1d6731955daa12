//! Pages of other sites may not change anything (G22): `Sec-Fetch-Site` and
//! `Origin` are checked on every unsafe method.
//!
//! There is no CORS: no page of another origin is ever allowed to read an
//! answer. What is not a browser sends neither header and no cookie.

use http::Method;
use http::header::{HeaderMap, HeaderName, ORIGIN};
use url::Url;

use crate::app::App;
use crate::problem::Problem;

/// Says where a request comes from; written by the browser, out of reach of pages.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses an unsafe request that says it comes from another site's page.
pub(crate) fn refuse_foreign(
    app: &App,
    method: &Method,
    headers: &HeaderMap,
) -> Result<(), Problem> {
    if method.is_safe() {
        return Ok(());
    }
    match origin(app.public_url(), headers) {
        Said::Foreign => Err(foreign()),
        Said::Own | Said::Nothing => Ok(()),
    }
}

/// For requests whose only credential is a cookie: an unsafe one must say that it is our own page's.
pub(crate) fn require_own(app: &App, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    if method.is_safe() {
        return Ok(());
    }
    match origin(app.public_url(), headers) {
        Said::Own => Ok(()),
        Said::Foreign | Said::Nothing => Err(foreign()),
    }
}

fn foreign() -> Problem {
    Problem::new(
        "csrf",
        "the request was sent by a page of another site, or does not say by whose page",
    )
}

/// What the headers say about the page that sent the request.
#[derive(Debug, PartialEq)]
enum Said {
    Own,
    Foreign,
    Nothing,
}

/// Both headers must agree that it is ours; one is enough, repeated ones are foreign.
fn origin(public_url: &Url, headers: &HeaderMap) -> Said {
    let mut said = Said::Nothing;
    let mut sites = headers.get_all(SEC_FETCH_SITE).iter();
    if let Some(site) = sites.next() {
        // `none` is a person's own doing: the address bar, a bookmark
        if sites.next().is_some() || !(site == "same-origin" || site == "none") {
            return Said::Foreign;
        }
        said = Said::Own;
    }
    let mut origins = headers.get_all(ORIGIN).iter();
    if let Some(origin) = origins.next() {
        let own = origin
            .to_str()
            .is_ok_and(|origin| is_own(public_url, origin));
        if origins.next().is_some() || !own {
            return Said::Foreign;
        }
        said = Said::Own;
    }
    said
}

/// Whether this is the origin of our public URL; the loopback names of one port are one origin.
fn is_own(public_url: &Url, origin: &str) -> bool {
    if origin == public_url.origin().ascii_serialization() {
        return true;
    }
    let Ok(url) = Url::parse(origin) else {
        return false;
    };
    is_loopback(public_url)
        && is_loopback(&url)
        && url.scheme() == public_url.scheme()
        && url.port_or_known_default() == public_url.port_or_known_default()
        && url.origin().ascii_serialization() == origin
}

/// Whether a URL names this machine itself.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(public_url: &str, given: &[(&'static str, &str)]) -> Said {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(*name, value.parse().unwrap());
        }
        origin(&Url::parse(public_url).unwrap(), &headers)
    }

    #[test]
    fn both_headers_must_be_ours() {
        let home = "https://keyway.contoso.example";
        for (given, expected) in [
            (&[][..], Said::Nothing),
            (&[("sec-fetch-site", "same-origin")], Said::Own),
            (&[("sec-fetch-site", "none")], Said::Own),
            (&[("sec-fetch-site", "same-site")], Said::Foreign),
            (&[("sec-fetch-site", "cross-site")], Said::Foreign),
            (&[("sec-fetch-site", "Same-Origin")], Said::Foreign),
            (&[("origin", home)], Said::Own),
            (&[("origin", "null")], Said::Foreign),
            (
                &[("origin", "http://keyway.contoso.example")],
                Said::Foreign,
            ),
            (
                &[("origin", "https://keyway.contoso.example:8443")],
                Said::Foreign,
            ),
            (
                &[("origin", "https://keyway.contoso.example.attacker.example")],
                Said::Foreign,
            ),
            (
                &[
                    ("sec-fetch-site", "same-origin"),
                    ("origin", "https://attacker.example"),
                ],
                Said::Foreign,
            ),
            (
                &[("sec-fetch-site", "cross-site"), ("origin", home)],
                Said::Foreign,
            ),
            (
                &[("origin", home), ("origin", "https://attacker.example")],
                Said::Foreign,
            ),
        ] {
            assert_eq!(said(home, given), expected, "{given:?}");
        }
    }

    #[test]
    fn loopback_names_are_one_origin() {
        let home = "http://localhost:8800";
        assert_eq!(
            said(home, &[("origin", "http://127.0.0.1:8800")]),
            Said::Own
        );
        assert_eq!(said(home, &[("origin", "http://[::1]:8800")]), Said::Own);
        assert_eq!(
            said(home, &[("origin", "http://127.0.0.1:8801")]),
            Said::Foreign
        );
        assert_eq!(
            said(home, &[("origin", "https://localhost:8800")]),
            Said::Foreign
        );
        assert_eq!(
            said(
                home,
                &[("origin", "http://localhost.attacker.example:8800")]
            ),
            Said::Foreign
        );
    }
}
