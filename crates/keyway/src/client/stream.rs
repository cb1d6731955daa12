//! An answer of lines, read as it comes: memory holds one line and what the network has brought.

use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio_util::bytes::{Buf as _, Bytes, BytesMut};

use crate::Exit;
use crate::failure::Failure;

/// The longest line that is taken: an item can't be larger than an answer of an API.
const LINE_LIMIT: usize = 17 * 1024 * 1024;

/// Where the lines come from.
pub(crate) enum Source {
    /// A server.
    Http(Box<reqwest::Response>),
    /// The router of this process.
    Local(http_body_util::combinators::UnsyncBoxBody<Bytes, Failure>),
}

/// The lines of an answer.
pub(crate) struct Lines {
    source: Source,
    taken: BytesMut,
    /// Up to here there is no line end.
    looked: usize,
}

impl Lines {
    pub(super) fn new(source: Source) -> Lines {
        Lines {
            source,
            taken: BytesMut::new(),
            looked: 0,
        }
    }

    /// All the lines that have come by now, at least one, each with its end; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            if let Some(end) = self.taken[self.looked..]
                .iter()
                .rposition(|byte| *byte == b'\n')
            {
                let lines = self.taken.split_to(self.looked + end + 1).freeze();
                self.looked = 0;
                return Ok(Some(lines));
            }
            self.looked = self.taken.len();
            if self.looked > LINE_LIMIT {
                return Err(broken("it has a line of more than 17 MiB"));
            }
            match self.source.piece().await? {
                Some(piece) => self.taken.extend_from_slice(&piece),
                None if self.taken.is_empty() => return Ok(None),
                None => return Err(broken("it ends in the middle of a line")),
            }
        }
    }
}

impl Source {
    /// What comes next; `None` at the end.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, Failure> {
        match self {
            Source::Http(response) => response
                .chunk()
                .await
                .map_err(|error| broken(&super::http::innermost(&error))),
            Source::Local(body) => loop {
                match body.frame().await.transpose()? {
                    None => return Ok(None),
                    Some(frame) => {
                        if let Ok(piece) = frame.into_data()
                            && piece.has_remaining()
                        {
                            return Ok(Some(piece));
                        }
                    }
                }
            },
        }
    }
}

/// An answer that did not come to its end.
pub(super) fn broken(why: &str) -> Failure {
    Failure::new(
        Exit::Upstream,
        "client.answer",
        format!("the server's answer broke off: {why}"),
    )
}

/// A refusal that came in the place of lines.
pub(super) fn refused(status: u16, body: &[u8]) -> Failure {
    Failure::from_answer(status, serde_json::from_slice(body).unwrap_or(Value::Null))
}
