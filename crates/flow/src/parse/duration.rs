//! Lengths of time: an object of numbers, ISO 8601 without years and months, or an expression that yields the latter.

use jiff::SignedDuration;

use super::Reader;
use super::expression::strict;
use super::fields::At;
use super::findings::SCHEMA;
use super::scope::Scope;
use super::tree::Data;
use crate::definition::Duration;

/// Why text is no length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoDuration {
    /// Years and months.
    #[error("years and months have no fixed length")]
    NotFixed,
    /// Something else.
    #[error("this is no ISO 8601 duration such as PT30S or P1DT12H")]
    NotIso8601,
    /// More than can be counted.
    #[error("this is longer than can be counted")]
    TooLong,
}

/// Nanoseconds of what an ISO 8601 duration can name.
const UNITS: [(char, i128); 5] = [
    ('W', 7 * 86_400_000_000_000),
    ('D', 86_400_000_000_000),
    ('H', 3_600_000_000_000),
    ('M', 60_000_000_000),
    ('S', 1_000_000_000),
];

/// Reads an ISO 8601 duration of fixed length: weeks, days, hours, minutes, seconds, in this order, each with a fraction if need be.
pub fn parse_iso8601(text: &str) -> Result<SignedDuration, NoDuration> {
    let rest = text
        .trim()
        .strip_prefix('P')
        .ok_or(NoDuration::NotIso8601)?;
    let (date, time) = match rest.split_once('T') {
        Some((_, "")) => return Err(NoDuration::NotIso8601),
        Some((date, time)) => (date, time),
        None => (rest, ""),
    };
    if date.is_empty() && time.is_empty() {
        return Err(NoDuration::NotIso8601);
    }
    if date.contains(['Y', 'M']) {
        return Err(NoDuration::NotFixed);
    }
    let total = components(date, &UNITS[..2])?
        .checked_add(components(time, &UNITS[2..])?)
        .ok_or(NoDuration::TooLong)?;
    nanoseconds(total)
}

fn components(mut text: &str, units: &[(char, i128)]) -> Result<i128, NoDuration> {
    let mut units = units.iter();
    let mut total: i128 = 0;
    while !text.is_empty() {
        let end = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or(NoDuration::NotIso8601)?;
        let (number, rest) = text.split_at(end);
        let mut characters = rest.chars();
        let letter = characters.next().ok_or(NoDuration::NotIso8601)?;
        text = characters.as_str();
        let (_, unit) = units
            .find(|(name, _)| *name == letter)
            .ok_or(NoDuration::NotIso8601)?;
        total = total
            .checked_add(scaled(number, *unit)?)
            .ok_or(NoDuration::TooLong)?;
    }
    Ok(total)
}

/// A decimal number of units in nanoseconds; what is smaller is cut off.
fn scaled(number: &str, unit: i128) -> Result<i128, NoDuration> {
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() && !fraction.contains('.') => {
            (whole, fraction)
        }
        Some(_) => return Err(NoDuration::NotIso8601),
        None => (number, ""),
    };
    if whole.is_empty() {
        return Err(NoDuration::NotIso8601);
    }
    let whole: i128 = whole.parse().map_err(|_| NoDuration::TooLong)?;
    let whole = whole.checked_mul(unit).ok_or(NoDuration::TooLong)?;
    let digits = &fraction[..fraction.len().min(18)];
    let part = match digits {
        "" => 0,
        digits => {
            let power = 10_i128.pow(u32::try_from(digits.len()).unwrap_or(18));
            digits.parse::<i128>().map_err(|_| NoDuration::NotIso8601)? * unit / power
        }
    };
    whole.checked_add(part).ok_or(NoDuration::TooLong)
}

fn nanoseconds(total: i128) -> Result<SignedDuration, NoDuration> {
    // a thousand years: far beyond any run, and far from every overflow of adding to a time
    const LONGEST: i128 = 1_000 * 366 * 86_400_000_000_000;
    if total.abs() > LONGEST {
        return Err(NoDuration::TooLong);
    }
    let seconds = i64::try_from(total / 1_000_000_000).map_err(|_| NoDuration::TooLong)?;
    let rest = i32::try_from(total % 1_000_000_000).map_err(|_| NoDuration::TooLong)?;
    Ok(SignedDuration::new(seconds, rest))
}

impl<'t> Reader<'_, 't> {
    pub(super) fn duration(&mut self, at: &At<'t>, scope: &Scope) -> Option<Duration> {
        match &at.node.data {
            Data::Map(_) => self.duration_object(at).map(Duration::Fixed),
            Data::Text(text) if strict(&text.value).is_some() => {
                self.expression(at, scope).map(Duration::Expression)
            }
            _ => self.fixed_duration(at).map(Duration::Fixed),
        }
    }

    /// One that is longer than nothing, as far as can be seen.
    pub(super) fn positive_duration(&mut self, at: &At<'t>, scope: &Scope) -> Option<Duration> {
        let duration = self.duration(at, scope)?;
        if let Duration::Fixed(fixed) = duration
            && fixed <= SignedDuration::ZERO
        {
            self.error(at, SCHEMA, "this has to be longer than nothing");
            return None;
        }
        Some(duration)
    }

    /// One that is known when the flow is saved.
    pub(super) fn fixed_duration(&mut self, at: &At<'t>) -> Option<SignedDuration> {
        if at.is_map() {
            return self.duration_object(at);
        }
        let text = self.text(at)?;
        if strict(text).is_some() {
            self.error(
                at,
                SCHEMA,
                "this has to be known before a run begins: no expression can stand here",
            );
            return None;
        }
        match parse_iso8601(text) {
            Ok(duration) => Some(duration),
            Err(error) => {
                self.error(at, SCHEMA, error.to_string())
                    .hint("write for example PT30S, or an object such as seconds: 30");
                None
            }
        }
    }

    fn duration_object(&mut self, at: &At<'t>) -> Option<SignedDuration> {
        const KEYS: [(&str, i128); 5] = [
            ("days", 86_400_000_000_000),
            ("hours", 3_600_000_000_000),
            ("minutes", 60_000_000_000),
            ("seconds", 1_000_000_000),
            ("milliseconds", 1_000_000),
        ];
        let fields = self.fields(at, &KEYS.map(|(key, _)| key))?;
        let mut total: i128 = 0;
        let mut written = 0;
        for (key, unit) in KEYS {
            let Some(member) = fields.get(key) else {
                continue;
            };
            total += i128::from(self.integer(&member)?) * unit;
            written += 1;
        }
        if written == 0 && at.members().next().is_some() {
            // its keys are unknown, which is said already
            return None;
        }
        if written == 0 {
            self.error(
                at,
                SCHEMA,
                "a length of time has at least one of days, hours, minutes, seconds, milliseconds",
            );
            return None;
        }
        match nanoseconds(total) {
            Ok(duration) => Some(duration),
            Err(error) => {
                self.error(at, SCHEMA, error.to_string());
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_8601_of_fixed_length() {
        let check = |text: &str, expected: Result<(i64, i32), NoDuration>| {
            let expected =
                expected.map(|(seconds, nanoseconds)| SignedDuration::new(seconds, nanoseconds));
            assert_eq!(parse_iso8601(text), expected, "{text}");
        };
        check("PT30S", Ok((30, 0)));
        check("P1DT12H", Ok((129_600, 0)));
        check("P1W", Ok((604_800, 0)));
        check("PT0.5S", Ok((0, 500_000_000)));
        check("PT1.5H", Ok((5_400, 0)));
        check("PT0S", Ok((0, 0)));
        for text in ["P1Y", "P1M", "P1Y2M3D"] {
            check(text, Err(NoDuration::NotFixed));
        }
        for text in [
            "", "P", "PT", "P1DT", "1h", "PT1S1H", "PT1.S", "PT.5S", "PT1.2.3S", "-PT1S", "PT1X",
            "PT5", "P1H", "pt1s",
        ] {
            check(text, Err(NoDuration::NotIso8601));
        }
        for text in [
            "P999999999W",
            "PT99999999999999999999999999999999999999999999S",
        ] {
            check(text, Err(NoDuration::TooLong));
        }
    }
}
