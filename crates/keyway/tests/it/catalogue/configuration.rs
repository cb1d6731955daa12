//! The configuration, and what a start finds.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    (
        "unknown keys: `config.invalid` with the nearest name",
        "keyway/src/config/tests.rs",
        "a_mistyped_key_is_refused_with_the_nearest_name",
    ),
    (
        "wrong types and values: listed together, no password repeated",
        "keyway/src/config/tests.rs",
        "wrong_types_and_values_are_listed_together",
    ),
    (
        "all complaints at once, 5 `config.invalid`; nothing is made",
        "keyway/tests/it/configuration.rs",
        "every_complaint_is_listed_at_once",
    ),
    (
        "what is no TOML: the line, without its text",
        "keyway/src/config/tests.rs",
        "a_file_that_is_no_toml_is_told_by_line_without_its_text",
    ),
    (
        "the key: missing (`key.missing`), short or no base64 (`key.format`), open to others (`key.permissions`), another one (`key.wrong`): 8, and which",
        "keyway/tests/it/configuration.rs",
        "the_key_file_must_be_private_whole_and_the_right_one",
    ),
    (
        "the key: why it is none",
        "store/src/vault/tests.rs",
        "a_file_without_a_key_is_refused_and_says_why",
    ),
    (
        "the key: wrong or missing on PostgreSQL",
        "store/src/tests/opening.rs",
        "a_wrong_or_missing_key_is_refused_on_postgresql_too",
    ),
    (
        "set in the file and by a variable: `config.invalid`",
        "keyway/src/config/tests.rs",
        "the_same_setting_in_file_and_environment_is_refused",
    ),
    (
        "a public URL with http that is not this machine: `config.invalid`",
        "keyway/src/config/tests.rs",
        "sign_ins_never_travel_in_the_clear",
    ),
    (
        "an address that others reach, without TLS: `config.invalid`",
        "keyway/tests/it/configuration.rs",
        "an_address_others_can_reach_is_refused_without_tls",
    ),
    (
        "a busy port: 6 `listen.busy`",
        "keyway/tests/it/configuration.rs",
        "a_busy_port_is_named",
    ),
    (
        "a data directory that is missing: made, for its owner alone",
        "keyway/tests/it/configuration.rs",
        "a_data_directory_that_is_missing_is_made_for_its_owner_alone",
    ),
    (
        "a data directory that cannot be made: 8 `storage_error`",
        "keyway/tests/it/configuration.rs",
        "a_data_directory_that_cannot_be_is_8",
    ),
    (
        "a data directory on a network file system: a warning",
        "keyway/src/app.rs",
        "a_network_file_system_is_known_by_its_mount",
    ),
    (
        "two servers on one data directory: 9 `store.locked`",
        "keyway/tests/it/configuration.rs",
        "one_server_serves_one_data_directory",
    ),
    (
        "PostgreSQL that stays away: 8 after thirty seconds",
        "keyway/tests/it/configuration.rs",
        "a_database_server_that_stays_away_is_8_after_thirty_seconds",
    ),
    (
        "PostgreSQL that is too old; `fsync`, `full_page_writes`, `synchronous_commit` off: `store.unsafe`, and which",
        "store/src/pool/postgres.rs",
        "settings_that_lose_what_was_acknowledged_and_old_servers_are_refused",
    ),
    (
        "PostgreSQL with such a setting: nothing is made in it",
        "store/src/tests/opening.rs",
        "unsafe_settings_of_postgresql_are_refused",
    ),
    (
        "a schema that is newer (`store.schema_too_new`) or not ours (`store.schema_changed`): refused, never downgraded",
        "store/src/tests/opening.rs",
        "a_newer_or_different_schema_is_refused",
    ),
];
