//! The listener: TLS, settings that would be unsafe, the drain at the end.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use connect::Connector;
use oauth::Secret;
use server::{App, Config, Error, Tls, TlsProxy};
use store::Role;
use store::testing::{TestStore, sqlite_memory};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::house::{House, api};

async fn app(public_url: &str, change: impl FnOnce(&mut Config)) -> (TestStore, App, TaskTracker) {
    let (store, tracker) = (sqlite_memory().await, TaskTracker::new());
    let url = Url::parse(public_url).unwrap();
    let connect = connect::Config::new(url.clone());
    let connector = Connector::new(store.store(), connect, tracker.clone()).unwrap();
    let mut config = Config::new(url);
    change(&mut config);
    let engine = engine::Local::new(
        store.store(),
        connector.clone(),
        engine::Config::new(config.public_url.clone()),
        tracker.clone(),
        CancellationToken::new(),
    );
    let app = App::new(store.store(), connector, engine, config, tracker.clone());
    (store, app, tracker)
}

async fn refusal(public_url: &str, listen: &str, tls: Option<Tls>) -> Error {
    let (_store, app, _) = app(public_url, |_| ()).await;
    let listener = TcpListener::bind(listen).await.unwrap();
    server::serve(app, listener, tls, CancellationToken::new())
        .await
        .unwrap_err()
}

#[tokio::test]
async fn unsafe_settings_are_refused_at_the_start() {
    let public = refusal("https://keyway.contoso.example", "0.0.0.0:0", None).await;
    assert!(matches!(public, Error::PlainHttp { .. }), "{public}");
    assert!(public.to_string().contains("certificate"), "{public}");
    let plain = refusal("http://keyway.contoso.example", "127.0.0.1:0", None).await;
    assert!(matches!(plain, Error::PublicUrl { .. }), "{plain}");
    let broken = Tls {
        certificate_pem: b"-----BEGIN CERTIFICATE-----".to_vec(),
        key_pem: Secret::new("no key"),
    };
    let broken = refusal("https://localhost", "127.0.0.1:0", Some(broken)).await;
    assert!(matches!(broken, Error::Certificate(_)), "{broken}");
}

#[tokio::test]
async fn a_declared_proxy_may_speak_plain_http_to_us() {
    let (_store, app, _) = app("https://keyway.contoso.example", |config| {
        config.tls_proxy = TlsProxy::Present;
    })
    .await;
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let stop = CancellationToken::new();
    stop.cancel();
    server::serve(app, listener, None, stop).await.unwrap();
}

#[tokio::test]
async fn tls_with_http2() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.pem();
    let tls = Tls {
        certificate_pem: certificate.clone().into_bytes(),
        key_pem: Secret::new(made.signing_key.serialize_pem()),
    };
    let (_store, app, tracker) = app("https://localhost", |_| ()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let serving = tracker.spawn(server::serve(app, listener, Some(tls), stop.clone()));
    let authority = reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([authority])
        .resolve("localhost", address)
        .no_proxy()
        .build()
        .unwrap();
    let url = format!("https://localhost:{}/healthz", address.port());
    let answer = client.get(&url).send().await.unwrap();
    assert_eq!(answer.version(), http::Version::HTTP_2);
    assert!(answer.headers().contains_key("strict-transport-security"));
    assert_eq!(answer.text().await.unwrap(), "ok\n");
    // nothing but TLS is answered there
    let plain = client.get(url.replace("https", "http")).send().await;
    assert!(plain.is_err());
    stop.cancel();
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_under_way_ends_before_the_server_does() {
    let (arrived, released) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let upstream = api({
        let (arrived, released) = (Arc::clone(&arrived), Arc::clone(&released));
        move |_: Request| {
            let (arrived, released) = (Arc::clone(&arrived), Arc::clone(&released));
            async move {
                arrived.add_permits(1);
                released.acquire().await.unwrap().forget();
                Response::new(Body::from("late"))
            }
        }
    })
    .await;
    let house = House::new().await;
    let key = house.key(Role::Operator).await;
    house.plain_connection("slow", &upstream).await;
    let address = house.address;
    let request = house.request("GET", "/proxy/slow/x").key(&key);
    let running = TaskTracker::new().spawn(request.send());
    arrived.acquire().await.unwrap().forget();
    let closed = house.close();
    // no new guests while the last one finishes
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    released.add_permits(1);
    let answer = running.await.unwrap();
    assert_eq!(
        (answer.status.as_u16(), answer.text.as_str()),
        (200, "late")
    );
    closed.await;
}
