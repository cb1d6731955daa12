//! The way of one task: `if` → `input` → `timeout` → body → `output` → `export` → `then`, and how it ends: left, failed, cancelled.
//!
//! No recursion over tasks: what is ready stands on a stack, so that the depth of a definition is no matter.

use std::sync::Arc;

use serde_json::Value;

use super::evaluate::{About, Stop, check};
use super::frame::{Body, Exported, Frame, Key, Node, Phase, Scope, Stage};
use super::outbox::Part;
use super::{Machine, Status, StepStatus};
use crate::definition::{Block, Kind, Task, Then};
use crate::fault::{Fault, FaultType};
use crate::limits;

/// How a task stands after it was given a go.
#[derive(Debug)]
pub(super) enum Turn {
    /// It waits for a command or for a task inside it.
    Wait,
    /// It ended; of a body: with this raw output.
    Done(Arc<Value>),
}

impl Machine {
    /// Gives everything that is ready a go, until nothing is.
    pub(super) fn run(&mut self) {
        while let Some(key) = self.ready.pop() {
            let Some(mut frame) = self.frames.take(key) else {
                continue;
            };
            self.current = key;
            let turn = self.advance(&mut frame);
            self.frames.put(key, frame);
            match turn {
                Ok(Turn::Wait) | Err(Stop::Asked) => {}
                Ok(Turn::Done(output)) => self.leave(key, output),
                Err(Stop::Fault(fault)) => self.fail(key, *fault),
                Err(Stop::Limit(fault)) => self.finish(Status::Faulted(*fault)),
            }
        }
    }

    fn advance(&mut self, frame: &mut Frame) -> Result<Turn, Stop> {
        loop {
            frame.stage = match frame.stage {
                Stage::New => {
                    frame.started = self.now;
                    self.record_start(frame);
                    Stage::Condition
                }
                Stage::Condition => {
                    if !self.condition(frame)? {
                        frame.then = Then::Continue;
                        self.record_skip(frame);
                        return Ok(Turn::Done(Arc::clone(&frame.raw)));
                    }
                    Stage::Input
                }
                Stage::Input => {
                    self.transform_input(frame)?;
                    Stage::Timeout
                }
                Stage::Timeout => {
                    self.start_timeout(frame)?;
                    Stage::Body
                }
                Stage::Body => match self.body(frame)? {
                    Turn::Wait => return Ok(Turn::Wait),
                    Turn::Done(output) => {
                        self.abandon_parts(frame, |_| true);
                        frame.output = Some(Arc::clone(&output));
                        frame.raw_output = Some(output);
                        Stage::Output
                    }
                },
                Stage::Output => {
                    self.transform_output(frame)?;
                    Stage::Export
                }
                Stage::Export => {
                    self.export(frame)?;
                    let output = frame.output.clone().expect("the body set it");
                    return Ok(Turn::Done(output));
                }
            };
            frame.answers.clear();
        }
    }

    fn condition(&mut self, frame: &mut Frame) -> Result<bool, Stop> {
        let node = frame.node.clone();
        let Some(condition) = node.condition() else {
            return Ok(true);
        };
        let (raw, scope) = (Arc::clone(&frame.raw), frame.scope.clone());
        self.holds(frame, &mut About::new("if", &raw, &scope), condition)
    }

    fn transform_input(&mut self, frame: &mut Frame) -> Result<(), Stop> {
        let node = frame.node.clone();
        let raw = Arc::clone(&frame.raw);
        check(node.input().schema.as_ref(), &raw, "the input")
            .map_err(|stop| within(&node, "/input/schema", stop))?;
        if let Some(from) = &node.input().from {
            let scope = frame.scope.clone();
            let input = self
                .template(frame, &mut About::new("input.from", &raw, &scope), from)
                .map_err(|stop| within(&node, "/input/from", stop))?;
            frame.input = Arc::new(input);
        }
        self.record_input(frame);
        Ok(())
    }

    fn start_timeout(&mut self, frame: &mut Frame) -> Result<(), Stop> {
        let node = frame.node.clone();
        if let Some(timeout) = node.timeout() {
            let (input, scope) = (Arc::clone(&frame.input), frame.scope.clone());
            let length = self
                .duration(
                    frame,
                    &mut About::new("timeout.after", &input, &scope),
                    timeout,
                )
                .map_err(|stop| within(&node, "/timeout", stop))?;
            self.sleep(frame, Part::Timeout, "timeout", length);
        }
        Ok(())
    }

    fn body(&mut self, frame: &mut Frame) -> Result<Turn, Stop> {
        let task = match &frame.node {
            Node::Flow(flow) => {
                let flow = Arc::clone(flow);
                return Ok(self.block(frame, &flow.tasks));
            }
            Node::Task(task) => Arc::clone(task),
        };
        match &task.kind {
            Kind::Set(template) => self.set(frame, template),
            Kind::Do(block) => Ok(self.block(frame, block)),
            Kind::Switch(cases) => self.switch(frame, cases),
            Kind::For(task) => self.for_each(frame, task),
            Kind::Fork(fork) => Ok(self.fork(frame, fork)),
            Kind::Try(task) => self.try_catch(frame, task),
            Kind::Raise(error) => self.raise(frame, error),
            Kind::Wait(duration) => self.wait(frame, duration),
            Kind::Emit(with) => self.emit(frame, with),
            Kind::Listen(listen) => self.listen(frame, listen),
            Kind::Run(run) => self.run_flow(frame, run),
            Kind::Call(call) => self.call(frame, call),
        }
    }

    fn transform_output(&mut self, frame: &mut Frame) -> Result<(), Stop> {
        let node = frame.node.clone();
        let raw = frame.raw_output.clone().expect("the body set it");
        if let Some(template) = &node.output().r#as {
            let scope = frame.scope.clone();
            let output = self
                .template(frame, &mut About::new("output.as", &raw, &scope), template)
                .map_err(|stop| within(&node, "/output/as", stop))?;
            frame.output = Some(Arc::new(output));
        }
        let output = frame.output.as_deref().unwrap_or(&Value::Null);
        check(node.output().schema.as_ref(), output, "the output")
            .map_err(|stop| within(&node, "/output/schema", stop))
    }

    fn export(&mut self, frame: &mut Frame) -> Result<(), Stop> {
        let Node::Task(task) = frame.node.clone() else {
            return Ok(());
        };
        let Some(template) = &task.export.r#as else {
            return Ok(());
        };
        let output = frame.output.clone().expect("the body set it");
        let scope = frame.scope.clone();
        let context = self.template(
            frame,
            &mut About::new("export.as", &output, &scope),
            template,
        )?;
        check(
            task.export.schema.as_ref(),
            &context,
            "the exported context",
        )?;
        self.set_context(frame, context);
        Ok(())
    }

    /// Replaces `$context` on the line of execution that a frame is on.
    pub(super) fn set_context(&mut self, frame: &Frame, context: Value) {
        if let Some(branch) = self.branches.get_mut(frame.branch) {
            branch.context = Arc::new(context);
            branch.exported = Exported::Something;
        }
    }

    /// `do`, the flow itself, and functions of the flow.
    pub(super) fn block(&mut self, frame: &mut Frame, block: &Block) -> Turn {
        if let Body::Fresh = frame.body {
            frame.body = Body::Block(super::frame::Cursor::new(Arc::clone(&frame.input)));
        }
        let Body::Block(mut cursor) = std::mem::take(&mut frame.body) else {
            return Turn::Wait;
        };
        let scope = frame.scope.clone();
        let turn = self.follow(frame, &mut cursor, block, &scope);
        frame.body = Body::Block(cursor);
        turn
    }

    /// Goes on in a list of tasks.
    pub(super) fn follow(
        &mut self,
        frame: &mut Frame,
        cursor: &mut super::frame::Cursor,
        block: &Block,
        scope: &Scope,
    ) -> Turn {
        match cursor.phase {
            Phase::Under => Turn::Wait,
            Phase::Ready => {
                let Some(task) = block.0.get(cursor.position) else {
                    return Turn::Done(Arc::clone(&cursor.data));
                };
                cursor.phase = Phase::Under;
                let child = Child {
                    task: Arc::clone(task),
                    raw: Arc::clone(&cursor.data),
                    scope: scope.clone(),
                    branch: frame.branch,
                    slot: 0,
                    turn: cursor.turn,
                };
                self.enter(frame, child);
                Turn::Wait
            }
            Phase::Over => Turn::Done(Arc::clone(&cursor.data)),
            Phase::End => {
                frame.then = Then::End;
                Turn::Done(Arc::clone(&cursor.data))
            }
        }
    }

    /// Begins a task inside the frame that is being worked on.
    pub(super) fn enter(&mut self, frame: &mut Frame, child: Child) {
        let mut inner = Frame::new(Node::Task(child.task), child.raw, child.branch);
        inner.parent = Some(self.current);
        inner.scope = child.scope;
        inner.slot = child.slot;
        inner.turn = child.turn;
        let key = self.frames.add(Box::new(inner));
        frame.children.push(key);
        self.ready.push(key);
    }

    /// A task ended: the one around it goes on.
    fn leave(&mut self, key: Key, output: Arc<Value>) {
        let Some(frame) = self.frames.remove(key) else {
            return;
        };
        self.record_end(&frame, StepStatus::Completed, None);
        let Some(parent_key) = frame.parent else {
            // The frame holds the output too: without it the value need not be copied.
            drop(frame);
            return self.finish(Status::Completed(Arc::unwrap_or_clone(output)));
        };
        let Some(parent) = self.frames.get_mut(parent_key) else {
            return;
        };
        parent.children.retain(|child| *child != key);
        if absorb(parent, frame.slot, output, frame.then) == super::frame::Direction::Back
            && let Err(Stop::Limit(fault)) = self.round(&frame.node)
        {
            return self.finish(Status::Faulted(*fault));
        }
        self.ready.push(parent_key);
    }

    /// A task failed: so does the one around it, up to one that catches.
    pub(super) fn fail(&mut self, key: Key, fault: Fault) {
        let mut key = key;
        let mut fault = fault;
        loop {
            self.discard_inside(key);
            let Some(frame) = self.frames.remove(key) else {
                return;
            };
            fault = at(fault, &frame.node);
            self.forget(&frame);
            self.record_end(&frame, StepStatus::Faulted, Some(&fault));
            let Some(parent_key) = frame.parent else {
                return self.finish(Status::Faulted(fault));
            };
            let Some(parent) = self.frames.get_mut(parent_key) else {
                return;
            };
            parent.children.retain(|child| *child != key);
            let caught = match &mut parent.body {
                Body::Try(state) => state.absorb_fault(&fault),
                Body::Fork(state) => state.absorb_fault(),
                _ => false,
            };
            if caught {
                self.ready.push(parent_key);
                return;
            }
            key = parent_key;
        }
    }

    /// Ends everything inside a frame.
    pub(super) fn discard_inside(&mut self, key: Key) {
        let Some(frame) = self.frames.get_mut(key) else {
            return;
        };
        let inside = std::mem::take(&mut frame.children);
        self.discard(inside);
    }

    /// Ends frames and everything inside them.
    pub(super) fn discard(&mut self, mut keys: Vec<Key>) {
        while let Some(key) = keys.pop() {
            let Some(mut frame) = self.frames.remove(key) else {
                continue;
            };
            keys.append(&mut frame.children);
            self.forget(&frame);
            self.record_end(&frame, StepStatus::Cancelled, None);
        }
    }

    /// Forgets the commands of a frame that is gone, and the contexts of its branches.
    fn forget(&mut self, frame: &Frame) {
        for id in &frame.commands {
            self.abandon(id);
        }
        if let Body::Fork(state) = &frame.body {
            for branch in state.branches() {
                self.branches.remove(branch);
            }
        }
    }

    /// The run ends.
    pub(super) fn finish(&mut self, status: Status) {
        self.ready.clear();
        if let Some(root) = self.root.take() {
            self.discard(vec![root]);
        }
        self.status = status;
    }

    /// One more round of a loop, retry, or jump back.
    pub(super) fn round(&mut self, node: &Node) -> Result<(), Stop> {
        self.rounds += 1;
        if self.rounds <= limits::ROUNDS {
            return Ok(());
        }
        let fault = Fault::new(
            FaultType::Runtime,
            format!(
                "the run made {} rounds of loops, retries and jumps back, which is the limit; go through large lists in several runs",
                limits::ROUNDS
            ),
        )
        .code("flow.limit");
        Err(Stop::Limit(Box::new(at(fault, node))))
    }
}

/// A task that is about to begin.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) task: Arc<Task>,
    pub(super) raw: Arc<Value>,
    pub(super) scope: Scope,
    pub(super) branch: Key,
    pub(super) slot: usize,
    pub(super) turn: u32,
}

/// Hands a task's output to the task around it.
fn absorb(
    parent: &mut Frame,
    slot: usize,
    output: Arc<Value>,
    then: Then,
) -> super::frame::Direction {
    use super::frame::Direction::Forward;
    match &mut parent.body {
        Body::Block(cursor) => cursor.absorb(output, then),
        Body::For(state) => state.absorb(output, then),
        Body::Try(state) => state.absorb(output, then),
        Body::Listen(state) => state.absorb(output, then),
        Body::Fork(state) => {
            state.absorb(slot, output, then);
            Forward
        }
        Body::Fresh | Body::Out | Body::Answered(_) | Body::Collect(_) => Forward,
    }
}

/// A fault that says which task it belongs to; the one it began in, when it says so already.
pub(super) fn at(mut fault: Fault, node: &Node) -> Fault {
    if fault.instance.is_none() {
        fault.instance = Some(node.reference().to_owned());
    }
    fault
}

/// A fault of the flow itself says which of its members it belongs to: there is no task to name.
fn within(node: &Node, pointer: &str, stop: Stop) -> Stop {
    match (node, stop) {
        (Node::Flow(_), Stop::Fault(mut fault)) => {
            fault.instance.get_or_insert_with(|| pointer.to_owned());
            Stop::Fault(fault)
        }
        (_, stop) => stop,
    }
}
