//! How many calls of one connection are under way at once, and how many may wait for their turn.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

/// Where a connection's own settings say nothing.
pub(crate) const CALLS_AT_ONCE: u32 = 256;
/// So many may wait; who comes after them is turned away at once.
pub(crate) const WAITING_AT_MOST: usize = 20_000;

/// Room for calls; shared by all callers of a connection in this process.
pub(crate) struct Room {
    size: u32,
    free: Semaphore,
    waiting: AtomicUsize,
}

/// Why there was no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// Too many wait already.
    Crowded,
    /// The wait was too long.
    Late,
}

impl Room {
    pub(crate) fn new(size: u32) -> Room {
        Room {
            size,
            free: Semaphore::new(size as usize),
            waiting: AtomicUsize::new(0),
        }
    }

    pub(crate) fn size(&self) -> u32 {
        self.size
    }

    /// Lets a caller in, after those who came before, until a deadline.
    pub(crate) async fn enter(&self, deadline: Instant) -> Result<SemaphorePermit<'_>, Full> {
        if let Ok(permit) = self.free.try_acquire() {
            return Ok(permit);
        }
        let waiting = Waiting::new(&self.waiting).ok_or(Full::Crowded)?;
        let entered = timeout_at(deadline, self.free.acquire()).await;
        drop(waiting);
        match entered {
            Ok(Ok(permit)) => Ok(permit),
            // It is never closed.
            Ok(Err(_)) | Err(_) => Err(Full::Late),
        }
    }
}

/// A place in the line, given back however the wait ends.
struct Waiting<'a>(&'a AtomicUsize);

impl Waiting<'_> {
    fn new(count: &AtomicUsize) -> Option<Waiting<'_>> {
        let place = Waiting(count);
        (count.fetch_add(1, Ordering::Relaxed) < WAITING_AT_MOST).then_some(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::poll;

    use super::*;

    #[tokio::test]
    async fn the_line_has_an_end_and_its_places_are_given_back() {
        let room = Room::new(1);
        let far = Instant::now() + Duration::from_hours(1);
        let inside = room.enter(far).await.unwrap();
        let mut line: Vec<_> = (0..WAITING_AT_MOST)
            .map(|_| Box::pin(room.enter(far)))
            .collect();
        for waiting in &mut line {
            assert!(poll!(waiting).is_pending());
        }
        assert_eq!(room.enter(far).await.unwrap_err(), Full::Crowded);
        // One goes away, and another may come: too late for a deadline that is over.
        line.pop();
        assert_eq!(room.enter(Instant::now()).await.unwrap_err(), Full::Late);
        drop(line);
        assert_eq!(room.waiting.load(Ordering::Relaxed), 0);
        drop(inside);
        assert!(room.enter(far).await.is_ok());
    }
}
