//! The administrator's part: an app is registered with Graph requests, as a person with an API client would do it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
use serde_json::{Value, json};
use url::Url;

use super::browser::{Browser, Person, Visit};
use super::{Narrator, unexpected};
use crate::failure::Failure;
use crate::serve::random;

/// Microsoft Graph, in every tenant.
const GRAPH_APP_ID: &str = "00000003-0000-0000-c000-000000000000";

/// Permissions by the ids the documentation lists: name, as a person (`Scope`), as the app itself (`Role`).
const USER_READ: &str = "e1fe6dd8-ba31-4d61-89e7-88639da4683d";
const USER_READ_ALL: &str = "a154be20-db9c-4678-8ab7-66f6cc099a59";
const OFFLINE_ACCESS: &str = "7427e0e9-2fba-42fe-b0c0-848c9e6a8182";
const USER_READ_ALL_ROLE: &str = "df021288-bdef-4463-88db-98f22de89214";

/// What the sandbox tells about itself.
pub(super) struct Sandbox<'a> {
    pub(super) facts: &'a Value,
}

impl Sandbox<'_> {
    pub(super) fn text(&self, pointer: &str) -> Result<&str, Failure> {
        self.facts
            .pointer(pointer)
            .and_then(Value::as_str)
            .ok_or_else(|| unexpected(format!("sandbox.json has no {pointer}")))
    }
}

/// An app registration, ready for both grants.
pub(super) struct Registered {
    pub(super) client_id: String,
    pub(super) client_secret: String,
}

/// The administrator at an API client, signed in.
pub(super) struct Administrator<'a> {
    narrator: Narrator,
    http: &'a reqwest::Client,
    origin: &'a str,
    token: String,
}

impl<'a> Administrator<'a> {
    /// Signs in by authorization code with PKCE, with the public client that the tenant has for administration.
    pub(super) async fn sign_in(
        narrator: Narrator,
        http: &'a reqwest::Client,
        sandbox: &'a Sandbox<'_>,
        browser: &mut Browser,
    ) -> Result<Administrator<'a>, Failure> {
        let origin = sandbox.text("/origin")?;
        let authority = format!("{origin}/{}/oauth2/v2.0", sandbox.text("/tenant_id")?);
        let client_id = sandbox.text("/admin/client_id")?;
        let upn = sandbox.text("/admin/upn")?;
        let scope = "https://graph.microsoft.com/Application.ReadWrite.All https://graph.microsoft.com/AppRoleAssignment.ReadWrite.All https://graph.microsoft.com/DelegatedPermissionGrant.ReadWrite.All";
        let verifier = URL_SAFE_NO_PAD.encode(random::<32>()?);
        let state = URL_SAFE_NO_PAD.encode(random::<16>()?);
        let mut address = Url::parse(&format!("{authority}/authorize"))
            .map_err(|error| unexpected(error.to_string()))?;
        address
            .query_pairs_mut()
            .append_pair("client_id", client_id)
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", "http://localhost")
            .append_pair("scope", scope)
            .append_pair("state", &state)
            .append_pair("code_challenge", &code_challenge(&verifier)?)
            .append_pair("code_challenge_method", "S256");
        narrator.say(&format!("GET  {authority}/authorize   ({upn} signs in)"));
        let person = Person {
            name: upn,
            password: sandbox.text("/admin/password")?,
        };
        let back = browser
            .sign_in(address.as_str(), &person, "http://localhost", Visit::No)
            .await?;
        let parameter = |name: &str| {
            back.query_pairs()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        if parameter("state").as_deref() != Some(state.as_str()) {
            return Err(unexpected(
                "the state that came back to the administrator is another one",
            ));
        }
        let code = parameter("code").ok_or_else(|| {
            unexpected(format!(
                "the administrator got no code: {}",
                parameter("error_description").unwrap_or_default()
            ))
        })?;
        narrator.say(&format!(
            "POST {authority}/token       (grant_type=authorization_code)"
        ));
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", client_id),
            ("code", code.as_str()),
            ("redirect_uri", "http://localhost"),
            ("code_verifier", verifier.as_str()),
            ("scope", scope),
        ];
        let token = access_token(http.post(format!("{authority}/token")).form(&form)).await?;
        Ok(Administrator {
            narrator,
            http,
            origin,
            token,
        })
    }

    /// Registers an app: redirect URI, permissions, secret, service principal, consent for what needs an administrator.
    pub(super) async fn register(
        &self,
        name: &str,
        redirect_uri: &str,
    ) -> Result<Registered, Failure> {
        let application = self
            .post(
                "/v1.0/applications",
                &json!({
                    "displayName": name,
                    "signInAudience": "AzureADMyOrg",
                    "web": { "redirectUris": [redirect_uri] },
                    "requiredResourceAccess": [{
                        "resourceAppId": GRAPH_APP_ID,
                        "resourceAccess": [
                            { "id": USER_READ, "type": "Scope" },
                            { "id": USER_READ_ALL, "type": "Scope" },
                            { "id": OFFLINE_ACCESS, "type": "Scope" },
                            { "id": USER_READ_ALL_ROLE, "type": "Role" },
                        ],
                    }],
                }),
            )
            .await?;
        let client_id = id(&application, "appId")?;
        let password = self
            .post(
                &format!("/v1.0/applications/{}/addPassword", id(&application, "id")?),
                &json!({ "passwordCredential": { "displayName": "keyway" } }),
            )
            .await?;
        let principal = id(
            &self
                .post("/v1.0/servicePrincipals", &json!({ "appId": client_id }))
                .await?,
            "id",
        )?;
        let graph = id(
            &self
                .get(&format!("/v1.0/servicePrincipals(appId='{GRAPH_APP_ID}')"))
                .await?,
            "id",
        )?;
        self.narrator.say(
            "# admin consent: User.Read.All for the app itself, and for everybody who signs in",
        );
        self.post(
            &format!("/v1.0/servicePrincipals/{principal}/appRoleAssignments"),
            &json!({ "principalId": principal, "resourceId": graph, "appRoleId": USER_READ_ALL_ROLE }),
        )
        .await?;
        self.post(
            "/v1.0/oauth2PermissionGrants",
            &json!({ "clientId": principal, "consentType": "AllPrincipals", "resourceId": graph, "scope": "User.Read.All" }),
        )
        .await?;
        Ok(Registered {
            client_id,
            client_secret: id(&password, "secretText")?,
        })
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.narrator.say(&format!("POST {}{path}", self.origin));
        let request = self.http.post(format!("{}{path}", self.origin)).json(body);
        self.send(path, request).await
    }

    async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.narrator.say(&format!("GET  {}{path}", self.origin));
        self.send(path, self.http.get(format!("{}{path}", self.origin)))
            .await
    }

    async fn send(&self, path: &str, request: reqwest::RequestBuilder) -> Result<Value, Failure> {
        let response = request
            .bearer_auth(&self.token)
            .send()
            .await
            .map_err(|error| unexpected(format!("{path}: {error}")))?;
        let status = response.status();
        let body: Value = response
            .json()
            .await
            .map_err(|error| unexpected(format!("{path}: {error}")))?;
        if status.is_success() {
            Ok(body)
        } else {
            Err(unexpected(format!(
                "{path} answered {status}: {}",
                body["error"]["message"]
            )))
        }
    }
}

/// The access token a token request is answered with.
async fn access_token(request: reqwest::RequestBuilder) -> Result<String, Failure> {
    let failed = |error: reqwest::Error| unexpected(error.to_string());
    let answer: Value = request
        .send()
        .await
        .map_err(failed)?
        .json()
        .await
        .map_err(failed)?;
    let token = answer["access_token"].as_str().map(str::to_owned);
    token.ok_or_else(|| {
        unexpected(format!(
            "the administrator got no token: {}",
            answer["error_description"]
        ))
    })
}

fn id(object: &Value, name: &str) -> Result<String, Failure> {
    object[name]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| unexpected(format!("an answer of Graph has no {name}")))
}

/// The S256 code challenge of RFC 7636, by the hash of the TLS library.
fn code_challenge(verifier: &str) -> Result<String, Failure> {
    let suite = TLS13_AES_128_GCM_SHA256
        .tls13()
        .ok_or_else(|| Failure::bug("the TLS library has no SHA-256"))?;
    Ok(URL_SAFE_NO_PAD.encode(
        suite
            .common
            .hash_provider
            .hash(verifier.as_bytes())
            .as_ref(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        assert_eq!(
            code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap(),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }
}
