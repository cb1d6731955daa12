//! Lists that come in pages: one page per request, in the four styles that APIs have.
//!
//! [`Connector::page`] reads one page and answers a cursor for the next, which can be stored and used
//! by another process; [`Pages`] is the same as a stream. Nothing is kept of pages that were read but a
//! mark of each address, so that a loop is noticed. A next page is judged when it is asked for: the
//! items before it were delivered by then. How a call is sent is `call.rs`.

mod answer;
mod cursor;
mod link;
mod reading;

use std::collections::HashSet;

use http::Method;
use serde_json::value::RawValue;
use store::{Actor, ConnectionName};

use crate::Connector;
use crate::error::{CallError, Named};
use crate::message::{ApiRequest, ApiResponse};

pub use cursor::{CursorInvalid, PageCursor};
use reading::Reading;

/// How many pages are read where nobody chose a number: inside flows.
pub const PAGE_LIMIT: u64 = 1_000;
/// A stream remembers this many addresses exactly; longer lists have the cursor's own mark.
const REMEMBERED: usize = 65_536;

/// How an API says where its next page is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageStyle {
    /// `@odata.nextLink`, or a `Link` header: whichever is there.
    Links,
    /// `@odata.nextLink` in the body, items in `value`.
    OData,
    /// `Link: <…>; rel="next"` (RFC 8288).
    Link,
    /// A value in the answer that is sent back as a query parameter.
    Cursor {
        /// The query parameter.
        parameter: String,
        /// JSON pointer of the value; the list ends where there is none.
        next: String,
    },
    /// A query parameter that counts items.
    Offset {
        /// The query parameter.
        parameter: String,
        /// How the answer says whether there is more; without it an empty page ends the list.
        more: Option<More>,
    },
    /// A query parameter that counts pages.
    Number {
        /// The query parameter.
        parameter: String,
        /// The first page's number.
        first: u64,
        /// How the answer says whether there is more; without it an empty page ends the list.
        more: Option<More>,
    },
}

/// How an answer of a counting style says whether there is more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum More {
    /// JSON pointer of the number of all items.
    Total(String),
    /// JSON pointer of a flag.
    Flag(String),
}

/// How many items a page is asked to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageSize {
    /// The query parameter.
    pub parameter: String,
    /// Its value.
    pub size: u32,
}

/// How a list is to be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paging {
    /// `None`: as the connection's preset does it.
    pub style: Option<PageStyle>,
    /// JSON pointer of the items; `None`: where APIs usually have them.
    pub items: Option<String>,
    /// `None`: as the connection's preset does it.
    pub size: Option<PageSize>,
    /// Going beyond is an error; `None`: as many as there are.
    pub max_pages: Option<u64>,
    /// Where to stop; `None`: at the end.
    pub max_items: Option<u64>,
}

/// One page.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its items, exactly as the API wrote them but for our secrets.
    pub items: Vec<Box<RawValue>>,
    /// Where to go on; `None` at the end.
    pub next: Option<PageCursor>,
    /// Status, headers and ids of the answer; the body is left empty.
    pub head: ApiResponse,
    /// Stands for the address it came from.
    mark: u64,
}

/// Why a page could not be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PageError {
    /// The request was not answered.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The API answered something else than a page.
    #[error("{connection}: page {page} was answered with {}{}", head.status, words(said.as_ref()))]
    Refused {
        /// The connection.
        connection: Named,
        /// Which page, counted from 1.
        page: u64,
        /// The API's code and message.
        said: Option<String>,
        /// Status, headers and ids of the answer.
        head: Box<ApiResponse>,
    },
    /// The next page is where the credential may not go.
    #[error("{connection}: page {page} would be at {host}, which is not one of its origins")]
    Origin {
        /// The connection.
        connection: Named,
        /// Which page, counted from 1.
        page: u64,
        /// Scheme, host and port.
        host: String,
    },
    /// The next page was read already.
    #[error("{connection}: after page {read} the API leads back to a page that was read already")]
    Loop {
        /// The connection.
        connection: Named,
        /// How many pages were read.
        read: u64,
    },
    /// There are more pages than the limit.
    #[error("{connection}: there are more than {limit} pages")]
    Limit {
        /// The connection.
        connection: Named,
        /// The limit.
        limit: u64,
    },
    /// The answer holds no list, or not where it should.
    #[error("{connection}: page {page} holds no list of items: {why}")]
    Items {
        /// The connection.
        connection: Named,
        /// Which page, counted from 1.
        page: u64,
        /// What is wrong.
        why: String,
    },
}

fn words(said: Option<&String>) -> String {
    said.map(|said| format!(": {said}")).unwrap_or_default()
}

impl PageError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            PageError::Call(error) => error.code(),
            PageError::Refused { .. } => "pagination.refused",
            PageError::Origin { .. } => "pagination.origin",
            PageError::Loop { .. } => "pagination.loop",
            PageError::Limit { .. } => "pagination.limit",
            PageError::Items { .. } => "pagination.items",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            PageError::Call(error) => error.hint(),
            PageError::Refused { connection, .. } => Some(format!(
                "`keyway connection explain {}` says what the API refuses",
                connection.name
            )),
            PageError::Origin { host, .. } => Some(format!(
                "if the API really goes on at {host}, add it to the connection's origins"
            )),
            PageError::Loop { .. } => Some(
                "this is the API's mistake, or the wrong style of paging: compare its documentation"
                    .to_owned(),
            ),
            PageError::Limit { .. } => Some("raise the limit, or narrow the list".to_owned()),
            PageError::Items { .. } => Some(
                "name the place of the list, as a JSON pointer such as /data/items".to_owned(),
            ),
        }
    }
}

/// A list, page by page.
pub struct Pages {
    connector: Connector,
    actor: Actor,
    name: ConnectionName,
    request: ApiRequest,
    paging: Paging,
    upcoming: Upcoming,
    seen: HashSet<u64>,
}

enum Upcoming {
    First,
    At(PageCursor),
    End,
}

impl Pages {
    /// The next page; `None` after the last one and after an error.
    pub async fn next(&mut self) -> Option<Result<Page, PageError>> {
        let cursor = match std::mem::replace(&mut self.upcoming, Upcoming::End) {
            Upcoming::First => None,
            Upcoming::At(cursor) => Some(cursor),
            Upcoming::End => return None,
        };
        let again = cursor
            .as_ref()
            .and_then(|cursor| cursor.place().mark())
            .is_some_and(|mark| !self.remember(mark));
        let read = cursor.as_ref().map_or(0, PageCursor::pages);
        let outcome = if again {
            self.looped(read).await
        } else {
            self.connector
                .page(
                    &self.actor,
                    &self.name,
                    &self.request,
                    &self.paging,
                    cursor.as_ref(),
                )
                .await
        };
        if let Ok(page) = &outcome {
            self.remember(page.mark);
            let full = self
                .paging
                .max_items
                .zip(page.next.as_ref())
                .is_some_and(|(most, next)| next.items() >= most);
            if let Some(next) = page.next.as_ref().filter(|_| !full) {
                self.upcoming = Upcoming::At(next.clone());
            }
        }
        Some(outcome)
    }

    /// Whether there is nothing more to ask for: the list has ended, or the stream has stopped.
    pub fn is_over(&self) -> bool {
        matches!(self.upcoming, Upcoming::End)
    }

    /// Whether an address is new, as far as this stream remembers.
    fn remember(&mut self, mark: u64) -> bool {
        if self.seen.len() >= REMEMBERED {
            return !self.seen.contains(&mark);
        }
        self.seen.insert(mark)
    }

    async fn looped(&self, read: u64) -> Result<Page, PageError> {
        let loaded = self.connector.loaded(&self.actor, &self.name).await?;
        Err(PageError::Loop {
            connection: loaded.named.clone(),
            read,
        })
    }
}

impl Connector {
    /// A list as a stream of pages, from its beginning or from where a cursor points.
    pub fn pages(
        &self,
        actor: &Actor,
        name: &ConnectionName,
        request: ApiRequest,
        paging: Paging,
        from: Option<PageCursor>,
    ) -> Pages {
        Pages {
            connector: self.clone(),
            actor: actor.clone(),
            name: name.clone(),
            request,
            paging,
            upcoming: from.map_or(Upcoming::First, Upcoming::At),
            seen: HashSet::new(),
        }
    }

    /// Reads one page: the first, or the one where a cursor points.
    pub async fn page(
        &self,
        actor: &Actor,
        name: &ConnectionName,
        request: &ApiRequest,
        paging: &Paging,
        cursor: Option<&PageCursor>,
    ) -> Result<Page, PageError> {
        let loaded = self.loaded(actor, name).await?;
        if request.method != Method::GET {
            return Err(PageError::Call(CallError::TargetInvalid {
                connection: loaded.named.clone(),
                why: "pages are read with GET".to_owned(),
            }));
        }
        let reading = Reading::new(&loaded, paging, cursor);
        let at = reading.follow()?;
        let (asked, ours) = reading.request(request, &at);
        let mut fetched = self.fetch(actor, name, asked).await?;
        if ours && fetched.status.as_u16() == 400 {
            // Not every list of Graph takes the size that nobody but us asked for.
            fetched = self.fetch(actor, name, reading.plain(request, &at)).await?;
        }
        reading.read(fetched, at)
    }
}
