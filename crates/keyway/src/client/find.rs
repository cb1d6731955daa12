//! How commands find the server that runs on their data directory: a note with its address, and a token beside it.
//!
//! The note is a hint, never believed blindly: a process that was killed leaves it behind.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use store::Secret;
use url::Url;

use crate::failure::Failure;

/// A server that announced itself.
pub(crate) struct Running {
    /// Where it listens, as an address this machine can reach.
    pub(crate) url: Url,
    pub(crate) token: Secret,
    /// Its listener has a certificate for its public name only.
    pub(crate) tls_name: Option<String>,
    /// That certificate's chain, which may come from an authority nobody else knows.
    pub(crate) certificate_file: Option<PathBuf>,
    pub(crate) address: SocketAddr,
}

/// The announcement of this process; removed when it is dropped.
pub(crate) struct Announcement {
    files: [PathBuf; 2],
}

fn note_file(data_dir: &Path) -> PathBuf {
    data_dir.join("server.json")
}

fn token_file(data_dir: &Path) -> PathBuf {
    data_dir.join("server.token")
}

impl Announcement {
    /// Leaves address and token in the data directory, the token readable by its owner only.
    pub(crate) fn leave(
        data_dir: &Path,
        public_url: &Url,
        address: SocketAddr,
        certificate_file: Option<&Path>,
        token: &Secret,
    ) -> Result<Announcement, Failure> {
        let announcement = Announcement {
            files: [note_file(data_dir), token_file(data_dir)],
        };
        let scheme = certificate_file.map_or("http", |_| "https");
        let certificate_file = certificate_file
            .map(|file| std::path::absolute(file).unwrap_or_else(|_| file.to_owned()));
        let note = json!({
            "url": public_url.as_str().trim_end_matches('/'),
            "address": address.to_string(),
            "scheme": scheme,
            "certificate_file": certificate_file,
            "pid": std::process::id(),
            "version": env!("CARGO_PKG_VERSION"),
        });
        write_private(&announcement.files[1], token.expose())?;
        write_private(&announcement.files[0], &format!("{note:#}\n"))?;
        Ok(announcement)
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        for file in &self.files {
            drop(fs::remove_file(file));
        }
    }
}

/// Writes a file nobody else may read, in one step: a reader sees the old one or the new one.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), Failure> {
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let mut file = options.open(&beside)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&beside, path)
    };
    write().map_err(|error| {
        drop(fs::remove_file(&beside));
        Failure::io(&format!("cannot write {}", path.display()), &error)
    })
}

/// The server that runs on a data directory, if one answers there.
pub(crate) async fn running(data_dir: &Path) -> Option<Running> {
    let note: Value = serde_json::from_str(&fs::read_to_string(note_file(data_dir)).ok()?).ok()?;
    let token = Secret::new(
        fs::read_to_string(token_file(data_dir))
            .ok()?
            .trim()
            .to_owned(),
    );
    let mut address: SocketAddr = note["address"].as_str()?.parse().ok()?;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            [127, 0, 0, 1].into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    // Nobody behind the note or its address: it was left by a process that was killed.
    if !is_alive(note["pid"].as_i64()?) {
        return None;
    }
    let connected = tokio::time::timeout(
        Duration::from_secs(2),
        tokio::net::TcpStream::connect(address),
    )
    .await;
    if !matches!(connected, Ok(Ok(_))) {
        return None;
    }
    let public: Url = note["url"].as_str()?.parse().ok()?;
    let tls_name = (note["scheme"].as_str()? == "https")
        .then(|| public.host_str().map(str::to_owned))
        .flatten();
    let url = match &tls_name {
        Some(name) => format!("https://{name}:{}", address.port()),
        None => format!("http://{address}"),
    };
    Some(Running {
        url: url.parse().ok()?,
        token,
        tls_name,
        certificate_file: note["certificate_file"].as_str().map(PathBuf::from),
        address,
    })
}

/// Whether a process with this id runs.
fn is_alive(pid: i64) -> bool {
    #[cfg(unix)]
    {
        let pid = i32::try_from(pid)
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        // Refused means that it is there, and somebody else's.
        pid.is_some_and(|pid| {
            rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
        })
    }
    #[cfg(not(unix))]
    {
        pid > 0
    }
}
