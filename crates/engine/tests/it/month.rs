//! G9: a month of schedules through the real store, with a clock that jumps and both changes of daylight saving time.
//!
//! 40 schedules by default; `KEYWAY_PROOF_CASES` says how many otherwise (`make proof`). What a schedule means is worked out
//! here by other means than the engine's: day by day, from the time zone alone.

use std::collections::BTreeSet;

use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde_json::json;
use store::{Actor, RunFilter, RunId};

use crate::house::{House, house, until};

const ZONES: [&str; 6] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Africa/Casablanca",
    "UTC",
];
const MONTH: SignedDuration = SignedDuration::from_hours(30 * 24);

/// One schedule: what its flow says, and what that means.
struct Plan {
    name: String,
    zone: &'static str,
    /// Minute and hours of each day; none: every so many seconds.
    times: Vec<Time>,
    every: i64,
}

impl Plan {
    fn new(number: usize) -> Plan {
        let minute = i8::try_from(number % 60).unwrap();
        let hours: &[i8] = match number % 4 {
            0 => &[2],
            1 => &[1, 2, 3],
            2 => &[0, 6, 12, 18],
            _ => &[],
        };
        Plan {
            name: format!("plan-{number}"),
            zone: ZONES[number % ZONES.len()],
            times: hours
                .iter()
                .map(|hour| Time::constant(*hour, minute, 0, 0))
                .collect(),
            every: 5_000 + i64::try_from(number).unwrap(),
        }
    }

    fn text(&self) -> String {
        let schedule = match self.times.first() {
            None => format!("every: {{seconds: {}}}", self.every),
            Some(first) => {
                let hours: Vec<String> = self
                    .times
                    .iter()
                    .map(|time| time.hour().to_string())
                    .collect();
                format!("cron: '{} {} * * *'", first.minute(), hours.join(","))
            }
        };
        format!(
            "document:\n  dsl: '1.0.3'\n  namespace: contoso\n  name: {}\n  version: '1.0.0'\n  metadata: {{keyway: {{timeZone: {}}}}}\nschedule: {{{schedule}}}\ndo:\n  - a: {{set: {{done: true}}}}\n",
            self.name, self.zone
        )
    }

    /// Its nominal times after one moment, up to another.
    fn expected(&self, from: Timestamp, to: Timestamp) -> BTreeSet<Timestamp> {
        if self.times.is_empty() {
            let step = SignedDuration::from_secs(self.every);
            return std::iter::successors(Some(from + step), |last| Some(*last + step))
                .take_while(|time| *time <= to)
                .collect();
        }
        let zone = TimeZone::get(self.zone).unwrap();
        let day = |moment: Timestamp| moment.to_zoned(zone.clone()).date();
        let days =
            std::iter::successors(day(from).yesterday().ok(), |day: &Date| day.tomorrow().ok())
                .take_while(|day_of| *day_of <= day(to));
        days.flat_map(|day| self.times.iter().map(move |time| day.to_datetime(*time)))
            .map(|civil| {
                let ambiguous = zone.to_ambiguous_timestamp(civil);
                match ambiguous.offset() {
                    // A clock that skips the time shows the end of the gap instead: the moment of the change.
                    AmbiguousOffset::Gap { .. } => {
                        let before = civil.checked_sub(1.day()).unwrap();
                        let before = zone.to_timestamp(before).unwrap();
                        zone.following(before).next().unwrap().timestamp()
                    }
                    _ => ambiguous.earlier().unwrap(),
                }
            })
            .filter(|time| *time > from && *time <= to)
            .collect()
    }
}

/// The clock's next jump, in seconds.
fn jump(random: &mut u64) -> i64 {
    let mut roll = || {
        *random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(*random >> 33).unwrap()
    };
    match roll() % 16 {
        0 => 86_400,
        1 => -86_400,
        2 => -3_600,
        3 => [1, -1][usize::try_from(roll() % 2).unwrap()],
        _ => roll() % 7_200,
    }
}

/// Lives through a month; answers the latest moment that the clock showed.
async fn live(house: &mut House, random: &mut u64) -> Timestamp {
    let begun = house.store.clock.now();
    let mut latest = begun;
    let mut rounds = 0;
    while latest < begun + MONTH {
        rounds += 1;
        house
            .store
            .clock
            .advance(SignedDuration::from_secs(jump(random)));
        latest = latest.max(house.store.clock.now());
        if rounds % 50 == 0 {
            house.restart();
        }
        house.engine().look();
        until("nothing is due", async || {
            house
                .store
                .schedules()
                .due(None, 1)
                .await
                .unwrap()
                .is_empty()
        })
        .await;
    }
    latest
}

/// The runs that are still kept; those that ended two weeks ago are gone.
async fn kept(house: &House) -> BTreeSet<RunId> {
    let mut runs = BTreeSet::new();
    let mut filter = RunFilter {
        limit: 1_000,
        ..RunFilter::default()
    };
    loop {
        let page = house.store.runs().list(&Actor::local(), &filter).await;
        let page = page.unwrap();
        runs.extend(page.runs.into_iter().map(|run| run.id));
        match page.next {
            Some(next) => filter.before = Some(next),
            None => return runs,
        }
    }
}

fn cases() -> usize {
    #[expect(
        clippy::disallowed_methods,
        reason = "how many cases are tried is for whoever runs the test to say"
    )]
    let cases = std::env::var("KEYWAY_PROOF_CASES").ok();
    cases.and_then(|cases| cases.parse().ok()).unwrap_or(100)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_of_schedules_has_each_time_once() {
    let plans: Vec<Plan> = (0..cases()).map(Plan::new).collect();
    let (mut times, mut runs, mut doubled, mut wrong) = (0, 0, 0, Vec::new());
    // Each of them holds a change of daylight saving time in every zone that has one then.
    let local = Actor::local();
    for (number, begin) in ["2026-03-07T00:00:30Z", "2026-10-03T00:00:30Z"]
        .iter()
        .enumerate()
    {
        let mut house = house().await;
        let begin: Timestamp = begin.parse().unwrap();
        let now = house.store.clock.now();
        house.store.clock.advance(begin.duration_since(now));
        let mut flows = Vec::new();
        for plan in &plans {
            let deployed = house.engine().deploy(&plan.text()).await;
            flows.push(deployed.flow.unwrap().id);
        }
        let mut random = 20_260_601 + u64::try_from(number).unwrap();
        let latest = live(&mut house, &mut random).await;
        let mut fired = BTreeSet::new();
        for (plan, flow) in plans.iter().zip(&flows) {
            let schedules = house.store.schedules();
            let firings = schedules.firings(&local, flow, 1_000).await.unwrap();
            let nominal: BTreeSet<Timestamp> =
                firings.iter().map(|firing| firing.nominal).collect();
            doubled += firings.len() - nominal.len();
            for run in firings.iter().filter_map(|firing| firing.run.clone()) {
                doubled += usize::from(!fired.insert(run));
            }
            let expected = plan.expected(begin, latest);
            if nominal != expected {
                let differ: Vec<_> = nominal.symmetric_difference(&expected).collect();
                wrong.push(format!("{} in {}: {differ:?}", plan.name, plan.zone));
            }
            times += nominal.len();
        }
        // A run that no time stands for was started twice.
        doubled += kept(&house).await.difference(&fired).count();
        runs += fired.len();
    }
    let passed = doubled == 0 && wrong.is_empty() && runs > times / 4;
    println!(
        "figure {}",
        json!({"id": "G9", "name": format!("{} schedules over two months with jumps: times doubled or neither started nor reported", plans.len()),
            "goal": 0, "measured": doubled + wrong.len(), "unit": format!("of {times} times, {runs} runs"), "passed": passed})
    );
    assert!(
        passed,
        "{doubled} doubled, {runs} runs of {times} times, wrong: {wrong:?}"
    );
}
