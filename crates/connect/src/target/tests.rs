use oauth::{AuthenticationMethod, ClientId, Scope};
use store::{Authentication, ConnectionId, ConnectionName, OAuth, OAuthGrant};

use super::*;

fn settings(preset: PresetName, base: Option<&str>, origins: &[&str]) -> Settings {
    Settings {
        preset,
        cloud: (preset == PresetName::MicrosoftGraph).then(|| "global".to_owned()),
        tenant: Some("contoso.example".to_owned()),
        base_url: base.map(|base| Url::parse(base).unwrap()),
        origins: origins
            .iter()
            .map(|origin| Origin::parse(origin).unwrap())
            .collect(),
        authentication: Authentication::OAuth(OAuth {
            grant: OAuthGrant::ClientCredentials,
            token_endpoint: Url::parse("https://login.microsoftonline.com/t/oauth2/v2.0/token")
                .unwrap(),
            client_id: ClientId::parse("client").unwrap(),
            client_authentication: AuthenticationMethod::Automatic,
            scope: Scope::default(),
            token_parameters: Vec::new(),
            issuer: None,
            iss_required: false,
        }),
        ca_certificate: None,
        secret_expires_at: None,
        secret_added_at: None,
        older_secret: None,
        concurrency: None,
        probe_path: None,
    }
}

fn resolve(
    settings: &Settings,
    target: &str,
    query: &[(&str, &str)],
) -> Result<String, &'static str> {
    let named = Named {
        id: ConnectionId::random(),
        name: ConnectionName::parse("graph").unwrap(),
    };
    let origins = crate::load::origins(settings);
    let reach = Reach {
        connection: &named,
        settings,
        origins: &origins,
    };
    let query: Vec<(String, String)> = query
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    reach
        .resolve(target, &query)
        .map(|url| url.to_string())
        .map_err(|error| error.code())
}

fn graph() -> Settings {
    settings(
        PresetName::MicrosoftGraph,
        Some("https://graph.microsoft.com/v1.0"),
        &[],
    )
}

#[test]
fn paths_and_urls_of_graph() {
    for (target, expected) in [
        ("/users", "https://graph.microsoft.com/v1.0/users"),
        ("users", "https://graph.microsoft.com/v1.0/users"),
        ("/v1.0/users", "https://graph.microsoft.com/v1.0/users"),
        ("v1.0/users", "https://graph.microsoft.com/v1.0/users"),
        (
            "/beta/users?$top=1",
            "https://graph.microsoft.com/beta/users?$top=1",
        ),
        ("/beta", "https://graph.microsoft.com/beta"),
        (
            "/v1.0x/users",
            "https://graph.microsoft.com/v1.0/v1.0x/users",
        ),
        ("", "https://graph.microsoft.com/v1.0"),
        ("/", "https://graph.microsoft.com/v1.0"),
        (
            "https://graph.microsoft.com/v1.0/users",
            "https://graph.microsoft.com/v1.0/users",
        ),
        (
            "https://graph.microsoft.com:443/beta/me",
            "https://graph.microsoft.com/beta/me",
        ),
        (
            "HTTPS://GRAPH.MICROSOFT.COM/v1.0/me",
            "https://graph.microsoft.com/v1.0/me",
        ),
        (
            "/users/ann%23EXT%23@contoso.example",
            "https://graph.microsoft.com/v1.0/users/ann%23EXT%23@contoso.example",
        ),
        (
            "/users?$filter=startsWith(displayName,'A B')",
            "https://graph.microsoft.com/v1.0/users?$filter=startsWith(displayName,%27A%20B%27)",
        ),
        (
            "/groups('a:b')/x",
            "https://graph.microsoft.com/v1.0/groups('a:b')/x",
        ),
        ("//", "https://graph.microsoft.com/v1.0/"),
    ] {
        let got = resolve(&graph(), target, &[]);
        if target == "//" {
            // A URL without scheme and host: refused, not guessed.
            assert!(got.is_err());
            continue;
        }
        assert_eq!(got.as_deref(), Ok(expected), "{target}");
    }
}

#[test]
fn queries_are_kept_and_added() {
    for (target, query, expected) in [
        (
            "/users?$top=1",
            vec![("$select", "id,displayName")],
            "https://graph.microsoft.com/v1.0/users?$top=1&$select=id,displayName",
        ),
        (
            "/users",
            vec![("$filter", "startsWith(displayName,'A & B')")],
            "https://graph.microsoft.com/v1.0/users?$filter=startsWith(displayName,%27A%20%26%20B%27)",
        ),
        (
            "/users?",
            vec![("a", "1"), ("a", "2")],
            "https://graph.microsoft.com/v1.0/users?a=1&a=2",
        ),
        (
            "/users",
            vec![("a#b", "c=d&e")],
            "https://graph.microsoft.com/v1.0/users?a%23b=c%3Dd%26e",
        ),
    ] {
        assert_eq!(
            resolve(&graph(), target, &query).as_deref(),
            Ok(expected),
            "{target} {query:?}"
        );
    }
}

#[test]
fn a_generic_base_is_never_left() {
    let generic = settings(
        PresetName::Generic,
        Some("https://api.contoso.example/base/"),
        &["https://files.contoso.example:8443"],
    );
    for (target, expected) in [
        ("/users", "https://api.contoso.example/base/users"),
        ("/v1.0/users", "https://api.contoso.example/base/v1.0/users"),
        (
            "https://api.contoso.example/elsewhere",
            "https://api.contoso.example/elsewhere",
        ),
        (
            "https://files.contoso.example:8443/x",
            "https://files.contoso.example:8443/x",
        ),
    ] {
        assert_eq!(
            resolve(&generic, target, &[]).as_deref(),
            Ok(expected),
            "{target}"
        );
    }
    let nothing = settings(PresetName::Generic, None, &[]);
    assert_eq!(
        resolve(&nothing, "/users", &[]),
        Err("request.target_invalid")
    );
    assert_eq!(
        resolve(&nothing, "https://api.contoso.example", &[]),
        Err("connection.origin_forbidden")
    );
}

/// Ways to name somebody else's server, or another place on ours.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn confusions() {
    for (target, code) in [
        (
            "https://evilgraph.microsoft.com/v1.0/users",
            "connection.origin_forbidden",
        ),
        (
            "https://graph.microsoft.com.evil.example/",
            "connection.origin_forbidden",
        ),
        (
            "https://graph.microsoft.com.",
            "connection.origin_forbidden",
        ),
        (
            "https://graph.microsoft.com:8443/",
            "connection.origin_forbidden",
        ),
        (
            "https://graph.microsoft.com:80/",
            "connection.origin_forbidden",
        ),
        (
            "http://graph.microsoft.com/v1.0/users",
            "connection.origin_forbidden",
        ),
        ("ftp://graph.microsoft.com/", "connection.origin_forbidden"),
        (
            "https://graph.microsoft.com@evil.example/",
            "connection.origin_forbidden",
        ),
        (
            "https://graph.microsoft.com%40evil.example/",
            "request.target_invalid",
        ),
        (
            "https://evil.example/graph.microsoft.com",
            "connection.origin_forbidden",
        ),
        (
            "https://evil.example#graph.microsoft.com",
            "connection.origin_forbidden",
        ),
        (
            "https://evil.example?graph.microsoft.com",
            "connection.origin_forbidden",
        ),
        (
            "https://evil.example\\@graph.microsoft.com",
            "request.target_invalid",
        ),
        ("https:\\\\evil.example\\v1.0", "request.target_invalid"),
        ("//evil.example/v1.0/users", "connection.origin_forbidden"),
        ("///evil.example/v1.0/users", "connection.origin_forbidden"),
        ("/\\evil.example", "request.target_invalid"),
        ("https:evil.example", "connection.origin_forbidden"),
        ("https:/evil.example", "connection.origin_forbidden"),
        ("https:///evil.example", "connection.origin_forbidden"),
        ("HtTpS://EVIL.example", "connection.origin_forbidden"),
        (
            "https://ɢraph.microsoft.com/",
            "connection.origin_forbidden",
        ),
        (
            "https://graph.micrоsoft.com/",
            "connection.origin_forbidden",
        ),
        (
            "https://graph。microsoft。com.evil.example/",
            "connection.origin_forbidden",
        ),
        ("https://127.0.0.1/", "connection.origin_forbidden"),
        (
            "https://169.254.169.254/latest",
            "connection.origin_forbidden",
        ),
        (
            "https://[::ffff:169.254.169.254]/",
            "connection.origin_forbidden",
        ),
        (
            "https://login.microsoftonline.com/",
            "connection.origin_forbidden",
        ),
        ("javascript:alert(1)", "connection.origin_forbidden"),
        ("data:text/html,x", "connection.origin_forbidden"),
        ("file:///etc/passwd", "connection.origin_forbidden"),
        ("mailto:ann@contoso.example", "connection.origin_forbidden"),
        ("/../beta/users", "request.target_invalid"),
        ("/users/../../beta", "request.target_invalid"),
        ("/users/%2e%2e/%2E%2e/beta", "request.target_invalid"),
        ("/users/.%2e/x", "request.target_invalid"),
        ("/./users", "request.target_invalid"),
        ("/users#fragment", "request.target_invalid"),
        (
            "https://graph.microsoft.com/v1.0/users#fragment",
            "request.target_invalid",
        ),
        ("/users\r\nHost: evil.example", "request.target_invalid"),
        ("/users\n", "request.target_invalid"),
        ("/us\ters", "request.target_invalid"),
        ("/users\0", "request.target_invalid"),
        (" /users", "request.target_invalid"),
        (
            "https://graph.microsoft.com/\u{2028}",
            "request.target_invalid",
        ),
        ("ht\ntps://evil.example", "request.target_invalid"),
    ] {
        assert_eq!(resolve(&graph(), target, &[]), Err(code), "{target:?}");
    }
    let long = format!("/{}", "a".repeat(8 * 1024));
    assert_eq!(resolve(&graph(), &long, &[]), Err("request.target_invalid"));
}

#[test]
fn a_sandbox_connection_says_how_to_write_it() {
    let mut sandbox = graph();
    sandbox.cloud = Some("sandbox".to_owned());
    sandbox.base_url = Some(Url::parse("https://127.0.0.1:8443/v1.0").unwrap());
    let named = Named {
        id: ConnectionId::random(),
        name: ConnectionName::parse("graph").unwrap(),
    };
    let origins = crate::load::origins(&sandbox);
    let reach = Reach {
        connection: &named,
        settings: &sandbox,
        origins: &origins,
    };
    let error = reach
        .resolve("https://graph.microsoft.com/v1.0/users", &[])
        .unwrap_err();
    assert_eq!(error.code(), "connection.origin_forbidden");
    let text = error.to_string();
    assert!(
        text.contains("this connection speaks to the sandbox: use /v1.0/users"),
        "{text}"
    );
}
