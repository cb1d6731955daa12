//! The tenant as a file of the data directory: read at start, written whole after changes.

use std::path::Path;

use serde::Serialize;

use super::{Directory, Seeded, Tenant};
use crate::Error;
use crate::files::{self, Readers};
use crate::users::Generator;

const FILE: &str = "directory.json";

/// The saved tenant of a data directory, if it has one, around the users of this start.
pub(crate) fn load(directory: &Path, users: Generator) -> Result<Option<Tenant>, Error> {
    let path = directory.join(FILE);
    let Some(text) = files::read(&path).map_err(|source| Error::file(&path, source))? else {
        return Ok(None);
    };
    let mut tenant: Tenant =
        serde_json::from_str(&text).map_err(|error| Error::unreadable(&path, error.to_string()))?;
    if tenant.id != Seeded::new(&users).tenant {
        return Err(Error::OtherSeed(directory.to_owned()));
    }
    tenant.people.restore(users);
    Ok(Some(tenant))
}

/// Writes the tenant.
pub(crate) fn save(directory: &Path, tenant: &Directory) -> Result<(), Error> {
    // Serialized under the lock, written outside of it.
    let text = to_vec(&*tenant.read());
    let path = directory.join(FILE);
    files::write(&path, &text, Readers::Owner).map_err(|source| Error::file(&path, source))
}

fn to_vec<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("the tenant's maps have text keys")
}
