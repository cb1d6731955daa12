//! Refusals that hyper makes by itself, before there is a request: given the words that every other refusal has.
//!
//! What is no HTTP, has more headers than hyper takes, or a longer request line gets an answer without a body from
//! hyper. It can't be told to answer otherwise, so it is recognised on its way out, exactly as hyper writes it, and a
//! problem document (RFC 9457) goes out in its place.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::app::App;
use crate::frame::{TraceId, secure};
use crate::problem::Problem;

/// What hyper writes in its bare answers, but for the date and the order.
const FIELDS: [&[u8]; 3] = [b"connection: close", b"content-length: 0", b"date: "];
/// They are no longer than this.
const LONGEST: usize = 200;

/// A connection whose bare refusals are given words.
pub(crate) struct Worded<S> {
    inner: S,
    app: App,
    /// What goes out in place of so many bytes.
    instead: Option<(Bytes, usize)>,
}

impl<S> Worded<S> {
    pub(crate) fn new(inner: S, app: App) -> Worded<S> {
        Worded {
            inner,
            app,
            instead: None,
        }
    }
}

impl<S: AsyncWrite + Unpin> Worded<S> {
    /// Writes what goes out in place of a buffer, and says that the buffer was written.
    fn poll_instead(
        &mut self,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Option<Poll<io::Result<usize>>> {
        if self.instead.is_none() {
            let problem = problem(buffer)?;
            self.instead = Some((document(&self.app, &problem), buffer.len()));
        }
        let (bytes, length) = self.instead.as_mut()?;
        while bytes.has_remaining() {
            match Pin::new(&mut self.inner).poll_write(context, bytes) {
                Poll::Ready(Ok(written)) => bytes.advance(written),
                Poll::Ready(Err(error)) => return Some(Poll::Ready(Err(error))),
                Poll::Pending => return Some(Poll::Pending),
            }
        }
        let length = *length;
        self.instead = None;
        Some(Poll::Ready(Ok(length)))
    }
}

/// What is wrong, if this is a bare refusal.
fn problem(written: &[u8]) -> Option<Problem> {
    let head = written
        .strip_prefix(b"HTTP/1.1 4")
        .filter(|_| written.len() <= LONGEST)?
        .strip_suffix(b"\r\n\r\n")?;
    let (status, mut lines) = {
        let mut lines = head.split(|byte| *byte == b'\n');
        (lines.next()?, lines)
    };
    let ours = |line: &[u8]| FIELDS.iter().any(|field| line.starts_with(field));
    if !lines.clone().any(|line| line.starts_with(FIELDS[1])) || !lines.all(ours) {
        return None;
    }
    let (code, detail) = match status.get(..2)? {
        b"00" => ("request.invalid", "the request is not valid HTTP"),
        b"14" => (
            "request.uri_too_long",
            "the request line is longer than any that is read",
        ),
        b"31" => (
            "request.headers_too_large",
            "the request has more headers, or longer ones, than any that are read",
        ),
        _ => return None,
    };
    Some(Problem::new(code, detail))
}

/// The whole answer, as it goes over the wire.
fn document(app: &App, problem: &Problem) -> Bytes {
    let trace_id = TraceId::next();
    let document = serde_json::to_vec(&problem.document(trace_id)).unwrap_or_default();
    let mut headers = http::HeaderMap::new();
    secure(app, &mut headers);
    let status = problem.status();
    let mut answer = format!(
        "HTTP/1.1 {} {}\r\nconnection: close\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default(),
        document.len()
    )
    .into_bytes();
    for (name, value) in &headers {
        answer.extend_from_slice(name.as_str().as_bytes());
        answer.extend_from_slice(b": ");
        answer.extend_from_slice(value.as_bytes());
        answer.extend_from_slice(b"\r\n");
    }
    answer.extend_from_slice(b"\r\n");
    answer.extend_from_slice(&document);
    answer.into()
}

impl<S: AsyncRead + Unpin> AsyncRead for Worded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Worded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.poll_instead(context, buffer) {
            Some(poll) => poll,
            None => Pin::new(&mut self.inner).poll_write(context, buffer),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [only] = buffers
            && let Some(poll) = self.poll_instead(context, only)
        {
            return poll;
        }
        Pin::new(&mut self.inner).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(written: &str) -> Option<String> {
        problem(written.as_bytes()).map(|problem| problem.code().to_owned())
    }

    #[test]
    fn only_what_hyper_writes_by_itself_is_meant() {
        const REST: &str =
            "connection: close\r\ncontent-length: 0\r\ndate: Sun, 01 Mar 2026 12:00:00 GMT\r\n\r\n";
        for (status, expected) in [
            ("400 Bad Request", Some("request.invalid")),
            ("414 URI Too Long", Some("request.uri_too_long")),
            (
                "431 Request Header Fields Too Large",
                Some("request.headers_too_large"),
            ),
            ("404 Not Found", None),
            ("500 Internal Server Error", None),
        ] {
            let written = format!("HTTP/1.1 {status}\r\n{REST}");
            assert_eq!(code(&written).as_deref(), expected, "{status}");
            assert_eq!(code(&format!("{written}x")), None);
            let ours = written.replace("date:", "keyway-version: 1\r\ndate:");
            assert_eq!(code(&ours), None, "an API's own answer");
        }
    }
}
