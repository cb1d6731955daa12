//! Which permissions calls need against what a connection holds: asked by hand, and before a flow is deployed.

use serde_json::{Value, json};

use crate::sign_in::{DEFAULT, create, installation};
use crate::support::Home;

/// An installation whose connection `robot` holds `User.Read.All` as an app.
fn robot() -> (Home, crate::sandbox::Sandbox) {
    let (home, sandbox, secret) = installation();
    let grant = "client-credentials";
    home.ok(&create(&sandbox, "robot", grant, DEFAULT, &secret));
    (home, sandbox)
}

#[test]
fn what_calls_need_is_held_lacks_or_is_not_known() {
    let (home, _sandbox) = robot();
    let ask = |code: i32, calls: &[&str]| -> Value {
        let arguments = [&["--json", "connection", "permissions", "robot"][..], calls].concat();
        home.run(&arguments).ends_with(code).json()
    };
    let held = ask(0, &["GET", "/users", "get", "/v1.0/users/{id}?$select=id"]);
    assert_eq!(held["kind"], "application");
    assert_eq!(held["held"], json!(["User.Read.All"]), "{held}");
    assert_eq!(held["least"][0]["name"], "User.ReadBasic.All");
    assert_eq!(
        (&held["missing"], &held["cure"]),
        (&json!([]), &Value::Null)
    );
    // What is asked for beyond the basic fields needs more.
    let wide = ask(0, &["GET", "/users?$select=id,department"]);
    assert_eq!(
        (&wide["least"][0]["name"], &wide["unused"]),
        (&json!("User.Read.All"), &json!([]))
    );
    let lacks = ask(9, &["POST", "/groups", "GET", "/planets", "GET", "/me"]);
    let standings: Vec<&str> = lacks["calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| call["standing"].as_str().unwrap())
        .collect();
    assert_eq!(standings, ["missing", "unknown", "impossible"]);
    assert_eq!(lacks["missing"][0]["name"], "Group.Create");
    assert_eq!(
        lacks["missing"][0]["application_id"],
        "bf7b1a76-6e77-406b-b258-bf5c7720e98f"
    );
    assert_eq!(lacks["unused"], json!(["User.Read.All"]));
    assert_eq!(lacks["cure"]["who"], "administrator");
    assert!(
        lacks["cure"]["link"]
            .as_str()
            .unwrap()
            .contains("/adminconsent"),
        "{lacks}"
    );
    let words = ["connection", "permissions", "robot", "POST", "/groups"];
    let told = home.run(&words).ends_with(9);
    for part in ["POST /groups", "Group.Create", "missing", "Create groups"] {
        assert!(told.stdout.contains(part), "{part}: {told}");
    }
    assert!(
        told.stderr.contains("connection \"robot\" does not hold")
            && told.stderr.contains("an administrator adds"),
        "{told}"
    );
    home.run(&["connection", "permissions", "robot", "GET"])
        .ends_with(2);
    home.ok(&[
        "connection",
        "create",
        "other",
        "--type",
        "none",
        "--base-url",
        "https://api.contoso.example",
    ]);
    home.refused(
        &["connection", "permissions", "other", "GET", "/users"],
        5,
        "connection.no_catalogue",
    );
}

#[test]
fn calls_are_judged_and_permissions_found_without_a_connection() {
    let home = Home::closed();
    let ask = ["connection", "permissions"];
    let calls = ["GET", "/users", "post", "/groups", "GET", "/me"];
    let told = home.run(&[&ask[..], &calls].concat()).ends_with(0);
    for part in [
        "User.ReadBasic.All",
        "Group.ReadWrite.All",
        "Group.Create",
        "impossible",
        "(an administrator consents)",
    ] {
        assert!(told.stdout.contains(part), "{part}: {told}");
    }
    let said = home.ok(&[&ask[..], &calls].concat());
    let names = |kind: &str| -> Vec<Value> {
        let least = said[kind]["least"].as_array().unwrap().iter();
        least.map(|permission| permission["name"].clone()).collect()
    };
    assert_eq!(names("application"), ["User.ReadBasic.All", "Group.Create"]);
    assert!(names("delegated").contains(&json!("Group.ReadWrite.All")));
    for wrong in [
        &["GET"][..],
        &["GET", "/users", "POST"],
        &["GET", "POST", "/users", "/x"],
    ] {
        let refused = home.run(&[&ask[..], wrong].concat()).ends_with(2);
        assert!(
            refused.stderr.contains("one of them is missing"),
            "{refused}"
        );
    }
    let found = home.ok(&["connection", "permissions", "--search", "group create"]);
    let found: Vec<&Value> = found["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["name"])
        .collect();
    assert!(
        found.contains(&&json!("Group.Create")) && !found.contains(&&json!("User.Read")),
        "{found:?}"
    );
    let told = home
        .run(&["connection", "permissions", "--search", "Group.Create"])
        .ends_with(0);
    assert!(
        told.stdout.contains("bf7b1a76-6e77-406b-b258-bf5c7720e98f"),
        "{told}"
    );
}

#[test]
fn before_a_flow_is_deployed_its_calls_are_judged() {
    let (home, _sandbox) = robot();
    let path = home.path("flow.yaml");
    let text = "document: {dsl: '1.0.3', namespace: test, name: judged, version: '1.0.0'}\n\
        use: {secrets: [robot]}\ndo:\n\
        - read: {call: page, with: {endpoint: /users, authentication: {oauth2: {use: robot}}, collect: true}}\n\
        - block: {call: http, with: {method: patch, endpoint: {uri: '${ \"/users/\\(.id)\" }', authentication: {oauth2: {use: robot}}}, body: {}}}\n";
    std::fs::write(&path, text).unwrap();
    let file = path.to_str().unwrap();
    let dry = home
        .run(&["flow", "deploy", "--dry-run", file])
        .ends_with(0);
    let told = dry.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "warning: PATCH /users/{…} needs User.ReadWrite.All, which connection \"robot\" does not hold",
        "do this: an administrator adds the application permission User.ReadWrite.All",
    ] {
        assert!(told.contains(part), "{part}: {dry}");
    }
    home.ok(&["flow", "deploy", file]);
    let shown = home.ok(&["flow", "show", "judged"]);
    let need = &shown["preflight"][0];
    assert_eq!(
        (&need["calls"][0]["standing"], &need["calls"][1]["standing"]),
        (&json!("allowed"), &json!("missing")),
        "{need}"
    );
    assert_eq!(need["calls"][1]["task"], "/do/1/block");
    assert_eq!(need["calls"][1]["missing"], json!(["User.ReadWrite.All"]));
    assert_eq!(
        need["permissions"]["missing"][0]["name"],
        "User.ReadWrite.All"
    );
}
