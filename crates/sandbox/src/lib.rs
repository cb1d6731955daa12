//! A stand-in of Microsoft Entra ID (v2.0 endpoints) and of a part of Microsoft Graph v1.0,
//! written from their documentation: one https origin with a certificate authority of its own,
//! a tenant of fake people, and controls to make it misbehave. Nothing of it is Microsoft's,
//! and every page says SANDBOX.
//!
//! It uses no other room: it is the other side of the wire. It listens on loopback unless told
//! twice, keeps its keys per data directory, and is never part of `keyway serve`.
//!
//! The pages are plain forms: sign-in has `login` and `password`, consent pages have submit
//! buttons named `decision` with the values `accept` and `cancel`; hidden fields are posted back.

mod activity;
mod clock;
mod control;
mod der;
mod directory;
mod entra;
mod files;
mod graph;
mod guid;
mod keys;
mod log;
mod misbehave;
mod permissions;
mod portal;
mod rotation;
mod seal;
mod server;
mod tls;
mod users;
mod world;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

pub use server::Sandbox;

/// How to run a sandbox.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where keys, certificates, `sandbox.json` and registrations are kept; `None` is a
    /// temporary directory that is removed at the end.
    pub data_dir: Option<PathBuf>,
    /// The address of the https origin; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Decides ids, names and passwords of the tenant.
    pub seed: u64,
    /// How many users the tenant has, from 1 to 1,000,000.
    pub users: u32,
    /// The second of the two words needed to listen beyond loopback.
    pub exposure: Exposure,
}

/// Who may reach the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// This machine: another `listen` address is refused.
    Loopback,
    /// Whoever reaches the `listen` address.
    Anywhere,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            data_dir: None,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            seed: 1,
            users: 50,
            exposure: Exposure::Loopback,
        }
    }
}

/// What `sandbox.json` tells about a running sandbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Facts {
    /// `https://` and the listen address.
    pub origin: String,
    /// The tenant's GUID.
    pub tenant_id: String,
    /// The tenant's verified domain.
    pub domain: String,
    /// The certificate authority to trust, an absolute path to a PEM file.
    pub ca_file: PathBuf,
    /// The bearer token of `/sandbox/*`.
    pub control_token: String,
    /// The administrator and a public client for administration.
    pub admin: AdminFacts,
    /// The first users, 25 at most.
    pub users: Vec<UserFacts>,
    /// The seeded confidential client, admin-consented.
    pub app: AppFacts,
}

/// The global administrator of the tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AdminFacts {
    /// User principal name.
    pub upn: String,
    /// Password, visibly fake.
    pub password: String,
    /// A public client (redirect URI `http://localhost`, any port) with delegated
    /// Application.ReadWrite.All, AppRoleAssignment.ReadWrite.All and
    /// DelegatedPermissionGrant.ReadWrite.All.
    pub client_id: String,
}

/// One user who can sign in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserFacts {
    /// Object id.
    pub id: String,
    /// User principal name.
    pub upn: String,
    /// Password, visibly fake.
    pub password: String,
}

/// The seeded confidential client.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AppFacts {
    /// Client id.
    pub client_id: String,
    /// The secret's Value.
    pub client_secret: String,
    /// Redirect URIs of the web platform; `http://localhost` matches with any port.
    pub redirect_uris: Vec<String>,
}

/// Why a sandbox does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is not loopback and only one word said so.
    #[error(
        "the sandbox listens on loopback only, not on {0}: give a 127.0.0.1 address, or say `--expose` as well"
    )]
    NotLoopback(SocketAddr),
    /// The number of users is out of range.
    #[error("{0} users are not possible: give 1 to 1000000")]
    Users(u32),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: free the port or give another address")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file of the data directory cannot be read or written.
    #[error("cannot use {}: check that the data directory is writable", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file of the data directory does not hold what the sandbox wrote.
    #[error("{} is damaged ({detail}): restore it, or start with another data directory", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The data directory belongs to another tenant.
    #[error(
        "{} holds a sandbox of another seed: start it with that seed, or use another data directory", .0.display()
    )]
    OtherSeed(PathBuf),
    /// Keys or certificates could not be made.
    #[error("cannot make the sandbox's keys ({0}): this is a bug, please report it")]
    Key(String),
}

impl Error {
    fn file(path: &Path, source: io::Error) -> Error {
        Error::File {
            path: path.to_owned(),
            source,
        }
    }

    fn unreadable(path: &Path, detail: impl Into<String>) -> Error {
        Error::Unreadable {
            path: path.to_owned(),
            detail: detail.into(),
        }
    }
}

/// Starts a sandbox and returns once its port accepts TLS and `sandbox.json` is in place.
pub async fn spawn(config: Config) -> Result<Sandbox, Error> {
    server::start(config).await
}

/// Runs a sandbox until `shutdown` is cancelled; `ready` is called once it can be used.
pub async fn serve(
    config: Config,
    shutdown: CancellationToken,
    ready: impl FnOnce(&Facts),
) -> Result<(), Error> {
    let sandbox = spawn(config).await?;
    ready(sandbox.facts());
    shutdown.cancelled().await;
    sandbox.shutdown().await;
    Ok(())
}
