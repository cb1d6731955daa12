//! Bodies on their way through: piece by piece, without our secrets, and small ones kept for a second time.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use super::BoxError;
use crate::redact::Redactor;
use crate::upstream::AnswerBody;

/// Request bodies up to this size are kept, so that they can be sent again after a renewal.
const REPLAYED: u64 = 64 * 1024;

/// A body that passes through.
pub struct StreamBody(Inner);

enum Inner {
    Whole(Option<Bytes>),
    Boxed(UnsyncBoxBody<Bytes, BoxError>, Arc<Progress>),
    Answer(AnswerBody, Option<Box<Redactor>>),
}

/// When a streamed body has last moved: as long as it does, nobody waits for an answer yet.
#[derive(Debug, Default)]
pub(crate) struct Progress(Mutex<Option<Instant>>);

impl Progress {
    fn moved(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    pub(crate) fn last(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StreamBody {
    /// No body.
    pub fn empty() -> StreamBody {
        StreamBody(Inner::Whole(None))
    }

    /// Passes a body on piece by piece; its size hint is kept.
    pub fn new<B>(body: B) -> StreamBody
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if body.is_end_stream() {
            return StreamBody::empty();
        }
        let body = body.map_err(Into::into).boxed_unsync();
        StreamBody(Inner::Boxed(body, Arc::default()))
    }

    /// What the other side answers, perhaps searched for our secrets.
    pub(super) fn answer(body: AnswerBody, redactor: Option<Box<Redactor>>) -> StreamBody {
        StreamBody(Inner::Answer(body, redactor))
    }

    /// How far a body is that has to be waited for.
    pub(crate) fn progress(&self) -> Option<Arc<Progress>> {
        match &self.0 {
            Inner::Boxed(_, progress) => Some(Arc::clone(progress)),
            Inner::Whole(_) | Inner::Answer(..) => None,
        }
    }

    /// Takes small bodies in, so that they can be sent twice.
    pub(super) async fn settled(self) -> Result<StreamBody, BoxError> {
        if self.is_end_stream() {
            return Ok(StreamBody::empty());
        }
        if self
            .size_hint()
            .upper()
            .is_none_or(|upper| upper > REPLAYED)
        {
            return Ok(self);
        }
        let bytes = self.collect().await?.to_bytes();
        Ok(StreamBody(Inner::Whole(Some(bytes))))
    }

    /// The same body again, if it was taken in.
    pub(super) fn again(&self) -> Option<StreamBody> {
        match &self.0 {
            Inner::Whole(bytes) => Some(StreamBody(Inner::Whole(bytes.clone()))),
            Inner::Boxed(..) | Inner::Answer(..) => None,
        }
    }
}

impl Body for StreamBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.0 {
            Inner::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Inner::Boxed(body, progress) => {
                let frame = Pin::new(body).poll_frame(context);
                if frame.is_ready() {
                    progress.moved();
                }
                frame
            }
            Inner::Answer(body, None) => Pin::new(body)
                .poll_frame(context)
                .map(|frame| frame.map(|frame| frame.map_err(Into::into))),
            Inner::Answer(body, Some(redactor)) => poll_redacted(body, redactor, context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Inner::Whole(bytes) => bytes.is_none(),
            Inner::Boxed(body, _) => body.is_end_stream(),
            Inner::Answer(body, redactor) => {
                body.is_end_stream() && redactor.as_ref().is_none_or(|redactor| redactor.is_empty())
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64))
            }
            Inner::Boxed(body, _) => body.size_hint(),
            Inner::Answer(body, redactor) => {
                let held = redactor.as_ref().map_or(0, |redactor| redactor.held());
                longer(&body.size_hint(), held)
            }
        }
    }
}

/// The next piece of an answer without our secrets; pieces that are held back as a whole are not given out.
fn poll_redacted(
    body: &mut AnswerBody,
    redactor: &mut Redactor,
    context: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
    loop {
        let frame = match ready!(Pin::new(&mut *body).poll_frame(context)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
            None if redactor.is_empty() => return Poll::Ready(None),
            None => return Poll::Ready(Some(Ok(Frame::data(redactor.finish())))),
        };
        let mut piece = match frame.into_data() {
            Ok(piece) => redactor.push(piece),
            // No more data comes after trailers; those after a held piece are given up for it.
            Err(trailers) if redactor.is_empty() => return Poll::Ready(Some(Ok(trailers))),
            Err(_) => redactor.finish(),
        };
        if piece.is_empty() && body.is_end_stream() {
            piece = redactor.finish();
        }
        if !piece.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
    }
}

/// What is still to come, with what is held back.
fn longer(hint: &SizeHint, by: u64) -> SizeHint {
    let mut longer = SizeHint::new();
    longer.set_lower(hint.lower() + by);
    if let Some(upper) = hint.upper() {
        longer.set_upper(upper + by);
    }
    longer
}
