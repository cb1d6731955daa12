//! Groups: a name and who is in it. Dynamic groups, owners and groups in groups are not here.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::guid::Guid;

/// A group of the directory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) id: Guid,
    pub(crate) display_name: String,
    pub(crate) mail_nickname: String,
    pub(crate) description: Option<String>,
    pub(crate) mail_enabled: bool,
    pub(crate) security_enabled: bool,
    pub(crate) types: Vec<String>,
    pub(crate) created: Timestamp,
    /// The users in it; who was deleted since is passed over.
    pub(crate) members: BTreeSet<Guid>,
}
