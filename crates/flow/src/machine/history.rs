//! What a run's steps did, for people to read: kept only by a machine that was told to. The engine's own machines keep nothing.

use serde_json::Value;

use super::frame::{Frame, Key, Node};
use super::{Machine, Recording, Step, StepStatus};
use crate::fault::Fault;

impl Machine {
    pub(super) fn record_start(&mut self, frame: &mut Frame) {
        let (Recording::Steps, Node::Task(task)) = (self.recording, &frame.node) else {
            return;
        };
        let (rounds, attempt) = self.rounds_and_attempt(frame);
        let step = Step {
            name: task.name.to_string(),
            reference: task.reference.to_string(),
            id: self.id(frame, ""),
            rounds,
            attempt,
            status: StepStatus::Running,
            started_at: self.now,
            ended_at: None,
            input: None,
            output: None,
            error: None,
            explanation: None,
        };
        frame.step = Some(self.steps.len());
        self.steps.push(step);
    }

    pub(super) fn record_input(&mut self, frame: &Frame) {
        if let Some(step) = self.step_of(frame) {
            step.input = Some((*frame.input).clone());
        }
    }

    pub(super) fn record_waiting(&mut self, frame: &Frame) {
        if let Some(step) = self.step_of(frame) {
            step.status = StepStatus::Waiting;
        }
    }

    pub(super) fn record_skip(&mut self, frame: &mut Frame) {
        let now = self.now;
        if let Some(step) = self.step_of(frame) {
            step.status = StepStatus::Skipped;
            step.ended_at = Some(now);
        }
        frame.step = None;
    }

    pub(super) fn record_end(&mut self, frame: &Frame, status: StepStatus, fault: Option<&Fault>) {
        let now = self.now;
        if let Some(step) = self.step_of(frame) {
            step.status = status;
            step.ended_at = Some(now);
            if status == StepStatus::Completed {
                step.output = frame.output.as_deref().cloned();
            }
            step.error = fault.map(Fault::told);
        }
    }

    pub(super) fn record_explanation(&mut self, key: Key, explanation: &Value) {
        let index = self.frames.get(key).and_then(|frame| frame.step);
        if let Some(step) = index.and_then(|index| self.steps.get_mut(index)) {
            step.explanation = Some(explanation.clone());
        }
    }

    fn step_of(&mut self, frame: &Frame) -> Option<&mut Step> {
        self.steps.get_mut(frame.step?)
    }
}
