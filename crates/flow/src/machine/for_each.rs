//! `for`: one round after the other, over a list or over pages that are asked for one at a time. A round's input is the output of
//! the one before; `while` is tested before each.

use std::sync::Arc;

use serde_json::Value;

use super::Machine;
use super::evaluate::{About, Stop, shortened, wrong_type};
use super::frame::{Body, Cursor, Direction, Frame, Phase, Scope};
use super::page::Pages;
use super::walk::Turn;
use crate::definition::Then;
use crate::definition::task::ForTask;

/// A loop under way.
#[derive(Debug)]
pub(super) struct Looping {
    source: Source,
    /// The round that is next or under way, from 0.
    pub(super) round: u64,
    /// The last round's output; first, the input.
    data: Arc<Value>,
    under: Option<Round>,
}

/// What a loop goes through.
#[derive(Debug)]
enum Source {
    Items(Arc<Value>),
    Pages(Pages),
}

/// A round under way.
#[derive(Debug)]
struct Round {
    cursor: Cursor,
    scope: Scope,
}

impl Looping {
    pub(super) fn absorb(&mut self, output: Arc<Value>, then: Then) -> Direction {
        match &mut self.under {
            Some(round) => round.cursor.absorb(output, then),
            None => Direction::Forward,
        }
    }

    /// The page that was asked for.
    pub(super) fn pages(&mut self) -> Option<&mut Pages> {
        match &mut self.source {
            Source::Items(_) => None,
            Source::Pages(pages) => Some(pages),
        }
    }
}

impl Machine {
    pub(super) fn for_each(&mut self, frame: &mut Frame, task: &ForTask) -> Result<Turn, Stop> {
        let mut state = match std::mem::take(&mut frame.body) {
            Body::Fresh => Box::new(self.open_loop(frame, task)?),
            Body::For(state) => state,
            other => {
                frame.body = other;
                return Ok(Turn::Wait);
            }
        };
        loop {
            if let Some(round) = &mut state.under {
                let scope = round.scope.clone();
                let turn = self.follow(frame, &mut round.cursor, &task.r#do, &scope);
                let Turn::Done(output) = turn else {
                    frame.body = Body::For(state);
                    return Ok(Turn::Wait);
                };
                let ended = round.cursor.phase == Phase::End;
                state.under = None;
                if ended {
                    return Ok(Turn::Done(output));
                }
                state.data = output;
                state.round += 1;
                frame.answers.clear();
            }
            match self.next_round(frame, task, &mut state) {
                Ok(Some(round)) => state.under = Some(round),
                Ok(None) if state.pages().is_some_and(|pages| pages.is_waiting()) => {
                    frame.body = Body::For(state);
                    return Ok(Turn::Wait);
                }
                Ok(None) => return Ok(Turn::Done(state.data)),
                Err(stop) => {
                    frame.body = Body::For(state);
                    return Err(stop);
                }
            }
        }
    }

    fn open_loop(&mut self, frame: &mut Frame, task: &ForTask) -> Result<Looping, Stop> {
        let (input, scope) = (Arc::clone(&frame.input), frame.scope.clone());
        let list = self.evaluate(frame, &mut About::new("for.in", &input, &scope), &task.r#in)?;
        let source = if list.is_array() {
            Source::Items(Arc::new(list))
        } else if let Some(call) = self.page_call(&list) {
            Source::Pages(Pages::new(call))
        } else {
            return Err(wrong_type(format!("for.in must be a list, or the pages of a call: page of this run; the expression yielded {}", shortened(&list)))
            .into());
        };
        Ok(Looping {
            source,
            round: 0,
            data: input,
            under: None,
        })
    }

    /// The next round, if there is one and `while` holds.
    fn next_round(
        &mut self,
        frame: &mut Frame,
        task: &ForTask,
        state: &mut Looping,
    ) -> Result<Option<Round>, Stop> {
        let Some(item) = self.next_item(frame, state)? else {
            return Ok(None);
        };
        let scope = frame
            .scope
            .bind(&task.each, item)
            .bind(&task.at, Arc::new(state.round.into()));
        if let Some(condition) = &task.r#while {
            let part = format!("for.while[{}]", state.round);
            let data = Arc::clone(&state.data);
            if !self.holds(frame, &mut About::new(&part, &data, &scope), condition)? {
                return Ok(None);
            }
        }
        self.round(&frame.node)?;
        if let Source::Pages(pages) = &mut state.source {
            pages.pop();
        }
        let cursor = Cursor::new(Arc::clone(&state.data));
        Ok(Some(Round { cursor, scope }))
    }

    /// The item of the next round; a page is asked for when there is none left.
    fn next_item(
        &mut self,
        frame: &mut Frame,
        state: &mut Looping,
    ) -> Result<Option<Arc<Value>>, Stop> {
        match &mut state.source {
            Source::Items(list) => {
                let index = usize::try_from(state.round).unwrap_or(usize::MAX);
                Ok(list.get(index).map(|item| Arc::new(item.clone())))
            }
            Source::Pages(pages) => {
                if let Some(item) = pages.front() {
                    return Ok(Some(item));
                }
                self.next_page(frame, pages)?;
                Ok(None)
            }
        }
    }
}
