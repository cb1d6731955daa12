//! Stores for the tests of this room and, behind the feature `testing`, of others.
//!
//! SQLite in memory and in a temporary file, and a real PostgreSQL: one cluster of the test binary's own, started by an
//! unprivileged user in a temporary directory at first use, stopped and removed when the test process ends, however it
//! ends. Each store has a fresh database, a key of its own and a clock that stands still.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    ops::Deref,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{OnceLock, atomic::Ordering},
};

use jiff::Timestamp;
use tempfile::TempDir;

use crate::{
    Clock, Config, Database, Error, PasswordCost, Sharing, Store, Vault, id::random_bytes,
    schema::hex,
};

/// A store for one test; its files go when it is dropped.
pub struct TestStore {
    store: Store,
    /// The clock that the store reads; it stands still until it is advanced.
    pub clock: Clock,
    /// How the store was opened.
    pub config: Config,
    directory: TempDir,
}

impl Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl TestStore {
    /// Opens a new database of this kind.
    pub async fn open(database: Database, clock: Clock) -> Result<Self, Error> {
        let directory = temporary();
        let mut config = Config::new(database);
        config.password_cost = PasswordCost::weak();
        if let Database::Sqlite(path) = &mut config.database {
            *path = directory.path().join("keyway.db");
        }
        let vault = Vault::open_or_create(&directory.path().join("kek"))?;
        let store = Store::open(&config, vault, clock.clone()).await?;
        Ok(Self {
            store,
            clock,
            config,
            directory,
        })
    }

    /// From now every change fails, as if the database were away; reads go on.
    pub fn refuse_writes(&self) {
        self.store.inner.shared.away.store(true, Ordering::Release);
    }

    /// The database is back.
    pub fn allow_writes(&self) {
        self.store.inner.shared.away.store(false, Ordering::Release);
    }

    /// Puts the sealed secrets of two connections in each other's place, where they can't be unsealed; again: back.
    ///
    /// # Panics
    /// If one of them is not there.
    pub async fn exchange_secrets(&self, one: &str, other: &str) {
        let names = [one.to_owned(), other.to_owned()];
        let work = move |tx: &mut crate::Tx<'_>, _: &crate::Shared| {
            let mut rows = Vec::new();
            for name in &names {
                let sql = "SELECT id, sealed FROM connections WHERE name_key = $1";
                let row = tx.query_one(sql, [name.as_str().into()])?;
                let row = row.expect("a connection of that name");
                rows.push((row.text(0)?.to_owned(), row.bytes(1)?.to_vec()));
            }
            let mut outcome = crate::Outcome::unaudited(());
            for ((id, _), (_, sealed)) in rows.iter().zip(rows.iter().rev()) {
                tx.execute(
                    "UPDATE connections SET revision = revision + 1, sealed = $2 WHERE id = $1",
                    [id.as_str().into(), sealed.clone().into()],
                )?;
                outcome = outcome.touching(&crate::ConnectionId::parse(id)?);
            }
            Ok(outcome)
        };
        self.store.change(work).await.expect("two connections");
    }

    /// The store itself, for what takes it.
    pub fn store(&self) -> Store {
        self.store.clone()
    }

    /// Where the files of this test are.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Where the key file is.
    pub fn key_file(&self) -> PathBuf {
        self.directory.path().join("kek")
    }

    /// All that lies in the database: its files but the key, or each table of PostgreSQL as text; nothing of one in memory.
    ///
    /// # Panics
    /// If it can't be read.
    pub fn contents(&self) -> Vec<Vec<u8>> {
        if let Database::Postgres(url) = &self.config.database {
            let tables =
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'";
            let tables = postgres_admin(url, tables);
            let rows = |table: &str| postgres_admin(url, &format!("SELECT t::text FROM {table} t"));
            return vec![tables.lines().map(rows).collect::<String>().into_bytes()];
        }
        let entries = std::fs::read_dir(self.directory()).expect("the test has a directory");
        let paths = entries.map(|entry| entry.expect("its entries are read").path());
        paths
            .filter(|path| *path != self.key_file())
            .map(|path| std::fs::read(path).expect("its files are read"))
            .collect()
    }

    /// Opens the same database once more, as a second process would.
    ///
    /// With an SQLite file both must have been opened to share it; a database in memory has no second process.
    pub async fn again(&self) -> Result<Store, Error> {
        let vault = Vault::from_file(&self.key_file())?;
        Store::open(&self.config, vault, self.clock.clone()).await
    }

    /// Closes the store and opens its database anew.
    pub async fn reopen(self) -> Result<Self, Error> {
        let Self {
            store,
            clock,
            config,
            directory,
        } = self;
        store.close().await;
        let vault = Vault::from_file(&directory.path().join("kek"))?;
        let store = Store::open(&config, vault, clock.clone()).await?;
        Ok(Self {
            store,
            clock,
            config,
            directory,
        })
    }
}

/// A moment for tests to begin at: noon of a day in 2026.
pub fn noon() -> Timestamp {
    Timestamp::constant(1_780_315_200, 0)
}

/// A store on SQLite in memory.
///
/// # Panics
/// If it can't be opened.
pub async fn sqlite_memory() -> TestStore {
    let opened = TestStore::open(Database::SqliteMemory, Clock::manual(noon())).await;
    opened.expect("a database in memory opens")
}

/// A store on a temporary SQLite file, which other stores may share.
///
/// # Panics
/// If it can't be opened.
pub async fn sqlite_file() -> TestStore {
    let opened = TestStore::open(Database::Sqlite(PathBuf::new()), Clock::manual(noon())).await;
    let mut opened = opened.expect("a database in a temporary file opens");
    // The first opening made the key; this one takes part in sharing.
    opened.config.sharing = Sharing::Shared;
    opened.reopen().await.expect("a database opens twice")
}

/// A store on a fresh PostgreSQL database.
///
/// # Panics
/// If PostgreSQL 15 or newer is not installed, or the store can't be opened.
pub async fn postgres() -> TestStore {
    let opened = TestStore::open(Database::Postgres(postgres_url()), Clock::manual(noon())).await;
    opened.expect("a fresh PostgreSQL database opens")
}

/// The URL of a fresh PostgreSQL database, for whole servers under test.
///
/// # Panics
/// If PostgreSQL 15 or newer is not installed.
pub fn postgres_url() -> String {
    let cluster = Cluster::shared();
    let name = format!("test_{}", hex(&random_bytes::<8>()));
    cluster.run("postgres", &format!("CREATE DATABASE {name}"));
    cluster.url(&name)
}

/// Runs SQL in the database of a URL as its administrator, by `psql`; answers what it prints.
///
/// # Panics
/// If the statement fails.
pub fn postgres_admin(url: &str, sql: &str) -> String {
    let database = url.rsplit('/').next().unwrap_or_default();
    Cluster::shared().run(database, sql)
}

/// Runs one test of this test binary alone, with a guard left out ([`crate::failpoint`]) and without: the test must tell.
///
/// # Panics
/// If the test passes without the guard, or fails with it.
pub fn notices(test: &str, fault: &str) {
    let outcome = |fault: Option<&str>| {
        let this = std::env::current_exe().expect("a test binary has a path");
        let mut command = Command::new(this);
        command.args(["--exact", test]).env_remove("ENGINE_FAULT");
        if let Some(fault) = fault {
            command.env("ENGINE_FAULT", fault);
        }
        let output = command.output().expect("a test binary starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let whole = outcome(None);
    assert!(whole.contains("1 passed; 0 failed"), "{whole}");
    let told = outcome(Some(fault));
    assert!(
        told.contains("0 passed; 1 failed"),
        "{fault} went unnoticed: {told}"
    );
}

fn temporary() -> TempDir {
    tempfile::tempdir().expect("a temporary directory can be made")
}

struct Cluster {
    programs: PathBuf,
    port: u16,
    /// Ends the cluster when its standard input does, that is when this process ends.
    _supervisor: Child,
}

/// Held until standard input ends; a shell notices that even if the test process is killed.
const SUPERVISE: &str = r#"
set -eu
cd /
directory=$(mktemp -d)
end() { "$1/pg_ctl" stop -m immediate -D "$directory/data" >/dev/null 2>&1 || true; rm -rf "$directory"; }
trap 'end "$1"' EXIT
trap 'exit 1' HUP INT TERM
"$1/initdb" -A trust --no-sync -U postgres -E UTF8 --locale=C -D "$directory/data" >"$directory/log" 2>&1 || { cat "$directory/log" >&2; exit 1; }
"$1/pg_ctl" start -w -D "$directory/data" -l "$directory/log" \
    -o "-p $2 -k $directory -c listen_addresses=127.0.0.1 -c max_connections=400" >/dev/null || { cat "$directory/log" >&2; exit 1; }
echo ready
cat >/dev/null
"#;

/// A port that nobody has and that no client is given meanwhile: it lies below those that clients are given.
fn free_port() -> u16 {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
    let first = range.ok().and_then(|range| {
        let first = range.split_whitespace().next()?;
        first.parse::<u16>().ok()
    });
    let first = first.unwrap_or(32_768);
    let low = (first / 2).max(1024);
    loop {
        let chance = u16::from_le_bytes(random_bytes());
        // Where clients are given nearly everything, any port has to do.
        let wanted = match first.saturating_sub(low) {
            ..1000 => 0,
            many => low + chance % many,
        };
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", wanted)) {
            return listener.local_addr().expect("a bound port is known").port();
        }
    }
}

impl Cluster {
    fn shared() -> &'static Self {
        static CLUSTER: OnceLock<Cluster> = OnceLock::new();
        CLUSTER.get_or_init(Self::start)
    }

    /// Somebody may have come by the port before PostgreSQL did.
    fn start() -> Self {
        Self::start_once()
            .or_else(|_| Self::start_once())
            .or_else(|_| Self::start_once())
            .expect("the PostgreSQL cluster starts")
    }

    fn start_once() -> Result<Self, ExitStatus> {
        let programs = programs()
            .expect("PostgreSQL 15 or newer is installed (Debian: apt install postgresql)");
        let port = free_port();
        // PostgreSQL does not run as root.
        let root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        let mut command = if root {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--", "sh"]);
            command
        } else {
            Command::new("sh")
        };
        let mut supervisor = command
            .args(["-c", SUPERVISE, "sh"])
            .arg(&programs)
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell starts");
        let output = supervisor.stdout.take().expect("its output is piped");
        let mut line = String::new();
        BufReader::new(output)
            .read_line(&mut line)
            .expect("the shell answers");
        if line.trim() != "ready" {
            return Err(supervisor.wait().expect("the shell ends"));
        }
        Ok(Self {
            programs,
            port,
            _supervisor: supervisor,
        })
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    fn run(&self, database: &str, sql: &str) -> String {
        let output = Command::new(self.programs.join("psql"))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d"])
            .arg(self.url(database))
            .args(["-c", sql])
            .output()
            .expect("psql starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{sql}: {}", text(&output.stderr));
        text(&output.stdout)
    }
}

/// The newest server's programs in Debian's place for them.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    versions
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter_map(|path| Some((version(&path)?, path.join("bin"))))
        .filter(|(version, programs)| *version >= 15 && programs.join("initdb").exists())
        .max()
        .map(|(_, programs)| programs)
}
