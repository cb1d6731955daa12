//! From names to addresses that were judged: for whoever connects, and for checks at save.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::{EgressPolicy, Lane, Plain, Refused};

impl EgressPolicy {
    /// A resolver for one port and scheme: `reqwest` tells a resolver the name alone,
    /// while entries name ports, so the clients are kept apart by [`Lane`].
    pub(crate) fn resolver(&self, lane: Lane) -> Resolver {
        Resolver {
            policy: self.clone(),
            lane,
        }
    }

    /// Resolves a name and judges every answer, as a connect would; for checks at save.
    pub(crate) async fn check_resolved(&self, url: &Url) -> Result<(), Refused> {
        self.check(url)?;
        let Some(Host::Domain(name)) = url.host() else {
            return Ok(());
        };
        match lookup(name).await {
            Ok(found) => self.judge_all(name, &found, url.port_or_known_default(), Plain::of(url)),
            Err(_) => Err(Refused::NoAddress {
                host: name.to_owned(),
            }),
        }
    }

    /// The addresses that a connection to this origin may be made to, each of them judged.
    pub(crate) async fn addresses(
        &self,
        origin: &Url,
    ) -> Result<Vec<SocketAddr>, Box<dyn Error + Send + Sync>> {
        self.check(origin)?;
        let port = origin.port_or_known_default().unwrap_or(443);
        let found = match origin.host() {
            Some(Host::Ipv4(v4)) => vec![IpAddr::V4(v4)],
            Some(Host::Ipv6(v6)) => vec![IpAddr::V6(v6)],
            Some(Host::Domain(name)) => {
                let found = lookup(name).await?;
                self.judge_all(name, &found, Some(port), Plain::of(origin))?;
                found
            }
            None => Vec::new(),
        };
        let with_port = |address| SocketAddr::new(address, port);
        Ok(found.into_iter().map(with_port).collect())
    }
}

async fn lookup(name: &str) -> std::io::Result<Vec<IpAddr>> {
    #[cfg(test)]
    if name.ends_with(super::tests::INSIDE) {
        return Ok(vec![std::net::Ipv4Addr::LOCALHOST.into()]);
    }
    let found = tokio::net::lookup_host((name, 0)).await?;
    Ok(found.map(|address| address.ip()).collect())
}

/// The resolver inside the HTTP clients: it answers only with addresses that were checked.
#[derive(Debug, Clone)]
pub(crate) struct Resolver {
    policy: EgressPolicy,
    lane: Lane,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let this = self.clone();
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let found = lookup(&name).await?;
            let Lane { port, plain } = this.lane;
            this.policy.judge_all(&name, &found, port, plain)?;
            let addresses: Addrs =
                Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}
