//! Starting, files, restarting.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use reqwest::Method;
use sandbox::{Config, Error, Facts};
use serde_json::{Value, json};

use super::client::{Answer, GRAPH_DEFAULT, World, client, text};

#[tokio::test]
async fn facts_are_a_private_file_in_place_when_the_port_answers() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config {
        data_dir: Some(directory.path().join("new")),
        ..Config::default()
    };
    let world = World::start_with(config).await;
    let file = directory.path().join("new/sandbox.json");
    let content = std::fs::read_to_string(&file).unwrap();
    let facts: Facts = serde_json::from_str(&content).unwrap();
    assert_eq!(facts.origin, world.sandbox.origin());
    assert!(facts.ca_file.is_absolute());
    assert_eq!(
        std::fs::read_to_string(&facts.ca_file).unwrap(),
        world.sandbox.ca_pem()
    );
    let keys: Value = serde_json::from_str(&content).unwrap();
    let names: Vec<&String> = keys.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "origin",
            "tenant_id",
            "domain",
            "ca_file",
            "control_token",
            "admin",
            "users",
            "app"
        ]
    );
    assert_eq!(facts.users.len(), 25);
    assert_eq!(facts.domain, "contoso.example");
    assert_eq!(
        facts.app.redirect_uris,
        ["http://localhost/oauth/callback/microsoft-graph"]
    );
    for character in ['~', '.', '-', '_'] {
        assert!(facts.app.client_secret.contains(character));
    }
    #[cfg(unix)]
    for name in ["sandbox.json", "keys.json", "ca-key.pem", "server-key.pem"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(file.with_file_name(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    world.sandbox.shutdown().await;
}

#[tokio::test]
async fn a_restart_keeps_keys_registrations_consents_and_people() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config {
        data_dir: Some(directory.path().to_owned()),
        seed: 9,
        ..Config::default()
    };
    let world = World::start_with(config.clone()).await;
    let admin = world.admin_token().await;
    let app = world.register(&admin, &[], &[]).await;
    let before = world.facts().clone();
    let user = world.user(2);
    let refresh_token =
        text(&world.delegated(&user, "offline_access User.Read").await["refresh_token"]);
    world.sandbox.shutdown().await;

    let world = World::start_with(config.clone()).await;
    assert_eq!(world.facts().app.client_secret, before.app.client_secret);
    assert_eq!(world.facts().control_token, before.control_token);
    assert_eq!(world.facts().tenant_id, before.tenant_id);
    world
        .client_credentials(&app.client_id, &app.secret, GRAPH_DEFAULT)
        .await
        .ok();
    world.refresh(&refresh_token).await.ok();
    world.sandbox.shutdown().await;

    let other = Config { seed: 10, ..config };
    assert!(matches!(
        sandbox::spawn(other).await,
        Err(Error::OtherSeed(_))
    ));
}

#[tokio::test]
async fn keys_differ_from_directory_to_directory_but_people_do_not() {
    let (one, two) = tokio::join!(World::start(), World::start());
    assert_ne!(one.facts().app.client_secret, two.facts().app.client_secret);
    assert_ne!(one.facts().control_token, two.facts().control_token);
    assert_ne!(one.sandbox.ca_pem(), two.sandbox.ca_pem());
    assert_eq!(one.facts().users[3].upn, two.facts().users[3].upn);
    let token = one.app_token().await;
    let answer = two.get(&token, "/users").await;
    assert_eq!(
        answer.graph_refusal().0,
        401,
        "a token of another sandbox is worth nothing"
    );
}

#[tokio::test]
async fn beyond_loopback_takes_two_words() {
    let listen = SocketAddr::from((IpAddr::from(Ipv4Addr::UNSPECIFIED), 0));
    let refused = sandbox::spawn(Config {
        listen,
        ..Config::default()
    })
    .await;
    let Err(refused) = refused else {
        panic!("it listens on {listen}");
    };
    assert!(matches!(refused, Error::NotLoopback(address) if address == listen));
    assert!(refused.to_string().contains("`--expose`"), "{refused}");
    let config = Config {
        listen,
        exposure: sandbox::Exposure::Anywhere,
        ..Config::default()
    };
    sandbox::spawn(config).await.unwrap().shutdown().await;
    assert!(matches!(
        sandbox::spawn(Config {
            users: 0,
            ..Config::default()
        })
        .await,
        Err(Error::Users(0))
    ));
    assert!(matches!(
        sandbox::spawn(Config {
            users: 1_000_001,
            ..Config::default()
        })
        .await,
        Err(Error::Users(_))
    ));
}

#[tokio::test]
async fn a_taken_port_is_told() {
    let world = World::start().await;
    let listen = world
        .sandbox
        .origin()
        .trim_start_matches("https://")
        .parse()
        .unwrap();
    let second = sandbox::spawn(Config {
        listen,
        ..Config::default()
    })
    .await;
    assert!(matches!(second, Err(Error::Listen { address, .. }) if address == listen));
}

#[tokio::test]
async fn speaks_http_1_and_2_under_every_name_of_its_certificate() {
    let world = World::start().await;
    let response = world
        .http
        .get(world.tenant_url("/discovery/v2.0/keys"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.version(), reqwest::Version::HTTP_2);
    let old = super::client::client_builder(&world.sandbox)
        .http1_only()
        .build()
        .unwrap();
    let url = world
        .tenant_url("/discovery/v2.0/keys")
        .replace("127.0.0.1", "localhost");
    let response = old.get(url).send().await.unwrap();
    assert_eq!(response.version(), reqwest::Version::HTTP_11);
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_temporary_directory_is_removed() {
    let world = World::start().await;
    let directory = world.facts().ca_file.parent().unwrap().to_owned();
    assert!(directory.exists());
    world.sandbox.shutdown().await;
    assert!(!directory.exists());
}

#[tokio::test]
async fn a_million_users_cost_nothing_until_asked_for() {
    let world = World::start_with(Config {
        users: 1_000_000,
        ..Config::default()
    })
    .await;
    let token = world.app_token().await;
    let page = world.get(&token, "/users?$top=2").await.ok();
    assert_eq!(page["value"].as_array().unwrap().len(), 2);
    let someone = world.facts().users[24].clone();
    let found = world
        .get(
            &token,
            &format!("/users?$filter=userPrincipalName eq '{}'", someone.upn),
        )
        .await
        .ok();
    assert_eq!(found["value"][0]["id"], json!(someone.id));
    assert!(found.get("@odata.nextLink").is_none());
    let http = client(&world.sandbox);
    let request = http
        .request(Method::GET, world.url("/v1.0/users/$count"))
        .bearer_auth(&token)
        .header("ConsistencyLevel", "eventual");
    assert_eq!(
        Answer::of(request.send().await.unwrap()).await.text,
        "1000000"
    );
}
