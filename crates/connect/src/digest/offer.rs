//! What a 401 offers (RFC 9110 §11.6.1): schemes with their parameters, several in one header and in several headers.
//!
//! What can't be read ends the header that it stands in; what was read before counts.

use http::{HeaderMap, header};

/// One challenge.
#[derive(Debug, PartialEq)]
pub(super) struct Offer {
    /// Its scheme, as it was written.
    pub(super) scheme: String,
    /// Names in lower case, and values without their quotes.
    parameters: Vec<(String, String)>,
}

impl Offer {
    /// All that an answer offers, in its order.
    pub(super) fn all(headers: &HeaderMap) -> Vec<Offer> {
        headers
            .get_all(header::WWW_AUTHENTICATE)
            .iter()
            .filter_map(|value| std::str::from_utf8(value.as_bytes()).ok())
            .flat_map(read)
            .collect()
    }

    /// A parameter, by its name in lower case; the first where it comes twice.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

fn read(header: &str) -> Vec<Offer> {
    let mut offers: Vec<Offer> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (name, after) = token(rest);
        if name.is_empty() {
            return offers;
        }
        let after = after.trim_start_matches([' ', '\t']);
        if let (Some(value), Some(offer)) = (after.strip_prefix('='), offers.last_mut()) {
            let Some((value, next)) = value_of(value.trim_start_matches([' ', '\t'])) else {
                return offers;
            };
            offer.parameters.push((name.to_ascii_lowercase(), value));
            rest = next;
        } else {
            offers.push(Offer {
                scheme: name.to_owned(),
                parameters: Vec::new(),
            });
            rest = without_token68(after);
        }
    }
}

/// RFC 9110 §5.6.2.
fn token(text: &str) -> (&str, &str) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    text.split_at(text.find(|c| !is_part(c)).unwrap_or(text.len()))
}

/// A token or a quoted string, and what follows it.
fn value_of(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = token(text);
        return (!value.is_empty()).then(|| (value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            _ => value.push(character),
        }
    }
    None
}

/// Some schemes have one value in place of parameters (`Negotiate YII=`).
fn without_token68(text: &str) -> &str {
    let (word, next) = text.split_at(text.find([' ', '\t', ',']).unwrap_or(text.len()));
    let following = next.trim_start_matches([' ', '\t']);
    let alone = following.is_empty() || following.starts_with(',');
    if alone && !word.trim_end_matches('=').contains(['=', '"']) {
        next
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(header: &str) -> String {
        let offers = read(header).into_iter().map(|offer| {
            let parameters = offer
                .parameters
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            format!(
                "{}({})",
                offer.scheme,
                parameters.collect::<Vec<_>>().join(" ")
            )
        });
        offers.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn challenges_in_one_header() {
        for (header, expected) in [
            ("", ""),
            ("Basic", "Basic()"),
            (
                r#"Digest realm="a, b", nonce=c"#,
                "Digest(realm=a, b nonce=c)",
            ),
            (
                r#"Basic realm="x",Digest REALM="y",qop="auth,auth-int""#,
                "Basic(realm=x) Digest(realm=y qop=auth,auth-int)",
            ),
            (r"Negotiate, Digest realm=y", "Negotiate() Digest(realm=y)"),
            (
                r"Negotiate YII/ab+c==, Digest realm=y",
                "Negotiate() Digest(realm=y)",
            ),
            (
                r#"Digest realm = "y" , , stale=TRUE"#,
                "Digest(realm=y stale=TRUE)",
            ),
            (
                r#"Digest realm="say \"hi\" \\""#,
                r#"Digest(realm=say "hi" \)"#,
            ),
            (
                r#"Digest realm="für alle", nonce=n"#,
                "Digest(realm=für alle nonce=n)",
            ),
            (r#"Digest nonce=n, realm="open"#, "Digest(nonce=n)"),
            (r#"Digest nonce=n, realm="open\"#, "Digest(nonce=n)"),
            ("Digest nonce=n, realm=", "Digest(nonce=n)"),
            ("=x", ""),
        ] {
            assert_eq!(shown(header), expected, "{header}");
        }
    }
}
