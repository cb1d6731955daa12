//! Entra ID's error numbers about what is set: in the connection, in the app registration, in the request.
//!
//! One row per thing that a person has to do. The words are for administrators: the app registration's terms, with
//! RFC 6749's beside them.

use crate::diagnosis::Case;
use crate::{Action, State, Who};

/// The number of an empty scope, which other numbers may mean too.
pub(super) const SCOPE_EMPTY: u32 = 28_003;

/// The suggestion is filled in from the connection's own scope.
const CHANGE_SCOPE: Action = Action::ChangeScope { suggestion: None };

/// The numbers, and what they mean.
pub(super) static TABLE: &[(&[u32], Case)] = &[
    // the client proves itself
    (
        &[7_000_215],
        Case {
            code: "client_secret.wrong",
            state: State::NeedsSecret,
            who: Who::You,
            action: Action::ReplaceSecret,
            what: "Entra ID refused the client secret.",
            why: "It is not the Value of a secret of this app registration (the OAuth client). Often the Secret ID was copied instead of the Value.",
            advice: "In the Entra admin center open App registrations, the app, Certificates & secrets. Copy the Value of a client secret; it is shown only right after the secret is made, so make a new one if it is hidden. Then enter it here.",
        },
    ),
    (
        &[7_000_222],
        Case {
            code: "client_secret.expired",
            state: State::NeedsSecret,
            who: Who::AppOwner,
            action: Action::ReplaceSecret,
            what: "The client secret has expired.",
            why: "Every secret of an app registration (the OAuth client) has an end date, and this one's has passed.",
            advice: "In the Entra admin center open App registrations, the app, Certificates & secrets; make a new client secret and enter its Value here.",
        },
    ),
    (
        &[7_000_218, 7_000_216],
        Case {
            code: "client_secret.missing",
            state: State::NeedsSecret,
            who: Who::You,
            action: Action::ReplaceSecret,
            what: "Entra ID got no client secret with the token request.",
            why: "The app registration is a confidential client, which must prove itself, and this connection sends neither a secret nor a certificate.",
            advice: "Enter the Value of a client secret, and leave client authentication on automatic.",
        },
    ),
    (
        &[700_025],
        Case {
            code: "client.is_public",
            state: State::NeedsSettings,
            who: Who::AppOwner,
            action: Action::RegisterRedirectUri,
            what: "Entra ID refused the client secret because the app registration is a public client.",
            why: "The redirect URI is registered under \"Mobile and desktop applications\" or \"Single-page application\", where a secret must not be sent.",
            advice: "In the app registration open Authentication and move the redirect URI to the platform Web; or set client authentication to none here.",
        },
    ),
    (
        &[700_027],
        Case {
            code: "client_certificate.unknown",
            state: State::NeedsSecret,
            who: Who::AppOwner,
            action: Action::ReplaceSecret,
            what: "Entra ID does not accept the certificate of this connection.",
            why: "The client assertion (RFC 7523) is signed with a key that is not among the app registration's certificates, or whose certificate has expired there.",
            advice: "Compare the thumbprint on the card with those of the app registration under Certificates & secrets, Certificates: upload the certificate there, or enter here the one that is there.",
        },
    ),
    (
        &[700_024],
        Case {
            code: "clock.skew",
            state: State::NeedsSettings,
            who: Who::You,
            action: Action::FixClock,
            what: "Entra ID refused a client assertion because of its time.",
            why: "The clock of the machine that Keyway runs on differs from Entra ID's by more than a few minutes.",
            advice: "Set the machine's clock, best by a time service (NTP), and test again.",
        },
    ),
    (
        &[700_016],
        Case {
            code: "client_id.unknown",
            state: State::NeedsSettings,
            who: Who::You,
            action: Action::ChangeClientId,
            what: "The tenant (directory) has no app with this client id.",
            why: "The Application (client) ID is mistyped, or belongs to another tenant, or another id of the app, such as its object id, was copied.",
            advice: "Copy Application (client) ID and Directory (tenant) ID from the app registration's Overview page, and compare both with this connection.",
        },
    ),
    (
        &[7_000_112],
        Case {
            code: "application.disabled",
            state: State::NeedsAdmin,
            who: Who::Administrator,
            action: Action::Retry,
            what: "The application is disabled in this tenant.",
            why: "An administrator switched its sign-in off.",
            advice: "Under Enterprise applications, the app, Properties, an administrator sets \"Enabled for users to sign-in\" to Yes. Then test again.",
        },
    ),
    // the tenant
    (
        &[90_002],
        Case {
            code: "tenant.unknown",
            state: State::NeedsSettings,
            who: Who::You,
            action: Action::ChangeTenant,
            what: "Entra ID knows no tenant of this name.",
            why: "The tenant id or domain in the endpoints is mistyped, or the tenant lives in another cloud.",
            advice: "Copy Directory (tenant) ID from the app registration's Overview page, and check the cloud.",
        },
    ),
    (
        &[900_023],
        Case {
            code: "tenant.invalid",
            state: State::NeedsSettings,
            who: Who::You,
            action: Action::ChangeTenant,
            what: "The tenant of this connection is neither a domain nor a GUID.",
            why: "Entra ID takes a verified domain such as contoso.example, or the Directory (tenant) ID.",
            advice: "Copy Directory (tenant) ID from the app registration's Overview page.",
        },
    ),
    (
        &[50_059, 9_001_023],
        Case {
            code: "tenant.missing",
            state: State::NeedsSettings,
            who: Who::You,
            action: Action::ChangeTenant,
            what: "Entra ID can't tell which tenant is meant.",
            why: "An app-only connection (client credentials) needs a real tenant; common and organizations stand for all of them.",
            advice: "Enter the Directory (tenant) ID of the app registration's Overview page as tenant.",
        },
    ),
    (
        &[50_194],
        Case {
            code: "tenant.single",
            state: State::NeedsSettings,
            who: Who::You,
            action: Action::ChangeTenant,
            what: "The app registration is for one tenant only, and the connection asks for any.",
            why: "The tenant is set to common or organizations, which takes a multi-tenant app.",
            advice: "Enter the Directory (tenant) ID of the app registration's Overview page as tenant.",
        },
    ),
    (
        &[700_005],
        Case {
            code: "tenant.mixed",
            state: State::NeedsSettings,
            who: Who::You,
            action: Action::ChangeEndpoint,
            what: "The authorization code comes from another tenant than the one it was redeemed at.",
            why: "The authorization endpoint and the token endpoint name different tenants.",
            advice: "Use the same tenant in both endpoints, then sign in again.",
        },
    ),
    // the redirect URI
    (
        &[50_011],
        Case {
            code: "redirect_uri.mismatch",
            state: State::NeedsSettings,
            who: Who::AppOwner,
            action: Action::RegisterRedirectUri,
            what: "The redirect URI of this connection is not registered for the app.",
            why: "Entra ID sends people back only to addresses that are in the app registration, letter by letter. It shows its error page instead of coming back.",
            advice: "In the app registration open Authentication and add exactly the redirect URI shown here, under the platform Web.",
        },
    ),
    (
        &[500_113, 900_971],
        Case {
            code: "redirect_uri.none",
            state: State::NeedsSettings,
            who: Who::AppOwner,
            action: Action::RegisterRedirectUri,
            what: "The app registration has no redirect URI at all.",
            why: "Entra ID sends people back only to registered addresses.",
            advice: "In the app registration open Authentication, add the platform Web, and enter the redirect URI shown here.",
        },
    ),
    (
        &[700_084],
        Case {
            code: "session.spa_expired",
            state: State::NeedsUser,
            who: Who::AppOwner,
            action: Action::RegisterRedirectUri,
            what: "The refresh token has ended after 24 hours.",
            why: "The redirect URI is registered as Single-page application, whose refresh tokens last one day whatever happens.",
            advice: "In the app registration open Authentication and move the redirect URI to the platform Web, then sign in again.",
        },
    ),
    (
        &[700_054],
        Case {
            code: "response_type.disabled",
            state: State::NeedsSettings,
            who: Who::AppOwner,
            action: Action::Retry,
            what: "The app registration does not allow the kind of answer that was asked for.",
            why: "An extra authorization parameter asks for tokens straight from the authorization endpoint, which is switched off, and which Keyway does not use.",
            advice: "Remove that parameter from the connection, or let the owner switch ID tokens on under Authentication; then sign in again.",
        },
    ),
    // the scope
    (
        &[1_002_012],
        Case {
            code: "scope.not_default",
            state: State::NeedsSettings,
            who: Who::You,
            action: CHANGE_SCOPE,
            what: "The scope names single permissions, which an app-only connection can't.",
            why: "With client credentials, Entra ID grants all application permissions that an administrator consented to; the scope must be the resource followed by /.default.",
            advice: "Change the scope to https://graph.microsoft.com/.default (for another API: its application ID URI followed by /.default).",
        },
    ),
    (
        &[70_011],
        Case {
            code: "scope.invalid",
            state: State::NeedsSettings,
            who: Who::You,
            action: CHANGE_SCOPE,
            what: "Entra ID can't read the scope.",
            why: "Usual causes: commas or line breaks instead of spaces, .default beside named permissions, or two of it.",
            advice: "Separate scope names by single spaces, and use .default alone.",
        },
    ),
    (
        &[28_000],
        Case {
            code: "scope.several_resources",
            state: State::NeedsSettings,
            who: Who::You,
            action: CHANGE_SCOPE,
            what: "The scope names permissions of more than one API.",
            why: "An access token is for one resource (API) only.",
            advice: "Keep the permissions of one API here, and make one connection for each other API.",
        },
    ),
    (
        &[28_002, SCOPE_EMPTY],
        Case {
            code: "scope.empty",
            state: State::NeedsSettings,
            who: Who::You,
            action: CHANGE_SCOPE,
            what: "The scope is empty or not valid.",
            why: "Entra ID issues no token without knowing for which API.",
            advice: "Enter a scope: the delegated permissions by name, or the resource followed by /.default.",
        },
    ),
    (
        &[650_053],
        Case {
            code: "scope.unknown",
            state: State::NeedsSettings,
            who: Who::You,
            action: CHANGE_SCOPE,
            what: "The scope names a permission that does not exist on that API.",
            why: "A scope name is misspelt, or is an application permission in a delegated connection, or has a line break in it.",
            advice: "Compare each name with the list under API permissions, Add a permission, in the app registration.",
        },
    ),
    (
        &[500_011],
        Case {
            code: "resource.unknown",
            state: State::NeedsSettings,
            who: Who::You,
            action: CHANGE_SCOPE,
            what: "The tenant has no API of the name that the scope begins with.",
            why: "The resource (what stands before the last slash of a scope) is mistyped, lives in another cloud, or is not in this tenant.",
            advice: "Check the resource in the scope and the tenant; for Microsoft Graph it is https://graph.microsoft.com.",
        },
    ),
    // the request itself
    (
        &[900_144, 90_014],
        Case {
            code: "request.incomplete",
            state: State::NeedsSettings,
            who: Who::You,
            action: Action::Retry,
            what: "Entra ID misses a parameter in the request.",
            why: "A setting of this connection is empty; the provider's own words below name it.",
            advice: "Fill in the setting that is named, and test again.",
        },
    ),
    (
        &[50_147, 501_491, 900_561, 70_003, super::MALFORMED_JWT],
        Case {
            code: "request.bug",
            state: State::NeedsSettings,
            who: Who::You,
            action: Action::ReportBug,
            what: "Entra ID refused the form of Keyway's request.",
            why: "Keyway makes this part of the request itself, so this is a fault in Keyway, or the endpoints are swapped.",
            advice: "Check that the authorization endpoint ends in /authorize and the token endpoint in /token; if they do, report it with the details below.",
        },
    ),
    (
        &[super::THROTTLED],
        Case {
            code: "provider.throttled",
            state: State::Waiting,
            who: Who::Nobody,
            action: Action::Wait,
            what: "Entra ID asks to slow down.",
            why: "Too many token requests came from this app or tenant in a short time.",
            advice: "Nothing to do: Keyway waits as long as it was asked to, and goes on.",
        },
    ),
];
