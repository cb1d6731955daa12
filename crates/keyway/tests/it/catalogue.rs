//! The catalogue of bad inputs, row by row: what may come, and the test that shows what happens then.
//!
//! Rows of things that Keyway does not have (import bundles, rights to single connections) are not here.

use std::path::Path;

/// What may come, the file of the test below `crates/` (`tests/` if it is Python, `console/tests/` if it is a walk), and its name.
type Row = (&'static str, &'static str, &'static str);

/// Answers of APIs.
const ANSWERS_OF_APIS: &[Row] = &[
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

/// Definitions of flows.
const DEFINITIONS_OF_FLOWS: &[Row] = &[
    (
        "alias bomb, depth, nodes, size: `flow.parse`",
        "flow/src/parse/tests/hostile.rs",
        "bombs_are_refused",
    ),
    (
        "tags, merge keys, tabs, BOM, several documents, equal keys, with their place",
        "flow/src/parse/tests/findings.rs",
        "text",
    ),
    (
        "invalid UTF-8: `flow.parse` with its place",
        "keyway/tests/it/flow.rs",
        "a_text_that_is_no_utf_8_is_told_with_its_place",
    ),
    (
        "unknown kind, unknown field, wrong DSL version: `flow.schema`, with the nearest name",
        "flow/src/parse/tests/findings.rs",
        "document",
    ),
    (
        "names of tasks: twice, empty, reserved, line breaks",
        "flow/src/parse/tests/findings.rs",
        "tasks",
    ),
    (
        "names of tasks like paths, commands, expressions: labels",
        "flow/tests/machine/data.rs",
        "a_name_is_a_label",
    ),
    (
        "`then` to nowhere, what is never reached, loops that never wait",
        "flow/src/parse/tests/findings.rs",
        "tasks",
    ),
    (
        "more than 100,000 rounds: `flow.limit`",
        "flow/tests/machine/limits.rs",
        "rounds_of_a_run",
    ),
    (
        "a jump back counts too",
        "flow/tests/machine/decisions.rs",
        "a_jump_back_is_a_loop_with_a_budget",
    ),
    (
        "flows that start flows: 16 deep",
        "engine/tests/it/running.rs",
        "flows_start_each_other_sixteen_deep",
    ),
    (
        "flows that events start: 16 deep, said by a run",
        "engine/tests/it/events.rs",
        "flows_that_events_start_are_cut_sixteen_deep",
    ),
    (
        "external resources, functions, catalogs: `flow.feature_disabled`",
        "flow/src/parse/tests/findings.rs",
        "calls",
    ),
    (
        "`run: script`, `shell`, `container`: `flow.feature_disabled`",
        "flow/src/parse/tests/schema.rs",
        "what_is_refused_is_named",
    ),
    (
        "what is refused has its line over HTTP too, and is not kept",
        "server/tests/it/flows.rs",
        "what_cannot_run_is_refused_with_its_line_and_not_kept",
    ),
    (
        "a literal that looks like a secret is warned of",
        "flow/src/parse/tests/findings.rs",
        "events_and_data",
    ),
    (
        "a change while runs are live",
        "engine/tests/it/running.rs",
        "a_run_stays_on_the_version_that_it_began_with",
    ),
    (
        "deleted while runs are live, in the store",
        "store/src/tests/flows.rs",
        "a_flow_is_switched_off_and_deleted_when_nothing_runs",
    ),
    (
        "deleted while runs are live: 409 `conflict.busy`",
        "server/tests/it/flows.rs",
        "a_flow_is_not_deleted_while_a_run_of_it_goes_on",
    ),
    (
        "connections as text: one wrong text of many changes nothing",
        "keyway/tests/it/documents.rs",
        "nothing_is_changed_when_one_of_many_texts_is_wrong",
    ),
    (
        "connections as text: what does not belong there, each with its code",
        "connect/tests/it/documents.rs",
        "a_text_that_can_not_be_meant_is_refused_with_its_own_words",
    ),
    (
        "connections as text: no secret in it",
        "connect/tests/it/documents.rs",
        "every_kind_of_connection_goes_into_text_and_comes_back",
    ),
    (
        "nothing panics, whatever the text",
        "flow/src/parse/tests/hostile.rs",
        "no_mutation_panics",
    ),
];

/// Expressions.
const EXPRESSIONS: &[Row] = &[
    (
        "syntax errors with their place, when a flow is saved",
        "flow/src/parse/tests/findings.rs",
        "expressions",
    ),
    (
        "closed functions: `expr.forbidden`",
        "expression/tests/it/refusals.rs",
        "what_is_closed",
    ),
    (
        "syntax and unknown names",
        "expression/tests/it/refusals.rs",
        "what_is_no_jq",
    ),
    (
        "endless programs end at the meter",
        "expression/tests/it/hostile.rs",
        "the_meter_stops_endless_programs",
    ),
    (
        "300 hostile expressions, none over 500 ms",
        "expression/tests/it/hostile.rs",
        "three_hundred_hostile_expressions",
    ),
    (
        "1,000 hostile inputs, none over 500 ms",
        "expression/tests/it/hostile.rs",
        "a_thousand_hostile_inputs",
    ),
    (
        "`expr.limit_cpu`, `expr.limit_memory` by the child's deadline and limits; others go on",
        "engine/tests/worker.rs",
        "runaways_are_killed_in_time_and_others_go_on",
    ),
    (
        "hostile expressions of flows leave other runs and the server alone",
        "flows/test_hostile.py",
        "test_hostile_expressions_leave_others_alone",
    ),
    (
        "`expr.limit_memory`, `expr.limit_output`, `expr.limit_depth`, `expr.raised`",
        "expression/tests/it/worker.rs",
        "failures_have_codes",
    ),
    (
        "patterns of more than 1 KiB: `expr.raised`",
        "expression/tests/it/reference.rs",
        "limits_are_those_of_the_code",
    ),
    (
        "an expression's fault, a limit too, is one that a flow can catch",
        "flow/tests/machine/trying.rs",
        "expression_and_validation_errors_are_caught_too",
    ),
    (
        "no output is null, several are an array; `error(null)`",
        "expression/tests/it/dialect.rs",
        "several_outputs_are_an_array_and_none_is_null",
    ),
    (
        "what is missing is null",
        "expression/tests/it/dialect.rs",
        "missing_parts_read_as_null_and_are_made_by_writing",
    ),
    (
        "numbers beyond 2^53",
        "expression/tests/it/dialect.rs",
        "keys_keep_their_order_and_integers_are_exact",
    ),
    (
        "-0, beyond 64 bits, 1e308*10: `expr.unrepresentable`; division by zero: `expr.raised`",
        "expression/tests/it/dialect.rs",
        "numbers_at_their_edges",
    ),
    (
        "all other numbers: as jq answers",
        "expression/tests/it/differences.rs",
        "answers_are_those_of_jq",
    ),
    (
        "what looks like an expression in data is data",
        "flow/tests/machine/data.rs",
        "data_is_never_evaluated",
    ),
    (
        "data in a path is encoded, in a header it has no line breaks (`header.forbidden`), as a host it gets no credential (`connection.origin_forbidden`)",
        "engine/tests/it/calls.rs",
        "data_in_an_address_stays_data",
    ),
    (
        "data is never a host",
        "flow/src/machine/uri.rs",
        "what_cannot_be_put_in_is_refused",
    ),
];

/// Webhooks.
const WEBHOOKS: &[Row] = &[
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

/// Schedules.
const SCHEDULES: &[Row] = &[
    (
        "six fields, every 5 seconds, 30 February, unknown zone",
        "flow/src/parse/tests/findings.rs",
        "faults_and_time",
    ),
    (
        "unknown zone",
        "flow/src/parse/tests/findings.rs",
        "document",
    ),
    (
        "a gap",
        "engine/src/schedule/tests.rs",
        "a_time_that_is_skipped_fires_at_the_end_of_the_gap",
    ),
    (
        "a gap, several times a day",
        "engine/src/schedule/tests.rs",
        "one_of_several_skipped_times_is_made_up_for_and_hourly_ones_go_on",
    ),
    (
        "a repeated hour",
        "engine/src/schedule/tests.rs",
        "a_time_that_comes_twice_fires_once",
    ),
    (
        "the years 2038 and 9999",
        "engine/src/schedule/tests.rs",
        "the_end_of_32_bits_is_a_day_as_any_and_the_end_of_time_is_an_end",
    ),
    (
        "a clock that jumps, restarts, six zones: each time once or reported",
        "engine/tests/it/month.rs",
        "a_month_of_schedules_has_each_time_once",
    ),
    (
        "off for long: at most one is made up for, the others are `missed`",
        "engine/src/schedule/tests.rs",
        "what_was_missed_is_said_and_at_most_one_is_made_up_for",
    ),
    (
        "what was missed is told over HTTP",
        "server/tests/it/flows.rs",
        "what_became_of_times_is_told",
    ),
    (
        "a flow that can not be read any more: missed, and not tried for ever",
        "engine/tests/it/schedules.rs",
        "a_flow_that_cannot_be_read_any_more_misses_its_time",
    ),
    (
        "many at 00:00",
        "engine/tests/it/schedules.rs",
        "midnight_is_no_stampede",
    ),
    (
        "overlap: skip",
        "engine/tests/it/schedules.rs",
        "a_time_is_skipped_while_the_last_run_goes",
    ),
    (
        "overlap: queue",
        "engine/tests/it/schedules.rs",
        "a_time_waits_for_the_end_of_the_last_run",
    ),
    (
        "overlap: parallel",
        "engine/tests/it/schedules.rs",
        "times_start_side_by_side_where_a_flow_says_so",
    ),
];

#[test]
fn every_row_has_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let all = [
        ANSWERS_OF_APIS,
        DEFINITIONS_OF_FLOWS,
        EXPRESSIONS,
        WEBHOOKS,
        SCHEDULES,
    ];
    for (what, file, test) in all.concat() {
        let (below, opening) = match file.rsplit_once('.') {
            Some((_, "py")) => ("tests", format!("def {test}(")),
            Some((_, "mjs")) => ("console/tests", format!("test(\"{test}\",")),
            _ => ("crates", format!("fn {test}(")),
        };
        let path = root.join(below).join(file);
        let source =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(source.contains(&opening), "{what}: {file} has no {test}");
    }
}
