//! Advice about a scope that somebody typed, before it is sent anywhere.

use super::{GrantType, ScopeRule};

/// How bad it is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It works, but perhaps not as meant.
    Warning,
    /// The provider would refuse it.
    Error,
}

/// One piece of advice.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Lint {
    /// Stable code, such as `scope.separator`.
    pub code: &'static str,
    /// One plain sentence.
    pub message: String,
    /// The corrected scope, whole.
    pub fix: Option<String>,
    /// How bad it is.
    pub severity: Severity,
}

/// Looks at a scope as it was typed.
pub fn lint(raw: &str, rule: ScopeRule, grant: GrantType) -> Vec<Lint> {
    todo!("{raw} {rule:?} {grant:?}")
}

/// The scope with every correction that can be made, if any is needed.
pub fn corrected_scope(raw: &str, rule: ScopeRule, grant: GrantType) -> Option<String> {
    todo!("{raw} {rule:?} {grant:?}")
}
