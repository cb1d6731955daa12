//! Definitions of flows.

use super::Row;

pub(super) const ROWS: &[Row] = &[
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
