use super::*;

fn policy(entries: &[&str]) -> EgressPolicy {
    EgressPolicy::parse(entries).unwrap()
}

/// `ok`, or the code of the refusal; what does not parse never gets as far as the guard.
fn verdict(policy: &EgressPolicy, url: &str) -> &'static str {
    let Ok(url) = Url::parse(url) else {
        return "unparsable";
    };
    match policy.check(&url) {
        Ok(()) => "ok",
        Err(refused) => refused.code(),
    }
}

/// Every address here is forbidden by default, however it is written.
const FORBIDDEN: [&str; 115] = [
    "http://localhost",
    "https://localhost:8443",
    "http://127.0.0.1:9000",
    "http://[::1]",
    "https://0.0.0.0",
    "https://0.1.2.3",
    "https://0",
    "https://10.0.0.1",
    "https://10.255.255.255:8443",
    "https://100.64.0.1",
    "https://100.100.100.200",
    "https://100.127.255.255",
    "https://127.0.0.1",
    "https://127.0.0.1:8443",
    "https://127.1",
    "https://127.0.1",
    "https://127.255.255.254",
    "https://2130706433",
    "https://0x7f000001",
    "https://0x7f.1",
    "https://0x7f.0x0.0x0.0x1",
    "https://0177.0.0.1",
    "https://017700000001",
    "https://0300.0250.0.1",
    "https://169.254.0.1",
    "https://169.254.169.254",
    "https://169.254.169.254/latest/meta-data/",
    "https://169.254.170.2",
    "https://2852039166",
    "https://0xa9fea9fe",
    "https://0xA9.0xFE.0xA9.0xFE",
    "https://0251.0376.0251.0376",
    "https://168.63.129.16",
    "https://172.16.0.1",
    "https://172.31.255.255",
    "https://192.0.0.1",
    "https://192.0.0.192",
    "https://192.0.2.1",
    "https://192.31.196.1",
    "https://192.52.193.1",
    "https://192.88.99.1",
    "https://192.168.0.1",
    "https://192.168.255.255",
    "https://192.168.1",
    "https://192.175.48.1",
    "https://198.18.0.1",
    "https://198.19.255.255",
    "https://198.51.100.7",
    "https://203.0.113.7",
    "https://224.0.0.1",
    "https://239.255.255.255",
    "https://240.0.0.1",
    "https://255.255.255.255",
    "https://①②⑦.⓪.⓪.①",
    "https://127。0。0。1",
    "https://127.0.0.1.",
    "https://%31%32%37.0.0.1",
    "https://[::]",
    "https://[::1]",
    "https://[0:0:0:0:0:0:0:1]",
    "https://[::127.0.0.1]",
    "https://[::7f00:1]",
    "https://[::ffff:127.0.0.1]",
    "https://[::ffff:7f00:1]",
    "https://[::ffff:10.0.0.1]",
    "https://[::ffff:169.254.169.254]",
    "https://[::ffff:a9fe:a9fe]",
    "https://[::ffff:0:127.0.0.1]",
    "https://[::8.8.8.8]",
    "https://[64:ff9b::127.0.0.1]",
    "https://[64:ff9b::10.1.2.3]",
    "https://[64:ff9b::a9fe:a9fe]",
    "https://[64:ff9b:1::1]",
    "https://[64:ff9b:1::8.8.8.8]",
    "https://[100::1]",
    "https://[100:0:0:1::1]",
    "https://[2001::1]",
    "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
    "https://[2001:1::1]",
    "https://[2001:2::1]",
    "https://[2001:10::1]",
    "https://[2001:20::1]",
    "https://[2001:1ff:ffff::1]",
    "https://[2001:db8::1]",
    "https://[2001:db8:ffff::1]",
    "https://[2002:7f00:1::]",
    "https://[2002:a9fe:a9fe::1]",
    "https://[2002:808:808::1]",
    "https://[2620:4f:8000::1]",
    "https://[3fff::1]",
    "https://[3fff:fff::1]",
    "https://[4000::1]",
    "https://[5f00::1]",
    "https://[1::1]",
    "https://[fc00::1]",
    "https://[fd00::1]",
    "https://[fd00:ec2::254]",
    "https://[fdff:ffff::1]",
    "https://[fe80::1]",
    "https://[fe80::a9fe:a9fe]",
    "https://[febf::1]",
    "https://[fec0::1]",
    "https://[feff::1]",
    "https://[ff02::1]",
    "https://[ff0e::1]",
    "https://[ffff::1]",
    "https://contoso.example:22",
    "https://contoso.example:25",
    "https://contoso.example:6667",
    "https://8.8.8.8:25",
    "https://[2606:4700::1111]:587",
    "https://contoso.example:1",
    "https://contoso.example:139",
    "https://contoso.example:2049",
    "https://contoso.example:6000",
];

/// These never get to be an address: the scheme or the shape is wrong, or nothing parses.
const NO_URL: [&str; 24] = [
    "https://425.510.425.510",
    "http://contoso.example",
    "http://8.8.8.8",
    "http://169.254.169.254",
    "file:///etc/passwd",
    "gopher://127.0.0.1:70/",
    "dict://127.0.0.1:11211/",
    "ftp://contoso.example",
    "ftp://127.0.0.1",
    "data:text/html,x",
    "unix:///run/docker.sock",
    "javascript:alert(1)",
    "ws://contoso.example",
    "wss://contoso.example",
    "about:blank",
    "https://user@contoso.example",
    "https://user:password@contoso.example",
    "https://contoso.example@127.0.0.1",
    "https://127.0.0.1@contoso.example",
    "https://",
    "https://[fe80::1%25eth0]",
    "https://[::1",
    "https://256.256.256.256",
    "https://1.2.3.4.5",
];

/// What a person may well mean.
const ALLOWED: [&str; 20] = [
    "https://graph.microsoft.com/v1.0/users",
    "https://login.microsoftonline.com/common/oauth2/v2.0/token",
    "https://contoso.example",
    "https://contoso.example.",
    "https://CONTOSO.example:8443/a?b=c",
    "https://xn--bcher-kva.example",
    "https://bücher.example",
    "https://8.8.8.8",
    "https://1.1.1.1:8443",
    "https://11.0.0.1",
    "https://100.63.255.255",
    "https://100.128.0.0",
    "https://172.15.255.255",
    "https://172.32.0.1",
    "https://192.167.1.1",
    "https://198.17.255.255",
    "https://223.255.255.255",
    "https://[2606:4700:4700::1111]",
    "https://[2a00:1450:4001::1]:8443",
    "https://[64:ff9b::8.8.8.8]",
];

#[test]
fn the_default_denies_everything_that_is_not_public() {
    let policy = EgressPolicy::default();
    for url in FORBIDDEN {
        assert_eq!(verdict(&policy, url), "egress.address_forbidden", "{url}");
    }
    for url in NO_URL {
        let verdict = verdict(&policy, url);
        assert!(
            matches!(verdict, "connection.url_invalid" | "unparsable"),
            "{url}: {verdict}"
        );
    }
    for url in ALLOWED {
        assert_eq!(verdict(&policy, url), "ok", "{url}");
    }
}

#[test]
fn loopback_opens_loopback_and_nothing_else() {
    let policy = policy(&["loopback"]);
    for url in [
        "https://127.0.0.1:8443",
        "http://127.0.0.1:8443",
        "http://127.9.9.9",
        "https://[::1]:1",
        "http://[::1]:25",
        "http://localhost:9000",
        "https://[::ffff:127.0.0.1]:9",
    ] {
        assert_eq!(verdict(&policy, url), "ok", "{url}");
    }
    let still_forbidden = FORBIDDEN.iter().filter(|url| {
        let url = Url::parse(url).unwrap();
        match url.host() {
            Some(Host::Ipv4(v4)) => !v4.is_loopback(),
            Some(Host::Ipv6(v6)) => !ranges::unmapped(IpAddr::V6(v6)).is_loopback(),
            // Under `loopback` a name's port is judged with its address.
            _ => false,
        }
    });
    let mut judged = 0;
    for url in still_forbidden {
        assert_eq!(verdict(&policy, url), "egress.address_forbidden", "{url}");
        judged += 1;
    }
    assert!(judged > 80, "{judged}");
    for url in [
        "http://8.8.8.8",
        "http://api.contoso.example",
        "http://localhost.contoso.example",
    ] {
        assert_eq!(verdict(&policy, url), "connection.url_invalid", "{url}");
    }
}

#[test]
fn an_entry_opens_exactly_what_it_names() {
    let policy = policy(&[
        "10.1.2.3:443",
        "192.168.7.0/24:8443",
        "[fd00::7]:443",
        "[fd12::/16]:9443",
        "127.0.0.1:9000",
        "internal.contoso.example:8443",
    ]);
    for (url, expected) in [
        ("https://10.1.2.3", "ok"),
        ("https://10.1.2.3:444", "egress.address_forbidden"),
        ("https://10.1.2.4", "egress.address_forbidden"),
        ("http://10.1.2.3:443", "connection.url_invalid"),
        ("https://[::ffff:10.1.2.3]", "ok"),
        ("https://192.168.7.200:8443", "ok"),
        ("https://192.168.8.1:8443", "egress.address_forbidden"),
        ("https://192.168.7.200", "egress.address_forbidden"),
        ("https://[fd00::7]", "ok"),
        ("https://[fd00::8]", "egress.address_forbidden"),
        ("https://[fd12::1]:9443", "ok"),
        ("https://127.0.0.1:9000", "ok"),
        ("http://127.0.0.1:9000", "ok"),
        ("http://127.0.0.2:9000", "egress.address_forbidden"),
        ("http://127.0.0.1:9001", "egress.address_forbidden"),
        ("https://internal.contoso.example:8443", "ok"),
    ] {
        assert_eq!(verdict(&policy, url), expected, "{url}");
    }
}

#[test]
fn a_name_is_judged_by_all_its_addresses() {
    let addresses =
        |list: &[&str]| -> Vec<IpAddr> { list.iter().map(|a| a.parse().unwrap()).collect() };
    let judge = |policy: &EgressPolicy, url: &str, found: &[&str]| {
        let url = Url::parse(url).unwrap();
        policy
            .judge_all(
                url.host_str().unwrap(),
                &addresses(found),
                policy.lane(&url).port,
                Plain::of(&url),
            )
            .map_err(|refused| refused.code())
    };
    let default = EgressPolicy::default();
    let url = "https://api.contoso.example";
    assert_eq!(judge(&default, url, &["8.8.8.8", "2606:4700::1"]), Ok(()));
    assert_eq!(
        judge(&default, url, &["8.8.8.8", "10.0.0.1"]),
        Err("egress.address_forbidden")
    );
    assert_eq!(
        judge(&default, url, &["8.8.8.8", "::1"]),
        Err("egress.address_forbidden")
    );
    assert_eq!(
        judge(&default, url, &["169.254.169.254"]),
        Err("egress.address_forbidden")
    );
    assert_eq!(judge(&default, url, &[]), Err("upstream.unresolvable"));

    let named = policy(&["api.contoso.example:443", "10.0.0.0/8:8443"]);
    assert_eq!(judge(&named, url, &["10.0.0.1"]), Ok(()));
    assert_eq!(
        judge(&named, url, &["169.254.169.254"]),
        Err("egress.address_forbidden")
    );
    assert_eq!(
        judge(&named, url, &["100.100.100.200"]),
        Err("egress.address_forbidden")
    );
    assert_eq!(
        judge(&named, "https://other.contoso.example", &["10.0.0.1"]),
        Err("egress.address_forbidden")
    );
    assert_eq!(
        judge(&named, "https://other.contoso.example:8443", &["10.0.0.1"]),
        Ok(())
    );
    assert_eq!(
        judge(&named, "https://other.contoso.example:8444", &["10.0.0.1"]),
        Err("egress.address_forbidden")
    );

    let loopback = policy(&["loopback"]);
    assert_eq!(
        judge(&loopback, "http://localhost:9000", &["127.0.0.1", "::1"]),
        Ok(())
    );
    assert_eq!(
        judge(&loopback, "http://tricky.contoso.example", &["8.8.8.8"]),
        Err("connection.url_invalid")
    );
    assert_eq!(
        judge(&loopback, "https://tricky.contoso.example:25", &["8.8.8.8"]),
        Err("egress.address_forbidden")
    );
}

#[test]
fn the_refusal_prints_the_line_that_would_allow_it() {
    let url = Url::parse("https://[fd00::7]:8443/x").unwrap();
    let refused = EgressPolicy::default().check(&url).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "address fd00::7 port 8443 is forbidden: unique local (fc00::/7)"
    );
    let text = refused.hint().unwrap();
    assert!(
        text.contains("\"[fd00::7]:8443\" to egress.allow"),
        "{text}"
    );
    assert!(
        text.contains("KEYWAY_EGRESS_ALLOW=[fd00::7]:8443"),
        "{text}"
    );
    // And that line does allow it.
    let refused = EgressPolicy::default().check(&url).unwrap_err();
    let line = refused.line().unwrap();
    assert_eq!(policy(&[&line]).check(&url), Ok(()));
    assert!(!text.contains("/x"), "no path in {text}");
}

#[test]
fn entries_that_mean_nothing_are_all_named() {
    let entries = [
        "",
        "localhost",
        "10.0.0.1",
        "10.0.0.0/8",
        "10.0.0.0/33:443",
        "https://10.0.0.1:443",
        "10.0.0.1:0",
        "10.0.0.1:99999",
        "fd00::1:443",
        "[10.0.0.1]:443",
        "*.contoso.example:443",
        "a b:443",
        ":443",
        "loopback:443x",
    ];
    let errors = EgressPolicy::parse(&entries).unwrap_err();
    let named: Vec<&str> = errors.iter().map(|error| error.entry.as_str()).collect();
    assert_eq!(named, entries);
    for entry in [
        "loopback",
        "LOOPBACK",
        "localhost:9000",
        "10.0.0.1:443",
        "10.0.0.0/8:443",
        "[::1]:8443",
        "[fd00::]/8:443",
        "[fd00::/8]:443",
        " 10.0.0.1:443 ",
    ] {
        assert!(EgressPolicy::parse(&[entry]).is_ok(), "{entry}");
    }
    assert_eq!(policy(&["loopback", "10.0.0.0/8:443"]).warnings().len(), 2);
}

#[tokio::test]
async fn only_judged_addresses_are_connected_to() {
    let found = async |entries: &[&str], url: &str| {
        let outcome = policy(entries).addresses(&Url::parse(url).unwrap()).await;
        outcome.map_err(|error| error.downcast_ref::<Refused>().map(Refused::code))
    };
    let refused = Err(Some("egress.address_forbidden"));
    for url in [
        "https://localhost:8443",
        "https://127.0.0.1",
        "https://[::1]",
    ] {
        assert_eq!(found(&[], url).await, refused, "{url}");
    }
    let public = SocketAddr::from(([8, 8, 8, 8], 443));
    assert_eq!(found(&[], "https://8.8.8.8").await, Ok(vec![public]));
    let local = found(&["loopback"], "http://localhost:9000").await.unwrap();
    assert!(!local.is_empty());
    for address in local {
        assert!(address.ip().is_loopback() && address.port() == 9000);
    }
}

/// Names that end so stand for 127.0.0.1 in the tests of this room.
pub(super) const INSIDE: &str = ".inside.contoso.example";

/// A server on loopback that knows who came, and a connection to it that was saved while everything was open.
struct Hidden {
    listener: std::net::TcpListener,
    store: store::testing::TestStore,
}

impl Hidden {
    async fn new() -> Hidden {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let hidden = Hidden {
            listener,
            store: store::testing::sqlite_memory().await,
        };
        let origin = hidden.origin();
        let token = Some(crate::FormSecret::new("fake-bearer-token-0123456789"));
        let api = crate::Form {
            name: Some("api".to_owned()),
            kind: Some("bearer".to_owned()),
            token,
            base_url: Some(origin.clone()),
            ..crate::Form::default()
        };
        let app = crate::Form {
            name: Some("app".to_owned()),
            grant: Some("client_credentials".to_owned()),
            token_endpoint: Some(format!("{origin}/token")),
            client_id: Some("fake-client-id".to_owned()),
            client_secret: Some(crate::FormSecret::new("fake-client-secret")),
            client_authentication: Some("client_secret_post".to_owned()),
            base_url: Some("https://api.contoso.example".to_owned()),
            ..crate::Form::default()
        };
        let open = hidden.connector(&["loopback"]);
        for form in [api, app] {
            let actor = store::Actor::local();
            open.create(&actor, form, crate::Proof::Later)
                .await
                .unwrap();
        }
        hidden
    }

    fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    fn origin(&self) -> String {
        format!("https://hidden{INSIDE}:{}", self.port())
    }

    fn connector(&self, allow: &[&str]) -> crate::Connector {
        let mut config = crate::Config::new(Url::parse("http://localhost:8800").unwrap());
        config.egress = policy(allow);
        let tasks = tokio_util::task::TaskTracker::new();
        crate::Connector::new(self.store.store(), config, tasks).unwrap()
    }

    /// What a call, the pass-through and a token request say under these entries.
    async fn said(&self, allow: &[&str]) -> [String; 3] {
        let connector = self.connector(allow);
        let name = |text| store::ConnectionName::parse(text).unwrap();
        let actor = store::Actor::local();
        let get = || crate::ApiRequest::new(http::Method::GET, "/users");
        let told = |error: crate::CallError| match error.diagnosis() {
            Some(diagnosis) => format!("{}: {:?}", diagnosis.code, diagnosis.advice),
            None => format!("{}: {:?}", error.code(), error.hint()),
        };
        let called = connector.call(&actor, &name("api"), get()).await;
        let passed = crate::ProxyRequest {
            method: http::Method::GET,
            path_and_query: "/users".to_owned(),
            headers: http::HeaderMap::new(),
            body: crate::StreamBody::empty(),
        };
        let passed = connector.forward(&actor, &name("api"), passed).await;
        let asked = connector.call(&actor, &name("app"), get()).await;
        [
            told(called.unwrap_err()),
            told(passed.err().unwrap()),
            told(asked.unwrap_err()),
        ]
    }

    fn was_reached(&self) -> bool {
        self.listener.accept().is_ok()
    }
}

#[tokio::test]
async fn an_entry_with_another_port_opens_nothing_to_a_name_either() {
    let name = format!("hidden{INSIDE}:443");
    for entries in [
        &[][..],
        &["127.0.0.1:443"],
        &["127.0.0.0/8:443", "0.0.0.0/0:443"],
        &[name.as_str()],
    ] {
        let hidden = Hidden::new().await;
        let line = format!("KEYWAY_EGRESS_ALLOW=127.0.0.1:{})", hidden.port());
        for said in hidden.said(entries).await {
            assert!(
                said.contains("egress.address_forbidden") && said.contains(&line),
                "{entries:?}: {said}"
            );
        }
        assert!(!hidden.was_reached(), "{entries:?}");
        let url = Url::parse(&hidden.origin()).unwrap();
        let refused = policy(entries).check_resolved(&url).await.unwrap_err();
        assert_eq!(
            refused.line(),
            Some(format!("127.0.0.1:{}", hidden.port())),
            "{entries:?}"
        );
    }
    // The line that is printed opens it.
    let hidden = Hidden::new().await;
    let entry = format!("127.0.0.1:{}", hidden.port());
    let connector = hidden.connector(&[&entry]);
    let http = &connector.inner.http;
    let dial = http.client(&None, &Url::parse(&hidden.origin()).unwrap());
    let asked = dial.unwrap().get(hidden.origin()).send();
    let reached = async {
        while !hidden.was_reached() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        outcome = asked => panic!("{outcome:?}"),
        () = reached => {}
    }
}
