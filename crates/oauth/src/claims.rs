//! Claims challenges of APIs (`OpenID` Connect §5.5, Entra's continuous access evaluation): announced as understood, read from
//! a 401, to be sent with the next token request.
//!
//! What a challenge demands is not judged here; it is handed back to the provider as it came.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;
use serde_json::{Map, Value, json};

/// The most bytes of a challenge; Entra's have a few hundred.
const LIMIT: usize = 4096;

/// The claims that a 401 demands (`error="insufficient_claims"`), joined with what says that the client understands
/// challenges (`cp1`); none if it demands none.
pub fn claims_challenge(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .find_map(demanded)
        .map(with_capability)
}

/// Adds to what a request asks for, if it asks for something, that the client understands challenges (`cp1`): without that
/// Entra sends none. Claims that are no JSON object stay as they are.
pub fn understanding_challenges(claims: Option<&str>) -> String {
    let asked = match claims {
        None => Some(Map::new()),
        Some(text) => serde_json::from_str(text).ok(),
    };
    asked.map_or_else(|| claims.unwrap_or_default().to_owned(), with_capability)
}

fn demanded(header: &str) -> Option<Map<String, Value>> {
    if parameter(header, "error")? != "insufficient_claims" {
        return None;
    }
    let encoded = parameter(header, "claims").filter(|text| text.len() <= LIMIT)?;
    let decoded = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD]
        .iter()
        .find_map(|engine| engine.decode(encoded).ok())?;
    serde_json::from_slice(&decoded).ok()
}

/// A quoted parameter of a challenge (RFC 9110 §11.2), in whatever order they come.
fn parameter<'h>(header: &'h str, name: &str) -> Option<&'h str> {
    let mut rest = header;
    loop {
        let (before, after) = rest.split_once("=\"")?;
        let (value, next) = after.split_once('"')?;
        let found = before.rsplit([' ', ',']).next()?;
        if found.eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = next;
    }
}

fn with_capability(mut claims: Map<String, Value>) -> String {
    let access = claims
        .entry("access_token")
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(access) = access {
        access.insert("xms_cc".to_owned(), json!({ "values": ["cp1"] }));
    }
    Value::Object(claims).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_challenge_is_found_in_any_order_and_padding() {
        let demand = br#"{"access_token":{"nbf":{"essential":true,"value":"1780315200"}}}"#;
        let expected = r#"{"access_token":{"nbf":{"essential":true,"value":"1780315200"},"xms_cc":{"values":["cp1"]}}}"#;
        for encoded in [STANDARD.encode(demand), URL_SAFE_NO_PAD.encode(demand)] {
            let one = format!(
                r#"Bearer realm="", authorization_uri="https://login.contoso.example/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000", error="insufficient_claims", claims="{encoded}""#
            );
            let other = format!(r#"Bearer claims="{encoded}",error="insufficient_claims""#);
            for given in [vec![one.as_str()], vec![r"Negotiate", other.as_str()]] {
                let found = claims_challenge(&headers(&given));
                assert_eq!(found.as_deref(), Some(expected), "{given:?}");
            }
        }
    }

    #[test]
    fn what_is_asked_stays_beside_the_capability() {
        let alone = r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#;
        assert_eq!(understanding_challenges(None), alone);
        assert_eq!(understanding_challenges(Some(alone)), alone);
        let asked = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}},"id_token":{"auth_time":null}}"#;
        assert_eq!(
            understanding_challenges(Some(asked)),
            r#"{"access_token":{"acrs":{"essential":true,"value":"c1"},"xms_cc":{"values":["cp1"]}},"id_token":{"auth_time":null}}"#
        );
        for odd in ["", "[]", "no claims"] {
            assert_eq!(understanding_challenges(Some(odd)), odd);
        }
    }

    #[test]
    fn other_refusals_are_no_challenge() {
        let long = format!(
            r#"Bearer error="insufficient_claims", claims="{}""#,
            "A".repeat(LIMIT + 1)
        );
        for given in [
            "",
            "Bearer",
            r#"Bearer error="invalid_token""#,
            r#"Bearer error="insufficient_claims""#,
            r#"Bearer error="invalid_token", claims="e30=""#,
            r#"Bearer error="insufficient_claims", claims="%%%""#,
            r#"Bearer error="insufficient_claims", claims="W10=""#,
            &long,
        ] {
            assert_eq!(claims_challenge(&headers(&[given])), None, "{given}");
        }
    }
}
