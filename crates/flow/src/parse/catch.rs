//! `try`, `catch`, `retry` and `raise`.

use super::Reader;
use super::data::flat;
use super::duration::NoDuration;
use super::expression::strict;
use super::fields::{At, Fields};
use super::findings::SCHEMA;
use super::listen::is_uri;
use super::scope::Scope;
use crate::definition::task::{Backoff, Catch, ErrorFilter, RaisedError, RetryPolicy, TryTask};
use crate::definition::{Duration, Template};

impl<'t> Reader<'_, 't> {
    pub(super) fn r#try(&mut self, task: &Fields<'t>, scope: &Scope) -> Option<TryTask> {
        let r#try = task.get("try").and_then(|at| self.block(&at, scope));
        let catch = self
            .required(task, "catch")
            .and_then(|at| self.catch(&at, scope));
        Some(TryTask {
            r#try: r#try?,
            catch: catch?,
        })
    }

    fn catch(&mut self, at: &At<'t>, scope: &Scope) -> Option<Catch> {
        let fields = self.fields(at, &["errors", "as", "when", "exceptWhen", "retry", "do"])?;
        let errors = match fields.get("errors") {
            Some(at) => self.error_filter(&at),
            None => Some(ErrorFilter::default()),
        };
        let name = fields
            .get("as")
            .map_or(Some("error".into()), |at| self.variable(&at));
        let inner = scope.with(name.clone());
        let when = fields.get("when").map(|at| self.expression(&at, &inner));
        let except_when = fields
            .get("exceptWhen")
            .map(|at| self.expression(&at, &inner));
        let retry = fields
            .get("retry")
            .map(|at| self.retry(&at, &inner, name.as_deref().unwrap_or("error")));
        let r#do = fields.get("do").map(|at| self.block(&at, &inner));
        Some(Catch {
            errors: errors?,
            r#as: name?,
            when: flat(when)?,
            except_when: flat(except_when)?,
            retry: flat(retry)?,
            r#do: flat(r#do)?,
        })
    }

    fn error_filter(&mut self, at: &At<'t>) -> Option<ErrorFilter> {
        let fields = self.fields(at, &["with"])?;
        let Some(with) = fields.get("with") else {
            return Some(ErrorFilter::default());
        };
        let members = self.fields(
            &with,
            &["type", "status", "instance", "title", "details", "detail"],
        )?;
        if with.members().next().is_none() {
            self.error(&with, SCHEMA, "a filter of errors has at least one member")
                .hint("leave `errors` out to catch all");
            return None;
        }
        if members.has("detail") && members.has("details") {
            self.error(
                &with,
                SCHEMA,
                "`detail` and `details` mean the same: write one",
            );
            return None;
        }
        let mut text = |key: &str| members.get(key).map(|at| self.constant(&at));
        let (r#type, instance, title) = (text("type"), text("instance"), text("title"));
        let detail = text("details").or_else(|| text("detail"));
        let status = members.get("status").map(|at| self.status(&at));
        Some(ErrorFilter {
            r#type: flat(r#type)?,
            status: flat(status)?,
            instance: flat(instance)?,
            title: flat(title)?,
            detail: flat(detail)?,
        })
    }

    /// Text that is compared as it stands.
    fn constant(&mut self, at: &At<'t>) -> Option<String> {
        let text = self.text(at)?;
        if strict(text).is_some() {
            self.error(
                at,
                SCHEMA,
                "a filter of errors compares: no expression can stand here",
            )
            .hint("use `when` for a condition");
            return None;
        }
        Some(text.to_owned())
    }

    fn status(&mut self, at: &At<'t>) -> Option<u16> {
        let number = self.integer(at)?;
        let status = u16::try_from(number)
            .ok()
            .filter(|status| (100..=999).contains(status));
        if status.is_none() {
            self.error(
                at,
                SCHEMA,
                format!("{number} is no status: it has three digits"),
            );
        }
        status
    }

    /// `retry`: a name or a policy. A named one knows the variable of the catch that uses it.
    fn retry(&mut self, at: &At<'t>, scope: &Scope, name: &str) -> Option<RetryPolicy> {
        if at.as_text().is_none() {
            return self.retry_policy(at, scope);
        }
        let reference = self.name(at)?;
        let Some(policy) = self.uses.retries.get(reference).cloned() else {
            let known = self.uses.retries.clone();
            self.unresolved(
                at,
                format!(
                    "there is no `{}` in use.retries",
                    super::fields::shown(reference)
                ),
                reference,
                known.keys().copied(),
            );
            return None;
        };
        self.used_retries.insert(reference.to_owned());
        self.retry_policy(&policy, &scope.without_surroundings().with([name.into()]))
    }

    pub(super) fn retry_policy(&mut self, at: &At<'t>, scope: &Scope) -> Option<RetryPolicy> {
        let fields = self.fields(
            at,
            &["when", "exceptWhen", "delay", "backoff", "limit", "jitter"],
        )?;
        let when = fields.get("when").map(|at| self.expression(&at, scope));
        let except_when = fields
            .get("exceptWhen")
            .map(|at| self.expression(&at, scope));
        let delay = fields.get("delay").map(|at| self.duration(&at, scope));
        let backoff = fields
            .get("backoff")
            .map_or(Some(Backoff::Constant), |at| self.backoff(&at));
        let jitter = fields.get("jitter").map(|at| self.jitter(&at, scope));
        let limit = fields.get("limit").map(|at| self.limit(&at, scope));
        if limit.is_none() {
            self.error(
                at,
                SCHEMA,
                "`limit` is missing: for how long is it tried again?",
            )
            .hint("limit: {attempt: {count: 5}}");
        }
        let (count, attempt, duration) = limit??;
        Some(RetryPolicy {
            when: flat(when)?,
            except_when: flat(except_when)?,
            delay: flat(delay)?,
            backoff: backoff?,
            count,
            attempt,
            duration,
            jitter: flat(jitter)?,
        })
    }

    fn backoff(&mut self, at: &At<'t>) -> Option<Backoff> {
        let kinds = [
            ("constant", Backoff::Constant),
            ("exponential", Backoff::Exponential),
            ("linear", Backoff::Linear),
        ];
        let fields = self.fields(at, &kinds.map(|(kind, _)| kind))?;
        let mut found = kinds.iter().filter(|(kind, _)| fields.has(kind));
        let (Some((kind, backoff)), None) = (found.next(), found.next()) else {
            self.error(
                at,
                SCHEMA,
                "a backoff is exactly one of constant, exponential, linear",
            )
            .hint("backoff: {exponential: {}}");
            return None;
        };
        let inner = fields.get(kind)?;
        self.open_fields(&inner)?;
        for (key, span, member) in inner.members() {
            self.findings.at(
                SCHEMA,
                &member.pointer,
                span,
                format!("unknown key `{}`", super::fields::shown(key)),
            );
        }
        Some(*backoff)
    }

    fn jitter(&mut self, at: &At<'t>, scope: &Scope) -> Option<(Duration, Duration)> {
        let fields = self.fields(at, &["from", "to"])?;
        let from = self
            .required(&fields, "from")
            .and_then(|at| self.duration(&at, scope));
        let to = self
            .required(&fields, "to")
            .and_then(|at| self.duration(&at, scope));
        let (from, to) = (from?, to?);
        if let (Duration::Fixed(from), Duration::Fixed(to)) = (&from, &to)
            && from > to
        {
            self.error(at, SCHEMA, "`from` is longer than `to`");
            return None;
        }
        Some((from, to))
    }

    fn limit(
        &mut self,
        at: &At<'t>,
        scope: &Scope,
    ) -> Option<(Option<u32>, Option<Duration>, Option<Duration>)> {
        let fields = self.fields(at, &["attempt", "duration"])?;
        let duration = fields
            .get("duration")
            .map(|at| self.positive_duration(&at, scope));
        let (count, attempt) = match fields.get("attempt") {
            Some(at) => {
                let fields = self.fields(&at, &["count", "duration"])?;
                let count = fields.get("count").map(|at| self.count(&at));
                let attempt = fields
                    .get("duration")
                    .map(|at| self.positive_duration(&at, scope));
                (flat(count)?, flat(attempt)?)
            }
            None => (None, None),
        };
        let duration = flat(duration)?;
        if count.is_none() && duration.is_none() {
            self.error(
                at,
                SCHEMA,
                "a limit has `attempt.count` or `duration`: otherwise it is tried for ever",
            );
            return None;
        }
        Some((count, attempt, duration))
    }

    fn count(&mut self, at: &At<'t>) -> Option<u32> {
        let number = self.integer(at)?;
        let count = u32::try_from(number).ok();
        if count.is_none() {
            self.error(at, SCHEMA, format!("{number} is no number of retries"));
        }
        count
    }

    /// `raise`.
    pub(super) fn raise(&mut self, at: &At<'t>, scope: &Scope) -> Option<RaisedError> {
        let fields = self.fields(at, &["error"])?;
        let error = self.required(&fields, "error")?;
        if error.as_text().is_none() {
            return self.raised(&error, scope);
        }
        let name = self.name(&error)?;
        let Some(named) = self.uses.errors.get(name).cloned() else {
            let known = self.uses.errors.clone();
            let message = format!("there is no `{}` in use.errors", super::fields::shown(name));
            self.unresolved(&error, message, name, known.keys().copied());
            return None;
        };
        self.raised(&named, &scope.without_surroundings())
    }

    pub(super) fn raised(&mut self, at: &At<'t>, scope: &Scope) -> Option<RaisedError> {
        let fields = self.fields(at, &["type", "status", "title", "detail", "instance"])?;
        let r#type = self.required(&fields, "type").and_then(|at| {
            let template = self.text_template(&at, scope)?;
            let literal =
                matches!(&template, Template::Literal(text) if !text.as_str().is_some_and(is_uri));
            if literal {
                self.error(
                    &at,
                    SCHEMA,
                    "the type of an error is a URI with its scheme, or an expression",
                );
            }
            (!literal).then_some(template)
        });
        let status = self
            .required(&fields, "status")
            .and_then(|at| self.status(&at));
        let title = fields.get("title").map(|at| self.text_template(&at, scope));
        let detail = fields
            .get("detail")
            .map(|at| self.text_template(&at, scope));
        if let Some(instance) = fields.get("instance") {
            // the machine says where it happened; what is written has to be well-formed all the same
            let text = self.text(&instance)?;
            if strict(text).is_none() && !text.is_empty() && !text.starts_with('/') {
                self.error(
                    &instance,
                    SCHEMA,
                    "`instance` is a JSON pointer, or an expression",
                );
                return None;
            }
        }
        Some(RaisedError {
            r#type: r#type?,
            status: status?,
            title: flat(title)?,
            detail: flat(detail)?,
        })
    }

    /// `timeout`: a name or `{after}`.
    pub(super) fn timeout(&mut self, at: &At<'t>, scope: &Scope) -> Option<Duration> {
        if at.as_text().is_none() {
            return self.timeout_definition(at, scope);
        }
        let name = self.name(at)?;
        let Some(named) = self.uses.timeouts.get(name).cloned() else {
            if super::duration::parse_iso8601(name) == Err(NoDuration::NotIso8601) {
                let known = self.uses.timeouts.clone();
                let message = format!(
                    "there is no `{}` in use.timeouts",
                    super::fields::shown(name)
                );
                self.unresolved(at, message, name, known.keys().copied());
            } else {
                self.error(at, SCHEMA, "a length of time stands in `after`")
                    .hint(format!("timeout: {{after: {name}}}"));
            }
            return None;
        };
        self.timeout_definition(&named, &scope.without_surroundings())
    }

    pub(super) fn timeout_definition(&mut self, at: &At<'t>, scope: &Scope) -> Option<Duration> {
        let fields = self.fields(at, &["after"])?;
        let after = self.required(&fields, "after")?;
        self.positive_duration(&after, scope)
    }
}
