//! Who signed in and which tokens were issued: the newest thousand of each, in memory, for the
//! portal's page. Tests that count read the request log instead; this one forgets.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

const KEPT: usize = 1000;

/// Somebody or something that wanted to be known.
#[derive(Clone, Debug)]
pub(crate) struct SignIn {
    pub(crate) time: Timestamp,
    pub(crate) kind: SignInKind,
    /// User principal name, as it was typed if nobody has it.
    pub(crate) user: Option<String>,
    /// The client id, as it was sent; `None` is the portal.
    pub(crate) client_id: Option<String>,
    /// Why it failed.
    pub(crate) failure: Option<Failure>,
}

/// How somebody wanted to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignInKind {
    /// On the pages, with a password or a session.
    Interactive,
    /// At the token endpoint; the successful ones are the issued tokens.
    TokenRequest,
}

/// Code and words of a refusal.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) code: u32,
    pub(crate) message: String,
}

/// An access token that was issued.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) time: Timestamp,
    pub(crate) expires: Timestamp,
    pub(crate) client_id: String,
    pub(crate) user: Option<String>,
    pub(crate) grant_type: String,
    pub(crate) audience: String,
    /// Names of scopes or roles.
    pub(crate) permissions: Vec<String>,
    pub(crate) fingerprint: u64,
}

/// What happened lately.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    sign_ins: Mutex<VecDeque<SignIn>>,
    tokens: Mutex<VecDeque<Issued>>,
}

impl Activity {
    /// Notes a sign-in.
    pub(crate) fn signed_in(&self, sign_in: SignIn) {
        push(&self.sign_ins, sign_in);
    }

    /// Notes a token.
    pub(crate) fn issued(&self, token: Issued) {
        push(&self.tokens, token);
    }

    /// The newest sign-ins that are wanted, newest first.
    pub(crate) fn sign_ins(&self, most: usize, wanted: impl Fn(&SignIn) -> bool) -> Vec<SignIn> {
        newest(&self.sign_ins, most, wanted)
    }

    /// The newest tokens that are wanted, newest first.
    pub(crate) fn tokens(&self, most: usize, wanted: impl Fn(&Issued) -> bool) -> Vec<Issued> {
        newest(&self.tokens, most, wanted)
    }
}

fn lock<T>(list: &Mutex<VecDeque<T>>) -> MutexGuard<'_, VecDeque<T>> {
    // One push or pop at a time: a poisoned list is still whole.
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

fn push<T>(list: &Mutex<VecDeque<T>>, item: T) {
    let mut list = lock(list);
    if list.len() == KEPT {
        list.pop_front();
    }
    list.push_back(item);
}

fn newest<T: Clone>(list: &Mutex<VecDeque<T>>, most: usize, wanted: impl Fn(&T) -> bool) -> Vec<T> {
    let list = lock(list);
    let found = list.iter().rev().filter(|item| wanted(item));
    found.take(most).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_thousand_are_kept() {
        let list = Mutex::default();
        for number in 0..1500 {
            push(&list, number);
        }
        let found = newest(&list, 2000, |number| number % 2 == 0);
        assert_eq!(found.len(), 500);
        assert_eq!(found.first(), Some(&1498));
        assert_eq!(found.last(), Some(&500));
    }
}
