//! Entra ID's error numbers about people: their consent, their sessions, their accounts.
//!
//! One row per thing that a person has to do. The words are for administrators: Entra's terms, with RFC 6749's beside them.

use crate::diagnosis::Case;
use crate::{Action, State, Who};

/// The number of a missing admin consent, which other numbers may mean too.
pub(super) const ADMIN_CONSENT: u32 = 90_094;

/// The numbers, and what they mean.
pub(super) static TABLE: &[(&[u32], Case)] = &[
    // assignment and consent
    (
        &[50_105, 501_051],
        Case {
            code: "assignment.missing",
            state: State::NeedsAdmin,
            who: Who::Administrator,
            action: Action::AssignUser,
            what: "The person or app is not assigned to the application.",
            why: "The application is set to require assignment, and nobody assigned this one.",
            advice: "Under Enterprise applications, the app, Users and groups, an administrator adds the person or app. Then sign in or test again.",
        },
    ),
    (
        &[65_001],
        Case {
            code: "consent.missing",
            state: State::NeedsUser,
            who: Who::SignedInPerson,
            action: Action::Reauthorize,
            what: "Nobody has consented to what this connection asks for.",
            why: "The app lacks consent for at least one permission (scope), for this person and for the tenant as a whole.",
            advice: "Sign in again and accept the permissions, or let an administrator consent for the whole tenant.",
        },
    ),
    (
        &[65_004],
        Case {
            code: "consent.declined",
            state: State::NeedsUser,
            who: Who::SignedInPerson,
            action: Action::Reauthorize,
            what: "The person declined the permissions.",
            why: "Cancel was pressed on the consent page, so Entra ID gave no authorization.",
            advice: "Sign in again and press Accept.",
        },
    ),
    (
        &[ADMIN_CONSENT, 90_093, 90_095, 900_941],
        Case {
            code: "consent.admin_needed",
            state: State::NeedsAdmin,
            who: Who::Administrator,
            action: Action::AdminConsent,
            what: "An administrator must consent to what this connection asks for.",
            why: "At least one of the permissions (scopes) can be granted by an administrator of the tenant only, or the tenant lets nobody else consent.",
            advice: "Send the admin-consent link to an administrator of the tenant. Once they accepted, go on here.",
        },
    ),
    (
        &[650_057],
        Case {
            code: "permission.missing",
            state: State::NeedsSettings,
            who: Who::AppOwner,
            action: Action::AddPermission,
            what: "The app registration does not list the API that the scope names.",
            why: "Only APIs under the app's API permissions can be asked for.",
            advice: "In the app registration open API permissions, add the permission for that API, then sign in again.",
        },
    ),
    (
        &[650_052],
        Case {
            code: "resource.not_in_tenant",
            state: State::NeedsAdmin,
            who: Who::Administrator,
            action: Action::AdminConsent,
            what: "The tenant does not have the API that the scope names.",
            why: "The API's service principal is not in this tenant: nobody subscribed to it or consented to it yet.",
            advice: "An administrator of the tenant subscribes to the service or gives admin consent to the app. Then sign in again.",
        },
    ),
    // device codes
    (
        &[70_018],
        Case {
            code: "device.code_unknown",
            state: State::NeedsUser,
            who: Who::SignedInPerson,
            action: Action::Reauthorize,
            what: "Entra ID does not know the device code.",
            why: "It was made for another client or tenant, or it ended long ago.",
            advice: "Begin the sign-in again and type the new code.",
        },
    ),
    (
        &[70_019, 70_020],
        Case {
            code: "device.expired",
            state: State::NeedsUser,
            who: Who::SignedInPerson,
            action: Action::Reauthorize,
            what: "Nobody typed the code in time.",
            why: "Entra ID's user codes live fifteen minutes; the sign-in must be finished before they end.",
            advice: "Begin the sign-in again and type the new code.",
        },
    ),
    // codes and refresh tokens
    (
        &[54_005],
        Case {
            code: "code.redeemed",
            state: State::NeedsUser,
            who: Who::SignedInPerson,
            action: Action::Reauthorize,
            what: "The authorization code had been used already.",
            why: "A code works once; the sign-in was sent twice, for instance by reloading the page.",
            advice: "Sign in again.",
        },
    ),
    (
        &[70_008],
        Case {
            code: "session.expired",
            state: State::NeedsUser,
            who: Who::SignedInPerson,
            action: Action::Reauthorize,
            what: "The authorization code or refresh token has expired.",
            why: "A code lives about ten minutes, a refresh token 90 days without use, or shorter by the tenant's policy.",
            advice: "Sign in again.",
        },
    ),
    (
        &[70_000],
        Case {
            code: "grant.invalid",
            state: State::NeedsUser,
            who: Who::SignedInPerson,
            action: Action::Reauthorize,
            what: "Entra ID no longer accepts this sign-in.",
            why: "The grant (authorization code or refresh token) is not valid, for instance because it was made for another client.",
            advice: "Sign in again.",
        },
    ),
    (
        &[9_002_313],
        Case {
            code: "grant.malformed",
            state: State::NeedsUser,
            who: Who::SignedInPerson,
            action: Action::Reauthorize,
            what: "Entra ID can't read the authorization code or refresh token.",
            why: "It is damaged or comes from another service.",
            advice: "Sign in again.",
        },
    ),
    (
        &[501_481],
        Case {
            code: "code_verifier.mismatch",
            state: State::NeedsUser,
            who: Who::SignedInPerson,
            action: Action::Reauthorize,
            what: "The code_verifier does not belong to this sign-in.",
            why: "Code and code_verifier (PKCE, RFC 7636) come from two different sign-ins; that also stops a stolen code.",
            advice: "Sign in again, in one browser window only.",
        },
    ),
    (
        &[700_082],
        Case {
            code: "session.unused",
            state: State::NeedsUser,
            who: Who::SignedInPerson,
            action: Action::Reauthorize,
            what: "The refresh token was not used for too long.",
            why: "Entra ID drops a refresh token that nobody used for 90 days.",
            advice: "Sign in again.",
        },
    ),
    (
        &[50_173],
        Case {
            code: "session.revoked",
            state: State::NeedsUser,
            who: Who::SignedInPerson,
            action: Action::Reauthorize,
            what: "The sign-in was revoked.",
            why: "Since then the person's sessions were revoked, or an administrator reset their password, so all older refresh tokens are void.",
            advice: "Sign in again.",
        },
    ),
    (
        &[70_043],
        Case {
            code: "session.frequency",
            state: State::NeedsUser,
            who: Who::SignedInPerson,
            action: Action::Reauthorize,
            what: "The tenant's sign-in frequency has been reached.",
            why: "A Conditional Access policy wants people to sign in again at intervals.",
            advice: "Sign in again. To avoid it, use an app-only connection (client credentials), or let an administrator change the policy.",
        },
    ),
    (
        &[50_013, 500_131, 500_133, 7_000_114],
        Case {
            code: "assertion.invalid",
            state: State::NeedsUser,
            who: Who::SignedInPerson,
            action: Action::Reauthorize,
            what: "The assertion (RFC 7523) is not valid or has expired.",
            why: "The token that stands for the person has ended, was made for another app, or is no person's.",
            advice: "Call again with a new token of that person, made for this app; or sign in again.",
        },
    ),
    // the person
    (
        &[50_076, 50_079, 50_074],
        Case {
            code: "session.mfa_needed",
            state: State::NeedsUser,
            who: Who::SignedInPerson,
            action: Action::Reauthorize,
            what: "Entra ID wants a second factor (MFA).",
            why: "A policy of the tenant asks for more proof than this sign-in had; that can't be given without the person.",
            advice: "Sign in again and confirm the second factor.",
        },
    ),
    (
        &[53_000, 53_001, 53_002, 53_003, 53_004],
        Case {
            code: "policy.blocked",
            state: State::NeedsAdmin,
            who: Who::Administrator,
            action: Action::Retry,
            what: "A Conditional Access policy of the tenant blocks this sign-in.",
            why: "The device, place or app does not meet what the policy asks for.",
            advice: "An administrator finds the policy in the sign-in log by the correlation id below, and changes it or excepts this app. Then sign in again.",
        },
    ),
    (
        &[50_058],
        Case {
            code: "session.none",
            state: State::NeedsUser,
            who: Who::SignedInPerson,
            action: Action::Reauthorize,
            what: "Nobody is signed in.",
            why: "The request asked Entra ID not to show a sign-in page (prompt=none), and there was no session.",
            advice: "Remove prompt=none from the authorization parameters if it is there, and sign in again.",
        },
    ),
    (
        &[50_126, 50_034, 50_055],
        Case {
            code: "user.sign_in_failed",
            state: State::NeedsUser,
            who: Who::SignedInPerson,
            action: Action::Reauthorize,
            what: "The person could not sign in.",
            why: "The account does not exist in this tenant, or the password is wrong or has expired.",
            advice: "Sign in with the right account; reset the password first if that is the cause.",
        },
    ),
    (
        &[50_053, 50_057],
        Case {
            code: "user.locked",
            state: State::NeedsAdmin,
            who: Who::Administrator,
            action: Action::Reauthorize,
            what: "The person's account is locked or disabled.",
            why: "Too many wrong passwords were tried, or an administrator disabled the account.",
            advice: "An administrator unlocks or enables the account. Then sign in again.",
        },
    ),
];
