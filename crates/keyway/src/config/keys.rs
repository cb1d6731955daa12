//! The table of every setting: its key in the file, its variable, its default and what it means.
//!
//! Reading, the check for unknown names and the reference page all come from this one table.

use std::fmt::Write as _;

/// One setting.
pub(super) struct Key {
    /// Dotted path in the file, such as `log.format`.
    pub(super) path: &'static str,
    /// The variable that sets the same.
    pub(super) variable: &'static str,
    pub(super) shape: Shape,
    /// As it stands in the reference, in TOML.
    default: &'static str,
    meaning: &'static str,
}

/// What a setting's value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    /// A TOML array of texts; in a variable separated by commas.
    List,
}

/// Every setting, in the order of the reference.
pub(super) const KEYS: [Key; 14] = [
    Key {
        path: "listen",
        variable: "KEYWAY_LISTEN",
        shape: Shape::Text,
        default: "\"127.0.0.1:8800\"",
        meaning: "Address and port `keyway serve` listens on. An address that others can reach needs [tls]\nor trusted_proxies, and public_url.",
    },
    Key {
        path: "public_url",
        variable: "KEYWAY_PUBLIC_URL",
        shape: Shape::Text,
        default: "\"http://localhost:8800\"",
        meaning: "The address people reach Keyway at; redirect URIs begin with it. http for loopback only;\nhttps needs [tls] or trusted_proxies. The default follows the port of `listen`.",
    },
    Key {
        path: "trusted_proxies",
        variable: "KEYWAY_TRUSTED_PROXIES",
        shape: Shape::List,
        default: "[]",
        meaning: "IP addresses of TLS proxies in front of Keyway whose X-Forwarded-For is believed; one on the\nsame machine comes from \"127.0.0.1\". They must write X-Forwarded-For themselves.",
    },
    Key {
        path: "data_dir",
        variable: "KEYWAY_DATA_DIR",
        shape: Shape::Text,
        default: "\"~/.local/share/keyway\"",
        meaning: "Where Keyway keeps its data (no ~ in this file: write the whole path).",
    },
    Key {
        path: "kek_file",
        variable: "KEYWAY_KEK_FILE",
        shape: Shape::Text,
        default: "\"kek\"",
        meaning: "The file (mode 0600) with the key that all secrets are sealed with. Made at the first start in\nthe data directory. Back it up apart from the database: without it no secret can be read.",
    },
    Key {
        path: "store.database",
        variable: "KEYWAY_DATABASE",
        shape: Shape::Text,
        default: "\"sqlite\"",
        meaning: "\"sqlite\" keeps a file in the data directory; \"postgres://user@host:port/database\" uses a\nPostgreSQL 15 or newer, which several servers may share.",
    },
    Key {
        path: "egress.allow",
        variable: "KEYWAY_EGRESS_ALLOW",
        shape: Shape::List,
        default: "[]",
        meaning: "Addresses that are private, loopback or link-local and may be reached all the same: exact\naddress or CIDR with port, such as \"10.1.2.3:443\" or \"10.1.0.0/16:443\"; the word \"loopback\"\nmeans every port of this machine. Read at start only.",
    },
    Key {
        path: "timeouts.connect",
        variable: "KEYWAY_TIMEOUTS_CONNECT",
        shape: Shape::Text,
        default: "\"5s\"",
        meaning: "How long Keyway waits for other people's servers until a connection stands, TLS included: from\n\"100ms\" to \"1m\". Lengths of time are written as \"500ms\", \"30s\", \"2m\" or \"1h\".",
    },
    Key {
        path: "timeouts.first_byte",
        variable: "KEYWAY_TIMEOUTS_FIRST_BYTE",
        shape: Shape::Text,
        default: "\"30s\"",
        meaning: "Until an answer begins: from \"100ms\" to \"1h\". A call's own timeout stands in its place.",
    },
    Key {
        path: "timeouts.total",
        variable: "KEYWAY_TIMEOUTS_TOTAL",
        shape: Shape::Text,
        default: "\"2m\"",
        meaning: "Until a call has its whole answer, all its tries together: from \"100ms\" to \"1h\". A call's own\ntimeout stands in its place; what passes through has no such end.",
    },
    Key {
        path: "tls.certificate_file",
        variable: "KEYWAY_TLS_CERTIFICATE_FILE",
        shape: Shape::Text,
        default: "\"\"",
        meaning: "PEM certificate chain of the listener.",
    },
    Key {
        path: "tls.key_file",
        variable: "KEYWAY_TLS_KEY_FILE",
        shape: Shape::Text,
        default: "\"\"",
        meaning: "PEM private key of the listener (mode 0600).",
    },
    Key {
        path: "log.format",
        variable: "KEYWAY_LOG_FORMAT",
        shape: Shape::Text,
        default: "\"text\"",
        meaning: "\"text\" or \"json\", on stderr.",
    },
    Key {
        path: "log.filter",
        variable: "KEYWAY_LOG",
        shape: Shape::Text,
        default: "\"info\"",
        meaning: "What is logged, such as \"info\" or \"info,connect=debug\". Commands other than serve log \"error\".",
    },
];

/// Keys of one `[[cloud]]`, with their meaning.
pub(super) const CLOUD_KEYS: [(&str, &str); 3] = [
    ("name", "the word for `--cloud`"),
    (
        "origin",
        "https://host:port of both the authority and Graph",
    ),
    (
        "ca_file",
        "PEM certificate of its authority, if it is not a public one",
    ),
];

/// Variables that choose the server a command talks to; they are not settings of the server itself.
pub(super) const CLIENT_VARIABLES: [(&str, &str); 4] = [
    ("KEYWAY_CONFIG", "the configuration file, as --config"),
    ("KEYWAY_SERVER", "the server commands talk to, as --server"),
    ("KEYWAY_API_KEY", "the API key for that server"),
    (
        "KEYWAY_API_KEY_FILE",
        "a 0600 file with that key, as --api-key-file",
    ),
];

/// The known name nearest to a mistyped one, if any is near.
pub(super) fn nearest<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (distance(typed, name), name))
        .filter(|(distance, _)| *distance <= 2.max(typed.len() / 4))
        .min()
        .map(|(_, name)| name)
}

/// Edit distance: insertions, deletions and replacements.
pub(super) fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, r) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(l != *r);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

/// The reference page: a commented TOML file with every key and its default.
pub(crate) fn reference() -> String {
    let mut page = String::from(
        "# Keyway's configuration: every key with its default.\n\
         # Generated by `keyway reference config`; do not edit by hand.\n\
         #\n\
         # Read from --config FILE, KEYWAY_CONFIG or keyway.toml in the data directory. A setting given both here and\n\
         # by its variable is refused; an option of the command line decides over both. Relative paths start at this file.\n\
         #\n\
         # Variables that choose what a command talks to:\n",
    );
    for (name, meaning) in CLIENT_VARIABLES {
        line(&mut page, &format!("#   {name}: {meaning}"));
    }
    let mut section = "";
    for key in &KEYS {
        let (table, name) = key.path.rsplit_once('.').unwrap_or(("", key.path));
        line(&mut page, "");
        if table != section {
            line(&mut page, &format!("[{table}]"));
            section = table;
        }
        for text in key.meaning.lines() {
            line(&mut page, &format!("# {text}"));
        }
        line(&mut page, &format!("# Variable: {}", key.variable));
        line(&mut page, &format!("# {name} = {}", key.default));
    }
    line(
        &mut page,
        "\n# A cloud of your own (for instance the sandbox); repeat the table for more.",
    );
    line(&mut page, "# [[cloud]]");
    for (name, meaning) in CLOUD_KEYS {
        line(&mut page, &format!("# {name} = \"\"  # {meaning}"));
    }
    page
}

fn line(page: &mut String, text: &str) {
    writeln!(page, "{text}").expect("writing to a string cannot fail");
}
