//! The address ranges nobody may be sent to unless the operator named them.
//!
//! Sources: the IANA special-purpose registries for IPv4 and IPv6 (RFC 6890), RFC 6052
//! (NAT64), RFC 3056 (6to4), RFC 4380 (Teredo) and the well-known metadata addresses.
//! It judges single addresses; names, ports and exceptions are the parent module's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// Metadata services at addresses that no range below covers.
const METADATA_V4: [Ipv4Addr; 1] = [Ipv4Addr::new(168, 63, 129, 16)];

const fn v4(a: u8, b: u8, c: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, 0), prefix)
}

const fn v6(head: [u16; 3], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(
        Ipv6Addr::new(head[0], head[1], head[2], 0, 0, 0, 0, 0),
        prefix,
    )
}

const FORBIDDEN_V4: [(Ipv4Net, &str); 18] = [
    (v4(0, 0, 0, 8), "this host or network (0.0.0.0/8)"),
    (v4(10, 0, 0, 8), "private network (10.0.0.0/8)"),
    (v4(100, 64, 0, 10), "carrier-grade NAT (100.64.0.0/10)"),
    (v4(127, 0, 0, 8), "loopback (127.0.0.0/8)"),
    (
        v4(169, 254, 0, 16),
        "link-local and metadata (169.254.0.0/16)",
    ),
    (v4(172, 16, 0, 12), "private network (172.16.0.0/12)"),
    (v4(192, 0, 0, 24), "protocol assignments (192.0.0.0/24)"),
    (v4(192, 0, 2, 24), "documentation (192.0.2.0/24)"),
    (v4(192, 31, 196, 24), "AS112 (192.31.196.0/24)"),
    (
        v4(192, 52, 193, 24),
        "multicast tunnelling (192.52.193.0/24)",
    ),
    (v4(192, 88, 99, 24), "6to4 relay (192.88.99.0/24)"),
    (v4(192, 168, 0, 16), "private network (192.168.0.0/16)"),
    (v4(192, 175, 48, 24), "AS112 (192.175.48.0/24)"),
    (v4(198, 18, 0, 15), "benchmarking (198.18.0.0/15)"),
    (v4(198, 51, 100, 24), "documentation (198.51.100.0/24)"),
    (v4(203, 0, 113, 24), "documentation (203.0.113.0/24)"),
    (v4(224, 0, 0, 4), "multicast (224.0.0.0/4)"),
    (v4(240, 0, 0, 4), "reserved or broadcast (240.0.0.0/4)"),
];

const FORBIDDEN_V6: [(Ipv6Net, &str); 12] = [
    (v6([0x64, 0xff9b, 1], 48), "local NAT64 (64:ff9b:1::/48)"),
    (v6([0x100, 0, 0], 64), "discard (100::/64)"),
    (v6([0x2001, 0, 0], 32), "Teredo (2001::/32)"),
    (v6([0x2001, 0, 0], 23), "protocol assignments (2001::/23)"),
    (v6([0x2001, 0xdb8, 0], 32), "documentation (2001:db8::/32)"),
    (v6([0x2002, 0, 0], 16), "6to4 (2002::/16)"),
    (v6([0x2620, 0x4f, 0x8000], 48), "AS112 (2620:4f:8000::/48)"),
    (v6([0x3fff, 0, 0], 20), "documentation (3fff::/20)"),
    (v6([0xfc00, 0, 0], 7), "unique local (fc00::/7)"),
    (v6([0xfe80, 0, 0], 10), "link-local (fe80::/10)"),
    (v6([0xfec0, 0, 0], 10), "site-local (fec0::/10)"),
    (v6([0xff00, 0, 0], 8), "multicast (ff00::/8)"),
];

/// The well-known NAT64 prefix (RFC 6052): the IPv4 address inside decides.
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0], 96);
/// What IANA has given out for global unicast; all else is somebody's private matter.
const GLOBAL_UNICAST: Ipv6Net = v6([0x2000, 0, 0], 3);

/// The address that is really meant: an IPv4 address written as an IPv4-mapped IPv6 address is IPv4.
pub(super) fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// Says why an address is not part of the public internet, or nothing if it is.
pub(super) fn forbidden(address: IpAddr) -> Option<&'static str> {
    match unmapped(address) {
        IpAddr::V4(v4) => forbidden_v4(v4),
        IpAddr::V6(v6) => forbidden_v6(v6),
    }
}

fn forbidden_v4(address: Ipv4Addr) -> Option<&'static str> {
    if METADATA_V4.contains(&address) {
        return Some("cloud metadata service");
    }
    FORBIDDEN_V4
        .iter()
        .find(|(net, _)| net.contains(&address))
        .map(|(_, reason)| *reason)
}

fn forbidden_v6(address: Ipv6Addr) -> Option<&'static str> {
    if address.is_loopback() {
        return Some("loopback (::1)");
    }
    if address.is_unspecified() {
        return Some("unspecified address (::)");
    }
    if NAT64.contains(&address) {
        let [.., a, b, c, d] = address.octets();
        return forbidden_v4(Ipv4Addr::new(a, b, c, d));
    }
    if let Some((_, reason)) = FORBIDDEN_V6.iter().find(|(net, _)| net.contains(&address)) {
        return Some(reason);
    }
    (!GLOBAL_UNICAST.contains(&address)).then_some("outside the global unicast range (2000::/3)")
}
