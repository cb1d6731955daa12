//! Puts the house together: data directory, key, store, connector, server.
//!
//! `serve` and commands without a server go through the same door; they differ in who else may have it open.

use std::fs::DirBuilder;
use std::path::{Path, PathBuf};
use std::time::Duration;

use store::{Clock, Secret, Sharing, Store, Vault};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::Exit;
use crate::config::{Config, Database};
use crate::failure::Failure;

/// What a process has open.
pub(crate) struct House {
    pub(crate) store: Store,
    pub(crate) app: server::App,
    pub(crate) connector: connect::Connector,
    pub(crate) tracker: TaskTracker,
    /// Ends the engine's work on runs.
    engine_stop: CancellationToken,
}

/// Opens everything; the first one creates data directory, key and database. A server shares its SQLite file with
/// nobody, commands share it with each other.
pub(crate) async fn open(
    config: &Config,
    public_url: &Url,
    local_token: Option<Secret>,
    sharing: Sharing,
) -> Result<House, Failure> {
    make_data_dir(&config.data_dir)?;
    let store = open_store(config, sharing).await?;
    let mut engine = engine_settings(public_url);
    if sharing == Sharing::Shared || matches!(config.database, Database::Postgres(_)) {
        engine.company = engine::Company::Others;
    }
    let mut server = server::Config::new(public_url.clone());
    server.trusted_proxies.clone_from(&config.trusted_proxies);
    if !config.trusted_proxies.is_empty() {
        server.tls_proxy = server::TlsProxy::Present;
    }
    server.local_token = local_token;
    let house = furnish(config, store, engine, server)?;
    if sharing == Sharing::Sole {
        house.connector.settle_renewals(house.engine_stop.clone());
    }
    Ok(house)
}

/// A house that leaves nothing behind: its store is in memory, and these values stand for its secrets and connections.
pub(crate) async fn in_memory(
    config: &Config,
    public_url: &Url,
    given: serde_json::Map<String, serde_json::Value>,
) -> Result<House, Failure> {
    let memory = store::Config::new(store::Database::SqliteMemory);
    let store = Store::open(&memory, Vault::ephemeral(), Clock::system())
        .await
        .map_err(|error| refused(&error, config))?;
    let mut engine = engine_settings(public_url);
    engine.given = given;
    let mut server = server::Config::new(public_url.clone());
    // nobody else sends anything to it
    server.limits.body_bytes = IN_MEMORY_BODY;
    furnish(config, store, engine, server)
}

/// The longest body that a command sends to its own house.
const IN_MEMORY_BODY: usize = 64 * 1024 * 1024;

/// Puts connector, engine and server around a store.
fn furnish(
    config: &Config,
    store: Store,
    engine: engine::Config,
    server: server::Config,
) -> Result<House, Failure> {
    let tracker = TaskTracker::new();
    let connector = connect::Connector::new(
        store.clone(),
        connect::Config {
            egress: config.egress.clone(),
            clouds: config.clouds.clone(),
            timeouts: config.timeouts,
            ..connect::Config::new(server.public_url.clone())
        },
        tracker.clone(),
    )
    .map_err(|error| Failure::new(Exit::Invalid, error.code(), error.to_string()))?;
    let engine_stop = CancellationToken::new();
    let engine = engine::Local::new(
        store.clone(),
        connector.clone(),
        engine,
        tracker.clone(),
        engine_stop.clone(),
    );
    let app = server::App::new(
        store.clone(),
        connector.clone(),
        engine,
        server,
        tracker.clone(),
    );
    Ok(House {
        store,
        app,
        connector,
        tracker,
        engine_stop,
    })
}

/// Runs are worked on by whoever has the store open; heavy expressions by children of this very program.
fn engine_settings(public_url: &Url) -> engine::Config {
    let mut settings = engine::Config::new(public_url.clone());
    settings.worker = Some(crate::commands::expression_worker::config());
    settings
}

async fn open_store(config: &Config, sharing: Sharing) -> Result<Store, Failure> {
    let database = match &config.database {
        Database::Sqlite => store::Database::Sqlite(database_file(&config.data_dir)),
        Database::Postgres(address) => store::Database::Postgres(address.clone()),
    };
    let clock = Clock::system();
    crate::clock::check(clock.now())?;
    let mut settings = store::Config::new(database);
    settings.sharing = sharing;
    let vault = Vault::open_or_create(&config.kek_file).map_err(|error| refused(&error, config))?;
    Store::open(&settings, vault, clock)
        .await
        .map_err(|error| refused(&error, config))
}

/// The SQLite file of a data directory.
fn database_file(data_dir: &Path) -> PathBuf {
    data_dir.join("keyway.db")
}

fn make_data_dir(data_dir: &Path) -> Result<(), Failure> {
    let refused = |what: &str, error: &std::io::Error| {
        Failure::new(
            Exit::Storage,
            "storage_error",
            format!("the data directory {} {what}: {error}", data_dir.display()),
        )
        .hint("give another one with --data-dir, or make it writable for this user")
    };
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder
        .create(data_dir)
        .map_err(|error| refused("cannot be made", &error))?;
    // Tried with a file of our own: permission bits do not tell of read-only file systems.
    let probe = data_dir.join(format!(".probe-{}", std::process::id()));
    std::fs::write(&probe, b"")
        .and_then(|()| std::fs::remove_file(&probe))
        .map_err(|error| refused("is not writable", &error))?;
    if let Some(kind) = network_file_system(data_dir) {
        tracing::warn!(data_dir = %data_dir.display(), %kind, "the data directory is on a network file system, whose locks SQLite cannot rely on");
    }
    Ok(())
}

/// The kind of network file system a directory is on, if it is on one.
fn network_file_system(directory: &Path) -> Option<String> {
    let mounts = std::fs::read_to_string("/proc/self/mounts").ok()?;
    let directory = directory.canonicalize().ok()?;
    network_kind(&mounts, &directory).map(str::to_owned)
}

/// The same, of a list of mounts as the system tells it (proc(5)) and a path without links.
fn network_kind<'a>(mounts: &'a str, directory: &Path) -> Option<&'a str> {
    let (_, kind) = mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            // what would part the fields is written in octal
            let mounted = fields.next()?.replace("\\040", " ").replace("\\011", "\t");
            Some((mounted, fields.next()?))
        })
        .filter(|(mounted, _)| directory.starts_with(mounted))
        // of two mounts on one place, the later one is seen
        .max_by_key(|(mounted, _)| mounted.len())?;
    ["nfs", "cifs", "smb", "9p", "fuse.sshfs"]
        .iter()
        .any(|network| kind.starts_with(network))
        .then_some(kind)
}

/// Words a store's refusal as a problem.
fn refused(error: &store::Error, config: &Config) -> Failure {
    let exit = if matches!(error, store::Error::Locked { .. }) {
        Exit::Locked
    } else {
        Exit::Storage
    };
    let hint = match error {
        store::Error::Locked { .. } => format!(
            "one process at a time serves {}: stop the other one, or give another --data-dir",
            config.data_dir.display()
        ),
        store::Error::Unavailable(_) => {
            "check store.database (KEYWAY_DATABASE), and that the database server is up".to_owned()
        }
        _ => String::new(),
    };
    Failure::new(exit, error.code(), error.to_string()).hint(hint)
}

impl House {
    /// Ends the background work: the call log is flushed, renewals under way are finished, the database is closed.
    pub(crate) async fn close(self) {
        let House {
            store,
            app,
            connector,
            tracker,
            engine_stop,
        } = self;
        engine_stop.cancel();
        drop((app, connector));
        tracker.close();
        if tokio::time::timeout(Duration::from_secs(35), tracker.wait())
            .await
            .is_err()
        {
            tracing::warn!("background work did not end in time");
            return;
        }
        store.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_file_system_is_known_by_its_mount() {
        let mounts = "/dev/sda1 / ext4 rw 0 0\n\
            proc /proc proc rw 0 0\n\
            files:/home /home nfs4 rw,vers=4.2 0 0\n\
            /dev/sdb1 /home/local ext4 rw 0 0\n\
            //files/share /mnt/our\\040share cifs rw 0 0\n\
            /dev/sdc1 /over ext4 rw 0 0\n\
            files:/over /over nfs rw 0 0\n\
            you@files: /mnt/far fuse.sshfs rw 0 0\n\
            tmpfs /home/ada/nfs tmpfs rw 0 0\n\
            odd\n";
        for (directory, expected) in [
            ("/var/lib/keyway", None),
            ("/home/ada/keyway", Some("nfs4")),
            ("/home/local/keyway", None),
            ("/homely/keyway", None),
            ("/mnt/our share/keyway", Some("cifs")),
            ("/over/keyway", Some("nfs")),
            ("/mnt/far", Some("fuse.sshfs")),
            ("/home/ada/nfs", None),
        ] {
            assert_eq!(
                network_kind(mounts, Path::new(directory)),
                expected,
                "{directory}"
            );
        }
        assert_eq!(network_kind("", Path::new("/")), None);
    }
}
