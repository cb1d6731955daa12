//! `multipart/form-data` (RFC 7578): fields and files in one body.
//!
//! What stands between the contents is made here; the contents themselves may be bytes or anything that is
//! streamed. Names are escaped as browsers do it (WHATWG HTML, "multipart/form-data encoding algorithm").

use bytes::Bytes;

use crate::ask::fill;

/// A field, or a file if it has a file name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<C> {
    /// The field's name.
    pub name: String,
    /// What the file is called.
    pub filename: Option<String>,
    /// The content's type; for files the default is `application/octet-stream`.
    pub content_type: Option<String>,
    /// The field's value, the file's bytes, or where they come from.
    pub content: C,
}

/// A body and the boundary between its parts.
#[derive(Debug)]
pub struct FormData<C> {
    boundary: String,
    parts: Vec<Part<C>>,
}

/// What comes next in a body.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<C> {
    /// What stands before, between and after contents.
    Frame(Bytes),
    /// A part's content.
    Content(C),
}

impl<C> FormData<C> {
    /// Joins parts, with a boundary that none of them holds by chance.
    pub fn new(parts: Vec<Part<C>>) -> FormData<C> {
        let mut random = [0; 16];
        fill(&mut random);
        FormData {
            boundary: format!("keyway-{:032x}", u128::from_be_bytes(random)),
            parts,
        }
    }

    /// The body's `Content-Type`.
    pub fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    /// The body, piece by piece.
    pub fn into_pieces(self) -> Vec<Piece<C>> {
        let mut pieces = Vec::with_capacity(self.parts.len() * 2 + 1);
        let mut between = "";
        for part in self.parts {
            let head = format!("{between}--{}\r\n{}\r\n", self.boundary, head(&part));
            pieces.push(Piece::Frame(head.into()));
            pieces.push(Piece::Content(part.content));
            between = "\r\n";
        }
        pieces.push(Piece::Frame(
            format!("{between}--{}--\r\n", self.boundary).into(),
        ));
        pieces
    }
}

/// A part's headers, each with its line end.
fn head<C>(part: &Part<C>) -> String {
    let name = escaped(&part.name);
    let filename = part
        .filename
        .as_deref()
        .map_or_else(String::new, |filename| {
            format!("; filename=\"{}\"", escaped(filename))
        });
    let usual = part.filename.as_ref().map(|_| "application/octet-stream");
    let content_type = part.content_type.as_deref().or(usual);
    let content_type =
        content_type.map_or_else(String::new, |kind| format!("Content-Type: {kind}\r\n"));
    format!("Content-Disposition: form-data; name=\"{name}\"{filename}\r\n{content_type}")
}

fn escaped(name: &str) -> String {
    name.replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, filename: Option<&str>, content_type: Option<&str>) -> Part<&'static str> {
        Part {
            name: name.to_owned(),
            filename: filename.map(str::to_owned),
            content_type: content_type.map(str::to_owned),
            content: "content",
        }
    }

    fn written(parts: Vec<Part<&'static str>>) -> String {
        let form = FormData::new(parts);
        let boundary = form.boundary.clone();
        assert_eq!(
            form.content_type(),
            format!("multipart/form-data; boundary={boundary}")
        );
        let pieces = form.into_pieces().into_iter().map(|piece| match piece {
            Piece::Frame(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            Piece::Content(text) => text.to_owned(),
        });
        pieces.collect::<String>().replace(&boundary, "B")
    }

    #[test]
    fn fields_and_files() {
        assert_eq!(
            written(vec![
                part("a", None, None),
                part("f", Some("x.pdf"), Some("application/pdf")),
                part("g", Some("y"), None),
            ]),
            "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\ncontent\
             \r\n--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.pdf\"\r\nContent-Type: application/pdf\r\n\r\ncontent\
             \r\n--B\r\nContent-Disposition: form-data; name=\"g\"; filename=\"y\"\r\nContent-Type: application/octet-stream\r\n\r\ncontent\
             \r\n--B--\r\n"
        );
        assert_eq!(written(Vec::new()), "--B--\r\n");
    }

    #[test]
    fn a_name_never_ends_its_header() {
        let text = written(vec![part("a\"\r\nX: y", Some("\"\n.txt"), None)]);
        assert!(
            text.contains("name=\"a%22%0D%0AX: y\"; filename=\"%22%0A.txt\"\r\n"),
            "{text}"
        );
    }
}
