//! `POST /api/v1/connections/{name}/pages`: a list of an API, read page by page and streamed item by item.
//!
//! The answer is one JSON document per line (NDJSON): `item`, after each page `page` with the cursor to go on
//! from, at last `end` or `problem`. Memory holds a few pages, however long the list is: the next page is asked
//! for while the last one is being sent. What goes wrong before the first page is a problem as anywhere else.

use std::convert::Infallible;

use axum::Extension;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use connect::{
    ApiRequest, Begun, More, Page, PageCursor, PageError, PageSize, PageStyle, Pages, Paging,
};
use futures_util::stream::unfold;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::ConnectionName;
use tokio::sync::mpsc::{Sender, channel};
use utoipa::ToSchema;

use super::calls::Pairs;
use super::{Name, Refusals, schema};
use crate::access::Operator;
use crate::frame::TraceId;
use crate::json::{Json, RequestBody};
use crate::problem::Problem;

/// A list to read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListRequest {
    /// A path below the base URL, one that begins with the API's version, or an absolute URL of an allowed origin.
    #[schema(example = "/users")]
    path: String,
    /// Added to the query of `path`: an object of texts or lists of texts, or a list of pairs.
    #[serde(default)]
    #[schema(value_type = Object)]
    query: Pairs,
    /// Request headers, sent with every page.
    #[serde(default)]
    #[schema(value_type = Object)]
    headers: Pairs,
    /// How the API says where the next page is; left out: as the connection's preset does it.
    style: Option<Style>,
    /// The query parameter of the styles `cursor`, `offset` and `page`.
    parameter: Option<String>,
    /// JSON pointer of the next cursor, for the style `cursor`.
    next: Option<String>,
    /// JSON pointer of the number of all items, for the styles `offset` and `page`.
    total: Option<String>,
    /// JSON pointer of the flag that there is more, for the styles `offset` and `page`.
    more: Option<String>,
    /// The first page's number, for the style `page`; left out: 1.
    first: Option<u64>,
    /// JSON pointer of the items; left out: where APIs usually have them.
    items: Option<String>,
    /// How many items a page is asked to have.
    #[schema(minimum = 1)]
    size: Option<u32>,
    /// The query parameter that says so; left out: `limit`, or `$top` for the style `odata`.
    size_parameter: Option<String>,
    /// Where to stop; left out: at the end of the list.
    #[schema(minimum = 1)]
    max_items: Option<u64>,
    /// More pages than this are an error; left out: as many as there are.
    #[schema(minimum = 1)]
    max_pages: Option<u64>,
    /// Where to go on: a `cursor` of an earlier answer to the same request.
    from: Option<String>,
}

impl RequestBody for ListRequest {}

/// How an API says where its next page is.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Style {
    /// `@odata.nextLink` or a `Link` header, whichever is there.
    Links,
    /// `@odata.nextLink`.
    Odata,
    /// `Link: <…>; rel="next"` (RFC 8288).
    Link,
    /// A value of the answer, sent back as a query parameter.
    Cursor,
    /// A query parameter that counts items.
    Offset,
    /// A query parameter that counts pages.
    Page,
}

/// One line of the answer: `item`, `page`, `end`, or `problem` with a `cursor`.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "it describes lines that are written as text, to pass items on as they are"
)]
pub(crate) struct PageLine {
    /// An item, exactly as the API wrote it.
    item: Option<Value>,
    /// A page has ended, and there is another one.
    page: Option<Mark>,
    /// The list has ended, or `max_items` were given.
    end: Option<Mark>,
    /// The list can't be read on: a problem document.
    #[schema(value_type = Option<Object>)]
    problem: Option<Value>,
    /// Where to go on after a problem, if that may help.
    cursor: Option<String>,
}

/// How far a list was read.
#[derive(Serialize, ToSchema)]
pub(crate) struct Mark {
    /// Pages read so far.
    pages: u64,
    /// Items given so far.
    items: u64,
    /// Where to go on; null at the end of the list.
    cursor: Option<String>,
}

impl ListRequest {
    fn into_parts(self) -> Result<(ApiRequest, Paging, Option<PageCursor>), Problem> {
        let style = self.style()?;
        let cursor = self
            .from
            .as_deref()
            .map(PageCursor::parse)
            .transpose()
            .map_err(|error| invalid("/from", error.to_string()))?;
        for (field, number) in [
            ("/size", self.size.map(u64::from)),
            ("/max_items", self.max_items),
            ("/max_pages", self.max_pages),
        ] {
            if number == Some(0) {
                return Err(invalid(field, "it must be at least 1"));
            }
        }
        if self.size.is_none() && self.size_parameter.is_some() {
            return Err(invalid("/size_parameter", "it needs `size`"));
        }
        let size = self.size.map(|size| PageSize {
            parameter: self.size_parameter.unwrap_or_else(|| {
                match self.style {
                    Some(Style::Odata) => "$top",
                    _ => "limit",
                }
                .to_owned()
            }),
            size,
        });
        let mut request = ApiRequest::new(Method::GET, self.path);
        request.query = self.query.0;
        request.headers = self.headers.0;
        let paging = Paging {
            style,
            items: self.items,
            size,
            max_pages: self.max_pages,
            max_items: self.max_items,
        };
        Ok((request, paging, cursor))
    }

    /// The style with what belongs to it; what does not is refused, because it would be without effect.
    fn style(&self) -> Result<Option<PageStyle>, Problem> {
        let counts = matches!(self.style, Some(Style::Offset | Style::Page));
        let cursor = self.style == Some(Style::Cursor);
        for (field, given, belongs) in [
            ("/parameter", self.parameter.is_some(), counts || cursor),
            ("/next", self.next.is_some(), cursor),
            ("/total", self.total.is_some(), counts),
            ("/more", self.more.is_some(), counts && self.total.is_none()),
            (
                "/first",
                self.first.is_some(),
                self.style == Some(Style::Page),
            ),
        ] {
            if given && !belongs {
                return Err(invalid(field, "it does not belong to this style of paging"));
            }
        }
        let parameter = |usual: &str| self.parameter.clone().unwrap_or_else(|| usual.to_owned());
        let more = self
            .total
            .clone()
            .map(More::Total)
            .or_else(|| self.more.clone().map(More::Flag));
        self.style
            .map(|style| match style {
                Style::Links => Ok(PageStyle::Links),
                Style::Odata => Ok(PageStyle::OData),
                Style::Link => Ok(PageStyle::Link),
                Style::Offset => Ok(PageStyle::Offset {
                    parameter: parameter("offset"),
                    more,
                }),
                Style::Page => Ok(PageStyle::Number {
                    parameter: parameter("page"),
                    first: self.first.unwrap_or(1),
                    more,
                }),
                Style::Cursor => Ok(PageStyle::Cursor {
                    parameter: parameter("cursor"),
                    next: self
                        .next
                        .clone()
                        .ok_or_else(|| invalid("/next", "the style `cursor` needs it"))?,
                }),
            })
            .transpose()
    }
}

fn invalid(field: &str, detail: impl Into<String>) -> Problem {
    Problem::new(
        "body.invalid",
        format!(
            "the request body is not valid at `{field}`: {}",
            detail.into()
        ),
    )
    .field(field)
}

/// A list under way.
struct Reader {
    operator: Operator,
    name: ConnectionName,
    target: String,
    pages: Pages,
    trace_id: TraceId,
    /// Where the page that is being read begins.
    from: Option<PageCursor>,
    read: u64,
    given: u64,
}

impl Reader {
    /// Reads a page and notes it in the call log.
    async fn next(&mut self) -> Option<Result<Page, PageError>> {
        let app = self.operator.app();
        let begun = Begun::new(
            app.clock().now(),
            self.operator.actor(),
            &Method::GET,
            &self.target,
        );
        let outcome = self.pages.next().await?;
        app.connector().calls().record(match &outcome {
            Ok(page) => Some(begun.answered(&page.head)),
            Err(PageError::Refused { head, .. }) => Some(begun.answered(head)),
            Err(PageError::Call(error)) => begun.failed(error),
            // These are said of an answer that has its row already.
            Err(_) => None,
        });
        Some(outcome)
    }

    /// The lines of a page.
    fn lines(&mut self, page: Page) -> Bytes {
        let length = page
            .items
            .iter()
            .map(|item| item.get().len() + 10)
            .sum::<usize>();
        let mut lines = Vec::with_capacity(length + 1024);
        for item in &page.items {
            lines.extend_from_slice(b"{\"item\":");
            // An item may be written on several lines; a text in it can't be.
            lines.extend(
                item.get()
                    .bytes()
                    .filter(|byte| !matches!(byte, b'\n' | b'\r')),
            );
            lines.extend_from_slice(b"}\n");
        }
        self.read += 1;
        self.given += page.items.len() as u64;
        let mark = Mark {
            pages: self.read,
            items: self.given,
            cursor: page.next.as_ref().map(PageCursor::to_string),
        };
        let line = if self.pages.is_over() {
            json!({ "end": mark })
        } else {
            json!({ "page": mark })
        };
        lines.extend_from_slice(line.to_string().as_bytes());
        lines.push(b'\n');
        self.from = page.next;
        lines.into()
    }

    fn problem(&self, error: &PageError) -> Problem {
        Problem::from_page(self.operator.app(), &self.name, error)
    }

    /// The line of a failure in the middle.
    fn failed(&self, error: &PageError) -> Bytes {
        let problem = self.problem(error);
        let line = json!({
            "problem": problem.document(self.trace_id),
            "cursor": self.from.as_ref().map(PageCursor::to_string),
        });
        format!("{line}\n").into()
    }

    /// Reads on until the list, the limit or the reader ends.
    async fn run(mut self, first: Page, lines: Sender<Bytes>) {
        let begun = self.lines(first);
        if lines.send(begun).await.is_err() {
            return;
        }
        loop {
            let outcome = tokio::select! {
                outcome = self.next() => outcome,
                // Nobody reads any more: nothing else is asked of the API.
                () = lines.closed() => return,
            };
            let piece = match outcome {
                None => return,
                Some(Ok(page)) => self.lines(page),
                Some(Err(error)) => self.failed(&error),
            };
            if lines.send(piece).await.is_err() {
                return;
            }
        }
    }
}

/// Reads a list page by page and streams its items, one JSON document per line.
#[utoipa::path(post, path = "/api/v1/connections/{name}/pages", tag = "calls", operation_id = "pages", params(schema::NameParameter),
    request_body = ListRequest, responses((status = 200, description = "Lines of JSON: `item`, after each page `page`, at last `end` or `problem`.", content_type = "application/x-ndjson", body = PageLine), Refusals))]
pub(crate) async fn pages(
    operator: Operator,
    Name(name): Name,
    Extension(trace_id): Extension<TraceId>,
    Json(list): Json<ListRequest>,
) -> Result<Response, Problem> {
    let (request, paging, from) = list.into_parts()?;
    let app = operator.app().clone();
    let mut reader = Reader {
        target: request.target.clone(),
        pages: app
            .connector()
            .pages(operator.actor(), &name, request, paging, from.clone()),
        operator,
        name,
        trace_id,
        read: from.as_ref().map_or(0, PageCursor::pages),
        given: from.as_ref().map_or(0, PageCursor::items),
        from,
    };
    let first = match reader.next().await {
        Some(Ok(page)) => page,
        Some(Err(error)) => return Err(reader.problem(&error)),
        None => return Err(Problem::new("internal", "a list had no first page")),
    };
    let (sender, receiver) = channel(1);
    app.tracker().spawn(reader.run(first, sender));
    let lines = unfold(receiver, async |mut receiver| {
        let piece = receiver.recv().await?;
        Some((Ok::<Bytes, Infallible>(piece), receiver))
    });
    let mut response = Response::new(Body::from_stream(lines));
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-ndjson"),
    );
    Ok(response)
}
