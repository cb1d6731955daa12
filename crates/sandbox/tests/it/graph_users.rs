//! Reading users: pages, filters, permissions, refusals and headers.

use std::collections::BTreeSet;

use reqwest::Method;
use sandbox::Config;
use serde_json::{Value, json};

use super::client::{Answer, USER_READ, World, text};

async fn eventual(world: &World, token: &str, path: &str) -> Answer {
    let request = world
        .http
        .get(world.url(&format!("/v1.0{path}")))
        .bearer_auth(token)
        .header("ConsistencyLevel", "eventual");
    Answer::of(request.send().await.unwrap()).await
}

fn names(page: &Value) -> Vec<String> {
    page["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| text(&user["displayName"]))
        .collect()
}

/// Every id of a collection, page by page.
async fn walk(world: &World, token: &str, path: &str) -> (Vec<String>, usize) {
    let (mut ids, mut pages, mut url) = (Vec::new(), 0, world.url(&format!("/v1.0{path}")));
    loop {
        let page = Answer::of(
            world
                .http
                .get(&url)
                .bearer_auth(token)
                .send()
                .await
                .unwrap(),
        )
        .await
        .ok();
        ids.extend(
            page["value"]
                .as_array()
                .unwrap()
                .iter()
                .map(|user| text(&user["id"])),
        );
        pages += 1;
        match page.get("@odata.nextLink") {
            Some(next) => {
                url = text(next);
                assert!(url.starts_with(&world.url("/v1.0/users?")), "{url}");
            }
            None => return (ids, pages),
        }
    }
}

#[tokio::test]
async fn default_properties_in_the_order_of_the_wire() {
    let world = World::start().await;
    let token = world.app_token().await;
    let answer = world.get(&token, "/users").await;
    assert_eq!(
        answer.header("content-type"),
        "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
    );
    assert_eq!(answer.header("odata-version"), "4.0");
    assert_eq!(answer.header("x-ms-resource-unit"), "2");
    assert!(
        answer
            .header("x-ms-ags-diagnostic")
            .starts_with("{\"ServerInfo\":{\"DataCenter\"")
    );
    assert_eq!(
        answer.header("client-request-id"),
        answer.header("request-id")
    );
    let page = answer.ok();
    assert_eq!(
        page["@odata.context"],
        json!(world.url("/v1.0/$metadata#users"))
    );
    assert!(page.get("@odata.nextLink").is_none(), "50 fit on one page");
    let first: Vec<&String> = page["value"][0].as_object().unwrap().keys().collect();
    assert_eq!(
        first,
        [
            "businessPhones",
            "displayName",
            "givenName",
            "jobTitle",
            "mail",
            "mobilePhone",
            "officeLocation",
            "preferredLanguage",
            "surname",
            "userPrincipalName",
            "id"
        ]
    );
    let listed: Vec<String> = page["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| text(&user["id"]))
        .collect();
    let facts: Vec<String> = world
        .facts()
        .users
        .iter()
        .map(|user| user.id.clone())
        .collect();
    assert_eq!(listed[..25], facts);
}

#[tokio::test]
async fn pages_together_are_the_whole_list() {
    let world = World::start_with(Config {
        users: 1234,
        ..Config::default()
    })
    .await;
    let token = world.app_token().await;
    let (all, pages) = walk(&world, &token, "/users").await;
    assert_eq!((all.len(), pages), (1234, 13));
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 1234);
    let (same, pages) = walk(&world, &token, "/users?$top=999&$select=id").await;
    assert_eq!((same, pages), (all.clone(), 2));
    let (sorted, _) = walk(&world, &token, "/users?$orderby=displayName desc&$top=100").await;
    assert_eq!(
        sorted.iter().collect::<BTreeSet<_>>(),
        all.iter().collect::<BTreeSet<_>>()
    );
    let (engineers, _) = walk(
        &world,
        &token,
        "/users?$filter=department eq 'Engineering'&$top=10",
    )
    .await;
    let (others, _) = walk(&world, &token, "/users?$filter=startsWith(department,'f') or department in ('Human Resources','Legal','Marketing','Operations','Sales','Support') or department eq null").await;
    assert_eq!(engineers.len() + others.len(), 1234);
    assert!(engineers.len() > 10);
}

#[tokio::test]
async fn sorted_pages_are_sorted() {
    let world = World::start().await;
    let token = world.app_token().await;
    let page = world
        .get(&token, "/users?$orderby=displayName&$top=20")
        .await
        .ok();
    let next = text(&page["@odata.nextLink"]);
    let second = Answer::of(
        world
            .http
            .get(next)
            .bearer_auth(&token)
            .send()
            .await
            .unwrap(),
    )
    .await
    .ok();
    let all: Vec<String> = [names(&page), names(&second)]
        .concat()
        .iter()
        .map(|name| name.to_lowercase())
        .collect();
    assert_eq!(all.len(), 40);
    assert!(all.is_sorted());
    assert_eq!(
        world
            .get(&token, "/users?$orderby=mail")
            .await
            .graph_refusal()
            .1,
        "Request_UnsupportedQuery"
    );
    assert_eq!(
        world
            .get(
                &token,
                "/users?$orderby=displayName&$filter=accountEnabled eq true"
            )
            .await
            .graph_refusal()
            .1,
        "Request_UnsupportedQuery"
    );
    let advanced = eventual(
        &world,
        &token,
        "/users?$orderby=displayName&$count=true&$filter=accountEnabled eq true&$top=3",
    )
    .await
    .ok();
    assert_eq!(
        (
            advanced["value"].as_array().unwrap().len(),
            &advanced["@odata.count"]
        ),
        (3, &json!(50))
    );
}

#[tokio::test]
async fn select_filter_and_expand() {
    let world = World::start().await;
    let token = world.app_token().await;
    let user = world.user(9);
    let page = world
        .get(
            &token,
            &format!(
                "/users?$select=id,department,userType&$filter=id eq '{}'",
                user.id
            ),
        )
        .await
        .ok();
    assert_eq!(
        page["@odata.context"],
        json!(world.url("/v1.0/$metadata#users(id,department,userType)"))
    );
    assert_eq!(page["value"].as_array().unwrap().len(), 1);
    let one = page["value"][0].as_object().unwrap();
    assert_eq!(
        one.keys().collect::<Vec<_>>(),
        ["id", "department", "userType"]
    );
    let upper = user.upn.to_uppercase();
    let by_name = world
        .get(
            &token,
            &format!("/users?filter=userPrincipalName eq '{upper}'&select=id"),
        )
        .await
        .ok();
    assert_eq!(by_name["value"][0]["id"], json!(user.id));
    let guests = world
        .get(
            &token,
            "/users?$filter=userType eq 'Guest'&$select=userPrincipalName",
        )
        .await
        .ok();
    assert!(text(&guests["value"][0]["userPrincipalName"]).contains("#EXT#"));
    let with_manager = world
        .get(&token, &format!("/users/{}?$expand=manager", user.id))
        .await
        .ok();
    assert_eq!(with_manager["manager"]["id"], json!(world.user(1).id));
    assert_eq!(
        with_manager["@odata.context"],
        json!(world.url("/v1.0/$metadata#users/$entity"))
    );
    let manager = world
        .get(&token, &format!("/users/{}/manager", user.upn))
        .await
        .ok();
    assert_eq!(
        (&manager["id"], &manager["@odata.type"]),
        (&json!(world.user(1).id), &json!("#microsoft.graph.user"))
    );
    let top = world
        .get(&token, &format!("/users/{}/manager", world.user(0).id))
        .await;
    assert_eq!(top.graph_refusal().0, 404);
}

#[tokio::test]
async fn one_user_by_id_and_name_also_a_guest() {
    let world = World::start().await;
    let token = world.app_token().await;
    for index in [1, 5] {
        let user = world.user(index);
        let name = user.upn.replace('#', "%23");
        let user_name = format!("('{name}')");
        for key in [format!("/{}", user.id), format!("/{name}"), user_name] {
            assert_eq!(
                world.get(&token, &format!("/users{key}")).await.ok()["id"],
                json!(user.id),
                "{key}"
            );
        }
    }
    let unknown = world.get(&token, "/users/nobody@contoso.example").await;
    assert_eq!(
        unknown.graph_refusal(),
        (
            404,
            "Request_ResourceNotFound",
            "Resource 'nobody@contoso.example' does not exist or one of its queried reference-property objects are not present."
        )
    );
}

#[tokio::test]
async fn queries_that_are_not_possible() {
    let world = World::start().await;
    let token = world.app_token().await;
    for (path, status, code) in [
        ("/users?$top=1000", 400, "Request_UnsupportedQuery"),
        ("/users?$top=0", 400, "Request_UnsupportedQuery"),
        ("/users?$top=x", 400, "BadRequest"),
        ("/users?$select=shoeSize", 400, "BadRequest"),
        ("/users?$filter=shoeSize eq '44'", 400, "BadRequest"),
        ("/users?$filter=displayName eq", 400, "BadRequest"),
        (
            "/users?$filter=contains(displayName,'a')",
            400,
            "Request_UnsupportedQuery",
        ),
        (
            "/users?$filter=displayName ne 'a'",
            400,
            "Request_UnsupportedQuery",
        ),
        (
            "/users?$filter=endsWith(mail,'example')",
            400,
            "Request_UnsupportedQuery",
        ),
        (
            "/users?$filter=companyName eq 'Contoso'",
            400,
            "Request_UnsupportedQuery",
        ),
        (
            "/users?$search=\"displayName:a\"",
            400,
            "Request_UnsupportedQuery",
        ),
        ("/users?$skip=5", 400, "Request_BadRequest"),
        (
            "/users?$skiptoken=nonsense",
            400,
            "Directory_ExpiredPageToken",
        ),
        ("/users?$expand=shoes", 400, "BadRequest"),
        ("/users/$count", 400, "Request_BadRequest"),
        ("/users/delta", 501, "NotImplemented"),
        ("/groups/delta", 501, "NotImplemented"),
        ("/groups", 403, "Authorization_RequestDenied"),
        ("/shoes", 400, "BadRequest"),
    ] {
        let answer = world.get(&token, path).await;
        let (got_status, got_code, message) = answer.graph_refusal();
        assert_eq!((got_status, got_code), (status, code), "{path}: {message}");
    }
    assert_eq!(
        world.get(&token, "/shoes").await.graph_refusal().2,
        "Resource not found for the segment 'shoes'."
    );
    let method = world
        .graph(&token, Method::PUT, "/users", Some(json!({})))
        .await;
    assert_eq!(
        method.graph_refusal(),
        (
            405,
            "Request_BadRequest",
            "Specified HTTP method is not allowed for the request target."
        )
    );
}

#[tokio::test]
async fn advanced_queries_with_their_header() {
    let world = World::start().await;
    let token = world.app_token().await;
    let plain = world.get(&token, "/users?$count=true&$top=1").await.ok();
    assert!(plain.get("@odata.count").is_none(), "silently ignored");
    let counted = eventual(&world, &token, "/users?$count=true&$top=20")
        .await
        .ok();
    assert_eq!(counted["@odata.count"], 50);
    let next = text(&counted["@odata.nextLink"]);
    let next = Answer::of(
        world
            .http
            .get(next)
            .bearer_auth(&token)
            .header("ConsistencyLevel", "eventual")
            .send()
            .await
            .unwrap(),
    )
    .await
    .ok();
    assert!(next.get("@odata.count").is_none(), "on the first page only");
    let contoso = eventual(
        &world,
        &token,
        "/users?$count=true&$filter=companyName eq 'Contoso'&$top=1",
    )
    .await
    .ok();
    let not = eventual(
        &world,
        &token,
        "/users?$count=true&$filter=not(companyName eq 'Contoso')&$top=1",
    )
    .await
    .ok();
    assert_eq!(
        contoso["@odata.count"].as_u64().unwrap() + not["@odata.count"].as_u64().unwrap(),
        50
    );
    let someone = text(
        &world
            .get(&token, &format!("/users/{}", world.user(3).id))
            .await
            .ok()["surname"],
    );
    let found = eventual(
        &world,
        &token,
        &format!(
            "/users?$search=\"displayName:{}\"&$select=id,displayName",
            &someone[..5]
        ),
    )
    .await
    .ok();
    assert!(
        !names(&found).is_empty()
            && names(&found)
                .iter()
                .all(|name| name.contains(&someone[..5]))
    );
    assert_eq!(
        eventual(&world, &token, "/users/$count?$filter=userType eq 'Guest'")
            .await
            .text,
        "2"
    );
}

#[tokio::test]
async fn permissions_are_the_apps_and_the_users_own() {
    let world = World::start().await;
    let scope = "User.Read User.Read.All";
    let (member, guest) = (world.user(1), world.user(5));
    let member_token = world.delegated_token(&member, scope).await;
    let guest_token = world.delegated_token(&guest, scope).await;
    assert_eq!(world.get(&member_token, "/users").await.status, 200);
    let denied = world.get(&guest_token, "/users").await;
    assert_eq!(
        denied.graph_refusal(),
        (
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation."
        )
    );
    assert_eq!(
        world
            .get(&guest_token, &format!("/users/{}", member.id))
            .await
            .status,
        403
    );
    assert_eq!(
        world.get(&guest_token, "/me").await.ok()["id"],
        json!(guest.id)
    );
    assert_eq!(
        world
            .get(&guest_token, &format!("/users/{}", guest.id))
            .await
            .status,
        200
    );
    assert_eq!(
        world
            .get(&member_token, "/users/me-token-to-replace")
            .await
            .ok()["id"],
        json!(member.id)
    );
    assert_eq!(
        world.get(&member_token, "/me/manager").await.ok()["id"],
        json!(world.user(0).id)
    );
    let app = world.app_token().await;
    assert_eq!(
        world.get(&app, "/me").await.graph_refusal(),
        (
            400,
            "BadRequest",
            "/me request is only valid with delegated authentication flow."
        )
    );
    let organization = world.get(&member_token, "/organization").await.ok();
    assert_eq!(
        (
            &organization["value"][0]["id"],
            &organization["value"][0]["verifiedDomains"][0]["name"]
        ),
        (&json!(world.facts().tenant_id), &json!("contoso.example"))
    );
    assert_eq!(world.get(&app, "/organization").await.status, 403);
    assert_eq!(world.get(&member_token, "/applications").await.status, 403);
}

#[tokio::test]
async fn basic_permission_shows_basic_fields() {
    let world = World::start().await;
    let admin = world.admin_token().await;
    let app = world.register(&admin, &[USER_READ], &[]).await;
    let user = world.user(1);
    let page = world
        .browser()
        .sign_in_and_accept(
            &world.authorization(&app.client_id, "User.ReadBasic.All"),
            &user.upn,
            &user.password,
        )
        .await;
    let tokens = world
        .redeem(&app.client_id, &app.secret, &page.parameter("code"))
        .await
        .ok();
    let page = world
        .get(
            &text(&tokens["access_token"]),
            "/users?$select=displayName,department",
        )
        .await
        .ok();
    assert!(page["value"][0]["displayName"].is_string());
    assert!(
        page["value"]
            .as_array()
            .unwrap()
            .iter()
            .all(|user| user["department"].is_null())
    );
    assert_eq!(
        world
            .get(&text(&tokens["access_token"]), "/me")
            .await
            .status,
        200,
        "it is a basic reading of oneself"
    );
}

#[tokio::test]
async fn tokens_that_are_not_good() {
    let world = World::start().await;
    let token = world.app_token().await;
    let url = world.url("/v1.0/users");
    let id = "22222222-2222-4333-8444-555555555555";
    let answer = Answer::of(
        world
            .http
            .get(&url)
            .header("client-request-id", id)
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(
        answer.graph_refusal(),
        (401, "InvalidAuthenticationToken", "Access token is empty.")
    );
    let expected = format!(
        "Bearer realm=\"\", authorization_uri=\"{}/common/oauth2/authorize\", client_id=\"00000003-0000-0000-c000-000000000000\"",
        world.sandbox.origin()
    );
    assert_eq!(answer.header("www-authenticate"), expected);
    assert_eq!(answer.header("client-request-id"), id);
    let inner = &answer.body["error"]["innerError"];
    assert_eq!(
        (&inner["client-request-id"], text(&inner["request-id"])),
        (&json!(id), answer.header("request-id").to_owned())
    );
    assert_eq!(text(&inner["date"]).len(), 19);
    assert_eq!(
        world.get("nonsense", "/users").await.graph_refusal().2,
        "CompactToken parsing failed with error code: 80049217"
    );
    let tampered = format!("{}AAAA", &token[..token.len() - 4]);
    assert_eq!(
        world.get(&tampered, "/users").await.graph_refusal(),
        (
            401,
            "InvalidAuthenticationToken",
            "Access token validation failure."
        )
    );
    let id_token = text(&world.delegated(&world.user(1), "openid User.Read").await["id_token"]);
    assert_eq!(
        world.get(&id_token, "/me").await.graph_refusal().2,
        "Access token validation failure. Invalid audience."
    );
}

#[tokio::test]
async fn answers_are_compressed_on_request() {
    let world = World::start().await;
    let token = world.app_token().await;
    let plain = super::client::client_builder(&world.sandbox)
        .no_gzip()
        .build()
        .unwrap();
    let request = plain
        .get(world.url("/v1.0/users"))
        .bearer_auth(token)
        .header("accept-encoding", "gzip");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert!(
        response.headers()["vary"]
            .to_str()
            .unwrap()
            .contains("accept-encoding")
    );
    assert_eq!(&response.bytes().await.unwrap()[..2], b"\x1f\x8b");
}
