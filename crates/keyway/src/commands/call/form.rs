//! `keyway call -F`: fields and files of a form, as they are written on the command line.

use connect::Part;

use crate::client::Content;

/// Reads `NAME=VALUE`, or `NAME=@FILE` with `;type=…` and `;filename=…` behind it.
pub(super) fn field(text: &str) -> Result<Part<Content>, String> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => (name.to_owned(), value),
        _ => return Err("write it as name=value or name=@file".to_owned()),
    };
    let Some(place) = value.strip_prefix('@') else {
        return Ok(Part {
            name,
            filename: None,
            content_type: None,
            content: Content::Bytes(value.to_owned().into()),
        });
    };
    let (place, filename) = cut(place, ";filename=");
    let (place, content_type, filename) = match cut(place, ";type=") {
        (place, Some(content_type)) => (place, Some(content_type), filename),
        // The other order.
        (place, None) => match filename.map(|filename| cut(filename, ";type=")) {
            Some((filename, content_type)) => (place, content_type, Some(filename)),
            None => (place, None, None),
        },
    };
    if place.is_empty() {
        return Err("there is no file name after the @".to_owned());
    }
    let own = std::path::Path::new(place).file_name().map_or_else(
        || place.to_owned(),
        |own| own.to_string_lossy().into_owned(),
    );
    Ok(Part {
        name,
        filename: Some(filename.map_or(own, str::to_owned)),
        content_type: content_type.map(str::to_owned),
        content: Content::at(place),
    })
}

fn cut<'a>(text: &'a str, mark: &str) -> (&'a str, Option<&'a str>) {
    text.split_once(mark)
        .map_or((text, None), |(before, after)| (before, Some(after)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, Option<String>, Option<String>, Content) {
        let part = field(text).unwrap();
        (part.name, part.filename, part.content_type, part.content)
    }

    #[test]
    fn fields_and_files() {
        let text = |text: &str| Some(text.to_owned());
        let file = |path: &str| Content::File(path.into());
        let bytes = Content::Bytes("b=c;type=x".into());
        assert_eq!(read("a=b=c;type=x"), ("a".to_owned(), None, None, bytes));
        for (written, filename, content_type, content) in [
            ("f=@dir/x.pdf", "x.pdf", None, file("dir/x.pdf")),
            ("f=@x;type=text/csv", "x", text("text/csv"), file("x")),
            ("f=@x;filename=y", "y", None, file("x")),
            ("f=@x;type=a/b;filename=y", "y", text("a/b"), file("x")),
            ("f=@x;filename=y;type=a/b", "y", text("a/b"), file("x")),
            ("f=@-", "-", None, Content::Stdin),
        ] {
            let expected = ("f".to_owned(), text(filename), content_type, content);
            assert_eq!(read(written), expected, "{written}");
        }
        for wrong in ["a", "=b", "f=@", "f=@;type=a/b"] {
            assert!(field(wrong).is_err(), "{wrong}");
        }
    }
}
