//! Sessions: finding a user and revoking the sessions and refresh tokens from before now.

use maud::{Markup, html};

use super::layout::{Page, Section};
use super::visit::{Notice, Visit};
use super::{Outcome, Reply, fields};
use crate::directory::{Position, Tenant};
use crate::entra::Form;
use crate::users::User;

const ADDRESS: &str = "/portal/sessions";
const SHOWN: usize = 25;
/// At most this many users are looked at for one search.
const SCANNED: usize = 20_000;

/// `GET /portal/sessions`.
pub(crate) fn show(visit: &Visit) -> Reply {
    visit.administrator("Revoking sessions")?;
    Ok(page(visit, None))
}

fn page(visit: &Visit, wrong: Option<&str>) -> Outcome {
    let search = visit.query.get("search").unwrap_or_default().trim();
    let rows: Vec<Vec<Markup>> = {
        let tenant = visit.exchange.world.directory.read();
        let found = find(&tenant, search);
        found
            .iter()
            .map(|user| row(visit, user, tenant.valid_from.get(&user.id).copied()))
            .collect()
    };
    let content = html! {
        p { "Revoking ends a user's sessions on the sign-in page and kills the refresh tokens that apps hold. Access tokens live on until they expire." }
        (fields::search(ADDRESS, "Search", "Name, user principal name or object ID", search))
        @if rows.is_empty() {
            p { "No user matches. A search looks at the first " (SCANNED) " users; a whole user principal name or object ID finds everybody." }
        } @else {
            (fields::table(&format!("Users, {SHOWN} at most"), &["Name", "User principal name", "Sessions revoked", ""], &rows))
        }
    };
    Page::new(Section::Sessions, "Sessions", content)
        .refused(wrong)
        .into()
}

fn find(tenant: &Tenant, search: &str) -> Vec<User> {
    if let Some(user) = tenant.people.find_by_key(search) {
        return vec![user];
    }
    let lower = search.to_lowercase();
    let matches = |user: &User| {
        user.display_name.to_lowercase().contains(&lower)
            || user.principal_name.to_lowercase().contains(&lower)
    };
    let users = tenant.people.positions(Position(0)).take(SCANNED);
    users
        .filter_map(|position| tenant.people.at(position))
        .filter(matches)
        .take(SHOWN)
        .collect()
}

fn row(visit: &Visit, user: &User, revoked: Option<jiff::Timestamp>) -> Vec<Markup> {
    vec![
        html! { (user.display_name) },
        html! { (user.principal_name) },
        // The machine's time: the sandbox's may be set back and forth.
        html! { (revoked.map_or_else(|| "never".to_owned(), fields::moment)) },
        fields::button_form(
            visit,
            &format!("{ADDRESS}/revoke"),
            ("user", &user.id.to_string()),
            "Revoke sessions",
            &format!("of {}", user.principal_name),
        ),
    ]
}

/// `POST /portal/sessions/revoke`.
pub(crate) fn revoke(visit: &Visit, form: &Form) -> Reply {
    visit.administrator("Revoking sessions")?;
    let key = form.get("user").unwrap_or_default();
    let revoked = {
        let mut tenant = visit.exchange.world.directory.write();
        let user = tenant.people.find_by_key(key);
        if let Some(user) = &user {
            tenant.revoke_sessions(user.id, visit.exchange.world.clock.wall());
        }
        user
    };
    let Some(user) = revoked else {
        return Ok(page(visit, Some("There is no such user any more.")));
    };
    let words = format!("The sessions of {} were revoked.", user.principal_name);
    Ok(Outcome::Go(ADDRESS.to_owned(), Some(Notice::new(words))))
}
