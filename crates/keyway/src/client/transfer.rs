//! Bodies of any size on their way through `/proxy`: read from files as they are sent, and given out as they come.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, Method};
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio_util::bytes::{Bytes, BytesMut};
use tokio_util::io::poll_read_buf;

use super::stream::Source;
use crate::Exit;
use crate::failure::Failure;

/// How much of a file is read at once.
const PIECE: usize = 64 * 1024;

/// A request to pass through.
pub(crate) struct Transfer {
    pub(crate) method: Method,
    /// Below `/proxy`, with its query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Upload,
}

/// What an API answered, its body still on the way.
pub(crate) struct Transferred {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Source,
}

/// A piece of a body, before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Bytes(Bytes),
    File(PathBuf),
    Stdin,
}

impl Content {
    /// What stands at a place given on the command line: a file, or stdin for `-`.
    pub(crate) fn at(place: &str) -> Content {
        match place {
            "-" => Content::Stdin,
            path => Content::File(path.into()),
        }
    }
}

/// A body that is read while it is sent; its length is known unless it comes from a pipe.
#[derive(Default)]
pub(crate) struct Upload {
    parts: VecDeque<Part>,
    left: Option<u64>,
}

enum Part {
    Bytes(Bytes),
    Read(Box<dyn AsyncRead + Send + Sync + Unpin>),
}

impl Upload {
    /// Opens what is to be sent.
    pub(crate) async fn open(contents: &[Content]) -> Result<Upload, Failure> {
        let mut upload = Upload {
            parts: VecDeque::with_capacity(contents.len()),
            left: Some(0),
        };
        for content in contents {
            let (part, length) = match content {
                Content::Bytes(bytes) => (Part::Bytes(bytes.clone()), Some(bytes.len() as u64)),
                Content::Stdin => (Part::Read(Box::new(tokio::io::stdin())), None),
                Content::File(path) => {
                    let (file, length) = open(path).await.map_err(|error| {
                        Failure::new(
                            Exit::Invalid,
                            "body.unreadable",
                            format!("{} cannot be read: {error}", path.display()),
                        )
                    })?;
                    // A file that grows while it is sent is sent as long as it was.
                    (Part::Read(Box::new(file.take(length))), Some(length))
                }
            };
            upload.parts.push_back(part);
            upload.left = upload.left.zip(length).map(|(sum, length)| sum + length);
        }
        Ok(upload)
    }
}

async fn open(path: &Path) -> io::Result<(tokio::fs::File, u64)> {
    let file = tokio::fs::File::open(path).await?;
    let about = file.metadata().await?;
    if about.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok((file, about.len()))
}

impl Body for Upload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let Upload { parts, left } = self.get_mut();
        loop {
            let bytes = match parts.front_mut() {
                None if left.is_some_and(|left| left > 0) => {
                    *left = None;
                    let shorter = "a file became shorter while it was sent";
                    return Poll::Ready(Some(Err(io::Error::other(shorter))));
                }
                None => return Poll::Ready(None),
                Some(Part::Bytes(bytes)) => {
                    let bytes = std::mem::take(bytes);
                    parts.pop_front();
                    bytes
                }
                Some(Part::Read(reader)) => {
                    let mut bytes = BytesMut::with_capacity(PIECE);
                    let read = ready!(poll_read_buf(Pin::new(reader), context, &mut bytes))?;
                    if read == 0 {
                        parts.pop_front();
                    }
                    bytes.freeze()
                }
            };
            if !bytes.is_empty() {
                if let Some(left) = left {
                    *left = left.saturating_sub(bytes.len() as u64);
                }
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.parts.is_empty() && self.left.is_none_or(|left| left == 0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn what_is_sent_is_what_was_there_with_its_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, vec![b'x'; PIECE + 1]).unwrap();
        let contents = [
            Content::Bytes(Bytes::from_static(b"before ")),
            Content::File(path.clone()),
            Content::Bytes(Bytes::from_static(b" after")),
        ];
        let upload = Upload::open(&contents).await.unwrap();
        assert_eq!(upload.size_hint().exact(), Some(PIECE as u64 + 14));
        std::fs::write(&path, vec![b'x'; PIECE + 2]).unwrap();
        let sent = upload.collect().await.unwrap().to_bytes();
        assert_eq!(sent.len(), PIECE + 14, "a file that grew ends where it did");
        assert!(sent.starts_with(b"before x") && sent.ends_with(b"x after"));
        let upload = Upload::open(&contents).await.unwrap();
        std::fs::write(&path, "x").unwrap();
        assert!(upload.collect().await.is_err(), "a file that shrank");
        assert!(Upload::default().is_end_stream());
        for missing in [folder.path().to_owned(), folder.path().join("none")] {
            let refused = Upload::open(&[Content::File(missing)]).await.err();
            assert_eq!(refused.unwrap().code(), "body.unreadable");
        }
    }
}
