//! `keyway call`: one call through a connection, its answer as JSON, table or as it came.

mod batch;
mod form;
mod list;
mod stream;

use base64::Engine as _;
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::{pair, trail};
use crate::Exit;
use crate::cli::Global;
use crate::client::{self, Content};
use crate::failure::Failure;
use crate::ui::secret::Question;
use crate::ui::{self, Ui, plain};

/// A body given on the command line may be this large; the API's own limit is smaller or equal.
const BODY_LIMIT: u64 = 16 * 1024 * 1024;

const ON_BEHALF_OF: Question<'static> = Question {
    what: "token of whoever the call is made for",
    option: "--on-behalf-of-file",
};

/// What to call.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  keyway call graph /v1.0/users -q '$top=5' --output table\n  keyway call graph /users --all --output jsonl\n  keyway call graph PATCH /v1.0/users/ID -d '{\"jobTitle\":\"Engineer\"}'\n  keyway call graph '/v1.0/users/ID/photo/$value' -o photo.jpg\n  keyway call crm /documents -F title=Offer -F 'file=@offer.pdf;type=application/pdf'"
)]
pub(crate) struct Arguments {
    /// The connection
    name: String,
    /// The method, if it is not GET (with -d and -F: POST), then the path or whole address
    #[arg(value_name = "[METHOD] PATH_OR_URL", num_args = 1..=2, required_unless_present = "batch")]
    target: Vec<String>,
    /// Add a query parameter (repeatable); a query inside the path is kept
    #[arg(short = 'q', long = "query", value_name = "K=V", value_parser = pair)]
    query: Vec<(String, String)>,
    /// Add a header (repeatable)
    #[arg(short = 'H', long = "header", value_name = "K:V", value_parser = header)]
    headers: Vec<(String, String)>,
    /// The body: JSON, or @FILE, or @- for stdin
    #[arg(short = 'd', long = "data", value_name = "JSON|@FILE")]
    data: Option<String>,
    /// Add a field or file of a multipart form (repeatable); ;type= and ;filename= may follow a file
    #[arg(short = 'F', long = "form", value_name = "NAME=VALUE|NAME=@FILE", value_parser = form::field, conflicts_with = "data")]
    form: Vec<connect::Part<Content>>,
    /// Send a file as the body, however large; PUT unless a method is given
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["data", "form"])]
    upload: Option<String>,
    /// Write the answer's body to a file as it comes, however large, or to stdout
    #[arg(short = 'o', long, value_name = "FILE|-", conflicts_with = "output")]
    output_file: Option<String>,
    /// How the answer's body is printed [default: json, or raw if it is not JSON]
    #[arg(long, value_name = "FORMAT")]
    output: Option<Output>,
    /// Send so often at most after 429, 503, 504 and trouble on the wire [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10))]
    attempts: Option<u32>,
    /// Also send again what may change something twice, such as POST
    #[arg(long, requires = "attempts")]
    attempt_all: bool,
    /// Give up when so many seconds have passed, all tries together [default: as the server is configured]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: Option<u64>,
    /// Say on stderr how the call went: each attempt, its cause, token and timing
    #[arg(long)]
    explain: bool,
    /// A 0600 file with the token of whoever the call is made for, or - (grants on-behalf-of and token-exchange)
    #[arg(long, value_name = "FILE|-")]
    on_behalf_of_file: Option<String>,
    /// Make the calls of a file, twenty in one request of Graph: each line a path, or an object with
    /// method, path, query, headers and body
    #[arg(long, value_name = "@FILE|-", conflicts_with_all = ["target", "data", "form", "upload", "output_file", "output", "all", "query", "headers", "follow", "explain", "attempts", "timeout", "on_behalf_of_file"])]
    batch: Option<String>,
    /// Follow redirects within the allowed origins
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    list: list::ListArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// The body alone; of a list all items as one array
    Json,
    /// The items of a list, one per line (with --all)
    Jsonl,
    /// Rows of a list, or the fields of an object
    Table,
    /// The body as it came
    Raw,
}

pub(crate) async fn run(ui: Ui, global: &Global, arguments: Arguments) -> Result<Exit, Failure> {
    let name = client::segment(&arguments.name)?;
    if let Some(place) = &arguments.batch {
        let path = format!("/api/v1/connections/{name}/batch");
        return client::with(ui, global, async |client| {
            batch::run(ui, client, &path, place).await
        })
        .await;
    }
    let (method, target) = method_and_target(&arguments)?;
    if arguments.list.all {
        return list(ui, global, &arguments, &name, (&method, &target)).await;
    }
    if arguments.output == Some(Output::Jsonl) {
        return Err(Failure::usage(
            "one answer has no lines",
            "use --output jsonl together with --all",
        ));
    }
    if stream::is_wanted(&arguments) {
        return streamed(ui, global, &arguments, &name, (&method, &target)).await;
    }
    let path = format!("/api/v1/connections/{name}/call");
    let mut body = Map::new();
    body.insert("method".into(), json!(method));
    body.insert("path".into(), json!(target));
    if !arguments.query.is_empty() {
        body.insert("query".into(), json!(arguments.query));
    }
    if !arguments.headers.is_empty() {
        body.insert("headers".into(), headers(&arguments.headers)?);
    }
    if let Some(place) = &arguments.on_behalf_of_file {
        let token = ON_BEHALF_OF.read(place)?;
        body.insert("on_behalf_of".into(), json!(token.expose()));
    }
    if arguments.follow {
        body.insert("follow".into(), json!(true));
    }
    if let Some(seconds) = arguments.timeout {
        body.insert("timeout".into(), json!(seconds));
    }
    if let Some(attempts) = arguments.attempts {
        let methods = if arguments.attempt_all {
            "all"
        } else {
            "idempotent"
        };
        body.insert(
            "retry".into(),
            json!({ "attempts": attempts, "methods": methods }),
        );
    }
    if let Some(data) = &arguments.data {
        let (name, value) = Data::read(data, &arguments.headers)?.field();
        body.insert(name.into(), value);
    }
    let body = Value::Object(body);
    let label = format!("calling {target}");
    let answer = client::with(ui, global, async |client| {
        ui.wait(&label, client.post(&path, Some(&body))).await
    })
    .await?;
    if arguments.explain && !ui.json() {
        trail::print(ui, &method, &answer.body);
    }
    print(ui, arguments.output, &answer.body)
}

/// Sends files, or writes the answer to one.
async fn streamed(
    ui: Ui,
    global: &Global,
    arguments: &Arguments,
    name: &str,
    (method, target): (&str, &str),
) -> Result<Exit, Failure> {
    let whole = [
        arguments.follow,
        arguments.explain,
        arguments.attempts.is_some(),
        arguments.timeout.is_some(),
        arguments.on_behalf_of_file.is_some(),
    ];
    if whole.contains(&true) {
        return Err(Failure::usage(
            "a call with files passes through: it is sent once, and redirects are the answer",
            "leave out --follow, --explain, --attempts, --timeout and --on-behalf-of-file",
        ));
    }
    let path = stream::path(name, target, &arguments.query)?;
    client::with(ui, global, async |client| {
        stream::run(ui, client, arguments, (method, &path)).await
    })
    .await
}

/// Reads a list with all its pages.
async fn list(
    ui: Ui,
    global: &Global,
    arguments: &Arguments,
    name: &str,
    (method, target): (&str, &str),
) -> Result<Exit, Failure> {
    let alone = [
        arguments.data.is_some(),
        arguments.follow,
        arguments.explain,
        arguments.attempts.is_some(),
        arguments.timeout.is_some(),
    ];
    if method != "GET" || alone.contains(&true) || stream::is_wanted(arguments) {
        return Err(Failure::usage(
            "a list is read with GET, without a body, files and redirects",
            "leave out the method, -d, -F, --upload, -o, --follow, --explain, --attempts and --timeout",
        ));
    }
    let path = format!("/api/v1/connections/{name}/pages");
    let mut body = Map::new();
    body.insert("path".into(), json!(target));
    if !arguments.query.is_empty() {
        body.insert("query".into(), json!(arguments.query));
    }
    if !arguments.headers.is_empty() {
        body.insert("headers".into(), headers(&arguments.headers)?);
    }
    arguments.list.fill(&mut body);
    let body = Value::Object(body);
    client::with(ui, global, async |client| {
        list::run(ui, client, &path, &body, arguments.output).await
    })
    .await
}

fn method_and_target(arguments: &Arguments) -> Result<(String, String), Failure> {
    match arguments.target.as_slice() {
        [target] => {
            let method = match (&arguments.upload, &arguments.data) {
                (Some(_), _) => "PUT",
                (None, None) if arguments.form.is_empty() => "GET",
                (None, _) => "POST",
            };
            Ok((method.to_owned(), target.clone()))
        }
        [method, target]
            if !method.is_empty()
                && method
                    .bytes()
                    .all(|byte| byte.is_ascii_alphabetic() || byte == b'-') =>
        {
            Ok((method.to_ascii_uppercase(), target.clone()))
        }
        [method, ..] => Err(Failure::usage(
            format!("{method:?} is not a method"),
            "write: keyway call NAME [METHOD] PATH_OR_URL",
        )),
        [] => Err(Failure::usage(
            "the path is missing",
            "write: keyway call NAME [METHOD] PATH_OR_URL",
        )),
    }
}

/// Splits `Name: value`.
fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("write it as Name:value".to_owned()),
    }
}

/// Headers as an object; a name given twice would lose one of its values.
fn headers(pairs: &[(String, String)]) -> Result<Value, Failure> {
    let mut object = Map::new();
    for (name, value) in pairs {
        if object.keys().any(|known| known.eq_ignore_ascii_case(name)) {
            return Err(Failure::usage(
                format!("the header {name:?} is given twice"),
                "give it once, its values separated by commas",
            ));
        }
        object.insert(name.clone(), json!(value));
    }
    Ok(Value::Object(object))
}

/// A body given by -d: JSON unless a header says that it is something else.
enum Data {
    Json(Value),
    Other(Vec<u8>),
}

impl Data {
    fn read(data: &str, headers: &[(String, String)]) -> Result<Data, Failure> {
        let bytes = read_data(data)?;
        let content_type = headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
            .map(|(_, value)| value.as_str());
        let is_json = content_type.is_none_or(|content_type| {
            let essence = content_type.split(';').next().unwrap_or_default().trim();
            essence.eq_ignore_ascii_case("application/json")
                || essence.to_ascii_lowercase().ends_with("+json")
        });
        if !is_json {
            return Ok(Data::Other(bytes));
        }
        serde_json::from_slice(&bytes)
            .map(Data::Json)
            .map_err(|error| {
                Failure::usage(
                    format!("the body given by -d is not JSON: {error}"),
                    "check the quotes, or name another kind with -H 'Content-Type: text/plain'",
                )
            })
    }

    /// The field of a call that carries it.
    fn field(self) -> (&'static str, Value) {
        match self {
            Data::Json(value) => ("body", value),
            Data::Other(bytes) => match String::from_utf8(bytes) {
                Ok(text) => ("text", json!(text)),
                Err(error) => (
                    "bytes",
                    json!(base64::engine::general_purpose::STANDARD.encode(error.into_bytes())),
                ),
            },
        }
    }
}

fn read_data(data: &str) -> Result<Vec<u8>, Failure> {
    use std::io::Read as _;
    let Some(place) = data.strip_prefix('@') else {
        return Ok(data.as_bytes().to_vec());
    };
    let unreadable = |error: std::io::Error| {
        Failure::new(
            Exit::Invalid,
            "body.unreadable",
            format!("the body cannot be read from {place}: {error}"),
        )
    };
    let mut bytes = Vec::new();
    if place == "-" {
        std::io::stdin()
            .lock()
            .take(BODY_LIMIT + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
    } else {
        std::fs::File::open(place)
            .map_err(unreadable)?
            .take(BODY_LIMIT + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
    }
    if bytes.len() as u64 > BODY_LIMIT {
        return Err(Failure::new(
            Exit::Invalid,
            "body.too_large",
            format!("the body in {place} is longer than 16 MiB"),
        ));
    }
    Ok(bytes)
}

/// Shows the answer; what the API behind the connection refused is shown the same way and told by the exit code.
fn print(ui: Ui, output: Option<Output>, answer: &Value) -> Result<Exit, Failure> {
    let status = answer["status"]
        .as_u64()
        .ok_or_else(|| Failure::bug("the server answered a call without a status"))?;
    if ui.json() {
        let mut document = Map::new();
        for name in [
            "status",
            "headers",
            "body",
            "request_id",
            "attempts",
            "token_generation",
            "trail",
        ] {
            document.insert(name.to_owned(), answer[name].clone());
        }
        ui.document(&Value::Object(document));
    } else {
        print_body(ui, output, answer)?;
        if status >= 400 {
            let request = answer["request_id"]
                .as_str()
                .map(|id| format!(" (request id {})", plain(id)))
                .unwrap_or_default();
            ui.note(&format!("the API answered {status}{request}"));
        }
    }
    Ok(if status >= 400 {
        Exit::Upstream
    } else {
        Exit::Ok
    })
}

fn print_body(ui: Ui, output: Option<Output>, answer: &Value) -> Result<(), Failure> {
    let body = &answer["body"];
    let encoding = answer["body_encoding"].as_str().unwrap_or("json");
    let output = output.unwrap_or(if encoding == "json" {
        Output::Json
    } else {
        Output::Raw
    });
    match (output, encoding) {
        (_, "empty") => {}
        (Output::Raw, "base64") => {
            let bytes = base64::engine::general_purpose::STANDARD
                .decode(body.as_str().unwrap_or_default())
                .map_err(|error| {
                    Failure::bug(format!(
                        "the server sent bytes that are not base64: {error}"
                    ))
                })?;
            ui.bytes(&bytes);
        }
        (Output::Raw, "text") => ui.bytes(body.as_str().unwrap_or_default().as_bytes()),
        (Output::Raw, _) => ui.text(&body.to_string()),
        (Output::Json | Output::Jsonl, _) => ui.document(body),
        (Output::Table, _) => print_table(ui, body),
    }
    Ok(())
}

fn note_left_out(ui: Ui, left_out: &[String]) {
    if left_out.is_empty() {
        return;
    }
    let names: Vec<String> = left_out.iter().map(|name| plain(name)).collect();
    ui.note(&ui::wrap(
        &format!("{} (--output json shows them)", names.join(", ")),
        "columns left out: ",
        2,
    ));
}

fn print_table(ui: Ui, body: &Value) {
    if let Some(rows) = body["value"].as_array().or_else(|| body.as_array()) {
        let (text, left_out) = ui::items_table(rows);
        ui.text(&text);
        note_left_out(ui, &left_out);
        if body["@odata.nextLink"].is_string() {
            ui.note("there are more rows: --all reads the other pages too");
        }
        return;
    }
    match body {
        Value::Object(fields) => {
            let mut table = ui::Table::new(&["field", "value"]);
            for (name, value) in fields {
                table.row([
                    name.clone(),
                    value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned),
                ]);
            }
            ui.text(&table.text());
        }
        Value::String(text) => ui.text(&plain(text)),
        other => ui.document(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_split_at_the_first_colon() {
        assert_eq!(
            header("Prefer: a:b").unwrap(),
            ("Prefer".to_owned(), "a:b".to_owned())
        );
        assert!(header("nothing").is_err() && header(":x").is_err());
    }

    #[test]
    fn the_body_is_json_unless_a_header_says_otherwise() {
        let text = [("content-type".to_owned(), "text/plain".to_owned())];
        let field = |data: &str, headers: &[_]| Data::read(data, headers).map(Data::field);
        assert_eq!(field("[1]", &[]).unwrap(), ("body", json!([1])));
        assert_eq!(field("[1]", &text).unwrap(), ("text", json!("[1]")));
        assert_eq!(field("{", &[]).unwrap_err().exit(), Exit::Usage);
        let merge = [(
            "Content-Type".to_owned(),
            "application/merge-patch+json; charset=utf-8".to_owned(),
        )];
        assert_eq!(field("null", &merge).unwrap(), ("body", Value::Null));
    }
}
