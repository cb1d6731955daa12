//! The egress guard: which addresses Keyway may be made to talk to.
//!
//! Default deny. Public addresses over https are allowed; private, loopback, link-local,
//! metadata and all other special ranges are not, unless `egress.allow` names them with
//! their port. IP literals are judged before a request is sent; names are judged by the
//! resolver that the HTTP client itself uses, so the address checked is the address
//! connected to. The guard does not know origins or credentials: see `target.rs`.

mod ranges;
mod resolve;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use url::{Host, Url};

/// Ports that other protocols own (the fetch standard's list): https on them is never meant.
const BAD_PORTS: [u16; 81] = [
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102,
    103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465,
    512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993,
    995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668,
    6669, 6679, 6697,
];

const LOCALHOST: &str = "localhost";

/// One line of `egress.allow`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    /// Any port, http and https, on 127.0.0.0/8 and `::1`.
    Loopback,
    /// These addresses with this port.
    Net { net: IpNet, port: u16 },
    /// This host name with this port, wherever on a private network it points.
    Name { name: String, port: u16 },
}

/// The operator's exceptions to the default deny, read once at start.
#[derive(Debug, Clone, Default)]
pub struct EgressPolicy {
    rules: Arc<[Rule]>,
}

/// An entry of `egress.allow` that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "egress.allow entry \"{entry}\" is not understood: {why}; write host:port, address:port, [v6]:port, CIDR:port or the word loopback"
)]
pub struct PolicyError {
    /// The entry as written.
    pub entry: String,
    /// What is wrong with it.
    pub why: String,
}

/// Why a request was not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The URL is not one that Keyway sends anything to.
    Url {
        /// The URL's scheme and host.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The address is forbidden and no entry of `egress.allow` names it.
    Address {
        /// The host as written in the URL.
        host: String,
        /// The address that it stands for.
        address: IpAddr,
        /// The port.
        port: u16,
        /// Which range forbids it.
        why: &'static str,
    },
    /// The port belongs to another protocol.
    Port {
        /// The host as written in the URL.
        host: String,
        /// The port.
        port: u16,
    },
    /// The name has no address at all.
    NoAddress {
        /// The host as written in the URL.
        host: String,
    },
}

impl Refused {
    /// The stable code of this refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Refused::Url { .. } => "connection.url_invalid",
            Refused::Address { .. } | Refused::Port { .. } => "egress.address_forbidden",
            Refused::NoAddress { .. } => "upstream.unresolvable",
        }
    }

    /// The exact entry for `egress.allow` that would allow this, where one can.
    pub fn line(&self) -> Option<String> {
        match self {
            // It stands for two addresses, and the name opens both.
            Refused::Address { host, port, .. } if host == LOCALHOST => {
                Some(format!("{LOCALHOST}:{port}"))
            }
            Refused::Address { address, port, .. } => {
                Some(SocketAddr::new(*address, *port).to_string())
            }
            Refused::Port { host, port } => Some(format!("{host}:{port}")),
            Refused::Url { .. } | Refused::NoAddress { .. } => None,
        }
    }

    /// The refusal of an address with the port of the URL that was asked for: a resolver knows the name alone.
    pub(crate) fn of_url(mut self, url: &Url) -> Refused {
        if let (Refused::Address { port, .. }, Some(asked)) =
            (&mut self, url.port_or_known_default())
        {
            *port = asked;
        }
        self
    }

    /// What the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        let line = self.line()?;
        Some(format!(
            "if this is meant, the operator adds \"{line}\" to egress.allow in the configuration (or starts with KEYWAY_EGRESS_ALLOW={line}) and restarts"
        ))
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Url { url, why } => write!(f, "{url} is refused: {why}"),
            Refused::Address {
                host,
                address,
                port,
                why,
            } => {
                let literal = host.trim_matches(['[', ']']) == address.to_string();
                if literal {
                    write!(f, "address {address} port {port} is forbidden: {why}")
                } else {
                    write!(
                        f,
                        "host {host} stands for address {address} port {port}, which is forbidden: {why}"
                    )
                }
            }
            Refused::Port { host, port } => write!(
                f,
                "{host} port {port} is forbidden: the port belongs to another protocol"
            ),
            Refused::NoAddress { host } => write!(f, "host {host} has no address"),
        }
    }
}

impl std::error::Error for Refused {}

impl EgressPolicy {
    /// Reads the entries of `egress.allow`; all complaints come at once.
    pub fn parse<S: AsRef<str>>(entries: &[S]) -> Result<EgressPolicy, Vec<PolicyError>> {
        let mut rules = Vec::new();
        let mut errors = Vec::new();
        for entry in entries {
            let entry = entry.as_ref().trim();
            match Rule::parse(entry) {
                Ok(rule) => rules.push(rule),
                Err(why) => errors.push(PolicyError {
                    entry: entry.to_owned(),
                    why,
                }),
            }
        }
        if errors.is_empty() {
            Ok(EgressPolicy {
                rules: rules.into(),
            })
        } else {
            Err(errors)
        }
    }

    /// One warning for each hole the operator made, to be logged at start.
    pub fn warnings(&self) -> Vec<String> {
        self.rules
            .iter()
            .map(|rule| {
                format!(
                    "egress.allow opens {rule}: connections can reach it with their credentials"
                )
            })
            .collect()
    }

    /// Judges what can be judged before the name is resolved: scheme, IP literal, port.
    pub fn check(&self, url: &Url) -> Result<(), Refused> {
        let refuse = |why| {
            Err(Refused::Url {
                url: shown(url),
                why,
            })
        };
        let plain = match url.scheme() {
            "https" => false,
            "http" => true,
            _ => return refuse("only https URLs are used"),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("a URL must not hold a user name or password");
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return refuse("the URL has no host");
        };
        let address = match host {
            Host::Ipv4(v4) => Some(IpAddr::V4(v4)),
            Host::Ipv6(v6) => Some(IpAddr::V6(v6)),
            Host::Domain("") => return refuse("the URL has no host"),
            // RFC 6761 §6.3: this name is known without asking.
            Host::Domain(LOCALHOST) => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            Host::Domain(_) => None,
        };
        let name = host.to_string();
        if let Some(address) = address {
            return self.judge(&name, address, Some(port), Plain::from_flag(plain));
        }
        if plain && !self.opens_loopback(&name, port) {
            return refuse("https only (http is for loopback addresses that egress.allow opens)");
        }
        self.check_port(&name, port)
    }

    /// Judges the address that a host name turned out to have. Without a port no entry but `loopback` opens it,
    /// and whoever knows the URL says the port to the refusal ([`Refused::of_url`]).
    fn judge(
        &self,
        host: &str,
        address: IpAddr,
        port: Option<u16>,
        plain: Plain,
    ) -> Result<(), Refused> {
        let real = ranges::unmapped(address);
        let loopback = real.is_loopback();
        if plain == Plain::Yes && !loopback {
            return Err(Refused::Url {
                url: format!("http://{host}"),
                why: "https only (http is for loopback addresses that egress.allow opens)",
            });
        }
        if self.names(host, real, port) {
            return Ok(());
        }
        match (ranges::forbidden(address), port) {
            (Some(why), port) => Err(Refused::Address {
                host: host.to_owned(),
                address: real,
                port: port.unwrap_or_default(),
                why,
            }),
            (None, Some(port)) if BAD_PORTS.contains(&port) => Err(Refused::Port {
                host: host.to_owned(),
                port,
            }),
            (None, _) => Ok(()),
        }
    }

    fn check_port(&self, host: &str, port: u16) -> Result<(), Refused> {
        // Under `loopback` a name may use any port: the resolver sees to the address.
        let loopback = self.rules.contains(&Rule::Loopback);
        if BAD_PORTS.contains(&port) && !self.names_port(port) && !loopback {
            return Err(Refused::Port {
                host: host.to_owned(),
                port,
            });
        }
        Ok(())
    }

    /// Whether an entry names this address and port.
    fn names(&self, host: &str, address: IpAddr, port: Option<u16>) -> bool {
        let host = host.trim_end_matches('.');
        self.rules.iter().any(|rule| match rule {
            Rule::Loopback => address.is_loopback(),
            Rule::Net { net, port: p } => Some(*p) == port && net.contains(&address),
            Rule::Name { name, port: p } => {
                Some(*p) == port && name.eq_ignore_ascii_case(host) && private(address)
            }
        })
    }

    /// Whether an entry names this port, whatever the address.
    fn names_port(&self, port: u16) -> bool {
        self.rules.iter().any(|rule| match rule {
            Rule::Loopback => false,
            Rule::Net { port: p, .. } | Rule::Name { port: p, .. } => *p == port,
        })
    }

    /// Whether http to this name could be meant at all.
    fn opens_loopback(&self, host: &str, port: u16) -> bool {
        let host = host.trim_end_matches('.');
        // RFC 6761 §6.3: these names, and no others, are loopback for everybody.
        let local = host == LOCALHOST || host.ends_with(".localhost");
        self.rules.iter().any(|rule| match rule {
            Rule::Loopback => local,
            Rule::Net { net, port: p } => local && *p == port && net.addr().is_loopback(),
            Rule::Name { name, port: p } => *p == port && name.eq_ignore_ascii_case(host),
        })
    }

    /// Which kind of client must carry a request to this URL.
    pub(crate) fn lane(&self, url: &Url) -> Lane {
        let port = url.port_or_known_default().unwrap_or(443);
        let special = self.names_port(port) || BAD_PORTS.contains(&port);
        Lane {
            port: special.then_some(port),
            plain: Plain::of(url),
        }
    }

    fn judge_all(
        &self,
        name: &str,
        found: &[IpAddr],
        port: Option<u16>,
        plain: Plain,
    ) -> Result<(), Refused> {
        if found.is_empty() {
            return Err(Refused::NoAddress {
                host: name.to_owned(),
            });
        }
        found
            .iter()
            .try_for_each(|address| self.judge(name, *address, port, plain))
    }
}

/// Ranges that a *name* entry opens: private networks, never link-local or metadata.
fn private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_private() || v4.is_loopback() || {
                let [a, b, ..] = v4.octets();
                a == 100 && (64..128).contains(&b) && v4.octets() != [100, 100, 100, 200]
            }
        }
        IpAddr::V6(v6) => {
            v6.is_loopback() || (v6.is_unique_local() && v6.segments()[..2] != [0xfd00, 0xec2])
        }
    }
}

/// Scheme and host of a URL, safe to print: no user info, path or query.
fn shown(url: &Url) -> String {
    match url.host() {
        Some(host) => format!("{}://{host}", url.scheme()),
        None => format!("{}:", url.scheme()),
    }
}

/// Whether a request goes over http without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Plain {
    No,
    Yes,
}

impl Plain {
    fn from_flag(plain: bool) -> Plain {
        if plain { Plain::Yes } else { Plain::No }
    }

    fn of(url: &Url) -> Plain {
        Plain::from_flag(url.scheme() == "http")
    }
}

/// A class of requests that one client with one resolver may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Lane {
    /// The port, where it makes a difference; the ports that no entry names share a lane, and no entry opens it.
    port: Option<u16>,
    plain: Plain,
}

impl Rule {
    fn parse(entry: &str) -> Result<Rule, String> {
        if entry.eq_ignore_ascii_case("loopback") {
            return Ok(Rule::Loopback);
        }
        if entry.contains("://") {
            return Err("a scheme does not belong here".to_owned());
        }
        let (host, port) = entry
            .rsplit_once(':')
            .ok_or_else(|| "the port is missing".to_owned())?;
        let port: u16 = match port.parse() {
            Ok(port) if port != 0 => port,
            _ => return Err(format!("\"{port}\" is no port (1 to 65535)")),
        };
        if let Some(inner) = host.strip_prefix('[') {
            // [v6]:port, [v6/64]:port and [v6]/64:port all mean the obvious thing.
            let inner = inner.replacen(']', "", 1);
            return match net(&inner) {
                Some(net @ IpNet::V6(_)) => Ok(Rule::Net { net, port }),
                _ => Err("there is no IPv6 address between the brackets".to_owned()),
            };
        }
        if host.contains(':') {
            return Err("write an IPv6 address in brackets".to_owned());
        }
        if let Some(net) = net(host) {
            return Ok(Rule::Net { net, port });
        }
        if host.contains('/') {
            return Err("the network is not a CIDR block".to_owned());
        }
        match Host::parse(host) {
            Ok(Host::Domain(name)) if !name.contains('*') => Ok(Rule::Name {
                name: name.trim_end_matches('.').to_ascii_lowercase(),
                port,
            }),
            Ok(Host::Ipv4(v4)) => Ok(Rule::Net {
                net: IpNet::from(IpAddr::V4(v4)),
                port,
            }),
            _ => Err(format!("\"{host}\" is neither a host nor an address")),
        }
    }
}

/// An address or CIDR block; IPv4-mapped IPv6 is taken for the IPv4 that it is.
fn net(text: &str) -> Option<IpNet> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(IpNet::from(ranges::unmapped(address)));
    }
    text.parse::<IpNet>().ok().map(|net| net.trunc())
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::Loopback => f.write_str("any port on 127.0.0.0/8 and ::1, http included"),
            Rule::Net { net, port } => write!(f, "{net} port {port}"),
            Rule::Name { name, port } => write!(f, "host {name} port {port}"),
        }
    }
}

#[cfg(test)]
mod tests;
