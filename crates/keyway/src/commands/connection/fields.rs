//! The fields of a connection as options, and as the API wants them.
//!
//! Secrets are read here, from files, stdin or the terminal, never from arguments. What a value means is not judged.

use std::path::Path;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::certificate::CertificateFile;
use crate::Exit;
use crate::commands::pair;
use crate::failure::Failure;
use crate::ui::Ui;
use crate::ui::secret::Question;

pub(super) const CLIENT_SECRET: Question<'static> = Question {
    what: "client secret",
    option: "--client-secret-file",
};
const PRIVATE_KEY: Question<'static> = Question {
    what: "private key (PEM, or a Google service account's JSON)",
    option: "--private-key-file",
};
const PASSWORD: Question<'static> = Question {
    what: "password",
    option: "--password-file",
};
const TOKEN: Question<'static> = Question {
    what: "token",
    option: "--token-file",
};
const HEADER: Question<'static> = Question {
    what: "header's value",
    option: "--header-file NAME=",
};
const QUERY_KEY: Question<'static> = Question {
    what: "query key's value",
    option: "--query-key-file NAME=",
};

/// Certificates are small.
const CERTIFICATE_LIMIT: u64 = 256 * 1024;

/// Everything that can be said about a connection but its name.
#[derive(Args, Debug, Default)]
pub(super) struct Fields {
    /// A ready-made provider: microsoft-graph, github, google, salesforce, okta, keycloak, oidc or generic
    #[arg(long, value_name = "PRESET")]
    preset: Option<String>,
    /// How the connection proves who it is [default: oauth]
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<Kind>,
    /// As a person (authorization-code; device-code where there is no browser) or as the app itself (client-credentials; jwt-bearer with a key), or as whoever calls (on-behalf-of, token-exchange)
    #[arg(long, value_name = "GRANT")]
    grant: Option<Grant>,
    /// The tenant: its domain or GUID
    #[arg(long)]
    tenant: Option<String>,
    /// global, us-gov, china, the name of a [[cloud]], or https://host:port; for other presets, an installation of your own
    #[arg(long)]
    cloud: Option<String>,
    /// Issuer of an OpenID Connect provider; its metadata fills in the rest
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Authorization endpoint ("Authorize Path")
    #[arg(long, value_name = "URL")]
    authorize_url: Option<String>,
    /// Device authorization endpoint, for the grant device-code
    #[arg(long, value_name = "URL")]
    device_url: Option<String>,
    /// Token endpoint ("Access Token Path")
    #[arg(long, value_name = "URL")]
    token_url: Option<String>,
    /// Extra parameter of the authorization request (repeatable)
    #[arg(long, value_name = "K=V", value_parser = pair)]
    authorize_parameter: Vec<(String, String)>,
    /// Extra parameter of the token request (repeatable)
    #[arg(long, value_name = "K=V", value_parser = pair)]
    token_parameter: Vec<(String, String)>,
    /// Client ID ("Application (client) ID")
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// A 0600 file with the client secret's value, or - for stdin
    #[arg(long, value_name = "FILE|-")]
    client_secret_file: Option<String>,
    #[arg(long, hide = true, value_name = "REFUSED")]
    client_secret: Option<String>,
    #[command(flatten)]
    certificate: CertificateFile,
    /// A 0600 file with the private key that signs assertions, or a Google service account's JSON (--grant jwt-bearer)
    #[arg(long, value_name = "FILE|-")]
    private_key_file: Option<String>,
    /// For whom assertions ask [default: for the client itself]
    #[arg(long, value_name = "WHO")]
    subject: Option<String>,
    /// For which server assertions are meant [default: the token endpoint]
    #[arg(long, value_name = "URL")]
    audience: Option<String>,
    /// What kind of token callers bring, as a URI (--grant token-exchange) [default: an access token]
    #[arg(long, value_name = "URI")]
    subject_token_type: Option<String>,
    /// Which key signs assertions (kid)
    #[arg(long, value_name = "ID")]
    key_id: Option<String>,
    /// When the secret expires, as the provider shows it; counted down on the card
    #[arg(long, value_name = "DATE")]
    secret_expires_at: Option<String>,
    /// How many calls may be under way at once in one process; the others wait [default: 256]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    concurrency: Option<u32>,
    /// What `connection test` asks the API for with GET [default: for Graph what a caller may read of itself, else the base URL]
    #[arg(long, value_name = "PATH")]
    probe_path: Option<String>,
    /// How the client authenticates ("Client Authentication Type")
    #[arg(long, value_name = "METHOD")]
    client_authentication: Option<ClientAuthentication>,
    /// Scope, separated by spaces
    #[arg(long, value_name = "SCOPE")]
    scope: Option<String>,
    /// What a path is relative to: the API's own address
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// An origin the secret may be sent to (repeatable) [default: that of the base URL]
    #[arg(long, value_name = "ORIGIN")]
    origin: Vec<String>,
    /// PEM certificate of the authority that signed the server's certificate
    #[arg(long, value_name = "FILE")]
    ca_file: Option<String>,
    /// User name (--type basic)
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// A 0600 file with the password, or - (--type basic)
    #[arg(long, value_name = "FILE|-")]
    password_file: Option<String>,
    #[arg(long, hide = true, value_name = "REFUSED")]
    password: Option<String>,
    /// A 0600 file with the token, or - (--type bearer)
    #[arg(long, value_name = "FILE|-")]
    token_file: Option<String>,
    #[arg(long, hide = true, value_name = "REFUSED")]
    token: Option<String>,
    /// A header whose value is asked for on the terminal (--type header, repeatable)
    #[arg(long, value_name = "NAME")]
    header: Vec<String>,
    /// A header and the 0600 file with its value, or - (--type header, repeatable)
    #[arg(long, value_name = "NAME=FILE|-")]
    header_file: Vec<String>,
    /// A query parameter and the 0600 file with its value, or - (--type query-key)
    #[arg(long, value_name = "NAME=FILE|-")]
    query_key_file: Option<String>,
    /// Accept a token endpoint on another site than the authorization endpoint
    #[arg(long)]
    confirm_foreign_token_endpoint: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Oauth,
    Basic,
    Header,
    Bearer,
    QueryKey,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Grant {
    #[value(alias = "authorization_code")]
    AuthorizationCode,
    #[value(alias = "client_credentials")]
    ClientCredentials,
    #[value(alias = "device_code")]
    DeviceCode,
    #[value(alias = "jwt_bearer")]
    JwtBearer,
    #[value(alias = "on_behalf_of")]
    OnBehalfOf,
    #[value(alias = "token_exchange")]
    TokenExchange,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ClientAuthentication {
    Automatic,
    #[value(alias = "client_secret_basic")]
    Basic,
    #[value(alias = "client_secret_post")]
    Post,
    /// A certificate signs (PS256, x5t#S256); where a server refuses that, as private-key-jwt-rs256
    #[value(alias = "private_key_jwt")]
    PrivateKeyJwt,
    /// A certificate signs for an older server (RS256, x5t)
    #[value(alias = "private_key_jwt_rs256")]
    PrivateKeyJwtRs256,
    None,
}

/// Whether a missing secret is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// A new connection: on a terminal.
    Ask,
    /// A change: what is not said stays.
    Keep,
}

impl Fields {
    /// The fields as members of the API's document; what was not said is left out.
    pub(super) fn document(&self, ui: Ui, missing: Missing) -> Result<Map<String, Value>, Failure> {
        self.refuse_arguments()?;
        self.refuse_second_stdin()?;
        let mut document = Map::new();
        let texts = [
            ("preset", &self.preset),
            ("tenant", &self.tenant),
            ("cloud", &self.cloud),
            ("issuer", &self.issuer),
            ("authorization_endpoint", &self.authorize_url),
            ("device_authorization_endpoint", &self.device_url),
            ("token_endpoint", &self.token_url),
            ("client_id", &self.client_id),
            ("subject", &self.subject),
            ("audience", &self.audience),
            ("key_id", &self.key_id),
            ("subject_token_type", &self.subject_token_type),
            ("scope", &self.scope),
            ("base_url", &self.base_url),
            ("username", &self.username),
            ("secret_expires_at", &self.secret_expires_at),
        ];
        for (name, value) in texts {
            if let Some(value) = value {
                document.insert(name.to_owned(), json!(value));
            }
        }
        let words = [
            ("type", self.kind.map(Kind::word)),
            ("grant", self.grant.map(Grant::word)),
            (
                "client_authentication",
                self.client_authentication.map(ClientAuthentication::word),
            ),
        ];
        for (name, word) in words {
            if let Some(word) = word {
                document.insert(name.to_owned(), json!(word));
            }
        }
        for (name, pairs) in [
            ("authorize_parameters", &self.authorize_parameter),
            ("token_parameters", &self.token_parameter),
        ] {
            if !pairs.is_empty() {
                document.insert(name.to_owned(), object(name, pairs)?);
            }
        }
        if !self.origin.is_empty() {
            document.insert("origins".to_owned(), json!(self.origin));
        }
        if let Some(number) = self.concurrency {
            document.insert("concurrency".to_owned(), json!(number));
        }
        if let Some(path) = &self.probe_path {
            document.insert("probe_path".to_owned(), json!(path));
        }
        if let Some(file) = &self.ca_file {
            document.insert(
                "ca_certificate".to_owned(),
                json!(certificate(Path::new(file))?),
            );
        }
        if self.confirm_foreign_token_endpoint {
            document.insert("confirm_foreign_token_endpoint".to_owned(), json!(true));
        }
        self.secrets(ui, missing, &mut document)?;
        Ok(document)
    }

    fn secrets(
        &self,
        ui: Ui,
        missing: Missing,
        document: &mut Map<String, Value>,
    ) -> Result<(), Failure> {
        let kind = self.kind.unwrap_or(Kind::Oauth);
        let wants_client_secret = kind == Kind::Oauth
            && !matches!(self.grant, Some(Grant::DeviceCode | Grant::JwtBearer))
            && self.private_key_file.is_none()
            && self.certificate.certificate_file.is_none()
            && matches!(
                self.client_authentication,
                None | Some(
                    ClientAuthentication::Automatic
                        | ClientAuthentication::Basic
                        | ClientAuthentication::Post
                )
            );
        let secrets = [
            (
                "client_secret",
                &CLIENT_SECRET,
                &self.client_secret_file,
                wants_client_secret,
            ),
            ("private_key", &PRIVATE_KEY, &self.private_key_file, false),
            (
                "password",
                &PASSWORD,
                &self.password_file,
                kind == Kind::Basic,
            ),
            ("token", &TOKEN, &self.token_file, kind == Kind::Bearer),
        ];
        for (name, question, file, wanted) in secrets {
            let asked = wanted && missing == Missing::Ask;
            let secret = match file {
                Some(place) => Some(question.read(place)?),
                // Whether a client may do without a secret is for the server to say.
                None if asked && (ui.can_ask() || kind != Kind::Oauth) => {
                    Some(question.read_or_ask(ui, None)?)
                }
                None => None,
            };
            if let Some(secret) = secret {
                document.insert(name.to_owned(), json!(secret.expose()));
            }
        }
        self.certificate.read(ui, document)?;
        let mut headers = Map::new();
        for name in &self.header {
            if name.contains([':', '=']) {
                return Err(HEADER.refuse_argument());
            }
            headers.insert(name.clone(), json!(HEADER.read_or_ask(ui, None)?.expose()));
        }
        for pair in &self.header_file {
            let (name, secret) = named_secret(&HEADER, pair)?;
            headers.insert(name, secret);
        }
        if !headers.is_empty() {
            document.insert("headers".to_owned(), Value::Object(headers));
        }
        if let Some(pair) = &self.query_key_file {
            let (name, value) = named_secret(&QUERY_KEY, pair)?;
            document.insert(
                "query_key".to_owned(),
                json!({ "name": name, "value": value }),
            );
        }
        Ok(())
    }

    /// A secret typed as an argument is known to others by now; the least is to say so.
    fn refuse_arguments(&self) -> Result<(), Failure> {
        for (typed, question) in [
            (&self.client_secret, &CLIENT_SECRET),
            (&self.password, &PASSWORD),
            (&self.token, &TOKEN),
        ] {
            if typed.is_some() {
                return Err(question.refuse_argument());
            }
        }
        Ok(())
    }

    /// Stdin can be read once.
    fn refuse_second_stdin(&self) -> Result<(), Failure> {
        let single = [
            &self.client_secret_file,
            &self.certificate.certificate_file,
            &self.certificate.certificate_password_file,
            &self.private_key_file,
            &self.password_file,
            &self.token_file,
        ]
        .into_iter()
        .flatten()
        .filter(|place| *place == "-")
        .count();
        let named = self
            .header_file
            .iter()
            .chain(&self.query_key_file)
            .filter(|pair| pair.ends_with("=-"))
            .count();
        if single + named > 1 {
            return Err(Failure::usage(
                "stdin can hold one secret only",
                "give the others as files of mode 0600",
            ));
        }
        Ok(())
    }
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Oauth => "oauth",
            Kind::Basic => "basic",
            Kind::Header => "headers",
            Kind::Bearer => "bearer",
            Kind::QueryKey => "query_key",
            Kind::None => "none",
        }
    }
}

impl Grant {
    fn word(self) -> &'static str {
        match self {
            Grant::AuthorizationCode => "authorization_code",
            Grant::ClientCredentials => "client_credentials",
            Grant::DeviceCode => "device_code",
            Grant::JwtBearer => "jwt_bearer",
            Grant::OnBehalfOf => "on_behalf_of",
            Grant::TokenExchange => "token_exchange",
        }
    }
}

impl ClientAuthentication {
    fn word(self) -> &'static str {
        match self {
            ClientAuthentication::Automatic => "automatic",
            ClientAuthentication::Basic => "client_secret_basic",
            ClientAuthentication::Post => "client_secret_post",
            ClientAuthentication::PrivateKeyJwt => "private_key_jwt",
            ClientAuthentication::PrivateKeyJwtRs256 => "private_key_jwt_rs256",
            ClientAuthentication::None => "none",
        }
    }
}

fn object(what: &str, pairs: &[(String, String)]) -> Result<Value, Failure> {
    let mut object = Map::new();
    for (name, value) in pairs {
        if object.insert(name.clone(), json!(value)).is_some() {
            return Err(Failure::usage(
                format!("{what}: {name:?} is given twice"),
                "give each parameter once",
            ));
        }
    }
    Ok(Value::Object(object))
}

/// `NAME=FILE|-`: the name and the secret read from there. What follows the equal sign is not repeated, it may be the secret.
fn named_secret(question: &Question<'_>, pair: &str) -> Result<(String, Value), Failure> {
    let Some((name, place)) = pair
        .split_once('=')
        .filter(|(name, place)| !name.is_empty() && !place.is_empty())
    else {
        return Err(Failure::usage(
            format!("the {} is given as NAME=FILE", question.what),
            format!(
                "write {}FILE (mode 0600) or {}- for stdin",
                question.option, question.option
            ),
        ));
    };
    if place != "-" && !Path::new(place).exists() {
        return Err(Failure::usage(
            format!(
                "the {} for {name:?} is not given as an existing file",
                question.what
            ),
            format!(
                "write {}FILE (mode 0600) or {}- for stdin; a secret does not belong on the command line",
                question.option, question.option
            ),
        ));
    }
    Ok((name.to_owned(), json!(question.read(place)?.expose())))
}

pub(super) fn certificate(path: &Path) -> Result<String, Failure> {
    use std::io::Read as _;
    let refused = |why: String| {
        Failure::new(
            Exit::Invalid,
            "ca_file.invalid",
            format!("--ca-file {}: {why}", path.display()),
        )
    };
    let file = std::fs::File::open(path).map_err(|error| refused(error.to_string()))?;
    let mut text = String::new();
    file.take(CERTIFICATE_LIMIT)
        .read_to_string(&mut text)
        .map_err(|error| refused(error.to_string()))?;
    if !text.contains("-----BEGIN CERTIFICATE-----") {
        return Err(refused("holds no PEM certificate".to_owned()));
    }
    Ok(text)
}
