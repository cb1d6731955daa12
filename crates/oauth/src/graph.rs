//! Microsoft Graph's permissions: what each of them allows, and which of them a call needs at least.
//!
//! Two tables hold the facts: `graph/permissions.txt` (every known name; those that calls below need with their ids, who may
//! consent, and a sentence) and `graph/calls.txt` (method and path, and what will do). What is not in them is not judged.

use serde::{Deserialize, Serialize};

const PERMISSIONS: &str = include_str!("graph/permissions.txt");
const CALLS: &str = include_str!("graph/calls.txt");

/// For whom a permission speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PermissionKind {
    /// For the person who signed in: a scope.
    Delegated,
    /// For the app itself: an app role.
    Application,
}

/// A permission of Graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GraphPermission {
    /// Its name, such as `User.Read.All`.
    pub name: &'static str,
    /// The id of its delegated form, if there is one.
    pub delegated_id: Option<&'static str>,
    /// The id of its application form, if there is one.
    pub application_id: Option<&'static str>,
    /// Whether only an administrator may consent to the delegated form; to the other form always.
    pub delegated_needs_admin: bool,
    /// What it allows, in plain words.
    pub allows: &'static str,
}

impl GraphPermission {
    /// Whether only an administrator can give it in this form.
    pub fn needs_admin(&self, kind: PermissionKind) -> bool {
        kind == PermissionKind::Application || self.delegated_needs_admin
    }
}

/// The names of all known permissions, for suggestions: one that is not among them may well exist.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    PERMISSIONS
        .lines()
        .filter_map(|line| line.split('\t').next())
}

/// The permissions that are described.
pub fn graph_permissions() -> impl Iterator<Item = GraphPermission> {
    PERMISSIONS.lines().filter_map(|line| {
        let mut fields = line.split('\t');
        let name = fields.next()?;
        let mut id = || fields.next().map(|id| (id != "-").then_some(id));
        let (delegated_id, application_id) = (id()?, id()?);
        Some(GraphPermission {
            name,
            delegated_id,
            application_id,
            delegated_needs_admin: fields.next()? == "admin",
            allows: fields.next()?,
        })
    })
}

/// A permission by its name, whatever its case.
pub fn graph_permission(name: &str) -> Option<GraphPermission> {
    graph_permissions().find(|known| known.name.eq_ignore_ascii_case(name))
}

/// A call that is to be judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphCall {
    /// The method.
    pub method: String,
    /// The path, below `/v1.0` or with it; the address is not looked at, and of the query `$select` and `$expand` alone.
    /// `{name}` stands for any segment.
    pub path: String,
}

/// How a call stands against the permissions that are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallStanding {
    /// They suffice.
    Allowed,
    /// They do not.
    Missing,
    /// It is not known what is held, or which permissions the call needs.
    Unknown,
    /// No permission of this kind allows it: `/me` as an app.
    Impossible,
}

/// A call and what it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JudgedCall {
    /// The call.
    #[serde(flatten)]
    pub call: GraphCall,
    /// How it stands.
    pub standing: CallStanding,
    /// One permission of each list is needed, the least first.
    pub any_of: Vec<Vec<&'static str>>,
    /// The least permissions that it lacks.
    pub missing: Vec<&'static str>,
}

/// Calls, judged by the permissions that are held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GraphJudgement {
    /// Which form of permissions counts.
    pub kind: PermissionKind,
    /// Each call in the order in which they were asked about.
    pub calls: Vec<JudgedCall>,
    /// The least permissions that suffice for all of them.
    pub least: Vec<GraphPermission>,
    /// What is held; `None` when that is not known.
    pub held: Option<Vec<String>>,
    /// The least permissions that have to be added.
    pub missing: Vec<GraphPermission>,
    /// Held, and not needed for any of the calls beside the rest of what is held.
    pub unused: Vec<String>,
}

/// Judges calls. `held` has the names of Graph's permissions without the resource; `None` when it is not known what is held.
pub fn judge_graph_calls(
    kind: PermissionKind,
    calls: Vec<GraphCall>,
    held: Option<Vec<String>>,
) -> GraphJudgement {
    let judged: Vec<JudgedCall> = calls
        .into_iter()
        .map(|call| judge(kind, call, held.as_deref()))
        .collect();
    let groups: Vec<&Vec<&'static str>> = judged.iter().flat_map(|call| &call.any_of).collect();
    let lacking = judged.iter().flat_map(|call| {
        let held = held.as_deref();
        call.any_of.iter().filter(move |group| lacks(group, held))
    });
    let missing = described(&least(&lacking.collect::<Vec<_>>()));
    GraphJudgement {
        kind,
        least: described(&least(&groups)),
        missing,
        unused: unused(&groups, held.as_deref().unwrap_or_default()),
        calls: judged,
        held,
    }
}

fn judge(kind: PermissionKind, call: GraphCall, held: Option<&[String]>) -> JudgedCall {
    let (standing, any_of) = match needed(kind, &call) {
        None => (CallStanding::Unknown, Vec::new()),
        Some(groups) if groups.is_empty() => (CallStanding::Impossible, groups),
        Some(groups) if held.is_none() => (CallStanding::Unknown, groups),
        Some(groups) if groups.iter().any(|group| lacks(group, held)) => {
            (CallStanding::Missing, groups)
        }
        Some(groups) => (CallStanding::Allowed, groups),
    };
    let lacking: Vec<_> = any_of.iter().filter(|group| lacks(group, held)).collect();
    JudgedCall {
        missing: least(&lacking),
        call,
        standing,
        any_of,
    }
}

/// Whether it is known that none of them is held.
fn lacks(group: &[&str], held: Option<&[String]>) -> bool {
    held.is_some_and(|held| !held.iter().any(|name| has(group, name)))
}

/// What may be taken away of what is held: all but a least part of it which suffices as far as the whole does. Wide
/// permissions go before narrow ones.
fn unused(groups: &[&Vec<&'static str>], held: &[String]) -> Vec<String> {
    let width = |name: &String| {
        let places = groups.iter().filter_map(|group| {
            let mut names = group.iter();
            names.position(|known| known.eq_ignore_ascii_case(name))
        });
        places.max()
    };
    let mut needed: Vec<(usize, &String)> = held
        .iter()
        .filter_map(|name| Some((width(name)?, name)))
        .collect();
    // The first of equals stays.
    needed.sort_by_key(|(width, _)| std::cmp::Reverse(*width));
    let satisfied: Vec<_> = groups
        .iter()
        .filter(|group| needed.iter().any(|(_, name)| has(group, name)))
        .collect();
    let mut kept: Vec<&String> = needed.into_iter().map(|(_, name)| name).collect();
    for name in kept.clone() {
        let rest: Vec<&String> = kept
            .iter()
            .copied()
            .filter(|other| *other != name)
            .collect();
        if satisfied
            .iter()
            .all(|group| rest.iter().any(|other| has(group, other)))
        {
            kept = rest;
        }
    }
    let is_of_openid = |name: &str| {
        graph_permission(name).is_some_and(|known| known.name.starts_with(char::is_lowercase))
    };
    held.iter()
        .filter(|name| !kept.contains(name) && !is_of_openid(name))
        .cloned()
        .collect()
}

fn has(group: &[&str], name: &str) -> bool {
    group.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// The least of each list, without those that another one makes needless.
fn least(groups: &[&Vec<&'static str>]) -> Vec<&'static str> {
    let mut chosen: Vec<&'static str> = Vec::new();
    for group in groups {
        if let Some(first) = group.first().filter(|first| !chosen.contains(*first)) {
            chosen.push(first);
        }
    }
    for name in chosen.clone() {
        let others: Vec<&str> = chosen
            .iter()
            .copied()
            .filter(|other| *other != name)
            .collect();
        let needless = groups
            .iter()
            .all(|group| others.iter().any(|other| group.contains(other)));
        if needless {
            chosen.retain(|other| *other != name);
        }
    }
    chosen
}

fn described(names: &[&'static str]) -> Vec<GraphPermission> {
    names
        .iter()
        .filter_map(|name| graph_permission(name))
        .collect()
}

/// What a call needs: one of each list; an empty answer where no permission of the kind allows it, `None` where nothing is
/// known of it.
fn needed(kind: PermissionKind, call: &GraphCall) -> Option<Vec<Vec<&'static str>>> {
    let asked = segments(&call.path);
    let row = CALLS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| {
            let (call_text, rest) = line.split_once(" | ")?;
            let (method, path) = call_text.split_once(' ')?;
            let same = method.eq_ignore_ascii_case(&call.method) && fits(path, &asked);
            same.then_some(rest)
        })?;
    let (delegated, application) = row.split_once(" | ")?;
    let wanted = match (kind, application) {
        (PermissionKind::Delegated, _) | (PermissionKind::Application, "same") => delegated,
        (PermissionKind::Application, "-") => return Some(Vec::new()),
        (PermissionKind::Application, own) => own,
    };
    let wide = wants_more_than_basic(&call.path);
    let groups = wanted.split(" & ").map(|group| {
        let names = group.split(' ');
        names
            .filter(|name| !wide || *name != BASIC_READER)
            .collect()
    });
    Some(groups.collect())
}

/// Lets read a few fields of users; of others it answers nothing.
const BASIC_READER: &str = "User.ReadBasic.All";
/// Those fields.
const BASIC_FIELDS: [&str; 7] = [
    "id",
    "displayName",
    "givenName",
    "surname",
    "mail",
    "userPrincipalName",
    "photo",
];

/// Whether a query names what lies beyond the basic fields. Without `$select` an answer has what the caller may see, so that
/// they suffice; a name that a flow puts in later is not judged.
fn wants_more_than_basic(path: &str) -> bool {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    let query = query.split('#').next().unwrap_or_default();
    let parameters = query.split('&').filter_map(|pair| pair.split_once('='));
    parameters.into_iter().any(|(name, value)| {
        let name = name.replace("%24", "$").to_ascii_lowercase();
        let value = value.replace("%2C", ",").replace("%2c", ",");
        let mut fields = value
            .split(',')
            .map(|field| field.trim_matches([' ', '+']))
            .filter(|field| !field.is_empty() && !field.contains('{'));
        match name.trim_start_matches('$') {
            "expand" => fields.next().is_some(),
            "select" => fields.any(|field| {
                !BASIC_FIELDS
                    .iter()
                    .any(|basic| basic.eq_ignore_ascii_case(field))
            }),
            _ => false,
        }
    })
}

/// The segments of a path that say what it is about: without address, version, query, and what Graph hangs to any path.
fn segments(path: &str) -> Vec<&str> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = match path.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => path,
    };
    let mut segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if segments
        .first()
        .is_some_and(|first| matches!(*first, "v1.0" | "beta"))
    {
        segments.remove(0);
    }
    segments.retain(|segment| !matches!(*segment, "$ref" | "$count" | "$value"));
    segments
}

fn fits(pattern: &str, asked: &[&str]) -> bool {
    let pattern: Vec<&str> = pattern.split('/').skip(1).collect();
    // A function stands behind the name of a collection: `applications(appId='…')` is one of them.
    let keyed = asked
        .first()
        .and_then(|first| first.strip_suffix(')')?.split_once('('));
    let with_key: Vec<&str> = match keyed {
        Some((collection, key)) => [collection, key]
            .into_iter()
            .chain(asked.iter().copied().skip(1))
            .collect(),
        None => asked.to_vec(),
    };
    // A placeholder of the caller's may be anything, but not the name of a collection's function.
    pattern.len() == with_key.len()
        && pattern.iter().zip(&with_key).all(|(wanted, given)| {
            if *wanted == "{}" {
                *given != "delta"
            } else {
                wanted.eq_ignore_ascii_case(given)
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(text: &str) -> GraphCall {
        let (method, path) = text.split_once(' ').unwrap();
        GraphCall {
            method: method.to_owned(),
            path: path.to_owned(),
        }
    }

    fn judged(kind: PermissionKind, calls: &[&str], held: Option<&[&str]>) -> GraphJudgement {
        let held = held.map(|held| held.iter().map(ToString::to_string).collect());
        judge_graph_calls(kind, calls.iter().map(|text| call(text)).collect(), held)
    }

    fn names_of(permissions: &[GraphPermission]) -> Vec<&str> {
        permissions.iter().map(|known| known.name).collect()
    }

    use PermissionKind::{Application, Delegated};

    #[test]
    fn every_permission_that_a_call_needs_is_described() {
        let mut rows = 0;
        for line in CALLS.lines().filter(|line| !line.starts_with('#')) {
            let (_, permissions) = line.split_once(" | ").expect(line);
            assert_eq!(permissions.matches(" | ").count(), 1, "{line}");
            for name in permissions.split([' ', '|', '&']) {
                let known = matches!(name, "" | "same" | "-")
                    || graph_permission(name).is_some_and(|known| known.name == name);
                assert!(known, "{name} of {line}");
            }
            rows += 1;
        }
        assert!(rows > 40, "{rows}");
    }

    #[test]
    fn ids_are_distinct_and_whole() {
        let mut ids: Vec<&str> = graph_permissions()
            .flat_map(|known| [known.delegated_id, known.application_id])
            .flatten()
            .collect();
        let all = ids.len();
        for id in &ids {
            let lengths: Vec<usize> = id.split('-').map(str::len).collect();
            assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
            assert!(
                id.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit()),
                "{id}"
            );
        }
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all);
        assert!(all >= 50, "{all}");
        let read = graph_permission("user.read").unwrap();
        assert!(!read.needs_admin(Delegated) && read.needs_admin(Application));
        assert_eq!(read.application_id, None);
    }

    #[test]
    fn paths_are_found_however_they_are_written() {
        for path in [
            "/users/{user}",
            "users/1",
            "/v1.0/users/ann@contoso.example?$select=id",
            "https://graph.microsoft.com/beta/Users/1",
        ] {
            let judged = judged(Delegated, &[&format!("get {path}")], None);
            assert_eq!(judged.calls[0].any_of[0][0], "User.ReadBasic.All", "{path}");
        }
        for (text, least) in [
            ("GET /users/$count", "User.ReadBasic.All"),
            ("GET /users/delta", "User.Read.All"),
            ("POST /groups/1/members/$ref", "GroupMember.ReadWrite.All"),
            (
                "DELETE /groups/1/members/2/$ref",
                "GroupMember.ReadWrite.All",
            ),
            ("GET /applications(appId='1')", "Application.Read.All"),
            ("PUT /users/1/manager/$ref", "User.ReadWrite.All"),
        ] {
            let judged = judged(Application, &[text], None);
            assert_eq!(names_of(&judged.least), [least], "{text}");
        }
        let strange = judged(Delegated, &["GET /planets", "PUT /users"], Some(&[]));
        assert!(
            strange
                .calls
                .iter()
                .all(|call| call.standing == CallStanding::Unknown)
        );
        assert_eq!((strange.least.len(), strange.missing.len()), (0, 0));
    }

    #[test]
    fn basic_fields_alone_are_read_with_the_least() {
        for (query, least) in [
            ("", "User.ReadBasic.All"),
            ("?$top=5&$filter=startswith(mail,'a')", "User.ReadBasic.All"),
            ("?$select=id,displayname,mail", "User.ReadBasic.All"),
            ("?$select={fields}", "User.ReadBasic.All"),
            ("?$top=5&$select=id,department,jobTitle", "User.Read.All"),
            ("?%24select=id%2Cdepartment#x", "User.Read.All"),
            ("?$select=id, accountEnabled", "User.Read.All"),
            ("?$expand=manager", "User.Read.All"),
        ] {
            for path in ["/users", "/users/1"] {
                let text = format!("GET {path}{query}");
                let basic = judged(Application, &[&text], Some(&["User.ReadBasic.All"]));
                assert_eq!(names_of(&basic.least), [least], "{text}");
                let standing = if least == "User.Read.All" {
                    CallStanding::Missing
                } else {
                    CallStanding::Allowed
                };
                assert_eq!(basic.calls[0].standing, standing, "{text}");
            }
        }
        let me = judged(Delegated, &["GET /me?$select=department"], None);
        assert_eq!(names_of(&me.least), ["User.Read"]);
    }

    #[test]
    fn what_is_held_beyond_a_least_part_is_unused() {
        let wide = ["User.ReadWrite.All", "user.read.all", "Group.ReadWrite.All"];
        for (calls, unused) in [
            (
                &["GET /users"][..],
                &["User.ReadWrite.All", "Group.ReadWrite.All"][..],
            ),
            (
                &["GET /users", "PATCH /users/1"],
                &["user.read.all", "Group.ReadWrite.All"],
            ),
            (&["GET /groups"], &["User.ReadWrite.All", "user.read.all"]),
            // What lacks is no reason to keep what does not help.
            (&["GET /domains"], &wide),
            (&["GET /me"], &wide),
        ] {
            let found = judged(Application, calls, Some(&wide));
            assert_eq!(found.unused, unused, "{calls:?}");
        }
        let twice = [
            "Directory.Read.All",
            "Application.Read.All",
            "AppRoleAssignment.ReadWrite.All",
        ];
        let found = judged(
            Application,
            &["POST /servicePrincipals/1/appRoleAssignments"],
            Some(&twice),
        );
        assert_eq!(found.unused, ["Directory.Read.All"]);
        let openid = ["openid", "offline_access", "User.Read"];
        assert_eq!(
            judged(Delegated, &["GET /domains"], Some(&openid)).unused,
            ["User.Read"]
        );
    }

    #[test]
    fn the_least_set_has_nothing_needless() {
        let calls = ["GET /users", "POST /users", "GET /groups/1/members"];
        let all = judged(Application, &calls, None);
        assert_eq!(
            names_of(&all.least),
            ["User.ReadWrite.All", "GroupMember.Read.All"]
        );
        let both = judged(
            Application,
            &["POST /servicePrincipals/1/appRoleAssignments"],
            Some(&["AppRoleAssignment.ReadWrite.All"]),
        );
        assert_eq!(names_of(&both.missing), ["Application.Read.All"]);
        assert_eq!(both.least.len(), 2);
    }

    #[test]
    fn what_is_held_is_compared() {
        use CallStanding::{Allowed, Impossible, Missing, Unknown};
        let calls = ["GET /users", "PATCH /users/1", "GET /me"];
        let held = ["User.read.all", "Group.Read.All", "offline_access"];
        let found = judged(Delegated, &calls, Some(&held));
        let standings: Vec<_> = found.calls.iter().map(|call| call.standing).collect();
        assert_eq!(standings, [Allowed, Missing, Allowed]);
        assert_eq!(names_of(&found.missing), ["User.ReadWrite.All"]);
        assert_eq!(found.unused, ["Group.Read.All"]);
        let app = judged(Application, &calls, Some(&["User.ReadWrite.All"]));
        let standings: Vec<_> = app.calls.iter().map(|call| call.standing).collect();
        assert_eq!(standings, [Allowed, Allowed, Impossible]);
        let unknown = judged(Application, &calls[..1], None);
        assert_eq!(unknown.calls[0].standing, Unknown);
        assert!(unknown.missing.is_empty() && unknown.unused.is_empty());
    }
}
