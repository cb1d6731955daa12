//! What comes back from a provider to the callback.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    (
        "`state`: missing, empty, unknown, long, used: 400 `oauth.state_invalid`, no token request",
        "server/tests/it/callback.rs",
        "a_state_that_is_not_ours_is_refused",
    ),
    (
        "over their ten minutes: a `state`: `oauth.state_invalid`, a ticket: `oauth.ticket_invalid`",
        "server/tests/it/callback.rs",
        "a_state_grows_old",
    ),
    (
        "`state`: cut, longer, in other letters, twice",
        "interop/test_matrix.py",
        "test_a_callback_that_is_not_the_answer",
    ),
    (
        "another browser, another person who is signed in: 400 `oauth.session_mismatch`",
        "server/tests/it/callback.rs",
        "another_browser_or_another_person_is_refused",
    ),
    (
        "cookies that were made up, another connection's callback, a preset's",
        "interop/test_matrix.py",
        "test_an_answer_that_comes_another_way",
    ),
    (
        "the callback of another connection: 400 `oauth.connection_mismatch`",
        "server/tests/it/callback.rs",
        "a_connections_callback_is_its_own",
    ),
    (
        "settings that were changed meanwhile: `oauth.connection_changed`",
        "connect/tests/it/sign_in.rs",
        "what_must_not_be_redeemed",
    ),
    (
        "`iss` wrong, or missing though promised: `oauth.issuer_mismatch`",
        "connect/tests/it/sign_in.rs",
        "an_issuer_that_is_wrong_or_missing_though_promised_is_oauth_issuer_mismatch",
    ),
    (
        "`code` and `error`, two of one, ten KiB, a post: 400 `oauth.callback_invalid`; a look (HEAD) spends nothing",
        "server/tests/it/callback.rs",
        "odd_callbacks_are_refused",
    ),
    (
        "a query at its edges: `oauth.callback_invalid`",
        "oauth/src/callback/tests.rs",
        "what_is_refused",
    ),
    (
        "a fragment, a form post by another site: no token request",
        "interop/test_matrix.py",
        "test_an_answer_that_comes_another_way",
    ),
    (
        "`access_denied`, `consent_required`, AADSTS65001, 90094, `server_error`: the provider's code as text, the way back, the connection as it was",
        "server/tests/it/callback_errors.rs",
        "each_refusal_is_told_with_the_providers_code_and_changes_nothing",
    ),
    (
        "scripts and escapes in what a provider says: text",
        "server/tests/it/callback.rs",
        "a_refusal_is_shown_as_text_with_the_way_on",
    ),
    (
        "an exchange that fails: `oauth.exchange_failed`; the state is spent, the old tokens serve",
        "server/tests/it/callback_errors.rs",
        "an_unfit_exchange_spends_the_state_and_keeps_the_old_tokens",
    ),
    (
        "an exchange without an answer: the same",
        "connect/tests/it/sign_in.rs",
        "an_exchange_that_times_out_spends_the_state_and_keeps_the_old_tokens",
    ),
    (
        "a role that was lost meanwhile: 403",
        "server/tests/it/callback.rs",
        "whoever_begins_must_still_be_allowed_at_the_end",
    ),
    (
        "twice at the same time: one exchange",
        "server/tests/it/callback.rs",
        "two_callbacks_at_once_are_one_exchange",
    ),
    (
        "`return_to` elsewhere: ignored",
        "server/tests/it/callback.rs",
        "where_to_return_is_not_for_the_link_to_say",
    ),
    (
        "the page of a success: no token, `no-referrer`, `no-store`",
        "server/tests/it/callback_errors.rs",
        "the_page_of_a_success_holds_no_token_and_is_not_kept",
    ),
    (
        "a ticket that was used: `oauth.ticket_invalid`",
        "server/tests/it/callback.rs",
        "another_browser_or_another_person_is_refused",
    ),
];
