//! Calls: with and without connections, described by OpenAPI, and a connection that needs somebody.

use std::sync::atomic::Ordering;
use std::time::Duration;

use connect::{Form, FormSecret, Proof};
use engine::Outcome;
use serde_json::{Value, json};
use store::{Actor, ConnectionName, ParkedFor, RunStatus};

use crate::house::{House, house, houses, until};

async fn connection(house: &House, name: &str) {
    let form = Form {
        name: Some(name.to_owned()),
        preset: Some("generic".to_owned()),
        base_url: Some(house.upstream.url("/")),
        kind: Some("bearer".to_owned()),
        token: Some(FormSecret::new("fake-bearer-token".to_owned())),
        ..Form::default()
    };
    house
        .engine()
        .connector
        .create(&Actor::local(), form, Proof::Later)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_tasks_own_timeout_is_not_cut_by_the_usual_one() {
    let mut house = house().await;
    house.take_engine().kill();
    house.start_hasty(connect::Timeouts {
        first_byte: Duration::from_millis(200),
        total: Duration::from_millis(400),
        ..connect::Timeouts::default()
    });
    connection(&house, "api").await;
    let ask = |timeout: &str| {
        format!(
            "{NAMED}do:\n  - named: {{call: http, with: {{method: get, endpoint: {{uri: /slow, authentication: {{bearer: {{use: api}}}}}}}}{timeout}}}\n  - plain: {{call: http, with: {{method: get, endpoint: UPSTREAM/slow}}{timeout}}}\n  - listed: {{call: page, with: {{endpoint: /slow, collect: true, authentication: {{bearer: {{use: api}}}}}}{timeout}}}\n"
        )
    };
    house.flow("usual", &ask("")).await;
    let cut = house.engine().run("usual", json!({})).await;
    assert!(
        matches!(&cut.outcome, Outcome::Faulted(fault) if fault["code"] == "upstream.timeout"),
        "{cut:?}"
    );
    house.flow("own", &ask(", timeout: {after: PT20S}")).await;
    let whole = house.engine().run("own", json!({})).await;
    assert!(matches!(whole.outcome, Outcome::Completed(_)), "{whole:?}");
    // What the flow says ends it, too.
    house
        .flow("short", &ask(", timeout: {after: {milliseconds: 200}}"))
        .await;
    let ended = house.engine().run("short", json!({})).await;
    assert!(
        matches!(&ended.outcome, Outcome::Faulted(fault) if fault["code"] == "flow.timeout"),
        "{ended:?}"
    );
}

const NAMED: &str = "use: {secrets: [api]}\n";

#[tokio::test]
async fn a_call_through_a_connection_carries_its_credential_and_nobody_sees_it() {
    for house in houses().await {
        connection(&house, "api").await;
        let body = format!(
            "{NAMED}do:\n  - ask: {{call: http, with: {{method: post, endpoint: {{uri: /echo, authentication: {{bearer: {{use: api}}}}}}, body: {{n: 1}}, query: {{q: a b}}}}}}\n"
        );
        house.flow("ask", &body).await;
        let answer = house.engine().run("ask", json!({})).await;
        let Outcome::Completed(output) = &answer.outcome else {
            panic!("{answer:?}")
        };
        let seen = house.upstream.seen("/echo");
        assert_eq!(
            seen[0].authorization.as_deref(),
            Some("Bearer fake-bearer-token")
        );
        assert_eq!(seen[0].body, json!({ "n": 1 }));
        assert_eq!(seen[0].method, "POST");
        assert_eq!(output["query"], "q=a%20b");
        let lines = house.store.runs().journal(&answer.run).await.unwrap();
        assert!(
            !json!(lines).to_string().contains("fake-bearer-token"),
            "{lines:?}"
        );
        let history = house
            .engine()
            .history(&Actor::local(), &answer.run)
            .await
            .unwrap();
        let explanation = history.steps[0].explanation.as_ref().unwrap();
        assert_eq!(
            (
                explanation["connection"].clone(),
                explanation["status"].clone()
            ),
            (json!("api"), json!(200))
        );
    }
}

#[tokio::test]
async fn a_refusal_is_a_fault_that_a_flow_can_catch() {
    let house = house().await;
    house
        .flow(
            "refused",
            "do:\n  - t:\n      try:\n        - ask: {call: http, with: {method: get, endpoint: 'UPSTREAM/status/404'}}\n      catch:\n        errors: {with: {type: 'https://serverlessworkflow.io/spec/1.0.0/errors/communication', status: 404}}\n        as: e\n        do:\n          - say: {set: {detail: '${ $e.detail }'}}\n",
        )
        .await;
    let output = house.engine().output("refused", json!({})).await;
    assert!(
        output["detail"].as_str().unwrap().contains("as you wish"),
        "{output}"
    );
}

#[tokio::test]
async fn policies_of_a_flow_s_own_work_too_and_secrets_stay_out_of_results() {
    for house in houses().await {
        let name = ConnectionName::parse("key").unwrap();
        house
            .store
            .secrets()
            .save(&Actor::local(), &name, &json!("fake-plain-secret"))
            .await
            .unwrap();
        house
            .flow(
                "inline",
                "use: {secrets: [key]}\ndo:\n  - ask:\n      call: http\n      with:\n        method: get\n        endpoint: {uri: 'UPSTREAM/echo', authentication: {bearer: {token: '${ $secrets.key }'}}}\n",
            )
            .await;
        let answer = house.engine().run("inline", json!({})).await;
        let seen = house.upstream.seen("/echo");
        assert_eq!(
            seen[0].authorization.as_deref(),
            Some("Bearer fake-plain-secret")
        );
        assert!(
            matches!(answer.outcome, Outcome::Completed(_)),
            "{answer:?}"
        );
        let lines = house.store.runs().journal(&answer.run).await.unwrap();
        let (secrets, rest): (Vec<_>, Vec<_>) = lines
            .into_iter()
            .partition(|line| line["event"]["kind"] == "secrets");
        assert_eq!(
            secrets.len(),
            1,
            "what it read is recorded, sealed as every line"
        );
        assert!(
            !json!(rest).to_string().contains("fake-plain-secret"),
            "{rest:?}"
        );
    }
}

#[tokio::test]
async fn a_token_is_exchanged_for_another() {
    let house = house().await;
    let policy = "{authority: UPSTREAM, endpoints: {token: /token}, \
        grant: 'urn:ietf:params:oauth:grant-type:token-exchange', client: {id: app, secret: fake-secret}, \
        scopes: [read], audiences: [api], subject: {token: '${ .token }', type: 'urn:ietf:params:oauth:token-type:jwt'}}";
    let ask = |name: &str| {
        format!(
            "  - {name}:\n      call: http\n      with: {{method: get, endpoint: {{uri: 'UPSTREAM/echo', \
             authentication: {{oauth2: {policy}}}}}}}\n      output: {{as: $task.input}}\n"
        )
    };
    let text = format!("do:\n{}{}", ask("first"), ask("second"));
    house.flow("exchange", &text).await;
    let input = json!({ "token": "fake-subject-token" });
    let answer = house.engine().run("exchange", input).await;
    assert!(
        matches!(answer.outcome, Outcome::Completed(_)),
        "{answer:?}"
    );
    let asked = house.upstream.seen("/token");
    assert_eq!(asked.len(), 1, "the token is kept as long as the run");
    let form = asked[0].body.as_str().unwrap();
    for part in [
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange",
        "subject_token=fake-subject-token",
        "subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt",
        "audience=api",
        "scope=read",
    ] {
        assert!(form.contains(part), "{part} is not in {form}");
    }
    for seen in house.upstream.seen("/echo") {
        assert_eq!(
            seen.authorization.as_deref(),
            Some("Bearer fake-access-token")
        );
    }
}

#[tokio::test]
async fn an_operation_of_a_description_is_called() {
    let house = house().await;
    house
        .flow(
            "pets",
            "do:\n  - add:\n      call: openapi\n      with:\n        document: {endpoint: 'UPSTREAM/openapi.json'}\n        operationId: addPet\n        parameters: {id: 7, name: Rex}\n",
        )
        .await;
    let output = house.engine().output("pets", json!({})).await;
    assert_eq!(output, json!({ "path": "/api/pets/7" }));
    let seen = house.upstream.seen("/api/pets/7");
    assert_eq!(
        (seen[0].method.as_str(), seen[0].body.clone()),
        ("POST", json!({ "name": "Rex" }))
    );
    // It turned out to be a call that must not be repeated, and that is in the journal.
    let page = house
        .store
        .runs()
        .list(&Actor::local(), &store::RunFilter::default())
        .await
        .unwrap();
    let lines = house.store.runs().journal(&page.runs[0].id).await.unwrap();
    let kinds: Vec<&Value> = lines.iter().map(|line| &line["event"]["kind"]).collect();
    assert_eq!(kinds, ["started", "sent", "completed"]);
    house.engine().output("pets", json!({})).await;
    assert_eq!(house.upstream.seen("/openapi.json").len(), 1);
}

#[tokio::test]
async fn a_run_waits_for_a_connection_that_needs_somebody() {
    for house in houses().await {
        connection(&house, "api").await;
        let body = format!(
            "{NAMED}do:\n  - ask: {{call: http, with: {{method: post, endpoint: {{uri: /echo, authentication: {{bearer: {{use: api}}}}}}}}}}\n"
        );
        house.flow("ask", &body).await;
        let local = Actor::local();
        let name = ConnectionName::parse("api").unwrap();
        let change = |token: &str| Form {
            base_url: Some(house.upstream.url("/")),
            token: (!token.is_empty()).then(|| FormSecret::new(token.to_owned())),
            ..Form::default()
        };
        // Another origin wipes the secret.
        let mut elsewhere = change("");
        elsewhere.base_url = Some("https://other.contoso.example/".to_owned());
        house
            .engine()
            .connector
            .change(&local, &name, None, elsewhere)
            .await
            .unwrap();
        let run = house.engine().start_run("ask", json!({})).await;
        house.stands(&run, RunStatus::Parked).await;
        let parked = house.record(&run).await.parked;
        assert!(
            matches!(&parked[0].reason, ParkedFor::Connection { name, .. } if name == "api"),
            "{parked:?}"
        );
        assert_eq!(house.upstream.seen("/echo").len(), 0);
        house
            .engine()
            .connector
            .change(&local, &name, None, change("fake-second-token"))
            .await
            .unwrap();
        assert!(matches!(
            house.engine().ended(&run).await,
            Outcome::Completed(_)
        ));
        assert_eq!(house.upstream.seen("/echo").len(), 1);
        let deployed = house.flow("ask", &body).await;
        assert_eq!(deployed.preflight[0].calls[0].method, "POST");
        assert_eq!(deployed.preflight[0].problem, None);
    }
}

#[tokio::test]
async fn a_run_that_is_the_first_to_learn_of_it_waits_as_well() {
    for house in houses().await {
        let local = Actor::local();
        let secret = |text: &str| Some(FormSecret::new(text.to_owned()));
        let form = Form {
            name: Some("api".to_owned()),
            preset: Some("generic".to_owned()),
            base_url: Some(house.upstream.url("/")),
            kind: Some("oauth".to_owned()),
            grant: Some("client_credentials".to_owned()),
            token_endpoint: Some(house.upstream.url("/token")),
            client_id: Some("fake-client".to_owned()),
            client_secret: secret("fake-first-secret"),
            ..Form::default()
        };
        let connector = &house.engine().connector;
        connector.create(&local, form, Proof::Now).await.unwrap();
        let ask = "call: http, with: {method: post, endpoint: {uri: /guarded, authentication: {oauth2: {use: api}}}}";
        house
            .flow("ask", &format!("{NAMED}do:\n  - ask: {{{ask}}}\n"))
            .await;
        let pages = "call: page, with: {endpoint: /guarded, authentication: {oauth2: {use: api}}, style: link, collect: true}";
        house
            .flow("read", &format!("{NAMED}do:\n  - read: {{{pages}}}\n"))
            .await;
        house.upstream.locked.store(true, Ordering::SeqCst);
        let mut runs = Vec::new();
        for flow in ["ask", "read"] {
            let run = house.engine().start_run(flow, json!({})).await;
            house.stands(&run, RunStatus::Parked).await;
            let parked = house.record(&run).await.parked;
            assert!(
                matches!(&parked[0].reason, ParkedFor::Connection { name, code, .. } if name == "api" && code == "connection.needs_secret"),
                "{parked:?}"
            );
            runs.push(run);
        }
        let refused = house.upstream.seen("/guarded").len();
        house.upstream.locked.store(false, Ordering::SeqCst);
        let name = ConnectionName::parse("api").unwrap();
        let cure = Form {
            client_secret: secret("fake-second-secret"),
            ..Form::default()
        };
        connector.change(&local, &name, None, cure).await.unwrap();
        let asked = house.engine().ended(&runs[0]).await;
        assert!(matches!(asked, Outcome::Completed(_)), "{asked:?}");
        // what the fake API answers is no list, which is known only because it was asked
        let read = house.engine().ended(&runs[1]).await;
        assert!(matches!(read, Outcome::Faulted(_)), "{read:?}");
        assert_eq!(house.upstream.seen("/guarded").len(), refused + runs.len());
    }
}

/// A plain secret may hold a whole policy; the flow names it as it names a connection.
#[tokio::test]
async fn a_plain_secret_that_holds_a_policy_stands_for_a_connection() {
    for house in houses().await {
        for (name, value) in [
            ("whole", json!({"bearer": {"token": "fake-whole-token"}})),
            ("members", json!({"token": "fake-member-token"})),
            ("wrong", json!({"tokken": "fake-wrong-token"})),
            ("text", json!("fake-text-token")),
        ] {
            let named = ConnectionName::parse(name).unwrap();
            let secrets = house.store.secrets();
            secrets.save(&Actor::local(), &named, &value).await.unwrap();
            let body = format!(
                "use: {{secrets: [{name}]}}\ndo:\n  - ask: {{call: http, with: {{method: post, endpoint: {{uri: 'UPSTREAM/echo', authentication: {{bearer: {{use: {name}}}}}}}}}}}\n"
            );
            house.flow(name, &body).await;
        }
        for (name, header) in [
            ("whole", "Bearer fake-whole-token"),
            ("members", "Bearer fake-member-token"),
        ] {
            let answer = house.engine().run(name, json!({})).await;
            let Outcome::Completed(output) = &answer.outcome else {
                panic!("{name}: {answer:?}")
            };
            // It arrived, and what came back of it was taken out.
            let seen = house.upstream.seen("/echo");
            let sent = seen.last().unwrap();
            assert_eq!(sent.authorization.as_deref(), Some(header));
            assert_eq!(sent.key, Some(format!("{}:/do/0/ask", answer.run)));
            assert_eq!(output["authorization"], "Bearer [redacted]");
            let lines = house.store.runs().journal(&answer.run).await.unwrap();
            assert!(!json!(lines).to_string().contains("fake-"), "{lines:?}");
        }
        for (name, words) in [
            ("wrong", "token is missing"),
            ("text", "there is no connection"),
        ] {
            let answer = house.engine().run(name, json!({})).await;
            let Outcome::Faulted(error) = &answer.outcome else {
                panic!("{name}: {answer:?}")
            };
            assert!(error.to_string().contains(words), "{error}");
        }
        assert_eq!(house.upstream.seen("/echo").len(), 2);
    }
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    for house in houses().await {
        connection(&house, "api").await;
        let body = format!(
            "{NAMED}do:\n  - list: {{call: page, with: {{endpoint: /list, authentication: {{bearer: {{use: api}}}}, style: odata}}}}\n  - each:\n      for: {{each: item, in: .}}\n      do:\n        - ask: {{call: http, with: {{method: get, endpoint: '${{ \"UPSTREAM/item/\\($item.id)\" }}'}}}}\n"
        );
        house.flow("list", &body).await;
        let answer = house.engine().run("list", json!({})).await;
        assert!(
            matches!(answer.outcome, Outcome::Completed(_)),
            "{answer:?}"
        );
        let pages = house.upstream.seen("/list");
        assert_eq!(pages.len(), 3);
        for page in &pages {
            assert_eq!(
                page.authorization.as_deref(),
                Some("Bearer fake-bearer-token")
            );
        }
        for id in 1..=5 {
            assert_eq!(house.upstream.seen(&format!("/item/{id}")).len(), 1);
        }
        let without =
            "do:\n  - list: {call: page, with: {endpoint: 'UPSTREAM/list', collect: true}}\n";
        house.flow("unnamed", without).await;
        let answer = house.engine().run("unnamed", json!({})).await;
        let Outcome::Faulted(error) = &answer.outcome else {
            panic!("{answer:?}")
        };
        let told = error.to_string();
        assert!(
            told.contains("call: page goes through a connection"),
            "{told}"
        );
    }
}

/// Data goes into addresses and header fields as data (`security.md` §3.6).
#[tokio::test]
async fn data_in_an_address_stays_data() {
    let house = house().await;
    house
        .flow(
            "path",
            "do:\n  - ask: {call: http, with: {method: get, endpoint: 'UPSTREAM/users/{name}'}}\n",
        )
        .await;
    let output = house
        .engine()
        .output("path", json!({"name": "../a?b#c/d e"}))
        .await;
    assert_eq!(output["path"], "/users/..%2Fa%3Fb%23c%2Fd%20e");
    house
        .flow(
            "header",
            "do:\n  - ask: {call: http, with: {method: get, endpoint: 'UPSTREAM/header', headers: {x-name: '${ .name }'}}}\n",
        )
        .await;
    let answer = house
        .engine()
        .run("header", json!({"name": "a\r\nhost: evil.example"}))
        .await;
    let Outcome::Faulted(error) = &answer.outcome else {
        panic!("{answer:?}")
    };
    let kind = error["type"].as_str().unwrap();
    assert!(kind.ends_with("/expression"), "{error}");
    assert_eq!(error["code"], "header.forbidden");
    assert_eq!(house.upstream.seen("/header").len(), 0);
    // An address that is one expression may come from data, but takes no credential along to where it does not belong.
    connection(&house, "api").await;
    let body = format!(
        "{NAMED}do:\n  - ask: {{call: http, with: {{method: get, endpoint: {{uri: '${{ .to }}', authentication: {{bearer: {{use: api}}}}}}}}}}\n"
    );
    house.flow("anywhere", &body).await;
    for (to, code) in [
        ("https://attacker.example/x", "connection.origin_forbidden"),
        ("//attacker.example/x", "connection.origin_forbidden"),
        (
            "https://api.contoso.example@attacker.example/x",
            "connection.origin_forbidden",
        ),
    ] {
        let answer = house.engine().run("anywhere", json!({"to": to})).await;
        let Outcome::Faulted(error) = &answer.outcome else {
            panic!("{to}: {answer:?}")
        };
        assert_eq!(error["code"], code, "{to}: {error}");
    }
}

#[tokio::test]
async fn the_calls_of_a_run_are_in_the_call_log() {
    for house in houses().await {
        connection(&house, "api").await;
        let auth = "authentication: {oauth2: {use: api}}";
        let body = format!(
            "use: {{secrets: [api, key]}}\ndo:\n  - each:\n      for: {{in: '${{ [1, 2] }}'}}\n      do:\n        - ask: {{call: http, with: {{method: post, endpoint: {{uri: '${{ \"/echo/\" + $secrets.key }}', {auth}}}, body: {{n: fake-body}}, query: {{q: fake-query}}}}}}\n  - far: {{call: http, with: {{method: get, endpoint: {{uri: 'https://attacker.example/x', {auth}}}}}}}\n"
        );
        house.flow("logged", &body).await;
        let key = ConnectionName::parse("key").unwrap();
        house
            .store
            .secrets()
            .save(&Actor::local(), &key, &json!("fake-plain-secret"))
            .await
            .unwrap();
        let answer = house.engine().run("logged", json!({})).await;
        let filter = store::CallFilter {
            run: Some(answer.run.clone()),
            ..store::CallFilter::default()
        };
        let read = async || {
            let rows = house.store.calls().list(&Actor::local(), &filter).await;
            rows.unwrap()
        };
        until("the calls are written", async || read().await.len() == 3).await;
        let mut told: Vec<_> = read().await.into_iter().map(|row| row.record).collect();
        told.sort_by(|one, other| one.step.cmp(&other.step));
        let steps: Vec<_> = told.iter().map(|call| call.step.as_deref()).collect();
        assert_eq!(
            steps,
            [
                Some("/do/0/each[0]/do/0/ask"),
                Some("/do/0/each[1]/do/0/ask"),
                Some("/do/1/far")
            ]
        );
        assert!(told.iter().all(|call| call.actor == answer.run.as_str()));
        assert_eq!(
            (
                told[0].method.as_str(),
                told[0].path.as_str(),
                told[0].status
            ),
            ("POST", "/echo/[redacted]", Some(200))
        );
        assert_eq!(
            (told[2].status, told[2].code.as_deref()),
            (None, Some("connection.origin_forbidden"))
        );
        let stored = format!("{told:?}");
        for hidden in [
            "fake-plain-secret",
            "fake-body",
            "fake-query",
            "fake-bearer-token",
        ] {
            assert!(!stored.contains(hidden), "{stored}");
        }
    }
}
