//! `schedule`, and the settings that belong to it.

use croner::parser::CronParser;
use jiff::SignedDuration;
use jiff::civil::date;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::Reader;
use super::data::flat;
use super::fields::{At, Fields, shown};
use super::findings::SCHEMA;
use super::scope::{Place, Scope};
use crate::definition::listen::Read;
use crate::definition::schedule::{CatchUp, OverlapPolicy, Schedule, Trigger};
use crate::limits;

/// What `document.metadata.keyway` says of schedules.
#[derive(Debug, Clone)]
pub(super) struct Timing {
    time_zone: String,
    overlap: OverlapPolicy,
    catch_up: CatchUp,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing {
            time_zone: "UTC".to_owned(),
            overlap: OverlapPolicy::default(),
            catch_up: CatchUp::default(),
        }
    }
}

impl<'t> Reader<'_, 't> {
    pub(super) fn timing(&mut self, fields: &Fields<'t>) -> Option<Timing> {
        let overlaps = [
            ("skip", OverlapPolicy::Skip),
            ("queue", OverlapPolicy::Queue),
            ("parallel", OverlapPolicy::Parallel),
        ];
        let overlap = fields.get("overlap").map(|at| self.word(&at, &overlaps));
        let catch_ups = [("none", CatchUp::None), ("one", CatchUp::One)];
        let catch_up = fields.get("catchUp").map(|at| self.word(&at, &catch_ups));
        let time_zone = fields.get("timeZone").map(|at| self.time_zone(&at));
        Some(Timing {
            time_zone: flat(time_zone)?.unwrap_or_else(|| Timing::default().time_zone),
            overlap: flat(overlap)?.unwrap_or_default(),
            catch_up: flat(catch_up)?.unwrap_or_default(),
        })
    }

    fn time_zone(&mut self, at: &At<'t>) -> Option<String> {
        let name = self.name(at)?;
        // the database in the binary, not the host's: every host means the same by a name
        let zones = TimeZoneDatabase::bundled();
        if let Ok(zone) = zones.get(name) {
            return Some(zone.iana_name().unwrap_or(name).to_owned());
        }
        let names: Vec<String> = zones.available().map(|name| name.to_string()).collect();
        let near =
            super::nearest::nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
        self.error(
            at,
            SCHEMA,
            format!("there is no time zone `{}`", shown(name)),
        )
        .hint(near.map_or_else(
            || "an IANA name, such as Europe/Berlin".to_owned(),
            |near| format!("did you mean `{near}`?"),
        ));
        None
    }

    pub(super) fn schedule(&mut self, at: &At<'t>, timing: Timing) -> Option<Schedule> {
        let fields = self.fields(at, &["every", "cron", "after", "on"])?;
        let every = fields.get("every").map(|at| self.every(&at));
        let cron = fields.get("cron").map(|at| self.cron(&at));
        let after = fields.get("after").map(|at| self.after(&at));
        let on = fields.get("on").map(|at| {
            let to = self.consume(&at, &Scope::new(Place::Event))?;
            let read = Read::Envelope;
            Some(Trigger::On { to, read })
        });
        let triggers: Vec<_> = [every, cron, after, on].into_iter().flatten().collect();
        if triggers.is_empty() {
            self.error(
                at,
                SCHEMA,
                "a schedule has at least one of every, cron, after, on",
            );
            return None;
        }
        Some(Schedule {
            triggers: triggers.into_iter().collect::<Option<_>>()?,
            time_zone: timing.time_zone,
            overlap: timing.overlap,
            catch_up: timing.catch_up,
        })
    }

    fn every(&mut self, at: &At<'t>) -> Option<Trigger> {
        self.pause(at).map(Trigger::Every)
    }

    fn after(&mut self, at: &At<'t>) -> Option<Trigger> {
        self.pause(at).map(Trigger::After)
    }

    /// A duration that a schedule may leave between two starts.
    fn pause(&mut self, at: &At<'t>) -> Option<SignedDuration> {
        let duration = self.fixed_duration(at)?;
        if duration < SignedDuration::from_secs(limits::EVERY_SECONDS) {
            self.error(
                at,
                SCHEMA,
                format!(
                    "a flow can't start more often than every {} seconds",
                    limits::EVERY_SECONDS
                ),
            );
            return None;
        }
        Some(duration)
    }

    fn cron(&mut self, at: &At<'t>) -> Option<Trigger> {
        let text = self.name(at)?;
        match cron(text) {
            Ok(()) => Some(Trigger::Cron(text.to_owned())),
            Err((message, hint)) => {
                self.error(at, SCHEMA, message).hint(hint);
                None
            }
        }
    }
}

/// Whether text is a cron expression of five fields that fires some day.
fn cron(text: &str) -> Result<(), (String, &'static str)> {
    const FIELDS: &str = "minute hour day-of-month month day-of-week, such as 30 6 * * 1-5";
    let fields = text.split_whitespace().count();
    if fields != 5 {
        return Err((
            format!("a cron expression has five fields, not {fields}"),
            FIELDS,
        ));
    }
    let pattern = CronParser::builder().build().parse(text).map_err(|error| {
        (
            format!("this is no cron expression: {}", shown(&error.to_string())),
            FIELDS,
        )
    })?;
    // from a leap year on, so that 29 February is not taken for a day that never comes
    let from = date(2024, 1, 1)
        .to_zoned(TimeZone::UTC)
        .expect("a date of this century is in range");
    match pattern.find_next_occurrence(&from, true) {
        Ok(_) => Ok(()),
        Err(_) => Err(("this never fires: no such day comes".to_owned(), FIELDS)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cron_has_five_fields_and_fires() {
        for text in [
            "0 0 * * *",
            "*/5 * * * *",
            "30 6 * * 1-5",
            "0 0 29 2 *",
            "0 9 L * *",
            "0 9 * * MON#1",
        ] {
            assert_eq!(cron(text), Ok(()), "{text}");
        }
        for text in [
            "* * * * * *",
            "* * * *",
            "@daily",
            "61 * * * *",
            "a b c d e",
            "0 0 30 2 *",
            "0 0 31 4 *",
        ] {
            assert!(cron(text).is_err(), "{text}");
        }
    }
}
