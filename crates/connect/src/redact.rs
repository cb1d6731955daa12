//! Secrets taken out of a body while it passes through, piece by piece and without changing its length.
//!
//! A piece without a secret is passed on as it is, not copied. What might be the beginning of one at the end of a
//! piece is held back until the next piece says more. Each byte of a secret becomes an asterisk, so that the
//! announced length stays true. Compressed bodies can't be looked into: whoever streams asks for none (`forward.rs`).

use bytes::{Bytes, BytesMut};
use memchr::memmem::Finder;
use oauth::Secret;

/// So much of a secret is searched for; only where it occurs is the rest compared.
const HEAD: usize = 16;
/// What takes the place of each byte.
const MASK: u8 = b'*';

/// Looks for a connection's secrets.
pub(crate) struct Redactor {
    needles: Vec<Needle>,
    /// The end of what came so far, if it may be the beginning of a secret.
    held: BytesMut,
}

struct Needle {
    whole: Box<[u8]>,
    head: Finder<'static>,
}

/// Where a secret is, or may be beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Whole(usize, usize),
    Begun(usize),
}

impl Redactor {
    /// `None` if there is nothing to look for.
    pub(crate) fn new(secrets: &[&Secret]) -> Option<Redactor> {
        if secrets.is_empty() {
            return None;
        }
        let needles = secrets.iter().map(|secret| {
            let whole = secret.expose().as_bytes();
            Needle {
                head: Finder::new(&whole[..whole.len().min(HEAD)]).into_owned(),
                whole: whole.into(),
            }
        });
        Some(Redactor {
            needles: needles.collect(),
            held: BytesMut::new(),
        })
    }

    /// Takes a piece in and gives out what is sure, which may be nothing yet.
    pub(crate) fn push(&mut self, piece: Bytes) -> Bytes {
        let piece = if self.held.is_empty() {
            piece
        } else {
            let mut joined = std::mem::take(&mut self.held);
            joined.extend_from_slice(&piece);
            joined.freeze()
        };
        match self.find(&piece, 0) {
            None => piece,
            Some(Found::Begun(at)) => {
                self.held = BytesMut::from(&piece[at..]);
                piece.slice(..at)
            }
            Some(Found::Whole(..)) => self.masked(&piece),
        }
    }

    /// Whether nothing is held back.
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// How many bytes are held back.
    pub(crate) fn held(&self) -> u64 {
        self.held.len() as u64
    }

    /// What was held back and turned out to be no beginning: the body has ended.
    pub(crate) fn finish(&mut self) -> Bytes {
        let mut held = std::mem::take(&mut self.held);
        for needle in &self.needles {
            // Behind the beginning of one secret there may be the whole of another.
            let length = needle.whole.len();
            while let Some(at) = held.windows(length).position(|part| *part == *needle.whole) {
                held[at..at + length].fill(MASK);
            }
        }
        held.freeze()
    }

    fn masked(&mut self, piece: &[u8]) -> Bytes {
        let mut clean = BytesMut::from(piece);
        let mut from = 0;
        while let Some(found) = self.find(&clean, from) {
            match found {
                Found::Whole(at, length) => {
                    clean[at..at + length].fill(MASK);
                    from = at + length;
                }
                Found::Begun(at) => {
                    self.held = clean.split_off(at);
                    break;
                }
            }
        }
        clean.freeze()
    }

    /// The first secret, or beginning of one, from a place on.
    fn find(&self, hay: &[u8], from: usize) -> Option<Found> {
        self.needles
            .iter()
            .filter_map(|needle| needle.find(hay, from))
            .min_by_key(|found| match found {
                Found::Whole(at, _) | Found::Begun(at) => *at,
            })
    }
}

impl Needle {
    fn find(&self, hay: &[u8], from: usize) -> Option<Found> {
        let mut start = from;
        while let Some(at) = self.head.find(&hay[start..]) {
            let at = start + at;
            let rest = &hay[at..];
            if rest.starts_with(&self.whole) {
                return Some(Found::Whole(at, self.whole.len()));
            }
            if self.whole.starts_with(rest) {
                return Some(Found::Begun(at));
            }
            start = at + 1;
        }
        // The head itself may be cut off by the end.
        let tail = hay.len().saturating_sub(self.head.needle().len() - 1);
        (tail.max(from)..hay.len())
            .find(|at| self.whole.starts_with(&hay[*at..]))
            .map(Found::Begun)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn passed(secrets: &[&str], pieces: &[&[u8]]) -> Vec<u8> {
        let secrets: Vec<Secret> = secrets.iter().map(|text| Secret::new(*text)).collect();
        let secrets: Vec<&Secret> = secrets.iter().collect();
        let mut redactor = Redactor::new(&secrets).unwrap();
        let mut out = Vec::new();
        for piece in pieces {
            out.extend_from_slice(&redactor.push(Bytes::copy_from_slice(piece)));
        }
        out.extend_from_slice(&redactor.finish());
        assert!(redactor.is_empty());
        out
    }

    #[test]
    fn secrets_become_asterisks_wherever_pieces_end() {
        let secret = "fake-token-0123456789-abcdef";
        let text = format!("a {secret}, fake-token-0123 and {secret}{secret}fake");
        let stars = "*".repeat(secret.len());
        let expected = format!("a {stars}, fake-token-0123 and {stars}{stars}fake");
        for size in 1..text.len() {
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            let out = passed(&[secret], &pieces);
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{size}");
        }
    }

    #[test]
    fn a_piece_without_a_secret_is_not_copied() {
        let secret = Secret::new("fake-token-0123456789");
        let mut redactor = Redactor::new(&[&secret]).unwrap();
        let piece = Bytes::from_static(b"nothing here");
        assert_eq!(redactor.push(piece.clone()).as_ptr(), piece.as_ptr());
        assert!(Redactor::new(&[]).is_none());
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_of_a_secret_stays(
            text in "[ab]{0,60}", first in "[ab]{8,20}", second in "[ab]{8,20}", size in 1_usize..9,
        ) {
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            let out = passed(&[&first, &second], &pieces);
            let out = String::from_utf8(out).unwrap();
            prop_assert_eq!(out.len(), text.len());
            prop_assert!(!out.contains(&first) && !out.contains(&second));
            for (was, is) in text.chars().zip(out.chars()) {
                prop_assert!(is == was || is == '*');
            }
            if !text.contains(&first) && !text.contains(&second) {
                prop_assert_eq!(out, text);
            }
        }
    }
}
