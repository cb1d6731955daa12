//! Files and variables in, settings or complaints out. Egress entries themselves are tested in `connect`.

use super::*;

/// Loads a configuration from the text of a file and some variables.
fn load(file: &str, variables: &[(&str, &str)]) -> Result<Config, Failure> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyway.toml");
    std::fs::write(&path, file).unwrap();
    let global = Global {
        config: Some(path),
        ..Global::default()
    };
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Config::from_parts(&global, Overrides::default(), &variables, Some("/home/ada"))
}

/// The complaints of a configuration that must be refused.
fn complaints(file: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let failure = load(file, variables).unwrap_err();
    assert_eq!(
        (failure.exit(), failure.code()),
        (Exit::Invalid, "config.invalid")
    );
    let document = failure.document();
    document["complaints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|complaint| complaint.as_str().unwrap().to_owned())
        .collect()
}

fn assert_complaint(file: &str, variables: &[(&str, &str)], expected: &str) {
    let complaints = complaints(file, variables);
    assert!(
        complaints
            .iter()
            .any(|complaint| complaint.contains(expected)),
        "{expected:?} is not in {complaints:?}"
    );
}

#[test]
fn nothing_typed_means_the_documented_defaults() {
    let config = load("", &[]).unwrap();
    assert_eq!(config.data_dir, Path::new("/home/ada/.local/share/keyway"));
    assert_eq!(
        config.kek_file,
        Path::new("/home/ada/.local/share/keyway/kek")
    );
    assert_eq!(config.listen.to_string(), DEFAULT_LISTEN);
    assert_eq!(
        config.public_url_at(8800).as_str(),
        "http://localhost:8800/"
    );
    assert!(matches!(config.database, Database::Sqlite));
    assert!(config.clouds.is_empty() && config.tls.is_none() && config.warnings.is_empty());
}

#[test]
fn every_key_of_the_reference_is_understood() {
    // The reference holds every key commented out; what stands behind each is a valid line of its own.
    let page = reference();
    for key in &keys::KEYS {
        assert!(
            page.contains(&format!("# Variable: {}", key.variable)),
            "{}",
            key.path
        );
    }
    assert!(page.parse::<toml::Table>().is_ok());
    let uncommented: String = page
        .lines()
        .filter(|line| {
            !line.contains("cloud")
                && !line.starts_with("# name")
                && !line.starts_with("# origin")
                && !line.starts_with("# ca_file")
                && !line.starts_with("# data_dir")
        })
        .map(|line| {
            line.strip_prefix("# ")
                .filter(|rest| rest.contains(" = "))
                .unwrap_or(line)
                .to_owned()
                + "\n"
        })
        .collect();
    load(&uncommented, &[]).unwrap();
}

#[test]
fn a_mistyped_key_is_refused_with_the_nearest_name() {
    assert_complaint(
        "lisen = \"127.0.0.1:1\"",
        &[],
        "unknown key \"lisen\": did you mean \"listen\"?",
    );
    assert_complaint(
        "[egress]\nalow = []",
        &[],
        "unknown key \"egress.alow\": did you mean \"egress.allow\"?",
    );
    assert_complaint(
        "[strore]\ndatabase = \"sqlite\"",
        &[],
        "did you mean \"store\"?",
    );
    assert_complaint(
        "[[cloud]]\nname = \"a\"\norgin = \"https://x.example\"",
        &[],
        "unknown key \"cloud.orgin\": did you mean \"origin\"?",
    );
    assert_complaint("zebra = 1", &[], "unknown key \"zebra\"");
    assert_complaint(
        "",
        &[("KEYWAY_EGRES_ALLOW", "loopback")],
        "did you mean KEYWAY_EGRESS_ALLOW?",
    );
}

#[test]
fn a_foreign_variable_with_our_prefix_is_let_be() {
    assert!(load("", &[("KEYWAY_BINARY_UNDER_TEST", "x")]).is_ok());
}

#[test]
fn wrong_types_and_values_are_listed_together() {
    let all = complaints(
        "listen = 8800\npublic_url = \"ftp://x\"\ntrusted_proxies = [\"proxy\"]\n[log]\nformat = \"xml\"\n[store]\ndatabase = \"mysql://u:pw@h/d\"\n[tls]\nkey_file = \"k\"\n",
        &[],
    );
    assert_eq!(all.len(), 6, "{all:?}");
    assert!(
        !all.iter().any(|complaint| complaint.contains("pw")),
        "a password is not repeated: {all:?}"
    );
}

#[test]
fn a_file_that_is_no_toml_is_told_by_line_without_its_text() {
    let all = complaints(
        "listen = \"127.0.0.1:1\"\n[store]\ndatabase = \"postgres://u:hunter2@h/d\n",
        &[],
    );
    assert!(all[0].starts_with("line 3:"), "{all:?}");
    assert!(!all[0].contains("hunter2"), "{all:?}");
}

#[test]
fn the_same_setting_in_file_and_environment_is_refused() {
    assert_complaint(
        "kek_file = \"/k\"",
        &[("KEYWAY_KEK_FILE", "/k")],
        "kek_file: set in the file and by KEYWAY_KEK_FILE",
    );
    assert_complaint(
        "[egress]\nallow = []",
        &[("KEYWAY_EGRESS_ALLOW", "loopback")],
        "egress.allow: set in the file and by KEYWAY_EGRESS_ALLOW",
    );
}

#[test]
fn an_option_decides_over_file_and_environment() {
    let global = Global {
        data_dir: Some(PathBuf::from("/d")),
        ..Global::default()
    };
    let variables = BTreeMap::from([
        ("KEYWAY_DATA_DIR".to_owned(), "/e".to_owned()),
        ("KEYWAY_LISTEN".to_owned(), "127.0.0.1:1".to_owned()),
    ]);
    let overrides = Overrides {
        listen: Some("127.0.0.1:2".to_owned()),
        public_url: None,
    };
    let config = Config::from_parts(&global, overrides, &variables, None).unwrap();
    assert_eq!(
        (config.data_dir.as_path(), config.listen.port()),
        (Path::new("/d"), 2)
    );
}

#[test]
fn sign_ins_never_travel_in_the_clear() {
    assert_complaint(
        "public_url = \"http://keyway.contoso.example\"",
        &[],
        "http is for loopback only",
    );
    for address in [
        "http://localhost:1",
        "http://127.0.0.1:1",
        "http://[::1]:1",
        "https://keyway.contoso.example",
    ] {
        let text = format!("public_url = \"{address}\"\ntrusted_proxies = [\"127.0.0.1\"]");
        load(&text, &[]).unwrap();
    }
    for address in [
        "https://u:p@keyway.contoso.example",
        "https://keyway.contoso.example/base",
        "https://keyway.contoso.example/?a",
        "keyway.contoso.example",
    ] {
        assert!(
            load(&format!("public_url = \"{address}\""), &[]).is_err(),
            "{address}"
        );
    }
}

#[test]
fn an_address_others_can_reach_needs_tls_or_a_proxy() {
    let public = [("KEYWAY_PUBLIC_URL", "https://keyway.contoso.example")];
    assert_complaint(
        "listen = \"0.0.0.0:8800\"",
        &public,
        "can be reached from outside",
    );
    assert_complaint(
        "listen = \"0.0.0.0:8800\"\ntrusted_proxies = [\"10.0.0.1\"]",
        &[],
        "set public_url",
    );
    // A proxy on the same machine, of which nobody has said that it is there.
    assert_complaint("", &public, "trusted_proxies = [\"127.0.0.1\"]");
    load("trusted_proxies = [\"127.0.0.1\"]", &public).unwrap();
    load(
        "listen = \"0.0.0.0:8800\"\ntrusted_proxies = [\"10.0.0.1\"]",
        &public,
    )
    .unwrap();
    load(
        "listen = \"[::]:8800\"\n[tls]\ncertificate_file = \"c\"\nkey_file = \"k\"",
        &public,
    )
    .unwrap();
}

#[test]
fn clouds_have_a_name_of_their_own_and_an_https_origin() {
    let cloud =
        |name: &str, origin: &str| format!("[[cloud]]\nname = \"{name}\"\norigin = \"{origin}\"\n");
    let config = load(&cloud("sandbox", "https://127.0.0.1:8443"), &[]).unwrap();
    assert_eq!(
        (
            config.clouds[0].name.as_str(),
            config.clouds[0].origin.as_str()
        ),
        ("sandbox", "https://127.0.0.1:8443/")
    );
    assert_complaint(
        &cloud("global", "https://127.0.0.1:8443"),
        &[],
        "\"global\" is taken",
    );
    assert_complaint(
        &cloud("a", "https://a.example").repeat(2),
        &[],
        "\"a\" is taken",
    );
    assert_complaint(
        &cloud("a", "http://127.0.0.1:8443"),
        &[],
        "is not https://host:port",
    );
    assert_complaint(
        &cloud("a", "https://127.0.0.1:8443/tenant"),
        &[],
        "is not https://host:port",
    );
    assert_complaint("[[cloud]]\nname = \"a\"", &[], "needs name and origin");
    assert_complaint(
        &(cloud("a", "https://a.example") + "ca_file = \"missing.pem\""),
        &[],
        "missing.pem",
    );
}

#[test]
fn relative_paths_in_the_file_start_at_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyway.toml");
    std::fs::write(&path, "data_dir = \"data\"\nkek_file = \"keys/kek\"\n").unwrap();
    let global = Global {
        config: Some(path),
        ..Global::default()
    };
    let config = Config::from_parts(&global, Overrides::default(), &BTreeMap::new(), None).unwrap();
    assert_eq!(config.data_dir, folder.path().join("data"));
    assert_eq!(config.kek_file, folder.path().join("keys/kek"));
}

#[test]
fn a_named_file_must_exist_and_the_usual_one_need_not() {
    let global = Global {
        config: Some(PathBuf::from("/nowhere/keyway.toml")),
        ..Global::default()
    };
    let failure =
        Config::from_parts(&global, Overrides::default(), &BTreeMap::new(), None).unwrap_err();
    assert_eq!(
        (failure.exit(), failure.code()),
        (Exit::Invalid, "config.unreadable")
    );
    let folder = tempfile::tempdir().unwrap();
    let global = Global {
        data_dir: Some(folder.path().to_path_buf()),
        ..Global::default()
    };
    assert!(Config::from_parts(&global, Overrides::default(), &BTreeMap::new(), None).is_ok());
    std::fs::write(
        folder.path().join("keyway.toml"),
        "listen = \"127.0.0.1:9\"",
    )
    .unwrap();
    let config = Config::from_parts(&global, Overrides::default(), &BTreeMap::new(), None).unwrap();
    assert_eq!(config.listen.port(), 9);
}

#[test]
fn timeouts_are_lengths_of_time_within_their_limits() {
    use std::time::Duration;
    let config = load(
        "[timeouts]\nconnect = \"250ms\"\nfirst_byte = \"1m 30s\"\n",
        &[("KEYWAY_TIMEOUTS_TOTAL", "10m")],
    )
    .unwrap();
    assert_eq!(config.timeouts.connect, Duration::from_millis(250));
    assert_eq!(config.timeouts.first_byte, Duration::from_secs(90));
    assert_eq!(config.timeouts.total, Duration::from_mins(10));
    let usual = load("", &[]).unwrap().timeouts;
    let seconds = [usual.connect, usual.first_byte, usual.total].map(|each| each.as_secs());
    assert_eq!(seconds, [5, 30, 120]);
    for (file, expected) in [
        (
            "first_bite = \"1s\"",
            "did you mean \"timeouts.first_byte\"?",
        ),
        ("connect = 5", "timeouts.connect: must be a text in quotes"),
        ("connect = \"5\"", "is not a length of time"),
        ("connect = \"-5s\"", "is not a length of time"),
        ("connect = \"99ms\"", "must be from \"100ms\" to \"1m\""),
        ("connect = \"61s\"", "must be from"),
        ("total = \"3601s\"", "must be from \"100ms\" to \"1h\""),
        ("first_byte = \"3m\"", "is longer than timeouts.total (2m)"),
    ] {
        assert_complaint(&format!("[timeouts]\n{file}\n"), &[], expected);
    }
}
