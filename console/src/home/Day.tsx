import type { Hour } from "../api/overview";
import { home } from "../texts/home";
import { Chart } from "../ui/Chart";
import { Facts } from "../ui/Facts";
import { clock } from "../ui/moments";

/** Runs and calls by the hour. */
export function Day({ hours }: { hours: Hour[] }) {
  const total = (of: (hour: Hour) => number) => hours.reduce((sum, hour) => sum + of(hour), 0);
  const faulted = total(({ runs }) => runs.faulted);
  const ended = faulted + total(({ runs }) => runs.completed + runs.cancelled);
  const made = total(({ calls }) => calls.made);
  if (made === 0 && total(({ runs }) => runs.started) === 0) return <p className="muted">{home.quiet}</p>;
  const labels = hours.map(({ at }) => clock(at));
  return (
    <div className="stack">
      <Facts
        facts={[
          [home.failureRate, home.failureRateOf(faulted, ended)],
          [home.throttledRate, home.failureRateOf(total(({ calls }) => calls.throttled), made)],
        ]}
      />
      <div className="columns">
        <Chart
          title={home.runs}
          labels={labels}
          series={[
            { name: home.completed, tone: "good", values: hours.map(({ runs }) => runs.completed) },
            { name: home.faulted, tone: "bad", values: hours.map(({ runs }) => runs.faulted) },
            { name: home.cancelled, tone: "neutral", values: hours.map(({ runs }) => runs.cancelled) },
            { name: home.goesOn, tone: "info", values: hours.map(({ runs }) => runs.started - runs.completed - runs.faulted - runs.cancelled) },
          ]}
        />
        <Chart
          title={home.calls}
          labels={labels}
          series={[
            { name: home.fine, tone: "good", values: hours.map(({ calls }) => calls.made - calls.throttled - calls.failed) },
            { name: home.throttled, tone: "warn", values: hours.map(({ calls }) => calls.throttled) },
            { name: home.failedCalls, tone: "bad", values: hours.map(({ calls }) => calls.failed) },
          ]}
        />
      </div>
    </div>
  );
}
