//! The database file, the disk, memory, and what a process is given.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    (
        "pages flipped or zeroed, the header zeroed, cut, another file: `store.corrupt` with the command that restores; left as it is",
        "store/src/tests/opening.rs",
        "a_damaged_file_is_refused_and_left_untouched",
    ),
    (
        "a damaged file, on the command line: 8, never overwritten",
        "keyway/tests/it/configuration.rs",
        "a_damaged_database_is_left_alone",
    ),
    (
        "the file of another program: `store.corrupt`",
        "store/src/tests/opening.rs",
        "a_database_of_another_program_is_refused",
    ),
    (
        "the log (WAL) deleted: not made anew, nor with another key; what is lost shows against a checkpoint",
        "store/src/tests/opening.rs",
        "a_database_whose_log_is_gone_is_not_made_anew",
    ),
    (
        "the log's index (`-shm`) spoiled: nothing is lost",
        "store/src/tests/opening.rs",
        "a_spoiled_index_of_the_log_loses_nothing",
    ),
    (
        "secrets that were moved or damaged: that connection is `unreadable`, no other; audited",
        "store/src/tests/secrecy.rs",
        "moved_or_damaged_secrets_make_one_connection_unreadable_and_no_other",
    ),
    (
        "tokens of another row, generation or old backup: `unreadable`, cured by a sign-in",
        "store/src/tests/tokens.rs",
        "an_envelope_of_another_row_generation_or_day_is_unreadable",
    ),
    (
        "every flipped bit of a sealed value",
        "store/src/vault/tests.rs",
        "every_flipped_bit_is_detected",
    ),
    (
        "a trigger, a view, another table or column: `store.schema_changed`",
        "store/src/tests/opening.rs",
        "a_trigger_a_view_or_another_table_is_refused",
    ),
    (
        "an older state restored: shows against a checkpoint",
        "store/src/tests/chain.rs",
        "going_back_to_an_older_state_shows_against_a_checkpoint",
    ),
    (
        "the disk is full: `storage_full`, reads go on, heals without a restart",
        "store/src/tests/pool.rs",
        "a_full_disk_refuses_changes_and_heals_without_a_restart",
    ),
    (
        "the file system fails, is read-only, has no more inodes: `storage_error`; a failed fsync ends all writing, not reading",
        "store/src/pool/sqlite.rs",
        "trouble_of_the_file_system_has_its_code_and_a_failed_fsync_ends_all_writing",
    ),
    (
        "the power is cut: what was acknowledged is there",
        "flows/test_power_loss.py",
        "test_what_was_acknowledged_outlasts_a_power_cut",
    ),
    (
        "SIGTERM: what runs ends, 0",
        "keyway/tests/it/serve.rs",
        "the_first_signal_lets_a_running_call_end",
    ),
    (
        "a second SIGTERM: ends at once",
        "keyway/tests/it/serve.rs",
        "the_second_signal_ends_at_once",
    ),
    (
        "killed, as by want of memory: nothing is lost, nothing done twice",
        "flows/test_crashes.py",
        "test_two_hundred_kills_lose_nothing_and_repeat_nothing",
    ),
    (
        "killed during a renewal",
        "e2e/test_rotation.py",
        "test_a_crash_at_any_point_of_a_renewal_loses_nothing_unnoticed",
    ),
    (
        "a database server that goes away and comes back",
        "store/src/tests/pool.rs",
        "a_lost_connection_is_opened_again",
    ),
    (
        "64 open files, the locale C, no folder for temporary files: it starts",
        "keyway/tests/it/serve.rs",
        "a_server_starts_where_there_is_little",
    ),
];
