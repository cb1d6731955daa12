//! Lets triggers fire that are due: each nominal time once, or reported as missed or skipped.

use std::sync::Arc;

use flow::definition::OverlapPolicy;
use serde_json::json;
use store::{Actor, DueTrigger, FiringOutcome, FlowId, FlowRecord, NewFiring, RunId, Trigger};

use super::Inner;
use super::start::Draft;
use crate::Error;
use crate::definitions::Definition;
use crate::schedule;

/// How many triggers fire in one round.
const AT_ONCE: u32 = 200;

impl Inner {
    /// Deals with one page of the triggers that are due, after the one that the last page ended with; answers whether
    /// there may be more. One that can't be dealt with, or waits for a run, doesn't keep the others from firing.
    pub(super) async fn fire(
        self: &Arc<Self>,
        after: &mut Option<DueTrigger>,
    ) -> Result<bool, Error> {
        let page = self.store.schedules().due(after.as_ref(), AT_ONCE).await?;
        let full = page.len() == AT_ONCE as usize;
        *after = page.last().filter(|_| full).cloned();
        let mut outcome = Ok(full);
        for due in page {
            match Box::pin(self.fire_one(&due)).await {
                // By a conflict: somebody else was first.
                Ok(()) | Err(Error::Store(store::Error::Conflict { .. })) => {}
                Err(Error::Stopping) => return Ok(false),
                Err(error @ (Error::FlowInvalid(_) | Error::FlowNotFound { .. })) => {
                    tracing::error!(flow = %due.flow, %error, "a trigger can't fire: it is switched off");
                    let missed = vec![(due.nominal, FiringOutcome::Missed)];
                    self.store.schedules().pass(due, missed, None).await?;
                }
                Err(error) => {
                    tracing::error!(flow = %due.flow, %error, "a trigger could not fire: it is tried again");
                    outcome = outcome.and(Err(error));
                }
            }
        }
        outcome
    }

    async fn fire_one(self: &Arc<Self>, due: &DueTrigger) -> Result<(), Error> {
        let found = self
            .store
            .flows()
            .find_by_id(&Actor::system(), &due.flow)
            .await;
        let record = found?.ok_or_else(|| Error::FlowNotFound {
            name: due.flow.to_string(),
        })?;
        let definition = self.definitions.load(&record.id, record.current).await?;
        let trigger = definition.flow.schedule.as_ref().and_then(|schedule| {
            let mut triggers = schedule.triggers.iter();
            triggers
                .find(|trigger| schedule::key(trigger, &schedule.time_zone) == due.trigger)
                .map(|trigger| (schedule, trigger))
        });
        let Some((plan, trigger)) = trigger.filter(|_| record.disabled_at.is_none()) else {
            let passed = self
                .store
                .schedules()
                .pass(due.clone(), Vec::new(), None)
                .await;
            return Ok(passed?);
        };
        let made = schedule::due(plan, trigger, due.nominal, self.now());
        let mut passed: Vec<_> = made
            .missed
            .iter()
            .map(|time| (*time, FiringOutcome::Missed))
            .collect();
        if !passed.is_empty() {
            metrics::counter!("keyway_schedules_missed_total").increment(passed.len() as u64);
            tracing::warn!(flow = %definition.name(), times = passed.len(), "times of a schedule were missed");
        }
        let Some(nominal) = made.serve else {
            let passed = self
                .store
                .schedules()
                .pass(due.clone(), passed, made.next)
                .await;
            return Ok(passed?);
        };
        if plan.overlap != OverlapPolicy::Parallel && self.store.runs().live(&due.flow).await? > 0 {
            if plan.overlap == OverlapPolicy::Queue {
                return Ok(());
            }
            passed.push((nominal, FiringOutcome::Skipped));
            // A trigger that counts from the end of a run is set by the end of the one that goes.
            let passed = self
                .store
                .schedules()
                .pass(due.clone(), passed, made.next)
                .await;
            return Ok(passed?);
        }
        let draft = Draft {
            run: RunId::random(),
            definition: Arc::clone(&definition),
            input: json!({}),
            actor: Actor::system().id,
            trigger: Trigger::Schedule {
                trigger: due.trigger.clone(),
                nominal,
            },
            key: None,
            firing: Some(NewFiring::Time {
                trigger: due.trigger.clone(),
                due: due.nominal,
                nominal,
                missed: made.missed,
                next: made.next,
            }),
            parent: None,
            depth: 0,
        };
        Box::pin(self.begin(draft)).await.map(drop)
    }

    /// Makes the triggers of a flow those of its current version, or none.
    pub(crate) async fn arm(
        &self,
        flow: &FlowId,
        record: &FlowRecord,
        definition: &Definition,
    ) -> Result<(), Error> {
        let triggers = match &definition.flow.schedule {
            Some(plan) if record.disabled_at.is_none() => schedule::first(plan, self.now()),
            _ => Vec::new(),
        };
        self.store.schedules().arm(flow, triggers).await?;
        self.triggers.forget();
        self.definitions.forget();
        self.wake.notify_one();
        Ok(())
    }
}
