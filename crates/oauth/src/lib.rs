//! OAuth 2.0 as values: builds requests, reads responses, judges tokens and explains failures.
//!
//! Pure by rule (see `clippy.toml`): no clock, randomness, file, network or async. Callers hand in `now` and [`Entropy`],
//! send what is built here, and hand back what came. It knows nothing of connections, rows or screens.
//! Everything public is exported here, flat.

mod assertion;
mod authorization;
mod callback;
mod certificate;
mod claims;
mod client;
mod device;
mod diagnosis;
mod entra;
mod grant;
mod graph;
mod hints;
mod provider_error;
mod retry_after;
mod scope;
mod secret;
mod state;
mod token;

pub use assertion::{AssertionClaims, SigningKey};
pub use authorization::{
    Authorization, AuthorizationSetup, Unsealable, code_challenge,
    is_reserved_authorization_parameter,
};
pub use callback::{Callback, CallbackError};
pub use certificate::{
    AssertionForm, Certificate, CertificateError, ClientCertificate, PKCS12_LARGEST,
};
pub use claims::{claims_challenge, understanding_challenges};
pub use client::{
    AuthenticationMethod, Client, ClientAuthentication, ClientId, ClientIdError, MissingSecret,
    is_reserved_token_parameter,
};
pub use device::{DeviceAuthorization, device_authorization};
pub use diagnosis::{
    Finding, diagnose_callback, diagnose_finding, diagnose_oauth, diagnose_token_error,
};
pub use entra::{diagnose_entra, error_page, is_guid};
pub use grant::{AuthorizationCode, Exchange, Grant};
pub use graph::{
    CallStanding, GraphCall, GraphJudgement, GraphPermission, JudgedCall, PermissionKind,
    graph_permission, graph_permissions, judge_graph_calls,
};
pub use hints::{Hints, check_id_token};
pub use jiff::Timestamp;
pub use provider_error::ProviderError;
pub use retry_after::{RETRY_AFTER_LIMIT, retry_after};
pub use scope::{
    Access, Lint, Scope, ScopeComparison, ScopeError, ScopeRule, Severity, compare,
    corrected_scope, lint,
};
pub use secret::{Entropy, Secret};
pub use state::{Action, Diagnosis, State, Who};
pub use token::{
    Freshness, Remedy, TOKEN_RESPONSE_LIMIT, TokenError, TokenSet, freshness, revocation_response,
    token_response,
};
