//! Whose turn it is: children are few, and one run may want many of them at once.
//!
//! Runs that wait are served one after the other, whatever each wants, and a run that holds a child gets another one only while
//! one more is free. So a run waits for one evaluation of another's at most, not for all of them, and how many wait is no reason
//! to refuse anybody.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// The children to be had.
#[derive(Clone)]
pub(super) struct Turns(Arc<Mutex<State>>);

struct State {
    free: usize,
    held: HashMap<String, usize>,
    /// Runs that wait, in the order of their turns, each with all that it wants.
    waiting: VecDeque<(String, VecDeque<oneshot::Sender<Turn>>)>,
}

/// A child may be used until this is dropped.
pub(super) struct Turn {
    turns: Turns,
    run: String,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.turns.state();
        state.free += 1;
        if let Some(held) = state.held.get_mut(&self.run) {
            *held -= 1;
            if *held == 0 {
                state.held.remove(&self.run);
            }
        }
        drop(state);
        self.turns.give();
    }
}

impl Turns {
    pub(super) fn new(children: usize) -> Turns {
        Turns(Arc::new(Mutex::new(State {
            free: children,
            held: HashMap::new(),
            waiting: VecDeque::new(),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the run's turn. Can be dropped.
    pub(super) async fn take(&self, run: &str) -> Option<Turn> {
        let turn = self.wait(run);
        self.give();
        turn.await.ok()
    }

    fn wait(&self, run: &str) -> oneshot::Receiver<Turn> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state();
        match state.waiting.iter_mut().find(|(other, _)| other == run) {
            Some((_, wanted)) => wanted.push_back(sender),
            None => state
                .waiting
                .push_back((run.to_owned(), VecDeque::from([sender]))),
        }
        receiver
    }

    /// Gives what is free to those whose turn it is.
    fn give(&self) {
        loop {
            let Some((sender, run)) = self.state().next() else {
                return;
            };
            let turns = self.clone();
            // Who stopped waiting gives it back by not taking it.
            drop(sender.send(Turn { turns, run }));
        }
    }
}

impl State {
    /// Who gets a child now; it counts as held.
    fn next(&mut self) -> Option<(oneshot::Sender<Turn>, String)> {
        for (_, wanted) in &mut self.waiting {
            wanted.retain(|sender| !sender.is_closed());
        }
        self.waiting.retain(|(_, wanted)| !wanted.is_empty());
        let (free, held) = (self.free, &self.held);
        let may = |run: &str| free > usize::from(held.contains_key(run));
        let place = self.waiting.iter().position(|(run, _)| may(run))?;
        let (run, mut wanted) = self.waiting.remove(place)?;
        let sender = wanted.pop_front()?;
        if !wanted.is_empty() {
            self.waiting.push_back((run.clone(), wanted));
        }
        self.free -= 1;
        *self.held.entry(run.clone()).or_default() += 1;
        Some((sender, run))
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    /// Whether it is somebody's turn now.
    async fn now(turn: &mut (impl Future<Output = Option<Turn>> + Unpin)) -> Option<Turn> {
        tokio::select! {
            biased;
            turn = turn => turn,
            () = tokio::task::yield_now() => None,
        }
    }

    #[tokio::test]
    async fn a_run_that_wants_much_waits_behind_one_that_wants_little() {
        let turns = Turns::new(2);
        let first = turns.take("greedy").await.unwrap();
        let mut second = pin!(turns.take("greedy"));
        let mut third = pin!(turns.take("greedy"));
        assert!(now(&mut second).await.is_none(), "one stays free");
        assert!(now(&mut third).await.is_none());
        let other = turns.take("other").await.unwrap();
        let mut more = pin!(turns.take("other"));
        assert!(now(&mut more).await.is_none());
        drop(first);
        let second = now(&mut second).await.unwrap();
        assert!(now(&mut third).await.is_none());
        drop(other);
        // It came after the third of the greedy one, whose run holds a child.
        let more = now(&mut more).await.unwrap();
        drop((second, more));
        assert!(now(&mut third).await.is_some());
    }

    #[tokio::test]
    async fn runs_are_served_one_after_the_other() {
        let turns = Turns::new(1);
        let held = turns.take("a").await.unwrap();
        let mut wants: Vec<_> = ["a", "a", "a", "b", "b", "c"]
            .into_iter()
            .map(|run| (run, Box::pin(turns.take(run))))
            .collect();
        for (_, turn) in &mut wants {
            assert!(now(turn).await.is_none());
        }
        drop(held);
        let mut served = Vec::new();
        while !wants.is_empty() {
            let mut left = Vec::new();
            for (run, mut turn) in wants {
                match now(&mut turn).await {
                    Some(_) => served.push(run),
                    None => left.push((run, turn)),
                }
            }
            wants = left;
        }
        assert_eq!(served[..3], ["a", "b", "c"]);
    }

    #[tokio::test]
    async fn who_stops_waiting_takes_nothing_away() {
        let turns = Turns::new(1);
        let held = turns.take("a").await.unwrap();
        {
            let mut gone = pin!(turns.take("b"));
            assert!(now(&mut gone).await.is_none());
            drop(held);
            // It has been given a turn that it never takes.
        }
        let mut next = pin!(turns.take("c"));
        assert!(now(&mut next).await.is_some());
    }
}
