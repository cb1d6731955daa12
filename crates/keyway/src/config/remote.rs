//! Which server a command talks to, when somebody names one instead of the data directory.

use url::Url;

use super::{is_loopback, variable};
use crate::Exit;
use crate::cli::Global;
use crate::failure::Failure;

/// Where a command sends its requests, when it is not the data directory.
pub(crate) struct Remote {
    pub(crate) url: Url,
    /// The key itself from `KEYWAY_API_KEY`, or where to read it.
    pub(crate) key: RemoteKey,
}

/// Where the API key of a remote server comes from.
pub(crate) enum RemoteKey {
    Variable(String),
    File(String),
    None,
}

impl Remote {
    /// Tells whether a server was named by option or variable.
    pub(crate) fn find(global: &Global) -> Result<Option<Remote>, Failure> {
        let Some(address) = global.server.clone().or_else(|| variable("KEYWAY_SERVER")) else {
            return Ok(None);
        };
        let url = Url::parse(&address)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
            .ok_or_else(|| {
                Failure::usage(
                    format!("--server {address:?} is not an http or https address"),
                    "write it like https://keyway.contoso.example",
                )
            })?;
        if url.scheme() == "http" && !is_loopback(&url) {
            return Err(Failure::new(
                Exit::Invalid,
                "config.invalid",
                format!("--server {url} would send the API key in the clear"),
            )
            .hint("use https; http is for this machine only"));
        }
        let key = match (
            global.api_key_file.clone(),
            variable("KEYWAY_API_KEY_FILE"),
            variable("KEYWAY_API_KEY"),
        ) {
            (None, Some(_), Some(_)) => {
                return Err(Failure::new(
                    Exit::Invalid,
                    "config.invalid",
                    "KEYWAY_API_KEY and KEYWAY_API_KEY_FILE are both set",
                )
                .hint("unset one of them"));
            }
            (Some(file), _, _) | (None, Some(file), None) => RemoteKey::File(file),
            (None, None, Some(key)) => RemoteKey::Variable(key),
            (None, None, None) => RemoteKey::None,
        };
        Ok(Some(Remote { url, key }))
    }
}
