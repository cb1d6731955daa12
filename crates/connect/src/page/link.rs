//! The `Link` header (RFC 8288): only the target of `rel="next"` is looked for.

/// The target of the first link whose relation types include `next`.
pub(super) fn next<'a>(values: impl Iterator<Item = &'a str>) -> Option<String> {
    values.flat_map(links).find_map(|(target, parameters)| {
        // Only the first `rel` counts (§3.3).
        let relations = parameters
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("rel"))?
            .1;
        relations
            .split_ascii_whitespace()
            .any(|relation| relation.eq_ignore_ascii_case("next"))
            .then_some(target)
    })
}

type Parameters = Vec<(String, String)>;

/// Takes a header value apart; what can't be read ends it.
fn links(value: &str) -> Vec<(String, Parameters)> {
    let mut found = Vec::new();
    let mut rest = value;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let Some((target, after)) = rest.strip_prefix('<').and_then(|rest| rest.split_once('>'))
        else {
            return found;
        };
        let (parameters, after) = parameters(after);
        found.push((target.trim().to_owned(), parameters));
        rest = after;
    }
}

/// Reads `;name=value` until a comma or the end.
fn parameters(mut rest: &str) -> (Parameters, &str) {
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        let Some(after) = rest.strip_prefix(';') else {
            return (found, rest);
        };
        let after = after.trim_start_matches([' ', '\t']);
        let end = after
            .find(['=', ';', ',', ' ', '\t'])
            .unwrap_or(after.len());
        let (name, after) = after.split_at(end);
        let after = after.trim_start_matches([' ', '\t']);
        let (value, after) = match after.strip_prefix('=') {
            Some(after) => token_or_quoted(after.trim_start_matches([' ', '\t'])),
            None => (String::new(), after),
        };
        if !name.is_empty() {
            found.push((name.to_owned(), value));
        }
        rest = after;
    }
}

fn token_or_quoted(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',', ' ', '\t']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    // Never closed: the rest belongs to it.
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: Option<&str>) {
        assert_eq!(next([value].into_iter()).as_deref(), expected, "{value}");
    }

    #[test]
    fn the_forms_of_the_standard() {
        check(
            "<https://a.example/2>; rel=\"next\"",
            Some("https://a.example/2"),
        );
        check("</users?page=2>;rel=next", Some("/users?page=2"));
        check("</1>; rel=\"prev\", </3>; rel=\"next\"", Some("/3"));
        check("</3>; title=\"a, b; rel=prev\"; rel=\"NEXT\"", Some("/3"));
        check("</3>; title=\"a \\\" b\"; rel=\"last next\"", Some("/3"));
        check("</3> ; REL = next", Some("/3"));
        check("< /3 >; rel=next; rel=prev", Some("/3"));
        check("<a,b;c>; rel=next", Some("a,b;c"));
        check(",, </3>; rel=next", Some("/3"));
    }

    #[test]
    fn what_is_no_next_link() {
        check("", None);
        check("</3>", None);
        check("</3>; rel=prev; rel=next", None);
        check("</3>; rel=\"nextish\"", None);
        check("</3>; anchor=next", None);
        check("/3; rel=next", None);
        check("</3; rel=next", None);
        check("</3>; rel=\"next", Some("/3"));
        check("</3>;;rel=next", Some("/3"));
    }

    #[test]
    fn several_headers_are_one_list() {
        let values = ["</1>; rel=first", "</2>; rel=next"];
        assert_eq!(next(values.into_iter()).as_deref(), Some("/2"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(value in "[<>;,=\"\\\\ a-zé/]*") {
            let _ = next([value.as_str()].into_iter());
        }
    }
}
