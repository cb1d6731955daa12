//! The cases that are no number of Entra's: the standard's error words, answers that are no token, and our own findings.

use super::{Case, Finding};
use crate::{Action, State, Who};

/// The suggestion is filled in from the connection's own scope.
const CHANGE_SCOPE: Action = Action::ChangeScope { suggestion: None };

/// The case of an error word of RFC 6749 §4.1.2.1 and §5.2, `OpenID` Connect Core §3.1.2.6 or RFC 8707 §2.
pub(super) fn word(error: &str) -> &'static Case {
    WORDS
        .iter()
        .find(|(words, _)| words.contains(&error))
        .map_or(&REFUSED, |(_, case)| case)
}

/// The case of a finding.
pub(super) fn finding(finding: Finding) -> &'static Case {
    match finding {
        Finding::NeverAuthorized => &NEVER_AUTHORIZED,
        Finding::AuthorizationAbandoned => &ABANDONED,
        Finding::DeviceCodeExpired => word("expired_token"),
        Finding::NoRoles => &NO_ROLES,
        Finding::NoRefreshToken => &NO_REFRESH,
        Finding::RenewalOutcomeUnknown => &RENEWAL_UNKNOWN,
        Finding::SecretMissing => &SECRET_MISSING,
        Finding::CredentialRefused => &CREDENTIAL_REFUSED,
        Finding::CertificateMissing => &CERTIFICATE_MISSING,
        Finding::PrivateKeyMissing => &PRIVATE_KEY_MISSING,
        Finding::SecretIsId => &SECRET_IS_ID,
        Finding::Unreadable => &UNREADABLE,
    }
}

static WORDS: &[(&[&str], Case)] = &[
    (
        &["invalid_client"],
        Case {
            code: "client.refused",
            state: State::NeedsSecret,
            who: Who::You,
            action: Action::ReplaceSecret,
            what: "The provider did not accept the client (invalid_client).",
            why: "The client id or client secret is wrong or has expired, or the provider wants another client authentication method.",
            advice: "Compare client id and client authentication with the provider's page about your client, and enter the secret again.",
        },
    ),
    (
        &["invalid_grant"],
        Case {
            code: "grant.invalid",
            state: State::NeedsUser,
            who: Who::SignedInPerson,
            action: Action::Reauthorize,
            what: "The provider no longer accepts this sign-in (invalid_grant).",
            why: "The authorization code or refresh token has expired, was revoked or was used already.",
            advice: "Sign in again.",
        },
    ),
    (
        &["expired_token"],
        Case {
            code: "device.expired",
            state: State::NeedsUser,
            who: Who::SignedInPerson,
            action: Action::Reauthorize,
            what: "Nobody typed the code in time.",
            why: "A user code lives for some minutes only, often fifteen; the sign-in must be finished before it ends.",
            advice: "Begin the sign-in again and type the new code.",
        },
    ),
    (
        &["bad_verification_code"],
        Case {
            code: "device.code_unknown",
            state: State::NeedsUser,
            who: Who::SignedInPerson,
            action: Action::Reauthorize,
            what: "The provider does not know the device code.",
            why: "It was made for another client or by another server, or it ended long ago.",
            advice: "Begin the sign-in again and type the new code.",
        },
    ),
    (
        &["unauthorized_client"],
        Case {
            code: "client.unauthorized",
            state: State::NeedsSettings,
            who: Who::AppOwner,
            action: Action::Retry,
            what: "The client may not use this grant (unauthorized_client).",
            why: "The client is registered without the grant that this connection uses.",
            advice: "Where the client is registered, its owner allows the grant; or the connection uses the other grant. Then test again.",
        },
    ),
    (
        &["unsupported_grant_type"],
        Case {
            code: "grant.unsupported",
            state: State::NeedsSettings,
            who: Who::You,
            action: Action::ReplaceConnection,
            what: "The provider does not know this grant (unsupported_grant_type).",
            why: "Its token endpoint offers other grants than the one that this connection uses.",
            advice: "Check the token endpoint; if it is right, make the connection anew with the other grant.",
        },
    ),
    (
        &["unsupported_response_type"],
        Case {
            code: "response_type.unsupported",
            state: State::NeedsSettings,
            who: Who::AppOwner,
            action: Action::Retry,
            what: "The provider does not give authorization codes to this client (unsupported_response_type).",
            why: "The client is registered without the authorization code grant (response type code).",
            advice: "Where the client is registered, its owner allows the authorization code grant. Then sign in again.",
        },
    ),
    (
        &["invalid_scope"],
        Case {
            code: "scope.invalid",
            state: State::NeedsSettings,
            who: Who::You,
            action: CHANGE_SCOPE,
            what: "The provider did not accept the scope (invalid_scope).",
            why: "A name in it is unknown, misspelt, or more than this client may ask for.",
            advice: "Compare the scope with the provider's list, and separate names by single spaces.",
        },
    ),
    (
        &["invalid_resource", "invalid_target"],
        Case {
            code: "resource.unknown",
            state: State::NeedsSettings,
            who: Who::You,
            action: CHANGE_SCOPE,
            what: "The provider does not know the API that was asked for.",
            why: "The resource in the scope or in the parameters is mistyped, or not there for this client.",
            advice: "Check the resource in the scope.",
        },
    ),
    (
        &["invalid_tenant"],
        Case {
            code: "tenant.unknown",
            state: State::NeedsSettings,
            who: Who::You,
            action: Action::ChangeTenant,
            what: "The provider knows no tenant of this name.",
            why: "The tenant id or domain in the endpoints is mistyped.",
            advice: "Copy Directory (tenant) ID from the app registration's Overview page.",
        },
    ),
    (
        // the second word is Entra's, at the end of a device code
        &["access_denied", "authorization_declined"],
        Case {
            code: "consent.declined",
            state: State::NeedsUser,
            who: Who::SignedInPerson,
            action: Action::Reauthorize,
            what: "Access was denied (access_denied).",
            why: "The person declined the permissions, or a rule of the provider forbids them.",
            advice: "Sign in again and accept the permissions; if that is not offered, ask an administrator.",
        },
    ),
    (
        &["consent_required"],
        Case {
            code: "consent.missing",
            state: State::NeedsUser,
            who: Who::SignedInPerson,
            action: Action::Reauthorize,
            what: "Nobody has consented to what this connection asks for (consent_required).",
            why: "At least one permission (scope) has no consent yet.",
            advice: "Sign in again and accept the permissions.",
        },
    ),
    (
        &[
            "interaction_required",
            "login_required",
            "account_selection_required",
        ],
        Case {
            code: "session.interaction",
            state: State::NeedsUser,
            who: Who::SignedInPerson,
            action: Action::Reauthorize,
            what: "The provider wants the person to sign in again.",
            why: "A policy or an ended session asks for something that can't be done without the person.",
            advice: "Sign in again.",
        },
    ),
    (
        &["invalid_request"],
        Case {
            code: "request.invalid",
            state: State::NeedsSettings,
            who: Who::You,
            action: Action::Retry,
            what: "The provider did not accept the request (invalid_request).",
            why: "A setting or an extra parameter of this connection is wrong or missing; the provider's own words below may name it.",
            advice: "Correct what the provider names, and test again.",
        },
    ),
    (
        &["server_error", "temporarily_unavailable"],
        Case {
            code: "provider.unavailable",
            state: State::Degraded,
            who: Who::Provider,
            action: Action::Retry,
            what: "The provider is in trouble.",
            why: "It says itself that it can't answer now.",
            advice: "Nothing to do: Keyway tries again by itself.",
        },
    ),
    (
        &["slow_down"],
        Case {
            code: "provider.throttled",
            state: State::Waiting,
            who: Who::Nobody,
            action: Action::Wait,
            what: "The provider asks to slow down.",
            why: "Too many token requests came in a short time.",
            advice: "Nothing to do: Keyway waits, and goes on.",
        },
    ),
];

static REFUSED: Case = Case {
    code: "provider.refused",
    state: State::NeedsSettings,
    who: Who::You,
    action: Action::Retry,
    what: "The provider refused, with an error that Keyway does not know.",
    why: "Only the provider's own words, below, say why.",
    advice: "Correct what the provider names, and test again.",
};

pub(super) static BAD_RESPONSE: Case = Case {
    code: "idp.bad_response",
    state: State::Degraded,
    who: Who::Provider,
    action: Action::Retry,
    what: "The token endpoint answered with something that is no token response.",
    why: "The token endpoint's URL may be another page, or something between Keyway and the provider (a proxy, a portal) answered in its place.",
    advice: "Check the token endpoint's URL. Keyway keeps the tokens that it has, and tries again.",
};

pub(super) static TOKEN_TYPE: Case = Case {
    code: "idp.token_type",
    state: State::NeedsSettings,
    who: Who::Provider,
    action: Action::ChangeEndpoint,
    what: "The provider gave a token of a type that Keyway can't use.",
    why: "Keyway uses bearer tokens (RFC 6750) only.",
    advice: "Where the client is registered, choose bearer tokens; check the token endpoint's URL.",
};

pub(super) static REDIRECT: Case = Case {
    code: "idp.redirect",
    state: State::NeedsSettings,
    who: Who::You,
    action: Action::ChangeEndpoint,
    what: "The token endpoint answered with a redirect.",
    why: "Keyway never sends a secret on to another address; a token endpoint does not redirect.",
    advice: "Enter the token endpoint's final URL; often the host or the scheme of the one that is set is outdated.",
};

pub(super) static THROTTLED: Case = Case {
    code: "provider.throttled",
    state: State::Waiting,
    who: Who::Nobody,
    action: Action::Wait,
    what: "The token endpoint asks to come back later.",
    why: "Too many requests came from this client or tenant in a short time, or the provider is being serviced.",
    advice: "Nothing to do: Keyway waits as long as it was asked to, and goes on.",
};

pub(super) static UNAVAILABLE: Case = Case {
    code: "provider.unavailable",
    state: State::Degraded,
    who: Who::Provider,
    action: Action::Retry,
    what: "The token endpoint can't answer now.",
    why: "The provider is in trouble.",
    advice: "Nothing to do: Keyway tries again by itself.",
};

pub(super) static EXPIRED: Case = Case {
    code: "oauth.state_invalid",
    state: State::NeedsUser,
    who: Who::SignedInPerson,
    action: Action::Reauthorize,
    what: "The sign-in took too long.",
    why: "An authorization that was begun is good for ten minutes.",
    advice: "Begin the sign-in again.",
};

pub(super) static STATE: Case = Case {
    code: "oauth.state_invalid",
    state: State::NeedsUser,
    who: Who::SignedInPerson,
    action: Action::Reauthorize,
    what: "The answer belongs to no sign-in that Keyway began.",
    why: "Its state is missing, unknown or used already; that also stops somebody who slips in an answer of their own.",
    advice: "Begin the sign-in again, and don't reload the page that it ends on.",
};

pub(super) static MALFORMED: Case = Case {
    code: "oauth.callback_invalid",
    state: State::NeedsUser,
    who: Who::SignedInPerson,
    action: Action::Reauthorize,
    what: "The provider's answer to the sign-in can't be used.",
    why: "It has neither a code nor an error, or a parameter twice, or both.",
    advice: "Begin the sign-in again; if it happens again, check the authorization endpoint's URL.",
};

pub(super) static ISSUER: Case = Case {
    code: "oauth.issuer_mismatch",
    state: State::NeedsSettings,
    who: Who::You,
    action: Action::ChangeEndpoint,
    what: "Another provider answered than the one that was asked.",
    why: "The issuer (iss, RFC 9207) tells which authorization server answered. A wrong one means wrong settings or a mix-up attack, so the code was not used.",
    advice: "Compare the connection's issuer and endpoints with the provider's metadata, then sign in again.",
};

pub(super) static ID_TOKEN: Case = Case {
    code: "oauth.id_token_invalid",
    state: State::NeedsUser,
    who: Who::SignedInPerson,
    action: Action::Reauthorize,
    what: "The ID token does not belong to this sign-in.",
    why: "Its nonce or audience is another one, so the tokens were not used.",
    advice: "Begin the sign-in again; if it happens again, check the client id.",
};

static NEVER_AUTHORIZED: Case = Case {
    code: "authorization.never",
    state: State::NeverAuthorized,
    who: Who::SignedInPerson,
    action: Action::Reauthorize,
    what: "Nobody has signed in to this connection yet.",
    why: "It calls the API in the name of a person, who must sign in and consent once.",
    advice: "Sign in.",
};

static ABANDONED: Case = Case {
    code: "authorization.abandoned",
    state: State::NeverAuthorized,
    who: Who::SignedInPerson,
    action: Action::Reauthorize,
    what: "A sign-in was begun and did not come back.",
    why: "The window was closed, or the provider showed an error page of its own; some errors, such as a redirect URI that is not registered, it never sends back.",
    advice: "Begin the sign-in again, and read the provider's page if it shows an error.",
};

static NO_ROLES: Case = Case {
    code: "application.no_roles",
    state: State::NeedsAdmin,
    who: Who::Administrator,
    action: Action::AdminConsent,
    what: "The token holds no application permissions.",
    why: "Entra ID issues an app-only token all the same, but every call will be refused: no application permission (app role) was added to the app registration, or no administrator consented to it yet.",
    advice: "In the app registration open API permissions; add what is needed as an application permission, and let an administrator grant admin consent, by the button there or by the admin-consent link.",
};

static NO_REFRESH: Case = Case {
    code: "token.no_refresh",
    state: State::NeedsUser,
    who: Who::You,
    action: CHANGE_SCOPE,
    what: "There is no refresh token, so the connection can't be renewed without a person.",
    why: "The provider gives a refresh token only if the scope asks for it, with offline_access.",
    advice: "Add offline_access to the scope, and sign in again.",
};

static RENEWAL_UNKNOWN: Case = Case {
    code: "token.renewal_unknown",
    state: State::NeedsUser,
    who: Who::SignedInPerson,
    action: Action::Reauthorize,
    what: "Keyway was stopped in the middle of a renewal, and its outcome is unknown.",
    why: "The provider may have replaced the refresh token in an answer that was never stored, and refuses the old one.",
    advice: "Sign in again.",
};

static SECRET_MISSING: Case = Case {
    code: "client_secret.missing",
    state: State::NeedsSecret,
    who: Who::You,
    action: Action::ReplaceSecret,
    what: "The connection has no client secret.",
    why: "It was never entered, or it was wiped because a URL, the client id or the kind of authentication was changed.",
    advice: "Enter the client secret (Entra: the Value under Certificates & secrets).",
};

static CREDENTIAL_REFUSED: Case = Case {
    code: "credential.refused",
    state: State::NeedsSecret,
    who: Who::You,
    action: Action::ReplaceSecret,
    what: "The API does not take the connection's credential.",
    why: "It answered 401 to a harmless call with it: the credential is wrong, has expired or was revoked, or is meant for another API.",
    advice: "Enter the credential that the API gave out; if it is the right one, check the base URL.",
};

static CERTIFICATE_MISSING: Case = Case {
    code: "client_certificate.missing",
    state: State::NeedsSecret,
    who: Who::You,
    action: Action::ReplaceSecret,
    what: "The connection has no certificate.",
    why: "It was never entered, or it was wiped because a URL, the client id or the kind of authentication was changed.",
    advice: "Enter the certificate with its private key (Entra: one whose thumbprint stands under Certificates & secrets, Certificates).",
};

static PRIVATE_KEY_MISSING: Case = Case {
    code: "private_key.missing",
    state: State::NeedsSecret,
    who: Who::You,
    action: Action::ReplaceSecret,
    what: "The connection has no private key to sign with.",
    why: "It was never entered, it can't be read, or it was wiped because a URL, the client id or the kind of authentication was changed.",
    advice: "Enter the private key (Google: the JSON file of the service account's key).",
};

static SECRET_IS_ID: Case = Case {
    code: "client_secret.is_id",
    state: State::NeedsSecret,
    who: Who::You,
    action: Action::ReplaceSecret,
    what: "The Secret ID was entered in place of the client secret.",
    why: "The client secret of this connection is a GUID. Entra's page lists two columns: Value is the secret, Secret ID only names it.",
    advice: "In the Entra admin center open App registrations, the app, Certificates & secrets. Copy the Value; it is shown only right after the secret is made, so make a new one if it is hidden. Then enter it here.",
};

static UNREADABLE: Case = Case {
    code: "secret.unreadable",
    state: State::Unreadable,
    who: Who::You,
    action: Action::ReplaceSecret,
    what: "The stored secrets of this connection can't be unsealed.",
    why: "The stored data was damaged, or moved here from another row or another backup.",
    advice: "Restore the database from a backup, or enter the secret again (and sign in again).",
};
