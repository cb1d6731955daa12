//! The command line.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    (
        "a secret as an argument: 2 `cli.usage` with the option that takes a file; not repeated",
        "keyway/tests/it/secrets.rs",
        "a_secret_on_the_command_line_is_refused_unrepeated",
    ),
    (
        "a secret's file that others may read: 5 `secret.file_permissions`",
        "keyway/tests/it/secrets.rs",
        "a_file_others_may_read_is_refused",
    ),
    (
        "an API key's file that others may read: 5 `secret.file_permissions`",
        "keyway/tests/it/command_line.rs",
        "a_key_file_that_others_may_read_is_refused",
    ),
    (
        "a secret that is missing, and no terminal: 2 `cli.usage`",
        "keyway/tests/it/secrets.rs",
        "without_a_terminal_a_missing_secret_is_not_waited_for",
    ),
    (
        "deleting without `--yes`, and no terminal: 2 `cli.usage`",
        "keyway/tests/it/connection.rs",
        "deleting_is_confirmed",
    ),
    (
        "a server of a newer or older release: told with its version",
        "keyway/tests/it/command_line.rs",
        "a_server_of_another_release_is_told",
    ),
    (
        "a reader that goes away: quiet",
        "keyway/tests/it/command_line.rs",
        "a_reader_that_goes_away_is_no_error",
    ),
    (
        "escapes for a terminal in names: written out",
        "keyway/tests/it/command_line.rs",
        "nothing_colours_what_is_not_a_terminal",
    ),
    (
        "escapes for a terminal, characters that reorder text",
        "keyway/src/ui/escape.rs",
        "escapes_cannot_reach_the_terminal",
    ),
    (
        "escapes for a terminal in an API's answer",
        "keyway/tests/it/call.rs",
        "a_table_fits_and_steers_nothing",
    ),
    (
        "`--json`: one document, for wrong usage too",
        "keyway/tests/it/command_line.rs",
        "wrong_usage_is_2_with_a_problem_on_stdout_if_json_is_asked",
    ),
    (
        "`--json`: one document, from a server that is none too: 7 `client.*`",
        "keyway/tests/it/command_line.rs",
        "what_is_no_keyway_server_is_7",
    ),
    (
        "many texts, one of them wrong: nothing is changed",
        "keyway/tests/it/documents.rs",
        "nothing_is_changed_when_one_of_many_texts_is_wrong",
    ),
    (
        "many texts, cut off in the middle: all or nothing",
        "store/src/tests/audited.rs",
        "a_transaction_that_fails_leaves_neither_change_nor_row",
    ),
    (
        "whoever began goes away: the change is whole",
        "store/src/tests/pool.rs",
        "a_caller_that_goes_away_leaves_the_change_whole",
    ),
    (
        "`NO_COLOR`, a terminal without colours: none",
        "e2e/test_terminal.py",
        "test_a_terminal_that_wants_no_colours_gets_none",
    ),
    (
        "wide characters: 80 columns all the same",
        "keyway/src/ui/table.rs",
        "tables_fit_eighty_columns",
    ),
    (
        "80 columns",
        "keyway/tests/it/connection.rs",
        "what_a_person_reads_fits_eighty_columns",
    ),
    (
        "no server there: 7 `client.unreachable` within ten seconds",
        "keyway/tests/it/command_line.rs",
        "a_server_that_is_not_there_is_7_within_ten_seconds",
    ),
    (
        "what is not there: 3",
        "keyway/tests/it/command_line.rs",
        "what_is_not_there_is_3",
    ),
];
