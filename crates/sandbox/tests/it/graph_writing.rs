//! Writing through Graph: registrations, service principals, consents, users.

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{GRAPH, GRAPH_DEFAULT, USER_READ, USER_READ_ALL_ROLE, World, claims, text};

/// An app whose application permissions are all of these, by the administrator's hand.
async fn app_with_roles(world: &World, roles: &[&str]) -> String {
    let admin = world.admin_token().await;
    let graph = world
        .get(&admin, &format!("/servicePrincipals(appId='{GRAPH}')"))
        .await
        .ok();
    let app = world.register(&admin, &[], &[]).await;
    for name in roles {
        let role = graph["appRoles"]
            .as_array()
            .unwrap()
            .iter()
            .find(|role| role["value"] == json!(name))
            .unwrap();
        let body = json!({"principalId": app.principal_id, "resourceId": graph["id"], "appRoleId": role["id"]});
        world
            .post(
                &admin,
                &format!("/servicePrincipals/{}/appRoleAssignments", app.principal_id),
                body,
            )
            .await
            .ok();
    }
    let answer = world
        .client_credentials(&app.client_id, &app.secret, GRAPH_DEFAULT)
        .await
        .ok();
    text(&answer["access_token"])
}

#[tokio::test]
async fn registering_an_app_from_nothing_to_its_first_call() {
    let world = World::start().await;
    let admin = world.admin_token().await;
    let made = world.post(&admin, "/applications", json!({"displayName": "My app", "web": {"redirectUris": ["https://app.example", "http://localhost/cb"]}})).await;
    assert_eq!(made.status, 201);
    let app = made.ok();
    assert_eq!(
        app["@odata.context"],
        json!(world.url("/v1.0/$metadata#applications/$entity"))
    );
    assert_eq!(
        app["web"]["redirectUris"],
        json!(["https://app.example/", "http://localhost/cb"])
    );
    assert_eq!(app["signInAudience"], "AzureADMyOrg");
    let path = format!("/applications/{}", text(&app["id"]));

    let secret = world
        .post(
            &admin,
            &format!("{path}/addPassword"),
            json!({"passwordCredential": {"displayName": "first"}}),
        )
        .await
        .ok();
    let names: Vec<&String> = secret.as_object().unwrap().keys().skip(1).collect();
    assert_eq!(
        names,
        [
            "keyId",
            "displayName",
            "startDateTime",
            "endDateTime",
            "hint",
            "secretText",
            "customKeyIdentifier"
        ]
    );
    let value = text(&secret["secretText"]);
    assert!(value.starts_with(&text(&secret["hint"])) && value.contains("SANDBOX"));
    let shown = world.get(&admin, &path).await.ok();
    assert_eq!(
        (
            &shown["passwordCredentials"][0]["secretText"],
            &shown["passwordCredentials"][0]["keyId"]
        ),
        (&Value::Null, &secret["keyId"])
    );
    assert!(!shown.to_string().contains(&value), "shown once");

    let access = json!([{"resourceAppId": GRAPH, "resourceAccess": [{"id": USER_READ_ALL_ROLE, "type": "Role"}, {"id": USER_READ, "type": "Scope"}]}]);
    let patched = world.graph(&admin, Method::PATCH, &path, Some(json!({"requiredResourceAccess": access, "web": {"redirectUris": ["https://app.example/cb"]}}))).await;
    assert_eq!(patched.status, 204);
    let shown = world
        .get(
            &admin,
            &format!("/applications(appId='{}')", text(&app["appId"])),
        )
        .await
        .ok();
    assert_eq!(
        (
            &shown["requiredResourceAccess"],
            &shown["web"]["redirectUris"]
        ),
        (&access, &json!(["https://app.example/cb"]))
    );
}

#[tokio::test]
async fn an_application_permission_from_assignment_to_removal() {
    let world = World::start().await;
    let admin = world.admin_token().await;
    let app = world.register(&admin, &[], &[]).await;
    let again = world
        .post(
            &admin,
            "/servicePrincipals",
            json!({"appId": app.client_id}),
        )
        .await;
    let conflict = "Request_MultipleObjectsWithSameKeyValue";
    assert_eq!(
        (again.graph_refusal().0, again.graph_refusal().1),
        (409, conflict)
    );
    let path = format!("/servicePrincipals?$filter=appId eq '{GRAPH}'");
    let found = world.get(&admin, &path).await.ok();
    let graph_id = text(&found["value"][0]["id"]);
    let role = json!({"principalId": app.principal_id, "resourceId": graph_id, "appRoleId": USER_READ_ALL_ROLE});
    let path = format!("/servicePrincipals/{graph_id}/appRoleAssignedTo");
    let assigned = world.post(&admin, &path, role.clone()).await;
    assert_eq!(assigned.status, 201);
    let path = format!("/servicePrincipals/{}/appRoleAssignments", app.principal_id);
    let twice = world.post(&admin, &path, role).await;
    let message = "Permission being assigned already exists on the object.";
    assert_eq!(twice.graph_refusal(), (400, "Request_BadRequest", message));
    let token = world
        .client_credentials(&app.client_id, &app.secret, GRAPH_DEFAULT)
        .await
        .ok();
    let token = text(&token["access_token"]);
    assert_eq!(claims(&token)["roles"], json!(["User.Read.All"]));
    assert_eq!(world.get(&token, "/users?$top=1").await.status, 200);

    let listed = world.get(&admin, &path).await.ok();
    let path = format!("{path}/{}", text(&listed["value"][0]["id"]));
    let removed = world.graph(&admin, Method::DELETE, &path, None).await;
    assert_eq!(removed.status, 204);
    let kept = world.get(&token, "/users?$top=1").await;
    assert_eq!(kept.status, 200, "an issued token keeps its roles");
    let path = format!("/applications/{}", app.object_id);
    let removed = world.graph(&admin, Method::DELETE, &path, None).await;
    assert_eq!(removed.status, 204);
    let gone = world
        .client_credentials(&app.client_id, &app.secret, GRAPH_DEFAULT)
        .await;
    assert_eq!(gone.refusal().2, 700_016);
}

#[tokio::test]
async fn delegated_grants_by_api() {
    let world = World::start().await;
    let admin = world.admin_token().await;
    let app = world.register(&admin, &[USER_READ], &[]).await;
    let graph = world
        .get(
            &admin,
            &format!("/servicePrincipals(appId='{GRAPH}')?$select=id"),
        )
        .await
        .ok();
    assert_eq!(graph.as_object().unwrap().len(), 2, "context and id");
    let body = json!({"clientId": app.principal_id, "consentType": "AllPrincipals", "resourceId": graph["id"], "scope": " User.Read User.Read.All offline_access"});
    let made = world
        .post(&admin, "/oauth2PermissionGrants", body.clone())
        .await;
    assert_eq!(made.status, 201);
    let grant = made.ok();
    assert_eq!(
        (&grant["consentType"], &grant["principalId"]),
        (&json!("AllPrincipals"), &Value::Null)
    );
    assert_eq!(
        world
            .post(&admin, "/oauth2PermissionGrants", body)
            .await
            .graph_refusal()
            .0,
        409
    );
    let user = world.user(1);
    let url = world.authorization(&app.client_id, "offline_access User.Read.All");
    let page = world
        .browser()
        .sign_in(&url, &user.upn, &user.password)
        .await;
    assert!(
        page.find_parameter("code").is_some(),
        "nobody is asked: {}",
        page.html
    );
    let path = format!("/oauth2PermissionGrants/{}", text(&grant["id"]));
    assert_eq!(
        world
            .graph(
                &admin,
                Method::PATCH,
                &path,
                Some(json!({"scope": "User.Read"}))
            )
            .await
            .status,
        204
    );
    let redeemed = world
        .redeem(&app.client_id, &app.secret, &page.parameter("code"))
        .await;
    assert_eq!(
        redeemed.refusal(),
        (400, "invalid_grant", 65_001),
        "taken back in between"
    );
    let listed = world
        .get(
            &admin,
            &format!(
                "/oauth2PermissionGrants?$filter=clientId eq '{}'",
                app.principal_id
            ),
        )
        .await
        .ok();
    assert_eq!(listed["value"].as_array().unwrap().len(), 1);
    assert_eq!(
        world
            .graph(&admin, Method::DELETE, &path, None)
            .await
            .status,
        204
    );
    let principal = json!({"clientId": app.principal_id, "consentType": "Principal", "principalId": user.id, "resourceId": graph["id"], "scope": "User.Read"});
    assert_eq!(
        world
            .post(&admin, "/oauth2PermissionGrants", principal)
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn values_that_cannot_be_registered() {
    let world = World::start().await;
    let admin = world.admin_token().await;
    for body in [
        json!({}),
        json!({"displayName": "x", "web": {"redirectUris": ["http://app.example/cb"]}}),
        json!({"displayName": "x", "web": {"redirectUris": ["https://app.example/cb#x"]}}),
        json!({"displayName": "x", "web": {"redirectUris": "https://app.example/cb"}}),
        json!({"displayName": "x", "signInAudience": "Everybody"}),
        json!({"displayName": "x", "requiredResourceAccess": [{"resourceAppId": "x"}]}),
        json!({"displayName": 7}),
        json!({"displayName": "x", "shoeSize": 44}),
    ] {
        let answer = world.post(&admin, "/applications", body.clone()).await;
        assert_eq!(answer.status, 400, "{body}");
    }
    assert_eq!(
        world
            .graph(&admin, Method::POST, "/applications", None)
            .await
            .graph_refusal()
            .1,
        "BadRequest"
    );
    let unknown = "33333333-2222-4333-8444-555555555555";
    assert_eq!(
        world
            .get(&admin, &format!("/applications/{unknown}"))
            .await
            .graph_refusal()
            .0,
        404
    );
    assert_eq!(
        world
            .post(&admin, "/servicePrincipals", json!({"appId": unknown}))
            .await
            .graph_refusal()
            .0,
        400
    );
    assert_eq!(
        world
            .post(
                &admin,
                &format!("/applications/{unknown}/removePassword"),
                json!({"keyId": unknown})
            )
            .await
            .graph_refusal()
            .0,
        404
    );
}

#[tokio::test]
async fn only_those_who_may_change_registrations() {
    let world = World::start().await;
    let app = world.app_token().await;
    assert_eq!(
        world
            .post(&app, "/applications", json!({"displayName": "x"}))
            .await
            .graph_refusal()
            .0,
        403
    );
    assert_eq!(
        world
            .get(&app, "/servicePrincipals")
            .await
            .graph_refusal()
            .0,
        403
    );
    let owner = app_with_roles(&world, &["Application.ReadWrite.OwnedBy"]).await;
    let made = world
        .post(&owner, "/applications", json!({"displayName": "mine"}))
        .await
        .ok();
    let path = format!("/applications/{}/addPassword", text(&made["id"]));
    assert_eq!(world.post(&owner, &path, json!({})).await.status, 200);
    let admin = world.admin_token().await;
    let foreign = world.register(&admin, &[], &[]).await;
    let path = format!("/applications/{}/addPassword", foreign.object_id);
    assert_eq!(
        world.post(&owner, &path, json!({})).await.graph_refusal().0,
        403,
        "not its own"
    );
}

#[tokio::test]
async fn users_are_created_changed_and_deleted() {
    let world = World::start().await;
    let token = app_with_roles(&world, &["User.ReadWrite.All"]).await;
    let body = json!({"accountEnabled": true, "displayName": "New Person", "mailNickname": "new", "userPrincipalName": "new@contoso.example", "passwordProfile": {"password": "Sandbox-new-1", "forceChangePasswordNextSignIn": false}, "department": "Sales"});
    let made = world.post(&token, "/users", body.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = text(&made.ok()["id"]);
    let again = world.post(&token, "/users", body.clone()).await;
    assert_eq!(
        again.graph_refusal().2,
        "Another object with the same value for property userPrincipalName already exists."
    );
    assert_eq!(
        (
            &again.body["error"]["details"][0]["code"],
            &again.body["error"]["details"][0]["target"]
        ),
        (&json!("ObjectConflict"), &json!("userPrincipalName"))
    );
    for name in [
        "accountEnabled",
        "displayName",
        "mailNickname",
        "passwordProfile",
        "userPrincipalName",
    ] {
        let mut body = body.clone();
        body.as_object_mut().unwrap().remove(name);
        assert!(
            world
                .post(&token, "/users", body)
                .await
                .graph_refusal()
                .2
                .contains(name),
            "{name}"
        );
    }
    let mut elsewhere = body.clone();
    elsewhere["userPrincipalName"] = json!("new@elsewhere.example");
    assert_eq!(
        world
            .post(&token, "/users", elsewhere)
            .await
            .graph_refusal()
            .0,
        400
    );
    let found = world
        .get(
            &token,
            "/users?$filter=displayName eq 'New Person'&$select=id,department",
        )
        .await
        .ok();
    assert_eq!(found["value"], json!([{"id": id, "department": "Sales"}]));
}

#[tokio::test]
async fn a_created_user_signs_in_until_disabled_and_deleted() {
    let world = World::start().await;
    let token = app_with_roles(&world, &["User.ReadWrite.All"]).await;
    let body = json!({"accountEnabled": true, "displayName": "New Person", "mailNickname": "new", "userPrincipalName": "new@contoso.example", "passwordProfile": {"password": "Sandbox-new-1"}});
    let id = text(&world.post(&token, "/users", body).await.ok()["id"]);
    let url = world.authorization(&world.facts().app.client_id, "offline_access User.Read");
    let page = world
        .browser()
        .sign_in_and_accept(&url, "new@contoso.example", "Sandbox-new-1")
        .await;
    let app = world.facts().app.clone();
    let tokens = world
        .redeem(&app.client_id, &app.client_secret, &page.parameter("code"))
        .await
        .ok();
    let patched = world
        .graph(
            &token,
            Method::PATCH,
            &format!("/users/{id}"),
            Some(json!({"accountEnabled": false, "jobTitle": "Tester", "department": null})),
        )
        .await;
    assert_eq!(patched.status, 204);
    assert_eq!(
        world
            .refresh(&text(&tokens["refresh_token"]))
            .await
            .refusal(),
        (400, "invalid_grant", 50_057)
    );
    let page = world
        .browser()
        .sign_in(&url, "new@contoso.example", "Sandbox-new-1")
        .await;
    assert_eq!(page.aadsts(), 50_057);
    assert_eq!(
        world
            .graph(&token, Method::DELETE, "/users/new@contoso.example", None)
            .await
            .status,
        204
    );
    assert_eq!(world.get(&token, &format!("/users/{id}")).await.status, 404);
    let seeded = world.user(7);
    assert_eq!(
        world
            .graph(
                &token,
                Method::DELETE,
                &format!("/users/{}", seeded.id),
                None
            )
            .await
            .status,
        204
    );
    let page = world.get(&token, "/users?$top=999").await.ok();
    assert_eq!(page["value"].as_array().unwrap().len(), 49);
    let revoked = world
        .graph(
            &token,
            Method::POST,
            &format!("/users/{}/revokeSignInSessions", world.user(1).id),
            None,
        )
        .await
        .ok();
    assert_eq!(revoked["value"], json!(true));
}

#[tokio::test]
async fn a_member_changes_only_a_little_of_himself() {
    let world = World::start().await;
    let admin = world.admin_token().await;
    let app = world.register(&admin, &[USER_READ], &[]).await;
    let user = world.user(1);
    let page = world
        .browser()
        .sign_in_and_accept(
            &world.authorization(&app.client_id, "User.ReadWrite"),
            &user.upn,
            &user.password,
        )
        .await;
    let token = text(
        &world
            .redeem(&app.client_id, &app.secret, &page.parameter("code"))
            .await
            .ok()["access_token"],
    );
    let change = async |path: &str, body: Value| {
        world
            .graph(&token, Method::PATCH, path, Some(body))
            .await
            .status
            .as_u16()
    };
    assert_eq!(
        change("/me", json!({"mobilePhone": "+1 555 0199"})).await,
        204
    );
    assert_eq!(change("/me", json!({"department": "Board"})).await, 403);
    assert_eq!(
        change(
            &format!("/users/{}", world.user(2).id),
            json!({"mobilePhone": "+1 555 0198"})
        )
        .await,
        403
    );
    assert_eq!(
        world.get(&token, "/me").await.ok()["mobilePhone"],
        "+1 555 0199"
    );
}

#[tokio::test]
async fn groups_and_who_is_in_them() {
    let world = World::start().await;
    let token = app_with_roles(&world, &["Group.ReadWrite.All", "User.ReadWrite.All"]).await;
    let users = world.get(&token, "/users?$top=3").await.ok();
    let user = |index: usize| text(&users["value"][index]["id"]);
    let reference = |id: &str| json!(world.url(&format!("/v1.0/users/{id}")));
    let body = json!({
        "displayName": "Team", "mailEnabled": false, "mailNickname": "team", "securityEnabled": true,
        "members@odata.bind": [reference(&user(0))],
    });
    let made = world.post(&token, "/groups", body).await;
    assert_eq!(made.status, 201);
    let group = text(&made.ok()["id"]);
    let members = format!("/groups/{group}/members");
    let who = async || -> Vec<String> {
        let page = world.get(&token, &members).await.ok();
        let mut ids: Vec<String> = page["value"]
            .as_array()
            .unwrap()
            .iter()
            .map(|user| text(&user["id"]))
            .collect();
        ids.sort();
        ids
    };
    let add = json!({ "@odata.id": reference(&user(1)) });
    let added = world
        .post(&token, &format!("{members}/$ref"), add.clone())
        .await;
    assert_eq!(added.status, 204);
    let twice = world.post(&token, &format!("{members}/$ref"), add).await;
    let (status, code, message) = twice.graph_refusal();
    assert_eq!((status, code), (400, "Request_BadRequest"), "{message}");
    let nobody = json!({ "@odata.id": reference("00000000-0000-4000-8000-000000000000") });
    let refused = world.post(&token, &format!("{members}/$ref"), nobody).await;
    assert_eq!(refused.status, 404);
    let mut both = vec![user(0), user(1)];
    both.sort();
    assert_eq!(who().await, both);

    let out = format!("{members}/{}/$ref", user(0));
    let removed = world.graph(&token, Method::DELETE, &out, None).await;
    assert_eq!(removed.status, 204);
    let again = world.graph(&token, Method::DELETE, &out, None).await;
    assert_eq!(again.status, 404);
    // Who is deleted is in no group any more.
    let gone = format!("/users/{}", user(1));
    world.graph(&token, Method::DELETE, &gone, None).await;
    assert_eq!(who().await, Vec::<String>::new());

    let named = world
        .get(&token, "/groups?$filter=displayName eq 'Team'")
        .await
        .ok();
    assert_eq!(named["value"][0]["id"], group);
    let path = format!("/groups/{group}");
    world
        .graph(
            &token,
            Method::PATCH,
            &path,
            Some(json!({"description": "Ours"})),
        )
        .await;
    let shown = world.get(&token, &path).await.ok();
    assert_eq!(shown["description"], "Ours");
    world.graph(&token, Method::DELETE, &path, None).await;
    assert_eq!(world.get(&token, &path).await.status, 404);
}

#[tokio::test]
async fn licences_are_read_by_who_may() {
    let world = World::start().await;
    let token = app_with_roles(&world, &["Organization.Read.All"]).await;
    let found = world.get(&token, "/subscribedSkus").await.ok();
    let first = &found["value"][0];
    assert_eq!(first["skuPartNumber"], "SPE_E3");
    assert!(first["prepaidUnits"]["enabled"].as_u64() >= first["consumedUnits"].as_u64());
    let other = app_with_roles(&world, &["User.Read.All"]).await;
    assert_eq!(world.get(&other, "/subscribedSkus").await.status, 403);
}
