//! A connection as people read it: the card, and what to do when it does not work.
//!
//! It prints what the API says; it judges nothing.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::Value;

use super::{duration, escape, moment, plain, wrap};

/// Labels are padded to this width.
const LABEL: usize = 16;

/// Paragraph after paragraph, label first.
struct Sheet(String);

impl Sheet {
    fn line(&mut self, label: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        let text = wrap(&escape::lines(value), &format!("{label:LABEL$}"), LABEL);
        writeln!(self.0, "{text}").expect("writing to a string cannot fail");
    }

    fn text(&mut self, label: &str, value: &Value) {
        self.line(label, value.as_str().unwrap_or_default());
    }

    fn heading(&mut self, text: &str) {
        writeln!(self.0, "\n{text}").expect("writing to a string cannot fail");
    }

    fn paragraph(&mut self, text: &str) {
        writeln!(self.0, "{}", wrap(&escape::lines(text), "  ", 2))
            .expect("writing to a string cannot fail");
    }
}

/// The result card of a connection.
pub(crate) fn card(card: &Value, now: Timestamp) -> String {
    let mut sheet = Sheet(String::new());
    sheet.text("connection", &card["name"]);
    sheet.line("state", &state(card, now));
    sheet.line("type", &kind(card));
    let place: Vec<String> = [("cloud", &card["cloud"]), ("tenant", &card["tenant"])]
        .iter()
        .filter_map(|(label, value)| Some(format!("{label} {}", value.as_str()?)))
        .collect();
    sheet.line("at", &place.join(", "));
    if card["preset"]
        .as_str()
        .is_none_or(|preset| preset == "generic")
    {
        sheet.text("authorize URL", &card["authorization_endpoint"]);
        sheet.text("device URL", &card["device_authorization_endpoint"]);
        sheet.text("token URL", &card["token_endpoint"]);
    }
    sheet.text("client id", &card["client_id"]);
    sheet.text("signs for", &card["assertion"]["subject"]);
    sheet.text("audience", &card["assertion"]["audience"]);
    sheet.line("client auth", &client_authentication(card));
    sheet.text("base URL", &card["base_url"]);
    sheet.line("origins", &words(&card["origins"]));
    sheet.text("redirect URI", &card["redirect_uri"]);
    identity(&mut sheet, card);
    if card["token"].is_object() {
        token(&mut sheet, &card["token"], now);
    } else {
        sheet.text("scope", &card["scope"]);
    }
    sheet.text("certificate", &card["certificate"]["thumbprint"]);
    if let Some(expiry) = card["secret_expires_at"].as_str() {
        sheet.line("secret expires", &moment(expiry, now));
    }
    sheet.text("calls at once", &card["concurrency"]);
    sheet.text("test path", &card["probe_path"]);
    let tested = &card["tested"];
    if let (Some(request), Some(message)) = (tested["request"].as_str(), tested["message"].as_str())
    {
        sheet.line("tested", &format!("{request}. {message}"));
    }
    for warning in card["warnings"].as_array().into_iter().flatten() {
        sheet.line("warning", &warning_text(warning));
    }
    if card["diagnosis"].is_object() {
        diagnosis(&mut sheet, &card["diagnosis"]);
    }
    sheet.0
}

/// The card with the last failure spelled out: what, why, who, do this, raw.
pub(crate) fn explanation(explanation: &Value, now: Timestamp) -> String {
    let mut without_diagnosis = explanation["connection"].clone();
    if let Some(object) = without_diagnosis.as_object_mut() {
        object.remove("diagnosis");
    }
    let mut sheet = Sheet(card(&without_diagnosis, now));
    let section = |sheet: &mut Sheet, heading: &str, value: &Value| {
        if let Some(text) = value.as_str().filter(|text| !text.is_empty()) {
            sheet.heading(heading);
            sheet.paragraph(text);
        }
    };
    section(&mut sheet, "What happened", &explanation["what"]);
    section(&mut sheet, "Why", &explanation["why"]);
    section(
        &mut sheet,
        "Who can cure it",
        explanation.get("who_text").unwrap_or(&explanation["who"]),
    );
    section(&mut sheet, "Do this", &explanation["next"]);
    for (label, value) in [
        ("command", &explanation["command"]),
        ("link", &explanation["link"]),
    ] {
        if let Some(text) = value.as_str()
            && !explanation["next"]
                .as_str()
                .unwrap_or_default()
                .contains(text)
        {
            // In backticks it is not broken.
            let text = if label == "command" {
                format!("`{text}`")
            } else {
                text.to_owned()
            };
            sheet.paragraph(&format!("{label}: {text}"));
        }
    }
    if explanation["pending_authorization"].is_object() {
        sheet.heading("Under way");
        let until = moment(
            explanation["pending_authorization"]["expires_at"]
                .as_str()
                .unwrap_or_default(),
            now,
        );
        sheet.paragraph(&format!(
            "a sign-in was begun and can be finished until {until}"
        ));
    }
    let raw = explanation["raw"]
        .as_object()
        .is_some_and(|raw| raw.values().any(|value| !value.is_null()));
    if raw {
        sheet.heading("Raw details (the provider's own words)");
        raw_lines(&mut sheet, "", &explanation["raw"]);
    }
    sheet.0
}

/// What was asked for, what was granted, and for how long.
pub(crate) fn grants(token: &Value) -> String {
    let mut sheet = Sheet(String::new());
    sheet.line("requested", &words(&token["requested"]));
    let hint = if token["granted_is_hint"] == true {
        " (as the token says; a hint)"
    } else {
        ""
    };
    sheet.line("granted", &format!("{}{hint}", words(&token["granted"])));
    sheet.line("missing", &words(&token["missing"]));
    if let Some(seconds) = token["expires_in"].as_i64() {
        sheet.line("expires in", &duration(seconds));
    }
    sheet.0
}

fn state(card: &Value, now: Timestamp) -> String {
    let state = card["state"].as_str().unwrap_or("?").replace('_', " ");
    match card["state_since"].as_str() {
        Some(since) => format!("{state}, since {}", moment(since, now)),
        None => state,
    }
}

fn kind(card: &Value) -> String {
    let mut parts: Vec<String> = vec![card["type"].as_str().unwrap_or("?").to_owned()];
    parts.extend(card["grant"].as_str().map(|grant| grant.replace('_', " ")));
    parts.extend(
        card["preset"]
            .as_str()
            .filter(|preset| *preset != "generic")
            .map(|preset| format!("preset {preset}")),
    );
    if card["recognised"] == true {
        parts.push("recognised from the addresses".to_owned());
    }
    parts.join(", ")
}

fn client_authentication(card: &Value) -> String {
    match (
        card["client_authentication"].as_str(),
        card["client_authentication_used"].as_str(),
    ) {
        (Some(wanted), Some(used)) if wanted != used => format!("{wanted} ({used} worked)"),
        (Some(wanted), _) => wanted.to_owned(),
        (None, _) => String::new(),
    }
}

fn identity(sheet: &mut Sheet, card: &Value) {
    let identity = &card["identity"];
    if identity.is_object() {
        let who: Vec<String> = ["name", "username", "id"]
            .iter()
            .filter_map(|key| identity[*key].as_str())
            .map(str::to_owned)
            .collect();
        sheet.line(
            "acts as",
            &format!(
                "{} {} (a hint from the token)",
                identity["kind"].as_str().unwrap_or("?"),
                who.join(", ")
            ),
        );
        sheet.text("audience", &identity["audience"]);
    }
    sheet.text("authorized by", &card["authorized_by"]);
}

fn token(sheet: &mut Sheet, token: &Value, now: Timestamp) {
    sheet.0.push_str(&grants(&serde_json::json!({
        "requested": token["requested"], "granted": token["granted"], "missing": token["missing"], "granted_is_hint": token["granted_is_hint"],
    })));
    let expiry = token["expires_at"]
        .as_str()
        .map(|at| moment(at, now))
        .unwrap_or_default();
    let endless = token["expires_in_assumed"] == true && token["next_renewal"].is_null();
    sheet.line(
        "expires",
        if endless {
            "when the API refuses it: the provider did not say when"
        } else {
            &expiry
        },
    );
    let renewal = token["next_renewal"]
        .as_str()
        .map(|at| moment(at, now))
        .unwrap_or_default();
    sheet.line("renewed", &renewal);
    sheet.line(
        "refresh token",
        if token["refresh_token"] == true {
            "yes"
        } else {
            "no"
        },
    );
    if let Some(generation) = token["generation"].as_i64() {
        sheet.line("generation", &generation.to_string());
    }
}

fn diagnosis(sheet: &mut Sheet, diagnosis: &Value) {
    sheet.text("what", &diagnosis["what"]);
    sheet.text("why", &diagnosis["why"]);
    sheet.text(
        "who",
        diagnosis.get("who_text").unwrap_or(&diagnosis["who"]),
    );
    sheet.text("do this", &diagnosis["next"]);
    let provider = &diagnosis["provider"];
    if provider.is_object() {
        let marks: Vec<String> = [("trace", "trace_id"), ("correlation", "correlation_id")]
            .iter()
            .filter_map(|(label, key)| Some(format!("{label} {}", provider[*key].as_str()?)))
            .collect();
        let codes = provider["error_codes"].as_array().map(|codes| {
            codes
                .iter()
                .map(|code| format!("AADSTS{code}"))
                .collect::<Vec<_>>()
                .join(" ")
        });
        sheet.line(
            "provider",
            &format!(
                "{} {} {}",
                provider["error"].as_str().unwrap_or_default(),
                codes.unwrap_or_default(),
                marks.join(", ")
            ),
        );
    }
}

fn warning_text(warning: &Value) -> String {
    let message = warning["message"].as_str().unwrap_or_default();
    let code = warning["code"].as_str().unwrap_or_default();
    match warning["fix"].as_str() {
        Some(fix) => format!("{message} ({code}); write: {fix}"),
        None => format!("{message} ({code})"),
    }
}

fn words(value: &Value) -> String {
    value
        .as_array()
        .map(|list| {
            list.iter()
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .unwrap_or_default()
}

fn raw_lines(sheet: &mut Sheet, prefix: &str, value: &Value) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let path = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        match value {
            Value::Null => {}
            Value::Object(_) => raw_lines(sheet, &path, value),
            Value::String(text) => sheet.paragraph(&format!("{}: {text}", plain(&path))),
            other => sheet.paragraph(&format!("{}: {other}", plain(&path))),
        }
    }
}
