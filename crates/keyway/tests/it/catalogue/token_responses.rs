//! Answers of token endpoints.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    (
        "HTML, nothing, cut JSON, an array, BOM, UTF-16, a wrong type: `idp.bad_response`, three tries, the old tokens kept",
        "connect/tests/it/token_answers.rs",
        "no_token_response_is_idp_bad_response_tried_thrice",
    ),
    (
        "no access token, an empty one, 1 MB, a line break in it: `idp.bad_response`",
        "connect/tests/it/token_answers.rs",
        "no_access_token_is_idp_bad_response",
    ),
    (
        "64 KiB, at the edge",
        "oauth/src/token/tests.rs",
        "the_size_limit",
    ),
    (
        "`token_type`: missing and bearer in any case are taken, others are `idp.token_type`",
        "connect/tests/it/token_answers.rs",
        "token_type_is_bearer_in_any_case_else_idp_token_type",
    ),
    (
        "`expires_in`: missing, as text, a fraction, 1e18",
        "connect/tests/it/token_answers.rs",
        "expires_in_in_every_shape",
    ),
    (
        "`expires_in`: nothing, negative: expired, no loop",
        "connect/tests/it/token_answers.rs",
        "a_life_of_nothing_is_expired_without_a_loop",
    ),
    (
        "`expires_in` that was not told: renewed at a 401",
        "connect/tests/it/token_answers.rs",
        "a_life_that_was_not_told_ends_by_a_401",
    ),
    (
        "no new refresh token, or the same: the one that there is",
        "connect/tests/it/token_answers.rs",
        "a_refresh_token_that_is_not_replaced_is_kept",
    ),
    (
        "a narrower scope: stored, told as `scope.reduced`",
        "connect/tests/it/token_answers.rs",
        "a_narrower_scope_is_stored_and_told_as_scope_reduced",
    ),
    (
        "`invalid_grant`: `needs_user`, told once, no loop, the credential kept",
        "connect/tests/it/token_answers.rs",
        "invalid_grant_is_needs_user_told_once_and_the_credential_is_kept",
    ),
    (
        "`invalid_grant` after somebody else renewed: the new token is used",
        "connect/tests/it/renewal.rs",
        "the_loser_of_a_race_reads_again_and_clears_nothing",
    ),
    (
        "`invalid_client`, AADSTS7000215, 7000222: `needs_secret`, the Value named",
        "connect/tests/it/token_answers.rs",
        "invalid_client_is_needs_secret_and_names_the_value",
    ),
    (
        "`interaction_required` with claims: `needs_user`; the next sign-in has them",
        "connect/tests/it/token_answers.rs",
        "interaction_required_carries_its_claims_into_the_next_sign_in",
    ),
    (
        "429 and 503 with `Retry-After`: seconds, a date, absurd, negative",
        "connect/tests/it/token_answers.rs",
        "retry_after_is_honoured_up_to_an_hour",
    ),
    (
        "a terminal error behind a status to retry",
        "connect/tests/it/token_answers.rs",
        "a_terminal_error_is_not_hidden_behind_a_status_to_retry",
    ),
    (
        "a redirect: `idp.redirect`, nothing is sent on",
        "connect/tests/it/token_answers.rs",
        "a_redirect_is_refused_as_idp_redirect_and_nothing_is_sent_on",
    ),
    (
        "no answer, one byte at a time, a reset after the headers: the intent stays open",
        "connect/tests/it/token_answers.rs",
        "no_answer_in_time_leaves_the_intent_open",
    ),
    (
        "an intent that stayed open: the old token is tried once",
        "connect/tests/it/renewal.rs",
        "after_a_crash_with_an_open_intent_the_old_token_is_tried_once",
    ),
    (
        "markup, escapes, our own secret in `error_description`: cleaned, not judged by",
        "connect/tests/it/token_answers.rs",
        "what_a_provider_says_is_cleaned_and_repeats_no_secret",
    ),
];
