//! Which code has which status, title and hint: the one table of HTTP statuses.

use http::StatusCode;

/// One known problem code: its status, its title and the usual way out.
pub(super) struct Kind {
    pub(super) code: &'static str,
    pub(super) status: StatusCode,
    pub(super) title: &'static str,
    pub(super) hint: Option<&'static str>,
}

const fn kind(code: &'static str, status: StatusCode, title: &'static str) -> Kind {
    Kind {
        code,
        status,
        title,
        hint: None,
    }
}

const fn hinted(
    code: &'static str,
    status: StatusCode,
    title: &'static str,
    hint: &'static str,
) -> Kind {
    Kind {
        code,
        status,
        title,
        hint: Some(hint),
    }
}

/// Codes with a status of their own. A name ending in a dot speaks for every
/// code below it that has no row; exact rows win, then the longest prefix.
#[rustfmt::skip]
const KINDS: &[Kind] = &[
    // the request itself
    kind("body.invalid", StatusCode::BAD_REQUEST, "The request body is not valid"),
    kind("body.too_large", StatusCode::PAYLOAD_TOO_LARGE, "The request body is too large"),
    hinted("body.media_type", StatusCode::UNSUPPORTED_MEDIA_TYPE, "The request body has the wrong media type", "send JSON with `Content-Type: application/json`"),
    kind("query.", StatusCode::BAD_REQUEST, "The query string is not valid"),
    hinted("key.in_query", StatusCode::BAD_REQUEST, "An API key does not belong in a URL", "send it as `Authorization: Bearer kw_…`, and revoke this key: URLs end up in logs"),
    kind("request.invalid", StatusCode::BAD_REQUEST, "The request is not valid"),
    kind("request.uri_too_long", StatusCode::URI_TOO_LONG, "The URL is too long"),
    kind("request.headers_too_large", StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "The request has too many or too large headers"),
    hinted("precondition.required", StatusCode::PRECONDITION_REQUIRED, "A change must say which version it changes", "read the connection, then send its `ETag` as `If-Match`"),
    kind("precondition.invalid", StatusCode::BAD_REQUEST, "The If-Match header is not valid"),
    hinted("route.not_found", StatusCode::NOT_FOUND, "There is nothing at this address", "the routes are listed in /api/v1/openapi.json"),
    kind("route.method_not_allowed", StatusCode::METHOD_NOT_ALLOWED, "This address does not know this method"),
    // who is asking
    hinted("unauthenticated", StatusCode::UNAUTHORIZED, "Not signed in", "sign in, or send an API key as `Authorization: Bearer kw_…`"),
    kind("forbidden", StatusCode::FORBIDDEN, "Not allowed"),
    hinted("csrf", StatusCode::FORBIDDEN, "The request does not come from Keyway's own pages", "a browser may change things only from pages of Keyway's public URL; programs use an API key"),
    kind("login.failed", StatusCode::UNAUTHORIZED, "The sign-in failed"),
    kind("login.throttled", StatusCode::TOO_MANY_REQUESTS, "Too many sign-ins"),
    hinted("setup.token_invalid", StatusCode::FORBIDDEN, "The setup token is wrong", "the one-time setup token is printed by `keyway serve` at its first start"),
    // things by name
    kind("conflict.busy", StatusCode::CONFLICT, "Something else goes on that stands in the way"),
    kind("conflict.version", StatusCode::CONFLICT, "Somebody else changed it in the meantime"),
    kind("connection.not_found", StatusCode::NOT_FOUND, "No such connection"),
    kind("connection.name_taken", StatusCode::CONFLICT, "This name is taken"),
    kind("connection.in_use", StatusCode::CONFLICT, "The connection is in use"),
    kind("connection.needs_", StatusCode::CONFLICT, "The connection must be cured first"),
    kind("connection.never_authorized", StatusCode::CONFLICT, "Nobody has signed in to this connection yet"),
    kind("connection.unreadable", StatusCode::CONFLICT, "The connection's secrets cannot be unsealed"),
    kind("connection.waiting", StatusCode::SERVICE_UNAVAILABLE, "The provider asked to wait"),
    kind("connection.", StatusCode::BAD_REQUEST, "The connection's settings are not valid"),
    hinted("document.invalid", StatusCode::BAD_REQUEST, "The text of the connections is not valid", "each finding says where and what to do; correct the text and apply it again"),
    kind("secret.", StatusCode::BAD_REQUEST, "The secret is not valid"),
    kind("scope.", StatusCode::BAD_REQUEST, "The scope is not valid"),
    kind("certificate.not_found", StatusCode::NOT_FOUND, "No such certificate"),
    kind("secret.two_already", StatusCode::CONFLICT, "There are two secrets already"),
    kind("secret.only_one", StatusCode::CONFLICT, "There is one secret only"),
    kind("certificate.", StatusCode::BAD_REQUEST, "The certificate is not valid"),
    kind("parameter.", StatusCode::BAD_REQUEST, "An extra parameter is not allowed"),
    kind("endpoint.", StatusCode::BAD_REQUEST, "The endpoints are not right"),
    kind("client_id.", StatusCode::BAD_REQUEST, "The client id is not valid"),
    kind("header.", StatusCode::BAD_REQUEST, "A header is not allowed"),
    kind("call.crowded", StatusCode::SERVICE_UNAVAILABLE, "Too many calls at once"),
    kind("call.", StatusCode::BAD_REQUEST, "The call is not valid"),
    kind("egress.", StatusCode::BAD_REQUEST, "Keyway may not speak to this address"),
    kind("key.invalid", StatusCode::BAD_REQUEST, "The API key is not valid"),
    hinted("key.file", StatusCode::SERVICE_UNAVAILABLE, "The key file cannot be used", "make the key file and its directory writable for the server, or put a new first line into the file and rotate again"),
    kind("key.format", StatusCode::SERVICE_UNAVAILABLE, "The key file cannot be used"),
    kind("key.permissions", StatusCode::SERVICE_UNAVAILABLE, "The key file cannot be used"),
    kind("key.not_found", StatusCode::NOT_FOUND, "No such API key"),
    kind("key.name_taken", StatusCode::CONFLICT, "This name is taken"),
    kind("user.not_found", StatusCode::NOT_FOUND, "No such user"),
    kind("user.name_taken", StatusCode::CONFLICT, "This name is taken"),
    kind("user.last_admin", StatusCode::CONFLICT, "The last administrator cannot be disabled"),
    kind("user.", StatusCode::BAD_REQUEST, "The user is not valid"),
    kind("run.", StatusCode::CONFLICT, "The run is somebody else's by now"),
    kind("conflict.", StatusCode::CONFLICT, "This is taken"),
    // flows and runs
    kind("flow.not_found", StatusCode::NOT_FOUND, "No such flow"),
    hinted("flow.disabled", StatusCode::CONFLICT, "The flow is disabled", "an administrator switches it on: `keyway flow enable NAME`"),
    hinted("flow.secret_forbidden", StatusCode::FORBIDDEN, "The flow may not read this secret", "an administrator deploys the flow: then an operator may start it"),
    hinted("flow.invalid", StatusCode::BAD_REQUEST, "The flow cannot run", "each finding says where and what to do; `keyway flow validate FILE` shows them in the text"),
    kind("run.not_found", StatusCode::NOT_FOUND, "No such run"),
    kind("run.not_now", StatusCode::CONFLICT, "The run is not in a state for that"),
    kind("run.semantics_unknown", StatusCode::CONFLICT, "The run began under another version of Keyway"),
    kind("run.crowded", StatusCode::SERVICE_UNAVAILABLE, "Too many runs are under way"),
    kind("run.stopping", StatusCode::SERVICE_UNAVAILABLE, "Keyway is being stopped"),
    kind("event.", StatusCode::BAD_REQUEST, "The event is not valid"),
    kind("secret.not_found", StatusCode::NOT_FOUND, "No such secret"),
    kind("approval.not_found", StatusCode::NOT_FOUND, "No such approval"),
    kind("approval.", StatusCode::GONE, "The question is not open any more"),
    kind("table.not_found", StatusCode::NOT_FOUND, "No such row"),
    kind("table.", StatusCode::CONFLICT, "The row was changed in the meantime"),
    hinted("engine.unwell", StatusCode::SERVICE_UNAVAILABLE, "Runs cannot go on", "look at the server's log: the store fails, or runs wait for a place for too long"),
    // hooks
    kind("webhook.not_found", StatusCode::NOT_FOUND, "No such hook"),
    hinted("webhook.signature", StatusCode::UNAUTHORIZED, "The message is not signed as it must be", "sign `id.timestamp.body` with a secret of the hook (Standard Webhooks), by a clock that is right"),
    kind("webhook.encoding", StatusCode::UNSUPPORTED_MEDIA_TYPE, "The message is compressed"),
    kind("webhook.media_type", StatusCode::UNSUPPORTED_MEDIA_TYPE, "The message has the wrong media type"),
    kind("webhook.too_many", StatusCode::TOO_MANY_REQUESTS, "Too many messages"),
    kind("webhook.validation_token", StatusCode::BAD_REQUEST, "The validation token is not valid"),
    kind("webhook.run_failed", StatusCode::INTERNAL_SERVER_ERROR, "The flow did not come to its end"),
    // webhooks that events are sent to
    kind("webhook.endpoint_not_found", StatusCode::NOT_FOUND, "No such webhook"),
    kind("webhook.delivery_not_found", StatusCode::NOT_FOUND, "No such delivery"),
    kind("webhook.name_taken", StatusCode::CONFLICT, "This name is taken"),
    kind("webhook.name_invalid", StatusCode::BAD_REQUEST, "The webhook is not valid"),
    kind("webhook.url_invalid", StatusCode::BAD_REQUEST, "The webhook is not valid"),
    kind("webhook.type_unknown", StatusCode::BAD_REQUEST, "There is no such type of events"),
    // the OAuth callback
    kind("oauth.", StatusCode::BAD_REQUEST, "The sign-in was not accepted"),
    kind("oauth.consent_refused", StatusCode::BAD_REQUEST, "The administrator did not consent"),
    hinted("oauth.session_missing", StatusCode::FORBIDDEN, "The sign-in is for whoever began it", "in this browser, sign in to Keyway as that person, then open the link again; whoever wants to connect an account begins a sign-in of their own"),
    hinted("oauth.other_tenant", StatusCode::BAD_REQUEST, "The consent is another tenant's", "an administrator of the connection's tenant opens the link, signed in to that tenant"),
    kind("oauth.refused", StatusCode::BAD_REQUEST, "The provider refused the sign-in"),
    kind("oauth.exchange_failed", StatusCode::BAD_GATEWAY, "The code could not be exchanged for a token"),
    // others' servers
    kind("idp.", StatusCode::BAD_GATEWAY, "The authorization server could not be used"),
    kind("idp.timeout", StatusCode::GATEWAY_TIMEOUT, "The authorization server did not answer in time"),
    kind("upstream.", StatusCode::BAD_GATEWAY, "The API could not be reached"),
    kind("upstream.timeout", StatusCode::GATEWAY_TIMEOUT, "The API did not answer in time"),
    kind("upstream.throttled", StatusCode::SERVICE_UNAVAILABLE, "The API asked to wait"),
    kind("tls.", StatusCode::BAD_GATEWAY, "No trusted TLS connection"),
    kind("issuer.", StatusCode::BAD_GATEWAY, "The issuer could not be discovered"),
    kind("pagination.", StatusCode::BAD_GATEWAY, "The next page is not acceptable"),
    kind("pagination.items", StatusCode::BAD_GATEWAY, "The answer holds no list"),
    kind("pagination.refused", StatusCode::BAD_GATEWAY, "The API refused a page"),
    // ourselves
    kind("audit.broken", StatusCode::SERVICE_UNAVAILABLE, "The audit log cannot be written"),
    kind("input.invalid", StatusCode::BAD_REQUEST, "A value is not valid"),
    kind("auth.too_many_attempts", StatusCode::TOO_MANY_REQUESTS, "Too many sign-ins"),
    kind("request.", StatusCode::BAD_REQUEST, "The request is not valid"),
    kind("store.unreadable", StatusCode::CONFLICT, "A secret cannot be unsealed"),
    kind("store.not_found", StatusCode::NOT_FOUND, "No such thing"),
    kind("store.", StatusCode::SERVICE_UNAVAILABLE, "The store cannot be used"),
    hinted("storage_full", StatusCode::SERVICE_UNAVAILABLE, "The store is full", "free space on the disk of the data directory; Keyway goes on by itself"),
    hinted("storage_error", StatusCode::SERVICE_UNAVAILABLE, "The store cannot be used", "look at the server's log and at the database"),
    kind("storage", StatusCode::SERVICE_UNAVAILABLE, "The store cannot be used"),
    kind("overloaded", StatusCode::SERVICE_UNAVAILABLE, "Too much at once"),
    hinted("internal", StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong inside Keyway", "this is a bug: please report it with the trace id"),
];

/// Finds what is known about a code: the exact row, else the longest prefix.
pub(super) fn find(code: &str) -> Option<&'static Kind> {
    let prefix = |kind: &&Kind| {
        matches!(kind.code.as_bytes().last(), Some(b'.' | b'_')) && code.starts_with(kind.code)
    };
    KINDS.iter().find(|kind| kind.code == code).or_else(|| {
        KINDS
            .iter()
            .filter(prefix)
            .max_by_key(|kind| kind.code.len())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::problem::Problem;

    #[test]
    fn exact_rows_win_then_the_longest_prefix() {
        for (code, status) in [
            ("connection.not_found", 404),
            ("connection.name_invalid", 400),
            ("connection.needs_secret", 409),
            ("connection.needs_user", 409),
            ("idp.timeout", 504),
            ("idp.refused", 502),
            ("upstream.timeout", 504),
            ("conflict.version", 409),
            ("nonsense", 500),
        ] {
            assert_eq!(Problem::new(code, "x").status(), status, "{code}");
        }
    }

    #[test]
    fn no_row_twice() {
        let codes: BTreeSet<&str> = KINDS.iter().map(|kind| kind.code).collect();
        assert_eq!(codes.len(), KINDS.len());
    }

    /// The codes that stand in quotes in a room's error enums.
    fn codes_in(source: &Path) -> Vec<String> {
        let text = fs::read_to_string(source).unwrap();
        let is_code = |text: &&str| {
            let mut words = text.split('.');
            let word = |word: &str| {
                !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
            };
            words.clone().count() == 2 && words.all(word)
        };
        text.split('"')
            .skip(1)
            .step_by(2)
            .filter(is_code)
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn every_code_of_the_rooms_below_has_a_status() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut seen = 0;
        for source in [
            "connect/src/error.rs",
            "connect/src/certificate.rs",
            "connect/src/check.rs",
            "connect/src/discovery.rs",
            "connect/src/endpoints.rs",
            "connect/src/fields.rs",
            "connect/src/preset/entra.rs",
            "connect/src/http.rs",
            "connect/src/page.rs",
            "engine/src/error.rs",
            "store/src/error.rs",
            "oauth/src/callback.rs",
            "oauth/src/certificate.rs",
            "oauth/src/token.rs",
        ] {
            for code in codes_in(&crates.join(source)) {
                // those of the key file are for whoever starts the server
                if !code.starts_with("key.") {
                    assert!(find(&code).is_some(), "{code} of {source}");
                    seen += 1;
                }
            }
        }
        assert!(seen > 60, "{seen}");
    }
}
