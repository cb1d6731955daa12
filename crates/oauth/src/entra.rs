//! What Entra ID's error numbers (AADSTS) mean, and who can cure them.

use crate::{Diagnosis, GrantType, ProviderError, Scope};

/// Explains an error of Entra ID by its number; without a known one, by its RFC 6749 error word.
pub fn diagnose_entra(error: &ProviderError, grant: GrantType, scope: &Scope) -> Diagnosis {
    todo!("{error} {grant:?} {scope}")
}

/// Reads the error page that Entra shows instead of redirecting, if this is one.
pub fn error_page(html: &str) -> Option<ProviderError> {
    todo!("{html}")
}
