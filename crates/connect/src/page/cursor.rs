//! Where a list goes on: a value that can be stored, and the mark by which a loop is noticed.
//!
//! A loop is found with one remembered address (Brent's method), so a cursor is as small after a
//! million pages as after one: a loop of n pages is noticed before 3 n more were read, and a page
//! that leads to itself at once. Whether an address may be called is not judged here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// Pages without any item, one after the other, that a counting style passes over.
const EMPTY_LIMIT: u32 = 100;
/// Longest cursor that is read back: an address of 8 KiB and the rest.
const LENGTH_LIMIT: usize = 16 * 1024;

/// Where a list goes on. As text it is opaque; as JSON it is that text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct PageCursor(Inner);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inner {
    at: Place,
    /// Pages read before this place.
    pages: u64,
    /// Items delivered before this place.
    items: u64,
    /// Items of this very page that were delivered already.
    skip: u64,
    trail: Trail,
}

/// The place of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Place {
    /// Where the caller's request goes.
    Start,
    /// A link of the API.
    Url(String),
    /// A value of the API.
    Value(String),
    /// A count of ours.
    Number(u64),
}

impl Place {
    /// Stands for an address or value of the API; counts of ours never come again.
    pub(super) fn mark(&self) -> Option<u64> {
        match self {
            Place::Start | Place::Number(_) => None,
            Place::Url(text) | Place::Value(text) => Some(mark(text.as_bytes())),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trail {
    mark: u64,
    power: u64,
    steps: u64,
    /// Pages without items, one after the other.
    empty: u32,
}

impl Trail {
    /// Takes note of the next address; `None` if it was seen before.
    fn step(mut self, mark: u64) -> Option<Trail> {
        if self.power > 0 && mark == self.mark {
            return None;
        }
        self.steps += 1;
        if self.steps >= self.power {
            self.mark = mark;
            self.power = (self.power * 2).max(1);
            self.steps = 0;
        }
        Some(self)
    }
}

/// A text that is no cursor of this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a cursor that Keyway has given")]
pub struct CursorInvalid;

impl PageCursor {
    pub(super) fn start() -> PageCursor {
        PageCursor(Inner {
            at: Place::Start,
            pages: 0,
            items: 0,
            skip: 0,
            trail: Trail::default(),
        })
    }

    /// How many pages were read before this place.
    pub fn pages(&self) -> u64 {
        self.0.pages
    }

    /// How many items were delivered before this place.
    pub fn items(&self) -> u64 {
        self.0.items
    }

    pub(super) fn skip(&self) -> u64 {
        self.0.skip
    }

    pub(super) fn place(&self) -> &Place {
        &self.0.at
    }

    /// The same place once it is asked for; `None` if that would be a loop.
    pub(super) fn step(&self) -> Option<PageCursor> {
        let mut next = self.clone();
        // The rest of a page that was cut is the same page on purpose.
        if let Some(mark) = self.0.at.mark().filter(|_| self.0.skip == 0) {
            next.0.trail = next.0.trail.step(mark)?;
        }
        Some(next)
    }

    /// The first page once its answer is there: its address must not come again either.
    pub(super) fn begun(mut self, mark: u64) -> PageCursor {
        if self.0.at == Place::Start
            && let Some(trail) = self.0.trail.step(mark)
        {
            self.0.trail = trail;
        }
        self
    }

    /// A page of a counting style once its answer is there; `None` if that gets nowhere.
    pub(super) fn counted(mut self, body: &[u8], items: usize) -> Option<PageCursor> {
        if self.0.skip > 0 {
            return Some(self);
        }
        if items == 0 {
            self.0.trail.empty += 1;
            return (self.0.trail.empty <= EMPTY_LIMIT).then_some(self);
        }
        self.0.trail.empty = 0;
        // A server that does not know the parameter answers the same page for ever.
        self.0.trail = self.0.trail.step(mark(body))?;
        Some(self)
    }

    /// The place after this page.
    pub(super) fn to(mut self, at: Place, delivered: u64) -> PageCursor {
        self.0.at = at;
        self.0.pages += 1;
        self.0.items += delivered;
        self.0.skip = 0;
        self
    }

    /// The rest of this page.
    pub(super) fn within(mut self, skip: u64, delivered: u64) -> PageCursor {
        self.0.skip = skip;
        self.0.items += delivered;
        self
    }

    /// Reads a cursor back.
    pub fn parse(text: &str) -> Result<PageCursor, CursorInvalid> {
        if text.len() > LENGTH_LIMIT {
            return Err(CursorInvalid);
        }
        let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| CursorInvalid)?;
        serde_json::from_slice(&json)
            .map(PageCursor)
            .map_err(|_| CursorInvalid)
    }
}

impl std::fmt::Display for PageCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let json = serde_json::to_vec(&self.0).expect("plain texts and numbers");
        f.write_str(&URL_SAFE_NO_PAD.encode(json))
    }
}

impl From<PageCursor> for String {
    fn from(cursor: PageCursor) -> String {
        cursor.to_string()
    }
}

impl TryFrom<String> for PageCursor {
    type Error = CursorInvalid;

    fn try_from(text: String) -> Result<PageCursor, CursorInvalid> {
        PageCursor::parse(&text)
    }
}

/// Sixty-four bits that stand for an address; the same in every release, because cursors are stored.
pub(super) fn mark(bytes: &[u8]) -> u64 {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let mut first = [0; 8];
    first.copy_from_slice(&digest.as_ref()[..8]);
    // As JSON a number must survive every reader of cursors.
    u64::from_be_bytes(first) >> 11
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks addresses until the trail notices; answers how many steps that took.
    fn noticed(addresses: impl Iterator<Item = u64>) -> Option<usize> {
        let mut trail = Trail::default();
        for (at, address) in addresses.enumerate() {
            match trail.step(mark(&address.to_be_bytes())) {
                Some(next) => trail = next,
                None => return Some(at),
            }
        }
        None
    }

    #[test]
    fn every_loop_is_noticed_and_nothing_else() {
        assert_eq!(noticed(0..10_000), None);
        assert_eq!(noticed(std::iter::repeat(7)), Some(1), "itself, at once");
        for before in [0_u64, 1, 5, 100] {
            for length in [1_u64, 2, 3, 7, 64, 100] {
                let walk = (0..before).chain((0..length).cycle().map(|at| 1_000 + at));
                let at = noticed(walk).unwrap();
                let bound = usize::try_from(3 * (before + length) + 2).unwrap();
                assert!(at <= bound, "{before} {length}: {at}");
            }
        }
    }

    #[test]
    fn a_cursor_survives_being_stored() {
        let cursor = PageCursor::start()
            .to(
                Place::Url("https://api.contoso.example/users?$skiptoken=ä".to_owned()),
                999,
            )
            .step()
            .unwrap()
            .within(5, 5);
        let text = cursor.to_string();
        assert!(
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        );
        assert_eq!(PageCursor::parse(&text), Ok(cursor.clone()));
        let json = serde_json::to_string(&cursor).unwrap();
        assert_eq!(json, format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<PageCursor>(&json).unwrap(), cursor);
        assert_eq!(
            (cursor.pages(), cursor.items(), cursor.skip()),
            (1, 1_004, 5)
        );
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        let good = PageCursor::start().to_string();
        let at = |length: usize| PageCursor::parse(&"A".repeat(length));
        assert_eq!(PageCursor::parse(&good[1..]), Err(CursorInvalid));
        assert_eq!(PageCursor::parse(""), Err(CursorInvalid));
        assert_eq!(PageCursor::parse("%%"), Err(CursorInvalid));
        assert_eq!(PageCursor::parse("e30"), Err(CursorInvalid));
        assert_eq!(at(LENGTH_LIMIT), Err(CursorInvalid));
        assert_eq!(at(LENGTH_LIMIT + 1), Err(CursorInvalid));
        // as long as an address may be, and a little
        let long = PageCursor::start().to(
            Place::Url(format!("https://a.example/{}", "x".repeat(8_100))),
            1,
        );
        assert_eq!(PageCursor::parse(&long.to_string()), Ok(long));
    }
}
