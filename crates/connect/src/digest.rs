//! Digest authentication (RFC 7616): the challenges of a 401, and the answer to one of them.
//!
//! Values in, values out; `follow.rs` sends. Each nonce is answered once, so its count is always 1. Left out are
//! `auth-int`, the server's own proof (`Authentication-Info`) and `domain`. A challenge without `qop` is answered as
//! RFC 2617 §3.2.2.1 has it, since devices that ask so are still in use.

mod offer;

use std::fmt::Write as _;

use aws_lc_rs::digest;
use http::{HeaderMap, HeaderValue, Method};
use md5::{Digest as _, Md5};
use oauth::Secret;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::ask::fill;

use offer::Offer;

/// How often a nonce was answered, this time included.
const COUNT: &str = "00000001";
/// What an extended parameter may not hold as it is (RFC 5987 §3.2.1).
const EXTENDED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A name and a password.
pub(crate) struct Login {
    pub(crate) username: String,
    pub(crate) password: Secret,
}

/// A challenge that can be answered.
#[derive(Debug, PartialEq)]
pub(crate) struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    key: Key,
    /// The word for both; `None`: the challenge has none, and so has the answer.
    word: Option<&'static str>,
    quality: Quality,
    name: Name,
    /// Whether the nonce of the answer before was too old, and nothing else wrong with it.
    pub(crate) stale: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Md5,
    Sha256,
    Sha512Of256,
}

/// Whether the key is made anew for each nonce (`-sess`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Lasting,
    Session,
}

/// The `qop` of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quality {
    Auth,
    /// The challenge does not know of it.
    None,
}

/// How the user is named (`userhash`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Plain,
    Hashed,
}

/// An answer to a challenge.
pub(crate) struct Answer {
    /// The value of `Authorization`.
    pub(crate) header: HeaderValue,
    /// The proof in it: whoever has it can try passwords.
    pub(crate) proof: Secret,
}

impl Challenge {
    /// The challenge of an answer that is answered: the first with SHA-2, or else the first. Says why there is none.
    pub(crate) fn choose(headers: &HeaderMap) -> Result<Challenge, String> {
        let offers = Offer::all(headers);
        let digests: Vec<&Offer> = offers
            .iter()
            .filter(|offer| offer.scheme.eq_ignore_ascii_case("Digest"))
            .collect();
        if digests.is_empty() {
            let schemes: Vec<&str> = offers.iter().map(|offer| offer.scheme.as_str()).collect();
            return Err(if schemes.is_empty() {
                "its 401 says nothing of how to authenticate".to_owned()
            } else {
                format!("it takes {}, not Digest", schemes.join(", "))
            });
        }
        let mut reasons = Vec::new();
        let mut chosen: Option<Challenge> = None;
        for offer in digests {
            match Challenge::read(offer) {
                Ok(challenge) => {
                    let better = |known: &Challenge| {
                        known.algorithm == Algorithm::Md5 && challenge.algorithm != Algorithm::Md5
                    };
                    if chosen.as_ref().is_none_or(better) {
                        chosen = Some(challenge);
                    }
                }
                Err(why) => reasons.push(why),
            }
        }
        chosen.ok_or_else(|| reasons.join("; "))
    }

    fn read(offer: &Offer) -> Result<Challenge, String> {
        let needed = |name: &str| {
            let value = offer.parameter(name).map(str::to_owned);
            value.ok_or_else(|| format!("its challenge has no {name}"))
        };
        let says = |name: &str, word: &str| {
            let value = offer.parameter(name);
            value.is_some_and(|value| value.eq_ignore_ascii_case(word))
        };
        let named = offer.parameter("algorithm");
        let (word, algorithm, key) = algorithm(named.unwrap_or("MD5"))?;
        let quality = match offer.parameter("qop") {
            None if key == Key::Session => {
                return Err("its challenge has a session key and no qop".to_owned());
            }
            None => Quality::None,
            Some(list) if list.split(',').any(|word| word.trim() == "auth") => Quality::Auth,
            Some(list) => return Err(format!("it wants qop {list}, Keyway knows auth")),
        };
        Ok(Challenge {
            realm: needed("realm")?,
            nonce: needed("nonce")?,
            opaque: offer.parameter("opaque").map(str::to_owned),
            algorithm,
            key,
            word: named.map(|_| word),
            quality,
            name: if says("userhash", "true") {
                Name::Hashed
            } else {
                Name::Plain
            },
            stale: says("stale", "true"),
        })
    }

    /// Answers it for a request, whose target is that of the request line; `cnonce` is the client's nonce.
    pub(crate) fn answer(
        &self,
        login: &Login,
        (method, target): (&Method, &str),
        cnonce: &str,
    ) -> Answer {
        let hash = |parts: &[&str]| self.algorithm.hash(&parts.join(":"));
        let mut key = hash(&[&login.username, &self.realm, login.password.expose()]);
        if self.key == Key::Session {
            key = hash(&[&key, &self.nonce, cnonce]);
        }
        let request = hash(&[method.as_str(), target]);
        let proof = match self.quality {
            Quality::Auth => hash(&[&key, &self.nonce, COUNT, cnonce, "auth", &request]),
            Quality::None => hash(&[&key, &self.nonce, &request]),
        };
        let mut text = "Digest ".to_owned();
        match self.name {
            Name::Hashed => {
                quote(
                    &mut text,
                    "username",
                    &hash(&[&login.username, &self.realm]),
                );
                text.push_str(", userhash=true");
            }
            // RFC 7616 §3.4: what a quoted string can't hold goes as UTF-8, percent-encoded.
            Name::Plain if login.username.bytes().any(|byte| !is_printable(byte)) => {
                let encoded = utf8_percent_encode(&login.username, EXTENDED);
                append(&mut text, format_args!("username*=UTF-8''{encoded}"));
            }
            Name::Plain => quote(&mut text, "username", &login.username),
        }
        let parameters = [
            ("realm", &*self.realm),
            ("uri", target),
            ("nonce", &self.nonce),
            ("response", &proof),
        ];
        for (name, value) in parameters {
            text.push_str(", ");
            quote(&mut text, name, value);
        }
        if let Some(word) = self.word {
            append(&mut text, format_args!(", algorithm={word}"));
        }
        if self.quality == Quality::Auth {
            append(&mut text, format_args!(", qop=auth, nc={COUNT}, "));
            quote(&mut text, "cnonce", cnonce);
        }
        if let Some(opaque) = &self.opaque {
            text.push_str(", ");
            quote(&mut text, "opaque", opaque);
        }
        let mut header = HeaderValue::from_bytes(text.as_bytes())
            .expect("what came in a header can stand in one, and the rest is printable");
        header.set_sensitive(true);
        Answer {
            header,
            proof: Secret::new(proof),
        }
    }
}

impl Algorithm {
    /// In lower-case hexadecimal.
    fn hash(self, text: &str) -> String {
        let sha2 = |kind| digest::digest(kind, text.as_bytes());
        match self {
            Algorithm::Md5 => hexadecimal(&Md5::digest(text.as_bytes())),
            Algorithm::Sha256 => hexadecimal(sha2(&digest::SHA256).as_ref()),
            Algorithm::Sha512Of256 => hexadecimal(sha2(&digest::SHA512_256).as_ref()),
        }
    }
}

const ALGORITHMS: [(&str, Algorithm, Key); 6] = [
    ("MD5", Algorithm::Md5, Key::Lasting),
    ("MD5-sess", Algorithm::Md5, Key::Session),
    ("SHA-256", Algorithm::Sha256, Key::Lasting),
    ("SHA-256-sess", Algorithm::Sha256, Key::Session),
    ("SHA-512-256", Algorithm::Sha512Of256, Key::Lasting),
    ("SHA-512-256-sess", Algorithm::Sha512Of256, Key::Session),
];

fn algorithm(word: &str) -> Result<(&'static str, Algorithm, Key), String> {
    ALGORITHMS
        .into_iter()
        .find(|(known, ..)| known.eq_ignore_ascii_case(word))
        .ok_or_else(|| {
            let known = ALGORITHMS.map(|(known, ..)| known).join(", ");
            format!("it wants the algorithm {word}, Keyway knows {known}")
        })
}

/// A client's nonce: 128 random bits.
pub(crate) fn client_nonce() -> String {
    let mut bytes = [0; 16];
    fill(&mut bytes);
    hexadecimal(&bytes)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        append(&mut text, format_args!("{byte:02x}"));
        text
    })
}

fn append(text: &mut String, more: std::fmt::Arguments<'_>) {
    text.write_fmt(more).expect("a text can be written to");
}

/// A parameter as a quoted string (RFC 9110 §5.6.4).
fn quote(text: &mut String, name: &str, value: &str) {
    append(text, format_args!("{name}=\""));
    for character in value.chars() {
        if matches!(character, '"' | '\\') {
            text.push('\\');
        }
        text.push(character);
    }
    text.push('"');
}

fn is_printable(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte)
}

#[cfg(test)]
mod tests;
