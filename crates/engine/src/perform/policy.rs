//! Policies that a flow writes itself: `basic`, `bearer`, `digest`, `oauth2` and `oidc` with client credentials or token exchange.

use std::sync::Arc;

use connect::{
    AuthenticationMethod, ClientCredentials, ClientId, Policy, Scope, TokenEndpoint, Unnamed,
};
use flow::{Fault, FaultType};
use jiff::Timestamp;
use serde_json::Value;
use store::Secret;
use url::Url;

use super::{Caller, Performer};

impl Performer {
    /// The policy and what it has obtained so far in this run.
    pub(super) async fn policy(
        &self,
        caller: &Caller,
        policy: Option<(&str, &Value)>,
    ) -> Result<Arc<Unnamed>, Fault> {
        let Some((word, members)) = policy else {
            return Ok(Arc::new(Unnamed::new(Policy::None)));
        };
        let key = format!("{word} {members}");
        let mut known = caller.unnamed.lock().await;
        if let Some(unnamed) = known.get(&key) {
            return Ok(Arc::clone(unnamed));
        }
        // A secret may hold the whole policy, kind word and all.
        let members = members.get(word).unwrap_or(members);
        let unnamed = Arc::new(Unnamed::new(read(word, members)?));
        known.insert(key, Arc::clone(&unnamed));
        Ok(unnamed)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.connector.now()
    }
}

/// Token exchange (RFC 8693 §2.1).
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

fn refused(what: impl std::fmt::Display) -> Fault {
    Fault::new(
        FaultType::Configuration,
        format!("the authentication policy can't be used: {what}"),
    )
    .code("policy.invalid")
}

fn text<'a>(members: &'a Value, pointer: &str) -> Result<&'a str, Fault> {
    optional(members, pointer)?
        .ok_or_else(|| refused(format!("{} is missing", pointer.trim_start_matches('/'))))
}

fn optional<'a>(members: &'a Value, pointer: &str) -> Result<Option<&'a str>, Fault> {
    match members.pointer(pointer) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(refused(format!(
            "{} must be a text",
            pointer.trim_start_matches('/')
        ))),
    }
}

fn read(word: &str, members: &Value) -> Result<Policy, Fault> {
    match word {
        "basic" => Ok(Policy::Basic {
            username: text(members, "/username")?.to_owned(),
            password: Secret::new(text(members, "/password")?),
        }),
        "digest" => Ok(Policy::Digest {
            username: text(members, "/username")?.to_owned(),
            password: Secret::new(text(members, "/password")?),
        }),
        "bearer" => match members {
            Value::String(token) => Ok(Policy::Bearer(Secret::new(token.as_str()))),
            _ => Ok(Policy::Bearer(Secret::new(text(members, "/token")?))),
        },
        "oauth2" | "oidc" => oauth2(word, members),
        other => Err(refused(format!(
            "`{other}` is not carried out without a connection: make a connection and name it with `use`"
        ))),
    }
}

fn oauth2(word: &str, members: &Value) -> Result<Policy, Fault> {
    let subject = match optional(members, "/grant")? {
        None | Some("client_credentials") => None,
        Some(EXCHANGE) => Some(subject(members)?),
        Some(other) => {
            return Err(refused(format!(
                "grant {other} needs a connection: make one and name it with `use`"
            )));
        }
    };
    let authentication = match optional(members, "/client/authentication")? {
        // The language's default, where RFC 6749 prefers the other one.
        None | Some("client_secret_post") => AuthenticationMethod::ClientSecretPost,
        Some("client_secret_basic") => AuthenticationMethod::ClientSecretBasic,
        Some("none") => AuthenticationMethod::None,
        Some(other) => {
            return Err(refused(format!(
                "client authentication {other} needs a connection"
            )));
        }
    };
    let client_id = ClientId::parse(text(members, "/client/id")?).map_err(refused)?;
    let mut parameters = Vec::new();
    let audiences = words(members, "/audiences")?;
    if !audiences.is_empty() {
        parameters.push(("audience".to_owned(), audiences));
    }
    Ok(Policy::ClientCredentials(Box::new(ClientCredentials {
        endpoint: endpoint(word, members)?,
        client_id,
        secret: optional(members, "/client/secret")?.map(Secret::new),
        authentication,
        scope: Scope::parse(&words(members, "/scopes")?).map_err(refused)?,
        parameters,
        subject,
    })))
}

/// The token that is exchanged (RFC 8693 §2.1). Nobody acts for anybody else here.
fn subject(members: &Value) -> Result<(Secret, String), Fault> {
    if members.get("actor").is_some_and(|actor| !actor.is_null()) {
        return Err(refused(
            "an `actor` is not carried out: leave it out, and the client acts for the subject",
        ));
    }
    let token = Secret::new(text(members, "/subject/token")?);
    let kind = text(members, "/subject/type")?.to_owned();
    Ok((token, kind))
}

/// `oidc`: where the issuer's metadata says. `oauth2`: the token path below the authority, leading slash notwithstanding.
fn endpoint(word: &str, members: &Value) -> Result<TokenEndpoint, Fault> {
    let authority = text(members, "/authority")?;
    let url = |text: &str| {
        Url::parse(text).map_err(|error| refused(format!("{text:?} is no URL: {error}")))
    };
    if word == "oidc" {
        let issuer = authority.trim_end_matches("/.well-known/openid-configuration");
        return Ok(TokenEndpoint::Of(url(issuer)?));
    }
    let path = optional(members, "/endpoints/token")?.unwrap_or("/oauth2/token");
    if path.starts_with("https://") || path.starts_with("http://") {
        return Ok(TokenEndpoint::At(url(path)?));
    }
    let joined = format!(
        "{}/{}",
        authority.trim_end_matches('/'),
        path.trim_start_matches('/')
    );
    Ok(TokenEndpoint::At(url(&joined)?))
}

fn words(members: &Value, pointer: &str) -> Result<String, Fault> {
    let Some(list) = members.pointer(pointer) else {
        return Ok(String::new());
    };
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut words: Vec<&str> = Vec::new();
    for item in items {
        let word = item
            .as_str()
            .ok_or_else(|| refused(format!("{pointer} must be a list of texts")))?;
        if !words.contains(&word) {
            words.push(word);
        }
    }
    Ok(words.join(" "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(authority: &str, token: Option<&str>) -> String {
        let mut members = json!({ "authority": authority });
        if let Some(token) = token {
            members["endpoints"] = json!({ "token": token });
        }
        match endpoint("oauth2", &members).unwrap() {
            TokenEndpoint::At(url) => url.to_string(),
            TokenEndpoint::Of(_) => panic!("oauth2 needs no discovery"),
        }
    }

    #[test]
    fn the_token_path_is_below_the_authority() {
        let realm = "https://login.contoso.example/realms/x";
        assert_eq!(at(realm, None), format!("{realm}/oauth2/token"));
        assert_eq!(at(&format!("{realm}/"), Some("/t")), format!("{realm}/t"));
        let elsewhere = "https://other.contoso.example/token";
        assert_eq!(at(realm, Some(elsewhere)), elsewhere);
    }

    #[test]
    fn what_needs_a_connection_says_so() {
        for (word, members) in [
            ("oauth2", json!({ "grant": "authorization_code" })),
            (
                "oauth2",
                json!({ "client": { "authentication": "private_key_jwt" } }),
            ),
            (
                "oauth2",
                json!({ "grant": "refresh_token", "client": { "id": "a" } }),
            ),
        ] {
            let fault = read(word, &members).err().unwrap();
            assert!(fault.detail.unwrap().contains("connection"), "{word}");
        }
        for word in ["basic", "digest"] {
            assert!(read(word, &json!({ "username": "a" })).is_err(), "{word}");
            let whole = json!({ "username": "a", "password": "fake" });
            assert!(read(word, &whole).is_ok(), "{word}");
        }
        assert!(read("bearer", &json!({ "token": "fake" })).is_ok());
    }
}
