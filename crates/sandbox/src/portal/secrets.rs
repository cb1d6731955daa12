//! Certificates & secrets: client secrets, whose Value is shown once. Certificates, the other
//! part of the page, live in `certificates`.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::layout::{Page, Tab};
use super::registrations::address;
use super::visit::{Notice, ShownSecret, Visit};
use super::{Outcome, Reply, certificates, fields};
use crate::directory::{Application, PasswordCredential};
use crate::entra::Form;
use crate::guid::Guid;

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// The longest life that the admin center offers.
const MOST_DAYS: i32 = 730;

/// What the admin center offers: days and words.
const LIFETIMES: &[(&str, &str)] = &[
    ("180", "Recommended: 180 days (6 months)"),
    ("90", "90 days (3 months)"),
    ("365", "365 days (12 months)"),
    ("545", "545 days (18 months)"),
    ("730", "730 days (24 months)"),
    ("custom", "Custom"),
];

/// `GET …/certificates-and-secrets`.
pub(crate) fn show(visit: &Visit, app: &Application) -> Outcome {
    let address = address(app);
    let shown = visit.notice().and_then(|notice| notice.secret);
    let mut secrets: Vec<&PasswordCredential> = app.passwords.iter().collect();
    // The one that was just made comes first.
    secrets.sort_by_key(|secret| {
        let fresh = shown
            .as_ref()
            .is_some_and(|shown| shown.key_id == secret.key_id);
        (!fresh, std::cmp::Reverse(secret.start))
    });
    let action = format!("{address}/certificates-and-secrets/delete");
    let rows: Vec<Vec<Markup>> = secrets
        .into_iter()
        .map(|secret| row(visit, secret, shown.as_ref(), &action))
        .collect();
    let content = html! {
        p { "Credentials enable confidential applications to identify themselves when they ask for tokens." }
        h2 { "Client secrets (" (app.passwords.len()) ")" }
        div.commands { a.command.main href=(format!("{address}/certificates-and-secrets/new")) { "New client secret" } }
        @if rows.is_empty() {
            p { "No client secrets have been created for this application." }
        } @else {
            (fields::table("A secret that the application uses to prove its identity. Can also be referred to as application password.",
                &["Description", "Expires", "Value", "Secret ID", ""], &rows))
        }
        (certificates::section(visit, app))
    };
    Page::of(app, Tab::Secrets, "Certificates & secrets", content).into()
}

fn row(
    visit: &Visit,
    secret: &PasswordCredential,
    shown: Option<&ShownSecret>,
    action: &str,
) -> Vec<Markup> {
    let name = secret.display_name.as_deref().unwrap_or_default();
    let key_id = secret.key_id.to_string();
    let expired = secret.end <= visit.now();
    vec![
        html! { (name) },
        html! {
            (fields::unbroken(&fields::day(secret.end)))
            @if expired { " " strong.bad { "Expired" } }
        },
        html! {
            @if let Some(shown) = shown.filter(|shown| shown.key_id == secret.key_id) {
                (fields::copyable_cell("Value", &shown.value))
            } @else {
                span.code { (secret.hint) "******************" }
            }
        },
        fields::copyable_cell("Secret ID", &key_id),
        fields::button_form(
            visit,
            action,
            ("key_id", &key_id),
            "Delete",
            &format!("secret {name}"),
        ),
    ]
}

/// `GET …/certificates-and-secrets/new`.
pub(crate) fn new(visit: &Visit, app: &Application) -> Outcome {
    secret_form(visit, app, &Form::default(), None)
}

fn secret_form(visit: &Visit, app: &Application, form: &Form, wrong: Option<&str>) -> Outcome {
    let list = format!("{}/certificates-and-secrets", address(app));
    let line = |label, name: &'static str, kind, hint| fields::Line {
        label,
        name,
        value: form.get(name).unwrap_or_default(),
        hint,
        kind,
    };
    let content = html! {
        (line("Description", "description", "text", "").field(false))
        (fields::select("Expires", "expires", form.get("expires").unwrap_or("180"), LIFETIMES))
        fieldset {
            legend { "Only for Custom" }
            (line("Start", "start", "date", "Today, unless a day is given.").field(false))
            (line("End", "end", "date", "At most 24 months after the start.").field(wrong.is_some()))
        }
        div.buttons {
            button.main type="submit" { "Add" }
            a.command href=(list) { "Cancel" }
        }
    };
    let content = html! { div.typed { (fields::form(visit, &format!("{list}/new"), &content)) } };
    Page::of(app, Tab::Secrets, "Add a client secret", content)
        .under("Certificates & secrets", list)
        .refused(wrong)
        .into()
}

/// `POST …/certificates-and-secrets/new`.
pub(crate) fn add(visit: &Visit, app: &Application, form: &Form) -> Reply {
    let (start, end) = match lifetime(form, visit.now()) {
        Ok(lifetime) => lifetime,
        Err(words) => return Ok(secret_form(visit, app, form, Some(words))),
    };
    let description = form.get("description").map(str::trim).unwrap_or_default();
    if description.len() > 256 {
        let words = "The Description must not be longer than 256 characters.";
        return Ok(secret_form(visit, app, form, Some(words)));
    }
    let name = (!description.is_empty()).then(|| description.to_owned());
    let fresh =
        visit.change_application(app.app_id, |app| app.add_secret(name, start, Some(end)))?;
    let notice = Notice {
        text: "The client secret was created. Copy its Value now: it is shown once, and not again after you leave or reload this page. \
               The Secret ID is not the secret."
            .to_owned(),
        secret: Some(ShownSecret {
            key_id: fresh.credential.key_id,
            value: fresh.value,
        }),
    };
    Ok(Outcome::Go(
        format!("{}/certificates-and-secrets", address(app)),
        Some(notice),
    ))
}

fn lifetime(form: &Form, now: Timestamp) -> Result<(Timestamp, Timestamp), &'static str> {
    let later = |start: Timestamp, days: i32| {
        start
            .checked_add(DAY.saturating_mul(days))
            .unwrap_or(Timestamp::MAX)
    };
    let chosen = form.get("expires").unwrap_or("180");
    if chosen != "custom" {
        let known = LIFETIMES.iter().find(|(value, _)| *value == chosen);
        let days = known.and_then(|(value, _)| value.parse().ok());
        let days: i32 = days.ok_or("Choose when the secret expires.")?;
        return Ok((now, later(now, days)));
    }
    let day = |name: &str| match form.get(name) {
        None => Ok(None),
        Some(text) => text
            .parse::<Date>()
            .and_then(|date| date.to_zoned(TimeZone::UTC))
            .map(|zoned| Some(zoned.timestamp()))
            .map_err(|_| "Start and End are days such as 2027-01-31."),
    };
    let start = day("start")?.unwrap_or(now);
    let end = day("end")?.ok_or("A custom lifetime needs the day of its End.")?;
    if end <= start {
        return Err("The End must come after the Start.");
    }
    if end > later(start, MOST_DAYS) {
        return Err("The lifetime of a client secret is limited to 24 months.");
    }
    Ok((start, end))
}

/// `POST …/certificates-and-secrets/delete`.
pub(crate) fn delete(visit: &Visit, app: &Application, form: &Form) -> Reply {
    let key_id: Option<Guid> = form.get("key_id").and_then(|text| text.parse().ok());
    let removed = visit.change_application(app.app_id, |app| {
        key_id.is_some_and(|key_id| app.remove_secret(key_id))
    })?;
    let words = if removed {
        "The client secret was deleted. Applications that use it get no more tokens."
    } else {
        "That client secret was deleted before."
    };
    let to = format!("{}/certificates-and-secrets", address(app));
    Ok(Outcome::Go(to, Some(Notice::new(words))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_the_offered_ones_or_up_to_two_years() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let check = |text: &str| {
            lifetime(&Form::parse(text.as_bytes()), now).map(|(start, end)| {
                let days = end.duration_since(start).as_hours() / 24;
                (start == now, days)
            })
        };
        assert_eq!(check(""), Ok((true, 180)));
        assert_eq!(check("expires=730"), Ok((true, 730)));
        assert!(check("expires=731").is_err());
        assert_eq!(check("expires=custom&end=2026-01-03"), Ok((true, 2)));
        assert_eq!(
            check("expires=custom&start=2026-02-01&end=2026-02-11"),
            Ok((false, 10))
        );
        for text in [
            "",
            "&end=2025-12-31",
            "&end=2028-01-02",
            "&end=soon",
            "&start=2026-02-01&end=2026-02-01",
        ] {
            assert!(check(&format!("expires=custom{text}")).is_err(), "{text}");
        }
    }
}
