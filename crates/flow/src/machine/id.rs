//! Names of commands and steps, and what is random in a run: both follow from where a task stands, never from when it came to be.

use std::fmt::Write as _;

use super::Machine;
use super::frame::{Frame, Node};
use crate::CommandId;

impl Machine {
    /// The pointer of a frame's task with rounds, attempts and turns: `/do/1/loop[3]/do/0/call`.
    pub(super) fn path(&self, frame: &Frame) -> String {
        let mut line: Vec<&Frame> = vec![frame];
        let mut parent = frame.parent;
        while let Some(frame) = parent.and_then(|key| self.frames.get(key)) {
            line.push(frame);
            parent = frame.parent;
        }
        let mut path = String::new();
        let mut above: Option<&Frame> = None;
        for frame in line.into_iter().rev() {
            if let Node::Task(task) = &frame.node {
                append(&mut path, above, &task.reference);
                if frame.turn > 1 {
                    write!(path, "~{}", frame.turn).expect("a String takes all");
                }
            }
            above = Some(frame);
        }
        path
    }

    /// The name of a frame's command; the part is empty for what the task itself is there for.
    pub(super) fn id(&self, frame: &Frame, part: &str) -> CommandId {
        let mut path = self.path(frame);
        if !part.is_empty() {
            path.push('#');
            path.push_str(part);
        }
        CommandId(path)
    }

    /// Rounds of the loops around a frame, outermost first, and the attempt of the innermost `try` around it.
    pub(super) fn rounds_and_attempt(&self, frame: &Frame) -> (Vec<u64>, u32) {
        let mut rounds = Vec::new();
        let mut attempt = None;
        let mut parent = frame.parent;
        while let Some(frame) = parent.and_then(|key| self.frames.get(key)) {
            rounds.extend(frame.round());
            attempt = attempt.or(frame.attempt());
            parent = frame.parent;
        }
        rounds.reverse();
        (rounds, attempt.unwrap_or(1))
    }

    /// 64 random bits that belong to a name: the same in every replay, whatever came before.
    pub(super) fn random(&self, id: &CommandId, draw: u64) -> u64 {
        let seed = fnv(
            self.run.entropy ^ fnv(OFFSET, self.run.id.as_bytes()),
            id.0.as_bytes(),
        );
        mix(seed.wrapping_add(draw.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// An id of an event, in the form of a random UUID (RFC 9562, version 4).
    pub(super) fn event_id(&self, id: &CommandId) -> String {
        let (high, low) = (self.random(id, 1), self.random(id, 2));
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            ((low >> 48) & 0x3fff) | 0x8000,
            low & 0xffff_ffff_ffff
        )
    }
}

/// Adds what a task's pointer has beyond that of the frame around it.
fn append(path: &mut String, above: Option<&Frame>, reference: &str) {
    let Some(above) = above else {
        path.push_str(reference);
        return;
    };
    if let Some(round) = above.round() {
        write!(path, "[{round}]").expect("a String takes all");
    }
    // A function's task stands under `/use/functions`: its whole pointer is added.
    let rest = reference
        .strip_prefix(above.node.reference())
        .filter(|rest| rest.starts_with('/'))
        .unwrap_or(reference);
    match (above.attempt(), rest.strip_prefix("/try")) {
        (Some(attempt), Some(rest)) if attempt > 1 => {
            write!(path, "/try~{attempt}{rest}").expect("a String takes all");
        }
        _ => path.push_str(rest),
    }
}

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a from a given start.
fn fnv(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start ^ OFFSET, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The finalizer of `SplitMix64`: every bit of the seed moves every bit of the result.
fn mix(seed: u64) -> u64 {
    let seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    seed ^ (seed >> 31)
}
