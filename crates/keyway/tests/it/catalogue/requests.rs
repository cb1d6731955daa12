//! Requests to the REST API and the console, and sign-ins.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    (
        "a method that an address does not know: 405 `route.method_not_allowed` with `Allow`; unknown addresses: 404 `route.not_found`",
        "server/tests/it/access.rs",
        "other_methods_and_unknown_paths_are_problems",
    ),
    (
        "another media type, another charset: 415 `body.media_type`; more than 1 MiB, whole or in pieces: 413 `body.too_large`; text that is no UTF-8: `body.invalid`",
        "server/tests/it/bad_input.rs",
        "bodies",
    ),
    (
        "headers: too many, too long: 431 `request.headers_too_large`",
        "server/tests/it/limits.rs",
        "headers_have_limits",
    ),
    (
        "URLs: too long: 414 `request.uri_too_long`; unknown query fields: `query.unknown`; `limit` and others beyond what is meant, `%00`, `%ff`: `query.invalid`",
        "server/tests/it/bad_input.rs",
        "queries_and_paths",
    ),
    (
        "`%00`, `%ff`, `%2e%2e%2f`, double encoding, dots at the end, markup in a path: as what never was, 404",
        "server/tests/it/access.rs",
        "what_is_anothers_and_what_never_was_look_alike",
    ),
    (
        "a cursor that was forged: `body.invalid`, or `pagination.origin` where it leads elsewhere",
        "server/tests/it/pages.rs",
        "what_can_not_be_meant_is_refused",
    ),
    (
        "what is somebody else's: as what never was, 404",
        "server/tests/it/access.rs",
        "what_is_anothers_and_what_never_was_look_alike",
    ),
    (
        "a change without `If-Match`: 428 `precondition.required`",
        "server/tests/it/limits.rs",
        "a_change_names_its_version",
    ),
    (
        "two lengths, two encodings, folded headers: 400 `request.invalid`",
        "server/tests/it/limits.rs",
        "headers_have_limits",
    ),
    (
        "a length and chunks: answered once, then the connection is closed",
        "server/tests/it/limits.rs",
        "after_a_request_with_two_meanings_the_connection_is_closed",
    ),
    (
        "floods of HTTP/2 frames: resets, headers without end: that connection is closed, no other",
        "server/tests/it/limits.rs",
        "a_flood_of_http2_frames_ends_its_connection_and_no_other",
    ),
    (
        "a page of another site: 403 `csrf`, whatever it sends",
        "server/tests/it/csrf.rs",
        "only_our_own_pages_change_anything",
    ),
    (
        "a page of another site, at every address that changes something: 403 `csrf`",
        "server/tests/it/csrf.rs",
        "no_unsafe_route_does_anything_for_a_foreign_page",
    ),
    (
        "a page of another site reads nothing",
        "server/tests/it/csrf.rs",
        "no_page_of_another_site_reads_an_answer",
    ),
    (
        "an API key in a URL: 400 `key.in_query`",
        "server/tests/it/bad_input.rs",
        "queries_and_paths",
    ),
    (
        "a key whose role is not enough: 403 at every address",
        "server/tests/it/access.rs",
        "every_route_answers_every_actor_as_the_table_says",
    ),
    (
        "a key whose role is not enough: the role that it takes is named",
        "server/tests/it/access.rs",
        "a_role_that_is_not_enough_is_told_which_is",
    ),
    (
        "a key that is revoked or over: 401",
        "server/tests/it/keys.rs",
        "a_key_stops_working_when_it_is_revoked_or_over",
    ),
    (
        "a session that is over: 401",
        "server/tests/it/people.rs",
        "a_session_ends_by_itself",
    ),
    (
        "a session that is over, in the console: the page and what was typed in it stay",
        "browser/pages.test.mjs",
        "a session that is over: who signs in again is on the same page, with what was typed",
    ),
    (
        "sign-ins: unknown user, wrong password, locked, disabled, a long password: 401 `login.failed` in the same words",
        "server/tests/it/people.rs",
        "every_failed_sign_in_looks_the_same",
    ),
    (
        "sign-ins: too many from one address: 429 `login.throttled`",
        "server/tests/it/people.rs",
        "three_sign_ins_a_minute_from_one_address",
    ),
    (
        "a password of more than 1,024 characters is not hashed",
        "store/src/tests/people.rs",
        "names_and_passwords_that_can_not_be_used_are_refused",
    ),
    (
        "`Host` of another: links follow the public URL",
        "server/tests/it/limits.rs",
        "links_follow_the_public_url_not_the_host_header",
    ),
    (
        "the setup token: wrong: 403 `setup.token_invalid`; a second time: 404",
        "server/tests/it/people.rs",
        "the_setup_token_works_once",
    ),
];
