//! Where something is: a URI, a URI template of RFC 6570 level 1, an expression, or a path below a connection's base URL.

use super::Reader;
use super::expression::strict;
use super::fields::At;
use super::findings::{REFERENCE, SCHEMA};
use super::scope::Scope;
use crate::definition::{Authentication, Endpoint, Uri};

impl<'t> Reader<'_, 't> {
    /// `endpoint`: text, or an object with `uri` and `authentication`.
    pub(super) fn endpoint(&mut self, at: &At<'t>, scope: &Scope) -> Option<Endpoint> {
        if !at.is_map() {
            let uri = self.uri(at, scope, Some(&Authentication::None))?;
            let authentication = Authentication::None;
            return Some(Endpoint {
                uri,
                authentication,
            });
        }
        let fields = self.fields(at, &["uri", "authentication"])?;
        let authentication = match fields.get("authentication") {
            Some(policy) => self.authentication(&policy, scope),
            None => Some(Authentication::None),
        };
        let uri = self.required(&fields, "uri")?;
        let uri = self.uri(&uri, scope, authentication.as_ref());
        Some(Endpoint {
            uri: uri?,
            authentication: authentication?,
        })
    }

    /// An address in text whose policy is written beside it.
    pub(super) fn endpoint_with(
        &mut self,
        at: &At<'t>,
        policy: &At<'t>,
        scope: &Scope,
    ) -> Option<Endpoint> {
        let authentication = self.authentication(policy, scope)?;
        let uri = self.uri(at, scope, Some(&authentication))?;
        Some(Endpoint {
            uri,
            authentication,
        })
    }

    /// `authentication` is `None` when what is written there could not be read.
    fn uri(
        &mut self,
        at: &At<'t>,
        scope: &Scope,
        authentication: Option<&Authentication>,
    ) -> Option<Uri> {
        let text = self.name(at)?;
        if strict(text).is_some() {
            return self.expression(at, scope).map(Uri::Expression);
        }
        if text.contains("${") {
            self.error(at, SCHEMA, "an expression in an address is the whole of it")
                .hint("write ${ \"https://…/\\(.id)\" }, or {id} for a member of the input");
            return None;
        }
        if text.len() > 8 * 1024 || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            self.error(
                at,
                SCHEMA,
                "an address has no white space and at most 8192 bytes",
            );
            return None;
        }
        self.judge_address(at, text, authentication)?;
        if let Err(problem) = template(text) {
            self.error(at, SCHEMA, problem).hint(
                "{name} stands for a member of the input; anything else is an expression ${ … }",
            );
            return None;
        }
        Some(Uri::Template(text.into()))
    }

    fn judge_address(
        &mut self,
        at: &At<'t>,
        text: &str,
        authentication: Option<&Authentication>,
    ) -> Option<()> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return match authentication {
                None | Some(Authentication::Secret { .. }) if text.starts_with('/') => Some(()),
                _ => {
                    self.error(
                        at,
                        REFERENCE,
                        "an address begins with https://, or with / when a connection is used",
                    )
                    .hint("endpoint: {uri: /users, authentication: {use: …}}");
                    None
                }
            };
        };
        if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
            self.error(
                at,
                SCHEMA,
                format!(
                    "`{}` addresses can't be called",
                    super::fields::shown(scheme)
                ),
            )
            .hint("use https://");
            return None;
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let problem = if authority.is_empty() {
            "the address has no host"
        } else if authority.contains(['{', '}']) {
            "the host of an address is written out: data must not choose it"
        } else if authority.contains('@') {
            "the address holds a user name"
        } else {
            return Some(());
        };
        self.error(at, SCHEMA, problem);
        None
    }
}

/// Whether braces hold plain names (RFC 6570 §1.2, level 1).
fn template(text: &str) -> Result<(), String> {
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        let inner = rest[open..]
            .strip_prefix('{')
            .ok_or("a `}` without its `{`")?;
        let (name, after) = inner.split_once('}').ok_or("a `{` without its `}`")?;
        let plain = !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '%'));
        if !plain {
            return Err(format!(
                "`{{{}}}` is more than a name",
                super::fields::shown(name)
            ));
        }
        rest = after;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_of_level_1() {
        for text in ["https://a.example/{id}", "/users/{user.id}/x{b}", "plain"] {
            assert_eq!(template(text), Ok(()), "{text}");
        }
        for text in [
            "/{+x}", "/{?x}", "/{a,b}", "/{x*}", "/{x:3}", "/{}", "/{x", "/x}", "/{{x}}",
        ] {
            assert!(template(text).is_err(), "{text}");
        }
    }
}
