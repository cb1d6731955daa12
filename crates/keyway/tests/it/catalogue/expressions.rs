//! Expressions.

use super::Row;

pub(super) const ROWS: &[Row] = &[
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
