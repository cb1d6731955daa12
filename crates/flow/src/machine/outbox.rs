//! Commands that are out: asked for, answered, abandoned. What begins and ends within one event is never heard of outside.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::frame::{Frame, Key};
use super::{Machine, Pending, Sent};
use crate::{Command, CommandId};

/// A command without an answer, and whom its answer is for.
#[derive(Debug)]
pub(super) struct Outstanding {
    pub(super) pending: Pending,
    pub(super) frame: Key,
    pub(super) part: Part,
    pub(super) told: Told,
}

/// What of a task a command is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// What the task itself is there for.
    Body,
    /// `timeout`.
    Timeout,
    /// A heavy expression, by its place.
    Answer(String),
    /// `limit.attempt.duration` of a `try`.
    Attempt,
    /// `limit.duration` of a `try`.
    Limit,
    /// The delay before a retry.
    Delay,
    /// The next page of a list.
    Page,
}

/// Whether the world has heard of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    No,
    Yes,
}

impl Machine {
    /// Puts a command of the frame that is being worked on out.
    pub(super) fn command(&mut self, frame: &mut Frame, part: Part, command: Command) {
        let id = command.id().clone();
        frame.commands.push(id.clone());
        self.fresh.push(id.clone());
        let outstanding = Outstanding {
            pending: Pending {
                command,
                sent: Sent::No,
            },
            frame: self.current,
            part,
            told: Told::No,
        };
        self.pending.insert(id, outstanding);
    }

    /// Asks for a heavy expression, once.
    pub(super) fn ask(
        &mut self,
        frame: &mut Frame,
        part: String,
        source: String,
        input: Value,
        variables: Vec<(String, Value)>,
    ) {
        let id = self.id(frame, &part);
        if self.pending.contains_key(&id) {
            return;
        }
        frame.asked += 1;
        let command = Command::Evaluate {
            id,
            source,
            input,
            variables,
        };
        self.command(frame, Part::Answer(part), command);
    }

    /// Waits for so long from now.
    pub(super) fn sleep(
        &mut self,
        frame: &mut Frame,
        part: Part,
        name: &str,
        length: SignedDuration,
    ) {
        let id = self.id(frame, name);
        let until = self.after(length);
        self.command(frame, part, Command::Sleep { id, until });
    }

    /// The time so long from now; the end of time when it is beyond.
    pub(super) fn after(&self, length: SignedDuration) -> Timestamp {
        self.now.checked_add(length).unwrap_or(Timestamp::MAX)
    }

    /// Forgets a command; the world is told when it has heard of it.
    pub(super) fn abandon(&mut self, id: &CommandId) {
        if let Some(outstanding) = self.pending.remove(id)
            && outstanding.told == Told::Yes
        {
            self.abandoned.push(id.clone());
        }
    }

    /// Forgets the commands of a frame that are for one of these parts.
    pub(super) fn abandon_parts(&mut self, frame: &mut Frame, of: impl Fn(&Part) -> bool) {
        let mut gone = Vec::new();
        frame.commands.retain(|id| {
            let hit = self
                .pending
                .get(id)
                .is_some_and(|outstanding| of(&outstanding.part));
            if hit {
                gone.push(id.clone());
            }
            !hit
        });
        for id in gone {
            if matches!(
                self.pending.get(&id),
                Some(Outstanding {
                    part: Part::Answer(_),
                    ..
                })
            ) {
                frame.asked = frame.asked.saturating_sub(1);
            }
            self.abandon(&id);
        }
    }

    /// What the world is told after an event: first what it may forget, then what is new, in the order in which it came up.
    pub(super) fn tell(&mut self) -> Vec<Command> {
        let mut commands: Vec<Command> = std::mem::take(&mut self.abandoned)
            .into_iter()
            .map(|id| Command::Abandon { id })
            .collect();
        for id in std::mem::take(&mut self.fresh) {
            if let Some(outstanding) = self.pending.get_mut(&id)
                && outstanding.told == Told::No
            {
                outstanding.told = Told::Yes;
                commands.push(outstanding.pending.command.clone());
            }
        }
        commands
    }
}
