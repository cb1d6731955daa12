use http::header::WWW_AUTHENTICATE;

use super::*;

fn headers(values: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in values {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        headers.append(WWW_AUTHENTICATE, value);
    }
    headers
}

fn login(username: &str, password: &str) -> Login {
    Login {
        username: username.to_owned(),
        password: Secret::new(password),
    }
}

fn answer(challenge: &Challenge, login: &Login, target: &str, cnonce: &str) -> String {
    let answer = challenge.answer(login, (&Method::GET, target), cnonce);
    assert!(answer.header.is_sensitive());
    let text = String::from_utf8(answer.header.as_bytes().to_vec()).unwrap();
    assert!(text.contains(&format!("response=\"{}\"", answer.proof.expose())));
    text
}

/// RFC 7616 §3.9.1.
const SHA256: &str = r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256,
    nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#;

fn of_rfc(algorithm: &str) -> String {
    SHA256.replace("\n    ", " ").replace("SHA-256", algorithm)
}

#[test]
fn the_examples_of_rfc_7616() {
    let mufasa = login("Mufasa", "Circle of Life");
    let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
    for (algorithm, response) in [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        (
            "SHA-256",
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ] {
        let challenge = Challenge::choose(&headers(&[&of_rfc(algorithm)])).unwrap();
        assert_eq!(
            answer(&challenge, &mufasa, "/dir/index.html", cnonce),
            format!(
                r#"Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", response="{response}", algorithm={algorithm}, qop=auth, nc=00000001, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#
            )
        );
    }
}

/// RFC 7616 §3.9.2, with the name and response of erratum 4897.
#[test]
fn a_name_that_is_hashed_or_does_not_fit_into_a_quoted_string() {
    let offered = r#"Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true"#;
    let jason = login("J\u{e4}s\u{f8}n Doe", "Secret, or not?");
    let cnonce = "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v";
    for (offered, username) in [
        (
            offered.to_owned(),
            r#"username="793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b", userhash=true,"#,
        ),
        (
            offered.replace("true", "false"),
            "username*=UTF-8''J%C3%A4s%C3%B8n%20Doe,",
        ),
    ] {
        let challenge = Challenge::choose(&headers(&[&offered])).unwrap();
        let text = answer(&challenge, &jason, "/doe.json", cnonce);
        assert!(text.contains(username), "{text}");
        let response =
            r#"response="3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5""#;
        assert!(text.contains(response), "{text}");
    }
}

/// RFC 2617 §3.5 without `qop`: the answer of RFC 2069 §2.4 as erratum 749 has it.
#[test]
fn a_challenge_without_quality_gets_the_older_answer() {
    let offered = r#"Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41""#;
    let challenge = Challenge::choose(&headers(&[offered])).unwrap();
    let text = answer(
        &challenge,
        &login("Mufasa", "CircleOfLife"),
        "/dir/index.html",
        "unused",
    );
    let response = r#"response="1949323746fe6a43ef61f9606e7febea""#;
    assert!(text.contains(response), "{text}");
    for absent in ["nc=", "unused", "algorithm"] {
        assert!(!text.contains(absent), "{text}");
    }
}

#[test]
fn what_must_be_quoted_comes_back_quoted() {
    let offered = r#"Digest realm="say \"hi\" \\ für", nonce=n, qop=auth"#;
    let challenge = Challenge::choose(&headers(&[offered])).unwrap();
    let text = answer(&challenge, &login(r#"a"b"#, "fake"), "/", "c");
    assert!(text.contains(r#"username="a\"b""#), "{text}");
    assert!(text.contains(r#"realm="say \"hi\" \\ für""#), "{text}");
}

#[test]
fn the_strongest_challenge_is_answered() {
    let md5 = of_rfc("MD5");
    let sha256 = of_rfc("SHA-256");
    let unknown = of_rfc("SHA-1");
    let plain = r#"Digest realm="a", nonce="b""#;
    for (offered, expected) in [
        (vec![&*md5, &*sha256], "SHA-256"),
        (vec![&*sha256, &*md5], "SHA-256"),
        (vec!["Basic realm=\"a\"", &*md5], "MD5"),
        (vec![&*unknown, &*md5], "MD5"),
        (vec![plain], "none"),
        (
            vec![
                r#"Basic realm="a", DIGEST realm="a", nonce="b", algorithm="SHA-256-SESS", qop="auth""#,
            ],
            "SHA-256-sess",
        ),
        (
            vec![r#"Digest realm="a", nonce="b", algorithm="MD5-Sess", qop="auth""#],
            "MD5-sess",
        ),
    ] {
        let chosen = Challenge::choose(&headers(&offered)).unwrap();
        assert_eq!(chosen.word.unwrap_or("none"), expected, "{offered:?}");
    }
    let both = format!("{md5}, {sha256}");
    let chosen = Challenge::choose(&headers(&[&both])).unwrap();
    assert_eq!(chosen.algorithm, Algorithm::Sha256);
    assert!(!chosen.stale);
    let stale = Challenge::choose(&headers(&[&format!("{md5}, stale=TRUE")])).unwrap();
    assert!(stale.stale);
}

#[test]
fn what_can_t_be_answered_says_why() {
    for (offered, expected) in [
        (vec![], "says nothing of how"),
        (
            vec!["Basic realm=a", "Bearer"],
            "takes Basic, Bearer, not Digest",
        ),
        (vec!["Digest realm=a"], "has no nonce"),
        (vec!["Digest nonce=a"], "has no realm"),
        (
            vec![r#"Digest realm=a, nonce=b, qop="auth-int""#],
            "wants qop auth-int",
        ),
        (
            vec!["Digest realm=a, nonce=b, algorithm=SHA-1"],
            "wants the algorithm SHA-1",
        ),
        (
            vec!["Digest realm=a, nonce=b, algorithm=MD5-sess"],
            "session key and no qop",
        ),
    ] {
        let why = Challenge::choose(&headers(&offered)).unwrap_err();
        assert!(why.contains(expected), "{offered:?}: {why}");
    }
}

#[test]
fn a_session_key_depends_on_both_nonces() {
    let challenge = Challenge::choose(&headers(&[&of_rfc("MD5-sess")])).unwrap();
    let text = answer(
        &challenge,
        &login("Mufasa", "Circle of Life"),
        "/dir/index.html",
        "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    );
    // The value that the crate http-auth 0.1.10 gives for the same.
    let response = r#"response="e783283f46242139c486a698fec7211d""#;
    assert!(text.contains(response), "{text}");
}

#[test]
fn nonces_of_the_client_differ() {
    let (one, other) = (client_nonce(), client_nonce());
    assert_eq!(one.len(), 32);
    assert_ne!(one, other);
}
