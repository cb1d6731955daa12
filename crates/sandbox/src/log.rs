//! The request log: append-only, with one global sequence, in memory.
//!
//! Entries are compact and kept in chunks, so that a million of them cost neither a copy nor
//! much room. Requests of `/sandbox/*` and `/portal` are not in it: it counts what clients do. Nor
//! are queries, bodies or tokens.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

use crate::guid::Guid;

const CHUNK: usize = 4096;

/// What was learned about a request while it was answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Note {
    pub(crate) client_id: Option<String>,
    pub(crate) grant_type: Option<String>,
    /// The claims that a token request asks for; they are no secret.
    pub(crate) claims: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) token_fingerprint: Option<u64>,
}

/// One finished request.
pub(crate) struct Finished {
    pub(crate) time: Timestamp,
    pub(crate) method: http::Method,
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) request_id: Guid,
    pub(crate) duration_us: u64,
    pub(crate) note: Note,
}

struct Entry {
    time: Timestamp,
    method: http::Method,
    path: Arc<str>,
    status: u16,
    client_id: Option<Arc<str>>,
    grant_type: Option<Arc<str>>,
    claims: Option<Arc<str>>,
    user: Option<Arc<str>>,
    request_id: Guid,
    duration_us: u64,
    token_fingerprint: Option<u64>,
}

/// A request as it is told.
#[derive(Serialize)]
pub(crate) struct Line<'a> {
    pub(crate) seq: usize,
    pub(crate) time: Timestamp,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) status: u16,
    pub(crate) client_id: Option<&'a str>,
    pub(crate) grant_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) claims: Option<&'a str>,
    pub(crate) user: Option<&'a str>,
    pub(crate) request_id: Guid,
    pub(crate) duration_us: u64,
    pub(crate) token_fingerprint: Option<String>,
}

#[derive(Default)]
struct Entries {
    chunks: Vec<Vec<Entry>>,
    texts: HashSet<Arc<str>>,
}

/// The log.
#[derive(Default)]
pub(crate) struct Log {
    entries: Mutex<Entries>,
}

impl Log {
    /// Appends a request and gives it the next number.
    pub(crate) fn append(&self, finished: Finished) {
        let mut entries = self.lock();
        let entry = Entry {
            time: finished.time,
            method: finished.method,
            path: entries.intern(finished.path),
            status: finished.status,
            client_id: finished.note.client_id.map(|text| entries.intern(text)),
            grant_type: finished.note.grant_type.map(|text| entries.intern(text)),
            claims: finished.note.claims.map(|text| entries.intern(text)),
            user: finished.note.user.map(|text| entries.intern(text)),
            request_id: finished.request_id,
            duration_us: finished.duration_us,
            token_fingerprint: finished.note.token_fingerprint,
        };
        match entries.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push(entry),
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(entry);
                entries.chunks.push(chunk);
            }
        }
    }

    /// The number of the newest request.
    pub(crate) fn last(&self) -> usize {
        let entries = self.lock();
        let full = entries.chunks.len().saturating_sub(1) * CHUNK;
        full + entries.chunks.last().map_or(0, Vec::len)
    }

    /// JSON lines of the requests `from..=to`, at most one chunk; and where to go on.
    pub(crate) fn lines(&self, from: usize, to: usize) -> (Vec<u8>, usize) {
        let entries = self.lock();
        let mut text = Vec::new();
        let start = from.max(1);
        let Some(chunk) = entries.chunks.get((start - 1) / CHUNK) else {
            return (text, to + 1);
        };
        let first = (start - 1) % CHUNK;
        let mut seq = start;
        for entry in &chunk[first.min(chunk.len())..] {
            if seq > to {
                break;
            }
            serde_json::to_writer(&mut text, &entry.line(seq)).expect("lines are plain structs");
            text.push(b'\n');
            seq += 1;
        }
        (text, seq)
    }

    /// What is wanted of the newest requests, newest first: at most `most` of them, and nothing
    /// older than the newest hundred thousand.
    pub(crate) fn newest<T>(&self, most: usize, wanted: impl Fn(&Line<'_>) -> Option<T>) -> Vec<T> {
        const SCANNED: usize = 100_000;
        let entries = self.lock();
        let full = entries.chunks.len().saturating_sub(1) * CHUNK;
        let last = full + entries.chunks.last().map_or(0, Vec::len);
        let newest = entries
            .chunks
            .iter()
            .rev()
            .flat_map(|chunk| chunk.iter().rev());
        newest
            .take(SCANNED)
            .enumerate()
            .filter_map(|(age, entry)| wanted(&entry.line(last - age)))
            .take(most)
            .collect()
    }

    /// One request by its number.
    pub(crate) fn one<T>(&self, seq: usize, told: impl Fn(&Line<'_>) -> T) -> Option<T> {
        let entries = self.lock();
        let index = seq.checked_sub(1)?;
        let entry = entries.chunks.get(index / CHUNK)?.get(index % CHUNK)?;
        Some(told(&entry.line(seq)))
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // Appending is one push: a poisoned log is still whole.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    /// Texts repeat (paths, clients, users) and are kept once, up to a limit.
    fn intern(&mut self, text: String) -> Arc<str> {
        const MOST: usize = 100_000;
        if let Some(known) = self.texts.get(text.as_str()) {
            return Arc::clone(known);
        }
        let text: Arc<str> = text.into();
        if self.texts.len() < MOST {
            self.texts.insert(Arc::clone(&text));
        }
        text
    }
}

impl Entry {
    fn line(&self, seq: usize) -> Line<'_> {
        Line {
            seq,
            time: self.time,
            method: self.method.as_str(),
            path: &self.path,
            status: self.status,
            client_id: self.client_id.as_deref(),
            grant_type: self.grant_type.as_deref(),
            claims: self.claims.as_deref(),
            user: self.user.as_deref(),
            request_id: self.request_id,
            duration_us: self.duration_us,
            token_fingerprint: self.token_fingerprint.map(|bits| format!("{bits:016x}")),
        }
    }
}

/// The fingerprint of an access token: enough to tell tokens apart, useless as one.
pub(crate) fn fingerprint(token: &str) -> u64 {
    let digest = crate::seal::sha256(token.as_bytes());
    digest[..8]
        .iter()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_entries_come_back_in_order() {
        let log = Log::default();
        let count = 1_000_000;
        for number in 0..count {
            log.append(Finished {
                time: Timestamp::UNIX_EPOCH,
                method: http::Method::GET,
                path: format!("/v1.0/users/{}", number % 10),
                status: 200,
                request_id: Guid::well_known(1),
                duration_us: 5,
                note: Note::default(),
            });
        }
        assert_eq!(log.last(), count);
        let (text, next) = log.lines(4097, 4098);
        assert_eq!(next, 4099);
        let text = String::from_utf8(text).unwrap();
        let line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(line["seq"], 4097);
        assert_eq!(line["path"], "/v1.0/users/6");
        assert_eq!(line["client_id"], serde_json::Value::Null);
        assert_eq!(text.lines().count(), 2);
        let newest = log.newest(2, |line| (line.path == "/v1.0/users/6").then_some(line.seq));
        assert_eq!(newest, [999_997, 999_987]);
        assert_eq!(
            log.one(4097, |line| line.path.to_owned()).as_deref(),
            Some("/v1.0/users/6")
        );
        assert_eq!(
            (log.one(0, |_| ()), log.one(count + 1, |_| ())),
            (None, None)
        );
        let (rest, next) = log.lines(count, count);
        assert!(rest.starts_with(b"{\"seq\":1000000,"));
        assert_eq!(next, count + 1);
    }
}
