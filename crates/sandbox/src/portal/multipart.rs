//! A form with a file (RFC 7578): as much as browsers send for a small one.

use crate::entra::Form;

/// The fields of a form, a file's content in base64; `None` if it is no such form.
pub(crate) fn parse(content_type: &str, body: &[u8]) -> Option<Form> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameters
        .trim()
        .strip_prefix("boundary=")?
        .trim_matches('"');
    let delimiter = format!("\r\n--{boundary}");
    // The first delimiter has no line before it.
    let body = [b"\r\n", body].concat();
    let parts = split(&body, delimiter.as_bytes());
    // Before the first delimiter is nothing, after the last one its closing hyphens.
    let fields = parts.get(1..parts.len().checked_sub(1)?)?;
    Some(Form::of(
        fields.iter().filter_map(|part| field(part)).collect(),
    ))
}

fn split<'a>(text: &'a [u8], delimiter: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = find(rest, delimiter) {
        parts.push(&rest[..at]);
        rest = &rest[at + delimiter.len()..];
    }
    parts.push(rest);
    parts
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len())
        .position(|window| window == wanted)
}

/// Name and value of a part.
fn field(part: &[u8]) -> Option<(String, String)> {
    use base64::Engine as _;
    let at = find(part, b"\r\n\r\n")?;
    let (head, value) = (std::str::from_utf8(&part[..at]).ok()?, &part[at + 4..]);
    let disposition = head.lines().find(|line| {
        line.to_ascii_lowercase()
            .starts_with("content-disposition:")
    })?;
    let name = disposition.split("; name=\"").nth(1)?.split('"').next()?;
    let value = if disposition.contains("; filename=\"") {
        base64::engine::general_purpose::STANDARD.encode(value)
    } else {
        String::from_utf8_lossy(value).into_owned()
    };
    Some((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_a_file() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\nt\r\n--x\r\n\
                    Content-Disposition: form-data; name=\"file\"; filename=\"a.cer\"\r\n\
                    Content-Type: application/octet-stream\r\n\r\na\r\n-b\r\n--x--\r\n";
        let form = parse("multipart/form-data; boundary=x", body.as_bytes()).unwrap();
        assert_eq!(form.get("token"), Some("t"));
        assert_eq!(form.get("file"), Some("YQ0KLWI="));
        for broken in ["", "--x", "--x--", "--x\r\n\r\n--x--\r\n"] {
            let form = parse("multipart/form-data; boundary=x", broken.as_bytes());
            assert!(
                form.is_none_or(|form| form.get("file").is_none()),
                "{broken}"
            );
        }
        assert!(parse("application/x-www-form-urlencoded", b"").is_none());
    }
}
