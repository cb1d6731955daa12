//! One scope name as Entra reads it: a resource and a permission of it, `https://graph.microsoft.com/User.Read`.

/// Asks for a refresh token (`OpenID` Connect Core §11).
pub(super) const OFFLINE_ACCESS: &str = "offline_access";
/// Graph's address in the global cloud, which a name without a resource means.
pub(super) const GRAPH: &str = "https://graph.microsoft.com";
/// The other ways to write Graph: its hosts in the sovereign clouds and its application id.
const GRAPH_ALIASES: [&str; 5] = [
    "https://graph.microsoft.com",
    "https://graph.microsoft.us",
    "https://dod-graph.microsoft.us",
    "https://microsoftgraph.chinacloudapi.cn",
    "00000003-0000-0000-c000-000000000000",
];
/// Names of `OpenID` Connect, which belong to no resource.
const OPENID: [&str; 4] = ["openid", "profile", "email", OFFLINE_ACCESS];

/// A name taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name<'a> {
    /// What stands before the last slash, if there is one.
    pub(super) resource: Option<&'a str>,
    /// What stands after it.
    pub(super) short: &'a str,
}

impl<'a> Name<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        match text.rsplit_once('/') {
            Some((resource, short)) if !resource.is_empty() && !short.is_empty() => Self {
                resource: Some(resource),
                short,
            },
            _ => Self {
                resource: None,
                short: text,
            },
        }
    }

    pub(super) fn is_default(&self) -> bool {
        is(self.short, ".default")
    }

    pub(super) fn is_openid(&self) -> bool {
        self.resource.is_none() && OPENID.iter().any(|name| is(self.short, name))
    }

    /// Tells whether the name can be one of Graph's.
    pub(super) fn is_of_graph(&self) -> bool {
        !self.is_openid() && self.resource.is_none_or(is_graph)
    }

    /// Case does not matter; a name without a resource, or with Graph's, fits the answer's own way of writing Graph.
    pub(super) fn same(&self, other: &Self) -> bool {
        let (left, right) = (self.foreign_resource(), other.foreign_resource());
        is(self.short, other.short)
            && match (left, right) {
                (Some(left), Some(right)) => same_resource(left, right),
                _ => true,
            }
    }

    /// Tells whether two names in one scope say the same twice; unlike [`Self::same`], another resource is another.
    pub(super) fn repeats(&self, other: &Self) -> bool {
        is(self.short, other.short)
            && match (self.foreign_resource(), other.foreign_resource()) {
                (Some(left), Some(right)) => same_resource(left, right),
                (left, right) => left == right,
            }
    }

    fn foreign_resource(&self) -> Option<&'a str> {
        self.resource.filter(|resource| !is_graph(resource))
    }
}

pub(super) fn is(left: &str, right: &str) -> bool {
    left.eq_ignore_ascii_case(right)
}

pub(super) fn is_graph(resource: &str) -> bool {
    GRAPH_ALIASES
        .iter()
        .any(|alias| same_resource(alias, resource))
}

/// A resource may be registered with a slash at its end, which doubles the one before the name.
pub(super) fn same_resource(left: &str, right: &str) -> bool {
    is(left.trim_end_matches('/'), right.trim_end_matches('/'))
}
