use std::collections::BTreeSet;

use flow::definition::OverlapPolicy;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn schedule(trigger: Trigger, zone: &str, catch_up: CatchUp) -> Schedule {
    Schedule {
        triggers: vec![trigger],
        time_zone: zone.to_owned(),
        overlap: OverlapPolicy::Skip,
        catch_up,
    }
}

fn cron(pattern: &str) -> Trigger {
    Trigger::Cron(pattern.to_owned())
}

#[test]
fn a_cron_time_is_the_zone_s() {
    let next = following(
        &cron("0 8 * * 1-5"),
        "Europe/Berlin",
        at("2026-06-05T06:30:00Z"),
    );
    // Friday 8:30 in Berlin; the next is on Monday.
    assert_eq!(next, Some(at("2026-06-08T06:00:00Z")));
    let winter = following(
        &cron("0 8 * * *"),
        "Europe/Berlin",
        at("2026-12-01T07:00:00Z"),
    );
    assert_eq!(winter, Some(at("2026-12-02T07:00:00Z")));
}

#[test]
fn a_time_that_is_skipped_fires_at_the_end_of_the_gap() {
    // 2026-03-29, 2:00 to 3:00 in Berlin.
    let next = following(
        &cron("30 2 * * *"),
        "Europe/Berlin",
        at("2026-03-28T12:00:00Z"),
    );
    assert_eq!(next, Some(at("2026-03-29T01:00:00Z")));
    let after = following(&cron("30 2 * * *"), "Europe/Berlin", next.unwrap());
    assert_eq!(after, Some(at("2026-03-30T00:30:00Z")));
}

#[test]
fn one_of_several_skipped_times_is_made_up_for_and_hourly_ones_go_on() {
    // 2026-03-08, 2:00 to 3:00 in New York.
    let before = at("2026-03-08T06:30:00Z");
    let listed = following(&cron("15 2,3,14 * * *"), "America/New_York", before);
    assert_eq!(listed, Some(at("2026-03-08T07:00:00Z")));
    let after = following(
        &cron("15 2,3,14 * * *"),
        "America/New_York",
        listed.unwrap(),
    );
    assert_eq!(after, Some(at("2026-03-08T07:15:00Z")));
    let hourly = following(&cron("15 * * * *"), "America/New_York", before);
    assert_eq!(hourly, Some(at("2026-03-08T07:15:00Z")));
}

#[test]
fn the_end_of_32_bits_is_a_day_as_any_and_the_end_of_time_is_an_end() {
    let daily = cron("0 0 * * *");
    let next = following(&daily, "Europe/Berlin", at("2038-01-18T23:30:00Z"));
    assert_eq!(next, Some(at("2038-01-19T23:00:00Z")));
    assert_eq!(
        following(&daily, "Europe/Berlin", at("9999-12-30T20:00:00Z")),
        None
    );
    let every = Trigger::Every(SignedDuration::from_hours(24 * 365));
    assert_eq!(following(&every, "UTC", Timestamp::MAX), None);
}

#[test]
fn a_time_that_comes_twice_fires_once() {
    // 2026-10-25, 2:00 to 3:00 twice in Berlin.
    let next = following(
        &cron("30 2 * * *"),
        "Europe/Berlin",
        at("2026-10-24T12:00:00Z"),
    );
    assert_eq!(next, Some(at("2026-10-25T00:30:00Z")));
    let after = following(&cron("30 2 * * *"), "Europe/Berlin", next.unwrap());
    assert_eq!(after, Some(at("2026-10-26T01:30:00Z")));
}

#[test]
fn what_was_missed_is_said_and_at_most_one_is_made_up_for() {
    let hourly = cron("0 * * * *");
    let (eight, late) = (at("2026-06-01T08:00:00Z"), at("2026-06-01T11:30:00Z"));
    let hours = |from: i64, to: i64| -> Vec<Timestamp> {
        (from..to)
            .map(|hour| eight + SignedDuration::from_hours(hour))
            .collect()
    };
    let one = schedule(hourly.clone(), "UTC", CatchUp::One);
    let made = due(&one, &hourly, eight, late);
    assert_eq!(
        (made.serve, made.missed),
        (Some(hours(3, 4)[0]), hours(0, 3))
    );
    assert_eq!(made.next, Some(at("2026-06-01T12:00:00Z")));
    let none = schedule(hourly.clone(), "UTC", CatchUp::None);
    let left = due(&none, &hourly, eight, late);
    assert_eq!((left.serve, left.missed), (None, hours(0, 4)));
    // A few seconds late is in time.
    let now = eight + SignedDuration::from_secs(5);
    assert_eq!(due(&none, &hourly, eight, now).serve, Some(eight));
}

#[test]
fn a_long_absence_is_reported_in_parts() {
    let often = Trigger::Every(SignedDuration::from_secs(10));
    let plan = schedule(often.clone(), "UTC", CatchUp::One);
    let (mut at, now) = (at("2026-06-01T00:00:00Z"), at("2026-06-02T00:00:05Z"));
    let (mut missed, mut served) = (0, 0);
    loop {
        let made = due(&plan, &often, at, now);
        missed += made.missed.len();
        served += usize::from(made.serve.is_some());
        at = made.next.unwrap();
        if at > now {
            break;
        }
    }
    assert_eq!((missed, served), (8640, 1));
}

/// G9, the arithmetic of it: a clock that jumps and both changes of daylight saving time in six zones, 100 schedules.
#[test]
fn each_nominal_time_comes_once_whatever_the_clock_does() {
    let zones = [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "America/St_Johns",
        "Africa/Casablanca",
        "UTC",
    ];
    let mut random: u64 = 20_260_601;
    let mut jump = move || {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        i64::try_from(random >> 33).unwrap()
    };
    for number in 0..100_usize {
        let trigger = match number % 4 {
            0 => cron(&format!("{} 2 * * *", number % 60)),
            1 => cron("*/20 * * * *"),
            2 => cron("15 1,2,3 * * *"),
            _ => Trigger::Every(SignedDuration::from_secs(613)),
        };
        let zone = zones[number % zones.len()];
        let plan = schedule(trigger.clone(), zone, CatchUp::One);
        for start in ["2026-03-01T00:00:00Z", "2026-10-15T00:00:00Z"] {
            let start = at(start);
            let mut now = start;
            let mut next = first(&plan, start)[0].1.unwrap();
            let (mut served, mut missed) = (BTreeSet::new(), BTreeSet::new());
            while now < start + SignedDuration::from_hours(30 * 24) {
                // Mostly minutes ahead, now and then a day, now and then back.
                let seconds = match jump() % 20 {
                    0 => 86_400,
                    1 => -3_600,
                    _ => jump() % 1_800,
                };
                now += SignedDuration::from_secs(seconds);
                if next > now {
                    continue;
                }
                let made = due(&plan, &trigger, next, now);
                for time in made.missed {
                    assert!(
                        missed.insert(time),
                        "{zone} {trigger:?}: {time} is missed twice"
                    );
                }
                if let Some(time) = made.serve {
                    assert!(
                        served.insert(time),
                        "{zone} {trigger:?}: {time} fires twice"
                    );
                }
                next = made.next.unwrap();
            }
            assert!(served.is_disjoint(&missed));
            // None is left out: they are exactly the times that the trigger means.
            let times = Times::of(&trigger, zone);
            let mut expected = first(&plan, start)[0].1;
            for time in served.union(&missed) {
                assert_eq!(Some(*time), expected, "{zone} {trigger:?}");
                expected = times.following(*time);
            }
        }
    }
}

#[test]
fn coming_times_are_told_of_each_trigger() {
    let day = |text: &str| at(&format!("2026-06-{text}:00Z"));
    let plan = Schedule {
        triggers: vec![
            cron("0 8 * * 1-5"),
            Trigger::Every(SignedDuration::from_hours(6)),
            Trigger::After(SignedDuration::from_hours(1)),
        ],
        ..schedule(cron("0 8 * * 1-5"), "Europe/Berlin", CatchUp::One)
    };
    let told = coming(&plan, day("05T06:30"), 3);
    let told: Vec<_> = told
        .iter()
        .map(|coming| (coming.trigger.as_str(), coming.times.as_slice()))
        .collect();
    assert_eq!(
        told,
        [
            (
                "cron 0 8 * * 1-5 Europe/Berlin",
                &[day("08T06:00"), day("09T06:00"), day("10T06:00")][..]
            ),
            (
                "every 21600000",
                &[day("05T12:30"), day("05T18:30"), day("06T00:30")]
            ),
            ("after 3600000", &[day("05T07:30")]),
        ]
    );
}
