//! The console: the files that `make` built from `console/`, embedded in the binary.
//!
//! Whatever is not an address of the server is a page of the console, and the
//! console itself knows which. This module knows files, not pages.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::LazyLock;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use rust_embed::RustEmbed;

use crate::problem::Problem;

/// Both choices; a build without Node has the placeholder alone.
#[derive(RustEmbed)]
#[folder = "../../console/embed"]
struct Embedded;

/// The console's own files and nothing else: no inline script, no other origin, no way from text to markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const INDEX: &str = "index.html";

/// The first segments of the server's own addresses: what is not there is not a page either.
const SERVERS: [&str; 6] = ["api", "oauth", "proxy", "healthz", "readyz", "metrics"];

/// A file as it is served.
struct File {
    content: Bytes,
    /// The same compressed, if that is worth it.
    gzip: Option<Bytes>,
    content_type: &'static str,
    cache: &'static str,
    /// The hash of the content.
    tag: String,
}

static FILES: LazyLock<HashMap<String, File>> = LazyLock::new(|| {
    let built = format!("dist/{INDEX}");
    let chosen = if Embedded::get(&built).is_some() {
        "dist/"
    } else {
        "placeholder/"
    };
    Embedded::iter()
        .filter_map(|name| {
            let path = name.strip_prefix(chosen)?;
            Some((path.to_owned(), File::new(path, &name)?))
        })
        .collect()
});

impl File {
    fn new(path: &str, name: &str) -> Option<File> {
        let embedded = Embedded::get(name)?;
        let content = match embedded.data {
            std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            std::borrow::Cow::Owned(bytes) => Bytes::from(bytes),
        };
        Some(File {
            gzip: compressed(&content),
            content,
            content_type: content_type(path),
            cache: cache(path),
            tag: URL_SAFE_NO_PAD.encode(&embedded.metadata.sha256_hash()[..16]),
        })
    }
}

/// Answers a `GET` or `HEAD` that no route knows.
pub(crate) async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let first = path.split('/').next().unwrap_or_default();
    if SERVERS.contains(&first) || !(method == Method::GET || method == Method::HEAD) {
        return nothing();
    }
    match FILES.get(path) {
        Some(file) => answer(file, &headers),
        None if is_page(path) => FILES
            .get(INDEX)
            .map_or_else(nothing, |index| answer(index, &headers)),
        None => nothing(),
    }
}

fn nothing() -> Response {
    Problem::new("route.not_found", "there is nothing at this address").into_response()
}

/// Files lie under `assets` or at the top; a missing one answered with a page would only be a riddle.
fn is_page(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or_default();
    first != "assets" && !first.contains('.')
}

fn answer(file: &File, headers: &HeaderMap) -> Response {
    let packed = file.gzip.as_ref().filter(|_| takes_gzip(headers));
    // another encoding is another representation, so a strong tag must differ
    let tag = match packed {
        Some(_) => format!("\"{}-gzip\"", file.tag),
        None => format!("\"{}\"", file.tag),
    };
    let mut response = if is_known(headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let body = packed.unwrap_or(&file.content).clone();
        let mut response = Response::new(Body::from(body));
        let about = response.headers_mut();
        about.insert(CONTENT_TYPE, HeaderValue::from_static(file.content_type));
        if packed.is_some() {
            about.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    };
    let about = response.headers_mut();
    about.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    about.insert(CACHE_CONTROL, HeaderValue::from_static(file.cache));
    about.insert(VARY, HeaderValue::from_static("accept-encoding"));
    about.insert(
        ETAG,
        HeaderValue::from_str(&tag).expect("base64url in quotes"),
    );
    response
}

/// Whether the browser has this very representation already.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| known.trim().trim_start_matches("W/") == tag)
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            let refused = |part: &str| {
                let weight = part.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok());
                weight.is_some_and(|weight| weight <= 0.0)
            };
            parts.next() == Some("gzip") && !parts.any(refused)
        })
}

fn compressed(content: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).ok()?;
    let packed = encoder.finish().ok()?;
    (packed.len() + packed.len() / 8 < content.len()).then(|| Bytes::from(packed))
}

/// What vite writes under `assets` is named by its hash; the page that names those is never kept.
fn cache(path: &str) -> &'static str {
    if path == INDEX {
        "no-store"
    } else if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_heeded() {
        for (given, expected) in [
            ("gzip", true),
            ("br, gzip;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.000", false),
            ("gzip;q=0.001", true),
            ("x-gzip, br", false),
            ("", false),
        ] {
            let headers = [(ACCEPT_ENCODING, given.parse().unwrap())]
                .into_iter()
                .collect();
            assert_eq!(takes_gzip(&headers), expected, "{given}");
        }
    }

    #[test]
    fn every_file_has_a_type_and_a_page_exists() {
        assert!(FILES.contains_key(INDEX));
        for (path, file) in FILES.iter() {
            assert_ne!(file.content_type, "application/octet-stream", "{path}");
        }
    }

    #[test]
    fn only_what_is_named_by_its_hash_is_kept() {
        assert_eq!(cache("index.html"), "no-store");
        assert_eq!(
            cache("assets/index-BmA1.js"),
            "public, max-age=31536000, immutable"
        );
        assert_eq!(cache("keyway.svg"), "no-cache");
    }
}
