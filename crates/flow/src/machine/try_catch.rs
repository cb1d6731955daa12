//! `try`: retries first, then `catch.do` once; with neither, a caught error is swallowed. The last error leaves unchanged.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::Machine;
use super::evaluate::{About, Stop};
use super::frame::{Body, Cursor, Direction, Frame, Key, Scope};
use super::outbox::Part;
use super::walk::{Turn, at};
use crate::definition::Then;
use crate::definition::task::{Backoff, Catch, ErrorFilter, RetryPolicy, TryTask};
use crate::fault::{BASE, Fault, FaultType, RENAMED_BASE};
use crate::limits;

/// A `try` under way.
#[derive(Debug)]
pub(super) struct Trying {
    /// From 1.
    attempt: u32,
    /// When no attempt may run any longer.
    limit: Option<Timestamp>,
    stage: Stage,
    /// What the last attempt failed with.
    fault: Option<Fault>,
    spent: Spent,
}

#[derive(Debug)]
enum Stage {
    /// An attempt is next.
    Ready,
    /// It is under way.
    Attempt(Cursor),
    /// It failed, and what comes then is being found out.
    Judging,
    /// A delay is under way.
    Delay,
    /// `catch.do` is under way, with the error in scope.
    Handling(Cursor, Scope),
}

/// Whether the time of all attempts is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spent {
    No,
    Yes,
}

/// What comes after a failed attempt.
enum Verdict {
    /// Not for this `catch`, or no way out is left.
    Fail,
    Retry(SignedDuration),
    Handle,
    Swallow,
}

impl Trying {
    /// The attempt that is under way; none while the error is handled.
    pub(super) fn attempt(&self) -> Option<u32> {
        match self.stage {
            Stage::Handling(..) => None,
            _ => Some(self.attempt),
        }
    }

    pub(super) fn absorb(&mut self, output: Arc<Value>, then: Then) -> Direction {
        match &mut self.stage {
            Stage::Attempt(cursor) | Stage::Handling(cursor, _) => cursor.absorb(output, then),
            Stage::Ready | Stage::Judging | Stage::Delay => Direction::Forward,
        }
    }

    /// A task inside failed: is it for this `try` to judge?
    pub(super) fn absorb_fault(&mut self, fault: &Fault) -> bool {
        if let Stage::Attempt(_) = self.stage {
            self.fault = Some(fault.clone());
            self.stage = Stage::Judging;
            return true;
        }
        false
    }
}

impl Machine {
    pub(super) fn try_catch(&mut self, frame: &mut Frame, task: &TryTask) -> Result<Turn, Stop> {
        let mut state = match std::mem::take(&mut frame.body) {
            Body::Fresh => Box::new(self.open_try(frame, &task.catch)?),
            Body::Try(state) => state,
            other => {
                frame.body = other;
                return Ok(Turn::Wait);
            }
        };
        let turn = self.go_on_trying(frame, task, &mut state);
        frame.body = Body::Try(state);
        turn
    }

    fn open_try(&mut self, frame: &mut Frame, catch: &Catch) -> Result<Trying, Stop> {
        let mut limit = None;
        if let Some(duration) = catch
            .retry
            .as_ref()
            .and_then(|retry| retry.duration.as_ref())
        {
            let (input, scope) = (Arc::clone(&frame.input), frame.scope.clone());
            let length = self.duration(
                frame,
                &mut About::new("retry.limit", &input, &scope),
                duration,
            )?;
            limit = Some(self.after(length));
            self.sleep(frame, Part::Limit, "limit", length);
        }
        Ok(Trying {
            attempt: 1,
            limit,
            stage: Stage::Ready,
            fault: None,
            spent: Spent::No,
        })
    }

    fn go_on_trying(
        &mut self,
        frame: &mut Frame,
        task: &TryTask,
        state: &mut Trying,
    ) -> Result<Turn, Stop> {
        loop {
            match &mut state.stage {
                Stage::Ready => {
                    self.start_attempt(frame, task, state.attempt)?;
                    frame.answers.clear();
                    state.stage = Stage::Attempt(Cursor::new(Arc::clone(&frame.input)));
                }
                Stage::Attempt(cursor) => {
                    let scope = frame.scope.clone();
                    return Ok(self.follow(frame, cursor, &task.r#try, &scope));
                }
                Stage::Judging => {
                    self.abandon_parts(frame, |part| *part == Part::Attempt);
                    match self.judge(frame, &task.catch, state)? {
                        Verdict::Fail => {
                            let fault =
                                state.fault.take().expect("a failed attempt left its fault");
                            return Err(fault.into());
                        }
                        Verdict::Swallow => return Ok(Turn::Done(Arc::clone(&frame.input))),
                        Verdict::Handle => {
                            self.abandon_parts(frame, |part| *part == Part::Limit);
                            let scope = error_scope(frame, &task.catch, state);
                            state.stage =
                                Stage::Handling(Cursor::new(Arc::clone(&frame.input)), scope);
                        }
                        Verdict::Retry(delay) if delay.is_positive() => {
                            self.round(&frame.node)?;
                            let name = format!("delay~{}", state.attempt);
                            state.stage = Stage::Delay;
                            self.sleep(frame, Part::Delay, &name, delay);
                            return Ok(Turn::Wait);
                        }
                        Verdict::Retry(_) => {
                            self.round(&frame.node)?;
                            state.attempt += 1;
                            state.stage = Stage::Ready;
                        }
                    }
                }
                Stage::Delay => return Ok(Turn::Wait),
                Stage::Handling(cursor, scope) => {
                    let Some(block) = &task.catch.r#do else {
                        return Ok(Turn::Done(Arc::clone(&frame.input)));
                    };
                    let scope = scope.clone();
                    return Ok(self.follow(frame, cursor, block, &scope));
                }
            }
        }
    }

    fn start_attempt(
        &mut self,
        frame: &mut Frame,
        task: &TryTask,
        attempt: u32,
    ) -> Result<(), Stop> {
        let Some(duration) = task
            .catch
            .retry
            .as_ref()
            .and_then(|retry| retry.attempt.as_ref())
        else {
            return Ok(());
        };
        let part = format!("retry.attempt~{attempt}");
        let (input, scope) = (Arc::clone(&frame.input), frame.scope.clone());
        let length = self.duration(frame, &mut About::new(&part, &input, &scope), duration)?;
        self.sleep(frame, Part::Attempt, &format!("attempt~{attempt}"), length);
        Ok(())
    }

    /// Finds out what comes after a failed attempt. May be asked again when a heavy expression was answered.
    fn judge(&mut self, frame: &mut Frame, catch: &Catch, state: &Trying) -> Result<Verdict, Stop> {
        let fault = state
            .fault
            .as_ref()
            .expect("a failed attempt left its fault");
        if !matches(&catch.errors, fault) {
            return Ok(Verdict::Fail);
        }
        let error = fault.error();
        let scope = error_scope(frame, catch, state);
        let number = state.attempt;
        for (name, condition, wanted) in [
            ("when", &catch.when, true),
            ("exceptWhen", &catch.except_when, false),
        ] {
            let Some(condition) = condition else { continue };
            let part = format!("catch.{name}~{number}");
            if self.holds(frame, &mut About::new(&part, &error, &scope), condition)? != wanted {
                return Ok(Verdict::Fail);
            }
        }
        if let Some(retry) = &catch.retry
            && let Some(delay) = self.retry_after(frame, retry, state, &error, &scope)?
        {
            return Ok(Verdict::Retry(delay));
        }
        Ok(match (&catch.r#do, &catch.retry) {
            (Some(_), _) => Verdict::Handle,
            (None, Some(_)) => Verdict::Fail,
            (None, None) => Verdict::Swallow,
        })
    }

    /// After how long it is tried again, if it is.
    fn retry_after(
        &mut self,
        frame: &mut Frame,
        retry: &RetryPolicy,
        state: &Trying,
        error: &Value,
        scope: &Scope,
    ) -> Result<Option<SignedDuration>, Stop> {
        let number = state.attempt;
        if state.spent == Spent::Yes || retry.count.is_some_and(|count| number > count) {
            return Ok(None);
        }
        for (name, condition, wanted) in [
            ("when", &retry.when, true),
            ("exceptWhen", &retry.except_when, false),
        ] {
            let Some(condition) = condition else { continue };
            let part = format!("retry.{name}~{number}");
            if self.holds(frame, &mut About::new(&part, error, scope), condition)? != wanted {
                return Ok(None);
            }
        }
        let delay = self.delay(frame, retry, state, scope)?;
        let beyond = state.limit.is_some_and(|limit| self.after(delay) >= limit);
        Ok((!beyond).then_some(delay))
    }

    fn delay(
        &mut self,
        frame: &mut Frame,
        retry: &RetryPolicy,
        state: &Trying,
        scope: &Scope,
    ) -> Result<SignedDuration, Stop> {
        let number = state.attempt;
        let input = Arc::clone(&frame.input);
        let mut lengths = [SignedDuration::ZERO; 3];
        let (from, to) = retry
            .jitter
            .as_ref()
            .map_or((None, None), |(from, to)| (Some(from), Some(to)));
        for (index, (name, duration)) in [
            ("delay", retry.delay.as_ref()),
            ("jitter.from", from),
            ("jitter.to", to),
        ]
        .into_iter()
        .enumerate()
        {
            let Some(duration) = duration else { continue };
            let part = format!("retry.{name}~{number}");
            lengths[index] =
                self.duration(frame, &mut About::new(&part, &input, scope), duration)?;
        }
        let [delay, from, to] =
            lengths.map(|length| i64::try_from(length.as_millis()).unwrap_or(i64::MAX).max(0));
        let mut total = grown(delay, retry.backoff, number);
        let span = u64::try_from(to.saturating_sub(from)).unwrap_or(0);
        if retry.jitter.is_some() {
            let id = self.id(frame, &format!("delay~{number}"));
            let share = self.random(&id, 0) % span.saturating_add(1).max(1);
            total = total
                .saturating_add(from)
                .saturating_add(i64::try_from(share).unwrap_or(0));
        }
        let asked = state
            .fault
            .as_ref()
            .and_then(|fault| fault.retry_after)
            .unwrap_or(0);
        let asked = i64::try_from(asked.min(limits::RETRY_AFTER_MS)).unwrap_or(0);
        Ok(SignedDuration::from_millis(total.max(asked)))
    }

    /// A timer of a `try` ran out: of one attempt, of all, or of a delay.
    pub(super) fn try_timer(&mut self, key: Key, part: &Part) {
        let Some(mut frame) = self.frames.take(key) else {
            return;
        };
        self.current = key;
        if let Body::Try(state) = &mut frame.body {
            if *part == Part::Limit {
                state.spent = Spent::Yes;
            }
            match (&state.stage, part) {
                (Stage::Delay, Part::Delay) => {
                    state.attempt += 1;
                    state.stage = Stage::Ready;
                }
                (Stage::Delay, Part::Limit) => state.stage = Stage::Judging,
                (Stage::Attempt(_) | Stage::Ready, Part::Limit | Part::Attempt) => {
                    let what = if *part == Part::Attempt {
                        "the attempt"
                    } else {
                        "the retries"
                    };
                    let fault = Fault::new(
                        FaultType::Timeout,
                        format!(
                            "{what} took longer than its limit allows (attempt {})",
                            state.attempt
                        ),
                    )
                    .code("flow.timeout");
                    state.fault = Some(at(fault, &frame.node));
                    state.stage = Stage::Judging;
                    let inside = std::mem::take(&mut frame.children);
                    self.discard(inside);
                }
                _ => {}
            }
            if *part == Part::Limit {
                self.abandon_parts(&mut frame, |part| *part == Part::Delay);
            }
        }
        self.frames.put(key, frame);
        self.ready.push(key);
    }
}

fn error_scope(frame: &Frame, catch: &Catch, state: &Trying) -> Scope {
    let error = state.fault.as_ref().map_or(Value::Null, Fault::error);
    frame.scope.bind(&catch.r#as, Arc::new(error))
}

/// The delay before the n-th retry, within its bound; never less than the delay itself.
fn grown(delay: i64, backoff: Backoff, number: u32) -> i64 {
    let factor = match backoff {
        Backoff::Constant => 1,
        Backoff::Linear => i64::from(number),
        Backoff::Exponential => 1_i64
            .checked_shl(number - 1)
            .filter(|factor| *factor > 0)
            .unwrap_or(i64::MAX),
    };
    delay
        .saturating_mul(factor)
        .min(limits::GROWN_DELAY_MS)
        .max(delay)
}

/// Every member that the filter gives is equal; a standard type may have either base.
fn matches(filter: &ErrorFilter, fault: &Fault) -> bool {
    let text = |wanted: &Option<String>, got: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| Some(wanted) == got)
    };
    let r#type = filter
        .r#type
        .as_deref()
        .is_none_or(|wanted| standard(wanted) == standard(&fault.r#type));
    r#type
        && filter.status.is_none_or(|status| status == fault.status)
        && text(&filter.title, Some(&fault.title))
        && text(&filter.detail, fault.detail.as_deref())
        && text(&filter.instance, fault.instance.as_deref())
}

/// A type with the base that we raise.
fn standard(r#type: &str) -> std::borrow::Cow<'_, str> {
    match r#type.strip_prefix(RENAMED_BASE) {
        Some(name) => format!("{BASE}{name}").into(),
        None => r#type.into(),
    }
}
