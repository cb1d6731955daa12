//! What a plain scalar means: the core schema of YAML 1.2 (§10.3.2), which JSON's literals are a part of.

use serde_json::Number;

use super::tree::Data;

/// Why a scalar has no meaning here.
pub(super) enum Meaningless {
    /// `.inf` and `.nan`: JSON has none.
    NotFinite,
}

/// What an unquoted scalar stands for. `on`, `no`, dates and versions are text.
pub(super) fn resolve(text: &str) -> Result<Data, Meaningless> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Data::Null,
        "true" | "True" | "TRUE" => Data::Bool(true),
        "false" | "False" | "FALSE" => Data::Bool(false),
        _ => {
            let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
            if matches!(unsigned, ".inf" | ".Inf" | ".INF")
                || matches!(text, ".nan" | ".NaN" | ".NAN")
            {
                return Err(Meaningless::NotFinite);
            }
            match number(text, unsigned) {
                Shape::Number(number) => Data::Number(number),
                Shape::TooLarge => return Err(Meaningless::NotFinite),
                Shape::Text => Data::Text(super::tree::Text::plain(text)),
            }
        }
    })
}

/// What a scalar looks like.
enum Shape {
    Text,
    Number(Number),
    /// A number that JSON's readers would not hold.
    TooLarge,
}

impl From<Option<Number>> for Shape {
    fn from(number: Option<Number>) -> Shape {
        number.map_or(Shape::TooLarge, Shape::Number)
    }
}

fn number(text: &str, unsigned: &str) -> Shape {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(rest) = text.strip_prefix(prefix) {
            if rest.is_empty() || !rest.chars().all(|c| c.is_digit(radix)) {
                return Shape::Text;
            }
            return u64::from_str_radix(rest, radix)
                .ok()
                .map(Number::from)
                .into();
        }
    }
    if digits(unsigned) {
        let plain = text.strip_prefix('+').unwrap_or(text);
        let whole = plain
            .parse::<i64>()
            .map(Number::from)
            .or_else(|_| plain.parse::<u64>().map(Number::from));
        return whole.ok().or_else(|| float(plain)).into();
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let well_formed = (whole.is_empty() || digits(whole))
        && (fraction.is_empty() || digits(fraction))
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|e| digits(e.strip_prefix(['-', '+']).unwrap_or(e)));
    if !well_formed {
        return Shape::Text;
    }
    float(text).into()
}

fn float(text: &str) -> Option<Number> {
    Number::from_f64(text.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = match resolve(text) {
            Ok(data) => data.to_json().to_string(),
            Err(Meaningless::NotFinite) => "refused".to_owned(),
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn the_core_schema_holds() {
        for text in [
            "on",
            "no",
            "yes",
            "y",
            "NO",
            "2026-01-01",
            "1.0.0",
            "1_000",
            "0x",
            "0o9",
            "e3",
            ".",
            "-",
            "+",
            "1e",
            "12:30",
        ] {
            check(text, &format!("{text:?}"));
        }
        for (text, expected) in [
            ("true", "true"),
            ("FALSE", "false"),
            ("~", "null"),
            ("", "null"),
            ("010", "10"),
            ("-7", "-7"),
            ("+7", "7"),
            ("0x1F", "31"),
            ("0o17", "15"),
            (".5", "0.5"),
            ("1.", "1.0"),
            ("1e3", "1000.0"),
            ("18446744073709551615", "18446744073709551615"),
            ("-9223372036854775808", "-9223372036854775808"),
            (".inf", "refused"),
            ("-.Inf", "refused"),
            (".nan", "refused"),
            ("1e999", "refused"),
        ] {
            check(text, expected);
        }
    }
}
