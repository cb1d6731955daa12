//! What is typed by hand: checking URLs, and the mix-up question of two sites.

use store::Origin;
use url::{Host, Url};

use crate::error::Error;
use crate::guard::EgressPolicy;

/// Longest URL that is stored.
const URL_LIMIT: usize = 2_048;

/// Reads a URL that a credential or a person will be sent to.
pub(crate) fn parse_url(policy: &EgressPolicy, field: &str, text: &str) -> Result<Url, Error> {
    let invalid = |why: &str| {
        Err(Error::invalid(
            "connection.url_invalid",
            field,
            format!("{why}: it must be an https URL such as https://api.contoso.example/v1"),
        ))
    };
    if text.is_empty() {
        return invalid("the URL is empty");
    }
    if text.len() > URL_LIMIT {
        return invalid("the URL is longer than 2,048 characters");
    }
    if text
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || c == '\\')
    {
        return invalid("the URL holds white space, control characters or a backslash");
    }
    if text.contains(":///") {
        return invalid("the URL has no host");
    }
    let scheme = text
        .split_once("://")
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    if !matches!(scheme.as_deref(), Some("https" | "http")) {
        return invalid("the URL does not begin with https://");
    }
    let Ok(url) = Url::parse(text) else {
        return invalid("the URL is not valid");
    };
    if url.fragment().is_some() {
        return invalid("the URL has a #fragment");
    }
    if Origin::of(&url).is_none() {
        return invalid("the URL has no host");
    }
    policy
        .check(&url)
        .map_err(|refused| Error::refused(field, &refused))?;
    Ok(url)
}

/// Whether two endpoints are on one site, so that one operator answers for both.
pub(crate) fn same_site(one: &Url, other: &Url) -> bool {
    match (one.host(), other.host()) {
        (Some(Host::Domain(one)), Some(Host::Domain(other))) => site(one) == site(other),
        (one, other) => one == other,
    }
}

/// The registrable part of a name, by rule of thumb: two labels, three below short second levels (`co.uk`).
fn site(name: &str) -> String {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let labels: Vec<&str> = name.rsplit('.').collect();
    let short = labels.len() > 2 && labels[0].len() == 2 && labels[1].len() <= 3;
    let taken = if short { 3 } else { 2 };
    labels.into_iter().take(taken).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_site_or_two() {
        for (one, other, same) in [
            (
                "https://login.contoso.example/a",
                "https://token.contoso.example/b",
                true,
            ),
            ("https://contoso.example", "https://contoso.example", true),
            (
                "https://contoso.example",
                "https://evilcontoso.example",
                false,
            ),
            ("https://a.co.uk", "https://b.co.uk", false),
            ("https://x.a.co.uk", "https://y.a.co.uk", true),
            ("https://127.0.0.1:1", "https://127.0.0.1:2", true),
            ("https://127.0.0.1", "https://[::1]", false),
            ("https://localhost", "https://127.0.0.1", false),
        ] {
            let (one, other) = (Url::parse(one).unwrap(), Url::parse(other).unwrap());
            assert_eq!(same_site(&one, &other), same, "{one} {other}");
        }
    }

    #[test]
    fn urls_of_a_form() {
        let policy = EgressPolicy::parse(&["127.0.0.1:8443"]).unwrap();
        let code = |text: &str| parse_url(&policy, "/base_url", text).map_err(|error| error.code());
        for text in [
            "",
            "http://api.contoso.example",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "https:",
            "https://",
            "https:///x",
            "ftp://contoso.example",
            "https://user@contoso.example",
            "https://user:pw@contoso.example",
            "https://contoso.example/#x",
            " https://contoso.example",
            "https://contoso.example\n",
            "https://contoso.example/\0",
            "https://con toso.example",
            "https:\\\\contoso.example",
            "contoso.example",
            "//contoso.example",
            "data:text/html,x",
            "HTTP://contoso.example",
            "https:contoso.example",
            "unix:///run/x",
        ] {
            assert_eq!(code(text), Err("connection.url_invalid"), "{text:?}");
        }
        let long = format!("https://contoso.example/{}", "a".repeat(2_048));
        assert_eq!(code(&long), Err("connection.url_invalid"));
        for text in [
            "https://10.0.0.1",
            "https://127.0.0.1",
            "https://[::1]:8443",
            "https://2130706433",
        ] {
            assert_eq!(code(text), Err("egress.address_forbidden"), "{text:?}");
        }
        for text in [
            "https://contoso.example/v1?x=1",
            "HTTPS://contoso.example",
            "https://127.0.0.1:8443/a",
            "http://127.0.0.1:8443",
        ] {
            assert!(code(text).is_ok(), "{text:?}");
        }
    }
}
