//! Server-sent events as our server writes them: `event:` and `data:` lines, a comment now and then, an empty line after each.

use serde_json::Value;
use tokio_util::bytes::Bytes;

use super::stream::{Lines, broken};
use crate::failure::Failure;

/// One event.
#[derive(Debug, PartialEq)]
pub(super) struct Event {
    pub(super) name: String,
    pub(super) data: Value,
}

/// The events of an answer. What was read of one stays read when `next` is dropped.
pub(super) struct Events {
    lines: Lines,
    left: Bytes,
    name: String,
    data: Option<Value>,
}

impl Events {
    pub(super) fn new(lines: Lines) -> Events {
        Events {
            lines,
            left: Bytes::new(),
            name: String::new(),
            data: None,
        }
    }

    /// The next event, or `Comment` when the server only says that it is there; `None` after the last.
    pub(super) async fn next(&mut self) -> Result<Option<Said>, Failure> {
        loop {
            while let Some(end) = self.left.iter().position(|byte| *byte == b'\n') {
                let line = self.left.split_to(end + 1);
                if let Some(said) = self.take(&line[..end])? {
                    return Ok(Some(said));
                }
            }
            match self.lines.next().await? {
                Some(lines) => self.left = lines,
                None => return Ok(None),
            }
        }
    }

    fn take(&mut self, line: &[u8]) -> Result<Option<Said>, Failure> {
        if let Some(name) = line.strip_prefix(b"event: ") {
            self.name = String::from_utf8_lossy(name).into_owned();
        } else if let Some(data) = line.strip_prefix(b"data: ") {
            let data = serde_json::from_slice(data);
            self.data = Some(data.map_err(|error| broken(&error.to_string()))?);
        } else if line.starts_with(b":") {
            return Ok(Some(Said::Comment));
        } else if line.is_empty() {
            let name = std::mem::take(&mut self.name);
            let event = self.data.take().map(|data| Event { name, data });
            return Ok(event.map(Said::Event));
        }
        Ok(None)
    }
}

/// What a server said.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    Event(Event),
    Comment,
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, Full};
    use serde_json::json;

    use super::super::stream::Source;
    use super::*;

    #[tokio::test]
    async fn events_come_one_by_one_and_comments_too() {
        let text = "event: run\ndata: {\"a\": \"x\"}\n\n:\n\nevent: end\ndata: 1\n\n";
        let body = Full::new(Bytes::from(text)).map_err(|never| match never {});
        let mut events = Events::new(Lines::new(Source::Local(body.boxed_unsync())));
        let event = |name: &str, data| {
            let name = name.to_owned();
            Some(Said::Event(Event { name, data }))
        };
        assert_eq!(
            events.next().await.unwrap(),
            event("run", json!({ "a": "x" }))
        );
        assert_eq!(events.next().await.unwrap(), Some(Said::Comment));
        assert_eq!(events.next().await.unwrap(), event("end", json!(1)));
        assert_eq!(events.next().await.unwrap(), None);
    }
}
