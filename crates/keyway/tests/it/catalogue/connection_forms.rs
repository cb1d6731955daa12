//! Forms of connections, as a person or a program fills them in.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    (
        "URLs: http, `javascript:`, `file:`, user information, a fragment, no host, a blank, a line break, NUL, more than 2,048 characters: `connection.url_invalid`, the field named",
        "server/tests/it/bad_input.rs",
        "urls_of_a_connection",
    ),
    (
        "the authorization endpoint and allowed origins too: `connection.url_invalid`",
        "connect/tests/it/forms.rs",
        "what_is_refused_and_where",
    ),
    (
        "http: on this machine alone, and where the operator opened it",
        "connect/src/guard/tests.rs",
        "loopback_opens_loopback_and_nothing_else",
    ),
    (
        "private, loopback and metadata addresses, however they are written: `egress.address_forbidden`",
        "connect/src/guard/tests.rs",
        "the_default_denies_everything_that_is_not_public",
    ),
    (
        "such an address as a form is saved: 400 `egress.address_forbidden`, the field named",
        "server/tests/it/bad_input.rs",
        "urls_of_a_connection",
    ),
    (
        "such an address at a later connect, as a number or behind a name: `egress.address_forbidden`",
        "connect/tests/it/calls.rs",
        "an_allowed_origin_on_a_forbidden_address_is_refused_when_connecting",
    ),
    (
        "a name with a public address and a private one (wildcard DNS): `egress.address_forbidden`",
        "connect/src/guard/tests.rs",
        "a_name_is_judged_by_all_its_addresses",
    ),
    (
        "the refusal has the line of `egress.allow` that would allow it",
        "connect/src/guard/tests.rs",
        "the_refusal_prints_the_line_that_would_allow_it",
    ),
    (
        "a token endpoint on another site: `connection.token_endpoint_foreign`; confirmed: stored, both sites told beside each other",
        "server/tests/it/connection_forms.rs",
        "a_token_endpoint_on_another_site_is_confirmed_and_shown_beside_the_other",
    ),
    (
        "a device authorization endpoint on another site: `connection.token_endpoint_foreign`",
        "connect/tests/it/devices.rs",
        "a_provider_that_gives_no_code_is_explained",
    ),
    (
        "scopes: empty, commas, line breaks, other letters, `.default` with others: `scope.empty`, `scope.separator`, `scope.non_ascii`, `scope.default_mixed` with the correct form",
        "server/tests/it/connection_forms.rs",
        "scopes_that_are_refused_with_the_correct_form",
    ),
    (
        "scopes: twice the same name, no `offline_access`: the warnings `scope.duplicate`, `scope.no_refresh`",
        "server/tests/it/connection_forms.rs",
        "scopes_that_are_warned_of",
    ),
    (
        "scopes with commas where commas may be meant: a warning",
        "server/tests/it/bad_input.rs",
        "what_may_be_meant_is_stored_with_a_warning",
    ),
    (
        "each kind of scope, with its correction",
        "oauth/src/scope/lint/tests.rs",
        "delegated_scopes_that_need_advice",
    ),
    (
        "the console says the same of a scope as it is typed",
        "oauth/src/scope/lint/tests.rs",
        "the_console_says_the_same",
    ),
    (
        "a secret with white space around it or a line break: `secret.whitespace`, nothing trimmed, nothing repeated",
        "server/tests/it/bad_input.rs",
        "fields_of_a_connection",
    ),
    (
        "a secret with a character without width: `secret.whitespace`",
        "connect/tests/it/forms.rs",
        "what_is_refused_and_where",
    ),
    (
        "a GUID in the place of a secret: stored with the warning `secret.looks_like_id`",
        "server/tests/it/bad_input.rs",
        "what_may_be_meant_is_stored_with_a_warning",
    ),
    (
        "the Secret ID, once the provider has refused it",
        "connect/tests/it/diagnoses.rs",
        "secret_id_pasted",
    ),
    (
        "headers: `Host`, lengths, `Cookie`, `Proxy-*`, line breaks, what is no name: `header.forbidden`",
        "server/tests/it/bad_input.rs",
        "fields_of_a_connection",
    ),
    (
        "a header's value with a line break: `header.forbidden`",
        "connect/tests/it/forms.rs",
        "what_is_refused_and_where",
    ),
    (
        "the same of a call, and `Authorization`: `header.forbidden`",
        "connect/tests/it/calls.rs",
        "bodies_methods_and_headers",
    ),
    (
        "`Authorization` as a connection's own header is taken",
        "server/tests/it/connection_forms.rs",
        "a_name_is_no_address_and_a_connection_may_have_its_own_authorization",
    ),
    (
        "another base URL, origin, client, tenant, cloud, grant or endpoint: secrets and tokens are wiped, `needs_secret`",
        "connect/tests/it/forms.rs",
        "moving_a_secret_wipes_it_and_says_so",
    ),
    (
        "another type: what belonged to the old one is wiped",
        "connect/tests/it/forms.rs",
        "editors_names_and_types",
    ),
    (
        "the answer over HTTP says what was wiped",
        "server/tests/it/walk.rs",
        "a_change_of_where_the_secret_goes_wipes_it",
    ),
    (
        "every change has its audit row",
        "store/src/tests/audited.rs",
        "every_change_leaves_its_row",
    ),
    (
        "names: empty, 300 characters, RTL override, markup, `../x`: `connection.name_invalid`",
        "server/tests/it/bad_input.rs",
        "fields_of_a_connection",
    ),
    (
        "names: emoji: `connection.name_invalid`; an id has nothing of the name",
        "server/tests/it/connection_forms.rs",
        "a_name_is_no_address_and_a_connection_may_have_its_own_authorization",
    ),
    (
        "a name that is taken, in other letters: 409 `connection.name_taken`",
        "server/tests/it/bad_input.rs",
        "what_may_be_meant_is_stored_with_a_warning",
    ),
    (
        "stored names are shown as text",
        "browser/payloads.test.mjs",
        "stored names, and what providers say",
    ),
    (
        "bodies: unknown fields, wrong types, arrays for strings, equal keys, null, 1e400: `body.invalid` with a pointer",
        "server/tests/it/bad_input.rs",
        "bodies",
    ),
    (
        "two editors at once: 409 `conflict.version`; without `If-Match`: 428",
        "server/tests/it/limits.rs",
        "a_change_names_its_version",
    ),
    (
        "deleted while flows name it: 409 `connection.in_use` with the flows; by force: their runs say that it is gone",
        "server/tests/it/connection_forms.rs",
        "a_connection_in_use_is_deleted_by_force_alone_and_runs_say_that_it_is_gone",
    ),
    (
        "the tokens of a deleted one are revoked where the provider offers that (RFC 7009)",
        "connect/tests/it/secrets.rs",
        "a_deleted_connections_token_is_revoked_where_that_is_offered",
    ),
];
