//! GUIDs as Entra writes them: lower case, hyphenated, sixteen bytes in memory.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A GUID of version 4, or a well-known one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Guid(u128);

/// The text is not a GUID.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotAGuid;

impl Guid {
    /// A well-known GUID by its number.
    pub(crate) const fn well_known(value: u128) -> Guid {
        Guid(value)
    }

    /// Sets version and variant on any 128 bits.
    pub(crate) const fn version_4(bits: u128) -> Guid {
        const VERSION: u128 = 0xf << 76;
        const VARIANT: u128 = 0x3 << 62;
        Guid((bits & !VERSION & !VARIANT) | (0x4 << 76) | (0x2 << 62))
    }

    /// A fresh random GUID.
    pub(crate) fn random() -> Guid {
        Guid::version_4(u128::from_be_bytes(crate::seal::random_bytes()))
    }

    /// The 128 bits.
    pub(crate) const fn bits(self) -> u128 {
        self.0
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v = self.0;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            v >> 96,
            (v >> 80) & 0xffff,
            (v >> 64) & 0xffff,
            (v >> 48) & 0xffff,
            v & 0xffff_ffff_ffff
        )
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Guid {
    type Err = NotAGuid;

    fn from_str(text: &str) -> Result<Guid, NotAGuid> {
        let bytes = text.as_bytes();
        if bytes.len() != 36 {
            return Err(NotAGuid);
        }
        let mut value = 0_u128;
        for (index, byte) in bytes.iter().enumerate() {
            match (index, byte) {
                (8 | 13 | 18 | 23, b'-') => {}
                (8 | 13 | 18 | 23, _) => return Err(NotAGuid),
                (_, byte) => {
                    let digit = char::from(*byte).to_digit(16).ok_or(NotAGuid)?;
                    value = (value << 4) | u128::from(digit);
                }
            }
        }
        Ok(Guid(value))
    }
}

impl Serialize for Guid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Guid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Guid, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|NotAGuid| serde::de::Error::custom(format_args!("{text:?} is not a GUID")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bits_agree() {
        let text = "00000003-0000-0000-c000-000000000000";
        let guid: Guid = text.parse().unwrap();
        assert_eq!(guid.to_string(), text);
        assert_eq!(
            guid,
            Guid::well_known(0x0000_0003_0000_0000_c000_0000_0000_0000)
        );
        assert_eq!(
            "B79FBF4D-3EF9-4689-8143-76B194E85509"
                .parse::<Guid>()
                .unwrap()
                .to_string(),
            "b79fbf4d-3ef9-4689-8143-76b194e85509"
        );
    }

    #[test]
    fn random_ones_are_version_4() {
        let text = Guid::random().to_string();
        assert_eq!(text.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&text.as_bytes()[19]));
    }

    #[test]
    fn what_is_not_a_guid_is_refused() {
        for text in [
            "",
            "contoso.example",
            "00000003-0000-0000-c000-00000000000",
            "00000003x0000-0000-c000-000000000000",
            "g0000003-0000-0000-c000-000000000000",
        ] {
            assert_eq!(text.parse::<Guid>(), Err(NotAGuid), "{text}");
        }
    }
}
