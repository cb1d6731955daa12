//! Forgeries: none is let in, and what is signed well is.

use super::*;

const NOW: i64 = 1_790_000_000;

fn key_of(byte: u8) -> hmac::Key {
    key(&Secret::new(format!(
        "whsec_{}",
        STANDARD.encode([byte; 24])
    )))
    .unwrap()
}

fn signature(key: &hmac::Key, id: &str, at: &str, body: &str) -> String {
    let tag = hmac::sign(key, format!("{id}.{at}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag))
}

fn headers(given: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        headers.append(*name, value.parse().unwrap());
    }
    headers
}

fn is_in(given: &[(&'static str, &str)], body: &str, keys: &[hmac::Key]) -> bool {
    signed(&headers(given), body.as_bytes(), keys, NOW).is_some()
}

/// The example of the specification's libraries.
#[test]
fn the_vector_of_standard_webhooks_is_let_in() {
    let key = key(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap();
    let given = headers(&[
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        (
            "webhook-signature",
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
    ]);
    let body = br#"{"test": 2432232314}"#;
    let id = signed(&given, body, std::slice::from_ref(&key), 1_614_265_400);
    assert_eq!(id, Some("msg_p5jXN8AQM9LWM0D4loKWxJek"));
    assert_eq!(
        signed(&given, b"{\"test\": 2432232315}", &[key], 1_614_265_400),
        None
    );
}

#[test]
fn signatures_row_by_row() {
    let (ours, other) = (key_of(1), key_of(2));
    let now = NOW.to_string();
    let good = signature(&ours, "msg_1", &now, "{}");
    let wrong = signature(&other, "msg_1", &now, "{}");
    let v1a = good.replacen("v1,", "v1a,", 1);
    let listed = format!("v2,AAAA {wrong} {good}");
    let late = format!("{}{good}", "v1,AAAA ".repeat(SIGNATURES));
    let check = |id: &str, at: &str, given: &str, expected: bool| {
        let given = [
            ("webhook-id", id),
            ("webhook-timestamp", at),
            ("webhook-signature", given),
        ];
        assert_eq!(
            is_in(&given, "{}", std::slice::from_ref(&ours)),
            expected,
            "{given:?}"
        );
    };
    check("msg_1", &now, &good, true);
    check("msg_1", &now, &listed, true);
    check("msg_1", &now, &wrong, false);
    check("msg_1", &now, &v1a, false);
    check("msg_1", &now, "v1,", false);
    check("msg_1", &now, "v1", false);
    check("msg_1", &now, "v1,%%% v9,x , ,, v1,AAAA", false);
    check("msg_1", &now, &good[3..], false);
    check("msg_1", &now, &good.to_lowercase(), false);
    check("msg_1", &now, &late, false);
    check("msg_2", &now, &good, false);
    check("", &now, &signature(&ours, "", &now, "{}"), false);
    check("a b", &now, &signature(&ours, "a b", &now, "{}"), false);
    let long = "a".repeat(LONGEST_ID + 1);
    check(&long, &now, &signature(&ours, &long, &now, "{}"), false);
    let dotted = signature(&ours, "msg.1", &now, "{}");
    check("msg.1", &now, &dotted, false);
    for (at, expected) in [
        ((NOW - 300).to_string(), true),
        ((NOW + 300).to_string(), true),
        ((NOW - 301).to_string(), false),
        ((NOW + 301).to_string(), false),
        ("1e9".to_owned(), false),
        (format!("-{NOW}"), false),
        (format!("+{NOW}"), false),
        (format!(" {NOW}"), false),
        (format!("{NOW}.0"), false),
        ("99999999999999999999999".to_owned(), false),
        (String::new(), false),
    ] {
        check(
            "msg_1",
            &at,
            &signature(&ours, "msg_1", &at, "{}"),
            expected,
        );
    }
}

#[test]
fn missing_and_repeated_headers_are_not_let_in() {
    let key = key_of(1);
    let now = NOW.to_string();
    let good = signature(&key, "msg_1", &now, "");
    let all = [
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", now.as_str()),
        ("webhook-signature", good.as_str()),
    ];
    let keys = [key];
    assert!(is_in(&all, "", &keys));
    assert!(!is_in(&all, "", &[]));
    for index in 0..all.len() {
        let mut less = all.to_vec();
        less.remove(index);
        assert!(!is_in(&less, "", &keys), "{less:?}");
        let mut more = all.to_vec();
        more.push(all[index]);
        assert!(!is_in(&more, "", &keys), "{more:?}");
    }
}

#[test]
fn ten_thousand_forgeries() {
    let key = key_of(7);
    let now = NOW.to_string();
    let good = signature(&key, "msg_1", &now, "{\"a\":1}");
    let tag = STANDARD.decode(&good[3..]).unwrap();
    let keys = [key];
    let mut tried = 0;
    for round in 0..40_u8 {
        for index in 0..tag.len() {
            for bit in 0..8 {
                let mut forged = tag.clone();
                forged[index] ^= (1 << bit)
                    | if round == 0 {
                        0
                    } else {
                        round.rotate_left(bit)
                    };
                if forged == tag {
                    continue;
                }
                let forged = format!("v1,{}", STANDARD.encode(&forged));
                let given = [
                    ("webhook-id", "msg_1"),
                    ("webhook-timestamp", now.as_str()),
                    ("webhook-signature", forged.as_str()),
                ];
                assert!(!is_in(&given, "{\"a\":1}", &keys), "{forged}");
                tried += 1;
            }
        }
    }
    assert!(tried > 9_900, "{tried}");
}

#[test]
fn a_signing_secret_has_its_prefix_and_enough_bytes() {
    let text = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![1; bytes]));
    for (secret, good) in [
        (text(24), true),
        (text(64), true),
        (format!("{}\n", text(32)), true),
        (text(23), false),
        (text(65), false),
        (text(24)[6..].to_owned(), false),
        ("whsec_not base64".to_owned(), false),
        (String::new(), false),
    ] {
        assert_eq!(
            key(&Secret::new(secret.clone())).is_some(),
            good,
            "{secret}"
        );
    }
}

#[test]
fn every_notification_needs_the_client_state() {
    let secret = Secret::new("visibly-fake-state");
    for (body, good) in [
        (
            r#"{"value":[{"clientState":"visibly-fake-state","resource":"users"}]}"#,
            true,
        ),
        (
            r#"{"value":[{"clientState":"visibly-fake-state"},{"clientState":"other"}]}"#,
            false,
        ),
        (
            r#"{"value":[{"clientState":"visibly-fake-state"},{}]}"#,
            false,
        ),
        (r#"{"value":[{"clientState":null}]}"#, false),
        (r#"{"value":[]}"#, false),
        (r#"{"value":{"clientState":"visibly-fake-state"}}"#, false),
        ("[]", false),
        ("", false),
    ] {
        assert_eq!(is_from_graph(body.as_bytes(), &secret), good, "{body}");
    }
    let empty = Secret::new("");
    assert!(!is_from_graph(br#"{"value":[{"clientState":""}]}"#, &empty));
}
