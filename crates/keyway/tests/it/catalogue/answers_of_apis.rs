//! Answers of APIs.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    (
        "early answers (1xx) without end, 204 with a body, wrong or two lengths, broken chunks, damaged or half gzip, an encoding that was not asked for",
        "connect/tests/it/odd.rs",
        "answers_that_break_the_protocol",
    ),
    (
        "gzip bomb, more than 16 MiB, a length that is not kept, noise, no answer: `upstream.too_large`, `upstream.malformed`, `upstream.timeout`",
        "connect/tests/it/calls.rs",
        "answers_that_are_too_large_damaged_or_never_come",
    ),
    (
        "brotli bomb: `upstream.too_large`",
        "connect/tests/it/odd.rs",
        "answers_that_break_the_protocol",
    ),
    (
        "a bomb is known by its ratio, at the edge",
        "connect/src/decode.rs",
        "a_bomb_is_known_by_its_ratio",
    ),
    (
        "401 once: one renewal, one more try; 401 again: the answer, and no loop",
        "connect/tests/it/renewal.rs",
        "an_api_that_refuses_every_token_causes_one_renewal",
    ),
    (
        "403 renews nothing",
        "connect/tests/it/odd.rs",
        "a_403_renews_nothing",
    ),
    (
        "a redirect to another origin is not followed: `upstream.redirect_blocked`, the host alone is told",
        "connect/tests/it/calls.rs",
        "redirects_are_followed_when_asked_and_never_carry_the_credential_away",
    ),
    (
        "the next page on another origin: `pagination.origin`",
        "connect/tests/it/pages.rs",
        "the_next_page_stays_on_the_allowed_origins",
    ),
    (
        "the next page is one that was read: `pagination.loop`",
        "connect/tests/it/pages.rs",
        "a_loop_is_noticed_in_each_style",
    ),
    (
        "more than 1,000 pages: `pagination.limit`",
        "connect/tests/it/pages.rs",
        "limits_at_their_edges",
    ),
    (
        "`Retry-After` in seconds, as a date, absurd",
        "connect/tests/it/retries.rs",
        "the_time_that_an_api_names_is_waited_for_in_all_three_forms",
    ),
    (
        "`Retry-After` beyond what is waited for",
        "connect/tests/it/retries.rs",
        "what_would_take_too_long_is_the_callers_to_wait_for",
    ),
    (
        "JSON with equal keys, `__proto__`, `NaN`, lone surrogates, a million digits, more than 128 levels",
        "connect/tests/it/odd.rs",
        "json_at_its_edges",
    ),
    (
        "`Set-Cookie` is ignored",
        "connect/tests/it/calls.rs",
        "bodies_methods_and_headers",
    ),
    (
        "a body that echoes our credential",
        "connect/tests/it/calls.rs",
        "an_echo_of_our_secret_is_redacted",
    ),
    (
        "the echo does not reach expressions nor the journal",
        "engine/tests/it/calls.rs",
        "a_plain_secret_that_holds_a_policy_stands_for_a_connection",
    ),
    (
        "HTML, SVG and scripts in answers: shown as text",
        "browser/payloads.test.mjs",
        "an API's answer in every view",
    ),
    (
        "TLS: expired, not yet valid, wrong name, self-signed, TLS 1.0",
        "connect/tests/it/odd.rs",
        "certificates_that_no_server_should_have",
    ),
    (
        "TLS: an authority of the system's list or of `--ca-file`, and no other",
        "connect/tests/it/calls.rs",
        "an_untrusted_server_is_refused_by_name",
    ),
];
