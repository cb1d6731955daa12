//! From an issuer, or any address of an API, to the endpoints: OpenID Connect, RFC 8414, RFC 9728, and Entra's own way.

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::get;
use serde_json::{Value, json};
use store::{Actor, Role};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::house::{House, house};

/// Servers of metadata on one port; answers its origin.
async fn servers() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let metadata = |issuer: String| -> Value {
        json!({
            "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"), "token_endpoint": format!("{issuer}/token"),
            "device_authorization_endpoint": format!("{issuer}/device"), "scopes_supported": ["a", "b"],
            "grant_types_supported": ["authorization_code"], "token_endpoint_auth_methods_supported": ["none"],
        })
    };
    let document = |body: Value| get(move || async move { axum::Json(body) });
    let refuse = |challenge: String| {
        get(move || async move {
            let challenge = HeaderValue::from_str(&challenge).unwrap();
            (
                StatusCode::UNAUTHORIZED,
                [(header::WWW_AUTHENTICATE, challenge)],
            )
                .into_response()
        })
    };
    let resource = |of: String, servers: Vec<String>| {
        document(
            json!({ "resource": of, "authorization_servers": servers, "scopes_supported": ["files"] }),
        )
    };
    let router = Router::new()
        .route(
            "/oidc/.well-known/openid-configuration",
            document(metadata(format!("{origin}/oidc"))),
        )
        .route(
            "/.well-known/oauth-authorization-server/plain",
            document(metadata(format!("{origin}/plain"))),
        )
        .route(
            "/liar/.well-known/openid-configuration",
            document(metadata("https://evil.example".to_owned())),
        )
        .route(
            "/api/files",
            refuse(format!(r#"Bearer resource_metadata="{origin}/about""#)),
        )
        .route(
            "/about",
            resource(
                format!("{origin}/api"),
                vec![
                    "https://gone.contoso.example".to_owned(),
                    format!("{origin}/plain"),
                ],
            ),
        )
        .route("/quiet/files", get(|| async { "public" }))
        .route(
            "/.well-known/oauth-protected-resource/quiet/files",
            resource(
                format!("{origin}/quiet/files"),
                vec![format!("{origin}/oidc")],
            ),
        )
        .route(
            "/away/files",
            refuse(r#"Bearer resource_metadata="https://evil.example/about""#.to_owned()),
        )
        .route(
            "/other/files",
            refuse(format!(
                r#"Bearer resource_metadata="{origin}/about-other""#
            )),
        )
        .route(
            "/about-other",
            resource(
                "https://evil.example".to_owned(),
                vec![format!("{origin}/oidc")],
            ),
        )
        .route("/nothing", get(|| async { "nothing" }));
    TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
    origin
}

async fn discover(house: &House, url: &str) -> Result<connect::Discovered, &'static str> {
    let found = house.connector.discover(&house.actor, url, None).await;
    found.map_err(|error| error.code())
}

#[tokio::test]
async fn an_issuer_in_both_places() {
    let (house, origin) = (house().await, servers().await);
    for (issuer, place) in [
        ("/oidc", "/oidc/.well-known/openid-configuration"),
        ("/oidc/", "/oidc/.well-known/openid-configuration"),
        ("/plain", "/.well-known/oauth-authorization-server/plain"),
    ] {
        let found = discover(&house, &format!("{origin}{issuer}"))
            .await
            .unwrap();
        let issuer = issuer.trim_end_matches('/');
        assert_eq!(found.issuer, Some(format!("{origin}{issuer}")));
        assert_eq!(
            found.token_endpoint,
            Some(format!("{origin}{issuer}/token"))
        );
        assert_eq!(
            found.device_authorization_endpoint,
            Some(format!("{origin}{issuer}/device"))
        );
        assert_eq!(found.found_at, format!("{origin}{place}"));
        assert_eq!(
            (found.scopes, found.resource),
            (vec!["a".to_owned(), "b".to_owned()], None)
        );
    }
    for lost in ["/liar", "/nothing", "/away/files", "/other/files"] {
        assert_eq!(
            discover(&house, &format!("{origin}{lost}")).await,
            Err("issuer.discovery_failed"),
            "{lost}"
        );
    }
    assert_eq!(
        discover(&house, "no address").await,
        Err("connection.url_invalid")
    );
    assert_eq!(
        discover(&house, "https://10.0.0.1").await,
        Err("egress.address_forbidden")
    );
    let operator = Actor {
        role: Role::Operator,
        ..Actor::local()
    };
    let refused = house.connector.discover(&operator, &origin, None).await;
    assert_eq!(refused.unwrap_err().code(), "forbidden");
}

#[tokio::test]
async fn any_address_of_an_api() {
    let (house, origin) = (house().await, servers().await);
    let found = discover(&house, &format!("{origin}/api/files"))
        .await
        .unwrap();
    assert_eq!(found.resource, Some(format!("{origin}/api")));
    assert_eq!(found.issuer, Some(format!("{origin}/plain")));
    assert_eq!(found.scopes, ["files"]);
    // One that says nothing itself, but has the document at its place.
    let found = discover(&house, &format!("{origin}/quiet/files"))
        .await
        .unwrap();
    assert_eq!(found.issuer, Some(format!("{origin}/oidc")));
}

#[tokio::test]
async fn entra_and_graph() {
    let house = house().await;
    let (origin, tenant) = (
        house.sandbox.origin().to_owned(),
        house.facts().tenant_id.clone(),
    );
    let own = discover(&house, &format!("{origin}/{tenant}/v2.0"))
        .await
        .unwrap();
    assert_eq!(own.preset, Some("microsoft-graph"));
    assert_eq!(own.tenant.as_deref(), Some(tenant.as_str()));
    assert_eq!(own.issuer, Some(format!("{origin}/{tenant}/v2.0")));
    // The shared directory speaks of every tenant, so there is no issuer to hold a callback against.
    let common = discover(&house, &format!("{origin}/common/v2.0"))
        .await
        .unwrap();
    assert_eq!((common.issuer, common.tenant), (None, None));
    assert!(
        common
            .token_endpoint
            .unwrap()
            .ends_with("/common/oauth2/v2.0/token")
    );
    let graph = discover(&house, &format!("{origin}/v1.0/users"))
        .await
        .unwrap();
    assert_eq!(
        (graph.preset, graph.resource),
        (Some("microsoft-graph"), Some(origin))
    );
}
