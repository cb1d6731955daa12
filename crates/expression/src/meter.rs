//! What an evaluation may use: steps, memory, depth of values, stack. The counters are the thread's own, because the value type and the
//! natives of jaq are reached from many places that no argument reaches. Knows no clock: the same program on the same input stops at the
//! same step on every machine. Only the stack is measured by address; the classification keeps light programs far away from its end.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::{Exceeded, Limits};

struct Meter {
    fuel: Cell<u64>,
    memory: Cell<u64>,
    depth: Cell<usize>,
    stack: Cell<usize>,
    base: Cell<usize>,
}

thread_local! {
    static METER: Meter = const {
        Meter {
            fuel: Cell::new(u64::MAX),
            memory: Cell::new(u64::MAX),
            depth: Cell::new(usize::MAX),
            stack: Cell::new(usize::MAX),
            base: Cell::new(0),
        }
    };
}

/// What unwinds through jaq when a limit is reached; no panic hook sees it.
struct Stop(Exceeded);

/// Why a metered computation did not end.
pub(crate) enum Cut {
    /// A limit was reached.
    Exceeded(Exceeded),
    /// The engine itself failed; its words.
    Broken(String),
}

/// Computes `work` under `limits`.
pub(crate) fn run<T>(limits: &Limits, work: impl FnOnce() -> T) -> Result<T, Cut> {
    METER.with(|meter| {
        meter.fuel.set(limits.fuel);
        meter.memory.set(limits.memory);
        meter.depth.set(limits.depth);
        meter.stack.set(limits.stack);
        meter.base.set(here());
    });
    let outcome = catch_unwind(AssertUnwindSafe(work));
    METER.with(|meter| {
        meter.fuel.set(u64::MAX);
        meter.memory.set(u64::MAX);
        meter.depth.set(usize::MAX);
        meter.stack.set(usize::MAX);
    });
    outcome.map_err(cut)
}

fn cut(payload: Box<dyn Any + Send>) -> Cut {
    match payload.downcast::<Stop>() {
        Ok(stop) => Cut::Exceeded(stop.0),
        Err(other) => Cut::Broken(
            other
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| other.downcast_ref::<&str>().map(ToString::to_string))
                .unwrap_or_else(|| "unknown failure".to_owned()),
        ),
    }
}

fn stop(what: Exceeded) -> ! {
    resume_unwind(Box::new(Stop(what)))
}

/// Where the stack ends now.
fn here() -> usize {
    let marker = 0_u8;
    std::ptr::from_ref(&marker).addr()
}

/// One step of the evaluation: also looks at the stack.
pub(crate) fn tick() {
    METER.with(|meter| {
        if meter.base.get().abs_diff(here()) > meter.stack.get() && meter.stack.get() != usize::MAX
        {
            stop(Exceeded::Depth);
        }
        take(&meter.fuel, 1, Exceeded::Cpu);
    });
}

/// Pays for `steps` steps of a native.
pub(crate) fn spend(steps: usize) {
    METER.with(|meter| take(&meter.fuel, steps as u64, Exceeded::Cpu));
}

/// Pays for memory before it is taken; copying costs a step for each 32 bytes.
pub(crate) fn allocate(bytes: usize) {
    METER.with(|meter| {
        take(&meter.memory, bytes as u64, Exceeded::Memory);
        take(&meter.fuel, bytes as u64 / 32, Exceeded::Cpu);
    });
}

/// Refuses values nested more than allowed, since they are dropped, compared and printed by recursion.
pub(crate) fn nest(depth: usize) {
    METER.with(|meter| {
        if depth > meter.depth.get() {
            stop(Exceeded::Depth);
        }
    });
}

fn take(counter: &Cell<u64>, amount: u64, what: Exceeded) {
    match counter.get().checked_sub(amount) {
        Some(rest) => counter.set(rest),
        None => stop(what),
    }
}
