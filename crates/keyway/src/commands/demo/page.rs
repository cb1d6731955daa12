//! Forms on an HTML page, read the way a browser without scripts reads them. Just enough for sign-in pages.

/// A form and what it would send.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) action: String,
    pub(super) is_post: bool,
    pub(super) fields: Vec<Field>,
}

/// An input or a button with a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) kind: String,
}

/// The forms of a page, in order.
pub(super) fn forms(html: &str) -> Vec<Form> {
    let mut forms = Vec::new();
    let mut rest = html;
    while let Some((tag, after)) = next_tag(rest, "form") {
        let end = find_ignoring_case(after, "</form").unwrap_or(after.len());
        let inside = &after[..end];
        forms.push(Form {
            action: attribute(tag, "action").unwrap_or_default(),
            is_post: attribute(tag, "method")
                .is_some_and(|method| method.eq_ignore_ascii_case("post")),
            fields: fields(inside),
        });
        rest = &after[end..];
    }
    forms
}

fn fields(html: &str) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let end = rest.find('>').unwrap_or(rest.len());
        let tag = &rest[..end];
        let element = tag
            .split([' ', '\n', '\t', '/'])
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let default_kind = match element.as_str() {
            "input" => "text",
            "button" => "submit",
            _ => continue,
        };
        let Some(name) = attribute(tag, "name") else {
            continue;
        };
        let kind = attribute(tag, "type")
            .unwrap_or_else(|| default_kind.to_owned())
            .to_ascii_lowercase();
        fields.push(Field {
            name,
            value: attribute(tag, "value").unwrap_or_default(),
            kind,
        });
    }
    fields
}

/// The next opening tag of an element: its inside, and the text after it.
fn next_tag<'a>(html: &'a str, element: &str) -> Option<(&'a str, &'a str)> {
    let start = find_ignoring_case(html, &format!("<{element}"))?;
    let tag = &html[start + 1..];
    let end = tag.find('>')?;
    Some((&tag[..end], &tag[end + 1..]))
}

fn find_ignoring_case(text: &str, wanted: &str) -> Option<usize> {
    text.to_ascii_lowercase().find(&wanted.to_ascii_lowercase())
}

/// The value of an attribute, entities resolved.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let mut rest = tag;
    loop {
        let at = find_ignoring_case(rest, name)?;
        let begins = rest[..at].ends_with([' ', '\n', '\t', '"', '\'']);
        let after = rest[at + name.len()..].trim_start();
        if begins && let Some(value) = after.strip_prefix('=') {
            let value = value.trim_start();
            let text = match value.chars().next() {
                Some(quote @ ('"' | '\'')) => value[1..].split(quote).next().unwrap_or_default(),
                _ => value.split([' ', '\n', '\t']).next().unwrap_or_default(),
            };
            return Some(unescape(text));
        }
        rest = &rest[at + name.len()..];
    }
}

/// Resolves the entities that escaping produces.
pub(super) fn unescape(text: &str) -> String {
    let mut output = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        output.push_str(&rest[..start]);
        rest = &rest[start..];
        let Some(end) = rest.find(';').filter(|end| *end <= 10) else {
            output.push('&');
            rest = &rest[1..];
            continue;
        };
        match character(&rest[1..end]) {
            Some(character) => output.push(character),
            None => output.push_str(&rest[..=end]),
        }
        rest = &rest[end + 1..];
    }
    output.push_str(rest);
    output
}

fn character(entity: &str) -> Option<char> {
    let number = |text: &str, radix| {
        u32::from_str_radix(text, radix)
            .ok()
            .and_then(char::from_u32)
    };
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => match entity.strip_prefix('#')? {
            hex if hex.starts_with(['x', 'X']) => number(&hex[1..], 16),
            decimal => number(decimal, 10),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_like_a_browser_reads_them() {
        let html = r#"<h1>Sign in</h1><FORM class="x" method="POST" action="/login?a=1&amp;b=2">
            <input type=hidden name="flow" value="a&quot;b&#39;c&#x26;"/><input name='login' autofocus>
            <input name="passwd" type="password"><button type="submit" name="go" value="1">Sign in</button></FORM>
            <form action="/other"><input type="text"></form>"#;
        let forms = forms(html);
        assert_eq!(forms.len(), 2);
        assert_eq!(forms[0].action, "/login?a=1&b=2");
        assert!(forms[0].is_post && !forms[1].is_post);
        let shown: Vec<(&str, &str, &str)> = forms[0]
            .fields
            .iter()
            .map(|field| {
                (
                    field.name.as_str(),
                    field.value.as_str(),
                    field.kind.as_str(),
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("flow", "a\"b'c&", "hidden"),
                ("login", "", "text"),
                ("passwd", "", "password"),
                ("go", "1", "submit")
            ]
        );
        assert!(forms[1].fields.is_empty());
    }

    #[test]
    fn broken_entities_stay_as_they_are() {
        assert_eq!(
            unescape("a & b &unknown; &#xZZ; &"),
            "a & b &unknown; &#xZZ; &"
        );
    }
}
