//! vault
use crate::Error;
use std::path::Path;
/// The key that seals all secrets.
pub struct Vault;
impl Vault {
    /// Reads the key file, or prepares a new key that is written when a new database is made.
    pub fn open_or_create(path: &Path) -> Result<Self, Error> {
        todo!("{path:?}")
    }
    /// Reads the key file; it must exist.
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        todo!("{path:?}")
    }
}
