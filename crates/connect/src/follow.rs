//! One request with the redirects that follow from it.
//!
//! Redirects are followed only when that is asked for, at most five, and with a credential on one origin only.
//! The credential is put on each request here, after the caller has judged the first URL's origin.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use store::Origin;
use tokio::time::Instant;
use url::Url;

use crate::credential::Credential;
use crate::fetched::Answer;
use crate::http::{
    CALL_BODY_LIMIT, Certificates, Http, Incoming, Limits, Outgoing, SendError, host_of,
};
use crate::message::Redirects;

/// How many redirects are followed, if any.
const REDIRECT_LIMIT: u32 = 5;

/// How a request is sent, and how far its redirects may lead.
pub(crate) struct Way<'a> {
    pub(crate) credential: &'a Credential,
    pub(crate) token: Option<&'a HeaderValue>,
    pub(crate) trust: &'a Certificates,
    pub(crate) redirects: Redirects,
    pub(crate) bounds: Bounds<'a>,
    pub(crate) deadline: Instant,
}

/// Where a redirect may lead if there is no credential to protect.
#[derive(Clone, Copy)]
pub(crate) enum Bounds<'a> {
    /// To these origins.
    Origins(&'a [Origin]),
    /// Wherever the egress guard lets it.
    Anywhere,
}

/// Why there is no answer.
pub(crate) enum Stopped {
    Failed(SendError),
    /// A redirect to a host was not followed.
    Blocked {
        host: String,
        why: &'static str,
    },
}

impl Http {
    /// Sends a request and follows its redirects as it was asked; the last answer is the answer.
    pub(crate) async fn follow(&self, way: &Way<'_>, first: Outgoing) -> Result<Answer, Stopped> {
        let home = Origin::of(&first.url);
        let mut next = first;
        let mut followed = 0;
        loop {
            let mut outgoing = next.clone();
            way.credential
                .attach(way.token, &mut outgoing.url, &mut outgoing.headers);
            let limits = Limits {
                total: way
                    .deadline
                    .saturating_duration_since(Instant::now())
                    .max(Duration::from_millis(1)),
                body: CALL_BODY_LIMIT,
            };
            let incoming = self
                .exchange(way.trust, outgoing, limits)
                .await
                .map_err(Stopped::Failed)?;
            let target = match way.redirects {
                Redirects::Follow => location(&incoming, &next.url),
                Redirects::Show => None,
            };
            let Some(target) = target else {
                return Ok(Answer {
                    incoming,
                    url: next.url,
                });
            };
            if let Some(why) = way.objection(&target, followed, home.as_ref()) {
                return Err(Stopped::Blocked {
                    host: host_of(&target),
                    why,
                });
            }
            followed += 1;
            next = redirected(next, incoming.status, target);
        }
    }
}

impl Way<'_> {
    /// What speaks against following a redirect.
    fn objection(&self, to: &Url, followed: u32, home: Option<&Origin>) -> Option<&'static str> {
        if followed >= REDIRECT_LIMIT {
            return Some("there were more than five in a row");
        }
        let to = Origin::of(to);
        if to.as_ref() == home {
            return None;
        }
        if !self.credential.is_none() {
            return Some("the credential must not go to another origin");
        }
        match self.bounds {
            Bounds::Origins(origins)
                if !origins.iter().any(|origin| Some(origin) == to.as_ref()) =>
            {
                Some("it is not one of the connection's origins")
            }
            Bounds::Origins(_) | Bounds::Anywhere => None,
        }
    }
}

/// Where an answer redirects to, if it does.
fn location(incoming: &Incoming, from: &Url) -> Option<Url> {
    if !matches!(incoming.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let to = incoming.headers.get(header::LOCATION)?.to_str().ok()?;
    let mut to = from.join(to).ok()?;
    to.set_fragment(None);
    Some(to)
}

/// The request that follows a redirect (RFC 9110 §15.4): 307 and 308 keep method and body.
fn redirected(mut request: Outgoing, status: StatusCode, target: Url) -> Outgoing {
    request.url = target;
    let keeps = matches!(status.as_u16(), 307 | 308)
        || matches!(request.method, Method::GET | Method::HEAD);
    if !keeps {
        request.method = Method::GET;
        request.body = Bytes::new();
        request.headers.remove(header::CONTENT_TYPE);
    }
    request
}
