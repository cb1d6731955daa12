//! One request with the redirects that follow from it.
//!
//! Redirects are followed only when that is asked for, at most five, and with a credential on one origin only.
//! The credential is put on each request here, after the caller has judged the first URL's origin. With digest
//! authentication each request goes out bare first, and again with the answer to the challenge that it got.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use store::Origin;
use tokio::time::Instant;
use url::{Position, Url};

use crate::credential::{Credential, redact_bytes};
use crate::digest::{Answer as Proof, Challenge, Login, client_nonce};
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
    /// Until the head of each answer has arrived; `None`: as the room is told.
    pub(crate) first_byte: Option<Duration>,
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
    /// A host asks for a proof that can't be given.
    Unanswerable {
        host: String,
        why: String,
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
            let incoming = match way.credential {
                Credential::Digest(login) => self.challenged(way, login, &outgoing).await?,
                _ => self.once(way, outgoing).await?,
            };
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

    async fn once(&self, way: &Way<'_>, outgoing: Outgoing) -> Result<Incoming, Stopped> {
        let limits = Limits {
            total: way
                .deadline
                .saturating_duration_since(Instant::now())
                .max(Duration::from_millis(1)),
            first_byte: way.first_byte,
            body: CALL_BODY_LIMIT,
        };
        let exchanged = self.exchange(way.trust, outgoing, limits).await;
        exchanged.map_err(Stopped::Failed)
    }

    /// Sends a request without proof, in whole, since nobody knows that the server wants one; it says so with a 401, having
    /// done nothing. The request with the answer follows, and one more if the nonce was too old by then.
    async fn challenged(
        &self,
        way: &Way<'_>,
        login: &Login,
        bare: &Outgoing,
    ) -> Result<Incoming, Stopped> {
        let mut incoming = self.once(way, bare.clone()).await?;
        for answered in 0..2 {
            if incoming.status != StatusCode::UNAUTHORIZED {
                break;
            }
            let challenge = match Challenge::choose(&incoming.headers) {
                Ok(challenge) if answered == 0 || challenge.stale => challenge,
                Err(why) if answered == 0 => {
                    return Err(Stopped::Unanswerable {
                        host: host_of(&bare.url),
                        why,
                    });
                }
                // The answer was refused: whoever called is told so by the server itself.
                Ok(_) | Err(_) => break,
            };
            let target = &bare.url[Position::BeforePath..Position::AfterQuery];
            let proof = challenge.answer(login, (&bare.method, target), &client_nonce());
            let mut outgoing = bare.clone();
            outgoing
                .headers
                .insert(header::AUTHORIZATION, proof.header.clone());
            incoming = proof.kept_out_of(self.once(way, outgoing).await?);
        }
        Ok(incoming)
    }
}

impl Proof {
    /// An answer that may echo the proof, without it: it is as good as a hash of the password.
    fn kept_out_of(&self, mut incoming: Incoming) -> Incoming {
        let proof = [&self.proof];
        incoming.body = redact_bytes(incoming.body, &proof);
        for value in incoming.headers.values_mut() {
            let clean = redact_bytes(Bytes::copy_from_slice(value.as_bytes()), &proof);
            if let Ok(clean) = HeaderValue::from_maybe_shared(clean) {
                *value = clean;
            }
        }
        incoming
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
