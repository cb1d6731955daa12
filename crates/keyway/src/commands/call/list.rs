//! `keyway call --all`: a list of any length, page by page, printed as it comes.
//!
//! Nothing is kept of what was printed (but rows of a table, which must be measured first). Where a list stops
//! early, the cursor to go on from is said.

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::Output;
use crate::Exit;
use crate::client::Client;
use crate::failure::Failure;
use crate::ui::{self, Reader, Ui, plain};

/// Rows that a table may have: it is laid out as a whole.
const TABLE_LIMIT: usize = 10_000;
/// How a line of an item begins; between this and the closing brace stands what the API wrote.
const ITEM: &[u8] = b"{\"item\":";

/// How a list is read.
#[derive(Args, Debug)]
#[command(next_help_heading = "Lists (with --all)")]
pub(super) struct ListArguments {
    /// Read all pages of a list and print its items
    #[arg(long)]
    pub(super) all: bool,
    /// Stop after so many items [default: at the end of the list]
    #[arg(long, value_name = "N", requires = "all", value_parser = clap::value_parser!(u64).range(1..))]
    max_items: Option<u64>,
    /// More pages than this are an error [default: as many as there are]
    #[arg(long, value_name = "N", requires = "all", value_parser = clap::value_parser!(u64).range(1..))]
    max_pages: Option<u64>,
    /// Ask for so many items a page [default: as the preset does]
    #[arg(long, value_name = "N", requires = "all", value_parser = clap::value_parser!(u32).range(1..))]
    page_size: Option<u32>,
    /// The query parameter of --page-size [default: limit; $top for odata]
    #[arg(long, value_name = "NAME", requires = "page_size")]
    page_size_parameter: Option<String>,
    /// How the API says where the next page is [default: as the preset does]
    #[arg(long, value_name = "STYLE", requires = "all")]
    paging: Option<Style>,
    /// The query parameter of the styles cursor, offset and page
    #[arg(long, value_name = "NAME", requires = "paging")]
    page_parameter: Option<String>,
    /// Style cursor: JSON pointer of the next cursor in the answer
    #[arg(long, value_name = "POINTER", requires = "paging")]
    next: Option<String>,
    /// Styles offset and page: JSON pointer of the number of all items
    #[arg(long, value_name = "POINTER", requires = "paging")]
    total: Option<String>,
    /// Styles offset and page: JSON pointer of the flag that there is more
    #[arg(
        long,
        value_name = "POINTER",
        requires = "paging",
        conflicts_with = "total"
    )]
    more: Option<String>,
    /// Style page: the first page's number [default: 1]
    #[arg(long, value_name = "N", requires = "paging")]
    first_page: Option<u64>,
    /// JSON pointer of the list in an answer [default: where APIs usually have it]
    #[arg(long, value_name = "POINTER", requires = "all")]
    items: Option<String>,
    /// Go on where an earlier list stopped
    #[arg(long, value_name = "CURSOR", requires = "all")]
    resume: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Style {
    /// @odata.nextLink or a Link header, whichever is there
    Links,
    /// @odata.nextLink
    Odata,
    /// The Link header (RFC 8288)
    Link,
    /// A value of the answer, sent back
    Cursor,
    /// A parameter that counts items
    Offset,
    /// A parameter that counts pages
    Page,
}

impl ListArguments {
    /// Puts what was asked for into the request's body.
    pub(super) fn fill(&self, body: &mut Map<String, Value>) {
        let style = self.paging.map(|style| match style {
            Style::Links => "links",
            Style::Odata => "odata",
            Style::Link => "link",
            Style::Cursor => "cursor",
            Style::Offset => "offset",
            Style::Page => "page",
        });
        let fields = [
            ("style", json!(style)),
            ("parameter", json!(self.page_parameter)),
            ("next", json!(self.next)),
            ("total", json!(self.total)),
            ("more", json!(self.more)),
            ("first", json!(self.first_page)),
            ("items", json!(self.items)),
            ("size", json!(self.page_size)),
            ("size_parameter", json!(self.page_size_parameter)),
            ("max_items", json!(self.max_items)),
            ("max_pages", json!(self.max_pages)),
            ("from", json!(self.resume)),
        ];
        for (name, value) in fields {
            if !value.is_null() {
                body.insert(name.to_owned(), value);
            }
        }
    }
}

/// Reads the list and prints it.
pub(super) async fn run(
    ui: Ui,
    client: &Client,
    path: &str,
    body: &Value,
    output: Option<Output>,
) -> Result<Exit, Failure> {
    let shape = match output {
        _ if ui.json() => Shape::Document,
        None | Some(Output::Jsonl) => Shape::Lines,
        Some(Output::Json) => Shape::Array,
        Some(Output::Table) => Shape::Table,
        Some(Output::Raw) => {
            return Err(Failure::usage(
                "a list has no raw form",
                "use --output jsonl, json or table",
            ));
        }
    };
    let mut printer = Printer::new(ui, shape);
    let mut lines = ui
        .wait("reading the list", client.lines(path, body))
        .await?;
    while let Some(piece) = lines.next().await? {
        if printer.take(&piece)? == Reader::Gone {
            return Ok(Exit::Ok);
        }
    }
    printer.finish()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Lines,
    Array,
    Table,
    /// The one document of `--json`: the items and how it ended.
    Document,
}

/// How a list ended.
enum Ended {
    Not,
    Well(Value),
    Badly { problem: Value, cursor: Value },
}

struct Printer {
    ui: Ui,
    shape: Shape,
    printed: u64,
    rows: Vec<Value>,
    ended: Ended,
}

impl Printer {
    fn new(ui: Ui, shape: Shape) -> Printer {
        Printer {
            ui,
            shape,
            printed: 0,
            rows: Vec::new(),
            ended: Ended::Not,
        }
    }

    /// Prints the items of some lines.
    fn take(&mut self, lines: &[u8]) -> Result<Reader, Failure> {
        let mut out = Vec::with_capacity(lines.len());
        for line in lines
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            match line
                .strip_prefix(ITEM)
                .and_then(|rest| rest.strip_suffix(b"}"))
            {
                Some(item) => self.item(item, &mut out)?,
                None => self.mark(line)?,
            }
        }
        if out.is_empty() {
            return Ok(Reader::Reads);
        }
        Ok(self.ui.piece(&out))
    }

    fn item(&mut self, item: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
        let item = str::from_utf8(item).map_err(|_| not_ours())?;
        if self.shape == Shape::Table {
            if self.rows.len() == TABLE_LIMIT {
                return Err(Failure::usage(
                    format!(
                        "the list has more than {TABLE_LIMIT} rows, which is too much for a table"
                    ),
                    "use --output jsonl, or --max-items",
                ));
            }
            self.rows
                .push(serde_json::from_str(item).map_err(|_| not_ours())?);
            return Ok(());
        }
        let between: &[u8] = match (self.shape, self.printed) {
            (Shape::Array, 0) => b"[\n",
            (Shape::Document, 0) => b"{\"items\":[\n",
            (Shape::Array | Shape::Document, _) => b",\n",
            _ => b"",
        };
        out.extend_from_slice(between);
        out.extend_from_slice(ui::json_line(item).as_bytes());
        if self.shape == Shape::Lines {
            out.push(b'\n');
        }
        self.printed += 1;
        Ok(())
    }

    fn mark(&mut self, line: &[u8]) -> Result<(), Failure> {
        let mut line: Value = serde_json::from_slice(line).map_err(|_| not_ours())?;
        if line["problem"].is_object() {
            self.ended = Ended::Badly {
                problem: line["problem"].take(),
                cursor: line["cursor"].take(),
            };
        } else if line["end"].is_object() {
            self.ended = Ended::Well(line["end"].take());
        } else if !line["page"].is_object() {
            return Err(not_ours());
        }
        Ok(())
    }

    /// Closes what is open and says how it ended.
    fn finish(self) -> Result<Exit, Failure> {
        let ui = self.ui;
        let (pages, cursor, failure) = match self.ended {
            Ended::Not => return Err(not_ours()),
            Ended::Well(mark) => (mark["pages"].clone(), mark["cursor"].clone(), None),
            Ended::Badly { problem, cursor } => {
                let status = problem["status"]
                    .as_u64()
                    .and_then(|status| u16::try_from(status).ok());
                let failure = Failure::from_answer(status.unwrap_or(500), problem);
                (Value::Null, cursor, Some(failure))
            }
        };
        let opened = self.printed > 0;
        match self.shape {
            Shape::Lines => {}
            Shape::Array => ui.text(if opened { "\n]" } else { "[]" }),
            Shape::Table => {
                let (text, left_out) = ui::items_table(&self.rows);
                ui.text(&text);
                super::note_left_out(ui, &left_out);
            }
            Shape::Document => {
                let rest = json!({
                    "pages": pages,
                    "cursor": cursor,
                    "problem": failure.as_ref().map(Failure::document),
                });
                let rest = rest.to_string();
                ui.text(&format!(
                    "{}],{}",
                    if opened { "\n" } else { "{\"items\":[" },
                    ui::json_line(&rest[1..])
                ));
                return Ok(failure.map_or(Exit::Ok, |failure| failure.exit()));
            }
        }
        let go_on = cursor
            .as_str()
            .map(|cursor| format!("--resume {}", plain(cursor)));
        match (failure, go_on) {
            (Some(failure), Some(go_on)) => {
                ui.note(&format!("the list broke off; go on with: {go_on}"));
                Err(failure)
            }
            (Some(failure), None) => Err(failure),
            (None, Some(go_on)) => {
                ui.note(&format!("there are more; go on with: {go_on}"));
                Ok(Exit::Ok)
            }
            (None, None) => Ok(Exit::Ok),
        }
    }
}

fn not_ours() -> Failure {
    Failure::new(
        Exit::Upstream,
        "client.answer",
        "the server's answer is not a list as Keyway gives it, or broke off",
    )
    .hint("use the same release on both sides")
}
