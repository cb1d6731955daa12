//! Schedules.

use super::Row;

pub(super) const ROWS: &[Row] = &[
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
