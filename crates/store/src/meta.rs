//! meta
use crate::{Actor, Error, Store};

/// Small facts about the installation, by name; not for secrets.
pub struct Meta<'a>(pub(crate) &'a Store);

impl Meta<'_> {
    /// One fact.
    pub async fn find(&self, actor: &Actor, name: &str) -> Result<Option<String>, Error> {
        todo!("{actor:?} {name}")
    }
    /// Stores a fact.
    pub async fn save(&self, actor: &Actor, name: &str, value: &str) -> Result<(), Error> {
        todo!("{actor:?} {name} {value}")
    }
}
