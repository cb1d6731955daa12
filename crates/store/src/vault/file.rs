//! The key file: one key a line in base64, the one that seals first; mode 0600.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{KEY, RawKey};
use crate::Error;

/// A key file is a few short lines; more is another file given by mistake.
const LONGEST_FILE: u16 = 4096;

/// Reads and checks a key file, one key a line; `None` if there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<RawKey>>, Error> {
    let unusable = |detail: String| Error::KeyFile {
        path: path.to_owned(),
        detail,
    };
    let malformed = |why: &'static str| Error::KeyFormat {
        path: path.to_owned(),
        why,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unusable(error.to_string())),
    };
    // The permissions of what was opened, not of what the path may name a moment later.
    let found = file
        .metadata()
        .map_err(|error| unusable(error.to_string()))?;
    if !found.is_file() {
        return Err(unusable("it is not a file".to_owned()));
    }
    let mode = found.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(Error::KeyPermissions {
            path: path.to_owned(),
            mode,
        });
    }
    let mut text = Zeroizing::new(String::with_capacity(LONGEST_FILE.into()));
    file.take(LONGEST_FILE.into())
        .read_to_string(&mut text)
        .map_err(|_| malformed("it is not text"))?;
    let keys: Vec<RawKey> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| key(line).map_err(malformed))
        .collect::<Result<_, _>>()?;
    if keys.is_empty() {
        return Err(malformed("it is empty"));
    }
    Ok(Some(keys))
}

/// Reads a key file that must be there.
pub(super) fn must_read(path: &Path) -> Result<Vec<RawKey>, Error> {
    read(path)?.ok_or_else(|| Error::KeyFile {
        path: path.to_owned(),
        detail: "there is no such file".to_owned(),
    })
}

fn key(line: &str) -> Result<RawKey, &'static str> {
    let decoded = STANDARD.decode(line).map_err(|_| "it is not base64")?;
    let bytes = Zeroizing::new(decoded);
    let key: [u8; KEY] = bytes.as_slice().try_into().map_err(|_| {
        if bytes.len() < KEY {
            "it is too short"
        } else {
            "it is too long"
        }
    })?;
    Ok(Zeroizing::new(key))
}

/// Writes the file of a new installation, durably; there must be none.
pub(super) fn create(path: &Path, key: &RawKey) -> std::io::Result<()> {
    write(path, std::slice::from_ref(key))?;
    sync_name(path)
}

/// Puts other keys in the place of those in the file: wholly and durably, or not at all.
pub(super) fn replace(path: &Path, keys: &[RawKey]) -> Result<(), Error> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    let replaced = match std::fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => write(&new, keys)
            .and_then(|()| std::fs::rename(&new, path))
            .and_then(|()| sync_name(path)),
    };
    replaced.map_err(|error| Error::KeyFile {
        path: path.to_owned(),
        detail: format!("it can't be replaced: {error}"),
    })
}

fn write(path: &Path, keys: &[RawKey]) -> std::io::Result<()> {
    let mut text = Zeroizing::new(String::with_capacity(keys.len() * 2 * KEY));
    for key in keys {
        let line = Zeroizing::new(STANDARD.encode(key.as_slice()));
        text.push_str(&line);
        text.push('\n');
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The file's name is durable only with its directory.
fn sync_name(path: &Path) -> std::io::Result<()> {
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}
