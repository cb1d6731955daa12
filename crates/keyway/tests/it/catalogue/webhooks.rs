//! Webhooks.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    (
        "no, bad, old, future signature; wrong key; lists with junk; `v1a`; odd times; ids with dots",
        "server/src/hooks/proof/tests.rs",
        "signatures_row_by_row",
    ),
    (
        "fields that are missing or repeated",
        "server/src/hooks/proof/tests.rs",
        "missing_and_repeated_headers_are_not_let_in",
    ),
    (
        "10,000 forgeries",
        "server/src/hooks/proof/tests.rs",
        "ten_thousand_forgeries",
    ),
    (
        "a forgery starts no run, and is counted",
        "server/tests/it/hooks.rs",
        "what_is_not_signed_starts_nothing",
    ),
    (
        "no secret: 401",
        "server/tests/it/hooks.rs",
        "without_a_usable_secret_nobody_gets_in",
    ),
    (
        "the same id again: 200 `duplicate`, no run; both secrets while one is on its way out",
        "server/tests/it/hooks.rs",
        "a_signed_message_starts_a_run_once",
    ),
    (
        "bodies: empty, wrong type, multipart, compressed",
        "server/tests/it/hooks.rs",
        "bodies_are_what_the_flow_says_they_are",
    ),
    (
        "more than 1 MiB: 413",
        "server/tests/it/hooks.rs",
        "a_message_has_one_mebibyte_at_most",
    ),
    (
        "unknown is as disabled: 404",
        "server/tests/it/hooks.rs",
        "addresses_that_lead_nowhere",
    ),
    (
        "a method that is not declared: 405",
        "server/tests/it/hooks.rs",
        "a_hook_knows_its_methods_only",
    ),
    (
        "Graph's handshake and `clientState`",
        "server/tests/it/hooks.rs",
        "graph_shakes_hands_and_proves_itself_by_client_state",
    ),
    (
        "a storm: 429",
        "server/tests/it/hooks.rs",
        "a_storm_is_told_to_slow_down",
    ),
    (
        "no place for runs: 503 and `Retry-After`",
        "server/tests/it/hooks.rs",
        "when_runs_wait_for_a_place_no_more_is_taken",
    ),
    (
        "links of approvals: used, 410",
        "server/tests/it/approvals.rs",
        "an_answer_counts_once",
    ),
    (
        "links of approvals that never were: 404",
        "server/tests/it/approvals.rs",
        "what_is_no_answer_of_our_page_is_refused",
    ),
    (
        "links of approvals: over with the task's time",
        "server/tests/it/approvals.rs",
        "the_time_to_answer_is_that_of_the_task",
    ),
];
