//! `/api/v1/connection-documents`: connections as text in version control, without their secrets.
//!
//! A document is YAML or JSON: `keyway: connections/1`, and below `connections` each one under its name. Here texts become
//! values with places, and the other way round; what they mean is judged in `connect`.

use std::collections::BTreeMap;

use axum::Json as Answer;
use axum::extract::RawQuery;
use connect::{Application, Card, Declared, Planned, SECRET_WORDS};
use flow::{Diagnostic, Text};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::ConnectionName;
use utoipa::{IntoParams, ToSchema};

use super::{Refusals, schema};
use crate::access::{Admin, Viewer};
use crate::json::{self, Json, RequestBody};
use crate::problem::{Finding, Problem};
use crate::query::Query;

/// What a document of connections says it is.
const FORMAT: &str = "connections/1";
/// The keys of a document.
const KEYS: [&str; 2] = ["keyway", "connections"];
/// How many documents are applied at once.
const LIMIT: usize = 1_000;

/// Texts that say which connections there shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDocuments {
    /// At most 1,000; a connection stands in one of them only.
    documents: Vec<NewDocument>,
    /// Only tell what would happen.
    #[serde(default)]
    dry_run: bool,
}

impl RequestBody for NewDocuments {}

/// One text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDocument {
    /// What findings call it, such as a file's name.
    name: String,
    /// YAML or JSON: `keyway: connections/1`, and `connections` with each connection under its name.
    text: String,
}

/// What texts did, or would do.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppliedDocuments {
    /// Whether nothing was stored.
    dry_run: bool,
    /// In the order of the texts.
    connections: Vec<AppliedConnection>,
}

/// What became of one connection, or would.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppliedConnection {
    name: String,
    /// The document it stands in.
    document: String,
    /// `created`, `changed` or `unchanged`.
    #[schema(value_type = String)]
    application: Application,
    /// Its text as it was against what it is now, as lines that begin with ` `, `-` or `+`; none if they are equal.
    diff: Vec<String>,
    /// The secrets and tokens that the change wipes, by name.
    wiped: Vec<String>,
    /// The connection as it is now; none with `dry_run`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Card>)]
    connection: Option<Card>,
}

/// Connections as one text.
#[derive(Serialize, ToSchema)]
pub(crate) struct ExportedDocument {
    /// YAML, without secrets; applying it changes nothing.
    text: String,
    /// Which connections are in it.
    names: Vec<String>,
}

/// Which connections.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documentation only; the value is read by itself")]
pub(crate) struct NamesQuery {
    /// Their names, separated by commas; all by default.
    names: Option<String>,
}

/// A connection as one of the texts says it.
struct Entry<'t> {
    document: &'t str,
    text: &'t Text<'t>,
    name: String,
    declared: Declared,
}

impl Entry<'_> {
    fn pointer(&self, field: &str) -> String {
        json::pointer(&["connections".to_owned(), self.name.clone()]) + field
    }
}

impl Viewer {
    async fn export(&self, names: &[ConnectionName]) -> Result<ExportedDocument, Problem> {
        let connector = self.app().connector();
        let exported = connector.export(self.actor(), names).await?;
        Ok(ExportedDocument {
            names: exported.iter().map(|(name, _)| name.to_string()).collect(),
            text: document(exported),
        })
    }
}

impl Admin {
    async fn apply_documents(&self, new: &NewDocuments) -> Result<AppliedDocuments, Problem> {
        if new.documents.is_empty() || new.documents.len() > LIMIT {
            let detail = format!("between 1 and {LIMIT} documents are applied at once");
            return Err(Problem::new("body.invalid", detail).field("/documents"));
        }
        let mut findings = Vec::new();
        let mut texts = Vec::new();
        for NewDocument { name, text } in &new.documents {
            match Text::read(text) {
                Ok(read) => texts.push((name.as_str(), read)),
                Err(found) => {
                    findings.extend(found.0.into_iter().map(|found| Finding::of(found, name)));
                }
            }
        }
        let mut entries = Vec::new();
        for (document, text) in &texts {
            match entries_of(document, text) {
                Ok(found) => entries.extend(found),
                Err(found) => {
                    findings.extend(found.into_iter().map(|found| Finding::of(found, document)));
                }
            }
        }
        findings.extend(twice(&entries));
        let mut planned = Vec::with_capacity(entries.len());
        for entry in &entries {
            match self.plan(entry).await? {
                Ok(plan) => planned.push(plan),
                Err(found) => findings.push(Finding::of(found, entry.document)),
            }
        }
        if !findings.is_empty() {
            return Err(refusal(findings));
        }
        let documents = entries
            .iter()
            .map(|entry| entry.document.to_owned())
            .collect();
        self.carry_out(new.dry_run, planned, documents).await
    }

    /// What an entry comes to, or what is wrong with it and where.
    async fn plan(&self, entry: &Entry<'_>) -> Result<Result<Planned, Diagnostic>, Problem> {
        let connector = self.app().connector();
        let planned = connector
            .plan(self.actor(), &entry.name, entry.declared.clone())
            .await;
        let error = match planned {
            Ok(planned) => return Ok(Ok(planned)),
            Err(error @ connect::Error::Invalid { .. }) => error,
            Err(error) => return Err(error.into()),
        };
        let field = error.field().filter(|field| *field != "/name");
        let pointer = entry.pointer(field.unwrap_or_default());
        let message = format!("connection \"{}\": {error}", entry.name);
        let mut found = entry.text.refuse(error.code(), &pointer, message);
        found.hint = error.hint();
        Ok(Err(found))
    }

    async fn carry_out(
        &self,
        dry_run: bool,
        planned: Vec<Planned>,
        documents: Vec<String>,
    ) -> Result<AppliedDocuments, Problem> {
        let connections = if dry_run {
            let shown = planned.into_iter().zip(documents);
            shown
                .map(|(plan, document)| AppliedConnection::of(&plan, document, None))
                .collect()
        } else {
            let connector = self.app().connector();
            let applied = connector.apply(self.actor(), planned).await?;
            let shown = applied.into_iter().zip(documents);
            shown
                .map(|(applied, document)| {
                    AppliedConnection::of(&applied.planned, document, Some(applied.card))
                })
                .collect()
        };
        Ok(AppliedDocuments {
            dry_run,
            connections,
        })
    }
}

impl AppliedConnection {
    fn of(planned: &Planned, document: String, connection: Option<Card>) -> AppliedConnection {
        let before = planned
            .before
            .as_ref()
            .map_or_else(String::new, |(name, declared)| one(name, declared));
        AppliedConnection {
            name: planned.name.to_string(),
            document,
            application: planned.application,
            diff: engine::difference(&before, &one(&planned.name, &planned.after)),
            wiped: planned.wiped.clone(),
            connection,
        }
    }
}

/// A document of some connections.
fn document(connections: Vec<(ConnectionName, Declared)>) -> String {
    let connections: Map<String, Value> = connections
        .into_iter()
        .map(|(name, declared)| (name.to_string(), json!(declared)))
        .collect();
    flow::parse::write(&json!({ "keyway": FORMAT, "connections": connections }))
}

/// One connection as it stands in a document, for comparing.
fn one(name: &ConnectionName, declared: &Declared) -> String {
    flow::parse::write(&json!({ name.as_str(): declared }))
}

/// The connections of a text, or everything that keeps them from being read.
fn entries_of<'t>(
    document: &'t str,
    text: &'t Text<'t>,
) -> Result<Vec<Entry<'t>>, Vec<Diagnostic>> {
    let Value::Object(mut members) = text.value() else {
        return Err(vec![
            text.misshapen("", "a document of connections is an object"),
        ]);
    };
    let mut findings: Vec<Diagnostic> = members
        .keys()
        .filter(|key| !KEYS.contains(&key.as_str()))
        .map(|key| text.unknown_key(&json::pointer(std::slice::from_ref(key)), KEYS))
        .collect();
    findings.extend(other_format(text, members.get("keyway")));
    let mut entries = Vec::new();
    match members.remove("connections") {
        Some(Value::Object(connections)) => {
            for (name, value) in connections {
                match entry(text, &name, value) {
                    Ok(declared) => entries.push(Entry {
                        document,
                        text,
                        name,
                        declared,
                    }),
                    Err(found) => findings.push(found),
                }
            }
        }
        Some(_) => findings.push(text.misshapen(
            "/connections",
            "this has to be an object with each connection under its name",
        )),
        None => findings.push(text.misshapen("", "`connections` is missing")),
    }
    if findings.is_empty() {
        Ok(entries)
    } else {
        Err(findings)
    }
}

/// A document that is not of the format that is read here.
fn other_format(text: &Text<'_>, said: Option<&Value>) -> Option<Diagnostic> {
    let mut found = match said {
        Some(said) if said == FORMAT => return None,
        Some(_) => text.misshapen("/keyway", "this is no format that this Keyway reads"),
        None => text.misshapen("", "`keyway` is missing, which names the document's format"),
    };
    found.hint = Some(format!("write `keyway: {FORMAT}`"));
    Some(found)
}

fn entry(text: &Text<'_>, name: &str, value: Value) -> Result<Declared, Diagnostic> {
    let at = json::pointer(&["connections".to_owned(), name.to_owned()]);
    if let Some(secret) = secret_word(&value) {
        let mut found = text.misshapen(
            &format!("{at}/{secret}"),
            format!(
                "`{secret}` of connection \"{name}\" is a secret: it does not belong in a text"
            ),
        );
        found.hint = Some("take it out, replace it at the provider if others could read it, and enter it with `keyway connection change`".to_owned());
        return Err(found);
    }
    if !value.is_object() {
        return Err(text.misshapen(&at, format!("connection \"{name}\" has to be an object")));
    }
    json::typed(value).map_err(|misread| {
        let pointer = format!("{at}{}", misread.pointer);
        match &misread.known {
            Some(known) => text.unknown_key(&pointer, known.iter().map(String::as_str)),
            None => text.misshapen(&pointer, format!("connection \"{name}\": {}", misread.text)),
        }
    })
}

fn secret_word(value: &Value) -> Option<&'static str> {
    let is_there = |word: &&&str| value.get(**word).is_some();
    SECRET_WORDS.iter().find(is_there).copied()
}

/// Connections that stand there more than once; names differ by more than their case.
fn twice(entries: &[Entry<'_>]) -> Vec<Finding> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    let mut findings = Vec::new();
    for entry in entries {
        if let Some(first) = seen.insert(entry.name.to_lowercase(), entry.document) {
            let message = format!("connection \"{}\" stands in {first} already", entry.name);
            let found = entry
                .text
                .refuse("document.duplicate", &entry.pointer(""), message);
            findings.push(Finding::of(found, entry.document));
        }
    }
    findings
}

/// Everything that is wrong with the texts; nothing was changed.
fn refusal(findings: Vec<Finding>) -> Problem {
    let detail = match findings.as_slice() {
        [] => "the documents are not valid".to_owned(),
        [first, rest @ ..] => {
            let more = match rest.len() {
                0 => String::new(),
                more => format!(" (and {more} more)"),
            };
            format!("{first}{more}; nothing was changed")
        }
    };
    Problem::new("document.invalid", detail)
        .field("/documents")
        .findings_in(findings)
}

/// Answers connections as a text without secrets, in the order of their names.
#[utoipa::path(get, path = "/api/v1/connection-documents", tag = "connections", operation_id = "export_connections", params(NamesQuery),
    responses((status = 200, body = ExportedDocument), Refusals))]
pub(crate) async fn export(
    viewer: Viewer,
    RawQuery(query): RawQuery,
) -> Result<Answer<ExportedDocument>, Problem> {
    let names: Option<String> =
        Query(query.as_deref()).get("names", "names with commas between")?;
    let names = names.unwrap_or_default();
    let names = names.split(',').filter(|name| !name.is_empty());
    let names = names
        .map(|name| ConnectionName::parse(name).map_err(|_| Problem::not_found("connection", name)))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Answer(viewer.export(&names).await?))
}

/// Makes and changes connections as documents say them, all or none; the same documents again change nothing.
///
/// New ones have no secret yet: their state says which command enters it. What is not in a document stays as it is.
#[utoipa::path(post, path = "/api/v1/connection-documents", tag = "connections", operation_id = "apply_connections", request_body = NewDocuments,
    responses((status = 200, body = AppliedDocuments), Refusals))]
pub(crate) async fn apply(
    admin: Admin,
    Json(new): Json<NewDocuments>,
) -> Result<Answer<AppliedDocuments>, Problem> {
    Ok(Answer(admin.apply_documents(&new).await?))
}
