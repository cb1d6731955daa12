//! Connections that prove themselves by certificate (RFC 7523 §2.2): registered, used, wrong, cured, exchanged.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use aws_lc_rs::encoding::AsDer as _;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::{Form as Posted, Json, Router, routing::post};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use connect::{Form, FormSecret, Proof};
use http::Method;
use oauth::State;
use serde_json::{Value, json};
use store::Clock;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::house::{House, house, name};

/// A certificate and its key, as an app's owner makes them.
struct Pair {
    der: Vec<u8>,
    certificate: String,
    key: String,
}

impl Pair {
    fn new() -> Pair {
        Pair::until(2060)
    }

    fn until(year: i32) -> Pair {
        let size = aws_lc_rs::rsa::KeySize::Rsa2048;
        let pair = aws_lc_rs::rsa::KeyPair::generate(size).unwrap();
        let key = rcgen::KeyPair::try_from(pair.as_der().unwrap().as_ref()).unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        let certificate = params.self_signed(&key).unwrap();
        Pair {
            der: certificate.der().to_vec(),
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    fn pem(&self) -> String {
        format!("{}{}", self.certificate, self.key)
    }

    fn thumbprint(&self) -> String {
        oauth::Certificate::from_pem(&self.certificate)
            .unwrap()
            .thumbprint()
    }

    /// The form with this certificate in the place of its secret.
    fn in_place(&self, form: Form) -> Form {
        Form {
            client_secret: None,
            certificate: Some(FormSecret::new(self.pem())),
            ..form
        }
    }
}

/// A house whose clock shows the sandbox's time: assertions are judged by it.
async fn in_time() -> House {
    let house = house().await;
    let clock = &house.store.clock;
    clock.advance(Clock::system().now().duration_since(clock.now()));
    house
}

/// Registers certificates with the seeded app, as its owner.
async fn register(house: &House, pairs: &[&Pair]) {
    let client_id = &house.facts().app.client_id;
    let keys: Vec<Value> = pairs
        .iter()
        .map(|pair| {
            json!({
                "displayName": "fake",
                "type": "AsymmetricX509Cert",
                "usage": "Verify",
                "key": STANDARD.encode(&pair.der),
            })
        })
        .collect();
    let target = format!("/v1.0/applications(appId='{client_id}')");
    house
        .administer(Method::PATCH, &target, json!({ "keyCredentials": keys }))
        .await;
}

/// Made by `openssl pkcs12 -export`, with `PASSWORD`; it holds from 2020 to 2060.
const PFX: &[u8] = include_bytes!("certificate.pfx");
const PASSWORD: &str = "fake-password";

/// The form with a PKCS#12 file in the place of its secret.
fn by_file(form: Form, file: &[u8], password: Option<&str>) -> Form {
    Form {
        client_secret: None,
        certificate_pkcs12: Some(FormSecret::new(STANDARD.encode(file))),
        certificate_password: password.map(FormSecret::new),
        ..form
    }
}

#[tokio::test]
async fn a_pkcs12_file_is_taken_wherever_a_pem_is() {
    let house = in_time().await;
    house.administration().await;
    let read = oauth::ClientCertificate::from_pkcs12(PFX, &oauth::Secret::new(PASSWORD)).unwrap();
    let public = read.certificate().to_pem();
    let of_file = Pair {
        der: STANDARD
            .decode(
                public
                    .lines()
                    .filter(|line| !line.starts_with("--"))
                    .collect::<String>(),
            )
            .unwrap(),
        certificate: public,
        key: String::new(),
    };
    let other = Pair::new();
    register(&house, &[&of_file, &other]).await;
    let thumbprint = read.certificate().thumbprint();

    // A new connection.
    let form = by_file(house.app_only("created"), PFX, Some(PASSWORD));
    let card = house.create(form).await;
    assert_eq!(card.state, State::Ok, "{card:#?}");
    assert_eq!(card.certificate.as_ref().unwrap().thumbprint, thumbprint);
    assert_eq!(
        card.client_authentication.as_deref(),
        Some("private_key_jwt")
    );
    house.users("created").await;

    // A change.
    house
        .create(other.in_place(house.app_only("changed")))
        .await;
    let change = by_file(Form::default(), PFX, Some(PASSWORD));
    let changed = house
        .connector
        .change(&house.actor, &name("changed"), None, change)
        .await
        .unwrap();
    assert_eq!(changed.card.state, State::Ok, "{changed:#?}");
    assert_eq!(changed.card.certificate.unwrap().thumbprint, thumbprint);

    // A second secret.
    house
        .create(other.in_place(house.app_only("rotated")))
        .await;
    let new = connect::NewSecret {
        certificate_pkcs12: Some(FormSecret::new(STANDARD.encode(PFX))),
        certificate_password: Some(FormSecret::new(PASSWORD)),
        ..connect::NewSecret::default()
    };
    let card = house
        .connector
        .add_secret(&house.actor, &name("rotated"), new)
        .await
        .unwrap();
    assert_eq!(card.secrets.len(), 2);
    assert_eq!(card.certificate.unwrap().thumbprint, thumbprint);
    assert_eq!(card.state, State::Ok);
}

#[tokio::test]
async fn what_is_wrong_with_a_pkcs12_file_is_said_at_its_field() {
    let house = in_time().await;
    let pem = Pair::new().pem();
    let of = |file: &[u8], password| by_file(house.app_only("graph"), file, password);
    let twice = Form {
        certificate: Some(FormSecret::new(pem.clone())),
        ..of(PFX, Some(PASSWORD))
    };
    let unused = Form {
        client_secret: None,
        certificate: Some(FormSecret::new(pem)),
        certificate_password: Some(FormSecret::new(PASSWORD)),
        ..house.app_only("graph")
    };
    let not_base64 = Form {
        certificate_pkcs12: Some(FormSecret::new("app.pfx")),
        ..of(PFX, None)
    };
    let (file, password) = ("/certificate_pkcs12", "/certificate_password");
    for (form, code, field) in [
        (
            of(PFX, Some("wrong")),
            "certificate.password_wrong",
            password,
        ),
        (of(PFX, None), "certificate.password_wrong", password),
        (of(b"0 no such file", None), "certificate.unreadable", file),
        (of(&vec![0x30; 70_000], None), "certificate.too_large", file),
        (
            of(&vec![0x30; 200_000], None),
            "certificate.too_large",
            file,
        ),
        (not_base64, "certificate.not_base64", file),
        (twice, "certificate.given_twice", file),
        (unused, "certificate.password_unused", password),
    ] {
        let error = house
            .connector
            .create(&house.actor, form, Proof::Later)
            .await
            .unwrap_err();
        assert_eq!(error.code(), code);
        let connect::Error::Invalid {
            field: at,
            hint,
            message,
            ..
        } = error
        else {
            panic!("{error:?}");
        };
        assert_eq!(at, field, "{code}");
        assert!(hint.is_some(), "{code}");
        assert!(!message.contains(PASSWORD), "{message}");
    }
}

#[tokio::test]
async fn the_app_itself_by_certificate() {
    let house = in_time().await;
    house.administration().await;
    let pair = Pair::new();
    register(&house, &[&pair]).await;
    let card = house.create(pair.in_place(house.app_only("graph"))).await;
    assert_eq!(card.state, State::Ok, "{card:#?}");
    assert_eq!(
        card.client_authentication.as_deref(),
        Some("private_key_jwt")
    );
    assert_eq!(
        card.client_authentication_used.as_deref(),
        Some("private_key_jwt")
    );
    let shown = card.certificate.as_ref().unwrap();
    assert_eq!(shown.thumbprint, pair.thumbprint());
    assert_eq!(shown.expires_at.to_string(), "2060-01-01T00:00:00Z");
    assert_eq!(card.secret_expires_at, Some(shown.expires_at));
    let text = serde_json::to_string(&card).unwrap();
    assert!(!text.contains("PRIVATE KEY") && !text.contains(pair.key.lines().nth(1).unwrap()));
    house.users("graph").await;
    // A token that is gone is had again, with an assertion of its own.
    house.expire();
    house
        .control("clock", json!({"offset_seconds": 104_400}))
        .await;
    house.users("graph").await;
    let client_id = &house.facts().app.client_id;
    assert_eq!(
        house.token_requests(client_id, "client_credentials").await,
        2
    );
}

#[tokio::test]
async fn a_person_and_the_renewal_by_certificate() {
    let house = in_time().await;
    house.administration().await;
    let pair = Pair::new();
    register(&house, &[&pair]).await;
    house.create(pair.in_place(house.delegated("graph"))).await;
    house.authorize("graph", &house.user(1)).await.unwrap();
    house.users("graph").await;
    house.expire();
    house
        .control("clock", json!({"offset_seconds": 104_400}))
        .await;
    house.users("graph").await;
    assert_eq!(house.card("graph").await.state, State::Ok);
    let client_id = &house.facts().app.client_id;
    for grant in ["authorization_code", "refresh_token"] {
        assert_eq!(house.token_requests(client_id, grant).await, 1, "{grant}");
    }
}

#[tokio::test]
async fn the_wrong_certificate_is_explained_and_cured() {
    let house = in_time().await;
    house.administration().await;
    let (registered, other) = (Pair::new(), Pair::new());
    register(&house, &[&registered]).await;
    let card = house.create(other.in_place(house.app_only("graph"))).await;
    assert_eq!(card.state, State::NeedsSecret);
    let told = house.explain("graph").await;
    let diagnosis = told.connection.diagnosis.as_ref().unwrap();
    assert_eq!(diagnosis.code, "client_certificate.unknown");
    assert_eq!(told.raw.aadsts.as_deref(), Some("AADSTS700027"));
    let commands: Vec<&str> = told.next.split('`').skip(1).step_by(2).collect();
    assert_eq!(
        commands,
        [
            "keyway connection change graph --certificate-file FILE",
            "keyway connection test graph"
        ]
    );
    // A number says what is wrong: there is no second try in another form.
    let client_id = &house.facts().app.client_id;
    assert_eq!(
        house.token_requests(client_id, "client_credentials").await,
        1
    );
    let changed = house
        .change("graph", registered.in_place(Form::default()))
        .await;
    assert_eq!(changed.card.state, State::Ok);
    assert_eq!(
        changed.card.certificate.unwrap().thumbprint,
        registered.thumbprint()
    );
    house.users("graph").await;
}

#[tokio::test]
async fn a_certificate_follows_another_and_takes_the_place_of_a_secret() {
    let house = in_time().await;
    house.administration().await;
    let (old, new) = (Pair::until(2050), Pair::until(2055));
    register(&house, &[&old, &new]).await;
    house.create(house.app_only("graph")).await;
    for (pair, expiry) in [
        (&old, "2050-01-01T00:00:00Z"),
        (&new, "2055-01-01T00:00:00Z"),
    ] {
        let card = house
            .change("graph", pair.in_place(Form::default()))
            .await
            .card;
        assert_eq!(card.state, State::Ok);
        assert_eq!(
            card.client_authentication.as_deref(),
            Some("private_key_jwt")
        );
        assert_eq!(card.certificate.unwrap().thumbprint, pair.thumbprint());
        assert_eq!(card.secret_expires_at.unwrap().to_string(), expiry);
    }
    // One way of proving at a time: the secret went when the certificate came, and the other way round.
    let id = store::ConnectionId::parse(&house.card("graph").await.id).unwrap();
    let slots = async || {
        let connections = house.store.connections();
        let found = connections.find_by_id(&house.actor, &id).await.unwrap();
        let secrets = found.unwrap().secrets.unwrap();
        secrets.slots().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(slots().await, ["certificate"]);
    let back = Form {
        client_secret: house.app_only("x").client_secret,
        ..Form::default()
    };
    let card = house.change("graph", back).await.card;
    assert_eq!(card.state, State::Ok);
    assert_eq!(card.client_authentication.as_deref(), Some("automatic"));
    assert!(card.certificate.is_none() && card.secret_expires_at.is_none());
    assert_eq!(slots().await, ["client_secret"]);
    // A change of the client wipes the certificate like any secret, and says what is missing.
    house.change("graph", new.in_place(Form::default())).await;
    let moved = Form {
        client_id: Some("11111111-2222-3333-4444-555555555555".to_owned()),
        ..Form::default()
    };
    let changed = house.change("graph", moved).await;
    assert_eq!(changed.wiped, ["certificate", "access_token"]);
    assert!(changed.card.secret_expires_at.is_none());
    let diagnosis = changed.card.diagnosis.unwrap();
    assert_eq!(diagnosis.code, "client_certificate.missing");
}

#[tokio::test]
async fn what_is_refused_at_once() {
    let house = in_time().await;
    let pair = Pair::new();
    let (other, expired) = (Pair::new(), Pair::until(2021));
    let given = |text: String| Form {
        certificate: Some(FormSecret::new(text)),
        client_secret: None,
        ..house.app_only("graph")
    };
    let said = |method: &str, form: Form| Form {
        client_authentication: Some(method.to_owned()),
        ..form
    };
    let with_secret = pair.in_place(house.app_only("graph"));
    let with_secret = Form {
        client_secret: house.app_only("x").client_secret,
        ..with_secret
    };
    let field = "/certificate";
    for (form, code, field) in [
        (given(expired.pem()), "certificate.expired", field),
        (
            given(pair.certificate.clone()),
            "certificate.key_missing",
            field,
        ),
        (given(pair.key.clone()), "certificate.missing", field),
        (
            given(format!("{}{}", other.certificate, pair.key)),
            "certificate.key_mismatch",
            field,
        ),
        (said("none", given(pair.pem())), "certificate.unused", field),
        (said("post", given(pair.pem())), "certificate.unused", field),
        (with_secret, "secret.unused", "/client_secret"),
    ] {
        let error = house
            .connector
            .create(&house.actor, form, Proof::Later)
            .await
            .unwrap_err();
        assert_eq!((error.code(), error.field()), (code, Some(field)));
    }
    // Without a certificate it is saved, and says what it lacks.
    let form = said("private_key_jwt", house.app_only("graph"));
    let form = Form {
        client_secret: None,
        ..form
    };
    let card = house.create(form).await;
    assert_eq!(card.diagnosis.unwrap().code, "client_certificate.missing");
}

/// A token endpoint that takes RS256 only and says nothing more than the standard does; answers the algorithms it saw.
async fn old_server() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let token = async move |Posted(form): Posted<Vec<(String, String)>>| {
        let find = |wanted: &str| form.iter().find(|(name, _)| name == wanted);
        let (_, assertion) = find("client_assertion").unwrap();
        let header = assertion.split('.').next().unwrap();
        let header: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
        let algorithm = header["alg"].as_str().unwrap().to_owned();
        kept.lock().unwrap().push(algorithm.clone());
        if algorithm == "RS256" && header["x5t"].is_string() && find("client_secret").is_none() {
            let token = json!({"access_token": "fake", "token_type": "Bearer", "expires_in": 3600});
            Json(token).into_response()
        } else {
            let refusal = json!({"error": "invalid_client"});
            (StatusCode::UNAUTHORIZED, Json(refusal)).into_response()
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/token", post(token));
    TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
    (address, seen)
}

#[tokio::test]
async fn an_older_server_is_asked_in_its_own_form_and_that_is_remembered() {
    let house = in_time().await;
    let (address, seen) = old_server().await;
    let form = Form {
        name: Some("old".to_owned()),
        grant: Some("client_credentials".to_owned()),
        token_endpoint: Some(format!("http://{address}/token")),
        client_id: Some("client".to_owned()),
        base_url: Some(format!("http://{address}")),
        ..Form::default()
    };
    let card = house.create(Pair::new().in_place(form)).await;
    assert_eq!(card.state, State::Ok, "{card:#?}");
    assert_eq!(
        card.client_authentication_used.as_deref(),
        Some("private_key_jwt_rs256")
    );
    house.expire();
    house
        .connector
        .test(&house.actor, &name("old"))
        .await
        .unwrap();
    assert_eq!(*seen.lock().unwrap(), ["PS256", "RS256", "RS256"]);
}
