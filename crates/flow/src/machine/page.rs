//! `call: page`: a list of another party, page by page. The output is a handle that a `for` goes through, one page held at a time; or,
//! with `collect`, the list itself. A handle means something only in the run that made it: data is never authority.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Machine;
use super::evaluate::{Stop, shortened, wrong_type};
use super::frame::{Body, Frame, Key};
use super::outbox::Part;
use super::walk::Turn;
use crate::Command;
use crate::command::{Authentication, Call};
use crate::definition::CatalogFunction;
use crate::fault::{Fault, FaultType};
use crate::limits;

/// What pages are asked for with.
#[derive(Debug)]
pub(super) struct PageCall {
    arguments: Map<String, Value>,
    authentication: Authentication,
    most: Option<u64>,
}

/// A list that is gone through.
#[derive(Debug)]
pub(super) struct Pages {
    call: Arc<PageCall>,
    items: VecDeque<Arc<Value>>,
    cursor: Cursor,
    /// How many pages were asked for.
    asked: u64,
    /// How many items came.
    came: u64,
}

/// Where the next page is.
#[derive(Debug)]
enum Cursor {
    At(Value),
    Asked,
    Nowhere,
}

impl Pages {
    pub(super) fn new(call: Arc<PageCall>) -> Pages {
        Pages {
            cursor: if call.most == Some(0) {
                Cursor::Nowhere
            } else {
                Cursor::At(Value::Null)
            },
            call,
            items: VecDeque::new(),
            asked: 0,
            came: 0,
        }
    }

    /// Whether a page was asked for and has not come.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.cursor, Cursor::Asked)
    }

    pub(super) fn front(&self) -> Option<Arc<Value>> {
        self.items.front().map(Arc::clone)
    }

    pub(super) fn pop(&mut self) {
        self.items.pop_front();
    }

    /// A page came: `{"items": […], "next": cursor or null}`.
    fn take_in(&mut self, page: Value) -> Result<(), Stop> {
        let refuse = |page: &Value| {
            let detail = format!(
                "a page must have a list of items; it was {}",
                shortened(page)
            );
            Stop::from(Fault::new(FaultType::Runtime, detail).code("pagination.items"))
        };
        let Value::Object(mut page) = page else {
            return Err(refuse(&page));
        };
        let Some(Value::Array(items)) = page.shift_remove("items") else {
            return Err(refuse(&Value::Object(page)));
        };
        self.cursor = match page.shift_remove("next") {
            None | Some(Value::Null) => Cursor::Nowhere,
            Some(next) => Cursor::At(next),
        };
        for item in items {
            if self.call.most == Some(self.came) {
                break;
            }
            self.came += 1;
            self.items.push_back(Arc::new(item));
        }
        if self.call.most == Some(self.came) {
            self.cursor = Cursor::Nowhere;
        }
        Ok(())
    }
}

/// A list that is collected.
#[derive(Debug)]
pub(super) struct Collecting {
    pages: Pages,
    items: Vec<Value>,
}

impl Machine {
    pub(super) fn page(
        &mut self,
        frame: &mut Frame,
        function: &CatalogFunction,
    ) -> Result<Turn, Stop> {
        let (arguments, authentication) = self.catalog_arguments(frame, function)?;
        let Value::Object(mut arguments) = arguments else {
            return Err(wrong_type(format!(
                "the arguments of page must be an object; the expression yielded {}",
                shortened(&arguments)
            ))
            .into());
        };
        let collect = arguments.shift_remove("collect") == Some(Value::Bool(true));
        let call = Arc::new(PageCall {
            most: arguments.get("maxItems").and_then(Value::as_u64),
            arguments,
            authentication,
        });
        if collect {
            let pages = Pages::new(call);
            frame.body = Body::Collect(Box::new(Collecting {
                pages,
                items: Vec::new(),
            }));
            return self.collect(frame);
        }
        let id = self.id(frame, "").0;
        let handle = json!({ "pages": id });
        self.pages.insert(id, call);
        Ok(Turn::Done(Arc::new(handle)))
    }

    /// What a handle of this run stands for.
    pub(super) fn page_call(&self, handle: &Value) -> Option<Arc<PageCall>> {
        let object = handle.as_object().filter(|object| object.len() == 1)?;
        self.pages
            .get(object.get("pages")?.as_str()?)
            .map(Arc::clone)
    }

    /// Asks for the next page, if there is one.
    pub(super) fn next_page(&mut self, frame: &mut Frame, pages: &mut Pages) -> Result<(), Stop> {
        let cursor = match std::mem::replace(&mut pages.cursor, Cursor::Asked) {
            Cursor::At(cursor) => cursor,
            other => {
                pages.cursor = other;
                return Ok(());
            }
        };
        if pages.call.most.is_none() && pages.asked >= limits::PAGES {
            return Err(Fault::new(
                FaultType::Runtime,
                format!(
                    "the list has more than {} pages; set maxItems to go on",
                    limits::PAGES
                ),
            )
            .code("pagination.limit")
            .into());
        }
        self.round(&frame.node)?;
        let mut arguments = pages.call.arguments.clone();
        arguments.insert("cursor".to_owned(), cursor);
        let command = Command::Call {
            id: self.id(frame, &format!("page[{}]", pages.asked)),
            call: Call::Function {
                name: "page".to_owned(),
                arguments: Value::Object(arguments),
                authentication: pages.call.authentication.clone(),
            },
        };
        pages.asked += 1;
        self.command(frame, Part::Page, command);
        Ok(())
    }

    pub(super) fn collect(&mut self, frame: &mut Frame) -> Result<Turn, Stop> {
        let Body::Collect(mut state) = std::mem::take(&mut frame.body) else {
            return Ok(Turn::Wait);
        };
        state
            .items
            .extend(state.pages.items.drain(..).map(Arc::unwrap_or_clone));
        if state.items.len() > limits::COLLECTED_ITEMS {
            return Err(Fault::new(
                FaultType::Runtime,
                format!(
                    "more than {} items came; go through the pages with a for instead of collect, or set maxItems",
                    limits::COLLECTED_ITEMS
                ),
            )
            .code("pagination.limit")
            .into());
        }
        self.next_page(frame, &mut state.pages)?;
        if state.pages.is_waiting() {
            frame.body = Body::Collect(state);
            return Ok(Turn::Wait);
        }
        Ok(Turn::Done(Arc::new(Value::Array(state.items))))
    }

    /// A page came.
    pub(super) fn page_came(&mut self, key: Key, page: Value) {
        let Some(frame) = self.frames.get_mut(key) else {
            return;
        };
        let pages = match &mut frame.body {
            Body::For(state) => state.pages(),
            Body::Collect(state) => Some(&mut state.pages),
            _ => None,
        };
        let Some(pages) = pages else { return };
        match pages.take_in(page) {
            Ok(()) => self.ready.push(key),
            Err(Stop::Fault(fault)) => self.fail(key, *fault),
            Err(Stop::Asked | Stop::Limit(_)) => {}
        }
    }
}
