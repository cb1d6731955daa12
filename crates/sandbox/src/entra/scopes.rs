//! Scope text → what is asked of which resource, and what of it is consented
//! (`entra-and-graph.md` §5, §6).

use serde::{Deserialize, Serialize};

use super::errors::{self, Refusal};
use crate::directory::{AccessKind, Application, Tenant};
use crate::guid::Guid;
use crate::permissions::{Consent, DelegatedScope, GRAPH, GRAPH_URI};

const DEFAULT: &str = ".default";
const OIDC: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// What a request asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Wanted {
    /// The OpenID Connect names, canonical.
    pub(crate) oidc: Vec<String>,
    /// What is asked of each resource, in the order asked.
    pub(crate) targets: Vec<Target>,
}

/// What is asked of one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Target {
    /// The app id of the resource.
    pub(crate) resource: Guid,
    /// The form in which it was asked for: the audience of the token.
    pub(crate) audience: String,
    /// Canonical names, or everything.
    pub(crate) names: Names,
}

/// Which permissions of a resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Names {
    /// `.default`.
    Default,
    /// By name.
    Listed(Vec<String>),
}

/// A permission somebody has to consent to.
#[derive(Clone, Debug)]
pub(crate) struct Permission {
    pub(crate) resource: Guid,
    pub(crate) scope: DelegatedScope,
}

impl Wanted {
    /// Whether an OpenID Connect name was asked for.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.oidc.iter().any(|known| known == name)
    }
}

/// Reads the scope of a delegated request of this app.
pub(crate) fn parse(
    text: &str,
    tenant: &Tenant,
    base: &str,
    app: &Application,
) -> Result<Wanted, Refusal> {
    let mut wanted = Wanted::default();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let (resource, name) = split(word)?;
        let graph = resource.is_none_or(|resource| is_graph(resource, base));
        if graph && let Some(oidc) = OIDC.iter().find(|oidc| oidc.eq_ignore_ascii_case(name)) {
            if !wanted.has(oidc) {
                wanted.oidc.push((*oidc).to_owned());
            }
            continue;
        }
        let (resource, audience) = resolve(resource, tenant, base)?;
        let names = if name.eq_ignore_ascii_case(DEFAULT) {
            Names::Default
        } else {
            let offers = tenant.resource(resource);
            let scope = offers
                .and_then(|offers| offers.scope(name))
                .ok_or_else(|| errors::scope_unknown(&app.display_name, name, resource))?;
            Names::Listed(vec![scope.value.clone()])
        };
        // Named scopes of Graph can be asked for without being listed: dynamic consent.
        if !app.requires(resource) && (resource != GRAPH || names == Names::Default) {
            return Err(errors::resource_not_listed(
                app.app_id,
                &app.display_name,
                &audience,
            ));
        }
        add(
            &mut wanted,
            Target {
                resource,
                audience,
                names,
            },
            text,
        )?;
    }
    Ok(wanted)
}

/// Adds a target to what is wanted; `.default` does not go with anything else of a resource.
fn add(wanted: &mut Wanted, target: Target, text: &str) -> Result<(), Refusal> {
    let mixed = || {
        errors::invalid_scope(
            text,
            ".default scope can't be combined with resource-specific scopes.",
        )
    };
    let defaults = |targets: &[Target]| targets.iter().any(|known| known.names == Names::Default);
    if target.names == Names::Default && !wanted.targets.is_empty() || defaults(&wanted.targets) {
        return Err(mixed());
    }
    let known = wanted
        .targets
        .iter_mut()
        .find(|known| known.resource == target.resource);
    match (known, target.names) {
        (
            Some(Target {
                names: Names::Listed(known),
                ..
            }),
            Names::Listed(names),
        ) => {
            known.extend(
                names
                    .into_iter()
                    .filter(|name| !known.contains(name))
                    .collect::<Vec<_>>(),
            );
        }
        (_, names) => wanted.targets.push(Target { names, ..target }),
    }
    Ok(())
}

/// Reads the scope of a client-credentials request: one `<resource>/.default`.
pub(crate) fn parse_client_credentials(
    text: &str,
    tenant: &Tenant,
    base: &str,
) -> Result<Target, Refusal> {
    one_resource(text, base)?;
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    let mut only = None;
    for word in &words {
        let (resource, name) = split(word)?;
        if !name.eq_ignore_ascii_case(DEFAULT) {
            return Err(errors::named_scope_in_client_credentials(text));
        }
        only = Some(resource);
    }
    if words.len() > 1 {
        return Err(errors::invalid_scope(
            text,
            "Only one resource can be asked for, once.",
        ));
    }
    let resource = only.ok_or_else(|| errors::field_missing("scope"))?;
    let (resource, audience) = resolve(resource, tenant, base)?;
    Ok(Target {
        resource,
        audience,
        names: Names::Default,
    })
}

/// Refuses a token request that names several resources.
pub(crate) fn one_resource(text: &str, base: &str) -> Result<(), Refusal> {
    let mut first: Option<String> = None;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let (resource, name) = split(word)?;
        let resource = match resource {
            Some(resource) if !is_graph(resource, base) => resource.to_ascii_lowercase(),
            _ if OIDC.iter().any(|oidc| oidc.eq_ignore_ascii_case(name)) => continue,
            _ => GRAPH_URI.to_owned(),
        };
        if *first.get_or_insert_with(|| resource.clone()) != resource {
            return Err(errors::several_resources(text));
        }
    }
    Ok(())
}

/// Splits a scope into resource and name; no resource means Graph.
fn split(word: &str) -> Result<(Option<&str>, &str), Refusal> {
    if word.contains(',') {
        return Err(errors::invalid_scope(
            word,
            "Scopes are separated by spaces.",
        ));
    }
    let Some((resource, name)) = word.rsplit_once('/') else {
        return Ok((None, word));
    };
    let authority = resource
        .split_once("://")
        .map_or(resource, |(_, rest)| rest);
    if authority.is_empty() || resource.ends_with(":/") || name.is_empty() {
        return Err(errors::invalid_scope(
            word,
            "It names a resource, but no permission of it.",
        ));
    }
    Ok((Some(resource), name))
}

fn is_graph(resource: &str, base: &str) -> bool {
    let resource = resource.trim_end_matches('/');
    resource.eq_ignore_ascii_case(GRAPH_URI)
        || resource.eq_ignore_ascii_case(base)
        || resource.parse() == Ok(GRAPH)
}

/// The app id of a resource and the audience of tokens for it.
fn resolve(resource: Option<&str>, tenant: &Tenant, base: &str) -> Result<(Guid, String), Refusal> {
    let Some(resource) = resource else {
        return Ok((GRAPH, GRAPH_URI.to_owned()));
    };
    if is_graph(resource, base) {
        return Ok((GRAPH, resource.to_owned()));
    }
    let known = tenant.applications.values().find(|application| {
        resource.parse() == Ok(application.app_id)
            || application
                .identifier_uris
                .iter()
                .any(|uri| uri.eq_ignore_ascii_case(resource))
    });
    match known {
        Some(application) if tenant.principals.contains_key(&application.app_id) => {
            Ok((application.app_id, application.app_id.to_string()))
        }
        _ => Err(errors::resource_not_found(resource, tenant.id)),
    }
}

/// Every permission that is asked for, for the consent page.
pub(crate) fn requested(tenant: &Tenant, app: &Application, wanted: &Wanted) -> Vec<Permission> {
    let mut all = Vec::new();
    let mut push = |resource: Guid, scope: Option<&DelegatedScope>| {
        all.extend(scope.map(|scope| Permission {
            resource,
            scope: scope.clone(),
        }));
    };
    let graph = crate::permissions::graph();
    for target in &wanted.targets {
        let Some(offers) = tenant.resource(target.resource) else {
            continue;
        };
        match &target.names {
            Names::Listed(names) => {
                for name in names {
                    push(target.resource, offers.scope(name));
                }
            }
            Names::Default => {
                let listed = app.required.iter().filter(|access| {
                    access.resource == target.resource && access.kind == AccessKind::Scope
                });
                for access in listed {
                    push(target.resource, offers.scope_by_id(access.id));
                }
            }
        }
    }
    for name in &wanted.oidc {
        push(GRAPH, graph.scope(name));
    }
    all.sort_by_key(|permission| permission.scope.value == "offline_access");
    all.dedup_by(|left, right| left.scope.id == right.scope.id);
    all
}

/// What of it nobody has consented to yet for this user.
pub(crate) fn missing(
    tenant: &Tenant,
    app: &Application,
    user: Guid,
    wanted: &Wanted,
) -> Vec<Permission> {
    let with_grants: Vec<Guid> = wanted
        .targets
        .iter()
        .filter(|target| target.names == Names::Default)
        .map(|target| target.resource)
        .filter(|resource| !tenant.granted(app.app_id, *resource, user).is_empty())
        .collect();
    requested(tenant, app, wanted)
        .into_iter()
        .filter(|permission| {
            let name = permission.scope.value.as_str();
            let granted = tenant.granted(app.app_id, permission.resource, user);
            let oidc = permission.resource == GRAPH && OIDC.contains(&name);
            if oidc && name != "offline_access" {
                // Signing in comes with any consent to Graph.
                return granted.is_empty();
            }
            !granted.contains(name) && (oidc || !with_grants.contains(&permission.resource))
        })
        .collect()
}

/// Whether one of the permissions needs an administrator.
pub(crate) fn needs_administrator(permissions: &[Permission]) -> bool {
    permissions
        .iter()
        .any(|permission| permission.scope.consent == Consent::Admin)
}

/// The names that a token for this target may carry: all that was consented to so far.
pub(crate) fn effective(tenant: &Tenant, app: Guid, user: Guid, resource: Guid) -> Vec<String> {
    let granted = tenant.granted(app, resource, user);
    granted
        .into_iter()
        .filter(|name| resource != GRAPH || !OIDC.contains(&name.as_str()))
        .collect()
}

/// The `scope` of an answer: OpenID Connect names first for Graph, then qualified names.
pub(crate) fn answered(target: &Target, names: &[String]) -> String {
    let prefix = target.audience.trim_end_matches('/');
    let mut words: Vec<String> = Vec::new();
    if target.resource == GRAPH {
        words.extend(["profile", "openid", "email"].map(str::to_owned));
        words.extend(names.iter().map(|name| format!("{prefix}/{name}")));
    } else {
        words.extend(names.iter().map(|name| format!("api://{prefix}/{name}")));
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Seeded;
    use crate::users::Generator;
    use jiff::Timestamp;

    const BASE: &str = "https://127.0.0.1:8443";

    fn tenant() -> (Tenant, Seeded) {
        let users = Generator::new(1, 10);
        let seeded = Seeded::new(&users);
        (seeded.tenant(users, "x", Timestamp::UNIX_EPOCH), seeded)
    }

    fn delegated(text: &str) -> Result<Wanted, u32> {
        let (tenant, seeded) = tenant();
        let app = tenant.application(seeded.app).unwrap();
        parse(text, &tenant, BASE, app).map_err(|refusal| refusal.code)
    }

    #[test]
    fn graph_has_many_names() {
        for text in [
            "user.read.all",
            "https://graph.microsoft.com/USER.READ.ALL",
            "https://127.0.0.1:8443/User.Read.All",
            "00000003-0000-0000-c000-000000000000/User.Read.All",
        ] {
            let wanted = delegated(&format!("offline_access {text}")).unwrap();
            assert!(wanted.has("offline_access"));
            assert_eq!(wanted.targets[0].resource, GRAPH, "{text}");
            assert_eq!(
                wanted.targets[0].names,
                Names::Listed(vec!["User.Read.All".to_owned()])
            );
        }
        assert_eq!(
            delegated("https://graph.microsoft.com/User.Read User.Read.All")
                .unwrap()
                .targets
                .len(),
            1
        );
    }

    #[test]
    fn what_is_wrong_has_its_code() {
        for (text, code) in [
            ("User.Read,User.Read.All", 70_011),
            ("user.real.all", 650_053),
            ("User.Read\nopenid", 650_053),
            ("https://graph.microsoft.com/.default User.Read", 70_011),
            ("User.Read https://graph.microsoft.com/.default", 70_011),
            (
                "https://graph.microsoft.com/.default https://graph.microsoft.com/.default",
                70_011,
            ),
            ("https://graph.microsoft.com", 70_011),
            ("https://elsewhere.example/.default", 500_011),
        ] {
            assert_eq!(delegated(text), Err(code), "{text}");
        }
        let (_, seeded) = tenant();
        assert_eq!(
            delegated(&format!("api://{}/Ledger.Read", seeded.api)),
            Err(650_057)
        );
        assert!(delegated("openid https://graph.microsoft.com/.default offline_access").is_ok());
    }

    #[test]
    fn client_credentials_want_one_default() {
        let (tenant, seeded) = tenant();
        let check = |text: &str| {
            parse_client_credentials(text, &tenant, BASE)
                .map(|target| target.audience)
                .map_err(|refusal| refusal.code)
        };
        assert_eq!(
            check("https://graph.microsoft.com/.default").unwrap(),
            GRAPH_URI
        );
        assert_eq!(check("https://127.0.0.1:8443/.default").unwrap(), BASE);
        assert_eq!(
            check("https://graph.microsoft.com//.default").unwrap(),
            "https://graph.microsoft.com/"
        );
        assert_eq!(
            check(&format!("api://{}/.default", seeded.api)).unwrap(),
            seeded.api.to_string()
        );
        for (text, code) in [
            ("User.Read.All", 1_002_012),
            ("user.real.all", 1_002_012),
            ("openid", 1_002_012),
            (
                "https://graph.microsoft.com/.default https://graph.microsoft.com/.default",
                70_011,
            ),
            (
                "https://graph.microsoft.com/.default https://x.example/.default",
                28_000,
            ),
            ("a,b", 70_011),
            ("https://x.example/.default", 500_011),
        ] {
            assert_eq!(check(text), Err(code), "{text}");
        }
    }

    #[test]
    fn missing_is_what_nobody_consented_to() {
        let (tenant, seeded) = tenant();
        let user = tenant.people.generator().id(3);
        let app = tenant.application(seeded.app).unwrap();
        let check = |text: &str| -> Vec<String> {
            let wanted = parse(text, &tenant, BASE, app).unwrap();
            missing(&tenant, app, user, &wanted)
                .into_iter()
                .map(|permission| permission.scope.value)
                .collect()
        };
        assert!(check("openid email offline_access User.Read User.Read.All").is_empty());
        assert!(check("https://graph.microsoft.com/.default").is_empty());
        assert_eq!(check("User.Read Mail.Read"), ["Mail.Read"]);
    }
}
