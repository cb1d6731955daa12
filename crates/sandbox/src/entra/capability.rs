//! Continuous access evaluation (`entra-and-graph.md` §12): who announces `cp1` is given tokens for Graph that live long, and is
//! told by a claims challenge when such a token was revoked. To all others a token is good until it expires.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Form;

/// What a token carries whose client understands challenges.
const CLAIM: &str = "xms_cc";
/// When such a token was issued by the wall clock, in milliseconds: compared with revocations. The sandbox's own claim.
const ISSUED: &str = "sandbox_wall";

/// Whether a token request announces that challenges are understood.
pub(crate) fn announced(form: &Form) -> bool {
    let claims = form.get("claims").unwrap_or_default();
    let claims: Value = serde_json::from_str(claims).unwrap_or_default();
    let values = claims["access_token"][CLAIM]["values"].as_array();
    values.is_some_and(|values| values.iter().any(|value| value == "cp1"))
}

/// Marks a token as one that may be challenged.
pub(crate) fn mark(claims: &mut Map<String, Value>, wall: Timestamp) {
    claims.insert(CLAIM.to_owned(), json!(["cp1"]));
    claims.insert(ISSUED.to_owned(), json!(wall.as_millisecond()));
}

/// Whether a token may be challenged and was issued before a moment of the wall clock.
pub(crate) fn is_older(claims: &Value, valid_from: Timestamp) -> bool {
    let issued = claims[ISSUED].as_i64();
    issued.is_some_and(|issued| issued < valid_from.as_millisecond())
}
