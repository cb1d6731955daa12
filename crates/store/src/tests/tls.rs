//! PostgreSQL over TLS: the certificate is checked, always.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use super::*;
use crate::{Clock, Config, Database, Vault};

/// Gives the cluster a certificate of a new authority, and turns TLS on; answers the authority's certificate.
fn turn_on(url: &str) -> String {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let root = authority.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(authority, key);
    let key = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let certificate = CertificateParams::new(names)
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    for (file, content) in [
        ("server.crt", certificate.pem()),
        ("server.key", key.serialize_pem()),
    ] {
        let content = STANDARD.encode(content);
        let sql = format!("COPY (SELECT '{content}') TO PROGRAM 'umask 077; base64 -d > {file}'");
        testing::postgres_admin(url, &sql);
    }
    testing::postgres_admin(url, "ALTER SYSTEM SET ssl = on");
    testing::postgres_admin(url, "SELECT pg_reload_conf()");
    // The server reads its configuration when it gets to it.
    while testing::postgres_admin(url, "SHOW ssl").trim() != "on" {
        std::thread::yield_now();
    }
    root
}

#[tokio::test]
async fn both_writer_and_readers_speak_tls_to_a_server_whose_certificate_holds() {
    let url = testing::postgres_url();
    let directory = tempfile::tempdir().unwrap();
    let roots = directory.path().join("ca.pem");
    std::fs::write(&roots, turn_on(&url)).unwrap();
    let open = async |query: String| {
        let mut config = Config::new(Database::Postgres(format!("{url}?{query}")));
        config.connect_wait = std::time::Duration::ZERO;
        let vault = Vault::open_or_create(&directory.path().join("kek")).unwrap();
        Store::open(&config, vault, Clock::system()).await
    };
    let roots = roots.display();
    for mode in ["require", "verify-full"] {
        let store = open(format!("sslmode={mode}&sslrootcert={roots}"))
            .await
            .unwrap();
        add(&store, mode).await;
        let sessions = testing::postgres_admin(
            &url,
            "SELECT ssl, COUNT(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
             WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'keyway' GROUP BY ssl",
        );
        assert!(
            sessions.starts_with("t|") && sessions.lines().count() == 1,
            "{sessions}"
        );
        store.close().await;
    }
    // An authority that did not sign it, and no authority at all but the system's.
    let other = directory.path().join("other.pem");
    let stranger = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&other, stranger.cert.pem()).unwrap();
    for query in [
        format!("sslmode=require&sslrootcert={}", other.display()),
        "sslmode=require".to_owned(),
    ] {
        let error = open(query.clone()).await.err().unwrap();
        assert!(matches!(error, Error::Unavailable(_)), "{query}: {error}");
        assert!(
            error.to_string().contains("certificate"),
            "{query}: {error}"
        );
    }
    let missing = directory.path().join("missing.pem");
    let error = open(format!("sslmode=require&sslrootcert={}", missing.display()))
        .await
        .err()
        .unwrap();
    assert!(
        matches!(&error, Error::Config { detail } if detail.contains("missing.pem")),
        "{error}"
    );
}
