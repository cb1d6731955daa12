//! Hooks that start a flow: `document.metadata.keyway.webhooks`.

use jiff::SignedDuration;

use super::Reader;
use super::data::flat;
use super::fields::{At, shown};
use super::findings::{PUBLIC_HOOK, REFERENCE, SCHEMA};
use crate::definition::schedule::{Webhook, WebhookAuthentication};
use crate::limits;

const CONTENT_TYPES: [&str; 4] = [
    "application/json",
    "application/x-www-form-urlencoded",
    "text/plain",
    "application/cloudevents+json",
];

impl<'t> Reader<'_, 't> {
    pub(super) fn webhooks(&mut self, at: &At<'t>) -> Option<Vec<Webhook>> {
        let hooks = self.each(at, Reader::webhook)?;
        Some(hooks.into_iter().map(|(_, hook)| hook).collect())
    }

    fn webhook(&mut self, name: &str, at: &At<'t>) -> Option<Webhook> {
        let fields = self.fields(at, &["authentication", "methods", "contentType", "wait"])?;
        let plain = !name.is_empty()
            && name.len() <= 63
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !plain {
            self.error(
                at,
                SCHEMA,
                format!("`{}` can't stand in an address", shown(name)),
            )
            .hint("lower-case letters, digits and `-`, at most 63");
        }
        let authentication = self
            .required(&fields, "authentication")
            .and_then(|at| self.hook_authentication(&at));
        let methods = fields.get("methods").map(|at| self.hook_methods(&at));
        let content_type = fields.get("contentType").map(|at| {
            self.word(&at, &CONTENT_TYPES.map(|media| (media, media)))
                .map(str::to_owned)
        });
        let wait = fields.get("wait").map(|at| self.hook_wait(&at));
        plain.then_some(())?;
        Some(Webhook {
            name: name.to_owned(),
            authentication: authentication?,
            methods: flat(methods)?.unwrap_or_else(|| vec!["POST".to_owned()]),
            content_type: flat(content_type)?.unwrap_or_else(|| CONTENT_TYPES[0].to_owned()),
            wait: flat(wait)?,
        })
    }

    /// `apiKey`, `public`, `{signature: [secret, …]}` or `{graphNotification: secret}`.
    fn hook_authentication(&mut self, at: &At<'t>) -> Option<WebhookAuthentication> {
        if at.as_text().is_some() {
            let words = [
                ("apiKey", WebhookWord::ApiKey),
                ("public", WebhookWord::Public),
            ];
            return Some(match self.word(at, &words)? {
                WebhookWord::ApiKey => WebhookAuthentication::ApiKey,
                WebhookWord::Public => {
                    self.warn(
                        at,
                        PUBLIC_HOOK,
                        "anybody who knows the address can start this flow",
                    )
                    .hint("authentication: {signature: [<secret>]}");
                    WebhookAuthentication::Public
                }
            });
        }
        let fields = self.fields(at, &["signature", "graphNotification"])?;
        match (fields.get("signature"), fields.get("graphNotification")) {
            (Some(at), None) => {
                let items = if at.as_text().is_some() {
                    vec![at]
                } else {
                    self.list(&at).filter(|items| !items.is_empty())?
                };
                let names: Vec<_> = items
                    .iter()
                    .map(|item| self.declared_secret(item))
                    .collect();
                names
                    .into_iter()
                    .collect::<Option<_>>()
                    .map(WebhookAuthentication::Signature)
            }
            (None, Some(at)) => self
                .declared_secret(&at)
                .map(WebhookAuthentication::GraphNotification),
            _ => {
                self.error(at, SCHEMA, "who may call a hook is said by one of apiKey, public, signature, graphNotification");
                None
            }
        }
    }

    fn declared_secret(&mut self, at: &At<'t>) -> Option<String> {
        let name = self.name(at)?;
        if !self.uses.secrets.iter().any(|secret| secret == name) {
            self.error(
                at,
                REFERENCE,
                format!("the secret `{}` is not declared", shown(name)),
            )
            .hint(format!("add `{}` to use.secrets", shown(name)));
            return None;
        }
        Some(name.to_owned())
    }

    fn hook_methods(&mut self, at: &At<'t>) -> Option<Vec<String>> {
        let items = self.list(at)?;
        if items.is_empty() {
            self.error(at, SCHEMA, "a hook has at least one method");
            return None;
        }
        let methods = ["POST", "PUT", "PATCH", "GET", "DELETE"].map(|method| (method, method));
        let found: Vec<_> = items
            .iter()
            .map(|item| self.word(item, &methods).map(str::to_owned))
            .collect();
        found.into_iter().collect()
    }

    fn hook_wait(&mut self, at: &At<'t>) -> Option<SignedDuration> {
        let wait = self.fixed_duration(at)?;
        let longest = SignedDuration::from_secs(limits::HOOK_WAIT_SECONDS);
        if wait <= SignedDuration::ZERO || wait > longest {
            self.error(
                at,
                SCHEMA,
                format!(
                    "the caller of a hook waits between 1 and {} seconds",
                    limits::HOOK_WAIT_SECONDS
                ),
            );
            return None;
        }
        Some(wait)
    }
}

#[derive(Clone, Copy)]
enum WebhookWord {
    ApiKey,
    Public,
}
