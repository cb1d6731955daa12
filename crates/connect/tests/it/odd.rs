//! Answers that no API should give, and certificates that no server should have (`security.md` §3.4).

use std::net::SocketAddr;
use std::sync::Arc;

use connect::{Form, ResponseBody, Timeouts};
use rcgen::{CertificateParams, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use crate::calls::{Plain, bearer, json_of, plain};
use crate::house::house;
use crate::mock;

/// Eight mebibytes of zeros.
const BROTLI_BOMB: &[u8] = b"\x9b\xff\xff\x7f\xf8\x25\x60\xe2\xb1\x40\x20\xf7\xfe\x0f";
/// The first half of a JSON document.
const HALF_GZIP: &[u8] =
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\x56\x2a\x48\x4c\xce\x4e\x4d\x51\xb2\x2a\x29\x2a\x4d";

/// An API that answers each connection with these bytes.
async fn answering(plain: &Plain, of: &str, head: &str, body: &[u8]) {
    let mut answer = head.replace('\n', "\r\n").into_bytes();
    answer.extend_from_slice(body);
    let address = mock::raw(answer.leak()).await;
    plain.create(bearer(of, address)).await;
}

#[tokio::test]
async fn answers_that_break_the_protocol() {
    let plain = plain(&["loopback"], Timeouts::default()).await;
    let early = "HTTP/1.1 103 Early Hints\n\n".repeat(5_000);
    let flood = format!("{early}HTTP/1.1 200 OK\ncontent-length: 2\n\n");
    let packed = |encoding: &str, length: usize| {
        format!("HTTP/1.1 200 OK\ncontent-encoding: {encoding}\ncontent-length: {length}\n\n")
    };
    let headers = (0..2_000)
        .map(|n| format!("x-{n}: 1\n"))
        .collect::<Vec<_>>()
        .concat();
    let many = format!("HTTP/1.1 200 OK\n{headers}content-length: 2\n\n");
    for (of, head, body, code) in [
        (
            "two-lengths",
            "HTTP/1.1 200 OK\ncontent-length: 2\ncontent-length: 3\n\n",
            &b"{}"[..],
            "upstream.malformed",
        ),
        ("headers", &many, b"{}", "upstream.malformed"),
        (
            "half-gzip",
            &packed("gzip", HALF_GZIP.len()),
            HALF_GZIP,
            "upstream.malformed",
        ),
        (
            "bomb",
            &packed("br", BROTLI_BOMB.len()),
            BROTLI_BOMB,
            "upstream.too_large",
        ),
        (
            "zstd",
            &packed("zstd", 4),
            b"\x28\xb5\x2f\xfd",
            "upstream.malformed",
        ),
        (
            "twice",
            &packed("gzip, gzip", 4),
            b"nope",
            "upstream.malformed",
        ),
        (
            "gone",
            "HTTP/1.1 200 OK\ncontent-length: 5\n\n",
            b"",
            "upstream.malformed",
        ),
    ] {
        answering(&plain, of, head, body).await;
        assert_eq!(plain.code(of, "/x").await, code, "{of}");
    }
    // Early answers are passed over, however many there are.
    answering(&plain, "flood", &flood, b"{}").await;
    let answer = plain.get("flood", "/x").await;
    assert_eq!(answer.unwrap().body, ResponseBody::Text("{}".to_owned()));
    // What follows a 204 is no body.
    answering(
        &plain,
        "empty",
        "HTTP/1.1 204 No Content\nconnection: close\n\n",
        b"{\"a\":1}",
    )
    .await;
    let answer = plain.get("empty", "/x").await.unwrap();
    assert_eq!((answer.status, answer.body), (204, ResponseBody::Empty));
}

#[tokio::test]
async fn an_answer_that_never_ends_is_ended() {
    let timeouts = Timeouts {
        total: std::time::Duration::from_millis(500),
        ..Timeouts::default()
    };
    let (hasty, patient) = (
        plain(&["loopback"], timeouts).await,
        plain(&["loopback"], Timeouts::default()).await,
    );
    let api = mock::api().await;
    hasty.create(bearer("api", api)).await;
    patient.create(bearer("api", api)).await;
    assert_eq!(hasty.code("api", "/drip").await, "upstream.timeout");
    assert_eq!(patient.code("api", "/endless").await, "upstream.too_large");
}

/// The last of equal keys counts; keys that are special elsewhere are data; what is no JSON stays text.
#[tokio::test]
async fn json_at_its_edges() {
    let plain = plain(&["loopback"], Timeouts::default()).await;
    let head = |length: usize| {
        format!("HTTP/1.1 200 OK\ncontent-type: application/json\ncontent-length: {length}\n\n")
    };
    let special = r#"{"__proto__":{"admin":true},"constructor":1,"a":1,"a":2}"#;
    answering(&plain, "special", &head(special.len()), special.as_bytes()).await;
    let answer = plain.get("special", "/x").await.unwrap();
    let expected: Value =
        serde_json::from_str(r#"{"__proto__":{"admin":true},"constructor":1,"a":2}"#).unwrap();
    assert_eq!(json_of(&answer), &expected);
    let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let texts = [
        ("nan", r#"{"a": NaN}"#.to_owned()),
        ("infinite", "[Infinity, -Infinity]".to_owned()),
        ("surrogate", r#"["\ud800"]"#.to_owned()),
        ("deep", deep(129)),
        ("deeper", deep(100_000)),
        ("huge", format!("[{}]", "9".repeat(1_000_000))),
    ];
    for (of, text) in texts {
        answering(&plain, of, &head(text.len()), text.as_bytes()).await;
        let answer = plain.get(of, "/x").await.unwrap();
        assert!(
            matches!(&answer.body, ResponseBody::Text(kept) if *kept == text),
            "{of}"
        );
    }
    let fine = deep(126);
    answering(&plain, "fine", &head(fine.len()), fine.as_bytes()).await;
    let answer = plain.get("fine", "/x").await.unwrap();
    assert!(matches!(answer.body, ResponseBody::Json(_)));
}

#[tokio::test]
async fn a_403_renews_nothing() {
    let house = house().await;
    house.create(house.app_only("graph")).await;
    let client_id = house.facts().app.client_id.clone();
    house
        .control(
            "faults",
            json!({"route": "graph", "status": 403, "times": 3}),
        )
        .await;
    for _ in 0..3 {
        assert_eq!(house.get("graph", "/v1.0/users").await.unwrap().status, 403);
    }
    assert_eq!(
        house.token_requests(&client_id, "client_credentials").await,
        1
    );
}

/// A server with a certificate of these parameters, signed by the authority or by itself.
async fn secure(params: CertificateParams, authority: Option<&Issuer<'_, KeyPair>>) -> SocketAddr {
    let key = KeyPair::generate().unwrap();
    let certificate = match authority {
        Some(authority) => params.signed_by(&key, authority).unwrap(),
        None => params.self_signed(&key).unwrap(),
    };
    let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    TaskTracker::new().spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine";
            stream.write_all(answer).await.unwrap();
        }
    });
    address
}

fn lasting(names: &[&str], from: i32, until: i32) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = rcgen::date_time_ymd(from, 1, 1);
    params.not_after = rcgen::date_time_ymd(until, 1, 1);
    params
}

#[tokio::test]
async fn certificates_that_no_server_should_have() {
    let key = KeyPair::generate().unwrap();
    let mut authority = lasting(&[], 2020, 2060);
    authority
        .distinguished_name
        .push(rcgen::DnType::CommonName, "Test authority");
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = authority.self_signed(&key).unwrap().pem();
    let authority = Issuer::new(authority, key);
    let here = ["127.0.0.1"];
    let plain = plain(&["loopback"], Timeouts::default()).await;
    let with = async |of: &str, address: SocketAddr| {
        let form = Form {
            base_url: Some(format!("https://{address}")),
            ca_certificate: Some(ca.clone()),
            ..bearer(of, address)
        };
        plain.create(form).await;
    };
    for (of, params, signer, code) in [
        (
            "expired",
            lasting(&here, 2020, 2021),
            Some(&authority),
            "tls.certificate_expired",
        ),
        (
            "early",
            lasting(&here, 2059, 2060),
            Some(&authority),
            "tls.certificate_not_yet_valid",
        ),
        (
            "name",
            lasting(&["other.contoso.example"], 2020, 2060),
            Some(&authority),
            "tls.wrong_name",
        ),
        (
            "self",
            lasting(&here, 2020, 2060),
            None,
            "tls.unknown_issuer",
        ),
    ] {
        with(of, secure(params, signer).await).await;
        let error = plain.get(of, "/x").await.unwrap_err();
        assert_eq!(error.code(), code, "{of}: {error}");
    }
    with(
        "good",
        secure(lasting(&here, 2020, 2060), Some(&authority)).await,
    )
    .await;
    assert_eq!(plain.get("good", "/x").await.unwrap().status, 200);
    // TLS 1.0 and older: the server knows none of the versions that are offered, and says so (RFC 8446 §6.2: alert 70).
    let old = mock::raw(b"\x15\x03\x01\x00\x02\x02\x46").await;
    with("old", old).await;
    assert_eq!(plain.code("old", "/x").await, "tls.version");
}
