//! `keyway call` with files: bodies read from them, answers written to them, each however large.
//!
//! These calls pass through `/proxy`, so nothing of them is kept in memory, and nothing is sent again but a body whose
//! token was refused. An answer is written beside its file first, so that a file is whole or not there.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use connect::{FormData, Piece};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value, json};
use tokio::io::AsyncWriteExt as _;

use super::{Arguments, Data, print};
use crate::Exit;
use crate::client::{Client, Content, Transfer, Transferred, Upload, query_value};
use crate::failure::Failure;
use crate::ui::{Reader, Ui, plain};

/// An answer that is printed, or a refusal's body, may be this long.
const PRINTED_LIMIT: usize = 64 * 1024 * 1024;
/// What a request line may not hold as it is; everything else was written as it is meant.
const TARGET: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// Whether a call passes through.
pub(super) fn is_wanted(arguments: &Arguments) -> bool {
    arguments.upload.is_some() || !arguments.form.is_empty() || arguments.output_file.is_some()
}

pub(super) async fn run(
    ui: Ui,
    client: &Client,
    arguments: &Arguments,
    (method, path): (&str, &str),
) -> Result<Exit, Failure> {
    let method = Method::from_bytes(method.as_bytes())
        .map_err(|_| Failure::usage(format!("{method:?} is not a method"), ""))?;
    let (contents, content_type) = body(arguments)?;
    let mut headers = headers(&arguments.headers)?;
    if let Some(content_type) = content_type {
        headers.entry(CONTENT_TYPE).or_insert(content_type);
    }
    let send = async || {
        let transfer = Transfer {
            method: method.clone(),
            path: path.to_owned(),
            headers: headers.clone(),
            body: Upload::open(&contents).await?,
        };
        client.transfer(transfer).await
    };
    let mut answer = ui.wait("calling", send()).await?;
    let again = !contents.is_empty() && !contents.contains(&Content::Stdin);
    if answer.status == 401 && again {
        // The token was renewed meanwhile: a body that is still there can be sent once more.
        answer = ui.wait("calling", send()).await?;
    }
    match &arguments.output_file {
        Some(place) if answer.status < 400 => save(ui, answer, place).await,
        _ => show(ui, arguments, answer).await,
    }
}

/// Where `/proxy` takes what is asked for.
pub(super) fn path(
    name: &str,
    target: &str,
    query: &[(String, String)],
) -> Result<String, Failure> {
    if target.contains("://") {
        return Err(Failure::usage(
            "a call with files takes a path, not a whole address",
            "write the path below the connection's base URL",
        ));
    }
    if target.contains('#') {
        return Err(Failure::usage(
            "a path to call has no #fragment",
            "write # as %23",
        ));
    }
    let target = utf8_percent_encode(target.trim_start_matches('/'), TARGET);
    let mut path = format!("/proxy/{name}/{target}");
    for (name, value) in query {
        path.push(if path.contains('?') { '&' } else { '?' });
        path.push_str(&query_value(name));
        path.push('=');
        path.push_str(&query_value(value));
    }
    Ok(path)
}

/// What is sent, and of which type it is unless a header says otherwise.
fn body(arguments: &Arguments) -> Result<(Vec<Content>, Option<HeaderValue>), Failure> {
    let typed = HeaderValue::from_static;
    if let Some(place) = &arguments.upload {
        let content_type = typed("application/octet-stream");
        return Ok((vec![Content::at(place)], Some(content_type)));
    }
    if !arguments.form.is_empty() {
        let form = FormData::new(arguments.form.clone());
        let content_type = HeaderValue::from_str(&form.content_type())
            .map_err(|_| Failure::bug("a boundary is not a header value"))?;
        let pieces = form.into_pieces().into_iter().map(|piece| match piece {
            Piece::Frame(bytes) => Content::Bytes(bytes),
            Piece::Content(content) => content,
        });
        return Ok((pieces.collect(), Some(content_type)));
    }
    let Some(data) = &arguments.data else {
        return Ok((Vec::new(), None));
    };
    Ok(match Data::read(data, &arguments.headers)? {
        Data::Json(value) => {
            let bytes = Content::Bytes(value.to_string().into());
            (vec![bytes], Some(typed("application/json")))
        }
        Data::Other(bytes) => (vec![Content::Bytes(bytes.into())], None),
    })
}

fn headers(pairs: &[(String, String)]) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let refused = |why: &str| {
            Failure::new(
                Exit::Invalid,
                "header.forbidden",
                format!("header {name:?} may not be set on a call: {why}"),
            )
        };
        if let Some(why) = connect::forbidden_on_call(name) {
            return Err(refused(why));
        }
        let parsed = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| refused("it is no header name (RFC 9110 token)"))?;
        let value = HeaderValue::from_str(value)
            .map_err(|_| refused("its value holds line breaks or control characters"))?;
        headers.append(parsed, value);
    }
    Ok(headers)
}

/// Writes an answer's body to a file, or to stdout as it comes.
async fn save(ui: Ui, answer: Transferred, place: &str) -> Result<Exit, Failure> {
    let Transferred {
        status,
        headers,
        mut body,
    } = answer;
    if place == "-" {
        while let Some(piece) = body.piece().await? {
            if ui.piece(&piece) == Reader::Gone {
                break;
            }
        }
        return Ok(Exit::Ok);
    }
    let mut file = PartFile::create(Path::new(place)).await?;
    let mut written = 0_u64;
    while let Some(piece) = body.piece().await? {
        file.write(&piece).await?;
        written += piece.len() as u64;
    }
    file.finish().await?;
    if ui.json() {
        ui.document(&json!({
            "status": status,
            "headers": joined(&headers),
            "request_id": request_id(&headers),
            "file": place,
            "bytes": written,
        }));
    } else {
        ui.note(&format!("{written} bytes written to {}", plain(place)));
    }
    Ok(Exit::Ok)
}

/// Prints an answer as those of other calls are.
async fn show(ui: Ui, arguments: &Arguments, answer: Transferred) -> Result<Exit, Failure> {
    let Transferred {
        status,
        headers,
        mut body,
    } = answer;
    let mut bytes = Vec::new();
    while let Some(piece) = body.piece().await? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > PRINTED_LIMIT {
            return Err(Failure::new(
                Exit::Upstream,
                "upstream.too_large",
                "the answer is longer than 64 MiB, which is too much to print",
            )
            .hint("write it to a file: -o FILE"));
        }
    }
    let (encoding, body) = match serde_json::from_slice::<Value>(&bytes) {
        _ if bytes.is_empty() => ("empty", Value::Null),
        Ok(value) => ("json", value),
        Err(_) => match String::from_utf8(bytes) {
            Ok(text) => ("text", json!(text)),
            Err(error) => {
                let engine = base64::engine::general_purpose::STANDARD;
                ("base64", json!(engine.encode(error.into_bytes())))
            }
        },
    };
    let document = json!({
        "status": status,
        "headers": joined(&headers),
        "body": body,
        "body_encoding": encoding,
        "request_id": request_id(&headers),
    });
    print(ui, arguments.output, &document)
}

fn joined(headers: &HeaderMap) -> Value {
    let mut object = Map::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let text = match object.get(name.as_str()).and_then(Value::as_str) {
            Some(earlier) => format!("{earlier}, {value}"),
            None => value,
        };
        object.insert(name.to_string(), json!(text));
    }
    Value::Object(object)
}

fn request_id(headers: &HeaderMap) -> Option<&str> {
    ["request-id", "x-request-id", "x-ms-request-id"]
        .iter()
        .find_map(|name| headers.get(*name))
        .and_then(|value| value.to_str().ok())
}

/// A file that appears under its name once it is whole.
struct PartFile {
    file: tokio::fs::File,
    part: PathBuf,
    whole: PathBuf,
}

impl PartFile {
    async fn create(whole: &Path) -> Result<PartFile, Failure> {
        let mut part = whole.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = tokio::fs::File::create(&part)
            .await
            .map_err(|error| unwritable(&part, &error))?;
        Ok(PartFile {
            file,
            part,
            whole: whole.to_owned(),
        })
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.file.write_all(bytes).await;
        written.map_err(|error| unwritable(&self.part, &error))
    }

    async fn finish(mut self) -> Result<(), Failure> {
        let ended = async {
            self.file.flush().await?;
            self.file.sync_all().await?;
            tokio::fs::rename(&self.part, &self.whole).await
        };
        ended.await.map_err(|error| unwritable(&self.whole, &error))
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        // After the renaming there is none; a broken one is of no use to anybody.
        drop(std::fs::remove_file(&self.part));
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::io(&format!("{} cannot be written", path.display()), error)
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn paths_below_the_connection() {
        let query = [("$top".to_owned(), "a b&c".to_owned())];
        for (target, expected) in [
            ("/x", "/proxy/n/x?%24top=a%20b%26c"),
            ("/a b?c=%20", "/proxy/n/a%20b?c=%20&%24top=a%20b%26c"),
            ("é", "/proxy/n/%C3%A9?%24top=a%20b%26c"),
        ] {
            assert_eq!(path("n", target, &query).unwrap(), expected);
        }
        for wrong in ["https://api.contoso.example/x", "/x#y"] {
            assert!(path("n", wrong, &[]).is_err(), "{wrong}");
        }
    }
}
