//! Who is calling: a named policy, a connection, or a policy that stands in the flow.

use super::Reader;
use super::expression::strict;
use super::fields::{At, Fields};
use super::findings::{INLINE_AUTHENTICATION, REFERENCE, SCHEMA, SECRET_LITERAL};
use super::scope::Scope;
use crate::definition::Authentication;

const KINDS: [&str; 5] = ["basic", "bearer", "digest", "oauth2", "oidc"];

const OAUTH2: &[&str] = &[
    "authority",
    "endpoints",
    "grant",
    "client",
    "request",
    "issuers",
    "scopes",
    "audiences",
    "username",
    "password",
    "subject",
    "actor",
];
const OIDC: &[&str] = &[
    "authority",
    "grant",
    "client",
    "request",
    "issuers",
    "scopes",
    "audiences",
    "username",
    "password",
    "subject",
    "actor",
];

impl<'t> Reader<'_, 't> {
    /// `authentication`: `{use: name}` or a policy.
    pub(super) fn authentication(&mut self, at: &At<'t>, scope: &Scope) -> Option<Authentication> {
        let fields = self.open_fields(at)?;
        if !fields.has("use") {
            return self.policy(at, scope);
        }
        self.refuse_unknown(&fields, &["use"]);
        let name_at = fields.get("use")?;
        let name = self.name(&name_at)?;
        let Some(policy) = self.uses.authentications.get(name).cloned() else {
            let known = self.uses.authentications.clone();
            self.unresolved(
                &name_at,
                format!(
                    "there is no `{}` in use.authentications",
                    super::fields::shown(name)
                ),
                name,
                known.keys().copied(),
            );
            return None;
        };
        self.policy(&policy, &scope.without_surroundings())
    }

    /// A policy: one kind word and what belongs to it.
    pub(super) fn policy(&mut self, at: &At<'t>, scope: &Scope) -> Option<Authentication> {
        let fields = self.fields(at, &KINDS)?;
        let mut kinds = KINDS.iter().filter(|kind| fields.has(kind));
        let (Some(word), None) = (kinds.next(), kinds.next()) else {
            self.error(
                at,
                SCHEMA,
                format!("a policy has exactly one of {}", KINDS.join(", ")),
            );
            return None;
        };
        let inner = fields.get(word)?;
        let members = self.open_fields(&inner)?;
        if members.has("use") {
            return self.secret_policy(&members, word);
        }
        let complete = match *word {
            "bearer" => self.members(&members, &["token"], &["token"]),
            "basic" | "digest" => self.members(
                &members,
                &["username", "password"],
                &["username", "password"],
            ),
            "oauth2" => self.oauth(&members, OAUTH2),
            _ => self.oauth(&members, OIDC),
        };
        let policy = self.template(&inner, &scope.at(super::scope::Place::Call));
        self.warn_inline(&inner, &members);
        complete?;
        Some(Authentication::Inline {
            word: (*word).into(),
            policy: policy?,
            raw: inner.node.data.to_json().into(),
        })
    }

    fn secret_policy(&mut self, members: &Fields<'t>, word: &str) -> Option<Authentication> {
        self.refuse_unknown(members, &["use"]);
        let at = members.get("use")?;
        let name = self.name(&at)?;
        if !self.uses.secrets.iter().any(|secret| secret == name) {
            self.error(
                &at,
                REFERENCE,
                format!("`{}` is not declared", super::fields::shown(name)),
            )
            .hint(format!(
                "add `{}` to use.secrets: it says which connections and secrets the flow may use",
                super::fields::shown(name)
            ));
            return None;
        }
        Some(Authentication::Secret {
            name: name.into(),
            word: word.into(),
        })
    }

    /// Text members, of which some must be there.
    fn members(&mut self, members: &Fields<'t>, known: &[&str], needed: &[&str]) -> Option<()> {
        self.refuse_unknown(members, known);
        let mut complete = Some(());
        for key in known {
            let member = if needed.contains(key) {
                self.required(members, key)
            } else {
                members.get(key)
            };
            let wrong = member
                .as_ref()
                .is_some_and(|member| self.text(member).is_none());
            if wrong || (needed.contains(key) && member.is_none()) {
                complete = None;
            }
        }
        complete
    }

    fn oauth(&mut self, members: &Fields<'t>, known: &[&str]) -> Option<()> {
        self.refuse_unknown(members, known);
        let authority = members.get("authority").map(|at| self.authority(&at));
        let endpoints = members.get("endpoints").map(|at| {
            let fields = self.open_fields(&at)?;
            self.members(&fields, &["token", "revocation", "introspection"], &[])
        });
        let token = members
            .get("endpoints")
            .is_some_and(|at| at.members().any(|(key, ..)| key == "token"));
        let placed = authority.is_some() || token;
        if !placed {
            self.error(
                &members.at,
                SCHEMA,
                "`authority` is missing: where is the token asked for?",
            );
        }
        let grant = self.required(members, "grant").map(|at| self.grant(&at));
        let client = members.get("client").map(|at| self.client(&at));
        for key in ["issuers", "scopes", "audiences"] {
            if let Some(list) = members.get(key) {
                for item in self.list(&list).unwrap_or_default() {
                    self.text(&item);
                }
            }
        }
        for key in ["username", "password"] {
            if let Some(member) = members.get(key) {
                self.text(&member);
            }
        }
        for key in ["subject", "actor"] {
            if let Some(fields) = members.get(key).and_then(|at| self.open_fields(&at)) {
                self.members(&fields, &["token", "type"], &["token", "type"]);
            }
        }
        if let Some(fields) = members
            .get("request")
            .and_then(|at| self.fields(&at, &["encoding"]))
            && let Some(encoding) = fields.get("encoding")
        {
            self.word(
                &encoding,
                &[
                    ("application/x-www-form-urlencoded", ()),
                    ("application/json", ()),
                ],
            );
        }
        (placed && authority != Some(None) && endpoints != Some(None) && client != Some(None))
            .then_some(())?;
        grant?
    }

    fn authority(&mut self, at: &At<'t>) -> Option<()> {
        let text = self.name(at)?;
        if strict(text).is_none() && !text.starts_with("https://") && !text.starts_with("http://") {
            self.error(at, SCHEMA, "an authority is an address with https://");
            return None;
        }
        Some(())
    }

    fn grant(&mut self, at: &At<'t>) -> Option<()> {
        let grants = [
            ("client_credentials", true),
            ("urn:ietf:params:oauth:grant-type:token-exchange", true),
            ("authorization_code", false),
            ("password", false),
            ("refresh_token", false),
        ];
        let supported = self.word(at, &grants)?;
        if !supported {
            let feature = format!("the grant {} in a flow", self.text(at)?);
            self.disabled(
                at,
                &feature,
                "make a connection and name it: oauth2: {use: <connection>}",
            );
            return None;
        }
        Some(())
    }

    fn client(&mut self, at: &At<'t>) -> Option<()> {
        let fields = self.open_fields(at)?;
        let complete = self.members(
            &fields,
            &["id", "secret", "assertion", "authentication"],
            &[],
        );
        if let Some(method) = fields.get("authentication") {
            let methods = [
                "client_secret_basic",
                "client_secret_post",
                "client_secret_jwt",
                "private_key_jwt",
                "none",
            ];
            self.word(&method, &methods.map(|method| (method, ())))?;
        }
        complete
    }

    /// Secrets that stand in the text, and that a connection would be better.
    fn warn_inline(&mut self, at: &At<'t>, members: &Fields<'t>) {
        self.warn(at, INLINE_AUTHENTICATION, "who is calling stands in the flow itself")
            .hint("a named connection keeps the secret out of the text and its tokens fresh: {use: <connection>}");
        let mut secret = |at: Option<At<'t>>| {
            if let Some(at) = at
                && at
                    .as_text()
                    .is_some_and(|text| strict(&text.value).is_none())
            {
                self.warn(
                    &at,
                    SECRET_LITERAL,
                    "a secret stands in the text of the flow",
                )
                .hint("declare it in use.secrets and read it as ${ $secrets.name }");
            }
        };
        for key in ["password", "token"] {
            secret(members.get(key));
        }
        for (group, keys) in [
            ("client", &["secret", "assertion"][..]),
            ("subject", &["token"]),
            ("actor", &["token"]),
        ] {
            if let Some(group) = members.get(group) {
                for (key, _, member) in group.members() {
                    if keys.contains(&key) {
                        secret(Some(member));
                    }
                }
            }
        }
    }

    /// A literal that looks like a secret of a known maker.
    pub(super) fn lint_literal(&mut self, at: &At<'t>, text: &str) {
        if looks_secret(text) {
            self.warn(
                at,
                SECRET_LITERAL,
                "this looks like a secret in the text of the flow",
            )
            .hint("declare it in use.secrets and read it as ${ $secrets.name }");
        }
    }
}

fn looks_secret(text: &str) -> bool {
    const BEGINNINGS: [&str; 12] = [
        "ghp_",
        "gho_",
        "ghs_",
        "github_pat_",
        "glpat-",
        "xoxb-",
        "xoxp-",
        "xoxa-",
        "sk_live_",
        "rk_live_",
        "AKIA",
        "AIza",
    ];
    let key = BEGINNINGS.iter().any(|begin| {
        text.strip_prefix(begin).is_some_and(|rest| {
            rest.len() >= 12
                && rest
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        })
    });
    let token = text.strip_prefix("Bearer ").unwrap_or(text);
    let jwt = token.starts_with("eyJ") && token.len() > 60 && token.split('.').count() == 3;
    key || jwt || (text.contains("-----BEGIN") && text.contains("PRIVATE KEY-----"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_recognised_by_their_beginnings() {
        let begins = ["ghp", "xoxp", "sk_live"].map(|begin| {
            if begin == "xoxp" {
                format!("{begin}-{}", "fake".repeat(4))
            } else {
                format!("{begin}_{}", "fake".repeat(4))
            }
        });
        for text in begins {
            assert!(looks_secret(&text), "{text}");
        }
        assert!(looks_secret("-----BEGIN FAKE PRIVATE KEY-----"));
        for text in ["ghp_", "hello", "AKIAnobody knows", "eyJ.x.y"] {
            assert!(!looks_secret(text), "{text}");
        }
    }
}
